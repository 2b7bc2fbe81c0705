# SPDX-License-Identifier: GPL-3.0-or-later
"""The first task of a new user: what it says when everything is right, and what it says of everything that is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.ledger import Entry
from tests.emulator.organization import default_state

from .playbook import Controller, Run
from .tenant import inventory

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


#: Organizations beside the right one, and what is different there.
OTHERS: dict[str, dict[str, Any]] = {
    "fabrikam": {},
    "unlicensed": {},
    "unread": {"hidden_cmdlets": ["Get-OMEConfiguration", "Set-TransportRule"]},
    "silent": {"hidden_cmdlets": ["Get-OrganizationConfig"]},
    "unconsented": {},
    "roleless": {},
}
#: Their applications that lack a grant, and what gives it.
GRANTS = {
    # 401: no permission
    "unconsented": ("app_role", "Missing step 4 of 6: admin consent to Exchange.ManageAsApp."),
    # 403: no directory role
    "roleless": ("directory_role", "Missing step 5 of 6: an Exchange role"),
}
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


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, engine: Engine | None) -> tuple[Run, list[Entry]]:
    """What the module says of hosts of all kinds, in one run, and the calls that arrived. Hosts of the right
    organization have the names of their wires.
    """
    home = tmp_path_factory.mktemp("told")
    states = [default_state(f"{host}.onmicrosoft.com") | more for host, more in OTHERS.items()]
    right = default_state(NAME) | {"advanced_message_encryption": True}
    with Emulator([right, *states], directory=home / "emulator", engine=engine) as emulator:
        for host, (grant, _remedy) in GRANTS.items():
            setattr(emulator.applications[f"{host}.onmicrosoft.com"], grant, False)
        over = {
            wire: inventory(emulator, wire)["exchange_organizations"]["hosts"]
            for wire in ("rest", "psrp", *(("powershell",) if engine else ()))
        }
        hosts = {host: variables for host, variables in over["rest"].items() if host in OTHERS}
        hosts |= {wire: each["contoso"] for wire, each in over.items()}
        hosts |= {name: {**hosts["rest"], **variables} for name, (variables, _text, _step) in WRONG.items()}
        hosts["unverified"] = {**hosts["silent"], "ansible_exchange_verify_organization": False}
        hosts["local"] = {**hosts["rest"], "ansible_connection": "local"}
        run = Controller(home, {"all": {"hosts": hosts}}).tasks([INFO])
        return run, emulator.calls


def first(told: tuple[Run, list[Entry]], host: str) -> dict[str, Any]:
    found = told[0].task("first", host)
    return {"outcome": found.outcome, **found.result}


@pytest.mark.parametrize("over", ["rest", "psrp", pytest.param("powershell", marks=pytest.mark.engine)])
def test_everything_is_right(told: tuple[Run, list[Entry]], over: str) -> None:
    found = first(told, over)
    assert found["outcome"] == "ok", found["msg"]
    assert set(OUTCOME) <= set(found)
    assert (found["organization"]["name"], found["organization"]["on_premises"]) == (NAME, False)
    assert found["connection"]["transport"] == over
    assert (found["missing_cmdlets"], found["advanced_message_encryption"], found["may_read_ome_configuration"]) == (
        {},
        True,
        True,
    )
    assert found.get("warnings", []) == []
    assert found["missing_step"] == ""
    assert found["msg"].startswith(f"{NAME} over {over} as ")
    assert f"{len(CMDLETS)} of {len(CMDLETS)} cmdlets, with Advanced Message Encryption" in found["msg"]
    assert [call for call in told[1] if call.applied] == []


def test_without_the_license_it_says_so(told: tuple[Run, list[Entry]]) -> None:
    found = first(told, "unlicensed")
    assert found["outcome"] == "ok", found["msg"]
    assert found["missing_cmdlets"] == dict.fromkeys(
        ("New-OMEConfiguration", "Remove-OMEConfiguration", "Get-OMEMessageStatus", "Set-OMEMessageRevocation"),
        "the license Advanced Message Encryption",
    )
    assert "without Advanced Message Encryption" in found["msg"]


def test_an_application_that_may_not_read_ome_configurations(told: tuple[Run, list[Entry]]) -> None:
    found = first(told, "unread")
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


def test_an_organization_that_does_not_say_who_it_is(told: tuple[Run, list[Entry]]) -> None:
    found = first(told, "silent")
    assert found["outcome"] == "unreachable"
    assert "ansible_exchange_verify_organization: false" in found["msg"]
    found = first(told, "unverified")
    assert found["outcome"] == "ok", found["msg"]
    assert "organization" not in found
    assert any(warning.startswith("The organization is unknown:") for warning in found["warnings"])


def test_an_application_that_lacks_a_grant(told: tuple[Run, list[Entry]]) -> None:
    for host, (_grant, remedy) in GRANTS.items():
        found = first(told, host)
        assert found["outcome"] == "unreachable"
        assert remedy in found["msg"]


def test_wrong_variables_are_named(told: tuple[Run, list[Entry]]) -> None:
    for name, (_variables, text, step) in WRONG.items():
        found = first(told, name)
        assert found["outcome"] in ("failed", "unreachable"), name
        assert text in found["msg"], (name, found["msg"])
        if step:
            assert (found["outcome"], found["missing_step"]) == ("unreachable", step), name
            assert "New-MessageEncryptionApplication.ps1 makes what is missing." in found["msg"], name


def test_a_module_over_another_connection(told: tuple[Run, list[Entry]]) -> None:
    found = first(told, "local")
    assert found["outcome"] == "failed"
    assert "The connection of this host is 'local', not 'm365.message_encryption.exchange'." in found["msg"]
    assert "ansible_connection: m365.message_encryption.exchange" in found["msg"]
