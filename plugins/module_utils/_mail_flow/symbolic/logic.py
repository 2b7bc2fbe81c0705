# SPDX-License-Identifier: GPL-3.0-or-later
"""Two logics over formulas, for the unknown.

A value is a literal or, if it involves something unknown, :class:`Uncertain`: a pair of literals, certainly true and possibly
true. Known values cost nothing extra. All values have ``&``, ``|`` and ``~``. Unknown behavior of the service has two
encodings. *Free*: a variable with any value; what is impossible then is impossible under every behavior. *Open*: the
pair of false and true, Kleene's third value; what certainly happens then happens under every behavior.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..model.kleene import Truth
from ..sat.formula import FALSE, TRUE, Circuit, Literal


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A value that is not known of every message.

    :param low: whether it is certainly true; :param:`high`: whether it is possibly true.
    """

    low: Literal
    high: Literal

    def __invert__(self) -> Value:
        return Uncertain(~self.high, ~self.low)

    def __and__(self, other: Value) -> Value:
        return pair(self.low & low(other), self.high & high(other))

    def __or__(self, other: Value) -> Value:
        return pair(self.low | low(other), self.high | high(other))

    def __rand__(self, other: Literal) -> Value:
        return self & other

    def __ror__(self, other: Literal) -> Value:
        return self | other

    def __bool__(self) -> bool:
        raise TypeError("A formula is neither true nor false by itself.")


Value: TypeAlias = Literal | Uncertain


def low(value: Value) -> Literal:
    """The literal that is true if the value is certainly true."""
    return value.low if isinstance(value, Uncertain) else value


def high(value: Value) -> Literal:
    """The literal that is true if the value may be true."""
    return value.high if isinstance(value, Uncertain) else value


def negate(value: Value) -> Value:
    """Not, as a function."""
    return ~value


def pair(lows: Literal, highs: Literal) -> Value:
    """A value from its certain and its possible literal. No single gate says that the first implies the second, so this
    adds it.
    """
    if lows is highs or lows is TRUE:
        return lows
    if highs is FALSE:
        return highs
    if lows is not FALSE and highs is not TRUE:
        lows.circuit.implies(lows, highs)
    return Uncertain(lows, highs)


#: Neither certain nor impossible.
UNKNOWN = Uncertain(FALSE, TRUE)


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
