# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pypsrp, and with ``wsman_line`` the only place that touches its private parts.

Private to the collection. What is private to pypsrp 0.9 and used here, with the test ``test_pypsrp.py`` that says so when
it changes: ``RunspacePool._serializer``, ``RunspacePool._fragmenter`` with its ``serializer`` and ``defragment``,
``RunspacePool._receive``, and what ``wsman_line`` names.

Why: its own decoder loses an empty byte array and leaves multi-valued properties as text; one character that XML forbids, in any
stream, costs it the whole answer; it keeps every record of every stream; and its own way of receiving tells outputs, errors and
warnings apart by stream but not by order. So it does the handshake, and what comes from the engine is read here. What carries it, to a
host or to a process, is a :class:`Line`.
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

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml, records
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.limits import MOST_RECORDS, Limits, TooSlowError

try:
    from pypsrp.complex_objects import ObjectMeta, PSInvocationState, RunspacePoolState
    from pypsrp.exceptions import WSManFaultError
    from pypsrp.messages import Message, MessageType
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.serializer import Serializer, TaggedValue
except ImportError:  # the session broker says so before any of it is used
    Serializer = object

_OPERATION_TIMEOUT = 2150858793
#: Seconds after the end of a pipeline's time in which the host may still say so itself.
_GRACE = 2
#: Seconds for the host to forget a pipeline that has ended.
_CLOSE_TIMEOUT = 10
#: Seconds for asking a pipeline to stop.
_STOP_TIMEOUT = 3


class BrokenError(Exception):
    """The pool is broken; the text is the host's reason."""


