# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of an organization, which the last task that may write to it makes, and of the whole run."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ..._exchange.document import digest_of
from ..._exchange.errors import OptionError
from ..._exchange.text import listed
from ..documents.artifacts import Artifacts
from ..documents.report import (
    UNKNOWN,
    WAITING,
    OrganizationReport,
    RunReport,
    now,
)
from ..documents.stage_notes import notes_of
from ..documents.status import ControlStatus, OrganizationStatus
from ..documents.task_result import TaskResult, organization_report
from ..documents.terminal_lines import attention_lines, lines_of
from ..procedures.baseline_context import BaselineContext
from ..procedures.procedure import KINDS
from .variable_validation import for_report, report_files


def conclude(task: BaselineContext, result: dict[str, Any], *, goes_on: bool) -> dict[str, Any]:
    """The result of a task that plans or applies. If no later task of the role writes to the organization, this writes
    its report.

    :param goes_on: whether later tasks will write, unless this one failed.
    """
    artifacts = task.artifacts(for_report(task))
    returned = TaskResult.of_result(result)
    if not returned.is_failure and (goes_on or (artifacts.notes.reported and not returned.changed)):
        return result
    reported = _report_organization(task, artifacts, [returned], task.ring_of(task.host))
    if returned.is_failure or reported.get("failed"):
        with contextlib.suppress(OSError):
            artifacts.notes.mark("reported-failure", [task.host])
    return {**result, **reported}


def _report_organization(
    task: BaselineContext, artifacts: Artifacts, results: Sequence[TaskResult], ring: str
) -> dict[str, Any]:
    """Writes the report of one organization.

    :param artifacts: of the organization.
    :param results: what the role's tasks returned, in order. Those before the last one may be left out if they
        succeeded.
    :returns: what the task's result gets of it. It fails on drift if that is asked for and nothing failed before.
    """
    variables = for_report(task)
    # What could not be stored came in the results, and is newer.
    unkept = [result.unkept_report for result in results if result.unkept_report]
    notes = notes_of(artifacts)
    report = unkept[-1] if unkept else notes.report
    organization = replace(organization_report(artifacts.host, task.params["procedure"], report, results), ring=ring)
    failed = any(result.is_failure for result in results)
    if organization.changes and not unkept and (unfinished := _unfinished(artifacts, failed=failed)):
        failed, organization = (
            True,
            replace(
                organization, status=OrganizationStatus.FAILED, message=f"{unfinished} {organization.message}".rstrip()
            ),
        )
    _report, paths = _write(task, artifacts, [organization], variables, top=False)
    # The report of the whole run takes it from there, if the run's own directory lies on another disk.
    with contextlib.suppress(OptionError):
        artifacts.notes.keep_unwritten(None if paths else organization)
    if kept := _kept_runs(task, variables):
        artifacts.snapshots.cut(kept)
    page = _lasting(task, artifacts, _page(paths))
    status = str(organization.status)
    is_drift = organization.status is not OrganizationStatus.MET and not failed
    if is_drift and notes.fail_on_drift:
        return {
            "status": status,
            "report": page,
            "failed": True,
            "msg": _shortfall(organization, page),
        }
    return {"status": status, "report": page}


def _shortfall(organization: OrganizationReport, page: str) -> str:
    """Why an audit fails: what does not meet the baseline, or what of it is unknown."""
    unknown = organization.unassessed
    if organization.status is OrganizationStatus.NOT_ASSESSABLE:
        return f"Whether {organization.host} meets the baseline is unknown (not assessable): {unknown} Report: {page}"
    also = f" Not assessable: {unknown}" if unknown else ""
    not_met = [
        f"{control.id} ({control.title})"
        for control in organization.controls
        if control.status is ControlStatus.NOT_MET
    ]
    named = f" Not met: {listed(not_met, joint='and', most=len(not_met))}." if not_met else ""
    return f"{organization.host} does not meet the baseline ({organization.status}).{named}{also} Report: {page}"


def _unfinished(artifacts: Artifacts, *, failed: bool) -> str:
    """Why changes that were cleared have no outcome; empty if they have one, or if a failure says why.

    :param failed: whether a task failed, which said so.
    """
    notes = notes_of(artifacts)
    if notes.cleared is None or notes.ended:
        return ""
    for begun in artifacts.notes.writing():
        if begun.run == artifacts.run:
            what = (
                f"Whether the task was interrupted while it wrote is unknown: {begun.unreadable}"
                if begun.unreadable
                else "The task was interrupted while it wrote. What it wrote may be incomplete, and it was not rolled back."
            )
            return f"{what} The snapshot is {notes.cleared.snapshot}."
    return "" if failed else "Nothing was written, because the run ended after the plan."


