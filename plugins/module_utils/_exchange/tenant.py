# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of an organization, and whether it is in the cloud. Sessions, state, preflight and snapshots all use
this.

Get-OrganizationConfig has no tenant ID. The access token has it (``rest``), and so does the output of
Get-ConnectionInformation from the Exchange Online module. If a session shows none, the tenant ID is unknown, and
nothing depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from .cmdlet import Call
from .names import same_name

#: What identifies the organization of a session.
ORGANIZATION_CONFIG = Call("Get-OrganizationConfig")
#: What tells whether a session is in the cloud, and in which tenant. Over ``rest``, the transport answers it itself.
CONNECTION_INFORMATION = Call("Get-ConnectionInformation")

#: The property that a session adds to the output of Get-OrganizationConfig. It holds :func:`session_facts`.
SESSION = "Session"

_TENANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class OrganizationIdentity:
    """Which organization it is. Unknown texts are empty.

    :param name: in the cloud, the initial domain.
    :param is_dehydrated: whether it still shares Microsoft's defaults, which Exchange does not let it change; ``None`` if
        that is unknown.
    :param on_premises: ``None`` if that is unknown.
    """

    name: str = ""
    display_name: str = ""
    guid: str = ""
    tenant_id: str = ""
    is_dehydrated: bool | None = None
    on_premises: bool | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The identity that a document names. What it lacks is unknown."""
        texts = {name: str(row.get(name) or "") for name in ("name", "display_name", "guid", "tenant_id")}
        return cls(**texts, is_dehydrated=row.get("is_dehydrated"), on_premises=row.get("on_premises"))

    def as_row(self) -> dict[str, Any]:
        """The identity in results and documents, without what is unknown but for texts."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def __str__(self) -> str:
        if self.name and self.tenant_id:
            return f"{self.name} ({self.tenant_id})"
        return self.name or self.tenant_id or self.guid or "an unnamed organization"


@dataclass(frozen=True, kw_only=True)
class SessionDescription:
    """Who is connected, and where.

    :param endpoint: its address.
    :param credential: the kind of credential.
    :param client_id: the application; ``None`` for a person.
    :param read_only: whether writes are refused.
    :param user: the user of a session over ``psrp``; ``None`` elsewhere.
    :param connect_seconds: how long opening the session took.
    :param organization: ``None`` if it is not granted.
    :param warnings: what people should know about the session.
    """

    transport: str = ""
    endpoint: str = ""
    environment: str = ""
    credential: str = ""
    client_id: str | None = None
    read_only: bool = False
    user: str | None = None
    connect_seconds: float = 0
    organization: OrganizationIdentity | None = None
    warnings: Sequence[str] = field(default=())

    @property
    def is_on_premises(self) -> bool:
        """Whether the organization is known to be on-premises."""
        return self.organization is not None and bool(self.organization.on_premises)

    @property
    def organization_name(self) -> str:
        """The name of the organization; empty if it is unknown."""
        return self.organization.name if self.organization else ""

    @property
    def connection(self) -> dict[str, Any]:
        """The connection in results: all but the organization and the warnings, which have places of their own there."""
        return {name: value for name, value in asdict(self).items() if name not in ("organization", "warnings")}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Self:
        """The description that the broker has sent to a worker."""
        organization = wire["organization"] and OrganizationIdentity.from_row(wire["organization"])
        return cls(**{**wire, "organization": organization})

    def to_wire(self) -> dict[str, Any]:
        """The description as the broker sends it to a worker."""
        return {**asdict(self), "organization": self.organization and self.organization.as_row()}


def session_facts(connections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What Get-ConnectionInformation tells about a session: ``cloud``, and ``tenant_id`` (empty if unknown).

    The cmdlet is part of the Exchange Online module, which may hold several connections.
    """
    exchange = [
        item
        for item in connections
        if str(item.get("State") or "Connected").casefold() == "connected" and not item.get("IsEopSession")
    ]
    tenants = {
        str(item["TenantID"]).lower() for item in exchange if _TENANT_ID.fullmatch(str(item.get("TenantID") or ""))
    }
    return {"cloud": bool(exchange), "tenant_id": tenants.pop() if len(tenants) == 1 else ""}


def compliance_tenant(connections: Sequence[Mapping[str, Any]]) -> str:
    """The tenant ID of a session with the compliance endpoint, as Get-ConnectionInformation shows it; empty if unknown."""
    tenants = {
        str(item["TenantID"]).lower()
        for item in connections
        if item.get("IsEopSession") in (None, True) and _TENANT_ID.fullmatch(str(item.get("TenantID") or ""))
    }
    return tenants.pop() if len(tenants) == 1 else ""


def identity_of(properties: Mapping[str, Any]) -> OrganizationIdentity:
    """The identity of an organization.

    :param properties: the output of Get-OrganizationConfig, completed by the session.
    """
    session = properties.get(SESSION)
    session = session if isinstance(session, Mapping) else {}
    tenant_id = str(session.get("tenant_id") or properties.get("ExternalDirectoryOrganizationId") or "")
    return OrganizationIdentity(
        name=str(properties.get("Name") or properties.get("Identity") or ""),
        display_name=str(properties.get("DisplayName") or ""),
        guid=str(properties.get("Guid") or ""),
        tenant_id=tenant_id,
        is_dehydrated=bool(properties.get("IsDehydrated")),
        # On-premises, OrganizationId is empty.
        on_premises=not (session.get("cloud") or tenant_id or properties.get("OrganizationId")),
    )


def why_another(organization: OrganizationIdentity, wanted: str) -> str:
    """Why an organization is not the one that the inventory names; empty if it is, or if the inventory names none. The
    display name is ignored, because administrators can change it freely.

    :param wanted: an initial domain or a tenant ID.
    """
    known = filter(None, (organization.name, organization.tenant_id))
    if not wanted or any(same_name(wanted, name) for name in known):
        return ""
    if _TENANT_ID.fullmatch(wanted) and not organization.tenant_id:
        return (
            f"ansible_exchange_organization is the tenant ID {wanted}, but the session (organization {organization}) does not show a tenant ID: "
            "set ansible_exchange_organization to the initial domain, such as contoso.onmicrosoft.com"
        )
    return f"the session is in the organization {organization}, but ansible_exchange_organization is {wanted}"


def why_not_from(organization: OrganizationIdentity, stored: OrganizationIdentity) -> str:
    """Why stored data is not from this organization; empty if it is. The first identifier that both have decides: tenant
    ID, GUID, then name.
    """
    for own, other in (
        (organization.tenant_id, stored.tenant_id),
        (organization.guid, stored.guid),
        (organization.name, stored.name),
    ):
        if own and other:
            return "" if same_name(own, other) else f"it was read from {stored}, but this is {organization}"
    return "it does not name the organization that it was read from"
