# SPDX-License-Identifier: GPL-3.0-or-later
"""A message as the prover's variables: what each is of it. The simulator's conditions are not asked for any of them.

The people of the message have to be named by the model's rules or claims, so that their addresses have a variable.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import same_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.copies import SHOWN_FIELDS
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.conditions.keys import (
    ATTACHED,
    ATTACHED_NAME,
    ATTACHMENT,
    BODY,
    SUBJECT,
    WRITTEN,
    Key,
    holds,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import FALSE, Literal
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import (
    Attachment,
    Message,
    Recipient,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.symbolic_message import (
    SymbolicMessage,
)

#: Condition that is a switch, to whether a message has what it looks for.
SWITCHES: dict[str, Callable[[Message], bool | None]] = {
    "attachment_has_executable_content": lambda message: _any(each.executable for each in message.attachments or ()),
    "attachment_is_password_protected": lambda message: _any(
        each.password_protected for each in message.attachments or ()
    ),
    "attachment_is_unsupported": lambda message: _any(each.unsupported for each in message.attachments or ()),
    "attachment_processing_limit_exceeded": lambda message: _any(
        each.limit_exceeded for each in message.attachments or ()
    ),
}
Told = tuple[Literal, bool | None]


def literals(model: Model, message: Message, person: Recipient) -> list[Literal]:
    """What is true of a message for one of its recipients, without what the message does not say."""
    told = [
        *_people(model.mail, message, person),
        *_arrival(model.mail, message),
        *_texts(model.mail, message, person),
        *_properties(model.mail, message),
    ]
    return [
        *(literal if value else ~literal for literal, value in told if value is not None),
        *model.open.other_recipients.nobody_else,
    ]


def _people(mail: SymbolicMessage, message: Message, person: Recipient) -> Iterator[Told]:
    yield mail.sender["address", message.sender], True
    if mail.envelope.sender is not None:
        yield mail.envelope.empty, message.mail_from == ""
        yield mail.envelope.same, message.mail_from == message.sender
        if message.mail_from:
            yield mail.envelope.sender["address", message.mail_from], True
    yield mail.authenticated, message.authenticated
    yield mail.recipient["address", person.address], True
    yield mail.addressing.direct, person.written == person.address
    yield mail.addressing.others_direct, True
    yield mail.addressing.more_in_from, None
    members = False
    for field in SHOWN_FIELDS:
        people = [each.lower() for each in getattr(message, field)]
        by_alias = {mail.facts.people.primary(each) for each in people} - {*people}
        for address in mail.vocabulary.fields:
            # Mail to an alias is like mail to the primary address, in that field or in none that others see.
            yield mail.addressing.named(address, field), None if address in by_alias else address in people
        members |= bool(people)
    yield mail.addressing.members_named, members and None


def _arrival(mail: SymbolicMessage, message: Message) -> Iterator[Told]:
    protection = message.protection
    kind = protection.kind if protection else None
    arrival = {"smime": "smime", "smime_signed": "smime_signed", "none": ""}.get(str(kind), "")
    if protection and protection.by_rights:
        arrival = protection.owner
    for name, literal in mail.arrival.items():
        yield literal, name == arrival
    for name, literal in mail.kinds.items():
        yield literal, name in (message.types or ())
    for name, literal in mail.importance.items():
        yield literal, name == message.importance
    if mail.sensitivity.attachment is not FALSE:
        yield mail.sensitivity.attachment, None if message.attachments is None else bool(message.attachments)
    # Where a message does not say it, a disclaimer fits into mail in clear.
    yield mail.disclaimers.insertable, kind == "none" or None if message.insertable is None else message.insertable


def _texts(mail: SymbolicMessage, message: Message, person: Recipient) -> Iterator[Told]:
    for slot, atoms in mail.texts.items():
        for key, literal in atoms.items():
            yield literal, _has(message, person, slot, key)
    for key in mail.texts.get(SUBJECT, {}):
        if key[0] == "word":
            hidden = holds(f"q{message.subject}", key) is False and holds(message.subject, key) is True
            yield mail.subject.begins(key), hidden


def _has(message: Message, person: Recipient, slot: str, key: Key) -> bool | None:
    """Whether a text of a message has a word or a pattern, or an attachment has something."""
    if slot in (ATTACHED, ATTACHED_NAME, ATTACHMENT):
        return _any(_attached(each, slot, key) for each in message.attachments or ())
    if slot.startswith("header "):
        name = slot.removeprefix("header ")
        return _any(_holds(value, key) for header, values in message.headers if header == name for value in values)
    if slot == WRITTEN:
        return _is_written(person.written, key)
    return _holds({SUBJECT: message.subject, BODY: message.body or ""}[slot], key)


def _is_written(address: str, key: Key) -> bool | None:
    sort, value = key
    if sort == "address":
        return bool(address == value)
    if sort == "below":
        return f".{address.partition('@')[2]}".endswith(f".{value}")
    return _holds(address, key)


def _holds(text: str, key: Key) -> bool | None:
    found = holds(text, key)
    return found if isinstance(found, bool) else None


def _attached(attachment: Attachment, slot: str, key: Key) -> bool | None:
    sort, value = key
    if slot == ATTACHED:
        return None if attachment.text is None else _holds(attachment.text, key)
    if slot == ATTACHED_NAME:
        return _holds(attachment.name, key)
    if sort == "extension":
        return attachment.name.lower().endswith(f".{value}")
    name, word = value
    known = {title.casefold(): text for title, text in attachment.properties or ()}
    return _holds(known.get(name, ""), ("word", word.lower()))


def _any(values: Iterable[bool | None]) -> bool | None:
    found = list(values)
    return True if True in found else None if None in found else False


def _properties(mail: SymbolicMessage, message: Message) -> Iterator[Told]:
    attachments = message.attachments or ()
    for (sort, value), literal in mail.properties.items():
        if sort == "message":
            yield literal, _over(message.size, value)
        elif sort == "attachment":
            yield literal, _any(_over(each.size, value) for each in attachments)
        elif sort == "scl":
            yield literal, None if message.scl is None else message.scl >= value
        elif sort == "classification":
            named = message.classifications or ()
            yield literal, any(same_name(value, each) for each in named) if value else not named
        elif sort == "range":
            yield literal, None if message.sender_ip is None else _in_range(message.sender_ip, value)
        elif sort not in ("hidden attachment", "last hop"):
            yield literal, SWITCHES[sort](message)


def _over(size: int | None, limit: int) -> bool | None:
    return None if size is None or size == limit else size > limit


def _in_range(hop: str, value: str) -> bool:
    first, dash, last = value.partition("-")
    if not dash:
        return ipaddress.ip_address(hop) in ipaddress.ip_network(first, strict=False)
    return ipaddress.ip_address(first) <= ipaddress.ip_address(hop) <= ipaddress.ip_address(last)
