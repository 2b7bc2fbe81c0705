# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which organization it is, and whether it is in the cloud: judged here, for session, state, preflight and snapshot alike. Private to the collection.

Get-OrganizationConfig has no tenant id. It stands in the access token (``rest``), and in what Get-ConnectionInformation of Exchange Online's
module returns. In a session that shows none it is not known, and nothing depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import same_name

#: The property that a session adds to what Get-OrganizationConfig returns: what only the session knows, as :func:`session_facts` gives it.
SESSION = "Session"

_TENANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def session_facts(connections: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What Get-ConnectionInformation tells of a session: ``cloud``, and ``tenant_id``, which is empty where it is not known.

    The cmdlet comes with Exchange Online's module, which may hold several connections.
    """
    exchange = [item for item in connections if str(item.get("State") or "Connected").casefold() == "connected" and not item.get("IsEopSession")]
    tenants = {str(item["TenantID"]).lower() for item in exchange if _TENANT_ID.fullmatch(str(item.get("TenantID") or ""))}
    return {"cloud": bool(exchange), "tenant_id": tenants.pop() if len(tenants) == 1 else ""}


def describe_organization(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Who an organization is: ``name`` (the initial domain in the cloud), ``display_name``, ``guid``, ``tenant_id``, ``is_dehydrated``, ``on_premises``.

    A text is empty where it is not known.

    :param properties: what Get-OrganizationConfig returned, completed by the session.
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
        # OrganizationId is an empty text on-premises.
        "on_premises": not (session.get("cloud") or tenant_id or properties.get("OrganizationId")),
    }


def why_another(found: Mapping[str, Any], wanted: str) -> str:
    """Why an organization is not the one that an inventory names; empty where it is, and where the inventory names none.

    :param found: as :func:`describe_organization` gives it. Its display name does not count: its administrators choose it as they like.
    :param wanted: an initial domain or a tenant id.
    """
    if not wanted or any(same_name(wanted, str(found[key])) for key in ("name", "tenant_id") if found[key]):
        return ""
    if _TENANT_ID.fullmatch(wanted) and not found["tenant_id"]:
        return (
            f"ansible_exchange_organization is the tenant id {wanted}, and the session, which is in {_named(found)}, shows none: "
            "set it to the initial domain, such as contoso.onmicrosoft.com"
        )
    return f"the session is in the organization {_named(found)}, and ansible_exchange_organization says {wanted}"


def why_not_from(found: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    """Why something that was stored is not of this organization; empty where it is.

    :param stored: an organization as :func:`describe_organization` gave it then. What both know counts: the tenant id, else the GUID, else the name.
    """
    for key in ("tenant_id", "guid", "name"):
        if found.get(key) and stored.get(key):
            return "" if same_name(str(found[key]), str(stored[key])) else f"it was read from {_named(stored)}, and this is {_named(found)}"
    return "it does not say which organization it was read from"


def _named(organization: Mapping[str, Any]) -> str:
    name, tenant_id = str(organization.get("name") or ""), str(organization.get("tenant_id") or "")
    return f"{name} ({tenant_id})" if name and tenant_id else name or tenant_id or str(organization.get("guid") or "") or "an organization without a name"
