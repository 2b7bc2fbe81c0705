# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any message to any recipient, as variables. Private to the collection.

Properties that only the message itself shows (an attachment's content, a spam level) have a value in every message, so
they are variables, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.content import bytes_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import INSIDE, Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicate import (
    ATTACHED,
    ATTRIBUTES,
    RECIPIENT,
    SENDER,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicates import PREDICATES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.words import touches
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.formula import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import (
    USUAL,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.protection import (
    SURELY_PROTECTED,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.address import (
    AddressSlot,
    relate_texts,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import (
    WRITTEN,
    Key,
    Vocabulary,
    is_open,
    named_guests,
    watches_aliases,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.last_hop import LastHop
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import Logic
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.string_solver import (
    may_mean_pdf,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.fields import MESSAGE_TYPES

#: How a message can arrive protected; otherwise it arrives in clear.
ARRIVALS = ("own", "other", "smime", "smime_signed")

#: The visible fields of recipients.
SHOWN_FIELDS = ("to", "cc")

#: Types of messages that have a variable. The other types follow from the protection.
KINDS = (*(kind for kind in MESSAGE_TYPES if kind not in ("Encrypted", "PermissionControlled")), "SmtpForwarding")

#: What has a size, as conditions look at it, to the name of the property.
_SIZED = {"size": "message", "attachments": "attachment"}
#: Conditions that look at whether a property is there.
_SWITCHES = tuple(row.options[0] for row in PREDICATES if row.sort == "switch")


def named_assumptions(atoms: Iterable[Atom]) -> set[str]:
    """The assumptions about usual mail that conditions contradict by looking for other mail."""
    found: set[str] = set()
    for atom in atoms:
        sort = atom.predicate.sort
        if watches_aliases(atom):
            found.add(questions.ALIASES)
        found |= {each.id for each in USUAL if sort == "type" and atom.values in each.types}
        found |= {
            each.id
            for each in USUAL
            if sort == "size" and each.most is not None and (bytes_of(atom.values) or 0) >= each.most
        }
        if may_mean_pdf(atom):
            found.add(questions.PDF)
    return found


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that a proof may assume, and must then name.

    :param kind: what it is, in a word; ``wording.assumptions`` has its sentence.
    :param literal: the variable that enables it.
    :param seen: whether a rule could treat mail differently if the assumption is false. If none can, mail that does not meet the assumption only
        has more unknowns than the same mail that does: what is certain for one is certain for the other.
    :param of_mail: whether it is about mail, and not about unknown facts of the organization.
    """

    id: str
    kind: str
    literal: int
    seen: bool = True
    of_mail: bool = True


@dataclass(frozen=True)
class Companion:
    """Another recipient of the message: for one word or address, or anybody.

    :param there: whether there is such a recipient at all.
    :param at_alias: whether the sender wrote to them at an alias; :param:`alias`: its atoms.
    """

    slot: AddressSlot
    there: int
    at_alias: int
    alias: Mapping[Key, int]


class SymbolicMessage:
    """The variables of a message and of one of its recipients.

    :param added_people: primary address to somebody whom a rule adds.
    :param hides: whether a rule may hide the word at the beginning of the subject by a prefix that touches it.
    :param perhaps_named: address that a condition looks for in fields to what says that these name its owner by an
        alias (U24).
    :param settings: the IRM configurations under which it passes rules.
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
        self.circuit, self.vocabulary, self.facts = circuit, vocabulary, facts
        self.leaves_pdf_out = any((each or {}).get("enable_pdf_encryption") is False for each in settings)
        self.assumptions: list[Assumption] = []
        #: The condition of relations between words and patterns that hold for most texts only.
        self.plain_letters = Assumption(
            questions.WORD_BORDERS, "plain_letters", circuit.variable("plain letters"), seen=False, of_mail=False
        )
        directory = facts.mailboxes is not None
        attributes = any(
            sort in ATTRIBUTES for slot in (SENDER, RECIPIENT) for sort, _value in vocabulary.keys.get(slot, ())
        )
        self._named_guests = named_guests(facts)
        self._guests = self._assume(
            questions.GUESTS,
            "guests_left_out" if facts.guests else "no_guests",
            not directory and self._named_guests is None,
            seen=attributes or bool(facts.mail_users or facts.groups),
            of_mail=False,
        )
        self._guests_send = self._assume(
            questions.GUESTS, "guests_send_nothing", bool(self._named_guests), of_mail=False
        )
        self._objects = self._assume(
            questions.UNAUTHENTICATED_INSIDE,
            "all_in_directory",
            True,
            seen=directory or bool(facts.contacts),
        )
        self._internal = self._assume(
            questions.REMOTE_DOMAINS,
            "no_internal_domains",
            facts.remote_domains is None,
            of_mail=False,
        )
        # Negated and first, so that the envelope repeats the From field in a model unless it matters.
        self.same_envelope, self.empty_envelope = (
            circuit.variable("other envelope") ^ 1,
            circuit.variable("empty envelope"),
        )
        circuit.together((self.same_envelope, self.empty_envelope))
        self.sender = self.address(SENDER, SENDER)
        self.envelope = self.address("envelope", SENDER) if vocabulary.envelope else None
        self._relate_envelope()
        self.recipient = self.address(RECIPIENT, RECIPIENT)
        for group in facts.expanded:  # Rules see the group's members.
            circuit.add(self.recipient.atoms.get(("address", group), FALSE) ^ 1)
        for alias in (
            each for each in facts.proxy_addresses if facts.primary(each) != each
        ):  # Rules see the primary address.
            for slot in (self.sender, self.recipient):
                circuit.add(slot.atoms.get(("address", alias), FALSE) ^ 1)
        self.added_people: dict[str, AddressSlot] = {}
        self._others_added: dict[Hashable, AddressSlot] = {}
        self._companions: dict[Key, Companion] = {}
        self._histories: dict[tuple[Hashable, ...], int] = {(): 0}
        self.hides = any(
            touches(str(rule.actions.get("prepend_subject") or "")[-1:], "q") is not False
            for rules in rule_sets
            for rule in rules.rules
        )
        self.perhaps_named: dict[str, dict[int, None]] = {}
        self.authenticated = circuit.variable("authenticated")
        # Negated, so that mail to primary addresses is what a model has unless it matters.
        self.direct, self.others_direct = (
            circuit.variable("at an alias") ^ 1,
            circuit.variable("others at an alias") ^ 1,
        )
        self.watches_aliases = False
        self.pdf = circuit.variable("pdf")
        self.arrival = {kind: circuit.variable(("arrival", kind)) for kind in ARRIVALS}
        circuit.at_most_one(self.arrival.values())
        self.rights = circuit.disjunction((self.arrival["own"], self.arrival["other"]))
        self.kinds = {kind: circuit.variable(("type", kind)) for kind in KINDS}
        self.importance = {name: circuit.variable(("importance", name)) for name in ("Low", "High")}
        circuit.at_most_one(self.importance.values())
        #: By what makes two names the same, how one is written: of options of protection, and of classifications.
        self.spelled: dict[str, str] = {}
        self._name_options(options)
        self.texts: dict[str, dict[Key, int]] = {}
        self._texts()
        self.properties: dict[Key, int] = {}
        self._properties([atom for rules in rule_sets for atom in rules.atoms])
        self._assume_the_usual(rule_sets)

    def _assume(self, number: str, kind: str, wanted: bool, *, seen: bool = True, of_mail: bool = True) -> int:
        literal = self.circuit.variable(("assumption", number, kind))
        if wanted:
            self.assumptions.append(Assumption(number, kind, literal, seen, of_mail))
        return literal

    @property
    def assumed(self) -> list[Assumption]:
        """The assumptions of claims. Matches in an alias have their own formulas, so mail to an alias is like other
        mail.
        """
        return [*(each for each in self.assumptions if each.id != questions.ALIASES), self.plain_letters]

    @property
    def ways_to_write(self) -> list[list[int]]:
        """The ways to write to people, in order: at an alias only if nothing else shows what is searched for."""
        return [[self.direct, self.others_direct], []] if self.watches_aliases else [[]]

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

    def added(self, address: str) -> AddressSlot:
        """Somebody whom a rule adds."""
        primary = self.facts.primary(address)
        if primary not in self.added_people:
            slot = self.added_people[primary] = self.address(f"added {primary}", RECIPIENT, primary)
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
            slot = self._others_added[name] = self.address(f"added {name}", RECIPIENT)
            for group in self.facts.expanded:
                self.circuit.add(slot.atoms.get(("address", group), FALSE) ^ 1)
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
        slot = self.address(f"companion {key[0]} {key[1]}", RECIPIENT, key[1] if key[0] == "address" else "")
        there, add = self.circuit.variable((slot.name, "there")), self.circuit.add
        if key[0] == "address":
            add(slot[key])
            named = self.circuit.disjunction([self.named(key[1], field) for field in SHOWN_FIELDS])
            # Somebody named by a field gets the message: as another recipient, or as the followed one.
            add(there, named ^ 1, self.recipient[key])
            add(there ^ 1, named)
        # Another person: two people have two addresses, and no group is a person.
        for value in slot.values("address"):
            itself = () if value in self.facts.expanded else (self.recipient["address", value] ^ 1,)
            add(there ^ 1, slot["address", value] ^ 1, *itself)
        at_alias, alias = FALSE, dict[Key, int]()
        if self.watches_aliases and key[0] != "address":
            at_alias, alias = self.circuit.variable((slot.name, "at alias")), self._of_alias(slot.name)
            add(at_alias ^ 1, self.others_direct ^ 1)
        found = self._companions[key] = Companion(slot, there, at_alias, alias)
        return found

    def numbered(self, history: tuple[Hashable, ...]) -> int:
        """The number of a history of changes, the same wherever it is the same; 0 for none."""
        return self._histories.setdefault(history, len(self._histories))

    def begins(self, key: Key) -> int:
        """Whether a word occurs only at the beginning of the subject."""
        return self.circuit.variable(("begins", key))

    def named(self, address: str, field: str) -> int:
        """Whether a field contains an address."""
        return self.circuit.variable((field, address))

    @property
    def members_named(self) -> int:
        """Whether the fields may name members of groups that conditions look for there."""
        return self.circuit.variable("members in fields")

    @property
    def more_in_from(self) -> int:
        """Whether the From field holds more than the sender's primary address: a name, or an alias."""
        return self.circuit.variable("more in the From field")

    @property
    def insertable(self) -> int:
        """Whether a disclaimer can be put into a message that the organization's own keys protect."""
        return self.circuit.variable("insertable")

    def option(self, name: str) -> int:
        """Whether a message that arrives protected by rights has this option."""
        return self.options.get(name_key(name), FALSE)

    def _relate_envelope(self) -> None:
        """The envelope's sender is the From field's address, another one, or none (an automatic reply)."""
        if self.envelope is None:
            return
        same = self.same_envelope
        self.circuit.add(same ^ 1, self.empty_envelope ^ 1)
        pairs = [(literal, self.envelope[key]) for key, literal in self.sender.atoms.items()]
        for one, other in [
            *pairs,
            (self.sender.object, self.envelope.object),
            (self.sender.managed, self.envelope.managed),
        ]:
            self.circuit.add(same ^ 1, one ^ 1, other)
            self.circuit.add(same ^ 1, one, other ^ 1)

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

    def _name_options(self, names: Iterable[str]) -> None:
        """The option of its protection on arrival: encryption only, or one that a rule or guarantee names."""
        self.spelled.update((name_key(name), name) for name in (*sorted(names), "do_not_forward", "encrypt"))
        encrypt = name_key("encrypt")
        others = sorted({name_key(name) for name in ("do_not_forward", *names)} - {encrypt})
        self.options = {name: self.circuit.variable(("arrival option", name)) for name in others}
        self.circuit.at_most_one(self.options.values())
        self.options[encrypt] = self.circuit.disjunction(self.options.values()) ^ 1

    def _of_alias(self, name: str) -> dict[Key, int]:
        """The atoms of another recipient's alias."""
        found = {key: self.circuit.variable((name, "alias", *key)) for key in self.texts.get(WRITTEN, {})}
        self._relate_alias(found, self.others_direct)
        return found

    def _relate_alias(self, atoms: dict[Key, int], direct: int) -> None:
        relate_texts(self.circuit, atoms)
        for (sort, value), literal in atoms.items():
            if sort == "word" and any(character.isspace() for character in value):
                self.circuit.add(literal ^ 1)
            # A primary address is nobody else's alias. A group's stands for its members.
            if sort == "address" and self.facts.is_object(value) and value not in self.facts.expanded:
                self.circuit.add(direct, literal ^ 1)

    def _texts(self) -> None:
        """Subject, text, headers, and the texts of attachments, each with the relations between words and patterns."""
        for slot, keys in self.vocabulary.keys.items():
            if slot not in (SENDER, RECIPIENT, "last hop"):
                known = [key for key in keys if not is_open(key)]
                atoms = self.texts[slot] = {key: self.circuit.variable((slot, *key)) for key in known}
                if slot != WRITTEN:  # Patterns see less of a long attachment than words do.
                    relate_texts(self.circuit, atoms, alike=slot != ATTACHED)
        self._relate_alias(self.texts.get(WRITTEN, {}), self.direct)

    def _properties(self, atoms: Iterable[Any]) -> None:
        circuit = self.circuit
        found: dict[str, dict[Any, None]] = {}
        sizes: dict[str, set[int]] = {name: set() for name in _SIZED.values()}
        for atom in atoms:
            found.setdefault(atom.predicate.options[0], {})[atom.values] = None
            if atom.predicate.sort == "size" and (limit := bytes_of(atom.values)) is not None:
                sizes[_SIZED[atom.predicate.looks_at]].add(limit)
        limits = {name: sorted(each) for name, each in sizes.items()}
        self._limits = {*limits["message"], *limits["attachment"]}
        limits["message"] = sorted({*self._limits, SURELY_PROTECTED})
        # Matches in attachments that Exchange cannot read are unknown (U30), but ordered all the same.
        limits["hidden attachment"] = limits["attachment"]
        for size, values in limits.items():
            self._ladder(size, values)
        for size, limit in itertools.product(
            ("attachment", "hidden attachment"), limits["attachment"]
        ):  # L15: the whole holds the part.
            circuit.add(self.properties[size, limit] ^ 1, self.properties["message", limit])
        self._ladder("scl", sorted({int(value) for value in found.get("scl_over", ())}))
        for option in _SWITCHES:
            self.properties[option, True] = circuit.variable(option)
        self.spelled.update((name_key(str(value)), str(value)) for value in found.get("has_classification", ()))
        classes = list(dict.fromkeys(name_key(str(value)) for value in found.get("has_classification", ())))
        self.properties.update(
            {("classification", name): circuit.variable(("classification", name)) for name in classes}
        )
        if "has_no_classification" in found:
            self.properties["classification", None] = circuit.variable("no classification")
        for name in classes if "has_no_classification" in found else ():  # L17
            circuit.add(self.properties["classification", None] ^ 1, self.properties["classification", name] ^ 1)
        self.last_hop = LastHop(circuit, [value for values in found.get("sender_ip_ranges", ()) for value in values])
        self.properties.update((("range", value), literal) for value, literal in self.last_hop.ranges.items())

    def _ladder(self, sort: str, values: Sequence[int]) -> None:
        """L14: over the larger is over the smaller."""
        for value in values:
            self.properties[sort, value] = self.circuit.variable((sort, value))
        for smaller, larger in itertools.pairwise(values):
            self.circuit.add(self.properties[sort, larger] ^ 1, self.properties[sort, smaller])

    def _assume_the_usual(self, rule_sets: Sequence[RuleSet]) -> None:
        add = self.circuit.add
        atoms = [atom for rules in rule_sets for atom in rules.atoms]
        named = named_assumptions(atoms)
        self.wraps = any("apply_html_disclaimer_text" in rule.actions for rules in rule_sets for rule in rules.rules)
        self.watches_aliases = questions.ALIASES in named or _fields_differ(atoms)
        large = any(limit >= SURELY_PROTECTED for limit in self._limits)
        at_primary = self._assume(questions.ALIASES, "primary_addresses", True, seen=self.watches_aliases)
        for literal in (self.direct, self.others_direct):
            add(at_primary ^ 1, literal)
        documents = [
            literal for key, literal in self.texts.get("attachment", {}).items() if key == ("extension", "pdf")
        ]
        add(self._assume(questions.PDF, "no_pdf", self.leaves_pdf_out, seen=questions.PDF in named) ^ 1, self.pdf ^ 1)
        for literal in documents:
            add(self.pdf ^ 1, literal)
        for each in USUAL:
            seen = (
                each.id in named
                or (each.id == questions.SMIME_SIGNED and self.wraps)
                or (each.most is not None and large)
            )
            switch = self._assume(each.id, each.kind, True, seen=seen)
            unusual = [*(self.kinds[kind] for kind in each.types), *(self.arrival[kind] for kind in each.arrivals)]
            unusual += [] if each.most is None else [self.properties["message", each.most]]
            for literal in unusual:
                add(switch ^ 1, literal ^ 1)


def _fields_differ(atoms: Iterable[Atom]) -> bool:
    """Whether conditions with different address types look for one address in fields: they may not take an alias alike."""
    looks = {
        (address, atom.settings.address_type) for atom in atoms if atom.predicate.fields for address in atom.values
    }
    return len(looks) > len({address for address, _type in looks})
