# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange reports of rules, beside what was computed: the module, over the wires."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.message_trace import row
from tests.emulator.organization import default_state
from tests.emulator.rule_reports import computed, detail, hit, hits, settled
from tests.emulator.values import stored_instant

from .tenant import Tenant

NAME = "contoso.onmicrosoft.com"
NOW = datetime.datetime.now(datetime.UTC)
GUID = "11111111-2222-3333-4444-555555555555"
STORED: dict[str, Any] = {
    "Name": "Partners",
    "Guid": GUID,
    "FromScope": "InOrganization",
    "RecipientDomainIs": ["fabrikam.com"],
    "ApplyRightsProtectionTemplate": "Encrypt",
}
MAIL = [
    row(
        number,
        NOW - datetime.timedelta(hours=30, minutes=number),
        f"alexw@{NAME}",
        f"p{number}@{domain}",
        Subject=f"SUBJECT {number}",
    )
    for number in range(12)
    for domain in [("northwind.com", "fabrikam.com", "fabrikam.com")[number % 3]]
]
PARTNERS = [each for each in MAIL if each["RecipientAddress"].endswith("fabrikam.com")]


def state(**parts: Any) -> dict[str, Any]:
    details = [event for each in PARTNERS for event in detail(each, {"Partners": GUID}, "TLS1.2", "To Fabrikam")]
    counted = [
        {
            "Date": MAIL[0]["Received"][:11] + "00:00:00Z",
            "EventType": "EncryptionPolicy",
            "MessageCount": 8,
            "RecipientCount": 8,
        }
    ]
    made = default_state(NAME) | {
        "message_trace": MAIL,
        "transport_rules": [STORED],
        "encryption_report": counted,
        "message_trace_details": details,
    }
    made["rule_report"] = computed(made, MAIL)
    return {**settled(made), **parts}


def evidence(tenant: Tenant, **options: Any) -> dict[str, Any]:
    (found,) = evidences(tenant, options)
    return found


def evidences(tenant: Tenant, *given: dict[str, Any]) -> list[dict[str, Any]]:
    """What the module returns with these options, a task each."""
    ran = tenant.run(*({"m365.message_encryption.mail_flow_evidence": options} for options in given))
    assert "SUBJECT" not in ran.output
    assert "@fabrikam.com" not in ran.output
    assert not tenant.applied
    return [task.result for task in ran]


@pytest.mark.wires("rest", "psrp", "endpoint", "powershell")
@pytest.mark.organizations(state(added_properties={"Get-MailDetailTransportRuleReport": {"UserAction": "None"}}))
def test_what_exchange_reports_is_what_was_computed(tenant: Tenant) -> None:
    calls = len(tenant.emulator.calls)
    found = evidence(tenant)
    assert (
        found["msg"]
        == "Exchange reports that 'Partners' acted on 8 copies; 8 were certain, 0 uncertain, none contradicts."
    )
    (rule,) = found["rules"]
    assert (rule["guid"], rule["mode"], rule["reported"], rule["comparable"], rule["contradictions"]) == (
        GUID,
        "Enforce",
        8,
        True,
        [],
    )
    assert rule["predicted"] == {"certain": 8, "possible": 0}
    assert found["sample"] == [{"rules": ["Partners"], "tls": "TLS1.2", "connector": "To Fabrikam", "copies": 8}]
    assert found["encryption"] == [{"date": MAIL[0]["Received"][:10], "policy": 8, "manual": 0, "copies": 8}]
    assert found["raw"] == [{"report": "rules", "column": "UserAction", "value": "None"}]
    assert (found["unavailable"], found["calibration"], found["strangers"], found["copies"]) == ({}, [], [], 12)
    asked = [call for call in tenant.emulator.calls[calls:] if call.cmdlet == "Get-MailDetailTransportRuleReport"]
    assert [call.parameters["EventType"] for call in asked] == [["TransportRuleHits", "TransportRuleActionHits"]]


MANY = [
    row(number, NOW - datetime.timedelta(hours=30, seconds=number), f"alexw@{NAME}", f"p{number}@fabrikam.com")
    for number in range(5_200)
]


