# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message that a row of the trace describes. Private to the collection.

Everything else is unknown, by field: the text, attachments, headers, fields, type, importance, classification, spam
level, the envelope's sender, and how the message was protected when it arrived. Source: what Microsoft documents of the
trace's columns, and observations on real tenants.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import domain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import INSIDE, Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Open
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message, Recipient

#: The last hop of a message without a connection from outside: it is from a mailbox of the organization, or from the
#: service.
NO_HOP = "255.255.255.255"

#: The keys that a message from a row does not have.
UNSAID = frozenset(("headers", "fields"))

#: Field of an open question to the word for it.
_WORDS = {
    "body": "body",
    "attachments": "attachment",
    "headers": "header",
    "to": "to_or_cc",
    "scl": "scl",
    "type": "type",
    "protection": "type",
    "disclaimer_insertable": "type",
    "classification": "classification",
    "importance": "importance",
    "mail_from": "envelope",
    "authenticated": "envelope",
    "sender_ip": "envelope",
    "facts.groups": "membership",
    "facts.managers": "membership",
    "facts.attributes": "membership",
}

#: All reasons why something about a copy is open, in the order of results.
WORDS = (
    *(
        "body",
        "attachment",
        "header",
        "to_or_cc",
        "scl",
        "type",
        "classification",
        "importance",
        "envelope",
        "membership",
    ),
    *("subject_changed", "semantics"),
)


@dataclass(frozen=True, slots=True, order=True)
class Unknown:
    """Why something about a copy is open.

    :param word: one of :data:`WORDS`.
    :param id: the number of the question where it is about what Exchange does; empty if a fact is missing.
    """

    word: str
    id: str = ""


def why_open(question: Open, untraced: str = "") -> Unknown:
    """The reason of an open question.

    :param untraced: the word for what the condition that asks it looks at, where no row says that. It goes before the field: text that may be protected
        is text.
    """
    reason = question.reasons[0]
    word = untraced or _WORDS.get(reason.field, "semantics")
    return Unknown(word, "" if reason.id == questions.A_FACT else reason.id)


def authenticated(sender: str, from_ip: str, facts: Facts) -> bool | None:
    """Whether a message came over an authenticated connection; ``None`` if unknown.

    Mail without a hop before the service, from an address of the organization, is from one of its mailboxes. Mail over
    the internet from an address outside is not authenticated, unless a connector makes it so. From an address of the
    organization it is forged, or from a device or program that signed in (U22).
    """
    kind = facts.domain_type(domain(sender))
    if from_ip == NO_HOP:
        return True if kind in INSIDE else None
    hop = _hop(from_ip)
    if not hop or hop.is_private or kind is None or kind in INSIDE or facts.internal_connectors != ():
        return None
    return False


@lru_cache(maxsize=1 << 16)
def _hop(from_ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The last hop before the service; ``None`` if there is none, or it is unknown."""
    try:
        return None if from_ip in (NO_HOP, "") else ipaddress.ip_address(from_ip)
    except ValueError:
        return None


def message_of(
    sender: str,
    recipient: str,
    *,
    subject: str = "",
    size: int | None = None,
    from_ip: str = "",
    is_authenticated: bool | None = None,
) -> Message:
    """The message of a row; everything that the row does not say is unknown."""
    return Message(
        name="",
        sender=sender,
        mail_from=None,
        to=(recipient,),
        authenticated=is_authenticated,
        subject=subject,
        body=None,
        attachments=None,
        types=None,
        importance=None,
        classifications=None,
        sender_ip=from_ip if _hop(from_ip) else None,
        size=size,
        protection=None,
        unsaid=UNSAID,
    )


def recipient_of(address: str, facts: Facts) -> Recipient:
    """The recipient of a copy, as the simulator knows people."""
    primary = facts.primary(address)
    return Recipient(primary, address, primary)
