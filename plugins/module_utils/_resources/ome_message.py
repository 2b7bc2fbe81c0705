# SPDX-License-Identifier: GPL-3.0-or-later
"""An encrypted message in the portal: finds it and plans its revocation.

The known properties of Get-OMEMessageStatus are Subject, IsRevocable and Revoked (Microsoft's cmdlet reference).
"""

from __future__ import annotations

import re
from typing import Any

from .._engine.plan import Change, Impact, Phase, Plan, Step
from .._exchange.cmdlet import Call
from .._exchange.errors import InvalidValueError, NotFoundError, OptionError
from .._exchange.kinds import Boolean
from .._exchange.organization import Organization

_STATUS = "message"


def canonical_message_id(value: str) -> str:
    """The Message-ID with its angle brackets, which Exchange requires. Raises OptionError if it is not a Message-ID."""
    bare = value.strip().removeprefix("<").removesuffix(">")
    if not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", bare):
        raise OptionError(
            f"message_id {value!r} is not a Message-ID.",
            remedy="Use the value of the mail's Message-ID header, such as <4f3c0d@contoso.com>, which message trace also shows.",
        )
    return f"<{bare}>"


def reads(message_id: str) -> dict[str, Call]:
    """The read for a message."""
    return {_STATUS: Call("Get-OMEMessageStatus", {"MessageId": message_id})}


def describe(organization: Organization, message_id: str) -> dict[str, Any]:
    """What Exchange knows about a message. Raises NotFoundError if it does not know the Message-ID."""
    error = organization.error(_STATUS)
    if isinstance(error, NotFoundError) or (error is None and not organization.objects(_STATUS)):
        raise NotFoundError(
            f"message_id {message_id} is not a message that this organization sent encrypted.",
            remedy="Compare it with message trace, and check that this host is the sender's organization.",
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
    """Plans to make a message unreadable in the portal, or readable again."""
    message = describe(organization, message_id)
    plan = Plan(before={"revoked": message["revoked"]}, after={"revoked": revoked})
    if message["revoked"] == revoked:
        return plan
    # It is unknown whether a revoked message still counts as revocable, so only a revocation checks this.
    if revoked and not message["is_revocable"]:
        raise InvalidValueError(
            f"message_id {message_id} cannot be revoked: its recipient has the mail itself, not a link to the portal.",
            remedy="Only mail that recipients read in the portal can be revoked. A mail flow rule with a custom OME configuration sends mail to the portal.",
            cmdlet="Set-OMEMessageRevocation",
        )
    change = Change(
        "ome_message_revocation",
        message_id,
        "revoked",
        message["revoked"],
        revoked,
        Impact.TAKES_AWAY if revoked else Impact.WIDENS,
    )
    plan.steps.append(
        Step(Call("Set-OMEMessageRevocation", {"MessageId": message_id, "Revoke": revoked}), (change,), Phase.SETTINGS)
    )
    return plan
