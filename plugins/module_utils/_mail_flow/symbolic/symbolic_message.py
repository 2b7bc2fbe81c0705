# SPDX-License-Identifier: GPL-3.0-or-later
"""Any message to any recipient, as variables.

Properties that only the message itself shows (an attachment's content, a spam level) have a value in every message, so
they are variables, too. :class:`scopes.Scopes` says who is inside and outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._resources.rules.fields import MESSAGE_TYPES
from ..actions.edit import text_edits
from ..conditions.keys import ATTACHED, ATTACHED_NAME, ATTACHMENT, RECIPIENT, SENDER, WRITTEN
from ..conditions.predicate import Atom
from ..conditions.predicates import BY_OPTION
from ..formula import FALSE, Literal
from ..model import questions
from ..model.facts import Facts
from ..model.sizes import bytes_of
from ..rules.rule_set import RuleSet
from ..sat.circuit import Circuit
from ..simulator.assumptions import USUAL
from ..simulator.protection import SURELY_PROTECTED
from .addressing import Addressing, Envelope, address_types_differ
from .arrival import Arrival, ArrivalOptions, Sensitivity
from .atoms import Vocabulary
from .message_assumptions import Assumptions, contradicted_assumptions
from .message_content import ChangeHistories, Disclaimers, PdfDocuments, PrefixedSubject, text_variables
from .message_people import People
from .message_properties import MessageProperties
from .other_people import AddedPeople, Companions

#: Types of messages that have a variable. The other types follow from the protection.
KINDS = (*(kind for kind in MESSAGE_TYPES if kind not in ("Encrypted", "PermissionControlled")), "SmtpForwarding")

#: The conditions about attachments.
_OF_ATTACHMENTS = frozenset(option for option, row in BY_OPTION.items() if row.looks_at == "attachments")


class SymbolicMessage:
    """The variables of a message and of one of its recipients, by subject. The variables are made in one order, which
    decides what a model has where nothing else does.

    :param assumptions: what may be assumed about it.
    :param people: makes the addresses of its sender and recipients.
    :param sender: the sender of the From field; :param:`authenticated`: whether the sender signed in.
    :param recipient: the recipient who is followed.
    :param addressing: at which addresses, and in which fields, the sender writes to recipients.
    :param arrival: how it is protected as it arrives; :param:`arrival_options`: with which option of rights.
    :param kinds: its types but for those that follow from its protection.
    :param importance: its importance if it is not normal: ``Low`` or ``High``.
    :param texts: slot to the atoms of its text.
    :param properties: property and value, such as a size, to its variable.
    :param histories: the histories of changes that rules may have made.
    """

    def __init__(
        self,
        circuit: Circuit,
        vocabulary: Vocabulary,
        facts: Facts,
        rule_sets: Sequence[RuleSet],
        options: Iterable[str] = (),
        settings: Sequence[Mapping[str, Any] | None] = (),
    ) -> None:
        atoms = [atom for rules in rule_sets for atom in rules.atoms]
        edits = [edit for rules in rule_sets for rule in rules.rules for edit in text_edits(rule.actions.options)]
        contradicted = contradicted_assumptions(atoms)
        self.circuit = circuit
        self.vocabulary = vocabulary
        self.facts = facts
        self.assumptions = Assumptions(circuit)
        self.people = People(circuit, vocabulary, facts, self.assumptions.assume)
        self.envelope = Envelope(circuit)
        self.sender = self.people.address(SENDER, SENDER)
        if vocabulary.envelope:
            self.envelope.set_sender(self.people.address("envelope", SENDER), self.sender)
        self.recipient = self.people.address(RECIPIENT, RECIPIENT)
        self._exclude_unseen()
        self.sensitivity = Sensitivity(circuit, facts)
        self.authenticated = circuit.variable("authenticated")
        self.addressing = Addressing(
            circuit, facts, watches_aliases=questions.ALIASES in contradicted or address_types_differ(atoms)
        )
        self.pdf = PdfDocuments(circuit, settings)
        self.arrival = Arrival(circuit)
        self.kinds = {kind: circuit.variable(("type", kind)) for kind in KINDS}
        self.importance = {name: circuit.variable(("importance", name)) for name in ("Low", "High")}
        circuit.at_most_one(self.importance.values())
        self.arrival_options = ArrivalOptions(circuit, options)
        self.texts = text_variables(circuit, vocabulary)
        written = self.texts.get(WRITTEN, {})
        self.addressing.relate_alias(written, self.addressing.direct)
        self.added_people = AddedPeople(circuit, facts, self.people, self.recipient)
        self.companions = Companions(circuit, facts, self.people, self.recipient, self.addressing, written)
        self.properties = MessageProperties(circuit, atoms)
        self.subject = PrefixedSubject(circuit, self.assumptions, vocabulary, edits)
        self.disclaimers = Disclaimers(circuit, edits)
        self.histories = ChangeHistories()
        self._assume_the_usual(atoms, contradicted)
        if self.sensitivity.attachment is not FALSE:
            for literal in (*self.of_attachments, self.pdf.attached):
                circuit.add(~literal, self.sensitivity.attachment)

    @property
    def of_attachments(self) -> list[Literal]:
        """Whether an attachment has what conditions of mail flow rules look for, each."""
        texts = (self.texts.get(slot, {}) for slot in (ATTACHED, ATTACHED_NAME, ATTACHMENT))
        sizes = [literal for (sort, _value), literal in self.properties.literals.items() if sort == "attachment"]
        flags = [literal for (sort, _value), literal in self.properties.literals.items() if sort in _OF_ATTACHMENTS]
        return [*(literal for atoms in texts for literal in atoms.values()), *sizes, *flags]

    def _exclude_unseen(self) -> None:
        """No rule sees a group's address where it sees the members, or an alias where it sees the primary address."""
        for group in self.facts.groups.expanded:
            self.circuit.add(~self.recipient.atoms.get(("address", group), FALSE))
        for alias in self.facts.people.proxy_addresses:
            if self.facts.people.primary(alias) != alias:
                for slot in (self.sender, self.recipient):
                    self.circuit.add(~slot.atoms.get(("address", alias), FALSE))

    def _assume_the_usual(self, atoms: Sequence[Atom], contradicted: set[str]) -> None:
        """Makes the assumptions about usual mail: written to primary addresses, without PDF documents where these stay
        unencrypted, and of the types, protections and sizes that most mail has.

        :param contradicted: the questions of those that conditions contradict.
        """
        self._assume_primary_addresses()
        self._assume_no_pdf(seen=questions.PDF in contradicted)
        self._assume_insertable_disclaimers()
        limits = (bytes_of(atom.values) for atom in atoms if atom.predicate.sort == "size")
        large = any((limit or 0) >= SURELY_PROTECTED for limit in limits)
        for usual in USUAL:
            seen = (
                usual.id in contradicted
                or (usual.id == questions.SMIME_SIGNED and self.disclaimers.wrap)
                or (usual.most is not None and large)
            )
            switch = self.assumptions.assume(usual.id, usual.kind, True, seen=seen)
            unusual = [*(self.kinds[kind] for kind in usual.types), *(self.arrival[kind] for kind in usual.arrivals)]
            unusual += [] if usual.most is None else [self.properties["message", usual.most]]
            for literal in unusual:
                self.circuit.add(~switch, ~literal)

    def _assume_primary_addresses(self) -> None:
        addressing = self.addressing
        switch = self.assumptions.assume(questions.ALIASES, "primary_addresses", True, seen=addressing.watches_aliases)
        for literal in (addressing.direct, addressing.others_direct):
            self.circuit.add(~switch, literal)

    def _assume_insertable_disclaimers(self) -> None:
        if self.disclaimers.wrap:
            switch = self.assumptions.assume_for_claims(questions.A_FACT, "not_wrapped")
            self.circuit.add(~switch, self.disclaimers.insertable)

    def _assume_no_pdf(self, *, seen: bool) -> None:
        switch = self.assumptions.assume(questions.PDF, "no_pdf", self.pdf.stay_plain, seen=seen)
        self.circuit.add(~switch, ~self.pdf.attached)
        literal = self.texts.get("attachment", {}).get(("extension", "pdf"))
        if literal is not None:
            self.circuit.add(~self.pdf.attached, literal)