@dataclass
class Run:
    """What a pipeline brought, in the order in which it came.

    :param events: ``("output", canonical object, or the reason as text why it can't be read)``, ``("warning", text)``, ``("error", RemoteError)``.
    :param failed: whether an error ended the pipeline.
    """

    events: list[tuple[str, Any]] = field(default_factory=list)
    failed: bool = False
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, item: Any) -> None:
        """Takes an event in."""
        self.events.append((kind, item))

    def has_room(self, kind: str) -> bool:
        """Counts a warning or an error; whether it is one of those that are kept."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind] <= MOST_RECORDS

    def end(self) -> None:
        """Says what was not kept."""
        left_out = self._counts.get("warning", 0) - MOST_RECORDS
        if left_out > 0:
            # In front, so that it is part of an answer: what comes after the last marker is none.
            self.events.insert(0, ("warning", f"{left_out} more warnings are not shown."))


class Line(Protocol):
    """What a pool speaks through.

    :param connection: what pypsrp's pool takes for its connection.
    :param limits: the limits of the session's calls.
    :param operation_timeout: seconds after which a Receive comes back, if only to say that there is nothing yet.
    :param resent: whether the last answer was asked for again.
    :param done: whether the last answer says that its pipeline has ended.
    """

    connection: Any
    limits: Limits
    operation_timeout: int
    resent: bool
    done: bool

    def attach(self, pool: RunspacePool) -> None:
        """Takes the place of what the pool speaks through by itself, where it is another."""

    def hurry(self, seconds: float) -> None:
        """From now on, nothing may wait longer than this."""

    def close(self) -> None:
        """Ends the line. Raises nothing."""


class Pool:
    """A runspace pool of one runspace.

    :param line: a new line, which belongs to the pool.
    :param configuration: the session configuration.
    """

    def __init__(self, line: Line, configuration: str = "Microsoft.PowerShell") -> None:
        self._line = line
        self._limits = line.limits
        self._fragments = records.Fragments()
        self._run = Run()
        self._pool = RunspacePool(line.connection, configuration_name=configuration)
        self._pool._serializer = self._pool._fragmenter.serializer = _Serializer()
        self._pool._fragmenter.defragment = self._messages
        line.attach(self._pool)

    def open(self, timeout: float) -> None:
        """Opens the pool; pypsrp's own exceptions say why it can't be.

        :param timeout: seconds.
        :raises BrokenError: the host says that it cannot be used.
        """
        with self._limits.call(timeout):
            self._pool.open()

    def run(self, calls: Sequence[Call], *, timeout: float, secret: Mapping[str, str] | None = None) -> Run:
        """Runs calls as the statements of one pipeline.

        :param timeout: seconds.
        :param secret: parameters of the first call that travel as SecureString.
        An exception that comes once the pipeline has begun says so: its attribute ``running`` is true.

        :raises TooSlowError: it did not end in time; it was asked to stop.
        :raises ValueTooLargeError: a value that no wire type holds; nothing was sent.
        """
        shell = PowerShell(self._pool)
        for number, call in enumerate(calls):
            if number:
                shell.add_statement()
            shell.add_cmdlet(call.cmdlet)
            for name, value in call.parameters.items():
                shell.add_parameter(name, clixml.encode(value))
            if secret and not number:
                with self._limits.call(timeout):
                    self._pool.exchange_keys()
                for name, text in secret.items():
                    shell.add_parameter(name, TaggedValue("SS", text))
        run = self._run = Run()
        begun = False
        try:
            with self._limits.call(timeout + _GRACE):
                end = time.monotonic() + timeout
                shell.begin_invoke()
                begun = True
                while not _has_ended(shell):
                    left = end - time.monotonic()
                    if left <= 0:
                        raise TooSlowError("the pipeline did not end in time")
                    self._receive(shell, left)
        except Exception as error:
            error.running = begun  # type: ignore[attr-defined]
            if begun and isinstance(error, TooSlowError):
                self._stop(shell)
            raise
        run.end()
        run.failed = shell.state != PSInvocationState.COMPLETED
        with contextlib.suppress(Exception), self._limits.call(_CLOSE_TIMEOUT):
            # The answer is complete, and valid even if the shell has ended since: its next user will notice that.
            shell.close()
        return run

    def _receive(self, shell: PowerShell, left: float) -> None:
        """Receives once.

        :param left: seconds that the pipeline still has. The host answers within them, if only that there is nothing yet.
        :raises ValueError: the pipeline has ended, and how is missing: a part of what it sent is lost.
        """
        try:
            self._pool._receive(shell.id, math.ceil(left) if left < self._line.operation_timeout else None)
        except WSManFaultError as fault:
            if fault.code == _OPERATION_TIMEOUT and not self._line.resent:
                return
            # After a loss the fault leaves open whether something was lost for good: what comes next could be only a part.
            raise
        if self._line.done and not _has_ended(shell):
            raise ValueError("a pipeline that ended without a state")

    def _stop(self, shell: PowerShell) -> None:
        with contextlib.suppress(Exception), self._limits.call(_STOP_TIMEOUT):
            shell.stop()

    def _messages(self, data: bytes) -> list[Any]:
        """What pypsrp itself needs to see of what came. Output, warnings and errors go to the run; nothing else is even decoded.

        :raises BrokenError: the pool is broken.
        """
        wanted: list[Any] = []
        for kind, content in self._fragments.messages(data):
            if kind in _HANDSHAKE:
                wanted.append(Message.unpack(_head(kind) + records.readable(content).encode("utf-8"), self._pool._serializer))
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
            # Raised here, it would take the rest of the answer with it.
            return str(error) or type(error).__name__

    def close(self, seconds: float) -> None:
        """Removes the shell from the host, or leaves it to end by itself."""
        try:
            self._line.hurry(seconds)
            with self._limits.call(seconds):
                self._pool.close()
        except Exception:  # noqa: S110 (pypsrp raises whatever its own parts raise, and there is nothing left to do)
            pass
        finally:
            self._line.close()


class _Serializer(Serializer):
    """pypsrp's serializer without its failure at an empty byte array, and without document types."""

    def deserialize(self, element: Any, metadata: ObjectMeta | None = None, clear: bool = True) -> Any:
        if isinstance(element, ElementTree.Element) and element.tag == "BA" and not element.text:
            return b""
        if isinstance(element, str):
            refuse_document_type(element.encode("utf-8", "surrogatepass"))
        return super().deserialize(element, metadata, clear)


#: What pypsrp needs for opening a pool and for exchanging keys.
_HANDSHAKE = (0x00010002, 0x00010006)  # SESSION_CAPABILITY, ENCRYPTED_SESSION_KEY


def _head(kind: int) -> bytes:
    """The head of a message that is handed on alone."""
    return b"\x01\0\0\0" + kind.to_bytes(4, "little") + bytes(32)


def _has_ended(shell: PowerShell) -> bool:
    return shell.state in (PSInvocationState.COMPLETED, PSInvocationState.FAILED, PSInvocationState.STOPPED)


def refuse_document_type(document: bytes) -> None:
    """Refuses XML that could hold entities, wherever it hides them: neither SOAP nor CLIXML has a document type.

    :raises ValueError: it has one, or an encoding in which that cannot be seen.
    """
    if b"<!DOCTYPE" in document or b"\0" in document or document.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"<", b""):
        raise ValueError("a document type, which neither SOAP nor CLIXML has")
