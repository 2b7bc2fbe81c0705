# SPDX-License-Identifier: GPL-3.0-or-later
"""A test organization is asked with temporary rules, over the wires: what it answers, and that the rules never stay."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.organization import default_state

from .processes import started, wait_for, workers
from .tenant import Tenant

NAME = "contoso.onmicrosoft.com"
ALEX, MEGAN, PARTNER = f"AlexW@{NAME}", f"MeganB@{NAME}", "tests@fabrikam.com"
ENCRYPT: dict[str, Any] = {
    "Name": "Encrypt",
    "FromScope": "InOrganization",
    "SentToScope": "NotInOrganization",
    "ApplyRightsProtectionTemplate": "Encrypt",
}
REJECT: dict[str, Any] = {
    "Name": "Salaries",
    "SubjectContainsWords": ["salary"],
    "RejectMessageReasonText": "Not by mail.",
    "SetAuditSeverity": "Low",
}

MODULE = "m365.message_encryption.mail_flow_experiment"
JOANNA, NOBODY = f"JoanneL@{NAME}", "nobody@relay.contoso.com"
#: Exchange takes mail from outside to an address of nobody only in a domain of which others have mailboxes, too.
DOMAINS = [
    {"DomainName": NAME, "DomainType": "Authoritative", "MatchSubDomains": False},
    {"DomainName": "relay.contoso.com", "DomainType": "InternalRelay", "MatchSubDomains": False},
]
SLOW = {**default_state(NAME)["mail_service"], "trace_seconds": 3600}


def state(**parts: Any) -> dict[str, Any]:
    return default_state(NAME) | {
        "advanced_message_encryption": True,
        "irm_configuration": {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True},
        "transport_rules": [REJECT],
        "mail_grants": {"send": [ALEX], "read": [MEGAN]},
        **parts,
    }


def asking(tenant: Tenant, record: Path, *questions: str, **options: Any) -> dict[str, Any]:
    return {
        MODULE: {
            "questions": list(questions),
            "temporary_rules": True,
            "record": str(record),
            "wait": 5,
            "senders": [ALEX],
            "recipients": [MEGAN, JOANNA],
            **options,
        },
        "vars": {
            "ansible_exchange_graph_url": tenant.emulator.url,
            "ansible_exchange_ca_cert": tenant.emulator.describe()["ca_cert"],
        },
    }


def rules_of(tenant: Tenant) -> list[str]:
    return [row["Name"] for row in tenant.state()["transport_rules"]]


def answers_of(found: dict[str, Any]) -> dict[str, Any]:
    return {row["id"]: row.get("answer", row.get("why")) for row in found["questions"]}


@pytest.mark.possible_wires("rest", "powershell")
@pytest.mark.organizations(state(answers={"U08": True, "U07": False}))
def test_all_that_messages_from_inside_tell(tenant: Tenant, tmp_path: Path) -> None:
    given = asking(
        tenant,
        tmp_path / "record.json",
        "all",
        max_messages=60,
        read_copies=True,
        observations=str(tmp_path / "seen.json"),
    )
    found = tenant.run(given)["mail_flow_experiment"]
    no = dict.fromkeys(("U03", "U06", "U07", "U11"), False)
    assert answers_of(found) == no | dict.fromkeys(("U02", "U08", "U09", "U15", "U22"), True)
    assert {row["id"] for row in found["settled"]} == {"U03", "U06", "U07", "U08", "U15"}
    assert rules_of(tenant) == ["Salaries"]


@pytest.mark.organizations(state(transport_rules=[ENCRYPT]))
def test_check_mode_says_what_verdicts_rest_on_also_where_no_message_tells_more(tenant: Tenant, tmp_path: Path) -> None:
    given = asking(tenant, tmp_path / "record.json", "relied_on")
    found = tenant.run({**given, "check_mode": True})["mail_flow_experiment"]
    assert {row["id"] for row in found["relied_on"]} >= {"U26", "U29"}
    assert {row["id"] for row in found["relied_on"]} == {row["name"] for row in found["not_sent"]}
    assert (found["experiments"], found["sent"], found["changed"]) == ([], 0, False)


@pytest.mark.endpoint
@pytest.mark.wires("rest", "psrp", "powershell")
@pytest.mark.organizations(state(answers={"U19": False}, accepted_domains=DOMAINS))
def test_mail_from_outside_over_each_wire(tenant: Tenant, tmp_path: Path) -> None:
    described = tenant.emulator.describe()["smtp"]
    outside = {
        "senders": [PARTNER],
        "recipients": [NOBODY],
        "send_with": "smtp",
        "smtp_host": "localhost",
        "smtp_port": described["port"],
        "smtp_username": described["user"],
        "smtp_password": described["password"],
    }
    found = tenant.run(asking(tenant, tmp_path / "record.json", "U19", **outside))["mail_flow_experiment"]
    assert answers_of(found) == {"U19": False}, found["msg"]
    assert rules_of(tenant) == ["Salaries"]


@pytest.mark.possible_wires("rest", "powershell")
@pytest.mark.organizations(state(mail_service=SLOW))
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_ended_while_its_rules_are_there(tenant: Tenant, tmp_path: Path, number: signal.Signals) -> None:
    records = tmp_path / "records"
    with started(tenant, asking(tenant, records / "killed.json", "U08")) as run:
        wait_for(lambda: tenant.state()["message_trace"])
        (worker,) = workers(tenant.controller.inventory)
        theirs = rules_of(tenant)
        assert len(theirs) == 4
        if number is signal.SIGTERM:
            os.kill(worker, number)
            wait_for(lambda: rules_of(tenant) == ["Salaries"])
            return
        # Another run beside it leaves its rules alone.
        beside = tenant.run(asking(tenant, records / "beside.json", "U15", effective_within=0, wait=0))
        # Its rules do not act yet: no message asked the question.
        found = beside["mail_flow_experiment"]
        assert (found["sent"], found["probes"]) == (0, 1)
        assert rules_of(tenant) == theirs
        os.kill(worker, number)
        run.kill()
        run.wait()
    assert rules_of(tenant) == theirs
    later = tenant.run(asking(tenant, records / "later.json", "U15", effective_within=0, wait=0))
    assert answers_of(later["mail_flow_experiment"]) == {"U15": "not_sent"}
    assert rules_of(tenant) == ["Salaries"]
    assert sorted(path.name for path in records.iterdir()) == ["beside.json", "killed.json", "later.json"]
