# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PowerShell that dies during a write: nothing ran only if no part of the pipeline reached it. The process is a few
lines of shell.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ServiceError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.powershell import PowershellTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.process_line import ProcessLine
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.processes import Processes
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure

from tests.unit.connections import ORGANIZATION, identity

from .test_process_line import ACK, COMMAND, PATIENCE, packet, say

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
