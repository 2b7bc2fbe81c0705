# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules and claims mention, by what they look at.

A condition is true if one of its values matches. Each value is an atom of the text, address or property that the
condition looks at (``conditions.keys``).

Rules also mention whom they bring, and who else sees a message: recipients of incident reports with the original mail,
and moderators. Exchange encrypts the message after the last rule. Whether it protects the original in a report, or in a
request for approval, is not documented. Source: Microsoft's New-TransportRule page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..._resources.rules.action_effects import Does
from ..conditions.keys import ATTRIBUTES, RECIPIENT, SAME_AS, SENDER, WRITTEN, Key, is_open, wider
from ..conditions.predicate import Atom
from ..model.addresses import domain, person, spellings, with_parents
from ..model.connectors import named_domains
from ..model.facts import Facts
from ..model.inside import recipient_outside
from ..model.kleene import Reason
from ..model.message import Recipient
from ..model.message_recipients import people_behind
from ..model.reason_kinds import ReasonKind
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import SHOWN

#: The maximum number of people of a group or the directory to distinguish by name.
MOST_NAMED = 300

#: Options of actions: those that name people who get the message instead of its recipients, and those who get it, too.
REDIRECTS = "redirect_message_to"
ADDING = ("add_to_recipients", "copy_to", "blind_copy_to", REDIRECTS)

#: The option of the action that brings the message to the sender's manager.
MANAGER = "add_manager_as_recipient_type"


