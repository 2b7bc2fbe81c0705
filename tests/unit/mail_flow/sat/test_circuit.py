# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a circuit are answered as python-sat answers them about the whole formula, though most of it is left
out.
"""

from __future__ import annotations

import itertools
import random
import weakref
from collections.abc import Sequence

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import FALSE, TRUE, Literal
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat import solver
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.batch import KnownModels
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.circuit import (
    Circuit,
    emptying_circuits,
)
from pysat.solvers import Solver as Oracle

from tests.rounds import seeds


class Formula:
    """A circuit beside the same formula as clauses."""

    def __init__(self, source: random.Random, inputs: int) -> None:
        self.source, self.circuit, self.oracle = source, Circuit(), Oracle("minisat22")
        self.literals = [self.circuit.variable(number) for number in range(inputs)]
        self.circuit.decide_together(self.literals)
        self.gates: list[tuple[Literal, list[Literal]]] = []
        self.defined: set[Literal] = set()  # variables that are defined, and gates over them
        self.clauses: list[list[Literal]] = []

    def close(self) -> None:
        self.oracle.delete()

    def some(self, most: int) -> list[Literal]:
        return [
            either(self.source, literal) for literal in self.source.sample(self.literals, self.source.randint(1, most))
        ]

    def add_gate(self) -> None:
        parts = self.some(4)
        gate = self.circuit.conjunction(parts)
        if gate is FALSE:
            assert not self.oracle.solve(assumptions=[_signed(part) for part in parts])
            return
        if gate is TRUE:
            assert not any(self.oracle.solve(assumptions=[_signed(~part)]) for part in parts)
            return
        if len(parts) == 1 or gate in self.literals or ~gate in self.literals:
            return
        self.literals.append(gate)
        self.gates.append((gate, parts))
        self.defined |= {gate} if not self.defined.isdisjoint([*parts, *(~part for part in parts)]) else set()
        for part in parts:
            self.oracle.add_clause([_signed(~gate), _signed(part)])
        self.oracle.add_clause([_signed(gate), *(_signed(~part) for part in parts)])

    def add_clause(self) -> None:
        clause = [literal for literal in self.some(3) if self.defined.isdisjoint((literal, ~literal))]
        if not clause:
            return
        self.clauses.append(clause)
        self.circuit.add(*clause)
        self.oracle.add_clause([_signed(literal) for literal in clause])

    def add_definition(self) -> None:
        """A variable that is true only where one of some others is, each time."""
        variable, clauses = (
            self.circuit.variable(("defined", len(self.literals))),
            [self.some(3) for _clause in range(2)],
        )
        for clause in clauses:
            self.circuit.define([variable], ~variable, *clause)
            self.oracle.add_clause([_signed(literal) for literal in (~variable, *clause)])
        self.clauses += [[~variable, *clause] for clause in clauses]
        self.literals.append(variable)
        self.defined.add(variable)

    def add_what_follows(self) -> None:
        clause = self.some(3)
        if not self.oracle.solve(assumptions=[_signed(~literal) for literal in clause]):
            self.circuit.follows(*clause)

    def is_met(self, question: list[Literal]) -> bool:
        """Whether the model meets the question and the clauses, and says of gates what their parts make of them."""
        true = {literal: self.circuit.holds(literal) for literal in self.circuit.literals}
        said = dict(true)
        for gate, parts in self.gates:
            true[gate] = all(true[part] for part in parts)
            true[~gate] = not true[gate]
        every = [*([literal] for literal in question), *self.clauses]
        return all(any(true[literal] for literal in clause) for clause in every) and true == said


def either(source: random.Random, literal: Literal) -> Literal:
    return ~literal if source.randrange(2) else literal


def _signed(literal: Literal) -> int:
    """A literal as the oracle has it, whose first variable is 1 and true."""
    number = (literal.code >> 1) + 1
    return -number if literal.code & 1 else number


@pytest.mark.parametrize("seed", seeds(60))
def test_as_python_sat_says_of_the_whole(seed: int) -> None:
    formula = Formula(random.Random(seed), inputs=14)
    formula.oracle.add_clause([1])
    answers: list[bool] = []
    try:
        for _round in range(40):
            for _number in range(formula.source.randrange(6)):
                formula.add_gate()
            if formula.source.random() < 0.4:
                formula.add_clause()
            if formula.source.random() < 0.3:
                formula.add_definition()
            for _number in range(4):
                formula.add_what_follows()
            for _number in range(4):
                question = formula.some(4)
                expected = formula.oracle.solve(assumptions=[_signed(literal) for literal in question])
                also = formula.some(8) if formula.source.random() < 0.5 else []
                assert formula.circuit.solve(question, also=also) is expected
                assert not expected or formula.is_met(question)
                if not expected and formula.circuit.core:
                    assert not formula.oracle.solve(assumptions=[_signed(literal) for literal in formula.circuit.core])
                answers.append(bool(expected))
    finally:
        formula.close()
    assert any(answers)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_given_takes_its_place(seed: int) -> None:
    source = random.Random(seed)
    formula = Formula(source, inputs=10)
    try:
        inputs = list(formula.literals)
        for _number in range(40):
            formula.add_gate()
        wanted, answers = (
            either(source, formula.literals[-1]),
            [either(source, literal) for literal in source.sample(inputs, 4)],
        )
        left = formula.circuit.substitute(wanted, answers)
        for _number in range(20):
            others = [either(source, literal) for literal in inputs if not {literal, ~literal} & {*answers}]
            expected = formula.oracle.solve(assumptions=[_signed(literal) for literal in (wanted, *answers, *others)])
            assert formula.circuit.solve([left, *others, *(either(source, literal) for literal in answers)]) is expected
    finally:
        formula.close()


@pytest.mark.parametrize("seed", range(30))
def test_no_values_make_a_literal_false_more_often_than_the_adverse_ones(seed: int) -> None:
    """Where it depends on each variable in one way only."""
    source = random.Random(seed)
    circuit = Circuit()
    others = [circuit.variable(number) for number in range(4)]
    # Each variable that may be chosen, as the literal depends on it.
    chosen = [either(source, circuit.variable(("chosen", number))) for number in range(4)]
    literals = [*others, *(~literal for literal in others), *chosen]
    for _number in range(12):
        join = source.choice((circuit.conjunction, circuit.disjunction))
        literals.append(join(source.sample(literals, 3)))
    wanted = literals[-1]
    adverse = circuit.adverse(wanted, [min(literal, ~literal) for literal in chosen])
    assert set(adverse) <= {~literal for literal in chosen}
    for left in itertools.product((True, False), repeat=4):
        given = [literal if is_true else ~literal for literal, is_true in zip(others, left, strict=True)]
        at_worst = circuit.substitute(circuit.substitute(wanted, given), adverse)
        for values in itertools.product((True, False), repeat=4):
            answers = [literal if is_true else ~literal for literal, is_true in zip(chosen, values, strict=True)]
            assert at_worst is FALSE or circuit.substitute(wanted, [*given, *answers]) is TRUE


def test_a_variable_on_which_a_literal_depends_in_both_ways_is_false_at_worst() -> None:
    circuit = Circuit()
    both, one, other, apart = (circuit.variable(name) for name in ("both", "one", "other", "apart"))
    wanted = circuit.choice(both, one, ~other)
    assert circuit.adverse(wanted, [both, one, other, apart]) == [~both, ~one, other]


def test_a_gate_that_is_made_after_a_model_is_what_its_parts_are_in_it() -> None:
    circuit = Circuit()
    one, other, third = (circuit.variable(name) for name in ("one", "other", "third"))
    assert circuit.solve([one, other])
    is_true = circuit.model()
    both, more = one & other, one & other & third
    assert [circuit.holds(literal) for literal in (both, ~both, more, ~more)] == [True, False, False, True]
    assert circuit.solve([~one, third])
    assert [is_true(literal) for literal in (both, ~both, more | ~both, ~(more | ~both))] == [True, False, False, True]


def test_what_a_question_is_not_about_stays_open() -> None:
    circuit = Circuit()
    wanted, *others = (circuit.variable(name) for name in "abcdefgh")
    gates = [circuit.conjunction(pair) for pair in itertools.combinations(others, 2)]
    assert circuit.solve([wanted]) is True
    assert [circuit.solver.model[literal.code] for literal in (wanted, *others, *gates)] == [
        1,
        *[0] * (len(others) + len(gates)),
    ]
    assert circuit.solve([wanted], also=gates[:1]) is True
    assert circuit.solver.model[gates[0].code] == -1


def test_operators_build_what_conjunctions_and_disjunctions_are() -> None:
    circuit = Circuit()
    one, other = circuit.variable("one"), circuit.variable("other")
    assert one & other is circuit.conjunction((other, one))
    assert one | other is circuit.disjunction((one, other))
    assert ~(one & other) is ~one | ~other
    assert ~~one is one
    assert one & ~one is FALSE


@pytest.mark.parametrize(("constant", "opposite"), [(TRUE, FALSE), (FALSE, TRUE)])
def test_constants_belong_to_every_circuit(constant: Literal, opposite: Literal) -> None:
    one = Circuit().variable("one")
    assert ~constant is opposite
    assert constant & one is one & constant is (one if constant is TRUE else FALSE)
    assert constant | one is one | constant is (TRUE if constant is TRUE else one)
    assert constant & opposite is FALSE
    assert constant | opposite is TRUE


def test_what_clauses_decide_for_every_question_is_no_part_of_a_gate() -> None:
    circuit = Circuit()
    one, other, third, fourth = (circuit.variable(name) for name in ("one", "other", "third", "fourth"))
    circuit.add(one)
    circuit.add(~one, ~other)
    assert one & third is third
    assert other & third is FALSE
    assert circuit.conjunction([one, ~other]) is TRUE
    assert circuit.disjunction([other, third]) is third
    assert circuit.conjunction([one, third, fourth]) is third & fourth


def test_a_formula_has_no_truth_value_of_its_own() -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        assert Circuit().variable("one")


def test_constants_have_the_codes_of_the_solver() -> None:
    assert (TRUE.code, FALSE.code) == (solver.TRUE, solver.FALSE)


@pytest.mark.parametrize("seed", seeds(40))
def test_known_models_answer_as_a_search_does(seed: int) -> None:
    formula = Formula(random.Random(seed), 8)
    for _step in range(12):
        formula.add_gate()
        formula.add_clause()
    circuit = formula.circuit
    known = KnownModels(circuit, circuit.solve)
    for _question in range(30):
        literals = formula.some(3)
        assert known.can(literals) is circuit.solve(literals)
        some = dict(enumerate(formula.some(3)))
        first = known.first_possible(literals, some)
        if first is None:
            assert circuit.solve([*literals, circuit.disjunction(some.values())]) is False
        else:
            assert circuit.solve([*literals, some[first]])


def test_a_question_that_a_known_model_answers_is_not_asked() -> None:
    circuit = Circuit()
    one, other = circuit.variable("one"), circuit.variable("other")
    asked = []

    def solve(literals: Sequence[Literal]) -> bool | None:
        asked.append(literals)
        return circuit.solve(literals)

    known = KnownModels(circuit, solve)
    assert known.can([one, ~other])
    assert known.can([~other])
    assert known.first_possible([one], {"other": other, "one": one}) == "one"
    assert len(asked) == 1


def test_circuits_made_inside_are_emptied_at_once_and_no_others() -> None:
    """Their formulas refer to them, so that they themselves wait for a search for garbage."""
    before = Circuit()
    with emptying_circuits():
        inside = Circuit()
        formula = inside.variable("one") & inside.variable("other")
        assert inside.solve([formula])
        parts = weakref.ref(inside.solver)
    assert formula.circuit is inside
    assert parts() is None
    for circuit in (before, Circuit()):
        assert circuit.solve([circuit.variable("one")])
