# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables of a circuit matter to a question."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable

from .solver import Scope

#: The number of questions about a variable from which on what matters to it is kept.
_OFTEN = 8


class Dependencies:
    """The variables on which others depend: a gate on its parts, a defined variable on what defines it.

    The variables of clauses that define nothing matter to every question.
    """

    def __init__(self) -> None:
        self._depends: list[tuple[int, ...]] = [()]  # by variable: those that matter where it does
        self._asked = Counter[int]()  # by variable: how often it was asked about
        self._mattering: dict[int, int] = {}  # by variable that often was: those that matter then, a byte each
        self._constrained = bytearray()  # by variable: whether clauses that define nothing depend on it
        self._new: list[int] = []  # literals of such clauses that were added since that was found out

    def add_variable(self, depends: tuple[int, ...]) -> None:
        """Adds a variable that depends on others."""
        self._depends.append(depends)

    def add(self, variable: int, others: Iterable[int]) -> None:
        """Makes a variable depend on others, too."""
        self._depends[variable] += tuple(others)
        self._mattering.clear()

    def constrain(self, codes: Iterable[int]) -> None:
        """Makes the literals of a clause that defines nothing matter to every question."""
        self._new += codes

    def variables_of(self, code: int) -> list[int]:
        """The variables on which a literal depends, in order, including its own."""
        variables = len(self._depends)
        return list(itertools.compress(range(variables), self._closure((code,), bytearray(variables))))

    def scope(self, codes: Iterable[int]) -> Scope:
        """The scope of a question: what its literals and the clauses depend on. A gate outside of it follows from its
        parts.
        """
        variables = len(self._depends)
        known = 0
        new = list[int]()
        for code in codes:
            variable = code >> 1
            self._asked[variable] += 1
            if self._asked[variable] < _OFTEN:
                new.append(code)
                continue
            if variable not in self._mattering:
                mattering = self._closure((code,), bytearray(variables))
                self._mattering[variable] = int.from_bytes(mattering, "little")
            known |= self._mattering[variable]
        decided = self._closure(new, bytearray(known.to_bytes(variables, "little")))
        self._constrained += bytes(variables - len(self._constrained))
        self._closure(self._new, self._constrained)
        self._new.clear()
        kept = int.from_bytes(decided, "little") | int.from_bytes(self._constrained, "little")
        return Scope(bytes(decided), kept.to_bytes(variables, "little"))

    def _closure(self, codes: Iterable[int], reached: bytearray) -> bytearray:
        """Adds the variables on which literals depend, each as a 1."""
        depends = self._depends
        todo = [code >> 1 for code in codes if not reached[code >> 1]]
        for variable in todo:
            reached[variable] = 1
        for variable in todo:  # It grows meanwhile.
            for inner in depends[variable]:
                if not reached[inner]:
                    reached[inner] = 1
                    todo.append(inner)
        return reached
