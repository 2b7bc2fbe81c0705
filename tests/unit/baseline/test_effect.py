# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule that does not act is not met, whatever the playbook names of it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.rules_control import (
    RulesControl,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.rounds import rounds
from tests.unit.baseline.wishes import ALLOWED, STATES, WISHES
from tests.unit.emulated_session import WIRES

from .conftest import Role

CONDITIONS = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
WANTED = {"name": "mine", "conditions": CONDITIONS, "actions": {"apply_rights_protection_template": "Encrypt"}}
STORED = {
    "Name": "mine",
    "FromScope": "InOrganization",
    "SentToScope": "NotInOrganization",
    "ApplyRightsProtectionTemplate": "Encrypt",
}

#: What somebody can do to a rule so that it does not act, and what is said of it.
IDLE = {
    "disabled": ({"State": "Disabled"}, "is disabled"),
    "audit": ({"Mode": "Audit"}, "is only in test mode (Audit)"),
    "audit and notify": ({"Mode": "AuditAndNotify"}, "is only in test mode (AuditAndNotify)"),
    "expired": ({"ExpiryDate": "2020-01-01T00:00:00Z"}, "has expired (2020-01-01T00:00:00Z)"),
    "not yet": ({"ActivationDate": "2999-01-01T00:00:00Z"}, "does not act before 2999-01-01T00:00:00Z"),
}
ADDED = {**IDLE, "exception": ({"ExceptIfSubjectContainsWords": ["clear"]}, "exceptions.subject_contains_words")}


def mail_flow(role: Role) -> dict[str, Any]:
    (control,) = [control for control in role.report["controls"] if control["id"] == "MFR-1"]
    return dict(control)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("what", ADDED)
def test_what_the_playbook_does_not_name_is_as_in_a_new_rule(tmp_path: Path, wire: str, what: str) -> None:
    role = Role({"transport_rules": [{**STORED, **ADDED[what][0]}]}, str(tmp_path), wire)
    role.plan("audit", encryption_rules=[WANTED])
    assert mail_flow(role)["status"] == "not met"
    # An expiry that is past cannot be set again.
    role.run(encryption_rules=[WANTED], accept=["irreversible"])
    role.plan("audit", encryption_rules=[WANTED])
    assert mail_flow(role)["status"] == "met"
    (rule,) = role.session.organization.dump()["transport_rules"]
    assert (rule["State"], rule["Mode"]) == ("Enabled", "Enforce")
    assert not rule.get("ExpiryDate")
    assert not rule.get("ActivationDate")
    assert not rule.get("ExceptIfSubjectContainsWords")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"enabled": False}, "'mine' is disabled."),
        ({"activation_date": "2999-01-01T00:00:00Z"}, "'mine' does not act before 2999-01-01T00:00:00Z."),
    ],
)
def test_a_rule_that_is_declared_not_to_act_is_not_met_either(
    tmp_path: Path, wire: str, options: dict[str, Any], said: str
) -> None:
    role = Role({}, str(tmp_path), wire)
    role.run(encryption_rules=[{**WANTED, **options}])
    assert not role.run(encryption_rules=[{**WANTED, **options}])["pending"]
    assert mail_flow(role)["status"] == "not met"
    assert said in mail_flow(role)["findings"]
    assert role.report["status"] == "drift"


@pytest.mark.parametrize("mode", ["Audit", "AuditAndNotify"])
def test_a_rule_that_is_declared_in_a_test_mode_is_met_with_a_remark(role: Role, mode: str) -> None:
    rule = {**WANTED, "mode": mode}
    role.run(encryption_rules=[rule])
    role.plan("audit", encryption_rules=[rule])
    assert mail_flow(role)["status"] == "met"
    assert mail_flow(role)["findings"] == [f"'mine' is only in test mode ({mode}), as declared: it does not act."]
    role.session.edit("Disable-TransportRule", Identity="mine")
    role.plan("audit", encryption_rules=[rule])
    assert mail_flow(role)["status"] == "not met"


def test_the_built_rule_says_that_it_is_only_tried(role: Role) -> None:
    role.run(encrypt_outgoing={"mode": "Audit"})
    role.plan("audit", encrypt_outgoing={"mode": "Audit"})
    assert "as declared: it does not act" in mail_flow(role)["findings"][0]
    role.run(encrypt_outgoing=True)
    role.plan("audit", encrypt_outgoing=True)
    assert mail_flow(role)["status"] == "met"


def test_conditions_that_are_not_declared_are_said_and_left_alone(tmp_path: Path) -> None:
    role = Role({"transport_rules": [{**STORED, "SubjectContainsWords": ["secret"]}]}, str(tmp_path))
    role.run(encryption_rules=[{"name": "mine", "actions": WANTED["actions"]}])
    assert "'mine' has conditions that are not declared" in mail_flow(role)["findings"][0]
    assert mail_flow(role)["status"] == "not met"
    assert role.session.organization.dump()["transport_rules"][0]["SubjectContainsWords"] == ["secret"]


