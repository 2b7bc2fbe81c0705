# SPDX-License-Identifier: GPL-3.0-or-later
"""The dates between which a rule acts."""

from __future__ import annotations

import datetime
from collections.abc import Hashable
from dataclasses import dataclass

from ..model import questions
from ..model.kleene import Truth, all_of, negate, opened
from ..model.reason_kinds import ReasonKind

#: A day: this close to one of a rule's dates, an unnamed time zone can matter.
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class RuleDates:
    """When a rule acts.

    :param begins: the instant from which it acts, in ISO 8601; empty if it acts from the first.
    :param ends: the instant until which it acts; empty if it does not end.
    """

    begins: str = ""
    ends: str = ""

    def allow(self, date: datetime.datetime | None) -> Truth:
        """Whether they let the rule act on mail of a date, which is ``None`` if it is not known."""
        return all_of(self.borders(date))

    def borders(self, date: datetime.datetime | None) -> list[Truth]:
        """For each of its dates, whether it lets the rule act then."""
        return [_is_on_side(text, date, after) for text, after in ((self.begins, True), (self.ends, False)) if text]


def _is_on_side(text: str, date: datetime.datetime | None, after: bool) -> Truth:
    """Whether a date is after an instant, or before it.

    If one rule begins when another ends, one of them is in effect; only at that very instant is it open whether both
    are.
    """

    def over(kind: ReasonKind, *more: Hashable) -> Truth:
        truth = opened(("date", text, *more), questions.DATES, kind, text)
        return truth if after else negate(truth)

    try:
        instant = datetime.datetime.fromisoformat(text)
    except ValueError:
        return over("date")
    if date is None:
        return over("date_of_message")
    nameless: ReasonKind | None = None
    if instant.tzinfo is None:
        nameless = "date"
    elif date.tzinfo is None:
        nameless = "date_without_offset"
    distance = _with_zone(date) - _with_zone(instant)
    if not distance:
        return over(nameless or "date_exactly", after)
    return over(nameless) if nameless and abs(distance) <= _DAY else (distance > datetime.timedelta()) is after


def _with_zone(instant: datetime.datetime) -> datetime.datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=datetime.UTC)


def is_later(text: str, now: datetime.datetime) -> bool:
    """Whether a date of a rule is, or may be, after an instant; an unreadable date may be."""
    return bool(text) and _is_on_side(text, now, after=False) is not False
