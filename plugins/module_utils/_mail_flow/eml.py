# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message from an ``.eml`` file. Private to the collection.

The standard library reads it. What a file cannot tell is not known: whom the envelope named, what is in an attachment, and often whether the sender
was authenticated.
"""

from __future__ import annotations

import datetime
import email.policy
import html.parser
from collections.abc import Iterable, Iterator
from email.message import Message as AnyMessage
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.addresses import is_address
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.message import IMPORTANCES, Attachment, Message, Protection

#: Headers that have a field of their own in a message.
_OWN = frozenset({"bcc", "subject", "importance"})

#: Elements that begin a new line of text.
_BLOCKS = frozenset(
    {"address", "blockquote", "br", "dd", "div", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "table", "td", "tr", "ul"}
)


def message_from_eml(content: bytes, where: str, name: str = "") -> Message:
    """The message that a file holds.

    :param where: what the file is, for an error.
    :raises OptionError: the file is not a message, or names no sender or no recipient.
    """
    parsed = BytesParser(policy=email.policy.default).parsebytes(content)
    senders = _addresses(parsed, "from")
    if not senders:
        raise OptionError(f"{where} is not a message: it has no From field with an address.", remedy="Give a message as it was sent, with its headers (.eml).")
    to, cc, bcc = (_addresses(parsed, field) for field in ("to", "cc", "bcc"))
    parts = list(_parts(parsed))
    inline = [part for part in parts if not part.get_filename() and part.get_content_disposition() != "attachment" and part.get_content_maintype() == "text"]
    inline = [part for part in inline if part.get_content_subtype() in ("plain", "html")]
    return_path = _addresses(parsed, "return-path")
    return Message(
        name=name,
        sender=senders[0],
        mail_from=return_path[0] if return_path else None if parsed["return-path"] is None else "",
        to=to,
        cc=cc,
        bcc=bcc,
        authenticated={"internal": True, "anonymous": False}.get(_text(parsed, "x-ms-exchange-organization-authas").lower()),
        subject=_text(parsed, "subject"),
        body=None if _is_hidden(parsed) else _body(inline),
        headers=_headers(parsed),
        attachments=None if _is_hidden(parsed) else tuple(_attachment(part) for part in parts if part not in inline),
        types=_types(parsed) or None,
        importance=next((each for each in IMPORTANCES if each.casefold() == _text(parsed, "importance").casefold()), "Normal"),
        classifications=None,
        scl=_scl(parsed),
        size=len(content),
        date=_date(parsed),
        protection=_protection(parsed, parts),
        character_sets=frozenset(str(part.get_content_charset()).casefold() for part in parts if part.get_content_charset()),
    )


def _parts(parsed: AnyMessage) -> Iterator[AnyMessage]:
    """The parts that hold something. A message that is attached is one of them, whatever it is made of."""
    inner = parsed.get_payload()
    if isinstance(inner, list) and parsed.get_content_maintype() != "message":
        for part in inner:
            if isinstance(part, AnyMessage):
                yield from _parts(part)
    else:
        yield parsed


def _addresses(parsed: AnyMessage, field: str) -> tuple[str, ...]:
    found = (address for _name, address in getaddresses([str(value) for value in parsed.get_all(field, [])]))
    return tuple(dict.fromkeys(address for address in found if is_address(address)))


def _text(parsed: AnyMessage, field: str) -> str:
    return str(parsed.get(field) or "")


def _headers(parsed: AnyMessage) -> tuple[tuple[str, tuple[str, ...]], ...]:
    headers: dict[str, list[str]] = {}
    for name, value in parsed.items():
        if name.lower() not in _OWN:
            headers.setdefault(name.lower(), []).append(str(value))
    return tuple(sorted((name, tuple(values)) for name, values in headers.items()))


def _is_hidden(parsed: AnyMessage) -> bool:
    return parsed.get_content_type() in ("application/pkcs7-mime", "application/x-pkcs7-mime")


def _body(parts: Iterable[AnyMessage]) -> str:
    """The text: as plain text where there is one, otherwise what is left of the HTML."""
    given = list(parts)
    plain = [_content(part) for part in given if part.get_content_subtype() == "plain"]
    return "\n".join(plain or [_without_tags(_content(part)) for part in given])


def _content(part: AnyMessage) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


class _Texts(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("style", "script", "title")
        if tag in _BLOCKS:
            self.texts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("style", "script", "title") and self._silent > 0
        if tag in _BLOCKS:
            self.texts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.texts.append(data)


def _without_tags(text: str) -> str:
    reader = _Texts()
    reader.feed(text)
    reader.close()
    return "".join(reader.texts)


def _attachment(part: AnyMessage) -> Attachment:
    payload = part.get_payload(decode=True)
    text = _content(part) if part.get_content_type() == "text/plain" else None
    return Attachment(str(part.get_filename() or part.get_content_type()), len(payload) if isinstance(payload, bytes) else None, text)


def _types(parsed: AnyMessage) -> frozenset[str]:
    """The types that the message shows. That it does not show one says nothing."""
    shown = set()
    report = str(parsed.get_param("report-type") or "").lower() if parsed.get_content_type() == "multipart/report" else ""
    if report == "delivery-status":
        shown.add("NDR")
    if report == "disposition-notification":
        shown.add("ReadReceipt")
    if _text(parsed, "auto-submitted").lower().startswith("auto-replied"):
        shown.add("OOF")
    if any(part.get_content_type() == "text/calendar" for part in parsed.walk()):
        shown.add("Calendaring")
    if parsed.get_content_type() == "multipart/signed":
        shown.add("Signed")
    return frozenset(shown)


def _protection(parsed: AnyMessage, parts: Iterable[AnyMessage]) -> Protection:
    if _is_hidden(parsed):
        return Protection("smime_signed" if str(parsed.get_param("smime-type") or "").lower() == "signed-data" else "smime", "unknown")
    if parsed.get_content_type() == "multipart/signed":
        return Protection("smime_signed", "unknown")
    names = {str(part.get_filename() or "").lower() for part in parts}
    if names & {"message.rpmsg", "message_v2.rpmsg", "message_v4.rpmsg"} or _text(parsed, "content-class").lower() == "rpmsg.message":
        return Protection("protected_option_unknown", "unknown")
    return Protection()


def _scl(parsed: AnyMessage) -> int | None:
    text = _text(parsed, "x-ms-exchange-organization-scl").strip()
    return int(text) if text.lstrip("-").isdecimal() and -1 <= int(text) <= 9 else None


def _date(parsed: AnyMessage) -> datetime.datetime | None:
    try:
        return parsedate_to_datetime(_text(parsed, "date"))
    except ValueError:
        return None
