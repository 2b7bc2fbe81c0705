# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files on the controller. Private to the collection.

    runs/<UTC time>-<procedure>-<id>/          the reports of a run, and a folder for each organization with its plan and reports;
                                               <id> starts with workflow<number>_ if an AWX workflow started the run
    organizations/<host>/snapshots/            the chain of snapshots, and a capture beside each
    organizations/<host>/used-approvals/       the approved digests of runs whose snapshots are no longer kept
    organizations/<host>/writing.json          the run that writes to the organization; left by one that was killed while it wrote
    organizations/<host>/latest-plan           the folder of the run that wrote the organization's newest plan
    latest, latest-<procedure>                 the folder of the newest run

A run's folder is its own: no other run ever overwrites anything in it. A file is written completely or not at all, and only its owner
can read it. The content of files is data and is never templated.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.approval import TakenApproval
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.chain import Link, SnapshotChain
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.files import (
    folder_name,
    link_file,
    path_of,
    read_json,
    write_file,
    write_json,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.ownership import Ownership

_MARK = ".rolled-back.json"
_PLAN = "plan.json"
_SNAPSHOT = re.compile(r"snapshot-(?P<stamp>\d{8}T\d{6}Z)-(?P<id>[0-9a-f]+)(?:-after-(?P<previous>[0-9a-f]+))?(?:-approved-(?P<approved>[0-9a-f]+))?\.json")
_RUN_FOLDER = re.compile(r"\d{8}T\d{6}Z-(?P<procedure>[a-z]+)-(?P<workflow>workflow\d+_)?\w+(?:-\d+)?")


@dataclass(frozen=True)
class RunFolder:
    """A run of a playbook.

    :param id: unique among runs.
    :param started: its start time, as in the name of its folder.
    :param directory: the run's own temporary directory, in which its tasks store data for each other.
    """

    id: str
    started: str
    directory: Path

    @classmethod
    def in_directory(cls, directory: str, workflow_job: str = "") -> RunFolder:
        """The run with this directory. The first task of the run that calls this sets the start time.

        :param workflow_job: the number of AWX's workflow job, which its runs share; empty elsewhere.
        """
        file = Path(directory) / "message_encryption-started"
        try:
            started = file.read_text(encoding="ascii")
        except OSError:
            with tempfile.NamedTemporaryFile("w", dir=directory, encoding="ascii", delete=False) as own:
                own.write(datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ"))
            try:
                os.link(own.name, file)
            except FileExistsError:
                pass  # A task of another organization was first.
            finally:
                Path(own.name).unlink()
            started = file.read_text(encoding="ascii")
        id_ = re.sub(r"\W", "_", Path(directory).name.removeprefix("ansible-local-"))
        return cls(f"workflow{workflow_job}_{id_}" if workflow_job.isdecimal() else id_, started, Path(directory))


class Artifacts:
    """The files of one organization, as a procedure of a run sees them.

    :param directory: the artifacts directory, relative to the working directory.
    :param host: the organization's name in the inventory, from which its folder gets its name.
    :param owners: the users that may own the files, beside root and the user of the run.
    """

    def __init__(self, directory: str, host: str, run: RunFolder, procedure: str, owners: Iterable[str] = ()) -> None:
        self.top = path_of(directory).absolute()
        self._owners = list(owners)
        self.host = host
        self.organization = self.top / "organizations" / folder_name(host)
        self.snapshots_folder = self.organization / "snapshots"
        self.procedure = procedure
        self._run = run
        self._host = folder_name(host)
        self._notes = run.directory / f"message_encryption-{procedure}-{self._host}.json"

    # The run

    @property
    def directory(self) -> str:
        """The directory of the artifacts of all organizations, as an absolute path."""
        return str(self.top)

    @property
    def run(self) -> str:
        """The name of the run's folder. If a run executes a procedure twice, the second one gets a separate folder."""
        number = int(self._noted().get("number", 1))
        return f"{self._run.started}-{self.procedure}-{self._run.id}" + (f"-{number}" if number > 1 else "")

    def begin(self) -> None:
        """Begins the procedure: data that an earlier procedure of this run stored is ignored."""
        self._refuse_shared()
        noted = self._noted()
        number = int(noted.get("number", 1)) + bool(noted.get("reported"))
        self._marked("published", self.host).unlink(missing_ok=True)
        self._note({"number": number})

    @property
    def reported(self) -> bool:
        """Whether this procedure has written the report of the organization."""
        return bool(self._noted().get("reported"))

    def of(self, host: str) -> Artifacts:
        """The files of another organization, as the same procedure of the run sees them."""
        return Artifacts(str(self.top), host, self._run, self.procedure, self._owners)

    @cached_property
    def _ownership(self) -> Ownership:
        return Ownership(self._owners)

    def _refuse_shared(self) -> None:
        """Refuses folders in which other users could add or change the files that rollbacks, approvals and reports use."""
        ownership = self._ownership
        folders = (self.top / "runs", self._run_folder, self._run_folder / self._host, self.organization.parent, self.snapshots_folder, self._used_approvals)
        for folder in folders:
            try:
                ownership.check(folder, top=self.top)
            except OptionError as error:
                raise OptionError(f"hardened_baseline_artifacts_dir: {error.message}", remedy=error.remedy) from error

    def read(self, path: Path) -> dict[str, Any]:
        """The content of a JSON artifact that only trusted users can change. Raises OptionError."""
        self._ownership.check(path, top=self.top if path.is_relative_to(self.top) else None)
        return read_json(path)

    def remember(self, found: Mapping[str, Any]) -> None:
        """Stores what a task of the run found for later tasks. In a task's result, it would flood the screen when the task fails."""
        self._note({**self._noted(), "found": dict(found)})

    def remembered(self) -> dict[str, Any]:
        """What the tasks of this procedure have stored so far."""
        return dict(self._noted().get("found") or {})

    def keep_unwritten(self, report: Mapping[str, Any]) -> None:
        """Stores the report of an organization whose files could not be written for that of the run; an empty one if they could."""
        noted = self._noted()
        if dict(report) != noted.get("unwritten", {}):
            self._note({**noted, "unwritten": dict(report)})

    def remembered_of(self, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What the tasks of this procedure have stored so far for other organizations of the run."""
        return {host: self.of(host).remembered() for host in hosts}

    def mark(self, what: str, hosts: Iterable[str]) -> None:
        """Marks organizations for later tasks in this procedure of the run: ``published``, ``reported-failure``, or ``failed`` in an earlier ring."""
        for host in hosts:
            self._marked(what, host).touch(mode=0o600)

    def marked(self, what: str, hosts: Iterable[str]) -> list[str]:
        """Those of some organizations that are marked so."""
        return [host for host in hosts if self._marked(what, host).exists()]

    def _marked(self, what: str, host: str) -> Path:
        return self._run.directory / f"message_encryption-{what}-{self.procedure}-{folder_name(host)}"

    # Writing

    def begin_writing(self, snapshot: str) -> None:
        """Records that this run writes to the organization from now on."""
        write_json(self._writing, {"run": self.run, "snapshot": snapshot})

    def end_writing(self) -> None:
        """Records that the run knows what it wrote, and that it stays or is rolled back."""
        with contextlib.suppress(OSError):
            self._writing.unlink(missing_ok=True)

    def interrupted(self) -> dict[str, str]:
        """``run`` and ``snapshot`` of the run that writes, or of one that was cut off while it wrote; empty if there is none.

        ``unknown`` alone says why neither can be told.
        """
        try:
            found = self.read(self._writing)
            return {name: str(found[name]) for name in ("run", "snapshot")}
        except OptionError as error:
            return {} if isinstance(error.__cause__, FileNotFoundError) else {"unknown": str(error)}
        except KeyError:
            return {"unknown": f"The file {self._writing} is not a record of a run."}

    @property
    def _writing(self) -> Path:
        return self.organization / "writing.json"

    def _note(self, noted: Mapping[str, Any]) -> None:
        write_json(self._notes, noted, lasting=False)

    def _noted(self) -> dict[str, Any]:
        try:
            return dict(read_json(self._notes))
        except (OptionError, TypeError, ValueError):
            return {}

    # Plans

    def store_plan(self, document: Mapping[str, Any]) -> str:
        """Writes the run's plan of the organization. Returns its path."""
        path = write_json(self._run_folder / self._host / _PLAN, document)
        write_file(self.organization / "latest-plan", f"{self.run}\n".encode("ascii"))
        return path

    def load_plan(self, path: str) -> Any:
        """The organization's plan from a file, or from the folder of a run, which has one folder for each organization. Raises OptionError if there is none."""
        run = self.top / "runs" / path
        folder = path_of(path) if "/" in path or not os.path.isdir(run) else run
        is_folder = os.path.isdir(folder)
        try:
            return self.read(folder / self._host / _PLAN) if is_folder else self.load(path)
        except OptionError as error:
            what = f"{path} does not contain a plan of {self.host}: {error}" if is_folder else str(error)
            remedy = "Set it to the plan.json of a check-mode run, to the folder of that run, or to the digest of the plan."
            raise OptionError(f"hardened_baseline_approved_plan: {what}", remedy=remedy) from error

    def plan_with(self, digest: str) -> Any:
        """The plan of an earlier run with this digest, as it was written; ``None`` if there is none. Searches from the newest run."""
        for name in reversed(self._runs()):
            file = self.top / "runs" / name / self._host / _PLAN
            try:
                content = file.read_bytes()
            except OSError:
                continue
            if digest.encode("ascii", "replace") in content:
                return self.read(file)
        return None

    def load(self, path: str) -> Any:
        """The content of a JSON file. A bare name is a snapshot of the organization, ``plan.json`` its newest plan. Raises OptionError if it cannot be read."""
        return self.read(self._resolve(path))

    # Snapshots

    def chain(self) -> SnapshotChain:
        """The organization's snapshots. Reads only the names of files."""
        names = {path.name for path in self.snapshots_folder.glob("snapshot-*.json")}
        found = ((name, match) for name in names if (match := _SNAPSHOT.fullmatch(name)))
        return SnapshotChain(
            Link(str(self.snapshots_folder / name), match["id"], match["previous"] or "", _mark(Path(name)).name in names, match["approved"] or "")
            for name, match in found
        )

    def store_snapshot(self, document: Mapping[str, Any], capture: Mapping[str, Any]) -> str:
        """Writes a snapshot under a name that contains its place in the chain, and the capture beside it. Returns the snapshot's path."""
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        after = f"-after-{document['previous']}" if document["previous"] else ""
        digest = str(document.get("approved_plan") or "").removeprefix("sha256:")[:16]
        approved = f"-approved-{digest}" if re.fullmatch("[0-9a-f]+", digest) else ""
        path = self.snapshots_folder / f"snapshot-{stamp}-{document['id']}{after}{approved}.json"
        # A snapshot in the chain has its capture, whatever happens between the two.
        write_json(_capture(path), capture)
        return write_json(path, document)

    def rolled_back(self, path: str) -> bool:
        """Whether a snapshot has been rolled back."""
        return os.path.exists(_mark(self._resolve(path)))

    def mark_rolled_back(self, path: str, digest: str) -> None:
        """Records that a snapshot has been rolled back."""
        when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        write_json(_mark(self._resolve(path)), {"digest": digest, "rolled_back_at": when, "run": self.run})

    def taken_approvals(self) -> list[TakenApproval]:
        """The approvals that runs took whose snapshots retention has removed since. Raises OptionError if one cannot be read."""
        records = [self.read(file) for file in sorted(self._used_approvals.glob("*.json"))]
        return [TakenApproval(record["digest"], record["planned_by"], record["run"]) for record in records]

    @property
    def _used_approvals(self) -> Path:
        return self.organization / "used-approvals"

    # Reports

    def store_report(self, files: Mapping[str, str], *, top: bool) -> dict[str, str]:
        """Writes the files of a report and their SHA256SUMS into the run's folder, or the organization's folder in it. Returns their paths."""
        self._refuse_shared()
        folder = self._run_folder if top else self._run_folder / self._host
        contents = {name: text.encode("utf-8", "backslashreplace") for name, text in files.items()}
        paths = {name: write_file(folder / name, content) for name, content in contents.items()}
        sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items()))
        write_file(folder / "SHA256SUMS", sums.encode("ascii"))
        if top:
            # A history is of runs, and no run to look at.
            for name in (f"latest-{self.procedure}", *(["latest"] if self.procedure != "history" else [])):
                write_file(self.top / name, f"{self.run}\n".encode("ascii"))
        else:
            self._note({**self._noted(), "reported": True})
        return paths

    def reports(self) -> Iterator[Mapping[str, Any]]:
        """The reports of the organizations for which this run has stored one so far."""
        for path in sorted(self._run_folder.glob("*/report.json")):
            with contextlib.suppress(OptionError):
                yield self.read(path)
        for path in sorted(self._run.directory.glob(f"message_encryption-{self.procedure}-*.json")):
            with contextlib.suppress(OptionError):
                unwritten = read_json(path).get("unwritten")
                if unwritten:
                    yield {"organizations": [unwritten]}

    # Slices

    def slices(self, run: str) -> Iterator[Mapping[str, Any]]:
        """The reports of all organizations in the runs of a procedure that belong to one AWX workflow job, oldest run first.

        :param run: the name of any of these runs.
        """
        for folder in self._slices(run):
            for path in sorted(folder.glob("*/report.json")):
                with contextlib.suppress(OptionError):
                    yield self.read(path)

    def adopt_slices(self, run: str) -> None:
        """Copies the organizations' folders of those runs into this run's folder. If two runs have the same organization, the newer one is used."""
        for folder in self._slices(run):
            for source in sorted(path for path in folder.glob("*/*") if path.is_file() and not path.is_symlink()):
                link_file(source, self._run_folder / source.parent.name / source.name)

    def _slices(self, run: str) -> list[Path]:
        match = _RUN_FOLDER.fullmatch(run)
        if not match or not match["workflow"]:
            raise OptionError(f"{run!r} is not the name of a run that an AWX workflow started.")
        same = (name for name in self._runs() if (other := _RUN_FOLDER.fullmatch(name)) and other.group("procedure", "workflow") == match.groups())
        return [self.top / "runs" / name for name in same if name != self.run]

    # Retention

    def cut_snapshots(self, keep: int) -> None:
        """Removes snapshots at the old end of the chain, beyond the newest ``keep``.

        A snapshot of a kept run stays unless it was rolled back. All snapshots after one that stays are kept, too.
        """
        chain = self.chain()
        old = chain.old_end()[: max(0, len(chain.links) - keep)]
        runs = set(self._runs()) - self._old_runs(keep) if old else set()
        for link in old:
            if not link.rolled_back and self._run_of(link) in runs:
                return
            if link.approved and not self._keep_approval(link):
                return
            Path(link.path).unlink(missing_ok=True)
            for beside in (_mark, _capture):
                beside(Path(link.path)).unlink(missing_ok=True)

    def _keep_approval(self, link: Link) -> bool:
        """Records that an approval was taken, before its snapshot is removed. Returns False if the snapshot cannot be read."""
        try:
            snapshot = self.read(Path(link.path))
            taken = TakenApproval(snapshot["approved_plan"], snapshot["approved_run"], snapshot["run"])
            write_json(self._used_approvals / f"{link.id}.json", asdict(taken))
        except (OptionError, KeyError, TypeError):
            return False
        return True

    def cut_runs(self, keep: int) -> None:
        """Removes the folders of old runs, beyond the newest ``keep`` of each procedure. The newest plan of an organization stays.

        The slices of a job count as one run.
        """
        for name in self._old_runs(keep):
            shutil.rmtree(self.top / "runs" / name, ignore_errors=True)

    def _old_runs(self, keep: int) -> set[str]:
        """The folders of runs that do not have to be kept."""
        procedures: dict[str, dict[str, list[str]]] = {}
        for name in self._runs():
            match = _RUN_FOLDER.fullmatch(name)
            if match:
                procedures.setdefault(match["procedure"], {}).setdefault(match["workflow"] or name, []).append(name)
        old = {name for runs in procedures.values() for names in list(runs.values())[:-keep] for name in names if name != self.run}
        pointers = [*self.top.glob("latest*"), *self.top.glob("organizations/*/latest-plan")] if old else []
        return old - {pointer.read_text(encoding="utf-8", errors="replace").strip() for pointer in pointers}

    def _run_of(self, link: Link) -> str:
        try:
            return str(self.read(Path(link.path))["run"])
        except (OptionError, KeyError, TypeError):
            return ""

    def run_names(self) -> list[str]:
        """The names of the folders of earlier runs that are not histories, oldest first."""
        return [name for name in self._runs() if (match := _RUN_FOLDER.fullmatch(name)) and match["procedure"] != "history"]

    def _runs(self) -> list[str]:
        """The names of the folders of runs, oldest first."""
        try:
            with os.scandir(self.top / "runs") as entries:
                return sorted(entry.name for entry in entries if _RUN_FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False))
        except OSError:
            return []

    @property
    def _run_folder(self) -> Path:
        return self.top / "runs" / self.run

    def _resolve(self, path: str) -> Path:
        """The file for a path. A bare name is a file of the organization if there is one with that name."""
        if "/" not in path:
            for here in self._known_as(path):
                if os.path.exists(here):
                    return here
        return path_of(path)

    def _known_as(self, name: str) -> Iterable[Path]:
        yield self.snapshots_folder / name
        if name == _PLAN and (self.organization / "latest-plan").exists():
            run = (self.organization / "latest-plan").read_text(encoding="utf-8", errors="replace").strip()
            if _RUN_FOLDER.fullmatch(run):
                yield self.top / "runs" / run / self._host / _PLAN


def _mark(snapshot: Path) -> Path:
    return snapshot.with_name(snapshot.name.removesuffix(".json") + _MARK)


def _capture(snapshot: Path) -> Path:
    """The capture of what was read for a snapshot: ``capture-<time>-<id>.json``."""
    return snapshot.with_name(_SNAPSHOT.sub(r"capture-\g<stamp>-\g<id>.json", snapshot.name))
