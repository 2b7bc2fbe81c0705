# SPDX-License-Identifier: GPL-3.0-or-later
"""Which DLP rules apply to a copy after the mail flow rules, and the copies that they send, as formulas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from ..actions.act import FormulaAct
from ..actions.bring import make_copies
from ..actions.copy_state import CopiesByRule
from ..formula import FALSE, TRUE, Value
from ..model.encrypters import BLOCKED, DlpEncrypter, Encrypter
from ..model.outcomes import Fate
from ..rules.dlp_rules import DlpRule, DlpRules, SendingRule
from .compile_dlp_conditions import DlpMatches, unknown_afterwards
from .compile_rules import RuleChain

#: Whether something has an effect.
Has = Callable[[Encrypter], object]


class AskedRule(NamedTuple):
    """A DLP rule that Exchange asks about a copy, and that changes mail.

    :param does: what it does to the copy.
    :param when: whether it does that.
    """

    rule: DlpRule
    does: DlpEncrypter
    when: Value


class AppliedDlpRules:
    """The formulas of DLP rules, one after the other, for the copy that a chain of mail flow rules leaves: which of them Exchange
    asks, and which apply.

    :param chain: the chain.
    :param matches: which rules match the copy.
    """

    def __init__(self, chain: RuleChain, matches: DlpMatches) -> None:
        self._chain = chain
        self._logic = chain.logic
        self._policies = matches.policies
        self._matches = matches

    @property
    def maker(self) -> DlpRule | None:
        """The DLP rule that sends the copy; ``None`` if that is done by a mail flow rule, or by the sender."""
        return self._matches.maker

    @cached_property
    def applied(self) -> Sequence[tuple[Encrypter, Value]]:
        """The DLP rules that change mail, each with whether it applies to the copy."""
        return [*self._chain.state.after, *((does, when) for _rule, does, when in self.asked)]

    @cached_property
    def _met(self) -> Sequence[tuple[DlpRule, Value]]:
        """The DLP rules that Exchange asks about the copy, each with whether it matches it."""
        if self._policies is None:
            return ()
        maker = self.maker
        met: list[tuple[DlpRule, Value]] = []
        # Exchange does not ask DLP about mail in quarantine.
        reached: Value = ~self._chain.state.fates.get(Fate.QUARANTINED, FALSE)
        if maker is not None and maker.stops:
            reached &= ~self._stops(maker)
        for rule in self._policies.rules:
            if maker is not None and (rule is maker or not rule.may_come_after(maker)):
                continue
            matches = reached & self._matches.matches(rule)
            met.append((rule, matches))
            if rule.stops:
                reached &= ~(matches & self._stops(rule))
        return met

    @cached_property
    def asked(self) -> Sequence[AskedRule]:
        """The DLP rules that Exchange asks about the copy and that change mail, each with what it does and whether it does that."""
        asked: list[AskedRule] = []
        for rule, matches in self._met:
            if matches == FALSE or not rule.does.restricts:
                continue
            covers = self._matches.covers(rule.does)
            does = self._does(rule)
            asked.append(AskedRule(rule, rule.does, matches & covers & does))
            if rule.does_inside is not None:
                asked.append(AskedRule(rule, rule.does_inside, matches & ~covers & does))
        return asked

    def _does(self, rule: DlpRule) -> Value:
        """Whether a rule does something to the mail that it matches. One that was not understood may do nothing to it, and
        stop others all the same.
        """
        return unknown_afterwards(self._chain, "dlp does", rule.place) if rule.does.not_understood else TRUE

    def meets(self, rule: DlpRule) -> Value:
        """Whether the copy is mail that a rule is about, whether or not Exchange asks the rule."""
        return self._matches.matches(rule) & self._matches.covers(rule.does)

    def changes(self, rule: DlpRule) -> Value:
        """Whether a rule does something to the copy."""
        return self._logic.any_of(
            [when for does, when in self.applied if any(does is part.does for part in rule.by_access_scope)]
        )

    def by_others(self, maker: DlpRule) -> dict[int, Value]:
        """What the copies that a DLP rule sends have of whether later rules act on this one; see the simulator's ``_by_others``."""
        if maker.does.ends == Fate.REDIRECTED:
            return {}
        later = ((rule, matches) for rule, matches in self._met if rule is not maker and rule.may_come_after(maker))
        return {rule.place: matches for rule, matches in later if rule.may_take_along}

    def acts(self, rule: DlpRule) -> Value:
        """Whether a rule does something to the copy, or stops the later ones for it."""
        stops = [matches for other, matches in self._met if other.place == rule.place and rule.stops]
        return self._logic.any_of([self.changes(rule), *stops])

    def _stops(self, rule: DlpRule) -> Value:
        """Whether a rule that matches stops the later ones."""
        return unknown_afterwards(self._chain, "dlp stops", rule.place) if rule.stops_perhaps else TRUE

    def applies(self, place: int) -> Value:
        """Whether a DLP rule that sends copies applies to the copy, by its place behind the mail flow rules."""
        first = len(self._chain.rules.rules)
        return self._logic.any_of([when for rule, _does, when in self.asked if first + rule.place == place])

    def any(self, has: Has) -> Value:
        """Whether a DLP rule with an effect applies."""
        return self._logic.any_of([when for does, when in self.applied if has(does)])


