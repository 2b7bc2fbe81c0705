# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of values in Exchange's settings: their form in YAML, their form on the wire, and when two values are
equal.

A kind never does I/O. It converts the declared and the stored value to one canonical form,
which is what users read and write in YAML. Values are compared, shown and sent from that form. Facts about Exchange are
from Microsoft's cmdlet reference or from captured output.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from .cmdlet import Value
from .colors import COLORS
from .image import format_of
from .names import name_key


def scalar(value: Any) -> str:
    """A text, number or boolean as text.

    :raises ValueError: the value is a list or an object.
    """
    if isinstance(value, (list, Mapping)):
        raise ValueError(f"not a text: {value!r}")
    return str(value)


#: The digit group separators of all cultures.
_GROUPS = ".,'\u2019\u00a0\u202f\u2009 "


def exact_bytes(text: str) -> int | None:
    """The byte count in ``10 MB (10,485,760 bytes)``, with the digit group separators of any culture; ``None`` if there
    is no such part.
    """
    match = re.search(rf"\(([0-9][0-9{_GROUPS}]*)[^0-9()]*\)", text)
    return int(re.sub(r"[^0-9]", "", match[1])) if match else None


def with_ascii_minus(value: Any) -> Any:
    """The text of a number with an ASCII minus, which Python needs: some cultures write U+2212."""
    return value.replace("\u2212", "-") if isinstance(value, str) else value


def timespan_days(value: Any) -> int:
    """Whole days of a TimeSpan: ``[-][d.]hh:mm:ss[.f]``, ISO 8601 ``P7D``, a mapping with ``Days``, or a number of
    days.
    """
    if isinstance(value, Mapping):
        return int(value["Days"])
    text = str(with_ascii_minus(value))
    match = (
        re.fullmatch(r"(?:(-?\d+)\.)?-?\d{1,2}:\d{2}:\d{2}(?:\.\d+)?", text)
        or re.fullmatch(r"P(\d+)D(?:T.*)?", text)
        or re.fullmatch(r"(-?\d+)", text)
    )
    if match is None:
        raise ValueError(f"not a TimeSpan: {text!r}")
    return int(match[1] or 0)


def is_address(value: str) -> bool:
    """Whether this can be an SMTP address."""
    return re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


def address(value: str) -> str:
    """The address itself. Raises ValueError if it is not an address."""
    if not is_address(sendable(value)):
        raise ValueError(
            f"contains {value!r}, which is not an SMTP address. Exchange returns addresses, so a name or alias would always show as changed"
        )
    return value


def unsendable(text: str) -> str:
    """A description of a character that no transport carries unchanged; empty if there is none.

    XML cannot represent NUL, and neither XML nor UTF-8 can represent unpaired surrogates. U+FFFE and U+FFFF are not
    characters: XML forbids them, and PowerShell returns them in a form that its own clients cannot read.
    """
    match = _UNSENDABLE.search(text)
    if match is None:
        return ""
    return {"\x00": "a NUL character", "\ufffe": "the character U+FFFE", "\uffff": "the character U+FFFF"}.get(
        match[0], "an unpaired surrogate"
    )


_UNSENDABLE = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")


def sendable(value: str) -> str:
    """The text itself. Raises ValueError if no transport can carry it."""
    if odd := unsendable(value):
        raise ValueError(f"contains {odd}")
    return value


#: No time zone is farther from UTC.
_FARTHEST_ZONE = datetime.timedelta(hours=14)


class Kind:
    """How one kind of value behaves. The base class is a plain value, compared as is.

    :param spec: the Ansible argument spec of the option (``type``, ``elements``, ``choices``).
    :param cleared: the canonical form of "nothing set"; ``None`` if the setting cannot be cleared.
    """

    def __init__(self, spec: Mapping[str, Any], cleared: Any = None) -> None:
        self.spec = dict(spec)
        self.cleared = cleared

    def parse(self, value: Any) -> Any:
        """The canonical form of a declared value.

        :raises ValueError: the value is invalid; the text says why.
        """
        return value

    def read(self, value: Any) -> Any:
        """The canonical form of a value that Exchange returned; :attr:`cleared` if nothing is set."""
        return self.cleared if value is None else value

    def key(self, value: Any) -> Any:
        """The comparison key: two canonical values are equal if their keys are equal."""
        return value

    def send(self, value: Any) -> Value:
        """The parameter value for a canonical value other than the cleared one."""
        return value  # type: ignore[no-any-return]

    def clear(self, stored: Any) -> Value:
        """The parameter value that clears ``stored`` completely."""
        return None

    def show(self, value: Any) -> Any:
        """The canonical value as a diff shows it."""
        return value


