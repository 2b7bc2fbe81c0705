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
from typing import Any

from .names import same_name

#: The property that a session adds to the output of Get-OrganizationConfig. It holds :func:`session_facts`.
SESSION = "Session"

_TENANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


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


def describe_organization(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The identity of an organization: ``name`` (the initial domain in the cloud), ``display_name``, ``guid``,
    ``tenant_id``, ``is_dehydrated``, ``on_premises``. Unknown texts are empty.

    :param properties: the output of Get-OrganizationConfig, completed by the session.
    """
    session = properties.get(SESSION)
    session = session if isinstance(session, Mapping) else {}
    tenant_id = str(session.get("tenant_id") or properties.get("ExternalDirectoryOrganizationId") or "")
    return {
        "name": str(properties.get("Name") or properties.get("Identity") or ""),
        "display_name": str(properties.get("DisplayName") or ""),
        "guid": str(properties.get("Guid") or ""),
        "tenant_id": tenant_id,
        "is_dehydrated": bool(properties.get("IsDehydrated")),
        # On-premises, OrganizationId is empty.
        "on_premises": not (session.get("cloud") or tenant_id or properties.get("OrganizationId")),
    }


def why_another(organization: Mapping[str, Any], wanted: str) -> str:
    """Why an organization is not the one that the inventory names; empty if it is, or if the inventory names none.

    :param organization: from :func:`describe_organization`. The display name is ignored, because administrators can change it
        freely.
    :param wanted: an initial domain or a tenant ID.
    """
    if not wanted or any(
        same_name(wanted, str(organization[key])) for key in ("name", "tenant_id") if organization[key]
    ):
        return ""
    if _TENANT_ID.fullmatch(wanted) and not organization["tenant_id"]:
        return (
            f"ansible_exchange_organization is the tenant ID {wanted}, but the session (organization {_named(organization)}) does not show a tenant ID: "
            "set ansible_exchange_organization to the initial domain, such as contoso.onmicrosoft.com"
        )
    return f"the session is in the organization {_named(organization)}, but ansible_exchange_organization is {wanted}"


def why_not_from(organization: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    """Why stored data is not from this organization; empty if it is.

    :param stored: the :func:`describe_organization` of that time. The first identifier that both have decides: tenant
        ID, GUID, then name.
    """
    for key in ("tenant_id", "guid", "name"):
        if organization.get(key) and stored.get(key):
            return (
                ""
                if same_name(str(organization[key]), str(stored[key]))
                else f"it was read from {_named(stored)}, but this is {_named(organization)}"
            )
    return "it does not name the organization that it was read from"


def _named(organization: Mapping[str, Any]) -> str:
    name, tenant_id = str(organization.get("name") or ""), str(organization.get("tenant_id") or "")
    return (
        f"{name} ({tenant_id})"
        if name and tenant_id
        else name or tenant_id or str(organization.get("guid") or "") or "an unnamed organization"
    )
