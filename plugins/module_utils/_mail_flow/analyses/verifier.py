# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarantees about mail: proved, refuted by a message that replays, or unknown with what would settle it.

``prove(rules, facts, guarantees, now)`` is the entry point; ``TriedRules`` judges only what is asked, of rules that are tried.
A guarantee is proved where no message breaks it, whatever is unknown about Exchange; it is refuted only by a message that
surely breaks it in the simulator, too.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..._exchange.errors import OptionError
from ..actions.brought_people import MANAGER, brought_by
from ..actions.protect import option_name
from ..budget import STEPS_OF_GUARANTEE, BudgetError, bounded
from ..conditions.keys import Key
from ..formula import FALSE, TRUE, Literal, Value, high, low
from ..input.guarantee_options import Guarantee, guarantees_of
from ..input.parsing import facts_of
from ..model import questions
from ..model.connectors import IN_TRANSIT
from ..model.expressions import Dialect
from ..model.facts import Facts
from ..model.kleene import Open, Reason
from ..model.outcomes import ProtectionKind
from ..model.wishes import PORTAL, WISHES
from ..rules.dlp_rules import sending_rules
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import BUDGET, NOT_FOUND, TOO_MANY_COPIES, Premise, contradicted_by
from ..simulator.copy_result import CopyResult
from ..simulator.results import result
from ..simulator.showings import Showing, showings
from ..simulator.state import Course
from ..symbolic.copy_properties import PROPERTIES, breaks, breaks_anyway
from ..symbolic.counted_copies import CountedCopies
from ..symbolic.encoding import CONFLICTS, CandidateMessage, Model, Side
from ..symbolic.message_assumptions import Assumption, may_mean_pdf
from ..symbolic.witness_replay import counted, courses_of, reasons_for, surely_breaks
from .judgment import (
    Breach,
    Counterexample,
    GuaranteeVerdict,
    Judgment,
    always,
    copies_left_out,
    counterexample_of,
    counterexample_of_shown,
    hole_of,
    premises_of,
)
from .plain_mail import plainest

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


#: Tells the counterexample that a message is, as plainly as it can be, and with its cause. That takes as long as finding
#: the message.
_Tell = Callable[[], Counterexample]


def _as_found(counterexample: Counterexample) -> Counterexample:
    """A counterexample that is told already."""
    return counterexample


@dataclass(frozen=True)
class _SearchResult:
    """A search for a message that certainly breaks a guarantee.

    :param counterexample: a message that does, which is yet to be told.
    :param leads: what to build more exactly, if a message did not replay.
    :param is_none: whether it is known that there is none; :param:`core`: literals of the question that contradict each
        other then.
    """

    counterexample: _Tell | None = None
    leads: Sequence[Key] = ()
    is_none: bool = False
    core: Sequence[Literal] = ()


def _same(assumptions: Sequence[Assumption], model: Model) -> list[Assumption]:
    """These assumptions in another model."""
    kinds = {assumption.kind for assumption in assumptions}
    return [assumption for assumption in model.mail.assumptions.for_claims if assumption.kind in kinds]


