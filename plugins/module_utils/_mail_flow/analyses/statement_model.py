# SPDX-License-Identifier: GPL-3.0-or-later
"""The model for questions about statements."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from ..._resources.rules.action_effects import Does
from ..actions.protect import option_name
from ..budget import BudgetError
from ..formula import Literal
from ..model.facts import Facts
from ..rules.dlp_rules import DlpRule
from ..rules.rule_set import RuleSet
from ..symbolic.compile_rules import RuleChain
from ..symbolic.encoding import Model
from .besides_dlp import certain_dlp_rules, undecided_dlp_rules
from .rule_effects import RuleEffect, how_dlp_rule_keeps, may_prevent
from .stated_rules import StatedRule


class StatementModel:
    """A model of two rule sets, all rules and none, with a budget of conflicts for questions to it.

    :param now: when the mail passes the rules; ``None`` for now.
    :param budget: the maximum number of conflicts for all questions together.
    """

    def __init__(self, rules: RuleSet, facts: Facts, now: datetime.datetime | None, budget: int) -> None:
        self.rules = rules
        #: The DLP rules that surely act on the mail that they are about.
        self.dlp = certain_dlp_rules(facts)
        self._budget = budget
        by_dlp = {option for rule in self.dlp for option in rule.does.options}
        by_rules = {option_name(template) for rule in rules.rules for template in rule.actions.templates}
        #: Whether rules may route mail to connectors that are known.
        self.routes = facts.connectors.outbound is not None and any(
            rule.actions.does(Does.ROUTE) for rule in rules.rules
        )
        self.model = Model(
            [rules, RuleSet([])],
            RuleSet([]),
            facts,
            now or datetime.datetime.now(datetime.UTC),
            sorted(by_rules | by_dlp),
            transit=self.routes,
        )

    @property
    def chain(self) -> RuleChain:
        """The mail flow rules for the recipient's copy, on the free side."""
        return self.model.free.chains[0]

    @property
    def remaining_budget(self) -> int:
        """The number of conflicts that remain.

        :raises BudgetError: none remain.
        """
        remaining = self._budget - self.model.circuit.solver.conflicts
        if remaining <= 0:
            raise BudgetError
        return remaining

    def is_possible(self, literals: Sequence[Literal]) -> bool:
        """Whether there is mail of which literals are true together.

        :raises BudgetError: that took too many conflicts.
        """
        return self.model.solve(literals, self.remaining_budget)


def undecided_besides(facts: Facts, rule: StatedRule, effect: RuleEffect) -> list[DlpRule]:
    """The undecided DLP rules that may keep mail of a rule from an effect."""
    if isinstance(rule, DlpRule):
        return [other for other in undecided_dlp_rules(facts) if how_dlp_rule_keeps(other, rule, effect)]
    return [other for other in undecided_dlp_rules(facts) if may_prevent(other.does, effect)]
