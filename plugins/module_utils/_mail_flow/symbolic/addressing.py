# SPDX-License-Identifier: GPL-3.0-or-later
"""How a sender addresses a message: the sender of the envelope, the fields that name people, and their aliases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..conditions.keys import Key
from ..conditions.predicate import Atom
from ..formula import Literal
from ..model.facts import Facts
from ..sat.circuit import Circuit
from .address import AddressSlot
from .text_relations import relate_texts


class Envelope:
    """The sender of the envelope: the From field's address, another one, or none (an automatic reply).

    :param same: whether it is the From field's address.
    :param empty: whether there is none.
    :param sender: its address; ``None`` if no condition looks at it.
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        # Negated and first, so that the envelope repeats the From field in a model unless it matters.
        self.same = ~circuit.variable("other envelope")
        self.empty = circuit.variable("empty envelope")
        circuit.decide_together((self.same, self.empty))
        self.sender: AddressSlot | None = None

    def set_sender(self, sender: AddressSlot, of_field: AddressSlot) -> None:
        """Gives it an address, with the relations to that of the From field."""
        self.sender = sender
        self._circuit.add(~self.same, ~self.empty)
        pairs = [(literal, sender[key]) for key, literal in of_field.atoms.items()]
        for one, other in [*pairs, (of_field.object, sender.object), (of_field.managed, sender.managed)]:
            self._circuit.add(~self.same, ~one, other)
            self._circuit.add(~self.same, one, ~other)


class Addressing:
    """At which addresses, and in which fields, the sender writes to people.

    :param direct: whether the sender writes to the recipient's primary address, and not to an alias;
        :param:`others_direct`: whether to that of everybody else.
    :param watches_aliases: whether it matters to a condition at which address somebody is written to.
    :param perhaps_named: address that a condition looks for in fields to what says that these name its owner by an
        alias (U24).
    """

    def __init__(self, circuit: Circuit, facts: Facts, *, watches_aliases: bool) -> None:
        self._circuit = circuit
        self._facts = facts
        # Negated, so that mail to primary addresses is what a model has unless it matters.
        self.direct = ~circuit.variable("at an alias")
        self.others_direct = ~circuit.variable("others at an alias")
        self.watches_aliases = watches_aliases
        self.perhaps_named: dict[str, dict[Literal, None]] = {}

    @property
    def ways_to_write(self) -> list[list[Literal]]:
        """The ways to write to people, in order: at an alias only if nothing else shows what is searched for."""
        return [[self.direct, self.others_direct], []] if self.watches_aliases else [[]]

    def named(self, address: str, field: str) -> Literal:
        """Whether a field contains an address."""
        return self._circuit.variable((field, address))

    @property
    def members_named(self) -> Literal:
        """Whether the fields may name members of groups that conditions look for there."""
        return self._circuit.variable("members in fields")

    @property
    def more_in_from(self) -> Literal:
        """Whether the From field holds more than the sender's primary address: a name, or an alias."""
        return self._circuit.variable("more in the From field")

    def relate_alias(self, atoms: Mapping[Key, Literal], direct: Literal) -> None:
        """Adds the relations between the atoms of the address at which the sender writes to somebody.

        :param direct: whether that is the primary address.
        """
        relate_texts(self._circuit, atoms)
        for (sort, value), literal in atoms.items():
            # A primary address is nobody else's alias. A group's stands for its members.
            if sort == "address" and self._facts.is_object(value) and value not in self._facts.groups.expanded:
                self._circuit.add(direct, ~literal)


def address_types_differ(atoms: Iterable[Atom]) -> bool:
    """Whether conditions with different address types look for one address in fields: they may not take an alias alike."""
    sought = {
        (address, atom.settings.address_type) for atom in atoms if atom.predicate.fields for address in atom.values
    }
    return len(sought) > len({address for address, _type in sought})
