#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: irm_configuration
short_description: Information rights management of an organization
version_added: 1.0.0
description:
  - Manages how an organization uses rights management with mail, with C(Get-IRMConfiguration) and
    C(Set-IRMConfiguration).
  - Options that are omitted are left alone. Only the difference is sent.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
options:
  automatic_service_update_enabled:
    description:
      - Whether Exchange adds new features of message encryption to the organization on its own.
    type: bool
  azure_rms_licensing_enabled:
    description:
      - Whether Exchange Online uses Azure Rights Management. This is the main switch of message encryption.
      - The role's variable is C(hardened_baseline_azure_rms_licensing).
    type: bool
  decrypt_attachment_for_encrypt_only:
    description:
      - Whether recipients of mail that is only encrypted get its attachments without protection, in the browser for
        example.
      - The role's variable is C(hardened_baseline_decrypt_attachments_for_encrypt_only).
    type: bool
  e_discovery_super_user_enabled:
    description:
      - Whether members of the role group Discovery Management may open protected mail that a discovery search finds.
    type: bool
  enable_pdf_encryption:
    description:
      - Whether PDF attachments are encrypted, too.
      - The role's variable is C(hardened_baseline_pdf_encryption).
    type: bool
  enable_portal_tracking_logs:
    description:
      - Whether opening of mail in the portal is logged. Microsoft documents it for Advanced Message Encryption; some
        organizations do not have it.
      - The log is read in the Purview portal, under I(Audit), as I(encrypted message portal activities).
      - The role's variable is C(hardened_baseline_portal_tracking_logs).
    type: bool
  internal_licensing_enabled:
    description:
      - Whether IRM features work at all. In Exchange Online it governs mail to inside and to outside.
      - Exchange prompts before a change of this setting; the module answers the prompt.
      - The role's variable is C(hardened_baseline_internal_licensing).
    type: bool
  journal_report_decryption_enabled:
    description:
      - Whether journal reports contain a decrypted copy of protected mail.
    type: bool
  licensing_location:
    description:
      - The licensing URLs, in order. The one of Azure Rights Management must be first.
      - An empty list clears it.
    type: list
    elements: str
  reject_if_recipient_has_no_rights:
    description:
      - Whether Exchange rejects mail if its recipient has no rights to it. Microsoft does not document it further.
    type: bool
  rms_online_key_sharing_location:
    description:
      - Deprecated by Exchange. Only an empty text is accepted, which clears it.
    type: str
  search_enabled:
    description:
      - Whether protected mail can be searched in Outlook on the web.
    type: bool
  simplified_client_access_do_not_forward_disabled:
    description:
      - Whether Outlook on the web hides the option Do Not Forward.
      - To hide the button, set this and O(simplified_client_access_encrypt_only_disabled) to V(true), and
        O(simplified_client_access_enabled) to V(false).
      - The role's variable is C(hardened_baseline_do_not_forward_option), which says the opposite.
    type: bool
  simplified_client_access_enabled:
    description:
      - Whether Outlook on the web shows the Encrypt button.
      - V(false) alone has been seen to leave the button. Hide what it offers, too, with
        O(simplified_client_access_do_not_forward_disabled) and O(simplified_client_access_encrypt_only_disabled).
      - The role's variable is C(hardened_baseline_encrypt_button).
    type: bool
  simplified_client_access_encrypt_only_disabled:
    description:
      - Whether Outlook on the web hides the option Encrypt.
      - The role's variable is C(hardened_baseline_encrypt_only_option), which says the opposite.
    type: bool
  transport_decryption_setting:
    description:
      - Whether mail flow rules, journaling and malware scanning can read protected mail.
      - V(Optional) tries to decrypt and delivers either way. V(Mandatory) rejects what it cannot decrypt. V(Disabled)
        does not decrypt.
      - The role's variable is C(hardened_baseline_transport_decryption).
    type: str
    choices: [Disabled, Mandatory, Optional]
seealso:
  - module: m365.message_encryption.irm_test
  - name: Set-IRMConfiguration
    description: Microsoft's cmdlet reference.
    link: https://learn.microsoft.com/powershell/module/exchange/set-irmconfiguration
"""

EXAMPLES = r"""
- name: Switch message encryption on and show the Encrypt button
  m365.message_encryption.irm_configuration:
    azure_rms_licensing_enabled: true
    internal_licensing_enabled: true
    simplified_client_access_enabled: true

- name: Leave attachments encrypted when they are downloaded in a browser
  m365.message_encryption.irm_configuration:
    decrypt_attachment_for_encrypt_only: false
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
  sample: {"simplified_client_access_enabled": false}
after:
  description: The managed options after the task, as Exchange shows them, or in check mode as they would be.
  returned: success
  type: dict
  sample: {"simplified_client_access_enabled": true}
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
    - resource: "irm_configuration"
      identity: ""
      option: "simplified_client_access_enabled"
      before: false
      after: true
      impact: ""
commands:
  description: The cmdlets that ran or, in check mode, would run, as PowerShell text for review.
  returned: success, or failure while writing
  type: list
  elements: str
  sample: ["Set-IRMConfiguration -SimplifiedClientAccessEnabled $true -Force:$true -Confirm:$false"]
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
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_configuration import (
    IRM_CONFIGURATION,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import converge_settings

SPEC: dict[str, Any] = {"argument_spec": {**IRM_CONFIGURATION.argument_spec(), **COMMON_ARGUMENT_SPEC}}


def run(task: ModuleContext) -> dict[str, Any]:
    """Brings the IRM configuration to what the options declare."""
    return converge_settings(task, IRM_CONFIGURATION)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
