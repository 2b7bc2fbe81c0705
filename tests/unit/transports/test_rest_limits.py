# SPDX-License-Identifier: GPL-3.0-or-later
"""A call over REST has one deadline and one budget of bytes, whatever its answers do."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import http_line as _http_line
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import limits
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.rest import RestTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure

from tests.unit.connections import answer, identity
from tests.unit.transports.drips import DRIPS, PATIENCE

from .rest_attempts import GZIP, READ, WRITE, Make, attempt


@pytest.mark.parametrize("step", DRIPS.values(), ids=DRIPS)
def test_a_call_has_one_deadline(script: Make, step: Any) -> None:
    server = script(step)
    began = time.monotonic()
    (outcome,) = attempt(server, WRITE, exchange_command_timeout=1)
    assert time.monotonic() - began < PATIENCE
    assert "in time" in str(outcome.error)
    assert (outcome.executed, outcome.retryable) == (Executed.UNKNOWN, False)


def test_pages_share_the_deadline(script: Make) -> None:
    def page(handler: Any) -> None:
        time.sleep(0.3)
        answer(handler, 200, {"value": [{}], "@odata.nextLink": f"/next?p={time.monotonic()}"})

    (outcome,) = attempt(script(page), READ, exchange_command_timeout=1)
    assert "in time" in str(outcome.error)


def test_a_session_goes_on_after_a_call_that_was_too_slow(script: Make) -> None:
    server = script(DRIPS["body"], (200, {"value": [{"Name": "x"}]}))
    wire = RestTransport(identity(exchange_api_url=server.url, exchange_command_timeout=1))
    assert isinstance(wire.attempt([READ])[0], Failure)
    wire._timeout = (30, 900)
    assert isinstance(wire.attempt([READ])[0], Result)
    wire.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_SENT", 100_000)
    monkeypatch.setattr(limits, "LARGEST_UNPACKED", 400_000)
    monkeypatch.setattr(limits, "MOST_VALUES", 20_000)


def padded(size: int) -> bytes:
    text = json.dumps({"value": [{"A": ""}]})
    return json.dumps({"value": [{"A": "x" * (size - len(text))}]}).encode()


@pytest.mark.parametrize(
    ("body", "headers", "taken"),
    [
        (padded(100_000), {}, True),
        (padded(100_001), {}, False),
        (gzip.compress(padded(400_000), mtime=0), GZIP, True),
        (gzip.compress(padded(400_001), mtime=0), GZIP, False),
        (gzip.compress(b'{"value": [' + b"{}," * 9_995 + b"{}]}", mtime=0), GZIP, True),
        (gzip.compress(b'{"value": [' + b"{}," * 10_005 + b"{}]}", mtime=0), GZIP, False),
        (gzip.compress(b" " * 50_000_000, mtime=0), GZIP, False),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_call_has_a_budget(script: Make, body: bytes, headers: dict[str, str], taken: bool) -> None:
    (outcome,) = attempt(script((200, body, headers)), READ)
    assert isinstance(outcome, Result) is taken
    if not taken:
        assert isinstance(outcome.error, errors.ProtocolError)
        assert "too large" in str(outcome.error)
        assert (outcome.executed, outcome.retryable) == (Executed.UNKNOWN, False)


@pytest.mark.usefixtures("small")
def test_pages_and_batches_share_the_budget(script: Make) -> None:
    numbers = iter(range(1000))

    def page(handler: Any) -> None:
        answer(handler, 200, {"value": [{"A": "x" * 30_000}], "@odata.nextLink": f"/next?p={next(numbers)}"})

    (outcome,) = attempt(script(page), READ)
    assert "too large" in str(outcome.error)


def test_three_hundred_rules_of_eight_kilobytes_are_taken(script: Make) -> None:
    rules = [
        {
            "Name": str(number),
            "Comments": "," * 8192,
            **{f"P{index}@data.type": "System.String" for index in range(200)},
        }
        for number in range(300)
    ]
    (outcome,) = attempt(script((200, {"value": rules})), READ)
    assert len(outcome.objects) == 300


@pytest.mark.parametrize(
    ("step", "why"),
    [*((drip, "in time") for drip in DRIPS.values()), ((200, b"x" * 200_000), "too large")],
    ids=[*DRIPS, "oversized"],
)
@pytest.mark.usefixtures("small")
def test_the_authority_keeps_to_the_limits_as_well(
    script: Make, monkeypatch: pytest.MonkeyPatch, step: Any, why: str
) -> None:
    authority, service = script(step), script((200, {"value": []}))
    if why == "in time":
        monkeypatch.setattr(_http_line, "_READ_TIMEOUT", 1)
    wire = RestTransport(
        identity(exchange_api_url=service.url, exchange_client_id="a", exchange_client_secret="planted-secret")
    )
    monkeypatch.setattr(wire._credential._http, "_hosts", frozenset())  # The script speaks plain http.
    monkeypatch.setattr(wire._credential, "_fetch", lambda claims: wire._credential._http.get(authority.url).json())
    began = time.monotonic()
    (outcome,) = wire.attempt([WRITE])
    assert time.monotonic() - began < PATIENCE
    assert (outcome.executed, service.requests) == (Executed.NO, [])
    assert why in str(outcome.error)
    wire.close()


def test_warnings_are_bounded(script: Make) -> None:
    (result,) = attempt(script((200, {"value": [], "@adminapi.warnings": ["w"] * 5_000})), READ)
    assert len(result.warnings) == limits.MOST_RECORDS + 1
    assert "4000 more" in result.warnings[-1]
