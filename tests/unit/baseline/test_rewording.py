# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences are no data: with other words, each digest, verdict, refusal, count and order is the same."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.report import (
    OrganizationReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.status import (
    OrganizationStatus,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.task_result import (
    TaskResult,
    organization_report,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.arguments import validate
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.rule_sources import (
    MailFlowContext,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.tasks import rules_test
from ansible_collections.m365.message_encryption.plugins.modules import mail_flow_test

from tests.unit.clock import stopped

from .conftest import Role
from .rewording import MARK, differing, reword

NOW = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
OUTGOING = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
GUARANTEE = {"name": "G", "when": OUTGOING, "then": "not_in_clear"}
#: Rules that share classes of mail, with something unknown, something that cannot be followed, and dates.
RULES: list[dict[str, Any]] = [
    {"name": "Stops", "conditions": {"recipient_domain_is": ["a.example"]}, "actions": {"stop_rule_processing": True}},
    {"name": "One", "conditions": {**OUTGOING, "subject_contains_words": ["one"]}, "actions": ENCRYPT},
    {"name": "Two", "conditions": {**OUTGOING, "subject_contains_words": ["two"]}, "actions": ENCRYPT},
    {"name": "Odd", "conditions": {"subject_matches_patterns": [r"\bx"]}, "actions": ENCRYPT},
    {"name": "Boss", "conditions": OUTGOING, "actions": {"add_manager_as_recipient_type": "Bcc"}},
    {"name": "Later", "conditions": OUTGOING, "actions": ENCRYPT, "activation_date": "2099-01-01T00:00:00Z"},
    {"name": "Log", "conditions": OUTGOING, "actions": {"generate_incident_report": "joe@contoso.com"}},
]
OPTIONS: dict[str, Any] = {
    "rules": [{"enabled": True, "mode": "Enforce", **rule} for rule in RULES],
    "compare_with": [{"enabled": True, "mode": "Enforce", **rule} for rule in RULES[2:4]],
    "facts": {"accepted_domains": ["contoso.com"], "remote_domains": []},
    "messages": [
        {
            "name": "M",
            "from": "ann@contoso.com",
            "to": ["bob@a.example", "joe@b.example"],
            "expect": {"bob@a.example": {"protection": "encrypt"}},
        }
    ],
    "guarantees": [GUARANTEE, {"name": "H", "when": {"sent_to_scope": "InOrganization"}, "then": "not_in_clear"}],
    **dict.fromkeys(("overview", "suggest", "simplify", "explain", "lint"), True),
    "trace": "all",
}


def answered() -> dict[str, Any]:
    rules = {name: value for name, value in mail_flow_test.SPEC.items() if name != "argument_spec"}
    validation, errors = validate(json.loads(json.dumps(OPTIONS)), mail_flow_test.SPEC["argument_spec"], **rules)
    assert not errors, errors
    task = MailFlowContext(
        params=validation.validated_parameters,
        check_mode=False,
        session=None,  # type: ignore[arg-type]
        find_file=lambda path: Path(path).read_bytes(),
        load=json.loads,
    )
    result: dict[str, Any] = mail_flow_test.run(task)
    return result


def test_of_what_is_said_of_rules_and_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_test, "datetime", stopped(NOW))
    plain = answered()
    assert {len(plain["difference"]) > 3, bool(plain["policy"]), bool(plain["suggestions"])} == {True}
    reword(monkeypatch)
    other = answered()
    assert list(differing({**plain, "diff": [], "msg": ""}, {**other, "diff": [], "msg": ""})) == []
    assert str(other).count(MARK) > 100


WANTED: dict[str, Any] = {
    "encrypt_outgoing": {"mode": "Enforce"},
    "encryption_rules": [{"name": "Secure", "conditions": {"subject_contains_words": ["secure"]}, "actions": ENCRYPT}],
    "mailbox_policies": "enforce",
    "mailbox_policy_names": ["None"],
    "guarantees": [GUARANTEE],
    "one_time_passcode": False,
    "social_id_sign_in": False,
}


def counted(role: Role) -> dict[str, Any]:
    """The report of a run without what is only words, or of the run."""
    left_out = ("message", "warnings", "host", "connection", "snapshot", "snapshot_file")
    return {key: value for key, value in role.report.items() if key not in left_out}


def test_of_a_plan_its_findings_and_its_approval(role: Role, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {**WANTED, "accept": []}
    with pytest.raises(OptionError):
        role.plan(**refused)
    findings = [(each["id"], each["allow"]) for each in role.report["findings"]]
    assert [id_ for id_, _allow in findings] == [
        "POL-1",
        "OME-1",
        "MFR-1",
    ]  # Two controls find the first, and the second.
    wanted = {name: value for name, value in WANTED.items() if name != "mailbox_policy_names"}
    accepted = {**wanted, "accept": ["work_accounts_only", "any_sender"]}
    planned = role.plan(check=True, **accepted)
    plain = counted(role)
    with monkeypatch.context() as patch:
        reword(patch)
        with pytest.raises(OptionError):
            role.plan(**refused)
        assert [(each["id"], each["allow"]) for each in role.report["findings"]] == findings
        again = role.plan(check=True, **accepted)
        assert again["digest"] == planned["digest"]
        assert list(differing(plain, counted(role))) == []
        assert role.run(**accepted, approved_plan=planned["plan"])["changed"]


def test_of_why_a_run_failed() -> None:
    """Who stores a failure stores why: its task may say it in other words."""
    failed = {"failed": True, "msg": "The write failed."}
    stored = OrganizationReport(status=OrganizationStatus.FAILED, message="Writing failed. It was rolled back.")
    planned = OrganizationReport(status=OrganizationStatus.DRIFT, message="")
    found = [
        organization_report("contoso", "baseline", each, [TaskResult.of_result(failed)])
        for each in (stored, planned, None)
    ]
    assert [each.message for each in found] == [stored.message, failed["msg"], failed["msg"]]
    assert {each.status for each in found} == {OrganizationStatus.FAILED}
