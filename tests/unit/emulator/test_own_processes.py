# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that clients start themselves: whose they are, and which of them the emulator may end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.emulator import own_processes as _own
from tests.emulator.faults import Faults
from tests.emulator.ledger import Ledger
from tests.emulator.own_processes import OwnProcesses


@pytest.fixture(name="process")
def process_fixture() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def own() -> OwnProcesses:
    made: list[Any] = []

    def console() -> Any:
        made.append(object())
        return made[-1]

    return OwnProcesses(console, Faults(), Ledger())


def test_a_process_keeps_its_console_and_is_ended_with_the_emulator(process: subprocess.Popen[bytes]) -> None:
    processes = own()
    name = f"own-{process.pid}"
    console = processes.console(name)
    assert console is not None
    assert processes.console(name) is console
    assert processes.console("another") is None
    assert processes.living == [process.pid]
    processes.kill()
    assert process.wait(60) < 0
    assert processes.living == []
    # What it asked before it died is still answered by its own console.
    assert processes.console(name) is console


def test_a_process_that_got_the_id_of_one_that_has_ended_is_another_one(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = own()
    name = f"own-{process.pid}"
    with monkeypatch.context() as earlier:
        earlier.setattr(_own, "_beginning", lambda pid: "7")
        console = processes.console(name)
        assert processes.living == [process.pid]
    assert processes.living == []
    processes.kill()
    assert process.poll() is None, "a stranger was killed"
    assert processes.console(name) is not console
    assert processes.living == [process.pid]
