# SPDX-License-Identifier: GPL-3.0-or-later
"""The module: where its rules and facts come from, and what it says."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import Solver
from ansible_collections.m365.message_encryption.plugins.modules import (
    message_encryption_info,
    ome_transport_rule,
    ome_transport_rules,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.export_files import variables_file

from tests.unit.emulated_session import WIRES, EmulatedSession
from tests.unit.mail_flow.running import NoSession, flow

ROOT = Path(__file__).resolve().parents[3]
DOMAIN = "contoso.onmicrosoft.com"
OUT = {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization"}
ENCRYPT: dict[str, Any] = {
    "name": "Encrypt",
    "conditions": OUT,
    "actions": {"apply_rights_protection_template": "Encrypt"},
}
NOT_SEEN = "Not seen: DLP policies, sensitivity labels, the Encrypt button."
OFFER: dict[str, Any] = {"name": "Offer", "from": f"AlexW@{DOMAIN}", "authenticated": True, "to": ["ann@fabrikam.com"]}
FACTS: dict[str, Any] = {"accepted_domains": [DOMAIN], "remote_domains": [], "mailboxes": [f"alexw@{DOMAIN}"]}


def only(result: dict[str, Any]) -> dict[str, Any]:
    ((found,),) = ([list(message["recipients"].values()) for message in result["messages"]],)
    (recipient,) = found
    return dict(recipient)


@pytest.fixture(name="session", params=WIRES)
def session_fixture(request: pytest.FixtureRequest) -> EmulatedSession:
    licensed = {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
    session = EmulatedSession({"advanced_message_encryption": True, "irm_configuration": licensed}, request.param)
    session.run(ome_transport_rule, **ENCRYPT)
    session.reads = 0
    return session


def test_the_rules_and_facts_of_an_organization_are_read_in_one_round_trip(session: EmulatedSession) -> None:
    writes = len(session.writes)
    found = only(flow(session, messages=[OFFER]))
    assert session.reads == 1
    assert session.writes[writes:] == []
    assert (found["fate"], found["protection"], found["protected_by"], found["protected_on_arrival"]) == (
        "delivered",
        "encrypt",
        ["Encrypt"],
        False,
    )
    assert found["rules"] == [{"name": "Encrypt", "matched": True}]
    assert [way["way"] for way in found["opens"]] == [
        "inline",
        "portal_work_account",
        "portal_social",
        "portal_passcode",
    ]
    assert "trace" not in found


def test_what_becomes_of_a_message_is_said_where_nothing_is_expected(session: EmulatedSession) -> None:
    asked = [
        OFFER,
        {**OFFER, "name": "Inside", "to": [f"MeganB@{DOMAIN}"]},
        {**OFFER, "name": "Invitation", "type": ["Calendaring"]},
    ]
    offer, inside, invitation = flow(session, messages=asked)["msg"].splitlines()[1:4]
    ways = "in Outlook, or in the portal with a work or school account, a social ID or a one-time passcode"
    assert offer == f"  Offer, to ann@fabrikam.com: encrypted by 'Encrypt'; opens {ways}."
    assert inside.startswith(f"  Inside, to MeganB@{DOMAIN}: ")
    assert "(U29)" in invitation


def test_only_some_of_many_copies_are_said(session: EmulatedSession) -> None:
    many = flow(session, messages=[{**OFFER, "to": [f"p{number}@fabrikam.com" for number in range(30)]}])
    said = [line for line in many["msg"].splitlines() if line.startswith("  ")]
    assert len(said) == 11
    assert said[-1] == "  20 more are in the result (messages)."


def test_a_rule_that_stops_before_is_what_decided(session: EmulatedSession) -> None:
    stop = {
        "name": "Partners",
        "priority": 0,
        "conditions": {"recipient_domain_is": ["fabrikam.com"]},
        "actions": {"stop_rule_processing": True},
    }
    session.run(ome_transport_rule, **stop)
    result = flow(
        session,
        messages=[{**OFFER, "expect": {"Ann@fabrikam.com": {"protection": "encrypt", "protected_by": ["Encrypt"]}}}],
    )
    assert result["failed"] is True
    assert result["msg"] == "\n".join(
        [
            "1 message, 1 recipient: the one expectation is not met.",
            "Offer, to Ann@fabrikam.com:",
            "  --- expected",
            "  +++ answer",
            "  -protection: encrypt",
            '  -protected_by: ["Encrypt"]',
            "  +protection: none",
            "  +protected_by: absent",
            "  rule 'Partners' matched: stop_rule_processing",
            "  rule 'Encrypt' did not act: not reached: 'Partners' ended the processing",
            NOT_SEEN,
        ]
    )
    (diff,) = result["diff"]
    assert (diff["before"], diff["after"]) == (
        'protection: encrypt\nprotected_by: ["Encrypt"]\n',
        "protection: none\nprotected_by: absent\n",
    )
    trace = only(result)["trace"]
    assert [(entry["rule"], entry["matched"]) for entry in trace] == [("Partners", True), ("Encrypt", False)]
    assert trace[0]["because"] == [
        {
            "section": "conditions",
            "option": "recipient_domain_is",
            "value": ["fabrikam.com"],
            "result": True,
            "saw": "ann@fabrikam.com",
        }
    ]
    assert "failed" not in flow(session, messages=[OFFER])
    allowed = flow(
        session, messages=[{**OFFER, "expect": {"ann@fabrikam.com": {"protection": "encrypt"}}}], fail_on_error=False
    )
    assert allowed["failed"] is False


def test_a_fact_that_may_not_be_read_makes_answers_unknown_and_fails_nothing(session: EmulatedSession) -> None:
    session.organization.patch({"hidden_cmdlets": ["Get-AcceptedDomain", "Get-RemoteDomain", "Get-InboundConnector"]})
    result = flow(session, messages=[OFFER])
    found = only(result)
    assert (found["fate"], found["protection"]) == ("delivered", "unknown")
    row = {
        "id": "U00",
        "reason": "the accepted domains are not known",
        "field": "facts.accepted_domains",
        "settled_by": "Give facts.accepted_domains.",
    }
    assert row in found["unknown"]
    assert set(result["unavailable"]) == {"accepted_domains", "remote_domains", "inbound_connectors"}


def test_an_internal_remote_domain_takes_encryption_away(session: EmulatedSession) -> None:
    session.organization.patch(
        {"remote_domains": [{"DomainName": "*"}, {"DomainName": "fabrikam.com", "IsInternal": True}]}
    )
    session.organization.replace(session.organization.dump())
    assert only(flow(session, messages=[OFFER]))["protection"] == "none"


def test_given_facts_count_instead_of_what_the_organization_says(session: EmulatedSession) -> None:
    remote = [{"domain_name": "fabrikam.com", "is_internal": True}]
    assert only(flow(session, messages=[OFFER], facts={"remote_domains": remote}))["protection"] == "none"


def test_rules_and_facts_that_are_given_ask_no_organization() -> None:
    assert only(flow(NoSession(), messages=[OFFER], rules=[ENCRYPT], facts=FACTS))["protection"] == "encrypt"
    with pytest.raises(AssertionError):
        flow(NoSession(), messages=[OFFER], rules=[ENCRYPT])


def test_how_mail_leaves_is_read_over_every_wire(session: EmulatedSession) -> None:
    rows = [
        {"Name": "Bank", "RecipientDomains": ["fabrikam.com"], "TlsSettings": "CertificateValidation"},
        {
            "Name": "Gate",
            "IsTransportRuleScoped": True,
            "UseMXRecord": False,
            "SmartHosts": ["gate.example"],
            "TlsSettings": "EncryptionOnly",
        },
        {"Name": "Tried", "RecipientDomains": ["tried.example"], "TestMode": True, "TlsSettings": "EncryptionOnly"},
    ]
    session.organization.patch({"outbound_connectors": rows})
    session.organization.replace(session.organization.dump())
    session.edit(
        "New-TransportRule", Name="Route", RecipientDomainIs=["gate.example"], RouteMessageOutboundConnector="Gate"
    )
    found = {
        to: only(flow(session, messages=[{**OFFER, "to": [to]}]))["transit"]
        for to in ("a@fabrikam.com", "a@gate.example", "a@tried.example")
    }
    told = {to: {key: value for key, value in transit.items() if key != "unknown"} for to, transit in found.items()}
    if not session.organization.state["cloud"]:  # Exchange on-premises has no such connectors.
        assert [each["tls"] for each in told.values()] == ["unknown"] * 3
        return
    assert told == {
        "a@fabrikam.com": {"tls": "forced", "validation": "certificate", "connector": "Bank"},
        "a@gate.example": {
            "tls": "forced",
            "validation": "encryption_only",
            "connector": "Gate",
            "ends_at": "gate.example",
        },
        "a@tried.example": {"tls": "unknown"},
    }


def test_an_overview_says_who_outside_can_read_what(session: EmulatedSession) -> None:
    connector = {
        "Name": "Bank",
        "RecipientDomains": ["bank.example", "*.bank.example"],
        "TlsSettings": "EncryptionOnly",
    }
    session.organization.patch({"outbound_connectors": [connector]})
    session.organization.replace(session.organization.dump())
    result = flow(session, rules=[], overview=True)
    found = {row["destination"]: row["protected"] for row in result["overview"] if row["kind_of_mail"] == "from_inside"}
    known = session.organization.state["cloud"]
    assert found == ({"bank.example": "always", "everybody else": "never"} if known else {"everybody else": "unknown"})
    assert result["msg"].splitlines()[1].startswith("  Mail from inside, automatic replies, ")
    assert len(result["msg"].splitlines()) <= 10
    assert "overview" not in flow(session, messages=[OFFER])


def test_only_facts_that_a_rule_needs_are_read(session: EmulatedSession) -> None:
    prefix = {"name": "Prefix", "conditions": {"subject_contains_words": ["x"]}, "actions": {"prepend_subject": "[x] "}}
    inside = {**OFFER, "to": [f"meganb@{DOMAIN}"]}
    flow(session, messages=[inside], rules=[prefix])
    assert session.reads == 0
    flow(session, messages=[OFFER], rules=[prefix])  # It leaves, and how is told.
    assert session.reads == 1
    flow(session, messages=[OFFER], rules=[ENCRYPT])
    assert session.reads == 2


def test_a_proposed_rule_is_refused_as_the_rules_module_refuses_it() -> None:
    wrong = {**ENCRYPT, "conditions": {"header_contains_words": ["x"]}}
    with pytest.raises(ExchangeError, match=r"rules\[0\]\.conditions\.header_contains_words needs"):
        flow(NoSession(), messages=[OFFER], rules=[wrong], facts=FACTS)
    with pytest.raises(ExchangeError, match="compare_with"):
        flow(NoSession(), messages=[OFFER], rules=[ENCRYPT], facts=FACTS, compare_with=[{**ENCRYPT, "actons": {}}])


def test_files_are_asked_instead_of_the_organization(session: EmulatedSession, tmp_path: Path) -> None:
    info = session.run(message_encryption_info)
    saved = tmp_path / "info.json"
    saved.write_text(json.dumps(info), encoding="utf-8")
    assert only(flow(NoSession(), messages=[OFFER], source=str(saved)))["protection"] == "encrypt"
    export = tmp_path / "export.yml"
    export.write_text(
        variables_file({"message_encryption_state": {"transport_rules": info["transport_rules"]}}), encoding="utf-8"
    )
    assert only(flow(NoSession(), messages=[OFFER], source=str(export), facts=FACTS))["protection"] == "encrypt"
    found = only(flow(NoSession(), messages=[OFFER], source=str(export)))
    assert (found["protection"], found["unknown"][0]["id"]) == ("unknown", "U00")


def test_other_rules_are_compared_by_all_mail_and_by_the_messages(session: EmulatedSession) -> None:
    result = flow(
        session, messages=[OFFER, {**OFFER, "name": "Colleague", "to": [f"meganb@{DOMAIN}"]}], compare_with=[]
    )
    assert [(each["kind"], each["witness"]) for each in result["changed_messages"]] == [
        ("protection_gained", {"message": "Offer", "recipient": "ann@fabrikam.com"})
    ]
    assert result["changed_messages"][0]["text"] == (
        "The message 'Offer' to ann@fabrikam.com is now encrypted: before, unprotected by rules or forced TLS; after, encrypted by 'Encrypt'."
    )
    assert "protection_gained" in [each["kind"] for each in result["difference"]]
    lost = flow(session, rules=[], compare_with=[ENCRYPT])
    assert [(each["kind"], each["text"]) for each in lost["difference"]] == [
        (
            "protection_lost",
            "All mail from inside to people outside is no longer encrypted: the removed rule 'Encrypt' applied to it.",
        )
    ]
    assert lost["difference_more"] == 0
    assert lost["msg"].splitlines() == [lost["difference"][0]["text"], NOT_SEEN]


def test_a_guarantee_about_expiry_reads_when_mail_expires(session: EmulatedSession) -> None:
    """Of rules that do not encrypt, nothing else needs the OME configurations."""
    session.organization.patch({"advanced_message_encryption": True})
    session.edit("New-OMEConfiguration", Identity="Week", ExternalMailExpiryInDays=7)
    brands = {"name": "Brand", "conditions": OUT, "actions": {"apply_rights_protection_customization_template": "Week"}}
    about = {"when": {**OUT, "message_type_matches": "PermissionControlled"}, "then": "portal"}
    within = [{"name": str(days), **about, "expires_within_days": days} for days in (7, 6)]
    result = flow(session, rules=[brands], guarantees=within, fail_on_error=False)
    assert [each["verdict"] for each in result["guarantees"]] == ["proved", "refuted"]


def test_the_settings_of_a_file_count_for_its_rules(session: EmulatedSession, tmp_path: Path) -> None:
    """Licensing has been switched off since: which mail rules encrypt then is unknown (U28)."""
    saved = tmp_path / "info.json"
    saved.write_text(json.dumps(session.run(message_encryption_info)), encoding="utf-8")
    assert flow(session, messages=[OFFER], compare_with=str(saved))["difference"] == []
    session.organization.patch({"irm_configuration": {"AzureRMSLicensingEnabled": False}})
    result = flow(session, messages=[OFFER], compare_with=str(saved))
    assert [(each["kind"], [row["id"] for row in each["unknown"]]) for each in result["difference"]] == [
        ("unknown", ["U28"])
    ]
    assert [(each["kind"], each["before"]["protection"]) for each in result["changed_messages"]] == [
        ("unknown", "encrypt")
    ]
    same = flow(
        session,
        messages=[OFFER],
        compare_with=str(saved),
        facts={"irm_configuration": {"azure_rms_licensing_enabled": True}},
    )
    assert (same["difference"], same["changed_messages"]) == ([], [])
    rules_only = tmp_path / "rules.json"
    rules_only.write_text(
        json.dumps({"transport_rules": session.run(message_encryption_info)["transport_rules"]}), encoding="utf-8"
    )
    assert flow(session, messages=[OFFER], compare_with=str(rules_only))["difference"] == []


def test_a_witness_replays(session: EmulatedSession) -> None:
    lost = flow(session, rules=[], compare_with=[ENCRYPT])["difference"][0]
    again = flow(
        session,
        messages=[lost["witness"]["message"]],
        rules=[],
        facts={**FACTS, "outbound_connectors": [], **lost["witness"].get("facts", {})},
    )
    assert again["messages"][0]["recipients"][lost["witness"]["recipient"]] == lost["after"]


def test_the_sections_of_a_guarantee_are_read_as_a_rules_are() -> None:
    """One value stands for a list of one, addresses and domains are in small letters, and what goes together is asked
    for together.
    """
    outgoing = {
        "name": "G",
        "when": {"from_scope": "InOrganization", "recipient_domain_is": "Fabrikam.com"},
        "then": "encrypted",
    }
    to_fabrikam = {**ENCRYPT, "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]}}
    assert (
        flow(NoSession(), guarantees=[outgoing], rules=[to_fabrikam], facts=FACTS)["guarantees"][0]["verdict"]
        == "proved"
    )
    for wrong, said in (
        (
            {"header_contains_words": ["x"]},
            r"guarantees\[0\].when.header_contains_words needs guarantees\[0\].when.header_contains_message_header",
        ),
        ({"from_scope": "Inside"}, r"guarantees\[0\]: .*from_scope.*InOrganization"),
    ):
        with pytest.raises(OptionError, match=said):
            flow(NoSession(), guarantees=[{**outgoing, "when": wrong}], rules=[ENCRYPT], facts=FACTS)


def test_guarantees_are_decided_and_a_refuted_one_fails() -> None:
    outgoing = {"name": "Outgoing", "when": OUT, "then": "encrypted"}
    kept = flow(NoSession(), guarantees=[outgoing], rules=[ENCRYPT], facts=FACTS)
    assert [each["verdict"] for each in kept["guarantees"]] == ["proved"]
    assert "failed" not in kept
    stopped = [
        {
            "name": "Stop",
            "conditions": {"subject_contains_words": ["public"]},
            "actions": {"stop_rule_processing": True},
        },
        ENCRYPT,
    ]
    broken = flow(NoSession(), guarantees=[outgoing], rules=stopped, facts=FACTS)
    assert broken["failed"] is True
    assert broken["msg"].startswith("'Outgoing' is not guaranteed: mail from ")
    example = broken["guarantees"][0]["counterexample"]
    again = flow(NoSession(), messages=[example["message"]], rules=stopped, facts={**FACTS, **example.get("facts", {})})
    assert again["messages"][0]["recipients"][example["recipient"]] == example["outcome"]
    assert flow(NoSession(), guarantees=[outgoing], rules=stopped, facts=FACTS, fail_on_error=False)["failed"] is False


def test_a_guarantee_of_nothing_is_refused() -> None:
    empty = {"name": "Nothing", "when": {"sent_to": ["a@b.com"], "recipient_domain_is": ["c.com"]}, "then": "encrypted"}
    with pytest.raises(OptionError, match=r"guarantees\[0\]: no message can meet"):
        flow(NoSession(), guarantees=[empty], rules=[ENCRYPT], facts=FACTS)
    with pytest.raises(OptionError, match="give at least one of messages, messages_path, guarantees, compare_with"):
        flow(NoSession(), rules=[ENCRYPT], facts=FACTS)


def test_the_rules_are_linted() -> None:
    stop = {"name": "Stop", "conditions": OUT, "actions": {"stop_rule_processing": True}}
    found = flow(NoSession(), messages=[OFFER], rules=[stop, ENCRYPT], facts=FACTS, lint=True)["lint"]
    assert [(each["kind"], each["rules"]) for each in found] == [("never_acts", ["Encrypt", "Stop"])]


def test_rules_are_linted_where_they_are_compared_or_guaranteed_or_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A question about one message builds no solver."""
    outgoing = {"name": "Outgoing", "when": OUT, "then": "encrypted"}
    assert "lint" in flow(NoSession(), guarantees=[outgoing], rules=[ENCRYPT], facts=FACTS)
    assert "lint" in flow(NoSession(), messages=[OFFER], compare_with=[], rules=[ENCRYPT], facts=FACTS)
    assert "lint" not in flow(NoSession(), guarantees=[outgoing], rules=[ENCRYPT], facts=FACTS, lint=False)
    monkeypatch.setattr(Solver, "__init__", lambda self: pytest.fail("a solver was built"))
    assert "lint" not in flow(NoSession(), messages=[OFFER], rules=[ENCRYPT], facts=FACTS)


