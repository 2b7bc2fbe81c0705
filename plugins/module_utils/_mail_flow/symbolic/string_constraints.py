# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that have some words and patterns and lack others.

A text has exactly the words and patterns that the model says. If no such text can exist, the model's mistake becomes a
new relation. If only no natural one is found, that is a limit of the writer, and says nothing about mail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..budget import remembered
from ..conditions.keys import Key, holds
from ..conditions.witness import NoMessageError
from ..formula import Literal
from ..model.patterns import as_pattern
from .pattern_samples import samples
from .string_solver import find_text, is_impossible

#: The form of any text.
_ANY_FORM: tuple[tuple[Key, ...], ...] = ((),)

#: What stands between the parts of a text.
JOINT = " / "

_PRINTED = "abcdefghijklmnopqrstuvwxyz0123456789 .-@"

Holds = Callable[[Literal], bool]


@dataclass(frozen=True)
class TextConstraint:
    """What a text must have and lack.

    :param atoms: atom to its literal.
    :param has: whether a text has an atom.
    :param lax: whether an atom may be open.
    :param ascii_only: whether it has no letters beyond ASCII, unless what it must have says them.
    """

    atoms: Mapping[Key, Literal]
    is_true: Holds
    has: Callable[[str, Key], Any] = holds
    lax: bool = False
    ascii_only: bool = False

    @property
    def wanted(self) -> list[Key]:
        """The atoms that it must have."""
        return [key for key, literal in self.atoms.items() if self.is_true(literal)]

    def wrong(self, text: str) -> list[Key]:
        """The atoms that a text gets wrong, or that must not be open."""
        checks = [(key, self.has(text, key), self.is_true(literal)) for key, literal in self.atoms.items()]
        return [
            key for key, truth, wanted in checks if truth is not wanted and (isinstance(truth, bool) or not self.lax)
        ]

    def text(self, before: str = "") -> str:
        """A text with exactly these words and patterns: joined if that suffices, otherwise by automata.

        :param before: a natural beginning.
        :raises NoMessageError: none was found.
        """
        wanted = self.wanted
        unwanted = [key for key in self.atoms if key not in wanted]
        for text in (before + side_by_side(wanted), before + side_by_side(wanted, unwanted)):
            if not self.wrong(text):
                return text
        return self.composed(text)

    def texts(self, before: str = "") -> Iterator[str]:
        """A text for each atom that it must have, without any that it must lack.

        :param before: a natural beginning.
        :raises NoMessageError: one of them was not found.
        """
        lacked = {key: literal for key, literal in self.atoms.items() if not self.is_true(literal)}
        for key in (key for key in self.atoms if key not in lacked):
            yield replace(self, atoms={key: self.atoms[key], **lacked}).text(before)

    def composed(self, text: str, forms: Sequence[Sequence[Key]] = _ANY_FORM, every: tuple[Key, ...] = ()) -> str:
        """A text by automata.

        :param text: a text that is not right.
        :param forms: patterns that it must also match, tried in order.
        :param every: patterns that every text matches, also one that is not to be written.
        :raises NoMessageError: none was found.
        """
        wanted = self.wanted
        unwanted = [key for key in self.wrong(text) if key not in wanted]
        # Small automata can decide what large ones cannot.
        laws = [
            self._clause([key], [bad])
            for bad in unwanted
            for key in wanted
            if _exclude((as_text(key),), (as_text(bad),), every)
        ]
        if laws:
            raise NoMessageError(laws)
        having = _without_shorter_patterns(wanted)
        for form in forms:
            composed = self.text_of_form(having, unwanted, form)
            if composed is not None:
                return composed
        clause = [self._clause(having, unwanted)]
        atoms = tuple(map(as_text, having)), tuple(map(as_text, unwanted))
        if _exclude(*atoms, every):
            raise NoMessageError(clause)
        pairs = [
            self._clause([key], [bad])
            for bad in unwanted
            for key in having
            if _exclude((as_text(key),), (as_text(bad),), every, plain=True)
        ]
        raise NoMessageError(limits=clause, plain=pairs or (clause if _exclude(*atoms, every, plain=True) else []))

    def text_of_form(self, having: list[Key], unwanted: list[Key], form: Sequence[Key] = ()) -> str | None:
        """A text of a form.

        :param having: atoms that it must have and that are known to need care; others may come by themselves. Grows.
        :param unwanted: atoms known to need exclusion; grows.
        :raises NoMessageError: it cannot be decided.
        """
        wanted = self.wanted
        while True:
            known, text = _shortest((*form, *map(as_text, having)), tuple(map(as_text, unwanted)), self.lax)
            if not known:
                raise NoMessageError(limits=[self._clause(having, unwanted)])
            if text is None:
                return None
            wrong = self.wrong(text)
            if not wrong:
                if self.ascii_only and unwanted and not text.isascii() and all(str(key).isascii() for key in wanted):
                    raise NoMessageError(ascii_only=[self._clause(having, unwanted)])
                return text
            more = [key for key in wrong if key not in wanted and key not in unwanted]
            missing = [key for key in wrong if key in wanted and key not in having]
            if not more and not missing:
                return None
            unwanted += more
            having += [] if more else missing[:1]

    @staticmethod
    def side_by_side(wanted: list[Key]) -> str:
        """Words and samples of patterns in a row, which need not be right."""
        return side_by_side(wanted)

    def _clause(self, wanted: Iterable[Key], unwanted: Iterable[Key]) -> tuple[Literal, ...]:
        return (*(~self.atoms[key] for key in wanted), *(self.atoms[key] for key in unwanted))


