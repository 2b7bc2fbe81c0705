# SPDX-License-Identifier: GPL-3.0-or-later
"""Any message to any recipient, as variables.

Properties that only the message itself shows (an attachment's content, a spam level) have a value in every message, so
they are variables, too. :class:`Scopes` says who is inside and outside.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._exchange.names import name_key
from ..._resources.compliance.dlp_fields import SENSITIVE
from ..._resources.rules.fields import MESSAGE_TYPES
from ..actions.edit import text_edits
from ..actions.text_edits import Joins
from ..conditions.copies import SHOWN_FIELDS
from ..conditions.formulas import AddressVariables
from ..conditions.keys import (
    ATTACHED,
    ATTACHED_NAME,
    ATTACHMENT,
    RECIPIENT,
    SENDER,
    SUBJECT,
    WRITTEN,
    Key,
    holds,
    is_open,
)
from ..conditions.predicate import Atom
from ..formula import FALSE, TRUE, UNKNOWN, Literal, Value
from ..model import questions
from ..model.facts import Facts
from ..model.patterns import begins_anywhere
from ..model.sizes import bytes_of
from ..model.words import touches
from ..rules.dlp_rules import DlpRules
from ..rules.rule_set import RuleSet
from ..sat.circuit import Circuit
from ..simulator.assumptions import USUAL
from ..simulator.protection import SURELY_PROTECTED
from .address import AddressSlot, People, relate_texts
from .atoms import Vocabulary
from .logic import Logic
from .message_properties import MessageProperties

#: How a message can arrive protected; otherwise it arrives in clear.
ARRIVALS = ("own", "other", "smime", "smime_signed")

#: Types of messages that have a variable. The other types follow from the protection.
KINDS = (*(kind for kind in MESSAGE_TYPES if kind not in ("Encrypted", "PermissionControlled")), "SmtpForwarding")


def named_assumptions(atoms: Iterable[Atom]) -> set[str]:
    """The assumptions about usual mail that conditions contradict by looking for other mail."""
    ids: set[str] = set()
    for atom in atoms:
        sort = atom.predicate.sort
        if atom.watches_aliases:
            ids.add(questions.ALIASES)
        ids |= {usual.id for usual in USUAL if sort == "type" and atom.values in usual.types}
        ids |= {
            usual.id
            for usual in USUAL
            if sort == "size" and usual.most is not None and (bytes_of(atom.values) or 0) >= usual.most
        }
        if may_mean_pdf(atom):
            ids.add(questions.PDF)
    return ids


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that a proof may assume, and must then name.

    :param kind: what it is, in a word; ``wording.guarantees`` has its sentence.
    :param literal: the variable that enables it.
    :param seen: whether a rule could treat mail differently if the assumption is false. If none can, mail that does not meet the assumption only
        has more unknowns than the same mail that does: what is certain for one is certain for the other.
    :param of_mail: whether it is about mail, and not about unknown facts of the organization.
    """

    id: str
    kind: str
    literal: Literal
    seen: bool = True
    of_mail: bool = True


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


