# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule that matches does to a copy.

The actions of one rule are a set: none sees the effect of another. If an action depends on something open, there is a
world for each answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from ..._resources.rules.action_effects import Does
from ..model import questions
from ..model.facts import Facts
from ..model.header_edits import ADDED, FIELD_OF, addition, header_edits
from ..model.kleene import Open, Reason, Truth, opened
from ..model.message import Message, Recipient
from ..model.rule_view import Content, Fork
from ..rules.flow_rule import FlowRule
from .state import Added, World

_TAG = re.compile(r"<[^>]*>")
#: A tag that begins or ends a line.
_BLOCK = re.compile(r"</?(?:br|p|div|hr|li|ul|ol|h[1-6]|table|tr|td|th|blockquote|pre)\b[^>]*>", re.IGNORECASE)

#: A tag within a word, and one with invisible content.
_SPLIT = re.compile(r"\w(?:<[^>]*>)+\w")
_HIDDEN = re.compile(r"<(?:style|script|title|head|!--)", re.IGNORECASE)

#: A token for a property of the sender in a disclaimer.
_TOKEN = re.compile(r"%%\w+%%")


#: Actions that keep the message from the recipient, or replace it; two of them in one rule contradict each other.
FATES = {Does.DELETE: "deleted", Does.QUARANTINE: "quarantined", Does.REJECT: "rejected", Does.REDIRECT: "redirected"}

#: Fates that recipients added by the same rule share: copying and blocking a message takes two rules. Source: "Best
#: practices for mail flow rules".
SHARED = frozenset(("deleted", "quarantined", "rejected"))


@dataclass(frozen=True, slots=True)
class Scene:
    """The context in which a rule acts.

    :param recipient: the followed recipient.
    :param last: whether no rule comes after it.
    :param protection_shows: whether a rule looks at how the message is protected.
    :param headers: the header fields that rules read.
    """

    message: Message
    facts: Facts
    recipient: Recipient
    last: bool
    protection_shows: bool
    headers: frozenset[str] = frozenset()


def enforced(rule: FlowRule, world: World, scene: Scene, only: frozenset[Does] | None = None) -> list[World]:
    """The worlds after an enforced rule has acted.

    :param only: the sorts of actions to do; ``None`` for all.
    """
    if rule.by_manager:
        return [
            new
            for here, manager in _by_manager(world, scene)
            for new in enforced(rule.where(bool(manager)), here, scene, only)
        ]
    does = rule.sorts if only is None else rule.sorts & only
    if "apply_html_disclaimer_text" not in rule.actions or Does.CHANGE not in does:
        return _acted(rule, world, scene, does)
    fits = _insertable(world, scene)
    fits = fits.settled(world.answered()) if isinstance(fits, Open) else fits
    worlds: list[World] = []
    for value in (True, False) if isinstance(fits, Open) else (fits,):
        here = world.answering(fits, value) if isinstance(fits, Open) else world
        fallback = str(rule.actions.get("apply_html_disclaimer_fallback_action") or "Wrap")
        if value or fallback == "Wrap":
            worlds += _acted(rule, here, scene, does, wraps=not value)
        elif fallback == "Reject":
            worlds.append(here.but(fate="rejected", over=True, ended_by=rule.name))
        else:
            # The whole rule is ignored.
            worlds.append(here)
    return worlds


def in_audit(rule: FlowRule, world: World, scene: Scene) -> list[World]:
    """The worlds after a rule in a test mode has matched: it reports. Whether it stops is not documented."""
    told = _told(rule, world, scene, {row.option for row in rule.rows if rule.mode in row.in_audit})
    if "stop_rule_processing" not in rule.actions or scene.last:
        return [told]
    stops = opened(("stop", rule.place), questions.AUDIT_STOPS, "test_mode_stops", rule.name, guess=False)
    return [told.answering(stops, False), told.answering(stops, True).but(over=True, ended_by=rule.name)]


def beside_content(rule: FlowRule) -> frozenset[Does]:
    """What a rule does without the content that S/MIME hides."""
    return frozenset(row.does for row in rule.as_told.rows if not row.content and row.does is not Does.DETAIL)


