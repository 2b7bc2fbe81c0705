# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error record of Microsoft's module means, and one of an Exchange server, which repeats nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.module_answers import (
    error_of_record,
    is_refused_token,
    not_connected,
    outcome_of,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.module_service import (
    COMPLIANCE,
    EXCHANGE,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.network_failures import Names
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.records import RemoteError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure

READ, NEW, SET, REMOVE = (Call(f"{verb}-TransportRule") for verb in ("Get", "New", "Set", "Remove"))
STAMP = "[Server=EX1,RequestId=1,TimeStamp=2]"
OPAQUE = "A server side error has occurred because of which the operation could not be completed. Please try again after some time."
NAMES = Names("TRUST", "ADDRESS", "PROXY", "LATE")


def of_module(text: str, reason: str = "Exception", cmdlet: str = "New-TransportRule") -> RemoteError:
    return RemoteError(text, "System.Exception", f"{STAMP},Write-ErrorMessage", cmdlet, reason=reason)


def of_server(text: str, kind: str) -> RemoteError:
    name = kind.rpartition(".")[2]
    return RemoteError(
        text,
        kind,
        f"{STAMP} [FailureCategory=Cmdlet-{name}] 1A2B,Microsoft.Exchange.Management.NewTransportRule",
        "New-TransportRule",
        reason=name,
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (of_module("||Das gibt es nicht.", "ManagementObjectNotFoundException"), errors.NotFoundError),
        (of_module("Das gibt es schon.", "ADObjectAlreadyExistsException"), errors.AlreadyExistsError),
        (of_module("Ex1|Microsoft.Exchange.Data.DataValidationException|Nein.", "Whatever"), errors.InvalidValueError),
        (of_module("Nein."), errors.ExchangeError),
        (
            of_server("Das gibt es nicht.", "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"),
            errors.NotFoundError,
        ),
    ],
)
def test_the_reason_of_a_record_tells_what_its_text_does_not(
    error: RemoteError, expected: type[errors.ExchangeError]
) -> None:
    assert error_of_record(error, READ).__class__ is expected


def test_the_whole_body_of_a_throttled_call_is_unwrapped() -> None:
    body = {"error": {"code": "TooManyRequests", "message": "x", "details": [{"message": "||Slow down."}]}}
    error = error_of_record(of_module(json.dumps(body)), READ)
    assert isinstance(error, errors.ThrottledError)
    assert error.message == "Exchange throttles this caller: Slow down."


def of_powershell(error_id: str, target: str = "", activity: str = "") -> RemoteError:
    return RemoteError("No.", "System.Management.Automation.RuntimeException", error_id, activity, target)


#: What the module reports: each may be the answer to its own repetition of a write that was done.
REPORTED = [
    of_module("|X.ADObjectAlreadyExistsException|It exists."),
    of_module("|X.ManagementObjectNotFoundException|It is not there."),
    of_module("|X.DataValidationException|No."),
    of_module("|X.OverBudgetException|Later."),
    of_module("|X.StorageTransientException|Later."),
    of_module("|System.TimeoutException|It took too long."),
    of_module("The limit is reached."),
    of_module(OPAQUE),
    of_powershell("MethodNotFound,New-TransportRule"),
    # In the module's function, another command is missing, or cannot be bound.
    of_powershell("CommandNotFoundException", "Get-HttpTimeout"),
    of_powershell("ParameterArgumentTransformationError,Start-Sleep", activity="Start-Sleep"),
    of_powershell("HostException,New-TransportRule", activity="New-TransportRule"),
]


@pytest.mark.parametrize("call", [NEW, SET, REMOVE])
def test_no_error_of_the_module_says_that_a_write_was_not_carried_out(call: Call) -> None:
    for error in REPORTED:
        found = outcome_of(error, call, [])
        assert isinstance(found, Failure), error
        # Sent again, it would be answered as the module's last try was.
        assert (found.executed, found.retryable) == (Executed.UNKNOWN, False), error
        assert "Microsoft's module repeats calls by itself" in found.error.message, error


def test_what_the_module_has_repeated_is_not_repeated_once_more() -> None:
    for text in ("|X.OverBudgetException|Later.", "|X.StorageTransientException|Later."):
        found = outcome_of(of_module(text), READ, [])
        assert isinstance(found, Failure)
        assert not found.retryable
        assert "repeats" not in found.error.message


def test_a_read_without_a_readable_answer_is_repeated_and_not_called_a_missing_permission() -> None:
    """A gateway's page, a lost connection, or a service that failed: the module says the same of each."""
    found = outcome_of(of_module(OPAQUE), READ, [])
    assert isinstance(found, Failure)
    assert (found.retryable, found.error.__class__) == (True, errors.ServiceError)
    assert "a gateway's page took the place of its response, the connection was lost" in found.error.remedy


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        # An Exchange server's own session repeats nothing.
        (
            of_server("It exists.", "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException"),
            errors.AlreadyExistsError,
        ),
        (
            of_server("It is not there.", "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"),
            errors.NotFoundError,
        ),
        # PowerShell has not run the module's function.
        (of_powershell("NamedParameterNotFound,New-TransportRule"), errors.CmdletNotAvailableError),
        (
            of_powershell("ParameterArgumentTransformationError,X.Y", activity="New-TransportRule"),
            errors.InvalidValueError,
        ),
        (of_powershell("CommandNotFoundException", "New-TransportRule"), errors.CmdletNotAvailableError),
    ],
)
def test_what_was_certainly_sent_once_or_not_at_all_is_a_result(
    error: RemoteError, expected: type[errors.ExchangeError]
) -> None:
    found = outcome_of(error, NEW, [])
    assert isinstance(found, Result)
    assert found.error.__class__ is expected


