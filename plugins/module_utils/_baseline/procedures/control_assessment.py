# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of each control in an organization, for the report."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..._engine.plan import Plan
from ..._exchange.errors import CmdletNotAvailableError, ExchangeError
from ..._exchange.organization import Organization
from ..controls.control import Assessment, BaselineRequest, Control, JudgingControl, WritingControl
from ..controls.controls import CONTROLS
from ..documents.report import ControlReport
from ..documents.status import ControlStatus
from .control_selection import ControlSelection


@dataclass(frozen=True)
class ControlAssessment:
    """Each control in an organization, as the report has it.

    :param selection: the controls of the run that the organization's license allows.
    :param request: what they are asked for.
    :param planned: the plan whose result is judged by controls that write nothing; ``None`` if they judge what there is.
    """

    selection: ControlSelection
    request: BaselineRequest
    organization: Organization
    planned: Plan | None = None

    @property
    def rows(self) -> list[ControlReport]:
        """A row for each control, whether this run manages it or not."""
        return [self._row(control) for control in CONTROLS]

    def _row(self, control: Control) -> ControlReport:
        """The row of a control."""
        selection = self.selection
        row = ControlReport(
            id=control.id,
            title=control.title,
            selected=control.id not in selection.unselected,
            status=ControlStatus.UNMANAGED,
            wanted=None,
            found=None,
            reason=control.reason,
            risk=control.risk,
            notice=control.notice,
            provenance=control.origin,
            source=control.source,
            exception=selection.exceptions.get(control.id),
        )
        if control.id in selection.left_out:
            status, why = selection.left_out[control.id]
            return replace(row, status=status, findings=(why,))
        if control not in selection.selected:
            return replace(row, findings=("Not selected by the tags of this run.",))
        if control not in selection.wanted:
            return row
        if isinstance(control, WritingControl):
            return self._by_settings(row, control)
        return self._by_verdict(row, control)

    def _by_verdict(self, row: ControlReport, control: JudgingControl) -> ControlReport:
        """The row of a control that writes nothing."""
        status, texts = self._verdict(control)
        if status is ControlStatus.NOT_MET and self.selection.is_excepted(control):
            status = ControlStatus.ACCEPTED
        return replace(row, status=status, findings=(*self._expired(control), *texts))

    def _verdict(self, control: JudgingControl) -> tuple[ControlStatus, list[str]]:
        """Status and findings of a control that writes nothing."""
        try:
            verdict = control.verdict(Assessment(self.request, self.organization, self.planned))
        except ExchangeError as error:
            return ControlStatus.NOT_ASSESSABLE, [str(error)]
        if verdict is None:
            return ControlStatus.NOT_ASSESSABLE, ["The test did not run."]
        met, texts = verdict
        if met is None:
            return ControlStatus.NOT_ASSESSABLE, texts
        return ControlStatus.MET if met else ControlStatus.NOT_MET, texts

    def _by_settings(self, row: ControlReport, control: WritingControl) -> ControlReport:
        """The row of a control that writes settings."""
        try:
            plan = control.plan(self.request, self.organization)
        except ExchangeError as error:
            absent = (
                isinstance(error, CmdletNotAvailableError) and control.cloud_only and on_premises(self.organization)
            )
            status = ControlStatus.NOT_APPLICABLE if absent else ControlStatus.NOT_ASSESSABLE
            return replace(row, status=status, findings=(str(error),))
        row = replace(row, wanted=plan.after.get(control.subset), found=plan.before.get(control.subset))
        shortcomings = control.shortcomings(self.request, self.organization)
        doubts = control.doubts(self.organization)
        findings = (*control.remarks(self.request, self.organization), *shortcomings, *doubts)
        if self.selection.is_excepted(control):
            return replace(row, status=ControlStatus.ACCEPTED, findings=findings)
        row = replace(row, findings=(*self._expired(control), *findings))
        if plan.steps or shortcomings:
            return replace(row, status=ControlStatus.NOT_MET)
        return replace(row, status=ControlStatus.NOT_ASSESSABLE if doubts else ControlStatus.MET)

    def _expired(self, control: Control) -> list[str]:
        """The sentence that an accepted exception of a control has expired."""
        exception = self.selection.exceptions.get(control.id)
        if exception is None or not exception.expired:
            return []
        return [f"The accepted exception has expired: it ended on {exception.until}."]


def on_premises(organization: Organization) -> bool:
    """Whether the organization is on-premises."""
    return bool(organization.identity_or_unknown.on_premises)
