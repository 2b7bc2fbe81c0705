# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole list of mail flow rules: one read, only the writes that differ, and what becomes of the others."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.modules import message_encryption_info, ome_transport_rules

from tests.unit.emulated_session import EmulatedSession, refusal

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}


def rule(name: str, **options: Any) -> dict[str, Any]:
    """A rule of its own: no two do the same."""
    return {
        "name": name,
        "conditions": {"from_scope": "InOrganization", "subject_contains_words": [name]},
        "actions": ENCRYPT,
        **options,
    }


def order(session: EmulatedSession) -> list[str]:
    return [row["Name"] for row in session.organization.state["transport_rules"]]


def converge(session: EmulatedSession, rules: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    before = session.organization.dump()
    foretold = session.run(ome_transport_rules, check_mode=True, rules=rules, **options)
    assert session.organization.dump() == before
    done = session.run(ome_transport_rules, rules=rules, **options)
    assert done["commands"] == foretold["commands"]
    assert done["changes"] == foretold["changes"]
    warnings = session.warnings
    assert not session.run(ome_transport_rules, rules=rules, **options)["changed"]
    session.warnings = warnings
    return done


def test_a_list_is_made_in_order(any_session: EmulatedSession) -> None:
    converge(any_session, [rule("a"), rule("b", enabled=False), rule("c")])
    assert order(any_session) == ["a", "b", "c"]
    assert [row["State"] for row in any_session.organization.state["transport_rules"]] == [
        "Enabled",
        "Disabled",
        "Enabled",
    ]


def test_fifty_rules_cost_one_read_and_only_the_writes_that_differ(session: EmulatedSession) -> None:
    rules = [rule(f"rule {number}") for number in range(50)]
    session.run(ome_transport_rules, rules=rules)
    session.reads, session.writes = 0, []
    session.run(ome_transport_rules, rules=rules)
    assert (session.reads, session.writes) == (1, [])
    session.edit("Set-TransportRule", Identity="rule 7", SubjectContainsWords=["other"])
    session.edit("Disable-TransportRule", Identity="rule 9")
    session.run(ome_transport_rules, rules=[{**row, "enabled": True} for row in rules])
    assert [call.cmdlet for call in session.writes] == ["Set-TransportRule", "Enable-TransportRule"]


@pytest.mark.parametrize(
    ("existing", "wanted", "expected", "writes"),
    [
        ("xay", "ab", "xaby", 1),
        ("xay", "ba", "xbay", 1),
        ("xbya", "ab", "xyab", 1),
        ("xby", "abc", "xabcy", 2),
        ("dcba", "abcd", "abcd", 3),
        ("xyz", "ab", "xyzab", 2),
        ("axbyc", "cab", "caxby", 1),
    ],
)
def test_others_keep_their_order_and_new_rules_stand_where_they_belong(
    session: EmulatedSession, existing: str, wanted: str, expected: str, writes: int
) -> None:
    for name in existing:
        session.edit(
            "New-TransportRule",
            Name=name,
            FromScope="InOrganization",
            SubjectContainsWords=[name],
            ApplyRightsProtectionTemplate="Encrypt",
        )
    converge(session, [rule(name) for name in wanted])
    found = order(session)
    assert [name for name in found if name in wanted] == list(wanted)
    assert [name for name in found if name not in wanted] == [name for name in existing if name not in wanted]
    assert len(session.writes) == writes
    assert len(found) == len(expected)


def _lived_in(session: EmulatedSession) -> None:
    session.organization.patch({"retired_actions_refused": False})
    for name, parameters in {
        "managed": {
            "ApplyRightsProtectionTemplate": "Encrypt",
            "FromScope": "InOrganization",
            "SubjectContainsWords": ["managed"],
        },
        "encrypts": {"ApplyRightsProtectionTemplate": "Encrypt"},
        "decrypts": {"RemoveOMEv2": True},
        "retired": {"ApplyOME": True},
        "expired": {"ApplyRightsProtectionTemplate": "Encrypt", "ExpiryDate": "2020-01-01T00:00:00Z"},
        "disclaimer": {"ApplyHtmlDisclaimerText": "Hello"},
        "spam": {"SetSCL": 9},
    }.items():
        session.edit("New-TransportRule", Name=name, **parameters)


@pytest.mark.parametrize(
    ("unmanaged", "left", "disabled", "warned"),
    [
        ("keep", ["managed", "encrypts", "decrypts", "retired", "expired", "disclaimer", "spam"], [], []),
        (
            "warn",
            ["managed", "encrypts", "decrypts", "retired", "expired", "disclaimer", "spam"],
            [],
            ["encrypts", "decrypts", "retired", "expired"],
        ),
        (
            "disable",
            ["managed", "encrypts", "decrypts", "retired", "expired", "disclaimer", "spam"],
            ["encrypts", "decrypts", "retired", "expired"],
            [],
        ),
        (
            "remove",
            ["managed", "retired", "expired", "disclaimer", "spam"],
            ["retired", "expired"],
            ["retired", "expired"],
        ),
    ],
)
def test_unmanaged_rules(
    any_session: EmulatedSession, unmanaged: str, left: list[str], disabled: list[str], warned: list[str]
) -> None:
    _lived_in(any_session)
    converge(any_session, [rule("managed")], unmanaged=unmanaged)
    assert order(any_session) == left
    assert [
        row["Name"] for row in any_session.organization.state["transport_rules"] if row["State"] == "Disabled"
    ] == disabled
    texts = [text for text in any_session.warnings if not text.startswith("Mail may leave unprotected by rules: ")]
    assert [
        name for name in ("encrypts", "decrypts", "retired", "expired") if any(repr(name) in text for text in texts)
    ] == warned


def test_the_same_rule_under_another_name_is_pointed_out(any_session: EmulatedSession) -> None:
    any_session.edit(
        "New-TransportRule",
        Name="By hand",
        FromScope="InOrganization",
        SubjectContainsWords=["A"],
        ApplyRightsProtectionTemplate="Encrypt",
    )
    guid = any_session.organization.state["transport_rules"][0]["Guid"]
    said = refusal(any_session, ome_transport_rules, rules=[rule("a")])
    assert "rules[0].name: the rule 'By hand' does exactly what 'a' would do" in said
    assert guid in said
    converge(any_session, [rule("a", guid=guid)])
    assert order(any_session) == ["a"]
    # Two that are both managed may be alike.
    converge(any_session, [rule("a"), {**rule("b"), "conditions": rule("a")["conditions"]}])


def test_a_list_that_names_a_rule_twice_is_refused(session: EmulatedSession) -> None:
    assert "rules[1].name 'A' is listed twice" in refusal(session, ome_transport_rules, rules=[rule("a"), rule("A")])
    guid = "00000000-0000-0000-0000-000000000001"
    assert "is listed twice" in refusal(
        session, ome_transport_rules, rules=[rule("a", guid=guid), rule("b", guid=guid)]
    )


def test_an_error_names_the_rule_by_its_place(session: EmulatedSession) -> None:
    said = refusal(session, ome_transport_rules, rules=[rule("a"), rule("b", conditions={"from": ["Megan"]})])
    assert "rules[1].conditions.from" in said


def test_the_info_modules_rules_are_a_list(any_session: EmulatedSession) -> None:
    _lived_in(any_session)
    rules = any_session.run(message_encryption_info)["transport_rules"]
    assert not any_session.run(ome_transport_rules, rules=rules)["changed"]


def test_a_rule_in_the_list_can_be_absent(any_session: EmulatedSession) -> None:
    converge(any_session, [rule("a"), rule("b"), rule("c")])
    converge(any_session, [rule("a"), {"name": "b", "state": "absent"}, rule("c")])
    assert order(any_session) == ["a", "c"]


def test_protection_comes_before_what_is_taken_away(session: EmulatedSession) -> None:
    _lived_in(session)
    session.run(ome_transport_rules, rules=[rule("managed", enabled=False), rule("new")], unmanaged="remove")
    verbs = [call.cmdlet.partition("-")[0] for call in session.writes]
    assert verbs == ["New", "Disable", "Disable", "Disable", "Remove", "Remove"]
