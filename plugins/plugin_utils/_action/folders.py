# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders of the role's files, and who may use them."""

from __future__ import annotations

import datetime
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ...module_utils._exchange.errors import OptionError
from .files import folder_name, path_of, read_json, write_json
from .ownership import Ownership

#: The name of a plan's file.
PLAN = "plan.json"
#: The name of a run's folder.
RUN_FOLDER = re.compile(r"\d{8}T\d{6}Z-(?P<procedure>[a-z]+)-(?P<workflow>workflow\d+_)?\w+(?:-\d+)?")


@dataclass(frozen=True)
class RunFolder:
    """A run of a playbook.

    :param id: unique among runs.
    :param started: its start time, as in the name of its folder.
    :param directory: the run's own temporary directory, in which its tasks store data for each other.
    :param pid: the ID of the playbook's process.
    """

    id: str
    started: str
    directory: Path
    pid: int = field(default_factory=os.getpid)

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
        id_ = f"workflow{workflow_job}_{id_}" if workflow_job.isdecimal() else id_
        # A task runs in a worker, which the playbook has forked.
        return cls(id_, started, Path(directory), os.getppid())


class Folders:
    """The folders of one organization's files, as a procedure of a run sees them.

    :param directory: the artifacts directory, relative to the working directory.
    :param host: the organization's name in the inventory, from which its folder gets its name.
    :param owners: the users that may own the files, beside root and the user of the run.
    """

    def __init__(self, directory: str, host: str, run: RunFolder, procedure: str, owners: Iterable[str] = ()) -> None:
        self.top = path_of(directory).absolute()
        self.owners = list(owners)
        self.host, self.name = host, folder_name(host)
        self.organization = self.top / "organizations" / self.name
        self.snapshots = self.organization / "snapshots"
        self.used_approvals = self.organization / "used-approvals"
        self.all_approvals = self.top / "used-approvals"
        self.procedure, self.of_run = procedure, run

    def for_host(self, host: str) -> Folders:
        """The folders of another organization, as the same procedure of the run sees them."""
        return Folders(str(self.top), host, self.of_run, self.procedure, self.owners)

    @property
    def run(self) -> str:
        """The name of the run's folder. If a run executes a procedure twice, the second one gets a separate folder."""
        number = int(self.noted().get("number", 1))
        return f"{self.of_run.started}-{self.procedure}-{self.of_run.id}" + (f"-{number}" if number > 1 else "")

    @property
    def run_folder(self) -> Path:
        """The run's folder."""
        return self.top / "runs" / self.run

    @property
    def in_run(self) -> Path:
        """The organization's folder in the run's."""
        return self.run_folder / self.name

    def runs(self) -> list[str]:
        """The names of the folders of runs, oldest first."""
        try:
            with os.scandir(self.top / "runs") as entries:
                return sorted(
                    entry.name
                    for entry in entries
                    if RUN_FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
                )
        except OSError:
            return []

    # What a run notes for itself

    def note(self, noted: Mapping[str, Any]) -> None:
        """Stores what the tasks of this procedure tell each other."""
        write_json(self._notes, noted, lasting=False)

    def noted(self) -> dict[str, Any]:
        """What they have told each other so far."""
        try:
            return dict(read_json(self._notes))
        except (OptionError, TypeError, ValueError):
            return {}

    @property
    def _notes(self) -> Path:
        return self.of_run.directory / f"message_encryption-{self.procedure}-{self.name}.json"

    # Who may use them

    @cached_property
    def _ownership(self) -> Ownership:
        return Ownership(self.owners)

    def refuse_shared(self) -> None:
        """Refuses folders in which other users could add or change the files that rollbacks, approvals and reports use."""
        ownership = self._ownership
        for folder in (
            self.top / "runs",
            self.run_folder,
            self.in_run,
            self.organization.parent,
            self.snapshots,
            self.used_approvals,
            self.all_approvals,
        ):
            try:
                ownership.check(folder, top=self.top)
            except OptionError as error:
                raise OptionError(f"hardened_baseline_artifacts_dir: {error.message}", remedy=error.remedy) from error

    def read(self, path: Path) -> dict[str, Any]:
        """The content of a JSON artifact that only trusted users can change. Raises OptionError."""
        self._ownership.check(path, top=self.top if path.is_relative_to(self.top) else None)
        return read_json(path)

    # Files

    def load(self, path: str) -> Any:
        """The content of a JSON file. A bare name is a snapshot of the organization, ``plan.json`` its newest plan.
        Raises OptionError if it cannot be read.
        """
        return self.read(self.resolve(path))

    def resolve(self, path: str) -> Path:
        """The file for a path. A bare name is a file of the organization if there is one with that name."""
        if "/" not in path:
            for here in self._known_as(path):
                if os.path.exists(here):
                    return here
        return path_of(path)

    def _known_as(self, name: str) -> Iterable[Path]:
        yield self.snapshots / name
        if name == PLAN and (self.organization / "latest-plan").exists():
            run = (self.organization / "latest-plan").read_text(encoding="utf-8", errors="replace").strip()
            if RUN_FOLDER.fullmatch(run):
                yield self.top / "runs" / run / self.name / PLAN

    def old_runs(self, keep: int) -> set[str]:
        """The folders of runs that do not have to be kept."""
        procedures: dict[str, dict[str, list[str]]] = {}
        for name in self.runs():
            match = RUN_FOLDER.fullmatch(name)
            if match:
                procedures.setdefault(match["procedure"], {}).setdefault(match["workflow"] or name, []).append(name)
        old = {
            name
            for runs in procedures.values()
            for names in list(runs.values())[:-keep]
            for name in names
            if name != self.run
        }
        pointers = [*self.top.glob("latest*"), *self.top.glob("organizations/*/latest-plan")] if old else []
        return old - {pointer.read_text(encoding="utf-8", errors="replace").strip() for pointer in pointers}
