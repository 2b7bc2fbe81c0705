# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that show an effect of a rule in the simulator, or why it is open."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..actions.brought_people import THE_MANAGER
from ..formula import Literal, high
from ..model.facts import Facts
from ..model.kleene import Reason
from ..simulator.assumptions import NOT_FOUND, TO_WHOM
from ..simulator.results import result
from ..simulator.state import Course, World
from ..symbolic.message_search import CandidateMessage
from ..symbolic.witness_replay import course_of, reasons_of
from .besides_dlp import without_dlp_rules
from .difference_kinds import SearchedMail
from .rule_effects import LEAVING, RuleEffect, shows_effect
from .stated_rules import StatedRule, conditions_of
from .statement_model import StatementModel, undecided_besides

#: The maximum number of messages that are tried to show an effect, or why it is open.
_MOST_REPLAYS = 4

#: The maximum number of members of a group who send messages to members of another one, and get some from them.
_MOST_MEMBERS = 2


class StatementReplay:
    """Messages of the model in the simulator: whether one shows an effect of a rule, and which questions decide that."""

    def __init__(self, statement_model: StatementModel) -> None:
        self._statement_model = statement_model

    def some_message_shows(
        self, rule: StatedRule, effect: RuleEffect, literals: Sequence[Literal], *, approved: bool
    ) -> bool:
        """Whether a message shows the effect in the simulator. Some conditions are open in every formula, but not for every
        message.
        """
        for course, candidate in self._messages(rule, literals, effect):
            outcome = result(course, self._statement_model.rules, candidate.message, candidate.facts[0])
            if outcome and shows_effect(rule, effect, outcome, approved=approved):
                return True
            if self._is_shown_between_members(rule, effect, candidate, approved=approved):
                return True
        return False

    def _is_shown_between_members(
        self, rule: StatedRule, effect: RuleEffect, candidate: CandidateMessage, *, approved: bool
    ) -> bool:
        """Whether a message from a member of one group to a member of another shows the effect in the simulator. Formulas do not
        say who these are if a condition is about both.
        """
        facts = candidate.facts[0]
        for sender, recipient in _members_of_two_groups(rule, facts):
            message = replace(candidate.message, sender=sender, to=(recipient,), cc=(), bcc=())
            course = course_of(self._statement_model.rules, message, facts, recipient)
            outcome = result(course, self._statement_model.rules, message, facts) if course else None
            if outcome and shows_effect(rule, effect, outcome, approved=approved):
                return True
        return False

    def _messages(
        self, rule: StatedRule, literals: Sequence[Literal], effect: RuleEffect
    ) -> Iterator[tuple[Course, CandidateMessage]]:
        """Some messages, if possible from inside and to one recipient, each with the course of the copy that an effect is about if
        no undecided DLP rule acts.
        """
        model, side = self._statement_model.model, self._statement_model.model.free
        inside = high(side.conditions.scopes.sender("InOrganization", model.mail.sender))
        preferred = [*SearchedMail(model, ()).preferred_recipients(side), inside]
        candidates = model.messages.candidates(literals, [], side, self._statement_model.remaining_budget, preferred)
        for candidate in itertools.islice(candidates, _MOST_REPLAYS):
            if candidate is None:
                continue
            facts = candidate.facts[0]
            alone = without_dlp_rules(facts, undecided_besides(facts, rule, effect))
            person = _person_of_effect(effect, candidate) if effect.brings_people else ""
            course = course_of(
                self._statement_model.rules, candidate.message, alone, candidate.written.recipient, person
            )
            if course is not None:
                yield course, replace(candidate, facts=(alone,))

    def reasons(
        self, rule: StatedRule, effect: RuleEffect, literals: Sequence[Literal], *, approved: bool
    ) -> tuple[Reason, ...]:
        """The open questions whose answers decide whether mail has an effect, as far as messages show it."""
        for course, candidate in self._messages(rule, literals, effect):
            facts = candidate.facts[0]
            shown: list[tuple[World, bool]] = []
            for world in course.worlds:
                outcome = result(replace(course, worlds=[world]), self._statement_model.rules, candidate.message, facts)
                shows = outcome is not None and shows_effect(rule, effect, outcome, approved=approved)
                shown.append((world, shows))
            reasons = sorted(_deciding(shown)) or reasons_of(
                course, candidate.message, facts, transit=effect.kind in LEAVING
            )
            if reasons:
                return tuple(reasons)
        if any(atom.predicate.sort == "relation" for atom in conditions_of(rule)):
            return (TO_WHOM,)
        return (NOT_FOUND,)


def _person_of_effect(effect: RuleEffect, candidate: CandidateMessage) -> str:
    """The address of the person who gets a message by an effect, or a name if no address is known."""
    (person,) = effect.names
    facts = candidate.facts[0]
    sender = facts.people.primary(candidate.message.sender)
    if person != THE_MANAGER:
        return person
    manager = facts.people.manager(sender)
    return f"the manager of {sender}" if manager is None else manager


def _members_of_two_groups(rule: StatedRule, facts: Facts) -> Iterator[tuple[str, str]]:
    """Pairs of members of two groups that a condition of a rule on mail between groups names."""
    members = facts.groups.members or {}
    groups = [
        members[group][:_MOST_MEMBERS]
        for atom in conditions_of(rule)
        if atom.predicate.sort == "relation"
        for group in atom.groups
        if group in members
    ]
    for one, other in itertools.permutations(groups, 2):
        yield from itertools.product(one, other)


def _deciding(shown: Sequence[tuple[World, bool]]) -> set[Reason]:
    """The reasons of the questions whose answers decide whether an effect shows.

    :param shown: the worlds of a message, each with whether the effect shows there.
    """
    possible = {shows for _world, shows in shown}
    return {
        reason
        for question, answer in dict.fromkeys(item for world, _shows in shown for item in world.answers)
        if {shows for world, shows in shown if (question, answer) in world.answers} != possible
        for reason in question.reasons
    }
