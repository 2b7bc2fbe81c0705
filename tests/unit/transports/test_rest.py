# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST transport against a scripted server, for what the emulator does not do."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.rest import RestTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure

from tests.unit.connections import ORGANIZATION, Script, answer, hang_up, identity

READ, WRITE = Call("Get-OMEConfiguration"), Call("Set-OMEConfiguration", {"Identity": "x"})
Make = Callable[..., Script]


def transport(server: Script | str, **values: Any) -> RestTransport:
    url = server if isinstance(server, str) else server.url
    return RestTransport(identity(exchange_api_url=url, **values))


def attempt(server: Script | str, *calls: Call, **values: Any) -> list[Any]:
    wire = transport(server, **values)
    try:
        return wire.attempt(calls)
    finally:
        wire.close()


def test_a_call_is_what_the_service_expects(script: Make) -> None:
    server = script((200, {"value": [], "@adminapi.warnings": ["careful"]}))
    values = {
        "Identity": "x",
        "Image": b"\x89P",
        "Texts": ["a"],
        "None": None,
        "Empty": [],
        "Delta": {"Add": ["a"]},
        "Flag": False,
    }
    (result,) = attempt(server, Call("Set-OMEConfiguration", values))
    assert (result.objects, result.warnings) == ([], ["careful"])
    ((path, headers, body),) = server.requests
    assert path == f"/adminapi/beta/{ORGANIZATION}/InvokeCommand"
    assert headers["Authorization"] == "Bearer planted-token"
    assert headers["X-ClientApplication"] == "m365.message_encryption"
    assert headers["X-AnchorMailbox"].endswith("@" + ORGANIZATION)
    assert (headers["X-SerializationLevel"], headers["Accept-Charset"], headers["WarningAction"]) == (
        "Partial",
        "UTF-8",
        "Continue",
    )
    table = "#Exchange.GenericHashTable"
    assert body == {
        "CmdletInput": {
            "CmdletName": "Set-OMEConfiguration",
            "Parameters": {
                "Identity": "x",
                "Image": {"@odata.type": "#Exchange.ByteArrayType", "Data": [137, 80]},
                "Texts": ["a"],
                "None": None,
                "Empty": {"@odata.type": table},
                "Delta": {"@odata.type": table, "Add": ["a"]},
                "Flag": False,
            },
        }
    }


def test_several_reads_are_batches_of_ten_told_apart_by_id(script: Make) -> None:
    def batch(handler: Any) -> None:
        asked = handler.asked["requests"]
        responses = [
            {
                "id": part["id"],
                "status": 200,
                "body": {"value": [{"Name": part["body"]["CmdletInput"]["Parameters"]["Identity"]}]},
            }
            for part in reversed(asked)
        ]
        answer(handler, 200, {"responses": responses})

    server = script(batch)
    calls = [Call("Get-OMEConfiguration", {"Identity": str(number)}) for number in range(12)]
    assert [result.objects[0]["Name"] for result in attempt(server, *calls)] == [str(number) for number in range(12)]
    assert sorted(len(body["requests"]) for _path, _headers, body in server.requests) == [2, 10]


def test_a_part_that_a_batch_leaves_out_is_not_taken_for_nothing(script: Make) -> None:
    server = script((200, {"responses": [{"id": "0", "status": 200, "body": {"value": []}}]}))
    first, second = attempt(server, READ, READ)
    assert isinstance(first, Result)
    assert isinstance(second, Failure)
    assert isinstance(second.error, errors.ProtocolError)


