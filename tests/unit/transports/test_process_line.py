# SPDX-License-Identifier: GPL-3.0-or-later
"""The line to a process that says anything: what is a packet, what was printed, and how it ends. The process is a few
lines of shell.
"""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ServiceError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import packet_stream
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.limits import (
    Limits,
    TooLargeError,
    TooSlowError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.packet_stream import (
    PacketStream,
    PrintedText,
    ProcessGoneError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.powershell import PowershellTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.process_line import ProcessLine
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.processes import Processes
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure

from tests.unit.connections import ORGANIZATION, identity

POOL = "00000000-0000-0000-0000-000000000000"
COMMAND = "2F7A6A0E-0B1C-4D5E-8F90-A1B2C3D4E5F6"
ACK = f"<DataAck PSGuid='{POOL}' />"
PATIENCE = 120


def packet(data: bytes, target: str = POOL) -> str:
    return f"<Data Stream='Default' PSGuid='{target}'>{base64.b64encode(data).decode()}</Data>"


@pytest.fixture(name="speak")
def speak_fixture(tmp_path: Path) -> Iterator[Callable[..., ProcessLine]]:
    """A line to a process that runs these lines of shell."""
    run = tmp_path / "run"
    run.mkdir()
    processes, lines = Processes(str(run)), []

    def speak(*script: str) -> ProcessLine:
        program = tmp_path / f"program{len(lines)}"
        program.write_text("\n".join(["#!/bin/sh", *script]) + "\n", encoding="utf-8")
        program.chmod(0o700)
        lines.append(ProcessLine(processes.start(str(program), {}), Limits()))
        return lines[-1]

    yield speak
    for line in lines:
        line.close()
    assert list(run.iterdir()) == []


def begin(line: ProcessLine, data: bytes = b"hello") -> None:
    content = ElementTree.Element("creationXml")
    content.text = base64.b64encode(data).decode()
    with line.limits.call(PATIENCE):
        line.open(None, content)


def received(line: ProcessLine, command_id: str | None = None, seconds: float = PATIENCE) -> bytes:
    with line.limits.call(seconds):
        return line.receive("stdout", command_id)[2]["stdout"]


def converse(line: ProcessLine) -> None:
    begin(line)
    received(line)


def until_it_ends(line: ProcessLine, seconds: float = 0) -> None:
    """Receives until nothing can come any more, after the process had so many seconds to end."""
    packets = line._packets
    with packets._changed:
        packets._changed.wait_for(lambda: packets._gone, seconds)
    while True:
        received(line)


def say(text: str) -> str:
    return f"printf '%s\\n' \"{text}\""


def test_what_is_printed_between_packets_is_kept_and_lost_on_nobody(speak: Callable[..., ProcessLine]) -> None:
    line = speak(
        "read -r first",
        say("Welcome"),
        say(ACK),
        "printf 'no end of line '",
        say(packet(b"one")),
        say("<Data> is no packet"),
        say(packet(b"two")),
        "cat",
    )
    begin(line)
    assert received(line) == b"one"
    with pytest.raises(ProcessGoneError, match="mixed into a packet"):
        until_it_ends(line)


def test_packets_of_others_are_dropped(speak: Callable[..., ProcessLine]) -> None:
    other = "11111111-1111-1111-1111-111111111111"
    line = speak("read -r first", say(ACK), say(packet(b"old", other)), say(packet(b"mine", COMMAND.lower())), "cat")
    begin(line)
    assert received(line, COMMAND) == b"mine"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ([say("__NamedPipeError__:The process failed to start.")], "it cannot continue. The process failed to start."),
        ([say(packet(b"x").replace("</Data>", "interrupted</Data>"))], "mixed into a packet"),
        ([say(packet(b"x")[:60])], "mixed into a packet"),
        ([say(f"<SignalAck PSGuid='{POOL}' />")], "it answers Data with SignalAck"),
        (["echo trouble >&2", "exit 3"], "it ended with exit code 3. trouble"),
        (["kill -9 $$"], "it ended by signal 9."),
        (["exec 0<&-", "exec sleep 0.1"], "it ended with exit code 0"),
    ],
)
def test_what_ends_the_session_is_named(speak: Callable[..., ProcessLine], script: list[str], reason: str) -> None:
    line = speak(
        "read -r first", *script, "sleep 100" if "Ack" in reason or "packet" in reason or "cannot" in reason else ""
    )
    with pytest.raises(ProcessGoneError) as gone:
        converse(line)
    assert reason in str(gone.value)
    assert not gone.value.sent


