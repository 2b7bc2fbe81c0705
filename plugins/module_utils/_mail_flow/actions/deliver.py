# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that decide what becomes of a copy: whether it is delivered, and whether later rules see it."""

from __future__ import annotations

from typing import Any

from ..._resources.rules.action_effects import Does
from ..model import questions
from ..model.kleene import Reason, opened
from ..model.outcomes import Fate
from .act import Act, Action, World

#: Actions that keep the message from the recipient, or replace it; two of them in one rule contradict each other.
FATES = {
    Does.DELETE: Fate.DELETED,
    Does.QUARANTINE: Fate.QUARANTINED,
    Does.REJECT: Fate.REJECTED,
    Does.REDIRECT: Fate.REDIRECTED,
}

#: Fates that recipients added by the same rule share: copying and blocking a message takes two rules. Source: "Best
#: practices for mail flow rules".
SHARED = frozenset((Fate.DELETED, Fate.QUARANTINED, Fate.REJECTED))

# The effect on a message


def deliver(act: Act, world: World) -> list[World]:
    """What becomes of the copy, and whether its way ends. It does not where the rule asked for an approval; whether it does then, is open."""
    return _stopped(act, _ended(act, world))


def _ended(act: Act, world: World) -> World:
    rule, does = act.rule, act.does
    fates = [] if does.isdisjoint(FATES) else [fate for what, fate in FATES.items() if what in does]
    changes: dict[str, Any] = {}
    if any(added.place == rule.place and added.instead for added in world.added) and Fate.REDIRECTED not in fates:
        fates.append(Fate.REDIRECTED)
    if len(fates) > 1:
        why = Reason(questions.A_FACT, "several_fates", (rule.name, tuple(map(str, fates))))
        changes["surprises"] = (*world.surprises, why)
    if Does.STOP in does:
        changes.update(stopped=True, over=True, ended_by=rule.name)
    if fates:
        changes.update(fate=fates[0], over=True, ended_by=rule.name)
    if fates[:1] == [Fate.REJECTED]:
        changes["status"] = str(rule.actions.options.get("reject_message_enhanced_status_code") or "5.7.1")
    return world.but(**changes) if changes else world


def _stopped(act: Act, world: World) -> list[World]:
    """The worlds in which a rule that asked for an approval stops the later ones, and in which it does not."""
    rule = act.rule
    if not rule.actions.stops_approved or act.scene.last:
        return [world]
    stops = opened(("approved stop", rule.place), questions.A_FACT, "approved_stops", rule.name)
    return [
        world.answering(stops, False),
        world.answering(stops, True).but(stopped=True, over=True, ended_by=rule.name),
    ]


# The rows

#: The actions.
DELIVER: tuple[Action, ...] = (
    Action("delete_message"),
    Action("quarantine"),
    Action("reject_message_reason_text", unknowns=(questions.AFTER_REJECTION,)),
    Action("reject_message_enhanced_status_code", unknowns=(questions.AFTER_REJECTION,)),
    Action("stop_rule_processing", unknowns=(questions.AUDIT_STOPS,)),
)
