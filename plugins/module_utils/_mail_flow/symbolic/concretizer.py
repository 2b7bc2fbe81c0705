# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes messages that a person can send, from models of the variables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._resources.compliance.dlp_fields import SENSITIVE
from ..conditions.copies import SHOWN_FIELDS
from ..conditions.keys import ATTRIBUTES, WRITTEN, Key, holds
from ..conditions.predicates import PREDICATES
from ..conditions.witness import NoMessageError
from ..formula import FALSE, Literal
from ..model.addresses import DOMAIN, DOTTED, is_plain_address
from .address import AddressSlot
from .other_people import Companion
from .string_constraints import (
    Holds,
    TextConstraint,
    address_has,
    as_text,
    largest,
    sample,
)
from .symbolic_message import SymbolicMessage

#: The forms of created addresses, most natural first.
_WORD = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST = rf"({_WORD}\.)+[a-z]+"
_FORMS: tuple[tuple[Key, ...], ...] = tuple(
    (("pattern", (f"^{local}@{domain}$", False)),)
    for local, domain in ((rf"{_WORD}(\.{_WORD})*", _HOST), (DOTTED, _HOST), (DOTTED, DOMAIN))
)
#: The form of every address with one @ that ``is_address`` takes, valid or not. In quotation marks it may have blanks.
_EVERY_FORM: tuple[Key, ...] = (("pattern", (r'^([^\s@<>,;]+|"([^"@\s]| )*")@[^\s@<>,;]+$', False)),)
#: Atoms that depend on the text of an address.
_TEXT_SORTS = ("address", "below", "exact", "word", "pattern")
#: A number that may be sensitive information.
_NUMBER = re.compile(r"\d([ .-]?\d){5}")
_RESERVED = ("example.org", "example.net", "elsewhere.example")


@dataclass
class WrittenMessage:
    """A message as the option ``messages`` has it.

    :param facts: required facts beyond the known ones.
    :param supposed_groups: the groups in them of which no fact says who their members are.
    """

    message: dict[str, Any]
    recipient: str
    facts: dict[str, Any] = field(default_factory=dict)
    supposed_groups: tuple[str, ...] = ()


#: What writes all but people, and how a message arrives.
_WRITERS = tuple(dict.fromkeys(row.witness for row in PREDICATES if row.witness is not None))


@dataclass(frozen=True)
class ModelWitness:
    """The witness of a model: what conditions write a message from.

    :param is_true: whether a literal is true in the model.
    :param lax: whether the content of texts may be open.
    :param ascii_only: whether they have no letters beyond ASCII, unless conditions look for some.
    """

    mail: SymbolicMessage
    is_true: Holds
    lax: bool
    ascii_only: bool

    def constraint(self, atoms: Mapping[Key, Literal]) -> TextConstraint:
        """What a text with these atoms must have and lack."""
        return TextConstraint(atoms, self.is_true, lax=self.lax, ascii_only=self.ascii_only)


