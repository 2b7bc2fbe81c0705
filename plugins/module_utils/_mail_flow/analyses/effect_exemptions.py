# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps some of a rule's mail from an effect: other rules, and its senders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..formula import Literal, high
from ..rules.dlp_rules import DlpRule
from ..rules.flow_rule import FlowRule
from .finding import Exempting
from .rule_effects import (
    BEFORE_DLP,
    ENDING,
    RANK,
    RuleEffect,
    effects_on_copy,
    how_dlp_rule_keeps,
    how_encrypter_keeps,
    ways_it_keeps,
)
from .stated_rules import StatedRule
from .statement_effects import StatementEffects
from .statement_model import StatementModel


@dataclass(frozen=True)
class ExemptingRule:
    """A rule that may keep mail from an effect.

    :param acts: the literal that is true if it acts on the mail, so that it may keep it from the effect.
    :param rank: the smaller, the more it explains.
    """

    exempting: Exempting
    acts: Literal
    rank: tuple[int, ...]


class EffectExemptions:
    """What exempts mail from effects: rules that may keep mail from one, those of them that surely do, and senders whose mail never
    has it.
    """

    def __init__(self, statement_model: StatementModel, effects: StatementEffects) -> None:
        self._statement_model = statement_model
        self._effects = effects

    def candidates(self, rule: StatedRule, effect: RuleEffect) -> list[ExemptingRule]:
        """The rules that may keep mail of a rule from an effect."""
        candidates = []
        for other in self._statement_model.rules.rules:
            if other is rule or other.idle:
                continue
            for number, how in enumerate(ways_it_keeps(other, rule, effect)):
                keeps = self._effects.ends_copies if how in ENDING else self._effects.acts_on_copies
                # What is stopped by a rule with the same effect lacks it only where it is not usual, like what the rule itself
                # does not surely encrypt.
                has_it = how == "stops" and effect in effects_on_copy(other)
                rank = RANK["may_stop" if has_it else how]
                candidates.append(
                    ExemptingRule(Exempting(other.name, how), keeps(other, effect), (rank, other.place, number))
                )
        return [*candidates, *self._dlp_candidates(rule, effect, len(self._statement_model.rules.rules))]

    def _dlp_candidates(self, rule: StatedRule, effect: RuleEffect, behind: int) -> Iterator[ExemptingRule]:
        """The DLP rules that surely keep mail of a rule from an effect. It is open what others do.

        :param behind: the number of mail flow rules. They explain more.
        """
        if isinstance(rule, FlowRule) and effect.kind not in BEFORE_DLP:
            return
        others = [part for other in self._statement_model.dlp if other is not rule for part in other.by_access_scope]
        for other in others:
            how = self._how_dlp_keeps(other, rule, effect)
            if how:
                keeps = self._effects.acts_on_copies if how == "dlp_stops" else self._effects.changed_by_dlp
                rank = (RANK[how], behind + other.place)
                yield ExemptingRule(Exempting(other.name, how), keeps(other, effect), rank)

    def _how_dlp_keeps(self, other: DlpRule, rule: StatedRule, effect: RuleEffect) -> str:
        """How a DLP rule keeps mail of another rule from an effect; empty if it does not."""
        if isinstance(rule, DlpRule):
            return how_dlp_rule_keeps(other, rule, effect)
        return how_encrypter_keeps(other.does, effect)

    def exempting(
        self, mail: Sequence[Literal], usual: Sequence[Literal], exempt: Literal, candidates: Sequence[ExemptingRule]
    ) -> tuple[tuple[Exempting, ...], list[Literal]]:
        """The rules that keep mail from an effect, each with mail on which none of those before it acts; and literals that are true
        together of usual mail that no rule keeps from it and that does not have it, empty if there is none. A rule that ends the way
        of mail counts for unusual mail, too.

        :param mail: literals that are true together of the mail of a statement; :param:`usual`: of usual mail.
        :param exempt: the literal that is true if mail does not have the effect.
        """
        model = self._statement_model.model
        about_facts = [
            assumption.literal
            for assumption in model.mail.assumptions
            if not assumption.of_mail and assumption.literal in usual
        ]
        exempting: list[ExemptingRule] = []
        for ends in (True, False):
            remaining = {
                candidate.rank: candidate for candidate in candidates if (candidate.rank[0] == RANK["stops"]) is ends
            }
            exempt_mail = [*about_facts, *mail, exempt] if ends else [*usual, *mail, exempt]
            while remaining:
                some = model.circuit.disjunction([candidate.acts for candidate in remaining.values()])
                if not self._statement_model.is_possible(
                    [*exempt_mail, *(~candidate.acts for candidate in exempting), some]
                ):
                    break
                holds = model.circuit.holds
                first = min(rank for rank, candidate in remaining.items() if holds(candidate.acts))
                exempting.append(remaining.pop(first))
        rest = [*usual, *mail, exempt, *(~candidate.acts for candidate in candidates)]
        ordered = sorted(exempting, key=lambda candidate: candidate.rank)
        is_complete = not self._statement_model.is_possible(rest)
        return tuple(candidate.exempting for candidate in ordered), [] if is_complete else rest

    def senders(self, named: Sequence[Literal], exempt: Literal) -> tuple[tuple[str, ...], list[Literal]]:
        """The sorts of senders whose mail does not have an effect, and literals that are true together of mail from others.

        :param named: literals that are true together of the mail of a statement.
        :param exempt: the literal that is true if mail does not have the effect.
        """
        model = self._statement_model.model
        scopes, sender = model.free.conditions.scopes, model.mail.sender
        inside, outside = (high(scopes.sender(value, sender)) for value in ("InOrganization", "NotInOrganization"))
        if not self._statement_model.is_possible([*named, inside]):
            return (), []
        ways = {"outside": [outside, ~inside], "unauthenticated": [~outside, ~inside]}
        senders = tuple(
            sort for sort, literals in ways.items() if self._statement_model.is_possible([*named, exempt, *literals])
        )
        return senders, [inside] if senders else []
