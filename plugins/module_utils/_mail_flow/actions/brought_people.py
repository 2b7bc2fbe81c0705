# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom rules send a message, and whom they ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ..conditions.connectives import Connectives
from ..conditions.formulas import MessageVariables
from ..conditions.keys import MOST_NAMED
from ..formula import TRUE, Value
from ..model.addresses import is_name
from ..model.facts import Facts
from ..model.message_recipients import people_behind
from .act import ActingRule

#: Options of actions: those that name people who get the message instead of its recipients, and those who get it, too.
REDIRECTS = "redirect_message_to"
ADDING = ("add_to_recipients", "copy_to", "blind_copy_to", REDIRECTS)

#: The option of the action that brings the message to the sender's manager, and of the one that asks that person.
MANAGER = "add_manager_as_recipient_type"
ASKS_MANAGER = "moderate_message_by_manager"

#: How the manager of a sender is called where nobody knows who that is.
THE_MANAGER = "the sender's manager"

#: The maximum number of managers whose copies are followed.
_MOST_MANAGERS = 6

#: Whose mail it is: that of these people; of those who have a manager if it is nobody; of everybody if ``None``.
Senders: TypeAlias = "tuple[str, ...] | None"


def brought_by(rule: ActingRule, facts: Facts) -> Iterator[tuple[str, str, Senders]]:
    """The known people whom a rule sends a message: option, primary address (or the name of somebody whose address is
    unknown), and the senders of that mail. Groups stand for their members, and managers for all known ones.
    """
    for option in ADDING:
        for added_person in rule.actions.options.get(option) or ():
            yield from ((option, person.address, None) for person in people_behind(facts, str(added_person)))
    if rule.actions.options.get(MANAGER):
        yield from (
            (MANAGER, person.address, senders)
            for manager, senders in facts.people.teams.items()
            for person in people_behind(facts, manager)
        )


def brought_from(sender: str, rule: ActingRule, facts: Facts) -> tuple[str, ...]:
    """The people whom a rule sends mail of one sender, by primary address, or by name where no address is known.

    :param sender: the sender's primary address.
    """
    names = [str(person) for option in ADDING for person in rule.actions.options.get(option) or ()]
    if brings_manager(rule):
        manager = facts.people.manager(sender)
        names.append(f"the manager of {sender}" if manager is None else manager)
    people = (person.address for name in names if name for person in people_behind(facts, name))
    return tuple(dict.fromkeys(people))


def named_by(rule: ActingRule, facts: Facts) -> list[str]:
    """The primary addresses of those whom a rule adds or redirects to, as it names them."""
    options = rule.actions.options
    return [facts.people.primary(str(address)) for option in ADDING for address in options.get(option) or ()]


def brings_manager(rule: ActingRule) -> bool:
    """Whether a rule sends a message to the sender's manager."""
    return bool(rule.actions.options.get(MANAGER))


def looks_at_manager(rule: ActingRule) -> bool:
    """Whether it matters to a rule who has a manager."""
    return not rule.actions.options.keys().isdisjoint((ASKS_MANAGER, MANAGER))


def redirected_to(rule: ActingRule, facts: Facts) -> list[str]:
    """The people to whom a rule redirects the message, by primary address, as far as they are distinguished."""
    groups = (people_behind(facts, str(person)) for person in rule.actions.options.get(REDIRECTS) or ())
    return [
        person.address
        for people in groups
        if len(people) <= MOST_NAMED
        for person in people
        if not is_name(person.address)
    ]


def followed_managers(mail: MessageVariables, logic: Connectives) -> list[tuple[str, Value]] | None:
    """The managers whose copies are followed, each with whether one of their people sent the message; ``None`` if some are not
    known, or not by addresses of their own, or are too many.
    """
    facts = mail.facts
    teams = facts.people.teams
    if facts.people.managers is None or len(teams) > _MOST_MANAGERS:
        return None
    sent = {("address", sender) for senders in teams.values() for sender in senders}
    managers = {("address", manager) for manager in teams}
    alone = all([person.address for person in people_behind(facts, manager)] == [manager] for manager in teams)
    if not (alone and sent <= mail.sender.atoms.keys() and managers <= mail.recipient.atoms.keys()):
        return None
    return [(manager, sent_by(mail, logic, senders)) for manager, senders in teams.items()]


def sent_by(mail: MessageVariables, logic: Connectives, senders: Senders) -> Value:
    """Whether one of these people sent the message. Somebody without a name here may have."""
    if senders is None:
        return TRUE
    if not senders:
        return mail.sender.managed
    atoms = mail.sender.atoms
    return logic.any_of([atoms.get(("address", sender), mail.sender.managed) for sender in senders])
