# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules keep the copies that they act on from the later ones: the simulator says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..actions.act import Scene
from ..model.facts import Facts
from ..model.message import Protection
from ..model.rule_view import Fork, first_content
from ..rules.flow_rule import FlowRule
from ..simulator.effects import enforced, in_audit
from ..simulator.state import World
from .row_messages import NOBODY, message_of_row, recipient_of


def whether_ends(rule: FlowRule, observed: Mapping[str, bool]) -> bool | None:
    """Whether no later rule acts on a copy of an ordinary message that a rule acts on; ``None`` if that is open, as of a
    copy that waits for an approval. Likely answers count as answers, and no facts are known but what was observed.
    """
    facts, message = (
        Facts(observed=observed),
        replace(message_of_row(NOBODY, NOBODY), types=frozenset(), protection=Protection()),
    )
    person = recipient_of(NOBODY, facts)
    start = World(first_content(message), Fork((person,)))
    scene = Scene(message, facts, person, last=False, protection_shows=False)
    worlds = enforced(rule, start, scene) if rule.actions.enforced else in_audit(rule, start, scene)
    going_on = {world.goes_on for world in worlds if not world.against_a_guess}
    if going_on == {False}:
        return True
    return False if going_on == {True} else None
