# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IRM settings of Outlook on the web and mobile device mailbox policies. Private to the collection.

The two cmdlets spell the parameter differently: ``IRMEnabled`` and ``IrmEnabled``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import (
    Impact,
    Phase,
    Plan,
    PlanWarning,
    warning,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Boolean
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import same_name
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.resource import Planning
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import (
    NamedResource,
    plan_settings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.table import Field, Table, name_of

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
