# SPDX-License-Identifier: GPL-3.0-or-later
"""The base classes of the role's actions that write reports."""

from __future__ import annotations

from typing import Any

from ...module_utils._baseline.procedures.baseline_context import BaselineContext
from ...module_utils._baseline.run.procedure_report import conclude
from ...module_utils._baseline.run.variable_validation import REPORTED
from ...module_utils._engine.context import ModuleContext
from .._action.baseline_action import BaselineAction
from .fleet import render_fleet
from .junit import render_junit
from .report_data import render_csv, render_json, render_lines
from .run_page import render_html


class ReportingAction(BaselineAction):
    """Runs a module that can write reports."""

    def make_task(self, task_vars: dict[str, Any], **fields: Any) -> BaselineContext:
        """A task that can render reports, too."""
        task = super().make_task(task_vars, **fields)
        task.renderers = {
            "report.html": render_html,
            "report.json": render_json,
            "report.jsonl": render_lines,
            "report.csv": render_csv,
            "junit.xml": render_junit,
        }
        task.fleet_renderers = {"fleet.html": render_fleet}
        return task


class ConcludingAction(ReportingAction):
    """Runs a module that plans or applies. Its module says with ``goes_on`` whether later tasks will write; if none
    will, the report is written here, because a task of its own would cost every organization another fork.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The task's result. Ansible prints the result of a task that fails, so that one lacks what the report has, and
        where drift fails it, what ``--diff`` has shown.
        """
        result = super().run(tmp, task_vars)
        if not result.get("failed"):
            return result
        left_out = ("organization", "pending", "plan", *(() if "error" in result else ("changes", "mail", "diff")))
        return {name: value for name, value in result.items() if name not in left_out}

    def variables_read(self, procedure: str) -> set[str]:
        """The variables of the procedure, and those that a report shows."""
        return super().variables_read(procedure) | REPORTED

    def _outcome(self, task: ModuleContext) -> dict[str, Any]:
        outcome = super()._outcome(task)
        return self._attempt(lambda: conclude(task, outcome, goes_on=self.module.goes_on(task.params, outcome)))  # type: ignore[arg-type]
