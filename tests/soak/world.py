# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulated organization, sessions to it over every wire, and a module run in this process as a task would run it.

All that waits runs on a clock of its own, so that a minute of verifying costs nothing. Everything else is real:
sessions, retry policy, transports, sockets. The service is watched at the one place through which every change goes.
"""

from __future__ import annotations

import copy
import functools
import importlib
import json
import logging
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import waiting as _waiting
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import SUBSETS
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SessionDescription
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import tries as _tries
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.identity import Option
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import limits as _limits
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import pypsrp as _pypsrp
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Policy

from tests import endpoint, printed
from tests.emulator import Emulator, runner, service
from tests.emulator.engine import Engine
from tests.emulator.errors import CmdletError
from tests.emulator.schema import is_read
from tests.unit.clock import Clock
from tests.unit.connections import DEFAULTS

NAME = "contoso.onmicrosoft.com"
WIRES = ("rest", "host", "server", "constrained")
#: Those that a real PowerShell serves: a management host, the constrained endpoint that the collection brings, and a
#: process of our own.
ENGINE_WIRES = ("engine", "endpoint", "powershell")
_CONFIGURATIONS = {
    "server": "Microsoft.Exchange",
    "constrained": "OnlyExchange",
    "engine": "PowerShell.7",
    "endpoint": "MessageEncryption.Baseline",
}
#: Bytes that a call takes in: the organizations here have few rules, and an answer that is too large need not be a real
#: one's size.
_LARGEST = 2_000_000
#: Seconds for a pipeline that has lost its client, on a slow machine as well.
_RUNS_ON = 120
#: Seconds for which tasks share what they read, where they do: longer than any of them takes here.
_REUSE = 600.0
#: Runs without faults that are kept for a session.
_CONTROLS = 16
#: Shells that lost answers may leave on the service before all are ended.
_LEFT_SHELLS = 8
_STAMPS = ("WhenChanged", "LastModifiedBy")


@dataclass(frozen=True)
class Write:
    """A write that the service carried out, or refused.

    :param text: the call as the task reports it; empty for another administrator's edit.
    :param effective: whether the organization was different afterwards.
    """

    text: str
    cmdlet: str
    error: str
    effective: bool
    identity: str


@dataclass
class Outcome:
    """How a task ended: what a module's result would be."""

    result: dict[str, Any] = field(default_factory=dict)
    error: ExchangeError | None = None
    writes: list[Write] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def own(self) -> list[Write]:
        return [write for write in self.writes if write.text]

    @property
    def commands(self) -> list[str]:
        return list(self.result.get("commands", ()))


class _Line:
    """The engine's session: what the broker's socket does to calls and results is done here, too."""

    def __init__(self, world: World, session: OrganizationSession, reuse: float = 0.0) -> None:
        self._world = world
        self._session = session
        self._reuse = reuse

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        sent = [Call.from_wire(json.loads(json.dumps(call.to_wire()))) for call in calls]
        writes = [call for call in sent if not call.is_read]
        self._world.calling = writes
        try:
            results = self._session.invoke(Request(sent, fresh=fresh, reuse=self._reuse))
        finally:
            # A pipeline whose client is gone runs on; the next read must not race with it.
            if writes:
                assert self._world.emulator.psrp.settle(_RUNS_ON)
            self._world.called += writes
            self._world.calling = []
        return [Result.from_wire(json.loads(json.dumps(result.to_wire()))) for result in results]

    def describe(self) -> SessionDescription:
        return self._session.describe(Request([]))


