# SPDX-License-Identifier: GPL-3.0-or-later
"""Formulas as circuits with shared subformulas.

A :class:`Literal` is a formula of a circuit: ``one & other``, ``one | other`` and ``~one`` build its gates.

Each gate is defined to the solver once. A question is only about the variables that matter to its literals: see
:mod:`.dependencies`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

from ..budget import spend
from ..formula import FALSE, TRUE, Literal
from . import solver
from .dependencies import Dependencies
from .solver import Solver

#: The cost of a variable or gate, including its memory and its part in later questions.
_STEPS_OF_GATE = 50

#: The cost of a clause, without its literals.
_STEPS_OF_CLAUSE = 10

#: The circuits to be emptied, where they are.
_TO_BE_EMPTIED: ContextVar[list[Circuit] | None] = ContextVar("_TO_BE_EMPTIED", default=None)


@contextmanager
def emptying_circuits() -> Iterator[None]:
    """The circuits that are made inside are emptied at the end: no more can be asked of them. What is built of formulas
    refers to itself in circles, so it waits for the search for garbage, which takes as long as there are parts. Most
    of these belong to circuits, and emptying frees them at once.
    """
    circuits: list[Circuit] = []
    token = _TO_BE_EMPTIED.set(circuits)
    try:
        yield
    finally:
        _TO_BE_EMPTIED.reset(token)
        for circuit in circuits:
            vars(circuit).clear()


class Circuit:
    """Gates over the variables of a solver. Each gate, and each named variable, exists once.

    :param literals: the literals by their codes.
    :param parts: variable of a gate to the codes of the literals whose conjunction it is, in the order in which they
        were built.
    :param clauses: the clauses, as codes, that are neither gates nor implied by others.
    :param alternatives: code to its group of alternatives, including itself, of which only one can be true.
    """

    def __init__(self) -> None:
        self.solver = Solver()
        self.literals: list[Literal] = [TRUE, FALSE]
        self.names: dict[Hashable, Literal] = {}
        self._gates: dict[tuple[int, ...], Literal] = {}
        self.parts: dict[int, tuple[int, ...]] = {}
        self.clauses: list[tuple[int, ...]] = []
        self.alternatives: dict[int, tuple[int, ...]] = {}
        self._implied: set[tuple[int, int]] = set()
        self._dependencies = Dependencies()
        to_be_emptied = _TO_BE_EMPTIED.get()
        if to_be_emptied is not None:
            to_be_emptied.append(self)

    def variable(self, name: Hashable) -> Literal:
        """The variable of this name."""
        variable = self.names.get(name)
        if variable is None:
            variable = self.names[name] = self._made(())
        return variable

    def _made(self, depends: tuple[int, ...], *, decide: bool = True) -> Literal:
        """A new variable that depends on others."""
        spend(_STEPS_OF_GATE)
        self._dependencies.add_variable(depends)
        code = self.solver.variable(decide=decide)
        variable = Literal(self, code)
        self.literals.append(variable)
        self.literals.append(Literal(self, code ^ 1))
        return variable

    def add(self, *clause: Literal) -> None:
        """One of these literals has to be true."""
        spend(_STEPS_OF_CLAUSE + len(clause))
        codes = codes_of(clause)
        self._dependencies.constrain(codes)
        self.clauses.append(codes)
        self.solver.add(codes)

    def define(self, variables: Iterable[Literal], *clause: Literal) -> None:
        """One of these literals must be true, which only defines some variables: for all values of the others, they
        have values with which everything that defines them is true. So it matters only to questions that depend on
        them. No added clause names them, or a gate over them.
        """
        codes = codes_of(clause)
        for defined in variables:
            variable = defined.code >> 1
            self._dependencies.add(variable, [code >> 1 for code in codes if code >> 1 != variable])
        self.clauses.append(codes)
        self.solver.add(codes)

    def follows(self, *clause: Literal) -> None:
        """Adds a clause that follows from the rest, so that the solver need not find it. It matters only to questions
        about all of its literals.
        """
        self.solver.add(codes_of(clause))

    def implies(self, one: Literal, other: Literal) -> None:
        """Adds once that the first literal implies the second, which follows from the rest."""
        pair = (one.code, other.code)
        if pair not in self._implied:
            self._implied.add(pair)
            self._implied.add((other.code ^ 1, one.code ^ 1))
            self.follows(~one, other)

    def helps(self, literal: Literal, others: Iterable[Literal]) -> None:
        """Makes questions about some literals depend on another one, too, because implied clauses connect them through
        it.
        """
        for other in others:
            if other is not TRUE and other is not FALSE:
                self._dependencies.add(other.code >> 1, [literal.code >> 1])

    def at_most_one(self, literals: Iterable[Literal]) -> None:
        """No two of these literals are true; a gate and a clause each."""
        group = list(literals)
        codes = codes_of(group)
        self.alternatives.update(dict.fromkeys(codes, codes))
        before = FALSE
        for literal in group:
            if before is not FALSE:
                self.add(~before, ~literal)
            before = before | literal

    def conjunction(self, literals: Iterable[Literal]) -> Literal:
        """And."""
        return self._gate({literal.code for literal in literals})

    def _gate(self, parts: set[int]) -> Literal:
        """The conjunction of literals with these codes. Those that clauses decide for every question are no parts of it."""
        spend(1 + len(parts) >> 1)
        certain = self.solver.certain
        known = [certain[code] for code in parts]
        if -1 in known:
            return FALSE
        if 1 in known:
            parts = {code for code in parts if not certain[code]}
        if not parts.isdisjoint([code ^ 1 for code in parts]):
            return FALSE
        if len(parts) < 2:
            return self.literals[next(iter(parts), solver.TRUE)]
        key = tuple(sorted(parts))
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = self._made(tuple(code >> 1 for code in key), decide=False)
            self.solver.add_gate(gate.code, key)
            self.parts[gate.code >> 1] = key
        return gate

    def decide_together(self, literals: Iterable[Literal]) -> None:
        """Makes variables all worth a decision if one of them is: clauses with several of them leave a choice."""
        first, *others = (literal.code >> 1 for literal in literals)
        self._dependencies.add(first, others)
        for variable in others:
            self._dependencies.add(variable, [first])

    def solve(
        self,
        literals: Iterable[Literal],
        budget: int | None = None,
        also: Iterable[Literal] = (),
        preferred: Iterable[Literal] = (),
    ) -> bool | None:
        """Whether these can be true together; ``None`` if the budget, in conflicts, was spent before that was known.

        :param also: further literals that the model must decide.
        :param preferred: literals of which the model has each that it can have together with those before it.
        """
        asked = codes_of(literals)
        wished = codes_of(preferred)
        return self.solver.solve(asked, budget, self._dependencies.scope((*asked, *codes_of(also), *wished)), wished)

    @property
    def core(self) -> tuple[Literal, ...]:
        """After a no: literals of the question that contradict each other."""
        return tuple(self.literals[code] for code in self.solver.core)

    def holds(self, literal: Literal) -> bool:
        """Whether a literal is true in the model of the last question."""
        return self._is_true(self.solver.model, literal)

    def model(self) -> Callable[[Literal], bool]:
        """After a yes: which literals are true in the model. It stays the same after further questions."""
        return partial(self._is_true, self.solver.model)

    def _is_true(self, model: Sequence[int], literal: Literal) -> bool:
        """Whether a literal is true in a model. A variable that the model leaves open is false; a gate that it does not
        decide, or that was made after it, follows from its parts.
        """
        code = literal.code
        value = model[code] if code < len(model) else 0
        if value:
            return value > 0
        if code >> 1 not in self.parts:
            return bool(code & 1)
        return self._follows_from_parts(model, literal)

    def _follows_from_parts(self, model: Sequence[int], literal: Literal) -> bool:
        true = dict[int, bool]()  # by variable
        for variable in self._dependencies.variables_of(literal.code):  # A gate comes after its parts.
            value = model[2 * variable] if 2 * variable < len(model) else 0
            parts = self.parts.get(variable)
            if value or parts is None:
                true[variable] = value > 0
            else:
                true[variable] = all(true[code >> 1] != bool(code & 1) for code in parts)
        return true[literal.code >> 1] != bool(literal.code & 1)

    def disjunction(self, literals: Iterable[Literal]) -> Literal:
        """Or."""
        return ~self._gate({literal.code ^ 1 for literal in literals})

    def equal(self, one: Literal, other: Literal) -> Literal:
        """Whether two literals are equal."""
        return (one & other) | (~one & ~other)

    def inputs(self, literal: Literal) -> list[Literal]:
        """The variables on which a literal ultimately depends, in order, without gates."""
        return [
            self.literals[2 * variable]
            for variable in self._dependencies.variables_of(literal.code)
            if variable not in self.parts
        ]

    def substitute(self, literal: Literal, answers: Iterable[Literal]) -> Literal:
        """The literal that a literal becomes where others are true: its gates with these values in place of their variables. Clauses
        are ignored.
        """
        # Variable to the code of what takes its place: an answer, or a gate over others.
        places = {answer.code >> 1: solver.FALSE if answer.code & 1 else solver.TRUE for answer in answers}
        for variable in self._dependencies.variables_of(literal.code):  # A gate comes after its parts.
            parts = self.parts.get(variable, ())
            if variable not in places and any(code >> 1 in places for code in parts):
                left = {places.get(code >> 1, code & ~1) ^ (code & 1) for code in parts}
                places[variable] = self._gate(left).code
        code = literal.code
        return self.literals[places.get(code >> 1, code & ~1) ^ (code & 1)]

    def adverse(self, literal: Literal, variables: Iterable[Literal]) -> list[Literal]:
        """Values of the variables on which a literal depends by its gates that make it false rather than true. Of a variable on
        which it depends in one way only, no other value makes it false more often, whatever the others are.
        """
        # How it depends on each variable: 1 as that is, 2 as its opposite is, 3 either way.
        ways = bytearray(self.solver.variables)
        ways[literal.code >> 1] = 1 + (literal.code & 1)
        for variable in reversed(self._dependencies.variables_of(literal.code)):  # A gate comes after its parts.
            way = ways[variable]
            opposite = way >> 1 | (way & 1) << 1
            for code in self.parts.get(variable, ()):
                ways[code >> 1] |= opposite if code & 1 else way
        with_ways = [(variable, ways[variable.code >> 1]) for variable in variables]
        return [variable if way == 2 else ~variable for variable, way in with_ways if way]

    def choice(self, condition: Literal, then: Literal, otherwise: Literal) -> Literal:
        """If, then, else."""
        if then is otherwise or condition is TRUE:
            return then
        if condition is FALSE:
            return otherwise
        return (condition & then) | (~condition & otherwise)


def codes_of(literals: Iterable[Literal]) -> tuple[int, ...]:
    """The solver's codes of literals."""
    return tuple([literal.code for literal in literals])
