# SPDX-License-Identifier: GPL-3.0-or-later
"""How the rules that a draft edits fit what a goal is about: whether they are meant for its mail, and for what else they are."""

from __future__ import annotations

from dataclasses import dataclass

from ..._resources.rules.action_effects import Does
from ..analyses.finding import section_of
from .advice import leaving_out
from .aims import (
    ADD,
    CONDITION,
    ENABLE,
    EXCEPTION,
    MOVE,
    Aim,
    EditedRules,
    RuleEdit,
    covers,
    exempts_as_meant,
    is_meant,
    keeps_back,
    may_withhold,
    mends,
    name_of,
    only_stops,
    withholds,
)
from .rules_at_copy import for_the_original
from .task import FailingGoal, Goal, RepairTask


@dataclass(frozen=True)
class DraftFit:
    """How the rules that a draft edits fit a goal.

    :param of_meant_rules: whether they are meant for what the goal is about.
    :param moves_wider_rules: whether they only go before others, and are for more mail, of which what the goal is about is a part.
    :param enforces_cause: whether the draft only enforces the rule that is only tested, which is why the guarantee is refuted.
    :param passes_left_out: whether a rule goes before one that stops mail which the guarantee leaves out.
    :param withholds: whether they are all meant to keep back the mail that the goal is about, which keeps it.
    """

    of_meant_rules: bool = False
    moves_wider_rules: bool = False
    enforces_cause: bool = False
    passes_left_out: bool = False
    withholds: bool = False


def fit_of(draft: EditedRules, goal: Goal, task: RepairTask) -> DraftFit:
    """How the rules that a draft edits fit a goal.

    :raises BudgetError: the message that shows the goal and the rules are too complex together.
    """
    of_meant_rules = are_meant(draft, goal, task)
    return DraftFit(
        of_meant_rules,
        _are_wider(draft, goal, task),
        # A trial of more than that mail is none of it.
        of_meant_rules and _enforces_cause(draft, goal, task),
        _passes_left_out(draft, goal, task),
        are_withholding(draft, goal.aim, task),
    )


def are_withholding(draft: EditedRules, aim: Aim, task: RepairTask) -> bool:
    """Whether all rules that are edited are there, and are meant to keep back the mail that an aim is about, which keeps it."""
    edited = {edit.rule for edit in draft.edits}
    pairs = zip(task.rules.rules, task.rules.descriptions, strict=True)
    rules = [(rule, given) for rule, given in pairs if rule.name in edited]
    return len(rules) == len(edited) and all(withholds(rule, given, aim) for rule, given in rules)


def are_meant(draft: EditedRules, goal: Goal, task: RepairTask) -> bool:
    """Whether all rules that are edited are meant for what a goal is about, before or with another condition, or are moved for
    copies of it, and do what it wants; or were to exempt it, and misspell it. Where all that is asked for is delivery, they
    are the rules that keep the mail back, and only leave it out: no rule then passes others by. One that is added is not there yet, and
    one that exempts mail on purpose is not meant for that.
    """
    if any(edit.kind == ADD or edit.insists for edit in draft.edits):
        return False
    if all(exempts_as_meant(edit, goal.aim) for edit in draft.edits):
        return True
    if goal.aim.only_asks_delivery:
        return _lets_pass(draft, goal.aim, task)
    edited = {edit.rule for edit in draft.edits}
    meant = _meant_as_they_are(draft, goal, task) | _meant_as_edited(draft, goal, task)
    rules = [rule for rule in task.rules.rules if rule.name in edited]
    return all(rule.name in meant and (goal.aim.is_helped_by(rule) or may_withhold(rule, goal.aim)) for rule in rules)


def _lets_pass(draft: EditedRules, aim: Aim, task: RepairTask) -> bool:
    """Whether all rules that are edited keep mail back, and are no longer for mail that an aim selects."""
    keeping = {rule.name for rule in task.rules.rules if keeps_back(rule)}
    return all(
        edit.kind in (CONDITION, EXCEPTION) and edit.rule in keeping and edit.option.rpartition(".")[2] in aim.about
        for edit in draft.edits
    )


