# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.context import BaselineContext
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.given import REPORTED
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import document_text
from ansible_collections.m365.message_encryption.plugins.modules import baseline_report
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.baseline import BaselineAction
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.fleet import render_fleet
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.render import render_csv, render_html, render_junit, render_lines


class ActionModule(BaselineAction):
    """Runs the module of this name in the worker process. It writes reports, and does not use the connection."""

    module = baseline_report

    def arguments(self, task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
        """The task's arguments, with what registered variables hold in place of their names."""
        arguments = super().arguments(task_vars)
        results = arguments.get("results")
        if not isinstance(results, list):
            return arguments
        return {**arguments, "results": [task_vars.get(result) or {} if isinstance(result, str) else result for result in results]}

    def variables_read(self, procedure: str) -> set[str]:
        """The few variables that a report shows: it is written also where others are wrong."""
        return REPORTED

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> BaselineContext:
        """A task that can render reports, too."""
        task = super().make_task(task_vars, **fields)
        task.renderers = {
            "report.html": render_html,
            "report.json": document_text,
            "report.jsonl": render_lines,
            "report.csv": render_csv,
            "junit.xml": render_junit,
        }
        task.fleet_renderers = {"fleet.html": render_fleet}
        return task

    def check_connection(self) -> None:
        """Any connection will do."""
