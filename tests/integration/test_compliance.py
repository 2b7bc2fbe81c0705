# SPDX-License-Identifier: GPL-3.0-or-later
"""DLP policies and labels, read from the compliance endpoint by a playbook: over each wire the same is read, and what
cannot be read costs nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.organization import default_state

from .playbook import Controller
from .role import play, report
from .tenant import Tenant, inventory, tenant

# The constrained endpoint has none of the compliance endpoint's cmdlets.
pytestmark = pytest.mark.possible_wires("rest", "psrp", "engine", "powershell")

ORGANIZATION, OTHER = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"
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
#: What loses every try to connect to the compliance endpoint in a shell. Over rest, a port is closed.
UNREACHABLE = [
    {"kind": "lost_before", "wire": "psrp", "step": "command", "cmdlet": "Connect-IPPSSession", "times": None},
    {"kind": "503", "wire": "powershell", "step": "connect-compliance", "times": None},
]
UNREACHED = {"ansible_exchange_retries": 1, "ansible_exchange_compliance_url": "https://127.0.0.1:9"}
WIRES = pytest.mark.wires("rest", "psrp", "powershell")
CHEAP_WIRES = pytest.mark.wires("rest", "psrp")
ORGANIZATIONS = pytest.mark.organizations(STATE)


def read(organization: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = organization.run(INFO)["message_encryption_info"]
    return found


def policies_read(organization: Tenant) -> int:
    """How often DLP policies were read, over whatever wire."""
    return [call.cmdlet for call in organization.emulator.calls].count("Get-DlpCompliancePolicy")


@WIRES
@ORGANIZATIONS
def test_a_task_reads_what_both_endpoints_have(tenant: Tenant) -> None:
    found = read(tenant)
    assert found["organization"]["name"] == ORGANIZATION
    cards, trial = found["dlp_policies"]
    assert (cards["name"], trial["mode"]) == ("Cards", "TestWithNotifications")
    (rule,) = cards["rules"]
    assert rule["conditions"] == {"access_scope": "NotInOrganization"}
    assert rule["exceptions"] == {"from": ["ann@contoso.com"]}
    assert rule["actions"] == {"encrypt_rms_template": "Encrypt"}
    assert found["labels"][0]["name"] == "{{ 7 * 7 }}"
    assert found["label_policies"][0]["labels"] == ["Secret"]
    assert found["auto_label_policies"][0]["label"] == "Secret"
    assert found["unavailable"] == {}


@CHEAP_WIRES
@ORGANIZATIONS
def test_an_audit_and_a_plan_say_who_else_encrypts(tenant: Tenant) -> None:
    play(tenant.controller, "audit")
    (audited,) = report(tenant.controller, tenant.host)["organizations"]
    assert (audited["overview"]["not_read"], audited["overview"]["unseen"]) == ([], ["encrypt_button"])
    play(tenant.controller, "baseline", "--check", encrypt_outgoing=True)
    (planned,) = report(tenant.controller, tenant.host)["organizations"]
    for organization in (audited, planned):
        assert ("dlp", "read") in {(row["kind"], row["rests_on"]) for row in organization["mail"]["encrypters"]}


@CHEAP_WIRES
@ORGANIZATIONS
def test_an_audit_names_what_is_not_granted_once_with_its_role(tenant: Tenant) -> None:
    tenant.emulator.organizations[ORGANIZATION].patch({"compliance_role": False})
    play(tenant.controller, "audit")
    overview = report(tenant.controller, tenant.host)["organizations"][0]["overview"]
    assert overview["unseen"] == ["dlp", "labels", "encrypt_button"]
    (line,) = overview["not_read"]
    assert "Security Reader" in line


@CHEAP_WIRES
@pytest.mark.organizations({**default_state(ORGANIZATION), **STATE})
def test_a_replay_counts_what_dlp_protects(tenant: Tenant) -> None:
    actions = {"apply_rights_protection_template": "Encrypt"}
    rule = {"name": "Partners", "conditions": {"recipient_domain_is": ["fabrikam.com"]}, "actions": actions}
    ran = tenant.run({"m365.message_encryption.mail_flow_replay": {"rules": [rule], "compare_with": []}})
    assert ran.rc == 0, ran.output
    assert ran["mail_flow_replay"]["unseen"] == ["encrypt_button"]


@ORGANIZATIONS
def test_what_was_read_is_refused_as_a_state(tenant: Tenant) -> None:
    state = {"m365.message_encryption.message_encryption_state": {"state": {"dlp_policies": []}}}
    run = tenant.run({**state, "ignore_errors": True})
    assert "dlp_policies" in next(iter(run)).result["msg"]


@WIRES
@ORGANIZATIONS
def test_what_is_not_granted_is_named_with_its_role(tenant: Tenant) -> None:
    tenant.emulator.organizations[ORGANIZATION].patch({"compliance_role": False})
    found = read(tenant)
    assert found["organization"]["name"] == ORGANIZATION
    assert set(found["unavailable"]) == set(GATHER)
    assert not set(GATHER) & set(found)
    told = found["unavailable"]
    assert "Security Reader" in told["dlp_policies"]
    assert [told[name].partition(":")[0] for name in GATHER] == [
        "Get-DlpCompliancePolicy",
        "Get-Label",
        "Get-LabelPolicy",
        "Get-AutoSensitivityLabelPolicy",
    ]
    assert "".join(told.values()).count("Security Reader") == 1


@CHEAP_WIRES
@ORGANIZATIONS
def test_of_a_half_granted_role_its_half_is_read(tenant: Tenant) -> None:
    tenant.emulator.organizations[ORGANIZATION].patch({"hidden_cmdlets": ["Get-Label", "Get-DlpComplianceRule"]})
    found = read(tenant)
    assert set(found["unavailable"]) == {"labels", "dlp_policies"}
    assert "Get-Label:" in found["unavailable"]["labels"]
    assert "Get-DlpComplianceRule:" in found["unavailable"]["dlp_policies"]
    assert {"label_policies", "auto_label_policies"} <= set(found)


@CHEAP_WIRES
@ORGANIZATIONS
def test_what_cannot_be_reached_is_named_and_the_task_goes_on(tenant: Tenant) -> None:
    tenant.emulator.faults.set(UNREACHABLE)
    run = tenant.run({**INFO, "vars": UNREACHED})
    found = run["message_encryption_info"]
    assert found["organization"]["name"] == ORGANIZATION
    assert set(found["unavailable"]) == set(GATHER)
    assert "compliance endpoint" in found["unavailable"]["dlp_policies"]


@CHEAP_WIRES
@ORGANIZATIONS
def test_a_test_of_mail_asks_where_it_is_told_to(tenant: Tenant) -> None:
    """As an audit, it then says what DLP does; without, it says that nobody asked."""
    sent = {"name": "Offer", "from": f"alexw@{ORGANIZATION}", "authenticated": True, "to": ["ann@fabrikam.com"]}
    asked = {"messages": [sent], "rules": [], "facts": {"mailboxes": [f"alexw@{ORGANIZATION}"]}}
    plain = tenant.run({"m365.message_encryption.mail_flow_test": asked})["mail_flow_test"]
    assert (policies_read(tenant), len(plain["not_read"])) == (0, 1)
    assert {"dlp", "labels"} <= set(plain["unseen"])
    told = {**asked, "facts": {**asked["facts"], "accepted_domains": [ORGANIZATION], "labels": []}, "compliance": True}
    found = tenant.run({"m365.message_encryption.mail_flow_test": told})["mail_flow_test"]
    assert policies_read(tenant) == 1
    assert ("not_read" in found, found["unseen"]) == (False, ["encrypt_button"])
    copy = found["messages"][0]["recipients"]["ann@fabrikam.com"]
    assert copy["protected_by_dlp"] == ["Cards to people outside"], copy


@CHEAP_WIRES
@ORGANIZATIONS
def test_whoever_wants_it_reached_has_an_unreachable_host(tenant: Tenant) -> None:
    tenant.emulator.faults.set(UNREACHABLE)
    run = tenant.run({**INFO, "vars": {**UNREACHED, "ansible_exchange_compliance": True}, "ignore_unreachable": True})
    assert next(iter(run)).result["unreachable"]


@pytest.mark.parametrize("line", ["psrp", pytest.param("powershell", marks=pytest.mark.engine)])
def test_another_tenant_is_refused_with_all_that_it_brought(tmp_path: Path, engine: Engine | None, line: str) -> None:
    other = {**STATE, "name": OTHER, "dlp_policies": [{"Name": "Theirs"}], "dlp_rules": []}
    with Emulator([{**STATE, "compliance_of": OTHER}, other], engine=engine) as emulator:
        run = tenant(tmp_path, emulator, line).run({**INFO, "ignore_unreachable": True})
        (result,) = (task.result for task in run)
        assert result["unreachable"]
        assert emulator.organizations[OTHER].tenant_id in result["msg"]
        assert "Theirs" not in run.output


def test_an_endpoint_that_is_connected_already_says_so_and_the_task_goes_on(tmp_path: Path) -> None:
    with Emulator([STATE]) as emulator:
        found = read(tenant(tmp_path, emulator, "constrained"))
    assert found["organization"]["name"] == ORGANIZATION
    assert set(found["unavailable"]) == set(GATHER)
    assert "exchange_compliance: true" in found["unavailable"]["dlp_policies"]


def test_an_endpoint_that_is_connected_to_both_is_asked_if_the_inventory_says_so(tmp_path: Path) -> None:
    with Emulator([STATE]) as emulator:
        hosts = inventory(emulator, "constrained")
        (variables,) = hosts["exchange_organizations"]["hosts"].values()
        variables |= {"ansible_exchange_compliance": True, "ansible_psrp_configuration_name": "Exchange.Purview"}
        run = Controller(tmp_path, hosts).tasks([{"name": "message_encryption_info", **INFO}])
        found = run["message_encryption_info"]
        assert [policy["name"] for policy in found["dlp_policies"]] == ["Cards", "Trial"]
        assert emulator.service.ledger.counters["shells_opened"] == 1


@CHEAP_WIRES
@ORGANIZATIONS
def test_everything_else_opens_no_second_session(tenant: Tenant) -> None:
    tenant.run({"m365.message_encryption.message_encryption_info": {}})
    assert (tenant.emulator.compliance.shown, policies_read(tenant)) == ([], 0)
    assert tenant.emulator.service.ledger.counters.get("exchange_sessions_opened", 1) == 1
