# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a message trace: one for each copy, as columns of numbers.

Source: Microsoft's Get-MessageTraceV2 page, and Microsoft Graph's exchangeMessageTrace.

Files are CSV from the admin center or ``Export-Csv``, or JSON from ``ConvertTo-Json`` or Microsoft Graph. A
file is data: nothing in it is ever run. Source of the admin center's reports: Microsoft's page "Message trace in the new
Exchange admin center".
"""

from __future__ import annotations

import codecs
import csv
import datetime
import io
import json
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.text import listed
from ..model.addresses import is_address, person

#: Value of a row to the names of its column: in lower case, without blanks and underscores.
COLUMNS: dict[str, tuple[str, ...]] = {
    "message": ("messagetraceid", "id", "networkmessageid", "messageid"),
    "message_id": ("messageid",),
    "received": ("received", "receiveddatetime", "origintimestamputc", "origintimestamp"),
    "sender": ("senderaddress",),
    "recipient": ("recipientaddress",),
    "subject": ("subject", "messagesubject"),
    "status": ("status",),
    "size": ("size", "totalbytes"),
    "from_ip": ("fromip",),
    "direction": ("directionality",),
}

#: Values that a row may lack: answers that depend on them are then unknown. Everything else identifies or describes the
#: copy.
_OPTIONAL = frozenset(("message_id", "subject", "size", "from_ip", "direction"))

#: How an enhanced summary report calls mail that the organization sent. Source: Microsoft's page of the report's columns for
#: the number, and message tracking logs for the words.
_OUTBOUND = frozenset(("2", "outbound", "originating"))

#: In place of the last hop, of mail that a report calls outbound: it came from a mailbox of the organization, or by one of
#: its connectors. The report's ``original_client_ip`` may be that of the sender's own computer.
SENT = "outbound"

#: Statuses, latest first: a row that is read twice keeps the latest one. A copy that is quarantined in one row and
#: delivered in another was released.
_STATUSES = (
    "Expanded",
    "Failed",
    "None",
    "FilteredAsSpam",
    "Delivered",
    "Quarantined",
    "Recalled",
    "Pending",
    "GettingStatus",
)
_BY_NAME = {name.lower(): name for name in _STATUSES}

#: The status of a copy that was delivered and may not have been in quarantine, and of one that was released from it.
DELIVERED, _RELEASED = "Delivered", "Quarantined, Delivered"

#: The sender of non-delivery reports and other mail of the service itself.
SYSTEM_SENDER = "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e@"

#: The sender of a copy whose row has no address of one: a name that nothing tells the address of.
NO_SENDER = "<>"

#: The status of a copy for somebody who has no address.
_NO_ADDRESS = "NoAddress"

#: Statuses of copies that no rule decides, and the reason under which they are counted.
_LEFT_OUT = {
    "Expanded": "expanded",
    "Failed": "failed",
    "Quarantined": "quarantined",
    "None": "none",
    "Recalled": "recalled",
    _NO_ADDRESS: "no_address",
}

#: What stands before the domain of an address that is not quoted, whatever it begins with. A formula is none.
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+")

#: The most digits of a size: a column holds 64 bits.
_DIGITS = 18

#: All times, and none, in microseconds.
ALL_TIME, NO_TIME = range(-(1 << 63), 1 << 63), range(0)

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_TICK = datetime.timedelta(microseconds=1)


class RowError(ValueError):
    """An invalid row or column; the text is a sentence without its period."""


@dataclass(frozen=True, slots=True)
class Row:
    """A copy, as the trace has it.

    :param message: what all copies of a message share.
    :param received: microseconds since 1970, UTC.
    :param subject: ``None`` if the trace does not say it, and so :param:`size`, in bytes.
    :param from_ip: the last hop before the service, or :data:`SENT`; empty if it is not said.
    :param message_id: what the sender's side calls the message, whatever the source calls it; empty if it is not said.
    :param by_message_id: whether :param:`message` is that, because the source has no key of its own.
    """

    message: str
    received: int
    sender: str
    recipient: str
    status: str
    subject: str | None = None
    size: int | None = None
    from_ip: str = ""
    message_id: str = ""
    by_message_id: bool = False


def instant_of(microseconds: int) -> datetime.datetime:
    """A time of a row, in UTC."""
    return _EPOCH + microseconds * _TICK


def microseconds_of(instant: datetime.datetime) -> int:
    """The inverse of :func:`instant_of`."""
    return (instant - _EPOCH) // _TICK


def name_of_column(text: str) -> str:
    """A column's name as :data:`COLUMNS` has it, or a status, which the admin center writes with blanks."""
    return text.strip().lower().replace(" ", "").replace("_", "")


