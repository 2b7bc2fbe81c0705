# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that prepares organizations: PowerShell runs it against cmdlets that have the documented parameters and no
others.
"""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS, Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import (
    EXPERIMENT_ONLY,
    GRANTED_BY,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.certificate import certificate

from tests.emulator.engine import QUICK, Engine

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "extensions/setup/New-MessageEncryptionApplication.ps1"
STAND_IN = ROOT / "tests/powershell/Setup/Tenant.ps1"
RUNS = STAND_IN.with_name("Runs.ps1")
CONTOSO, FABRIKAM, PROVIDER = (f"{name}.onmicrosoft.com" for name in ("contoso", "fabrikam", "provider"))

#: Cmdlet to its parameters, as far as they have a part in it, from Microsoft's reference pages:
#: MicrosoftDocs/office-docs-powershell, exchange/exchange-ps/ExchangePowerShell, and
#: MicrosoftDocs/microsoftgraph-docs-powershell, microsoftgraph/graph-powershell-1.0. That a list of applications shows
#: no certificate whole is from Microsoft Graph's page on keyCredential. What the cmdlets do in a tenant was not seen.
DOCUMENTED: dict[str, dict[str, list[str]]] = {
    "ExchangeOnlineManagement": {
        "Connect-ExchangeOnline": [
            "AppId",
            "CertificateFilePath",
            "DelegatedOrganization",
            "Device",
            "Organization",
            "ShowBanner",
            "UserPrincipalName",
        ],
        "Disconnect-ExchangeOnline": ["Confirm", "ConnectionId", "ModulePrefix"],
        "Get-OrganizationConfig": [],
        "Enable-OrganizationCustomization": ["Confirm"],
        "Get-ServicePrincipal": ["Identity", "Organization"],
        "New-ServicePrincipal": ["AppId", "ObjectId", "ServiceId", "Confirm", "DisplayName", "Organization"],
        "Get-RoleGroup": ["Identity", "Filter", "ResultSize", "SortBy"],
        "New-RoleGroup": ["Name", "Confirm", "Description", "DisplayName", "Force", "ManagedBy", "Members", "Roles"],
        "Get-RoleGroupMember": ["Identity", "ResultSize"],
        "Add-RoleGroupMember": ["Identity", "Member", "BypassSecurityGroupManagerCheck", "Confirm"],
    },
    "Microsoft.Graph.Applications": {
        "Get-MgApplication": ["ApplicationId", "Filter", "Property", "All", "Top", "Search"],
        "New-MgApplication": [
            "DisplayName",
            "SignInAudience",
            "RequiredResourceAccess",
            "KeyCredentials",
            "PasswordCredentials",
            "BodyParameter",
        ],
        "Update-MgApplication": [
            "ApplicationId",
            "DisplayName",
            "KeyCredentials",
            "RequiredResourceAccess",
            "BodyParameter",
        ],
        "Get-MgServicePrincipal": ["ServicePrincipalId", "Filter", "All", "Top", "Search"],
        "New-MgServicePrincipal": ["AppId", "DisplayName", "BodyParameter"],
        "Get-MgServicePrincipalAppRoleAssignment": ["ServicePrincipalId", "AppRoleAssignmentId", "Filter", "All"],
        "New-MgServicePrincipalAppRoleAssignment": [
            "ServicePrincipalId",
            "PrincipalId",
            "ResourceId",
            "AppRoleId",
            "BodyParameter",
        ],
    },
    "Microsoft.Graph.Authentication": {
        "Connect-MgGraph": [
            "TenantId",
            "Scopes",
            "ClientId",
            "UseDeviceCode",
            "ContextScope",
            "NoWelcome",
            "Environment",
        ],
        "Disconnect-MgGraph": [],
    },
}
_SWITCHES = ("All", "Confirm", "ShowBanner", "NoWelcome")
FRESH: dict[str, Any] = {"here": "", "exchange": "", "dehydrated": []}
FRESH |= {name: [] for name in ("applications", "principals", "consents", "references", "groups")}


class Runs:
    """A PowerShell that runs one command after the other.

    :param home: the user's home directory.
    """

    def __init__(self, engine: Engine, home: Path) -> None:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
            **QUICK,
            "POWERSHELL_TELEMETRY_OPTOUT": "1",
            "NO_COLOR": "1",
        }
        self._process = subprocess.Popen(
            [str(engine.path), "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(RUNS), ",".join(DOCUMENTED)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def __call__(self, command: str, directory: Path, environment: Mapping[str, str]) -> Done:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"command": command, "directory": str(directory), "environment": environment})
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        said = []
        for text in self._process.stdout:
            if text.startswith("\x1e"):
                return Done(int(text[1:]), "".join(said))
            said.append(text)
        raise AssertionError(f"PowerShell has ended: {''.join(said)}")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(300)


class Done(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str


class Tenants:
    """The organizations of a test, and a PowerShell that prepares them."""

    def __init__(self, runs: Runs, directory: Path) -> None:
        self.runs, self.directory = runs, directory
        self.state_file, self.calls_file = directory / "state.json", directory / "calls.jsonl"
        self.state_file.write_text(json.dumps(FRESH), encoding="utf-8")
        for module, cmdlets in DOCUMENTED.items():
            folder = directory / "modules" / module
            folder.mkdir(parents=True)
            functions = [f". '{STAND_IN}'"]
            for cmdlet, parameters in cmdlets.items():
                typed = [f"{'[switch] ' if name in _SWITCHES else ''}${name}" for name in parameters]
                body = f"[CmdletBinding()] param({', '.join(typed)}) Invoke-Stand-In '{cmdlet}' $PSBoundParameters"
                functions.append(f"function {cmdlet} {{ {body} }}")
            (folder / f"{module}.psm1").write_text("\n".join(functions), encoding="utf-8")

    @property
    def state(self) -> dict[str, Any]:
        return dict(json.loads(self.state_file.read_text(encoding="utf-8-sig")))

    def patch(self, **values: Any) -> None:
        self.state_file.write_text(json.dumps({**self.state, **values}), encoding="utf-8")

    def prepare(self, *arguments: str) -> Done:
        self.calls_file.unlink(missing_ok=True)
        given = " ".join(
            f"'{argument}'" if not re.fullmatch(r"-[A-Za-z]+|[\w.,-]+", argument) else argument
            for argument in arguments
        )
        environment = {
            "PSModulePath": str(self.directory / "modules"),
            "SETUP_STATE": str(self.state_file),
            "SETUP_CALLS": str(self.calls_file),
        }
        return self.runs(f"& '{SCRIPT}' -CertificatePath exchange.pem {given}", self.directory, environment)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.calls_file.read_text(encoding="utf-8-sig").splitlines()]

    @property
    def writes(self) -> list[str]:
        return [call["cmdlet"] for call in self.calls if re.match("(New|Add|Update|Enable)-", call["cmdlet"])]


@pytest.fixture(scope="module")
def runs(engine: Engine | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    assert engine is not None
    made = Runs(engine, tmp_path_factory.mktemp("home"))
    yield made
    made.close()


@pytest.fixture
def tenants(runs: Runs, tmp_path: Path) -> Tenants:
    return Tenants(runs, tmp_path)


ALL = [
    "New-MgApplication",
    "New-MgServicePrincipal",
    "New-MgServicePrincipalAppRoleAssignment",
    "New-ServicePrincipal",
    "New-RoleGroup",
    "Add-RoleGroupMember",
]


@pytest.mark.engine
def test_one_organization_is_prepared_once(tenants: Tenants) -> None:
    done = tenants.prepare("-Organization", CONTOSO)
    assert done.returncode == 0, done.stdout
    assert tenants.writes == ALL
    (group,) = tenants.state["groups"]
    assert group["Members"] == [f"enterprise-{CONTOSO}"]
    (consent,) = tenants.state["consents"]
    assert consent == {
        "PrincipalId": f"enterprise-{CONTOSO}",
        "AppRoleId": "dc50a0fb-09a3-484d-be87-e023b12c6440",
        "ResourceId": f"exchange-{CONTOSO}",
    }
    assert tenants.state["applications"][0]["Audience"] == "AzureADMyOrg"
    pem = tenants.directory / "exchange.pem"
    assert stat.S_IMODE(pem.stat().st_mode) == 0o600
    assert certificate(str(pem), None)["private_key"].key_size >= 2048
    assert f"    {CONTOSO}:" in done.stdout
    assert f"ansible_exchange_certificate_path: {pem}" in done.stdout
    assert group["Roles"] == lists()["readRoles"] + lists()["writeRoles"]
    again = tenants.prepare("-Organization", CONTOSO)
    assert again.returncode == 0, again.stdout
    assert tenants.writes == []

    # What is missing is repaired.
    tenants.patch(consents=[], references=[])
    assert tenants.prepare("-Organization", CONTOSO).returncode == 0
    assert tenants.writes == ["New-MgServicePrincipalAppRoleAssignment", "New-ServicePrincipal"]

    # A second certificate leaves the first.
    (first,) = tenants.state["applications"][0]["Keys"]
    pem.unlink()
    done = tenants.prepare("-Organization", CONTOSO)
    assert done.returncode == 0, done.stdout
    assert tenants.writes == ["Update-MgApplication"]
    kept, second = tenants.state["applications"][0]["Keys"]
    assert kept == first
    assert second != first
    assert tenants.prepare("-Organization", CONTOSO).returncode == 0
    assert tenants.writes == []


@pytest.mark.engine
def test_what_if_makes_nothing(tenants: Tenants) -> None:
    done = tenants.prepare("-Organization", CONTOSO, "-WhatIf")
    assert done.returncode == 0, done.stdout
    assert tenants.writes == []
    assert not (tenants.directory / "exchange.pem").exists()
    assert "Create a key and a certificate" in done.stdout
    assert "Register the application" in done.stdout


@pytest.mark.engine
def test_a_new_organization_is_customized_only_on_purpose(tenants: Tenants) -> None:
    tenants.patch(dehydrated=[CONTOSO])
    refused = tenants.prepare("-Organization", CONTOSO)
    assert refused.returncode != 0
    assert "-EnableCustomization" in refused.stdout
    assert "New-RoleGroup" not in tenants.writes
    assert tenants.calls[-1]["cmdlet"] == "Disconnect-ExchangeOnline"
    done = tenants.prepare("-Organization", CONTOSO, "-EnableCustomization")
    assert done.returncode == 0, done.stdout
    assert tenants.writes == ["Enable-OrganizationCustomization", "New-RoleGroup", "Add-RoleGroupMember"]


@pytest.mark.engine
def test_a_service_provider_prepares_its_customers(tenants: Tenants) -> None:
    done = tenants.prepare("-Provider", PROVIDER, "-Organization", f"{CONTOSO},{FABRIKAM}")
    assert done.returncode == 0, done.stdout
    assert tenants.writes == ["New-MgApplication", *ALL[1:], *ALL[1:]]
    assert tenants.state["applications"][0]["Audience"] == "AzureADMultipleOrgs"
    connected = [
        call["parameters"] for call in tenants.calls if call["cmdlet"] in ("Connect-MgGraph", "Connect-ExchangeOnline")
    ]
    places = [each.get("TenantId") or each.get("DelegatedOrganization") for each in connected]
    assert places == [PROVIDER, CONTOSO, CONTOSO, FABRIKAM, FABRIKAM]
    assert [group["Where"] for group in tenants.state["groups"]] == [CONTOSO, FABRIKAM]


@pytest.mark.engine
def test_several_organizations_need_a_provider(tenants: Tenants) -> None:
    done = tenants.prepare("-Organization", f"{CONTOSO},{FABRIKAM}")
    assert done.returncode != 0
    assert "-Provider" in done.stdout
    assert not tenants.calls_file.exists()


def lists() -> dict[str, list[str]]:
    text = SCRIPT.read_text(encoding="utf-8")
    return {
        name: re.findall(r"'([^']+)'", re.search(rf"\${name} = @\((.*?)\)", text)[1])
        for name in ("readRoles", "writeRoles")
    }  # type: ignore[index]


def test_its_roles_are_those_that_the_collection_needs() -> None:
    writes = {
        GRANTED_BY[name].removeprefix("the role ")
        for name in CMDLETS
        if not Call(name).is_read and "role" in GRANTED_BY[name]
    }
    assert set(lists()["writeRoles"]) >= writes
    reads = [
        GRANTED_BY[name]
        for name in CMDLETS
        if name.startswith("Get-") and "role" in GRANTED_BY[name] and name not in EXPERIMENT_ONLY
    ]
    assert {role for role in lists()["readRoles"] if any(role in grant for grant in reads)} == {
        "View-Only Configuration",
        "View-Only Recipients",
    }
    assert all(any(role in grant for role in lists()["readRoles"]) for grant in reads)


@pytest.mark.engine
def test_a_role_group_that_reads_has_less(tenants: Tenants) -> None:
    assert tenants.prepare("-Organization", CONTOSO, "-Audit").returncode == 0
    (group,) = tenants.state["groups"]
    assert group["Roles"] == lists()["readRoles"]