def test_what_came_before_the_end_is_received(speak: Callable[..., ProcessLine]) -> None:
    line = speak("read -r first", say(ACK), say(packet(b"last words")), "exit 0")
    begin(line)
    assert received(line) == b"last words"
    with pytest.raises(ProcessGoneError, match="exit code 0"):
        received(line)


def test_a_part_of_a_pipeline_was_sent_once_data_of_it_was(speak: Callable[..., ProcessLine]) -> None:
    script = [
        "read -r first",
        say(ACK),
        "read -r command",
        say(f"<CommandAck PSGuid='{COMMAND}' />"),
        "read -r data",
        "exit 1",
    ]
    line = speak(*script)
    begin(line)
    with pytest.raises(ProcessGoneError) as gone, line.limits.call(PATIENCE):
        line.command("", ["aGVsbG8="], command_id=COMMAND)
    assert gone.value.sent
    line = speak(*script[:3], "exit 1")
    begin(line)
    with pytest.raises(ProcessGoneError) as gone, line.limits.call(PATIENCE):
        line.command("", ["aGVsbG8="], command_id=COMMAND)
    assert not gone.value.sent


@pytest.mark.parametrize("size", [5, 5_000_000])
def test_a_process_that_takes_nothing_in_does_not_hold_anybody(speak: Callable[..., ProcessLine], size: int) -> None:
    line = speak("exec sleep 100")
    content = ElementTree.Element("creationXml")
    content.text = base64.b64encode(b"x" * size).decode()
    with pytest.raises(TooSlowError), line.limits.call(0.5):
        line.open(None, content)


def test_a_wait_for_data_ends_with_its_time(speak: Callable[..., ProcessLine]) -> None:
    line = speak("read -r first", say(ACK), "exec sleep 100")
    begin(line)
    with line.limits.call(PATIENCE):
        assert line.receive("stdout", None, 0.2)[2] == {"stdout": b""}
    with pytest.raises(TooSlowError):
        received(line, seconds=0.3)


