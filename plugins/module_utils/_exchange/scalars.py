# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single values as Exchange and its hosts write them: sizes, time spans, addresses, and texts that a wire carries. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def scalar(value: Any) -> str:
    """The text of what is a text, a number or a boolean.

    :raises ValueError: it is a list or an object.
    """
    if isinstance(value, (list, Mapping)):
        raise ValueError(f"not a text: {value!r}")
    return str(value)


#: What stands between the groups of a number's digits in one culture or another.
_GROUPS = ".,'\u2019\u00a0\u202f\u2009 "


def exact_bytes(text: str) -> int | None:
    """The bytes of ``10 MB (10,485,760 bytes)``, whatever the host's culture puts between digits; ``None`` where there is no such part."""
    match = re.search(rf"\(([0-9][0-9{_GROUPS}]*)[^0-9()]*\)", text)
    return int(re.sub(r"[^0-9]", "", match[1])) if match else None


def with_ascii_minus(value: Any) -> Any:
    """A number's text with the minus that Python reads: some cultures write U+2212."""
    return value.replace("\u2212", "-") if isinstance(value, str) else value


def timespan_days(value: Any) -> int:
    """Whole days of a TimeSpan: ``[-][d.]hh:mm:ss[.f]``, ISO 8601 ``P7D``, a mapping with ``Days``, or a number of days."""
    if isinstance(value, Mapping):
        return int(value["Days"])
    text = str(with_ascii_minus(value))
    match = re.fullmatch(r"(?:(-?\d+)\.)?-?\d{1,2}:\d{2}:\d{2}(?:\.\d+)?", text) or re.fullmatch(r"P(\d+)D(?:T.*)?", text) or re.fullmatch(r"(-?\d+)", text)
    if match is None:
        raise ValueError(f"not a TimeSpan: {text!r}")
    return int(match[1] or 0)


def is_address(value: str) -> bool:
    """Whether this can be an SMTP address."""
    return re.fullmatch(r"[^@\s]+@[^@\s]+", value) is not None


def address(value: str) -> str:
    """The address itself. A ValueError says why it is none."""
    if not is_address(sendable(value)):
        raise ValueError(f"has {value!r}, and an SMTP address is needed: Exchange returns addresses, so a name or an alias would never be found unchanged")
    return value


def unsendable(text: str) -> str:
    """What in a text no wire carries unchanged, in words; empty where everything goes through.

    NUL and halves of surrogate pairs are in neither XML nor UTF-8. U+FFFE and U+FFFF are no characters: XML forbids them, and PowerShell
    sends them back in a form that its own clients cannot read.
    """
    match = _UNSENDABLE.search(text)
    if match is None:
        return ""
    return {"\x00": "a NUL character", "\ufffe": "the character U+FFFE", "\uffff": "the character U+FFFF"}.get(
        match[0], "a character that is half a surrogate pair"
    )


_UNSENDABLE = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")


def sendable(value: str) -> str:
    """The text itself, unless no wire carries it."""
    if odd := unsendable(value):
        raise ValueError(f"has {odd}")
    return value
