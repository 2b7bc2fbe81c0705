# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether a propositional formula can be made true.

Conflict-driven clause learning: two watched literals a clause, binary clauses as implications, learning at the first
unique implication point with recursive minimization, decisions by decaying activity, restarts by Luby's sequence,
removal of learned clauses that join many levels. All assumptions are on one level, so a restart keeps what follows from
them. Nothing depends on a hash or a clock: the same calls give the same answers, models and cores everywhere. A budget
counts conflicts.

A literal is an integer: ``2 * variable`` and, negated, ``2 * variable + 1``, so ``literal ^ 1`` is its opposite.
Variable 0 is the constant: :data:`TRUE` and :data:`FALSE` are its literals.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..budget import spend
from .clause_database import ClauseDatabase
from .conflict_analysis import decisions_behind, learned_clause
from .decision_order import DecisionOrder
from .trail import Trail

TRUE, FALSE = 0, 1

#: The steps of a question before its search, and the number of search steps that are counted at once.
_STEPS_TO_ASK, _VARIABLES_A_STEP, _LOOKED_AT_ONCE = 20, 10, 1_000

#: Conflicts between two restarts, times Luby's sequence; the minimum number of learned clauses to keep.
_RESTART, _KEPT = 64, 2000


class Scope(NamedTuple):
    """What a question is about: 0 or 1 by variable.

    :param decided: whether it is worth a decision.
    :param kept: whether its clauses are in scope. A clause with any other variable is ignored.
    """

    decided: bytes
    kept: bytes


