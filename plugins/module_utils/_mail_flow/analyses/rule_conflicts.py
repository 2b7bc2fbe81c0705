# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds messages on which rules get in each other's way.

What is found rests on a message that the simulator lets pass the rules: whatever is unknown, it shows what is said of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..._exchange.names import same_name
from ..._resources.rules.action_effects import Does
from ..actions.actions import BY_OPTION
from ..actions.protect import option_name
from ..budget import BudgetError
from ..formula import FALSE, TRUE, Literal, Value, high, low
from ..model import questions
from ..model.inside import recipient_outside
from ..model.outcomes import Fate, ProtectionKind
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.protection import CopyProtection, protection_of
from ..simulator.state import World
from ..symbolic.compile_rules import RuleStep
from ..symbolic.encoding import Model
from ..symbolic.message_search import CandidateMessage
from ..symbolic.side import Side
from ..symbolic.witness_replay import course_of

#: What has to be true of a message on a side.
Wanted = Callable[[Side], Sequence[Value]]

#: A way in which a copy can pass the rules, and what happens to its protection.
End = tuple[World, CopyProtection]


class Meetings:
    """Messages that several rules act on, or would act on.

    :param rules: those that the model is about.
    :param budget: the maximum number of conflicts for all questions together; what would need more is not found.
    """

    def __init__(self, model: Model, rules: RuleSet, budget: int) -> None:
        self.model = model
        self.rules = rules
        self._budget = budget

    def decrypted(self, rule: FlowRule, encrypting: Sequence[FlowRule]) -> FlowRule | None:
        """One of some rules that encrypts a message that a rule decrypts; the result is not documented."""

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            both = (
                bool(ends)
                and _act(ends, rule)
                and all(
                    any(reason.id == questions.ENCRYPTED_AND_DECRYPTED for reason in state.reasons)
                    for _world, state in ends
                )
            )
            return next((rule for rule in encrypting if both and _act(ends, rule)), None)

        return self._any(lambda side, some: _both_act(side, rule, some), encrypting, shown, ("", "own"))

    def differing(self, rule: FlowRule, others: Sequence[FlowRule]) -> FlowRule | None:
        """One of some rules that encrypts a message that a rule encrypts, too, so that its option is unknown."""

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            open_ = (
                bool(ends)
                and _act(ends, rule)
                and all(state.kind == ProtectionKind.OPTION_UNKNOWN and state.by for _world, state in ends)
            )
            return next((rule for rule in others if open_ and _act(ends, rule)), None)

        return self._any(lambda side, some: _both_act(side, rule, some), others, shown)

    def kept_from(self, rule: FlowRule, later_rules: Sequence[FlowRule]) -> FlowRule | None:
        """One of some rules that would encrypt a message if another one did not stop it."""
        going = self.rules.with_rules(
            _going(later_rule) if later_rule is rule else later_rule for later_rule in self.rules.rules
        )

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            if not (ends and _act(ends, rule) and all(_in_clear(*end) for end in ends)):
                return None
            others = self._ends(going, candidate)
            return next(
                (
                    rule
                    for rule in later_rules
                    if others and _act(others, rule) and all(rule.name in state.by for _world, state in others)
                ),
                None,
            )

        return self._any(lambda side, some: _would_act(side, rule, some), later_rules, shown)

    def for_outside(self, rule: FlowRule, template: str) -> bool:
        """Whether a rule protects a message to somebody outside with a template."""

        def wanted(side: Side) -> list[Value]:
            return [
                side.chains[0].acts(rule),
                side.conditions.scopes.recipient("NotInOrganization", self.model.mail.recipient),
            ]

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            facts = candidate.facts[0]
            protects = bool(ends) and all(
                rule.name in state.by and same_name(state.kind, option_name(template)) for _world, state in ends
            )
            return rule if protects and recipient_outside(facts, candidate.letter.recipient) is True else None

        return self._find(wanted, shown, ("",)) is not None

    def _any(
        self,
        wanted: Callable[[Side, Sequence[FlowRule]], Sequence[Value]],
        others: Sequence[FlowRule],
        shown: Callable[[CandidateMessage], FlowRule | None],
        arrivals: Sequence[str] = ("",),
    ) -> FlowRule | None:
        """One of some rules of which a message shows something: the nearest one, if one shows it of that."""

        def ask(some: Sequence[FlowRule]) -> FlowRule | None:
            return self._find(lambda side: wanted(side, some), shown, arrivals) if some else None

        return ask(others[:1]) or ask(others[1:])

    def _find(
        self, wanted: Wanted, shown: Callable[[CandidateMessage], FlowRule | None], arrivals: Sequence[str]
    ) -> FlowRule | None:
        """What a message shows, if one is found.

        :param arrivals: how it may arrive: protected by those keys, in clear where empty.
        """
        for arrival in arrivals:
            for candidate in self._candidates(wanted, arrival):
                rule = shown(candidate)
                if rule is not None:
                    return rule
        return None

    def _candidates(self, wanted: Wanted, arrival: str) -> Iterator[CandidateMessage]:
        """Messages: first some where what is unknown may be anything, then some where it does not matter. What cannot
        be in the former cannot be at all.
        """
        model = self.model
        for free in (True, False):
            side = model.free if free else model.open
            known = high if free else low
            literals = [*map(known, wanted(side)), *self.usual(side, arrival)]
            if FALSE in literals:
                return
            for more in dict.fromkeys((tuple(side.company.nobody if side.company.watched else ()), ())):
                possible, candidate = self._search([*literals, *more], side)
                if candidate is not None:
                    yield candidate
                elif not possible and free and not more:
                    return

    def _search(self, literals: Sequence[Literal], side: Side) -> tuple[bool, CandidateMessage | None]:
        remaining = self._budget - self.model.circuit.solver.conflicts
        try:
            return self.model.messages.search(literals, side, remaining) if remaining > 0 else (True, None)
        except BudgetError:
            return True, None

    def usual(self, side: Side, arrival: str = "") -> list[Literal]:
        """Literals that are true together if a message is usual mail, which rules protect: mail in clear only from
        inside.
        """
        mail = self.model.mail
        known = high if side.logic.free else low
        literals = [assumption.literal for assumption in mail.assumptions]
        if arrival:
            return [*literals, mail.arrival[arrival]]
        return [
            *literals,
            *(~literal for literal in mail.arrival.values()),
            known(side.conditions.scopes.sender("InOrganization", mail.sender)),
        ]

    def _ends(self, rules: RuleSet, candidate: CandidateMessage) -> list[End]:
        """The ways in which the recipient's copy can pass rules; none where they are not followed to their ends."""
        message = candidate.message
        facts = candidate.facts[0]
        course = course_of(rules, message, facts, candidate.letter.recipient)
        if (
            course is None
            or course.too_many
            or any(world.surprises or world.fate == Fate.NOBODY for world in course.worlds)
        ):
            return []
        return [(world, protection_of(world, message, facts)) for world in course.worlds]


