# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do to copies that meet the same rules.

A copy passes the rules in the simulator itself. Only the matches are looked up, because they were decided for all
copies before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, TypeAlias

from ..._exchange.text import value_text
from ..._resources.rules.action_effects import Does
from ..actions.actions import BY_OPTION
from ..analyses.difference_kinds import Treated, treated_in_worlds
from ..analyses.finding import SideEffect
from ..analyses.open_findings import effects_of
from ..budget import BudgetError, spend
from ..conditions.keys import HEADER
from ..conditions.predicate import Atom
from ..model import questions
from ..model.encrypters import LOOKS, KnownEncrypters
from ..model.facts import Facts
from ..model.header_edits import ADDED
from ..model.kleene import Open, Reason, Truth, opened
from ..model.message import Message, Recipient
from ..model.outcomes import Fate, ProtectionKind
from ..model.reason_kinds import UntracedKind
from ..model.rule_view import first_content
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.copy_result import CopyResult
from ..simulator.decider import whether_counted
from ..simulator.results import result
from ..simulator.simulation import MOST_WORLDS, Passage, twice
from ..simulator.state import Course, World
from .conditions import kind_of_field
from .ending import fates_kept_back, surely_goes_on, whether_ends
from .truth_sets import DLP_AND_LABELS, Doubt, Unknown

#: The effects of actions that decide what happens to a copy. All others only affect conditions, which are decided
#: before.
_DECIDES = frozenset(
    (
        Does.ENCRYPT,
        Does.DECRYPT,
        Does.BRAND,
        Does.DELETE,
        Does.QUARANTINE,
        Does.REJECT,
        Does.REDIRECT,
        Does.MODERATE,
        Does.STOP,
    )
)


@dataclass(frozen=True, slots=True)
class SeenByDlp:
    """What is known of the DLP rules behind a rule set, on a copy.

    :param conditions: the numbers of their conditions, and whether each is true.
    :param matches: whether each rule matches, first to last. Equal questions have equal answers.
    """

    conditions: tuple[tuple[int, Truth], ...] = ()
    matches: tuple[Truth, ...] = ()


#: The questions that all must be answered so for a copy to meet a rule.
Asked: TypeAlias = tuple[tuple[int, bool], ...]

#: The number of ways through rules, and of changes between two, that are remembered: one may have thousands of worlds.
MOST_KNOWN = 500


