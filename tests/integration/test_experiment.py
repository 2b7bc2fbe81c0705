# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that are sent, over the wires: what an organization does with them, and what is said of it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.organization import default_state

from .tenant import Tenant

#: Microsoft Graph sends the mail and reads it, with an application's credential.
pytestmark = pytest.mark.possible_wires("rest", "powershell")

NAME = "contoso.onmicrosoft.com"
ALEX, MEGAN = f"AlexW@{NAME}", f"MeganB@{NAME}"
PARTNER = "tests@fabrikam.com"
ENCRYPT: dict[str, Any] = {
    "Name": "Partners",
    "FromScope": "InOrganization",
    "RecipientDomainIs": ["fabrikam.com"],
    "ApplyRightsProtectionTemplate": "Encrypt",
    "SetAuditSeverity": "Low",
}
REJECT: dict[str, Any] = {
    "Name": "Salaries",
    "SubjectContainsWords": ["salary"],
    "RejectMessageReasonText": "Not by mail.",
    "SetAuditSeverity": "Low",
}
SECRET: dict[str, Any] = {
    "Name": "Secret",
    "SubjectContainsWords": ["secret"],
    "ApplyRightsProtectionTemplate": "Encrypt",
    "SetAuditSeverity": "Low",
}
GUARANTEE = {"name": "To the partner", "when": {"recipient_domain_is": ["fabrikam.com"]}, "then": "not_in_clear"}


def state(**parts: Any) -> dict[str, Any]:
    return default_state(NAME) | {
        "advanced_message_encryption": True,
        "compliance_role": True,
        "irm_configuration": {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True},
        "transport_rules": [REJECT, SECRET, ENCRYPT],
        "mail_grants": {"send": [ALEX], "read": [ALEX, MEGAN]},
        **parts,
    }


def experiment(tenant: Tenant, record: Path, **options: Any) -> dict[str, Any]:
    """What the module returns, and what a person sees of it."""
    given = {"record": str(record), "wait": 1, "senders": [ALEX], "recipients": [MEGAN, PARTNER], **options}
    task = {
        "m365.message_encryption.mail_flow_experiment": {
            key: value for key, value in given.items() if value is not None
        },
        "vars": {"ansible_exchange_graph_url": tenant.emulator.url},
    }
    ran = tenant.run(task)
    assert not tenant.applied
    (done,) = ran
    return dict(done.result) | {"_output": ran.output, "_outcome": done.outcome}


def copies(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{row['name']} {address.partition('@')[0].lower()}": copy
        for row in found["experiments"]
        for address, copy in row["recipients"].items()
    }


MESSAGES = [
    {"name": "plain", "from": ALEX, "to": [MEGAN, PARTNER], "subject": "Lunch", "body": "At noon?"},
    {"name": "no", "from": ALEX, "to": [MEGAN], "subject": "My salary"},
    {"name": "inside", "from": ALEX, "to": [MEGAN], "subject": "secret", "importance": "High"},
]


@pytest.mark.organizations(state())
def test_what_was_computed_is_seen(tenant: Tenant, tmp_path: Path) -> None:
    record = tmp_path / "kept" / "record.json"
    found = experiment(tenant, record, messages=MESSAGES, read_copies=True)
    seen = copies(found)
    assert {name: copy["agrees"] for name, copy in seen.items()} == dict.fromkeys(
        ("plain meganb", "plain tests", "no meganb", "inside meganb"), True
    )
    told = {name: (copy["observed"]["fate"], copy["observed"]["protection"]) for name, copy in seen.items()}
    assert told == {
        "plain meganb": ("delivered", "clear"),
        "plain tests": ("delivered", "not_seen"),
        "no meganb": ("rejected", "not_seen"),
        "inside meganb": ("delivered", "protected"),
    }
    assert seen["plain tests"]["observed"]["rules"] == ["Partners"]
    assert seen["plain tests"]["observed"]["tls"] == "TLS1.2"
    assert (found["sent"], found["changed"], found["unavailable"]) == (3, True, {})
    assert found["msg"].startswith("3 of 3 messages sent. Of 4 copies, 4 agree")
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    later = experiment(tenant, record, read_only=True, senders=None, recipients=None)
    assert later["changed"] is False
    assert {name: copy["agrees"] for name, copy in copies(later).items()} == dict.fromkeys(seen, True)
    assert "report" in copies(later)["plain tests"]["observed"]["evidence"]


@pytest.mark.organizations(state(mail_service={**default_state(NAME)["mail_service"], "message_id": "replaced"}))
def test_a_copy_is_found_under_the_id_that_the_service_gave_it(tenant: Tenant, tmp_path: Path) -> None:
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[2:], read_copies=True)
    assert copies(found)["inside meganb"]["observed"]["protection"] == "protected"


@pytest.mark.possible_wires("rest", "psrp", "engine", "powershell")
@pytest.mark.organizations(state())
def test_check_mode_shows_the_messages_and_sends_none(tenant: Tenant, tmp_path: Path) -> None:
    task = {
        "m365.message_encryption.mail_flow_experiment": {
            "guarantees": [GUARANTEE],
            "rules": ["Salaries"],
            "senders": [ALEX],
            "recipients": [MEGAN, PARTNER],
        },
        "check_mode": True,
    }
    found = tenant.run(task)["mail_flow_experiment"]
    assert found["sent"] == 0
    assert len(found["experiments"]) == 2
    assert tenant.emulator.service.ledger.counters.get("graph_send", 0) == 0
    assert not tenant.state()["left"]


