# SPDX-License-Identifier: GPL-3.0-or-later
"""A message from an ``.eml`` file.

The standard library reads it after its headers and parts were counted: crafted messages can keep its parsers busy for
minutes. For that reason, texts in HTML are read here: each step continues where the last one ended, so time is linear
in the length of a text. What a file cannot tell is unknown: the envelope's recipients, the content of attachments, and
often whether the sender was authenticated."""

from __future__ import annotations

import codecs
import datetime
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from email import policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message as AnyMessage
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime

from ..._exchange.errors import OptionError
from ..._resources.rules.fields import IMPORTANCES
from ..model.addresses import is_address
from ..model.message import Attachment, Message, Protection

#: Headers that are fields of a message.
_OWN = frozenset({"bcc", "subject", "importance"})

#: The largest file in bytes: Exchange Online takes messages of up to 150 MB.
_LARGEST = 160 << 20

#: A file's limits: bytes in a header, lines of headers, parts that hold others, borders of parts, and recipients.
_HEADER, _HEADERS, _DEEP, _BORDERS, _RECIPIENTS = 64 << 10, 20_000, 100, 20_000, 5_000

#: The maximum number of lines to read, counted once for every part that a line is in.
_LINES = 20_000_000

_CONTAINER = re.compile(rb"^content-type:\s*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_FIELD = re.compile(rb"^[!-9;-~]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*", re.MULTILINE)

#: Character sets that are not for texts, or that take too long.
_NO_TEXT = frozenset(
    {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "unicode-escape", "raw-unicode-escape"}
)

#: The standard library's errors for input that it cannot read.
_UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    MessageError,
)

#: Types that a file need not show.
_NOT_SHOWN = frozenset({"OOF", "AutoForward", "ApprovalRequest", "Voicemail"})

_LEVEL = re.compile(r"-1|[0-9]")


def message_from_eml(content: bytes, where: str, name: str = "") -> Message:
    """The message in a file.

    :param where: the name of the file, for errors.
    :raises OptionError: the file is not a message, names no sender, or is larger or more deeply nested than Exchange
        allows.
    """
    _bounded(content, where)
    try:
        message = _read(content, where, name)
    except _UNREADABLE as error:
        raise OptionError(f"{where} cannot be read as a message ({type(error).__name__}).", remedy=_REMEDY) from error
    if len({*message.to, *message.cc, *message.bcc}) > _RECIPIENTS:
        raise OptionError(f"{where} has more than {_RECIPIENTS} recipients.", remedy=_REMEDY)
    return message


#: A label that is set, in the header by which programs tell Exchange.
_LABEL = re.compile(r"MSIP_Label_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_Enabled\s*=\s*true", re.IGNORECASE)

_REMEDY = "Give a message as it was sent, with its headers (.eml)."


def _bounded(content: bytes, where: str) -> None:
    """Refuses a file that would take too long to read, before reading it."""
    if len(content) > _LARGEST:
        raise OptionError(
            f"{where} has {len(content)} bytes.", remedy=f"Give a message of at most {_LARGEST >> 20} MB."
        )
    deep = sum(1 for _each in _CONTAINER.finditer(content))
    if deep > _DEEP or content.count(b"\n--") > _BORDERS or (deep + 1) * content.count(b"\n") > _LINES:
        raise OptionError(f"{where} has too many parts.", remedy=_REMEDY)
    head = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]
    if head.count(b"\n") > _HEADERS:
        raise OptionError(f"{where} has more than {_HEADERS} lines of headers.", remedy=_REMEDY)
    long = next((header for header in _FIELD.findall(head) if len(header) > _HEADER), None)
    if long is not None:
        named = long.partition(b":")[0].decode("ascii", "replace")[:40]
        raise OptionError(
            f"{where} has a header {named} of {len(long)} bytes.",
            remedy=f"Give a message whose headers have at most {_HEADER >> 10} KB each.",
        )


def _read(content: bytes, where: str, name: str) -> Message:
    parsed = BytesParser(policy=policy.compat32).parsebytes(content)
    senders = _addresses(parsed, "from")
    if not senders:
        raise OptionError(f"{where} is not a message: it has no From field with an address.", remedy=_REMEDY)
    to, cc, bcc = (_addresses(parsed, field) for field in ("to", "cc", "bcc"))
    parts = list(_parts(parsed))
    own = [part for part in parts if _is_text_of_message(part)]
    inline = [part for part in own if part.get_content_subtype() != "calendar"]
    is_hidden = _is_hidden(parsed)
    texts = None if is_hidden else _texts(inline)
    types = _types(parsed)
    return Message(
        name=name,
        sender=senders[0],
        also_from=senders[1:],
        mail_from=_mail_from(parsed),
        to=to,
        cc=cc,
        bcc=bcc,
        authenticated=_AUTHENTICATED.get(_text(parsed, "x-ms-exchange-organization-authas").lower()),
        subject=_text(parsed, "subject"),
        body=texts[0] if texts else None,
        readings=texts[1:] if texts else (),
        sources=_sources(inline) if texts else (),
        headers=_headers(parsed),
        attachments=None if is_hidden else tuple(_attachment(part) for part in parts if part not in own),
        types=types,
        types_open=_open_types(types, hidden=is_hidden or _is_encoded(parts)),
        importance=_importance(parsed),
        classifications=None,
        sensitivity_label=_label(parsed),
        scl=_scl(parsed),
        size=len(content),
        date=_date(parsed),
        protection=_protection(parsed, parts),
        character_sets=frozenset(str(charset).casefold() for part in parts if (charset := part.get_content_charset())),
    )


