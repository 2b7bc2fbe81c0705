# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits after which a guarantee is proved that nothing refutes, and that is unknown only because rules add people at whom
later rules may or may not look (U09), or how it leaves out the mail that is to these people, too.

No message shows what is wrong, so the edits follow from the rules: what protects the mail goes before the rules that add
people.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..analyses.judgment import GuaranteeVerdict, Judgment
from ..analyses.meant_rules import is_meant_at_least_for, unlike
from ..analyses.standings import SCOPES
from ..budget import BudgetError
from ..model import questions
from .advice import of_added_people
from .aims import CONDITION, MOST_RULES, Aim, EditedRules, Rule, aim_of_guarantee
from .candidate_edits import with_new_name
from .compared_draft import compared
from .draft_proof import DraftProof, OpenError, edits_act
from .known_counterexamples import KnownCounterexamples
from .ranking import ranked
from .suggestion import GoalSuggestions, SearchEffort, Suggestion
from .task import Goal, RepairTask

#: The kind of the reason that a rule adds somebody, with the rule and the person as its values.
_ADDED = "added"

#: At most so many rules are tried in front of those that add people.
_MOST_MOVED = 3


def is_open_by_added_people(judged: Judgment) -> bool:
    """Whether a guarantee is unknown only because rules add people that later rules may or may not look at."""
    if judged.verdict is not GuaranteeVerdict.UNKNOWN or not judged.unknown:
        return False
    return all(reason.id == questions.ADDED_RECIPIENTS and reason.kind == _ADDED for reason in judged.unknown)


def settling_suggestions(judged: Judgment, task: RepairTask) -> GoalSuggestions | None:
    """The edits after which a guarantee is proved that is open by added people; where they change other mail, too, or there are
    none, that it leaves out mail to these people, if it is proved then. ``None`` if neither was found.
    """
    (_rule, person), *_others = (value for reason in judged.unknown for value in reason.values)
    guarantee = judged.guarantee
    aim = aim_of_guarantee(guarantee, task.rules, task.facts, str(person))
    goal = Goal(aim=aim, guarantee=guarantee)
    found, effort = _settling_edits(judged, goal, task)
    suggested = tuple(ranked(found, aim, task))
    if not suggested or suggested[0].surely_unwanted:
        advice = of_added_people(judged, task)
        if advice:
            return GoalSuggestions(aim.name, tried=effort, advice=advice)
    return GoalSuggestions(aim.name, suggested, effort) if suggested else None


def _settling_edits(judged: Judgment, goal: Goal, task: RepairTask) -> tuple[list[Suggestion], SearchEffort]:
    """The edits after which a guarantee is proved that is open by added people, and how many were tried."""
    known = KnownCounterexamples(task, goal)
    proof = DraftProof(task, goal, known)
    found = list[Suggestion]()
    tried = 0
    # What was found until the budget is spent counts.
    with contextlib.suppress(BudgetError):
        for draft in _drafts(judged, goal.aim, task):
            if any(suggestion.edits == draft.edits[:-1] for suggestion in found):
                continue
            tried += 1
            if _is_settled_by(draft, goal, proof, task):
                found.append(compared(draft, task, goal, known, settled=judged))
                if found[-1].fit.of_meant_rules and not found[-1].losses:
                    break
    return found, SearchEffort(edits=tried)


def _drafts(judged: Judgment, aim: Aim, task: RepairTask) -> Iterator[EditedRules]:
    """The rules that help before those that add people, those first that are meant for the mail, and each of them also for people
    inside and outside; and one more rule there.
    """
    adding = {rule for reason in judged.unknown for rule, _person in reason.values}
    place = min((rule.place for rule in task.rules.rules if rule.name in adding), default=0)
    present = task.present
    behind = [rule for rule in task.rules.rules[place:] if rule.is_on_and_enforced and not rule.dlp]
    nearest = sorted(behind, key=lambda rule: unlike(rule, aim.about))
    for_it = [rule for rule in nearest if aim.is_helped_by(rule) and _is_at_least_for(present.rules[rule.place], aim)]
    for rule in for_it[:_MOST_MOVED]:
        moved = present.moved(rule.place, place)
        yield moved
        conditions = present.rules[rule.place].get("conditions") or {}
        # Of what somebody inside gets, the person who is added gets a copy, too.
        if "sent_to_scope" in conditions and not set(conditions) <= set(SCOPES):
            yield moved.with_section(place, CONDITION, "conditions", {"sent_to_scope": None})
    if aim.remedy is not None and len(present.rules) < MOST_RULES:
        yield present.added(with_new_name(aim.remedy, present.rules), place)


def _is_at_least_for(rule: Rule, aim: Aim) -> bool:
    """Whether a rule is for the mail of an aim, or for more of it."""
    conditions = rule.get("conditions") or {}
    return is_meant_at_least_for(conditions, aim.about) or set(conditions) <= set(SCOPES)


def _is_settled_by(draft: EditedRules, goal: Goal, proof: DraftProof, task: RepairTask) -> bool:
    """Whether the guarantee of a goal is proved after edits, and all that held is kept.

    :raises BudgetError: that takes too long.
    """
    verifier = proof.under(draft)
    if goal.guarantee is None or verifier.judgment(goal.guarantee).verdict is not GuaranteeVerdict.PROVED:
        return False
    others = [other for other in task.to_keep(goal) if other is not goal.guarantee]
    try:
        return proof.refuting(verifier, others) is None and edits_act(draft, verifier)
    except OpenError:
        return False
