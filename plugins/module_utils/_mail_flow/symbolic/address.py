# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of an address.

One variable says that it is this address, one that it is in a domain or below it, one that it contains a word, and so
on. ``address_relations`` has what no address can be at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..conditions.connectives import Connectives
from ..conditions.keys import Key, is_open, wider
from ..formula import Literal, Value
from ..model import questions
from ..model.addresses import is_below, spellings
from ..model.domains import INSIDE
from ..model.facts import Facts
from ..sat.circuit import Circuit
from .atoms import Vocabulary
from .profiles import MANAGED, Profiles

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

    @property
    def mailboxes(self) -> list[Literal]:
        """Whether it is the address of each mailbox that is known, or of some of those that rules do not tell apart."""
        known = [("address", address) for address in sorted(self.facts.people.mailboxes or ())]
        alike = [("profile", number) for number, profile in enumerate(self.profiles.profiles) if profile.mailboxes]
        return [self.atoms[key] for key in (*known, *alike) if key in self.atoms]

    # Regions of the domain

    def below_alone(self, name: str) -> Literal:
        """Whether the address is in a subdomain of this domain, and not in the domain itself."""
        return self.atoms["below", name] & ~self.atoms["exact", name]

    def in_accepted(self, kinds: tuple[str, ...]) -> Literal:
        """Whether the address is in an accepted domain of one of these types."""
        return self._circuit.disjunction([literal for kind, literal in self._accepted() if kind in kinds])

    def _accepted(self) -> list[tuple[str, Literal]]:
        """The accepted domains, each as its type and whether the address is in it: the exact ones first, then those that
        count their subdomains, without those of another accepted domain.
        """
        accepted = self.facts.domains.accepted or ()
        exact = {known.name: known.type for known in accepted}
        literals = [(kind, self.atoms["exact", name]) for name, kind in exact.items()]
        earlier: list[str] = []
        for known in accepted:
            if known.match_subdomains:
                literals.append((known.type, self._in_subdomains(known.name, exact, earlier)))
                earlier.append(known.name)
        return literals

    def _in_subdomains(self, name: str, exact: Iterable[str], earlier: Iterable[str]) -> Literal:
        """Whether the address is below a domain, and not in one of its accepted subdomains.

        :param exact: the accepted domains; :param:`earlier`: those before it that count their subdomains.
        """
        others = [~self.atoms["exact", other] for other in exact if is_below(other, name)]
        taken = [~self.atoms["below", other] for other in earlier if is_below(other, name) or is_below(name, other)]
        return self._circuit.conjunction([self.atoms["below", name], *others, *taken])

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
        """Whether a remote domain makes the person internal: the one of the address itself, else the deepest one above
        it, else the one of all domains.
        """
        remote = self.facts.domains.remote or {}
        exact = [name for name in remote if name != "*" and not name.startswith("*.")]
        wild = [name.removeprefix("*.") for name in remote if name.startswith("*.")]
        in_no_exact = [~self.atoms["exact", name] for name in exact]
        literals = [self.atoms["exact", name] for name in exact if remote[name]]
        literals += [self._deepest_above(name, wild, in_no_exact) for name in wild if remote[f"*.{name}"]]
        if remote.get("*", False):
            in_no_wild = [~self.atoms["below", name] for name in wild]
            literals.append(self._circuit.conjunction([*in_no_exact, *in_no_wild]))
        return self._circuit.disjunction(literals)

    def _deepest_above(self, name: str, wild: Iterable[str], in_no_exact: Iterable[Literal]) -> Literal:
        """Whether a domain is the deepest above the address of those that count their subdomains."""
        deeper = [~self.atoms["below", other] for other in wild if other != name and is_below(other, name)]
        return self._circuit.conjunction([self.atoms["below", name], *deeper, *in_no_exact])
