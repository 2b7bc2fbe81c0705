# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds problems of mail on its way, and of who gets it encrypted who has to read it. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.single_rule_lint import (
    LintFinding,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import Does
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import (
    EVERY_DOMAIN,
    Connector,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.bit_simulation import Batch
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_outcomes import (
    taken_by,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Side
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import high


def remarks(rules: RuleSet, facts: Facts) -> Iterator[LintFinding]:
    """The problems that need no look at mail. Where connectors or journal rules are not known, nothing is said of them."""
    acting = [rule for rule in rules.rules if rule.enforced and not rule.idle]
    yield from _of_connectors(acting, facts.outbound_connectors or ())
    routes = [(rule, str(rule.actions.get("route_message_outbound_connector") or "")) for rule in acting]
    by_name = {name_key(each.name): each for each in facts.outbound_connectors or ()}
    for rule, wanted in routes if facts.outbound_connectors is not None else ():
        found = by_name.get(name_key(wanted))
        if wanted and (found is None or found.idle):
            why = "" if found is None else found.idle
            yield LintFinding("routed_to_disabled_connector", (rule.name,), {"connector": wanted, "why": why})
    encrypting = tuple(dict.fromkeys(rule.name for rule in acting if rule.does(Does.ENCRYPT)))
    if encrypting and (facts.irm_configuration or {}).get("journal_report_decryption_enabled") is False:
        for each in facts.journal_rules or ():
            if each.get("enabled"):
                yield LintFinding("journal_keeps_ciphertext", encrypting, {"journal": str(each.get("name"))})


def _of_connectors(acting: Sequence[FlowRule], connectors: Sequence[Connector]) -> Iterator[LintFinding]:
    routed = {name_key(str(rule.actions.get("route_message_outbound_connector") or "")) for rule in acting}
    forcing = [each for each in connectors if each.enabled and not each.of_rules and each.validation]
    below = {
        pattern for each in forcing for pattern in each.domains if pattern == EVERY_DOMAIN or pattern.startswith("*.")
    }
    for each in connectors:
        if each.enabled and each.of_rules and name_key(each.name) not in routed:
            yield LintFinding("connector_of_no_rule", (), {"connector": each.name})
        for name in each.domains if each in forcing else ():
            if name not in below and not any(
                pattern == EVERY_DOMAIN or f".{name}".endswith(pattern[1:]) for pattern in below
            ):
                yield LintFinding("connector_misses_subdomains", (), {"connector": each.name, "domain": name})


def gateways(rules: Iterable[FlowRule], side: Side, usual: Sequence[int], asked: Batch) -> Iterator[LintFinding]:
    """The rules that encrypt mail which leaves through a connector to a smart host, which then gets ciphertext.

    :param rules: those that may encrypt usual mail.
    :param usual: that mail is usual mail.
    """
    chain, encrypting = side.chains[0], [rule for rule in rules if rule.enforced and rule.does(Does.ENCRYPT)]
    handing = (
        {each.connector: high(each.when) for each in taken_by(chain) if each.known and each.connector.smart_hosts}
        if encrypting
        else {}
    )
    seen = [*usual, high(side.outcomes[0].delivered), high(side.conditions.leaves(chain.person))]
    questions = [
        ((rule.place, connector), [high(chain.acts(rule)), when, *seen])
        for connector, when in handing.items()
        for rule in encrypting
    ]
    possible = asked.possible(questions)
    for connector in handing:
        names = tuple(dict.fromkeys(rule.name for rule in encrypting if (rule.place, connector) in possible))
        if names:
            yield LintFinding(
                "gateway_gets_ciphertext",
                names,
                {"connector": connector.name, "hosts": " or ".join(connector.smart_hosts)},
            )
