# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's side of the session broker: finds it, starts it, talks to it.

Imports nothing heavy, because every worker would pay for it.

The broker's socket and a lock file are in the directory that ansible-core creates for each run. A worker that finds no
broker takes the lock, checks again, and starts one. The worker creates the listening socket and passes it on, so that
every worker can connect to a broker as soon as it exists.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    ExchangeError,
    NotSentError,
    OptionError,
    OutcomeUnknownError,
    UnreachableError,
)
from ...module_utils._exchange.tenant import SessionDescription
from . import frames
from . import identity as _identity
from .process import Process

_SOCKET = "exchange.socket"
_LOCK = "exchange.lock"
#: The file to which brokers write errors that end them. See ``_broker.main``.
_ERROR_FILE = "exchange.stderr"
#: The number of characters of that file that a message quotes.
_ERROR_LIMIT = 300
#: The maximum length of a socket's path, in bytes, that every system supports.
_PATH_LIMIT = 100
#: The number of workers that can connect before the broker accepts the first.
_BACKLOG = 1024
#: The broker's program. It has no collection loader and creates the parent packages itself: a search might find another
#: copy of the collection.
_PROGRAM = """
import sys, types
root, directory, descriptor, pid, started = sys.argv[1:]
name, path = "ansible_collections", root
for part in ("", "m365", "message_encryption", "plugins"):
    name, path = (name + "." + part, path + "/" + part) if part else (name, path)
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [path]
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import main
main(directory, int(descriptor), int(pid), started)
"""


class BrokerGone(Exception):
    """The broker ended during a request.

    :param sent: whether the request may have reached it.
    """

    def __init__(self, sent: bool) -> None:
        super().__init__("the session broker ended")
        self.sent = sent


