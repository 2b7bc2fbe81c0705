# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions that send a message to other people, or ask them first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._resources.rules.action_effects import Does
from ..formula import FALSE, TRUE, Value
from ..model import questions
from ..model.addresses import is_name
from ..model.facts import Facts
from ..model.header_edits import ADDED, FIELD_OF, addition
from ..model.kleene import Reason, evaluate, opened
from ..model.message import Recipient
from ..model.message_recipients import people_behind
from ..model.rule_view import Fork
from .act import Act, ActingRule, Action, Added, FormulaAct, Scene, World
from .brought_people import (
    ADDING,
    ASKS_MANAGER,
    MANAGER,
    REDIRECTS,
    THE_MANAGER,
    Senders,
    brings_manager,
    brought_by,
    followed_managers,
    looks_at_manager,
    sent_by,
)
from .copy_state import CopiesByRule, CopyByRule, CopyState, held_again
from .deliver import state_of_added, state_of_redirected

#: The maximum number of recipients added by one rule who have a copy each; more share one, which belongs to one of
#: them.
_MOST_SEPARATE = 6

# The effect on a message


def bring(act: Act, world: World) -> list[World]:
    """The moderators and the added recipients, which may depend on the sender's manager."""
    rule, does = act.rule, act.does
    if not looks_at_manager(rule) or does.isdisjoint((Does.MODERATE, Does.ADD)):
        return _joined(act, world, "")
    return [new for branch, manager in by_manager(world, act.scene) for new in _joined(act, branch, manager)]


def by_manager(world: World, scene: Scene) -> list[tuple[World, str]]:
    """The sender's manager (empty for nobody): one world if known, otherwise one for each answer."""
    sender = scene.facts.people.primary(scene.message.sender)
    manager = scene.facts.people.manager(sender)
    if manager is not None:
        return [(world, manager)]
    known = opened(("has manager", sender), questions.A_FACT, "manager", sender)
    has_manager = evaluate(known, world.answered())
    worlds = (
        [(world, has_manager)]
        if isinstance(has_manager, bool)
        else [(world.answering(known, value), value) for value in (True, False)]
    )
    return [(branch, f"the manager of {sender}" if has else "") for branch, has in worlds]


def _joined(act: Act, world: World, manager: str) -> list[World]:
    """The worlds with the moderators and the added recipients. Whether a rule adds to a message that it redirects
    depends on the order of its actions.
    """
    rule, scene, does, actions = act.rule, act.scene, act.does, act.rule.actions.options
    added: list[Added] = []
    moderators: list[str] = []
    if Does.MODERATE in does:
        moderators = [str(user) for user in _list(actions.get("moderate_message_by_user"))]
        moderators += [manager] if manager and ASKS_MANAGER in actions else []
    if Does.ADD in does:
        for option, field in FIELD_OF.items():
            added += [
                Added(str(address), rule.name, rule.place, False, field) for address in _list(actions.get(option))
            ]
        if manager and MANAGER in actions:
            added.append(
                Added(manager, rule.name, rule.place, rule.actions.redirects_to_manager, rule.actions.manager_field)
            )
    if Does.REDIRECT in does:
        added += [Added(str(address), rule.name, rule.place, True) for address in _list(actions["redirect_message_to"])]
    if moderators:
        world = world.with_changes(
            held=world.held + 1,
            notified=(*world.notified, *(("moderator", rule.name, address) for address in moderators)),
        )
    away = [recipient for recipient in added if recipient.instead]
    if not away or len(away) == len(added):
        return [_with(world, added, scene)]
    adds = opened(("adds", rule.place), questions.A_FACT, "adds_and_redirects", rule.name)
    return [_with(world.answering(adds, True), added, scene), _with(world.answering(adds, False), away, scene)]


def _with(world: World, added: list[Added], scene: Scene) -> World:
    if not added:
        return world
    edits = [
        addition(recipient.field, recipient.address, recipient.doubt)
        for recipient in added
        if not recipient.instead and ADDED.get(recipient.field) in scene.headers
    ]
    content = world.content.with_changes(edits=(*world.content.edits, *edits), known={}) if edits else world.content
    return world.with_changes(added=(*world.added, *added), fork=_with_added(world.fork, added, scene), content=content)


def _with_added(fork: Fork, added: list[Added], scene: Scene) -> Fork:
    """A fork with the recipients whom a rule added: whether later rules count them is not documented."""
    here = {person.address for person in (*fork.sure, *(other for other, _reasons in fork.perhaps))}
    new: dict[str, tuple[Recipient, tuple[Reason, ...]]] = {}
    for recipient in added:
        if recipient.instead:
            continue
        for person in people_behind(scene.facts, recipient.address, recipient.rule):
            if person.address not in here:
                new.setdefault(person.address, (person, (recipient.doubt,)))
    return Fork(fork.sure, (*fork.perhaps, *new.values())) if new else fork


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


# The effect on all messages


