# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files: a run writes over nothing, a snapshot means the same to whatever takes its name, and old runs cost
nothing.
"""

from __future__ import annotations

import json
import os
import re
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import document_text
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.artifact_files import ArtifactFiles
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.files import (
    folder_name,
    read_json,
    write_json,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.folders import Folders, RunFolder

from tests.unit.run_reports import run_of

Make = Callable[..., ArtifactFiles]


@pytest.fixture(name="make")
def make_fixture(tmp_path: Path) -> Make:
    """Artifacts of a run, by the run's number."""

    def make(run: int = 1, host: str = "contoso", procedure: str = "baseline") -> ArtifactFiles:
        own = tmp_path / f"own/{run}"
        own.mkdir(parents=True, exist_ok=True)
        return ArtifactFiles(
            str(tmp_path / "kept"), host, RunFolder(f"{run}abc", f"20261125T03{run:04d}Z", own), procedure
        )

    return make


def snapshot(id_: str, previous: str = "", **more: Any) -> dict[str, Any]:
    return {"id": id_, "previous": previous, "digest": "sha256:1", **more}


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


class TestRun:
    def test_all_tasks_of_a_run_agree_on_its_beginning(self, tmp_path: Path) -> None:
        own = tmp_path / "ansible-local-41x_7"
        own.mkdir()
        found: list[RunFolder] = []
        threads = [
            threading.Thread(target=lambda: found.append(RunFolder.in_directory(str(own)))) for _unused in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(found)) == 1
        assert found[0].id == "41x_7"
        assert files(own) == ["message_encryption-started"]

    @pytest.mark.parametrize(("workflow_job", "id_"), [("17", "workflow17_41x_7"), ("", "41x_7"), ("../17", "41x_7")])
    def test_a_workflow_of_awx_is_in_its_name(self, tmp_path: Path, workflow_job: str, id_: str) -> None:
        own = tmp_path / "ansible-local-41x_7"
        own.mkdir()
        assert RunFolder.in_directory(str(own), workflow_job).id == id_

    def test_a_run_has_its_own_folder(self, make: Make) -> None:
        for run, procedure in ((1, "baseline"), (2, "audit")):
            artifacts = make(run, procedure=procedure)
            artifacts.notes.begin()
            artifacts.reports.store({"report.html": procedure}, top=False)
            artifacts.reports.store({"report.html": procedure}, top=True)
        top = make().folders.top
        apply, audit = "20261125T030001Z-baseline-1abc", "20261125T030002Z-audit-2abc"
        assert files(top) == [
            "latest",
            "latest-audit",
            "latest-baseline",
            *(
                f"runs/{run}/{name}"
                for run in (apply, audit)
                for name in ("SHA256SUMS", "contoso/SHA256SUMS", "contoso/report.html", "report.html")
            ),
        ]
        # The audit leaves the report of the apply, and what points to it.
        assert text(top / f"runs/{apply}/report.html") == "baseline"
        assert (text(top / "latest"), text(top / "latest-baseline"), text(top / "latest-audit")) == (
            f"{audit}\n",
            f"{apply}\n",
            f"{audit}\n",
        )
        assert all(stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600) for path in top.rglob("*"))

    def test_a_procedure_that_comes_twice_in_a_run_has_two_folders(self, make: Make) -> None:
        artifacts = make()
        for number in (1, 2):
            artifacts.notes.begin()
            artifacts.notes.remember({"report": number})
            artifacts.reports.store({"report.html": str(number)}, top=False)
        assert artifacts.run == "20261125T030001Z-baseline-1abc-2"
        assert [text(path) for path in sorted(artifacts.folders.top.rglob("report.html"))] == ["1", "2"]

    def test_two_runs_at_once_do_not_see_each_other(self, make: Make) -> None:
        waiting, audit = make(1), make(2)
        waiting.notes.begin()
        waiting.notes.remember({"report": "of the one that waits"})
        audit.notes.begin()
        assert audit.notes.remembered() == {}
        audit.notes.remember({"report": "of the audit"})
        assert waiting.notes.remembered() == {"report": "of the one that waits"}
        assert make(1, "fabrikam").notes.remembered() == make(1, procedure="audit").notes.remembered() == {}

    def test_what_tasks_keep_for_each_other_does_not_outlive_the_run(self, make: Make) -> None:
        artifacts = make()
        artifacts.notes.begin()
        artifacts.notes.remember({"report": 1})
        assert not artifacts.folders.top.exists()

    @pytest.mark.parametrize(
        "host", ["report.json", "SHA256SUMS", "latest", "../up", "a/b", ".", "..", "", "--", "a" * 8 + "ü", "-x", ".-x"]
    )
    def test_a_host_never_takes_a_name_that_means_something_else(self, host: str) -> None:
        name = folder_name(host)
        assert name != host
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._@-]*-[0-9a-f]{8}", name)

    @pytest.mark.parametrize("path", ["a\0b", "\ud800", "~nobody-at-all/x", "x" * 5000, "/" + "x" * 300])
    def test_a_path_that_is_none_is_an_error_with_its_name(self, make: Make, tmp_path: Path, path: str) -> None:
        for read in (make().load, make().plans.load):
            with pytest.raises(OptionError, match="cannot be read"):
                read(path)
        if not path.startswith(("~", "/")):
            own = tmp_path / "own"
            own.mkdir(exist_ok=True)
            with pytest.raises(OptionError, match="cannot be written"):
                ArtifactFiles(
                    str(tmp_path / path), "contoso", RunFolder("1", "20261125T030000Z", own), "baseline"
                ).plans.store({})

    def test_a_very_long_name_has_a_folder(self, make: Make) -> None:
        hosts = ["x" * 250, "x" * 251]
        for host in hosts:
            artifacts = make(1, host)
            artifacts.notes.begin()
            artifacts.notes.remember({"report": host})
            artifacts.plans.store({"digest": host})
        assert [make(1, host).notes.remembered()["report"] for host in hosts] == hosts


