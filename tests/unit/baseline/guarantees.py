# SPDX-License-Identifier: GPL-3.0-or-later
"""A guarantee about mail, a rule that keeps it, and one that breaks it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .conftest import Role

Values = dict[str, Any]


LAW: Values = {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]}


ENCRYPT: Values = {"name": "Law firm", "conditions": LAW, "actions": {"apply_rights_protection_template": "Encrypt"}}


STOP: Values = {
    "name": "Newsletter",
    "conditions": {"from_scope": "InOrganization", "subject_contains_words": ["newsletter"]},
    "actions": {"stop_rule_processing": True},
}


GUARANTEE: Values = {"name": "Rules protect all mail to the law firm", "when": LAW, "then": "not_in_clear"}


def licensed(directory: Path) -> Role:
    """The role on an organization with Azure Rights Management."""
    role = Role(None, str(directory))
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    return role
