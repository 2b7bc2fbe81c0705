# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of an address, the relations between them, and what is assumed about people.

One variable says that it is this address, one that it is in a domain or below it, one that it contains a word, and so
on. The relations exclude what no address can be at once. A wrong relation would be a false proof; a missing one only
costs trying a message that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..._resources.rules.never import is_no_domain
from ..conditions.connectives import Connectives
from ..conditions.formulas import AddressVariables
from ..conditions.keys import ATTRIBUTES, MOST_NAMED, RECIPIENT, SENDER, Key, is_open, wider
from ..formula import Literal, Value
from ..model import questions
from ..model.addresses import domain, is_below, spellings, with_parents
from ..model.domains import INSIDE, RELAYED
from ..model.expressions import Dialect
from ..model.facts import Facts
from ..model.patterns import any_pattern, begins_anywhere, has_pattern
from ..model.words import any_word, has_word, words_by_token, words_in
from ..sat.circuit import Circuit
from .atoms import Vocabulary, named_guests, strangers_with_attributes
from .profiles import MANAGED, Profiles, doubted_of

#: The number of pairs of values to compare before the first question. Other relations are learnt when they matter.
_PAIRS = 20_000

#: Sort of atom to why it may be open whether an address has it.
_DOUBTS = {
    "word": questions.WORD_BORDERS,
    "attribute word": questions.WORD_BORDERS,
    "pattern": questions.PATTERN_SYNTAX,
    "attribute pattern": questions.PATTERN_SYNTAX,
    "member": questions.NESTED_GROUPS,
    "address": questions.ALIASES,
    "below": questions.ALIASES,
}


def stands(word: str) -> list[str]:
    """How a word may appear in a text, the word itself first: with other white space, and, if it ends with punctuation,
    next to a letter (U17).
    """
    ends = [("", "q")[:1] if character.isalnum() else ("", "q") for character in (word[:1], word[-1:])]
    blanks = (" ", "  ", "\n\t ") if any(character.isspace() for character in word) else ("",)
    bodies = dict.fromkeys((word, *(blank.join(word.split()) for blank in blanks if blank)))
    return [f"{before}{body}{after}" for body in bodies for before in ends[0] for after in ends[1]]


def relate_texts(circuit: Circuit, atoms: Mapping[Key, Literal], *, alike: bool = True) -> None:
    """The relations between words and patterns in one text: a phrase contains its words, and a word contains what a
    pattern finds in it.

    :param alike: whether words and patterns are looked for in the same part of the text.
    """
    words = [value for sort, value in atoms if sort == "word"]
    patterns = [value for sort, value in atoms if sort == "pattern"]
    index = words_by_token(words)
    standing = {word: stands(word) for word in words}
    for word in words:
        for inner, sure in words_in(word, index):
            if sure and inner != word and all(has_word(text, inner) is True for text in standing[word]):
                circuit.add(~atoms["word", word], atoms["word", inner])
    if not alike or len(words) * len(patterns) > _PAIRS:
        return
    for pattern, dialect in patterns:
        if not begins_anywhere(pattern, dialect, both=True):
            continue
        for word in words:
            if all(has_pattern(text, pattern, dialect) is True for text in standing[word]):
                circuit.add(~atoms["word", word], atoms["pattern", (pattern, dialect)])


