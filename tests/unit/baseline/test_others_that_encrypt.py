# SPDX-License-Identifier: GPL-3.0-or-later
"""Audits, plans and replays read DLP policies and labels where they are granted; where not, they say so and go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.effect_on_mail import (
    EffectOnMail,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.first_look import (
    overview_lines,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.organization_overview import (
    OrganizationOverview,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedures.export import (
    others_that_encrypt,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import COMPLIANCE_CMDLETS
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    SUBSETS,
    read,
    with_compliance,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import document_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.encrypters import (
    encrypter_lines,
)
from ansible_collections.m365.message_encryption.plugins.modules import (
    mail_flow_replay,
    mail_flow_test,
    message_encryption_info,
    message_encryption_state,
)

from tests.unit.emulated_session import EmulatedSession, refusal

from .conftest import Role
from .guarantees import GUARANTEE

OTHERS: dict[str, Any] = {
    "compliance_role": True,
    "dlp_policies": [{"Name": "Cards"}],
    "dlp_rules": [
        {
            "Name": "All to people outside",
            "ParentPolicyName": "Cards",
            "AccessScope": "NotInOrganization",
            "EncryptRMSTemplate": "Encrypt",
        }
    ],
    "labels": [{"Name": "Secret"}],
}


def granted(role: Role, **more: Any) -> None:
    role.session.organization.patch({**OTHERS, **more})


def asked(session: EmulatedSession, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cmdlets of the compliance endpoint that are asked from now on."""
    found: list[str] = []
    invoke = session.invoke

    def watched(calls: Any, **more: Any) -> Any:
        found.extend(call.cmdlet for call in calls if call.is_compliance)
        return invoke(calls, **more)

    monkeypatch.setattr(session, "invoke", watched)
    return found


def test_an_audit_says_who_else_encrypts(role: Role) -> None:
    granted(role)
    role.plan("audit")
    overview = role.report["overview"]
    assert overview["unseen"] == ["encrypt_button"]
    assert overview["not_read"] == []
    rows = [row for row in role.report["mail"]["encrypters"] if row["kind"] in ("dlp", "label")]
    assert {row["rests_on"] for row in rows} == {"read"}


def test_an_audit_without_the_role_names_it_and_goes_on(role: Role) -> None:
    role.plan("audit")
    overview = role.report["overview"]
    assert overview["unseen"] == ["dlp", "labels", "encrypt_button"]
    (line,) = overview["not_read"]
    assert "Security Reader" in line
    encrypters = encrypter_lines(EffectOnMail.from_row(role.report["mail"]).encrypters)
    shown = [text.strip() for text in overview_lines(OrganizationOverview.from_row(overview), encrypters)]
    assert [text for text in shown if "DLP policies" in text] == [
        "Not seen: DLP policies, sensitivity labels, the Encrypt button.",
        line,
    ]


def test_a_half_granted_role_shows_its_half(role: Role) -> None:
    granted(role, hidden_cmdlets=["Get-DlpComplianceRule"])
    role.plan("audit")
    assert role.report["overview"]["unseen"] == ["dlp", "encrypt_button"]


@pytest.mark.parametrize("name", ["", " ", None])
def test_what_has_no_name_counts_and_goes_by_its_guid(role: Role, name: str | None) -> None:
    rule = {**OTHERS["dlp_rules"][0], "Name": name, "ParentPolicyName": name or "", "Guid": "G2"}
    nameless = {"Name": name, "Guid": "G1"}
    granted(role, dlp_policies=[nameless], dlp_rules=[{**rule, "Policy": "G1"}], labels=[nameless])
    role.plan("audit")
    assert role.report["overview"]["unseen"] == ["encrypt_button"]
    rows = [row["name"] for row in role.report["mail"]["encrypters"] if row["kind"] == "dlp"]
    assert rows
    assert all("g2" in row or "g1" in row for row in rows)
    subsets = ["dlp_policies", "labels", "label_policies", "auto_label_policies"]
    found = role.session.run(message_encryption_info, gather=subsets)
    (policy,), (label,) = found["dlp_policies"], found["labels"]
    for each, guid in ((policy, "g1"), (policy["rules"][0], "g2"), (label, "g1")):
        assert each["name"] == guid
        assert {"property": "Name", "parts": ["name"], "reason": "it is empty"} in each["unreadable"]
    facts = {key: found[key] for key in subsets}
    assert role.session.run(mail_flow_test, lint=True, facts=facts)["unseen"] == ["encrypt_button"]
    role.session.run(mail_flow_replay)


