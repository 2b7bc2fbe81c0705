# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What conditions look at of a message beside people and texts, as variables: sizes, levels, classifications, and where
it came from. Private to the collection.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.names import name_key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.content import bytes_of
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.predicates import PREDICATES
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import Atom
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.formula import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.protection import (
    SURELY_PROTECTED,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.atoms import Key
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.last_hop import LastHop

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
        self.literals: dict[Key, int] = {}
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