def brought_by(rule: FlowRule, facts: Facts) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
    """The known people whom a rule sends a message: option, primary address (or the name of somebody whose address is
    un- known), and the senders of that mail; ``None`` for all senders. Groups stand for their members, and managers for
    all known ones.
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


#: Sorts of atoms whose values have a domain.
_DOMAINS = ("address", "below")


@dataclass
class Vocabulary:
    """Everything that rules and claims mention.

    :param keys: slot to its atoms, in the order of first mention.
    :param exact: slot of addresses to the domains for which it matters whether an address is in the domain itself.
    :param fields: addresses that a condition looks for in the To or Cc field.
    :param members: whether a condition looks for members of groups there.
    :param envelope: whether a condition looks at the envelope's sender, and :param:`managers` whether a rule looks at
        who has a manager.
    """

    keys: dict[str, dict[Key, None]] = field(default_factory=dict)
    exact: dict[str, None] = field(default_factory=dict)
    fields: dict[str, None] = field(default_factory=dict)
    members: bool = False
    envelope: bool = False
    managers: bool = False

    def mention(self, slot: str, keys: Iterable[Key]) -> None:
        """Notes atoms of a slot."""
        noted = self.keys.setdefault(slot, {})
        for key in keys:
            noted[key] = None
            # What the other spelling of a domain is, is open (U24).
            noted.update(((key[0], other), None) for other in (spellings(key[1]) if key[0] in _DOMAINS else ()))
            wide = wider(key) if is_open(key) else None
            if wide:
                noted[wide] = None

    def look(self, atom: Atom) -> None:
        """Notes what a condition looks for."""
        for slot in atom.slots:
            for shown_slot in (slot, SAME_AS.get(slot, slot)):
                self.mention(shown_slot, atom.keys)

    def values(self, slot: str, sort: str) -> list[Any]:
        """The values of a sort in a slot."""
        return [value for kind, value in self.keys.get(slot, ()) if kind == sort]

    def parents(self, slot: str) -> set[str]:
        """The domains below which a slot of addresses mentions anything."""
        names = (*self.values(slot, "below"), *map(domain, self.values(slot, "address")))
        return {parent for name in names for parent in with_parents(name)[1:]}


def vocabulary_of(rule_sets: Iterable[RuleSet], facts: Facts, *, transit: bool = False) -> Vocabulary:
    """What rules and claims mention, and the facts that matter for it.

    :param transit: whether it matters how mail leaves.
    """
    vocabulary = Vocabulary()
    for rules in rule_sets:
        for rule in rules.rules:
            _with_actions(vocabulary, rule, facts)
        for atom in rules.atoms:
            _with_condition(vocabulary, atom)
    _with_domains(vocabulary, facts, named_domains(facts.connectors.outbound or ()) if transit else ())
    _with_people(vocabulary, facts)
    return vocabulary


def _with_actions(vocabulary: Vocabulary, rule: FlowRule, facts: Facts) -> None:
    """Adds the people to whom the actions of a rule send or show mail."""
    added = [
        facts.people.primary(str(address)) for option in ADDING for address in rule.actions.options.get(option) or ()
    ]
    managers = sorted(set((facts.people.managers or {}).values())) if rule.actions.options.get(MANAGER) else []
    asked = [*added, *(managers if len(managers) <= MOST_NAMED else ())]
    lists = [people for option in asked if len(people := people_behind(facts, option)) <= MOST_NAMED]
    brought = [person.address for people in lists for person in people]
    shown = [showing.person.address for showing in showings([rule], facts)]
    addresses = [address for address in (*added, *brought, *shown) if domain(address)]
    vocabulary.mention(RECIPIENT, [("address", address) for address in addresses])
    vocabulary.managers |= bool({"moderate_message_by_manager", MANAGER} & set(rule.actions.options))


#: The sorts of keys that a condition may find in an address as it is written.
_IN_WRITTEN = ("word", "pattern", "below", "address")


def _with_condition(vocabulary: Vocabulary, atom: Atom) -> None:
    """Adds what a condition looks for, and where."""
    vocabulary.look(atom)
    if atom.predicate.slots and atom.watches_aliases:
        vocabulary.mention(WRITTEN, (key for key in atom.keys if key[0] in _IN_WRITTEN))
    if atom.predicate.fields:
        if atom.predicate.sort == "member":
            vocabulary.members = True
        else:
            vocabulary.fields.update(dict.fromkeys(atom.values))
    vocabulary.envelope |= atom.settings.location != "Header" and atom.predicate.of_sender


def _with_domains(vocabulary: Vocabulary, facts: Facts, others: Iterable[str]) -> None:
    names = {*others, *(accepted.name for accepted in facts.domains.accepted or ())}
    names |= {name.removeprefix("*.") for name in facts.domains.remote or {} if name != "*"}
    names |= {other for name in names for other in spellings(name)}
    vocabulary.exact.update(dict.fromkeys(sorted(names)))
    for slot in (SENDER, RECIPIENT):
        vocabulary.mention(slot, (("below", name) for name in sorted(names)))


def _with_people(vocabulary: Vocabulary, facts: Facts) -> None:
    """Adds everybody in a complete list by name, unless they are too many (:mod:`.profiles`); for senders, also
    everybody with a manager, if that matters.
    """
    named = facts.people.mailboxes is not None and len(facts.objects) <= MOST_NAMED
    objects = sorted(facts.objects) if named else []
    guests = named_guests(facts) or []
    for slot in (SENDER, RECIPIENT):
        groups = [group for group in vocabulary.values(slot, "member") if group in (facts.groups.members or {})]
        members = [people for people in map(facts.groups.members_of, groups) if len(people) <= MOST_NAMED]
        people = [*guests, *objects, *(address for of_group in members for address in sorted(of_group))]
        if any(kind in ATTRIBUTES for kind, _value in vocabulary.keys.get(slot, ())):
            people += strangers_with_attributes(facts)
        if slot == SENDER and vocabulary.managers:
            people += _named_managed(facts)
        vocabulary.mention(slot, (("address", address) for address in people if domain(address)))


def _named_managed(facts: Facts) -> list[str]:
    """Everybody with a manager; nobody if they are too many."""
    managed = facts.people.managers or {}
    return sorted(managed) if len(managed) <= MOST_NAMED else []


def named_guests(facts: Facts) -> list[str] | None:
    """Guests and mail users with an address outside, by name; ``None`` if they are unknown, or too many."""
    return (
        None
        if facts.guests is None or facts.people.mailboxes is not None or len(facts.guests) > MOST_NAMED
        else sorted(facts.guests)
    )


def strangers_with_attributes(facts: Facts) -> list[str]:
    """People with known attributes who may not be objects of the organization. Attributes of other people are ignored."""
    return sorted(
        address
        for address in facts.people.attributes or ()
        if facts.is_object(address) is None and not facts.people.is_contact(address)
    )


#: How the manager of a sender is called where nobody knows who that is.
THE_MANAGER = "the sender's manager"


#: What an incident report has in it with the whole message.
_WHOLE = "attachoriginalmail"


@dataclass(frozen=True)
class Showing:
    """Somebody who may be outside, and to whom a rule shows whatever it acts on.

    :param asks: whether it asks them for an approval; otherwise it sends them incident reports with the original mail.
    :param senders: of whose mail that is so: ``None`` for all; nobody for those who have a manager, where nobody knows
        the managers.
    """

    rule: FlowRule
    person: Recipient
    asks: bool
    senders: tuple[str, ...] | None = None

    @property
    def reason(self) -> Reason:
        """What is not known about it."""
        kind: ReasonKind = "shown_for_approval" if self.asks else "shown_in_report"
        field = "facts.managers" if self.person.label == THE_MANAGER else ""
        return Reason(SHOWN, kind, (self.person.label, self.rule.name), field)


def showings(rules: Iterable[FlowRule], facts: Facts) -> Iterator[Showing]:
    """The ones who may be outside."""
    for rule in rules:
        every = (
            []
            if rule.idle
            else [
                Showing(rule, who, asks, senders)
                for shown_person, asks, senders in _shown_to(rule, facts)
                for who in people_behind(facts, shown_person)
            ]
        )
        yield from (showing for showing in every if recipient_outside(facts, showing.person.address) is not False)


def _shown_to(rule: FlowRule, facts: Facts) -> Iterator[tuple[str, bool, tuple[str, ...] | None]]:
    """The people to whom a rule shows a message, whether it asks them for an approval, and of whose mail that is so."""
    content = rule.actions.options.get("incident_report_content") or ()
    if "generate_incident_report" in rule.actions.options and _WHOLE in {
        str(part).lower() for part in ([content] if isinstance(content, str) else content)
    }:
        yield person(str(rule.actions.options["generate_incident_report"])), False, None
    asks = rule.actions.does(Does.MODERATE) if rule.actions.enforced else {}
    yield from ((str(approver), True, None) for approver in asks.get("moderate_message_by_user") or ())
    if asks.get("moderate_message_by_manager"):
        yield from (
            [(THE_MANAGER, True, ())]
            if facts.people.managers is None
            else [(manager, True, senders) for manager, senders in facts.people.teams.items()]
        )
