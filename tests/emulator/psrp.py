# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PSRP front: PowerShell remoting over WS-Management, with psrpcore as the server's half of the protocol."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import threading
import time
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import psrpcore
from psrpcore import types
from psrpcore._payload import PSRPMessage, create_message

from . import wsman
from .clixml import document
from .console import Console
from .errors import DOMAIN_CONTROLLER, CmdletError
from .faults import strike
from .organization import Organization
from .service import Service
from .web import Answer, Request

_CERTIFICATE_AUTH = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_PREFIX = "http://schemas.microsoft.com/powershell/"
_FRAGMENT = 32768
_MAXIMUM_ENVELOPE_KB = 500
_REPLAYABLE = 256
_STOPPED_BY = ("ctrl_c", "ctrl_break", "PS_CTRL_C")


class _Pool(psrpcore.ServerRunspacePool):
    """A runspace pool that can also send objects for which CLIXML is at hand."""

    def write(self, pipeline_id: uuid.UUID, content: ElementTree.Element, *, whole: bool = True) -> None:
        """Sends an object; one that is not ``whole`` ends in the middle of its XML."""
        data = ElementTree.tostring(content, encoding="utf-8")
        data = data if whole else data[: len(data) // 2]
        kind = types.PSRPMessageType.PipelineOutput
        message = create_message(False, kind, data, self.runspace_pool_id, pipeline_id)
        self._send_buffer.append(PSRPMessage(kind, bytearray(message), self.runspace_pool_id, pipeline_id, self._fragment_counter))


@dataclass
class _Pipeline:
    server: psrpcore.ServerPipeline
    cmdlets: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    finished: bool = False


class _Shell:
    """One shell: a runspace pool, its pipelines, and what waits to be fetched from each."""

    def __init__(self, shell_id: str, console: Console) -> None:
        self.id = shell_id
        self.console = console
        self.pool = _Pool()
        self.pipelines: dict[str, _Pipeline] = {}
        self.ready = threading.Condition(threading.RLock())
        self._waiting: defaultdict[str, list[bytes]] = defaultdict(list)

    def collect(self) -> None:
        """Sorts what the pool wants to send by target, so that an unread pipeline holds up no other. Call with ``ready`` held."""
        while (payload := self.pool.data_to_send(_FRAGMENT)) is not None:
            target = str(payload.pipeline_id).upper() if payload.pipeline_id else ""
            self._waiting[target].append(payload.data)
        self.ready.notify_all()

    def take(self, target: str, seconds: float, limit: int) -> list[bytes]:
        """What waits for a target, up to ``limit`` bytes; empty when nothing came in time, or nothing will come."""
        deadline = time.monotonic() + seconds
        with self.ready:
            while not self._waiting[target] and not self.is_done(target):
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not self.ready.wait(remaining):
                    break
            chunks: list[bytes] = []
            while self._waiting[target] and (not chunks or sum(map(len, chunks)) + len(self._waiting[target][0]) <= limit):
                chunks.append(self._waiting[target].pop(0))
            return chunks

    def is_done(self, target: str) -> bool:
        pipeline = self.pipelines.get(target)
        return bool(target) and not self._waiting[target] and (pipeline is None or pipeline.finished)


class PsrpFront:
    """Answers the requests of PowerShell remoting clients.

    :param accounts: user name (in lower case) to password and organization.
    :param certificates: client certificate (DER) to organization.
    :param console: makes the console of a new session.
    """

    def __init__(
        self,
        service: Service,
        accounts: Mapping[str, tuple[str, Organization]],
        certificates: Mapping[bytes, Organization],
        console: Callable[[str, Organization], Console],
    ) -> None:
        self.service = service
        self.latency = 0.0
        self._accounts = accounts
        self._certificates = certificates
        self._console = console
        self._shells: dict[str, _Shell] = {}
        self._replies: OrderedDict[str, Future[Answer]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def sessions(self) -> dict[str, int]:
        """Shells that are open now, and those of them in which Connect-ExchangeOnline has opened a session."""
        with self._lock:
            shells = list(self._shells.values())
        return {"shells": len(shells), "exchange_sessions": sum(shell.console.is_signed_in for shell in shells)}

    def settle(self, seconds: float) -> bool:
        """Waits until no pipeline runs, for tests that look at the state after an answer was lost."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._lock:
                shells = list(self._shells.values())
            if all(pipeline.finished for shell in shells for pipeline in list(shell.pipelines.values())):
                return True
            time.sleep(0.005)
        return False

    def kill_shells(self) -> None:
        """Every shell is gone, as after a restart of the service."""
        with self._lock:
            names = list(self._shells)
        for name in names:
            self._kill(name)

    def _kill(self, shell_id: str) -> None:
        with self._lock:
            shell = self._shells.pop(shell_id, None)
        if shell is not None:
            self._end(shell)

    def handle(self, request: Request) -> Answer:
        organization = self._authenticate(request)
        if organization is None:
            return Answer(401, b"", {"WWW-Authenticate": 'Basic realm="WSMAN"'})
        self.service.ledger.count("psrp_requests")
        try:
            envelope = wsman.parse(request.body)
        except ValueError as error:
            return Answer(400, str(error).encode(), {"Content-Type": "text/plain"})
        fault = self.service.faults.transport("psrp", envelope.step, self._cmdlets(envelope), organization.name)
        if fault is not None and fault.kind == "operation_timeout":
            return _soap(500, wsman.fault(envelope, _timed_out()))
        if fault is not None and fault.kind == "dead_shell":
            self._kill(envelope.shell_id)
        return strike(fault, lambda: self._once(envelope, organization))

    def _cmdlets(self, envelope: wsman.Envelope) -> list[str]:
        """The cmdlets that a request is about, read without taking its data in: a request may still be lost."""
        if envelope.step == "command":
            fragment = envelope.find("rsp:CommandLine/rsp:Arguments")
            try:
                data = base64.b64decode((fragment.text if fragment is not None else "") or "")
            except binascii.Error:
                return []
            return [name.decode("utf-8", "replace") for name in re.findall(rb'N="Cmd">([^<]*)<', data)]
        target = next((item.get("CommandId") for item in envelope.body.iter() if item.get("CommandId")), "") or ""
        shell = self._shells.get(envelope.shell_id)
        pipeline = shell.pipelines.get(target.upper()) if shell is not None else None
        return pipeline.cmdlets if pipeline is not None else []

    def _authenticate(self, request: Request) -> Organization | None:
        scheme, _unused, value = request.headers.get("Authorization", "").partition(" ")
        if scheme == _CERTIFICATE_AUTH:
            return self._certificates.get(request.certificate or b"")
        try:
            user, _unused, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        expected, organization = self._accounts.get(user.lower(), ("", None))
        return organization if scheme.lower() == "basic" and organization is not None and password == expected else None

    def _once(self, envelope: wsman.Envelope, organization: Organization) -> Answer:
        """The same message twice is one message: the second sender gets the first one's answer."""
        with self._lock:
            known = self._replies.get(envelope.message_id)
            reply: Future[Answer] = known or Future()
            if known is None:
                self._replies[envelope.message_id] = reply
                while len(self._replies) > _REPLAYABLE:
                    self._replies.popitem(last=False)
        if known is None:
            try:
                reply.set_result(self._answer(envelope, organization))
            except BaseException as error:
                reply.set_exception(error)
        return reply.result()

    def _answer(self, envelope: wsman.Envelope, organization: Organization) -> Answer:
        steps = {
            "create": self._create,
            "command": self._command,
            "send": self._send,
            "receive": self._receive,
            "signal": self._signal,
            "delete": self._delete,
        }
        try:
            if envelope.step == "get" and not envelope.shell_id:
                contents = [wsman.configuration(_MAXIMUM_ENVELOPE_KB)]
            elif envelope.step == "get":
                contents = wsman.shell_created(self._shell(envelope).id, envelope.resource_uri)[1:]
            elif envelope.step in steps:
                contents = steps[envelope.step](envelope, organization)
            else:
                raise wsman.Fault(2150858817, f"The action {envelope.action} is not supported.")
        except wsman.Fault as problem:
            return _soap(500, wsman.fault(envelope, problem))
        return _soap(200, wsman.answer(envelope, *contents))

    # Steps

    def _create(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        shell_element = envelope.find("rsp:Shell")
        content = envelope.find("rsp:Shell/pwsh:creationXml")
        if shell_element is None or content is None or not envelope.resource_uri.startswith(_PREFIX):
            raise wsman.Fault(wsman.BAD_CONFIGURATION, "The WS-Management service cannot process the request: the resource URI is unknown.")
        shell_id = shell_element.get("ShellId", str(uuid.uuid4())).upper()
        shell = _Shell(shell_id, self._console(envelope.resource_uri.removeprefix(_PREFIX), organization))
        self._feed(shell, content.text)
        with self._lock:
            self._shells[shell_id] = shell
        self.service.ledger.count("shells_opened")
        return wsman.shell_created(shell_id, envelope.resource_uri)

    def _command(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        shell = self._shell(envelope)
        line = envelope.find("rsp:CommandLine")
        fragment = envelope.find("rsp:CommandLine/rsp:Arguments")
        if line is None or fragment is None:
            raise wsman.Fault(wsman.BAD_CONFIGURATION, "The command line is missing.")
        command_id = line.get("CommandId", str(uuid.uuid4())).upper()
        with shell.ready:
            shell.pipelines[command_id] = _Pipeline(psrpcore.ServerPipeline(shell.pool, uuid.UUID(command_id)), self._cmdlets(envelope))
        self._feed(shell, fragment.text)
        response = wsman.element("rsp:CommandResponse")
        response.append(wsman.element("rsp:CommandId", command_id))
        return [response]

    def _send(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        shell = self._shell(envelope)
        for stream in envelope.body.iterfind("rsp:Send/rsp:Stream", wsman.NAMESPACES):
            self._feed(shell, stream.text)
        return [wsman.element("rsp:SendResponse")]

    def _receive(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        shell = self._shell(envelope)
        stream = envelope.find("rsp:Receive/rsp:DesiredStream")
        target = (stream.get("CommandId", "") if stream is not None else "").upper()
        chunks = shell.take(target, envelope.timeout, limit=_MAXIMUM_ENVELOPE_KB * 1024 // 2)
        done = shell.is_done(target)
        if not chunks and not done:
            self._shell(envelope)
            raise _timed_out()
        return [wsman.received(chunks, target or None, done=done)]

    def _signal(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        shell = self._shell(envelope)
        signal = envelope.find("rsp:Signal")
        code = envelope.find("rsp:Signal/rsp:Code")
        command_id = (signal.get("CommandId", "") if signal is not None else "").upper()
        with shell.ready:
            pipeline = shell.pipelines.get(command_id)
            if pipeline is not None:
                pipeline.stop.set()
                if not (code is not None and (code.text or "").rstrip("/").endswith(_STOPPED_BY)):
                    del shell.pipelines[command_id]
                    shell.pool.pipeline_table.pop(pipeline.server.pipeline_id, None)
            shell.ready.notify_all()
        return [wsman.element("rsp:SignalResponse")]

    def _delete(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        shell = self._shell(envelope)
        with self._lock:
            self._shells.pop(shell.id, None)
        self._end(shell)
        self.service.ledger.count("shells_closed")
        return []

    def _shell(self, envelope: wsman.Envelope) -> _Shell:
        shell = self._shells.get(envelope.shell_id)
        if shell is None:
            raise wsman.Fault(
                wsman.SHELL_NOT_FOUND,
                f"The request for the Windows Remote Shell with ShellId {envelope.shell_id} failed because the shell was not found on the server.",
            )
        return shell

    def _end(self, shell: _Shell) -> None:
        with shell.ready:
            for pipeline in shell.pipelines.values():
                pipeline.stop.set()
                pipeline.finished = True
            shell.ready.notify_all()
        shell.console.close(orderly=False)

    # Pipelines

    def _feed(self, shell: _Shell, fragments: str | None) -> None:
        """Gives a client's bytes to the pool, and starts what they complete."""
        created: list[psrpcore.CreatePipelineEvent] = []
        with shell.ready:
            try:
                shell.pool.receive_data(psrpcore.PSRPPayload(base64.b64decode(fragments or ""), psrpcore.StreamType.default, None))
                while (event := shell.pool.next_event()) is not None:
                    if isinstance(event, psrpcore.CreatePipelineEvent):
                        created.append(event)
                    elif isinstance(event, psrpcore.GetAvailableRunspacesEvent):
                        shell.pool.runspace_availability_response(event.ci, shell.pool.max_runspaces)
                    elif isinstance(event, (psrpcore.SetMaxRunspacesEvent, psrpcore.SetMinRunspacesEvent, psrpcore.ResetRunspaceStateEvent)):
                        shell.pool.runspace_availability_response(event.ci, True)
            except (ValueError, KeyError, AttributeError, ElementTree.ParseError, psrpcore.PSRPCoreError) as error:
                raise wsman.Fault(wsman.BAD_CONFIGURATION, f"The client's data can't be read: {error}") from error
            finally:
                shell.collect()
        for event in created:
            pipeline = shell.pipelines[str(event.pipeline_id).upper()]
            self.service.ledger.count("psrp")
            threading.Thread(target=self._run, args=(shell, pipeline, event.pipeline), daemon=True).start()

    def _run(self, shell: _Shell, pipeline: _Pipeline, wanted: Any) -> None:
        with shell.ready:
            pipeline.server.start()
        failure = None
        for command in wanted.commands:
            if pipeline.stop.wait(self.latency if command is wanted.commands[0] else 0.0):
                break
            failure = self._statement(shell, pipeline, command)
            if failure is not None:
                break
        with shell.ready:
            if pipeline.stop.is_set():
                pipeline.server.stop()
            elif failure is not None:
                pipeline.server._change_state(types.PSInvocationState.Failed, failure)
            else:
                pipeline.server.complete()
            shell.collect()
            pipeline.finished = True
            shell.ready.notify_all()

    def _statement(self, shell: _Shell, pipeline: _Pipeline, command: Any) -> types.ErrorRecord | None:
        """Runs one statement; gives the error that ends the pipeline, if one does."""
        if command.is_script:
            refusal = CmdletError(
                "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode.",
                "System.Management.Automation.RemoteException",
                "ScriptsNotAllowed",
            )
            return _error_record(refusal, command.command_text)
        parameters = {str(name).lstrip("-"): plain(value) for name, value in command.parameters if name}
        try:
            outcome = shell.console.run(str(command.command_text), parameters)
        except CmdletError as error:
            if shell.console.is_terminating(error, parameters):
                return _error_record(error, str(command.command_text))
            with shell.ready:
                _write_error(pipeline.server, error, str(command.command_text))
                shell.collect()
            return None
        with shell.ready:
            for warning in outcome.warnings:
                pipeline.server.write_warning(warning)
            for record in outcome.records:
                shell.pool.write(pipeline.server.pipeline_id, document(record, shell.console.flavour), whole=not outcome.garbled)
            for reported in outcome.errors:
                _write_error(pipeline.server, reported, str(command.command_text))
            shell.collect()
        return None


def plain(value: Any) -> Any:
    """A parameter's value without PowerShell's types."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, types.PSSecureString):
        return str(value.decrypt())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, datetime.datetime):
        return datetime.datetime.fromisoformat(value.isoformat())
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return str(value)


def _timed_out() -> wsman.Fault:
    return wsman.Fault(wsman.OPERATION_TIMEOUT, "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.")


def _soap(status: int, body: bytes) -> Answer:
    return Answer(status, body, {"Content-Type": "application/soap+xml;charset=UTF-8"})


def _exception(error: CmdletError) -> types.NETException:
    exception = types.NETException(Message=error.message)
    exception.PSObject.type_names = [error.type, "System.Exception", "System.Object"]
    return exception


def _category(error: CmdletError, command: str) -> types.ErrorCategoryInfo:
    return types.ErrorCategoryInfo(Category=types.ErrorCategory(error.category), Activity=command, Reason=error.type.rpartition(".")[2])


def _error_id(error: CmdletError, command: str) -> str:
    if error.type.startswith("System.Management.Automation."):
        return error.error_id
    noun = command.replace("-", "")
    stamp = f"[Server={DOMAIN_CONTROLLER.partition('.')[0]},RequestId={uuid.uuid4()},TimeStamp=1/1/2026 00:00:00 AM]"
    return f"{stamp} [FailureCategory=Cmdlet-{error.type.rpartition('.')[2]}] {error.error_id},Microsoft.Exchange.Management.{noun}"


def _error_record(error: CmdletError, command: str) -> types.ErrorRecord:
    return types.ErrorRecord(Exception=_exception(error), CategoryInfo=_category(error, command), FullyQualifiedErrorId=_error_id(error, command))


def _write_error(pipeline: psrpcore.ServerPipeline, error: CmdletError, command: str) -> None:
    pipeline.write_error(_exception(error), _category(error, command), fully_qualified_error_id=_error_id(error, command))
