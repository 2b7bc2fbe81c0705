# SPDX-License-Identifier: GPL-3.0-or-later
"""The copies that rules make of those of a trace, and what becomes of them.

Whoever gets such a copy through several copies of one message gets it in several ways, and all of them count, as in the
simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TypeAlias

from ..model.kleene import Open
from ..model.message import Message, Recipient
from ..simulator.simulation import twice
from ..simulator.state import Course
from .chain import Chain
from .columns import Block, places_of
from .groups import CopyGroup, Sorter
from .made_copies import MadeCopy, Maker
from .truth_sets import Doubt

#: The places of the rules that copies of a group meet in a rule set, and what is open of that.
MetBy: TypeAlias = Callable[[CopyGroup], Sequence[tuple[int, Doubt | None]]]


#: A way in which somebody gets a copy that rules make: the place of a copy that stands for those that it is made of, and what
#: makes it.
Way: TypeAlias = tuple[int, Maker]


@dataclass(frozen=True)
class PassedRuleSet:
    """One of the rule sets that copies pass.

    :param about: its number among those by which groups were made.
    """

    chain: Chain
    about: int
    met: MetBy


@dataclass
class CopyOrigins:
    """The ways in which somebody gets a copy that rules make.

    :param made: for each rule set, what becomes of it, by the way.
    :param intermediate: for each rule set, the numbers of the groups of the copies that rules make first, and this one of them.
    :param origins: the numbers of the groups of the copies that it is made of.
    """

    made: list[dict[Way, MadeCopy]]
    intermediate: list[set[int]]
    origins: set[int] = field(default_factory=set)

    @property
    def key(self) -> Hashable:
        """Equal for copies with equal ways."""
        made = (frozenset(of_one.items()) for of_one in self.made)
        return tuple(made), tuple(map(frozenset, self.intermediate)), frozenset(self.origins)


def copies_by_rules(
    sorter: Sorter, groups: Sequence[CopyGroup], sides: Sequence[PassedRuleSet]
) -> dict[int, CopyOrigins]:
    """The copies that rules make, by their places in the block."""
    origins: dict[int, CopyOrigins] = {}
    if not any(side.chain.making for side in sides):
        return origins
    group_of = _group_of(groups)
    for number, group in enumerate(groups):
        if group.made or not any(place in side.chain.making for side in sides for place, _why in side.met(group)):
            continue
        for target, way, number_of_side, copy, intermediate in _made_of(group, groups, group_of, sorter, sides):
            ways = origins.setdefault(target, CopyOrigins([{} for _side in sides], [set() for _side in sides]))
            ways.made[number_of_side][way] = copy
            ways.intermediate[number_of_side] |= intermediate
            ways.origins.add(number)
    return origins


def _group_of(groups: Sequence[CopyGroup]) -> dict[int, int]:
    """Place of a copy to the number of its group."""
    return {place: number for number, group in enumerate(groups) for place in group.places}


def _made_of(
    group: CopyGroup,
    groups: Sequence[CopyGroup],
    group_of: Mapping[int, int],
    sorter: Sorter,
    sides: Sequence[PassedRuleSet],
) -> Iterator[tuple[int, Way, int, MadeCopy, frozenset[int]]]:
    """The copies that rules make of those of a group: the place of each, the way, the number of the rule set that makes it, what
    becomes of it, and the numbers of the groups of other copies that are made before, and this one of them.
    """
    for others, places in _by_who_else(sorter, group, group_of):
        message, person = sorter.message(places[0])
        sharing = {**{who: groups[other] for who, other in others}, person.address: group}
        for number_of_side, side in enumerate(sides):
            made = _made_by(side, sharing, message, person)
            for (who, maker), copy in made.items():
                sources = frozenset().union(*copy.course.sources)
                intermediate = frozenset(number for other, number in others if other in sources)
                for target in _places_of(who, places, sorter):
                    yield target, (places[0], maker), number_of_side, copy, intermediate


def _made_by(
    side: PassedRuleSet, sharing: Mapping[str, CopyGroup], message: Message, person: Recipient
) -> dict[tuple[str, Maker], MadeCopy]:
    """The copies that the rules of one set make of somebody's copy, by the address of whom they are for, and by what makes them.

    :param sharing: by address, the groups of the copies of this person and of those whom rules may bring.
    """
    met = {who: _rules_met(who, side.met(group)) for who, group in sharing.items()}
    dlp = {who: group.dlp[side.about] for who, group in sharing.items()}
    return side.chain.maker.copies(met, dlp, message, person)


def _places_of(who: str, places: Iterable[int], sorter: Sorter) -> Iterator[int]:
    """The places of the copies that somebody has of the messages of some copies."""
    for place in places:
        target = sorter.brought.recipients_of(place).get(who)
        if target is not None:
            yield target


def _by_who_else(
    sorter: Sorter, group: CopyGroup, group_of: Mapping[int, int]
) -> Iterator[tuple[list[tuple[str, int]], list[int]]]:
    """The places of a group's copies with the same people whom rules may bring: these people, with the numbers of the
    groups of their own copies where they have one, and the places.
    """
    places_by_people: dict[tuple[tuple[str, int | None], ...], list[int]] = {}
    for place in group.places:
        people = sorter.brought.recipients_of(place)
        key = tuple((who, group_of.get(target)) for who, target in people.items())
        places_by_people.setdefault(key, []).append(place)
    for people_with_groups, places in places_by_people.items():
        yield [(who, number) for who, number in people_with_groups if number is not None], places


def _rules_met(who: str, met: Sequence[tuple[int, Doubt | None]]) -> dict[int, tuple[Open, ...]]:
    """The rules that somebody's copy meets, by their places, with what is open of that."""
    return {place: (Open((doubt.asks, who), (doubt.why.reason,)),) if doubt else () for place, doubt in met}


@dataclass(frozen=True)
class AlikeCopies:
    """Copies that somebody gets in equal ways.

    :param address: whose they are, or the name of somebody whose address is not known.
    :param group: the number of their group.
    :param doubtful: whether rows of their messages may be missing: the sender may have named them.
    """

    ways: CopyOrigins
    address: str
    group: int
    doubtful: bool
    places: Sequence[int]


def alike_copies(made: Mapping[int, CopyOrigins], groups: Sequence[CopyGroup], block: Block) -> Iterator[AlikeCopies]:
    """The copies that rules make, or may have made, without those whose rows are left out."""
    if not made:
        return
    group_of = _group_of(groups)
    partial = frozenset(places_of(block.partial))
    alike: dict[tuple[Hashable, str, int, bool], list[int]] = {}
    for place, ways in made.items():
        if place in group_of:
            key = (ways.key, block.text("recipient", place), group_of[place], place in partial)
            alike.setdefault(key, []).append(place)
    for (_key, address, group, doubtful), places in alike.items():
        yield AlikeCopies(made[places[0]], address, group, doubtful, places)


def message_of_copies(made: Iterable[MadeCopy]) -> Message | None:
    """The message of copies."""
    return next((copy.message for copy in made), None)


def course_of(made: Iterable[MadeCopy]) -> Course | None:
    """The course of somebody who gets a copy in some ways; ``None`` if there is none."""
    courses = [copy.course for copy in made]
    return reduce(twice, courses) if courses else None
