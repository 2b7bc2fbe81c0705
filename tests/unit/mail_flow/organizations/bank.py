# SPDX-License-Identifier: GPL-3.0-or-later
"""A bank: partners by connectors, card numbers, an outside security center, and supervised traders."""

from __future__ import annotations

from typing import Any

from tests.unit.mail_flow.organizations.organization import (
    ENCRYPT,
    INSIDE,
    LEAVING,
    OUTSIDE,
    Correspondence,
    Organization,
    Question,
    Values,
    rule,
)

OWN = "hartwell.example"
CLEARING, AUDITORS, LEASING = "clearing.example", "auditors.example", "leasing.example"

STAFF = tuple(
    f"{name}@{OWN}" for name in ("abel", "bea", "carl", "dina", "emil", "fay", "gil", "hope", "ike", "june", "kai")
)
TRADERS, RESEARCHERS, TRAINEES = STAFF[:2], STAFF[2:4], STAFF[4:5]
BANKERS, DEALMAKERS, MARKETING = STAFF[5:7], STAFF[7:8], STAFF[8:9]
COMPLIANCE, RECORDS, STATEMENTS, SCANNER, COMMUNICATION = (
    f"{name}@{OWN}" for name in ("compliance", "records", "statements", "scan-12", "communication")
)
TRADING, RESEARCH, TRAINING, PRIVATE, DEALS, PUBLISHING, EVERYBODY = (
    f"{name}@{OWN}" for name in ("trading", "research", "training", "private", "deals", "publishing", "everybody")
)
SOC = "alerts@soc.example"
OUTSIDERS = (
    f"desk@{CLEARING}",
    f"desk@eu.{CLEARING}",
    f"team@{AUDITORS}",
    f"fleet@{LEASING}",
    "pat@mail.example",
    "kim@mail.example",
    "lee@post.example",
    "office@notary.example",
    "news@paper.example",
)

FACTS: Values = {
    "accepted_domains": [{"name": OWN, "type": "Authoritative"}],
    "remote_domains": [{"name": LEASING, "is_internal": True}],
    "mail_users": [],
    "inbound_connectors": [],
    "outbound_connectors": [
        {
            "name": "Clearing",
            "connector_type": "Partner",
            "recipient_domains": [CLEARING],
            "tls_settings": "DomainValidation",
            "tls_domain": f"mx.{CLEARING}",
        },
        {
            "name": "Auditors",
            "connector_type": "Partner",
            "recipient_domains": [AUDITORS, f"*.{AUDITORS}"],
            "tls_settings": "CertificateValidation",
        },
        {
            "name": "Notaries",
            "enabled": False,
            "connector_type": "Partner",
            "recipient_domains": ["notary.example"],
            "tls_settings": "EncryptionOnly",
        },
    ],
    "journal_rules": [
        {"name": "Traders", "enabled": True, "recipient": TRADING, "journal_email_address": "journal@vault.example"}
    ],
    "managers": {TRAINEES[0]: STAFF[9]},
    "mailboxes": [*STAFF, COMPLIANCE, RECORDS, STATEMENTS, SCANNER, COMMUNICATION],
    "groups": {
        TRADING: [*TRADERS],
        RESEARCH: [*RESEARCHERS],
        TRAINING: [*TRAINEES],
        PRIVATE: [*BANKERS],
        DEALS: [*DEALMAKERS],
        PUBLISHING: [*MARKETING],
        EVERYBODY: [*STAFF],
    },
}

_REFUSED = "reject_message_reason_text"
_TYPED = {"subject_contains_words": ["do not encrypt"]}
#: As the rules about card numbers of the payment card industry have them.
CARDS = (
    r"4\d{15}",
    r"5[1-5]\d{14}",
    r"3[47]\d{13}",
    r"4\d{3}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}",
    r"5[1-5]\d{2}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}",
)

