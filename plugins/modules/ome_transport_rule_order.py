#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ome_transport_rule_order
short_description: The order of mail flow rules
version_added: 1.0.0
description:
  - Brings mail flow rules into an order with the fewest moves, in one run.
  - The module warns if the new order may let mail leave unprotected by rules.
  - Rules that are not named keep their order among themselves. After each move the positions are taken from a fresh
    read.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
options:
  rules:
    description:
      - The names of existing rules, first to last.
    type: list
    elements: str
    required: true
  position:
    description:
      - The position of the rules. V(first) is before all other rules, V(last) is after all other rules.
      - V(relative) orders them among each other and leaves every other rule where it is.
    type: str
    choices: [first, last, relative]
    default: relative
seealso:
  - module: m365.message_encryption.ome_transport_rules
"""

EXAMPLES = r"""
- name: Rules that strip encryption come before those that encrypt
  m365.message_encryption.ome_transport_rule_order:
    rules:
      - Strip encryption from mail between colleagues
      - Encrypt all outgoing mail
    position: first
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
  sample: {"rules": ["Encrypt all outgoing mail", "Strip encryption from mail between colleagues"]}
after:
  description: The managed options after the task, as Exchange shows them, or in check mode as they would be.
  returned: success
  type: dict
  sample: {"rules": ["Strip encryption from mail between colleagues", "Encrypt all outgoing mail"]}
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
      identity: "Strip encryption from mail between colleagues"
      option: "priority"
      before: 1
      after: 0
      impact: ""
commands:
  description: The cmdlets that ran or, in check mode, would run, as PowerShell text for review.
  returned: success, or failure while writing
  type: list
  elements: str
  sample: ["Set-TransportRule -Identity '5b3a1c0e-7a1d-4d0b-9f5e-2f3c8a1d7e44' -Priority 0 -Confirm:$false"]
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
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.in_clear import warned
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.planner import plan_order
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule_index import RuleBook

SPEC: dict[str, Any] = {
    "argument_spec": {
        "rules": {"type": "list", "elements": "str", "required": True},
        "position": {"type": "str", "choices": ["first", "last", "relative"], "default": "relative"},
        **COMMON_ARGUMENT_SPEC,
    },
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Brings the named mail flow rules into their order."""

    def planner(organization: Organization) -> Plan:
        book = RuleBook(organization)
        return warned(plan_order(book, task.params["rules"], task.params["position"]), book)

    return converge(task, ["transport_rules"], planner)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
