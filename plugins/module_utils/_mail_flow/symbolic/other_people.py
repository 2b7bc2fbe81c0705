# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a message beside its sender and the followed recipient: those whom rules add, and other recipients."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from ..conditions.copies import SHOWN_FIELDS
from ..conditions.keys import RECIPIENT, Key
from ..formula import FALSE, Literal
from ..model.facts import Facts
from ..sat.circuit import Circuit
from .address import AddressSlot
from .addressing import Addressing
from .logic import Logic
from .message_people import People


class AddedPeople:
    """People whom rules add, and to whom they show a message.

    :param people: makes their addresses.
    :param recipient: the recipient who is followed.
    :param slots: primary address of somebody whom a rule names to the variables of that address.
    """

    def __init__(self, circuit: Circuit, facts: Facts, people: People, recipient: AddressSlot) -> None:
        self._circuit = circuit
        self._facts = facts
        self._people = people
        self._recipient = recipient
        self.slots: dict[str, AddressSlot] = {}
        self._unnamed: dict[Hashable, AddressSlot] = {}

    def added(self, address: str) -> AddressSlot:
        """Somebody whom a rule adds."""
        primary = self._facts.people.primary(address)
        if primary not in self.slots:
            slot = self.slots[primary] = self._people.address(f"added {primary}", RECIPIENT, primary)
            self._circuit.add(slot["address", primary])
        return self.slots[primary]

    def shown(self, logic: Logic, address: str) -> AddressSlot:
        """Somebody to whom a rule shows a message."""
        if ("address", address) in self._recipient.atoms:
            return self.added(address)
        return self.one_of(logic, (), "shown", address)

    def one_of(self, logic: Logic, people: Iterable[str], *name: Hashable) -> AddressSlot:
        """One of the people whom a rule adds.

        :param people: the primary addresses of all; empty if it may be anybody, who is then unknown.
        :param name: what makes it the same one.
        """
        slot = self._unnamed.get(name)
        if slot is None:
            slot = self._unnamed[name] = self._people.address(f"added {name}", RECIPIENT)
            for group in self._facts.groups.expanded:
                self._circuit.add(~slot.atoms.get(("address", group), FALSE))
            known = [slot["address", address] for address in people]
            if known:
                self._circuit.add(*known)
        if not people and logic.free:
            logic.questions.update(
                dict.fromkeys(sorted({*slot.atoms.values(), slot.named, slot.placed, slot.object, slot.managed}))
            )
        return slot


@dataclass(frozen=True)
class Companion:
    """Another recipient of the message: for one word or address, or anybody.

    :param there: whether there is such a recipient at all.
    :param at_alias: whether the sender wrote to them at an alias; :param:`alias`: its atoms.
    """

    slot: AddressSlot
    there: Literal
    at_alias: Literal
    alias: Mapping[Key, Literal]


class Companions:
    """Other possible recipients of the message.

    :param written: the keys of atoms of the address at which the sender wrote to somebody.
    """

    def __init__(
        self,
        circuit: Circuit,
        facts: Facts,
        people: People,
        recipient: AddressSlot,
        addressing: Addressing,
        written: Iterable[Key],
    ) -> None:
        self._circuit = circuit
        self._facts = facts
        self._people = people
        self._recipient = recipient
        self._addressing = addressing
        self._written = tuple(written)
        self._known: dict[Key, Companion] = {}

    def companion(self, key: Key) -> Companion:
        """Another possible recipient, for an atom."""
        known = self._known.get(key)
        if known is not None:
            return known
        slot = self._people.address(f"companion {key[0]} {key[1]}", RECIPIENT, key[1] if key[0] == "address" else "")
        there = self._circuit.variable((slot.name, "there"))
        if key[0] == "address":
            self._relate_to_fields(slot, key, there)
        self._relate_to_recipient(slot, there)
        at_alias = FALSE
        alias = dict[Key, Literal]()
        if self._addressing.watches_aliases and key[0] != "address":
            at_alias = self._circuit.variable((slot.name, "at alias"))
            alias = {written: self._circuit.variable((slot.name, "alias", *written)) for written in self._written}
            self._addressing.relate_alias(alias, self._addressing.others_direct)
            self._circuit.add(~at_alias, ~self._addressing.others_direct)
        companion = self._known[key] = Companion(slot, there, at_alias, alias)
        return companion

    def _relate_to_fields(self, slot: AddressSlot, key: Key, there: Literal) -> None:
        """Somebody named by a field gets the message: as another recipient, or as the followed one."""
        self._circuit.add(slot[key])
        named = self._circuit.disjunction([self._addressing.named(key[1], field) for field in SHOWN_FIELDS])
        self._circuit.add(there, ~named, self._recipient[key])
        self._circuit.add(~there, named)

    def _relate_to_recipient(self, slot: AddressSlot, there: Literal) -> None:
        """Another person: two people have two addresses, and no group is a person."""
        for value in slot.values("address"):
            itself = () if value in self._facts.groups.expanded else (~self._recipient["address", value],)
            self._circuit.add(~there, ~slot["address", value], *itself)
        for number in slot.values("profile"):
            if slot.profiles.is_one(number):
                self._circuit.add(~there, ~slot["profile", number], ~self._recipient["profile", number])
