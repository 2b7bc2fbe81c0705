# SPDX-License-Identifier: GPL-3.0-or-later
"""The base classes of the actions that write a page of their own: of earlier runs, and of a replay."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants as C

from ...module_utils._baseline.documents.history import HistoryContext
from ...module_utils._baseline.documents.report import RunReport, run_report_of
from ...module_utils._baseline.documents.run_findings import RunFindings, run_findings_of
from ...module_utils._exchange.errors import OptionError
from ...modules.mail_flow_replay_report import ReplayReportContext
from .artifact_files import ArtifactFiles
from .base import ModuleAction, plain
from .folders import RunFolder

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class PageAction(ModuleAction):
    """Runs the module in the worker process. It uses no connection."""

    #: What the folder of its run is named after.
    procedure: ClassVar[str]
    #: The name of each file to what makes its text.
    renderers: ClassVar[Mapping[str, Callable[[Any], str]]] = {}

    def artifacts_of_run(self, owners: Iterable[str]) -> Callable[[str], ArtifactFiles]:
        """What gives the files of this run in an artifacts directory."""
        run = RunFolder.in_directory(C.DEFAULT_LOCAL_TMP)
        return lambda directory: ArtifactFiles(directory, self.procedure, run, self.procedure, owners)

    def store(self, artifacts: ArtifactFiles, document: Any) -> dict[str, str]:
        """Writes the files of a document. Returns their paths by their names."""
        files = {name: render(document) for name, render in self.renderers.items()}
        return artifacts.reports.store(files, top=True)

    def check_connection(self) -> None:
        """Any connection will do."""


class HistoryAction(PageAction):
    """Runs the module that tells of earlier runs."""

    procedure = "history"

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> HistoryContext:
        """A task with the folders of the runs."""
        kept = self.artifacts_of_run(fields["params"]["owners"])
        return HistoryContext(
            **fields,
            runs=lambda directory: runs_in(kept(directory)),
            store=lambda directory, document: self.store(kept(directory), document),
        )


class ReplayReportAction(PageAction):
    """Runs the module that tells of a replay: it has what was registered for the hosts of the play."""

    procedure = "replay"

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> ReplayReportContext:
        """A task with the results of all hosts of the play."""
        params = fields["params"]
        kept = self.artifacts_of_run(fields["params"]["owners"])
        results = {
            str(host): plain(task_vars["hostvars"][host].get(params["registered"]) or {})
            for host in task_vars["ansible_play_hosts_all"]
        }
        return ReplayReportContext(
            **fields, results=results, store=lambda directory, document: self.store(kept(directory), document)
        )


def runs_in(artifacts: ArtifactFiles) -> Iterator[list[RunFindings]]:
    """What each run saw. Raises OptionError if there is no folder of runs, or a report in one cannot be read."""
    names = artifacts.reports.run_names()
    if not names:
        raise OptionError(
            f"directory: {artifacts.folders.top} holds no runs.",
            remedy="Set hardened_baseline_artifacts_dir to the directory of earlier runs: they are the folders in its folder runs.",
        )
    for name in names:
        yield _findings_of_run(artifacts, name)


def _findings_of_run(artifacts: ArtifactFiles, name: str) -> list[RunFindings]:
    """What a run saw. One that has no report of the whole run was stopped, and has those of the organizations that it
    came to.
    """
    folder = artifacts.folders.top / "runs" / name
    whole = folder / "report.json"
    files = [whole] if whole.exists() else sorted(folder.glob("*/report.json"))
    return [findings for file in files for findings in run_findings_of(replace(_report(artifacts, file), run=name))]


def _report(artifacts: ArtifactFiles, file: Path) -> RunReport:
    remedy = "Remove this file, or its folder, from the directory."
    try:
        document = artifacts.folders.read(file)
    except OptionError as error:
        raise OptionError(f"directory: {error}", remedy=remedy) from error
    texts = [document.get(key) for key in ("kind", "run", "generated_at")]
    if not all(isinstance(text, str) for text in texts) or not _TIME.fullmatch(str(texts[-1])):
        raise OptionError(f"directory: {file} is not the report of a run.", remedy=remedy)
    return run_report_of(document, str(file))
