# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Exchange finds words in a text. Private to the collection.

Words are matched whole and without regard to case; what surrounds them is a space, punctuation, or the text's border. How the service
splits text is documented no further: the borderline cases are open. Source: Microsoft's "Mail flow rule conditions and exceptions".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.logic import Truth, any_of, opened

_BLANKS = re.compile(r"\s+")
_TOKENS = re.compile(r"[^\W_]+")

#: Scripts that put no spaces between words: Thai to Myanmar, Khmer, and the East Asian ones.
_NO_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff]")


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
    if found is True and "_" in lowered and _find(lowered.replace("_", "q"), wanted.replace("_", "q")) is not True:
        return _doubt(text, word, "an underscore may belong to a word")
    if found is not False:
        return found if found is True else _doubt(text, word, "it touches a letter only where the word itself ends with punctuation")
    if not text.isascii() or not word.isascii():
        if any(_find(*pair) is not False for pair in ((text.casefold(), word.casefold()), (text.upper(), word.upper()))):
            return _doubt(text, word, "letters that fold to several have to be equal for it")
        if _NO_SPACES.search(word) and wanted in text.lower():
            return _doubt(text, word, "its script puts no spaces between words")
    if _BLANKS.search(wanted) and _find(_BLANKS.sub(" ", text.lower()), _BLANKS.sub(" ", wanted)) is not False:
        return _doubt(text, word, "the white space in the phrase is another")
    return False


def tokens(text: str) -> frozenset[str]:
    """The runs of letters and digits in a text, case-folded. A word can only be in a text that has the word's own runs."""
    spellings = {text.casefold()} if text.isascii() else {text.casefold(), text.upper().casefold()}
    return frozenset(token for each in spellings for token in _TOKENS.findall(each))


def first_token(word: str) -> str:
    """A run of :func:`tokens` without which the word cannot be in a text, nor that be open; empty if there is no such run."""
    if not word.isascii():
        return ""
    found = _TOKENS.search(word.casefold())
    return found.group() if found else ""


def _find(text: str, word: str) -> bool | None:
    """Whether the word is in the text; ``None`` where only the word's own punctuation keeps an occurrence from counting."""
    start, doubtful = text.find(word), False
    while start >= 0:
        end = start + len(word)
        before, after = start > 0 and text[start - 1].isalnum(), end < len(text) and text[end].isalnum()
        if not before and not after:
            return True
        if not (before and word[0].isalnum()) and not (after and word[-1].isalnum()):
            doubtful = True
        start = text.find(word, start + 1)
    return None if doubtful else False


def _doubt(text: str, word: str, why: str) -> Truth:
    return opened(("word", word.casefold(), text), "U17", f"whether Exchange finds the word {word!r} here: {why}", shared=True)
