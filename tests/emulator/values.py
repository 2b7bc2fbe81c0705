# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversion of what a caller sends into the plain values that an organization stores.

Stored values are JSON: texts, numbers, booleans, lists; byte arrays as base64, TimeSpans as ``[d.]hh:mm:ss``, instants
as ISO 8601 in UTC with seven fractional digits. How they look on a wire is the wire's business.
"""

from __future__ import annotations

import base64
import datetime
import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import refused, transformation
from .schema import Parameter

_UNITS = {"": 1, "B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?B?)\s*(?:\(([\d,]+) bytes\))?\s*", re.IGNORECASE)
_SMTP = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+|[^@\s,;<>]+@[^@\s,;<>]+")
_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True)
class Delta:
    """A hashtable with Add and Remove: the edit of a multi-valued property."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def apply(self, current: Sequence[str] | None) -> list[str]:
        gone = {item.lower() for item in self.remove}
        kept = [item for item in current or () if item.lower() not in gone]
        present = {item.lower() for item in kept}
        return kept + [item for item in self.add if item.lower() not in present]


def is_smtp_address(text: str) -> bool:
    return _SMTP.fullmatch(text) is not None


def ordinal(name: str) -> str:
    """What .NET's OrdinalIgnoreCase compares: each letter by itself, and two of them never with an ASCII letter."""
    return "".join(
        letter.upper() if len(letter.upper()) == 1 and letter not in "\u0131\u017f" else letter for letter in name
    )


def new_guid() -> str:
    return str(uuid.uuid4())


def now() -> str:
    """This instant as it is stored."""
    return stored_instant(datetime.datetime.now(datetime.UTC))


def stored_instant(value: datetime.datetime) -> str:
    return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "0Z"


def parse_instant(text: str) -> datetime.datetime:
    """An instant from sortable text. Without an offset it is the service's clock, which is UTC."""
    shortened = re.sub(r"(\.\d{6})\d+", r"\1", text.strip())
    value = datetime.datetime.fromisoformat(shortened)
    return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)


def size_text(count: int) -> str:
    """A byte count as Exchange writes it: ``10 MB (10,485,760 bytes)``."""
    for unit in ("TB", "GB", "MB", "KB"):
        if count >= _UNITS[unit]:
            return f"{count / _UNITS[unit]:.4g} {unit} ({count:,} bytes)"
    return f"{count} B ({count:,} bytes)"


