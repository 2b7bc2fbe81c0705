# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a guarantee, as data that ``wording.guarantees`` turns into rows and sentences, with the hole through
which a copy leaves without the TLS that is required. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.input.guarantee_options import (
    Guarantee,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import (
    domain,
    with_parents,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import (
    Connector,
    at_least,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Reason
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.assumptions import Premise
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


PROVED, REFUTED, UNKNOWN = "proved", "refuted", "unknown"


@dataclass(frozen=True)
class Counterexample:
    """A message that certainly breaks a guarantee.

    :param message: as the option ``messages`` has it, so that it replays.
    :param recipient: whose copy breaks it, and :param:`outcome` the result of that.
    :param decided_by: the last rule without which the guarantee would be kept, if there is one.
    :param facts: the facts that it assumes beyond the known ones.
    :param hole: of mail on its way, the hole through which it leaves.
    :param expiry: of mail that has to expire, after how many days its branding lets it, 0 for never.
    :param unbranded: of mail that has to be led to the portal, whether it is protected and certainly shows no branding.
    """

    message: Mapping[str, Any]
    recipient: str
    outcome: Mapping[str, Any]
    decided_by: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    hole: Hole | None = None
    expiry: int | None = None
    unbranded: bool = False


@dataclass(frozen=True)
class Judgment:
    """The verdict on a guarantee.

    :param claim: the mail that it is about, as a rule; ``None`` where even that is too complex.
    :param verdict: :data:`PROVED`, :data:`REFUTED` or :data:`UNKNOWN`.
    :param premises: what a proof assumes.
    :param counterexample: what refutes it.
    :param unknown: why it is neither proved nor refuted.
    """

    guarantee: Guarantee
    claim: FlowRule | None = None
    verdict: str = UNKNOWN
    premises: tuple[Premise, ...] = ()
    counterexample: Counterexample | None = None
    unknown: tuple[Reason, ...] = ()
