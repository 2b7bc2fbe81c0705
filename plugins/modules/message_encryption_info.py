#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: message_encryption_info
short_description: Return everything that an organization has configured for message encryption
version_added: 1.0.0
description:
  - Reads an organization in one round trip.
  - >-
    Returns for each resource exactly what the resource's module takes.
    M(m365.message_encryption.message_encryption_state) takes all of it. Applied at once it changes nothing; applied
    later it restores the old state.
  - An empty string or list means that nothing is set, where that can be restored. Unset predicates and actions of mail
    flow rules are omitted.
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
        V(all) reads everything that this session may read, and lists the rest in RV(unavailable). If you name a subset
        that the session may not read, the task fails.
      - >-
        V(dlp_policies), V(labels), V(label_policies) and V(auto_label_policies) are not in V(all), so name them beside
        it. They come from Microsoft Purview's compliance endpoint, over a session of its own. What is not granted there,
        or cannot be reached, is in RV(unavailable), with the role that it needs; the task does not fail.
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
      - outbound_connectors
      - mail_users
      - journal_rules
      - exported_cmdlets
      - dlp_policies
      - labels
      - label_policies
      - auto_label_policies
    default: [all]
seealso:
  - module: m365.message_encryption.message_encryption_state
  - module: m365.message_encryption.exchange_connection_info
"""

EXAMPLES = r"""
- name: Read everything
  m365.message_encryption.message_encryption_info:
  register: encryption

- name: Read only the mail flow rules
  m365.message_encryption.message_encryption_info:
    gather: [transport_rules]
"""

RETURN = r"""
organization:
  description: >-
    The organization's names and IDs.
  returned: when requested and readable
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
    The OME configurations, as M(m365.message_encryption.ome_configuration) takes them.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - identity: "OME Configuration"
      otp_enabled: true
      social_id_sign_in: false
irm_configuration:
  description: >-
    The IRM configuration, as M(m365.message_encryption.irm_configuration) takes it.
  returned: when requested and readable
  type: dict
  sample: {"azure_rms_licensing_enabled": true, "internal_licensing_enabled": true}
activesync_org_settings:
  description: >-
    The ActiveSync settings, as M(m365.message_encryption.activesync_org_settings) takes them.
  returned: when requested and readable
  type: dict
  sample: {"allow_rms_support_for_unenlightened_apps": false}
transport_rules:
  description: >-
    The mail flow rules in order, as M(m365.message_encryption.ome_transport_rule) takes them.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "Encrypt all outgoing mail"
      enabled: true
      priority: 0
transport_rules_unsupported:
  description: >-
    The rules that no module can write, with the reason.
  returned: when requested and readable
  type: list
  elements: dict
  sample: []
transport_rules_not_rebuildable:
  description: >-
    The rules that cannot be recreated after they are removed, with the reason.
  returned: when requested and readable
  type: list
  elements: dict
  sample: []
transport_config:
  description: >-
    Exchange's limits for rules: their number, their size, and the characters of their patterns.
  returned: when requested and readable
  type: dict
  sample: {"transport_rule_limit": 300}
rms_templates:
  description: >-
    The rights management templates, by name and GUID. An empty list proves nothing, because Exchange also returns one
    if licensing is off.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "Encrypt"
      guid: "5b3a1c0e-7a1d-4d0b-9f5e-2f3c8a1d7e44"
      description: ""
owa_mailbox_policies:
  description: >-
    The mailbox policies of Outlook on the web, as M(m365.message_encryption.owa_mailbox_policy) takes them.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - identity: "OwaMailboxPolicy-Default"
      irm_enabled: true
mobile_device_mailbox_policies:
  description: >-
    The mailbox policies of mobile devices, as M(m365.message_encryption.mobile_device_mailbox_policy) takes them.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - identity: "Default"
      irm_enabled: true
