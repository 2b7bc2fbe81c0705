# SPDX-License-Identifier: GPL-3.0-or-later
"""Possible worlds: what nobody knows about the service or the message is asked, and every combination of answers is
tried.

A run of the mail flow is two-valued: whenever it needs something unknown it asks its world, which picks one of the
options. :func:`explore` runs it once for every combination of options that can come up. What all runs agree on is
known; on what they disagree is unknown, and :func:`decisive` says which questions it hangs on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

Result = TypeVar("Result")

#: Unknowns of the service on which a simulator may go on with the likely answer, if it says so.
GUESSES = frozenset({"U03", "U08", "U10", "U19", "U20", "U21", "U37"})

#: The id of what is unknown because the message or the organization was not described completely.
FACTS = "facts"


class TooManyWorlds(ValueError):
    """So much is unknown that not all combinations were tried: there is no answer."""


@dataclass(frozen=True)
class Question:
    """Something unknown: its U-number (or :data:`FACTS`), what it is about, and the answers that are possible.

    ``guess`` is the likely answer, for the few questions that have one.
    """

    unknown: str
    reason: str
    about: tuple[Hashable, ...] = ()
    options: tuple[Any, ...] = (True, False)
    guess: Any = None


@dataclass(frozen=True)
class Maybe:
    """A truth value that hangs on a question: true when its answer is one of ``wanted``."""

    question: Question
    wanted: tuple[Any, ...] = (True,)


@dataclass(frozen=True)
class Gate:
    """True when any (or, with ``all_of``, every one) of its parts is."""

    parts: tuple[Maybe | Gate, ...]
    all_of: bool = False


Truth = bool | Maybe | Gate


def doubt(
    unknown: str,
    reason: str,
    *about: Hashable,
    options: tuple[Any, ...] = (True, False),
    wanted: tuple[Any, ...] = (True,),
    guess: Any = None,
) -> Maybe:
    """A truth value that hangs on one question."""
    return Maybe(Question(unknown, reason, about, options, guess), wanted)


def either(values: Iterable[Truth]) -> Truth:
    """The OR of truth values."""
    return _gate(values, all_of=False)


def both(values: Iterable[Truth]) -> Truth:
    """The AND of truth values."""
    return _gate(values, all_of=True)


def _gate(values: Iterable[Truth], *, all_of: bool) -> Truth:
    parts: list[Maybe | Gate] = []
    for value in values:
        if isinstance(value, bool):
            if value is not all_of:
                return value
        else:
            parts.append(value)
    return Gate(tuple(parts), all_of) if len(parts) > 1 else parts[0] if parts else all_of


@dataclass
class World:
    """One combination of answers. ``script`` are the options to take first; after it the first option is taken.

    :param guesses: the U-numbers whose likely answer is taken as the answer.
    :param independent: whether the same question, asked at two places, may have two answers (as Kleene's logic has it).
    """

    script: Sequence[int] = ()
    guesses: Collection[str] = GUESSES
    independent: bool = False
    trail: list[tuple[Hashable, Question, int]] = field(default_factory=list)
    assumed: set[str] = field(default_factory=set)
    _answers: dict[Hashable, Any] = field(default_factory=dict)

    def ask(self, question: Question, *place: Hashable) -> Any:
        """The answer in this world. ``place`` is where the question comes up."""
        if question.guess is not None and question.unknown in self.guesses:
            self.assumed.add(question.unknown)
            return question.guess
        key = (question.unknown, question.about, place if self.independent else ())
        if key not in self._answers:
            index = self.script[len(self.trail)] if len(self.trail) < len(self.script) else 0
            self.trail.append((key, question, index))
            self._answers[key] = question.options[index]
        return self._answers[key]

    def settle(self, value: Truth, *place: Hashable) -> bool:
        """The truth value in this world."""
        if isinstance(value, bool):
            return value
        if isinstance(value, Maybe):
            return self.ask(value.question, *place) in value.wanted
        parts = (self.settle(part, *place) for part in value.parts)
        return all(parts) if value.all_of else any(parts)


@dataclass(frozen=True)
class Explored:
    """The worlds that a run can meet, and what it brought in each."""

    worlds: tuple[World, ...]
    results: tuple[Any, ...]

    @property
    def assumed(self) -> frozenset[str]:
        return frozenset(unknown for world in self.worlds for unknown in world.assumed)


def explore(
    run: Callable[[World], Any], *, guesses: Collection[str] = GUESSES, independent: bool = False, limit: int = 4096
) -> Explored:
    """Runs ``run`` in every world.

    :raises TooManyWorlds: there are more than ``limit``.
    """
    pending: list[tuple[int, ...]] = [()]
    worlds: list[World] = []
    results: list[Any] = []
    while pending:
        if len(worlds) == limit:
            raise TooManyWorlds(f"more than {limit} combinations of what is unknown")
        script = pending.pop()
        world = World(script, guesses, independent)
        results.append(run(world))
        worlds.append(world)
        taken = tuple(index for _key, _question, index in world.trail)
        for position in range(len(script), len(taken)):
            options = world.trail[position][1].options
            pending += [(*taken[:position], other) for other in range(1, len(options))]
    return Explored(tuple(worlds), tuple(results))


def decisive(worlds: Sequence[World], results: Sequence[Hashable], depth: int = 0) -> set[Question]:
    """The questions on whose answers the results depend."""
    if len(set(results)) < 2:
        return set()
    groups: dict[int, list[int]] = {}
    for place, world in enumerate(worlds):
        groups.setdefault(world.trail[depth][2], []).append(place)
    found: set[Question] = set()
    if len({frozenset(results[place] for place in group) for group in groups.values()}) > 1:
        found.add(worlds[0].trail[depth][1])
    for group in groups.values():
        found |= decisive([worlds[place] for place in group], [results[place] for place in group], depth + 1)
    return found
