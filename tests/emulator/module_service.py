# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in for the module ExchangeOnlineManagement asks, in JSON over loopback: ``POST /SHELL/connect``,
``/SHELL/connect-compliance``, ``/SHELL/invoke`` and ``/SHELL/disconnect``. The console of the shell answers, so that who may sign in, what a cmdlet
does and how it is counted are the same as over the emulator's own PSRP.
"""

from __future__ import annotations

import base64
import datetime
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from .clixml import documents
from .console import Console
from .errors import CmdletError, CmdletNotGranted
from .module_script import script
from .organization import Organization
from .own_processes import OwnProcesses
from .web import Answer, Request


class ModuleService:
    """Answers the stand-in.

    :param console: shell id to its console; None where there is no such shell.
    :param own: the processes that clients start themselves.
    """

    def __init__(self, console: Callable[[str], Console | None], own: OwnProcesses) -> None:
        self._console = console
        self._own = own
        self._routes: Mapping[str, Callable[[Console, Any], Answer]] = {
            "connect": self._connect,
            "connect-compliance": self._connect_compliance,
            "invoke": self._invoke,
            "disconnect": self._disconnect,
        }

    def handle(self, request: Request) -> Answer:
        shell_id, _unused, what = request.path.strip("/").partition("/")
        console, route = self._console(shell_id), self._routes.get(what)
        if console is None or route is None or request.method != "POST":
            return _json(404, {"error": f"no {request.method} {request.path}"})
        body = json.loads(request.body)
        request_body = {**body, "parameters": {name: _plain(value) for name, value in body["parameters"].items()}}
        return self._own.strike(shell_id, what, request_body, console, lambda: route(console, request_body))

    def _connect(self, console: Console, body: Any) -> Answer:
        try:
            console.run("Connect-ExchangeOnline", body["parameters"])
        except CmdletError as error:
            return _json(200, {"error": error.message, "type": error.type})
        organization = console.organization
        assert organization is not None
        return _connected(organization, console.exchange_cmdlets(), body["parameters"], compliance=False)

    def _connect_compliance(self, console: Console, body: Any) -> Answer:
        try:
            console.run("Connect-IPPSSession", body["parameters"])
        except CmdletError as error:
            return _json(200, {"error": error.message, "type": error.type})
        organization = console.compliance
        assert organization is not None
        return _connected(organization, console.compliance_cmdlets(), body["parameters"], compliance=True)

    def _invoke(self, console: Console, body: Any) -> Answer:
        try:
            outcome = console.forward(body["cmdlet"], body["parameters"], confirmed=body["confirmed"])
        except CmdletNotGranted:
            return Answer(403, b"", {})
        except CmdletError as error:
            if error.error_id == "HostException":
                return _json(200, {"@emulator.asks": "Are you sure you want to perform this action?"})
            return _refusal(error)
        errors = [console.worded(error).message for error in outcome.errors]
        values = [{"_clixml": text} for text in documents(outcome, console.flavour)]
        return _json(
            200,
            {
                "@adminapi.warnings": outcome.warnings,
                "value": values,
                "@adminapi.errors": errors,
                "@emulator.leaves": outcome.leaves,
            },
        )

    def _disconnect(self, console: Console, body: Any) -> Answer:
        console.run("Disconnect-ExchangeOnline", {"Confirm": False})
        return _json(200, {})


def _refusal(error: CmdletError) -> Answer:
    """An error as the service answers it; its text already says what the module would say."""
    answer = _json(
        error.status,
        {"error": {"code": "", "message": "Error executing cmdlet", "details": [{"message": error.message}]}},
    )
    answer.headers["x-ExceptionType"] = error.reason
    return answer


def _connected(
    organization: Organization, cmdlets: list[str], parameters: Mapping[str, Any], *, compliance: bool
) -> Answer:
    """The temporary module of a session, and what Get-ConnectionInformation says of it."""
    hidden = [text.lower() for text in organization.state["hidden_parameters"]]
    name = f"tmpEXO_{secrets.token_hex(4)}.{secrets.token_hex(2)}"
    made = script(cmdlets, hidden_parameters=hidden)
    connection = _connection(organization, name, parameters, compliance=compliance)
    return _json(200, {"module": name, "script": made, "connection": connection})


def _connection(
    organization: Organization, module: str, parameters: Mapping[str, Any], *, compliance: bool
) -> dict[str, Any]:
    """What Get-ConnectionInformation says of a connection. Source: Microsoft's module, run."""
    front = "https://ps.compliance.protection.outlook.com" if compliance else "https://outlook.office365.com"
    return {
        "ConnectionId": secrets.token_hex(16),
        "State": "Connected",
        "Id": 1,
        "Name": "ExchangeOnlineProtection_1" if compliance else "ExchangeOnline_1",
        "UserPrincipalName": None,
        "ConnectionUri": front,
        "CertificateAuthentication": any(name.lower().startswith("certificate") for name in parameters),
        "ModuleName": module,
        "ModulePrefix": "",
        "Organization": organization.name,
        "DelegatedOrganization": None,
        "AppId": parameters.get("AppId"),
        "PageSize": 1000,
        "TenantID": organization.tenant_id,
        "TokenStatus": "Active",
        "IsEopSession": compliance,
    }


def _plain(value: Any) -> Any:
    """A value without its tag."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == "$bytes":
        return base64.b64decode(content)
    if tag == "$datetime":
        return datetime.datetime.fromisoformat(content)
    return {name: _plain(item) for name, item in content.items()}


def _json(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode("ascii"), {"Content-Type": "application/json"})
