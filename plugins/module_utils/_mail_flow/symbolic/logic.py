# SPDX-License-Identifier: GPL-3.0-or-later
"""Two logics over formulas, for the unknown.

Unknown behavior of the service has two encodings. *Free*: a variable with any value; what is impossible then is
impossible under every behavior. *Open*: the pair of false and true, Kleene's third value; what certainly happens then
happens under every behavior.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeAlias

from ..formula import FALSE, TRUE, UNKNOWN, Literal, Uncertain, Value, high, low, pair
from ..model.kleene import Truth
from ..sat.circuit import Circuit

#: What may happen, in order, and when each of it does.
Order: TypeAlias = "tuple[tuple[Hashable, Value], ...]"


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
        #: Name of an unknown that depends on an order to its variables, by that order.
        self._ordered: dict[Hashable, dict[Order, Literal]] = {}

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

    def unknown_in_order(self, order: Order, *name: Hashable) -> Value:
        """An unknown that also depends on an order: where the same things happen in two orders, theirs are equal.

        :param order: what may happen, in order, and when each of it does.
        """
        value = self.unknown(*name, order)
        if not isinstance(value, Literal) or value in (TRUE, FALSE) or not order:
            return value
        known = self._ordered.setdefault(name, {})
        if order not in known:
            for other, variable in known.items():
                differ = self._may_differ(order, other)
                if differ is not None:
                    self.circuit.define([value], *differ, ~value, variable)
                    self.circuit.define([value], *differ, value, ~variable)
            known[order] = value
        return value

    def _may_differ(self, one: Order, other: Order) -> list[Literal] | None:
        """Literals of which one is true if different things happen in two orders; ``None`` if that is not known."""
        longer, shorter = sorted((one, other), key=len, reverse=True)
        remaining = list(shorter)
        differ: list[Literal] = []
        for what, when in longer:
            same = remaining.pop(0)[1] if remaining and remaining[0][0] == what else FALSE
            differ.append(~self.circuit.equal(high(when), high(same)))
        return None if remaining else differ

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
