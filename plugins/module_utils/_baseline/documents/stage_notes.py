# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stages of a procedure note for each other about one organization."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..._mail_flow.wording.row import ResultRow, WholeRow, as_list, row_of, row_or
from .artifacts import Artifacts
from .report import OrganizationReport


@dataclass(frozen=True)
class ApprovalUse(WholeRow):
    """An approval that counts for one run.

    :param digest: of the approved plan.
    :param planned_by: the run that made that plan; empty if that is not known.
    """

    digest: str
    planned_by: str


@dataclass(frozen=True)
class Clearance(WholeRow):
    """The preflight has refused nothing, so a later stage may write.

    :param snapshot: the path of the one that was taken, or that is restored.
    :param approved_once: the approval that the run uses up; ``None`` if there is none, or if it counts for several runs.
    """

    snapshot: str
    approved_once: ApprovalUse | None = field(metadata=row_or(ApprovalUse, {}))


@dataclass(frozen=True, kw_only=True)
class StageNotes(ResultRow):
    """What the stages have noted so far.

    :param fail_on_drift: whether drift fails the task that reports.
    :param ring: the organizations of the ring, as the preflight saw it.
    :param mail_digest: the digest of all that decides about mail, if the plan changes any; otherwise empty.
    :param writes: whether a later stage writes; ``None`` in check mode.
    :param cleared: ``None`` if no later stage may write.
    :param stored_at: when a stage has stored something, in seconds since 1970; 0 if none has.
    :param ended: whether a stage that writes has said what became of the changes.
    :param report: what was found and done so far; ``None`` if there is no plan.
    """

    fail_on_drift: bool = False
    ring: tuple[str, ...] = field(default=(), metadata=as_list())
    mail_digest: str = ""
    writes: bool | None = None
    cleared: Clearance | None = field(default=None, metadata=row_of(Clearance))
    stored_at: float = 0
    ended: bool = False
    report: OrganizationReport | None = field(default=None, metadata=row_of(OrganizationReport))


def notes_of(artifacts: Artifacts) -> StageNotes:
    """What the stages have noted about the organization."""
    return StageNotes.from_row(artifacts.notes.remembered())


def keep_notes(artifacts: Artifacts, notes: StageNotes) -> None:
    """Stores what the stages have noted about the organization. Raises OptionError if that cannot be written."""
    artifacts.notes.remember(notes.as_row())
