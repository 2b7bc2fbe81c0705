# SPDX-License-Identifier: GPL-3.0-or-later
"""The two services that Microsoft's module ExchangeOnlineManagement connects to, each with a cmdlet of its own.
Pure.

Source: Microsoft's pages of Connect-ExchangeOnline and Connect-IPPSSession; the module, run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._exchange.cmdlet import CMDLETS, COMPLIANCE_CMDLETS


@dataclass(frozen=True)
class ModuleService:
    """A service.

    :param connect: the cmdlet that connects to it.
    :param name: the service for people, inside a sentence.
    :param cmdlets: what a session loads.
    :param options: parameters of ``connect`` that are the same for every organization.
    """

    connect: str
    name: str
    cmdlets: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)


EXCHANGE = ModuleService("Connect-ExchangeOnline", "Exchange", CMDLETS, {"SkipLoadingFormatData": True})
COMPLIANCE = ModuleService("Connect-IPPSSession", "the compliance endpoint", COMPLIANCE_CMDLETS)


def service_of(identity: Mapping[str, Any]) -> ModuleService:
    """The service that a session of an identity is with."""
    return COMPLIANCE if "compliance_session" in identity else EXCHANGE


def connect_parameters(identity: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that connect a session of an identity, without those of its credential."""
    service = service_of(identity)
    parameters = {
        "Organization": identity["organization"],
        "CommandName": list(service.cmdlets),
        "ShowBanner": False,
        **service.options,
    }
    if service is COMPLIANCE:
        # Connect-IPPSSession knows no clouds, only addresses.
        return parameters | dict(identity["compliance_session"])
    if identity["environment"] != "O365Default":
        parameters["ExchangeEnvironmentName"] = identity["environment"]
    return parameters
