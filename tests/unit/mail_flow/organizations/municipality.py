# SPDX-License-Identifier: GPL-3.0-or-later
"""A municipality: the police count as inside, the ministry's mail goes through a gateway, a councillor's own address is
redirected to her mailbox, and a rule for the time of the elections comes before those that encrypt.
"""

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

OWN = "eastmere.example"
COURTS, POLICE, MINISTRY, PENSIONS, SCHOOLS = (
    "courts.example",
    "police.example",
    "ministry.example",
    "pensions.example",
    f"schools.{OWN}",
)

STAFF = tuple(
    f"{name}@{OWN}" for name in ("abel", "beck", "cray", "dove", "eden", "frey", "gill", "hale", "ives", "jory")
)
SOCIAL_WORKERS, PERSONNEL, PLANNERS = STAFF[:2], STAFF[2:4], STAFF[4:6]
PRICE, QUILL, ELECTIONS, BENEFITS, INQUIRIES, ARCHIVE, FILE, UNION, SPEAK_UP = (
    f"{name}@{OWN}"
    for name in (
        "price",
        "quill",
        "elections",
        "benefits",
        "inquiries",
        "archive",
        "planning-file",
        "union",
        "speak-up",
    )
)
SOCIAL, HR, PLANNING, COUNCILLORS = (f"{name}@{OWN}" for name in ("social", "hr", "planning", "councillors"))
OF_PRICE = "ann.price@mail.example"
OUTSIDERS = (
    f"clerk@{COURTS}",
    f"desk@{POLICE}",
    f"office@{MINISTRY}",
    f"team@{PENSIONS}",
    f"head@{SCHOOLS}",
    OF_PRICE,
    "lee@mail.example",
)

FACTS: Values = {
    "accepted_domains": [{"name": OWN, "type": "Authoritative"}],
    "remote_domains": [{"name": POLICE, "is_internal": True}],
    "mail_users": [],
    "inbound_connectors": [],
    "outbound_connectors": [
        {
            "name": "Courts",
            "connector_type": "Partner",
            "recipient_domains": [COURTS],
            "tls_settings": "CertificateValidation",
        },
        {
            "name": "Gateway",
            "connector_type": "Partner",
            "is_transport_rule_scoped": True,
            "recipient_domains": ["*"],
            "smart_hosts": ["relay.gateway.example"],
            "tls_settings": "EncryptionOnly",
        },
    ],
    "managers": {},
    "mailboxes": [*STAFF, PRICE, QUILL, ELECTIONS, BENEFITS, INQUIRIES, ARCHIVE, FILE, UNION, SPEAK_UP],
    "groups": {
        SOCIAL: [*SOCIAL_WORKERS],
        HR: [*PERSONNEL],
        PLANNING: [*PLANNERS],
        COUNCILLORS: [PRICE, QUILL],
    },
}

_CASE, _NUMBER = r"SC/\d{4}/\d{3}", r"\d{6}-\d{4}"
_PASSED: Values = {"header_contains_message_header": "X-Gateway", "header_contains_words": ["passed"]}

