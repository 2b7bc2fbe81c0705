# SPDX-License-Identifier: GPL-3.0-or-later
"""What findings say of edited rules: their names, the conditions that no earlier rule changes, and what tells their versions apart."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import Literal, Value, high
from ..rules.flow_rule import FlowRule
from ..symbolic.compile_rules import RuleChain, RuleStep
from ..symbolic.encoding import Model
from .rule_changes import NOTHING, Edit, Separation, is_list

#: The maximum number of values that are asked about one by one: each is a question to the solver.
_MOST_VALUES = 8


def edit_at(edits: Sequence[Edit], cause: int) -> Edit | None:
    """The edit behind a cause; ``None`` for the cause that no edited rule acts differently."""
    return edits[cause] if cause < len(edits) else None


def names_of(edits: Iterable[Edit]) -> tuple[str, ...]:
    """The names of edited rules."""
    return tuple(dict.fromkeys(edit.rule.name for edit in edits))


def rules_of(model: Model, edits: Sequence[Edit], edit: Edit | None) -> tuple[str, ...]:
    """The names of the edited rules that cause a class. If no edited rule acts differently, these are all that change who shares
    a copy; if settings differ, all edited rules.
    """
    return names_of([edit] if edit else [other for other in edits if model.settings_that_differ or other.splits])


def watching_rules(model: Model) -> tuple[str, ...]:
    """The names of the rules that look at all who share a copy, in any of the sets."""
    rules = (rule for rules in model.rule_sets[:2] for rule in rules.rules if not rule.idle)
    return tuple(dict.fromkeys(rule.name for rule in rules if any(atom.looks_around for atom in rule.criteria.atoms)))


def changing_rules(chain: RuleChain, atom: Atom, step: RuleStep) -> Iterator[str]:
    """The names of the rules before a step that change the result of a condition."""
    results = results_at_earlier_steps(
        chain, atom, step, lambda earlier: earlier.seen.with_changes(splits=step.seen.splits, added=step.seen.added)
    )
    yield from (earlier.rule.name for earlier, before, after in results if before != after)


def results_at_earlier_steps(
    chain: RuleChain, atom: Atom, step: RuleStep, seen_at: Callable[[RuleStep], SeenMessage]
) -> Iterator[tuple[RuleStep, Value, Value]]:
    """The steps before one, each with the result of a condition before and after it.

    :param seen_at: what the condition is to see at a step.
    """
    steps = [earlier for earlier in chain.steps if earlier.rule.place <= step.rule.place]
    truths = [chain.conditions.truth(atom, seen_at(earlier), chain.person) for earlier in steps]
    for earlier, (before, after) in zip(steps, itertools.pairwise(truths), strict=False):
        yield earlier, before, after


def unchanged(model: Model, rule: FlowRule) -> FlowRule:
    """A rule with only the conditions whose result no earlier rule changes."""
    met = _first_met(model, rule)
    if met is None:
        return rule
    chain, step = met
    arrived = SeenMessage(splits=step.seen.splits, added=step.seen.added)
    conditions = [
        atom
        for atom in rule.criteria.conditions
        if chain.conditions.truth(atom, arrived, chain.person) == chain.conditions.truth(atom, step.seen, chain.person)
    ]
    return rule.with_criteria(conditions)


def changed_conditions_of(model: Model, rule: FlowRule) -> dict[Atom, tuple[str, ...]]:
    """The other conditions of a rule, whose result earlier rules change, each with the names of these rules."""
    met = _first_met(model, rule)
    if met is None:
        return {}
    chain, step = met
    kept = unchanged(model, rule).criteria.conditions
    return {atom: tuple(changing_rules(chain, atom, step)) for atom in rule.criteria.conditions if atom not in kept}


def _first_met(model: Model, rule: FlowRule) -> tuple[RuleChain, RuleStep] | None:
    """The first chain of a model in which mail may meet a rule, with the rule's step there; ``None`` if there is none."""
    steps = ((chain, chain.step(rule)) for chain in model.free.chains)
    return next(((chain, step) for chain, step in steps if step is not None), None)


def telling_separation(
    model: Model, rules: Sequence[FlowRule], why: Separation, solve: Callable[[Sequence[Literal]], bool | None]
) -> Separation:
    """A separation, if it says more than the conditions of the rules, all of which the mail meets, and with only the values that
    such mail may have: mail to one domain is never mail to another one. Otherwise :data:`NOTHING`.

    :param solve: whether a message can satisfy literals; ``None`` if the budget ends first.
    """
    if why.met or len(why.unmet) != 1:
        return why
    (unmet,) = why.unmet
    conditions, recipient = model.free.conditions, model.mail.recipient
    met = [atom for rule in rules for atom in rule.criteria.conditions]

    def is_possible(atom: Atom) -> bool:
        """Whether mail that meets the conditions may meet another one."""
        literals = [high(conditions.truth(each, SeenMessage(), recipient)) for each in (*met, atom)]
        return solve(literals) is not False

    if not is_possible(unmet):
        return NOTHING
    if not is_list(unmet) or not 1 < len(unmet.values) <= _MOST_VALUES:
        return why
    values = tuple(value for value in unmet.values if is_possible(replace(unmet, values=(value,))))
    return replace(why, unmet=(replace(unmet, values=values),)) if values else why
