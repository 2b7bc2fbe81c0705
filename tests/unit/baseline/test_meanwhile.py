# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do while a run writes: nothing is written that was not approved, and the report has what was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.terminal_lines import lines_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run.apply import apply
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import waiting as _waiting
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    NotSentError,
    OutcomeUnknownError,
    VerificationError,
)

from tests.unit.clock import Clock
from tests.unit.emulated_session import EmulatedSession
from tests.unit.run_reports import run_of

from .conftest import Role

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
SECTIONS = {"from_scope": "InOrganization"}


def wished(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {"name": name, "conditions": {**SECTIONS, "subject_contains_words": [name]}, "actions": ENCRYPT, **more}
        for name in names
    ]


@pytest.fixture(name="role")
def role_fixture(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Role:
    """An organization with the baseline and the rules a, b and c. Nobody waits."""
    monkeypatch.setattr(_waiting, "VERIFY_INTERVAL", 0.5)
    stored = [
        {
            "Name": name,
            "FromScope": "InOrganization",
            "ApplyRightsProtectionTemplate": "Encrypt",
            "SubjectContainsWords": [name],
        }
        for name in "abc"
    ]
    role = Role(EmulatedSession({"advanced_message_encryption": True, "transport_rules": stored}))
    role.run()
    return role


def rules(role: Role) -> dict[str, Any]:
    return {rule["Name"]: rule for rule in role.session.organization.dump()["transport_rules"]}


def stored(role: Role) -> set[tuple[str, str]]:
    """What the report says was written: objects and options."""
    return {(row["identity"], row["option"]) for row in role.report["changes"] if row["state"] == "stored"}


OTHERS = "Somebody else changed something while this task wrote: "


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "theirs", "shown"),
    [
        # One rule less: Exchange refuses the next place itself.
        ("Remove-TransportRule", {}, {"State": None}, "The specified rule priority is invalid"),
        ("Disable-TransportRule", {}, {"State": "Disabled"}, f"{OTHERS}enabled of 'a' is False, not True"),
        (
            "Set-TransportRule",
            {"ExceptIfSubjectContainsWords": ["plain"]},
            {"ExceptIfSubjectContainsWords": ["plain"]},
            rf"{OTHERS}exceptions\.subject_contains_words of 'a' is \['plain'\], not None",
        ),
    ],
)
@pytest.mark.parametrize("rollback", [False, True])
def test_what_others_do_after_the_first_write_is_not_undone(
    role: Role, cmdlet: str, parameters: dict[str, Any], theirs: dict[str, Any], shown: str, rollback: bool
) -> None:
    wishes = {"encryption_rules": wished("c", "b", "a"), "rollback_on_failure": rollback}
    planned = role.plan(check=True, **wishes)
    assert {row["option"] for row in planned["changes"]} == {"priority"}
    written, order = len(role.session.writes), list(rules(role))

    def edit(call: Call) -> None:
        if len(role.session.writes) == written:
            role.session.edit(cmdlet, Identity="a", **parameters)

    role.session.before_write = edit
    with pytest.raises(ExchangeError, match=shown):
        role.run(**wishes, approved_plan=planned["digest"], require_approval=True)
    assert {call.cmdlet for call in role.session.writes[written:]} == {"Set-TransportRule"}
    assert all(set(call.parameters) == {"Identity", "Priority", "Confirm"} for call in role.session.writes[written:])
    left = rules(role).get("a", {})
    assert {name: left.get(name) for name in theirs} == theirs
    # What was written is in the report, and is what the rollback undid.
    if rollback:
        assert [name for name in order if name in rules(role)] == list(rules(role))
        assert stored(role) == set()
    else:
        assert stored(role) == (set() if cmdlet == "Remove-TransportRule" else {("b", "priority")})


@pytest.mark.parametrize("cmdlet", ["Remove-TransportRule", "Disable-TransportRule"])
def test_an_answer_that_was_lost_lets_nothing_else_be_written(
    role: Role, monkeypatch: pytest.MonkeyPatch, cmdlet: str
) -> None:
    wishes = {"encryption_rules": wished("a", "b", comments="ours")}
    write, written = role.session.write, len(role.session.writes)

    def losing(call: Call) -> Result:
        result = write(call)
        if len(role.session.writes) > written + 1:
            return result
        role.session.edit(cmdlet, Identity="a")
        return Result(error=OutcomeUnknownError("the answer was lost.", cmdlet=call.cmdlet))

    monkeypatch.setattr(role.session, "write", losing)
    with pytest.raises(ExchangeError, match="Somebody else changed something while this task wrote"):
        role.run(**wishes)
    assert [str(call.parameters.get("Comments")) for call in role.session.writes[written:]] == ["ours"]
    assert rules(role)["b"].get("Comments") != "ours"


