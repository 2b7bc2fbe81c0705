# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions with a meaning on which Microsoft's pages agree, as trees.

Literals, ``.``, classes, ``\\d \\w \\s`` and their opposites, escaped punctuation, ``* + ? {n,m}``, ``|``, groups, ``^
$``, and a leading ``(?i)``, ``(?m)`` or ``(?im)``. Everything else has no agreed meaning and is refused with what it
is; :mod:`.dotnet` reads more.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

_FLAGS = re.compile(r"\(\?([im]+)\)")
_COUNT = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}")
_CLASSES = "dwsDWS"

#: The maximum length of an expression, which is that of a whole rule in Exchange; the maximum size that its
#: counts add if they are written out, and the maximum depth of its groups.
LONGEST, LARGEST, DEEPEST = 8192, 2000, 50


class NotAgreedError(Exception):
    """The sources disagree about a part of the expression, or the expression is too large to be read. The arguments are
    what it is, in a word (``too_large`` for the latter), and what that names.
    """


class Dialect(enum.StrEnum):
    """How a pattern is read: as all sources agree, as Exchange 2010 did (``use_legacy_regex``), or as .NET does."""

    AGREED = "agreed"
    LEGACY = "legacy"
    DOTNET = "dotnet"


@dataclass(frozen=True, slots=True)
class Chars:
    """One character.

    :param ranges: first and last character of each range.
    :param classes: the letters of ``\\d``, ``\\W`` and the like.
    :param negated: whether it matches the characters in neither.
    """

    ranges: tuple[tuple[str, str], ...] = ()
    classes: str = ""
    negated: bool = False

    def has(self, character: str) -> bool:
        """Whether it matches this character, ignoring case."""
        if not character.isascii() or not self.is_ascii:
            return _has(self, character)
        cases = {character, character.lower(), character.upper()}
        inside = any(first <= case <= last for first, last in self.ranges for case in cases) or any(
            _in_class(character, name) for name in self.classes
        )
        return inside is not self.negated

    @property
    def is_ascii(self) -> bool:
        """Whether it names only ASCII characters."""
        return all(last.isascii() for _first, last in self.ranges)

    @property
    def rendered(self) -> str:
        """The class as Python's regular expressions have it."""
        inside = "".join(
            re.escape(first) + (f"-{re.escape(last)}" if first != last else "") for first, last in self.ranges
        )
        return f"[{'^' if self.negated else ''}{inside}{''.join(chr(92) + name for name in self.classes)}]"


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternation:
    """One of several."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repetition; ``most`` is ``None`` if it has no upper limit."""

    part: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Anchor:
    """The beginning of the text, or its end; or a place beside some characters.

    :param end: whether what follows the place counts, not what is before it.
    :param neighbors: the characters that it may be beside; ``None`` for the end of a line, where lines count.
    :param border: whether it may be at the border of the text.
    """

    end: bool
    neighbors: Chars | None = None
    border: bool = True

    def holds(self, neighbor: str, lines: bool) -> bool:
        """Whether it holds beside a character; empty at the border of the text."""
        if not neighbor:
            return self.border
        return lines and neighbor == "\n" if self.neighbors is None else self.neighbors.has(neighbor)


Node: TypeAlias = "Chars | Sequence | Alternation | Repeat | Anchor"

#: Any character but the end of a line.
ANY = Chars((("\n", "\n"),), "", True)


@dataclass(frozen=True, slots=True)
class Expression:
    """A regular expression. It is searched for anywhere in a text, ignoring case.

    :param lines: whether ``^`` and ``$`` stand for the borders of lines, too.
    :param anchored: whether it has one of them, and it matters whether they do.
    """

    root: Node
    lines: bool = False
    anchored: bool = False


def parse(pattern: str, legacy: bool = False) -> Expression:
    """The tree of an expression.

    :param legacy: whether it is one of the old kind, with the few constructs of Exchange 2010.
    :raises NotAgreedError: what has no agreed meaning.
    """
    flags = _FLAGS.match(pattern)
    if flags and legacy:
        raise NotAgreedError("old_flags")
    parser = Parser(pattern, flags.end() if flags else 0, legacy)
    return Expression(parser.whole(), flags is not None and "m" in flags.group(1), parser.anchored)


