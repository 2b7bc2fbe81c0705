#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: message_encryption_info
short_description: Everything that an organization has set up for message encryption
version_added: 1.0.0
description:
  - Reads an organization in one round trip.
  - >-
    What it returns for a resource is exactly what the resource's module takes, and M(m365.message_encryption.message_encryption_state) takes all of
    it: given back at once it changes nothing,
    and given back later it puts the old state back.
  - An empty text or list stands for "nothing set" where that can be put back. Predicates and actions of mail flow rules that are not set are left out.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.exchange.info
options:
  gather:
    description:
      - What to read.
      - >-
        V(all) reads everything that this session may read, and says in RV(unavailable) what it may not. A subset that is named and may not be read
        fails the task.
    type: list
    elements: str
    choices:
      - all
      - organization
      - ome_configurations
      - irm_configuration
      - activesync_org_settings
      - transport_rules
      - transport_config
      - rms_templates
      - owa_mailbox_policies
      - mobile_device_mailbox_policies
      - accepted_domains
      - remote_domains
      - inbound_connectors
      - exported_cmdlets
    default: [all]
seealso:
  - module: m365.message_encryption.message_encryption_state
  - module: m365.message_encryption.exchange_connection_info
"""

EXAMPLES = r"""
- name: Everything
  m365.message_encryption.message_encryption_info:
  register: encryption

- name: Only the mail flow rules
  m365.message_encryption.message_encryption_info:
    gather: [transport_rules]
"""

RETURN = r"""
organization:
  description: >-
    Who the organization is.
  returned: when asked for and readable
  type: dict
  sample:
    name: "contoso.onmicrosoft.com"
    display_name: "Contoso"
    guid: "8f5f2f0c-0d2b-4b0e-8d5e-2a8f0d8f7f10"
    tenant_id: "6f4a1f9e-4c0c-4f0f-9a53-0f2f1c1f7a11"
    is_dehydrated: false
    on_premises: false
ome_configurations:
  description: >-
    OME configurations, as M(m365.message_encryption.ome_configuration) takes them.
  returned: when asked for and readable
  type: list
  elements: dict
  sample:
    - identity: "OME Configuration"
      otp_enabled: true
      social_id_sign_in: false
irm_configuration:
  description: >-
    The IRM configuration, as M(m365.message_encryption.irm_configuration) takes it.
  returned: when asked for and readable
  type: dict
  sample: {"azure_rms_licensing_enabled": true, "internal_licensing_enabled": true}
activesync_org_settings:
  description: >-
    The ActiveSync settings, as M(m365.message_encryption.activesync_org_settings) takes them.
  returned: when asked for and readable
  type: dict
  sample: {"allow_rms_support_for_unenlightened_apps": false}
transport_rules:
  description: >-
    Mail flow rules, first to last, as M(m365.message_encryption.ome_transport_rule) takes them.
  returned: when asked for and readable
  type: list
  elements: dict
  sample:
    - name: "Encrypt all outgoing mail"
      enabled: true
      priority: 0
transport_rules_unsupported:
  description: >-
    Rules that no module can write, with the reason.
  returned: when asked for and readable
  type: list
  elements: dict
  sample: []
transport_rules_not_rebuildable:
  description: >-
    Rules that cannot be recreated once they are removed, with the reason.
  returned: when asked for and readable
  type: list
  elements: dict
  sample: []
transport_config:
  description: >-
    What Exchange allows: how many rules, how large, and how many characters of patterns.
  returned: when asked for and readable
  type: dict
  sample: {"transport_rule_limit": 300}
rms_templates:
  description: >-
    Rights management templates, by name and GUID. An empty list proves nothing: Exchange gives one also where licensing is off.
  returned: when asked for and readable
  type: list
  elements: dict
  sample:
    - name: "Encrypt"
      guid: "5b3a1c0e-7a1d-4d0b-9f5e-2f3c8a1d7e44"
      description: ""
owa_mailbox_policies:
  description: >-
    Policies of Outlook on the web, as M(m365.message_encryption.owa_mailbox_policy) takes them.
  returned: when asked for and readable
  type: list
  elements: dict
  sample:
    - identity: "OwaMailboxPolicy-Default"
      irm_enabled: true
mobile_device_mailbox_policies:
  description: >-
    Policies of mobile devices, as M(m365.message_encryption.mobile_device_mailbox_policy) takes them.
  returned: when asked for and readable
  type: list
  elements: dict
  sample:
    - identity: "Default"
      irm_enabled: true
accepted_domains:
  description: >-
    The domains that the organization accepts mail for, as the facts of M(m365.message_encryption.mail_flow_test) take them.
  returned: when asked for and readable
  type: list
  elements: dict
  sample:
    - name: "contoso.com"
      type: "Authoritative"
      match_subdomains: false
remote_domains:
  description: >-
    Remote domains. Mail flow rules take the people of one that is internal for people inside.
  returned: when asked for and readable
  type: list
  elements: dict
  sample:
    - name: "Default"
      domain_name: "*"
      is_internal: false
inbound_connectors:
  description: >-
    Inbound connectors, and whether they make mail from on-premises count as internal.
  returned: when asked for and readable
  type: list
  elements: dict
  sample:
    - name: "From the data center"
      enabled: true
      cloud_services_mail_enabled: true
      treat_messages_as_internal: false
exported_cmdlets:
  description: >-
    The cmdlets that this session may run, of those that the collection uses.
  returned: when asked for and readable
  type: list
  elements: str
  sample: ["Get-IRMConfiguration", "Set-IRMConfiguration"]
unavailable:
  description: >-
    What was not read because this session does not have the cmdlet, with the reason.
  returned: when asked for and readable
  type: dict
  sample: {}
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import CmdletNotAvailableError, NotCapturedError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import SUBSETS, read
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.state import describe

SPEC: dict[str, Any] = {
    "argument_spec": {"gather": {"type": "list", "elements": "str", "choices": ["all", *SUBSETS], "default": ["all"]}},
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Reads the asked subsets in one round trip, always freshly."""
    gather = task.params["gather"]
    organization = read(task.session, SUBSETS if "all" in gather else gather, fresh=True)
    described: dict[str, Any] = {}
    unavailable: dict[str, str] = {}
    for subset in organization.subsets:
        error = organization.error(subset)
        if isinstance(error, (CmdletNotAvailableError, NotCapturedError)) and subset not in gather:
            unavailable[subset] = str(error)
        else:
            described.update(describe(organization, [subset]))
    return {"changed": False, **described, "unavailable": unavailable}


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
