# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first task of a new user: what it says when everything is right, and what it says of everything that is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS

from tests.emulator.organization import default_state

from .playbook import Controller
from .tenant import Tenant, inventory

NAME = "contoso.onmicrosoft.com"
INFO = {"name": "first", "m365.message_encryption.exchange_connection_info": {}}
OUTCOME = (
    "msg",
    "organization",
    "connection",
    "exported_cmdlets",
    "missing_cmdlets",
    "advanced_message_encryption",
    "may_read_ome_configuration",
)


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
    assert (found["missing_cmdlets"], found["advanced_message_encryption"], found["may_read_ome_configuration"]) == (
        {},
        True,
        True,
    )
    assert found.get("warnings", []) == []
    assert found["missing_step"] == ""
    assert found["msg"].startswith(f"{NAME} over {transport} as ")
    assert f"{len(CMDLETS)} of {len(CMDLETS)} cmdlets, with Advanced Message Encryption" in found["msg"]
    assert tenant.applied == []


def test_without_the_license_it_says_so(tenant: Tenant) -> None:
    found = first(tenant)
    assert found["outcome"] == "ok", found["msg"]
    assert found["missing_cmdlets"] == dict.fromkeys(
        ("New-OMEConfiguration", "Remove-OMEConfiguration", "Get-OMEMessageStatus", "Set-OMEMessageRevocation"),
        "the license Advanced Message Encryption",
    )
    assert "without Advanced Message Encryption" in found["msg"]


@pytest.mark.organizations(default_state(NAME) | {"hidden_cmdlets": ["Get-OMEConfiguration", "Set-TransportRule"]})
def test_an_application_that_may_not_read_ome_configurations(tenant: Tenant) -> None:
    found = first(tenant)
    assert found["outcome"] == "ok", found["msg"]
    assert found["may_read_ome_configuration"] is False
    assert found["missing_cmdlets"]["Set-TransportRule"] == "the role Transport Rules"
    assert found["missing_step"] == "roles"
    assert any(
        warning.startswith("Missing step 6 of 6: all roles in that role group.") for warning in found["warnings"]
    )
    assert any(
        warning.startswith("OME configurations cannot be read:") and "Exchange Administrator" in warning
        for warning in found["warnings"]
    )


@pytest.mark.organizations(default_state(NAME) | {"hidden_cmdlets": ["Get-OrganizationConfig"]})
def test_an_organization_that_does_not_say_who_it_is(tenant: Tenant) -> None:
    found = first(tenant)
    assert found["outcome"] == "unreachable"
    assert "ansible_exchange_verify_organization: false" in found["msg"]
    found = first(tenant, ansible_exchange_verify_organization="false")
    assert found["outcome"] == "ok", found["msg"]
    assert "organization" not in found
    assert any(warning.startswith("The organization is unknown:") for warning in found["warnings"])


#: Two organizations, whose applications lack one grant each.
GRANTS = {
    "contoso": (
        {"app_role": False},
        "Missing step 4 of 6: admin consent to Exchange.ManageAsApp.",
    ),  # 401: no permission
    "fabrikam": ({"directory_role": False}, "Missing step 5 of 6: an Exchange role"),  # 403: no directory role
}


@pytest.mark.organizations(NAME, "fabrikam.onmicrosoft.com")
def test_an_application_that_lacks_a_grant(tenant: Tenant) -> None:
    for host, (grants, _remedy) in GRANTS.items():
        for grant, given in grants.items():
            setattr(tenant.emulator.applications[f"{host}.onmicrosoft.com"], grant, given)
    run = tenant.controller.tasks([INFO])
    for host, (_grants, remedy) in GRANTS.items():
        assert run.task("first", host).outcome == "unreachable"
        assert remedy in run.task("first", host).result["msg"]


#: A host's wrong variables, what names them, and the missing step where it is one of those.
WRONG: dict[str, tuple[dict[str, str], str, str]] = {
    "another_organization": (
        {"ansible_exchange_organization": "fabrikam.onmicrosoft.com"},
        "ansible_exchange_client_id",
        "",
    ),
    "no_organization": (
        {"ansible_exchange_organization": "nobody.onmicrosoft.com"},
        "ansible_exchange_organization",
        "",
    ),
    "no_application": (
        {"ansible_exchange_client_id": "00000000-0000-0000-0000-000000000000"},
        "ansible_exchange_client_id",
        "enterprise_application",
    ),
    "wrong_secret": (
        {"ansible_exchange_client_secret": "wrong", "ansible_exchange_certificate_path": ""},
        "ansible_exchange_client_secret",
        "",
    ),
    "no_certificate": (
        {"ansible_exchange_certificate_path": "/nowhere.pem"},
        "ansible_exchange_certificate_path",
        "certificate",
    ),
    "misspelt": ({"ansible_exchange_organisation": NAME}, "ansible_exchange_organisation", ""),
    "plain_http": ({"ansible_exchange_api_url": "http://outlook.example.com"}, "ansible_exchange_api_url", ""),
}


@pytest.mark.organizations(NAME, "fabrikam.onmicrosoft.com")
def test_wrong_variables_are_named(tenant: Tenant, tmp_path: Path) -> None:
    right = inventory(tenant.emulator, "rest")["exchange_organizations"]["hosts"][tenant.host]
    hosts = {name: {**right, **variables} for name, (variables, _text, _step) in WRONG.items()}
    run = Controller(tmp_path, {"all": {"hosts": hosts}}).tasks([INFO])
    for name, (_variables, text, step) in WRONG.items():
        found = run.task("first", name)
        assert found.outcome in ("failed", "unreachable"), name
        assert text in found.result["msg"], (name, found.result["msg"])
        if step:
            assert (found.outcome, found.result["missing_step"]) == ("unreachable", step), name
            assert "New-MessageEncryptionApplication.ps1 makes what is missing." in found.result["msg"], name


def test_a_module_over_another_connection(tenant: Tenant) -> None:
    found = first(tenant, ansible_connection="local")
    assert found["outcome"] == "failed"
    assert "The connection of this host is 'local', not 'm365.message_encryption.exchange'." in found["msg"]
    assert "ansible_connection: m365.message_encryption.exchange" in found["msg"]
