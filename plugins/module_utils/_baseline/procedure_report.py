# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role writes at its end: the report of an organization, and that of the whole run. Private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.plan import digest_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedure import BASELINE, SNAPSHOT, BaselineContext, directory_of, for_report
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.report import counts, organization_report, run_report
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError


def report_organization(task: BaselineContext) -> dict[str, Any]:
    """Writes the report of one organization."""
    variables = for_report(task)
    results = [result for result in task.params["results"] if result and not result.get("skipped")]
    found = task.artifacts(directory_of(variables)).remembered(task.run["id"]).get("report") or {}
    organization = organization_report(task.host, task.params["procedure"], found, results, task.params["test"] or {})
    report = run_report(_kind(task), [organization], variables, task.params["awx"], task.run)
    paths = _write(task, report, variables, top=False)
    return {"changed": False, "status": organization["status"], "report": paths.get("report.html", ""), "files": paths, "digest": digest_of(organization)}


def report_run(task: BaselineContext) -> dict[str, Any]:
    """Writes the report of the whole run, from those of its organizations. What an organization's play returned stays in its own file."""
    variables = for_report(task)
    organizations: list[Mapping[str, Any]] = []
    for host in task.params["hosts"]:
        organizations.append(_of_this_run(task, variables, host) or organization_report(host, task.params["procedure"], {}, [], {}))
    report = run_report(_kind(task), organizations, variables, task.params["awx"], task.run)
    paths = _write(task, report, variables, top=True)
    counted = counts(report)
    stats = {"counts": counted, "digest": digest_of(report["organizations"]), "report": paths.get("report.html", "")}
    counted_words = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counted.items())
    return {
        "changed": False,
        **stats,
        "summary": f"{counted_words}. Report: {stats['report']}",
        "files": paths,
        "ansible_stats": {"data": {"hardened_baseline": stats}, "per_host": False, "aggregate": False},
    }


def _kind(task: BaselineContext) -> str:
    procedure: str = task.params["procedure"]
    if procedure in (BASELINE, SNAPSHOT):
        return "check" if task.check_mode or procedure == SNAPSHOT else "apply"
    return procedure


def _write(task: BaselineContext, report: Mapping[str, Any], variables: Mapping[str, Any], *, top: bool) -> dict[str, str]:
    files = {"report.json": json.dumps(report, indent=2) + "\n", **{name: render(report) for name, render in task.renderers.items()}}
    return task.artifacts(directory_of(variables)).store_report(files, top=top)


def _of_this_run(task: BaselineContext, variables: Mapping[str, Any], host: str) -> Mapping[str, Any] | None:
    try:
        report = task.artifacts(directory_of(variables), host).load("report.json")
        return report["organizations"][0] if report["run"] == task.run["id"] else None
    except (OptionError, KeyError, IndexError, TypeError):
        return None
