# SPDX-License-Identifier: GPL-3.0-or-later
"""The session broker: one small process for a whole run of ansible-playbook. It holds the sessions of all
organizations.

Workers connect to it over a socket in the run's own directory. ``_broker.client`` starts it.
It ends when the playbook ends.

One thread serves each worker connection: it waits for the session's turn, runs the calls, and answers. Sessions share
no lock, so organizations never wait for each other, except where a person signs in to one after the other. If a worker
vanishes (task timeout, SIGKILL) during its call, the call still runs to its end, but what it read is not reused. A call
that is still waiting for its turn when its worker vanishes does not run.

A worker sends an object with ``key`` (of the connection identity), ``operation`` (``invoke``, ``describe`` or
``close``), ``calls`` (in the form of ``Call.to_wire``), ``fresh`` (bool) and ``reuse`` (seconds). The answer has
``results``, ``description`` or ``error``, each with ``log`` and ``warnings`` (texts). Before it, the broker may send
``need: identity``, which the worker answers with ``identity``, and ``tell`` (text for a person).
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from ...module_utils._exchange.cmdlet import Call
from ...module_utils._exchange.errors import ExchangeError, ProtocolError
from .._transports.processes import Processes
from . import endpoints, frames
from . import identity as _identity
from .process import Process
from .redaction import Scrubber
from .request import Request
from .reuse import Writes
from .session import OrganizationSession
from .transport import Transport

#: Seconds for all sessions to end on the other side after the playbook has ended.
_CLOSE_TIMEOUT = 8.0
#: Seconds of these during which a running call may finish.
_CALL_TIMEOUT = 2.0
#: The prefixes of the collection's files in the run's directory: the broker's own files, and the data that tasks store
#: for each other.
_OURS = ("exchange.", "message_encryption")
#: Seconds between two checks of the playbook on systems that cannot report its end.
_POLL = 0.5
#: What each transport needs beside requests.
_LIBRARIES = {
    "rest": ("msal",),
    "psrp": ("pypsrp",),
    "powershell": ("msal", "pypsrp"),
    "graph": ("msal",),
    "compliance": ("msal",),
}


def open_transport(identity: Mapping[str, Any], processes: Processes | None = None) -> Transport:
    """The transport for an identity. Its libraries are imported here, when the first session needs them.

    :param processes: the PowerShell processes of the run.
    :raises ExchangeError: a library is not installed, or a file that the identity names cannot be used.
    """
    from .._transports import tls_files
    from .._transports.libraries import require

    if identity["transport"] == "file":
        from .._transports.file import FileTransport

        return FileTransport(identity)
    require("requests", "urllib3", *_LIBRARIES[identity["transport"]])
    tls_files.check(identity)
    if identity["transport"] == "rest":
        from .._transports.rest import RestTransport

        return RestTransport(identity)
    if identity["transport"] == "graph":
        from .._transports.graph import GraphTransport

        return GraphTransport(identity)
    if identity["transport"] == "compliance":
        from .._transports.compliance import ComplianceTransport

        return ComplianceTransport(identity)
    if identity["transport"] == "powershell":
        from .._transports.powershell import PowershellTransport

        return PowershellTransport(identity, processes or Processes())
    from .._transports.psrp import PsrpTransport

    return PsrpTransport(identity)


T = TypeVar("T")


class Errands:
    """A queue with a descriptor that becomes readable when something is in it."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._readable, self._writable = os.pipe()

    def fileno(self) -> int:
        """The descriptor."""
        return self._readable

    def close(self) -> None:
        """Closes the descriptors. What is still asked for fails from then on."""
        both = self._readable, self._writable
        self._readable = self._writable = -1
        for descriptor in both:
            os.close(descriptor)

    def run(self, function: Callable[[], T]) -> T:
        """Calls a function in the main thread. Returns its result or raises its exception."""
        done: Future[T] = Future()
        self._waiting.append((function, done))
        os.write(self._writable, b"\0")
        return done.result()

    def do(self) -> None:
        """Calls the waiting functions. For the main thread."""
        os.read(self._readable, 4096)
        while self._waiting:
            function, done = self._waiting.popleft()
            try:
                done.set_result(function())
            except BaseException as error:
                done.set_exception(error)