@pytest.mark.parametrize("second", [{"status": 429}, {"status": 401}, {"status": 200, "body": {"value": []}}])
def test_a_part_that_a_batch_answers_twice_is_not_answered(script: Make, second: dict[str, Any]) -> None:
    """Whichever were taken could be the wrong one: a write that was carried out would be sent again."""
    done = {"status": 200, "body": {"value": []}}
    server = script((200, {"responses": [{"id": "0", **done}, {"id": "1", **done}, {"id": "0", **second}]}))
    twice, once = attempt(server, WRITE, WRITE)
    assert (isinstance(twice, Failure), twice.executed) == (True, Executed.UNKNOWN)
    assert isinstance(once, Result)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("step", "executed"),
    [
        (hang_up, Executed.UNKNOWN),
        (lambda handler: answer(handler, 200, b'{"value": [', {}), Executed.UNKNOWN),
        (
            lambda handler: answer(handler, 200, b'{"val', {"Content-Length": "1000"}) or hang_up(handler),
            Executed.UNKNOWN,
        ),
        (
            lambda handler: answer(handler, 200, gzip.compress(b'{"value": []}')[:-12], {"Content-Encoding": "gzip"}),
            Executed.UNKNOWN,
        ),
        (lambda handler: answer(handler, 200, b"<html>hello</html>"), Executed.UNKNOWN),
        (lambda handler: answer(handler, 200, {"value": "x"}), Executed.UNKNOWN),
        (lambda handler: answer(handler, 503, b""), Executed.UNKNOWN),
        (lambda handler: answer(handler, 429, b"", {"Retry-After": "2"}), Executed.NO),
        (lambda handler: answer(handler, 401, b""), Executed.NO),
    ],
)
@pytest.mark.parametrize("calls", [[WRITE], [READ, READ]])
def test_lost_answers(script: Make, step: Any, executed: Executed, calls: list[Call]) -> None:
    outcomes = attempt(script(step), *calls)
    assert len(outcomes) == len(calls)
    for outcome in outcomes:
        assert isinstance(outcome, Failure)
        assert outcome.executed is executed
        assert "planted-token" not in repr(outcome)


def reset(handler: Any) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def test_a_reset_connection_leaves_the_outcome_unknown(script: Make) -> None:
    (outcome,) = attempt(script(reset), WRITE)
    assert outcome.executed is Executed.UNKNOWN


def never_answered(handler: Any) -> None:
    handler.connection.recv(1)  # nothing comes until the client gives up
    handler.close_connection = True


@pytest.mark.parametrize("lose", [hang_up, reset, never_answered])
def test_a_connection_that_is_lost_behind_a_proxy_leaves_the_outcome_unknown(script: Make, lose: Any) -> None:
    """urllib3 says then, too, that it cannot connect to the proxy."""
    proxy = script(lose)
    more = {"exchange_command_timeout": 1} if lose is never_answered else {}
    (outcome,) = attempt("http://127.0.0.1:9", WRITE, exchange_proxy=proxy.url, **more)
    assert [body["CmdletInput"]["CmdletName"] for _path, _headers, body in proxy.requests] == [WRITE.cmdlet]
    assert isinstance(outcome.error, errors.ServiceError)
    assert outcome.executed is Executed.UNKNOWN


def test_a_proxy_that_is_not_reached_or_refuses_the_tunnel_means_that_nothing_happened(script: Make) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for proxy in (nobody, script((200, b"")).url):  # the script does not know CONNECT
            (outcome,) = attempt("https://outlook.office365.com", WRITE, exchange_proxy=proxy)
            assert isinstance(outcome.error, errors.UnreachableError)
            assert "the proxy did not connect to" in outcome.error.message
            assert outcome.executed is Executed.NO


def test_a_proxy_that_answers_with_a_page_instead_of_a_tunnel_is_named() -> None:
    page = b"HTTP/1.1 200 OK\r\n\r\n<html><body>Accept the rules of this network.</body></html>"

    def answer_with_page(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _address = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(page)
                    connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer_with_page, args=[listener], daemon=True).start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        (outcome,) = attempt("https://outlook.office365.com", WRITE, exchange_proxy=proxy)
        listener.shutdown(socket.SHUT_RDWR)
    assert isinstance(outcome.error, errors.ServiceError)
    assert "the TLS connection to" in outcome.error.message
    assert "ansible_exchange_proxy" in outcome.error.remedy
    assert outcome.executed is Executed.UNKNOWN


def test_nobody_listening_means_that_nothing_happened() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        (outcome,) = attempt(f"http://127.0.0.1:{port}", WRITE)
    assert isinstance(outcome.error, errors.UnreachableError)
    assert outcome.executed is Executed.NO


