# SPDX-License-Identifier: GPL-3.0-or-later
"""Test messages that the role and the playbook send to an emulated organization."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail_control import (
    EXPERIMENT_OPTIONS,
)

from .playbook import ROOT
from .role import artifacts, newest, play, report
from .tenant import SENT_MAIL, TIMES, Tenant, lasting

#: Microsoft Graph sends the mail and reads it, with an application's credential.
pytestmark = pytest.mark.possible_wires("rest", "powershell")

NAME = "contoso.onmicrosoft.com"
MEGAN, ALEX, ANN = f"MeganB@{NAME}".lower(), f"AlexW@{NAME}".lower(), "ann@fabrikam.com"
STORED: dict[str, Any] = {
    "Name": "Partners",
    "FromScope": "InOrganization",
    "RecipientDomainIs": ["fabrikam.com"],
    "ApplyRightsProtectionTemplate": "Encrypt",
    "SetAuditSeverity": "Low",
}
RULE: dict[str, Any] = {
    "name": "Partners",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "actions": {"apply_rights_protection_template": "Encrypt", "set_audit_severity": "Low"},
}
GUARANTEE = {
    "name": "partners",
    "when": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "then": "encrypted",
}
PEOPLE = {"senders": [MEGAN], "recipients": [ALEX, ANN], "wait": 1}


def state(*rules: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {
        "name": NAME,
        "irm_configuration": {"AzureRMSLicensingEnabled": True},
        "transport_rules": list(rules),
        "mail_grants": {"send": [MEGAN], "read": [ALEX]},
        **parts,
    }


def sent(tenant: Tenant) -> int:
    """How many messages the sender's mailbox has sent."""
    return sum(row["folder"] == "SentItems" for row in tenant.state()["mailboxes"].get(MEGAN, ()))


@pytest.mark.organizations(state(STORED))
def test_the_playbook_shows_sends_and_reads_again(tenant: Tenant) -> None:
    wanted = {"experiment": PEOPLE, "guarantees": [GUARANTEE]}
    checked = play(tenant.controller, "experiment", "--check", **wanted)
    assert "Would send" in checked.stdout
    assert sent(tenant) == 0
    done = play(tenant.controller, "experiment", **wanted)
    assert "contradict it" in done.stdout
    (record,) = (artifacts(tenant.controller) / "experiments").glob("*.json")
    assert f"Record: {record}" in done.stdout
    number = sent(tenant)
    assert number > 0
    play(tenant.controller, "experiment", "-e", f"message_encryption_experiment_record={record}")
    assert sent(tenant) == number


TRIED: dict[str, Any] = {"Name": "Tried", "Mode": "Audit", "StopRuleProcessing": True, "SetAuditSeverity": "Low"}


@pytest.mark.parametrize("answer", [False, True])
@pytest.mark.organizations(state(TRIED, STORED))
def test_what_an_organization_answers_is_kept(tenant: Tenant, answer: bool) -> None:
    tenant.emulator.organizations[NAME].patch({"answers": {"U08": answer}})
    wanted = {"experiment": {**PEOPLE, "rules": ["Partners"], "observations": "observed/contoso.json"}}
    play(tenant.controller, "experiment", **wanted)
    file = tenant.controller.home / "observed/contoso.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    document, _mark = json.loads(file.read_text(encoding="utf-8"))
    assert {(each["id"], each["answer"]) for each in document["observations"]} == {("U08", answer)}


@pytest.mark.organizations(state(STORED, lies=["no rules"]))
def test_the_playbook_fails_where_exchange_contradicts(tenant: Tenant) -> None:
    ran = play(tenant.controller, "experiment", rc=2, experiment=PEOPLE, guarantees=[GUARANTEE])
    assert "contradict what was computed" in ran.output


@pytest.mark.parametrize(
    ("experiment", "told"),
    [
        ({**PEOPLE, "may_reech": [ANN]}, "may_reech"),
        ({"recipients": [ANN]}, "hardened_baseline_experiment needs senders and recipients"),
    ],
    ids=["unknown option", "nobody"],
)
@pytest.mark.organizations(state(STORED))
def test_the_playbook_refuses_what_it_does_not_understand(
    tenant: Tenant, experiment: dict[str, Any], told: str
) -> None:
    ran = play(tenant.controller, "experiment", rc=2, experiment=experiment, guarantees=[GUARANTEE])
    assert told in " ".join(ran.output.split())
    assert sent(tenant) == 0


