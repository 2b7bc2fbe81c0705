# SPDX-License-Identifier: GPL-3.0-or-later
"""Who stays in a copy when a rule applies to some of those who share it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from ..budget import spend
from ..model import questions
from ..model.kleene import Open, Reason, Truth, evaluate
from ..model.message import Recipient
from ..model.rule_view import Fork
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .decider import Decider, whether_met
from .state import World, without

#: The cost, in steps, of matching a rule to a recipient.
STEPS_OF_RULE = 5


class CopySplits:
    """The splits of the copies of one message.

    :param decider: decides which rules match.
    :param observed: the number of an open question to the answer that was observed.
    """

    __slots__ = ("_decider", "_halves_by_copy", "_observed", "_rules")

    def __init__(self, rules: RuleSet, decider: Decider, observed: Mapping[str, bool]) -> None:
        self._observed = observed
        self._rules = rules
        self._decider = decider
        self._halves_by_copy: dict[object, dict[bool, Fork] | None] = {}

    def watches(self, rule: FlowRule) -> bool:
        """Whether it matters who shares a copy after a rule."""
        return rule.criteria.splits and self._rules.watches_copies

    def _splits_surely(self, rule: FlowRule) -> bool | None:
        """Whether a rule that applies to some of a copy splits it; ``None`` if that is not known. Whom a rule stops leaves
        the others, whatever else splits.
        """
        if rule.actions.enforced:
            return True
        splits = self._observed.get(questions.AUDIT_SPLITS)
        if splits is False and "stop_rule_processing" in rule.actions.options:
            return self._observed.get(questions.AUDIT_STOPS)
        return splits

    def after(self, rule: FlowRule, branches: list[tuple[World, bool]], person: Recipient) -> list[tuple[World, bool]]:
        """Worlds after a rule, with only those in the copy whom the rule treats alike.

        :param branches: the worlds, each with whether the rule acts on the copy of the recipient.
        :param person: the recipient.
        """
        splits = rule.criteria.splits or (person.brought_by and rule.actions.blocks)
        if not splits or not self._rules.watches_copies or self._splits_surely(rule) is False:
            return branches
        fork = branches[0][0].fork
        if len(fork.sure) + len(fork.perhaps) == 1:
            return branches
        return [(world, acts) for before, acts in branches for world in self._worlds(rule, before, acts, person)]

    def _worlds(self, rule: FlowRule, world: World, acts: bool, person: Recipient) -> Iterator[World]:
        """A world after a rule: one if it is known to whom the rule applies, or if nobody can guess; otherwise one where
        all guesses hold, and one where one of them does not.
        """
        surely = bool(self._splits_surely(rule))
        halves = self._halves(rule, world) if surely and not person.brought_by else None
        if halves is not None:
            yield _with(world, halves[acts])
            return
        matches = self.matches(rule, world, person)
        guesses = {other: match for other, match in matches.items() if _is_guess(match) and other in world.fork.sure}
        if not guesses:
            yield _with(world, _staying(rule, world.fork, acts, matches, surely=surely))
            return
        likely = {other: _guessed(match) for other, match in matches.items()}
        hold = Open(
            ("others", tuple((other.address, match.key, match.likely) for other, match in guesses.items())),
            tuple(sorted({reason for match in guesses.values() for reason in match.reasons})),
            True,
        )
        holds = evaluate(hold, world.answered())
        if isinstance(holds, bool):
            yield world.with_changes(fork=_staying(rule, world.fork, acts, likely if holds else matches, surely=surely))
            return
        yield world.answering(hold, True).with_changes(fork=_staying(rule, world.fork, acts, likely, surely=surely))
        yield world.answering(hold, False).with_changes(fork=_staying(rule, world.fork, acts, matches, surely=surely))

    def _halves(self, rule: FlowRule, world: World) -> dict[bool, Fork] | None:
        """The copies that a rule applies to, and the others, if that is known for everybody who shares one. It does not
        depend on who is followed.
        """
        key = (rule.place, world.fork, id(world.content), world.answers)
        if key not in self._halves_by_copy:
            matches = self.matches(rule, world, Recipient("", "", ""))
            sides = {
                acts: frozenset(other for other, match in matches.items() if match is not acts)
                for acts in (True, False)
            }
            known = all(isinstance(match, bool) for match in matches.values())
            self._halves_by_copy[key] = (
                {acts: without(world.fork, leaving, {}) for acts, leaving in sides.items()} if known else None
            )
        return self._halves_by_copy[key]

    def matches(self, rule: FlowRule, world: World, person: Recipient) -> dict[Recipient, Truth]:
        """Whether the rule applies to the people who share a recipient's copy, by person. Whether it considers somebody
        whom a rule added is open.
        """
        answers = world.answered()
        others = (*world.fork.sure, *(other for other, _reasons in world.fork.perhaps))
        spend(STEPS_OF_RULE * len(others))
        return {
            other: whether_met(self._decider, rule, world, other, bool(other.brought_by), answers)
            for other in others
            if other.address != person.address
        }


def _is_guess(match: Truth) -> TypeGuard[Open]:
    """Whether it is open if a rule applies, but likely that it does, or does not."""
    return isinstance(match, Open) and match.likely is not None


def _guessed(match: Truth) -> Truth:
    """What is likely, if something is."""
    return match.likely if isinstance(match, Open) and match.likely is not None else match


def _with(world: World, fork: Fork) -> World:
    return world if fork is world.fork else world.with_changes(fork=fork)


def _staying(rule: FlowRule, fork: Fork, acts: bool, matches: Mapping[Recipient, Truth], *, surely: bool) -> Fork:
    """Who remains in a copy after a rule that applies to some, and who may.

    :param surely: whether it is certain that the rule splits messages.
    """
    tried = (Reason(questions.AUDIT_SPLITS, "test_mode_splits", (rule.name,)),)
    separated = [other for other, match in matches.items() if isinstance(match, bool) and match is not acts]
    doubtful = {other: match.reasons for other, match in matches.items() if isinstance(match, Open)}
    if surely:
        return without(fork, frozenset(separated), doubtful)
    return without(fork, frozenset(), {**doubtful, **dict.fromkeys(separated, tried)})
