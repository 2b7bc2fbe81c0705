# SPDX-License-Identifier: GPL-3.0-or-later
"""The IRM settings of Outlook on the web and mobile device mailbox policies.

The two cmdlets spell the parameter differently: ``IRMEnabled`` and ``IrmEnabled``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._engine.plan import Impact, Phase, Plan, PlanWarning, warning
from .._exchange.kinds import Boolean
from .._exchange.names import same_name
from .._exchange.organization import Organization
from .resource import Planning
from .settings import NamedResource, plan_settings
from .table import Field, Table, name_of

#: The Outlook on the web policy that every organization starts with. In a dehydrated organization, which a new one is,
#: Exchange does not allow changes to it (Microsoft's documentation of Enable-OrganizationCustomization).
BUILT_IN_OWA_POLICY = "OwaMailboxPolicy-Default"

OWA_MAILBOX_POLICY = Table(
    name="owa_mailbox_policy",
    subset="owa_mailbox_policies",
    noun="OwaMailboxPolicy",
    phase=Phase.POLICIES,
    identity="identity",
    fields=(Field("irm_enabled", Boolean(), "IRMEnabled", impacts={False: Impact.TAKES_AWAY}),),
)

MOBILE_DEVICE_MAILBOX_POLICY = Table(
    name="mobile_device_mailbox_policy",
    subset="mobile_device_mailbox_policies",
    noun="MobileDeviceMailboxPolicy",
    phase=Phase.POLICIES,
    identity="identity",
    fields=(Field("irm_enabled", Boolean(), "IrmEnabled", impacts={False: Impact.TAKES_AWAY}),),
)


class PolicyResource(NamedResource):
    """Existing policies. The collection never creates or removes one."""

    def plan(self, organization: Organization, parts: Mapping[str, Any], options: Planning) -> Plan:
        plans: dict[str, Plan] = {}
        missing: list[PlanWarning] = []
        for identity, settings in parts[self.subset].items():
            policy = next(
                (item for item in organization.objects(self.subset) if same_name(name_of(item), identity)), None
            )
            if policy is None:
                text = f"{self.subset}: policy {identity!r} no longer exists, so it was not restored."
                missing.append(warning("policy_gone", text, subset=self.subset, policy=identity))
            else:
                plans[identity] = plan_settings(self.table, settings, policy)
        whole = Plan.join(plans)
        whole.warnings += missing
        return whole
