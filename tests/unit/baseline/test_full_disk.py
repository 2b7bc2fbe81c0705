# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that becomes full, or read-only, never changes what is said of Exchange."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import procedure_report
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html

from .conftest import FailingSession, Role


class Disk:
    """Takes so many files, and then none; ``None`` takes all.

    :param spared: what lies on another disk.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, spared: str = "\0") -> None:
        self.free: int | None = None
        self.written = 0
        self._spared = spared
        self._write = os.replace
        monkeypatch.setattr(os, "replace", self)

    def __call__(self, source: Any, target: Any) -> None:
        if self.free is not None and self.written >= self.free and self._spared not in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.written += 1
        self._write(source, target)


def _reports(role: Role, results: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """The reports of the organization and of the run, as the role's tasks make them, and what they print."""
    said: list[str] = []
    role.say = said.append
    task = role._task("baseline", "recommended", {}, False, awx={}, hosts=["contoso"])
    task.renderers = {"report.html": render_html}
    organization = procedure_report.conclude(task, results[-1], goes_on=False)
    return organization, procedure_report.report_run(task), said


def _run(role: Role, disk: Disk, free: int, **variables: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A run of which ``free`` more files can be written once it begins to write to Exchange. What is true, and what its
    tasks returned.
    """
    planned = role.plan(**variables)
    disk.free = disk.written + free
    task = role._task(
        "baseline", "recommended", variables, False, run_tags=[], skip_tags=[], snapshot=planned["snapshot"], stage=""
    )
    try:
        result = apply(task)
    except ExchangeError as error:
        result = {"failed": True, "msg": str(error), "error": {"class": type(error).__name__}, **error.result}
    return planned, [planned, result]


@pytest.mark.parametrize("spared", ["\0", ".run-"], ids=["one disk", "the run's own directory is elsewhere"])
@pytest.mark.parametrize("free", range(1, 5))
def test_a_run_that_succeeded_is_said_to_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, spared: str
) -> None:
    role = Role({"advanced_message_encryption": True}, str(tmp_path))
    disk = Disk(monkeypatch, spared)
    _planned, results = _run(role, disk, free)
    assert results[1]["changed"]
    assert role.session.writes
    organization, run, said = _reports(role, results)
    assert organization["status"] == "changed"
    assert organization["report"] == ""
    assert any(line.startswith("contoso: ") and " -> " in line for line in said), said
    if spared != "\0":
        assert run["counts"] == {"changed": 1}
    disk.free = None
    assert not role.plan()["pending"]


@pytest.mark.parametrize("spared", ["\0", ".run-"], ids=["one disk", "the run's own directory is elsewhere"])
def test_what_could_not_be_known_afterwards_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spared: str
) -> None:
    """A run that cannot record that it writes would, if it was killed, leave changes of which nobody knows."""
    role = Role({"advanced_message_encryption": True}, str(tmp_path))
    _planned, results = _run(role, Disk(monkeypatch, spared), 0)
    assert role.session.writes == []
    assert "hardened_baseline_artifacts_dir: " in results[1]["msg"]
    organization, _run_report, _said = _reports(role, results)
    assert organization["status"] == "refused"


@pytest.mark.parametrize("fails", range(2))
@pytest.mark.parametrize("back", [False, True])
def test_a_run_that_failed_says_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: int, back: bool
) -> None:
    session = FailingSession({"advanced_message_encryption": True}, fails)
    role = Role(session, str(tmp_path))
    before = role.state()
    _planned, results = _run(role, Disk(monkeypatch), 1, rollback_on_failure=back)
    failed = results[1]
    assert failed["failed"]
    # The two writes share a round trip: one is refused, the other is not.
    assert len(failed["commands"]) == 1
    assert "rollback failed" not in failed["msg"]
    assert (role.state() == before) == back
    organization, _run_report, said = _reports(role, results)
    assert organization["status"] == "failed"
    assert any("The service refused this" in line for line in said), said
    assert "The service refused this" in failed["msg"]
    stored = [change for change in failed["unkept_report"]["changes"] if change["state"] == "stored"]
    assert bool(stored) != back