@pytest.mark.organizations(state(compliance_role=False))
def test_that_policies_and_labels_may_not_be_read_is_one_line(tenant: Tenant, tmp_path: Path) -> None:
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[:1], compliance=True)
    assert {"dlp_policies", "labels"} <= set(found["unavailable"])
    assert found["msg"].count("Not read:") == 1
    assert "is not computed" in " ".join(found["msg"].split())


@pytest.mark.organizations(state(lies=["no rules"]))
def test_a_rule_that_is_not_reported_is_a_contradiction(tenant: Tenant, tmp_path: Path) -> None:
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[:1])
    assert copies(found)["plain tests"]["agrees"] is False
    assert copies(found)["plain meganb"]["agrees"] is True
    assert found["_outcome"] == "failed"
    assert "report it as a bug" in " ".join(found["msg"].split())


@pytest.mark.organizations(state(lies=["clear"]))
def test_a_copy_in_clear_is_a_contradiction(tenant: Tenant, tmp_path: Path) -> None:
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[2:], read_copies=True)
    (copy,) = copies(found).values()
    assert [each["part"] for each in copy["contradictions"]] == ["protection"]


@pytest.mark.organizations(state())
def test_a_report_in_the_mailbox_of_the_sender_says_why_a_copy_was_rejected(tenant: Tenant, tmp_path: Path) -> None:
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[1:2], read_copies=True)
    seen = copies(found)["no meganb"]["observed"]
    assert (seen["fate"], seen["evidence"]) == ("rejected", ["trace", "detail", "bounce"])
    assert seen["bounce"]["status"] == "5.7.1"
    assert "Not by mail." in seen["bounce"]["text"]
    assert "Not by mail." not in found["msg"]


@pytest.mark.organizations(state(mail_grants={"send": [ALEX], "read": [MEGAN]}))
def test_that_reports_may_not_be_read_is_said(tenant: Tenant, tmp_path: Path) -> None:
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[1:2], read_copies=True)
    assert copies(found)["no meganb"]["observed"]["evidence"] == ["trace", "detail"]
    assert "Mail.Read" in found["unavailable"]["bounces"]


@pytest.mark.organizations(state(mail_grants={"send": [], "read": []}))
def test_a_mailbox_that_is_not_granted_sends_nothing_and_says_what_to_grant(tenant: Tenant, tmp_path: Path) -> None:
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES)
    assert [row["state"] for row in found["experiments"]] == ["refused", "planned", "planned"]
    assert "Mail.Send" in found["experiments"][0]["reason"]
    assert (found["sent"], found["changed"]) == (0, False)


@pytest.mark.organizations(state())
def test_a_lost_answer_sends_nothing_twice(tenant: Tenant, tmp_path: Path) -> None:
    tenant.emulator.faults.set([{"kind": "lost_after", "step": "send"}])
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[:1])
    assert [row["state"] for row in found["experiments"]] == ["perhaps_sent"]
    assert copies(found)["plain tests"]["agrees"] is True
    assert len({row["MessageTraceId"] for row in tenant.state()["message_trace"]}) == 1


@pytest.mark.organizations(state())
def test_mail_from_outside_comes_from_a_server_of_the_user(tenant: Tenant, tmp_path: Path) -> None:
    described = tenant.emulator.describe()["smtp"]
    outside = [{"name": "reply", "from": PARTNER, "to": [MEGAN], "subject": "Re: salary"}]
    options = {
        "messages": outside,
        "senders": [PARTNER],
        "recipients": [MEGAN],
        "send_with": "smtp",
        "smtp_host": "localhost",
        "smtp_port": described["port"],
        "smtp_username": described["user"],
        "smtp_password": described["password"],
    }
    record = tmp_path / "record.json"
    found = experiment(tenant, record, **options)
    assert copies(found)["reply meganb"]["observed"]["fate"] == "rejected"
    assert copies(found)["reply meganb"]["agrees"] is not False
    assert described["password"] not in found["_output"]
    assert described["password"] not in record.read_text(encoding="utf-8")


@pytest.mark.organizations(state(mail_service={**default_state(NAME)["mail_service"], "rule_names": False}))
def test_rules_are_known_by_their_guids(tenant: Tenant, tmp_path: Path) -> None:
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[:1])
    assert copies(found)["plain tests"]["observed"]["rules"] == ["Partners"]


@pytest.mark.organizations(state())
def test_a_mailbox_that_forwards_outside_is_refused_until_that_is_allowed(tenant: Tenant, tmp_path: Path) -> None:
    organization = tenant.emulator.organizations[NAME]
    for row in organization.state["recipients"]:
        if row["address"] == MEGAN:
            row["forwards_to"] = "elsewhere@example.com"
    refused = experiment(tenant, tmp_path / "refused.json", messages=MESSAGES[:1])
    assert refused["_outcome"] == "failed"
    assert "elsewhere@example.com" in refused["msg"]
    assert not organization.state["message_trace"]
    found = experiment(tenant, tmp_path / "record.json", messages=MESSAGES[:1], may_reach=["elsewhere@example.com"])
    assert copies(found)["plain elsewhere"]["agrees"] == "not_comparable"
    assert json.dumps(found["experiments"]).count("elsewhere@example.com") == 1
