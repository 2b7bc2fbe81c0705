# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule sets and claims over one symbolic message, with the search for messages that replay."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..budget import BudgetError
from ..conditions.copies import SHOWN_FIELDS
from ..conditions.keys import Key
from ..conditions.witness import NoMessageError
from ..formula import FALSE, Literal
from ..input.parsing import facts_of, message_of, with_facts
from ..model.facts import Facts
from ..model.message import Message
from ..rules.dlp_rules import DlpRules
from ..rules.rule_set import RuleSet
from ..sat.circuit import Circuit
from .atoms import vocabulary_of
from .compile_added_copies import AddedCopies, AddedCopyCompiler
from .compile_conditions import Conditions
from .compile_outcomes import Outcome
from .compile_recipients import ANYBODY, Company, Histories
from .compile_rules import RuleChain
from .concretizer import Letter, Writer
from .logic import Logic
from .symbolic_message import SymbolicMessage

#: The IRM settings that affect mail.
DECIDING_SETTINGS = (
    "azure_rms_licensing_enabled",
    "internal_licensing_enabled",
    "enable_pdf_encryption",
    "transport_decryption_setting",
)

#: The maximum number of conflicts per question.
CONFLICTS = 6_000

#: The maximum number of attempts to repair a model without a message.
_TRIES = 12

#: The maximum number of answers to unknowns to try with a message.
_CASES = 6

#: The maximum number of addresses in fields that are modeled exactly at once.
_FIELDS_AT_ONCE = 4


