# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The context of a task of the role: the organization's files and the run, beside what every task has. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.approval import TakenApproval
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.chain import SnapshotChain
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext


class Artifacts(Protocol):
    """The files of one organization, on the controller, as a procedure of a run sees them."""

    @property
    def host(self) -> str:
        """The organization's name in the inventory."""

    @property
    def directory(self) -> str:
        """The directory of the artifacts of all organizations, as an absolute path."""

    @property
    def run(self) -> str:
        """The name of the run's folder."""

    def begin(self) -> None:
        """Begins the procedure: data that an earlier procedure of this run stored is ignored."""

    def remember(self, found: Mapping[str, Any]) -> None:
        """Stores what a task of this run found for later tasks."""

    def remembered(self) -> dict[str, Any]:
        """What the tasks of this procedure have stored so far."""

    def remembered_of(self, hosts: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What the tasks of this procedure have found so far in other organizations; one without anything has an empty dictionary."""

    def keep_unwritten(self, report: Mapping[str, Any]) -> None:
        """Stores the report of an organization whose files could not be written for that of the run; an empty one if they could."""

    def of(self, host: str) -> Artifacts:
        """The files of another organization, as the same procedure of the run sees them."""

    @property
    def reported(self) -> bool:
        """Whether this procedure has written the report of the organization."""

    def mark(self, what: str, hosts: Iterable[str]) -> None:
        """Marks organizations for later tasks in this procedure of the run: ``published``, ``reported-failure``, or ``failed`` in an earlier ring."""

    def marked(self, what: str, hosts: Sequence[str]) -> list[str]:
        """Those of some organizations that are marked so."""

    def begin_writing(self, snapshot: str) -> None:
        """Records that this run writes to the organization from now on."""

    def end_writing(self) -> None:
        """Records that the run knows what it wrote, and that it stays or is rolled back."""

    def interrupted(self) -> dict[str, str]:
        """``run`` and ``snapshot`` of the run that writes, or of one that was cut off while it wrote; empty if there is none.

        ``unknown`` alone says why neither can be told.
        """

    def load(self, path: str) -> Any:
        """The content of a JSON file. Raises OptionError if it cannot be read."""

    def load_plan(self, path: str) -> Any:
        """The organization's plan, from a file or from the folder of a run. Raises OptionError if there is none."""

    def store_plan(self, document: Mapping[str, Any]) -> str:
        """Writes the run's plan. Returns its path."""

    def plan_with(self, digest: str) -> Any:
        """The plan of an earlier run with this digest; ``None`` if there is none."""

    def chain(self) -> SnapshotChain:
        """The snapshots."""

    def taken_approvals(self) -> list[TakenApproval]:
        """The approvals that runs took whose snapshots are no longer kept."""

    def store_snapshot(self, document: Mapping[str, Any], capture: Mapping[str, Any]) -> str:
        """Writes a snapshot under a unique name, and the capture of what was read beside it. Returns the path of the snapshot."""

    def rolled_back(self, path: str) -> bool:
        """Whether a snapshot has been rolled back."""

    def mark_rolled_back(self, path: str, digest: str) -> None:
        """Marks a snapshot as rolled back."""

    def store_report(self, files: Mapping[str, str], *, top: bool) -> dict[str, str]:
        """Writes the files of a report, with their SHA256SUMS. Returns their paths."""

    def reports(self) -> Iterator[Mapping[str, Any]]:
        """The reports of the organizations that this run has reported on so far."""

    def slices(self, run: str) -> Iterator[Mapping[str, Any]]:
        """The reports of all organizations in the runs of the same procedure in the same workflow job, oldest run first."""

    def adopt_slices(self, run: str) -> None:
        """Links what the organizations' folders in those runs contain into this run's folder."""

    def cut_snapshots(self, keep: int) -> None:
        """Removes the oldest snapshots of the chain and keeps ``keep`` of them."""

    def cut_runs(self, keep: int) -> None:
        """Removes the folders of old runs and keeps ``keep`` of each procedure."""


@dataclass
class BaselineContext(ModuleContext):
    """A task of the role.

    :param host: the organization's name in the inventory.
    :param hosts: those of all organizations of the run.
    :param batch: those of the hosts of its ring that have not failed yet.
    :param lost: those of the hosts of the run that have failed so far, as core counts them.
    :param artifacts: gives the files of the organization, from the role's variables without their prefix.
    :param command: how the playbook was called, without its check mode.
    :param renderers: file name of a report's form to what makes its text.
    :param fleet_renderers: those of the report of a run over several organizations.
    :param ring_of: the ring of a host of the run; empty where there are no rings.
    :param results_of: what the role's tasks returned for a host of the run, in order.
    :param show: shows a line on the terminal.
    :param given_on_launch: the full names of the role's variables that are extra variables.
    """

    host: str = ""
    hosts: Sequence[str] = ()
    batch: Sequence[str] = ()
    lost: Sequence[str] = ()
    ansible_version: str = ""
    command: str = ""
    artifacts: Callable[[Mapping[str, Any]], Artifacts] = field(kw_only=True)
    renderers: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    fleet_renderers: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    ring_of: Callable[[str], str] = lambda host: ""
    results_of: Callable[[str], Sequence[Mapping[str, Any]]] = lambda host: ()
    show: Callable[[str], None] = lambda line: None
    given_on_launch: frozenset[str] = frozenset()
