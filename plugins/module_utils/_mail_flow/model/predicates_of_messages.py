# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about what a message says, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import attachments, content, questions
from .header_edits import ADDED, CLASSIFICATION, SPAM_LEVEL
from .predicate import (
    ATTACHED,
    ATTACHED_NAME,
    ATTACHMENT,
    BODY,
    HEADER,
    SUBJECT,
    Needs,
    Phrase,
    Predicate,
    Reach,
    Use,
    as_list_of,
    list_of,
    several,
    single,
    words_in,
)

#: What conditions of a family have in common.
_SUBJECT: Mapping[str, Any] = {
    "looks_at": "subject",
    "headers": ("subject",),
    "column": "subject",
    "slots": (SUBJECT,),
    "reach": Reach.MESSAGE,
    "use": Use.COMPUTABLE,
}
_BODY: Mapping[str, Any] = {
    "looks_at": "body",
    "headers": ("subject",),
    "column": "subject",
    "untraced": "body",
    "slots": (SUBJECT, BODY),
    "reach": Reach.MESSAGE,
    "use": Use.COMPUTABLE,
    "content": True,
}
_MESSAGE: Mapping[str, Any] = {"reach": Reach.MESSAGE}


def _in_header(values: tuple[str, tuple[str, ...]]) -> Needs:
    return (("header", values[0].lower()),) if content.is_own_header(values[0].lower()) else None


