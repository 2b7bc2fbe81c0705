# SPDX-License-Identifier: GPL-3.0-or-later
"""What was observed in an organization and counts, and what does not count, as rows of results and as sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from ..input.observations import CountedObservations, NotCounted, Observation, ObservedContradiction, contradiction_text
from .row import ResultRow, Row, as_list, one_of


@dataclass(frozen=True)
class AnswerRow(ResultRow):
    """An open question that the organization answered.

    :param id: the number of the question.
    :param seen: when, as an ISO 8601 date.
    :param text: the answer as a sentence without its period.
    """

    id: str
    answer: bool
    seen: str
    text: str

    @property
    def line(self) -> str:
        """The row as a line."""
        return f"{self.id}: {self.text}."


@dataclass(frozen=True)
class ContradictionRow(ResultRow):
    """A test message that contradicted what is computed.

    :param contradicted: what of it.
    :param rules: the names of the rules that acted on it.
    :param seen: when, as an ISO 8601 date.
    :param experiment: the message, and the token of its run.
    :param text: the contradiction as a sentence without its period.
    """

    contradicted: tuple[str, ...] = field(metadata=as_list())
    rules: tuple[str, ...] = field(metadata=as_list())
    seen: str
    experiment: str
    text: str

    @property
    def line(self) -> str:
        """The row as a line."""
        return f"{self.text}."


@dataclass(frozen=True)
class NotCountedRow(ResultRow):
    """An open question of which no observation counts.

    :param id: the number of the question.
    :param left_out: why.
    """

    id: str
    left_out: NotCounted = field(metadata=one_of(NotCounted))

    @property
    def line(self) -> str:
        """The row as a line."""
        return f"{self.id}: {_NOT_COUNTED[self.left_out]}."


#: A row about what was observed.
ObservedRow: TypeAlias = AnswerRow | ContradictionRow | NotCountedRow

#: Why an observation does not count.
_NOT_COUNTED = {
    NotCounted.OLD: "its observations are too old",
    NotCounted.CHANGED: "the rules that its observations rest on have changed",
    NotCounted.CONTRADICTORY: "its observations contradict each other",
}


def observed_row(row: Row) -> ObservedRow:
    """The row that a document has.

    :raises KeyError, TypeError, ValueError: it is none.
    """
    if "contradicted" in row:
        return ContradictionRow.from_row(row)
    return NotCountedRow.from_row(row) if "left_out" in row else AnswerRow.from_row(row)


def observed_rows(observations: CountedObservations) -> tuple[ObservedRow, ...]:
    """Observations as rows: the contradictions, the answers, and the questions of which none counts."""
    return (
        *map(_contradiction_row, observations.contradictions),
        *map(_answer_row, observations.counted),
        *(NotCountedRow(number, why) for number, why in sorted(observations.left_out.items())),
    )


def _contradiction_row(contradiction: ObservedContradiction) -> ContradictionRow:
    text = (
        f"On {contradiction.seen}, {contradiction_text(contradiction.contradicted)}. While that counts, no guarantee is "
        "proved, and nothing that is computed of these rules is certain"
    )
    names = tuple(name for name, _digest in contradiction.rules)
    return ContradictionRow(contradiction.parts, names, contradiction.seen, contradiction.experiment, text)


def _answer_row(observation: Observation) -> AnswerRow:
    text = f"{observation.text.rstrip('.')} (observed on {observation.seen})"
    return AnswerRow(observation.id, observation.answer, observation.seen, text)


def observed_lines(rows: Iterable[ObservedRow]) -> list[str]:
    """What was observed in the organization, and which observations do not count."""
    return [row.line for row in rows]
