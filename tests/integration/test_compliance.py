# SPDX-License-Identifier: GPL-3.0-or-later
"""DLP policies and labels, read from the compliance endpoint by a playbook."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import Emulator

from .tenant import Tenant, tenant

ORGANIZATION = "contoso.onmicrosoft.com"
STATE: dict[str, Any] = {
    "name": ORGANIZATION,
    "compliance_role": True,
    "dlp_policies": [{"Name": "Cards"}, {"Name": "Trial", "Mode": "TestWithNotifications"}],
    "dlp_rules": [
        {
            "Name": "Cards to people outside",
            "ParentPolicyName": "Cards",
            "AccessScope": "NotInOrganization",
            "ExceptIfFrom": ["ann@contoso.com"],
            "EncryptRMSTemplate": "Encrypt",
        }
    ],
    "labels": [{"Name": "{{ 7 * 7 }}"}],
    "label_policies": [{"Name": "Global", "Labels": ["Secret"]}],
    "auto_label_policies": [{"Name": "Automatic", "ApplySensitivityLabel": "Secret"}],
}
GATHER = ["dlp_policies", "labels", "label_policies", "auto_label_policies"]
INFO = {"m365.message_encryption.message_encryption_info": {"gather": ["organization", *GATHER]}}


@pytest.fixture(scope="module")
def organization(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with Emulator([STATE]) as emulator:
        yield tenant(tmp_path_factory.mktemp("compliance"), emulator, "rest")


def read(organization: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = organization.run(INFO)["message_encryption_info"]
    return found


def test_a_task_reads_what_both_endpoints_have(organization: Tenant) -> None:
    found = read(organization)
    assert found["organization"]["name"] == ORGANIZATION
    cards, trial = found["dlp_policies"]
    assert (cards["name"], trial["mode"]) == ("Cards", "TestWithNotifications")
    (rule,) = cards["rules"]
    assert rule["conditions"] == {"access_scope": "NotInOrganization"}
    assert rule["exceptions"] == {"from": ["ann@contoso.com"]}
    assert rule["actions"] == {"encrypt_rms_template": "Encrypt"}
    assert found["labels"][0]["name"] == "{{ 7 * 7 }}"
    assert found["unavailable"] == {}


def test_what_was_read_is_refused_as_a_state(organization: Tenant) -> None:
    state = {"m365.message_encryption.message_encryption_state": {"state": {"dlp_policies": []}}}
    run = organization.run({**state, "ignore_errors": True})
    assert "dlp_policies" in next(iter(run)).result["msg"]


def test_what_is_not_granted_is_named_with_its_role(organization: Tenant) -> None:
    organization.emulator.organizations[ORGANIZATION].patch({"compliance_role": False})
    found = read(organization)
    organization.emulator.organizations[ORGANIZATION].patch({"compliance_role": True})
    assert set(found["unavailable"]) == set(GATHER)
    assert not set(GATHER) & set(found)
    assert all("Security Reader" in why for why in found["unavailable"].values())


@pytest.mark.parametrize("line", ["psrp", "constrained"])
def test_a_wire_that_cannot_ask_says_so_and_the_task_goes_on(tmp_path: Path, line: str) -> None:
    with Emulator([STATE]) as emulator:
        found = read(tenant(tmp_path, emulator, line))
    assert found["organization"]["name"] == ORGANIZATION
    assert set(found["unavailable"]) == set(GATHER)
    assert all("compliance endpoint" in why for why in found["unavailable"].values())


def test_everything_else_opens_no_second_session(organization: Tenant) -> None:
    organization.emulator.compliance.shown.clear()
    organization.run({"m365.message_encryption.message_encryption_info": {}})
    assert organization.emulator.compliance.shown == []
