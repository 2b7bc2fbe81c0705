# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's message trace: pages, their warning, limits, and what the service may do."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator import Organization
from tests.emulator.context import Outcome
from tests.emulator.errors import CmdletError
from tests.emulator.message_trace import a_week, row

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
Shell = Callable[..., Outcome]


def ask(shell: Shell, **parameters: Any) -> Outcome:
    return shell("Get-MessageTraceV2", **{"StartDate": NOW - datetime.timedelta(days=2), "EndDate": NOW, **parameters})


def test_pages_go_on_from_the_last_row_within_an_instant(organization: Organization, shell: Shell) -> None:
    """A message for 1,000 people, all of one instant."""
    organization.patch(
        {
            "message_trace": [
                row(1, NOW - datetime.timedelta(hours=1), "a@x.com", f"p{number:04}@x.com") for number in range(1000)
            ]
        }
    )
    seen: list[str] = []
    more: dict[str, Any] = {"ResultSize": 300}
    for page in range(4):
        outcome = ask(shell, **more)
        seen += [record.values["RecipientAddress"] for record in outcome.records]
        assert bool(outcome.warnings) is (page < 3)
        if outcome.warnings:
            last = outcome.records[-1].values
            assert outcome.warnings[0].startswith(
                "There are more results, use the following command to get more. Get-MessageTraceV2 "
            )
            assert f'-StartingRecipientAddress "{last["RecipientAddress"]}"' in outcome.warnings[0]
            more.update(EndDate=last["Received"], StartingRecipientAddress=last["RecipientAddress"])
    assert sorted(set(seen)) == [f"p{number:04}@x.com" for number in range(1000)]
    assert len(seen) == 1003


def test_the_newest_row_comes_first_and_late_ones_come_later(organization: Organization, shell: Shell) -> None:
    times = [NOW - datetime.timedelta(hours=hours) for hours in (3, 1, 2)]
    organization.patch(
        {
            "message_trace": [
                row(number, time, "a@x.com", "b@x.com", Late=2 * (number == 1)) for number, time in enumerate(times)
            ]
        }
    )
    found = [[record.values["Received"] for record in ask(shell).records] for _query in range(3)]
    assert [len(each) for each in found] == [2, 2, 3]
    assert found[-1] == sorted(found[-1], reverse=True)


def test_rows_are_filtered(organization: Organization, shell: Shell) -> None:
    organization.patch({"message_trace": a_week(["a@x.com", "b@x.com"], 50)})
    found = ask(shell, StartDate=NOW - datetime.timedelta(days=9), SenderAddress=["A@x.com"]).records
    assert {record.values["SenderAddress"] for record in found} == {"a@x.com"}


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"StartDate": NOW - datetime.timedelta(days=11)}, "10 days or less"),
        ({"StartDate": NOW - datetime.timedelta(days=92), "EndDate": NOW - datetime.timedelta(days=91)}, "90 days ago"),
        ({"StartDate": NOW}, "before the EndDate"),
        ({"StartDate": None}, "given together"),
        ({"ResultSize": 5001}, "from 1 to 5000"),
    ],
)
def test_what_the_service_refuses(shell: Shell, parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(CmdletError, match=why):
        ask(shell, **parameters)


def test_the_quota_of_queries(organization: Organization, shell: Shell) -> None:
    organization.patch({"message_trace_quota": 3})
    for _query in range(3):
        ask(shell)
    with pytest.raises(CmdletError, match="exceeded the number of queries"):
        ask(shell)


def test_of_a_message_to_many_its_id_shows_all(organization: Organization, shell: Shell) -> None:
    crowd = [
        row(1, NOW - datetime.timedelta(hours=5), "a@contoso.com", f"p{number:04}@fabrikam.com")
        for number in range(1_200)
    ]
    organization.patch(
        {"message_trace": [*crowd, row(2, NOW - datetime.timedelta(hours=5), "a@contoso.com", "b@fabrikam.com")]}
    )
    assert len(ask(shell, ResultSize=5000).records) == 1_001
    assert len(ask(shell, ResultSize=5000, MessageTraceId=crowd[0]["MessageTraceId"]).records) == 1_200
