# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a rule does happens to mail, as formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..._exchange.names import name_key, same_name
from ..._resources.rules.action_effects import Does
from ..actions.brought_people import THE_MANAGER, brings_manager, brought_by
from ..actions.deliver import FATES
from ..actions.protect import option_name
from ..formula import FALSE, Literal, Value, high
from ..model.connectors import VALIDATIONS
from ..model.facts import Facts
from ..model.outcomes import Fate
from ..rules.dlp_rules import DlpRule
from ..rules.flow_rule import FlowRule
from ..symbolic.compile_added_copies import AddedCopy
from ..symbolic.compile_outcomes import Outcome, in_transit
from ..symbolic.side import Side
from .open_findings import TOLD_AFTER_REJECTION, effects_of, ended_by, ends_all_its_mail, how_it_ends, rejects_misfits
from .rule_effects import COPIED, ON_THE_WAY, RuleEffect, cases_of, may_treat_otherwise, on_the_copy
from .stated_rules import StatedRule, acts
from .statement_model import StatementModel, undecided_besides


@dataclass(frozen=True)
class _Happening:
    """What is asked of an effect of a rule.

    :param side: the rules and the mail for which it is asked.
    :param approved: whether mail is told of that waits for an approval first.
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

    def __init__(self, asked: StatementModel) -> None:
        self._asked = asked

    def happens(self, rule: StatedRule, effect: RuleEffect, side: Side, *, approved: bool) -> Value:
        """The value that is true if an effect happens to the recipient's copy, or somebody gets one.

        :param approved: whether mail is told of that waits for an approval first.
        """
        value_of = _BY_KIND.get(effect.kind, StatementEffects._has_side_effect)
        return value_of(self, _Happening(rule, effect, side, approved))

    def _is_encrypted(self, happening: _Happening) -> Value:
        """The value that is true if a copy is delivered with the options of an effect."""
        outcome = happening.outcome
        options = [outcome.protection.has_option(option_name(name)) for name in happening.effect.names]
        return happening.side.logic.all_of((outcome.fate.delivered, outcome.protection.protected, *options))

    def _is_decrypted(self, happening: _Happening) -> Value:
        """The value that is true if a copy is delivered without protection."""
        outcome = happening.outcome
        return outcome.fate.delivered & ~outcome.protection.protected

    def _is_branded(self, happening: _Happening) -> Value:
        """The value that is true if a copy is delivered with the branding of an effect."""
        outcome = happening.outcome
        return outcome.fate.delivered & outcome.branding.is_named(name_key(happening.effect.names[0]))

    def _ends(self, happening: _Happening) -> Value:
        """The value that is true if a copy ends as an effect says."""
        fate = Fate(happening.effect.kind)
        outcome = happening.outcome
        return outcome.state.fates.get(fate, FALSE) if happening.approved else outcome.fate.is_in(fate)

    def _waits_for_approval(self, happening: _Happening) -> Value:
        """The value that is true if the people of an effect are asked for an approval."""
        if isinstance(happening.rule, DlpRule):
            return self._waits_for_dlp(happening.rule, happening.outcome)
        chain = happening.side.chains[0]
        return happening.side.logic.any_of([chain.acts(rule) for rule in self._asking(happening.effect)])

    def _is_copied(self, happening: _Happening) -> Value:
        """The value that is true if somebody to whom a rule sends mail gets a copy."""
        if happening.effect.names == (THE_MANAGER,):  # Nothing keeps theirs back.
            return acts(happening.rule, happening.outcome)
        return happening.side.logic.any_of(
            [
                copy.when
                & (copy.outcome.fate.delivered if happening.approved else copy.outcome.fate.is_in(Fate.DELIVERED))
                for copy in self._copies_of(happening.effect, happening.side)
            ]
        )

    def _leaves_by_tls(self, happening: _Happening) -> Value:
        """The value that is true if a copy leaves by forced TLS."""
        return ~happening.outcome.fate.gone & in_transit(happening.side.chains[0], VALIDATIONS[0])

    def _leaves_in_clear(self, happening: _Happening) -> Value:
        """The value that is true if a copy leaves without forced TLS."""
        return ~happening.outcome.fate.gone & ~in_transit(happening.side.chains[0], VALIDATIONS[0])

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

    def _has_side_effect(self, happening: _Happening) -> Value:
        """The value that is true if a rule acts that has a side effect."""
        effect = happening.effect
        chain = happening.side.chains[0]
        same = [
            rule
            for rule in self._asked.rules.rules
            for other in effects_of(rule)
            if other.sort == effect.kind and same_name(other.name, "".join(effect.names))
        ]
        acting = chain.notifies if effect.kind in TOLD_AFTER_REJECTION else chain.acts
        has = happening.side.logic.any_of(map(acting, same))
        return has & ~happening.outcome.fate.gone if effect.kind in ON_THE_WAY else has

    def takes_effect(self, rule: StatedRule, effect: RuleEffect) -> Value:
        """The value that is true if a rule acts on a copy, or on one that is rejected before, where that has the effect, too."""
        if isinstance(rule, FlowRule) and effect.kind in TOLD_AFTER_REJECTION:
            return self._asked.chain.notifies(rule)
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

    def changed_by_dlp(self, rule: DlpRule, effect: RuleEffect) -> Literal:
        """The literal that is true if a DLP rule does something to the recipient's copy, or to one that the effect is about."""
        side = self._asked.model.free
        return high(side.logic.any_of([outcome.after.dlp.changes(rule) for outcome in self._outcomes_of(effect, side)]))

    def ends_copies(self, rule: FlowRule, effect: RuleEffect) -> Literal:
        """The literal that is true if a rule ends the way of the recipient's copy, or of one that the effect is about."""
        side = self._asked.model.free
        return high(side.logic.any_of([ended_by(rule, outcome.chain) for outcome in self._outcomes_of(effect, side)]))

    def _outcomes_of(self, effect: RuleEffect, side: Side) -> list[Outcome]:
        """What becomes of the recipient's copy, and of those that an effect is about."""
        copies = self._copies_of(effect, side) if effect.brings_people else ()
        return [side.outcomes[0], *(copy.outcome for copy in copies)]

    def _copies_of(self, effect: RuleEffect, side: Side) -> Sequence[AddedCopy]:
        """The copies of somebody to whom a rule sends mail."""
        return self._asked.model.added(side, 0, shared=False).copies_of(effect.names[0])

    def is_followed(self, rule: StatedRule, effect: RuleEffect) -> bool:
        """Whether copies of somebody whom a rule adds are followed, or nothing can keep back that of the sender's manager."""
        if effect.names == (THE_MANAGER,) and isinstance(rule, FlowRule):
            return self._is_never_kept_back(rule, effect)
        unfollowed = self._asked.chain.copies.unfollowed.get(rule.place, ()) if isinstance(rule, FlowRule) else ()
        return effect.names[0] not in unfollowed and bool(self._copies_of(effect, self._asked.model.free))

    def _is_never_kept_back(self, rule: FlowRule, effect: RuleEffect) -> bool:
        """Whether somebody to whom a rule sends mail gets it whenever the rule acts: nothing after it can end the way of a
        copy, nobody is asked for an approval, and no other rule brings a manager mail, which may be redirected in its turn.
        Whether later rules look at whom it adds does not matter then.
        """
        facts = self._asked.model.facts
        if undecided_besides(facts, rule, effect) or any(
            may_treat_otherwise(dlp.does, effect) for dlp in self._asked.dlp
        ):
            return False
        if ends_all_its_mail(rule) or rejects_misfits(rule) or rule.actions.surprises:
            return False
        acting = [other for other in self._asked.rules.rules if other.is_on_and_enforced]
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
_BY_KIND: Mapping[str, Callable[[StatementEffects, _Happening], Value]] = {
    "encrypted": StatementEffects._is_encrypted,
    "decrypted": StatementEffects._is_decrypted,
    "branded": StatementEffects._is_branded,
    **dict.fromkeys(FATES.values(), StatementEffects._ends),
    Fate.MODERATED: StatementEffects._waits_for_approval,
    **dict.fromkeys(COPIED, StatementEffects._is_copied),
    "in_transit": StatementEffects._leaves_by_tls,
    "clear_transit": StatementEffects._leaves_in_clear,
}
