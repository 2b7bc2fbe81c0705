# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way by which a copy leaves the organization: whether by forced TLS, and by which connector. Private to the
collection.

Which connector wins where several could, one that a rule routes to among them, is not documented. So a copy has every
way that may win, and what is said of it is what all of them have in common. Source: Microsoft's pages of outbound
connectors, and of the rules' actions RouteMessageOutbound....
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.addresses import domain
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.connectors import (
    VALIDATIONS,
    Connector,
    at_least,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.directions import leaves
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import (
    Open,
    Reason,
    rows_of,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import World

_NOT_READ = Reason(questions.A_FACT, "outbound_connectors", field="facts.outbound_connectors")


@dataclass(frozen=True, slots=True)
class Way:
    """A way by which a copy may leave.

    :param connector: its name; empty if none takes the copy.
    :param validation: what its forced TLS checks, one of ``VALIDATIONS``; empty where TLS is used only if the other
        side offers it.
    :param ends_at: the smart hosts at which what Exchange knows ends.
    :param doubt: why it may check, or force, more than that.
    """

    connector: str = ""
    validation: str = ""
    ends_at: str = ""
    doubt: Reason | None = None

    def protects(self, least: str) -> bool | None:
        """Whether a copy goes this way only by TLS that checks this at least; ``None`` if that is open."""
        return True if at_least(self.validation, least) else None if self.doubt else False


def ways_of(world: World, facts: Facts, address: str) -> list[Way]:
    """The ways by which somebody's copy may leave, each once."""
    found = _connected(world, facts, domain(address))
    if world.requires_tls:
        found = [replace(way, validation=way.validation or VALIDATIONS[0]) for way in found]
    return list(dict.fromkeys(found))


def _connected(world: World, facts: Facts, name: str) -> list[Way]:
    if facts.outbound_connectors is None:
        return [Way(doubt=_NOT_READ)]
    routed = [_routed(rule, connector, facts) for rule, connector in world.routes]
    taking = [connector for connector in facts.connectors_for(name) if connector.enabled and not connector.of_rules]
    surely = [*routed, *(_way(connector) for connector in taking if not connector.test_mode)]
    # A connector that is tried may take the copy, or not.
    return [*surely, *([] if surely else [Way()]), *(_way(connector) for connector in taking if connector.test_mode)]


def _way(connector: Connector) -> Way:
    kind, *values = connector.doubt or ("",)
    doubt = Reason(questions.WHICH_CONNECTOR, kind, (connector.name, *values)) if kind else None
    return Way(connector.name, connector.validation, ", ".join(connector.smart_hosts), doubt)


def _routed(rule: str, wanted: str, facts: Facts) -> Way:
    """The way of a copy that a rule routes to a connector."""
    found = next((each for each in facts.outbound_connectors or () if name_key(each.name) == name_key(wanted)), None)
    why = "unknown" if found is None else found.idle
    if found is None or why:
        return Way(wanted, doubt=Reason(questions.WHICH_CONNECTOR, f"routed_to_{why}", (rule, wanted)))
    return _way(found)


def protects(world: World, facts: Facts, address: str, least: str) -> bool | None:
    """Whether somebody's copy does not leave, or only by forced TLS that checks this at least; ``None`` if that is
    open.
    """
    goes = leaves(facts, address)
    if goes is False:
        return True
    every = {way.protects(least) for way in ways_of(world, facts, address)}
    return True if every == {True} else False if every == {False} and goes is True else None


def reasons_of_transit(world: World, facts: Facts, address: str) -> list[Reason]:
    """Why it is open how somebody's copy leaves."""
    goes = leaves(facts, address)
    return [*(goes.reasons if isinstance(goes, Open) else ()), *_reasons(ways_of(world, facts, address), address)]


def _reasons(ways: Sequence[Way], address: str) -> list[Reason]:
    found = [way.doubt for way in ways if way.doubt]
    if len({way.validation for way in ways}) > 1:
        found.append(
            Reason(questions.WHICH_CONNECTOR, "which_way", (domain(address), tuple(way.connector for way in ways)))
        )
    return found


def transit(worlds: Iterable[World], facts: Facts, address: str) -> dict[str, Any]:
    """The key ``transit`` of a recipient's result: what all ways of a delivered copy have in common; empty if it does
    not leave. Where a connector may hand it to the organization's own servers, ``on_premises`` names that alone.

    ``tls`` is ``forced``, ``opportunistic`` or ``unknown``; ``validation``, ``connector`` and ``ends_at`` are there
    where they apply and are known, and ``unknown`` says why something is not.
    """
    goes = leaves(facts, address)
    if goes is False:
        own = [connector.name for connector in facts.to_own_servers(domain(address))]
        return {"on_premises": ", ".join(own)} if own else {}
    every = list(worlds)
    by_world = [ways_of(world, facts, address) for world in every]
    ways = list(dict.fromkeys(way for ways in by_world for way in ways))
    forced = {bool(way.validation) or (None if way.doubt else False) for way in ways}
    tls = {True: "forced", False: "opportunistic", None: "unknown"}[
        forced.pop() if len(forced) == 1 and goes is True else None
    ]
    shared = {
        key: values.pop()
        for key in ("validation", "connector", "ends_at")
        if len(values := {getattr(way, key) for way in ways}) == 1
    }
    if tls != "forced" or any(way.doubt for way in ways):
        shared.pop("validation", None)
    reasons: list[Reason] = []
    if tls == "unknown" or (tls == "forced" and "validation" not in shared):
        reasons = [*(goes.reasons if isinstance(goes, Open) else ()), *_reasons(ways, address)]
        if len({tuple(ways) for ways in by_world}) > 1:
            reasons += [reason for world in every for question, _answer in world.answers for reason in question.reasons]
    found: dict[str, Any] = {"tls": tls, **{key: value for key, value in shared.items() if value}}
    return {**found, **({"unknown": rows_of(sorted(set(reasons)))} if reasons else {})}
