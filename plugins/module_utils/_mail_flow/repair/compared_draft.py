# SPDX-License-Identifier: GPL-3.0-or-later
"""A draft that meets a goal, compared with the present rules: what it changes in mail, and what of that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from ..._resources.rules.action_effects import Does
from ..analyses.aspects import LOSSES, DifferenceKind
from ..analyses.difference import difference
from ..analyses.finding import MailFinding, MayChange, section_of
from ..analyses.judgment import Judgment
from ..input.guarantee_options import ALL_COPIES
from .advice import leaving_out
from .aims import (
    ACTION,
    ADD,
    CONDITION,
    ENABLE,
    EXCEPTION,
    MOVE,
    Aim,
    EditedRules,
    Rule,
    RuleEdit,
    covers,
    is_meant,
    is_wanted,
    mends,
    name_of,
    only_stops,
    withholds,
)
from .known_counterexamples import KnownCounterexamples
from .lesser_losses import lesser_losses
from .rules_at_copy import for_the_original
from .suggestion import Suggestion
from .task import FailingGoal, Goal, RepairTask
from .unwanted_changes import unwanted_changes


def compared(
    draft: EditedRules,
    task: RepairTask,
    goal: Goal,
    known: KnownCounterexamples,
    left_open: Judgment | None = None,
    settled: Judgment | None = None,
) -> Suggestion:
    """The edits of a draft with what they change in mail.

    :param left_open: the verdict on the guarantee of the goal then; ``None`` if it is met.
    :param settled: the verdict before, if the goal is not met only because of open questions; ``None`` for others.
    :raises BudgetError: it is not known for how long it helps, or what it changes.
    """
    aim, rules = goal.aim, task.rules
    until = known.until(draft)
    edited = task.rules_of(draft)
    changes = difference(rules, edited, task.facts, task.now)
    asked = goal.asked or goal.guarantee
    selection = asked.selection if asked else {"conditions": aim.about}
    unwanted = unwanted_changes(
        changes,
        [selection, *_meant_mail(draft, goal, task)],
        _intended_loss(draft, aim, task),
        task.facts,
        rules.dialect,
        task.now,
        copies=goal.guarantee is not None and goal.guarantee.copies == ALL_COPIES,
    )
    losses = [finding for finding in unwanted if finding.kind in LOSSES]
    return Suggestion(
        draft.edits,
        draft.rules,
        changes,
        unwanted,
        until,
        left_open,
        settled=settled,
        of_meant_rules=are_meant(draft, goal, task),
        moves_wider_rules=are_wider(draft, goal, task),
        enforces_cause=enforces_cause(draft, goal, task),
        passes_left_out=passes_left_out(draft, goal, task),
        delivers=() if aim.asks_delivery else tuple(filter(_is_delivered_now, changes.findings)),
        lesser_losses=lesser_losses(losses, rules, edited, task.facts, task.now),
        puts_right=known.put_right(draft),
        blurs=left_open is not None and known.first_blurred(edited) is not None,
    )


def _is_delivered_now(finding: MailFinding) -> bool:
    """Whether a finding is that mail is surely delivered to its recipients which a rule keeps back."""
    gains = finding.kind is DifferenceKind.DELIVERY_GAINED and not finding.person
    return gains and not isinstance(finding, MayChange)


def _intended_loss(draft: EditedRules, aim: Aim, task: RepairTask) -> DifferenceKind | None:
    """The kind of loss that edits are for: a rule that is meant to keep the wanted mail back does so."""
    return DifferenceKind.DELIVERY_LOST if are_withholding(draft, aim, task) else aim.takes


def are_withholding(draft: EditedRules, aim: Aim, task: RepairTask) -> bool:
    """Whether all rules that are edited are there, and are meant to keep back for good the mail that an aim is about."""
    edited = {edit.rule for edit in draft.edits}
    pairs = zip(task.rules.rules, task.rules.descriptions, strict=True)
    rules = [(rule, given) for rule, given in pairs if rule.name in edited]
    return len(rules) == len(edited) and all(withholds(rule, given, aim) for rule, given in rules)


def _meant_mail(draft: EditedRules, goal: Goal, task: RepairTask) -> Iterator[Rule]:
    """The mail of the present conditions of the edited rules that are meant for what a goal is about, as their conditions
    then say, or that are moved for copies of it. A rule that gets another action was not meant for that.
    """
    edited = {edit.rule for edit in draft.edits} - {edit.rule for edit in draft.edits if edit.kind == ACTION}
    meant = {name_of(rule) for rule in draft.rules if name_of(rule) in edited and is_wanted(rule, goal.aim)}
    meant |= _moved_for_copies(draft, goal, task)
    for rule in task.present.rules:
        if name_of(rule) in meant:
            yield {"conditions": rule.get("conditions") or {}}


def are_meant(draft: EditedRules, goal: Goal, task: RepairTask) -> bool:
    """Whether all rules that are edited are meant for what a goal is about, before or with another condition, or are moved for
    copies of it, and do what it wants. One that is added is not there yet.
    """
    if any(edit.kind == ADD for edit in draft.edits):
        return False
    edited = {edit.rule for edit in draft.edits}
    meant = _meant_as_they_are(draft, goal, task) | _meant_as_edited(draft, goal, task)
    rules = [rule for rule in task.rules.rules if rule.name in edited]
    return all(rule.name in meant and goal.aim.is_helped_by(rule) for rule in rules)


def are_wider(draft: EditedRules, goal: Goal, task: RepairTask) -> bool:
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


def enforces_cause(draft: EditedRules, goal: Goal, task: RepairTask) -> bool:
    """Whether a draft only enforces the rule, and at most moves it, that is only tested, which is why the guarantee of a goal is
    refuted, and that is meant for its mail: a trial of more than that is none of it.
    """
    judged = task.judgment(goal)
    cause = judged.counterexample.cause if judged and judged.counterexample else None
    if cause is None or {edit.rule for edit in draft.edits} != {cause.rule} or not are_meant(draft, goal, task):
        return False
    return any(map(_enforces, draft.edits)) and all(edit.kind == MOVE or _enforces(edit) for edit in draft.edits)


def _enforces(edit: RuleEdit) -> bool:
    """Whether an edit enforces a rule that is only tested."""
    return edit.kind == ENABLE and edit.option == "mode"


def passes_left_out(draft: EditedRules, goal: Goal, task: RepairTask) -> bool:
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
    return meant | _moved_for_copies(draft, goal, task)


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


def _moved_for_copies(draft: EditedRules, goal: Goal, task: RepairTask) -> set[str]:
    """The rules that a draft only moves, so that they act before a rule sends a copy of a message that they are for: what they
    do then for other copies of their mail is what they are for.
    """
    if any(edit.kind != MOVE for edit in draft.edits) or not isinstance(goal, FailingGoal):
        return set()
    return {edit.rule for edit in draft.edits} & for_the_original(task.rules, goal.wrong)
