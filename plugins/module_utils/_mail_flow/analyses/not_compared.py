# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a difference is not compared, and said to be so. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.difference_queries import (
    Questions,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.finding import (
    MayReach,
    MayWait,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.open_findings import (
    OpenFindings,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.rule_changes import (
    Edit,
    unedited,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import FlowRule
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.compile_rules import (
    MOST_APPROVALS,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.encoding import Model
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.symbolic.logic import high


class Limits:
    """Finds mail of which not all is compared.

    :param found: makes its findings.
    :param solve: whether literals can be true together. It raises BudgetError where that takes too long.
    """

    def __init__(
        self,
        model: Model,
        questions: Questions,
        edits: Sequence[Edit],
        found: OpenFindings,
        solve: Callable[[Sequence[int]], bool],
    ) -> None:
        self.model, self.questions, self.edits, self._found, self._solve = model, questions, edits, found, solve

    def sent_on(self) -> Iterator[MayReach]:
        """Of each edited rule that adds people who cannot be followed, that its mail may reach them, and of each other
        rule that does, and that an edit keeps from some mail, or no longer does, or parts recipients before. What
        happens to their copies is not compared.

        :raises BudgetError: a question took too many conflicts.
        """
        for cause, edit in enumerate(self.edits):
            people: set[str] = set()
            brings: list[FlowRule] = []
            for rule, chain in zip((edit.before, edit.after), self.model.free.chains, strict=True):
                lost = chain.unfollowed.get(rule.place, ()) if rule is not None else ()
                if rule is not None and lost and self._solve([high(chain.acts(rule))]):
                    people.update(lost)
                    brings.append(rule)
            if people:
                yield self._found.sent_on(cause, brings, sorted(people))
        circuit, chains, causes = self.model.circuit, self.model.free.chains, self.questions.free().causes["delivery"]
        for alike in unedited(*self.model.rule_sets):
            kept = chains[0].unfollowed.get(alike[0].place)
            if kept:
                old, new = (high(chain.acts(rule)) for chain, rule in zip(chains, alike, strict=True))
                # Nobody is added to a copy that is theirs, so it matters who left it before.
                parted = zip(self.edits, self.questions.parted(self.model.free), strict=True)
                left = circuit.disjunction(high(value) for edit, value in parted if edit.place < alike[1].place)
                differs = circuit.disjunction((circuit.equal(old, new) ^ 1, circuit.conjunction((old, left))))
                found = (cause for cause in range(len(self.edits)) if self._solve([differs, causes[cause]]))
                yield from (self._found.sent_on(cause, alike, sorted(kept)) for cause in found)

    def held_longer(self) -> Iterator[MayWait]:
        """Of mail that waits for so many approvals that they are not told apart, that an edit may change how many.

        :raises BudgetError: a question took too many conflicts.
        """
        circuit, outcomes, causes = (
            self.model.circuit,
            self.model.free.outcomes,
            self.questions.free().causes["delivery"],
        )
        longest = [high(outcome.state.held[-1]) for outcome in outcomes if len(outcome.state.held) == MOST_APPROVALS]
        if longest and self._solve([circuit.disjunction(longest), circuit.disjunction(causes)]):
            yield self._found.held_longer()