def places_of(names: Sequence[str]) -> dict[str, str]:
    """Value of rows to the name of its column among these.

    :raises RowError: columns are missing.
    """
    columns = {name_of_column(name): name for name in reversed(names)}
    places = {
        what: columns[known] for what, all_names in COLUMNS.items() for known in reversed(all_names) if known in columns
    }
    missing = [what for what in COLUMNS if what not in places and what not in _OPTIONAL]
    if missing:
        needed = {
            "message": "MessageTraceId",
            "received": "Received",
            "sender": "SenderAddress",
            "recipient": "RecipientAddress",
            "status": "Status",
        }
        names = listed([needed[what] for what in missing], joint="and", most=len(missing))
        raise RowError(f"it has no column{'s' if len(missing) > 1 else ''} {names}")
    return places


def row_of(values: Mapping[str, Any], places: Mapping[str, str], received: int) -> Row:
    """A row from an object of the trace.

    :param values: name of a column to its value.
    :param places: as :func:`places_of` returns them.
    :param received: the time, as the source of the row has it.
    :raises RowError: the row has no key, or a size that is none. One without a recipient's address is left out: whoever
        sends mail to what is none must not end the reading.
    """
    message, shown = (str(values.get(places[what]) or "").strip() for what in ("message", "recipient"))
    recipient = person(shown)
    if not message:
        raise RowError("it has a row without a MessageTraceId")
    size = str(values.get(places.get("size", "")) or "").strip()
    if size and not (size.isascii() and size.isdecimal() and len(size) <= _DIGITS):
        raise RowError("it has a row whose Size is not a number of bytes")
    status = str(values.get(places["status"]) or "").strip()
    return Row(
        message=message.lower().strip("{}"),
        received=received,
        sender=_sender(str(values.get(places["sender"]) or "")),
        recipient=recipient.lower(),
        status=_BY_NAME.get(name_of_column(status), status) if _is_recipient(recipient) else _NO_ADDRESS,
        subject=_subject(values, places),
        size=int(size) if size else None,
        from_ip=_last_hop(values, places),
        message_id=str(values.get(places.get("message_id", "")) or "").strip().lower().strip("<>"),
        by_message_id=places["message"] == places.get("message_id"),
    )


def _is_recipient(recipient: str) -> bool:
    """Whether a text is an address to which mail can go."""
    local, mark, _domain = recipient.partition("@")
    usual = bool(mark) and (recipient[0] not in "=+-@" or bool(_LOCAL.fullmatch(local)))
    return usual and recipient.isprintable() and is_address(recipient)


def _subject(values: Mapping[str, Any], places: Mapping[str, str]) -> str | None:
    """The subject; ``None`` if the trace has no subjects."""
    if "subject" not in places:
        return None
    subject = values.get(places["subject"])
    return "" if subject is None else str(subject)


def _last_hop(values: Mapping[str, Any], places: Mapping[str, str]) -> str:
    """The last hop before the service, as far as the row tells it."""
    from_ip, direction = (str(values.get(places.get(what, "")) or "").strip() for what in ("from_ip", "direction"))
    if from_ip or direction.lower() not in _OUTBOUND:
        return from_ip
    return SENT


def _sender(text: str) -> str:
    """The address of a sender. The From field of a message may name somebody although its return path is empty."""
    address = person(text).lower()
    return address if is_address(address) else NO_SENDER


def left_out(status: str, sender: str) -> str:
    """Why a copy is left out; empty if it is replayed."""
    if sender.startswith(SYSTEM_SENDER):
        return "system"
    return _LEFT_OUT.get(status, "" if status in (*_STATUSES, _RELEASED) else "unknown_status")


