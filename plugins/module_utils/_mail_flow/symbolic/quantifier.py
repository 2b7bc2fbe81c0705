# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much mail a sentence about a class is true of. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.bit_simulation import Batch
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.formula import Circuit
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.sat.solver import TRUE


@dataclass(frozen=True)
class Extent:
    """The literals that determine how much mail a sentence is true of.

    :param named: that mail meets the conditions that the sentence names; :param:`spared`: that it may also meet their exceptions; empty if the mail
        never comes to one of the rules.
    :param of_class: that mail is of the class.
    :param differs: that mail is treated differently as the class says; :param:`alike`: that it is treated like the
        witness.
    """

    named: tuple[int, ...]
    spared: tuple[int, ...]
    of_class: tuple[int, ...]
    differs: int
    alike: int


def reach(circuit: Circuit, extents: Sequence[Extent], budget: int) -> list[tuple[str, bool]]:
    """For each extent, what exempts named mail (``another`` rule, an ``exception``, or nothing), and whether mail of
    the class is treated like the witness.

    :param budget: the maximum number of conflicts for all questions together, including earlier ones.
    """
    asked = Batch(circuit, budget)
    every = list(enumerate(extents))
    limited = asked.possible([(place, (*extent.named, extent.differs ^ 1)) for place, extent in every if extent.named])
    limited |= {place for place, extent in every if not extent.named}
    unlike = asked.possible(
        [
            (place, (*extent.of_class, extent.alike ^ 1))
            for place, extent in every
            if place in limited and extent.alike != TRUE
        ]
    )
    return [
        ("another", place not in unlike) if place in limited else _whole(circuit, asked, extent)
        for place, extent in every
    ]


def _whole(circuit: Circuit, asked: Batch, extent: Extent) -> tuple[str, bool]:
    """The same for an extent that no other rule limits."""
    as_witness = circuit.conjunction((extent.differs, extent.alike))
    sure = not asked.can((*extent.named, as_witness ^ 1))
    treated = as_witness if sure else extent.differs
    limited = extent.named != extent.spared and asked.can((*extent.spared, treated ^ 1))
    return "exception" if limited else "", sure
