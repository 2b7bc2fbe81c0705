# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single values as Exchange and its hosts write them: sizes, time spans, addresses, and texts that a transport can
carry. Private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


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
