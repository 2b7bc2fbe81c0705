# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about the subject, and about subject and text, as earlier rules left them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..formula import Value
from ..model import questions
from ..model.kleene import Truth, any_of, opened, with_field
from ..model.patterns import any_pattern
from ..model.reason_kinds import ReasonKind
from ..model.rule_view import Content, RuleView, Settings
from ..model.words import any_word
from .content import readable, unread, unreadable
from .formulas import AddressVariables, Formulas
from .keys import BODY, SUBJECT
from .predicate import Atom, Evaluate, Phrase, Predicate, Reach, list_predicate, words_in
from .seen_message import SeenMessage
from .witness import NoMessageError, Witness

#: Decides about a text.
OfText = Callable[[str, tuple[str, ...], Settings], Truth]

# Evaluation


def has_word(text: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether a text has one of the words in it."""
    return any_word(text, values)


def has_pattern(text: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether a pattern is found in a text."""
    return any_pattern(text, values, settings.dialect)


def in_subject(decide: OfText) -> Evaluate:
    """A predicate about the subject as earlier rules left it."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        in_text = with_field(decide(rule_view.content.subject, values, settings), "subject")
        if in_text is not False and rule_view.content.wrapped:
            return opened(("wrapper", values), questions.A_FACT, "wrapped_subject")
        return in_text

    return evaluate


def in_subject_or_body(decide: OfText) -> Evaluate:
    """A predicate about the subject and the text as earlier rules left them."""
    of_subject = in_subject(decide)
    of_body = in_body(decide)

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        subject = of_subject(rule_view, values, settings)
        return True if subject is True else any_of((subject, of_body(rule_view, values, settings)))

    return evaluate


def in_body(decide: OfText) -> Evaluate:
    """A predicate about the text alone as earlier rules left it."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        closed = unreadable(rule_view)
        if closed is not None:
            return closed
        if rule_view.content.body is None:
            kind: ReasonKind = "body" if rule_view.message.body is None else "tokens"
            return opened(("body", values), questions.A_FACT, kind)
        return with_field(_in_body(decide, rule_view.content, values, settings), "body")

    return evaluate


def _in_body(decide: OfText, content: Content, values: Any, settings: Settings) -> Truth:
    """The result of a predicate on the text; open if its alternatives, or readings of its markup, differ (U17)."""
    as_read = decide(content.body or "", values, settings)
    others = (*content.readings, *(content.sources if decide is has_pattern else ()))
    if all(decide(other, values, settings) == as_read for other in others):
        return as_read
    return opened(
        ("reading", values, decide is has_pattern),
        questions.WORD_BORDERS,
        "which_text",
    )


# Formulas


def _formula_of_subject(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    logic = formulas.logic
    found = logic.any_of([formulas.text(SUBJECT, key, seen) for key in atom.keys])
    if seen.wrapped == logic.known(False):
        return found
    perhaps = logic.choose(seen.wrapped, unread(formulas, atom, SUBJECT, seen), logic.known(True))
    return found & perhaps


def _formula_of_text(formulas: Formulas, atom: Atom, seen: SeenMessage) -> Value:
    """Whether the text alone has one of the values."""
    found = formulas.logic.any_of([formulas.text(BODY, key, seen) for key in atom.keys])
    return readable(formulas, found, atom, seen)


def _formula_of_both(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    in_subject = _formula_of_subject(formulas, atom, seen, person)
    return in_subject | _formula_of_text(formulas, atom, seen)


# The texts that a message needs


def _write_subject(witness: Witness) -> Mapping[str, Any]:
    """The subject, beginning with the word that the model puts there; with no word there otherwise, if a prefix may
    hide it. That of an answer, or one with another word first, stands for one that begins with a blank, which nobody sees.
    """
    mail = witness.mail
    constraint = witness.constraint(mail.texts.get(SUBJECT, {}))
    text = constraint.text()
    if not text:
        return {}
    if not mail.subject.hides:
        behind_words = [f"Re:{text}", f"x{text}"] if text.startswith(" ") else []
        return {"subject": next((each for each in behind_words if not constraint.wrong(each)), text)}
    first = [key for key in constraint.wanted if key[0] == "word" and witness.is_true(mail.subject.begins(key))]
    first.sort(key=lambda key: -len(key[1]))
    exclusive = [
        (~mail.subject.begins(first[0]), ~mail.subject.begins(key))
        for key in first[1:]
        if not first[0][1].startswith(key[1])
    ]
    if exclusive:
        raise NoMessageError(exclusive)
    if first:
        subject = constraint.side_by_side([first[0], *(key for key in constraint.wanted if key not in first)])
    else:
        subject = f"Re: {text}"
    return {"subject": text if constraint.wrong(subject) else subject}


def _write_text(witness: Witness) -> Mapping[str, Any]:
    """The text alone: conditions about the subject write that."""
    text = witness.constraint(witness.mail.texts.get(BODY, {})).text()
    return {"body": text} if text else {}


# Words


def _saw_subject(rule_view: RuleView, atom: Atom) -> str:
    return rule_view.content.subject or "no subject"


def _saw_both(rule_view: RuleView, atom: Atom) -> str:
    body = "text not known" if rule_view.content.body is None else rule_view.content.body or "no text"
    return f"{_saw_subject(rule_view, atom)} / {body}"


# The rows

#: What the conditions about the subject have in common, and what those about subject and text have.
_SUBJECT: Mapping[str, Any] = {
    "looks_at": "subject",
    "headers": ("subject",),
    "column": "subject",
    "slots": (SUBJECT,),
    "reach": Reach.MESSAGE,
    "formula": _formula_of_subject,
    "witness": _write_subject,
    "saw": _saw_subject,
}
_BODY: Mapping[str, Any] = {
    "looks_at": "body",
    "headers": ("subject",),
    "column": "subject",
    "untraced": "body",
    "slots": (SUBJECT, BODY),
    "reach": Reach.MESSAGE,
    "content": True,
    "formula": _formula_of_both,
    "formula_outside_headers": _formula_of_text,
    "witness": _write_text,
    "saw": _saw_both,
}

#: The conditions, in the order of the documentation.
SUBJECT_BODY: tuple[Predicate, ...] = (
    list_predicate(
        "subject_contains_words",
        **_SUBJECT,
        sort="word",
        evaluate=in_subject(has_word),
        needs=words_in("subject word"),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(5, "with {} in its subject"),
    ),
    list_predicate(
        "subject_matches_patterns",
        **_SUBJECT,
        sort="pattern",
        evaluate=in_subject(has_pattern),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(5, "with a subject that matches {}"),
    ),
    list_predicate(
        "subject_or_body_contains_words",
        **_BODY,
        sort="word",
        evaluate=in_subject_or_body(has_word),
        outside_headers=in_body(has_word),
        needs=words_in("body word"),
        unknowns=(questions.RULE_FAILS, questions.WORD_BORDERS, questions.UNREADABLE),
        phrase=Phrase(5, "with {} in its subject or text"),
    ),
    list_predicate(
        "subject_or_body_matches_patterns",
        **_BODY,
        sort="pattern",
        evaluate=in_subject_or_body(has_pattern),
        outside_headers=in_body(has_pattern),
        unknowns=(questions.RULE_FAILS, questions.PATTERN_SYNTAX, questions.UNREADABLE),
        phrase=Phrase(5, "with a subject or text that matches {}"),
    ),
)
