# SPDX-License-Identifier: GPL-3.0-or-later
"""How recipients open what rules encrypt: in Outlook only where both sides can be in one cloud, and only in the portal
where a rule names an OME configuration, the default one included. The table is from Microsoft's pages.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded

from ..asking import OUTGOING, Values, rule, verdict
from ..emulating import emulated, simulated
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


@pytest.mark.parametrize(
    ("of_staff", "expected"),
    [
        ({"otp_enabled": True, "social_id_sign_in": True}, PORTAL),
        ({"otp_enabled": True, "social_id_sign_in": False}, ["portal_work_account", "portal_passcode", "unknown"]),
    ],
)
def test_where_the_branding_is_open_the_ways_are_those_with_each(of_staff: Values, expected: list[str]) -> None:
    """Two rules name different configurations; which one wins is not documented, but either leads to the portal."""
    branded = [
        rule(name, OUTGOING, {**TEMPLATE, "apply_rights_protection_customization_template": name})
        for name in ("OME Configuration", "Staff")
    ]
    facts = {**TENANT, "ome_configurations": [DEFAULT, {"identity": "Staff", **of_staff}]}
    found = simulated(branded, facts, "ann@fabrikam.com", to=["ann@fabrikam.com"])
    assert "branding" not in found
    assert [way["way"] for way in found["opens"]] == expected
    (passcode,) = [way for way in worded(found)["opens"] if way["way"] == "portal_passcode"]
    assert passcode["reason"] == "each of OME Configuration and Staff sends a one-time passcode"


@pytest.mark.parametrize(("number", "protection"), [(199, "encrypt"), (200, "unknown")])
@pytest.mark.parametrize("fields", [("to",), ("to", "cc", "bcc")])
def test_encryption_for_so_many_recipients_is_open(number: int, protection: str, fields: tuple[str, ...]) -> None:
    people = [f"p{place}@fabrikam.com" for place in range(number)]
    named = {field: people[place :: len(fields)] for place, field in enumerate(fields)}
    for deliver in (emulated, simulated):
        found = deliver([ALL], TENANT, people[-1], **named)
        assert found["protection"] == protection
        assert {each["id"] if isinstance(each, dict) else each.id for each in found.get("unknown", ())} == (
            {"U35"} if protection == "unknown" else set()
        )


def test_a_proof_says_that_it_is_about_fewer_recipients() -> None:
    found = verdict([ALL])
    assert found["verdict"] == "proved"
    assert [each for each in found["assumptions"] if "to fewer than 200 recipients (U35)" in each["text"]]
