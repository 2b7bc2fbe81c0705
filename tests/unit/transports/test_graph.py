# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph's message trace: what is asked, and that the token goes to Graph alone."""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import GRAPH_TRACE, Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    PermissionDeniedError,
    ThrottledError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.graph import GraphTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import final

from tests.unit.connections import Script, identity

END = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
FIRST = Call(GRAPH_TRACE, {"StartDate": END - datetime.timedelta(days=1), "EndDate": END, "ResultSize": 5000})
ROW = {
    "@odata.type": "#microsoft.graph.exchangeMessageTrace",
    "id": "a1",
    "receivedDateTime": "2026-11-24T14:03:04Z",
    "status": "delivered",
}


@pytest.fixture(name="server")
def server_fixture() -> Iterator[Script]:
    script = Script()
    yield script
    script.server.shutdown()
    script.server.server_close()


def attempt(server: Script, call: Call) -> Any:
    wire = GraphTransport({**identity(exchange_api_url=server.url), "transport": "graph"})
    try:
        (outcome,) = wire.attempt([call])
        return outcome
    finally:
        wire.close()


def test_a_page_is_asked_for_by_time_and_has_the_address_of_the_next(server: Script) -> None:
    server.steps = [(200, {"value": [ROW], "@odata.nextLink": f"{server.url}/v1.0/x?$skiptoken=1"})]
    (page,) = attempt(server, FIRST).unwrap()
    assert page == {
        "rows": [{name: value for name, value in ROW.items() if "@" not in name}],
        "next": f"{server.url}/v1.0/x?$skiptoken=1",
    }
    server.steps = [(200, {"value": []})]
    (last,) = attempt(server, Call(GRAPH_TRACE, {"Next": page["next"]})).unwrap()
    assert last == {"rows": [], "next": ""}
    (path, headers, _body), (following, *_rest) = server.requests
    url = urllib.parse.urlsplit(path)
    assert url.path == "/v1.0/admin/exchange/tracing/messageTraces"
    assert urllib.parse.parse_qs(url.query) == {
        "$filter": ["receivedDateTime ge 2026-11-24T00:00:00Z and receivedDateTime le 2026-11-25T00:00:00Z"],
        "$top": ["5000"],
    }
    assert headers["Prefer"] == "include-unknown-enum-members"
    assert headers["Authorization"] == "Bearer planted-token"
    assert following == "/v1.0/x?$skiptoken=1"


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.example/v1.0",
        "{url}.example/v1.0",
        "{url}@graph.example/",
        "//graph.example/",
        "/v1.0",
        "https{rest}/v1.0",
        "{url}0/v1.0",
        "{url}",
    ],
)
def test_a_next_page_elsewhere_is_not_asked_for(server: Script, link: str) -> None:
    server.steps = [(200, {"value": []})]
    failure = attempt(
        server, Call(GRAPH_TRACE, {"Next": link.format(url=server.url, rest=server.url.removeprefix("http"))})
    )
    assert "names a next page that is not its own. The token is not sent there." in failure.error.message
    assert not failure.retryable
    assert not server.requests


def test_no_redirect_is_followed(server: Script) -> None:
    server.steps = [(302, b"", {"Location": f"{server.url}/elsewhere"})]
    assert "redirects. The token is not sent there." in attempt(server, FIRST).error.message
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_names_the_permission(server: Script, status: int) -> None:
    server.steps = [(status, {"error": {"code": "Unauthorized", "message": "the service principal was not found."}})]
    error = attempt(server, FIRST).error
    assert isinstance(error, PermissionDeniedError)
    assert "Get-" not in str(error)
    assert f"(HTTP {status}: the service principal was not found)." in error.message
    assert "ExchangeMessageTrace.Read.All" in error.remedy


def test_throttling_is_for_the_reader_to_wait_for(server: Script) -> None:
    server.steps = [(429, b"", {"Retry-After": "7"})]
    throttled = attempt(server, FIRST)
    assert isinstance(throttled, Result)
    assert isinstance(throttled.error, ThrottledError)
    assert throttled.error.message == "Microsoft Graph throttles this application, for 7 seconds."


@pytest.mark.parametrize("body", [b"<html>", {"value": "x"}, {}])
def test_an_answer_that_is_no_page_is_an_error_that_names_what_was_asked_of_graph(server: Script, body: Any) -> None:
    server.steps = [(200, body)]
    assert str(final(FIRST, attempt(server, FIRST)).error).startswith("GET /admin/exchange/tracing/messageTraces: ")


def test_graph_runs_no_cmdlet(server: Script) -> None:
    server.steps = [(200, {"value": []})]
    assert isinstance(attempt(server, Call("Get-TransportRule")).error, CmdletNotAvailableError)
    assert not server.requests
