# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run records before its first write: its report, its result, and the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..._exchange.document import digest_of
from ..._exchange.errors import ExchangeError
from ..._exchange.organization import Organization
from ..._mail_flow.input.parsing import facts_of
from ..._mail_flow.rules.rule_set import RuleSet
from ..._mail_flow.wording.encrypters import EncrypterRow, encrypter_rows
from ..._mail_flow.wording.evidence_row import measured_encryption
from ..._mail_flow.wording.overview import CellRow
from ..controls.controls import CONTROL
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding
from ..controls.mail import Mail, with_newly_contradicted, with_unseen
from ..controls.mail_control import EXPERIMENT, EXPERIMENT_CONTROL, MailControl
from ..documents.change import PlannedChange, touched_rules
from ..documents.first_look import MOST_ORGANIZATIONS, overview_of, reach_of
from ..documents.report import ConnectionSummary, ControlReport, Digests, OrganizationReport
from ..documents.snapshot import SnapshotDocument, captured, state_of
from ..documents.stage_notes import ApprovalUse, Clearance, StageNotes, keep_notes
from ..documents.status import ControlStatus, OrganizationStatus
from ..documents.terminal_lines import drift_sentence
from ..procedures.baseline import observed
from ..procedures.baseline_context import BaselineContext
from ..procedures.functional_test import CONTROL as TESTED
from ..procedures.functional_test import run_functional_test, with_untested
from ..procedures.mail_experiment import after_audit, after_changes
from ..procedures.procedure import ProcedureKind, SnapshotTime
from ..procedures.restoring import count_as_rolled_back
from ..procedures.unrestorable import parts_not_in
from .drafting import DraftedRun, overlooks
from .interrupted import end_interrupted
from .mail_replay import without_domains
from .observation_sources import observation_sources
from .rule_evidence import with_contradictions, with_evidence