class TestPlan:
    def test_the_newest_plan_is_found_by_its_bare_name(self, make: Make) -> None:
        for run in (1, 2):
            artifacts = make(run)
            artifacts.notes.begin()
            artifacts.plans.store({"digest": f"sha256:{run}"})
        assert make(3).load("plan.json") == {"digest": "sha256:2"}
        assert make(3).plans.with_digest("sha256:1") == {"digest": "sha256:1"}
        assert make(3).plans.with_digest("sha256:0") is None
        assert make(3, "fabrikam").plans.with_digest("sha256:1") is None

    def test_the_other_organization_whose_plan_it_is_is_found_whoever_is_in_the_run(self, make: Make) -> None:
        for run in (1, 2):
            artifacts = make(run)
            artifacts.notes.begin()
            artifacts.plans.store({"digest": f"sha256:{run}"})
        plans = make(3, "fabrikam").plans
        assert [plans.owner_of(digest) for digest in ("sha256:1", "sha256:2", "sha256:")] == ["contoso", "contoso", ""]
        assert make(3).plans.owner_of("sha256:1") == ""


class TestSnapshots:
    @pytest.mark.parametrize("form", ["path", "bare name", "home", "relative"])
    def test_a_snapshot_is_marked_whatever_form_its_name_has(
        self, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
    ) -> None:
        artifacts = make()
        path = Path(artifacts.snapshots.store(snapshot("0a"), {}))
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        below = path.relative_to(tmp_path)
        name = {"path": str(path), "bare name": path.name, "home": f"~/{below}", "relative": str(below)}[form]
        assert artifacts.load(name)["id"] == "0a"
        assert not artifacts.snapshots.rolled_back(name)
        artifacts.snapshots.mark_rolled_back(name, "sha256:1")
        assert artifacts.snapshots.rolled_back(name)
        (link,) = artifacts.snapshots.chain().links
        assert (link.path, link.rolled_back) == (str(path), True)

    def test_a_bare_name_that_the_folder_does_not_have_is_a_file_of_the_working_directory(
        self, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "older.json").write_text("{}", encoding="utf-8")
        make().snapshots.mark_rolled_back("older.json", "sha256:1")
        assert (tmp_path / "older.rolled-back.json").exists()
        assert make().snapshots.rolled_back("older.json")

    def test_the_end_is_found_without_reading_a_file(self, make: Make) -> None:
        artifacts = make()
        artifacts.snapshots.store(snapshot("0b"), {})
        artifacts.snapshots.store(snapshot("0a", "0b"), {})
        for path in artifacts.folders.snapshots.iterdir():
            path.write_bytes(b"not even JSON")
        newest = artifacts.snapshots.chain().newest()
        assert newest is not None
        assert newest.id == "0a"


