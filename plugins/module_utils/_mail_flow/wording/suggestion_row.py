# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of suggested edits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..analyses.aspects import DifferenceKind
from .result_rows import DifferenceRow
from .row import ResultRow, Row


@dataclass(frozen=True)
class ChangedCopiesRow(ResultRow):
    """Copies of a trace that a suggestion would have changed in one way.

    :param certain: how many surely, and :param:`possible`: how many more perhaps.
    """

    kind: DifferenceKind
    certain: int
    possible: int

    @classmethod
    def from_row(cls, row: Row) -> ChangedCopiesRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        cls.refuse_unknown(row)
        return cls(DifferenceKind(row["kind"]), row["certain"], row["possible"])

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        return {"kind": str(self.kind), "certain": self.certain, "possible": self.possible}


@dataclass(frozen=True)
class TraceEffectRow(ResultRow):
    """What a suggestion would have changed in the mail of a trace, counted: who got it is not told.

    :param window: the time of the trace: ``from``, ``until`` and whether it is ``complete``.
    """

    window: Row
    copies: int
    difference: tuple[ChangedCopiesRow, ...]

    @classmethod
    def from_row(cls, row: Row) -> TraceEffectRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        cls.refuse_unknown(row)
        return cls(row["window"], row["copies"], tuple(map(ChangedCopiesRow.from_row, row["difference"])))

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        changes = [copies.as_row() for copies in self.difference]
        return {"window": self.window, "copies": self.copies, "difference": changes}


@dataclass(frozen=True)
class EditedRulesRow:
    """Rules after suggested edits.

    :param rules: all of them, as the option ``rules`` takes them; ``None`` where a document leaves them out.
    :param difference: the classes of mail that the edits change, and :param:`difference_more`: how many more there are.
    :param yaml: the edited rules, and :param:`diff`: the edits as a diff of YAML.
    """

    rules: tuple[Row, ...] | None
    difference: tuple[DifferenceRow, ...]
    difference_more: int
    yaml: str
    diff: str

    @property
    def without_rules(self) -> EditedRulesRow:
        """The same, without the rules."""
        return replace(self, rules=None)

    @classmethod
    def from_row(cls, row: Row) -> EditedRulesRow:
        """The values of a suggestion's row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        return cls(
            rules=tuple(row["rules"]) if "rules" in row else None,
            difference=tuple(map(DifferenceRow.from_row, row["difference"])),
            difference_more=row["difference_more"],
            yaml=row["yaml"],
            diff=row["diff"],
        )

    def as_row(self) -> dict[str, Any]:
        """Its part of a suggestion's row."""
        rules = {} if self.rules is None else {"rules": list(self.rules)}
        return {
            **rules,
            "difference": [change.as_row() for change in self.difference],
            "difference_more": self.difference_more,
            "yaml": self.yaml,
            "diff": self.diff,
        }


#: The keys of a suggestion in results.
_KEYS = frozenset(
    (
        *("for", "edits", "text", "tried", "puts_right", "effect", "unless", "open", "cmdlet", "until", "unwritten"),
        *("rules", "difference", "difference_more", "yaml", "diff", "replay", "contradicted"),
    )
)


@dataclass(frozen=True, kw_only=True)
class SuggestionRow(ResultRow):
    """A suggested edit, or why there is none. Texts are empty where they do not apply.

    :param about: the guarantee or message that it is for.
    :param edits: as results have them.
    :param tried: how many edits were tried.
    :param puts_right: what it puts right, and :param:`effect`: what it changes in mail, as sentences.
    :param unless: the ``unless`` with which the guarantee needs no edit.
    :param left_open: what stays open after it, as a sentence.
    :param cmdlet: the edit of a connector, as PowerShell.
    :param until: the day from which it helps no longer.
    :param edited: the rules after it; ``None`` if it edits none.
    :param unwritten: the rules that the option ``rules`` cannot say.
    :param replay: what it would have changed in the mail of a trace.
    :param contradicted: sentences about what Exchange did otherwise than is computed.
    """

    about: str
    text: str
    tried: Row
    edits: tuple[Row, ...] = ()
    puts_right: str = ""
    effect: str = ""
    unless: Row | None = None
    left_open: str = ""
    cmdlet: str = ""
    until: str = ""
    edited: EditedRulesRow | None = None
    unwritten: tuple[str, ...] = ()
    replay: TraceEffectRow | None = None
    contradicted: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: Row) -> SuggestionRow:
        """The values of a row. Raises KeyError, TypeError or ValueError if they are none of this kind."""
        if not row.keys() <= _KEYS:
            raise ValueError(f"{', '.join(sorted(row.keys() - _KEYS))} in a row of {cls.__name__}")
        return cls(
            about=row["for"],
            text=row["text"],
            tried=row["tried"],
            edits=tuple(row["edits"]),
            puts_right=row.get("puts_right", ""),
            effect=row.get("effect", ""),
            unless=row.get("unless"),
            left_open=row.get("open", ""),
            cmdlet=row.get("cmdlet", ""),
            until=row.get("until", ""),
            edited=EditedRulesRow.from_row(row) if "diff" in row else None,
            unwritten=tuple(row.get("unwritten", ())),
            replay=TraceEffectRow.from_row(row["replay"]) if "replay" in row else None,
            contradicted=tuple(row.get("contradicted", ())),
        )

    def as_row(self) -> dict[str, Any]:
        """The row of results."""
        row: dict[str, Any] = {
            "for": self.about,
            "tried": self.tried,
            "edits": list(self.edits),
            "text": self.text,
            **(self.edited.as_row() if self.edited else {}),
        }
        parts: dict[str, Any] = {
            "puts_right": self.puts_right,
            "effect": self.effect,
            "unless": self.unless,
            "open": self.left_open,
            "cmdlet": self.cmdlet,
            "until": self.until,
            "unwritten": list(self.unwritten),
            "replay": self.replay.as_row() if self.replay else None,
            "contradicted": list(self.contradicted),
        }
        return row | {key: part for key, part in parts.items() if part}

    @property
    def diff(self) -> str:
        """The edits of rules as a diff of YAML; empty if there are none."""
        return self.edited.diff if self.edited else ""

    @property
    def difference(self) -> tuple[DifferenceRow, ...]:
        """The classes of mail that the edits change."""
        return self.edited.difference if self.edited else ()

    def with_contradicted(self, texts: Iterable[str]) -> SuggestionRow:
        """The row with more sentences about what Exchange did otherwise, each once."""
        return replace(self, contradicted=tuple(dict.fromkeys((*self.contradicted, *texts))))
