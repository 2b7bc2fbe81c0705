# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a rule does happens to mail, as formulas."""

from __future__ import annotations

from ..._exchange.names import name_key, same_name
from ..actions.deliver import FATES
from ..actions.protect import option_name
from ..formula import FALSE, Literal, Value, high
from ..model.connectors import VALIDATIONS
from ..model.outcomes import Fate
from ..rules.dlp_rules import DlpRule
from ..rules.flow_rule import FlowRule
from ..symbolic.compile_outcomes import Outcome, in_transit
from ..symbolic.side import Side
from .open_findings import TOLD_AFTER_REJECTION, effects_of
from .rule_effects import ON_THE_WAY, RuleEffect, cases_of, on_the_copy
from .stated_rules import StatedRule, acts
from .statement_model import StatementModel, undecided_besides


class StatementEffects:
    """The formulas of the effects of rules: whether one happens to a copy, and on which copies the rule acts."""

    def __init__(self, asked: StatementModel) -> None:
        self._asked = asked

    def happens(self, rule: StatedRule, effect: RuleEffect, side: Side, *, approved: bool) -> Value:
        """The value that is true if an effect happens to the recipient's copy, or somebody gets one.

        :param approved: whether mail is told of that waits for an approval first.
        """
        logic, outcome, chain = side.logic, side.outcomes[0], side.chains[0]
        kind = effect.kind
        if kind == "encrypted":
            option = [outcome.protection.has_option(option_name(name)) for name in effect.names]
            return logic.all_of((outcome.fate.delivered, outcome.protection.protected, *option))
        if kind == "decrypted":
            return outcome.fate.delivered & ~outcome.protection.protected
        if kind == "branded":
            return outcome.fate.delivered & outcome.branding.shows(name_key(effect.names[0]))
        if kind in FATES.values():
            return outcome.state.fates.get(Fate(kind), FALSE) if approved else outcome.fate.is_in(Fate(kind))
        if kind == Fate.MODERATED and isinstance(rule, DlpRule):
            return self._waits_for_dlp(rule, outcome)
        if kind == Fate.MODERATED:
            return logic.any_of([chain.acts(asking_rule) for asking_rule in self._asking(effect)])
        if kind.startswith("copied"):
            copies = self._asked.model.added(side, 0, shared=False).copies_of(effect.names[0])
            return logic.any_of(
                [
                    logic.all_of(
                        (
                            copy.when,
                            copy.outcome.fate.delivered if approved else copy.outcome.fate.is_in(Fate.DELIVERED),
                        )
                    )
                    for copy in copies
                ]
            )
        if kind == "in_transit":
            return ~outcome.fate.gone & in_transit(chain, VALIDATIONS[0])
        if kind == "clear_transit":
            return ~outcome.fate.gone & ~in_transit(chain, VALIDATIONS[0])
        return self._has_side_effect(effect, side)

    def _asking(self, effect: RuleEffect) -> list[FlowRule]:
        """The rules that ask the same people for approval."""
        return [
            rule
            for rule in self._asked.rules.rules
            if any(other == effect for case, _managed in cases_of(rule) for other in on_the_copy(case))
        ]

    def _waits_for_dlp(self, rule: DlpRule, outcome: Outcome) -> Value:
        """The value that is true if a copy waits for an approval by those whom a DLP rule asks."""
        asking = [other for other in self._asked.dlp if other.does.asks == rule.does.asks]
        asked = self._asked.model.free.logic.any_of([acts(other, outcome) for other in asking])
        return outcome.fate.waits_for_dlp & asked

    def _has_side_effect(self, effect: RuleEffect, side: Side) -> Value:
        """The value that is true if a rule acts that has a side effect."""
        logic, chain = side.logic, side.chains[0]
        same = [
            rule
            for rule in self._asked.rules.rules
            for other in effects_of(rule)
            if other.sort == effect.kind and same_name(other.name, "".join(effect.names))
        ]
        has = logic.any_of(
            [chain.tells(rule) if effect.kind in TOLD_AFTER_REJECTION else chain.acts(rule) for rule in same]
        )
        if effect.kind in ON_THE_WAY:
            return has & ~side.outcomes[0].fate.gone
        return has

    def tells(self, rule: StatedRule, effect: RuleEffect) -> Value:
        """The value that is true if a rule acts on a copy, or on one that is rejected before, where that has the effect, too."""
        if isinstance(rule, FlowRule) and effect.kind in TOLD_AFTER_REJECTION:
            return self._asked.chain.tells(rule)
        return acts(rule, self._asked.model.free.outcomes[0])

    def acting_dlp(self, rule: StatedRule, effect: RuleEffect, side: Side) -> list[Literal]:
        """For each DLP rule that may keep mail of a rule from an effect, where it is open on which mail it acts, the literal
        that is true if it may act on the recipient's copy, or on one that the effect is about.
        """
        outcomes = self._outcomes_of(effect, side)
        return [
            high(acts(other, outcome))
            for outcome in outcomes
            for other in undecided_besides(self._asked.model.facts, rule, effect)
        ]

    def acts_on_copies(self, rule: StatedRule, effect: RuleEffect) -> Literal:
        """The literal that is true if a rule acts on the recipient's copy, or on one that the effect is about."""
        side = self._asked.model.free
        return high(side.logic.any_of([acts(rule, outcome) for outcome in self._outcomes_of(effect, side)]))

    def _outcomes_of(self, effect: RuleEffect, side: Side) -> list[Outcome]:
        """What becomes of the recipient's copy, and of those that an effect is about."""
        outcomes = [side.outcomes[0]]
        if effect.kind.startswith("copied"):
            outcomes += [
                copy.outcome for copy in self._asked.model.added(side, 0, shared=False).copies_of(effect.names[0])
            ]
        return outcomes

    def is_followed(self, rule: StatedRule, effect: RuleEffect) -> bool:
        """Whether copies of somebody whom a rule adds are followed."""
        unfollowed = self._asked.chain.copies.unfollowed.get(rule.place, ()) if isinstance(rule, FlowRule) else ()
        return effect.names[0] not in unfollowed and bool(
            self._asked.model.added(self._asked.model.free, 0, shared=False).copies_of(effect.names[0])
        )
