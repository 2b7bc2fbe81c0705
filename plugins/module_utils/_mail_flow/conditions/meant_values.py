# SPDX-License-Identifier: GPL-3.0-or-later
"""What the values of a condition are meant for, where Exchange reads them otherwise."""

from __future__ import annotations

import re
from typing import Any

from ..._resources.rules.unmatchable_values import meant_value, never_matching
from .predicates import BY_OPTION

#: A word so long that one letter more or less seldom makes it another name.
_LONG_WORD = re.compile(r"[^\W\d_]{6,}")

#: How the names of websites begin, in whose domains nobody has an address.
_WEBSITE = "www."


def is_misspelled(written: str, meant: str) -> bool:
    """Whether one text is another with a letter too many, one too few, or two neighbors exchanged, or with another letter
    within a long word, or the name of its website. Another letter at its end or in a short word often is another name, and
    another digit is.
    """
    if written == f"{_WEBSITE}{meant}":
        return True
    short, long = sorted((written, meant), key=len)
    if len(long) - len(short) == 1:
        letters = [place for place, letter in enumerate(long) if letter.isalpha()]
        return any(long[:place] + long[place + 1 :] == short for place in letters)
    if len(long) != len(short) or long == short:
        return False
    first = next(place for place, letter in enumerate(written) if letter != meant[place])
    exchanged = written[:first] + written[first : first + 2][::-1] + written[first + 2 :]
    replaced = written[:first] + meant[first] + written[first + 1 :]
    return exchanged == meant or (replaced == meant and meant[first].isalpha() and _is_within_long_word(written, first))


#: Anchors at the ends of a pattern, and what makes a letter of a pattern more than itself.
_ANCHORS_AND_ESCAPES = re.compile(r"^\^|\$$|\\b|\\")


def is_miswritten_pattern(written: str, meant: str) -> bool:
    """Whether one pattern is another with a backslash or an anchor at an end too many, or too few."""
    return written != meant and _ANCHORS_AND_ESCAPES.sub("", written) == _ANCHORS_AND_ESCAPES.sub("", meant)


def says_patterns(option: str) -> bool:
    """Whether the values of a condition are patterns of texts."""
    return option in BY_OPTION and BY_OPTION[option].sort == "pattern"


def _is_within_long_word(text: str, place: int) -> bool:
    """Whether a place in a text is a letter of a long word, and neither its first nor its last one."""
    return any(word.start() < place < word.end() - 1 for word in _LONG_WORD.finditer(text))


def as_meant(option: str, value: Any) -> Any:
    """What a condition's value is meant for: itself, or the one in place of a value that matches no mail, and a word without
    the asterisk at its end, which is no wildcard. ``None`` if that is no value of this condition.
    """
    if next(never_matching({option: [value]}), None):
        return meant_value(option, str(value)) or None
    predicate = BY_OPTION.get(option)
    if predicate is not None and predicate.sort == "word" and str(value).endswith("*"):
        return str(value).rstrip("*") or None
    return value
