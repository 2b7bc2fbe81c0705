# SPDX-License-Identifier: GPL-3.0-or-later
"""Who outside can read what in clear: kinds of mail by destinations, each cell decided for all of its mail.

Mail counts as protected if it is encrypted, leaves only by forced TLS, or is not delivered.
A destination is where a copy goes: to the recipient, or to somebody to whom rules add or redirect it. A plain message shows one
side of a cell in the simulator; the prover says whether there is mail on the other.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from ..._resources.rules.unmatchable_values import never_matching
from ..actions.brought_people import brought_by
from ..budget import BudgetError, bounded
from ..formula import FALSE, Literal, high
from ..input.parsing import facts_of
from ..model.addresses import domain, is_address
from ..model.connectors import named_domains
from ..model.domains import INSIDE
from ..model.encrypters import Encrypter
from ..model.facts import Facts
from ..model.kleene import Reason
from ..rules.dlp_rules import sending_rules
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import BUDGET, NOT_FOUND, TOO_MANY_COPIES, contradicted_by
from ..simulator.disclosures import disclosures_outside
from ..symbolic.compile_outcomes import disclosed
from ..symbolic.encoding import Model
from ..symbolic.witness_replay import reasons_for
from .besides_dlp import certain_dlp_rules, undecided_dlp_rules
from .overview_formulas import OverviewFormulas
from .overview_kinds import EVERYBODY_ELSE, KINDS, PROTECTED, KindOfMail, MailKind
from .overview_samples import SampleMessage, SampleMessages

#: The maximum number of conflicts for all questions together.
CONFLICTS = 20_000


class CellVerdict(StrEnum):
    """How much of the mail of a cell is protected. Results and pages have the texts."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cell:
    """What is true of all mail of a kind to a destination.

    :param destination: a domain with its subdomains, or :data:`EVERYBODY_ELSE`.
    :param on: the names of the rules on which it depends.
    :param witness: a message, its recipient and its outcome: one that is not protected, if there is one.
    :param besides_dlp: the undecided DLP rules that may treat some of the mail differently. The
        rest of the cell is about mail on which none of these acts.
    :param unknown: why it is unknown.
    """

    kind: MailKind
    destination: str
    protected: CellVerdict
    on: tuple[str, ...] = ()
    witness: Mapping[str, Any] = field(default_factory=dict)
    besides_dlp: tuple[str, ...] = ()
    unknown: tuple[Reason, ...] = ()


def destinations(rules: RuleSet, facts: Mapping[str, Any] | Facts, also: Iterable[str] = ()) -> list[str]:
    """The domains outside that are destinations of an overview.

    :param also: further domains. Those inside are left out.
    """
    known = facts_of(facts)
    return [
        name for name in sorted({*_named_domains(rules, known), *also}) if known.domains.type_of(name) not in INSIDE
    ]


def overview(
    rules: RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
    also: Iterable[str] = (),
) -> list[Cell]:
    """The cells, destination by destination. A cell is unknown if it takes more than the budget, or if it would be proved while a
    test message contradicts what is computed.

    :param facts: in the form of the option ``facts``.
    :param budget: the maximum number of conflicts for all questions together.
    :param also: further destinations, if they are outside.
    """
    known = facts_of(facts)
    domains = destinations(rules, known, also)
    cells: dict[tuple[str, MailKind], Cell] = {}
    try:
        with bounded():
            search = _Overview(rules, known, domains, now or datetime.datetime.now(datetime.UTC), budget)
            for cell in search.cells():
                cells[cell.destination, cell.kind] = cell
    except BudgetError:  # Nothing is known about the remaining cells.
        pass
    contradicted = tuple(map(contradicted_by, facts_of(facts).contradicted))
    if contradicted:
        cells = {
            place: replace(cell, protected=CellVerdict.UNKNOWN, unknown=contradicted)
            if cell.protected in (CellVerdict.ALWAYS, CellVerdict.NEVER)
            else cell
            for place, cell in cells.items()
        }
    places = itertools.product([*domains, EVERYBODY_ELSE], KINDS)
    return [
        cells.get((name, kind.name)) or Cell(kind.name, name, CellVerdict.UNKNOWN, unknown=(BUDGET,))
        for name, kind in places
    ]


