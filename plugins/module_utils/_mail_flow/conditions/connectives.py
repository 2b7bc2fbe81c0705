# SPDX-License-Identifier: GPL-3.0-or-later
"""What formulas are made with, beside ``&``, ``|`` and ``~`` (``formula``).

The prover has it (``symbolic.logic``, ``sat.circuit``). Conditions and actions know it by these protocols alone, so that a
simulation, which imports them, imports no solver.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Protocol

from ..formula import Literal, Value
from ..model.kleene import Truth


class Connectives(Protocol):
    """What is unknown, and what operators do not say; see ``symbolic.logic``."""

    @property
    def free(self) -> bool:
        """Whether an unknown is a variable; otherwise it is open."""

    @property
    def observed(self) -> Mapping[str, bool]:
        """The number of an open question to the answer that was observed."""

    def unknown(self, *name: Hashable) -> Value:
        """An unknown. The same name is the same unknown."""

    def known(self, truth: Truth, *name: Hashable) -> Value:
        """A truth of the simulator; an open one is unknown."""

    def all_of(self, values: Iterable[Value]) -> Value:
        """And, of any number of values."""

    def any_of(self, values: Iterable[Value]) -> Value:
        """Or, of any number of values."""

    def or_perhaps(self, value: Value, condition: Literal, *name: Hashable) -> Value:
        """Or an unknown of this name where a condition holds."""

    def choose(self, condition: Value, then: Value, otherwise: Value) -> Value:
        """If, then, else."""

    def equal(self, one: Value, other: Value) -> Value:
        """Whether two values are equal."""


class Variables(Protocol):
    """Makes variables, and says what they have to do with each other."""

    def variable(self, name: Hashable) -> Literal:
        """The variable of this name."""

    def add(self, *clause: Literal) -> None:
        """Adds that one of these literals is true."""

    def at_most_one(self, literals: Iterable[Literal]) -> None:
        """Adds that no two of these literals are true."""

    def conjunction(self, literals: Iterable[Literal]) -> Literal:
        """And."""

    def disjunction(self, literals: Iterable[Literal]) -> Literal:
        """Or."""
