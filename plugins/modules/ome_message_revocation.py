#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ome_message_revocation
short_description: Revoke an encrypted message
version_added: 1.0.0
description:
  - Makes a message that was sent encrypted unreadable in the portal, or readable again, with
    C(Set-OMEMessageRevocation).
  - Works for mail that recipients read in the portal. Mail that was delivered to the mailbox cannot be revoked.
  - It ends the access and deletes nothing. What is in the recipient's mailbox stays there, and so do your own copies.
  - Requires Advanced Message Encryption.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes
  - m365.message_encryption.exchange
attributes:
  platform:
    platforms: Exchange Online
options:
  message_id:
    description:
      - The mail's header C(Message-ID), with or without its angle brackets. Message trace shows it, too.
      - A message that the organization does not know, or that cannot be revoked, fails the task, in check mode as well.
    type: str
    required: true
  revoked:
    description:
      - Whether the message is revoked. V(false) makes it readable again.
    type: bool
    default: true
seealso:
  - module: m365.message_encryption.ome_message_info
  - name: Set-OMEMessageRevocation
    description: Microsoft's cmdlet reference.
    link: https://learn.microsoft.com/powershell/module/exchange/set-omemessagerevocation
"""

EXAMPLES = r"""
- name: Stop a message
  m365.message_encryption.ome_message_revocation:
    message_id: "<portal-1@contoso.onmicrosoft.com>"

- name: Let it be read again
  m365.message_encryption.ome_message_revocation:
    message_id: portal-1@contoso.onmicrosoft.com
    revoked: false
"""

RETURN = r"""
msg:
  description: What was done, in a sentence.
  returned: success
  type: str
  sample: <portal-1@contoso.onmicrosoft.com> is revoked.
before:
  description: The managed options before the task, by this module's option names.
  returned: success
  type: dict
  sample: {"revoked": false}
after:
  description: The managed options after the task, as Exchange shows them, or in check mode as they would be.
  returned: success
  type: dict
  sample: {"revoked": true}
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
      description: The Message-ID.
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
    - resource: "ome_message_revocation"
      identity: "<portal-1@contoso.onmicrosoft.com>"
      option: "revoked"
      before: false
      after: true
      impact: "takes away"
commands:
  description: The cmdlets that ran or, in check mode, would run, as PowerShell text for review.
  returned: success, or failure while writing
  type: list
  elements: str
  sample: ["Set-OMEMessageRevocation -MessageId '<portal-1@contoso.onmicrosoft.com>' -Revoke $true"]
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
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_message import (
    canonical_message_id,
    plan_revocation,
    reads,
)

SPEC: dict[str, Any] = {
    "argument_spec": {
        "message_id": {"type": "str", "required": True},
        "revoked": {"type": "bool", "default": True},
        **COMMON_ARGUMENT_SPEC,
    },
}


def run(task: ModuleContext) -> dict[str, Any]:
    """Revokes one message, or lets it be read again."""
    message_id, revoked = canonical_message_id(task.params["message_id"]), task.params["revoked"]
    result = converge(
        task, reads(message_id), lambda organization: plan_revocation(organization, message_id, revoked=revoked)
    )
    verb = "would be" if task.check_mode and result["changed"] else "is"
    return {
        **result,
        "msg": f"{message_id} {verb} {'revoked' if revoked else 'readable'}{'' if result['changed'] else ' already'}.",
    }


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
