# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that the tests of several packages share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import waiting as _waiting

from tests import endpoint
from tests.emulator import Emulator
from tests.emulator.engine import Engine
from tests.rounds import load_profile
from tests.unit.clock import Clock
from tests.unit.connections import ORGANIZATION, Script
from tests.unit.emulated_session import WIRES, EmulatedSession

load_profile()


@pytest.fixture(name="clock")
def clock_fixture(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The engine's clock, which does not wait."""
    clock = Clock()
    monkeypatch.setattr(_waiting, "time", clock)
    return clock


@pytest.fixture(name="session")
def session_fixture() -> EmulatedSession:
    """A fresh organization with Advanced Message Encryption, over REST."""
    return EmulatedSession({"advanced_message_encryption": True})


@pytest.fixture(name="any_session", params=WIRES)
def any_session_fixture(request: pytest.FixtureRequest) -> EmulatedSession:
    """The same over each wire in turn."""
    return EmulatedSession({"advanced_message_encryption": True}, request.param)


@pytest.fixture(scope="session")
def emulator(engine: Engine | None) -> Iterator[Emulator]:
    with Emulator([ORGANIZATION, "fabrikam.onmicrosoft.com"], engine=engine) as running:
        if engine is not None:
            endpoint.install(running, "Baseline")
        yield running


@pytest.fixture
def script() -> Iterator[Callable[..., Script]]:
    made: list[Script] = []

    def make(*steps: Any) -> Script:
        server = Script()
        server.steps = list(steps)
        made.append(server)
        return server

    yield make
    for server in made:
        server.server.shutdown()
        server.server.server_close()
