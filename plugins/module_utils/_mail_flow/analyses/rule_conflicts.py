# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for messages on which rules get in each other's way.

Each result rests on a message that the simulator takes through the rules and that shows it whatever is unknown.
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

#: The values that are true together of a message to search for, by side.
Wanted = Callable[[Side], Sequence[Value]]

#: What the options of a disclaimer begin with.
_DISCLAIMER = "apply_html_disclaimer_"

#: A way in which a copy can pass the rules, and what happens to its protection.
End = tuple[World, CopyProtection]


class ConflictSearch:
    """The search for messages on which several rules act, or would act.

    :param rules: the rules of the model.
    :param budget: the maximum number of conflicts for all questions together. What needs more is not found.
    """

    def __init__(self, model: Model, rules: RuleSet, budget: int) -> None:
        self.model = model
        self.rules = rules
        self._budget = budget

    def decrypted(self, rule: FlowRule, encrypting: Sequence[FlowRule]) -> FlowRule | None:
        """A rule, among some, that encrypts a message which a rule decrypts, so that the result is not documented; ``None`` if none
        is found.
        """

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            is_open = (
                bool(ends)
                and _surely_act(ends, rule)
                and all(
                    any(reason.id == questions.ENCRYPTED_AND_DECRYPTED for reason in state.reasons)
                    for _world, state in ends
                )
            )
            return next((rule for rule in encrypting if is_open and _surely_act(ends, rule)), None)

        return self._nearest_shown(lambda side, some: _both_act(side, rule, some), encrypting, shown, ("", "own"))

    def differing(self, rule: FlowRule, others: Sequence[FlowRule]) -> FlowRule | None:
        """A rule, among others, that encrypts a message which a rule encrypts, too, so that the template is unknown; ``None`` if none
        is found.
        """

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            is_open = (
                bool(ends)
                and _surely_act(ends, rule)
                and all(state.kind == ProtectionKind.OPTION_UNKNOWN and state.by for _world, state in ends)
            )
            return next((rule for rule in others if is_open and _surely_act(ends, rule)), None)

        return self._nearest_shown(lambda side, some: _both_act(side, rule, some), others, shown)

    def kept_from(self, rule: FlowRule, later_rules: Sequence[FlowRule]) -> FlowRule | None:
        """A later rule that would encrypt a message if a rule did not end its processing; ``None`` if none is found."""
        without_end = self.rules.with_rules(
            _without_ending_actions(later_rule) if later_rule is rule else later_rule for later_rule in self.rules.rules
        )

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            if not (ends and _surely_act(ends, rule) and all(_in_clear(*end) for end in ends)):
                return None
            others = self._ends(without_end, candidate)
            return next(
                (
                    rule
                    for rule in later_rules
                    if others and _surely_act(others, rule) and all(rule.name in state.by for _world, state in others)
                ),
                None,
            )

        return self._nearest_shown(lambda side, some: _would_act(side, rule, some), later_rules, shown)

    def encrypted_before(self, rule: FlowRule, earlier: Sequence[FlowRule]) -> FlowRule | None:
        """A rule, among some earlier ones, that encrypts a message on which a rule acts; ``None`` if none is found."""

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            if not (ends and _surely_act(ends, rule)):
                return None
            return next(
                (other for other in earlier if all(other.name in protection.by for _world, protection in ends)), None
            )

        return self._nearest_shown(lambda side, some: _both_act(side, rule, some), earlier, shown)

    def steered_by_text(self, wanted: Wanted, rule: FlowRule, later: FlowRule, *, exempts: bool) -> bool:
        """Whether a message shows that the text which a rule adds makes a later one act, or keeps it from acting.

        :param wanted: what is true of the message.
        :param exempts: whether the text keeps it from acting.
        """
        without_text = self.rules.with_rules(
            _without_disclaimer(other) if other is rule else other for other in self.rules.rules
        )

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            with_it, without_it = (self._ends(rules, candidate) for rules in (self.rules, without_text))
            acting, idle = (without_it, with_it) if exempts else (with_it, without_it)
            shows = with_it and without_it and _surely_act(acting, later) and not _may_act(idle, later)
            return later if shows else None

        return self._find(wanted, shown, ("",)) is not None

    def for_outside(self, rule: FlowRule, template: str = "") -> bool:
        """Whether a message shows that a rule protects mail to somebody outside.

        :param template: with this template; empty for any.
        """

        def wanted(side: Side) -> list[Value]:
            return [
                side.chains[0].acts(rule),
                side.conditions.scopes.recipient("NotInOrganization", self.model.mail.recipient),
            ]

        def shown(candidate: CandidateMessage) -> FlowRule | None:
            ends = self._ends(self.rules, candidate)
            facts = candidate.facts[0]
            protects = bool(ends) and all(
                rule.name in state.by and (not template or same_name(state.kind, option_name(template)))
                for _world, state in ends
            )
            return rule if protects and recipient_outside(facts, candidate.written.recipient) is True else None

        return self._find(wanted, shown, ("",)) is not None

    def _nearest_shown(
        self,
        wanted: Callable[[Side, Sequence[FlowRule]], Sequence[Value]],
        others: Sequence[FlowRule],
        shown: Callable[[CandidateMessage], FlowRule | None],
        arrivals: Sequence[str] = ("",),
    ) -> FlowRule | None:
        """A rule about which a message shows something: the first of the others if possible; ``None`` if none is found."""

        def ask(some: Sequence[FlowRule]) -> FlowRule | None:
            return self._find(lambda side: wanted(side, some), shown, arrivals) if some else None

        return ask(others[:1]) or ask(others[1:])

    def _find(
        self, wanted: Wanted, shown: Callable[[CandidateMessage], FlowRule | None], arrivals: Sequence[str]
    ) -> FlowRule | None:
        """The rule about which a message shows something; ``None`` if none is found.

        :param arrivals: how messages may arrive, as keys of the model's arrivals; empty for in clear.
        """
        for arrival in arrivals:
            for candidate in self._candidates(wanted, arrival):
                rule = shown(candidate)
                if rule is not None:
                    return rule
        return None

    def _candidates(self, wanted: Wanted, arrival: str) -> Iterator[CandidateMessage]:
        """Messages: first of the free side, where unknown values may be anything, then of the open one, where they do not matter.
        Without any of the former there are none at all.
        """
        model = self.model
        for free in (True, False):
            side = model.free if free else model.open
            known = high if free else low
            literals = [*map(known, wanted(side)), *self.usual(side, arrival)]
            if FALSE in literals:
                return
            for more in dict.fromkeys(
                (tuple(side.other_recipients.nobody if side.other_recipients.watched else ()), ())
            ):
                possible, candidate = self._search([*literals, *more], side)
                if candidate is not None:
                    yield candidate
                elif not possible and free and not more:
                    return

    def _search(self, literals: Sequence[Literal], side: Side) -> tuple[bool, CandidateMessage | None]:
        """Whether a message may satisfy literals, and one that does; true and ``None`` if the budget ends first."""
        remaining = self._budget - self.model.circuit.solver.conflicts
        try:
            return self.model.messages.search(literals, side, remaining) if remaining > 0 else (True, None)
        except BudgetError:
            return True, None

    def usual(self, side: Side, arrival: str = "") -> list[Literal]:
        """Literals that are true together if a message is usual mail, which rules protect: mail that arrives in clear comes from
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
        """The ways in which the recipient's copy can pass rules; empty if they are not followed to their ends."""
        message = candidate.message
        facts = candidate.facts[0]
        course = course_of(rules, message, facts, candidate.written.recipient)
        if (
            course is None
            or course.too_many
            or any(world.surprises or world.fate == Fate.NOBODY for world in course.worlds)
        ):
            return []
        return [(world, protection_of(world, message, facts)) for world in course.worlds]


