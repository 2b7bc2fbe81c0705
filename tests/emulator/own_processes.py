# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell processes that a client starts itself, and that reach the emulator through the stand-in for Exchange's
module.

The client is given a program, ``pwsh`` in the emulator's directory: a shell script that tells the stand-in where the
emulator is, and becomes the real PowerShell. Each process has a console of its own, named by its process id. Systems
give ids again, and a busy one within minutes, so a process is the one that it was only if it began when it began.

Transport faults of the wire ``powershell``, at the steps ``connect``, ``connect-compliance``, ``invoke`` and
``disconnect``: ``lost_before`` and ``dead_shell`` kill the process before the work, ``lost_after`` kills it after. All
others strike the request, as over REST.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .console import Console
from .engine import MODULES, QUICK, Engine
from .faults import Faults, strike
from .ledger import Ledger
from .web import Answer

_PREFIX = "own-"


class OwnProcesses:
    """Those of one emulator.

    :param console: makes a console that nobody has connected.
    """

    def __init__(self, console: Callable[[], Console], faults: Faults, ledger: Ledger) -> None:
        self._new = console
        self._faults = faults
        self._ledger = ledger
        #: Name to when the process began, and its console.
        self._consoles: dict[str, tuple[str, Console]] = {}
        self._lock = threading.Lock()

    def program(self, path: Path, engine: Engine, url: str, *, before: str = "", modules: Path = MODULES) -> Path:
        """Writes the program.

        :param before: lines of shell that run first.
        :param modules: the directory with the module.
        """
        lines = [
            "#!/bin/sh",
            f"export EMULATOR_MODULE_SERVICE={shlex.quote(url)}/{_PREFIX}$$",
            f'export PSModulePath={shlex.quote(str(modules))}:"$PSModulePath"',
            "export EMULATOR_MODULE_WAIT=1",
            "export " + " ".join(f"{name}={value}" for name, value in QUICK.items()),
            before,
            f'exec {shlex.quote(str(engine.path))} "$@"',
        ]
        path.write_text("\n".join(filter(None, lines)) + "\n", encoding="utf-8")
        path.chmod(0o700)
        return path

    def console(self, name: str) -> Console | None:
        """The console of a process; None where this is no name of one."""
        if not name.startswith(_PREFIX):
            return None
        began = _beginning(_pid(name))
        with self._lock:
            known, console = self._consoles.get(name, ("", None))
            if console is None or (began and began != known):
                console = self._new()
                self._consoles[name] = began, console
            return console

    @property
    def living(self) -> list[int]:
        """The ids of the processes that have loaded the module and live."""
        with self._lock:
            began = {_pid(name): began for name, (began, _console) in self._consoles.items()}
        return [pid for pid, then in began.items() if then and _beginning(pid) == then]

    def kill(self) -> None:
        """Every process dies."""
        for pid in self.living:
            _kill(pid)

    def strike(
        self, name: str, step: str, body: Mapping[str, Any], console: Console, work: Callable[[], Answer]
    ) -> Answer:
        """What the stand-in gets for a request, unless a fault strikes.

        A shell that no client has started itself cannot be killed, and meets only faults that name the wire: others
        strike it on its own.
        """
        is_own = name.startswith(_PREFIX)
        if is_own:
            self._ledger.count("powershell")
        elif not any(fault.wire == "powershell" for fault in self._faults.schedule):
            return work()
        organization = (
            console.organization.name if console.organization else str(body["parameters"].get("Organization", ""))
        )
        fault = self._faults.transport("powershell", step, [str(body.get("cmdlet", step))], organization)
        if fault is None or fault.kind not in ("lost_before", "dead_shell", "lost_after") or not is_own:
            return strike(fault, work)
        answer = work() if fault.kind == "lost_after" else Answer(500, b"")
        _kill(_pid(name))
        return answer


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def _pid(name: str) -> int:
    return int(name.removeprefix(_PREFIX))


def _beginning(pid: int) -> str:
    """When a process began, in ticks since the system did; empty where it lives no more. Source: proc_pid_stat(5),
    fields 3 and 22.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]
