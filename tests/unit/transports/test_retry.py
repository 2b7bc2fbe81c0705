# SPDX-License-Identifier: GPL-3.0-or-later
"""The retry policy, as its table says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    OutcomeUnknownError,
    ServiceError,
    ThrottledError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import retry
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import (
    Executed,
    Failure,
    Outcome,
    Policy,
)

READ = Call("Get-IRMConfiguration")
WRITE = Call("New-TransportRule", {"Name": "x"})


def run(
    calls: Sequence[Call], *tries: Sequence[Outcome], number: int = 5, **kwargs: Any
) -> tuple[list[Result], list[float], list[str], int]:
    waits: list[float] = []
    log: list[str] = []
    left = list(tries)

    def attempt(asked: Sequence[Call]) -> Sequence[Outcome]:
        outcomes = left.pop(0)
        assert len(outcomes) == len(asked)
        return outcomes

    policy = Policy(number, sleep=waits.append, uniform=lambda low, high: high)
    return policy.run(calls, attempt, log.append, **kwargs), waits, log, len(tries) - len(left)


def failure(executed: Executed = Executed.UNKNOWN, **kwargs: Any) -> Failure:
    return Failure(ServiceError("the service failed."), executed, **kwargs)


@pytest.mark.parametrize(("call", "executed"), [(READ, Executed.NO), (READ, Executed.UNKNOWN), (WRITE, Executed.NO)])
def test_what_is_safe_is_repeated(call: Call, executed: Executed) -> None:
    results, waits, log, tries = run([call], [failure(executed)], [Result(objects=[{"A": 1}])])
    assert results[0].unwrap() == [{"A": 1}]
    assert tries == 2
    assert waits == [1.5]
    assert len(log) == 1


def test_a_write_with_a_lost_answer_is_never_repeated() -> None:
    results, waits, log, tries = run([WRITE], [failure()])
    assert isinstance(results[0].error, OutcomeUnknownError)
    assert results[0].error.cmdlet == "New-TransportRule"
    assert (tries, waits) == (1, [])
    assert "not repeated" in log[0]


def test_a_write_that_fails_to_the_end_without_having_happened_says_so() -> None:
    results, _waits, _log, tries = run([WRITE], *[[failure(Executed.NO)]] * 3, number=3)
    assert results[0].error.__class__ is ServiceError
    assert tries == 3


def test_trouble_that_does_not_pass_is_reported_at_once() -> None:
    results, waits, _log, tries = run([READ], [failure(retryable=False)])
    assert results[0].error.__class__ is ServiceError
    assert (tries, waits) == (1, [])


def test_only_what_failed_is_asked_again() -> None:
    results, _waits, _log, _tries = run(
        [READ, READ], [Result(objects=[{"A": 1}]), failure()], [Result(objects=[{"A": 2}])]
    )
    assert [result.objects for result in results] == [[{"A": 1}], [{"A": 2}]]


def test_the_wait_grows_and_has_a_limit() -> None:
    _results, waits, _log, _tries = run([READ], *[[failure()]] * 8, number=8)
    assert waits == [1.5, 3.0, 6.0, 12.0, 24.0, 45.0, 45.0]


def test_retry_after_is_honored() -> None:
    throttled = Failure(ThrottledError("slow down."), Executed.NO, retry_after=7)
    _results, waits, _log, _tries = run([READ], [throttled], [Result()])
    assert waits[0] >= 7


def test_a_retry_after_beyond_all_bounds_ends_the_tries() -> None:
    throttled = Failure(ThrottledError("slow down."), Executed.NO, retry_after=retry.LONGEST_WAIT + 1)
    results, waits, _log, tries = run([READ], [throttled])
    assert (tries, waits) == (1, [])
    assert "301 seconds" in str(results[0].error)


def test_the_waits_together_stay_within_the_bound() -> None:
    _results, waits, _log, _tries = run([READ], *[[failure()]] * 100, number=100)
    assert sum(waits) <= retry.LONGEST_WAIT


def test_nobody_waits_any_more_ends_the_tries() -> None:
    results, waits, _log, tries = run([READ], [failure()], wanted=lambda: False)
    assert results[0].error is not None
    assert (tries, waits) == (1, [])


def test_no_try_begins_when_the_time_of_the_call_is_over() -> None:
    """Each try may take long, because Microsoft's module repeats the call within it."""
    now, tries = [0.0], list[float]()

    def attempt(asked: Sequence[Call]) -> Sequence[Outcome]:
        tries.append(now[0])
        now[0] += 62
        return [failure() for _call in asked]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    policy = Policy(5, seconds=100, sleep=sleep, uniform=lambda low, high: low, clock=lambda: now[0])
    (result,) = policy.run([READ], attempt, lambda line: None)
    assert result.error.__class__ is ServiceError
    assert tries == [0, 63]