class Boolean(Kind):
    """On or off."""

    def __init__(self) -> None:
        super().__init__({"type": "bool"})

    def read(self, value: Any) -> Any:
        if value is None or isinstance(value, bool):
            return value
        return {"true": True, "false": False, "": None}[str(value).lower()]


class Flag(Boolean):
    """A predicate or action that is present or absent. Exchange returns False for an absent one."""

    def __init__(self) -> None:
        super().__init__()
        self.cleared = False

    def read(self, value: Any) -> Any:
        return bool(super().read(value))

    def clear(self, stored: Any) -> Value:
        return False


class Integer(Kind):
    """A whole number within bounds. Exchange returns some numbers (SCL values) as text."""

    def __init__(self, minimum: int, maximum: int | None = None) -> None:
        super().__init__({"type": "int"})
        self.minimum = minimum
        self.maximum = maximum

    def parse(self, value: Any) -> Any:
        if value < self.minimum or (self.maximum is not None and value > self.maximum):
            bounds = f"{self.minimum} or more" if self.maximum is None else f"between {self.minimum} and {self.maximum}"
            raise ValueError(f"must be {bounds}, not {value}")
        return value

    def read(self, value: Any) -> Any:
        return None if value is None or value == "" else int(with_ascii_minus(value))


class Days(Integer):
    """A number of days. Exchange accepts a double and returns a TimeSpan."""

    def send(self, value: Any) -> Value:
        return float(value)

    def read(self, value: Any) -> Any:
        return 0 if value is None else timespan_days(value)


class Text(Kind):
    """A text with a maximum length. Comparison ignores the style of line endings: YAML writes LF, portals write CRLF."""

    def __init__(self, maximum: int | None = None) -> None:
        super().__init__({"type": "str"}, cleared="")
        self.maximum = maximum

    def parse(self, value: Any) -> Any:
        if self.maximum is not None and len(value) > self.maximum:
            raise ValueError(f"has {len(value)} characters; Exchange accepts at most {self.maximum}")
        return sendable(value)

    def read(self, value: Any) -> Any:
        return self.cleared if value is None else scalar(value)

    def key(self, value: Any) -> Any:
        return value.replace("\r\n", "\n").replace("\r", "\n")


class Name(Text):
    """A name, which Exchange compares without case. ``clears`` tells whether an empty name is a valid value."""

    def __init__(self, maximum: int | None = None, *, clears: bool = True) -> None:
        super().__init__(maximum)
        if not clears:
            self.cleared = None

    def key(self, value: Any) -> Any:
        return name_key(value)


class Choice(Kind):
    """One of Exchange's own literals. The collection matches it, because the service accepts any prefix of a literal."""

    def __init__(self, *choices: str) -> None:
        super().__init__({"type": "str", "choices": list(choices)})
        self._literals = {name_key(choice): choice for choice in choices}

    def read(self, value: Any) -> Any:
        return None if value is None or value == "" else self._literals.get(name_key(scalar(value)), value)


class StatusCode(Kind):
    """The enhanced status code of a rejection: 5.7.1, or 5.7.900 to 5.7.999."""

    def __init__(self) -> None:
        super().__init__({"type": "str"})

    def parse(self, value: Any) -> Any:
        if not re.fullmatch(r"5\.7\.(1|9\d\d)", value):
            raise ValueError(f"must be 5.7.1 or between 5.7.900 and 5.7.999, not {value}")
        return value

    def read(self, value: Any) -> Any:
        return None if value is None else scalar(value)


class RecipientAddress(Kind):
    """One recipient, by SMTP address."""

    def __init__(self) -> None:
        super().__init__({"type": "str"}, cleared="")

    def parse(self, value: Any) -> Any:
        return address(value) if value else ""

    def read(self, value: Any) -> Any:
        return "" if value is None else scalar(value)

    def key(self, value: Any) -> Any:
        return name_key(value)