accepted_domains:
  description: >-
    The domains that the organization accepts mail for, as O(m365.message_encryption.mail_flow_test#module:facts) takes
    them.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "contoso.com"
      type: "Authoritative"
      match_subdomains: false
remote_domains:
  description: >-
    The remote domains. Mail flow rules treat recipients in an internal remote domain as inside the organization.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "Default"
      domain_name: "*"
      is_internal: false
inbound_connectors:
  description: >-
    The inbound connectors, and whether they make mail from on-premises count as internal.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "From the data center"
      enabled: true
      connector_type: "OnPremises"
      cloud_services_mail_enabled: true
      treat_messages_as_internal: false
outbound_connectors:
  description: >-
    The outbound connectors, those in test mode and those that only rules use among them, with what they say of TLS on
    the way.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "Bank"
      enabled: true
      connector_type: "Partner"
      recipient_domains: ["bank.example", "*.bank.example"]
      tls_settings: "DomainValidation"
      tls_domain: "*.bank.example"
      use_mx_record: true
      smart_hosts: []
      is_transport_rule_scoped: false
      test_mode: false
      all_accepted_domains: false
      route_all_messages_via_on_premises: false
      cloud_services_mail_enabled: false
      mta_sts_mode: "Opportunistic"
      smtp_dane_mode: "Opportunistic"
mail_users:
  description: >-
    The addresses of mail users, guests among them. If there are more than 1,000, these are some of them.
  returned: when requested and readable
  type: list
  elements: str
  sample: ["ann@fabrikam.com"]
journal_rules:
  description: >-
    The journal rules, which send copies of mail elsewhere.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "Archive"
      enabled: true
      scope: "Global"
      recipient: ""
      journal_email_address: "archive@fabrikam.com"
dlp_policies:
  description:
    - >-
      The DLP policies, by priority, as O(m365.message_encryption.mail_flow_test#module:facts) takes them. They are only
      read, and M(m365.message_encryption.message_encryption_state) refuses them.
    - >-
      A condition or action that a mail flow rule has under the same name has its option and value; all others have
      Exchange's name in snake_case. The conditions of an advanced rule are one tree, C(advanced), of C(operator) (C(and),
      C(or) or C(not)) and C(conditions).
    - Whatever was not understood is in C(unreadable), with the part that it belongs to.
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "Card numbers"
      guid: "838ee1e2-1fc1-4c96-a9b8-e36c4d0a5ee1"
      mode: "Enable"
      priority: 0
      scope: {"exchange": true}
      rules:
        - name: "Card numbers to people outside"
          guid: "e1145e28-b958-49bc-aac3-17dba1170fd5"
          priority: 0
          enabled: true
          conditions:
            access_scope: "NotInOrganization"
            content_contains_sensitive_information: [{"name": "Credit Card Number", "mincount": "1"}]
          exceptions: {}
          actions: {"encrypt_rms_template": "Encrypt"}
labels:
  description: >-
    The sensitivity labels, by priority, and what each does to mail: C(encryption) is V(none), V(encrypt_only),
    V(do_not_forward), V(rights), V(user_defined) or V(remove).
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "Confidential"
      guid: "2f0f9a8c-6a3b-4c8e-9f57-0d8e7b0c1a22"
      display_name: "Confidential"
      priority: 2
      enabled: true
      content_type: ["File", "Email"]
      encryption: "encrypt_only"
label_policies:
  description: >-
    The policies that publish labels, with the label that Outlook gives new mail (C(default_label), empty if none) and
    whether it asks for one (C(mandatory)).
  returned: when requested and readable
  type: list
  elements: dict
  sample:
    - name: "Global"
      mode: "Enforce"
      priority: 0
      scope: {"exchange": true}
      enabled: true
      labels: ["Confidential"]
      default_label: ""
      mandatory: false
      settings: {}
auto_label_policies:
  description: >-
    The policies by which Exchange labels mail on the way, as RV(dlp_policies), with C(label), C(overwrite_label) and
    C(external_mail_rights_management_owner), and rules without actions.
  returned: when requested and readable
  type: list
  elements: dict
  sample: []
exported_cmdlets:
  description: >-
    The cmdlets of this collection that the session may run.
  returned: when requested and readable
  type: list
  elements: str
  sample: ["Get-IRMConfiguration", "Set-IRMConfiguration"]
unavailable:
  description: >-
    The subsets that could not be read because this session does not have the cmdlet, with the reason; also those of the
    compliance endpoint if it could not be reached. A reason that several have stands at the first of them.
  returned: always
  type: dict
  sample: {}
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ExchangeError,
    NotCapturedError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    COMPLIANCE_SUBSETS,
    SUBSETS,
    read,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import describe

SPEC: dict[str, Any] = {
    "argument_spec": {
        "gather": {
            "type": "list",
            "elements": "str",
            "choices": ["all", *SUBSETS, *COMPLIANCE_SUBSETS],
            "default": ["all"],
        }
    },
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Reads the requested subsets in one round trip, never from what earlier tasks read."""
    gather = task.params["gather"]
    named = [subset for subset in gather if subset != "all"]
    subsets = dict.fromkeys([*(SUBSETS if "all" in gather else ()), *named])
    organization = read(task.session, list(subsets), fresh=True)
    described: dict[str, Any] = {}
    unavailable: dict[str, ExchangeError] = {}
    for subset in organization.subsets:
        error = organization.error(subset)
        lacks = isinstance(error, (CmdletNotAvailableError, NotCapturedError)) and subset not in gather
        if error is not None and (lacks or subset in COMPLIANCE_SUBSETS):
            unavailable[subset] = error
        else:
            described.update(describe(organization, [subset]))
    return {"changed": False, **described, "unavailable": _reasons(unavailable)}


def _reasons(errors: Mapping[str, ExchangeError]) -> dict[str, str]:
    """Why subsets are unavailable. A reason that several have is told once."""
    first: dict[tuple[str, str], str] = {}
    reasons: dict[str, str] = {}
    for subset, error in errors.items():
        named = first.setdefault((error.message, error.remedy), subset)
        again = ExchangeError(f"for the same reason as {named}.", cmdlet=error.cmdlet)
        reasons[subset] = str(error if named == subset else again)
    return reasons


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
