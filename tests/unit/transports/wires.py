# SPDX-License-Identifier: GPL-3.0-or-later
"""The wires that tests are run over, and sessions with the emulator over each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession

from tests.emulator import Emulator
from tests.unit.connections import ORGANIZATION

#: Over PSRP: a management host, an Exchange server and a constrained endpoint of the emulator's, and a real PowerShell.
SHELLS = ("host", "server", "constrained", pytest.param("engine", marks=pytest.mark.engine))
WIRES = ("rest", *SHELLS)
#: And the constrained endpoint that the collection brings, on a real PowerShell. Opening it takes seconds, so not
#: everywhere.
COUNTED = (*WIRES, pytest.param("endpoint", marks=pytest.mark.engine))
#: And a process of our own, whose round trips the emulator does not see.
EVERY_WIRE = (*COUNTED, pytest.param("powershell", marks=pytest.mark.engine))

#: Those that Microsoft's module is beneath, which repeats calls by itself.
MODULE_BENEATH = frozenset({"host", "constrained", "engine", "endpoint", "powershell"})

#: What loses a request or its answer.
LOSSES = [
    "lost_before",
    "lost_after",
    "half_answer",
    "truncated",
    "no_body",
    "no_content",
    "garbled",
    "500",
    "503",
    "504",
    "wrong_content_type",
]

Open = Callable[..., OrganizationSession]


def values(emulator: Emulator, wire: str, **more: Any) -> dict[str, Any]:
    """The variables of a host that reaches the emulator's first organization over a wire."""
    description = emulator.describe()
    (found,) = (
        item for item in description["organizations"] if item["name"] == more.get("exchange_organization", ORGANIZATION)
    )
    if wire == "rest":
        return {
            "exchange_client_id": found["client_id"],
            "exchange_client_secret": found["client_secret"],
            "exchange_api_url": description["api_url"],
            "exchange_authority_url": description["authority_url"],
            "exchange_ca_cert": description["ca_cert"],
            **more,
        }
    if wire == "powershell":
        return {
            "exchange_transport": "powershell",
            "exchange_powershell_path": description["powershell_path"],
            "exchange_client_id": found["client_id"],
            "exchange_client_secret": found["client_secret"],
            "exchange_authority_url": description["authority_url"],
            "exchange_ca_cert": description["ca_cert"],
            **more,
        }
    psrp = {
        "exchange_transport": "psrp",
        "remote_addr": description["psrp"]["host"],
        "port": description["psrp"]["port"],
        "auth": "basic",
        "remote_user": found["psrp_user"],
        "remote_password": found["psrp_password"],
        "ca_cert": description["ca_cert"],
        "operation_timeout": 5,
    }
    if wire in ("host", "engine"):
        certificate = {
            "exchange_client_id": found["client_id"],
            "exchange_certificate_path": found["certificate_pfx_path"],
            "exchange_certificate_password": found["certificate_password"],
        }
        configuration = {"configuration_name": "PowerShell.7"} if wire == "engine" else {}
        return {**psrp, **certificate, **configuration, **more}
    configuration = {
        "server": "Microsoft.Exchange",
        "constrained": "OnlyExchange",
        "endpoint": "MessageEncryption.Baseline",
    }[wire]
    return {**psrp, "exchange_psrp_connect": "none", "configuration_name": configuration, **more}


def invoke(session: OrganizationSession, *calls: Call, log: list[str] | None = None) -> list[Result]:
    return session.invoke(Request(calls, log=(log if log is not None else []).append))


def steps(wire: str) -> tuple[str, ...]:
    return ("invoke",) if wire == "rest" else ("command", "receive")


def fault(wire: str, kind: str, which: int) -> dict[str, Any]:
    """A fault at the first or second step of a call; what strikes while a cmdlet runs has no step."""
    return {"kind": kind} if kind == "garbled" else {"kind": kind, "step": steps(wire)[which % len(steps(wire))]}


def struck(emulator: Emulator, sessions: Open, wire: str, *faults: dict[str, Any]) -> OrganizationSession:
    """An open session whose next call meets the faults."""
    session = sessions(wire)
    invoke(session, Call("Get-IRMConfiguration"))
    emulator.faults.set(list(faults))
    return session
