# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that a message can match.

A rule set is indexed by what its rules need, for each of their conditions: an address, a domain, a word. So a message
meets few of many rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from ..budget import spend
from ..model.addresses import domain, is_name, spellings, with_parents, without_tag
from ..model.facts import Facts
from ..model.message import Message, Recipient
from ..model.rule_view import Content, Fork
from ..model.words import tokens
from ..rules.rule_set import RuleSet
from .state import STEPS_OF_WORLD


@dataclass(slots=True)
class Candidates:
    """The rules that can match one message, by what a part of it has."""

    rules: RuleSet
    message: Message
    facts: Facts
    _bits: dict[object, int] = field(default_factory=dict)

    def matchable(self, content: Content, fork: Fork) -> int:
        """The rules that can match content for those who share a copy, as bits."""
        message = self.message
        if content.wrapped or content.edits or content.body is None or message.attachments is None or self._blind:
            return self.rules.active
        if any(is_name(person.address) for person in fork.people):  # Somebody whose address is unknown may have any.
            return self.rules.active
        rules = self.rules
        subject = content.subject
        met = self._met("message", lambda: rules.needs_met(self._message_keys()))
        met |= self._met(
            ("headers", content.headers), lambda: rules.needs_met(("header", name) for name, _values in content.headers)
        )
        met |= self._met(
            ("subject", subject), lambda: rules.needs_met_by_words(("subject word", "body word"), tokens(subject))
        )
        for text in (content.body, *content.readings):
            met |= self._met(("body", text), partial(self._by_body, text))
        return rules.candidates(met | self._met(fork, lambda: rules.needs_met(_fork_keys(fork))))

    def _by_body(self, text: str) -> int:
        return self.rules.needs_met_by_words(("body word",), tokens(text))

    @property
    def _blind(self) -> bool:
        """Whether the message's content is unknown."""
        protection = self.message.protection
        return protection is None or protection.by_rights or self.message.mail_from is None

    def _met(self, what: object, find: Callable[[], int]) -> int:
        """What rules need that a part of the message has, as bits."""
        bits = self._bits.get(what)
        if bits is None:
            bits = self._bits[what] = find()
        return bits

    def _message_keys(self) -> tuple[tuple[str, str], ...]:
        message = self.message
        primary = self.facts.people.primary
        written = (
            message.sender.lower(),
            (message.mail_from or "").lower(),
            *(address.lower() for address in message.also_from),
        )
        senders = (*map(primary, written), *written)
        sender = address_keys("sender", *senders, *_otherwise(senders))
        named = [address for written in (*message.to, *message.cc) for address in (written.lower(), primary(written))]
        fields = (("field", address) for address in (*named, *_otherwise(named)))
        return (*sender, *fields, *([("attachments", "")] if message.attachments else []))


def address_keys(kind: str, *addresses: str) -> tuple[tuple[str, str], ...]:
    """What predicates can need of addresses: themselves, their domains with the parents of these, and their words.

    :param kind: ``sender`` or ``recipient``.
    """
    keys: list[tuple[str, str]] = []
    for address in dict.fromkeys(addresses):
        keys.append((kind, address))
        keys += [(f"{kind} domain", name) for name in with_parents(domain(address))]
        keys += [(f"{kind} word", token) for token in sorted(tokens(address))]
    return tuple(keys)


def _recipient_keys(person: Recipient) -> tuple[tuple[str, str], ...]:
    """What rules can look for in a recipient; somebody whom a rule added is in a field, too."""
    addresses = (person.address, person.written, *person.also)
    return (
        *([("field", person.address)] if person.brought_by else []),
        *address_keys("recipient", *addresses, *_otherwise(addresses)),
    )


def _fork_keys(fork: Fork) -> tuple[tuple[str, str], ...]:
    spend(STEPS_OF_WORLD * len(fork.people))
    return tuple(dict.fromkeys(key for person in fork.people for key in _recipient_keys(person)))


def _otherwise(addresses: Iterable[str]) -> tuple[str, ...]:
    """Other addresses that rules may take these for."""
    return tuple(
        other for address in addresses for other in (*spellings(address), without_tag(address)) if other != address
    )
