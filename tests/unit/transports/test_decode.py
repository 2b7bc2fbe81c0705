# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical values, the JSON decoder, and refusals."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import (
    decode,
    rest_answers,
    service_errors,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.json_values import JSON


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00:00:00", "00:00:00"),
        ("7.00:00:00", "7.00:00:00"),
        ("P7D", "7.00:00:00"),
        ("PT0S", "00:00:00"),
        ("PT36H", "1.12:00:00"),
        ("P30DT1H2M3.5S", "30.01:02:03.5000000"),
        ("-P1D", "-1.00:00:00"),
        ("-00:00:00", "00:00:00"),
        ("90.00:00:00", "90.00:00:00"),
        ("P", "P"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_timespans(text: str, expected: str) -> None:
    assert decode.timespan(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-23T21:51:45.0000000+00:00", "2026-07-23T21:51:45Z"),
        ("2022-10-19T20:31:31-07:00", "2022-10-20T03:31:31Z"),
        ("2026-07-23T21:51:45.1234567Z", "2026-07-23T21:51:45.1234567Z"),
        ("2026-07-23T23:51:45.0000001+02:00", "2026-07-23T21:51:45.0000001Z"),
        ("2026-07-23T21:51:45.12345678", "2026-07-23T21:51:45.1234567"),
        ("2026-07-23T21:51:45.5Z", "2026-07-23T21:51:45.500000Z"),
        ("2026-07-23T21:51:45.0000000", "2026-07-23T21:51:45"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_dates(text: str, expected: str) -> None:
    assert decode.instant(text) == expected


@pytest.mark.parametrize("function", [decode.timespan, decode.instant])
@given(st.text())
def test_canonical_forms_are_stable(function: Any, text: str) -> None:
    once = function(text)
    assert function(once) == once


PICTURE = b"\x89PNG\r\n\0\xff"
PICTURE_TEXT = base64.b64encode(PICTURE).decode()


@pytest.mark.parametrize(
    "data",
    [
        {"Image": PICTURE_TEXT, "Image@data.type": "System.Byte[]"},
        {"Image": list(PICTURE), "Image@data.type": "System.Byte[]"},
        {"Image": list(PICTURE), "Image@odata.type": "#Collection(Byte)"},
        {"Image": {"@odata.type": "#Exchange.ByteArrayType", "Data": PICTURE_TEXT}},
        {"Image": {"@odata.type": "#Exchange.ByteArrayType", "Data": list(PICTURE)}},
        {"Image": PICTURE_TEXT, "Image@odata.type": "#Binary"},
    ],
)
def test_byte_arrays_however_they_come(data: dict[str, Any]) -> None:
    assert decode.json_object(data) == {"Image": PICTURE_TEXT}


def test_annotations_give_types_and_go() -> None:
    data = {
        "@odata.id": "x",
        "Guid": "AAAAAAAA-0000-0000-0000-00000000000A",
        "Guid@odata.type": "#Guid",
        "When": "2022-10-19T20:31:31-07:00",
        "When@data.type": "System.DateTime",
        "Wait": "07:00:00",
        "Wait@data.type": "System.TimeSpan",
        "List": ["a"],
        "List@odata.type": "#Collection(String)",
        "Guids": ["AAAAAAAA-0000-0000-0000-00000000000A"],
        "Guids@odata.type": "#Collection(Guid)",
        "Unset": None,
        "Unset@odata.type": "#Collection(String)",
        "Text": "2022-10-19T20:31:31-07:00",
        "LastUsedDate(DateTime])": 1,
    }
    assert decode.json_object(data) == {
        "Guid": "aaaaaaaa-0000-0000-0000-00000000000a",
        "When": "2022-10-20T03:31:31Z",
        "Wait": "07:00:00",
        "List": ["a"],
        "Guids": ["aaaaaaaa-0000-0000-0000-00000000000a"],
        "Unset": None,
        "Text": "2022-10-19T20:31:31-07:00",
        "LastUsedDate(DateTime])": 1,
    }


@given(
    st.dictionaries(
        st.text() | st.sampled_from(["A", "A@data.type", "A@odata.type"]),
        JSON | st.sampled_from(["System.Guid", "#Collection(Byte)", "Byte[]"]),
    )
)
def test_no_json_breaks_the_decoder(data: dict[str, Any]) -> None:
    json.dumps(decode.json_object(data))


@given(
    st.integers(100, 599),
    JSON | st.fixed_dictionaries({"error": JSON}) | st.fixed_dictionaries({"value": JSON, "@adminapi.errors": JSON}),
)
def test_no_answer_breaks_the_reading_of_answers(status: int, document: Any) -> None:
    found = rest_answers.outcome(Call("Get-IRMConfiguration"), status, {}, json.dumps(document).encode())
    if isinstance(found, Result):
        assert found.error is not None


TYPE = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"


@pytest.mark.parametrize(
    "error",
    [
        {
            "code": "NotFound",
            "message": "Error executing cmdlet",
            "details": [{"message": f"Ex6F9304|{TYPE}|The object 'X' couldn't be found on 'DC'."}],
        },
        {
            "message": "Invalid Operation",
            "details": [{"code": "Context", "message": json.dumps({"Message": "not there", "TypeName": TYPE})}],
        },
        {
            "message": "Invalid Operation",
            "details": [{"message": f"|{TYPE}|text"}],
            "innererror": {"internalexception": {"message": "Exception of type 'x' was thrown."}},
        },
        {
            "message": "Error executing cmdlet",
            "innererror": {"message": "m", "internalException": {"message": "gone", "type": TYPE}},
        },
    ],
)
@pytest.mark.parametrize("status", [400, 404, 500])
def test_every_shape_of_an_error_is_read(error: dict[str, Any], status: int) -> None:
    found = rest_answers.outcome(Call("Set-OMEConfiguration"), status, {}, {"error": error})
    # A service that fails in a write has not refused it.
    assert isinstance(found, Failure) is (status == 500)
    assert not isinstance(found, rest_answers.Page)
    assert isinstance(found.error, errors.NotFoundError)
    assert found.error.error_id == TYPE
    assert found.error.cmdlet == "Set-OMEConfiguration"
    assert "Invalid Operation" not in found.error.message


@pytest.mark.parametrize("body", [b"\0" * 200, b"", b"\r\n", None, {}, "", "\0"])
def test_a_403_that_says_nothing_means_that_the_cmdlet_is_not_granted(body: Any) -> None:
    found = rest_answers.outcome(Call("New-OMEConfiguration"), 403, {}, body)
    assert isinstance(found, Result)
    assert found.error.__class__ is errors.CmdletNotAvailableError


@pytest.mark.parametrize(
    "body",
    [
        b"<html>no</html>",
        b"\xef\xbb\xbf<html>no</html>",
        b"Blocked by policy",
        {"message": "Forbidden"},
        "Blocked",
        ["no"],
    ],
)
def test_a_403_with_something_to_read_is_no_refusal_of_exchange(body: Any) -> None:
    """A gateway that looks at answers may put its page, or its text, in the place of one."""
    found = rest_answers.outcome(Call("New-OMEConfiguration"), 403, {}, body)
    assert isinstance(found, Failure)
    assert found.executed is Executed.UNKNOWN
    assert "a response that is not from Exchange" in str(found.error)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {"value": [], "@adminapi.errors": [f"|{TYPE}|text"]}),
        (200, {"value": [], "@adminapi.errors": ["|X.OverBudgetException|text"]}),
        (500, {"error": {"details": [{"message": "|System.TimeoutException|text"}]}}),
        (500, {"error": {"details": [{"message": "|X.OverBudgetException|text"}]}}),
        (503, {"error": {"details": [{"message": f"|{TYPE}|text"}]}}),
    ],
)
def test_what_a_cmdlet_says_that_ran_is_no_refusal_of_a_write(status: int, document: dict[str, Any]) -> None:
    found = rest_answers.outcome(Call("Set-X"), status, {}, document)
    assert isinstance(found, Failure)
    assert found.executed is Executed.UNKNOWN


