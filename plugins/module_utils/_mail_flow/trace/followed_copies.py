# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do to copies that meet the same rules.

A copy passes the rules in the simulator itself. Only the matches are looked up, because they were decided for all
copies before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from ..._exchange.text import value_text
from ..analyses.difference_kinds import Treated, treated_in_worlds
from ..budget import BudgetError, spend
from ..model import questions
from ..model.encrypters import KnownEncrypters
from ..model.facts import Facts
from ..model.kleene import Open, Reason
from ..model.message import Message, Recipient
from ..model.outcomes import Fate, ProtectionKind
from ..model.reason_kinds import UntracedKind
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.copy_result import CopyResult
from ..simulator.results import result
from ..simulator.simulation import MOST_WORLDS, Passage
from ..simulator.state import Course, World
from .conditions import kind_of_field
from .deciding_actions import deciding_actions, deciding_identities, effect_of, templates_and_branding
from .simplified_worlds import without_repetitions
from .traced_decider import SeenByDlp, TracedConditions, TracedDecider, spend_on_way
from .truth_sets import DLP_AND_LABELS, Doubt, RulesMet, Unknown

#: The questions that all must be answered so for a copy to meet a rule.
RequiredAnswers: TypeAlias = tuple[tuple[int, bool], ...]

#: The number of ways through rules, and of changes between two, that are remembered: one may have thousands of worlds.
MOST_KNOWN = 500

#: The cost, in steps, of each world at the end of a way through rules.
_STEPS_OF_END = 200

#: Questions that the trace could answer.
_KIND_OF_QUESTION: Mapping[str, UntracedKind] = {
    questions.AUTHENTICATED: "envelope",
    questions.FORWARDED: "envelope",
    questions.DLP_RULES: DLP_AND_LABELS,
    questions.LABELS: DLP_AND_LABELS,
    questions.SEVERAL_DLP_RULES: DLP_AND_LABELS,
    questions.LABEL_IN_TRANSPORT: DLP_AND_LABELS,
}


@dataclass(frozen=True, slots=True)
class ChainStep:
    """A rule that a copy meets, or may meet; or several consecutive ones that may be met and do the same.

    :param rules: their places in the rule set.
    :param asks: for each of them, the questions on which it depends whether it is met, and the answers; see :class:`Doubt`.
    :param why: why it is open whether they are met; ``None`` if they are.
    """

    rules: tuple[int, ...]
    asks: frozenset[RequiredAnswers] = frozenset()
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
    dlp: SeenByDlp

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


def protection_settings(facts: Facts) -> tuple[str, str]:
    """The settings on which protection depends, and what keeps it from working."""
    obstacle = facts.encryption.obstacle
    return value_text(facts.encryption.irm_configuration), obstacle.cause if obstacle else ""


def _is_undecided(outcome: CopyResult) -> bool:
    """Whether it is open what happens to a copy, or whether it is protected."""
    return outcome.fate == Fate.UNKNOWN or outcome.protection == ProtectionKind.UNKNOWN