def _of_this_run(results: Iterable[TaskResult]) -> list[TaskResult]:
    """What the tasks of this run returned. What is registered for a task that did not run is from an earlier run of the
    role in the same play: tasks that write run only if the plan says so, and none runs after one that has failed.
    """
    ran: list[TaskResult] = []
    for result in results:
        if ran and (ran[-1].is_failure or not ran[0].writes):
            break
        ran += [] if result.skipped else [result]
    return ran


def report_run(task: BaselineContext) -> dict[str, Any]:
    """Writes the report of the whole run from the reports of its organizations, and shows its lines. One that failed
    without a report gets it here.
    """
    variables = for_report(task)
    artifacts = task.artifacts(variables)
    reported = artifacts.notes.marked("reported-failure", task.hosts)
    for host in task.lost:
        other = artifacts.for_host(host)
        results = _of_this_run(map(TaskResult.of_result, filter(None, task.results_of(host))))
        if host not in reported and (results or other.notes.remembered()):
            _report_organization(task, other, results, task.ring_of(host))
    with contextlib.suppress(OSError):
        artifacts.notes.mark("failed", {*reported, *task.lost})
    organizations = _all_hosts(task, artifacts.reports.organizations(), _hosts_of_later_rings(task))
    report, paths = _write(task, artifacts, organizations, variables, top=True)
    if kept := _kept_runs(task, variables):
        artifacts.reports.cut_runs(kept)
    named = _of_ring(task, report)
    result = _of_run(task, artifacts, report, paths, named)
    # The last ring counts all.
    more = any(organization.waits and organization.host not in named for organization in report.organizations)
    lines = result["lines"][:-1] if more else result["lines"]
    for line in lines:
        task.show(line)
    return {**result, "lines": lines}


def report_slices(task: BaselineContext) -> dict[str, Any]:
    """Writes the report of all slices of a job from the reports of their organizations, and links their folders into
    the run's folder.

    A host that no slice has reported on is in it as not assessable.
    """
    variables = for_report(task)
    artifacts = task.artifacts(variables)
    slices = list(artifacts.reports.slices(task.params["run"]))
    if not slices:
        raise OptionError(
            f"There is no report of {task.params['run']}, nor of another slice of its job.",
            remedy="Fetch the artifacts of the slices first.",
        )
    organizations = _all_hosts(task, (organization for report in slices for organization in report.organizations))
    artifacts.reports.adopt_slices(task.params["run"])
    report, paths = _write(task, artifacts, organizations, variables, top=True, kind=slices[-1].kind)
    count = sum(len(organization.changes) for organization in organizations)
    return {
        **_of_run(task, artifacts, report, paths),
        "change_count": count,
        "statuses": {
            organization.host: str(organization.status)
            for status in OrganizationStatus
            for organization in organizations
            if organization.status is status
        },
    }


def _all_hosts(
    task: BaselineContext, reports: Iterable[OrganizationReport], later: Collection[str] = ()
) -> list[OrganizationReport]:
    """The newest report of each host; a host without one is not assessable.

    :param reports: oldest first.
    :param later: the hosts whose ring has not begun.
    """
    reported = {organization.host: organization for organization in reports}
    hosts = dict.fromkeys([*(task.params["hosts"] or task.hosts), *reported])
    return [reported.get(host) or _without_report(host, waits=host in later) for host in hosts]


def _without_report(host: str, *, waits: bool) -> OrganizationReport:
    return OrganizationReport(host=host, waits=waits, message=WAITING if waits else UNKNOWN)


def _hosts_of_later_rings(task: BaselineContext) -> set[str]:
    """The hosts of the run whose ring has not begun. Core takes hosts in order, and a host that failed before never
    reaches its ring.
    """
    batch = {*task.batch, task.host}
    begun = [place for place, host in enumerate(task.hosts) if host in batch]
    return set(task.hosts[max(begun) + 1 :]) - set(task.lost) if begun else set()


