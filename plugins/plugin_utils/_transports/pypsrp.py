# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface to pypsrp. Only this module and ``wsman_line`` use its private parts.

Uses these private parts of pypsrp 0.9: ``RunspacePool._serializer``,
``RunspacePool._fragmenter`` with its ``serializer`` and ``defragment``, ``RunspacePool._receive``, and the parts that
``wsman_line`` names. The test ``test_pypsrp.py`` fails if they change.

The reasons: pypsrp's decoder loses an empty byte array and leaves multi-valued properties as text; a character that XML
forbids, in any stream, makes it lose the whole answer; it keeps every record of every stream; and it separates outputs,
errors and warnings by stream without their order. So pypsrp does the handshake, and this module reads the output of the
engine. A :class:`Line` transports it, to a host or to a process.

The public events of psrpcore 0.3 are no way around it. They keep empty byte arrays and lists, but a message with a
character that XML forbids, or with half a surrogate pair in its bytes, raises an error that does not contain the
message, and decoding takes 17 times as long: 3.2 s instead of 0.18 s of processor time for 200 rules of 180 properties.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Protocol
from xml.etree import ElementTree

from ...module_utils._exchange.cmdlet import Call
from . import clixml, records
from .limits import MOST_RECORDS, Limits, TooSlowError

try:
    from pypsrp.complex_objects import ObjectMeta, PSInvocationState, RunspacePoolState
    from pypsrp.exceptions import WSManFaultError
    from pypsrp.messages import Message, MessageType
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.serializer import Serializer, TaggedValue
except ImportError:  # the session broker says so before any of it is used
    Serializer = object

_OPERATION_TIMEOUT = 2150858793
#: Seconds after a pipeline's timeout in which the host may still report it.
_GRACE = 2
#: Seconds for the host to close a pipeline that has ended.
_CLOSE_TIMEOUT = 10
#: Seconds for asking a pipeline to stop.
_STOP_TIMEOUT = 3


class BrokenError(Exception):
    """The pool is broken; the text is the host's reason."""


@dataclass
class PipelineRun:
    """The results of a pipeline, in order.

    :param events: ``("output", canonical object, or the reason as text why it can't be read)``, ``("warning", text)``,
        ``("error", RemoteError)``.
    :param failed: whether an error ended the pipeline.
    """

    events: list[tuple[str, Any]] = field(default_factory=list)
    failed: bool = False
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, item: Any) -> None:
        """Adds an event."""
        self.events.append((kind, item))

    def has_room(self, kind: str) -> bool:
        """Counts a warning or an error. Returns whether to keep it."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind] <= MOST_RECORDS

    def end(self) -> None:
        """Adds a warning about the warnings that were not kept."""
        left_out = self._counts.get("warning", 0) - MOST_RECORDS
        if left_out > 0:
            # At the beginning, because nothing after the last marker is part of an answer.
            self.events.insert(0, ("warning", f"{left_out} more warnings are not shown."))


class Line(Protocol):
    """The transport of a pool.

    :param connection: the connection of pypsrp's pool.
    :param limits: the limits of the session's calls.
    :param operation_timeout: seconds after which a Receive returns, even without data.
    :param resent: whether the last answer was requested again.
    :param done: whether the last answer reports the end of its pipeline.
    """

    connection: Any
    limits: Limits
    operation_timeout: int
    resent: bool
    done: bool

    def attach(self, pool: RunspacePool) -> None:
        """Replaces the pool's own transport, if necessary."""

    def hurry(self, seconds: float) -> None:
        """Limits all waits from now on."""

    def close(self) -> None:
        """Closes the line. Raises nothing."""


