# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions of a rule that earlier rules change."""

from __future__ import annotations

from functools import partial

from ..conditions.predicate import Atom, Reach
from ..conditions.seen_message import SeenMessage
from ..formula import high
from ..rules.dlp_rules import DlpRule
from ..symbolic.compile_rules import RuleStep
from .edited_rules import results_at_earlier_steps
from .stated_rules import StatedRule
from .statement_model import StatementModel

#: What :func:`changed_conditions` has in place of names if earlier rules change only who shares the copy: each rule with a
#: condition about its recipients may, so their names say nothing.
BY_SPLITS: tuple[str, ...] = ("",)


def changed_conditions(rule: StatedRule, statement_model: StatementModel) -> dict[Atom, tuple[str, ...]]:
    """The conditions and exceptions of a rule that come out otherwise because of earlier rules, for some usual mail that meets
    all others, each with the names of the earlier rules that act on that mail and change what it looks at; :data:`BY_SPLITS` if
    they only split off the people whom it looks for.
    None of a DLP rule, which only looks at what no rule changes if it is certain.
    """
    if isinstance(rule, DlpRule):
        return {}
    model, chain = statement_model.model, statement_model.chain
    step = chain.step(rule)
    if step is None:
        return {}
    logic = model.free.logic
    changed = dict[Atom, tuple[str, ...]]()
    atoms = [
        *((atom, False) for atom in rule.criteria.conditions),
        *((atom, True) for atom in rule.criteria.exceptions),
    ]
    truths = {atom: chain.conditions.truth(atom, step.seen, chain.person) for atom, _exempts in atoms}
    for atom, _exempts in atoms:
        arrived = chain.conditions.truth(atom, _as_it_arrives(atom, step), chain.person)
        if arrived == truths[atom]:
            continue
        others = [~truths[other] if exempts else truths[other] for other, exempts in atoms if other is not atom]
        usual = [assumption.literal for assumption in model.mail.assumptions]
        meant = [*usual, high(logic.all_of((*others, ~logic.equal(arrived, truths[atom]))))]
        if not statement_model.is_possible(meant):
            continue
        if chain.conditions.truth(atom, step.seen.with_changes(splits=0), chain.person) == arrived:
            changed[atom] = BY_SPLITS
            continue
        names = tuple(
            earlier.rule.name
            for earlier, before, after in results_at_earlier_steps(
                chain, atom, step, partial(_seen_at, atom, step=step)
            )
            if before != after
            and statement_model.is_possible([*meant, high(earlier.acts), high(~logic.equal(before, after))])
        )
        if names:
            changed[atom] = names
    return changed


def _seen_at(atom: Atom, earlier: RuleStep, step: RuleStep) -> SeenMessage:
    """What a condition sees at an earlier step. It knows of the splits before that if it looks at all who share the copy; otherwise of
    those before its own rule.
    """
    return earlier.seen.with_changes(splits=(earlier if atom.reach is Reach.COPY else step).seen.splits)


def _as_it_arrives(atom: Atom, step: RuleStep) -> SeenMessage:
    """The message as it arrives, with the people whom rules add to it before a step."""
    return SeenMessage(splits=0 if atom.reach is Reach.COPY else step.seen.splits, added=step.seen.added)
