#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ome_transport_rule
short_description: A mail flow rule that encrypts, decrypts, or does anything else
version_added: 1.0.0
description:
  - Manages one mail flow rule, with C(Get-), C(New-), C(Set-), C(Enable-), C(Disable-) and C(Remove-TransportRule).
  - >-
    O(conditions), O(exceptions) and O(actions) are sections. A section is authoritative: anything else in it is drift
    and is removed.
    A section that is omitted is left alone. C({}) clears conditions or exceptions.
  - A new rule is created in its place and in its state with one call, so that mail never leaves without it in
    between.
  - >-
    Exchange fills in counterparts: the code of a rejection, its text, the place and the fallback of a disclaimer, the
    operator of a comparison. They count as declared with their default.
  - The module warns if a change may let mail leave unprotected by rules, or if the rule is to encrypt while licensing is off.
  - >-
    The module warns if a rule that encrypts has no condition that keeps its senders inside: it has no effect on mail
    from outside, or bounces it.
  - >-
    Exchange Online takes no sensitive information types (SSN, card numbers) and no other data loss prevention in mail
    flow rules since November 2023. They are refused by name: use a DLP policy of Microsoft Purview, or patterns.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
  - m365.message_encryption.transport_rule
options:
  place_before:
    description:
      - The name of a rule that this one must precede. A rule that already precedes it anywhere stays; a new or moved
        rule is put directly before it.
      - A run that writes fails if there is no such rule. In check mode that is a warning, because an earlier task may
        create it.
      - 'PowerShell: C(Priority).'
    type: str
  place_after:
    description:
      - The name of a rule that this one must follow. A rule that already follows it anywhere stays; a new or moved rule
        is put directly after it.
      - A run that writes fails if there is no such rule. In check mode that is a warning, because an earlier task may
        create it.
      - 'PowerShell: C(Priority).'
    type: str
seealso:
  - module: m365.message_encryption.ome_transport_rules
  - module: m365.message_encryption.ome_transport_rule_order
  - name: New-TransportRule
    description: Microsoft's cmdlet reference.
    link: https://learn.microsoft.com/powershell/module/exchange/new-transportrule
"""

EXAMPLES = r"""
- name: Encrypt all outgoing mail, and let it wait where that fails
  m365.message_encryption.ome_transport_rule:
    name: Encrypt all outgoing mail
    enabled: true
    mode: Enforce
    rule_error_action: Defer
    conditions:
      from_scope: InOrganization
      sent_to_scope: NotInOrganization
    exceptions: {}
    actions:
      apply_rights_protection_template: Encrypt

- name: Do Not Forward for what is marked as confidential
  m365.message_encryption.ome_transport_rule:
    name: Protect confidential mail
    enabled: true
    mode: Enforce
    place_before: Encrypt all outgoing mail
    conditions:
      from_scope: InOrganization
      subject_or_body_contains_words: [confidential, "strictly internal"]
    exceptions:
      recipient_domain_is: [fabrikam.com]
    actions:
      apply_rights_protection_template: Do Not Forward

- name: Encrypt what the board sends, without a right to forward or print, with a template of the organization's own
  m365.message_encryption.ome_transport_rule:
    name: Protect the board's mail
    enabled: true
    mode: Enforce
    conditions:
      from_member_of: [board@contoso.com]
      sent_to_scope: NotInOrganization
    exceptions:
      sent_to: [auditor@fabrikam.com]
      subject_contains_words: [public]
    actions:
      apply_rights_protection_template: Confidential

- name: Encrypt, and lead everybody outside to the portal, even with Outlook
  m365.message_encryption.ome_transport_rule:
    name: Read in the portal
    enabled: true
    mode: Enforce
    conditions:
      from_scope: InOrganization
      sent_to_scope: NotInOrganization
    exceptions: {}
    actions:
      apply_rights_protection_template: Encrypt
      apply_rights_protection_customization_template: OME Configuration

