# SPDX-License-Identifier: GPL-3.0-or-later
"""The formulas of effects of rules: whether they happen to mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..._exchange.names import name_key, same_name
from ..._resources.rules.action_effects import Does
from ..actions.brought_people import THE_MANAGER, brings_manager, brought_by, followed_managers
from ..actions.deliver import FATES
from ..actions.protect import option_name
from ..formula import FALSE, Literal, Value, high
from ..model.connectors import VALIDATIONS
from ..model.facts import Facts
from ..model.outcomes import Fate
from ..rules.dlp_rules import DlpRule
from ..rules.flow_rule import FlowRule
from ..symbolic.compile_added_copies import AddedCopy
from ..symbolic.compile_outcomes import Outcome, in_transit, through
from ..symbolic.side import Side
from .finding import OF_COPIES
from .rule_effects import COPIED, RuleEffect, cases_of, effects_on_copy, may_prevent
from .rule_ends import ended_by, ends_all_its_mail, how_it_ends, rejects_misfits
from .rule_side_effects import TOLD_AFTER_REJECTION, effects_of
from .stated_rules import StatedRule, acts
from .statement_model import StatementModel, undecided_besides


@dataclass(frozen=True)
class _EffectQuery:
    """A question about an effect of a rule.

    :param side: the side of the model on which it is asked.
    :param approved: whether it is about what happens after the approvals for which mail waits.
    """

    rule: StatedRule
    effect: RuleEffect
    side: Side
    approved: bool

    @property
    def outcome(self) -> Outcome:
        """What becomes of the recipient's copy."""
        return self.side.outcomes[0]


