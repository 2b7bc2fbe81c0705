# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything before the first write: one read, one list of all findings, the warnings, the plan and the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._exchange.errors import ExchangeError, OptionError
from ..controls.findings import PREFIX, Finding
from ..documents.approval import approval_findings
from ..documents.artifacts import Artifacts
from ..documents.report import OrganizationReport
from ..documents.status import OrganizationStatus
from ..procedures.baseline_context import BaselineContext
from ..procedures.procedure import SnapshotTime
from ..procedures.refusals import check_ring, rollback_findings, run_findings, session_findings
from .drafting import DraftedRun, draft
from .interrupted import interrupted_warnings
from .prepare import Preparation, prepare
from .recording import Record
from .variable_validation import for_report


def preflight(task: BaselineContext) -> dict[str, Any]:
    """Everything before the first write: reads the organization, plans, collects the findings, and takes the snapshot.

    :raises OptionError: with all findings.
    """
    task.artifacts(for_report(task)).notes.begin()
    prepared = prepare(task)
    check_ring(task, prepared.artifacts)
    drafted = draft(task, prepared)
    findings = judge(task, drafted)
    record = Record(task, drafted, findings, warn(task, drafted))
    refuse(prepared, findings, record.report, record.result)
    return record.finish()


def judge(task: BaselineContext, drafted: DraftedRun) -> list[Finding]:
    """All findings that are not accepted."""
    procedure, variables, writes = drafted.procedure, drafted.prepared.variables, drafted.writes
    findings = [
        *drafted.findings,
        *run_findings(variables, task.params["awx"], writes=writes),
        *session_findings(drafted.session, writes=writes),
    ]
    if procedure.kind.snapshot_time is SnapshotTime.BEFORE_WRITING:
        findings += rollback_findings(drafted.changes)
    if procedure.kind.approvable:
        findings += approval_findings(
            drafted.approval,
            drafted.document,
            variables,
            drafted.artifacts,
            writes=writes,
            named=f"{PREFIX}approved_plan" in task.given_on_launch,
        )
    return drafted.prepared.acceptance.unaccepted(findings)


def warn(task: BaselineContext, drafted: DraftedRun) -> list[str]:
    """Warns about earlier runs and the plan, and shows the procedure's notice. Returns the warnings about earlier runs,
    for the report.
    """
    procedure, plan = drafted.procedure, drafted.plan
    earlier = interrupted_warnings(drafted.artifacts, procedure)
    earlier += (
        _broken_chain(drafted.artifacts)
        if drafted.writes and procedure.kind.snapshot_time is not SnapshotTime.NEVER
        else []
    )
    task.warnings += [*earlier, *map(str, plan.warnings)]
    task.places |= plan.places
    if notice := procedure.notice(drafted.changes, drafted.mail, check_mode=drafted.run.check_mode):
        task.say(notice)
    return earlier


def refuse(
    prepared: Preparation, findings: Sequence[Finding], report: OrganizationReport, result: dict[str, Any]
) -> None:
    """Raises all findings as one error."""
    if findings:
        count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}, and nothing was written:"
        line = prepared.acceptance.last_line(findings)
        refusal = OptionError("\n".join([count, *(f"- {finding}" for finding in findings), *([line] if line else [])]))
        # What the plan would do is in the report: a terminal prints a failed result as one line of JSON.
        refusal.result = {key: value for key, value in result.items() if key not in ("changes", "mail")}
        raise refusal
    if report.status is OrganizationStatus.NOT_ASSESSABLE:
        # An audit that could not read anything must not look like one that found no drift.
        raise ExchangeError(
            f"Nothing could be assessed: {next(finding for control in report.controls for finding in control.findings)}"
        )


def _broken_chain(artifacts: Artifacts) -> list[str]:
    """The warning about earlier snapshots before another is taken."""
    flaw = artifacts.snapshots.chain().flaw
    return (
        [f"{flaw} The snapshot of this run follows one of them, and a rollback will ask for its name."] if flaw else []
    )
