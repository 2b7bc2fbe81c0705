# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules and claims mention, sorted by what they look at. Private to the collection.

A condition is true where one of its values hits. Each value is an atom of the text, the address or the property that the condition looks at, so the
same value is the same atom in whatever list it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import domain, is_name, with_parents
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import named_domains
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.disclosures import showings
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.expressions import Dialect
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.patterns import is_agreed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicate import ATTRIBUTES, HEADER, RECIPIENT, SENDER, SUBJECT
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom, FlowRule, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.widening import widened

#: An atom of a slot: its sort and its value.
Key = tuple[str, Any]

#: So many people of a group or of the directory are told apart by name.
MOST_NAMED = 300

#: The option of the action that names people who get the message instead of its recipients, and those who get it, too.
REDIRECTS = "redirect_message_to"
ADDING = ("add_to_recipients", "copy_to", "blind_copy_to", REDIRECTS)

#: The option of the action that brings the message to the sender's manager.
MANAGER = "add_manager_as_recipient_type"


def redirected_to(rule: FlowRule, facts: Facts) -> list[str]:
    """Whom a rule sends the message to instead, by the primary address, as far as they are told apart."""
    groups = (facts.brought(str(each)) for each in rule.actions.get(REDIRECTS) or ())
    return [person.address for people in groups if len(people) <= MOST_NAMED for person in people if not is_name(person.address)]


def brought_by(rule: FlowRule, facts: Facts) -> Iterator[tuple[str, str, tuple[str, ...] | None]]:
    """Whom a rule brings a message, as far as that is known: each option that does, the primary address, or the name of somebody whose address is not
    known, and the senders of whose mail that is so; ``None`` for all. Of groups their members, and of managers all that are known.
    """
    for option in ADDING:
        for each in rule.actions.get(option) or ():
            yield from ((option, person.address, None) for person in facts.brought(str(each)))
    if rule.actions.get(MANAGER):
        yield from ((MANAGER, person.address, senders) for manager, senders in facts.teams.items() for person in facts.brought(manager))


#: The address that the sender wrote for the recipient: the primary one, or an alias.
WRITTEN = "written"

#: Header that repeats what the message says elsewhere, to the slot that says it.
SAME_AS = {"header subject": SUBJECT, "header from": SENDER}


def keys_of(atom: Atom) -> list[Key]:
    """The atoms of a condition's values: one of them is enough."""
    sort = atom.predicate.sort
    found: list[Key] = []
    for value in atom.predicate.shown(atom.values)[1] if atom.predicate.slots else ():
        if sort == "word":
            found.append((sort, value.lower()))
        elif sort == "pattern":
            found.append((sort, (value, atom.settings.dialect)))
        elif sort in ATTRIBUTES:
            name, _colon, wanted = value.partition(":")
            parts = [part.strip() for part in wanted.split(",") if part.strip()]
            found += [(sort, (name.strip().lower(), part, atom.settings.dialect)) for part in parts]
        elif sort == "property":
            name, _colon, wanted = value.partition(":")
            found += [(sort, (name.strip().casefold(), word)) for word in (part.strip() for part in wanted.split(",")) if word]
        elif sort == "extension":
            found.append((sort, value.casefold().lstrip(".")))
        else:
            found.append((sort, value))
    return list(dict.fromkeys(found))


def is_open(key: Key) -> bool:
    """Whether an atom is a pattern about whose meaning the sources do not agree (U18)."""
    sort, value = key
    return (sort == "pattern" and not is_agreed(*value)) or (sort == "attribute pattern" and not is_agreed(*value[1:]))


def wider(key: Key) -> Key | None:
    """Of a pattern without an agreed meaning one with such that is found wherever it may be; ``None`` where there is none that says anything."""
    sort, value = key
    pattern, dialect = value[-2:]
    found = widened(pattern, dialect is Dialect.LEGACY)
    return (sort, (*value[:-2], found, Dialect.AGREED)) if found else None


def slots_of(atom: Atom) -> tuple[str, ...]:
    """The slots that a condition with a list of values looks at."""
    slots = atom.predicate.slots
    return (f"header {atom.values[0].lower()}",) if slots == (HEADER,) else slots