class StatementEffects:
    """The formulas of the effects of rules: whether one happens to a copy, and on which copies the rule acts."""

    def __init__(self, statement_model: StatementModel) -> None:
        self._statement_model = statement_model

    def happens(self, rule: StatedRule, effect: RuleEffect, side: Side, *, approved: bool) -> Value:
        """The value that is true if an effect happens to the recipient's copy, or somebody gets one.

        :param approved: whether that is after the approvals for which mail waits.
        """
        value_of = _FORMULA_OF_KIND.get(effect.kind, StatementEffects._has_side_effect)
        return value_of(self, _EffectQuery(rule, effect, side, approved))

    def _is_encrypted(self, query: _EffectQuery) -> Value:
        """The value that is true if a copy is delivered with the options of an effect."""
        outcome = query.outcome
        options = [outcome.protection.has_option(option_name(name)) for name in query.effect.names]
        return query.side.logic.all_of((outcome.fate.delivered, outcome.protection.protected, *options))

    def _is_decrypted(self, query: _EffectQuery) -> Value:
        """The value that is true if a copy is delivered without protection."""
        outcome = query.outcome
        return outcome.fate.delivered & ~outcome.protection.protected

    def _is_branded(self, query: _EffectQuery) -> Value:
        """The value that is true if a copy is delivered with the branding of an effect."""
        outcome = query.outcome
        return outcome.fate.delivered & outcome.branding.is_named(name_key(query.effect.names[0]))

    def _ends(self, query: _EffectQuery) -> Value:
        """The value that is true if a copy ends as an effect says."""
        fate = Fate(query.effect.kind)
        outcome = query.outcome
        return outcome.state.fates.get(fate, FALSE) if query.approved else outcome.fate.is_in(fate)

    def _waits_for_approval(self, query: _EffectQuery) -> Value:
        """The value that is true if the people of an effect are asked for an approval."""
        if isinstance(query.rule, DlpRule):
            return self._waits_for_dlp(query.rule, query.outcome)
        chain = query.side.chains[0]
        return query.side.logic.any_of([chain.acts(rule) for rule in self._asking(query.effect)])

    def _is_copied(self, query: _EffectQuery) -> Value:
        """The value that is true if somebody to whom a rule sends mail gets a copy."""
        if self._is_unfollowed(query.rule, query.effect):  # Nothing keeps a manager's copy back.
            return acts(query.rule, query.outcome)
        return query.side.logic.any_of(
            [
                copy.when & (copy.outcome.fate.delivered if query.approved else copy.outcome.fate.is_in(Fate.DELIVERED))
                for copy in self._copies_of(query.effect, query.side)
            ]
        )

    def _leaves_by_tls(self, query: _EffectQuery) -> Value:
        """The value that is true if a copy leaves by forced TLS."""
        return ~query.outcome.fate.gone & in_transit(query.side.chains[0], VALIDATIONS[0])

    def _leaves_in_clear(self, query: _EffectQuery) -> Value:
        """The value that is true if a copy leaves without forced TLS."""
        return ~query.outcome.fate.gone & ~in_transit(query.side.chains[0], VALIDATIONS[0])

    def _leaves_through_connector(self, query: _EffectQuery) -> Value:
        """The value that is true if a rule routes a copy to the connector of an effect, and it leaves there."""
        return self._has_side_effect(query) & through(query.side.chains[0], query.effect.names[0])

    def _asking(self, effect: RuleEffect) -> list[FlowRule]:
        """The rules that ask the people of an effect for approval."""
        return [
            rule
            for rule in self._statement_model.rules.rules
            if any(other == effect for case, _managed in cases_of(rule) for other in effects_on_copy(case))
        ]

    def _waits_for_dlp(self, rule: DlpRule, outcome: Outcome) -> Value:
        """The value that is true if a copy waits for an approval by those whom a DLP rule asks."""
        asking = [other for other in self._statement_model.dlp if other.does.asks == rule.does.asks]
        asked = self._statement_model.model.free.logic.any_of([acts(other, outcome) for other in asking])
        return outcome.fate.waits_for_dlp & asked

    def _has_side_effect(self, query: _EffectQuery) -> Value:
        """The value that is true if a rule acts that has a side effect; one that tells somebody, only where the mail does not wait
        for an approval before, if that is asked.
        """
        effect = query.effect
        chain = query.side.chains[0]
        same = [
            rule
            for rule in self._statement_model.rules.rules
            for other in effects_of(rule)
            if other.sort == effect.kind and same_name(other.name, "".join(effect.names))
        ]
        if effect.kind not in TOLD_AFTER_REJECTION:
            has = query.side.logic.any_of(map(chain.acts, same))
            return has & ~query.outcome.fate.gone if effect.kind in OF_COPIES else has
        telling = [(chain.notifies(each), chain.step(each)) for each in same]
        return query.side.logic.any_of(
            [tells if query.approved or step is None else tells & ~step.held for tells, step in telling]
        )

    def takes_effect(self, rule: StatedRule, effect: RuleEffect) -> Value:
        """The value that is true if a rule acts on a copy, or, for an effect that rejected mail has, too, on a rejected one."""
        if isinstance(rule, FlowRule) and effect.kind in TOLD_AFTER_REJECTION:
            return self._statement_model.chain.notifies(rule)
        return acts(rule, self._statement_model.model.free.outcomes[0])

    def acting_dlp(self, rule: StatedRule, effect: RuleEffect, side: Side) -> list[Literal]:
        """For each undecided DLP rule that may keep mail of a rule from an effect, the literal that is true if it may act on a copy:
        the recipient's, or one that the effect is about.
        """
        outcomes = self._outcomes_of(effect, side)
        return [
            high(acts(other, outcome))
            for outcome in outcomes
            for other in undecided_besides(self._statement_model.model.facts, rule, effect)
        ]

    def acts_on_copies(self, rule: StatedRule, effect: RuleEffect) -> Literal:
        """The literal that is true if a rule acts on the recipient's copy, or on one that the effect is about."""
        side = self._statement_model.model.free
        return high(side.logic.any_of([acts(rule, outcome) for outcome in self._outcomes_of(effect, side)]))

    def changed_by_dlp(self, rule: DlpRule, effect: RuleEffect) -> Literal:
        """The literal that is true if a DLP rule does something to the recipient's copy, or to one that the effect is about."""
        side = self._statement_model.model.free
        return high(side.logic.any_of([outcome.after.dlp.changes(rule) for outcome in self._outcomes_of(effect, side)]))

    def ends_copies(self, rule: FlowRule, effect: RuleEffect) -> Literal:
        """The literal that is true if a rule ends the way of the recipient's copy, or of one that the effect is about."""
        side = self._statement_model.model.free
        return high(side.logic.any_of([ended_by(rule, outcome.chain) for outcome in self._outcomes_of(effect, side)]))

    def _outcomes_of(self, effect: RuleEffect, side: Side) -> list[Outcome]:
        """What becomes of the recipient's copy, and of those that an effect is about."""
        copies = self._copies_of(effect, side) if effect.brings_people else ()
        return [side.outcomes[0], *(copy.outcome for copy in copies)]

    def _copies_of(self, effect: RuleEffect, side: Side) -> Sequence[AddedCopy]:
        """The copies of somebody to whom a rule sends mail. Those of a manager are of mail that one of theirs sent."""
        added = self._statement_model.model.added(side, 0, shared=False)
        if effect.names != (THE_MANAGER,):
            return added.copies_of(effect.names[0])
        managers = followed_managers(self._statement_model.model.mail, side.logic) or ()
        return [
            replace(copy, when=copy.when & theirs) for manager, theirs in managers for copy in added.copies_of(manager)
        ]

    def is_followed(self, rule: StatedRule, effect: RuleEffect) -> bool:
        """Whether the model follows the copies of somebody whom a rule adds, or nothing can keep the copy of the sender's manager
        back.
        """
        if not self._is_unfollowed(rule, effect):
            return bool(self._copies_of(effect, self._statement_model.model.free))
        return effect.names == (THE_MANAGER,) and isinstance(rule, FlowRule) and self._is_never_kept_back(rule, effect)

    def _is_unfollowed(self, rule: StatedRule, effect: RuleEffect) -> bool:
        """Whether a rule sends mail to somebody whose copies the model does not follow."""
        unfollowed = (
            self._statement_model.chain.copies.unfollowed.get(rule.place, ()) if isinstance(rule, FlowRule) else ()
        )
        return effect.names[0] in unfollowed

    def _is_never_kept_back(self, rule: FlowRule, effect: RuleEffect) -> bool:
        """Whether somebody to whom a rule sends mail gets it whenever the rule acts: no later rule can end the way of a copy, nobody
        is asked for an approval, and no other rule sends a manager mail, which may be redirected in turn. Then it does not
        matter whether later rules look at the people whom the rule adds.
        """
        facts = self._statement_model.model.facts
        if undecided_besides(facts, rule, effect) or any(
            may_prevent(dlp.does, effect) for dlp in self._statement_model.dlp
        ):
            return False
        if ends_all_its_mail(rule) or rejects_misfits(rule) or rule.actions.surprises:
            return False
        acting = [other for other in self._statement_model.rules.rules if other.is_on_and_enforced]
        later = [other for other in acting if other.place > rule.place]
        return not (
            any(other.actions.does(Does.MODERATE) for other in acting)
            or any(how_it_ends(other) or other.actions.surprises for other in later)
            or any(_may_bring_manager(other, facts) for other in acting if other is not rule)
        )


def _may_bring_manager(rule: FlowRule, facts: Facts) -> bool:
    """Whether a rule may send mail to somebody's manager."""
    managers = facts.people.managers
    if brings_manager(rule) or managers is None:
        return rule.enforces(Does.ADD, Does.REDIRECT)
    return any(address in facts.people.teams for _option, address, _senders in brought_by(rule, facts))


#: The kind of an effect to the method that makes its value; other kinds are those of side effects.
_FORMULA_OF_KIND: Mapping[str, Callable[[StatementEffects, _EffectQuery], Value]] = {
    "encrypted": StatementEffects._is_encrypted,
    "decrypted": StatementEffects._is_decrypted,
    "branded": StatementEffects._is_branded,
    **dict.fromkeys(FATES.values(), StatementEffects._ends),
    Fate.MODERATED: StatementEffects._waits_for_approval,
    **dict.fromkeys(COPIED, StatementEffects._is_copied),
    "in_transit": StatementEffects._leaves_by_tls,
    "clear_transit": StatementEffects._leaves_in_clear,
    "connector": StatementEffects._leaves_through_connector,
}
