# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the admin API that are none: empty, odd, cut, or made to break their reader."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.answers import judged
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.rest import RestTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.rest_address import ServiceAddress
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import (
    Executed,
    FailedError,
    Failure,
    Policy,
)

from tests.unit.connections import ORGANIZATION, answer, identity

from .rest_attempts import GZIP, READ, WRITE, Make, attempt, chunked, raw

EMPTY: dict[str, Any] = {
    "no body": (200, b""),
    "accepted": (202, {"value": []}),
    "no content": (204, b""),
    "no value": (200, {"@odata.context": "x"}),
    "null": (200, b"null"),
    "list": (200, []),
    "value null": (200, {"value": None}),
    "value object": (200, {"value": {"Name": "x"}}),
    "cut before its first byte": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"),
    "cut": raw(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"value": []}'),
    "no length": raw(b"HTTP/1.1 200 OK\r\n\r\n"),
    "last chunk alone": raw(chunked(b"0\r\n\r\n")),
    "no last chunk": raw(chunked(b'd\r\n{"value": []}\r\n')),
    "half a chunk": raw(chunked(b'ff\r\n{"value": []}')),
    "no chunk": raw(chunked(b"")),
    "gzip header": (200, gzip.compress(b'{"value": []}', mtime=0)[:10], GZIP),
    "half gzip": (200, gzip.compress(b'{"value": []}', mtime=0)[:-9], GZIP),
    "gzip without its end": (200, gzip.compress(b'{"value": []}', mtime=0)[:-8], GZIP),
    "gzip of nothing": (200, gzip.compress(b"", mtime=0), GZIP),
    "NUL bytes": (200, b"\0" * 40, GZIP),
}


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("step", EMPTY.values(), ids=EMPTY)
def test_an_empty_answer_is_none(script: Make, step: Any, call: Call) -> None:
    (outcome,) = attempt(script(step), call)
    assert isinstance(outcome, Failure)
    assert (outcome.executed, outcome.retryable) == (Executed.UNKNOWN, True)


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"body": None},
        {"body": ""},
        {"body": {}},
        {"body": {"value": None}},
        {"body": []},
        {"status": 204},
        {"status": True},
    ],
)
def test_an_empty_part_of_a_batch_is_none(script: Make, part: dict[str, Any]) -> None:
    server = script(
        (200, {"responses": [{"id": "0", "status": 200, "body": {"value": []}}, {"id": "1", "status": 200, **part}]})
    )
    first, second = attempt(server, READ, READ)
    assert isinstance(first, Result)
    assert isinstance(second, Failure)


@pytest.mark.parametrize(
    "cmdlet",
    [
        "Get-OrganizationConfig",
        "Get-IRMConfiguration",
        "Get-ActiveSyncOrganizationSettings",
        "Get-OMEConfiguration",
        "Get-TransportConfig",
    ],
)
def test_where_there_is_always_something_nothing_is_no_answer(cmdlet: str) -> None:
    outcome = judged(Call(cmdlet), Result())
    assert isinstance(outcome, Failure)
    assert outcome.retryable
    assert judged(Call(cmdlet), Result(objects=[{"Name": "x"}])).__class__ is Result


def test_a_write_that_answers_like_another_cmdlet_was_perhaps_not_carried_out() -> None:
    assert isinstance(judged(WRITE, Result(objects=[{"Name": "x"}])), Failure)
    assert isinstance(judged(WRITE, Result(warnings=["x"])), Result)
    assert isinstance(judged(Call("New-TransportRule"), Result(objects=[{"Name": "x"}])), Result)


