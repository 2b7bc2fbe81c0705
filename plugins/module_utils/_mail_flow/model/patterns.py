# SPDX-License-Identifier: GPL-3.0-or-later
"""How Exchange finds patterns in a text.

A pattern is searched for anywhere, ignoring case. Time grows with the text only, never exponentially with the pattern:
what would blow up a backtracking search runs through an automaton that is built on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ..budget import remembered, spend
from . import questions
from .dotnet import parse_dotnet
from .expressions import Alternation, Anchor, Chars, Dialect, Expression, Node, NotAgreedError, Repeat, Sequence, parse
from .kleene import Truth, any_of, opened
from .reason_kinds import ReasonKind
from .widening import widened
from .words import composed, in_both_ways

#: The maximum number of steps of a backtracking search in the worst case.
_STEPS = 1_000_000

#: The number of steps of a search that are cached.
_REMEMBERED = 20_000

#: Marks a step that is not cached.
_ANEW: frozenset[int] = frozenset((-1,))

#: The signs that mean something else in a pattern.
_SIGNS = re.compile(r"[\\^$.|?*+()\[\]{}]")

_NO_ANCHORS: frozenset[Anchor] = frozenset()


def as_pattern(text: str) -> str:
    """The pattern that finds a text."""
    return _SIGNS.sub(r"\\\g<0>", text)


def any_pattern(text: str, patterns: Iterable[str], dialect: Dialect = Dialect.AGREED) -> Truth:
    """Whether one of the patterns is found in the text."""
    return any_of(has_pattern(text, pattern, dialect) for pattern in patterns)


def has_pattern(text: str, pattern: str, dialect: Dialect = Dialect.AGREED) -> Truth:
    """Whether a pattern is found in the text; open if its meaning is and some meaning could match."""
    compiled = _compiled(pattern, dialect)
    if isinstance(compiled, tuple):
        wider = widened(pattern, dialect is Dialect.LEGACY)
        if wider and has_pattern(text, wider) is False:
            return False
        kind: ReasonKind = "pattern_too_large" if compiled[0] == "too_large" else "pattern"
        return opened(("pattern", pattern, dialect, text), questions.PATTERN_SYNTAX, kind, pattern, *compiled)
    found = compiled.matches(text, compiled.expression.lines)
    if not (text.isascii() and pattern.isascii()):
        if not text.isascii() and not _is_composed_alike(compiled, text, pattern, dialect, found):
            return opened(("pattern", pattern, dialect, text), questions.PATTERN_SYNTAX, "pattern_accents", pattern)
        if any(_finds(form, other, dialect) is not found for form, other in in_both_ways(text, pattern)):
            return opened(
                ("pattern", pattern, dialect, text), questions.PATTERN_SYNTAX, "pattern_plain_letters", pattern
            )
    if found:
        return True
    if compiled.expression.anchored and "\n" in text and not compiled.expression.lines and compiled.matches(text, True):
        return opened(("pattern", pattern, dialect, text), questions.PATTERN_SYNTAX, "pattern_lines", pattern)
    return False


def _finds(text: str, pattern: str, dialect: Dialect) -> bool | None:
    """Whether a pattern is found in a text; ``None`` if its meaning is open."""
    compiled = _compiled(pattern, dialect)
    return None if isinstance(compiled, tuple) else compiled.matches(text, compiled.expression.lines)


def _is_composed_alike(compiled: Search, text: str, pattern: str, dialect: Dialect, found: bool) -> bool:
    """Whether a pattern is found as before once the text is composed, and once the pattern is, too.

    :param found: whether it is found before.
    """
    written = composed(text)
    other = composed(pattern)
    return (written == text or compiled.matches(written, compiled.expression.lines) is found) and (
        other == pattern or has_pattern(written, other, dialect) is found
    )


def is_agreed(pattern: str, dialect: Dialect = Dialect.AGREED) -> bool:
    """Whether a pattern has an agreed meaning."""
    return not isinstance(_compiled(pattern, dialect), tuple)


def is_too_large(pattern: str, dialect: Dialect = Dialect.AGREED) -> bool:
    """Whether a pattern has no agreed meaning here because of its size alone."""
    compiled = _compiled(pattern, dialect)
    return isinstance(compiled, tuple) and compiled[0] == "too_large"


@lru_cache(maxsize=4096)
def begins_anywhere(pattern: str, dialect: Dialect = Dialect.AGREED, *, both: bool = False) -> bool:
    """Whether a match in a text is also one in every longer text with this end; with ``both``, also in one that
    continues.
    """
    compiled = _compiled(pattern, dialect)
    return not isinstance(compiled, tuple) and not _has_anchor(compiled.expression.root, both)


@remembered(16384)
def in_prefix(text: str, pattern: str, dialect: Dialect = Dialect.AGREED) -> bool | None:
    """Whether a pattern is found in every text with this beginning. ``None`` if that is open: a match could begin in it
    and end after it, or the meaning is open.
    """
    compiled = _compiled(pattern, dialect)
    if isinstance(compiled, tuple):
        return None
    expression = compiled.expression
    if _looks_back(expression.root):  # What follows sees the end of the text.
        return compiled.states.in_prefix(text, expression.lines) or None
    readings = [
        compiled.states.in_prefix(text, lines)
        for lines in dict.fromkeys((expression.lines, expression.lines or expression.anchored))
    ]
    return readings[0] if len(set(readings)) == 1 or readings[0] else None


@lru_cache(maxsize=16384)
def required(pattern: str, dialect: Dialect = Dialect.AGREED) -> str:
    """A text in small ASCII letters that is in whatever a pattern is found in or may be found in, but for letters that
    some comparisons take for others; empty if there is none.
    """
    compiled = _compiled(composed(pattern), dialect)
    return "" if isinstance(compiled, tuple) else max(_literals(compiled.expression.root), key=len, default="")


def _literals(root: Node) -> list[str]:
    """The literals that are in whatever an expression is found in."""
    literals = [""]
    for part in root.parts if isinstance(root, Sequence) else (root,):
        match part:
            case Chars(((first, last),), "", False) if first == last and first.isascii():
                literals[-1] += first.lower()
            case Sequence():
                literals += [*_literals(part), ""]
            case _:
                literals.append("")
    return literals


@lru_cache(maxsize=4096)
def crosses_lines(pattern: str, dialect: Dialect = Dialect.AGREED) -> bool:
    """Whether a match may span lines, or the pattern's meaning is open."""
    compiled = _compiled(pattern, dialect)
    return isinstance(compiled, tuple) or _has_line_end(compiled.expression.root)


