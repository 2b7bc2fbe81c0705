# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own shell: PowerShell remoting with psrpcore as the server's half of the protocol."""

from __future__ import annotations

import datetime
import threading
import uuid
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import psrpcore
from psrpcore import types
from psrpcore._payload import PSRPMessage, create_message

from . import wsman
from .clixml import document
from .console import Console
from .errors import DOMAIN_CONTROLLER, CmdletError
from .ledger import Ledger
from .shell import Pipeline, Shell

_FRAGMENT = 32768


class _Pool(psrpcore.ServerRunspacePool):
    """A runspace pool that can also send objects for which CLIXML is at hand."""

    def write(self, pipeline_id: uuid.UUID, content: ElementTree.Element, *, whole: bool = True) -> None:
        """Sends an object; one that is not ``whole`` ends in the middle of its XML."""
        data = ElementTree.tostring(content, encoding="utf-8")
        data = data if whole else data[: len(data) // 2]
        kind = types.PSRPMessageType.PipelineOutput
        message = create_message(False, kind, data, self.runspace_pool_id, pipeline_id)
        self._send_buffer.append(PSRPMessage(kind, bytearray(message), self.runspace_pool_id, pipeline_id, self._fragment_counter))


class EmulatedShell(Shell):
    """One runspace pool of the emulator's own, and its pipelines."""

    def __init__(self, shell_id: str, console: Console, ledger: Ledger) -> None:
        super().__init__(shell_id, console)
        #: Seconds that each pipeline waits before it runs.
        self.latency = 0.0
        self._ledger = ledger
        self._pool = _Pool()
        self._servers: dict[str, psrpcore.ServerPipeline] = {}

    def begin(self, target: str, cmdlets: list[str]) -> None:
        with self.ready:
            self._servers[target] = psrpcore.ServerPipeline(self._pool, uuid.UUID(target))
            self.pipelines[target] = Pipeline(cmdlets)

    def feed(self, target: str, data: bytes) -> None:
        created: list[psrpcore.CreatePipelineEvent] = []
        with self.ready:
            try:
                self._pool.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, None))
                while (event := self._pool.next_event()) is not None:
                    if isinstance(event, psrpcore.CreatePipelineEvent):
                        created.append(event)
                    elif isinstance(event, psrpcore.GetAvailableRunspacesEvent):
                        self._pool.runspace_availability_response(event.ci, self._pool.max_runspaces)
                    elif isinstance(event, (psrpcore.SetMaxRunspacesEvent, psrpcore.SetMinRunspacesEvent, psrpcore.ResetRunspaceStateEvent)):
                        self._pool.runspace_availability_response(event.ci, True)
            except (ValueError, KeyError, AttributeError, ElementTree.ParseError, psrpcore.PSRPCoreError) as error:
                raise wsman.Fault(wsman.BAD_CONFIGURATION, f"The client's data can't be read: {error}") from error
            finally:
                self._collect()
        for event in created:
            self._ledger.count("psrp")
            threading.Thread(target=self._run, args=(str(event.pipeline_id).upper(), event.pipeline), daemon=True).start()

    def interrupt(self, target: str) -> None:
        with self.ready:
            if target in self.pipelines:
                self.pipelines[target].stop.set()
            self.ready.notify_all()

    def dismiss(self, target: str) -> None:
        with self.ready:
            self.interrupt(target)
            if self.pipelines.pop(target, None) is not None:
                self._pool.pipeline_table.pop(uuid.UUID(target), None)

    def end(self) -> None:
        with self.ready:
            for pipeline in self.pipelines.values():
                pipeline.stop.set()
                pipeline.finished = True
            self.ready.notify_all()
        self.console.close(orderly=False)

    def _collect(self) -> None:
        """Sorts what the pool wants to send by target, so that an unread pipeline holds up no other. Call with ``ready`` held."""
        while (payload := self._pool.data_to_send(_FRAGMENT)) is not None:
            self.put(str(payload.pipeline_id).upper() if payload.pipeline_id else "", payload.data)
        self.ready.notify_all()

    def _run(self, target: str, wanted: Any) -> None:
        server, pipeline = self._servers[target], self.pipelines[target]
        with self.ready:
            server.start()
        failure = None
        for command in wanted.commands:
            if pipeline.stop.wait(self.latency if command is wanted.commands[0] else 0.0):
                break
            failure = self._statement(server, command)
            if failure is not None:
                break
        with self.ready:
            if pipeline.stop.is_set():
                server.stop()
            elif failure is not None:
                server._change_state(types.PSInvocationState.Failed, failure)
            else:
                server.complete()
            self._collect()
            pipeline.finished = True
            self.ready.notify_all()

    def _statement(self, server: psrpcore.ServerPipeline, command: Any) -> types.ErrorRecord | None:
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
            outcome = self.console.run(str(command.command_text), parameters)
        except CmdletError as error:
            if self.console.is_terminating(error, parameters):
                return _error_record(error, str(command.command_text))
            with self.ready:
                _write_error(server, error, str(command.command_text))
                self._collect()
            return None
        with self.ready:
            for warning in outcome.warnings:
                server.write_warning(warning)
            for record in outcome.records:
                self._pool.write(server.pipeline_id, document(record, self.console.flavour), whole=not outcome.garbled)
            for reported in outcome.errors:
                _write_error(server, reported, str(command.command_text))
            self._collect()
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
