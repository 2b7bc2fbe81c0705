# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that edited rules keep what they are to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..analyses.judgment import Counterexample, GuaranteeVerdict, Judgment
from ..analyses.verifier import DraftVerifier
from ..input.guarantee_options import Guarantee
from ..simulator.assumptions import BUDGET, NOT_FOUND, TOO_MANY_COPIES
from .aims import EditedRules, FailingCopy
from .known_counterexamples import KnownCounterexamples
from .task import Goal, RepairTask

#: What keeps a proof from an answer that another search might find.
_UNANSWERED = frozenset({BUDGET, NOT_FOUND, TOO_MANY_COPIES})


class OpenError(Exception):
    """It is unknown whether rules keep a guarantee."""


class DraftProof:
    """The prover's side of the search for one goal: whether the rules of a draft keep the goal and what held. What refutes
    them becomes a known counterexample.
    """

    def __init__(self, task: RepairTask, goal: Goal, known: KnownCounterexamples) -> None:
        self._task = task
        self._goal = goal
        self._known = known

    def under(self, draft: EditedRules) -> DraftVerifier:
        """The guarantees that must not be refuted, under the rules of a draft.

        :raises BudgetError: the rules are too much.
        """
        task = self._task
        return DraftVerifier(task.rules_of(draft), task.facts, task.to_keep(self._goal), task.now)

    def left_open(self, verifier: DraftVerifier) -> Judgment | None:
        """The verdict on the goal, if only questions keep it from a proof that nobody answers about such mail; ``None`` if it is
        proved or refuted, if the search for that took too much, or for a message. The message that keeps it open becomes known.
        """
        if self._goal.guarantee is None:
            return None
        judgment = verifier.judgment(self._goal.guarantee)
        is_open = judgment.verdict is GuaranteeVerdict.UNKNOWN and not _UNANSWERED.intersection(judgment.unknown)
        if not is_open:
            return None
        self._known.add_open(judgment)
        return judgment

    def refuting(self, verifier: DraftVerifier, guarantees: Sequence[Guarantee]) -> FailingCopy | None:
        """A message that refutes one of some guarantees: the goal, or one that held, or of which that was unknown.

        :raises OpenError: it is unknown whether there is one.
        :raises BudgetError: the steps are spent.
        """
        for guarantee in self._to_judge(verifier, guarantees):
            counterexample = self._refutation(verifier, guarantee)
            if counterexample:
                return self._known.add(guarantee, counterexample)
        return None

    def _to_judge(self, verifier: DraftVerifier, guarantees: Sequence[Guarantee]) -> Iterator[Guarantee]:
        """Those of some guarantees that are to be judged one by one: the goal, those that held and that neither one question
        about all of them nor one of its own proves, and those of which that was unknown.
        """
        asked = [
            judged for judged in self._task.judged if any(judged.guarantee is guarantee for guarantee in guarantees)
        ]
        refuted, proved, unknown = (
            [judged for judged in asked if judged.verdict is verdict]
            for verdict in (GuaranteeVerdict.REFUTED, GuaranteeVerdict.PROVED, GuaranteeVerdict.UNKNOWN)
        )
        yield from (judged.guarantee for judged in refuted)
        if proved and not verifier.keep(proved):
            yield from (judged.guarantee for judged in proved if not verifier.keep([judged]))
        yield from (judged.guarantee for judged in unknown)

    def _refutation(self, verifier: DraftVerifier, guarantee: Guarantee) -> Counterexample | None:
        """A message that refutes a guarantee; one that was unknown need not be proved.

        :raises OpenError: it is unknown whether there is one.
        """
        was = next(judgment.verdict for judgment in self._task.judged if judgment.guarantee is guarantee)
        if was is GuaranteeVerdict.UNKNOWN:
            return verifier.refutation(guarantee)
        judgment = verifier.judgment(guarantee)
        if judgment.verdict is GuaranteeVerdict.UNKNOWN:
            raise OpenError
        return judgment.counterexample


def edits_act(draft: EditedRules, verifier: DraftVerifier) -> bool:
    """Whether every edited rule that is not disabled can still act. One that cannot has an exception for everything, or a
    condition that leaves no mail.

    :param verifier: the rules of the draft.
    :raises BudgetError: that took too many conflicts.
    """
    names = {edit.rule for edit in draft.edits}
    edited = [rule for rule in verifier.rules.rules if rule.name in names and not rule.idle]
    return all(verifier.can_act(rule) for rule in edited)
