#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ome_message_info
short_description: Whether an encrypted message can be revoked, or has been
version_added: 1.0.0
description:
  - Reads the status of one encrypted message, with C(Get-OMEMessageStatus).
  - Requires Advanced Message Encryption.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.exchange.info
attributes:
  platform:
    platforms: Exchange Online
options:
  message_id:
    description:
      - The mail's header C(Message-ID), with or without its angle brackets. Message trace shows it, too.
      - The task fails if the organization does not know the message.
    type: str
    required: true
seealso:
  - module: m365.message_encryption.ome_message_revocation
  - name: Get-OMEMessageStatus
    description: Microsoft's cmdlet reference.
    link: https://learn.microsoft.com/powershell/module/exchange/get-omemessagestatus
"""

EXAMPLES = r"""
- name: Can this message still be stopped?
  m365.message_encryption.ome_message_info:
    message_id: "<portal-1@contoso.onmicrosoft.com>"
  register: message
"""

RETURN = r"""
msg:
  description: The answer in a sentence.
  returned: success
  type: str
  sample: "'Quarterly figures' can be revoked and is not."
message_id:
  description: The Message-ID with its angle brackets.
  returned: success
  type: str
  sample: "<portal-1@contoso.onmicrosoft.com>"
subject:
  description: The message's subject.
  returned: success
  type: str
  sample: Quarterly figures
is_revocable:
  description: Whether it can be revoked. Only mail that recipients read in the portal can.
  returned: success
  type: bool
  sample: true
revoked:
  description: Whether it has been revoked.
  returned: success
  type: bool
  sample: false
"""

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import read
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_message import (
    canonical_message_id,
    describe,
    reads,
)

SPEC: dict[str, Any] = {"argument_spec": {"message_id": {"type": "str", "required": True}}}


def run(task: ModuleContext) -> dict[str, Any]:
    """Asks about one message."""
    message_id = canonical_message_id(task.params["message_id"])
    message = describe(read(task.session, reads(message_id), fresh=True), message_id)
    can = "can be revoked" if message["is_revocable"] else "cannot be revoked"
    return {
        "changed": False,
        "msg": f"{message['subject']!r} {can} and is {'revoked' if message['revoked'] else 'not'}.",
        **message,
    }


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
