#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: message_encryption_state
short_description: A whole organization, put into a state that was read before
version_added: 1.0.0
description:
  - The counterpart of M(m365.message_encryption.message_encryption_info). It takes that module's output, or parts of
    it, and brings the organization there.
  - One task, one read, and only the writes that differ, in a safe order.
  - >-
    It is exact: a mail flow rule's sections are authoritative, also for what a portal adds on its own. Rules keep their
    order relative to each other; their C(priority) is not used.
  - >-
    It cannot restore the GUID of a removed rule (the name is used then), a date in the past, and a logo of which
    Exchange shows only a URL.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
options:
  state:
    description:
      - The whole output of M(m365.message_encryption.message_encryption_info), as it was registered. Parts that are
        given as separate options override it.
    type: dict
  ome_configurations:
    description:
      - Part RV(m365.message_encryption.message_encryption_info#module:ome_configurations) of that output. Anything that
        it does not name is left alone. A configuration that is listed twice is refused.
    type: list
    elements: dict
  irm_configuration:
    description:
      - Part RV(m365.message_encryption.message_encryption_info#module:irm_configuration) of that output. Anything that
        it does not name is left alone.
    type: dict
  activesync_org_settings:
    description:
      - Part RV(m365.message_encryption.message_encryption_info#module:activesync_org_settings) of that output. Anything
        that it does not name is left alone.
    type: dict
  owa_mailbox_policies:
    description:
      - Part RV(m365.message_encryption.message_encryption_info#module:owa_mailbox_policies) of that output. Anything
        that it does not name is left alone. A policy that is listed twice is refused.
    type: list
    elements: dict
  mobile_device_mailbox_policies:
    description:
      - Part RV(m365.message_encryption.message_encryption_info#module:mobile_device_mailbox_policies) of that output.
        Others are left alone. A policy that is listed twice is refused.
    type: list
    elements: dict
  transport_rules:
    description:
      - Part RV(m365.message_encryption.message_encryption_info#module:transport_rules) of that output. Anything that it
        does not name is left alone.
    type: list
    elements: dict
  organization:
    description:
      - Part RV(m365.message_encryption.message_encryption_info#module:organization) of that output. The state of
        another organization is refused.
    type: dict
  unmanaged:
    description:
      - What happens to mail flow rules and OME configurations that the state does not name. Only rules that encrypt or
        decrypt are ever changed. The state names those, too, that it lists in C(transport_rules_unsupported).
      - >-
        V(remove) removes only what can be recreated; other rules are disabled, with a warning. OME configurations
        cannot be disabled, so V(disable) warns about them.
    type: str
    choices: [keep, warn, disable, remove]
    default: keep
  omitted:
    description:
      - >-
        What an option means that an object of the state does not name. V(keep) leaves it as it is. V(default) gives it
        what is empty, and to mail flow rules what Exchange gives a new one, as a file of
        M(m365.message_encryption.message_encryption_export) means it.
      - Switches and choices of settings have no such default and are left as they are.
    type: str
    choices: [keep, default]
    default: keep
seealso:
  - module: m365.message_encryption.message_encryption_info
  - module: m365.message_encryption.message_encryption_export
"""

EXAMPLES = r"""
- name: Remember
  m365.message_encryption.message_encryption_info:
  register: encryption

- name: Put everything back
  m365.message_encryption.message_encryption_state:
    state: "{{ encryption }}"

- name: Put only the rules back
  m365.message_encryption.message_encryption_state:
    transport_rules: "{{ encryption.transport_rules }}"
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
  sample: {"irm_configuration": {"simplified_client_access_enabled": false}}
after:
  description: The managed options after the task, as Exchange shows them, or in check mode as they would be.
  returned: success
  type: dict
  sample: {"irm_configuration": {"simplified_client_access_enabled": true}}
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
  sample: []
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
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import converge
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Plan
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.plan_effects import unlicensed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.plans import (
    licensing_warnings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    OME_CONFIGURATION,
    is_default,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import (
    PARTS,
    declare_state,
    plan_state,
    refuse_other_organization,
    state_argument_spec,
    subsets_of,
    unsupported_rules,
    validated,
    whole_state,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.resource import Planning
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.organization_rules import (
    with_licensing,
)

SPEC: dict[str, Any] = {
    "argument_spec": {
        "state": {"type": "dict"},
        # What is inside of a part is validated with the rest of the state.
        **{
            part: {key: value for key, value in row.items() if key != "options"}
            for part, row in state_argument_spec().items()
        },
        "unmanaged": {"type": "str", "choices": ["keep", "warn", "disable", "remove"], "default": "keep"},
        "omitted": {"type": "str", "choices": ["keep", "default"], "default": "keep"},
        **COMMON_ARGUMENT_SPEC,
    },
    "required_one_of": [["state", *PARTS]],
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Brings every part that the state holds to what it holds."""
    own_parts = {
        part: value for part, value in task.params.items() if part in (*PARTS, "organization") and value is not None
    }
    state = validated({**(task.params["state"] or {}), **own_parts})
    unsupported = unsupported_rules(task.params["state"] or {})
    parts = declare_state(whole_state(state) if task.params["omitted"] == "default" else state)

    rules = parts.get("transport_rules") or ()

    def planner(organization: Organization) -> Plan:
        refuse_other_organization(
            organization, state, remedy="Leave organization out to apply it to another organization on purpose."
        )
        options = Planning(
            restoring=True,
            unmanaged=task.params["unmanaged"],
            unsupported_rules=unsupported,
            check_mode=task.check_mode,
            created=tuple(task.foreseen),
            says_in_clear=True,
        )
        plan = plan_state(organization, parts, options)
        plan.warnings += licensing_warnings(*unlicensed(organization, plan.steps, rules))
        return plan

    # A check says whether the session has the cmdlet for a custom configuration, as that of ome_configuration does.
    custom = not all(map(is_default, parts.get(OME_CONFIGURATION.subset) or ()))
    more = ["exported_cmdlets"] if task.check_mode and custom else []
    return converge(task, list(dict.fromkeys([*subsets_of(parts), *with_licensing(rules), *more])), planner)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