class Pool:
    """A runspace pool of one runspace.

    :param line: a new line, which belongs to the pool.
    :param configuration: the session configuration.
    """

    def __init__(self, line: Line, configuration: str = "Microsoft.PowerShell") -> None:
        self._line = line
        self._limits = line.limits
        self._fragments = records.Fragments()
        self._run = PipelineRun()
        self._pool = RunspacePool(line.connection, configuration_name=configuration)
        self._pool._serializer = self._pool._fragmenter.serializer = _Serializer()
        self._pool._fragmenter.defragment = self._messages
        line.attach(self._pool)

    def open(self, timeout: float) -> None:
        """Opens the pool. Also raises pypsrp's exceptions if that fails.

        :param timeout: seconds.
        :raises BrokenError: the host reports that it cannot be used.
        """
        with self._limits.call(timeout):
            self._pool.open()

    def run(self, calls: Sequence[Call], *, timeout: float, secret: Mapping[str, str] | None = None) -> PipelineRun:
        """Runs calls as the statements of one pipeline.

        :param timeout: seconds.
        :param secret: parameters of the first call that travel as SecureString.

        The attribute ``running`` of an exception is true if the pipeline had begun.

        :raises TooSlowError: it did not end in time; it was asked to stop.
        :raises ValueTooLargeError: a value does not fit into its type on the wire; nothing was sent.
        """
        shell = PowerShell(self._pool)
        for number, call in enumerate(calls):
            if number:
                shell.add_statement()
            self._add_call(shell, call, timeout, secret if number == 0 else None)
        run = self._run = PipelineRun()
        begun = False
        try:
            with self._limits.call(timeout + _GRACE):
                end = time.monotonic() + timeout
                shell.begin_invoke()
                begun = True
                self._receive_all(shell, end)
        except Exception as error:
            error.running = begun  # type: ignore[attr-defined]
            if begun and isinstance(error, TooSlowError):
                self._stop(shell)
            raise
        run.end()
        run.failed = shell.state != PSInvocationState.COMPLETED
        with contextlib.suppress(Exception), self._limits.call(_CLOSE_TIMEOUT):
            # The answer is complete and valid even if the shell has ended since. The next pipeline notices that.
            shell.close()
        return run

    def _add_call(self, shell: PowerShell, call: Call, timeout: float, secret: Mapping[str, str] | None) -> None:
        """Adds a call to the last statement of a pipeline.

        :param secret: parameters that travel as SecureString, which takes an exchange of keys.
        """
        shell.add_cmdlet(call.cmdlet)
        for name, value in call.parameters.items():
            shell.add_parameter(name, clixml.encode(value))
        if not secret:
            return
        with self._limits.call(timeout):
            self._pool.exchange_keys()
        for name, text in secret.items():
            shell.add_parameter(name, TaggedValue("SS", text))

    def _receive_all(self, shell: PowerShell, end: float) -> None:
        """Receives until the pipeline has ended.

        :param end: when it must have ended, in seconds on the monotonic clock.
        :raises TooSlowError: it has not.
        """
        while not _has_ended(shell):
            seconds = end - time.monotonic()
            if seconds <= 0:
                raise TooSlowError("the pipeline did not end in time")
            self._receive(shell, seconds)

    def _receive(self, shell: PowerShell, seconds: float) -> None:
        """Receives once.

        :param seconds: the seconds left for the pipeline. The host answers within them, even without data.
        :raises ValueError: the pipeline has ended without its state, so a part of its output is lost.
        """
        try:
            self._pool._receive(shell.id, math.ceil(seconds) if seconds < self._line.operation_timeout else None)
        except WSManFaultError as fault:
            if fault.code == _OPERATION_TIMEOUT and not self._line.resent:
                return
            # After a lost connection, the fault does not show whether data was lost, so the next data may be
            # incomplete.
            raise
        if self._line.done and not _has_ended(shell):
            raise ValueError("a pipeline that ended without a state")

    def _stop(self, shell: PowerShell) -> None:
        with contextlib.suppress(Exception), self._limits.call(_STOP_TIMEOUT):
            shell.stop()

    def _messages(self, data: bytes) -> list[Any]:
        """The messages that pypsrp itself needs. Output, warnings and errors go to the run; nothing else is decoded.

        :raises BrokenError: the pool is broken.
        """
        wanted: list[Any] = []
        for kind, content in self._fragments.messages(data):
            if kind in _HANDSHAKE:
                wanted.append(
                    Message.unpack(_head(kind) + records.readable(content).encode("utf-8"), self._pool._serializer)
                )
            elif kind in (MessageType.RUNSPACEPOOL_STATE, MessageType.PIPELINE_STATE):
                state, reason = records.state(records.readable(content))
                if kind == MessageType.PIPELINE_STATE and reason is not None:
                    self._run.add("error", reason)
                elif state == RunspacePoolState.BROKEN:
                    raise BrokenError(reason.message if reason is not None else "")
                wanted.append(SimpleNamespace(message_type=kind, data=SimpleNamespace(state=state, error_record=None)))
            elif kind == MessageType.PIPELINE_OUTPUT:
                if content.strip():  # a cmdlet that returns $null sends no object
                    self._run.add("output", self._object(content))
            elif kind == MessageType.WARNING_RECORD and self._run.has_room("warning"):
                self._run.add("warning", records.warning(self._text(content)))
            elif kind == MessageType.ERROR_RECORD and self._run.has_room("error"):
                self._run.add("error", records.error(self._text(content)))
        return wanted

    def _text(self, content: bytes) -> str:
        self._limits.spend(values=content.count(b"<"))
        try:
            return records.readable(content)
        except ValueError:
            return ""

    def _object(self, content: bytes) -> dict[str, Any] | str:
        self._limits.spend(values=content.count(b"<"))
        try:
            return clixml.decode(records.readable(content))
        except (ValueError, RecursionError) as error:
            # An exception here would lose the rest of the answer.
            return str(error) or type(error).__name__

    def close(self, seconds: float) -> None:
        """Removes the shell from the host. If that fails, it ends by itself later."""
        try:
            self._line.hurry(seconds)
            with self._limits.call(seconds):
                self._pool.close()
        except Exception:  # noqa: S110 (pypsrp raises many types of exceptions, and there is nothing left to do)
            pass
        finally:
            self._line.close()


class _Serializer(Serializer):
    """pypsrp's serializer with support for empty byte arrays, and without document types."""

    def deserialize(self, element: Any, metadata: ObjectMeta | None = None, clear: bool = True) -> Any:
        if isinstance(element, ElementTree.Element) and element.tag == "BA" and not element.text:
            return b""
        if isinstance(element, str):
            refuse_document_type(element.encode("utf-8", "surrogatepass"))
        return super().deserialize(element, metadata, clear)


#: The messages that pypsrp needs to open a pool and to exchange keys.
_HANDSHAKE = (0x00010002, 0x00010006)  # SESSION_CAPABILITY, ENCRYPTED_SESSION_KEY


def _head(kind: int) -> bytes:
    """The header of a single message for pypsrp."""
    return b"\x01\0\0\0" + kind.to_bytes(4, "little") + bytes(32)


def _has_ended(shell: PowerShell) -> bool:
    return shell.state in (PSInvocationState.COMPLETED, PSInvocationState.FAILED, PSInvocationState.STOPPED)


def refuse_document_type(document: bytes) -> None:
    """Refuses XML that could contain entities. Neither SOAP nor CLIXML has a document type.

    :raises ValueError: the document has one, or an encoding that could hide it.
    """
    if b"<!DOCTYPE" in document or b"\0" in document or document.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"<", b""):
        raise ValueError("a document type, which neither SOAP nor CLIXML has")
