# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose mail a new rule affects, and what a move lets out in clear."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.modules import (
    ome_configuration,
    ome_transport_rule,
    ome_transport_rule_order,
)

from tests.unit.emulated_session import WIRES, EmulatedSession

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
ALL, SOME, CLEAR = "affects all outgoing mail", "affects some mail", "may leave in clear"
ENCRYPTS = {"Name": "encrypts", "FromScope": "InOrganization", "ApplyRightsProtectionTemplate": "Encrypt"}
STOPS = {"Name": "stops", "PrependSubject": "x", "StopRuleProcessing": True}


def impacts(result: dict[str, Any]) -> dict[str, str]:
    return {change["option"]: change["impact"] for change in result["changes"] if change["impact"]}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}}, {"state": ALL}),
        (
            {"conditions": {"from_scope": "InOrganization"}, "exceptions": {"subject_contains_words": ["clear"]}},
            {"state": ALL},
        ),
        ({}, {"state": ALL}),
        ({"conditions": {"from_scope": "InOrganization", "sent_to_scope": "InOrganization"}}, {"state": SOME}),
        ({"conditions": {"from_member_of": ["legal@contoso.onmicrosoft.com"]}}, {"state": SOME}),
        ({"enabled": False}, {}),
        ({"mode": "Audit"}, {}),
        ({"actions": {"remove_ome_v2": True}}, {"actions.remove_ome_v2": CLEAR}),
        ({"actions": {"prepend_subject": "x"}}, {}),
        ({"actions": {"delete_message": True}}, {"actions.delete_message": "rejects"}),
    ],
)
def test_a_new_rule_says_whose_mail_it_affects(wire: str, options: dict[str, Any], expected: dict[str, str]) -> None:
    session = EmulatedSession({}, wire)
    assert impacts(session.run(ome_transport_rule, **{"name": "mine", "actions": ENCRYPT, **options})) == expected


@pytest.mark.parametrize("wire", WIRES)
class TestOrder:
    def test_a_rule_that_comes_behind_one_that_stops(self, wire: str) -> None:
        session = EmulatedSession({"transport_rules": [ENCRYPTS, STOPS]}, wire)
        assert impacts(session.run(ome_transport_rule_order, rules=["stops", "encrypts"])) == {"priority": CLEAR}
        assert impacts(session.run(ome_transport_rule_order, rules=["encrypts", "stops"])) == {}

    def test_what_stops_nothing_or_encrypts_itself_lets_nothing_out(self, wire: str) -> None:
        for other in (
            {"Name": "other", "PrependSubject": "x"},
            {**ENCRYPTS, "Name": "other", "StopRuleProcessing": True},
            {**STOPS, "State": "Disabled"},
        ):
            session = EmulatedSession({"transport_rules": [ENCRYPTS, other]}, wire)
            assert impacts(session.run(ome_transport_rule_order, rules=[str(other["Name"]), "encrypts"])) == {}

    def test_a_new_rule_that_stops_before_one_that_encrypts(self, wire: str) -> None:
        actions = {"prepend_subject": "x", "stop_rule_processing": True}
        session = EmulatedSession({"transport_rules": [ENCRYPTS]}, wire)
        assert impacts(session.run(ome_transport_rule, name="stops", priority=0, actions=actions)) == {
            "actions.stop_rule_processing": CLEAR
        }
        session = EmulatedSession({"transport_rules": [ENCRYPTS]}, wire)
        assert impacts(session.run(ome_transport_rule, name="stops", actions=actions)) == {}

    def test_what_an_approval_keeps_from_stopping_stops_nothing(self, wire: str) -> None:
        for approval, word in (
            ({"ModerateMessageByUser": ["admin@contoso.com"]}, {}),
            ({"ModerateMessageByManager": True}, {"priority": CLEAR}),
        ):
            session = EmulatedSession({"transport_rules": [ENCRYPTS, {**STOPS, **approval}]}, wire)
            assert impacts(session.run(ome_transport_rule_order, rules=["stops", "encrypts"])) == word


