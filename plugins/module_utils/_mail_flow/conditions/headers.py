# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about headers, as earlier rules left them if only rules have such a header."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..formula import Literal, Value
from ..model import questions
from ..model.header_edits import ADDED, FIELDS
from ..model.kleene import Truth, any_of, opened, with_field
from ..model.patterns import begins_anywhere
from ..model.reason_kinds import ReasonKind
from ..model.rule_view import RuleView, Settings
from .content import unread
from .formulas import AddressVariables, Formulas
from .keys import HEADER, SUBJECT, Key, holds
from .predicate import Atom, Evaluate, Needs, Phrase, Predicate, Reach, as_list_of, list_of, list_predicate, row
from .seen_message import SeenMessage
from .subject_body import OfText, has_pattern, has_word
from .witness import Witness

#: Headers that the service or a client adds to every message, so that their absence from a description says nothing.
_STAMPED = re.compile(
    r"(x-ms-|x-microsoft-|x-forefront-|x-originat|x-eop|arc-|dkim-|received|authentication-results|message-id|date|mime-version|content-|return-path|thread-)"
)

#: Headers that hold names beside addresses.
_WITH_NAMES = frozenset({"from", "to", "cc"})

#: Headers that repeat what a row of the message trace says, to the column.
_COLUMNS = {"subject": "subject", "from": "sender"}

# Evaluation


def in_header(decide: OfText) -> Evaluate:
    """A predicate about one header, as earlier rules left it if only rules have such a header. Its values are the header's
    name and what is looked for.
    """

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        name, wanted = values
        given = rule_view.content.header(name.lower())
        current = header_values(rule_view, name.lower())
        if current is None:
            kind: ReasonKind = "header" if is_own_header(name.lower()) else "header_that_is_set"
            return opened(("header", name.lower(), wanted), questions.A_FACT, kind, name)
        in_header_values = with_field(any_of(decide(value, wanted, settings) for value in current), "headers")
        beside_a_name = bool(current) and given is None and name.lower() in _WITH_NAMES
        if beside_a_name and decide is has_pattern and "headers" in rule_view.message.unsaid:
            # A pattern that says where the field begins or ends may not be found.
            wherever = tuple(pattern for pattern in wanted if begins_anywhere(pattern, settings.dialect, both=True))
            in_header_values = with_field(any_of(decide(value, wherever, settings) for value in current), "headers")
        if in_header_values is False and beside_a_name:
            return opened(("header", name.lower(), wanted), questions.A_FACT, "name_in_field", name)
        return in_header_values

    return evaluate


def header_values(rule_view: RuleView, name: str) -> tuple[str, ...] | None:
    """The values of a header; ``None`` if unknown."""
    given = rule_view.content.header(name)
    if given is not None:
        return given
    message = rule_view.message
    fields: dict[str, Iterable[str]] = {
        "subject": (rule_view.content.subject,),
        "from": (message.sender,),
        "to": (", ".join(message.to),) if message.to else (),
        "cc": (", ".join(message.cc),) if message.cc else (),
        "importance": (message.importance,) if message.importance not in ("Normal", None) else (),
    }
    if name == "importance" and message.importance is None:
        return None
    if name in ("to", "cc") and "fields" in message.unsaid:
        return None
    if name in fields:
        return tuple(fields[name])
    return None if "headers" in message.unsaid or _STAMPED.match(name) else ()


def is_own_header(name: str) -> bool:
    """Whether a message has this header only if it was given as a header."""
    return name not in FIELDS and not _STAMPED.match(name)