- name: Encrypt, with a brand and an expiry of its own, in the portal (Advanced Message Encryption)
  m365.message_encryption.ome_transport_rule:
    name: Brand mail of human resources
    enabled: true
    mode: Enforce
    conditions:
      from_member_of: [hr@contoso.com]
      sent_to_scope: NotInOrganization
    exceptions:
      recipient_domain_is: [fabrikam.com]
    actions:
      apply_rights_protection_template: Encrypt
      apply_rights_protection_customization_template: One week expiration

- name: Decrypt answers that come back, and their attachments, for people inside
  m365.message_encryption.ome_transport_rule:
    name: Decrypt answers
    enabled: true
    mode: Enforce
    conditions:
      from_scope: NotInOrganization
      sent_to_scope: InOrganization
      message_type_matches: PermissionControlled
    exceptions: {}
    actions:
      remove_ome_v2: true
      remove_rms_attachment_encryption: true

- name: Try a rule without its effect, and report what it would take
  m365.message_encryption.ome_transport_rule:
    name: Encrypt large attachments
    enabled: true
    mode: AuditAndNotify
    conditions:
      from_scope: InOrganization
      attachment_size_over: 10MB
    exceptions:
      header_contains_message_header: X-Sent-By
      header_contains_words: [scanner]
    actions:
      apply_rights_protection_template: Encrypt
      generate_incident_report: security@contoso.com
      incident_report_content: [Sender, Recipients, Subject]

- name: Remove a rule
  m365.message_encryption.ome_transport_rule:
    name: Encrypt large attachments
    state: absent

- name: Switch a rule off
  m365.message_encryption.ome_transport_rule:
    name: Encrypt all outgoing mail
    enabled: false
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
  sample: {"state": "present", "name": "Encrypt all outgoing mail", "enabled": true}
after:
  description: The managed options after the task, as Exchange shows them, or in check mode as they would be.
  returned: success
  type: dict
  sample: {"state": "present", "name": "Encrypt all outgoing mail", "enabled": false}
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
        V(deletes), V(takes away), V(widens), V(affects some mail). Otherwise empty. Of a rule, what the rule alone
        tells; M(m365.message_encryption.mail_flow_test) and the role's plan show the effect on mail of all rules
        together.
      type: str
      returned: always
  sample:
    - resource: "ome_transport_rule"
      identity: "Encrypt all outgoing mail"
      option: "enabled"
      before: true
      after: false
      impact: "takes away"
commands:
  description: The cmdlets that ran or, in check mode, would run, as PowerShell text for review.
  returned: success, or failure while writing
  type: list
  elements: str
  sample: ["Disable-TransportRule -Identity '5b3a1c0e-7a1d-4d0b-9f5e-2f3c8a1d7e44' -Confirm:$false"]
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
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.plan_effects import unlicensed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.plans import (
    licensing_warnings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import rule_argument_spec
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.in_clear import warned
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.organization_rules import (
    with_licensing,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import plan_in_place
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import declare
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import RuleBook

SPEC: dict[str, Any] = {
    "argument_spec": {
        **rule_argument_spec(),
        "place_before": {"type": "str"},
        "place_after": {"type": "str"},
        **COMMON_ARGUMENT_SPEC,
    },
    "required_one_of": [["name", "guid"]],
    "mutually_exclusive": [["priority", "place_before", "place_after"]],
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Brings one mail flow rule to what the options declare."""
    rule = declare(task.params)
    place_before, place_after = task.params["place_before"], task.params["place_after"]

    def planner(organization: Organization) -> Plan:
        book = RuleBook(organization, check_mode=task.check_mode, created=task.foreseen)
        plan = warned(plan_in_place(book, rule, place_before=place_before, place_after=place_after), book)
        plan.warnings += licensing_warnings(*unlicensed(organization, plan.steps, [rule]))
        return plan

    return converge(task, with_licensing([rule]), planner)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
