# SPDX-License-Identifier: GPL-3.0-or-later
"""A draft that meets a goal, compared with the present rules: what it changes in mail, and what of that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from ..analyses.aspects import DifferenceKind
from ..analyses.difference import difference
from ..analyses.judgment import Judgment
from ..input.guarantee_options import ALL_COPIES
from .aims import ACTION, Aim, EditedRules, Rule, is_wanted, name_of, withholds
from .known_counterexamples import KnownCounterexamples
from .suggestion import Suggestion
from .task import Goal, RepairTask
from .unwanted_changes import unwanted_changes


def compared(
    draft: EditedRules, task: RepairTask, goal: Goal, known: KnownCounterexamples, left_open: Judgment | None = None
) -> Suggestion:
    """The edits of a draft with what they change in mail.

    :param left_open: the verdict on the guarantee of the goal then; ``None`` if it is met.
    :raises BudgetError: it is not known for how long it helps, or what it changes.
    """
    aim, rules = goal.wrong.aim, task.rules
    until = known.until(draft)
    changes = difference(rules, task.rules_of(draft), task.facts, task.now)
    selection = goal.guarantee.selection if goal.guarantee else {"conditions": aim.about}
    unwanted = unwanted_changes(
        changes,
        [selection, *_meant(draft, aim, task)],
        _takes(draft, aim, task),
        task.facts,
        rules.dialect,
        task.now,
        copies=goal.guarantee is not None and goal.guarantee.copies == ALL_COPIES,
    )
    return Suggestion(draft.edits, draft.rules, changes, unwanted, until, left_open, puts_right=known.put_right(draft))


def _takes(draft: EditedRules, aim: Aim, task: RepairTask) -> DifferenceKind | None:
    """The kind of loss that edits are for: a rule that is meant to keep the wanted mail back does so."""
    edited = {edit.rule for edit in draft.edits}
    pairs = zip(task.rules.rules, task.rules.given, strict=True)
    rules = [(rule, given) for rule, given in pairs if rule.name in edited]
    if len(rules) == len(edited) and all(withholds(rule, given, aim) for rule, given in rules):
        return DifferenceKind.DELIVERY_LOST
    return aim.takes


def _meant(draft: EditedRules, aim: Aim, task: RepairTask) -> Iterator[Rule]:
    """The mail of the present conditions of the edited rules that are meant for what an aim is about, as their conditions
    then say. A rule that gets another action was not meant for that.
    """
    edited = {edit.rule for edit in draft.edits} - {edit.rule for edit in draft.edits if edit.kind == ACTION}
    meant = {name_of(rule) for rule in draft.rules if name_of(rule) in edited and is_wanted(rule, aim)}
    for rule in task.present.rules:
        if name_of(rule) in meant:
            yield {"conditions": rule.get("conditions") or {}}
