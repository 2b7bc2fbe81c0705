# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role needs of the files on the controller, whoever keeps them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..._mail_flow.wording.evidence_row import KeptContradictionRow
from .report import OrganizationReport, RunReport
from .snapshot_chain import SnapshotChain, TakenApproval
from .writing import Writing


class Notes(Protocol):
    """What the tasks of a procedure note about one organization."""

    def begin(self) -> None:
        """Begins the procedure: data that an earlier procedure of this run stored is ignored."""

    def remember(self, organization: Mapping[str, Any]) -> None:
        """Stores what a task of this run found for later tasks."""

    def remembered(self) -> dict[str, Any]:
        """What the tasks of this procedure have stored so far."""

    def remembered_of(self, hosts: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What the tasks of this procedure have found so far in other organizations; one without anything has an empty
        dictionary.
        """

    def keep_unwritten(self, report: OrganizationReport | None) -> None:
        """Stores the report of an organization whose files could not be written for that of the run; ``None`` if they
        could.
        """

    @property
    def reported(self) -> bool:
        """Whether this procedure has written the report of the organization."""

    def mark(self, what: str, hosts: Iterable[str]) -> None:
        """Marks organizations for later tasks in this procedure of the run: ``published``, ``reported-failure``, or
        ``failed`` in an earlier ring.
        """

    def marked(self, what: str, hosts: Sequence[str]) -> list[str]:
        """The organizations of some that are marked so."""

    def begin_writing(self, snapshot: str, controls: Collection[str]) -> None:
        """Records that this run writes to the organization from now on.

        :param snapshot: the path of the one that it took or restores.
        :param controls: the controls whose changes it planned.
        """

    def end_writing(self, runs: Iterable[str] | None = None) -> None:
        """Ends the record of this run, which knows what it wrote, and that it stays or is rolled back; or those of
        other runs.
        """

    def writing(self) -> list[Writing]:
        """The runs that write to the organization, this one included, or that were interrupted while they wrote."""

    def begin_settling(self, since: float | None) -> None:
        """Records when Exchange began to take in what a stage has written, for later stages of this run or another one.

        :param since: the time in seconds since 1970; ``None`` while the stage writes.
        """

    def settling(self, now: float) -> float:
        """Since when Exchange takes in what an earlier stage has written; 0 if nothing has to be waited for, and
        ``now`` if the stage was interrupted, so that this is unknown.
        """

    def end_settling(self) -> None:
        """Records that nothing has to be waited for anymore."""

    def contradictions(self) -> list[KeptContradictionRow]:
        """What Exchange has contradicted of rules, and no later window agreed with. Raises OptionError if that cannot
        be read.
        """

    def keep_contradictions(self, rows: Iterable[KeptContradictionRow]) -> None:
        """Stores what Exchange has contradicted for later runs."""

    @property
    def observations_path(self) -> str:
        """The file in which test messages of runs keep what they observe, where the variables name none."""

    def observations(self) -> Any:
        """The content of that file; ``None`` if there is none. Raises OptionError if it cannot be read."""


class Plans(Protocol):
    """The plans of one organization."""

    def load(self, path: str) -> Any:
        """The organization's plan, from a file or from the folder of a run. Raises OptionError if there is none."""

    def store(self, document: Mapping[str, Any]) -> str:
        """Writes the run's plan. Returns its path."""

    def with_digest(self, digest: str) -> Any:
        """The plan of an earlier run with this digest; ``None`` if there is none."""

    def owner_of(self, digest: str) -> str:
        """The other organization whose plan has this digest, also one outside of this run; empty if none is known."""


class Snapshots(Protocol):
    """The snapshots of one organization."""

    def chain(self) -> SnapshotChain:
        """The snapshots."""

    def taken_approvals(self, digest: str) -> list[TakenApproval]:
        """The approvals that runs took whose snapshots are no longer kept, and those of a digest that runs took under
        other inventory names. A digest is of one organization.
        """

    def store(self, document: Mapping[str, Any], capture: Mapping[str, Any]) -> str:
        """Writes a snapshot under a unique name, and the capture of what was read beside it. Returns the path of the
        snapshot.
        """

    def rolled_back(self, path: str) -> bool:
        """Whether a snapshot has been rolled back."""

    def mark_rolled_back(self, path: str, digest: str) -> None:
        """Marks a snapshot as rolled back."""

    def keep_applied(self, path: str, document: Mapping[str, Any] | None) -> None:
        """Stores beside a snapshot what its run stored; ``None`` removes that. Raises OptionError if it cannot."""

    def applied(self, path: str) -> Any:
        """What the run of a snapshot stored; ``None`` if that is not recorded. Raises OptionError if it cannot be
        read.
        """

    def cut(self, keep: int) -> None:
        """Removes the oldest snapshots of the chain and keeps ``keep`` of them."""


class Reports(Protocol):
    """The reports of a procedure of a run."""

    def store(self, files: Mapping[str, str], *, top: bool) -> dict[str, str]:
        """Writes the files of a report, with their SHA256SUMS. Returns their paths."""

    def path_of(self, name: str) -> str:
        """The path of a file of that name in the organization's folder of the run."""

    def organizations(self) -> Iterator[OrganizationReport]:
        """The reports of the organizations that this run has reported on so far. Raises OptionError if this version of the
        collection cannot read one.
        """

    def slices(self, run: str) -> Iterator[RunReport]:
        """The reports of all organizations in the runs of the same procedure in the same workflow job, oldest run
        first. Raises OptionError if this version of the collection cannot read one.
        """

    def adopt_slices(self, run: str) -> None:
        """Links what the organizations' folders in those runs contain into this run's folder."""

    def cut_runs(self, keep: int) -> None:
        """Removes the folders of old runs and keeps ``keep`` of each procedure."""


class Artifacts(Protocol):
    """The files of one organization, on the controller, as a procedure of a run sees them."""

    @property
    def notes(self) -> Notes:
        """What its tasks note for each other."""

    @property
    def plans(self) -> Plans:
        """The plans."""

    @property
    def snapshots(self) -> Snapshots:
        """The snapshots."""

    @property
    def reports(self) -> Reports:
        """The reports."""

    @property
    def host(self) -> str:
        """The organization's name in the inventory."""

    @property
    def directory(self) -> str:
        """The directory of the artifacts of all organizations, as an absolute path."""

    @property
    def run(self) -> str:
        """The name of the run's folder."""

    def for_host(self, host: str) -> Artifacts:
        """The files of another organization, as the same procedure of the run sees them."""

    def load(self, path: str) -> Any:
        """The content of a JSON file. Raises OptionError if it cannot be read."""
