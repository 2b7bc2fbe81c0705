# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots, and the way back."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.change import (
    DOES,
    PlannedChange,
    undone,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import RollbackClass
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import apply as _apply
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Impact
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import (
    digest_of,
    document_of,
    document_text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    ExchangeError,
    InvalidValueError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.letters import Sending
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.question_experiments import (
    BY_NUMBER,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.experiment.temporary_rules import (
    TemporaryRules,
    rule_of_run,
)

from tests.unit.emulated_session import WIRES

from .conftest import FAULTS, FailingSession, Role

OUTGOING = {"encrypt_outgoing": {"template": "Encrypt"}}


def refused(role: Role, **variables: Any) -> str:
    writes = len(role.session.writes)
    with pytest.raises(ExchangeError) as refusal:
        role.run("rollback", **variables)
    assert len(role.session.writes) == writes
    return str(refusal.value)


def tampered(role: Role, **changes: Any) -> None:
    path = Path(role.artifacts.snapshots.chain().last().path)
    document = {**document_of(path.read_bytes()), **changes}
    if "digest" not in changes:
        document["digest"] = digest_of({key: value for key, value in document.items() if key != "digest"})
    path.write_text(document_text(document))
    # What its run stored is recorded about the snapshot as it was.
    path.with_name(path.name.replace("snapshot-", "applied-")).unlink()


def test_a_run_without_a_change_leaves_no_snapshot(role: Role) -> None:
    role.run()
    role.run()
    (link,) = role.artifacts.snapshots.chain().links
    path = link.path
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


def test_without_a_snapshot(role: Role) -> None:
    assert "There is no snapshot of this organization" in refused(role)


def test_runs_are_rolled_back_one_after_the_other(role: Role) -> None:
    first = role.state()
    role.run()
    second = role.state()
    role.run(**OUTGOING)
    role.run("rollback")
    assert role.state() == second
    role.run("rollback")
    assert role.state() == first
    assert not role.run("rollback")["pending"]


def leave_temporary_rules(role: Role) -> None:
    """What an experiment that was killed leaves."""
    people = {"sender": "ann@contoso.onmicrosoft.com", "inside": "bob@contoso.onmicrosoft.com"}
    now = datetime.datetime.now(datetime.UTC)
    sending = Sending("graph", [people["sender"]], [people["inside"]], "0123abcd", now)
    until = now + datetime.timedelta(hours=3)
    rules = [rule_of_run("U08", rule, sending, people, until) for rule in BY_NUMBER["U08"].rules]
    task = ModuleContext(params={}, check_mode=False, session=role.session)
    TemporaryRules(task, lambda seconds: None).make(rules)


@pytest.mark.parametrize("scope", ["changed", "full"])
def test_temporary_rules_of_experiments_are_removed(role: Role, scope: str) -> None:
    first = role.state()
    role.run(**OUTGOING)
    leave_temporary_rules(role)
    assert role.state() != first
    role.run("rollback", rollback_scope=scope)
    assert role.state() == first


def test_what_others_did_is_left_alone(role: Role) -> None:
    role.run(**OUTGOING)
    role.session.edit("New-TransportRule", Name="theirs", PrependSubject="x")
    role.session.edit("Set-IRMConfiguration", SearchEnabled=False)
    role.run("rollback")
    state = role.session.organization.dump()
    assert [rule["Name"] for rule in state["transport_rules"]] == ["theirs"]
    assert state["irm_configuration"]["SearchEnabled"] is False


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (("Set-OMEConfiguration", {"Identity": "OME Configuration", "SocialIdSignIn": True, "OTPEnabled": False}), ""),
        (
            ("Set-TransportRule", {"Identity": "Encrypt all outgoing mail", "SubjectContainsWords": ["secret"]}),
            "Encrypt all outgoing mail",
        ),
        (("Disable-TransportRule", {"Identity": "Encrypt all outgoing mail"}), "Encrypt all outgoing mail"),
        (
            ("Set-TransportRule", {"Identity": "mine", "ExceptIfSubjectContainsWords": ["secret"]}),
            "exceptions.subject_contains_words of mine",
        ),
    ],
)
def test_third_party_drift_is_refused_unless_forced(
    tmp_path: Path, edit: tuple[str, dict[str, Any]], named: str
) -> None:
    role = Role(
        {"transport_rules": [{"Name": "mine", "PrependSubject": "x", "ExceptIfSubjectContainsWords": ["a"]}]},
        str(tmp_path),
    )
    before = role.state()
    rules = [{"name": "mine", "exceptions": {"subject_contains_words": ["b"]}}]
    role.run(encryption_rules=rules, **OUTGOING)
    role.session.edit(edit[0], **edit[1])
    if named:
        assert named in refused(role)
    role.run("rollback", rollback_force=True)
    if named:
        assert role.state() == before
    assert not role.run("rollback")["pending"]


