# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server from which a message came, as formulas. Private to the collection."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.formula import Circuit

#: Last-hop addresses that real mail never has.
_DOCUMENTED = ("192.0.2.254", "198.51.100.254", "203.0.113.254")


class LastHop:
    """The last hop is an address in a range that conditions name, or in none: all addresses from one border to the next
    are equivalent.

    :param addresses: an address of each part that is in a range, to whether the last hop is there.
    :param elsewhere: an address in no range; empty where ranges hold all addresses.
    :param ranges: range to whether the last hop is in it, without texts that are no range.
    """

    def __init__(self, circuit: Circuit, ranges: Sequence[str]) -> None:
        self.addresses: dict[str, int] = {}
        self.elsewhere = ""
        self.ranges: dict[str, int] = {}
        seen: dict[tuple[bool, ...], None] = {}
        for here in _first_addresses(ranges):
            signature = tuple(_in_range(here, value) for value in ranges)
            if not any(signature):
                self.elsewhere = self.elsewhere or str(here)
            elif signature not in seen:
                seen[signature] = None
                self.addresses[str(here)] = circuit.variable(("last hop", str(here)))
        circuit.at_most_one(self.addresses.values())
        for place, value in enumerate(ranges):
            if value not in self.ranges and _edges(value):
                hits = [
                    literal
                    for literal, signature in zip(self.addresses.values(), seen, strict=True)
                    if signature[place]
                ]
                self.ranges[value] = circuit.disjunction(hits)


def _edges(value: str) -> list[Any]:
    """The first and the last address of a range. Empty if the text is not a range."""
    first, dash, last = (part.strip() for part in value.partition("-"))
    try:
        if dash:
            return [ipaddress.ip_address(first), ipaddress.ip_address(last)]
        network = ipaddress.ip_network(first, strict=False)
        return [network[0], network[-1]]
    except ValueError:
        return []


def _first_addresses(ranges: Iterable[str]) -> list[Any]:
    """The first address of each part into which ranges divide all addresses, except those reserved for documentation."""
    found: set[Any] = {ipaddress.IPv4Address(0), ipaddress.IPv6Address(0)}
    for first, last in filter(None, map(_edges, ranges)):
        found |= {first, *([last + 1] if int(last) + 1 < 1 << last.max_prefixlen else [])}
    return [*map(ipaddress.ip_address, _DOCUMENTED), *sorted(found, key=lambda each: (each.version, int(each)))]


def _in_range(here: Any, value: str) -> bool:
    edges = _edges(value)
    return (
        bool(edges)
        and here.version == edges[0].version == edges[1].version
        and int(edges[0]) <= int(here) <= int(edges[1])
    )