@dataclass(frozen=True)
class Side:
    """One encoding of what is unknown, with the chain of each rule set.

    :param chains: the rule sets' chains, in order.
    """

    logic: Logic
    company: Company
    conditions: Conditions
    chains: tuple[RuleChain, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class CandidateMessage:
    """A message and the facts that it requires, ready for the simulator.

    :param facts: by rule set.
    """

    letter: Letter
    message: Message
    facts: tuple[Facts, ...]


class Model:
    """Rule sets and claims over the variables of one message.

    :param rule_sets: the rule sets that the message goes through.
    :param claims: further rules, which select mail.
    :param facts: as :func:`facts_of` takes them.
    :param exact: the atoms for which another recipient is modeled.
    :param settings: the IRM configuration by rule set; by default, the one in the facts.
    :param transit: whether it is asked how mail leaves.
    """

    def __init__(
        self,
        rule_sets: Sequence[RuleSet],
        claims: RuleSet,
        facts: Mapping[str, Any] | Facts,
        now: datetime.datetime,
        options: Iterable[str] = (),
        exact: Sequence[Key] = (),
        settings: Sequence[Mapping[str, Any] | None] = (),
        *,
        transit: bool = False,
    ) -> None:
        self.rule_sets = rule_sets
        self.claims = claims
        self.now = now
        self.exact = tuple(exact)
        self._options = tuple(options)
        self.transit = transit
        self.facts = facts_of(facts)
        self.settings = list(settings) or [self.facts.encryption.irm_configuration] * len(rule_sets)
        self.settings_that_differ = differing(self.settings)
        policies = self.facts.encrypters.dlp_policies
        every = [*rule_sets, claims, *([policies.leaves] if isinstance(policies, DlpRules) else [])]
        self._shared = _shared(rule_sets)
        self.circuit = Circuit()
        self.mail = SymbolicMessage(
            self.circuit,
            vocabulary_of(every, self.facts, transit=transit),
            self.facts,
            every,
            self._options,
            self.settings,
        )
        self.free = self._side(free=True)
        self._added: dict[tuple[bool, int, bool], AddedCopies] = {}
        self._writer = Writer(self.mail)
        self._laws: dict[tuple[Literal, ...], None] = {}
        self._limits: list[Literal] = []
        self._learnt: dict[
            Literal, None
        ] = {}  # what the model of a message must decide, because a clause leaves a choice

    @cached_property
    def open(self) -> Side:
        """The side on which the unknown is open. It is built on first use: questions are smaller without it."""
        return self._side(free=False)

    def _side(self, *, free: bool) -> Side:
        every = [*self.rule_sets, self.claims]
        logic = Logic(self.circuit, free=free, observed=self.facts.observed)
        company = Company(self.mail, logic, Histories(), self.exact, every)
        conditions: list[Conditions] = []
        chains = []
        for place, rules in enumerate(self.rule_sets):
            if not conditions or self.settings_that_differ:
                conditions.append(Conditions(self.mail, logic, company, self.now, self.settings[place]))
            chains.append(RuleChain(rules, conditions[-1], company, self._shared))
        return Side(logic, company, conditions[0], tuple(chains), tuple(Outcome(chain) for chain in chains))

    def solve(
        self,
        literals: Sequence[Literal],
        budget: int = CONFLICTS,
        also: Sequence[Literal] = (),
        preferred: Sequence[Literal] = (),
    ) -> bool:
        """Whether all of these can be true together.

        :param also: further literals that the model must decide.
        :param preferred: literals of which the model has each that it can have together with those before it.
        :raises BudgetError: that took too many conflicts.
        """
        satisfiable = self.circuit.solve(literals, budget, also, preferred)
        if satisfiable is None:
            raise BudgetError
        return satisfiable

    def added(self, side: Side, place: int = 0, *, shared: bool = True) -> AddedCopies:
        """The copies for people whom rules of a set add, and for people added to these copies.

        :param shared: whether to include people whom a rule adds to a shared copy that they are on anyway: they get a second one only if
            rules split the copy before.
        """
        known = self._added.get((side.logic.free, place, shared))
        if known is not None:
            return known
        compiler = AddedCopyCompiler(side.logic, side.company, self.mail.recipient)
        added = (compiler.brought if shared else compiler.compared)(side.outcomes[place])
        self._added[side.logic.free, place, shared] = added
        return added

    @property
    def core(self) -> tuple[Literal, ...]:
        """After a no: a subset that contradicts itself."""
        return self.circuit.core

    def candidates(
        self,
        claim: Sequence[Literal],
        literals: Sequence[Literal],
        side: Side,
        budget: int = CONFLICTS,
        preferred: Sequence[Literal] = (),
    ) -> Iterator[CandidateMessage | None]:
        """Messages of which a claim is true, on the free side for some answer to the unknowns. It is also true of each
        further message for every answer that made it false of an earlier one. So this finds messages of which it is
        true in one way or another, which Kleene's logic cannot tell. ``None`` if there may be such a message, and none
        is written.

        :param literals: what a message must satisfy anyway; :param:`preferred`: what it satisfies if it can.
        :raises BudgetError: a question took too many conflicts.
        """
        circuit = self.circuit
        unknown = side.logic.questions
        true = circuit.conjunction(claim)
        wanted = [true]
        for _case in range(_CASES):
            possible, any_message = self.find([*wanted, *literals], side, budget, preferred)
            if not possible:
                return
            model = circuit.model()
            yield any_message
            if not unknown:
                return
            message = _values(model, (literal for literal in circuit.inputs(true) if literal not in unknown))
            if not self.solve([*message, ~true], budget):
                return
            wanted.append(circuit.given(true, _values(circuit.model(), unknown)))

    def rules_out(self, claim: Sequence[Literal], literals: Sequence[Literal], budget: int = CONFLICTS) -> bool:
        """Whether there is certainly no message of which a claim is true on the free side for every answer to the
        unknowns. Each answer that makes it false of a message excludes all such messages.

        :param literals: what a message must satisfy anyway.
        :raises BudgetError: a question took too many conflicts.
        """
        circuit = self.circuit
        unknown = self.free.logic.questions
        true = circuit.conjunction(claim)
        wanted = [true]
        for _case in range(_CASES):
            if not self.solve([*wanted, *literals], budget):
                return True
            message = _values(circuit.model(), (literal for literal in circuit.inputs(true) if literal not in unknown))
            if not self.solve([*message, ~true], budget):
                return False
            wanted.append(circuit.given(true, _values(circuit.model(), unknown)))
        return False

    def find(
        self, literals: Sequence[Literal], side: Side, budget: int = CONFLICTS, preferred: Sequence[Literal] = ()
    ) -> tuple[bool, CandidateMessage | None]:
        """Whether all of these can be true together, as far as is known, and a message for them; on the free side, if
        necessary one in which the content of a text is open.

        :raises BudgetError: a question took too many conflicts.
        """
        possible, candidate = self.search(literals, side, budget, preferred)
        if candidate is None and possible and side.logic.free and self._limits:
            return self.search(literals, side, budget, preferred, lax=True)
        return possible, candidate

    def search(
        self,
        literals: Sequence[Literal],
        side: Side,
        budget: int = CONFLICTS,
        preferred: Sequence[Literal] = (),
        *,
        lax: bool = False,
    ) -> tuple[bool, CandidateMessage | None]:
        """Whether all of these can be true together, as far as is known, and a message for them.

        An attempt without a message adds the reason as clauses, or ends the search. What only the writer's limits
        exclude stays possible. The message has no sensitive information if it can be without.

        :param preferred: what the message satisfies if it can, the most important first.
        :param lax: whether the content of the message's texts may be open.
        :raises BudgetError: a question took too many conflicts.
        """
        once = side.company.written_once
        if self.mail.sensitivity.information is not FALSE:
            preferred = [~self.mail.sensitivity.information, *preferred]
        for _try in range(_TRIES):
            limited = [*once, *(() if lax else self._limits)]
            if not self.solve([*literals, *limited], budget, [*self._learnt], preferred):
                return bool(limited) and self.solve(literals, budget, [*self._learnt]), None
            is_true = self.circuit.model()
            try:
                return True, self.candidate(
                    self._writer.write(
                        is_true, side.company.companions.values(), self.atoms_of_unmodeled(is_true, side), lax=lax
                    )
                )
            except NoMessageError as error:
                self._learn(error)
                if not error.laws and (lax or not error.limits):
                    break
        return True, None

    def _learn(self, error: NoMessageError) -> None:
        """Adds laws for good, and limits for writing messages."""
        for clause in error.laws:
            self.circuit.add(*clause)
        of_plain = [(*clause, ~self.mail.assumptions.plain_letters.literal) for clause in error.plain]
        for clause in of_plain:
            self.circuit.add(*clause)
        if error.limits and not self._limits:
            self._limits = [self.circuit.variable("is written")]
        for clause in error.limits:
            self.circuit.add(*clause, ~self._limits[0])
        self._laws.update(dict.fromkeys((*error.laws, *of_plain)))
        self._learnt.update(
            dict.fromkeys(literal for clause in (*error.laws, *error.limits, *of_plain) for literal in clause)
        )

    @property
    def laws(self) -> int:
        """The number of learnt relations."""
        return len(self._laws)

    def atoms_of_unmodeled(self, is_true: Callable[[Literal], bool], side: Side) -> list[Key]:
        """The atoms that the model gives to another recipient who is not modeled."""
        return list(dict.fromkeys(key for (key, _history), literal in side.company.used.items() if is_true(literal)))

    def candidate(self, letter: Letter) -> CandidateMessage:
        """A letter in the form of the simulator."""
        message = message_of({**letter.message, "date": self.now}, "", "witness")
        known = with_facts(self.facts, letter.facts)
        return CandidateMessage(
            letter, message, tuple(known.with_irm_configuration(settings) for settings in self.settings)
        )

    def to_refine(self, side: Side) -> list[Key]:
        """After a model: the atoms for which another recipient must be modeled to improve the next answer."""
        holds = self.circuit.holds
        wanted = self.atoms_of_unmodeled(holds, side)
        for address in self._people_in_fields:
            if any(holds(self.mail.addressing.named(address, name)) for name in SHOWN_FIELDS) and not holds(
                self.mail.recipient["address", address]
            ):
                wanted.append(("address", address))
        return [key for key in wanted if key not in self.exact]

    def left_in_fields(self) -> list[Key]:
        """Some of the addresses that conditions look for in the To or Cc field: only a modeled recipient certainly
        stays in a copy.
        """
        keys: list[Key] = [("address", address) for address in self._people_in_fields]
        return [key for key in keys if key not in self.exact][:_FIELDS_AT_ONCE] if self.free.company.watched else []

    @property
    def _people_in_fields(self) -> list[str]:
        """The addresses that conditions look for in the To or Cc field, without those of groups: their members share
        the copy.
        """
        return [address for address in self.mail.vocabulary.fields if address not in self.facts.groups.expanded]

    def refined(self, keys: Iterable[Key]) -> Model:
        """The same model, with recipients modeled for these, too."""
        exact = [key for key in self.exact if key != ANYBODY]
        return Model(
            self.rule_sets,
            self.claims,
            self.facts,
            self.now,
            self._options,
            (*exact, *keys),
            self.settings,
            transit=self.transit,
        )


def _shared(rule_sets: Sequence[RuleSet]) -> int:
    """The number of first rules that all rule sets share, whatever their GUIDs are."""
    every = zip(*((replace(rule, guid="") for rule in rules.rules) for rules in rule_sets), strict=False)
    return sum(1 for _rules in itertools.takewhile(lambda rules: all(rule == rules[0] for rule in rules), every))


def differing(settings: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """The IRM settings that affect mail and differ between rule sets, with the last value of each."""
    values = {name: [(settings_of_set or {}).get(name) for settings_of_set in settings] for name in DECIDING_SETTINGS}
    return {
        name: values_of_setting[-1]
        for name, values_of_setting in values.items()
        if any(value != values_of_setting[0] for value in values_of_setting)
    }


def _values(holds: Callable[[Literal], bool], variables: Iterable[Literal]) -> list[Literal]:
    """The literals of these variables that hold in a model."""
    return [variable if holds(variable) else ~variable for variable in variables]
