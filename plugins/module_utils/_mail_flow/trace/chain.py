# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a set that copies pass whose conditions are decided, and who follows these copies."""

from __future__ import annotations

from functools import cached_property

from ..analyses.finding import SideEffect
from ..analyses.rule_side_effects import effects_of
from ..model.facts import Facts
from ..model.outcomes import Fate
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .deciding_actions import effect_of
from .ending import fates_kept_back, surely_goes_on, whether_ends
from .followed_copies import CopyFollower
from .made_copies import CopyMaker
from .rule_identities import RuleIdentities, makes_copies
from .simplified_worlds import DeliveryWorlds


class Chain:
    """A rule set that copies pass whose conditions are decided.

    :param identities: what each rule looks at and does.
    :param ends: for each rule, whether it ends the copies that it acts on; ``None`` if that is open.
    :param side_effects: place of a rule to what it does beside; empty unless it is asked for.
    :param deciding: the rules that decide what happens to a copy, make others of it, or do something beside.
    :param making: the places of the rules that may give others a copy.
    :param follower: says what becomes of copies, :param:`maker`: which copies rules make of them, and :param:`worlds`: whether rules go
        on and copies are delivered.
    """

    def __init__(self, rules: RuleSet, facts: Facts, *, with_side_effects: bool = False) -> None:
        self.rules = rules
        self.facts = facts
        self.identities = RuleIdentities(rules)
        self.ends = tuple(whether_ends(rule, facts.observed) for rule in rules.rules)
        self.side_effects = _side_effects(rules) if with_side_effects else {}
        self.deciding = tuple(rule for rule in rules.rules if not rule.idle and self._matters(rule))
        self.making = frozenset(rule.place for rule in rules.rules if makes_copies(rule))
        self.follower = CopyFollower(rules, facts, self.identities.complete, self.ends)
        self.maker = CopyMaker(rules, facts, self.identities.complete)
        self.worlds = DeliveryWorlds(rules, facts)

    @cached_property
    def keeping_back(self) -> dict[int, frozenset[Fate]]:
        """The places of the rules that keep copies back that they act on, and what becomes of these."""
        fates = {rule.place: fates_kept_back(rule, self.facts.observed) for rule in self.deciding}
        return {place: of_rule for place, of_rule in fates.items() if of_rule}

    @cached_property
    def continuing(self) -> frozenset[int]:
        """The places of the rules behind which later rules surely act."""
        return frozenset(rule.place for rule in self.rules.rules if surely_goes_on(rule, self.facts.observed))

    def _matters(self, rule: FlowRule) -> bool:
        """Whether a rule decides what happens to a copy, makes others of it, or does something beside."""
        return effect_of(rule) is not None or makes_copies(rule) or rule.place in self.side_effects


def _side_effects(rules: RuleSet) -> dict[int, frozenset[SideEffect]]:
    """What rules do beside, by their places; without those that do nothing."""
    effects = {rule.place: frozenset(effects_of(rule)) for rule in rules.rules}
    return {place: of_rule for place, of_rule in effects.items() if of_rule}