@dataclass(slots=True)
class Texts:
    """The texts of a column, each with a number."""

    numbers: dict[str, int] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)

    def number(self, text: str | None) -> int:
        """The number of a text; ``-1`` for none."""
        if text is None:
            return -1
        number = self.numbers.setdefault(text, len(self.listed))
        if number == len(self.listed):
            self.listed.append(text)
        return number

    def text(self, number: int) -> str | None:
        """The text with a number; ``None`` for ``-1``."""
        return None if number < 0 else self.listed[number]


class Trace:
    """All rows that were read, each once, in columns of numbers.

    :param perhaps_twice: the most copies that may be counted twice, because files name them differently.
    :param by_message_id: the numbers of the messages that have the name that the sender's side gave them. Exchange's reports have
        another, the MessageTraceId.
    :param whole: the times, in microseconds, at which no row of a message is missing: those of all its copies were read.
    """

    def __init__(self) -> None:
        self.perhaps_twice = 0
        self.whole = ALL_TIME
        self.by_message_id: set[int] = set()
        self.texts = {name: Texts() for name in ("message", "sender", "recipient", "subject", "status", "from_ip")}
        self.columns = {
            **{name: array("l") for name in self.texts},
            **{name: array("q") for name in ("size", "received")},
        }
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, row: Row) -> int:
        """Adds a row, and returns the place of its copy. Of two different ones, the later status counts, whichever is
        read first.
        """
        columns = self.columns
        texts = self.texts
        message = texts["message"].number(row.message)
        recipient = texts["recipient"].number(row.recipient)
        place = self._places.setdefault(message << 32 | recipient, len(columns["size"]))
        if row.by_message_id:
            self.by_message_id.add(message)
        new = place == len(columns["size"])
        if not new:
            row = _merged(row, self.row(place))
        size = -1 if row.size is None else row.size
        texts_of = (
            (name, texts[name].number(getattr(row, name))) for name in ("sender", "subject", "status", "from_ip")
        )
        for name, number in (
            ("message", message),
            ("recipient", recipient),
            ("size", size),
            ("received", row.received),
            *texts_of,
        ):
            if new:
                columns[name].append(number)
            else:
                columns[name][place] = number
        return place

    def row(self, place: int) -> Row:
        """The row at a place."""
        values = {name: texts.text(self.columns[name][place]) for name, texts in self.texts.items()}
        size = self.columns["size"][place]
        return Row(
            message=values["message"] or "",
            received=self.columns["received"][place],
            sender=values["sender"] or "",
            recipient=values["recipient"] or "",
            status=values["status"] or "",
            subject=values["subject"],
            size=None if size < 0 else size,
            from_ip=values["from_ip"] or "",
            by_message_id=self.columns["message"][place] in self.by_message_id,
        )


def _merged(*rows: Row) -> Row:
    """One row of two of a copy: the one with the latest status, and what only the other one says."""
    first, other = sorted(rows, key=_rank)
    released = first.status == DELIVERED and other.status in ("Quarantined", _RELEASED)
    return replace(
        first,
        status=_RELEASED if released else first.status,
        subject=other.subject if first.subject is None else first.subject,
        size=other.size if first.size is None else first.size,
        from_ip=first.from_ip or other.from_ip,
    )


def _rank(row: Row) -> tuple[Any, ...]:
    """The order of the rows of one copy: the one with the latest status is first."""
    name = DELIVERED if row.status == _RELEASED else row.status
    status = _STATUSES.index(name) if name in _STATUSES else len(_STATUSES)
    return (status, row.received, row.sender, row.subject or "", row.size or 0, row.from_ip, row.status)


#: The longest cell, in characters: the trace has at most 256 of a subject, an address has 320. All recipients may be in one.
_LONGEST, _LONGEST_LIST = 10_000, 1_000_000

#: The marks of byte order at the beginning of a file, with the encodings that they show.
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

#: What a ZIP archive begins with, as workbooks are.
_ZIP = b"PK\x03\x04"

#: A date of Windows PowerShell's ConvertTo-Json: milliseconds since 1970.
_TICKS = re.compile(r"/Date\((-?\d+)\)/")

#: A date as an American computer writes it.
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?\s?([AP])M", re.IGNORECASE)

#: The fraction of a second, of which Python reads six digits.
_FRACTION = re.compile(r"(\.\d{6})(\d+)")

