#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_connection_info
short_description: Who we are, which organization this is, and what we may do
version_added: 1.0.0
description:
  - The first task to try with a new organization. It opens a session, or uses the run's, and says what it found.
  - Where something is refused it fails with what to do about it.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.exchange.info
options: {}
seealso:
  - module: m365.message_encryption.message_encryption_info
"""

EXAMPLES = r"""
- name: Can we work with this organization?
  m365.message_encryption.exchange_connection_info:
  register: connection

- name: Show it
  ansible.builtin.debug:
    var: connection
"""

RETURN = r"""
organization:
  description: Who the organization is.
  returned: success
  type: dict
  sample: {"name": "contoso.onmicrosoft.com", "tenant_id": "6f4a1f9e-4c0c-4f0f-9a53-0f2f1c1f7a11", "on_premises": false}
connection:
  description: How the session was opened, and as whom. It holds no secret.
  returned: success
  type: dict
  sample:
    transport: "rest"
    endpoint: "https://outlook.office365.com"
    authentication: "certificate"
    client_id: "0b6f2f34-2f2c-4a2a-8d0d-3f1d3c5a7e11"
exported_cmdlets:
  description: The cmdlets that this session may run, of those that the collection uses.
  returned: success
  type: list
  elements: str
  sample: ["Get-IRMConfiguration", "Set-IRMConfiguration"]
missing_cmdlets:
  description: The cmdlets of the collection that this session may not run, each with the role or licence that grants it.
  returned: success
  type: dict
  sample: {"New-OMEConfiguration": "Advanced Message Encryption"}
advanced_message_encryption:
  description: Whether the session has the cmdlets that come with Advanced Message Encryption.
  returned: success
  type: bool
  sample: true
may_read_ome_configuration:
  description: Whether Exchange lets this application read OME configurations, which it has been seen to refuse to applications.
  returned: success
  type: bool
  sample: true
round_trip_ms:
  description: How long one read took, in milliseconds.
  returned: success
  type: int
  sample: 180
"""

import time
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine import Task
from ansible_collections.m365.message_encryption.plugins.module_utils._organization import CMDLETS, read
from ansible_collections.m365.message_encryption.plugins.module_utils._refusal import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._roles import ADVANCED_MESSAGE_ENCRYPTION, GRANTED_BY
from ansible_collections.m365.message_encryption.plugins.module_utils._state import describe_organization

SPEC: dict[str, Any] = {"argument_spec": {}}


def run(task: Task) -> dict[str, Any]:
    """Opens the session and says what it found."""
    read(task.session, ["organization"], fresh=True)
    begin = time.monotonic()
    organization = read(task.session, ["organization", "exported_cmdlets", "ome_configurations"], fresh=True)
    round_trip = time.monotonic() - begin
    granted = {str(item["Name"]) for item in organization.objects("exported_cmdlets")}
    refused = organization.error("ome_configurations")
    who = describe_organization(organization.only("organization"))
    if refused and not who["on_premises"]:
        task.warnings.append(f"OME configurations cannot be read: {refused}")
    return {
        "changed": False,
        "organization": who,
        "connection": task.describe(),
        "exported_cmdlets": sorted(granted),
        "missing_cmdlets": {cmdlet: GRANTED_BY[cmdlet] for cmdlet in CMDLETS if cmdlet not in granted},
        "advanced_message_encryption": granted.issuperset(ADVANCED_MESSAGE_ENCRYPTION),
        "may_read_ome_configuration": refused is None,
        "round_trip_ms": round(round_trip * 1000),
    }


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