def days_text(days: float) -> str:
    """Days as a TimeSpan."""
    whole, rest = divmod(round(days * 86400), 86400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{whole}.{clock}" if whole else clock


def convert(parameter: Parameter, value: Any, *, rest: bool) -> Any:
    """The stored form of a parameter's value; None clears.

    :param rest: whether the value came as JSON, where byte arrays and hashtables have their own shapes.
    :raises CmdletError: the value cannot be bound to the parameter.
    """
    # The module's own [bool] takes no null; over REST it is how a switch is cleared whose false says something.
    if (
        parameter.type in _NOT_NULLABLE
        and value is None
        and not (rest and parameter.name.endswith("HasNoClassification"))
    ):
        raise transformation(parameter.name, "", parameter.type, "Cannot convert null to this type.")
    if value is None:
        # PowerShell binds a null to a text as an empty one.
        return "" if parameter.type == "String" and parameter.type_source == "manifest" and not rest else None
    converted = (
        _choose(parameter, value)
        if parameter.values and not parameter.type.endswith("[]")
        else _converter(parameter.type)(parameter, value, rest)
    )
    _check_limits(parameter, converted)
    return converted


def _check_limits(parameter: Parameter, value: Any) -> None:
    for item in value if isinstance(value, list) else [value]:
        if parameter.max_length is not None and isinstance(item, str) and len(item) > parameter.max_length:
            raise refused(
                f"The length of the property is too long. The maximum length is {parameter.max_length} and the length of the value provided is {len(item)}. "
                f"Property Name: {parameter.name}"
            )
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            low, high = parameter.minimum, parameter.maximum
            if (low is not None and item < low) or (high is not None and item > high):
                limit = f"between {low} and {high}" if high is not None else f"{low} or greater"
                raise refused(
                    f"The value '{item}' of parameter '{parameter.name}' is outside the allowed range: it must be {limit}."
                )


def _choose(parameter: Parameter, value: Any) -> str:
    """Enumerations match case-insensitively, and by any prefix that only one name has."""
    text = _text(parameter, value, False)
    exact = [name for name in parameter.values if name.lower() == text.lower()]
    matches = exact or [name for name in parameter.values if text and name.lower().startswith(text.lower())]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(parameter.values)
    if matches:
        detail = f"Unable to match the identifier name {text} to a valid enumerator name due to multiple possible matches: {', '.join(matches)}"
    else:
        detail = f"Unable to match the identifier name {text} to a valid enumerator name. Specify one of the following enumerator names and try again: {names}"
    raise transformation(parameter.name, text, f"Microsoft.Exchange.Data.{parameter.type}", detail)


def _boolean(parameter: Parameter, value: Any, rest: bool) -> bool:
    if isinstance(value, (bool, int)):
        return bool(value)
    raise transformation(
        parameter.name, value, "System.Boolean", "Boolean parameters accept only Boolean values and numbers."
    )


def _integer(parameter: Parameter, value: Any, rest: bool) -> int:
    try:
        number = int(str(value).strip()) if not isinstance(value, (bool, float)) else round(value)
    except ValueError:
        number = None
    if number is None or number not in _INT32:
        raise transformation(
            parameter.name,
            value,
            "System.Int32",
            "Input string was not in a correct format, or too large for an Int32.",
        )
    return number


def _double(parameter: Parameter, value: Any, rest: bool) -> float:
    try:
        number = float(value) if not isinstance(value, (bool, Mapping, list, tuple, bytes)) else None
    except (TypeError, ValueError):
        number = None
    if number is None or not math.isfinite(number):
        raise transformation(parameter.name, value, "System.Double", "Input string was not in a correct format.")
    return number


def _text(parameter: Parameter, value: Any, rest: bool) -> str:
    if isinstance(value, (Mapping, list, tuple, bytes, Delta)):
        raise transformation(
            parameter.name, type(value).__name__, "System.String", "Cannot convert value to type System.String."
        )
    return str(value)


def _identity(parameter: Parameter, value: Any, rest: bool) -> str:
    text = _text(parameter, value, rest)
    if not text:
        raise transformation(parameter.name, text, parameter.type, "The value cannot be empty.")
    return text


def _texts(parameter: Parameter, value: Any, rest: bool) -> list[str] | None:
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    if any(item is None or item == "" for item in items):
        raise transformation(parameter.name, "", parameter.type, "The value cannot be empty.")
    # Over REST a list without elements binds nothing; in a shell it is an empty collection, and clears.
    return [_text(parameter, item, rest) for item in items] or None


def _choices(parameter: Parameter, value: Any, rest: bool) -> list[str] | None:
    texts = _texts(parameter, value, rest)
    return texts and [_choose(parameter, text) for text in texts]


def _patterns(parameter: Parameter, value: Any, rest: bool) -> list[str] | None:
    texts = _texts(parameter, value, rest)
    for text in texts or ():
        try:
            re.compile(text)
        except re.error as error:
            # .NET knows more than Python; only what is wrong in both is refused.
            if "unterminated" in str(error) or "unbalanced" in str(error) or "nothing to repeat" in str(error):
                raise refused(f"The pattern '{text}' isn't a valid regular expression: {error}.") from error
    return texts


def _multi_valued(parameter: Parameter, value: Any, rest: bool) -> list[str] | Delta | None:
    if isinstance(value, Mapping):
        keys = {str(key).lower(): item for key, item in value.items() if not str(key).startswith("@")}
        if rest and value.get("@odata.type") != "#Exchange.GenericHashTable":
            raise transformation(
                parameter.name, "Newtonsoft.Json.Linq.JObject", "System.Collections.Hashtable", "Cannot bind a JObject."
            )
        if set(keys) - {"add", "remove"}:
            raise transformation(
                parameter.name,
                "System.Collections.Hashtable",
                parameter.type,
                "The hashtable may hold Add and Remove only.",
            )
        if not keys:
            return None
        return Delta(
            *(tuple(_texts(parameter, keys[key], rest) or ()) if key in keys else () for key in ("add", "remove"))
        )
    return _texts(parameter, value, rest)


def _uri(parameter: Parameter, value: Any, rest: bool) -> str:
    text = _text(parameter, value, rest)
    if not re.match(r"https?://[^\s/]+", text, re.IGNORECASE):
        raise transformation(
            parameter.name, text, "System.Uri", "Invalid URI: The format of the URI could not be determined."
        )
    return text


def _size(parameter: Parameter, value: Any, rest: bool) -> str:
    match = _SIZE.fullmatch(str(value))
    if match is None:
        raise transformation(
            parameter.name,
            value,
            "Microsoft.Exchange.Data.ByteQuantifiedSize",
            "The string was not in a correct format.",
        )
    number, unit, exact = match.groups()
    unit = unit.upper() if unit.upper() in _UNITS else unit.upper() + "B"
    return size_text(int(exact.replace(",", "")) if exact else int(float(number) * _UNITS[unit]))


def _instant(parameter: Parameter, value: Any, rest: bool) -> str:
    try:
        return stored_instant(value if isinstance(value, datetime.datetime) else parse_instant(str(value)))
    except (ValueError, OverflowError) as error:
        raise transformation(
            parameter.name, value, "System.DateTime", "The string was not recognized as a valid DateTime."
        ) from error


def _bytes(parameter: Parameter, value: Any, rest: bool) -> str | None:
    if rest and isinstance(value, Mapping):
        if value.get("@odata.type") != "#Exchange.ByteArrayType" or "Data" not in value:
            raise transformation(
                parameter.name, "Newtonsoft.Json.Linq.JObject", "System.Byte[]", "Cannot bind a JObject."
            )
        # The live metadata: Collection(Edm.Byte), so numbers and no text.
        value = value["Data"]
    if isinstance(value, (list, tuple)):
        if not all(isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= 255 for item in value):
            raise transformation(
                parameter.name,
                "System.Object[]",
                "System.Byte[]",
                "Value was either too large or too small for an unsigned byte.",
            )
        value = bytes(value)
    if not isinstance(value, bytes):
        raise transformation(parameter.name, value, "System.Byte[]", "Cannot convert the text to a byte array.")
    return base64.b64encode(value).decode("ascii") or None


def _smtp(parameter: Parameter, value: Any, rest: bool) -> str:
    text = _text(parameter, value, rest)
    if not is_smtp_address(text):
        raise transformation(
            parameter.name, text, "Microsoft.Exchange.Data.SmtpAddress", f"The email address '{text}' isn't correct."
        )
    return text


def _smtps(parameter: Parameter, value: Any, rest: bool) -> list[str] | None:
    texts = _texts(parameter, value, rest)
    return texts and [_smtp(parameter, text, rest) for text in texts]


def _unlimited(parameter: Parameter, value: Any, rest: bool) -> int | str:
    return "Unlimited" if str(value).lower() == "unlimited" else _integer(parameter, value, rest)


def _hashtables(parameter: Parameter, value: Any, rest: bool) -> Any:
    return value if isinstance(value, list) else [value]


_Converter = Callable[[Parameter, Any, bool], Any]
_CONVERTERS: dict[str, _Converter] = {
    "Boolean": _boolean,
    "SwitchParameter": _boolean,
    "Int32": _integer,
    "Int16": _integer,
    "UInt32": _integer,
    "Double": _double,
    "SclValue": _integer,
    "Byte[]": _bytes,
    "ByteQuantifiedSize": _size,
    "DateTime": _instant,
    "Pattern[]": _patterns,
    "IncidentReportContent[]": _choices,
    "Hashtable[]": _hashtables,
    "MultiValuedProperty": _multi_valued,
    "Uri": _uri,
    "SmtpAddress": _smtp,
    "SmtpAddress[]": _smtps,
    "Unlimited": _unlimited,
}
_NOT_NULLABLE = frozenset(
    {"Boolean", "SwitchParameter", "Int32", "Int16", "UInt32", "Double", "SmtpAddress", "Unlimited"}
)


def _converter(net_type: str) -> _Converter:
    if net_type in _CONVERTERS:
        return _CONVERTERS[net_type]
    if net_type.endswith("[]"):
        return _texts
    return _identity if net_type.endswith("IdParameter") else _text


def binds_nothing(parameter: Parameter, value: Any) -> bool:
    """Whether a JSON value leaves its parameter unbound: over REST an empty list clears nothing.

    The elements must be removed by name, or an empty hashtable or a null sent.
    """
    return value == [] and (parameter.type == "MultiValuedProperty" or parameter.type.endswith("[]"))