def test_more_than_anybody_takes_in_ends_the_process(
    speak: Callable[..., ProcessLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packet_stream, "LARGEST_SENT", 10_000)
    line = speak("read -r first", say(ACK), "while true; do " + say(packet(b"x" * 1000)) + "; done")
    begin(line)
    with pytest.raises((TooLargeError, ProcessGoneError)):
        until_it_ends(line, PATIENCE)


def test_what_it_has_started_ends_with_it(speak: Callable[..., ProcessLine]) -> None:
    """It holds the output open, and would be waited for."""
    line = speak("read -r first", "sleep 1000 &", say(ACK), "exit 0")
    begin(line)
    with pytest.raises(ProcessGoneError, match="exit code 0"):
        received(line)


def test_what_was_printed_is_bounded_and_has_both_ends(speak: Callable[..., ProcessLine]) -> None:
    line = speak("read -r first", say("the beginning"), "seq 100000 200000", "echo the end", "exit 9")
    with pytest.raises(ProcessGoneError) as gone:
        begin(line)
    text = str(gone.value)
    assert "the beginning 100000" in text
    assert text.endswith("the end")
    assert len(text) < 3000


def test_of_printed_text_there_is_the_beginning_and_the_end() -> None:
    printed = PrintedText()
    for number in range(1000):
        printed.add(f"line  {number}\r\n".encode())
    assert printed.text.startswith("line 0 line 1 ")
    assert printed.text.endswith(" line 998 line 999")
    assert len(printed.text) < 3000


def test_what_a_process_printed_last_is_told_however_late_it_is_read(
    speak: Callable[..., ProcessLine], monkeypatch: pytest.MonkeyPatch
) -> None:
    overhear = PacketStream._overhear

    def late(packets: PacketStream) -> None:
        packets._burial.join()
        time.sleep(0.2)
        overhear(packets)

    monkeypatch.setattr(PacketStream, "_overhear", late)
    line = speak("echo 'no memory' >&2", "exit 3")
    with pytest.raises(ProcessGoneError, match=r"it ended with exit code 3\. no memory"):
        converse(line)


# A death during a write: nothing ran only if no part of the pipeline reached PowerShell

#: What the process does for each packet of a pipeline in two fragments, and then.
COMMAND_TAKEN = ["read -r command", say(f"<CommandAck PSGuid='{COMMAND}' />")]
DATA_TAKEN = ["read -r data", say(f"<DataAck PSGuid='{COMMAND}' />")]


class _Pool:
    """A pool with one pipeline, sent as ``pypsrp.Pool`` sends it: it is running once all of it was taken in."""

    def __init__(self, line: ProcessLine) -> None:
        self.line = line
        with line.limits.call(PATIENCE):
            line.open(None, ElementTree.Element("creationXml"))

    def run(self, calls: Any, *, timeout: float) -> None:
        running = False
        try:
            with self.line.limits.call(PATIENCE):
                self.line.command("", ["aGVsbG8="], command_id=COMMAND)
                self.line.send("stdin", b"the rest", COMMAND)
                running = True
                while True:
                    self.line.receive("stdout", COMMAND)
        except Exception as error:
            error.running = running  # type: ignore[attr-defined]
            raise

    def close(self, seconds: float) -> None:
        self.line.close()


@pytest.mark.parametrize(
    ("script", "executed"),
    [
        pytest.param([], Executed.NO, id="before it is sent"),
        pytest.param(["read -r command"], Executed.NO, id="before anything of it is sent but that it begins"),
        pytest.param([*COMMAND_TAKEN, "read -r data"], Executed.UNKNOWN, id="at its first fragment"),
        pytest.param([*COMMAND_TAKEN, *DATA_TAKEN], Executed.UNKNOWN, id="between its fragments"),
        pytest.param([*COMMAND_TAKEN, *DATA_TAKEN, "read -r data"], Executed.UNKNOWN, id="at its last fragment"),
        pytest.param([*COMMAND_TAKEN, *DATA_TAKEN, *DATA_TAKEN], Executed.UNKNOWN, id="before an answer"),
        pytest.param(
            [*COMMAND_TAKEN, *DATA_TAKEN, *DATA_TAKEN, say(packet(b"one", COMMAND)), say(packet(b"two", COMMAND)[:40])],
            Executed.UNKNOWN,
            id="in the middle of an answer",
        ),
    ],
)
def test_a_death_is_known_to_have_executed_nothing_only_where_nothing_was_sent(
    tmp_path: Path, script: list[str], executed: Executed
) -> None:
    program = tmp_path / "program"
    program.write_text("\n".join(["#!/bin/sh", "read -r first", say(ACK), *script, "exit 1"]) + "\n", encoding="utf-8")
    program.chmod(0o700)
    run = tmp_path / "run"
    run.mkdir()
    processes = Processes(str(run))
    known = identity(
        exchange_transport="powershell",
        exchange_organization=ORGANIZATION,
        exchange_client_id="id",
        exchange_client_secret="planted",
    )
    transport = PowershellTransport(known, processes)
    transport._credential._ends = math.inf
    transport._pool = _Pool(ProcessLine(processes.start(str(program), {}), transport._limits))  # type: ignore[assignment]
    (outcome,) = transport.attempt([Call("Set-IRMConfiguration", {"SearchEnabled": False})])
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, ServiceError)
    assert "was lost" in str(outcome.error)
    assert (outcome.executed, outcome.retryable) == (executed, True)
    assert transport.is_closed
    assert list(run.iterdir()) == []