@pytest.mark.parametrize("wire", WIRES)
def test_the_full_scope_puts_everything_back_and_leaves_rules_of_others(tmp_path: Path, wire: str) -> None:
    role = Role({}, str(tmp_path), wire)
    before = role.state()
    role.run(**OUTGOING)
    role.session.edit("Set-IRMConfiguration", SearchEnabled=False)
    role.session.edit("New-TransportRule", Name="theirs", ApplyRightsProtectionTemplate="Encrypt")
    role.run("rollback", rollback_scope="full")
    assert [rule["Name"] for rule in role.session.organization.dump()["transport_rules"]] == ["theirs"]
    assert any("Rules that others created since then stay: 'theirs'" in warning for warning in role.report["warnings"])
    # It is not as the snapshot holds it, so it does not count as that.
    assert any(
        "does not count as rolled back: 'theirs' exists, which others created since then." in warning
        for warning in role.report["warnings"]
    )
    assert [link.rolled_back for link in role.artifacts.snapshots.chain().links] == [False]
    role.run("rollback", rollback_scope="full", rollback_force=True)
    assert role.state() == before
    assert [link.rolled_back for link in role.artifacts.snapshots.chain().links] == [True]


def test_a_rule_of_another_name_is_of_others_whatever_it_looks_like(tmp_path: Path) -> None:
    """To .NET a sharp s is not two of them."""
    role = Role({"transport_rules": [{"Name": "stra\u00dfe", "PrependSubject": "x"}]}, str(tmp_path))
    role.run(**OUTGOING)
    role.session.edit("Remove-TransportRule", Identity="stra\u00dfe")
    role.session.edit("New-TransportRule", Name="strasse", ApplyRightsProtectionTemplate="Encrypt")
    role.run("rollback", rollback_scope="full", rollback_force=False)
    assert any("Rules that others created since then stay: 'strasse'" in warning for warning in role.report["warnings"])
    assert sorted(rule["Name"] for rule in role.session.organization.dump()["transport_rules"]) == [
        "strasse",
        "stra\u00dfe",
    ]


