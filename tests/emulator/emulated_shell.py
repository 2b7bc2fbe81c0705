# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own shell: PowerShell remoting with psrpcore as the server's half of the protocol."""

from __future__ import annotations

import datetime
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

import psrpcore
from psrpcore import types
from psrpcore._payload import PSRPMessage, create_message

from . import wsman
from .clixml import document
from .console import Console
from .errors import DOMAIN_CONTROLLER, CmdletError, CmdletNotGranted
from .ledger import Ledger
from .shell import Pipeline, Shell

_FRAGMENT = 32768


class _Pool(psrpcore.ServerRunspacePool):
    """A runspace pool that can also send objects for which CLIXML is at hand."""

    def write(self, pipeline_id: uuid.UUID, content: ElementTree.Element, *, whole: bool = True) -> None:
        """Sends an object; one that is not ``whole`` ends in the middle of its XML."""
        data = ElementTree.tostring(content, encoding="utf-8")
        self._write(pipeline_id, data if whole else data[: len(data) // 2])

    def write_null(self, pipeline_id: uuid.UUID) -> None:
        """Sends what a function's ``return $null`` sends: no object at all."""
        self._write(pipeline_id, b"")

    def _write(self, pipeline_id: uuid.UUID, data: bytes) -> None:
        kind = types.PSRPMessageType.PipelineOutput
        message = create_message(False, kind, data, self.runspace_pool_id, pipeline_id)
        self._send_buffer.append(
            PSRPMessage(kind, bytearray(message), self.runspace_pool_id, pipeline_id, self._fragment_counter)
        )


class EmulatedShell(Shell):
    """One runspace pool of the emulator's own, and its pipelines."""

    def __init__(
        self, shell_id: str, console: Console, ledger: Ledger, kill: Callable[[str], None] = lambda shell_id: None
    ) -> None:
        super().__init__(shell_id, console)
        self._kill = kill
        #: Seconds that each pipeline waits before it runs.
        self.latency = 0.0
        self._ledger = ledger
        self._pool = _Pool()
        self._servers: dict[str, psrpcore.ServerPipeline] = {}
        #: The pool has one runspace, which runs one pipeline at a time.
        self._runspace = threading.Lock()

    @property
    def is_idle(self) -> bool:
        # Statements that nobody sees run on after their pipeline has told its end.
        return super().is_idle and not self._runspace.locked()

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
                        self.pipelines[str(event.pipeline_id).upper()].begun = True
                    elif isinstance(event, psrpcore.GetAvailableRunspacesEvent):
                        self._pool.runspace_availability_response(event.ci, self._pool.max_runspaces)
                    elif isinstance(
                        event,
                        (
                            psrpcore.SetMaxRunspacesEvent,
                            psrpcore.SetMinRunspacesEvent,
                            psrpcore.ResetRunspaceStateEvent,
                        ),
                    ):
                        self._pool.runspace_availability_response(event.ci, True)
            except (ValueError, KeyError, AttributeError, ElementTree.ParseError, psrpcore.PSRPCoreError) as error:
                raise wsman.Fault(wsman.BAD_CONFIGURATION, f"The client's data can't be read: {error}") from error
            finally:
                self._collect()
        for event in created:
            self._ledger.count("psrp")
            threading.Thread(
                target=self._run, args=(str(event.pipeline_id).upper(), event.pipeline), daemon=True
            ).start()

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
        """Sorts what the pool wants to send by target, so that an unread pipeline holds up no other. Call with
        ``ready`` held.
        """
        while (payload := self._pool.data_to_send(_FRAGMENT)) is not None:
            self.put(str(payload.pipeline_id).upper() if payload.pipeline_id else "", payload.data)
        self.ready.notify_all()

    def _run(self, target: str, wanted: Any) -> None:
        """Runs the statements of a pipeline as PowerShell's engine does.

        After an error that ends a pipeline all further statements run, and nobody sees what they bring. Where it was
        the first of several that failed so, its error comes as one that ends nothing, one more statement is seen, and
        all seems well.
        """
        server, pipeline = self._servers[target], self.pipelines[target]
        with self._runspace:
            with self.ready:
                server._change_state(types.PSInvocationState.Running, emit=False)
            last_seen = len(wanted.commands) - 1
            for number, command in enumerate(wanted.commands):
                if pipeline.stop.wait(self.latency if number == 0 else 0.0):
                    break
                failure = self._statement(server, command, seen=number <= last_seen)
                if failure is not None and number == 0 < last_seen:
                    self._report(server, _contained(failure))
                    last_seen = 1
                elif failure is not None and number <= last_seen:
                    self._finish(server, pipeline, failure)
                    last_seen = -1
                elif number == last_seen:
                    self._finish(server, pipeline, None)
            self._finish(server, pipeline, None)

    def _finish(self, server: psrpcore.ServerPipeline, pipeline: Pipeline, failure: types.ErrorRecord | None) -> None:
        """Says how a pipeline ended, once."""
        with self.ready:
            if pipeline.finished:
                return
            if pipeline.stop.is_set():
                server.stop()
            elif failure is not None:
                server._change_state(types.PSInvocationState.Failed, failure)
            else:
                server.complete()
            self._collect()
            pipeline.finished = True
            self.ready.notify_all()

    def _statement(self, server: psrpcore.ServerPipeline, command: Any, *, seen: bool) -> types.ErrorRecord | None:
        """Runs one statement; gives the error that ends a pipeline, if one does."""
        name = str(command.command_text)
        if command.is_script:
            refusal = CmdletError(
                "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode.",
                "System.Management.Automation.RemoteException",
                "ScriptsNotAllowed",
            )
            return _record(refusal, "")
        parameters = {str(key).lstrip("-"): plain(value) for key, value in command.parameters if key}
        try:
            outcome = self.console.run(name, parameters)
        except CmdletError as error:
            if self.console.is_terminating(error, parameters):
                return _record(error, name)
            if seen:
                self._report(server, _record(error, name))
            return None
        if outcome.leaves == "dead_after":
            self._kill(self.id)
            return None
        if outcome.leaves:
            # Whatever it leaves by, its statement alone has ended, and says nothing.
            if outcome.leaves == "return_null" and seen:
                with self.ready:
                    self._pool.write_null(server.pipeline_id)
                    self._collect()
            return None
        with self.ready:
            for warning in outcome.warnings if seen else ():
                server.write_warning(warning)
            for reported in outcome.errors if seen else ():
                server.prepare_message(_record(reported, name), message_type=types.PSRPMessageType.ErrorRecord)
            for record in outcome.records if seen else ():
                self._pool.write(server.pipeline_id, document(record, self.console.flavour), whole=not outcome.garbled)
            self._collect()
        return None

    def _report(self, server: psrpcore.ServerPipeline, record: types.ErrorRecord) -> None:
        """Writes an error that ends nothing."""
        with self.ready:
            server.prepare_message(record, message_type=types.PSRPMessageType.ErrorRecord)
            self._collect()


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


def _record(error: CmdletError, command: str) -> types.ErrorRecord:
    """An error as PowerShell names it: by what reported it."""
    automation = error.type.startswith("System.Management.Automation.")
    stamp = f"[Server={DOMAIN_CONTROLLER.partition('.')[0]},RequestId={uuid.uuid4()},TimeStamp=1/1/2026 00:00:00 AM]"
    if command.lower() == "get-command":
        error_id, activity = f"{error.error_id},Microsoft.PowerShell.Commands.GetCommandCommand", command
    elif isinstance(error, CmdletNotGranted) or error.error_id == "ScriptsNotAllowed":
        error_id, activity = error.error_id, ""
    elif automation:
        error_id, activity = f"{error.error_id},{command}", command
    elif error.thrown:
        error_id, activity = error.message, ""
    elif error.type == "System.Exception":
        error_id, activity = f"{stamp},Write-ErrorMessage", command
    else:
        kind = f"[FailureCategory=Cmdlet-{error.type.rpartition('.')[2]}]"
        error_id, activity = (
            f"{stamp} {kind} {error.error_id},Microsoft.Exchange.Management.{command.replace('-', '')}",
            command,
        )
    category = 14 if error.thrown else 0 if error.type == "System.Exception" else error.category
    return types.ErrorRecord(
        Exception=_exception(error.message, error.type),
        CategoryInfo=types.ErrorCategoryInfo(
            Category=types.ErrorCategory(category),
            Activity=activity,
            Reason=error.reason,
            TargetName=command if error_id == error.error_id else None,
        ),
        FullyQualifiedErrorId=error_id,
    )


def _contained(record: types.ErrorRecord) -> types.ErrorRecord:
    """The error of a first statement that ended it, as it comes where more statements follow."""
    kind = str(record.Exception.PSObject.type_names[0])
    # What a script throws keeps its type.
    is_thrown = record.FullyQualifiedErrorId == record.Exception.Message
    if not is_thrown and not kind.endswith(".MethodInvocationException"):
        record.Exception = _exception(
            str(record.Exception.Message), "System.Management.Automation.ParentContainsErrorRecordException"
        )
    return record


def _exception(message: str, net_type: str) -> types.NETException:
    exception = types.NETException(Message=message)
    exception.PSObject.type_names = [net_type, "System.Exception", "System.Object"]
    return exception
