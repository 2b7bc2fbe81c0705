# SPDX-License-Identifier: GPL-3.0-or-later
"""PSRP as a real engine sends it, message by message, and as nobody should."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import pypsrp, records
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure

from .scripted_shell import (
    COMPLETED,
    DEBUG,
    DONE,
    ERROR,
    FAILED,
    INFORMATION,
    MARKER,
    OUTPUT,
    POOL_STATE,
    PROGRESS,
    STATE,
    VERBOSE,
    WARNING,
    Message,
    Shell,
    attempt,
    error,
    failed,
    fragments,
    message,
    missing,
    output,
    record,
    state,
    transport,
    warning,
)

READ, OTHER, WRITE = Call("Get-TransportRule"), Call("Get-RMSTemplate"), Call("Set-IRMConfiguration")
CALLS = pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])


@CALLS
def test_an_answer_counts_once_the_marker_after_it_has_come(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    (whole,) = attempt(monkeypatch, [output(Name="x"), MARKER, DONE], call)
    (half,) = attempt(monkeypatch, [output(Name="x"), DONE], call)
    assert whole.objects == [{"Name": "x"}]
    assert isinstance(half, Failure)
    assert (half.executed, half.retryable) == (Executed.UNKNOWN, True)


def test_what_a_terminating_error_in_the_first_statement_drops_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exactly one more statement runs, the rest is dropped without a word, and the state is Completed."""

    def pipelines(cmdlets: list[str]) -> Sequence[Message]:
        if cmdlets[0] == READ.cmdlet:
            return [error(**missing(READ.cmdlet, first=True)), MARKER, DONE]
        return [output(Name="template"), MARKER, DONE]

    refused, answered = attempt(monkeypatch, pipelines, READ, OTHER)
    assert isinstance(refused.error, errors.CmdletNotAvailableError)
    assert answered.objects == [{"Name": "template"}]


def test_an_error_that_ends_the_pipeline_is_its_statements_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def pipelines(cmdlets: list[str]) -> Sequence[Message]:
        if cmdlets[0] == READ.cmdlet:
            return [output(Name="rule"), MARKER, failed(**missing(OTHER.cmdlet))]
        return [output(Name="config"), MARKER, DONE]

    first, second, third = attempt(monkeypatch, pipelines, READ, OTHER, Call("Get-IRMConfiguration"))
    assert first.objects == [{"Name": "rule"}]
    assert isinstance(second.error, errors.CmdletNotAvailableError)
    assert third.objects == [{"Name": "config"}]


def test_a_pipeline_that_fails_without_a_reason_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    (outcome,) = attempt(monkeypatch, [output(Name="x"), state(FAILED)], READ)
    assert isinstance(outcome, Failure)


@CALLS
@pytest.mark.parametrize("first", [True, False])
def test_an_endpoint_without_get_command_works(monkeypatch: pytest.MonkeyPatch, call: Call, first: bool) -> None:
    """The marker's own error says that the statement before it has ended."""
    assert attempt(monkeypatch, [output(Name="x"), failed(**missing("Get-Command", first=first))], call)[0].objects == [
        {"Name": "x"}
    ]


