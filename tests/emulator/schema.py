# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets and their parameters.

In the cloud a cmdlet has the parameters, types and mandatory ones of the live module (``data/module_manifest.json``).
Microsoft's documentation (``data/cmdlets.json``) tells the rest: a cmdlet that the manifest lacks, a type that the
module leaves open (``System.Object``), values, limits, and Exchange on-premises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"

#: Parameters that PowerShell itself adds to each cmdlet, in lower case.
COMMON_PARAMETERS = frozenset(
    (
        *("erroraction", "warningaction", "informationaction", "progressaction"),
        *("errorvariable", "warningvariable", "verbose", "debug"),
    )
)

_SIZED: list[dict[str, Any]] = [{"name": "ResultSize", "type": "Unlimited"}]

#: Cmdlets that the documentation extract does not hold, because they are not about message encryption.
_MORE: dict[str, Any] = {
    "Get-OrganizationConfig": {"cloud": True, "onprem": True, "parameters": []},
    "Get-AcceptedDomain": {
        "cloud": True,
        "onprem": True,
        "parameters": [{"name": "Identity", "type": "AcceptedDomainIdParameter"}],
    },
    "Get-RemoteDomain": {
        "cloud": True,
        "onprem": True,
        "parameters": [{"name": "Identity", "type": "RemoteDomainIdParameter"}],
    },
    "Get-InboundConnector": {
        "cloud": True,
        "onprem": False,
        "parameters": [{"name": "Identity", "type": "InboundConnectorIdParameter"}],
    },
    "Get-OutboundConnector": {
        "cloud": True,
        "onprem": False,
        "parameters": [
            {"name": "Identity", "type": "OutboundConnectorIdParameter"},
            {"name": "IncludeTestModeConnectors", "type": "Boolean"},
            {"name": "IsTransportRuleScoped", "type": "Boolean"},
        ],
    },
    "Get-JournalRule": {
        "cloud": True,
        "onprem": True,
        "parameters": [{"name": "Identity", "type": "JournalRuleIdParameter"}],
    },
    "Get-MailUser": {
        "cloud": True,
        "onprem": True,
        "parameters": [{"name": "Identity", "type": "MailUserIdParameter"}, *_SIZED],
    },
    "Get-Recipient": {
        "cloud": True,
        "onprem": True,
        "parameters": [
            {"name": "Identity", "type": "RecipientIdParameter"},
            {"name": "Filter", "type": "String"},
            *_SIZED,
        ],
    },
    "Get-Mailbox": {
        "cloud": True,
        "onprem": True,
        "parameters": [{"name": "Identity", "type": "MailboxIdParameter"}, *_SIZED],
    },
    "Get-InboxRule": {
        "cloud": True,
        "onprem": True,
        "parameters": [
            {"name": "Identity", "type": "InboxRuleIdParameter"},
            {"name": "Mailbox", "type": "MailboxIdParameter"},
            {"name": "IncludeHidden", "type": "SwitchParameter"},
            *_SIZED,
        ],
    },
    "Get-DistributionGroupMember": {
        "cloud": True,
        "onprem": True,
        "parameters": [{"name": "Identity", "type": "DistributionGroupMemberIdParameter", "required": True}, *_SIZED],
    },
    "Get-DynamicDistributionGroupMember": {
        "cloud": True,
        "onprem": False,
        "parameters": [
            {"name": "Identity", "type": "DynamicDistributionGroupMemberIdParameter", "required": True},
            *_SIZED,
        ],
    },
    "Get-UnifiedGroupLinks": {
        "cloud": True,
        "onprem": False,
        "parameters": [
            {"name": "Identity", "type": "UnifiedGroupIdParameter", "required": True},
            {"name": "LinkType", "type": "LinkType", "required": True, "values": ["Members", "Owners", "Subscribers"]},
            *_SIZED,
        ],
    },
}

_TRACE = {
    "String[]": "SenderAddress RecipientAddress MessageId",
    "String": "FromIP ToIP Subject StartingRecipientAddress",
    "DateTime": "StartDate EndDate",
}
_MORE["Get-MessageTraceV2"] = {
    "cloud": True,
    "onprem": False,
    "parameters": [
        *({"name": name, "type": kind} for kind, names in _TRACE.items() for name in names.split()),
        {"name": "MessageTraceId", "type": "Guid"},
        {"name": "ResultSize", "type": "Int32"},
        {"name": "SubjectFilterType", "type": "String", "values": ["Contains", "StartsWith", "EndsWith"]},
        {
            "name": "Status",
            "type": "String[]",
            "values": [
                "Delivered",
                "Expanded",
                "Failed",
                "FilteredAsSpam",
                "GettingStatus",
                "None",
                "Pending",
                "Quarantined",
            ],
        },
    ],
}

