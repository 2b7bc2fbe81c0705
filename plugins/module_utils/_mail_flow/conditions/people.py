# SPDX-License-Identifier: GPL-3.0-or-later
"""What conditions about senders and recipients have in common: what they look for in one address.

Source: Microsoft's "Mail flow rule conditions and exceptions" and New-TransportRule pages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..._resources.rules.unmatchable_values import is_no_domain
from ..formula import Value
from ..model import questions
from ..model.addresses import domain, is_below, spellings
from ..model.kleene import Open, Reason, Truth, about, any_of, opened
from ..model.message import Recipient
from ..model.patterns import any_pattern
from ..model.rule_view import Fork, RuleView, Settings
from ..model.words import any_word
from .formulas import AddressVariables, Formulas
from .predicate import Atom

#: Decides about one address with the condition's values.
OfAddress = Callable[[RuleView, str, Any, Settings], Truth]


def address_is(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """One of the addresses."""
    return address in values


def domain_is(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """In one of the domains or below it."""
    name = domain(address)
    return any(is_below(name, value) for value in values if not is_no_domain(value))


def address_has_word(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the words in it."""
    return any_word(address, values)


def address_has_pattern(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the patterns in it. An empty address has none."""
    return bool(address) and any_pattern(address, values, settings.dialect)


def member_of(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """A member of one of the groups."""
    return any_of(rule_view.facts.is_member(address, group) for group in values)


def read_address(decide: OfAddress, rule_view: RuleView, address: str, values: Any, settings: Settings) -> Truth:
    """Evaluates a predicate on an address; open if another address that rules may take it for gives a different result."""
    found = decide(rule_view, address, values, settings)
    others = rule_view.facts.other_addresses(address)
    # What matches as written matches.
    if all(
        decide(rule_view, other, values, settings) == found
        for other in others
        if found is not True or other not in spellings(address)
    ):
        return found
    return opened(("otherwise", address, values), questions.ALIASES, "other_spelling", address, tuple(others))


def of_name(person: Recipient) -> Truth:
    """The result for somebody who is known only by name."""
    return opened(("name", person.address), questions.A_FACT, "address", person.label)


def perhaps(found: Truth, person: Recipient, reasons: tuple[Reason, ...]) -> Truth:
    """What somebody who may share the copy contributes."""
    return False if found is False else Open(("with", person.address, reasons), reasons)


def _attribute(
    rule_view: RuleView,
    address: str,
    values: tuple[str, ...],
    settings: Settings,
    found: Callable[[str, tuple[str, ...]], Truth],
) -> Truth:
    """One of ``attribute:value,value``: any pair."""
    truths: list[Truth] = []
    for value in values:
        name, _colon, wanted = value.partition(":")
        have = rule_view.facts.attribute(address, name.strip())
        if have is None:
            truths.append(opened(("attribute", address, value), questions.A_FACT, "attribute", name.strip(), address))
        elif have:
            truths.append(found(have, tuple(part.strip() for part in wanted.split(",") if part.strip())))
    return about(any_of(truths), "facts.attributes")


def attribute_has_word(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the words in an attribute."""
    return _attribute(rule_view, address, values, settings, any_word)


def attribute_has_pattern(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the patterns in an attribute."""
    return _attribute(
        rule_view, address, values, settings, lambda text, patterns: any_pattern(text, patterns, settings.dialect)
    )


def has_one(formulas: Formulas, address: AddressVariables, atom: Atom) -> Value:
    """Whether an address has one of a condition's values."""
    return formulas.logic.any_of([address.value(key, formulas.logic) for key in atom.keys])


def everybody(fork: Fork) -> str:
    """Who shares a copy, in words."""
    return ", ".join(
        [*(person.label for person in fork.sure), *(f"perhaps {person.label}" for person, _reasons in fork.perhaps)]
    )
