# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings as the ``msg`` of a task, which fits a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..._exchange.text import FOLD_INDENT, MOST_COLUMNS, folded

#: The most lines of a ``msg``.
MOST_LINES = 40


def screen_of(lines: Iterable[str], always: Sequence[str] = ()) -> str:
    """Lines as a ``msg``: long ones in several, and as many as a terminal shows.

    :param always: the last lines, which stand there however many come before.
    """
    ends = list(folded(always))
    shown = list(folded(lines))
    room = MOST_LINES - len(ends)
    if len(shown) > room:
        more = len(shown) - room + 1
        shown = [*shown[: room - 1], f"... and {more:,} more lines. The result has everything."]
    return "\n".join([*shown, *ends])


def unfolded(screen: str) -> list[str]:
    """The lines that :func:`screen_of` folded, each whole again. What it left out is not there."""
    found: list[str] = []
    last, below = "", ""
    for line in filter(str.strip, screen.split("\n")):
        text = line.lstrip()
        own = line[: len(line) - len(text)]
        if found and own == below and len(last) + 1 + len(text.split()[0]) > MOST_COLUMNS:
            found[-1] = f"{found[-1]} {text}"
        else:
            found.append(line)
            below = own + FOLD_INDENT
        last = line
    return found
