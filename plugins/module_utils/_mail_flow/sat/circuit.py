# SPDX-License-Identifier: GPL-3.0-or-later
"""Formulas as circuits with shared subformulas.

A :class:`Literal` is a formula of a circuit: ``one & other``, ``one | other`` and ``~one`` build its gates.

:class:`Batch` answers many questions with guessed assignments, all tried at once. Usually a guess is easy: it is like a
known model, and has what the question names. Each formula is an integer with a bit for each guess (bit-parallel
simulation), so a gate costs one operation for all guesses. Only a guess that meets every clause counts, so answers are
correct whatever was guessed; the solver decides the rest.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TypeVar

from ..budget import spend
from ..formula import FALSE, TRUE, Literal
from . import solver
from .solver import Scope, Solver

#: The cost of a variable or gate, including its memory and its part in later questions.
_STEPS_OF_GATE = 50

#: The cost of a clause, without its literals.
_STEPS_OF_CLAUSE = 10

#: The number of questions about a variable from which on what matters to it is kept.
_OFTEN = 8


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
        self._depends: list[tuple[int, ...]] = [()]  # by variable: those that matter where it does
        self._asked = Counter[int]()  # by variable: how often it was asked about
        self._mattering: dict[int, int] = {}  # by variable that often was: those that matter then, a byte each
        self._said = bytearray()  # by variable: whether clauses that define nothing depend on it
        self._new: list[int] = []  # literals of such clauses that were added since that was found out
        to_be_emptied = _TO_BE_EMPTIED.get()
        if to_be_emptied is not None:
            to_be_emptied.append(self)

    def variable(self, name: Hashable) -> Literal:
        """The variable of this name."""
        found = self.names.get(name)
        if found is None:
            found = self.names[name] = self._made(())
        return found

    def _made(self, depends: tuple[int, ...], *, decide: bool = True) -> Literal:
        """A new variable that depends on others."""
        spend(_STEPS_OF_GATE)
        self._depends.append(depends)
        code = self.solver.variable(decide=decide)
        found = Literal(self, code)
        self.literals.append(found)
        self.literals.append(Literal(self, code ^ 1))
        return found

    def add(self, *clause: Literal) -> None:
        """One of these literals has to be true."""
        spend(_STEPS_OF_CLAUSE + len(clause))
        codes = _codes(clause)
        self._new += codes
        self.clauses.append(codes)
        self.solver.add(codes)

    def define(self, variables: Iterable[Literal], *clause: Literal) -> None:
        """One of these literals must be true, which only defines some variables: for all values of the others, they
        have values with which everything that defines them is true. So it matters only to questions that depend on
        them. No added clause names them, or a gate over them.
        """
        codes = _codes(clause)
        for defined in variables:
            variable = defined.code >> 1
            self._depends[variable] += tuple(code >> 1 for code in codes if code >> 1 != variable)
        self._mattering.clear()
        self.clauses.append(codes)
        self.solver.add(codes)

    def follows(self, *clause: Literal) -> None:
        """Adds a clause that follows from the rest, so that the solver need not find it. It matters only to questions
        about all of its literals.
        """
        self.solver.add(_codes(clause))

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
                self._depends[other.code >> 1] += (literal.code >> 1,)
        self._mattering.clear()

    def at_most_one(self, literals: Iterable[Literal]) -> None:
        """No two of these literals are true; a gate and a clause each."""
        group = list(literals)
        codes = _codes(group)
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
        self._depends[first] += tuple(others)
        for variable in others:
            self._depends[variable] += (first,)
        self._mattering.clear()

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
        asked = _codes(literals)
        wished = _codes(preferred)
        return self.solver.solve(asked, budget, self._scope((*asked, *_codes(also), *wished)), wished)

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
        for variable in self._needed(literal):  # A gate comes after its parts.
            value = model[2 * variable] if 2 * variable < len(model) else 0
            parts = self.parts.get(variable)
            if value or parts is None:
                true[variable] = value > 0
            else:
                true[variable] = all(true[code >> 1] != bool(code & 1) for code in parts)
        return true[literal.code >> 1] != bool(literal.code & 1)

    def _scope(self, codes: Iterable[int]) -> Scope:
        """The scope of a question: what its literals and the clauses depend on. A gate outside of it follows from its
        parts.
        """
        variables = self.solver.variables
        known = 0
        new = list[int]()
        for code in codes:
            variable = code >> 1
            self._asked[variable] += 1
            if self._asked[variable] < _OFTEN:
                new.append(code)
                continue
            if variable not in self._mattering:
                found = self._depending((code,), bytearray(variables))
                self._mattering[variable] = int.from_bytes(found, "little")
            known |= self._mattering[variable]
        decided = self._depending(new, bytearray(known.to_bytes(variables, "little")))
        self._said += bytes(variables - len(self._said))
        self._depending(self._new, self._said)
        self._new.clear()
        kept = int.from_bytes(decided, "little") | int.from_bytes(self._said, "little")
        return Scope(bytes(decided), kept.to_bytes(variables, "little"))

    def _depending(self, codes: Iterable[int], found: bytearray) -> bytearray:
        """Adds the variables on which literals depend, each as a 1."""
        depends = self._depends
        todo = [code >> 1 for code in codes if not found[code >> 1]]
        for variable in todo:
            found[variable] = 1
        for variable in todo:  # It grows meanwhile.
            for inner in depends[variable]:
                if not found[inner]:
                    found[inner] = 1
                    todo.append(inner)
        return found

    def disjunction(self, literals: Iterable[Literal]) -> Literal:
        """Or."""
        return ~self._gate({literal.code ^ 1 for literal in literals})

    def equal(self, one: Literal, other: Literal) -> Literal:
        """Whether two literals are equal."""
        return (one & other) | (~one & ~other)

    def inputs(self, literal: Literal) -> list[Literal]:
        """The variables on which a literal ultimately depends, in order, without gates."""
        return [self.literals[2 * variable] for variable in self._needed(literal) if variable not in self.parts]

    def substitute(self, literal: Literal, answers: Iterable[Literal]) -> Literal:
        """The literal that a literal becomes where others are true: its gates with these values in place of their variables. Clauses
        are ignored.
        """
        # Variable to the code of what takes its place: an answer, or a gate over others.
        places = {answer.code >> 1: solver.FALSE if answer.code & 1 else solver.TRUE for answer in answers}
        for variable in self._needed(literal):  # A gate comes after its parts.
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
        for variable in reversed(self._needed(literal)):  # A gate comes after its parts.
            way = ways[variable]
            opposite = way >> 1 | (way & 1) << 1
            for code in self.parts.get(variable, ()):
                ways[code >> 1] |= opposite if code & 1 else way
        found = [(variable, ways[variable.code >> 1]) for variable in variables]
        return [variable if way == 2 else ~variable for variable, way in found if way]

    def _needed(self, literal: Literal) -> list[int]:
        """The variables on which a literal depends, in order, including its own."""
        variables = self.solver.variables
        return list(itertools.compress(range(variables), self._depending((literal.code,), bytearray(variables))))

    def choice(self, condition: Literal, then: Literal, otherwise: Literal) -> Literal:
        """If, then, else."""
        if then is otherwise or condition is TRUE:
            return then
        if condition is FALSE:
            return otherwise
        return (condition & then) | (~condition & otherwise)


def _codes(literals: Iterable[Literal]) -> tuple[int, ...]:
    return tuple([literal.code for literal in literals])


#: The number of guesses for each question. If a formula needs one of several parts, the first guess takes the first,
#: the second another one, and so on.
_WAYS = 2

#: The number of questions from which on guesses are worth a pass over the whole circuit.
_MANY = 8


_Key = TypeVar("_Key", bound=Hashable)


class Batch:
    """Many questions about one circuit.

    :param budget: the maximum number of conflicts for all of them together, including earlier ones.
    :param given: literals that are true in each question.
    :param cores: by question with the answer no: some of its literals, and of the given ones, that cannot be true
        together.
    """

    def __init__(self, circuit: Circuit, budget: int, given: Sequence[Literal] = ()) -> None:
        self._circuit = circuit
        self._budget = budget
        self._given = given
        self.cores: dict[Hashable, set[Literal]] = {}

    def can(self, literals: Iterable[Literal]) -> bool:
        """Whether these can be true together. Once the budget is spent, everything can."""
        return self._solve(literals) is not False

    @property
    def core(self) -> Sequence[Literal]:
        """After a no: some of the literals that cannot be true together."""
        return self._circuit.core

    def _solve(self, literals: Iterable[Literal]) -> bool | None:
        left = self._budget - self._circuit.solver.conflicts
        return self._circuit.solve([*literals, *self._given], left) if left > 0 else None

    def possible(self, questions: Iterable[tuple[_Key, Sequence[Literal]]]) -> set[_Key]:
        """The questions whose literals can be, or may be, true together. Guesses answer most of them, and one model of
        the solver answers many.
        """
        found: set[_Key] = set()
        left = [(key, [*literals, *self._given]) for key, literals in questions]
        asked = 0
        model: list[int] | None = []  # what to guess from, unless it was
        while left:
            if model is not None and len(left) >= _MANY:
                guessed = shown(self._circuit, [literals for _key, literals in left], model)
                found |= {key for (key, _literals), answer in zip(left, guessed, strict=True) if answer}
                left = [question for question in left if question[0] not in found]
                model = None
            # The more questions came in between, the better a new model is to guess from.
            asked = 2 * asked + 1
            for key, literals in left[:asked]:
                if key in found:
                    continue
                answer = self._solve(literals)
                if answer is False:
                    self.cores[key] = set(self._circuit.core)
                    continue
                found.add(key)
                if answer:
                    values = model = self._circuit.solver.model
                    found |= {other for other, each in left if all(values[literal.code] > 0 for literal in each)}
            left = [question for question in left[asked:] if question[0] not in found]
        return found


class KnownModels:
    """Questions about one circuit that share models: one that a model answers with yes costs no search.

    :param solve: asks the solver; its model is that of the circuit.
    """

    #: The number of models that are kept, the newest: looking through them has to be cheaper than a search.
    _MOST = 48

    def __init__(self, circuit: Circuit, solve: Callable[[Sequence[Literal]], bool | None]) -> None:
        self._circuit = circuit
        self._solve = solve
        self._models: list[list[int]] = []

    def can(self, literals: Sequence[Literal]) -> bool | None:
        """Whether these can be true together; ``None`` if the budget does not tell."""
        return self._known(literals, ()) is not None or self._ask(literals)

    def first(self, literals: Sequence[Literal], some: Mapping[_Key, Literal]) -> _Key | None:
        """The first of some literals that is true in a message which satisfies others; ``None`` if there is none, or the
        budget does not tell.
        """
        model = self._known(literals, some.values())
        if model is None:
            if not self._ask([*literals, self._circuit.disjunction(some.values())]):
                return None
            model = self._models[-1]
        return next(key for key, literal in some.items() if _decided(model, literal))

    def _ask(self, literals: Sequence[Literal]) -> bool | None:
        answer = self._solve(literals)
        if answer:
            self._models = [*self._models[1 - self._MOST :], self._circuit.solver.model]
        return answer

    def _known(self, literals: Sequence[Literal], some: Collection[Literal]) -> list[int] | None:
        """The newest model in which all literals are decided as asked, and one of some if there are any."""
        for model in reversed(self._models):
            met = all(_decided(model, literal) for literal in literals)
            if met and (not some or any(_decided(model, literal) for literal in some)):
                return model
        return None


def _decided(model: Sequence[int], literal: Literal) -> bool:
    """Whether a literal is true in a model that decides it: of what was not asked about, a model says nothing."""
    return literal.code < len(model) and model[literal.code] > 0


def shown(circuit: Circuit, questions: Sequence[Sequence[Literal]], known: Sequence[int] = ()) -> list[bool]:
    """For each question, whether a guess shows that its literals can be true together. If none does, that proves
    nothing.

    :param known: a model of the solver, from which all guesses start; by default, everything is false.
    """
    guesses = _Guesses(circuit, known)
    asked = [_codes(question) for question in questions]
    for codes in asked:
        guesses.add(codes)
    values, valid = guesses.tried()
    found = []
    for codes in asked:
        bits = valid
        for code in codes:
            bits &= values[code >> 1] ^ -(code & 1)
        found.append(bits != 0)
    return found


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