@pytest.mark.parametrize("wire", WIRES)
class TestSnapshotWithoutARun:
    """The playbook ``snapshot`` takes one before somebody works by hand."""

    def test_it_goes_back_whole(self, tmp_path: Path, wire: str) -> None:
        role = Role({}, str(tmp_path), wire)
        before = role.state()
        path = role.plan("snapshot")["snapshot"]
        role.session.edit("Set-IRMConfiguration", SearchEnabled=False)
        role.session.edit("Set-OMEConfiguration", Identity="OME Configuration", OTPEnabled=False)
        planned = role.plan("rollback", check=True)
        assert planned["pending"]
        assert not role.artifacts.snapshots.rolled_back(path)
        role.run("rollback")
        assert role.state() == before
        assert role.artifacts.snapshots.rolled_back(path)

    def test_what_runs_have_made_since_is_not_of_others(self, tmp_path: Path, wire: str) -> None:
        role = Role({}, str(tmp_path), wire)
        before = role.state()
        path = role.plan("snapshot")["snapshot"]
        role.run(**OUTGOING)
        role.run(encrypt_outgoing={"exceptions": {"subject_contains_words": ["clear"]}}, accept=["weakened_mail"])
        role.run("rollback", rollback_snapshot=path)
        assert role.state() == before
        assert role.artifacts.snapshots.rolled_back(path)

    def test_a_snapshot_is_named_and_no_other_file_is_opened(self, tmp_path: Path, wire: str) -> None:
        role = Role({}, str(tmp_path), wire)
        path = role.plan("snapshot")["snapshot"]
        name = Path(path).name
        for given in (path, name, f"snapshots/{name}", f"./{name}"):
            assert not role.run("rollback", rollback_snapshot=given)["pending"], given
        secret = tmp_path / name
        secret.write_text("not to be read", encoding="utf-8")
        for given in (str(secret), f"../{name}", "json", f"x{name}", "/", "."):
            text = refused(role, rollback_snapshot=given)
            assert f"{given!r} is not a snapshot of this organization. The newest is {name}." in text
            assert "not to be read" not in text

    def test_nothing_counts_as_rolled_back_that_is_not(self, tmp_path: Path, wire: str) -> None:
        role = Role({}, str(tmp_path), wire)
        path = role.plan("snapshot")["snapshot"]
        role.session.edit("New-TransportRule", Name="theirs", ApplyRightsProtectionTemplate="Encrypt")
        assert not role.run("rollback")["pending"]
        assert not role.artifacts.snapshots.rolled_back(path)
        role.session.edit("Remove-TransportRule", Identity="theirs")
        assert not role.run("rollback")["pending"]
        assert role.artifacts.snapshots.rolled_back(path)
        assert "Every snapshot of this organization has been rolled back" in said(role)


def said(role: Role, **variables: Any) -> str:
    """What a rollback says before it begins."""
    texts: list[str] = []
    role.say = texts.append
    role.plan("rollback", check=True, **variables)
    return " ".join(texts)


def test_a_rollback_says_what_it_goes_back_to(role: Role) -> None:
    done = role.run(**OUTGOING)
    run = role.artifacts.run
    name = Path(done["snapshot"]).name
    text = said(role)
    assert text.startswith(f"Goes back to {name} of 20")
    assert (
        f"taken by the run {run}, and puts back what that run changed. It would set back azure_rms_licensing_enabled of irm_configuration, "
        in text
    )
    assert text.endswith("; remove Encrypt all outgoing mail.")
    assert role.report["snapshot"] == {
        "path": done["snapshot"],
        "created_at": role.artifacts.load(done["snapshot"])["created_at"],
        "run": run,
        "scope": "changed",
        "digest": role.artifacts.load(done["snapshot"])["digest"],
    }


def test_a_rule_that_comes_back_is_said_to_be_recreated(tmp_path: Path) -> None:
    role = Role(MINE, str(tmp_path))
    role.run(encryption_rules=[{"name": "mine", "state": "absent"}])
    assert said(role).endswith("; recreate mine.")


def test_what_a_rollback_undoes_is_cut_after_the_worst() -> None:
    setting = {"control": "", "rollback": RollbackClass.EXACT, "command": ""}
    rows = [
        PlannedChange("ome_transport_rule", f"r{number}", "state", "present", "absent", Impact.DELETES, **setting)
        for number in range(6)
    ]
    licensing = PlannedChange(
        "irm_configuration", "", "azure_rms_licensing_enabled", True, False, Impact.TAKES_AWAY, **setting
    )
    text = undone([*rows, licensing], DOES)
    assert text == "sets back azure_rms_licensing_enabled of irm_configuration; removes r0, r1, r2, r3; and 2 more"