@pytest.mark.parametrize("kind", ["DataValidationException", "InvalidOperationInDehydratedContextException"])
def test_what_exchange_refuses_is_a_result(kind: str) -> None:
    document = {"error": {"details": [{"message": f"|X.{kind}|text"}]}}
    found = rest_answers.outcome(Call("Set-X"), 400, {}, document)
    assert isinstance(found, Result)
    assert found.error is not None
    assert found.error.refuses


def test_an_error_inside_a_200_is_an_error() -> None:
    found = rest_answers.outcome(Call("Get-X"), 200, {}, {"value": [{"A": 1}], "@adminapi.errors": [f"|{TYPE}|text"]})
    assert isinstance(found, Result)
    assert isinstance(found.error, errors.NotFoundError)
    assert found.objects == []


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error": "x"}'])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_service_that_fails_leaves_the_outcome_unknown(status: int, body: bytes) -> None:
    found = rest_answers.outcome(Call("Set-X"), status, {"Retry-After": "3"}, body)
    assert isinstance(found, Failure)
    assert (found.executed, found.retry_after) == (Executed.UNKNOWN, 3)


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
def test_throttling_happened_before_the_work(status: int) -> None:
    text = b"You have reached the maximum number of concurrent requests per tenant. Please wait and try again"
    found = rest_answers.outcome(Call("Set-X"), status, {}, text)
    assert isinstance(found, Failure)
    assert isinstance(found.error, errors.ThrottledError)
    assert found.executed is Executed.NO


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", None), ("7", 7.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("-5", None), ("\u00b2", None)],
)
def test_retry_after(text: str, expected: float | None) -> None:
    assert rest_answers.retry_after({"Retry-After": text}) == expected


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("The object 'x' already exists.", "", errors.AlreadyExistsError),
        (
            "Das Objekt gibt es schon.",
            "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException",
            errors.AlreadyExistsError,
        ),
        (
            "The term 'New-OMEConfiguration' is not recognized as the name of a cmdlet, function",
            "",
            errors.CmdletNotAvailableError,
        ),
        (
            "A parameter cannot be found that matches parameter name 'X'.",
            "ParameterBindingException",
            errors.CmdletNotAvailableError,
        ),
        (
            "Invalid cmdlet parameters specified. Bogus",
            "AmbiguousParameterSetException",
            errors.CmdletNotAvailableError,
        ),
        (
            "Cannot process argument transformation on parameter 'X'.",
            "ParameterTransformationException",
            errors.InvalidValueError,
        ),
        ("The specified rule priority is invalid.", "", errors.InvalidValueError),
        ("… isn't within your current write scopes. Can't perform save operation.", "", errors.PermissionDeniedError),
        ("We cannot currently process your request, please wait a few minutes and try again.", "", errors.ServiceError),
        ("x", "Microsoft.Exchange.Data.Directory.DCOverloadedException", errors.ServiceError),
        ("Something new.", "Some.NewException", errors.ExchangeError),
    ],
)
def test_refusals(text: str, kind: str, expected: type[errors.ExchangeError]) -> None:
    assert service_errors.classify(text, exception_type=kind).__class__ is expected
