# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain messages from the given senders to the given recipients, with what a rule looks for, and without one part of it.

A draft is a sender, a recipient and parts. Two drafts are neighbors if they differ in one of these. Whether a rule acts
on one, the simulator says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from ..conditions.keys import BODY, SUBJECT
from ..conditions.predicate import Atom
from ..model.expressions import Dialect
from ..model.patterns import any_pattern
from ..rules.flow_rule import FlowRule
from ..symbolic.pattern_samples import samples
from .letters import TEXTS

#: How many pairs of sender and recipient get the parts of a rule, and how many samples of a pattern are looked at.
MOST_PAIRS, _SAMPLES = 64, 20

#: A header that users can write.
_OWN = "x-"


@dataclass(frozen=True, order=True, slots=True)
class Ingredient:
    """What a message has beside sender and recipient.

    :param option: the condition that looks for it.
    :param key: the key of a message: ``subject``, ``body``, ``headers``, ``attachments`` or ``importance``.
    :param text: the text; :param:`name` is that of a header or a file.
    """

    option: str
    key: str
    text: str
    name: str = ""


@dataclass(frozen=True, order=True, slots=True)
class MailDraft:
    """A message to be written."""

    sender: str
    recipient: str
    parts: tuple[Ingredient, ...] = ()

    def neighbors(self, others: Iterable[MailDraft]) -> Iterator[tuple[MailDraft, str]]:
        """The drafts that differ in one thing, each with the option, ``from`` or ``to``, that it is."""
        for other in others:
            more = set(self.parts) ^ set(other.parts)
            differing = [
                *(("from",) if self.sender != other.sender else ()),
                *(("to",) if self.recipient != other.recipient else ()),
                *sorted({part.option for part in more}),
            ]
            if len(differing) == 1:
                yield other, differing[0]

    def options(self, name: str) -> dict[str, Any]:
        """The message, as the option ``messages`` takes it."""
        by_key: dict[str, list[Ingredient]] = {}
        for part in self.parts:
            by_key.setdefault(part.key, []).append(part)
        options: dict[str, Any] = {"name": name, "from": self.sender, "to": [self.recipient]}
        options.update(
            {key: " ".join(part.text for part in by_key[key]) for key in ("subject", "body") if key in by_key}
        )
        if "importance" in by_key:
            options["importance"] = by_key["importance"][0].text
        if "headers" in by_key:
            names = dict.fromkeys(part.name for part in by_key["headers"])
            options["headers"] = {
                name: " ".join(part.text for part in by_key["headers"] if part.name == name) for name in names
            }
        if "attachments" in by_key:
            options["attachments"] = [{"name": part.name, "text": part.text} for part in by_key["attachments"]]
        return options


def pairs_of(senders: Sequence[str], recipients: Sequence[str]) -> list[tuple[str, str]]:
    """Who may write to whom: each sender and each recipient once before any of them twice."""
    every = [(sender, recipient) for sender, recipient in product(senders, recipients) if sender != recipient]
    first: list[tuple[str, str]] = []
    for turn in range(max(len(senders), len(recipients))):
        pair = (senders[turn % len(senders)], recipients[turn % len(recipients)])
        if pair in every and pair not in first:
            first.append(pair)
    return [*first, *(pair for pair in every if pair not in first)][:MOST_PAIRS]


def drafts_of(rule: FlowRule, pairs: Iterable[tuple[str, str]]) -> list[MailDraft]:
    """Messages with all that a rule looks for in a text, without one of these, and with something that an exception
    names.
    """
    wanted = [part for atom in rule.criteria.conditions if (part := part_of(atom)) is not None]
    unwanted = [part for atom in rule.criteria.exceptions if (part := part_of(atom)) is not None]
    variants = [
        tuple(sorted(wanted)),
        *(tuple(sorted(part for part in wanted if part != omitted)) for omitted in wanted),
        *(tuple(sorted((*wanted, part))) for part in unwanted),
    ]
    return [MailDraft(sender, recipient, parts) for sender, recipient in pairs for parts in dict.fromkeys(variants)]


def part_of(atom: Atom) -> Ingredient | None:
    """What makes a condition true; ``None`` if that is no text of a message, or none that can be sent."""
    option, sort = atom.predicate.options[0], atom.predicate.sort
    if option == "with_importance":
        return Ingredient(option, "importance", str(atom.values))
    if option.startswith("attachment_"):
        return _attachment(atom, option)
    if atom.predicate.slots not in ((SUBJECT,), (SUBJECT, BODY)) and not option.startswith("header_"):
        return None
    if sort not in ("word", "pattern"):
        return None
    if option.startswith("header_"):
        header, values = atom.values
        text = _text(sort, values, atom.settings.dialect)
        return Ingredient(option, "headers", text, header) if text and header.lower().startswith(_OWN) else None
    text = _text(sort, atom.values, atom.settings.dialect)
    return Ingredient(option, "subject", text) if text else None


def _attachment(atom: Atom, option: str) -> Ingredient | None:
    """A file of plain text that makes a condition true."""
    match option:
        case "attachment_contains_words":
            text = _text("word", atom.values, atom.settings.dialect)
            return Ingredient(option, "attachments", text, "notes.txt") if text else None
        case "attachment_extension_matches_words":
            fitting = [file_name for file_name in atom.values if file_name.lstrip(".").casefold() in TEXTS]
            return Ingredient(option, "attachments", "Notes", f"notes.{fitting[0].lstrip('.')}") if fitting else None
        case "attachment_name_matches_patterns":
            dialect = atom.settings.dialect
            names = (f"{text}.txt" for pattern in atom.values for text in islice(samples(pattern, dialect), _SAMPLES))
            name = next(
                (
                    file_name
                    for file_name in names
                    if any_pattern(file_name, atom.values, dialect) is True and _plain(file_name)
                ),
                "",
            )
            return Ingredient(option, "attachments", "Notes", name) if name else None
    return None


def _text(sort: str, values: Sequence[str], dialect: Dialect) -> str:
    """A text with the first word, or one that a pattern is found in; empty if there is none that can be sent."""
    if sort == "word":
        return next((value for value in values if _plain(value)), "")
    every = (text for pattern in values for text in islice(samples(pattern, dialect), _SAMPLES))
    return next((text for text in every if any_pattern(text, tuple(values), dialect) is True and _plain(text)), "")


def _plain(text: str) -> bool:
    """Whether a text is one line that a header can have, with nothing at its ends that is lost on the sending."""
    return bool(text) and text.isprintable() and text == text.strip()
