# SPDX-License-Identifier: GPL-3.0-or-later
"""Protection on the way: guarantees and differences, each with the holes that they name and with wrong programs
that they find.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.expectations import (
    differences,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.formula import FALSE, Value
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import (
    IN_TRANSIT,
    VALIDATIONS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic import (
    compile_outcomes,
    copy_properties,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.address import AddressSlot
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.copy_row import TransitRow
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.guarantees import transit_words

from tests.rounds import rounds
from tests.unit.mail_flow import generators
from tests.unit.mail_flow.answers import difference, prove, verdict_sentence
from tests.unit.mail_flow.copy_results import message_result
from tests.unit.mail_flow.transit_vectors import (
    ALL,
    BANK,
    ENCRYPT,
    FACTS,
    GATE,
    INSIDE,
    NOW,
    OUTGOING,
    PLAIN,
    ROUTE,
    TLS,
    TO_BANK,
    VECTORS,
    WIDE,
    Vector,
    rule,
)

Values = dict[str, Any]


def verdict(connectors: list[Values] | None, rules: list[Values], when: Values | None = None, **more: Any) -> Values:
    facts = FACTS if connectors is None else {**FACTS, "outbound_connectors": connectors}
    (found,) = prove(rules, facts, [{"name": "Bank", "when": when or TO_BANK, "then": IN_TRANSIT, **more}], NOW)
    return found


def hole(connectors: list[Values], rules: list[Values], when: Values | None = None, **more: Any) -> str:
    """The end of the sentence about a refuted guarantee, from the hole on."""
    found = verdict(connectors, rules, when, **more)
    assert found["verdict"] == "refuted"
    return verdict_sentence(found).partition("delivered ")[2].partition(": ")[2]


# A guarantee


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
def test_a_guarantee_about_its_message_says_what_the_vector_says(vector: Vector) -> None:
    """One message is all mail from this sender to this recipient in usual mail that no condition of a rule looks at."""
    about: Values = {**INSIDE, "from": ["alexw@contoso.com"], "sent_to": [vector.to]}
    facts = {key: value for key, value in vector.facts.items() if value is not None}
    unless = {"subject_contains_words": ["secret"]}
    (found,) = prove(vector.rules, facts, [{"name": "It", "when": about, "unless": unless, "then": IN_TRANSIT}], NOW)
    assert found["verdict"] == {True: "proved", False: "refuted", None: "unknown"}[vector.protected]
    if vector.protected is None:
        assert {row["id"] for row in found["unknown"]} <= {"U00", "U20", "U32"}


@pytest.mark.parametrize(
    ("connectors", "rules", "more", "said"),
    [
        ([], [], {}, "mail.bank.example: no connector covers it, and no rule requires TLS for this mail."),
        ([BANK], [], {}, "mail.bank.example: the connector 'Bank' covers bank.example only."),
        (
            [{**BANK, "recipient_domains": ["*.bank.example"]}],
            [],
            {},
            "bank.example: the connector 'Bank' covers the subdomains of bank.example only.",
        ),
        ([{**WIDE, "enabled": False}], [], {}, "bank.example: the connector 'Bank' covers it, and is disabled."),
        ([GATE], [], {}, "bank.example: no rule routes this mail to the connector 'Gate'."),
        # Rules route other mail to it.
        (
            [GATE],
            [{**ROUTE, "conditions": {**INSIDE, "recipient_domain_is": ["other.example"]}}],
            {},
            "bank.example: no connector covers it, and no rule requires TLS for this mail.",
        ),
        # Which of two gates the mail is for, nobody says.
        (
            [GATE, {**GATE, "name": "Other"}],
            [],
            {},
            "bank.example: no connector covers it, and no rule requires TLS for this mail.",
        ),
        ([{**WIDE, "tls_settings": ""}], [], {}, "bank.example: the connector 'Bank' does not force TLS."),
        (
            [{**WIDE, "tls_settings": "EncryptionOnly"}],
            [],
            {"tls_validation": "certificate"},
            "bank.example: TLS of the connector 'Bank' takes any certificate.",
        ),
        (
            [{**WIDE, "tls_settings": "CertificateValidation"}],
            [],
            {"tls_validation": "domain"},
            "bank.example: TLS of the connector 'Bank' takes a certificate from a trusted authority.",
        ),
        (
            [],
            [{**TLS, "conditions": OUTGOING}],
            {"tls_validation": "domain"},
            "bank.example: TLS that a rule requires takes any certificate.",
        ),
    ],
)
def test_a_refutation_names_the_hole(connectors: list[Values], rules: list[Values], more: Values, said: str) -> None:
    found = hole(connectors, rules, **more)
    assert found.removeprefix("mail.") == said.removeprefix("mail.")


@pytest.mark.parametrize("approved", [False, True])
def test_mail_that_leaves_by_tls_that_checks_too_little_is_not_called_clear(approved: bool) -> None:
    """TLS protects it; what is wrong is that any certificate will do."""
    holding = rule("Hold", {"moderate_message_by_user": ["boss@contoso.com"]}, conditions=OUTGOING)
    rules, connectors = [holding] if approved else [], [{**WIDE, "tls_settings": "EncryptionOnly"}]
    said = verdict_sentence(verdict(connectors, rules, tls_validation="domain"))
    assert "in clear" not in said
    fate = "is held for approval, and once approved" if approved else "is delivered"
    assert f"{fate} unencrypted by rules, but by forced TLS that checks less than is required: " in said
    weakest = verdict_sentence(verdict([], rules, tls_validation="domain"))
    assert f"{fate} unprotected by rules or forced TLS: " in weakest


def test_forced_tls_that_checks_too_little_is_so_called_where_a_connector_comes_near() -> None:
    """The connector for the domain alone does not take mail to a subdomain; the rule's TLS takes any certificate."""
    requiring = [{**TLS, "conditions": OUTGOING}]
    said = verdict_sentence(verdict([{**BANK, "tls_settings": "DomainValidation"}], requiring, tls_validation="domain"))
    assert "by forced TLS that checks less than is required: mail.bank.example: the connector 'Bank' covers" in said


