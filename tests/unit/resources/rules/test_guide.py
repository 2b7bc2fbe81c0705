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
from tests.unit.mail_flow.emulating import emulated, simulated

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
            "ApplyRightsProtectionCustomizationTemplate": "OME Configuration",
        },
        "Strip encryption inside": {
            "RuleErrorAction": "Ignore",
            "FromScope": "InOrganization",
            "SentToScope": "InOrganization",
            "MessageTypeMatches": "PermissionControlled",
            "RemoveOMEv2": True,
            "RemoveRMSAttachmentEncryption": True,
        },
        "Encrypt sensitive information": {
            "RuleErrorAction": "Defer",
            "FromScope": "InOrganization",
            "SentToScope": "NotInOrganization",
            "SubjectOrBodyMatchesPatterns": [
                r"\d{3}-\d{2}-\d{4}",
                r"\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}",
                r"3[47]\d{2}[ -]?\d{6}[ -]?\d{5}",
                r"[A-Z]{2}\d{2} ?[A-Z0-9]{4}( ?\d{4}){2}",
            ],
            "ApplyRightsProtectionTemplate": "Encrypt",
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
            "Encrypt sensitive information",
        )
    ]
    assert session.organization.state["ome_configurations"][1]["ExternalMailExpiryInterval"] == "7.00:00:00"


@pytest.mark.parametrize(
    ("subject", "protection"),
    [
        ("[encrypt] Offer", "encrypt"),
        ("Offer [secure]", "encrypt"),
        ("RE: [encrypt] Offer", "none"),
        ("Aw:[Secure] Offer", "none"),
        ("[encrypt] RE: [encrypt] Offer", "encrypt"),
        ("RE: Offer [encrypt]", "encrypt"),
        ("RE: [encrypt] Offer [encrypt]", "none"),
    ],
)
def test_answers_that_only_repeat_the_word_are_spared(subject: str, protection: str) -> None:
    asks, spares = (task["m365.message_encryption.ome_transport_rule"] for task in tasks()[:2])
    declared = {**asks, "exceptions": spares["exceptions"]}
    for found in (emulated([declared], subject=subject), simulated([declared], subject=subject)):
        assert found["protection"] == protection
