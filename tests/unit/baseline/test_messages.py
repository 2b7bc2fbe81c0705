# SPDX-License-Identifier: GPL-3.0-or-later
"""MFR-2: messages meet the rules as the plan would leave them in a run, and as they are in an audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError

from .conftest import Role

DOMAIN = "contoso.onmicrosoft.com"
OFFER: dict[str, Any] = {"name": "Offer", "from": f"alexw@{DOMAIN}", "authenticated": True, "to": ["ann@fabrikam.com"]}
ENCRYPTED = {
    **OFFER,
    "expect": {"ann@fabrikam.com": {"protection": "encrypt", "protected_by": ["Encrypt all outgoing mail"]}},
}


def mail(role: Role) -> dict[str, Any]:
    return next(control for control in role.report["controls"] if control["id"] == "MFR-2")


def test_a_rule_set_is_made_test_first(role: Role) -> None:
    role.plan("audit", messages=[ENCRYPTED])
    assert mail(role)["status"] == "not met"
    text, unseen = mail(role)["findings"]
    assert unseen == "Not seen: DLP policies, sensitivity labels, the Encrypt button."
    assert "-protection: encrypt" in text
    assert "+protection: none" in text
    role.plan(check=True, messages=[ENCRYPTED], encrypt_outgoing=True)
    assert (mail(role)["status"], mail(role)["findings"]) == ("met", [])
    assert role.session.writes == []
    role.run(messages=[ENCRYPTED], encrypt_outgoing=True)
    assert mail(role)["status"] == "met"
    role.plan("audit", messages=[ENCRYPTED])
    assert mail(role)["status"] == "met"
    role.session.edit(
        "New-TransportRule", Name="Partners", Priority=0, RecipientDomainIs=["fabrikam.com"], StopRuleProcessing=True
    )
    role.plan("audit", messages=[ENCRYPTED])
    assert mail(role)["status"] == "not met"
    assert "rule 'Partners' matched: stop_rule_processing" in mail(role)["findings"][0]


def test_what_cannot_be_told_is_not_assessable(role: Role) -> None:
    role.session.organization.patch({"hidden_cmdlets": ["Get-AcceptedDomain"]})
    role.run(encrypt_outgoing=True, messages=[{**OFFER, "expect": {"ann@fabrikam.com": {"protection": "encrypt"}}}])
    assert mail(role)["status"] == "not assessable"
    assert "the accepted domains are not known" in mail(role)["findings"][0]


def test_without_messages_it_is_unmanaged_and_can_be_an_accepted_exception(role: Role) -> None:
    role.plan("audit")
    assert mail(role)["status"] == "unmanaged"
    skip = [{"control": "MFR-2", "reason": "later", "owner": "board", "until": "2099-01-31"}]
    role.plan("audit", messages=[ENCRYPTED], skip=skip)
    assert mail(role)["status"] == "accepted exception"
    assert mail(role)["findings"]


def test_a_message_that_is_wrong_is_refused_by_name(role: Role) -> None:
    with pytest.raises(
        ExchangeError,
        match=r"hardened_baseline_messages\[0\]\.expect\.ann@fabrikam\.com\.protektion is not known\. Did you mean protection\?",
    ):
        role.plan(check=True, messages=[{**OFFER, "expect": {"ann@fabrikam.com": {"protektion": "none"}}}])


def test_a_message_can_be_a_file(role: Role, tmp_path: Path) -> None:
    path = tmp_path / "offer.eml"
    path.write_text(f"From: alexw@{DOMAIN}\nTo: ann@fabrikam.com\nSubject: Offer\n\ntext\n", encoding="utf-8")
    message = {
        "name": "Offer",
        "eml_path": str(path),
        "authenticated": True,
        "expect": {"ann@fabrikam.com": {"protection": "none"}},
    }
    role.plan("audit", messages=[message])
    assert mail(role)["status"] == "met"


def test_a_moved_and_a_changed_rule_are_planned_before_they_are_there(role: Role) -> None:
    actions = {"stop_rule_processing": True}
    role.session.edit(
        "New-TransportRule",
        Name="Stop",
        FromScope="InOrganization",
        SubjectContainsWords=["public"],
        StopRuleProcessing=True,
    )
    stop = {
        "name": "Stop",
        "conditions": {"from_scope": "InOrganization", "subject_contains_words": ["open"]},
        "actions": actions,
    }
    encrypt = {
        "name": "Encrypt",
        "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"},
        "actions": {"apply_rights_protection_template": "Encrypt"},
    }
    expect = [
        {
            **OFFER,
            "name": "open",
            "subject": "open",
            "expect": {"ann@fabrikam.com": {"protection": "encrypt", "rules": ["Encrypt", "Stop"]}},
        },
        {**OFFER, "name": "public", "subject": "public", "expect": {"ann@fabrikam.com": {"rules": ["Encrypt"]}}},
    ]
    role.plan(check=True, encryption_rules=[encrypt, stop], messages=expect)
    assert mail(role)["status"] == "met", mail(role)["findings"]
    role.run(encryption_rules=[encrypt, stop], messages=expect)
    assert mail(role)["status"] == "met"
