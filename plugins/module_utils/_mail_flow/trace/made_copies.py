# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the copies that rules make of a copy."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..budget import BudgetError
from ..model.facts import Facts
from ..model.message import Message, Recipient
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.simulation import Passage, twice
from ..simulator.state import Course
from .deciding_actions import deciding_actions, deciding_identities
from .followed_copies import protection_settings
from .simplified_worlds import without_repetitions_but_people
from .traced_decider import RulesMetByPerson, SeenByDlp, TracedConditions, TracedDecider, spend_on_way


@dataclass(frozen=True, eq=False)
class MadeCopy:
    """What becomes of a copy that rules make of another one. Each is equal to itself alone.

    :param asks: what this depends on: copies with equal values in two rule sets are treated alike.
    :param dlp: what is known of the DLP rules.
    """

    course: Course
    message: Message
    asks: Hashable
    dlp: SeenByDlp


class CopyMaker:
    """Makes the copies that the rules of a set make.

    :param identities: the identity of each rule; see :class:`.rule_identities.RuleIdentities`.
    """

    def __init__(self, rules: RuleSet, facts: Facts, identities: Sequence[Hashable]) -> None:
        self._rules = rules
        self._facts = facts
        self._acts = deciding_identities(rules.rules, identities, making=True)

    def copies(
        self, met: RulesMetByPerson, dlp: Mapping[str, SeenByDlp], message: Message, person: Recipient
    ) -> dict[str, MadeCopy]:
        """The copies that rules make of somebody's copy, by the address of whom they are for.

        :param met: for this copy, and for those that rules may make of it.
        :param dlp: what is known of the DLP rules on these copies, by address.
        """
        places = sorted({place for rules_met in met.values() for place in rules_met})
        spend_on_way(len(places))
        numbers = {place: number for number, place in enumerate(places)}
        makers = (_as_maker(number, self._rules.rules[place]) for place, number in numbers.items())
        rules = self._rules.unwatched.with_rules(makers)
        known = {who: {numbers[place]: asked for place, asked in rules_met.items()} for who, rules_met in met.items()}
        decider = TracedDecider(known, (1 << len(places)) - 1, TracedConditions(dlp))
        passage = Passage(rules, message, self._facts, decider, simplify=without_repetitions_but_people, gives_up=True)
        courses = _courses_made(passage, person)
        if courses is None:  # What was not followed may make any of them.
            courses = {who: Course(person, [], too_many=True) for who in met if who != person.address}
        asks = tuple(
            (
                self._acts[place],
                *((who, rules_met[place]) for who, rules_met in met.items() if place in rules_met),
            )
            for place in places
        )
        every = (asks, protection_settings(self._facts), tuple(sorted(dlp.items(), key=lambda item: item[0])))
        return {who: MadeCopy(course, message, every, dlp.get(who, SeenByDlp())) for who, course in courses.items()}


def _as_maker(number: int, rule: FlowRule) -> FlowRule:
    """A rule with only the effects that decide about copies, or make some."""
    actions, deciding = deciding_actions(rule, making=True)
    return replace(rule, place=number, name="", actions=replace(rule.actions, options=actions, declared=deciding))


def _courses_made(passage: Passage, person: Recipient) -> dict[str, Course] | None:
    """The courses of the copies that rules make of somebody's copy, by address; ``None`` if not all were followed."""
    courses: dict[str, Course] = {}
    try:
        for course in passage.ways((person,)):
            if course.too_many:
                return None
            if course.by is not None:
                address = course.recipient.address
                courses[address] = twice(courses[address], course) if address in courses else course
    except BudgetError:
        return None
    return courses
