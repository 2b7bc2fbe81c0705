# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that have some words and patterns and lack others, and the attachments with them.

A text has exactly the words and patterns that the model says. If no such text can exist, the model's mistake becomes a
new relation. If only no natural one is found, that is a limit of the writer, and says nothing about mail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..budget import remembered
from ..model.attachments import extension
from ..model.predicate import ATTACHED
from ..sat.formula import Literal
from .atoms import Key
from .pattern_samples import samples
from .string_solver import find_text, holds, is_impossible
from .symbolic_message import SymbolicMessage

#: The form of any text.
_ANY_FORM: tuple[tuple[Key, ...], ...] = ((),)
_PRINTED = "abcdefghijklmnopqrstuvwxyz0123456789 .-@"

Holds = Callable[[Literal], bool]


class NoMessageError(Exception):
    """No message matches the model, as far as is known.

    :param laws: clauses that hold for every message, but not for the model.
    :param limits: clauses that hold for every message that the writer can write, but not for the model.
    :param plain: the ones that hold for every message of plain letters.
    """

    def __init__(
        self,
        laws: Iterable[tuple[Literal, ...]] = (),
        limits: Iterable[tuple[Literal, ...]] = (),
        plain: Iterable[tuple[Literal, ...]] = (),
    ) -> None:
        super().__init__("No message is like this.")
        self.laws, self.limits, self.plain = list(laws), list(limits), list(plain)