_PAGES: list[dict[str, Any]] = [
    *({"name": name, "type": "DateTime"} for name in ("StartDate", "EndDate")),
    {"name": "Page", "type": "Int32", "minimum": 1, "maximum": 1000},
    {"name": "PageSize", "type": "Int32", "minimum": 1, "maximum": 5000},
]
_FILTERS = "Action Direction Domain EventType"
_MORE["Get-MailDetailTransportRuleReport"] = {
    "cloud": True,
    "onprem": False,
    "parameters": [
        *_PAGES,
        *(
            {"name": name, "type": "String[]"}
            for name in f"{_FILTERS} MessageId RecipientAddress SenderAddress TransportRule".split()
        ),
        {"name": "MessageTraceId", "type": "Guid"},
    ],
}
_MORE["Get-MailDetailDlpPolicyReport"] = {
    "cloud": True,
    "onprem": False,
    "parameters": [
        *_PAGES,
        *(
            {"name": name, "type": "String[]"}
            for name in f"{_FILTERS} DlpPolicy MessageId MessageTraceId ProbeTag RecipientAddress SenderAddress TransportRule".split()
        ),
    ],
}
_MORE["Get-MailTrafficEncryptionReport"] = {
    "cloud": True,
    "onprem": False,
    "parameters": [*_PAGES, *({"name": name, "type": "String[]"} for name in _FILTERS.split())],
}
_MORE["Get-MessageTraceDetailV2"] = {
    "cloud": True,
    "onprem": False,
    "parameters": [
        {"name": "MessageTraceId", "type": "Guid"},
        {"name": "RecipientAddress", "type": "String"},
        *_PAGES[:2],
    ],
}

_IDENTITY: list[dict[str, Any]] = [{"name": "Identity", "type": "PolicyIdParameter"}]
_LABEL: list[dict[str, Any]] = [{"name": "Identity", "type": "ComplianceRuleIdParameter"}]
#: Those of the compliance endpoint, which is another one. Source: Microsoft's pages of these cmdlets.
_COMPLIANCE: dict[str, list[dict[str, Any]]] = {
    "Get-DlpCompliancePolicy": [
        *_IDENTITY,
        {"name": "DistributionDetail", "type": "SwitchParameter"},
        {"name": "IncludeRulesMetadata", "type": "Boolean"},
    ],
    "Get-DlpComplianceRule": [*_LABEL, {"name": "Policy", "type": "PolicyIdParameter"}],
    "Get-Label": [
        *_LABEL,
        {"name": "IncludeDetailedLabelActions", "type": "Boolean"},
        {"name": "SkipValidations", "type": "SwitchParameter"},
    ],
    "Get-LabelPolicy": _IDENTITY,
    "Get-AutoSensitivityLabelPolicy": _IDENTITY,
    "Get-AutoSensitivityLabelRule": [*_LABEL, {"name": "Policy", "type": "PolicyIdParameter"}],
}
_MORE |= {name: {"cloud": True, "onprem": False, "parameters": parameters} for name, parameters in _COMPLIANCE.items()}

#: Cmdlets that exist only in organizations that have Advanced Message Encryption.
ADVANCED = frozenset(
    {"New-OMEConfiguration", "Remove-OMEConfiguration", "Get-OMEMessageStatus", "Set-OMEMessageRevocation"}
)

#: Parameters that exist only there, too (Microsoft's reference of the cmdlet).
ADVANCED_PARAMETERS = frozenset({"set-irmconfiguration -enableportaltrackinglogs"})


@dataclass(frozen=True)
class Parameter:
    """One parameter: its .NET type, whether it must be given, its values and limits, and where it exists.

    ``type_source`` is ``manifest``, ``documentation`` or ``nobody``: who says of which type it is in the cloud.
    """

    name: str
    type: str
    required: bool | str = False
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    cloud: bool = True
    onprem: bool = True
    required_in_cloud: bool | None = None
    type_source: str = "documentation"

    def is_mandatory(self, *, cloud: bool) -> bool:
        if cloud and self.required_in_cloud is not None:
            return self.required_in_cloud
        return cloud if self.required == "cloud" else bool(self.required)


@dataclass(frozen=True)
class Cmdlet:
    """One cmdlet. Names of cmdlets and parameters are case-insensitive.

    :param compliance: whether it is one of the compliance endpoint, and not of Exchange's.
    """

    name: str
    cloud: bool
    onprem: bool
    parameters: Mapping[str, Parameter]
    compliance: bool = False

    @property
    def reads(self) -> bool:
        return is_read(self.name)

    def exists(self, *, cloud: bool) -> bool:
        return self.cloud if cloud else self.onprem

    def parameter(self, name: str, *, cloud: bool) -> Parameter | None:
        found = self.parameters.get(name.lower())
        return found if found is not None and (found.cloud if cloud else found.onprem) else None


