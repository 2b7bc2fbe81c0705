# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pypsrp, and the only place that touches its private parts.

Private to the collection. What is private to pypsrp 0.9 and used here, with the test ``test_pypsrp.py`` that says so when
it changes: ``RunspacePool._serializer``, ``RunspacePool._fragmenter.serializer``, ``RunspacePool._receive``, the class
``_TransportHTTP`` behind ``WSMan.transport``, and what ``Serializer.deserialize`` is given for output objects.

Why: its own decoder loses an empty byte array and leaves multi-valued properties as text; its own way of receiving tells
outputs, errors and warnings apart by stream but not by order; and it does not repeat a Receive whose connection was lost.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.libraries import requests, urllib3

try:
    from pypsrp.complex_objects import ObjectMeta, PSInvocationState
    from pypsrp.exceptions import WSManFaultError
    from pypsrp.messages import MessageType
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.serializer import Serializer, TaggedValue
    from pypsrp.wsman import WSMan
except ImportError:  # the session broker says so before any of it is used
    Serializer = object

_OPERATION_TIMEOUT = 2150858793
_DONE = b"/shell/CommandState/Done"
_ACTION = re.compile(rb"<(?:\w+:)?Action[^>]*>[^<]*/(\w+)</")
#: What may be sent again as it is: the server answers a repeated MessageID with what it has answered before.
_REPEATABLE = (b"Receive", b"Signal", b"Delete")


class TooSlowError(Exception):
    """A pipeline did not end in time; it was asked to stop."""


@dataclass(frozen=True)
class RemoteError:
    """An error record.

    :param message: its text.
    :param exception_type: the .NET type of its exception; empty where it is unknown.
    :param error_id: FullyQualifiedErrorId.
    :param activity: the cmdlet that reported it.
    """

    message: str
    exception_type: str
    error_id: str
    activity: str


@dataclass
class Run:
    """What a pipeline brought, in the order in which it came.

    :param events: ``("output", canonical object, or the reason as text why it can't be read)``, ``("warning", text)``, ``("error", RemoteError)``.
    :param failed: whether an error ended the pipeline.
    """

    events: list[tuple[str, Any]] = field(default_factory=list)
    failed: bool = False

    @property
    def errors(self) -> list[tuple[str, Any]]:
        """The errors alone."""
        return [event for event in self.events if event[0] == "error"]


