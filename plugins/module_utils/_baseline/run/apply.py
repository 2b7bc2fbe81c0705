# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a plan: runs the engine with the procedure's planner, if what is left to do was planned, and records the
outcome, with controls and mail as read since, not as planned.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._engine.converge import Converged, converge, converge_organization
from ..._engine.plan import Change, Plan
from ..._engine.progress import not_stored
from ..._exchange.cmdlet import Session
from ..._exchange.errors import ExchangeError, OptionError, ProtocolError
from ..._exchange.organization import MAIL_FACTS, UNREAD, Organization
from ..._exchange.tenant import OrganizationIdentity, why_not_from
from ..._mail_flow.input.rule_sources import FACT_SUBSETS, RULE_SUBSETS
from ..._resources.rules.organization_rules import RULE
from ..controls.controls import CONTROL
from ..controls.effect_on_mail import NO_EFFECT, EffectOnMail
from ..controls.mail import Mail, observed_in, with_newly_contradicted
from ..controls.mail_control import EXPERIMENT, MailControl
from ..documents.applied import Key, unknown_of
from ..documents.approval import used
from ..documents.approved_mail import moved_mail
from ..documents.change import planned_changes, still_due, unplanned
from ..documents.report import OrganizationReport
from ..documents.stage_notes import Clearance, StageNotes, keep_notes, notes_of
from ..documents.status import ChangeState, ControlStatus, OrganizationStatus
from ..documents.terminal_lines import change_texts
from ..procedures.baseline import observed
from ..procedures.baseline_context import BaselineContext
from ..procedures.functional_test import CONTROL as TESTED
from ..procedures.functional_test import run_functional_test
from ..procedures.mail_experiment import after_changes
from ..procedures.managed_controls import ManagedControls
from ..procedures.others_changes import findings_of_others
from ..procedures.procedure import Procedure, RunStage, SnapshotTime
from ..procedures.refusals import expired_approval
from ..procedures.restoring import count_as_rolled_back, record_applied, rollback_of
from .interrupted import end_interrupted
from .observation_sources import observation_sources
from .prepare import Preparation, prepare
from .rule_evidence import with_contradictions
from .variable_validation import for_report


def apply(task: BaselineContext) -> dict[str, Any]:
    """Applies the plan: runs the engine with the procedure's planner, provided that what is left to do was planned.

    :raises ExchangeError: its ``result`` tells what was written and what was not.
    """
    notes = notes_of(task.artifacts(for_report(task)))
    report = notes.report
    if report is None:
        raise ExchangeError(
            "This run has no plan, so nothing was written.",
            remedy="Run m365.message_encryption.baseline_plan first, in the same playbook run.",
        )
    writes = not task.check_mode if notes.writes is None else notes.writes
    if not writes:
        return {"changed": False, "msg": "There is nothing to write."}
    snapshot = str(task.params.get("snapshot") or (notes.cleared.snapshot if notes.cleared else ""))
    prepared = prepare(task, snapshot)
    if task.check_mode:
        guard, planner = _guarded(task, prepared, report, notes)
        return converge(task, guard.subsets, planner, fresh=True)
    recorded = _cleared(prepared, notes).snapshot
    earlier = _settle(task, prepared)
    _begin(prepared, report, snapshot, recorded)
    done, mail = _write(task, prepared, report, notes, snapshot)
    result = done.as_row()
    report = _note_stored(task, prepared, replace(report, mail=mail), result, snapshot)
    report, failure = _verify(task, prepared, report, result, done.organization, snapshot)
    _keep(task, prepared, report.with_warnings(task.warnings), result)
    _end(prepared, time.time() if done.steps else earlier, failed=failure is not None)
    if failure:
        raise failure
    return _followed_up(task, prepared, report, result, done.organization)


