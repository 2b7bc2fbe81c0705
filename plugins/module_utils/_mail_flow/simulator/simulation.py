# SPDX-License-Identifier: GPL-3.0-or-later
"""A message on its way through the rules.

One recipient is followed at a time, together with everybody who shares the copy. A rule that applies to some of them
splits the copy, whether or not it does anything to it. *The recipient* is the one who is followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..actions.act import Added
from ..actions.deliver import SHARED
from ..budget import spend
from ..conditions.content import decrypted
from ..model.facts import Facts
from ..model.message import Message, Recipient
from ..model.message_recipients import people_behind, recipients_of
from ..model.outcomes import Fate
from ..model.rule_view import Fork, first_content
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .applied_encrypters import EncrypterSimulation
from .copy_splits import STEPS_OF_RULE
from .decider import Decider, MessageDecider
from .rule_application import RuleApplication
from .state import STEPS_OF_WORLD, Course, World, merged

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
    _rule_application: RuleApplication = field(init=False)
    _after: EncrypterSimulation = field(init=False)

    def __post_init__(self) -> None:
        if self.decider is None:
            self.decider = MessageDecider(self.rules, self.message, self.facts)
        self._after = EncrypterSimulation(self.rules, self.message, self.facts, self.decider.conditions)
        self._rule_application = RuleApplication(self.rules, self.message, self.facts, self.decider, self.simplify)

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
        """The courses of :meth:`courses`, but one for each way in which somebody gets the message."""
        people = recipients_of(self.facts, self.message) if people is None else people
        spend(STEPS_OF_WORLD * len(people))
        starts = self._starts(people)
        todo = [self._follow(person, starts, 0) for person in people]
        yield from todo
        followed: dict[tuple[object, ...], set[str]] = {}
        while todo:
            for way, is_followed in self._ways_of_copies(todo.pop(0), followed):
                if is_followed:
                    todo.append(way)
                yield way

    def _ways_of_copies(
        self, course: Course, followed: dict[tuple[object, ...], set[str]]
    ) -> Iterator[tuple[Course, bool]]:
        """The ways in which people get the copies that rules make of one, each with whether the copies that rules make of
        that are followed, too: not those beyond :data:`MOST_COPIES`.

        :param followed: the copies that are followed, each with the people from whose copies it is made; grows.
        """
        sources = {course.recipient.address}.union(*course.sources)
        for added, worlds in course.additions.items():
            copy = (added, *(_origin(added, world) for world in worlds))
            if copy in followed:
                followed[copy] |= sources
                continue
            is_followed = len(followed) < MOST_COPIES
            if is_followed:
                followed[copy] = set(sources)
            people = people_behind(self.facts, added.address, added.rule)
            spend(STEPS_OF_WORLD * (len(people) + len(worlds)))
            for person in people:
                if self._has_already(person, added, course):
                    continue
                way = (
                    self._of_added(person, people, added, worlds, course)
                    if is_followed
                    else Course(person, worlds, too_many=True, by=added)
                )
                way.sources = (followed.get(copy, sources),)
                yield way, is_followed

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
        start = World(self._rule_application.interned(first_content(self.message)), Fork(people))
        decrypts = decrypted(self.message, self.facts)
        if decrypts is True:
            return [start]
        return [
            start.answering(decrypts, True),
            start.answering(decrypts, False).with_changes(fate=Fate.REJECTED, over=True),
        ]

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
                world.with_changes(
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
            world.with_changes(fate=Fate.NOBODY, over=True, held=0, matched=(), perhaps=frozenset()) for world in missed
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
            may_apply = [
                not world.over and not self.decider.matches_nobody(rule, world, person) for world in course.worlds
            ]
            if True not in may_apply:
                continue
            worlds: list[World] = []
            for world, applies in zip(course.worlds, may_apply, strict=True):
                worlds += self._rule_application.worlds_after(rule, world, course) if applies else [world]
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


def _shown(world: World) -> tuple[int, int]:
    """What in a world makes further rules candidates: changed content, and recipients whom rules added."""
    return id(world.content), sum(1 for person, _reasons in world.fork.perhaps if person.brought_by)


def _origin(added: Added, world: World) -> tuple[object, ...]:
    """What of a world the copy depends on that a rule makes in it. Whom else rules added counts only if they share it."""
    start = world if _away(added, world) else world.with_changes(added=())
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
