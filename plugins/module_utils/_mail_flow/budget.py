# SPDX-License-Identifier: GPL-3.0-or-later
"""A budget of steps for questions about an organization's mail.

Rules and messages come from people who may be hostile, and some questions about them are as hard as questions can be.
Whatever can grow says what it does in steps, each about a microsecond of work: automata, formulas and the search in
them, composing, and the worlds of the simulator. What would need more than the budget is unknown. Steps are counted,
not timed, so the answers are the same on every machine; what is remembered from an earlier question costs the same
again.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

#: The steps for one organization: its difference and its findings together.
STEPS = 8_000_000

#: The steps for one guarantee by itself. Before that, it has half as many together with the others, where what one of
#: them learns helps the next.
STEPS_OF_GUARANTEE = 2_000_000

#: The steps for one message through one rule set.
STEPS_OF_MESSAGE = 2_000_000

_ENDLESS = 1 << 62

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class BudgetError(Exception):
    """A question takes more than its budget: in steps, or in conflicts of the solver."""


class Meter:
    """The steps that are left; fewer than none where there were too few."""

    __slots__ = ("remaining",)

    def __init__(self, steps: int) -> None:
        self.remaining = steps


_METER: ContextVar[Meter] = ContextVar("_METER")


def _meter() -> Meter:
    meter = _METER.get(None)
    if meter is None:
        meter = Meter(_ENDLESS)
        _METER.set(meter)
    return meter


def spend(steps: int) -> None:
    """Counts steps.

    :raises BudgetError: there are none left.
    """
    meter = _METER.get(None) or _meter()
    meter.remaining -= steps
    if meter.remaining < 0:
        raise BudgetError


@contextmanager
def bounded(steps: int = STEPS, share: float = 0.75) -> Iterator[Meter]:
    """What is asked inside has so many steps. Inside another budget it has at most its share of what is left of that
    one, and what it leaves is left to others.

    :param share: of what is left of the budget around.
    """
    outer = _meter()
    granted = steps if outer.remaining > _ENDLESS >> 1 else min(steps, int(max(outer.remaining, 0) * share))
    inner = Meter(granted)
    token = _METER.set(inner)
    try:
        yield inner
    finally:
        _METER.reset(token)
        outer.remaining -= granted - max(inner.remaining, 0)


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing inside is searched for garbage. A model has a million parts, all of which it needs until the question is
    answered: where many are made one after the other, searching them takes a third of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def own_budgets() -> Iterator[None]:
    """What is asked inside has budgets of its own, which no budget around limits or pays for."""
    token = _METER.set(Meter(_ENDLESS))
    try:
        yield
    finally:
        _METER.reset(token)


def remembered(most: int) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """A function whose answers are remembered, with what they cost: asked again, it costs as much. All is forgotten
    once there are too many.
    """

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        known: dict[Hashable, tuple[int, _Result]] = {}

        @wraps(function)
        def ask(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
            key = (args, tuple(kwargs.items()))
            entry = known.get(key)
            if entry is not None:
                spend(entry[0])
                return entry[1]
            before = _meter().remaining
            answer = function(*args, **kwargs)
            if len(known) >= most:
                known.clear()
            known[key] = (before - _meter().remaining, answer)
            return answer

        return ask

    return decorate
