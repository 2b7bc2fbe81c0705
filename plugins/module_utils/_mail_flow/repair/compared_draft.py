# SPDX-License-Identifier: GPL-3.0-or-later
"""A draft that meets a goal, compared with the present rules: what it changes in mail, and what of that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator

from ..analyses.aspects import LOSSES, DifferenceKind
from ..analyses.difference import difference
from ..analyses.finding import MailFinding, MayChange
from ..analyses.judgment import Judgment
from ..input.guarantee_options import ALL_COPIES
from .aims import ACTION, Aim, EditedRules, Rule, is_wanted, name_of
from .draft_fit import are_withholding, fit_of, moved_for_copies
from .known_counterexamples import KnownCounterexamples
from .lesser_losses import lesser_losses
from .suggestion import Suggestion
from .task import Goal, RepairTask
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
        fit=fit_of(draft, goal, task),
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


def _meant_mail(draft: EditedRules, goal: Goal, task: RepairTask) -> Iterator[Rule]:
    """The mail of the present conditions of the edited rules that are meant for what a goal is about, as their conditions
    then say, or that are moved for copies of it. A rule that gets another action was not meant for that.
    """
    edited = {edit.rule for edit in draft.edits} - {edit.rule for edit in draft.edits if edit.kind == ACTION}
    meant = {name_of(rule) for rule in draft.rules if name_of(rule) in edited and is_wanted(rule, goal.aim)}
    meant |= moved_for_copies(draft, goal, task)
    for rule in task.present.rules:
        if name_of(rule) in meant:
            yield {"conditions": rule.get("conditions") or {}}
