# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the reports page by page."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    CmdletNotAvailableError,
    ProtocolError,
    ServiceError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence import reports
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import (
    CopyDetails,
    Encrypted,
    ReportReader,
    details_of,
)

from tests.unit.manifest import withheld

UNTIL = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
BEGIN, NOW = UNTIL - datetime.timedelta(days=7), UNTIL + datetime.timedelta(minutes=30)


class Exchange:
    """Answers with pages of rows."""

    def __init__(
        self, rows: Sequence[dict[str, Any]], change: Callable[[int, Result], Result] = lambda number, result: result
    ) -> None:
        self.rows, self.change = rows, change
        self.asked: list[dict[str, Any]] = []

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        assert fresh
        found = []
        for call in calls:
            assert withheld(call) == []
            asked: dict[str, Any] = dict(call.parameters)
            self.asked.append(asked)
            page, size = asked.get("Page", 1), asked.get("PageSize", 1)
            found.append(self.change(len(self.asked), Result(list(self.rows[(page - 1) * size : page * size]))))
        return found


def hit(number: int, rule: str = "Partners", **others: Any) -> dict[str, Any]:
    said = {
        "Date": "2026-11-20T10:00:00Z",
        "MessageTraceId": f"M{number}",
        "RecipientAddress": "Ann@fabrikam.com",
        "TransportRule": rule,
    }
    return {**said, "EventType": "TransportRuleHits", **others}


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "PAGE", 10)


def reader(exchange: Exchange) -> ReportReader:
    return ReportReader(exchange, sleep=lambda seconds: None)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (9, 1), (10, 2), (25, 3)])
def test_a_full_page_asks_for_the_next_and_the_event_type_is_always_named(count: int, pages: int) -> None:
    exchange = Exchange([hit(number) for number in range(count)])
    found = reader(exchange).rule_report(BEGIN, UNTIL, NOW)
    assert len(found.copies_of_rule("partners", "")) == count
    assert [each["Page"] for each in exchange.asked] == list(range(1, pages + 1))
    assert all(each["EventType"] == ["TransportRuleHits", "TransportRuleActionHits"] for each in exchange.asked)


def test_a_copy_counts_once_and_unknown_columns_are_kept_once() -> None:
    rows = [
        hit(1, Policy="first"),
        hit(1, EventType="TransportRuleActionHits", Policy="second"),
        hit(2, RecipientAddress="ann@fabrikam.com;kim@contoso.com"),
    ]
    found = reader(Exchange(rows)).rule_report(BEGIN, UNTIL, NOW)
    assert found.copies == {
        "Partners": {("m1", "ann@fabrikam.com"), ("m2", "ann@fabrikam.com"), ("m2", "kim@contoso.com")}
    }
    assert found.raw == {"Policy": "first"}


def test_the_report_is_read_somewhat_beyond_the_window() -> None:
    rows = [hit(1), hit(2, Date=(BEGIN - datetime.timedelta(minutes=1)).isoformat()), hit(3, Date="whenever")]
    exchange = Exchange(rows)
    found = reader(exchange).rule_report(BEGIN, UNTIL, NOW)
    assert (exchange.asked[0]["StartDate"], exchange.asked[0]["EndDate"]) == (BEGIN - datetime.timedelta(hours=1), NOW)
    assert (len(found.copies_of_rule("Partners", "")), found.beyond) == (3, {("m2", "ann@fabrikam.com")})


def test_columns_are_found_however_they_are_spelled() -> None:
    spelled = {name.replace("Rule", " Rule").replace("Address", "_Address"): value for name, value in hit(1).items()}
    assert reader(Exchange([spelled])).rule_report(BEGIN, UNTIL, NOW).copies_of_rule("Partners", "") == {
        ("m1", "ann@fabrikam.com")
    }


def test_ids_and_addresses_are_found_however_they_are_spelled() -> None:
    rows = [hit(1, MessageTraceId="{M1}", RecipientAddress="SMTP:Ann@fabrikam.com; <kim@contoso.com>;")]
    found = reader(Exchange(rows)).rule_report(BEGIN, UNTIL, NOW)
    assert found.copies_of_rule("Partners", "") == {("m1", "ann@fabrikam.com"), ("m1", "kim@contoso.com")}
    assert found.vague == set()