class BrokerClient:
    """A worker's connection to the broker.

    :param directory: the run's own directory.
    :param playbook: the process with which the broker must end.
    :param identity: the connection identity. It is sent only if the broker does not know it yet.
    :param log: receives the broker's lines for ``-vvv``.
    :param tell: shows text to the person who runs the playbook, at once.
    :param warn: receives warnings about the session.
    """

    def __init__(
        self,
        directory: str,
        playbook: int,
        identity: Mapping[str, Any],
        log: Callable[[str], None],
        tell: Callable[[str], None] = lambda text: None,
        warn: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._directory = directory
        self._playbook = playbook
        self.identity = identity
        self._key = _identity.key(identity)
        self._log = log
        self._tell = tell
        self._warn = warn
        self._connection: socket.socket | None = None

    def over(self, identity: Mapping[str, Any]) -> BrokerClient:
        """A connection to the same broker with another identity."""
        return BrokerClient(self._directory, self._playbook, identity, self._log, self._tell, self._warn)

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False, reuse: float = 0.0) -> list[Result]:
        """Runs the calls.

        :raises UnreachableError: a session cannot be opened.
        """
        request = {"operation": "invoke", "calls": [call.to_wire() for call in calls], "fresh": fresh, "reuse": reuse}
        repeatable = all(call.is_read for call in calls)
        try:
            answer = self._ask(request, repeatable)
        except BrokerGone:
            return [Result(error=_gone(call)) for call in calls]
        return [Result.from_wire(result) for result in answer["results"]]

    def describe(self) -> SessionDescription:
        """The description of the session.

        :raises UnreachableError: a session cannot be opened.
        """
        return SessionDescription.from_wire(self._ask({"operation": "describe"}, True)["description"])

    def end_session(self) -> None:
        """Ends this organization's session. Does nothing if there is no broker."""
        with contextlib.suppress(OSError, BrokerGone):
            self._connection = self._connection or self._connect()
            if self._connection is not None:
                self._exchange({"operation": "close"})

    def close(self) -> None:
        """Disconnects. Sessions stay open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self, request: dict[str, Any], repeatable: bool) -> dict[str, Any]:
        """Sends a request and returns the answer. If the broker has ended, starts another one, once.

        :raises BrokerGone: the broker ended during a request that must not be repeated.
        """
        for last in (False, True):
            try:
                answer = self._exchange(request)
            except BrokerGone as gone:
                if gone.sent and not repeatable:
                    raise
                if last:
                    raise UnreachableError(
                        f"the session broker ended twice{self._exit_reason()}.",
                        remedy="Check for memory limits or a sandbox that ends background processes, and report this.",
                    ) from None
                continue
            for line in answer.get("log", []):
                self._log(str(line))
            for line in answer.get("warnings", []):
                self._warn(str(line))
            if "error" in answer:
                raise ExchangeError.from_wire(answer["error"])
            return answer
        raise AssertionError("not reached")

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request and its answer on one connection.

        Any interruption, including a task's timeout (which is not an Exception), drops the connection: the answer to an
        older request must never be treated as the answer to a newer one.
        """
        sent = whole = False
        try:
            if self._connection is not None and frames.closed(self._connection):
                self.close()
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection
            # The broker does not run an incomplete frame.
            frames.send(connection, {**request, "key": self._key})
            sent = True
            answer = self._receive(connection)
            if answer is not None and answer.get("need") == "identity":
                # The broker does not know the session yet, so it has not run anything.
                sent = False
                frames.send(connection, {"identity": self.identity})
                sent = True
                answer = self._receive(connection)
            if answer is None:
                raise BrokerGone(sent)
            whole = True
            return answer
        except frames.FrameTooLargeError as error:
            raise OptionError(f"the task's values are too large to send: {error}.") from None
        except (OSError, frames.FrameError):
            raise BrokerGone(sent) from None
        finally:
            if not whole:
                self.close()

    def _receive(self, connection: socket.socket) -> dict[str, Any] | None:
        """The answer. Texts that the broker sends before it are shown at once."""
        while (frame := frames.receive(connection)) is not None and "tell" in frame:
            self._tell(str(frame["tell"]))
        return frame

    def _connect(self) -> socket.socket | None:
        """A connection to the run's broker, if there is one."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _address(self._directory) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            return None
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> socket.socket:
        """A connection to the run's broker. Starts it if necessary.

        :raises UnreachableError: the run's directory cannot be used, or the system cannot start a process.
        """
        try:
            return self._connect() or self._start()
        except OSError as error:
            raise UnreachableError(
                f"the session broker cannot be started in {self._directory}: {error.strerror or error}.",
                remedy="Set ANSIBLE_LOCAL_TEMP to a writable directory, and check the limits on memory and processes.",
            ) from None

    def _start(self) -> socket.socket:
        """Starts the broker, unless another worker has started it in the meantime, and connects to it."""
        lock = os.open(os.path.join(self._directory, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            connection = self._connect()
            if connection is None:
                self._launch()
                connection = self._connect()
            if connection is None:
                raise BrokerGone(False)
            return connection
        finally:
            os.close(lock)

    def _launch(self) -> None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with listener:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self._directory, _SOCKET))
            with _address(self._directory) as address:
                listener.bind(address)
            listener.listen(_BACKLOG)
            descriptor = listener.fileno()
            playbook = Process.current(self._playbook)
            # The collection that contains this file, and no other:
            # .../ansible_collections/m365/message_encryption/plugins/plugin_utils/_broker/this
            root = str(pathlib.Path(__file__).absolute().parents[5])
            words = os.open(
                os.path.join(self._directory, _ERROR_FILE), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                subprocess.Popen(  # noqa: S603
                    [
                        sys.executable,
                        "-P",
                        "-c",
                        _PROGRAM,
                        root,
                        self._directory,
                        str(descriptor),
                        str(playbook.pid),
                        playbook.started,
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=words,
                    pass_fds=(descriptor,),
                    start_new_session=True,
                    env={
                        name: value for name, value in os.environ.items() if not name.startswith(_identity.ENVIRONMENT)
                    },
                )
            finally:
                os.close(words)

    def _exit_reason(self) -> str:
        """Why brokers ended, if one of them wrote it: the last line of a traceback, without source lines."""
        try:
            with open(os.path.join(self._directory, _ERROR_FILE), encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            return ""
        said = [line.strip() for line in lines if line[:1].strip() and not line.startswith("Traceback ")]
        return f" ({said[-1][:_ERROR_LIMIT].rstrip('.')})" if said else ""


def _gone(call: Call) -> ExchangeError:
    """What is known of a call that was sent together with a write when the broker ended."""
    if call.is_read:
        return NotSentError("the session broker ended.", cmdlet=call.cmdlet)
    return OutcomeUnknownError(
        "the session broker ended while this write ran, so it may or may not have happened.",
        remedy="The next run reads the organization first and applies what is missing.",
        cmdlet=call.cmdlet,
    )


@contextlib.contextmanager
def _address(directory: str) -> Iterator[str]:
    """The socket's address. A long path is shortened through the directory's descriptor, because an address can have at
    most 107 bytes.

    :raises UnreachableError: the path is too long, and this system has no way to shorten it.
    """
    path = os.path.join(directory, _SOCKET)
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        yield path
        return
    if not os.path.isdir("/proc/self/fd"):
        raise UnreachableError(
            f"the path {path} is too long for a socket.",
            remedy="Set ANSIBLE_LOCAL_TEMP to a directory with a short path.",
        )
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{_SOCKET}"
    finally:
        os.close(descriptor)
