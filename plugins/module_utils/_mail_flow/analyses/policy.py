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
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.names import name_key, same_name
from ..._resources.rules.action_effects import Does
from ..._resources.rules.never import meets_no_mail
from ..actions.brought_people import THE_MANAGER
from ..actions.deliver import FATES
from ..actions.edit import may_insert
from ..actions.protect import option_name
from ..budget import BudgetError, bounded
from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, TRUE, Literal, Value, high, low
from ..input.parsing import facts_of
from ..model.addresses import is_name
from ..model.connectors import VALIDATIONS
from ..model.facts import Facts
from ..model.kleene import Reason
from ..model.message_recipients import people_behind
from ..model.outcomes import Fate
from ..rules.dlp_rules import DlpRule
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import AFTER_REJECTION, NOT_FOLLOWED, NOT_FOUND, TO_WHOM
from ..simulator.results import result
from ..simulator.state import Course, World
from ..symbolic.compile_outcomes import Outcome, in_transit
from ..symbolic.compile_rules import RuleChain, RuleStep
from ..symbolic.encoding import Model
from ..symbolic.message_assumptions import contradicted_assumptions
from ..symbolic.message_search import CandidateMessage
from ..symbolic.side import Side
from ..symbolic.witness_replay import course_of, reasons_of
from .besides_dlp import certain_dlp_rules, left_alone, undecided
from .difference_kinds import SearchedMail
from .finding import Exempting, section_of
from .open_findings import TOLD_AFTER_REJECTION, changing_rules, effects_of
from .rule_effects import (
    BEFORE_DLP,
    LEAVING,
    MISFITS,
    ON_THE_WAY,
    PROTECTING,
    RANK,
    STATED_SIDE_EFFECTS,
    RuleEffect,
    cases_of,
    how_dlp_rule_keeps,
    how_encrypter_keeps,
    how_it_keeps,
    is_by_manager,
    may_treat_otherwise,
    of_dlp,
    on_the_copy,
    shows_effect,
)
from .stated_rules import StatedRule, acts, brought_names, conditions_of, matches, on_people

#: The maximum number of conflicts for all questions together.
CONFLICTS = 20_000

#: So many messages are tried to show an effect, or why it is open.
_MOST_REPLAYS = 4

#: The maximum number of members of a group between whom and those of another group messages are tried.
_MOST_MEMBERS = 2


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
            asked = _StatementSearch(RuleSet.read(rules, known.dialect), known, now, budget)
            statements += asked.statements()
    except BudgetError:
        return _with_dlp(statements, known, complete=False)
    return _with_dlp(statements, known, complete=True)


def _with_dlp(statements: Sequence[Statement], facts: Facts, *, complete: bool) -> MailPolicy:
    """Statements with the DLP rules of which it is open on which mail they act."""
    besides = _besides(statements, facts)
    others = (rule for rule in undecided(facts) if rule.does.would_change_mail and rule not in besides)
    return MailPolicy(tuple(statements), besides, tuple(others), complete)


def _besides(statements: Iterable[Statement], facts: Facts) -> tuple[DlpRule, ...]:
    """The DLP rules besides which statements are said."""
    limited = [said for said in statements if said.besides_dlp]
    by_place = {rule.place: rule for said in limited for rule in _undecided(facts, said.rule, said.effect)}
    return tuple(rule for _place, rule in sorted(by_place.items()))


def _undecided(facts: Facts, rule: StatedRule, effect: RuleEffect) -> list[DlpRule]:
    """The DLP rules that may keep mail of a rule from an effect, where it is open on which mail they act."""
    if isinstance(rule, DlpRule):
        return [other for other in undecided(facts) if how_dlp_rule_keeps(other, rule, effect)]
    return [other for other in undecided(facts) if may_treat_otherwise(other.does, effect)]


@dataclass(frozen=True)
class _Candidate:
    """A rule that may keep mail from an effect.

    :param acts: that it acts on the mail.
    :param rank: the smaller, the more does it explain.
    """

    exempting: Exempting
    acts: Literal
    rank: tuple[int, int]


