# SPDX-License-Identifier: GPL-3.0-or-later
"""What one more rule would do: it stands where creating it would put it, among the rules and facts of the organization."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.added_rules import with_added
from ansible_collections.m365.message_encryption.plugins.modules import (
    mail_flow_replay,
    message_encryption_info,
    ome_transport_rule,
)

from tests.unit.emulated_session import WIRES, EmulatedSession
from tests.unit.mail_flow.running import NoSession, flow

Values = dict[str, Any]

DOMAIN = "contoso.onmicrosoft.com"
OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT: Values = {
    "name": "Encrypt",
    "conditions": OUT,
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
PARTNER: Values = {
    "name": "Partner",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
    "actions": {"stop_rule_processing": True},
}
SECOND: Values = {**PARTNER, "name": "Second"}
OFFER: Values = {"name": "Offer", "from": f"AlexW@{DOMAIN}", "authenticated": True, "to": ["ann@fabrikam.com"]}
OUTGOING: Values = {"name": "Outgoing", "when": OUT, "then": "not_in_clear"}
FACTS: Values = {"accepted_domains": [DOMAIN], "remote_domains": [], "mailboxes": [f"alexw@{DOMAIN}"]}


@pytest.fixture(name="session", params=WIRES)
def session_fixture(request: pytest.FixtureRequest) -> EmulatedSession:
    licensed = {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
    session = EmulatedSession({"advanced_message_encryption": True, "irm_configuration": licensed}, request.param)
    session.run(ome_transport_rule, **ENCRYPT)
    return session


def kinds(result: Values) -> list[str]:
    return [row["kind"] for row in result["difference"]]


def test_one_task_says_what_one_more_rule_would_do(session: EmulatedSession) -> None:
    writes = len(session.writes)
    result = flow(
        session,
        connected=True,
        add_rules=[{**PARTNER, "place_before": "Encrypt"}],
        messages=[OFFER],
        guarantees=[OUTGOING],
    )
    assert session.writes[writes:] == []
    assert kinds(result) == ["protection_lost"]
    assert result["difference"][0]["rules"] == ["Partner"]
    assert [row["kind"] for row in result["changed_messages"]] == ["protection_lost"]
    assert [row["verdict"] for row in result["guarantees"]] == ["refuted"]
    assert "lint" in result
    assert result["failed"] is True


def test_a_rule_without_a_place_is_the_last_one(session: EmulatedSession) -> None:
    assert flow(session, add_rules=[PARTNER])["difference"] == []
    assert kinds(flow(session, add_rules=[{**PARTNER, "priority": 0}])) == ["protection_lost"]
    assert flow(session, add_rules=[{**PARTNER, "place_after": "encrypt"}])["difference"] == []


def test_rules_of_the_option_and_of_a_file_are_added_to_alike(session: EmulatedSession, tmp_path: Path) -> None:
    saved = tmp_path / "info.json"
    saved.write_text(json.dumps(session.run(message_encryption_info)), encoding="utf-8")
    first = [{**PARTNER, "priority": 0}]
    assert kinds(flow(NoSession(), source=str(saved), add_rules=first)) == ["protection_lost"]
    assert kinds(flow(NoSession(), rules=[ENCRYPT], facts=FACTS, add_rules=first)) == ["protection_lost"]
    compared = flow(session, add_rules=first, compare_with=[])
    assert "protection_lost" not in kinds(compared)
    assert "protection_gained" in kinds(compared)


@pytest.mark.parametrize(
    ("added", "names"),
    [
        ([PARTNER, SECOND], ["A", "B", "Partner", "Second"]),
        ([{**PARTNER, "priority": 1}], ["A", "Partner", "B"]),
        ([{**PARTNER, "priority": 2}], ["A", "B", "Partner"]),
        ([{**PARTNER, "place_before": "a"}, {**SECOND, "place_after": "Partner"}], ["Partner", "Second", "A", "B"]),
        ([{**PARTNER, "place_after": "A"}, {**SECOND, "place_after": "A"}], ["A", "Second", "Partner", "B"]),
    ],
)
def test_a_rule_is_added_in_its_place(added: list[Values], names: list[str]) -> None:
    rules = [{**ENCRYPT, "name": name} for name in ("A", "B")]
    assert [rule["name"] for rule in with_added(rules, added)] == names


@pytest.mark.parametrize("place", [{}, {"priority": 0}, {"priority": 1}, {"place_before": "A"}, {"place_after": "A"}])
def test_the_place_is_where_creating_the_rule_puts_it(place: Values) -> None:
    session = EmulatedSession({"advanced_message_encryption": True})
    for name in ("A", "B"):
        session.run(ome_transport_rule, **{**ENCRYPT, "name": name})
    before = session.run(message_encryption_info)["transport_rules"]
    session.run(ome_transport_rule, **PARTNER, **place)
    after = session.run(message_encryption_info)["transport_rules"]
    assert [rule["name"] for rule in with_added(before, [{**PARTNER, **place}])] == [rule["name"] for rule in after]


@pytest.mark.parametrize(
    ("rule", "option"),
    [
        ({**PARTNER, "name": "encrypt"}, "add_rules[0].name"),
        ({**PARTNER, "place_before": "Encrpt"}, "add_rules[0].place_before"),
        ({**PARTNER, "priority": 2}, "add_rules[0].priority"),
        ({**PARTNER, "state": "absent"}, "add_rules[0].state"),
        ({**PARTNER, "name": None}, "add_rules[0].name"),
        ({**PARTNER, "conditions": {"header_contains_words": ["x"]}}, "add_rules[0].conditions.header_contains_words"),
        ({**PARTNER, "priority": 0, "place_before": "Encrypt"}, "add_rules"),
    ],
)
def test_a_rule_that_cannot_be_added_is_refused_by_option(rule: Values, option: str) -> None:
    with pytest.raises(ExchangeError) as caught:
        flow(NoSession(), rules=[ENCRYPT], facts=FACTS, add_rules=[rule])
    assert option in str(caught.value)


def test_of_two_rules_with_one_name_none_is_a_place() -> None:
    with pytest.raises(OptionError, match="2 rules"):
        with_added([ENCRYPT, ENCRYPT], [{**PARTNER, "place_before": "Encrypt"}])


def test_a_file_on_a_connected_host_has_the_rules_and_the_connection_the_facts(
    session: EmulatedSession, tmp_path: Path
) -> None:
    elsewhere = {"transport_rules": [ENCRYPT], "accepted_domains": [{"name": "northwind.com"}], "remote_domains": []}
    saved = tmp_path / "info.json"
    saved.write_text(json.dumps(elsewhere), encoding="utf-8")
    asked: Values = {"messages": [OFFER], "source": str(saved)}
    session.reads = 0
    here = flow(session, connected=True, **asked)["messages"][0]["recipients"]["ann@fabrikam.com"]
    assert session.reads == 1
    assert here["protection"] == "encrypt"
    alone = flow(NoSession(), **asked)["messages"][0]["recipients"]["ann@fabrikam.com"]
    assert alone["protection"] != "encrypt"
    reads = session.reads
    given = flow(session, connected=True, facts=FACTS, **asked)["messages"][0]["recipients"]["ann@fabrikam.com"]
    assert given["protection"] == "encrypt"
    assert session.reads == reads


def test_a_disabled_rule_may_have_retired_actions() -> None:
    old = {"name": "Old", "conditions": OUT, "actions": {"apply_ome": True}}
    asked: Values = {"facts": FACTS, "messages": [OFFER]}
    kept = flow(NoSession(), rules=[{**old, "enabled": False}, ENCRYPT], compare_with=[ENCRYPT], **asked)
    assert kept["messages"][0]["recipients"]["ann@fabrikam.com"]["protected_by"] == ["Encrypt"]
    assert kept["difference"] == []
    with pytest.raises(OptionError, match="apply_ome cannot be set"):
        flow(NoSession(), rules=[old, ENCRYPT], **asked)


def test_a_replay_counts_what_one_more_rule_would_have_done(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "MessageTraceId,Received,SenderAddress,RecipientAddress,Subject,Status,Size,FromIP,MessageId\n"
        f"1,2026-02-27T10:00:00Z,alexw@{DOMAIN},ann@fabrikam.com,Offer,Delivered,2000,,<1@{DOMAIN}>\n"
        f"2,2026-02-27T10:01:00Z,alexw@{DOMAIN},bob@northwind.com,Offer,Delivered,2000,,<2@{DOMAIN}>\n",
        encoding="utf-8",
    )
    result = flow(
        NoSession(),
        module=mail_flow_replay,
        rules=[ENCRYPT],
        add_rules=[{**PARTNER, "place_before": "Encrypt"}],
        trace=[str(trace)],
        facts={**FACTS, "inbound_connectors": [], "mail_users": []},
    )
    (change,) = result["difference"]
    assert change["rules"] == ["Partner"]
    assert change["certain"] + change["possible"] == 1