RULES: tuple[Values, ...] = (
    rule("010 Block auto-forward", {**LEAVING, "message_type_matches": "AutoForward"}, {_REFUSED: "Not forwarded."}),
    rule("020 Attachments over 25 MB", {"attachment_size_over": "25MB"}, {_REFUSED: "Use the data room."}),
    rule("025 Mail over 35 MB", {**LEAVING, "message_size_over": "35MB"}, {_REFUSED: "Use the data room."}),
    rule(
        "030 Programs",
        {"from_scope": OUTSIDE, "attachment_extension_matches_words": ["exe", "js", "vbs", "scr", "iso"]},
        {"quarantine": True},
    ),
    rule(
        "035 Macros",
        {"from_scope": OUTSIDE, "attachment_extension_matches_words": ["docm", "xlsm", "pptm"]},
        {"quarantine": True},
        {"sender_domain_is": [AUDITORS]},
    ),
    rule(
        "040 Archives with a password",
        {"from_scope": OUTSIDE, "attachment_is_password_protected": True},
        {"moderate_message_by_user": [COMPLIANCE]},
    ),
    rule(
        "050 External",
        {"from_scope": OUTSIDE},
        {"prepend_subject": "[EXTERNAL] "},
        {
            "subject_matches_patterns": [r"^\[EXTERNAL\]"],
            "header_contains_message_header": "Authentication-Results",
            "header_contains_words": [f"header.d={CLEARING}"],
        },
    ),
    rule(
        "055 DKIM failed",
        {
            "from_scope": OUTSIDE,
            "header_contains_message_header": "Authentication-Results",
            "header_contains_words": ["dkim=fail"],
        },
        {"set_scl": 6},
        {"sender_ip_ranges": ["198.51.100.0/24"]},
    ),
    rule(
        "060 Directors do not write from outside",
        {"from_scope": OUTSIDE, "header_contains_message_header": "From", "header_contains_words": ["Ada Hartwell"]},
        {"set_scl": 6},
    ),
    rule(
        "065 Alarms to the security center",
        {"from_scope": OUTSIDE, "subject_contains_words": ["urgent payment", "change of account"]},
        {
            "generate_incident_report": SOC,
            "incident_report_content": ["Sender", "Recipients", "Subject", "AttachOriginalMail"],
        },
    ),
    rule("070 Scanners of branches", {"sender_ip_ranges": ["10.20.0.0/16"]}, {"set_scl": -1}),
    rule(
        "075 Core system",
        {"from": [STATEMENTS], "sender_ip_ranges": ["10.30.1.5"]},
        {"set_header_name": "X-Hartwell-Source", "set_header_value": "core"},
    ),
    rule(
        "080 Wall",
        {"between_member_of_1": [TRADING], "between_member_of_2": [RESEARCH]},
        {_REFUSED: "Ask Compliance."},
    ),
    rule(
        "085 Trainees",
        {**LEAVING, "from_member_of": [TRAINING]},
        {"moderate_message_by_manager": True},
        {"recipient_domain_is": [CLEARING]},
    ),
    rule("090 Everybody", {"any_of_to_cc_header": [EVERYBODY]}, {"moderate_message_by_user": [COMMUNICATION]}),
    rule("095 Supervised", {**LEAVING, "from_member_of": [TRADING]}, {"blind_copy_to": [COMPLIANCE]}),
    rule("100 Deals are kept", {**LEAVING, "from_member_of": [DEALS]}, {"blind_copy_to": [RECORDS]}),
    rule(
        "110 Already protected",
        {"from_scope": INSIDE, "message_type_matches": "PermissionControlled"},
        {"stop_rule_processing": True},
    ),
    rule(
        "120 Replies from the portal",
        {"from_scope": OUTSIDE, "sent_to_scope": INSIDE, "message_type_matches": "PermissionControlled"},
        {"remove_ome_v2": True},
    ),
    rule(
        "130 Partners by TLS",
        {"from_scope": INSIDE, "recipient_domain_is": [CLEARING, AUDITORS]},
        {"route_message_outbound_require_tls": True, "stop_rule_processing": True},
    ),
    rule(
        "200 Deals",
        {**LEAVING, "from_member_of": [DEALS]},
        {"apply_rights_protection_template": "Do Not Forward", "stop_rule_processing": True},
    ),
    rule(
        "210 Card numbers",
        {**LEAVING, "subject_or_body_matches_patterns": [*CARDS]},
        {**ENCRYPT, "set_audit_severity": "High"},
        rule_error_action="Defer",
    ),
    rule(
        "215 Card numbers are reported",
        {**LEAVING, "subject_or_body_matches_patterns": [*CARDS]},
        {
            "generate_incident_report": SOC,
            "incident_report_content": ["Sender", "Recipients", "Subject", "AttachOriginalMail"],
        },
    ),
    rule(
        "220 Card numbers in documents",
        {**LEAVING, "attachment_matches_patterns": [*CARDS]},
        ENCRYPT,
        mode="Audit",
    ),
    rule("230 On request", {**LEAVING, "subject_contains_words": ["encrypt", "secure"]}, ENCRYPT, _TYPED),
    rule(
        "240 Accounts",
        {**LEAVING, "subject_or_body_matches_patterns": [r"[a-z]{2}\d{2} ?\d{4} ?\d{4} ?\d{4}"]},
        ENCRYPT,
        _TYPED,
    ),
    rule("250 Loans", {**LEAVING, "subject_contains_words": ["loan", "mortgage", "statement"]}, ENCRYPT, _TYPED),
    rule("260 Statements", {"from": [STATEMENTS], "sent_to_scope": OUTSIDE}, ENCRYPT),
    rule("270 Private bankers", {**LEAVING, "from_member_of": [PRIVATE]}, ENCRYPT, _TYPED),
    rule("280 Notaries", {"from_scope": INSIDE, "recipient_domain_is": ["notary.example"]}, ENCRYPT),
    rule(
        "290 Look of private banking",
        {**LEAVING, "from_member_of": [PRIVATE]},
        {"apply_rights_protection_customization_template": "Hartwell Private"},
    ),
    rule(
        "300 All that leaves",
        LEAVING,
        ENCRYPT,
        {**_TYPED, "from_member_of": [PUBLISHING], "message_type_matches": "Calendaring"},
    ),
    rule("310 Before the merger", {"recipient_domain_is": ["paper.example"]}, ENCRYPT, enabled=False),
    rule(
        "320 Campaign",
        {**LEAVING, "subject_contains_words": ["offer"]},
        {"stop_rule_processing": True},
        expiry_date="2025-12-31T23:00:00Z",
    ),
    rule(
        "330 From next year on",
        LEAVING,
        {"apply_rights_protection_template": "Do Not Forward"},
        activation_date="2027-01-01T00:00:00Z",
    ),
    rule(
        "340 Trial of licenses",
        {**LEAVING, "subject_or_body_matches_patterns": [r"[a-z]\d{7}"]},
        {_REFUSED: "Not by mail."},
        mode="Audit",
    ),
    rule(
        "350 Trial of names",
        {**LEAVING, "subject_contains_words": ["passport"]},
        {"generate_notification": "Use the portal.", "delete_message": True},
        mode="AuditAndNotify",
    ),
    rule(
        "400 Disclaimer",
        LEAVING,
        {
            "apply_html_disclaimer_text": "<p>Hartwell is regulated.</p>",
            "apply_html_disclaimer_location": "Append",
            "apply_html_disclaimer_fallback_action": "Wrap",
        },
        {"subject_or_body_contains_words": ["Hartwell is regulated"]},
    ),
    rule("410 No cases outside", LEAVING, {"remove_header": "X-Hartwell-Case"}),
    rule("420 Newsletters", {"subject_contains_words": ["newsletter"]}, {"set_audit_severity": "Low"}),
)

