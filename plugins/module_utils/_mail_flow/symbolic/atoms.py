# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules and claims mention, by what they look at.

A condition is true if one of its values matches. Each value is an atom of the text, address or property that the
condition looks at (``conditions.keys``).

Rules also mention whom they bring, and who else sees a message.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..actions.act import ActingRule
from ..actions.brought_people import brings_manager, looks_at_manager, named_by
from ..conditions.copies import members_in_fields
from ..conditions.keys import ATTRIBUTES, MOST_NAMED, RECIPIENT, SAME_AS, SENDER, WRITTEN, Key, is_open, wider
from ..conditions.predicate import Atom, Reach
from ..model.addresses import domain, spellings, with_parents
from ..model.connectors import named_domains
from ..model.facts import Facts
from ..model.message_recipients import people_behind
from ..rules.dlp_rules import DlpRules
from ..rules.rule_set import RuleSet
from ..simulator.disclosures import disclosures

#: Sorts of atoms whose values have a domain.
_DOMAINS = ("address", "below")


@dataclass
class Vocabulary:
    """Everything that rules and claims mention.

    :param keys: slot to its atoms, in the order of first mention.
    :param exact: slot of addresses to the domains for which it matters whether an address is in the domain itself.
    :param fields: addresses that a condition looks for in the To or Cc field.
    :param members: whether a condition looks there for members of groups who are not among these.
    :param envelope: whether a condition looks at the envelope's sender, and :param:`managers` whether a rule looks at
        who has a manager.
    :param mailboxes: whether it matters who has a mailbox.
    """

    keys: dict[str, dict[Key, None]] = field(default_factory=dict)
    exact: dict[str, None] = field(default_factory=dict)
    fields: dict[str, None] = field(default_factory=dict)
    members: bool = False
    envelope: bool = False
    managers: bool = False
    mailboxes: bool = False

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
            _with_brought(vocabulary, rule, facts)
            shown = (disclosure.person.address for disclosure in disclosures([rule], facts))
            vocabulary.mention(RECIPIENT, (("address", address) for address in shown if domain(address)))
        for atom in rules.atoms:
            _with_condition(vocabulary, atom, facts)
    policies = facts.encrypters.dlp_policies
    for sending in policies.sending if isinstance(policies, DlpRules) else ():
        _with_brought(vocabulary, sending.as_sending(RuleSet([])), facts)
    _with_domains(vocabulary, facts, named_domains(facts.connectors.outbound or ()) if transit else ())
    vocabulary.mailboxes = transit and facts.domains.relays
    _with_people(vocabulary, facts)
    return vocabulary


def _with_brought(vocabulary: Vocabulary, rule: ActingRule, facts: Facts) -> None:
    """Adds the people to whom the actions of a rule send mail."""
    added = named_by(rule, facts)
    managers = sorted(set((facts.people.managers or {}).values())) if brings_manager(rule) else []
    asked = [*added, *(managers if len(managers) <= MOST_NAMED else ())]
    lists = [people for option in asked if len(people := people_behind(facts, option)) <= MOST_NAMED]
    brought = [person.address for people in lists for person in people]
    addresses = [address for address in (*added, *brought) if domain(address)]
    vocabulary.mention(RECIPIENT, [("address", address) for address in addresses])
    vocabulary.managers |= looks_at_manager(rule)


#: The sorts of keys that a condition may find in an address as it is written.
_IN_WRITTEN = ("word", "pattern", "below", "address")


def _with_condition(vocabulary: Vocabulary, atom: Atom, facts: Facts) -> None:
    """Adds what a condition looks for, and where."""
    vocabulary.look(atom)
    if atom.predicate.slots and atom.watches_aliases:
        vocabulary.mention(WRITTEN, (key for key in atom.keys if key[0] in _IN_WRITTEN))
    if atom.predicate.fields:
        if atom.predicate.sort == "member":
            members = members_in_fields(facts, atom.values)
            vocabulary.members |= members.others
            vocabulary.fields.update(dict.fromkeys(members.modeled))
            vocabulary.mention(RECIPIENT, (("address", address) for address in members.modeled))
        else:
            vocabulary.fields.update(dict.fromkeys(atom.values))
    if atom.reach is Reach.RELATION:
        for slot in (SENDER, RECIPIENT):
            vocabulary.mention(slot, (("member", group) for group in atom.groups))
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
