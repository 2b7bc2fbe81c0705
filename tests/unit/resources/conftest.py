# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's clock does not wait."""

from __future__ import annotations

import pytest

from tests.unit.clock import Clock


@pytest.fixture(autouse=True)
def _no_waiting(clock: Clock) -> None:
    """No test waits."""
