# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether edits have another effect later: the dates of a rule that no edit touches matter only where that rule and an edited one can
meet the same mail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from ..budget import BudgetError
from ..formula import TRUE, Literal, Value, high
from ..rules.flow_rule import FlowRule
from ..rules.rule_dates import RuleDates
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import LATER
from ..symbolic.compile_outcomes import Copies
from ..symbolic.compile_rules import RuleChain
from ..symbolic.encoding import Model
from ..symbolic.message_assumptions import contradicted_assumptions
from .aspects import DifferenceKind
from .difference_kinds import assumed, categories
from .rule_changes import DateChange, Edit
from .rule_side_effects import effects_of

#: The maximum number of conflicts for each rule with dates.
_CONFLICTS = 1_000

#: The kinds of difference of which mail can show another one of the same kind.
_CHANGES = (DifferenceKind.PROTECTION_CHANGED, DifferenceKind.BRANDING_CHANGED, DifferenceKind.FATE_CHANGED)

#: A rule with what its dates change.
DatedRule = tuple[FlowRule, Sequence[DateChange]]


def shown_later(today: Model, edits: Sequence[Edit], dated: Sequence[DatedRule]) -> list[DatedRule]:
    """The rules whose dates may change later what the edits do: all of them but those that no edit touches, and of which it is proved
    that no mail on which they act is treated differently.

    :param today: the model of both rule sets.
    :param edits: all edits of rules, in the same sets.
    :param dated: as :func:`.with_later_dates` gives them.
    """
    unedited = [rule for rule, dates in dated if all(date.how == "meets" for date in dates)]
    if not unedited:
        return list(dated)
    try:
        later = _SetsLater(today, edits, unedited)
        hidden = {id(rule) for rule in unedited if not later.may_show(rule)}
    except BudgetError:
        return list(dated)
    return [(rule, dates) for rule, dates in dated if id(rule) not in hidden]


class _SetsLater:
    """Both rule sets as they are, and as they are if it is open whether each of some rules acts, over one message.

    :param dated: these rules, which are the same in both sets.
    """

    def __init__(self, today: Model, edits: Sequence[Edit], dated: Sequence[FlowRule]) -> None:
        known = {(rule.name, rule.dates) for rule in dated}
        sets = [*today.rule_sets, *(_with_open_dates(rules, known) for rules in today.rule_sets)]
        self._model = Model(
            sets,
            today.claims,
            today.facts,
            today.now,
            today.options,
            settings=today.settings * 2,
            transit=today.transit,
        )
        self._copies = [self._model.added(self._model.free, place, shared=False) for place in range(len(sets))]
        looked_at = [atom for edit in edits for atom in edit.looks_for]
        looked_at += [atom for rule in dated for atom in rule.criteria.atoms]
        self._usual = assumed(self._model, contradicted_assumptions(looked_at), usual=True)
        self._is_followed = not any(
            copies.cut or chain.copies.unfollowed
            for copies, chain in zip(self._copies, self._model.free.chains, strict=True)
        )
        edited = {rule.name for edit in edits for rule in (edit.before, edit.after) if rule is not None}
        differing = [*self._differing(), *self._telling_differently(edited)] if self._is_followed else []
        self._differs = self._model.circuit.disjunction(differing)

    def may_show(self, rule: FlowRule) -> bool:
        """Whether what the edits do to some mail may depend on the dates of a rule."""
        if not self._is_followed:
            return True
        # A rule that parts copies may matter to the mail of others, too.
        parts = rule.criteria.splits and any(rules.watches_copies for rules in self._model.rule_sets)
        acts = high(TRUE) if parts else self._acts(rule.name)
        return self._model.circuit.solve([acts, self._differs, *self._usual], _CONFLICTS) is not False

    def _acts(self, name: str) -> Literal:
        """Whether a rule acts on a copy, in one of the sets."""
        acting = (self._some(place, name, RuleChain.acts) for place in range(len(self._copies)))
        return self._model.circuit.disjunction(acting)

    def _some(self, place: int, name: str, does: Callable[[RuleChain, FlowRule], Value]) -> Literal:
        """Whether a rule does something to a copy.

        :param place: the place of the rule set.
        """
        chain = self._model.free.chains[place]
        rules = [rule for rule in chain.rules.rules if rule.name == name]
        values = [does(chain, rule) for rule in rules]
        values += [copy.when & does(copy.outcome.chain, rule) for copy in self._copies[place].copies for rule in rules]
        return self._model.circuit.disjunction(map(high, values))

    def _telling_differently(self, edited: Collection[str]) -> Iterator[Literal]:
        """Literals of which one is true if an edit changes other side effects while the rules act, or do not act, than today.

        :param edited: the names of the edited rules.
        """
        circuit = self._model.circuit
        names = {rule.name for rules in self._model.rule_sets[:2] for rule in rules.rules if effects_of(rule)}
        for name in sorted(names):
            before, after, later_before, later_after = (
                self._some(place, name, RuleChain.notifies) for place in range(len(self._copies))
            )
            if name in edited:
                yield ~circuit.equal(before, later_before)
                yield ~circuit.equal(after, later_after)
            else:
                yield ~circuit.equal(circuit.equal(before, after), circuit.equal(later_before, later_after))

    def _differing(self) -> list[Literal]:
        """Literals of which one is true if the sets treat somebody's copy differently in another way while the rules act, or do
        not act, than today.
        """
        circuit = self._model.circuit
        side = self._model.free
        of_recipient = [Copies(side.logic, [(TRUE, outcome)]) for outcome in side.outcomes]
        people = sorted({copy.address for added in self._copies for copy in added.copies})
        of_people = [
            [
                Copies(side.logic, [(copy.when, copy.outcome) for copy in added.copies_of(person)])
                for added in self._copies
            ]
            for person in people
        ]
        differing: list[Literal] = []
        for copies in (of_recipient, *of_people):
            today, later = self._kinds(copies[0], copies[1]), self._kinds(copies[2], copies[3])
            differing += [~circuit.equal(today[kind], later[kind]) for kind in later]
            since = [*self._kinds(copies[0], copies[2]).values(), *self._kinds(copies[1], copies[3]).values()]
            changes = circuit.disjunction(later[kind] for kind in _CHANGES)
            differing.append(circuit.conjunction([changes, circuit.disjunction(since)]))
        return differing

    def _kinds(self, old: Copies, new: Copies) -> dict[DifferenceKind, Literal]:
        """By kind of difference, the literal that is true if copies show it."""
        kinds = categories(old, new, self._model.options, transit=self._model.transit)
        return {kind: high(value) for kind, value in kinds.items()}


def _with_open_dates(rules: RuleSet, known: Collection[tuple[str, RuleDates]]) -> RuleSet:
    """Rules of which it is open whether some act, whatever the date.

    :param known: the names and dates of these.
    """
    return rules.with_rules(
        replace(
            rule,
            guid="",
            dates=RuleDates(),
            criteria=replace(rule.criteria, doubts=(*rule.criteria.doubts, LATER)),
        )
        if (rule.name, rule.dates) in known
        else rule
        for rule in rules.rules
    )