def _without_shorter_patterns(wanted: Iterable[Key]) -> list[Key]:
    """What is wanted, with the longest pattern alone: what has it often has others, too."""
    patterns = sorted((key for key in wanted if key[0] == "pattern"), key=lambda key: -len(key[1][0]))
    return [key for key in wanted if key not in patterns[1:]]


def as_text(key: Key) -> Key:
    """A domain as a pattern at the end of an address."""
    sort, value = key
    if sort == "address":
        return ("pattern", (f"^{as_pattern(value)}$", False))
    if sort == "below":
        return ("pattern", (f"(@|\\.){as_pattern(value)}$", False))
    return ("pattern", (f"@{as_pattern(value)}$", False)) if sort == "exact" else key


def address_has(address: str, key: Key) -> Any:
    """Whether an address has an atom, as far as is known."""
    sort, value = key
    name = address.rpartition("@")[2]
    if sort == "below":
        return name == value or name.endswith(f".{value}")
    if sort == "address":
        return address == value
    return name == value if sort == "exact" else holds(address, key)


def largest(words: list[str]) -> list[str]:
    """Words, without those that others contain."""
    return [
        word for word in words if not any(other != word and holds(other, ("word", word)) is True for other in words)
    ]


def side_by_side(wanted: list[Key], unwanted: Sequence[Key] = ()) -> str:
    """Words and samples of patterns in a row. What must begin the text comes first, what must end it last.

    :param unwanted: what samples do not have, if they can do without.
    """
    parts = largest([value for sort, value in wanted if sort == "word"])
    for sort, value in wanted:
        if sort == "pattern" and holds(JOINT.join(parts), (sort, value)) is not True:
            example = _sample_without((sort, value), tuple(unwanted)) or ""
            if holds(f"q {example}", (sort, value)) is not True:
                parts.insert(0, example)
            else:
                parts.append(example)
    return JOINT.join(parts)


def sample(key: Key, form: Sequence[Key] = ()) -> str | None:
    """A text with an atom, if one is found."""
    if not form:
        return _sample_without(key)
    _known, text = _shortest((*form, key))
    return text


@remembered(4096)
def _sample_without(key: Key, unwanted: tuple[Key, ...] = ()) -> str | None:
    """A text with an atom: one without others, if one is written; ``None`` if none is found. Automata decide only where
    nothing that is written has the atom.
    """
    sort, value = key
    first = None
    for text in samples(*value) if sort == "pattern" else ():
        if holds(text, key) is not True:
            continue
        if all(holds(text, other) is False for other in unwanted):
            return text
        first = text if first is None else first
    return _shortest((key,))[1] if first is None else first


@remembered(4096)
def _shortest(wanted: tuple[Key, ...], unwanted: tuple[Key, ...] = (), lax: bool = False) -> tuple[bool, str | None]:
    """Whether a search for a text was complete, and the text."""
    try:
        return True, find_text(wanted, unwanted, _PRINTED, lax=lax)
    except OverflowError:
        return False, None


@remembered(4096)
def _exclude(wanted: tuple[Key, ...], unwanted: tuple[Key, ...], form: tuple[Key, ...], *, plain: bool = False) -> bool:
    """Whether certainly no text of a form that every text has contains some atoms and lacks others; with ``plain``, no
    text of plain letters.
    """
    try:
        return is_impossible(wanted, unwanted, form, plain=plain)
    except OverflowError:
        return False