def test_a_counterexample_replays() -> None:
    found = verdict([BANK], [])["counterexample"]
    facts = facts_of({**FACTS, "outbound_connectors": [BANK], **found.get("facts", {})})
    again = Simulator([], facts).run(
        message_of({key: value for key, value in found["message"].items() if key != "name"}, "", "again")
    )
    assert again["recipients"][found["recipient"]] == found["outcome"]
    assert found["outcome"]["transit"] == {"tls": "opportunistic"}
    assert found["hole"] == {
        "domain": "mail.bank.example",
        "kind": "domain_only",
        "connector": "Bank",
        "covers": "bank.example",
    }


@pytest.mark.parametrize("validation", VALIDATIONS)
def test_what_tls_has_to_check_at_least(validation: str) -> None:
    settings = ("EncryptionOnly", "CertificateValidation", "DomainValidation")
    found = [verdict([{**WIDE, "tls_settings": each}], [], tls_validation=validation)["verdict"] for each in settings]
    place = VALIDATIONS.index(validation)
    assert found == ["refuted"] * place + ["proved"] * (3 - place)


def test_the_claim_is_said() -> None:
    assert (
        verdict([WIDE], [])["claim"]
        == "all mail from inside to bank.example that leaves is encrypted, or leaves only by forced TLS with any certificate"
    )
    assert verdict([WIDE], [], tls_validation="domain")["claim"].endswith(
        "by forced TLS with a trusted certificate with the right name"
    )


#: A domain that the organization shares with other servers, and a connector to its own ones.
PLANT: Values = {"name": "plant.contoso.com", "type": "InternalRelay", "match_subdomains": True}
HYBRID: Values = {
    "name": "Hybrid",
    "connector_type": "OnPremises",
    "recipient_domains": ["plant.contoso.com", "*.plant.contoso.com"],
}
TO_PLANT = {**INSIDE, "recipient_domain_is": ["plant.contoso.com"]}


