# SPDX-License-Identifier: GPL-3.0-or-later
"""Printed commands, given to PowerShell itself: each has to parse as one command with literal arguments, and to bind to
the live module's parameters.

Where the tests have a PowerShell, every command that a test's plan prints goes through here, whichever way the test
runs.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.emulator.engine import QUICK, Engine
from tests.emulator.module_script import manifest, script

_SCRIPT = Path(__file__).parent / "powershell/PrintedCommands.ps1"


#: The module takes no null for a boolean, and without a null Exchange keeps the condition. Over REST it goes; over
#: PowerShell the task says that the condition can only be taken away in the portal. So this one command is for reading
#: only.
_FOR_READING = re.compile(r" -(ExceptIf)?HasNoClassification \$null( |$)")


class PrintedCommands:
    """A PowerShell process that judges commands.

    :param engine: its program.
    """

    def __init__(self, engine: Engine) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="printed-commands-")
        functions = Path(self._directory.name) / "Functions.psm1"
        functions.write_text(script(manifest()), encoding="utf-8")
        arguments = [
            "-NoLogo",
            "-NoProfile",
            "-NonInteractive",
            "-File",
            str(_SCRIPT),
            str(functions),
            self._directory.name,
        ]
        self._process = subprocess.Popen(
            [str(engine.path), *arguments],
            env=os.environ | QUICK,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._known: set[str] = set()

    def bound(self, text: str) -> dict[str, Any]:
        """The ``cmdlet`` that a command runs and the ``parameters`` that it gets, or an ``objection``. Bytes are
        ``{"$bytes": length}``.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def check(self, text: str, meant: Mapping[str, Any] | None = None) -> None:
        """An AssertionError says why PowerShell does not take a command, or what it takes instead of what is meant."""
        if text not in self._known and not _FOR_READING.search(text):
            told = self.bound(text)
            assert not told.get("objection"), f"{text}\n{told['objection']}"
            if meant is not None:
                cmdlet = text.partition(" ")[0]
                types = {name: row["type"] for name, row in manifest()[cmdlet]["parameters"].items()}
                assert told == {
                    "cmdlet": cmdlet,
                    "parameters": {name: _told(value, types.get(name, "")) for name, value in meant.items()},
                }, text
            self._known.add(text)

    @property
    def count(self) -> int:
        """How many different commands it has taken."""
        return len(self._known)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(300)
        self._directory.cleanup()


def _told(value: Any, net_type: str) -> Any:
    """A value as the process tells it."""
    if value is None and net_type in ("string", "uri"):
        return "" if net_type == "string" else None  # which PowerShell makes of a null there
    if isinstance(value, int) and value < 0 and not net_type.startswith("int"):
        return str(value)  # an argument that begins with a sign stays a text where no number is declared
    if isinstance(value, str):  # of UTF-16's units: two halves side by side are a character there
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if isinstance(value, bytes):
        return {"$bytes": len(value)}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {"$hashtable": {str(name): _told(item, "") for name, item in value.items()}}
    if isinstance(value, Sequence):
        return [_told(item, "") for item in value]
    return value


_engine: Engine | None = None
_judge: PrintedCommands | None = None


def use(engine: Engine | None) -> None:
    """From now on commands are judged by this PowerShell, which is started once there is one to judge."""
    global _engine
    _engine = engine


def check(commands: Iterable[str]) -> None:
    """Gives commands of a plan to PowerShell, where the tests have one.

    :raises AssertionError: it does not take one of them.
    """
    for text in commands:
        if _engine is not None:
            _process().check(text)


def check_call(text: str, parameters: Mapping[str, Any]) -> None:
    """Gives a call as it is printed to PowerShell, where the tests have one.

    :param parameters: what it has to bind.
    :raises AssertionError: it does not.
    """
    if _engine is not None and text.partition(" ")[0] in manifest():
        _process().check(text, parameters)


def _process() -> PrintedCommands:
    global _judge
    if _judge is None:
        assert _engine is not None
        _judge = PrintedCommands(_engine)
    return _judge


def done() -> int:
    """Ends the process. How many different commands it has taken."""
    global _judge
    judge, _judge = _judge, None
    if judge is None:
        return 0
    judge.close()
    return judge.count
