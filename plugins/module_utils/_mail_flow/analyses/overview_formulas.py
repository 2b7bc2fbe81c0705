# SPDX-License-Identifier: GPL-3.0-or-later
"""The formulas of an overview: which mail is of a kind, where its copies go, and whether they are protected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from ..formula import TRUE, Literal, Value, high
from ..rules.dlp_rules import DlpRule
from ..symbolic.address import AddressSlot
from ..symbolic.compile_outcomes import Outcome
from ..symbolic.copy_properties import breaks
from ..symbolic.encoding import Model
from .overview_kinds import KINDS, PROTECTED


class OverviewFormulas:
    """The literals of the cells of an overview in one model.

    :param domains: the destinations that are domains.
    :param undecided: the DLP rules of which it is open on which mail they act.
    """

    def __init__(self, model: Model, domains: Sequence[str], undecided: Sequence[DlpRule]) -> None:
        self._model = model
        self._domains = domains
        self._undecided = undecided

    def side(self, name: str, *, keeps: bool) -> Literal:
        """The literal that is true if a copy to a destination may be delivered protected, or not protected."""
        literals = list[Literal]()
        for when, outcome in self.copies:
            broken = breaks(outcome, PROTECTED)
            ends = outcome.fate.delivered & ~broken if keeps else broken
            literals.append(high(when & self.at(name, outcome.chain.person) & ends))
        return self._model.circuit.disjunction(literals)

    def at(self, name: str, person: AddressSlot) -> Value:
        """The value that is true if somebody is at a destination, and mail to them leaves."""
        side = self._model.free
        if name in self._domains:
            there = person["below", name]
        else:
            there = ~side.logic.circuit.disjunction([person["below", domain] for domain in self._domains])
        return there & side.conditions.scopes.leaves(person)

    @cached_property
    def copies(self) -> list[tuple[Value, Outcome]]:
        """The recipient's copy, and those of people whom rules add, each with the value that is true if it exists."""
        side = self._model.free
        return [(TRUE, side.outcomes[0]), *((copy.when, copy.outcome) for copy in self._model.added(side).copies)]

    @cached_property
    def of_kind(self) -> dict[str, list[Literal]]:
        """By kind, the literals that are true together of its mail: from inside, in clear as it arrives, and otherwise usual."""
        side = self._model.free
        mail = self._model.mail
        sender = high(side.conditions.scopes.sender("InOrganization", mail.sender))
        common = [sender, *(~literal for literal in mail.arrival.values())]
        usual = {
            kind.name: [
                assumption.literal for assumption in mail.assumptions.for_claims if assumption.id not in kind.unusual
            ]
            for kind in KINDS
        }
        return {
            kind.name: [*common, *usual[kind.name], *([kind.literal(mail)] if kind.literal else [])] for kind in KINDS
        }

    @cached_property
    def acting_dlp(self) -> dict[int, Literal]:
        """By the ``id`` of what an undecided DLP rule does, the literal that is true if it may act on one of the copies."""
        return {
            id(rule.does): self._model.circuit.disjunction(
                high(when & outcome.after.dlp.acts(rule)) for when, outcome in self.copies
            )
            for rule in self._undecided
        }

    def there(self, name: str) -> Literal:
        """The literal that is true if a copy goes to a destination."""
        there = [when & self.at(name, copy.chain.person) for when, copy in self.copies]
        return high(self._model.free.logic.any_of(there))
