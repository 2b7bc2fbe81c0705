# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters: messages as somebody hands them in, in MIME, and what mail flow rules see of them."""

from __future__ import annotations

import base64
import email.policy
import functools
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.header import Header
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime, getaddresses, localtime, parseaddr
from typing import Any

_POLICY = email.policy.SMTP
_FIELDS = ("to", "cc", "bcc")
#: Headers that a message says otherwise, too.
_TOLD = frozenset({"subject", "from", *_FIELDS})
#: The header firewall takes these off whatever comes from a mailbox or from outside.
_FIREWALL = ("x-ms-exchange-organization-", "x-ms-exchange-forest-")
_TAG = re.compile(r"<[^>]*>")
_PROGRAMS = frozenset({"exe", "dll", "com", "scr", "msi"})

#: What a protected message has in place of its content.
WRAPPED_CLASS, WRAPPED_TYPE, WRAPPED_NAME = "rpmsg.message", "application/x-microsoft-rpmsg-message", "message.rpmsg"
_WRAPPER_TEXT = (
    "This message is protected with Microsoft Information Protection. Open it with an app that supports protected mail."
)


@dataclass(frozen=True)
class Letter:
    """A message on its way in.

    :param envelope_sender: empty for automatic replies and notices.
    :param envelope: to whom it goes, whatever its fields say.
    :param authenticated: whether a mailbox, or a service that is signed in, sent it.
    :param sender_ip: the last hop outside; empty where there is none.
    :param types: those that a message does not show, such as AutoForward.
    """

    content: bytes
    envelope_sender: str
    envelope: tuple[str, ...]
    authenticated: bool
    sender_ip: str = ""
    types: tuple[str, ...] = ()

    @functools.cached_property
    def parsed(self) -> EmailMessage:
        """To read. Who changes it parses the content anew."""
        return parsed(self.content)

    @property
    def sender(self) -> str:
        """The address of the field From, in lower case."""
        return parseaddr(str(self.parsed["From"] or ""))[1].lower()

    @property
    def subject(self) -> str:
        return str(self.parsed["Subject"] or "")

    @property
    def message_id(self) -> str:
        return str(self.parsed["Message-ID"] or "").strip()

    def written(self) -> dict[str, list[str]]:
        """Whom To, Cc and Bcc name. Who is in the envelope only, gets a blind copy."""
        message, reached = self.parsed, {each.lower() for each in self.envelope}
        found = {name: [each for each in _addresses(message, name) if each.lower() in reached] for name in _FIELDS}
        named = {each.lower() for people in found.values() for each in people}
        return {**found, "bcc": [*found["bcc"], *(each for each in self.envelope if each.lower() not in named)]}


def parsed(content: bytes) -> EmailMessage:
    found = BytesParser(policy=_POLICY).parsebytes(content)
    assert isinstance(found, EmailMessage)
    return found


def addresses_of(message: EmailMessage) -> tuple[str, ...]:
    """Everybody whom a message names, each once."""
    return tuple(dict.fromkeys(each for name in _FIELDS for each in _addresses(message, name)))


def _addresses(message: EmailMessage, name: str) -> list[str]:
    return [address for _shown, address in getaddresses([str(each) for each in message.get_all(name, [])]) if address]


def arrived(letter: Letter, message_id: str) -> Letter:
    """The letter as the service has it: with its Message-ID and a date, without blind recipients and without headers
    that only the service sets. All else stays as it was written.
    """
    fields, body = _cut(letter.content)
    kept = [
        (name, text) for name, text in fields if name not in ("bcc", "message-id") and not name.startswith(_FIREWALL)
    ]
    kept.append(("message-id", _field("Message-ID", message_id)))
    if all(name != "date" for name, _text in kept):
        kept.append(("date", _field("Date", format_datetime(localtime()))))
    return replace(letter, content=_joined(kept, body))