@dataclass(frozen=True)
class TextConstraint:
    """What a text must have and lack.

    :param atoms: atom to its literal.
    :param has: whether a text has an atom.
    :param lax: whether an atom may be open.
    """

    atoms: Mapping[Key, Literal]
    is_true: Holds
    has: Callable[[str, Key], Any] = holds
    lax: bool = False

    @property
    def wanted(self) -> list[Key]:
        """The atoms that it must have."""
        return [key for key, literal in self.atoms.items() if self.is_true(literal)]

    def wrong(self, text: str) -> list[Key]:
        """The atoms that a text gets wrong, or that must not be open."""
        found = [(key, self.has(text, key), self.is_true(literal)) for key, literal in self.atoms.items()]
        return [
            key for key, truth, wanted in found if truth is not wanted and (isinstance(truth, bool) or not self.lax)
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
            found = self.found(having, unwanted, form)
            if found is not None:
                return found
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

    def found(self, having: list[Key], unwanted: list[Key], form: Sequence[Key] = ()) -> str | None:
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
                return text
            more = [key for key in wrong if key not in wanted and key not in unwanted]
            missing = [key for key in wrong if key in wanted and key not in having]
            if not more and not missing:
                return None
            unwanted += more
            having += [] if more else missing[:1]

    def _clause(self, wanted: Iterable[Key], unwanted: Iterable[Key]) -> tuple[Literal, ...]:
        return (*(self.atoms[key] ^ 1 for key in wanted), *(self.atoms[key] for key in unwanted))


def _without_shorter_patterns(wanted: Iterable[Key]) -> list[Key]:
    """What is wanted, with the longest pattern alone: what has it often has others, too."""
    patterns = sorted((key for key in wanted if key[0] == "pattern"), key=lambda key: -len(key[1][0]))
    return [key for key in wanted if key not in patterns[1:]]


def as_text(key: Key) -> Key:
    """A domain as a pattern at the end of an address."""
    sort, value = key
    if sort == "address":
        return ("pattern", (f"^{_escaped(value)}$", False))
    if sort == "below":
        return ("pattern", (f"(@|\\.){_escaped(value)}$", False))
    return ("pattern", (f"@{_escaped(value)}$", False)) if sort == "exact" else key


def _escaped(text: str) -> str:
    return "".join(character if character.isalnum() else f"\\{character}" for character in text)


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
        if sort == "pattern" and holds(" / ".join(parts), (sort, value)) is not True:
            example = _sample_without((sort, value), tuple(unwanted)) or ""
            if holds(f"q {example}", (sort, value)) is not True:
                parts.insert(0, example)
            else:
                parts.append(example)
    return " / ".join(parts)


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
        if all(holds(text, each) is False for each in unwanted):
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


#: A document in another file.
_INNER = "inner.pdf"


#: Condition to the flag of an attachment that it looks at.
_FLAGS = {
    "attachment_has_executable_content": "executable",
    "attachment_is_password_protected": "password_protected",
    "attachment_is_unsupported": "unsupported",
    "attachment_processing_limit_exceeded": "limit_exceeded",
}


@dataclass(frozen=True)
class Attachments:
    """The attachments of a message.

    :param is_true: whether a literal is true in the model.
    :param lax: whether the content of texts may be open.
    """

    mail: SymbolicMessage
    is_true: Holds
    lax: bool

    def written(self) -> list[dict[str, Any]]:
        """An attachment for each required property.

        :raises NoMessageError: an attachment's name would have an excluded property.
        """
        held = self.mail.texts.get(ATTACHED, {})
        lacked = {key: literal for key, literal in held.items() if not self.is_true(literal)}
        found: list[dict[str, Any]] = []

        def attach(name: str = "", *has: Key, **with_: Any) -> None:
            text = self._attached({**{key: held[key] for key in has}, **lacked})
            plain = {"size": 1, "text": text, "nested": [], "properties": {}, **dict.fromkeys(_FLAGS.values(), False)}
            found.append({"name": name or f"file{len(found)}", **plain, **with_})

        for kind, because in self._kinds():
            if isinstance(kind, str):
                name = f"file{len(found)}.{kind}"
                self._check_name(name, because)
                attach(name)
            else:
                attach(**kind)
        for key in held:
            if key not in lacked:
                attach("", key)
        names = self.mail.texts.get("attachment name", {})
        for key, name in zip(
            [key for key, literal in names.items() if self.is_true(literal)],
            TextConstraint(names, self.is_true, lax=self.lax).texts("file"),
            strict=True,
        ):
            self._check_name(name or f"file{len(found)}", names[key])
            attach(name)
        if self.is_true(self.mail.pdf) and not any(each["name"].endswith(".pdf") for each in found):
            name = f"file{len(found)}.pdf"
            self._check_name(name, self.mail.pdf)
            attach(name)
        for with_ in self._sizes_and_flags():
            attach(**with_)
        return found

    def _kinds(self) -> Iterator[tuple[str | dict[str, Any], Literal]]:
        """The extensions of attachments, or what else they have, with the literal that requires it."""
        mail = self.mail
        for (sort, value), literal in mail.texts.get("attachment", {}).items():
            if not self.is_true(literal):
                continue
            if (sort, value) == ("extension", "pdf") and mail.leaves_pdf_out and not self.is_true(mail.pdf):
                # A file inside another file is not a document of the message.
                if any(
                    holds(_INNER, name) is not False for name in mail.texts.get("attachment name", {})
                ):  # Whether that counts is open.
                    raise NoMessageError(limits=[(literal ^ 1, mail.pdf)])
                yield {"nested": [_INNER]}, literal
            else:
                yield value if sort == "extension" else {"properties": {value[0]: value[1]}}, literal

    def _sizes_and_flags(self) -> Iterator[dict[str, Any]]:
        properties = self.mail.properties
        sizes = [value for sort, value in properties if sort == "attachment" and self.is_true(properties[sort, value])]
        if sizes:
            yield {"size": max(sizes) + 1}
        yield from ({name: True} for option, name in _FLAGS.items() if self.is_true(properties[option, True]))

    def _check_name(self, name: str, because: Literal) -> None:
        """Raises NoMessageError if the name of an attachment has an excluded property.

        :param because: the literal that requires the attachment.
        """
        unwanted = [literal for literal in self._of_name(name) if not self.is_true(literal)]
        if name.lower().endswith(".pdf") and self.mail.leaves_pdf_out and not self.is_true(self.mail.pdf):
            unwanted.append(self.mail.pdf)
        if unwanted:
            raise NoMessageError(limits=[(because ^ 1, literal) for literal in unwanted])

    def _attached(self, atoms: Mapping[Key, Literal]) -> str:
        """A text of an attachment.

        :raises NoMessageError: none was found. That is not a law: a message may have no attachment, and patterns see
            less of a long one than words do.
        """
        try:
            return TextConstraint(atoms, self.is_true, lax=self.lax).text()
        except NoMessageError as error:
            raise NoMessageError(limits=[*error.laws, *error.limits]) from error

    def _of_name(self, name: str) -> Iterator[Literal]:
        """The atoms that an attachment's name has, or may have unless that may be open."""
        texts = self.mail.texts
        for key, literal in texts.get("attachment name", {}).items():
            has = holds(name, key)
            if has is True or (has is None and not self.lax):
                yield literal
        yield from (
            literal for key, literal in texts.get("attachment", {}).items() if key == ("extension", extension(name))
        )