def test_several_organizations_need_their_names(role: Role) -> None:
    before = role.state()
    role.run()
    both = ["contoso", "fabrikam"]
    assert 'hardened_baseline_confirm_rollback: ["contoso", "fabrikam"]' in refused(role, hosts=both)
    assert "it is contoso" in refused(role, hosts=both, confirm_rollback=["contoso"])
    role.plan("rollback", check=True, hosts=both)
    assert any(
        "The real run needs hardened_baseline_confirm_rollback" in warning for warning in role.report["warnings"]
    )
    role.run("rollback", hosts=both, confirm_rollback=["fabrikam", "contoso"])
    assert role.state() == before


@pytest.mark.parametrize("wire", WIRES)
def test_a_created_rule_that_somebody_renamed_is_known_again(tmp_path: Path, wire: str) -> None:
    role = Role({}, str(tmp_path), wire)
    before = role.state()
    role.run(**OUTGOING)
    role.session.edit("Set-TransportRule", Identity="Encrypt all outgoing mail", Name="renamed")
    assert "renamed is not as the run left it" in (text := refused(role))
    assert "rollback_force: true, which removes it, too" in text
    role.run("rollback", rollback_force=True)
    assert role.state() == before


def test_a_rule_of_others_that_looks_like_the_created_one_stays(role: Role) -> None:
    """Once the created rule is removed, the other one is not taken for it under another name."""
    role.run(**OUTGOING)
    (rule,) = role.session.organization.dump()["transport_rules"]
    same = {
        name: rule[name]
        for name in ("FromScope", "SentToScope", "ApplyRightsProtectionTemplate", "RuleErrorAction")
        if rule.get(name)
    }
    role.session.edit("New-TransportRule", Name="theirs", **same)
    role.run("rollback")
    assert [each["Name"] for each in role.session.organization.dump()["transport_rules"]] == ["theirs"]
    assert [link.rolled_back for link in role.artifacts.snapshots.chain().links] == [True]


def test_a_created_rule_that_somebody_renamed_and_changed_is_said_to_be_left(role: Role) -> None:
    role.run(**OUTGOING)
    role.session.edit(
        "Set-TransportRule", Identity="Encrypt all outgoing mail", Name="renamed", SubjectContainsWords=["secret"]
    )
    role.run("rollback")
    assert any(
        "'renamed' has appeared since and may be the same object" in warning for warning in role.report["warnings"]
    )
    assert [rule["Name"] for rule in role.session.organization.dump()["transport_rules"]] == ["renamed"]


@pytest.mark.parametrize("wire", WIRES)
def test_of_two_rules_that_both_may_be_what_the_run_created_none_is_picked(tmp_path: Path, wire: str) -> None:
    role = Role({}, str(tmp_path), wire)
    role.run(**OUTGOING)
    (rule,) = role.session.organization.dump()["transport_rules"]
    role.session.edit("Set-TransportRule", Identity=rule["Name"], Name="one")
    same = {
        name: rule[name]
        for name in ("FromScope", "SentToScope", "ApplyRightsProtectionTemplate", "RuleErrorAction")
        if rule.get(name)
    }
    role.session.edit("New-TransportRule", Name="two", **same)
    role.run("rollback", rollback_force=True)
    assert [rule["Name"] for rule in role.session.organization.dump()["transport_rules"]] == ["one", "two"]
    assert any(
        "'one', 'two' has appeared since and may be the same object" in warning for warning in role.report["warnings"]
    )
    # And the snapshot does not count as rolled back.
    assert [link.rolled_back for link in role.artifacts.snapshots.chain().links] == [False]


RULES = {"transport_rules": [{"Name": name, "PrependSubject": name} for name in ("a", "b", "c", "d")]}


def names(role: Role) -> str:
    return "".join(rule["Name"][0] for rule in role.session.organization.dump()["transport_rules"])


