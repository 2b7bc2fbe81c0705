# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions with the emulator."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import tries as _tries
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Policy

from tests.emulator import Emulator
from tests.unit.connections import ORGANIZATION, identity
from tests.unit.transports.wires import Open, invoke, values


@pytest.fixture
def fresh(emulator: Emulator) -> Emulator:
    """The emulator with a fresh first organization that has every license, and nothing counted."""
    emulator.faults.set([])
    emulator.organizations[ORGANIZATION].replace({"name": ORGANIZATION, "advanced_message_encryption": True})
    emulator.service.ledger.reset()
    return emulator


@pytest.fixture
def sessions(fresh: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens sessions, and closes them at the end. Waits between tries are left out."""
    monkeypatch.setattr(_tries, "Policy", functools.partial(Policy, sleep=lambda seconds: None))
    opened: list[OrganizationSession] = []

    def make(wire: str, **more: Any) -> OrganizationSession:
        opened.append(OrganizationSession(identity(**values(fresh, wire, **more)), open_transport))
        return opened[-1]

    yield make
    fresh.faults.set([])
    for session in opened:
        session.close()


@pytest.fixture(scope="session")
def _shared(emulator: Emulator) -> Iterator[dict[str, OrganizationSession]]:
    shared: dict[str, OrganizationSession] = {}
    yield shared
    for session in shared.values():
        session.close()


@pytest.fixture
def shared(fresh: Emulator, sessions: Open, _shared: dict[str, OrganizationSession]) -> Open:
    """One open session over each wire for all tests that are not about opening one: a real PowerShell takes seconds to
    start.
    """

    def give(wire: str) -> OrganizationSession:
        if wire not in _shared:
            _shared[wire] = OrganizationSession(identity(**values(fresh, wire)), open_transport)
        # Whatever became of its shell in a test of another file, it is open now.
        invoke(_shared[wire], Call("Get-IRMConfiguration"))
        fresh.service.ledger.reset()
        return _shared[wire]

    return give
