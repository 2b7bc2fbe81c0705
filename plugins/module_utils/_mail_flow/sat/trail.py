# SPDX-License-Identifier: GPL-3.0-or-later
"""The assignments of a search, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Sequence

#: The value of a variable's literals before a question, if its clauses are in scope. Otherwise both are true, which
#: satisfies these clauses.
_FIRST = bytes.maketrans(b"\0\1", b"\2\0")


class Trail:
    """The literals that are true, and why.

    :param value: by literal: 1 true, -1 false, 0 open.
    :param level: by variable: the decision level of its assignment; 0 for what is certain.
    :param reasons: by variable: the clause that forced it; ``None`` for a decision.
    :param literals: the true literals, first to last; :param:`starts` the place at which each decision level begins.
    :param propagated: how many of them were propagated.
    """

    def __init__(self) -> None:
        self.value: list[int] = []
        self.level: list[int] = []
        self.reasons: list[Sequence[int] | None] = []
        self.literals: list[int] = []
        self.starts: list[int] = []
        self.propagated = 0
        self._certain = 0  # the number of literals that were certain before the question

    def add_variable(self) -> None:
        """Adds a variable without a value."""
        self.value += (0, 0)
        self.level.append(0)
        self.reasons.append(None)

    def assign(self, literal: int, reason: Sequence[int] | None) -> None:
        """Makes a literal true on the present level."""
        self.value[literal] = 1
        self.value[literal ^ 1] = -1
        variable = literal >> 1
        self.level[variable] = len(self.starts)
        self.reasons[variable] = reason
        self.literals.append(literal)

    def begin(self, kept: bytes) -> None:
        """Begins a question.

        :param kept: by variable, 0 or 1: whether its clauses are in scope.
        """
        self.value = [0] * (2 * len(self.level))
        self.value[::2] = self.value[1::2] = kept.translate(_FIRST)
        self._set_values()
        self._certain = len(self.literals)

    def end(self) -> None:
        """Ends a question: all clauses are in scope again, and what was learned for certain is not propagated yet."""
        if self.starts:
            del self.literals[self.starts[0] :]
            self.starts.clear()
        self.value = [0] * len(self.value)
        self._set_values()
        self.propagated = self._certain

    def back_to(self, level: int) -> list[int]:
        """Undoes all levels above one, of which there is at least one. Returns the literals that are open again."""
        start = self.starts[level]
        value = self.value
        undone = self.literals[start:]
        for literal in undone:
            value[literal] = value[literal ^ 1] = 0
        del self.literals[start:]
        del self.starts[level:]
        self.propagated = start
        return undone

    def _set_values(self) -> None:
        for literal in self.literals:
            self.value[literal] = 1
            self.value[literal ^ 1] = -1
