# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first task of a new user: what it says when everything is right, and what it says of everything that is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS

from tests.emulator.organization import default_state

from .tenant import Tenant

NAME = "contoso.onmicrosoft.com"
INFO = {"name": "first", "m365.message_encryption.exchange_connection_info": {}}
OUTCOME = ("msg", "organization", "connection", "exported_cmdlets", "missing_cmdlets", "advanced_message_encryption", "may_read_ome_configuration")


def first(tenant: Tenant, **variables: Any) -> dict[str, Any]:
    arguments = [item for name, value in variables.items() for item in ("-e", f"{name}={value}")]
    run = tenant.run(INFO, arguments=arguments)
    assert len([task for task in run if task.outcome in ("failed", "unreachable")]) <= 1
    return {"outcome": run.task("first").outcome, **run["first"]}


@pytest.mark.wires("rest", "psrp", "powershell")
@pytest.mark.organizations(default_state(NAME) | {"advanced_message_encryption": True})
def test_everything_is_right(tenant: Tenant, transport: str) -> None:
    found = first(tenant)
    assert found["outcome"] == "ok", found["msg"]
    assert set(OUTCOME) <= set(found)
    assert (found["organization"]["name"], found["organization"]["on_premises"]) == (NAME, False)
    assert found["connection"]["transport"] == transport
    assert (found["missing_cmdlets"], found["advanced_message_encryption"], found["may_read_ome_configuration"]) == ({}, True, True)
    assert found.get("warnings", []) == []
    assert found["missing_step"] == ""
    assert found["msg"].startswith(f"{NAME} over {transport} as ")
    assert f"{len(CMDLETS)} of {len(CMDLETS)} cmdlets, with Advanced Message Encryption" in found["msg"]
    assert tenant.applied == []


def test_without_the_license_it_says_so(tenant: Tenant) -> None:
    found = first(tenant)
    assert found["outcome"] == "ok", found["msg"]
    assert found["missing_cmdlets"] == dict.fromkeys(
        ("New-OMEConfiguration", "Remove-OMEConfiguration", "Get-OMEMessageStatus", "Set-OMEMessageRevocation"), "the license Advanced Message Encryption"
    )
    assert "without Advanced Message Encryption" in found["msg"]


@pytest.mark.organizations(default_state(NAME) | {"hidden_cmdlets": ["Get-OMEConfiguration", "Set-TransportRule"]})
def test_an_application_that_may_not_read_ome_configurations(tenant: Tenant) -> None:
    found = first(tenant)
    assert found["outcome"] == "ok", found["msg"]
    assert found["may_read_ome_configuration"] is False
    assert found["missing_cmdlets"]["Set-TransportRule"] == "the role Transport Rules"
    assert found["missing_step"] == "roles"
    assert any(warning.startswith("Missing step 6 of 6: all roles in that role group.") for warning in found["warnings"])
    assert any(warning.startswith("OME configurations cannot be read:") and "Exchange Administrator" in warning for warning in found["warnings"])


@pytest.mark.organizations(default_state(NAME) | {"hidden_cmdlets": ["Get-OrganizationConfig"]})
def test_an_organization_that_does_not_say_who_it_is(tenant: Tenant) -> None:
    found = first(tenant)
    assert found["outcome"] == "unreachable"
    assert "ansible_exchange_verify_organization: false" in found["msg"]
    found = first(tenant, ansible_exchange_verify_organization="false")
    assert found["outcome"] == "ok", found["msg"]
    assert "organization" not in found
    assert any(warning.startswith("The organization is unknown:") for warning in found["warnings"])


@pytest.mark.parametrize(
    ("application", "remedy"),
    [
        ({"app_role": False}, "Missing step 4 of 6: admin consent to Exchange.ManageAsApp."),
        ({"directory_role": False}, "Missing step 5 of 6: an Exchange role"),
    ],
    ids=["401: no permission", "403: no directory role"],
)
def test_an_application_that_lacks_a_grant(tenant: Tenant, application: dict[str, bool], remedy: str) -> None:
    for grant, given in application.items():
        setattr(tenant.emulator.applications[NAME], grant, given)
    found = first(tenant)
    assert found["outcome"] == "unreachable"
    assert remedy in found["msg"]


@pytest.mark.organizations(NAME, "fabrikam.onmicrosoft.com")
@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"ansible_exchange_organization": "fabrikam.onmicrosoft.com"}, "ansible_exchange_client_id"),
        ({"ansible_exchange_organization": "nobody.onmicrosoft.com"}, "ansible_exchange_organization"),
        ({"ansible_exchange_client_id": "00000000-0000-0000-0000-000000000000"}, "ansible_exchange_client_id"),
        ({"ansible_exchange_client_secret": "wrong", "ansible_exchange_certificate_path": ""}, "ansible_exchange_client_secret"),
        ({"ansible_exchange_certificate_path": "/nowhere.pem"}, "ansible_exchange_certificate_path"),
        ({"ansible_exchange_organisation": NAME}, "ansible_exchange_organisation"),
        ({"ansible_exchange_api_url": "http://outlook.example.com"}, "ansible_exchange_api_url"),
    ],
    ids=["another organization", "no organization", "no application", "wrong secret", "no certificate", "misspelt", "plain http"],
)
def test_wrong_variables_are_named(tenant: Tenant, variables: dict[str, str], text: str) -> None:
    found = first(tenant, **variables)
    assert found["outcome"] in ("failed", "unreachable")
    assert text in found["msg"], found["msg"]


@pytest.mark.parametrize(
    ("variables", "step"),
    [
        ({"ansible_exchange_certificate_path": "/nowhere.pem"}, "certificate"),
        ({"ansible_exchange_client_id": "00000000-0000-0000-0000-000000000000"}, "enterprise_application"),
    ],
    ids=["certificate", "enterprise application"],
)
def test_the_step_that_is_missing_is_named(tenant: Tenant, variables: dict[str, str], step: str) -> None:
    found = first(tenant, **variables)
    assert found["outcome"] == "unreachable"
    assert found["missing_step"] == step
    assert "New-MessageEncryptionApplication.ps1 makes what is missing." in found["msg"]


def test_a_module_over_another_connection(tenant: Tenant) -> None:
    found = first(tenant, ansible_connection="local")
    assert found["outcome"] == "failed"
    assert "The connection of this host is 'local', not 'm365.message_encryption.exchange'." in found["msg"]
    assert "ansible_connection: m365.message_encryption.exchange" in found["msg"]
