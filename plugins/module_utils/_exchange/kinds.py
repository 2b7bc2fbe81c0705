# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of value that Exchange's settings have: how they look in YAML, on the wire, and when two of them are equal.

Private to the collection. A kind never does I/O. It brings the declared and the stored value to one canonical form, which
is the form that users read and write in YAML; comparing, showing and sending start from there.
Where a fact about Exchange is used, it is from Microsoft's cmdlet reference or from captured output.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Value
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.colors import COLORS
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.image import format_of
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.scalars import (
    address,
    exact_bytes,
    scalar,
    sendable,
    timespan_days,
    with_ascii_minus,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.suggestions import nearest

#: No zone is farther from UTC.
_FARTHEST_ZONE = datetime.timedelta(hours=14)


class Kind:
    """How one kind of value behaves. The base class is a plain value that is compared as it is.

    :param spec: the Ansible argument spec of the option (``type``, ``elements``, ``choices``).
    :param cleared: the canonical form of "nothing set"; ``None`` where the setting has no cleared form.
    """

    def __init__(self, spec: Mapping[str, Any], cleared: Any = None) -> None:
        self.spec = dict(spec)
        self.cleared = cleared

    def parse(self, value: Any) -> Any:
        """The canonical form of what a user declared. A ValueError says what is wrong with it."""
        return value

    def read(self, value: Any) -> Any:
        """The canonical form of what Exchange returned; :attr:`cleared` where nothing is set."""
        return self.cleared if value is None else value

    def key(self, value: Any) -> Any:
        """What is compared: two canonical values are equal when their keys are."""
        return value

    def send(self, value: Any) -> Value:
        """The parameter value for a canonical value that is not the cleared one."""
        return value  # type: ignore[no-any-return]

    def clear(self, stored: Any) -> Value:
        """The parameter value that leaves nothing of ``stored`` set."""
        return None

    def show(self, value: Any) -> Any:
        """The canonical value as it stands in a diff."""
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
    """A predicate or an action that is there or not. Exchange returns False for one that is not."""

    def __init__(self) -> None:
        super().__init__()
        self.cleared = False

    def read(self, value: Any) -> Any:
        return bool(super().read(value))

    def clear(self, stored: Any) -> Value:
        return False


class Integer(Kind):
    """A whole number within bounds. Exchange returns some of them as text (SCL values)."""

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
    """A number of days, which Exchange takes as a double and returns as a TimeSpan."""

    def send(self, value: Any) -> Value:
        return float(value)

    def read(self, value: Any) -> Any:
        return 0 if value is None else timespan_days(value)


class Text(Kind):
    """A text with a limit. Line ends do not count when texts are compared: YAML writes LF, portals write CRLF."""

    def __init__(self, maximum: int | None = None) -> None:
        super().__init__({"type": "str"}, cleared="")
        self.maximum = maximum

    def parse(self, value: Any) -> Any:
        if self.maximum is not None and len(value) > self.maximum:
            raise ValueError(f"has {len(value)} characters, and Exchange takes at most {self.maximum}")
        return sendable(value)

    def key(self, value: Any) -> Any:
        return value.replace("\r\n", "\n").replace("\r", "\n")


class Name(Text):
    """A name, which Exchange compares without case. ``clears`` says whether "none" is a value, too."""

    def __init__(self, maximum: int | None = None, *, clears: bool = True) -> None:
        super().__init__(maximum)
        if not clears:
            self.cleared = None

    def key(self, value: Any) -> Any:
        return name_key(value)


class Choice(Kind):
    """One of Exchange's own literals. Matched here, because the service takes any prefix of one."""

    def __init__(self, *choices: str) -> None:
        super().__init__({"type": "str", "choices": list(choices)})
        self._literals = {name_key(choice): choice for choice in choices}

    def read(self, value: Any) -> Any:
        return None if value is None or value == "" else self._literals.get(name_key(scalar(value)), value)


class StatusCode(Kind):
    """An enhanced status code of a rejection: 5.7.1, or 5.7.900 to 5.7.999."""

    def __init__(self) -> None:
        super().__init__({"type": "str"})

    def parse(self, value: Any) -> Any:
        if not re.fullmatch(r"5\.7\.(1|9\d\d)", value):
            raise ValueError(f"must be 5.7.1 or between 5.7.900 and 5.7.999, not {value}")
        return value


class Listing(Kind):
    """A list of texts whose order means nothing. ``case`` says whether case does."""

    def __init__(self, *, case: bool = False, choices: tuple[str, ...] = (), maximum: int | None = None, multivalued: bool = False) -> None:
        spec: dict[str, Any] = {"type": "list", "elements": "str"}
        if choices:
            spec["choices"] = list(choices)
        super().__init__(spec, cleared=[])
        self.case = case
        self.maximum = maximum
        #: An AD-backed MultiValuedProperty: over REST an empty list does not clear it, removing its members does.
        self.multivalued = multivalued

    def parse(self, value: Any) -> Any:
        return [self.element(item) for item in value]

    def element(self, item: str) -> str:
        """The canonical form of one element; a ValueError says what is wrong with it."""
        if not item.strip():
            raise ValueError("has an empty element")
        if item != item.strip():
            raise ValueError(f"has {item!r}: Exchange takes no spaces at the ends of a word")
        if self.maximum is not None and len(item) > self.maximum:
            raise ValueError(f"has an element of {len(item)} characters, and Exchange takes at most {self.maximum}")
        return sendable(item)

    def read(self, value: Any) -> Any:
        if value is None:
            return []
        # Nothing between others is a text without characters: without it the list could look as if nothing were set.
        return ["" if item is None else scalar(item) for item in (value if isinstance(value, list) else [value])]

    def clear(self, stored: Any) -> Value:
        return {"Remove": list(stored or [])} if self.multivalued else None

    def key(self, value: Any) -> Any:
        return frozenset(value if self.case else (name_key(item) for item in value))


class Words(Listing):
    """Words or domains that a rule looks for: neither order nor case matters.

    :param attributes: those of a person that an element begins with, as ``attribute:word,word``.
    """

    def __init__(self, *, attributes: Sequence[str] = (), **more: Any) -> None:
        super().__init__(**more)
        self.attributes = attributes

    def element(self, item: str) -> str:
        return _known_attribute(super().element(item), self.attributes)


class Patterns(Listing):
    """Regular expressions: the order does not matter, the case does. Spaces are part of a pattern.

    :param attributes: those of a person that an element begins with, as ``attribute:pattern,pattern``.
    """

    def __init__(self, *, attributes: Sequence[str] = ()) -> None:
        super().__init__(case=True)
        self.attributes = attributes

    def element(self, item: str) -> str:
        if not item:
            raise ValueError("has an empty pattern")
        return _known_attribute(sendable(item), self.attributes)


def _known_attribute(item: str, attributes: Sequence[str]) -> str:
    """The element, unless its attribute is a known one misspelt. Whether Exchange has others, only Exchange can tell."""
    attribute, colon, _rest = item.partition(":")
    known = not attributes or not colon or attribute.casefold() in map(str.casefold, attributes)
    near = "" if known else nearest(attribute, attributes)
    if near:
        raise ValueError(f"has the attribute {attribute!r}: did you mean {near}?")
    return item


class Recipients(Listing):
    """Recipients or groups, by SMTP address: that is what Exchange returns, whatever reference it was given."""

    def element(self, item: str) -> str:
        return address(item)


class Recipient(Kind):
    """One recipient, by SMTP address."""

    def __init__(self) -> None:
        super().__init__({"type": "str"}, cleared="")

    def parse(self, value: Any) -> Any:
        return address(value) if value else ""

    def key(self, value: Any) -> Any:
        return name_key(value)


class Locations(Listing):
    """URLs whose order counts. Case and a slash at the end do not."""

    def __init__(self) -> None:
        super().__init__(multivalued=True)

    def element(self, item: str) -> str:
        if not re.match(r"https?://[^/\s]+", item, re.IGNORECASE):
            raise ValueError(f"has {item!r}, which is not an absolute URL")
        return sendable(item)

    def key(self, value: Any) -> Any:
        return tuple(item.rstrip("/").lower() for item in value)


class Size(Kind):
    """A size with a unit. Exchange returns ``10 MB (10,485,760 bytes)`` for ``10MB``, grouped as the host's culture does; bytes are what is compared."""

    _LARGEST = 2**63 - 1  # no message comes near it, and far beyond it a float is no number any more
    _UNITS: ClassVar = {"TB": 1 << 40, "GB": 1 << 30, "MB": 1 << 20, "KB": 1 << 10, "B": 1}

    def __init__(self) -> None:
        super().__init__({"type": "str"})

    def parse(self, value: Any) -> Any:
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(TB|GB|MB|KB|B)?", value.strip(), re.IGNORECASE)
        if not match:
            raise ValueError(f"must be a number with B, KB, MB, GB or TB, not {value!r}")
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
        return next(f"{size // factor}{unit}" for unit, factor in self._UNITS.items() if size % factor == 0 and (size or unit == "B"))


class Instant(Kind):
    """A point in time, canonically in UTC. An offset is required: Exchange's own form may leave the zone open, and is read as UTC then."""

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
        text = re.sub(r"(\.\d{6})\d+", r"\1", str(value))
        moment = datetime.datetime.fromisoformat(text)
        return self.parse((moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).isoformat())

    def send(self, value: Any) -> Value:
        return datetime.datetime.fromisoformat(value)

    def differs_by_a_zone(self, shown: Any, value: str) -> bool:
        """Whether what Exchange shows says no zone, and would be ``value`` (canonical) in some zone other than UTC."""
        if not value or not isinstance(shown, str) or not shown or re.search(r"(Z|[+-][0-9]{2}:?[0-9]{2})$", shown):
            return False
        apart = abs(datetime.datetime.fromisoformat(self.read(shown)) - datetime.datetime.fromisoformat(value))
        return datetime.timedelta() < apart <= _FARTHEST_ZONE and not apart % datetime.timedelta(minutes=15)


class Color(Kind):
    """A color as ``#RRGGBB``, as an HTML color name, or as ``0x00RRGGBB``, which was Microsoft's form for years; they mean the same."""

    def __init__(self) -> None:
        super().__init__({"type": "str"}, cleared="")

    def parse(self, value: Any) -> Any:
        if value and not re.fullmatch(r"#[0-9a-f]{6}", self.key(value)):
            raise ValueError(f"must be #RRGGBB or an HTML color name, not {value!r}")
        return value

    def key(self, value: Any) -> Any:
        name = value.lower()
        old = re.fullmatch(r"0x(?:00)?([0-9a-f]{6})", name)
        return f"#{old[1]}" if old else COLORS.get(name, name)


class Image(Kind):
    """A picture, canonically as base64 text. In a diff its format, size and digest stand for it."""

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
        return f"{format_of(content) or 'unknown format'}, {len(content)} bytes, sha256 {digest[:16]}" if content else ""
