# SPDX-License-Identifier: GPL-3.0-or-later
"""What one rule does to a copy of one message."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..actions.act import Scene
from ..budget import spend
from ..model import questions
from ..model.facts import Facts
from ..model.kleene import Open, Reason, Truth, all_of, any_of, evaluate
from ..model.message import Message, Recipient
from ..model.outcomes import Fate
from ..model.rule_view import Content
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .copy_splits import STEPS_OF_RULE, CopySplits
from .decider import Decider, hidden, whether_counted, whether_met, whether_taken_along
from .effects import beside_content, enforced, in_audit
from .state import Course, World, without


class RuleApplication:
    """Applies the rules of a set to the copies of a message, one rule and one world at a time.

    :param decider: decides which rules match.
    :param simplify: what later rules and the outcome need to know of a world after a rule; by default everything.
    """

    __slots__ = ("_contents", "_decider", "_facts", "_message", "_rules", "_simplify", "_splits")

    def __init__(
        self,
        rules: RuleSet,
        message: Message,
        facts: Facts,
        decider: Decider,
        simplify: Callable[[World], World] | None,
    ) -> None:
        self._rules = rules
        self._message = message
        self._facts = facts
        self._decider = decider
        self._simplify = simplify
        self._splits = CopySplits(rules, decider, facts.observed)
        self._contents: dict[Content, Content] = {}

    def interned(self, content: Content) -> Content:
        """Equal content that was seen before, with its cached results."""
        return self._contents.setdefault(content, content)

    def worlds_after(self, rule: FlowRule, world: World, course: Course) -> list[World]:
        """The worlds after a rule was evaluated."""
        person = course.recipient
        added = course.by is not None
        after: list[World] = []
        decided = self._decide(rule, world, person, added)
        if decided[0] == (world, False) and not (rule.criteria.splits or person.brought_by):
            return [world]
        scene = Scene(
            self._message,
            self._facts,
            person,
            rule.place == len(self._rules.rules) - 1,
            rule.place < self._rules.last_watching_protection,
            self._rules.headers,
        )
        if hidden(self._message, world.content) and rule.actions.changes_content:
            after = [new for branch, acts in decided for new in self._unprocessed(rule, branch, acts, scene)]
            decided = []
        for branch, acts in self._splits.after(rule, decided, person) if decided else ():
            if not acts:
                after.append(branch)
                continue
            branch = branch.with_changes(matched=(*branch.matched, (branch.held, rule.place)))
            after += enforced(rule, branch, scene) if rule.actions.enforced else in_audit(rule, branch, scene)
        return self._with_copies_made(rule, world, after, course)

    def _with_copies_made(self, rule: FlowRule, before: World, after: list[World], course: Course) -> list[World]:
        """The worlds after a rule. Adds to the course the copies that the rule made."""
        known = len(before.added)
        worlds = []
        for world in after:
            content = world.content if world.content is before.content else self.interned(world.content)
            if content is not world.content:
                world = world.with_changes(content=content)
            if world.fate == Fate.REJECTED and self._rules.reports and self._would_report(rule, world, course):
                world = world.with_changes(rests_on=world.rests_on | {questions.AFTER_REJECTION})
            for added in world.added[known:]:
                course.additions.setdefault(added, []).append(world)
            worlds.append(world)
        return worlds if self._simplify is None else [self._simplify(world) for world in worlds]

    def _unprocessed(self, rule: FlowRule, world: World, acts: bool, scene: Scene) -> list[World]:
        """The worlds after a rule that cannot act on content hidden by S/MIME.

        Whether it does its other actions, and so splits the message, is not documented, nor whether it counts as
        matched.
        """
        person = scene.recipient
        others = beside_content(rule) if rule.actions.enforced else frozenset()
        why = Reason(questions.A_FACT, "hidden_from_rule", (rule.name,))
        if not acts:
            parted = self._splits.matches(rule, world, person) if others and self._splits.watches(rule) else {}
            doubtful: dict[Recipient, tuple[Reason, ...]] = {
                other: (why,) for other, match in parted.items() if match is not False and other in world.fork.sure
            }
            return [world.with_changes(fork=without(world.fork, frozenset(), doubtful)) if doubtful else world]
        counts = Reason(questions.A_FACT, "hidden_and_matched", (rule.name,))
        world = world.with_changes(perhaps=world.perhaps | {(world.held, rule.place)}, asides=world.asides | {counts})
        if not others:
            return [world]
        done = Open(("smime", rule.place), (why,))
        split = self._splits.after(rule, [(world.answering(done, True), True)], person)
        return [
            world.answering(done, False),
            *(new for branch, _acts in split for new in enforced(rule, branch, scene, others)),
        ]

    def _would_report(self, rule: FlowRule, world: World, course: Course) -> bool:
        """Whether a later rule would report a rejected message, if rules went on."""
        later = (self._rules.rules[place] for place in self._rules.reports if place > rule.place)
        return any(
            match
            for later_rule in later
            for _world, match in self._decide(later_rule, world, course.recipient, course.by is not None)
        )

    def _decide(self, rule: FlowRule, world: World, person: Recipient, added: bool) -> list[tuple[World, bool]]:
        """Whether a rule acts on somebody's copy: one world if known, otherwise one for each answer."""
        decided = self._matches(rule, world, person)
        if not (added and rule.parts_added):
            return decided
        return [new for branch, matches in decided for new in self._on_added(rule, branch, person, matches)]

    def _on_added(self, rule: FlowRule, world: World, person: Recipient, matches: bool) -> Iterator[tuple[World, bool]]:
        """Whether a rule acts on the copy of somebody whom another rule added: on whom it matches, if it looks at them. If it
        does not, it may act on their copy as it does on that of others who share it.
        """
        others = self._others_matched(rule, world) if rule.may_take_along else False
        if matches:
            acts: Truth = whether_counted(person, beside_others=others is True)
        else:
            acts = all_of((whether_taken_along(rule.name, person), others))
        if isinstance(acts, Open):
            acts = evaluate(acts, world.answered())
        if isinstance(acts, bool):
            yield world, acts
        else:
            yield from ((world.answering(acts, value), value) for value in (True, False))

    def _others_matched(self, rule: FlowRule, world: World) -> Truth:
        """Whether a rule matches somebody of a copy whom the sender named."""
        named = [other for other in world.fork.people if not other.brought_by]
        answers = world.answered()
        spend(STEPS_OF_RULE * len(named))
        return any_of(whether_met(self._decider, rule, world, other, False, answers) for other in named)

    def _matches(self, rule: FlowRule, world: World, person: Recipient) -> list[tuple[World, bool]]:
        """Whether a rule matches somebody: one world if known, otherwise one for each answer."""
        answers = world.answered() if world.answers else {}
        left: Open | None = None
        for value in self._decider.parts(rule, world, person, False):
            evaluated = evaluate(value, answers)
            if evaluated is False:
                return [(world, False)]
            if left is None and evaluated is not True:
                left = evaluated
        if left is None:
            return [(world, True)]
        branches = [world.answering(left, value) for value in (True, False)]
        return [decided for branch in branches for decided in self._matches(rule, branch, person)]
