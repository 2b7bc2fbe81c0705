# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback says what it cannot restore, and a snapshot that is not restored does not count as rolled back."""

from __future__ import annotations

import copy
import datetime
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures import restored_rules
from ansible_collections.m365.message_encryption.plugins.module_utils._engine import waiting as _waiting
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
)

from tests.unit.emulated_session import EmulatedSession

from .conftest import FAULTS, FailingSession, Role

AME: dict[str, Any] = {"advanced_message_encryption": True}
CONFIRM = {"confirm_disable": "contoso.onmicrosoft.com"}


def counts(role: Role, path: str) -> bool:
    """Whether a snapshot counts as rolled back, which the report tells, too."""
    told = any("does not count as rolled back" in warning for warning in role.report["warnings"])
    assert told != role.artifacts.snapshots.rolled_back(path)
    return not told


def warned(role: Role, text: str) -> bool:
    return any(text in warning for warning in role.report["warnings"])


def test_a_part_that_the_snapshot_could_not_contain_is_said_to_be_missing(tmp_path: Path) -> None:
    role = Role({**AME, "hidden_cmdlets": ["Get-OwaMailboxPolicy"]}, str(tmp_path))
    lacking = "The snapshot does not contain owa_mailbox_policies, because the session did not have the cmdlet"
    path = role.run("snapshot")["snapshot"]
    assert warned(role, lacking)
    role.session.organization.patch({"hidden_cmdlets": []})
    (policy,) = role.session.organization.dump()["owa_mailbox_policies"]
    role.session.edit("Set-OwaMailboxPolicy", Identity=policy["Name"], IRMEnabled=False)
    role.run("rollback")
    assert warned(role, lacking)
    assert not counts(role, path)
    role.run("rollback", rollback_force=True)
    assert warned(role, lacking)
    assert counts(role, path)


def test_a_part_that_the_session_never_has_is_no_reason_to_wait(tmp_path: Path) -> None:
    role = Role({**AME, "hidden_cmdlets": ["Get-OwaMailboxPolicy"]}, str(tmp_path))
    path = role.run("snapshot")["snapshot"]
    role.run("rollback")
    assert warned(role, "The snapshot does not contain owa_mailbox_policies")
    assert counts(role, path)


def test_a_rule_that_has_expired_since_is_said_not_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = Role({**AME, "irm_configuration": {"AzureRMSLicensingEnabled": True}}, str(tmp_path))
    when = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    role.session.edit("New-TransportRule", Name="campaign", ApplyRightsProtectionTemplate="Encrypt", ExpiryDate=when)
    role.session.edit("New-TransportRule", Name="always", ApplyRightsProtectionTemplate="Encrypt")
    path = role.run("disable", **CONFIRM)["snapshot"]

    monkeypatch.setattr(restored_rules, "is_past", bool)
    role.run("rollback")
    assert [rule["Name"] for rule in role.session.organization.dump()["transport_rules"]] == ["always"]
    assert warned(role, "The rule 'campaign' is not recreated, because it expired on ")
    assert not counts(role, path)


def test_an_ome_configuration_that_others_removed_comes_back_whole(tmp_path: Path) -> None:
    template = {
        "Identity": "T",
        "ExternalMailExpiryInterval": "30.00:00:00",
        "EmailText": "old",
        "SocialIdSignIn": False,
    }
    role = Role({**AME, "ome_configurations": [{"Identity": "OME Configuration"}, template]}, str(tmp_path))
    role.run()
    before = role.state()
    role.run(branding_template={"name": "T", "external_mail_expiry_in_days": 7})
    role.session.edit("Remove-OMEConfiguration", Identity="T")
    role.run("rollback", rollback_force=True)
    assert role.state()["ome_configurations"] == before["ome_configurations"]


def test_a_policy_that_was_renamed_is_not_restored_and_does_not_count(tmp_path: Path) -> None:
    role = Role(AME, str(tmp_path))
    role.run()
    (policy,) = role.session.organization.dump()["owa_mailbox_policies"]
    role.session.edit("Set-OwaMailboxPolicy", Identity=policy["Name"], IRMEnabled=False)
    path = role.run(mailbox_policies="enforce", accept=["POL-1", "POL-2"])["snapshot"]
    role.session.organization.state["owa_mailbox_policies"][0]["Name"] = "Renamed"
    role.run("rollback")
    assert warned(role, "no longer exists, so it was not restored")
    assert not counts(role, path)


def encrypting(name: str, **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "FromScope": "InOrganization",
        "SubjectContainsWords": [name],
        "ApplyRightsProtectionTemplate": "Encrypt",
        **more,
    }


