# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules do to copies that meet the same rules. Private to the collection.

A copy passes the rules in the simulator itself. Only the matches are looked up, because they were decided for all
copies before.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.text import value_text
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference_kinds import (
    Treated,
    treated,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model import questions
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.actions import (
    BY_OPTION,
    REJECTS,
    Does,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.kleene import Open, Reason, Truth
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.message import Message, Recipient
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule, RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.results import result
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.simulation import Passage
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.simulator.state import Course, World
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.to_message import Unknown

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


#: The number of ways through rules, and of changes between two, that are remembered: one may have thousands of worlds.
MOST_KNOWN = 500


@dataclass(frozen=True, slots=True)
class Step:
    """A rule that a copy meets, or may meet; or several consecutive ones that may be met and do the same.

    :param rules: their places in the rule set.
    :param asks: what they look at and do; equal for equal rules of another rule set.
    :param why: why it is open whether they are met; ``None`` if they are.
    """

    rules: tuple[int, ...]
    asks: frozenset[Hashable]
    why: Unknown | None = None


@dataclass(frozen=True, eq=False)
class Passed:
    """What happens to the copies that meet the same rules. Each is equal to itself alone.

    :param outcome: the recipient's result, as the simulator gives it: ``fate``, ``protection``, ``protected_by``, and
        others.
    :param course: with all that is open.
    :param because: the steps that decide the outcome if it is open, and the other reasons.
    :param asks: what the rules look at and do: copies that meet equal rules of another rule set are treated equally
        there.
    :param worlds: the ways in which the copy can pass the rules, and what people see of it.
    """

    outcome: Mapping[str, Any]
    course: Course
    message: Message
    because: Sequence[tuple[Unknown, tuple[int, ...]]]
    asks: Hashable
    worlds: Sequence[tuple[World, Treated]]

    @property
    def undecided(self) -> bool:
        """Whether it is open what happens to the copy, or whether it is protected."""
        return self.outcome["fate"] == "unknown" or self.outcome.get("protection") == "unknown"


class Chain:
    """A rule set that copies pass whose conditions are decided.

    :param rules: the rule set; :param:`identities`: what each of its rules looks at and does.
    """

    def __init__(self, rules: RuleSet, facts: Facts) -> None:
        self.rules, self.facts = rules, facts
        self.identities = tuple(map(_identity, rules.rules))
        self.effects = tuple(map(_effect, rules.rules))
        self._ends = tuple(rule.by_manager or rule.is_final or bool(rule.does(Does.MODERATE)) for rule in rules.rules)
        #: The rules that decide what happens to a copy.
        self.deciding = tuple(rule for rule in rules.rules if not rule.idle and self.effects[rule.place] is not None)
        self._known: dict[Hashable, Passed] = {}

    def steps(self, met: Sequence[tuple[int, Unknown | None]], common: frozenset[Hashable]) -> tuple[Step, ...]:
        """The steps of a copy, first to last, up to the first rule that certainly ends it.

        :param met: the places of the rules that it meets, and why that is open.
        :param common: the identities of rules that another rule set also has: only steps with equal ones are merged.
        """
        found: list[Step] = []
        alike: dict[Hashable, int] = {}
        for place, why in met:
            rule, identity = self.rules.rules[place], self.identities[place]
            holds = self._ends[place]
            # The order of rules that end nothing, and of those with one effect, does not matter.
            kind = (self.effects[place], identity in common)
            if why and kind in alike and (not holds or alike[kind] == len(found) - 1):
                step = found[alike[kind]]
                found[alike[kind]] = Step((*step.rules, place), step.asks | {identity}, step.why)
                continue
            if holds:
                alike.clear()
            if why and not rule.surprises:
                alike[kind] = len(found)
            found.append(Step((place,), frozenset((identity,)), why))
            if not why and rule.is_final and not rule.by_manager:
                break
        return tuple(found)

    def passed(self, steps: tuple[Step, ...], message: Message, person: Recipient, alike: Hashable) -> Passed:
        """What happens to a copy.

        :param alike: what it depends on besides the rules: copies with equal values are treated alike.
        """
        key = (steps, alike)
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._passed(steps, message, person)
        return self._known[key]

    def _as_step(self, place: int, step: Step) -> FlowRule:
        """A rule with only its deciding effects. If its match is open, it has no name, because it may be any of
        several.
        """
        rule = self.rules.rules[step.rules[0]]
        actions, told = (
            {option: value for option, value in each.items() if rule.surprises or _decides(rule, option)}
            for each in (rule.actions, rule.told)
        )
        return replace(rule, place=place, name="" if step.why else rule.name, actions=actions, told=told)

    def _passed(self, steps: tuple[Step, ...], message: Message, person: Recipient) -> Passed:
        rules = copy(self.rules)
        rules.reports = ()
        rules.rules = tuple(self._as_step(place, step) for place, step in enumerate(steps))
        course = _Decided(rules, message, self.facts, steps=steps).course_of(person)
        outcome = result(course, rules, message, self.facts) or {"fate": "unknown"}
        open_steps: dict[Hashable, Step] = {step.asks: step for step in steps if step.why}
        because: dict[tuple[Unknown, tuple[int, ...]], None] = {}
        for question, _answer in (item for world in course.worlds for item in world.answers):
            step = open_steps.get(question.key)
            if step and step.why:
                because[step.why, step.rules] = None
        if not because:
            found = (
                Unknown(_WORD.get(each.get("id", ""), "semantics"), each.get("id", ""))
                for each in outcome.get("unknown") or ()
            )
            because = dict.fromkeys((each, tuple(place for step in steps for place in step.rules)) for each in found)
        # How mail leaves depends on the recipient's domain, and is not part of what is counted.
        worlds = [
            (world, replace(one, transit=()))
            for world in course.worlds
            for one in treated(replace(course, worlds=[world]), message, self.facts)
        ]
        asks = (tuple((step.asks, step.why) for step in steps), value_text(self.facts.irm_configuration))
        return Passed(outcome, course, message, sorted(because) or [(Unknown("semantics"), ())], asks, worlds)


#: Questions that the trace could answer.
_WORD = {questions.AUTHENTICATED: "envelope", questions.FORWARDED: "envelope"}


@dataclass(slots=True)
class _Decided(Passage):
    """A passage with known matches: each step is a rule."""

    steps: Sequence[Step] = ()

    def course_of(self, person: Recipient) -> Course:
        """What happens to the copy of one recipient, who has it alone: conditions about others are decided."""
        return self._follow(person, self._starts((person,)), 0)

    def _candidates(self, world: World) -> int:
        return (1 << len(self.steps)) - 1

    def _for_nobody(self, rule: FlowRule, bit: int, world: World, person: Recipient) -> bool:
        return False

    def _step(self, rule: FlowRule, world: World, course: Course) -> list[World]:
        # What is asked for twice is asked for.
        after = Passage._step(self, rule, world, course)
        return [
            new.but(
                asked=tuple(sorted(set(new.asked))),
                removed=tuple(sorted(set(new.removed))),
                brands=tuple(sorted(set(new.brands))),
                told=(),
                added=(),
            )
            for new in after
        ]

    def parts(self, rule: FlowRule, world: World, person: Recipient, added: bool = False) -> Iterator[Truth]:
        """Whether the rule matches."""
        step = self.steps[rule.place]
        yield Open(step.asks, (Reason(step.why.id or questions.A_FACT, step.why.word),)) if step.why else True


def _effect(rule: FlowRule) -> Hashable | None:
    """What a rule does to a copy, the same for rules that do the same; ``None`` if that is nothing."""
    if not rule.enforced:
        return None
    doing = {
        option: value_text(value) for option, value in rule.actions.items() if rule.surprises or _decides(rule, option)
    }
    return (
        (frozenset(doing.items()), rule.by_manager, rule.surprises)
        if doing or rule.surprises or rule.by_manager
        else None
    )


def _decides(rule: FlowRule, option: str) -> bool:
    action = BY_OPTION[option]
    return action.does in _DECIDES or _is_told(rule, *action.fate_if)


def may_reject(rule: FlowRule) -> bool:
    """Whether the rule rejects what takes no disclaimer."""
    return _is_told(rule, *REJECTS)


def _is_told(rule: FlowRule, option: str, value: str) -> bool:
    return rule.told.get(option) == value


def _identity(rule: FlowRule) -> Hashable:
    """What a rule looks at and does: two rules with the same are one, whatever their names."""
    sections = (
        frozenset((atom.predicate.options, atom.values, atom.settings) for atom in atoms)
        for atoms in (rule.conditions, rule.exceptions)
    )
    acts = frozenset((option, value_text(value)) for option, value in rule.told.items())
    return (*sections, acts, rule.mode, rule.idle, rule.begins, rule.ends, rule.doubts, rule.surprises)
