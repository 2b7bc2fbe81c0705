# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups and people that rules name: the preflight, the guard before the first write and the report after it see
the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    document_of,
)

from .board import ANN, BOARD, BOB, DOMAIN, RULE, Counting, people, role_with
from .conftest import Role

OF_ANN = {
    "name": "Ann",
    "when": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization", "from": [ANN]},
    "then": "not_in_clear",
}
WISHES = {"encryption_rules": [RULE], "guarantees": [OF_ANN]}


def verdicts(role: Role) -> list[str]:
    return [row["verdict"] for row in role.report["mail"]["guarantees"]]


def asked(role: Role) -> int:
    assert isinstance(role.session, Counting)
    return role.session.asked


def changed(role: Role, *board: str) -> None:
    role.session.organization.commit({**role.session.organization.state, "recipients": people(*board)})


def apply_planned(role: Role, planned: dict[str, Any], **variables: Any) -> dict[str, Any]:
    return apply(
        role._task("baseline", "recommended", variables, False, run_tags=[], skip_tags=[], snapshot=planned["snapshot"])
    )


def test_the_members_of_a_group_that_a_planned_rule_names_decide_a_guarantee() -> None:
    assert [verdicts_of(*board) for board in ((ANN,), (BOB,))] == [["proved"], ["refuted"]]
    hidden = role_with(ANN, hidden_cmdlets=["Get-DistributionGroupMember"])
    hidden.plan(check=True, **WISHES)
    (row,) = hidden.report["mail"]["guarantees"]
    # Nobody knows whether Ann is a member.
    assert (row["verdict"], "counterexample" in row) == ("unknown", False)
    assert f"the members of {BOARD} are not known (Get-DistributionGroupMember, " in row["unknown"][0]["reason"]


def verdicts_of(*board: str) -> list[str]:
    role = role_with(*board)
    role.plan(check=True, **WISHES)
    return verdicts(role)


def test_the_members_of_a_group_that_a_guarantee_alone_names_decide_it() -> None:
    outgoing = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
    of_ann = {**RULE, "conditions": {**outgoing, "from": [ANN]}}
    of_board = {"name": "Board", "when": {**outgoing, "from_member_of": [BOARD]}, "then": "not_in_clear"}
    for board, verdict in (((ANN,), "proved"), ((ANN, BOB), "refuted")):
        role = role_with(*board)
        role.plan(check=True, encryption_rules=[of_ann], guarantees=[of_board])
        assert (verdicts(role), asked(role)) == ([verdict], 1)


def test_nobody_is_asked_for_where_no_rule_names_anybody() -> None:
    outgoing = {**RULE, "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}}
    naming, others = role_with(ANN), role_with(ANN)
    naming.plan(check=True, **WISHES)
    others.plan(check=True, encryption_rules=[outgoing], guarantees=[OF_ANN])
    assert (asked(naming), asked(others)) == (1, 0)
    assert naming.session.reads == others.session.reads + 1


def test_an_approved_plan_is_applied_since_each_step_sees_the_same_people() -> None:
    role = role_with(ANN)
    approved = role.plan(check=True, **WISHES)["digest"]
    done = role.run(**WISHES, require_approval=True, approved_plan=approved)
    assert (done["changed"], done["digest"], verdicts(role)) == (True, approved, ["proved"])
    # Once when it was planned; then in the preflight, before the first write, and after it.
    assert asked(role) == 4
    role.plan("audit", **WISHES)
    assert (verdicts(role), role.controls()["MFR-2"]) == (["proved"], "met")


def test_a_member_who_left_after_the_approval_voids_it() -> None:
    role = role_with(ANN)
    approved = role.plan(check=True, **WISHES)["digest"]
    changed(role, BOB)
    with pytest.raises(OptionError, match="'Ann' is proved, but now it is refuted"):
        role.run(**WISHES, require_approval=True, approved_plan=approved)


def test_a_member_who_left_after_the_plan_stops_the_first_write() -> None:
    role = role_with(ANN)
    planned = role.plan(**WISHES)
    changed(role, BOB)
    writes = len(role.session.writes)
    with pytest.raises(ExchangeError, match="'Ann' is proved, but now it is refuted"):
        apply_planned(role, planned, **WISHES)
    assert len(role.session.writes) == writes


@pytest.mark.parametrize("check", [False, True])
def test_a_capture_holds_them(check: bool) -> None:
    role = role_with(ANN)
    copying = {"name": "Copies", "conditions": {"sent_to_member_of": [BOARD]}, "actions": {"blind_copy_to": [BOARD]}}
    role.run(encryption_rules=[RULE, copying])
    role.plan("snapshot", check=check)
    newest = max(
        (path for path in Path(role.directory).rglob("*.json") if "capture" in path.name),
        key=lambda path: path.stat().st_mtime_ns,
    )
    assert document_of(json.loads(newest.read_text(encoding="utf-8")), "capture").facts["groups"] == {BOARD: [ANN]}


def test_a_capture_holds_members_of_groups_of_all_kinds_and_managers() -> None:
    role = role_with(ANN)
    staff = {"name": "staff", "alias": "staff", "address": f"staff@{DOMAIN}", "dynamic_members": [BOB]}
    rows = [*people(ANN)[:1], {**people()[1], "manager": "bob"}, people()[2], staff]
    role.session.organization.commit({**role.session.organization.state, "recipients": rows})
    moderated = {
        "name": "Asks",
        "conditions": {"from_member_of": [f"staff@{DOMAIN}"]},
        "actions": {"moderate_message_by_manager": True},
    }
    role.run(encryption_rules=[RULE, moderated])
    role.plan("snapshot")
    newest = max(
        (path for path in Path(role.directory).rglob("*.json") if "capture" in path.name),
        key=lambda path: path.stat().st_mtime_ns,
    )
    facts = document_of(json.loads(newest.read_text(encoding="utf-8")), "capture").facts
    assert (facts["groups"], facts["managers"]) == ({BOARD: [ANN], f"staff@{DOMAIN}": [BOB]}, {ANN: BOB})
    assert facts["unread_groups"] == [f"staff@{DOMAIN}"]