class World:
    """An emulator with one organization, and a session for each wire that is kept as long as it works.

    :param engine: a real PowerShell, for the wires that it serves.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self.emulator = Emulator([NAME], engine=engine)
        if engine is not None:
            endpoint.install(self.emulator, "Baseline")
        self.organization = self.emulator.organizations[NAME]
        self.clock = Clock()
        #: The writes that are under way, and those that the task has sent before. A statement that PowerShell runs
        #: unseen may come late.
        self.calling: list[Call] = []
        self.called: list[Call] = []
        self.writes: list[Write] = []
        self._editing = threading.local()
        self._sessions: dict[str, OrganizationSession] = {}
        self._controls: dict[str, dict[str, Any]] = {}
        self._hurried = False
        self._granted: dict[str, list[str]] = {}

    def start(self, state: Mapping[str, Any]) -> None:
        """A fresh organization in this state; nothing is wrong."""
        self.emulator.reset()
        if self.emulator.sessions["shells"] > _LEFT_SHELLS:
            self._hang_up()
            self.emulator.psrp.kill_shells()
        self.organization.replace(copy.deepcopy(dict(state)))

    def state(self) -> dict[str, Any]:
        """What the organization stores, without stamps."""
        return unstamped(self.organization.state)

    def edit(self, cmdlet: str, **parameters: Any) -> None:
        self.emulator.service.edit(self.organization, cmdlet, parameters)

    def session(self, wire: str) -> OrganizationSession:
        granted = runner.granted(self.organization.state)
        if wire in ENGINE_WIRES and self._granted.setdefault(wire, granted) != granted:
            # The module in a session has what was granted when it connected.
            self.hang_up(wire)
            self._granted[wire] = granted
        if wire not in self._sessions:
            options = _options(self.emulator, wire) | ({"exchange_command_timeout": Option(3)} if self._hurried else {})
            self._sessions[wire] = OrganizationSession(_identity.build(options, []), open_transport)
            self._controls[wire] = {}
        return self._sessions[wire]

    def controls(self, wire: str) -> dict[str, Any]:
        """What is kept of runs without faults over a wire's session: a new session has none."""
        self.session(wire)
        if len(self._controls[wire]) >= _CONTROLS:
            self._controls[wire].clear()
        return self._controls[wire]

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """Sessions that are opened inside give a call three seconds."""
        self._hurried = True
        try:
            yield
        finally:
            self._hurried = False

    def hang_up(self, wire: str) -> None:
        """The next task opens a new session."""
        session = self._sessions.pop(wire, None)
        if session is not None:
            session.close()

    def _hang_up(self) -> None:
        for wire in list(self._sessions):
            self.hang_up(wire)

    def share(self, wire: str) -> None:
        """An earlier task of the run reads what later ones may use, if it can."""
        with suppress(ExchangeError):
            self.session(wire).invoke(Request([SUBSETS["irm_configuration"]], reuse=_REUSE))

    def run(
        self, wire: str, module: str, options: Mapping[str, Any], *, check_mode: bool = False, shares: bool = False
    ) -> Outcome:
        """Runs a module. Anything that it raises beside an ExchangeError is a defect, and comes through.

        :param shares: it may use what earlier tasks have read.
        """
        code = importlib.import_module(f"ansible_collections.m365.message_encryption.plugins.modules.{module}")
        validation = ArgumentSpecValidator(**{"argument_spec": {}, **code.SPEC}).validate(
            json.loads(json.dumps(options))
        )  # which shares no part with another
        assert not validation.error_messages, validation.error_messages
        line = _Line(self, self.session(wire), _REUSE if shares else 0.0)
        task = ModuleContext(
            params=validation.validated_parameters, check_mode=check_mode, session=line, describe=line.describe
        )
        self.writes, self.called = [], []
        outcome = Outcome()
        try:
            outcome.result = code.run(task)
        except ExchangeError as error:
            outcome.error = error
            outcome.result = dict(error.result)
        printed.check(outcome.commands)
        outcome.writes, outcome.warnings = self.writes, list(task.warnings)
        return outcome

    @contextmanager
    def patched(self) -> Iterator[World]:
        """Waits cost nothing, the service is watched, and nothing is logged, inside: msal shows tracebacks of answers
        that the faults have spoilt.
        """
        plain_run, plain_edit = service.run, self.emulator.service.edit

        def edit(*arguments: Any) -> Any:
            self._editing.now = True
            try:
                return plain_edit(*arguments)
            except CmdletError:
                return None  # what another administrator may not do is no concern of the task's
            finally:
                self._editing.now = False

        patches = [
            mock.patch.object(_waiting, "time", self.clock),
            mock.patch.object(_limits, "LARGEST_SENT", _LARGEST),
            mock.patch.object(_limits, "LARGEST_UNPACKED", _LARGEST),
            mock.patch.object(
                _pypsrp, "time", types.SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: None)
            ),
            mock.patch.object(
                _tries,
                "Policy",
                functools.partial(Policy, sleep=lambda seconds: None, uniform=lambda least, most: least),
            ),
            mock.patch.object(service, "run", functools.partial(self._watched, plain_run)),
            mock.patch.object(self.emulator.service, "edit", edit),
        ]
        with ExitStack() as stack:
            for patch in patches:
                stack.enter_context(patch)
            logging.disable()
            stack.callback(logging.disable, logging.NOTSET)
            try:
                yield self
            finally:
                self._hang_up()
                self.emulator.close()

    def _watched(
        self, plain: Callable[..., Any], organization: Any, cmdlet: str, parameters: Mapping[str, Any], **how: Any
    ) -> Any:
        if is_read(cmdlet):
            return plain(organization, cmdlet, parameters, **how)
        text = "" if getattr(self._editing, "now", False) else self._text(cmdlet, parameters)
        before, error = organization.state, "unknown"
        try:
            outcome = plain(organization, cmdlet, parameters, **how)
            error = ""
            return outcome
        except Exception as failure:
            error = str(failure) or type(failure).__name__
            raise
        finally:
            effective = organization.state is not before and unstamped(organization.state) != unstamped(before)
            identity = str(parameters.get("Name") or parameters.get("Identity") or "")
            self.writes.append(Write(text, cmdlet, error, effective, identity))

    def _text(self, cmdlet: str, parameters: Mapping[str, Any]) -> str:
        """The task's call that the service runs as this, in the task's words."""
        about = [parameters.get(key) for key in ("Name", "Identity", "MessageId")]
        found = [
            call
            for call in (*self.calling, *self.called[::-1])
            if call.cmdlet == cmdlet
            and [call.parameters.get(key) for key in ("Name", "Identity", "MessageId")] == about
        ]
        return str(found[0]) if found else f"after its time: {cmdlet}"


