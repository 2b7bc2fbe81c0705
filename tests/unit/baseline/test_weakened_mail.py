# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that is protected now leaves in clear after a run only where the word for it is accepted, or a guarantee is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError

from tests.unit.emulated_session import WIRES

from .conftest import Role

OUTGOING = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
BRAND = {"apply_rights_protection_customization_template": "OME Configuration"}
MINE = {"name": "mine", "conditions": OUTGOING, "actions": ENCRYPT}
STORED = {
    "Name": "mine",
    "FromScope": "InOrganization",
    "SentToScope": "NotInOrganization",
    "ApplyRightsProtectionTemplate": "Encrypt",
}
STOPS = {
    "name": "stops",
    "conditions": {**OUTGOING, "subject_contains_words": ["x"]},
    "actions": {"stop_rule_processing": True},
}
LICENSED = {"irm_configuration": {"AzureRMSLicensingEnabled": True, "SimplifiedClientAccessEnabled": True}}
WORD = "To allow it: hardened_baseline_accept: [weakened_mail]"
WARNED = "Mail may leave unprotected by rules: rule"


def role_with(path: Path, *rules: dict[str, Any], wire: str = "rest", **state: Any) -> Role:
    return Role(
        {"advanced_message_encryption": True, **LICENSED, "transport_rules": list(rules), **state}, str(path), wire
    )


def refusal(role: Role, **variables: Any) -> str:
    writes = len(role.session.writes)
    with pytest.raises(ExchangeError) as raised:
        role.run(**variables)
    assert len(role.session.writes) == writes
    return str(raised.value)


#: What takes protection from mail that leaves.
WEAKER = {
    "disabled": [{**MINE, "enabled": False}],
    "only tested": [{**MINE, "mode": "Audit"}],
    "over": [{**MINE, "expiry_date": "2999-01-01T00:00:00Z", "activation_date": "2998-01-01T00:00:00Z"}],
    "gone": [{"name": "mine", "state": "absent"}],
    "spared": [{**MINE, "exceptions": {"subject_contains_words": ["offer"]}}],
    "narrower": [{**MINE, "conditions": {**OUTGOING, "subject_contains_words": ["offer"]}}],
    "something else": [{**MINE, "actions": {"prepend_subject": "x"}}],
    "the branding alone": [{**MINE, "actions": BRAND}],
    "stopped before": [STOPS, MINE],
    "decrypted": [{**MINE, "actions": {"remove_ome_v2": True}}],
}


@pytest.mark.parametrize("what", WEAKER)
def test_less_protection_needs_the_word_and_warns(tmp_path: Path, what: str) -> None:
    role = role_with(tmp_path, STORED)
    text = refusal(role, encryption_rules=WEAKER[what])
    assert WORD in text
    assert "MFR-1: mail that is protected now would leave unprotected by rules or forced TLS: " in text
    assert "no longer encrypted" in text
    assert [each for each in role.task.warnings if each.startswith(WARNED)] != []
    # Check mode says so, too.
    with pytest.raises(ExchangeError, match="weakened_mail"):
        role.plan(check=True, encryption_rules=WEAKER[what])
    role.plan(check=True, encryption_rules=WEAKER[what], accept=["weakened_mail"])
    assert [each for each in role.task.warnings if each.startswith(WARNED)] != []
    assert {each["word"]: each["needed"] for each in role.report["accepted"]} == {"weakened_mail": True}
    assert role.run(encryption_rules=WEAKER[what], accept=["weakened_mail"])["changed"]
    # Once it is done, nothing is left to accept.
    assert not role.run(encryption_rules=WEAKER[what])["pending"]
    assert [each for each in role.task.warnings if each.startswith(WARNED)] == []


@pytest.mark.parametrize("wire", WIRES)
def test_the_word_is_asked_for_over_every_wire(tmp_path: Path, wire: str) -> None:
    assert WORD in refusal(role_with(tmp_path, STORED, wire=wire), encryption_rules=WEAKER["spared"])


