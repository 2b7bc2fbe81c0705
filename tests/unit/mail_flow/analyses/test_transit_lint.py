# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint of connectors, journals and gateways, with wrong programs that it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses import lint as lint_analysis
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input import parsing
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import connectors

from tests.unit.mail_flow.answers import lint
from tests.unit.mail_flow.transit_vectors import ALL, BANK, ENCRYPT, FACTS, GATE, NOW, PLAIN, ROUTE, WIDE

Values = dict[str, Any]


def remarks(rules: list[Values], connectors: list[Values] | None, **facts: Any) -> dict[str, list[Values]]:
    known = {**FACTS, **({} if connectors is None else {"outbound_connectors": connectors}), **facts}
    found: dict[str, list[Values]] = {}
    for row in lint(rules, known, NOW):
        found.setdefault(row["kind"], []).append(row)
    return found


SPARING = {**ENCRYPT, "exceptions": {"recipient_domain_is": ["bank.example"]}}
BELOW = {**BANK, "name": "Below", "recipient_domains": ["*.bank.example"]}
HANDING: Values = {
    "name": "Scanner",
    "recipient_domains": ["*"],
    "use_mx_record": False,
    "smart_hosts": ["scan.example"],
}
STOP: Values = {"stop_rule_processing": True}
STOPPING: Values = {
    "name": "Stopping",
    "conditions": {"from_scope": "InOrganization", "recipient_domain_is": ["bank.example"]},
    "exceptions": {},
    "actions": STOP,
}
JOURNAL: Values = {"name": "Archive", "enabled": True, "journal_email_address": "archive@vault.example"}
CLOSED: Values = {"irm_configuration": {"journal_report_decryption_enabled": False}, "journal_rules": [JOURNAL]}


@pytest.mark.parametrize(
    ("kind", "rules", "connectors", "facts", "reason"),
    [
        (
            "gateway_gets_ciphertext",
            [ENCRYPT],
            [HANDING],
            {},
            "'Encrypt' encrypts mail that leaves through the connector 'Scanner' to scan.example, which gets ciphertext: its filters see nothing.",
        ),
        ("gateway_gets_ciphertext", [{**ENCRYPT, "enabled": False}], [HANDING], {}, ""),
        ("gateway_gets_ciphertext", [ENCRYPT], [{**HANDING, "enabled": False}], {}, ""),
        ("gateway_gets_ciphertext", [ENCRYPT], [{**HANDING, "use_mx_record": True}], {}, ""),
        (
            "gateway_gets_ciphertext",
            [{**ENCRYPT, "exceptions": {"recipient_domain_is": ["bank.example"]}}],
            [{**HANDING, "recipient_domains": ["bank.example"]}],
            {},
            "",
        ),
        ("gateway_gets_ciphertext", [ENCRYPT], [GATE], {}, ""),
        (
            "gateway_gets_ciphertext",
            [ENCRYPT, ROUTE],
            [GATE],
            {},
            "'Encrypt' encrypts mail that leaves through the connector 'Gate' to one.gate.example or two.gate.example, which gets ciphertext",
        ),
        (
            "journal_keeps_ciphertext",
            [ENCRYPT],
            [],
            CLOSED,
            "The journal rule 'Archive' keeps what 'Encrypt' encrypts as ciphertext: journal_report_decryption_enabled is false.",
        ),
        (
            "journal_keeps_ciphertext",
            [ENCRYPT],
            [],
            {**CLOSED, "irm_configuration": {"journal_report_decryption_enabled": True}},
            "",
        ),
        ("journal_keeps_ciphertext", [ENCRYPT], [], {**CLOSED, "journal_rules": [{**JOURNAL, "enabled": False}]}, ""),
        ("journal_keeps_ciphertext", [{**ENCRYPT, "mode": "Audit"}], [], CLOSED, ""),
        (
            "connector_misses_subdomains",
            [],
            [BANK],
            {},
            "The connector 'Bank' forces TLS to bank.example, and not to its subdomains, which *.bank.example would cover.",
        ),
        ("connector_misses_subdomains", [], [WIDE], {}, ""),
        ("connector_misses_subdomains", [], [BANK, BELOW], {}, ""),
        (
            "connector_misses_subdomains",
            [],
            [BANK, {**BELOW, "enabled": False}],
            {},
            "The connector 'Bank'",
        ),
        (
            "connector_misses_subdomains",
            [],
            [{**BANK, "recipient_domains": ["eu.bank.example", "*.bank.example"]}],
            {},
            "",
        ),
        ("connector_misses_subdomains", [], [BANK, ALL], {}, ""),
        ("connector_misses_subdomains", [], [PLAIN], {}, ""),
        ("connector_misses_subdomains", [], [{**BANK, "enabled": False}], {}, ""),
        (
            "connector_of_no_rule",
            [],
            [GATE],
            {},
            "The connector 'Gate' takes only mail that rules route to it, and no rule does.",
        ),
        ("connector_of_no_rule", [{**ROUTE, "enabled": False}], [GATE], {}, "The connector 'Gate'"),
        ("connector_of_no_rule", [ROUTE], [GATE], {}, ""),
        ("connector_of_no_rule", [], [{**GATE, "enabled": False}], {}, ""),
        ("connector_of_no_rule", [], [BANK], {}, ""),
        (
            "routed_to_disabled_connector",
            [ROUTE],
            [{**GATE, "enabled": False}],
            {},
            "'Route' routes mail to the connector 'Gate', which is disabled: how that mail leaves is not documented (U32).",
        ),
        (
            "routed_to_disabled_connector",
            [ROUTE],
            [],
            {},
            "'Route' routes mail to the connector 'Gate', which is not there",
        ),
        (
            "routed_to_disabled_connector",
            [ROUTE],
            [{**GATE, "test_mode": True}],
            {},
            "'Route' routes mail to the connector 'Gate', which is in test mode",
        ),
        (
            "routed_to_disabled_connector",
            [{**ROUTE, "actions": {**ROUTE["actions"], **STOP}}],
            [{**GATE, "enabled": False}],
            {},
            "'Route' routes mail to the connector 'Gate', which is disabled, and stops processing: how that mail leaves is not"
            " documented (U32), and no later rule applies to it.",
        ),
        ("routed_to_disabled_connector", [ROUTE], None, {}, ""),
        ("routed_to_disabled_connector", [{**ROUTE, "mode": "Audit"}], [], {}, ""),
        ("routed_to_disabled_connector", [ROUTE], [GATE], {}, ""),
        (
            "stops_for_disabled_connector",
            [STOPPING, ENCRYPT],
            [{**BANK, "enabled": False}],
            {},
            "'Stopping' stops processing for mail to bank.example, and the connector 'Bank', which would force TLS for it, is"
            " disabled.",
        ),
        ("stops_for_disabled_connector", [STOPPING], [BANK], {}, ""),
        ("stops_for_disabled_connector", [STOPPING], [{**BANK, "enabled": False}, BANK], {}, ""),
        ("stops_for_disabled_connector", [{**STOPPING, "mode": "Audit"}], [{**BANK, "enabled": False}], {}, ""),
        ("stops_for_disabled_connector", [STOPPING], [{**PLAIN, "enabled": False}], {}, ""),
        ("stops_for_disabled_connector", [STOPPING], None, {}, ""),
    ],
)
def test_lint_of_connectors(
    kind: str, rules: list[Values], connectors: list[Values] | None, facts: Values, reason: str
) -> None:
    found = remarks(rules, connectors, **facts).get(kind, [])
    assert len(found) == bool(reason)
    assert not reason or found[0]["reason"].startswith(reason)


