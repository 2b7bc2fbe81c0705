# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about attachments.

A message without attachments has none that could match. What was not given about an attachment is open. Source:
Microsoft's "Use mail flow rules to inspect message attachments".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..formula import Literal, Value
from ..model import questions
from ..model.kleene import Truth, all_of, any_of, opened, with_field
from ..model.message import Attachment
from ..model.patterns import any_pattern
from ..model.reason_kinds import ReasonKind
from ..model.rule_view import RuleView, Settings
from ..model.sizes import bytes_of
from ..model.words import any_word
from .content import readable, unreadable
from .formulas import AddressVariables, Formulas, Properties
from .keys import ATTACHED, ATTACHED_NAME, ATTACHMENT, Key, holds
from .predicate import Atom, Evaluate, Needs, Phrase, Predicate, Reach, list_predicate, single
from .seen_message import SeenMessage
from .thresholds import declare_sizes, over
from .witness import NoMessageError, Witness

#: Extensions of archives: the names of the files in them count, too.
_ARCHIVES = frozenset({"zip", "7z", "rar", "tar", "gz", "tgz", "cab", "jar", "iso", "msg", "eml"})

#: The number of characters of an attachment's text that Exchange reads for words, and for patterns.
_WORDS_READ, _PATTERNS_READ = 1 << 20, 150 << 10

#: Decides about one attachment.
OfAttachment = Callable[[Attachment, Any, Settings], Truth]

#: Option of a condition that only a description of an attachment answers, to the property of the attachment.
FLAGS = {
    "attachment_has_executable_content": "executable",
    "attachment_is_password_protected": "password_protected",
    "attachment_is_unsupported": "unsupported",
    "attachment_processing_limit_exceeded": "limit_exceeded",
}

#: A document in another file.
_INNER = "inner.pdf"

# Evaluation


def any_attachment(decide: OfAttachment) -> Evaluate:
    """A predicate about attachments: at least one of them has it."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        closed = unreadable(rule_view)
        if closed is not None:
            return closed
        if rule_view.content.wrapped:
            return opened(("wrapper", values), questions.A_FACT, "wrapped_attachments")
        if rule_view.message.attachments is None:
            return opened(("attachments", values), questions.A_FACT, "attachments")
        return with_field(
            any_of(decide(attachment, values, settings) for attachment in rule_view.message.attachments), "attachments"
        )

    return evaluate


def _unknown(attachment: Attachment, kind: ReasonKind, values: Any) -> Truth:
    return opened(("attachment", kind, attachment, values), questions.A_FACT, kind, attachment.name)


def has_word(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether an attachment has one of the words in its text, of which Exchange reads the first megabyte."""
    return (
        _unknown(attachment, "attachment_text", values)
        if attachment.text is None
        else any_word(attachment.text[:_WORDS_READ], values)
    )


