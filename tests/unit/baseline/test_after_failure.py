# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of an organization in which the run failed or was rolled back: what a read shows, never what the
plan foresaw.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.mail_control import (
    OUTGOING_GUARANTEE,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    NotSentError,
)

from tests.unit.emulated_session import WIRES, EmulatedSession

from .conftest import FailingSession, Role

LAW: dict[str, Any] = {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]}
ENCRYPT: dict[str, Any] = {
    "name": "Law firm",
    "conditions": LAW,
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
GUARANTEE: dict[str, Any] = {"name": "Rules protect all mail to the law firm", "when": LAW, "then": "not_in_clear"}

NOT_COMPUTED = "The effect of the stored changes on mail was not computed."


def wrong(name: str) -> list[dict[str, Any]]:
    """A message of which no run makes what it expects."""
    return [
        {
            "name": name,
            "from": "a@contoso.com",
            "to": ["b@fabrikam.com"],
            "expect": {"b@fabrikam.com": {"protection": "template:Nothing"}},
        }
    ]


def verdicts(role: Role) -> dict[str, str]:
    return {row["name"]: row["verdict"] for row in role.report["mail"].get("guarantees", ())}


class DeafSession(FailingSession):
    """An organization that refuses its second write, and shows nothing from some read on."""

    deaf = False

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        if self.deaf:
            return [Result(error=NotSentError("the session was lost.", cmdlet=call.cmdlet)) for call in calls]
        return super().invoke(calls, fresh=fresh)

    def write(self, call: Call) -> Result:
        self.deaf = len(self.writes) == self.fails
        return super().write(call)


@pytest.mark.parametrize("wire", WIRES)
def test_what_was_rolled_back_is_not_said_to_be_met(tmp_path: Path, wire: str) -> None:
    role = Role({}, str(tmp_path), wire)
    before = role.state()
    role.plan("audit", encrypt_outgoing=True, messages=wrong("m1"))
    as_it_is = role.controls()
    with pytest.raises(ExchangeError, match="were rolled back"):
        role.run(encrypt_outgoing=True, messages=wrong("m1"), rollback_on_failure=True)
    assert role.state() == before
    assert role.controls() == as_it_is
    assert "difference" not in role.report["mail"]
    assert not [text for text in role.report["warnings"] if text.startswith(NOT_COMPUTED)]
    assert verdicts(role) == {OUTGOING_GUARANTEE: "refuted"}


@pytest.mark.parametrize("wire", WIRES)
def test_what_failed_halfway_is_as_far_as_it_came(tmp_path: Path, wire: str) -> None:
    role = Role(FailingSession({}, fails=2, wire=wire), str(tmp_path))
    with pytest.raises(ExchangeError, match="New-TransportRule: The service refused this"):
        role.run(encrypt_outgoing=True)
    after = role.controls(), verdicts(role)
    assert [text for text in role.report["warnings"] if text.startswith(NOT_COMPUTED)]
    role.plan("audit", encrypt_outgoing=True)
    assert after == (role.controls(), verdicts(role))
    assert after[0]["MFR-2"] == "not met"
    assert after[0]["IRM-1"] == "met"


@pytest.mark.parametrize("wire", WIRES)
def test_what_cannot_be_read_after_a_failure_is_not_known(tmp_path: Path, wire: str) -> None:
    role = Role(DeafSession({}, fails=1, fault="answer lost, done", wire=wire), str(tmp_path))
    with pytest.raises(
        ExchangeError, match="it is unknown whether the change is stored, because the read failed: the session was lost"
    ):
        role.run(encrypt_outgoing=True)
    assert not {"met", "not met"} & set(role.controls().values())
    assert role.report["mail"] == {}
    unread = [text for row in role.report["controls"] if row["status"] == "not assessable" for text in row["findings"]]
    assert any("the session was lost" in text for text in unread)


class IgnoringSession(EmulatedSession):
    """An organization that accepts changes of OME configurations and ignores them."""

    def write(self, call: Call) -> Result:
        if call.cmdlet != "Set-OMEConfiguration":
            return super().write(call)
        self.writes.append(call)
        return Result()


@pytest.mark.parametrize("back", [False, True])
def test_what_is_accepted_and_never_shown_is_unknown_wherever_it_is_said(tmp_path: Path, back: bool) -> None:
    """In the report, in the task's result, and in what a rollback starts from."""
    role = Role(IgnoringSession({}), str(tmp_path))
    with pytest.raises(ExchangeError, match="does not show it after") as failure:
        role.run(rollback_on_failure=back)
    states = {change["option"]: change["state"] for change in role.report["changes"]}
    if back:
        assert set(states.values()) == {"not applied"}
        return
    assert (states.pop("social_id_sign_in"), set(states.values())) == ("unknown", {"stored"})
    result = failure.value.result
    assert [command.split()[0] for command in result["outcome_unknown"]] == ["Set-OMEConfiguration"]
    assert {change["option"] for change in result["changes"]} == states.keys()
    (link,) = role.artifacts.snapshots.chain().links
    applied = role.artifacts.snapshots.applied(link.path)
    assert [row["option"] for row in applied["unknown"]] == ["social_id_sign_in"]
    assert {row["option"] for row in applied["stored"]} == states.keys()


@pytest.mark.parametrize("name", ["m1", "Whether outsiders read it", f"{OUTGOING_GUARANTEE!r} "])
def test_a_message_is_judged_whatever_its_name_is(role: Role, name: str) -> None:
    role.plan(check=True, encrypt_outgoing=True, messages=wrong(name))
    assert any(text.startswith(f"The run would write first and then fail: {name}") for text in role.report["warnings"])
    with pytest.raises(ExchangeError, match="mail is not treated as declared"):
        role.run(encrypt_outgoing=True, messages=wrong(name))
    assert role.report["status"] == "failed"


@pytest.mark.parametrize("procedure", ["rollback", "disable"])
def test_what_takes_rules_away_says_what_is_no_longer_guaranteed(role: Role, procedure: str) -> None:
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    role.run(guarantees=[GUARANTEE], encryption_rules=[ENCRYPT])
    assert verdicts(role) == {GUARANTEE["name"]: "proved"}
    role.plan(procedure, guarantees=[GUARANTEE], confirm_disable="contoso.onmicrosoft.com", settle_minutes=0)
    (row,) = role.report["mail"]["guarantees"]
    assert (row["verdict"], row["before"]) == ("refuted", "proved")


def test_a_chain_that_is_broken_is_said_before_another_snapshot_is_taken(role: Role) -> None:
    role.run(encrypt_outgoing=True)
    role.run(branding={"portal_text": "Ours"})
    role.run(branding={"portal_text": "Theirs"})
    middle = next(
        link
        for link in role.artifacts.snapshots.chain().links
        if link.previous and role.artifacts.snapshots.chain().after(link.id)
    )
    Path(middle.path).unlink()
    role.run(branding={"portal_text": "Whose"})
    (warning,) = [text for text in role.report["warnings"] if "chain of snapshots" in text]
    assert "a rollback will ask for its name" in warning