Patch = Callable[[Any, str, Any], None]


def reads(**change: Any) -> Callable[[Patch], None]:
    """A program that reads every connector as if it said this."""
    whole = connectors.connector_of
    return lambda patch: patch(parsing, "connector_of", lambda options: whole({**options, **change}))


def looks_at(name: str, wrong: Any) -> Callable[[Patch], None]:
    return lambda patch: patch(lint_analysis, name, wrong)


MISSES, GATEWAY = "connector_misses_subdomains", "gateway_gets_ciphertext"

#: What a program does wrong, the kind of finding, and a case in which that kind is there or not, as it should not be.
WRONG_LINT: dict[str, tuple[Callable[[Patch], None], str, Values]] = {
    "no connector is seen": (
        looks_at("_connectors_of_no_rule", lambda acting, connectors: iter(())),
        MISSES,
        {"connectors": [BANK], "rules": []},
    ),
    "no gateway is seen": (
        looks_at("taken_by", lambda chain: iter(())),
        GATEWAY,
        {"connectors": [HANDING], "rules": [ENCRYPT]},
    ),
    "MX records count for nothing": (
        reads(use_mx_record=False),
        GATEWAY,
        {"connectors": [{**HANDING, "use_mx_record": True}], "rules": [ENCRYPT]},
    ),
    "disabled ones hand over": (
        reads(enabled=True),
        GATEWAY,
        {"connectors": [{**HANDING, "enabled": False}], "rules": [ENCRYPT]},
    ),
    "TLS need not be forced": (reads(tls_settings="EncryptionOnly"), MISSES, {"connectors": [PLAIN], "rules": []}),
    "disabled ones miss": (reads(enabled=True), MISSES, {"connectors": [{**BANK, "enabled": False}], "rules": []}),
    "none is for rules": (
        reads(is_transport_rule_scoped=False),
        "connector_of_no_rule",
        {"connectors": [GATE], "rules": []},
    ),
    "all are for rules": (
        reads(is_transport_rule_scoped=True),
        "connector_of_no_rule",
        {"connectors": [BANK], "rules": []},
    ),
    "disabled ones take what rules route": (
        reads(enabled=True),
        "routed_to_disabled_connector",
        {"connectors": [{**GATE, "enabled": False}], "rules": [ROUTE]},
    ),
    "test mode takes what rules route": (
        reads(test_mode=False),
        "routed_to_disabled_connector",
        {"connectors": [{**GATE, "test_mode": True}], "rules": [ROUTE]},
    ),
}


@pytest.mark.parametrize("mutant", WRONG_LINT)
def test_wrong_lint_is_found(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    change, kind, case = WRONG_LINT[mutant]
    right = kind in remarks(**case)
    change(monkeypatch.setattr)
    assert (kind in remarks(**case)) is not right


def test_a_journal_of_which_nothing_is_read_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lint_analysis.remarks
    monkeypatch.setattr(lint_analysis, "remarks", lambda rules, facts: whole(rules, facts.with_irm_configuration(None)))
    assert "journal_keeps_ciphertext" not in remarks([ENCRYPT], [], **CLOSED)
