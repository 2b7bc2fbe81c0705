# SPDX-License-Identifier: GPL-3.0-or-later
"""For each condition some values, for each action something to do, and mail that meets the conditions or does not."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message, Recipient
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    recipients_of,
)

from tests.unit.mail_flow import generators
from tests.unit.mail_flow.asking import NOW
from tests.unit.mail_flow.generators import COMMON, GUEST, OUTSIDERS, PEOPLE, RARE, TEXTS

Values = dict[str, Any]

#: Everything that conditions ask about an organization.
TENANT: Values = {
    "accepted_domains": [{"name": "contoso.com", "type": "Authoritative", "match_subdomains": True}],
    "remote_domains": [{"name": "sister.com", "is_internal": True}],
    "mailboxes": list(PEOPLE),
    "mail_users": [GUEST],
    "contacts": ["joe@northwind.com"],
    "groups": {generators.GROUPS[0]: list(PEOPLE[1:]), generators.GROUPS[1]: [generators.GROUPS[0], PEOPLE[0]]},
    "managers": {PEOPLE[0]: PEOPLE[1], PEOPLE[2]: PEOPLE[1]},
    "attributes": {person: dict(held) for person, held in generators.ATTRIBUTES.items()},
    "proxy_addresses": {generators.PROXY: PEOPLE[1]},
    "inbound_connectors": [],
}
FACTS = facts_of(TENANT)

#: What a rule does, by the first of its options.
ACTIONS: dict[str, list[Values]] = {
    "apply_rights_protection_template": [{"apply_rights_protection_template": "Encrypt"}],
    "apply_ome": [{"apply_ome": True}],
    "apply_rights_protection_customization_template": [{"apply_rights_protection_customization_template": "Branding1"}],
    "remove_ome_v2": [{"remove_ome_v2": True}],
    "remove_ome": [{"remove_ome": True}],
    "remove_rms_attachment_encryption": [{"remove_rms_attachment_encryption": True}],
    "delete_message": [{"delete_message": True}],
    "quarantine": [{"quarantine": True}],
    "reject_message_reason_text": [{"reject_message_reason_text": "no"}],
    "reject_message_enhanced_status_code": [{"reject_message_enhanced_status_code": "5.7.1"}],
    "redirect_message_to": [{"redirect_message_to": ["moved@contoso.com"]}],
    "moderate_message_by_user": [{"moderate_message_by_user": [PEOPLE[1]]}],
    "moderate_message_by_manager": [{"moderate_message_by_manager": True}],
    "add_to_recipients": [{"add_to_recipients": ["new@fabrikam.com"]}],
    "copy_to": [{"copy_to": ["new@fabrikam.com"]}],
    "blind_copy_to": [{"blind_copy_to": ["new@fabrikam.com"]}],
    "add_manager_as_recipient_type": [{"add_manager_as_recipient_type": way} for way in ("To", "Cc", "Bcc")],
    "prepend_subject": [{"prepend_subject": prefix} for prefix in ("[X] ", "secure ", "off")],
    "set_header_name": [
        *({"set_header_name": name, "set_header_value": "secure yes"} for name in generators.HEADERS),
        *({"set_header_name": name, "set_header_value": values[0]} for name, values in generators.SAYING.items()),
    ],
    "remove_header": [{"remove_header": name} for name in (*generators.HEADERS, *generators.SAYING)],
    "apply_classification": [{"apply_classification": name} for name in generators.CLASSES],
    "set_scl": [{"set_scl": 9}],
    "apply_html_disclaimer_text": [
        {
            "apply_html_disclaimer_text": "<p>top secret</p>",
            "apply_html_disclaimer_location": place,
            "apply_html_disclaimer_fallback_action": "Wrap",
        }
        for place in ("Append", "Prepend")
    ],
    "route_message_outbound_connector": [{"route_message_outbound_connector": "Bank"}],
    "route_message_outbound_require_tls": [{"route_message_outbound_require_tls": True}],
    "generate_incident_report": [{"generate_incident_report": PEOPLE[1], "incident_report_content": ["Subject"]}],
    "generate_notification": [{"generate_notification": "matched"}],
    "set_audit_severity": [{"set_audit_severity": "Low"}],
    "stop_rule_processing": [{"stop_rule_processing": True}],
}

#: How often values of a condition are drawn.
_DRAWN = 8


@cache
def drawn() -> dict[str, list[Values]]:
    """Option to sections of rules with conditions that have it."""
    found: dict[str, list[Values]] = {}
    for name, draw in {**COMMON, **RARE}.items():
        for number in range(_DRAWN):
            value = draw(random.Random(f"{name} {number}"))
            section = value if isinstance(value, dict) else {name: value}
            known = found.setdefault(next(iter(section)), [])
            if section not in known:
                known.append(section)
    return found


#: People to whom samples are sent, and from whom.
SENDERS = (*PEOPLE, *OUTSIDERS, GUEST, "plain@contoso.com")


def _message(source: random.Random) -> Values:
    """A message that says everything, to at most two people, of whom one at most is in no field that others see."""
    made = generators.message(source)
    first, *others = source.sample([*PEOPLE, *OUTSIDERS, GUEST, generators.PROXY], source.choice([1, 1, 2]))
    made |= {"to": [], "cc": [], "bcc": []}
    made[source.choice(("to", "cc", "bcc"))].append(first)
    for other in others:
        made[source.choice(("to", "cc"))].append(generators.PEOPLE[1] if other == generators.PROXY else other)
    made["authenticated"] = made["from"] not in OUTSIDERS
    for name, value in made["headers"].items():  # A header that is there twice has both values.
        if isinstance(value, str) and source.random() < 0.5:
            made["headers"][name] = ["nothing", value]
    for each in made["attachments"]:
        each["nested"] = []
        each["size"] = source.choice([1_000, 7 * 2**20])
    told: Values = {"type": [], "classification": [], "scl": 1, "sender_ip": "10.0.0.1"}
    whole = sum(each["size"] for each in made["attachments"]) + source.choice([2_000, 12 * 2**20])
    return {**told, **made, "size": whole}


@cache
def mail() -> tuple[tuple[Message, Recipient], ...]:
    """Messages, each with a recipient to follow: the one whom no field names by the primary address, if there is one."""
    return tuple(_followed())


def _followed() -> Iterator[tuple[Message, Recipient]]:
    for number in range(60):
        made = _message(random.Random(f"sample {number}"))
        made["subject"] = TEXTS[number % len(TEXTS)]
        if number % 4:
            made["protection"] = {"kind": "none"}
        if made["protection"].get("owner") != "own":
            made.pop("disclaimer_insertable", None)
        message = replace(message_of(made, "", f"m{number}"), date=NOW + datetime.timedelta(minutes=number))
        named = {each for each in (*message.to, *message.cc) if each != generators.PROXY}
        people = sorted(recipients_of(FACTS, message), key=lambda person: person.address in named)
        yield message, people[0]