def _steps(side: Side, rules: Sequence[FlowRule]) -> list[RuleStep]:
    return [step for rule in rules if (step := side.chains[0].step(rule)) is not None]


def _both_act(side: Side, rule: FlowRule, some: Sequence[FlowRule]) -> list[Value]:
    """Values that are true together if a rule acts, and one of some others does."""
    return [side.chains[0].acts(rule), side.logic.any_of([step.acts for step in _steps(side, some)])]


def _would_act(side: Side, rule: FlowRule, some: Sequence[FlowRule]) -> list[Value]:
    """Values that are true together if a rule acts, nothing encrypts before, and one of some later ones would
    if it did not stop the processing: nothing else does before. Of mail in quarantine it is open whether it stays
    encrypted.
    """
    every = side.chains[0].rules.rules
    clear = [~step.acts for step in _steps(side, every[: rule.place]) if step.rule.enforces(Does.ENCRYPT)]
    wanted = {id(later_rule) for later_rule in some}
    reached: Value = TRUE
    values: list[Value] = []
    for step in _steps(
        side, every[rule.place + 1 : max(later_rule.place for later_rule in some) + 1 if side.logic.free else None]
    ):
        if id(step.rule) in wanted:
            values.append(reached & step.matches)
        if step.rule.actions.does(Does.QUARANTINE) and not side.logic.free:
            clear.append(~(reached & step.matches))
        if step.rule.actions.is_final:
            reached &= ~step.matches
    return [side.chains[0].acts(rule), side.logic.any_of(values), *clear]


def _act(ends: Sequence[End], rule: FlowRule) -> bool:
    """Whether a rule acts, whatever is unknown."""
    return all(any(rule.place == place for _held, place in world.matched) for world, _verdict in ends)


def _in_clear(world: World, verdict_of_world: CopyProtection) -> bool:
    """Whether people get a copy that nothing protects, at once or later."""
    return world.fate in (Fate.DELIVERED, Fate.QUARANTINED) and verdict_of_world.kind == ProtectionKind.NONE


def _going(rule: FlowRule) -> FlowRule:
    """A rule without the actions that keep mail from later rules."""
    going = {option: value for option, value in rule.actions.options.items() if not BY_OPTION[option].ends}
    return replace(rule, actions=replace(rule.actions, options=going))
