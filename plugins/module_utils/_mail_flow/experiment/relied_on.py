# SPDX-License-Identifier: GPL-3.0-or-later
"""Which open questions the verdicts about an organization rest on, and what an answer decides.

A verdict rests on a question if an answer to it changes the verdict, if it is unknown because of it, or if it assumes something of
it. What an answer decides is not read from reasons: the verdict is computed again, as if the answer had been observed. A verdict
that stays unknown then names further questions, and rests on them, too.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..analyses.judgment import GuaranteeVerdict, Judgment
from ..analyses.overview import CellVerdict, overview
from ..analyses.overview_kinds import MailKind
from ..analyses.verifier import prove
from ..budget import bounded, own_budgets
from ..input.guarantee_options import Guarantee
from ..model.questions import BY_ID, OBSERVABLE
from ..rules.rule_set import RuleSet

#: What asks the questions on which a verdict rests, as an option.
RELIED_ON = "relied_on"

#: The most sets of answers for which the verdicts are computed.
MOST_TRIED = 24

#: Answers to questions by their numbers.
Answers: TypeAlias = "Mapping[str, bool]"

Verdict: TypeAlias = "GuaranteeVerdict | CellVerdict"


@dataclass(frozen=True, order=True)
class Subject:
    """What a verdict is about: a guarantee, or mail of a kind to a destination.

    :param guarantee: its name; empty for mail.
    """

    guarantee: str = ""
    kind: MailKind = MailKind.FROM_INSIDE
    destination: str = ""


@dataclass(frozen=True)
class RestingVerdict:
    """A verdict, and the numbers of the questions on which it rests."""

    verdict: Verdict
    numbers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Dependence:
    """A verdict that rests on a question.

    :param now: the verdict.
    :param if_true: the verdict if the answer is true, and :param:`if_false` if it is false, whatever the other answers are; ``None``
        if no verdict takes the answer.
    """

    number: str
    subject: Subject
    now: Verdict
    if_true: Verdict | None = None
    if_false: Verdict | None = None

    @property
    def is_decided(self) -> bool:
        """Whether an answer, alone, changes the verdict."""
        return any(verdict not in (None, self.now) for verdict in (self.if_true, self.if_false))


@dataclass
class VerdictsRelying:
    """The verdicts about an organization, by the answers that are taken for certain: those on guarantees, or, without any, those
    on mail from inside to people outside, as an audit has them.

    :param facts: in the form of the option ``facts``.
    """

    rules: RuleSet
    facts: Mapping[str, Any]
    guarantees: Sequence[Guarantee]
    now: datetime.datetime
    _known: dict[frozenset[tuple[str, bool]], Mapping[Subject, RestingVerdict]] = field(default_factory=dict)

    def under(self, answers: Answers) -> Mapping[Subject, RestingVerdict]:
        """The verdicts with some answers in addition to the observed ones."""
        key = frozenset(answers.items())
        if key not in self._known:
            facts = {**self.facts, "observed": {**(self.facts.get("observed") or {}), **answers}}
            self._known[key] = dict(self._judged(facts) if self.guarantees else self._mail(facts))
        return self._known[key]

    def dependences(self) -> list[Dependence]:
        """The verdicts that rest on questions, by the numbers of these.

        A reason names one question of several, so each answer is tried by itself: what changes a verdict, it rests on. Then sets of
        answers are, the smallest first, at most :data:`MOST_TRIED`.
        """
        changed = self._changed_by_one()
        waiting: list[dict[str, bool]] = [{}]
        tried: set[frozenset[tuple[str, bool]]] = set()
        while waiting and len(tried) < MOST_TRIED:
            answers = waiting.pop(0)
            key = frozenset(answers.items())
            if key in tried:
                continue
            tried.add(key)
            resting = self._resting(answers)
            changed |= set(resting)
            numbers = sorted({number for number, _subject in resting} & OBSERVABLE.keys() - answers.keys())
            waiting += [{**answers, number: answer} for number in numbers for answer in (True, False)]
        return [self._dependence(number, subject) for number, subject in sorted(changed)]

    def _changed_by_one(self) -> set[tuple[str, Subject]]:
        """The verdicts that an answer alone changes, each with the number of its question."""
        now = self.under({})
        return {
            (number, subject)
            for number in OBSERVABLE.keys() - (self.facts.get("observed") or {}).keys()
            for answer in (True, False)
            for subject, standing in self.under({number: answer}).items()
            if standing.verdict != now[subject].verdict
        }

    def _resting(self, answers: Answers) -> list[tuple[str, Subject]]:
        """What rests on questions if some are answered. A verdict that the answers decided counts no more: it is no verdict that
        anybody has.
        """
        now = self.under({})
        return [
            (number, subject)
            for subject, standing in self.under(answers).items()
            if not answers or (_is_unknown(standing) and _is_unknown(now[subject]))
            for number in sorted(standing.numbers)
        ]

    def _dependence(self, number: str, subject: Subject) -> Dependence:
        now = self.under({})[subject].verdict
        if number not in OBSERVABLE:
            return Dependence(number, subject, now)
        yes, no = (self.under({number: answer})[subject].verdict for answer in (True, False))
        return Dependence(number, subject, now, yes, no)

    def _judged(self, facts: Mapping[str, Any]) -> Iterator[tuple[Subject, RestingVerdict]]:
        with own_budgets():  # A verdict does not depend on what else is asked.
            for judgment in prove(self.rules, facts, self.guarantees, self.now):
                yield Subject(judgment.guarantee.name), RestingVerdict(judgment.verdict, _numbers(_ids(judgment)))

    def _mail(self, facts: Mapping[str, Any]) -> Iterator[tuple[Subject, RestingVerdict]]:
        with bounded(share=1):
            cells = overview(self.rules, facts, self.now)
        for cell in cells:
            reasons = (reason.id for reason in cell.unknown)
            yield (
                Subject(kind=cell.kind, destination=cell.destination),
                RestingVerdict(cell.protected, _numbers(reasons)),
            )


def numbers_by_use(dependences: Sequence[Dependence], messages: Callable[[str], int]) -> list[str]:
    """The numbers of the questions that verdicts rest on: those first that decide the most verdicts with the fewest messages.

    :param messages: how many messages a question takes; 0 if none tells its answer.
    """

    def order(number: str) -> tuple[float, float, str]:
        of_it = [dependence for dependence in dependences if dependence.number == number]
        cost = messages(number) or 1
        return -sum(dependence.is_decided for dependence in of_it) / cost, -len(of_it) / cost, number

    return sorted({dependence.number for dependence in dependences}, key=order)


def _ids(judgment: Judgment) -> Iterator[str]:
    """The ids of the reasons for which a guarantee is unknown, or of what its verdict assumes."""
    yield from (reason.id for reason in judgment.unknown)
    yield from (premise.id for premise in judgment.premises)
    if judgment.counterexample:
        yield from judgment.counterexample.outcome.assumes


def _numbers(ids: Iterator[str]) -> frozenset[str]:
    return frozenset(ids) & BY_ID.keys()


def _is_unknown(standing: RestingVerdict) -> bool:
    return standing.verdict in (GuaranteeVerdict.UNKNOWN, CellVerdict.UNKNOWN)