def _steps(side: Side, rules: Sequence[FlowRule]) -> list[RuleStep]:
    """The steps of rules for the recipient's copy."""
    return [step for rule in rules if (step := side.chains[0].step(rule)) is not None]


def _both_act(side: Side, rule: FlowRule, some: Sequence[FlowRule]) -> list[Value]:
    """Values that are true together if a rule acts, and one of some others does."""
    return [side.chains[0].acts(rule), side.logic.any_of([step.acts for step in _steps(side, some)])]


def _would_act(side: Side, rule: FlowRule, some: Sequence[FlowRule]) -> list[Value]:
    """Values that are true together if a rule acts, no earlier one encrypts, and one of some later ones would encrypt if the rule
    did not end the processing, and no other one does. It is open whether mail in quarantine stays encrypted.
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


def _surely_act(ends: Sequence[End], rule: FlowRule) -> bool:
    """Whether a rule acts in all ways in which a copy can pass the rules."""
    return all(any(rule.place == place for _held, place in world.matched) for world, _end in ends)


def _may_act(ends: Sequence[End], rule: FlowRule) -> bool:
    """Whether a rule may act in a way in which a copy can pass the rules."""
    return any(rule.place == place for world, _end in ends for _held, place in (*world.matched, *world.perhaps))


def _in_clear(world: World, end: CopyProtection) -> bool:
    """Whether people get a copy unprotected, at once or later."""
    return world.fate in (Fate.DELIVERED, Fate.QUARANTINED) and end.kind == ProtectionKind.NONE


def _without_ending_actions(rule: FlowRule) -> FlowRule:
    """A rule without the actions that keep mail from later rules."""
    options = {option: value for option, value in rule.actions.options.items() if not BY_OPTION[option].ends}
    return replace(rule, actions=replace(rule.actions, options=options))


def _without_disclaimer(rule: FlowRule) -> FlowRule:
    """A rule that puts no text into messages."""
    kept = {option: value for option, value in rule.actions.options.items() if not option.startswith(_DISCLAIMER)}
    return replace(rule, actions=replace(rule.actions, options=kept))