class AddressSlot:
    """The address of the sender or of a recipient.

    :param kind: the part of the vocabulary that looks at it.
    :param atoms: its variables.
    :param profiles: the people of a large directory. The number of a profile is an atom, too.
    :param object: whether the person is an object of the organization.
    :param named: whether the address, or its owner's profile, has a variable of its own; :param:`placed`: whether its
        domain has one.
    :param doubtful: atom to the named addresses and profiles that may or may not have it, because of a borderline case of a word (U17) or of a
        pattern (U18), or a nested group (U04). For these, its variable says nothing.
    """

    def __init__(
        self, circuit: Circuit, name: str, kind: str, vocabulary: Vocabulary, facts: Facts, profiles: Profiles
    ) -> None:
        self.name = name
        self.facts = facts
        self._circuit = circuit
        self.profiles = profiles
        # These two come first: once one is false, a single decision excludes all names, or all domains.
        self.named = circuit.variable((name, "named"))
        self.placed = circuit.variable((name, "placed"))
        self.atoms: dict[Key, Literal] = {
            key: circuit.variable((name, *key)) for key in vocabulary.keys.get(kind, ()) if not is_open(key)
        }
        self.atoms.update(
            {("exact", address): circuit.variable((name, "exact", address)) for address in vocabulary.exact}
        )
        for number in range(len(profiles.profiles)):
            self.atoms["profile", number] = circuit.variable((name, "profile", number))
        self.object = circuit.variable((name, "object"))
        self.managed = circuit.variable((name, "managed"))
        self.doubtful: dict[Key, list[Key]] = {}
        self._relate()

    def __getitem__(self, key: Key) -> Literal:
        return self.atoms[key]

    def value(self, key: Key, logic: Connectives) -> Value:
        """Whether it has an atom."""
        if is_open(key):
            wide = wider(key)
            unknown = logic.unknown(questions.PATTERN_SYNTAX, self.name, key)
            return unknown if wide is None else unknown & self.value(wide, logic)
        value: Value = self.atoms[key]
        if others := spellings(key[1]) if key[0] == "below" else ():
            otherwise = self._circuit.disjunction(self.atoms["below", other] for other in others)
            value = logic.or_perhaps(value, otherwise, questions.ALIASES, self.name, key)
        for who in self.doubtful.get(key, ()):
            # Of two people with one profile, the answers may differ.
            name = (who[1],) if who[0] == "address" else (self.name, who)
            value = logic.choose(self.atoms[who], logic.unknown(_DOUBTS[key[0]], *name, key), value)
        return value

    def literal(self, key: Key) -> Literal:
        """The variable of an atom of a profile."""
        return self.managed if key == MANAGED else self.atoms[key]

    def values(self, sort: str) -> list[Any]:
        """The values of a sort."""
        return [value for kind, value in self.atoms if kind == sort]

    def _relate(self) -> None:
        relate_texts(self._circuit, self.atoms)
        people = self.values("address")
        known = [literal for (sort, _value), literal in self.atoms.items() if sort in ("address", "profile")]
        self._circuit.at_most_one(known)
        self._is_any(self.named, known)
        self._is_any(self.placed, [self.atoms["below", name] for name in self.values("below")])
        self._relate_domains(people)
        self._relate_words(people)
        self._relate_endings()
        self._relate_members(people)
        self._relate_directory(people)
        self._relate_profiles()
        for address in people:
            for key in doubted_of(self.facts, address, self.atoms):
                self._has(("address", address), key, sure=False)
        sorts = ("address", "profile", "below", "exact", "member", "attribute word", "attribute pattern")
        choices = [literal for (sort, _value), literal in self.atoms.items() if sort in sorts]
        self._circuit.together([self.named, self.placed, *choices, self.object, self.managed])

    def _is_any(self, whole: Literal, literals: list[Literal]) -> None:
        for literal in literals:
            self._circuit.add(~literal, whole)
        self._circuit.add(~whole, *literals)

    def _has(self, who: Key, key: Key, *, sure: bool) -> None:
        """A named address, or everybody with a profile, has an atom, or may have it."""
        if sure:
            self._circuit.add(~self.atoms[who], self.literal(key))
        else:
            self.doubtful.setdefault(key, []).append(who)

    def _only(self, key: Key, people: Iterable[str]) -> None:
        """No other named address has an atom."""
        others = [self.atoms["profile", number] for number in self.profiles.with_atom.get(key, ())]
        every = (self.atoms["address", address] for address in people)
        self._circuit.add(~self.named, ~self.atoms[key], *every, *others)

    def _relate_profiles(self) -> None:
        """What people in a large directory have, and what they lack."""
        for number, profile in enumerate(self.profiles.profiles):
            who: Key = ("profile", number)
            self._circuit.add(~self.atoms[who], self.object)
            for key, sure in profile.has.items():
                self._has(who, key, sure=sure)
            for key in self.profiles.of_directory:
                if key not in profile.has and key not in profile.free:
                    self._circuit.add(~self.atoms[who], ~self.literal(key))

    def _relate_domains(self, people: list[str]) -> None:
        """L5 to L8: a domain lies in its parents; an address has one domain, and none that is no domain."""
        add = self._circuit.add
        atoms = self.atoms
        names = set(self.values("below"))
        children: dict[str, list[Literal]] = {}
        for name in sorted(filter(is_no_domain, names)):
            add(~atoms["below", name])
        for name in sorted(names):
            parent = next((above for above in with_parents(name)[1:] if above in names), "")
            children.setdefault(parent, []).append(atoms["below", name])
            if parent:
                add(~atoms["below", name], atoms["below", parent])
            if ("exact", name) in atoms:
                children.setdefault(name, []).append(atoms["exact", name])
                add(~atoms["exact", name], atoms["below", name])
        for _parent, exclusive in sorted(children.items()):
            self._circuit.at_most_one(exclusive)
        inside: dict[Key, list[str]] = {key: [] for key in atoms if key[0] in ("below", "exact")}
        for address in people:
            for name in with_parents(domain(address)):
                if ("below", name) in atoms:
                    inside["below", name].append(address)
                    add(~atoms["address", address], atoms["below", name])
            if ("exact", domain(address)) in atoms:
                inside["exact", domain(address)].append(address)
                add(~atoms["address", address], atoms["exact", domain(address)])
        for key, domains in inside.items():
            self._only(key, domains)

    def _relate_words(self, people: list[str]) -> None:
        """Words and patterns in named addresses."""
        index = words_by_token(self.values("word"))
        patterns = self.values("pattern")
        hits: dict[Key, list[str]] = {key: [] for key in self.atoms if key[0] in ("word", "pattern")}
        for address in people:
            for word, sure in words_in(address, index):
                hits["word", word].append(address)
                self._has(("address", address), ("word", word), sure=sure)
            for pattern, dialect in patterns:
                matches = any_pattern(address, (pattern,), dialect)
                if matches is not False:
                    hits["pattern", (pattern, dialect)].append(address)
                    self._has(("address", address), ("pattern", (pattern, dialect)), sure=matches is True)
        for key, words in hits.items():
            self._only(key, words)

    def _relate_endings(self) -> None:
        """Words and patterns in domains: every address in a domain ends with it, after ``@`` or a dot."""
        add = self._circuit.add
        atoms = self.atoms
        index = words_by_token(self.values("word"))
        patterns = self.values("pattern")
        ends: list[tuple[Literal, tuple[str, ...]]] = [
            (atoms["below", name], (f"@{name}", f".{name}")) for name in self.values("below")
        ]
        ends += [(atoms["exact", name], (f"@{name}",)) for name in self.values("exact")]
        for literal, texts in ends:
            # A letter, or something else, may come before it.
            whole = [f"{before}{text}" for text in texts for before in "q-"]
            for word, sure in words_in(whole[0], index):
                if sure and all(has_word(text, word) is True for text in whole):
                    add(~literal, atoms["word", word])
        if len(ends) * len(patterns) > _PAIRS:
            return
        for pattern, dialect in patterns:
            if not begins_anywhere(pattern, dialect):
                continue
            for literal, texts in ends:
                if all(has_pattern(text, pattern, dialect) is True for text in texts):
                    add(~literal, atoms["pattern", (pattern, dialect)])

    def _relate_members(self, people: list[str]) -> None:
        """Membership of groups whose members are known."""
        for group in self.values("member"):
            if self.facts.groups.members is None or group not in self.facts.groups.members:
                continue
            every = self.facts.groups.members_of(group)
            direct = self.facts.groups.members[group]
            members = [address for address in people if address in every]
            self._only(("member", group), members)
            for address in members:
                self._has(("address", address), ("member", group), sure=address in direct)
            if len(every) <= MOST_NAMED or self.profiles.covers(every):
                self._circuit.add(~self.atoms["member", group], self.named)

    def _relate_directory(self, people: list[str]) -> None:
        """The organization's objects, with their known attributes and managers."""
        facts = self.facts
        add = self._circuit.add
        for address in people:
            literal = ~self.atoms["address", address]
            known = facts.is_object(address)
            if known is not None or facts.people.is_contact(address):
                add(literal, self.object if known else ~self.object)
            if facts.people.managers is not None:
                add(literal, self.managed if facts.people.manager(address) else ~self.managed)
            for sort, value in self.atoms:
                if sort in ATTRIBUTES:
                    self._relate_attribute(address, sort, value)
        strangers = [
            self.atoms["address", address]
            for address in strangers_with_attributes(facts)
            if ("address", address) in self.atoms
        ]
        for sort, value in self.atoms:
            if sort in ATTRIBUTES:
                add(~self.atoms[sort, value], self.object, *strangers)
        if facts.people.managers is not None and all(
            ("address", person) in self.atoms for person in facts.people.managers
        ):
            add(~self.managed, *(self.atoms["address", person] for person in facts.people.managers))
        elif self.profiles.covers(facts.people.managers or ()):
            add(~self.managed, self.named)
        if facts.people.mailboxes is not None:
            add(~self.object, self.named)

    def _relate_attribute(self, address: str, sort: str, value: tuple[str, str, Dialect]) -> None:
        name, wanted, dialect = value
        text = self.facts.attribute(address, name)
        if text is None:
            return
        matches = bool(text) and (
            any_word(text, (wanted,)) if sort == "attribute word" else any_pattern(text, (wanted,), dialect)
        )
        if matches is False:
            self._circuit.add(~self.atoms["address", address], ~self.atoms[sort, value])
        else:
            self._has(("address", address), (sort, value), sure=matches is True)

    # Regions of the domain

    def below_alone(self, name: str) -> Literal:
        """Whether the address is in a subdomain of this domain, and not in the domain itself."""
        return self.atoms["below", name] & ~self.atoms["exact", name]

    def in_accepted(self, kinds: tuple[str, ...]) -> Literal:
        """Whether the address is in an accepted domain of one of these types."""
        return self._circuit.disjunction([literal for kind, literal in self._accepted() if kind in kinds])

    def _accepted(self) -> list[tuple[str, Literal]]:
        accepted = self.facts.domains.accepted or ()
        exact = {accepted_domain.name: accepted_domain.type for accepted_domain in accepted}
        literals = [(kind, self.atoms["exact", name]) for name, kind in exact.items()]
        earlier: list[str] = []
        for accepted_domain in accepted:
            if accepted_domain.match_subdomains:
                others = [name for name in exact if is_below(name, accepted_domain.name)]
                taken = [
                    name
                    for name in earlier
                    if is_below(name, accepted_domain.name) or is_below(accepted_domain.name, name)
                ]
                parts = [self.atoms["below", accepted_domain.name], *(~self.atoms["exact", name] for name in others)]
                literals.append(
                    (
                        accepted_domain.type,
                        self._circuit.conjunction([*parts, *(~self.atoms["below", name] for name in taken)]),
                    )
                )
                earlier.append(accepted_domain.name)
        return literals

    def in_accepted_otherwise(self) -> Literal:
        """Whether the address is in no accepted domain, but would be in one whose people are inside in another
        spelling.
        """
        literals = [
            self.atoms["below" if accepted_domain.match_subdomains else "exact", other]
            for accepted_domain in self.facts.domains.accepted or ()
            if accepted_domain.type in INSIDE
            for other in spellings(accepted_domain.name)
        ]
        accepted = self._circuit.disjunction(literal for _kind, literal in self._accepted())
        return self._circuit.disjunction(literals) & ~accepted

    def in_internal_otherwise(self) -> Literal:
        """Whether the address would be in a remote domain that makes people internal in another spelling."""
        names = [name for name, internal in (self.facts.domains.remote or {}).items() if internal and name != "*"]
        return self._circuit.disjunction(
            self.atoms["below" if name.startswith("*.") else "exact", other]
            for name in names
            for other in spellings(name.removeprefix("*."))
        )

    def in_internal(self) -> Literal:
        """Whether a remote domain makes the person internal."""
        remote = {name: internal for name, internal in (self.facts.domains.remote or {}).items() if name != "*"}
        exact = [name for name in remote if not name.startswith("*.")]
        wild = [name[2:] for name in remote if name.startswith("*.")]
        others = [~self.atoms["exact", name] for name in exact]
        literals = [self.atoms["exact", name] for name in exact if remote[name]]
        for name in wild:
            if remote[f"*.{name}"]:
                longer = [
                    ~self.atoms["below", other]
                    for other in wild
                    if other != name and len(other) > len(name) and is_below(other, name)
                ]
                literals.append(self._circuit.conjunction([self.atoms["below", name], *longer, *others]))
        if (self.facts.domains.remote or {}).get("*", False):
            literals.append(self._circuit.conjunction([*others, *(~self.atoms["below", name] for name in wild)]))
        return self._circuit.disjunction(literals)


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
        self._guests_send = assume(questions.GUESTS, "guests_send_nothing", bool(self._named_guests), of_mail=False)
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
        add = self.circuit.add
        inside = self.inside(slot)
        known = bool(whose) and (self.facts.is_object(whose) is not None or self.facts.people.is_contact(whose))
        if self.facts.people.mailboxes is None and not known:
            guest = slot.object & ~inside
            if self._named_guests is None:
                add(~self._guests, ~guest)
            else:
                add(~guest, *(slot["address", address] for address in self._named_guests))
                if kind == SENDER:
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