class Size(Kind):
    """A size with a unit, compared in bytes. Exchange returns ``10 MB (10,485,760 bytes)`` for ``10MB``, with the digit
    groups of the host's culture.
    """

    _LARGEST = 2**63 - 1  # no message comes near it, and a much larger float becomes infinite
    _UNITS: ClassVar = {"TB": 1 << 40, "GB": 1 << 30, "MB": 1 << 20, "KB": 1 << 10, "B": 1}

    def __init__(self) -> None:
        super().__init__({"type": "str"})

    def parse(self, value: Any) -> Any:
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(TB|GB|MB|KB|B)?", value.strip(), re.IGNORECASE)
        if not match:
            raise ValueError(f"must be a number followed by B, KB, MB, GB or TB, not {value!r}")
        size = float(match[1]) * self._UNITS[(match[2] or "B").upper()]
        if size > self._LARGEST:
            raise ValueError("is larger than any message can be")
        return self._canonical(int(size))

    def read(self, value: Any) -> Any:
        if value is None or value == "":
            return None
        count = exact_bytes(str(value))
        return self.parse(str(value)) if count is None else self._canonical(count)

    def key(self, value: Any) -> Any:
        number = value.rstrip("TGMKB")
        return int(number) * self._UNITS[value[len(number) :]]

    def _canonical(self, size: int) -> str:
        return next(
            f"{size // factor}{unit}"
            for unit, factor in self._UNITS.items()
            if size % factor == 0 and (size or unit == "B")
        )


class Instant(Kind):
    """A point in time, canonically in UTC. A declared value needs an offset. A value from Exchange without a zone is
    read as UTC.
    """

    def __init__(self) -> None:
        super().__init__({"type": "str"}, cleared="")

    def parse(self, value: Any) -> Any:
        if not value:
            return ""
        try:
            moment = datetime.datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        except (ValueError, OverflowError):
            pass
        raise ValueError(f"must be a date and time with an offset, such as 2030-01-31T08:00:00+01:00, not {value!r}")

    def read(self, value: Any) -> Any:
        if not value:
            return ""
        moment = datetime.datetime.fromisoformat(str(value))
        return self.parse((moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).isoformat())

    def send(self, value: Any) -> Value:
        return datetime.datetime.fromisoformat(value)

    def differs_by_a_zone(self, shown: Any, value: str) -> bool:
        """Whether ``shown`` has no zone and would equal ``value`` (canonical) in some zone other than UTC."""
        if not value or not isinstance(shown, str) or not shown or re.search(r"(Z|[+-][0-9]{2}:?[0-9]{2})$", shown):
            return False
        difference = abs(datetime.datetime.fromisoformat(self.read(shown)) - datetime.datetime.fromisoformat(value))
        return datetime.timedelta() < difference <= _FARTHEST_ZONE and not difference % datetime.timedelta(minutes=15)


class Color(Kind):
    """A color as ``#RRGGBB``, as an HTML color name, or as ``0x00RRGGBB`` (Microsoft's form for years). The forms are
    equivalent.
    """

    def __init__(self) -> None:
        super().__init__({"type": "str"}, cleared="")

    def parse(self, value: Any) -> Any:
        if value and not re.fullmatch(r"#[0-9a-f]{6}", self.key(value)):
            raise ValueError(f"must be #RRGGBB or an HTML color name, not {value!r}")
        return value

    def read(self, value: Any) -> Any:
        return "" if value is None else scalar(value)

    def key(self, value: Any) -> Any:
        name = value.lower()
        old = re.fullmatch(r"0x(?:00)?([0-9a-f]{6})", name)
        return f"#{old[1]}" if old else COLORS.get(name, name)


class Image(Kind):
    """An image, canonically as base64 text. A diff shows its format, size and digest instead."""

    def __init__(self) -> None:
        super().__init__({"type": "str"}, cleared="")

    def parse(self, value: Any) -> Any:
        try:
            return base64.b64encode(base64.b64decode("".join(value.split()), validate=True)).decode("ascii")
        except (binascii.Error, ValueError) as error:
            raise ValueError("is not base64 text") from error

    def read(self, value: Any) -> Any:
        if isinstance(value, list):
            return base64.b64encode(bytes(value)).decode("ascii")
        return value or ""

    def send(self, value: Any) -> Value:
        return base64.b64decode(value)

    def show(self, value: Any) -> Any:
        content = base64.b64decode(value)
        digest = hashlib.sha256(content).hexdigest()
        return (
            f"{format_of(content) or 'unknown format'}, {len(content)} bytes, sha256 {digest[:16]}" if content else ""
        )
