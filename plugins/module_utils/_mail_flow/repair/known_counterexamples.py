# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages that show, without a proof, that edits do not do."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import replace

from ..analyses.guarantee_replay import GuaranteeReplay, brought_people
from ..analyses.judgment import Breach, Counterexample, Judgment
from ..analyses.regression import later_instants
from ..analyses.verifier import claims_of
from ..input.guarantee_options import Guarantee
from ..input.messages import Broken
from ..rules.rule_set import RuleSet
from ..simulator.disclosures import disclosures
from ..simulator.simulation import Passage
from ..simulator.state import Course
from ..symbolic.message_search import CandidateMessage
from ..symbolic.witness_replay import surely_breaks, surely_discloses, surely_keeps
from .aims import EditedRules, FailingCopy
from .task import BrokenGuarantee, FailingGoal, Goal, RepairTask


class KnownCounterexamples:
    """The counterexamples that are known in the search for one goal, those of a task first, and all messages with
    expectations: the simulator tells which of them edited rules treat wrongly.
    """

    def __init__(self, task: RepairTask, goal: Goal) -> None:
        self._task = task
        self._goal = goal
        self._shown = list(task.broken)
        #: Messages that kept open whether drafts meet the goal.
        self._open = list[CandidateMessage]()

    def __iter__(self) -> Iterator[BrokenGuarantee]:
        return iter(self._shown)

    def add(self, guarantee: Guarantee, counterexample: Counterexample) -> FailingCopy:
        """Keeps a counterexample that a proof came to, and returns the copy that breaks the guarantee."""
        shown = self._task.broken_by(guarantee, counterexample)
        self._shown.append(shown)
        return shown.wrong

    def add_open(self, judgment: Judgment) -> None:
        """Keeps the message that kept open whether a draft meets the goal; where one of its copies surely breaks the guarantee
        at present, as a counterexample, too.

        :param judgment: the verdict on the goal.
        """
        if judgment.may_break is None:
            return
        self._open.append(judgment.may_break)
        build = self._replay(judgment.guarantee, self._task.present_rules).breaks(judgment.may_break)
        if build is not None:
            self.add(judgment.guarantee, build())

    def is_left_open(self, rules: RuleSet) -> bool:
        """Whether a known message keeps it open at least whether rules meet the goal: they are not proved to, then."""
        guarantee = self._goal.guarantee
        if guarantee is None or not self._open:
            return False
        return any(map(self._replay(guarantee, rules).may_break, self._open))

    def _replay(self, guarantee: Guarantee, rules: RuleSet) -> GuaranteeReplay:
        """What the simulator says under some rules about messages that may break a guarantee."""
        claims = claims_of([guarantee.selection], rules.dialect)
        breach = Breach(guarantee, rules, claims, claims.rules[0])
        return GuaranteeReplay(breach, brought_people(rules, self._task.facts))

    def first_blurred(self, rules: RuleSet) -> FailingCopy | None:
        """A copy that a rule makes, that breaks the guarantee of the goal at present, and of which nobody knows whether it does
        under other rules: they do not put it right.
        """
        made_by_rules = (shown for shown in self._of_goal() if shown.wrong.copy.is_made_by_rules)
        return next((shown.wrong for shown in made_by_rules if not _keeps(rules, shown)), None)

    def first_wrong(self, rules: RuleSet) -> FailingCopy | None:
        """A known message that is treated wrongly: the goal's own first."""
        return self._first_breaking(rules) or self._first_missing(rules)

    def _first_breaking(self, rules: RuleSet) -> FailingCopy | None:
        """A copy that breaks a guarantee which must not be refuted: the goal first."""
        kept_guarantees = self._task.to_keep(self._goal)
        for shown in sorted(self._shown, key=lambda shown: shown.guarantee is not self._goal.guarantee):
            is_to_keep = any(shown.guarantee is guarantee for guarantee in kept_guarantees)
            if is_to_keep and _breaks(rules, shown):
                return shown.wrong
        return None

    def _first_missing(self, rules: RuleSet) -> FailingCopy | None:
        """A copy of which something else is expected: all of the goal, and of other messages what was met before."""
        goal, task = self._goal, self._task
        first = [goal.case] if goal.case else []
        for case in (*first, *(case for case in task.cases if case.expect and case is not goal.case)):
            allowed = () if case is goal.case else task.missed[case.message.name]
            missed = [
                expectation
                for expectation in task.missed_under(rules, case)
                if not any(_covers(known, expectation) for known in allowed)
            ]
            if missed:
                wrong = goal.wrong if isinstance(goal, FailingGoal) and case is goal.case else None
                if wrong is not None and missed[0].recipient == wrong.copy.recipient:
                    return wrong
                return task.failing(case, missed)
        return None

    def until(self, draft: EditedRules) -> datetime.date | None:
        """The first day on which a rule begins or ends and a known copy of the goal that is put right is treated wrongly again."""
        rules = self._task.rules_of(draft)
        shown = [of_goal for of_goal in self._of_goal() if not _breaks(rules, of_goal)]
        for instant in later_instants([rules], self._task.now, None):
            if any(_breaks(rules, of_goal, instant) for of_goal in shown) or self._misses(rules, instant):
                return instant.date()
        return None

    def count_put_right(self, draft: EditedRules) -> int:
        """How many messages that break the guarantee of the goal at present surely do not under the rules of a draft."""
        rules = self._task.rules_of(draft)
        return sum(not _breaks(rules, of_goal) for of_goal in self._of_goal())

    def surely_helps(self, draft: EditedRules) -> bool:
        """Whether the rules of a draft surely put right the first copy that breaks the guarantee of the goal. For a goal
        without a guarantee, all drafts do that are asked about.
        """
        rules = self._task.rules_of(draft)
        return all(_keeps(rules, of_goal) for of_goal in self._of_goal()[:1])

    def put_right(self, draft: EditedRules) -> tuple[Counterexample, ...]:
        """Messages that break the guarantee of the goal at present: the one that shows it, and for each edit of several one
        that it puts right.

        :raises BudgetError: the steps are spent.
        """
        shown = self._of_goal()
        if len(draft.edits) < 2:
            rules = self._task.rules_of(draft)
            return tuple(of_goal.counterexample for of_goal in shown[:1] if _keeps(rules, of_goal))
        put_right = list[Counterexample]()
        after: EditedRules = draft
        while after.before is not None:
            of_edit = next((of_goal for of_goal in shown if self._is_put_right(of_goal, after.before, after)), None)
            if of_edit is not None:
                put_right.insert(0, of_edit.counterexample)
            after = after.before
        return tuple(put_right)

    def _of_goal(self) -> list[BrokenGuarantee]:
        return [shown for shown in self._shown if shown.guarantee is self._goal.guarantee]

    def _is_put_right(self, shown: BrokenGuarantee, before: EditedRules, after: EditedRules) -> bool:
        """Whether a copy breaks its guarantee before an edit, and surely does not after it."""
        return _breaks(self._task.rules_of(before), shown) and _keeps(self._task.rules_of(after), shown)

    def _misses(self, rules: RuleSet, instant: datetime.datetime) -> bool:
        """Whether the message of the goal, if it has no date of its own, is treated wrongly at an instant."""
        case = self._goal.case
        if case is None or case.message.date != self._task.now:
            return False
        return bool(self._task.missed_under(rules, replace(case, message=replace(case.message, date=instant))))