def test_a_row_without_a_recipient_leaves_open_which_copies_it_means() -> None:
    found = reader(Exchange([hit(1, RecipientAddress=None), hit(2)])).rule_report(BEGIN, UNTIL, NOW)
    assert (found.copies_of_rule("Partners", ""), found.vague) == ({("m2", "ann@fabrikam.com")}, {"m1"})


def test_rules_with_similar_names_have_their_own_reports() -> None:
    found = reader(Exchange([hit(1, "Straße"), hit(2, "STRASSE")])).rule_report(BEGIN, UNTIL, NOW)
    assert [found.copies_of_rule(name, "") for name in ("straße", "Strasse")] == [
        {("m1", "ann@fabrikam.com")},
        {("m2", "ann@fabrikam.com")},
    ]


def test_a_page_that_is_repeated_is_an_error() -> None:
    exchange = Exchange(
        [hit(number) for number in range(10)], lambda number, result: Result([hit(each) for each in range(10)])
    )
    with pytest.raises(ProtocolError, match="repeats a page"):
        reader(exchange).rule_report(BEGIN, UNTIL, NOW)


def test_a_refusal_is_said_and_anything_else_is_an_error() -> None:
    refused = Exchange([], lambda number, result: Result(error=CmdletNotAvailableError("not granted")))
    assert reader(refused).rule_report(BEGIN, UNTIL, NOW).refused == "not granted"
    assert reader(refused).encryption_report(BEGIN, UNTIL).refused == "not granted"
    broken = Exchange([], lambda number, result: Result(error=ServiceError("it broke")))
    with pytest.raises(ServiceError):
        reader(broken).rule_report(BEGIN, UNTIL, NOW)
    with pytest.raises(ProtocolError, match="no column TransportRule"):
        reader(Exchange([{"MessageTraceId": "m", "RecipientAddress": "a@x.com"}])).rule_report(BEGIN, UNTIL, NOW)


def test_the_encryption_report_is_counted_by_day() -> None:
    rows = [
        {"Date": "2026-11-20T00:00:00Z", "EventType": "EncryptionPolicy", "MessageCount": 3, "RecipientCount": 5},
        {"Date": "2026-11-20T00:00:00Z", "EventType": "EncryptionManual", "MessageCount": 1, "RecipientCount": 1},
        {
            "Date": "2026-11-19T00:00:00Z",
            "Event Type": "EncryptionPolicy",
            "Message Count": "2",
            "Recipient Count": "2",
        },
        {"Date": "2026-11-19T00:00:00Z", "EventType": "Other", "MessageCount": 7, "RecipientCount": 7},
    ]
    found = reader(Exchange(rows)).encryption_report(BEGIN, UNTIL)
    assert found.days == [Encrypted("2026-11-19", 2, 0, 2), Encrypted("2026-11-20", 3, 1, 6)]


def test_details_are_read_within_the_quota() -> None:
    exchange = Exchange([])
    found = reader(exchange).details([(f"m{number}", "a@x.com") for number in range(150)])
    assert len(found) == len(exchange.asked) == 100
    assert exchange.asked[0] == {"MessageTraceId": "m0", "RecipientAddress": "a@x.com"}


def test_details_are_as_exchange_wrote_them() -> None:
    events = [
        {"Event": "Receive", "Detail": "Message received by: X using TLS1.0"},
        {"Event": "Transport rule", "Detail": "Transport rule: 'O'Brien', ID: ('1'), DLP policy: '', ID: (0)"},
        {"Event": "DLP rule", "Detail": "Transport rule: 'Evaluated', ID: ('2')"},
        {
            "Event": "Send external",
            "Detail": "Message sent to mail.fabrikam.com at 203.0.113.25 using TLS1.2 with AES256",
            "Data": '<root><MEP Name="Count" Integer="1"/><MEP Name="ConnectorId" String="To &amp; fro"/></root>',
        },
    ]
    assert details_of(events) == CopyDetails(("O'Brien",), "TLS1.2", "To & fro")
    assert details_of([]) == CopyDetails()