@pytest.mark.parametrize(
    ("connectors", "more", "found"),
    [
        ([], {}, "unknown"),
        ([{**HYBRID, "connector_type": "Partner"}], {}, "unknown"),
        ([{**HYBRID, "connector_type": "Partner", "tls_settings": "EncryptionOnly"}], {}, "proved"),
        ([HYBRID], {}, "proved"),
        ([{**HYBRID, "test_mode": True}], {}, "unknown"),
        ([{**HYBRID, "recipient_domains": ["plant.contoso.com"]}], {}, "unknown"),
        ([HYBRID, {**ALL, "name": "Everybody", "tls_settings": ""}], {}, "unknown"),
        ([], {"mailboxes": ["bob@plant.contoso.com"]}, "unknown"),
    ],
)
def test_mail_that_exchange_may_relay_to_others_is_not_said_to_stay(
    connectors: list[Values], more: Values, found: str
) -> None:
    facts = {**FACTS, "accepted_domains": ["contoso.com", PLANT], "outbound_connectors": connectors, **more}
    for when in (TO_PLANT, {**INSIDE, "unless": {}}):
        guarantee = {"name": "x", "when": {k: v for k, v in when.items() if k != "unless"}, "then": IN_TRANSIT}
        (row,) = prove([{**TLS, "conditions": OUTGOING}], facts, [guarantee], NOW)
        assert row["verdict"] == found
        assert found != "unknown" or [each["id"] for each in row["unknown"]] == ["U32"]


def test_mail_to_a_mailbox_that_is_known_stays_even_in_a_domain_that_is_shared() -> None:
    facts = {
        **FACTS,
        "accepted_domains": ["contoso.com", PLANT],
        "mailboxes": ["bob@plant.contoso.com"],
        "outbound_connectors": [],
    }
    (row,) = prove([], facts, [{"name": "x", "when": {"sent_to": ["bob@plant.contoso.com"]}, "then": IN_TRANSIT}], NOW)
    assert row["verdict"] == "proved"


@pytest.mark.parametrize("count", [5, 310])
@pytest.mark.parametrize(("stranger", "found"), [([], "proved"), (["z@plant.contoso.com"], "unknown")])
def test_mail_to_any_number_of_known_mailboxes_stays(count: int, stranger: list[str], found: str) -> None:
    """A mail user of the domain may be on other servers."""
    people = [f"p{number}@plant.contoso.com" for number in range(count)]
    facts = {
        **FACTS,
        "accepted_domains": ["contoso.com", PLANT],
        "mailboxes": [*people, "staff@plant.contoso.com"],
        "mail_users": stranger,
        "groups": {"staff@plant.contoso.com": [*people, *stranger]},
        "outbound_connectors": [],
    }
    when = {"sent_to_member_of": ["staff@plant.contoso.com"]}
    (row,) = prove([], facts, [{"name": "x", "when": when, "then": IN_TRANSIT}], NOW)
    assert row["verdict"] == found


@pytest.mark.parametrize(
    ("gate", "more", "found"),
    [
        ({"tls_settings": ""}, [], "unknown"),
        ({"tls_settings": ""}, [TLS], "proved"),
        ({}, [], "proved"),
        ({"enabled": False}, [], "unknown"),
    ],
)
def test_mail_to_an_own_mailbox_that_a_rule_routes_to_a_connector_may_leave(
    gate: Values, more: list[Values], found: str
) -> None:
    row = verdict([{**GATE, **gate}], [ROUTE, *more], {**INSIDE, "sent_to": ["alexw@contoso.com"]})
    assert row["verdict"] == found
    if found == "unknown":
        assert next(each["reason"] for each in row["unknown"]) == (
            "whether mail to alexw@contoso.com leaves: the rule 'Route' routes it to the connector 'Gate'"
        )


def test_the_connector_is_known_where_a_copy_leaves_by_it_or_not_at_all() -> None:
    perhaps = {**ROUTE, "conditions": {}, "is_rule_configuration_supported": False}
    message = {"from": "megan@contoso.com", "to": ["alexw@contoso.com"], "subject": "s", "body": "b"}
    (copy,) = _run({**FACTS, "outbound_connectors": [GATE]}, [perhaps], message).values()
    assert (copy["transit"]["tls"], copy["transit"]["connector"]) == ("unknown", "Gate")


ENDS = {"spy@other.example": "added_copies", "seer@other.example": "shown_copies"}
BRINGS = rule("Brings", {"blind_copy_to": ["spy@other.example"]}, conditions=TO_BANK)
AWAY = rule("Away", {"redirect_message_to": ["spy@other.example"]}, conditions=TO_BANK)
REPORTS = rule(
    "Reports",
    {"generate_incident_report": "seer@other.example", "incident_report_content": ["AttachOriginalMail"]},
    conditions=TO_BANK,
)
ASKS = rule("Asks", {"moderate_message_by_user": ["seer@other.example"]}, conditions=TO_BANK)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (BRINGS, "copies that the rule 'Brings' makes for spy@other.example"),
        (AWAY, "copies that the rule 'Away' makes for spy@other.example"),
        (REPORTS, "what the rule 'Reports' shows seer@other.example"),
        (ASKS, "what the rule 'Asks' shows seer@other.example"),
    ],
)
def test_a_proof_names_the_copies_that_it_is_not_about(last: Values, words: str) -> None:
    assert verdict([WIDE], [last])["verdict"] in ("refuted", "unknown")
    found = verdict([WIDE], [last], copies="recipients_only")
    assert found["verdict"] == "proved"
    first = found["assumptions"][0]
    assert (first["id"], first["mail"]) == (next(ENDS[who] for who in ENDS if who in words), words)


