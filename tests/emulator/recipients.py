# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipients, the members of groups, and what mailboxes forward.

Source: Microsoft's pages of the cmdlets. What has members is a distribution group; of a mail user there is no more than
a row of its own. How inbox rules name people (``"Name" [SMTP:address]``, ``[EX:/o=...]`` for somebody in the directory) is from
published scripts that read them.
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


def get_mailbox(context: Context) -> None:
    identity = context.parameters.get("Identity")
    rows = [row for row in context.state["recipients"] if is_mailbox(row)]
    if identity is not None:
        rows = [row for row in rows if _is_called(row, identity)]
        if not rows:
            raise object_not_found(identity)
    for row in limited(context, rows):
        onward = row.get("forwards_to")
        values = {
            "ForwardingAddress": row.get("forwarding_address"),
            "ForwardingSmtpAddress": f"smtp:{onward}" if onward else None,
            "DeliverToMailboxAndForward": row.get("keeps_forwarded", True),
            "PrimarySmtpAddress": row["address"],
            "Alias": row["alias"],
            "Name": row["name"],
        }
        context.emit(properties.MAILBOX, {**values, **tail(row["name"])})


def get_inbox_rules(context: Context) -> None:
    """The inbox rules of a mailbox. Hidden ones are shown only to who asks for them."""
    identity = context.parameters["Mailbox"]
    found = [row for row in context.state["recipients"] if is_mailbox(row) and _is_called(row, identity)]
    if not found:
        raise object_not_found(identity)
    rules = [
        {"Enabled": True, "Priority": place, "MailboxOwnerId": found[0]["name"], "RuleIdentity": str(place), **rule}
        for place, rule in enumerate(found[0].get("inbox_rules", ()), start=1)
    ]
    for rule in limited(
        context, [rule for rule in rules if context.parameters.get("IncludeHidden") or not rule.get("hidden")]
    ):
        shown = {name: value for name, value in rule.items() if name != "hidden"}
        context.emit(properties.INBOX_RULE, {**shown, **tail(f"{found[0]['alias']}\\{rule['RuleIdentity']}")})


def is_mailbox(row: Mapping[str, Any]) -> bool:
    """Whether a row of the recipients is a mailbox."""
    return row.get("type", "UserMailbox") == "UserMailbox" and not any(key in row for key in _GROUPS)


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
        ordinal(name) for name in (row["name"], row["alias"], row["address"], legacy_name(row), *row.get("aliases", ()))
    }


def legacy_name(row: Mapping[str, Any]) -> str:
    """The name in the directory (LegacyExchangeDN) by which inbox rules name somebody."""
    return f"/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn={row['alias']}"
