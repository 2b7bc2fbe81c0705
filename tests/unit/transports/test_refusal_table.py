# SPDX-License-Identifier: GPL-3.0-or-later
"""How what Exchange says becomes an error: the one table of both wires, and the forms in which texts come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.service_errors import (
    classify,
    is_opaque,
    not_granted,
    of_body,
    parts,
    throttled,
)

OPAQUE = "A server side error has occurred because of which the operation could not be completed. Please try again after some time."
PARAMETER = "This organization's Exchange does not have the parameter, or does not grant it: omit the option, or check the role, license and endpoint."
LOAD = "The host has the module but cannot load it: check the versions of PowerShell and of the module there."


@pytest.mark.parametrize(
    "exception_type",
    ["ManagementObjectNotFoundException", "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"],
)
def test_the_exceptions_type_tells_in_every_language(exception_type: str) -> None:
    error = classify("Das Objekt gibt es nicht.", exception_type=exception_type, error_id="ABC", cmdlet="Get-X")
    assert error.__class__ is errors.NotFoundError
    assert error.to_wire() == {
        "class": "NotFoundError",
        "message": "Das Objekt gibt es nicht.",
        "remedy": "",
        "cmdlet": "Get-X",
        "error_id": exception_type,
    }


@pytest.mark.parametrize(
    ("error_id", "expected", "remedy"),
    [
        ("NamedParameterNotFound", errors.CmdletNotAvailableError, PARAMETER),
        ("NamedParameterNotFound,Set-X,Y", errors.CmdletNotAvailableError, PARAMETER),
        ("CouldNotAutoloadMatchingModule", errors.CmdletNotAvailableError, LOAD),
        ("MissingMandatoryParameter,Set-X", errors.InvalidValueError, ""),
        ("Set-X,NamedParameterNotFound", errors.ExchangeError, ""),
        ("", errors.ExchangeError, ""),
    ],
)
def test_powershells_own_id_tells_in_every_language(
    error_id: str, expected: type[errors.ExchangeError], remedy: str
) -> None:
    error = classify("Nein.", error_id=error_id)
    assert error.__class__ is expected
    assert (error.message, error.remedy, error.cmdlet, error.error_id) == ("Nein.", remedy, "", error_id)


def test_an_english_text_tells_without_regard_to_case_and_lines() -> None:
    error = classify("The operation COULDN'T\n  be found on\x00'server'.")
    assert error.__class__ is errors.NotFoundError
    assert error.message == "The operation COULDN'T be found on 'server'."


def test_the_first_that_matches_counts() -> None:
    error = classify(
        "The object 'x' already exists, and 'y' couldn't be found on 'server'.", exception_type="X.OverBudgetException"
    )
    assert error.__class__ is errors.ThrottledError
    assert error.remedy == "Use fewer forks, or run the task again later."


@pytest.mark.parametrize("text", ["", " \n", "\x00"])
def test_no_text_is_said_to_be_none(text: str) -> None:
    error = classify(text)
    assert error.to_wire() == {
        "class": "ExchangeError",
        "message": "Exchange refused this without a reason.",
        "remedy": "",
        "cmdlet": "",
        "error_id": "",
    }


def test_the_modules_sentence_for_what_it_could_not_read() -> None:
    error = classify(OPAQUE)
    assert error.__class__ is errors.ServiceError
    assert error.remedy.startswith("Microsoft's module reports this without a reason: Exchange failed")
    assert is_opaque(error)
    assert not is_opaque(None)
    assert not is_opaque(errors.ExchangeError("something else"))


def test_what_is_not_granted_is_named() -> None:
    error = not_granted("Set-OMEConfiguration")
    assert error.__class__ is errors.CmdletNotAvailableError
    assert (error.cmdlet, error.error_id) == ("Set-OMEConfiguration", "Forbidden")
    assert error.message == "Exchange does not offer this cmdlet to the caller."
    assert "one of them must grant this cmdlet" in error.remedy


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("plain", ("", "", "plain")),
        ("", ("", "", "")),
        ("Ex6F9304|X.NotFound|It is not there.", ("Ex6F9304", "X.NotFound", "It is not there.")),
        (" Ex1 | X.Y | a | b|c ", ("Ex1", "X.Y", "a | b|c")),
        ("||It is not there.", ("", "", "It is not there.")),
        ("a|b", ("", "", "a|b")),
        ("either this|or|that", ("", "", "either this|or|that")),
        ("this|or that|or", ("", "", "this|or that|or")),
        (json.dumps({"Message": "said", "TypeName": "X.Y"}), ("", "X.Y", "said")),
        (" \n" + json.dumps({"message": "said", "type": "X.Y"}), ("", "X.Y", "said")),
        (json.dumps({"message": "said", "typename": "X.Y", "type": "Z"}), ("", "X.Y", "said")),
        (json.dumps({"message": "Ex1|X.Z|said", "type": "X.Y"}), ("Ex1", "X.Z", "said")),
        (json.dumps({"message": "Ex1||said", "type": "X.Y"}), ("Ex1", "X.Y", "said")),
        (json.dumps({"message": ' {"message": "a|b|c"}'}), ("", "", ' {"message": "a|b|c"}')),
        (json.dumps({"message": None}), ("", "", "")),
        ("{not JSON", ("", "", "{not JSON")),
        ("{A|B|c", ("{A", "B", "c")),
    ],
)
def test_the_forms_of_a_message(message: str, found: Any) -> None:
    assert parts(message) == found


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("", "Exchange throttles this caller."),
        ("\0 ", "Exchange throttles this caller."),
        ("Too many\r\n requests.\0", "Exchange throttles this caller: Too many requests."),
    ],
)
def test_a_caller_that_is_made_to_wait(said: str, message: str) -> None:
    error = throttled(said, cmdlet="Get-X")
    assert error.__class__ is errors.ThrottledError
    found = error.to_wire()
    assert (found["message"], found["remedy"], found["cmdlet"]) == (
        message,
        "Use fewer forks, or run the task again later.",
        "Get-X",
    )
    assert throttled().to_wire() == {**found, "message": "Exchange throttles this caller.", "cmdlet": ""}


_INNER = {"message": "outer", "type": "OuterException"}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        # What is no error body.
        (None, None),
        ([], None),
        ("error", None),
        ({}, None),
        ({"error": "text"}, None),
        ({"error": []}, None),
        # The code and the message, where nothing else says more.
        ({"error": {}}, ("", "", "")),
        ({"error": {"code": "NotFound", "message": "No."}}, ("NotFound", "", "No.")),
        ({"error": {"code": None, "message": None}}, ("", "", "")),
        # Details come first: the first that says something.
        (
            {"error": {"message": "No.", "details": [{"message": "Id|Some.Exception|Text."}]}},
            ("Id", "Some.Exception", "Text."),
        ),
        (
            {
                "error": {
                    "message": "No.",
                    "details": [
                        7,
                        {},
                        {"message": 7},
                        {"message": "||\0 "},
                        {"message": "Text."},
                        {"message": "More."},
                    ],
                    "innererror": _INNER,
                }
            },
            ("", "", "Text."),
        ),
        ({"error": {"message": "No.", "details": {"message": "Text."}}}, ("", "", "No.")),
        # Then the internal exception, then the one around it.
        (
            {
                "error": {
                    "message": "No.",
                    "details": [],
                    "innererror": {**_INNER, "internalException": {"message": "inner", "type": "Inner"}},
                }
            },
            ("", "Inner", "inner"),
        ),
        (
            {"error": {"message": "No.", "innererror": {**_INNER, "INTERNALEXCEPTION": {"message": "inner"}}}},
            ("", "", "inner"),
        ),
        (
            {"error": {"message": "No.", "innererror": {**_INNER, "internalexception": "text"}}},
            ("", "OuterException", "outer"),
        ),
        (
            {"error": {"message": "No.", "innererror": {**_INNER, "internalexception": {"message": ""}}}},
            ("", "OuterException", "outer"),
        ),
        (
            {"error": {"message": "No.", "innererror": {**_INNER, "internalexception": {"message": 7}}}},
            ("", "OuterException", "outer"),
        ),
        (
            {
                "error": {
                    "message": "No.",
                    "innererror": {
                        **_INNER,
                        "internalexception": {"message": "Exception of type 'X' was thrown.", "type": "X"},
                    },
                }
            },
            ("", "OuterException", "outer"),
        ),
        (
            {"error": {"message": "No.", "innererror": {"message": "Exception of type 'X' was thrown."}}},
            ("", "", "No."),
        ),
        ({"error": {"message": "No.", "innererror": {}}}, ("", "", "No.")),
        ({"error": {"message": "No.", "innererror": "text"}}, ("", "", "No.")),
    ],
)
def test_the_shapes_of_an_error_body(document: Any, found: Any) -> None:
    assert of_body(document) == found
