# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that can be sent: marked, small, and with a text that says what they are.

What is sent is read again as an ``.eml`` file, so a prediction is about the very bytes. Nothing that a user or an
organization wrote may begin a header of its own: control characters are refused. Sources: RFC 3834 for ``Auto-Submitted``, Microsoft's
MS-OXCMAIL for ``X-Auto-Response-Suppress``.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from ..._exchange.errors import OptionError
from ..input.eml import message_from_eml
from ..input.parsing import ordinary
from ..model.addresses import domain, is_plain_address
from ..model.facts import Facts
from ..model.message import Message

#: The header that marks a message. Each new name of a header costs a mailbox a named property, so there is only one.
MARK = "X-Message-Encryption-Experiment"

#: The largest message in bytes. Microsoft Graph did not accept some above 2.2 MB, and said so with HTTP 200.
LARGEST = 1 << 20

#: What a message carries to be no one's reason for another message.
SILENT = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}

#: What stands below each text.
FOOTER = "This message was sent by an administrator to see how mail is delivered. Nothing needs to be done."

#: Keys of a message that sending it can meet, or that are not about the mail. All others only describe it: it cannot be sent so.
SENDABLE = (
    "name",
    "eml_path",
    "defaults",
    "expect",
    "from",
    "mail_from",
    "authenticated",
    "to",
    "cc",
    "bcc",
    "subject",
    "body",
    "headers",
    "attachments",
    "importance",
)

#: Keys that a file brings itself.
_OF_FILE = ("from", "to", "cc", "body", "headers", "attachments", "importance")

#: Extensions of attachments of plain text.
TEXTS = ("txt", "csv", "log")

#: Parts of a file that mailboxes may answer by themselves, to an organizer whom the part names.
_ANSWERED = {"text/calendar", "application/ms-tnef"}

#: Headers that a file keeps. All others are left out: those of the way that the message once took, and those that make
#: others answer or send it elsewhere.
_KEPT = re.compile(
    r"mime-version|content-[a-z-]+|importance|priority|x-priority|x-msmail-priority|sensitivity|in-reply-to|references|x-.*",
    re.IGNORECASE,
)
_FIELD = re.compile(rb"([!-9;-~]+):[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n")

#: Characters with which a text could begin a line, and so a header, of its own.
_CONTROL = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")

#: Headers that a user may give. The service removes its own from what mailboxes send.
_OWN_HEADER = re.compile(r"x-[a-z0-9-]{1,60}", re.IGNORECASE | re.ASCII)
_OF_SERVICE = re.compile(r"x-(ms-exchange|microsoft|forefront|auto-response|eop)", re.IGNORECASE)


class UnsendableError(Exception):
    """A message cannot be sent as it is described.

    :param kind: why, in a word; ``wording.experiment`` says it.
    :param names: what it is about.
    """

    def __init__(self, kind: str, *names: str) -> None:
        super().__init__(kind)
        self.kind, self.names = kind, names


@dataclass(frozen=True)
class Sending:
    """How and between whom messages are sent.

    :param by: ``graph``, from a mailbox of the organization, or ``smtp``, from a server of the user.
    :param senders: the addresses from which they may be sent, in lower case.
    :param recipients: the addresses to which they may be sent, in lower case.
    :param token: what marks all messages of a run.
    :param now: when they are written.
    """

    by: str
    senders: Sequence[str]
    recipients: Sequence[str]
    token: str
    now: datetime.datetime


@dataclass(frozen=True)
class TestLetter:
    """A message that can be sent.

    :param number: its number in the run, from 1.
    :param mark: what its subject and header have, and no other message.
    :param message_id: the ID that it is sent with; a service may give it another.
    :param recipients: whom it is sent to, in lower case.
    :param mime: what is sent.
    :param message: the same as rules see it.
    """

    number: int
    name: str
    mark: str
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    mime: bytes
    message: Message


