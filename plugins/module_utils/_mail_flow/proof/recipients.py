# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who shares the copy with the recipient who is followed, as formulas. Private to the collection.

Only conditions about all recipients of a copy look at them. At first whether somebody with a word is there is a variable of its own for each history of
splits: that admits more than there can be, so what is impossible then is impossible. For words on which an answer turns somebody is built exactly: one
companion for a word is enough, the one who stays in the copy the longest.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.patterns import is_agreed
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.predicates import Reach
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.address import AddressSlot
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.circuit import Rail, Value, high, low, negate
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.conditions import Conditions, Seen
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.mail import Mail
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.solver import FALSE, TRUE
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.proof.vocabulary import RECIPIENT, Key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules import FlowRule, RuleSet


@dataclass
class Companion:
    """Somebody else whom the message is for, for the sake of one word or address.

    :param there: whether there is such a recipient at all.
    :param stays: whether they share the copy now; by history of splits.
    """

    slot: AddressSlot
    there: int
    stays: dict[int, Value]


class Histories:
    """Histories of splits, numbered: the same rules that split alike make the same history, in whatever rule set."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Hashable, ...], int] = {}
        self.before: dict[int, int] = {0: 0}

    def after(self, history: int, *split: Hashable) -> int:
        """The history that goes on with a split."""
        known = self._numbers.get((history, *split))
        if known is None:
            known = self._numbers[history, *split] = len(self._numbers) + 1
            self.before[known] = history
        return known


class Company:
    """The other recipients of the copy.

    :param exact: the atoms for which somebody is built.
    :param watched: whether any condition looks at them.
    """

    def __init__(self, mail: Mail, rail: Rail, histories: Histories, exact: Iterable[Key], rule_sets: Iterable[RuleSet]) -> None:
        self.mail, self.rail, self.histories = mail, rail, histories
        self.watched = any(atom.reach in (Reach.COPY, Reach.RELATION) for rules in rule_sets for atom in rules.atoms)
        self.companions = {key: self._companion(key) for key in exact}
        self.conditions: Conditions | None = None
        self.used: dict[tuple[Key, int], int] = {}

    def _companion(self, key: Key) -> Companion:
        slot = self.mail.address(f"companion {key[0]} {key[1]}", RECIPIENT)
        there = self.mail.circuit.variable((slot.name, "there"))
        if key[0] == "address":
            self.mail.circuit.add(slot[key])
            named = self.mail.circuit.disjunction([self.mail.circuit.variable((name, key[1])) for name in ("to", "cc")])
            # Whom a field names gets the message: as somebody else, or as the one who is followed.
            self.mail.circuit.add(there, named ^ 1, self.mail.recipient[key])
            self.mail.circuit.add(there ^ 1, named)
        # Somebody else: two people have two addresses.
        for sort, value in slot.atoms:
            if sort == "address":
                self.mail.circuit.add(there ^ 1, slot[sort, value] ^ 1, self.mail.recipient[sort, value] ^ 1)
        return Companion(slot, there, {0: there})

    def start(self) -> None:
        """Another rule set begins: everybody is together again."""

    def others(self, key: Key, history: int) -> Value:
        """Whether somebody else in the copy has an atom."""
        known: list[Value] = [
            self.rail.all_of((companion.stays[history], self._conditions._of_slot(companion.slot, key))) for companion in self.companions.values()
        ]
        if key not in self.companions and not (key[0] == "pattern" and not is_agreed(*key[1])):
            known.append(self._somebody(key, history))
        elif key not in self.companions:
            known.append(self.rail.unknown("U18", "others", key, history))
        return self.rail.any_of(known)

    def still_there(self, address: str, history: int) -> Value:
        """Whether somebody else whom a field names certainly is in the copy: before any split, and after it, if somebody is built who stays."""
        companion = self.companions.get(("address", address))
        return TRUE if not history else FALSE if companion is None else companion.stays[history]

    @property
    def nobody(self) -> list[int]:
        """That the message is for nobody but the recipient who is followed."""
        circuit = self.mail.circuit
        found = [literal ^ 1 for literal in (*self.used.values(), *(each.there for each in self.companions.values()))]
        for address in self.mail.vocabulary.fields:
            found += [circuit.disjunction((circuit.variable((name, address)) ^ 1, self.mail.recipient["address", address])) for name in ("to", "cc")]
        return found

    def _somebody(self, key: Key, history: int) -> int:
        """A variable: somebody else who has an atom shares the copy. Whoever does now did before."""
        literal = self.used.get((key, history))
        if literal is None:
            literal = self.used[key, history] = self.mail.circuit.variable(("others", key, history))
            before = history
            while before:
                before = self.histories.before[before]
                earlier = self.used.get((key, before))
                if earlier is not None:
                    self.mail.circuit.add(literal ^ 1, earlier)
                    break
        return literal

    def split(self, rule: FlowRule, name: Hashable, matches: Value, seen: Seen) -> int:
        """The history after a rule that may be for some of the copy alone."""
        undone = self._conditions.undone(rule, name, seen)
        history = self.histories.after(seen.splits, matches, rule.enforced, name if undone != FALSE or not rule.enforced else "")
        for companion in self.companions.values():
            if history in companion.stays:
                continue
            theirs = self._conditions.matches(rule, name, seen, companion.slot)
            parts = TRUE if rule.enforced else self.rail.unknown("U06", name, companion.slot.name)
            together = self.rail.any_of((self._alike(matches, theirs), undone, negate(parts)))
            companion.stays[history] = self.rail.all_of((companion.stays[seen.splits], together))
        return history

    def _alike(self, one: Value, other: Value) -> Value:
        """Whether a rule is for both or for neither. An open match keeps both together, perhaps."""
        circuit = self.rail.circuit
        sure = circuit.disjunction((circuit.conjunction((low(one), low(other))), circuit.conjunction((high(one) ^ 1, high(other) ^ 1))))
        apart = circuit.disjunction((circuit.conjunction((low(one), high(other) ^ 1)), circuit.conjunction((high(one) ^ 1, low(other)))))
        return sure if sure == apart ^ 1 else (sure, apart ^ 1)

    @property
    def _conditions(self) -> Conditions:
        if self.conditions is None:
            raise ValueError("The conditions come first.")
        return self.conditions
