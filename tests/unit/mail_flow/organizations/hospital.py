# SPDX-License-Identifier: GPL-3.0-or-later
"""A hospital: rules of ten years by five administrators."""

from __future__ import annotations

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

OWN = "lakeside.example"

STAFF = tuple(f"{name}@{OWN}" for name in ("ana", "ben", "cem", "dora", "eva", "finn", "gus", "hana", "ivan", "jo"))
LAB, LEGAL, SCANNER, ARCHIVE, EVERYBODY = (
    f"{name}@{OWN}" for name in ("lab", "legal", "scanner", "archive", "all-staff")
)
BILLING, HR, SHARED = (f"{name}@{OWN}" for name in ("billing", "hr", "shared-mailboxes"))
OUTSIDERS = (
    "claims@insurer.example",
    "desk@eu.insurer.example",
    "prof@university.example",
    "teller@bank.example",
    "line@fax.example",
    "pat@mail.example",
    "kim@mail.example",
    "office@practice.example",
    "sales@supplier.example",
)

FACTS: Values = {
    "accepted_domains": [{"name": OWN, "type": "Authoritative"}],
    "remote_domains": [],
    "mail_users": [],
    "inbound_connectors": [],
    "managers": {},
    "mailboxes": [*STAFF, LAB, LEGAL, SCANNER, ARCHIVE],
    "groups": {BILLING: [STAFF[2], STAFF[3]], HR: [STAFF[4]], SHARED: [LAB, LEGAL], EVERYBODY: [*STAFF]},
}

RULES: tuple[Values, ...] = (
    rule(
        "Block auto-forward",
        {**LEAVING, "message_type_matches": "AutoForward"},
        {"reject_message_reason_text": "Automatic forwarding is off."},
    ),
    rule("Too large", {"attachment_size_over": "25MB"}, {"reject_message_reason_text": "Use the portal."}),
    rule(
        "Programs from outside",
        {"from_scope": OUTSIDE, "attachment_extension_matches_words": ["exe", "js", "scr", "bat"]},
        {"quarantine": True},
    ),
    rule("External", {"from_scope": OUTSIDE}, {"prepend_subject": "[External] "}),
    rule(
        "Our director does not write from outside",
        {"from_scope": OUTSIDE, "header_contains_message_header": "From", "header_contains_words": ["Dr. Weber"]},
        {"set_scl": 6},
    ),
    rule("Fax server", {"sender_ip_ranges": ["203.0.113.7"]}, {"set_scl": -1}),
    rule(
        "No replies of shared mailboxes",
        {"from_member_of": [SHARED], "sent_to_scope": OUTSIDE, "message_type_matches": "OOF"},
        {"delete_message": True},
    ),
    rule("Everybody", {"sent_to": [EVERYBODY]}, {"moderate_message_by_user": [LEGAL]}),
    rule(
        "Fax is small",
        {"recipient_domain_is": ["fax.example"], "message_size_over": "10MB"},
        {"reject_message_reason_text": "Faxes are small."},
    ),
    rule("Copies of legal", {"from": [LEGAL], "sent_to_scope": OUTSIDE}, {"blind_copy_to": [ARCHIVE]}),
    rule(
        "Already encrypted",
        {"from_scope": INSIDE, "message_type_matches": "PermissionControlled"},
        {"stop_rule_processing": True},
    ),
    rule("Secure", {**LEAVING, "subject_matches_patterns": [r"^\[secure\]"]}, ENCRYPT),
    rule(
        "Insurers",
        {"from_scope": INSIDE, "recipient_domain_is": ["insurer.example"]},
        ENCRYPT,
        {"subject_contains_words": ["newsletter"]},
    ),
    rule("Laboratory", {"from": [LAB], "sent_to_scope": OUTSIDE}, ENCRYPT),
    rule(
        "Billing",
        {"from_member_of": [BILLING], "sent_to_scope": OUTSIDE},
        ENCRYPT,
        {"recipient_domain_is": ["bank.example"]},
    ),
    rule("Patients", {**LEAVING, "subject_contains_words": ["patient", "MRN", "diagnosis"]}, ENCRYPT),
    rule(
        "Numbers of employees",
        {"from_member_of": [HR], "sent_to_scope": OUTSIDE, "subject_or_body_matches_patterns": [r"\d{3}-\d{2}-\d{4}"]},
        ENCRYPT,
    ),
    rule(
        "Disclaimer",
        LEAVING,
        {"apply_html_disclaimer_text": "<p>Confidential.</p>"},
        {"subject_or_body_contains_words": ["Confidential"]},
    ),
    rule(
        "Study",
        {"recipient_domain_is": ["university.example"], "subject_contains_words": ["study"]},
        {"set_audit_severity": "Low"},
    ),
    rule(
        "Trial of numbers",
        {**LEAVING, "subject_or_body_matches_patterns": [r"\d{3}-\d{2}-\d{4}"]},
        ENCRYPT,
        mode="Audit",
    ),
    rule("Before the merger", {"recipient_domain_is": ["practice.example"]}, ENCRYPT, enabled=False),
)