#: The cost, in steps, of a way through rules, of each rule on it, and of each world at its end.
_STEPS_OF_WAY, _STEPS_OF_RULE, _STEPS_OF_END = 1000, 100, 200


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A rule that a copy meets, or may meet; or several consecutive ones that may be met and do the same.

    :param rules: their places in the rule set.
    :param asks: for each of them, the questions on which it depends whether it is met, and the answers; see :class:`Doubt`.
    :param why: why it is open whether they are met; ``None`` if they are.
    """

    rules: tuple[int, ...]
    asks: frozenset[Asked] = frozenset()
    why: Unknown | None = None

    def joins(self, doubt: Doubt) -> bool:
        """Whether a further rule can be one with these: not if it asks the opposite of one of them."""
        return not any(((number, not answer),) in self.asks for number, answer in doubt.asks)

    @property
    def question(self) -> tuple[Hashable, bool]:
        """What it depends on whether one of them is met, and the answer if it is: one question of a condition, which an
        exception asks, too; otherwise the whole of it.
        """
        if len(self.asks) == 1:
            (asked,) = self.asks
            if len(asked) == 1:
                return asked[0]
        return self.asks, True


@dataclass(frozen=True, eq=False)
class ChainOutcome:
    """What becomes of copies that meet rules that do the same in the same order, whatever the rules are called and ask.
    Each is equal to itself alone.

    :param outcome: the recipient's result, as the simulator gives it, with the number of a step in place of its rule.
    :param by_rules: the same without DLP rules and labels.
    :param because: why it is open, with the steps that decide it: their numbers.
    :param dlp: what is known of the DLP rules.
    """

    outcome: CopyResult
    by_rules: CopyResult
    course: Course
    message: Message
    because: Sequence[tuple[Unknown, tuple[int, ...]]]
    worlds: Sequence[tuple[World, Treated]]
    dlp: SeenByDlp = SeenByDlp()

    @property
    def is_open(self) -> bool:
        """Whether more than one thing may become of the copies: by their ways through the rules, or by DLP rules and
        labels behind these.
        """
        return len(self.worlds) > 1 or self.course.too_many or any(one.by_rules for _world, one in self.worlds)


@dataclass(frozen=True, eq=False)
class FollowedCopies:
    """What happens to the copies that meet the same rules.

    :param steps: the steps that they pass, and :param:`names` the names of all rules.
    :param asked: what steps ask, with its number in the outcome.
    :param asks: what the rules do and what is open of them: copies of which this is equal in another rule set are
        treated equally there.
    :param end_of_rules: the place of the rule that certainly ends them; ``None`` if none does.
    """

    end: ChainOutcome
    steps: tuple[ChainStep, ...]
    names: Sequence[str]
    asked: Mapping[Hashable, int]
    asks: Hashable
    end_of_rules: int | None

    @property
    def outcome(self) -> CopyResult:
        """The recipient's result, with the names of the rules that protect the copy."""
        numbers = self.end.outcome.protected_by
        named = [self.names[self.steps[int(number)].rules[0]] if number else "" for number in numbers]
        return replace(self.end.outcome, protected_by=tuple(dict.fromkeys(named)))

    @property
    def because(self) -> tuple[Unknown, tuple[int, ...]]:
        """The first reason why it is open what becomes of the copies, and the rules that decide it."""
        return min(
            (why, tuple(place for number in numbers for place in self.steps[number].rules))
            for why, numbers in self.end.because
        )

    @property
    def undecided(self) -> bool:
        """Whether it is open what happens to the copy, or whether it is protected."""
        return _is_undecided(self.end.outcome)

    @property
    def encrypted(self) -> bool | None:
        """Whether rules encrypt the copy, whatever DLP rules and labels do after them; ``None`` if that is open."""
        return None if _is_undecided(self.end.by_rules) else bool(self.end.by_rules.protected_by)


def _is_undecided(outcome: CopyResult) -> bool:
    """Whether it is open what happens to a copy, or whether it is protected."""
    return outcome.fate == Fate.UNKNOWN or outcome.protection == ProtectionKind.UNKNOWN


@dataclass(frozen=True, eq=False)
class MadeCopy:
    """What becomes of a copy that rules make of another one. Each is equal to itself alone.

    :param asks: what this depends on: copies with equal values in two rule sets are treated alike.
    :param dlp: what is known of the DLP rules.
    """

    course: Course
    message: Message
    asks: Hashable
    dlp: SeenByDlp


