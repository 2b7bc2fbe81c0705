# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's clock does not wait."""

from __future__ import annotations

import pytest

from tests.unit.clock import Clock


@pytest.fixture(autouse=True)
def _no_waiting(clock: Clock) -> None:
    """No test waits."""