class Record:
    """What a run records of its plan.

    :param findings: what is refused.
    :param warnings: those about earlier runs.
    """

    def __init__(
        self, task: BaselineContext, drafted: DraftedRun, findings: Sequence[Finding], warnings: Sequence[str]
    ) -> None:
        self._task, self._drafted = task, drafted
        procedure, variables = drafted.procedure, drafted.prepared.variables
        restored = procedure.restored.snapshot if procedure.restored else None
        self.report = replace(
            _report(task, drafted, findings),
            mail=_shown_mail(task, drafted),
            profile=str(variables.get("profile") or "") if procedure.controls else "",
            warnings=(*warnings, *drafted.session.warnings, *map(str, drafted.plan.warnings)),
            accepted=tuple(drafted.prepared.acceptance.reported()),
            snapshot=restored,
            digests=Digests(plan=drafted.document.digest, state=_state_digest(drafted.organization)),
        )
        self.result: dict[str, Any] = {
            "changed": False,
            "organization": drafted.organization.identity_or_unknown.as_row(),
            "pending": bool(drafted.changes),
            "writes": drafted.writes,
            "digest": drafted.document.digest,
            "plan": drafted.artifacts.plans.store(drafted.document.as_dict())
            if drafted.run.check_mode and procedure.kind.approvable
            else "",
            "snapshot": restored.path if restored else "",
            **_shown(procedure.kind, drafted.changes, drafted.mail, check_mode=drafted.run.check_mode),
        }
        changes_mail = drafted.mail.difference is not None
        self._notes = StageNotes(
            fail_on_drift=bool(variables.get("fail_on_drift")),
            ring=tuple(task.batch),
            mail_digest=Mail.of_organization(drafted.organization).digest if changes_mail else "",
        )
        self._keep_notes()

    def _keep_notes(self) -> None:
        """Stores what is known so far for later tasks."""
        keep_notes(self._drafted.artifacts, replace(self._notes, report=self.report))

    def finish(self) -> dict[str, Any]:
        """The result if nothing is refused: takes the snapshot and lets later tasks write or, if there is nothing to
        write, tests what exists.
        """
        drafted = self._drafted
        managed = drafted.procedure.controls
        if not drafted.run.check_mode:
            self._notes = replace(self._notes, writes=drafted.writes)
        if drafted.snapshot_time:
            self._take_snapshot()
        if not drafted.changes and not drafted.run.check_mode:
            differences = count_as_rolled_back(
                drafted.artifacts, drafted.procedure, self._task.session, drafted.organization
            )
            if differences:
                self._task.warnings += differences
                self.report = replace(self.report.with_warnings(self._task.warnings), status=OrganizationStatus.DRIFT)
            end_interrupted(drafted.artifacts, drafted.procedure)
        failure = None
        if drafted.writes:
            cleared = Clearance(self.result["snapshot"], self._approved_once())
            self._notes = replace(self._notes, cleared=cleared)
        else:
            self.report, failure = run_functional_test(self._task, drafted.prepared.variables, self.report, timeout=0)
            if not drafted.run.check_mode:
                self.report = after_changes(
                    self._task, drafted.prepared.variables, drafted.artifacts, self.report, rules=[]
                )
            if not drafted.procedure.kind.writes:
                self.report = after_audit(
                    self._task,
                    drafted.prepared.variables,
                    drafted.artifacts,
                    self.report,
                    managed.mail_flow.declared_rules(drafted.organization) if managed else [],
                )
                self._judge_again()
                self.report = with_untested(self.report.with_unassessed())
        self._keep_notes()
        if failure:
            failure.result = self.result
            raise failure
        return self.result

    def _judge_again(self) -> None:
        """Judges guarantees again if a test message of this run contradicts what they rest on."""
        drafted = self._drafted
        managed, prepared = drafted.procedure.controls, drafted.prepared
        if managed is None or self._task.check_mode or not prepared.variables.get(EXPERIMENT):
            return
        sources = observation_sources(self._task, prepared.variables, prepared.artifacts)
        organization = with_newly_contradicted(drafted.organization, sources)
        if organization is drafted.organization:
            return
        judged = managed.mail_flow.effect(organization, drafted.plan)
        controls = {row.id: row for row in managed.assess(organization, planned=drafted.plan)}
        self.report = replace(
            self.report,
            mail=_judged(self.report.mail, judged),
            controls=tuple(
                controls[row.id] if isinstance(CONTROL[row.id], MailControl) else row for row in self.report.controls
            ),
        )
        mail = _judged(drafted.mail, judged)
        self.result |= _shown(drafted.procedure.kind, drafted.changes, mail, check_mode=drafted.run.check_mode)

    def _approved_once(self) -> ApprovalUse | None:
        """The approval that this run uses up; ``None`` if there is none, or if it counts for several runs."""
        approval = self._drafted.approval
        if approval is None or self._drafted.prepared.variables.get("approval_valid_until"):
            return None
        return ApprovalUse(approval.digest, approval.run)

    def _take_snapshot(self) -> None:
        drafted, approval = self._drafted, self._drafted.approval
        previous = drafted.artifacts.snapshots.chain().last()
        snapshot = SnapshotDocument.take(
            drafted.organization,
            drafted.document if drafted.changes else None,
            previous=previous.id if previous else "",
            run=drafted.artifacts.run,
            approved_plan=approval.digest if approval else "",
            approved_run=approval.run if approval else "",
        )
        capture = captured(drafted.organization, drafted.session.transport).document()
        self.result["snapshot"] = drafted.artifacts.snapshots.store(snapshot.as_dict(), capture)
        if drafted.procedure.kind.snapshot_time is SnapshotTime.ALWAYS:
            lacking = [str(warning) for warning in parts_not_in(snapshot)]
            self._task.warnings += lacking
            self.report = self.report.with_warnings(lacking)
        self.report = replace(
            self.report,
            digests=replace(self.report.digests, snapshot=snapshot.digest),
            snapshot_file=self.result["snapshot"],
        )


def _shown(
    kind: ProcedureKind, changes: Sequence[PlannedChange], mail: EffectOnMail, *, check_mode: bool
) -> dict[str, Any]:
    """The part of a plan that a result shows to people."""
    shown: dict[str, Any] = {"mail": without_domains(mail)} if mail else {}
    if check_mode:
        shown.update(changed=bool(changes) and kind.writes, changes=[change.as_row() for change in changes])
    if not kind.writes:
        shown["msg"] = drift_sentence(changes)
    return shown


