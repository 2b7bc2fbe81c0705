# SPDX-License-Identifier: GPL-3.0-or-later
"""How each rule stands to a copy of a message: whether it acts, and what keeps it from acting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..conditions.predicate import Atom
from ..model.facts import Facts
from ..model.inside import sender_inside, sender_outside
from ..model.message import Message, Recipient
from ..model.message_recipients import recipients_of
from ..model.rule_view import RuleView
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.decider import MessageDecider
from ..simulator.simulation import Passage
from ..simulator.state import Course, World

#: The conditions on who is inside or outside.
SCOPES = ("from_scope", "sent_to_scope")


@dataclass(frozen=True)
class Copy:
    """Somebody's copy of a message.

    :param recipient: the address of the person whose copy it is, or the label of a person without one.
    """

    message: Message
    facts: Facts
    recipient: str

    @property
    def is_from_outside(self) -> bool:
        """Whether the message certainly comes from outside, so that rules do not encrypt it."""
        sender = self.facts.people.primary(self.message.sender)
        inside = sender_inside(self.facts, sender, self.message.authenticated)
        return inside is False and sender_outside(self.facts, sender) is True

    @property
    def is_made_by_rules(self) -> bool:
        """Whether the copy is for somebody to whom the message is not addressed."""
        addressed = recipients_of(self.facts, self.message)
        return all(self.recipient.casefold() not in (person.address, person.label.casefold()) for person in addressed)

    def course(self, passage: Passage) -> Course | None:
        """What happens to the copy; ``None`` if there is no such copy."""
        name = self.recipient.casefold()
        return next(
            (
                course
                for course in passage.courses()
                if name in (course.recipient.address, course.recipient.label.casefold())
            ),
            None,
        )


@dataclass(frozen=True)
class FailedCondition:
    """A condition that a copy does not meet, or an exception that it meets.

    :param section: ``conditions`` or ``exceptions``.
    """

    section: str
    atom: Atom

    @property
    def option(self) -> str:
        """The option of a rule that says it: ``conditions.sent_to``."""
        return f"{self.section}.{self.atom.predicate.options[0]}"


@dataclass(frozen=True)
class Standing:
    """How a rule stands to a copy.

    :param acts: whether the rule matches, or may match; :param:`surely`: whether it matches whatever is open.
    :param reached: whether the copy reaches the rule, or would if it were enabled.
    :param in_window: whether its dates may let it act.
    :param failed: the conditions and exceptions that certainly keep it from matching; :param:`met`: whether none may.
    :param rule_view: what the rule sees of the copy.
    """

    rule: FlowRule
    acts: bool
    surely: bool
    reached: bool
    in_window: bool
    failed: tuple[FailedCondition, ...]
    met: bool
    rule_view: RuleView

    @property
    def could_act(self) -> bool:
        """Whether the rule would act if it matched: it is on and enforced, and its dates may let it act."""
        return self.rule.is_on_and_enforced and self.in_window

    @property
    def is_about_it(self) -> bool:
        """Whether no condition keeps the rule from acting."""
        return all(failed.section != "conditions" for failed in self.failed)

    @property
    def misses_by_scope(self) -> bool:
        """Whether the only conditions that keep the rule from acting are those on who is inside or outside."""
        failed = [condition.atom.predicate.options[0] for condition in self.failed if condition.section == "conditions"]
        return bool(failed) and set(failed) <= set(SCOPES)

    @property
    def distance(self) -> int:
        """The number of things that keep the rule from acting."""
        return (
            len(self.failed)
            + (not self.reached)
            + bool(self.rule.idle)
            + (not self.rule.actions.enforced)
            + (not self.in_window)
        )


def standings(rules: RuleSet, copy: Copy, matter: Callable[[FlowRule], bool] | None = None) -> list[Standing]:
    """How each rule stands to a copy, first to last; none if there is no such copy.

    :param matter: whether it matters what keeps a rule from matching; by default it does for all.
    :raises BudgetError: the message and the rules are too complex together.
    """
    world_at: dict[tuple[str, int], World] = {}

    def watch(rule: FlowRule, course: Course) -> None:
        world = next((world for world in course.worlds if not world.over and not world.against_a_guess), None)
        if world is not None:
            world_at.setdefault((course.recipient.address, rule.place), world)

    decider = MessageDecider(rules, copy.message, copy.facts, everything=True)
    passage = Passage(rules, copy.message, copy.facts, decider, watch=watch)
    course = copy.course(passage)
    if course is None:
        return []
    person = course.recipient
    worlds = [world for world in course.worlds if not world.against_a_guess] or course.worlds
    matched = [{place for _held, place in world.matched} for world in worlds]
    acting = {*set().union(*matched), *(place for world in worlds for _held, place in world.perhaps)}
    last = max((place for address, place in world_at if address == person.address), default=-1)
    ended = any(world.over for world in worlds)
    every = []
    for rule in rules.rules:
        world = world_at.get((person.address, rule.place), worlds[0])
        failed, met = _conditions_of(rule, decider, world, person) if matter is None or matter(rule) else ((), False)
        reached = (person.address, rule.place) in world_at or (bool(rule.idle) and (rule.place < last or not ended))
        every.append(
            Standing(
                rule=rule,
                acts=rule.place in acting,
                surely=all(rule.place in places for places in matched),
                reached=reached,
                in_window=rule.dates.allow(copy.message.date) is not False,
                failed=failed,
                met=met,
                rule_view=RuleView(copy.message, copy.facts, world.content, person, world.fork),
            )
        )
    return every


def _conditions_of(
    rule: FlowRule, decider: MessageDecider, world: World, person: Recipient
) -> tuple[tuple[FailedCondition, ...], bool]:
    """The conditions and exceptions that certainly keep a rule from matching, and whether none may."""
    conditions = [(atom, decider.truth(atom, world, person)) for atom in rule.criteria.conditions]
    exceptions = [(atom, decider.truth(atom, world, person)) for atom in rule.criteria.exceptions]
    failed = (
        *(FailedCondition("conditions", atom) for atom, truth in conditions if truth is False),
        *(FailedCondition("exceptions", atom) for atom, truth in exceptions if truth is True),
    )
    met = all(truth is True for _atom, truth in conditions) and all(truth is False for _atom, truth in exceptions)
    return failed, met
