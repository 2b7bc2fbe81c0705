# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world of the fault search: organizations behind both wires, with faults on demand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator.engine import Engine
from tests.soak.world import World


@pytest.fixture(scope="module")
def world(engine: Engine | None) -> Iterator[World]:
    with World(engine).patched() as made:
        yield made
