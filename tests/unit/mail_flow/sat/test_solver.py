# SPDX-License-Identifier: GPL-3.0-or-later
"""The solver against truth tables and against python-sat."""

from __future__ import annotations

import itertools
import random

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import FALSE, TRUE, Solver
from pysat.solvers import Cadical153

from tests.unit.mail_flow.clauses import Clauses, holds, random_clauses, solver_of
from tests.unit.mail_flow.hash_seeds import said_with_two_hash_seeds


def satisfied(clauses: Clauses, model: list[bool]) -> bool:
    return all(any(model[abs(literal)] is (literal > 0) for literal in clause) for clause in clauses)


@pytest.mark.parametrize("seed", range(20))
def test_as_truth_tables_say(seed: int) -> None:
    source = random.Random(seed)
    for _formula in range(40):
        variables = source.randint(1, 7)
        clauses = random_clauses(source, variables, source.randint(1, 30))
        solver, names = solver_of(variables, clauses)
        assumed = [source.choice((1, -1)) * variable for variable in range(1, variables + 1) if source.random() < 0.3]
        models = [[False, *bits] for bits in itertools.product((False, True), repeat=variables)]
        possible = [model for model in models if satisfied(clauses, model)]
        expected = any(all(model[abs(literal)] is (literal > 0) for literal in assumed) for model in possible)
        assert solver.solve([names[abs(literal)] ^ (literal < 0) for literal in assumed]) is expected
        if expected:
            assert satisfied(clauses, [False, *(holds(solver, name) for name in names[1:])])
        else:
            core = {(literal >> 1) * (-1 if literal & 1 else 1) for literal in solver.core}
            assert core <= set(assumed)
            assert not any(all(model[abs(literal)] is (literal > 0) for literal in core) for model in possible)
        assert solver.solve() is bool(possible)


@pytest.mark.parametrize("seed", range(20))
def test_a_model_has_what_is_preferred_first_if_it_can(seed: int) -> None:
    source = random.Random(seed)
    for _formula in range(40):
        variables = source.randint(2, 7)
        clauses = random_clauses(source, variables, source.randint(1, 20))
        solver, names = solver_of(variables, clauses)
        chosen = source.sample(range(1, variables + 1), source.randint(1, variables))
        literals = [source.choice((1, -1)) * variable for variable in chosen]
        place = source.randint(0, len(literals) - 1)
        assumed, preferred = literals[:place], literals[place:]
        models = [[False, *bits] for bits in itertools.product((False, True), repeat=variables)]
        possible = [model for model in models if satisfied([*clauses, *([literal] for literal in assumed)], model)]
        numbers = [[names[abs(literal)] ^ (literal < 0) for literal in each] for each in (assumed, preferred)]
        assert solver.solve(numbers[0], preferred=numbers[1]) is bool(possible)
        if possible:
            best = max([model[abs(literal)] is (literal > 0) for literal in preferred] for model in possible)
            assert [holds(solver, literal) for literal in numbers[1]] == best


@pytest.mark.parametrize("seed", range(12))
def test_as_python_sat_says(seed: int) -> None:
    source = random.Random(seed)
    variables = source.randint(40, 90)
    clauses = [
        [source.choice((1, -1)) * variable for variable in source.sample(range(1, variables + 1), 3)]
        for _clause in range(int(variables * source.uniform(3.8, 4.7)))
    ]
    solver, names = solver_of(variables, clauses)
    with Cadical153(bootstrap_with=clauses) as oracle:
        for _question in range(12):
            assumed = [
                source.choice((1, -1)) * variable
                for variable in source.sample(range(1, variables + 1), source.randint(0, 4))
            ]
            expected = oracle.solve(assumptions=assumed)
            assert solver.solve([names[abs(literal)] ^ (literal < 0) for literal in assumed]) is expected
            if expected:
                assert satisfied(clauses, [False, *(holds(solver, name) for name in names[1:])])
            elif solver.core:
                assert not oracle.solve(
                    assumptions=[(literal >> 1) * (-1 if literal & 1 else 1) for literal in solver.core]
                )
            added = [source.choice((1, -1)) * source.randint(1, variables) for _place in range(3)]
            clauses.append(added)
            oracle.add_clause(added)
            solver.add([names[abs(literal)] ^ (literal < 0) for literal in added])


def pigeons(holes: int) -> tuple[int, Clauses]:
    """One pigeon more than there are holes."""

    def at(pigeon: int, hole: int) -> int:
        return pigeon * holes + hole + 1

    clauses = [[at(pigeon, hole) for hole in range(holes)] for pigeon in range(holes + 1)]
    clauses += [
        [-at(one, hole), -at(other, hole)]
        for hole in range(holes)
        for one, other in itertools.combinations(range(holes + 1), 2)
    ]
    return holes * (holes + 1), clauses


def test_a_budget_counts_conflicts() -> None:
    solver, _names = solver_of(*pigeons(5))
    assert solver.solve() is False
    solver, _names = solver_of(*pigeons(9))
    assert solver.solve(budget=300) is None
    assert solver.conflicts == 300


def test_memory_does_not_grow_with_conflicts() -> None:
    """Learned clauses are dropped, and a variable is in the order of decisions a few times, however often it was in a
    conflict.
    """
    solver, names = solver_of(*pigeons(9))
    assert solver.solve(budget=4000) is None
    assert solver._clauses.learned <= 3000
    assert len(solver._order.heap) <= 3 * len(names)


def test_clauses_are_learned_without_what_follows_from_the_rest() -> None:
    """The third literal follows from the first over one that is not in the clause."""
    solver = Solver()
    first, second, third, tried, between = (solver.variable() for _count in range(5))
    solver.add([first ^ 1, second])
    solver.add([second ^ 1, third])
    solver.add([first ^ 1, tried, between])
    solver.add([third ^ 1, tried, between ^ 1])
    assert solver.solve([first])
    assert solver.conflicts == 1
    assert solver._clauses.implied[first] == [second, tried]


def test_models_come_out_small() -> None:
    solver, names = solver_of(6, [[1, 2, 3]])
    assert solver.solve()
    assert sum(holds(solver, name) for name in names[1:]) == 1


def test_constants_and_trivial_clauses() -> None:
    solver = Solver()
    one = solver.variable()
    solver.add([TRUE, one])
    solver.add([one, one ^ 1])
    assert solver.solve([FALSE]) is False
    assert solver.core == (FALSE,)
    solver.add([one, FALSE])
    assert solver.solve([one ^ 1]) is False
    assert solver.solve()
    solver.add([])
    assert solver.solve() is False
    assert solver.core == ()


_TWICE = """
import random
from tests.unit.mail_flow.clauses import random_clauses, solver_of
for seed in range(30):
    clauses = [clause for clause in random_clauses(random.Random(seed), 60, 735) if len(clause) == 3]
    solver, names = solver_of(60, clauses)
    print(solver.solve() and solver.model, solver.conflicts)
"""


def test_answers_do_not_depend_on_the_hash_seed() -> None:
    said = said_with_two_hash_seeds(_TWICE)
    assert len(said) == 1
