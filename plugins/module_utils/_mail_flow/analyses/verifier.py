# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees about mail: proved, refuted by a message that replays, or unknown with what would settle it.

``prove(rules, facts, guarantees, now)`` is the entry point; ``TriedRules`` judges only what is asked, of rules that are tried.
A guarantee is proved where no message breaks it, whatever is unknown about Exchange; it is refuted only by a message that
surely breaks it in the simulator, too.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.errors import OptionError
from ..actions.brought_people import MANAGER
from ..actions.protect import option_name
from ..budget import STEPS_OF_GUARANTEE, BudgetError, bounded
from ..conditions.keys import Key
from ..formula import Literal, high
from ..input.guarantee_options import Guarantee, guarantees_of
from ..input.parsing import facts_of
from ..model import questions
from ..model.connectors import IN_TRANSIT
from ..model.expressions import Dialect
from ..model.facts import Facts
from ..model.kleene import Reason
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import BUDGET, NOT_FOUND, TOO_MANY_COPIES, Premise, contradicted_by
from ..simulator.disclosures import disclosures
from ..symbolic.encoding import Model
from ..symbolic.message_assumptions import Assumption
from ..symbolic.message_search import CONFLICTS
from .counterexample_search import CounterexampleSearch
from .guarantee_formulas import GuaranteeFormulas
from .guarantee_replay import CounterexampleBuilder, GuaranteeReplay, brought_people
from .judgment import (
    Breach,
    Counterexample,
    GuaranteeVerdict,
    Judgment,
)
from .proof_premises import proof_premises

#: How many times the other recipients are built more exactly.
_ROUNDS = 6

#: The option's name in errors.
_WHERE = "guarantees"

#: The maximum number of relations to learn for one guarantee before that.
_LAWS = 200


def prove(
    rules: Iterable[Mapping[str, Any]] | RuleSet,
    facts: Mapping[str, Any] | Facts,
    guarantees: Sequence[Mapping[str, Any]] | Sequence[Guarantee],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
    where: str = _WHERE,
) -> list[Judgment]:
    """What is known of each guarantee, in order.

    :param rules: as a rule set takes them.
    :param facts: as :func:`facts_of` takes them.
    :param guarantees: in the form of the option, or as :func:`guarantees_of` returns them.
    :param now: when the mail passes the rules; by default now.
    :param budget: the maximum number of conflicts for each question.
    :param where: the option's name in errors.
    :raises OptionError: a guarantee is invalid, or no mail can meet its conditions.
    """
    known = facts_of(facts)
    rule_set = RuleSet.read(rules, known.dialect)
    read = [guarantee for guarantee in guarantees if isinstance(guarantee, Guarantee)]
    if len(read) < len(guarantees):
        read = guarantees_of(guarantees, where)
    if not read:
        return []
    asked = _Guarantees(rule_set, known, read, now or datetime.datetime.now(datetime.UTC), budget)
    judgments = asked.judgments(where)
    journals = sorted(set(known.journals))
    journal_premises = (Premise("journals", values=tuple(journals)),) if journals else ()
    judgments = [replace(judgment, unseen=known.encrypters.unseen) for judgment in judgments]
    return [
        replace(judgment, premises=(*judgment.premises, *journal_premises))
        if judgment.verdict is GuaranteeVerdict.PROVED
        else judgment
        for judgment in judgments
    ]


def claims_of(rules: Iterable[Mapping[str, Any]], dialect: Dialect = Dialect.AGREED) -> RuleSet:
    """Conditions that select mail. They belong to no rule, so they can also be true for content that S/MIME hides, and
    for mail that rules may not see.
    """
    claims = RuleSet(rules, dialect)
    return claims.with_rules(replace(rule, criteria=replace(rule.criteria, selects=True)) for rule in claims.rules)


#: The steps for one question about several guarantees. Where that is not enough, they are judged one by one, which takes as
#: much again, so it must not take much.
_STEPS_TOGETHER = 100_000


