# SPDX-License-Identifier: GPL-3.0-or-later
"""The relations between words and patterns in one text.

A wrong relation would be a false proof; a missing one only costs trying a message that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..conditions.keys import Key
from ..formula import Literal
from ..model.patterns import begins_anywhere, has_pattern
from ..model.words import has_word, words_by_token, words_in
from ..sat.circuit import Circuit

#: The number of pairs of values to compare before the first question. Other relations are learned when they matter.
MOST_PAIRS = 20_000

#: What says how often the character before it is found.
_COUNTS = ("*", "+", "?", "{")


def relate_texts(circuit: Circuit, atoms: Mapping[Key, Literal], *, alike: bool = True) -> None:
    """Adds the relations between words and patterns in one text: a phrase contains its words, and a word contains what a
    pattern finds in it.

    :param alike: whether words and patterns are looked for in the same part of the text.
    """
    forms = {value: _forms(value) for sort, value in atoms if sort == "word"}
    patterns = [value for sort, value in atoms if sort == "pattern"]
    _relate_words(circuit, atoms, forms)
    _relate_patterns(circuit, atoms)
    if alike and len(forms) * len(patterns) <= MOST_PAIRS:
        for pattern in patterns:
            _relate_pattern(circuit, atoms, pattern, forms)


def _forms(word: str) -> list[str]:
    """How a word may appear in a text, the word itself first: with other white space, and, if it ends with punctuation,
    next to a letter (U17).
    """
    ends = [("", "q")[:1] if character.isalnum() else ("", "q") for character in (word[:1], word[-1:])]
    blanks = (" ", "  ", "\n\t ") if any(character.isspace() for character in word) else ("",)
    bodies = dict.fromkeys((word, *(blank.join(word.split()) for blank in blanks if blank)))
    return [f"{before}{body}{after}" for body in bodies for before in ends[0] for after in ends[1]]


def _relate_words(circuit: Circuit, atoms: Mapping[Key, Literal], forms: Mapping[str, list[str]]) -> None:
    """A phrase contains its words.

    :param forms: each word to how it may appear.
    """
    index = words_by_token(list(forms))
    for word, texts in forms.items():
        for inner, sure in words_in(word, index):
            if sure and inner != word and all(has_word(text, inner) is True for text in texts):
                circuit.add(~atoms["word", word], atoms["word", inner])


def _relate_patterns(circuit: Circuit, atoms: Mapping[Key, Literal]) -> None:
    """What a pattern finds at the beginning or the end of a text, it finds without that anchor, too."""
    for sort, value in atoms:
        if sort != "pattern":
            continue
        pattern, dialect = value
        for anywhere in _without_anchors(pattern):
            wide = ("pattern", (anywhere, dialect))
            if wide in atoms:
                circuit.add(~atoms[sort, value], atoms[wide])


def _without_anchors(pattern: str) -> Iterator[str]:
    """A pattern without the anchor at its beginning, at its end, and both. Some of these may be no patterns."""
    begins = pattern.startswith("^") and pattern[1:2] not in _COUNTS
    before_end = pattern.removesuffix("$")
    backslashes = len(before_end) - len(before_end.rstrip("\\"))
    ends = pattern.endswith("$") and backslashes % 2 == 0
    if begins:
        yield pattern[1:]
    if ends:
        yield pattern[:-1]
    if begins and ends:
        yield pattern[1:-1]


def _relate_pattern(circuit: Circuit, atoms: Mapping[Key, Literal], value: Key, forms: Mapping[str, list[str]]) -> None:
    """A word contains what a pattern finds in it.

    :param value: the pattern, and how it is read.
    """
    pattern, dialect = value
    if not begins_anywhere(pattern, dialect, both=True):
        return
    for word, texts in forms.items():
        if all(has_pattern(text, pattern, dialect) is True for text in texts):
            circuit.add(~atoms["word", word], atoms["pattern", value])
