# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is inside and outside, as formulas."""

from __future__ import annotations

from dataclasses import dataclass

from ..conditions.formulas import AddressVariables
from ..formula import FALSE, TRUE, UNKNOWN, Value
from ..model import questions
from .logic import Logic
from .symbolic_message import SymbolicMessage


@dataclass(frozen=True)
class Scopes:
    """Who counts as inside or outside, over the variables of a message, in one logic."""

    mail: SymbolicMessage
    logic: Logic

    def sender(self, value: str, slot: AddressVariables) -> Value:
        """Whether somebody is inside, or outside, as a sender."""
        logic = self.logic
        mail = self.mail
        accepted = self._accepted(slot)
        guest = slot.object & ~accepted
        if value == "InOrganization":
            as_guest = guest & logic.unknown("guest sends", slot.name, "inside")
            return mail.authenticated & (accepted | as_guest)
        return ~accepted & (~guest | logic.unknown("guest sends", slot.name, "outside"))

    def _guest(self, person: AddressVariables, *, inside: bool) -> Value:
        """Whether a guest counts as inside, or as outside, as a recipient."""
        observed = self.logic.observed.get(questions.GUESTS)
        if observed is not None:
            return TRUE if observed is inside else FALSE
        return self.logic.unknown(questions.GUESTS, person.name, "inside" if inside else "outside")

    def _accepted(self, slot: AddressVariables) -> Value:
        if self.mail.facts.domains.accepted is None:
            return self.mail.people.inside(slot) if self.logic.free else UNKNOWN
        return self.logic.or_perhaps(
            self.mail.people.inside(slot), slot.in_accepted_otherwise(), questions.ALIASES, slot.name, "accepted"
        )

    def _internal(self, slot: AddressVariables) -> Value:
        return self.logic.or_perhaps(
            self.mail.people.internal(slot), slot.in_internal_otherwise(), questions.ALIASES, slot.name, "internal"
        )

    def leaves(self, person: AddressVariables) -> Value:
        """Whether a copy for somebody leaves the organization. Rules take some people outside for inside; their mail
        leaves all the same.
        """
        return ~self._accepted(person)

    def of_sender(self, value: str, location: str) -> Value:
        """Whether the sender is inside, or outside.

        :param location: where the rule looks for the sender: ``Header``, ``Envelope`` or ``HeaderOrEnvelope``.
        """
        logic = self.logic
        if value not in ("InOrganization", "NotInOrganization"):
            return logic.unknown(questions.A_FACT, "sender scope", value, location)
        header = self.sender(value, self.mail.sender)
        if location == "Header" or self.mail.envelope.sender is None:
            return header
        envelope = self.sender(value, self.mail.envelope.sender)
        alike = logic.equal(header, envelope)
        differing = logic.choose(alike, header, logic.unknown(questions.SENDER_LOCATION, location, value))
        empty: Value = header
        if location == "Envelope":
            empty = TRUE if value == "NotInOrganization" else FALSE
        return logic.choose(self.mail.envelope.same, header, logic.choose(self.mail.envelope.empty, empty, differing))

    def recipient(self, value: str, person: AddressVariables) -> Value:
        """Whether a recipient is inside, or outside."""
        logic = self.logic
        mail = self.mail
        accepted = self._accepted(person)
        internal = self._internal(person)
        guest = person.object & ~accepted
        if value == "InOrganization":
            own = person.object | mail.authenticated | logic.unknown(questions.UNAUTHENTICATED_INSIDE, person.name)
            return logic.choose(
                accepted,
                own,
                internal | (guest & self._guest(person, inside=True)),
            )
        if value != "NotInOrganization":
            return logic.unknown(questions.A_FACT, "recipient scope", value, person.name)
        return ~accepted & ~internal & (~guest | self._guest(person, inside=False))
