# SPDX-License-Identifier: GPL-3.0-or-later
"""MFR-2: plans and audits bring edits of rules that would put a guarantee or an expectation right."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.replay_row import (
    ChangedCopiesRow,
    WindowRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestion_row import (
    SuggestionRow,
    TraceEffectRow,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.suggestions import (
    replay_sentence,
    suggestion_lines,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html

from tests.emulator.message_trace import row
from tests.unit.baseline.guarantees import ENCRYPT, GUARANTEE, STOP, Values, licensed
from tests.unit.run_reports import run_of

from .conftest import Role

TEXT = "Move the rule 'Law firm' from priority 1 to 0 (before 'Newsletter')."
OFFER: Values = {
    "name": "Offer",
    "from": "alexw@contoso.onmicrosoft.com",
    "authenticated": True,
    "to": ["ann@fabrikam.com"],
    "subject": "newsletter",
}


@pytest.fixture(name="role")
def role_fixture(tmp_path: Path) -> Role:
    return licensed(tmp_path)


def suggested(role: Role) -> list[dict[str, Any]]:
    return list(role.report["mail"].get("suggestions", []))


def test_an_audit_says_what_would_put_a_guarantee_right(role: Role) -> None:
    role.run(encryption_rules=[STOP, ENCRYPT])
    role.plan("audit", guarantees=[GUARANTEE])
    rows = suggested(role)
    assert {row["for"] for row in rows} == {GUARANTEE["name"]}
    assert TEXT in [row["text"] for row in rows]
    assert all("rules" not in row and row["yaml"] and row["diff"] for row in rows)
    role.plan(
        "audit", guarantees=[GUARANTEE], messages=[{**OFFER, "expect": {"ann@fabrikam.com": {"protection": "encrypt"}}}]
    )
    assert {row["for"] for row in suggested(role)} == {GUARANTEE["name"], "Offer"}
    role.run(encryption_rules=[ENCRYPT, STOP])
    role.plan("audit", guarantees=[GUARANTEE])
    assert suggested(role) == []


def test_a_plan_says_it_of_the_rules_that_it_would_leave(role: Role) -> None:
    wished: Values = {"encryption_rules": [STOP, ENCRYPT], "guarantees": [GUARANTEE]}
    planned = role.plan(check=True, **wished)
    assert TEXT in [row["text"] for row in suggested(role)]
    assert TEXT in [row["text"] for row in planned["mail"]["suggestions"]]
    without = role.plan(**wished, accept=["broken_guarantee"])
    assert "suggestions" not in without["mail"]
    assert role.plan(check=True, **wished, accept=["broken_guarantee"])["digest"] == without["digest"]


def test_the_page_shows_each_with_what_it_changes(role: Role) -> None:
    role.run(encryption_rules=[STOP, ENCRYPT])
    role.plan("audit", guarantees=[GUARANTEE])
    page = render_html(run_of(role.report))
    part = page.partition("What would put it right")[2]
    assert "Move the rule &#39;Law firm&#39; from priority 1 to 0 (before &#39;Newsletter&#39;)." in part
    assert "is now encrypted" in part


def test_each_is_counted_over_the_mail_of_the_last_days(role: Role) -> None:
    role.run(encryption_rules=[STOP, ENCRYPT])
    sent = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=6)
    texts = ["newsletter"] * 3 + ["offer"] * 2
    mail = [
        row(number, sent, "alexw@contoso.onmicrosoft.com", f"p{number}@fabrikam.com", Subject=text)
        for number, text in enumerate(texts)
    ]
    mail.append(row(9, sent, "alexw@contoso.onmicrosoft.com", "joe@northwind.com", Subject="newsletter"))
    role.session.organization.patch({"message_trace": mail})
    role.plan("audit", guarantees=[GUARANTEE], replay_days=7)
    moved = next(each for each in suggested(role) if each["text"] == TEXT)
    assert moved["replay"]["copies"] == 6
    assert moved["replay"]["difference"] == [{"kind": "protection_gained", "certain": 3, "possible": 0}]
    window = moved["replay"]["window"]
    assert window["complete"] is True
    said = f"Of 6 copies from {window['from'][:10]} to {window['until'][:10]}, 3 would now be encrypted."
    assert any(
        line.startswith(f"  {TEXT} ") and line.endswith(said)
        for line in suggestion_lines(map(SuggestionRow.from_row, suggested(role)))
    )
    assert said in render_html(run_of(role.report))
    assert all("replay" in each and "@" not in json.dumps(each["replay"]) for each in suggested(role))
    role.plan("audit", guarantees=[GUARANTEE])
    assert all("replay" not in each for each in suggested(role))


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        ([], "Of 1,200 copies from 2026-11-21 to 2026-11-28, none would be protected or delivered differently."),
        ([("unknown", 0, 4)], "Of 1,200 copies from 2026-11-21 to 2026-11-28, 4 might be treated differently."),
        (
            [("protection_lost", 1, 0), ("protection_gained", 231, 12)],
            "Of 1,200 copies from 2026-11-21 to 2026-11-28, 1 would no longer be encrypted and 231 would now be encrypted (12 more might).",
        ),
    ],
)
def test_the_sentence_about_copies(difference: list[tuple[str, int, int]], said: str) -> None:
    window = WindowRow(begin="2026-11-21T08:00:00Z", until="2026-11-28T08:00:00Z", complete=True)
    changes = [dict(zip(("kind", "certain", "possible"), each, strict=True)) for each in difference]
    assert replay_sentence(TraceEffectRow(window, 1200, tuple(map(ChangedCopiesRow.from_row, changes)))) == said
    assert replay_sentence(TraceEffectRow(window, 0, ())) == ""
