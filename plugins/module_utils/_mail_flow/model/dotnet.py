# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions as .NET reads them, for who says that Exchange does (``dialect: dotnet``).

Beside what all sources agree on: ``^ $`` are the borders of the text without ``(?m)``; ``\\b \\B \\A \\z \\Z``,
look-around for one character, lazy quantifiers, named groups, escapes of control characters and code points, and a
leading ``(?s)`` or ``(?n)``. Laziness and names do not change what is found. Back references, longer look-around,
Unicode categories, atomic groups and conditions are refused. Source: "Regular Expression Language - Quick Reference"
(.NET).
"""

from __future__ import annotations

import re

from .expressions import ANY, Alternation, Anchor, Chars, Expression, Node, NotAgreedError, Parser, Repeat, Sequence

_FLAGS = re.compile(r"\(\?([imns]+)\)")
_GROUP = re.compile(r"\?(?:<[A-Za-z_]\w*>|'[A-Za-z_]\w*'|[in]*:)")
_LOOK = re.compile(r"\?(<?)([=!])")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "e": "\x1b", "a": "\a"}

#: No character, any, and the end of a line.
_NONE, _EVERY, _LINE_END = Chars((), "sS", True), Chars((), "sS"), Chars((("\n", "\n"),))

#: What .NET takes for a part of a word at its border, and what it does not: the joiners are parts.
_WORD, _GAP = (Chars((("\u200c", "\u200d"),), "w", negated) for negated in (False, True))
_IN, _OUT = [(Anchor(end, _WORD, False), Anchor(end, _GAP)) for end in (False, True)]

_BEGIN, _END = Anchor(False, _NONE), Anchor(True, _NONE)

#: The end of the text, or before the end of its last line: what is found may as well have that in it, if it is the
#: last.
_LAST = Sequence((Repeat(_LINE_END, 0, 1), _END))

#: Escape to the place that it stands for.
_PLACES: dict[str, Node] = {
    "b": Alternation((Sequence((_IN[0], _OUT[1])), Sequence((_IN[1], _OUT[0])))),
    "B": Alternation((Sequence((_IN[0], _OUT[0])), Sequence((_IN[1], _OUT[1])))),
    "A": _BEGIN,
    "z": _END,
    "Z": _LAST,
}


def parse_dotnet(pattern: str) -> Expression:
    """The tree of an expression.

    :raises NotAgreedError: it has something that is not read here.
    """
    flags = _FLAGS.match(pattern)
    return Expression(_DotnetParser(pattern, flags.end() if flags else 0, flags.group(1) if flags else "").whole())


class _DotnetParser(Parser):
    def __init__(self, pattern: str, at: int, flags: str) -> None:
        super().__init__(pattern, at, legacy=False)
        self._dot: Node = _EVERY if "s" in flags else ANY
        self._anchors: dict[str, Node] = (
            {"^": Anchor(False, _LINE_END), "$": Anchor(True, _LINE_END)} if "m" in flags else {"^": _BEGIN, "$": _LAST}
        )
        #: Whether what was read ends where the text does.
        self._ended = False

    def choice(self) -> Node:
        options = list[Node]()
        ended = False
        while not options or self.next == "|":
            self.at += bool(options)
            self._ended = False
            options.append(self.sequence())
            ended = ended or self._ended
        self._ended = ended
        return options[0] if len(options) == 1 else Alternation(tuple(options))

    def repeated(self) -> Node:
        if self._ended:
            raise NotAgreedError("behind_end")
        return super().repeated()

    def quantified(self, part: Node) -> Node:
        if self.next and self.next in "*+?{" and (self._ended or part in _PLACES.values()):
            raise NotAgreedError("quantified_anchor")
        return super().quantified(part)

    def after_quantifier(self) -> None:
        self.at += self.next == "?"  # A lazy one finds the same.
        super().after_quantifier()

    def single(self) -> Node:
        if self.next not in (".", "^", "$"):
            return super().single()
        self.at += 1
        character = self.pattern[self.at - 1]
        return self._dot if character == "." else self._place(self._anchors[character])

    def _place(self, node: Node) -> Node:
        self._ended = self._ended or node is _LAST
        return node

    def escape(self) -> Node:
        character = self.next
        code = _CODE.match(self.pattern, self.at)
        if code:
            self.at = code.end()
            named = chr(int(code.group(1) or code.group(2), 16))
            return Chars(((named, named),))
        if character in _PLACES or character in _CONTROLS:
            self.at += 1
            return (
                self._place(_PLACES[character])
                if character in _PLACES
                else Chars(((_CONTROLS[character], _CONTROLS[character]),))
            )
        return super().escape()

    def group(self) -> Node:
        look, named = (construct.match(self.pattern, self.at + 1) for construct in (_LOOK, _GROUP))
        if look:
            self.at = look.end() - 1  # So that it reads like a group without a name.
            ended = self._ended
            inside = super().group()
            self._ended = ended
            return _look(inside, end=not look.group(1), negated=look.group(2) == "!")
        if named:
            self.at = named.end() - 1
        return super().group()


def _look(inside: Node, *, end: bool, negated: bool) -> Node:
    """A place beside one of some characters, or the border of the text.

    :param end: whether it looks ahead.
    :raises NotAgreedError: it looks at more than a character.
    """
    options = inside.options if isinstance(inside, Alternation) else (inside,)
    chars = [option for option in options if isinstance(option, Chars)]
    border = _END if end else _BEGIN
    if any(
        not isinstance(option, Chars) and option != border and not (end and option == _LAST and _sees_line_end(chars))
        for option in options
    ):
        raise NotAgreedError("wide_look_around")
    places = [Anchor(end, neighbors, False) for neighbors in chars] + [border] * (len(chars) < len(options))
    if not negated:
        return places[0] if len(places) == 1 else Alternation(tuple(places))
    others = [
        Anchor(end, Chars(looked_for.ranges, looked_for.classes, not looked_for.negated), len(chars) == len(options))
        for looked_for in chars
    ]
    return Sequence(tuple(others)) if others else Anchor(end, _EVERY, False)


def _sees_line_end(chars: list[Chars]) -> bool:
    """Whether the end of a line is one of the characters, so that nothing depends on whether it is the last."""
    return any(one.has("\n") for one in chars)