class TriedRules:
    """Guarantees under rules that are tried. They share one model, and only those are judged that are asked about. Of a
    proof it is not found out what it rests on, which takes as long as the proof.

    :param now: when the mail passes the rules.
    :raises BudgetError: the rules themselves are too much.
    """

    def __init__(self, rules: RuleSet, facts: Facts, guarantees: Sequence[Guarantee], now: datetime.datetime) -> None:
        self.rules = rules
        self._asked = _Guarantees(rules, facts, guarantees, now, CONFLICTS, premises=False)
        self._judged: dict[int, Judgment] = {}
        with bounded():
            self._prover = self._asked.prover(guarantees)

    def judgment(self, guarantee: Guarantee) -> Judgment:
        """What is known of one of the guarantees, without premises. It is searched for once."""
        place = self._place(guarantee)
        if place not in self._judged:
            self._judged[place] = self._judgment(place)
        return self._judged[place]

    def keep(self, proved: Sequence[Judgment]) -> bool:
        """Whether guarantees that are proved of other rules are proved of these, too, with the same assumptions. False if
        that is not known: then each is to be judged.
        """
        known = {self._place(judgment.guarantee): judgment.assumed for judgment in proved}
        try:
            with bounded(_STEPS_TOGETHER, share=0.5):
                return self._prover.keeps(known)
        except BudgetError:
            return False

    def _judgment(self, place: int) -> Judgment:
        with bounded(STEPS_OF_GUARANTEE, share=1):
            judgment = self._prover.judge(place, _WHERE)
        is_missed = judgment.verdict is GuaranteeVerdict.UNKNOWN and {BUDGET, NOT_FOUND}.intersection(judgment.unknown)
        return self._asked.alone(judgment, place, _WHERE) if is_missed else judgment

    def refutation(self, guarantee: Guarantee) -> Counterexample | None:
        """A message that refutes one of the guarantees; ``None`` if the search finds none. It does not search for a
        proof.

        :raises BudgetError: the search takes more than its budget.
        """
        with bounded(STEPS_OF_GUARANTEE, share=1):
            return self._prover.refutation(self._place(guarantee))

    def can_act(self, rule: FlowRule) -> bool:
        """Whether one of the rules may act on some mail.

        :raises BudgetError: that took too many conflicts.
        """
        model = self._prover.first_model
        step = model.free.chains[0].step(rule)
        return step is not None and model.solve([high(step.alive), high(step.matches)], CONFLICTS)

    def _place(self, guarantee: Guarantee) -> int:
        return next(place for place, asked in enumerate(self._asked.guarantees) if asked is guarantee)


