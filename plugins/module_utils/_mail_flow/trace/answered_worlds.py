# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers that lead to each world of a copy, also where equal worlds became one in the simulator.

A rule set that asks the same may keep these worlds apart. Without their answers, a copy that some rule encrypts in every
world might seem to lose its protection by another one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeAlias

from ..analyses.difference_kinds import Treated, treated_in_worlds
from ..budget import spend
from ..model.facts import Facts
from ..model.message import Message
from ..model.outcomes import Fate
from ..simulator.state import Course, World

#: The answers to open questions, by their keys.
Answers: TypeAlias = Mapping[Hashable, bool]

#: The worlds of a copy: the answers that lead to each, in several ways, and what people see of it.
Worlds: TypeAlias = Sequence[tuple[Sequence[Answers], Treated]]

#: A person has no copy.
NO_COPY: Worlds = [([{}], Treated(0, Fate.NOBODY))]

#: The maximum number of ways to a world that are told apart. Beyond that, what their answers have in common counts.
_MOST_WAYS = 16

#: The cost, in steps, of a way to a world.
_STEPS_OF_WAY = 5


def answered_worlds(worlds: Iterable[tuple[World, Treated]]) -> Worlds:
    """Worlds with the answers that lead to them.

    :raises BudgetError: no steps are left.
    """
    known: dict[int, list[Answers]] = {}
    return [(_ways_to(world, known), one) for world, one in worlds]


def worlds_of(course: Course, message: Message, facts: Facts) -> Worlds:
    """The worlds of a copy. How it leaves is not counted.

    :raises BudgetError: no steps are left.
    """
    return answered_worlds(treated_in_worlds(course, message, facts))


def agree(one: Answers, other: Answers) -> bool:
    """Whether no question has two answers."""
    return all(other.get(key, answer) is answer for key, answer in one.items())


def both(ones: Sequence[Answers], others: Sequence[Answers]) -> list[Answers]:
    """The ways that lead to two worlds at once."""
    spend(_STEPS_OF_WAY * len(ones) * len(others))
    return _few(({**one, **other} for one in ones for other in others if agree(one, other)), {})


def renamed(worlds: Worlds, name: Callable[[Hashable], Hashable]) -> Worlds:
    """Worlds with other keys of their questions."""
    return [([{name(key): answer for key, answer in way.items()} for way in ways], one) for ways, one in worlds]


def _ways_to(world: World, known: dict[int, list[Answers]]) -> list[Answers]:
    """The answers that lead to a world, in each way.

    :param known: those of worlds by their identities; grows.
    """
    found = known.get(id(world))
    if found is None:
        own = world.answered()
        ways = [way for one in world.merged for way in _ways_to(one, known)]
        found = known[id(world)] = _few(({**way, **own} for way in ways if agree(own, way)), own) if ways else [own]
    return found


def _few(ways: Iterable[Answers], common: Answers) -> list[Answers]:
    """The same ways, without the questions of which both answers lead on; what all of them have in common if they are
    too many.
    """
    left: dict[frozenset[tuple[Hashable, bool]], Answers] = {frozenset(way.items()): way for way in ways}
    spend(_STEPS_OF_WAY * len(left))
    todo = list(left)
    while todo:
        way = todo.pop()
        for key, answer in left.get(way, {}).items():
            rest = way - {(key, answer)}
            opposite = rest | {(key, not answer)}
            if opposite in left:
                del left[opposite]
                left[rest] = {other: said for other, said in left.pop(way).items() if other != key}
                todo.append(rest)
                break
    shortest = [answers for way, answers in left.items() if not any(other < way for other in left)]
    return shortest if len(shortest) <= _MOST_WAYS else [common]
