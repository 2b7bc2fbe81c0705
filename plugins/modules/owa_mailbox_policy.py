#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: owa_mailbox_policy
short_description: Manage IRM in mailbox policies of Outlook on the web
version_added: 1.0.0
description:
  - Manages whether the users of a policy can work with protected mail. Uses C(Get-OwaMailboxPolicy) and
    C(Set-OwaMailboxPolicy).
  - A policy with IRM off overrides the organization's settings for its users.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
options:
  identity:
    description:
      - The name of an existing policy, or C(*) for all policies.
    type: str
    required: true
  irm_enabled:
    description:
      - Whether IRM is enabled in Outlook on the web for users with this policy.
    type: bool
seealso:
  - name: Set-OwaMailboxPolicy
    description: Microsoft's cmdlet reference.
    link: https://learn.microsoft.com/powershell/module/exchange/set-owamailboxpolicy
"""

EXAMPLES = r"""
- name: Let users of all policies work with protected mail
  m365.message_encryption.owa_mailbox_policy:
    identity: "*"
    irm_enabled: true
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
  sample: {"OwaMailboxPolicy-Default": {"irm_enabled": false}}
after:
  description: The managed options after the task, as Exchange returns them or, in check mode, as they would be.
  returned: success
  type: dict
  sample: {"OwaMailboxPolicy-Default": {"irm_enabled": true}}
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
      description: The object's name. Empty if an organization has only one such object.
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
    - resource: "owa_mailbox_policy"
      identity: "OwaMailboxPolicy-Default"
      option: "irm_enabled"
      before: false
      after: true
      impact: ""
commands:
  description: The cmdlets that ran or, in check mode, would run, as PowerShell text for review.
  returned: success, or failure while writing
  type: list
  elements: str
  sample: ["Set-OwaMailboxPolicy -Identity 'OwaMailboxPolicy-Default' -IRMEnabled $true -Confirm:$false"]
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
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.mailbox_policies import (
    OWA_MAILBOX_POLICY,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.settings import converge_policies

SPEC: dict[str, Any] = {
    "argument_spec": {
        "identity": {"type": "str", "required": True},
        **OWA_MAILBOX_POLICY.argument_spec(),
        **COMMON_ARGUMENT_SPEC,
    },
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Applies the options to one policy or to all policies."""
    return converge_policies(task, OWA_MAILBOX_POLICY)


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
