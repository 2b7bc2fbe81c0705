# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization's rules do to mail, as statements that are true of all of their mail.

A statement says what happens to mail that meets a rule's conditions when it reaches the rule, and which other rules keep some
of it from that. It is a theorem about usual mail: no mail that meets the conditions, and on which none of these other rules
acts, is treated differently, whatever Exchange does where that is not documented. A statement that is not certain names the open
questions. The rules are mail flow rules, and those DLP rules that surely act on the mail that
they are about. A DLP rule of which it is open on which mail it acts, such as one that looks for sensitive information, does
not change the statements: they are about mail on which it does not act, and it is named once.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._resources.rules.unmatchable_values import meets_no_mail
from ..actions.brought_people import THE_MANAGER
from ..budget import BudgetError, bounded
from ..conditions.predicate import Atom, Reach
from ..conditions.seen_message import SeenMessage
from ..formula import Literal, high, low
from ..input.parsing import facts_of
from ..model.facts import Facts
from ..model.kleene import Reason
from ..rules.dlp_rules import DlpRule
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import AFTER_REJECTION, NOT_FOLLOWED
from .besides_dlp import undecided_dlp_rules
from .changed_conditions import changed_conditions
from .difference_kinds import SearchedMail
from .effect_exemptions import EffectExemptions
from .finding import Exempting, section_of
from .rule_effects import (
    LEAVING,
    PROTECTING,
    STATED_SIDE_EFFECTS,
    RuleEffect,
    cases_of,
    effects_of_dlp_rule,
    effects_on_copy,
    is_by_manager,
)
from .rule_side_effects import TOLD_AFTER_REJECTION, effects_of
from .stated_rules import StatedRule, acts, effects_on_people
from .statement_effects import StatementEffects
from .statement_mail import StatementMail
from .statement_model import StatementModel, undecided_besides
from .statement_replay import StatementReplay

#: The maximum number of conflicts for all questions together.
CONFLICTS = 20_000


