# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do beside protecting and delivering copies: reports, approvals, texts, spam levels, and the connectors that
mail leaves by.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ..._resources.rules.action_effects import Does
from ..analyses.finding import SideEffect
from .chain import Chain, ends
from .planes import Doubt

#: The kind of difference that it is.
CHANGED_BESIDE = "side_effect_changed"


@dataclass(frozen=True)
class DoneBeside:
    """What rules do beside to a copy.

    :param sure: what they certainly do, and :param:`possible` this and what they may do.
    :param asks: what decides it: it is equal where this is.
    """

    sure: frozenset[SideEffect]
    possible: frozenset[SideEffect]
    asks: Hashable


def side_effects_of(chain: Chain, met: Sequence[tuple[int, Doubt | None]]) -> DoneBeside:
    """What the rules do beside to copies that meet some of them, first to last."""
    sure, possible, asks = set[SideEffect](), set[SideEffect](), list[Hashable]()
    doubtful = False
    for place, why in met:
        rule, effects = chain.rules.rules[place], chain.beside.get(place)
        end = ends(rule)
        rejects = bool(rule.does(Does.REJECT))
        if effects or end is not False:
            asks.append((effects, end, rejects, why))
        if effects:
            possible |= effects
            sure |= frozenset() if why or doubtful else effects
        # Whether rules go on after a rejection is open (U10).
        if end and not why and not rejects:
            break
        doubtful |= end is not False
    return DoneBeside(frozenset(sure), frozenset(possible), tuple(asks))


def change_beside(before: DoneBeside, after: DoneBeside) -> bool | None:
    """Whether what rules do beside is certainly different; ``None`` if it may be."""
    if before.asks == after.asks:
        return False
    if (before.sure - after.possible) or (after.sure - before.possible):
        return True
    open_ = (before.possible - before.sure) | (after.possible - after.sure)
    return None if open_ or before.sure != after.sure else False


def with_beside(
    changes: tuple[frozenset[str], frozenset[str]], before: DoneBeside, after: DoneBeside
) -> tuple[frozenset[str], frozenset[str]]:
    """Kinds of change, the certain ones and the possible ones, with that of what rules do beside."""
    certain, possible = changes
    differs = change_beside(before, after)
    if differs is False:
        return changes
    return (certain | {CHANGED_BESIDE}, possible) if differs else (certain, possible | {CHANGED_BESIDE})
