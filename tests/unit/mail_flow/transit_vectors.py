# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of mail on its way: connectors and rules, a recipient, and how the copy leaves. Each row is about one thing
that Microsoft's pages say, or do not.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
FACTS: Values = {"accepted_domains": ["contoso.com"], "remote_domains": [], "mailboxes": ["alexw@contoso.com"]}
INSIDE = {"from_scope": "InOrganization"}
TO_BANK = {**INSIDE, "recipient_domain_is": ["bank.example"]}
OUTGOING = {**INSIDE, "sent_to_scope": "NotInOrganization"}

BANK: Values = {
    "name": "Bank",
    "recipient_domains": ["bank.example"],
    "tls_settings": "DomainValidation",
    "tls_domain": "bank.example",
}
WIDE: Values = {**BANK, "recipient_domains": ["bank.example", "*.bank.example"]}
PLAIN: Values = {"name": "Plain", "recipient_domains": ["bank.example"]}
GATE: Values = {
    "name": "Gate",
    "is_transport_rule_scoped": True,
    "tls_settings": "CertificateValidation",
    "use_mx_record": False,
    "smart_hosts": ["one.gate.example", "two.gate.example"],
}
ALL: Values = {"name": "All", "recipient_domains": ["*"], "tls_settings": "EncryptionOnly"}

#: A domain that the organization shares with other servers, and a connector to its own ones.
SHARED: Values = {"accepted_domains": [{"name": "contoso.com"}, {"name": "plant.example", "type": "InternalRelay"}]}
PLANT: Values = {"name": "Plant", "connector_type": "OnPremises", "recipient_domains": ["plant.example"]}

FORCED = {"tls": "forced", "validation": "domain", "connector": "Bank"}
OPPORTUNISTIC = {"tls": "opportunistic"}


def rule(name: str, actions: Values, **more: Any) -> Values:
    return {
        "name": name,
        "enabled": True,
        "mode": "Enforce",
        "conditions": {},
        "exceptions": {},
        "actions": actions,
        **more,
    }


ENCRYPT = rule("Encrypt", {"apply_rights_protection_template": "Encrypt"}, conditions=OUTGOING)
TLS = rule("TLS", {"route_message_outbound_require_tls": True})
ROUTE = rule("Route", {"route_message_outbound_connector": "Gate"})
SECRET = {"conditions": {"subject_contains_words": ["secret"]}}


@dataclass(frozen=True)
class Vector:
    """A case.

    :param connectors: ``None`` where nobody told them.
    :param transit: the key of the recipient's result, without ``unknown``; empty where it is absent.
    :param protected: whether it is protected in transit; ``None`` where that is open.
    """

    id: str
    connectors: list[Values] | None
    transit: Values
    protected: bool | None
    to: str = "ann@bank.example"
    rules: list[Values] = field(default_factory=list)
    tenant: Values = field(default_factory=dict)

    @property
    def facts(self) -> Values:
        known: Values = {
            "accepted_domains": [{"name": "contoso.com"}],
            "remote_domains": [],
            "mailboxes": ["alexw@contoso.com"],
            **self.tenant,
        }
        return known if self.connectors is None else {**known, "outbound_connectors": self.connectors}

    @property
    def message(self) -> Values:
        return {
            "from": "alexw@contoso.com",
            "authenticated": True,
            "to": [self.to],
            "subject": "public",
            "date": "2026-03-01T12:00:00Z",
        }


