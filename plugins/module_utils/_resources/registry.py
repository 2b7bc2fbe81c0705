# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All resources of an organization, in the order in which the info module returns them. Private to the collection."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import (
    ACTIVESYNC_ORG_SETTINGS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import (
    IRM_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.mailbox_policies import (
    MOBILE_DEVICE_MAILBOX_POLICY,
    OWA_MAILBOX_POLICY,
    PolicyResource,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    OME_CONFIGURATION,
    ConfigurationResource,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.resource import Resource
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_resource import RuleResource
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import SingleResource

RESOURCES: tuple[Resource, ...] = (
    ConfigurationResource(OME_CONFIGURATION),
    SingleResource(IRM_CONFIGURATION),
    SingleResource(ACTIVESYNC_ORG_SETTINGS),
    RuleResource(),
    PolicyResource(OWA_MAILBOX_POLICY),
    PolicyResource(MOBILE_DEVICE_MAILBOX_POLICY),
)

#: Resources by the name of their module, which a change uses as its resource name.
RESOURCE: dict[str, Resource] = {resource.name: resource for resource in RESOURCES}
