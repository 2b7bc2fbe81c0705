# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange reports of rules, beside what was computed: the module, over the wires."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.message_trace import row
from tests.emulator.organization import default_state
from tests.emulator.rule_reports import computed, computed_dlp, detail, dlp_hit, hit, hits, settled
from tests.emulator.values import stored_instant

from .playbook import Controller
from .tenant import Tenant, inventory

NAME = "contoso.onmicrosoft.com"
NOW = datetime.datetime.now(datetime.UTC)
#: What the compliance endpoint tells, and nobody may read here.
COMPLIANCE_FACTS = ("dlp_policies", "labels", "label_policies", "auto_label_policies")
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
    """What the module returns."""
    ran = tenant.run({"m365.message_encryption.mail_flow_evidence": options})
    assert "SUBJECT" not in ran.output
    assert "@fabrikam.com" not in ran.output
    assert not tenant.applied
    return ran["mail_flow_evidence"]


@pytest.mark.wires("rest", "psrp", "endpoint", "powershell")
@pytest.mark.organizations(state(added_properties={"Get-MailDetailTransportRuleReport": {"UserAction": "None"}}))
def test_what_exchange_reports_is_what_was_computed(tenant: Tenant) -> None:
    calls = len(tenant.emulator.calls)
    found = evidence(tenant)
    assert found["msg"].splitlines() == [
        "Exchange reports that 'Partners' acted on 8 copies; 8 were certain, 0 uncertain, none contradicts.",
        "Encrypted, but not by rules: 0 of 12 messages in 7 days (by policy 0, by people 0)."
        " Exchange counts 8 by policy; rules encrypt 8.",
        "Not seen: DLP policies, sensitivity labels, the Encrypt button.",
    ]
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
    assert found["raw"] == [{"report": "rules", "column": "UserAction"}]
    assert (set(found["unavailable"]), found["strangers"], found["copies"]) == (set(COMPLIANCE_FACTS), [], 12)
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


def named(name: str, **parts: Any) -> dict[str, Any]:
    """Another organization with the same mail and rules."""
    own = default_state(f"{name}.onmicrosoft.com")
    return state(**parts) | {key: own[key] for key in ("name", "tenant_id")}


@pytest.mark.organizations(
    named("late", report_hours_late=48),
    named("changed", transport_rules=[{**STORED, "WhenChanged": stored_instant(NOW - datetime.timedelta(days=3))}]),
    named(
        "refused",
        hidden_cmdlets=[
            "Get-MailDetailTransportRuleReport",
            "Get-MailTrafficEncryptionReport",
            "Get-MessageTraceDetailV2",
        ],
    ),
)
def test_what_is_late_changed_or_not_granted_is_said_and_not_compared(emulator: Emulator, tmp_path: Path) -> None:
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("late", "late", {}),
        ("late", "young", {"until": (NOW - datetime.timedelta(hours=5)).isoformat()}),
        ("changed", "ten days", {}),
        ("changed", "one day", {"days": 1}),
        ("refused", "refused", {}),
    ]
    ran = Controller(tmp_path, inventory(emulator, "rest")).plays(
        [
            {
                "hosts": host,
                "gather_facts": False,
                "tasks": [{"name": name, "m365.message_encryption.mail_flow_evidence": options}],
            }
            for host, name, options in asked
        ]
    )
    assert ran.rc == 0, ran.output
    assert "SUBJECT" not in ran.output
    assert "@fabrikam.com" not in ran.output
    rules = {}
    for _host, name, _options in asked:
        (rules[name],) = ran[name]["rules"]
    late, refused = rules["late"], rules["refused"]
    assert (late["comparable"], late["why"], late["contradictions"]) == (False, "late", [])
    assert rules["young"]["why"] == "young"
    assert (rules["ten days"]["comparable"], rules["ten days"]["why"]) == (False, "changed")
    assert rules["ten days"]["reason"].startswith("the rule 'Partners' changed on ")
    assert rules["one day"]["comparable"] is True
    assert (refused["comparable"], refused["why"], refused["predicted"]["certain"]) == (False, "refused", 8)
    assert "reported" not in refused
    assert "encryption" not in ran["refused"]
    assert set(ran["refused"]["unavailable"]) == {"rule_report", "encryption_report", "sample", *COMPLIANCE_FACTS}
    assert "Get-MailDetailTransportRuleReport" in ran["refused"]["msg"]


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
        ({"trace": [str(tmp_path / "empty.json")]}, "The trace files have no rows."),
        ({"trace": [str(tmp_path / "named.json")]}, "Export the column MessageTraceId, too."),
    ]
    tasks = [({"m365.message_encryption.mail_flow_evidence": options}, why) for options, why in cases]
    assert tenant.unsaid(*tasks) == []


PURVIEW = {
    "compliance_role": True,
    "dlp_policies": [{"Name": "Outgoing"}],
    "dlp_rules": [
        {
            "Name": "Encrypt for Northwind",
            "ParentPolicyName": "Outgoing",
            "RecipientDomainIs": ["northwind.com"],
            "EncryptRMSTemplate": "Encrypt",
        }
    ],
}


def purview(name: str, **parts: Any) -> dict[str, Any]:
    """An organization with a DLP rule, and what is reported of it as the emulator computes it."""
    made = named(name, **PURVIEW)
    return {**made, "dlp_report": computed_dlp(made, MAIL), **parts}


FOUR = [each for each in MAIL if each["RecipientAddress"].endswith("northwind.com")]


@pytest.mark.organizations(
    purview("computed"),
    purview("against", dlp_report=[dlp_hit(PARTNERS[0], "Encrypt for Northwind", "Outgoing")]),
    purview("retired", hidden_cmdlets=["Get-MailDetailDlpPolicyReport"]),
    named("rules"),
)
def test_dlp_rules_are_compared_where_they_can_be(emulator: Emulator, tmp_path: Path) -> None:
    hosts = ("computed", "against", "retired", "rules")
    ran = Controller(tmp_path, inventory(emulator, "rest")).plays(
        [
            {
                "hosts": host,
                "gather_facts": False,
                "tasks": [{"name": host, "m365.message_encryption.mail_flow_evidence": {}}],
            }
            for host in hosts
        ]
    )
    assert ran.rc == 0, ran.output
    (computed_,), (against,), (retired,) = (ran[host]["dlp"]["rules"] for host in hosts[:3])
    assert (computed_["name"], computed_["policy"], computed_["comparable"]) == (
        "Encrypt for Northwind",
        "Outgoing",
        True,
    )
    assert (computed_["reported"], computed_["predicted"]) == (len(FOUR), {"certain": len(FOUR), "possible": 0})
    assert computed_["contradictions"] == []
    assert [(each["kind"], each["copies"]) for each in against["contradictions"]] == [("not_predicted", 1)]
    assert (retired["why"], set(ran["retired"]["unavailable"])) == ("refused", {"dlp_report"})
    assert ran["retired"]["rules"][0]["comparable"] is True
    assert ("dlp" in ran["rules"], ran["rules"]["unseen"]) == (False, ["dlp", "labels", "encrypt_button"])
    assert ran["computed"]["unseen"] == ["encrypt_button"]