#: The years that the date of a row may be in: numbers, and dates that were never set, would be read as others.
_YEARS = range(2000, 2100)

#: The last event of a recipient in an enhanced summary report, to the status of the copy. Others are not documented.
_LAST_EVENTS = {"deliver": "Delivered", "send": "Delivered", "fail": "Failed"}

#: How to save a trace with all that is read of it.
EXPORT_COMMAND = (
    "Get-MessageTraceV2 ... | Select-Object MessageTraceId, MessageId, @{n='Received';e={$_.Received.ToString('o')}}, "
    "SenderAddress, RecipientAddress, Subject, Status, Size, FromIP | Export-Csv -NoTypeInformation -Encoding utf8 trace.csv."
)


def rows_of_file(content: bytes, path: str) -> Iterator[Row]:
    """The rows of a file.

    :raises OptionError: the file is not a message trace, or has an unreadable part; the message names the file and the
        line or row.
    """
    dates = _Dates()
    place = 0
    addressed = False
    try:
        text = _text(content)
        narrow = content.isascii() and text.lstrip()[0] not in "[{"
        for values, places in _objects(text):
            place += 1
            row = row_of(values, places, dates.read(values.get(places["received"])))
            addressed |= row.status != _NO_ADDRESS
            # Windows PowerShell's Export-Csv writes ASCII unless it is told otherwise, and "?" for every other letter.
            yield replace(row, subject=None) if narrow and "?" in (row.subject or "") else row
        if place and not addressed:
            raise RowError("it has no row whose RecipientAddress is an address")
        if dates.ambiguous:
            raise RowError("its dates may have the month or the day first, and none of them shows which")
    except (RowError, csv.Error) as error:
        where = f" (row {place})" if place else ""
        raise OptionError(
            f"The file {path} cannot be used as a message trace: {error}{where}.",
            remedy=f"Export it again, as the admin center's enhanced summary report, or by a command: {EXPORT_COMMAND}",
        ) from error


def _text(content: bytes) -> str:
    if content.startswith(_ZIP):
        raise RowError("it is a workbook of Excel or an archive, and not CSV or JSON")
    mark, encoding = next(((mark, encoding) for mark, encoding in _BOMS if content.startswith(mark)), (b"", "utf-8"))
    if not mark and content[1:2] == b"\0":
        encoding = "utf-16-le"
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise RowError(f"it is not text in {encoding.upper()} at byte {error.start}") from error
    if "\0" in text:
        raise RowError("it contains NUL characters, so it is not text")
    if not text.strip():
        raise RowError("it is empty")
    return text


def _objects(text: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """The objects of the trace, with the columns for the values of rows."""
    if text.lstrip()[0] not in "[{":
        yield from _of_csv(text)
        return
    known: dict[tuple[str, ...], dict[str, str]] = {}
    for row in _of_json(text):
        if not isinstance(row, Mapping):
            raise RowError("it is JSON, but not a list of rows")
        names = tuple(map(str, row))
        if names not in known:
            known[names] = places_of(names)
        yield row, known[names]


#: A line before the columns, of Windows PowerShell or for Excel.
_PREAMBLE = re.compile(r'#TYPE|"?sep=', re.IGNORECASE)


def _of_csv(text: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, str]]]:
    csv.field_size_limit(_LONGEST)
    lines = io.StringIO(text, newline="")
    first = next((line for line in lines if line.strip() and not _PREAMBLE.match(line)), "")
    separator = max(",;\t", key=first.count)
    names = next(csv.reader([first], delimiter=separator, strict=True), [])
    known = {name_of_column(name): name for name in names}
    if "eventid" in known:
        raise RowError("it is an extended report, whose rows are events; an enhanced summary report can be read")
    recipients = known.get("recipientstatus")
    places = places_of([*names, "RecipientAddress", "Status"] if recipients else names)
    csv.field_size_limit(_LONGEST_LIST if recipients else _LONGEST)
    for cells in csv.reader(lines, delimiter=separator, strict=True):
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(names):
            raise RowError(f"it has a row with {len(cells)} cells under {len(names)} columns")
        values = dict(zip(names, cells, strict=True))
        for row in _copies(values, recipients) if recipients else [values]:
            yield row, places