def test_what_a_server_throttles_has_not_run() -> None:
    found = outcome_of(of_server("Later.", "X.OverBudgetException"), SET, [])
    assert isinstance(found, Failure)
    assert (found.executed, found.retryable) == (Executed.NO, True)


@pytest.mark.parametrize(
    "text", ["does not contain a method named 'GetResponseHeader'.", "enth\u00e4lt keine Methode 'GetResponseHeader'."]
)
@pytest.mark.parametrize(("call", "executed"), [(READ, Executed.NO), (SET, Executed.UNKNOWN)])
def test_the_crash_at_a_401_is_a_refused_token(text: str, call: Call, executed: Executed) -> None:
    """Of a write, it may be that of the second try."""
    found = outcome_of(
        RemoteError(text, "System.Management.Automation.RuntimeException", "MethodNotFound,Set-TransportRule"), call, []
    )
    assert is_refused_token(found)
    assert isinstance(found, Failure)
    assert (found.executed, found.retryable) == (executed, True)


@pytest.mark.parametrize(
    "error",
    [
        RemoteError(
            "Conversion from JSON failed with error: x",
            "System.ArgumentException",
            "System.ArgumentException,Microsoft.PowerShell.Commands.ConvertFromJsonCommand",
        ),
        RemoteError(
            "Invalid JSON primitive: <.", "System.ArgumentException", "System.ArgumentException,Get-TransportRule"
        ),
    ],
)
def test_what_is_no_json_is_no_answer(error: RemoteError) -> None:
    found = outcome_of(error, SET, [])
    assert isinstance(found, Failure)
    assert (found.executed, found.error.__class__) == (Executed.UNKNOWN, errors.ServiceError)
    assert "a page of a gateway came in its place, or the connection was lost" in found.error.message


def test_a_value_that_is_refused_is_an_answer() -> None:
    found = outcome_of(
        RemoteError(
            "Value does not fall within the range.",
            "System.ArgumentException",
            "System.ArgumentException,Get-TransportRule",
        ),
        READ,
        [],
    )
    assert isinstance(found, Result)
    assert isinstance(found.error, errors.InvalidValueError)


@pytest.mark.parametrize(
    ("kind", "text", "said", "remedy", "passes"),
    [
        (
            "System.Net.Http.HttpRequestException",
            "Connection refused (outlook.office365.com:443)",
            "cannot be reached",
            "PROXY",
            True,
        ),
        (
            "System.Net.Http.HttpRequestException",
            "Name or service not known (outlook.office365.com:443)",
            "cannot be reached",
            "network",
            True,
        ),
        (
            "System.Net.Http.HttpRequestException",
            "The SSL connection could not be established",
            "certificate of Exchange is not trusted",
            "TRUST",
            False,
        ),
        (
            "System.Net.Http.HttpRequestException",
            "The proxy tunnel request to proxy 'http://p/' failed with status code '407'.",
            "the proxy did not",
            "PROXY",
            True,
        ),
        ("System.UnauthorizedAccessException", "UnAuthorized", "does not accept the caller", "ROLE", False),
        (
            "System.SystemException",
            "Response status code does not indicate success: 503",
            "is busy, or failed",
            "later",
            True,
        ),
        ("Newtonsoft.Json.JsonReaderException", "Unexpected character <", "from a gateway before it", "PROXY", True),
        (
            "System.Management.Automation.RuntimeException",
            "Module could not be correctly formed. Please run",
            "no usable list of cmdlets",
            "role",
            True,
        ),
    ],
)
def test_the_exception_tells_why_it_does_not_connect(
    kind: str, text: str, said: str, remedy: str, passes: bool
) -> None:
    found: Any = not_connected(RemoteError(text, kind), EXCHANGE, NAMES, "ROLE")
    assert found is not None
    error, may_pass = found
    assert said in error.message
    assert remedy in error.remedy
    assert may_pass is passes


def test_an_error_names_the_service_and_the_cmdlet_that_did_not_connect() -> None:
    found = not_connected(RemoteError("UnAuthorized", "System.UnauthorizedAccessException"), COMPLIANCE, NAMES, "ROLE")
    assert found is not None
    assert "Connect-IPPSSession" in found[0].message
    assert "Exchange" not in found[0].message


def test_other_exceptions_do_not_tell_why_it_does_not_connect() -> None:
    assert (
        not_connected(RemoteError("AADSTS700016: no such application.", "System.Exception"), EXCHANGE, NAMES, "ROLE")
        is None
    )
