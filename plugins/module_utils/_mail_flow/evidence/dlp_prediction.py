# SPDX-License-Identifier: GPL-3.0-or-later
"""On which copies of a trace each DLP rule matches, as computed.

Only a rule that looks at sender, recipient and access scope alone is certain, and only on copies that no other one may
match: of several, Exchange enforces the most restrictive one, and whether it reports the others is not documented (U36).
No likely answer counts here. A rule that a copy cannot match has a condition that its row contradicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import and_, or_

from ..budget import BudgetError, bounded
from ..conditions.predicate import Atom
from ..model.facts import Facts
from ..model.outcomes import Fate
from ..rules.dlp_rules import DlpRule, DlpRules, Node, changing_before_dlp
from ..rules.rule_set import RuleSet
from ..simulator.state import World
from ..trace.chain import Chain
from ..trace.columns import Block, bits_of
from ..trace.groups import CopyGroup, Sorter
from ..trace.replay import STEPS_OF_BLOCK
from .prediction import Prediction, asked_of


def dlp_predictions(block: Block, policies: DlpRules, rules: RuleSet, facts: Facts) -> list[Prediction]:
    """The copies that each DLP rule matches that acts, first to last.

    :param rules: the mail flow rules, which come first.
    """
    return _DlpPredictor(block, policies, rules, facts).run()


class _DlpPredictor:
    """Computes on which copies of a block DLP rules match. A pair of sets of copies is always those that surely do, and those that
    may.
    """

    def __init__(self, block: Block, policies: DlpRules, rules: RuleSet, facts: Facts) -> None:
        self._every = block.every_copy
        self._policies = policies
        self._rules = RuleSet.read(rules, facts.dialect)
        self._changing = changing_before_dlp(self._rules)
        self._chain = Chain(self._rules, facts)
        self._sorter = Sorter(block, facts, [self._chain], guesses=False)
        self._brought = _union(self._sorter.brought.by_reason.values())

    def run(self) -> list[Prediction]:
        """The copies that each rule matches, first to last."""
        matches = self._reached([self._matches(rule) for rule in self._policies.rules])
        # The copies that one rule may match, and those that several may.
        once = several = 0
        for _true, possible in matches:
            several |= once & possible
            once |= possible
        reaches, may_reach = self._left_by_rules()
        certain = reaches & ~(self._brought | several)
        return [Prediction(true & certain, (possible & may_reach) | self._brought) for true, possible in matches]

    def _left_by_rules(self) -> tuple[int, int]:
        """The copies that mail flow rules leave to DLP, and those that they may leave."""
        surely = possible = 0
        with bounded(STEPS_OF_BLOCK):
            for group in sorted(self._sorter.groups([True] * len(self._sorter.block)), key=CopyGroup.rank):
                copies = bits_of(group.places, len(self._sorter.block))
                reaches = self._reaches(group)
                surely |= copies if reaches else 0
                possible |= copies if reaches is not False else 0
        return surely, possible

    def _reaches(self, group: CopyGroup) -> bool | None:
        """Whether copies reach DLP; ``None`` if that is open, as of those that wait for an approval."""
        met = {place: asked_of(doubt, group) for place, doubt in group.met[0]}
        try:
            worlds = self._chain.worlds.after(met, *self._sorter.message(group.places[0]))
        except BudgetError:
            worlds = None
        if worlds is None:
            return None
        reaching = {_reaches_in(world) for world in worlds}
        return reaching.pop() if len(reaching) == 1 else None

    def _reached(self, matches: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The copies that each rule matches, less those that earlier rules stop."""
        stopped = perhaps = 0
        reached = []
        for rule, (true, possible) in zip(self._policies.rules, matches, strict=True):
            reached.append((true & ~perhaps, possible & ~stopped))
            if not rule.stops:
                continue
            perhaps |= possible
            if not rule.stops_perhaps:
                stopped |= reached[-1][0]
        return reached

    def _matches(self, rule: DlpRule) -> tuple[int, int]:
        """The copies that a rule matches, and those that it may match."""
        true, possible = self._value(rule.looks_for)
        acts_on_all = rule.is_certain and not rule.does.outside_only and not rule.does.not_understood
        return true if acts_on_all else 0, possible

    def _value(self, node: Node) -> tuple[int, int]:
        """The copies for which a part of what a rule looks at is true, and those for which it may be."""
        if node.atom is not None:
            return self._truth(node.atom)
        if node.operator == "open":
            return 0, self._every
        parts = [self._value(part) for part in node.parts]
        if node.operator == "and":
            return reduce(and_, (true for true, _possible in parts), self._every), reduce(
                and_, (possible for _true, possible in parts), self._every
            )
        true = _union(true for true, _possible in parts)
        possible = _union(possible for _true, possible in parts)
        return (true, possible) if node.operator == "or" else (self._every & ~possible, self._every & ~true)

    def _truth(self, atom: Atom) -> tuple[int, int]:
        """The copies for which a condition is true, and those for which it may be. DLP sees what mail flow rules changed,
        and not what they hid; a row may show either.
        """
        if atom.predicate.content or self._changing(atom):
            return 0, self._every
        truth = self._sorter.conditions.truth_of(atom)
        return truth.true, truth.possible


def _reaches_in(world: World) -> bool | None:
    """Whether a copy reaches DLP in one world; ``None`` if that is open. A rule that stops later mail flow rules does not keep a copy from DLP."""
    if world.surprises:
        return None
    if world.fate != Fate.DELIVERED:
        return False
    return None if world.held else True


def _union(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)