@pytest.mark.parametrize(
    ("connectors", "rules"),
    [
        ([WIDE], [{**BRINGS, "enabled": False}]),
        ([WIDE], [{**BRINGS, "conditions": {**INSIDE, "recipient_domain_is": ["else.example"]}}]),
        ([WIDE], [rule("Inside", {"blind_copy_to": ["alexw@contoso.com"]}, conditions=TO_BANK)]),
        ([ALL], [BRINGS]),
        ([WIDE], [TLS, BRINGS]),
        ([], [rule("All", {"apply_rights_protection_template": "Encrypt"}, conditions=INSIDE), BRINGS]),
    ],
)
def test_it_names_only_copies_of_its_mail_that_may_leave_in_clear(
    connectors: list[Values], rules: list[Values]
) -> None:
    assert verdict(connectors, rules)["verdict"] == "proved"
    found = verdict(connectors, rules, copies="recipients_only")
    assert found["verdict"] == "proved"
    assert not {"added_copies", "shown_copies"} & {row["id"] for row in found["assumptions"]}


def test_a_copy_that_the_guarantee_is_about_is_not_left_out() -> None:
    assert verdict([WIDE], [BRINGS], INSIDE)["verdict"] == "refuted"
    assert verdict([ALL], [REPORTS], INSIDE)["verdict"] == "unknown"


def test_encryption_protects_where_tls_does_not() -> None:
    assert verdict([], [ENCRYPT])["verdict"] == "proved"
    spared = {**ENCRYPT, "exceptions": {"recipient_domain_is": ["bank.example"]}}
    assert verdict([], [spared])["verdict"] == "refuted"
    assert verdict([WIDE], [spared], OUTGOING)["verdict"] == "proved"


def test_a_proof_says_where_its_knowledge_ends() -> None:
    handing = {**WIDE, "use_mx_record": False, "smart_hosts": ["gate.example"]}
    elsewhere = {
        **ALL,
        "name": "Else",
        "recipient_domains": ["else.example"],
        "use_mx_record": False,
        "smart_hosts": ["else.gate.example"],
    }
    found = {row["id"]: row["text"] for row in verdict([handing, elsewhere], [])["assumptions"]}
    assert (
        found["next_server"]
        == "Forced TLS protects mail on its way to the next server. What that server does with it is not considered."
    )
    assert (
        found["smart_hosts"]
        == "Mail that leaves through the connector 'Bank' is protected on its way to gate.example alone: what comes after is not known."
    )
    assert "smart_hosts" not in {row["id"] for row in verdict([WIDE], [])["assumptions"]}
    assert "next_server" not in {
        row["id"]
        for row in prove([ENCRYPT], FACTS, [{"name": "x", "when": OUTGOING, "then": "not_in_clear"}], NOW)[0][
            "assumptions"
        ]
    }


@pytest.mark.parametrize(
    ("kind", "to", "says"),
    [
        ("InternalRelay", "plant.contoso.com", True),
        ("InternalRelay", "bank.example", False),
        ("Authoritative", "plant.contoso.com", False),
    ],
)
def test_a_proof_says_that_mail_to_servers_on_premises_is_not_followed(kind: str, to: str, says: bool) -> None:
    plant = {"name": "plant.contoso.com", "type": kind, "match_subdomains": True}
    facts = {**FACTS, "accepted_domains": ["contoso.com", plant], "outbound_connectors": [WIDE, HYBRID]}
    (found,) = prove(
        [], facts, [{"name": "x", "when": {**INSIDE, "recipient_domain_is": [to]}, "then": IN_TRANSIT}], NOW
    )
    assert found["verdict"] == "proved"
    texts = [row["text"] for row in found["assumptions"] if row["id"] == "internal_relay"]
    assert [text.partition(" (")[0] for text in texts] == (["Mail to plant.contoso.com"] if says else [])


