# SPDX-License-Identifier: GPL-3.0-or-later
"""How a copy leaves: each vector in the simulator and in the emulator, and wrong programs that a vector finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input import parsing
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.parsing import (
    facts_of,
    message_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import connectors
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator import protection
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import Simulator
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.wording.reasons import worded

from tests.emulator.mail_flow import MailFlow
from tests.unit.mail_flow.transit_vectors import VECTORS, Vector
from tests.unit.mail_flow.translation import facts, stored

Values = dict[str, Any]
Patch = Callable[[Any, str, Any], None]

BY_ID = {vector.id: vector for vector in VECTORS}


def simulated(vector: Vector) -> Values:
    result = Simulator(vector.rules, facts_of(vector.facts)).run(message_of(vector.message, "", vector.id))[
        "recipients"
    ][vector.to]
    found: Values = worded(result.get("transit", {}))
    return found


def known(found: Values) -> Values:
    return {key: value for key, value in found.items() if key != "unknown"}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
def test_the_simulator_says_so(vector: Vector) -> None:
    found = simulated(vector)
    assert known(found) == vector.transit
    assert ("unknown" in found) is (
        "tls" in found and (found["tls"] == "unknown" or (found["tls"] == "forced" and "validation" not in found))
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
def test_the_emulator_says_so(vector: Vector) -> None:
    tenant = {key: value for key, value in vector.facts.items() if value is not None}
    result = MailFlow(
        [stored({**each, "priority": place}) for place, each in enumerate(vector.rules)], facts(tenant)
    ).deliver(vector.message)["recipients"][vector.to]
    assert result.get("transit", {}) == vector.transit


@pytest.mark.parametrize(
    ("vector", "number", "reason"),
    [
        ("not told", "U00", "the outbound connectors are not known (Get-OutboundConnector)"),
        ("accepted domains not told", "U00", "the accepted domains are not known"),
        (
            "two that differ",
            "U32",
            "through which connector mail to bank.example leaves: 'Bank' or 'Plain'",
        ),
        ("in test mode", "U32", "through which connector mail to bank.example leaves: none or 'Bank'"),
        (
            "a rule routes mail for somebody inside",
            "U32",
            "whether mail to alexw@contoso.com leaves: the rule 'Route' routes it to the connector 'Gate'",
        ),
        (
            "relayed through a partner's connector",
            "U32",
            "how mail to plant.example leaves, and whether: the domain is InternalRelay, so Exchange relays what it has no"
            " mailbox for, and no connector of the type OnPremises alone takes it",
        ),
        (
            "a certificate with a name, and no name",
            "U32",
            "whether the connector 'Bank' checks a name: tls_settings is DomainValidation, and tls_domain is missing",
        ),
        (
            "a rule routes to a disabled one",
            "U32",
            "how mail leaves that the rule 'Route' routes to the connector 'Gate', which is disabled",
        ),
        (
            "a rule routes to one that is not there",
            "U32",
            "how mail leaves that the rule 'Route' routes to the connector 'Gate', which is unknown",
        ),
    ],
)
def test_what_is_unknown_has_a_reason(vector: str, number: str, reason: str) -> None:
    (row,) = simulated(BY_ID[vector])["unknown"]
    assert (row["id"], row["reason"]) == (number, reason)
    assert row["settled_by"]


@pytest.mark.parametrize(("key", "value"), [("tls_settings", "Quantum"), ("smtp_dane_mode", "Mandatory")])
def test_what_is_not_known_here_is_no_clear_mail(key: str, value: str) -> None:
    vector = replace(
        BY_ID["no TLS settings"], connectors=[{"name": "Plain", "recipient_domains": ["bank.example"], key: value}]
    )
    found = simulated(vector)
    assert found["tls"] == "unknown"
    assert value in found["unknown"][0]["reason"]


def reads(**change: Any) -> Callable[[Patch], None]:
    """A program that reads every connector as if it said this."""
    whole = connectors.connector_of
    return lambda patch: patch(parsing, "connector_of", lambda options: whole({**options, **change}))


def takes(covers: Callable[[str, str], bool]) -> Callable[[Patch], None]:
    """A program with another meaning of domains."""

    def covering(self: connectors.KnownConnectors, name: str, accepted: bool) -> list[connectors.Connector]:
        return [
            each
            for each in self.outbound or ()
            if any(pattern == "*" or covers(pattern, name) for pattern in each.domains)
        ]

    return lambda patch: patch(connectors.KnownConnectors, "covering", covering)


def the_first_one_wins(patch: Patch) -> None:
    whole = protection.ways_of
    patch(protection, "ways_of", lambda *arguments: whole(*arguments)[:1])


def rules_have_no_part(**change: Any) -> Callable[[Patch], None]:
    whole = protection.ways_of
    return lambda patch: patch(
        protection, "ways_of", lambda world, *arguments: whole(world.with_changes(**change), *arguments)
    )


MUTANTS: dict[str, tuple[Callable[[Patch], None], list[str]]] = {
    "a domain has its subdomains": (
        takes(lambda pattern, name: name.endswith(pattern.removeprefix("*."))),
        ["a subdomain is not the domain"],
    ),
    "a longer name is the domain": (
        takes(lambda pattern, name: name.endswith(pattern)),
        ["a longer name is not the domain"],
    ),
    "subdomains have their domain": (
        takes(lambda pattern, name: name == pattern.removeprefix("*.")),
        ["the domain is none of its subdomains"],
    ),
    "disabled ones take mail": (reads(enabled=True), ["disabled", "a rule routes to a disabled one"]),
    "test mode takes all mail": (reads(test_mode=False), ["in test mode", "a rule routes to one in test mode"]),
    "those for rules are for everybody": (
        reads(is_transport_rule_scoped=False),
        ["for rules, and no rule routes to it", "a rule routes"],
    ),
    "those for everybody are for rules": (
        reads(is_transport_rule_scoped=True),
        ["exact domain", "a rule routes to one that is not for rules"],
    ),
    "accepted domains are forgotten": (reads(all_accepted_domains=False), ["accepted domains"]),
    "every connector takes accepted domains alone": (
        reads(all_accepted_domains=True, recipient_domains=[]),
        ["exact domain"],
    ),
    "smart hosts count beside MX records": (reads(use_mx_record=False), ["smart hosts that MX records replace"]),
    "smart hosts are forgotten": (reads(use_mx_record=True), ["a smart host", "a rule routes"]),
    "the data center is forgotten": (reads(route_all_messages_via_on_premises=False), ["by way of the data center"]),
    "TLS is forgotten": (reads(tls_settings=""), ["exact domain", "two that force"]),
    "all TLS is the same": (reads(tls_settings="EncryptionOnly"), ["exact domain", "certificate", "no TLS settings"]),
    "the first one wins": (the_first_one_wins, ["two that differ", "two that force", "two rules route to two"]),
    "rules route nothing": (rules_have_no_part(routes=()), ["a rule routes", "a rule routes to one that is not there"]),
    "rules require nothing": (
        rules_have_no_part(requires_tls=False),
        ["a rule requires TLS", "a rule requires TLS, connectors not told"],
    ),
    "all rules require TLS": (
        rules_have_no_part(requires_tls=True),
        ["a rule that does not match requires TLS", "a rule that is tried requires TLS"],
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_vectors_find_a_wrong_program(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, found_by = MUTANTS[mutant]
    change(monkeypatch.setattr)
    for vector in found_by:
        assert known(simulated(BY_ID[vector])) != BY_ID[vector].transit, vector
