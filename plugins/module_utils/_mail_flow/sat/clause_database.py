# SPDX-License-Identifier: GPL-3.0-or-later
"""The clauses of a formula, by the literals whose assignment concerns them."""

from __future__ import annotations


class ClauseDatabase:
    """The clauses of a solver. A binary clause is two implications; a longer one is watched by its first two literals.

    :param implied: by literal: the literals that binary clauses make true with it.
    :param watched: by literal: the longer clauses that watch it.
    """

    def __init__(self) -> None:
        self.implied: list[list[int]] = []
        self.watched: list[list[list[int]]] = []
        self._learned: list[tuple[int, list[int]]] = []  # the number of levels in a learned clause, and the clause

    @property
    def learned(self) -> int:
        """The number of learned clauses that may be forgotten."""
        return len(self._learned)

    def add_variable(self) -> None:
        """Adds a variable, in no clause yet."""
        self.implied += ([], [])
        self.watched += ([], [])

    def attach(self, clause: list[int]) -> None:
        """Adds a clause of two or more literals."""
        if len(clause) == 2:
            self.implied[clause[0] ^ 1].append(clause[1])
            self.implied[clause[1] ^ 1].append(clause[0])
        else:
            self.watched[clause[0]].append(clause)
            self.watched[clause[1]].append(clause)

    def learn(self, clause: list[int], levels: int) -> None:
        """Adds a learned clause of two or more literals. One of two is never forgotten.

        :param levels: the number of decision levels that it joins.
        """
        self.attach(clause)
        if len(clause) > 2:
            self._learned.append((levels, clause))

    def forget_half(self) -> None:
        """Drops the half of the learned clauses that joins the most levels. Only between searches, when no clause is a
        reason above level 0.
        """
        self._learned.sort(key=lambda learned: (learned[0], len(learned[1])))
        kept = len(self._learned) // 2
        dropped = {id(clause) for _levels, clause in self._learned[kept:]}
        del self._learned[kept:]
        self.watched = [[clause for clause in clauses if id(clause) not in dropped] for clauses in self.watched]
