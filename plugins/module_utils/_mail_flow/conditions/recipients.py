# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions about each recipient. A rule with one of them splits the copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..formula import Value
from ..model import questions
from ..model.addresses import is_name
from ..model.inside import recipient_inside, recipient_outside
from ..model.kleene import Truth, opened, with_field
from ..model.message import Recipient
from ..model.rule_view import RuleView, Settings
from .formulas import AddressVariables, Formulas
from .keys import RECIPIENT, WRITTEN
from .people import (
    OfAddress,
    address_has_pattern,
    address_has_word,
    address_is,
    attribute_has_pattern,
    attribute_has_word,
    domain_is,
    has_one,
    known_by_name_only,
    member_of,
    read_address,
)
from .predicate import (
    Atom,
    Evaluate,
    Phrase,
    Predicate,
    Reach,
    any_value_in,
    list_predicate,
    lowercase_texts,
    single,
    words_in,
)
from .seen_message import SeenMessage
from .senders import headers_of_scope

# Evaluation


def of_recipient(decide: OfAddress) -> Evaluate:
    """A predicate about each recipient. Whether ``Original`` reaches it is open; see :func:`of_address`."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        person = rule_view.recipient
        if settings.address_type != "Original":
            return with_field(read_address(decide, rule_view, person.address, values, settings), "to")
        return with_field(
            _at_all_addresses(
                decide, rule_view, person, (person.address, person.written, *person.also), values, settings
            ),
            "to",
        )

    return evaluate


def of_address(decide: OfAddress) -> Evaluate:
    """A predicate about each recipient's address: the primary one, or the one that was written, as the rule says."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        return with_field(address_of(decide, rule_view, rule_view.recipient, values, settings), "to")

    return evaluate


def address_of(decide: OfAddress, rule_view: RuleView, person: Recipient, values: Any, settings: Settings) -> Truth:
    """Evaluates a condition on the address of somebody: the primary one, or the one that was written, as the rule says."""
    if is_name(person.address):
        return known_by_name_only(person)
    if settings.address_type != "Original":
        return read_address(decide, rule_view, person.address, values, settings)
    return _at_all_addresses(
        decide,
        rule_view,
        person,
        (person.written, *person.also, *([person.address] if person.group else ())),
        values,
        settings,
    )


def _at_all_addresses(
    decide: OfAddress,
    rule_view: RuleView,
    person: Recipient,
    addresses: tuple[str, ...],
    values: Any,
    settings: Settings,
) -> Truth:
    """Evaluates a predicate on all addresses that may be meant; open if the results differ."""
    truths = [decide(rule_view, address, values, settings) for address in addresses]
    if all(truth == truths[0] for truth in truths):
        return truths[0]
    shown = tuple(dict.fromkeys((person.written, *person.also, person.address)))
    return opened(("original", person, values), questions.ALIASES, "which_address", shown)


