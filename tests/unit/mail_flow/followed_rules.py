# SPDX-License-Identifier: GPL-3.0-or-later
"""A small organization, whose mail goes through rules and what follows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator

FACTS: dict[str, Any] = {
    "accepted_domains": ["contoso.com"],
    "remote_domains": [],
    "mailboxes": ["megan@contoso.com"],
    "mail_users": [],
    "outbound_connectors": [],
    "irm_configuration": {},
    "ome_configurations": [{"identity": "Brand", "external_mail_expiry_in_days": 7}],
}
OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}


def rule(name: str, **actions: Any) -> dict[str, Any]:
    return {
        "name": name,
        "enabled": True,
        "mode": "Enforce",
        "conditions": OUT,
        "exceptions": {},
        "actions": actions,
    }


ENCRYPT = rule("Encrypt", apply_rights_protection_template="Encrypt")
BRAND = rule(
    "Brand", apply_rights_protection_template="Encrypt", apply_rights_protection_customization_template="Brand"
)
DECRYPT = {**rule("Decrypt", remove_ome_v2=True), "conditions": {}}


def message(**keys: Any) -> dict[str, Any]:
    return {"from": "megan@contoso.com", "authenticated": True, "to": ["ann@fabrikam.com"], "attachments": [], **keys}


def outcome(rules: Sequence[dict[str, Any]], told: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """What happens to a copy for somebody outside."""
    simulator = Simulator(rules, facts_of({**FACTS, **told}))
    found: dict[str, Any] = simulator.run(message_of(message(**keys), "", "message"))["recipients"]["ann@fabrikam.com"]
    return found