class Chain:
    """A rule set that copies pass whose conditions are decided.

    :param rules: the rule set; :param:`identities`: what each of its rules looks at and does.
    :param side_effects: whether what rules do beside matters, too; place of a rule to that.
    """

    def __init__(self, rules: RuleSet, facts: Facts, *, with_side_effects: bool = False) -> None:
        self.rules, self.facts = rules, facts
        #: The organization without DLP rules and labels.
        self._rules_alone = replace(facts, encrypters=KnownEncrypters())
        own = tuple(map(_identity, rules.rules))
        #: For each rule that looks at all who share a copy: the places of earlier rules that split copies, or add people.
        self.earlier = tuple(_splitting_before(rule, rules) if _looks_around(rule) else () for rule in rules.rules)
        #: For each rule, and behind the last one: what earlier rules change of messages, and what these are.
        self.changes: tuple[tuple[tuple[Hashable, frozenset[str]], ...], ...] = _changes_before(rules, own)
        #: The same for the DLP rules behind all rules.
        self.changes_before_dlp = self.changes[-1]
        self._own = own
        #: With the earlier rules that change what a rule looks at, and those that split it: it may be met in another way
        #: without them.
        self.identities = tuple(
            (*self.identity_but_for_splits(place), *(("earlier", own[other]) for other in earlier))
            for place, earlier in enumerate(self.earlier)
        )
        self.effects = tuple(map(_effect, rules.rules))
        #: For each rule, whether it ends the copies that it acts on; ``None`` if that is open.
        self.ends = tuple(whether_ends(rule, facts.observed) for rule in rules.rules)
        self.side_effects = _side_effects(rules) if with_side_effects else {}
        #: The rules that decide what happens to a copy, those that make others of it, and those that do something beside.
        self.deciding = tuple(rule for rule in rules.rules if not rule.idle and self._matters(rule))
        self.making = frozenset(rule.place for rule in rules.rules if makes(rule))
        self._names = tuple(rule.name for rule in rules.rules)
        self._acts = tuple(
            identity if rule.actions.surprises else _acts(rule)
            for rule, identity in zip(rules.rules, self.identities, strict=True)
        )
        self._marks = tuple(map(_marks, rules.rules))
        self._known: dict[Hashable, ChainOutcome] = {}

    @cached_property
    def keeping_back(self) -> dict[int, frozenset[Fate]]:
        """The places of the rules that keep copies back that they act on, and what becomes of these."""
        fates = {rule.place: fates_kept_back(rule, self.facts.observed) for rule in self.deciding}
        return {place: of_rule for place, of_rule in fates.items() if of_rule}

    @cached_property
    def continuing(self) -> frozenset[int]:
        """The places of the rules behind which later rules surely act."""
        return frozenset(rule.place for rule in self.rules.rules if surely_goes_on(rule, self.facts.observed))

    def identity_but_for_splits(self, place: int) -> tuple[Hashable, ...]:
        """The identity of a rule without the earlier rules that split copies."""
        return (self._own[place], *changing(self.changes[place], self.rules.rules[place].criteria.atoms))

    def changing_before(self, place: int, atom: Atom) -> list[FlowRule]:
        """The rules before one that change what a condition of it looks at."""
        looked = _looked_at(atom)
        return [earlier for earlier in self.rules.rules[:place] if not looked.isdisjoint(_changed_by(earlier))]

    def _matters(self, rule: FlowRule) -> bool:
        """Whether a rule decides what happens to a copy, makes others of it, or does something beside."""
        return self.effects[rule.place] is not None or makes(rule) or rule.place in self.side_effects

    def steps(self, met: Sequence[tuple[int, Doubt | None]], common: frozenset[Hashable]) -> tuple[ChainStep, ...]:
        """The steps of a copy, first to last, up to the first rule that certainly ends it.

        :param met: the places of the rules that it meets, and why that is open.
        :param common: the identities of rules that another rule set also has: only steps with equal ones are merged.
        """
        steps: list[ChainStep] = []
        alike: dict[Hashable, int] = {}
        for place, doubt in met:
            rule, identity = self.rules.rules[place], self.identities[place]
            if self.effects[place] is None:
                continue
            holds = self.ends[place] is not False
            # The order of rules that end nothing, and of those with one effect, does not matter.
            kind = (self.effects[place], identity in common)
            at = alike.get(kind, -1)
            if doubt and at >= 0 and steps[at].joins(doubt) and (not holds or at == len(steps) - 1):
                step = steps[at]
                steps[at] = ChainStep((*step.rules, place), step.asks | {doubt.asks}, step.why)
                continue
            if holds:
                alike.clear()
            if doubt and not rule.actions.surprises:
                alike[kind] = len(steps)
            steps.append(ChainStep((place,), frozenset((doubt.asks,)), doubt.why) if doubt else ChainStep((place,)))
            if not doubt and self.ends[place]:
                break
        return tuple(steps)

    def follow(
        self,
        steps: tuple[ChainStep, ...],
        message: Message,
        person: Recipient,
        alike: Hashable,
        dlp: SeenByDlp,
    ) -> FollowedCopies:
        """What happens to a copy.

        :param alike: what it depends on besides the rules: copies with equal values are treated alike.
        :param dlp: what is known of the DLP rules.
        """
        known: dict[Hashable, int] = {}
        asked = [(known.setdefault(what, len(known)), answer) for what, answer in (step.question for step in steps)]
        acts = [self._acts[step.rules[0]] for step in steps]
        key = (*zip(acts, asked, (step.why for step in steps), strict=True), alike, dlp)
        end = self._known.get(key)
        if end is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            try:
                end = self._known[key] = self._simulated(steps, asked, message, person, dlp)
            except BudgetError:
                # Too many others that meet other rules were followed.
                end = _not_followed(message, person, [(Unknown("kinds"), ())])
        open_ = [(step.asks, step.why) for step in steps]
        asks = (tuple(zip(acts, open_, strict=True)), self._protection_by, dlp)
        last = steps[-1] if steps else None
        end_of_rules = last.rules[0] if last and not last.why and self.ends[last.rules[0]] else None
        return FollowedCopies(end, steps, self._names, known, asks, end_of_rules)

    @property
    def _protection_by(self) -> tuple[str, str]:
        """The settings on which protection depends, and what keeps it from working."""
        obstacle = self.facts.encryption.obstacle
        return value_text(self.facts.encryption.irm_configuration), obstacle.cause if obstacle else ""

    def copies(
        self, met: RulesMetByPerson, dlp: Mapping[str, SeenByDlp], message: Message, person: Recipient
    ) -> dict[str, MadeCopy]:
        """The copies that rules make of somebody's copy, by the address of whom they are for.

        :param met: for this copy, and for those that rules may make of it.
        :param dlp: what is known of the DLP rules on these copies, by address.
        """
        places = sorted({place for rules_met in met.values() for place in rules_met})
        spend(_STEPS_OF_WAY + _STEPS_OF_RULE * len(places))
        numbers = {place: number for number, place in enumerate(places)}
        makers = (self._as_maker(number, self.rules.rules[place]) for place, number in numbers.items())
        rules = self.rules.unwatched.with_rules(makers)
        known = {who: {numbers[place]: asked for place, asked in rules_met.items()} for who, rules_met in met.items()}
        decider = TracedDecider(known, (1 << len(places)) - 1, TracedConditions(dlp))
        passage = Passage(rules, message, self.facts, decider, simplify=_untold, gives_up=True)
        courses = _courses_made(passage, person)
        if courses is None:  # What was not followed may make any of them.
            courses = {who: Course(person, [], too_many=True) for who in met if who != person.address}
        asks = tuple(
            (self.identities[place], *((who, rules_met[place]) for who, rules_met in met.items() if place in rules_met))
            for place in places
        )
        every = (asks, self._protection_by, tuple(sorted(dlp.items(), key=lambda item: item[0])))
        return {who: MadeCopy(course, message, every, dlp.get(who, SeenByDlp())) for who, course in courses.items()}

    def worlds_before(
        self, met: Mapping[int, Sequence[Truth]], message: Message, person: Recipient
    ) -> dict[int, list[World]] | None:
        """The worlds of a copy before each of some rules, as far as they tell whether rules go on; nothing for
        a rule before which every world is over. ``None`` if there are too many worlds.

        :param met: the places of these rules, and what must be true for the copy to meet each. It meets no others.
        :raises BudgetError: no steps are left.
        """
        before: dict[int, list[World]] = {}
        after = self._simplified_worlds(
            met, message, person, lambda rule, course: before.update({rule.place: course.worlds})
        )
        return None if after is None else before

    def worlds_after(
        self, met: Mapping[int, Sequence[Truth]], message: Message, person: Recipient
    ) -> list[World] | None:
        """The worlds of a copy after all rules, as far as they tell whether it is delivered. ``None`` if there are too many.

        :param met: as for :meth:`worlds_before`.
        :raises BudgetError: no steps are left.
        """
        return self._simplified_worlds(met, message, person)

    def _simplified_worlds(
        self,
        met: Mapping[int, Sequence[Truth]],
        message: Message,
        person: Recipient,
        watch: Callable[[FlowRule, Course], None] | None = None,
    ) -> list[World] | None:
        spend(_STEPS_OF_WAY + _STEPS_OF_RULE * len(met))
        decider = TracedDecider({person.address: met}, sum(1 << place for place in met))
        content = first_content(message)

        def simplified(world: World) -> World:
            """A world of which only is known what tells whether rules go on, and whether it is delivered."""
            return World(
                content,
                world.fork,
                fate=world.fate,
                over=world.over,
                held=min(world.held, 1),
                surprises=world.surprises,
                answers=world.answers,
            )

        passage = Passage(
            self.rules.unwatched, message, self.facts, decider, watch=watch, simplify=simplified, gives_up=True
        )
        course = passage.way_of(person)
        return None if course.too_many else course.worlds

    def _as_maker(self, number: int, rule: FlowRule) -> FlowRule:
        """A rule with only the effects that decide about copies, or make some."""
        actions, deciding = _deciding(rule, making=True)
        return replace(rule, place=number, name="", actions=replace(rule.actions, options=actions, declared=deciding))

    def _as_step(self, number: int, step: ChainStep) -> FlowRule:
        """A rule with only its deciding effects, and its number as its name. If its match is open, it has no name,
        because it may be any of several.
        """
        rule = self.rules.rules[step.rules[0]]
        actions, deciding = _deciding(rule)
        return replace(
            rule,
            place=number,
            name="" if step.why else str(number),
            actions=replace(rule.actions, options=actions, declared=deciding),
        )

    def _doublings(self, steps: tuple[ChainStep, ...]) -> int:
        """The number of open steps that each double the worlds, because they leave a mark that no other one leaves."""
        marks = [self._marks[step.rules[0]] for step in steps if step.why and self.ends[step.rules[0]] is False]
        mark_counts = Counter(mark for marks_of_step in marks for mark in marks_of_step)
        return sum(any(mark_counts[mark] == 1 for mark in marks_of_step) for marks_of_step in marks)

    def _simulated(
        self,
        steps: tuple[ChainStep, ...],
        asked: Sequence[tuple[int, bool]],
        message: Message,
        person: Recipient,
        dlp: SeenByDlp,
    ) -> ChainOutcome:
        spend(_STEPS_OF_WAY + _STEPS_OF_RULE * len(steps))
        acting = (self._as_step(number, step) for number, step in enumerate(steps))
        rules = self.rules.without_reports.with_rules(acting)
        open_steps: list[tuple[Unknown, tuple[int, ...]]] = [
            (step.why, (number,)) for number, step in enumerate(steps) if step.why
        ]
        met = {
            number: (_question(what, answer, step.why),) if step.why else ()
            for number, ((what, answer), step) in enumerate(zip(asked, steps, strict=True))
        }
        decider = TracedDecider({person.address: met}, (1 << len(steps)) - 1, TracedConditions({person.address: dlp}))
        if 1 << self._doublings(steps) > MOST_WORLDS:  # Too many to try.
            return _not_followed(message, person, open_steps)
        # The recipient has the copy alone: conditions about others are decided.
        passing = partial(Passage, rules, message, decider=decider, simplify=_once, gives_up=True)
        course = passing(facts=self.facts).way_of(person)
        if course.too_many:
            return _not_followed(message, person, open_steps)
        spend(_STEPS_OF_END * len(course.worlds))
        outcome = result(course, rules, message, self.facts) or CopyResult(Fate.UNKNOWN)
        by_rules = outcome
        if any(world.after.every for world in course.worlds):
            left_by_rules = passing(facts=self._rules_alone).way_of(person)
            by_rules = result(left_by_rules, rules, message, self.facts) or CopyResult(Fate.UNKNOWN)
        answered = {question.key for world in course.worlds for question, _answer in world.answers}
        because = [(why, numbers) for why, numbers in open_steps if asked[numbers[0]][0] in answered]
        return ChainOutcome(
            outcome,
            by_rules,
            course,
            message,
            because or _open_in(outcome, tuple(range(len(steps)))),
            treated_in_worlds(course, message, self.facts),
            dlp,
        )


