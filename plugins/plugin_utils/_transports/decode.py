# SPDX-License-Identifier: GPL-3.0-or-later
"""The canonical form of returned values, and the decoder of the REST interface's JSON.

The canonical form is the one that ``Result`` describes; the CLIXML decoder uses the same
functions for single values, so that all wires end in the same form.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

_CLR_TIMESPAN = re.compile(r"(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")
_ISO_TIMESPAN = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,7})\d*)?S)?)?")
_FRACTION = re.compile(r"\.(\d{1,6})(\d?)\d*")
_TICKS = 10_000_000  # a .NET tick is 100 ns


def timespan(text: str) -> str:
    """``[-][d.]hh:mm:ss[.fffffff]`` for a TimeSpan that .NET or ISO 8601 wrote; any other text unchanged."""
    match = _CLR_TIMESPAN.fullmatch(text) or (_ISO_TIMESPAN.fullmatch(text) if len(text) > 1 else None)
    if match is None:
        return text
    sign, days, hours, minutes, seconds, fraction = match.groups(default="")
    ticks = ((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    ticks = ticks * _TICKS + int((fraction or "0").ljust(7, "0"))
    total, rest = divmod(ticks, _TICKS)
    minute_count, second = divmod(total, 60)
    hour_count, minute = divmod(minute_count, 60)
    day, hour = divmod(hour_count, 24)
    parts = [
        "-" if sign and ticks else "",
        f"{day}." if day else "",
        f"{hour:02}:{minute:02}:{second:02}",
        f".{rest:07}" if rest else "",
    ]
    return "".join(parts)


def instant(text: str) -> str:
    """ISO 8601 in UTC with a ``Z`` for a DateTime; one of no zone stays without; any other text unchanged. The seventh
    digit of a second, which Python does not keep, stays: whoever asks for what is older must not ask for less.
    """
    fraction = _FRACTION.search(text)
    tick = fraction[2].strip("0") if fraction else ""
    try:
        value = datetime.datetime.fromisoformat(
            _FRACTION.sub(lambda match: "." + match[1].ljust(6, "0"), text.strip(), count=1)
        )
        zone = "" if value.tzinfo is None else "Z"
        plain = value.astimezone(datetime.UTC).replace(tzinfo=None) if zone else value
        return f"{plain.isoformat(timespec='microseconds' if tick else 'auto')}{tick}{zone}"
    except (ValueError, OverflowError):
        return text


def byte_text(value: Any) -> Any:
    """Base64 text for a byte array, however JSON carried it: base64 text, a list of numbers, or an object with
    ``Data``.
    """
    if isinstance(value, Mapping):
        value = value.get("Data")
    if isinstance(value, list) and all(isinstance(item, int) and 0 <= item <= 255 for item in value):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, str):
        try:
            return base64.b64encode(base64.b64decode(value, validate=True)).decode("ascii")
        except (binascii.Error, ValueError):
            return value
    return value


def _guid(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _text(function: Callable[[str], str]) -> Callable[[Any], Any]:
    return lambda value: function(value) if isinstance(value, str) else value


_BY_TYPE: dict[str, Callable[[Any], Any]] = {
    "guid": _guid,
    "datetime": _text(instant),
    "datetimeoffset": _text(instant),
    "date": _text(instant),
    "exdatetime": _text(instant),
    "timespan": _text(timespan),
    "duration": _text(timespan),
    "enhancedtimespan": _text(timespan),
    "byte[]": byte_text,
    "binary": byte_text,
    "bytearraytype": byte_text,
    "collection(byte)": byte_text,
}


def json_object(data: Mapping[str, Any]) -> dict[str, Any]:
    """One object of a JSON answer in canonical form: annotation keys used and dropped.

    Types come from the annotations ``X@data.type`` and ``X@odata.type``; a value without one stays as it is.
    """
    decoded: dict[str, Any] = {}
    for key, value in data.items():
        if "@" in key:
            continue
        names = [_short(data.get(f"{key}@{annotation}")) for annotation in ("data.type", "odata.type")]
        decode = next((_BY_TYPE[name] for name in names if name in _BY_TYPE), None)
        collection = any(name.startswith("collection(") for name in names)
        element = next(
            (_BY_TYPE[name[11:-1]] for name in names if name.startswith("collection(") and name[11:-1] in _BY_TYPE),
            None,
        )
        if decode is not None:
            decoded[key] = decode(value)
        elif collection and isinstance(value, list):
            decoded[key] = [element(item) if element else _plain(item) for item in value]
        elif collection and value is not None:
            decoded[key] = [_plain(value)]
        else:
            decoded[key] = _plain(value)
    return decoded


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if _short(value.get("@odata.type")) == "bytearraytype":
            return byte_text(value)
        return json_object(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _short(name: Any) -> str:
    """``guid`` for ``#Guid``, ``System.Guid`` or ``#Exchange.Guid``; ``collection(string)`` for
    ``#Collection(String)``.
    """
    if not isinstance(name, str):
        return ""
    text: str = name.lstrip("#").lower()
    if text.startswith("collection("):
        return "collection(" + text[11:].rstrip(")").rpartition(".")[2] + ")"
    return text.rpartition(".")[2]