def _write(
    task: BaselineContext,
    prepared: Preparation,
    report: OrganizationReport,
    notes: StageNotes,
    snapshot: str,
) -> tuple[Converged, EffectOnMail]:
    """Runs the engine with the procedure's planner until nothing is left to do. Returns what it did, and what that does
    to mail. The procedure of the preparation is then the one that began to write.

    :raises ExchangeError: the report has the failure, and what became of each change.
    """
    guard, planner = _guarded(task, prepared, report, notes)
    try:
        done = converge_organization(task, guard.subsets, planner, fresh=True)
        if not done.changes:  # One read may be behind: what it shows as done already is read again.
            guard, planner = _guarded(task, prepared, report, notes)
            done = converge_organization(task, guard.subsets, planner, fresh=True)
            task.warnings[:] = dict.fromkeys(task.warnings)
    except ExchangeError as error:
        prepared.procedure = planner.procedure
        report = _failed(task, prepared, error, report, snapshot)
        result = _failed_result(report, error.result)
        _keep(task, prepared, report, result)
        error.result = result
        prepared.artifacts.notes.end_writing()
        if prepared.procedure.stage is RunStage.FIRST:
            _keep_settling(prepared, time.time())
        raise
    prepared.procedure = planner.procedure
    return done, guard.mail


def _note_stored(
    task: BaselineContext, prepared: Preparation, report: OrganizationReport, result: dict[str, Any], snapshot: str
) -> OrganizationReport:
    """The report with what the run has stored, which is recorded for a rollback."""
    report = _written(report, _keys(result["changes"]), prepared.procedure, task.warnings)
    stored = {change.key for change in report.changes if change.state is ChangeState.STORED}
    task.warnings += _record(prepared, report, snapshot, stored)
    if not stored and prepared.procedure.stage is not RunStage.FIRST:
        _count_unwritten(task, prepared, snapshot)
    _keep(task, prepared, report, result)
    return report


def _verify(
    task: BaselineContext,
    prepared: Preparation,
    report: OrganizationReport,
    result: Mapping[str, Any],
    shown: Organization | None,
    snapshot: str,
) -> tuple[OrganizationReport, ExchangeError | None]:
    """The report with the controls as they are after the writes, and the failure if what was written is not stored, mail
    is not treated as declared, or the functional test fails.

    :param result: the task's, of which the failure carries what was done.
    :param shown: the organization as the engine has read it after the last write.
    """
    report, unmet = _reassess(task, prepared, report, shown)
    timeout = float(prepared.variables.get("test_timeout") or 0)
    report, untested = run_functional_test(task, prepared.variables, report, timeout=timeout)
    failure = untested or unmet
    if failure:
        failure.result = _failed_result(report, result)
        report = _failed(task, prepared, failure, report, snapshot)
    return report, failure


def _followed_up(
    task: BaselineContext,
    prepared: Preparation,
    report: OrganizationReport,
    result: dict[str, Any],
    shown: Organization | None,
) -> dict[str, Any]:
    """The result, after test messages about the rules that the run has stored.

    :param shown: the organization as verification has read it.
    """
    report = after_changes(task, prepared.variables, prepared.artifacts, report, _rules_written(report))
    report = _judged_again(task, prepared, report, shown)
    _keep(task, prepared, report.with_warnings(task.warnings), result)
    return result


def _judged_again(
    task: BaselineContext, prepared: Preparation, report: OrganizationReport, shown: Organization | None
) -> OrganizationReport:
    """The report, whose guarantees are judged again if a test message of this run contradicts what they rest on. Test messages never
    fail a run that has stored what it should.

    :param shown: the organization as verification has read it.
    """
    controls = prepared.procedure.controls
    if controls is None or not prepared.variables.get(EXPERIMENT):
        return report
    try:
        organization = _organization_after(task, prepared, shown)
        sources = observation_sources(task, prepared.variables, prepared.artifacts)
        contradicted = with_newly_contradicted(organization, sources)
        if contradicted is organization:
            return report
        mail = reassessed(prepared.procedure, report, contradicted).mail
        assessed = {row.id: row for row in controls.assess(contradicted)}
        rows = (assessed[row.id] if isinstance(CONTROL[row.id], MailControl) else row for row in report.controls)
        return replace(report, mail=with_contradictions(mail, []), controls=tuple(rows))
    except ExchangeError as error:
        task.warnings.append(f"Guarantees were not judged again with what test messages showed: {error}")
        return report


def _rules_written(report: OrganizationReport) -> list[str]:
    """The names of the rules that are there and that the run stored something of."""
    stored = [change for change in report.changes if change.resource == RULE and change.state is ChangeState.STORED]
    gone = {change.identity for change in stored if (change.option, change.after) == ("state", "absent")}
    return [name for name in dict.fromkeys(change.identity for change in stored) if name not in gone]


