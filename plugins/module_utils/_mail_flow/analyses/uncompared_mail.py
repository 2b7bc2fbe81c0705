# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about mail that is not compared in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..actions.copy_state import MOST_APPROVALS
from ..formula import Literal, high
from ..rules.flow_rule import FlowRule
from ..symbolic.encoding import Model
from .aspects import Aspect
from .difference_queries import DifferenceQueries
from .finding import MayDifferForPeople, MayReach, MayWait
from .open_findings import OpenFindings
from .rule_changes import Edit, unedited


class UncomparedMail:
    """Finds mail that is not compared in full.

    :param findings: makes the findings.
    :param solve: whether literals can be true together. It raises :class:`BudgetError` if that takes too many conflicts.
    """

    def __init__(
        self,
        model: Model,
        questions: DifferenceQueries,
        edits: Sequence[Edit],
        findings: OpenFindings,
        solve: Callable[[Sequence[Literal]], bool],
    ) -> None:
        self.model = model
        self.questions = questions
        self.edits = edits
        self._open_findings = findings
        self._solve = solve

    def sent_on(self) -> Iterator[MayReach | MayDifferForPeople]:
        """A finding for each edited rule whose mail may reach people who cannot be followed, and for each other such rule that
        acts differently because of an edit, or on other recipients; of the others, for each edit that may change the copies of
        these people. No message is found that shows it.

        :raises BudgetError: a question took too many conflicts.
        """
        for cause, edit in enumerate(self.edits):
            people, brings = self._unfollowed_by(edit)
            if people:
                yield self._open_findings.sent_on(cause, brings, sorted(people))
        causes = self.questions.free().causes[Aspect.DELIVERY]
        for alike in unedited(*self.model.rule_sets):
            unfollowed = {
                person
                for rule, chain in zip(alike, self.model.free.chains, strict=True)
                for person in chain.copies.unfollowed.get(rule.place, ())
            }
            if not unfollowed:
                continue
            differs = self._acts_differently(alike)
            causing = [cause for cause in range(len(self.edits)) if self._solve([differs, causes[cause]])]
            yield from (self._open_findings.sent_on(cause, alike, sorted(unfollowed)) for cause in causing)
            if not causing:
                yield from self._treated_differently(alike, sorted(unfollowed))

    def _treated_differently(
        self, alike: tuple[FlowRule, FlowRule], people: Sequence[str]
    ) -> Iterator[MayDifferForPeople]:
        """A finding for each edit that may change the copies of people who cannot be followed, to whom a rule sends mail as it
        did.

        :param alike: the rule in each set.
        :raises BudgetError: a question took too many conflicts.
        """
        differs, acts = self.questions.kinds_of_unfollowed(alike)
        for cause, acts_on_copy in enumerate(acts):
            if self._solve([differs, acts_on_copy]):
                yield self._open_findings.differs_for(cause, alike[1], people)

    def _unfollowed_by(self, edit: Edit) -> tuple[set[str], list[FlowRule]]:
        """The people who cannot be followed and to whom a version of an edited rule may send mail, and these versions.

        :raises BudgetError: a question took too many conflicts.
        """
        people: set[str] = set()
        brings: list[FlowRule] = []
        for rule, chain in zip((edit.before, edit.after), self.model.free.chains, strict=True):
            unfollowed = chain.copies.unfollowed.get(rule.place, ()) if rule is not None else ()
            if rule is not None and unfollowed and self._solve([high(chain.acts(rule))]):
                people.update(unfollowed)
                brings.append(rule)
        return people, brings

    def _acts_differently(self, alike: tuple[FlowRule, FlowRule]) -> Literal:
        """The literal that is true if a rule that is not edited acts in one of the rule sets alone, or on a copy that others left
        before: it adds nobody to their copies.

        :param alike: the rule in each set.
        """
        circuit = self.model.circuit
        old, new = (high(chain.acts(rule)) for chain, rule in zip(self.model.free.chains, alike, strict=True))
        leaving = zip(self.edits, self.questions.leaves_one_set(self.model.free), strict=True)
        leaves = circuit.disjunction(high(value) for edit, value in leaving if edit.place < alike[1].place)
        return ~circuit.equal(old, new) | (old & leaves)

    def held_longer(self) -> Iterator[MayWait]:
        """The finding that an edit may change for how many approvals mail waits, if these may be more than the model counts.

        :raises BudgetError: a question took too many conflicts.
        """
        circuit = self.model.circuit
        outcomes = self.model.free.outcomes
        causes = self.questions.free().causes[Aspect.DELIVERY]
        longest = [
            high(outcome.fate.approvals[-1]) for outcome in outcomes if len(outcome.fate.approvals) == MOST_APPROVALS
        ]
        if longest and self._solve([circuit.disjunction(longest), circuit.disjunction(causes)]):
            yield self._open_findings.held_longer()
