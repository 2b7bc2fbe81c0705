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
