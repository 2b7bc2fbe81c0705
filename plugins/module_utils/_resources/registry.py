# SPDX-License-Identifier: GPL-3.0-or-later
"""All resources of an organization, in the order in which the info module returns them."""

from __future__ import annotations

from .activesync_org_settings import ACTIVESYNC_ORG_SETTINGS
from .irm_configuration import IRM_CONFIGURATION
from .mailbox_policies import MOBILE_DEVICE_MAILBOX_POLICY, OWA_MAILBOX_POLICY, PolicyResource
from .ome_configuration import OME_CONFIGURATION, ConfigurationResource
from .resource import Resource
from .rules.rule_resource import RuleResource
from .settings import SingleResource

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
