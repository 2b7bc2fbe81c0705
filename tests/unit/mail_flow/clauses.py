# SPDX-License-Identifier: GPL-3.0-or-later
"""Random clauses, and a solver that has them."""

from __future__ import annotations

import random

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import TRUE, Solver

Clauses = list[list[int]]


def random_clauses(source: random.Random, variables: int, clauses: int, widest: int = 3) -> Clauses:
    """Signed literals, as DIMACS has them."""
    return [
        [source.choice((1, -1)) * source.randint(1, variables) for _place in range(source.randint(1, widest))]
        for _clause in range(clauses)
    ]


def solver_of(variables: int, clauses: Clauses) -> tuple[Solver, list[int]]:
    solver = Solver()
    names = [TRUE, *(solver.variable() for _variable in range(variables))]
    for clause in clauses:
        solver.add([names[abs(literal)] ^ (literal < 0) for literal in clause])
    return solver, names


def holds(solver: Solver, literal: int) -> bool:
    """Whether a literal is true in the model. A variable that is left open is false."""
    value = solver.model[literal]
    return value > 0 or (not value and bool(literal & 1))