def _copies(values: Mapping[str, str], recipients: str) -> Iterator[Mapping[str, str]]:
    """The copies in a row of an enhanced summary report, which has them as ``ann@fabrikam.com##Receive, Deliver;...``."""
    for recipient in filter(str.strip, values[recipients].split(";")):
        address, _mark, events = recipient.partition("##")
        last = events.rpartition(",")[2].strip()
        yield {**values, "RecipientAddress": address, "Status": _LAST_EVENTS.get(last.lower(), last)}


def _of_json(text: str) -> Iterator[Any]:
    """The objects of a list, one at a time, of one object, or of an answer of Microsoft Graph."""
    decoder = json.JSONDecoder(parse_int=str)
    place = len(text) - len(text.lstrip())
    try:
        if text[place] == "{":
            whole = decoder.decode(text)
            if whole.get("@odata.nextLink"):
                raise RowError(
                    "it is the first page of Microsoft Graph's answer (@odata.nextLink), so the other pages are missing"
                )
            yield from whole["value"] if isinstance(whole.get("value"), list) else [whole]
            return
        place += 1
        while True:
            place = _skip(text, place)
            if text[place : place + 1] == "]":
                break
            value, place = decoder.raw_decode(text, place)
            yield value
            place = _skip(text, place)
            if text[place : place + 1] not in (",", "]"):
                raise RowError("it is JSON that is cut off in the middle of a list")
            place += text[place] == ","
        if text[place + 1 :].strip():
            raise RowError("it has more text after its list")
    except (json.JSONDecodeError, RecursionError) as error:
        raise RowError(f"it is neither CSV nor JSON: {str(error).partition(':')[0]}") from error


def _skip(text: str, place: int) -> int:
    while text[place : place + 1].isspace():
        place += 1
    return place


def _shape_of(character: str) -> str:
    """A character with digits and letters made alike."""
    if character.isdigit():
        return "9"
    return "a" if character.isalpha() else character


def date_of(value: Any) -> int:
    """A date in ISO 8601, or as ConvertTo-Json of Windows PowerShell writes it, in microseconds since 1970. Without a
    zone it is in UTC.

    :raises RowError: it is none.
    """
    if isinstance(value, Mapping):  # ConvertTo-Json of Windows PowerShell writes an object for some dates.
        value = value.get("value") or value.get("DateTime")
    text = str(value or "").strip()
    ticks = _TICKS.fullmatch(text)
    fraction = _FRACTION.search(text)
    try:
        if ticks:
            instant = instant_of(int(ticks[1]) * 1000)
        else:
            instant = datetime.datetime.fromisoformat(_FRACTION.sub(r"\1", text))
            instant = instant.astimezone(datetime.UTC) if instant.tzinfo else instant.replace(tzinfo=datetime.UTC)
        if instant.year not in _YEARS:
            raise ValueError("no mail of Exchange Online is of that year")
        # Digits that Python does not read are rounded up, so that a query up to this time includes the row.
        more = bool(fraction and fraction[2].strip("0"))
        return microseconds_of(instant) + more
    except (ValueError, OverflowError) as error:
        # It may be another cell, with people in it.
        shape = "".join(map(_shape_of, text[:40]))
        raise RowError(f"its dates are not in ISO 8601, but {shape!r} (9: a digit, a: a letter)") from error


@dataclass
class _Dates:
    """Reads the dates of a file. American dates are read if one of them is unambiguous."""

    american: bool = False
    unambiguous: bool = False

    @property
    def ambiguous(self) -> bool:
        """Whether dates read as month-first could also be day-first."""
        return self.american and not self.unambiguous

    def read(self, value: Any) -> int:
        """Microseconds since 1970; see :func:`date_of`."""
        match = _AMERICAN.fullmatch(value.strip()) if isinstance(value, str) else None
        if not match:
            return date_of(value)
        month, day, year, hour, minute, second = (int(number or 0) for number in match.groups()[:6])
        self.american = True
        self.unambiguous = self.unambiguous or day > 12
        half = 12 if match[7].upper() == "P" else 0
        return date_of(f"{year}-{month:02}-{day:02}T{hour % 12 + half:02}:{minute:02}:{second:02}")