@pytest.mark.parametrize("wire", WIRES)
def test_the_order_that_others_made_meanwhile_is_theirs(tmp_path: Path, wire: str) -> None:
    role = Role(RULES, str(tmp_path), wire)
    role.run(**OUTGOING)
    role.session.edit("Set-TransportRule", Identity="d", Priority=0)
    role.run("rollback")
    assert names(role) == "dabc"


@pytest.mark.parametrize("wire", WIRES)
def test_the_order_that_others_made_meanwhile_is_drift_where_the_run_moved_rules(tmp_path: Path, wire: str) -> None:
    role = Role(RULES, str(tmp_path), wire)
    role.run(encryption_rules=[{"name": "b"}, {"name": "a"}])
    assert names(role) == "bacd"
    role.session.edit("Set-TransportRule", Identity="d", Priority=2)
    assert "somebody moved them since" in (text := refused(role))
    assert "rollback_force: true, which restores the order, too" in text
    role.run("rollback", rollback_force=True)
    assert names(role) == "abcd"


MINE = {
    "transport_rules": [
        {"Name": "mine", "PrependSubject": "x", "Comments": "then"},
        {"Name": "other", "PrependSubject": "y", "Comments": "then"},
    ]
}
COMMENT = {"encryption_rules": [{"name": "mine", "comments": "now"}, {"name": "other", "comments": "now"}]}


@pytest.mark.parametrize("wire", WIRES)
class TestOthersMeanwhile:
    """What somebody else did to rules between the run and its rollback is never undone unasked."""

    def test_a_rule_that_others_removed_is_not_made_again(self, tmp_path: Path, wire: str) -> None:
        role = Role(MINE, str(tmp_path), wire)
        before = role.state()
        role.run(**COMMENT)
        role.session.edit("Remove-TransportRule", Identity="mine")
        text = refused(role)
        assert text.startswith("1 finding, ")
        assert "mine is not as the run left it" in text
        assert "rollback_force: true, which recreates it, too" in text
        role.run("rollback", rollback_force=True)
        assert role.state() == before

    def test_a_rule_that_others_made_in_the_place_of_a_removed_one_is_not_written_over(
        self, tmp_path: Path, wire: str
    ) -> None:
        role = Role(MINE, str(tmp_path), wire)
        before = role.state()
        role.run(encryption_rules=[{"name": "mine", "state": "absent"}])
        role.session.edit("New-TransportRule", Name="mine", PrependSubject="theirs")
        assert "recreate mine" not in said(role, rollback_force=True)
        assert "actions.prepend_subject of mine is 'theirs'" in (text := refused(role))
        assert "rollback_force: true, which sets it back, too" in text
        role.run("rollback", rollback_force=True)
        assert role.state() == before

    def test_a_rule_that_others_made_again_gets_its_name_back_as_it_was(self, tmp_path: Path, wire: str) -> None:
        role = Role(MINE, str(tmp_path), wire)
        before = role.state()
        role.run(encryption_rules=[{"name": "mine", "state": "absent"}])
        role.session.edit("New-TransportRule", Name="Mine", PrependSubject="x")
        role.run("rollback", rollback_force=True)
        assert role.state() == before

    def test_a_rule_that_others_renamed_is_put_back_under_its_new_name(self, tmp_path: Path, wire: str) -> None:
        role = Role(MINE, str(tmp_path), wire)
        role.run(**COMMENT)
        role.session.edit("Set-TransportRule", Identity="mine", Name="renamed")
        role.run("rollback")
        assert [(rule["Name"], rule["Comments"]) for rule in role.session.organization.dump()["transport_rules"]] == [
            ("renamed", "then"),
            ("other", "then"),
        ]

    def test_rules_that_the_run_changed_and_others_moved_stay_where_they_are(self, tmp_path: Path, wire: str) -> None:
        role = Role(MINE, str(tmp_path), wire)
        role.run(**COMMENT)
        role.session.edit("Set-TransportRule", Identity="other", Priority=0)
        role.run("rollback")
        assert [(rule["Name"], rule["Comments"]) for rule in role.session.organization.dump()["transport_rules"]] == [
            ("other", "then"),
            ("mine", "then"),
        ]

    def test_the_whole_state_comes_back_also_where_a_name_was_given_on(self, tmp_path: Path, wire: str) -> None:
        role = Role(
            {"transport_rules": [{"Name": "a", "ApplyRightsProtectionTemplate": "Encrypt"}]}, str(tmp_path), wire
        )
        before = role.state()
        role.run()
        role.session.edit("Set-TransportRule", Identity="a", Name="b")
        role.session.edit(
            "New-TransportRule", Name="a", ApplyRightsProtectionTemplate="Encrypt", SubjectContainsWords=["x"]
        )
        role.run("rollback", rollback_scope="full", rollback_force=True)
        assert role.state() == before

    def test_a_rule_that_cannot_be_written_is_switched_on_again_under_its_new_name(
        self, tmp_path: Path, wire: str
    ) -> None:
        role = Role({"transport_rules": [{"Name": "old", "ApplyOME": True}]}, str(tmp_path), wire)
        role.run("disable", confirm_disable="contoso.onmicrosoft.com")
        role.session.edit("Set-TransportRule", Identity="old", Name="renamed")
        role.run("rollback")
        assert [(rule["Name"], rule["State"]) for rule in role.session.organization.dump()["transport_rules"]] == [
            ("renamed", "Enabled")
        ]


