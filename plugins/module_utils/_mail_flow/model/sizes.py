# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes of messages and attachments, in bytes."""

from __future__ import annotations

import re

from .message import Message

_UNITS = {"": 1, "b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40}
#: A size, rounded or not, and the bytes that Exchange shows after it.
_SIZE = re.compile(r"\s*([\d,]+(?:\.\d+)?)\s*([kmgt]?b?)\b(?:.*\(([\d,]+) bytes\))?.*", re.IGNORECASE | re.DOTALL)

#: A message on the wire is larger than its content: the factor of base64 with line breaks, and the maximum size of
#: headers.
ENCODED, _HEADERS = 1.4, 100_000


def bytes_of(size: str | int) -> int | None:
    """The bytes of a size such as ``10MB``, or of Exchange's form of it; ``None`` if it is not a size."""
    found = _SIZE.fullmatch(str(size))
    if not found:
        return None
    number, unit, exact = found.groups()
    return int(exact.replace(",", "")) if exact else int(float(number.replace(",", "")) * _UNITS.get(unit.lower(), 1))


def size_range(message: Message) -> tuple[int, int | None]:
    """The minimum and maximum size, in bytes, of a message without a given size; ``None`` if unknown."""
    sizes = None if message.attachments is None else [attachment.size for attachment in message.attachments]
    least = len(message.subject) + len(message.body or "") + sum(size or 0 for size in sizes or ())
    if sizes is None or None in sizes or message.body is None:
        return least, None
    return least, int(least * ENCODED) + _HEADERS