class _Overview:
    """The search for the cells: a plain message shows one side of each, the prover says whether there is mail on the other."""

    def __init__(
        self, rules: RuleSet, facts: Facts, domains: Sequence[str], now: datetime.datetime, budget: int
    ) -> None:
        self._rules = rules
        self._domains = domains
        self._model = model = Model([rules], _rules_for_domains(domains), facts, now, transit=True)
        self._budget = budget
        self._people_sent_mail = _people_sent_mail(rules, model.facts)
        self._undecided = undecided_dlp_rules(model.facts)
        self._certain = certain_dlp_rules(model.facts)
        self._disclosures = disclosures_outside(rules.rules, model.facts)
        self._formulas = OverviewFormulas(model, domains, self._undecided)
        looks_for_sensitive = model.mail.sensitivity.information is not FALSE
        self._samples = SampleMessages(
            rules, model.facts, domains, now, self._undecided, looks_for_sensitive=looks_for_sensitive
        )

    def cells(self) -> Iterator[Cell]:
        """A cell for each destination and kind."""
        for name, kind in itertools.product([*self._domains, EVERYBODY_ELSE], KINDS):
            yield self._with_dlp(self._cell(name, kind), kind)

    def _cell(self, name: str, kind: KindOfMail) -> Cell:
        """The cell of a destination and a kind, about mail on which no undecided DLP rule acts."""
        sample = self._samples.plain_message(name, kind)
        if sample.keeps is None:
            return self._unknown(name, kind, sample)
        other = self._samples.like_others(name, kind, keeps=not sample.keeps)
        try:
            possible = other is not None
            if not possible:
                other_side = self._formulas.side(name, keeps=not sample.keeps)
                possible, other = self._possible_sample(name, kind, other_side, keeps=not sample.keeps)
            shown, why = self._disclosing_sample(name, kind) if sample.keeps and not possible else (None, None)
        except BudgetError:
            return self._unknown(name, kind, sample, BUDGET)
        if why:
            return Cell(kind.name, name, CellVerdict.UNKNOWN, witness=(shown or sample).shown, unknown=(why,))
        if not possible and self._model.added(self._model.free).cut:
            return Cell(kind.name, name, CellVerdict.UNKNOWN, witness=sample.shown, unknown=(TOO_MANY_COPIES,))
        if not possible:
            verdict = CellVerdict.ALWAYS if sample.keeps else CellVerdict.NEVER
            return Cell(kind.name, name, verdict, witness=sample.shown)
        if other is None or other.keeps is not (not sample.keeps):
            return self._unknown(name, kind, other or sample)
        order = {rule.name: rule.place for rule in self._rules.rules}
        on = sorted(sample.acting ^ other.acting, key=lambda rule: order.get(rule, -1))
        return Cell(kind.name, name, CellVerdict.DEPENDS, tuple(on), (sample if sample.keeps is False else other).shown)

    def _unknown(self, name: str, kind: KindOfMail, sample: SampleMessage, why: Reason = NOT_FOUND) -> Cell:
        """An unknown cell.

        :param why: the reason, if nothing is open of the message.
        """
        reasons = reasons_for(sample.course, PROTECTED, sample.message, sample.alone) if sample.keeps is None else []
        return Cell(kind.name, name, CellVerdict.UNKNOWN, witness=sample.shown, unknown=tuple(reasons) or (why,))

    def _with_dlp(self, cell: Cell, kind: KindOfMail) -> Cell:
        """A cell with the undecided DLP rules that may treat some of its mail otherwise; an unknown one if the budget ends before
        they are known.
        """
        acting = {
            rule.does.name: self._formulas.acting_dlp[id(rule.does)]
            for rule in self._undecided
            if _may_change(cell.protected, rule.does, instead=bool(self._certain))
        }
        may_contradict = self._may_contradict(cell) if acting else FALSE
        try:
            return replace(
                cell, besides_dlp=self._possible_together([*self._formulas.of_kind[kind.name], may_contradict], acting)
            )
        except BudgetError:
            return Cell(cell.kind, cell.destination, CellVerdict.UNKNOWN, witness=cell.witness, unknown=(BUDGET,))

    def _possible_together(self, mail: Sequence[Literal], named: Mapping[str, Literal]) -> tuple[str, ...]:
        """The names of the literals that are true of some of the mail. Each model names as many as it can.

        :raises BudgetError: that took too many conflicts.
        """
        possible: list[str] = []
        remaining = dict(named)
        while remaining:
            wanted = list(remaining.values())
            asked = [*mail, self._model.circuit.disjunction(wanted)]
            if not self._model.solve(asked, self._remaining_budget, preferred=wanted):
                break
            shown = [name for name, literal in remaining.items() if self._model.circuit.holds(literal)]
            possible += shown
            for name in shown:
                del remaining[name]
        return tuple(possible)

    def _may_contradict(self, cell: Cell) -> Literal:
        """The literal that is true if a copy may contradict a cell; for one that depends on rules, if the cell is about the copy."""
        if cell.protected is CellVerdict.DEPENDS:
            return self._formulas.there(cell.destination)
        return self._formulas.side(cell.destination, keeps=cell.protected is CellVerdict.NEVER)

    @property
    def _remaining_budget(self) -> int:
        """The number of conflicts that remain, at least 0."""
        return max(self._budget - self._model.circuit.solver.conflicts, 0)

    def _possible_sample(
        self, name: str, kind: KindOfMail, literal: Literal, *, keeps: bool | None = None
    ) -> tuple[bool, SampleMessage | None]:
        """Whether mail of a kind can satisfy a literal, and a message that may, or ``None`` if none could be written. It shows the
        copy of somebody at the destination, if possible one that surely is protected, or surely is not.

        :raises BudgetError: that took too many conflicts.
        """
        possible, candidate = self._model.messages.search(
            [*self._formulas.of_kind[kind.name], *(~acts for acts in self._formulas.acting_dlp.values()), literal],
            self._model.free,
            self._remaining_budget,
        )
        if candidate is None:
            return possible, None
        return possible, self._samples.of_candidate(name, kind, candidate, self._people_sent_mail, keeps=keeps)

    def _disclosing_sample(self, name: str, kind: KindOfMail) -> tuple[SampleMessage | None, Reason | None]:
        """A message that rules may show somebody at a destination in clear, and why that is open.

        :raises BudgetError: that took too many conflicts.
        """
        side = self._model.free
        chains = [(when, outcome.chain) for when, outcome in self._formulas.copies]
        for disclosure in self._disclosures:
            there = self._formulas.at(name, self._model.mail.added_people.shown(side.logic, disclosure.person.address))
            sees = high(there & disclosed(disclosure, chains, side.logic))
            possible, sample = self._possible_sample(name, kind, sees)
            if possible:
                return sample, disclosure.reason
        return None, None


