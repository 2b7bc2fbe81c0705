# SPDX-License-Identifier: GPL-3.0-or-later
"""On which copies of a trace each DLP rule matches, as computed.

Only a rule that looks at sender, recipient and access scope alone is certain, and only on copies that no other one may
match: of several, Exchange enforces the most restrictive one, and whether it reports the others is not documented (U36).
No likely answer counts here. A rule that a copy cannot match has a condition that its row contradicts.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..._resources.rules.action_effects import Does
from ..conditions.predicate import Atom
from ..model.facts import Facts
from ..rules.dlp_rules import DlpRule, DlpRules, Node, changed_by
from ..rules.rule_set import RuleSet
from ..trace.chain import Chain
from ..trace.columns import Block
from ..trace.groups import Sorter
from .prediction import Prediction

#: What a mail flow rule does that may keep a copy from DLP.
_WITHHOLDS = (Does.DELETE, Does.QUARANTINE, Does.REJECT, Does.REDIRECT, Does.MODERATE)


def dlp_predictions(block: Block, policies: DlpRules, rules: RuleSet, facts: Facts) -> list[Prediction]:
    """For each DLP rule that acts, first to last, on which copies it matches.

    :param rules: the mail flow rules, which come first.
    """
    return _DlpPredictor(block, policies, rules, facts).run()


class _DlpPredictor:
    def __init__(self, block: Block, policies: DlpRules, rules: RuleSet, facts: Facts) -> None:
        self._every = block.every_copy
        self._policies = policies
        self._rules = RuleSet.read(rules, facts.dialect)
        self._is_changed = changed_by(self._rules)
        self._sorter = Sorter(block, facts, [Chain(self._rules, facts)], guesses=False)
        self._brought = _union(self._sorter.brought.by_reason.values())

    def run(self) -> list[Prediction]:
        matches = self._reached([self._matches(rule) for rule in self._policies.rules])
        # The copies that one rule may match, and those that several may.
        once = several = 0
        for _true, possible in matches:
            several |= once & possible
            once |= possible
        open_ = self._withheld() | self._brought | several
        return [Prediction(true & ~open_, possible | self._brought) for true, possible in matches]

    def _withheld(self) -> int:
        """The copies that mail flow rules may keep from DLP."""
        acting = (rule for rule in self._rules.rules if rule.actions.enforced and not rule.idle)
        withholding = (rule for rule in acting if any(rule.actions.does(effect) for effect in _WITHHOLDS))
        return _union(self._sorter.matches.met(rule).possible for rule in withholding)

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
            return _intersection((part[0] for part in parts), self._every), _intersection(
                (part[1] for part in parts), self._every
            )
        true, possible = _union(part[0] for part in parts), _union(part[1] for part in parts)
        return (true, possible) if node.operator == "or" else (self._every & ~possible, self._every & ~true)

    def _truth(self, atom: Atom) -> tuple[int, int]:
        """The copies for which a condition is true, and those for which it may be. DLP sees what mail flow rules changed,
        and not what they hid; a row may show either.
        """
        if atom.predicate.content or self._is_changed(atom):
            return 0, self._every
        truth = self._sorter.conditions.truth_of(atom)
        return truth.true, truth.possible


def _union(sets: Iterable[int]) -> int:
    union = 0
    for bits in sets:
        union |= bits
    return union


def _intersection(sets: Iterable[int], every: int) -> int:
    common = every
    for bits in sets:
        common &= bits
    return common
