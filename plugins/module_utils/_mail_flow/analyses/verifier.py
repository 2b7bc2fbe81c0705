# SPDX-License-Identifier: GPL-3.0-or-later
"""The verifier of guarantees about mail: each is proved, refuted by a message, or unknown with what would settle it.

``prove(rules, facts, guarantees, now)`` is the entry point. ``DraftVerifier`` judges one guarantee at a time under draft rules.
A guarantee is proved if no message breaks it, whatever is unknown about Exchange; it is refuted only by a message that
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
from .judgment import Breach, Counterexample, GuaranteeVerdict, Judgment
from .proof_premises import proof_premises

#: The maximum number of times that other recipients are modeled more exactly.
_ROUNDS = 6

#: The option's name in errors.
_WHERE = "guarantees"

#: The maximum number of relations to learn for one guarantee between two of these.
_MOST_LAWS = 200


def prove(
    rules: Iterable[Mapping[str, Any]] | RuleSet,
    facts: Mapping[str, Any] | Facts,
    guarantees: Sequence[Mapping[str, Any]] | Sequence[Guarantee],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
    where: str = _WHERE,
) -> list[Judgment]:
    """The judgment on each guarantee, in order.

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
    parsed = [guarantee for guarantee in guarantees if isinstance(guarantee, Guarantee)]
    if len(parsed) < len(guarantees):
        parsed = guarantees_of(guarantees, where)
    if not parsed:
        return []
    judged = _Guarantees(rule_set, known, parsed, now or datetime.datetime.now(datetime.UTC), budget)
    judgments = judged.judgments(where)
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
    """Conditions that select mail, each in the form of a rule. They belong to no rule of the organization, so they can also be
    true of content that S/MIME hides, and of mail that rules may not see.
    """
    claims = RuleSet(rules, dialect)
    return claims.with_rules(replace(rule, criteria=replace(rule.criteria, selects=True)) for rule in claims.rules)


#: The steps for one question about several guarantees. If they do not suffice, each is judged alone, which takes as much again.
#: So they are few.
_STEPS_TOGETHER = 100_000


class DraftVerifier:
    """Guarantees under draft rules. They share one model, and each is judged only when it is asked about. Proofs have no premises:
    finding them takes as long as the proof.

    :param now: when the mail passes the rules.
    :raises BudgetError: the rules alone exceed the budget.
    """

    def __init__(self, rules: RuleSet, facts: Facts, guarantees: Sequence[Guarantee], now: datetime.datetime) -> None:
        self.rules = rules
        self._guarantees = _Guarantees(rules, facts, guarantees, now, CONFLICTS, premises=False)
        self._judged: dict[int, Judgment] = {}
        with bounded():
            self._prover = self._guarantees.prover(guarantees)

    def judgment(self, guarantee: Guarantee) -> Judgment:
        """The judgment on one of the guarantees, without premises. Each is judged once."""
        place = self._place(guarantee)
        if place not in self._judged:
            self._judged[place] = self._judgment(place)
        return self._judged[place]

    def keep(self, proved: Sequence[Judgment]) -> bool:
        """Whether guarantees that are proved for other rules are proved for these, too, with the same assumptions. False if that is
        not known: then each has to be judged.
        """
        known = {self._place(judgment.guarantee): judgment.assumed for judgment in proved}
        try:
            with bounded(_STEPS_TOGETHER, share=0.5):
                return self._prover.keeps(known)
        except BudgetError:
            return False

    def _judgment(self, place: int) -> Judgment:
        """The judgment on the guarantee at a place, in a model of its own if the shared one ends without an answer."""
        with bounded(STEPS_OF_GUARANTEE, share=1):
            judgment = self._prover.judge(place, _WHERE)
        is_cut_short = judgment.verdict is GuaranteeVerdict.UNKNOWN and {BUDGET, NOT_FOUND}.intersection(
            judgment.unknown
        )
        return self._guarantees.alone(judgment, place, _WHERE) if is_cut_short else judgment

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
        """The place of a guarantee among those that are judged."""
        return next(place for place, other in enumerate(self._guarantees.guarantees) if other is guarantee)


