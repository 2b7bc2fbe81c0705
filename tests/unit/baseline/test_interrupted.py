# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed while they write, and what the next run says of them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import apply as _apply
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifact_files import ArtifactFiles
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import RunFolder

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
    record = Path(role.directory) / "organizations/contoso/writing/20261125T030000Z-baseline-killed.json"
    record.write_bytes(content)
    role.plan("audit")
    (warning,) = role.report["warnings"]
    assert warning.startswith(
        "Whether the run 20261125T030000Z-baseline-killed was interrupted while it wrote to contoso is unknown: The file "
    )
    assert "rollback --check --diff --limit contoso" in warning
    # A run of some controls does not know either; one of all that completes knows again.
    role.plan(run_tags=["OME-1"])
    role.plan("audit")
    assert role.report["warnings"] == [warning]
    role.plan()
    role.plan("audit")
    assert role.report["warnings"] == []


def killed(tmp_path: Path, writes: int = 1, **variables: Any) -> Role:
    """An organization to which a run wrote that was killed."""
    session = KilledSession({"advanced_message_encryption": True}, writes)
    role = Role(session, str(tmp_path))
    with pytest.raises(SystemExit):
        role.run(**variables)
    session.fails = -1
    return role


def names_it(role: Role) -> bool:
    """Whether an audit says that a run was interrupted."""
    role.plan("audit")
    return any("was interrupted while it wrote" in text for text in role.report["warnings"])


def test_a_run_that_completes_nothing_of_it_leaves_it(tmp_path: Path) -> None:
    role = killed(tmp_path)
    role.run("snapshot")
    assert names_it(role)
    role.run(run_tags=["OME-1"])
    assert names_it(role)
    role.run(skip_tags=["IRM-1"])
    assert names_it(role)
    role.plan(check=True)
    assert names_it(role)
    role.run()
    assert not names_it(role)


def test_a_rollback_of_something_else_leaves_it(tmp_path: Path) -> None:
    role = killed(tmp_path)
    role.run(run_tags=["OME-1"])
    role.run("rollback")
    assert names_it(role)
    role.run("rollback")
    assert not names_it(role)


def test_a_baseline_does_not_complete_what_a_disable_left(tmp_path: Path) -> None:
    state = {"irm_configuration": {"AzureRMSLicensingEnabled": True}, "transport_rules": TestDisabled.RULES}
    session = KilledSession({"advanced_message_encryption": True, **state}, 1)
    role = Role(session, str(tmp_path))
    with pytest.raises(SystemExit):
        role.run("disable", confirm_disable="contoso.onmicrosoft.com")
    session.fails = -1
    role.run()
    assert names_it(role)
    role.run("disable", confirm_disable="contoso.onmicrosoft.com")
    assert not names_it(role)


class Beside(Role):
    """A run in a playbook of its own."""

    def __init__(self, session: EmulatedSession, directory: Path, pid: int) -> None:
        self.pid = pid
        super().__init__(session, str(directory))

    def begin(self, procedure: str) -> None:
        self._runs += 1
        own = Path(self.directory) / f".beside-{self._runs}"
        own.mkdir(exist_ok=True)
        run = RunFolder(f"beside_{self._runs}", "20261125T030000Z", own, self.pid)
        self.artifacts = ArtifactFiles(self.directory, self.host, run, procedure)


@pytest.fixture(name="playbook")
def other_playbook() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def test_a_run_that_still_writes_is_said_to_write(role: Role, playbook: subprocess.Popen[bytes]) -> None:
    beside = Beside(role.session, Path(role.directory), playbook.pid)
    said: list[list[str]] = []

    def meanwhile(call: Call) -> None:
        role.session.before_write = lambda call: None
        role.plan("audit")
        said.append(role.report["warnings"])
        # It completes nothing: the other run has not ended.
        role.run(run_tags=["OME-1"])
        role.plan("audit")
        said.append(role.report["warnings"])

    role.session.before_write = meanwhile
    beside.run(run_tags=["IRM-1"])
    for (text,) in said:
        assert text.startswith(f"The run {beside.artifacts.run} is writing to contoso, since 20")
        assert f"(process {playbook.pid} on {socket.gethostname()})" in text
    role.plan("audit")
    assert role.report["warnings"] == []