_SUBJECTS = (
    "Your loan",
    "Mortgage of Monday",
    "Do not encrypt: our address",
    "Newsletter of May",
    "Lunch?",
    "Order 12",
    "Statement of account",
    "secure: papers",
    "Passport",
    "An offer for you",
    "Re: Meeting",
    "Rates of today",
)
_BODIES = (
    "Hello.",
    "See you at lunch.",
    "Card 4111 1111 1111 1111, please.",
    "DE12 3456 7890 1234 is ours.",
    "Hartwell is regulated",
)

_PARTNERS: Values = {"recipient_domain_is": [CLEARING, AUDITORS]}
_OUT: Values = {"copies": "outside"}
_CARD: Values = {**LEAVING, "subject_or_body_matches_patterns": [r"4\d{15}"]}

GUARANTEES: tuple[Values, ...] = (
    {
        "name": "Card numbers",
        "when": _CARD,
        "unless": _PARTNERS,
        "then": "not_in_clear_if_delivered",
        **_OUT,
    },
    {
        "name": "Notaries",
        "when": {"from_scope": INSIDE, "recipient_domain_is": ["notary.example"]},
        "then": "not_in_clear_if_delivered",
        **_OUT,
    },
    {
        "name": "Auditors",
        "when": {"from_scope": INSIDE, "recipient_domain_is": [AUDITORS]},
        "then": "protected_in_transit",
        "tls_validation": "certificate",
        **_OUT,
    },
    {
        "name": "Deals",
        "when": {**LEAVING, "from_member_of": [DEALS]},
        "unless": _PARTNERS,
        "then": "not_in_clear_if_delivered",
        **_OUT,
    },
)