def is_read(cmdlet: str) -> bool:
    """Whether a cmdlet of this name changes nothing."""
    return cmdlet.partition("-")[0].lower() in ("get", "test")


def _load(name: str) -> Any:
    return json.loads((_DATA / name).read_text(encoding="utf-8"))


#: A type's name in the module's own script, where it says more than that it is an object.
_NET_TYPES = {
    "bool": "Boolean",
    "string": "String",
    "int": "Int32",
    "double": "Double",
    "byte[]": "Byte[]",
    "switch": "SwitchParameter",
    "uri": "Uri",
    "hashtable[]": "Hashtable[]",
    "short": "Int16",
    "uint": "UInt32",
    "string[]": "String[]",
    "cultureinfo": "CultureInfo",
}
_OPEN_TYPES = {"System.Object": "Object", "System.Object[]": "Object[]"}
#: Every cmdlet that asks has them: they are made by PowerShell, and so in no list of the module's parameters.
_PROMPTS = frozenset({"Confirm", "WhatIf"})


@cache
def manifest() -> dict[str, Any]:
    """Cmdlet name to its default parameter set and its parameters, as the live module's script has them."""
    loaded: dict[str, Any] = _load("module_manifest.json")
    return loaded


@cache
def cmdlets() -> dict[str, Cmdlet]:
    """Lower-case cmdlet name to cmdlet."""
    found = {}
    for name, data in {**_load("cmdlets.json"), **_MORE}.items():
        documented = {row["name"].lower(): _documented(row) for row in data["parameters"]}
        parameters: dict[str, Parameter] = {}
        for parameter in (
            _as_in_the_cloud(documented, manifest()[name]) if name in manifest() else documented
        ).values():
            parameters.update({spelling.lower(): parameter for spelling in (parameter.name, *parameter.aliases)})
        found[name.lower()] = Cmdlet(name, data["cloud"], data["onprem"], parameters, name in _COMPLIANCE)
    return found


def _documented(row: Mapping[str, Any]) -> Parameter:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Parameter(**values)


def _as_in_the_cloud(documented: Mapping[str, Parameter], described: Mapping[str, Any]) -> dict[str, Parameter]:
    """The documented parameters with what the manifest says of them, and those that only it has."""
    merged = {
        key: parameter if not parameter.cloud or parameter.name in _PROMPTS else replace(parameter, cloud=False)
        for key, parameter in documented.items()
    }
    for name, row in described["parameters"].items():
        known = documented.get(name.lower())
        mandatory = _is_mandatory(row.get("sets", {}), described["default_set"])
        net_type = _NET_TYPES.get(row["type"])
        source = "manifest" if net_type else "documentation" if known else "nobody"
        if known is None:
            known = Parameter(name, _OPEN_TYPES.get(row["type"], ""), onprem=False)
        merged[name.lower()] = replace(
            known, cloud=True, required_in_cloud=mandatory, type=net_type or known.type, type_source=source
        )
    return merged


def _is_mandatory(sets: Mapping[str, Mapping[str, Any]], default_set: str | None) -> bool:
    """Whether a call without it cannot be bound: it is mandatory in the default set, or in every one."""
    row = sets.get(default_set or "") or sets.get("__AllParameterSets")
    if row is None and default_set:
        return False
    return (
        bool(row.get("mandatory"))
        if row is not None
        else bool(sets) and all(other.get("mandatory") for other in sets.values())
    )


@cache
def rule_sections() -> dict[str, str | None]:
    """Parameter of New-TransportRule to ``rule``, ``conditions``, ``exceptions`` or ``actions``."""
    return {name: row.get("section") for name, row in _load("transport_rule_options.json").items()}


@cache
def rule_refusals() -> dict[str, str]:
    """Parameter of New-TransportRule to the reason why the service does not act on it."""
    return {name: row["reason"] for name, row in _load("transport_rule_options.json").items() if "reason" in row}


@cache
def rule_properties() -> tuple[str, ...]:
    """The 200 properties of a transport rule in the service's own order."""
    return tuple(_load("transport_rule_properties.json"))


def described(name: str) -> Mapping[str, Any]:
    """A cmdlet as the functions of the live module have it; one that its manifest does not hold, with the parameters
    that are documented, of any type.
    """
    if name in manifest() or name.lower() not in cmdlets():
        return dict(manifest().get(name, {"default_set": None, "parameters": {}}))
    return {
        "default_set": None,
        "parameters": {parameter.name: {"type": "object"} for parameter in cmdlets()[name.lower()].parameters.values()},
    }