def test_created_templates_stay(role: Role) -> None:
    role.run(branding_template={"name": "week"}, **OUTGOING)
    role.run("rollback")
    assert [item["Identity"] for item in role.session.organization.dump()["ome_configurations"]] == [
        "OME Configuration",
        "week",
    ]


def test_check_mode_writes_nothing(role: Role) -> None:
    role.run()
    writes = len(role.session.writes)
    assert role.plan("rollback", check=True)["pending"]
    assert len(role.session.writes) == writes
    assert role.run("rollback")["pending"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"digest": "sha256:0"}, "does not match its own digest"),
        ({"format": 2}, "has format 2"),
        ({"format": -1}, "has format -1"),
        ({"format": 0}, "has format 0"),
        ({"format": True}, "has format True"),
        ({"organization": {}}, "it does not name the organization that it was read from"),
        ({"kind": "plan"}, "is not a snapshot"),
        (
            {"organization": {"name": "fabrikam.onmicrosoft.com", "tenant_id": "11111111-1111-1111-1111-111111111111"}},
            "to a snapshot of this organization",
        ),
    ],
)
def test_a_wrong_snapshot_is_refused(role: Role, changes: dict[str, Any], text: str) -> None:
    role.run()
    tampered(role, **changes)
    assert text in refused(role)


def test_a_cut_off_snapshot_is_refused(role: Role) -> None:
    role.run()
    path = Path(role.artifacts.snapshots.chain().last().path)
    path.write_text(path.read_text()[:100])
    assert "is not JSON" in refused(role)


def test_a_failure_is_rolled_back_where_that_is_wanted(tmp_path: Path) -> None:
    role = Role(FailingSession({}, 1), str(tmp_path))
    before = role.state()
    with pytest.raises(ExchangeError, match="The changes of this run were rolled back"):
        role.run(rollback_on_failure=True)
    assert role.state() == before
    assert role.report["status"] == "failed"
    assert {change["state"] for change in role.report["changes"]} == {"not applied"}
    assert not role.run("rollback")["pending"]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.startswith("line")])
def test_a_failure_is_rolled_back_also_where_the_answer_was_lost(tmp_path: Path, fault: str) -> None:
    """The first write may have happened, although nothing is known to have been changed."""
    role = Role(FailingSession({}, 0, fault), str(tmp_path))
    before = role.state()
    with pytest.raises(ExchangeError, match="The changes of this run were rolled back"):
        role.run(rollback_on_failure=True)
    assert role.state() == before


