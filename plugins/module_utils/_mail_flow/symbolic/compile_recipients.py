# SPDX-License-Identifier: GPL-3.0-or-later
"""Who shares the copy with the followed recipient, as formulas.

Only conditions about all recipients of a copy depend on who shares it. At first, whether somebody with a word shares
the copy is a variable for each history of splits. That allows more than can exist, so what is impossible with it is
impossible. To find a message, one companion who may be anybody usually suffices. For words on which an answer depends,
somebody is modeled exactly: one companion per word, the one who stays in the copy longest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from ..._resources.rules.action_effects import Does
from ..conditions.copies import SHOWN_FIELDS
from ..conditions.keys import Key, is_open, wider
from ..conditions.predicate import Atom, Reach
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Literal, Value, high, low, pair
from ..model import questions
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .address import AddressSlot
from .compile_conditions import Conditions
from .logic import Logic
from .other_people import Companion
from .symbolic_message import SymbolicMessage

#: The one other recipient who may be anybody.
ANYBODY: Key = ("anybody", "")


@dataclass(frozen=True)
class Split:
    """A rule that may apply to only some of the copy's recipients.

    :param before: the history of splits before it, and :param:`after` with it.
    :param alive: whether the copy is still being processed when it reaches the rule.
    """

    before: int
    after: int
    alive: Value


class Histories:
    """Numbered histories of splits: rules that split in the same way give the same history, in any rule set.

    :param before: each history to its predecessor; :param:`forks`: those with several successors, and the one without
        splits.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[Hashable, ...], int] = {}
        self.before: dict[int, int] = {0: 0}
        self.forks = {0}

    def after(self, history: int, *split: Hashable) -> int:
        """The history after a further split."""
        known = self._numbers.get((history, *split))
        if known is None:
            known = self._numbers[history, *split] = len(self._numbers) + 1
            if history in self.before.values():
                self.forks.add(history)
            self.before[known] = history
        return known


