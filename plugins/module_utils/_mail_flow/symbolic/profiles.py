# SPDX-License-Identifier: GPL-3.0-or-later
"""People whom no rule tells apart, in a directory that is too large for a variable per person.

Everybody in it has one of few profiles: the same domains, groups, words and so on, of those that rules mention. So a
variable per profile says as much of them as one per person would.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ..budget import remembered, spend
from ..conditions.keys import ATTRIBUTES, MOST_NAMED, RECIPIENT, Key, is_open
from ..model.addresses import domain, is_below, spellings
from ..model.expressions import Dialect
from ..model.facts import Facts
from ..model.kleene import Truth
from ..model.patterns import has_pattern
from ..model.words import first_token, has_word, tokens
from .atoms import Vocabulary

#: A property of the directory that is an atom only here: somebody has a manager.
MANAGED: Key = ("managed", "")

_DOMAINS = ("exact", "below")

#: The number of texts to search for patterns before the first question. Other patterns say nothing about profiles.
_SEARCHES = 2_000_000


@dataclass(frozen=True)
class Marks:
    """Who in a directory has an atom, a bit for each person.

    :param sure: those who have it; :param:`doubtful`: those of whom that is open; :param:`unsaid`: those of whom it is
        a fact that nobody gave. All others do not have it.
    """

    sure: int = 0
    doubtful: int = 0
    unsaid: int = 0


@dataclass(frozen=True)
class Profile:
    """What rules see of some people in a directory.

    :param people: a bit for each of them.
    :param has: the atoms that all of them have, each to whether that is certain; they lack all others.
    :param free: but for these, which some of them may have.
    :param mailboxes: whether all of them have a mailbox here, where that matters.
    """

    people: int
    has: Mapping[Key, bool] = field(default_factory=dict)
    free: tuple[Key, ...] = ()
    mailboxes: bool = False

    def split_by(self, key: Key, marks: Marks) -> Iterator[Profile]:
        """The parts into which an atom splits these people: those who have it, those who may, those of whom nobody says it, and
        the others.
        """
        named = marks.sure | marks.doubtful | marks.unsaid
        yield replace(self, people=self.people & marks.sure, has={**self.has, key: True})
        yield replace(self, people=self.people & marks.doubtful, has={**self.has, key: False})
        yield replace(self, people=self.people & marks.unsaid, free=(*self.free, key))
        yield replace(self, people=self.people & ~named)


class Directory:
    """The people of an organization."""

    def __init__(self, people: Iterable[str]) -> None:
        self.people = sorted(people)
        #: Those whom rules may take for others.
        self.odd = [person for person in self.people if not person.isascii() or "+" in person or "xn--" in person]
        self._places = {address: place for place, address in enumerate(self.people)}
        self.in_domain: dict[str, list[str]] = {}
        for address in self.people:
            self.in_domain.setdefault(domain(address), []).append(address)
        self.addresses = TextIndex(self, {address: (address,) for address in self.people})

    def bits(self, people: Iterable[str]) -> int:
        """A bit for each of these people who is in it."""
        bits = bytearray((len(self.people) + 7) >> 3)
        for place in (self._places[address] for address in people if address in self._places):
            bits[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(bits, "little")

    def people_of(self, bits: int) -> Iterator[str]:
        """The people whose bits are set, in order."""
        while bits:
            lowest = bits & -bits
            yield self.people[lowest.bit_length() - 1]
            bits ^= lowest


class TextIndex:
    """Texts of people in a directory, indexed by the letters in them.

    :param owners: a text to the people whose it is.
    """

    def __init__(self, directory: Directory, owners: Mapping[str, Sequence[str]]) -> None:
        self._directory = directory
        self._owners = owners
        self._with_token: dict[str, list[str]] = {"": list(owners)}
        for text in owners:
            for token in tokens(text):
                self._with_token.setdefault(token, []).append(text)

    def with_word(self, word: str) -> Marks:
        """Whose text has a word."""
        return self._marks(self._with_token.get(first_token(word), ()), lambda text: has_word(text, word))

    def with_pattern(self, pattern: str, dialect: Dialect) -> Marks:
        """In whose text a pattern is found."""
        return self._marks(self._owners, lambda text: has_pattern(text, pattern, dialect))

    def _marks(self, texts: Collection[str], has: Callable[[str], Truth]) -> Marks:
        spend(len(texts) >> 2)
        matching = [(text, truth) for text in texts if (truth := has(text)) is not False]
        return Marks(
            self._directory.bits(owner for text, truth in matching if truth is True for owner in self._owners[text]),
            self._directory.bits(
                owner for text, truth in matching if truth is not True for owner in self._owners[text]
            ),
        )


@lru_cache(maxsize=4)
def _directory(objects: frozenset[str]) -> Directory:
    return Directory(objects)


@remembered(2048)
def _in_address(directory: Directory, key: Key) -> Marks:
    """Whose address has an atom: a domain, a word or a pattern."""
    sort, value = key
    if sort in _DOMAINS:
        names = [value] if sort == "exact" else [name for name in directory.in_domain if is_below(name, value)]
        return Marks(directory.bits(address for name in names for address in directory.in_domain.get(name, ())))
    return directory.addresses.with_word(value) if sort == "word" else directory.addresses.with_pattern(*value)


class Profiles:
    """The profiles of an organization's objects: none if each has a variable of its own, or if not all are known.

    :param kind: the part of the vocabulary that looks at people.
    :param with_atom: atom to the numbers of the profiles of people who have it, or may have it.
    :param of_directory: the atoms that are no part of an address.
    """

    def __init__(self, vocabulary: Vocabulary, facts: Facts, kind: str) -> None:
        self.profiles: list[Profile] = []
        self.with_atom: dict[Key, list[int]] = {}
        self.of_directory: list[Key] = []
        self._marks: dict[Key, Marks] = {}
        if facts.people.mailboxes is None or len(facts.objects) <= MOST_NAMED:
            return
        self._facts = facts
        self._directory = _directory(facts.objects)
        self._attributes: dict[str, tuple[TextIndex, int]] = {}
        self._groups = self._directory.bits(facts.groups.members or ())
        keys = [*(("exact", name) for name in vocabulary.exact), *vocabulary.keys.get(kind, ())]
        keys = [key for key in keys if not is_open(key)]
        self._mark(keys, managers=vocabulary.managers)
        named = self._directory.bits(value for sort, value in keys if sort == "address")
        unseen = self._directory.bits(facts.groups.expanded if kind == RECIPIENT else ())
        mailboxes = self._directory.bits(facts.people.mailboxes) if vocabulary.mailboxes else 0
        self._split(((1 << len(facts.objects)) - 1) & ~named & ~unseen, keys, mailboxes)
        self.of_directory = [key for key in self._marks if key == MANAGED or key[0] in ATTRIBUTES]
        for number, profile in enumerate(self.profiles):
            for key in (*profile.has, *profile.free):
                self.with_atom.setdefault(key, []).append(number)

    def _mark(self, keys: list[Key], *, managers: bool) -> None:
        """Notes who has which atom: first where they are, so that this never counts for too many profiles."""
        facts = self._facts
        directory = self._directory
        self._marks = {key: _in_address(directory, key) for key in keys if key[0] in _DOMAINS}
        if managers and facts.people.managers is not None:
            self._marks[MANAGED] = Marks(
                directory.bits(address for address, boss in facts.people.managers.items() if boss)
            )
        searches = _SEARCHES
        for key in keys:
            sort, value = key
            if sort == "member" and facts.groups.members is not None and value in facts.groups.members:
                direct = directory.bits(facts.groups.members[value])
                self._marks[key] = Marks(direct, directory.bits(facts.groups.members_of(value)) & ~direct)
            elif sort in ATTRIBUTES:
                self._marks[key] = self._of_attribute(sort, value)
            elif sort == "word" or (sort == "pattern" and searches > 0):
                searches -= len(directory.people) if sort == "pattern" else 0
                self._marks[key] = _in_address(directory, key)
        self._mark_doubtful(keys)

    def _of_attribute(self, sort: str, value: tuple[str, str, Dialect]) -> Marks:
        """Who has an attribute with a word or a pattern in it."""
        name, wanted, dialect = value
        if name not in self._attributes:
            self._attributes[name] = self._texts_of(name)
        texts, unsaid = self._attributes[name]
        marks = texts.with_word(wanted) if sort == "attribute word" else texts.with_pattern(wanted, dialect)
        return replace(marks, unsaid=unsaid)

    def _texts_of(self, name: str) -> tuple[TextIndex, int]:
        """The texts of an attribute, and those of whom nobody says it."""
        facts = self._facts
        directory = self._directory
        known_texts = dict.fromkeys((*(facts.people.attributes or ()), *(facts.people.contacts or ())))
        owners: dict[str, list[str]] = {}
        for address in known_texts:
            if text := facts.attribute(address, name):
                owners.setdefault(text, []).append(address)
        return TextIndex(directory, owners), ((1 << len(directory.people)) - 1) & ~directory.bits(known_texts)

    def _mark_doubtful(self, keys: list[Key]) -> None:
        doubted: dict[Key, list[str]] = {}
        for address in self._directory.odd:
            for key in doubtful_keys(self._facts, address, keys):
                doubted.setdefault(key, []).append(address)
        for key, people in doubted.items():
            sure = self._marks.get(key, Marks()).sure
            self._marks[key] = Marks(sure, self._directory.bits(people) & ~sure)

    def _split(self, people: int, keys: list[Key], mailboxes: int) -> None:
        """Splits people by who has a mailbox, and who has which atom. What would make too many profiles of them stays free."""
        free = tuple(key for key in keys if key not in self._marks and key[0] != "address")
        parts = [Profile(people & mailboxes, free=free, mailboxes=True), Profile(people & ~mailboxes, free=free)]
        self.profiles = [part for part in parts if part.people] or parts[1:]
        for key, marks in self._marks.items():
            parts = [part for profile in self.profiles for part in profile.split_by(key, marks) if part.people]
            if len(parts) <= MOST_NAMED or key[0] in (*_DOMAINS, "address"):
                self.profiles = parts
            else:
                self.profiles = [replace(profile, free=(*profile.free, key)) for profile in self.profiles]

    def covers(self, people: Iterable[str]) -> bool:
        """Whether all of these have a profile, or an atom of their own."""
        return bool(self.profiles) and self._facts.objects.issuperset(people)

    def is_one(self, number: int) -> bool:
        """Whether only one person has a profile."""
        people = self.profiles[number].people
        return not people & (people - 1)

    def people(self, number: int, wanted: Mapping[Key, bool]) -> Iterator[str]:
        """The people of a profile with these free atoms, and without those that are false; groups come last."""
        people = self.profiles[number].people
        for key, has in wanted.items():
            marks = self._marks.get(key)
            if marks is not None:
                people &= marks.sure | marks.unsaid if has else ~(marks.sure | marks.doubtful)
        yield from self._directory.people_of(people & ~self._groups)
        yield from self._directory.people_of(people & self._groups)

    def impossible_atoms(self, number: int, wanted: Mapping[Key, bool]) -> list[Key]:
        """Some of these atoms that nobody of a profile has, or lacks, together, none of which can be left out; empty if somebody
        may.
        """
        needed = list(wanted)
        if self._may_have(number, wanted, needed):
            return []
        for key in wanted:
            fewer = [other for other in needed if other != key]
            if not self._may_have(number, wanted, fewer):
                needed = fewer
        return needed

    def _may_have(self, number: int, wanted: Mapping[Key, bool], keys: Iterable[Key]) -> bool:
        people = self.profiles[number].people
        for key in keys:
            marks = self._marks.get(key)
            if marks is not None:
                people &= marks.sure | marks.doubtful | marks.unsaid if wanted[key] else ~marks.sure
        return people != 0


def doubtful_keys(facts: Facts, address: str, keys: Iterable[Key]) -> list[Key]:
    """The keys of addresses and domains of which it is open whether somebody has them: rules may take the address for another
    one (U24), of which something else is so.
    """
    others = facts.other_addresses(address)
    doubted = []
    for key in keys if others else ():
        if key[0] in ("address", "below"):
            has = _is_in(address, key)
            if any(_is_in(other, key) != has for other in others if not has or other not in spellings(address)):
                doubted.append(key)
    return doubted


def _is_in(address: str, key: Key) -> bool:
    """Whether an address is the one of an atom, or in its domain or below it."""
    return address == key[1] if key[0] == "address" else is_below(domain(address), key[1])