def test_two_messages_of_one_name_are_refused() -> None:
    with pytest.raises(OptionError, match=r"messages\[1\]\.name is 'Offer', which another message already has"):
        flow(NoSession(), messages=[OFFER, OFFER], rules=[], facts=FACTS)


def test_an_eml_file_is_a_message(tmp_path: Path) -> None:
    path = tmp_path / "offer.eml"
    path.write_text(f"From: AlexW@{DOMAIN}\nTo: ann@fabrikam.com\nSubject: Offer\n\ntext\n", encoding="utf-8")
    found = only(
        flow(
            NoSession(),
            messages=[{"name": "Offer", "eml_path": str(path), "authenticated": True}],
            rules=[ENCRYPT],
            facts=FACTS,
        )
    )
    assert found["protection"] == "encrypt"


def test_every_trace_is_there_on_request() -> None:
    result = flow(
        NoSession(),
        messages=[OFFER],
        rules=[{**ENCRYPT, "enabled": False}, {**ENCRYPT, "name": "Two"}],
        facts=FACTS,
        trace="all",
    )
    assert [(entry["rule"], entry["matched"], entry.get("reason")) for entry in only(result)["trace"]] == [
        ("Encrypt", False, "it is disabled"),
        ("Two", True, None),
    ]


def test_unknown_predicates_of_an_organization_are_unknown_and_never_overlooked(session: EmulatedSession) -> None:
    session.organization.patch({"added_properties": {"Get-TransportRule": {"SenderMoodIs": "happy"}}})
    found = only(flow(session, messages=[OFFER]))
    assert (found["fate"], found["protection"]) == ("unknown", "unknown")
    assert any("SenderMoodIs" in each["reason"] for each in found["unknown"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("a: " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ('{"transport_rules": [], "transport_rules": []}', "the key 'transport_rules' twice"),
        ('{"transport_rules": [{"priority": 1e999}]}', "the number 1e999 in it is too large"),
        ("a: [", "is neither YAML nor JSON"),
        ("!!python/object/apply:os.system [id]", "is neither YAML nor JSON"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_by_name(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "rules").write_text(content, encoding="ascii")
    with pytest.raises(OptionError, match=rf"{tmp_path}/rules is .*") as refused:
        flow(NoSession(), messages=[OFFER], source=str(tmp_path / "rules"))
    assert said in str(refused.value)


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
def test_messages_come_from_a_file_as_from_the_option(write: Any, tmp_path: Path) -> None:
    expect = {"ann@fabrikam.com": {"protection": "none"}}
    messages = [
        OFFER,
        {**OFFER, "name": "Other", "to": [f"meganb@{DOMAIN}"], "attachments": [{"name": "a.pdf"}]},
        {**OFFER, "name": "Wrong", "expect": expect},
    ]
    (tmp_path / "messages").write_text(write(messages), encoding="ascii")
    given = {"rules": [ENCRYPT], "facts": FACTS, "compare_with": []}
    assert flow(NoSession(), messages_path=str(tmp_path / "messages"), **given) == flow(
        NoSession(), messages=messages, **given
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "messages_path: .*/messages has no list of messages"),
        ("", "messages_path: .*/messages has no list of messages"),
        ("[x", "/messages is neither YAML nor JSON"),
        ("[{from: a@b.example}]", r"messages_path\[0\].name is required"),
        ("[{name: A, subjekt: x}]", r"messages_path\[0\].subjekt: did you mean messages_path\[0\].subject\?"),
        ("[{name: A, subject: yes}]", r"messages_path\[0\].subject is true, which is not text"),
        ("[{name: A, 5: x}]", r"messages_path\[0\].5 is not an option"),
        ("[5]", r"messages_path\[0\] is 5, which is not a dictionary"),
        ("[{name: A, from: nobody, to: [ann@fabrikam.com]}]", r"messages_path\[0\].from is 'nobody'"),
    ],
)
def test_what_is_wrong_in_a_file_of_messages_is_named(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "messages").write_text(content, encoding="ascii")
    with pytest.raises(OptionError, match=said):
        flow(NoSession(), messages_path=str(tmp_path / "messages"), rules=[ENCRYPT], facts=FACTS)


@pytest.mark.parametrize(("results", "named"), [("all", ["Offer", "Wrong"]), ("failed", ["Wrong"]), ("none", [])])
def test_results_are_of_the_messages_that_are_asked_for(results: str, named: list[str]) -> None:
    wrong = {**OFFER, "name": "Wrong", "expect": {"ann@fabrikam.com": {"protection": "none"}}}
    result = flow(NoSession(), messages=[OFFER, wrong], rules=[ENCRYPT], facts=FACTS, compare_with=[], results=results)
    assert [each["name"] for each in result["messages"]] == named
    assert result["failed"]
    assert result["msg"].startswith("2 messages, 2 recipients: the one expectation is not met.")
    assert [each["witness"]["message"] for each in result["changed_messages"]] == ["Offer", "Wrong"]


def test_fewer_rules_are_a_list_that_the_organization_takes(session: EmulatedSession) -> None:
    session.run(
        ome_transport_rule,
        **{**ENCRYPT, "name": "Partner", "priority": 0, "conditions": {**OUT, "recipient_domain_is": ["fabrikam.com"]}},
    )
    session.run(ome_transport_rule, **{**ENCRYPT, "name": "Old", "enabled": False})
    found = flow(session, simplify=True)
    assert "1 rule does the same to all mail as 3:" in found["msg"]
    assert session.run(ome_transport_rules, rules=found["simplified"]["rules"])["changed"]
    assert [rule["name"] for rule in session.run(message_encryption_info)["transport_rules"]] == ["Encrypt"]
    assert flow(session, simplify=True)["simplified"]["proof"]["equal"] is False


def test_a_capture_of_another_organization_is_compared_with_its_own_facts(tmp_path: Path) -> None:
    def saved(name: str, domain: str, *rules: dict[str, Any]) -> str:
        state = {
            "transport_rules": list(rules),
            "accepted_domains": [{"name": domain, "type": "Authoritative"}],
            "remote_domains": [],
            "mail_users": [],
        }
        (tmp_path / name).write_text(json.dumps({**state, "outbound_connectors": []}), encoding="utf-8")
        return str(tmp_path / name)

    there, here = saved("there.json", "fabrikam.com", ENCRYPT), saved("here.json", "contoso.com")
    mail = {"name": "Mail", "from": "kim@fabrikam.com", "authenticated": True, "to": ["joe@northwind.com"]}
    found = flow(NoSession(), source=here, compare_with=there, overview=True, messages=[mail])
    assert [row["kind"] for row in found["changed_messages"]] == ["protection_lost"]
    assert [row["kind"] for row in found["organizations"]["only_before"]] == ["encrypted"]
    plain = {
        row["kind_of_mail"]: (row["before"]["protected"], row["after"]["protected"])
        for row in found["organizations"]["overview"]
    }
    assert plain["from_inside"] == ("always", "never")
    assert (
        "  Only before: All mail from inside to people outside is encrypted with 'Encrypt' ('Encrypt')." in found["msg"]
    )
    assert "a difference says what its rules would do in this one." in found["msg"]
    assert "organizations" not in flow(
        NoSession(), source=here, compare_with=saved("again.json", "contoso.com", ENCRYPT), overview=True
    )


GUARANTEE = {"name": "Outgoing", "when": OUT, "then": "not_in_clear"}
ENCRYPT_ALL = {"Name": "Encrypt all outgoing", "FromScope": "InOrganization", "SentToScope": "NotInOrganization"}
CARDS = {"MessageContainsDataClassifications": ["Credit Card Number"]}


def before_encryption(wire: str, rule: dict[str, Any]) -> dict[str, Any]:
    """What the module says of an organization that encrypts all outgoing mail, after this rule."""
    settings = {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True, "EnablePdfEncryption": True}
    rules = [{"Name": "Cards", **rule}, {**ENCRYPT_ALL, "ApplyRightsProtectionTemplate": "Encrypt"}]
    session = EmulatedSession({"irm_configuration": settings, "transport_rules": rules}, wire)
    return flow(session, messages=[OFFER], guarantees=[GUARANTEE], lint=True, results="all", fail_on_error=False)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "part",
    [
        CARDS,
        {"ExceptIfMessageContainsDataClassifications": ["Credit Card Number"]},
        {"HasSenderOverride": True},
        {"ExceptIfHasSenderOverride": True},
        {"NotifySender": "NotifyOnly"},
    ],
)
def test_a_part_of_data_loss_prevention_without_a_policy_is_unknown_to_all(wire: str, part: dict[str, Any]) -> None:
    found = before_encryption(wire, {"StopRuleProcessing": True, **part})
    (guarantee,) = found["guarantees"]
    assert (guarantee["verdict"], [each["id"] for each in guarantee["unknown"]]) == ("unknown", ["U13"])
    recipient = only(found)
    assert (recipient["protection"], {each["id"] for each in recipient["unknown"]}) == ("unknown", {"U13"})
    (row,) = [each for each in found["lint"] if each["kind"] == "unsupported"]
    assert row["rules"] == ["Cards"]
    assert "Microsoft does not say whether Exchange Online still evaluates such a rule" in row["reason"]
    assert "dlp_rule" not in [each["kind"] for each in found["lint"]]
    assert "does nothing" not in str(found["warnings"])


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("policy", [{"DlpPolicy": "Cards"}, {"RuleSubType": "Dlp"}])
def test_a_rule_of_a_policy_of_data_loss_prevention_never_acts(wire: str, policy: dict[str, Any]) -> None:
    found = before_encryption(wire, {"StopRuleProcessing": True, **policy, **CARDS})
    assert found["guarantees"][0]["verdict"] == "proved"
    assert "dlp_rule" in [each["kind"] for each in found["lint"] if each["rules"] == ["Cards"]]
    assert str(found["warnings"]).count("'Cards' does nothing") == 1


def test_a_condition_of_data_loss_prevention_leaves_no_doubt_about_what_its_rule_does() -> None:
    marks = {"PrependSubject": "x", **CARDS}
    assert before_encryption("rest", marks)["guarantees"][0]["verdict"] == "proved"
    # A notification can also reject the mail.
    assert only(before_encryption("rest", {**marks, "NotifySender": "RejectMessage"}))["fate"] == "unknown"


def sensitive_rule() -> dict[str, Any]:
    """The rule of the guide that looks for sensitive information, as an entry of ``rules``."""
    page = (ROOT / "docs/docsite/rst/guide_mail_flow_rules.rst").read_text(encoding="utf-8")
    _before, section = page.split("Policy 6: sensitive information", 1)
    block = textwrap.dedent(section.split(".. code-block:: yaml\n", 1)[1].split("\n\nFalse hits", 1)[0])
    ((task,),) = [yaml.safe_load(block)]
    rule: dict[str, Any] = task["m365.message_encryption.ome_transport_rule"]
    return rule


@pytest.mark.parametrize(
    ("text", "protection"),
    [
        ("My SSN is 078-05-1120.", "encrypt"),
        ("Card 4111 1111 1111 1111, or 4111-1111-1111-1111", "encrypt"),
        ("4111111111111111", "encrypt"),
        ("Amex: 3782 822463 10005", "encrypt"),
        ("To GB29 NWBK 6016 1331 9268 19, please", "encrypt"),
        ("DE89370400440532013000", "encrypt"),
        ("it60 x054 2811 1010 0000 0123 456", "encrypt"),
        # The false hits that the guide names.
        ("Order 555-12-3456", "encrypt"),
        ("Serial number 1078-05-11209", "encrypt"),
        ("Tracking 9400111899223100", "encrypt"),
        ("PO12 4711 1234 5678", "encrypt"),
        # What is written in another way is missed.
        ("My SSN is 078051120.", "none"),
        ("Call 555-123-4567 on 2026-01-31 about invoice 4711.", "none"),
    ],
)
def test_the_patterns_of_the_guide_find_what_it_says(text: str, protection: str) -> None:
    licensed = {"azure_rms_licensing_enabled": True, "internal_licensing_enabled": True}
    message = {**OFFER, "body": text, "subject": "A question"}
    facts = {**FACTS, "irm_configuration": licensed}
    assert (
        only(flow(NoSession(), rules=[sensitive_rule()], facts=facts, messages=[message]))["protection"] == protection
    )


NEVER: dict[str, Any] = {
    "name": "Never",
    "conditions": {"sent_to": ["a@b.c"], "recipient_domain_is": ["d.e"]},
    "actions": {"delete_message": True},
}


@pytest.mark.parametrize("options", [{}, {"rules": [NEVER]}])
def test_lint_alone_is_a_question(session: EmulatedSession, options: dict[str, Any]) -> None:
    found = flow(session, lint=True, **options)
    kinds = [row["kind"] for row in found["lint"]]
    assert ("never_acts" in kinds) is bool(options)
    assert found["msg"].startswith("Lint: The rule 'Never' never acts:" if options else "Lint: no problem found.")