def _has_line_end(node: Node) -> bool:
    match node:
        case Sequence(parts) | Alternation(parts):
            return any(_has_line_end(part) for part in parts)
        case Repeat(part, _least, _most):
            return _has_line_end(part)
        case Chars():
            return node.has("\n")
        case Anchor(_end, neighbors, border):  # A text may end where a line does.
            return neighbors is not None and neighbors.has("\n") is not border
    return False


def _looks_back(node: Node) -> bool:
    match node:
        case Sequence(parts) | Alternation(parts):
            return any(map(_looks_back, parts))
        case Repeat(part, _least, _most):
            return _looks_back(part)
        case Anchor(end, neighbors, _border):
            return not end and neighbors is not None
    return False


def _has_anchor(node: Node, both: bool) -> bool:
    match node:
        case Sequence(parts) | Alternation(parts):
            return any(_has_anchor(part, both) for part in parts)
        case Repeat(part, _least, _most):
            return _has_anchor(part, both)
        case Anchor(end):
            return both or not end
    return False


@lru_cache(maxsize=4096)
def _compiled(pattern: str, dialect: Dialect) -> Search | tuple[str, ...]:
    try:
        return search_for(pattern, dialect)
    except NotAgreedError as error:
        return error.args


def search_for(pattern: str, dialect: Dialect) -> Search:
    """The search for a pattern.

    :raises NotAgreedError: its meaning is open.
    """
    return Search(parse_dotnet(pattern) if dialect is Dialect.DOTNET else parse(pattern, dialect is Dialect.LEGACY))