def _courses_made(passage: Passage, person: Recipient) -> dict[str, Course] | None:
    """The courses of the copies that rules make of somebody's copy, by address; ``None`` if not all were followed."""
    courses: dict[str, Course] = {}
    try:
        for course in passage.ways((person,)):
            if course.too_many:
                return None
            if course.by is not None:
                address = course.recipient.address
                courses[address] = twice(courses[address], course) if address in courses else course
    except BudgetError:
        return None
    return courses


def _open_in(outcome: CopyResult, steps: tuple[int, ...]) -> list[tuple[Unknown, tuple[int, ...]]]:
    """Why an outcome is open that no step leaves open: its own reasons, each with all steps."""
    return [(_unknown(reason), steps) for reason in outcome.unknown] or [(Unknown("semantics"), ())]


def _unknown(reason: Reason) -> Unknown:
    """A reason of the simulator as one of a trace."""
    if reason.kind == "untraced":
        return Unknown(reason.values[0], "" if reason.id == questions.A_FACT else reason.id)
    missing = kind_of_field(reason.field) if reason.id == questions.A_FACT else "semantics"
    return Unknown(missing) if missing != "semantics" else Unknown(_KIND_OF_QUESTION.get(reason.id, missing), reason.id)


def _splitting_before(rule: FlowRule, rules: RuleSet) -> tuple[int, ...]:
    """The places of the rules before one that split copies, or add people."""
    return tuple(earlier.place for earlier in rules.rules[: rule.place] if _parts(earlier))