def _are_wider(draft: EditedRules, goal: Goal, task: RepairTask) -> bool:
    """Whether rules that do what a goal wants only go before others, and are for more mail, of which what it is about is a part;
    also where the one before it does nothing but stop, and goes behind it.
    """
    if len(draft.edits) != 1 or draft.edits[0].kind != MOVE:
        return False
    edit, rules, given = draft.edits[0], task.rules.rules, task.rules.descriptions
    if edit.after > edit.before and not only_stops(given[edit.before]):
        return False
    rule = rules[max(edit.before, edit.after)]
    return goal.aim.is_helped_by(rule) and covers(given[rule.place], goal.aim)


def _enforces_cause(draft: EditedRules, goal: Goal, task: RepairTask) -> bool:
    """Whether a draft only enforces the rule, and at most moves it, that is only tested, which is why the guarantee of a goal is
    refuted.
    """
    judged = task.judgment(goal)
    cause = judged.counterexample.cause if judged and judged.counterexample else None
    if cause is None or {edit.rule for edit in draft.edits} != {cause.rule}:
        return False
    return any(map(_enforces, draft.edits)) and all(edit.kind == MOVE or _enforces(edit) for edit in draft.edits)


def _enforces(edit: RuleEdit) -> bool:
    """Whether an edit enforces a rule that is only tested."""
    return edit.kind == ENABLE and edit.option == "mode"


def _passes_left_out(draft: EditedRules, goal: Goal, task: RepairTask) -> bool:
    """Whether a rule goes up before one that stops mail which the guarantee leaves out: for that mail, it was to stay behind."""
    guarantee = goal.guarantee
    if guarantee is None:
        return False
    moves = [edit for edit in draft.edits if edit.kind == MOVE and edit.after < edit.before]
    passed = [rule for edit in moves for rule in task.rules.rules[edit.after : edit.before] if rule.enforces(Does.STOP)]
    return any(leaving_out(guarantee, section_of(rule.criteria.conditions)) == guarantee.unless for rule in passed)


def _meant_as_they_are(draft: EditedRules, goal: Goal, task: RepairTask) -> set[str]:
    """The names of the rules that are for what a goal is about before a draft's edits, or are moved for copies of it."""
    # A rule for more mail that exempts less is put right for all of it, and one that is tested is for all of it.
    kinds = {edit.kind for edit in draft.edits} - {MOVE}
    is_for_all = kinds == {EXCEPTION} or all(map(_enforces, draft.edits))
    meant = {
        rule.name
        for rule, given in zip(task.rules.rules, task.rules.descriptions, strict=True)
        if is_meant(given, goal.aim) or (is_for_all and covers(given, goal.aim))
    }
    return meant | moved_for_copies(draft, goal, task)


def _meant_as_edited(draft: EditedRules, goal: Goal, task: RepairTask) -> set[str]:
    """The names of the rules that are for what a goal is about with the conditions that a draft gives them, or for more mail
    if the condition missed what it was meant for.
    """
    conditions = [edit for edit in draft.edits if edit.kind == CONDITION and edit.after is not None]
    changed = {edit.rule for edit in conditions}
    mended = {edit.rule for edit in conditions if mends(edit, goal.aim, task.facts)}
    return {
        name_of(rule)
        for rule in draft.rules
        if (name_of(rule) in changed and is_meant(rule, goal.aim))
        or (name_of(rule) in mended and covers(rule, goal.aim))
    }


def moved_for_copies(draft: EditedRules, goal: Goal, task: RepairTask) -> set[str]:
    """The rules that a draft only moves, so that they act before a rule sends a copy of a message that they are for: what they
    do then for other copies of their mail is what they are for.
    """
    if any(edit.kind != MOVE for edit in draft.edits) or not isinstance(goal, FailingGoal):
        return set()
    return {edit.rule for edit in draft.edits} & for_the_original(task.rules, goal.wrong)
