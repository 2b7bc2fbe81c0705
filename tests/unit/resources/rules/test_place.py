# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a new rule lands, and which rules can never act because of their place."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.modules import ome_transport_rule, ome_transport_rules
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.diff import diff
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.ome_configurations import Foreseen

from tests.unit.emulated_session import WIRES, EmulatedSession

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
INSIDE = {"from_scope": "InOrganization"}
LISTED: dict[str, Any] = {
    "enabled": True,
    "mode": "Enforce",
    "exceptions": {},
    "conditions": INSIDE,
    "actions": ENCRYPT,
}


def never(session: EmulatedSession) -> list[str]:
    return [warning for warning in session.warnings if "can never act" in warning]


@pytest.mark.parametrize("wire", WIRES)
class TestPlace:
    def places(self, session: EmulatedSession, module: Any = ome_transport_rule, **options: Any) -> dict[str, str]:
        session.run(module, check_mode=True, **options)
        return session.places

    def test_a_new_rule_says_where_it_lands(self, wire: str) -> None:
        stored = [{"Name": name, "PrependSubject": "x"} for name in ("a", "b")]
        rule = {"name": "mine", **LISTED}
        session = EmulatedSession({"transport_rules": stored}, wire)
        assert self.places(session, **rule) == {"mine": "3 of 3, after 'b'"}
        assert self.places(session, **rule, place_after="a") == {"mine": "2 of 3, after 'a'"}
        assert self.places(session, **rule, priority=0) == {"mine": "1 of 3, before all others"}
        assert self.places(EmulatedSession({}, wire), **rule) == {"mine": "the only rule"}
        assert self.places(session, name="a", actions={"prepend_subject": "y"}) == {}
        listed = [
            {"name": "b", "actions": {"prepend_subject": "x"}},
            {"name": "one", **LISTED},
            {"name": "two", **LISTED, "conditions": {**INSIDE, "with_importance": "High"}},
        ]
        assert self.places(session, ome_transport_rules, rules=listed) == {
            "one": "3 of 4, after 'b'",
            "two": "4 of 4, after 'one'",
        }

    def test_the_diff_shows_it(self, wire: str) -> None:
        session = EmulatedSession({}, wire)
        changes = session.run(ome_transport_rule, check_mode=True, name="mine", **LISTED)["changes"]
        assert "  state: present\n  place: the only rule\n" in diff(changes, session.places)["after"]
        assert "place" not in diff(changes, session.places)["before"]


STOPS = {"Name": "stops", "FromScope": "InOrganization", "PrependSubject": "x", "StopRuleProcessing": True}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("early", "conditions", "told"),
    [
        (STOPS, INSIDE, True),
        (STOPS, {**INSIDE, "subject_contains_words": ["a"]}, True),
        ({**STOPS, "SubjectContainsWords": ["a", "b"]}, {**INSIDE, "subject_contains_words": ["a"]}, True),
        ({"Name": "deletes", "DeleteMessage": True}, INSIDE, True),
        ({"Name": "rejects", "FromScope": "InOrganization", "RejectMessageReasonText": "no"}, INSIDE, True),
        ({**STOPS, "MessageSizeOver": "1MB"}, {**INSIDE, "message_size_over": "10MB"}, True),
        # Not certain, or not so.
        ({**STOPS, "MessageSizeOver": "10MB"}, {**INSIDE, "message_size_over": "1MB"}, False),
        ({**STOPS, "SubjectContainsWords": ["a"]}, {**INSIDE, "subject_contains_words": ["a", "b"]}, False),
        ({**STOPS, "SubjectContainsWords": ["a"]}, INSIDE, False),
        ({**STOPS, "ExceptIfSubjectContainsWords": ["a"]}, INSIDE, False),
        ({**STOPS, "State": "Disabled"}, INSIDE, False),
        ({**STOPS, "ModerateMessageByUser": ["admin@contoso.com"]}, INSIDE, False),
        ({**STOPS, "ModerateMessageByManager": True}, INSIDE, False),
        ({**STOPS, "Mode": "Audit"}, INSIDE, False),
        ({**STOPS, "ExpiryDate": "2999-01-01T00:00:00Z"}, INSIDE, False),
        ({**STOPS, "SenderAddressLocation": "Envelope"}, INSIDE, False),
        ({"Name": "goes on", "FromScope": "InOrganization", "PrependSubject": "x"}, INSIDE, False),
        (
            {**STOPS, "HeaderContainsMessageHeader": "X-A", "HeaderContainsWords": ["a"]},
            {**INSIDE, "header_contains_message_header": "X-B", "header_contains_words": ["a"]},
            False,
        ),
    ],
)
def test_a_rule_that_can_never_act_is_pointed_out_where_that_is_certain(
    wire: str, early: dict[str, Any], conditions: dict[str, Any], told: bool
) -> None:
    session = EmulatedSession({"transport_rules": [early]}, wire)
    session.run(ome_transport_rule, check_mode=True, name="mine", **{**LISTED, "conditions": conditions})
    assert bool(never(session)) is told
    if told:
        assert never(session)[0].startswith(f"The rule 'mine' can never act: {early['Name']!r} comes first")
    session.run(ome_transport_rule, check_mode=True, name="mine", priority=0, **{**LISTED, "conditions": conditions})
    assert never(session) == []


def test_a_rule_that_puts_others_out_of_action_is_pointed_out() -> None:
    stored = {"Name": "theirs", "FromScope": "InOrganization", "ApplyRightsProtectionTemplate": "Encrypt"}
    session = EmulatedSession({"transport_rules": [stored]})
    session.run(
        ome_transport_rule,
        check_mode=True,
        name="mine",
        priority=0,
        conditions=INSIDE,
        actions={"prepend_subject": "x", "stop_rule_processing": True},
    )
    assert never(session) == [
        "The rule 'theirs' can never act: 'mine' comes first, takes all of its mail and ends the processing."
    ]
    # What nobody has declared is nobody's business here.
    other = EmulatedSession({"transport_rules": [STOPS, stored]})
    other.run(ome_transport_rule, check_mode=True, name="other", actions={"prepend_subject": "x"})
    assert never(other) == []


def test_what_a_check_would_create_is_there_for_the_tasks_that_follow(tmp_path: Any) -> None:
    rows = [
        {"resource": "ome_configuration", "identity": name, "option": "state", "before": "absent", "after": "present"}
        for name in ("week", "month")
    ]
    Foreseen(str(tmp_path), "contoso.onmicrosoft.com").add(rows)
    Foreseen(str(tmp_path), "contoso.onmicrosoft.com").add([{**rows[1], "before": "present", "after": "absent"}])
    Foreseen(str(tmp_path), "contoso.onmicrosoft.com").add(
        [{**rows[0], "resource": "ome_transport_rule", "identity": "rule"}]
    )
    assert Foreseen(str(tmp_path), "contoso.onmicrosoft.com").names() == ["week"]
    assert Foreseen(str(tmp_path), "fabrikam.onmicrosoft.com").names() == []
