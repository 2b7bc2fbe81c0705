# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's reports of rules: pages, events, lateness, and details."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator import Organization
from tests.emulator.context import Outcome
from tests.emulator.errors import CmdletError
from tests.emulator.message_trace import row
from tests.emulator.rule_reports import RULE_EVENTS, detail, hit, hits

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
Shell = Callable[..., Outcome]
REPORT = "Get-MailDetailTransportRuleReport"
ROWS = [
    row(number, NOW - datetime.timedelta(hours=30, minutes=number), "a@x.com", f"p{number}@x.com")
    for number in range(5)
]


def ask(shell: Shell, cmdlet: str = REPORT, **parameters: Any) -> list[dict[str, Any]]:
    window = {"StartDate": NOW - datetime.timedelta(days=2), "EndDate": NOW}
    return [dict(record.values) for record in shell(cmdlet, **{**window, **parameters}).records]


def test_rules_are_reported_only_where_their_events_are_asked_for(organization: Organization, shell: Shell) -> None:
    organization.patch(
        {
            "rule_report": [
                *hits(ROWS, "R", omitted=[ROWS[2]["MessageTraceId"]]),
                hit(ROWS[0], "R", EventType=RULE_EVENTS[1]),
            ]
        }
    )
    assert ask(shell) == []
    found = ask(shell, EventType=["TransportRuleHits"])
    assert [each["RecipientAddress"] for each in found] == ["p0@x.com", "p1@x.com", "p3@x.com", "p4@x.com"]
    assert len(ask(shell, EventType=list(RULE_EVENTS))) == 5
    assert [each["RecipientAddress"] for each in ask(shell, EventType=["TransportRuleHits"], Page=2, PageSize=3)] == [
        "p4@x.com"
    ]
    with pytest.raises(CmdletError, match="EventType"):
        ask(shell, EventType=["Hits"])


def test_reports_come_late(organization: Organization, shell: Shell) -> None:
    organization.patch({"rule_report": hits(ROWS, "R"), "report_hours_late": 31})
    assert ask(shell, EventType=["TransportRuleHits"]) == []
    organization.patch({"report_hours_late": 29})
    assert len(ask(shell, EventType=["TransportRuleHits"])) == 5


def test_a_report_reaches_back_for_some_days(shell: Shell) -> None:
    with pytest.raises(CmdletError, match="10 days ago"):
        ask(shell, EventType=["TransportRuleHits"], StartDate=NOW - datetime.timedelta(days=11))
    assert ask(shell, "Get-MailTrafficEncryptionReport", StartDate=NOW - datetime.timedelta(days=11)) == []


def test_details_need_message_and_recipient(organization: Organization, shell: Shell) -> None:
    organization.patch({"message_trace_details": detail(ROWS[0], {"R": "1"}, "TLS1.2", "To & fro")})
    asked = {"MessageTraceId": ROWS[0]["MessageTraceId"], "RecipientAddress": "P0@x.com"}
    found = [record.values for record in shell("Get-MessageTraceDetailV2", **asked).records]
    assert [each["Event"] for each in found] == ["Receive", "Transport rule", "Send external"]
    assert "Transport rule: 'R', ID: ('1')" in found[1]["Detail"]
    assert found[2]["Data"] == '<root><MEP Name="ConnectorId" String="To &amp; fro"/></root>'
    for missing in asked:
        assert (
            shell(
                "Get-MessageTraceDetailV2", **{name: value for name, value in asked.items() if name != missing}
            ).records
            == []
        )


def test_the_quota_of_details(shell: Shell) -> None:
    for _query in range(100):
        shell("Get-MessageTraceDetailV2")
    with pytest.raises(CmdletError, match="exceeded the number of queries"):
        shell("Get-MessageTraceDetailV2")
