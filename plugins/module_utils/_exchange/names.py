# SPDX-License-Identifier: GPL-3.0-or-later
"""When Exchange treats two names as the same: decided here, and nowhere else.

How Exchange compares names is not documented. This module assumes .NET's ``OrdinalIgnoreCase``: character by character,
each in its simple upper case, without culture or normalization. A dotless i is not an I, a long s is not an S, and a
sharp s is not two of them. Checked against PowerShell 7.6 for every character of Unicode 14. A directory may compare
more loosely: :func:`lookalikes` lists the names that it may confuse.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

#: .NET leaves these two unchanged, although Unicode maps them to an ASCII letter in upper case.
_KEPT = frozenset("\u0131\u017f")


@lru_cache(maxsize=4096)
def name_key(name: str) -> str:
    """The comparison key: two names are the same if their keys are equal. A key is not for display."""
    return name.upper() if name.isascii() else "".join(map(_upper, name))


def same_name(one: str, other: str) -> bool:
    """Whether Exchange treats two names as the same."""
    return name_key(one) == name_key(other)


def lookalikes(name: str, others: Iterable[str]) -> list[str]:
    """The other names that differ from a name only in accents, width, ligatures or spaces."""
    return [other for other in dict.fromkeys(others) if _wide(other) == _wide(name) and not same_name(name, other)]


def _upper(letter: str) -> str:
    """The simple upper case of a letter. A mapping to several characters does not count."""
    if letter in _KEPT:
        return letter
    return next((mapped for mapped in (letter.upper(), letter.title()) if len(mapped) == 1), letter)


@lru_cache(maxsize=4096)
def _wide(name: str) -> str:
    """The key of a directory that compares loosely."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return " ".join(
        "".join(letter for letter in parts if not unicodedata.combining(letter)).replace("\u0131", "i").split()
    )