@pytest.mark.parametrize(
    ("connector", "to", "says"),
    [
        ({"connector_type": "OnPremises", "recipient_domains": ["contoso.com"]}, "contoso.com", True),
        ({"connector_type": "OnPremises", "recipient_domains": ["*"]}, "contoso.com", True),
        ({"connector_type": "OnPremises", "all_accepted_domains": True}, "contoso.com", True),
        ({"connector_type": "OnPremises", "recipient_domains": ["contoso.com"]}, "bank.example", False),
        ({"connector_type": "OnPremises", "recipient_domains": ["bank.example"]}, "contoso.com", False),
        ({"connector_type": "Partner", "recipient_domains": ["*"]}, "contoso.com", False),
        ({"connector_type": "OnPremises", "recipient_domains": ["*"], "enabled": False}, "contoso.com", False),
        (
            {"connector_type": "OnPremises", "recipient_domains": ["*"], "is_transport_rule_scoped": True},
            "contoso.com",
            False,
        ),
    ],
)
def test_mail_that_a_connector_may_hand_to_mailboxes_on_premises_does_not_leave_but_it_is_said(
    connector: Values, to: str, says: bool
) -> None:
    facts = {
        **FACTS,
        "accepted_domains": ["contoso.com"],
        "outbound_connectors": [WIDE, {"name": "Hybrid", **connector}],
    }
    when = {**INSIDE, "recipient_domain_is": [to]}
    (found,) = prove([TLS], facts, [{"name": "x", "when": when, "then": IN_TRANSIT}], NOW)
    assert found["verdict"] == "proved"
    texts = [row["text"] for row in found["assumptions"] if row["id"] == "own_servers"]
    assert (
        texts
        == [
            "Mail to contoso.com does not leave the organization, although 'Hybrid' may hand it to servers on premises. How it"
            " gets there is not considered."
        ]
        * says
    )
    message = {"from": "alexw@contoso.com", "authenticated": True, "to": [f"bob@{to}"], "subject": "x"}
    result = Simulator([], facts_of(facts)).run(message_of(message, "", "m"))["recipients"][f"bob@{to}"]
    assert result.get("transit", {}).get("on_premises") == ("Hybrid" if says else None)
    assert ("tls" in result.get("transit", {})) is (to != "contoso.com")
    if says:
        assert transit_words(TransitRow.from_row(result["transit"])) == (
            "to the organization's own servers, perhaps, through the connector 'Hybrid'"
        )


def test_somebody_whom_a_rule_adds_gets_mail_by_the_ways_of_the_rules_before() -> None:
    copy = rule("Copy", {"blind_copy_to": ["eve@bank.example"]}, conditions=INSIDE)
    tls = {**TLS, "conditions": INSIDE}
    everybody = {"from_scope": "InOrganization", "recipient_domain_is": ["bank.example"]}
    assert verdict([], [tls, copy], everybody)["verdict"] == "proved"
    later = {**TLS, "conditions": {**INSIDE, "subject_contains_words": ["secret"]}}
    assert verdict([], [copy, later], everybody)["verdict"] == "refuted"


