# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Exchange finds patterns in a text. Private to the collection.

A pattern is searched for anywhere, without regard to case. Time grows with the text and never with the pattern's cunning: what
a backtracking search could drown in goes through a table of states that is built on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import remembered, spend
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import (
    Anchor,
    Chars,
    Choice,
    Expression,
    Node,
    NotAgreedError,
    Repeat,
    Sequence,
    parse,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Truth, any_of, opened
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.widening import widened
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.words import composed

#: Up to so many steps a backtracking search may take at worst.
_STEPS = 1_000_000

#: So many steps of a search through a text are remembered.
_REMEMBERED = 20_000

#: Of a step that is not.
_ANEW: frozenset[int] = frozenset((-1,))


def any_pattern(text: str, patterns: Iterable[str], legacy: bool = False) -> Truth:
    """Whether one of the patterns is found in the text."""
    return any_of(has_pattern(text, pattern, legacy) for pattern in patterns)


def has_pattern(text: str, pattern: str, legacy: bool = False) -> Truth:
    """Whether a pattern is found in the text; open where its meaning is, and where it may be there whatever it means."""
    compiled = _compiled(pattern, legacy)
    if isinstance(compiled, str):
        wider = widened(pattern, legacy)
        if wider and has_pattern(text, wider) is False:
            return False
        return opened(("pattern", pattern, legacy, text), "U18", f"what the pattern {pattern!r} means to Exchange: it has {compiled}")
    found, other = compiled.found(text, compiled.expression.lines), text if text.isascii() else composed(text)
    if other != text and compiled.found(other, compiled.expression.lines) is not found:
        return opened(("pattern", pattern, legacy, text), "U18", f"whether the pattern {pattern!r} sees a letter and its accent as one character")
    if found:
        return True
    if compiled.expression.anchored and "\n" in text and not compiled.expression.lines and compiled.found(text, True):
        return opened(("pattern", pattern, legacy, text), "U18", f"whether ^ and $ in the pattern {pattern!r} stand for the borders of lines")
    return False


def is_agreed(pattern: str, legacy: bool = False) -> bool:
    """Whether a pattern has an agreed meaning."""
    return not isinstance(_compiled(pattern, legacy), str)


@lru_cache(maxsize=4096)
def begins_anywhere(pattern: str, legacy: bool = False, *, both: bool = False) -> bool:
    """Whether what a pattern finds in a text it finds in every longer text that ends like it; with ``both``, also in one that goes on after it."""
    compiled = _compiled(pattern, legacy)
    return not isinstance(compiled, str) and not _has_anchor(compiled.expression.root, both)


@remembered(16384)
def in_prefix(text: str, pattern: str, legacy: bool = False) -> bool | None:
    """Whether a pattern is found in whatever begins with a text, because of what is in it. ``None`` where that is open: something could begin in the text and
    end in what follows, or the meaning is open.
    """
    compiled = _compiled(pattern, legacy)
    if isinstance(compiled, str):
        return None
    expression = compiled.expression
    readings = [compiled.states.in_prefix(text, lines) for lines in dict.fromkeys((expression.lines, expression.lines or expression.anchored))]
    return readings[0] if len(set(readings)) == 1 or readings[0] else None


@lru_cache(maxsize=16384)
def required(pattern: str, legacy: bool = False) -> str:
    """A text in small ASCII letters that is in whatever a pattern is found in or may be found in, but for letters that some comparisons take for others;
    empty where there is none.
    """
    compiled = _compiled(pattern, legacy)
    return "" if isinstance(compiled, str) else max(_literals(compiled.expression.root), key=len, default="")


def _literals(root: Node) -> list[str]:
    """The literals that are in whatever an expression is found in."""
    found = [""]
    for part in root.parts if isinstance(root, Sequence) else (root,):
        match part:
            case Chars(((first, last),), "", False) if first == last and first.isascii():
                found[-1] += first.lower()
            case Sequence():
                found += [*_literals(part), ""]
            case _:
                found.append("")
    return found


@lru_cache(maxsize=4096)
def crosses_lines(pattern: str, legacy: bool = False) -> bool:
    """Whether what a pattern finds may have the end of a line in it, or its meaning is open."""
    compiled = _compiled(pattern, legacy)
    return isinstance(compiled, str) or _has_line_end(compiled.expression.root)


def _has_line_end(node: Node) -> bool:
    match node:
        case Sequence(parts) | Choice(parts):
            return any(_has_line_end(part) for part in parts)
        case Repeat(part, _least, _most):
            return _has_line_end(part)
        case Chars():
            return node.has("\n")
    return False


def _has_anchor(node: Node, both: bool) -> bool:
    match node:
        case Sequence(parts) | Choice(parts):
            return any(_has_anchor(part, both) for part in parts)
        case Repeat(part, _least, _most):
            return _has_anchor(part, both)
        case Anchor(end):
            return both or not end
    return False


@lru_cache(maxsize=4096)
def _compiled(pattern: str, legacy: bool) -> Search | str:
    try:
        return Search(parse(pattern, legacy))
    except NotAgreedError as error:
        return str(error)


class Search:
    """A search for an expression."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._repeats = _simple_repeats(expression.root)
        self._quick = {lines: re.compile(_rendered(expression.root, lines), re.IGNORECASE | (re.MULTILINE if lines else 0)) for lines in (False, True)}
        self._states: States | None = None

    def found(self, text: str, lines: bool) -> bool:
        """Whether it is in a text."""
        if self._repeats is not None and len(text) ** (self._repeats + 1) <= _STEPS:
            return self._quick[lines].search(text) is not None
        return self.states.found(text, lines)

    @property
    def states(self) -> States:
        """The search as an automaton."""
        if self._states is None:
            self._states = States(self.expression.root)
        return self._states


def _simple_repeats(root: Node) -> int | None:
    """How many repetitions there are; ``None`` where one is of more than a character, so that a search could try its parts in many ways."""
    match root:
        case Sequence(parts) | Choice(parts):
            counts = [_simple_repeats(part) for part in parts]
            return None if None in counts else sum(count or 0 for count in counts)
        case Repeat(part, _least, most):
            return None if not isinstance(part, Chars) else int(most is None or most > 1)
    return 0


def _rendered(node: Node, lines: bool) -> str:
    match node:
        case Anchor(end):
            return ("$" if lines else r"\Z") if end else "^"
        case Sequence(parts):
            return "".join(_rendered(part, lines) for part in parts)
        case Choice(options):
            return f"(?:{'|'.join(_rendered(option, lines) for option in options)})"
        case Repeat(part, least, most):
            return f"(?:{_rendered(part, lines)}){{{least},{'' if most is None else most}}}"
        case Chars():
            return node.rendered
    raise TypeError(node)


class States:
    """All the places in an expression where a search may be, as one state; Thompson's construction."""

    def __init__(self, root: Node) -> None:
        self._chars: list[tuple[Chars, int]] = []
        self._edges: list[list[tuple[str, int]]] = []
        self.last = self._new()
        self._first = self._add(root, self.last)

    def found(self, text: str, lines: bool) -> bool:
        """Whether it is found in a text. States that come again are looked up; a text that never brings one again takes its length times the expression's."""
        known: dict[tuple[frozenset[int], bool, str], frozenset[int] | None] = {}
        here: frozenset[int] = frozenset()
        begins = True
        spend(len(text) >> 2)
        for character in text:
            key = (here, begins, character)
            after = known.get(key, _ANEW)
            if after is _ANEW:
                if len(known) > _REMEMBERED:
                    known.clear()
                after = known[key] = self._after(here, begins, character, lines)
            if after is None:
                return True
            here, begins = after, lines and character == "\n"
        return self.last in self.closure(here, begins, True)

    def _after(self, places: frozenset[int], begins: bool, character: str, lines: bool) -> frozenset[int] | None:
        """The places after a character; ``None`` where it is found before it."""
        before = self.closure(places, begins, lines and character == "\n")
        return None if self.last in before else self.move(before, character)

    def in_prefix(self, text: str, lines: bool) -> bool | None:
        """Whether it is found in a text, whatever follows; ``None`` where a search is in the middle of something at the end."""
        here: frozenset[int] = frozenset()
        begins = True
        for character in text:
            line = lines and character == "\n"
            before = self.closure(here, begins, line)
            if self.last in before:
                return True
            here, begins = self.move(before, character), line
        return True if self.last in self.closure(here, begins, False) else None if here else False

    def _new(self) -> int:
        self._edges.append([])
        self._chars.append((Chars(), -1))
        return len(self._edges) - 1

    def _add(self, node: Node, then: int) -> int:
        """Builds a node in front of a place; returns the place where it begins."""
        match node:
            case Sequence(parts):
                for part in reversed(parts):
                    then = self._add(part, then)
                return then
            case Choice(options):
                start = self._new()
                self._edges[start] = [("", self._add(option, then)) for option in options]
                return start
            case Repeat(part, least, None):
                loop = self._new()
                self._edges[loop] = [("", self._add(part, loop)), ("", then)]
                for _time in range(least):
                    loop = self._add(part, loop)
                return loop
            case Repeat(part, least, most):
                end = then
                for time in range(most or 0, 0, -1):
                    start = self._new()
                    self._edges[start] = [("", self._add(part, then)), *([("", end)] if time > least else [])]
                    then = start
                return then
            case Anchor(end=at_end):
                start = self._new()
                self._edges[start] = [("$" if at_end else "^", then)]
                return start
            case Chars():
                start = self._new()
                self._chars[start] = (node, then)
                return start
        raise TypeError(node)

    def closure(self, places: frozenset[int], begins: bool, ends: bool) -> frozenset[int]:
        """The places that are reached without a character; a search can begin anywhere."""
        seen, todo = set(), [*places, self._first]
        while todo:
            place = todo.pop()
            if place not in seen:
                seen.add(place)
                todo += [target for label, target in self._edges[place] if not label or (label == "^" and begins) or (label == "$" and ends)]
        spend(1 + len(seen) >> 1)
        return frozenset(seen)

    def move(self, places: frozenset[int], character: str) -> frozenset[int]:
        """The places after a character."""
        spend(1 + len(places) >> 1)
        return frozenset(self._chars[place][1] for place in places if self._chars[place][1] >= 0 and self._chars[place][0].has(character))
