# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates that look at attachments.

A message without attachments has none that could match. What was not given about an attachment is open. Source:
Microsoft's "Use mail flow rules to inspect message attachments".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import questions
from .content import bytes_of, over, unreadable
from .kleene import Truth, about, all_of, any_of, opened
from .message import Attachment
from .patterns import any_pattern
from .rule_view import RuleView, Settings
from .words import any_word

#: Extensions of archives: the names of the files in them count, too.
_ARCHIVES = frozenset({"zip", "7z", "rar", "tar", "gz", "tgz", "cab", "jar", "iso", "msg", "eml"})

#: The number of characters of an attachment's text that Exchange reads for words, and for patterns.
_WORDS_READ, _PATTERNS_READ = 1 << 20, 150 << 10

#: Decides about one attachment.
OfAttachment = Callable[[Attachment, Any, Settings], Truth]


def any_attachment(decide: OfAttachment) -> Callable[[RuleView, Any, Settings], Truth]:
    """A predicate about attachments: at least one of them has it."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        closed = unreadable(rule_view)
        if closed is not None:
            return closed
        if rule_view.content.wrapped:
            return opened(("wrapper", values), questions.A_FACT, "wrapped_attachments")
        if rule_view.message.attachments is None:
            return opened(("attachments", values), questions.A_FACT, "attachments")
        return about(
            any_of(decide(attachment, values, settings) for attachment in rule_view.message.attachments), "attachments"
        )

    return evaluate


def _unknown(attachment: Attachment, kind: str, values: Any) -> Truth:
    return opened(("attachment", kind, attachment, values), questions.A_FACT, kind, attachment.name)


def has_word(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the words in its text."""
    return (
        _unknown(attachment, "attachment_text", values)
        if attachment.text is None
        else any_word(attachment.text[:_WORDS_READ], values)
    )


def has_pattern(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the patterns in its text."""
    return (
        _unknown(attachment, "attachment_text", values)
        if attachment.text is None
        else any_pattern(attachment.text[:_PATTERNS_READ], values, settings.dialect)
    )


def name_has_pattern(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the patterns in its name."""
    if attachment.unnamed:
        return _unknown(attachment, "attachment_name", values)
    inside = any_of(any_pattern(name, values, settings.dialect) for name in attachment.nested or ())
    count = opened(("nested", attachment), questions.A_FACT, "names_in_attachment", attachment.name, shared=True)
    return any_of((any_pattern(attachment.name, values, settings.dialect), all_of((inside, count))))


def extension(name: str) -> str | None:
    """A file's extension in lower case; ``None`` if it has none."""
    return name.rpartition(".")[2].casefold() if "." in name else None


def extension_is(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the extensions, itself or a file in it."""
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
    """Larger than this."""
    limit = bytes_of(value)
    if limit is None or attachment.size is None:
        return _unknown(attachment, "attachment_size", value)
    return over(attachment.size, limit, "attachment_at_limit")


def property_has_word(attachment: Attachment, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of ``property:word,word``."""
    if attachment.properties is None:
        return _unknown(attachment, "attachment_property", values)
    known = {name.casefold(): value for name, value in attachment.properties}
    pairs = (value.partition(":") for value in values)
    return any_of(
        any_word(known.get(name.strip().casefold(), ""), [word.strip() for word in words.split(",")])
        for name, _colon, words in pairs
    )


def says(field: str) -> OfAttachment:
    """A property of an attachment that only its description can give."""

    def decide(attachment: Attachment, value: bool, settings: Settings) -> Truth:
        told = getattr(attachment, field)
        return _unknown(attachment, f"attachment_{field}", value) if told is None else bool(told)

    return decide
