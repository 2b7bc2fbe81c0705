# SPDX-License-Identifier: GPL-3.0-or-later
"""The PSRP front: PowerShell remoting over WS-Management, in front of the emulator's own shells and of a real
PowerShell's.
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from xml.etree import ElementTree

from . import wsman
from .console import Console
from .emulated_shell import EmulatedShell
from .faults import strike
from .organization import Organization
from .service import Service
from .shell import Shell
from .web import Answer, Request

_CERTIFICATE_AUTH = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_PREFIX = "http://schemas.microsoft.com/powershell/"
_FRAGMENT = 32768
_MAXIMUM_ENVELOPE_KB = 500
_REPLAYABLE = 256
_STOPPED_BY = ("ctrl_c", "ctrl_break", "PS_CTRL_C")


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
        #: Configuration name, in lower case, to what makes its shells; all other names are the emulator's own.
        self.endpoints: dict[str, Callable[[str, Organization], Shell]] = {}
        self._accounts = accounts
        self._certificates = certificates
        self._console = console
        self._shells: dict[str, Shell] = {}
        #: Shells that are gone, of which a statement may still run.
        self._gone: list[Shell] = []
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
                self._gone = [shell for shell in self._gone if not shell.is_idle]
                shells = [*self._shells.values(), *self._gone]
            if all(shell.is_idle for shell in shells):
                return True
            time.sleep(0.005)
        return False

    def kill_shells(self) -> None:
        """Every shell is gone, as after a restart of the service."""
        with self._lock:
            names = list(self._shells)
        for name in names:
            self.kill(name)

    def shell(self, shell_id: str) -> Shell | None:
        """An open shell."""
        with self._lock:
            return self._shells.get(shell_id)

    def kill(self, shell_id: str) -> None:
        """A shell is gone."""
        with self._lock:
            shell = self._shells.pop(shell_id, None)
            self._gone = [each for each in (*self._gone, shell) if each is not None and not each.is_idle]
        if shell is not None:
            shell.end()

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
            self.kill(envelope.shell_id)
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
            raise wsman.Fault(
                wsman.BAD_CONFIGURATION,
                "The WS-Management service cannot process the request: the resource URI is unknown.",
            )
        shell_id = shell_element.get("ShellId", str(uuid.uuid4())).upper()
        shell = self._start(shell_id, envelope.resource_uri.removeprefix(_PREFIX), organization)
        with self._lock:
            self._shells[shell_id] = shell
        shell.feed("", _decoded(content.text))
        self.service.ledger.count("shells_opened")
        return wsman.shell_created(shell_id, envelope.resource_uri)

    def _command(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        shell = self._shell(envelope)
        line = envelope.find("rsp:CommandLine")
        fragment = envelope.find("rsp:CommandLine/rsp:Arguments")
        if line is None or fragment is None:
            raise wsman.Fault(wsman.BAD_CONFIGURATION, "The command line is missing.")
        command_id = line.get("CommandId", str(uuid.uuid4())).upper()
        shell.begin(command_id, self._cmdlets(envelope))
        shell.feed(command_id, _decoded(fragment.text))
        response = wsman.element("rsp:CommandResponse")
        response.append(wsman.element("rsp:CommandId", command_id))
        return [response]

    def _send(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        shell = self._shell(envelope)
        for stream in envelope.body.iterfind("rsp:Send/rsp:Stream", wsman.NAMESPACES):
            shell.feed(stream.get("CommandId", "").upper(), _decoded(stream.text))
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
        if code is not None and (code.text or "").rstrip("/").endswith(_STOPPED_BY):
            shell.interrupt(command_id)
        else:
            shell.dismiss(command_id)
        return [wsman.element("rsp:SignalResponse")]

    def _delete(self, envelope: wsman.Envelope, organization: Organization) -> list[ElementTree.Element]:
        self.kill(self._shell(envelope).id)
        self.service.ledger.count("shells_closed")
        return []

    def _shell(self, envelope: wsman.Envelope) -> Shell:
        shell = self._shells.get(envelope.shell_id)
        if shell is None:
            raise wsman.Fault(
                wsman.SHELL_NOT_FOUND,
                f"The request for the Windows Remote Shell with ShellId {envelope.shell_id} failed because the shell was not found on the server.",
            )
        return shell

    def _start(self, shell_id: str, configuration: str, organization: Organization) -> Shell:
        """A new shell of the endpoint that a configuration names."""
        endpoint = self.endpoints.get(configuration.lower())
        if endpoint is not None:
            return endpoint(shell_id, organization)
        shell = EmulatedShell(shell_id, self._console(configuration, organization), self.service.ledger, self.kill)
        shell.latency = self.latency
        return shell


def _decoded(fragments: str | None) -> bytes:
    try:
        return base64.b64decode(fragments or "")
    except binascii.Error as error:
        raise wsman.Fault(wsman.BAD_CONFIGURATION, f"The client's data can't be read: {error}") from error


def _timed_out() -> wsman.Fault:
    return wsman.Fault(
        wsman.OPERATION_TIMEOUT,
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.",
    )


def _soap(status: int, body: bytes) -> Answer:
    return Answer(status, body, {"Content-Type": "application/soap+xml;charset=UTF-8"})
