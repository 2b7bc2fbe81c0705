# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two names are the same to Exchange. Private to the collection; the only place that judges it.

What Exchange compares in names is not documented. Taken for granted is .NET's ``OrdinalIgnoreCase``: letter by letter, each in
its simple upper case, with neither a culture nor a normal form. So a dotless i is no I, a long s no S, and a sharp s not two of them. Held against
PowerShell 7.6 for every character of Unicode 14. Where a directory looks less closely, :func:`lookalikes` says which names it may mix up.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

#: .NET leaves these two as they are, although Unicode knows an ASCII letter as their upper case.
_KEPT = frozenset("\u0131\u017f")


@lru_cache(maxsize=4096)
def name_key(name: str) -> str:
    """What is compared: two names are the same when their keys are equal. To be shown, a key is no good."""
    return name.upper() if name.isascii() else "".join(map(_upper, name))


def same_name(one: str, other: str) -> bool:
    """Whether Exchange takes two names for one."""
    return name_key(one) == name_key(other)


def lookalikes(names: Iterable[str], others: Iterable[str] = ()) -> list[str]:
    """A sentence for each of ``names`` that is another name than one of the rest, and the same where accents, width or ligatures do not count."""
    named = list(dict.fromkeys(names))
    known: dict[str, list[str]] = {}
    for name in dict.fromkeys([*named, *others]):
        known.setdefault(_wide(name), []).append(name)
    told: set[str] = set()
    sentences = []
    for name in named:
        for other in known[_wide(name)]:
            if not same_name(name, other) and other not in told:
                sentences.append(
                    f"The names {name!r} and {other!r} differ in accents, width or the like only: if Exchange takes them for one, only one can be."
                )
        told.add(name)
    return sentences


def _upper(letter: str) -> str:
    """The simple upper case of a letter: one that is written with several is none."""
    if letter in _KEPT:
        return letter
    return next((mapped for mapped in (letter.upper(), letter.title()) if len(mapped) == 1), letter)


@lru_cache(maxsize=4096)
def _wide(name: str) -> str:
    """What a directory might compare that looks less closely."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    return " ".join("".join(letter for letter in parts if not unicodedata.combining(letter)).replace("\u0131", "i").split())
