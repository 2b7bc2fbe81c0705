# SPDX-License-Identifier: GPL-3.0-or-later
"""Outbound connectors take three reads: by itself, the cmdlet shows neither those in test mode nor those of rules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import PermissionDeniedError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import (
    FURTHER,
    SUBSETS,
    Organization,
    read,
    reads_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.organization_state import describe

from tests.unit.emulated_session import EmulatedSession

NAME = "outbound_connectors"
CONNECTORS = [
    {
        "Name": "Plain",
        "RecipientDomains": ["bank.example", "*.bank.example"],
        "TlsSettings": "DomainValidation",
        "TlsDomain": "*.bank.example",
    },
    {"Name": "Tried", "RecipientDomains": ["tried.example"], "TestMode": True},
    {
        "Name": "Gate",
        "IsTransportRuleScoped": True,
        "UseMXRecord": False,
        "SmartHosts": ["gate.example"],
        "ConnectorType": "OnPremises",
    },
    {"Name": "Tried gate", "IsTransportRuleScoped": True, "TestMode": True},
]


def test_one_subset_is_three_calls() -> None:
    assert [str(call) for call in reads_of([NAME]).values()] == [
        "Get-OutboundConnector",
        "Get-OutboundConnector -IncludeTestModeConnectors $true",
        "Get-OutboundConnector -IsTransportRuleScoped $true",
    ]
    assert set(reads_of(["accepted_domains"])) == {"accepted_domains"}
    assert not set(FURTHER[NAME]) & set(SUBSETS)


def test_they_are_one_answer_in_which_each_is_once(session: EmulatedSession) -> None:
    session.organization.patch({NAME: CONNECTORS})
    session.organization.replace(session.organization.dump())
    found = read(session, [NAME])
    assert session.reads == 1
    assert found.subsets == [NAME]
    described = describe(found, [NAME])[NAME]
    assert [each["name"] for each in described] == ["Plain", "Tried", "Tried gate", "Gate"]
    plain = described[0]
    assert plain == {
        "name": "Plain",
        "enabled": True,
        "connector_type": "Partner",
        "recipient_domains": ["bank.example", "*.bank.example"],
        "tls_settings": "DomainValidation",
        "tls_domain": "*.bank.example",
        "use_mx_record": True,
        "smart_hosts": [],
        "is_transport_rule_scoped": False,
        "test_mode": False,
        "all_accepted_domains": False,
        "route_all_messages_via_on_premises": False,
        "cloud_services_mail_enabled": False,
        "mta_sts_mode": "Opportunistic",
        "smtp_dane_mode": "Opportunistic",
    }
    gate = described[-1]
    assert (gate["smart_hosts"], gate["use_mx_record"], gate["is_transport_rule_scoped"]) == (
        ["gate.example"],
        False,
        True,
    )
    assert [each["test_mode"] for each in described] == [False, True, True, False]


@pytest.mark.parametrize("name", reads_of([NAME]))
def test_where_one_of_the_reads_fails_they_are_not_known(name: str) -> None:
    reads: dict[str, Any] = dict(reads_of([NAME]))
    error = PermissionDeniedError("no", cmdlet="Get-OutboundConnector")
    found = Organization(reads, {each: Result(error=error) if each == name else Result([]) for each in reads})
    assert found.error(NAME) is error
    with pytest.raises(PermissionDeniedError):
        found.objects(NAME)


def test_a_capture_holds_all_three(session: EmulatedSession) -> None:
    calls = [call for call, _result in read(session, [NAME, "accepted_domains"]).reads]
    assert calls == [*reads_of([NAME]).values(), Call("Get-AcceptedDomain")]


def test_the_emulator_has_the_documented_defaults(session: EmulatedSession) -> None:
    session.organization.patch({NAME: [{"Name": "New"}]})
    session.organization.replace(session.organization.dump())
    (found,) = read(session, [NAME]).objects(NAME)
    shown = {
        name: found[name]
        for name in ("Enabled", "ConnectorType", "UseMXRecord", "TlsSettings", "TestMode", "MtaStsMode")
    }
    assert shown == {
        "Enabled": True,
        "ConnectorType": "Partner",
        "UseMXRecord": True,
        "TlsSettings": None,
        "TestMode": False,
        "MtaStsMode": "Opportunistic",
    }