@dataclass(frozen=True)
class _Guarantees:
    """Guarantees that are judged under the same rules. Each has a budget of its own, and whatever is decided for one alone is
    decided for it among others.

    :param premises: whether the premises of proofs are found.
    """

    rules: RuleSet
    facts: Facts
    guarantees: Sequence[Guarantee]
    now: datetime.datetime
    budget: int
    premises: bool = True

    def judgments(self, where: str) -> list[Judgment]:
        """The judgment on each, in order."""
        judgments: list[Judgment] = []
        try:
            with bounded():
                prover = self.prover(self.guarantees)
            for place in range(len(self.guarantees)):
                with bounded(share=1 / (len(self.guarantees) - place)):
                    judgments.append(self.judgment(prover, place, f"{where}[{place}]"))
        except BudgetError:  # The rules alone exceed the budget.
            judgments += [Judgment(guarantee, unknown=(BUDGET,)) for guarantee in self.guarantees[len(judgments) :]]
        return judgments

    def prover(self, guarantees: Sequence[Guarantee]) -> _Prover:
        """The prover of some of the guarantees, in one model."""
        return _Prover(self.rules, self.facts, guarantees, self.now, self.budget, premises=self.premises)

    def judgment(self, prover: _Prover, place: int, where: str) -> Judgment:
        """The judgment on a guarantee: first in the model of all of them, which is built once; if that decides nothing, in a model
        of its own, since the messages that a search tries depend on what the model learned before.
        """
        if len(self.guarantees) == 1:
            with bounded(STEPS_OF_GUARANTEE, share=1):
                return prover.judge(place, where)
        with bounded(STEPS_OF_GUARANTEE // 2, share=1 / 3):
            judgment = prover.judge(place, where)
        return judgment if judgment.verdict is not GuaranteeVerdict.UNKNOWN else self.alone(judgment, place, where)

    def alone(self, judgment: Judgment, place: int, where: str) -> Judgment:
        """The judgment on a guarantee in a model of its own.

        :param judgment: the judgment on it among others, which stays if the rules alone exceed the budget.
        """
        try:
            with bounded():
                prover = self.prover([self.guarantees[place]])
        except BudgetError:
            return judgment
        with bounded(STEPS_OF_GUARANTEE, share=1):
            return prover.judge(0, where)


class _NoMailError(OptionError):
    """No mail can meet the conditions of a guarantee."""


class _Prover:
    """The prover of guarantees under rules, in one model of all mail.

    :param premises: whether the premises of proofs are found.
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
        self.with_premises = premises
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
        """The judgment on one of the guarantees.

        :raises OptionError: no mail can meet the conditions of the guarantee.
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
        """Whether no mail breaks any of some guarantees, as one question for all of them; false if that is not known.

        :param known: by the place of a guarantee, the ids and kinds of assumptions with which no mail may break it, and which
            mail that it is about can meet.
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
            about_facts = [assumption.literal for assumption in assumptions if not assumption.of_mail]
            breaking.append(circuit.conjunction([formulas.broken(), *usual]))
            breaking.append(circuit.conjunction([formulas.surely_broken, *about_facts]))
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
    * *Unknown*: neither, and another round would not differ.

    Every other round changes one of three things, each a limited number of times:

    * *Assumptions*: those that contradict the guarantee itself are dropped (:meth:`_drop_contradictory_assumptions`).
      None of them comes back.
    * *Relations*: the attempt to write a message showed that some atoms exclude or imply each other
      (:meth:`_has_learned_since`). The model keeps what it learns; a round is repeated for that only for the first
      :data:`_MOST_LAWS` that it learns.
    * *Recipients*: other recipients of a copy are modeled as exactly as the last messages required
      (:meth:`_model_recipients`). What is modeled stays modeled; it happens at most :data:`_ROUNDS` times, and not if
      nothing is left to model.

    :param place: the place of the guarantee; :param:`where`: its name in errors.
    """

    def __init__(self, prover: _Prover, place: int, where: str) -> None:
        self._prover = prover
        self._where = where
        self._first_formulas = prover.formulas(place)
        self._formulas = self._first_formulas
        self._search = prover.search(self._first_formulas)
        self._assumptions = self._first_formulas.first_assumptions
        self._most_laws = self._model.messages.learned.laws + _MOST_LAWS
        self._refinements = 0
        self._answer = Judgment(self._first_formulas.guarantee, self._model.claims.rules[place])

    @property
    def _model(self) -> Model:
        """The model of this round."""
        return self._formulas.model

    def judgment(self) -> Judgment:
        """The judgment.

        :raises OptionError: no mail can meet the conditions of the guarantee.
        :raises BudgetError: a question takes more than its budget.
        """
        while self._refinements < _ROUNDS:
            laws = self._model.messages.learned.laws
            usual = self._search.among_usual(self._assumptions)
            if usual.counterexample:
                return self._refuted(usual.counterexample)
            if usual.is_none and self._drop_contradictory_assumptions():
                continue
            all_mail = self._search.among_all(self._assumptions, usual=not usual.is_none)
            if all_mail.counterexample:
                return self._refuted(all_mail.counterexample)
            if usual.is_none and all_mail.is_none:
                return self._proved(usual.core)
            if self._has_learned_since(laws):  # By now it may be proved, or contradict an assumption.
                continue
            if not self._model_recipients([*usual.leads, *all_mail.leads]):
                break
        return self._unknown(usual_keeps=usual.is_none)

    def _drop_contradictory_assumptions(self) -> bool:
        """Drops the assumptions that contradict the guarantee itself.

        :returns: whether there is another round: some were dropped, or the attempt to write a message that the guarantee is
            about taught the model something.

        :raises OptionError: the guarantee applies to no message.
        """
        laws = self._model.messages.learned.laws
        consistent = self._consistent_assumptions()
        is_fewer = len(consistent) < len(self._assumptions)
        self._assumptions = consistent
        return is_fewer or self._has_learned_since(laws)

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

    def _has_learned_since(self, laws: int) -> bool:
        """Whether the model learned relations since it had a number of them, and not too many to repeat a round."""
        return laws < self._model.messages.learned.laws < self._most_laws

    def _model_recipients(self, leads: Sequence[Key]) -> bool:
        """Continues in a model in which other recipients are as exact as the messages of this round required.

        :returns: whether there was anything to model.
        """
        keys = list(dict.fromkeys(leads)) or self._model.unmodeled_in_fields()
        if not keys:
            return False
        self._refinements += 1
        self._formulas = self._formulas.refined(keys)
        self._search = self._prover.search(self._formulas)
        self._most_laws = _MOST_LAWS
        kinds = {assumption.kind for assumption in self._assumptions}
        every = self._model.mail.assumptions.for_claims
        self._assumptions = [assumption for assumption in every if assumption.kind in kinds]
        return True

    def _refuted(self, build: CounterexampleBuilder) -> Judgment:
        """The judgment that a message refutes the guarantee: the plainest message that does, if the search finds one with half of
        the remaining budget, and otherwise a known one.

        :param build: builds the counterexample of the known message.
        """
        shown: Counterexample | None = None
        try:
            with bounded(share=0.5):
                build_plainest = self._search.plainest(self._assumptions)
                shown = build_plainest() if build_plainest else None
        except BudgetError:
            pass
        return replace(self._answer, verdict=GuaranteeVerdict.REFUTED, counterexample=shown or build())

    def _proved(self, core: Sequence[Literal]) -> Judgment:
        """The judgment if no mail may break the guarantee. It is no proof if rules make more copies than are followed, or if a test
        message contradicts what is computed: a proof rests on all rules, and on how mail passes them.

        :param core: the literals that contradict mail that breaks it. Assumptions are among them.
        """
        if self._prover.is_cut:
            return replace(self._answer, unknown=(TOO_MANY_COPIES,))
        contradicted = self._first_formulas.model.facts.contradicted
        if contradicted:
            return replace(self._answer, unknown=tuple(map(contradicted_by, contradicted)))
        needed = [assumption for assumption in self._assumptions if assumption.literal in core]
        premises: tuple[Premise, ...] = ()
        if self._prover.with_premises:
            premises = proof_premises(self._first_formulas, self._formulas, needed, self._prover.budget)
        assumed = frozenset((assumption.id, assumption.kind) for assumption in needed)
        return replace(self._answer, verdict=GuaranteeVerdict.PROVED, premises=premises, assumed=assumed)

    def _unknown(self, *, usual_keeps: bool) -> Judgment:
        """The judgment if neither is known, with what is unknown about a message that may break the guarantee.

        :param usual_keeps: whether no usual mail may break it, so that the message is unusual.
        """
        literals = [assumption.literal for assumption in self._assumptions if not (usual_keeps and assumption.of_mail)]
        model = self._model
        budget = self._prover.budget
        shown = zip(self._formulas.disclosures, self._formulas.breaking_disclosures, strict=True)
        reasons = [disclosure.reason for disclosure, sees in shown if model.solve([sees, *literals], budget)]
        is_only_by_disclosure = reasons and not model.solve([self._formulas.broken(shown=False), *literals], budget)
        _possible, candidate = model.messages.find([self._formulas.broken(), *literals], model.free, budget)
        if candidate is not None and not is_only_by_disclosure:
            reasons += self._search.replay.reasons(candidate)
        reasons = reasons or self._search.open_reasons(literals) or _unknown_managers(model)
        return replace(
            self._answer,
            unknown=tuple(dict.fromkeys(reasons)) or (NOT_FOUND,),
            may_break=None if usual_keeps else candidate,
        )


def _unknown_managers(model: Model) -> list[Reason]:
    """The reason that the managers to whom some rules send mail are not known; empty if they are."""
    if model.facts.people.managers is not None:
        return []
    rules = [
        rule.name for rule in model.rule_sets[0].rules if rule.is_on_and_enforced and rule.actions.options.get(MANAGER)
    ]
    return [Reason(questions.A_FACT, "nameless", (tuple(rules),))] if rules else []