def test_a_report_with_the_mail_is_not_overlooked() -> None:
    report = rule(
        "Report",
        {"generate_incident_report": "eve@bank.example", "incident_report_content": ["AttachOriginalMail"]},
        conditions=INSIDE,
    )
    assert verdict([], [{**TLS, "conditions": INSIDE}, report])["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"then": IN_TRANSIT, "tls_validation": "domian"}, "tls_validation is 'domian'"),
        ({"then": "encrypted", "tls_validation": "domain"}, "tls_validation cannot be used with then: encrypted"),
        ({"then": IN_TRANSIT, "template": "Encrypt"}, "template cannot be used with then: protected_in_transit"),
    ],
)
def test_what_does_not_go_together_is_refused(more: Values, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        prove([], FACTS, [{"name": "x", **more}], NOW)


def test_no_random_message_breaks_what_is_proved() -> None:
    source, proved = random.Random(7), 0
    for _round in range(rounds(40)):
        tenant, rules, least = generators.organization(source), generators.rules(source), source.choice(VALIDATIONS)
        tenant.setdefault("outbound_connectors", [generators.connector(source, name) for name in generators.CONNECTORS])
        guarantee = {
            "name": "It",
            "when": {**INSIDE, "recipient_domain_is": ["fabrikam.com"]},
            "then": IN_TRANSIT,
            "tls_validation": least,
        }
        (found,) = prove(rules, tenant, [guarantee], NOW, budget=300)
        proved += found["verdict"] == "proved"
        for _message in range(8 if found["verdict"] == "proved" else 0):
            to = source.choice(["ann@fabrikam.com", "x@eu.fabrikam.com"])
            message = {
                **generators.message(source),
                "from": generators.PEOPLE[0],
                "authenticated": True,
                "to": [to],
                "cc": [],
                "bcc": [],
            } | {"date": NOW.isoformat()}
            result = _run(tenant, rules, message)[to]
            in_clear = (result["fate"], result.get("protection")) == ("delivered", "none")
            checked = result.get("transit", {}).get("validation", least)
            assert not in_clear or (
                result["transit"]["tls"] != "opportunistic" and VALIDATIONS.index(checked) >= VALIDATIONS.index(least)
            )
    assert proved > 2


def test_what_is_proved_of_mail_that_stays_the_simulator_says_too() -> None:
    """Of mail for people inside, prover and simulator know the same: which rules route it, and what is relayed."""
    source, verdicts = random.Random(11), list[str]()
    for _round in range(rounds(60)):
        tenant = generators.organization(source)
        tenant["accepted_domains"] = [{"name": "contoso.com"}, {"name": "relay.contoso.net", "type": "InternalRelay"}]
        tenant["outbound_connectors"] = [
            generators.connector(source, name) for name in generators.CONNECTORS if source.random() < 0.6
        ]
        route = rule(
            "R",
            {"route_message_outbound_connector": source.choice(generators.CONNECTORS)},
            conditions=source.choice([{}, INSIDE, OUTGOING, {"sent_to_scope": "InOrganization"}]),
        )
        rules = [route] if source.random() < 0.5 else []
        to = source.choice([generators.PEOPLE[1], "old@relay.contoso.net"])
        guarantee = {"name": "It", "when": {"from": [generators.PEOPLE[0]], "sent_to": [to]}, "then": IN_TRANSIT}
        (found,) = prove(rules, tenant, [guarantee], NOW)
        message = {
            "from": generators.PEOPLE[0],
            "authenticated": True,
            "to": [to],
            "subject": "x",
            "date": NOW.isoformat(),
        }
        result = _run(tenant, rules, message)[to]
        verdicts.append(found["verdict"])
        assert found["verdict"] != "refuted"
        open_ = {row["id"] for row in result.get("transit", {}).get("unknown", ())}
        if "tls" not in result.get("transit", {}):
            assert found["verdict"] == "proved"
        elif found["verdict"] == "unknown":
            assert "U32" in open_
    assert {"proved", "unknown"} <= set(verdicts)


def _run(tenant: Values, rules: list[Values], message: Values) -> Values:
    found: Values = Simulator(rules, facts_of(tenant)).run(message_of(message, "", "m"))["recipients"]
    return found


# A difference


def rows(before: list[Values], after: list[Values], connectors: list[Values] | None) -> list[Values]:
    facts = FACTS if connectors is None else {**FACTS, "outbound_connectors": connectors}
    found = difference(before, after, facts, NOW)
    assert found.complete
    return found.rows


@pytest.mark.parametrize(
    ("before", "after", "connectors", "kinds"),
    [
        ([TLS], [], [], ["transit_lost", "side_effect_changed"]),
        ([], [TLS], [], ["transit_gained", "side_effect_changed"]),
        ([TLS], [], [{**ALL, "tls_settings": "DomainValidation"}], ["side_effect_changed"]),
        ([TLS], [], None, ["side_effect_changed"]),
        ([ROUTE], [], [GATE], ["transit_lost", "side_effect_changed", "unknown"]),
        ([{**ROUTE, "conditions": OUTGOING}], [], [GATE], ["transit_lost", "side_effect_changed"]),
        ([ROUTE], [TLS, ROUTE], [GATE], ["side_effect_changed"]),
        ([ROUTE], [TLS], [GATE], ["transit_lost", "side_effect_changed", "side_effect_changed", "unknown"]),
        ([TLS], [TLS], [], []),
    ],
)
def test_what_is_lost_and_gained_on_the_way(
    before: list[Values], after: list[Values], connectors: list[Values] | None, kinds: list[str]
) -> None:
    assert [row["kind"] for row in rows(before, after, connectors)] == kinds


def test_a_rule_that_stops_before_is_named() -> None:
    stop = rule(
        "Partner", {"stop_rule_processing": True}, conditions={**OUTGOING, "recipient_domain_is": ["bank.example"]}
    )
    lost = rows([{**TLS, "conditions": OUTGOING}], [stop, {**TLS, "conditions": OUTGOING}], [])[0]
    assert (
        lost["text"]
        == "All mail from inside to people outside at bank.example is less protected on its way: the new rule 'Partner' stops before 'TLS'."
    )
    assert (lost["before"]["transit"]["tls"], lost["after"]["transit"]["tls"]) == ("forced", "opportunistic")
    assert lost["rules"] == ["Partner"]


def test_what_may_be_lost_says_why_that_is_open() -> None:
    found = rows([], [{**ROUTE, "conditions": OUTGOING}], [GATE, WIDE])
    (row,) = (row for row in found if row["kind"] == "unknown")
    assert "may be less protected on its way" in row["text"]
    assert "U32" in {each["id"] for each in row["unknown"]}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({"tls": "forced", "validation": "domain"}, {"tls": "opportunistic"}, "transit_lost"),
        ({"tls": "forced", "validation": "domain"}, {"tls": "forced", "validation": "encryption_only"}, "transit_lost"),
        ({"tls": "opportunistic"}, {"tls": "forced", "validation": "certificate"}, "transit_gained"),
        (
            {"tls": "forced", "validation": "domain", "connector": "A"},
            {"tls": "forced", "validation": "domain", "connector": "B"},
            "",
        ),
        ({"tls": "unknown"}, {"tls": "opportunistic"}, "unknown"),
        ({"tls": "unknown"}, {"tls": "unknown"}, ""),
    ],
)
def test_the_same_message_on_another_way(before: Values, after: Values, kind: str) -> None:
    in_clear = {"fate": "delivered", "protection": "none"}
    found = [
        [message_result({"name": "m", "recipients": {"ann@bank.example": {**in_clear, "transit": way}}})]
        for way in (before, after)
    ]
    assert [each.kind for each in differences(*found)] == [kind] * bool(kind)


