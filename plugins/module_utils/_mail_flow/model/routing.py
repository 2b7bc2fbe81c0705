# SPDX-License-Identifier: GPL-3.0-or-later
"""Which connectors take mail that no rule routes."""

from __future__ import annotations

from .addresses import domain
from .connectors import Connector
from .domains import RELAYED
from .facts import Facts


def connectors_for(facts: Facts, name: str) -> list[Connector]:
    """The outbound connectors that cover a domain, or may since they take mail to accepted domains, in their order."""
    return facts.connectors.covering(name, accepted=facts.domains.type_of(name) != "")


def connectors_to_own_servers(facts: Facts, name: str) -> list[Connector]:
    """The connectors that may hand mail to an accepted domain to the organization's own servers, where some of its
    mailboxes may be.
    """
    return [connector for connector in connectors_for(facts, name) if connector.on_premises and connector.takes_any]


def may_relay(facts: Facts, address: str) -> bool:
    """Whether Exchange may relay mail for somebody inside to servers that may not be the organization's own: to a
    domain that it shares with other servers, unless a mailbox here is known, or only connectors to the
    organization's own servers take it.
    """
    name = domain(address)
    if facts.domains.type_of(name) != RELAYED or address in (facts.people.mailboxes or ()):
        return False
    taking = [connector for connector in connectors_for(facts, name) if connector.takes_any]
    own = all(connector.on_premises for connector in taking) and any(not connector.test_mode for connector in taking)
    return not own
