# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error record of Microsoft's module means, and one of an Exchange server, which repeats nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.module_answers import (
    is_refused_token,
    not_connected,
    outcome_of,
    told,
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
    assert told(error, READ).__class__ is expected


def test_the_whole_body_of_a_throttled_call_is_unwrapped() -> None:
    body = {"error": {"code": "TooManyRequests", "message": "x", "details": [{"message": "||Slow down."}]}}
    error = told(of_module(json.dumps(body)), READ)
    assert isinstance(error, errors.ThrottledError)
    assert error.message == "Exchange throttles this caller: Slow down."


@pytest.mark.parametrize(
    ("call", "error", "uncertain"),
    [
        (NEW, of_module("|X.ADObjectAlreadyExistsException|It exists."), True),
        (REMOVE, of_module("|X.ManagementObjectNotFoundException|It is not there."), True),
        (SET, of_module(OPAQUE), True),
        # What no earlier try can bring about.
        (SET, of_module("|X.ManagementObjectNotFoundException|It is not there."), False),
        (REMOVE, of_module("|X.ADObjectAlreadyExistsException|It exists."), False),
        (NEW, of_module("|X.DataValidationException|No."), False),
        (READ, of_module(OPAQUE), False),
        # An Exchange server's own session, and PowerShell itself, repeat nothing.
        (NEW, of_server("It exists.", "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException"), False),
        (
            REMOVE,
            of_server("It is not there.", "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"),
            False,
        ),
        (
            NEW,
            RemoteError(
                "No.",
                "System.Management.Automation.ParameterBindingException",
                "NamedParameterNotFound,New-TransportRule",
            ),
            False,
        ),
    ],
)
def test_what_an_earlier_try_can_bring_about_is_uncertain(call: Call, error: RemoteError, uncertain: bool) -> None:
    found = outcome_of(error, call, [])
    assert isinstance(found, Result)
    assert found.error is not None
    assert found.error.uncertain is uncertain
    assert ("repeats writes by itself" in found.error.message) is uncertain


@pytest.mark.parametrize(
    ("call", "error", "executed"),
    [
        (READ, of_module("|X.OverBudgetException|Later."), Executed.NO),
        (SET, of_module("|X.OverBudgetException|Later."), Executed.UNKNOWN),
        (SET, of_server("Later.", "X.OverBudgetException"), Executed.NO),
        (SET, of_module("|X.StorageTransientException|Later."), Executed.UNKNOWN),
    ],
)
def test_what_passes_is_known_not_to_have_run_only_if_nothing_repeats_it(
    call: Call, error: RemoteError, executed: Executed
) -> None:
    found = outcome_of(error, call, [])
    assert isinstance(found, Failure)
    assert (found.executed, found.retryable) == (executed, True)


@pytest.mark.parametrize(
    "text", ["does not contain a method named 'GetResponseHeader'.", "enth\u00e4lt keine Methode 'GetResponseHeader'."]
)
def test_the_crash_at_a_401_is_a_refused_token(text: str) -> None:
    found = outcome_of(
        RemoteError(text, "System.Management.Automation.RuntimeException", "MethodNotFound,Set-TransportRule"), SET, []
    )
    assert is_refused_token(found)
    assert isinstance(found, Failure)
    assert found.executed is Executed.NO


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
def test_what_is_no_json_is_a_gateways(error: RemoteError) -> None:
    found = outcome_of(error, SET, [])
    assert isinstance(found, Failure)
    assert (found.executed, found.error.__class__) == (Executed.UNKNOWN, errors.ServiceError)


def test_a_value_that_is_refused_is_no_gateways() -> None:
    found = outcome_of(
        RemoteError(
            "Value does not fall within the range.",
            "System.ArgumentException",
            "System.ArgumentException,Set-TransportRule",
        ),
        SET,
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
    found: Any = not_connected(RemoteError(text, kind), NAMES, "ROLE")
    assert found is not None
    error, may_pass = found
    assert said in error.message
    assert remedy in error.remedy
    assert may_pass is passes


def test_other_exceptions_do_not_tell_why_it_does_not_connect() -> None:
    assert not_connected(RemoteError("AADSTS700016: no such application.", "System.Exception"), NAMES, "ROLE") is None