@dataclass
class Vocabulary:
    """What is mentioned.

    :param keys: slot to its atoms, in the order of first mention.
    :param exact: slot of addresses to domains of which it matters whether an address is in the domain itself.
    :param fields: addresses that a condition looks for in the To or Cc field.
    :param members: whether a condition looks for members of groups there.
    :param envelope: whether a condition looks at the envelope's sender, and :param:`managers` whether a rule looks at who has a manager.
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
            wide = wider(key) if is_open(key) else None
            if wide:
                noted[wide] = None

    def of(self, slot: str, sort: str) -> list[Any]:
        """The values of a sort in a slot."""
        return [value for kind, value in self.keys.get(slot, ()) if kind == sort]

    def parents(self, slot: str) -> set[str]:
        """The domains below which a slot of addresses mentions anything."""
        names = (*self.of(slot, "below"), *map(domain, self.of(slot, "address")))
        return {parent for name in names for parent in with_parents(name)[1:]}


def vocabulary_of(rule_sets: Iterable[RuleSet], facts: Facts, *, transit: bool = False) -> Vocabulary:
    """What rules and claims mention, and what of the facts has a part in it.

    :param transit: whether it matters how mail leaves.
    """
    found = Vocabulary()
    for rules in rule_sets:
        for rule in rules.rules:
            added = [facts.primary(str(address)) for option in ADDING for address in rule.actions.get(option) or ()]
            managers = sorted(set((facts.managers or {}).values())) if rule.actions.get(MANAGER) else []
            people = (facts.brought(each) for each in (*added, *(managers if len(managers) <= MOST_NAMED else ())))
            brought = (person.address for each in people if len(each) <= MOST_NAMED for person in each)
            found.mention(RECIPIENT, (("address", address) for address in (*added, *brought) if domain(address)))
            found.mention(RECIPIENT, (("address", each.person.address) for each in showings([rule], facts) if domain(each.person.address)))
            found.managers |= bool({"moderate_message_by_manager", MANAGER} & set(rule.actions))
        for atom in rules.atoms:
            for slot in slots_of(atom):
                found.mention(slot, keys_of(atom))
                if slot in SAME_AS:
                    found.mention(SAME_AS[slot], keys_of(atom))
            if atom.predicate.slots and watches_aliases(atom):
                found.mention(WRITTEN, (key for key in keys_of(atom) if key[0] in ("word", "pattern", "below", "address")))
            if atom.predicate.fields:
                members = atom.predicate.sort == "member"
                found.members |= members
                found.fields.update(dict.fromkeys(() if members else atom.values))
            found.envelope |= atom.settings.location != "Header" and atom.predicate.of_sender
    _with_domains(found, facts, named_domains(facts.outbound_connectors or ()) if transit else ())
    _with_people(found, facts)
    return found


def watches_aliases(atom: Atom) -> bool:
    """Whether it may matter to a condition at which address somebody is written to."""
    return atom.predicate.of_recipient and atom.settings.address_type == "Original"


def looks_at_written(atom: Atom) -> bool:
    """Whether a condition looks at the addresses that the sender wrote."""
    return atom.predicate.as_written and watches_aliases(atom)


def _with_domains(found: Vocabulary, facts: Facts, others: Iterable[str]) -> None:
    names = {*others, *(accepted.name for accepted in facts.accepted_domains or ())}
    names |= {name.removeprefix("*.") for name in facts.remote_domains or {} if name != "*"}
    found.exact.update(dict.fromkeys(sorted(names)))
    for slot in (SENDER, RECIPIENT):
        found.mention(slot, (("below", name) for name in sorted(names)))


def _with_people(found: Vocabulary, facts: Facts) -> None:
    """Whoever is in a list that is complete gets a name of their own, unless they are too many; as a sender also who has a manager, where that matters."""
    objects = sorted({*(facts.mailboxes or ()), *(facts.mail_users or ()), *(facts.groups or ())}) if facts.mailboxes is not None else []
    guests = named_guests(facts) or []
    for slot in (SENDER, RECIPIENT):
        groups = [group for group in found.of(slot, "member") if group in (facts.groups or {})]
        members = [sorted(facts.members_of(group)) for group in groups]
        managed = sorted(facts.managers or {}) if slot == SENDER and found.managers and len(facts.managers or {}) <= MOST_NAMED else []
        people = [*guests, *objects[: MOST_NAMED + 1], *(address for each in members if len(each) <= MOST_NAMED for address in each)]
        if len(objects) > MOST_NAMED:
            people = people[MOST_NAMED + 1 :]
        if any(kind in ATTRIBUTES for kind, _value in found.keys.get(slot, ())):
            people += strangers_with_attributes(facts)
        found.mention(slot, (("address", address) for address in (*people, *managed) if domain(address)))


def named_guests(facts: Facts) -> list[str] | None:
    """Guests and mail users with an address outside, each of whom has a name of their own; ``None`` where they are not known, or too many."""
    return None if facts.guests is None or facts.mailboxes is not None or len(facts.guests) > MOST_NAMED else sorted(facts.guests)


def strangers_with_attributes(facts: Facts) -> list[str]:
    """Those of whom attributes are known, but not whether they are objects of the organization. Of nobody else the attributes count."""
    return sorted(address for address in facts.attributes or () if facts.is_object(address) is None and not facts.is_contact(address))