class Search:
    """A search for an expression."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._repeats = _simple_repeats(expression.root)
        self._counted = max(1, _counted(expression.root))
        self._quick = {
            lines: re.compile(_rendered(expression.root, lines), re.IGNORECASE | (re.MULTILINE if lines else 0))
            for lines in (False, True)
        }
        self._states: States | None = None

    def matches(self, text: str, lines: bool) -> bool:
        """Whether it is in a text."""
        if self._repeats is not None and self._counted * len(text) ** (self._repeats + 1) <= _STEPS:
            return self._quick[lines].search(text) is not None
        return self.states.matches(text, lines)

    @property
    def states(self) -> States:
        """The search as an automaton."""
        if self._states is None:
            self._states = States(self.expression.root)
        return self._states


def _simple_repeats(root: Node) -> int | None:
    """The number of repetitions that a search can end at many places; ``None`` if one repeats more than a character, so
    that a search could split it in many ways.
    """
    match root:
        case Sequence(parts) | Alternation(parts):
            counts = [_simple_repeats(part) for part in parts]
            return None if None in counts else sum(count or 0 for count in counts)
        case Repeat(part, least, most):
            many = least != most and (most is None or most > 1)
            return int(many) if isinstance(part, Chars) else None
    return 0


def _counted(root: Node) -> int:
    """The number of characters in repetitions of which the number is fixed."""
    match root:
        case Sequence(parts) | Alternation(parts):
            return sum(map(_counted, parts))
        case Repeat(_part, least, most) if least == most:
            return least
    return 0


def _rendered(node: Node, lines: bool) -> str:
    match node:
        case Anchor(False, None):
            return "^"
        case Anchor(True, None):
            return "$" if lines else r"\Z"
        case Anchor(end, Chars(ranges, classes, negated) as neighbors, border):
            # At the border of the text or beside one of some: not beside one of the others.
            inside = Chars(ranges, classes, not negated).rendered if border else neighbors.rendered
            return f"(?{'' if end else '<'}{'!' if border else '='}{inside})"
        case Sequence(parts):
            return "".join(_rendered(part, lines) for part in parts)
        case Alternation(options):
            return f"(?:{'|'.join(_rendered(option, lines) for option in options)})"
        case Repeat(part, least, most):
            return f"(?:{_rendered(part, lines)}){{{least},{'' if most is None else most}}}"
        case Chars():
            return node.rendered
    raise TypeError(node)


def _by_beginning(options: Iterable[Node]) -> list[Node]:
    """Alternatives, those with the same beginning as one: a long list of words begins with few letters."""
    groups: dict[tuple[Node, ...], list[tuple[Node, ...]]] = {}
    for option in options:
        parts = option.parts if isinstance(option, Sequence) else (option,)
        groups.setdefault(parts[:1], []).append(parts)
    nodes: list[Node] = []
    for group in groups.values():
        if len(group) == 1:
            nodes.append(Sequence(group[0]))
            continue
        shared = 0
        while len(group[0]) > shared and len({parts[shared : shared + 1] for parts in group}) == 1:
            shared += 1
        rests = tuple(dict.fromkeys(Sequence(parts[shared:]) for parts in group))
        nodes.append(Sequence((*group[0][:shared], *((Alternation(rests),) if len(rests) > 1 else ()))))
    return nodes


class States:
    """A set of places in an expression as one state: Thompson's construction."""

    def __init__(self, root: Node) -> None:
        self._chars: list[tuple[Chars, int]] = []
        self._edges: list[list[tuple[Anchor | None, int]]] = []
        self._anchors: dict[bool, list[Anchor]] = {False: [], True: []}
        self.last = self._new()
        self._start = self._add(root, self.last)

    def anchors_at(self, character: str, lines: bool, *, end: bool) -> frozenset[Anchor]:
        """The anchors that hold beside a character; with ``end``, those in front of it, else those behind it. Empty for
        the border of the text.
        """
        return (
            frozenset(anchor for anchor in self._anchors[end] if anchor.holds(character, lines))
            if self._anchors[end]
            else _NO_ANCHORS
        )

    def matches(self, text: str, lines: bool) -> bool:
        """Whether it is found in a text. Known states are looked up; without any, it takes the text's length times the
        expression's.
        """
        known: dict[tuple[frozenset[int], frozenset[Anchor], str], frozenset[int] | None] = {}
        here: frozenset[int] = frozenset()
        before = self.anchors_at("", lines, end=False)
        spend(len(text) >> 2)
        for character in text:
            key = (here, before, character)
            after = known.get(key, _ANEW)
            if after is _ANEW:
                if len(known) > _REMEMBERED:
                    known.clear()
                after = known[key] = self._after(here, before, character, lines)
            if after is None:
                return True
            here = after
            before = self.anchors_at(character, lines, end=False)
        return self.last in self.closure(here, before | self.anchors_at("", lines, end=True))

    def _after(
        self, places: frozenset[int], before: frozenset[Anchor], character: str, lines: bool
    ) -> frozenset[int] | None:
        """The places after a character; ``None`` if it is found before it."""
        here = self.closure(places, before | self.anchors_at(character, lines, end=True))
        return None if self.last in here else self.move(here, character)

    def in_prefix(self, text: str, lines: bool) -> bool | None:
        """Whether it is found in a text, whatever follows; ``None`` if a match may be incomplete at the end."""
        here: frozenset[int] = frozenset()
        before = self.anchors_at("", lines, end=False)
        for character in text:
            after = self._after(here, before, character, lines)
            if after is None:
                return True
            here = after
            before = self.anchors_at(character, lines, end=False)
        if self.last in self.closure(here, before):
            return True
        return None if here else False

    def _new(self) -> int:
        self._edges.append([])
        self._chars.append((Chars(), -1))
        return len(self._edges) - 1

    def _add(self, node: Node, then: int) -> int:
        """Builds a node before a place; returns the place where it begins."""
        match node:
            case Sequence(parts):
                for part in reversed(parts):
                    then = self._add(part, then)
                return then
            case Alternation(options):
                start = self._new()
                self._edges[start] = [(None, self._add(option, then)) for option in _by_beginning(options)]
                return start
            case Repeat(part, least, None):
                loop = self._new()
                self._edges[loop] = [(None, self._add(part, loop)), (None, then)]
                for _time in range(least):
                    loop = self._add(part, loop)
                return loop
            case Repeat(part, least, most):
                end = then
                for time in range(most or 0, 0, -1):
                    start = self._new()
                    self._edges[start] = [(None, self._add(part, then)), *([(None, end)] if time > least else [])]
                    then = start
                return then
            case Anchor():
                start = self._new()
                self._edges[start] = [(node, then)]
                self._anchors[node.end].append(node)
                return start
            case Chars():
                start = self._new()
                self._chars[start] = (node, then)
                return start
        raise TypeError(node)

    def closure(self, places: frozenset[int], holding: frozenset[Anchor], *, begins: bool = True) -> frozenset[int]:
        """The places that are reached without a character; a search can begin anywhere.

        :param holding: the anchors that hold here.
        :param begins: whether a match may begin here.
        """
        seen = set()
        todo = [*places, self._start] if begins else [*places]
        while todo:
            place = todo.pop()
            if place not in seen:
                seen.add(place)
                todo += [target for anchor, target in self._edges[place] if anchor is None or anchor in holding]
        spend(1 + len(seen) >> 1)
        return frozenset(seen)

    def move(self, places: frozenset[int], character: str) -> frozenset[int]:
        """The places after a character."""
        spend(1 + len(places) >> 1)
        return frozenset(
            self._chars[place][1]
            for place in places
            if self._chars[place][1] >= 0 and self._chars[place][0].has(character)
        )
