# SPDX-License-Identifier: GPL-3.0-or-later
"""How recipients open what rules encrypt: in Outlook only where both sides can be in one cloud, and only in the portal
where a rule names an OME configuration, the default one included. The table is from Microsoft's pages.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded

from ..asking import OUTGOING, Values, rule
from ..emulating import simulated
from ..small_worlds import TENANT

PORTAL = ["portal_work_account", "portal_social", "portal_passcode"]
DEFAULT = {"identity": "OME Configuration", "otp_enabled": True, "social_id_sign_in": True}
TEMPLATE = {"apply_rights_protection_template": "Encrypt"}
ALL = rule("All", OUTGOING, TEMPLATE)


def ways(recipient: str, *initial: str, rules: tuple[Values, ...] = (ALL,)) -> list[dict[str, Any]]:
    """The ways of a recipient of an organization with these domains beside its own one."""
    domains = [{"name": name, "type": "Authoritative"} for name in ("contoso.com", *initial)]
    facts = {**TENANT, "accepted_domains": domains, "ome_configurations": [DEFAULT]}
    found: list[dict[str, Any]] = simulated(rules, facts, recipient, to=[recipient])["opens"]
    return found


WORLD, GOVERNMENT, CHINA = "contoso.onmicrosoft.com", "contoso.onmicrosoft.us", "contoso.partner.onmschina.cn"


@pytest.mark.parametrize(
    ("initial", "recipient", "expected"),
    [
        (WORLD, "ann@fabrikam.com", ["inline", *PORTAL]),
        (WORLD, "ann@fabrikam.onmicrosoft.com", ["inline", *PORTAL]),
        (WORLD, "ann@fabrikam.onmicrosoft.us", [*PORTAL, "unknown"]),
        (WORLD, "ann@fabrikam.partner.onmschina.cn", [*PORTAL, "unknown"]),
        (GOVERNMENT, "ann@fabrikam.onmicrosoft.com", [*PORTAL, "unknown"]),
        (GOVERNMENT, "ann@fabrikam.onmicrosoft.us", ["inline", *PORTAL]),
        (GOVERNMENT, "ann@fabrikam.com", [*PORTAL, "inline"]),
        (CHINA, "ann@fabrikam.onmicrosoft.com", [*PORTAL, "unknown"]),
    ],
)
def test_outlook_opens_mail_only_where_both_sides_can_be_in_one_cloud(
    initial: str, recipient: str, expected: list[str]
) -> None:
    assert [way["way"] for way in ways(recipient, initial)] == expected


def test_without_an_initial_domain_the_condition_says_what_it_takes() -> None:
    (outlook,) = [way for way in ways("ann@fabrikam.com") if way["way"] == "inline"]
    assert (
        "in the same cloud of Microsoft 365, if the sender's organization does not ask outsiders for MFA"
        in worded(outlook)["reason"]
    )


@pytest.mark.parametrize("initial", [WORLD, GOVERNMENT])
def test_the_default_configuration_leads_everybody_outside_to_the_portal(initial: str) -> None:
    branded = rule("All", OUTGOING, {**TEMPLATE, "apply_rights_protection_customization_template": "OME Configuration"})
    assert [way["way"] for way in ways("ann@fabrikam.com", initial, rules=(branded,))] == PORTAL