@dataclass(frozen=True)
class Statement:
    """What a rule does to the mail that meets its conditions.

    :param rule: the rule, with the conditions and exceptions as the mail meets them when it reaches the rule.
    :param changed: the conditions and exceptions that earlier rules change, each with the names of these rules.
    :param arrives: how all of this mail arrives protected, as a key of the model's arrivals; empty if it arrives in clear, or
        if that does not matter.
    :param managed: whether the statement is about mail of senders who have a manager.
    :param approved: whether the effect happens after an approval for which the mail waits anyway.
    :param rejected: whether the statement is about mail that earlier rules reject.
    :param exempting: the other rules that keep some of it from the effect.
    :param sent_on_by: the rules that send mail for others in clear to people to whom the statement's mail is sent.
    :param senders: the senders whose mail Exchange does not encrypt, or may not: ``outside``, and ``unauthenticated``
        ones who claim to be inside (U26).
    :param besides_dlp: whether a DLP rule of :class:`MailPolicy` may treat some of the mail differently. The statement is not
        about mail on which one of these acts.
    :param certain: whether the effect certainly happens to some of the mail; otherwise it may.
    :param unknown: why it is open for some of the mail, or for all.
    """

    rule: StatedRule
    effect: RuleEffect
    changed: Mapping[Atom, tuple[str, ...]]
    arrives: str = ""
    managed: bool = False
    approved: bool = False
    rejected: bool = False
    exempting: tuple[Exempting, ...] = ()
    sent_on_by: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    besides_dlp: bool = False
    certain: bool = True
    unknown: tuple[Reason, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the statement is true of all mail of the rule, without exemption."""
        return self.certain and not (
            self.exempting or self.sent_on_by or self.senders or self.besides_dlp or self.unknown
        )


@dataclass(frozen=True)
class MailPolicy:
    """What the rules of an organization do to mail.

    :param statements: in the order of the rules.
    :param dlp: the undecided DLP rules that may treat some mail differently than a statement says.
    :param other_dlp: the other undecided DLP rules that may change mail.
    :param complete: whether these are all statements; :param:`unstated`: otherwise, the names of the rules of which they are
        not, as far as these are known.
    """

    statements: tuple[Statement, ...] = ()
    dlp: tuple[DlpRule, ...] = ()
    other_dlp: tuple[DlpRule, ...] = ()
    complete: bool = True
    unstated: tuple[str, ...] = ()


def policy(
    rules: Iterable[Mapping[str, Any]] | RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
) -> MailPolicy:
    """The statements about rules, as far as the budget reaches.

    :param rules: as a rule set takes them.
    :param facts: in the form of the option ``facts``.
    :param now: when the mail passes the rules; by default now.
    :param budget: the maximum number of conflicts for all questions together.
    """
    statements: list[Statement] = []
    unstated: list[StatedRule] = []
    complete = True
    known = facts_of(facts)
    try:
        with bounded():
            statement_model = StatementModel(RuleSet.read(rules, known.dialect), known, now, budget)
            search = _StatementSearch(statement_model)
            unstated += [*statement_model.rules.rules, *statement_model.dlp]
            while unstated:
                statements += search.statements(unstated[0])
                del unstated[0]
    except BudgetError:
        complete = False
    excepted = _excepted_dlp_rules(statements, known)
    others = (rule for rule in undecided_dlp_rules(known) if rule.does.would_change_mail and rule not in excepted)
    names = tuple(rule.name for rule in unstated if isinstance(rule, DlpRule) or not rule.idle)
    return MailPolicy(tuple(statements), excepted, tuple(others), complete, names)


def _excepted_dlp_rules(statements: Iterable[Statement], facts: Facts) -> tuple[DlpRule, ...]:
    """The undecided DLP rules on whose mail statements say nothing."""
    limited = [statement for statement in statements if statement.besides_dlp]
    by_place = {
        rule.place: rule for statement in limited for rule in undecided_besides(facts, statement.rule, statement.effect)
    }
    return tuple(rule for _place, rule in sorted(by_place.items()))


class _StatementSearch:
    """The statements about rules: what is true of the effects of each on all of its mail."""

    def __init__(self, statement_model: StatementModel) -> None:
        self._statement_model = statement_model
        self._effects = StatementEffects(statement_model)
        self._mail = StatementMail(statement_model)
        self._exemptions = EffectExemptions(statement_model, self._effects)
        self._replay = StatementReplay(statement_model)

    def statements(self, rule: StatedRule) -> Iterator[Statement]:
        """The statements about a rule; none if no mail can meet it.

        :raises BudgetError: a question took too many conflicts.
        """
        if isinstance(rule, DlpRule):
            facts = self._statement_model.model.facts
            for effect in (*effects_of_dlp_rule(rule), *effects_on_people(rule, facts)):
                yield from self._statement(rule, effect, managed=False)
            return
        no_mail = meets_no_mail(section_of(rule.criteria.conditions))
        if rule.idle or no_mail or self._statement_model.chain.step(rule) is None:
            return
        for case, managed in cases_of(rule):
            for effect in self._stated_effects(case):
                yield from self._statement(rule, effect, managed=managed)

    def _stated_effects(self, rule: FlowRule) -> Iterator[RuleEffect]:
        """The effects of a rule about which there are statements."""
        if rule.actions.enforced:
            yield from effects_on_copy(rule)
            yield from effects_on_people(rule, self._statement_model.model.facts)
        for effect in sorted(effects_of(rule)):
            if effect.sort in STATED_SIDE_EFFECTS:
                yield RuleEffect(effect.sort, (effect.name,) if effect.name else ())
        routes = self._statement_model.routes and rule.actions.options.get("route_message_outbound_connector")
        if routes and rule.actions.enforced:
            yield RuleEffect("in_transit")
            yield RuleEffect("clear_transit")

    def _statement(self, rule: StatedRule, effect: RuleEffect, *, managed: bool) -> Iterator[Statement]:
        """The statement about an effect on the mail of a rule; none if it never happens."""
        model, free = self._statement_model.model, self._statement_model.model.free
        managed = managed or effect.names == (THE_MANAGER,) or is_by_manager(rule, effect)
        if effect.brings_people and not self._effects.is_followed(rule, effect):
            yield from self._not_followed(rule, effect, managed=managed)
            return
        others = self._mail.not_for_brought_people(rule, effect)
        acting_dlp = self._effects.acting_dlp(rule, effect, free)
        usual = [*self._mail.usual(rule), *(~literal for literal in acting_dlp)]
        mail = [*others, high(self._mail.named(rule, effect, free, managed=managed))]
        named = [*usual, *mail]
        acting = high(self._effects.takes_effect(rule, effect))
        happening = self._happening(rule, effect, [*named, acting])
        if happening is None:
            return
        approved, happens = happening
        affected = [*named, acting, happens]
        alive = [*named, high(acts(rule, free.outcomes[0])), happens]
        if effect.kind in TOLD_AFTER_REJECTION and not self._statement_model.is_possible(alive):
            changed = changed_conditions(rule, self._statement_model)
            yield Statement(rule, effect, changed, rejected=True, certain=False, unknown=(AFTER_REJECTION,))
            return
        if effect.kind == "in_transit" and self._statement_model.is_possible([*named, acting, ~happens]):
            return  # Some mail of the rule does not have the effect, so a statement about its mail would be false.
        certain = self._surely_happens(rule, effect, affected, managed=managed, approved=approved)
        senders, of_other_senders = self._exemptions.senders(named, ~happens) if effect.kind in PROTECTING else ((), [])
        exempting, rest = self._exemptions.exempting(
            [*mail, *of_other_senders], usual, ~happens, self._exemptions.candidates(rule, effect)
        )
        unknown = self._replay.reasons(rule, effect, rest, approved=approved) if rest else ()
        if not certain and not unknown:
            unknown = self._replay.reasons(rule, effect, affected, approved=approved)
        yield Statement(
            rule=rule,
            effect=effect,
            changed=changed_conditions(rule, self._statement_model),
            arrives="own" if effect.kind == "decrypted" and isinstance(rule, FlowRule) else "",
            managed=managed,
            approved=approved,
            exempting=exempting,
            sent_on_by=self._sent_on_by(rule, usual) if effect.kind == "encrypted" else (),
            senders=senders,
            besides_dlp=bool(acting_dlp)
            and self._statement_model.is_possible(
                [*self._mail.usual(rule), *mail, model.circuit.disjunction(acting_dlp)]
            ),
            certain=certain,
            unknown=unknown,
        )

    def _sent_on_by(self, rule: StatedRule, usual: Sequence[Literal]) -> tuple[str, ...]:
        """The rules that send mail for others in clear to people to whom the mail of a rule is sent. Of a rule whose mail is sent
        to anybody, or anybody inside or outside, what others bring them is no surprise.

        :param usual: literals that are true together of usual mail.
        """
        if not (isinstance(rule, FlowRule) and any(map(_names_recipients, rule.criteria.conditions))):
            return ()
        model, free = self._statement_model.model, self._statement_model.model.free
        by_rule: dict[str, None] = {}
        for copy in model.added(free, 0, shared=False).copies:
            truths = [free.conditions.truth(atom, SeenMessage(), copy.person) for atom in rule.criteria.conditions]
            unmet = [~free.conditions.truth(atom, SeenMessage(), copy.person) for atom in rule.criteria.exceptions]
            in_clear = [copy.outcome.fate.delivered, ~copy.outcome.protection.protected]
            arrives = [~literal for literal in model.mail.arrival.values()]
            sent_on = [*usual, *arrives, *map(high, (copy.when, *truths, *unmet, *in_clear))]
            if copy.rule.name not in by_rule and self._statement_model.is_possible(sent_on):
                by_rule[copy.rule.name] = None
        return tuple(by_rule)

    def _happening(
        self, rule: StatedRule, effect: RuleEffect, acting: Sequence[Literal]
    ) -> tuple[bool, Literal] | None:
        """Whether the effect waits for an approval, and the literal that is true if it happens; ``None`` if it never does.

        :param acting: literals that are true together of the mail on which the rule acts.
        """
        for approved in (False, True):
            happens = high(self._effects.happens(rule, effect, self._statement_model.model.free, approved=approved))
            if self._statement_model.is_possible([*acting, happens]):
                return approved, happens
        return None

    def _surely_happens(
        self, rule: StatedRule, effect: RuleEffect, affected: Sequence[Literal], *, managed: bool, approved: bool
    ) -> bool:
        """Whether the effect happens to some mail whatever Exchange does.

        :param affected: literals that are true together of the mail that may have the effect.
        """
        # Whether mail for people inside leaves by a connector is not documented.
        if effect.kind in LEAVING and not self._mail.leaves(rule):
            return False
        # Another rule may send somebody a copy for certain.
        if effect.brings_people and isinstance(rule, DlpRule) and not rule.does.only_sends:
            return False
        return self._is_certain(rule, effect, managed=managed, approved=approved) or self._replay.some_message_shows(
            rule, effect, affected, approved=approved
        )

    def _not_followed(self, rule: StatedRule, effect: RuleEffect, *, managed: bool) -> Iterator[Statement]:
        """The statement about a copy for somebody whose copies are not followed."""
        has_manager = [self._statement_model.model.mail.sender.managed] if managed else []
        if self._statement_model.is_possible(
            [high(acts(rule, self._statement_model.model.free.outcomes[0])), *has_manager]
        ):
            changed = changed_conditions(rule, self._statement_model)
            yield Statement(rule, effect, changed, managed=managed, certain=False, unknown=(NOT_FOLLOWED,))

    def _is_certain(self, rule: StatedRule, effect: RuleEffect, *, managed: bool, approved: bool) -> bool:
        """Whether the effect happens to some mail whatever Exchange does where that is not documented."""
        side = self._statement_model.model.open
        named = [
            *SearchedMail(self._statement_model.model, ()).preferred_recipients(side),
            *self._mail.usual(rule),
            *(~literal for literal in self._effects.acting_dlp(rule, effect, side)),
            *self._mail.not_for_brought_people(rule, effect),
            low(self._mail.named(rule, effect, side, managed=managed)),
        ]
        return self._statement_model.is_possible(
            [*named, low(self._effects.happens(rule, effect, side, approved=approved))]
        )


def _names_recipients(atom: Atom) -> bool:
    """Whether a condition looks for certain recipients, and not for anybody inside or outside."""
    return atom.reach is Reach.RECIPIENT and atom.predicate.sort != "scope"
