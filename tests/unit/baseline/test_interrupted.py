# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed while they write, and what the next run says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result

from tests.unit.emulated_session import EmulatedSession

from .conftest import FailingSession, Role


class KilledSession(FailingSession):
    """An organization whose n-th write is done, and then the process that wrote is killed: nothing of ours runs
    anymore.
    """

    def write(self, call: Call) -> Result:
        result = EmulatedSession.write(self, call)
        if len(self.writes) == self.fails:
            raise SystemExit
        return result


def test_the_next_run_names_a_run_that_was_killed_while_it_wrote(tmp_path: Path) -> None:
    killed = KilledSession({"advanced_message_encryption": True}, 1)
    role = Role(killed, str(tmp_path))
    before = role.state()
    with pytest.raises(SystemExit):
        role.run()
    killed.fails = -1
    assert role.state() != before
    run, snapshot = role.artifacts.run, role.artifacts.snapshots.chain().last()
    assert snapshot
    said = (
        f"The run {run} was interrupted while it wrote to contoso. "
        f"What it wrote may be incomplete, and it was not rolled back. The snapshot is {snapshot.path};"
    )
    for procedure, check in (("audit", False), ("baseline", True), ("audit", False)):
        role.plan(procedure, check=check)
        assert role.report["warnings"][0].startswith(said)
    # The rollback says so, too, and ends it.
    role.run("rollback")
    assert role.report["warnings"][0] == said.partition(" The snapshot")[0]
    assert role.state() == before
    role.plan("audit")
    assert role.report["warnings"] == []


def test_a_run_that_ends_well_is_not_said_to_be_killed(role: Role) -> None:
    role.run()
    role.plan("audit")
    assert role.report["warnings"] == []


def test_the_next_run_that_completes_ends_it(tmp_path: Path) -> None:
    killed = KilledSession({"advanced_message_encryption": True}, 1)
    role = Role(killed, str(tmp_path))
    with pytest.raises(SystemExit):
        role.run()
    killed.fails = -1
    role.run()
    assert "was interrupted while it wrote" in role.report["warnings"][0]
    role.plan("audit")
    assert role.report["warnings"] == []


@pytest.mark.parametrize("content", [b"", b"{", b'[{}, "x"]'], ids=["empty", "cut off", "of something else"])
def test_a_record_that_cannot_be_read_leaves_it_unknown(role: Role, content: bytes) -> None:
    """What a killed run has left says that nobody knows, and not that there was none."""
    role.run()
    (Path(role.directory) / "organizations" / "contoso" / "writing.json").write_bytes(content)
    role.plan("audit")
    (warning,) = role.report["warnings"]
    assert warning.startswith("Whether an earlier run was interrupted while it wrote to contoso is unknown: The file ")
    assert "rollback --check --diff --limit contoso" in warning
    # A run that completes knows again.
    role.plan()
    role.plan("audit")
    assert role.report["warnings"] == []
