# SPDX-License-Identifier: GPL-3.0-or-later
"""Disables message encryption, in the order of Microsoft's article.

Rules are removed first. Exchange continues to apply them for a while. Then the button is turned off, and finally
licensing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..._engine.plan import Plan
from ..._exchange.names import same_name
from ..._exchange.organization import Organization
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._resources.irm_configuration import IRM_CONFIGURATION
from ..._resources.rules.planner import plan_unmanaged
from ..._resources.rules.rule_index import RuleBook
from ..._resources.settings import plan_settings
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding
from ..controls.mail import effect_with_guarantees
from ..documents.writing import Writing
from .procedure import DISABLE, Draft, Procedure, Run, RunStage
from .refusals import organization_refusals

#: The option ``stage``, and the stage of a run.
STAGES = {"": RunStage.WHOLE, "rules": RunStage.FIRST, "settings": RunStage.LAST}

_BUTTON = {
    "simplified_client_access_enabled": False,
    "simplified_client_access_encrypt_only_disabled": True,
    "simplified_client_access_do_not_forward_disabled": True,
}
_LICENSING = {"azure_rms_licensing_enabled": False}


class Disable(Procedure):
    """Disables message encryption.

    :param rules: ``remove`` or ``disable``. A rule that cannot be recreated is disabled in either case.
    :param stage: the first removes or disables rules, the last changes settings.
    :param guarantees: those about mail, whose verdicts the plan shows.
    """

    kind = DISABLE
    subsets = ("organization", "irm_configuration", "transport_rules", "rms_templates", "ome_configurations")

    def __init__(
        self, rules: str = "remove", stage: RunStage = RunStage.WHOLE, guarantees: Sequence[Guarantee] = ()
    ) -> None:
        self.rules = rules
        self.stage = stage
        self._guarantees = guarantees

    def draft(self, organization: Organization, run: Run) -> Draft:
        plan = self.plan(organization, check_mode=True)
        confirmation = self._unconfirmed(organization, str(run.variables.get("confirm_disable") or ""), len(run.hosts))
        return Draft(plan, [*confirmation, *organization_refusals(organization, plan, run.expected_organization)])

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        plans: dict[str, Plan] = {}
        if self.stage is not RunStage.LAST:
            plans["transport_rules"] = plan_unmanaged(
                RuleBook(organization, restoring=True, check_mode=check_mode), self.rules
            )
        if self.stage is not RunStage.FIRST:
            properties = organization.only(IRM_CONFIGURATION.subset)
            plans["button"] = plan_settings(IRM_CONFIGURATION, _BUTTON, properties)
            plans["licensing"] = plan_settings(IRM_CONFIGURATION, _LICENSING, properties)
        return Plan.join(plans)

    def mail(self, organization: Organization, plan: Plan) -> EffectOnMail:
        return effect_with_guarantees(organization, plan, self._guarantees)

    def completes(self, interrupted: Writing) -> bool:
        return interrupted.kind == self.kind.name

    def desired(self, organization: Organization) -> dict[str, Any]:
        return {"rules": self.rules}

    def _unconfirmed(self, organization: Organization, confirmed: str, organizations: int) -> list[Finding]:
        """The findings if the name of the only organization is not confirmed."""
        name = organization.identity.name
        findings = []
        if not same_name(confirmed, name):
            value = f"it is {confirmed!r}" if confirmed else "it is not set"
            findings.append(
                Finding(
                    "confirm_disable",
                    f"the name of the organization must confirm this, but {value}.",
                    f"hardened_baseline_confirm_disable: {name}",
                )
            )
        if organizations > 1:
            findings.append(
                Finding(
                    "confirm_disable",
                    f"this run has {organizations} organizations, but message encryption can be disabled only in one organization at a time.",
                    "--limit",
                )
            )
        return findings
