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
from ..model.kleene import Open, Reason, Truth, any_of, opened, with_field
from ..model.message import Recipient
from ..model.patterns import any_pattern
from ..model.rule_view import Fork, RuleView, Settings
from ..model.words import any_word
from .formulas import AddressVariables, Formulas
from .predicate import Atom

#: Decides about one address with the condition's values.
OfAddress = Callable[[RuleView, str, Any, Settings], Truth]


def address_is(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether an address is one of the values."""
    return address in values


def domain_is(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether an address is in one of the domains, or below it."""
    name = domain(address)
    return any(is_below(name, value) for value in values if not is_no_domain(value))


def address_has_word(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether an address has one of the words in it."""
    return any_word(address, values)


def address_has_pattern(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether a pattern is found in an address; in an empty one, none is."""
    return bool(address) and any_pattern(address, values, settings.dialect)


def member_of(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether an address is a member of one of the groups."""
    return any_of(rule_view.facts.is_member(address, group) for group in values)


def read_address(decide: OfAddress, rule_view: RuleView, address: str, values: Any, settings: Settings) -> Truth:
    """Evaluates a predicate on an address; open if another address that rules may take it for gives a different result."""
    as_written = decide(rule_view, address, values, settings)
    others = rule_view.facts.other_addresses(address)
    # What matches as written matches.
    if all(
        decide(rule_view, other, values, settings) == as_written
        for other in others
        if as_written is not True or other not in spellings(address)
    ):
        return as_written
    return opened(("otherwise", address, values), questions.ALIASES, "other_spelling", address, tuple(others))


def known_by_name_only(person: Recipient) -> Truth:
    """The result of a condition on the address of somebody who is known by name only: it is open."""
    return opened(("name", person.address), questions.A_FACT, "address", person.label)


def if_present(truth: Truth, person: Recipient, reasons: tuple[Reason, ...]) -> Truth:
    """What is true of somebody, if that person shares the copy, which is open.

    :param reasons: why it is open.
    """
    return False if truth is False else Open(("with", person.address, reasons), reasons)


def _attribute(
    rule_view: RuleView,
    address: str,
    values: tuple[str, ...],
    settings: Settings,
    has_any: Callable[[str, tuple[str, ...]], Truth],
) -> Truth:
    """Whether an attribute of somebody has one of the values that a condition names for it, as ``attribute:value,value``.
    What nobody said of an attribute is open.
    """
    truths: list[Truth] = []
    for value in values:
        name, _colon, wanted = value.partition(":")
        have = rule_view.facts.attribute(address, name.strip())
        if have is None:
            truths.append(opened(("attribute", address, value), questions.A_FACT, "attribute", name.strip(), address))
        elif have:
            truths.append(has_any(have, tuple(part.strip() for part in wanted.split(",") if part.strip())))
    return with_field(any_of(truths), "facts.attributes")


def attribute_has_word(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether an attribute of somebody has one of the words in it."""
    return _attribute(rule_view, address, values, settings, any_word)


def attribute_has_pattern(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """Whether a pattern is found in an attribute of somebody."""
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
