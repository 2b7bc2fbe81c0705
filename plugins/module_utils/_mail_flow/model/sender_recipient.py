# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates that look at the sender, at recipients, and at their relations.

Each takes what it sees, its values, and the rule's settings. Source: Microsoft's "Mail flow rule conditions and
exceptions" and New-TransportRule pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import questions
from .addresses import domain, is_below, is_name, spellings
from .facts import recipient_inside, recipient_outside, sender_inside, sender_outside
from .header_edits import ADDED
from .kleene import Open, Reason, Truth, about, all_of, any_of, negate, opened
from .message import Message, Recipient
from .patterns import any_pattern
from .rule_view import RuleView, Settings
from .words import any_word

#: Evaluates a predicate.
Evaluate = Callable[[RuleView, Any, Settings], Truth]

#: Decides about one address with the predicate's values.
OfAddress = Callable[[RuleView, str, Any, Settings], Truth]


def address_is(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """One of the addresses."""
    return address in values


def domain_is(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """In one of the domains or below it."""
    name = domain(address)
    return any(is_below(name, value) for value in values)


def address_has_word(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the words in it."""
    return any_word(address, values)


def address_has_pattern(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """With one of the patterns in it. An empty address has none."""
    return bool(address) and any_pattern(address, values, settings.dialect)


def member_of(rule_view: RuleView, address: str, values: tuple[str, ...], settings: Settings) -> Truth:
    """A member of one of the groups."""
    return any_of(rule_view.facts.is_member(address, group) for group in values)


def sender_addresses(rule_view: RuleView, settings: Settings) -> tuple[str, ...]:
    """The known addresses of the sender that a rule looks at. An automatic reply has an empty envelope sender."""
    message = rule_view.message
    header = message.sender
    if settings.location == "Header":
        return (header,)
    envelope = () if message.mail_from is None else (message.mail_from,)
    return envelope if settings.location == "Envelope" else tuple(dict.fromkeys((header, *envelope)))


def _read(decide: OfAddress, rule_view: RuleView, address: str, values: Any, settings: Settings) -> Truth:
    """Evaluates a predicate on an address; open if another address that rules may take it for gives a different result."""
    found, others = decide(rule_view, address, values, settings), rule_view.facts.otherwise(address)
    # What matches as written matches.
    if all(
        decide(rule_view, other, values, settings) == found
        for other in others
        if found is not True or other not in spellings(address)
    ):
        return found
    return opened(("otherwise", address, values), questions.ALIASES, "other_spelling", address, tuple(others))


def _other_sender(message: Message, values: Any) -> Open:
    return opened(
        ("senders", message.also_from, values), questions.A_FACT, "which_sender", (message.sender, *message.also_from)
    )


def _envelope_not_known(location: str) -> Open:
    return opened(("envelope", location), questions.A_FACT, "mail_from")


def of_sender(decide: OfAddress, *, written: bool = False) -> Evaluate:
    """A predicate about the sender's address.

    :param written: whether it may look at an alias that the sender writes from, instead of the primary address.
    """

    def of(rule_view: RuleView, address: str, values: Any, settings: Settings) -> Truth:
        primary = _read(decide, rule_view, rule_view.facts.primary(address), values, settings)
        alias = _read(decide, rule_view, address.lower(), values, settings) if written else primary
        return primary if alias == primary else opened(("alias", address, values), questions.A_FACT, "alias", address)

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        known = about(
            any_of(of(rule_view, address, values, settings) for address in sender_addresses(rule_view, settings)),
            "from",
        )
        if settings.location != "Envelope" and any(
            of(rule_view, address, values, settings) != known for address in rule_view.message.also_from
        ):
            return _other_sender(rule_view.message, values)
        complete = settings.location == "Header" or rule_view.message.mail_from is not None
        return known if complete else any_of((known, _envelope_not_known(settings.location)))

    return evaluate


def of_recipient(decide: OfAddress) -> Evaluate:
    """A predicate about each recipient. Whether ``Original`` reaches it is open; see :func:`of_address`."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        person = rule_view.recipient
        if settings.address_type != "Original":
            return about(_read(decide, rule_view, person.address, values, settings), "to")
        return about(
            _same(decide, rule_view, person, (person.address, person.written, *person.also), values, settings), "to"
        )

    return evaluate


def of_address(decide: OfAddress) -> Evaluate:
    """A predicate about each recipient's address: the primary one, or the one that was written, as the rule says."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        return about(_of_address(decide, rule_view, rule_view.recipient, values, settings), "to")

    return evaluate


def of_any_address(decide: OfAddress) -> Evaluate:
    """A predicate about the addresses of all recipients of the copy."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        sure = any_of(_of_address(decide, rule_view, person, values, settings) for person in rule_view.fork.sure)
        if sure is True:
            return True
        perhaps = (
            _perhaps(_of_address(decide, rule_view, person, values, settings), person, reasons)
            for person, reasons in rule_view.fork.perhaps
        )
        return about(any_of((sure, *perhaps)), "to")

    return evaluate


def _of_address(decide: OfAddress, rule_view: RuleView, person: Recipient, values: Any, settings: Settings) -> Truth:
    if is_name(person.address):
        return _of_name(person)
    if settings.address_type != "Original":
        return _read(decide, rule_view, person.address, values, settings)
    return _same(
        decide,
        rule_view,
        person,
        (person.written, *person.also, *([person.address] if person.group else ())),
        values,
        settings,
    )


def _same(
    decide: OfAddress,
    rule_view: RuleView,
    person: Recipient,
    addresses: tuple[str, ...],
    values: Any,
    settings: Settings,
) -> Truth:
    """Evaluates a predicate on all addresses that may be meant; open if the results differ."""
    found = [decide(rule_view, address, values, settings) for address in addresses]
    if all(value == found[0] for value in found):
        return found[0]
    shown = tuple(dict.fromkeys((person.written, *person.also, person.address)))
    return opened(("original", person, values), questions.ALIASES, "which_address", shown)


def _of_name(person: Recipient) -> Truth:
    """The result for somebody who is known only by name."""
    return opened(("name", person.address), questions.A_FACT, "address", person.label)


def _perhaps(found: Truth, person: Recipient, reasons: tuple[Reason, ...]) -> Truth:
    """What somebody who may share the copy contributes."""
    return False if found is False else Open(("with", person.address, reasons), reasons)


def of_fields(fields: tuple[str, ...], decide: OfAddress) -> Evaluate:
    """A predicate about who is named in the To or Cc field."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        if "fields" in rule_view.message.unsaid:
            return opened(("fields", fields, values), questions.A_FACT, "fields")
        named = [address for name in fields for address in getattr(rule_view.message, name)]
        brought = [
            (person, edit.reason)
            for name in fields
            for edit in rule_view.content.edits_of((ADDED[name],))
            for person in rule_view.facts.brought(edit.what[1], name)
            if edit.reason
        ]
        return any_of(
            (
                *(_in_field(decide, rule_view, written.lower(), values, settings) for written in named),
                *(
                    _perhaps(
                        _of_name(person)
                        if is_name(person.address)
                        else decide(rule_view, person.address, values, settings),
                        person,
                        (reason,),
                    )
                    for person, reason in brought
                ),
            )
        )

    return evaluate


def _in_field(decide: OfAddress, rule_view: RuleView, written: str, values: Any, settings: Settings) -> Truth:
    primary = rule_view.facts.primary(written)
    found = _read(decide, rule_view, primary, values, settings)
    if found is False:
        return False
    if primary != written and decide(rule_view, written, values, settings) is False:
        return opened(("field", written, values), questions.ALIASES, "alias_in_header", written, primary)
    here = {
        address
        for person in rule_view.fork.sure
        for address in (person.address, person.group, *map(rule_view.facts.primary, person.also))
    }
    if primary not in here:
        return opened(("field", written, values), questions.FIELDS_OF_A_COPY, "header_of_a_copy", written)
    return found


def from_scope(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """Where the sender is. The role of the envelope is documented only for an empty one."""
    message, facts = rule_view.message, rule_view.facts

    def scope(address: str) -> Truth:
        if value == "InOrganization":
            return sender_inside(facts, address, message.authenticated)
        return sender_outside(facts, address)

    header = facts.primary(message.sender)
    if settings.location != "Envelope" and any(
        scope(facts.primary(other)) != scope(header) for other in message.also_from
    ):
        return _other_sender(message, value)
    if settings.location == "Header":
        return scope(header)
    if message.mail_from is None:
        return _envelope_not_known(settings.location)
    envelope = facts.primary(message.mail_from)
    if header == envelope:
        return scope(header)
    if not envelope:
        return value == "NotInOrganization" if settings.location == "Envelope" else scope(header)
    one, other = scope(header), scope(envelope)
    if one == other:
        return one
    return opened(("location", settings.location, value), questions.SENDER_LOCATION, "location", header, envelope)


def sent_to_scope(rule_view: RuleView, value: str, settings: Settings) -> Truth:
    """Where a recipient is."""
    person = rule_view.recipient.address
    if value == "InOrganization":
        return recipient_inside(rule_view.facts, person, rule_view.message.authenticated)
    if value == "NotInOrganization":
        return recipient_outside(rule_view.facts, person)
    return opened(("partner", person, value), questions.A_FACT, "on_premises_scope", value)


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


def of_directory_sender(decide: OfAddress) -> Evaluate:
    """A predicate about the directory entry of the From field's sender, whatever the location."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        return decide(rule_view, rule_view.facts.primary(rule_view.message.sender), values, settings)

    return evaluate


def of_directory_recipient(decide: OfAddress) -> Evaluate:
    """A predicate about the recipient's directory entry."""

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        return decide(rule_view, rule_view.recipient.address, values, settings)

    return evaluate


def relation(decide: Callable[[RuleView, str, Any], Truth]) -> Evaluate:
    """A predicate about the relation of sender and recipient. Whether it splits a message with several recipients is
    not documented.
    """

    def evaluate(rule_view: RuleView, values: Any, settings: Settings) -> Truth:
        found = decide(rule_view, rule_view.recipient.address, values)
        people = (*rule_view.fork.sure, *(person for person, _reasons in rule_view.fork.perhaps))
        if not any(is_name(person.address) for person in people) and all(
            decide(rule_view, person.address, values) == found for person in people if isinstance(found, bool)
        ):
            return found
        return opened(("relation", rule_view.recipient.address, values), questions.RELATION_TO_WHOM, "relation")

    return evaluate


def is_manager_of_sender(rule_view: RuleView, values: tuple[Any, ...], settings: Settings) -> Truth:
    """The sender's manager is one of the named people."""
    return _manages(rule_view, rule_view.facts.primary(rule_view.message.sender), values)


def _manages(rule_view: RuleView, person: str, managers: Iterable[str]) -> Truth:
    manager = rule_view.facts.manager(person)
    return (
        opened(("manager", person), questions.A_FACT, "manager", person)
        if manager is None
        else bool(manager) and manager in managers
    )


def is_manager_of_recipient(rule_view: RuleView, person: str, values: tuple[Any, ...]) -> Truth:
    """The recipient's manager is one of the named people."""
    return _manages(rule_view, person, values)


def is_related(rule_view: RuleView, person: str, value: str) -> Truth:
    """``Manager``: the sender is the recipient's manager. ``DirectReport``: the recipient is the sender's."""
    sender = rule_view.facts.primary(rule_view.message.sender)
    return _manages(rule_view, person, (sender,)) if value == "Manager" else _manages(rule_view, sender, (person,))


def is_between(rule_view: RuleView, person: str, values: tuple[tuple[str, ...], tuple[str, ...]]) -> Truth:
    """The sender is in one group and the recipient in the other, either way round."""
    sender = rule_view.facts.primary(rule_view.message.sender)

    def in_one(address: str, groups: tuple[str, ...]) -> Truth:
        return any_of(rule_view.facts.is_member(address, group) for group in groups)

    first, second = values
    return any_of(
        (
            all_of((in_one(sender, first), in_one(person, second))),
            all_of((in_one(sender, second), in_one(person, first))),
        )
    )


def has_equal_attribute(rule_view: RuleView, person: str, values: tuple[str, str]) -> Truth:
    """An attribute has the same value for sender and recipient, or another one."""
    name, operator = values
    sender = rule_view.facts.primary(rule_view.message.sender)
    one, other = rule_view.facts.attribute(sender, name), rule_view.facts.attribute(person, name)
    if one is None or other is None:
        return opened(
            ("attribute", sender, person, name), questions.A_FACT, "attribute", name, sender if one is None else person
        )
    if not one or not other:
        unset = person if one else sender
        return opened(("attribute", sender, person, name), questions.RELATION_TO_WHOM, "attribute_not_set", name, unset)
    equal = one.casefold() == other.casefold()
    return equal if operator == "Equal" else negate(equal)