_CARDS_SAFE, _NOTARIES, _AUDITORS, _DEALS = GUARANTEES


def _about(name: str, when: Values, then: str = "not_in_clear_if_delivered", **more: Any) -> Values:
    return {"name": name, "when": when, "then": then, **_OUT, **more}


_BANKERS: Values = {**LEAVING, "from_member_of": [PRIVATE]}
_TO_CLEARING: Values = {"from_scope": INSIDE, "recipient_domain_is": [CLEARING]}

QUESTIONS: tuple[Question, ...] = (
    *(Question(each, "proved") for each in GUARANTEES),
    # The security center gets such mail whole, and nobody documents how mail that a rule encrypts looks in a report.
    Question({**_CARDS_SAFE, "then": "not_in_clear"}, "unknown", ("215 Card numbers are reported",)),
    Question({**_CARDS_SAFE, "unless": {}}, "refuted", ("130 Partners by TLS",)),
    # What a sender protected in another way keeps that.
    Question({**_DEALS, "template": "Do Not Forward"}, "refuted"),
    Question(_about("Clearing by TLS", _TO_CLEARING, "protected_in_transit"), "proved"),
    Question(
        _about("Clearing by TLS with its name", _TO_CLEARING, "protected_in_transit", tls_validation="domain"),
        "refuted",
        ("Clearing",),
    ),
    Question(
        _about("All that leaves", LEAVING, "protected_in_transit"),
        "refuted",
        ("300 All that leaves",),
    ),
    Question(
        _about("Private bankers", _BANKERS, unless=_PARTNERS),
        "refuted",
        ("270 Private bankers", "300 All that leaves"),
    ),
    Question(_about("Private bankers who type nothing", _BANKERS, unless={**_PARTNERS, **_TYPED}), "proved"),
    # Protected mail goes past the rule with the look.
    Question(
        _about("The look of private banking", _BANKERS, "portal", unless={**_PARTNERS, **_TYPED}),
        "refuted",
        ("110 Already protected",),
    ),
    # Its domain counts as internal.
    Question(
        _about("Leasing", {"from_scope": INSIDE, "recipient_domain_is": [LEASING]}, "not_in_clear"),
        "refuted",
        (LEASING,),
    ),
    # The core system does not sign in (U26).
    Question(
        _about("Statements", {"from": [STATEMENTS], "sent_to_scope": OUTSIDE}, unless=_PARTNERS),
        "unknown",
        ("U26",),
    ),
    Question(
        _about("Statements of who signed in", {**LEAVING, "from": [STATEMENTS]}, unless=_PARTNERS),
        "proved",
    ),
    Question(
        _about("Loans", {**LEAVING, "subject_contains_words": ["loan"]}, unless=_PARTNERS),
        "refuted",
        ("250 Loans", "300 All that leaves"),
    ),
    Question(
        _about(
            "Card numbers in documents",
            {**LEAVING, "attachment_matches_patterns": [r"4\d{15}"]},
            unless=_PARTNERS,
        ),
        "refuted",
        ("220 Card numbers in documents", "300 All that leaves"),
    ),
    Question(
        {"name": "Publishing in clear", "when": {**LEAVING, "from_member_of": [PUBLISHING]}, "then": "unencrypted"},
        "refuted",
        ("210 Card numbers",),
    ),
    Question(
        {
            "name": "Replies can be read",
            "when": {"from_scope": OUTSIDE, "sent_to_scope": INSIDE},
            "then": "decrypted_on_arrival",
        },
        "refuted",
        ("090 Everybody",),
    ),
)

BANK = Organization(
    "bank",
    OWN,
    FACTS,
    RULES,
    Correspondence(
        staff=(*STAFF, *STAFF, *STAFF[8:], STATEMENTS),
        outsiders=OUTSIDERS,
        subjects=_SUBJECTS,
        bodies=_BODIES,
        files=("scan.pdf", "letter.docx", "list.xlsm", "tool.exe"),
        claimed=("Ada Hartwell", "Sales"),
        devices={SCANNER: "10.20.7.9", STATEMENTS: "10.30.1.5"},
    ),
    GUARANTEES,
    QUESTIONS,
)
