# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody else at work between a task's read and its write: seen, said, and left standing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    OutcomeUnknownError,
    VerificationError,
)
from ansible_collections.m365.message_encryption.plugins.modules import (
    message_encryption_info,
    message_encryption_state,
    ome_transport_rule,
    ome_transport_rules,
)
from hypothesis import given

from tests.unit.emulated_session import EmulatedSession
from tests.unit.resources.rules.law import LAW

from .organizations import Edit, edits, organizations

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}


def rule(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "conditions": {"from_scope": "InOrganization", "subject_contains_words": [name]},
        "actions": ENCRYPT,
        **more,
    }


def meanwhile(session: EmulatedSession, edit: Callable[[], Any]) -> None:
    """Lets ``edit`` happen just before the session's next write."""
    pending = [edit]
    session.before_write = lambda call: pending.pop()() if pending else None


@pytest.fixture(name="lived_in")
def lived_in_fixture(any_session: EmulatedSession) -> EmulatedSession:
    any_session.run(ome_transport_rules, rules=[rule("a"), rule("b"), rule("c")])
    return any_session


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ({"cmdlet": "Set-TransportRule", "Identity": "b", "Comments": "mine"}, "changed the rule 'b' (Comments)"),
        ({"cmdlet": "Set-TransportRule", "Identity": "a", "Comments": "mine"}, "changed the rule 'a' (Comments)"),
        ({"cmdlet": "Disable-TransportRule", "Identity": "c"}, "changed the rule 'c' (State)"),
        ({"cmdlet": "New-TransportRule", "Name": "d", "SetSCL": 1}, "created the rule 'd'"),
        ({"cmdlet": "Remove-TransportRule", "Identity": "b"}, "removed the rule 'b'"),
        ({"cmdlet": "Set-TransportRule", "Identity": "c", "Priority": 0}, "moved the rule 'c'"),
    ],
)
def test_another_writer_is_reported_and_left_standing(
    lived_in: EmulatedSession, edit: dict[str, Any], says: str
) -> None:
    parameters = dict(edit)
    meanwhile(lived_in, lambda: lived_in.edit(parameters.pop("cmdlet"), **parameters))
    done = lived_in.run(ome_transport_rule, name="a", rule_error_action="Defer")
    assert done["changed"]
    assert f"Another administrator {says} during this task." in lived_in.warnings
    assert len(lived_in.warnings) == 1
    rules = {row["Name"]: row for row in lived_in.organization.state["transport_rules"]}
    assert rules["a"]["RuleErrorAction"] == "Defer"
    assert rules.get(str(edit.get("Identity")), {}).get("Comments") == edit.get("Comments")


def test_what_is_declared_and_changed_meanwhile_fails_and_says_by_whom(lived_in: EmulatedSession) -> None:
    meanwhile(lived_in, lambda: lived_in.edit("Set-TransportRule", Identity="a", ExceptIfFromScope="NotInOrganization"))
    with pytest.raises(VerificationError, match=r"exceptions\.from_scope of 'a'"):
        lived_in.run(ome_transport_rule, name="a", exceptions={}, rule_error_action="Defer")
    assert "Another administrator changed the rule 'a' (ExceptIfFromScope) during this task." in lived_in.warnings
    assert lived_in.run(ome_transport_rule, name="a", exceptions={}, rule_error_action="Defer")["changed"]


def test_the_same_option_in_the_moment_before_the_write_goes_unsaid(lived_in: EmulatedSession) -> None:
    """The guide says so: nothing that Exchange shows afterwards tells of it."""
    meanwhile(
        lived_in, lambda: lived_in.edit("Set-TransportRule", Identity="a", RuleErrorAction="Defer", Comments="mine")
    )
    done = lived_in.run(ome_transport_rule, name="a", comments="ours")
    assert done["changed"]
    assert lived_in.warnings == ["Another administrator changed the rule 'a' (RuleErrorAction) during this task."]
    assert lived_in.organization.state["transport_rules"][0]["Comments"] == "ours"


def test_without_reading_back_nothing_is_noticed(lived_in: EmulatedSession) -> None:
    meanwhile(lived_in, lambda: lived_in.edit("Remove-TransportRule", Identity="b"))
    assert lived_in.run(ome_transport_rule, name="a", comments="ours", verify_timeout=0)["changed"]
    assert lived_in.warnings == []


def test_a_recipient_that_exchange_knows_by_another_address(any_session: EmulatedSession) -> None:
    recipients = [{"name": "Megan", "alias": "megan.b@contoso.com", "address": "meganb@contoso.com"}]
    any_session.organization.patch({"recipients": recipients})
    with pytest.raises(VerificationError) as caught:
        any_session.run(ome_transport_rule, name="x", conditions={"from": ["megan.b@contoso.com"]}, actions=ENCRYPT)
    assert "conditions.from of 'x' is ['meganb@contoso.com'], not ['megan.b@contoso.com']" in str(caught.value)
    assert "write the value as Exchange shows it (a recipient by its primary SMTP address)" in str(caught.value)


@given(organizations(maximum=6), edits)
@LAW
def test_a_task_never_takes_its_own_work_for_somebody_elses(session: EmulatedSession, others: list[Edit]) -> None:
    state = session.run(message_encryption_info)
    for edit in others:
        edit.apply(session)
    session.run(message_encryption_state, state=state, unmanaged="remove")
    assert [warning for warning in session.warnings if "Somebody else" in warning] == []


def test_a_rule_that_the_task_renames_keeps_its_name_in_later_plans(session: EmulatedSession) -> None:
    """Its answer is lost, so the rest is planned again. By then the rule has its new name."""
    session.run(ome_transport_rules, rules=[rule("a"), rule("b")])
    guid = session.organization.state["transport_rules"][0]["Guid"]
    write, sent = session.write, len(session.writes)

    def losing(call: Call) -> Result:
        result = write(call)
        return result if len(session.writes) > sent + 1 else Result(error=OutcomeUnknownError("the answer was lost."))

    session.write = losing  # type: ignore[method-assign]
    done = session.run(ome_transport_rules, rules=[{"guid": guid, "name": "c", "enabled": False}])
    assert [(change["identity"], change["option"]) for change in done["changes"]] == [("a", "name"), ("a", "enabled")]
    assert [call.cmdlet for call in session.writes[sent:]] == ["Set-TransportRule", "Disable-TransportRule"]
