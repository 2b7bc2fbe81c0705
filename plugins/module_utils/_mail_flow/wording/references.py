# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules name and whether an organization has it, for people and as rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ..._exchange.text import listed, visible
from ..input.references import MISSING, OUTSIDE, PRESENT, UNKNOWN, Reference

#: What has a line each, the most important first.
_NAMED_STATUSES = (MISSING, UNKNOWN, OUTSIDE)


def reference_rows(references: Iterable[Reference]) -> list[dict[str, Any]]:
    """As a task returns them."""
    return [asdict(reference) for reference in references]


def reference_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the organization has, and a line for all else: nothing of it may be overlooked."""
    there = sum(row["status"] == PRESENT for row in rows)
    return [
        f"The organization has {there} of the {len(rows)} that the rules name.",
        *(_line(row) for status in _NAMED_STATUSES for row in rows if row["status"] == status),
    ]


def _line(row: Mapping[str, Any]) -> str:
    rules = listed([repr(name) for name in row["rules"]], joint="and", most=3)
    where = f"{', '.join(row['options'])} of {rules}"
    return f"{row['status'].capitalize()}: the {row['kind'].replace('_', ' ')} {visible(row['value'])!r} ({where}): {row['reason'].rstrip('.')}."
