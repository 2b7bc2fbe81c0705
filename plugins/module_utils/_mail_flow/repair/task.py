# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be repaired: the present rules, what they are to keep, and the copies that show where they do not."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..analyses.judgment import Counterexample, GuaranteeVerdict, Judgment
from ..analyses.standings import Copy
from ..budget import spend
from ..input.guarantee_options import Guarantee
from ..input.messages import Broken, Case, broken
from ..input.parsing import facts_of
from ..model.facts import Facts
from ..rules.rule_set import RuleSet
from ..simulator.results import Simulator
from .aims import Aim, EditedRules, FailingCopy, aim_of_expectation, aim_of_guarantee, unplaced
from .nearest import copy_of

#: The cost, in steps, of reading a rule.
_STEPS_OF_RULE = 20


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A guarantee that is to hold, or a message whose expectations are to be met.

    :param aim: what its copies should come out as.
    :param asked: the guarantee that is asked, where :param:`guarantee` is the one for a part of its mail.
    """

    aim: Aim
    guarantee: Guarantee | None = None
    case: Case | None = None
    asked: Guarantee | None = None


@dataclass(frozen=True, kw_only=True)
class FailingGoal(Goal):
    """A goal that is not met.

    :param wrong: a copy that shows that.
    """

    wrong: FailingCopy


@dataclass(frozen=True)
class BrokenGuarantee:
    """A counterexample of a guarantee.

    :param wrong: the copy that breaks :param:`guarantee`.
    """

    guarantee: Guarantee
    counterexample: Counterexample
    wrong: FailingCopy


@dataclass
class RepairTask:
    """The present rules, the guarantees as they are judged and the messages with expectations, from which the goals
    follow: what is refuted or not met.

    :param given: the facts in the form of the option ``facts``.
    :param now: when the mail passes the rules.
    """

    rules: RuleSet
    given: Mapping[str, Any]
    judged: Sequence[Judgment]
    cases: Sequence[Case]
    now: datetime.datetime

    def __post_init__(self) -> None:
        self.facts: Facts = facts_of(self.given)
        self.rules = RuleSet.read(self.rules, self.facts.dialect)
        self.present = EditedRules(tuple(map(unplaced, self.rules.descriptions)))
        #: The present rules, as drafts have them.
        self.present_rules = RuleSet(self.present.rules, self.rules.dialect)
        #: The expectations that are not met at present, by message.
        self.missed = {case.message.name: self.missed_under(self.rules, case) for case in self.cases if case.expect}
        #: The guarantees that are refuted at present.
        self.broken = [
            self.broken_by(judgment.guarantee, judgment.counterexample)
            for judgment in self.judged
            if judgment.counterexample
        ]

    def goals(self) -> Iterator[FailingGoal]:
        """What is to be repaired."""
        for refuted in self.broken:
            yield FailingGoal(aim=refuted.wrong.aim, wrong=refuted.wrong, guarantee=refuted.guarantee)
        for case in self.cases:
            if self.missed.get(case.message.name):
                wrong = self.failing(case, self.missed[case.message.name])
                yield FailingGoal(aim=wrong.aim, wrong=wrong, case=case)

    def judgment(self, goal: Goal) -> Judgment | None:
        """The verdict on the guarantee of a goal; ``None`` of a message."""
        return next((judgment for judgment in self.judged if judgment.guarantee is goal.guarantee), None)

    def to_keep(self, goal: Goal) -> list[Guarantee]:
        """The guarantees that must not be refuted: the goal first, those that held, and those of which it was unknown."""
        wanted = [] if goal.guarantee is None else [goal.guarantee]
        kept_guarantees = [
            judgment.guarantee for judgment in self.judged if judgment.verdict is not GuaranteeVerdict.REFUTED
        ]
        return [*wanted, *(other for other in kept_guarantees if other is not goal.guarantee)]

    def rules_of(self, draft: EditedRules) -> RuleSet:
        """The rules of a draft. Those that it leaves as they are were read before.

        :raises BudgetError: the steps are spent.
        """
        spend(_STEPS_OF_RULE * len(draft.rules))
        return RuleSet(draft.rules, self.rules.dialect, self.present_rules)

    def missed_under(self, rules: RuleSet, case: Case) -> list[Broken]:
        """The expectations of a message that are not met under some rules."""
        return broken(case.expect, Simulator(rules, self.facts).run(case.message)["recipients"])

    def failing(self, case: Case, missed: Sequence[Broken]) -> FailingCopy:
        """The first recipient's copy of which something else is expected."""
        of_first = [expectation for expectation in missed if expectation.recipient == missed[0].recipient]
        return FailingCopy(
            Copy(case.message, self.facts, missed[0].recipient), aim_of_expectation(case.message, self.facts, of_first)
        )

    def broken_by(self, guarantee: Guarantee, counterexample: Counterexample) -> BrokenGuarantee:
        """A counterexample of a guarantee with the copy that breaks it."""
        copy = copy_of(counterexample, self.facts, self.now)
        aim = aim_of_guarantee(guarantee, self.rules, self.facts, copy.recipient)
        wrong = FailingCopy(copy, aim, counterexample.decided_by[0] if counterexample.shown_to else "")
        return BrokenGuarantee(guarantee, counterexample, wrong)
