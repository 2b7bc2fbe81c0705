# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of suggestions: those first that somebody would sign rather than others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from ..analyses.aspects import GAINS
from ..analyses.finding import MayChange, MayChangeUnusual
from ..analyses.meant_rules import unlike
from ..rules.rule_set import RuleSet
from .aims import LAST_RESORT, MOVE, NEW_RULE, Aim, EditedRules, RuleEdit, rebuilds
from .draft_fit import DraftFit
from .suggestion import Suggestion, width_by_conditions, width_by_values
from .task import RepairTask
from .unwanted_changes import wider_than

#: What suggestions are sorted by: the least first.
Rank: TypeAlias = tuple[bool | int, ...]


def ranked(suggestions: Sequence[Suggestion], aim: Aim, task: RepairTask) -> list[Suggestion]:
    """Suggestions, those first that change the least."""
    changes = [suggestion.surely_unwanted for suggestion in suggestions]
    wider = wider_than(changes, task.facts, task.rules.dialect, task.now)
    sizes = [_size(suggestion, aim, number, task.rules) for suggestion, number in zip(suggestions, wider, strict=True)]
    return [suggestions[place] for place in sorted(range(len(suggestions)), key=lambda place: sizes[place])]


def puts_right_what_is_there(suggestion: Suggestion, aim: Aim) -> bool:
    """Whether a suggestion has no drawback, so that none with a new rule goes before it; and if it changes no other mail
    for certain, none that makes other rules more.
    """
    return not any(_drawbacks(suggestion, aim))


def least_harmful(suggestion: Suggestion) -> Rank:
    """What suggestions of all sorts are sorted by: the classes that lose by them, whether they put nothing right, and whether mail
    still breaks the guarantee, or a copy that a rule makes may, which it may where rules that are meant for it are put right.
    """
    still_broken = suggestion.is_refuted or suggestion.blurs
    helps = bool(suggestion.puts_right)
    return (len(suggestion.grave_losses), not helps, still_broken and not suggestion.fit.of_meant_rules)


def first_by(suggestion: Suggestion, aim: Aim) -> Rank:
    """What suggestions are sorted by first, see :func:`_size`."""
    return (
        *_drawbacks(suggestion, aim),
        suggestion.left_open is not None,
        *_preference(suggestion.fit, suggestion.edits),
    )


def least_first_by(draft: EditedRules, aim: Aim, fit: DraftFit, *, is_open: bool) -> Rank:
    """The least that the suggestion of a draft may be sorted by first, whatever it changes.

    :param fit: how the rules that are edited fit what an aim is about.
    :param is_open: whether open questions keep it from a proof.
    """
    rebuilt = rebuilds(draft.edits, draft.rules, aim)
    drawbacks = (0, False, False, False, rebuilt == LAST_RESORT, rebuilt >= NEW_RULE, False, fit.passes_left_out)
    return (*drawbacks, is_open, *_preference(fit, draft.edits))


def _preference(fit: DraftFit, edits: Iterable[RuleEdit]) -> Rank:
    """What edits without drawbacks are sorted by: whether they are of the rules that one expects to be edited."""
    return (not fit.enforces_cause, not fit.of_meant_rules, not fit.moves_wider_rules, _moves_down(edits))


def _moves_down(edits: Iterable[RuleEdit]) -> bool:
    """Whether a rule goes behind others, in place of one that helps and goes before them."""
    return any(edit.kind == MOVE and edit.after > edit.before for edit in edits)


def _size(suggestion: Suggestion, aim: Aim, wider: int, present: RuleSet) -> tuple[Any, ...]:
    """What a suggestion changes, to be sorted by: the classes that lose by it; whether mail still breaks the guarantee;
    whether it helps for a time only; whether it is a last resort; whether it does something else than put right rules that
    are there; whether all that it changes is known; whether a rule goes before a stop for mail that the guarantee leaves
    out; whether open questions keep it from a proof; whether it does not enforce the tested rule that is the cause;
    whether the rules are meant for other mail, and not for more; whether a rule goes behind others; how many suggestions
    change less mail beside; the classes that may change; how wide the classes are that it changes beside; how much it makes
    other rules, and how far these are from what it is about; the edits; and of all it changes, the classes without a gain,
    and how wide all are.

    :param wider: how many others change beside only a part of the mail that it changes beside.
    :param present: the rules before the edits.
    """
    every = suggestion.difference.findings
    unusual = [finding for finding in suggestion.unwanted_changes if isinstance(finding, MayChangeUnusual)]
    unknown = sum(isinstance(finding, MayChange) for finding in suggestion.unwanted_changes) - len(unusual)
    unknown += suggestion.difference.more
    others = suggestion.surely_unwanted
    return (
        *first_by(suggestion, aim),
        wider,
        unknown,
        sorted(map(width_by_conditions, others), reverse=True),
        rebuilds(suggestion.edits, suggestion.rules, aim),
        _distance(suggestion, aim, present),
        sorted(map(width_by_values, others), reverse=True),
        len(suggestion.edits),
        len(unusual),
        sum(finding.kind not in GAINS for finding in every),
        sorted(((width_by_conditions(finding), width_by_values(finding)) for finding in every), reverse=True),
    )


def _drawbacks(suggestion: Suggestion, aim: Aim) -> Rank:
    """The first of what suggestions are sorted by, see :func:`_size`: what one would not sign it for."""
    rebuilt = rebuilds(suggestion.edits, suggestion.rules, aim)
    # What is not compared may change, too, and lose by it.
    may_change_others = bool(suggestion.surely_unwanted) or not suggestion.difference.complete
    return (
        *least_harmful(suggestion),
        suggestion.until is not None,
        rebuilt == LAST_RESORT,
        rebuilt >= NEW_RULE or (may_change_others and not suggestion.fit.of_meant_rules),
        not suggestion.difference.complete,
        suggestion.fit.passes_left_out,
    )


def _distance(suggestion: Suggestion, aim: Aim, present: RuleSet) -> tuple[int, int]:
    """How far the rules that are edited are from what an aim is about, see :func:`unlike`."""
    names = {edit.rule for edit in suggestion.edits}
    return max((unlike(rule, aim.about) for rule in present.rules if rule.name in names), default=(0, 0))
