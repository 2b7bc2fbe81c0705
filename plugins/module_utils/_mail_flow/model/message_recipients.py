# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets a message: groups expanded, each person by primary address."""

from __future__ import annotations

from dataclasses import replace

from .addresses import domain
from .domains import INSIDE
from .facts import Facts
from .message import Message, Recipient


def people_behind(facts: Facts, written: str, rule: str = "") -> tuple[Recipient, ...]:
    """Who gets a message that a rule sends to an address or a name: for a group, its members, without addresses if
    they are unknown.

    :param rule: the rule's name.
    """
    small = written.lower()
    primary = facts.people.primary(small)
    groups = facts.groups
    if primary in groups.expanded:
        return tuple(Recipient(member, small, member, primary, brought_by=rule) for member in _members(facts, primary))
    if primary in groups.unread and facts.domains.type_of(domain(primary)) in INSIDE:
        somebody = f"each member of {primary.replace('@', ' at ')}"  # As somebody who is known only by name.
        return (Recipient(somebody, small, somebody, primary, brought_by=rule),)
    return (Recipient(primary, small, written if primary == small else primary, brought_by=rule),)


def recipients_of(facts: Facts, message: Message) -> tuple[Recipient, ...]:
    """The recipients of a message: groups expanded, each person once, by primary address."""
    named: dict[str, Recipient] = {}
    through: dict[str, Recipient] = {}
    writings: dict[str, set[str]] = {}
    for written in (*message.to, *message.cc, *message.bcc):
        primary = facts.people.primary(written)
        if primary in facts.groups.expanded:
            people = [Recipient(member, written.lower(), member, primary) for member in _members(facts, primary)]
        else:
            label = written if primary == written.lower() else primary
            people = [Recipient(primary, written.lower(), label)]
        for person in people:
            writings.setdefault(person.address, set()).add(person.written)
            (through if person.group else named).setdefault(person.address, person)
    people = [*named.values(), *(person for address, person in through.items() if address not in named)]
    return tuple(replace(person, also=tuple(sorted(writings[person.address] - {person.written}))) for person in people)


def _members(facts: Facts, group: str) -> list[str]:
    """The people in a group, by primary address, also through groups in it."""
    return sorted(member for member in facts.groups.members_of(group) if member not in facts.groups.expanded)
