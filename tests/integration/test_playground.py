# SPDX-License-Identifier: GPL-3.0-or-later
"""``make emulator``: what it tells to type works as it stands."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from .playbook import BIN, ROOT
from .warm_start import INTERPRETER

ENVIRONMENT = {"PATH": f"{BIN}:/usr/bin:/bin", "ANSIBLE_NOCOLOR": "1", **INTERPRETER}


@contextmanager
def playground(home: Path, *arguments: str) -> Iterator[list[str]]:
    """Starts it, gives what it says, and ends it as a person does."""
    command = [sys.executable, str(ROOT / "scripts/playground.py"), "--directory", str(home / "emulator"), *arguments]
    with subprocess.Popen(
        command, env={**ENVIRONMENT, "HOME": str(home)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if "Ctrl+C" in line:
                break
        try:
            yield lines
        finally:
            os.kill(process.pid, signal.SIGINT)
            assert process.wait(120) == 0


def typed(home: Path, *commands: str) -> str:
    done = subprocess.run(
        ["/bin/sh", "-ec", "\n".join(commands)],
        env={**ENVIRONMENT, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_three_commands_work_as_they_stand(tmp_path: Path) -> None:
    with playground(tmp_path) as lines:
        assert "api_url" not in lines[0]
        commands = [line.strip() for line in lines if line.startswith("    ")]
        assert len(commands) == 3
        assert lines[0].startswith(
            "3 organizations, without Advanced Message Encryption: contoso has the rules of real organizations; fabrikam and adatum are new."
        )
        hosts = yaml.safe_load((tmp_path / "emulator/inventory.yml").read_text(encoding="utf-8"))[
            "exchange_organizations"
        ]["hosts"]
        assert list(hosts) == ["contoso", "fabrikam", "adatum"]
        assert (
            'Branding templates and revocation need Advanced Message Encryption: make emulator EMULATOR_ARGS="--license ame"'
            in lines
        )
        said = typed(tmp_path, *commands)
        assert "Does not act: the rule 'encrypt' with 'Encrypt' is disabled" in said
        assert "contoso: would change: " in said
        assert "[WARNING]" not in said


def test_license_and_names_are_given(tmp_path: Path) -> None:
    with playground(tmp_path, "--organization", "litware", "--license", "ame") as lines:
        assert lines[0].startswith(
            "1 organization, with Advanced Message Encryption: litware has the rules of real organizations."
        )
        assert not any("--license ame" in line for line in lines)
        enter = shlex.join(["cd", str(tmp_path / "emulator")]) + f" && . {BIN}/activate"
        said = typed(tmp_path, enter, "ansible litware -m m365.message_encryption.exchange_connection_info")
        assert "with Advanced Message Encryption" in said


@pytest.mark.parametrize(
    ("arguments", "match"), [(["--lived-in", "nowhere"], "--lived-in nowhere is not one of the organizations")]
)
def test_what_cannot_be_is_said(tmp_path: Path, arguments: list[str], match: str) -> None:
    command = [sys.executable, str(ROOT / "scripts/playground.py"), "--directory", str(tmp_path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert match in done.stderr