class _StatementSearch:
    def __init__(self, rules: RuleSet, facts: Facts, now: datetime.datetime | None, budget: int) -> None:
        self._dlp = certain_dlp_rules(facts)
        by_dlp = {option for rule in self._dlp for option in rule.does.options}
        by_rules = {option_name(template) for rule in rules.rules for template in rule.actions.templates}
        self._rules, self._budget = rules, budget
        self._routes = facts.connectors.outbound is not None and any(
            rule.actions.does(Does.ROUTE) for rule in rules.rules
        )
        #: The rules, and none.
        self._model = Model(
            [rules, RuleSet([])],
            RuleSet([]),
            facts,
            now or datetime.datetime.now(datetime.UTC),
            sorted(by_rules | by_dlp),
            transit=self._routes,
        )

    def statements(self) -> Iterator[Statement]:
        """The statements about each rule that mail can meet, in their order: mail flow rules, then DLP rules.

        :raises BudgetError: a question took too many conflicts.
        """
        for rule in self._rules.rules:
            if rule.idle or self._chain.step(rule) is None or meets_no_mail(section_of(rule.criteria.conditions)):
                continue
            for case, managed in cases_of(rule):
                for effect in self._effects(case):
                    yield from self._statement(rule, effect, managed=managed)
        for dlp_rule in self._dlp:
            for effect in (*of_dlp(dlp_rule), *on_people(dlp_rule, self._model.facts)):
                yield from self._statement(dlp_rule, effect, managed=False)

    @property
    def _chain(self) -> RuleChain:
        return self._model.free.chains[0]

    @property
    def _remaining_budget(self) -> int:
        remaining = self._budget - self._model.circuit.solver.conflicts
        if remaining <= 0:
            raise BudgetError
        return remaining

    # What rules do

    def _effects(self, rule: FlowRule) -> Iterator[RuleEffect]:
        if rule.actions.enforced:
            yield from on_the_copy(rule)
            yield from on_people(rule, self._model.facts)
        for effect in sorted(effects_of(rule)):
            if effect.sort in STATED_SIDE_EFFECTS:
                yield RuleEffect(effect.sort, (effect.name,) if effect.name else ())
        if rule.actions.enforced and self._routes and rule.actions.options.get("route_message_outbound_connector"):
            yield RuleEffect("in_transit")
            yield RuleEffect("clear_transit")

    # Whether it happens

    def _happens(self, rule: StatedRule, effect: RuleEffect, side: Side, *, approved: bool) -> Value:
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
            copies = self._model.added(side, 0, shared=False).copies_of(effect.names[0])
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
            for rule in self._rules.rules
            if any(other == effect for case, _managed in cases_of(rule) for other in on_the_copy(case))
        ]

    def _waits_for_dlp(self, rule: DlpRule, outcome: Outcome) -> Value:
        """The value that is true if a copy waits for an approval by those whom a DLP rule asks."""
        asking = [other for other in self._dlp if other.does.asks == rule.does.asks]
        asked = self._model.free.logic.any_of([acts(other, outcome) for other in asking])
        return outcome.fate.waits_for_dlp & asked

    def _has_side_effect(self, effect: RuleEffect, side: Side) -> Value:
        logic, chain = side.logic, side.chains[0]
        same = [
            rule
            for rule in self._rules.rules
            for other in effects_of(rule)
            if other.sort == effect.kind and same_name(other.name, "".join(effect.names))
        ]
        has = logic.any_of(
            [chain.tells(rule) if effect.kind in TOLD_AFTER_REJECTION else chain.acts(rule) for rule in same]
        )
        if effect.kind in ON_THE_WAY:
            return has & ~side.outcomes[0].fate.gone
        return has

    # Which mail

    def _named(self, rule: StatedRule, effect: RuleEffect, side: Side, *, managed: bool) -> Value:
        """The value that is true if mail is that of a statement: it meets the conditions when it reaches the rule, and
        is what else the statement says.
        """
        outcome, mail, logic = side.outcomes[0], self._model.mail, side.logic
        parts: list[Value] = [matches(rule, outcome)]
        if effect == MISFITS:
            parts.append(self._misfits(rule, side))
        if managed:
            parts.append(mail.sender.managed)
        if effect.kind == "decrypted":
            parts.append(_may_be_decrypted(rule, outcome))
        if effect.kind in PROTECTING:
            parts += [~literal for literal in mail.arrival.values()]
        if effect.kind == "branded":  # A branding is also for mail that arrives protected by the organization.
            parts += [~literal for kind, literal in mail.arrival.items() if kind != "own"]
            parts.append(outcome.protection.by_rights)
        if effect.kind in LEAVING and self._leaves(rule):
            parts.append(side.conditions.scopes.leaves(mail.recipient))
        if effect.kind in ("in_transit", "clear_transit"):
            before = in_transit(side.chains[1], VALIDATIONS[0])
            parts.append(before if effect.kind == "clear_transit" else ~before)
        return logic.all_of(parts)

    def _misfits(self, rule: StatedRule, side: Side) -> Value:
        """The value that is true if a rule's disclaimer does not fit into a message."""
        step = side.chains[0].step(rule) if isinstance(rule, FlowRule) else None
        return TRUE if step is None else ~may_insert(self._model.mail, step.seen)

    def _leaves(self, rule: StatedRule) -> bool:
        """Whether a rule acts on mail that leaves."""
        side = self._model.free
        leaves = high(side.conditions.scopes.leaves(self._model.mail.recipient))
        return self._model.solve([high(acts(rule, side.outcomes[0])), leaves], self._remaining_budget)

    def _usual(self, rule: StatedRule) -> list[Literal]:
        """Literals that are true together if mail is usual but for what the rule itself looks for, and S/MIME
        hides nothing of it.
        """
        conditions = conditions_of(rule)
        usual = SearchedMail(self._model, contradicted_assumptions(conditions)).assumed(usual=True)
        looks_at_protection = any(atom.predicate.looks_at == "protection" for atom in conditions)
        return usual if looks_at_protection else [*usual, ~self._model.mail.arrival["smime"]]

    def _not_theirs(self, rule: StatedRule, effect: RuleEffect) -> list[Literal]:
        """Literals that are true together if mail is not for those who get it from the rule anyway."""
        model = self._model
        people = {
            person.address
            for _option, name in brought_names(rule)
            for person in people_behind(model.facts, name)
            if not is_name(person.address)
        }
        known = [person for person in sorted(people) if ("address", person) in model.mail.recipient.atoms]
        literals = [~model.mail.recipient["address", person] for person in known]
        if effect.kind.startswith("copied"):
            literals += SearchedMail(model, ()).somebody_else(effect.names[0])
        return literals

    # What keeps mail from it

    def _candidates(self, rule: StatedRule, effect: RuleEffect) -> list[_Candidate]:
        candidates = []
        for other in self._rules.rules:
            if other is rule or other.idle:
                continue
            how = how_it_keeps(other, rule, effect)
            if how is not None:
                candidates.append(
                    _Candidate(Exempting(other.name, how), self._acts(other, effect), (RANK[how], other.place))
                )
        return [*candidates, *self._of_dlp(rule, effect, len(self._rules.rules))]

    def _of_dlp(self, rule: StatedRule, effect: RuleEffect, behind: int) -> Iterator[_Candidate]:
        """The DLP rules that surely keep mail of a rule from an effect. What others may do is open.

        :param behind: the number of mail flow rules, which explain more.
        """
        if isinstance(rule, FlowRule) and effect.kind not in BEFORE_DLP:
            return
        others = [part for other in self._dlp if other is not rule for part in other.by_recipients]
        for other in others:
            how = self._how_dlp_keeps(other, rule, effect)
            if how:
                yield _Candidate(
                    Exempting(other.name, how), self._acts(other, effect), (RANK[how], behind + other.place)
                )

    def _how_dlp_keeps(self, other: DlpRule, rule: StatedRule, effect: RuleEffect) -> str:
        """How a DLP rule keeps mail of another rule from an effect; empty if it does not."""
        if isinstance(rule, DlpRule):
            return how_dlp_rule_keeps(other, rule, effect)
        return how_encrypter_keeps(other.does, effect)

    def _acting_dlp(self, rule: StatedRule, effect: RuleEffect, side: Side) -> list[Literal]:
        """For each DLP rule that may keep mail of a rule from an effect, where it is open on which mail it acts, the literal
        that is true if it may act on the recipient's copy, or on one that the effect is about.
        """
        outcomes = self._outcomes_of(effect, side)
        return [
            high(acts(other, outcome)) for outcome in outcomes for other in _undecided(self._model.facts, rule, effect)
        ]

    def _acts(self, rule: StatedRule, effect: RuleEffect) -> Literal:
        """The literal that is true if a rule acts on the recipient's copy, or on one that the effect is about."""
        side = self._model.free
        return high(side.logic.any_of([acts(rule, outcome) for outcome in self._outcomes_of(effect, side)]))

    def _outcomes_of(self, effect: RuleEffect, side: Side) -> list[Outcome]:
        """What becomes of the recipient's copy, and of those that an effect is about."""
        outcomes = [side.outcomes[0]]
        if effect.kind.startswith("copied"):
            outcomes += [copy.outcome for copy in self._model.added(side, 0, shared=False).copies_of(effect.names[0])]
        return outcomes

    def _statement(self, rule: StatedRule, effect: RuleEffect, *, managed: bool) -> Iterator[Statement]:
        """What is true of the effect on a rule's mail; nothing if it never happens."""
        model, free = self._model, self._model.free
        managed = managed or effect.names == (THE_MANAGER,) or is_by_manager(rule, effect)
        if effect.kind.startswith("copied") and not self._is_followed(rule, effect):
            yield from self._not_followed(rule, effect, managed=managed)
            return
        others, acting_dlp = self._not_theirs(rule, effect), self._acting_dlp(rule, effect, free)
        usual = [*self._usual(rule), *(~literal for literal in acting_dlp)]
        mail = [*others, high(self._named(rule, effect, free, managed=managed))]
        named = [*usual, *mail]
        acting = high(self._tells(rule, effect))
        happening = self._happening(rule, effect, [*named, acting])
        if happening is None:
            return
        approved, happens = happening
        affected = [*named, acting, happens]
        alive = [*named, high(acts(rule, free.outcomes[0])), happens]
        if effect.kind in TOLD_AFTER_REJECTION and not model.solve(alive, self._remaining_budget):
            yield Statement(rule, effect, self._changed(rule), rejected=True, certain=False, unknown=(AFTER_REJECTION,))
            return
        if effect.kind == "in_transit" and not self._is_ours(named, happens, acting):
            return
        certain = self._surely_happens(rule, effect, affected, managed=managed, approved=approved)
        senders, theirs = self._senders(named, ~happens) if effect.kind in PROTECTING else ((), [])
        exempting, rest = self._exempting([*mail, *theirs], usual, ~happens, self._candidates(rule, effect))
        unknown = self._reasons(rule, effect, rest, approved=approved) if rest else ()
        if not certain and not unknown:
            unknown = self._reasons(rule, effect, affected, approved=approved)
        yield Statement(
            rule=rule,
            effect=effect,
            changed=self._changed(rule),
            arrives="own" if effect.kind == "decrypted" and isinstance(rule, FlowRule) else "",
            managed=managed,
            approved=approved,
            exempting=exempting,
            senders=senders,
            besides_dlp=bool(acting_dlp)
            and model.solve([*self._usual(rule), *mail, model.circuit.disjunction(acting_dlp)], self._remaining_budget),
            certain=certain,
            unknown=unknown,
        )

    def _tells(self, rule: StatedRule, effect: RuleEffect) -> Value:
        """The value that is true if a rule acts on a copy, or on one that is rejected before, where that has the effect, too."""
        if isinstance(rule, FlowRule) and effect.kind in TOLD_AFTER_REJECTION:
            return self._chain.tells(rule)
        return acts(rule, self._model.free.outcomes[0])

    def _happening(
        self, rule: StatedRule, effect: RuleEffect, acting: Sequence[Literal]
    ) -> tuple[bool, Literal] | None:
        """Whether the effect waits for an approval, and the literal that is true if it happens; ``None`` if it never does.

        :param acting: what is true of the mail on which the rule acts.
        """
        for approved in (False, True):
            happens = high(self._happens(rule, effect, self._model.free, approved=approved))
            if self._model.solve([*acting, happens], self._remaining_budget):
                return approved, happens
        return None

    def _surely_happens(
        self, rule: StatedRule, effect: RuleEffect, affected: Sequence[Literal], *, managed: bool, approved: bool
    ) -> bool:
        """Whether the effect happens to some mail whatever Exchange does.

        :param affected: what is true of the mail that may have the effect.
        """
        # Whether mail for people inside leaves by a connector is not documented.
        if effect.kind in LEAVING and not self._leaves(rule):
            return False
        # Another rule may send somebody a copy for certain.
        if effect.kind.startswith("copied") and isinstance(rule, DlpRule) and not rule.does.only_sends:
            return False
        return self._is_certain(rule, effect, managed=managed, approved=approved) or self._is_shown(
            rule, effect, affected, approved=approved
        )

    def _not_followed(self, rule: StatedRule, effect: RuleEffect, *, managed: bool) -> Iterator[Statement]:
        """What is said of a copy for somebody whose copies are not followed."""
        theirs = [self._model.mail.sender.managed] if managed else []
        if self._model.solve([high(acts(rule, self._model.free.outcomes[0])), *theirs], self._remaining_budget):
            changed = self._changed(rule)
            yield Statement(rule, effect, changed, managed=managed, certain=False, unknown=(NOT_FOLLOWED,))

    def _is_followed(self, rule: StatedRule, effect: RuleEffect) -> bool:
        """Whether copies of somebody whom a rule adds are followed."""
        unfollowed = self._chain.copies.unfollowed.get(rule.place, ()) if isinstance(rule, FlowRule) else ()
        return effect.names[0] not in unfollowed and bool(
            self._model.added(self._model.free, 0, shared=False).copies_of(effect.names[0])
        )

    def _is_ours(self, named: Sequence[Literal], happens: Literal, acting: Literal) -> bool:
        """Whether all mail on which a rule acts has the effect."""
        return not self._model.solve([*named, acting, ~happens], self._remaining_budget)

    def _is_certain(self, rule: StatedRule, effect: RuleEffect, *, managed: bool, approved: bool) -> bool:
        """Whether the effect happens to some mail whatever Exchange does where that is not documented."""
        side = self._model.open
        named = [
            *SearchedMail(self._model, ()).company(side),
            *self._usual(rule),
            *(~literal for literal in self._acting_dlp(rule, effect, side)),
            *self._not_theirs(rule, effect),
            low(self._named(rule, effect, side, managed=managed)),
        ]
        return self._model.solve(
            [*named, low(self._happens(rule, effect, side, approved=approved))], self._remaining_budget
        )

    def _is_shown(self, rule: StatedRule, effect: RuleEffect, literals: Sequence[Literal], *, approved: bool) -> bool:
        """Whether the simulator shows the effect on a message: some conditions are open in every formula, but not of
        every message.
        """
        for course, candidate in self._messages(rule, literals, effect):
            outcome = result(course, self._rules, candidate.message, candidate.facts[0])
            if outcome and shows_effect(rule, effect, outcome, approved=approved):
                return True
            if self._is_shown_between_members(rule, effect, candidate, approved=approved):
                return True
        return False

    def _is_shown_between_members(
        self, rule: StatedRule, effect: RuleEffect, candidate: CandidateMessage, *, approved: bool
    ) -> bool:
        """Whether the simulator shows the effect on a message from a member of one group to a member of another one. No
        formula says who these are if a condition is about both.
        """
        facts = candidate.facts[0]
        members = facts.groups.members or {}
        groups = [
            members[group][:_MOST_MEMBERS]
            for atom in conditions_of(rule)
            if atom.predicate.sort == "relation"
            for group in atom.groups
            if group in members
        ]
        for senders, recipients in itertools.permutations(groups, 2):
            for sender, recipient in itertools.product(senders, recipients):
                message = replace(candidate.message, sender=sender, to=(recipient,), cc=(), bcc=())
                course = course_of(self._rules, message, facts, recipient)
                outcome = result(course, self._rules, message, facts) if course else None
                if outcome and shows_effect(rule, effect, outcome, approved=approved):
                    return True
        return False

    def _messages(
        self, rule: StatedRule, literals: Sequence[Literal], effect: RuleEffect
    ) -> Iterator[tuple[Course, CandidateMessage]]:
        """Some messages, if possible from inside and to one recipient, and what happens to the copy that an effect is
        about if no DLP rule acts of which that is open.
        """
        model, side = self._model, self._model.free
        inside = high(side.conditions.scopes.sender("InOrganization", model.mail.sender))
        preferred = [*SearchedMail(model, ()).company(side), inside]
        person = effect.names[0] if effect.kind.startswith("copied") else ""
        candidates = model.messages.candidates(literals, [], side, self._remaining_budget, preferred)
        for candidate in itertools.islice(candidates, _MOST_REPLAYS):
            if candidate is None:
                continue
            facts = candidate.facts[0]
            alone = left_alone(facts, _undecided(facts, rule, effect))
            course = course_of(self._rules, candidate.message, alone, candidate.letter.recipient, person)
            if course is not None:
                yield course, replace(candidate, facts=(alone,))

    def _exempting(
        self, mail: Sequence[Literal], usual: Sequence[Literal], exempt: Literal, candidates: Sequence[_Candidate]
    ) -> tuple[tuple[Exempting, ...], list[Literal]]:
        """The rules that keep mail from an effect, each with mail on which none of the others acts that were found
        before; and what is true of usual mail that none of them keeps from it, empty if there is none.

        :param mail: that mail is that of a statement, :param:`usual`: that it is usual, and :param:`exempt`: that it
            has not the effect. What ends the way of mail keeps it from the effect, whether it is usual or not.
        """
        model = self._model
        exempting: list[_Candidate] = []
        for ends in (True, False):
            remaining = {
                candidate.rank: candidate for candidate in candidates if (candidate.rank[0] == RANK["stops"]) is ends
            }
            asked = [*mail, exempt] if ends else [*usual, *mail, exempt]
            while remaining:
                some = model.circuit.disjunction([candidate.acts for candidate in remaining.values()])
                if not model.solve(
                    [*asked, *(~candidate.acts for candidate in exempting), some], self._remaining_budget
                ):
                    break
                holds = model.circuit.holds
                first = min(rank for rank, candidate in remaining.items() if holds(candidate.acts))
                exempting.append(remaining.pop(first))
        rest = [*usual, *mail, exempt, *(~candidate.acts for candidate in candidates)]
        ordered = sorted(exempting, key=lambda candidates: candidates.rank)
        return tuple(candidate.exempting for candidate in ordered), rest if model.solve(
            rest, self._remaining_budget
        ) else []

    def _senders(self, named: Sequence[Literal], exempt: Literal) -> tuple[tuple[str, ...], list[Literal]]:
        """The senders whose mail has not an effect, whatever else keeps mail from it, and literals that are true together if
        mail is of others.

        :param named: that mail is that of a statement; :param:`exempt`: that it has not the effect.
        """
        model = self._model
        scopes, sender = model.free.conditions.scopes, model.mail.sender
        inside, outside = (high(scopes.sender(value, sender)) for value in ("InOrganization", "NotInOrganization"))
        if not model.solve([*named, inside], self._remaining_budget):
            return (), []
        ways = {"outside": [outside, ~inside], "unauthenticated": [~outside, ~inside]}
        senders = tuple(
            who for who, literals in ways.items() if model.solve([*named, exempt, *literals], self._remaining_budget)
        )
        return senders, [inside] if senders else []

    def _reasons(
        self, rule: StatedRule, effect: RuleEffect, literals: Sequence[Literal], *, approved: bool
    ) -> tuple[Reason, ...]:
        """Why it is open what happens to mail, as far as messages show it: the questions whose answers decide."""
        for course, candidate in self._messages(rule, literals, effect):
            facts = candidate.facts[0]
            shown: list[tuple[World, bool]] = []
            for world in course.worlds:
                outcome = result(replace(course, worlds=[world]), self._rules, candidate.message, facts)
                shows = outcome is not None and shows_effect(rule, effect, outcome, approved=approved)
                shown.append((world, shows))
            both = {is_shown for _world, is_shown in shown}
            deciding = {
                reason
                for question, answer in dict.fromkeys(item for world, _each in shown for item in world.answers)
                if {is_shown for world, is_shown in shown if (question, answer) in world.answers} != both
                for reason in question.reasons
            }
            reasons = sorted(deciding) or reasons_of(course, candidate.message, facts, transit=effect.kind in LEAVING)
            if reasons:
                return tuple(reasons)
        if any(atom.predicate.sort == "relation" for atom in conditions_of(rule)):
            return (TO_WHOM,)
        return (NOT_FOUND,)

    # What earlier rules change

    def _changed(self, rule: StatedRule) -> dict[Atom, tuple[str, ...]]:
        """The conditions and exceptions of a rule whose result earlier rules change for some mail that meets the others. What a
        DLP rule looks at for certain, none changes.
        """
        if isinstance(rule, DlpRule):
            return {}
        model, chain = self._model, self._chain
        step = chain.step(rule)
        if step is None:
            return {}
        logic, changed = model.free.logic, dict[Atom, tuple[str, ...]]()
        atoms = [
            *((atom, False) for atom in rule.criteria.conditions),
            *((atom, True) for atom in rule.criteria.exceptions),
        ]
        truths = {atom: chain.conditions.truth(atom, step.seen, chain.person) for atom, _exempts in atoms}
        for atom, _exempts in atoms:
            arrived = chain.conditions.truth(atom, _unedited(step), chain.person)
            if arrived == truths[atom]:
                continue
            others = [~truths[other] if exempts else truths[other] for other, exempts in atoms if other is not atom]
            differs = ~logic.equal(arrived, truths[atom])
            usual = [assumption.literal for assumption in model.mail.assumptions]
            if model.solve([*usual, high(logic.all_of((*others, differs)))], self._remaining_budget):
                changed[atom] = tuple(changing_rules(chain, atom, step))
        return changed


def _may_be_decrypted(rule: StatedRule, outcome: Outcome) -> Value:
    """Whether a copy is protected in a way that a rule can take away: by the organization's own keys, as it arrives, or as the
    mail flow rules leave it for a DLP rule.
    """
    if isinstance(rule, FlowRule):
        return outcome.mail.arrival["own"]
    by_rules = outcome.by_rules
    return by_rules.by_rights & ~(by_rules.keeps_foreign_rights | by_rules.smime)


def _unedited(step: RuleStep) -> SeenMessage:
    """The message as it arrives, with the people who share the copy at a step."""
    return SeenMessage(splits=step.seen.splits, added=step.seen.added)
