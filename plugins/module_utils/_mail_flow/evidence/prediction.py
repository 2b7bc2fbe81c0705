# SPDX-License-Identifier: GPL-3.0-or-later
"""On which copies of a trace each rule acts, as computed.

As everywhere, a likely answer counts as the answer. What an answer rests on is kept, because a report can confirm or
contradict it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..model import questions
from ..model.facts import Facts
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..trace.chain import Chain
from ..trace.columns import Block
from ..trace.ending import Ending
from ..trace.groups import Sorter
from ..trace.truth_sets import TruthSets

#: Questions that no report answers.
_NOT_ASKED = (questions.AUDIT_SPLITS, questions.AT_THE_LIMIT)


@dataclass(frozen=True, slots=True)
class Rest:
    """An open question on which it depends whether a rule acts on a copy.

    :param id: its number; empty for what a trace does not show, such as the text.
    :param acts: its answer if the rule acts.
    :param likely: its likely answer; ``None`` if there is none.
    """

    id: str
    acts: bool
    likely: bool | None = None


@dataclass(frozen=True)
class Prediction:
    """On which copies of a block a rule acts. Bit ``n`` is the copy at place ``n``.

    :param certain: the copies on which it acts, and :param:`possible` these and those on which it may.
    :param rests: each open question to the copies for which it matters, whether or not it has a likely answer.
    """

    certain: int = 0
    possible: int = 0
    rests: Mapping[Rest, int] = field(default_factory=dict)


@dataclass
class _Withheld:
    """What earlier rules keep from the later ones.

    :param ended: the copies that they certainly kept, and :param:`perhaps` these and those that they may have kept.
    :param strictly: the copies that they kept whatever the answer to any question is.
    """

    ended: int = 0
    perhaps: int = 0
    strictly: int = 0
    rests: dict[Rest, int] = field(default_factory=dict)

    def keep(self, ending: Ending, rule: Prediction) -> None:
        """Adds what a rule keeps from the later ones.

        :param rule: on which copies it acts.
        """
        if ending.guess:
            self._add({Rest(ending.guess, acts=False, likely=ending.ends): rule.possible})
            self._add({Rest("", acts=False): _union(rule.rests.values())})
        elif ending.ends is None:
            self.perhaps |= rule.possible
            self._add({Rest("", acts=False): rule.possible})
        elif ending.ends:
            self.ended |= rule.certain
            self.perhaps |= rule.possible
            self.strictly |= rule.certain & ~_union(rule.rests.values())
            self._add({Rest(rest.id, not rest.acts, rest.likely): bits for rest, bits in rule.rests.items()})

    def _add(self, rests: Mapping[Rest, int]) -> None:
        for rest, bits in rests.items():
            self.rests[rest] = self.rests.get(rest, 0) | bits


def predictions(block: Block, rules: RuleSet, facts: Facts) -> list[Prediction]:
    """For each rule, first to last, on which copies it acts."""
    return _Predictor(block, rules, facts).run()


class _Predictor:
    """:param known: with likely answers for answers; :param:`strict` without them."""

    def __init__(self, block: Block, rules: RuleSet, facts: Facts) -> None:
        chain = Chain(RuleSet.read(rules, facts.dialect), facts)
        self.block, self.rules, self.endings = block, chain.rules, chain.endings
        self.known, self.strict = (Sorter(block, facts, [chain], guesses=guesses) for guesses in (True, False))
        self.brought = _union(self.known.brought.values())

    def run(self) -> list[Prediction]:
        passed, predicted = _Withheld(), []
        for rule in self.rules.rules:
            predicted.append(Prediction() if rule.idle else self._predicted(rule, passed))
            if not rule.idle:
                passed.keep(self.endings[rule.place], predicted[-1])
        return predicted

    def _predicted(self, rule: FlowRule, passed: _Withheld) -> Prediction:
        met, strict = self.known.met(rule), self.strict.met(rule)
        certain, possible = met.true & ~passed.perhaps & ~self.brought, met.possible & ~passed.ended
        rests = [*self._rests(rule, strict), *passed.rests.items()]
        relevant = strict.possible & ~passed.strictly
        answers = _merged((rest, bits & relevant & ~self.brought) for rest, bits in rests)
        if not rule.enforced and rule.splits:
            # Exchange may report a rule in a test mode for everybody who shares the message.
            perhaps = (
                self._sharing(possible, strict) | (self.strict.met_by_others(rule) & ~strict.possible)
            ) & ~passed.ended
            surely = self._sharing(certain & ~_union(answers.values()), strict) & ~(
                passed.perhaps | _union(passed.rests.values())
            )
            if any(
                earlier.enforced and earlier.splits and not earlier.idle for earlier in self.rules.rules[: rule.place]
            ):
                surely = 0  # Earlier rules may have split it.
            possible |= perhaps
            answers = _merged(
                [
                    *answers.items(),
                    (Rest(questions.AUDIT_SPLITS, acts=False), surely),
                    (Rest("", acts=True), perhaps & ~surely),
                ]
            )
        # A rule may have added them, or the sender named them.
        possible |= self.brought
        return Prediction(certain, possible, _merged([*answers.items(), (Rest("", acts=True), self.brought)]))

    def _rests(self, rule: FlowRule, strict: TruthSets) -> Iterator[tuple[Rest, int]]:
        """The open questions of a rule's conditions, and the copies on which they matter."""
        matters = strict.possible & ~strict.true
        for (known, _wanted), (loose, wanted) in zip(self.known.parts(rule), self.strict.parts(rule), strict=True):
            for why, bits in loose.open.items():
                # Of a condition about several recipients, it is open who shares the copy by then, and of one about the
                # size, which size the rule saw; of the others, it is open what the trace does not show.
                asked = why.word in ("semantics", "membership") and why.id not in _NOT_ASKED
                for likely, part in _by_likely(bits & matters, known):
                    yield Rest(why.id if asked or likely is not None else "", wanted, likely), part

    def _sharing(self, matched: int, strict: TruthSets) -> int:
        """The copies that a rule does not match, of messages of which it matches others."""
        return self.block.whole_messages(matched) & ~strict.possible


def _union(sets: Iterable[int]) -> int:
    union = 0
    for bits in sets:
        union |= bits
    return union


def _merged(rests: Iterable[tuple[Rest, int]]) -> dict[Rest, int]:
    """Questions, each with all of its copies."""
    merged: dict[Rest, int] = {}
    for rest, bits in rests:
        if bits:
            merged[rest] = merged.get(rest, 0) | bits
    return merged


def _by_likely(bits: int, known: TruthSets) -> Iterator[tuple[bool | None, int]]:
    """Copies for which something is open, by its likely answer."""
    split: Iterable[tuple[bool | None, int]] = (
        (True, bits & known.true),
        (False, bits & ~known.possible),
        (None, bits & known.possible & ~known.true),
    )
    yield from ((likely, part) for likely, part in split if part)
