# SPDX-License-Identifier: GPL-3.0-or-later
"""What the copies of a question's messages tell of its answer.

An answer counts only if all that it asserts was seen, and no rule of others acted. What was not seen is open, not false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..input.observations import Observation
from ..model.questions import OBSERVABLE
from .comparing import NOT_COMPARABLE, Agreement
from .observing import NOT_SEEN, Sighting
from .question_experiments import AUTHENTICATED, BY_NUMBER, PROTECTED, CopyAssertion, QuestionExperiment
from .record import ExperimentRecord
from .temporary_rules import rule_name
from .watching import ObservedMail

#: What a copy must not be: seen several times, or contradicting itself.
_UNUSABLE = {"duplicated", "contradicting"}


@dataclass(frozen=True)
class QuestionAnswer:
    """What an experiment told of a question.

    :param answer: true or false; ``None`` if nothing was told.
    :param why: why nothing was told, in a word: ``not_sent``, ``not_seen``, ``not_acting`` (a rule that must act was not seen to), ``others`` (rules of
        others acted) or ``neither`` (what was seen is no answer), with :param:`names`.
    :param evidence: where the answer was seen.
    """

    number: str
    answer: bool | None = None
    why: str = ""
    names: tuple[str, ...] = ()
    seen: str = ""
    experiment: str = ""
    evidence: tuple[str, ...] = ()

    def observation(self, digest: str) -> Observation | None:
        """The answer as an observation, which rests on no rule of the organization; ``None`` if it is none.

        :param digest: that of no rules.
        """
        if self.answer is None or self.number not in OBSERVABLE:
            return None
        return Observation(
            id=self.number,
            answer=self.answer,
            seen=self.seen,
            experiment=self.experiment,
            evidence=self.evidence,
            digest=digest,
        )


def question_answers(record: ExperimentRecord, messages: Iterable[ObservedMail]) -> list[QuestionAnswer]:
    """What the messages of a record tell, for each question that it asks."""
    by_question: dict[str, dict[str, ObservedMail]] = {}
    for message in messages:
        if message.recorded.question in BY_NUMBER:
            by_question.setdefault(message.recorded.question, {})[message.recorded.message] = message
    return [_QuestionReading(BY_NUMBER[number], record, asked).judged() for number, asked in by_question.items()]


def without_judgment(message: ObservedMail) -> ObservedMail:
    """A message of a question without what contradicts: what it shows is asked, and not computed. A copy for somebody who
    should get none still contradicts.
    """
    copies = tuple(
        copy
        if copy.agreement.agrees is not False or not copy.predicted
        else replace(copy, agreement=Agreement(NOT_COMPARABLE))
        for copy in message.copies
    )
    return replace(message, copies=tuple(replace(copy, settled=()) for copy in copies))


class _QuestionReading:
    """What the messages of one question tell."""

    def __init__(
        self, experiment: QuestionExperiment, record: ExperimentRecord, messages: Mapping[str, ObservedMail]
    ) -> None:
        self._experiment, self._record, self._messages = experiment, record, messages

    def judged(self) -> QuestionAnswer:
        number = self._experiment.number
        every = self._experiment
        missing = [message for message in every.messages if not self._is_out(message)]
        if missing:
            return QuestionAnswer(number, why="not_sent")
        others = self._rules_of_others()
        if others:
            return QuestionAnswer(number, why="others", names=tuple(others))
        for assertion in every.always:
            if self._holds(assertion) is not True:
                return self._open(assertion)
        answers = [value for value, assertions in ((True, every.yes), (False, every.no)) if self._all_hold(assertions)]
        if len(answers) == 1:
            return self._answer(answers[0])
        unseen = next((assertion for assertion in (*every.yes, *every.no) if self._holds(assertion) is None), None)
        return self._open(unseen) if unseen else QuestionAnswer(number, why="neither")

    def _all_hold(self, assertions: Sequence[CopyAssertion]) -> bool:
        return all(self._holds(assertion) is True for assertion in assertions)

    def _open(self, assertion: CopyAssertion) -> QuestionAnswer:
        """Why nothing is told if an assertion was not seen to hold."""
        number, held = self._experiment.number, self._holds(assertion)
        if held is None or not assertion.is_of_rule:
            return QuestionAnswer(number, why="not_seen")
        return QuestionAnswer(number, why="not_acting", names=(self._name(assertion.about),))

    def _answer(self, answer: bool) -> QuestionAnswer:
        asking = next(iter(self._messages.values())).recorded
        assertions = (*self._experiment.always, *(self._experiment.yes if answer else self._experiment.no))
        evidence = [where for assertion in assertions if (seen := self._sighting(assertion)) for where in seen.evidence]
        return QuestionAnswer(
            self._experiment.number,
            answer,
            seen=(asking.sent_at or self._record.began.isoformat())[:10],
            experiment=f"{asking.name} ({asking.mark})",
            evidence=tuple(dict.fromkeys(evidence)),
        )

    def _is_out(self, message: str) -> bool:
        return message in self._messages and self._messages[message].recorded in self._record.out

    def _name(self, part: str) -> str:
        return rule_name(self._record.token, self._experiment.number, part)

    def _rules_of_others(self) -> list[str]:
        """The rules that acted on a message and do not belong to the question."""
        own = {self._name(rule.part) for rule in self._experiment.rules}
        copies = (copy for message in self._messages.values() for copy in message.copies)
        return sorted({rule for copy in copies for rule in copy.seen.rules or () if rule not in own})

    def _sighting(self, assertion: CopyAssertion) -> Sighting | None:
        """What was seen of an assertion's copy, if it can be used."""
        address = self._record.people.get(assertion.to, "")
        copies = self._messages[assertion.message].copies
        seen = next((copy.seen for copy in copies if copy.address == address), None)
        return None if seen is None or not seen.is_final or _UNUSABLE & set(seen.remarks) else seen

    def _holds(self, assertion: CopyAssertion) -> bool | None:
        """Whether an assertion was seen to hold; ``None`` if that is not known."""
        seen = self._sighting(assertion)
        shown = None if seen is None else self._shown(assertion, seen)
        return None if shown is None else shown is assertion.holds

    def _shown(self, assertion: CopyAssertion, seen: Sighting) -> bool | None:
        if assertion.about == PROTECTED:
            return None if seen.protection == NOT_SEEN else seen.protection == "protected"
        if assertion.about == AUTHENTICATED:
            return seen.internal
        if not assertion.is_of_rule:
            return seen.fate in ("failed", "not_delivered") or bool(seen.tls or seen.connector)
        return None if seen.rules is None else self._name(assertion.about) in seen.rules
