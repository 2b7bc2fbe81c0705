# SPDX-License-Identifier: GPL-3.0-or-later
"""The reads of a run that may be reused for some seconds, until it writes. Runs in the
broker.

A write ends the reuse of everything that it may have changed, in all sessions of the run, because two hosts may be the
same organization. Reads that began before the write ended count as older than the write, whatever its outcome.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.invalidation import EVERYTHING, noun, touched
from ...module_utils._exchange.organization import MAIL_FACTS, SUBSETS

#: The calls that the first read of a session adds for later tasks: the settings of an organization.
AHEAD = [call for name, call in SUBSETS.items() if name not in ("exported_cmdlets", *MAIL_FACTS)]


class Writes:
    """The times of the run's last writes to each organization, for all sessions.

    :param clock: seconds; the sessions have the same one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ended: dict[tuple[str, str], float] = {}
        self._running: Counter[tuple[str, str]] = Counter()

    @contextlib.contextmanager
    def write(self, organization: str, calls: Iterable[Call]) -> Iterator[None]:
        """Surrounds writes that share a round trip.

        :param organization: its name; empty if it is unknown, so that it counts for all organizations.
        """
        keys = {(organization.lower(), name) for call in calls for name in touched(call)}
        with self._lock:
            self._running.update(keys)
        try:
            yield
        finally:
            with self._lock:
                self._running.subtract(keys)
                self._ended.update(dict.fromkeys(keys, self._clock()))

    def last(self, organization: str, call: Call) -> float:
        """The end of the last write that may have changed the result of a read: minus infinity if there was none,
        infinity if one is running.
        """
        mine = organization.lower()

        def concerns(key: tuple[str, str]) -> bool:
            whose, name = key
            return (not whose or not mine or whose == mine) and name in (EVERYTHING, noun(call))

        with self._lock:
            if any(count and concerns(key) for key, count in self._running.items()):
                return math.inf
            return max((ended for key, ended in self._ended.items() if concerns(key)), default=-math.inf)


@dataclass(frozen=True)
class _Read:
    began: float
    result: Result


class KeptReads:
    """The reads of one session."""

    def __init__(self, writes: Writes, clock: Callable[[], float]) -> None:
        self._writes = writes
        self._clock = clock
        self._reads: dict[str, _Read] = {}
        self._has_read_ahead = False

    def read_ahead(self, calls: Sequence[Call]) -> list[Call]:
        """What the session's first reusable read reads beside these calls, in the same round trip: what later tasks may
        need. Nothing for later ones, or where one of the calls does not read a setting.
        """
        if self._has_read_ahead or not all(call in AHEAD for call in calls):
            return []
        self._has_read_ahead = True
        return [call for call in AHEAD if call not in calls]

    def keep(self, call: Call, result: Result, began: float) -> None:
        """Keeps the result of a read, if reading it again would return the same.

        :param began: the time before it was sent.
        """
        if result.error is None and call.cmdlet.lower().startswith("get-"):
            self._reads[_name(call)] = _Read(began, result)

    def find(self, call: Call, organization: str, seconds: float) -> Result | None:
        """The result of a read that is not older than the given seconds and has not been changed by the run since."""
        read = self._reads.get(_name(call))
        if read is None or self._clock() - read.began > seconds or read.began <= self._writes.last(organization, call):
            return None
        return Result(objects=read.result.objects, warnings=read.result.warnings, reused=True)

    def clear(self) -> None:
        """Forgets everything."""
        self._reads.clear()
        self._has_read_ahead = False


def _name(call: Call) -> str:
    return json.dumps(call.to_wire(), sort_keys=True)
