# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files: a snapshot means the same to whatever takes its name, and runs do not get into each other's way."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifacts import Artifacts

DAY = 24 * 3600


@pytest.fixture(name="artifacts")
def artifacts_fixture(tmp_path: Path) -> Artifacts:
    return Artifacts(str(tmp_path / "kept"), "contoso")


@pytest.mark.parametrize("form", ["path", "bare name", "home", "relative"])
def test_a_snapshot_is_marked_whatever_form_its_name_has(artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    path = Path(artifacts.store_snapshot({"digest": "sha256:1"}))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    name = {"path": str(path), "bare name": path.name, "home": f"~/kept/contoso/{path.name}", "relative": f"kept/contoso/{path.name}"}[form]
    assert artifacts.load(name) == {"digest": "sha256:1"}
    assert not artifacts.rolled_back(name)
    artifacts.mark_rolled_back(name, "sha256:1")
    assert artifacts.rolled_back(name)
    # What looks for the newest snapshot has the whole path.
    assert artifacts.rolled_back(str(path))
    assert artifacts.snapshots() == [str(path)]
    assert sorted(file.name for file in tmp_path.rglob("*.json")) == sorted([path.name, f"{path.stem}.rolled-back.json"])


def test_a_bare_name_that_the_folder_does_not_have_is_a_file_of_the_working_directory(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "older.json").write_text("{}", encoding="utf-8")
    artifacts.mark_rolled_back("older.json", "sha256:1")
    assert (tmp_path / "older.rolled-back.json").exists()
    assert artifacts.rolled_back("older.json")


def test_two_runs_at_once_do_not_see_each_other(artifacts: Artifacts) -> None:
    waiting, audit = "ansible-local-41abc", "ansible-local-42def"
    artifacts.remember(waiting, {})
    artifacts.remember(waiting, {"report": "of the one that waits"})
    artifacts.remember(audit, {})
    assert artifacts.remembered(audit) == {}
    artifacts.remember(audit, {"report": "of the audit"})
    assert artifacts.remembered(waiting) == {"report": "of the one that waits"}
    assert artifacts.remembered(audit) == {"report": "of the audit"}
    assert artifacts.remembered("ansible-local-43ghi") == {}


def test_what_runs_left_behind_goes_after_a_week(artifacts: Artifacts) -> None:
    snapshot = Path(artifacts.store_snapshot({}))
    for run, days in (("old", 8), ("recent", 6)):
        artifacts.remember(run, {"report": run})
        then = time.time() - days * DAY
        os.utime(artifacts.folder / f".run-{run}.json", (then, then))
    os.utime(snapshot, (0, 0))
    artifacts.remember("new", {"report": "new"})
    assert sorted(file.name for file in artifacts.folder.iterdir()) == [".run-new.json", ".run-recent.json", snapshot.name]


def test_a_run_is_no_path(artifacts: Artifacts) -> None:
    artifacts.remember("../../elsewhere", {"report": 1})
    assert artifacts.remembered("../../elsewhere") == {"report": 1}
    assert [file.parent for file in artifacts.top.rglob("*.json")] == [artifacts.folder]
