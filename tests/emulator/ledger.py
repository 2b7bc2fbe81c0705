# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of the emulator: every cmdlet call, and the round trips of each wire."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One cmdlet call. ``applied`` tells whether the organization is different afterwards; ``error`` is empty on
    success.
    """

    organization: str
    wire: str
    cmdlet: str
    parameters: dict[str, Any]
    error: str
    applied: bool


class Ledger:
    """Calls and counters. The portal's own edits are not in it.

    Counters: ``rest`` (InvokeCommand, batches and module files), ``rest_beside`` (those that were sent beside another
    one; with latency, and of one organization), ``psrp`` (pipelines), ``powershell`` (requests of the module in a
    process of the client's), ``token`` (OAuth), ``psrp_requests`` (HTTP requests of PSRP), ``shells_opened`` and
    ``shells_closed``, ``exchange_sessions_opened`` (Connect-ExchangeOnline), ``_closed`` (Disconnect-ExchangeOnline)
    and ``_abandoned`` (the shell ended first).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Entry] = []
        self._counters: Counter[str] = Counter()
        #: Seconds that each answer takes at least, and when the last request can have been answered.
        self.latency = 0.0
        self._answered = 0.0

    def count_request(self) -> None:
        """Counts a request over REST. One that comes before the one ahead of it can have been answered was sent beside
        it.
        """
        now = time.monotonic()
        with self._lock:
            self._counters["rest"] += 1
            if now < self._answered:
                self._counters["rest_beside"] += 1
            else:
                self._answered = now + self.latency

    def record(self, entry: Entry) -> None:
        with self._lock:
            self._calls.append(entry)

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self._counters[what] += number

    def reset(self) -> None:
        with self._lock:
            self._calls.clear()
            self._counters.clear()

    @property
    def calls(self) -> list[Entry]:
        with self._lock:
            return list(self._calls)

    @property
    def counters(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counters)

    @property
    def round_trips(self) -> int:
        """Round trips that carry cmdlets, over every wire."""
        return sum(self.counters.get(wire, 0) for wire in ("rest", "psrp", "powershell"))

    def dump(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.calls]
