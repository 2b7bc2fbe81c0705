# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide on mail flow rules: each of its examples works as it stands, and does what its text says."""

from __future__ import annotations

import importlib
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.emulated_session import WIRES, EmulatedSession

GUIDE = Path(__file__).resolve().parents[4] / "docs/docsite/rst/guide_mail_flow_rules.rst"


def tasks() -> list[dict[str, Any]]:
    """The tasks of the guide, in order."""
    blocks = re.findall(
        r"^\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return [task for block in blocks for task in yaml.safe_load(textwrap.dedent(block))]


def run(session: EmulatedSession, task: dict[str, Any]) -> dict[str, Any]:
    """Checks, runs and runs again."""
    ((action, options),) = ((key, value) for key, value in task.items() if key != "name")
    module = importlib.import_module(
        f"ansible_collections.m365.message_encryption.plugins.modules.{action.rpartition('.')[2]}"
    )
    before = session.organization.dump()
    foretold = session.run(module, check_mode=True, **options)
    assert session.organization.dump() == before
    done = session.run(module, **options)
    assert done["changes"] == foretold["changes"]
    assert not session.run(module, **options)["changed"], task["name"]
    return done


@pytest.mark.parametrize("wire", WIRES)
def test_the_guide_from_first_to_last(wire: str) -> None:
    session = EmulatedSession({"advanced_message_encryption": True}, wire)
    seen: dict[str, Any] = {}
    for task in tasks():
        done = run(session, task)
        assert done["changed"], task["name"]
        assert not any("550 5.7.162" in warning for warning in session.warnings)
        for rule in session.organization.state["transport_rules"]:
            seen.setdefault(rule["Name"], rule)
    kept = {
        "Name",
        "Guid",
        "State",
        "CreatedBy",
        "LastModifiedBy",
        "WhenChanged",
        "Priority",
        "Mode",
        "SenderAddressLocation",
        "RecipientAddressType",
    }
    assert {name: {key: value for key, value in rule.items() if key not in kept} for name, rule in seen.items()} == {
        "Encrypt on request": {
            "RuleErrorAction": "Defer",
            "FromScope": "InOrganization",
            "SubjectContainsWords": ["[encrypt]", "[secure]"],
            "ApplyRightsProtectionTemplate": "Encrypt",
        },
        "Protect mail to the law firm": {
            "RuleErrorAction": "Ignore",
            "FromScope": "InOrganization",
            "RecipientDomainIs": ["fabrikam.com"],
            "ExceptIfSentTo": ["newsletter@fabrikam.com"],
            "ApplyRightsProtectionTemplate": "Do Not Forward",
        },
        "All outgoing mail": {
            "RuleErrorAction": "Ignore",
            "FromScope": "InOrganization",
            "SentToScope": "NotInOrganization",
            "ApplyRightsProtectionTemplate": "Encrypt",
            "ApplyRightsProtectionCustomizationTemplate": "One week expiration",
        },
        "Strip encryption inside": {
            "RuleErrorAction": "Ignore",
            "FromScope": "InOrganization",
            "SentToScope": "InOrganization",
            "MessageTypeMatches": "PermissionControlled",
            "RemoveOMEv2": True,
            "RemoveRMSAttachmentEncryption": True,
        },
        "Protect what is marked confidential": {
            "RuleErrorAction": "Ignore",
            "FromScope": "InOrganization",
            "HeaderContainsMessageHeader": "Sensitivity",
            "HeaderContainsWords": ["Company-Confidential"],
            "ApplyRightsProtectionTemplate": "Do Not Forward",
        },
    }
    assert [rule["Name"] for rule in session.organization.state["transport_rules"]] == [
        *(
            "Strip encryption inside",
            "Protect what is marked confidential",
            "Encrypt on request",
            "Protect mail to the law firm",
        )
    ]
    assert session.organization.state["ome_configurations"][1]["ExternalMailExpiryInterval"] == "7.00:00:00"
