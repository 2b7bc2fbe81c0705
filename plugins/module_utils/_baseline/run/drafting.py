# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads an organization for a run, in one round trip, and what the run would do in it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from ..._engine.plan import Plan
from ..._exchange.errors import ExchangeError
from ..._exchange.organization import MAIL_FACTS, SUBSETS, Organization, read, with_compliance
from ..._exchange.tenant import SessionDescription
from ..._mail_flow.wording.replay_row import NoResultRow
from ..controls.control import BaselineRequest
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding
from ..controls.mail import changes_mail, read_with_people, with_unseen
from ..controls.mail_control import guarantees_of
from ..documents.approval import Approval, approval_of
from ..documents.artifacts import Artifacts
from ..documents.change import PlannedChange, planned_changes
from ..documents.first_look import MOST_ORGANIZATIONS
from ..documents.plan_document import PlanDocument
from ..procedures.baseline_context import BaselineContext
from ..procedures.procedure import Procedure, ProcedureKind, Run, SnapshotTime
from .changed_elsewhere import changed_elsewhere
from .mail_replay import replay_mail
from .prepare import Preparation
from .rule_evidence import contradictions_so_far, evidence_of_rules, with_contradictions
from .rule_trials import plans_enforcing, rows_of_trials

#: What every procedure reads: neither what the session may run nor what only answers about mail need.
READ = [subset for subset in SUBSETS if subset not in ("exported_cmdlets", *MAIL_FACTS)]


def read_organization(task: BaselineContext, prepared: Preparation, *, keeps: bool) -> Organization:
    """The organization, read in one round trip. The cmdlets of the session and facts about mail are read only if there
    is a plan that needs them, and those whom rules name only with these facts.

    :param keeps: whether a run may write. Everything that can be read belongs to the capture beside its snapshot.
    """
    procedure = prepared.procedure
    if procedure.kind.snapshot_time is SnapshotTime.ALWAYS:
        return prepared.read(task.session, SUBSETS)
    facts = (
        MAIL_FACTS
        if overlooks(task, procedure.kind)
        else [subset for subset in MAIL_FACTS if subset in procedure.subsets]
    )
    first = with_compliance([subset for subset in SUBSETS if subset in READ or subset in facts])
    organization = read(task.session, first, fresh=True)
    try:
        plan = procedure.plan(organization, check_mode=True)
        if procedure.restored and not plan.steps:
            # A replica that is behind may still show what was there before the run that is rolled back.
            organization = read(task.session, organization.subsets, fresh=True)
            plan = procedure.plan(organization, check_mode=True)
        pending = bool(plan.steps)
        mail = changes_mail(plan.changes)
    except ExchangeError:
        plan = Plan()
        pending = True
        mail = True
    mail = mail or (keeps and pending and procedure.kind.snapshot_time is SnapshotTime.BEFORE_WRITING)
    more = [*(["exported_cmdlets"] if pending else []), *(MAIL_FACTS if mail else ())]
    subsets = [*organization.subsets, *more]
    return prepared.read(task.session, subsets, known=organization, plan=plan)


def overlooks(task: BaselineContext, kind: ProcedureKind) -> bool:
    """Whether the run says what the organization does today."""
    return kind.overviews and len(task.hosts) <= MOST_ORGANIZATIONS


@dataclass(frozen=True)
class DraftedRun:
    """What a run would do, before it is judged.

    :param findings: what the procedure itself refuses.
    :param mail: what the plan does to mail.
    :param document: the plan as it is approved.
    :param approval: the plan that was approved; ``None`` if none was, or none can be.
    """

    prepared: Preparation
    run: Run
    organization: Organization
    session: SessionDescription
    plan: Plan
    findings: tuple[Finding, ...]
    mail: EffectOnMail
    changes: tuple[PlannedChange, ...]
    document: PlanDocument
    approval: Approval | None

    @property
    def procedure(self) -> Procedure:
        """The procedure."""
        return self.prepared.procedure

    @property
    def artifacts(self) -> Artifacts:
        """The organization's files."""
        return self.prepared.artifacts

    @property
    def writes(self) -> bool:
        """Whether the run would write."""
        return not self.run.check_mode and (
            bool(self.changes) or self.procedure.kind.snapshot_time is SnapshotTime.ALWAYS
        )

    @property
    def snapshot_time(self) -> bool:
        """Whether the run would take a snapshot."""
        return self.procedure.kind.snapshot_time is SnapshotTime.ALWAYS or (
            self.writes and self.procedure.kind.snapshot_time is SnapshotTime.BEFORE_WRITING
        )


def draft(task: BaselineContext, prepared: Preparation) -> DraftedRun:
    """Reads the organization, and plans."""
    procedure, variables = prepared.procedure, prepared.variables
    run = Run(variables, task.hosts, task.params["expected_organization"], task.check_mode or not procedure.kind.writes)
    organization = read_organization(task, prepared, keeps=not run.check_mode)
    session = task.describe()
    drafted = procedure.draft(organization, run)
    mail = procedure.mail(organization, drafted.plan)
    findings = list(drafted.findings)
    if procedure.controls:
        findings += procedure.controls.mail_flow.refused(organization, drafted.plan, mail, drafted.findings)
    if run.check_mode:
        mail = _foreseen(task, prepared, organization, drafted.plan, mail)
        task.warnings += changed_elsewhere(prepared.artifacts, organization)
        if isinstance(mail.replay, NoResultRow):
            task.warnings.append(mail.replay.remark)
    mail = with_contradictions(mail, contradictions_so_far(task, prepared.artifacts, organization, mail.evidence))
    changes = planned_changes(organization, drafted.plan, mail)
    desired = {
        **procedure.desired(organization),
        "accept": prepared.acceptance.shown(),
        "skip": list(variables.get("skip") or ()),
    }
    document = PlanDocument.of_plan(
        procedure.kind.name,
        organization.identity_or_unknown,
        desired,
        drafted.plan,
        changes,
        mail,
        prepared.artifacts.run,
    )
    approval = approval_of(variables, prepared.artifacts) if procedure.kind.approvable else None
    return DraftedRun(
        prepared,
        run,
        organization,
        session,
        drafted.plan,
        tuple(findings),
        mail,
        tuple(changes),
        document,
        approval,
    )


def _foreseen(
    task: BaselineContext, prepared: Preparation, organization: Organization, plan: Plan, mail: EffectOnMail
) -> EffectOnMail:
    """What a plan does to mail, with what only check mode computes: the replay of mail, what Exchange reports of rules,
    the rules on trial, and suggestions.

    None of it is in the digest: mail goes on, trials get older, and what could be done as well is not approved.
    """
    controls, variables = prepared.procedure.controls, prepared.variables
    subsets = [*organization.subsets, *MAIL_FACTS]

    @functools.cache
    def known() -> Organization:
        naming = guarantees_of(BaselineRequest(variables))
        return read_with_people(task.session, organization, subsets, naming, prepared.observations, plan)

    enforcing = plans_enforcing(controls, organization) if controls else {}
    replay = replay_mail(task, variables, prepared.artifacts, known, plan, enforcing)
    mail = replace(mail, replay=replay.mail)
    if controls:
        evidence = evidence_of_rules(task, controls.mail_flow.evidence_days, prepared.artifacts, known)
        trials = rows_of_trials(task, controls, known, plan, enforcing, replay.trials, evidence)
        suggested = controls.mail_flow.suggested(organization, plan, task.to_yaml, replay.traced)
        mail = replace(mail, evidence=evidence or None, trials=tuple(trials), suggestions=tuple(suggested))
    return with_unseen(mail, organization)
