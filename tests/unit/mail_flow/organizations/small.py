# SPDX-License-Identifier: GPL-3.0-or-later
"""A tax adviser with ten people and the usual mistakes.

A look without encryption, a prefix that repeats, the wrong scope, a stop before the rule that encrypts, and exceptions
that anybody can type.
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

OWN = "brightleaf.example"

STAFF = tuple(f"{name}@{OWN}" for name in ("amy", "bob", "cleo", "dan", "ed", "flo", "gia", "hal"))
PAYROLL, OFFICE = f"payroll@{OWN}", f"office@{OWN}"
OUTSIDERS = (
    "desk@tax.example",
    "boss@client.example",
    "shop@north.client.example",
    "pat@mail.example",
    "kim@mail.example",
    "teller@bank.example",
    "sales@supplier.example",
)

FACTS: Values = {
    "accepted_domains": [{"name": OWN, "type": "Authoritative"}],
    "remote_domains": [],
    "mail_users": [],
    "inbound_connectors": [],
    "outbound_connectors": [],
    "managers": {},
    "mailboxes": [*STAFF, PAYROLL, OFFICE],
    "groups": {},
}

RULES: tuple[Values, ...] = (
    rule("No forwarding", {"message_type_matches": "AutoForward"}, {"reject_message_reason_text": "No."}),
    rule("External", {"from_scope": OUTSIDE}, {"prepend_subject": "[External] "}),
    rule("Newsletter", {"subject_contains_words": ["newsletter"]}, {"stop_rule_processing": True}),
    rule("Amy wants no codes", {"from": [STAFF[0]]}, {"stop_rule_processing": True}),
    rule("Secure", {**LEAVING, "subject_matches_patterns": [r"^\[secure\]"]}, ENCRYPT),
    rule(
        "Portal",
        {**LEAVING, "subject_contains_words": ["portal"]},
        {"apply_rights_protection_customization_template": "Brightleaf"},
    ),
    rule("Tax office", {"from_scope": OUTSIDE, "recipient_domain_is": ["tax.example"]}, ENCRYPT),
    rule("Payslips", {"from": [PAYROLL], "sent_to_scope": INSIDE, "subject_contains_words": ["payslip"]}, ENCRYPT),
    rule(
        "Clients",
        {"from_scope": INSIDE, "recipient_domain_is": ["client.example"]},
        ENCRYPT,
        {"subject_contains_words": ["plain"]},
    ),
    rule("Accounts", {**LEAVING, "subject_contains_words": ["IBAN"]}, ENCRYPT),
    rule("Signature", LEAVING, {"apply_html_disclaimer_text": "<p>Brightleaf</p>"}),
    rule("Everything", LEAVING, ENCRYPT, enabled=False),
)

_SUBJECTS = (
    "[secure] Return",
    "Re: [secure] Return",
    "Newsletter of May",
    "Payslip of May",
    "In our portal",
    "Plain words",
    "IBAN of the office",
    "Lunch?",
    "Order 12",
    "Your return",
)

GUARANTEES: tuple[Values, ...] = (
    {
        "name": "Clients",
        "when": {"from_scope": INSIDE, "recipient_domain_is": ["client.example"]},
        "unless": {"subject_contains_words": ["plain", "newsletter"], "from": [STAFF[0]]},
        "then": "not_in_clear",
    },
    {
        "name": "Nothing is forwarded",
        "when": {**LEAVING, "message_type_matches": "AutoForward"},
        "then": "not_in_clear",
    },
)

_STOPPED: Values = {"subject_contains_words": ["newsletter"], "from": [STAFF[0]]}


def _about(name: str, when: Values, then: str = "not_in_clear", **more: Values) -> Values:
    return {"name": name, "when": when, "then": then, **more}


_TAX: Values = {"from_scope": INSIDE, "recipient_domain_is": ["tax.example"]}
_CLIENTS: Values = {"from_scope": INSIDE, "recipient_domain_is": ["client.example"]}

QUESTIONS: tuple[Question, ...] = (
    *(Question(each, "proved") for each in GUARANTEES),
    Question(
        _about("Clients, whatever is typed", _CLIENTS), "refuted", ("Newsletter", "Amy wants no codes", "Clients")
    ),
    Question(_about("The tax office", _TAX), "refuted", ("Tax office",)),
    Question(
        _about("Payslips that leave", {**LEAVING, "from": [PAYROLL], "subject_contains_words": ["payslip"]}),
        "refuted",
        ("Payslips",),
    ),
    Question(_about("The portal", {**LEAVING, "subject_contains_words": ["portal"]}, "portal"), "refuted", ("Portal",)),
    Question(
        _about("Marked mail", {**LEAVING, "subject_matches_patterns": [r"^\[secure\]"]}),
        "refuted",
        ("Newsletter", "Amy wants no codes"),
    ),
    Question(
        _about("Marked mail, not stopped", {**LEAVING, "subject_matches_patterns": [r"^\[secure\]"]}, unless=_STOPPED),
        "proved",
    ),
    Question(_about("Answers", {**LEAVING, "subject_contains_words": ["[secure]"]}, unless=_STOPPED), "refuted"),
    Question(_about("Accounts", {**LEAVING, "subject_contains_words": ["IBAN"]}, unless=_STOPPED), "proved"),
    Question(
        _about("Accounts in the text", {**LEAVING, "subject_or_body_contains_words": ["IBAN"]}, unless=_STOPPED),
        "refuted",
        ("Accounts",),
    ),
    Question(_about("All that leaves", LEAVING), "refuted", ("Everything",)),
    Question(
        _about(
            "Newsletters to clients stay readable",
            {**_CLIENTS, "subject_contains_words": ["newsletter"]},
            "unencrypted",
        ),
        "refuted",
        ("No forwarding",),
    ),
    Question(_about("Mail inside", {"from_scope": INSIDE, "sent_to_scope": INSIDE}, "delivered"), "refuted"),
)

SMALL = Organization(
    "small",
    OWN,
    FACTS,
    RULES,
    Correspondence(
        staff=(*STAFF, *STAFF, PAYROLL, OFFICE),
        outsiders=OUTSIDERS,
        subjects=_SUBJECTS,
        bodies=("Hello.", "The IBAN is below.", "See you at lunch."),
    ),
    GUARANTEES,
    QUESTIONS,
)
