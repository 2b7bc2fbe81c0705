# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether a propositional formula can be made true.

Conflict-driven clause learning: two watched literals a clause, binary clauses as implications, learning at the first
unique implication point with recursive minimization, decisions by decaying activity, restarts by Luby's sequence,
removal of learnt clauses that join many levels. All assumptions are on one level, so a restart keeps what follows from
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
from .conflict_analysis import assumed, follows

TRUE, FALSE = 0, 1

#: The steps of a question before its search, and the number of search steps that are counted at once.
_STEPS_TO_ASK, _VARIABLES_A_STEP, _LOOKED_AT_ONCE = 20, 10, 1_000

#: Conflicts between two restarts, times Luby's sequence; the minimum number of learnt clauses to keep; the decay of
#: activity.
_RESTART, _KEPT, _DECAY = 64, 2000, 1 / 0.95

#: The number of entries per variable at which the order is rebuilt: every conflict adds some.
_TIMES = 2

#: The value of a variable's literals before a question, if its clauses are in scope. Otherwise both are true, which
#: satisfies these clauses.
_FIRST = bytes.maketrans(b"\0\1", b"\2\0")


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
        self._value: list[int] = [1, -1]  # by literal: 1 true, -1 false, 0 open
        self._implied: list[list[int]] = [[], []]  # by literal: what a binary clause makes true with it
        self._watched: list[list[list[int]]] = [[], []]  # by literal: longer clauses that watch it
        self._level: list[int] = [0]
        self._reason: list[Sequence[int] | None] = [None]
        self._activity: list[float] = [0.0]
        self._phase: list[int] = [0]
        self._input = bytearray(1)  # by variable: 0 if others determine it, and no conflict needed it
        self._trail: list[int] = [TRUE]
        self._limits: list[int] = []
        self._done = 1
        self._order: list[tuple[float, int]] = []
        self._first: list[int] = []  # the variables in the order of a question's first decisions, until it changes
        self._ordered = False
        self._step = 1.0
        self._learnt: list[tuple[int, list[int]]] = []  # the number of levels in a learnt clause, and the clause
        self._eligible = b""
        self._queued = bytearray()
        self._contradiction = False
        self._looked = 0  # visited clauses that are not counted as steps yet
        self._preferred: Sequence[int] = ()
        self._known = 1  # the number of literals of the trail that were certain before the question

    def variable(self, *, decide: bool = True) -> int:
        """A new variable's positive literal.

        :param decide: whether to decide it. A variable that others determine is only decided after it took part in a
            conflict.
        """
        variable = len(self._level)
        self._value += (0, 0)
        self._implied += ([], [])
        self._watched += ([], [])
        self._level.append(0)
        self._reason.append(None)
        self._activity.append(0.0)
        self._phase.append(1)
        self._input.append(decide)
        return 2 * variable

    def add(self, clause: Iterable[int]) -> None:
        """Adds a clause: one of its literals has to be true."""
        value = self._value
        literals = sorted(set(clause))
        if any(value[literal] > 0 for literal in literals) or any(
            literal ^ 1 == other for literal, other in itertools.pairwise(literals)
        ):
            return
        literals = [literal for literal in literals if not value[literal]]
        if not literals:
            self._contradiction = True
        elif len(literals) == 1:
            self._assign(literals[0], None)
            if self._propagate() is not None:
                self._contradiction = True
        else:
            self._attach(literals)

    def add_gate(self, gate: int, parts: Sequence[int]) -> None:
        """Adds the clauses by which a new variable is the conjunction of other literals, which are sorted, of
        different variables, and not certain.
        """
        for literal in parts:
            self._attach([literal, gate ^ 1])
        self._attach([*(literal ^ 1 for literal in parts), gate])

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
        spend(_STEPS_TO_ASK + len(self._level) // _VARIABLES_A_STEP)
        self._preferred = preferred
        self._begin(scope or Scope(*itertools.repeat(b"\1" * len(self._level), 2)))
        end = None if budget is None else self.conflicts + budget
        found: bool | None = None
        restarts = 0
        try:
            while found is None and (end is None or self.conflicts < end):
                restarts += 1
                found = self._search(assumptions, _RESTART * _luby(restarts), end)
                if found is None:
                    self._back_to(1 if assumptions else 0)
                    if len(self._learnt) > _KEPT + self.conflicts // 4:
                        self._back_to(0)
                        self._forget()
        finally:
            self._end()
        return found

    def holds(self, literal: int) -> bool:
        """Whether a literal is true in the model. A variable that is left open is false."""
        value = self.model[literal]
        return value > 0 or (not value and bool(literal & 1))

    @property
    def certain(self) -> Sequence[int]:
        """Between two questions, by literal: 1 if it is true in every model, -1 if it is in none, 0 if that is not known."""
        return self._value

    @property
    def variables(self) -> int:
        """The number of variables, including the constant."""
        return len(self._level)

    @property
    def model(self) -> list[int]:
        """The model by literal: 1 true, -1 false, 0 left open.

        :raises ValueError: the last question was not answered with yes.
        """
        if not self._true:
            raise ValueError("There is no model.")
        if not self._model:
            self._model = [0] * len(self._value)
            for literal in self._true:
                self._model[literal] = 1
                self._model[literal ^ 1] = -1
        return self._model

    def _begin(self, scope: Scope) -> None:
        """Every question starts with all phases false, so that models come out small."""
        variables = len(self._level)
        self._phase = [1] * variables
        self._eligible = scope.decided
        self._ordered = False
        self._value = [0] * (2 * variables)
        self._value[::2] = self._value[1::2] = scope.kept.translate(_FIRST)
        self._set_trail()
        self._known = len(self._trail)

    def _put_in_order(self) -> None:
        """The first decision of a question is the variable that was most active before. Many questions need none, and
        many no other order than the first.
        """
        variables = len(self._level)
        decided = int.from_bytes(self._eligible, "big") & int.from_bytes(self._input, "big")
        self._queued = bytearray(decided.to_bytes(variables, "big"))
        self._first = sorted(
            itertools.compress(range(variables), self._queued), key=self._activity.__getitem__, reverse=True
        )
        self._order = []
        self._ordered = True

    def _set_trail(self) -> None:
        for literal in self._trail:
            self._value[literal] = 1
            self._value[literal ^ 1] = -1

    def _end(self) -> None:
        """Puts all clauses back in scope, and propagates what was learnt for certain."""
        if self._limits:
            del self._trail[self._limits[0] :]
            self._limits.clear()
        self._value = [0] * len(self._value)
        self._set_trail()
        self._done = self._known
        if self._propagate() is not None:
            self._contradiction = True

    def _attach(self, clause: list[int]) -> None:
        if len(clause) == 2:
            self._implied[clause[0] ^ 1].append(clause[1])
            self._implied[clause[1] ^ 1].append(clause[0])
        else:
            self._watched[clause[0]].append(clause)
            self._watched[clause[1]].append(clause)

    def _assign(self, literal: int, reason: Sequence[int] | None) -> None:
        self._value[literal] = 1
        self._value[literal ^ 1] = -1
        variable = literal >> 1
        self._level[variable] = len(self._limits)
        self._reason[variable] = reason
        self._trail.append(literal)

    def _propagate(self, *, decide: bool = False) -> Sequence[int] | None:  # noqa: C901, PLR0912, PLR0915  the inner loop, in which every call counts
        """Propagates all unit clauses. Returns a clause that became false, if any.

        :param decide: whether to go on with the next decision, until nothing is left.
        """
        value = self._value
        trail = self._trail
        implied = self._implied
        watched = self._watched
        level = self._level
        reasons = self._reason
        here = len(self._limits)
        looked = self._looked
        order = self._order
        queued = self._queued
        phase = self._phase
        preferred = iter(self._preferred)
        upcoming = iter(self._first if decide else ())
        todo = trail[self._done :]
        note = todo.append
        del trail[self._done :]
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
                        while order:
                            variable = heapq.heappop(order)[1]
                            queued[variable] = 0
                            if not value[2 * variable]:
                                break
                        else:
                            return None
                    literal = 2 * variable + phase[variable]
                self._limits.append(len(trail))
                here += 1
                variable = literal >> 1
                value[literal] = 1
                value[literal ^ 1] = -1
                level[variable] = here
                reasons[variable] = None
                note(literal)
        finally:
            trail += todo
            self._done = len(trail)
            self._looked = looked
            if decide and self._first:
                self._leave_first_order(list(upcoming))

    def _leave_first_order(self, remaining: Sequence[int]) -> None:
        """Goes on with an order that changes. What is sorted is a heap.

        :param remaining: the variables of the first order that were not looked at.
        """
        for variable in self._first[: len(self._first) - len(remaining)]:
            self._queued[variable] = 0
        self._order = [(-self._activity[variable], variable) for variable in remaining]
        self._first = []

    def _search(self, assumptions: Sequence[int], conflicts: int, end: int | None) -> bool | None:
        """Searches until the answer is known, or until a number of conflicts."""
        while True:
            assumed_all = bool(self._limits) or not assumptions
            conflict = self._propagate(decide=self._ordered and assumed_all)
            self._looked = _counted(self._looked)
            if conflict is not None:
                self.conflicts += 1
                conflicts -= 1
                if not self._limits:
                    self._contradiction = True
                    return False
                if len(self._limits) == 1 and assumptions:
                    self.core = assumed(conflict, self._value, self._level, self._reason)
                    return False
                self._learn(conflict)
                if conflicts <= 0 or (end is not None and self.conflicts >= end):
                    return None
            elif not assumed_all:
                if not self._assume(assumptions):
                    return False
            elif self._ordered:
                self._true = self._trail[:]
                return True
            else:
                self._put_in_order()

    def _assume(self, assumptions: Sequence[int]) -> bool:
        """Makes all assumptions on one level, so that they are propagated once. Returns whether none of them is false
        already.
        """
        self._limits.append(len(self._trail))
        for literal in assumptions:
            if self._value[literal] < 0:
                self.core = tuple(sorted({literal, *assumed((literal,), self._value, self._level, self._reason)}))
                return False
            if not self._value[literal]:
                self._assign(literal, None)
        return True

    def _learn(self, conflict: Sequence[int]) -> None:
        """Learns a clause from a conflict, and backtracks to the level at which it becomes unit."""
        level = self._level
        reasons = self._reason
        trail = self._trail
        here = len(self._limits)
        seen: set[int] = set()
        learnt: list[int] = []
        open_ = 0
        index = len(trail)
        clause = conflict
        literal = -1
        while True:
            for other in clause:
                variable = other >> 1
                if other != literal and variable not in seen and level[variable]:
                    seen.add(variable)
                    self._bump(variable)
                    if level[variable] == here:
                        open_ += 1
                    else:
                        learnt.append(other)
            index -= 1
            while trail[index] >> 1 not in seen:
                index -= 1
            literal = trail[index]
            open_ -= 1
            if not open_:
                break
            clause = reasons[literal >> 1] or ()
        # A literal that the others imply is not needed.
        levels = {level[other >> 1] for other in learnt}
        needless: dict[int, bool] = {}
        learnt = [other for other in learnt if not follows(other, seen, levels, level, reasons, needless)]
        learnt.sort(key=lambda other: (-level[other >> 1], other))
        learnt.insert(0, literal ^ 1)
        self._decay()
        joined = len({level[other >> 1] for other in learnt})
        self._back_to(level[learnt[1] >> 1] if len(learnt) > 1 else 0)
        if len(learnt) > 1:
            self._attach(learnt)
            if len(learnt) > 2:
                self._learnt.append((joined, learnt))
        self._assign(learnt[0], learnt if len(learnt) > 1 else None)

    def _decay(self) -> None:
        """Makes what took part in earlier conflicts less active, by making later ones count more."""
        self._step *= _DECAY
        if self._step > 1e100:
            self._activity = [activity * 1e-100 for activity in self._activity]
            self._step *= 1e-100
            self._reorder()
        elif len(self._order) > _TIMES * len(self._level):
            self._reorder()

    def _bump(self, variable: int) -> None:
        self._activity[variable] += self._step
        self._input[variable] = 1
        if self._eligible[variable]:
            self._queued[variable] = 1
            heapq.heappush(self._order, (-self._activity[variable], variable))

    def _reorder(self) -> None:
        """The order by current activity, each variable once."""
        activity = self._activity
        self._order = [
            (-activity[variable], variable) for variable in sorted({variable for _key, variable in self._order})
        ]
        heapq.heapify(self._order)

    def _back_to(self, level: int) -> None:
        if len(self._limits) <= level:
            return
        start = self._limits[level]
        value = self._value
        phase = self._phase
        activity = self._activity
        order = self._order
        queued = self._queued
        eligible = self._eligible
        for literal in self._trail[start:]:
            value[literal] = value[literal ^ 1] = 0
            variable = literal >> 1
            phase[variable] = literal & 1
            if eligible[variable] and not queued[variable]:
                queued[variable] = 1
                heapq.heappush(order, (-activity[variable], variable))
        del self._trail[start:]
        del self._limits[level:]
        self._done = start

    def _forget(self) -> None:
        """Drops the half of the learnt clauses with the most levels. Only between searches, when no clause is a reason
        above level 0.
        """
        self._learnt.sort(key=lambda each: (each[0], len(each[1])))
        kept = len(self._learnt) // 2
        gone = {id(clause) for _joined, clause in self._learnt[kept:]}
        del self._learnt[kept:]
        self._watched = [[clause for clause in clauses if id(clause) not in gone] for clauses in self._watched]


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
