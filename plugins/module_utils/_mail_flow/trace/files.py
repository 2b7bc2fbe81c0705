# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message trace from a file. Private to the collection.

Reads CSV from the admin center or ``Export-Csv``, and JSON from ``ConvertTo-Json`` or Microsoft Graph. A file is data:
nothing in it is ever run. Source of the admin center's reports: Microsoft's page "Message trace in the new Exchange
admin center".
"""

from __future__ import annotations

import codecs
import csv
import datetime
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import (
    Row,
    RowError,
    instant_of,
    microseconds_of,
    name_of_column,
    places_of,
    row_of,
)

#: The longest cell, in characters: a subject has at most 255, an address 320. All recipients may be in one.
_LONGEST, _LONGEST_LIST = 10_000, 1_000_000

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

#: A date of Windows PowerShell's ConvertTo-Json: milliseconds since 1970.
_TICKS = re.compile(r"/Date\((-?\d+)\)/")

#: A date as an American computer writes it, and the fraction of a second that Python does not read.
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))?\s?([AP])M", re.IGNORECASE)
_FRACTION = re.compile(r"(\.\d{6})(\d+)")

#: The years that the date of a row may be in: numbers and dates that nobody set would be read as others.
_YEARS = range(2000, 2100)

#: The last event of a recipient in an enhanced summary report, to the status of the copy. Others are not documented.
_LAST_EVENTS = {"deliver": "Delivered", "send": "Delivered", "fail": "Failed"}

_SAVE = "Export it again: Get-MessageTraceV2 ... | Select-Object MessageTraceId, MessageId, @{n='Received';e={$_.Received.ToString('o')}}, SenderAddress, "
_HOW = (
    f"{_SAVE}RecipientAddress, Subject, Status, Size, FromIP | Export-Csv -NoTypeInformation -Encoding utf8 trace.csv."
)


def rows_of_file(content: bytes, path: str) -> Iterator[Row]:
    """The rows of a file.

    :raises OptionError: the file is not a message trace, or has an unreadable part; the message names the file and the
        line or row.
    """
    dates = _Dates()
    place = 0
    try:
        text = _text(content)
        for values, places in _objects(text):
            place += 1
            yield row_of(values, places, dates.read(values.get(places["received"])))
        if dates.ambiguous:
            raise RowError("its dates may name the month first or the day first, and none of them tells which")
    except (RowError, csv.Error) as error:
        where = f" (row {place})" if place else ""
        raise OptionError(f"The file {path} cannot be used as a message trace: {error}{where}.", remedy=_HOW) from error


def _text(content: bytes) -> str:
    mark, encoding = next(((mark, encoding) for mark, encoding in _BOMS if content.startswith(mark)), (b"", "utf-8"))
    if not mark and content[1:2] == b"\0":
        encoding = "utf-16-le"
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise RowError(f"it is not text in {encoding.upper()} at byte {error.start}") from error
    if "\0" in text:
        raise RowError("it holds NUL characters, so it is no text")
    if not text.strip():
        raise RowError("it is empty")
    return text


def _objects(text: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, str]]]:
    """The objects of the trace, with the columns for the values of rows."""
    if text.lstrip()[0] not in "[{":
        yield from _of_csv(text)
        return
    known: dict[tuple[str, ...], dict[str, str]] = {}
    for each in _of_json(text):
        if not isinstance(each, Mapping):
            raise RowError("it is JSON, but no list of rows")
        names = tuple(map(str, each))
        if names not in known:
            known[names] = places_of(names)
        yield each, known[names]


def _of_csv(text: str) -> Iterator[tuple[Mapping[str, Any], Mapping[str, str]]]:
    csv.field_size_limit(_LONGEST)
    lines = io.StringIO(text, newline="")
    first = next((line for line in lines if line.strip() and not line.startswith("#TYPE")), "")
    separator = max(",;\t", key=first.count)
    names = next(csv.reader([first], delimiter=separator, strict=True), [])
    known = {name_of_column(name): name for name in names}
    if "eventid" in known:
        raise RowError("it is an extended report, whose rows are events; an enhanced summary report can be read")
    recipients = known.get("recipientstatus")
    places = places_of([*names, "RecipientAddress", "Status"] if recipients else names)
    csv.field_size_limit(_LONGEST_LIST if recipients else _LONGEST)
    for cells in csv.reader(lines, delimiter=separator, strict=True):
        if not cells:
            continue
        if len(cells) != len(names):
            raise RowError(f"it has a row with {len(cells)} cells under {len(names)} columns")
        values = dict(zip(names, cells, strict=True))
        for each in _copies(values, recipients) if recipients else [values]:
            yield each, places


def _copies(values: Mapping[str, str], recipients: str) -> Iterator[Mapping[str, str]]:
    """The copies in a row of an enhanced summary report, which has them as ``ann@fabrikam.com##Receive, Deliver;...``."""
    for each in filter(str.strip, values[recipients].split(";")):
        address, _mark, events = each.partition("##")
        last = events.rpartition(",")[2].strip()
        yield {**values, "RecipientAddress": address, "Status": _LAST_EVENTS.get(last.lower(), last)}


