# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that another one watches, identified by its ID and start time, because IDs are reused."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """A process.

    :param pid: its ID.
    :param started: its start time in the system's own unit, only for comparing; empty if the system does not provide
        it.
    """

    pid: int
    started: str

    @staticmethod
    def current(pid: int) -> Process:
        """The process that currently has this ID."""
        return Process(pid, _started(pid))

    def alive(self) -> bool:
        """Whether this process, not just one with its ID, still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _started(self.pid) == self.started

    @contextlib.contextmanager
    def watch(self) -> Iterator[int | None]:
        """A descriptor that becomes readable when the process ends; None if the system has no such feature."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            yield None
            return
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _started(pid: int) -> str:
    """The start time of a process in clock ticks since the system started; ``ended`` for a zombie, empty if the system
    has no /proc.

    Source: proc(5), field 22 of /proc/pid/stat, counted after the name, which may contain anything.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "ended" if fields[0] in ("Z", "X") else fields[19]
