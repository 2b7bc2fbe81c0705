# SPDX-License-Identifier: GPL-3.0-or-later
"""The one retry policy of the collection.

A *try* is one attempt to have a call carried out. It ends in a result (the cmdlet ran: whatever it said stands), or in
:class:`Failure` (its answer did not arrive). Then:

================================  ==========================  ====================================================
failure                           a read (Get-, Test-)        a write
================================  ==========================  ====================================================
``Executed.NO``: known not to     repeated                    repeated
have been carried out
``Executed.UNKNOWN``              repeated                    not repeated: OutcomeUnknownError, and whoever sent
                                                              it reads and decides; a create is so never doubled
not ``retryable``: the next try   reported                    reported (OutcomeUnknownError where it may have
would end the same                                            been carried out, and not to be sent again)
================================  ==========================  ====================================================

So of a write, a result is a success or a clear refusal of its first sending (``answers.judged`` sees to that), and all
else is OutcomeUnknownError, whatever the wire.

How often: ``tries`` in all (``exchange_retries``). How long between two: what the service asks for in Retry-After,
otherwise 1, 2, 4, 8 ... seconds up to 30; to that comes a random part of up to a half, so that many organizations
do not come back at once. The waits of one call add up to at most :data:`LONGEST_WAIT` seconds: a longer Retry-After
ends the tries at once. And no try begins when the time of a call (``exchange_command_timeout``) is over, however often
Microsoft's module has repeated the call within the tries before.
"""

from __future__ import annotations

import copy
import enum
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    ExchangeError,
    OutcomeUnknownError,
    ThrottledError,
    UnreachableError,
    defect,
)

#: Seconds that all waits of one call may add up to.
LONGEST_WAIT = 300.0
_FIRST_WAIT = 1.0
_LONGEST_STEP = 30.0


class Executed(enum.Enum):
    """Whether the service carried a call out."""

    NO = "it did not run"
    UNKNOWN = "it is unknown whether it ran"


@dataclass(frozen=True)
class Failure:
    """A try whose answer did not arrive.

    :param error: what is reported if no further try is made.
    :param executed: whether the call may have been carried out.
    :param retryable: whether another try may end better.
    :param retry_after: seconds that the service asks to wait; None when it said nothing.
    """

    error: ExchangeError
    executed: Executed
    retryable: bool = True
    retry_after: float | None = None


Outcome = Result | Failure


class FailedError(Exception):
    """A step before or within a try failed.

    :param failure: what that means for the calls that needed the step.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


@dataclass(frozen=True)
class Policy:
    """The policy with its settings, and its clock, which tests replace.

    :param tries: attempts in all, at least 1.
    :param seconds: after which no further one begins.
    """

    tries: int
    seconds: float = math.inf
    sleep: Callable[[float], object] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
    clock: Callable[[], float] = time.monotonic

    def run(
        self,
        calls: Sequence[Call],
        attempt: Callable[[Sequence[Call]], Sequence[Outcome]],
        log: Callable[[str], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> list[Result]:
        """Runs the calls and returns one result for each, in their order.

        :param attempt: one try of the calls that it is given; one outcome for each. What it raises is a defect, and the
            calls may have been carried out.
        :param log: takes a line about each decision; no values and no secrets are in it.
        :param wanted: whether somebody still waits for the answer; asked before each further try.
        """
        results: list[Result | None] = [None] * len(calls)
        pending = list(range(len(calls)))
        waited = 0.0
        end = self.clock() + self.seconds
        for number in range(1, self.tries + 1):
            again: dict[int, Failure] = {}
            outcomes = _outcomes_of(attempt, [calls[index] for index in pending])
            for index, outcome in zip(pending, outcomes, strict=True):
                if isinstance(outcome, Result):
                    results[index] = outcome
                elif _may_repeat(calls[index], outcome):
                    again[index] = outcome
                else:
                    results[index] = final(calls[index], outcome)
                    log(f"{calls[index].cmdlet}: {outcome.error.message} {outcome.executed.value}; not repeated.")
            wait = self._wait(number, again.values())
            late = waited + wait > LONGEST_WAIT or self.clock() + wait > end
            if not again or number == self.tries or late or not wanted():
                break
            for index, failure in again.items():
                log(
                    f"{calls[index].cmdlet}: {failure.error.message} Try {number} of {self.tries} failed; the next one is in {wait:.1f} s."
                )
            self.sleep(wait)
            waited += wait
            pending = list(again)
        for index, failure in again.items():
            results[index] = final(calls[index], failure)
            log(f"{calls[index].cmdlet}: {failure.error.message} Given up after try {number} of {self.tries}.")
        return [result for result in results if result is not None]

    def _wait(self, number: int, failures: Iterable[Failure]) -> float:
        asked = [failure.retry_after for failure in failures if failure.retry_after is not None]
        step = max(asked) if asked else min(_FIRST_WAIT * 2 ** (number - 1), _LONGEST_STEP)
        return step + self.uniform(0, min(step / 2, _LONGEST_STEP))


def _outcomes_of(attempt: Callable[[Sequence[Call]], Sequence[Outcome]], calls: Sequence[Call]) -> list[Outcome]:
    """What one try of calls comes to. A defect is the failure of each."""
    try:
        return list(attempt(calls))
    except ExchangeError:
        raise
    except Exception as error:
        return [unforeseen(error) for _call in calls]


def _may_repeat(call: Call, failure: Failure) -> bool:
    """Whether a call may be sent again: a write only if it certainly did not happen."""
    return failure.retryable and (call.is_read or failure.executed is Executed.NO)


def unforeseen(error: Exception) -> Failure:
    """The failure that an exception in our own reading is: whether the call was carried out is not known."""
    return Failure(defect(error), Executed.UNKNOWN, retryable=False)


def final(call: Call, failure: Failure) -> Result:
    """The result of a call whose last try ended in failure."""
    error = copy.copy(failure.error)  # calls that share a request share its failure
    if not isinstance(error, UnreachableError):
        error.cmdlet = error.cmdlet or call.cmdlet
    if not call.is_read and failure.executed is Executed.UNKNOWN:
        error = OutcomeUnknownError(
            f"it is unknown whether this write happened ({error.message.rstrip('.')}).",
            remedy=f"{error.remedy} The next run reads the organization first and applies what is missing.".lstrip(),
            cmdlet=call.cmdlet,
            error_id=error.error_id,
            reason=error.message,
            again=failure.retryable,
        )
    elif isinstance(error, ThrottledError) and failure.retry_after is not None:
        error.message += f" Exchange asked to wait {failure.retry_after:.0f} seconds."
    return Result(error=error)
