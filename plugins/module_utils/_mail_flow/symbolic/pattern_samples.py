# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts in which a pattern is found, written down from the pattern itself.

A walk through the expression writes one character for each class and each repetition as often as it must be. That takes
as long as the text, where an automaton may have too many states to search. Anchors are left aside, so whoever takes a
sample has to ask whether the pattern is found in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ..budget import remembered, spend
from ..model.dotnet import parse_dotnet
from ..model.expressions import Alternation, Anchor, Chars, Dialect, Expression, Node, NotAgreedError, Repeat, parse
from ..model.expressions import Sequence as Parts
from ..model.patterns import has_pattern

_LETTERS, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
_PUNCTUATION = " .-@_/:,;#()+'\"!?&=*%$<>[]{}|\\^~`\n\t"

#: Characters beyond ASCII: letters with and without case, a digit, a blank and a sign.
_BEYOND_ASCII = "\u00e9\u00c9\u4e2d\u0660\u00a0\u20ac"

#: The maximum number of ways in which a choice between alternatives is made.
_MOST_OPTIONS = 8


@dataclass(frozen=True)
class _Style:
    """How a sample is written.

    :param turned: by how many characters the alphabets are turned.
    :param more: whether what may be left out, or repeated once more, is.
    :param option: the place of the alternative that is taken, where there are so many.
    :param writes_neighbors: whether a place beside a character is written as that character.
    """

    turned: int = 0
    more: bool = False
    option: int = 0
    writes_neighbors: bool = False

    @property
    def characters(self) -> str:
        """All characters that are written, the first ones first."""
        return _turned(_LETTERS, self.turned) + _turned(_DIGITS, self.turned) + _PUNCTUATION + _BEYOND_ASCII


class _NoSampleError(Exception):
    """Nothing is written for a part of the expression."""


def samples(pattern: str, dialect: Dialect) -> Iterator[str]:
    """Texts in which a pattern is likely found, the plainest first; none if its meaning is open."""
    try:
        root = _parsed(pattern, dialect).root
    except NotAgreedError:
        return
    seen = set()
    for style in _styles(root):
        try:
            text = _written(root, style)
        except _NoSampleError:
            continue
        spend(len(text))
        if text not in seen:
            seen.add(text)
            yield text


@remembered(4096)
def finds_most(pattern: str, other: str) -> bool:
    """Whether a pattern is found in a text that another one is likely found in, as it is or without blanks and hyphens, and in no
    half of that: it then looks for much the same. False if the meaning of one of them is open.
    """
    try:
        alternatives = min(_options(_parsed(other, Dialect.AGREED).root), _MOST_OPTIONS)
    except NotAgreedError:
        return False
    texts = itertools.islice(samples(other, Dialect.AGREED), alternatives)
    return any(looks_for(pattern, text) or looks_for(pattern, _joined(text)) for text in texts)


def _joined(text: str) -> str:
    """A text without the signs that part groups of digits."""
    return text.replace(" ", "").replace("-", "")


def looks_for(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text, and in no half of it. False if its meaning is open."""
    halves = text[: len(text) // 2], text[len(text) // 2 :]
    return has_pattern(text, pattern) is True and all(has_pattern(half, pattern) is False for half in halves)


@lru_cache(maxsize=4096)
def _parsed(pattern: str, dialect: Dialect) -> Expression:
    return parse_dotnet(pattern) if dialect is Dialect.DOTNET else parse(pattern, dialect is Dialect.LEGACY)


def _styles(root: Node) -> Iterator[_Style]:
    for turned, writes_neighbors, more, option in itertools.product(
        range(len(_DIGITS)), (False, True), (False, True), range(min(_options(root), _MOST_OPTIONS))
    ):
        yield _Style(turned, more, option, writes_neighbors)


def _options(node: Node) -> int:
    """The largest number of alternatives at one place."""
    match node:
        case Alternation(options):
            return max(len(options), *map(_options, options))
        case Parts(parts):
            return max(1, *map(_options, parts))
        case Repeat(part, _least, _most):
            return _options(part)
    return 1


def _written(node: Node, style: _Style) -> str:
    match node:
        case Parts(parts):
            return "".join(_written(part, style) for part in parts)
        case Alternation(options):
            return _written(options[style.option % len(options)], style)
        case Repeat(part, least, most):
            times = least + (style.more and (most is None or most > least))
            return _written(part, style) * times if times else ""
        case Anchor(_end, Chars() as neighbors, False) if style.writes_neighbors:
            return _character(neighbors, style)
        case Chars():
            return _character(node, style)
    return ""


@lru_cache(maxsize=65536)
def _character(chars: Chars, style: _Style) -> str:
    """A character of a class, in the case in which the class has it.

    :raises _NoSampleError: there is none that is written here.
    """
    if len(chars.ranges) == 1 and not chars.classes and not chars.negated and chars.ranges[0][0] == chars.ranges[0][1]:
        return chars.ranges[0][0]
    named = [] if chars.negated else [first for first, _last in chars.ranges]
    for character in itertools.chain(style.characters, named):
        if not chars.has(character):
            continue
        upper = character.upper()
        return upper if _names(chars, upper) and not _names(chars, character) else character
    raise _NoSampleError


def _names(chars: Chars, character: str) -> bool:
    """Whether a class names a character in this case."""
    return not chars.negated and any(first <= character <= last for first, last in chars.ranges)


def _turned(characters: str, places: int) -> str:
    return characters[places:] + characters[:places]
