# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization's rules do to mail, as statements that are true of all of their mail.

A statement says of the mail that meets a rule's conditions when it reaches the rule what happens to it, and which other
rules keep some of it from that. It is a theorem about usual mail: no mail that meets the conditions, and on which none
of these other rules acts, is treated otherwise, whatever Exchange does where that is not documented. Where it is not
certain, the open questions are named. The rules are mail flow rules, and those DLP rules that surely act on the mail that
they are about. A DLP rule of which it is open on which mail it acts, such as one that looks for sensitive information, leaves
the statements as they are: they are about mail on which it does not act, and it is named once.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._resources.rules.unmatchable_values import meets_no_mail
from ..actions.brought_people import THE_MANAGER
from ..budget import BudgetError, bounded
from ..conditions.predicate import Atom
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
from .open_findings import TOLD_AFTER_REJECTION, effects_of
from .rule_effects import (
    LEAVING,
    PROTECTING,
    STATED_SIDE_EFFECTS,
    RuleEffect,
    cases_of,
    is_by_manager,
    of_dlp,
    on_the_copy,
)
from .stated_rules import StatedRule, acts, on_people
from .statement_effects import StatementEffects
from .statement_mail import StatementMail
from .statement_model import StatementModel, undecided_besides
from .statement_replay import StatementReplay

#: The maximum number of conflicts for all questions together.
CONFLICTS = 20_000