def _acted(rule: FlowRule, world: World, scene: Scene, does: frozenset[Does], wraps: bool = False) -> list[World]:
    name = str(rule.actions.get("set_header_name", "")).lower()
    if Does.CHANGE in does and name and name == str(rule.actions.get("remove_header", "")).lower():
        # The order of the actions in a rule is not guaranteed.
        stays = opened(("header", rule.place), questions.A_FACT, "header_last", rule.name, name)
        return [
            new
            for value in (True, False)
            for new in _done(rule, world.answering(stays, value), scene, does, wraps, value)
        ]
    return _done(rule, world, scene, does, wraps, True)


def _done(
    rule: FlowRule, world: World, scene: Scene, does: frozenset[Does], wraps: bool, sets_last: bool
) -> list[World]:
    changes: dict[str, Any] = {"surprises": (*world.surprises, *rule.surprises)} if rule.surprises else {}
    if Does.ENCRYPT in does:
        changes["asked"] = (*world.asked, *((rule.name, template) for template in rule.templates))
    if Does.DECRYPT in does:
        changes["removed"] = (*world.removed, rule.name)
    if Does.BRAND in does:
        changes["brands"] = (
            *world.brands,
            (rule.name, str(rule.actions["apply_rights_protection_customization_template"])),
        )
    if Does.ROUTE in does:
        connector = str(rule.actions.get("route_message_outbound_connector") or "")
        changes["routes"] = (*world.routes, (rule.name, connector)) if connector else world.routes
        changes["requires_tls"] = world.requires_tls or bool(rule.actions.get("route_message_outbound_require_tls"))
    if Does.CHANGE in does and "apply_html_disclaimer_text" in rule.actions:
        changes["disclaimer"] = True
    content = _changed(rule, world.content, scene, does, wraps, sets_last)
    if content is not world.content:
        changes["content"] = content
    after = world.but(**changes) if changes else world
    if Does.REPORT in does:
        after = _told(rule, after, scene, {row.option for row in rule.rows})
    return [
        new for each in _managed(rule, after, scene, does) for new in _stopped(rule, _ended(rule, each, does), scene)
    ]


def _changed(
    rule: FlowRule, content: Content, scene: Scene, does: frozenset[Does], wraps: bool, sets_last: bool
) -> Content:
    """What later rules see of the message."""
    actions = rule.actions if Does.CHANGE in does else {}
    changes: dict[str, Any] = {}
    if "prepend_subject" in actions:
        changes["subject"] = f"{actions['prepend_subject']}{content.subject}"
    if "set_header_name" in actions or "remove_header" in actions:
        changes["headers"] = _headers(content, actions, sets_last)
    if "apply_classification" in actions and content.classifications is not None:
        changes["classifications"] = content.classifications | {str(actions["apply_classification"])}
    edits = [
        each for each in header_edits(actions, [edit.field for edit in content.edits]) if each.field in scene.headers
    ]
    if edits:
        changes["edits"] = (*content.edits, *edits)
    if "apply_html_disclaimer_text" in actions:
        changes.update(_with_disclaimer(actions, content, wraps))
    if scene.protection_shows and not does.isdisjoint((Does.ENCRYPT, Does.DECRYPT)):
        changes.update(asked=content.asked or Does.ENCRYPT in does, removed=content.removed or Does.DECRYPT in does)
    return content.but(**changes, known={}) if changes else content


def plain_text(html: str) -> str | None:
    """What a reader sees of a disclaimer. ``None`` if that depends on the sender, whose properties its tokens stand for
    (``%%DisplayName%%``), or if its words are open because markup splits them, or is more than tags.
    """
    plain = _BLOCK.sub("\n", html)
    if _TOKEN.search(html) or _SPLIT.search(plain) or _HIDDEN.search(html):
        return None
    return unescape(_TAG.sub("", plain)).strip()


def _with_disclaimer(actions: Mapping[str, Any], content: Content, wraps: bool) -> dict[str, Any]:
    plain = plain_text(str(actions["apply_html_disclaimer_text"]))
    if wraps:
        return {"body": plain, "wrapped": True, "readings": (), "sources": ()}
    if content.body is None or plain is None:
        return {"body": None}
    first = actions.get("apply_html_disclaimer_location") == "Prepend"
    body, *others = (f"{plain}\n{text}" if first else f"{text}\n{plain}" for text in (content.body, *content.readings))
    return {"body": body, "readings": tuple(others)}


