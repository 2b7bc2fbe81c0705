# SPDX-License-Identifier: GPL-3.0-or-later
"""A small part of the fuzzing that ``make soak`` does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rounds import rounds
from tests.soak import fuzz
from tests.soak.world import ENGINE_WIRES, WIRES, World
from tests.unit.matrix import matrix

from .wires import ENGINE


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_anything_is_read_or_refused(target: str, record_property: Any) -> None:
    strategy, check = fuzz.TARGETS[target]
    executions = fuzz.run(strategy, check, number=1, executions=rounds(50))
    record_property("fuzz executions", executions)
    assert executions >= 30


@pytest.mark.parametrize("wire", matrix([*WIRES, *ENGINE], "powershell"))
def test_any_text_of_a_playbook_is_refused_by_name_or_stored_as_it_is(
    world: World, wire: str, record_property: Any
) -> None:
    record_property(
        "fuzz executions",
        fuzz.run(
            fuzz.WISHES, fuzz.texts_over(world, wire), number=1, executions=3 if wire in ENGINE_WIRES else rounds(20)
        ),
    )
