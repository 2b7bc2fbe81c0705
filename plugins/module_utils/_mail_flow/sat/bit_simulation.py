# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers many questions with guessed assignments, all tried at once. Private to the collection.

Usually some mail reaches a rule, and it is easy to guess: it is like known mail, and has what the rule names. Each
formula is an integer with a bit for each guess (bit-parallel simulation), so a gate costs one operation for all
guesses. Only a guess that meets every clause counts, so answers are correct whatever was guessed; the solver decides
the rest.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.formula import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import TRUE

#: The number of guesses for each question. If a formula needs one of several parts, the first guess takes the first,
#: the second another one, and so on.
_WAYS = 2

_Key = TypeVar("_Key", bound=Hashable)


class Batch:
    """Many questions about one circuit.

    :param budget: the maximum number of conflicts for all of them together, including earlier ones.
    :param cores: by question with the answer no: some of its literals that cannot be true together.
    """

    def __init__(self, circuit: Circuit, budget: int) -> None:
        self._circuit, self._budget = circuit, budget
        self.cores: dict[Hashable, set[int]] = {}

    def can(self, literals: Sequence[int]) -> bool:
        """Whether these can be true together. Once the budget is spent, everything can."""
        return self._solve(literals) is not False

    @property
    def core(self) -> Sequence[int]:
        """After a no: some of the literals that cannot be true together."""
        return self._circuit.solver.core

    def _solve(self, literals: Sequence[int]) -> bool | None:
        left = self._budget - self._circuit.solver.conflicts
        return self._circuit.solve(literals, left) if left > 0 else None

    def possible(self, questions: Sequence[tuple[_Key, Sequence[int]]]) -> set[_Key]:
        """The questions whose literals can be, or may be, true together. Guesses answer most of them, and one model of
        the solver answers many.
        """
        found: set[_Key] = set()
        left, asked = list(questions), 0
        model: list[int] | None = []  # what to guess from, unless it was
        while left:
            if model is not None:
                guessed = shown(self._circuit, [literals for _key, literals in left], model)
                found |= {key for (key, _literals), answer in zip(left, guessed, strict=True) if answer}
                left, model = [each for each in left if each[0] not in found], None
            # The more questions came in between, the better a new model is to guess from.
            asked = 2 * asked + 1
            for key, literals in left[:asked]:
                if key in found:
                    continue
                answer = self._solve(literals)
                if answer is False:
                    self.cores[key] = set(self._circuit.solver.core)
                    continue
                found.add(key)
                if answer:
                    model = self._circuit.solver.model
                    found |= {other for other, each in left if all(model[literal] > 0 for literal in each)}
            left = [each for each in left[asked:] if each[0] not in found]
        return found


def shown(circuit: Circuit, questions: Sequence[Sequence[int]], known: Sequence[int] = ()) -> list[bool]:
    """For each question, whether a guess shows that its literals can be true together. If none does, that proves
    nothing.

    :param known: a model of the solver, from which all guesses start; by default, everything is false.
    """
    guesses = _Guesses(circuit, known)
    for question in questions:
        guesses.add(question)
    values, valid = guesses.tried()
    found = []
    for question in questions:
        bits = valid
        for literal in question:
            bits &= values[literal >> 1] ^ -(literal & 1)
        found.append(bits != 0)
    return found


class _Guesses:
    """Assignments of the inputs, one for each bit. All others start from the first."""

    def __init__(self, circuit: Circuit, known: Sequence[int]) -> None:
        self.circuit, self._count = circuit, 1
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
        self._start, _valid = self.tried()
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
        found: list[int] = []
        todo, ways = list(question), 1
        seen: set[int] = set()  # Formulas share parts: a chain of them has more paths than anybody can follow.
        start, parts_of = self._start, self.circuit.parts
        while todo:
            literal = todo.pop()
            if literal in seen or (start[literal >> 1] & 1) != (literal & 1):
                continue
            seen.add(literal)
            parts = parts_of.get(literal >> 1)
            if parts is None:
                found.append(literal)
            elif literal & 1:
                todo.append(parts[way % len(parts)] ^ 1)
                ways = max(ways, len(parts))
            else:
                todo += parts
        return found, ways

    def _changed(self, literals: Sequence[int]) -> frozenset[int]:
        """The inputs that change with these, because of binary clauses and of alternatives that exclude each other."""
        found = set(literals)
        todo = list(literals)
        while todo:
            literal = todo.pop()
            for other in (*self._follows.get(literal, ()), *self._rivals.get(literal, ())):
                if other not in found and not self._holds(other) and other >> 1 not in self.circuit.parts:
                    found.add(other)
                    todo.append(other)
        return frozenset(found)

    def tried(self) -> tuple[list[int], int]:
        """The value of each variable in all guesses, and the guesses that meet every clause."""
        every = (1 << self._count) - 1
        values = [0] * self.circuit.solver.variables
        for variable in self._inputs:
            values[variable] = every
        for variable, bits in self._changes.items():
            values[variable] ^= bits
        values[TRUE >> 1] = every
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