def _cut(content: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """The fields of a message's head, each with its name in lower case, and its body."""
    text = content.replace(b"\r\n", b"\n")
    head, _blank, body = text.partition(b"\n\n")
    lines = re.split(rb"\n(?![ \t])", head)
    return [(line.partition(b":")[0].decode("latin-1").strip().lower(), line) for line in lines if line], body


def _joined(fields: Iterable[tuple[str, bytes]], body: bytes) -> bytes:
    return b"\n".join([*(text for _name, text in fields), b"", body]).replace(b"\n", b"\r\n")


def _field(name: str, value: str) -> bytes:
    shown = value if value.isascii() else Header(value, "utf-8").encode()
    return f"{name}: {shown}".encode()


def new_message_id(domain: str) -> str:
    return f"<{uuid.uuid4().hex.upper()}@{domain}>"


def seen_by_rules(letter: Letter) -> dict[str, Any]:
    """The message as the mail flow takes it."""
    message = letter.parsed
    parts = [part for part in message.walk() if not part.is_multipart()]
    texts = [part for part in parts if part.get_content_maintype() == "text" and not _is_attachment(part)]
    attached = [part for part in parts if part not in texts]
    headers: dict[str, list[str]] = {}
    for name, value in message.items():
        if name.lower() not in _TOLD:
            headers.setdefault(name.lower(), []).append(str(value))
    return {
        "from": letter.sender,
        "mail_from": letter.envelope_sender,
        "authenticated": letter.authenticated,
        **letter.written(),
        "subject": letter.subject,
        "body": "\n".join(_text(part) for part in texts),
        "headers": headers,
        "attachments": [] if _protection(message) else [_attachment(part) for part in attached],
        "size": len(letter.content),
        "importance": str(message["Importance"] or "Normal").strip().capitalize(),
        "character_sets": sorted({str(part.get_content_charset("us-ascii")) for part in texts}),
        "type": sorted({*letter.types, *_types(message)}),
        "protection": _protection(message) or {"kind": "none"},
        **({"scl": -1} if letter.authenticated else {}),
        **({"sender_ip": letter.sender_ip} if letter.sender_ip else {}),
    }


def _is_attachment(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename())


def _text(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode(part.get_content_charset("us-ascii"), "replace")
    return _TAG.sub(" ", text) if part.get_content_subtype() == "html" else text


def _attachment(part: EmailMessage) -> dict[str, Any]:
    payload = part.get_payload(decode=True)
    name = part.get_filename() or "attachment"
    plain = part.get_content_maintype() == "text"
    return {
        "name": name,
        "size": len(payload) if isinstance(payload, bytes) else 0,
        "text": _text(part) if plain else "",
        "nested": [],
        "properties": {},
        "executable": name.rpartition(".")[2].lower() in _PROGRAMS,
        "password_protected": False,
        "unsupported": False,
        "limit_exceeded": False,
    }


def _types(message: EmailMessage) -> list[str]:
    found = []
    if str(message["Auto-Submitted"] or "").lower().startswith("auto-replied"):
        found.append("OOF")
    if (
        message.get_content_type() == "multipart/report"
        and message.get_param("report-type") == "disposition-notification"
    ):
        found.append("ReadReceipt")
    if any(part.get_content_type() == "text/calendar" for part in message.walk()):
        found.append("Calendaring")
    return found


def _protection(message: EmailMessage) -> dict[str, str]:
    """How a message says that it is protected; empty where it does not."""
    kind = message.get_content_type()
    if kind == "multipart/signed":
        return {"kind": "smime_signed"}
    if kind in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return {"kind": "smime_signed" if message.get_param("smime-type") == "signed-data" else "smime"}
    return {"kind": "protected_option_unknown"} if is_wrapped(message) else {}


def is_wrapped(message: EmailMessage) -> bool:
    """Whether somebody without the rights sees a wrapper only."""
    return str(message["Content-Class"] or "").strip().lower() == WRAPPED_CLASS


def delivered(
    letter: Letter, *, subject: str, headers: Mapping[str, Sequence[str]], protected: bool, inside: bool
) -> bytes:
    """What a recipient gets.

    :param headers: those that rules set, and (without a value) those that they removed.
    :param inside: the copy stays, and shows how the service took its sender.
    """
    replaced: dict[str, Sequence[str]] = {"Subject": [subject], **headers}
    if inside:
        replaced["X-MS-Exchange-Organization-AuthAs"] = ["Internal" if letter.authenticated else "Anonymous"]
    if inside and letter.authenticated:
        replaced |= {"X-MS-Exchange-Organization-AuthMechanism": ["04"], "X-MS-Exchange-Organization-SCL": ["-1"]}
    changed = _replaced(letter.content, replaced)
    return _wrapped(changed) if protected else changed


def addressed(content: bytes, recipient: str) -> bytes:
    """A message that goes on to somebody else, as it is."""
    return _replaced(content, {"Resent-To": [recipient]})


def _replaced(content: bytes, headers: Mapping[str, Sequence[str]]) -> bytes:
    fields, body = _cut(content)
    names = {name.lower() for name in headers}
    kept = [(name, text) for name, text in fields if name not in names]
    kept += [(name, _field(name, value)) for name, values in headers.items() for value in values]
    return _joined(kept, body)


def _wrapped(content: bytes) -> bytes:
    """The message with the wrapper in place of its content."""
    wrapper = EmailMessage(policy=_POLICY)
    wrapper.set_content(_WRAPPER_TEXT)
    maintype, _slash, subtype = WRAPPED_TYPE.partition("/")
    wrapper.add_attachment(uuid.uuid4().bytes * 64, maintype=maintype, subtype=subtype, filename=WRAPPED_NAME)
    own, body = _cut(wrapper.as_bytes())
    kept = [(name, text) for name, text in _cut(content)[0] if name not in dict(own) and name != "content-class"]
    return _joined([*kept, *own, ("content-class", _field("Content-Class", WRAPPED_CLASS))], body)


def of_json(given: Mapping[str, Any], sender: str) -> bytes:
    """The MIME of a message that came as Graph's JSON.

    :raises ValueError: Graph's code for what is wrong with it.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = _named(given.get("from") or {}) or sender
    for name, key in (("To", "toRecipients"), ("Cc", "ccRecipients"), ("Bcc", "bccRecipients")):
        people = [_named(each) for each in given.get(key) or ()]
        if not all(people):
            raise ValueError("ErrorInvalidRecipients")
        if people:
            message[name] = ", ".join(people)
    message["Subject"] = str(given.get("subject") or "")
    if given.get("importance"):
        message["Importance"] = str(given["importance"]).capitalize()
    own = given.get("internetMessageHeaders") or []
    if len(own) > 5:
        raise ValueError("InvalidInternetMessageHeaderCollection")
    for row in own:
        if not str(row.get("name", "")).lower().startswith("x-"):
            raise ValueError("InvalidInternetMessageHeader")
        message[row["name"]] = str(row.get("value") or "")
    body = given.get("body") or {}
    subtype = "html" if str(body.get("contentType", "text")).lower() == "html" else "plain"
    message.set_content(str(body.get("content") or ""), subtype=subtype)
    for row in given.get("attachments") or ():
        kind, _slash, rest = str(row.get("contentType") or "application/octet-stream").partition("/")
        content = base64.b64decode(row["contentBytes"], validate=True)
        message.add_attachment(content, maintype=kind, subtype=rest or "octet-stream", filename=row["name"])
    return message.as_bytes(policy=_POLICY)


def _named(row: Mapping[str, Any]) -> str:
    return str((row.get("emailAddress") or {}).get("address") or "")
