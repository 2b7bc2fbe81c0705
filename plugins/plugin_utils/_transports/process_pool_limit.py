# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits the number of PowerShell processes in a run.

An owner keeps a place from its first turn until its process ends. If no place is free, a new
owner takes the place of the owner that has been idle longest. A waiting owner has no place, and each turn ends within
the time limit of its call, so no owner waits forever.
"""

from __future__ import annotations

import contextlib
import enum
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

#: Seconds between two checks whether the worker still waits.
_LOOK = 1.0


class Owner(Protocol):
    """An owner of a process."""

    @property
    def has_process(self) -> bool:
        """Whether it has a process now."""

    def close(self) -> None:
        """Ends the process. May take seconds; raises nothing."""


class NobodyWaitsError(Exception):
    """The worker has gone while its call waited for a place."""


class _PlaceState(enum.Enum):
    BUSY = "it has its turn"
    IDLE = "it has a process and no turn"
    ENDING = "its process is being ended for another"


class Places:
    """The places of a run."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        #: The owners with a place, the one with the least recent turn first.
        self._owners: dict[Owner, _PlaceState] = {}
        self._waiting: deque[object] = deque()
        self._most = 0

    @contextlib.contextmanager
    def turn(self, owner: Owner, most: int, wanted: Callable[[], bool], log: Callable[[str], None]) -> Iterator[None]:
        """The owner may have a process inside of this context.

        :param most: the number of places that the owner's variables allow. The smallest number of all owners so far
            counts.
        :param wanted: whether the worker still waits.
        :raises NobodyWaitsError: it no longer waits.
        """
        self._enter(owner, most, wanted, log)
        try:
            yield
        finally:
            self._leave(owner)

    def owner_ended(self, owner: Owner) -> None:
        """Releases the place of an owner whose process has ended outside a turn."""
        with self._changed:
            if self._owners.get(owner) is _PlaceState.IDLE:
                self._release(owner)

    def _enter(self, owner: Owner, most: int, wanted: Callable[[], bool], log: Callable[[str], None]) -> None:
        began = time.monotonic()
        with self._changed:
            self._most = min(self._most or most, most)
            has_waited = self._wait_for_turn(owner, wanted, log)
        if has_waited:
            log(f"waited {time.monotonic() - began:.1f} s for one of {self._most} PowerShell processes")

    def _wait_for_turn(self, owner: Owner, wanted: Callable[[], bool], log: Callable[[str], None]) -> bool:
        """Waits until the owner has its turn, with the lock held. Returns whether it had no place, which is logged once."""
        has_waited = False
        ticket = object()
        self._waiting.append(ticket)
        try:
            while not self._has_turn(owner, ticket):
                if not has_waited and self._owners.get(owner) is None:
                    has_waited = True
                    log(f"waits for one of {self._most} PowerShell processes (ansible_exchange_powershell_processes)")
                if not self._changed.wait(_LOOK) and not wanted():
                    raise NobodyWaitsError
        finally:
            self._waiting.remove(ticket)
            self._changed.notify_all()
        return has_waited

    def _has_turn(self, owner: Owner, ticket: object) -> bool:
        """Takes a turn if one is free. May end another owner's process for it, without holding the lock."""
        state = self._owners.get(owner)
        if state is None and self._waiting[0] is ticket:
            while len(self._owners) >= self._most and (idle := self._longest_idle()) is not None:
                self._end(idle)
            if len(self._owners) < self._most:
                state = _PlaceState.IDLE
        if state is not _PlaceState.IDLE:
            return False
        self._owners.pop(owner, None)
        self._owners[owner] = _PlaceState.BUSY
        return True

    def _longest_idle(self) -> Owner | None:
        return next((owner for owner, state in self._owners.items() if state is _PlaceState.IDLE), None)

    def _end(self, owner: Owner) -> None:
        self._owners[owner] = _PlaceState.ENDING
        self._changed.release()
        try:
            owner.close()
        finally:
            self._changed.acquire()
            self._release(owner)

    def _leave(self, owner: Owner) -> None:
        with self._changed:
            if not owner.has_process:
                self._release(owner)
                return
            self._owners[owner] = _PlaceState.IDLE
            self._changed.notify_all()
            while len(self._owners) > self._most and (idle := self._longest_idle()) is not None:
                self._end(idle)

    def _release(self, owner: Owner) -> None:
        self._owners.pop(owner, None)
        self._changed.notify_all()
