# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks for tests: nobody waits, and a moment stays."""

from __future__ import annotations

import datetime
import types


class Clock:
    """Stands in for the module ``time``: sleeping moves it on."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def stopped(now: datetime.datetime) -> types.SimpleNamespace:
    """Stands in for the module ``datetime``: it is always the same moment.

    :param now: that moment, with its zone.
    """

    class Stopped(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return now.astimezone(tz) if tz else now.replace(tzinfo=None)

    return types.SimpleNamespace(**{**vars(datetime), "datetime": Stopped})