def _side_effects(rules: RuleSet) -> dict[int, frozenset[SideEffect]]:
    """What rules do beside, by their places; without those that do nothing."""
    effects = {rule.place: frozenset(effects_of(rule)) for rule in rules.rules}
    return {place: of_rule for place, of_rule in effects.items() if of_rule}


def _not_followed(
    message: Message, person: Recipient, because: Sequence[tuple[Unknown, tuple[int, ...]]]
) -> ChainOutcome:
    """What is known of a copy that is not followed to its end."""
    too_many = Course(person, [], too_many=True)
    unknown = CopyResult(Fate.UNKNOWN)
    return ChainOutcome(unknown, unknown, too_many, message, because, ())


#: Questions that the trace could answer.
_KIND_OF_QUESTION: Mapping[str, UntracedKind] = {
    questions.AUTHENTICATED: "envelope",
    questions.FORWARDED: "envelope",
    questions.DLP_RULES: DLP_AND_LABELS,
    questions.LABELS: DLP_AND_LABELS,
    questions.SEVERAL_DLP_RULES: DLP_AND_LABELS,
    questions.LABEL_IN_TRANSPORT: DLP_AND_LABELS,
}


#: For each person, by address: the places of the rules that the person's copy meets or may meet, and what must be true for
#: it to meet each; nothing if it does.
RulesMetByPerson: TypeAlias = Mapping[str, Mapping[int, Sequence[Truth]]]


