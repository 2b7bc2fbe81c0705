# SPDX-License-Identifier: GPL-3.0-or-later
"""What a shell is to the front: PSRP fragments go in, and what it answers waits, for each target, to be fetched.

A target is a pipeline's id in upper case, or empty for the runspace pool itself.
"""

from __future__ import annotations

import abc
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

from .console import Console


@dataclass
class Pipeline:
    """One pipeline: the cmdlets that it was asked for, as far as they could be read, whether its command came whole, and
    whether it has ended.
    """

    cmdlets: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    begun: bool = False
    finished: bool = False


class Shell(abc.ABC):
    """One shell.

    :param console: what its session may do with which organization.
    """

    def __init__(self, shell_id: str, console: Console) -> None:
        self.id = shell_id
        self.console = console
        self.pipelines: dict[str, Pipeline] = {}
        #: Why it is no more; empty while it lives.
        self.gone = ""
        self.ready = threading.Condition(threading.RLock())
        self._waiting: defaultdict[str, list[bytes]] = defaultdict(list)

    @abc.abstractmethod
    def begin(self, target: str, cmdlets: list[str]) -> None:
        """A pipeline comes; its fragments follow."""

    @abc.abstractmethod
    def feed(self, target: str, data: bytes) -> None:
        """Takes fragments for the pool or for one of its pipelines.

        :raises wsman.Fault: they cannot be read, or nobody is there to read them.
        """

    @abc.abstractmethod
    def interrupt(self, target: str) -> None:
        """A running pipeline shall stop; how it ended is still fetched."""

    @abc.abstractmethod
    def dismiss(self, target: str) -> None:
        """Nothing more of a pipeline will be fetched."""

    @abc.abstractmethod
    def end(self) -> None:
        """The shell is closed, or killed."""

    @property
    def is_idle(self) -> bool:
        """Whether no pipeline runs: one whose command never came whole does not begin."""
        return all(pipeline.finished or not pipeline.begun for pipeline in list(self.pipelines.values()))

    def put(self, target: str, data: bytes) -> None:
        """Leaves fragments to be fetched."""
        with self.ready:
            self._waiting[target].append(data)
            self.ready.notify_all()

    def take(self, target: str, seconds: float, limit: int) -> list[bytes]:
        """What waits for a target, up to ``limit`` bytes; empty when nothing came in time, or nothing will come."""
        deadline = time.monotonic() + seconds
        with self.ready:
            while not self._waiting[target] and not self.is_done(target) and not self.gone:
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not self.ready.wait(remaining):
                    break
            chunks: list[bytes] = []
            while self._waiting[target] and (
                not chunks or sum(map(len, chunks)) + len(self._waiting[target][0]) <= limit
            ):
                chunks.append(self._waiting[target].pop(0))
            return chunks

    def is_done(self, target: str) -> bool:
        """Whether nothing more will come for a pipeline."""
        pipeline = self.pipelines.get(target)
        return bool(target) and not self._waiting[target] and (pipeline is None or pipeline.finished)
