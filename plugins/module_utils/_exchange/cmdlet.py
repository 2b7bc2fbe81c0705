# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam between the collection's logic and its transports: cmdlet calls and their results.

Code above the seam knows cmdlets but not HTTP or PSRP. Code below it knows transports but
not message encryption.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from .errors import ExchangeError
from .text import powershell_string

#: What a parameter may hold. A mapping is a PowerShell hashtable; a datetime carries its offset.
Value: TypeAlias = "bool | int | float | str | bytes | datetime.datetime | Sequence[Value] | Mapping[str, Value] | None"

#: No cmdlet: a page of Microsoft Graph's message trace, over a session with Graph. With ``StartDate``, ``EndDate`` and
#: ``ResultSize``, or ``Next``.
GRAPH_TRACE = "GET /admin/exchange/tracing/messageTraces"

#: No cmdlets: what Microsoft Graph does in one mailbox. Sends a message (``Mailbox`` and ``Message``, its MIME), finds
#: messages (``Mailbox`` and ``MessageId``), those that came since an instant with a text in their subjects (``Mailbox``, ``Since`` and
#: ``Subject``), and brings one (``Mailbox`` and ``Id``) as ``mime`` in base64.
GRAPH_SEND, GRAPH_FIND, GRAPH_MIME = "POST /users/sendMail", "GET /users/messages", "GET /users/messages/$value"
GRAPH_ABOUT = "GET /users/messages/about"

_GRAPH_READS = (GRAPH_TRACE, GRAPH_FIND, GRAPH_ABOUT, GRAPH_MIME)
_CMDLET = re.compile("|".join(("[A-Za-z]+-[A-Za-z0-9]+", *map(re.escape, (*_GRAPH_READS, GRAPH_SEND)))))
_READ_VERBS = ("get", "test")
_SWITCHES = ("Confirm", "Force")


#: Every cmdlet that the collection runs. A role must grant them, and a session that loads cmdlets one by one must load
#: them.
CMDLETS = (
    "Get-OrganizationConfig",
    "Get-OMEConfiguration",
    "New-OMEConfiguration",
    "Set-OMEConfiguration",
    "Remove-OMEConfiguration",
    "Get-IRMConfiguration",
    "Set-IRMConfiguration",
    "Test-IRMConfiguration",
    "Get-ActiveSyncOrganizationSettings",
    "Set-ActiveSyncOrganizationSettings",
    "Get-TransportRule",
    "New-TransportRule",
    "Set-TransportRule",
    "Remove-TransportRule",
    "Enable-TransportRule",
    "Disable-TransportRule",
    "Get-TransportConfig",
    "Get-RMSTemplate",
    "Get-OwaMailboxPolicy",
    "Set-OwaMailboxPolicy",
    "Get-MobileDeviceMailboxPolicy",
    "Set-MobileDeviceMailboxPolicy",
    "Get-AcceptedDomain",
    "Get-RemoteDomain",
    "Get-InboundConnector",
    "Get-OutboundConnector",
    "Get-MailUser",
    "Get-JournalRule",
    "Get-DistributionGroupMember",
    "Get-DynamicDistributionGroupMember",
    "Get-UnifiedGroupLinks",
    "Get-Recipient",
    "Get-Mailbox",
    "Get-InboxRule",
    "Get-MessageTraceV2",
    "Get-MessageTraceDetailV2",
    "Get-MailDetailTransportRuleReport",
    "Get-MailDetailDlpPolicyReport",
    "Get-MailTrafficEncryptionReport",
    "Get-OMEMessageStatus",
    "Set-OMEMessageRevocation",
)

#: The cmdlets of Microsoft Purview's compliance endpoint, which is another host with other tokens. The collection only
#: reads there, and asks for it only where DLP policies and labels count.
COMPLIANCE_CMDLETS = (
    "Get-DlpCompliancePolicy",
    "Get-DlpComplianceRule",
    "Get-Label",
    "Get-LabelPolicy",
    "Get-AutoSensitivityLabelPolicy",
    "Get-AutoSensitivityLabelRule",
)


