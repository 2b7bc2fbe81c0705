# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for calls, without a service."""

from __future__ import annotations

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ServiceError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.call_requests import (
    CallRequests,
    RequestIds,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import (
    Executed,
    FailedError,
    Failure,
    Outcome,
)

READ, OTHER = Call("Get-TransportRule"), Call("Get-IRMConfiguration")
REFUSED = Failure(ServiceError("It is down."), Executed.NO)


class Failing(CallRequests):
    """Answers one cmdlet, refuses another, and fails in all others."""

    def _single(self, call: Call) -> Outcome:
        if call is READ:
            return Result(objects=[{"Name": "rule"}])
        if call is OTHER:
            raise FailedError(REFUSED)
        raise KeyError(call.cmdlet)


def test_each_call_has_its_own_outcome() -> None:
    answered, refused = Failing(RequestIds()).outcomes([READ, OTHER])
    assert (answered, refused) == (Result(objects=[{"Name": "rule"}]), REFUSED)


def test_after_an_error_that_was_not_foreseen_the_outcome_is_unknown() -> None:
    (outcome,) = Failing(RequestIds()).outcomes([Call("Set-TransportRule")])
    assert isinstance(outcome, Failure)
    assert outcome.executed is Executed.UNKNOWN


def test_a_call_keeps_its_id_as_long_as_it_is_tried() -> None:
    ids = RequestIds()
    ids.begin([READ, OTHER])
    first = ids.header(READ)
    assert first != ids.header(OTHER)
    ids.begin([READ])
    assert ids.header(READ) == first
    ids.begin([OTHER])
    ids.begin([READ])
    assert ids.header(READ) != first
