# SPDX-License-Identifier: GPL-3.0-or-later
"""First steps: edits after which the message that refuted a guarantee keeps it, where none puts all mail right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..analyses.judgment import GuaranteeVerdict, Judgment
from ..budget import BudgetError
from .aims import ADD, EXCEPTION, MOVE, EditedRules, RuleEdit
from .compared_draft import compared
from .draft_proof import DraftProof, OpenError, edits_act
from .draft_search import FirstStep
from .known_counterexamples import KnownCounterexamples
from .ranking import puts_right_what_is_there
from .suggestion import Suggestion
from .task import Goal, RepairTask

#: At most so many first steps are suggested.
MOST_FIRST_STEPS = 2


def first_steps(
    steps: Sequence[FirstStep], task: RepairTask, goal: Goal, known: KnownCounterexamples, proof: DraftProof
) -> list[Suggestion]:
    """The first steps of a search as suggestions, each with what stays open. Those after which other mail surely breaks the
    guarantee only where there are no others.
    """
    suggested = list[Suggestion]()
    try:
        for draft, left_open in _leaving_something_open(steps, task, goal, known, proof):
            is_refuted = left_open.verdict is GuaranteeVerdict.REFUTED
            if is_refuted and any(not step.is_refuted for step in suggested):
                break
            step = compared(draft, task, goal, known, left_open)
            if step.delivers_stopped_mail:
                continue
            suggested.append(step)
            is_best = puts_right_what_is_there(step, goal.aim) and not step.surely_unwanted
            if len(suggested) == MOST_FIRST_STEPS or is_best:
                break
    except BudgetError:
        pass  # What was found until then counts.
    return suggested


def _leaving_something_open(
    steps: Sequence[FirstStep], task: RepairTask, goal: Goal, known: KnownCounterexamples, proof: DraftProof
) -> Iterator[tuple[EditedRules, Judgment]]:
    """The drafts that put the message right and leave something open, each with the verdict on the guarantee then: first
    those after which no other mail surely breaks it. None where it is unknown whether all that held is kept.

    :raises BudgetError: that takes too long.
    """
    guarantee = goal.guarantee
    if guarantee is None:
        return
    others = [other for other in task.to_keep(goal) if other is not guarantee]
    suggested = list[EditedRules]()

    for nearest in sorted(steps, key=lambda step: _nearness(step, known)):
        step = _placed(nearest, steps, known)
        if any(is_same_repair(step.draft.edits, other.edits) for other in suggested):
            continue
        try:
            verifier = step.verifier or proof.under(step.draft)
            left_open = verifier.judgment(guarantee)
            if left_open.verdict is GuaranteeVerdict.PROVED:
                continue
            keeps_others = proof.refuting(verifier, others) is None
        except OpenError:
            continue
        if keeps_others and edits_act(step.draft, verifier):
            suggested.append(step.draft)
            yield step.draft, left_open


def _nearness(step: FirstStep, known: KnownCounterexamples) -> tuple[bool, bool, bool]:
    """What first steps are sorted by: whether it is unknown if they put the first copy right, whether other mail surely breaks the
    guarantee then, and whether they add a rule after all others.
    """
    return (not known.surely_helps(step.draft), step.refuted, _adds_last(step.draft))


def _placed(nearest: FirstStep, steps: Sequence[FirstStep], known: KnownCounterexamples) -> FirstStep:
    """The first step at the place where its repair helps: the nearest one at which it puts right more known messages than where
    its rule is now.
    """
    if not puts_right(nearest.draft):
        return nearest
    count = known.count_put_right(nearest.draft)
    same = (step for step in steps if is_same_repair(step.draft.edits, nearest.draft.edits))
    return next((step for step in same if known.count_put_right(step.draft) > count), nearest)


def puts_right(draft: EditedRules) -> bool:
    """Whether edits do more with rules that are there than to place them, and to take out what they exempt. A rule that is to
    begin later is not broken.
    """
    return any(map(_puts_right, draft.edits))


def _puts_right(edit: RuleEdit) -> bool:
    """Whether an edit puts a rule right: of exceptions, only one that gets more values than it has."""
    if edit.kind == EXCEPTION:
        return edit.before is not None and edit.after is not None and len(edit.after) > len(edit.before)
    return edit.kind not in (ADD, MOVE) and edit.option != "activation_date"


def _adds_last(draft: EditedRules) -> bool:
    """Whether an edit adds a rule after all others, which is behind all that stop."""
    return draft.edits[-1].kind == ADD and draft.edits[-1].after == len(draft.rules) - 1


def is_same_repair(edits: Sequence[RuleEdit], others: Sequence[RuleEdit]) -> bool:
    """Whether edits only have the same rules at other places than others."""
    return _repairs_of(edits) == _repairs_of(others)


def includes_repair(edits: Sequence[RuleEdit], others: Sequence[RuleEdit]) -> bool:
    """Whether edits do with rules all that others do, at whatever places."""
    return _repairs_of(others) <= _repairs_of(edits)


def _repairs_of(edits: Sequence[RuleEdit]) -> set[tuple[str, str, str, str]]:
    """What edits do to rules, wherever they place them: a rule may also be only moved."""
    changed = {edit.rule for edit in edits if edit.kind != MOVE}
    return {
        (edit.kind, edit.rule, edit.option, "" if edit.kind in (ADD, MOVE) else repr(edit.after))
        for edit in edits
        if edit.kind != MOVE or edit.rule not in changed
    }