def show_added(copy: CopyState, act: FormulaAct) -> None:
    """The recipients that a rule adds. Conditions about all recipients, or about the To and Cc fields, may look at
    them.
    """
    rule, scene = act.rule, act.scene
    added = [
        (str(person), field) for option, field in FIELD_OF.items() for person in rule.actions.options.get(option) or ()
    ]
    if scene.counts_added:
        people = [
            ("" if is_name(member.address) else member.address, field)
            for person, field in added
            for member in people_behind(scene.mail.facts, person)
        ]
        people += [("", rule.actions.manager_field)] if rule.actions.manager_field else []
        new = ((address, field, act.acts, act.name) for address, field in people)
        copy.seen = copy.seen.with_changes(added=(*copy.seen.added, *new)) if people else copy.seen
    fields = [*added, (THE_MANAGER, rule.actions.manager_field)] if rule.actions.manager_field else added
    edits = [
        (
            addition(field, address, Reason(questions.ADDED_RECIPIENTS, "added", ((rule.name, address),))),
            act.acts,
        )
        for address, field in fields
        if ADDED.get(field) in scene.headers
    ]
    if edits:
        copy.seen = copy.seen.with_changes(edits=(*copy.seen.edits, *edits))


def hold(copy: CopyState, act: FormulaAct) -> None:
    """One more approval for which it waits."""
    if act.rule.actions.does(Does.MODERATE):
        copy.held = held_again(copy.held, act.acts)


def make_copies(copy: CopyState, act: FormulaAct) -> CopiesByRule:
    """The copies for people whom a rule adds or redirects to: like this one, and ended only by a stop, or by a shared
    fate.
    """
    rule, facts = act.rule, act.scene.mail.facts
    options = rule.actions.options
    added = [
        (facts.people.primary(str(address)), option == REDIRECTS)
        for option in ADDING
        for address in options.get(option) or ()
    ]
    unfollowed = [address for address, _way in added if is_name(address) or address in facts.groups.expanded]
    managers = followed_managers(act.scene.mail, act.scene.logic) if brings_manager(rule) else []
    unfollowed += [THE_MANAGER] if managers is None else []
    if not added and not unfollowed and not managers:
        return CopiesByRule()
    of_redirected = state_of_redirected(copy, act)
    of_added = state_of_added(of_redirected, act)
    of_redirected.seen = of_redirected.seen.with_changes(redirected=True)
    ways = {True: (act.acts, of_redirected), False: (act.acts & _adds(act), of_added)}
    named = [
        CopyByRule(rule.place, address, instead, *ways[instead])
        for address, instead in dict.fromkeys(added)
        if not is_name(address)
    ]
    when, state = ways[rule.actions.redirects_to_manager]
    named += [
        CopyByRule(rule.place, manager, rule.actions.redirects_to_manager, when & theirs, state)
        for manager, theirs in managers or ()
    ]
    every = [made for instead in (False, True) for made in _copies_for_all(act, instead, *ways[instead])]
    return CopiesByRule(tuple(named), tuple(every), tuple(unfollowed))


def _adds(act: FormulaAct) -> Value:
    """Whether a rule, if it acts, adds the people whom it is told to add. Whether it adds to a message that it redirects
    is not documented.
    """
    redirects: Value = TRUE if act.rule.actions.does(Does.REDIRECT) else FALSE
    if act.rule.actions.redirects_to_manager:
        redirects |= act.scene.mail.sender.managed
    return ~redirects | act.scene.logic.unknown(questions.A_FACT, "adds", act.name)


def _copies_for_all(act: FormulaAct, instead: bool, when: Value, state: CopyState) -> Iterator[CopyByRule]:
    """The copies for everybody whom a rule adds, or redirects to."""
    rule, mail, logic = act.rule, act.scene.mail, act.scene.logic
    to_manager = rule.actions.redirects_to_manager
    people: dict[str, list[Value]] = {}
    somebody: list[Value] = []
    for option, address, senders in brought_by(rule, mail.facts):
        if (option == REDIRECTS or (option == MANAGER and to_manager)) is not instead:
            continue
        theirs = sent_by(mail, logic, senders)
        known = ("address", address) in mail.recipient.atoms
        (people.setdefault(address, []) if known else somebody).append(theirs)
    if brings_manager(rule) and to_manager is instead and mail.facts.people.managers is None:
        somebody.append(mail.sender.managed)
    added = [(address, logic.any_of(values)) for address, values in people.items()]
    if len(added) > _MOST_SEPARATE:
        yield CopyByRule(rule.place, "", instead, when, state, tuple(added))
    else:
        yield from (CopyByRule(rule.place, address, instead, when & theirs, state) for address, theirs in added)
    if somebody:
        yield CopyByRule(rule.place, "", instead, when & logic.any_of(somebody), state)


# Who else sees a message


def asked_for_approval(rule: ActingRule, facts: Facts) -> Iterator[tuple[str, Senders]]:
    """The people whom a rule shows a message as it asks for an approval, and of whose mail that is so."""
    asks = rule.actions.does(Does.MODERATE)
    yield from ((str(approver), None) for approver in asks.get("moderate_message_by_user") or ())
    if asks.get(ASKS_MANAGER):
        yield from [(THE_MANAGER, ())] if facts.people.managers is None else facts.people.teams.items()


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
