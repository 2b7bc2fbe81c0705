# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules of two sets are the same."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rule_identities import (
    RuleIdentities,
)

MARK: dict[str, Any] = {"name": "Mark", "conditions": {}, "actions": {"prepend_subject": "[x] "}}
BY_SUBJECT = {
    "name": "By subject",
    "conditions": {"subject_contains_words": ["secret"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
BY_RECIPIENT = {
    "name": "By recipient",
    "conditions": {"recipient_domain_is": ["fabrikam.com"]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
AROUND = {
    "name": "Around",
    "conditions": {"any_of_to_header": ["ann@contoso.com"]},
    "actions": {"delete_message": True},
}


def _identities(*rules: dict[str, Any]) -> RuleIdentities:
    return RuleIdentities(RuleSet(list(rules)))


def test_a_rule_is_the_same_whatever_it_is_called() -> None:
    assert _identities(BY_SUBJECT).complete == _identities({**BY_SUBJECT, "name": "Other"}).complete
    assert _identities(BY_SUBJECT).complete != _identities(BY_RECIPIENT).complete


def test_a_rule_is_another_behind_one_that_changes_what_it_looks_at() -> None:
    alone, behind = _identities(BY_SUBJECT), _identities(MARK, BY_SUBJECT)
    assert alone.complete[0] != behind.complete[1]
    assert [len(changes) for changes in behind.changes] == [0, 1, 2]
    (atom,) = RuleSet([BY_SUBJECT]).rules[0].criteria.atoms
    assert [rule.name for rule in behind.changing_before(1, atom)] == ["Mark"]
    assert _identities(MARK, BY_RECIPIENT).complete[1] == _identities(BY_RECIPIENT).complete[0]


def test_a_rule_that_looks_at_all_recipients_is_another_behind_one_that_splits_copies() -> None:
    behind = _identities(BY_RECIPIENT, AROUND)
    assert behind.earlier == ((), (0,))
    alone = _identities(AROUND).complete[0]
    assert behind.complete[1] != alone
    assert behind.splitting(1) == _identities(AROUND).splitting(0)


def test_it_matches_the_same_copies_whatever_the_one_that_splits_them_does() -> None:
    other = {**BY_RECIPIENT, "actions": {"reject_message_reason_text": "No.", "set_audit_severity": "High"}}
    assert _identities(other, AROUND).matching[1] == _identities(BY_RECIPIENT, AROUND).matching[1]
    copying = {**BY_RECIPIENT, "actions": {"blind_copy_to": ["archive@contoso.com"]}}
    assert _identities(copying, AROUND).matching[1] != _identities(BY_RECIPIENT, AROUND).matching[1]
    assert _identities(other).complete != _identities(BY_RECIPIENT).complete


def test_of_a_rule_that_changes_what_it_looks_at_only_that_change_matters() -> None:
    reported = {**MARK, "actions": {**MARK["actions"], "generate_incident_report": "ann@contoso.com"}}
    assert _identities(reported, BY_SUBJECT).matching[1] == _identities(MARK, BY_SUBJECT).matching[1]
    other = {**MARK, "actions": {"prepend_subject": "[y] "}}
    assert _identities(other, BY_SUBJECT).matching[1] != _identities(MARK, BY_SUBJECT).matching[1]