def letter_of(number: int, options: Mapping[str, Any], eml: bytes | None, sending: Sending, facts: Facts) -> TestLetter:
    """The letter of a message.

    :param options: the message, as the option ``messages`` has it.
    :param eml: the content of its file, if it has one.
    :raises UnsendableError: it cannot be sent.
    :raises OptionError: a text has a character that could begin a header.
    """
    options_set = {key: value for key, value in options.items() if value not in (None, [], {})}
    name = str(options_set["name"])
    described = [key for key in options_set if key not in SENDABLE]
    described += [key for key in _OF_FILE if key in options_set] if eml is not None else []
    if described:
        raise UnsendableError("described", *described)
    if "bcc" in options_set:
        raise UnsendableError("blind_copy")
    mark = f"{sending.token}-{number:02d}"
    sent = {
        **SILENT,
        MARK: mark,
        "Date": format_datetime(sending.now),
        "Message-ID": _message_id(mark, options_set, sending),
    }
    mime = _written(options_set, mark, sent) if eml is None else _rewritten(eml, options_set, mark, sent)
    if len(mime) > LARGEST:
        raise UnsendableError("large", str(len(mime)))
    message = message_from_eml(mime, f"The message {name!r}", name)
    sender, recipients = _people(message, options_set, sending)
    message = _as_sent(message, options_set, sending, facts)
    return TestLetter(number, name, mark, sent["Message-ID"], sender, recipients, mime, message)


def _message_id(mark: str, options: Mapping[str, Any], sending: Sending) -> str:
    first = next(iter(sending.senders), "")
    return f"<{mark}@{domain(str(options.get('from') or first)) or 'invalid'}>"


def _people(message: Message, options: Mapping[str, Any], sending: Sending) -> tuple[str, tuple[str, ...]]:
    """The sender, and the recipients.

    :raises UnsendableError: the message may not be sent from or to one of them.
    """
    sender = message.sender.lower()
    if sender not in sending.senders:
        raise UnsendableError("sender", sender)
    envelope = str(options.get("mail_from") or sender).lower()
    if envelope != sender:
        raise UnsendableError("described", "mail_from")
    recipients = tuple(dict.fromkeys(address.lower() for address in (*message.to, *message.cc)))
    strangers = [address for address in recipients if address not in sending.recipients]
    if strangers or not recipients:
        raise UnsendableError("recipient", *strangers)
    return sender, recipients


def _as_sent(message: Message, options: Mapping[str, Any], sending: Sending, facts: Facts) -> Message:
    """The message as rules see it. Nobody knows its spam confidence level there.

    :raises UnsendableError: it is described as one that is not sent so.
    """
    return replace(
        ordinary(message),
        authenticated=_authenticated(message, options, sending, facts),
        mail_from=message.sender,
        date=sending.now,
        scl=None,
    )


def _authenticated(message: Message, options: Mapping[str, Any], sending: Sending, facts: Facts) -> bool | None:
    """Whether it counts as authenticated; ``None`` if that is not known of a server of the user."""
    said = options.get("authenticated")
    if sending.by == "graph":
        if said is False:
            raise UnsendableError("described", "authenticated")
        return True
    if said is not None:
        return bool(said)
    return False if facts.domains.type_of(domain(message.sender)) == "" else None


# Writing


def _written(options: Mapping[str, Any], mark: str, sent: Mapping[str, str]) -> bytes:
    """A message that is described by its options.

    :raises UnsendableError: an attachment or a header cannot be sent.
    """
    mail = EmailMessage(policy=SMTP)
    if not options.get("from"):
        raise UnsendableError("no_sender")
    mail["From"] = _address(options["from"], "from")
    for key, field in (("to", "To"), ("cc", "Cc")):
        if key in options:
            mail[field] = ", ".join(_address(address, key) for address in options[key])
    mail["Subject"] = _subject(str(options.get("subject") or ""), mark)
    for field, text in {**sent, **_importance(options)}.items():
        mail[field] = text
    for field, values in (options.get("headers") or {}).items():
        for value in values if isinstance(values, list) else [values]:
            mail[_header(str(field))] = _line(str(value), f"headers.{field}")
    text = str(options.get("body") or "")
    mail.set_content(f"{text}\n\n{FOOTER}\n{mark}\n" if text else f"{FOOTER}\n{mark}\n")
    for attachment in options.get("attachments") or ():
        _attach(mail, {key: value for key, value in attachment.items() if value is not None})
    return mail.as_bytes()


