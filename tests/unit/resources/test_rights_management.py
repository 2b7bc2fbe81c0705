# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether rights management can work, from what was read, and why a test of it fails."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rights_management import obstacle
from ansible_collections.m365.message_encryption.plugins.modules import irm_test

from tests.unit.emulated_session import EmulatedSession

ON = {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True, "licensing_location": []}
LISTED = [{"Name": "Encrypt"}]
LOCATION = ["https://a.rms.eu.aadrm.com/_wmcs/licensing"]


@pytest.mark.parametrize(
    ("settings", "templates", "cause"),
    [
        (ON, LISTED, None),
        # Microsoft's test passed with an empty location.
        (ON, None, None),
        (None, None, None),
        ({**ON, "azure_rms_licensing_enabled": None}, LISTED, None),
        (ON, [], "licensing_location is empty and Exchange lists no RMS template"),
        ({**ON, "licensing_location": LOCATION}, [], "Exchange lists no RMS template"),
        (None, [], "Exchange lists no RMS template"),
        ({**ON, "azure_rms_licensing_enabled": False}, None, "azure_rms_licensing_enabled is false"),
        ({**ON, "internal_licensing_enabled": False}, [], "internal_licensing_enabled is false"),
        (
            {**ON, "azure_rms_licensing_enabled": False, "internal_licensing_enabled": False},
            LISTED,
            "azure_rms_licensing_enabled and internal_licensing_enabled is false",
        ),
    ],
)
def test_what_keeps_rights_management_from_working(
    settings: dict[str, Any] | None, templates: list[dict[str, Any]] | None, cause: str | None
) -> None:
    found = obstacle(settings, templates)
    assert (found.cause if found else None) == cause


@pytest.mark.parametrize(
    ("state", "cause", "cure"),
    [
        ({"rms_templates": []}, "licensing_location is empty and Exchange lists no RMS template", "Enable-AipService"),
        (
            {"rms_templates": [], "irm_configuration": {"LicensingLocation": LOCATION}},
            "Exchange lists no RMS template",
            "LicensingIntranetDistributionPointUrl",
        ),
        (
            {"irm_configuration": {"InternalLicensingEnabled": False}},
            "internal_licensing_enabled is false",
            "m365.message_encryption.irm_configuration turns it on.",
        ),
        (
            {"irm_test_failure": "templates"},
            "the licensing settings are on, but Exchange gets no templates from the service",
            "LicensingIntranetDistributionPointUrl",
        ),
        (
            {"irm_test_failure": "encryption"},
            "the settings do not show it: licensing is on, and Exchange lists 4 RMS templates",
            "minutes to hours",
        ),
        (
            {"irm_test_failure": "encryption", "hidden_cmdlets": ["Get-RMSTemplate"]},
            "not known, because Get-RMSTemplate could not be read",
            "Grant the session Get-RMSTemplate",
        ),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_failed_test_says_why_and_what_to_do(state: dict[str, Any], cause: str, cure: str, check_mode: bool) -> None:
    on = {"AzureRMSLicensingEnabled": True, **state.get("irm_configuration", {})}
    session = EmulatedSession({**state, "irm_configuration": on})
    options = {"sender": "AlexW@contoso.onmicrosoft.com", "recipients": ["MeganB@contoso.onmicrosoft.com"]}
    result = session.run(irm_test, check_mode=check_mode, fail_on_error=False, **options)
    assert (result["passed"], result["cause"]) == (False, cause)
    assert cure in result["cure"]
    assert result["msg"].endswith(f" Cause: {cause}. {result['cure']}")


def test_a_passed_test_reads_nothing_else() -> None:
    session = EmulatedSession({"irm_configuration": {"AzureRMSLicensingEnabled": True}})
    address = "AlexW@contoso.onmicrosoft.com"
    result = session.run(irm_test, sender=address, recipients=[address])
    assert result["passed"]
    assert {"cause", "cure"}.isdisjoint(result)
    assert session.reads == 1