def sent_to_scope(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """Whether a recipient is inside, or outside."""
    person = rule_view.recipient.address
    if value == "InOrganization":
        return recipient_inside(rule_view.facts, person, rule_view.message.authenticated)
    if value == "NotInOrganization":
        return recipient_outside(rule_view.facts, person)
    return opened(("partner", person, value), questions.A_FACT, "on_premises_scope", value)


def of_directory_recipient(decide: OfAddress) -> Evaluate:
    """A predicate about the recipient's directory entry."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        return decide(rule_view, rule_view.recipient.address, values, settings)

    return evaluate


# Formulas


def _formula(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    logic, mail = formulas.logic, formulas.mail
    found = has_one(formulas, person, atom)
    if not atom.watches_aliases:
        return found
    open_ = logic.unknown(questions.ALIASES, atom.predicate.options, atom.values, person.name)
    if person is not mail.recipient or atom.predicate.sort == "member":
        return logic.choose(mail.addressing.direct, found, open_)
    written = as_written(formulas, found, atom, seen)
    return written if atom.looks_at_written else logic.choose(logic.equal(found, written), found, open_)


def as_written(formulas: Formulas, primary: Value, atom: Atom, seen: SeenMessage) -> Value:
    """The result of a condition on the address that the sender wrote: the recipient's primary one, unless it is an
    alias.
    """
    logic = formulas.logic
    alias = logic.any_of([formulas.text(WRITTEN, key, seen) for key in atom.keys])
    return logic.choose(formulas.mail.addressing.direct, primary, alias)


def _formula_of_scope(formulas: Formulas, atom: Atom, seen: SeenMessage, person: AddressVariables) -> Value:
    return formulas.scopes.recipient(atom.values, person)


# Words


def _saw(rule_view: RuleView, atom: Atom) -> str:
    person = rule_view.recipient
    return person.address if person.written == person.address else f"{person.address}, written as {person.written}"


# The rows

#: What the conditions about an address have in common.
_RECIPIENT: Mapping[str, Any] = {
    "looks_at": "recipient",
    "slots": (RECIPIENT,),
    "reach": Reach.RECIPIENT,
    "column": "recipient",
    "formula": _formula,
    "witness": None,
    "saw": _saw,
}

#: The conditions, in the order of the documentation.
RECIPIENTS: tuple[Predicate, ...] = (
    list_predicate(
        "sent_to",
        lowercase_texts,
        **_RECIPIENT,
        sort="address",
        evaluate=of_recipient(address_is),
        needs=any_value_in("recipient"),
        unknowns=(questions.ALIASES,),
        phrase=Phrase(2, "to {}", ""),
    ),
    single(
        "sent_to_scope",
        looks_at="recipient",
        headers_of=headers_of_scope,
        sort="scope",
        reach=Reach.RECIPIENT,
        column="recipient",
        evaluate=sent_to_scope,
        formula=_formula_of_scope,
        witness=None,
        saw=_saw,
        unknowns=(questions.UNAUTHENTICATED_INSIDE, questions.GUESTS, questions.REMOTE_DOMAINS),
        phrase=Phrase(
            2,
            "with the scope <>",
            forms={"InOrganization": "to people inside", "NotInOrganization": "to people outside"},
        ),
    ),
    list_predicate(
        "sent_to_member_of",
        lowercase_texts,
        **_RECIPIENT,
        sort="member",
        evaluate=of_recipient(member_of),
        unknowns=(questions.NESTED_GROUPS, questions.ALIASES),
        phrase=Phrase(3, "to members of {}", ""),
    ),
    list_predicate(
        "recipient_address_contains_words",
        **_RECIPIENT,
        sort="word",
        evaluate=of_address(address_has_word),
        needs=words_in("recipient word"),
        unknowns=(questions.WORD_BORDERS, questions.ALIASES),
        phrase=Phrase(3, "to addresses with {}"),
    ),
    list_predicate(
        "recipient_address_matches_patterns",
        **_RECIPIENT,
        sort="pattern",
        evaluate=of_address(address_has_pattern),
        unknowns=(questions.PATTERN_SYNTAX, questions.ALIASES),
        phrase=Phrase(3, "to addresses that match {}"),
    ),
    list_predicate(
        "recipient_domain_is",
        lowercase_texts,
        **_RECIPIENT,
        sort="below",
        evaluate=of_recipient(domain_is),
        needs=any_value_in("recipient domain"),
        unknowns=(questions.ALIASES,),
        phrase=Phrase(3, "to {}", ""),
    ),
    list_predicate(
        "recipient_ad_attribute_contains_words",
        **_RECIPIENT,
        sort="attribute word",
        evaluate=of_directory_recipient(attribute_has_word),
        unknowns=(questions.WORD_BORDERS,),
        phrase=Phrase(3, "to people with {}"),
    ),
    list_predicate(
        "recipient_ad_attribute_matches_patterns",
        **_RECIPIENT,
        sort="attribute pattern",
        evaluate=of_directory_recipient(attribute_has_pattern),
        unknowns=(questions.PATTERN_SYNTAX,),
        phrase=Phrase(3, "to people with {}"),
    ),
)


#: A condition to the words for the people whom it names.
_PEOPLE_OF = {"sent_to": "{}", "recipient_domain_is": "{}", "sent_to_member_of": "members of {}"}
_PEOPLE_OF_SCOPE = {"NotInOrganization": "people outside", "InOrganization": "people inside"}


def recipients_named(when: Mapping[str, Any]) -> list[str]:
    """The recipients whom a class of mail names, in words; empty if it names none."""
    named = [form.format(value) for option, form in _PEOPLE_OF.items() for value in when.get(option) or ()]
    return named or [words for scope, words in _PEOPLE_OF_SCOPE.items() if when.get("sent_to_scope") == scope]
