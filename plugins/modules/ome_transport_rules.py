#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ome_transport_rules
short_description: A whole list of mail flow rules, in order
version_added: 1.0.0
description:
  - Manages several mail flow rules with one read and only the writes that differ.
  - The module warns if a change may let mail leave unprotected by rules, or if a listed rule is to encrypt while licensing is off.
  - They are ordered as in the list, relative to each other. Rules that are not in the list keep their places between
    them.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
  - m365.message_encryption.transport_rule.rules
options:
  unmanaged:
    description:
      - What happens to rules that are not in the list. Only rules that encrypt or decrypt are ever changed.
      - V(warn) also names the rules that can keep mail from a listed rule that encrypts, or delete, reject, redirect,
        hold or decrypt its mail.
      - V(remove) removes only what can be recreated; the others are disabled, with a warning.
    type: str
    choices: [keep, warn, disable, remove]
    default: keep
seealso:
  - module: m365.message_encryption.ome_transport_rule
  - module: m365.message_encryption.ome_transport_rule_order
"""

EXAMPLES = r"""
- name: The organization's rules of message encryption
  m365.message_encryption.ome_transport_rules:
    unmanaged: warn
    rules:
      - name: Strip encryption from mail between colleagues
        enabled: true
        mode: Enforce
        conditions:
          from_scope: InOrganization
          sent_to_scope: InOrganization
        exceptions: {}
        actions:
          remove_ome_v2: true
      - name: Encrypt all outgoing mail
        enabled: true
        mode: Enforce
        rule_error_action: Defer
        conditions:
          from_scope: InOrganization
          sent_to_scope: NotInOrganization
        exceptions: {}
        actions:
          apply_rights_protection_template: Encrypt
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
  sample: {"rules": [{"state": "absent"}]}
after:
  description: The managed options after the task, as Exchange shows them, or in check mode as they would be.
  returned: success
  type: dict
  sample: {"rules": [{"state": "present", "name": "Encrypt all outgoing mail"}]}
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
      option: "state"
      before: "absent"
      after: "present"
      impact: ""
commands:
  description: The cmdlets that ran or, in check mode, would run, as PowerShell text for review.
  returned: success, or failure while writing
  type: list
  elements: str
  sample: ["New-TransportRule -Name 'Encrypt all outgoing mail' -FromScope 'InOrganization' -ApplyRightsProtectionTemplate 'Encrypt' -Confirm:$false"]
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
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan, warning
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.foreign_rules import (
    foreign_rules,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.plan_effects import (
    rules_after,
    unlicensed,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import rules_from
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.plans import (
    foreign_line,
    foreign_row,
    licensing_warnings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import rule_argument_spec
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.in_clear import warned
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.organization_rules import (
    with_licensing,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import plan_rules
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import declare
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import RuleBook

SPEC: dict[str, Any] = {
    "argument_spec": {
        "rules": {"type": "list", "elements": "dict", "required": True, "options": rule_argument_spec()},
        "unmanaged": {"type": "str", "choices": ["keep", "warn", "disable", "remove"], "default": "keep"},
        **COMMON_ARGUMENT_SPEC,
    },
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Brings all listed mail flow rules, and their order, to what the options declare."""
    rules = [declare(options, f"rules[{index}].") for index, options in enumerate(task.params["rules"])]

    def planner(organization: Organization) -> Plan:
        book = RuleBook(organization, check_mode=task.check_mode, created=task.foreseen)
        plan = warned(plan_rules(book, rules, unmanaged=task.params["unmanaged"], refuse_doubles=True), book)
        plan.warnings += licensing_warnings(*unlicensed(organization, plan.steps, rules))
        if task.params["unmanaged"] == "warn":
            stored = [stored_rule.name for rule in rules if (stored_rule := book.find(rule))]
            after = rules_after(rules_from(organization), plan.steps)
            foreign = foreign_rules(after, [*stored, *(rule.name for rule in rules)], {})
            plan.warnings += [
                warning("unmanaged_rule", f"The rule {foreign_line(foreign_row(rule))}", rule=rule.name)
                for rule in foreign
                if rule.does
            ]
        return plan

    return converge(task, with_licensing(rules), planner)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
