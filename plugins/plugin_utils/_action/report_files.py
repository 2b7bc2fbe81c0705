# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of a run, those of the runs that belong to it, and how many runs are kept."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...module_utils._baseline.documents.report import FILES, OrganizationReport, RunReport, run_report_of
from ...module_utils._exchange.errors import OptionError
from .files import link_file, read_json, write_file
from .folders import RUN_FOLDER, Folders


class ReportFiles:
    """The reports of a procedure of a run."""

    def __init__(self, at: Folders) -> None:
        self._at = at

    def store(self, files: Mapping[str, str], *, top: bool) -> dict[str, str]:
        """Writes the files of a report and their SHA256SUMS into the run's folder, or the organization's folder in it.
        Returns their paths. A format that an organization of an earlier ring wished goes: it would lack the later ones.
        """
        self._at.refuse_shared()
        folder = self._at.run_folder if top else self._at.in_run
        contents = {name: text.encode("utf-8", "backslashreplace") for name, text in files.items()}
        paths = {name: write_file(folder / name, content) for name, content in contents.items()}
        for name in {file for form in FILES.values() for file in form} - {*files}:
            (folder / name).unlink(missing_ok=True)
        sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items()))
        write_file(folder / "SHA256SUMS", sums.encode("ascii"))
        if top:
            # A history is of runs, and no run to look at.
            for name in (f"latest-{self._at.procedure}", *(["latest"] if self._at.procedure != "history" else [])):
                write_file(self._at.top / name, f"{self._at.run}\n".encode("ascii"))
        else:
            self._at.note({**self._at.noted(), "reported": True})
        return paths

    def path_of(self, name: str) -> str:
        """The path of a file of that name in the organization's folder of the run."""
        return str(self._at.in_run / name)

    def organizations(self) -> Iterator[OrganizationReport]:
        """The reports of the organizations for which this run has stored one so far. Raises OptionError if this version of
        the collection cannot read one.
        """
        for report in self._reports_in(self._at.run_folder):
            yield from report.organizations
        for path in sorted(self._at.of_run.directory.glob(f"message_encryption-{self._at.procedure}-*.json")):
            unwritten = None
            with contextlib.suppress(OptionError):
                unwritten = read_json(path).get("unwritten")
            if unwritten:
                yield OrganizationReport.from_row(unwritten)

    def slices(self, run: str) -> Iterator[RunReport]:
        """The reports of all organizations in the runs of a procedure that belong to one AWX workflow job, oldest run
        first. Raises OptionError if this version of the collection cannot read one.

        :param run: the name of any of these runs.
        """
        for folder in self._slices(run):
            yield from self._reports_in(folder)

    def _reports_in(self, folder: Path) -> Iterator[RunReport]:
        """The reports of the organizations in a run's folder, but for those that are no readable files."""
        for path in sorted(folder.glob("*/report.json")):
            try:
                document = self._at.read(path)
            except OptionError:
                continue
            yield run_report_of(document, str(path))

    def adopt_slices(self, run: str) -> None:
        """Copies the organizations' folders of those runs into this run's folder. If two runs have the same
        organization, the newer one is used.
        """
        for folder in self._slices(run):
            for source in sorted(path for path in folder.glob("*/*") if path.is_file() and not path.is_symlink()):
                link_file(source, self._at.run_folder / source.parent.name / source.name)

    def _slices(self, run: str) -> list[Path]:
        match = RUN_FOLDER.fullmatch(run)
        if not match or not match["workflow"]:
            raise OptionError(f"{run!r} is not the name of a run that an AWX workflow started.")
        same = (
            name
            for name in self._at.runs()
            if (other := RUN_FOLDER.fullmatch(name)) and other.group("procedure", "workflow") == match.groups()
        )
        return [self._at.top / "runs" / name for name in same if name != self._at.run]

    def cut_runs(self, keep: int) -> None:
        """Removes the folders of old runs, beyond the newest ``keep`` of each procedure. The newest plan of an
        organization stays.

        The slices of a job count as one run.
        """
        for name in self._at.old_runs(keep):
            shutil.rmtree(self._at.top / "runs" / name, ignore_errors=True)

    def run_names(self) -> list[str]:
        """The names of the folders of earlier runs that are not histories, oldest first."""
        return [
            name
            for name in self._at.runs()
            if (match := RUN_FOLDER.fullmatch(name)) and match["procedure"] != "history"
        ]