class Parser:
    """Reads an expression from a place on, each part by a method."""

    def __init__(self, pattern: str, at: int, legacy: bool) -> None:
        self.pattern = pattern
        self.at = at
        self.legacy = legacy
        self.anchored = False
        self.depth = 0

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.pattern[self.at] if self.at < len(self.pattern) else ""

    def whole(self) -> Node:
        """All that is left."""
        root = self.choice()
        if self.at < len(self.pattern):
            raise NotAgreedError("bracket_too_many")
        if len(self.pattern) > LONGEST or _size(root) - _size(root, written=True) > LARGEST:
            raise NotAgreedError("too_large")
        return root

    def choice(self) -> Node:
        """Alternatives, up to the end or a bracket that closes."""
        options = [self.sequence()]
        while self.next == "|":
            self.at += 1
            options.append(self.sequence())
        return options[0] if len(options) == 1 else Alternation(tuple(options))

    def sequence(self) -> Node:
        """One alternative."""
        parts: list[Node] = []
        while self.next not in ("", "|", ")"):
            parts.append(self.repeated())
        if not parts:
            raise NotAgreedError("empty_alternative")
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def repeated(self) -> Node:
        """A part with its quantifier."""
        return self.quantified(self.single())

    def quantified(self, part: Node) -> Node:
        """A part that was read, with its quantifier."""
        most: int | None
        if self.next and self.next in "*+?":
            self._not_legacy("*")
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[self.next]
            self.at += 1
        elif self.next == "{":
            self._not_legacy("")
            found = _COUNT.match(self.pattern, self.at)
            if not found:
                raise NotAgreedError("brace_without_count")
            least = int(found.group(1))
            most = least
            if found.group(2):
                most = int(found.group(3)) if found.group(3) else None
            if most is not None and most < least:
                raise NotAgreedError("backward_count")
            self.at = found.end()
        else:
            return part
        self.after_quantifier()
        if isinstance(part, Anchor):
            raise NotAgreedError("quantified_anchor")
        return Repeat(part, least, most)

    def after_quantifier(self) -> None:
        """What may follow a quantifier: no other one."""
        if self.next and self.next in "*+?{":
            raise NotAgreedError("quantified_quantifier")

    def single(self) -> Node:
        """A part without its quantifier."""
        character = self.next
        if character in "*+?":
            raise NotAgreedError("bare", character)
        if character == "(":
            return self.group()
        if character == "[":
            self._not_legacy("")
            return self.bracket()
        self.at += 1
        if character == "\\":
            return self.escape()
        if character == ".":
            self._not_legacy("", character)
            return ANY
        if character in "^$":
            self.anchored = True
            return Anchor(character == "$")
        if character in "{":
            raise NotAgreedError("brace_without_count")
        return Chars(((character, character),))

    def group(self) -> Node:
        """A group, from its bracket on."""
        self.at += 1
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotAgreedError("too_large")
        if self.next == "?":
            if not self.pattern.startswith("?:", self.at) or self.legacy:
                raise NotAgreedError("construct", self.pattern[self.at : self.at + 3])
            self.at += 2
        inside = self.choice()
        if self.next != ")":
            raise NotAgreedError("open_bracket")
        self.at += 1
        self.depth -= 1
        return inside

    def escape(self) -> Node:
        """An escape, from the character after the backslash on."""
        character = self.next
        self.at += 1
        if character and character in _CLASSES:
            return Chars((), character)
        if not character or character.isalnum():
            raise NotAgreedError("escape", character)
        return Chars(((character, character),))

    def bracket(self) -> Chars:
        """A class, from its bracket on."""
        self.at += 1
        negated = self.next == "^"
        self.at += negated
        ranges: list[tuple[str, str]] = []
        classes = ""
        while self.next != "]":
            item = self.bracket_item()
            if isinstance(item, Chars):
                classes += item.classes
            elif self.next == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                last = self.bracket_item()
                if isinstance(last, Chars) or last < item:
                    raise NotAgreedError("invalid_range")
                ranges.append((item, last))
            else:
                ranges.append((item, item))
        if not ranges and not classes:
            raise NotAgreedError("empty_class")
        self.at += 1
        return Chars(tuple(ranges), classes, negated)

    def bracket_item(self) -> Chars | str:
        """A character or an escape in a class."""
        character = self.next
        self.at += 1
        if not character:
            raise NotAgreedError("open_class")
        if character == "[":
            raise NotAgreedError("nested_class")
        if character != "\\":
            return character
        escaped = self.escape()
        if not isinstance(escaped, Chars):
            raise NotAgreedError("escape_in_class")
        return escaped if escaped.classes else escaped.ranges[0][0]

    def _not_legacy(self, allowed: str, character: str = "") -> None:
        used = character or self.next
        if self.legacy and (not allowed or used not in allowed):
            raise NotAgreedError("old", used)


def _size(node: Node, *, written: bool = False) -> int:
    """The number of an expression's parts, with its counts written out, or as it is written."""
    match node:
        case Sequence(parts) | Alternation(parts):
            return 1 + sum(_size(part, written=written) for part in parts)
        case Repeat(part, least, most):
            return 1 + _size(part, written=written) * (1 if written else max(least if most is None else most, 1))
    return 1


@lru_cache(maxsize=65536)
def _has(chars: Chars, character: str) -> bool:
    """Beyond ASCII, which characters are one letter in two cases is as intricate as Python's regular expressions have
    it.
    """
    return re.fullmatch(chars.rendered, character, re.IGNORECASE) is not None


def _in_class(character: str, name: str) -> bool:
    kind = name.lower()
    if kind == "d":
        inside = character.isdecimal()
    elif kind == "s":
        inside = character.isspace()
    else:
        inside = character.isalnum() or character == "_"
    return inside is (name == kind)
