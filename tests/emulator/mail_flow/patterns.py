# SPDX-License-Identifier: GPL-3.0-or-later
"""How patterns match (``...MatchesPatterns``): searched anywhere, whatever the case.

Only the subset of regular expressions is read on which all descriptions of the dialect agree; everything else is
unknown. A text is matched by derivatives: the pattern is rewritten to what is still to come after each character.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from .words import composed, read_both_ways
from .worlds import Truth, doubt

_REPEATS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_COUNT = re.compile(r"\{(\d{1,3})(,(\d{1,3})?)?\}")
_FLAGS = re.compile(r"\(\?(i|im|mi|m)\)")
_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": str.isdecimal,
    "w": lambda character: character.isalnum() or character == "_",
    "s": str.isspace,
}
_LEGACY_SPECIAL = frozenset(".+?[]{}")


#: Borders of words and of the text, and what is looked for around a place. In an expression of the old kind: what was
#: no construct then.
_AROUND = re.compile(r"\\[bBAZz]|\(\?<?[=!][^()]*\)")
_OF_OLD = re.compile(r"(?:\\.|\[[^\]]*\]|[^\\()|])(?:[+?]|\{[^}]*\})|(?:\[[^\]]*\]|\.)\*?")


class Unsupported(ValueError):
    """A construct outside the subset."""


@dataclass(frozen=True)
class Node:
    """A pattern: the empty one ("nothing" matches it not even), a set of characters, an anchor, a sequence, a choice or
    a repetition.
    """

    kind: str
    parts: tuple[Node, ...] = ()
    characters: Callable[[str], bool] | None = None
    low: int = 0
    high: int | None = None


_NEVER = Node("never")
_EMPTY = Node("empty")
_BEGIN = Node("begin")
_END = Node("end")


def pattern_in(text: str, pattern: str, *, legacy: bool = False) -> Truth:
    """Whether ``pattern`` is found in ``text``."""
    answer = _found(text, pattern, legacy)
    ways = () if text.isascii() else (pattern, composed(pattern))
    others = [(composed(text), way) for way in ways] + read_both_ways(text, pattern)
    if any(_found(*pair, legacy) is not answer for pair in others):
        answer = None  # A letter and its accent may be one character or two, and a long s an s.
    return (
        doubt("U18", f"how the service reads the pattern {pattern!r}", "pattern", text, pattern, legacy)
        if answer is None
        else answer
    )


@lru_cache(maxsize=65536)
def _found(text: str, pattern: str, legacy: bool) -> bool | None:
    try:
        node, multiline, anchored = parse(pattern, legacy=legacy)
    except Unsupported:
        return _without_what_is_open(text, pattern, legacy)
    found = _search(node, text, multiline)
    if anchored and not multiline and "\n" in text and _search(node, text, True) is not found:
        return None  # Whether anchors stand for the borders of lines is not documented.
    return found


def _without_what_is_open(text: str, pattern: str, legacy: bool) -> bool | None:
    """Where a construct outside the subset may stand for anything, and the rest is not in the text, there is no match.
    Only what is a whole construct whatever it means is replaced; of everything else nothing is known.
    """
    if legacy and "(?" in pattern:
        return None
    try:
        node, _multiline, _anchored = parse((_OF_OLD if legacy else _AROUND).sub("(?:.|[^.])*", pattern))
    except Unsupported:
        return None
    return None if _search(node, text, True) else False


def _search(node: Node, text: str, multiline: bool) -> bool:
    rest = _NEVER
    for place in range(len(text) + 1):
        at_begin = place == 0 or (multiline and text[place - 1] == "\n")
        at_end = place == len(text) or (multiline and text[place] == "\n")
        rest = _choice((rest, node))
        if _nullable(rest, at_begin, at_end):
            return True
        if place < len(text):
            rest = _derive(rest, text[place], at_begin, at_end)
    return False


def _sequence(parts: tuple[Node, ...]) -> Node:
    if _NEVER in parts:
        return _NEVER
    parts = tuple(part for part in parts if part != _EMPTY)
    return parts[0] if len(parts) == 1 else Node("sequence", parts) if parts else _EMPTY


def _choice(parts: tuple[Node, ...]) -> Node:
    flat: dict[Node, None] = {}
    for part in parts:
        flat |= dict.fromkeys(part.parts if part.kind == "choice" else (part,))
    flat.pop(_NEVER, None)
    return Node("choice", tuple(flat)) if len(flat) > 1 else next(iter(flat), _NEVER)


def _repeat(part: Node, low: int, high: int | None) -> Node:
    return _EMPTY if high == 0 else Node("repeat", (part,), low=low, high=high)


def _nullable(node: Node, begin: bool, end: bool) -> bool:
    if node.kind == "sequence":
        return all(_nullable(part, begin, end) for part in node.parts)
    if node.kind == "choice":
        return any(_nullable(part, begin, end) for part in node.parts)
    if node.kind == "repeat":
        return node.low == 0 or _nullable(node.parts[0], begin, end)
    return node.kind == "empty" or (begin and node.kind == "begin") or (end and node.kind == "end")


def _derive(node: Node, character: str, begin: bool, end: bool) -> Node:
    """What must follow after ``character``, which comes at a place that may be the begin or the end of a line."""
    if node.kind == "set":
        assert node.characters is not None
        return _EMPTY if node.characters(character) else _NEVER
    if node.kind == "choice":
        return _choice(tuple(_derive(part, character, begin, end) for part in node.parts))
    if node.kind == "repeat":
        less = _repeat(node.parts[0], max(0, node.low - 1), None if node.high is None else node.high - 1)
        return _sequence((_derive(node.parts[0], character, begin, end), less))
    if node.kind == "sequence":
        ways = []
        for place, part in enumerate(node.parts):
            ways.append(_sequence((_derive(part, character, begin, end), *node.parts[place + 1 :])))
            if not _nullable(part, begin, end):
                break
        return _choice(tuple(ways))
    return _NEVER


def parse(pattern: str, *, legacy: bool = False) -> tuple[Node, bool, bool]:
    """The pattern, whether it is multi-line, and whether it has anchors.

    :raises Unsupported: it has a construct outside the subset, or (``legacy``) outside the Exchange 2010 table.
    """
    flags = _FLAGS.match(pattern)
    if legacy and (flags or "(?" in pattern):
        raise Unsupported(pattern)
    reader = _Reader(pattern[flags.end() :] if flags else pattern, legacy)
    node = reader.choice()
    if reader.place < len(reader.pattern):
        raise Unsupported(pattern)
    return node, bool(flags and "m" in flags[1]), reader.anchored


class _Reader:
    def __init__(self, pattern: str, legacy: bool) -> None:
        self.pattern = pattern
        self.legacy = legacy
        self.place = 0
        self.anchored = False

    def peek(self) -> str:
        return self.pattern[self.place : self.place + 1]

    def take(self) -> str:
        character = self.peek()
        if not character:
            raise Unsupported(self.pattern)
        self.place += 1
        return character

    def choice(self) -> Node:
        ways = [self.sequence()]
        while self.peek() == "|":
            self.take()
            ways.append(self.sequence())
        return _choice(tuple(ways))

    def sequence(self) -> Node:
        parts = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self.repeated())
        if not parts:
            raise Unsupported("an empty alternative")
        return _sequence(tuple(parts))

    def repeated(self) -> Node:
        part = self.single()
        repeats = 0
        while (limits := self.limits()) is not None:
            # A second quantifier makes the first lazy or possessive, or is an error; an anchor has nothing to repeat.
            repeats += 1
            if repeats > 1 or part.kind in ("begin", "end"):
                raise Unsupported(self.pattern)
            part = _repeat(part, *limits)
        return part

    def limits(self) -> tuple[int, int | None] | None:
        if self.peek() in _REPEATS and self.peek():
            if self.legacy and self.peek() != "*":
                raise Unsupported(self.pattern)
            return _REPEATS[self.take()]
        count = _COUNT.match(self.pattern, self.place)
        if count is None:
            return None
        self.place = count.end()
        low = int(count[1])
        high = low if count[2] is None else None if count[3] is None else int(count[3])
        if self.legacy or (high is not None and high < low):
            raise Unsupported(self.pattern)
        return low, high

    def single(self) -> Node:
        character = self.take()
        if self.legacy and character in _LEGACY_SPECIAL:
            raise Unsupported(self.pattern)
        if character == "(":
            if self.peek() == "?":
                self.take()
                if self.take() != ":":
                    raise Unsupported(self.pattern)
            inner = self.choice()
            if self.take() != ")":
                raise Unsupported(self.pattern)
            return inner
        if character == "[":
            return self.bracket()
        if character == "\\":
            return Node("set", characters=self.escape())
        if character in "^$":
            self.anchored = True
            return _BEGIN if character == "^" else _END
        if character == ".":
            return Node("set", characters=lambda other: other != "\n")
        if character in "*+?{}])":
            raise Unsupported(self.pattern)
        return Node("set", characters=_same(character))

    def escape(self) -> Callable[[str], bool]:
        character = self.take()
        if character.lower() in _CLASSES:
            known = _CLASSES[character.lower()]
            return known if character.islower() else lambda other: not known(other)
        if character.isalnum():
            raise Unsupported(self.pattern)
        return _same(character)

    def bracket(self) -> Node:
        negated = self.peek() == "^"
        if negated:
            self.take()
        members: list[Callable[[str], bool]] = []
        while self.peek() != "]" or not members:
            character = self.take()
            if character in "[]":
                raise Unsupported(self.pattern)
            if character == "\\":
                members.append(self.escape())
            elif self.peek() == "-" and self.pattern[self.place + 1 : self.place + 2] not in ("]", ""):
                self.take()
                last = self.take()
                if last in "\\[" or last < character:
                    raise Unsupported(self.pattern)
                members.append(_between(character, last))
            else:
                members.append(_same(character))
        self.take()
        return Node("set", characters=lambda other: any(member(other) for member in members) != negated)


def _same(character: str) -> Callable[[str], bool]:
    return lambda other: other.lower() == character.lower()


def _between(first: str, last: str) -> Callable[[str], bool]:
    return lambda other: first <= other.lower() <= last or first <= other.upper() <= last
