# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that statements are about: mail flow rules, and the rules of DLP policies, which come after them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from ..actions.brought_people import ADDING, MANAGER, REDIRECTS, THE_MANAGER
from ..conditions.predicate import Atom
from ..formula import Value
from ..model.facts import Facts
from ..rules.dlp_rules import DlpRule, Node
from ..rules.flow_rule import FlowRule
from ..symbolic.compile_outcomes import Outcome
from .rule_effects import RuleEffect

#: A rule that a statement is about.
StatedRule: TypeAlias = "FlowRule | DlpRule"


def conditions_of(rule: StatedRule) -> tuple[Atom, ...]:
    """The conditions of a rule, without its exceptions. For a tree of conditions, these are its leaves, however it joins them."""
    if isinstance(rule, FlowRule):
        return rule.criteria.conditions
    wanted = (part for part in rule.parts if part.operator != "not")
    return tuple(leaf.atom for part in wanted for leaf in part.leaves if leaf.atom is not None)


def lists_of(rule: StatedRule) -> list[Atom | None]:
    """The parts of a rule all of which must hold: each is a condition, or ``None`` for what is not a single one."""
    if isinstance(rule, FlowRule):
        return list(rule.criteria.conditions)
    return [part.atom for part in rule.parts]


def with_values(rule: StatedRule, number: int, values: tuple[Any, ...]) -> StatedRule:
    """A rule with other values of one of :func:`lists_of`; without that condition if there are none."""
    if isinstance(rule, FlowRule):
        conditions = rule.criteria.conditions
        changed = [replace(conditions[number], values=values)] if values else []
        return rule.with_criteria((*conditions[:number], *changed, *conditions[number + 1 :]))
    part = rule.parts[number]
    changed_parts = [replace(part, atom=replace(part.atom, values=values))] if values and part.atom is not None else []
    return replace(rule, looks_for=Node("and", (*rule.parts[:number], *changed_parts, *rule.parts[number + 1 :])))


def brought_names(rule: StatedRule) -> list[tuple[str, str]]:
    """The people to whom a rule sends mail, as it names them, each after the option."""
    options = rule.actions.options if isinstance(rule, FlowRule) else rule.sends.options
    return [(option, str(name)) for option in ADDING for name in options.get(option) or ()]


def effects_on_people(rule: StatedRule, facts: Facts) -> Iterator[RuleEffect]:
    """The effects that people to whom a rule sends mail get copies."""
    for option, name in brought_names(rule):
        yield RuleEffect("copied" if option != REDIRECTS else "copied_instead", (facts.people.primary(name),))
    actions = rule.actions if isinstance(rule, FlowRule) else rule.sends
    if actions.options.get(MANAGER):
        yield RuleEffect("copied_instead" if actions.redirects_to_manager else "copied", (THE_MANAGER,))


def matches(rule: StatedRule, outcome: Outcome) -> Value:
    """Whether a copy is mail that a rule is about when it reaches the rule.

    :raises ValueError: no mail reaches it.
    """
    if isinstance(rule, DlpRule):
        return outcome.after.dlp.meets(rule)
    step = outcome.chain.step(rule)
    if step is None:
        raise ValueError("A rule that no mail reaches.")
    return step.matches


def acts(rule: StatedRule, outcome: Outcome) -> Value:
    """Whether a rule acts on a copy; a DLP rule also does so if it only stops others for it."""
    if isinstance(rule, DlpRule):
        return outcome.after.dlp.acts(rule)
    return outcome.chain.acts(rule)
