# SPDX-License-Identifier: GPL-3.0-or-later
"""Redundant rules: others do the same to all of their mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..._resources.rules.action_effects import Does
from ..formula import Literal, Value, high
from ..rules.flow_rule import FlowRule
from ..sat.batch import Batch
from ..symbolic.compile_rules import RuleChain

#: What counts as often as rules do it: another prefix, another report, another approval.
_ADDS_UP = frozenset((Does.CHANGE, Does.REPORT, Does.MODERATE))

#: The maximum number of covering rules that are tried without each of them.
_MOST_TRIED = 8


def adds_up(rule: FlowRule) -> tuple[str, ...]:
    """The actions of a rule that make a difference even if another rule does the same to the same mail."""
    return tuple(
        row.option
        for row in rule.actions.rows
        if row.does in _ADDS_UP or (row.does is Does.ADD and rule.criteria.splits)
    )


def covered(
    live: Sequence[FlowRule], chains: Iterable[tuple[Value, RuleChain]], asked: Batch
) -> list[tuple[FlowRule, tuple[FlowRule, ...]]]:
    """The rules whose mail all meets others that do at least the same, each with these others. Of equal rules, the
    first covers the others.

    A rule that ends the way of its mail may be covered by later rules: the mail would meet them if nothing between them
    kept it.

    :param live: the rules that may act, in any order.
    :param chains: the recipient's chain, and those of people whom rules add, each with the condition under which there
        is the copy.
    """
    rules = sorted((rule for rule in live if _is_plain(rule)), key=lambda rule: rule.place)
    pools = _pools(rules)
    ways = list(chains)
    alone = _acting_alone(rules, pools, ways, asked)
    covered_rules: dict[int, tuple[FlowRule, ...]] = {}

    def uncovered(rule: FlowRule) -> list[FlowRule]:
        return [other for other in pools[rule.place] if other.place not in covered_rules]

    for rule in reversed(rules):
        others = uncovered(rule)
        if others and rule.place not in alone and (by := _minimal_cover(rule, others, ways, asked)):
            covered_rules[rule.place] = by
    for rule in rules:  # What is named should not be covered itself.
        if any(other.place in covered_rules for other in covered_rules.get(rule.place, ())):
            covered_rules[rule.place] = _minimal_cover(rule, uncovered(rule), ways, asked) or covered_rules[rule.place]
    return [(rule, covered_rules[rule.place]) for rule in rules if rule.place in covered_rules]


def _pools(rules: Sequence[FlowRule]) -> dict[int, list[FlowRule]]:
    """The place of each rule to the others that do all that it does."""
    doing: dict[tuple[str, str], set[int]] = {}
    for rule in rules:
        for item in _options(rule):
            doing.setdefault(item, set()).add(rule.place)
    return {rule.place: _others_doing_all(rule, rules, doing) for rule in rules}


def _acting_alone(
    rules: Sequence[FlowRule],
    pools: Mapping[int, Sequence[FlowRule]],
    ways: Sequence[tuple[Value, RuleChain]],
    asked: Batch,
) -> set[int]:
    """The places of the rules that may act on a copy on which none of the others that do the same would act."""
    questions = [
        ((rule.place, number), _acts_alone(rule, pools[rule.place], *way))
        for rule in rules
        for number, way in enumerate(ways)
        if pools[rule.place]
    ]
    return {place for place, _way in asked.possible(questions)}


def _is_plain(rule: FlowRule) -> bool:
    """Whether it is known what a rule does, whoever sends the mail."""
    return rule.actions.enforced and not (rule.actions.by_manager or rule.actions.surprises or rule.actions.left_undone)


def _options(rule: FlowRule) -> set[tuple[str, str]]:
    """The options of the actions of a rule, each with its value as a text."""
    return {(option, repr(value)) for option, value in rule.actions.options.items()}


def _others_doing_all(
    rule: FlowRule, rules: Sequence[FlowRule], doing: Mapping[tuple[str, str], set[int]]
) -> list[FlowRule]:
    """The other rules that do all that a rule does; none for a rule that does nothing."""
    rules_doing = [doing[item] for item in _options(rule)]
    places = set.intersection(*rules_doing) - {rule.place} if rules_doing else set()
    return [other for other in rules if other.place in places]


def _acts_alone(rule: FlowRule, others: Iterable[FlowRule], when: Value, chain: RuleChain) -> list[Literal]:
    """Literals that are true together if a rule acts on a copy on which none of some others would act. A rule that
    reports a copy may do so after a rejection (U10), and so may the others then.
    """
    acts = chain.notifies if rule.actions.does(Does.REPORT) else chain.acts

    def would_act(other: FlowRule) -> Value:
        step = chain.step(other)
        return step.matches if step is not None and rule.actions.is_final and other.place > rule.place else acts(other)

    return [high(when), high(acts(rule)), *(high(~would_act(other)) for other in others)]


def _minimal_cover(
    rule: FlowRule, others: Sequence[FlowRule], ways: Sequence[tuple[Value, RuleChain]], asked: Batch
) -> tuple[FlowRule, ...]:
    """Some of these others that together act on all mail of a rule; empty if they do not. Of no more than :data:`_MOST_TRIED`,
    none can be left out.
    """
    cover = _cover(rule, others, ways, asked)
    for other in cover if len(cover) <= _MOST_TRIED else ():
        less = [one for one in cover if one is not other]
        cover = (less and _cover(rule, less, ways, asked)) or cover
    return tuple(cover)


def _cover(
    rule: FlowRule, others: Sequence[FlowRule], ways: Sequence[tuple[Value, RuleChain]], asked: Batch
) -> list[FlowRule]:
    """Some of these others that together act on all mail of a rule; empty if they do not, or if it never acts."""
    core: set[int] = set()
    for when, chain in ways:
        literals = _acts_alone(rule, others, when, chain)
        if asked.can(literals):
            return []
        known = set(asked.core)
        core |= {other.place for other, literal in zip(others, literals[2:], strict=True) if literal in known}
    return [other for other in others if other.place in core]
