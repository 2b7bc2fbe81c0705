# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs functions of other threads in the main thread. Private to the collection.

A process that must die with the broker must be started by a thread that lives as long as the broker, because the system
sends the signal when the thread ends, not the process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Errands:
    """A queue with a descriptor that becomes readable when something is in it."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._readable, self._writable = os.pipe()

    def fileno(self) -> int:
        """The descriptor."""
        return self._readable

    def close(self) -> None:
        """Closes the descriptors. What is still asked for fails from then on."""
        both = self._readable, self._writable
        self._readable = self._writable = -1
        for descriptor in both:
            os.close(descriptor)

    def run(self, function: Callable[[], T]) -> T:
        """Calls a function in the main thread. Returns its result or raises its exception."""
        done: Future[T] = Future()
        self._waiting.append((function, done))
        os.write(self._writable, b"\0")
        return done.result()

    def do(self) -> None:
        """Calls the waiting functions. For the main thread."""
        os.read(self._readable, 4096)
        while self._waiting:
            function, done = self._waiting.popleft()
            try:
                done.set_result(function())
            except BaseException as error:
                done.set_exception(error)
