# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules name and whether an organization has it, for people and as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from ..._exchange.text import listed, visible
from ..input.references import MISSING, OUTSIDE, PRESENT, UNKNOWN, Reference

#: What has a line each, the most important first.
_NAMED_STATUSES = (MISSING, UNKNOWN, OUTSIDE)


def reference_rows(references: Iterable[Reference]) -> list[dict[str, Any]]:
    """As a task returns them."""
    return [asdict(reference) for reference in references]


def reference_lines(references: Sequence[Reference]) -> list[str]:
    """What the organization has, and a line for all else: nothing of it may be overlooked."""
    there = sum(reference.status == PRESENT for reference in references)
    return [
        f"The organization has {there} of the {len(references)} that the rules name.",
        *(_line(reference) for status in _NAMED_STATUSES for reference in references if reference.status == status),
    ]


def _line(reference: Reference) -> str:
    rules = listed([repr(name) for name in reference.rules], joint="and", most=3)
    where = f"{', '.join(reference.options)} of {rules}"
    what = f"{reference.kind.replace('_', ' ')} {visible(reference.value)!r}"
    return f"{reference.status.capitalize()}: the {what} ({where}): {reference.reason.rstrip('.')}."
