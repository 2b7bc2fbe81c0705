# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: what is in one, what becomes of their parts, and which requests are under way side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.rest import RestTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure

from tests.unit.connections import answer, hang_up, identity

from .rest_attempts import READ, WRITE, Make, attempt


def batch(*, refuse: Callable[[str], bool]) -> Callable[[Any], None]:
    """Answers each part, and refuses the tokens that ``refuse`` names; single calls, too."""

    def step(handler: Any) -> None:
        good = {"value": [{"Name": "x"}]}
        if "requests" not in handler.asked:
            answer(handler, 401 if refuse(handler.headers["Authorization"]) else 200, good)
            return
        parts = [
            {"id": part["id"], "status": 401 if refuse(part["headers"].get("Authorization", "")) else 200, "body": good}
            for part in handler.asked["requests"]
        ]
        answer(handler, 200, {"responses": parts})

    return step


class Tokens:
    """A credential whose tokens are counted."""

    renewable = True
    authority = "the authority"
    names = None
    user = ""
    organization_id = ""
    tenant_id = ""

    def __init__(self) -> None:
        self.number = 1

    def token(self) -> str:
        return f"token-{self.number}"

    def renew(self, claims: str | None) -> None:
        self.number += 1


@pytest.mark.parametrize("count", [1, 3, 25])
def test_a_part_that_is_answered_401_gets_another_token(
    script: Make, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    server = script(batch(refuse=lambda header: header != "Bearer token-2"))
    wire = RestTransport(identity(exchange_api_url=server.url))
    wire._line.credential = Tokens()  # type: ignore[assignment]
    outcomes = wire.attempt([Call("Get-TransportRule", {"Identity": str(number)}) for number in range(count)])
    assert [isinstance(outcome, Result) and bool(outcome.objects) for outcome in outcomes] == [True] * count
    assert wire._line.token() == "token-2"
    wire.close()


def test_each_part_of_a_batch_carries_its_authorization(script: Make) -> None:
    server = script(batch(refuse=lambda header: header != "Bearer planted-token"))
    assert [outcome.error for outcome in attempt(server, READ, READ)] == [None, None]


def test_the_headers_of_a_batch_are_those_of_its_last_part_as_with_microsofts_module(script: Make) -> None:
    server = script(batch(refuse=lambda header: False))
    attempt(server, READ, Call("Get-IRMConfiguration"))
    ((_path, headers, body),) = server.requests
    first, last = (part["headers"] for part in body["requests"])
    assert (first["X-CmdletName"], last["X-CmdletName"], headers["X-CmdletName"]) == (
        "Get-TransportRule",
        *["Get-IRMConfiguration"] * 2,
    )
    assert first["client-request-id"] != last["client-request-id"] == headers["client-request-id"]
    assert first["Prefer"] == last["Prefer"] == "odata.maxpagesize=1000;odata.continue-on-error"
    assert headers["Prefer"] == "odata.continue-on-error"
    assert {name: headers[name] for name in last if name not in ("Prefer", "Content-Type")} == {
        name: value for name, value in last.items() if name not in ("Prefer", "Content-Type")
    }


class TokenOfOneUse(Tokens):
    """A credential whose authority refuses a second token."""

    def renew(self, claims: str | None) -> None:
        raise errors.AuthenticationError("no more tokens.")

    def failure(self, error: Exception) -> Failure:
        return Failure(errors.AuthenticationError(str(error)), Executed.NO, retryable=False)


def _first_part_done_others_refused(handler: Any) -> None:
    parts = [
        {"id": part["id"], "status": 200 if part["id"] == "0" else 401, "body": {"value": []}}
        for part in handler.asked["requests"]
    ]
    answer(handler, 200, {"responses": parts})


@pytest.mark.parametrize("number", [2, 3])
def test_a_write_that_is_answered_as_done_stays_done_where_others_get_no_other_token(script: Make, number: int) -> None:
    """Otherwise it would be sent a second time, or be called not applied."""
    wire = RestTransport(identity(exchange_api_url=script(_first_part_done_others_refused).url))
    wire._line.credential = TokenOfOneUse()  # type: ignore[assignment]
    done, *refused = wire.attempt([WRITE] * number)
    wire.close()
    assert isinstance(done, Result)
    assert done.error is None
    assert [outcome.executed for outcome in refused] == [Executed.NO] * (number - 1)


@pytest.mark.parametrize("number", [2, 3])
def test_a_write_that_is_answered_as_done_stays_done_where_the_others_are_lost_at_their_second_try(
    script: Make, number: int
) -> None:
    wire = RestTransport(identity(exchange_api_url=script(_first_part_done_others_refused, hang_up).url))
    wire._line.credential = Tokens()  # type: ignore[assignment]
    done, *lost = wire.attempt([WRITE] * number)
    wire.close()
    assert isinstance(done, Result)
    assert [outcome.executed for outcome in lost] == [Executed.UNKNOWN] * (number - 1)


@pytest.mark.parametrize(
    "others", [[], [Call("Get-IRMConfiguration")], [Call("Get-Command", {"Name": ["Get-IRMConfiguration"]})]]
)
def test_a_call_keeps_its_request_id_over_all_tries(script: Make, others: list[Call]) -> None:
    ids: list[dict[str, str]] = [{}]

    def step(handler: Any) -> None:
        asked = (
            handler.asked["requests"]
            if handler.asked and "requests" in handler.asked
            else [{"headers": handler.headers}]
        )
        ids[-1].update(
            {part["headers"].get("X-CmdletName", ""): part["headers"]["client-request-id"] for part in asked}
        )
        answer(handler, 503, b"")

    wire = RestTransport(identity(exchange_api_url=script(step).url))
    calls = [Call("Get-TransportRule"), *others]
    for tried in (calls, calls, [Call("Get-TransportRule")]):
        wire.attempt(tried)
        ids.append({})
    wire.close()
    first, second, another, _none = ids
    assert first == second
    assert len(set(first.values())) == len(calls)
    assert another["Get-TransportRule"] not in first.values()


def test_a_part_that_stays_refused_is_an_authentication_error(script: Make) -> None:
    first, second = attempt(script(batch(refuse=lambda header: True)), READ, READ)
    assert isinstance(first.error, errors.AuthenticationError)
    assert isinstance(second.error, errors.AuthenticationError)


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_where_batches_are_refused_reads_are_made_singly(script: Make, status: int) -> None:
    def step(handler: Any) -> None:
        many = "requests" in handler.asked
        answer(
            handler,
            status if many else 200,
            b"" if many else {"value": [{"Name": handler.asked["CmdletInput"]["CmdletName"]}]},
        )

    server = script(step)
    wire = RestTransport(identity(exchange_api_url=server.url))
    for _time in range(2):
        outcomes = wire.attempt([READ, Call("Get-IRMConfiguration")])
        assert [outcome.objects[0]["Name"] for outcome in outcomes] == ["Get-TransportRule", "Get-IRMConfiguration"]
    assert (
        sum("requests" in body for _path, _headers, body in server.requests) == 1
    )  # it is not asked for what it does not take again
    wire.close()


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413])
def test_where_a_batch_is_refused_its_writes_are_not_repeated(script: Make, status: int) -> None:
    """Whether the service has run a part of what it refuses as a whole is not known."""

    def step(handler: Any) -> None:
        many = "requests" in handler.asked
        answer(handler, status if many else 200, b"" if many else {"value": [{"Name": "x"}]})

    server = script(step)
    write, read = attempt(server, WRITE, READ)
    assert (write.executed, write.retryable) == (Executed.UNKNOWN, True)
    assert read.objects == [{"Name": "x"}]
    assert [
        body["CmdletInput"]["CmdletName"] for _path, _headers, body in server.requests if "requests" not in body
    ] == [READ.cmdlet]


def test_requests_with_a_write_among_them_follow_each_other(script: Make) -> None:
    under_way = most = 0

    def step(handler: Any) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        time.sleep(0.05)
        under_way -= 1
        batch(refuse=lambda header: False)(handler)

    server = script(step)
    attempt(server, WRITE, *[Call("Get-TransportRule", {"Identity": str(number)}) for number in range(20)])
    assert most == 1
    sizes = [
        [part["body"]["CmdletInput"]["CmdletName"] == WRITE.cmdlet for part in body["requests"]]
        for _path, _headers, body in server.requests[:2]
    ]
    assert sizes == [[True, *[False] * 9], [False] * 10]


def test_batches_of_one_invoke_are_under_way_side_by_side(script: Make) -> None:
    together = threading.Barrier(3, timeout=120)

    def step(handler: Any) -> None:
        together.wait()  # nobody is answered before all three are there
        batch(refuse=lambda header: False)(handler)

    server = script(step)
    outcomes = attempt(server, *[Call("Get-TransportRule", {"Identity": str(number)}) for number in range(30)])
    assert len(server.requests) == 3
    assert [outcome.error for outcome in outcomes] == [None] * 30


# Redirects