def _guarded(
    task: BaselineContext, prepared: Preparation, report: OrganizationReport, notes: StageNotes
) -> tuple[_Guard, _Planner]:
    """The check before the first write, and the planner that asks it."""
    guard = _Guard(task.session, prepared, report, notes)
    return guard, _Planner(prepared.procedure, guard.check)


def _begin(prepared: Preparation, report: OrganizationReport, snapshot: str, recorded: str) -> None:
    """Records that the run begins to write.

    :param recorded: the snapshot that this names.
    """
    prepared.artifacts.notes.begin_writing(recorded, {change.control for change in report.changes} - {""})
    if prepared.procedure.stage is RunStage.FIRST:
        prepared.artifacts.notes.begin_settling(None)
    if prepared.procedure.kind.snapshot_time is SnapshotTime.BEFORE_WRITING:
        prepared.artifacts.snapshots.keep_applied(snapshot, None)


def _written(
    report: OrganizationReport, made: Collection[Key], procedure: Procedure, warnings: Sequence[str]
) -> OrganizationReport:
    """The report once nothing is left to do: what this run did not write was already so, unless another stage follows.

    :param made: what this stage wrote.
    """
    unmade = ChangeState.PLANNED if procedure.stage is RunStage.FIRST else ChangeState.ALREADY_SO
    changes = [
        change
        if change.state is ChangeState.STORED
        else replace(change, state=ChangeState.STORED if change.key in made else unmade)
        for change in report.changes
    ]
    wrote = any(change.state is ChangeState.STORED for change in changes)
    unwritten = report.status if procedure.stage is RunStage.FIRST else OrganizationStatus.MET
    return report.with_outcome(OrganizationStatus.CHANGED if wrote else unwritten, changes, warnings)


def _count_unwritten(task: BaselineContext, prepared: Preparation, snapshot: str) -> None:
    """Counts the snapshot of a run that has written nothing as rolled back: the next rollback must restore the state
    before the previous run. Fresh reads must confirm it.
    """
    if snapshot and prepared.procedure.kind.snapshot_time is SnapshotTime.BEFORE_WRITING:
        with contextlib.suppress(ExchangeError):
            rollback = rollback_of(prepared.artifacts, snapshot, prepared.variables, scope="changed")
            count_as_rolled_back(prepared.artifacts, rollback, task.session)


def _reassess(
    task: BaselineContext, prepared: Preparation, report: OrganizationReport, shown: Organization | None
) -> tuple[OrganizationReport, ExchangeError | None]:
    """The report with the controls as they are after the writes, and the failure if what was written is not stored, or
    mail is not treated as declared.

    :param shown: the organization as verification has read it; ``None`` if ``verify_timeout`` leaves that to this read.
    """
    procedure = prepared.procedure
    if shown and not procedure.restored and not report.controls:
        return report, None
    try:
        organization = _organization_after(task, prepared, shown)
        if shown is None and (hidden := _hidden(procedure, organization, report)):
            unseen = _with_unseen(report, {change.key for change in hidden})
            return reassessed(procedure, unseen, organization), not_stored((), hidden, timeout=0)
        differences = count_as_rolled_back(prepared.artifacts, procedure, task.session, organization)
        task.warnings += differences
        if differences and report.status is OrganizationStatus.MET:
            report = replace(report, status=OrganizationStatus.DRIFT)
        refuted = [row.name for row in report.mail.guarantees if row.is_refuted]
        report = reassessed(procedure, report, organization)
        return report, _mail_failure(
            procedure.controls.mail_flow.misses(organization, refuted) if procedure.controls else []
        )
    except ExchangeError as error:
        if shown is None:
            unknown = f"Exchange accepted the changes, but whether it stores them is unknown: {error}"
            unread = _with_unseen(report, {change.key for change in report.changes})
            return unassessed(unread, error), ExchangeError(unknown, remedy="Run the playbook again.")
        # Everything is stored, so the task succeeds. A later failure belongs in the report.
        task.warnings.append(f"Everything is stored, but a later step failed: {error}")
        return unassessed(report, error), None


def _hidden(procedure: Procedure, organization: Organization, report: OrganizationReport) -> list[Change]:
    """The changes that count as stored but that the organization does not show."""
    stored = {change.key for change in report.changes if change.state is ChangeState.STORED}
    steps = [step for step in procedure.plan(organization).steps if step.is_visible]
    return [change for step in steps for change in step.changes if change.key in stored]


