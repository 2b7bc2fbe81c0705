# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why mail to a domain may leave without forced TLS, or with weaker TLS than required. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import (
    domain,
    with_parents,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import (
    Connector,
    at_least,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import World
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.transit import ways_of


@dataclass(frozen=True)
class Hole:
    """A hole in the protection on the way.

    :param domain: the recipient's domain.
    :param kind: ``opportunistic`` (a connector does not force TLS), ``weak`` (TLS checks less than is wanted), ``domain_only`` and ``subdomains_only`` (a
        connector covers a parent alone, or its subdomains alone), ``disabled``, ``not_routed`` (no rule routes to the connector), or ``uncovered``.
    :param connector: the connector that it is about; empty if there is none.
    :param covers: the domain that it names.
    :param validation: what TLS checks.
    """

    domain: str
    kind: str
    connector: str = ""
    covers: str = ""
    validation: str = ""

    def as_row(self) -> dict[str, Any]:
        """As results have it, without what does not apply."""
        return {key: value for key, value in asdict(self).items() if value}


def hole_of(world: World, facts: Facts, address: str, least: str) -> Hole:
    """The hole through which somebody's copy leaves."""
    name = domain(address)
    way = next(way for way in ways_of(world, facts, address) if way.protects(least) is not True)
    if way.validation:
        return Hole(name, "weak", way.connector, validation=way.validation)
    if way.connector:
        return Hole(name, "opportunistic", way.connector)
    every = facts.outbound_connectors or ()
    near = [hole for connector in every if at_least(connector.validation, least) for hole in _near(connector, name)]
    return min(near, key=lambda hole: _ORDER.index(hole.kind), default=Hole(name, "uncovered"))


#: What is said where several connectors come near.
_ORDER = ("disabled", "domain_only", "subdomains_only", "not_routed")


def _near(connector: Connector, name: str) -> Iterator[Hole]:
    """Why a connector that would do does not take mail to a domain, if it comes near."""
    if connector.of_rules:
        yield Hole(name, "not_routed", connector.name)
    elif connector.covers(name):
        yield Hole(name, "disabled", connector.name)
    elif connector.enabled:
        parents = with_parents(name)[1:]
        yield from (
            Hole(name, "domain_only", connector.name, pattern) for pattern in connector.domains if pattern in parents
        )
        yield from (
            Hole(name, "subdomains_only", connector.name, name)
            for pattern in connector.domains
            if pattern == f"*.{name}"
        )