ODD: dict[str, Any] = {
    "Retry-After of digits": (429, b"", {"Retry-After": "9" * 400}),
    "Retry-After of a year": (429, b"", {"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}),
    "Retry-After of hours": (503, b"", {"Retry-After": "Fri, 31 Dec 9999 23:59:59 +9999"}),
    "Retry-After of words": (503, b"", {"Retry-After": "soon"}),
    "half an address": (302, b"", {"Location": "http://["}),
    "a port that is none": (302, b"", {"Location": "http://127.0.0.1:99999999/"}),
    "a redirect to nowhere": (307, b"", {}),
    "a redirect elsewhere": (308, b"", {"Location": "https://evil.example.com/"}),
    "another answer": (303, b"", {"Location": "ftp://127.0.0.1/"}),
    "not modified": (304, b""),
    "HTML with 404": (404, b"<html>nowhere</html>"),
    "HTML with 409": (409, b"<html>conflict</html>"),
    "HTML with 400": (400, b"<html>bad</html>"),
    "a list with 400": (400, []),
    "deep": (200, b"[" * 100_000 + b"]" * 100_000),
    "deep value": (200, b'{"value": [' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"]}"),
    "deep error": (400, b'{"error": {"details": [{"message": "' + b'{\\"message\\": \\"' * 500 + b'"}]}}'),
    "error of numbers": (400, {"error": {"code": 1, "message": 2, "details": 3, "innererror": 4}}),
    "errors of numbers": (200, {"@adminapi.errors": [17], "value": []}),
    "service unavailable": (503, {"error": {"code": "TooManyRequests", "message": "x"}}),
    "gateway timeout": (504, {"error": {"details": [{"message": "|System.ArgumentException|x"}]}}),
    "bad gateway": (
        502,
        {
            "error": {
                "code": "x",
                "message": "The operation couldn't be performed because object 'x' couldn't be found on 'y'.",
            }
        },
    ),
    "request timeout": (408, {"error": {"code": "x", "message": "x"}}),
    "infinite": (200, b'{"value": [], "@odata.nextLink": 1e999}'),
    "NaN": (200, b'{"value": NaN}'),
    "not UTF-8": (200, b'{"value": ["\xff"]}'),
}


@pytest.mark.parametrize("step", ODD.values(), ids=ODD)
def test_no_answer_to_a_write_is_taken_for_not_sent(script: Make, step: Any) -> None:
    """What the service said is a refusal that it named, a failure that leaves it open, or a throttle. Nothing raises."""
    (outcome,) = attempt(script(step), WRITE)
    if isinstance(outcome, Failure):
        assert outcome.executed is (Executed.NO if step[0] == 429 else Executed.UNKNOWN)
        assert "this is a bug" not in str(outcome.error)
    else:
        assert step[0] in (200, 400)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_passes_is_tried_again_whatever_its_body_says(script: Make, status: int) -> None:
    body = {
        "error": {
            "code": "NotFound",
            "details": [{"message": "Ex1|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|x"}],
        }
    }
    (outcome,) = attempt(script((status, body)), READ)
    assert isinstance(outcome, Failure)
    assert outcome.retryable


def test_the_exceptions_type_in_a_header_tells_what_a_text_does_not(script: Make) -> None:
    refusal = {"error": {"code": "NotFound", "details": [{"message": "||Das Objekt gibt es nicht."}]}}

    def step(handler: Any) -> None:
        answer(handler, 404, refusal, {"x-ExceptionType": "ManagementObjectNotFoundException"})

    (result,) = attempt(script(step), READ)
    assert isinstance(result.error, errors.NotFoundError)
    assert (result.error.message, result.error.error_id) == (
        "Das Objekt gibt es nicht.",
        "ManagementObjectNotFoundException",
    )


@pytest.mark.parametrize(
    "link",
    ["http://[", "http://127.0.0.1:99999999/", "//", "https://evil.example.com/", "\x00", "http://user@127.0.0.1/"],
)
def test_a_bad_next_link_is_an_error_and_never_the_end(script: Make, link: str) -> None:
    (outcome,) = attempt(script((200, {"value": [], "@odata.nextLink": link}), (404, b"")), READ)
    assert isinstance(outcome.error, errors.ProtocolError)
    assert "part" in str(outcome.error)


def test_a_page_that_cannot_be_posted_is_asked_for(script: Make) -> None:
    refused = (400, {"error": {"message": "Expired or Invalid pagination request. Default Expiry time is 00:30:00"}})
    server = script((200, {"value": [{"A": 1}], "@odata.nextLink": "/next"}), refused, (200, {"value": [{"A": 2}]}))
    (result,) = attempt(server, READ)
    assert result.objects == [{"A": 1}, {"A": 2}]
    assert [body is None for _path, _headers, body in server.requests] == [False, False, True]


def test_pages_that_can_be_had_neither_way_are_an_error_that_says_so(script: Make) -> None:
    refused = (400, {"error": {"message": "Expired or Invalid pagination request. Default Expiry time is 00:30:00"}})
    (result,) = attempt(script((200, {"value": [{"A": 1}], "@odata.nextLink": "/next"}), refused), READ)
    assert "only a part of the list" in str(result.error)
    assert "Expired" in str(result.error)
    assert result.objects == []


MORE = "There are more results available than are currently displayed. To view them, increase the value for the ResultSize parameter."


def test_a_list_of_which_exchange_says_that_it_is_a_part_is_none() -> None:
    """Over any wire, and without a link to the rest."""
    outcome = judged(READ, Result(objects=[{"Name": "x"}], warnings=["other", MORE]))
    assert isinstance(outcome, Result)
    assert isinstance(outcome.error, errors.ProtocolError)
    assert "only a part of the list" in str(outcome.error)
    assert outcome.objects == []
    assert judged(WRITE, Result(warnings=[MORE])).error is None


def test_pages_that_were_followed_are_not_missing(script: Make) -> None:
    server = script(
        (200, {"value": [{"A": 1}], "@odata.nextLink": "/next", "@adminapi.warnings": ["kept", MORE]}),
        (200, {"value": [{"A": 2}], "@adminapi.warnings": []}),
    )
    (result,) = attempt(server, READ)
    assert (result.objects, result.warnings, result.error) == ([{"A": 1}, {"A": 2}], ["kept"], None)
    assert judged(READ, result).error is None


# Batches


def test_the_port_that_only_the_service_reaches_is_not_used() -> None:
    service = ServiceAddress("http://127.0.0.1:8080")
    target = service.redirect("http://127.0.0.1:8080/x", "http://127.0.0.1:446/adminapi/x?y")
    assert (target, service.base) == ("http://127.0.0.1:8080/adminapi/x?y", "http://127.0.0.1:8080")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://eurprd01.outlook.office365.com:446/adminapi/x", "https://eurprd01.outlook.office365.com/adminapi/x"),
        ("https://outlook.office365.com:443/adminapi/x", "https://outlook.office365.com:443/adminapi/x"),
        ("https://outlook.office365.com.evil.example/", ""),
        ("https://evil.example/outlook.office365.com", ""),
        ("http://outlook.office365.com/", ""),
        ("https://office365.com/", ""),
        ("https://outlook.office365.com:8443/", ""),
        ("https://outlook.office365.com@evil.example/", ""),
        ("https://me@outlook.office365.com/", ""),
        ("https://EURPRD01.Outlook.Office365.com/adminapi", "https://eurprd01.outlook.office365.com/adminapi"),
        *(
            (f"https://evil.example{sign}.outlook.office365.com/", "")
            for sign in ("\\", "%5C", "%2f", "%00", ";", " ", "\x00", ",", "_", "\uff0f", "\u3002")
        ),
    ],
)
def test_redirects_stay_below_the_clouds_own_host(location: str, target: str) -> None:
    service = ServiceAddress("https://outlook.office365.com")
    if target:
        assert service.redirect("https://outlook.office365.com/adminapi", location) == target
        return
    with pytest.raises(FailedError, match="is not followed"):
        service.redirect("https://outlook.office365.com/adminapi", location)
    assert service.base == "https://outlook.office365.com"


