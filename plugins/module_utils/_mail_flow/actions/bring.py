# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that send a message to other people, or ask them first."""

from __future__ import annotations

from typing import Any

from ..._resources.rules.action_effects import Does
from ..model import questions
from ..model.header_edits import ADDED, FIELD_OF, addition
from ..model.kleene import Reason, opened
from ..model.message import Recipient
from ..model.message_recipients import people_behind
from ..model.rule_view import Fork
from .act import Act, Action, Added, Scene, World

# The effect on a message


def bring(act: Act, world: World) -> list[World]:
    """The moderators and the added recipients, which may depend on the sender's manager."""
    rule, does = act.rule, act.does
    asks = not rule.actions.options.keys().isdisjoint(("moderate_message_by_manager", "add_manager_as_recipient_type"))
    if not asks or does.isdisjoint((Does.MODERATE, Does.ADD)):
        return _joined(act, world, "")
    return [new for each, manager in by_manager(world, act.scene) for new in _joined(act, each, manager)]


def by_manager(world: World, scene: Scene) -> list[tuple[World, str]]:
    """The sender's manager (empty for nobody): one world if known, otherwise one for each answer."""
    sender = scene.facts.people.primary(scene.message.sender)
    manager = scene.facts.people.manager(sender)
    if manager is not None:
        return [(world, manager)]
    known = opened(("has manager", sender), questions.A_FACT, "manager", sender)
    settled = known.settled(world.answered())
    worlds = (
        [(world, settled)]
        if isinstance(settled, bool)
        else [(world.answering(known, value), value) for value in (True, False)]
    )
    return [(each, f"the manager of {sender}" if has else "") for each, has in worlds]


def _joined(act: Act, world: World, manager: str) -> list[World]:
    """The worlds with the moderators and the added recipients. Whether a rule adds to a message that it redirects
    depends on the order of its actions.
    """
    rule, scene, does, actions = act.rule, act.scene, act.does, act.rule.actions.options
    added: list[Added] = []
    moderators: list[str] = []
    if Does.MODERATE in does:
        moderators = [str(user) for user in _list(actions.get("moderate_message_by_user"))]
        moderators += [manager] if manager and "moderate_message_by_manager" in actions else []
    if Does.ADD in does:
        for option, field in FIELD_OF.items():
            added += [
                Added(str(address), rule.name, rule.place, False, field) for address in _list(actions.get(option))
            ]
        if manager and "add_manager_as_recipient_type" in actions:
            added.append(
                Added(manager, rule.name, rule.place, rule.actions.redirects_to_manager, rule.actions.manager_field)
            )
    if Does.REDIRECT in does:
        added += [Added(str(address), rule.name, rule.place, True) for address in _list(actions["redirect_message_to"])]
    if moderators:
        world = world.but(
            held=world.held + 1,
            notified=(*world.notified, *(("moderator", rule.name, address) for address in moderators)),
        )
    away = [each for each in added if each.instead]
    if not away or len(away) == len(added):
        return [_with(world, added, scene)]
    adds = opened(("adds", rule.place), questions.A_FACT, "adds_and_redirects", rule.name)
    return [_with(world.answering(adds, True), added, scene), _with(world.answering(adds, False), away, scene)]


def _with(world: World, added: list[Added], scene: Scene) -> World:
    if not added:
        return world
    edits = [
        addition(each.field, each.address, each.doubt)
        for each in added
        if not each.instead and ADDED.get(each.field) in scene.headers
    ]
    content = world.content.but(edits=(*world.content.edits, *edits), known={}) if edits else world.content
    return world.but(added=(*world.added, *added), fork=_with_added(world.fork, added, scene), content=content)


def _with_added(fork: Fork, added: list[Added], scene: Scene) -> Fork:
    """A fork with the recipients whom a rule added: whether later rules count them is not documented."""
    here = {person.address for person in (*fork.sure, *(other for other, _reasons in fork.perhaps))}
    new: dict[str, tuple[Recipient, tuple[Reason, ...]]] = {}
    for each in added:
        for person in () if each.instead else people_behind(scene.facts, each.address, each.field):
            if person.address not in here:
                new.setdefault(person.address, (person, (each.doubt,)))
    return Fork(fork.sure, (*fork.perhaps, *new.values())) if new else fork


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


# The rows

#: The actions.
BRING: tuple[Action, ...] = (
    Action("redirect_message_to", "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("moderate_message_by_user"),
    Action("moderate_message_by_manager"),
    Action("add_to_recipients", "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("copy_to", "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action("blind_copy_to", "recipients", unknowns=(questions.ADDED_RECIPIENTS,)),
    Action(
        "add_manager_as_recipient_type",
        "recipients",
        unknowns=(questions.ADDED_RECIPIENTS,),
        fate_if=("add_manager_as_recipient_type", "Redirect"),
    ),
)

#: Options with a list of people.
NAMING_PEOPLE = frozenset(
    {"redirect_message_to", "moderate_message_by_user", "add_to_recipients", "copy_to", "blind_copy_to"}
)