class CopyFollower:
    """Follows copies through the rules of a set. What becomes of the last ones is remembered.

    :param identities: the identity of each rule; see :class:`.rule_identities.RuleIdentities`.
    :param ends: for each rule, whether it ends the copies that it acts on; ``None`` if that is open.
    """

    def __init__(
        self, rules: RuleSet, facts: Facts, identities: Sequence[Hashable], ends: Sequence[bool | None]
    ) -> None:
        self._rules = rules
        self._facts = facts
        #: The organization without DLP rules and labels.
        self._rules_alone = replace(facts, encrypters=KnownEncrypters())
        self._identities = identities
        self._ends = ends
        self._names = tuple(rule.name for rule in rules.rules)
        self._effects = tuple(map(effect_of, rules.rules))
        self._acts = deciding_identities(rules.rules, identities)
        self._templates_and_branding = tuple(map(templates_and_branding, rules.rules))
        self._known: dict[Hashable, ChainOutcome] = {}

    def _steps(self, met: RulesMet, common: frozenset[Hashable]) -> tuple[ChainStep, ...]:
        """The steps of a copy, first to last, up to the first rule that certainly ends it.

        :param met: the places of the rules that it meets, and why that is open.
        :param common: the identities of rules that another rule set also has: only steps with equal ones are merged.
        """
        steps: list[ChainStep] = []
        alike: dict[Hashable, int] = {}
        for place, doubt in met:
            rule = self._rules.rules[place]
            identity = self._identities[place]
            if self._effects[place] is None:
                continue
            holds = self._ends[place] is not False
            # The order of rules that end nothing, and of those with one effect, does not matter.
            kind = (self._effects[place], identity in common)
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
            if not doubt and self._ends[place]:
                break
        return tuple(steps)

    def follow(
        self,
        met: RulesMet,
        common: frozenset[Hashable],
        message: Message,
        person: Recipient,
        alike: Hashable,
        dlp: SeenByDlp,
    ) -> FollowedCopies:
        """What happens to a copy.

        :param met: the places of the rules that it meets, and why that is open.
        :param common: the identities of rules that another rule set also has.
        :param alike: what it depends on besides the rules: copies with equal values are treated alike.
        :param dlp: what is known of the DLP rules.
        """
        steps = self._steps(met, common)
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
        asks = (tuple(zip(acts, open_, strict=True)), protection_settings(self._facts), dlp)
        last = steps[-1] if steps else None
        end_of_rules = last.rules[0] if last and not last.why and self._ends[last.rules[0]] else None
        return FollowedCopies(end, steps, self._names, known, asks, end_of_rules)

    def _as_step(self, number: int, step: ChainStep) -> FlowRule:
        """A rule with only its deciding effects, and its number as its name. If its match is open, it has no name,
        because it may be any of several.
        """
        rule = self._rules.rules[step.rules[0]]
        actions, deciding = deciding_actions(rule)
        return replace(
            rule,
            place=number,
            name="" if step.why else str(number),
            actions=replace(rule.actions, options=actions, declared=deciding),
        )

    def _doublings(self, steps: tuple[ChainStep, ...]) -> int:
        """The number of open steps that each double the worlds, because they leave a mark that no other one leaves."""
        marks = [
            self._templates_and_branding[step.rules[0]]
            for step in steps
            if step.why and self._ends[step.rules[0]] is False
        ]
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
        spend_on_way(len(steps))
        acting = (self._as_step(number, step) for number, step in enumerate(steps))
        rules = self._rules.without_reports.with_rules(acting)
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
        passing = partial(Passage, rules, message, decider=decider, simplify=without_repetitions, gives_up=True)
        course = passing(facts=self._facts).way_of(person)
        if course.too_many:
            return _not_followed(message, person, open_steps)
        spend(_STEPS_OF_END * len(course.worlds))
        outcome = result(course, rules, message, self._facts) or CopyResult(Fate.UNKNOWN)
        by_rules = outcome
        if any(world.after.every for world in course.worlds):
            left_by_rules = passing(facts=self._rules_alone).way_of(person)
            by_rules = result(left_by_rules, rules, message, self._facts) or CopyResult(Fate.UNKNOWN)
        answered = {question.key for world in course.worlds for question, _answer in world.answers}
        because = [(why, numbers) for why, numbers in open_steps if asked[numbers[0]][0] in answered]
        return ChainOutcome(
            outcome,
            by_rules,
            course,
            message,
            because or _open_in(outcome, tuple(range(len(steps)))),
            treated_in_worlds(course, message, self._facts),
            dlp,
        )


def _open_in(outcome: CopyResult, steps: tuple[int, ...]) -> list[tuple[Unknown, tuple[int, ...]]]:
    """Why an outcome is open that no step leaves open: its own reasons, each with all steps."""
    return [(_unknown(reason), steps) for reason in outcome.unknown] or [(Unknown("semantics"), ())]


def _unknown(reason: Reason) -> Unknown:
    """A reason of the simulator as one of a trace."""
    if reason.kind == "untraced":
        return Unknown(reason.values[0], "" if reason.id == questions.A_FACT else reason.id)
    missing = kind_of_field(reason.field) if reason.id == questions.A_FACT else "semantics"
    return Unknown(missing) if missing != "semantics" else Unknown(_KIND_OF_QUESTION.get(reason.id, missing), reason.id)


def _not_followed(
    message: Message, person: Recipient, because: Sequence[tuple[Unknown, tuple[int, ...]]]
) -> ChainOutcome:
    """What is known of a copy that is not followed to its end."""
    too_many = Course(person, [], too_many=True)
    unknown = CopyResult(Fate.UNKNOWN)
    return ChainOutcome(unknown, unknown, too_many, message, because, (), SeenByDlp())


def _question(key: Hashable, answer: bool, why: Unknown) -> Open:
    """A question of which an answer decides that a copy meets a rule."""
    return Open(key, (why.reason,), negated=not answer)
