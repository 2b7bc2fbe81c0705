# SPDX-License-Identifier: GPL-3.0-or-later
"""The law of the seam: the calls that the modules make give the same results, errors and organization over each
transport.

They are recorded above the seam, where the modules run on an organization without any transport, a second run included.
A check makes no call that they do not make.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SESSION

from tests.emulator import Emulator
from tests.stories import TASKS
from tests.unit.connections import ORGANIZATION
from tests.unit.emulated_session import EmulatedSession
from tests.unit.transports.wires import MODULE_BENEATH, WIRES, Open, invoke

_DRAWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: What the service draws, says of the time, or shows of the session.
_UNLIKE = {"WhenChanged", "WhenCreated", "WhenChangedUTC", "WhenCreatedUTC", SESSION}


class Recording(EmulatedSession):
    """Keeps the calls of each round trip."""

    def __init__(self) -> None:
        super().__init__({"name": ORGANIZATION, "advanced_message_encryption": True})
        self.batches: list[list[Call]] = []

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        self.batches.append(list(calls))
        return super().invoke(calls, fresh=fresh)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"ansible_collections.m365.message_encryption.plugins.modules.{name}")


@functools.cache
def recorded() -> tuple[list[list[Call]], int]:
    """The calls of the stories, round trip by round trip, and how many tasks were refused."""
    return record(check_modes=(False, False))


def record(check_modes: Sequence[bool]) -> tuple[list[list[Call]], int]:
    """The same of runs in check mode or not, one after the other."""
    session, refused = Recording(), 0
    for check_mode in check_modes:
        for task in TASKS:
            ((name, options),) = task.items()
            try:
                session.run(_module(name), check_mode=check_mode, **options)
            except ExchangeError:
                refused += 1
    return session.batches, refused


def comparable(value: Any) -> Any:
    """A value without what is drawn anew for each organization. Where nothing is stored, some wires leave the property
    out.
    """
    if isinstance(value, dict):
        return {
            key: comparable(item) for key, item in value.items() if key not in _UNLIKE and item not in (None, [], "")
        }
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return _DRAWN.sub("guid", value) if isinstance(value, str) else value


def told(emulator: Emulator, sessions: Open, wire: str) -> tuple[list[Any], Any]:
    """What each call gives over a wire, and what the organization stores in the end."""
    emulator.organizations[ORGANIZATION].replace({"name": ORGANIZATION, "advanced_message_encryption": True})
    session, answers = sessions(wire), list[Any]()
    for calls in recorded()[0]:
        for call, result in zip(calls, invoke(session, *calls), strict=True):
            objects = [comparable(dict(each)) for each in result.objects]
            if call.cmdlet == "Get-Command":  # whose order is nobody's
                objects = sorted(each["Name"] for each in objects)
            answers.append((str(call), type(result.error).__name__, objects))
    return answers, comparable(emulator.organizations[ORGANIZATION].dump())


#: What REST gives, once it was asked.
_OVER_REST: list[tuple[list[Any], Any]] = []


# The constrained endpoint takes ten times as long for each call; tests/integration/test_same_over_wires.py has it, and
# a PowerShell of our own, which answers as "engine" does.
@pytest.mark.parametrize(
    "wire", [*WIRES[1:], pytest.param("powershell", marks=[pytest.mark.engine, pytest.mark.matrix])]
)
def test_recorded_calls_give_the_same_over_each_transport(fresh: Emulator, sessions: Open, wire: str) -> None:
    if not _OVER_REST:
        _OVER_REST.append(told(fresh, sessions, "rest"))
    ((ours, our_state),), (theirs, their_state) = _OVER_REST, told(fresh, sessions, wire)
    # What Microsoft's module reports of a write does not tell which of its tries it is about.
    unclear = "OutcomeUnknownError" if wire in MODULE_BENEATH else ""
    differing = [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other]
    assert [(mine, other) for mine, other in differing if mine[1] == "NoneType" or other[1] != unclear] == []
    assert our_state == their_state


def test_the_recording_has_reads_writes_and_refusals() -> None:
    batches, refused = recorded()
    calls = [call for batch in batches for call in batch]
    assert refused >= 2
    assert {str(call) for batch in record([True])[0] for call in batch} <= {str(call) for call in calls}
    assert len({call.cmdlet for call in calls if call.is_read}) >= 9
    assert len({call.cmdlet for call in calls if not call.is_read}) >= 8