def test_what_takes_nothing_away_needs_no_word(tmp_path: Path) -> None:
    for number, rules in enumerate(
        (
            [{**MINE, "comments": "x"}],
            [{**MINE, "actions": {"apply_rights_protection_template": "Do Not Forward"}}],
            [{**MINE, "conditions": {"from_scope": "InOrganization"}}],
            [
                {**MINE, "name": "twin", "conditions": {"from_scope": "InOrganization"}},
                {"name": "mine", "state": "absent"},
            ],
        )
    ):
        role = role_with(tmp_path / str(number), STORED)
        assert role.run(encryption_rules=rules)["changed"], rules


def test_mail_that_stays_inside_does_not_leave(tmp_path: Path) -> None:
    inside = {**MINE, "conditions": {"from_scope": "InOrganization", "sent_to_scope": "InOrganization"}}
    role = role_with(tmp_path, {**STORED, "SentToScope": "InOrganization"})
    assert role.run(encryption_rules=[{**inside, "exceptions": {"subject_contains_words": ["offer"]}}])["changed"]


TLS = {
    "Name": "Bank",
    "Enabled": True,
    "ConnectorType": "Partner",
    "RecipientDomains": ["bank.example", "*.bank.example"],
    "TlsSettings": "CertificateValidation",
    "UseMXRecord": True,
}


@pytest.mark.parametrize("forced", [True, False])
def test_mail_that_leaves_by_forced_tls_alone_is_not_in_clear(tmp_path: Path, forced: bool) -> None:
    connector = {**TLS, "TlsSettings": "CertificateValidation" if forced else None}
    role = role_with(tmp_path, STORED, outbound_connectors=[connector])
    spared = [{**MINE, "exceptions": {"recipient_domain_is": ["bank.example"]}}]
    if forced:
        assert role.run(encryption_rules=spared)["changed"]
    else:
        assert WORD in refusal(role, encryption_rules=spared)


def test_a_guarantee_that_refuses_it_has_its_own_word(tmp_path: Path) -> None:
    outgoing = {"name": "Outgoing", "when": OUTGOING, "then": "not_in_clear"}
    role = role_with(tmp_path, STORED)
    wanted = {"encryption_rules": WEAKER["spared"], "guarantees": [outgoing]}
    text = refusal(role, **wanted)
    assert "hardened_baseline_accept: [broken_guarantee]" in text
    assert "weakened_mail" not in text
    assert role.run(**wanted, accept=["broken_guarantee"])["changed"]
    # One about something else refuses nothing of it: not about other mail, and not about its delivery.
    others = [
        {**outgoing, "when": {**OUTGOING, "recipient_domain_is": ["fabrikam.com"]}, "then": "delivered"},
        {
            **outgoing,
            "when": {**OUTGOING, "subject_contains_words": ["secret"]},
            "unless": {"subject_contains_words": ["offer"]},
        },
    ]
    for number, other in enumerate(others):
        role = role_with(tmp_path / str(number), STORED)
        assert WORD in refusal(role, encryption_rules=WEAKER["spared"], guarantees=[other])


def test_what_is_not_known_is_not_taken_for_nothing(tmp_path: Path) -> None:
    hidden = ["Get-AcceptedDomain", "Get-RemoteDomain", "Get-InboundConnector"]
    text = refusal(role_with(tmp_path, STORED, hidden_cmdlets=hidden), encryption_rules=WEAKER["spared"])
    assert WORD in text
    assert "leave unprotected by rules" in text


def test_audit_disable_and_rollback_do_not_ask_for_it(tmp_path: Path) -> None:
    role = role_with(tmp_path, STORED)
    role.plan("audit", encryption_rules=WEAKER["spared"])
    assert [each for each in role.task.warnings if each.startswith(WARNED)] == []
    role = role_with(tmp_path / "rollback")
    role.run(encryption_rules=[MINE])
    assert role.run("rollback", accept=[])["changed"]
    role = role_with(tmp_path / "disable", STORED)
    role.run("disable", confirm_disable="contoso.onmicrosoft.com")
    assert role.session.organization.dump()["transport_rules"] == []
