# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the copies that rules make of a copy."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

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

#: What makes a copy of another one, by which it is known in another rule set, too: the name of the rule, whom it names, and
#: the addresses of those from whose copies it is made.
Maker: TypeAlias = tuple[str, str, frozenset[str]]

#: Any rule.
ANY_MAKER: Maker = ("", "", frozenset())


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
    ) -> dict[tuple[str, Maker], MadeCopy]:
        """The copies that rules make of somebody's copy, by the address of whom they are for, and by what makes them.

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
            made = {(who, ANY_MAKER): Course(person, [], too_many=True) for who in met if who != person.address}
        else:
            made = self._by_maker(courses, places)
        asks = tuple(
            (
                self._acts[place],
                *((who, rules_met[place]) for who, rules_met in met.items() if place in rules_met),
            )
            for place in places
        )
        every = (asks, protection_settings(self._facts), tuple(sorted(dlp.items(), key=lambda item: item[0])))
        return {way: MadeCopy(course, message, every, dlp.get(way[0], SeenByDlp())) for way, course in made.items()}

    def _by_maker(self, courses: Iterable[Course], places: Sequence[int]) -> dict[tuple[str, Maker], Course]:
        """The courses of copies by address and by what makes them.

        :param places: those of the rules that were followed; behind them are DLP rules.
        """
        made: dict[tuple[str, Maker], Course] = {}
        for course in courses:
            added = course.by
            if added is None:  # The copy of which they are made.
                continue
            name = self._rules.rules[places[added.place]].name if added.place < len(places) else added.rule
            way = (course.recipient.address, (name, added.address, frozenset().union(*course.sources)))
            made[way] = twice(made[way], course) if way in made else course
        return made


def _as_maker(number: int, rule: FlowRule) -> FlowRule:
    """A rule with only the effects that decide about copies, or make some."""
    actions, deciding = deciding_actions(rule, making=True)
    return replace(rule, place=number, name="", actions=replace(rule.actions, options=actions, declared=deciding))


def _courses_made(passage: Passage, person: Recipient) -> list[Course] | None:
    """The courses of somebody's copy and of those that rules make of it, one for each way; ``None`` if not all were followed."""
    try:
        courses = list(passage.ways((person,)))
    except BudgetError:
        return None
    return None if any(course.too_many for course in courses) else courses
