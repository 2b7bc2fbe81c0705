# SPDX-License-Identifier: GPL-3.0-or-later
"""The suggestions that a search found until now, and which drafts are worth a proof and a comparison beside them."""

from __future__ import annotations

from collections.abc import Sequence

from .aims import MOVE, EditedRules, RuleEdit
from .draft_fit import DraftFit, fit_of
from .draft_search import FoundDraft
from .first_steps import is_same_repair
from .ranking import Rank, first_by, least_first_by
from .suggestion import Suggestion
from .task import Goal, RepairTask


class FoundSuggestions:
    """What was found for a goal.

    :param every: the suggestions, as they were found.
    :param is_cheap: whether all that was found took few steps: then others are worth a try that go after it.
    """

    def __init__(self, task: RepairTask, goal: Goal) -> None:
        self._task = task
        self._goal = goal
        self._aim = goal.aim
        self._left_open = list[Sequence[RuleEdit]]()
        self._asked: tuple[EditedRules, DraftFit] | None = None
        self.every = list[Suggestion]()
        self.is_cheap = True

    def is_worth_a_proof(self, draft: EditedRules, *, is_open: bool = False) -> bool:
        """Whether a draft is worth a proof, if it is no repair that open questions keep from one at two other places.

        :param is_open: whether open questions are known to keep it from a proof.
        """
        left_open = sum(is_same_repair(draft.edits, edits) for edits in self._left_open)
        return left_open < 2 and self._is_worth(draft, is_open=is_open)

    def is_worth_a_comparison(self, found: FoundDraft) -> bool:
        """Whether a draft that meets the goal, or that only open questions keep from that, is worth a comparison."""
        if found.left_open is not None:
            self._left_open.append(found.draft.edits)
        return self._is_worth(found.draft, is_open=found.left_open is not None)

    def _is_worth(self, draft: EditedRules, *, is_open: bool) -> bool:
        """Whether the repair of a draft is not known at other places, and it may go before all that was found. What takes few
        steps is also worth it where it goes after what is proved; what is left open most likely stays so.

        :param is_open: whether open questions keep it from a proof, as far as that is known.
        """
        if not self.every:
            return True
        if self._is_known_at_other_places(draft, is_open=is_open):
            return False
        least = least_first_by(draft, self._aim, self._fit_of(draft), is_open=is_open)
        better = [suggestion for suggestion in self.every if self._goes_before(suggestion, least)]
        return not better or (self.is_cheap and all(suggestion.left_open is None for suggestion in better))

    def _fit_of(self, draft: EditedRules) -> DraftFit:
        """How the rules that a draft edits fit the goal. One draft is asked about several times in a row."""
        if self._asked is None or self._asked[0] is not draft:
            self._asked = (draft, fit_of(draft, self._goal, self._task))
        return self._asked[1]

    def _goes_before(self, suggestion: Suggestion, least: Rank) -> bool:
        """Whether a suggestion goes before all that are sorted by this or more. One by which mail passes that a rule keeps back
        may not be offered.
        """
        if suggestion.delivers_stopped_mail:
            return False
        rank = first_by(suggestion, self._aim)
        return rank < least or (rank == least and not suggestion.surely_unwanted)

    def _is_known_at_other_places(self, draft: EditedRules, *, is_open: bool) -> bool:
        """Whether the repair of a draft was found at other places, leaves no more open there, and changes no less mail
        beside from place to place: further places are then not expected to change less. What a rule that is meant for the
        mail changes where it was moved and no mail loses by it, it changes at further ones, too; and so does one that is meant
        for other mail, and goes behind something else for that.
        """
        settled = [
            suggestion
            for suggestion in self.every
            if is_same_repair(draft.edits, suggestion.edits) and (suggestion.left_open is None or is_open)
        ]
        placed = [each for each in settled if any(edit.kind == MOVE for edit in each.edits)]
        if any(each.fit.of_meant_rules and not each.losses for each in placed):
            return True
        if any(each.surely_unwanted and not each.fit.of_meant_rules and self._is_surpassed(each) for each in placed):
            return True
        beside = [len(suggestion.surely_unwanted) for suggestion in settled]
        return 0 in beside or (len(beside) > 1 and beside[-1] >= beside[-2])

    def _is_surpassed(self, suggestion: Suggestion) -> bool:
        """Whether something that was found goes before a suggestion."""
        rank = first_by(suggestion, self._aim)
        return any(self._goes_before(other, rank) for other in self.every)
