# SPDX-License-Identifier: GPL-3.0-or-later
"""The people of a message, and what is assumed about all of them."""

from __future__ import annotations

from collections.abc import Callable

from ..conditions.formulas import AddressVariables
from ..conditions.keys import ATTRIBUTES, RECIPIENT, SENDER
from ..formula import Literal
from ..model import questions
from ..model.domains import INSIDE, RELAYED
from ..model.facts import Facts
from ..sat.circuit import Circuit
from .address import AddressSlot
from .address_relations import AddressRelations
from .atoms import Vocabulary, named_guests
from .profiles import Profiles


class People:
    """Whoever sends a message or gets it: each person's address, and whether it is inside.

    :param assume: makes the variable of an assumption, and names it with claims where it is wanted.
    """

    def __init__(self, circuit: Circuit, vocabulary: Vocabulary, facts: Facts, assume: Callable[..., Literal]) -> None:
        self.circuit = circuit
        self.vocabulary = vocabulary
        self.facts = facts
        directory = facts.people.mailboxes is not None
        attributes = any(
            sort in ATTRIBUTES for slot in (SENDER, RECIPIENT) for sort, _value in vocabulary.keys.get(slot, ())
        )
        self._named_guests = named_guests(facts)
        self._profiles = {kind: Profiles(vocabulary, facts, kind) for kind in (SENDER, RECIPIENT)}
        self._guests = assume(
            questions.GUESTS,
            "guests_left_out" if facts.guests else "no_guests",
            not directory and self._named_guests is None,
            seen=attributes or bool(facts.people.mail_users or facts.groups.members),
            of_mail=False,
        )
        known = facts.are_all_outside_guests if directory else self._named_guests is not None
        self._guests_send = assume(questions.GUESTS, "guests_send_nothing", known and bool(facts.guests), of_mail=False)
        self._objects = assume(
            questions.UNAUTHENTICATED_INSIDE,
            "all_in_directory",
            True,
            seen=directory or bool(facts.people.contacts),
        )
        self._internal = assume(
            questions.REMOTE_DOMAINS,
            "no_internal_domains",
            facts.domains.remote is None,
            of_mail=False,
        )

    def address(self, name: str, kind: str, whose: str = "") -> AddressSlot:
        """A person's address, with the assumptions about all people.

        :param whose: the address, if there is no choice. Its known facts would contradict an assumption for all mail.
        """
        slot = AddressSlot(self.circuit, name, kind, self.vocabulary, self.facts, self._profiles[kind])
        AddressRelations(self.circuit, slot).add()
        add = self.circuit.add
        inside = self.inside(slot)
        known = bool(whose) and (self.facts.is_object(whose) is not None or self.facts.people.is_contact(whose))
        guest = slot.object & ~inside
        if self.facts.people.mailboxes is None and not known:
            if self._named_guests is None:
                add(~self._guests, ~guest)
            else:
                add(~guest, *(slot["address", address] for address in self._named_guests))
        if kind == SENDER and not known:
            add(~self._guests_send, ~guest, ~self.circuit.variable("authenticated"))
        if kind == RECIPIENT:
            if not known:
                # Of a domain that is shared with other servers, not everybody is.
                add(~self._objects, ~inside, slot.in_accepted((RELAYED,)), slot.object)
            if self.facts.domains.remote is None:
                add(~self._internal, ~self.internal(slot))
        return slot

    def inside(self, slot: AddressVariables) -> Literal:
        """Whether an address is in a domain whose people are inside."""
        if self.facts.domains.accepted is None:
            return self.circuit.variable((slot.name, "accepted"))
        return slot.in_accepted(INSIDE)

    def internal(self, slot: AddressVariables) -> Literal:
        """Whether a remote domain makes the person internal."""
        return (
            self.circuit.variable((slot.name, "internal")) if self.facts.domains.remote is None else slot.in_internal()
        )
