# SPDX-License-Identifier: GPL-3.0-or-later
"""Non-delivery reports: what one says of the copies of a test message.

A report is one of a message only if it names that message's ID: In-Reply-To, References, or the Message-ID of the original that it
brings. A subject shows nothing, since anybody can write it. Sources: RFC 3464; Microsoft's pages "Non-delivery reports in Exchange
Online" and New-TransportRule (``RejectMessageEnhancedStatusCode``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesParser, HeaderParser

#: The longest text of a rejection that is kept; a rule's own has at most 1,024 characters.
_LONGEST = 1500

_ID = re.compile(r"<[^<>\s]+>")
_ADDRESS = re.compile(r"[^;]*;\s*<?([^<>\s]+@[^<>\s]+?)>?\s*")
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


@dataclass(frozen=True)
class Bounce:
    """What a non-delivery report says of one copy.

    :param recipient: whose copy, in lower case.
    :param status: the enhanced status code, such as ``5.7.1``; empty if there is none.
    :param text: what the server said, on one line.
    """

    recipient: str
    status: str
    text: str


def bounces_of(content: bytes, message_ids: set[str]) -> list[Bounce]:
    """The copies that failed, as a report says; none if it is no report of a message with one of these IDs.

    :param content: the report as MIME.
    :param message_ids: in lower case, in angle brackets.
    """
    report = BytesParser(policy=policy.compat32).parsebytes(content)
    if report.get_content_type() != "multipart/report" or not message_ids & set(_named_ids(report)):
        return []
    return [bounce for part in report.walk() for bounce in _failed(part)]


def _named_ids(report: Message) -> Iterator[str]:
    """The IDs of the messages that a report is about, in lower case."""
    for header in ("in-reply-to", "references"):
        yield from _ids_in(report.get(header))
    for part in report.walk():
        if part is not report and part.get_content_type() == "message/rfc822":
            yield from (message_id for inner in _inner(part) for message_id in _ids_in(inner.get("message-id")))
        elif part.get_content_type() == "text/rfc822-headers":
            yield from _ids_in(HeaderParser().parsestr(str(part.get_payload())).get("message-id"))


def _ids_in(header: object) -> list[str]:
    return [message_id.lower() for message_id in _ID.findall(str(header or ""))]


def _inner(part: Message) -> list[Message]:
    """The messages, or blocks of headers, in a part."""
    payload = part.get_payload()
    return [inner for inner in payload if isinstance(inner, Message)] if isinstance(payload, list) else []


def _failed(part: Message) -> Iterator[Bounce]:
    """The copies that failed, as a part for programs says."""
    if part.get_content_type() != "message/delivery-status":
        return
    for block in _inner(part):
        recipient = _ADDRESS.fullmatch(str(block.get("final-recipient") or block.get("original-recipient") or ""))
        if recipient is None or str(block.get("action") or "").strip().casefold() != "failed":
            continue
        status = _STATUS.match(str(block.get("status") or ""))
        said = " ".join(str(block.get("diagnostic-code") or "").partition(";")[2].split())
        yield Bounce(recipient[1].lower(), status[1] if status else "", said[:_LONGEST])
