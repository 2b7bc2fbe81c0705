# SPDX-License-Identifier: GPL-3.0-or-later
"""A guarantee that is neither proved nor refuted names what is open, also if the first message that may break it keeps it."""

from __future__ import annotations

from typing import Any

from tests.unit.mail_flow.answers import prove
from tests.unit.mail_flow.asking import ENCRYPT, IN, NOW, OUTGOING, rule

Values = dict[str, Any]

BRANDED = {**ENCRYPT, "apply_rights_protection_customization_template": "Portal"}
FOOTER = {
    "apply_html_disclaimer_text": "<p>Contoso</p>",
    "apply_html_disclaimer_location": "Append",
    "apply_html_disclaimer_fallback_action": "Wrap",
}
FACTS: Values = {
    "accepted_domains": [
        {"name": "contoso.com", "type": "Authoritative"},
        {"name": "fabrikam.com", "type": "InternalRelay"},
    ],
    "mailboxes": ["sales1@contoso.com", "sales2@contoso.com"],
    "groups": {"board-list@contoso.com": ["ceo@contoso.com", "cfo@contoso.com"]},
}
RULES = [
    rule(
        "Forwards",
        {**OUTGOING, "message_type_matches": "AutoForward", "from_member_of": ["vips@contoso.com"]},
        {"set_audit_severity": "High"},
    ),
    {
        **rule("Closed", {"any_of_to_header": ["board-list@contoso.com"]}, {"reject_message_reason_text": "no"}),
        "exceptions": {"from_member_of": ["board@contoso.com"]},
    },
    rule("Auditor", {**IN, "recipient_domain_is": ["audit.example"]}, BRANDED),
    rule("Words", {**OUTGOING, "subject_contains_words": ["confidential"]}, ENCRYPT),
    rule(
        "Cards",
        {
            "from_member_of": ["finance@contoso.com"],
            "sent_to_scope": "NotInOrganization",
            "subject_or_body_matches_patterns": [r"4\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}"],
        },
        ENCRYPT,
    ),
    rule(
        "Sales",
        {"from_member_of": ["sales@contoso.com"], "sent_to_scope": "NotInOrganization"},
        {"blind_copy_to": ["salesjournal@contoso.com", "crm@crm.example"]},
    ),
    rule("Board", {"from_member_of": ["board@contoso.com"]}, {"blind_copy_to": ["journal@contoso.com"]}),
    rule("Footer", {"sender_domain_is": ["contoso.com"], "sent_to_scope": "NotInOrganization"}, FOOTER),
    rule("Importance", {**OUTGOING, "with_importance": "High"}, ENCRYPT),
]


def test_what_is_open_of_mail_that_a_disclaimer_wraps_is_named() -> None:
    guarantee = {
        "name": "Auditor",
        "when": {**IN, "recipient_domain_is": ["audit.example"]},
        "unless": {"from": ["journal@contoso.com"], "sender_ip_ranges": ["198.51.100.7"]},
        "then": "portal",
    }
    (answer,) = prove(RULES, FACTS, [guarantee], NOW)
    assert answer["verdict"] == "unknown"
    assert any("importance" in reason["reason"] and "wrapped" in reason["reason"] for reason in answer["unknown"])
