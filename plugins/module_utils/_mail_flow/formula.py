# SPDX-License-Identifier: GPL-3.0-or-later
"""Formulas as values: what ``&``, ``|`` and ``~`` make of them. Whoever states a formula needs this, and no solver.

A value is a :class:`Literal` or, if it involves something unknown, :class:`Uncertain`: a pair of literals, certainly true
and possibly true. Known values cost nothing extra.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias


class Gates(Protocol):
    """What makes formulas of formulas; see ``sat.circuit``."""

    @property
    def literals(self) -> Sequence[Literal]:
        """The literals by their codes."""

    def conjunction(self, literals: Iterable[Literal]) -> Literal:
        """And."""

    def disjunction(self, literals: Iterable[Literal]) -> Literal:
        """Or."""

    def implies(self, one: Literal, other: Literal) -> None:
        """Adds that the first literal implies the second, which follows from the rest."""


class Literal:
    """A formula of a circuit: a variable or a gate, or the opposite of one. Equal formulas are one object.

    :param code: the solver's number for it; that of its opposite is the same but for the last bit.
    """

    __slots__ = ("circuit", "code")

    def __init__(self, circuit: Gates, code: int) -> None:
        self.circuit = circuit
        self.code = code

    def __invert__(self) -> Literal:
        return self.circuit.literals[self.code ^ 1]

    def __and__(self, other: Literal) -> Literal:
        return self.circuit.conjunction((self, other)) if isinstance(other, Literal) else NotImplemented

    def __or__(self, other: Literal) -> Literal:
        return self.circuit.disjunction((self, other)) if isinstance(other, Literal) else NotImplemented

    def __hash__(self) -> int:
        return self.code  # Sets of literals have the same order everywhere.

    def __lt__(self, other: Literal) -> bool:
        return self.code < other.code  # Which was built first.

    def __bool__(self) -> bool:
        raise TypeError("A formula is neither true nor false by itself: compare it with TRUE or FALSE.")

    def __repr__(self) -> str:
        return f"{'~' if self.code & 1 else ''}{self.code >> 1}"


class _Constant(Literal):
    """True or false, in every circuit."""

    __slots__ = ()

    def __init__(self, code: int) -> None:
        self.code = code

    def __invert__(self) -> Literal:
        return FALSE if self is TRUE else TRUE

    def __and__(self, other: Literal) -> Literal:
        if not isinstance(other, Literal):
            return NotImplemented
        return other if self is TRUE else FALSE

    def __or__(self, other: Literal) -> Literal:
        if not isinstance(other, Literal):
            return NotImplemented
        return TRUE if self is TRUE else other


#: The constants. Their codes are those of :mod:`.sat.solver`.
TRUE: Literal = _Constant(0)
FALSE: Literal = _Constant(1)


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