@dataclass(frozen=True)
class _Guarantees:
    """Guarantees that are judged under the same rules. Each has a budget of its own, and what is decided of one that is
    asked alone is decided of it among others.

    :param premises: whether it is found out what a proof rests on.
    """

    rules: RuleSet
    facts: Facts
    guarantees: Sequence[Guarantee]
    now: datetime.datetime
    budget: int
    premises: bool = True

    def judgments(self, where: str) -> list[Judgment]:
        """What is known of each."""
        judgments: list[Judgment] = []
        try:
            with bounded():
                prover = self.prover(self.guarantees)
            for place in range(len(self.guarantees)):
                with bounded(share=1 / (len(self.guarantees) - place)):
                    judgments.append(self.judgment(prover, place, f"{where}[{place}]"))
        except BudgetError:  # The rules themselves are too much.
            judgments += [Judgment(guarantee, unknown=(BUDGET,)) for guarantee in self.guarantees[len(judgments) :]]
        return judgments

    def prover(self, guarantees: Sequence[Guarantee]) -> _Prover:
        """Some of them in one model."""
        return _Prover(self.rules, self.facts, guarantees, self.now, self.budget, premises=self.premises)

    def judgment(self, prover: _Prover, place: int, where: str) -> Judgment:
        """First in the model of all of them, which is built once. If that decides nothing, in one of its own: which
        messages a search tries depends on what it learnt before.
        """
        if len(self.guarantees) == 1:
            with bounded(STEPS_OF_GUARANTEE, share=1):
                return prover.judge(place, where)
        with bounded(STEPS_OF_GUARANTEE // 2, share=1 / 3):
            judgment = prover.judge(place, where)
        return judgment if judgment.verdict is not GuaranteeVerdict.UNKNOWN else self.alone(judgment, place, where)

    def alone(self, judgment: Judgment, place: int, where: str) -> Judgment:
        """What is known of a guarantee in a model of its own.

        :param judgment: what is known of it among others.
        """
        try:
            with bounded():
                prover = self.prover([self.guarantees[place]])
        except BudgetError:
            return judgment
        with bounded(STEPS_OF_GUARANTEE, share=1):
            return prover.judge(0, where)


class _NoMailError(OptionError):
    """No mail can meet what a guarantee is about."""


class _Prover:
    """Guarantees under rules, over one model of all mail.

    :param premises: whether it is found out what a proof rests on.
    """

    def __init__(
        self,
        rules: RuleSet,
        facts: Facts,
        guarantees: Sequence[Guarantee],
        now: datetime.datetime,
        budget: int,
        *,
        premises: bool = True,
    ) -> None:
        self.guarantees = guarantees
        self.budget = budget
        self.tells_premises = premises
        claims = claims_of([guarantee.selection for guarantee in guarantees], rules.dialect)
        options = [option_name(guarantee.template) for guarantee in guarantees if guarantee.template]
        self.first_model = Model(
            [rules], claims, facts, now, options, transit=any(guarantee.then == IN_TRANSIT for guarantee in guarantees)
        )
        #: Whether rules make more copies than are followed. Then nothing is proved.
        self.is_cut = self.first_model.added(self.first_model.free).cut
        self._disclosures = list(disclosures(rules.rules, self.first_model.facts))
        self._formulas: dict[int, GuaranteeFormulas] = {}
        self._brought = brought_people(rules, self.first_model.facts)

    def judge(self, place: int, where: str) -> Judgment:
        """What is known of one of the guarantees.

        :raises OptionError: no mail can meet what the guarantee is about.
        """
        answer = Judgment(self.guarantees[place], self.first_model.claims.rules[place])
        try:
            return _Rounds(self, place, where).judgment()
        except BudgetError:
            return replace(answer, unknown=(BUDGET,))
        except _NoMailError:
            if not self.is_cut:
                raise
            return replace(answer, unknown=(TOO_MANY_COPIES,))

    def refutation(self, place: int) -> Counterexample | None:
        """A message that refutes one of the guarantees; ``None`` if one search of all mail finds none.

        :raises BudgetError: the search takes more than its budget.
        """
        formulas = self.formulas(place)
        build = self.search(formulas).among_all(formulas.first_assumptions, usual=True).counterexample
        return build() if build else None

    def keeps(self, known: Mapping[int, frozenset[tuple[str, str]]]) -> bool:
        """Whether no mail breaks any of some guarantees, in one question for all of them; false if that is not known.

        :param known: by the place of a guarantee, assumptions that mail which it is about can meet: with these, no mail
            may break it.
        """
        if self.is_cut or self.first_model.facts.contradicted:
            return False
        model, circuit = self.first_model, self.first_model.circuit
        breaking = list[Literal]()
        for place, assumed in known.items():
            formulas = self.formulas(place)
            assumptions = [
                assumption for assumption in formulas.first_assumptions if (assumption.id, assumption.kind) in assumed
            ]
            usual = [assumption.literal for assumption in assumptions]
            of_all = [assumption.literal for assumption in assumptions if not assumption.of_mail]
            breaking.append(circuit.conjunction([formulas.broken(), *usual]))
            breaking.append(circuit.conjunction([formulas.surely_broken, *of_all]))
        possible, _candidate = model.messages.search([circuit.disjunction(breaking)], model.free, self.budget)
        return not possible

    def formulas(self, place: int) -> GuaranteeFormulas:
        """Which mail breaks one of the guarantees, in the first model."""
        known = self._formulas.get(place)
        if known is None:
            known = self._formulas[place] = GuaranteeFormulas(
                self.first_model, self.guarantees[place], place, self._disclosures
            )
        return known

    def search(self, formulas: GuaranteeFormulas) -> CounterexampleSearch:
        """The search for messages that break a guarantee, in one of its models."""
        claims = self.first_model.claims
        breach = Breach(formulas.guarantee, self.first_model.rule_sets[0], claims, claims.rules[formulas.place])
        return CounterexampleSearch(formulas, GuaranteeReplay(breach, self._brought), self.budget)


class _Rounds:
    """One guarantee, judged by rounds. Each searches usual mail first, which meets the assumptions, and then all mail, for a
    message that breaks the guarantee.

    The rounds end with a verdict:

    * *Refuted*: a message surely breaks the guarantee.
    * *Proved*: no mail may break it.
    * *Unknown*: neither, and there is nothing left by which another round would differ.

    Each other round changes one of three things, none of them forever:

    * *Assumptions*: those that contradict the guarantee itself are dropped (:meth:`_drop_contradictory_assumptions`).
      None of them comes back.
    * *Relations*: the attempt to write a message showed that some atoms exclude or imply each other
      (:meth:`_has_learnt_since`). The model keeps what it learns; a round is repeated for that only for the first
      :data:`_LAWS` that it learns.
    * *Recipients*: other recipients of a copy are modeled as exactly as the last messages required
      (:meth:`_model_recipients`). What is modeled stays modeled; it happens at most :data:`_ROUNDS` times, and not if
      nothing is left to model.

    :param place: which of the guarantees; :param:`where`: its name in errors.
    """

    def __init__(self, prover: _Prover, place: int, where: str) -> None:
        self._prover = prover
        self._where = where
        self._first_formulas = prover.formulas(place)
        self._formulas = self._first_formulas
        self._search = prover.search(self._first_formulas)
        self._assumptions = self._first_formulas.first_assumptions
        self._most_laws = self._model.messages.learnt.laws + _LAWS
        self._refinements = 0
        self._answer = Judgment(self._first_formulas.guarantee, self._model.claims.rules[place])

    @property
    def _model(self) -> Model:
        """The model of this round."""
        return self._formulas.model

    def judgment(self) -> Judgment:
        """The verdict.

        :raises OptionError: no mail can meet what the guarantee is about.
        :raises BudgetError: it takes more than its budget.
        """
        while self._refinements < _ROUNDS:
            laws = self._model.messages.learnt.laws
            usual = self._search.among_usual(self._assumptions)
            if usual.counterexample:
                return self._refuted(usual.counterexample)
            if usual.is_none and self._drop_contradictory_assumptions():
                continue
            every = self._search.among_all(self._assumptions, usual=not usual.is_none)
            if every.counterexample:
                return self._refuted(every.counterexample)
            if usual.is_none and every.is_none:
                return self._proved(usual.core)
            if self._has_learnt_since(laws):  # By now it may be proved, or contradict an assumption.
                continue
            if not self._model_recipients([*usual.leads, *every.leads]):
                break
        return self._unknown(usual_keeps=usual.is_none)

    def _drop_contradictory_assumptions(self) -> bool:
        """Drops the assumptions that contradict the guarantee itself. Whether there is another round: some were dropped, or
        the attempt to write a message that the guarantee is about taught the model something.

        :raises OptionError: the guarantee applies to no message.
        """
        laws = self._model.messages.learnt.laws
        consistent = self._consistent_assumptions()
        is_fewer = len(consistent) < len(self._assumptions)
        self._assumptions = consistent
        return is_fewer or self._has_learnt_since(laws)

    def _consistent_assumptions(self) -> list[Assumption]:
        """The assumptions that mail which the guarantee is about can meet together.

        :raises OptionError: the guarantee applies to no message.
        """
        model = self._model
        about = self._formulas.applies
        assumptions = self._assumptions
        while True:
            literals = [about, *(assumption.literal for assumption in assumptions)]
            possible, _candidate = model.messages.search(literals, model.free, self._prover.budget)
            if possible:
                return assumptions
            core = set(model.circuit.core)
            consistent = [assumption for assumption in assumptions if assumption.literal not in core]
            if len(consistent) == len(assumptions):
                name = self._first_formulas.guarantee.name
                raise _NoMailError(
                    f"{self._where}: no message can meet when and unless of the guarantee {name!r}, so it has no effect.",
                    remedy="Change when or unless.",
                )
            assumptions = consistent

    def _has_learnt_since(self, laws: int) -> bool:
        """Whether the model learnt relations since it had this number of them, and not too many to repeat a round."""
        return laws < self._model.messages.learnt.laws < self._most_laws

    def _model_recipients(self, leads: Sequence[Key]) -> bool:
        """Goes on in a model in which other recipients are as exact as the messages of this round required. Whether
        anything was left to model.
        """
        keys = list(dict.fromkeys(leads)) or self._model.unmodeled_in_fields()
        if not keys:
            return False
        self._refinements += 1
        self._formulas = self._formulas.refined(keys)
        self._search = self._prover.search(self._formulas)
        self._most_laws = _LAWS
        kinds = {assumption.kind for assumption in self._assumptions}
        every = self._model.mail.assumptions.for_claims
        self._assumptions = [assumption for assumption in every if assumption.kind in kinds]
        return True

    def _refuted(self, build: CounterexampleBuilder) -> Judgment:
        """The verdict that a message refutes the guarantee: by the plainest message that does, if the search finds one
        with half of what is left of the budget. Only that one is told.
        """
        shown: Counterexample | None = None
        try:
            with bounded(share=0.5):
                tell_plainest = self._search.plainest(self._assumptions)
                shown = tell_plainest() if tell_plainest else None
        except BudgetError:
            pass
        return replace(self._answer, verdict=GuaranteeVerdict.REFUTED, counterexample=shown or build())

    def _proved(self, core: Sequence[Literal]) -> Judgment:
        """The judgment where no mail may break the guarantee. It is no proof if rules make more copies than are
        followed, or if a test message contradicts what is computed: it rests on all rules, and on how mail passes them.

        :param core: what contradicts mail that breaks it, assumptions among it.
        """
        if self._prover.is_cut:
            return replace(self._answer, unknown=(TOO_MANY_COPIES,))
        contradicted = self._first_formulas.model.facts.contradicted
        if contradicted:
            return replace(self._answer, unknown=tuple(map(contradicted_by, contradicted)))
        needed = [assumption for assumption in self._assumptions if assumption.literal in core]
        premises: tuple[Premise, ...] = ()
        if self._prover.tells_premises:
            premises = proof_premises(self._first_formulas, self._formulas, needed, self._prover.budget)
        assumed = frozenset((assumption.id, assumption.kind) for assumption in needed)
        return replace(self._answer, verdict=GuaranteeVerdict.PROVED, premises=premises, assumed=assumed)

    def _unknown(self, *, usual_keeps: bool) -> Judgment:
        """The judgment where neither is known, with what is unknown about a message that may break the guarantee.

        :param usual_keeps: whether no usual mail may break it: then it is about unusual mail.
        """
        literals = [assumption.literal for assumption in self._assumptions if not (usual_keeps and assumption.of_mail)]
        model = self._model
        budget = self._prover.budget
        shown = zip(self._formulas.disclosures, self._formulas.breaking_disclosures, strict=True)
        reasons = [disclosure.reason for disclosure, sees in shown if model.solve([sees, *literals], budget)]
        is_by_shown_alone = reasons and not model.solve([self._formulas.broken(shown=False), *literals], budget)
        _possible, candidate = model.messages.find([self._formulas.broken(), *literals], model.free, budget)
        if candidate is not None and not is_by_shown_alone:
            reasons += self._search.replay.reasons(candidate)
        reasons = reasons or self._search.open_reasons(literals) or _managers_unknown(model)
        return replace(
            self._answer,
            unknown=tuple(dict.fromkeys(reasons)) or (NOT_FOUND,),
            may_break=None if usual_keeps else candidate,
        )


def _managers_unknown(model: Model) -> list[Reason]:
    """The reason that it is not known to whom some rules bring a message; none if it is."""
    if model.facts.people.managers is not None:
        return []
    rules = [
        rule.name for rule in model.rule_sets[0].rules if rule.is_on_and_enforced and rule.actions.options.get(MANAGER)
    ]
    return [Reason(questions.A_FACT, "nameless", (tuple(rules),))] if rules else []
