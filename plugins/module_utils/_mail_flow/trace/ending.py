# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules keep the copies that they act on from the later ones: the simulator says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..actions.act import Scene
from ..model.facts import Facts
from ..model.message import Protection
from ..model.rule_view import Fork, first_content
from ..rules.flow_rule import FlowRule
from ..simulator.effects import enforced, in_audit
from ..simulator.state import World
from .conditions import NOBODY, message_of, recipient_of


@dataclass(frozen=True, slots=True)
class Ending:
    """Whether a rule ends the copies that it acts on.

    :param ends: whether no later rule acts on them; ``None`` if that is open, as of a copy that waits for an approval.
    :param guess: the number of the question of which this is the likely answer; empty if it is certain, or open.
    """

    ends: bool | None
    guess: str = ""


def ending_of(rule: FlowRule, observed: Mapping[str, bool]) -> Ending:
    """What becomes of a copy of an ordinary message that a rule acts on, in all worlds that the simulator tells apart where
    it knows no facts but what was observed.
    """
    facts, message = (
        Facts(observed=observed),
        replace(message_of(NOBODY, NOBODY), types=frozenset(), protection=Protection()),
    )
    person = recipient_of(NOBODY, facts)
    start = World(first_content(message), Fork((person,)))
    scene = Scene(message, facts, person, last=False, protection_shows=False)
    worlds = enforced(rule, start, scene) if rule.enforced else in_audit(rule, start, scene)
    guesses = {number for world in worlds for number in world.against_a_guess}
    likely = [world for world in worlds if not world.against_a_guess]
    over = {world.over for world in likely}
    if len(over) > 1 or any(world.held or world.surprises for world in likely):
        return Ending(None)
    return Ending(over.pop(), min(guesses, default=""))
