# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft Graph does in mailboxes: what is asked, and what each answer means."""

from __future__ import annotations

import base64
import datetime
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import (
    GRAPH_ABOUT,
    GRAPH_FIND,
    GRAPH_MIME,
    GRAPH_SEND,
    Call,
    Result,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    InvalidValueError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.answers import judged
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.graph import GraphTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Policy

from tests.unit.connections import Script, identity

MIME = b"From: ann@contoso.com\r\nSubject: Offer\r\n\r\nHello\r\n"
SEND = Call(GRAPH_SEND, {"Mailbox": "ann+x@contoso.com", "Message": MIME})
FIND = Call(GRAPH_FIND, {"Mailbox": "ann@contoso.com", "MessageId": "<it's@contoso.com>"})
SINCE = datetime.datetime(2026, 12, 1, 9, 30, tzinfo=datetime.UTC)
ABOUT = Call(GRAPH_ABOUT, {"Mailbox": "ann@contoso.com", "Since": SINCE, "Subject": "[it's-1]"})
READ = Call(GRAPH_MIME, {"Mailbox": "ann@contoso.com", "Id": "AA/B="})


@pytest.fixture(name="server")
def server_fixture() -> Iterator[Script]:
    script = Script()
    yield script
    script.server.shutdown()
    script.server.server_close()


def result(server: Script, call: Call, tries: int = 1) -> Result:
    """As a session has it."""
    wire = GraphTransport({**identity(exchange_api_url=server.url), "transport": "graph"})
    policy = Policy(tries, sleep=lambda seconds: None)
    try:
        (found,) = policy.run(
            [call],
            lambda calls: [judged(each, one) for each, one in zip(calls, wire.attempt(calls), strict=True)],
            print,
        )
        return found
    finally:
        wire.close()


def test_a_message_is_sent_as_mime_from_the_mailbox_of_its_sender(server: Script) -> None:
    server.steps = [(202, b"")]
    assert result(server, SEND).unwrap() == []
    ((path, headers, body),) = server.requests
    assert urllib.parse.unquote(path) == "/v1.0/users/ann+x@contoso.com/sendMail"
    assert "+" not in path
    assert headers["Content-Type"] == "text/plain"
    assert base64.b64decode(body) == MIME


@pytest.mark.parametrize("status", [200, 201, 204, 408, 500, 502, 503, 504])
def test_any_other_answer_leaves_it_open_and_is_not_repeated(server: Script, status: int) -> None:
    server.steps = [(status, b"{}"), (202, b"")]
    with pytest.raises(OutcomeUnknownError):
        result(server, SEND, tries=3).unwrap()
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidValueError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (413, InvalidValueError),
    ],
)
def test_a_refusal_says_that_it_was_not_sent(server: Script, status: int, error: type[Exception]) -> None:
    server.steps = [(status, {"error": {"code": "ErrorX", "message": "Because."}})]
    with pytest.raises(error, match="Because"):
        result(server, SEND).unwrap()


def test_a_message_that_is_throttled_was_not_sent_and_is_sent_again(server: Script) -> None:
    server.steps = [(429, {"error": {"code": "TooManyRequests", "message": "x"}}), (202, b"")]
    assert result(server, SEND, tries=2).unwrap() == []
    assert len(server.requests) == 2


def test_a_copy_is_found_by_its_id_and_read_as_mime(server: Script) -> None:
    server.steps = [(200, {"value": [{"id": "AA/B="}]})]
    assert result(server, FIND).unwrap() == [{"id": "AA/B="}]
    server.steps = [(200, MIME)]
    (found,) = result(server, READ).unwrap()
    assert base64.b64decode(found["mime"]) == MIME
    (asked, _headers, _body), (read, _more, _none) = server.requests
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(asked).query)
    assert query["$filter"] == ["internetMessageId eq '<it''s@contoso.com>'"]
    assert read == "/v1.0/users/ann@contoso.com/messages/AA%2FB%3D/$value"


def test_messages_about_one_are_found_by_subject_and_time(server: Script) -> None:
    server.steps = [(200, {"value": [{"id": "AA"}]})]
    assert result(server, ABOUT).unwrap() == [{"id": "AA"}]
    ((asked, _headers, _body),) = server.requests
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(asked).query)
    assert query["$filter"] == ["receivedDateTime ge 2026-12-01T09:30:00Z and contains(subject,'[it''s-1]')"]


@pytest.mark.parametrize("call", [FIND, ABOUT, READ], ids=["find", "about", "read"])
def test_a_mailbox_that_may_not_be_read_is_named_so(server: Script, call: Call) -> None:
    server.steps = [(403, {"error": {"code": "ErrorAccessDenied", "message": "Access is denied."}})]
    with pytest.raises(PermissionDeniedError, match=r"Access is denied.*Mail\.Read"):
        result(server, call).unwrap()


def test_a_redirect_of_a_message_is_not_followed(server: Script) -> None:
    server.steps = [(307, b"", {"Location": "https://elsewhere.example/"})]
    found: Any = result(server, SEND)
    assert isinstance(found.error, OutcomeUnknownError)