# Wrong programs


Patch = Callable[[Any, str, Any], None]


def _covers(pattern: str, person: AddressSlot) -> Value:
    return person["below", pattern.removeprefix("*.")]


def a_domain_has_its_subdomains(patch: Patch) -> None:
    patch(compile_outcomes, "_covers", _covers)


def the_best_one_wins(patch: Patch) -> None:
    whole = compile_outcomes.taken_by
    patch(compile_outcomes, "taken_by", lambda chain: [each for each in whole(chain) if each.protects(VALIDATIONS[0])])


def every_tls_checks_all(patch: Patch) -> None:
    whole = compile_outcomes.forced
    patch(compile_outcomes, "forced", lambda chain, least: whole(chain, VALIDATIONS[0]))


def connectors_that_are_not_known_protect(patch: Patch) -> None:
    patch(compile_outcomes.TakingConnector, "protects", lambda self, least: True)


def encryption_does_not_count(patch: Patch) -> None:
    never = replace(copy_properties.PROPERTIES["protected"], formula=lambda outcome, guarantee: FALSE)
    patch(copy_properties, "PROPERTIES", {**copy_properties.PROPERTIES, "protected": never})


WRONG_PROOFS: dict[str, tuple[Callable[[Patch], None], Values]] = {
    "a domain has its subdomains": (a_domain_has_its_subdomains, {"connectors": [BANK], "rules": []}),
    "the best one wins": (the_best_one_wins, {"connectors": [WIDE, PLAIN], "rules": []}),
    "every TLS checks all": (
        every_tls_checks_all,
        {"connectors": [{**WIDE, "tls_settings": "EncryptionOnly"}], "rules": [], "tls_validation": "domain"},
    ),
    "connectors that are not known protect": (
        connectors_that_are_not_known_protect,
        {"connectors": [], "rules": [ROUTE]},
    ),
    "encryption does not count": (encryption_does_not_count, {"connectors": [], "rules": [ENCRYPT]}),
}


@pytest.mark.parametrize("mutant", WRONG_PROOFS)
def test_a_wrong_proof_is_found(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, case = WRONG_PROOFS[mutant]
    right = verdict(**case)["verdict"]
    change(monkeypatch.setattr)
    assert verdict(**case)["verdict"] != right