class TestRetention:
    def history(self, make: Make, count: int, first: str = "baseline") -> list[ArtifactFiles]:
        """A run a minute, each with a snapshot."""
        done = []
        for run in range(1, count + 1):
            artifacts = make(run, procedure="baseline" if run > 1 else first)
            artifacts.notes.begin()
            artifacts.snapshots.store(
                snapshot(f"{run:02x}", f"{run - 1:02x}" if run > 1 else "", run=artifacts.run), {}
            )
            artifacts.reports.store({"report.html": str(run)}, top=True)
            done.append(artifacts)
        return done

    def ids(self, make: Make) -> list[str]:
        return sorted(link.id for link in make().snapshots.chain().links)

    def test_the_old_end_is_cut(self, make: Make) -> None:
        history = self.history(make, 5)
        audit = make(9, procedure="audit")
        audit.reports.store({"report.html": "audit"}, top=True)
        history[-1].reports.cut_runs(2)
        history[-1].snapshots.cut(2)
        assert sorted(os.listdir(audit.folders.top / "runs")) == [history[3].run, history[4].run, audit.run]
        assert self.ids(make) == ["04", "05"]
        assert make().snapshots.chain().newest().id == "05"  # type: ignore[union-attr]

    def test_a_snapshot_of_a_kept_run_stays_until_it_is_rolled_back(self, make: Make) -> None:
        history = self.history(make, 4, first="disable")
        history[-1].snapshots.cut(1)
        assert self.ids(make) == ["01", "02", "03", "04"]
        first = next(link for link in make().snapshots.chain().links if link.id == "01")
        make().snapshots.mark_rolled_back(first.path, "sha256:1")
        history[-1].snapshots.cut(1)
        assert self.ids(make) == ["04"]
        assert not list(make().folders.snapshots.glob("*.rolled-back.json"))

    def test_a_fork_is_never_cut_through(self, make: Make) -> None:
        artifacts = make()
        for id_, previous in (("0a", ""), ("0b", "0a"), ("0c", "0b"), ("0d", "0b")):
            artifacts.snapshots.store(snapshot(id_, previous, run="gone"), {})
        artifacts.snapshots.cut(1)
        assert self.ids(make) == ["0b", "0c", "0d"]

    def test_the_newest_plan_of_an_organization_stays(self, make: Make) -> None:
        planned = make(1, "fabrikam")
        planned.notes.begin()
        planned.plans.store({"digest": "sha256:1"})
        history = self.history(make, 4)
        history[-1].reports.cut_runs(1)
        assert make(5, "fabrikam").load("plan.json") == {"digest": "sha256:1"}

    def test_nothing_else_is_removed(self, make: Make, tmp_path: Path) -> None:
        history = self.history(make, 3)
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "file").touch()
        runs = history[0].folders.top / "runs"
        (runs / "20200101T000000Z-baseline-1x").symlink_to(outside)
        (runs / "mine").mkdir()
        history[-1].reports.cut_runs(1)
        assert (outside / "file").exists()
        assert (runs / "mine").exists()


