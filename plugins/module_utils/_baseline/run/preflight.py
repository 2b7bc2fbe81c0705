# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything before the first write: one read, one list of everything that is refused, the plan and the snapshot. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.digest import digest_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import Finding
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail import Mail, changes_mail, read_with_people
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.approval import Approval, approval_findings, approval_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.artifacts import Artifacts
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.change import PlannedChange, planned_changes, touched_rules
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.overview import MOST_ORGANIZATIONS
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.plan import PlanDocument
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import Connection, Digests, OrganizationReport
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot import SnapshotDocument, captured, state_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import ControlStatus, OrganizationStatus
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.baseline import observed
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.context import BaselineContext
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.functional_test import run_functional_test
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.procedure import Procedure, Run, Takes
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.refusals import (
    check_ring,
    rollback_findings,
    run_findings,
    session_findings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.restoring import count_as_rolled_back
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.prepare import Preparation, prepare
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.variable_validation import for_report
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import MAIL_FACTS, SUBSETS, UNREAD, Organization, read
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import describe_organization

#: What every procedure reads: neither what the session may run nor what only answers about mail need.
READ = [subset for subset in SUBSETS if subset not in ("exported_cmdlets", *MAIL_FACTS)]


def preflight(task: BaselineContext) -> dict[str, Any]:
    """Everything before the first write: reads the organization, plans, collects the findings, and takes the snapshot.

    :raises OptionError: with all findings.
    """
    task.artifacts(for_report(task)).notes.begin()
    prepared = prepare(task)
    check_ring(task, prepared.artifacts)
    procedure, variables, artifacts = prepared.procedure, prepared.variables, prepared.artifacts
    run = Run(variables, task.hosts, task.params["expected_organization"], task.check_mode or not procedure.writes)
    organization = _read(task, procedure, keeps=not run.check_mode)

    session = task.describe()
    transport = str(session.get("transport"))
    draft = procedure.draft(organization, run)
    plan, findings = draft.plan, draft.findings
    mail = procedure.mail(organization, plan)
    changes = planned_changes(organization, plan, mail)
    writes = not run.check_mode and (bool(changes) or procedure.takes_snapshot is Takes.ALWAYS)
    findings += run_findings(variables, task.params["awx"], writes=writes)
    findings += session_findings(session, writes=writes)
    if procedure.takes_snapshot is Takes.BEFORE_WRITING:
        findings += rollback_findings(changes)
    who = _who(organization)
    desired = {**procedure.desired(organization), "accept": prepared.acceptance.shown(), "skip": list(variables.get("skip") or ())}
    document = PlanDocument.of(procedure.kind, who, desired, plan, changes, mail, artifacts.run)
    approval = approval_of(variables, artifacts, task.hosts) if procedure.approvable else None
    if procedure.approvable:
        findings += approval_findings(approval, document, variables, artifacts, writes=writes)
    findings = prepared.acceptance.left(findings)

    interrupted = _interrupted(task, artifacts, procedure)
    broken = _broken_chain(artifacts) if writes and procedure.takes_snapshot is not Takes.NEVER else []
    task.warnings += [*interrupted, *broken, *plan.warnings]
    task.places |= plan.places
    if notice := procedure.notice(changes, mail, check_mode=run.check_mode):
        task.say(notice)
    report = replace(
        _report(task, session, organization, procedure, plan, changes, findings),
        mail=mail,
        profile=str(variables.get("profile") or "") if procedure.selects_controls else "",
        warnings=(*interrupted, *broken, *(session.get("warnings") or ()), *plan.warnings),
        accepted=tuple(prepared.acceptance.reported()),
        snapshot=procedure.restores,
        digests=Digests(plan=document.digest, state=_state_digest(organization)),
    )
    result: dict[str, Any] = {
        "changed": False,
        "organization": who,
        "pending": bool(changes),
        "writes": writes,
        "digest": document.digest,
        "plan": artifacts.plans.store(document.as_dict()) if run.check_mode and procedure.approvable else "",
        "snapshot": procedure.restores.path if procedure.restores else "",
        **_shown(procedure, changes, mail, check_mode=run.check_mode),
    }
    kept: dict[str, Any] = {"fail_on_drift": bool(variables.get("fail_on_drift")), "ring": list(task.batch)}
    if "difference" in mail:
        kept["mail_digest"] = Mail.of(organization).digest
    artifacts.notes.remember({**kept, "report": report.as_dict()})
    _refuse(prepared, findings, report, result)
    if not run.check_mode:
        kept["writes"] = writes
    if procedure.takes_snapshot is Takes.ALWAYS or (writes and procedure.takes_snapshot is Takes.BEFORE_WRITING):
        result["snapshot"], digest = _snapshot(organization, artifacts, document if changes else None, approval, transport)
        report = replace(report, digests=replace(report.digests, snapshot=digest), snapshot_file=result["snapshot"])
    if not changes and not run.check_mode:
        task.warnings += count_as_rolled_back(artifacts, procedure, organization)
        artifacts.notes.end_writing()
    failure = None
    if writes:
        once = {"digest": approval.digest, "planned_by": approval.run} if approval and not variables.get("approval_valid_until") else {}
        kept["cleared"] = {"snapshot": result["snapshot"], "approved_once": once}
    else:
        report, failure = run_functional_test(task, variables, report, timeout=0)
    artifacts.notes.remember({**kept, "report": report.as_dict()})
    if failure:
        failure.progress = result
        raise failure
    return result


def _shown(procedure: Procedure, changes: Sequence[PlannedChange], mail: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """What a result shows of a plan to people."""
    found: dict[str, Any] = {"mail": mail} if mail else {}
    if check_mode:
        found.update(changed=bool(changes) and procedure.writes, changes=[change.as_dict() for change in changes])
    summary = procedure.summary(changes)
    return {**found, "msg": summary} if summary else found


def _snapshot(organization: Organization, artifacts: Artifacts, plan: PlanDocument | None, approval: Approval | None, transport: str) -> tuple[str, str]:
    """Takes and stores the snapshot: its path, and its digest.

    :param plan: what is written after it, if anything is.
    :param approval: what was approved of it; ``None`` if nothing needs approval.
    """
    previous = artifacts.snapshots.chain().last()
    snapshot = SnapshotDocument.take(
        organization,
        plan,
        previous=previous.id if previous else "",
        run=artifacts.run,
        approved_plan=approval.digest if approval else "",
        approved_run=approval.run if approval else "",
    )
    return artifacts.snapshots.store(snapshot.as_dict(), captured(organization, transport).document()), snapshot.digest


def _read(task: BaselineContext, procedure: Procedure, *, keeps: bool) -> Organization:
    """The organization, read in one round trip. The cmdlets of the session and facts about mail are read only if there is a plan that needs them, and those
    whom rules name only with these facts.

    :param keeps: whether a snapshot may be stored. Everything that can be read belongs to the capture beside it.
    """
    if keeps and procedure.takes_snapshot is Takes.ALWAYS:
        return read_with_people(task.session, UNREAD, SUBSETS, procedure.promised)
    facts = MAIL_FACTS if _overlooks(task, procedure) else [subset for subset in MAIL_FACTS if subset in procedure.subsets]
    organization = read(task.session, [subset for subset in SUBSETS if subset in READ or subset in facts], fresh=True)
    try:
        plan = procedure.plan(organization, check_mode=True)
        pending, mail = bool(plan.steps), changes_mail(plan.changes)
    except ExchangeError:
        plan, pending, mail = Plan(), True, True
    mail = mail or (keeps and pending and procedure.takes_snapshot is Takes.BEFORE_WRITING)
    more = [*(["exported_cmdlets"] if pending else []), *(MAIL_FACTS if mail else ())]
    return read_with_people(task.session, organization, [*organization.subsets, *more], procedure.promised, plan)


def _interrupted(task: BaselineContext, artifacts: Artifacts, procedure: Procedure) -> list[str]:
    """What is to be known of a run that was cut off while it wrote, such as one that was killed."""
    found = artifacts.notes.interrupted()
    if not found:
        return []
    if "unknown" in found:
        return [
            f"Whether an earlier run was cut off while it wrote to {task.host} is unknown: {found['unknown']} "
            f"m365.message_encryption.rollback --check --diff --limit {task.host} shows what its newest snapshot would put back."
        ]
    back = "" if procedure.restores else f" The snapshot is {found['snapshot']}; m365.message_encryption.rollback --limit {task.host} restores it."
    return [f"The run {found['run']} was cut off while it wrote to {task.host}. What it wrote may be incomplete, and it was not rolled back.{back}"]


def _broken_chain(artifacts: Artifacts) -> list[str]:
    """What is to be known of earlier snapshots before another is taken."""
    flaw = artifacts.snapshots.chain().flaw
    return [f"{flaw} The snapshot of this run follows one of them, and a rollback will ask for its name."] if flaw else []


def _overlooks(task: BaselineContext, procedure: Procedure) -> bool:
    """Whether the run says what the organization does today."""
    return procedure.overviews and len(task.hosts) <= MOST_ORGANIZATIONS


def _refuse(prepared: Preparation, findings: Sequence[Finding], report: OrganizationReport, result: dict[str, Any]) -> None:
    """Raises all findings as one error."""
    if findings:
        count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}, and nothing was written:"
        line = prepared.acceptance.line(findings)
        refusal = OptionError("\n".join([count, *(f"- {finding}" for finding in findings), *([f"To allow all of them: {line}"] if line else [])]))
        # What the plan would do is in the report: a terminal prints a failed result as one line of JSON.
        refusal.progress = {key: value for key, value in result.items() if key not in ("changes", "mail")}
        raise refusal
    if report.status is OrganizationStatus.NOT_ASSESSABLE:
        # An audit that could not read anything must not look like one that found no drift.
        raise ExchangeError(f"Nothing could be assessed: {next(finding for control in report.controls for finding in control.findings)}")


def _report(
    task: BaselineContext,
    session: Mapping[str, Any],
    organization: Organization,
    procedure: Procedure,
    plan: Plan,
    changes: Sequence[PlannedChange],
    findings: Sequence[Finding],
) -> OrganizationReport:
    """What the report says before anything is written.

    :param session: what the connection says of itself.
    """
    controls = procedure.assess(organization, planned=plan)
    statuses = {control.status for control in controls}
    if findings:
        status = OrganizationStatus.REFUSED
    elif not procedure.writes and controls and not statuses & {ControlStatus.MET, ControlStatus.NOT_MET, ControlStatus.ACCEPTED}:
        status = OrganizationStatus.NOT_ASSESSABLE
    else:
        status = OrganizationStatus.DRIFT if ControlStatus.NOT_MET in statuses or changes else OrganizationStatus.MET
    who = _who(organization)
    return OrganizationReport(
        name=who["name"],
        display_name=who["display_name"],
        tenant_id=who["tenant_id"],
        connection=Connection(session.get("transport"), session.get("endpoint"), session.get("credential"), session.get("client_id")),
        controls=tuple(controls),
        observed=tuple(observed(organization)),
        overview=procedure.overview(organization, controls) if _overlooks(task, procedure) else {},
        changes=tuple(changes),
        rules=tuple(touched_rules(organization, changes)),
        findings=tuple(findings),
        not_applied=len(changes),
        host=task.host,
        status=status,
        message="",
    )


def _who(organization: Organization) -> dict[str, Any]:
    if organization.error("organization") is not None:
        return {"name": "", "display_name": "", "tenant_id": "", "guid": ""}
    return describe_organization(organization.only("organization"))


def _state_digest(organization: Organization) -> str:
    """The digest of the whole state as far as it can be read; empty if a read failed."""
    try:
        return digest_of(state_of(organization)[0])
    except ExchangeError:
        return ""
