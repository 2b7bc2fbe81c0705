# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls that a run manages in an organization: the state that they want together, what they refuse, and the
status of each.

There is one planner. Check mode, the run, the audit and the proof afterwards all use it; a control on its own is the
same planner with that control alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from ..._engine.plan import Plan, PlanWarning, warning
from ..._exchange.errors import CmdletNotAvailableError, ExchangeError
from ..._exchange.names import same_name
from ..._exchange.organization import MAIL_FACTS, SUBSETS, Organization
from ..._exchange.permissions import GRANTED_BY
from ..._resources.organization_state import plan_state
from ..controls.acceptance import moment
from ..controls.control import (
    BaselineRequest,
    JudgingControl,
    Outlook,
    Parts,
    WritingControl,
    merged,
)
from ..controls.controls import CONTROLS
from ..controls.findings import Finding, allow, found_once
from ..controls.trial import Trial
from ..documents.report import ControlReport
from ..documents.status import ControlStatus
from .control_assessment import ControlAssessment
from .control_selection import ControlSelection
from .managed_mail_flow import ManagedMailFlow


class ManagedControls:
    """The controls of a run, and what they say of an organization.

    :raises OptionError: a variable of a control is invalid.
    """

    def __init__(self, selection: ControlSelection) -> None:
        self.selection = selection
        self._licensed: tuple[Organization, ManagedControls, list[Finding]] | None = None
        for exception in selection.exceptions.values():
            moment(exception.until, "hardened_baseline_skip[].until")
        created = [
            name
            for control in selection.wanted
            if isinstance(control, WritingControl)
            for name in control.creates(selection.variables)
        ]
        self.request = BaselineRequest(selection.variables, tuple(created))
        for control in CONTROLS:
            # An invalid variable is refused even if its control is not selected, except for names and settings that
            # nothing would use.
            if control in selection.wanted or isinstance(control, JudgingControl):
                control.check(self.request)

    @property
    def mail_flow(self) -> ManagedMailFlow:
        """What they say of mail flow."""
        return ManagedMailFlow(self.selection, self.request)

    @property
    def subsets(self) -> list[str]:
        """What they need to be read."""
        needed = {subset for control in self.selection.wanted for subset in control.needs()}
        optional = {"exported_cmdlets", *MAIL_FACTS} - needed
        return [subset for subset in SUBSETS if subset not in optional]

    def licensed(self, organization: Organization) -> tuple[ManagedControls, list[Finding]]:
        """The controls that the organization's license allows, and the findings about the rest. Computed once for each
        read of the organization.
        """
        if self._licensed is None or self._licensed[0] is not organization:
            self._licensed = (organization, *self._allowed(organization))
        return self._licensed[1], self._licensed[2]

    def _allowed(self, organization: Organization) -> tuple[ManagedControls, list[Finding]]:
        skips = self.selection.variables.get("on_missing_license") == "skip"
        status = ControlStatus.NOT_APPLICABLE if skips else ControlStatus.NOT_MET
        selection = self.selection
        findings = []
        for control in self.selection.written:
            why = control.without_license(self.request, organization)
            if not why:
                continue
            selection = selection.without(control.id, status, why)
            if not skips:
                remedy = allow("on_missing_license", "skip") + ", which leaves it out"
                findings.append(Finding(control.id, why, remedy))
        return self if selection is self.selection else ManagedControls(selection), findings

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        """What is left to do for all of them. Raises the first error that keeps it from being planned."""
        licensed, _findings = self.licensed(organization)
        return licensed._plan_of(licensed.selection.written, organization, check_mode)

    def draft(self, organization: Organization) -> tuple[Plan, list[Finding]]:
        """The plan of all controls that can be planned, with its warnings, and the findings about these and all other
        controls.
        """
        licensed, unlicensed = self.licensed(organization)
        plan, findings = licensed._draft(organization)
        return plan, [*unlicensed, *findings]

    def _draft(self, organization: Organization) -> tuple[Plan, list[Finding]]:
        selection = self.selection
        errors = {
            control.id: control.errors(self.request, organization, check_mode=True) for control in selection.written
        }
        fine = [control for control in selection.written if not errors[control.id]]
        findings = [
            Finding(id_, _sentence(error), f"--skip-tags {id_}, which leaves the control out of the run", about=error)
            for id_, them in errors.items()
            for error in them
        ]
        findings += [
            finding for control in selection.wanted for finding in control.mistakes(self.request, organization)
        ]
        plan = self._plan_of(fine, organization, check_mode=True)
        outlook = Outlook(self.request, organization, self._state(fine, organization), plan)
        for control in (*selection.written, *selection.guarding):
            if isinstance(control, WritingControl) and organization.error(control.subset) is not None:
                continue  # That it cannot be read is among the findings already.
            try:
                findings += control.findings(outlook)
                plan.warnings += control.warnings(outlook)
            except ExchangeError:
                if not selection.audits and not errors.get(control.id):
                    raise
                # Something else that it needs cannot be read, which is among the findings, too. In an audit, the control
                # is not assessable and says so.
        return plan, found_once(findings)

    def _plan_of(self, controls: Sequence[WritingControl], organization: Organization, check_mode: bool) -> Plan:
        # An audit changes nothing, so nothing of what it finds lets mail out.
        planning = self.request.planning(check_mode=check_mode, says_in_clear=not self.selection.audits)
        return plan_state(organization, self._state(controls, organization), planning)

    def _state(self, controls: Iterable[WritingControl], organization: Organization) -> Parts:
        """The state that some controls want together."""
        return reduce(merged, (control.desired(self.request, organization) for control in controls), {})

    def expired_exceptions(self) -> list[PlanWarning]:
        """A warning for each accepted exception that has expired."""
        return [
            warning(
                "exception_expired",
                f"hardened_baseline_skip: the exception of {id_} (owner: {accepted.owner}) has expired: it ended on {accepted.until}. "
                "The control counts as it is, and what it wants is written.",
                control=id_,
                owner=accepted.owner,
                until=accepted.until,
            )
            for id_, accepted in self.selection.exceptions.items()
            if accepted.expired
        ]

    def desired(self, organization: Organization) -> dict[str, Any]:
        """What they want, for people and for the digest; never a secret."""
        licensed, _findings = self.licensed(organization)
        return {control.id: control.shown(licensed.request) for control in licensed.selection.written}

    def mistakes(self, organization: Organization) -> list[Finding]:
        """A finding for each thing that the variables of controls that write nothing name and the organization lacks."""
        guarding = self.selection.guarding
        return [finding for control in guarding for finding in control.mistakes(self.request, organization)]

    def trials(self, organization: Organization) -> list[Trial]:
        """The rules that are only tried."""
        licensed, _findings = self.licensed(organization)
        rules = licensed.selection.rules
        if rules is None or rules not in licensed.selection.written or organization.error(rules.subset) is not None:
            return []
        return rules.trials(licensed.request, organization)

    def enforcing(self, organization: Organization, trial: Trial) -> Plan:
        """The plan if a rule were enforced instead of tried. Raises the first error that keeps it from being planned."""
        variables = self.selection.variables
        still_on_trial = [name for name in variables["trial"] if not same_name(name, trial.name)]
        enforced = replace(self.selection, variables={**variables, "trial": still_on_trial})
        return ManagedControls(enforced).plan(organization, check_mode=True)

    def assess(self, organization: Organization, *, planned: Plan | None = None) -> list[ControlReport]:
        """The controls for the report.

        :param planned: the plan, if controls that write nothing judge its result.
        """
        licensed, _findings = self.licensed(organization)
        judged = None if self.selection.audits else planned
        return ControlAssessment(licensed.selection, licensed.request, organization, judged).rows


def _sentence(error: ExchangeError) -> str:
    if not isinstance(error, CmdletNotAvailableError) or error.cmdlet not in GRANTED_BY:
        return str(error)
    return f"{error} {error.cmdlet} requires {GRANTED_BY[error.cmdlet]}."
