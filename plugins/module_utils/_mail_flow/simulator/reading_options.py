# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a recipient opens a protected message. Private to the collection.

That depends on the OME configuration that it shows and on the recipient. Conditional Access is not considered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import same_name
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import directions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Recipient
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.ome_configuration import (
    DEFAULT_OME_CONFIGURATION,
)

_LOCKED = "{name} allows neither passcodes nor social IDs, so only work and school accounts can sign in"


def opens(
    protection: str, branding: str, recipient: Recipient, facts: Facts, *, own: bool = True
) -> list[dict[str, str]]:
    """The ways, most likely first: ``way`` and ``reason``. Empty if nothing is protected.

    :param own: whether the organization's own keys protect it.
    """
    if protection == "none":
        return []
    if protection in ("unknown", "protected_option_unknown"):
        return [_way("unknown", "how the message is protected is not known")]
    if protection == "smime":
        return [_way("unknown", "the recipient needs the key of the S/MIME certificate")]
    if not own:
        return [_way("unknown", "another organization's keys may protect the message, and its settings decide")]
    outside = directions.recipient_outside(facts, recipient.address)
    if not isinstance(outside, bool):
        outside = outside.likely if outside.likely is not None else outside
    if not isinstance(outside, bool):
        return [_way("unknown", "whether the recipient is inside is not known")]
    if not outside:
        return _inside(facts)
    if protection.startswith("template:"):
        return [
            _way("unknown", f"whether {protection[len('template:') :]} gives rights to people outside is not known")
        ]
    return _outside(branding, facts)


def _way(way: str, reason: str) -> dict[str, str]:
    return {"way": way, "reason": reason}


def _inside(facts: Facts) -> list[dict[str, str]]:
    """People inside open it in Outlook, and in the browser unless their mailbox policy prevents it."""
    ways = [_way("inline", "Outlook opens it for people inside")]
    off = sorted(
        str(policy.get("identity")) for policy in facts.owa_mailbox_policies or () if policy.get("irm_enabled") is False
    )
    if off:
        ways.append(
            _way("unknown", f"Outlook on the web does not open it for mailboxes with the policy {', '.join(off)}")
        )
    return ways


def _outside(branding: str, facts: Facts) -> list[dict[str, str]]:
    name = branding or DEFAULT_OME_CONFIGURATION
    ways = (
        []
        if branding
        else [
            _way(
                "inline",
                "Outlook opens it for people with a work or school account in Microsoft 365, if Conditional Access allows it",
            )
        ]
    )
    if facts.ome_configurations is None:
        return [*ways, _way("unknown", "the OME configurations are not known")]
    shown = next((each for each in facts.ome_configurations if same_name(str(each.get("identity", "")), name)), None)
    if shown is None:
        return [*ways, _way("unknown", f"there is no OME configuration {name}")]
    return [*ways, *_portal(name, shown)]


def _portal(name: str, shown: Mapping[str, Any]) -> list[dict[str, str]]:
    ways = [_way("portal_work_account", "the portal accepts a work or school account, if Conditional Access allows it")]
    if shown.get("social_id_sign_in"):
        ways.append(
            _way(
                "portal_social",
                f"{name} lets people sign in with a social ID, if Microsoft supports their mail provider",
            )
        )
    if shown.get("otp_enabled"):
        ways.append(_way("portal_passcode", f"{name} sends a one-time passcode"))
    if shown.get("otp_enabled") is False and shown.get("social_id_sign_in") is False:
        ways.append(_way("locked_out", _LOCKED.format(name=name)))
    if shown.get("otp_enabled") is None or shown.get("social_id_sign_in") is None:
        ways.append(_way("unknown", f"what {name} lets people sign in with is not known"))
    return ways