class TestSlices:
    """Jobs of AWX's workflow job 7, each of which had some of the hosts."""

    @pytest.fixture(name="sliced")
    def sliced_fixture(self, tmp_path: Path) -> Make:
        def sliced(
            run: int, *hosts: str, workflow_job: int = 7, procedure: str = "baseline", top: bool = True
        ) -> ArtifactFiles:
            own = tmp_path / f"own/{run}"
            own.mkdir(parents=True, exist_ok=True)
            of_run = RunFolder(f"workflow{workflow_job}_{run}abc", f"20261125T03{run:04d}Z", own)
            for host in hosts:
                artifacts = ArtifactFiles(str(tmp_path / "kept"), host, of_run, procedure)
                artifacts.notes.begin()
                artifacts.plans.store({"digest": f"sha256:{host}{run}"})
                artifacts.reports.store(
                    {"report.json": document_text(run_of(OrganizationReport(host=host)).as_row())}, top=False
                )
            if top and hosts:
                artifacts.reports.store({"report.html": str(run)}, top=True)
            return ArtifactFiles(str(tmp_path / "kept"), "contoso", of_run, procedure)

        return sliced

    @pytest.mark.parametrize("named", [1, 2])
    def test_any_of_them_tells_of_all(self, sliced: Make, named: int) -> None:
        slices = [sliced(1, "contoso", "fabrikam"), sliced(2, "tailspin", top=False)]
        sliced(3, "contoso", workflow_job=8)
        sliced(4, "contoso", workflow_job=77)
        sliced(5, "contoso", procedure="audit")
        merged = sliced(6)
        found = [
            organization.host
            for report in merged.reports.slices(slices[named - 1].run)
            for organization in report.organizations
        ]
        assert found == ["contoso", "fabrikam", "tailspin"]

    def test_the_merged_run_has_what_they_have(self, sliced: Make) -> None:
        first = sliced(1, "contoso", "fabrikam")
        sliced(2, "tailspin")
        # Somebody has repeated a slice.
        sliced(3, "fabrikam")
        merged = sliced(4)
        merged.reports.adopt_slices(first.run)
        folder = merged.folders.top / "runs" / merged.run
        assert files(folder) == [
            f"{host}/{name}"
            for host in ("contoso", "fabrikam", "tailspin")
            for name in ("SHA256SUMS", "plan.json", "report.json")
        ]
        assert read_json(folder / "fabrikam/plan.json") == {"digest": "sha256:fabrikam3"}
        # It has files of its own: a run never writes into another one's.
        write_json(folder / "contoso/plan.json", {"digest": "sha256:other"})
        assert read_json(first.folders.top / "runs" / first.run / "contoso/plan.json") == {"digest": "sha256:contoso1"}
        # Once more, by another job, it is the same.
        again = sliced(5)
        again.reports.adopt_slices(merged.run)
        assert files(again.folders.top / "runs" / again.run) == files(folder)

    def test_a_run_of_no_workflow_has_none(self, make: Make) -> None:
        for name in (make().run, "", "../../etc", "20261125T030001Z-baseline-workflow7"):
            with pytest.raises(OptionError, match="is not the name of a run that an AWX workflow started"):
                list(make().reports.slices(name))

    def test_they_count_as_one_run_when_old_ones_are_removed(self, sliced: Make) -> None:
        for number in range(1, 4):
            sliced(number, f"host{number}")
        last = sliced(4, "host4")
        other = sliced(5, "contoso", workflow_job=8)
        last.reports.cut_runs(2)
        assert len(os.listdir(other.folders.top / "runs")) == 5
        for number in range(1, 6):
            (other.folders.top / f"organizations/host{number}/latest-plan").unlink(missing_ok=True)
        other.reports.cut_runs(1)
        assert os.listdir(other.folders.top / "runs") == [other.run]


def test_thousands_of_old_runs_are_not_looked_at(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run does costs as many looks at files as without them."""
    artifacts = make()
    runs = artifacts.folders.top / "runs"
    previous = ""
    artifacts.folders.snapshots.mkdir(parents=True)
    for number in range(5000):
        id_ = f"{number:06x}"
        name = f"snapshot-20260101T000000Z-{id_}{f'-after-{previous}' if previous else ''}.json"
        (artifacts.folders.snapshots / name).write_text(json.dumps(snapshot(id_, previous)), encoding="ascii")
        (runs / f"20260101T{number:06d}Z-baseline-1x/contoso").mkdir(parents=True)
        previous = id_
    opened: list[str] = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or read(path))  # type: ignore[func-returns-value]
    monkeypatch.setattr(Folders, "runs", lambda _self: pytest.fail("the folders of old runs are listed"))
    artifacts.notes.begin()
    artifacts.plans.store({"digest": "sha256:1"})
    newest = artifacts.snapshots.chain().newest()
    assert newest is not None
    assert newest.id == previous
    artifacts.notes.remember({"report": 1})
    assert artifacts.notes.remembered() == {"report": 1}
    artifacts.reports.store({"report.html": "x"}, top=False)
    artifacts.reports.store({"report.html": "x"}, top=True)
    assert {name for name in opened if not name.startswith("message_encryption-")} == set()


NO_ARTIFACTS = (
    *("", "{", "[", "null", "{}", "[]", "[1]", "[{}, {}]", "[{}]", '{"a": 1}', '[[{"a": 1}]]', "[" * 100_000, "\udc80"),
    *('[{}, "not variables", {}]', '[{}, "variables"]', '["not variables", {}]'),
)


@pytest.mark.parametrize("content", NO_ARTIFACTS, ids=range(len(NO_ARTIFACTS)))
def test_only_what_ansible_takes_for_no_variables_is_an_artifact(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    write_json(path, {"kind": "plan"})
    assert read_json(path) == {"kind": "plan"}
    assert json.loads(path.read_text(encoding="ascii")) == [{"kind": "plan"}, "not variables"]
    path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(OptionError, match=r"plan\.json is not an artifact"):
        read_json(path)


def test_a_file_is_on_the_disk_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the file, then its name; only then it is said to be written."""
    synced: list[str] = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: (synced.append(os.readlink(f"/proc/self/fd/{descriptor}")), real(descriptor))
    )
    path = tmp_path / "new" / "plan.json"
    write_json(path, {})
    assert Path(synced[0]).parent == path.parent
    assert synced[1:] == [str(path.parent)]
