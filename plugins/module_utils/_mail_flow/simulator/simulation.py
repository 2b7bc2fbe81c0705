# SPDX-License-Identifier: GPL-3.0-or-later
"""A message on its way through the rules.

One recipient is followed at a time, together with everybody who shares the copy. A rule that applies to some of them
splits the copy, whether or not it does anything to it. *The recipient* is the one who is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..actions.act import Added, Scene
from ..actions.deliver import SHARED
from ..budget import spend
from ..conditions.content import decrypted
from ..model import questions
from ..model.facts import Facts
from ..model.kleene import Open, Reason, Truth, all_of, any_of, evaluate
from ..model.message import Message, Recipient
from ..model.message_recipients import people_behind, recipients_of
from ..model.outcomes import Fate
from ..model.rule_view import Content, Fork, first_content
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .applied_encrypters import EncrypterSimulation
from .copy_splits import STEPS_OF_RULE, CopySplits
from .decider import Decider, MessageDecider, hidden, whether_counted, whether_met, whether_taken_along
from .effects import beside_content, enforced, in_audit
from .state import STEPS_OF_WORLD, Course, World, merged, without

#: The maximum number of worlds to follow for a recipient; beyond that, the answer is unknown.
MOST_WORLDS = 128

#: The maximum number of copies made by rules to follow; what happens to the others is unknown.
MOST_COPIES = 256


@dataclass(slots=True)
class Passage:
    """One message and one rule set.

    :param decider: decides which rules match; by default the message does.
    :param watch: called with each rule that may match, and the course before the rule is applied.
    :param simplify: what later rules and the outcome need to know of a world after a rule; by default everything.
    :param by_rules: whether worlds in which other rules matched stay apart.
    :param gives_up: whether to end where there are too many worlds, since nothing is certain any more.
    """

    rules: RuleSet
    message: Message
    facts: Facts
    decider: Decider = None  # type: ignore[assignment]
    watch: Callable[[FlowRule, Course], None] | None = None
    simplify: Callable[[World], World] | None = None
    gives_up: bool = False
    by_rules: bool = False
    _contents: dict[Content, Content] = field(default_factory=dict)
    _splits: CopySplits = field(init=False)
    _after: EncrypterSimulation = field(init=False)

    def __post_init__(self) -> None:
        if self.decider is None:
            self.decider = MessageDecider(self.rules, self.message, self.facts)
        self._after = EncrypterSimulation(self.rules, self.message, self.facts, self.decider.conditions)
        self._splits = CopySplits(self.rules, self.decider, self.facts.observed)

    def courses(self, people: tuple[Recipient, ...] | None = None) -> list[Course]:
        """What happens to the copy of each recipient: those of the message first, then those whom rules add.

        :param people: the recipients; by default those whom the message names.
        """
        courses: dict[str, Course] = {}
        for course in self.ways(people):
            known = courses.get(course.recipient.address)
            courses[course.recipient.address] = course if known is None else twice(known, course)
        return list(courses.values())

    def ways(self, people: tuple[Recipient, ...] | None = None) -> Iterator[Course]:
        """The same, but each way in which somebody gets the message is a course of its own."""
        people = recipients_of(self.facts, self.message) if people is None else people
        spend(STEPS_OF_WORLD * len(people))
        starts = self._starts(people)
        todo = [self._follow(person, starts, 0) for person in people]
        yield from todo
        followed: dict[tuple[object, ...], set[str]] = {}
        while todo:
            course = todo.pop(0)
            sources = {course.recipient.address}.union(*course.sources)
            for added, worlds in course.additions.items():
                copy = (added, *(_origin(added, world) for world in worlds))
                if copy in followed:
                    followed[copy] |= sources
                    continue
                goes_on = len(followed) < MOST_COPIES
                if goes_on:
                    followed[copy] = set(sources)
                people = people_behind(self.facts, added.address, added.rule)
                spend(STEPS_OF_WORLD * (len(people) + len(worlds)))
                for person in people:
                    if self._has_already(person, added, course):
                        continue
                    new = (
                        self._of_added(person, people, added, worlds, course)
                        if goes_on
                        else Course(person, worlds, too_many=True, by=added)
                    )
                    new.sources = (followed.get(copy, sources),)
                    todo += [new] if goes_on else []
                    yield new

    def course(self, address: str) -> Course | None:
        """What happens to one recipient's copy; ``None`` if the message is not for them."""
        if self.rules.adds or self._after.sends:
            return next((course for course in self.courses() if course.recipient.address == address), None)
        people = recipients_of(self.facts, self.message)
        return next(
            (self._follow(person, self._starts(people), 0) for person in people if person.address == address), None
        )

    def way_of(self, person: Recipient) -> Course:
        """What happens to the copy of somebody who has it alone, without the copies that rules make of it."""
        return self._follow(person, self._starts((person,)), 0)

    def _starts(self, people: tuple[Recipient, ...]) -> list[World]:
        """The worlds before the first rule: Exchange may have rejected what it must decrypt but cannot."""
        start = World(self._interned(first_content(self.message)), Fork(people))
        decrypts = decrypted(self.message, self.facts)
        if decrypts is True:
            return [start]
        return [start.answering(decrypts, True), start.answering(decrypts, False).but(fate=Fate.REJECTED, over=True)]

    def _of_added(
        self, person: Recipient, people: tuple[Recipient, ...], added: Added, worlds: list[World], course: Course
    ) -> Course:
        """The copy of somebody whom a rule added. It shares the path of the copy that it was made from; a world in
        which nobody was added has no such copy.

        :param people: everybody who was added with that person, as members of a group.
        """
        here = {member.address for member in people}
        starts = []
        for world in worlds:
            if world.fate == Fate.NOBODY:
                starts.append(world)
                continue
            together = self._sent_away(added, world) if _away(added, world) else world.fork
            others = tuple(other for other in together.sure if other.address not in here)
            perhaps = tuple(other for other in together.perhaps if other[0].address not in here)
            fork = Fork(others, (*perhaps, *((member, (added.doubt,)) for member in people)))
            spend(STEPS_OF_RULE * (len(others) + len(perhaps)))
            shares = world.fate in SHARED and not added.instead
            starts.append(
                world.but(
                    fork=fork,
                    fate=world.fate if shares else Fate.DELIVERED,
                    over=world.over if shares else world.stopped,
                    added=(),
                )
            )
        new = self._follow(person, starts, added.place + 1, added)
        if self._after.is_made(added):
            return new
        # If a rule wants several fates, it is open which one applies.
        missed = [world for world in course.worlds if added not in world.added] + [
            world for world in worlds if added.instead and world.fate != Fate.REDIRECTED
        ]
        new.worlds += [
            world.but(fate=Fate.NOBODY, over=True, held=0, matched=(), perhaps=frozenset()) for world in missed
        ]
        return new

    def _has_already(self, person: Recipient, added: Added, course: Course) -> bool:
        """Whether a DLP rule adds somebody to their own copy."""
        return not added.instead and person.address == course.recipient.address and self._after.is_made(added)

    def _sent_away(self, added: Added, world: World) -> Fork:
        """The people who share the copy that a rule redirects: everybody whom it redirects to or adds."""
        additions = (addition for addition in world.added if addition.place == added.place)
        people = {
            person.address: (person, (addition.doubt,))
            for addition in additions
            for person in people_behind(self.facts, addition.address, addition.rule)
        }
        return Fork((), tuple(people.values()))

    def _follow(self, person: Recipient, starts: list[World], place: int, by: Added | None = None) -> Course:
        course = self._through_rules(person, starts, place, by)
        if self._after.sends:
            course.additions.update(self._after.copies(course.worlds, person, by))
        worlds = [new for world in course.worlds for new in self._after.worlds(world, person, by)]
        course.worlds = merged(worlds, by_rules=self.by_rules) if len(worlds) > 1 else worlds
        return course

    def _through_rules(self, person: Recipient, starts: list[World], place: int, by: Added | None) -> Course:
        """What the mail flow rules do to a copy."""
        course = Course(person, merged(starts, by_rules=self.by_rules), by=by)
        if "NDR" in (self.message.types or ()):
            return course
        contents: set[tuple[int, int]] = set()
        todo = 0
        for world in course.worlds:
            contents.add(_shown(world))
            todo |= self.decider.candidates(world) & -(1 << place)
        while todo:
            lowest = todo & -todo
            todo ^= lowest
            rule = self.rules.rules[lowest.bit_length() - 1]
            spend(STEPS_OF_RULE * len(course.worlds))
            if self.watch:
                self.watch(rule, course)
            going = [not world.over and not self.decider.matches_nobody(rule, world, person) for world in course.worlds]
            if True not in going:
                continue
            worlds: list[World] = []
            for world, goes in zip(course.worlds, going, strict=True):
                worlds += self._step(rule, world, course) if goes else [world]
            if len(worlds) > 1:
                spend(len(worlds) * STEPS_OF_WORLD)
                worlds = merged(worlds, by_rules=self.by_rules)
                if len(worlds) > MOST_WORLDS:
                    course.too_many = True
                    worlds = worlds[:MOST_WORLDS]
            course.worlds = worlds
            for world in worlds:
                if (shown := _shown(world)) not in contents:
                    contents.add(shown)
                    todo |= self.decider.candidates(world) & -(lowest << 1)
            if all(world.over for world in worlds) or (course.too_many and self.gives_up):
                break
        return course

    def _step(self, rule: FlowRule, world: World, course: Course) -> list[World]:
        """The worlds after a rule was evaluated."""
        person = course.recipient
        added = course.by is not None
        after: list[World] = []
        decided = self._decide(rule, world, person, added)
        if decided[0] == (world, False) and not (rule.criteria.splits or person.brought_by):
            return [world]
        scene = Scene(
            self.message,
            self.facts,
            person,
            rule.place == len(self.rules.rules) - 1,
            self.rules.watches_protection,
            self.rules.headers,
        )
        if hidden(self.message, world.content) and rule.actions.changes_content:
            after = [new for branch, acts in decided for new in self._unprocessed(rule, branch, acts, scene)]
            decided = []
        for branch, acts in self._splits.after(rule, decided, person) if decided else ():
            if not acts:
                after.append(branch)
                continue
            branch = branch.but(matched=(*branch.matched, (branch.held, rule.place)))
            after += enforced(rule, branch, scene) if rule.actions.enforced else in_audit(rule, branch, scene)
        return self._with_copies_made(rule, world, after, course)

    def _with_copies_made(self, rule: FlowRule, before: World, after: list[World], course: Course) -> list[World]:
        """The worlds after a rule. Adds to the course the copies that the rule made."""
        known = len(before.added)
        worlds = []
        for world in after:
            content = world.content if world.content is before.content else self._interned(world.content)
            if content is not world.content:
                world = world.but(content=content)
            if world.fate == Fate.REJECTED and self.rules.reports and self._would_report(rule, world, course):
                world = world.but(rests_on=world.rests_on | {questions.AFTER_REJECTION})
            for added in world.added[known:]:
                course.additions.setdefault(added, []).append(world)
            worlds.append(world)
        return worlds if self.simplify is None else [self.simplify(world) for world in worlds]

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
            return [world.but(fork=without(world.fork, frozenset(), doubtful)) if doubtful else world]
        counts = Reason(questions.A_FACT, "hidden_and_matched", (rule.name,))
        world = world.but(perhaps=world.perhaps | {(world.held, rule.place)}, asides=world.asides | {counts})
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
        later = (self.rules.rules[place] for place in self.rules.reports if place > rule.place)
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
            acts = all_of((whether_taken_along(rule, person), others))
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
        return any_of(whether_met(self.decider, rule, world, other, False, answers) for other in named)

    def _matches(self, rule: FlowRule, world: World, person: Recipient) -> list[tuple[World, bool]]:
        """Whether a rule matches somebody: one world if known, otherwise one for each answer."""
        answers = world.answered() if world.answers else {}
        left: Open | None = None
        for value in self.decider.parts(rule, world, person, False):
            evaluated = evaluate(value, answers)
            if evaluated is False:
                return [(world, False)]
            if left is None and evaluated is not True:
                left = evaluated
        if left is None:
            return [(world, True)]
        branches = [world.answering(left, value) for value in (True, False)]
        return [decided for branch in branches for decided in self._matches(rule, branch, person)]

    def _interned(self, content: Content) -> Content:
        """Equal content that was seen before, with its cached results."""
        return self._contents.setdefault(content, content)