def has_character_set(rule_view: RuleView, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether the message is in one of the character sets."""
    known = rule_view.message.character_sets
    if known is None:
        return opened(("character set", values), questions.A_FACT, "character_sets")
    return any(value.casefold() in known for value in values)


# Formulas


def _formula(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    logic, mail = formulas.logic, formulas.mail
    (slot,) = atom.slots
    if is_own_header(slot.removeprefix("header ")):
        return logic.any_of([formulas.text(slot, key, seen) for key in atom.keys])
    open_ = unread(formulas, atom, slot, seen)
    repeated = _REPEATED.get(slot)
    if repeated is None:
        return open_
    found = logic.any_of([repeated(formulas, key, seen) for key in atom.keys])
    # The field may hold a name, or one of the sender's aliases.
    bare = ~mail.addressing.more_in_from if slot == "header from" else logic.known(True)
    return logic.choose(bare & ~seen.wrapped, found, open_)


def _importance_has(formulas: Formulas, key: Key, seen: SeenMessage) -> Value:
    """Whether the importance contains a word or a pattern. Normal mail may or may not state it."""
    logic, mail = formulas.logic, formulas.mail
    stated = mail.circuit.variable("states normal importance")
    normal = mail.circuit.conjunction([*(~literal for literal in mail.importance.values()), stated])
    hits = [(literal, holds(name, key)) for name, literal in (*mail.importance.items(), ("Normal", normal))]
    return logic.any_of([literal & logic.known(hit, questions.WORD_BORDERS, key) for literal, hit in hits])


#: Header that repeats another part of the message, to whether it contains a word or pattern. What To and Cc contain
#: beside addresses is unknown.
_REPEATED: dict[str, Callable[[Formulas, Key, SeenMessage], Value]] = {
    "header subject": lambda formulas, key, seen: formulas.text(SUBJECT, key, seen),
    "header from": lambda formulas, key, seen: formulas.mail.sender.value(key, formulas.logic),
    "header importance": _importance_has,
}


def _formula_of_character_set(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    """An unknown for each list of character sets and copy: no variable says in which sets a message is."""
    return formulas.logic.unknown(
        questions.A_FACT, atom.predicate.options, repr(atom.values), person.name, seen.splits, seen.added
    )


# The headers that a message needs


def _write(witness: Witness) -> Mapping[str, Any]:
    values = {
        slot.removeprefix("header "): _values(witness, atoms)
        for slot, atoms in witness.mail.texts.items()
        if slot.startswith("header ")
    }
    headers = {name: texts[0] if len(texts) == 1 else texts for name, texts in values.items() if texts}
    return {"headers": headers} if headers else {}


def _values(witness: Witness, atoms: Mapping[Key, Literal]) -> list[str]:
    """The values of a header: none, one with everything, or one for each atom."""
    constraint = witness.constraint(atoms)
    if not constraint.wanted:
        return []
    text: str | None = constraint.side_by_side(constraint.wanted) or "x"
    wrong = constraint.wrong(text or "")
    if wrong:
        text = constraint.text_of_form(constraint.wanted, [key for key in wrong if key not in constraint.wanted])
    return list(constraint.texts()) if text is None else [text]


# Words


def _saw(rule_view: RuleView, atom: Atom) -> str:
    current = header_values(rule_view, str(atom.values[0]).lower())
    if not current:
        return "not known" if current is None else "no such header"
    return " | ".join(current) or "an empty header"


def _saw_character_sets(rule_view: RuleView, atom: Atom) -> str:
    known = rule_view.message.character_sets
    return "not known" if known is None else ", ".join(sorted(known))


# The rows


def _in_header(values: tuple[str, tuple[str, ...]]) -> Needs:
    return (("header", values[0].lower()),) if is_own_header(values[0].lower()) else None


def _own_name(values: tuple[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A header that not only rules set, and the people whom rules add to it."""
    name = values[0].lower()
    return () if is_own_header(name) else (name, *([ADDED[name]] if name in ADDED else []))


def _column(values: tuple[str, tuple[str, ...]]) -> str:
    """The column that has what a header repeats; empty if none does."""
    return _COLUMNS.get(values[0].lower(), "")


def _header(name: str, values: str, **parts: Any) -> Predicate:
    return row(
        *(name, values),
        looks_at="header",
        untraced="header",
        slots=(HEADER,),
        reach=Reach.MESSAGE,
        formula=_formula,
        witness=_write,
        saw=_saw,
        read=lambda section: (str(section[name]), list_of(section[values])),
        shown=as_list_of,
        needs=_in_header,
        headers_of=_own_name,
        column_of=_column,
        **parts,
    )


#: The conditions, in the order of the documentation.
HEADERS: tuple[Predicate, ...] = (
    _header(
        "header_contains_message_header",
        "header_contains_words",
        sort="word",
        evaluate=in_header(has_word),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(6, "with {} in the header <>"),
    ),
    _header(
        "header_matches_message_header",
        "header_matches_patterns",
        sort="pattern",
        evaluate=in_header(has_pattern),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(6, "with a header <> that matches {}"),
    ),
    list_predicate(
        "content_character_set_contains_words",
        looks_at="character sets",
        reach=Reach.MESSAGE,
        formula=_formula_of_character_set,
        witness=None,
        saw=_saw_character_sets,
        headers=("content-type",),
        untraced="header",
        sort="character set",
        evaluate=has_character_set,
        phrase=Phrase(7, "with the character set {}", ""),
    ),
)
