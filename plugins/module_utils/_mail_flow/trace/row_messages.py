# SPDX-License-Identifier: GPL-3.0-or-later
"""The message that a row of the trace describes, and whether its sender signed in.

What a row does not say is unknown: the text, attachments, headers, fields, importance, classification, spam level, and
the envelope's sender. Source: what Microsoft documents of the trace's columns, and observations on real tenants.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from functools import lru_cache

from ..model.addresses import domain, is_name
from ..model.domains import INSIDE
from ..model.facts import Facts
from ..model.message import Message, Recipient
from .rows import SENT

#: A person whom no condition names.
NOBODY = "\x00@\x00"

#: The last hop of a message without a connection from outside: it is from a mailbox of the organization, or from the
#: service.
NO_HOP = "255.255.255.255"

#: The keys that a message from a row does not have.
UNSAID = frozenset(("headers", "fields"))


def authenticated(sender: str, from_ip: str, facts: Facts) -> bool | None:
    """Whether a message came over an authenticated connection; ``None`` if unknown.

    Mail without a hop before the service, from an address of the organization, is from one of its mailboxes. So is mail
    that a report calls outbound, unless a server on premises or a device may hand mail over by a connector. Mail over
    the internet from an address outside is not authenticated, unless a connector makes it so. From an address of the
    organization it is forged, or from a device or program that signed in (U22).
    """
    kind = None if is_name(sender) else facts.domains.type_of(domain(sender))
    if from_ip == NO_HOP:
        return True if kind in INSIDE else None
    if from_ip == SENT:
        return True if kind in INSIDE and facts.connectors.relays == () else None
    hop = _hop(from_ip)
    if not hop or hop.is_private or kind is None or kind in INSIDE or facts.connectors.internal != ():
        return None
    return False


@lru_cache(maxsize=1 << 16)
def _hop(from_ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The last hop before the service; ``None`` if there is none, or it is unknown."""
    try:
        return None if from_ip in (NO_HOP, "") else ipaddress.ip_address(from_ip)
    except ValueError:
        return None


def message_of_row(
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
        sensitivity_label=None,
        size=size,
        protection=None,
        unsaid=UNSAID,
    )


def plain(message: Message) -> Message:
    """A message as a plain one: it has no text but its subject, no attachment, no header of its own, no classification and no
    label, its importance is normal, and nothing takes it for spam or finds anything in it.
    """
    return replace(
        message,
        body="",
        attachments=(),
        importance="Normal",
        classifications=frozenset(),
        scl=0,
        sensitivity_label="",
        sensitive_information=False,
        unsaid=message.unsaid - {"headers"},
    )


def recipient_of(address: str, facts: Facts) -> Recipient:
    """The recipient of a copy, as the simulator knows people."""
    primary = facts.people.primary(address)
    return Recipient(primary, address, primary)
