# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses of all people of a message, with what is assumed about people. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import INSIDE, Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicate import (
    ATTRIBUTES,
    RECIPIENT,
    SENDER,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.formula import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.address import AddressSlot
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import (
    Vocabulary,
    named_guests,
)


class People:
    """Whoever sends a message or gets it: each person's address, and whether it is inside.

    :param assume: makes the variable of an assumption, and names it with claims where it is wanted.
    """

    def __init__(self, circuit: Circuit, vocabulary: Vocabulary, facts: Facts, assume: Callable[..., int]) -> None:
        self.circuit, self.vocabulary, self.facts = circuit, vocabulary, facts
        directory = facts.mailboxes is not None
        attributes = any(
            sort in ATTRIBUTES for slot in (SENDER, RECIPIENT) for sort, _value in vocabulary.keys.get(slot, ())
        )
        self._named_guests = named_guests(facts)
        self._guests = assume(
            questions.GUESTS,
            "guests_left_out" if facts.guests else "no_guests",
            not directory and self._named_guests is None,
            seen=attributes or bool(facts.mail_users or facts.groups),
            of_mail=False,
        )
        self._guests_send = assume(questions.GUESTS, "guests_send_nothing", bool(self._named_guests), of_mail=False)
        self._objects = assume(
            questions.UNAUTHENTICATED_INSIDE,
            "all_in_directory",
            True,
            seen=directory or bool(facts.contacts),
        )
        self._internal = assume(
            questions.REMOTE_DOMAINS,
            "no_internal_domains",
            facts.remote_domains is None,
            of_mail=False,
        )

    def address(self, name: str, kind: str, whose: str = "") -> AddressSlot:
        """A person's address, with the assumptions about all people.

        :param whose: the address, if there is no choice. Its known facts would contradict an assumption for all mail.
        """
        slot = AddressSlot(self.circuit, name, kind, self.vocabulary, self.facts)
        add, inside = self.circuit.add, self.inside(slot)
        known = bool(whose) and (self.facts.is_object(whose) is not None or self.facts.is_contact(whose))
        if self.facts.mailboxes is None and not known:
            guest = self.circuit.conjunction((slot.object, inside ^ 1))
            if self._named_guests is None:
                add(self._guests ^ 1, guest ^ 1)
            else:
                add(guest ^ 1, *(slot["address", each] for each in self._named_guests))
                if kind == SENDER:
                    add(self._guests_send ^ 1, guest ^ 1, self.circuit.variable("authenticated") ^ 1)
        if kind == RECIPIENT:
            if not known:
                add(self._objects ^ 1, inside ^ 1, slot.object)
            if self.facts.remote_domains is None:
                add(self._internal ^ 1, self.internal(slot) ^ 1)
        return slot

    def inside(self, slot: AddressSlot) -> int:
        """Whether an address is in a domain whose people are inside."""
        if self.facts.accepted_domains is None:
            return self.circuit.variable((slot.name, "accepted"))
        return slot.in_accepted(INSIDE)

    def internal(self, slot: AddressSlot) -> int:
        """Whether a remote domain makes the person internal."""
        return (
            self.circuit.variable((slot.name, "internal")) if self.facts.remote_domains is None else slot.in_internal()
        )
