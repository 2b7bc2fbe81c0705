# SPDX-License-Identifier: GPL-3.0-or-later
"""What kept a copy in clear, as rows of results and as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..._exchange.text import visible_line
from ..repair.nearest import NearestRule
from .instants import instant_words
from .reasons import worded
from .row import ResultRow
from .suggestions import value_words

#: The maximum number of copies in clear that a terminal explains.
_EXPLAINED = 10


@dataclass(frozen=True, kw_only=True)
class NearestRow(ResultRow):
    """What kept a copy in clear. See :class:`NearestRule` for the fields."""

    rule: str = ""
    option: str
    value: Any
    looked_at: str | None = None
    others: int = 0


def nearest_row(nearest: NearestRule) -> NearestRow:
    """What kept a copy in clear, in words."""
    looked_at = worded(nearest.looked_at) if nearest.looked_at else None
    return NearestRow(
        rule=nearest.rule,
        option=nearest.option,
        value=worded(nearest.value),
        looked_at=looked_at,
        others=nearest.others,
    )


def nearest_lines(explained: Sequence[tuple[str, str, NearestRow]]) -> list[str]:
    """Why copies are in clear, at most four lines for each.

    :param explained: the message or guarantee of each copy, its recipient, and what kept it in clear.
    """
    lines = [
        visible_line(line)
        for name, recipient, row in explained[:_EXPLAINED]
        for line in _explained(name, recipient, row)
    ]
    more = len(explained) - _EXPLAINED
    return [*lines, *([f"{more} more copies are not protected by rules."] if more > 0 else [])]


def _explained(name: str, recipient: str, row: NearestRow) -> Iterator[str]:
    section, _dot, action = row.option.partition(".")
    if action == "remove_rms_template":
        yield f"{name}, to {recipient}, is not protected by rules."
        yield f"  The DLP rule {row.rule!r} leaves no such mail protected ({action})."
        return
    yield f"{name}, to {recipient}, is not encrypted by rules."
    if section == "from":
        yield f"  It comes from outside, from {row.value}, and rules do not encrypt such mail."
    elif section == "actions" and row.looked_at is not None:
        yield f"  It comes from outside, from {row.looked_at}, and rules do not encrypt such mail: not even {row.rule!r}."
    elif section == "actions":
        yield f"  It arrives protected, and the rule {row.rule!r} decrypts it ({action})."
    else:
        yield f"  Nearest: the rule {row.rule!r}."
        yield f"  {_obstacle(row)}"
    if row.others:
        several = "conditions or settings keep" if row.others > 1 else "condition or setting keeps"
        yield f"  {row.others} more {several} it from acting."


#: Setting of a rule to the words for one that keeps it from acting.
_NOT_IN_FORCE = {
    "enabled": "It is disabled.",
    "mode": "It is only tested (mode: {}).",
    "activation_date": "It only begins on {}.",
    "expiry_date": "It ended on {}.",
}


def _obstacle(row: NearestRow) -> str:
    """What kept a rule from acting."""
    section, _dot, option = row.option.rpartition(".")
    if section:
        looked_at = "nothing" if row.looked_at is None else row.looked_at
        return f"Its {section.removesuffix('s')} {option} looks for {_sought(row.value)}, and finds {looked_at}."
    if option == "priority":
        stopped = row.looked_at is not None
        return (
            f"It is not reached: {row.looked_at!r} stops before." if stopped else "Only a later rule makes this copy."
        )
    return _NOT_IN_FORCE[option].format(instant_words(value_words(row.value)))


def _sought(value: Any) -> str:
    """What a condition looks for; one about a header has its name before the values, one with two options the values of each."""
    if not (isinstance(value, (list, tuple)) and value and isinstance(value[-1], (list, tuple))):
        return value_words(value)
    first, *others = value
    if isinstance(first, str):
        return f"{' and '.join(map(value_words, others))} in the header {first}"
    return " and ".join(map(value_words, value))
