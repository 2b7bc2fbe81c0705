# SPDX-License-Identifier: GPL-3.0-or-later
"""An approval is of what the approver read, gains too, and of what that rests on: connectors, templates and groups."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError

from tests.unit.emulated_session import EmulatedSession

from .board import ANN, BOARD, BOB, RULE, people, role_with
from .conftest import Role

Values = dict[str, Any]

GATE: Values = {
    "Name": "Gate",
    "Enabled": True,
    "ConnectorType": "Partner",
    "TlsSettings": "CertificateValidation",
    "UseMXRecord": False,
    "SmartHosts": ["gate.example"],
    "IsTransportRuleScoped": True,
}
OTHER: Values = {**GATE, "Name": "Other", "IsTransportRuleScoped": False, "RecipientDomains": ["other.example"]}
ROUTE: Values = {
    "name": "Bank",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["bank.example"]},
    "actions": {"route_message_outbound_connector": "Gate"},
}
AGAIN: Values = {
    **ROUTE,
    "name": "Again",
    "conditions": {**ROUTE["conditions"], "recipient_domain_is": ["else.example"]},
}


def organization() -> Role:
    role = Role(
        EmulatedSession(
            {
                "accepted_domains": [{"DomainName": "contoso.com", "Default": True}],
                "outbound_connectors": [dict(GATE), dict(OTHER)],
            }
        )
    )
    role.run()
    return role


def connector(role: Role, name: str = "Gate") -> Values:
    found: Values = next(row for row in role.session.organization.state["outbound_connectors"] if row["Name"] == name)
    return found


def plan(role: Role, rules: list[Values]) -> Values:
    found = role.plan(check=True, encryption_rules=rules)
    assert any(row["kind"] == "transit_gained" for row in found["mail"]["difference"]), found["mail"]
    return found


def refused(role: Role, rules: list[Values], approved: str) -> str:
    before = role.state()
    with pytest.raises(OptionError) as error:
        role.run(encryption_rules=rules, approved_plan=approved)
    assert role.state() == before
    return str(error.value)


def test_an_approved_gain_that_is_gone_is_refused() -> None:
    role = organization()
    approved = plan(role, [ROUTE])
    connector(role)["TlsSettings"] = None
    text = refused(role, [ROUTE], approved["digest"])
    assert "it includes this effect on mail, which is no longer so: " in text
    assert (
        "its effects on mail rest on tls_settings of the connector 'Gate', which was 'CertificateValidation' and is now ''"
        in text
    )
    connector(role)["TlsSettings"] = "CertificateValidation"
    assert role.run(encryption_rules=[ROUTE], approved_plan=approved["digest"])["changed"]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("SmartHosts", ["evil.example"], "smart_hosts of the connector 'Gate'"),
        ("TestMode", True, "test_mode of the connector 'Gate'"),
        ("Enabled", False, "enabled of the connector 'Gate'"),
        ("TlsSettings", "EncryptionOnly", "tls_settings of the connector 'Gate'"),
        ("TlsSettings", "DomainValidation", "tls_settings of the connector 'Gate'"),
    ],
)
def test_what_an_approved_gain_rests_on_is_compared(option: str, value: Any, said: str) -> None:
    role = organization()
    approved = plan(role, [ROUTE])
    connector(role)[option] = value
    assert said in refused(role, [ROUTE], approved["digest"])


def test_a_connector_that_may_take_the_mail_now_is_named() -> None:
    role = organization()
    approved = plan(role, [ROUTE])
    connector(role, "Other")["RecipientDomains"] = ["*"]
    assert "recipient_domains of the connector 'Other'" in refused(role, [ROUTE], approved["digest"])


def test_a_group_that_grew_is_named() -> None:
    role = role_with(ANN)
    approved = role.plan(check=True, encryption_rules=[RULE])
    (row,) = [row for row in approved["mail"]["rests_on"] if row["kind"] == "group"]
    assert (row["name"], row["values"]) == (BOARD, {"members": 1})
    role.session.organization.commit({**role.session.organization.state, "recipients": people(ANN, BOB)})
    text = refused(role, [RULE], approved["digest"])
    assert f"its effects on mail rest on members of the group {BOARD!r}, which was 1 and is now 2" in text


def test_another_template_of_the_name_is_named() -> None:
    role = organization()
    state = role.session.organization.state
    custom = {**state["rms_templates"][-1], "Name": "Board only", "Description": "Read."}
    role.session.organization.commit({**state, "rms_templates": [*state["rms_templates"], custom]})
    rule = {**ROUTE, "name": "Board", "actions": {"apply_rights_protection_template": "Board only"}}
    approved = role.plan(check=True, encryption_rules=[rule])
    for row in role.session.organization.state["rms_templates"]:
        if row["Name"] == "Board only":
            row["Description"] = "Everybody may do everything."
    text = refused(role, [rule], approved["digest"])
    assert (
        "its effects on mail rest on description of the template 'Board only', which was 'Read.' and is now"
        " 'Everybody may do everything.'" in text
    )


def test_what_is_left_of_an_approved_plan_still_passes() -> None:
    """The effect of a change that somebody has made is done, too; that of one that is left is not."""
    role = organization()
    approved = plan(role, [ROUTE, AGAIN])
    role.run(encryption_rules=[ROUTE])
    assert role.run(encryption_rules=[ROUTE, AGAIN], approved_plan=approved["digest"])["changed"]
    role = organization()
    approved = plan(role, [ROUTE, AGAIN])
    role.run(encryption_rules=[ROUTE])
    connector(role)["SmartHosts"] = ["evil.example"]
    assert "smart_hosts of the connector 'Gate'" in refused(role, [ROUTE, AGAIN], approved["digest"])


def test_a_gain_that_is_lost_between_plan_and_write_is_refused() -> None:
    role = organization()
    role.plan(encryption_rules=[ROUTE])
    connector(role)["TlsSettings"] = None
    before = role.state()
    with pytest.raises(ExchangeError, match="which is no longer so"):
        role.apply_planned({"snapshot": ""}, encryption_rules=[ROUTE])
    assert role.state() == before