def _headers(content: Content, actions: Mapping[str, Any], sets_last: bool) -> tuple[tuple[str, tuple[str, ...]], ...]:
    changes: list[tuple[str, tuple[str, ...]]] = []
    if "remove_header" in actions:
        changes.append((str(actions["remove_header"]).lower(), ()))
    if "set_header_name" in actions:
        changes.insert(
            len(changes) if sets_last else 0,
            (str(actions["set_header_name"]).lower(), (str(actions.get("set_header_value") or ""),)),
        )
    return tuple(sorted({**dict(content.headers), **dict(changes)}.items()))


def _insertable(world: World, scene: Scene) -> Truth:
    message = scene.message
    if world.content.wrapped:
        return True
    if message.insertable is not None:
        return message.insertable
    if message.unalterable:
        return False
    if message.protection is None or message.protection.by_rights:
        return opened(("disclaimer",), questions.A_FACT, "disclaimer")
    return True


def _told(rule: FlowRule, world: World, scene: Scene, options: set[str]) -> World:
    told = []
    if "generate_incident_report" in options:
        told.append(("incident_report", rule.name, str(rule.actions["generate_incident_report"])))
    if "generate_notification" in options:
        told.append(("notification", rule.name, scene.recipient.label))
    return world.but(told=(*world.told, *told)) if told else world


def _managed(rule: FlowRule, world: World, scene: Scene, does: frozenset[Does]) -> list[World]:
    """What depends on the sender's manager, and the other moderators and added recipients."""
    asks = not rule.actions.keys().isdisjoint(("moderate_message_by_manager", "add_manager_as_recipient_type"))
    worlds = _by_manager(world, scene) if asks and not does.isdisjoint((Does.MODERATE, Does.ADD)) else [(world, "")]
    return [new for each, manager in worlds for new in _joined(rule, each, manager, scene, does)]


def _by_manager(world: World, scene: Scene) -> list[tuple[World, str]]:
    """The sender's manager (empty for nobody): one world if known, otherwise one for each answer."""
    sender = scene.facts.primary(scene.message.sender)
    manager = scene.facts.manager(sender)
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


def _joined(rule: FlowRule, world: World, manager: str, scene: Scene, does: frozenset[Does]) -> list[World]:
    """The worlds with the moderators and the added recipients. Whether a rule adds to a message that it redirects
    depends on the order of its actions.
    """
    actions = rule.actions
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
            added.append(Added(manager, rule.name, rule.place, rule.redirects_to_manager, rule.manager_field))
    if Does.REDIRECT in does:
        added += [Added(str(address), rule.name, rule.place, True) for address in _list(actions["redirect_message_to"])]
    if moderators:
        world = world.but(
            held=world.held + 1, told=(*world.told, *(("moderator", rule.name, address) for address in moderators))
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
        for person in () if each.instead else scene.facts.brought(each.address, each.field):
            if person.address not in here:
                new.setdefault(person.address, (person, (each.doubt,)))
    return Fork(fork.sure, (*fork.perhaps, *new.values())) if new else fork


def _ended(rule: FlowRule, world: World, does: frozenset[Does]) -> World:
    fates = [] if does.isdisjoint(FATES) else [fate for what, fate in FATES.items() if what in does]
    changes: dict[str, Any] = {}
    if any(added.place == rule.place and added.instead for added in world.added) and "redirected" not in fates:
        fates.append("redirected")
    if len(fates) > 1:
        why = Reason(questions.A_FACT, "several_fates", (rule.name, tuple(fates)))
        changes["surprises"] = (*world.surprises, why)
    if Does.STOP in does:
        changes.update(stopped=True, over=True, ended_by=rule.name)
    if fates:
        changes.update(fate=fates[0], over=True, ended_by=rule.name)
    if fates[:1] == ["rejected"]:
        changes["status"] = str(rule.actions.get("reject_message_enhanced_status_code") or "5.7.1")
    return world.but(**changes) if changes else world


def _stopped(rule: FlowRule, world: World, scene: Scene) -> list[World]:
    """The worlds in which a rule that asked for an approval stops the later ones, and in which it does not."""
    if not rule.stops_approved or scene.last:
        return [world]
    stops = opened(("approved stop", rule.place), questions.A_FACT, "approved_stops", rule.name)
    return [
        world.answering(stops, False),
        world.answering(stops, True).but(stopped=True, over=True, ended_by=rule.name),
    ]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
