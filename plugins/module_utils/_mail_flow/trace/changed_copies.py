# SPDX-License-Identifier: GPL-3.0-or-later
"""How copies are treated differently under two rule sets: what is certain of that, and what is possible.

Both are compared over the same open questions: each has one answer under both.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from ..analyses.aspects import DifferenceKind, Kinds
from ..analyses.difference_kinds import Treated, is_open, kinds_of
from ..budget import BudgetError, spend
from ..model.facts import Facts
from ..model.kleene import Truth
from ..model.outcomes import Fate
from .answered_worlds import NO_COPY, Answers, Worlds, agree, answered_worlds, both, renamed, worlds_of
from .copies_by_rules import Way
from .followed_copies import MOST_KNOWN, ChainOutcome, FollowedCopies
from .made_copies import ANY_MAKER, MadeCopy

#: The kinds of change between what happens to copies before and after that are certain, and those that are possible.
Changes: TypeAlias = Callable[[FollowedCopies, FollowedCopies], tuple[Kinds, Kinds]]

#: The cost, in steps, of comparing two worlds.
_STEPS_OF_PAIR = 5

#: Nothing is known of how copies differ.
_UNKNOWN: Kinds = frozenset((DifferenceKind.UNKNOWN,))

#: The maximum number of pairs of worlds to compare for equal copies; beyond that, a change is possible.
_MOST_PAIRS = 4096

#: The way in which somebody gets the copy that a row shows, among those in which rules make one.
_BY_ROW: Way = (-1, ANY_MAKER)


def remembered_changes() -> Changes:
    """A function that says which kinds of change of copies between two rule sets are certain, and which are possible. It
    remembers the last answers.
    """
    known = lru_cache(maxsize=MOST_KNOWN)(_changes_of)

    def changes_of(before: FollowedCopies, after: FollowedCopies) -> tuple[Kinds, Kinds]:
        if before.asks == after.asks:
            return Kinds(), Kinds()
        same = ((after.asked[asks], number) for asks, number in before.asked.items() if asks in after.asked)
        try:
            return known(before.end, after.end, tuple(same))
        except BudgetError:
            return Kinds(), _UNKNOWN

    return changes_of


def _changes_of(before: ChainOutcome, after: ChainOutcome, same: tuple[tuple[int, int], ...]) -> tuple[Kinds, Kinds]:
    """The kinds of change between two outcomes of chains.

    :param same: the numbers of the questions of the second that the first has, too, with their numbers there.
    :raises BudgetError: there are too many worlds, or no steps are left.
    """
    if any(outcome.course.too_many for outcome in (before, after)):
        return Kinds(), _UNKNOWN
    there = dict(same)

    def name(key: Hashable) -> Hashable:
        """A question of the second, by its number in the first; one that only the second has is like no other."""
        return there.get(key, (key,)) if isinstance(key, int) else key

    olds, news = answered_worlds(before.worlds), renamed(answered_worlds(after.worlds), name)
    certain, possible = kinds_between(olds, news)
    if before.is_open and after.is_open and before.dlp.matches != after.dlp.matches:
        # The same is open of DLP rules, but they see something else.
        possible |= _UNKNOWN
    return certain, possible


def kinds_between(olds: Worlds, news: Worlds) -> tuple[Kinds, Kinds]:
    """The kinds of change between the worlds of a copy before and after: the certain ones, and the possible ones. The
    same question has the same answer under both rule sets.

    :raises BudgetError: there are too many worlds, or no steps are left.
    """
    return _kinds_of_pairs(_pairs(olds, news))


def _kinds_of_pairs(pairs: Sequence[tuple[Treated, Treated]]) -> tuple[Kinds, Kinds]:
    """The certain and the possible kinds of change of a copy that is treated in one of some ways before and after."""
    kinds = [frozenset(kinds_of(old, new)) for old, new in pairs]
    certain = Kinds.intersection(*kinds) if kinds else Kinds()
    open_pairs = any(old != new and is_open(old, new) for old, new in pairs)
    return certain, Kinds().union(*kinds, (DifferenceKind.UNKNOWN,) if open_pairs else ()) - certain


def _pairs(olds: Worlds, news: Worlds) -> list[tuple[Treated, Treated]]:
    """What people see in two worlds to which the same answers may lead.

    :raises BudgetError: there are too many worlds, or no steps are left.
    """
    if len(olds) * len(news) > _MOST_PAIRS:
        raise BudgetError
    return [(old, new) for old_ways, old in olds for new_ways, new in news if _meet(old_ways, new_ways)]


def _meet(ones: Sequence[Answers], others: Sequence[Answers]) -> bool:
    """Whether some answers lead to two worlds at once."""
    spend(_STEPS_OF_PAIR * len(ones) * len(others))
    return any(agree(one, other) for one in ones for other in others)


def changes_of_made(
    before: Mapping[Way, MadeCopy],
    after: Mapping[Way, MadeCopy],
    row: Sequence[FollowedCopies] | None,
    changes: Changes,
    facts: Facts,
) -> tuple[Kinds, Kinds]:
    """The kinds of change of a copy that rules make: the certain ones, and the possible ones.

    Which of several ways counts in which somebody gets a copy is open. It is the same one before and after, if it is
    there both times.

    :param before: what becomes of it, by the way; :param:`after` the same.
    :param row: what becomes of the copy that a row shows for the same person, after and before; whether a rule made that
        is open.
    """
    of_row = Kinds().union(*changes(row[1], row[0])) if row else Kinds()
    if _asked_by(before) == _asked_by(after):
        return Kinds(), of_row
    courses = [made.course for made in (*before.values(), *after.values())]
    courses += [copies.end.course for copies in row or ()]
    if any(course.too_many for course in courses):
        return Kinds(), _UNKNOWN
    rows = row[::-1] if row else (None, None)
    try:
        old, new = (_by_way(made, of, facts) for made, of in zip((before, after), rows, strict=True))
        ways = dict.fromkeys((*before, *after))
        certain, possible = _kinds_of_pairs([pair for way in ways for pair in _pairs_if_counting(way, old, new)])
    except BudgetError:
        return Kinds(), _UNKNOWN
    worlds = [one for side in (old, new) for way in ways for _answers, one in side.get(way, ())]
    if _seen_by_dlp(before) != _seen_by_dlp(after) and any(is_open(one, one) for one in worlds):
        possible |= _UNKNOWN
    return (Kinds(), certain | possible | of_row) if row else (certain, possible)


def _asked_by(made: Mapping[Way, MadeCopy]) -> set[Hashable]:
    """What it depends on what becomes of copies."""
    return {copy.asks for copy in made.values()}


def _seen_by_dlp(made: Mapping[Way, MadeCopy]) -> set[tuple[Truth, ...]]:
    """Which DLP rules match copies."""
    return {copy.dlp.matches for copy in made.values()}


def _by_way(made: Mapping[Way, MadeCopy], row: FollowedCopies | None, facts: Facts) -> dict[Way, Worlds]:
    """The worlds of a copy by the way in which somebody gets it.

    :raises BudgetError: no steps are left.
    """
    worlds = {way: worlds_of(copy.course, copy.message, facts) for way, copy in made.items()}
    if row:
        questions: dict[Hashable, Hashable] = {number: asks for asks, number in row.asked.items()}
        worlds[_BY_ROW] = renamed(answered_worlds(row.end.worlds), lambda key: questions.get(key, key))
    return worlds


def _pairs_if_counting(
    way: Way, olds: Mapping[Way, Worlds], news: Mapping[Way, Worlds]
) -> list[tuple[Treated, Treated]]:
    """What somebody may see of a copy before and after if one way counts, of those in which they get it.

    If there is no copy this way either before or after, that way does not count.

    :raises BudgetError: there are too many worlds, or no steps are left.
    """
    old, old_instead, old_nothing = _if_counting(way, olds)
    new, new_instead, new_nothing = _if_counting(way, news)
    return [
        *_pairs(old, [*new, *new_instead, *new_nothing]),
        *_pairs([*old_instead, *old_nothing], new),
        *_pairs(old_nothing, new_nothing),
    ]


def _if_counting(way: Way, ways: Mapping[Way, Worlds]) -> tuple[Worlds, Worlds, Worlds]:
    """The worlds of somebody for whom one way counts: those in which they get the copy, those of other ways where there is no
    copy this way, and those in which they may get none at all.

    :raises BudgetError: no steps are left.
    """
    worlds = ways.get(way, NO_COPY)
    others = [(key, of_other) for key, of_other in ways.items() if key != way]
    nothing = [(answers, one) for answers, one in worlds if one.fate == Fate.NOBODY]
    instead = [
        (both(answers, other_answers), other)
        for answers, _one in nothing
        for _key, of_other in others
        for other_answers, other in of_other
        if other.fate != Fate.NOBODY
    ]
    # The copy of a row may be one that rules make.
    gets_another = any(
        key != _BY_ROW and all(one.fate != Fate.NOBODY for _answers, one in of_other) for key, of_other in others
    )
    there = [(answers, one) for answers, one in worlds if one.fate != Fate.NOBODY]
    return there, instead, [] if gets_another else nothing