def test_rules_without_a_policy_and_names_make_one_policy() -> None:
    rule = {**OTHERS["dlp_rules"][0], "Name": "", "Guid": "", "ParentPolicyName": "", "Policy": ""}
    session = EmulatedSession({**OTHERS, "dlp_policies": [], "dlp_rules": [rule]})
    (policy,) = session.run(message_encryption_info, gather=["dlp_policies"])["dlp_policies"]
    assert policy["name"]
    assert policy["rules"][0]["name"]
    session.run(mail_flow_replay)


def test_an_approved_plan_is_applied_with_the_same_policies(role: Role) -> None:
    granted(role)
    given = {"guarantees": [GUARANTEE], "social_id_sign_in": False}
    plan = role.plan(check=True, **given)
    assert plan["digest"]
    role.run(approved_plan=plan["digest"], **given)
    assert role.session.writes


def test_a_replay_asks_for_them_and_a_test_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    session = EmulatedSession(OTHERS)
    found = asked(session, monkeypatch)
    session.run(mail_flow_test, lint=True)
    assert found == []
    session.run(mail_flow_replay)
    assert set(found) == set(COMPLIANCE_CMDLETS)


def test_facts_take_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    session = EmulatedSession(OTHERS)
    subsets = ["dlp_policies", "labels", "label_policies", "auto_label_policies"]
    facts = {
        key: value for key, value in session.run(message_encryption_info, gather=subsets).items() if key in subsets
    }
    assert len(facts) == 4
    result = session.run(mail_flow_test, lint=True, facts=facts)
    assert result["unseen"] == ["encrypt_button"]


def test_everything_is_read_without_them_unless_they_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    session = EmulatedSession(OTHERS)
    found = asked(session, monkeypatch)
    assert "dlp_policies" not in session.run(message_encryption_info)
    assert found == []


@pytest.mark.parametrize("part", ["dlp_policies", "labels", "label_policies", "auto_label_policies"])
def test_a_state_never_writes_them(part: str) -> None:
    session = EmulatedSession(OTHERS)
    assert part in refusal(session, message_encryption_state, state={part: []})


def test_a_snapshot_has_them_as_information_and_a_rollback_leaves_them_alone(role: Role) -> None:
    granted(role)
    role.run(social_id_sign_in=False)
    snapshot = role.artifacts.load(role.artifacts.snapshots.chain().last().path)
    assert [policy["name"] for policy in snapshot["state"]["dlp_policies"]] == ["Cards"]
    capture = next(iter(Path(role.directory).rglob("*capture*.json")))
    assert {read["cmdlet"] for read in json.loads(capture.read_text("utf-8"))[0]["reads"]} >= set(COMPLIANCE_CMDLETS)
    before = len(role.session.writes)
    role.run("rollback")
    assert {call.cmdlet for call in role.session.writes[before:]} == {"Set-IRMConfiguration", "Set-OMEConfiguration"}


def test_what_others_change_since_the_snapshot_is_shown_and_never_put_back(role: Role) -> None:
    granted(role)
    role.run(social_id_sign_in=False)
    role.plan("audit", social_id_sign_in=False)
    assert not [text for text in role.task.warnings if "Cards" in text]
    granted(role, dlp_policies=[{"Name": "Cards", "Mode": "Disable"}, {"Name": "New"}], labels=[])
    writes = len(role.session.writes)
    role.plan("audit", social_id_sign_in=False)
    (text,) = [text for text in role.task.warnings if "'Cards'" in text]
    assert all(name in text for name in ("'New' is new", "'Secret' is gone", "another mode"))
    assert len(role.session.writes) == writes


def test_an_export_names_them_in_a_comment() -> None:
    session = EmulatedSession(OTHERS)
    others = others_that_encrypt(read(session, with_compliance([*SUBSETS]), fresh=True))
    assert any("All to people outside" in text for text in others), others


def test_a_capture_stands_for_both_endpoints(role: Role) -> None:
    granted(role)
    role.plan("snapshot")
    path = next(iter(Path(role.directory).rglob("*capture*.json")))
    document = document_of(json.loads(path.read_text("utf-8")), "capture.json")
    assert [policy["name"] for policy in document.facts["dlp_policies"]] == ["Cards"]
    assert [label["name"] for label in document.facts["labels"]] == ["Secret"]
    assert facts_of(document.facts).encrypters.unseen == ("encrypt_button",)