def _question(key: Hashable, answer: bool, why: Unknown) -> Open:
    """A question of which an answer decides that a copy meets a rule."""
    return Open(key, (why.reason,), negated=not answer)


class TracedConditions:
    """Decides the conditions of DLP rules as far as a trace says them.

    :param known: what is known on each person's copy, by the person's address.
    """

    def __init__(self, known: Mapping[str, SeenByDlp]) -> None:
        self._known = {address: dict(seen.conditions) for address, seen in known.items()}

    def truth(self, atom: Atom, world: World, person: Recipient) -> Truth:
        """What the trace says of a condition on the person's copy."""
        truth = self._known.get(person.address, {}).get(atom.number)
        if truth is None:  # Somebody whom nobody expected.
            return opened(("dlp sees", atom.number), questions.DLP_RULES, LOOKS, atom.predicate.options[0])
        return truth


@dataclass(frozen=True, slots=True)
class TracedDecider:
    """Decides that copies meet the rules that a trace says they meet.

    :param rules: the rules that any of them may meet, as bits.
    :param conditions: decides the conditions of DLP rules; ``None`` where these do not matter.
    """

    met: RulesMetByPerson
    rules: int
    conditions: TracedConditions | None = None

    def candidates(self, world: World) -> int:
        """These rules, whatever the world is like."""
        return self.rules

    def matches_nobody(self, rule: FlowRule, world: World, person: Recipient) -> bool:
        """Never: nothing is known of nobody in particular."""
        return False

    def parts(self, rule: FlowRule, world: World, person: Recipient, added: bool) -> Iterator[Truth]:
        """Whether the trace says that the person's copy meets the rule."""
        met = self.met.get(person.address)
        if met is None:  # Somebody whom nobody expected.
            yield Open((person.address, rule.place), (Reason(questions.ADDED_RECIPIENTS, "added"),))
            return
        decision = met.get(rule.place)
        if decision is None:
            yield False
            return
        yield from decision
        if added and rule.parts_added:
            yield whether_counted(person)