@dataclass(frozen=True)
class Statement:
    """What a rule does to the mail that meets its conditions.

    :param rule: the conditions and exceptions as the mail meets them when it reaches the rule.
    :param changed: the conditions and exceptions that earlier rules change, each with the names of these rules.
    :param arrives: how all of this mail arrives protected, as the model has it; empty if in clear, or if that does not
        matter.
    :param managed: whether it is mail of senders who have a manager.
    :param approved: whether it happens once an approval is given that the mail waits for anyway.
    :param rejected: whether it is mail that other rules reject before.
    :param exempting: the other rules that keep some of it from the effect.
    :param senders: the senders whose mail Exchange does not encrypt, or may not: ``outside``, and ``unauthenticated``
        ones who claim to be inside (U26).
    :param besides_dlp: whether a DLP rule may treat some of it otherwise, of those that :class:`MailPolicy` has; the statement
        is not about mail on which one of these acts.
    :param certain: whether it certainly happens to some of it; otherwise it may.
    :param unknown: why it is open for some of it, or for all.
    """

    rule: StatedRule
    effect: RuleEffect
    changed: Mapping[Atom, tuple[str, ...]]
    arrives: str = ""
    managed: bool = False
    approved: bool = False
    rejected: bool = False
    exempting: tuple[Exempting, ...] = ()
    senders: tuple[str, ...] = ()
    besides_dlp: bool = False
    certain: bool = True
    unknown: tuple[Reason, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it is true of all of its mail without exemption."""
        return self.certain and not (self.exempting or self.senders or self.besides_dlp or self.unknown)


@dataclass(frozen=True)
class MailPolicy:
    """What rules do.

    :param statements: in the order of the rules.
    :param dlp: the DLP rules that may treat some mail otherwise, where it is open on which mail they act, and
        :param:`other_dlp` those that may change mail, but nothing of what statements say.
    :param complete: whether these are all.
    """

    statements: tuple[Statement, ...] = ()
    dlp: tuple[DlpRule, ...] = ()
    other_dlp: tuple[DlpRule, ...] = ()
    complete: bool = True


def policy(
    rules: Iterable[Mapping[str, Any]] | RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
) -> MailPolicy:
    """What rules do to mail.

    :param rules: as a rule set takes them.
    :param facts: in the form of the option ``facts``.
    :param now: when the mail passes the rules; by default now.
    :param budget: the maximum number of conflicts for all questions together.
    """
    statements: list[Statement] = []
    known = facts_of(facts)
    try:
        with bounded():
            asked = StatementModel(RuleSet.read(rules, known.dialect), known, now, budget)
            statements += _StatementSearch(asked).statements()
    except BudgetError:
        return _with_dlp(statements, known, complete=False)
    return _with_dlp(statements, known, complete=True)


def _with_dlp(statements: Sequence[Statement], facts: Facts, *, complete: bool) -> MailPolicy:
    """Statements with the DLP rules of which it is open on which mail they act."""
    besides = _besides(statements, facts)
    others = (rule for rule in undecided_dlp_rules(facts) if rule.does.would_change_mail and rule not in besides)
    return MailPolicy(tuple(statements), besides, tuple(others), complete)


def _besides(statements: Iterable[Statement], facts: Facts) -> tuple[DlpRule, ...]:
    """The DLP rules besides which statements are said."""
    limited = [said for said in statements if said.besides_dlp]
    by_place = {rule.place: rule for said in limited for rule in undecided_besides(facts, said.rule, said.effect)}
    return tuple(rule for _place, rule in sorted(by_place.items()))


class _StatementSearch:
    """The statements about rules: what is true of the effects of each on all of its mail."""

    def __init__(self, asked: StatementModel) -> None:
        self._asked = asked
        self._effects = StatementEffects(asked)
        self._mail = StatementMail(asked)
        self._exemptions = EffectExemptions(asked, self._effects)
        self._replay = StatementReplay(asked)

    def statements(self) -> Iterator[Statement]:
        """The statements about each rule that mail can meet, in their order: mail flow rules, then DLP rules.

        :raises BudgetError: a question took too many conflicts.
        """
        for rule in self._asked.rules.rules:
            if rule.idle or self._asked.chain.step(rule) is None or meets_no_mail(section_of(rule.criteria.conditions)):
                continue
            for case, managed in cases_of(rule):
                for effect in self._stated_effects(case):
                    yield from self._statement(rule, effect, managed=managed)
        for dlp_rule in self._asked.dlp:
            for effect in (*of_dlp(dlp_rule), *on_people(dlp_rule, self._asked.model.facts)):
                yield from self._statement(dlp_rule, effect, managed=False)

    def _stated_effects(self, rule: FlowRule) -> Iterator[RuleEffect]:
        """The effects of a rule about which there are statements."""
        if rule.actions.enforced:
            yield from on_the_copy(rule)
            yield from on_people(rule, self._asked.model.facts)
        for effect in sorted(effects_of(rule)):
            if effect.sort in STATED_SIDE_EFFECTS:
                yield RuleEffect(effect.sort, (effect.name,) if effect.name else ())
        routes = self._asked.routes and rule.actions.options.get("route_message_outbound_connector")
        if routes and rule.actions.enforced:
            yield RuleEffect("in_transit")
            yield RuleEffect("clear_transit")

    def _statement(self, rule: StatedRule, effect: RuleEffect, *, managed: bool) -> Iterator[Statement]:
        """What is true of the effect on a rule's mail; nothing if it never happens."""
        model, free = self._asked.model, self._asked.model.free
        managed = managed or effect.names == (THE_MANAGER,) or is_by_manager(rule, effect)
        if effect.brings_people and not self._effects.is_followed(rule, effect):
            yield from self._not_followed(rule, effect, managed=managed)
            return
        others = self._mail.not_theirs(rule, effect)
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
        if effect.kind in TOLD_AFTER_REJECTION and not self._asked.is_possible(alive):
            changed = changed_conditions(rule, self._asked)
            yield Statement(rule, effect, changed, rejected=True, certain=False, unknown=(AFTER_REJECTION,))
            return
        if effect.kind == "in_transit" and self._asked.is_possible([*named, acting, ~happens]):
            return  # Other mail of the rule has it not, so that is no statement about its mail.
        certain = self._surely_happens(rule, effect, affected, managed=managed, approved=approved)
        senders, theirs = self._exemptions.senders(named, ~happens) if effect.kind in PROTECTING else ((), [])
        exempting, rest = self._exemptions.exempting(
            [*mail, *theirs], usual, ~happens, self._exemptions.candidates(rule, effect)
        )
        unknown = self._replay.reasons(rule, effect, rest, approved=approved) if rest else ()
        if not certain and not unknown:
            unknown = self._replay.reasons(rule, effect, affected, approved=approved)
        yield Statement(
            rule=rule,
            effect=effect,
            changed=changed_conditions(rule, self._asked),
            arrives="own" if effect.kind == "decrypted" and isinstance(rule, FlowRule) else "",
            managed=managed,
            approved=approved,
            exempting=exempting,
            senders=senders,
            besides_dlp=bool(acting_dlp)
            and self._asked.is_possible([*self._mail.usual(rule), *mail, model.circuit.disjunction(acting_dlp)]),
            certain=certain,
            unknown=unknown,
        )

    def _happening(
        self, rule: StatedRule, effect: RuleEffect, acting: Sequence[Literal]
    ) -> tuple[bool, Literal] | None:
        """Whether the effect waits for an approval, and the literal that is true if it happens; ``None`` if it never does.

        :param acting: what is true of the mail on which the rule acts.
        """
        for approved in (False, True):
            happens = high(self._effects.happens(rule, effect, self._asked.model.free, approved=approved))
            if self._asked.is_possible([*acting, happens]):
                return approved, happens
        return None

    def _surely_happens(
        self, rule: StatedRule, effect: RuleEffect, affected: Sequence[Literal], *, managed: bool, approved: bool
    ) -> bool:
        """Whether the effect happens to some mail whatever Exchange does.

        :param affected: what is true of the mail that may have the effect.
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
        """What is said of a copy for somebody whose copies are not followed."""
        theirs = [self._asked.model.mail.sender.managed] if managed else []
        if self._asked.is_possible([high(acts(rule, self._asked.model.free.outcomes[0])), *theirs]):
            changed = changed_conditions(rule, self._asked)
            yield Statement(rule, effect, changed, managed=managed, certain=False, unknown=(NOT_FOLLOWED,))

    def _is_certain(self, rule: StatedRule, effect: RuleEffect, *, managed: bool, approved: bool) -> bool:
        """Whether the effect happens to some mail whatever Exchange does where that is not documented."""
        side = self._asked.model.open
        named = [
            *SearchedMail(self._asked.model, ()).company(side),
            *self._mail.usual(rule),
            *(~literal for literal in self._effects.acting_dlp(rule, effect, side)),
            *self._mail.not_theirs(rule, effect),
            low(self._mail.named(rule, effect, side, managed=managed)),
        ]
        return self._asked.is_possible([*named, low(self._effects.happens(rule, effect, side, approved=approved))])