class _Prover:
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
        self._tells_premises = premises
        claims = claims_of([guarantee.selection for guarantee in guarantees], rules.dialect)
        options = [option_name(guarantee.template) for guarantee in guarantees if guarantee.template]
        self.first_model = Model(
            [rules], claims, facts, now, options, transit=any(guarantee.then == IN_TRANSIT for guarantee in guarantees)
        )
        self._cut = self.first_model.added(self.first_model.free).cut
        self._showings = list(showings(rules.rules, self.first_model.facts))
        #: The copies for the guarantee that is judged, by model and side.
        self._counted: dict[tuple[Model, bool], CountedCopies] = {}
        self._brought = {
            address
            for rule in sending_rules(rules, self.first_model.facts)
            for _option, address, _senders in brought_by(rule, self.first_model.facts)
        }

    def judge(self, place: int, where: str) -> Judgment:
        """What is known of one of the guarantees.

        :raises OptionError: no mail can meet what the guarantee is about.
        """
        self._counted.clear()
        answer = Judgment(self.guarantees[place], self.first_model.claims.rules[place])
        try:
            return self._judged(answer, place, where)
        except BudgetError:
            return replace(answer, unknown=(BUDGET,))
        except _NoMailError:
            if not self._cut:
                raise
            return replace(answer, unknown=(TOO_MANY_COPIES,))

    def refutation(self, place: int) -> Counterexample | None:
        """A message that refutes one of the guarantees; ``None`` if one search of all mail finds none.

        :raises BudgetError: the search takes more than its budget.
        """
        self._counted.clear()
        tell = self._among_all(self.first_model, place, self._assumed(place), usual=True).counterexample
        return tell() if tell else None

    def _judged(self, answer: Judgment, place: int, where: str) -> Judgment:
        """The judgment of a guarantee, by rounds. Each asks usual mail first, which meets the assumptions, and then all
        mail. A message that surely breaks the guarantee refutes it; it is proved if no mail may break it.

        Each other round changes one of three things, so there are finitely many:

        * *Assumptions*: those that contradict the guarantee itself are dropped. None of them comes back.
        * *Relations*: the attempt to write a message showed that some atoms exclude or imply each other. The model keeps
          what it learns; a round is repeated for that only for the first :data:`_LAWS` that it learns.
        * *Recipients*: other recipients of a copy are modeled as exactly as the last messages required. What is modeled
          stays modeled; it happens at most :data:`_ROUNDS` times, and not if nothing is left to model.
        """
        model = self.first_model
        most_laws = model.laws + _LAWS
        assumptions: Sequence[Assumption] = self._assumed(place)
        refinements = 0
        while refinements < _ROUNDS:
            laws = model.laws
            usual = self._among_usual(model, place, assumptions)
            if usual.counterexample:
                return self._refuted(answer, model, place, assumptions, usual.counterexample)
            if usual.is_none:
                learnt = model.laws
                consistent = self._consistent_assumptions(model, place, where, assumptions)
                if len(consistent) < len(assumptions) or learnt < model.laws < most_laws:
                    assumptions = consistent
                    continue
            every = self._among_all(model, place, assumptions, usual=not usual.is_none)
            if every.counterexample:
                return self._refuted(answer, model, place, assumptions, every.counterexample)
            if usual.is_none and every.is_none:
                needed = [assumption for assumption in assumptions if assumption.literal in usual.core]
                return self._proved(answer, model, place, needed)
            if laws < model.laws < most_laws:  # By now it may be proved, or contradict an assumption.
                continue
            leads = list(dict.fromkeys([*usual.leads, *every.leads])) or model.left_in_fields()
            if not leads:
                break
            refinements += 1
            model = model.refined(leads)
            most_laws = _LAWS
            assumptions = _same(assumptions, model)
        limits = [assumption.literal for assumption in assumptions if not (usual.is_none and assumption.of_mail)]
        return replace(answer, unknown=self._unknown(model, place, limits))

    def _proved(self, answer: Judgment, model: Model, place: int, assumptions: Sequence[Assumption]) -> Judgment:
        """The judgment where no mail may break the guarantee. It is no proof if rules make more copies than are
        followed, or if a test message contradicts what is computed: it rests on all rules, and on how mail passes them.

        :param assumptions: those that contradict mail which breaks it.
        """
        if self._cut:
            return replace(answer, unknown=(TOO_MANY_COPIES,))
        contradicted = self.first_model.facts.contradicted
        if contradicted:
            return replace(answer, unknown=tuple(map(contradicted_by, contradicted)))
        premises = self._premises(model, place, assumptions) if self._tells_premises else ()
        assumed = frozenset((assumption.id, assumption.kind) for assumption in assumptions)
        return replace(answer, verdict=GuaranteeVerdict.PROVED, premises=premises, assumed=assumed)

    def keeps(self, known: Mapping[int, frozenset[tuple[str, str]]]) -> bool:
        """Whether no mail breaks any of some guarantees, in one question for all of them; false if that is not known.

        :param known: by the place of a guarantee, assumptions that mail which it is about can meet: with these, no mail
            may break it.
        """
        if self._cut or self.first_model.facts.contradicted:
            return False
        model, circuit = self.first_model, self.first_model.circuit
        breaking = list[Literal]()
        for place, assumed in known.items():
            self._counted.clear()
            assumptions = [
                assumption for assumption in self._assumed(place) if (assumption.id, assumption.kind) in assumed
            ]
            usual = [assumption.literal for assumption in assumptions]
            of_all = [assumption.literal for assumption in assumptions if not assumption.of_mail]
            breaking.append(circuit.conjunction([self._broken(model, place), *usual]))
            breaking.append(circuit.conjunction([self._surely_broken(model, place), *of_all]))
        possible, _candidate = model.search([circuit.disjunction(breaking)], model.free, self.budget)
        return not possible

    def _among_usual(self, model: Model, place: int, assumptions: Sequence[Assumption]) -> _SearchResult:
        """Searches usual mail for a message that may break it, and replays that."""
        literals = [assumption.literal for assumption in assumptions]
        possible, candidate = self._search_not_held_back(model, [self._broken(model, place), *literals])
        if not possible:
            return _SearchResult(is_none=True, core=model.core)
        leads = model.to_refine(model.free)
        tell = self._replays(model, place, candidate) if candidate else None
        return _SearchResult(tell, leads)

    def _refuted(
        self, answer: Judgment, model: Model, place: int, assumptions: Sequence[Assumption], counterexample: _Tell
    ) -> Judgment:
        """The verdict that a message refutes a guarantee: by the plainest message that does, if the search finds one
        with half of what is left of the budget. Only that one is told.
        """
        try:
            with bounded(share=0.5):
                tell = self._plainest(model, place, assumptions)
                shown = tell() if tell else None
        except BudgetError:
            shown = None
        return replace(answer, verdict=GuaranteeVerdict.REFUTED, counterexample=shown or counterexample())

    def _plainest(self, model: Model, place: int, assumptions: Sequence[Assumption]) -> _Tell | None:
        """The plainest message that certainly breaks it."""
        circuit = model.circuit
        side = model.free
        claims = [circuit.conjunction(claim) for claim in self._claims(model, place, side, anyway=True)]
        wanted = [high(side.conditions.sees_requests)]
        wanted += [assumption.literal for assumption in assumptions if not assumption.of_mail]
        usual = [assumption.literal for assumption in assumptions if assumption.of_mail]
        preferred = [*usual, *plainest(model, side, claims[0])]
        for candidate in model.candidates([circuit.disjunction(claims)], wanted, side, self.budget, preferred):
            tell = self._replays(model, place, candidate) if candidate else None
            if tell:
                return tell
        return None

    def _among_all(self, model: Model, place: int, assumptions: Sequence[Assumption], *, usual: bool) -> _SearchResult:
        """Searches all mail for a message that certainly breaks it, so that no assumption about mail hides what is
        known.

        :param usual: whether mail that meets the assumptions may break it; then a message of that is searched for
            first, and one that a rule shows somebody.
        """
        search = self._of_copies(model, place, assumptions, usual=usual)
        if search.counterexample or not usual:
            return search
        return replace(
            search,
            counterexample=self._shown_for_sure(model, place, [assumption.literal for assumption in assumptions]),
        )

    def _of_copies(self, model: Model, place: int, assumptions: Sequence[Assumption], *, usual: bool) -> _SearchResult:
        """Searches all mail for a copy that certainly breaks it."""
        every = [assumption.literal for assumption in assumptions]
        of_all = [assumption.literal for assumption in assumptions if not assumption.of_mail]
        claims = self._claims(model, place, model.free, anyway=True)
        wanted = [self._surely_broken(model, place), *of_all]
        if not model.solve(wanted, self.budget):
            return _SearchResult(is_none=True)
        wanted = self._as_usual_as_can_be(model, wanted, every, all_at_once=usual)
        _possible, candidate = self._search_not_held_back(model, wanted)
        leads = model.to_refine(model.free)
        tell = self._replays(model, place, candidate) if candidate else None
        if tell:
            return _SearchResult(tell)
        ruled_out = all(model.rules_out(claim, of_all, self.budget) for claim in claims)
        if ruled_out and not (
            model.free.company.watched or model.free.outcomes[0].copies.every
        ):  # Of who shares a copy, the simulator knows more.
            return _SearchResult(None, leads, is_none=True)
        for literals in (every, of_all)[0 if usual else 1 :]:
            tell, more = self._counterexample(model, place, literals)
            if tell:
                return _SearchResult(tell)
            leads += more
        return _SearchResult(None, leads, ruled_out)

    def _as_usual_as_can_be(
        self, model: Model, wanted: Sequence[Literal], assumptions: Sequence[Literal], *, all_at_once: bool
    ) -> list[Literal]:
        """What is wanted of a message, with as many assumptions as it can meet.

        :param all_at_once: whether all of them are tried together first.
        """
        met = list(wanted)
        if all_at_once and model.solve([*met, *assumptions], self.budget):
            return [*met, *assumptions]
        for assumption in assumptions:
            if assumption not in met and model.solve([*met, assumption], self.budget):
                met.append(assumption)
        return met

    def _search_not_held_back(self, model: Model, literals: Sequence[Literal]) -> tuple[bool, CandidateMessage | None]:
        """Whether a message may be like this, and one: not one in quarantine if it need not be, since it is unknown
        whether that stays protected.
        """
        held_back = [high(outcome.fate.released) for outcome in model.free.outcomes]
        if any(literal != FALSE for literal in held_back):
            possible, candidate = model.search(
                [*literals, *(~literal for literal in held_back)], model.free, self.budget
            )
            if possible:
                return possible, candidate
        return model.search(literals, model.free, self.budget)

    def _claims(self, model: Model, place: int, side: Side, *, anyway: bool = False) -> list[tuple[Literal, Literal]]:
        """Two literals, true if a copy counts for the guarantee and if it breaks it, for the recipient's copy and for
        those of people whom rules add: possibly on the free side, certainly on the open one.

        :param anyway: whether it is broken whatever happens to a copy that rules want to protect, where that is open.
        """
        known = high if side.logic.free else low
        copies = self._copies(model, place, side)
        claims = [copies.broken(copy, breaks_anyway if anyway else breaks) for copy in copies.every]
        return [(known(counts), known(broken)) for counts, broken in claims]

    def _copies(self, model: Model, place: int, side: Side) -> CountedCopies:
        """The copies that a guarantee may be about."""
        counted_copies = self._counted.get((model, side.logic.free))
        if counted_copies is None:
            counted_copies = CountedCopies(model, side, self.guarantees[place], model.claims.rules[place], place)
            self._counted[model, side.logic.free] = counted_copies
        return counted_copies

    def _broken(self, model: Model, place: int, *, shown: bool = True) -> Literal:
        """The literal that is true if the guarantee may be broken for one of the copies that it applies to.

        :param shown: whether also by what rules show others.
        """
        circuit = model.circuit
        broken = [circuit.conjunction(claim) for claim in self._claims(model, place, model.free)]
        return circuit.disjunction([*broken, *(self._shown(model, place) if shown else ())])

    def _surely_broken(self, model: Model, place: int) -> Literal:
        """The literal that is true if the guarantee may be broken for one of the copies whatever happens to a copy that
        rules want to protect, where that is open, and rules see requests for approval.
        """
        claims = self._claims(model, place, model.free, anyway=True)
        broken = model.circuit.disjunction([model.circuit.conjunction(claim) for claim in claims])
        return broken & high(model.free.conditions.sees_requests)

    def _shown(self, model: Model, place: int) -> list[Literal]:
        """For each person to whom rules show mail, a literal that is true if they may see in clear what counts."""
        return [high(self._seen(model, place, model.free, showing)) for showing in self._showings]

    def _seen(self, model: Model, place: int, side: Side, showing: Showing) -> Value:
        """Whether somebody to whom a rule shows mail sees in clear what counts."""
        return self._copies(model, place, side).seen(showing)

    def _shown_for_sure(self, model: Model, place: int, literals: Sequence[Literal]) -> _Tell | None:
        """A message that a rule certainly shows somebody in clear."""
        for showing in self._showings:
            claim = [low(self._seen(model, place, model.open, showing))]
            for candidate in model.candidates(claim, literals, model.open, self.budget) if claim != [FALSE] else ():
                shown = self._shows(model, place, candidate, showing) if candidate else None
                if shown:
                    return partial(_as_found, shown)
        return None

    def _shows(self, model: Model, place: int, candidate: CandidateMessage, showing: Showing) -> Counterexample | None:
        breach = Breach(self.guarantees[place], model.rule_sets[0], model.claims, model.claims.rules[place])
        every = (
            counterexample_of_shown(breach, candidate, course, showing) for course in self._courses(model, candidate)
        )
        return next((counterexample for counterexample in every if counterexample), None)

    def _assumed(self, place: int) -> list[Assumption]:
        """The assumptions at first. A guarantee about documents does not assume that there are none."""
        documents = any(may_mean_pdf(atom) for atom in self.first_model.claims.rules[place].criteria.conditions)
        return [
            assumption
            for assumption in self.first_model.mail.assumptions.for_claims
            if assumption.id != questions.PDF or not documents
        ]

    def _consistent_assumptions(
        self, model: Model, place: int, where: str, assumptions: Sequence[Assumption]
    ) -> Sequence[Assumption]:
        """The assumptions that do not contradict the guarantee itself. The attempt to write a message that it is about
        may show that there is none.

        :raises OptionError: the guarantee applies to no message.
        """
        about = self._applies(model, place)
        while not model.search([about, *(assumption.literal for assumption in assumptions)], model.free, self.budget)[
            0
        ]:
            core = set(model.core)
            consistent = [assumption for assumption in assumptions if assumption.literal not in core]
            if len(consistent) == len(assumptions):
                name = self.guarantees[place].name
                raise _NoMailError(
                    f"{where}: no message can meet when and unless of the guarantee {name!r}, so it has no effect.",
                    remedy="Change when or unless.",
                )
            assumptions = consistent
        return assumptions

    def _applies(self, model: Model, place: int) -> Literal:
        """The literal that is true if the guarantee applies to some copy."""
        claims = model.circuit.disjunction([literal for literal, _breaks in self._claims(model, place, model.free)])
        about = WISHES[self.guarantees[place].then].about
        of_it = high(PROPERTIES[about].formula(model.free.outcomes[0], self.guarantees[place])) if about else TRUE
        return claims & of_it

    def _premises(self, model: Model, place: int, assumptions: Sequence[Assumption]) -> tuple[Premise, ...]:
        """What the proof of a guarantee rests on.

        :param assumptions: those with which it is proved.
        """
        used = self._used(model, place, assumptions)
        made = self._left_out(place, used)
        made += [
            Premise(assumption.id, assumption.kind) for assumption in sorted(used, key=lambda assumption: assumption.id)
        ]
        read = premises_of(self.first_model, place, self.guarantees[place], self.budget)
        made += [premise for premise in read if premise not in made]
        return (*made, *always(self.first_model.facts))

    def _used(self, model: Model, place: int, assumptions: Sequence[Assumption]) -> list[Assumption]:
        """The assumptions that a proof needs, from those with which it succeeds."""
        claim = [self._broken(model, place)]
        used = list(assumptions)
        for assumption in assumptions:
            without = [other for other in used if other is not assumption]
            if self._says_no(model, [*claim, *(other.literal for other in without)]):
                used = without
        return used

    def _left_out(self, place: int, used: Sequence[Assumption]) -> list[Premise]:
        """The copies that a proof with these assumptions does not cover."""
        kinds = {(assumption.id, assumption.kind) for assumption in used}
        literals = [
            assumption.literal
            for assumption in self.first_model.mail.assumptions.for_claims
            if (assumption.id, assumption.kind) in kinds
        ]
        return copies_left_out(self.first_model, place, self.guarantees[place], literals, self.budget)

    def _says_no(self, model: Model, literals: Sequence[Literal]) -> bool:
        """Whether it is known that these cannot be true together."""
        return model.circuit.solve(literals, self.budget) is False

    def _counterexample(self, model: Model, place: int, literals: Sequence[Literal]) -> tuple[_Tell | None, list[Key]]:
        """A message that certainly breaks it, and what to build more exactly if a message did not replay."""
        to_refine: list[Key] = []
        outcomes = [model.open.outcomes[0], *(copy.outcome for copy in model.added(model.open).copies)]
        of_open = self._claims(model, place, model.open)
        of_free = self._claims(model, place, model.free)
        # Of a message for the recipient alone the most is known.
        alone = dict.fromkeys((tuple(model.open.company.nobody), ()))
        # The sides need not have the same copies: a copy that cannot be on the free side may be possible on the open
        # one.
        questions = [
            *(
                (model.open, claim, more)
                for claim, copy in zip(of_open, outcomes, strict=True)
                for more in (*([copy.known, *key] for key in alone), [])
            ),
            *((model.free, claim, []) for claim in of_free),
        ]
        for written, (side, claim, more) in itertools.product(model.mail.addressing.ways_to_write, questions):
            for candidate in model.candidates(claim, [*more, *literals, *written], side, self.budget):
                tell = self._replays(model, place, candidate) if candidate else None
                if tell:
                    return tell, []
                to_refine += model.to_refine(side)
        return None, to_refine

    def _replays(self, model: Model, place: int, candidate: CandidateMessage) -> _Tell | None:
        guarantee = self.guarantees[place]
        rule = model.claims.rules[place]
        message = candidate.message
        facts = candidate.facts[0]
        for course in self._courses(model, candidate):
            counts, wanted = counted(model.claims, rule, guarantee, message, facts, course)
            if counts is not True or not surely_breaks(course, wanted, message, facts):
                continue
            outcome = result(course, model.rule_sets[0], message, facts)
            if outcome is not None:
                breach = Breach(guarantee, model.rule_sets[0], model.claims, rule)
                return partial(self._detailed_counterexample, breach, candidate, course, outcome)
        return None

    def _detailed_counterexample(
        self, breach: Breach, candidate: CandidateMessage, course: Course, outcome: CopyResult
    ) -> Counterexample:
        counterexample = counterexample_of(breach, candidate, course, outcome)
        guarantee = breach.guarantee
        facts = candidate.facts[0]
        if guarantee.then == PORTAL and not any(world.brands for world in course.worlds):
            return replace(
                counterexample, unbranded=outcome.protection not in ("", ProtectionKind.NONE, ProtectionKind.UNKNOWN)
            )
        if guarantee.expires_within_days:
            return replace(counterexample, expiry=facts.encryption.expiry(outcome.branding))
        if guarantee.then != IN_TRANSIT:
            return counterexample
        return replace(
            counterexample, hole=hole_of(course.worlds[0], facts, course.recipient.address, guarantee.tls_validation)
        )

    def _unknown(self, model: Model, place: int, literals: Sequence[Literal]) -> tuple[Reason, ...]:
        """What is unknown about a message that may break it."""
        guarantee = self.guarantees[place]
        shown = zip(self._showings, self._shown(model, place), strict=False)
        reasons = [showing.reason for showing, sees in shown if model.solve([sees, *literals], self.budget)]
        if reasons and not model.solve([self._broken(model, place, shown=False), *literals], self.budget):
            return tuple(dict.fromkeys(reasons))
        _possible, candidate = model.find([self._broken(model, place), *literals], model.free, self.budget)
        if candidate is not None:
            for course in self._courses(model, candidate):
                message = candidate.message
                facts = candidate.facts[0]
                counts, wanted = counted(model.claims, model.claims.rules[place], guarantee, message, facts, course)
                if counts is not False:
                    reasons += counts.reasons if isinstance(counts, Open) else ()
                    reasons += reasons_for(course, wanted, message, facts)
        return tuple(dict.fromkeys(reasons or self._nameless())) or (NOT_FOUND,)

    def _nameless(self) -> list[Reason]:
        """The reason that it is not known to whom some rules bring a message; none if it is."""
        facts = self.first_model.facts
        rules = [
            rule.name
            for rule in self.first_model.rule_sets[0].rules
            if not rule.idle and rule.actions.options.get(MANAGER) and facts.people.managers is None
        ]
        return [Reason(questions.A_FACT, "nameless", (tuple(rules),))] if rules else []

    def _courses(self, model: Model, candidate: CandidateMessage) -> list[Course]:
        """What happens to the recipient's copies, and to those of everybody whom rules are known to send one. People
        whom a message invents do not count.
        """
        courses = courses_of(model.rule_sets[0], candidate.message, candidate.facts[0])
        own = [course for course in courses if course.recipient.address == candidate.letter.recipient]
        return [
            *own,
            *(course for course in courses if course not in own and course.recipient.address in self._brought),
        ]
