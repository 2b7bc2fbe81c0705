# SPDX-License-Identifier: GPL-3.0-or-later
"""Predicates on the sender, on the recipients, and on how they are related."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

from .directory import domain_of, respelled
from .mail import Recipient
from .view import Find, Test, View, below
from .worlds import FACTS, Maybe, Truth, both, doubt, either

# The sender


def _taken(view: View, address: str, decide: Callable[[str], Truth]) -> Truth:
    """What is found in an address. Nothing is documented of plus addresses and of international names: another address
    may be meant, or be written so.
    """
    found, spelling, plain = decide(address), respelled(address), view.directory.without_tag(address)
    other = (spelling and found is not True and decide(spelling) != found) or (plain and decide(plain) != found)
    return (
        doubt("U24", f"whether {address} is taken for {spelling or plain}", "taken", address, str(found))
        if other
        else found
    )


def from_(view: View, people: Sequence[str]) -> Truth:
    wanted = [one.lower() for one in people]
    return either(
        _taken(view, view.directory.primary(sender), lambda address: address in wanted)
        for sender in view.senders
        if sender
    )


def from_member_of(view: View, groups: Sequence[str]) -> Truth:
    def is_member(address: str) -> Truth:
        return view.directory.member_of_any(address, groups)

    return either(_taken(view, view.directory.primary(sender), is_member) for sender in view.senders if sender)


def from_address(find: Find) -> Test:
    return lambda view, value: either(
        _as_written(view, sender, lambda address: find(view, address, value)) for sender in view.senders if sender
    )


def sender_domain(view: View, domains: Sequence[str]) -> Truth:
    return either(
        _as_written(view, sender, lambda address: below(domain_of(address), domains))
        for sender in view.senders
        if sender
    )


def _as_written(view: View, sender: str, decide: Callable[[str], Truth]) -> Truth:
    """What is found in a sender's address, where the primary one and the alias that was written do not differ in that."""
    found, primary = (_taken(view, address, decide) for address in (sender, view.directory.primary(sender)))
    return (
        found
        if found == primary
        else doubt(FACTS, f"which address of {sender} counts", "sender", sender, str((found, primary)))
    )


def from_scope(view: View, scope: str) -> Truth:
    message, directory = view.message, view.directory
    header = directory.sender_in(directory.primary(message.sender), scope, message.authenticated)
    if view.settings.location == "Header" or (
        view.settings.location == "HeaderOrEnvelope" and not message.envelope_sender
    ):
        return header
    envelope = directory.sender_in(directory.primary(message.envelope_sender), scope, message.authenticated)
    if header == envelope or not message.envelope_sender:
        return envelope
    return doubt("U16", "the From field and the envelope's sender have different scopes", scope, view.settings.location)


def sender_attribute(find: Find) -> Test:
    return lambda view, value: _attribute(view, view.sender, value, find)


def _attribute(view: View, person: str, pairs: Sequence[str], find: Find) -> Truth:
    values: list[Truth] = []
    for pair in pairs:
        name, _colon, wanted = pair.partition(":")
        held = view.directory.attribute(person, name.strip())
        values.append(find(view, held, [one.strip() for one in wanted.split(",")]) if isinstance(held, str) else held)
    return either(values)


def sender_ip(view: View, ranges: Sequence[str]) -> Truth:
    if view.message.sender_ip is None:
        return doubt(FACTS, "the address of the last hop", "sender_ip", tuple(ranges))
    address = ipaddress.ip_address(view.message.sender_ip)
    return any(_in_range(address, text) for text in ranges)


def _in_range(address: ipaddress.IPv4Address | ipaddress.IPv6Address, text: str) -> bool:
    if "-" in text:
        first, last = (ipaddress.ip_address(end.strip()) for end in text.split("-"))
        return address.version == first.version and int(first) <= int(address) <= int(last)
    return address in ipaddress.ip_network(text.strip(), strict=False)


# Relations between the sender and a recipient


def relationship(view: View, wanted: str) -> Truth:
    boss, one = (view.sender, view.person) if wanted == "Manager" else (view.person, view.sender)
    return _is(view.directory.manager(one), [boss])


def manager(view: View, value: tuple[Sequence[str], str]) -> Truth:
    addresses, whose = value
    return _is(view.directory.manager(view.sender if whose == "Sender" else view.person), addresses)


def _is(found: str | Truth, wanted: Sequence[str]) -> Truth:
    return found in [one.lower() for one in wanted] if isinstance(found, str) else found


def between(view: View, value: tuple[Sequence[str], Sequence[str]]) -> Truth:
    def member(person: str, groups: Sequence[str]) -> Truth:
        return view.directory.member_of_any(person, groups)

    one, other = value
    return either(
        [
            both([member(view.sender, one), member(view.person, other)]),
            both([member(view.sender, other), member(view.person, one)]),
        ]
    )


def comparison(view: View, value: tuple[str, str]) -> Truth:
    name, operator = value
    people = (view.sender, view.person)
    held = [view.directory.attribute(one, name) for one in people]
    if all(isinstance(one, str) for one in held):
        return (str(held[0]).lower() == str(held[1]).lower()) == (operator != "NotEqual")
    unknown = "U05" if False in held else FACTS
    return doubt(unknown, f"{name} of {people[0]} and of {people[1]}", "comparison", people, name, operator)


