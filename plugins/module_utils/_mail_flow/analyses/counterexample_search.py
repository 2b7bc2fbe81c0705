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
from .guarantee_replay import GuaranteeReplay, Tell
from .plain_mail import plainest


@dataclass(frozen=True)
class SearchResult:
    """A search for a message that certainly breaks a guarantee.

    :param counterexample: a message that does, which is yet to be told.
    :param leads: what to build more exactly, if a message did not replay.
    :param is_none: whether it is known that there is none; :param:`core`: literals of the question that contradict each
        other then.
    """

    counterexample: Tell | None = None
    leads: Sequence[Key] = ()
    is_none: bool = False
    core: Sequence[Literal] = ()


@dataclass(frozen=True)
class CounterexampleSearch:
    """Searches a model for messages that break a guarantee. The solver finds one, and only one that certainly breaks the
    guarantee in the simulator, too, is a counterexample.

    :param formulas: which mail breaks the guarantee in this model.
    :param replay: what the simulator makes of a message.
    :param budget: the maximum number of conflicts for each question.
    :raises BudgetError: by each method: a question took too many conflicts.
    """

    formulas: GuaranteeFormulas
    replay: GuaranteeReplay
    budget: int

    def among_usual(self, assumptions: Sequence[Assumption]) -> SearchResult:
        """Searches usual mail for a message that may break it, and replays that."""
        model = self.formulas.model
        literals = [assumption.literal for assumption in assumptions]
        possible, candidate = self._search_not_held_back([self.formulas.broken(), *literals])
        if not possible:
            return SearchResult(is_none=True, core=model.circuit.core)
        leads = model.to_refine(model.free)
        return SearchResult(self._counterexample(candidate), leads)

    def among_all(self, assumptions: Sequence[Assumption], *, usual: bool) -> SearchResult:
        """Searches all mail for a message that certainly breaks it, so that no assumption about mail hides what is
        known.

        :param usual: whether mail that meets the assumptions may break it; then a message of that is searched for
            first, and one that a rule shows somebody.
        """
        search = self._of_copies(assumptions, usual=usual)
        if search.counterexample or not usual:
            return search
        shown = self._surely_disclosed([assumption.literal for assumption in assumptions])
        return replace(search, counterexample=shown)

    def plainest(self, assumptions: Sequence[Assumption]) -> Tell | None:
        """The plainest message that certainly breaks it."""
        model = self.formulas.model
        side = model.free
        claims = [model.circuit.conjunction(claim) for claim in self.formulas.claims(side, anyway=True)]
        wanted = [high(side.conditions.sees_requests)]
        wanted += [assumption.literal for assumption in assumptions if not assumption.of_mail]
        usual = [assumption.literal for assumption in assumptions if assumption.of_mail]
        preferred = [*usual, *plainest(model, side, claims[0])]
        broken = model.circuit.disjunction(claims)
        for candidate in model.messages.candidates([broken], wanted, side, self.budget, preferred):
            tell = self._counterexample(candidate)
            if tell:
                return tell
        return None

    def open_of_plain_mail(self, literals: Sequence[Literal]) -> list[Reason]:
        """What is open about mail that may break it, of the plainest message of which anything is.

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

    def _of_copies(self, assumptions: Sequence[Assumption], *, usual: bool) -> SearchResult:
        """Searches all mail for a copy that certainly breaks it."""
        model = self.formulas.model
        every = [assumption.literal for assumption in assumptions]
        of_all = [assumption.literal for assumption in assumptions if not assumption.of_mail]
        claims = self.formulas.claims(model.free, anyway=True)
        wanted = self._as_usual_as_can_be([self.formulas.surely_broken, *of_all], every, all_at_once=usual)
        if wanted is None:
            return SearchResult(is_none=True)
        possible, candidate = self._search_not_held_back(wanted)
        # What attempts to write a message teach may rule all of them out.
        leads = model.to_refine(model.free) if possible else []
        tell = self._counterexample(candidate)
        if tell:
            return SearchResult(tell)
        ruled_out = all(model.messages.rules_out(claim, of_all, model.free, self.budget) for claim in claims)
        # Of who shares a copy, the simulator knows more.
        if ruled_out and not (model.free.company.watched or model.free.outcomes[0].copies.every):
            return SearchResult(None, leads, is_none=True)
        for literals in (every, of_all) if usual else (of_all,):
            tell, more = self._copy_by_copy(literals)
            if tell:
                return SearchResult(tell)
            leads += more
        return SearchResult(None, leads, ruled_out)

    def _copy_by_copy(self, literals: Sequence[Literal]) -> tuple[Tell | None, list[Key]]:
        """A message of which a certain copy certainly breaks it, and what to build more exactly if a message did not
        replay. Each copy is a question of its own, on both sides, and so is each way to write its people.
        """
        model = self.formulas.model
        to_refine: list[Key] = []
        outcomes = [model.open.outcomes[0], *(copy.outcome for copy in model.added(model.open).copies)]
        of_open = self.formulas.claims(model.open)
        of_free = self.formulas.claims(model.free)
        # Of a message for the recipient alone the most is known.
        alone = dict.fromkeys((tuple(model.open.company.nobody), ()))
        # The sides need not have the same copies: a copy that cannot be on the free side may be possible on the open
        # one.
        asked = [
            *(
                (model.open, claim, more)
                for claim, copy in zip(of_open, outcomes, strict=True)
                for more in (*([copy.known, *key] for key in alone), [])
            ),
            *((model.free, claim, []) for claim in of_free),
        ]
        for written, (side, claim, more) in itertools.product(model.mail.addressing.ways_to_write, asked):
            for candidate in model.messages.candidates(claim, [*more, *literals, *written], side, self.budget):
                tell = self._counterexample(candidate)
                if tell:
                    return tell, []
                to_refine += model.to_refine(side)
        return None, to_refine

    def _surely_disclosed(self, literals: Sequence[Literal]) -> Tell | None:
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
        """What is wanted of a message, with as many assumptions as it can meet; ``None`` if no message is like that.

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

    def _counterexample(self, candidate: CandidateMessage | None) -> Tell | None:
        """Makes the counterexample that a message is, if one was written and it is one."""
        return self.replay.breaks(candidate) if candidate else None
