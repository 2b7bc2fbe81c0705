# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of a call that ends at the same moment as the call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.limits import Limits


class Timer(threading.Thread):
    """A timer that cannot be stopped any more: its time is over, and its thread has not run yet."""

    made: list[Timer] = []

    def __init__(self, _seconds: float, function: Callable[..., None], arguments: Sequence[Any] = ()) -> None:
        super().__init__(target=function, args=arguments)
        self.made.append(self)

    def start(self) -> None:
        pass

    def cancel(self) -> None:
        pass


def test_the_time_of_one_call_does_not_end_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Timer", Timer)
    monkeypatch.setattr(Timer, "made", [])
    limits = Limits()
    with limits.call(1):
        pass
    with limits.call(1):
        first, second = Timer.made
        first.run()
        assert not limits.late
        second.run()
        assert limits.late