def unstamped(value: Any) -> Any:
    """A state without what changes by itself."""
    if isinstance(value, dict):
        return {key: unstamped(item) for key, item in value.items() if key not in _STAMPS}
    return [unstamped(item) for item in value] if isinstance(value, list) else value


def _options(emulator: Emulator, wire: str) -> dict[str, Option]:
    described = emulator.describe()
    organization = described["organizations"][0]
    values: dict[str, Any] = {"exchange_organization": NAME}
    if wire == "rest":
        values |= {
            "exchange_client_id": organization["client_id"],
            "exchange_client_secret": organization["client_secret"],
            "exchange_api_url": described["api_url"],
            "exchange_authority_url": described["authority_url"],
            "exchange_compliance_url": described["compliance_url"],
            "exchange_ca_cert": described["ca_cert"],
        }
    elif wire == "powershell":
        values |= {
            "exchange_transport": "powershell",
            "exchange_powershell_path": described["powershell_path"],
            "exchange_client_id": organization["client_id"],
            "exchange_client_secret": organization["client_secret"],
            "exchange_authority_url": described["authority_url"],
            "exchange_ca_cert": described["ca_cert"],
        }
    else:
        values |= {
            "exchange_transport": "psrp",
            "remote_addr": described["psrp"]["host"],
            "port": described["psrp"]["http_port"],
            "protocol": "http",
            "message_encryption": "never",
            "auth": "basic",
            "remote_user": organization["psrp_user"],
            "remote_password": organization["psrp_password"],
            "operation_timeout": 5,
        }
    if wire in ("host", "engine"):
        values |= {
            "exchange_client_id": organization["client_id"],
            "exchange_certificate_thumbprint": organization["certificate_thumbprint"],
        }
    if wire in _CONFIGURATIONS:
        values["configuration_name"] = _CONFIGURATIONS[wire]
    if wire in ("server", "constrained", "endpoint"):
        values["exchange_psrp_connect"] = "none"
    found = {name: Option(value) for name, value in DEFAULTS.items()}
    return found | {name: Option(value, f"var: ansible_{name}") for name, value in values.items()}
