# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's side of the session broker: finding it, starting it, talking to it.

Private to the collection. Imports nothing heavy, because every worker pays for it.

The broker's socket and a lock file lie in the directory that ansible-core makes for each run. Whoever finds no broker
takes the lock, looks again, and starts one; the listening socket is made here and handed over, so that a broker can
be talked to from the moment that it exists, by every worker at once.
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

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError, OutcomeUnknownError, UnreachableError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import frames
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.process import Process

_SOCKET = "exchange.socket"
_LOCK = "exchange.lock"
#: What brokers say on their way out; see ``_broker.main``.
_LAST_WORDS = "exchange.stderr"
#: Characters of them that a message takes.
_LAST_WORDS_LIMIT = 300
#: Bytes of a socket's path that every system takes.
_PATH_LIMIT = 100
#: Workers that may knock before the broker's first breath.
_BACKLOG = 1024
#: The broker's program. It has no collection loader, and the packages above it are made by hand: a search could find another copy of the collection.
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
    """The broker went away in mid-talk.

    :param sent: whether the request may have reached it.
    """

    def __init__(self, sent: bool) -> None:
        super().__init__("the session broker went away")
        self.sent = sent


class BrokerClient:
    """One worker's talk with the broker.

    :param directory: the run's own directory.
    :param playbook: the process with which the broker shall end.
    :param identity: the connection identity; it travels only when the broker does not know it yet.
    :param log: takes the broker's lines for ``-vvv``.
    """

    def __init__(self, directory: str, playbook: int, identity: Mapping[str, Any], log: Callable[[str], None]) -> None:
        self._directory = directory
        self._playbook = playbook
        self._identity = identity
        self._key = _identity.key(identity)
        self._log = log
        self._connection: socket.socket | None = None

    def invoke(self, calls: Sequence[Call], *, fresh: bool, reuse: float) -> list[Result]:
        """Has the calls carried out.

        :raises UnreachableError: no session could be opened.
        """
        request = {"operation": "invoke", "calls": [call.to_wire() for call in calls], "fresh": fresh, "reuse": reuse}
        repeatable = all(call.is_read for call in calls)
        try:
            answer = self._ask(request, repeatable)
        except BrokerGone:
            return [
                Result(
                    error=OutcomeUnknownError(
                        "the session broker ended while this write ran, so it may or may not have happened.",
                        remedy="The next run reads first and then does what is left.",
                        cmdlet=call.cmdlet,
                    )
                )
                for call in calls
            ]
        return [Result.from_wire(result) for result in answer["results"]]

    def describe(self) -> dict[str, Any]:
        """Who we are.

        :raises UnreachableError: no session could be opened.
        """
        return dict(self._ask({"operation": "describe"}, True)["description"])

    def end_session(self) -> None:
        """Ends this organization's session; nothing happens where there is no broker."""
        with contextlib.suppress(OSError, BrokerGone):
            self._connection = self._connection or self._connect()
            if self._connection is not None:
                self._exchange({"operation": "close"})

    def close(self) -> None:
        """Hangs up. Sessions stay."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _ask(self, request: dict[str, Any], repeatable: bool) -> dict[str, Any]:
        """One question and its answer. Where the broker has gone, another one is started, once.

        :raises BrokerGone: it went away over something that must not be repeated.
        """
        for last in (False, True):
            try:
                answer = self._exchange(request)
            except BrokerGone as gone:
                if gone.sent and not repeatable:
                    raise
                if last:
                    raise UnreachableError(
                        f"the session broker ended twice{self._last_words()}.",
                        remedy="Look for memory limits or a sandbox that ends background processes, and report it.",
                    ) from None
                continue
            for line in answer.get("log", []):
                self._log(str(line))
            if "error" in answer:
                raise ExchangeError.from_wire(answer["error"])
            return answer
        raise AssertionError("not reached")

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        """One question and its answer on one connection.

        Whatever interrupts it, also a task's timeout, which is no Exception, drops the connection: an answer to an older
        question must never be taken for that to a newer one.
        """
        sent = whole = False
        try:
            if self._connection is not None and frames.closed(self._connection):
                self.close()
            if self._connection is None:
                self._connection = self._open()
            connection = self._connection
            # A frame that did not leave whole is not carried out.
            frames.send(connection, {**request, "key": self._key})
            sent = True
            answer = frames.receive(connection)
            if answer is not None and answer.get("need") == "identity":
                # The broker does not know the session yet, so it has done nothing yet.
                sent = False
                frames.send(connection, {"identity": self._identity})
                sent = True
                answer = frames.receive(connection)
            if answer is None:
                raise BrokerGone(sent)
            whole = True
            return answer
        except frames.FrameTooLargeError as error:
            raise OptionError(f"the values of this task are too large to send: {error}.") from None
        except (OSError, frames.FrameError):
            raise BrokerGone(sent) from None
        finally:
            if not whole:
                self.close()

    def _connect(self) -> socket.socket | None:
        """A connection to the run's broker, if it has one."""
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
        """A connection to the run's broker, which is started if need be.

        :raises UnreachableError: the run's directory cannot be used, or the system starts no process.
        """
        try:
            return self._connect() or self._start()
        except OSError as error:
            raise UnreachableError(
                f"the session broker cannot be started in {self._directory}: {error.strerror or error}.",
                remedy="Let ANSIBLE_LOCAL_TEMP name a directory that can be written, and look for limits on memory and processes.",
            ) from None

    def _start(self) -> socket.socket:
        """Starts the broker, unless somebody else has done so in the meantime, and connects to it."""
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
            playbook = Process.of(self._playbook)
            # The collection that this file lies in, and no other: .../ansible_collections/m365/message_encryption/plugins/plugin_utils/_broker/this
            root = str(pathlib.Path(__file__).absolute().parents[5])
            words = os.open(os.path.join(self._directory, _LAST_WORDS), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                subprocess.Popen(  # noqa: S603
                    [sys.executable, "-P", "-c", _PROGRAM, root, self._directory, str(descriptor), str(playbook.pid), playbook.started],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=words,
                    pass_fds=(descriptor,),
                    start_new_session=True,
                    env={name: value for name, value in os.environ.items() if not name.startswith(_identity.ENVIRONMENT)},
                )
            finally:
                os.close(words)

    def _last_words(self) -> str:
        """Why brokers ended, where one of them said so: the summary of a traceback, without the lines of source in it."""
        try:
            with open(os.path.join(self._directory, _LAST_WORDS), encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            return ""
        told = [line.strip() for line in lines if line[:1].strip() and not line.startswith("Traceback ")]
        return f" ({told[-1][:_LAST_WORDS_LIMIT].rstrip('.')})" if told else ""


@contextlib.contextmanager
def _address(directory: str) -> Iterator[str]:
    """The socket's address. A long path is reached through the directory's descriptor, since an address holds 107 bytes.

    :raises UnreachableError: the path is too long, and this system has no other way to it.
    """
    path = os.path.join(directory, _SOCKET)
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        yield path
        return
    if not os.path.isdir("/proc/self/fd"):
        raise UnreachableError(f"the path {path} is too long for a socket.", remedy="Let ANSIBLE_LOCAL_TEMP name a directory with a short path.")
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{_SOCKET}"
    finally:
        os.close(descriptor)