def _untold(world: World) -> World:
    """A world in which what is asked for twice is asked for; who was told of it does not matter."""
    return _once(world).but(added=world.added)


def _once(world: World) -> World:
    """A world in which what is asked for twice is asked for."""
    return world.but(
        asked=tuple(sorted(set(world.asked))),
        removed=tuple(sorted(set(world.removed))),
        brands=tuple(sorted(set(world.brands))),
        notified=(),
        added=(),
    )


def _looks_around(rule: FlowRule) -> bool:
    """Whether a rule looks at all who share a copy."""
    return any(atom.looks_around for atom in rule.criteria.atoms)


def _parts(rule: FlowRule) -> bool:
    """Whether a rule may split a copy, or add people to it."""
    return makes(rule) or (not rule.idle and rule.criteria.splits)


def makes(rule: FlowRule) -> bool:
    """Whether a rule may give others a copy, as it acts, or as it is told."""
    return rule.is_on_and_enforced and any(
        BY_OPTION[option].does in (Does.ADD, Does.REDIRECT) for option in rule.actions.declared
    )


#: What rules change of messages beside headers: the action to what conditions look at.
_CHANGES = {
    "prepend_subject": ("subject",),
    "apply_html_disclaimer_text": ("body", "size", "character sets"),
    "apply_classification": ("classification",),
    "set_scl": ("scl",),
    "apply_rights_protection_template": ("protection",),
    "apply_ome": ("protection",),
    "remove_ome": ("protection",),
    "remove_ome_v2": ("protection",),
}


def _changes_before(
    rules: RuleSet, identities: Sequence[Hashable]
) -> tuple[tuple[tuple[Hashable, frozenset[str]], ...], ...]:
    """The earlier rules that change something that conditions look at, for each rule and behind the last one, and what
    that is.
    """
    changes: list[tuple[tuple[Hashable, frozenset[str]], ...]] = []
    before: tuple[tuple[Hashable, frozenset[str]], ...] = ()
    for rule, identity in zip(rules.rules, identities, strict=True):
        changes.append(before)
        changed = _changed_by(rule)
        if changed:
            before = (*before, (identity, changed))
    return (*changes, before)


