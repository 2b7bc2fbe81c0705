# SPDX-License-Identifier: GPL-3.0-or-later
"""How Exchange finds words in a text.

Words match whole, ignoring case: a space, punctuation or the text's border surrounds them. How the service splits text
is not documented any further, so borderline cases are open. Source: Microsoft's "Mail flow rule conditions and
exceptions".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from . import questions
from .kleene import Truth, any_of, opened
from .reason_kinds import ReasonKind

_BLANKS = re.compile(r"\s+")
_TOKENS = re.compile(r"[^\W_]+")

#: Characters that nobody sees: soft hyphens, and joints and borders without a width.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")

#: Letters that only some comparisons take for an ASCII letter in another case, to that letter.
HALF_ASCII = {"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"}

#: Each of them to a letter that is no other one in any case.
_APART = str.maketrans(dict(zip(HALF_ASCII, "\u01c0\u01c1\u01c2\u01c3", strict=True)))
_PLAIN = str.maketrans(HALF_ASCII)

#: Scripts that put no spaces between words: Thai to Myanmar, Khmer, and the East Asian ones.
_NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def any_word(text: str, words: Iterable[str]) -> Truth:
    """Whether one of the words is in the text: true, false, or open (U17) where only a borderline case decides."""
    lowered = text.lower()
    return any_of(has_word(text, word, lowered) for word in words)


def has_word(text: str, word: str, lowered: str | None = None) -> Truth:
    """Whether a word, or a phrase, is in the text: true, false, or open (U17). An empty word is in no text.

    :param lowered: the text in lower case, if the caller has it already.
    """
    wanted = word.lower()
    if not wanted:
        return False
    lowered = text.lower() if lowered is None else lowered
    found = _find(lowered, wanted)
    is_ascii = text.isascii() and word.isascii()
    if not is_ascii:
        if not lowered.isascii():
            if found != _find(composed(lowered), composed(wanted)):
                return _doubt(text, word, "word_accents")
            if found != _find(_visible(lowered), _visible(wanted)):
                return _doubt(text, word, "word_invisible")
        if any(found != _find(form.lower(), other.lower()) for form, other in in_both_ways(text, word)):
            return _doubt(text, word, "word_plain_letters")
    if found is not False:
        return found if found is True else _doubt(text, word, "word_border")
    folded = () if is_ascii else ((text.casefold(), word.casefold()), (text.upper(), word.upper()))
    if any(_find(*pair) is not False for pair in folded):
        return _doubt(text, word, "word_letters")
    if _BLANKS.search(wanted) and _find(_BLANKS.sub(" ", text.lower()), _BLANKS.sub(" ", wanted)) is not False:
        return _doubt(text, word, "word_blanks")
    return False


def composed(text: str) -> str:
    """A text with each letter and its accents composed into one character, if that exists."""
    return unicodedata.normalize("NFC", text)


def in_both_ways(text: str, other: str) -> tuple[tuple[str, str], ...]:
    """Both texts with each of :data:`HALF_ASCII` as the ASCII letter, and as another letter; none without them."""
    if text.isascii() and other.isascii():
        return ()
    if HALF_ASCII.keys().isdisjoint(text) and HALF_ASCII.keys().isdisjoint(other):
        return ()
    return tuple((text.translate(table), other.translate(table)) for table in (_PLAIN, _APART))


def _visible(text: str) -> str:
    return _INVISIBLE.sub("", text)


def tokens(text: str) -> frozenset[str]:
    """The runs of letters and digits in a text, case-folded. A text can contain a word only if it has the word's own
    runs.
    """
    spellings = {text.casefold()}
    if not text.isascii():
        spellings |= {
            each.casefold() for each in (text.upper(), _NO_SPACES.sub(" ", text), composed(text), _visible(text))
        }
    return frozenset().union(*map(_TOKENS.findall, spellings))


def first_token(word: str) -> str:
    """A run of :func:`tokens` without which the word is certainly not in a text; empty if there is no such run."""
    if not word.isascii():
        return ""
    found = _TOKENS.search(word.casefold())
    return found.group() if found else ""


def words_by_token(words: Iterable[str]) -> dict[str, list[str]]:
    """Words, indexed by a run of letters that a text needs in order to contain them."""
    found: dict[str, list[str]] = {}
    for word in words:
        found.setdefault(first_token(word), []).append(word)
    return found


def words_in(text: str, index: dict[str, list[str]]) -> Iterable[tuple[str, bool]]:
    """The words in a text, and whether that is certain."""
    here = sorted(tokens(text))
    for word in (word for token in ["", *here] for word in index.get(token, ())):
        found = has_word(text, word)
        if found is not False:
            yield word, found is True


def touches(neighbor: str, edge: str) -> bool | None:
    """Whether a character next to a word makes it a part of another word. ``None`` if that is open: an underscore, a
    word that ends with punctuation, and scripts without spaces.

    :param neighbor: empty at the border of the text.
    """
    if neighbor == "_":
        return None
    if not neighbor.isalnum():
        return False
    return None if not edge.isalnum() or _NO_SPACES.match(edge) or _NO_SPACES.match(neighbor) else True


def _find(text: str, word: str) -> bool | None:
    """Whether the word is in the text; ``None`` if an occurrence leaves that open."""
    start = text.find(word) if word else -1
    doubtful = False
    while start >= 0:
        end = start + len(word)
        beside = touches(text[start - 1 : start], word[0]), touches(text[end : end + 1], word[-1])
        if beside == (False, False):
            return True
        doubtful = doubtful or True not in beside
        start = text.find(word, start + 1)
    return None if doubtful else False


def _doubt(text: str, word: str, kind: ReasonKind) -> Truth:
    return opened(("word", word.casefold(), text), questions.WORD_BORDERS, kind, word, shared=True)
