#!/usr/bin/python
# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_connection_info
short_description: Shows the connected organization, its credential, and what that credential can do
version_added: 1.0.0
description:
  - Try this task first with a new organization. It opens a session, or uses the session of the run, and shows what it
    found.
  - If no session can be opened, the host is unreachable, and the message says what to do.
  - If a session lacks permissions, the task succeeds with a warning for each, which says what grants it.
author:
  - the m365.message_encryption contributors (!UNKNOWN)
extends_documentation_fragment:
  - m365.message_encryption.attributes.info
  - m365.message_encryption.exchange.info
options: {}
seealso:
  - module: m365.message_encryption.message_encryption_info
  - ref: Licenses <ansible_collections.m365.message_encryption.docsite.guide_licenses>
    description: Which plans have message encryption, and what Advanced Message Encryption adds.
"""

EXAMPLES = r"""
- name: Can we work with this organization?
  m365.message_encryption.exchange_connection_info:
  register: exchange

- name: Show it
  ansible.builtin.debug:
    var: connection

- name: Go on only where everything is granted
  ansible.builtin.assert:
    that: exchange.missing_cmdlets == {}
"""

RETURN = r"""
msg:
  description: What was found, in a sentence.
  returned: success
  type: str
  sample: >-
    contoso.onmicrosoft.com over rest as 0b6f2f34-2f2c-4a2a-8d0d-3f1d3c5a7e11 (certificate_path):
    38 of 38 cmdlets, with Advanced Message Encryption, 180 ms a round trip.
organization:
  description: Which organization it is. Left out where C(Get-OrganizationConfig) is not granted.
  returned: success
  type: dict
  contains:
    name:
      description: The organization's name, in Exchange Online its initial domain.
      type: str
      returned: always
    display_name:
      description: The name that people read.
      type: str
      returned: always
    tenant_id:
      description: The tenant id; empty on-premises, and where the session shows none.
      type: str
      returned: always
    guid:
      description: Exchange's own GUID of the organization.
      type: str
      returned: always
    on_premises:
      description: Whether it is Exchange on-premises.
      type: bool
      returned: always
    is_dehydrated:
      description: Whether the organization still shares Microsoft's defaults, so that some objects cannot be created in
        it.
      type: bool
      returned: always
  sample: {"name": "contoso.onmicrosoft.com", "tenant_id": "6f4a1f9e-4c0c-4f0f-9a53-0f2f1c1f7a11", "on_premises": false}
connection:
  description: How the session was opened, and as whom. It holds no secret.
  returned: success
  type: dict
  contains:
    transport:
      description: The transport, V(rest), V(psrp), V(powershell) or V(file).
      type: str
      returned: always
    endpoint:
      description: The address that the session is with. Over V(powershell) it is the program in which the module runs,
        over V(file) the capture.
      type: str
      returned: always
    environment:
      description: The Microsoft cloud.
      type: str
      returned: always
    credential:
      description: The kind of credential, such as V(certificate_path); V(none) where the connection uses none.
      type: str
      returned: always
    client_id:
      description: The application; V(null) where there is none.
      type: str
      returned: always
    user:
      description: The user on the management host or Exchange server, or who has signed in; V(null) where there is
        none.
      type: str
      returned: always
    read_only:
      description: Whether writes are refused, because a person has signed in for a look.
      type: bool
      returned: always
    connect_seconds:
      description: How long it took to open the session.
      type: float
      returned: always
  sample:
    transport: rest
    endpoint: "https://outlook.office365.com"
    environment: O365Default
    credential: certificate_path
    client_id: "0b6f2f34-2f2c-4a2a-8d0d-3f1d3c5a7e11"
    user:
    read_only: false
    connect_seconds: 1.4
exported_cmdlets:
  description: The cmdlets that this session may run, of those that the collection uses. Left out where Exchange does
    not say.
  returned: success
  type: list
  elements: str
  sample: ["Get-IRMConfiguration", "Set-IRMConfiguration"]
missing_cmdlets:
  description: >-
    The cmdlets of the collection that this session may not run, each with the role or license that grants it. What
    Exchange on-premises does not have is not missing there. Left out where Exchange does not say.
  returned: success
  type: dict
  sample: {"New-OMEConfiguration": "the license Advanced Message Encryption"}