def _of_run(
    task: BaselineContext,
    artifacts: Artifacts,
    report: RunReport,
    paths: Mapping[str, str],
    named: Collection[str] | None = None,
) -> dict[str, Any]:
    """The task's result for the report of a run, including the statistics for later jobs.

    :param named: the organizations that its lines name; ``None`` for all.
    """
    page = _lasting(task, artifacts, _page(paths))
    stats = {
        "counts": report.counts,
        "digest": digest_of(report.as_row()["organizations"]),
        "report": page,
        "run": artifacts.run,
        "attention": _lasting(task, artifacts, attention_lines(report)),
    }
    lines = _lasting(task, artifacts, lines_of(report, page or "none, because it cannot be written", named))
    return {
        "changed": False,
        **stats,
        "summary": lines[-1],
        "lines": lines,
        "files": paths,
        "ansible_stats": {"data": {"hardened_baseline": stats}, "per_host": False, "aggregate": False},
    }


def _of_ring(task: BaselineContext, report: RunReport) -> Collection[str]:
    """The organizations of the ring, which the terminal names. Earlier ones have been named, and later ones will be,
    unless the run ends here.
    """
    ring = {*task.batch, task.host, *task.lost}
    bad = (OrganizationStatus.FAILED, OrganizationStatus.REFUSED, OrganizationStatus.NOT_ASSESSABLE)
    ends = any(organization.host in ring and organization.status in bad for organization in report.organizations)
    return ring | {organization.host for organization in report.organizations if ends and organization.waits}


def _page(paths: Mapping[str, str]) -> str:
    """The path of the report for people, or of the whole one where there is none; empty if it could not be written."""
    return paths.get("report.html") or paths.get("report.json", "")


def _lasting(task: BaselineContext, artifacts: Artifacts, value: Any) -> Any:
    """Texts that name files, in any nesting, so that they hold after the run. AWX throws a job's directory away, and
    the files are in a repository by then: they are named from its root.
    """
    if not _outlives(task):
        return value
    if isinstance(value, Mapping):
        return {key: _lasting(task, artifacts, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_lasting(task, artifacts, item) for item in value]
    if not isinstance(value, str):
        return value
    for folder in (f"{artifacts.directory}/", *task.folders_of_job):
        value = value.replace(folder, "")
    return value


def _outlives(task: BaselineContext) -> bool:
    """Whether the run's files are elsewhere once it has ended."""
    durable = boolean(for_report(task).get("artifacts_durable"), strict=False)
    return bool(task.params["awx"].get("job_id")) and not durable


def _kept_runs(task: BaselineContext, variables: Mapping[str, Any]) -> int:
    """How many runs to keep; 0 removes nothing. A check removes nothing, and the preflight has refused anything that is
    not a number.
    """
    kept_runs = str(variables.get("keep_runs") or "")
    return int(kept_runs) if kept_runs.isdecimal() and not task.check_mode else 0


def _write(
    task: BaselineContext,
    artifacts: Artifacts,
    organizations: Sequence[OrganizationReport],
    variables: Mapping[str, Any],
    *,
    top: bool,
    kind: str = "",
) -> tuple[RunReport, dict[str, str]]:
    procedure = KINDS[task.params["procedure"]]
    awx = task.params["awx"]
    report = RunReport(
        run=artifacts.run,
        command=task.command if task.check_mode else "",
        approvable=procedure.approvable,
        generated_at=now(),
        kind=kind or procedure.name_in_report(check_mode=task.check_mode),
        ansible_version=task.ansible_version,
        change_reference=variables.get("change_reference") or "",
        approver=variables.get("approver") or "",
        approval_valid_until=variables.get("approval_valid_until") or "",
        awx=awx if awx.get("job_id") else None,
        organizations=tuple(organizations),
    )
    shown = RunReport.from_row(_lasting(task, artifacts, report.as_row())) if _outlives(task) else report
    renderers = {**task.renderers, **(task.fleet_renderers if top and len(organizations) > 1 else {})}
    wished = report_files(variables)
    files = {name: render(shown) for name, render in renderers.items() if name in wished}
    try:
        return report, artifacts.reports.store(files, top=top)
    except OptionError as error:
        task.warnings.append(
            f"The report cannot be written: {error} The terminal shows its summary, and the tasks' results what they did."
        )
        for line in (
            () if top else lines_of(report, "none, because it cannot be written")
        ):  # Those of the run are shown in any case.
            task.say(line)
        return report, {}
