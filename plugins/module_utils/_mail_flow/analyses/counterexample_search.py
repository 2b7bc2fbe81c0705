# SPDX-License-Identifier: GPL-3.0-or-later
"""The search in one model for a message that breaks a guarantee."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..._resources.rules.action_effects import Does
from ..conditions.keys import Key
from ..formula import FALSE, Literal, high, low
from ..model.kleene import Reason
from ..symbolic.compile_outcomes import may_act_on_reports
from ..symbolic.message_assumptions import Assumption
from ..symbolic.message_search import CandidateMessage
from .guarantee_formulas import GuaranteeFormulas
from .guarantee_replay import CounterexampleBuilder, GuaranteeReplay
from .plain_mail import plainest


@dataclass(frozen=True)
class SearchResult:
    """The result of a search for a message that certainly breaks a guarantee.

    :param counterexample: builds the counterexample, if there is one.
    :param leads: the atoms to model more exactly, if a message did not break the guarantee in the simulator.
    :param is_none: whether it is known that there is no such message; :param:`core`: literals of the question that then
        contradict each other.
    """

    counterexample: CounterexampleBuilder | None = None
    leads: Sequence[Key] = ()
    is_none: bool = False
    core: Sequence[Literal] = ()


@dataclass(frozen=True)
class CounterexampleSearch:
    """Searches a model for messages that break a guarantee. A message that the solver finds is a counterexample only if it
    certainly breaks the guarantee in the simulator, too.

    :param formulas: which mail breaks the guarantee in this model.
    :param replay: what the simulator makes of a message.
    :param budget: the maximum number of conflicts for each question.

    Each method raises :class:`BudgetError` if a question takes too many conflicts.
    """

    formulas: GuaranteeFormulas
    replay: GuaranteeReplay
    budget: int

    def among_usual(self, assumptions: Sequence[Assumption]) -> SearchResult:
        """Searches usual mail for a message that may break the guarantee, and replays it."""
        model = self.formulas.model
        literals = [assumption.literal for assumption in assumptions]
        possible, candidate = self._search_not_held_back([self.formulas.broken(), *literals])
        if not possible:
            return SearchResult(is_none=True, core=model.circuit.core)
        leads = model.atoms_to_refine(model.free)
        return SearchResult(self._counterexample(candidate), leads)

    def among_all(self, assumptions: Sequence[Assumption], *, usual: bool) -> SearchResult:
        """Searches all mail for a message that certainly breaks the guarantee, so that no assumption about mail hides what is
        known.

        :param usual: whether mail that meets the assumptions may break it; then such mail is searched first, and last a
            message that a rule shows somebody.
        """
        search = self._among_copies(assumptions, usual=usual)
        if search.counterexample or not usual:
            return search
        shown = self._surely_disclosed([assumption.literal for assumption in assumptions])
        return replace(search, counterexample=shown)

    def plainest(self, assumptions: Sequence[Assumption]) -> CounterexampleBuilder | None:
        """The plainest message that certainly breaks the guarantee; ``None`` if none is found."""
        model = self.formulas.model
        side = model.free
        claims = [model.circuit.conjunction(claim) for claim in self.formulas.claims(side, anyway=True)]
        wanted = [high(side.conditions.sees_requests)]
        wanted += [assumption.literal for assumption in assumptions if not assumption.of_mail]
        usual = [assumption.literal for assumption in assumptions if assumption.of_mail]
        preferred = [*usual, *plainest(model, side, claims[0])]
        broken = model.circuit.disjunction(claims)
        for candidate in model.messages.candidates([broken], wanted, side, self.budget, preferred):
            build = self._counterexample(candidate)
            if build:
                return build
        return None

    def open_reasons(self, literals: Sequence[Literal]) -> list[Reason]:
        """What is open about the plainest message that may break the guarantee and of which something is open; empty if none is found.

        :param literals: what a message satisfies.
        """
        model = self.formulas.model
        broken = self.formulas.broken()
        preferred = plainest(model, model.free, broken)
        for candidate in model.messages.candidates([broken], literals, model.free, self.budget, preferred):
            reasons = self.replay.reasons(candidate) if candidate else []
            if reasons:
                return reasons
        return []

    def _among_copies(self, assumptions: Sequence[Assumption], *, usual: bool) -> SearchResult:
        """Searches all mail for a copy that certainly breaks the guarantee."""
        model = self.formulas.model
        every = [assumption.literal for assumption in assumptions]
        about_facts = [assumption.literal for assumption in assumptions if not assumption.of_mail]
        claims = self.formulas.claims(model.free, anyway=True)
        wanted = self._as_usual_as_can_be([self.formulas.surely_broken, *about_facts], every, all_at_once=usual)
        if wanted is None:
            return SearchResult(is_none=True)
        possible, candidate = self._search_not_held_back(wanted)
        # What attempts to write a message teach may rule all of them out.
        leads = model.atoms_to_refine(model.free) if possible else []
        build = self._counterexample(candidate)
        if build:
            return SearchResult(build)
        ruled_out = all(model.messages.rules_out(claim, about_facts, model.free, self.budget) for claim in claims)
        # The simulator knows more about who shares a copy.
        if ruled_out and not model.free.other_recipients.watched:
            return SearchResult(None, leads, is_none=True)
        for literals in (every, about_facts) if usual else (about_facts,):
            build, more = self._copy_by_copy(literals)
            if build:
                return SearchResult(build)
            leads += more
        return SearchResult(None, leads, ruled_out)

    def _copy_by_copy(self, literals: Sequence[Literal]) -> tuple[CounterexampleBuilder | None, list[Key]]:
        """A message with a certain copy that certainly breaks the guarantee, and otherwise the atoms to model more exactly.
        Each copy is a question of its own, on both sides, and so is each way to write its people.
        """
        model = self.formulas.model
        to_refine: list[Key] = []
        outcomes = [model.open.outcomes[0], *(copy.outcome for copy in model.added(model.open).copies)]
        open_claims = self.formulas.claims(model.open)
        free_claims = self.formulas.claims(model.free)
        # Most is known about a message for the recipient alone.
        alone = dict.fromkeys((tuple(model.open.other_recipients.nobody), ()))
        # The sides need not have the same copies: a copy that cannot be on the free side may be possible on the open
        # one.
        asked = [
            *(
                (model.open, claim, more)
                for claim, copy in zip(open_claims, outcomes, strict=True)
                for more in (*([copy.known, *key] for key in alone), [])
            ),
            *((model.free, claim, []) for claim in free_claims),
        ]
        for written, (side, claim, more) in itertools.product(model.mail.addressing.ways_to_write, asked):
            for candidate in model.messages.candidates(claim, [*more, *literals, *written], side, self.budget):
                build = self._counterexample(candidate)
                if build:
                    return build, []
                to_refine += model.atoms_to_refine(side)
        return None, to_refine

    def _surely_disclosed(self, literals: Sequence[Literal]) -> CounterexampleBuilder | None:
        """A message that a rule certainly shows somebody in clear. Where a rule may encrypt what is shown, none is certain."""
        model = self.formulas.model
        if may_act_on_reports(model.rule_sets[0], Does.ENCRYPT):
            return None
        for disclosure in self.formulas.disclosures:
            seen = low(self.formulas.breaking_disclosure(model.open, disclosure))
            if seen == FALSE:
                continue
            for candidate in model.messages.candidates([seen], literals, model.open, self.budget):
                shown = self.replay.discloses(candidate, disclosure) if candidate else None
                if shown:
                    return shown
        return None

    def _as_usual_as_can_be(
        self, wanted: Sequence[Literal], assumptions: Sequence[Literal], *, all_at_once: bool
    ) -> list[Literal] | None:
        """Wanted literals, with as many assumptions as a message can meet besides; ``None`` if no message meets the former.

        :param all_at_once: whether all of them are tried together first.
        """
        model = self.formulas.model
        if all_at_once and model.solve([*wanted, *assumptions], self.budget):
            return [*wanted, *assumptions]
        if not model.solve(wanted, self.budget):
            return None
        met = list(wanted)
        for assumption in assumptions:
            if assumption not in met and model.solve([*met, assumption], self.budget):
                met.append(assumption)
        return met

    def _search_not_held_back(self, literals: Sequence[Literal]) -> tuple[bool, CandidateMessage | None]:
        """Whether a message may be like this, and one: not one in quarantine if it need not be, since it is unknown
        whether that stays protected.
        """
        model = self.formulas.model
        held_back = [high(outcome.fate.released) for outcome in model.free.outcomes]
        if any(literal != FALSE for literal in held_back):
            not_held_back = [~literal for literal in held_back]
            possible, candidate = model.messages.search([*literals, *not_held_back], model.free, self.budget)
            if possible:
                return possible, candidate
        return model.messages.search(literals, model.free, self.budget)

    def _counterexample(self, candidate: CandidateMessage | None) -> CounterexampleBuilder | None:
        """Builds the counterexample that a message is; ``None`` if there is no message, or it certainly breaks nothing."""
        return self.replay.breaks(candidate) if candidate else None
