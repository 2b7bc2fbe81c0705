# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organizations for the tests of mail flow rules."""

from __future__ import annotations

import os

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import converge as _converge
from hypothesis import settings

from tests.unit.organization_session import WIRES, OrganizationSession


@pytest.fixture(name="session")
def session_fixture() -> OrganizationSession:
    """A fresh organization with Advanced Message Encryption, over REST."""
    return OrganizationSession({"advanced_message_encryption": True})


@pytest.fixture(name="any_session", params=WIRES)
def any_session_fixture(request: pytest.FixtureRequest) -> OrganizationSession:
    """The same over each wire in turn."""
    return OrganizationSession({"advanced_message_encryption": True}, request.param)


class Clock:
    """Stands in for the module ``time``: sleeping moves it on."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_converge, "time", Clock())


# More examples than a developer waits for: HYPOTHESIS_PROFILE=thorough make test PYTEST_ARGS="tests/unit/rules"
settings.register_profile("quick", max_examples=20)
settings.register_profile("thorough", max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