def supervision(view: View, value: Any) -> Truth:
    return doubt(FACTS, "the supervision lists", "supervision", view.sender, view.person, str(value))


# Recipients


def nameless(recipient: Recipient, *what: str) -> Maybe | None:
    """What a predicate finds in the address of somebody whom a rule brings by a name, and whose address nobody told;
    None: it is known.
    """
    return (
        None
        if "@" in recipient.address
        else doubt(FACTS, f"the address of {recipient.address}", "address", recipient.address, *what)
    )


def _open_address(
    view: View, recipient: Recipient, test: Callable[[str], Truth], what: str, *, documented: bool
) -> Truth:
    """A test of a recipient's address: the primary one, or the one that the message names; ``documented`` for
    predicates that heed the choice.
    """
    if not view.settings.original:
        return _taken(view, recipient.address, test)
    resolved = test(recipient.address)
    values = [test(address) for address in recipient.originals]
    if not documented or len(values) > 1 or any(view.directory.is_group(address) for address in recipient.originals):
        values.append(resolved)
    if all(value == values[0] for value in values):
        return values[0]
    return doubt("U24", f"which address of {recipient.address} counts", what, recipient.address)


def sent_to(view: View, people: Sequence[str]) -> Truth:
    assert view.recipient is not None
    wanted = [one.lower() for one in people]
    return _open_address(view, view.recipient, lambda address: address in wanted, f"SentTo {wanted}", documented=False)


def recipient_domain(view: View, domains: Sequence[str]) -> Truth:
    assert view.recipient is not None
    return _open_address(
        view,
        view.recipient,
        lambda address: below(domain_of(address), domains),
        f"RecipientDomainIs {domains}",
        documented=False,
    )


def sent_to_scope(view: View, scope: str) -> Truth:
    return view.directory.recipient_in(view.person, scope, view.message.authenticated)


def sent_to_member_of(view: View, groups: Sequence[str]) -> Truth:
    assert view.recipient is not None
    return _open_address(
        view,
        view.recipient,
        lambda address: view.directory.member_of_any(address, groups),
        f"SentToMemberOf {groups}",
        documented=False,
    )


def recipient_attribute(find: Find) -> Test:
    return lambda view, value: _attribute(view, view.person, value, find)


def recipient_address(find: Find) -> Test:
    def test(view: View, value: Sequence[str]) -> Truth:
        assert view.recipient is not None
        return _open_address(
            view,
            view.recipient,
            lambda address: find(view, address, value),
            f"{find.__name__} {value}",
            documented=True,
        )

    return test


def _looked_at(recipient: Recipient) -> Maybe:
    """Whether rules look at one whom an earlier rule brought: it is one question, whatever they look for."""
    who = recipient.address
    return doubt("U09", f"whether rules look at {who}, whom a rule brought", "added", who)


def any_recipient(find: Find) -> Test:
    def test(view: View, value: Sequence[str]) -> Truth:
        def one(recipient: Recipient) -> Truth:
            return nameless(recipient, find.__name__, str(value)) or _open_address(
                view, recipient, lambda address: find(view, address, value), f"{find.__name__} {value}", documented=True
            )

        found = either(one(recipient) for recipient in view.copy.recipients if not recipient.added)
        added = (both([one(each), _looked_at(each)]) for each in view.copy.recipients if each.added)
        return either([found, *added])

    return test


def _named(view: View, written: str, wanted: Sequence[str], members: bool) -> Truth:
    """Whether an address in a field means one of these people, or one of their members. Whether a proxy address is
    considered is not clear.
    """
    primary, people = view.directory.primary(written), [one.lower() for one in wanted]
    hit = _taken(
        view, primary, lambda address: view.directory.member_of_any(address, wanted) if members else address in people
    )
    if written == primary or hit is False or written in wanted:
        return hit
    return doubt("U24", f"whether {written} counts for {primary}", "proxy", written, tuple(wanted))


def field(names: Sequence[str], *, members: bool) -> Test:
    """Predicates on the To and Cc fields. Where a copy has lost those whom the field names, its meaning is open."""

    def test(view: View, wanted: Sequence[str]) -> Truth:
        values: list[Truth] = []
        for written in (one.lower() for name in names for one in view.message.written[name]):
            hit = _named(view, written, wanted, members)
            reached = set(view.directory.expand(written))
            here = not view.copy.forked or any(one.address in reached for one in view.copy.recipients)
            values.append(
                hit
                if here
                else both(
                    [
                        hit,
                        doubt(
                            "U07", f"{written} is not among the recipients of this copy", names, tuple(wanted), written
                        ),
                    ]
                )
            )
        brought = [
            address for name, target in view.copy.brought if name in names for address in view.directory.expand(target)
        ]
        for address in brought:
            hit = (
                view.directory.member_of_any(address, wanted) if members else address in [one.lower() for one in wanted]
            )
            hit = nameless(Recipient(address, ()), "field", str(wanted)) or hit
            values.append(both([hit, doubt("U09", "whether added recipients count", "field", address)]))
        return either(values)

    return test
