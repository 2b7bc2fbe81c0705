# SPDX-License-Identifier: GPL-3.0-or-later
"""Two logics over formulas, for the unknown.

Unknown behavior of the service has two encodings. *Free*: a variable with any value; what is impossible then is
impossible under every behavior. *Open*: the pair of false and true, Kleene's third value; what certainly happens then
happens under every behavior.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from ..formula import FALSE, TRUE, UNKNOWN, Literal, Uncertain, Value, high, low, pair
from ..model.kleene import Truth
from ..sat.circuit import Circuit


class Logic:
    """Logic over values on a circuit.

    :param free: whether unknowns are variables; otherwise they are open.
    :param observed: the number of an open question to the answer that was observed.
    :param questions: the variables of unknowns; none if they are open.
    """

    def __init__(self, circuit: Circuit, *, free: bool, observed: Mapping[str, bool] | None = None) -> None:
        self.circuit = circuit
        #: The number of an open question to the answer that was observed.
        self.observed: Mapping[str, bool] = observed or {}
        self.free = free
        self.questions: dict[Literal, None] = {}

    def unknown(self, *name: Hashable) -> Value:
        """An unknown, unless its question was observed. If it is free, the same name is the same variable.

        :param name: the number of the question first.
        """
        answer = self.observed.get(str(name[0]))
        if answer is not None:
            return TRUE if answer else FALSE
        if not self.free:
            return UNKNOWN
        variable = self.circuit.variable(("unknown", *name))
        self.questions[variable] = None
        return variable

    def known(self, truth: Truth, *name: Hashable) -> Value:
        """A truth of the simulator; an open one is unknown.

        :param name: what it is about; by default, the question's own key.
        """
        if isinstance(truth, bool):
            return TRUE if truth else FALSE
        value = self.unknown(*(name or (truth.key,)))
        return ~value if truth.negated else value

    def all_of(self, values: Iterable[Value]) -> Value:
        """And, of any number of values."""
        parts = list(values)
        if Uncertain not in map(type, parts):
            return self.circuit.conjunction(map(low, parts))
        return pair(self.circuit.conjunction(map(low, parts)), self.circuit.conjunction(map(high, parts)))

    def any_of(self, values: Iterable[Value]) -> Value:
        """Or, of any number of values."""
        parts = list(values)
        if Uncertain not in map(type, parts):
            return self.circuit.disjunction(map(low, parts))
        return pair(self.circuit.disjunction(map(low, parts)), self.circuit.disjunction(map(high, parts)))

    def or_perhaps(self, value: Value, condition: Literal, *name: Hashable) -> Value:
        """Or an unknown of this name where a condition holds."""
        return value if condition is FALSE else value | (condition & self.unknown(*name))

    def choose(self, condition: Value, then: Value, otherwise: Value) -> Value:
        """If, then, else. If the condition is open, only what both branches share is certain."""
        if (
            not isinstance(condition, Uncertain)
            and not isinstance(then, Uncertain)
            and not isinstance(otherwise, Uncertain)
        ):
            return self.circuit.choice(condition, then, otherwise)
        if then == otherwise:
            return then
        value = (condition & then) | (~condition & otherwise)
        if not isinstance(condition, Uncertain):
            return value
        lows = low(value) | (low(then) & low(otherwise))
        return pair(lows, high(value) & (high(then) | high(otherwise)))

    def equal(self, one: Value, other: Value) -> Value:
        """Whether two values are equal."""
        return (one & other) | (~one & ~other)