def test_the_playbook_knows_the_options_of_the_role() -> None:
    (_check, plan) = yaml.safe_load((ROOT / "playbooks/experiment.yml").read_text(encoding="utf-8"))
    assert sorted(plan["vars"]["__message_encryption_known"]) == sorted(EXPERIMENT_OPTIONS)


@pytest.mark.organizations(state(STORED, mail_grants={"send": [], "read": []}))
def test_the_playbook_fails_if_a_message_is_refused(tenant: Tenant) -> None:
    ran = play(tenant.controller, "experiment", rc=2, experiment=PEOPLE, guarantees=[GUARANTEE])
    assert "Refused messages: 1" in ran.output


def control(tenant: Tenant, procedure: str) -> dict[str, Any]:
    (found,) = [
        row
        for row in report(tenant.controller, tenant.host, procedure)["organizations"][0]["controls"]
        if row["id"] == "VRF-3"
    ]
    return dict(found)


@pytest.mark.organizations(state(STORED))
def test_an_audit_judges_by_test_messages(tenant: Tenant) -> None:
    wanted = {"experiment": PEOPLE, "guarantees": [GUARANTEE], "encryption_rules": [RULE]}
    before = tenant.state()
    play(tenant.controller, "audit", "--check", **wanted)
    assert (sent(tenant), control(tenant, "audit")["status"]) == (0, "not assessable")
    play(tenant.controller, "audit", **wanted)
    number = sent(tenant)
    found = control(tenant, "audit")
    assert (found["status"], number > 0) == ("met", True)
    assert any(
        "mail to fabrikam.com is delivered, protection not seen, and 'Partners' acted" in line
        for line in found["findings"]
    )
    folder = newest(tenant.controller, "audit") / tenant.host
    assert stat.S_IMODE((folder / "experiment.json").stat().st_mode) == 0o600
    assert ANN not in (folder / "report.html").read_text(encoding="utf-8")
    assert lasting(tenant.state(), TIMES | SENT_MAIL) == lasting(before, TIMES | SENT_MAIL)
    tenant.emulator.organizations[NAME].patch({"lies": ["delivered", "no rules"]})
    audited = play(tenant.controller, "audit", rc=2, fail_on_drift=True, **wanted)
    assert "VRF-3 (Mail does what was computed)" in audited.output


@pytest.mark.organizations(state())
def test_a_baseline_shows_that_what_it_stored_acts(tenant: Tenant) -> None:
    wanted = {"experiment": {**PEOPLE, "after_changes": True}, "encryption_rules": [RULE]}
    play(tenant.controller, "baseline", "--check", **wanted)
    assert sent(tenant) == 0
    play(tenant.controller, "baseline", **wanted)
    found = control(tenant, "baseline")
    assert found["status"] == "met"
    assert any("'Partners' acted" in line for line in found["findings"])
    number = sent(tenant)
    play(tenant.controller, "baseline", **wanted)
    assert (sent(tenant), control(tenant, "baseline")["status"]) == (number, "not applicable")


def test_a_secret_of_the_mail_server_is_nowhere(tmp_path: Path, tenant: Tenant) -> None:
    """The password of a mail server is in no file and on no screen."""
    tenant.emulator.organizations[NAME].replace(state(STORED))
    smtp = tenant.emulator.describe()["smtp"]
    outside = {
        "senders": ["probe@outside.example"],
        "recipients": [ALEX],
        "send_with": "smtp",
        "smtp_host": smtp["host"],
        "smtp_port": smtp["port"],
        "smtp_username": smtp["user"],
        "smtp_password": smtp["password"],
        "wait": 1,
        "rules": ["Partners"],
    }
    ran = play(tenant.controller, "audit", "-vvv", experiment=outside)
    assert smtp["password"] not in ran.output
    written = [path for path in artifacts(tenant.controller).rglob("*") if path.is_file()]
    assert [path for path in written if smtp["password"] in path.read_text(encoding="utf-8")] == []
    assert json.dumps(control(tenant, "audit")["status"])
