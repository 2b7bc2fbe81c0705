# SPDX-License-Identifier: GPL-3.0-or-later
"""The hardened baseline, and the audit of it: the controls that a run selects, applied or only looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.organization import Organization
from ..._resources.irm_configuration import IRM_CONFIGURATION
from ..controls.controls import OBSERVED
from ..controls.effect_on_mail import EffectOnMail
from ..controls.mail import licensing_warnings
from ..documents.report import ObservedSetting
from ..documents.writing import Writing
from .control_selection import ControlSelection
from .managed_controls import ManagedControls
from .procedure import AUDIT, BASELINE, Draft, Procedure, Run
from .refusals import organization_refusals


class Baseline(Procedure):
    """What the variables ask for; see :class:`ControlSelection`."""

    kind = BASELINE
    controls: ManagedControls

    def __init__(
        self, variables: Mapping[str, Any], run_tags: Collection[str] = (), skip_tags: Collection[str] = ()
    ) -> None:
        selection = ControlSelection(variables, run_tags, skip_tags, audits=not self.kind.writes)
        self.controls = ManagedControls(selection)
        self.subsets = self.controls.subsets

    def draft(self, organization: Organization, run: Run) -> Draft:
        plan, findings = self.controls.draft(organization)
        plan.warnings += [*licensing_warnings(organization, plan), *self.controls.expired_exceptions()]
        return Draft(plan, [*findings, *organization_refusals(organization, plan, run.expected_organization)])

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        return self.controls.plan(organization, check_mode=check_mode)

    def mail(self, organization: Organization, plan: Plan) -> EffectOnMail:
        return self.controls.mail_flow.effect(organization, plan)

    def desired(self, organization: Organization) -> dict[str, Any]:
        return self.controls.desired(organization)

    def completes(self, interrupted: Writing) -> bool:
        selection = self.controls.selection
        if interrupted.unreadable:
            return not selection.unselected
        written = {control.id for control in selection.written}
        return interrupted.kind == self.kind.name and {*interrupted.controls} <= written


class Audit(Baseline):
    """The baseline as an audit: nothing is written, so nothing is refused."""

    kind = AUDIT

    def draft(self, organization: Organization, run: Run) -> Draft:
        # Mistakes in the variables make an audit impossible, too.
        return Draft(super().draft(organization, run).plan, self.controls.mistakes(organization))


def observed(organization: Organization) -> list[ObservedSetting]:
    """The settings that are reported but never changed; none if the IRM configuration cannot be read."""
    if organization.error(IRM_CONFIGURATION.subset) is not None:
        return []
    properties = organization.only(IRM_CONFIGURATION.subset)
    fields = [(item, IRM_CONFIGURATION.field(item.option)) for item in OBSERVED]
    return [ObservedSetting(item.title, field.show(field.read(properties)), item.reason) for item, field in fields]
