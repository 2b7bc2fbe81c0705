# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as the ``msg`` of a task, which fits a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..._exchange.text import folded

#: The most lines of a ``msg``.
MOST_LINES = 40


def screen_of(lines: Iterable[str], always: Sequence[str] = ()) -> str:
    """Lines as a ``msg``: long ones in several, and as many as a terminal shows.

    :param always: the last lines, which stand there however many come before.
    """
    ends = list(folded(always))
    shown = list(folded(lines))
    room = MOST_LINES - len(ends)
    if len(shown) <= room:
        return "\n".join([*shown, *ends])
    kept = room - 1
    while kept and shown[kept - 1].endswith(":"):  # A heading without its lines.
        kept -= 1
    return "\n".join([*shown[:kept], f"... and {len(shown) - kept:,} more lines. The result has everything.", *ends])


@dataclass(frozen=True)
class WordedResult:
    """A result of a task, with what its ``msg`` says.

    :param row: the result without its ``msg``.
    :param parts: lists of lines; each list fits a terminal by itself.
    """

    row: dict[str, Any]
    parts: tuple[Sequence[str], ...]

    @property
    def lines(self) -> list[str]:
        """All lines, none cut or left out."""
        return [line for part in self.parts for text in part for line in text.split("\n") if line.strip()]

    def as_row(self) -> dict[str, Any]:
        """The result as a task has it."""
        return {**self.row, "msg": "\n".join(screen_of(part) for part in self.parts if part)}
