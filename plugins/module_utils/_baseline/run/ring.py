# SPDX-License-Identifier: GPL-3.0-or-later
"""A ring as a whole: which of its organizations failed, and how the others take back what they wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..._exchange.errors import ExchangeError
from ..documents.artifacts import Artifacts
from ..documents.report import OrganizationReport
from ..documents.stage_notes import StageNotes, keep_notes, notes_of
from ..documents.status import ChangeState, OrganizationStatus
from ..procedures.baseline_context import BaselineContext
from .apply import after_failure, roll_back
from .interrupted import end_interrupted
from .prepare import Preparation, prepare
from .variable_validation import for_report

#: The statuses of an organization in which all is as planned. One that was to be written to and has another one failed.
_COMPLETE = (OrganizationStatus.CHANGED, OrganizationStatus.MET)
_FINE_WITHOUT_CHANGES = (OrganizationStatus.MET, OrganizationStatus.DRIFT)


def failed_of_ring(artifacts: Artifacts) -> list[str]:
    """The organizations of this ring that failed, by inventory name, including those that could not be reached and left
    no plan.
    """
    own = notes_of(artifacts)
    notes_of_ring = {artifacts.host: own, **_notes_of_others(artifacts, own.ring)}
    # Core takes an organization that failed early out of the ring before the others plan, so no single one need know
    # the whole ring.
    ring = dict.fromkeys(host for notes in notes_of_ring.values() for host in notes.ring)
    notes_of_ring = _notes_of_others(artifacts, [*ring]) | notes_of_ring
    return [host for host in dict.fromkeys([*ring, *notes_of_ring]) if _has_failed(notes_of_ring[host])]


def _notes_of_others(artifacts: Artifacts, hosts: Sequence[str]) -> dict[str, StageNotes]:
    return {host: StageNotes.from_row(row) for host, row in artifacts.notes.remembered_of(hosts).items()}


def _has_failed(notes: StageNotes) -> bool:
    if notes.report is None:
        return True
    status = notes.report.status
    return status not in _COMPLETE and (notes.cleared is not None or status not in _FINE_WITHOUT_CHANGES)


def take_back_ring(task: BaselineContext) -> dict[str, Any]:
    """Takes back what this run wrote to the organization, if an organization of its ring failed. What was rolled back
    already stays so.

    :raises ExchangeError: it could not be rolled back.
    """
    artifacts = task.artifacts(for_report(task))
    notes = notes_of(artifacts)
    if task.check_mode or notes.cleared is None or notes.report is None:
        return _nothing("Nothing was written.")
    if not prepare(task).variables.get("ring_rollback"):
        return _nothing("hardened_baseline_ring_rollback is off.")
    try:
        judged = _judged(task, artifacts, notes.report, notes.cleared.snapshot)
    except ExchangeError:
        artifacts.notes.end_writing()
        raise
    artifacts.notes.end_writing()
    return judged


def _judged(task: BaselineContext, artifacts: Artifacts, report: OrganizationReport, snapshot: str) -> dict[str, Any]:
    """Takes back what this run wrote to an organization, if one of its ring failed."""
    # This ring would not have been entered after one that failed, so whoever failed in this run belongs to it.
    failed = [*dict.fromkeys([*task.lost, *failed_of_ring(artifacts)])]
    if not failed:
        if report.status is OrganizationStatus.CHANGED:
            end_interrupted(artifacts, prepare(task).procedure)
        return _nothing("No organization of the ring failed.")
    if not snapshot or artifacts.snapshots.rolled_back(snapshot):
        return _nothing("Nothing that this run wrote is left.")
    why = f"an organization of the same ring failed: {', '.join(failed)}"
    stored = {change.key for change in report.changes if change.state is ChangeState.STORED}
    if not stored and report.status is OrganizationStatus.MET:
        return _nothing("Nothing was written.")
    prepared = prepare(task)
    try:
        unconfirmed = roll_back(task, prepared, snapshot, stored, report.status not in _COMPLETE)
    except ExchangeError as error:
        error.message = f"{task.host} was not rolled back, although {why}. {error.message} The snapshot is {snapshot}."
        _keep(task, prepared, replace(report, status=OrganizationStatus.FAILED), str(error))
        raise
    message = f"The changes of this run were rolled back, because {why}."
    if unconfirmed:
        message = f"The changes of this run were taken back, because {why}, but {' '.join(unconfirmed)}"
    written = (ChangeState.STORED, ChangeState.UNKNOWN) if unconfirmed else ()
    changes = [
        replace(change, state=ChangeState.UNKNOWN if change.state in written else ChangeState.NOT_APPLIED)
        for change in report.changes
    ]
    return {
        "changed": True,
        "msg": _keep(task, prepared, report.with_outcome(OrganizationStatus.FAILED, changes, task.warnings), message),
    }


def _keep(task: BaselineContext, prepared: Preparation, report: OrganizationReport, message: str) -> str:
    """Stores the outcome for the report, with the organization as it is now. Returns the whole message of the report."""
    message = " ".join(filter(None, [report.message, message]))
    report_after = after_failure(task.session, prepared, report)
    notes = notes_of(prepared.artifacts)
    keep_notes(prepared.artifacts, replace(notes, report=replace(report_after, message=message)))
    return message


def _nothing(why: str) -> dict[str, Any]:
    return {"changed": False, "msg": why}
