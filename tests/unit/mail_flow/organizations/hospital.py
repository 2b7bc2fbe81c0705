# SPDX-License-Identifier: GPL-3.0-or-later
"""A hospital as one finds them: rules of ten years by five administrators, and the mail of a week.

Mail is made as whole messages, and goes through the simulator. The trace shows of it what a trace shows: what was rejected or quarantined has
another status, and subjects have what rules put before them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.conditions import NO_HOP
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    Row,
    Trace,
    microseconds_of,
)

Values = dict[str, Any]

OWN = "lakeside.example"
_HOP = "93.184.216.34"
_MEGABYTE = 1 << 20

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
    "accepted_domains": [OWN],
    "remote_domains": [],
    "mail_users": [],
    "inbound_connectors": [],
    "managers": {},
    "mailboxes": [*STAFF, LAB, LEGAL, SCANNER, ARCHIVE],
    "groups": {BILLING: [STAFF[2], STAFF[3]], HR: [STAFF[4]], SHARED: [LAB, LEGAL], EVERYBODY: [*STAFF]},
}

_INSIDE, _OUTSIDE = "InOrganization", "NotInOrganization"
_LEAVING: Values = {"from_scope": _INSIDE, "sent_to_scope": _OUTSIDE}
_ENCRYPT: Values = {"apply_rights_protection_template": "Encrypt"}


def _rule(name: str, conditions: Values, actions: Values, exceptions: Values | None = None, **more: Any) -> Values:
    return {"name": name, "conditions": conditions, "exceptions": exceptions or {}, "actions": actions, **more}


RULES: tuple[Values, ...] = (
    _rule(
        "Block auto-forward",
        {**_LEAVING, "message_type_matches": "AutoForward"},
        {"reject_message_reason_text": "Automatic forwarding is off."},
    ),
    _rule("Too large", {"attachment_size_over": "25MB"}, {"reject_message_reason_text": "Use the portal."}),
    _rule(
        "Programs from outside",
        {"from_scope": _OUTSIDE, "attachment_extension_matches_words": ["exe", "js", "scr", "bat"]},
        {"quarantine": True},
    ),
    _rule("External", {"from_scope": _OUTSIDE}, {"prepend_subject": "[External] "}),
    _rule(
        "Our director does not write from outside",
        {"from_scope": _OUTSIDE, "header_contains_message_header": "From", "header_contains_words": ["Dr. Weber"]},
        {"set_scl": 6},
    ),
    _rule("Fax server", {"sender_ip_ranges": ["203.0.113.7"]}, {"set_scl": -1}),
    _rule(
        "No replies of shared mailboxes",
        {"from_member_of": [SHARED], "sent_to_scope": _OUTSIDE, "message_type_matches": "OOF"},
        {"delete_message": True},
    ),
    _rule("Everybody", {"sent_to": [EVERYBODY]}, {"moderate_message_by_user": [LEGAL]}),
    _rule(
        "Fax is small",
        {"recipient_domain_is": ["fax.example"], "message_size_over": "10MB"},
        {"reject_message_reason_text": "Faxes are small."},
    ),
    _rule("Copies of legal", {"from": [LEGAL], "sent_to_scope": _OUTSIDE}, {"blind_copy_to": [ARCHIVE]}),
    _rule(
        "Already encrypted",
        {"from_scope": _INSIDE, "message_type_matches": "PermissionControlled"},
        {"stop_rule_processing": True},
    ),
    _rule("Secure", {**_LEAVING, "subject_matches_patterns": [r"^\[secure\]"]}, _ENCRYPT),
    _rule(
        "Insurers",
        {"from_scope": _INSIDE, "recipient_domain_is": ["insurer.example"]},
        _ENCRYPT,
        {"subject_contains_words": ["newsletter"]},
    ),
    _rule("Laboratory", {"from": [LAB], "sent_to_scope": _OUTSIDE}, _ENCRYPT),
    _rule(
        "Billing",
        {"from_member_of": [BILLING], "sent_to_scope": _OUTSIDE},
        _ENCRYPT,
        {"recipient_domain_is": ["bank.example"]},
    ),
    _rule("Patients", {**_LEAVING, "subject_contains_words": ["patient", "MRN", "diagnosis"]}, _ENCRYPT),
    _rule(
        "Numbers of employees",
        {"from_member_of": [HR], "sent_to_scope": _OUTSIDE, "subject_or_body_matches_patterns": [r"\d{3}-\d{2}-\d{4}"]},
        _ENCRYPT,
    ),
    _rule(
        "Disclaimer",
        _LEAVING,
        {"apply_html_disclaimer_text": "<p>Confidential.</p>"},
        {"subject_or_body_contains_words": ["Confidential"]},
    ),
    _rule(
        "Study",
        {"recipient_domain_is": ["university.example"], "subject_contains_words": ["study"]},
        {"set_audit_severity": "Low"},
    ),
    _rule(
        "Trial of numbers",
        {**_LEAVING, "subject_or_body_matches_patterns": [r"\d{3}-\d{2}-\d{4}"]},
        _ENCRYPT,
        mode="Audit",
    ),
    _rule("Before the merger", {"recipient_domain_is": ["practice.example"]}, _ENCRYPT, enabled=False),
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


@dataclass(frozen=True)
class Traffic:
    """A week of mail.

    :param messages: by what the trace calls them; :param:`results` what becomes of each, by recipient.
    """

    rules: RuleSet
    facts: Facts
    messages: Mapping[str, Message]
    results: Mapping[str, Mapping[str, Values]]
    rows: tuple[Row, ...]

    @property
    def trace(self) -> Trace:
        """Its rows."""
        trace = Trace()
        for row in self.rows:
            trace.add(row)
        return trace


def _letter(source: random.Random, number: int) -> tuple[str, Values]:
    """The last hop of a message, and the message as an option."""
    leaving = source.random() < 0.7
    sender = source.choice((*STAFF, *STAFF, LAB, LEGAL)) if leaving else source.choice(OUTSIDERS)
    others = (*OUTSIDERS, *source.sample(STAFF, 2)) if leaving else STAFF
    subject, kind = source.choice(_SUBJECTS), source.random()
    made: Values = {
        "from": sender,
        "to": source.sample(others, source.choice((1, 1, 1, 2, 3))),
        "authenticated": leaving,
        "subject": subject,
        "body": source.choice(_BODIES),
        "headers": {} if leaving else {"From": f"{source.choice(('Dr. Weber', 'Sales'))} <{sender}>"},
        "attachments": [_attachment(source) for _each in range(source.choice((0, 0, 1, 2)))],
        "importance": source.choice(("Normal", "Normal", "High")),
        "date": f"2026-11-{20 + number % 7}T{number % 24:02}:00:00Z",
        "protection": {"kind": "none"},
        "disclaimer_insertable": True,
        **({} if leaving else {"sender_ip": _HOP}),
    }
    if leaving and kind < 0.03:
        made.update(type="AutoForward", subject=f"FW: {subject}")
    elif leaving and kind < 0.06:
        made.update(type="OOF", subject=f"Automatic reply: {subject}", attachments=[])
    elif not leaving and kind < 0.05:  # A mailbox forwards it.
        made.update(type="AutoForward", to=[source.choice(OUTSIDERS)])
    size = sum(each["size"] for each in made["attachments"])
    made["size"] = int(size * source.choice((1.0, 1.37))) + source.randrange(2_000, 90_000)
    return NO_HOP if leaving else _HOP, made


def _attachment(source: random.Random) -> Values:
    large = source.random() < 0.02
    return {
        "name": source.choice(("scan.pdf", "letter.docx", "list.xlsx", "tool.exe")),
        "size": source.randrange(26, 40) * _MEGABYTE if large else source.randrange(10_000, 3 * _MEGABYTE),
        "text": source.choice(_BODIES),
        "executable": False,
        "password_protected": False,
        "unsupported": False,
        "limit_exceeded": False,
        "properties": {},
    }


_STATUS = {"delivered": "Delivered", "quarantined": "Quarantined", "redirected": "None"}


def _rows(name: str, hop: str, message: Message, results: Mapping[str, Values]) -> Iterator[Row]:
    prefixes = {rule["name"]: rule["actions"].get("prepend_subject", "") for rule in RULES}
    for recipient, result in results.items():
        acting = [each["name"] for each in result["rules"] if each["matched"] is True]
        yield Row(
            message=name,
            received=microseconds_of(message.date),
            sender=message.sender,
            recipient=recipient,
            status="Delivered" if result["fate"] == "unknown" else _STATUS.get(result["fate"], "Failed"),
            subject="".join(prefixes[each] for each in acting) + message.subject,
            size=message.size,
            from_ip=hop,
        )


def traffic(seed: int, count: int = 400) -> Traffic:
    """The mail of a week."""
    facts, rules = facts_of(FACTS), RuleSet([{**rule, "priority": place} for place, rule in enumerate(RULES)])
    simulator = Simulator(rules, facts)
    messages: dict[str, Message] = {}
    results: dict[str, Mapping[str, Values]] = {}
    rows: list[Row] = []
    for number in range(count):
        source = random.Random(f"{seed} {number} hospital")
        hop, made = _letter(source, number)
        name = f"m{number}"
        message = messages[name] = message_of(made, "", name)
        results[name] = {label.lower(): each for label, each in simulator.run(message)["recipients"].items()}
        rows += _rows(name, hop, message, results[name])
    return Traffic(rules, facts, messages, results, tuple(rows))