def test_a_failure_does_not_take_away_what_others_made(tmp_path: Path) -> None:
    """Somebody makes the very rule, otherwise, right before the run does."""
    role = Role({}, str(tmp_path))

    def meddle(call: Call) -> None:
        if call.cmdlet == "New-TransportRule":
            role.session.before_write = lambda call: None
            role.session.edit("New-TransportRule", Name="Encrypt all outgoing mail", PrependSubject="theirs")

    role.session.before_write = meddle
    with pytest.raises(ExchangeError, match="The changes of this run were rolled back"):
        role.run(rollback_on_failure=True, **OUTGOING)
    assert [rule["PrependSubject"] for rule in role.session.organization.dump()["transport_rules"]] == ["theirs"]


def test_a_failure_is_not_rolled_back_over_the_work_of_others(tmp_path: Path) -> None:
    role = Role({"irm_configuration": {"TransportDecryptionSetting": "Disabled"}}, str(tmp_path))

    def meddle(call: Call) -> None:
        if call.cmdlet == "Set-OMEConfiguration":
            role.session.edit("Set-IRMConfiguration", TransportDecryptionSetting="Mandatory")
            raise InvalidValueError("The service refused this.", cmdlet=call.cmdlet)

    role.session.before_write = meddle
    with pytest.raises(ExchangeError, match=r"The rollback failed, too: .*transport_decryption_setting"):
        role.run(rollback_on_failure=True, azure_rms_licensing=None, transport_decryption="Optional")
    assert role.session.organization.dump()["irm_configuration"]["TransportDecryptionSetting"] == "Mandatory"
    states = {change["option"]: change["state"] for change in role.report["changes"]}
    assert (states["transport_decryption_setting"], states["social_id_sign_in"]) == ("unknown", "not applied")


def test_a_run_that_wrote_nothing_is_none_to_come_back_from(tmp_path: Path) -> None:
    session = FailingSession({}, -1)
    role = Role(session, str(tmp_path))
    before = role.state()
    role.run()
    session.fails = len(session.writes)
    with pytest.raises(ExchangeError, match="New-TransportRule: The service refused this"):
        role.run(**OUTGOING)
    role.run("rollback")
    assert role.state() == before


def test_what_is_stored_is_said_also_where_looking_at_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    role = Role({}, str(tmp_path))

    def fail(*_unused: Any) -> Any:
        raise ExchangeError("No answer.")

    monkeypatch.setattr(_apply, "_organization_after", fail)
    result = role.run()
    assert result["changed"]
    assert {change["state"] for change in role.report["changes"]} == {"stored"}
    assert any("Everything is stored" in warning for warning in role.report["warnings"])
    assert not {"met", "not met"} & set(role.controls().values())


def test_what_only_would_be_done_is_not_said_to_be_stored(role: Role) -> None:
    """A play may have check mode for a single task."""
    snapshot = role.plan()["snapshot"]
    task = role._task("baseline", "recommended", {}, True, run_tags=[], skip_tags=[], snapshot=snapshot, stage=None)
    assert _apply.apply(task)["changed"]
    assert {change["state"] for change in role.report["changes"]} == {"planned"}
    assert role.session.writes == []


def test_a_failure_says_what_was_done_and_keeps_the_snapshot(tmp_path: Path) -> None:
    role = Role(FailingSession({}, 1), str(tmp_path))
    with pytest.raises(ExchangeError, match="Set-OMEConfiguration: The service refused this"):
        role.run()
    states = {change["option"]: change["state"] for change in role.report["changes"]}
    assert states["azure_rms_licensing_enabled"] == "stored"
    assert states["social_id_sign_in"] == "not applied"
    assert (role.report["applied"], role.report["not_applied"]) == (2, 1)
    assert len(role.artifacts.snapshots.chain().links) == 1