class DlpCopies:
    """The formulas of the copies that DLP rules send others of the copy which a chain of mail flow rules leaves.

    :param chain: the chain.
    :param dlp: the DLP rules that apply to the copy.
    :param policies: all DLP policies; ``None`` if their rules are not known.
    """

    def __init__(self, chain: RuleChain, dlp: AppliedDlpRules, policies: DlpRules | None) -> None:
        self._chain = chain
        self._logic = chain.logic
        self._dlp = dlp
        self._policies = policies

    def sending(self, place: int) -> SendingRule:
        """The DLP rule that sends copies, by its place behind the mail flow rules."""
        rules = self._chain.rules
        every = self._policies.sending if self._policies else ()
        return next(rule.as_sending(rules) for rule in every if len(rules.rules) + rule.place == place)

    @cached_property
    def by_rule(self) -> Sequence[CopiesByRule]:
        """The copies that DLP rules send others of the copy."""
        if self._policies is None or not self._policies.sending:
            return ()
        first = len(self._chain.rules.rules)
        asked = {rule.place for rule, _does, _when in self._dlp.asked}
        return [
            self._sent(rule, self._dlp.applies(first + rule.place))
            for rule in self._policies.sending
            if rule.place in asked
        ]

    def _sent(self, rule: DlpRule, applies: Value) -> CopiesByRule:
        """The copies that a rule sends: like the copy as the mail flow rules left it, with what the DLP rules up to this one do.
        See the simulator's :meth:`.AppliedEncrypters.brings`.
        """
        state = self._chain.state.copy()
        own = rule.does
        theirs = set(own.brings)
        others = [*state.after, *((does, when) for other, does, when in self._dlp.asked if other is not rule)]
        sends = applies & ~self._logic.any_of(state.fates.values())
        if own.ends != BLOCKED:
            sends &= ~self._logic.any_of([when for does, when in others if does.ends == BLOCKED])
        instead = self._logic.any_of(
            [
                when
                for does, when in others
                if does.restricts and (not theirs.issubset(does.brings) or does.not_understood)
            ]
        )
        open_ = unknown_afterwards(self._chain, "dlp sends", rule.place)
        sends &= self._logic.choose(instead, open_, TRUE) if own.only_sends else open_
        before = [
            (does.for_others, when)
            for other, does, when in self._dlp.asked
            if other is not rule and rule.may_come_after(other)
        ]
        alone = TRUE if own.only_sends else unknown_afterwards(self._chain, "dlp does more", rule.place)
        state.after = (*state.after, *before, (own.for_others, alone))
        state.met_by_others = self._dlp.by_others(rule)
        sending = rule.as_sending(self._chain.rules)
        act = FormulaAct(sending, self._chain.scene, (sending.name, sending.place), state.seen, acts=sends)
        return make_copies(state, act)