def test_no_rule_that_encrypts_is_not_met(tmp_path: Path) -> None:
    role = Role({"transport_rules": [{"Name": "mine", "PrependSubject": "x"}]}, str(tmp_path))
    role.plan("audit", encryption_rules=[{"name": "gone", "state": "absent"}])
    assert mail_flow(role)["findings"] == ["No rule of the list exists that encrypts."]
    assert mail_flow(role)["status"] == "not met"


def test_a_rule_that_only_asks_for_an_approval_does_not_encrypt(role: Role) -> None:
    rule = {**WANTED, "actions": {**WANTED["actions"], "moderate_message_by_user": ["admin@contoso.com"]}}
    role.run(encryption_rules=[rule])
    assert "No rule of the list exists that encrypts." in mail_flow(role)["findings"]
    assert mail_flow(role)["status"] == "not met"


EVERY = {
    "State": st.sampled_from(["Enabled", "Disabled"]),
    "Mode": st.sampled_from(["Enforce", "Audit", "AuditAndNotify"]),
    "ExpiryDate": st.sampled_from(["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]),
    "ActivationDate": st.sampled_from(["2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]),
    "ExceptIfSubjectContainsWords": st.just(["clear"]),
    "SubjectContainsWords": st.just(["secret"]),
}
DECLARED = {
    "enabled": st.booleans(),
    "mode": st.sampled_from(["Enforce", "Audit"]),
    "expiry_date": st.sampled_from(["", "2999-01-01T00:00:00Z"]),
    "exceptions": st.sampled_from([{}, {"subject_contains_words": ["clear"]}]),
    "conditions": st.just({**CONDITIONS, "subject_contains_words": ["secret"]}),
}


@given(
    st.fixed_dictionaries({}, optional=EVERY),
    st.fixed_dictionaries({}, optional=DECLARED),
    st.sampled_from(WIRES),
    st.booleans(),
)
@settings(max_examples=rounds(25))
def test_met_means_that_the_rule_acts(stored: dict[str, Any], declared: dict[str, Any], wire: str, write: bool) -> None:
    """Met implies an enabled, unexpired rule in the declared mode, without undeclared exceptions: judged from the
    organization itself.
    """
    role = Role({"transport_rules": [{**STORED, **stored}]}, wire=wire)
    rule = {**WANTED, **declared}
    try:
        role.run(encryption_rules=[rule], accept=["irreversible"]) if write else role.plan(
            "audit", encryption_rules=[rule]
        )
    except ExchangeError:
        return
    status = mail_flow(role)["status"]
    event(status)
    if status == "met":
        assert_acts(role, rule)


def assert_acts(role: Role, declared: dict[str, Any]) -> None:
    now = datetime.datetime.now(datetime.UTC).isoformat()
    (rule,) = [rule for rule in role.session.organization.dump()["transport_rules"] if rule["Name"] == declared["name"]]
    assert (rule["State"], rule["Mode"]) == ("Enabled", declared.get("mode", "Enforce"))
    assert not rule.get("ExpiryDate") or str(rule["ExpiryDate"]) > now
    assert not rule.get("ActivationDate") or str(rule["ActivationDate"]) < now
    exceptions = {name for name, value in rule.items() if name.startswith("ExceptIf") and value}
    assert len(exceptions) == len(declared.get("exceptions") or {})


@given(STATES, WISHES, st.sampled_from(WIRES))
@settings(max_examples=rounds(15))
def test_met_means_that_all_rules_of_any_wishes_act(state: dict[str, Any], wishes: dict[str, Any], wire: str) -> None:
    role = Role(state, wire=wire)
    try:
        role.run(**ALLOWED, **wishes)
    except ExchangeError:
        return
    if mail_flow(role)["status"] == "met":
        encrypting = [
            rule
            for rule in wishes.get("encryption_rules", ())
            if "apply_rights_protection_template" in rule.get("actions", {})
        ]
        for rule in encrypting:
            assert_acts(role, rule)


def test_the_law_sees_a_rule_that_is_called_met_and_does_not_act(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    role = Role({"transport_rules": [{**STORED, "State": "Disabled"}]}, str(tmp_path))
    rule = {**WANTED, "enabled": False}
    role.plan("audit", encryption_rules=[rule])
    assert mail_flow(role)["status"] == "not met"
    monkeypatch.setattr(RulesControl, "shortcomings", lambda *_arguments: [])
    role.plan("audit", encryption_rules=[rule])
    assert mail_flow(role)["status"] == "met"
    with pytest.raises(AssertionError):
        assert_acts(role, rule)
