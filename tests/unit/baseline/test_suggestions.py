# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MFR-2: plans and audits bring edits of rules that would put a guarantee or an expectation right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.render import render_html

from tests.unit.baseline.guarantees import ENCRYPT, GUARANTEE, STOP, Values, licensed

from .conftest import Role

TEXT = "Move the rule 'Law firm' from priority 1 to 0."
OFFER: Values = {"name": "Offer", "from": "alexw@contoso.onmicrosoft.com", "authenticated": True, "to": ["ann@fabrikam.com"], "subject": "newsletter"}


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
    role.plan("audit", guarantees=[GUARANTEE], messages=[{**OFFER, "expect": {"ann@fabrikam.com": {"protection": "encrypt"}}}])
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
    page = render_html({"kind": "audit", "organizations": [role.report]})
    part = page.partition("What would put it right")[2]
    assert "Move the rule &#39;Law firm&#39; from priority 1 to 0." in part
    assert "is now encrypted" in part
