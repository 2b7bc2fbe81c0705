# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mail breaks a guarantee, as literals of one model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from ..conditions.keys import Key
from ..formula import TRUE, Literal, Value, high, low
from ..input.guarantee_options import Guarantee
from ..model import questions
from ..model.wishes import WISHES
from ..simulator.disclosures import Disclosure
from ..symbolic.copy_properties import PROPERTIES, breaks, breaks_anyway
from ..symbolic.counted_copies import CountedCopies
from ..symbolic.encoding import Model
from ..symbolic.message_assumptions import Assumption, may_mean_pdf
from ..symbolic.side import Side


class GuaranteeFormulas:
    """Which mail a guarantee is about, and which breaks it, as literals of one model: possibly on the free side, certainly on
    the open one. Each formula is built on first use.

    :param place: the guarantee's place among the claims of the model.
    :param disclosures: the people to whom rules show mail.
    """

    def __init__(self, model: Model, guarantee: Guarantee, place: int, disclosures: Sequence[Disclosure]) -> None:
        self.model = model
        self.guarantee = guarantee
        self.place = place
        self.disclosures = disclosures
        self._copies: dict[bool, CountedCopies] = {}
        #: By whether the side is free, and whether the claims are about what is broken anyway.
        self._claims: dict[tuple[bool, bool], list[tuple[Literal, Literal]]] = {}

    def refined(self, keys: Iterable[Key]) -> GuaranteeFormulas:
        """The formulas of the guarantee in a model that also has recipients for these keys."""
        return GuaranteeFormulas(self.model.refined(keys), self.guarantee, self.place, self.disclosures)

    @property
    def first_assumptions(self) -> list[Assumption]:
        """The assumptions about mail of the first questions. A guarantee about documents does not assume that there are none."""
        conditions = self.model.claims.rules[self.place].criteria.conditions
        about_documents = any(may_mean_pdf(atom) for atom in conditions)
        return [
            assumption
            for assumption in self.model.mail.assumptions.for_claims
            if assumption.id != questions.PDF or not about_documents
        ]

    @cached_property
    def applies(self) -> Literal:
        """The literal that is true if the guarantee applies to some copy."""
        claims = self.model.circuit.disjunction([counts for counts, _broken in self.claims(self.model.free)])
        about = WISHES[self.guarantee.then].about
        matters = high(PROPERTIES[about].formula(self.model.free.outcomes[0], self.guarantee)) if about else TRUE
        return claims & matters

    def claims(self, side: Side, *, anyway: bool = False) -> list[tuple[Literal, Literal]]:
        """For the recipient's copy, and each copy of people whom rules add, two literals: one is true if the copy counts for the
        guarantee, one if it breaks it; possibly on the free side, certainly on the open one.

        :param anyway: whether a copy breaks it only if it does so whatever happens to copies that rules want to protect, where
            that is open.
        """
        claims = self._claims.get((side.logic.free, anyway))
        if claims is None:
            known = high if side.logic.free else low
            copies = self._counted_copies(side)
            broken = [copies.broken(copy, breaks_anyway if anyway else breaks) for copy in copies.every]
            claims = self._claims[side.logic.free, anyway] = [
                (known(counts), known(breaks_it)) for counts, breaks_it in broken
            ]
        return claims

    def broken(self, *, shown: bool = True) -> Literal:
        """The literal that is true if one of the copies may break the guarantee.

        :param shown: whether what rules show others may break it, too.
        """
        circuit = self.model.circuit
        broken = [circuit.conjunction(claim) for claim in self.claims(self.model.free)]
        return circuit.disjunction([*broken, *(self.breaking_disclosures if shown else ())])

    @cached_property
    def surely_broken(self) -> Literal:
        """The literal that is true if one of the copies may break the guarantee whatever happens to copies that rules want to
        protect, where that is open, and if rules see requests for approval.
        """
        claims = self.claims(self.model.free, anyway=True)
        broken = self.model.circuit.disjunction([self.model.circuit.conjunction(claim) for claim in claims])
        return broken & high(self.model.free.conditions.sees_requests)

    @cached_property
    def breaking_disclosures(self) -> list[Literal]:
        """For each person to whom rules show mail, a literal that is true if they may see in clear what counts."""
        return [high(self.breaking_disclosure(self.model.free, disclosure)) for disclosure in self.disclosures]

    def breaking_disclosure(self, side: Side, disclosure: Disclosure) -> Value:
        """Whether somebody to whom a rule shows mail sees in clear what counts."""
        return self._counted_copies(side).breaking_disclosure(disclosure)

    def _counted_copies(self, side: Side) -> CountedCopies:
        """The copies that the guarantee may be about."""
        copies = self._copies.get(side.logic.free)
        if copies is None:
            copies = CountedCopies(self.model, side, self.guarantee, self.model.claims.rules[self.place], self.place)
            self._copies[side.logic.free] = copies
        return copies
