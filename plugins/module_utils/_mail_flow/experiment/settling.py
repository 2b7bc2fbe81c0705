# SPDX-License-Identifier: GPL-3.0-or-later
"""Open questions that a copy answers: of the ways in which it can pass the rules, those that fit what was seen.

A question is settled if all ways that fit give it one answer, and a way with another answer does not fit. That holds whatever else is
open, because what Exchange did is one of these ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..budget import STEPS_OF_MESSAGE, BudgetError, bounded
from ..input.observations import digest_of_rules
from ..model import questions
from ..model.facts import Facts
from ..model.kleene import Open
from ..rules.rule_set import RuleSet
from ..simulator.results import result
from ..simulator.simulation import Passage
from ..simulator.state import Course, World
from .comparing import agreement_of
from .letters import TestLetter
from .observing import Sighting

#: What the key of an open question begins with, to the number of the question, and to whether its answer is the opposite of the
#: observation's.
_KEYS: Mapping[tuple[str, ...], tuple[str, bool]] = {
    ("stop",): (questions.AUDIT_STOPS, False),
    ("controlled", "asked"): (questions.PROTECTED_BY_NOW, False),
    ("controlled", "removed"): (questions.PROTECTED_BY_NOW, True),
    ("no classification",): (questions.CLASSIFICATION_FALSE, False),
    ("unauthenticated",): (questions.UNAUTHENTICATED_INSIDE, False),
}

#: The keys of a recipient's result that are compared with what was seen.
_COMPARED = ("fate", "protection", "rules")


@dataclass(frozen=True)
class Alternative:
    """A way in which a copy can pass the rules.

    :param result: a recipient's result in it.
    :param answers: number of an open question to its answer in it.
    """

    result: Mapping[str, Any]
    answers: Mapping[str, bool]


@dataclass(frozen=True)
class OpenCopy:
    """The ways in which a copy can pass the rules, if there are several.

    :param rules: the rules that act in one of them, and :param:`digest` of these.
    """

    alternatives: tuple[Alternative, ...]
    rules: tuple[str, ...]
    digest: str

    def document(self) -> dict[str, Any]:
        """The copy as JSON."""
        return {
            "alternatives": [
                {"result": dict(alternative.result), "answers": dict(alternative.answers)}
                for alternative in self.alternatives
            ],
            "rules": list(self.rules),
            "digest": self.digest,
        }


def open_copy_of(document: Mapping[str, Any]) -> OpenCopy:
    """The inverse of :meth:`OpenCopy.document`."""
    ways = tuple(
        Alternative(dict(alternative["result"]), dict(alternative["answers"]))
        for alternative in document["alternatives"]
    )
    return OpenCopy(ways, tuple(document["rules"]), str(document["digest"]))


def open_copies_of(letter: TestLetter, rules: RuleSet, facts: Facts) -> dict[str, OpenCopy]:
    """The copies of a letter that can pass the rules in several ways of which one answers an open question, by address."""
    try:
        with bounded(STEPS_OF_MESSAGE):
            courses = Passage(rules, letter.message, facts, by_rules=True).courses()
    except BudgetError:
        return {}
    open_copies: dict[str, OpenCopy] = {}
    for course in courses:
        ways = tuple(_alternative(course, world, rules, letter, facts) for world in course.worlds)
        if course.too_many or len(ways) < 2 or not any(way.answers for way in ways):
            continue
        names = sorted({str(rule["name"]) for way in ways for rule in way.result.get("rules", ())})
        open_copies[course.recipient.address.lower()] = OpenCopy(ways, tuple(names), digest_of_rules(rules, names))
    return open_copies


def _alternative(course: Course, world: World, rules: RuleSet, letter: TestLetter, facts: Facts) -> Alternative:
    """A world as an alternative. No answer in it is a guess."""
    plain = world.with_changes(
        answers=tuple((replace(question, guess=None), answer) for question, answer in world.answers)
    )
    copy_result = result(Course(course.recipient, [plain], by=course.by), rules, letter.message, facts)
    row = copy_result.as_row() if copy_result else {}
    kept = {key: value for key, value in row.items() if key in _COMPARED}
    return Alternative(kept, dict(_answers(world.answers)))


def _answers(answers: Iterable[tuple[Open, bool]]) -> Iterable[tuple[str, bool]]:
    for question, answer in answers:
        key = question.key if isinstance(question.key, tuple) else ()
        if len(key) == 2 and isinstance(key[0], int) and isinstance(key[1], tuple):
            key = key[1]  # a question that belongs to one condition
        for begins, (number, opposite) in _KEYS.items():
            if key[: len(begins)] == begins:
                yield number, answer is not opposite


def settled_answers(copy: OpenCopy, seen: Sighting, silent: Sequence[str], known: Sequence[str]) -> dict[str, bool]:
    """The open questions that what was seen of a copy settles, with their answers."""
    if not seen.is_final or {"duplicated", "contradicting"} & set(seen.remarks) or seen.internal is False:
        return {}
    fitting, others = _ways_by_fit(copy, seen, silent, known)
    answers: dict[str, bool] = {}
    for number in {number for way in fitting for number in way.answers}:
        of_ways = {way.answers.get(number) for way in fitting}
        if len(of_ways) != 1 or None in of_ways:
            continue
        answer = bool(next(iter(of_ways)))
        if any(way.answers.get(number) is (not answer) for way in others):
            answers[number] = answer
    return answers


def fits(copy: OpenCopy, seen: Sighting, silent: Sequence[str], known: Sequence[str]) -> bool:
    """Whether a copy can have passed the rules in one of its ways."""
    return bool(_ways_by_fit(copy, seen, silent, known)[0])


def _ways_by_fit(
    copy: OpenCopy, seen: Sighting, silent: Sequence[str], known: Sequence[str]
) -> tuple[list[Alternative], list[Alternative]]:
    """The ways that fit what was seen, and the others."""
    fitting: list[Alternative] = []
    others: list[Alternative] = []
    for way in copy.alternatives:
        agrees = agreement_of(way.result, seen, silent, known).agrees
        (others if agrees is False else fitting).append(way)
    return fitting, others
