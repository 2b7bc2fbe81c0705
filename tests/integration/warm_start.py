# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts ansible's programs where their imports end: as forks of a process that has them behind it, one for each of
pytest's workers.

A program has arguments, environment, directory, output and an end of its own, as one that is executed. What the
interpreter reads of the environment at its start must be what the server has, see :func:`serves`, and what other
processes see in ``/proc`` is the server's.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STARTUP = Path(__file__).parent / "startup"
#: What the interpreter and its libraries read when they start.
INTERPRETER = {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(STARTUP)}
_READ_AT_START = ("LC_", "LANG", "LD_", "OPENSSL_", "PYTHON", "TZ")

_used = 0.0


def used() -> float:
    """Processor seconds of all programs that were started here and have ended."""
    return _used


def serves(environment: Mapping[str, str]) -> bool:
    """Whether an interpreter with this environment starts as the server did."""
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)} == INTERPRETER


@functools.cache
def _server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(STARTUP / "server.py"), str(theirs.fileno())],
            env=INTERPRETER,
            stdin=subprocess.DEVNULL,
            # Python keeps whether a stream is a pipe, as those of a program are.
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.communicate()

    atexit.register(end)
    return process, ours


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run`` with captured text and no input. The first argument is the path of a Python script."""
    global _used
    sys.audit("subprocess.Popen", arguments[0], arguments, cwd, env)
    until = time.monotonic() + timeout
    server, channel = _server()
    output, errors, report = contents = [bytearray() for _each in range(3)]
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        with contextlib.ExitStack() as theirs:
            request = theirs.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            json.dump([list(arguments), str(cwd), dict(env)], request)
            request.seek(0)
            given = [request.fileno()]
            for content in contents:
                ours, end = os.pipe()
                selector.register(stack.enter_context(open(ours, "rb", buffering=0)), selectors.EVENT_READ, content)
                given.append(theirs.enter_context(open(end, "wb")).fileno())
            socket.send_fds(channel, [b"."], given)
        while selector.get_map():
            for key, _events in selector.select(1):
                read = os.read(key.fd, 1 << 16)
                key.data.extend(read)
                if not read:
                    selector.unregister(key.fileobj)
            if time.monotonic() > until:
                if len(ends := report.split()) == 1:
                    os.kill(int(ends[0]), signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, timeout, bytes(output), bytes(errors))
    if not report:
        raise RuntimeError(f"The server has ended: {server.communicate()[1].decode()}")
    _program, status, seconds = report.split()
    _used += float(seconds)
    said = (text.decode().replace("\r\n", "\n").replace("\r", "\n") for text in (output, errors))
    return subprocess.CompletedProcess(arguments, int(status), *said)