class SymbolicMessage:
    """The variables of a message and of one of its recipients.

    :param people: makes the addresses of its sender and recipients.
    :param properties: property and value, such as a size, to its variable.
    :param added_people: primary address to somebody whom a rule adds.
    :param hides: whether a rule may hide the word at the beginning of the subject by a prefix that touches it.
    :param perhaps_named: address that a condition looks for in fields to what says that these name its owner by an
        alias (U24).
    :param settings: the IRM configurations under which it passes rules.
    :param sensitive: whether DLP may find something in its content, by a type of sensitive information or a label; false
        if no DLP rule looks for that.
    :param leaves_pdf_out: whether one of them leaves PDF documents unencrypted.
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
        self.circuit = circuit
        self.vocabulary = vocabulary
        self.facts = facts
        self.leaves_pdf_out = any(
            (settings_of_set or {}).get("enable_pdf_encryption") is False for settings_of_set in settings
        )
        self.assumptions: list[Assumption] = []
        #: The condition of relations between words and patterns that hold for most texts only.
        self.plain_letters = Assumption(
            questions.WORD_BORDERS, "plain_letters", circuit.variable("plain letters"), seen=False, of_mail=False
        )
        self.people = People(circuit, vocabulary, facts, self._assume)
        # Negated and first, so that the envelope repeats the From field in a model unless it matters.
        self.same_envelope = ~circuit.variable("other envelope")
        self.empty_envelope = circuit.variable("empty envelope")
        circuit.together((self.same_envelope, self.empty_envelope))
        self.sender = self.people.address(SENDER, SENDER)
        self.envelope = self.people.address("envelope", SENDER) if vocabulary.envelope else None
        self._relate_envelope()
        self.recipient = self.people.address(RECIPIENT, RECIPIENT)
        self._exclude_unseen()
        self.added_people: dict[str, AddressSlot] = {}
        self._others_added: dict[Hashable, AddressSlot] = {}
        self._companions: dict[Key, Companion] = {}
        self._histories: dict[tuple[Hashable, ...], int] = {(): 0}
        edits = [edit for rules in rule_sets for rule in rules.rules for edit in text_edits(rule.actions.options)]
        prefixes = [edit.given or "" for edit in edits if edit.joins is Joins.DIRECTLY_BEFORE]
        self.hides = any(touches(prefix[-1:], "q") is not False for prefix in prefixes)
        self.perhaps_named: dict[str, dict[Literal, None]] = {}
        self.watches_aliases = False
        #: By what makes two names the same, how one is written: of options of protection, and of classifications.
        self.spelled: dict[str, str] = {}
        #: Name of a label that changes mail to whether the message carries it.
        self.labels = {
            label.name: circuit.variable(("label", label.name))
            for label in facts.encrypters.labels or ()
            if label.changes_mail
        }
        circuit.at_most_one(self.labels.values())
        policies = facts.encrypters.dlp_policies
        looked_into = isinstance(policies, DlpRules) and SENSITIVE in policies.needs
        self.sensitive: Literal = circuit.variable("sensitive information") if looked_into else FALSE
        self._arrive(options)
        self.texts: dict[str, dict[Key, Literal]] = {}
        self._texts()
        atoms = [atom for rules in rule_sets for atom in rules.atoms]
        properties = MessageProperties(circuit, atoms)
        self.properties = properties.literals
        self.spelled.update(properties.spelled)
        self.one_line_subject = self._assume(
            questions.PATTERN_SYNTAX,
            "one_line_subject",
            bool(prefixes) and self._reads_line_beginnings(),
            seen=False,
            of_mail=False,
        )
        self.wraps = any(edit.joins in (Joins.ON_LINES_BEFORE, Joins.ON_LINES_AFTER) for edit in edits)
        self._assume_the_usual(atoms)

    def _assume(self, number: str, kind: str, wanted: bool, *, seen: bool = True, of_mail: bool = True) -> Literal:
        literal = self.circuit.variable(("assumption", number, kind))
        if wanted:
            self.assumptions.append(Assumption(number, kind, literal, seen, of_mail))
        return literal

    @property
    def assumed(self) -> list[Assumption]:
        """The assumptions of claims. Matches in an alias have their own formulas, so mail to an alias is like other
        mail.
        """
        return [
            *(assumption for assumption in self.assumptions if assumption.id != questions.ALIASES),
            self.plain_letters,
        ]

    @property
    def ways_to_write(self) -> list[list[Literal]]:
        """The ways to write to people, in order: at an alias only if nothing else shows what is searched for."""
        return [[self.direct, self.others_direct], []] if self.watches_aliases else [[]]

    def added(self, address: str) -> AddressSlot:
        """Somebody whom a rule adds."""
        primary = self.facts.people.primary(address)
        if primary not in self.added_people:
            slot = self.added_people[primary] = self.people.address(f"added {primary}", RECIPIENT, primary)
            self.circuit.add(slot["address", primary])
        return self.added_people[primary]

    def shown(self, logic: Logic, address: str) -> AddressSlot:
        """Somebody to whom a rule shows a message."""
        if ("address", address) in self.recipient.atoms:
            return self.added(address)
        return self.added_perhaps(logic, (), "shown", address)

    def added_perhaps(self, logic: Logic, people: Iterable[str], *name: Hashable) -> AddressSlot:
        """One of the people whom a rule adds.

        :param people: the primary addresses of all; empty if it may be anybody, who is then unknown.
        :param name: what is so about it.
        """
        slot = self._others_added.get(name)
        if slot is None:
            slot = self._others_added[name] = self.people.address(f"added {name}", RECIPIENT)
            for group in self.facts.groups.expanded:
                self.circuit.add(~slot.atoms.get(("address", group), FALSE))
            known = [slot["address", address] for address in people]
            if known:
                self.circuit.add(*known)
        if not people and logic.free:
            logic.questions.update(
                dict.fromkeys(sorted({*slot.atoms.values(), slot.named, slot.placed, slot.object, slot.managed}))
            )
        return slot

    def companion(self, key: Key) -> Companion:
        """Another possible recipient of the message, for an atom."""
        known = self._companions.get(key)
        if known is not None:
            return known
        slot = self.people.address(f"companion {key[0]} {key[1]}", RECIPIENT, key[1] if key[0] == "address" else "")
        there = self.circuit.variable((slot.name, "there"))
        add = self.circuit.add
        if key[0] == "address":
            add(slot[key])
            named = self.circuit.disjunction([self.named(key[1], field) for field in SHOWN_FIELDS])
            # Somebody named by a field gets the message: as another recipient, or as the followed one.
            add(there, ~named, self.recipient[key])
            add(~there, named)
        # Another person: two people have two addresses, and no group is a person.
        for value in slot.values("address"):
            itself = () if value in self.facts.groups.expanded else (~self.recipient["address", value],)
            add(~there, ~slot["address", value], *itself)
        for number in slot.values("profile"):
            if slot.profiles.is_one(number):
                add(~there, ~slot["profile", number], ~self.recipient["profile", number])
        at_alias = FALSE
        alias = dict[Key, Literal]()
        if self.watches_aliases and key[0] != "address":
            at_alias = self.circuit.variable((slot.name, "at alias"))
            alias = self._of_alias(slot.name)
            add(~at_alias, ~self.others_direct)
        companion = self._companions[key] = Companion(slot, there, at_alias, alias)
        return companion

    def numbered(self, history: tuple[Hashable, ...]) -> int:
        """The number of a history of changes, the same wherever it is the same; 0 for none."""
        return self._histories.setdefault(history, len(self._histories))

    def begins(self, key: Key) -> Literal:
        """Whether a word occurs only at the beginning of the subject."""
        return self.circuit.variable(("begins", key))

    def named(self, address: str, field: str) -> Literal:
        """Whether a field contains an address."""
        return self.circuit.variable((field, address))

    @property
    def members_named(self) -> Literal:
        """Whether the fields may name members of groups that conditions look for there."""
        return self.circuit.variable("members in fields")

    @property
    def more_in_from(self) -> Literal:
        """Whether the From field holds more than the sender's primary address: a name, or an alias."""
        return self.circuit.variable("more in the From field")

    @property
    def insertable(self) -> Literal:
        """Whether a disclaimer can be put into a message that its sender did not sign and no foreign key protects.

        Negated, so that it fits into what a model has unless it matters.
        """
        return ~self.circuit.variable("no disclaimer")

    def option(self, name: str) -> Literal:
        """Whether a message that arrives protected by rights has this option."""
        return self.options.get(name_key(name), FALSE)

    def _exclude_unseen(self) -> None:
        """No rule sees a group's address where it sees the members, or an alias where it sees the primary address."""
        for group in self.facts.groups.expanded:
            self.circuit.add(~self.recipient.atoms.get(("address", group), FALSE))
        for alias in self.facts.people.proxy_addresses:
            if self.facts.people.primary(alias) != alias:
                for slot in (self.sender, self.recipient):
                    self.circuit.add(~slot.atoms.get(("address", alias), FALSE))

    def _reads_line_beginnings(self) -> bool:
        """Whether rules look for a pattern in the subject that a prefix may keep from matching at the beginning of a line."""
        return any(
            sort == "pattern" and not begins_anywhere(*value) for sort, value in self.vocabulary.keys.get(SUBJECT, ())
        )

    def _relate_envelope(self) -> None:
        """The envelope's sender is the From field's address, another one, or none (an automatic reply)."""
        if self.envelope is None:
            return
        same = self.same_envelope
        self.circuit.add(~same, ~self.empty_envelope)
        pairs = [(literal, self.envelope[key]) for key, literal in self.sender.atoms.items()]
        for one, other in [
            *pairs,
            (self.sender.object, self.envelope.object),
            (self.sender.managed, self.envelope.managed),
        ]:
            self.circuit.add(~same, ~one, other)
            self.circuit.add(~same, one, ~other)

    def _arrive(self, options: Iterable[str]) -> None:
        """How it arrives: whether its sender signed in, at which addresses, how protected, of which type."""
        circuit = self.circuit
        self.authenticated = circuit.variable("authenticated")
        # Negated, so that mail to primary addresses is what a model has unless it matters.
        self.direct = ~circuit.variable("at an alias")
        self.others_direct = ~circuit.variable("others at an alias")
        self.pdf = circuit.variable("pdf")
        self.arrival = {kind: circuit.variable(("arrival", kind)) for kind in ARRIVALS}
        circuit.at_most_one(self.arrival.values())
        self.rights = self.arrival["own"] | self.arrival["other"]
        self.kinds = {kind: circuit.variable(("type", kind)) for kind in KINDS}
        self.importance = {name: circuit.variable(("importance", name)) for name in ("Low", "High")}
        circuit.at_most_one(self.importance.values())
        self._name_options(options)

    def _name_options(self, names: Iterable[str]) -> None:
        """The option of its protection on arrival: encryption only, or one that a rule or guarantee names."""
        self.spelled.update((name_key(name), name) for name in (*sorted(names), "do_not_forward", "encrypt"))
        encrypt = name_key("encrypt")
        others = sorted({name_key(name) for name in ("do_not_forward", *names)} - {encrypt})
        self.options = {name: self.circuit.variable(("arrival option", name)) for name in others}
        self.circuit.at_most_one(self.options.values())
        self.options[encrypt] = ~self.circuit.disjunction(self.options.values())

    def _of_alias(self, name: str) -> dict[Key, Literal]:
        """The atoms of another recipient's alias."""
        atoms = {key: self.circuit.variable((name, "alias", *key)) for key in self.texts.get(WRITTEN, {})}
        self._relate_alias(atoms, self.others_direct)
        return atoms

    def _relate_alias(self, atoms: dict[Key, Literal], direct: Literal) -> None:
        relate_texts(self.circuit, atoms)
        for (sort, value), literal in atoms.items():
            # A primary address is nobody else's alias. A group's stands for its members.
            if sort == "address" and self.facts.is_object(value) and value not in self.facts.groups.expanded:
                self.circuit.add(direct, ~literal)

    def _texts(self) -> None:
        """Subject, text, headers, and the texts of attachments, each with the relations between words and patterns."""
        for slot, keys in self.vocabulary.keys.items():
            if slot not in (SENDER, RECIPIENT, "last hop"):
                known = [key for key in keys if not is_open(key)]
                atoms = self.texts[slot] = {key: self.circuit.variable((slot, *key)) for key in known}
                if slot != WRITTEN:  # Patterns see less of a long attachment than words do.
                    relate_texts(self.circuit, atoms, alike=slot != ATTACHED)
        self._relate_alias(self.texts.get(WRITTEN, {}), self.direct)

    def _assume_the_usual(self, atoms: Sequence[Atom]) -> None:
        add = self.circuit.add
        named = named_assumptions(atoms)
        self.watches_aliases = questions.ALIASES in named or _fields_differ(atoms)
        limits = (bytes_of(atom.values) for atom in atoms if atom.predicate.sort == "size")
        large = any((limit or 0) >= SURELY_PROTECTED for limit in limits)
        at_primary = self._assume(questions.ALIASES, "primary_addresses", True, seen=self.watches_aliases)
        for literal in (self.direct, self.others_direct):
            add(~at_primary, literal)
        documents = [
            literal for key, literal in self.texts.get("attachment", {}).items() if key == ("extension", "pdf")
        ]
        add(~self._assume(questions.PDF, "no_pdf", self.leaves_pdf_out, seen=questions.PDF in named), ~self.pdf)
        for literal in documents:
            add(~self.pdf, literal)
        for usual in USUAL:
            seen = (
                usual.id in named
                or (usual.id == questions.SMIME_SIGNED and self.wraps)
                or (usual.most is not None and large)
            )
            switch = self._assume(usual.id, usual.kind, True, seen=seen)
            unusual = [*(self.kinds[kind] for kind in usual.types), *(self.arrival[kind] for kind in usual.arrivals)]
            unusual += [] if usual.most is None else [self.properties["message", usual.most]]
            for literal in unusual:
                add(~switch, ~literal)


def _fields_differ(atoms: Iterable[Atom]) -> bool:
    """Whether conditions with different address types look for one address in fields: they may not take an alias alike."""
    sought = {
        (address, atom.settings.address_type) for atom in atoms if atom.predicate.fields for address in atom.values
    }
    return len(sought) > len({address for address, _type in sought})


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
        if location == "Header" or self.mail.envelope is None:
            return header
        envelope = self.sender(value, self.mail.envelope)
        alike = logic.equal(header, envelope)
        differing = logic.choose(alike, header, logic.unknown(questions.SENDER_LOCATION, location, value))
        empty: Value = header
        if location == "Envelope":
            empty = TRUE if value == "NotInOrganization" else FALSE
        return logic.choose(self.mail.same_envelope, header, logic.choose(self.mail.empty_envelope, empty, differing))

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


def may_mean_pdf(atom: Atom) -> bool:
    """Whether a condition on extensions or names of attachments may be true of a PDF document with an arbitrary name."""
    if atom.predicate.slots not in ((ATTACHMENT,), (ATTACHED_NAME,)):
        return False
    return any(
        key == ("extension", "pdf") or (key[0] == "pattern" and holds("document.pdf", key) is not False)
        for key in atom.keys
    )
