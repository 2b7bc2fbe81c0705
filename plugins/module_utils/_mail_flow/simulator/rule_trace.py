# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a message took its path: each rule, and the condition that decided.

Made only on request, because it evaluates every condition of every rule. The result says which rules match; the trace
says why.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..budget import STEPS_OF_MESSAGE, BudgetError, bounded
from ..conditions.predicate import Atom
from ..model.facts import Facts
from ..model.kleene import Open, Reason, Truth, all_of, evaluate
from ..model.message import Message, Recipient
from ..model.rule_view import RuleView
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .decider import MessageDecider
from .results import Match, matches
from .simulation import Passage
from .state import Course, World


@dataclass(frozen=True, slots=True)
class Saw:
    """What a condition looked at; ``wording.reasons`` says it."""

    atom: Atom
    rule_view: RuleView


class Tracer:
    """The traces of one message. There are none if they would exceed the budget of a message, whose result is then
    mostly unknown.
    """

    def __init__(self, rules: RuleSet, message: Message, facts: Facts) -> None:
        self._rules = rules
        self._looked: dict[tuple[str, int], list[World]] = {}
        self._decider = MessageDecider(rules, message, facts, everything=True)
        self._message = message
        self._facts = facts
        passage = Passage(rules, message, facts, self._decider, watch=self._watch)
        try:
            with bounded(STEPS_OF_MESSAGE):
                self._courses = {course.recipient.label: course for course in passage.courses()}
        except BudgetError:
            self._courses = {}

    def trace(self, label: str) -> list[dict[str, Any]]:
        """One entry for each rule, first to last.

        ``rule``; ``matched``: as in the result, before an approval or after one, and false if the result does not name
        the rule; for a rule that was evaluated ``because``: the condition that decided, or all if it may match
        (``section``, ``option``, ``value``, ``result``, ``saw``, ``reason`` if it is open, and ``assumes`` if the
        result is assumed); ``reason``: why it is open whether it matches, or why it was skipped; ``actions`` that are
        done; ``copy``: who shared the copy.
        """
        course = self._courses.get(label)
        if course is None:
            return []
        matched = matches(course, self._rules, self._message, self._facts)
        return [self._entry(rule, course, matched.get(rule.place)) for rule in self._rules.rules]

    def _watch(self, rule: FlowRule, course: Course) -> None:
        looked = [world for world in course.worlds if not world.over and not world.against_a_guess]
        if looked:
            self._looked.setdefault((course.recipient.address, rule.place), []).extend(looked)

    def _entry(self, rule: FlowRule, course: Course, match: Match | None) -> dict[str, Any]:
        matched: bool | str = False
        if match:
            matched = True if match.sure else "unknown"
        entry: dict[str, Any] = {"rule": rule.name, "matched": matched}
        worlds = self._looked.get((course.recipient.address, rule.place), ())
        if worlds:
            ways = [(world, self._way(rule, world, course)) for world in worlds]
            world, way = next(((world, way) for world, way in ways if _shown_truth(way) == matched), ways[0])
            entry |= self._explained(rule, world, course.recipient, match, way)
            entry["copy"] = [person.label for person in world.fork.sure] if len(world.fork.sure) > 1 else []
        else:
            entry["reason"] = self._passed_over(rule, course)
        entry["actions"] = self._actions(rule) if match else []
        return {key: value for key, value in entry.items() if value not in ([], ())}

    def _way(self, rule: FlowRule, world: World, course: Course) -> Truth:
        """Whether a rule matches in a world, by its answers and the guesses."""
        answers = world.answered()
        return all_of(
            _likely(value, answers)
            for value in self._decider.parts(rule, world, course.recipient, course.by is not None)
        )

    def _explained(
        self, rule: FlowRule, world: World, person: Recipient, match: Match | None, way: Truth
    ) -> dict[str, Any]:
        """The conditions that decided, and why it is open."""
        rule_view = RuleView(self._message, self._facts, world.content, person, world.fork)
        looked = [
            (section, atom)
            for section, atoms in (("conditions", rule.criteria.conditions), ("exceptions", rule.criteria.exceptions))
            for atom in atoms
        ]
        because = [
            self._because(section, atom, rule_view, self._decider.truth(atom, world, person))
            for section, atom in looked
        ]
        if match:
            open_ = way.reasons if isinstance(way, Open) else match.reasons
            return {"because": because, "reason": () if match.sure else tuple(open_)}
        decisive = [condition for condition in because if condition["result"] is (condition["section"] == "exceptions")]
        if decisive:
            return {"because": decisive[:1]}
        return {
            "because": [condition for condition in because if "reason" in condition],
            "reason": self._without_conditions(rule, because),
        }

    def _actions(self, rule: FlowRule) -> list[str]:
        """What a matching rule does, as far as it is known."""
        if not rule.actions.enforced:
            return sorted(row.option for row in rule.actions.rows if rule.actions.mode in row.in_audit)
        manager = self._facts.people.manager(self._message.sender) if rule.actions.by_manager else None
        return sorted(rule.actions.options if manager is None else rule.where(bool(manager)).actions.options)

    def _without_conditions(self, rule: FlowRule, because: list[dict[str, Any]]) -> Reason:
        """Why a rule does not match although no single condition says so."""
        if rule.dates.allow(self._message.date) is False:
            return Reason("", "outside_dates", (rule.dates.begins, rule.dates.ends))
        if any("reason" in condition for condition in because):
            return Reason("", "contradictory")
        return Reason("", "hidden_by_smime")

    def _because(self, section: str, atom: Atom, rule_view: RuleView, truth: Truth) -> dict[str, Any]:
        option = " and ".join(atom.predicate.options)
        value = hits(atom, rule_view) if truth is True else result_values(atom.values)
        because: dict[str, Any] = {
            "section": section,
            "option": option,
            "value": value,
            "result": _shown_truth(_likely(truth, {})),
            "saw": Saw(atom, rule_view),
        }
        if isinstance(truth, Open) and truth.likely is None:
            because["reason"] = truth.reasons
        elif isinstance(truth, Open):
            because["assumes"] = sorted({reason.id for reason in truth.reasons})
        return because

    def _passed_over(self, rule: FlowRule, course: Course) -> Reason:
        """Why a rule was skipped for a copy."""
        if rule.idle:
            return Reason("", rule.idle)
        if "NDR" in (self._message.types or ()):
            return Reason("", "delivery_report")
        if course.by and rule.place <= course.by.place:
            return Reason("", "added_later", (course.by.rule,))
        enders = sorted({world.ended_by for world in course.worlds if world.ended_by and not world.against_a_guess})
        return Reason("", "not_reached", (tuple(enders),))


def _shown_truth(value: Truth) -> bool | str:
    return value if isinstance(value, bool) else "unknown"


def _likely(value: Truth, answers: Mapping[Hashable, bool]) -> Truth:
    """A value under answers; without an answer, its guess."""
    value = evaluate(value, answers)
    return value.likely if isinstance(value, Open) and value.likely is not None else value


def result_values(values: Any) -> Any:
    """The values of a condition, as results have them."""
    return [result_values(value) for value in values] if isinstance(values, tuple) else values


def hits(atom: Atom, rule_view: RuleView) -> Any:
    """The values of a condition that are found, as results have them; all if none is found for certain."""
    if not isinstance(atom.values, tuple) or len(atom.predicate.options) > 1:
        return result_values(atom.values)
    hits = [value for value in atom.values if replace(atom, values=(value,)).evaluate(rule_view) is True]
    return hits or result_values(atom.values)