ASKS: dict[str, dict[str, Any]] = {
    "someone": {"moderate_message_by_user": ["admin@contoso.com"]},
    "the manager": {"moderate_message_by_manager": True},
}
STOP = {"prepend_subject": "x", "stop_rule_processing": True}


@pytest.mark.parametrize("wire", WIRES)
class TestApproval:
    """A rule that asks for an approval does nothing else. One that asks the sender's manager does it for senders
    without one.
    """

    @pytest.mark.parametrize(
        ("actions", "someone", "manager"),
        [
            (ENCRYPT, {}, {"state": ALL}),
            ({"remove_ome_v2": True}, {}, {"actions.remove_ome_v2": CLEAR}),
            ({"delete_message": True}, {}, {"actions.delete_message": "rejects"}),
            (STOP, {}, {"actions.stop_rule_processing": CLEAR}),
            ({**ENCRYPT, "stop_rule_processing": True}, {}, {"state": ALL}),
        ],
    )
    def test_a_new_rule(
        self, wire: str, actions: dict[str, Any], someone: dict[str, str], manager: dict[str, str]
    ) -> None:
        for asks, expected in (("someone", someone), ("the manager", manager)):
            session = EmulatedSession({"transport_rules": [ENCRYPTS]}, wire)
            assert (
                impacts(session.run(ome_transport_rule, name="mine", priority=0, actions={**actions, **ASKS[asks]}))
                == expected
            )

    @pytest.mark.parametrize("asks", ASKS)
    @pytest.mark.parametrize(
        ("actions", "added", "removed"),
        [
            (ENCRYPT, CLEAR, ALL),
            ({"remove_ome_v2": True}, "", CLEAR),
            ({"delete_message": True}, "", "rejects"),
            (STOP, "", CLEAR),
            ({"prepend_subject": "x"}, "", ""),
        ],
    )
    def test_an_approval_that_comes_or_goes(
        self, wire: str, asks: str, actions: dict[str, Any], added: str, removed: str
    ) -> None:
        option = f"actions.{next(iter(ASKS[asks]))}"
        session = EmulatedSession({"transport_rules": [ENCRYPTS]}, wire)
        session.run(ome_transport_rule, name="mine", priority=0, actions=actions)
        assert impacts(session.run(ome_transport_rule, name="mine", actions={**actions, **ASKS[asks]})) == (
            {option: added} if added else {}
        )
        assert impacts(session.run(ome_transport_rule, name="mine", actions=actions)) == (
            {option: removed} if removed else {}
        )

    def test_what_was_never_done_takes_nothing_away(self, wire: str) -> None:
        mine = {
            **ENCRYPTS,
            "Name": "mine",
            "SubjectContainsWords": ["a", "b"],
            "ModerateMessageByUser": ["admin@contoso.com"],
        }
        conditions = {"from_scope": "InOrganization", "subject_contains_words": ["a"]}
        changes: list[dict[str, Any]] = [
            {"enabled": False},
            {"conditions": conditions},
            {"rule_error_action": "Ignore"},
            {"actions": ASKS["someone"]},
        ]
        for change in changes:
            session = EmulatedSession({"transport_rules": [mine]}, wire)
            result = session.run(ome_transport_rule, name="mine", **change)
            assert (impacts(result), session.warnings) == ({}, []), change
        session = EmulatedSession({"transport_rules": [mine]}, wire)
        session.run(ome_transport_rule, name="mine", state="absent")
        assert session.warnings == []


@pytest.mark.parametrize("wire", WIRES)
def test_a_setting_of_something_new_takes_nothing_away(wire: str) -> None:
    session = EmulatedSession({"advanced_message_encryption": True}, wire)
    done = session.run(ome_configuration, identity="week", social_id_sign_in=False, otp_enabled=True)
    assert impacts(done) == {}
    assert impacts(session.run(ome_configuration, identity="OME Configuration", social_id_sign_in=False)) == {
        "social_id_sign_in": "takes away"
    }
