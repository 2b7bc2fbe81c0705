# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do beside protecting and delivering copies: reports, approvals, texts, spam levels, and the connectors that
mail leaves by.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from ..._resources.rules.action_effects import Does
from ..analyses.aspects import DifferenceKind, Kinds
from ..analyses.finding import OF_COPIES, SideEffect
from .chain import Chain
from .truth_sets import Doubt, RulesMet


@dataclass(frozen=True)
class CopySideEffects:
    """What rules do beside to a copy.

    :param sure: what they certainly do, and :param:`possible` this and what they may do.
    :param asks: what decides it: it is equal where this is.
    :param gone: whether the copy is rejected or deleted; ``None`` if it may be. Then it is no news what happens to it.
    """

    sure: frozenset[SideEffect]
    possible: frozenset[SideEffect]
    asks: Hashable
    gone: bool | None = False

    @property
    def news(self) -> tuple[frozenset[SideEffect], frozenset[SideEffect]]:
        """What is worth telling where nothing did it before: for certain, and at all."""
        sure = self.sure if self.gone is False else _beyond_copies(self.sure)
        return sure, _beyond_copies(self.possible) if self.gone else self.possible


def _beyond_copies(effects: frozenset[SideEffect]) -> frozenset[SideEffect]:
    return frozenset(effect for effect in effects if effect.sort not in OF_COPIES)


def side_effects_of(chain: Chain, met: RulesMet) -> CopySideEffects:
    """What the rules do beside to copies that meet some of them, first to last."""
    sure: set[SideEffect] = set()
    possible: set[SideEffect] = set()
    asks: list[Hashable] = []
    doubtful = held = gone = may_be_gone = False
    for place, why in reached(chain, met):
        rule = chain.rules.rules[place]
        effects = chain.side_effects.get(place)
        end = chain.ends[place]
        rejects = bool(rule.actions.does(Does.REJECT))
        blocks = rule.actions.blocks
        held = held or any(rule.actions.does(action) for action in (Does.QUARANTINE, Does.MODERATE, Does.REDIRECT))
        may_be_gone = may_be_gone or blocks
        gone = gone or (blocks and not (why or doubtful or held))
        if effects or end is not False or blocks:
            asks.append((effects, end, rejects, blocks, why))
        if effects:
            possible |= effects
            sure |= frozenset() if why or doubtful else effects
        doubtful |= end is not False
    is_gone = None if may_be_gone and not gone else gone
    return CopySideEffects(frozenset(sure), frozenset(possible), tuple(asks), is_gone)


def reached(chain: Chain, met: RulesMet) -> Iterator[tuple[int, Doubt | None]]:
    """The rules that copies meet and that they may come to, first to last: up to the first one that certainly ends them."""
    for place, why in met:
        yield place, why
        # Whether rules go on after a rejection is open (U10).
        if chain.ends[place] and not why and not chain.rules.rules[place].actions.does(Does.REJECT):
            return


def side_effects_differ(before: CopySideEffects, after: CopySideEffects) -> bool | None:
    """Whether what rules do beside is certainly different; ``None`` if it may be."""
    if before.asks == after.asks:
        return False
    sides = ((before, after), (after, before))
    if any(one.news[0] - other.possible for one, other in sides):
        return True
    return None if any(one.news[1] - other.sure for one, other in sides) else False


def with_change_of_side_effects(
    changes: tuple[Kinds, Kinds], before: CopySideEffects, after: CopySideEffects
) -> tuple[Kinds, Kinds]:
    """Kinds of change, the certain ones and the possible ones, with that of what rules do beside."""
    certain, possible = changes
    differs = side_effects_differ(before, after)
    if differs is False:
        return changes
    return (
        (certain | {DifferenceKind.SIDE_EFFECT_CHANGED}, possible)
        if differs
        else (certain, possible | {DifferenceKind.SIDE_EFFECT_CHANGED})
    )
