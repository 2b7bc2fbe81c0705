# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns without an agreed meaning, widened until they have one.

Whatever such a pattern means to Exchange, a match must contain each part with an agreed meaning; the other parts may
stand for anything. A text without even that has no match. If the rest of a pattern depends on a part without an agreed
meaning, nothing is known.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .expressions import DEEPEST, Alternation, Anchor, Chars, Node, NotAgreedError, Parser, Repeat, Sequence, parse

#: Any character, and any text.
_CHARACTER = Chars((), "sS")
_ANYTHING = Repeat(_CHARACTER, 0, None)

_FLAGS = re.compile(r"\(\?[im]+\)")
#: What may follow a part and quantify it; the brace, even if it is a literal.
_QUANTIFIERS = re.compile(r"(?:[*+?]|\{[^{}()|\[\]\\]*\})+")
#: Escapes of the dialects that the sources name; all dialects agree on where they end.
_ESCAPE = re.compile(
    r"\\(?:[bBAZzGtnrfvea]|\d+|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|c[A-Za-z]|[pP]\{[^{}]*\}|k(?:<[^<>]*>|'[^']*'|\{[^{}]*\}))",
)
_CLASS = re.compile(r"\[\^?(?:[^\[\]\\()|]|\\.)+\]", re.DOTALL)
#: The beginnings of look-arounds, atomic groups, named groups, and flags except the one that ignores blanks.
_GROUP = re.compile(r"\(\?(?:=|!|<=|<!|>|P?<\w[\w-]*>|'\w[\w-]*'|[imsn-]*:)")
_INLINE = re.compile(r"\(\?[imsn-]+\)")


class _LostError(Exception):
    """What follows depends on something that has no agreed meaning."""


@lru_cache(maxsize=4096)
def widened(pattern: str, legacy: bool = False) -> str:
    """A pattern with an agreed meaning that matches wherever the given one may; empty if only a trivial one does.

    :param legacy: whether the pattern is one of the old kind. The one that is returned is not.
    """
    flags = None if legacy else _FLAGS.match(pattern)
    reader = _Wider(pattern, flags.end() if flags else 0, legacy)
    try:
        root = reader.choice()
        found = _trimmed(root) if reader.at == len(pattern) else None
        text = "" if found is None else f"(?m){_rendered(found)}"
        return text if text and parse(text) else ""
    except (_LostError, NotAgreedError):
        return ""


class _Wider(Parser):
    """Reads an expression, with anything in the place of each part that has no agreed meaning."""

    def sequence(self) -> Node:
        if self.next in ("", "|", ")"):
            return _ANYTHING
        return super().sequence()

    def quantified(self, part: Node) -> Node:
        at = self.at
        try:
            return super().quantified(part)
        except NotAgreedError:
            self.at = at
        self._skip(_QUANTIFIERS)
        return _ANYTHING

    def single(self) -> Node:
        match self.next:
            case "(":
                return self.group()
            case "*" | "+" | "?" | "{":
                self._skip(_QUANTIFIERS)
                return _ANYTHING
            case ".":
                self.at += 1
                return _ANYTHING if self.legacy else _CHARACTER
        at = self.at
        try:
            return super().single()
        except NotAgreedError:
            self.at = at
        self._skip(_CLASS if self.next == "[" else _ESCAPE)
        return _ANYTHING

    def group(self) -> Node:
        strange = self.pattern.startswith("(?", self.at) and not (
            self.pattern.startswith("(?:", self.at) and not self.legacy
        )
        if not strange:
            try:
                return super().group()
            except NotAgreedError as error:  # It is not closed, or nested too deeply.
                raise _LostError from error
        if self.legacy:
            raise _LostError
        if _INLINE.match(self.pattern, self.at):
            self._skip(_INLINE)
            return _ANYTHING
        self._skip(_GROUP)
        self.depth += 1
        if self.depth > DEEPEST:
            raise _LostError
        self.choice()
        if self.next != ")":
            raise _LostError
        self.at += 1
        self.depth -= 1
        return _ANYTHING

    def _skip(self, what: re.Pattern[str]) -> None:
        found = what.match(self.pattern, self.at)
        if not found:
            raise _LostError
        self.at = found.end()


def _trimmed(node: Node) -> Node | None:
    """A part of a pattern without wildcards at its ends, which a search implies; ``None`` if nothing is left."""
    match node:
        case Sequence(parts):
            while parts and parts[0] == _ANYTHING:
                parts = parts[1:]
            while parts and parts[-1] == _ANYTHING:
                parts = parts[:-1]
            return Sequence(parts) if parts else None
        case Alternation(options):
            found = [_trimmed(option) for option in options]
            return None if None in found else Alternation(tuple(option for option in found if option))
    return None if node == _ANYTHING else node


def _rendered(node: Node) -> str:
    match node:
        case Anchor(end):
            return "$" if end else "^"
        case Sequence(parts):
            return "".join(map(_rendered, parts))
        case Alternation(options):
            return f"(?:{'|'.join(map(_rendered, options))})"
        case Repeat(part, least, most):
            inside = _rendered(part) if isinstance(part, Chars) else f"(?:{_rendered(part)})"
            return f"{inside}{{{least},{'' if most is None else most}}}"
        case Chars(((first, last),), "", False) if first == last:
            return re.escape(first)
        case Chars():
            return node.rendered
    raise TypeError(node)
