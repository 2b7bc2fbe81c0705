# SPDX-License-Identifier: GPL-3.0-or-later
"""Two logics over formulas, for the unknown.

A value is a literal or, if it involves something unknown, a pair of literals: certainly true, and possibly true. Known
values cost nothing extra. Unknown behavior of the service has two encodings. *Free*: a variable with any value; what is
impossible then is impossible under every behavior. *Open*: the pair of false and true, Kleene's third value; what
certainly happens then happens under every behavior.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeAlias

from ..model.kleene import Truth
from ..sat.formula import Circuit
from ..sat.solver import FALSE, TRUE

Value: TypeAlias = "int | tuple[int, int]"


def low(value: Value) -> int:
    """The literal that is true if the value is certainly true."""
    return value if isinstance(value, int) else value[0]


def high(value: Value) -> int:
    """The literal that is true if the value may be true."""
    return value if isinstance(value, int) else value[1]


def negate(value: Value) -> Value:
    """Not."""
    return value ^ 1 if isinstance(value, int) else (value[1] ^ 1, value[0] ^ 1)


class Logic:
    """Logic over values on a circuit.

    :param free: whether unknowns are variables; otherwise they are open.
    :param questions: the variables of unknowns; none if they are open.
    """

    def __init__(self, circuit: Circuit, *, free: bool) -> None:
        self.circuit = circuit
        self.free = free
        self.questions: dict[int, None] = {}
        self._paired: set[tuple[int, int]] = set()

    def unknown(self, *name: Hashable) -> Value:
        """An unknown. If it is free, the same name is the same variable."""
        if not self.free:
            return (FALSE, TRUE)
        found = self.circuit.variable(("unknown", *name))
        self.questions[found] = None
        return found

    def known(self, truth: Truth, *name: Hashable) -> Value:
        """A truth of the simulator; an open one is unknown.

        :param name: what it is about; by default, the question's own key.
        """
        if isinstance(truth, bool):
            return TRUE if truth else FALSE
        found = self.unknown(*(name or (truth.key,)))
        return negate(found) if truth.negated else found

    def all_of(self, values: Iterable[Value]) -> Value:
        """And."""
        parts = list(values)
        if tuple not in map(type, parts):
            return self.circuit.conjunction(map(low, parts))
        return self._pair(self.circuit.conjunction(map(low, parts)), self.circuit.conjunction(map(high, parts)))

    def _pair(self, lows: int, highs: int) -> Value:
        """A value from its certain and its possible literal. No single gate says that the first implies the second, so
        this adds it.
        """
        if lows == highs:
            return lows
        if lows != FALSE and highs != TRUE and (lows, highs) not in self._paired:
            self._paired.add((lows, highs))
            self._paired.add((highs ^ 1, lows ^ 1))
            self.circuit.follows(lows ^ 1, highs)
        return (lows, highs)

    def any_of(self, values: Iterable[Value]) -> Value:
        """Or."""
        return negate(self.all_of([negate(value) for value in values]))

    def or_perhaps(self, value: Value, condition: int, *name: Hashable) -> Value:
        """Or an unknown of this name where a condition holds."""
        return value if condition == FALSE else self.any_of((value, self.all_of((condition, self.unknown(*name)))))

    def choose(self, condition: Value, then: Value, otherwise: Value) -> Value:
        """If, then, else. If the condition is open, only what both branches share is certain."""
        if isinstance(condition, int) and isinstance(then, int) and isinstance(otherwise, int):
            return self.circuit.choice(condition, then, otherwise)
        if then == otherwise:
            return then
        found = self.any_of((self.all_of((condition, then)), self.all_of((negate(condition), otherwise))))
        if isinstance(condition, int):
            return found
        lows = self.circuit.disjunction((low(found), self.circuit.conjunction((low(then), low(otherwise)))))
        return self._pair(
            lows, self.circuit.conjunction((high(found), self.circuit.disjunction((high(then), high(otherwise)))))
        )

    def equal(self, one: Value, other: Value) -> Value:
        """Whether two values are equal."""
        if isinstance(one, int) and isinstance(other, int):
            return self.circuit.equal(one, other)
        return self.any_of((self.all_of((one, other)), self.all_of((negate(one), negate(other)))))