@dataclass(frozen=True)
class Call:
    """A cmdlet with typed parameters.

    :param cmdlet: ``Verb-Noun``, or one of Microsoft Graph's requests above. Anything else raises ValueError, because
        transports encode every part of a call except the name.
    :param parameters: parameter name to value. ``None`` sends a null, which clears most settings in Exchange.
    """

    cmdlet: str
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _CMDLET.fullmatch(self.cmdlet):
            raise ValueError(f"not a cmdlet name: {self.cmdlet!r}")

    @property
    def is_read(self) -> bool:
        """Whether the cmdlet changes nothing (verbs Get and Test) and is therefore safe to repeat."""
        return self.cmdlet in _GRAPH_READS or self.cmdlet.partition("-")[0].lower() in _READ_VERBS

    @property
    def is_compliance(self) -> bool:
        """Whether the cmdlet belongs to the compliance endpoint, and not to Exchange's."""
        return self.cmdlet in COMPLIANCE_CMDLETS

    def __str__(self) -> str:
        """The call as PowerShell text for people to read. The collection never executes this text."""
        parameters = (
            f"-{name}{':' if name in _SWITCHES else ' '}{_powershell(value)}" for name, value in self.parameters.items()
        )
        return " ".join([self.cmdlet, *parameters])

    def to_wire(self) -> dict[str, Any]:
        """The call as JSON values for the broker's socket."""
        return {"cmdlet": self.cmdlet, "parameters": {name: _to_wire(value) for name, value in self.parameters.items()}}

    @staticmethod
    def from_wire(data: Mapping[str, Any]) -> Call:
        """The inverse of :meth:`to_wire`."""
        return Call(data["cmdlet"], {name: _from_wire(value) for name, value in data["parameters"].items()})


@dataclass
class Result:
    """The result of one call.

    :param objects: the returned objects in canonical form: property name to plain JSON value. Every transport returns the
        same form: enums by name, TimeSpan as ``[d.]hh:mm:ss``, dates as ISO 8601 in UTC ending in ``Z`` (without ``Z`` if the date has no
        zone), GUIDs in lower case, byte arrays as base64 text, URIs, sizes and versions as text, collections as lists, unset as ``None``.
    :param warnings: the warning stream.
    :param error: why the call failed. ``objects`` is then empty and has no meaning.
    :param reused: whether the result comes from an earlier read of this run (``exchange_read_reuse``).
    :param sent_once: whether the call was certainly sent only once. Microsoft's module repeats calls by itself.
    """

    objects: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    error: ExchangeError | None = None
    reused: bool = False
    sent_once: bool = True

    def unwrap(self) -> list[dict[str, Any]]:
        """The objects. Raises the call's error if it failed."""
        if self.error is not None:
            raise self.error
        return self.objects

    def to_wire(self) -> dict[str, Any]:
        """The result as JSON values for the broker's socket."""
        return {**vars(self), "error": None if self.error is None else self.error.to_wire()}

    @staticmethod
    def from_wire(data: Mapping[str, Any]) -> Result:
        """The inverse of :meth:`to_wire`."""
        error = data["error"]
        return Result(**{**data, "error": None if error is None else ExchangeError.from_wire(error)})


class Session(Protocol):
    """One authenticated connection to one organization."""

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        """Runs the calls and returns one result for each, in the same order.

        Calls share one round trip if the transport supports it. They then may run in any order, and one that fails does
        not affect the others: writes must not depend on each other, and a read may bring what was there before a write
        that travels with it.

        :param fresh: do not answer from earlier reads, whatever ``exchange_read_reuse`` allows.
        :raises UnreachableError: a session cannot be opened.
        """


def _powershell(value: Value) -> str:
    """A value as a PowerShell expression. Bytes are too long to show: a file name that contains their digest replaces
    them.
    """
    if value is None:
        return "$null"
    if isinstance(value, bool):
        return "$true" if value else "$false"
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, bytes):
        name = f"<{len(value)} bytes, SHA-256 {hashlib.sha256(value).hexdigest()}>"
        return f"([System.IO.File]::ReadAllBytes('{name}'))" if value else "([byte[]]@())"
    if isinstance(value, datetime.datetime):
        return powershell_string(value.isoformat())
    if isinstance(value, str):
        return powershell_string(value)
    if isinstance(value, Mapping):
        return (
            "@{"
            + "; ".join(f"{powershell_string(str(key))} = {_powershell(item)}" for key, item in value.items())
            + "}"
        )
    return "@(" + ", ".join(_powershell(item) for item in value) + ")"


def _to_wire(value: Value) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, datetime.datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, Mapping):
        return {"$hashtable": {str(key): _to_wire(item) for key, item in value.items()}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_to_wire(item) for item in value]
    return value


def _from_wire(value: Any) -> Value:
    if isinstance(value, list):
        return [_from_wire(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    ((tag, content),) = value.items()
    if tag == "$bytes":
        return base64.b64decode(content)
    if tag == "$datetime":
        return datetime.datetime.fromisoformat(content)
    if tag == "$hashtable":
        return {key: _from_wire(item) for key, item in content.items()}
    raise ValueError(f"unknown tag {tag!r}")
