# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's files on the controller.

    runs/<UTC time>-<procedure>-<id>/          the reports of a run, and a folder for each organization with its plan and reports;
                                               <id> starts with workflow<number>_ if an AWX workflow started the run
    organizations/<host>/snapshots/            the chain of snapshots, a capture beside each, and what its run stored
    organizations/<host>/used-approvals/       the approved digests of runs whose snapshots are no longer kept
    used-approvals/                            the approved digests that runs took, under any name of an organization
    organizations/<host>/writing/<run>.json    a run that writes to the organization; left by one that was killed while it wrote
    organizations/<host>/settling.json         since when rules that were switched off no longer have to act, while a disable waits for that
    organizations/<host>/contradictions.json   what Exchange's reports have contradicted of rules, and no later window agreed with
    organizations/<host>/observations.json     what test messages have contradicted of what is computed, and answered
    organizations/<host>/latest-plan           the folder of the run that wrote the organization's newest plan
    latest, latest-<procedure>                 the folder of the newest run

A run's folder is its own: no other run ever overwrites anything in it. A file is written completely or not at all, and
only its owner can read it. The content of files is data and is never templated.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .folders import Folders, RunFolder
from .note_files import NoteFiles
from .plan_files import PlanFiles
from .report_files import ReportFiles
from .snapshot_files import SnapshotFiles


class ArtifactFiles:
    """The files of one organization, as a procedure of a run sees them.

    :param directory: the artifacts directory, relative to the working directory.
    :param host: the organization's name in the inventory, from which its folder gets its name.
    :param owners: the users that may own the files, beside root and the user of the run.
    """

    def __init__(self, directory: str, host: str, run: RunFolder, procedure: str, owners: Iterable[str] = ()) -> None:
        self.folders = Folders(directory, host, run, procedure, owners)
        self.notes, self.plans = NoteFiles(self.folders), PlanFiles(self.folders)
        self.snapshots, self.reports = SnapshotFiles(self.folders), ReportFiles(self.folders)

    @property
    def host(self) -> str:
        """The organization's name in the inventory."""
        return self.folders.host

    @property
    def directory(self) -> str:
        """The directory of the artifacts of all organizations, as an absolute path."""
        return str(self.folders.top)

    @property
    def run(self) -> str:
        """The name of the run's folder."""
        return self.folders.run

    def for_host(self, host: str) -> ArtifactFiles:
        """The files of another organization, as the same procedure of the run sees them."""
        at = self.folders
        return ArtifactFiles(self.directory, host, at.of_run, at.procedure, at.owners)

    def load(self, path: str) -> Any:
        """The content of a JSON file. A bare name is a snapshot of the organization, ``plan.json`` its newest plan.
        Raises OptionError if it cannot be read.
        """
        return self.folders.load(path)