@pytest.mark.organizations(state(message_trace=MANY, rule_report=hits(MANY, "Partners")))
def test_all_pages_are_read(tenant: Tenant) -> None:
    calls = len(tenant.emulator.calls)
    (rule,) = evidence(tenant, sample=0)["rules"]
    assert (rule["reported"], rule["contradictions"]) == (5_200, [])
    asked = [
        call.parameters for call in tenant.emulator.calls[calls:] if call.cmdlet == "Get-MailDetailTransportRuleReport"
    ]
    assert [(each["Page"], each["PageSize"]) for each in asked] == [(1, 5_000), (2, 5_000)]


@pytest.mark.organizations(
    state(
        rule_report=[
            *hits(PARTNERS[:6], "Partners"),
            hit(PARTNERS[7], "Partners"),
            hit(MAIL[0], "Partners"),
            hit(MAIL[3], "Gone"),
        ]
    )
)
def test_contradictions_are_findings_and_name_nobody(tenant: Tenant) -> None:
    found = evidence(tenant, sample=3)
    (rule,) = found["rules"]
    assert rule["contradictions"] == [
        {"kind": "not_reported", "copies": 1, "ids": []},
        {"kind": "not_predicted", "copies": 1, "ids": []},
    ]
    assert found["strangers"] == ["Gone"]
    assert sum(each["copies"] for each in found["sample"]) == 3
    named = {"m365.message_encryption.mail_flow_evidence": {"examples": 1, "rules": ["partners"]}, "register": "seen"}
    ran = tenant.run(named, {"ansible.builtin.debug": {"var": "seen.rules"}})
    assert "rules" not in ran["mail_flow_evidence"]
    assert [each["examples"][0]["subject"] for each in ran["debug"]["seen.rules"][0]["contradictions"]] == [
        "SUBJECT 10",
        "SUBJECT 0",
    ]


@pytest.mark.organizations(state(report_hours_late=48))
def test_a_report_that_is_late_is_no_contradiction(tenant: Tenant) -> None:
    late, young = evidences(tenant, {}, {"until": (NOW - datetime.timedelta(hours=5)).isoformat()})
    (rule,) = late["rules"]
    assert (rule["comparable"], rule["why"], rule["contradictions"]) == (False, "late", [])
    assert young["rules"][0]["why"] == "young"


@pytest.mark.organizations(
    state(transport_rules=[{**STORED, "WhenChanged": stored_instant(NOW - datetime.timedelta(days=3))}])
)
def test_a_rule_that_changed_is_not_compared(tenant: Tenant) -> None:
    ten_days, one_day = evidences(tenant, {}, {"days": 1})
    (rule,) = ten_days["rules"]
    assert (rule["comparable"], rule["why"]) == (False, "changed")
    assert rule["reason"].startswith("the rule 'Partners' changed on ")
    assert one_day["rules"][0]["comparable"] is True


@pytest.mark.organizations(
    state(
        hidden_cmdlets=[
            "Get-MailDetailTransportRuleReport",
            "Get-MailTrafficEncryptionReport",
            "Get-MessageTraceDetailV2",
        ]
    )
)
def test_what_is_not_granted_is_said(tenant: Tenant) -> None:
    found = evidence(tenant)
    (rule,) = found["rules"]
    assert (rule["comparable"], rule["why"], rule["predicted"]["certain"]) == (False, "refused", 8)
    assert "reported" not in rule
    assert "encryption" not in found
    assert set(found["unavailable"]) == {"rule_report", "encryption_report", "sample"}
    assert "Get-MailDetailTransportRuleReport" in found["msg"]


@pytest.mark.organizations(state())
def test_options_are_checked(tenant: Tenant, tmp_path: Path) -> None:
    named = [{key: value for key, value in each.items() if key != "MessageTraceId"} for each in MAIL]
    for file, rows in (("empty.json", []), ("named.json", named)):
        (tmp_path / file).write_text(json.dumps(rows), encoding="utf-8")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"days": 11}, "days is 11. Use a number from 1 to 10."),
        ({"sample": 101}, "sample is 101. Use a number from 0 to 100."),
        ({"rules": ["Nobody"]}, "The organization has no rule 'Nobody'."),
        ({"until": (NOW - datetime.timedelta(days=12)).isoformat()}, "Use a time of the last 10 days"),
        ({"trace": [str(tmp_path / "empty.json")]}, "The files of trace have no rows."),
        ({"trace": [str(tmp_path / "named.json")]}, "Export the column MessageTraceId, too."),
    ]
    tasks = [({"m365.message_encryption.mail_flow_evidence": options}, why) for options, why in cases]
    assert tenant.unsaid(*tasks) == []