class OtherRecipientsFormulas:
    """The other recipients of the copy.

    :param exact: the atoms for which somebody is modeled; with :data:`ANYBODY`, somebody who may be anybody.
    :param watched: whether any condition looks at them.
    :param companions: the people who are modeled.
    :param others_there: whether there are others.
    """

    def __init__(
        self,
        mail: SymbolicMessage,
        logic: Logic,
        histories: Histories,
        exact: Iterable[Key],
        rule_sets: Iterable[RuleSet],
    ) -> None:
        self.mail = mail
        self.logic = logic
        self.histories = histories
        self.watched = any(rules.watches_copies for rules in rule_sets)
        self.companions = {key: mail.companions.companion(key) for key in exact}
        self._stays: dict[Key, dict[int, Value]] = {
            key: {0: companion.there} for key, companion in self.companions.items()
        }
        self.used: dict[tuple[Key, int], Literal] = {}
        self.others_there = mail.circuit.variable(("others", logic.free))
        self._leaves: dict[int, Literal] = {}

    def another_has(self, key: Key, history: int, *, written: bool = False) -> Value:
        """Whether somebody else in the copy has an atom.

        :param written: in the address at which the sender wrote to them: the primary one, unless it is an alias.
        """
        logic = self.logic
        known: list[Value] = [
            self._stays[who][history] & self._has(companion, key, written) for who, companion in self.companions.items()
        ]
        if ANYBODY not in self.companions:
            unbuilt = self._unbuilt(key, history)
            known.append(
                logic.choose(self.mail.addressing.others_direct, unbuilt, self._unbuilt(key, history, at_alias=True))
                if written
                else unbuilt
            )
        return logic.any_of(known)

    def another_meets(self, meets: Callable[[AddressSlot], Value], anybody: Value, history: int) -> Value:
        """Whether somebody else in the copy meets something.

        :param meets: whether one recipient does; :param:`anybody`: whether it is possible of somebody.
        """
        known = [self._stays[who][history] & meets(companion.slot) for who, companion in self.companions.items()]
        if ANYBODY not in self.companions:
            known.append(self.others_there & anybody)
        return self.logic.any_of(known)

    def _has(self, companion: Companion, key: Key, written: bool) -> Value:
        has = companion.slot.value(key, self.logic)
        if not written or companion.at_alias == FALSE:
            return has
        return self.logic.choose(companion.at_alias, self._of_alias(companion, key), has)

    def _of_alias(self, companion: Companion, key: Key) -> Value:
        if not is_open(key):
            return companion.alias[key]
        wide = wider(key)
        unknown = self.logic.unknown(questions.PATTERN_SYNTAX, companion.slot.name, "alias", key)
        return unknown if wide is None else unknown & companion.alias[wide]

    def _unbuilt(self, key: Key, history: int, *, at_alias: bool = False) -> Value:
        """Whether somebody who is not modeled has an atom."""
        if is_open(key):
            wide = wider(key)
            unknown = self.logic.unknown(questions.PATTERN_SYNTAX, "others", at_alias, key, history)
            return (self.others_there if wide is None else self._unbuilt(wide, history, at_alias=at_alias)) & unknown
        wanted = ("written", key) if at_alias else key
        return FALSE if wanted in self.companions else self._somebody(wanted, history)

    @property
    def written_once(self) -> list[Literal]:
        """Literals that are true together if nobody gets the message at two addresses: nobody named by a field is also
        written to at an alias.
        """
        mail = self.mail
        people = [
            (~mail.addressing.direct, mail.recipient),
            *((companion.at_alias, companion.slot) for companion in self.companions.values()),
        ]
        conditions: list[Literal] = []
        for at_alias, slot in people if mail.addressing.watches_aliases else ():
            for name, address in itertools.product(SHOWN_FIELDS, mail.vocabulary.fields):
                conditions.append(~(at_alias & slot["address", address] & mail.addressing.named(address, name)))
        return conditions

    def at_alias(self, address: str) -> Value:
        """Whether the sender may have written to another owner of this address at an alias."""
        circuit = self.mail.circuit
        known = [
            companion.there & companion.at_alias & companion.slot["address", address]
            for companion in self.companions.values()
        ]
        if ANYBODY not in self.companions:
            known.append(self.others_there & ~self.mail.addressing.others_direct)
        return circuit.disjunction(known)

    def is_modeled(self, address: str) -> bool:
        """Whether it is known of somebody else at an address after which splits they share the copy."""
        return ("address", address) in self.companions

    def still_there(self, address: str, history: int) -> Value:
        """Whether somebody else named by a field certainly shares the copy: before any split, after splits with which nobody
        leaves, and after others if somebody who is modeled stays. For a group, its members stay, who are not modeled.
        """
        if not history:
            return TRUE
        if self.is_modeled(address) and address not in self.mail.facts.groups.expanded:
            return self._stays["address", address][history]
        anybody = self.companions.get(ANYBODY)
        if anybody is not None:
            is_group = address in self.mail.facts.groups.expanded
            return FALSE if is_group else self._stays[ANYBODY][history] & anybody.slot["address", address]
        return self._nobody_left(history)

    def _nobody_left(self, history: int) -> Value:
        """Whether all who shared the copy before any split share it after a history of splits."""
        stay = [stays[history] for stays in self._stays.values()]
        while history:
            stay.append(~self._leaves[history])
            history = self.histories.before[history]
        return self.logic.all_of(stay)

    @property
    def nobody(self) -> list[Literal]:
        """Literals that are true together if the message is only for the followed recipient."""
        return [*(~companion.there for companion in self.companions.values()), *self._only(self.mail.recipient)]

    @property
    def nobody_else(self) -> list[Literal]:
        """Literals that are true together if the message is only for the recipient and the people who are modeled."""
        return self._only(self.mail.recipient, *(companion.slot for companion in self.companions.values()))

    def _only(self, *people: AddressSlot) -> list[Literal]:
        """Literals that are true together if there is nobody else, and no field names anybody else."""
        circuit = self.mail.circuit
        literals = [~self.others_there]
        for address in self.mail.vocabulary.fields:
            theirs = [person["address", address] for person in people]
            literals += [
                circuit.disjunction((~self.mail.addressing.named(address, name), *theirs)) for name in SHOWN_FIELDS
            ]
        return literals

    def _somebody(self, key: Key, history: int) -> Literal:
        """A variable: somebody else with an atom shares the copy. Whoever shares it now did so before."""
        literal = self.used.get((key, history))
        if literal is None:
            later_keys = (
                [known for used_key, known in self.used if used_key == key] if history in self.histories.forks else []
            )
            literal = self.used[key, history] = self.mail.circuit.variable(("others", self.logic.free, key, history))
            self.mail.circuit.define([literal], ~literal, self.others_there)
            for earlier in (history, *later_keys):
                self._stay(key, earlier)
        return literal

    def _stay(self, key: Key, history: int) -> None:
        """Adds that whoever shares the copy after a history of splits did so before, and conversely if nobody leaves."""
        circuit = self.mail.circuit
        before = history
        leavers = list[Literal]()
        while before:
            leavers.append(self._leaves[before])
            before = self.histories.before[before]
            if (key, before) in self.used or before in self.histories.forks:
                now = self.used[key, history]
                earlier = self._somebody(key, before)
                circuit.define([now], ~now, earlier)
                circuit.define([now], now, ~earlier, *leavers)
                return

    def split(
        self, conditions: Conditions, rule: FlowRule, name: Hashable, alive: Value, matches: Value, seen: SeenMessage
    ) -> Split:
        """How a rule changes who shares the copy."""
        prevented_by_smime = conditions.prevented_by_smime(rule, name, seen)
        history = self.histories.after(
            seen.splits,
            matches,
            rule.actions.enforced,
            name if prevented_by_smime != FALSE or not rule.actions.enforced else "",
        )
        if history not in self._leaves:
            self._leaves[history] = (
                FALSE if ANYBODY in self.companions else self._leaver(conditions, rule, name, seen, history)
            )
        for key, companion in self.companions.items():
            stays = self._stays[key]
            if history in stays:
                continue
            theirs = conditions.matches(rule, name, seen, companion.slot)
            stays_together = self._alike(matches, theirs) | prevented_by_smime | ~self._separates(rule, name, companion)
            stays[history] = stays[seen.splits] & stays_together
        return Split(seen.splits, history, alive)

    def _separates(self, rule: FlowRule, name: Hashable, companion: Companion) -> Value:
        """Whether a rule that applies to one of two people splits the copy that they share. Where a rule in a test mode stops
        (U08), it does, whatever is open about such rules otherwise (U06).
        """
        if rule.actions.enforced:
            return TRUE
        splits = self.logic.unknown(questions.AUDIT_SPLITS, name, companion.slot.name)
        if splits == FALSE and rule.actions.does(Does.STOP):
            return self.logic.unknown(questions.AUDIT_STOPS, name)
        return splits

    def _leaver(
        self, conditions: Conditions, rule: FlowRule, name: Hashable, seen: SeenMessage, history: int
    ) -> Literal:
        """A variable: a rule applies to some of the copy, and somebody leaves. Its conditions on the message are then
        true.
        """
        circuit = self.mail.circuit
        leaves = circuit.variable(("leaves", self.logic.free, history))
        shared = rule.with_criteria(_of_message(rule.criteria.conditions), _of_message(rule.criteria.exceptions))
        circuit.define([leaves], ~leaves, high(conditions.matches(shared, name, seen, self.mail.recipient)))
        circuit.define([leaves], ~leaves, self.others_there)
        return leaves

    def leaves_one_set(self, splits: Sequence[Split], *, in_place: bool) -> Value:
        """Whether somebody leaves the copy in one rule set only, as far as one edit decides.

        :param splits: the splits by its rules in the sets; at least one.
        :param in_place: whether it is one rule at one place.
        """
        circuit = self.mail.circuit
        logic = self.logic
        if in_place and len({split.after for split in splits}) == 1 and len(splits) > 1:
            return FALSE
        differences: list[Value] = []
        for stays in self._stays.values():
            leaving = [split.alive & stays[split.before] & ~stays[split.after] for split in splits]
            differences.append(
                ~logic.equal(leaving[0], leaving[1]) if in_place and len(leaving) > 1 else logic.any_of(leaving)
            )
        leave = [split.alive & self._leaves[split.after] for split in splits]
        # Other people may leave than left before.
        if in_place and len(leave) > 1 and any(leaves != FALSE for leaves in leave):
            differ = circuit.variable(("differ", logic.free, *(split.after for split in splits)))
            circuit.define([differ], ~differ, *map(high, leave))
            leave = [differ]
        return logic.any_of((*differences, *leave))

    def equate(self, guard: Literal, one: int, other: int) -> None:
        """Adds that the same people share the copy after two histories of splits.

        :param guard: the condition for that.
        """
        if one == other:
            return
        circuit = self.mail.circuit
        pairs = [
            (literal, self.used.get((key, other))) for (key, history), literal in self.used.items() if history == one
        ]
        both = [(stays[one], stays[other]) for stays in self._stays.values()]
        for one_literal, right in (
            *pairs,
            *((end(first), end(second)) for first, second in both for end in (low, high)),
        ):
            if right is not None and one_literal != right:
                circuit.define((one_literal, right), ~guard, ~one_literal, right)
                circuit.define((one_literal, right), ~guard, one_literal, ~right)

    def _alike(self, one: Value, other: Value) -> Value:
        """Whether a rule applies to both or to neither. An open match may keep both together."""
        sure = (low(one) & low(other)) | (~high(one) & ~high(other))
        differ = (low(one) & ~high(other)) | (~high(one) & low(other))
        return pair(sure, ~differ)


def _of_message(atoms: Iterable[Atom]) -> tuple[Atom, ...]:
    """The conditions that are true for all recipients of a copy or for none."""
    return tuple(atom for atom in atoms if atom.reach not in (Reach.RECIPIENT, Reach.RELATION))