def _attach(mail: EmailMessage, attachment: Mapping[str, Any]) -> None:
    name = _line(str(attachment["name"]), "attachments.name")
    described = [f"attachments.{key}" for key in attachment if key not in ("name", "text")]
    if described:
        raise UnsendableError("described", *described)
    if name.rpartition(".")[2].casefold() not in TEXTS:
        raise UnsendableError("attachment", name)
    mail.add_attachment(str(attachment.get("text") or name), subtype="plain", filename=name)


def _rewritten(content: bytes, options: Mapping[str, Any], mark: str, sent: Mapping[str, str]) -> bytes:
    """A message from a file, with the headers of the experiment. Its parts stay as they are, so that a signature holds."""
    if len(content) > LARGEST:
        raise UnsendableError("large", str(len(content)))
    message = message_from_eml(content, "eml_path")
    if message.also_from:
        raise UnsendableError("several_senders")
    answered = {part.get_content_type() for part in BytesParser().parsebytes(content).walk()} & _ANSWERED
    if answered:
        raise UnsendableError("answered", *sorted(answered))
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    head, _blank, body = lines.partition(b"\r\n\r\n")
    kept = [field[0] for field in _FIELD.finditer(head + b"\r\n") if _is_kept(field[1].decode("ascii", "replace"))]
    mail = EmailMessage(policy=SMTP)
    # As they are read here: what else a parser may find in them is sent to nobody.
    mail["From"] = _address(message.sender, "eml_path")
    for field, people in (("To", message.to), ("Cc", message.cc)):
        if people:
            mail[field] = ", ".join(_address(address, "eml_path") for address in people)
    mail["Subject"] = _subject(str(options.get("subject") or message.subject), mark)
    for field, text in sent.items():
        mail[field] = text
    ours = mail.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n"
    return b"".join((*kept, ours, b"\r\n", body))


def _is_kept(name: str) -> bool:
    """Whether a header of a file is sent."""
    of_experiment = name.casefold() in {header.casefold() for header in (MARK, *SILENT)}
    return bool(_KEPT.fullmatch(name)) and not of_experiment and not _OF_SERVICE.match(name)


def _importance(options: Mapping[str, Any]) -> dict[str, str]:
    importance = str(options.get("importance") or "Normal")
    return {} if importance == "Normal" else {"Importance": importance}


def _subject(text: str, mark: str) -> str:
    return f"{_line(text, 'subject')} [{mark}]".lstrip()


def _address(text: Any, where: str) -> str:
    address = _line(str(text), where)
    if not is_sendable_address(address):
        raise UnsendableError("address", address)
    return address


def is_sendable_address(text: str) -> bool:
    """Whether a header and a server have this address as it is written: a plain one in ASCII that no reader decodes
    (RFC 2047) into another.
    """
    return is_plain_address(text) and text.isascii() and "=?" not in text


def _header(name: str) -> str:
    if not _OWN_HEADER.fullmatch(name) or _OF_SERVICE.match(name) or name.casefold() == MARK.casefold():
        raise UnsendableError("header", name)
    return name


def _line(text: str, where: str) -> str:
    """A text that is one line.

    :raises OptionError: it has a character that ends a line, or controls a device.
    """
    if _CONTROL.search(text):
        raise OptionError(
            f"{where} contains a control character or a line break, which could add headers to the message.",
            remedy="Remove it.",
        )
    return text