#: Exchange's words for whether the sender signed in.
_AUTHENTICATED = {"internal": True, "anonymous": False}


def _is_text_of_message(part: AnyMessage) -> bool:
    """Whether a part is a text of the message itself, and not an attachment."""
    attached = part.get_filename() or part.get_content_disposition() == "attachment"
    return not attached and part.get_content_type() in ("text/plain", "text/html", "text/calendar")


def _mail_from(parsed: AnyMessage) -> str | None:
    """The envelope's sender; empty if there is none, ``None`` if the message does not say."""
    addresses = _addresses(parsed, "return-path")
    if addresses:
        return addresses[0]
    return None if parsed["return-path"] is None else ""


def _sources(inline: Iterable[AnyMessage]) -> tuple[str, ...]:
    """The sources of the HTML texts that can be read."""
    contents = [_content(part) for part in inline if part.get_content_subtype() == "html"]
    return tuple(source for source in contents if source is not None)


def _open_types(shown: frozenset[str], *, hidden: bool) -> frozenset[str]:
    """The types that the message may have, although it does not show them.

    :param hidden: whether its content is hidden.
    """
    not_shown = _NOT_SHOWN | {"Calendaring", "ReadReceipt"} if hidden else _NOT_SHOWN
    return not_shown - shown


def _label(parsed: AnyMessage) -> str | None:
    """The GUID of the sensitivity label that the message carries, empty for none; ``None`` if it carries several, such as
    those of other organizations.
    """
    guids = {guid.lower() for value in parsed.get_all("msip_labels", []) for guid in _LABEL.findall(str(value))}
    return next(iter(guids), "") if len(guids) < 2 else None


def _parts(parsed: AnyMessage) -> Iterator[AnyMessage]:
    """The parts with content. An attached message is one part, whatever it consists of."""
    inner = parsed.get_payload()
    if isinstance(inner, list) and parsed.get_content_maintype() != "message":
        for part in inner:
            if isinstance(part, AnyMessage):
                yield from _parts(part)
    else:
        yield parsed


def _addresses(parsed: AnyMessage, field: str) -> tuple[str, ...]:
    values = [_one_line(str(value)) for value in parsed.get_all(field, [])]
    addresses = (address for value in values for _name, address in getaddresses([value]))
    return tuple(dict.fromkeys(address for address in addresses if is_address(address)))


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]+[ \t]*", " ", text)


def _text(parsed: AnyMessage, field: str) -> str:
    value = parsed.get(field)
    return "" if value is None else _decoded(str(value))


def _decoded(value: str) -> str:
    """A header without MIME encoding; unchanged if it cannot be decoded."""
    line = _one_line(value)
    try:
        return str(make_header(decode_header(line))) if "=?" in line else line
    except _UNREADABLE:
        return line


def _headers(parsed: AnyMessage) -> tuple[tuple[str, tuple[str, ...]], ...]:
    headers: dict[str, list[str]] = {}
    for name, value in parsed.items():
        if name.lower() not in _OWN:
            headers.setdefault(name.lower(), []).append(_decoded(str(value)))
    return tuple(sorted((name, tuple(values)) for name, values in headers.items()))


def _importance(parsed: AnyMessage) -> str | None:
    """The importance; ``None`` if only headers of other systems tell it."""
    written = _text(parsed, "importance").strip()
    other = any(parsed[name] is not None for name in ("x-priority", "priority", "x-msmail-priority"))
    default = None if other and not written else "Normal"
    return next((importance for importance in IMPORTANCES if importance.casefold() == written.casefold()), default)


def _is_hidden(parsed: AnyMessage) -> bool:
    return parsed.get_content_type() in ("application/pkcs7-mime", "application/x-pkcs7-mime")


def _is_encoded(parts: Iterable[AnyMessage]) -> bool:
    """Whether a part holds Outlook's own encoding, for example a meeting request."""
    return any(part.get_content_type() in ("application/ms-tnef", "application/vnd.ms-tnef") for part in parts)