def _breaks(rules: RuleSet, shown: BrokenGuarantee, date: datetime.datetime | None = None) -> bool:
    """Whether a copy surely breaks its guarantee under some rules.

    :param date: when it passes them; ``None`` for the message's own date.
    """
    copy, guarantee = shown.wrong.copy, shown.guarantee
    copy = replace(copy, message=replace(copy.message, date=date)) if date else copy
    course = copy.course(Passage(rules, copy.message, copy.facts))
    if shown.wrong.shown_by:
        return _is_shown(rules, shown, course)
    return surely_breaks(course, guarantee, copy.message, copy.facts)


def _is_shown(rules: RuleSet, shown: BrokenGuarantee, course: Course | None) -> bool:
    """Whether a rule surely shows somebody the copy that breaks its guarantee by that.

    :param course: that of the copy under some rules.
    """
    copy = shown.wrong.copy
    showing = (each for each in disclosures(rules.rules, copy.facts) if each.rule.name == shown.wrong.shown_by)
    return course is not None and any(
        surely_discloses(rules, course, each, shown.guarantee, copy.message, copy.facts) for each in showing
    )


def _keeps(rules: RuleSet, shown: BrokenGuarantee) -> bool:
    """Whether a copy surely keeps its guarantee under some rules, or there is none."""
    copy = shown.wrong.copy
    course = copy.course(Passage(rules, copy.message, copy.facts))
    if shown.wrong.shown_by and _is_shown(rules, shown, course):
        return False
    return course is None or surely_keeps(course, shown.guarantee, copy.message, copy.facts)


def _covers(known: Broken, other: Broken) -> bool:
    """Whether an expectation that was not met includes another. Who gets nothing meets none."""
    return known.recipient == other.recipient and known.path in ((), other.path)
