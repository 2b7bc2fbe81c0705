# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts ansible's programs where their imports end: as forks of a process that has them behind it, one for each of
pytest's workers. An ansible-playbook with a configuration that was there before is a fork of one that has read it, and
its session broker one of a process that has imported other people's packages.

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
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

STARTUP = Path(__file__).parent / "startup"
#: What the interpreter and its libraries read when they start.
INTERPRETER = {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(STARTUP)}
_READ_AT_START = ("LC_", "LANG", "LD_", "OPENSSL_", "PYTHON", "TZ")

#: What only the callback plugins of the tests read, when a run begins: it belongs to no configuration.
PER_RUN = frozenset({"STATES", "STATES_CA", "STATES_URL", "TASK_RESULTS"})
#: How many configurations are kept.
MOST_CONFIGURED = 4

_used = 0.0
_asking = threading.Lock()
_runs: Counter[object] = Counter()
_configured: dict[object, socket.socket] = {}


def used() -> float:
    """Processor seconds of all programs that were started here and have ended."""
    return _used


def serves(environment: Mapping[str, str]) -> bool:
    """Whether an interpreter with this environment starts as the server did."""
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)} == INTERPRETER


@functools.cache
def _server() -> tuple[subprocess.Popen[bytes], socket.socket]:
    brokers_at = f"message-encryption-tests-{os.getpid()}-{secrets.token_hex(4)}"
    life, held = os.pipe()
    with socket.socket(socket.AF_UNIX) as listening, os.fdopen(life):
        listening.bind(f"\0{brokers_at}")
        listening.listen(64)
        brokers = subprocess.Popen(
            [sys.executable, "-P", str(STARTUP / "brokers.py"), str(listening.fileno()), str(life)],
            env=INTERPRETER,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[listening.fileno(), life],
        )
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(STARTUP / "server.py"), str(theirs.fileno()), brokers_at],
            env=INTERPRETER,
            stdin=subprocess.DEVNULL,
            # Python keeps whether a stream is a pipe, as those of a program are.
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        for each in (ours, *_configured.values()):
            each.close()
        process.communicate()
        os.close(held)
        brokers.wait()

    atexit.register(end)
    return process, ours


def _request(*parts: object) -> IO[str]:
    """Arguments, directory and environment of a program, in a file that the server reads."""
    file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 (the caller closes it)
    json.dump(parts, file)
    file.seek(0)
    return file


def _channel(arguments: Sequence[str], cwd: Path, env: Mapping[str, str]) -> socket.socket:
    """To the server or, from the third run with a configuration on, to a fork of it that has read it: such a fork costs
    as much as three programs that read it themselves.
    """
    _process, channel = _server()
    home = Path(env.get("HOME", "/"))
    files = (cwd / "ansible.cfg", home / ".ansible.cfg", home / ".ansible/plugins")
    if Path(arguments[0]).name != "ansible-playbook" or "ANSIBLE_CONFIG" in env or any(map(Path.exists, files)):
        return channel
    configuration = (arguments[0], cwd, tuple((name, value) for name, value in env.items() if name not in PER_RUN))
    known = _configured.pop(configuration, None)
    if known is None and _runs[configuration] > 1:
        known, theirs = socket.socketpair()
        with theirs, _request(arguments[:1], str(cwd), dict(env)) as request:
            socket.send_fds(channel, [b"."], [request.fileno(), theirs.fileno()])
    _runs[configuration] += 1
    if known is None:
        return channel
    _configured[configuration] = known
    if len(_configured) > MOST_CONFIGURED:
        _configured.pop(next(iter(_configured))).close()
    return known


def run(
    arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run`` with captured text and no input. The first argument is the path of a Python script."""
    global _used
    sys.audit("subprocess.Popen", arguments[0], arguments, cwd, env)
    until = time.monotonic() + timeout
    output, errors, report = contents = [bytearray() for _each in range(3)]
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        with contextlib.ExitStack() as theirs:
            given = [theirs.enter_context(_request(list(arguments), str(cwd), dict(env))).fileno()]
            for content in contents:
                ours, end = os.pipe()
                selector.register(stack.enter_context(open(ours, "rb", buffering=0)), selectors.EVENT_READ, content)
                given.append(theirs.enter_context(open(end, "wb")).fileno())
            with _asking:
                socket.send_fds(_channel(arguments, cwd, env), [b"."], given)
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
        process, _channel_of_all = _server()
        os.set_blocking(process.stderr.fileno(), False)
        raise RuntimeError(f"The server has ended: {process.stderr.read()!r}")
    _program, status, seconds = report.split()
    _used += float(seconds)
    said = (text.decode().replace("\r\n", "\n").replace("\r", "\n") for text in (output, errors))
    return subprocess.CompletedProcess(arguments, int(status), *said)