def _judged(mail: EffectOnMail, judged: EffectOnMail) -> EffectOnMail:
    """An effect on mail with other verdicts. What Exchange's reports contradict stays beside them."""
    contradicted = {row.name: row.contradicted for row in mail.guarantees}
    guarantees = tuple(row.with_contradicted(contradicted.get(row.name, ())) for row in judged.guarantees)
    return with_contradictions(replace(mail, guarantees=guarantees, observed=judged.observed), [])


def _shown_mail(task: BaselineContext, drafted: DraftedRun) -> EffectOnMail:
    """The effect on mail as the report has it: also which mail would be protected then, and what encrypts which mail today."""
    mail = replace(drafted.mail, reach=tuple(_reach(task, drafted)), encrypters=tuple(_encrypters(drafted)))
    return with_unseen(mail, drafted.organization)


def _reach(task: BaselineContext, drafted: DraftedRun) -> list[CellRow]:
    """Which mail to people outside would be protected after a plan that changes mail, unless the run has too many organizations."""
    few = drafted.mail.difference and len(task.hosts) <= MOST_ORGANIZATIONS
    return reach_of(drafted.organization, drafted.plan) if few else []


def _encrypters(drafted: DraftedRun) -> list[EncrypterRow]:
    """What encrypts which mail today, with what Exchange counts; empty if the rules cannot be read, which is said elsewhere."""
    if drafted.procedure.controls is None:
        return []
    try:
        mail = Mail.of_organization(drafted.organization)
    except ExchangeError:
        return []
    counted = measured_encryption(drafted.mail.evidence, drafted.mail.replay)
    return encrypter_rows(RuleSet(mail.rules), facts_of(mail.facts), counted, read=mail.facts.keys())


def _report(task: BaselineContext, drafted: DraftedRun, findings: Sequence[Finding]) -> OrganizationReport:
    """The report before anything is written."""
    procedure, organization, changes, session = (
        drafted.procedure,
        drafted.organization,
        drafted.changes,
        drafted.session,
    )
    managed = procedure.controls
    assessed = managed.assess(organization, planned=drafted.plan) if managed else []
    controls = with_evidence(assessed, drafted.mail.evidence)
    statuses = {control.status for control in controls}
    if findings:
        status = OrganizationStatus.REFUSED
    elif not procedure.kind.writes and controls and not any(map(_is_assessed, controls)):
        status = OrganizationStatus.NOT_ASSESSABLE
    else:
        status = OrganizationStatus.DRIFT if ControlStatus.NOT_MET in statuses or changes else OrganizationStatus.MET
    identity = organization.identity_or_unknown
    return OrganizationReport(
        name=identity.name,
        display_name=identity.display_name,
        tenant_id=identity.tenant_id,
        connection=ConnectionSummary(session.transport, session.endpoint, session.credential, session.client_id),
        controls=tuple(controls),
        observed=tuple(observed(organization)),
        overview=overview_of(organization, controls) if overlooks(task, procedure.kind) else None,
        changes=tuple(changes),
        rules=tuple(touched_rules(organization, changes)),
        findings=tuple(findings),
        not_applied=len(changes),
        host=task.host,
        status=status,
        message="",
    )


def _is_assessed(control: ControlReport) -> bool:
    """Whether what a control is, is known, or will be by the functional test or by test messages."""
    later = control.id in (TESTED, EXPERIMENT_CONTROL) and control.status is ControlStatus.NOT_ASSESSABLE
    return later or control.status in (
        ControlStatus.MET,
        ControlStatus.NOT_MET,
        ControlStatus.ACCEPTED,
        ControlStatus.NOT_APPLICABLE,
    )


def _state_digest(organization: Organization) -> str:
    """The digest of the whole state as far as it can be read; empty if a read failed."""
    try:
        return digest_of(state_of(organization)[0])
    except ExchangeError:
        return ""
