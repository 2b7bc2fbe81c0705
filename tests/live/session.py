# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with a real organization, from the variables and environment variables that the connection plugin takes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from ansible_collections.m365.message_encryption.plugins.connection import exchange
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.tenant import SessionDescription
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import endpoints
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker import identity as _identity
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession


class LiveSession:
    """One organization over one wire, in this process."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._session = OrganizationSession(identity(variables), open_transport)
        self._beside: dict[str, OrganizationSession] = {}

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        return endpoints.invoke(self._session, self._find, Request(calls=calls, fresh=True))

    def _find(self, wanted: Mapping[str, Any]) -> OrganizationSession:
        return self._beside.setdefault(_identity.key(wanted), OrganizationSession(wanted, open_transport))

    def ask(self, cmdlet: str, **parameters: Any) -> Result:
        """One call."""
        (result,) = self.invoke([Call(cmdlet, parameters)])
        return result

    def ask_exchange(self, cmdlet: str) -> Result:
        """One call of Exchange's own endpoint, wherever its cmdlet belongs."""
        (result,) = self._session.invoke(Request(calls=[Call(cmdlet)], fresh=True))
        return result

    def task(self, spec: Mapping[str, Any], *, check_mode: bool = False, **params: Any) -> ModuleContext:
        """What a module's ``run`` gets."""
        defaults = {name: row.get("default") for name, row in spec["argument_spec"].items()}
        return ModuleContext(
            params={**defaults, **params},
            check_mode=check_mode,
            session=self,
            describe=self.describe,
        )

    def mailboxes(self) -> _Beside:
        """A session with Microsoft Graph, for mailboxes."""
        return _Beside(self._find(_identity.of_graph(self._session.identity, mailboxes=True)))

    def describe(self) -> SessionDescription:
        """Whose session it is."""
        return self._session.describe(Request([]))

    @property
    def line(self) -> Any:
        """The transport itself, for what is asked past the collection's own way of asking."""
        return self._session._transport_in_use()

    def close(self) -> None:
        for session in (self._session, *self._beside.values()):
            session.close()


class _Beside:
    """A session beside that with Exchange."""

    def __init__(self, session: OrganizationSession) -> None:
        self._session = session

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        return self._session.invoke(Request(calls=calls, fresh=True))


def identity(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The connection identity that the plugin would make of a host's variables."""
    options: dict[str, _identity.Option] = {}
    known = set()
    for name, row in yaml.safe_load(exchange.DOCUMENTATION)["options"].items():
        names = [item["name"] for item in row.get("vars", ())]
        known.update(names)
        option = _identity.Option(row.get("default"))
        for environment in (item["name"] for item in row.get("env", ())):
            if os.environ.get(environment):
                option = _identity.Option(_typed(os.environ[environment], row["type"]), f"env: {environment}")
        for variable in names:
            if variable in variables:
                option = _identity.Option(_typed(variables[variable], row["type"]), f"var: {variable}")
        options[name] = option
    return _identity.build(
        options, [name for name in variables if name.startswith("ansible_exchange_") and name not in known]
    )


def _typed(value: Any, kind: str) -> Any:
    return value if kind in ("str", "path") else yaml.safe_load(str(value))