def _may_change(protected: CellVerdict, does: Encrypter, *, instead: bool) -> bool:
    """Whether a DLP rule that acts on mail of a cell may change its verdict. Mail that is not delivered counts as
    protected.

    :param instead: whether it may keep other DLP rules from acting.
    """
    if protected is CellVerdict.UNKNOWN:
        return False
    if does.not_understood or instead:
        return True
    protects = protected is not CellVerdict.ALWAYS and bool(does.options or does.ends)
    return protects or (protected is not CellVerdict.NEVER and does.removes)


def _named_domains(rules: RuleSet, facts: Facts) -> list[str]:
    """The domains that connectors and rules which can act name, and those of people to whom such rules send or show mail. Of DLP
    rules, only those count that surely act.
    """
    acting = [atom for rule in rules.rules if not rule.idle for atom in rule.criteria.atoms]
    acting += [
        leaf.atom for rule in certain_dlp_rules(facts) for leaf in rule.looks_for.leaves if leaf.atom is not None
    ]
    by_rules = {
        name.lower() for atom in acting if atom.predicate.options[0] == "recipient_domain_is" for name in atom.values
    }
    shown = disclosures_outside(rules.rules, facts)
    people = {*_people_sent_mail(rules, facts), *(disclosure.person.address for disclosure in shown)}
    every = {*by_rules, *named_domains(facts.connectors.outbound or ()), *map(domain, people)}
    return sorted(name for name in every if _is_domain(name))


def _people_sent_mail(rules: RuleSet, facts: Facts) -> list[str]:
    """The addresses of the people to whom rules that can act send mail."""
    sending = sending_rules(rules, facts)
    return sorted({address for rule in sending for _option, address, _senders in brought_by(rule, facts)})


def _is_domain(name: str) -> bool:
    """Whether a name is a domain to which mail can go, unlike ``@fabrikam.com``."""
    return is_address(f"recipient@{name}") and not any(never_matching({"recipient_domain_is": name}))


def _rules_for_domains(domains: Sequence[str]) -> RuleSet:
    """A rule set that names domains, so that the model distinguishes mail to them even if no rule does."""
    return RuleSet([{"conditions": {"recipient_domain_is": list(domains)}}] if domains else [])
