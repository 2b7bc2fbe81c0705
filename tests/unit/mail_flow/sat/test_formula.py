# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to a circuit are answered as python-sat answers them about the whole formula, though most of it is left
out.
"""

from __future__ import annotations

import itertools
import random

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.formula import Circuit
from pysat.solvers import Solver as Oracle

from tests.rounds import seeds


class Formula:
    """A circuit beside the same formula as clauses."""

    def __init__(self, source: random.Random, inputs: int) -> None:
        self.source, self.circuit, self.oracle = source, Circuit(), Oracle("minisat22")
        self.literals = [self.circuit.variable(number) for number in range(inputs)]
        self.circuit.together(self.literals)
        self.gates: list[tuple[int, list[int]]] = []
        self.defined: set[int] = set()  # variables that are defined, and gates over them
        self.clauses: list[list[int]] = []

    def close(self) -> None:
        self.oracle.delete()

    def some(self, most: int) -> list[int]:
        return [
            literal ^ self.source.randrange(2)
            for literal in self.source.sample(self.literals, self.source.randint(1, most))
        ]

    def add_gate(self) -> None:
        parts = self.some(4)
        gate = self.circuit.conjunction(parts)
        if len(parts) == 1 or gate in self.literals:
            return
        self.literals.append(gate)
        self.gates.append((gate, parts))
        self.defined |= {gate} if self.defined & {part & ~1 for part in parts} else set()
        for part in parts:
            self.oracle.add_clause([_signed(gate ^ 1), _signed(part)])
        self.oracle.add_clause([_signed(gate), *(_signed(part ^ 1) for part in parts)])

    def add_clause(self) -> None:
        clause = [literal for literal in self.some(3) if literal & ~1 not in self.defined]
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
            self.circuit.define([variable], variable ^ 1, *clause)
            self.oracle.add_clause([_signed(literal) for literal in (variable ^ 1, *clause)])
        self.clauses += [[variable ^ 1, *clause] for clause in clauses]
        self.literals.append(variable)
        self.defined.add(variable)

    def add_what_follows(self) -> None:
        clause = self.some(3)
        if not self.oracle.solve(assumptions=[_signed(literal ^ 1) for literal in clause]):
            self.circuit.follows(*clause)

    def is_met(self, question: list[int], also: list[int]) -> bool:
        """Whether the model meets the question and the clauses, and says of gates what their parts make of them."""
        true = {literal: self.circuit.solver.holds(literal) for literal in range(2 * self.circuit.solver.variables)}
        said = dict(true)
        for gate, parts in self.gates:
            true[gate] = all(true[part] for part in parts)
            true[gate ^ 1] = not true[gate]
        every = [*([literal] for literal in question), *self.clauses]
        return all(any(true[literal] for literal in clause) for clause in every) and all(
            true[literal] is said[literal] for literal in also
        )


def _signed(literal: int) -> int:
    """A literal as the oracle has it, whose first variable is 1 and true."""
    number = (literal >> 1) + 1
    return -number if literal & 1 else number


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
                assert not expected or formula.is_met(question, also)
                if not expected and formula.circuit.solver.core:
                    assert not formula.oracle.solve(
                        assumptions=[_signed(literal) for literal in formula.circuit.solver.core]
                    )
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
            formula.literals[-1] ^ source.randrange(2),
            [literal ^ source.randrange(2) for literal in source.sample(inputs, 4)],
        )
        left = formula.circuit.given(wanted, answers)
        for _number in range(20):
            others = [literal ^ source.randrange(2) for literal in inputs if not {literal, literal ^ 1} & {*answers}]
            expected = formula.oracle.solve(assumptions=[_signed(literal) for literal in (wanted, *answers, *others)])
            assert (
                formula.circuit.solve([left, *others, *(literal ^ source.randrange(2) for literal in answers)])
                is expected
            )
    finally:
        formula.close()


def test_what_a_question_is_not_about_stays_open() -> None:
    circuit = Circuit()
    wanted, *others = (circuit.variable(name) for name in "abcdefgh")
    gates = [circuit.conjunction(pair) for pair in itertools.combinations(others, 2)]
    assert circuit.solve([wanted]) is True
    assert [circuit.solver.model[literal] for literal in (wanted, *others, *gates)] == [
        1,
        *[0] * (len(others) + len(gates)),
    ]
    assert circuit.solve([wanted], also=gates[:1]) is True
    assert circuit.solver.model[gates[0]] == -1
