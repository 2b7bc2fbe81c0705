# SPDX-License-Identifier: GPL-3.0-or-later
"""Many questions about one circuit, most of which are answered without a search of their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from ..formula import Literal
from .circuit import Circuit
from .guesses import shown_by_guesses

#: The number of questions from which on guesses are worth a pass over the whole circuit.
_MANY = 8

_Key = TypeVar("_Key", bound=Hashable)


class Batch:
    """Many questions about one circuit.

    :param budget: the maximum number of conflicts for all of them together, including earlier ones.
    :param given: literals that are true in each question.
    :param cores: by question with the answer no: some of its literals, and of the given ones, that cannot be true
        together.
    """

    def __init__(self, circuit: Circuit, budget: int, given: Sequence[Literal] = ()) -> None:
        self._circuit = circuit
        self._budget = budget
        self._fixed = given
        self.cores: dict[Hashable, set[Literal]] = {}

    def can(self, literals: Iterable[Literal]) -> bool:
        """Whether these can be true together. Once the budget is spent, everything can."""
        return self._solve(literals) is not False

    @property
    def core(self) -> Sequence[Literal]:
        """After a no: some of the literals that cannot be true together."""
        return self._circuit.core

    def _solve(self, literals: Iterable[Literal]) -> bool | None:
        left = self._budget - self._circuit.solver.conflicts
        return self._circuit.solve([*literals, *self._fixed], left) if left > 0 else None

    def possible(self, questions: Iterable[tuple[_Key, Sequence[Literal]]]) -> set[_Key]:
        """The questions whose literals can be, or may be, true together. Guesses answer most of them, and one model of
        the solver answers many.
        """
        answered: set[_Key] = set()
        remaining = [(key, [*literals, *self._fixed]) for key, literals in questions]
        asked = 0
        model: list[int] | None = []  # what to guess from, unless it was
        while remaining:
            if model is not None and len(remaining) >= _MANY:
                guessed = shown_by_guesses(self._circuit, [literals for _key, literals in remaining], model)
                answered |= {key for (key, _literals), answer in zip(remaining, guessed, strict=True) if answer}
                remaining = [question for question in remaining if question[0] not in answered]
                model = None
            # The more questions came in between, the better a new model is to guess from.
            asked = 2 * asked + 1
            for key, literals in remaining[:asked]:
                if key in answered:
                    continue
                answer = self._solve(literals)
                if answer is False:
                    self.cores[key] = set(self._circuit.core)
                    continue
                answered.add(key)
                if answer:
                    values = model = self._circuit.solver.model
                    answered |= {
                        other for other, wanted in remaining if all(values[literal.code] > 0 for literal in wanted)
                    }
            remaining = [question for question in remaining[asked:] if question[0] not in answered]
        return answered


class KnownModels:
    """Questions about one circuit that share models: one that a model answers with yes costs no search.

    :param solve: asks the solver; its model is that of the circuit.
    """

    #: The number of models that are kept, the newest: looking through them has to be cheaper than a search.
    _MOST = 48

    def __init__(self, circuit: Circuit, solve: Callable[[Sequence[Literal]], bool | None]) -> None:
        self._circuit = circuit
        self._solve = solve
        self._models: list[list[int]] = []

    def can(self, literals: Sequence[Literal]) -> bool | None:
        """Whether these can be true together; ``None`` if the budget does not tell."""
        return self._known(literals, ()) is not None or self._ask(literals)

    def first_possible(self, literals: Sequence[Literal], some: Mapping[_Key, Literal]) -> _Key | None:
        """The first of some literals that is true in a message which satisfies others; ``None`` if there is none, or the
        budget does not tell.
        """
        model = self._known(literals, some.values())
        if model is None:
            if not self._ask([*literals, self._circuit.disjunction(some.values())]):
                return None
            model = self._models[-1]
        return next(key for key, literal in some.items() if _decided(model, literal))

    def _ask(self, literals: Sequence[Literal]) -> bool | None:
        answer = self._solve(literals)
        if answer:
            self._models = [*self._models[1 - self._MOST :], self._circuit.solver.model]
        return answer

    def _known(self, literals: Sequence[Literal], some: Collection[Literal]) -> list[int] | None:
        """The newest model in which all literals are decided as asked, and one of some if there are any."""
        for model in reversed(self._models):
            met = all(_decided(model, literal) for literal in literals)
            if met and (not some or any(_decided(model, literal) for literal in some)):
                return model
        return None


def _decided(model: Sequence[int], literal: Literal) -> bool:
    """Whether a literal is true in a model that decides it: of what was not asked about, a model says nothing."""
    return literal.code < len(model) and model[literal.code] > 0
