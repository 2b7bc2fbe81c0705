# SPDX-License-Identifier: GPL-3.0-or-later
"""Which copies of a block rules match where they stand, and what is open of that."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import reduce
from operator import or_

from ..rules.flow_rule import FlowRule
from .brought_copies import BroughtCopies
from .chain import Chain, changing
from .rule_evaluator import RuleEvaluator
from .sharing import Sharing
from .truth_sets import Doubt, TruthSets


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
        self._questions: dict[Hashable, int] = {}

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
        asking: dict[tuple[tuple[int, bool], ...], int] = {(): reduce(or_, open_.values())}
        for (truth, wanted), key in zip(self.parts(rule, about), self._keys(rule, about), strict=True):
            doubtful = truth.possible & ~truth.true
            if not any(bits & doubtful for bits in asking.values()):
                continue
            number = self._number(key)
            split: dict[tuple[tuple[int, bool], ...], int] = {}
            for asked, bits in asking.items():
                split.update({asked: bits & ~doubtful} if bits & ~doubtful else {})
                split.update({(*asked, (number, wanted)): bits & doubtful} if bits & doubtful else {})
            asking = split
        for why, bits in open_.items():
            for asked, here in asking.items():
                if bits & here:
                    yield Doubt(why, tuple(sorted(asked))), bits & here

    def questions(self, rule: FlowRule, about: int) -> list[int]:
        """The number of the question that each part of a rule asks."""
        return [self._number(key) for key in self._keys(rule, about)]

    def _number(self, key: Hashable) -> int:
        return self._questions.setdefault(key, len(self._questions))

    def _keys(self, rule: FlowRule, about: int) -> Iterator[Hashable]:
        """What each part of a rule asks: equal where its answer for a copy is the same."""
        chain = self._chains[about] if about < len(self._chains) else None
        changes = chain.changes[rule.place] if chain else ()
        for atom in rule.criteria.atoms:
            before = chain.earlier[rule.place] if chain and atom.looks_around else ()
            asks_before = tuple(chain.identities[place] for place in before) if chain else ()
            yield (atom.predicate.options, atom.values, atom.settings, changing(changes, (atom,)), asks_before)
        if rule.dates.begins or rule.dates.ends:
            yield ("dates", rule.dates.begins, rule.dates.ends)
        if rule.criteria.doubts:
            yield ("doubt", about, rule.place) if chain is None else ("doubt", chain.identities[rule.place])

    def _sharing(self, rule: FlowRule, about: int) -> Sharing:
        """Who shares a copy with whom when it reaches a rule."""
        chain = self._chains[about] if about < len(self._chains) else None
        places = chain.earlier[rule.place] if chain else ()
        key = (about, *places)
        if key not in self._known_sharing:
            block = self._evaluator.block
            rules = [chain.rules.rules[place] for place in places] if chain else []
            sharing = Sharing(block, self._evaluator.neighbors).lacking(block.made & ~self._brought.added_by(rules))
            parting = (
                (self.met(earlier, about), earlier.actions.enforced) for earlier in rules if earlier.criteria.splits
            )
            self._known_sharing[key] = sharing.doubted(self._brought.every).after_rules(parting)
        return self._known_sharing[key]
