# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies of a block rules match where they stand, and what is open of that."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TypeVar

from ..conditions.predicate import Atom
from ..rules.flow_rule import FlowRule
from .brought_copies import BroughtCopies
from .chain import Chain
from .rule_evaluator import RuleEvaluator
from .rule_identities import changing
from .sharing import Sharing
from .truth_sets import OF_CONTENT, Doubt, TruthSets

_What = TypeVar("_What", bound=Hashable)


@dataclass(frozen=True, slots=True)
class PlainAnswer:
    """The answer to a question for plain messages.

    :param excepted: the copies for which it is no answer, as bits: it depends on more than what no row shows of their content.
    """

    answer: bool
    excepted: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question that a rule asks of some copies.

    :param truth: for which copies the condition is true or open.
    """

    rule: FlowRule
    about: int
    atom: Atom
    truth: TruthSets
    copies: int


class RuleMatches:
    """The copies that rules match.

    Rules are those of a rule set, which ``about`` numbers, or those of guarantees: these have the number behind them.
    """

    def __init__(self, evaluator: RuleEvaluator, chains: Sequence[Chain], brought: BroughtCopies) -> None:
        self._evaluator = evaluator
        self._chains = chains
        self._brought = brought
        self._known: dict[tuple[int, int], TruthSets] = {}
        self._known_sharing: dict[tuple[int, ...], Sharing] = {}
        self._known_splitting: dict[tuple[int, int], tuple[Hashable, int]] = {}
        self._questions: dict[Hashable, int] = {}
        self._asked: dict[int, list[_Asked]] = {}
        self._plain: dict[int, PlainAnswer | None] = {}

    def met(self, rule: FlowRule, about: int = 0) -> TruthSets:
        """The copies that a rule matches, or may match, where it stands."""
        key = (about, rule.place)
        if key not in self._known:
            self._known[key] = self._evaluator.matches(rule, self._sharing(rule, about))
        return self._known[key]

    def parts(self, rule: FlowRule, about: int = 0) -> Iterator[tuple[TruthSets, bool]]:
        """The copies for which each part of what a rule looks at is true, or open; and whether it must be true, or
        false, for the rule to match.
        """
        return self._evaluator.parts(rule, self._sharing(rule, about))

    def doubts(self, rule: FlowRule, about: int) -> Iterator[tuple[Doubt, int]]:
        """What is open of whether copies meet a rule, and the copies."""
        open_ = {why: bits for why, bits in sorted(self.met(rule, about).open.items()) if bits}
        if not open_:
            return
        every = reduce(or_, open_.values())
        asking: dict[tuple[tuple[int, bool], ...], int] = {(): every}
        parts = list(self.parts(rule, about))
        questions = self.questions(rule, about, [truth.possible & ~truth.true & every for truth, _wanted in parts])
        for (truth, wanted), asked_of, atom in itertools.zip_longest(parts, questions, rule.criteria.atoms):
            for number, copies in asked_of:
                if atom is not None:
                    self._asked.setdefault(number, []).append(_Asked(rule, about, atom, truth, copies))
                asking = _split(asking, (number, wanted), copies)
        for why, bits in open_.items():
            for asked, here in asking.items():
                if bits & here:
                    yield Doubt(why, tuple(sorted(asked))), bits & here

    def of_plain_mail(self, number: int) -> PlainAnswer | None:
        """The answer to a question for plain messages; ``None`` if it is about anything but what no row shows of their
        content.

        :param number: the question's; see :class:`Doubt`.
        """
        if number not in self._plain:
            self._plain[number] = self._answered_of_plain(self._asked.get(number, ()))
        return self._plain[number]

    def _answered_of_plain(self, asked: Sequence[_Asked]) -> PlainAnswer | None:
        answer = self._evaluator.conditions.of_plain_mail(asked[0].atom) if asked else None
        if answer is None:
            return None
        return PlainAnswer(answer, reduce(or_, map(self._beside_content, asked)))

    def _beside_content(self, asked: _Asked) -> int:
        """The copies of which a rule asks a question that their content alone does not answer: earlier rules may have changed
        it, or something else is open.
        """
        of_content = reduce(or_, (bits for why, bits in asked.truth.open.items() if why.kind in OF_CONTENT), 0)
        changed = self._evaluator.edited(asked.atom)
        if asked.about < len(self._chains):
            for earlier in self._chains[asked.about].identities.changing_before(asked.rule.place, asked.atom):
                changed |= self._splitting(asked.about, earlier.place)[1]
        return asked.copies & (changed | ~of_content)

    def questions(self, rule: FlowRule, about: int, open_of: Iterable[int]) -> Iterator[list[tuple[int, int]]]:
        """The questions that each part of a rule asks: the number of each, and the copies of which it asks it.

        :param open_of: the copies for which each part is open.
        """
        for (key, earlier), copies in zip(self._keys(rule, about), open_of, strict=True):
            yield [
                (self._number((*key, asks_before)), here)
                for asks_before, here in self._by_earlier(about, earlier, copies).items()
            ]

    def _number(self, key: Hashable) -> int:
        return self._questions.setdefault(key, len(self._questions))

    def _keys(self, rule: FlowRule, about: int) -> Iterator[tuple[tuple[Hashable, ...], Sequence[int]]]:
        """What each part of a rule asks: equal where its answer for a copy is the same; and the places of the earlier
        rules on which the answer depends, too.
        """
        chain = self._chains[about] if about < len(self._chains) else None
        changes = chain.identities.changes[rule.place] if chain else ()
        for atom in rule.criteria.atoms:
            earlier = chain.identities.earlier[rule.place] if chain and atom.looks_around else ()
            yield (atom.predicate.options, atom.values, atom.settings, changing(changes, (atom,))), earlier
        if rule.dates.begins or rule.dates.ends:
            yield ("dates", rule.dates.begins, rule.dates.ends), ()
        if rule.criteria.doubts:
            yield (
                (("doubt", about, rule.place) if chain is None else ("doubt", chain.identities.matching[rule.place])),
                (),
            )

    def _by_earlier(self, about: int, earlier: Sequence[int], copies: int) -> dict[tuple[Hashable, ...], int]:
        """Copies by those of some earlier rules that may match a copy of the same message: no other one splits it, or adds
        people to it.
        """
        alike: dict[tuple[Hashable, ...], int] = {(): copies} if copies else {}
        for place in earlier if copies else ():
            alike = _split(alike, *self._splitting(about, place))
        return alike

    def _splitting(self, about: int, place: int) -> tuple[Hashable, int]:
        """A rule that may split copies, and all copies of the messages of which it may match one, also one that a trace
        lacks.
        """
        key = (about, place)
        if key not in self._known_splitting:
            chain = self._chains[about]
            rule = chain.rules.rules[place]
            copies = self._brought.in_messages_met(rule, self.met(rule, about).possible)
            self._known_splitting[key] = (chain.identities.splitting(place), copies)
        return self._known_splitting[key]

    def _sharing(self, rule: FlowRule, about: int) -> Sharing:
        """Who shares a copy with whom when it reaches a rule."""
        chain = self._chains[about] if about < len(self._chains) else None
        places = chain.identities.earlier[rule.place] if chain else ()
        key = (about, *places)
        if key not in self._known_sharing:
            block = self._evaluator.block
            rules = [chain.rules.rules[place] for place in places] if chain else []
            sharing = Sharing(block, self._evaluator.neighbors).lacking(block.made & ~self._brought.added_by(rules))
            splitting = (
                (self.met(earlier, about), earlier.actions.enforced) for earlier in rules if earlier.criteria.splits
            )
            self._known_sharing[key] = sharing.doubted(self._brought.every).after_rules(splitting)
        return self._known_sharing[key]


def _split(sets: Mapping[tuple[_What, ...], int], what: _What, copies: int) -> dict[tuple[_What, ...], int]:
    """Sets of copies by what they have in common, each as two: the copies that have something more in common, and the others."""
    split: dict[tuple[_What, ...], int] = {}
    for common, bits in sets.items():
        for key, here in ((common, bits & ~copies), ((*common, what), bits & copies)):
            if here:
                split[key] = split.get(key, 0) | here
    return split
