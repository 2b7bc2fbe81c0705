# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which a solver decides variables."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence

#: The decay of activity.
_DECAY = 1 / 0.95

#: The number of entries per variable at which the heap is rebuilt: every conflict adds some.
_TIMES = 2


class DecisionOrder:
    """The variables to decide, the most active one first: the one that took part in the most, and latest, conflicts.

    :param phase: by variable: 1 if it is decided to be false. A variable gets the value again that it had last.
    :param initial: the variables in the order of a question's first decisions, until a conflict changes it.
    :param heap: after that: the negated activity and the variable, some of them out of date.
    :param queued: by variable: whether the heap has it with its present activity.
    :param is_made: whether there is an order for this question. Many questions need none, and many no other than the
        first.
    """

    def __init__(self) -> None:
        self.phase: list[int] = []
        self.initial: list[int] = []
        self.heap: list[tuple[float, int]] = []
        self.queued = bytearray()
        self.is_made = False
        self._activity: list[float] = []
        self._step = 1.0
        self._input = bytearray()  # by variable: 0 if others determine it, and no conflict needed it
        self._eligible = b""  # by variable: whether it is worth a decision in this question

    def add_variable(self, *, decide: bool) -> None:
        """Adds a variable that never took part in a conflict.

        :param decide: whether to decide it. Otherwise it is only decided after it took part in a conflict.
        """
        self.phase.append(1)
        self._activity.append(0.0)
        self._input.append(decide)

    def begin(self, eligible: bytes) -> None:
        """Begins a question: all phases are false, so that models come out small."""
        self.phase = [1] * len(self._activity)
        self._eligible = eligible
        self.is_made = False

    def make(self) -> None:
        """Makes the first order of a question, by activity in earlier ones."""
        variables = len(self._activity)
        decided = int.from_bytes(self._eligible, "big") & int.from_bytes(self._input, "big")
        self.queued = bytearray(decided.to_bytes(variables, "big"))
        self.initial = sorted(
            itertools.compress(range(variables), self.queued), key=self._activity.__getitem__, reverse=True
        )
        self.heap = []
        self.is_made = True

    def leave_initial(self, remaining: Sequence[int]) -> None:
        """Goes on with the heap instead of the first order. What is sorted is a heap.

        :param remaining: the variables of the first order that were not looked at.
        """
        for variable in self.initial[: len(self.initial) - len(remaining)]:
            self.queued[variable] = 0
        self.heap = [(-self._activity[variable], variable) for variable in remaining]
        self.initial = []

    def bump(self, variable: int) -> None:
        """Makes a variable more active that took part in a conflict."""
        self._activity[variable] += self._step
        self._input[variable] = 1
        if self._eligible[variable]:
            self.queued[variable] = 1
            heapq.heappush(self.heap, (-self._activity[variable], variable))

    def decay(self) -> None:
        """Makes what took part in earlier conflicts less active, by making later ones count more."""
        self._step *= _DECAY
        if self._step > 1e100:
            self._activity = [activity * 1e-100 for activity in self._activity]
            self._step *= 1e-100
            self._rebuild()
        elif len(self.heap) > _TIMES * len(self._activity):
            self._rebuild()

    def put_back(self, literals: Iterable[int]) -> None:
        """Takes back the variables of literals that are open again. Their phases are the values that they had."""
        phase = self.phase
        activity = self._activity
        heap = self.heap
        queued = self.queued
        eligible = self._eligible
        for literal in literals:
            variable = literal >> 1
            phase[variable] = literal & 1
            if eligible[variable] and not queued[variable]:
                queued[variable] = 1
                heapq.heappush(heap, (-activity[variable], variable))

    def _rebuild(self) -> None:
        """Makes the heap anew by present activity, each variable once."""
        activity = self._activity
        self.heap = [(-activity[variable], variable) for variable in sorted({variable for _key, variable in self.heap})]
        heapq.heapify(self.heap)