class MessageWriter:
    """Writes messages for models of the same variables."""

    def __init__(self, mail: SymbolicMessage) -> None:
        self.mail = mail
        self.facts = mail.facts
        self._lax = False
        self._used_people: set[str] = set()

    def write(
        self,
        is_true: Holds,
        companions: Iterable[Companion],
        others: Iterable[Key],
        *,
        lax: bool = False,
        ascii_only: bool = False,
    ) -> WrittenMessage:
        """A message.

        :param is_true: whether a literal is true in the model.
        :param others: atoms that another recipient's address has.
        :param lax: whether the content of texts may be open.
        :param ascii_only: whether what people write has no letters beyond ASCII, unless conditions look for some.
        :raises NoMessageError: there is none.
        """
        mail = self.mail
        self._lax = lax
        self._used_people = set()
        recipient = self._address(mail.recipient, is_true, "recipient")
        companions_there = [
            (companion, self._address(companion.slot, is_true, f"other{place}"))
            for place, companion in enumerate(companions)
            if is_true(companion.there)
        ]
        people = self._people(recipient, is_true, companions_there, others)
        sender = self._address(mail.sender, is_true, "sender")
        message: dict[str, Any] = {
            "from": sender,
            "authenticated": is_true(mail.authenticated),
            **self._fields(people, is_true),
        }
        envelope = self._envelope(sender, is_true)
        if envelope != sender:
            message["mail_from"] = envelope
        witness = ModelWitness(mail, is_true, self._lax, ascii_only)
        for write in _WRITERS:
            message.update(write(witness))
        if "header from" in mail.vocabulary.keys and not is_true(mail.addressing.more_in_from):
            message["headers"] = {**message.get("headers", {}), "From": sender}
        message.update(self._arrival(is_true))
        message.update(self._attached(message, is_true))
        message.update(self._content(message, is_true))
        everybody = [
            (mail.sender, sender),
            (mail.recipient, recipient),
            *((slot, address) for address, slot in mail.added_people.slots.items()),
        ]
        everybody += [(companion.slot, person) for companion, person in companions_there]
        if mail.envelope.sender is not None and envelope not in ("", sender):
            everybody.append((mail.envelope.sender, envelope))
        facts = self._facts(is_true, everybody)
        aliases = {
            written: person for person, written in people.items() if self.facts.people.primary(written) != person
        }
        if aliases:
            facts["proxy_addresses"] = {**self.facts.people.proxy_addresses, **aliases}
        known = self.facts.groups.members or {}
        supposed_groups = tuple(group for group in facts.get("groups", ()) if group not in known)
        return WrittenMessage(message, recipient, facts, supposed_groups)

    # Recipients

    def _people(
        self, recipient: str, is_true: Holds, companions_there: Iterable[tuple[Companion, str]], others: Iterable[Key]
    ) -> dict[str, str]:
        """The primary addresses of all recipients, each to the address at which the sender writes to them.

        :param companions_there: the people who are modeled, with their addresses.
        """
        mail = self.mail
        addresses = {
            recipient: recipient
            if is_true(mail.addressing.direct)
            else self._alias(mail.texts.get(WRITTEN, {}), is_true, recipient)
        }
        for companion, person in companions_there:
            addresses.setdefault(
                person, self._alias(companion.alias, is_true, person) if is_true(companion.at_alias) else person
            )
        for place, key in enumerate(others):
            if not any(_has_atom(key, person, written) for person, written in addresses.items()):
                addresses.update([self._person_with(recipient, key, place)])
        if not is_true(mail.addressing.others_direct):
            named = {address for named_there in self._named(is_true).values() for address in named_there}
            addresses = {
                **{
                    person: self._alias({}, is_true, person)
                    for person in self._may_be_named(is_true)
                    if person not in named
                },
                **addresses,
            }
        return addresses

    def _fields(self, people: Mapping[str, str], is_true: Holds) -> dict[str, list[str]]:
        """Field to its addresses: those that the model names, and all others."""
        fields = {**self._named(is_true), "bcc": list[str]()}
        named = {*fields["to"], *fields["cc"]}
        may_be_named = self._may_be_named(is_true)
        all_hidden = self.mail.vocabulary.members and not is_true(self.mail.addressing.members_named)
        for person, written in people.items():
            if person not in named:
                hidden = all_hidden or (
                    person in self.mail.vocabulary.fields and (written == person or person not in may_be_named)
                )
                fields["bcc" if hidden else "to"].append(written)
            elif written != person:
                raise NoMessageError()
        return {name: addresses for name, addresses in fields.items() if addresses}

    def _named(self, is_true: Holds) -> dict[str, list[str]]:
        """Field to its addresses that conditions look for."""
        known = self.mail.vocabulary.fields
        return {
            name: [address for address in known if is_true(self.mail.addressing.named(address, name))]
            for name in SHOWN_FIELDS
        }

    def _may_be_named(self, is_true: Holds) -> list[str]:
        """The addresses for which it matters that a field may name their owner by an alias."""
        return [
            address for address, literals in self.mail.addressing.perhaps_named.items() if any(map(is_true, literals))
        ]

    # Addresses

    def _address(self, slot: AddressSlot, is_true: Holds, name: str) -> str:
        for address in slot.values("address"):
            if is_true(slot["address", address]):
                return str(address)
        for number in slot.values("profile"):
            if is_true(slot["profile", number]):
                return self._from_directory(slot, number, is_true)
        domain = self._domain(slot, is_true)
        words = [
            word
            for word in slot.values("word")
            if is_true(slot["word", word]) and holds(f"@{domain}", ("word", word)) is not True
        ]
        address = f"{'.'.join([name, *largest(words)])}@{domain}"
        constraint = self._constraint_of(slot, is_true)
        samples = [
            text
            for key in constraint.wrong(address)
            if key[0] == "pattern" and key in constraint.wanted and (text := sample(key)) is not None
        ]
        candidates = [address, f"{name}{''.join(samples)}@{domain}".lower(), *(text.lower() for text in samples)]
        chosen = (
            next(
                (
                    candidate
                    for candidate in candidates
                    if is_plain_address(candidate) and not constraint.wrong(candidate)
                ),
                "",
            )
            or constraint.composed(address, _FORMS, _EVERY_FORM).lower()
        )
        return _as_address(chosen)

    def _from_directory(self, slot: AddressSlot, number: int, is_true: Holds) -> str:
        """Somebody with a profile: somebody else each time, if there are enough of them."""
        free = {key: slot.literal(key) for key in slot.profiles.profiles[number].free}
        wanted = {key: is_true(literal) for key, literal in free.items()}
        people = list(itertools.islice(slot.profiles.people(number, wanted), len(self._used_people) + 1))
        if people:
            person = next((candidate for candidate in people if candidate not in self._used_people), people[0])
            self._used_people.add(person)
            return person
        impossible = slot.profiles.impossible_atoms(number, wanted)
        clause = (
            ~slot["profile", number],
            *(~free[key] if wanted[key] else free[key] for key in impossible or wanted),
        )
        raise NoMessageError([clause]) if impossible else NoMessageError(limits=[clause])

    def _domain(self, slot: AddressSlot, is_true: Holds) -> str:
        exact = [name for name in slot.values("exact") if is_true(slot["exact", name])]
        if exact:
            return str(exact[0])
        below = [name for name in slot.values("below") if is_true(slot["below", name])]
        if below:
            deepest = str(max(below, key=len))
            return (
                f"mail.{deepest}"
                if ("exact", deepest) in slot.atoms or f"mail.{deepest}" in slot.values("below")
                else deepest
            )
        words = slot.values("word")
        free = [
            name
            for name in _RESERVED
            if not any(holds(f"@{name}", ("word", word)) for word in words) and not self._is_below(slot, name)
        ]
        return free[0] if free else "q7.invalid"

    @staticmethod
    def _is_below(slot: AddressSlot, name: str) -> bool:
        return any(name == known or name.endswith(f".{known}") for known in slot.values("below"))

    def _constraint_of(self, slot: AddressSlot, is_true: Holds) -> TextConstraint:
        """The required atoms of an address's text."""
        return TextConstraint(
            {key: literal for key, literal in slot.atoms.items() if key[0] in _TEXT_SORTS},
            is_true,
            address_has,
            self._lax,
        )

    def _person_with(self, recipient: str, key: Key, place: int) -> tuple[str, str]:
        """Another person with an atom, otherwise like the recipient, and the address at which the sender writes to
        them.
        """
        local, _at, domain = recipient.partition("@")
        if key[0] == "written":
            known = [
                alias
                for alias, primary in sorted(self.facts.people.proxy_addresses.items())
                if primary != recipient and holds(alias, key[1]) is True
            ]
            return (
                (self.facts.people.primary(known[0]), known[0])
                if known
                else (f"{local}.{place}@{domain}", self._address_with(local, domain, key[1], place))
            )
        person = self._address_with(local, domain, key, place)
        return person, person

    @staticmethod
    def _address_with(local: str, domain: str, key: Key, place: int) -> str:
        """An address with an atom."""
        sort, value = key
        for address in (
            f"{local}.{place}.{value}@{domain}",
            f"{value}.{place}@{domain}",
            f"other.{place}@{value}",
            f"other.{place}@mail.{value}",
        ):
            if sort == "word" and is_plain_address(address) and holds(address, key) is True:
                return address
        sample_text = next((text for form in _FORMS if (text := sample(key, form))), None)
        if sample_text is None:
            raise NoMessageError()
        return _as_address(sample_text.lower())

    def _alias(self, of_alias: Mapping[Key, Literal], is_true: Holds, recipient: str) -> str:
        """The alias that the sender wrote for somebody: a known one, or a new one. The primary address, if rules do not
        distinguish the two.
        """
        if not self.mail.addressing.watches_aliases:
            return recipient
        atoms = {as_text(key): literal for key, literal in of_alias.items()}
        words = largest([value for (sort, value), literal in atoms.items() if sort == "word" and is_true(literal)])
        names = ("alias", ".".join(["alias", *words]))
        domains = (recipient.rpartition("@")[2], *_RESERVED)
        known = sorted(alias for alias, primary in self.facts.people.proxy_addresses.items() if primary == recipient)
        for address in (*known, *(f"{name}@{domain}" for domain in domains for name in names)):
            if is_plain_address(address) and all(
                holds(address, key) is is_true(literal) for key, literal in atoms.items()
            ):
                return address
        text = _as_address(TextConstraint(atoms, is_true, lax=self._lax).composed("", _FORMS, _EVERY_FORM).lower())
        if self.facts.is_object(text) or self.facts.people.primary(text) not in (text, recipient):
            raise NoMessageError()
        return text

    def _envelope(self, sender: str, is_true: Holds) -> str:
        mail = self.mail
        if mail.envelope.sender is None or is_true(mail.envelope.same):
            return sender
        return "" if is_true(mail.envelope.empty) else self._address(mail.envelope.sender, is_true, "bounce")

    # What conditions look at beside people

    def _arrival(self, is_true: Holds) -> dict[str, Any]:
        mail = self.mail
        chosen: dict[str, Any] = {}
        arrival = next((kind for kind, literal in mail.arrival.items() if is_true(literal)), "")
        if arrival in ("own", "other"):
            options = mail.arrival_options
            chosen_options = (options.spelled[name] for name, literal in options.literals.items() if is_true(literal))
            chosen["protection"] = {"kind": next(chosen_options, "encrypt"), "owner": arrival}
        elif arrival:
            chosen["protection"] = {"kind": arrival, "owner": "other"}
        # Nothing fits into signed mail, or mail of foreign keys. Where nothing is said, it fits into mail in clear.
        fits = is_true(mail.disclaimers.insertable)
        is_known = arrival == "own" or not (arrival or fits)
        if mail.disclaimers.wrap and is_known and not is_true(mail.kinds["Signed"]):
            chosen["disclaimer_insertable"] = fits
        label = next((name for name, literal in mail.sensitivity.labels.items() if is_true(literal)), "")
        if label:
            chosen["sensitivity_label"] = label
        return chosen

    def _attached(self, message: Mapping[str, Any], is_true: Holds) -> dict[str, Any]:
        """An attachment of a message that is written so far, where it has one at which no condition looks.

        :raises NoMessageError: conditions look at attachments, and what they look for is not true of it.
        """
        mail = self.mail
        attachment = mail.sensitivity.attachment
        if attachment is FALSE or not is_true(attachment) or message.get("attachments"):
            return {}
        looked_for = mail.of_attachments
        if looked_for:
            raise NoMessageError(limits=[(~attachment, *looked_for)])
        return {"attachments": [{"name": "file0", "size": 1}]}

    def _content(self, message: Mapping[str, Any], is_true: Holds) -> dict[str, Any]:
        """What DLP finds in the content of a message that is written so far. Of one with a number nobody can say that DLP
        finds nothing: most types of sensitive information are numbers.
        """
        mail = self.mail
        if mail.sensitivity.information is FALSE or is_true(mail.sensitivity.information):
            return {}
        attachments = message.get("attachments", ())
        texts = [message.get("subject"), message.get("body"), *(attachment.get("text") for attachment in attachments)]
        if not any(_NUMBER.search(text or "") for text in texts):
            return {SENSITIVE: False}
        written = [literal for atoms in mail.texts.values() for literal in atoms.values() if is_true(literal)]
        raise NoMessageError(limits=[(mail.sensitivity.information, *(~literal for literal in written))])

    # Facts

    def _facts(self, is_true: Holds, people: list[tuple[AddressSlot, str]]) -> dict[str, Any]:
        facts = self.facts
        facts_needed: dict[str, Any] = {}
        if facts.people.mailboxes is None:
            facts_needed["mailboxes"] = sorted({address for slot, address in people if is_true(slot.object)})
        if facts.domains.remote is None:
            facts_needed["remote_domains"] = []
        groups = self._groups(is_true, people)
        if groups:
            known = {name: list(members) for name, members in (facts.groups.members or {}).items()}
            facts_needed["groups"] = {**known, **groups}
        attributes = self._attributes(is_true, people)
        if attributes:
            known_attributes = {
                address: dict(attributes_of) for address, attributes_of in (facts.people.attributes or {}).items()
            }
            facts_needed["attributes"] = {**known_attributes, **attributes}
        if facts.people.managers is None and self.mail.vocabulary.managers:
            facts_needed["managers"] = {
                address: "boss@example.org" for slot, address in people[:1] if is_true(slot.managed)
            }
        return facts_needed

    def _groups(self, is_true: Holds, people: list[tuple[AddressSlot, str]]) -> dict[str, list[str]]:
        """The members of groups that rules look for and of which no fact says who they are."""
        facts = self.facts
        open_ = {
            group
            for slot, _address in people
            for group in slot.values("member")
            if (facts.groups.members is None or group not in facts.groups.members) and group not in facts.groups.unread
        }
        members_of: dict[str, set[str]] = {group: set() for group in sorted(open_)}
        for slot, address in people:
            for group, members in members_of.items():
                if ("member", group) in slot.atoms and is_true(slot["member", group]):
                    members.add(address)
        return {group: sorted(members) for group, members in members_of.items()}

    def _attributes(self, is_true: Holds, people: list[tuple[AddressSlot, str]]) -> dict[str, dict[str, str]]:
        """The attributes of people that rules look for and that no fact says, beside those that are known."""
        facts = self.facts
        texts: dict[tuple[str, str], dict[Key, Literal]] = {}
        for slot, address in people:
            for sort, value in slot.atoms:
                if sort in ATTRIBUTES and is_true(slot.object) and facts.attribute(address, value[0]) is None:
                    key: Key = ("word", value[1].lower()) if sort == "attribute word" else ("pattern", value[1:])
                    texts.setdefault((address, value[0]), {})[key] = slot[sort, value]
        attributes = {address: dict((facts.people.attributes or {}).get(address, {})) for address, _name in texts}
        for (address, name), atoms in texts.items():
            # Nothing matches in an empty attribute, not even what every text has.
            constraint = TextConstraint(atoms, is_true, lax=self._lax)
            attributes[address][name] = constraint.text() if any(map(is_true, atoms.values())) else ""
        return attributes


def _has_atom(key: Key, person: str, written: str) -> bool:
    """Whether somebody has an atom: in the address, or in the one at which the sender writes to them."""
    return (written != person and holds(written, key[1]) is True) if key[0] == "written" else holds(person, key) is True


def _as_address(text: str) -> str:
    """A text as an address. If the content of texts may be open, so may the form.

    :raises NoMessageError: it is not an address.
    """
    if not is_plain_address(text):
        raise NoMessageError()
    return text
