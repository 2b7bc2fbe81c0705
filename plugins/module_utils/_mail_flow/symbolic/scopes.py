# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inside and outside, as formulas. Private to the collection."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.address import AddressSlot
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import (
    Logic,
    Value,
    negate,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.symbolic_message import (
    SymbolicMessage,
)


@dataclass(frozen=True)
class Scopes:
    """Who counts as inside or outside, over the variables of a message, in one logic."""

    mail: SymbolicMessage
    logic: Logic

    def sender(self, value: str, slot: AddressSlot) -> Value:
        """Whether somebody is inside, or outside, as a sender."""
        logic, mail = self.logic, self.mail
        accepted = self._accepted(slot)
        guest = logic.all_of((slot.object, negate(accepted)))
        if value == "InOrganization":
            as_guest = logic.all_of((guest, logic.unknown(questions.GUESTS, slot.name, "inside")))
            return logic.all_of((mail.authenticated, logic.any_of((accepted, as_guest))))
        return logic.all_of(
            (negate(accepted), logic.any_of((negate(guest), logic.unknown(questions.GUESTS, slot.name, "outside"))))
        )

    def _accepted(self, slot: AddressSlot) -> Value:
        if self.mail.facts.accepted_domains is None:
            return self.mail.people.inside(slot) if self.logic.free else (FALSE, TRUE)
        return self.logic.or_perhaps(
            self.mail.people.inside(slot), slot.in_accepted_otherwise(), questions.ALIASES, slot.name, "accepted"
        )

    def _internal(self, slot: AddressSlot) -> Value:
        return self.logic.or_perhaps(
            self.mail.people.internal(slot), slot.in_internal_otherwise(), questions.ALIASES, slot.name, "internal"
        )

    def leaves(self, person: AddressSlot) -> Value:
        """Whether a copy for somebody leaves the organization. Rules take some people outside for inside; their mail
        leaves all the same.
        """
        return negate(self._accepted(person))

    def of_sender(self, value: str, location: str) -> Value:
        """Whether the sender is inside, or outside.

        :param location: where the rule looks for the sender: ``Header``, ``Envelope`` or ``HeaderOrEnvelope``.
        """
        logic = self.logic
        if value not in ("InOrganization", "NotInOrganization"):
            return logic.unknown(questions.A_FACT, "sender scope", value, location)
        header = self.sender(value, self.mail.sender)
        if location == "Header" or self.mail.envelope is None:
            return header
        envelope = self.sender(value, self.mail.envelope)
        alike = logic.equal(header, envelope)
        differing = logic.choose(alike, header, logic.unknown(questions.SENDER_LOCATION, location, value))
        empty: Value = (TRUE if value == "NotInOrganization" else FALSE) if location == "Envelope" else header
        return logic.choose(self.mail.same_envelope, header, logic.choose(self.mail.empty_envelope, empty, differing))

    def recipient(self, value: str, person: AddressSlot) -> Value:
        """Whether a recipient is inside, or outside."""
        logic, mail = self.logic, self.mail
        accepted, internal = self._accepted(person), self._internal(person)
        guest = logic.all_of((person.object, negate(accepted)))
        if value == "InOrganization":
            own = logic.any_of(
                (person.object, mail.authenticated, logic.unknown(questions.UNAUTHENTICATED_INSIDE, person.name))
            )
            return logic.choose(
                accepted,
                own,
                logic.any_of((internal, logic.all_of((guest, logic.unknown(questions.GUESTS, person.name, "inside"))))),
            )
        if value != "NotInOrganization":
            return logic.unknown(questions.A_FACT, "recipient scope", value, person.name)
        return logic.all_of(
            (
                negate(accepted),
                negate(internal),
                logic.any_of((negate(guest), logic.unknown(questions.GUESTS, person.name, "outside"))),
            )
        )