def _shown(world: World) -> tuple[int, int]:
    """What in a world makes further rules candidates: changed content, and recipients whom rules added."""
    return id(world.content), sum(1 for person, _reasons in world.fork.perhaps if person.brought_by)


def _origin(added: Added, world: World) -> tuple[object, ...]:
    """What of a world the copy depends on that a rule makes in it. Whom else rules added counts only if they share it."""
    start = world if _away(added, world) else world.but(added=())
    return (start.state, world.matched, world.perhaps)


def _away(added: Added, world: World) -> bool:
    """Whether a copy goes only to people whom a rule added, in a world right after that."""
    return added.instead or world.fate == Fate.REDIRECTED


def twice(one: Course, other: Course) -> Course:
    """The course of somebody who gets the message in two ways. Both count: only what they agree on is known.

    If one of them is certain, it does not matter that the other may not exist.
    """
    worlds = [*one.worlds, *other.worlds]
    if any(all(world.fate != Fate.NOBODY for world in way.worlds) for way in (one, other)):
        worlds = [world for world in worlds if world.fate != Fate.NOBODY]
    return Course(
        one.recipient,
        merged(worlds),
        one.too_many or other.too_many,
        one.by,
        twice=True,
        # A copy from the sender is made of nothing.
        sources=(*(one.sources or (set(),)), *(other.sources or (set(),))),
    )
