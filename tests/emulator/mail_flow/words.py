# SPDX-License-Identifier: GPL-3.0-or-later
"""How words match (``...ContainsWords``, ``...MatchesWords``)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from .worlds import Truth, doubt

#: Scripts that are written without spaces between words: Thai, Lao, Myanmar, Khmer, kana, ideographs.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_BLANKS = re.compile(r"\s+")


def composed(text: str) -> str:
    """The text with a letter and its accents as one character."""
    return unicodedata.normalize("NFC", text)


def _seen(text: str) -> str:
    return "".join(character for character in text if character not in "\u00ad\u200b\u200c\u200d\u2060\ufeff")


#: The dotted and the dotless i, the long s and the kelvin sign are pairs with i, s and k for some comparisons only.
_PAIRS = "\u0130i\u0131i\u017fs\u212ak"
_AS_PAIRS = str.maketrans(_PAIRS[::2], _PAIRS[1::2])
_AS_OTHERS = str.maketrans(_PAIRS[::2], "\u01c0\u01c1\u01c2\u01c3")


def read_both_ways(text: str, wanted: str) -> list[tuple[str, str]]:
    """Both with such letters as their pairs, and as none; nothing where there are no such letters."""
    if not set(_PAIRS[::2]) & {*text, *wanted}:
        return []
    return [(text.translate(way), wanted.translate(way)) for way in (_AS_PAIRS, _AS_OTHERS)]


def word_in(text: str, word: str) -> Truth:
    """Whether ``text`` has ``word`` as a whole word; perhaps, where the same letters are written as one character and
    as two, or with characters between them that nobody sees.
    """
    found = _word_in(text, word)
    others = [_word_in(form(text), form(word)) for form in (composed, _seen)]
    others += [_word_in(*pair) for pair in read_both_ways(text, word)]
    if (
        (text.isascii() and word.isascii())
        or not word
        or (isinstance(found, bool) and all(found is other for other in others))
    ):
        return found
    return doubt("U17", f"whether {word!r} is a word of its own there", "word", text, word)


@lru_cache(maxsize=65536)
def _word_in(text: str, word: str) -> Truth:
    """Whether ``text`` has ``word`` as a whole word, whatever the case.

    Surely, when an occurrence has no letter or digit beside it. Perhaps, when only a generous reading finds one: where
    the word itself begins or ends with punctuation, where no spaces are written, where white space or the folding of
    case differs.
    """
    if not word:
        return False
    spellings = {(text.lower(), word.lower()), (text.upper(), word.upper()), (text.casefold(), word.casefold())}
    certain = [any(strict for strict, _generous in _occurrences(*pair)) for pair in spellings]
    if all(certain):
        # Whether an underscore is a border is not documented.
        filled = [
            any(strict for strict, _generous in _occurrences(*(each.replace("_", "x") for each in pair)))
            for pair in spellings
        ]
        return all(filled) or doubt(
            "U17", f"whether {word!r} is a word of its own beside an underscore", "word", text, word
        )
    loose = {(_BLANKS.sub(" ", one), _BLANKS.sub(" ", other)) for one, other in spellings}
    if any(certain) or any(generous for pair in loose for _strict, generous in _occurrences(*pair)):
        return doubt("U17", f"whether {word!r} is a word of its own there", "word", text, word)
    return False


def _occurrences(text: str, word: str) -> Iterator[tuple[bool, bool]]:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        left = _side(text[start - 1] if start else "", word[0])
        right = _side(text[end] if end < len(text) else "", word[-1])
        yield left[0] and right[0], left[1] and right[1]
        start = text.find(word, start + 1)


def _side(neighbor: str, edge: str) -> tuple[bool, bool]:
    """Whether there is a border between a word's edge and its neighbor: strictly, and generously read."""
    if not neighbor or not neighbor.isalnum():
        return True, True
    return False, not edge.isalnum() or bool(_UNSPACED.match(edge) or _UNSPACED.match(neighbor))
