# SPDX-License-Identifier: GPL-3.0-or-later
"""Random mail as a message trace has it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import domain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.domains import INSIDE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message_recipients import (
    recipients_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.row_messages import (
    NO_HOP,
    message_of_row,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    Row,
    Trace,
    microseconds_of,
)

from tests.unit.mail_flow import generators

#: A last hop on the internet. Python takes the networks of documentation for private ones.
PUBLIC = "93.184.216.34"


def known_facts(source: random.Random) -> dict[str, Any]:
    """The facts about a random organization, as an option."""
    return {"inbound_connectors": [], **generators.organization(source)}


def tenant(source: random.Random) -> Facts:
    """The facts about a random organization."""
    return facts_of(known_facts(source))


def ordinary(source: random.Random) -> dict[str, Any]:
    """An ordinary message that arrives in clear, as an option."""
    made = generators.message(source)
    made.update(protection={"kind": "none"}, disclaimer_insertable=True)
    made.pop("type", None)
    return made


def ordinary_message(source: random.Random, name: str) -> Message:
    """An ordinary message that arrives in clear."""
    return message_of(ordinary(source), "", name)


def _hop(message: Message, facts: Facts) -> str:
    """The last hop of a message, as the trace would have it."""
    if message.authenticated and facts.domains.type_of(domain(message.sender)) in INSIDE:
        return NO_HOP
    return (
        PUBLIC
        if message.authenticated is False and message.sender_ip is None
        else "10.0.0.1"
        if message.sender_ip is None
        else message.sender_ip
    )


def without_hop(message: Message, facts: Facts) -> Message:
    """A message as its row shows it: without a last hop if a mailbox sends it."""
    hop = _hop(message, facts)
    return replace(message, sender_ip=hop) if hop == NO_HOP else message


def rows_of(message: Message, facts: Facts) -> Iterator[Row]:
    """The rows of a message for its recipients."""
    for person in recipients_of(facts, message):
        yield _row(message, facts, person.address, "Delivered")


def message_shown_by(row: Row, message: Message) -> Message:
    """What the row of a message shows of it."""
    return message_of_row(
        row.sender,
        row.recipient,
        subject=row.subject or "",
        size=row.size,
        from_ip=row.from_ip,
        is_authenticated=message.authenticated,
    )


def _row(message: Message, facts: Facts, recipient: str, status: str) -> Row:
    return Row(
        message=message.name,
        received=microseconds_of(message.date),
        sender=message.sender.lower(),
        recipient=recipient,
        status=status,
        subject=message.subject,
        size=message.size,
        from_ip=_hop(message, facts),
    )


def _groups(message: Message, facts: Facts) -> list[str]:
    """The groups to which a message goes, and those that are members of them."""
    groups = facts.groups.members or {}
    found: list[str] = []
    waiting = [facts.people.primary(each) for each in (*message.to, *message.cc, *message.bcc)]
    while waiting:
        address = waiting.pop()
        if address in groups and address not in found:
            found.append(address)
            waiting += [facts.people.primary(each) for each in groups[address]]
    return found


def traced(messages: list[Message], facts: Facts) -> Trace:
    """The rows of messages, those of the groups to which they went among them."""
    trace = Trace()
    for message in messages:
        for row in rows_of(message, facts):
            trace.add(row)
        for group in _groups(message, facts):
            trace.add(_row(message, facts, group, "Expanded"))
    return trace
