#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: activesync_org_settings
short_description: ActiveSync settings of an organization
version_added: 1.0.0
description:
  - Manages what an organization does with mobile devices, with C(Get-ActiveSyncOrganizationSettings) and
    C(Set-ActiveSyncOrganizationSettings).
  - The option that matters for message encryption is O(allow_rms_support_for_unenlightened_apps).
  - Options that are omitted are left alone. Only the difference is sent.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
options:
  admin_mail_recipients:
    description:
      - The SMTP addresses that receive notifications about quarantined devices.
      - An empty list clears it.
    type: list
    elements: str
  allow_access_for_un_supported_platform:
    description:
      - Reserved by Microsoft.
    type: bool
  allow_rms_support_for_unenlightened_apps:
    description:
      - Whether Exchange Online decrypts protected mail for apps on mobile devices that cannot, such as Mail on iOS.
      - The device then keeps a decrypted copy. A policy with IRM off overrides it for its users, and the module warns
        about it.
      - The role's variable is C(hardened_baseline_decrypt_for_unenlightened_apps).
    type: bool
  default_access_level:
    description:
      - What happens to devices that no rule covers. V(Block) and V(Quarantine) apply immediately, also to devices that
        are already connected.
    type: str
    choices: [Allow, Block, Quarantine]
  enable_mobile_mailbox_policy_when_ca_inplace:
    description:
      - Whether mobile device policies apply where Conditional Access does. Microsoft does not describe it.
    type: bool
  ota_notification_mail_insert:
    description:
      - A text in mail that tells users to update a device, at most 256 characters. An empty text clears it.
    type: str
  tenant_admin_preference:
    description:
      - Microsoft does not document its values, so any value is accepted.
    type: str
  user_mail_insert:
    description:
      - A text in mail that tells users of a quarantined device, at most 256 characters. An empty text clears it.
    type: str
seealso:
  - module: m365.message_encryption.mobile_device_mailbox_policy
  - name: Set-ActiveSyncOrganizationSettings
    description: Microsoft's cmdlet reference.
    link: https://learn.microsoft.com/powershell/module/exchange/set-activesyncorganizationsettings
"""

EXAMPLES = r"""
- name: Send no decrypted mail to the iOS mail app
  m365.message_encryption.activesync_org_settings:
    allow_rms_support_for_unenlightened_apps: false
"""

RETURN = r"""
msg:
  description: One line about what changed or, in check mode, would change. After a failure, its cause and remedy.
  returned: always
  type: str
  sample: "No change."
before:
  description: The managed options before the task, by this module's option names.
  returned: success
  type: dict
  sample: {"allow_rms_support_for_unenlightened_apps": true}
after:
  description: The managed options after the task, as Exchange shows them, or in check mode as they would be.
  returned: success
  type: dict
  sample: {"allow_rms_support_for_unenlightened_apps": false}
changes:
  description: One entry for each difference.
  returned: success, or failure while writing
  type: list
  elements: dict
  contains:
    resource:
      description: The module that manages the object.
      type: str
      returned: always
    identity:
      description: The object's name. Empty if an organization has only one.
      type: str
      returned: always
    option:
      description: The option, with its section if it has one, or V(state).
      type: str
      returned: always
    before:
      description: The value before.
      type: raw
      returned: always
    after:
      description: The value after.
      type: raw
      returned: always
    impact:
      description: >-
        How the change affects people, worst first: V(may leave in clear), V(rejects), V(affects all outgoing mail),
        V(deletes), V(takes away), V(widens), V(affects some mail). Otherwise empty.
      type: str
      returned: always
  sample:
    - resource: "activesync_org_settings"
      identity: ""
      option: "allow_rms_support_for_unenlightened_apps"
      before: true
      after: false
      impact: "takes away"
commands:
  description: The cmdlets that ran or, in check mode, would run, as PowerShell text for review.
  returned: success, or failure while writing
  type: list
  elements: str
  sample: ["Set-ActiveSyncOrganizationSettings -AllowRMSSupportForUnenlightenedApps $false -Confirm:$false"]
not_applied:
  description: The cmdlets that Exchange refused, and those that the task did not reach.
  returned: failure while writing
  type: list
  elements: str
outcome_unknown:
  description: The cmdlets whose response was lost or unclear, and those that Exchange accepted but does not show. They may or may not
    have changed something. To find out, run the task again.
  returned: failure while writing
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import (
    COMMON_ARGUMENT_SPEC,
    ModuleContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.activesync_org_settings import (
    ACTIVESYNC_ORG_SETTINGS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import converge_settings

SPEC: dict[str, Any] = {"argument_spec": {**ACTIVESYNC_ORG_SETTINGS.argument_spec(), **COMMON_ARGUMENT_SPEC}}


def run(task: ModuleContext) -> dict[str, Any]:
    """Brings the ActiveSync organization settings to what the options declare."""
    return converge_settings(task, ACTIVESYNC_ORG_SETTINGS)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
