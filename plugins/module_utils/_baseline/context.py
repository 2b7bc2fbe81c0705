# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task of the role knows beside what every task does: the organization's files and its run. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.chain import Chain
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext


class Artifacts(Protocol):
    """The files of one organization, on the controller, as a procedure of a run sees them."""

    @property
    def run(self) -> str:
        """The name of the run's folder."""

    def begin(self) -> None:
        """Begins the procedure: what an earlier one of this run kept does not count."""

    def remember(self, found: Mapping[str, Any]) -> None:
        """Keeps what a task of this run found for the tasks that follow."""

    def remembered(self) -> dict[str, Any]:
        """What the tasks of this procedure have found so far."""

    def load(self, path: str) -> Any:
        """What a JSON file holds; an OptionError says why it cannot be read."""

    def load_plan(self, path: str) -> Any:
        """The organization's plan: in a file, or in the folder of a run. An OptionError says why there is none."""

    def store_plan(self, document: Mapping[str, Any]) -> str:
        """Writes the run's plan. Gives its path."""

    def plan_with(self, digest: str) -> Any:
        """The plan of an earlier run that has this digest; ``None`` where there is none."""

    def chain(self) -> Chain:
        """The snapshots."""

    def used_approval(self, digest: str) -> str:
        """The run that has used an approval, where retention has removed its snapshot since; empty where there is none."""

    def store_snapshot(self, document: Mapping[str, Any]) -> str:
        """Writes a snapshot under a name of its own. Gives its path."""

    def rolled_back(self, path: str) -> bool:
        """Whether a snapshot has been rolled back."""

    def mark_rolled_back(self, path: str, digest: str) -> None:
        """Remembers that a snapshot has been rolled back."""

    def store_report(self, files: Mapping[str, str], *, top: bool) -> dict[str, str]:
        """Writes the files of a report, with their SHA256SUMS. Gives their paths."""

    def reports(self) -> Iterator[Mapping[str, Any]]:
        """The reports of the organizations that this run has reported on so far."""

    def cut_snapshots(self, keep: int) -> None:
        """Removes snapshots at the chain's old end, beyond ``keep`` of them."""

    def cut_runs(self, keep: int) -> None:
        """Removes the folders of old runs, beyond ``keep`` of each procedure."""


@dataclass
class BaselineContext(ModuleContext):
    """A task of the role.

    :param host: the organization's name in the inventory.
    :param hosts: those of all organizations of the run.
    :param artifacts: gives the files of the organization below a directory.
    :param command: how the playbook was called, without its check mode.
    :param renderers: file name of a report's form to what makes its text.
    :param given_on_launch: the full names of the role's variables that are extra variables.
    """

    host: str = ""
    hosts: Sequence[str] = ()
    ansible_version: str = ""
    command: str = ""
    artifacts: Callable[[str], Artifacts] = field(kw_only=True)
    renderers: Mapping[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    given_on_launch: frozenset[str] = frozenset()