_SUBJECTS = (
    "[secure] Results",
    "Results of Monday",
    "Newsletter of May",
    "Your patient of Monday",
    "Bill 4711",
    "Study of sleep",
    "Lunch?",
    "Order 12",
    "MRN 123",
    "Re: [secure] Results",
)
_BODIES = ("Hello.", "Their number is 123-45-6789.", "Confidential, please.", "See you at lunch.")

#: Its archive is inside: what it keeps in clear does not leave.
_OUT: Values = {"copies": "outside"}

GUARANTEES: tuple[Values, ...] = (
    {
        "name": "Insurers",
        "when": {"from_scope": INSIDE, "recipient_domain_is": ["insurer.example"]},
        "unless": {"subject_contains_words": ["newsletter"]},
        "then": "not_in_clear",
        **_OUT,
    },
    {"name": "Laboratory", "when": {**LEAVING, "from": [LAB]}, "then": "not_in_clear"},
    {
        "name": "Records",
        "when": {**LEAVING, "subject_contains_words": ["MRN"]},
        "then": "not_in_clear",
        **_OUT,
    },
)

_NUMBER: Values = {"subject_or_body_matches_patterns": [r"\d{3}-\d{2}-\d{4}"]}

QUESTIONS: tuple[Question, ...] = (
    *(Question(each, "proved") for each in GUARANTEES),
    Question({**GUARANTEES[0], "unless": {}}, "refuted", ("Insurers",)),
    Question({**GUARANTEES[1], "then": "encrypted"}, "refuted", ("Block auto-forward", "Too large")),
    Question(
        {
            "name": "Patients, wherever it says so",
            "when": {**LEAVING, "subject_or_body_contains_words": ["patient"]},
            "then": "not_in_clear",
            **_OUT,
        },
        "refuted",
    ),
    Question(
        {
            "name": "Marked at its beginning",
            "when": {**LEAVING, "subject_matches_patterns": [r"^\[secure\]"]},
            "then": "not_in_clear",
            **_OUT,
        },
        "proved",
    ),
    Question(
        {
            "name": "Marked anywhere, as in answers",
            "when": {**LEAVING, "subject_contains_words": ["[secure]"]},
            "then": "not_in_clear",
        },
        "refuted",
    ),
    Question(
        {"name": "Billing", "when": {**LEAVING, "from_member_of": [BILLING]}, "then": "not_in_clear"},
        "refuted",
        ("Billing",),
    ),
    Question(
        {"name": "Numbers of everybody", "when": {**LEAVING, **_NUMBER}, "then": "not_in_clear"},
        "refuted",
        ("Trial of numbers",),
    ),
    Question(
        {
            "name": "Numbers of employees",
            "when": {**LEAVING, **_NUMBER, "from_member_of": [HR]},
            "then": "not_in_clear",
            **_OUT,
        },
        "proved",
    ),
    Question(
        {
            "name": "Practices",
            "when": {"from_scope": INSIDE, "recipient_domain_is": ["practice.example"]},
            "then": "not_in_clear",
        },
        "refuted",
        ("Before the merger",),
    ),
    Question(
        {
            "name": "Faxes",
            "when": {"from_scope": INSIDE, "recipient_domain_is": ["fax.example"]},
            "then": "delivered",
        },
        "refuted",
        ("Block auto-forward", "Too large", "Fax is small"),
    ),
)

HOSPITAL = Organization(
    "hospital",
    OWN,
    FACTS,
    RULES,
    Correspondence(
        staff=(*STAFF, *STAFF, LAB, LEGAL),
        outsiders=OUTSIDERS,
        subjects=_SUBJECTS,
        bodies=_BODIES,
        claimed=("Dr. Weber", "Sales"),
    ),
    GUARANTEES,
    QUESTIONS,
)
