# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipients, and the members of groups.

Source: Microsoft's pages of the cmdlets. What has members is a distribution group; of a mail user there is no more than
a row of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from . import properties
from .context import Context, limited, row_of, tail
from .errors import object_not_found, refused
from .values import ordinal

#: How a row of the recipients says that it is a group, to its type, and the type in detail.
_GROUPS = {
    "members": ("MailUniversalDistributionGroup", "MailUniversalDistributionGroup"),
    "dynamic_members": ("DynamicDistributionGroup", "DynamicDistributionGroup"),
    "linked_members": ("MailUniversalDistributionGroup", "GroupMailbox"),
}
#: The cmdlet that shows the members of each.
MEMBERS_OF = {
    "get-distributiongroupmember": "members",
    "get-dynamicdistributiongroupmember": "dynamic_members",
    "get-unifiedgrouplinks": "linked_members",
}
_WITH_MANAGER = re.compile(r"\s*Manager\s+-ne\s+\$null\s*", re.IGNORECASE)


def get_mail_user(context: Context) -> None:
    identity, rows = context.parameters.get("Identity"), context.state["mail_users"]
    for row in limited(context, rows if identity is None else [row_of(rows, "PrimarySmtpAddress", identity)]):
        context.emit(properties.MAIL_USER, {**row, **tail(row["Name"])})


def get_recipient(context: Context) -> None:
    """Microsoft 365 groups are shown only to who asks for their type, by -RecipientTypeDetails (Microsoft's page of the
    cmdlet).
    """
    identity, condition = context.parameters.get("Identity"), context.parameters.get("Filter")
    shown = [row for row in context.state["recipients"] if "linked_members" not in row]
    if identity is not None:
        shown = [row for row in shown if _is_called(row, identity)]
        if not shown:
            raise object_not_found(identity)
    if condition is not None:
        if not _WITH_MANAGER.fullmatch(condition):
            raise refused(f"The filter '{condition}' isn't valid.")
        shown = [row for row in shown if row.get("manager")]
    for row in limited(context, shown):
        context.emit(properties.RECIPIENT, _recipient(row))


def get_members(context: Context) -> None:
    key, identity = MEMBERS_OF[context.cmdlet.name.lower()], context.parameters["Identity"]
    group = next((row for row in context.state["recipients"] if key in row and _is_called(row, identity)), None)
    if group is None:
        raise object_not_found(identity)
    if context.parameters.get("LinkType", "Members") != "Members":
        return  # Owners and subscribers: nobody asks for them.
    for row in limited(context, [_recipient(_person(context.state, member)) for member in group[key]]):
        context.emit(properties.RECIPIENT, row)


def _person(state: Mapping[str, Any], identity: str) -> dict[str, Any]:
    row: dict[str, Any] | None = next((row for row in state["recipients"] if _is_called(row, identity)), None)
    if row is None:
        raise object_not_found(identity)
    return row


def _recipient(row: Mapping[str, Any]) -> dict[str, Any]:
    kind = row.get("type", "UserMailbox")
    type_, details = next((types for key, types in _GROUPS.items() if key in row), (kind, kind))
    proxies = [f"SMTP:{row['address']}", *(f"smtp:{alias}" for alias in row.get("aliases", ()))]
    named = {
        "Name": row["name"],
        "Alias": row["alias"],
        "PrimarySmtpAddress": row["address"],
        "EmailAddresses": proxies,
        "Manager": row.get("manager"),
        **({"ExternalEmailAddress": f"SMTP:{row['external']}"} if "external" in row else {}),
    }
    return {**named, "RecipientType": type_, "RecipientTypeDetails": details, **tail(row["name"])}


def _is_called(row: Mapping[str, Any], identity: str) -> bool:
    return ordinal(identity) in {
        ordinal(name) for name in (row["name"], row["alias"], row["address"], *row.get("aliases", ()))
    }