class KilledSession(EmulatedSession):
    """An organization whose process is killed after some more writes."""

    left = -1

    def write(self, call: Call) -> Result:
        result = super().write(call)
        self.left -= 1
        if self.left == 0:
            raise SystemExit
        return result


def test_after_an_interrupted_rollback_a_rebuilt_rule_is_not_taken_for_a_created_one(tmp_path: Path) -> None:
    wanted = {
        "encryption_rules": [
            {
                "name": "new",
                "conditions": {"from_scope": "InOrganization", "subject_contains_words": ["new"]},
                "actions": {"apply_rights_protection_template": "Encrypt"},
            },
            {"name": "b", "state": "absent"},
        ],
        "accept": ["weakened_mail"],
    }
    state = {**AME, "transport_rules": [encrypting("a"), encrypting("b", Comments="old")]}
    killed = 0
    for left in range(1, 12):
        session = KilledSession(copy.deepcopy(state))
        role = Role(session, str(tmp_path / str(left)))
        before = role.state()
        path = role.run(**wanted)["snapshot"]
        session.left = left
        try:
            role.run("rollback")
        except SystemExit:
            killed += 1
        session.left = -1
        role.run("rollback")
        assert role.state() == before
        assert not warned(role, "may be the same object")
        assert role.artifacts.snapshots.rolled_back(path)
    assert killed > 2


class BehindSession(FailingSession):
    """An organization one of whose writes fails, and whose reads show the state before an earlier write, or before that
    one, until they are let go.

    :param behind: the number of the write, counted from 0, before which reads stay.
    :param fails: the number of the write that fails; :param:`fault`: how.
    """

    def __init__(self, behind: int, fails: int, fault: str) -> None:
        super().__init__(AME, fails, fault)
        self._stays, self._shown = behind, None

    def let_go(self) -> None:
        self.fails, self._stays, self._shown = -1, -1, None

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        if len(calls) > 1:
            return [result for call in calls for result in self.invoke([call], fresh=fresh)]
        if self._shown is None or not calls[0].is_read:
            return super().invoke(calls, fresh=fresh)
        now = self.organization.dump()
        self.organization.replace(self._shown)
        try:
            return super().invoke(calls, fresh=fresh)
        finally:
            self.organization.replace(now)

    def write(self, call: Call) -> Result:
        if len(self.writes) == self._stays:
            self._shown = self.organization.dump()
        return super().write(call)


def keys_of(rows: Iterable[Mapping[str, Any]]) -> set[tuple[str, ...]]:
    return {tuple(row[name] for name in ("resource", "identity", "option")) for row in rows}


def result_of_failed_run(role: Role, wanted: dict[str, Any]) -> Mapping[str, Any] | None:
    """The result of a run that fails; ``None`` if it does not."""
    try:
        role.run(**wanted)
    except ExchangeError as error:
        return error.result
    return None


def test_result_record_and_report_of_a_failed_run_say_one_thing_of_each_change_and_a_rollback_takes_back_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever reads stay behind, whichever write fails, and however."""
    # Each look at the clock takes a fifth of the second for which writes are verified.
    clock = itertools.count(step=0.2)
    monkeypatch.setattr(_waiting, "time", SimpleNamespace(monotonic=clock.__next__, sleep=lambda seconds: None))
    wanted = {"branding": {"portal_text": "Ours"}, "encrypt_outgoing": True}
    told: set[tuple[str, ...]] = set()
    wrong: list[Any] = []
    for (behind, fails), fault in itertools.product([(0, 1), (1, 1), (1, 2)], FAULTS):
        session = BehindSession(behind, fails, fault)
        role = Role(session, str(tmp_path / f"{fails} {behind} {fault}"))
        before = role.state()
        result = result_of_failed_run(role, wanted)
        if result is None:
            continue  # A repeated write, or a read, showed that it is stored.
        states = {
            state: keys_of(row for row in role.report["changes"] if row["state"] == state)
            for state in ("stored", "unknown", "not applied")
        }
        commands = {row["command"] for row in role.report["changes"] if row["state"] == "unknown"}
        (link,) = role.artifacts.snapshots.chain().links
        recorded = role.artifacts.snapshots.applied(link.path) or {}
        said = (keys_of(result["changes"]), set(result["outcome_unknown"]))
        kept = (keys_of(recorded.get("stored", ())), keys_of(recorded.get("unknown", ())))
        session.let_go()
        role.run("rollback")
        if (said, kept, role.state()) != ((states["stored"], commands), (states["stored"], states["unknown"]), before):
            wrong.append((behind, fails, fault, said, kept, states))
        told.add(tuple(state for state, keys in states.items() if keys))
    assert wrong == []
    assert {state for states in told for state in states} == {"stored", "unknown", "not applied"}