class Pool:
    """A runspace pool of one runspace.

    :param psrp: the part ``psrp`` of a connection identity.
    :param tries: how often a request that may be repeated is sent in all.
    """

    def __init__(self, psrp: Mapping[str, Any], tries: int) -> None:
        settings = {name: value for name, value in psrp.items() if name not in ("configuration_name", "connect", "origins")}
        self._wsman = WSMan(**{**settings, "reconnection_backoff": float(settings["reconnection_backoff"])})
        self._pool = RunspacePool(self._wsman, configuration_name=psrp["configuration_name"])
        self._pool._serializer = self._pool._fragmenter.serializer = _Serializer()
        #: Of the last answer: whether it was asked for again, and whether it says that its pipeline has ended.
        self._resent = self._done = False
        transport = self._wsman.transport
        plain_send = transport.send

        def send(message: bytes, **kwargs: Any) -> bytes:
            """Sends, and sends again what was lost and may be sent again."""
            action = _ACTION.search(message[:8192])
            repeatable = action is not None and action[1] in _REPEATABLE
            for number in range(1, tries + 1):
                self._resent, self._done = number > 1, False
                try:
                    answer: bytes = plain_send(message, **{**kwargs, "retries_on_read_timeout": 0})
                    _refuse_document_type(answer)
                    self._done = _DONE in answer
                    return answer
                except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, urllib3.exceptions.HTTPError):
                    if not repeatable or number == tries:
                        raise
                    if transport.wrap_required:
                        transport.encryption = None  # it belonged to the connection that was lost
                    time.sleep(min(0.1 * 2**number, 5.0))
            raise AssertionError("not reached")

        transport.send = send

    def open(self) -> None:
        """Opens the pool; pypsrp's own exceptions say why it can't be."""
        self._pool.open()

    def run(self, calls: Sequence[Call], *, timeout: float, secret: Mapping[str, str] | None = None) -> Run:
        """Runs calls as the statements of one pipeline.

        :param timeout: seconds.
        :param secret: parameters of the first call that travel as SecureString.
        An exception that comes once the pipeline has begun says so: its attribute ``running`` is true.

        :raises TooSlowError: it did not end in time.
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
                self._pool.exchange_keys()
                for name, text in secret.items():
                    shell.add_parameter(name, TaggedValue("SS", text))
        run = Run()
        end = time.monotonic() + timeout
        shell.begin_invoke()
        try:
            while not _has_ended(shell):
                if time.monotonic() > end:
                    shell.stop()
                    raise TooSlowError
                self._collect(shell, run)
        except Exception as error:
            error.running = True  # type: ignore[attr-defined]
            raise
        run.failed = shell.state != PSInvocationState.COMPLETED
        with contextlib.suppress(Exception):
            # The answer is whole, and stands also where the shell has ended since: whoever uses it next will see that.
            shell.close()
        return run

    def _collect(self, shell: PowerShell, run: Run) -> None:
        """Receives once, and puts what came in its order.

        :raises ValueError: the pipeline has ended, and how is missing: a part of what it sent is lost.
        """
        seen = len(shell.streams.error), len(shell.streams.warning)
        try:
            messages = self._pool._receive(shell.id)
        except WSManFaultError as fault:
            if fault.code == _OPERATION_TIMEOUT and not self._resent:
                return
            # After a loss the fault leaves open whether something was lost for good: what comes next could be only a part.
            raise
        errors, warnings = iter(shell.streams.error[seen[0] :]), iter(shell.streams.warning[seen[1] :])
        for kind, message in messages:
            if kind == MessageType.PIPELINE_OUTPUT:
                run.events.append(("output", message.data.data))
            elif kind == MessageType.WARNING_RECORD:
                run.events.append(("warning", clixml.unescape(str(next(warnings).message or ""))))
            elif kind == MessageType.ERROR_RECORD:
                run.events.append(("error", _remote(next(errors))))
        # The error that ended a pipeline comes with its state.
        run.events += [("error", _remote(error)) for error in errors]
        if self._done and not _has_ended(shell):
            raise ValueError("a pipeline that has ended without its state")

    def close(self, seconds: float) -> None:
        """Removes the shell from the host, or leaves it to end by itself."""
        try:
            self._wsman.transport.connection_timeout = self._wsman.transport.read_timeout = seconds
            self._pool.close()
        except Exception:  # noqa: S110 (pypsrp raises whatever its own parts raise, and there is nothing left to do)
            pass
        finally:
            self._wsman.transport.close()


class _Serializer(Serializer):
    """pypsrp's serialiser with our decoder for output objects, and without its failure at an empty byte array."""

    def deserialize(self, element: Any, metadata: ObjectMeta | None = None, clear: bool = True) -> Any:
        if isinstance(element, str) and metadata is None:
            try:
                return clixml.decode(element)
            except (ValueError, RecursionError) as error:
                # Raised here, it would take the rest of the answer with it.
                return str(error) or type(error).__name__
        if isinstance(element, ElementTree.Element) and element.tag == "BA" and not element.text:
            return b""
        if isinstance(element, str):
            _refuse_document_type(element.encode("utf-8", "surrogatepass"))
        return super().deserialize(element, metadata, clear)


def _has_ended(shell: PowerShell) -> bool:
    return shell.state in (PSInvocationState.COMPLETED, PSInvocationState.FAILED, PSInvocationState.STOPPED)


def _refuse_document_type(document: bytes) -> None:
    """Refuses XML that could hold entities, wherever it hides them: neither SOAP nor CLIXML has a document type.

    :raises ValueError: it has one, or an encoding in which that cannot be seen.
    """
    if b"<!DOCTYPE" in document or b"\0" in document or document.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"<", b""):
        raise ValueError("a document type, which neither SOAP nor CLIXML has")


def _remote(record: Any) -> RemoteError:
    types = getattr(record.exception, "types", None) or [""]
    return RemoteError(
        message=clixml.unescape(str(record)),
        exception_type=str(types[0]).removeprefix("Deserialized."),
        error_id=str(record.fq_error or ""),
        activity=str(record.activity or record.command_name or ""),
    )