def test_a_slow_answer_is_given_up(script: Make) -> None:
    (outcome,) = attempt(script(lambda handler: __import__("time").sleep(3)), WRITE, exchange_command_timeout=1)
    assert outcome.executed is Executed.UNKNOWN
    assert "in time" in str(outcome.error)


def test_nul_bytes_that_claim_to_be_gzip(script: Make) -> None:
    (result,) = attempt(script((403, b"\0" * 100, {"Content-Encoding": "gzip"})), READ)
    assert isinstance(result.error, errors.CmdletNotAvailableError)


def test_gzip_is_unpacked(script: Make) -> None:
    content = gzip.compress(json.dumps({"value": [{"A": 1}]}).encode())
    (result,) = attempt(script((200, content, {"Content-Encoding": "gzip"})), READ)
    assert result.objects == [{"A": 1}]


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:9/",
        "https://evil.example.com/x",
        "",
        "file:///etc/passwd",
        "http://localhost.evil.example.com/",
        "http://[",
        "http://127.0.0.1:99999999/",
        "//@",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(script: Make, location: str) -> None:
    server = script((302, b"", {"Location": location}))
    (outcome,) = attempt(server, WRITE)
    assert isinstance(outcome.error, errors.ProtocolError)
    assert (outcome.executed, outcome.retryable) == (Executed.UNKNOWN, False)
    assert len(server.requests) == 1


def test_a_redirect_within_the_service_is_followed_with_the_same_request(script: Make) -> None:
    server = script((302, b"", {"Location": "/adminapi/beta/other"}), (200, {"value": []}))
    attempt(server, WRITE)
    assert [path for path, _headers, _body in server.requests] == [
        f"/adminapi/beta/{ORGANIZATION}/InvokeCommand",
        "/adminapi/beta/other",
    ]
    assert server.requests[0][2] == server.requests[1][2]
    assert server.requests[1][1]["Authorization"] == "Bearer planted-token"


def test_a_circle_of_redirects_ends(script: Make) -> None:
    server = script((302, b"", {"Location": "/again"}))
    (outcome,) = attempt(server, READ)
    assert isinstance(outcome.error, errors.ProtocolError)


def test_pages_are_put_together(script: Make) -> None:
    server = script((200, {"value": [{"A": 1}], "@odata.nextLink": "/next?p=2"}), (200, {"value": [{"A": 2}]}))
    (result,) = attempt(server, READ)
    assert result.objects == [{"A": 1}, {"A": 2}]
    assert server.requests[1][0] == "/next?p=2"


def test_a_write_is_never_sent_again_for_a_further_page(script: Make) -> None:
    server = script((200, {"value": [], "@odata.nextLink": "/next"}))
    (result,) = attempt(server, WRITE)
    assert (result.error, len(server.requests)) == (None, 1)


@pytest.mark.parametrize("link", ["https://evil.example.com/next", "/next"])
@pytest.mark.parametrize(
    "then",
    [
        (200, {"value": [], "@odata.nextLink": "/next"}),
        (400, {"error": {"message": "Expired or Invalid pagination request."}}),
        (503, b""),
    ],
)
def test_a_list_that_cannot_be_had_whole_is_an_error(script: Make, link: str, then: Any) -> None:
    (outcome,) = attempt(script((200, {"value": [{"A": 1}], "@odata.nextLink": link}), then), READ)
    assert outcome.error is not None


def test_granted_cmdlets_come_from_the_module_file(script: Make) -> None:
    server = script((200, {"value": [{"exportedCmdlets": "Get-A, Set-B,Get-C"}]}))
    (result,) = attempt(server, Call("Get-Command", {"Name": ["set-b", "New-D"]}))
    assert result.objects == [{"Name": "Set-B"}]
    path, headers, _body = server.requests[0]
    assert path.startswith(f"/adminapi/v1.0/{ORGANIZATION}/EXOModuleFile?Version=")
    assert headers["CommandName"] == "*"


def test_a_module_file_without_a_list_is_not_taken_for_nothing_granted(script: Make) -> None:
    (outcome,) = attempt(script((200, {"value": [{}]})), Call("Get-Command", {"Name": ["Set-B"]}))
    assert isinstance(outcome.error, errors.ProtocolError)
