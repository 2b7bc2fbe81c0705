# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formulas as circuits with shared subformulas. Private to the collection."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Sequence

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.budget import spend
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import (
    FALSE,
    TRUE,
    Scope,
    Solver,
)

#: The cost of a variable or gate, including its memory and its part in later questions.
_STEPS_OF_GATE = 50

#: The cost of a clause, without its literals.
_STEPS_OF_CLAUSE = 10


class Circuit:
    """Gates over the variables of a solver. Each gate, and each named variable, exists once.

    :param parts: variable of a gate to the literals whose conjunction it is, in the order in which they were built.
    :param clauses: the clauses that are neither gates nor implied by others.
    :param alternatives: literal to its group of alternatives, including itself, of which only one can be true.
    """

    def __init__(self) -> None:
        self.solver = Solver()
        self.names: dict[Hashable, int] = {}
        self._gates: dict[tuple[int, ...], int] = {}
        self.parts: dict[int, tuple[int, ...]] = {}
        self.clauses: list[tuple[int, ...]] = []
        self.alternatives: dict[int, tuple[int, ...]] = {}
        self._depends: list[tuple[int, ...]] = [()]  # by variable: those that matter where it does
        self._said = bytearray()  # by variable: whether clauses that define nothing depend on it
        self._new: list[int] = []  # literals of such clauses that were added since that was found out

    def variable(self, name: Hashable) -> int:
        """The variable of this name."""
        found = self.names.get(name)
        if found is None:
            found = self.names[name] = self._made(())
        return found

    def _made(self, depends: tuple[int, ...], *, decide: bool = True) -> int:
        """A new variable that depends on others."""
        spend(_STEPS_OF_GATE)
        self._depends.append(depends)
        return self.solver.variable(decide=decide)

    def add(self, *clause: int) -> None:
        """One of these literals has to be true."""
        spend(_STEPS_OF_CLAUSE + len(clause))
        self._new += clause
        self.clauses.append(clause)
        self.solver.add(clause)

    def define(self, variables: Iterable[int], *clause: int) -> None:
        """One of these literals must be true, which only defines some variables: for all values of the others, they
        have values with which everything that defines them is true. So it matters only to questions that depend on
        them. No added clause names them, or a gate over them.
        """
        for variable in variables:
            self._depends[variable >> 1] += tuple(literal >> 1 for literal in clause if literal >> 1 != variable >> 1)
        self.clauses.append(clause)
        self.solver.add(clause)

    def follows(self, *clause: int) -> None:
        """Adds a clause that follows from the rest, so that the solver need not find it. It matters only to questions
        about all of its literals.
        """
        self.solver.add(clause)

    def helps(self, literal: int, others: Iterable[int]) -> None:
        """Makes questions about some literals depend on another one, too, because implied clauses connect them through
        it.
        """
        for other in others:
            if other > FALSE:
                self._depends[other >> 1] += (literal >> 1,)

    def at_most_one(self, literals: Iterable[int]) -> None:
        """No two of these literals are true; a gate and a clause each."""
        before: int | None = None
        group = tuple(literals)
        self.alternatives.update(dict.fromkeys(group, group))
        for literal in group:
            if before is None:
                before = literal
                continue
            self.add(before ^ 1, literal ^ 1)
            before = self.disjunction((before, literal))

    def conjunction(self, literals: Iterable[int]) -> int:
        """And."""
        parts = set(literals)
        spend(1 + len(parts) >> 1)
        parts.discard(TRUE)
        if FALSE in parts or not parts.isdisjoint([literal ^ 1 for literal in parts]):
            return FALSE
        if len(parts) < 2:
            return next(iter(parts), TRUE)
        key = tuple(sorted(parts))
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = self._made(tuple(literal >> 1 for literal in key), decide=False)
            self.solver.add_gate(gate, key)
            self.parts[gate >> 1] = key
        return gate

    def together(self, literals: Iterable[int]) -> None:
        """Variables that are all worth a decision if one of them is: clauses with several of them leave a choice."""
        first, *others = (literal >> 1 for literal in literals)
        self._depends[first] += tuple(others)
        for variable in others:
            self._depends[variable] += (first,)

    def solve(
        self,
        literals: Sequence[int],
        budget: int | None = None,
        also: Sequence[int] = (),
        preferred: Sequence[int] = (),
    ) -> bool | None:
        """Whether these can be true together; ``None`` if the budget, in conflicts, was spent before that was known.

        :param also: further literals that the model must decide.
        :param preferred: literals of which the model has each that it can have together with those before it.
        """
        return self.solver.solve(literals, budget, self._scope((*literals, *also, *preferred)), preferred)

    def _scope(self, literals: Iterable[int]) -> Scope:
        """The scope of a question: what its literals and the clauses depend on. A gate outside of it follows from its
        parts.
        """
        variables = self.solver.variables
        decided = bytes(self._depending(literals, bytearray(variables)))
        self._said += bytes(variables - len(self._said))
        self._depending(self._new, self._said)
        self._new.clear()
        kept = int.from_bytes(decided, "big") | int.from_bytes(self._said, "big")
        return Scope(decided, kept.to_bytes(variables, "big"))

    def _depending(self, literals: Iterable[int], found: bytearray) -> bytearray:
        """Adds the variables on which literals depend, each as a 1."""
        depends = self._depends
        todo = [literal >> 1 for literal in literals if not found[literal >> 1]]
        for variable in todo:
            found[variable] = 1
        for variable in todo:  # It grows meanwhile.
            for inner in depends[variable]:
                if not found[inner]:
                    found[inner] = 1
                    todo.append(inner)
        return found

    def disjunction(self, literals: Iterable[int]) -> int:
        """Or."""
        return self.conjunction([literal ^ 1 for literal in literals]) ^ 1

    def equal(self, one: int, other: int) -> int:
        """Whether two literals are equal."""
        return self.disjunction((self.conjunction((one, other)), self.conjunction((one ^ 1, other ^ 1))))

    def inputs(self, literal: int) -> list[int]:
        """The variables on which a literal ultimately depends, in order, without gates."""
        return [2 * variable for variable in self._needed(literal) if variable not in self.parts]

    def given(self, literal: int, answers: Iterable[int]) -> int:
        """A literal under the assumption that others are true, by its gates, ignoring clauses."""
        found = {each >> 1: TRUE ^ (each & 1) for each in answers}
        for variable in self._needed(literal):  # A gate comes after its parts.
            if variable not in found:
                parts = self.parts.get(variable)
                found[variable] = (
                    2 * variable
                    if parts is None
                    else self.conjunction([found[each >> 1] ^ (each & 1) for each in parts])
                )
        return found[literal >> 1] ^ (literal & 1)

    def _needed(self, literal: int) -> list[int]:
        """The variables on which a literal depends, in order, including its own."""
        variables = self.solver.variables
        return list(itertools.compress(range(variables), self._depending((literal,), bytearray(variables))))

    def choice(self, condition: int, then: int, otherwise: int) -> int:
        """If, then, else."""
        if then == otherwise or condition == TRUE:
            return then
        if condition == FALSE:
            return otherwise
        return self.disjunction((self.conjunction((condition, then)), self.conjunction((condition ^ 1, otherwise))))
