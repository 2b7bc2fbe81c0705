# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of differences, and the aspects of mail that they are about."""

from __future__ import annotations

from enum import StrEnum


class Aspect(StrEnum):
    """A side of what happens to a copy. Each may differ by causes of its own."""

    PROTECTION = "protection"
    BRANDING = "branding"
    DELIVERY = "delivery"
    TRANSIT = "transit"


class DifferenceKind(StrEnum):
    """How mail is treated differently, the most important first. Results have the texts."""

    PROTECTION_LOST = "protection_lost"
    DELIVERY_LOST = "delivery_lost"
    TRANSIT_LOST = "transit_lost"
    PROTECTION_GAINED = "protection_gained"
    DELIVERY_GAINED = "delivery_gained"
    TRANSIT_GAINED = "transit_gained"
    PROTECTION_CHANGED = "protection_changed"
    BRANDING_CHANGED = "branding_changed"
    FATE_CHANGED = "fate_changed"
    SIDE_EFFECT_CHANGED = "side_effect_changed"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """The place of the kind among all: 0 is the most important."""
        return _RANKS[self]

    @property
    def aspect(self) -> Aspect:
        """The aspect of mail that the kind is about.

        :raises KeyError: the kind is a side effect or unknown, and so about none.
        """
        return _ASPECTS[self]


_RANKS = {kind: rank for rank, kind in enumerate(DifferenceKind)}

_ASPECTS = {
    DifferenceKind.PROTECTION_LOST: Aspect.PROTECTION,
    DifferenceKind.PROTECTION_GAINED: Aspect.PROTECTION,
    DifferenceKind.PROTECTION_CHANGED: Aspect.PROTECTION,
    DifferenceKind.BRANDING_CHANGED: Aspect.BRANDING,
    DifferenceKind.DELIVERY_LOST: Aspect.DELIVERY,
    DifferenceKind.DELIVERY_GAINED: Aspect.DELIVERY,
    DifferenceKind.FATE_CHANGED: Aspect.DELIVERY,
    DifferenceKind.TRANSIT_LOST: Aspect.TRANSIT,
    DifferenceKind.TRANSIT_GAINED: Aspect.TRANSIT,
}

#: The kinds by which mail is worse off, and those by which it is better off.
LOSSES = frozenset((DifferenceKind.PROTECTION_LOST, DifferenceKind.DELIVERY_LOST, DifferenceKind.TRANSIT_LOST))
GAINS = frozenset((DifferenceKind.PROTECTION_GAINED, DifferenceKind.DELIVERY_GAINED, DifferenceKind.TRANSIT_GAINED))

#: A set of kinds of differences.
Kinds = frozenset[DifferenceKind]