advanced_message_encryption:
  description: Whether the session has the cmdlets that come with Advanced Message Encryption, the license for further
    brands, expiry, revocation and the log of the portal. A role that withholds them looks the same. Left out where
    Exchange does not say.
  returned: success
  type: bool
  sample: true
may_read_ome_configuration:
  description: Whether Exchange lets this application read OME configurations, which it has been seen to refuse to
    applications.
  returned: success
  type: bool
  sample: true
missing_step:
  description: >-
    The step that the organization has not been prepared with: V(certificate), V(application),
    V(enterprise_application), V(consent), V(role_group) or V(roles). Empty where none is missing.
  returned: success, and where an error shows it
  type: str
  sample: ""
round_trip_ms:
  description: How long one read took, in milliseconds.
  returned: success
  type: int
  sample: 180
"""

import time
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.entry import refuse
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    PermissionDeniedError,
    UnreachableError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization, read
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import (
    ADVANCED_MESSAGE_ENCRYPTION,
    lacks_roles,
    missing_cmdlets,
    missing_sentences,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.preparation import (
    missing_step,
    step_sentence,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SessionDescription

SPEC: dict[str, Any] = {"argument_spec": {}}

_OME_REMEDY = (
    "Exchange has been seen to refuse this to applications, and which role is enough is not documented: try the Entra role Exchange Administrator, "
    "or a role group with Information Rights Management and View-Only Configuration. Everything but ome_configuration works without it."
)


def run(task: ModuleContext) -> dict[str, Any]:
    """Opens the session and says what it found."""
    try:
        organization = read(task.session, ["organization", "exported_cmdlets", "ome_configurations"], fresh=True)
    except UnreachableError as error:
        if step := missing_step(error):
            error.remedy = f"{error.remedy} {step_sentence(step)}".strip()
            error.result = {"missing_step": step}
        raise
    began = time.monotonic()
    read(task.session, ["organization"], fresh=True)
    round_trip_ms = round((time.monotonic() - began) * 1000)
    session = task.describe()
    result: dict[str, Any] = {"changed": False, "connection": session.connection, "round_trip_ms": round_trip_ms}

    unnamed = _refused(organization, "organization")
    if unnamed is None:
        result["organization"] = organization.identity.as_row()
    else:
        task.warnings.append(f"The organization is unknown: {unnamed}")
    identity = organization.identity_or_unknown

    unlisted = _refused(organization, "exported_cmdlets")
    missing: dict[str, str] = {}
    facts = []
    if unlisted is None:
        granted = {str(item["Name"]) for item in organization.objects("exported_cmdlets")}
        missing = missing_cmdlets(granted, on_premises=bool(identity.on_premises))
        advanced = granted >= ADVANCED_MESSAGE_ENCRYPTION
        result.update(exported_cmdlets=sorted(granted), missing_cmdlets=missing, advanced_message_encryption=advanced)
        facts = [
            f"{len(granted)} of {len(granted) + len(missing)} cmdlets",
            f"with{'' if advanced else 'out'} Advanced Message Encryption",
        ]
        task.warnings += missing_sentences(missing)
    else:
        task.warnings.append(f"The granted cmdlets are unknown: {unlisted}")

    step = "roles" if not identity.on_premises and lacks_roles(missing) else ""
    result["missing_step"] = step
    if step:
        task.warnings.append(step_sentence(step))
    unread = _refused(organization, "ome_configurations")
    result["may_read_ome_configuration"] = unread is None
    if unread is not None and not identity.on_premises:
        task.warnings.append(f"OME configurations cannot be read: {unread.message} {_OME_REMEDY}")
    facts.append(f"{round_trip_ms} ms a round trip")
    return {"msg": f"{identity.name or 'Unknown organization'} {_way(session)}: {', '.join(facts)}.", **result}


def _refused(organization: Organization, subset: str) -> ExchangeError | None:
    """Why the session may not read a subset; ``None`` where it may. Any other failure is raised: it says nothing about
    permissions.
    """
    error = organization.error(subset)
    if error is not None and not isinstance(error, PermissionDeniedError):
        raise error
    return error


def _way(session: SessionDescription) -> str:
    """Over what the session runs, and as whom."""
    if session.transport == "file":
        return f"over file ({session.endpoint})"
    return f"over {session.transport} as {session.user or session.client_id or 'an application'} ({session.credential})"


def main() -> None:
    """Refuses: the module runs through its action plugin."""
    refuse(**SPEC, supports_check_mode=True)


if __name__ == "__main__":
    main()
