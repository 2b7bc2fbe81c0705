# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base class of the role's own actions: it gives their modules the files of the organization. Private to the collection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.release import __version__ as ansible_version
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import Task
from ansible_collections.m365.message_encryption.plugins.module_utils._procedure import BaselineTask
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action import ModuleAction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._artifacts import Artifacts


class BaselineAction(ModuleAction):
    """Runs one of the role's modules.

    An organization that cannot be reached fails here, where elsewhere it would be unreachable: core runs neither ``always``
    nor the plays that follow for an unreachable host, and a report must still be written.
    """

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> BaselineTask:
        """A task that knows the organization's files and the run."""
        host = str(task_vars["inventory_hostname"])
        # The directory is the playbook's own and lasts as long as the run.
        run = {"id": Path(C.DEFAULT_LOCAL_TMP).name, "ansible_version": ansible_version}
        return BaselineTask(**fields, host=host, run=run, artifacts=lambda directory, other=host: Artifacts(directory, other))

    def _outcome(self, module: Any, task: Task, task_vars: dict[str, Any]) -> dict[str, Any]:
        outcome = super()._outcome(module, task, task_vars)
        if outcome.pop("unreachable", False):
            outcome["failed"] = True
        return outcome


class ReportAction(BaselineAction):
    """Writes reports: the connection is not used."""

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> BaselineTask:
        """A task that can render reports, too."""
        # Imported here, because only this action needs a renderer.
        from ansible_collections.m365.message_encryption.plugins.plugin_utils._report import render_csv, render_html, render_junit

        task = super().make_task(task_vars, **fields)
        task.renderers = {"report.html": render_html, "report.csv": render_csv, "junit.xml": render_junit}
        return task

    def check_connection(self) -> None:
        """Any connection will do."""
