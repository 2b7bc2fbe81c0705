# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of a run note for each other, and for a run that comes after one that was cut off."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._baseline.documents.report import OrganizationReport
from ...module_utils._baseline.documents.writing import Writing
from ...module_utils._exchange.errors import OptionError
from ...module_utils._mail_flow.wording.evidence_row import KeptContradictionRow
from .._broker.process import Process
from .files import folder_name, write_json
from .folders import Folders


class NoteFiles:
    """What the tasks of a procedure note about one organization."""

    def __init__(self, at: Folders) -> None:
        self._at = at

    def begin(self) -> None:
        """Begins the procedure: data that an earlier procedure of this run stored is ignored."""
        self._at.refuse_shared()
        noted = self._at.noted()
        number = int(noted.get("number", 1)) + bool(noted.get("reported"))
        self._marked("published", self._at.host).unlink(missing_ok=True)
        self._at.note({"number": number})

    @property
    def reported(self) -> bool:
        """Whether this procedure has written the report of the organization."""
        return bool(self._at.noted().get("reported"))

    def remember(self, organization: Mapping[str, Any]) -> None:
        """Stores what a task of the run found for later tasks. In a task's result, it would flood the screen when the
        task fails.
        """
        self._at.note({**self._at.noted(), "found": dict(organization)})

    def remembered(self) -> dict[str, Any]:
        """What the tasks of this procedure have stored so far."""
        return dict(self._at.noted().get("found") or {})

    def keep_unwritten(self, report: OrganizationReport | None) -> None:
        """Stores the report of an organization whose files could not be written for that of the run; ``None`` if they
        could.
        """
        noted = self._at.noted()
        row = report.as_row() if report else {}
        if row != noted.get("unwritten", {}):
            self._at.note({**noted, "unwritten": row})

    def remembered_of(self, hosts: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What the tasks of this procedure have stored so far for other organizations of the run."""
        return {host: NoteFiles(self._at.for_host(host)).remembered() for host in hosts}

    def mark(self, what: str, hosts: Iterable[str]) -> None:
        """Marks organizations for later tasks in this procedure of the run: ``published``, ``reported-failure``, or
        ``failed`` in an earlier ring.
        """
        for host in hosts:
            self._marked(what, host).touch(mode=0o600)

    def marked(self, what: str, hosts: Iterable[str]) -> list[str]:
        """The organizations of some that are marked so."""
        return [host for host in hosts if self._marked(what, host).exists()]

    def _marked(self, what: str, host: str) -> Path:
        return self._at.of_run.directory / f"message_encryption-{what}-{self._at.procedure}-{folder_name(host)}"

    def begin_writing(self, snapshot: str, controls: Collection[str]) -> None:
        """Records that this run writes to the organization from now on. The record lasts as long as the playbook and
        its worker, so it names both processes.
        """
        processes = [Process.current(pid) for pid in self._own_pids]
        record = {
            "run": self._at.run,
            "kind": self._at.procedure,
            "snapshot": snapshot,
            "controls": sorted(controls),
            "machine": socket.gethostname(),
            "processes": [[process.pid, process.started] for process in processes],
            "began": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        write_json(self._record_of(self._at.run), record)

    def end_writing(self, runs: Iterable[str] | None = None) -> None:
        """Ends the record of this run, or those of others."""
        for run in [self._at.run] if runs is None else runs:
            with contextlib.suppress(OSError):
                self._record_of(run).unlink(missing_ok=True)

    def writing(self) -> list[Writing]:
        """The runs that write to the organization, this one included, or that were interrupted while they wrote."""
        return [self._writing_of(path) for path in sorted((self._at.organization / "writing").glob("[!.]*.json"))]

    def _writing_of(self, path: Path) -> Writing:
        try:
            note = self._at.read(path)
            texts = {name: str(note[name]) for name in ("kind", "snapshot", "began")}
            processes = [Process(int(pid), str(started)) for pid, started in note["processes"]]
            machine = str(note["machine"])
            controls = tuple(map(str, note["controls"]))
        except OptionError as error:
            return Writing(path.stem, unreadable=str(error))
        except (KeyError, TypeError, ValueError):
            return Writing(path.stem, unreadable=f"The file {path} is not a record of a run.")
        # A task of this run that was cut off has left a worker that is gone, and a playbook that is not.
        others = [process for process in processes if process.pid not in self._own_pids]
        lives = any(process.alive() for process in others) if machine == socket.gethostname() else None
        named = f"process {processes[0].pid} on {machine}" if processes else machine
        return Writing(path.stem, controls=controls, process=named, lives=lives, **texts)

    @property
    def _own_pids(self) -> list[int]:
        return list(dict.fromkeys((self._at.of_run.pid, os.getpid())))

    def _record_of(self, run: str) -> Path:
        return self._at.organization / "writing" / f"{run}.json"

    def begin_settling(self, since: float | None) -> None:
        """Records when Exchange began to take in what a stage has written; ``None`` while the stage writes."""
        write_json(self._settling, {"run": self._at.run, "since": since})

    def settling(self, now: float) -> float:
        """Since when Exchange takes in what an earlier stage has written; 0 if there is none, ``now`` if that is unknown."""
        try:
            return min(now, float(self._at.read(self._settling)["since"]))
        except OptionError as error:
            return 0 if isinstance(error.__cause__, FileNotFoundError) else now
        except (KeyError, TypeError, ValueError):
            return now

    def end_settling(self) -> None:
        """Records that nothing has to be waited for anymore."""
        with contextlib.suppress(OSError):
            self._settling.unlink(missing_ok=True)

    def contradictions(self) -> list[KeptContradictionRow]:
        """What Exchange has contradicted of rules, and no later window agreed with. Raises OptionError if that cannot
        be read.
        """
        try:
            document = self._at.read(self._contradictions)
        except OptionError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return []
            raise
        try:
            return list(map(KeptContradictionRow.from_row, document["rules"]))
        except (KeyError, TypeError, ValueError) as error:
            raise OptionError(f"The file {self._contradictions} is not a record of contradictions.") from error

    def keep_contradictions(self, rows: Iterable[KeptContradictionRow]) -> None:
        """Stores what Exchange has contradicted for later runs."""
        write_json(self._contradictions, {"rules": [row.as_row() for row in rows]})

    @property
    def observations_path(self) -> str:
        """The file in which test messages of runs keep what they observe, where the variables name none."""
        return str(self._at.organization / "observations.json")

    def observations(self) -> Any:
        """The content of that file; ``None`` if there is none. Raises OptionError if it cannot be read."""
        try:
            return self._at.read(Path(self.observations_path))
        except OptionError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    @property
    def _contradictions(self) -> Path:
        return self._at.organization / "contradictions.json"

    @property
    def _settling(self) -> Path:
        return self._at.organization / "settling.json"