def _texts(parts: Sequence[AnyMessage]) -> tuple[str, ...] | None:
    """The text first, then other readings: those of the other alternative, and of HTML whose markup may split words.
    ``None`` if unreadable.
    """
    contents = [(part.get_content_subtype(), _content(part)) for part in parts]
    if any(content is None for _subtype, content in contents):
        return None
    plain = "\n".join(content or "" for subtype, content in contents if subtype == "plain")
    both = [readings(content or "") for subtype, content in contents if subtype == "html"]
    ways = ["\n".join(texts) for texts in zip(*both, strict=True)]
    return tuple(dict.fromkeys([*([plain] if plain or not ways else []), *ways]))


def _content(part: AnyMessage) -> str | None:
    """A part's text; ``None`` if its character set is not one for texts."""
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    charset = str(part.get_content_charset() or "utf-8")
    try:
        known = codecs.lookup(charset).name
        return None if known in _NO_TEXT or charset in _NO_TEXT else content.decode(known, "replace")
    except (LookupError, ValueError):
        return None


def _attachment(part: AnyMessage) -> Attachment:
    if part.get_content_maintype() == "message":
        # Whether the files in a message count, as those in an archive do, is open.
        names = tuple(
            dict.fromkeys(
                str(inner.get_filename()) for inner in part.walk() if inner is not part and inner.get_filename()
            )
        )
        return Attachment(_file_name(part), None, nested=names, message=True, unnamed=not part.get_filename())
    payload = part.get_payload(decode=True)
    text = _content(part) if part.get_content_type() == "text/plain" else None
    size = len(payload) if isinstance(payload, bytes) else None
    return Attachment(_file_name(part), size, text, unnamed=not part.get_filename())


def _file_name(part: AnyMessage) -> str:
    name = part.get_filename()
    return _decoded(str(name)) if name else part.get_content_type()


def _types(parsed: AnyMessage) -> frozenset[str]:
    """The types that the message itself shows."""
    shown = set()
    report = (
        str(parsed.get_param("report-type") or "").lower() if parsed.get_content_type() == "multipart/report" else ""
    )
    if report == "delivery-status":
        shown.add("NDR")
    if report == "disposition-notification":
        shown.add("ReadReceipt")
    if _text(parsed, "auto-submitted").strip().lower().startswith("auto-replied"):
        shown.add("OOF")
    if any(part.get_content_type() == "text/calendar" for part in _parts(parsed)):
        shown.add("Calendaring")
    if parsed.get_content_type() == "multipart/signed":
        shown.add("Signed")
    return frozenset(shown)


def _protection(parsed: AnyMessage, parts: Iterable[AnyMessage]) -> Protection:
    if _is_hidden(parsed):
        return Protection(
            "smime_signed" if str(parsed.get_param("smime-type") or "").lower() == "signed-data" else "smime", "unknown"
        )
    if parsed.get_content_type() == "multipart/signed":
        return Protection("smime_signed", "unknown")
    names = {str(part.get_filename() or "").lower() for part in parts}
    if (
        names & {"message.rpmsg", "message_v2.rpmsg", "message_v4.rpmsg"}
        or _text(parsed, "content-class").lower() == "rpmsg.message"
    ):
        return Protection("protected_option_unknown", "unknown")
    return Protection()


def _scl(parsed: AnyMessage) -> int | None:
    text = _text(parsed, "x-ms-exchange-organization-scl").strip()
    return int(text) if _LEVEL.fullmatch(text) else None


def _date(parsed: AnyMessage) -> datetime.datetime | None:
    try:
        return parsedate_to_datetime(_text(parsed, "date"))
    except _UNREADABLE:
        return None


#: Elements that begin a new line of text.
_BLOCKS = frozenset(
    {
        "address",
        "blockquote",
        "br",
        "dd",
        "div",
        "dt",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "td",
        "th",
        "tr",
        "ul",
    }
)

#: Elements with invisible content.
_SILENT = ("style", "script", "title")

_TAG = re.compile(r"<(!--|/?([a-zA-Z][a-zA-Z0-9]*)|[!?])")


def readings(source: str) -> tuple[str, str]:
    """The texts of HTML: one with the parts around an inline tag joined, one with them apart. Whether markup splits a
    word is not documented.
    """
    joined: list[str] = []
    separated: list[str] = []
    at = 0
    while (tag := _TAG.search(source, at)) is not None:
        text = html.unescape(source[at : tag.start()])
        name = (tag[2] or "").lower()
        end = source.find("-->", tag.end()) if tag[1] == "!--" else source.find(">", tag.end())
        between = ("\n", "\n") if name in _BLOCKS else ("", " ")
        joined += (text, between[0])
        separated += (text, between[1])
        if end < 0:
            return "".join(joined), "".join(separated)
        at = end + (3 if tag[1] == "!--" else 1)
        if name in _SILENT and tag[1][0] != "/":
            closing = re.compile(f"</{name}", re.IGNORECASE).search(source, at)
            if closing is None:
                return "".join(joined), "".join(separated)
            at = closing.start()
    rest = html.unescape(source[at:])
    return "".join((*joined, rest)), "".join((*separated, rest))