@pytest.mark.parametrize("sign", ["\\", "%5C", "\\@", ";", "\uff3c"])
def test_no_token_goes_where_another_reader_of_the_address_would_lead(script: Make, sign: str) -> None:
    """urllib and requests part an address in two ways: to the one a backslash is of the host, for the other the host
    ends there.
    """
    server = script()
    location = f"http://localhost{sign}.127.0.0.1:{server.url.rpartition(':')[2]}/x"
    for step in (
        (302, b"", {"Location": location.encode().decode("latin-1")}),
        (200, {"value": [{"A": 1}], "@odata.nextLink": location}),
    ):
        server.steps = [step, (200, {"value": [{"A": 2}]})]
        (outcome,) = attempt(server, READ)
        assert isinstance(outcome.error, errors.ProtocolError), "it was tried to reach it"
        assert "follow" in str(outcome.error)


# Time and size


def test_a_defect_of_ours_after_a_write_was_sent_leaves_its_outcome_unknown(
    script: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever our own reading raises, the write was sent."""

    def broken(*_arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(
        "ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.rest_answers.outcome", broken
    )
    server = script((200, {"value": []}))
    session = OrganizationSession(
        identity(exchange_api_url=server.url, exchange_verify_organization=False), RestTransport
    )
    (result,) = session.invoke(Request([WRITE]))
    assert isinstance(result.error, errors.OutcomeUnknownError)
    assert "ZeroDivisionError" in str(result.error)


def test_a_defect_of_a_wire_after_a_write_was_sent_leaves_its_outcome_unknown() -> None:
    def broken(_calls: Any) -> Any:
        raise ZeroDivisionError

    (result,) = Policy(3, sleep=lambda seconds: None).run([WRITE], broken, lambda line: None)
    assert isinstance(result.error, errors.OutcomeUnknownError)


def test_the_organization_is_named_in_the_address(script: Make) -> None:
    server = script((200, {"value": []}))
    attempt(server, READ)
    assert ORGANIZATION in server.requests[0][0]