RULES: tuple[Values, ...] = (
    rule(
        "No forwarding",
        {**LEAVING, "message_type_matches": "AutoForward"},
        {"reject_message_reason_text": "No."},
        {"from_member_of": [COUNCILLORS]},
    ),
    rule(
        "External",
        {"from_scope": OUTSIDE},
        {"prepend_subject": "[External] "},
        {"subject_contains_words": ["[External]"]},
    ),
    rule(
        "Elections",
        {**LEAVING, "from": [ELECTIONS]},
        {"stop_rule_processing": True},
        expiry_date="2090-01-15T00:00:00Z",
    ),
    rule(
        "Courts",
        {"from_scope": INSIDE, "recipient_domain_is": [COURTS]},
        {"stop_rule_processing": True},
        {"subject_contains_words": ["sealed"]},
    ),
    rule(
        "Ministry",
        {"from_scope": INSIDE, "recipient_domain_is": [MINISTRY]},
        {"route_message_outbound_connector": "Gateway", "stop_rule_processing": True},
        _PASSED,
    ),
    rule(
        "Social services",
        {**LEAVING, "from_member_of": [SOCIAL]},
        ENCRYPT,
        {"recipient_domain_is": [COURTS, POLICE]},
    ),
    rule(
        "Case numbers",
        {**LEAVING, "subject_or_body_matches_patterns": [_CASE]},
        {"apply_rights_protection_template": "Do Not Forward"},
    ),
    rule("Safeguarding", {"sent_to_scope": OUTSIDE, "subject_or_body_contains_words": ["safeguarding"]}, ENCRYPT),
    rule(
        "Decisions",
        {**LEAVING, "from": [BENEFITS], "attachment_name_matches_patterns": [r"^decision.*\.pdf$"]},
        ENCRYPT,
    ),
    rule(
        "Councillors",
        {"from_scope": INSIDE, "sent_to_member_of": [COUNCILLORS]},
        ENCRYPT,
        {"subject_contains_words": ["agenda"]},
    ),
    rule("Own address", {"sent_to": [OF_PRICE]}, {"redirect_message_to": [PRICE]}),
    rule("Inquiries", {"from_scope": OUTSIDE, "sent_to": [INQUIRIES]}, {"blind_copy_to": [ARCHIVE]}),
    rule("Planning", {"from_member_of": [PLANNING], "sent_to_scope": OUTSIDE}, {"blind_copy_to": [FILE]}),
    rule(
        "Personnel",
        {"from_scope": INSIDE, "sent_to_scope": INSIDE, "from_member_of": [HR]},
        ENCRYPT,
        {"any_of_cc_header": [UNION]},
    ),
    rule("On request", {**LEAVING, "subject_contains_words": ["secure:"]}, ENCRYPT),
    rule(
        "Police",
        {"from_scope": INSIDE, "recipient_domain_is": [POLICE]},
        {"route_message_outbound_require_tls": True},
    ),
    rule("Schools", {**LEAVING, "recipient_domain_is": [f"school.{OWN}"]}, ENCRYPT),
    rule("Numbers", {**LEAVING, "subject_or_body_matches_patterns": [_NUMBER]}, ENCRYPT, mode="Audit"),
    rule(
        "Replies",
        {"from_scope": OUTSIDE, "sent_to_scope": INSIDE, "message_type_matches": "PermissionControlled"},
        {"remove_ome_v2": True},
        {"sent_to": [SPEAK_UP]},
    ),
    rule("Speaking up", {"from": [SPEAK_UP]}, {"stop_rule_processing": True}),
    rule(
        "Payslips",
        {**LEAVING, "from_member_of": [HR], "subject_or_body_contains_words": ["payslip"]},
        ENCRYPT,
        {"recipient_domain_is": [PENSIONS]},
    ),
)

_SUBJECTS = (
    "SC/2026/001",
    "Secure: your letter",
    "secure",
    "The agenda",
    "Your payslip",
    "safeguarding",
    "sealed",
    "Lunch?",
)

_OUT = {"copies": "outside"}
_GO_ALONE: Values = {"recipient_domain_is": [COURTS, MINISTRY], "from": [ELECTIONS]}
_SOCIAL: Values = {**LEAVING, "from_member_of": [SOCIAL]}
_TO_POLICE: Values = {"from_scope": INSIDE, "from_member_of": [SOCIAL], "recipient_domain_is": [POLICE]}
_TO_PRICE: Values = {"from_scope": INSIDE, "sent_to": [OF_PRICE]}
_TO_COUNCILLORS: Values = {"from_scope": INSIDE, "sent_to_member_of": [COUNCILLORS]}
_OF_HR: Values = {"from_scope": INSIDE, "sent_to_scope": INSIDE, "from_member_of": [HR]}
_REPLIES: Values = {"from_scope": OUTSIDE, "sent_to_scope": INSIDE}


def _about(name: str, when: Values, then: str = "not_in_clear", **more: object) -> Values:
    return {"name": name, "when": when, "then": then, **more}


