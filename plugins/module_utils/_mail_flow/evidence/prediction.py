# SPDX-License-Identifier: GPL-3.0-or-later
"""On which copies of a trace each rule acts, as computed.

Copies that meet the same rules pass them together, in the simulator (``trace.followed_copies``). As everywhere, a likely answer
counts as the answer. The questions whose likely answers it takes are kept, because a report can contradict them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from ..budget import BudgetError, bounded
from ..model.facts import Facts
from ..model.kleene import Open, Reason, Truth, all_of, evaluate
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..simulator.state import World
from ..trace.chain import Chain
from ..trace.columns import Block, bits_of
from ..trace.delivered import RulesInEffect
from ..trace.groups import CopyGroup, Sorter
from ..trace.replay import STEPS_OF_BLOCK
from ..trace.truth_sets import Doubt, Unknown

#: Whether a rule acts on a copy that waits for an approval, or on which an earlier rule did something unknown.
_GOING_ON = Open("going on", (Unknown("semantics").reason,))


@dataclass
class Prediction:
    """On which copies of a block a rule acts. Bit ``n`` is the copy at place ``n``.

    :param certain: the copies on which it acts, and :param:`possible` these and those on which it may.
    :param guesses: the number of each question to the copies of which another answer than the likely one would change that
        the rule certainly acts, or cannot act.
    """

    certain: int = 0
    possible: int = 0
    guesses: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Acts:
    """Whether a rule acts on a copy.

    :param likely: whether it does if all likely answers are right; ``None`` if that is open.
    :param guesses: the numbers of the questions of which another answer would change it.
    :param reached: whether the copy reaches the rule, or may.
    """

    likely: bool | None
    guesses: frozenset[str] = frozenset()
    reached: bool = True


def predictions(block: Block, rules: RuleSet, facts: Facts, in_effect: RulesInEffect | None = None) -> list[Prediction]:
    """The copies that each rule acts on, first to last.

    :param in_effect: the rules that the copies passed when they came, as far as that is known.
    """
    return _Predictor(block, rules, facts, in_effect).run()


class _Predictor:
    """Computes on which copies of a block rules act.

    :param likely: sorts copies with likely answers for answers; :param:`strict` without them.
    """

    def __init__(self, block: Block, rules: RuleSet, facts: Facts, in_effect: RulesInEffect | None) -> None:
        self.block = block
        self.chain = Chain(RuleSet.read(rules, facts.dialect), facts)
        self.likely, self.strict = (
            Sorter(block, facts, [self.chain], guesses=guesses, in_effect=in_effect) for guesses in (True, False)
        )
        rules_that_act = [rule for rule in self.chain.rules.rules if not rule.idle]
        #: The rules that Exchange may report for everybody who shares a message: those in a test mode.
        self.shared = [rule for rule in rules_that_act if not rule.actions.enforced and rule.criteria.splits]

    def run(self) -> list[Prediction]:
        """The copies that each rule acts on, first to last."""
        predicted, reached = self._by_group()
        for rule in self.shared:
            predicted[rule.place].possible |= self._reported_with(rule, predicted[rule.place]) & reached[rule.place]
        brought = reduce(or_, self.likely.brought.by_reason.values(), 0)
        for rule, prediction in zip(self.chain.rules.rules, predicted, strict=True):
            if not rule.idle:
                _open(prediction, brought)
        return predicted

    def _by_group(self) -> tuple[list[Prediction], dict[int, int]]:
        """The copies that each rule acts on by itself, first to last; and those that reach the rules in a test mode, or may, by
        the places of these.
        """
        predicted = [Prediction() for _rule in self.chain.rules.rules]
        reached = dict.fromkeys((rule.place for rule in self.shared), 0)
        groups = sorted(self.strict.groups_by_every_rule(self.likely), key=CopyGroup.rank)
        with bounded(STEPS_OF_BLOCK):
            acting = (
                (bits_of(group.places, len(self.block)), acts) for group in groups for acts in self._acting(group)
            )
            for copies, (place, acts) in acting:
                _add(predicted[place], acts, copies)
                if acts.reached and place in reached:
                    reached[place] |= copies
        return predicted, reached

    def _reported_with(self, rule: FlowRule, prediction: Prediction) -> int:
        """The copies that a rule in a test mode does not match, and that share the message with others that it may match."""
        copies = self.strict.brought.in_messages_met(rule, prediction.possible)
        return copies & ~self.strict.matches.met(rule).possible

    def _acting(self, group: CopyGroup) -> Iterator[tuple[int, _Acts]]:
        """Whether rules act on the copies of a group, by their places, but for those that surely do not."""
        met: dict[int, tuple[Truth, ...]] = {rule.place: (False,) for rule in self.shared}
        met |= {place: asked_of(doubt, group) for place, doubt in group.met[0]}
        message, person = self.strict.message(group.places[0])
        try:
            before = self.chain.worlds.before(met, message, person)
        except BudgetError:
            before = None
        for place, asked in met.items():
            if before is None:
                yield place, _Acts(False if False in asked else None)
            elif place in before:
                yield place, _acts(before[place], asked)


def asked_of(doubt: Doubt | None, group: CopyGroup) -> tuple[Open, ...]:
    """What is open of whether the copies of a group meet a rule."""
    if doubt is None:
        return ()
    asked = []
    for number, answer in doubt.asks:
        likely = [known for known in group.likely if known.question == number]
        reasons = tuple(Reason(known.id, "untraced", (doubt.why.kind,)) for known in likely) or (doubt.why.reason,)
        asked.append(Open(number, reasons, likely[0].answer if likely else None, negated=not answer))
    return tuple(asked)


def _acts(worlds: Sequence[World], asked: Sequence[Truth]) -> _Acts:
    """Whether a rule acts on a copy.

    :param worlds: those in which the copy is before the rule.
    :param asked: what must be true for the copy to meet the rule.
    """
    truths = [(world, _acts_in(world, asked)) for world in worlds]
    answers = {_likely(truth) for world, truth in truths if not world.against_a_guess}
    likely = answers.pop() if len(answers) == 1 else None
    reached = any(world.goes_on is not False for world in worlds if not world.against_a_guess)
    return _Acts(likely, _guesses(truths, likely) if likely is not None else frozenset(), reached)


def _acts_in(world: World, asked: Sequence[Truth]) -> Truth:
    """Whether a rule acts on a copy in one world."""
    if world.goes_on is False:
        return False
    answers = world.answered()
    met = all_of(evaluate(truth, answers) for truth in asked)
    return met if world.goes_on else all_of((met, _GOING_ON))


def _likely(truth: Truth) -> bool | None:
    return truth if isinstance(truth, bool) else truth.likely


def _guesses(truths: Iterable[tuple[World, Truth]], acts: bool) -> frozenset[str]:
    """The questions of which another answer than the likely one would change whether a rule acts. Of one world in which
    several have another answer, those count of which no other world has fewer.
    """
    changing: list[frozenset[tuple[Open, bool]]] = []
    numbers = set[str]()
    for world, truth in sorted(truths, key=lambda pair: len(pair[0].contradictions)):
        against = frozenset(world.contradictions)
        if any(fewer < against for fewer in changing):
            continue
        if _likely(truth) is not acts:
            changing.append(against)
            numbers |= world.against_a_guess
        elif isinstance(truth, Open) and not against:
            numbers.update(reason.id for reason in truth.reasons)
    return frozenset(numbers - {""})


def _add(prediction: Prediction, acts: _Acts, copies: int) -> None:
    """Adds the copies of a group to what is predicted of a rule."""
    if acts.likely:
        prediction.certain |= copies
    if acts.likely is not False:
        prediction.possible |= copies
    for number in acts.guesses:
        prediction.guesses[number] = prediction.guesses.get(number, 0) | copies


def _open(prediction: Prediction, copies: int) -> None:
    """Leaves open whether a rule acts on some copies."""
    prediction.certain &= ~copies
    prediction.possible |= copies
    decided = prediction.certain | ~prediction.possible
    prediction.guesses = {number: bits & decided for number, bits in prediction.guesses.items() if bits & decided}
