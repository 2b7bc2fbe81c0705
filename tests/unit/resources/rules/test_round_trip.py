# SPDX-License-Identifier: GPL-3.0-or-later
"""The round-trip law: what the info module returns changes nothing when it is given back at once, and puts everything
back later.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.modules import (
    message_encryption_info,
    message_encryption_state,
    ome_transport_rules,
)
from hypothesis import assume, given

from tests.unit.emulated_session import WIRES, EmulatedSession
from tests.unit.resources.rules.law import LAW

from .organizations import Edit, edits, organizations

#: Parts of the info module's output that are state.
PARTS = (
    "ome_configurations",
    "irm_configuration",
    "activesync_org_settings",
    "owa_mailbox_policies",
    "mobile_device_mailbox_policies",
)


def comparable(info: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    """What must be as it was: all that ``named`` names, rules in their order, without what a removal takes with it."""
    names = [rule["name"] for rule in named["transport_rules"]]
    identities = [row["identity"] for row in named["ome_configurations"]]
    rules = [rule for rule in info["transport_rules"] if rule["name"] in names]
    configurations = [row for row in info["ome_configurations"] if row["identity"] in identities]
    parts = {
        **{part: info[part] for part in PARTS},
        "ome_configurations": sorted(configurations, key=lambda row: str(row["identity"])),
        "transport_rules": [
            {key: value for key, value in rule.items() if key not in ("guid", "priority")} for rule in rules
        ],
    }
    return {part: same(value) for part, value in parts.items()}


def same(value: Any, option: str = "") -> Any:
    """A value without what makes no difference: line ends, a color's two names, order and case of lists (but not URLs'
    order and patterns' case).
    """
    if isinstance(value, dict):
        return {key: same(item, key) for key, item in value.items()}
    if isinstance(value, list) and option == "licensing_location":
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return sorted(value if option.endswith("_patterns") else map(str.casefold, value))
    if isinstance(value, list):
        return [same(item) for item in value]
    if option == "background_color":
        return {"red": "#ff0000"}.get(value.casefold(), value.casefold())
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def left_over(session: EmulatedSession) -> list[dict[str, Any]]:
    """The rules that nobody may write, without their place."""
    rules = [rule for rule in session.organization.dump()["transport_rules"] if rule["Name"].startswith("left over")]
    return [{key: value for key, value in rule.items() if key != "Priority"} for rule in rules]


@given(organizations())
@LAW
def test_what_is_given_back_at_once_changes_nothing(session: EmulatedSession) -> None:
    info = session.run(message_encryption_info)
    result = session.run(message_encryption_state, state=info)
    assert (result["changes"], session.warnings) == ([], [])
    assert not session.run(ome_transport_rules, rules=info["transport_rules"])["changed"]
    assert session.writes == []


@given(organizations(maximum=12), edits)
@LAW
def test_what_others_change_is_put_back(session: EmulatedSession, others: list[Edit]) -> None:
    info = session.run(message_encryption_info)
    untouched = left_over(session)
    for edit in others:
        edit.apply(session)
    before = session.organization.dump()
    foretold = session.run(message_encryption_state, check_mode=True, state=info)
    assert session.organization.dump() == before
    done = session.run(message_encryption_state, state=info)
    assert done["changes"] == foretold["changes"]
    assert comparable(session.run(message_encryption_info), info) == comparable(info, info)
    assert left_over(session) == untouched
    writes = len(session.writes)
    again = session.run(message_encryption_state, state=info)
    assert (again["changes"], len(session.writes)) == ([], writes)


@given(organizations(maximum=6), edits)
@LAW
def test_an_applied_plan_leaves_an_empty_one(session: EmulatedSession, others: list[Edit]) -> None:
    info = session.run(message_encryption_info)
    for edit in others:
        edit.apply(session)
    assume(session.run(message_encryption_state, check_mode=True, state=info, unmanaged="remove")["changed"])
    session.run(message_encryption_state, state=info, unmanaged="remove")
    assert session.run(message_encryption_state, check_mode=True, state=info, unmanaged="remove")["changes"] == []


@pytest.mark.parametrize("wire", WIRES)
def test_names_that_others_have_by_now_are_taken_back(wire: str) -> None:
    session = EmulatedSession({"advanced_message_encryption": True}, wire)
    for name, legacy in (("a", False), ("b", False), ("c", True)):
        session.edit("New-TransportRule", Name=name, SubjectContainsWords=[name], SetSCL=1, UseLegacyRegex=legacy)
    info = session.run(message_encryption_info)
    guids = [rule["guid"] for rule in info["transport_rules"]]
    for identity, name in ((guids[0], "x"), (guids[1], "a"), (guids[0], "b")):
        session.edit("Set-TransportRule", Identity=identity, Name=name)
    session.edit("Remove-TransportRule", Identity="c")
    session.edit("New-TransportRule", Name="c", SetSCL=9)
    session.run(message_encryption_state, state=info)
    assert session.warnings == ["The rule 'c' has the name of another rule and is renamed to 'c (2)'."]
    assert comparable(session.run(message_encryption_info), info) == comparable(info, info)
    rules = {rule["Name"]: rule for rule in session.organization.state["transport_rules"]}
    assert [rules[name]["Guid"] for name in "ab"] == guids[:2]
    assert rules["c (2)"]["SetSCL"] == 9
    assert not session.run(message_encryption_state, state=info)["changed"]