def _with(text: str) -> Values:
    return {**LEAVING, "subject_or_body_matches_patterns": [text]}


GUARANTEES: tuple[Values, ...] = (
    _about("Case numbers, of most", _with(_CASE), unless=_GO_ALONE, **_OUT),
    _about("The police by TLS", _TO_POLICE, "protected_in_transit", **_OUT),
)

QUESTIONS: tuple[Question, ...] = (
    *(Question(each, "proved") for each in GUARANTEES),
    Question(_about("Social services", _SOCIAL, **_OUT), "refuted", ("Courts", "Ministry", "Social services")),
    # A remote domain does not count with its subdomains, an exception does.
    Question(
        _about("Social services, not to courts", _SOCIAL, unless={"recipient_domain_is": [COURTS, MINISTRY]}, **_OUT),
        "refuted",
        ("Social services",),
    ),
    Question(_about("Social services to the police", _TO_POLICE, **_OUT), "refuted", ("Social services",)),
    Question(_about("Case numbers", _with(_CASE), **_OUT), "refuted", ("Elections", "Courts", "Ministry")),
    Question(
        _about("Safeguarding", {**LEAVING, "subject_or_body_contains_words": ["safeguarding"]}, unless=_GO_ALONE),
        "proved",
    ),
    Question(
        _about(
            "Decisions",
            {**LEAVING, "from": [BENEFITS], "attachment_name_matches_patterns": ["decision"]},
            unless=_GO_ALONE,
        ),
        "refuted",
        ("Decisions",),
    ),
    Question(_about("Councillors", _TO_COUNCILLORS, **_OUT), "refuted", ("Councillors",)),
    # What is redirected to a councillor has passed the rule for councillors.
    Question(
        _about("Councillors, no agenda", _TO_COUNCILLORS, unless={"subject_contains_words": ["agenda"]}, **_OUT),
        "refuted",
        ("Own address",),
    ),
    Question(_about("The own address gets it", _TO_PRICE, "delivered"), "refuted", ("Own address",)),
    Question(_about("Nothing goes to the own address", _TO_PRICE, **_OUT), "refuted", ("Elections",)),
    Question(_about("Personnel", _OF_HR, **_OUT), "refuted", ("Personnel",)),
    Question(
        _about("Personnel, not the union", _OF_HR, unless={"any_of_cc_header": [UNION]}, **_OUT), "unknown", ("U09",)
    ),
    Question(
        _about("On request", {**LEAVING, "subject_contains_words": ["secure"]}, unless=_GO_ALONE),
        "refuted",
        ("On request",),
    ),
    Question(_about("Schools", {"from_scope": INSIDE, "recipient_domain_is": [SCHOOLS]}), "refuted", ("Schools",)),
    Question(_about("Numbers", _with(_NUMBER), unless=_GO_ALONE), "refuted", ("Numbers",)),
    Question(
        _about("Ministry", {"from_scope": INSIDE, "recipient_domain_is": [MINISTRY]}, "protected_in_transit", **_OUT),
        "refuted",
        ("Elections", "Ministry"),
    ),
    Question(
        _about("Speaking up", {"from_scope": INSIDE, "from": [SPEAK_UP]}, "unencrypted"), "refuted", ("Speaking up",)
    ),
    Question(_about("Replies", _REPLIES, "decrypted_on_arrival"), "refuted", ("Replies",)),
    Question(
        _about("Replies to others", _REPLIES, "decrypted_on_arrival", unless={"sent_to": [SPEAK_UP]}),
        "unknown",
        ("U09",),
    ),
)

MUNICIPALITY = Organization(
    "municipality",
    OWN,
    FACTS,
    RULES,
    Correspondence(
        staff=(*STAFF, *STAFF, PRICE, ELECTIONS, BENEFITS, SPEAK_UP),
        outsiders=OUTSIDERS,
        subjects=_SUBJECTS,
        bodies=("Hello.", "SC/2026/002", "The payslip is there.", "See you at lunch."),
        files=("decision 12.pdf", "letter.docx", "tool.exe"),
    ),
    GUARANTEES,
    QUESTIONS,
)