def _changed_by(rule: FlowRule) -> frozenset[str]:
    """What a rule changes that conditions look at."""
    acts = rule.actions.declared if rule.is_on_and_enforced else {}
    return rule.edits.union(*(looked for option, looked in _CHANGES.items() if option in acts))


def changing(changes: Iterable[tuple[Hashable, frozenset[str]]], atoms: Iterable[Atom]) -> tuple[Hashable, ...]:
    """The rules that change what conditions look at.

    :param changes: rules, and what they change.
    """
    looked = frozenset[str]().union(*map(_looked_at, atoms))
    return tuple(identity for identity, changed in changes if not looked.isdisjoint(changed))


def _looked_at(atom: Atom) -> frozenset[str]:
    """What a condition looks at that rules may change. Of the types of messages, protection makes one."""
    predicate = atom.predicate
    looked = {*atom.headers, *(ADDED[name] for name in predicate.fields), *predicate.slots}
    if predicate.slots == (HEADER,):
        looked.add(str(atom.values[0]).lower())
    if predicate.sort != "type" or atom.values == "PermissionControlled":
        looked.add(predicate.looks_at)
    return frozenset(looked)


def _effect(rule: FlowRule) -> Hashable | None:
    """What a rule does to a copy, the same for rules that do the same; ``None`` if that is nothing."""
    if not rule.actions.enforced:
        return None
    doing = {
        option: value_text(value)
        for option, value in rule.actions.options.items()
        if rule.actions.surprises or _decides(rule, option)
    }
    return (
        (frozenset(doing.items()), rule.actions.by_manager, rule.actions.surprises)
        if doing or rule.actions.surprises or rule.actions.by_manager
        else None
    )


def _deciding(rule: FlowRule, *, making: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """The actions of a rule that decide what happens to a copy, resolved and as it tells them.

    :param making: with those that make others of it.
    """
    actions, deciding = (
        {
            option: value
            for option, value in options.items()
            if rule.actions.surprises or _decides(rule, option) or (making and BY_OPTION[option].does is Does.ADD)
        }
        for options in (rule.actions.options, rule.actions.declared)
    )
    return actions, deciding


def _acts(rule: FlowRule) -> Hashable:
    """Everything that a rule does to a copy that it meets, the same for rules that do the same."""
    if rule.actions.surprises:
        return rule.place
    written = (
        frozenset((option, value_text(value)) for option, value in options.items()) for options in _deciding(rule)
    )
    return (*written, rule.actions.mode, rule.actions.by_manager)


def _marks(rule: FlowRule) -> frozenset[tuple[str, str]]:
    """What a rule that is met leaves on a copy for good: templates that it asked for, and a branding."""
    if not rule.actions.enforced:
        return frozenset()
    brands = map(str, rule.actions.does(Does.BRAND).values())
    return frozenset(
        (*(("template", name) for name in rule.actions.templates), *(("branding", name) for name in brands))
    )


def _decides(rule: FlowRule, option: str) -> bool:
    action = BY_OPTION[option]
    return action.does in _DECIDES or _is_told(rule, *action.fate_if)


def _is_told(rule: FlowRule, option: str, value: str) -> bool:
    return rule.actions.declared.get(option) == value


def _identity(rule: FlowRule) -> Hashable:
    """What a rule looks at and does: two rules with the same are one, whatever their names."""
    sections = (
        frozenset((atom.predicate.options, atom.values, atom.settings) for atom in atoms)
        for atoms in (rule.criteria.conditions, rule.criteria.exceptions)
    )
    acts = frozenset((option, value_text(value)) for option, value in rule.actions.declared.items())
    return (
        *sections,
        acts,
        rule.actions.mode,
        rule.idle,
        rule.dates.begins,
        rule.dates.ends,
        rule.criteria.doubts,
        rule.actions.surprises,
    )