def _of_json(text: str) -> Iterator[Any]:
    """The objects of a list, one at a time, of one object, or of an answer of Microsoft Graph."""
    decoder, place = json.JSONDecoder(parse_int=str), len(text) - len(text.lstrip())
    try:
        if text[place] == "{":
            whole = decoder.decode(text)
            if whole.get("@odata.nextLink"):
                raise RowError(
                    "it is the first page of Microsoft Graph's answer (@odata.nextLink), so it lacks the others"
                )
            yield from whole["value"] if isinstance(whole.get("value"), list) else [whole]
            return
        place += 1
        while True:
            place = _skip(text, place)
            if text[place : place + 1] == "]":
                break
            found, place = decoder.raw_decode(text, place)
            yield found
            place = _skip(text, place)
            if text[place : place + 1] not in (",", "]"):
                raise RowError("it is JSON that ends in the middle of a list")
            place += text[place] == ","
        if text[place + 1 :].strip():
            raise RowError("it has something behind its list")
    except (json.JSONDecodeError, RecursionError) as error:
        raise RowError(f"it is neither CSV nor JSON: {str(error).partition(':')[0]}") from error


def _skip(text: str, place: int) -> int:
    while text[place : place + 1].isspace():
        place += 1
    return place


def date_of(value: Any) -> int:
    """A date in ISO 8601, or as ConvertTo-Json of Windows PowerShell writes it, in microseconds since 1970. Without a
    zone it is in UTC.

    :raises RowError: it is none.
    """
    if isinstance(value, Mapping):  # ConvertTo-Json of Windows PowerShell writes an object for some dates.
        value = value.get("value") or value.get("DateTime")
    text = str(value or "").strip()
    ticks, fraction = _TICKS.fullmatch(text), _FRACTION.search(text)
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
        raise RowError(
            f"its date {text[:40]!r} is in a form that does not tell what it means; ISO 8601 does"
        ) from error


@dataclass
class _Dates:
    """Reads the dates of a file. American dates are read if one of them is unambiguous."""

    american: bool = False
    told: bool = False

    @property
    def ambiguous(self) -> bool:
        """Whether dates read as month-first could also be day-first."""
        return self.american and not self.told

    def read(self, value: Any) -> int:
        """Microseconds since 1970; see :func:`date_of`."""
        found = _AMERICAN.fullmatch(value.strip()) if isinstance(value, str) else None
        if not found:
            return date_of(value)
        month, day, year, hour, minute, second = (int(number or 0) for number in found.groups()[:6])
        self.american, self.told = True, self.told or day > 12
        half = 12 if found[7].upper() == "P" else 0
        return date_of(f"{year}-{month:02}-{day:02}T{hour % 12 + half:02}:{minute:02}:{second:02}")
