# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of lists in Exchange's settings.

See :mod:`kinds` for what a kind is. Facts about Exchange are from Microsoft's cmdlet reference or from captured output.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .cmdlet import Value
from .kinds import Kind, address, scalar, sendable
from .names import name_key
from .spelling import nearest


class Listing(Kind):
    """A list of texts. Order is not significant; ``case`` tells whether case is."""

    def __init__(
        self,
        *,
        case: bool = False,
        choices: tuple[str, ...] = (),
        maximum: int | None = None,
        multivalued: bool = False,
    ) -> None:
        spec: dict[str, Any] = {"type": "list", "elements": "str"}
        if choices:
            spec["choices"] = list(choices)
        super().__init__(spec, cleared=[])
        self.case = case
        self.maximum = maximum
        #: An AD-backed MultiValuedProperty. Over REST, an empty list does not clear it; removing its members does.
        self.multivalued = multivalued

    def parse(self, value: Any) -> Any:
        return [self.element(item) for item in value]

    def element(self, item: str) -> str:
        """The canonical form of one element.

        :raises ValueError: the element is invalid; the text says why.
        """
        if not item.strip():
            raise ValueError("contains an empty element")
        if item != item.strip():
            raise ValueError(f"contains {item!r}: Exchange does not accept leading or trailing spaces")
        if self.maximum is not None and len(item) > self.maximum:
            raise ValueError(f"contains an element of {len(item)} characters; Exchange accepts at most {self.maximum}")
        return sendable(item)

    def read(self, value: Any) -> Any:
        if value is None:
            return []
        # A null among other elements becomes an empty text. Without it, the list could look as if nothing were set.
        return ["" if item is None else scalar(item) for item in (value if isinstance(value, list) else [value])]

    def clear(self, stored: Any) -> Value:
        return {"Remove": list(stored or [])} if self.multivalued else None

    def key(self, value: Any) -> Any:
        return frozenset(value if self.case else (name_key(item) for item in value))


class Words(Listing):
    """Words or domains that a rule looks for. Neither order nor case is significant.

    :param attributes: the directory attributes that an element may start with, as in ``attribute:word,word``.
    """

    def __init__(self, *, attributes: Sequence[str] = (), **more: Any) -> None:
        super().__init__(**more)
        self.attributes = attributes

    def element(self, item: str) -> str:
        return _known_attribute(super().element(item), self.attributes)


class Patterns(Listing):
    """Regular expressions. Case is significant, order is not. Spaces are part of a pattern.

    :param attributes: the directory attributes that an element may start with, as in ``attribute:pattern,pattern``.
    """

    def __init__(self, *, attributes: Sequence[str] = ()) -> None:
        super().__init__(case=True)
        self.attributes = attributes

    def element(self, item: str) -> str:
        if not item:
            raise ValueError("contains an empty pattern")
        return _known_attribute(sendable(item), self.attributes)


def _known_attribute(item: str, attributes: Sequence[str]) -> str:
    """The element, unless its attribute looks like a misspelled known one. Other attributes are left for Exchange to
    judge.
    """
    attribute, colon, _rest = item.partition(":")
    known = attribute.casefold() in map(str.casefold, attributes)
    near = nearest(attribute, attributes) if colon and not known else ""
    if near:
        raise ValueError(f"contains the unknown attribute {attribute!r} (did you mean {near}?)")
    return item


class Recipients(Listing):
    """Recipients or groups, by SMTP address, which is what Exchange returns for any kind of reference."""

    def element(self, item: str) -> str:
        return address(item)


class Locations(Listing):
    """URLs. Order is significant; case and a trailing slash are not."""

    def __init__(self) -> None:
        super().__init__(multivalued=True)

    def element(self, item: str) -> str:
        if not re.match(r"https?://[^/\s]+", item, re.IGNORECASE):
            raise ValueError(f"contains {item!r}, which is not an absolute URL")
        return sendable(item)

    def key(self, value: Any) -> Any:
        return tuple(item.rstrip("/").lower() for item in value)
