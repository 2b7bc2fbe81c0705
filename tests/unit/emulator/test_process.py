# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

_ROOT = Path(__file__).parents[3]


def _start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.emulator", "--directory", str(directory), *arguments]
    return subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_until_ready(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if line == "ready\n":
            return lines
    raise AssertionError(f"it ended: {lines}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_stops_when_told(tmp_path: Path, number: signal.Signals) -> None:
    described = tmp_path / "state.json"
    described.write_text(json.dumps({"name": "fabrikam.onmicrosoft.com", "locale": "fr-FR"}))
    with _start(tmp_path / "run", "--organization", "contoso.onmicrosoft.com", "--state", str(described)) as process:
        lines = _wait_until_ready(process)
        description = json.loads((tmp_path / "run" / "emulator.json").read_text())
        assert f"api_url: {description['api_url']}" in lines
        assert [row["name"] for row in description["organizations"]] == [
            "contoso.onmicrosoft.com",
            "fabrikam.onmicrosoft.com",
        ]
        with requests.Session() as session:
            session.trust_env = False
            session.verify = description["ca_cert"]
            state = session.get(
                f"{description['control_url']}/state?organization=fabrikam.onmicrosoft.com", timeout=60
            ).json()
        assert state["locale"] == "fr-FR"
        process.send_signal(number)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(["sleep", "600"])
    with _start(tmp_path, "--parent", str(parent.pid)) as process:
        _wait_until_ready(process)
        parent.kill()
        parent.wait()
        assert process.wait(60) == 0


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"nonsense": 1}')
    with _start(tmp_path, "--state", str(bad)) as process:
        assert process.wait(60) == 2
        assert process.stderr is not None
        assert "nonsense" in process.stderr.read()
