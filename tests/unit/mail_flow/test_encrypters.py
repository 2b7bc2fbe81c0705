# SPDX-License-Identifier: GPL-3.0-or-later
"""Who encrypts what, and how much Exchange counts as encrypted by something besides the rules."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.encryption import (
    Explained,
    measured,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import (
    Encrypted,
    EncryptionReport,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import facts_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.rules.rule_set import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.encrypters import (
    MeasuredRow,
    encrypter_lines,
    encrypter_rows,
    measured_row,
)

UNTIL = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC)
BEGIN = UNTIL - datetime.timedelta(days=7)
OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT: dict[str, Any] = {
    "name": "Encrypt",
    "enabled": True,
    "mode": "Enforce",
    "conditions": OUT,
    "exceptions": {"with_importance": "Low"},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
BANK = {"name": "Bank", "enabled": True, "recipient_domains": ["bank.example"], "tls_settings": "CertificateValidation"}


def counted(policy: int, manual: int, certain: int, possible: int, begin: datetime.datetime = BEGIN) -> MeasuredRow:
    report = EncryptionReport([Encrypted("2026-11-27", policy, manual, policy + manual)])
    return measured_row(measured(report, begin, UNTIL, Explained(1000, certain, possible)))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (
            (0, 0, 0, 0),
            "0 of 1,000 messages in 7 days (by policy 0, by people 0). Exchange counts 0 by policy; rules encrypt 0.",
        ),
        (
            (413, 2, 403, 403),
            "12 of 1,000 messages in 7 days (by policy 10, by people 2). Exchange counts 413 by policy; rules encrypt 403.",
        ),
        (
            (413, 2, 400, 405),
            "at least 10 of 1,000 messages in 7 days (by policy 8, by people 2)."
            " Exchange counts 413 by policy; rules encrypt 400, and may encrypt 5 more.",
        ),
        (
            (3, 0, 7, 7),
            "0 of 1,000 messages in 7 days (by policy 0, by people 0). Exchange counts 3 by policy; rules encrypt 7.",
        ),
    ],
)
def test_what_rules_do_not_explain_is_counted_and_nothing_is_said_too(
    numbers: tuple[int, int, int, int], said: str
) -> None:
    found = counted(*numbers)
    assert found.text == f"Encrypted, but not by rules: {said}"
    assert found.otherwise == found.policy + found.manual
    assert found.policy == max(0, numbers[0] - numbers[3])


def kinds(
    rules: list[dict[str, Any]], facts: dict[str, Any], numbers: MeasuredRow | None = None
) -> list[tuple[str, str]]:
    rows = encrypter_rows(RuleSet(rules), facts_of({"accepted_domains": ["contoso.com"], **facts}), numbers)
    return [(row.kind, row.rests_on) for row in rows]


def test_all_that_encrypts_is_a_row_with_what_it_rests_on() -> None:
    assert kinds([], {}) == [("dlp", "unseen"), ("label", "unseen"), ("button", "unseen"), ("tls", "unseen")]
    read = {"outbound_connectors": [BANK]}
    told = {"dlp_policies": [], "labels": [{"name": "Secret", "encryption": "rights"}]}
    assert kinds([ENCRYPT, {**ENCRYPT, "name": "Off", "enabled": False}], {**read, **told}) == [
        ("rule", "read"),
        ("dlp", "told"),
        ("label", "told"),
        ("button", "unseen"),
        ("tls", "read"),
    ]
    assert kinds([], read, counted(413, 2, 403, 403)) == [
        ("dlp", "reported"),
        ("label", "reported"),
        ("button", "reported"),
        ("tls", "read"),
    ]


def test_a_row_says_what_it_covers() -> None:
    facts = facts_of({"accepted_domains": ["contoso.com"], "outbound_connectors": [BANK, {**BANK, "tls_settings": ""}]})
    assert encrypter_lines(encrypter_rows(RuleSet([ENCRYPT]), facts, counted(413, 1, 403, 403))) == [
        "What encrypts, decrypts or stops mail, and how that is known:",
        "  Mail flow rule 'Encrypt': mail from inside to people outside, except mail of Low importance (read)",
        "  DLP policies: 10 messages in 7 days by DLP policies or labels, as far as rules explain the rest (reported)",
        "  Sensitivity labels: 10 messages in 7 days by DLP policies or labels,"
        " as far as rules explain the rest (reported)",
        "  Encrypt button: 1 message in 7 days that people encrypted (reported)",
        "  Forced TLS 'Bank': mail to bank.example, on its way, with a certificate from a trusted authority (read)",
    ]


@pytest.mark.parametrize("policy", [0, 413])
def test_one_day_is_no_days(policy: int) -> None:
    numbers = counted(policy, 1, 0, 0, begin=UNTIL - datetime.timedelta(days=1))
    assert numbers.days == 1
    covers = [row.covers for row in encrypter_rows(RuleSet([]), facts_of({}), numbers)]
    assert [("1 day" in text, "1 days" in text) for text in covers[:3]] == [(True, False)] * 3