class Solver:
    """A formula in conjunctive normal form, to which clauses can be added between the questions.

    :param conflicts: the number of conflicts so far.
    """

    def __init__(self) -> None:
        self.conflicts = 0
        self.core: tuple[int, ...] = ()
        self._true: list[int] = []  # the literals of the last model, of which :attr:`model` is made
        self._model: list[int] = []
        self._trail = Trail()
        self._clauses = ClauseDatabase()
        self._order = DecisionOrder()
        self._contradiction = False
        self._looked = 0  # visited clauses that are not counted as steps yet
        self._preferred: Sequence[int] = ()
        self.variable(decide=False)  # the constant
        self._trail.assign(TRUE, None)
        self._trail.propagated = 1

    def variable(self, *, decide: bool = True) -> int:
        """A new variable's positive literal.

        :param decide: whether to decide it. A variable that others determine is only decided after it took part in a
            conflict.
        """
        variable = self.variables
        self._trail.add_variable()
        self._clauses.add_variable()
        self._order.add_variable(decide=decide)
        return 2 * variable

    def add(self, clause: Iterable[int]) -> None:
        """Adds a clause: one of its literals has to be true."""
        value = self._trail.value
        literals = sorted(set(clause))
        if any(value[literal] > 0 for literal in literals) or any(
            literal ^ 1 == other for literal, other in itertools.pairwise(literals)
        ):
            return
        literals = [literal for literal in literals if not value[literal]]
        if not literals:
            self._contradiction = True
        elif len(literals) == 1:
            self._trail.assign(literals[0], None)
            if self._propagate() is not None:
                self._contradiction = True
        else:
            self._clauses.attach(literals)

    def add_gate(self, gate: int, parts: Sequence[int]) -> None:
        """Adds the clauses by which a new variable is the conjunction of other literals, which are sorted, of
        different variables, and not certain.
        """
        attach = self._clauses.attach
        for literal in parts:
            attach([literal, gate ^ 1])
        attach([*(literal ^ 1 for literal in parts), gate])

    def solve(
        self,
        assumptions: Sequence[int] = (),
        budget: int | None = None,
        scope: Scope | None = None,
        preferred: Sequence[int] = (),
    ) -> bool | None:
        """Whether the formula can be true together with the assumptions; ``None`` if the budget was spent before that
        was known.

        :param scope: everything by default. The caller guarantees that the ignored clauses can be satisfied for all values of the others, and that those
            with undecided variables are satisfied if these are false, as undecided ones are in the model. An answer of no does not depend on that.
        :param preferred: literals of which the model has each that it can have together with those before it.

        After ``True``, :meth:`holds` gives the model. After ``False``, :attr:`core` has assumptions that contradict
        each other.
        """
        self.core = ()
        self._true = []
        self._model = []
        if self._contradiction:
            return False
        spend(_STEPS_TO_ASK + self.variables // _VARIABLES_A_STEP)
        self._preferred = preferred
        decided, kept = scope or Scope(*itertools.repeat(b"\1" * self.variables, 2))
        self._trail.begin(kept)
        self._order.begin(decided)
        try:
            return self._search_with_restarts(assumptions, None if budget is None else self.conflicts + budget)
        finally:
            self._trail.end()
            if self._propagate() is not None:
                self._contradiction = True

    @property
    def certain(self) -> Sequence[int]:
        """Between two questions, by literal: 1 if it is true in every model, -1 if it is in none, 0 if that is not known."""
        return self._trail.value

    @property
    def variables(self) -> int:
        """The number of variables, including the constant."""
        return len(self._trail.level)

    @property
    def model(self) -> list[int]:
        """The model by literal: 1 true, -1 false, 0 left open.

        :raises ValueError: the last question was not answered with yes.
        """
        if not self._true:
            raise ValueError("There is no model.")
        if not self._model:
            self._model = [0] * (2 * self.variables)
            for literal in self._true:
                self._model[literal] = 1
                self._model[literal ^ 1] = -1
        return self._model

    def _propagate(self, *, decide: bool = False) -> Sequence[int] | None:  # noqa: C901, PLR0912, PLR0915  the inner loop, in which every call counts
        """Propagates all unit clauses. Returns a clause that became false, if any.

        :param decide: whether to go on with the next decision, until nothing is left.
        """
        value = self._trail.value
        trail = self._trail.literals
        starts = self._trail.starts
        level = self._trail.level
        reasons = self._trail.reasons
        implied = self._clauses.implied
        watched = self._clauses.watched
        heap = self._order.heap
        queued = self._order.queued
        phase = self._order.phase
        here = len(starts)
        looked = self._looked
        preferred = iter(self._preferred)
        upcoming = iter(self._order.initial if decide else ())
        todo = trail[self._trail.propagated :]
        note = todo.append
        del trail[self._trail.propagated :]
        try:
            while True:
                for literal in todo:  # It grows meanwhile.
                    false = literal ^ 1
                    alone = (false,)
                    for other in implied[literal]:
                        if value[other] <= 0:
                            if value[other]:
                                return (other, false)
                            value[other] = 1
                            value[other ^ 1] = -1
                            variable = other >> 1
                            level[variable] = here
                            reasons[variable] = alone
                            note(other)
                    clauses = watched[false]
                    looked += 1 + len(clauses)
                    if not clauses:
                        continue
                    moved = False
                    conflict = None
                    for clause in clauses:
                        first = clause[0]
                        if first == false:
                            first = clause[1]
                        if value[first] > 0:
                            continue
                        for other in clause:
                            if value[other] >= 0 and other != first:
                                clause[clause.index(other)] = false
                                clause[0] = first
                                clause[1] = other
                                watched[other].append(clause)
                                moved = True
                                break
                        else:
                            if value[first]:
                                conflict = clause
                                break
                            value[first] = 1
                            value[first ^ 1] = -1
                            variable = first >> 1
                            level[variable] = here
                            reasons[variable] = clause
                            note(first)
                    if moved:
                        watched[false] = [clause for clause in clauses if false in (clause[0], clause[1])]
                    if conflict is not None:
                        return conflict
                trail += todo
                todo.clear()
                if not decide:
                    return None
                looked = _counted(looked)
                for literal in preferred:
                    if not value[literal]:
                        break
                else:
                    for variable in upcoming:
                        if not value[2 * variable]:
                            break
                    else:
                        while heap:
                            variable = heapq.heappop(heap)[1]
                            queued[variable] = 0
                            if not value[2 * variable]:
                                break
                        else:
                            return None
                    literal = 2 * variable + phase[variable]
                starts.append(len(trail))
                here += 1
                variable = literal >> 1
                value[literal] = 1
                value[literal ^ 1] = -1
                level[variable] = here
                reasons[variable] = None
                note(literal)
        finally:
            trail += todo
            self._trail.propagated = len(trail)
            self._looked = looked
            if decide and self._order.initial:
                self._order.leave_initial(list(upcoming))

    def _search_with_restarts(self, assumptions: Sequence[int], end: int | None) -> bool | None:
        """Searches until the answer is known, or until a number of conflicts since the first question: ``None``."""
        restarts = 0
        while end is None or self.conflicts < end:
            restarts += 1
            answer = self._search(assumptions, _RESTART * _luby(restarts), end)
            if answer is not None:
                return answer
            self._back_to(1 if assumptions else 0)
            if self._clauses.learned > _KEPT + self.conflicts // 4:
                self._back_to(0)
                self._clauses.forget_half()
        return None

    def _search(self, assumptions: Sequence[int], conflicts: int, end: int | None) -> bool | None:
        """Searches until the answer is known, or until a number of conflicts: ``None``."""
        trail = self._trail
        while True:
            assumed_all = bool(trail.starts) or not assumptions
            conflict = self._propagate(decide=self._order.is_made and assumed_all)
            self._looked = _counted(self._looked)
            if conflict is not None:
                self.conflicts += 1
                conflicts -= 1
                if not trail.starts:
                    self._contradiction = True
                    return False
                if len(trail.starts) == 1 and assumptions:
                    self.core = decisions_behind(conflict, trail)
                    return False
                self._learn(conflict)
                if conflicts <= 0 or (end is not None and self.conflicts >= end):
                    return None
            elif not assumed_all:
                if not self._assume(assumptions):
                    return False
            elif self._order.is_made:
                self._true = trail.literals[:]
                return True
            else:
                self._order.make()

    def _assume(self, assumptions: Sequence[int]) -> bool:
        """Makes all assumptions on one level, so that they are propagated once. Returns whether none of them is false
        already.
        """
        trail = self._trail
        trail.starts.append(len(trail.literals))
        for literal in assumptions:
            if trail.value[literal] < 0:
                self.core = tuple(sorted({literal, *decisions_behind((literal,), trail)}))
                return False
            if not trail.value[literal]:
                trail.assign(literal, None)
        return True

    def _learn(self, conflict: Sequence[int]) -> None:
        """Learns a clause from a conflict, and backtracks to the level at which it becomes unit."""
        level = self._trail.level
        learned = learned_clause(conflict, self._trail, self._order.bump)
        self._order.decay()
        if len(learned) == 1:
            self._back_to(0)
            self._trail.assign(learned[0], None)
            return
        levels = len({level[other >> 1] for other in learned})
        self._back_to(level[learned[1] >> 1])
        self._clauses.learn(learned, levels)
        self._trail.assign(learned[0], learned)

    def _back_to(self, level: int) -> None:
        """Undoes all decisions above a level."""
        if len(self._trail.starts) > level:
            self._order.put_back(self._trail.back_to(level))


def _counted(looked: int) -> int:
    """Counts what was looked at as steps. Returns how much is left to count."""
    if looked <= _LOOKED_AT_ONCE:
        return looked
    spend(looked // 2)
    return 0


def _luby(number: int) -> int:
    """1, 1, 2, 1, 1, 2, 4, ...: Luby's sequence from 1."""
    while True:
        power = number.bit_length()
        if number == (1 << power) - 1:
            return 1 << (power - 1)
        number -= (1 << (power - 1)) - 1