def _with_unseen(report: OrganizationReport, unseen: Collection[Key]) -> OrganizationReport:
    """The report with changes that Exchange accepted and that no read shows: they may be stored."""
    changes = [
        replace(change, state=ChangeState.UNKNOWN)
        if change.key in unseen and change.state is ChangeState.STORED
        else change
        for change in report.changes
    ]
    return report.with_outcome(report.status, changes, ())


def _failed_result(report: OrganizationReport, result: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a failed run: what its report calls unknown is unknown there, too."""
    unseen = {change.key: change.command for change in report.changes if change.state is ChangeState.UNKNOWN}
    unknown = dict.fromkeys((*result.get("outcome_unknown", ()), *unseen.values()))
    changes = [row for row in result.get("changes", ()) if not unseen.keys() & _keys([row])]
    return {**result, "changes": changes, "outcome_unknown": list(unknown)}


def _mail_failure(missed: Sequence[str]) -> ExchangeError | None:
    """The failure if everything is stored, but mail is not treated as declared; ``None`` if nothing is missed.

    Unknown verdicts are no failure. A guarantee that the plan leaves refuted was accepted, or was refuted before and is
    a finding.
    """
    if not missed:
        return None
    return ExchangeError(
        f"Everything is stored, but mail is not treated as declared: {' '.join(missed).rstrip('.')}.",
        remedy="Correct the rules, or what hardened_baseline_messages and hardened_baseline_guarantees expect. hardened_baseline_skip accepts it for a time.",
    )


def note_published(task: BaselineContext) -> dict[str, Any]:
    """Records that the snapshots of the ring are stored elsewhere, so that its organizations may be written to."""
    task.artifacts(for_report(task)).notes.mark("published", task.batch)
    return {"changed": False, "msg": "The snapshots of the ring are published."}


def _cleared(prepared: Preparation, notes: StageNotes) -> Clearance:
    """What allows to write. Raises OptionError if the preflight has not cleared it, the snapshots are not published
    although they should be, or another run has used the approval.
    """
    cleared = notes.cleared
    if cleared is None:
        raise OptionError(
            "The plan of this run was refused, or was only a check, so nothing was written.",
            remedy="See the result of the previous task. Do not skip its failure, for example with ignore_errors.",
        )
    if prepared.variables.get("artifacts_publish") and not prepared.artifacts.notes.marked(
        "published", [prepared.artifacts.host]
    ):
        raise OptionError(
            "The snapshots of the ring were not published, so nothing was written.",
            remedy="See what failed in the task file that hardened_baseline_artifacts_publish names.",
        )
    approval = cleared.approved_once
    if approval:
        findings = used(approval.digest, approval.planned_by, prepared.artifacts, own=cleared.snapshot)
        if findings:
            raise OptionError(f"Nothing was written: {findings[0]}")
    return cleared


def _settle(task: BaselineContext, prepared: Preparation) -> float:
    """Waits until what an earlier stage of the procedure has written takes effect, in this run or in one that was cut
    off. Returns since when that has been stored; 0 if there is nothing to wait for.
    """
    since = prepared.artifacts.notes.settling(time.time())
    minutes = prepared.variables.get("settle_minutes", 0)
    seconds = since + 60 * minutes - time.time()
    if since and seconds > 0 and prepared.procedure.stage is RunStage.LAST:
        task.say(
            f"Waiting {math.ceil(seconds / 60)} minutes, until Exchange no longer applies the rules that are gone."
        )
        time.sleep(seconds)
    return since


def _end(prepared: Preparation, settles: float, *, failed: bool) -> None:
    """Ends the records of this run, and of the interrupted ones that it has completed.

    :param settles: since when a later stage has to wait; 0 if there is nothing to wait for.
    """
    notes = prepared.artifacts.notes
    if prepared.procedure.stage is RunStage.FIRST:
        _keep_settling(prepared, settles)
    elif prepared.procedure.stage is RunStage.LAST and not failed:
        notes.end_settling()
    if prepared.procedure.stage is RunStage.FIRST or (prepared.variables.get("ring_rollback") and not failed):
        return  # It ends with the last stage, or when the ring is judged.
    notes.end_writing()
    if not failed:
        end_interrupted(prepared.artifacts, prepared.procedure)


def _keep_settling(prepared: Preparation, since: float) -> None:
    """Records since when a later stage has to wait. If that cannot be written, a later run waits the whole time."""
    with contextlib.suppress(OptionError):
        if since:
            prepared.artifacts.notes.begin_settling(since)
        else:
            prepared.artifacts.notes.end_settling()


def _keep(task: BaselineContext, prepared: Preparation, report: OrganizationReport, result: dict[str, Any]) -> None:
    """Stores the outcome for the report. If no file can be written, it is stored in the task's own result, which never
    depends on a disk.
    """
    try:
        notes = notes_of(prepared.artifacts)
        stored_at = time.time() if result.get("changed") else notes.stored_at
        keep_notes(prepared.artifacts, replace(notes, stored_at=stored_at, report=report, ended=True))
        result.pop("unkept_report", None)
    except OptionError as error:
        task.warnings.append(f"{error} The task's result and the report still show what was done in the organization.")
        result["unkept_report"] = report.as_row()


def _organization_after(task: BaselineContext, prepared: Preparation, shown: Organization | None) -> Organization:
    """The organization after the writes.

    :param shown: as verification has read it. It is read again if nothing was verified, or to decide whether a rollback
        is complete.
    """
    procedure = prepared.procedure
    known = shown if shown and not procedure.restored else UNREAD
    return prepared.read(task.session, procedure.subsets, known=known)


class _Guard:
    """The check before the first write: the organization must be that of the plan, the approval still counts, and a
    fresh read must not make the plan do more to settings or mail than it was shown to do.

    :param report: with the planned changes, and what they do to mail.
    :param notes: what the preflight has kept.
    """

    def __init__(self, session: Session, prepared: Preparation, report: OrganizationReport, notes: StageNotes) -> None:
        self._session = session
        self._prepared = prepared
        self._organization = OrganizationIdentity(name=report.name, tenant_id=report.tenant_id or "")
        self._planned = report.changes
        self._mail_digest = notes.mail_digest
        # What an earlier stage has written changes mail as planned.
        self._compares_mail = report.mail.difference is not None and not notes.stored_at
        stored, not_stored = (
            [change for change in report.changes if change.state is state]
            for state in (ChangeState.STORED, ChangeState.PLANNED)
        )
        #: What a refusal says of an earlier stage.
        self._so_far = (
            f"Stored so far: {'; '.join(change_texts(stored))}. Left: {'; '.join(change_texts(not_stored))}. "
            if stored
            else ""
        )
        self._more = " more" if stored else ""
        #: What the plan does to mail, as of the last check.
        self.mail = report.mail
        planned_from = [subset for subset in prepared.procedure.subsets if subset not in MAIL_FACTS]
        #: What to read: no plan depends on facts about mail, but what it does to mail does.
        self.subsets = list(
            dict.fromkeys([*planned_from, *((*RULE_SUBSETS, *FACT_SUBSETS) if self._compares_mail else ())])
        )

    def check(self, organization: Organization, plan: Plan) -> None:
        """Raises ExchangeError if the plan does more than it was shown to do, or may no longer be run."""
        self._check_organization(organization)
        for finding in expired_approval(self._prepared.variables):
            raise OptionError(f"{self._so_far}Nothing{self._more} was written: {finding}")
        organization = self._prepared.read(self._session, self.subsets, known=organization, plan=plan)
        mail = self._mail_of(organization, plan)
        effects = ("impact", "rollback") if self._compares_mail else ("rollback",)
        needed = planned_changes(organization, plan, mail)
        new = unplanned(self._planned, needed, effects=effects, plan="the plan")
        new += moved_mail(self.mail, mail, still_due(self._planned, needed))
        if new:
            raise ExchangeError(
                f"{self._so_far}The organization was changed after the plan was made, so nothing{self._more} was written: {'; '.join(new)}.",
                remedy="Run the playbook again.",
            )
        self.mail = mail

    def _check_organization(self, organization: Organization) -> None:
        """Raises ExchangeError if it is not the one that the plan was made for. A plan may be accepted for one that
        cannot be identified.
        """
        if self._organization == OrganizationIdentity():
            return
        other = why_not_from(organization.identity, self._organization)
        if other:
            raise ExchangeError(
                f"{self._so_far}The plan is for another organization, so nothing{self._more} was written: {other}.",
                remedy="The connection of the host changed during the run. Correct it, and run the playbook again.",
            )

    def _mail_of(self, organization: Organization, plan: Plan) -> EffectOnMail:
        """What the plan does to mail now: what was shown, unless rules or facts have changed since."""
        if not self._compares_mail or Mail.of_organization(organization).digest == self._mail_digest:
            return self.mail
        return self._prepared.procedure.mail(organization, plan)


class _Planner:
    """Plans what a procedure has left to do. It checks the first plan before anything is written; later plans are what
    is left of it.

    :param procedure: starts from what the first plan saw.
    :param check: raises ExchangeError if that plan may not be run.
    """

    def __init__(self, procedure: Procedure, check: Callable[[Organization, Plan], None]) -> None:
        self.procedure = procedure
        self._check = check
        self._begun = False

    def __call__(self, organization: Organization) -> Plan:
        plan = self.procedure.plan(organization)
        if not self._begun:
            self._check(organization, plan)
            self.procedure, self._begun = self.procedure.begun(organization), True
        return plan


def _failed(
    task: BaselineContext, prepared: Preparation, error: ExchangeError, report: OrganizationReport, snapshot: str
) -> OrganizationReport:
    """The report after a failure. Rolls the changes back if the variables ask for it; the error says whether that
    worked.

    :param snapshot: the path of the one that was taken before, or that was to be restored.
    """
    made = _keys(error.result.get("changes", ()))
    doubtful = _unknown_after(report, error)
    written = {change.key for change in report.changes if change.key in made or change.state is ChangeState.STORED}
    task.warnings += _record(prepared, report, snapshot, written, doubtful)
    stored, unknown = _roll_back_if_wanted(task, prepared, error, snapshot, made, written, doubtful)
    states = dict.fromkeys(unknown, ChangeState.UNKNOWN) | dict.fromkeys(stored, ChangeState.STORED)
    changes = [replace(change, state=states.get(change.key, ChangeState.NOT_APPLIED)) for change in report.changes]
    if (stored or unknown) and report.mail.difference:
        task.warnings.append(
            "The effect of the stored changes on mail was not computed. A rollback in check mode shows the effect of taking them back."
        )
    report = report.with_outcome(OrganizationStatus.FAILED, changes, task.warnings)
    report = after_failure(task.session, prepared, report)
    unseen = {change.key for change in report.changes if change.state is ChangeState.UNKNOWN}
    if unseen - doubtful:
        # If this cannot be recorded, the first record stands: a rollback takes back as much.
        _record(prepared, report, snapshot, written - unseen, doubtful | unseen)
    return replace(report, message=str(error))


def _roll_back_if_wanted(
    task: BaselineContext,
    prepared: Preparation,
    error: ExchangeError,
    snapshot: str,
    made: Collection[Key],
    stored: set[Key],
    unknown: set[Key],
) -> tuple[set[Key], set[Key]]:
    """Rolls back the changes of a failed run if the variables ask for it. If it wrote nothing, its snapshot counts as rolled
    back. The error says what became of the rollback.

    :param made: the changes that the engine made.
    :param stored: these, and those of an earlier stage of the run; :param:`unknown`: those that may be stored.
    :returns: the changes that are stored afterwards, and those that may be.
    """
    if not snapshot:
        return stored, unknown
    before_writing = prepared.procedure.kind.snapshot_time is SnapshotTime.BEFORE_WRITING
    try:
        if before_writing and not stored and not unknown:
            _count_unwritten(task, prepared, snapshot)
            return stored, unknown
        if not (prepared.variables.get("rollback_on_failure") or prepared.variables.get("ring_rollback")):
            return stored, unknown
        unconfirmed = roll_back(task, prepared, snapshot, made, bool(unknown))
    except ExchangeError as second:
        done = "; ".join(second.result.get("commands", ()))
        error.message = f"{error.message} The rollback failed, too: {second} {f'It had run: {done}. ' if done else ''}The snapshot is {snapshot}."
        return stored, unknown
    if unconfirmed:
        error.message = f"{error.message} The changes of this run were taken back, but {' '.join(unconfirmed)}"
        return set(), stored | unknown
    error.message = f"{error.message} The changes of this run were rolled back."
    return set(), set()


def _record(
    prepared: Preparation,
    report: OrganizationReport,
    snapshot: str,
    stored: Collection[Key],
    unknown: Collection[Key] = (),
) -> list[str]:
    """Records what the run stored, and may have stored, for a rollback, unless it is one. Returns warnings if that is
    not possible.
    """
    if not snapshot or prepared.procedure.kind.snapshot_time is not SnapshotTime.BEFORE_WRITING:
        return []
    return record_applied(prepared.artifacts, snapshot, report.digests.snapshot, stored, unknown)


def _unknown_after(report: OrganizationReport, error: ExchangeError) -> set[Key]:
    """The changes that may be stored after a failure. After a defect, what became of any is unknown."""
    unknown_keys = error.result.get("outcome_unknown", ())
    unknown = report.changes if isinstance(error, ProtocolError) else unknown_of(report.changes, unknown_keys)
    return {change.key for change in unknown}


def roll_back(
    task: BaselineContext, prepared: Preparation, path: str, made: Collection[tuple[str, str, str]], unknown: bool
) -> list[str]:
    """Restores the old state after a failure, as far as the planned changes were made or may have been made.

    :param made: the changes that are known to be stored.
    :param unknown: whether other changes may be stored, too.
    :returns: why the snapshot does not count as rolled back, as sentences, so that some of the changes may still be stored.
    :raises ExchangeError: someone else changed the same settings, or the rollback failed.
    """
    rollback = rollback_of(prepared.artifacts, path, prepared.variables, scope="changed")
    if not unknown:
        rollback = rollback.of_changes(change for change in rollback.state.recorded_changes if change.key in made)

    def check(organization: Organization, plan: Plan) -> None:
        if prepared.variables.get("rollback_force"):
            return
        findings = findings_of_others(rollback.state, organization, plan)
        if findings:
            raise OptionError("; ".join(map(str, findings)))

    planner = _Planner(rollback, check)
    converge(task, rollback.subsets, planner, fresh=True)
    unconfirmed = count_as_rolled_back(prepared.artifacts, planner.procedure, task.session)
    task.warnings += unconfirmed
    return unconfirmed


def _keys(changes: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    return {(change["resource"], change["identity"], change["option"]) for change in changes}


def reassessed(procedure: Procedure, report: OrganizationReport, organization: Organization) -> OrganizationReport:
    """The report of a finished run. The effect on mail stays as planned; guarantees are proved again from what was
    read.
    """
    controls = procedure.controls
    if controls is None or not report.controls:
        return report
    report = _assessed(controls, report, organization)
    before = {row.name: row.verdict_before for row in report.mail.guarantees}
    rows = [
        row.compared_with(before.get(row.name, row.verdict))
        for row in controls.mail_flow.guarantees(organization, None)
    ]
    return replace(report, mail=replace(report.mail, guarantees=tuple(rows), observed=observed_in(organization, None)))


def after_failure(session: Session, prepared: Preparation, report: OrganizationReport) -> OrganizationReport:
    """The report of a failed run. Since its plan is incomplete or was rolled back, the planned effect on mail is left
    out. What a read does not show may be stored all the same.
    """
    procedure = prepared.procedure
    try:
        organization = prepared.read(session, procedure.subsets)
        hidden = {change.key for change in _hidden(procedure, organization, report)}
        report = _with_unseen(report, hidden)
        if procedure.controls and report.controls:
            report = _assessed(procedure.controls, report, organization)
        return replace(report, mail=procedure.mail(organization, Plan()))
    except ExchangeError as error:
        return unassessed(replace(report, mail=NO_EFFECT), error)


def unassessed(report: OrganizationReport, error: ExchangeError) -> OrganizationReport:
    """The report if nothing could be read after the writes: nothing of what was planned is known."""
    why = f"It could not be read after the changes: {error.message}"
    foreseen = (ControlStatus.MET, ControlStatus.NOT_MET)
    controls = [
        replace(row, status=ControlStatus.NOT_ASSESSABLE, found=None, findings=(why,))
        if row.status in foreseen
        else row
        for row in report.controls
    ]
    return replace(
        report,
        controls=tuple(controls),
        mail=EffectOnMail(report.mail.difference, report.mail.difference_more, unseen=report.mail.unseen),
    )


def _assessed(controls: ManagedControls, report: OrganizationReport, organization: Organization) -> OrganizationReport:
    """The report with the controls as an organization has them now."""
    # What failed the functional test has failed it, even if it was rolled back since.
    failed = {row.id: row for row in report.controls if row.id == TESTED and row.status is ControlStatus.NOT_MET}
    assessed = tuple(failed.get(row.id, row) for row in controls.assess(organization))
    return replace(report, controls=assessed, observed=tuple(observed(organization)))
