# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API under ``/emulator``: looking into an organization, and acting on it from outside any session."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .errors import CmdletError
from .mail_flow.delivery import deliver
from .organization import Organization
from .web import Answer, Request

if TYPE_CHECKING:
    from .emulator import Emulator

_PREFIX = "/emulator/"


class Control:
    """For the processes of tests and of the demo. It asks for no credential: the emulator listens on loopback only."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._routes: dict[tuple[str, str], Callable[[Request, Any], Any]] = {
            ("GET", "description"): lambda request, body: emulator.describe(),
            ("GET", "state"): lambda request, body: self._organization(request).dump(),
            ("PUT", "state"): self._replace,
            ("PATCH", "state"): lambda request, body: self._organization(request).patch(body),
            ("POST", "cmdlet"): self._cmdlet,
            ("POST", "mail"): lambda request, body: deliver(self._organization(request).dump(), **body),
            ("GET", "calls"): lambda request, body: emulator.service.ledger.dump(),
            ("GET", "round_trips"): self._round_trips,
            ("POST", "reset"): lambda request, body: emulator.reset(),
            ("GET", "faults"): lambda request, body: emulator.faults.dump(),
            ("POST", "faults"): lambda request, body: emulator.faults.set(body),
            ("DELETE", "faults"): lambda request, body: emulator.faults.clear(),
            ("PATCH", "application"): self._application,
            ("POST", "sign_in"): lambda request, body: emulator.authority.people.settle(
                body["user_code"], body.get("outcome", "approved")
            ),
            ("POST", "revoke_tokens"): lambda request, body: emulator.authority.refuse_all("revoked"),
            ("POST", "drop_connections"): lambda request, body: emulator.drop_connections(),
            ("GET", "sessions"): lambda request, body: emulator.sessions,
            ("GET", "processes"): lambda request, body: {"living": emulator.own_processes.living},
            ("POST", "certificate"): lambda request, body: emulator.change_certificate(
                trusted=body.get("trusted", True)
            ),
            ("POST", "kill_shells"): lambda request, body: emulator.psrp.kill_shells(),
        }

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None when the path is not ours."""
        if not request.path.startswith(_PREFIX):
            return None
        route = self._routes.get((request.method, request.path.removeprefix(_PREFIX)))
        if route is None:
            return _json(404, {"error": f"no {request.method} {request.path}"})
        try:
            return _json(200, route(request, json.loads(request.body) if request.body else {}))
        except (CmdletError, KeyError, TypeError, ValueError, AttributeError) as error:
            return _json(400, {"error": str(error), "type": getattr(error, "type", type(error).__name__)})

    def _organization(self, request: Request) -> Organization:
        return self._find(request.query.get("organization"))

    def _find(self, name: str | None) -> Organization:
        organization = self._emulator.service.find(name) if name else next(iter(self._emulator.organizations.values()))
        if organization is None:
            raise ValueError(f"no organization {name}")
        return organization

    def _replace(self, request: Request, body: Any) -> None:
        self._organization(request).replace(body)
        self._emulator.service.forget_lags()

    def _cmdlet(self, request: Request, body: Any) -> dict[str, Any]:
        organization = self._find(body.get("organization") or request.query.get("organization"))
        outcome = self._emulator.service.edit(organization, body["cmdlet"], body.get("parameters", {}))
        return {"objects": [dict(record.values) for record in outcome.records], "warnings": outcome.warnings}

    def _round_trips(self, request: Request, body: Any) -> dict[str, Any]:
        ledger = self._emulator.service.ledger
        return {"round_trips": ledger.round_trips, "counters": ledger.counters}

    def _application(self, request: Request, body: Any) -> None:
        application = self._emulator.applications[self._organization(request).name]
        application.app_role = body.get("app_role", application.app_role)
        application.directory_role = body.get("directory_role", application.directory_role)
        application.graph_permission = body.get("graph_permission", application.graph_permission)
        application.graph_consents = tuple(body.get("graph_consents", application.graph_consents))
        application.tenants |= {self._find(name).tenant_id for name in body.get("consented_in", ())}
        self._emulator.authority.lifetime = body.get("token_lifetime", self._emulator.authority.lifetime)


def _json(status: int, body: Any) -> Answer:
    return Answer(
        status,
        json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        {"Content-Type": "application/json"},
    )