class Broker:
    """Serves workers until it is told to stop.

    :param transport: creates the transport for an identity. Tests pass their own.
    :param directory: the run's own directory.
    """

    def __init__(
        self, transport: Callable[[Mapping[str, Any]], Transport] | None = None, directory: str | None = None
    ) -> None:
        self._errands = Errands()
        self._processes = Processes(directory, self._errands.run)
        self._transport = transport or partial(open_transport, processes=self._processes)
        self._sessions: dict[str, OrganizationSession] = {}
        self._writes = Writes()
        self._table = threading.Lock()  # guards only the table; never held while anything is sent

    def serve(self, listener: socket.socket, playbook: Process) -> None:
        """Accepts workers until the playbook has ended, then ends.

        :param listener: the listening socket, which it closes.
        :param playbook: the process of ansible-playbook.
        """
        listener.setblocking(False)
        with playbook.watch() as ended:
            poller = select.poll()
            poller.register(listener, select.POLLIN)
            poller.register(self._errands, select.POLLIN)
            if ended is not None:
                poller.register(ended, select.POLLIN)
            timeout = None if ended is not None else _POLL * 1000
            while playbook.alive():
                ready = {descriptor for descriptor, _event in poller.poll(timeout)}
                if listener.fileno() in ready:
                    self._accept(listener)
                if self._errands.fileno() in ready:
                    self._errands.do()
        listener.close()
        self.end()

    def end(self) -> None:
        """Ends the sessions, which takes at most about ten seconds, and frees what they need."""
        self._end_sessions()
        self._processes.end()
        self._errands.close()

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _address = listener.accept()
        except OSError:
            return
        connection.setblocking(True)
        if peer_uid(connection) not in (None, os.getuid()):
            connection.close()
            return
        threading.Thread(target=self._worker, args=(connection,), daemon=True).start()

    def _worker(self, connection: socket.socket) -> None:
        """Serves one worker until it disconnects."""
        # These errors say that the worker is gone, or that the peer is not a worker of this collection.
        with connection, contextlib.suppress(OSError, frames.FrameError):
            while (message := frames.receive(connection)) is not None:
                _send(connection, self._answer(connection, message))

    def _answer(self, connection: socket.socket, message: dict[str, Any]) -> dict[str, Any]:
        log: list[str] = []
        warnings: list[str] = []
        session: OrganizationSession | None = None
        try:
            key = str(message.get("key"))
            session = self._session(key)
            if session is None and message.get("operation") == "close":
                return {}
            if session is None:
                frames.send(connection, {"need": "identity"})
                identity = (frames.receive(connection) or {}).get("identity")
                if not isinstance(identity, dict) or _identity.key(identity) != key:
                    raise ProtocolError("the worker sent a different identity from the one that it announced.")
                session = self._session_of(identity)
            answer = self._do(connection, session, message, log, warnings)
        except ExchangeError as error:
            answer = {"error": error.to_wire()}
        except (OSError, frames.FrameError):
            raise
        except Exception as error:  # a bug must end the task with a sentence and must not end the broker
            answer = {
                "error": ProtocolError(
                    f"Unexpected error in the session broker ({type(error).__name__}): this is a bug, please report it."
                ).to_wire()
            }
            log.append(_where(error))
        answer["log"], answer["warnings"] = log, warnings
        sessions = [] if session is None else [session, *self._compliance_sessions(session)]
        return Scrubber([secret for known_session in sessions for secret in known_session.secrets]).answer(answer)

    def _do(
        self,
        connection: socket.socket,
        session: OrganizationSession,
        message: dict[str, Any],
        log: list[str],
        warnings: list[str],
    ) -> dict[str, Any]:
        request = Request(
            calls=[Call.from_wire(call) for call in message.get("calls", [])],
            fresh=bool(message.get("fresh")),
            reuse=float(message.get("reuse") or 0),
            wanted=lambda: not frames.closed(connection),
            log=log.append,
            tell=lambda text: frames.send(connection, {"tell": text}),
            warn=warnings.append,
        )
        operation = message.get("operation")
        if operation == "invoke":
            results = endpoints.invoke(session, self._session_of, request)
            return {"results": [result.to_wire() for result in results]}
        if operation == "describe":
            return {"description": session.describe(request).to_wire()}
        if operation == "close":
            closing = [session, *self._compliance_sessions(session)]
            with self._table:
                self._sessions = {name: other for name, other in self._sessions.items() if other not in closing}
            for closed in closing:
                closed.close()
            return {}
        raise ProtocolError(f"unknown operation {operation!r}.")

    def _session(self, key: str) -> OrganizationSession | None:
        with self._table:
            return self._sessions.get(key)

    def _session_of(self, identity: Mapping[str, Any]) -> OrganizationSession:
        """The session of an identity, the same for every caller."""
        with self._table:
            return self._sessions.setdefault(
                _identity.key(identity), OrganizationSession(identity, self._transport, writes=self._writes)
            )

    def _compliance_sessions(self, session: OrganizationSession) -> list[OrganizationSession]:
        """The session with the compliance endpoint of an organization, if a task needed one."""
        try:
            session_of_compliance = self._session(_identity.key(_identity.of_compliance(session.identity)))
        except ExchangeError:
            return []
        return [session_of_compliance] if session_of_compliance is not None else []

    def _end_sessions(self) -> None:
        """Ends all sessions in parallel within a bounded time, because the playbook's caller may wait for this process."""
        threads = [
            threading.Thread(target=session.close, args=(_CALL_TIMEOUT,), daemon=True)
            for session in self._sessions.values()
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + _CLOSE_TIMEOUT
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def _send(connection: socket.socket, answer: dict[str, Any]) -> None:
    """Sends an answer, or instead of one that is too large that it is."""
    try:
        frames.send(connection, answer)
    except frames.FrameTooLargeError as error:
        frames.send(connection, {"error": ProtocolError(f"the response is too large: {error}.").to_wire()})


def peer_uid(connection: socket.socket) -> int | None:
    """The user ID at the other end; ``None`` if the system does not provide it. Source: unix(7), SO_PEERCRED."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


def _where(error: BaseException) -> str:
    """The place of a bug for -vvv: file and line, but no values."""
    trace = error.__traceback__
    last = ""
    while trace is not None:
        last = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {last}"


def _leave(directory: str) -> None:
    """Removes the collection's files from the run's own directory. A killed playbook no longer removes the directory."""
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            if name.startswith(_OURS):
                _remove(os.path.join(directory, name))
        os.rmdir(directory)


def _remove(path: str) -> None:
    """Removes a file, a link, or a folder with all that is in it, as far as the system allows."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        os.unlink(path)


def allow_many_files() -> None:
    """Raises this process's limit of open files to what the system allows. A session has up to four, and many systems
    begin with a limit of 1,024.
    """
    _limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # Some systems call the limit infinite and allow less.
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(directory: str, descriptor: int, pid: int, started: str) -> None:
    """The process. The worker that started it created the listening socket.

    Its standard error is a file of the run, for the reason if it cannot start. No secret has reached the process at
    that time. Afterwards, only the place of a bug that ends the process may be written there: messages from libraries
    could quote anything.

    :param directory: the run's own directory, which ansible-core removes when a playbook ends normally.
    :param descriptor: the listening socket.
    :param pid: the playbook's process ID.
    :param started: its start time, from :class:`Process`.
    """
    error_file = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)
    allow_many_files()
    try:
        Broker(directory=directory).serve(socket.socket(fileno=descriptor), Process(pid, started))
    except BaseException as error:
        os.write(error_file, f"{_where(error)}\n".encode())
        os._exit(1)
    _leave(directory)
    os._exit(0)  # threads that still wait for a service must not keep the process alive