def last_line(role: Role) -> str:
    report = OrganizationReport.from_row(role.report)
    return lines_of(run_of(report, kind="apply"), "page")[0]


def states(role: Role) -> dict[tuple[str, str], str]:
    return {(row["identity"], row["option"]): row["state"] for row in role.report["changes"]}


class TestAlreadySo:
    """Somebody else, or another host of the inventory, makes a planned change before the run comes to it."""

    def test_a_run_that_wrote_nothing_says_so(self, role: Role) -> None:
        wishes = {"encryption_rules": wished("new")}
        role.run(encryption_rules=wished("a", comments="first"))
        planned = role.plan(**wishes)
        role.session.edit(
            "New-TransportRule",
            Name="new",
            FromScope="InOrganization",
            SubjectContainsWords=["new"],
            ApplyRightsProtectionTemplate="Encrypt",
        )
        done = role.apply_planned(planned, **wishes)
        assert (done["changed"], done["commands"]) == (False, [])
        assert (role.report["status"], set(states(role).values())) == ("met", {"already so"})
        assert last_line(role).startswith("contoso: nothing was written: all of it is so by now; snapshot ")
        # Their rule stays, and a rollback goes back to before the last run that wrote.
        role.run("rollback")
        assert "new" in rules(role)
        assert not rules(role)["a"].get("Comments")

    def test_what_was_written_is_told_from_what_was_already_so(self, role: Role) -> None:
        wishes = {"encryption_rules": wished("a", "b", comments="ours")}
        planned = role.plan(**wishes)
        role.session.edit("Set-TransportRule", Identity="a", Comments="ours")
        role.apply_planned(planned, **wishes)
        assert states(role) == {("a", "comments"): "already so", ("b", "comments"): "stored"}
        assert role.report["status"] == "changed"
        assert last_line(role).startswith("contoso: MFR-1 comments of 'b' \"\" -> ours; 1 already so; snapshot ")

    def test_switching_off_keeps_the_changes_of_its_second_stage(self, role: Role) -> None:
        given = {"confirm_disable": "contoso.onmicrosoft.com"}
        planned = role.plan("disable", **given)
        for stage, left in (("rules", {"planned"}), ("settings", set())):
            apply(
                role._task(
                    "disable",
                    "recommended",
                    given,
                    False,
                    run_tags=[],
                    skip_tags=[],
                    snapshot=planned["snapshot"],
                    stage=stage,
                )
            )
            assert set(states(role).values()) == {"stored", *left}


class TestNotReadBack:
    """With verify_timeout 0, the read that assesses the controls decides."""

    @pytest.mark.parametrize("procedure", ["baseline", "rollback", "disable"])
    def test_what_exchange_accepts_and_ignores_fails(
        self, role: Role, monkeypatch: pytest.MonkeyPatch, procedure: str
    ) -> None:
        wishes = {"social_id_sign_in": True} if procedure == "baseline" else {}
        wishes |= {"confirm_disable": "contoso.onmicrosoft.com"} if procedure == "disable" else {}
        planned = role.plan(procedure, **wishes)
        monkeypatch.setattr(role.session, "write", lambda call: Result())
        with pytest.raises(VerificationError, match=r"does not show it after 0 seconds: .* is ") as failure:
            apply(role._task(procedure, "recommended", wishes, False, **unverified(planned)))
        result = failure.value.result
        assert result["commands"]
        assert (sorted(result["outcome_unknown"]), result["changes"]) == (sorted(result["commands"]), [])
        assert (role.report["status"], set(states(role).values())) == ("failed", {"unknown"})

    def test_what_exchange_stores_passes(self, role: Role) -> None:
        planned = role.plan(social_id_sign_in=True)
        done = apply(role._task("baseline", "recommended", {"social_id_sign_in": True}, False, **unverified(planned)))
        assert done["changed"]
        assert (role.report["status"], set(states(role).values())) == ("changed", {"stored"})

    def test_what_cannot_be_read_is_unknown(self, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
        planned = role.plan(social_id_sign_in=True)
        invoke, written = role.session.invoke, len(role.session.writes)

        def deaf(calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
            if len(role.session.writes) > written:
                return [Result(error=NotSentError("the session was lost.", cmdlet=call.cmdlet)) for call in calls]
            return invoke(calls, fresh=fresh)

        monkeypatch.setattr(role.session, "invoke", deaf)
        with pytest.raises(ExchangeError, match=r"whether it stores them is unknown: .*the session was lost"):
            apply(role._task("baseline", "recommended", {"social_id_sign_in": True}, False, **unverified(planned)))
        assert set(states(role).values()) == {"unknown"}


def unverified(planned: dict[str, Any]) -> dict[str, Any]:
    return {"run_tags": [], "skip_tags": [], "snapshot": planned["snapshot"], "stage": "", "verify_timeout": 0}
