# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of suggested edits."""

from __future__ import annotations

from dataclasses import dataclass, field

from .replay_row import ChangedCopiesRow, WindowRow
from .result_rows import DifferenceRow
from .row import ComputedRow, ResultRow, Row, as_list, codec, row_of, rows_of


@dataclass(frozen=True)
class TraceEffectRow(ResultRow):
    """What a suggestion would have changed in the mail of a trace, counted: who got it is not told.

    :param window: the time of the trace.
    """

    window: WindowRow = field(metadata=row_of(WindowRow))
    copies: int
    difference: tuple[ChangedCopiesRow, ...] = field(metadata=rows_of(ChangedCopiesRow))


@dataclass(frozen=True, kw_only=True)
class SuggestionRow(ComputedRow):
    """A suggested edit, or why there is none. Texts are empty where they do not apply.

    :param about: the guarantee or message that it is for.
    :param edits: as results have them.
    :param tried: how many edits were tried.
    :param puts_right: what it puts right, and :param:`effect`: what it changes in mail, as sentences.
    :param unless: the ``unless`` with which the guarantee needs no edit.
    :param left_open: what stays open after it, as a sentence.
    :param cmdlet: the edit of a connector, as PowerShell.
    :param until: the day from which it helps no longer.
    :param rules: all rules after it, as the option ``rules`` takes them; ``None`` where a document leaves them out.
    :param difference: the classes of mail that the edits of rules change, and :param:`difference_more`: how many more
        there are at least; ``None`` without such edits.
    :param yaml: the edited rules, and :param:`diff`: the edits, as a diff of YAML.
    :param unwritten: the rules that the option ``rules`` cannot say.
    :param replay: what it would have changed in the mail of a trace.
    """

    about: str = field(metadata=codec(key="for"))
    text: str
    tried: Row
    edits: tuple[Row, ...] = field(default=(), metadata=as_list(always=True))
    puts_right: str = ""
    effect: str = ""
    unless: Row | None = None
    left_open: str = field(default="", metadata=codec(key="open"))
    cmdlet: str = ""
    until: str = ""
    rules: tuple[Row, ...] | None = field(default=None, metadata=as_list())
    difference: tuple[DifferenceRow, ...] | None = field(default=None, metadata=rows_of(DifferenceRow))
    difference_more: int | None = None
    yaml: str | None = None
    diff: str | None = None
    unwritten: tuple[str, ...] = field(default=(), metadata=as_list())
    replay: TraceEffectRow | None = field(default=None, metadata=row_of(TraceEffectRow))