VECTORS = [
    Vector("no connector", [], OPPORTUNISTIC, False),
    Vector("not told", None, {"tls": "unknown"}, None),
    Vector("inside", [BANK], {}, True, to="alexw@contoso.com"),
    Vector(
        "accepted domains not told",
        [BANK],
        {"tls": "unknown", "connector": "Bank"},
        True,
        tenant={"accepted_domains": None},
    ),
    Vector("accepted domains not told, no connector", [], {"tls": "unknown"}, None, tenant={"accepted_domains": None}),
    Vector(
        "internal remote domain",
        [],
        OPPORTUNISTIC,
        False,
        tenant={"remote_domains": [{"name": "bank.example", "is_internal": True}]},
    ),
    Vector("exact domain", [BANK], FORCED, True),
    Vector("exact domain, in capitals", [{**BANK, "recipient_domains": ["Bank.Example"]}], FORCED, True),
    Vector("a subdomain is not the domain", [BANK], OPPORTUNISTIC, False, to="ann@eu.bank.example"),
    Vector("a longer name is not the domain", [BANK], OPPORTUNISTIC, False, to="ann@mybank.example"),
    Vector("a subdomain is in the subdomains", [WIDE], FORCED, True, to="ann@eu.bank.example"),
    Vector(
        "the domain is none of its subdomains",
        [{**BANK, "recipient_domains": ["*.bank.example"]}],
        OPPORTUNISTIC,
        False,
    ),
    Vector("every domain", [ALL], {"tls": "forced", "validation": "encryption_only", "connector": "All"}, True),
    Vector("no TLS settings", [PLAIN], {**OPPORTUNISTIC, "connector": "Plain"}, False),
    Vector(
        "certificate",
        [{**PLAIN, "tls_settings": "CertificateValidation"}],
        {"tls": "forced", "validation": "certificate", "connector": "Plain"},
        True,
    ),
    Vector("disabled", [{**BANK, "enabled": False}], OPPORTUNISTIC, False),
    Vector("in test mode", [{**BANK, "test_mode": True}], {"tls": "unknown"}, None),
    Vector("in test mode beside one that is not", [{**BANK, "test_mode": True}, ALL], {"tls": "forced"}, True),
    Vector("for rules, and no rule routes to it", [{**BANK, "is_transport_rule_scoped": True}], OPPORTUNISTIC, False),
    Vector("two that differ", [BANK, PLAIN], {"tls": "unknown"}, None),
    Vector("two that force", [BANK, ALL], {"tls": "forced"}, True),
    Vector("two that do not", [PLAIN, {**ALL, "tls_settings": ""}], OPPORTUNISTIC, False),
    Vector(
        "a smart host",
        [{**BANK, "use_mx_record": False, "smart_hosts": ["gate.example"]}],
        {**FORCED, "ends_at": "gate.example"},
        True,
    ),
    Vector(
        "by way of the data center",
        [{**BANK, "route_all_messages_via_on_premises": True}],
        {**FORCED, "ends_at": "servers on premises"},
        True,
    ),
    Vector(
        "smart hosts that MX records replace",
        [{**BANK, "use_mx_record": True, "smart_hosts": ["gate.example"]}],
        FORCED,
        True,
    ),
    Vector(
        "accepted domains",
        [{**ALL, "recipient_domains": [], "all_accepted_domains": True}],
        {"tls": "forced", "validation": "encryption_only", "connector": "All"},
        True,
        to="old@relay.example",
        tenant={"accepted_domains": [{"name": "contoso.com"}, {"name": "relay.example", "type": "ExternalRelay"}]},
    ),
    Vector(
        "accepted domains, to another one",
        [{**ALL, "recipient_domains": [], "all_accepted_domains": True}],
        OPPORTUNISTIC,
        False,
    ),
    Vector("a rule requires TLS", [], {"tls": "forced", "validation": "encryption_only"}, True, rules=[TLS]),
    Vector("a rule requires TLS, connectors not told", None, {"tls": "forced"}, True, rules=[TLS]),
    Vector("a rule requires TLS of a connector that checks more", [BANK], FORCED, True, rules=[TLS]),
    Vector(
        "a rule requires TLS of a connector without",
        [PLAIN],
        {"tls": "forced", "validation": "encryption_only", "connector": "Plain"},
        True,
        rules=[TLS],
    ),
    Vector("a rule that does not match requires TLS", [], OPPORTUNISTIC, False, rules=[{**TLS, **SECRET}]),
    Vector("a rule that is tried requires TLS", [], OPPORTUNISTIC, False, rules=[{**TLS, "mode": "Audit"}]),
    Vector(
        "a rule behind a stop requires TLS",
        [],
        OPPORTUNISTIC,
        False,
        rules=[rule("Stop", {"stop_rule_processing": True}), TLS],
    ),
    Vector(
        "a rule routes",
        [GATE],
        {
            "tls": "forced",
            "validation": "certificate",
            "connector": "Gate",
            "ends_at": "one.gate.example, two.gate.example",
        },
        True,
        rules=[ROUTE],
    ),
    Vector("a rule that does not match routes", [GATE], OPPORTUNISTIC, False, rules=[{**ROUTE, **SECRET}]),
    Vector(
        "a rule routes mail for somebody inside",
        [{**GATE, "tls_settings": ""}],
        {"tls": "unknown", "connector": "Gate", "ends_at": "one.gate.example, two.gate.example"},
        None,
        to="alexw@contoso.com",
        rules=[ROUTE],
    ),
    Vector(
        "a rule routes mail for somebody inside to a connector that forces TLS",
        [GATE],
        {"tls": "unknown", "connector": "Gate", "ends_at": "one.gate.example, two.gate.example"},
        True,
        to="alexw@contoso.com",
        rules=[ROUTE],
    ),
    Vector(
        "a rule that does not match routes mail for somebody inside",
        [GATE],
        {},
        True,
        to="alexw@contoso.com",
        rules=[{**ROUTE, **SECRET}],
    ),
    Vector("relayed, no connector", [], {"tls": "unknown"}, None, to="bob@plant.example", tenant=SHARED),
    Vector("relayed, connectors not told", None, {"tls": "unknown"}, None, to="bob@plant.example", tenant=SHARED),
    Vector(
        "relayed through a partner's connector",
        [{**PLANT, "connector_type": "Partner"}],
        {"tls": "unknown", "connector": "Plant"},
        None,
        to="bob@plant.example",
        tenant=SHARED,
    ),
    Vector(
        "relayed through a partner's connector that forces TLS",
        [{**PLANT, "connector_type": "Partner", "tls_settings": "EncryptionOnly"}],
        {"tls": "unknown", "connector": "Plant"},
        True,
        to="bob@plant.example",
        tenant=SHARED,
    ),
    Vector(
        "relayed to servers on premises", [PLANT], {"on_premises": "Plant"}, True, to="bob@plant.example", tenant=SHARED
    ),
    Vector(
        "relayed to servers on premises, or to a partner",
        [PLANT, {**PLANT, "name": "Other", "connector_type": "Partner"}],
        {"tls": "unknown"},
        None,
        to="bob@plant.example",
        tenant=SHARED,
    ),
    Vector(
        "relayed to servers on premises, in test mode",
        [{**PLANT, "test_mode": True}],
        {"tls": "unknown"},
        None,
        to="bob@plant.example",
        tenant=SHARED,
    ),
    Vector(
        "a mailbox in a domain that is relayed",
        [],
        {},
        True,
        to="bob@plant.example",
        tenant={**SHARED, "mailboxes": ["alexw@contoso.com", "bob@plant.example"]},
    ),
    Vector(
        "a certificate with a name, and no name",
        [{**WIDE, "tls_domain": ""}],
        {"tls": "forced", "connector": "Bank"},
        True,
    ),
    Vector("a rule routes beside a connector of the domain", [GATE, BANK], {"tls": "forced"}, True, rules=[ROUTE]),
    Vector("a rule routes beside one without TLS", [GATE, PLAIN], {"tls": "unknown"}, None, rules=[ROUTE]),
    Vector("a rule routes to one that is not there", [], {"tls": "unknown", "connector": "Gate"}, None, rules=[ROUTE]),
    Vector(
        "a rule routes to a disabled one",
        [{**GATE, "enabled": False}],
        {"tls": "unknown", "connector": "Gate"},
        None,
        rules=[ROUTE],
    ),
    Vector(
        "a rule routes to one in test mode",
        [{**GATE, "test_mode": True}],
        {"tls": "unknown", "connector": "Gate"},
        None,
        rules=[ROUTE],
    ),
    Vector(
        "a rule routes to one that is not for rules",
        [{**GATE, "is_transport_rule_scoped": False}],
        {"tls": "unknown", "connector": "Gate"},
        None,
        rules=[ROUTE],
    ),
    Vector(
        "a rule routes to a disabled one, and requires TLS",
        [{**GATE, "enabled": False}],
        {"tls": "forced", "connector": "Gate"},
        True,
        rules=[ROUTE, TLS],
    ),
    Vector(
        "two rules route to two",
        [GATE, {**GATE, "name": "Other", "tls_settings": ""}],
        {"tls": "unknown", "ends_at": "one.gate.example, two.gate.example"},
        None,
        rules=[ROUTE, rule("Other", {"route_message_outbound_connector": "Other"})],
    ),
    Vector("in clear, and not delivered", [], {}, True, rules=[rule("Reject", {"reject_message_reason_text": "no"})]),
    Vector(
        "in clear, and encrypted",
        [],
        OPPORTUNISTIC,
        True,
        rules=[rule("E", {"apply_rights_protection_template": "Encrypt"})],
    ),
]