def test_one_whose_process_has_ended_was_interrupted(tmp_path: Path, playbook: subprocess.Popen[bytes]) -> None:
    session = KilledSession({"advanced_message_encryption": True}, 1)
    with pytest.raises(SystemExit):
        Beside(session, tmp_path, playbook.pid).run()
    session.fails = -1
    role = Role(session, str(tmp_path))
    assert not names_it(role)
    playbook.kill()
    playbook.wait()
    assert names_it(role)


def test_one_on_another_machine_may_still_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    role = killed(tmp_path)
    here = socket.gethostname()
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    role.plan("audit")
    (text,) = role.report["warnings"]
    assert f"(process {os.getpid()} on {here}), and whether it still does cannot be told from here." in text
    role.run()
    role.plan("audit")
    assert role.report["warnings"] == []


def test_a_run_that_ends_leaves_the_record_of_another(tmp_path: Path) -> None:
    role = killed(tmp_path)
    beside = Beside(role.session, tmp_path, os.getpid())
    beside.run(run_tags=["OME-1"])
    assert names_it(role)


class TestDisabled:
    """Switching off, when the run is killed: licensing goes off only when the rules no longer act."""

    RULES = (
        {"Name": "a", "ApplyRightsProtectionTemplate": "Encrypt"},
        {"Name": "b", "ApplyRightsProtectionTemplate": "Encrypt"},
    )
    STATE: ClassVar[dict[str, Any]] = {
        "irm_configuration": {"AzureRMSLicensingEnabled": True, "SimplifiedClientAccessEnabled": True},
        "transport_rules": RULES,
    }

    @pytest.fixture(name="clock")
    def own_clock(self, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
        """A clock that ``sleep`` moves. ``dies``: the run is killed while it sleeps."""
        clock = SimpleNamespace(now=1_000_000.0, pauses=[], dies=False)

        def sleep(seconds: float) -> None:
            clock.pauses.append(seconds)
            if clock.dies:
                raise SystemExit
            clock.now += seconds

        monkeypatch.setattr(_apply, "time", SimpleNamespace(time=lambda: clock.now, sleep=sleep))
        return clock

    def disable(self, role: Role) -> None:
        role.run("disable", confirm_disable="contoso.onmicrosoft.com", settle_minutes=60)

    def test_killed_while_it_waits_the_next_one_waits_for_the_rest(
        self, tmp_path: Path, clock: SimpleNamespace
    ) -> None:
        role = Role(self.STATE, str(tmp_path))
        clock.dies = True
        with pytest.raises(SystemExit):
            self.disable(role)
        clock.dies, clock.now = False, clock.now + 900
        assert names_it(role)
        self.disable(role)
        assert clock.pauses == [3600, 2700]
        assert not names_it(role)
        # Another one has nothing to wait for.
        role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
        self.disable(role)
        assert clock.pauses == [3600, 2700]

    def test_killed_after_the_last_rule_nobody_knows_when_and_the_next_one_waits_the_whole_time(
        self, tmp_path: Path, clock: SimpleNamespace
    ) -> None:
        session = KilledSession(self.STATE, 2)
        role = Role(session, str(tmp_path))
        with pytest.raises(SystemExit):
            self.disable(role)
        session.fails = -1
        clock.now += 60
        self.disable(role)
        assert clock.pauses == [3600]
        assert [str(call).split()[0] for call in session.writes][2:] == ["Set-IRMConfiguration"] * 2

    def test_failed_in_the_settings_the_next_one_waits_for_the_rest(
        self, tmp_path: Path, clock: SimpleNamespace
    ) -> None:
        session = FailingSession(self.STATE, 2)
        role = Role(session, str(tmp_path))
        with pytest.raises(ExchangeError):
            self.disable(role)
        clock.now -= 600
        self.disable(role)
        assert clock.pauses == [3600, 600]
        assert not names_it(role)