def _own_name(values: tuple[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A header that not only rules set, and the people whom rules add to it."""
    name = values[0].lower()
    return () if content.is_own_header(name) else (name, *([ADDED[name]] if name in ADDED else []))


def _at(place: str) -> Callable[[Any], Needs]:
    return lambda values: ((place, ""),)


_ATTACHMENTS: Mapping[str, Any] = {
    "looks_at": "attachments",
    "untraced": "attachment",
    "reach": Reach.MESSAGE,
    "needs": _at("attachments"),
    "content": True,
}


def _header(name: str, values: str, **columns: Any) -> Predicate:
    return Predicate(
        options=(name, values),
        looks_at="header",
        untraced="header",
        slots=(HEADER,),
        reach=Reach.MESSAGE,
        use=Use.COMPUTABLE,
        read=lambda section: (str(section[name]), list_of(section[values])),
        shown=as_list_of,
        needs=_in_header,
        headers_of=_own_name,
        **columns,
    )


def _says(option: str, field: str, words: str) -> Predicate:
    """What is said of an attachment itself."""
    return single(
        option,
        **_ATTACHMENTS,
        sort="switch",
        use=Use.OPAQUE,
        evaluate=attachments.any_attachment(attachments.says(field)),
        unknowns=(questions.RULE_FAILS, questions.UNREADABLE),
        phrase=Phrase(6, f"with an attachment that {words}" if words else "with an executable attachment"),
    )


def _attached(option: str, decide: attachments.OfAttachment, **columns: Any) -> Predicate:
    """What an attachment has."""
    unknowns = (questions.RULE_FAILS, *columns.pop("unknowns", ()), questions.UNREADABLE)
    return several(option, **_ATTACHMENTS, evaluate=attachments.any_attachment(decide), unknowns=unknowns, **columns)


#: The conditions, in the order of the documentation.
OF_MESSAGES: tuple[Predicate, ...] = (
    # What the message says
    several(
        "subject_contains_words",
        **_SUBJECT,
        sort="word",
        evaluate=content.in_subject(content.has_word),
        needs=words_in("subject word"),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(5, "with {} in its subject"),
    ),
    several(
        "subject_matches_patterns",
        **_SUBJECT,
        sort="pattern",
        evaluate=content.in_subject(content.has_pattern),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(5, "with a subject that matches {}"),
    ),
    several(
        "subject_or_body_contains_words",
        **_BODY,
        sort="word",
        evaluate=content.in_subject_or_body(content.has_word),
        beside=content.in_body(content.has_word),
        needs=words_in("body word"),
        unknowns=(questions.RULE_FAILS, questions.WORD_BORDERS, questions.UNREADABLE),
        phrase=Phrase(5, "with {} in its subject or text"),
    ),
    several(
        "subject_or_body_matches_patterns",
        **_BODY,
        sort="pattern",
        evaluate=content.in_subject_or_body(content.has_pattern),
        beside=content.in_body(content.has_pattern),
        unknowns=(questions.RULE_FAILS, questions.PATTERN_SYNTAX, questions.UNREADABLE),
        phrase=Phrase(5, "with a subject or text that matches {}"),
    ),
    _header(
        "header_contains_message_header",
        "header_contains_words",
        sort="word",
        evaluate=content.in_header(content.has_word),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(6, "with the header <> with {}"),
    ),
    _header(
        "header_matches_message_header",
        "header_matches_patterns",
        sort="pattern",
        evaluate=content.in_header(content.has_pattern),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(6, "with the header <> that matches {}"),
    ),
    several(
        "content_character_set_contains_words",
        **_MESSAGE,
        looks_at="character sets",
        headers=("content-type",),
        untraced="header",
        sort="character set",
        use=Use.FACTS,
        evaluate=content.has_character_set,
        phrase=Phrase(7, "with the character set {}", ""),
    ),
    # Attachments
    _attached(
        "attachment_contains_words",
        attachments.has_word,
        sort="word",
        slots=(ATTACHED,),
        use=Use.OPAQUE,
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(6, "with {} in an attachment"),
    ),
    _attached(
        "attachment_matches_patterns",
        attachments.has_pattern,
        sort="pattern",
        slots=(ATTACHED,),
        use=Use.OPAQUE,
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(6, "with an attachment that matches {}"),
    ),
    _attached(
        "attachment_name_matches_patterns",
        attachments.name_has_pattern,
        sort="pattern",
        slots=(ATTACHED_NAME,),
        use=Use.COMPUTABLE,
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(6, "with an attachment whose name matches {}"),
    ),
    _attached(
        "attachment_extension_matches_words",
        attachments.extension_is,
        sort="extension",
        slots=(ATTACHMENT,),
        use=Use.COMPUTABLE,
        phrase=Phrase(6, "with an attachment of type {}", ""),
    ),
    single(
        "attachment_size_over",
        **_ATTACHMENTS,
        sort="size",
        use=Use.COMPUTABLE,
        evaluate=attachments.any_attachment(attachments.size_over),
        unknowns=(questions.RULE_FAILS, questions.AT_THE_LIMIT, questions.UNREADABLE),
        phrase=Phrase(6, "with an attachment over {}", ""),
    ),
    _attached(
        "attachment_property_contains_words",
        attachments.property_has_word,
        sort="property",
        slots=(ATTACHMENT,),
        use=Use.FACTS,
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(6, "with an attachment with {}"),
    ),
    _says("attachment_has_executable_content", "executable", ""),
    _says("attachment_is_password_protected", "password_protected", "a password protects"),
    _says("attachment_is_unsupported", "unsupported", "Exchange cannot look into"),
    _says("attachment_processing_limit_exceeded", "limit_exceeded", "Exchange cannot finish looking into"),
    # What the message is
    single(
        "message_size_over",
        **_MESSAGE,
        looks_at="size",
        column="size",
        sort="size",
        use=Use.COMPUTABLE,
        evaluate=content.message_size_over,
        unknowns=(questions.AT_THE_LIMIT,),
        phrase=Phrase(7, "over {}", ""),
    ),
    single(
        "message_type_matches",
        **_MESSAGE,
        looks_at="protection",
        headers=("auto-submitted", "content-class", "content-type"),
        untraced="type",
        sort="type",
        use=Use.FACTS,
        evaluate=content.is_type,
        unknowns=(questions.PROTECTED_BY_NOW,),
        phrase=Phrase(7, "of the type {}", ""),
    ),
    single(
        "with_importance",
        **_MESSAGE,
        looks_at="importance",
        headers=("importance", "priority", "x-msmail-priority", "x-priority"),
        untraced="importance",
        sort="importance",
        use=Use.COMPUTABLE,
        evaluate=content.importance_is,
        phrase=Phrase(7, "of {} importance", ""),
    ),
    single(
        "has_classification",
        **_MESSAGE,
        looks_at="classification",
        headers=(CLASSIFICATION,),
        untraced="classification",
        sort="classification",
        use=Use.FACTS,
        evaluate=content.has_classification,
        phrase=Phrase(7, "with the classification {}", ""),
    ),
    single(
        "has_no_classification",
        **_MESSAGE,
        looks_at="classification",
        headers=(CLASSIFICATION,),
        untraced="classification",
        sort="no classification",
        use=Use.FACTS,
        evaluate=content.has_no_classification,
        unknowns=(questions.CLASSIFICATION_FALSE,),
        phrase=Phrase(
            7,
            "without a classification",
            forms={"False": "where has_no_classification is false (which is not documented, U15)"},
        ),
    ),
    single(
        "scl_over",
        **_MESSAGE,
        looks_at="scl",
        headers=(SPAM_LEVEL,),
        untraced="scl",
        sort="scl",
        use=Use.OPAQUE,
        evaluate=content.spam_level_is,
        unknowns=(questions.SPAM_LEVEL,),
        phrase=Phrase(7, "with a spam level of {} or more", ""),
    ),
)
