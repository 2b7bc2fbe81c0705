# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message that was encrypted and is read in the portal: finding it, and planning to revoke it. Private to the collection.

Known of Get-OMEMessageStatus are the properties Subject, IsRevocable and Revoked (Microsoft's cmdlet reference).
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Phase, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import InvalidValueError, NotFoundError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.kinds import Boolean
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization

_STATUS = "message"


def canonical_message_id(value: str) -> str:
    """The Message-ID with its angle brackets, which Exchange wants. An OptionError says that it is none."""
    bare = value.strip().removeprefix("<").removesuffix(">")
    if not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", bare):
        raise OptionError(
            f"message_id {value!r} is not a Message-ID.",
            remedy="It is the mail's header Message-ID, such as <4f3c0d@contoso.com>, which message trace shows as well.",
        )
    return f"<{bare}>"


def reads(message_id: str) -> dict[str, Call]:
    """What has to be read to know a message."""
    return {_STATUS: Call("Get-OMEMessageStatus", {"MessageId": message_id})}


def describe(organization: Organization, message_id: str) -> dict[str, Any]:
    """What Exchange knows of a message. A NotFoundError says that it knows none of that id."""
    error = organization.error(_STATUS)
    if isinstance(error, NotFoundError) or (error is None and not organization.objects(_STATUS)):
        raise NotFoundError(
            f"message_id {message_id} is not a message that this organization has sent encrypted.",
            remedy="Compare it with message trace, and see that this host is the organization of the sender.",
            cmdlet="Get-OMEMessageStatus",
        )
    properties = organization.only(_STATUS)
    return {
        "message_id": message_id,
        "subject": str(properties.get("Subject") or ""),
        "is_revocable": bool(Boolean().read(properties.get("IsRevocable"))),
        "revoked": bool(Boolean().read(properties.get("Revoked"))),
    }


def plan_revocation(organization: Organization, message_id: str, *, revoked: bool) -> Plan:
    """What makes a message unreadable in the portal, or readable again."""
    message = describe(organization, message_id)
    plan = Plan(before={"revoked": message["revoked"]}, after={"revoked": revoked})
    if message["revoked"] == revoked:
        return plan
    # Whether a message that is revoked still counts as revocable is not known, so only revoking asks for it.
    if revoked and not message["is_revocable"]:
        raise InvalidValueError(
            f"message_id {message_id} cannot be revoked: its recipient has the mail itself and no link to the portal.",
            remedy="Only mail that is read in the portal can be revoked, which a mail flow rule with an OME configuration of your own makes all mail be.",
            cmdlet="Set-OMEMessageRevocation",
        )
    change = Change("ome_message_revocation", message_id, "revoked", message["revoked"], revoked, Impact.TAKES_AWAY if revoked else Impact.WIDENS)
    plan.steps.append(Step(Call("Set-OMEMessageRevocation", {"MessageId": message_id, "Revoke": revoked}), (change,), Phase.SETTINGS))
    return plan