def test_an_endpoint_without_get_command_is_read_call_by_call(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(lambda cmdlets: [output(Name=cmdlets[0]), failed(**missing("Get-Command"))])
    wire = transport(monkeypatch, shell)
    for _time in range(2):
        assert [outcome.objects for outcome in wire.attempt([READ, OTHER])] == [
            [{"Name": READ.cmdlet}],
            [{"Name": OTHER.cmdlet}],
        ]
    assert shell.asked == [
        [READ.cmdlet, "Get-Command", OTHER.cmdlet, "Get-Command"],
        [OTHER.cmdlet, "Get-Command"],
        [READ.cmdlet, "Get-Command"],
        [OTHER.cmdlet, "Get-Command"],
    ]


def test_where_get_command_is_withheld_the_granted_cmdlets_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    listing = Call("Get-Command", {"Name": ["Get-IRMConfiguration"]})
    (outcome,) = attempt(
        monkeypatch,
        [error(**missing("Get-Command", first=True)), error(**missing("Get-Command", first=True)), DONE],
        listing,
    )
    assert isinstance(outcome.error, errors.CmdletNotAvailableError)
    (outcome,) = attempt(monkeypatch, [failed(**missing("Get-Command"))], listing)
    assert isinstance(outcome.error, errors.CmdletNotAvailableError)


def test_names_that_a_session_does_not_have_are_no_error_of_the_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = error(
        "…",
        kind="CommandNotFoundException",
        error_id="CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand",
        activity="Get-Command",
    )
    (outcome,) = attempt(
        monkeypatch,
        [output(Name="Get-A", CommandType="Cmdlet"), absent, MARKER, DONE],
        Call("Get-Command", {"Name": ["Get-A", "Get-B"]}),
    )
    assert outcome.objects == [{"Name": "Get-A"}]


@CALLS
def test_null_is_no_object(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    (outcome,) = attempt(monkeypatch, [message(OUTPUT, b""), MARKER, DONE], call)
    assert isinstance(outcome, Result)
    assert (outcome.objects, outcome.error) == ([], None)


FORBIDDEN = ["\ufffe", "\uffff", "\ud800", "\udfff\ud800", "a\x01b", "\x0b"]


@pytest.mark.parametrize("text", FORBIDDEN, ids=ascii)
def test_what_xml_forbids_survives_in_every_stream(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    streams = [
        message(kind, f'<Obj RefId="0"><MS><S N="x">{text}</S></MS></Obj>')
        for kind in (PROGRESS, VERBOSE, DEBUG, INFORMATION)
    ]
    (outcome,) = attempt(
        monkeypatch, [*streams, warning(f"w{text}w"), output(Comments=f"o{text}o"), MARKER, DONE], READ
    )
    assert outcome.objects == [{"Comments": f"o{text}o"}]
    assert outcome.warnings == [f"w{text}w"]
    (outcome,) = attempt(monkeypatch, [error(f"e{text}e"), MARKER, DONE], READ)
    assert "cannot be understood" not in str(outcome.error)
    (outcome,) = attempt(monkeypatch, [failed(text=f"e{text}e")], READ)
    assert outcome.error.message.startswith("e")


def test_what_xml_forbids_survives_as_a_reference_and_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = message(
        OUTPUT, b'<Obj RefId="0"><MS><S N="A">&#xFFFF;&#55296;&#65;&amp;#xFFFF;</S><S N="B">\xff\xfe</S></MS></Obj>'
    )
    (outcome,) = attempt(monkeypatch, [odd, MARKER, DONE], READ)
    assert outcome.objects == [{"A": "\uffff\ud800A&#xFFFF;", "B": "\ufffd\ufffd"}]


CYCLE = '<Obj N="TargetObject" RefId="7"><MS><Ref N="Self" RefId="7"/></MS></Obj>'


def test_a_record_that_contains_itself_is_only_a_record(monkeypatch: pytest.MonkeyPatch) -> None:
    cyclic = message(ERROR, record("cyclic").replace("<MS>", f"<MS>{CYCLE}", 1))
    (outcome,) = attempt(monkeypatch, [cyclic, MARKER, DONE], READ)
    assert outcome.error.message == "cyclic"
    itself = message(ERROR, '<Obj RefId="0"><MS><Ref N="Exception" RefId="0"/></MS></Obj>')
    (outcome,) = attempt(monkeypatch, [itself, MARKER, DONE], READ)
    assert outcome.error.message == records.UNREADABLE


@pytest.mark.parametrize(
    "text", ["", "<", "<Obj", "<S>x</S>", "<Obj/>", "<!DOCTYPE x><Obj/>", "<Obj>" * 5000 + "</Obj>" * 5000]
)
def test_what_cannot_be_read_costs_itself_and_no_other_record(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (outcome,) = attempt(
        monkeypatch, [message(WARNING, text), warning("careful"), output(Name="x"), MARKER, DONE], READ
    )
    assert (outcome.objects, outcome.warnings) == ([{"Name": "x"}], [records.UNREADABLE, "careful"])
    (outcome,) = attempt(monkeypatch, [message(ERROR, text), MARKER, DONE], READ)
    assert outcome.error is not None


@pytest.mark.parametrize("text", ["<Obj", "<!DOCTYPE x><Obj/>"])
def test_an_object_that_cannot_be_read_is_no_answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The objects beside it would be taken for all of them."""
    (outcome,) = attempt(monkeypatch, [output(Name="x"), message(OUTPUT, text), output(Name="y"), MARKER, DONE], READ)
    assert isinstance(outcome.error, errors.ProtocolError)
    assert "an object that cannot be read" in str(outcome.error)


def test_a_state_whose_reason_cannot_be_read_is_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    (outcome,) = attempt(
        monkeypatch, [message(STATE, f'<Obj RefId="0"><MS><I32 N="PipelineState">{FAILED}</I32><Obj')], READ
    )
    assert outcome.error.message == records.UNREADABLE
    (outcome,) = attempt(monkeypatch, [message(STATE, "<Obj")], READ)
    assert isinstance(outcome.error, errors.ProtocolError)


def test_texts_are_unescaped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As CLIXML a text ``_x0041_`` is written with its underscore escaped."""
    (outcome,) = attempt(
        monkeypatch, [warning("rule _x005F_x0041_ done"), error("rule _x005F_x0041_ bad"), MARKER, DONE], READ
    )
    assert outcome.warnings == ["rule _x0041_ done"]
    assert outcome.error.message == "rule _x0041_ bad"


def test_floods_are_dropped_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    body = '<Obj RefId="0"><MS>' + "<S N='x'>yyyyyyyyyy</S>" * 20 + "</MS></Obj>"
    flood = [
        message(kind, body) for kind in (PROGRESS, VERBOSE, DEBUG, INFORMATION, 0x00041100, 0x00021008, 0x7777)
    ] * 2_000
    shell = Shell(lambda _cmdlets: [*flood, *[warning("w" * 500)] * 20_000, output(Name="x"), MARKER, DONE])
    wire = transport(monkeypatch, shell)
    wire._open()
    tracemalloc.start()
    (outcome,) = wire.attempt([READ])
    kept, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcome.objects == [{"Name": "x"}]
    assert len(outcome.warnings) == pypsrp.MOST_RECORDS + 1
    assert "19000 more warnings" in outcome.warnings[0]
    assert kept < 5_000_000


def test_errors_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    (outcome,) = attempt(monkeypatch, [*[error("bad")] * 3_000, MARKER, DONE], READ)
    assert outcome.error.message == "bad"


@pytest.mark.parametrize("size", [1, 7, 20, 41, 1_000])
def test_messages_come_in_any_number_of_fragments(size: int) -> None:
    sent = [output(Name="x" * 100), warning("täglich"), DONE]
    found = records.Fragments()
    assert [item for piece in fragments(sent, size) for item in found.messages(piece)] == sent


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_half_a_fragment_is_no_answer(cut: int) -> None:
    (data,) = fragments([DONE])
    with pytest.raises(ValueError, match="half"):
        list(records.Fragments().messages(data[:cut]))


def test_a_lost_fragment_is_no_answer() -> None:
    first, _second, third = list(fragments([output(Name="x" * 100)], 80))[:3]
    found = records.Fragments()
    list(found.messages(first))
    with pytest.raises(ValueError, match="not the next one"):
        list(found.messages(third))


def test_a_start_up_script_that_throws_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Running startup script threw an error: the module is gone."
    broken = message(
        POOL_STATE,
        f'<Obj RefId="0"><MS><I32 N="RunspaceState">5</I32>{record(text, name="ExceptionAsErrorRecord")}</MS></Obj>',
    )
    wire = transport(monkeypatch, Shell(lambda _cmdlets: [], [broken]))
    (outcome,) = wire.attempt([READ])
    assert isinstance(outcome.error, errors.UnreachableError)
    assert text in str(outcome.error)


@pytest.mark.parametrize(
    ("record_of", "expected"),
    [
        (missing("Connect-ExchangeOnline", first=True), "Install the module"),
        (
            {
                "text": "The module could not be loaded: it needs PowerShell 7.6.",
                "error_id": "CouldNotAutoloadMatchingModule",
            },
            "needs PowerShell 7.6",
        ),
        (
            {
                "text": "A parameter cannot be found that matches parameter name 'SkipLoadingFormatData'.",
                "error_id": "NamedParameterNotFound,Connect-ExchangeOnline",
            },
            "SkipLoadingFormatData",
        ),
    ],
)
def test_what_the_host_says_of_its_module_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, record_of: dict[str, Any], expected: str
) -> None:
    (outcome,) = attempt(
        monkeypatch,
        [error(**record_of), MARKER, DONE],
        READ,
        exchange_psrp_connect="exchange_online",
        exchange_access_token="planted",
    )
    assert isinstance(outcome.error, errors.UnreachableError)
    assert expected in str(outcome.error)
    assert "certificate" not in str(outcome.error)


def test_a_connecting_that_ends_before_its_end_is_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    (outcome,) = attempt(
        monkeypatch, [DONE], READ, exchange_psrp_connect="exchange_online", exchange_access_token="planted"
    )
    assert isinstance(outcome.error, errors.UnreachableError)
    assert "ended prematurely" in str(outcome.error)


def test_a_script_in_the_way_of_connecting_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real engine, exit in a function ends its statement without an error, and the next statement runs."""

    def pipelines(connection: list[Message]) -> Any:
        return lambda cmdlets: (
            [MARKER, *connection, MARKER, DONE]
            if cmdlets[0].startswith("Connect")
            else [output(Name="x"), MARKER, DONE]
        )

    online = {"exchange_psrp_connect": "exchange_online", "exchange_access_token": "planted"}
    (outcome,) = attempt(monkeypatch, pipelines([]), READ, **online)
    assert isinstance(outcome.error, errors.UnreachableError)
    assert "ended prematurely" in str(outcome.error)
    for connection in (
        [output(State="Connected")],
        [error(**missing("Get-ConnectionInformation"))],
    ):  # an early module does not have it
        assert attempt(monkeypatch, pipelines(connection), READ, **online)[0].objects == [{"Name": "x"}]


OPAQUE = "A server side error has occurred because of which the operation could not be completed. Please try again after some time."


@pytest.mark.parametrize("cured", [True, False])
def test_an_opaque_failure_of_the_ome_configuration_is_worth_one_connection(
    monkeypatch: pytest.MonkeyPatch, cured: bool
) -> None:
    connections = 0

    def pipelines(cmdlets: list[str]) -> Sequence[Message]:
        nonlocal connections
        connections += cmdlets[0] == "Connect-ExchangeOnline"
        if cmdlets[0] == "Connect-ExchangeOnline":
            return [MARKER, output(State="Connected"), MARKER, DONE]
        answers = [
            output(Name="x") if name != "Get-OMEConfiguration" or (cured and connections > 1) else error(OPAQUE)
            for name in cmdlets[::2]
        ]
        return [*(part for one in answers for part in (one, MARKER)), DONE]

    wire = transport(
        monkeypatch, Shell(pipelines), exchange_psrp_connect="exchange_online", exchange_access_token="planted"
    )
    for _time in range(3):
        irm, ome = wire.attempt([Call("Get-IRMConfiguration"), Call("Get-OMEConfiguration")])
        assert irm.error is None
        assert (ome.error is None) is cured
    assert connections == 2


def test_an_opaque_failure_is_worth_nothing_where_the_session_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    (outcome,) = attempt(monkeypatch, [error(OPAQUE), MARKER, DONE], Call("Get-OMEConfiguration"))
    assert isinstance(outcome, Failure)
    assert (outcome.error.__class__, outcome.retryable) == (errors.ServiceError, True)


@pytest.mark.parametrize(
    ("error_id", "expected"),
    [
        ("CommandNotFoundException", errors.CmdletNotAvailableError),
        ("CouldNotAutoloadMatchingModule", errors.CmdletNotAvailableError),
        ("NamedParameterNotFound,Get-TransportRule", errors.CmdletNotAvailableError),
        ("ParameterArgumentValidationError,Get-TransportRule", errors.InvalidValueError),
        ("ParameterArgumentTransformationError,Get-TransportRule", errors.InvalidValueError),
    ],
)
def test_errors_of_the_engine_are_told_in_every_language(
    monkeypatch: pytest.MonkeyPatch, error_id: str, expected: type
) -> None:
    """In a pipeline's first statement their exception is wrapped, and their text is the host's."""
    wrapped = error(
        "Es geht nicht.", kind="System.Management.Automation.ParentContainsErrorRecordException", error_id=error_id
    )
    (outcome,) = attempt(monkeypatch, [wrapped, MARKER, DONE], READ)
    assert outcome.error.__class__ is expected


def test_the_states_are_pypsrps_own() -> None:
    assert (pypsrp.PSInvocationState.COMPLETED, pypsrp.PSInvocationState.FAILED) == (COMPLETED, FAILED)