def has_pattern(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether a pattern is found in an attachment's text, of which Exchange reads the first 150 KB for patterns."""
    return (
        _unknown(attachment, "attachment_text", values)
        if attachment.text is None
        else any_pattern(attachment.text[:_PATTERNS_READ], values, settings.dialect)
    )


def name_has_pattern(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether a pattern is found in an attachment's name; whether names of files inside count is open."""
    if attachment.unnamed:
        return _unknown(attachment, "attachment_name", values)
    inside = any_of(any_pattern(name, values, settings.dialect) for name in attachment.nested or ())
    count = opened(("nested", attachment), questions.A_FACT, "names_in_attachment", attachment.name, shared=True)
    return any_of((any_pattern(attachment.name, values, settings.dialect), all_of((inside, count))))


def extension(name: str) -> str | None:
    """A file's extension in lower case; ``None`` if it has none."""
    return name.rpartition(".")[2].casefold() if "." in name else None


def extension_is(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether an attachment, or a file in it, has one of the extensions."""
    wanted = {value.casefold().lstrip(".") for value in values}
    if not attachment.unnamed and extension(attachment.name) in wanted:
        return True
    if any(extension(name) in wanted for name in attachment.nested or ()):
        return (
            opened(("in message", attachment, values), questions.A_FACT, "files_in_message", attachment.name)
            if attachment.message
            else True
        )
    if attachment.unnamed:
        return _unknown(attachment, "attachment_name", values)
    own = attachment.name.rpartition(".")[2].casefold()
    return (
        _unknown(attachment, "attachment_content", values) if own in _ARCHIVES and attachment.nested is None else False
    )


def size_over(attachment: Attachment, value: str, settings: Settings) -> Truth:
    """Whether an attachment is larger than a limit."""
    limit = bytes_of(value)
    if limit is None or attachment.size is None:
        return _unknown(attachment, "attachment_size", value)
    return over(attachment.size, limit, "attachment_at_limit")


def property_has_word(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether a property of an attachment has one of the words that a condition names for it, as ``property:word,word``."""
    if attachment.properties is None:
        return _unknown(attachment, "attachment_property", values)
    known = {name.casefold(): value for name, value in attachment.properties}
    pairs = (value.partition(":") for value in values)
    return any_of(
        any_word(known.get(name.strip().casefold(), ""), [word.strip() for word in words.split(",")])
        for name, _colon, words in pairs
    )


#: A property of an attachment to the kind of the reason for that it is not known.
_NOT_KNOWN: Mapping[str, ReasonKind] = {
    "executable": "attachment_executable",
    "limit_exceeded": "attachment_limit_exceeded",
    "password_protected": "attachment_password_protected",
    "unsupported": "attachment_unsupported",
}


def has_flag(field: str) -> OfAttachment:
    """A predicate about a property of an attachment that only its description can give."""

    def decide(attachment: Attachment, value: bool, settings: Settings) -> Truth:
        flag = getattr(attachment, field)
        return _unknown(attachment, _NOT_KNOWN[field], value) if flag is None else bool(flag)

    return decide


# Formulas


def _formula(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """Whether an attachment has one of the values in its text, name or properties."""
    (slot,) = atom.slots
    return _attached_as(
        formulas, formulas.logic.any_of([formulas.text(slot, key, seen) for key in atom.keys]), atom, seen
    )


def _attached_as(formulas: Formulas, found: Value, atom: Atom, seen: SeenMessage) -> Value:
    """The result of a condition, if Exchange can read attachments, and no disclaimer is around them."""
    logic = formulas.logic
    found = readable(formulas, found, atom, seen)
    if seen.wrapped == logic.known(False):
        return found
    wrapped = logic.unknown(questions.A_FACT, "attachments", atom.predicate.options, repr(atom.values), atom.settings)
    return logic.choose(seen.wrapped, wrapped, found)


def _formula_of_size(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    limit = bytes_of(atom.values)
    found: Value
    if limit is None:
        found = formulas.logic.unknown(questions.UNSUPPORTED, atom.values)
    else:
        found = formulas.mail.properties["attachment", limit]
    return _attached_as(formulas, found, atom, seen)


def _formula_of_flag(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    return _attached_as(formulas, formulas.mail.properties[atom.predicate.options[0], True], atom, seen)


def _declare_flags(properties: Properties, atoms: Sequence[Atom]) -> None:
    for option in FLAGS:
        properties.literals[option, True] = properties.circuit.variable(option)


# The attachments that a message needs


@dataclass(frozen=True)
class _Attachments:
    """The attachments of a message in the making."""

    witness: Witness

    def written(self) -> list[dict[str, Any]]:
        """An attachment for each required property.

        :raises NoMessageError: an attachment's name would have an excluded property.
        """
        held = self.witness.mail.texts.get(ATTACHED, {})
        lacked = {key: literal for key, literal in held.items() if not self.witness.is_true(literal)}
        attachments: list[dict[str, Any]] = []

        def attach(name: str = "", *has: Key, **with_: Any) -> None:
            text = self._attached({**{key: held[key] for key in has}, **lacked})
            plain = {"size": 1, "text": text, "nested": [], "properties": {}, **dict.fromkeys(FLAGS.values(), False)}
            attachments.append({"name": name or f"file{len(attachments)}", **plain, **with_})

        for kind, because in self._kinds():
            if isinstance(kind, str):
                name = f"file{len(attachments)}.{kind}"
                self._check_name(name, because)
                attach(name)
            else:
                attach(**kind)
        for key in held:
            if key not in lacked:
                attach("", key)
        names = self.witness.mail.texts.get("attachment name", {})
        for key, name in zip(
            [key for key, literal in names.items() if self.witness.is_true(literal)],
            self.witness.constraint(names).texts("file"),
            strict=True,
        ):
            self._check_name(name or f"file{len(attachments)}", names[key])
            attach(name)
        if self.witness.is_true(self.witness.mail.pdf.attached) and not any(
            attachment["name"].endswith(".pdf") for attachment in attachments
        ):
            name = f"file{len(attachments)}.pdf"
            self._check_name(name, self.witness.mail.pdf.attached)
            attach(name)
        for properties in self._sizes_and_flags():
            attach(**properties)
        return attachments

    def _kinds(self) -> Iterator[tuple[str | dict[str, Any], Literal]]:
        """The extensions of attachments, or what else they have, with the literal that requires it."""
        mail = self.witness.mail
        for (sort, value), literal in mail.texts.get("attachment", {}).items():
            if not self.witness.is_true(literal):
                continue
            if (
                (sort, value) == ("extension", "pdf")
                and mail.pdf.stay_plain
                and not self.witness.is_true(mail.pdf.attached)
            ):
                # A file inside another file is not a document of the message.
                if any(
                    holds(_INNER, name) is not False for name in mail.texts.get("attachment name", {})
                ):  # Whether that counts is open.
                    raise NoMessageError(limits=[(~literal, mail.pdf.attached)])
                yield {"nested": [_INNER]}, literal
            else:
                yield value if sort == "extension" else {"properties": {value[0]: value[1]}}, literal

    def _sizes_and_flags(self) -> Iterator[dict[str, Any]]:
        properties = self.witness.mail.properties
        sizes = [
            value
            for sort, value in properties
            if sort == "attachment" and self.witness.is_true(properties[sort, value])
        ]
        if sizes:
            yield {"size": max(sizes) + 1}
        yield from ({name: True} for option, name in FLAGS.items() if self.witness.is_true(properties[option, True]))

    def _check_name(self, name: str, because: Literal) -> None:
        """Raises NoMessageError if the name of an attachment has an excluded property.

        :param because: the literal that requires the attachment.
        """
        unwanted = [literal for literal in self._atoms_of_name(name) if not self.witness.is_true(literal)]
        if (
            name.lower().endswith(".pdf")
            and self.witness.mail.pdf.stay_plain
            and not self.witness.is_true(self.witness.mail.pdf.attached)
        ):
            unwanted.append(self.witness.mail.pdf.attached)
        if unwanted:
            raise NoMessageError(limits=[(~because, literal) for literal in unwanted])

    def _attached(self, atoms: Mapping[Key, Literal]) -> str:
        """A text of an attachment.

        :raises NoMessageError: none was found. That is not a law: a message may have no attachment, and patterns see
            less of a long one than words do.
        """
        try:
            return self.witness.constraint(atoms).text()
        except NoMessageError as error:
            raise NoMessageError(limits=[*error.laws, *error.limits]) from error

    def _atoms_of_name(self, name: str) -> Iterator[Literal]:
        """The atoms that an attachment's name has, or may have unless that may be open."""
        texts = self.witness.mail.texts
        for key, literal in texts.get("attachment name", {}).items():
            has = holds(name, key)
            if has is True or (has is None and not self.witness.lax):
                yield literal
        yield from (
            literal for key, literal in texts.get("attachment", {}).items() if key == ("extension", extension(name))
        )


def _write(witness: Witness) -> Mapping[str, Any]:
    attachments = _Attachments(witness).written()
    return {"attachments": attachments} if attachments else {}


# Words


def _saw(rule_view: RuleView, atom: Atom) -> str:
    return ", ".join(attachment.name for attachment in rule_view.message.attachments or ()) or "no attachment"


# The rows


def _needs(values: Any) -> Needs:
    return (("attachments", ""),)


#: What the conditions have in common.
_ATTACHMENTS: Mapping[str, Any] = {
    "looks_at": "attachments",
    "untraced": "attachment",
    "reach": Reach.MESSAGE,
    "needs": _needs,
    "content": True,
    "witness": _write,
    "saw": _saw,
}


def _flag(option: str, words: str) -> Predicate:
    """A condition on a property that an attachment has or lacks."""
    return single(
        option,
        **_ATTACHMENTS,
        sort="switch",
        evaluate=any_attachment(has_flag(FLAGS[option])),
        formula=_formula_of_flag,
        variables=_declare_flags,
        unknowns=(questions.RULE_FAILS, questions.UNREADABLE),
        phrase=Phrase(6, f"with an attachment that {words}" if words else "with an executable attachment"),
    )


def _of_any_attachment(option: str, decide: OfAttachment, **parts: Any) -> Predicate:
    """A condition with a list of values, one of which an attachment must have."""
    unknowns = (questions.RULE_FAILS, *parts.pop("unknowns", ()), questions.UNREADABLE)
    return list_predicate(
        option, **_ATTACHMENTS, evaluate=any_attachment(decide), formula=_formula, unknowns=unknowns, **parts
    )


#: The conditions, in the order of the documentation.
ATTACHMENTS: tuple[Predicate, ...] = (
    _of_any_attachment(
        "attachment_contains_words",
        has_word,
        sort="word",
        slots=(ATTACHED,),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(6, "with {} in an attachment"),
    ),
    _of_any_attachment(
        "attachment_matches_patterns",
        has_pattern,
        sort="pattern",
        slots=(ATTACHED,),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(6, "with an attachment that matches {}"),
    ),
    _of_any_attachment(
        "attachment_name_matches_patterns",
        name_has_pattern,
        sort="pattern",
        slots=(ATTACHED_NAME,),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(6, "with an attachment whose name matches {}"),
    ),
    _of_any_attachment(
        "attachment_extension_matches_words",
        extension_is,
        sort="extension",
        slots=(ATTACHMENT,),
        phrase=Phrase(6, "with an attachment of type {}", ""),
    ),
    single(
        "attachment_size_over",
        **_ATTACHMENTS,
        sort="size",
        evaluate=any_attachment(size_over),
        formula=_formula_of_size,
        variables=declare_sizes,
        least_size=bytes_of,
        unknowns=(questions.RULE_FAILS, questions.AT_THE_LIMIT, questions.UNREADABLE),
        phrase=Phrase(6, "with an attachment over {}", ""),
    ),
    _of_any_attachment(
        "attachment_property_contains_words",
        property_has_word,
        sort="property",
        slots=(ATTACHMENT,),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(6, "with an attachment with {}"),
    ),
    _flag("attachment_has_executable_content", ""),
    _flag("attachment_is_password_protected", "a password protects"),
    _flag("attachment_is_unsupported", "Exchange cannot look into"),
    _flag("attachment_processing_limit_exceeded", "Exchange cannot finish looking into"),
)
