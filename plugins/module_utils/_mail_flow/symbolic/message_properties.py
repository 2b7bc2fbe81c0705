# SPDX-License-Identifier: GPL-3.0-or-later
"""What conditions look at of a message beside people and texts, as variables: sizes, levels, classifications, and where
it came from.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from ..._exchange.names import name_key
from ..model.content import bytes_of
from ..model.predicates import PREDICATES
from ..model.rules import Atom
from ..sat.formula import Circuit, Literal
from ..simulator.protection import SURELY_PROTECTED
from .atoms import Key

#: What has a size, as conditions look at it, to the name of the property.
_SIZED = {"size": "message", "attachments": "attachment"}
#: Conditions that look at whether a property is there.
_SWITCHES = tuple(row.options[0] for row in PREDICATES if row.sort == "switch")


class MessageProperties:
    """The variables of the properties that conditions look at, and the relations between them.

    :param atoms: the conditions' atoms.
    :param literals: property and value to its variable.
    :param limits: the sizes in bytes that conditions name, of messages and of attachments.
    :param classifications: by what makes two names the same, how one is written.
    :param last_hop: the server from which the message came.
    """

    def __init__(self, circuit: Circuit, atoms: Iterable[Atom]) -> None:
        self.circuit = circuit
        self.literals: dict[Key, Literal] = {}
        found: dict[str, dict[Any, None]] = {}
        sizes: dict[str, set[int]] = {name: set() for name in _SIZED.values()}
        for atom in atoms:
            found.setdefault(atom.predicate.options[0], {})[atom.values] = None
            if atom.predicate.sort == "size" and (limit := bytes_of(atom.values)) is not None:
                sizes[_SIZED[atom.predicate.looks_at]].add(limit)
        limits = {name: sorted(each) for name, each in sizes.items()}
        self.limits = {*limits["message"], *limits["attachment"]}
        limits["message"] = sorted({*self.limits, SURELY_PROTECTED})
        # Matches in attachments that Exchange cannot read are unknown (U30), but ordered all the same.
        limits["hidden attachment"] = limits["attachment"]
        for size, values in limits.items():
            self._ladder(size, values)
        for size, limit in itertools.product(
            ("attachment", "hidden attachment"), limits["attachment"]
        ):  # L15: the whole holds the part.
            circuit.add(self.literals[size, limit] ^ 1, self.literals["message", limit])
        self._ladder("scl", sorted({int(value) for value in found.get("scl_over", ())}))
        for option in _SWITCHES:
            self.literals[option, True] = circuit.variable(option)
        self.classifications = {name_key(str(value)): str(value) for value in found.get("has_classification", ())}
        self.literals.update(
            {("classification", name): circuit.variable(("classification", name)) for name in self.classifications}
        )
        if "has_no_classification" in found:
            self.literals["classification", None] = circuit.variable("no classification")
        for name in self.classifications if "has_no_classification" in found else ():  # L17
            circuit.add(self.literals["classification", None] ^ 1, self.literals["classification", name] ^ 1)
        self.last_hop = LastHop(circuit, [value for values in found.get("sender_ip_ranges", ()) for value in values])
        self.literals.update((("range", value), literal) for value, literal in self.last_hop.ranges.items())

    def _ladder(self, sort: str, values: Sequence[int]) -> None:
        """L14: over the larger is over the smaller."""
        for value in values:
            self.literals[sort, value] = self.circuit.variable((sort, value))
        for smaller, larger in itertools.pairwise(values):
            self.circuit.add(self.literals[sort, larger] ^ 1, self.literals[sort, smaller])


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
        self.addresses: dict[str, Literal] = {}
        self.elsewhere = ""
        self.ranges: dict[str, Literal] = {}
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
