# SPDX-License-Identifier: GPL-3.0-or-later
"""What the values of a condition are meant for, where Exchange reads them otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ..._resources.rules.unmatchable_values import meant_value, never_matching
from ..model.patterns import as_pattern
from .predicate import Predicate
from .predicates import BY_OPTION

#: A word so long that one letter more or less seldom makes it another name.
_LONG_WORD = re.compile(r"[^\W\d_]{6,}")

#: How the names of websites begin, in whose domains nobody has an address.
_WEBSITE = "www."


def is_website(name: str) -> bool:
    """Whether a domain is named as a website is, so that nobody has an address in it."""
    return name.casefold().startswith(_WEBSITE)


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


#: The sorts of values that are texts or say them.
_TEXTS = frozenset(("word", "pattern"))

#: What is no letter of a text that a pattern looks for: ``\\d`` and the like, and all else that is no letter.
_NO_LETTERS = re.compile(r"\\[A-Za-z]|[\W\d_]")

#: The letters that make a text one of its own.
_TELLING = 3

#: An escaped character of a pattern that stands for itself.
_ESCAPED = re.compile(r"\\(\W)")


def seeks_in_part(own: Predicate, values: Any, option: str, wanted: Iterable[Any]) -> bool:
    """Whether a condition looks for texts or recipients of another one in another place, or for longer texts in the same
    one.

    :param values: those of the condition, or what it has in place of a list; :param:`wanted`: the list of the other one.
    """
    other = BY_OPTION[option]
    if not own.fields and not {own.sort, other.sort} <= _TEXTS:
        return False
    values, wanted = [str(value) for value in values], [str(value) for value in wanted]
    same = {value.casefold() for value in values} & {value.casefold() for value in wanted}
    if own.fields:
        return other.of_recipient and own.sort == other.sort and bool(same)
    if own.sort == other.sort and option not in own.options and same:
        return True
    if not {*own.slots} & {*other.slots}:
        return False
    if own.sort == "word":
        return other.sort == "word" and any(_has_word(value, text) for value in values for text in wanted)
    return any(_is_longer(value, text) for value in values for text in wanted)


def _has_word(value: str, word: str) -> bool:
    """Whether a phrase has a word, or another phrase, between others or beside a sign, and is not the same, nor the same
    with an asterisk, which is meant as a wildcard.
    """
    borders = rf"(?<![^\W_]){re.escape(word)}(?![^\W_])"
    return value.rstrip("*").casefold() != word.casefold() and re.search(borders, value, re.IGNORECASE) is not None


def _is_longer(value: str, text: str) -> bool:
    """Whether a pattern has the letters of a text, or of another pattern, side by side, and is not the same."""
    letters = _NO_LETTERS.sub("", text).casefold()
    return (
        len(letters) >= _TELLING
        and letters in _NO_LETTERS.sub("", value).casefold()
        and value.casefold() != text.casefold()
    )


def wildcard_start(word: str) -> str:
    """The text before the asterisk at the end of a word, which likely is meant as a wildcard; empty if there is none."""
    start = word.rstrip("*")
    return start if start != word else ""


def wildcard_pattern(word: str) -> str:
    """The pattern of what a word is meant for whose asterisk at the end is taken for a wildcard; empty if it has none."""
    start = wildcard_start(word)
    border = r"(^|\W)" if start[:1].isalnum() else ""
    return f"{border}{as_pattern(start)}"


def without_anchors(pattern: str) -> str:
    """A pattern without the anchors at its ends: it matches all that it did, and more."""
    return pattern.removeprefix("^").removesuffix("$")


def is_pattern_of(pattern: str, word: str) -> bool:
    """Whether a pattern is just a word, but for anchors at its ends."""
    return _ESCAPED.sub(r"\1", without_anchors(pattern)).casefold() == word.casefold()


def pattern_option(option: str) -> str:
    """The condition on patterns that looks where one on words does; empty if there is none."""
    slots = BY_OPTION[option].slots
    return next((name for name, other in BY_OPTION.items() if other.sort == "pattern" and other.slots == slots), "")


def _is_within_long_word(text: str, place: int) -> bool:
    """Whether a place in a text is a letter of a long word, and neither its first nor its last one."""
    return any(word.start() < place < word.end() - 1 for word in _LONG_WORD.finditer(text))


def as_meant(option: str, value: Any) -> Any:
    """What a condition's value is meant for: itself, or the one in place of a value that matches no mail, a word without the
    asterisk at its end, which is no wildcard, and an extension without its dot. ``None`` if that is no value of this condition.
    """
    if next(never_matching({option: [value]}), None):
        return meant_value(option, str(value)) or None
    sort = BY_OPTION[option].sort if option in BY_OPTION else ""
    if sort == "word" and str(value).endswith("*"):
        return str(value).rstrip("*") or None
    return str(value).lstrip(".") or None if sort == "extension" else value
