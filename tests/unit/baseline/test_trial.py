# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule on trial: last, in Mode Audit, harmless, and exactly itself until it is enforced."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.trial import Trial
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.plans import trial_sentence
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.rule import RmsTemplates, Rule
from ansible_collections.m365.message_encryption.plugins.plugin_utils._report.run_page import render_html
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator.message_trace import row
from tests.rounds import rounds
from tests.unit.baseline.wishes import STATES, WANTED_RULE
from tests.unit.run_reports import run_of

from .conftest import Role
from .refusing import refused

OUTSIDE = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
FIRST: dict[str, Any] = {
    "name": "First",
    "conditions": {**OUTSIDE, "subject_contains_words": ["offer"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
PARTNERS: dict[str, Any] = {
    "name": "Partners",
    "rule_error_action": "Defer",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "actions": {
        "apply_rights_protection_template": "Encrypt",
        "generate_incident_report": "it@contoso.com",
        "incident_report_content": ["Subject"],
        "generate_notification": "Encrypted",
        "set_audit_severity": "DoNotAudit",
        "stop_rule_processing": True,
    },
}
LISTED = [PARTNERS, FIRST]
THEIRS = {"Name": "Theirs", "SubjectContainsWords": ["spam"], "SetSCL": 5}
TRIAL = "Partners (trial)"
NOW = datetime.datetime.now(datetime.UTC)


def names(role: Role) -> list[str]:
    return [rule["Name"] for rule in role.session.organization.dump()["transport_rules"]]


def stored(role: Role, name: str) -> dict[str, Any]:
    return next(dict(rule) for rule in role.session.organization.dump()["transport_rules"] if rule["Name"] == name)


def mail_flow(role: Role) -> tuple[str, list[str]]:
    (control,) = [control for control in role.report["controls"] if control["id"] == "MFR-1"]
    return control["status"], list(control["findings"])


def aged(role: Role, days: int) -> None:
    rules = role.session.organization.dump()["transport_rules"]
    when = (NOW - datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    role.session.organization.patch({"transport_rules": [{**rule, "WhenChanged": when} for rule in rules]})


def tried(role: Role) -> Role:
    """The role once it has put a rule on trial, in an organization that has a rule of somebody else."""
    role.session.organization.patch(
        {"irm_configuration": {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}}
    )
    role.session.edit("New-TransportRule", **THEIRS)
    role.run(encryption_rules=LISTED, trial=["partners"])
    return role


def test_a_trial_is_made_last_and_harmless(role: Role) -> None:
    tried(role)
    assert names(role) == ["Theirs", "First", TRIAL]
    rule = stored(role, TRIAL)
    wanted = (
        "Mode",
        "State",
        "RuleErrorAction",
        "SetAuditSeverity",
        "ApplyRightsProtectionTemplate",
        "RecipientDomainIs",
    )
    assert {key: rule.get(key) for key in wanted} == {
        "Mode": "Audit",
        "RuleErrorAction": "Ignore",
        "State": "Enabled",
        "SetAuditSeverity": "Low",
        "ApplyRightsProtectionTemplate": "Encrypt",
        "RecipientDomainIs": ["fabrikam.com"],
    }
    assert [
        key
        for key in ("StopRuleProcessing", "GenerateIncidentReport", "IncidentReportContent", "GenerateNotification")
        if rule.get(key)
    ] == []
    assert role.run(encryption_rules=LISTED, trial=["Partners"])["pending"] is False


@pytest.mark.parametrize(("severity", "kept"), [("High", "High"), (None, "Low")])
def test_a_trial_has_the_severity_that_is_declared_and_is_logged(role: Role, severity: str | None, kept: str) -> None:
    actions = {
        name: value
        for name, value in {**PARTNERS["actions"], "set_audit_severity": severity}.items()
        if value is not None
    }
    role.run(encryption_rules=[FIRST, {**PARTNERS, "actions": actions}], trial=["Partners"])
    assert stored(role, TRIAL)["SetAuditSeverity"] == kept
    role.session.edit("Set-TransportRule", Identity=TRIAL, SetAuditSeverity="DoNotAudit")
    role.run(encryption_rules=[FIRST, {**PARTNERS, "actions": actions}], trial=["Partners"])
    assert stored(role, TRIAL)["SetAuditSeverity"] == kept


def test_a_trial_stays_last_and_no_other_rule_is_moved_for_it(role: Role) -> None:
    tried(role)
    second = {**PARTNERS, "name": "Second"}
    for number in (1, 2):
        role.session.edit("New-TransportRule", Name=f"New {number}", SubjectContainsWords=["x"], SetSCL=number)
    before = {rule["Name"]: rule["WhenChanged"] for rule in role.session.organization.dump()["transport_rules"]}
    role.run(encryption_rules=[*LISTED, second], trial=["Second", "Partners"])
    assert names(role) == ["Theirs", "First", "New 1", "New 2", TRIAL, "Second (trial)"]
    after = {rule["Name"]: rule["WhenChanged"] for rule in role.session.organization.dump()["transport_rules"]}
    assert [name for name in before if after[name] != before[name]] == [TRIAL]


def test_one_approved_plan_enforces_the_rule_and_a_rollback_takes_that_back(role: Role) -> None:
    tried(role)
    before = role.session.organization.dump()["transport_rules"]
    plan = role.plan(check=True, encryption_rules=LISTED, trial=[])
    assert {(change["identity"], change["after"]) for change in plan["changes"] if change["option"] == "state"} == {
        ("Partners", "present"),
        (TRIAL, "absent"),
    }
    assert [row["kind"] for row in plan["mail"]["difference"]] == ["protection_gained", "side_effect_changed"]
    role.run(encryption_rules=LISTED, approved_plan=plan["digest"])
    assert names(role) == ["Theirs", "Partners", "First"]
    assert [stored(role, "Partners")[key] for key in ("Mode", "StopRuleProcessing", "RuleErrorAction")] == [
        "Enforce",
        True,
        "Defer",
    ]
    assert mail_flow(role) == ("met", [])
    assert role.run(encryption_rules=LISTED)["pending"] is False

    role.run("rollback")
    ignored = ("Guid", "WhenChanged", "ImmutableId", "Identity")
    shown = [
        [{key: value for key, value in rule.items() if key not in ignored} for rule in rules]
        for rules in (before, role.session.organization.dump()["transport_rules"])
    ]
    assert shown[1] == shown[0]
    role.run("rollback")
    assert names(role) == ["Theirs"]


def test_neither_the_control_nor_a_guarantee_counts_a_trial(role: Role) -> None:
    role.session.organization.patch(
        {"irm_configuration": {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}}
    )
    guarantee = {"name": "partners", "when": PARTNERS["conditions"], "then": "encrypted"}
    role.run(encryption_rules=[PARTNERS], trial=["Partners"], guarantees=[guarantee])
    status, findings = mail_flow(role)
    assert status == "not met"
    assert "No rule of the list exists that encrypts." in findings
    (row_of_guarantee,) = role.report["mail"]["guarantees"]
    assert row_of_guarantee["verdict"] == "refuted"
    # What the trial itself changes is nothing.
    gone = {"name": "Partners", "state": "absent"}
    plan = role.plan(check=True, encryption_rules=[gone, {**PARTNERS, "name": "Another"}], trial=["Another"])
    assert plan["mail"]["difference"] == []
    assert not plan["mail"].get("foreign")


def test_a_proof_does_not_depend_on_a_trial(role: Role) -> None:
    role.session.organization.patch(
        {"irm_configuration": {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}}
    )
    guarantee = {
        "name": "partners",
        "when": {**PARTNERS["conditions"], "sent_to_scope": "NotInOrganization"},
        "then": "not_in_clear",
    }
    role.run(encryption_rules=LISTED, trial=["First"], guarantees=[guarantee])
    assert [each["verdict"] for each in role.report["mail"]["guarantees"]] == ["proved"]


@given(
    STATES,
    st.lists(
        WANTED_RULE.filter(lambda rule: "actions" in rule), min_size=1, max_size=3, unique_by=lambda rule: rule["name"]
    ),
)
@settings(max_examples=rounds(12), deadline=None)
def test_whatever_is_tried_does_nothing_to_mail_and_leaves_no_trace(
    state: dict[str, Any], rules: list[dict[str, Any]]
) -> None:
    rules = [{**rule, "name": f"new {rule['name']}"} for rule in rules]
    role = Role(state)
    before = role.state()
    listed = [rule["name"] for rule in rules]
    plan = role.plan(check=True, run_tags=["MFR-1"], encryption_rules=rules, trial=listed)
    assert plan["mail"]["difference"] == []
    role.run(run_tags=["MFR-1"], encryption_rules=rules, trial=listed)
    assert names(role)[-len(listed) :] == [f"{name} (trial)" for name in listed]
    role.run("rollback")
    assert role.state() == before


def test_switching_message_encryption_off_removes_a_trial(role: Role) -> None:
    tried(role)
    role.run("disable", confirm_disable="contoso.onmicrosoft.com", guarantees=[])
    assert names(role) == ["Theirs"]


def test_a_plan_and_an_audit_show_what_the_rule_would_do(role: Role) -> None:
    tried(role)
    aged(role, 5)
    began, until = ((NOW + datetime.timedelta(days=days)).date().isoformat() for days in (-5, 9))
    mail = [
        row(
            number,
            NOW - datetime.timedelta(hours=6),
            "alexw@contoso.onmicrosoft.com",
            f"p{number}@fabrikam.com",
            Subject="hello",
        )
        for number in range(4)
    ]
    role.session.organization.patch({"message_trace": mail})
    said: list[str] = []
    role.say = said.append
    role.plan(check=True, encryption_rules=LISTED, trial=["Partners"], replay_days=7)
    (trial,) = role.report["mail"]["trials"]
    assert {key: trial[key] for key in ("name", "rule", "since", "until", "expired")} == {
        "name": "Partners",
        "rule": TRIAL,
        "since": began,
        "until": until,
        "expired": False,
    }
    assert "protection_gained" in {each["kind"] for each in trial["difference"]}
    assert [(each["kind"], each["certain"]) for each in trial["replay"]["difference"]] == [
        ("protection_gained", 4),
        ("side_effect_changed", 4),
    ]
    assert any(f"On trial since its last change on {began}, until {until}: 'Partners'." in line for line in said)
    assert any("4 copies are now encrypted (fabrikam.com 4): 'Partners'." in line for line in said)
    page = render_html(run_of(role.report, kind="check"))
    assert "Rules on trial" in page
    assert "What enforcing it changes" in page

    role.plan("audit", encryption_rules=LISTED, trial=["Partners"])
    assert role.report["mail"]["trials"][0]["difference"] == trial["difference"]
    assert mail_flow(role) == (
        "met",
        [
            f"'Partners' is on trial since its last change on {began}, until {until}: as '{TRIAL}' it does nothing to mail."
        ],
    )


def test_an_expired_trial_is_a_finding_and_nothing_else(role: Role) -> None:
    tried(role)
    aged(role, 15)
    ended = (NOW - datetime.timedelta(days=1)).date()
    before = role.session.organization.dump()
    assert role.run(encryption_rules=LISTED, trial=["Partners"])["pending"] is False
    status, findings = mail_flow(role)
    assert status == "not met"
    assert any(f"The trial of 'Partners' ended on {ended}." in text for text in findings)
    assert role.session.organization.dump() == before
    role.plan("audit", encryption_rules=LISTED, trial=["Partners"], trial_days=30)
    assert mail_flow(role)[0] == "met"


def test_the_day_on_which_a_trial_was_created_counts_before_that_of_its_last_change() -> None:
    stored = {"Name": "Partners (trial)", "Guid": "1", "Priority": 0, "State": "Enabled"}
    dates = {"WhenCreated": "2026-11-01T10:00:00Z", "WhenChanged": "2026-11-19T10:00:00Z"}
    for shown, since, said in (
        (dates, "2026-11-01", "since 2026-11-01, until 2026-11-15"),
        ({"WhenChanged": dates["WhenChanged"]}, "2026-11-19", "since its last change on 2026-11-19, until 2026-12-03"),
    ):
        trial = Trial.of_rule("Partners", Rule({**stored, **shown}, RmsTemplates()), 14).row
        assert (trial.since, trial.changed) == (since, "WhenCreated" not in shown)
        assert f"'Partners' is on trial {said}:" in trial_sentence(trial)


def test_a_trial_is_known_by_itself_and_not_by_its_name(role: Role) -> None:
    tried(role)
    guid = stored(role, TRIAL)["Guid"]
    role.session.edit("Set-TransportRule", Identity=TRIAL, Name="Something else")
    role.run(encryption_rules=LISTED, trial=["Partners"])
    assert stored(role, TRIAL)["Guid"] == guid
    # The rule that is tried gets another name: one trial goes, and the other comes.
    gone = {"name": "Partners", "state": "absent"}
    role.run(encryption_rules=[gone, {**PARTNERS, "name": "Friends"}, FIRST], trial=["Friends"])
    assert names(role) == ["Theirs", "First", "Friends (trial)"]
    # A rule that is given up.
    role.run(encryption_rules=[{"name": "Friends", "state": "absent"}, FIRST])
    assert names(role) == ["Theirs", "First"]


def test_the_trial_of_a_rule_that_is_not_declared_is_somebody_elses_and_stays(role: Role) -> None:
    tried(role)
    theirs = {"Name": "Board (trial)", "FromScope": "InOrganization", "SubjectContainsWords": ["board"]}
    comment = "Trial by m365.message_encryption of the rule: Board"
    role.session.edit(
        "New-TransportRule", **theirs, ApplyRightsProtectionTemplate="Encrypt", Mode="Audit", Comments=comment
    )
    for wanted in (
        {"encryption_rules": LISTED, "trial": ["Partners"]},
        {"encryption_rules": [{"name": "Partners", "state": "absent"}, FIRST]},
        {"encryption_rules": [FIRST]},
    ):
        role.run(**wanted)
        assert "Board (trial)" in names(role)
        assert not role.plan(check=True, **wanted)["pending"]
    assert TRIAL not in names(role)
    # Once the rule is declared, its trial is ours.
    role.run(encryption_rules=[{"name": "Board", "state": "absent"}, FIRST])
    assert "Board (trial)" not in names(role)


def test_a_rule_that_only_looks_like_a_trial_stays(role: Role) -> None:
    tried(role)
    role.session.edit("New-TransportRule", Name="First (trial)", SubjectContainsWords=["x"], SetSCL=1, Mode="Audit")
    role.run(encryption_rules=LISTED)
    assert names(role) == ["Theirs", "Partners", "First", "First (trial)"]


@pytest.mark.parametrize(
    ("trial", "text"),
    [
        (
            ["Partner"],
            "hardened_baseline_trial[0]: 'Partner' is not the name of a rule of hardened_baseline_encryption_rules. Did you mean Partners?",
        ),
        (["Partners", "PARTNERS"], "hardened_baseline_trial[1]: 'PARTNERS' is listed twice."),
        (["Gone"], "hardened_baseline_trial[0]: 'Gone' has state: absent, so there is nothing to try."),
        (["n" * 57], "has 57 characters; a rule on trial can have 56"),
        (["First"], "has a rule with the name of its trial, 'First (trial)'"),
    ],
)
def test_names_that_cannot_be_on_trial_are_refused(role: Role, trial: list[str], text: str) -> None:
    gone = {"name": "Gone", "state": "absent"}
    assert text in refused(
        role,
        encryption_rules=[*LISTED, gone, {**FIRST, "name": "n" * 57}, {**FIRST, "name": "First (trial)"}],
        trial=trial,
    )


def test_a_rule_is_either_on_trial_or_enforced(role: Role) -> None:
    role.run(encryption_rules=LISTED)
    text = "'Partners' cannot be on trial, because the organization has the rule 'Partners' (mode Enforce): a rule is either on trial or enforced."
    assert text in refused(role, encryption_rules=LISTED, trial=["Partners"])
    role.plan("audit", encryption_rules=LISTED, trial=["Partners"])
    status, findings = mail_flow(role)
    assert (status, any(text in finding for finding in findings)) == ("not met", True)


def test_a_suggestion_to_enforce_a_trial_says_how(role: Role) -> None:
    firm = {"name": "Rules protect all mail to the partner", "when": PARTNERS["conditions"], "then": "not_in_clear"}
    tried(role).plan("audit", encryption_rules=LISTED, trial=["partners"], guarantees=[firm])
    texts = [row["text"] for row in role.report["mail"]["suggestions"]]
    how = "It is a trial: to enforce it, remove 'partners' from hardened_baseline_trial."
    assert [text for text in texts if how in text] == [
        f"Set the mode of the rule '{TRIAL}' from Audit to Enforce. {how}"
    ]


def test_a_trial_that_somebody_has_enforced_is_refused_and_not_weakened(role: Role) -> None:
    tried(role)
    role.session.edit("Set-TransportRule", Identity=TRIAL, Mode="Enforce")
    assert f"a rule with the name of its trial that is none: '{TRIAL}' (mode Enforce)" in refused(
        role, encryption_rules=LISTED, trial=["Partners"]
    )
    role.plan(check=True, encryption_rules=LISTED)
    assert stored(role, TRIAL)["Mode"] == "Enforce"


def test_a_trial_counts_for_the_limit_of_rules_and_so_does_the_moment_of_its_end(role: Role) -> None:
    tried(role)
    role.session.organization.patch(
        {
            "transport_rules": [
                *(
                    {"Name": f"n{number}", "Guid": str(uuid.UUID(int=number)), "State": "Enabled", "SetSCL": 1}
                    for number in range(297)
                ),
                *role.session.organization.dump()["transport_rules"],
            ]
        }
    )
    text = refused(
        role,
        encryption_rules=[*LISTED, {**FIRST, "name": "One more", "conditions": OUTSIDE}],
        trial=["Partners", "One more"],
    )
    assert "there would be 301 rules; the organization can have 300." in text
    text = refused(role, encryption_rules=LISTED)
    assert "there would be 301 rules until the run removes those that go; the organization can have 300." in text


def test_where_no_day_is_shown_a_trial_does_not_expire(role: Role) -> None:
    tried(role)
    rules = [
        {key: value for key, value in rule.items() if key != "WhenChanged"}
        for rule in role.session.organization.dump()["transport_rules"]
    ]
    role.session.organization.patch({"transport_rules": rules})
    role.plan("audit", encryption_rules=LISTED, trial=["Partners"])
    assert mail_flow(role) == (
        "met",
        [f"'Partners' is on trial since an unknown day: as '{TRIAL}' it does nothing to mail."],
    )
