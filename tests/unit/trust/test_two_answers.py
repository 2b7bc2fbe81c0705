# SPDX-License-Identifier: GPL-3.0-or-later
"""The law of the fault search where one write is answered twice: it is carried out behind an error, and what is
answered to its repetition may be any error. Whoever believes an answer, and does not read, says something else than
what happened.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rounds import rounds
from tests.soak.search import Tally, cases_of_two_answers, examine
from tests.soak.world import World

from .checking import IRM, WRITES, check
from .wires import EVERY_WIRE

#: A real PowerShell takes a second for each.
_FEW = {"engine", "powershell"}


@pytest.mark.parametrize("wire", EVERY_WIRE)
def test_what_was_stored_behind_an_error_is_told_whatever_comes_after_it(world: World, wire: str) -> None:
    tally = Tally()

    @settings(
        max_examples=rounds(8 if wire in _FEW else 25),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def law(data: st.DataObject) -> None:
        examine(world, data.draw(cases_of_two_answers([wire])), tally)

    law()
    assert tally.struck


@pytest.mark.parametrize("second", ["400", "500", "401"])
def test_a_failure_of_the_service_behind_which_a_write_was_done_is_read_back(world: World, second: str) -> None:
    failed = '{"error": {"details": [{"message": "|System.TimeoutException|It took too long."}]}}'
    faults = [
        {"kind": "500", "after": True, "body": failed, "cmdlet": WRITES},
        {"kind": second, "body": failed, "cmdlet": WRITES, "nth": 2, "times": None},
        {"kind": "stale_reads", "cmdlet": WRITES, "reads": 8},
    ]
    tally = check(world, "rest", (IRM, {"search_enabled": False}), *faults, verify_timeout=60)
    assert tally.failed == {}
