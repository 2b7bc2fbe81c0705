# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell remoting with a host that redirects, drips, or sends more than anybody asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import limits
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.psrp import (
    PsrpTransport,
    WsmanFailures,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.wsman_line import WsmanLine
from spnego.exceptions import BadMICError, FeatureMissingError, NegotiateOptions

from tests.emulator import Emulator
from tests.unit.connections import Script, answer, hang_up, identity
from tests.unit.transports.drips import DRIPS, PATIENCE

from .rest_attempts import raw
from .scripted_shell import DONE, MARKER, OUTPUT, Message, message, output
from .scripted_shell import attempt as converse
from .wires import values

READ, WRITE = Call("Get-TransportRule"), Call("Set-IRMConfiguration")
Make = Callable[..., Script]


def psrp_identity(url: str, **more: Any) -> dict[str, Any]:
    address, port = url.rpartition("/")[2].split(":")
    line = {
        "remote_addr": address,
        "port": int(port),
        "protocol": "http",
        "auth": "basic",
        "remote_user": "u",
        "remote_password": "planted-password",
    }
    return identity(
        exchange_transport="psrp",
        exchange_psrp_connect="none",
        message_encryption="never",
        exchange_retries=2,
        **{**line, **more},
    )


def attempt(server: Script, **more: Any) -> Any:
    wire = PsrpTransport(psrp_identity(server.url, **more))
    try:
        return wire.attempt([READ])[0]
    finally:
        wire.close()


def test_a_command_that_is_lost_behind_a_proxy_is_sent_once(script: Make) -> None:
    """Whatever the options say about connecting again: the host may have run it."""
    proxy = script(hang_up)
    psrp = psrp_identity("http://127.0.0.1:9", proxy=proxy.url, reconnection_retries=3, reconnection_backoff=0)["psrp"]
    line = WsmanLine(psrp, tries=3)
    with pytest.raises(requests.ConnectionError) as lost:
        line._send(b"<e><a:Action>http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command</a:Action></e>")
    assert len(proxy.requests) == 1
    assert WsmanFailures(psrp).failure(lost.value).executed is Executed.UNKNOWN


def test_an_answer_that_cannot_be_decrypted_leaves_the_outcome_unknown() -> None:
    failure = WsmanFailures(psrp_identity("http://127.0.0.1:9")["psrp"]).failure(BadMICError())
    assert (failure.executed, failure.retryable) == (Executed.UNKNOWN, False)


def test_no_text_of_the_other_side_is_taken_for_a_missing_library(script: Make) -> None:
    """A pipeline that was answered with anything may have run."""
    host = script(raw(b"Kerberos is not installed here\r\n\r\n"))
    psrp = psrp_identity(host.url)["psrp"]
    with pytest.raises(requests.ConnectionError, match="not installed") as lost:
        WsmanLine(psrp, tries=1)._send(b"<e/>")
    assert WsmanFailures(psrp).failure(lost.value).executed is Executed.UNKNOWN


def test_authentication_without_its_library_executes_nothing() -> None:
    error = FeatureMissingError(NegotiateOptions.negotiate_kerberos)
    failure = WsmanFailures(psrp_identity("http://127.0.0.1:9")["psrp"]).failure(error)
    assert (failure.executed, type(failure.error)) == (Executed.NO, errors.UnreachableError)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["http://127.0.0.1:9/", "https://evil.example.com/", "/elsewhere", "http://[", ""])
def test_no_redirect_is_followed(script: Make, status: int, location: str) -> None:
    server = script((status, b"", {"Location": location}))
    outcome = attempt(server)
    assert isinstance(outcome.error, errors.UnreachableError)
    assert "redirects to" in str(outcome.error)
    assert "planted-password" not in str(outcome.error)
    assert len(server.requests) == 1


@pytest.mark.parametrize("step", DRIPS.values(), ids=DRIPS)
def test_opening_has_one_deadline(script: Make, step: Any) -> None:
    began = time.monotonic()
    outcome = attempt(script(step), exchange_command_timeout=1)
    assert time.monotonic() - began < PATIENCE
    assert "in time" in str(outcome.error)


@pytest.mark.parametrize("wire", ["host", "server", "constrained"])
def test_a_pipeline_ends_when_its_time_is_over(emulator: Emulator, wire: str) -> None:
    """Not when the host next has something to say: it may hold a Receive for minutes."""
    session = PsrpTransport(identity(**{**values(emulator, wire), "operation_timeout": 200, "read_timeout": 300}))
    session._open()
    session._command_timeout = 1.0
    for shell in emulator.psrp._shells.values():
        shell.latency = 300.0
    try:
        began = time.monotonic()
        (outcome,) = session.attempt([WRITE])
        assert time.monotonic() - began < PATIENCE
    finally:
        emulator.psrp.kill_shells()
        session.close()
    assert isinstance(outcome, Failure)
    assert (outcome.executed, outcome.retryable) == (Executed.UNKNOWN, False)
    assert "in time" in str(outcome.error)


def test_an_oversized_answer_is_a_named_error(script: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_SENT", 100_000)
    outcome = attempt(script(lambda handler: answer(handler, 200, b"<a>" + b" " * 200_000 + b"</a>")))
    assert "too large" in str(outcome.error)


@pytest.mark.parametrize(
    ("messages", "taken"),
    [
        ([output(Name="x")] * 1_500, True),
        ([output(Name="x")] * 4_500, False),
        ([message(OUTPUT, "<Obj><LST>" + "<S/>" * 19_000 + "</LST></Obj>")], True),
        ([message(OUTPUT, "<Obj><LST>" + "<S/>" * 21_000 + "</LST></Obj>")], False),
    ],
)
def test_objects_are_bounded(monkeypatch: pytest.MonkeyPatch, messages: list[Message], taken: bool) -> None:
    monkeypatch.setattr(limits, "MOST_VALUES", 20_000)
    (outcome,) = converse(monkeypatch, [*messages, MARKER, DONE], READ)
    assert isinstance(outcome, Failure) is not taken
    if not taken:
        assert "too large" in str(outcome.error)


def test_three_hundred_rules_of_eight_kilobytes_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = output(Name="x", Comments="<" * 8192, **{f"P{index}": "False" for index in range(200)})
    (outcome,) = converse(monkeypatch, [*[rule] * 300, MARKER, DONE], READ)
    assert len(outcome.objects) == 300
