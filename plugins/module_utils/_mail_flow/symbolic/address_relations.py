# SPDX-License-Identifier: GPL-3.0-or-later
"""The relations between the variables of an address: they exclude what no address can be at once.

A wrong relation would be a false proof; a missing one only costs trying a message that does not exist.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._resources.rules.unmatchable_values import is_no_domain
from ..conditions.keys import ATTRIBUTES, MOST_NAMED, Key
from ..formula import Literal
from ..model.addresses import domain, with_parents
from ..model.expressions import Dialect
from ..model.patterns import any_pattern, begins_anywhere, has_pattern
from ..model.words import any_word, has_word, words_by_token, words_in
from ..sat.circuit import Circuit
from .address import AddressSlot
from .atoms import strangers_with_attributes
from .profiles import doubtful_keys
from .text_relations import MOST_PAIRS, relate_texts


class AddressRelations:
    """Adds the relations between the variables of one address."""

    def __init__(self, circuit: Circuit, slot: AddressSlot) -> None:
        self._circuit = circuit
        self._slot = slot
        self._atoms = slot.atoms
        self._facts = slot.facts

    def add(self) -> None:
        """Adds all relations."""
        slot = self._slot
        relate_texts(self._circuit, self._atoms)
        people = slot.values("address")
        known = [literal for (sort, _value), literal in self._atoms.items() if sort in ("address", "profile")]
        self._circuit.at_most_one(known)
        self._is_any(slot.named, known)
        self._is_any(slot.placed, [self._atoms["below", name] for name in slot.values("below")])
        self._relate_domains(people)
        self._relate_words(people)
        self._relate_endings()
        self._relate_members(people)
        self._relate_directory(people)
        self._relate_profiles()
        for address in people:
            for key in doubtful_keys(self._facts, address, self._atoms):
                self._has(("address", address), key, sure=False)
        sorts = ("address", "profile", "below", "exact", "member", "attribute word", "attribute pattern")
        choices = [literal for (sort, _value), literal in self._atoms.items() if sort in sorts]
        self._circuit.decide_together([slot.named, slot.placed, *choices, slot.object, slot.managed])

    def _is_any(self, whole: Literal, literals: list[Literal]) -> None:
        for literal in literals:
            self._circuit.add(~literal, whole)
        self._circuit.add(~whole, *literals)

    def _has(self, who: Key, key: Key, *, sure: bool) -> None:
        """A named address, or everybody with a profile, has an atom, or may have it."""
        if sure:
            self._circuit.add(~self._atoms[who], self._slot.literal(key))
        else:
            self._slot.doubtful.setdefault(key, []).append(who)

    def _only(self, key: Key, people: Iterable[str]) -> None:
        """No other named address has an atom."""
        others = [self._atoms["profile", number] for number in self._slot.profiles.with_atom.get(key, ())]
        every = (self._atoms["address", address] for address in people)
        self._circuit.add(~self._slot.named, ~self._atoms[key], *every, *others)

    def _relate_domains(self, people: list[str]) -> None:
        """L5 to L8: a domain lies in its parents; an address has one domain, and none that is no domain."""
        self._relate_parents()
        inside: dict[Key, list[str]] = {key: [] for key in self._atoms if key[0] in ("below", "exact")}
        for address in people:
            name = domain(address)
            domains: list[Key] = [*(("below", parent) for parent in with_parents(name)), ("exact", name)]
            for key in filter(inside.__contains__, domains):
                inside[key].append(address)
                self._circuit.add(~self._atoms["address", address], self._atoms[key])
        for key, inhabitants in inside.items():
            self._only(key, inhabitants)

    def _relate_parents(self) -> None:
        """L5 and L6: a domain lies in its parents, and an address is in none of two domains beside each other."""
        add = self._circuit.add
        atoms = self._atoms
        names = set(self._slot.values("below"))
        children: dict[str, list[Literal]] = {}
        for name in sorted(filter(is_no_domain, names)):
            add(~atoms["below", name])
        for name in sorted(names):
            parent = next((above for above in with_parents(name)[1:] if above in names), "")
            children.setdefault(parent, []).append(atoms["below", name])
            if parent:
                add(~atoms["below", name], atoms["below", parent])
            if ("exact", name) in atoms:
                children.setdefault(name, []).append(atoms["exact", name])
                add(~atoms["exact", name], atoms["below", name])
        for _parent, exclusive in sorted(children.items()):
            self._circuit.at_most_one(exclusive)

    def _relate_words(self, people: list[str]) -> None:
        """Words and patterns in named addresses."""
        index = words_by_token(self._slot.values("word"))
        patterns = self._slot.values("pattern")
        hits: dict[Key, list[str]] = {key: [] for key in self._atoms if key[0] in ("word", "pattern")}
        for address in people:
            found: list[tuple[Key, bool]] = [(("word", word), sure) for word, sure in words_in(address, index)]
            for pattern, dialect in patterns:
                matches = any_pattern(address, (pattern,), dialect)
                found += [] if matches is False else [(("pattern", (pattern, dialect)), matches is True)]
            for key, sure in found:
                hits[key].append(address)
                self._has(("address", address), key, sure=sure)
        for key, addresses in hits.items():
            self._only(key, addresses)

    def _relate_endings(self) -> None:
        """Words and patterns in domains: every address in a domain ends with it, after ``@`` or a dot."""
        ends: list[tuple[Literal, tuple[str, ...]]] = [
            (self._atoms["below", name], (f"@{name}", f".{name}")) for name in self._slot.values("below")
        ]
        ends += [(self._atoms["exact", name], (f"@{name}",)) for name in self._slot.values("exact")]
        self._relate_words_at_end(ends)
        patterns = self._slot.values("pattern")
        if len(ends) * len(patterns) <= MOST_PAIRS:
            for pattern in patterns:
                self._relate_pattern_at_end(pattern, ends)

    def _relate_words_at_end(self, ends: Iterable[tuple[Literal, tuple[str, ...]]]) -> None:
        """Words in domains.

        :param ends: whether an address is in a domain, with the texts with one of which it then ends.
        """
        index = words_by_token(self._slot.values("word"))
        for literal, texts in ends:
            # A letter, or something else, may come before it.
            whole = [f"{before}{text}" for text in texts for before in "q-"]
            for word, sure in words_in(whole[0], index):
                if sure and all(has_word(text, word) is True for text in whole):
                    self._circuit.add(~literal, self._atoms["word", word])

    def _relate_pattern_at_end(self, value: Key, ends: Iterable[tuple[Literal, tuple[str, ...]]]) -> None:
        """A pattern in domains.

        :param value: the pattern, and how it is read; :param:`ends`: as for words.
        """
        pattern, dialect = value
        if not begins_anywhere(pattern, dialect):
            return
        for literal, texts in ends:
            if all(has_pattern(text, pattern, dialect) is True for text in texts):
                self._circuit.add(~literal, self._atoms["pattern", value])

    def _relate_members(self, people: list[str]) -> None:
        """Membership of groups whose members are known."""
        groups = self._facts.groups
        for group in self._slot.values("member"):
            if groups.members is None or group not in groups.members:
                continue
            every = groups.members_of(group)
            direct = groups.members[group]
            members = [address for address in people if address in every]
            self._only(("member", group), members)
            for address in members:
                self._has(("address", address), ("member", group), sure=address in direct)
            if len(every) <= MOST_NAMED or self._slot.profiles.covers(every):
                self._circuit.add(~self._atoms["member", group], self._slot.named)

    def _relate_directory(self, people: list[str]) -> None:
        """The organization's objects, with their known attributes and managers."""
        for address in people:
            self._relate_person(address)
        self._relate_attributes()
        self._relate_managers()
        if self._facts.people.mailboxes is not None:
            self._circuit.add(~self._slot.object, self._slot.named)

    def _relate_person(self, address: str) -> None:
        """Whether somebody is an object of the organization and has a manager, and with which attributes."""
        slot = self._slot
        facts = self._facts
        literal = ~self._atoms["address", address]
        known = facts.is_object(address)
        if known is not None or facts.people.is_contact(address):
            self._circuit.add(literal, slot.object if known else ~slot.object)
        if facts.people.managers is not None:
            self._circuit.add(literal, slot.managed if facts.people.manager(address) else ~slot.managed)
        for sort, value in self._atoms:
            if sort in ATTRIBUTES:
                self._relate_attribute(address, sort, value)

    def _relate_attribute(self, address: str, sort: str, value: tuple[str, str, Dialect]) -> None:
        name, wanted, dialect = value
        text = self._facts.attribute(address, name)
        if text is None:
            return
        matches = bool(text) and (
            any_word(text, (wanted,)) if sort == "attribute word" else any_pattern(text, (wanted,), dialect)
        )
        if matches is False:
            self._circuit.add(~self._atoms["address", address], ~self._atoms[sort, value])
        else:
            self._has(("address", address), (sort, value), sure=matches is True)

    def _relate_attributes(self) -> None:
        """Nobody but objects of the organization, and strangers whose attributes are known, has an attribute."""
        known = [("address", address) for address in strangers_with_attributes(self._facts)]
        strangers = [self._atoms[key] for key in known if key in self._atoms]
        for sort, value in self._atoms:
            if sort in ATTRIBUTES:
                self._circuit.add(~self._atoms[sort, value], self._slot.object, *strangers)

    def _relate_managers(self) -> None:
        """Nobody has a manager but those of whom it is known."""
        managers = self._facts.people.managers
        known = [("address", person) for person in managers or ()]
        if managers is not None and all(key in self._atoms for key in known):
            self._circuit.add(~self._slot.managed, *(self._atoms[key] for key in known))
        elif self._slot.profiles.covers(managers or ()):
            self._circuit.add(~self._slot.managed, self._slot.named)

    def _relate_profiles(self) -> None:
        """What people in a large directory have, and what they lack."""
        profiles = self._slot.profiles
        for number, profile in enumerate(profiles.profiles):
            who: Key = ("profile", number)
            self._circuit.add(~self._atoms[who], self._slot.object)
            for key, sure in profile.has.items():
                self._has(who, key, sure=sure)
            for key in profiles.of_directory:
                if key not in profile.has and key not in profile.free:
                    self._circuit.add(~self._atoms[who], ~self._slot.literal(key))
