# SPDX-License-Identifier: GPL-3.0-or-later
"""A small part of the runs with clocks that jump and disks that fail that ``make soak`` tries."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot_chain import (
    SnapshotChain,
)

from tests.rounds import seeds
from tests.soak import runs
from tests.soak.runs import examine
from tests.soak.sequences import several


@pytest.mark.parametrize("seed", seeds(10))
def test_whatever_clocks_and_disks_do(seed: int) -> None:
    examine(seed)


def test_the_law_sees_a_chain_that_goes_by_the_clock() -> None:
    def by_name(chain: SnapshotChain) -> object:
        pending = [link for link in chain.links if not link.rolled_back]
        return max(pending, key=lambda link: Path(link.path).name) if pending else None

    with mock.patch.object(SnapshotChain, "newest", by_name):
        _runs, problem = several(examine, 0, 60)
    assert "AssertionError: it did not go back to before the last run" in problem


def test_the_law_sees_a_write_without_a_snapshot() -> None:
    with mock.patch.object(runs.Role, "plan", _without_snapshot(runs.Role.plan)):
        _runs, problem = several(examine, 0, 20)
    assert "it wrote without a snapshot" in problem


def _without_snapshot(plan: object) -> object:
    def planned(role: runs.Role, *arguments: object, **more: object) -> dict[str, object]:
        found: dict[str, object] = plan(role, *arguments, **more)  # type: ignore[operator]
        return {**found, "snapshot": found["snapshot"] if arguments == ("rollback",) else ""}

    return planned
