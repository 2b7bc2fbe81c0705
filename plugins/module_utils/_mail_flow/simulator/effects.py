# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule that matches does to a copy.

The actions of one rule are a set: none sees the effect of another. If an action depends on something open, there is a
world for each answer. Each family of actions has its own part (``actions``).
"""

from __future__ import annotations

from ..._resources.rules.action_effects import Does
from ..actions.act import Act, Scene
from ..actions.actions import FAMILIES
from ..actions.bring import by_manager
from ..actions.edit import insertable, sets_last
from ..actions.tell import with_reports
from ..model import questions
from ..model.kleene import Open, evaluate, opened
from ..model.outcomes import Fate
from ..rules.flow_rule import FlowRule
from .state import World


def enforced(rule: FlowRule, world: World, scene: Scene, only: frozenset[Does] | None = None) -> list[World]:
    """The worlds after an enforced rule has acted.

    :param only: the sorts of actions to do; ``None`` for all.
    """
    if rule.actions.by_manager:
        return [
            new
            for here, manager in by_manager(world, scene)
            for new in enforced(rule.where(bool(manager)), here, scene, only)
        ]
    does = rule.actions.sorts if only is None else rule.actions.sorts & only
    if "apply_html_disclaimer_text" not in rule.actions.options or Does.CHANGE not in does:
        return _acted(rule, world, scene, does)
    fits = evaluate(insertable(world, scene), world.answered())
    worlds: list[World] = []
    for value in (True, False) if isinstance(fits, Open) else (fits,):
        here = world.answering(fits, value) if isinstance(fits, Open) else world
        fallback = str(rule.actions.options.get("apply_html_disclaimer_fallback_action") or "Wrap")
        if value or fallback == "Wrap":
            worlds += _acted(rule, here, scene, does, wraps=not value)
        elif fallback == "Reject":
            worlds.append(here.with_changes(fate=Fate.REJECTED, over=True, ended_by=rule.name))
        else:
            # The whole rule is ignored.
            worlds.append(here)
    return worlds


def in_audit(rule: FlowRule, world: World, scene: Scene) -> list[World]:
    """The worlds after a rule in a test mode has matched: it reports. Whether it stops is not documented."""
    reported = with_reports(
        rule, world, scene, {row.option for row in rule.actions.rows if rule.actions.mode in row.in_audit}
    )
    if "stop_rule_processing" not in rule.actions.options or scene.last:
        return [reported]
    observed = scene.facts.observed.get(questions.AUDIT_STOPS)
    if observed is not None:
        return [reported.with_changes(over=True, ended_by=rule.name) if observed else reported]
    stops = opened(("stop", rule.place), questions.AUDIT_STOPS, "test_mode_stops", rule.name, guess=False)
    return [
        reported.answering(stops, False),
        reported.answering(stops, True).with_changes(over=True, ended_by=rule.name),
    ]


def beside_content(rule: FlowRule) -> frozenset[Does]:
    """What a rule does without the content that S/MIME hides."""
    return frozenset(
        row.does for row in rule.as_declared.actions.rows if not row.content and row.does is not Does.DETAIL
    )


def _acted(rule: FlowRule, world: World, scene: Scene, does: frozenset[Does], wraps: bool = False) -> list[World]:
    last = sets_last(rule, does)
    if not isinstance(last, Open):
        return _done(Act(rule, scene, does, wraps, last), world)
    return [
        new
        for value in (True, False)
        for new in _done(Act(rule, scene, does, wraps, value), world.answering(last, value))
    ]


def _done(act: Act, world: World) -> list[World]:
    """The worlds after each family of actions had its part."""
    if act.rule.actions.surprises:
        world = world.with_changes(surprises=(*world.surprises, *act.rule.actions.surprises))
    worlds = [world]
    for family in FAMILIES:
        worlds = [after for before in worlds for after in family.on_message(act, before)]
    return worlds
