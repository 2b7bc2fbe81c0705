# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules keep the copies that they act on from the later ones: the simulator says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..actions.act import Scene
from ..model.facts import Facts
from ..model.message import Protection
from ..model.outcomes import Fate
from ..model.rule_view import Fork, first_content
from ..rules.flow_rule import FlowRule
from ..simulator.effects import enforced, in_audit
from ..simulator.state import World
from .row_messages import NOBODY, message_of_row, recipient_of

#: What becomes of copies that a rule keeps back: their rows do not call them delivered. Approved ones are delivered, and whoever gets
#: redirected mail may have been named, too.
_KEPT_BACK = frozenset((Fate.REJECTED, Fate.DELETED, Fate.QUARANTINED))


def whether_ends(rule: FlowRule, observed: Mapping[str, bool]) -> bool | None:
    """Whether no later rule acts on a copy of an ordinary message that a rule acts on; ``None`` if that is open, as of a
    copy that waits for an approval. Likely answers count as answers, and no facts are known but what was observed.
    """
    continuing = {world.goes_on for world in _worlds_behind(rule, observed) if not world.against_a_guess}
    if continuing == {False}:
        return True
    return False if continuing == {True} else None


def surely_goes_on(rule: FlowRule, observed: Mapping[str, bool]) -> bool:
    """Whether later rules act in any case on a copy of an ordinary message that a rule acts on: likely answers are open."""
    return all(world.goes_on for world in _worlds_behind(rule, observed))


def fates_kept_back(rule: FlowRule, observed: Mapping[str, bool]) -> frozenset[Fate]:
    """What becomes of copies of ordinary messages that a rule acts on, if it keeps them back in any case; otherwise
    nothing.
    """
    worlds = _worlds_behind(rule, observed)
    fates = frozenset(world.fate for world in worlds)
    return fates if fates <= _KEPT_BACK and not any(world.surprises for world in worlds) else frozenset()


def _worlds_behind(rule: FlowRule, observed: Mapping[str, bool]) -> list[World]:
    """The worlds of a copy of an ordinary message behind a rule that acts on it."""
    facts = Facts(observed=observed)
    message = replace(message_of_row(NOBODY, NOBODY), types=frozenset(), protection=Protection())
    person = recipient_of(NOBODY, facts)
    start = World(first_content(message), Fork((person,)))
    scene = Scene(message, facts, person, last=False, protection_shows=False)
    return enforced(rule, start, scene) if rule.actions.enforced else in_audit(rule, start, scene)
