# SPDX-License-Identifier: GPL-3.0-or-later
"""Guessed assignments that show that literals of a circuit can be true together, all tried at once.

Usually a guess is easy: it is like a known model, and has what the question names. Each formula is an integer with a bit
for each guess (bit-parallel simulation), so a gate costs one operation for all guesses. Only a guess that meets every
clause counts, so what one shows is so; the solver decides the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..formula import Literal
from . import solver
from .circuit import Circuit, codes_of

#: The number of guesses for each question. If a formula needs one of several parts, the first guess takes the first,
#: the second another one, and so on.
_WAYS = 2


def shown_by_guesses(circuit: Circuit, questions: Sequence[Sequence[Literal]], known: Sequence[int] = ()) -> list[bool]:
    """For each question, whether a guess shows that its literals can be true together. If none does, that proves
    nothing.

    :param known: a model of the solver, from which all guesses start; by default, everything is false.
    """
    guesses = _Guesses(circuit, known)
    asked = [codes_of(question) for question in questions]
    for codes in asked:
        guesses.add(codes)
    values, valid = guesses.evaluated()
    shown = []
    for codes in asked:
        bits = valid
        for code in codes:
            bits &= values[code >> 1] ^ -(code & 1)
        shown.append(bits != 0)
    return shown


class _Guesses:
    """Assignments of the inputs, one for each bit. All others start from the first. Its literals are codes."""

    def __init__(self, circuit: Circuit, known: Sequence[int]) -> None:
        self.circuit = circuit
        self._count = 1
        self._inputs = {
            variable: 1
            for variable in range(1, circuit.solver.variables)
            if 2 * variable < len(known) and known[2 * variable] > 0
        }
        self._changes: dict[int, int] = {}
        self._follows: dict[int, list[int]] = {}
        for clause in circuit.clauses:
            if len(clause) == 2:
                for one, other in (clause, clause[::-1]):
                    self._follows.setdefault(one ^ 1, []).append(other)
        self._start, _valid = self.evaluated()
        # Literal to its alternatives that are true in the first guess and must change.
        self._rivals: dict[int, list[int]] = {}
        for group in dict.fromkeys(circuit.alternatives.values()):
            true = [literal for literal in group if self._holds(literal)]
            self._rivals.update(
                (literal, [other ^ 1 for other in true if other != literal]) for literal in (group if true else ())
            )

    def add(self, question: Sequence[int]) -> None:
        """Adds guesses for a question."""
        known: set[frozenset[int]] = set()
        for way in range(_WAYS):
            needed, ways = self._needed(question, way)
            changes = self._changed(needed)
            if changes not in known:
                known.add(changes)
                for literal in changes:
                    self._changes[literal >> 1] = self._changes.get(literal >> 1, 0) | 1 << self._count
                self._count += 1
            if way + 1 >= ways:
                break

    def _holds(self, literal: int) -> bool:
        """Whether a literal is true in the first guess."""
        return (self._start[literal >> 1] & 1) != (literal & 1)

    def _needed(self, question: Sequence[int], way: int) -> tuple[list[int], int]:
        """The inputs that must differ from the first guess to make literals true, according to the formulas, and the
        maximum number of ways.
        """
        inputs: list[int] = []
        todo = list(question)
        ways = 1
        seen: set[int] = set()  # Formulas share parts: a chain of them has more paths than anybody can follow.
        start = self._start
        parts_of = self.circuit.parts
        while todo:
            literal = todo.pop()
            if literal in seen or (start[literal >> 1] & 1) != (literal & 1):
                continue
            seen.add(literal)
            parts = parts_of.get(literal >> 1)
            if parts is None:
                inputs.append(literal)
            elif literal & 1:
                todo.append(parts[way % len(parts)] ^ 1)
                ways = max(ways, len(parts))
            else:
                todo += parts
        return inputs, ways

    def _changed(self, literals: Sequence[int]) -> frozenset[int]:
        """The inputs that change with these, because of binary clauses and of alternatives that exclude each other."""
        changed = set(literals)
        todo = list(literals)
        while todo:
            literal = todo.pop()
            for other in (*self._follows.get(literal, ()), *self._rivals.get(literal, ())):
                if other not in changed and not self._holds(other) and other >> 1 not in self.circuit.parts:
                    changed.add(other)
                    todo.append(other)
        return frozenset(changed)

    def evaluated(self) -> tuple[list[int], int]:
        """The value of each variable in all guesses, and the guesses that meet every clause."""
        every = (1 << self._count) - 1
        values = [0] * self.circuit.solver.variables
        for variable in self._inputs:
            values[variable] = every
        for variable, bits in self._changes.items():
            values[variable] ^= bits
        values[solver.TRUE >> 1] = every
        for variable, parts in self.circuit.parts.items():
            bits = every
            for literal in parts:
                bits &= values[literal >> 1] ^ -(literal & 1)
            values[variable] = bits
        valid = every
        for clause in self.circuit.clauses:
            bits = 0
            for literal in clause:
                bits |= values[literal >> 1] ^ -(literal & 1)
            valid &= bits
        return values, valid
