# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest edits of rules after which a refuted guarantee holds, or a failed expectation is met.

``suggestions(...)`` is the entry point. Candidates come from a message that is treated wrongly (``candidates``). Each
goes through the simulator first, with every counterexample that was found so far, and is then proved; what refutes it
is one counterexample more, from which the next edits come.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from ..._exchange.errors import OptionError
from ..._exchange.names import same_name
from ..._resources.rules.action_effects import Does
from ..analyses.difference import Difference
from ..analyses.finding import section_of
from ..analyses.judgment import Hole, Judgment
from ..analyses.verifier import DraftVerifier, prove
from ..budget import BudgetError, bounded, uncollected
from ..input.guarantee_options import Guarantee
from ..input.messages import Case
from ..input.parsing import facts_of
from ..model.wishes import WISHES
from ..rules.rule_set import RuleSet
from ..sat.circuit import emptying_circuits
from ..trace.reading import TracedMail
from ..trace.replay import alternatives
from .advice import (
    IF_DELIVERED,
    KEPT_FROM_DELIVERY,
    Advice,
    beyond_rules,
    instead_of_edits,
    leaving_out,
    of_meant_dlp_rule,
    of_opposed_rule,
    of_returned_mail,
)
from .aims import ANY_MAIL, NEW_RULE, keeps_back, rebuilds
from .compared_draft import compared
from .connector_edits import ConnectorEdit, connector_edits, connector_to_add
from .draft_fit import are_meant, are_withholding, fit_of
from .draft_proof import DraftProof, OpenError
from .draft_search import DraftSearch, FirstStep, FoundDraft
from .first_steps import MOST_FIRST_STEPS, first_steps, includes_repair, puts_right
from .found_suggestions import FoundSuggestions
from .known_counterexamples import KnownCounterexamples
from .opposed import opposed_guarantee
from .ranking import ranked
from .settled_copies import is_open_by_added_people, settling_suggestions
from .suggestion import GoalSuggestions, OpposedGuarantee, Suggestion, TraceEffect
from .task import FailingGoal, RepairTask

#: The steps for all suggestions about an organization, and for those of one goal: so they do not depend on what else is
#: asked, up to twelve goals.
STEPS, STEPS_OF_GOAL = 60_000_000, 5_000_000

#: At most so many suggestions of a goal are returned, and so many are compared for that if none is as good as any that may
#: follow.
MOST, _COMPARED = 5, 8

#: Other suggestions than the best one are found while all that is found for a goal took fewer steps than this.
_CHEAP = 150_000

#: The share of what is left of a goal's budget for the search for the next draft; the rest is for what it changes.
_SEARCHING = 0.6


def suggestions(
    rules: RuleSet,
    facts: Mapping[str, Any],
    judged: Sequence[Judgment],
    cases: Sequence[Case],
    now: datetime.datetime,
    steps: int = STEPS,
) -> list[GoalSuggestions]:
    """What is suggested for each refuted guarantee, for each message with an expectation that is not met, and where edits settle
    that, for guarantees that are open by people whom rules add.

    :param facts: in the form of the option ``facts``.
    :param judged: all guarantees, as the verifier judges them.
    :param cases: all messages, with their expectations.
    :param now: when the mail passes the rules.
    :param steps: the budget for all together.
    """
    task = RepairTask(rules, facts, judged, cases, now)
    searches: list[Callable[[], GoalSuggestions | None]] = [
        _GoalRepair(task, goal).suggestions for goal in task.goals()
    ]
    searches += [partial(settling_suggestions, each, task) for each in judged if is_open_by_added_people(each)]
    suggested = list[GoalSuggestions | None]()
    with bounded(steps, share=1), uncollected():
        for place, search in enumerate(searches):
            # The models of a goal are no garbage of the next.
            with bounded(STEPS_OF_GOAL, share=1 / (len(searches) - place)), emptying_circuits():
                suggested.append(search())
    return [found for found in suggested if found is not None]


class _GoalRepair:
    """What is suggested for one goal of a task. What the search for another goal found is not known here: the suggestions do
    not depend on what else is asked.
    """

    def __init__(self, task: RepairTask, goal: FailingGoal) -> None:
        self._task = task
        self._goal = goal
        self._aim = goal.aim
        self._known = KnownCounterexamples(task, goal)
        self._proof = DraftProof(task, goal, self._known)

    def suggestions(self) -> GoalSuggestions:
        """The suggestions for the goal, or what helps instead."""
        known = self._without_search()
        if known is not None:
            return known
        by_connectors = list(self._of_connectors())
        search = DraftSearch(self._task, self._goal, self._known, self._proof)
        found = self._found_by(search)
        suggested = self._keeping_back(_without_repetitions(ranked(found, self._aim, self._task)))
        proved = next((suggestion for suggestion in suggested if suggestion.left_open is None), None)
        contradiction = None if proved else self._contradiction()  # Of what the search found, too.
        advice = self._advice_before(proved or next(filter(self._acts_before_it_is_kept_back, suggested), None))
        suggested = [] if advice or contradiction else suggested
        if not (advice or contradiction):
            suggested = self._with_first_steps(suggested, search)
        if any(each.left_open is None for each in by_connectors):
            suggested = [suggestion for suggestion in suggested if not suggestion.losses]
        for by_connector in reversed(by_connectors):
            ahead = self._count_ahead_of(by_connector, suggested)
            suggested = [*suggested[:ahead], by_connector, *suggested[ahead:]]
        forbidding = () if found else search.forbidding
        return GoalSuggestions(
            self._aim.name, tuple(suggested[:MOST]), search.effort, forbidding, advice, contradiction
        )

    def _count_ahead_of(self, by_connector: Suggestion, suggested: Sequence[Suggestion]) -> int:
        """How many of some suggestions go before a connector's edit: all up to the last that puts rules right which are there,
        harms no mail, and leaves less open.
        """
        ahead = [
            place
            for place, other in enumerate(suggested, 1)
            if other.how_open < by_connector.how_open
            and not other.grave_losses
            and rebuilds(other.edits, other.rules, self._aim) < NEW_RULE
        ]
        return max(ahead, default=0)

    def _with_first_steps(self, suggested: list[Suggestion], search: DraftSearch) -> list[Suggestion]:
        """Some suggestions, behind the first steps that are worth it."""
        drafts = self._steps_worth_it(suggested, search.first_steps)
        steps = first_steps(drafts, self._task, self._goal, self._known, self._proof) if drafts else []
        if suggested:
            steps = [step for step in steps if not step.grave_losses]
        return [*ranked(steps, self._aim, self._task), *suggested]

    def _steps_worth_it(self, suggested: Sequence[Suggestion], steps: Sequence[FirstStep]) -> Sequence[FirstStep]:
        """The first steps that go before some suggestions: all where each of these costs mail something. Where the first one adds a
        rule, those of rules that are meant to keep the mail back, and the one that enforces the tested rule that is the cause.
        Where all add one, those of rules that are meant for the mail: of broken ones if one more rule is proved.
        """
        # What is not compared may lose by it, too.
        if all(suggestion.grave_losses or not suggestion.difference.complete for suggestion in suggested):
            return steps
        adding = [
            rebuilds(each.edits, each.rules, self._aim) >= NEW_RULE and not each.fit.withholds for each in suggested
        ]
        before_added = [
            step
            for step in steps
            if are_withholding(step.draft, self._aim, self._task)
            or fit_of(step.draft, self._goal, self._task).enforces_cause
        ]
        if adding[0] and before_added:
            return before_added
        if not all(adding):
            return ()
        is_proved = any(suggestion.left_open is None for suggestion in suggested)
        return [
            step
            for step in steps
            if are_meant(step.draft, self._goal, self._task) and (not is_proved or puts_right(step.draft))
        ]

    def _without_search(self) -> GoalSuggestions | None:
        """The suggestions where no search is needed: for a goal that no rules can meet together with another guarantee, for mail
        on which no edit of rules helps, that a rule is for, which keeps it back, or that comes back from a connector, of which
        the edit of a connector may take care, and for mail that rules keep back.
        """
        contradiction = self._contradiction()
        if contradiction is not None:
            return GoalSuggestions(self._aim.name, advice=self._advice, contradiction=contradiction)
        judged = self._task.judgment(self._goal)
        beyond = None
        if judged:
            beyond = (
                beyond_rules(judged, self._goal.wrong.copy, self._task)
                or of_opposed_rule(judged.guarantee, self._task)
                or of_returned_mail(judged, self._aim, self._task)
            )
        if beyond and beyond.kind == "returned":
            closing = [each for each in self._of_connectors() if each.left_open is None]
            if closing:
                return GoalSuggestions(self._aim.name, tuple(closing))
        if judged and beyond:
            return GoalSuggestions(self._aim.name, tuple(self._of_the_rest(beyond, judged)), advice=beyond)
        # A rule that protects the mail may act before the one that keeps it back.
        is_kept_back = self._is_kept_back() and not self._is_kept_by_protection
        advice = self._advice if is_kept_back else None
        if advice is None or advice.kind == "unless":
            unprotected = self._or_none(self._of_unprotected_mail())
            if unprotected:
                return unprotected
        if advice:
            return GoalSuggestions(self._aim.name, advice=advice)
        return self._or_none(self._of_passing_mail()) if is_kept_back or self._wants_plain_mail else None

    @staticmethod
    def _or_none(found: GoalSuggestions) -> GoalSuggestions | None:
        """What was found; ``None`` if that is nothing."""
        return found if found.suggestions or found.contradiction else None

    def _of_the_rest(self, advice: Advice, judged: Judgment) -> Sequence[Suggestion]:
        """What is suggested for the mail that a guarantee does not leave out as is advised, and that still refutes it."""
        left_open = advice.left_open
        if advice.kind != "returned" or left_open is None or left_open.counterexample is None:
            return ()
        try:
            found = self._suggestions_for(left_open.guarantee, judged)
        except (OptionError, BudgetError):
            return ()
        return found.suggestions if found else ()

    def _found_by(self, search: DraftSearch) -> list[Suggestion]:
        """What a search finds, each with what it changes: what may go before what was found, and others only if they cost
        little.
        """
        found = FoundSuggestions(self._task, self._goal)
        drafts = search.drafts(found.is_worth_a_proof)
        # What was found until the budget is spent counts.
        with contextlib.suppress(BudgetError), bounded(share=1) as meter:
            granted = meter.remaining
            while len(found.every) < _COMPARED and (draft := _next_of(drafts)) is not None:
                if found.is_worth_a_comparison(draft):
                    found.every.append(compared(draft.draft, self._task, self._goal, self._known, draft.left_open))
                found.is_cheap = granted - meter.remaining < _CHEAP
        return found.every

    def _keeping_back(self, suggested: list[Suggestion]) -> list[Suggestion]:
        """Those of some suggestions that deliver no mail that a rule keeps back, unless the goal asks for delivery. If all do,
        first steps for the mail that passes the rules; if there are none, all of them for a goal that encryption helps.
        """
        closed = [suggestion for suggestion in suggested if not suggestion.delivers_stopped_mail]
        if closed or not suggested:
            return closed
        others = suggested if self._aim.is_helped_by_encryption else []
        return list(self._of_passing_mail().suggestions) or others

    def _advice_before(self, first: Suggestion | None) -> Advice | None:
        """The advice that goes before suggestions; ``None`` if none does. Where a DLP rule is meant for the mail and does
        not act, that goes before one more rule for the same.

        :param first: the first suggestion that is proved, or does as much as rules can; ``None`` if none does.
        """
        judged = self._task.judgment(self._goal)
        if judged and (first is None or rebuilds(first.edits, first.rules, self._aim) >= NEW_RULE):
            meant = of_meant_dlp_rule(judged, self._aim, self._task)
            if meant:
                return meant
        return None if first and self._needs_no_advice(first) else self._advice

    def _acts_before_it_is_kept_back(self, suggestion: Suggestion) -> bool:
        """Whether by a suggestion the rules that are meant for mail act before one keeps it back. What becomes of their protection
        once the mail is released, nobody knows.
        """
        is_certain = suggestion.fit.of_meant_rules and not (suggestion.is_refuted or suggestion.losses)
        return is_certain and self._is_kept_back()

    def _needs_no_advice(self, first: Suggestion) -> bool:
        """Whether a suggestion goes before advice. None does that makes a rule one for other mail. For a guarantee of delivery, none
        does by which mail goes past rules or loses by it: a rule that keeps mail back may be meant to. For a copy that a rule
        makes, none does by which mail loses.
        """
        if rebuilds(first.edits, first.rules, self._aim) >= ANY_MAIL:
            return False
        if self._goal.wrong.copy.is_made_by_rules and first.losses:
            return False
        if self._goal.guarantee is None or not self._aim.asks_delivery:
            return True
        return first.fit.of_meant_rules and not first.losses

    def _contradiction(self) -> OpposedGuarantee | None:
        """A guarantee that no rules can keep together with the goal."""
        return opposed_guarantee(self._goal.guarantee, self._task, self._known)

    @cached_property
    def _advice(self) -> Advice | None:
        """What helps where no edit puts all mail right."""
        judged = self._task.judgment(self._goal)
        return instead_of_edits(judged, self._goal.wrong.copy, self._task) if judged else None

    def _is_kept_back(self) -> bool:
        """Whether the goal does not ask for delivery and is shown by a message that a rule keeps from it."""
        judged = self._task.judgment(self._goal)
        cause = judged.counterexample.cause if judged and judged.counterexample else None
        return cause is not None and cause.kind in KEPT_FROM_DELIVERY and not self._aim.asks_delivery

    @property
    def _is_kept_by_protection(self) -> bool:
        """Whether mail that is protected keeps the goal, delivered or not."""
        guarantee = self._goal.guarantee
        return guarantee is not None and self._aim.is_helped_by_encryption and not WISHES[guarantee.then].wants_delivery

    @property
    def _wants_plain_mail(self) -> bool:
        """Whether the goal is delivered mail that rules do not encrypt: what rules keep back breaks it, too, and stays so."""
        return Does.STOP in self._aim.helps and not self._aim.asks_delivery

    def _of_unprotected_mail(self) -> GoalSuggestions:
        """What is suggested for the mail of a guarantee that may be delivered unprotected, also after a release, where it also wants
        the mail delivered, and rules keep some of it back: for that, they are not edited.
        """
        judged = self._task.judgment(self._goal)
        then = IF_DELIVERED.get(judged.guarantee.then) if judged else None
        if judged is None or then is None or not any(map(keeps_back, self._task.rules.rules)):
            return GoalSuggestions(self._aim.name)
        return self._first_steps_of(replace(judged.guarantee, then=then), judged)

    def _of_passing_mail(self) -> GoalSuggestions:
        """First steps for the mail of a guarantee that no rule keeps back: such a rule stays as it is. None where another
        guarantee contradicts it for such mail.
        """
        judged = self._task.judgment(self._goal)
        guarantee = _without_kept_back_mail(judged.guarantee, self._task.rules) if judged else None
        if judged is None or guarantee is None or guarantee == judged.guarantee:
            return GoalSuggestions(self._aim.name)
        return self._first_steps_of(guarantee, judged)

    def _first_steps_of(self, guarantee: Guarantee, judged: Judgment) -> GoalSuggestions:
        """What is suggested for another guarantee, as first steps for the one that is judged; nothing if that takes too long, or
        the other one is kept or about no mail.
        """
        nothing = GoalSuggestions(self._aim.name)
        try:
            found = self._suggestions_for(guarantee, judged)
            if found is None:
                return nothing
            if found.contradiction:
                return replace(nothing, contradiction=found.contradiction)
            steps = [
                replace(suggestion, left_open=self._left_open_by(suggestion, judged.guarantee))
                for suggestion in found.suggestions[:MOST_FIRST_STEPS]
                if suggestion.connector is None and not suggestion.delivers_stopped_mail
            ]
            return replace(nothing, suggestions=tuple(steps))
        except (OptionError, BudgetError):
            return nothing

    def _suggestions_for(self, guarantee: Guarantee, judged: Judgment) -> GoalSuggestions | None:
        """What is suggested for a guarantee in place of the one that is judged; ``None`` if no message refutes it.

        :raises OptionError: no mail can meet what the guarantee is about.
        :raises BudgetError: that takes too long.
        """
        task = self._task
        (narrower,) = prove(task.rules, task.facts, [guarantee], task.now)
        if narrower.counterexample is None:
            return None
        other_task = replace(task, judged=[narrower if other is judged else other for other in task.judged])
        (goal,) = (goal for goal in other_task.goals() if goal.guarantee is narrower.guarantee)
        # Encryption that it does not want is no loss, also of mail that rules keep back.
        asked = judged.guarantee if self._wants_plain_mail else None
        return _GoalRepair(other_task, replace(goal, asked=asked)).suggestions()

    def _left_open_by(self, suggestion: Suggestion, guarantee: Guarantee) -> Judgment | None:
        """The verdict on a guarantee under the rules of a suggestion; ``None`` if it is kept.

        :raises BudgetError: that takes too long.
        """
        rules = RuleSet(suggestion.rules, self._task.rules.dialect)
        (judged,) = prove(rules, self._task.facts, [guarantee], self._task.now)
        return judged.unless_proved

    def _of_connectors(self) -> Iterator[Suggestion]:
        """The edit of a connector, or a new one, that closes the hole through which a copy leaves, with the holes of that connector
        that are left then.
        """
        task = self._task
        judged = task.judgment(self._goal)
        shown = judged.counterexample if judged else None
        if judged is None or shown is None or shown.hole is None:
            return
        guarantee = judged.guarantee
        edits = connector_edits(shown.hole, guarantee.tls_validation, task.given)
        added = connector_to_add(shown.hole, guarantee, task.given)
        for edit, facts in itertools.chain(edits, added):
            try:
                closing = self._closing(edit, facts, guarantee, shown.hole)
            except (OpenError, BudgetError):
                return
            if closing is not None:
                edits_of_it, left_open = closing
                yield Suggestion(
                    (),
                    task.present.rules,
                    Difference(),
                    (),
                    left_open=left_open,
                    connector=edits_of_it,
                    puts_right=(shown,),
                )

    def _closing(
        self, edit: ConnectorEdit, facts: Mapping[str, Any], guarantee: Guarantee, hole: Hole
    ) -> tuple[ConnectorEdit, Judgment | None] | None:
        """The edit of a connector that closes a hole, with others of the same connector for the holes that are left, and the verdict
        then, if it is not proved. ``None`` if the hole stays, or something that held breaks.

        :param facts: those after the edit, in the form of the option ``facts``.
        :raises OpenError: it is unknown whether what held is kept.
        :raises BudgetError: that takes too long.
        """
        kept_guarantees = self._task.to_keep(self._goal)
        verifier = DraftVerifier(self._task.rules, facts_of(facts), kept_guarantees, self._task.now)
        then = verifier.judgment(guarantee)
        others = [other for other in kept_guarantees if other is not guarantee]
        left = then.counterexample.hole if then.counterexample else None
        if self._proof.refuting(verifier, others) is not None or left == hole:
            return None
        if left is not None and same_name(left.connector, edit.connector):
            # Without the others, the edit is a first step.
            with contextlib.suppress(OpenError, BudgetError):
                for also, edited in connector_edits(left, guarantee.tls_validation, facts):
                    closing = self._closing(also, edited, guarantee, left)
                    if closing is not None:
                        return replace(edit, next_edit=closing[0]), closing[1]
        return edit, then.unless_proved


def _next_of(drafts: Iterator[FoundDraft]) -> FoundDraft | None:
    """The next draft that a search finds with its share of the budget; ``None`` after the last one.

    :raises BudgetError: the steps are spent.
    """
    with bounded(share=_SEARCHING):
        return next(drafts, None)


def _without_repetitions(suggested: Sequence[Suggestion]) -> list[Suggestion]:
    """Those of some suggestions that do not leave open what one before them settles, or leaves open for the same reasons, by
    fewer of their edits, or by the same at other places.
    """
    distinct = list[Suggestion]()
    for suggestion in suggested:
        is_repeated = any(
            includes_repair(suggestion.edits, other.edits) and _leaves_as_much_open(suggestion, other)
            for other in distinct
        )
        if not is_repeated:
            distinct.append(suggestion)
    return distinct


def _leaves_as_much_open(suggestion: Suggestion, other: Suggestion) -> bool:
    """Whether a suggestion that is not proved leaves open all that another one does."""
    mine, theirs = suggestion.left_open, other.left_open
    if mine is None or theirs is None:
        return mine is not None
    reasons, others = ({reason.id for reason in judged.unknown} for judged in (mine, theirs))
    return others <= reasons and suggestion.how_open >= other.how_open


def _without_kept_back_mail(guarantee: Guarantee, rules: RuleSet) -> Guarantee:
    """A guarantee that leaves out the mail of each rule that keeps mail back, if one condition says that mail."""
    for rule in rules.rules:
        unless = leaving_out(guarantee, section_of(rule.criteria.conditions)) if keeps_back(rule) else None
        if unless is not None:
            guarantee = replace(guarantee, unless=unless)
    return guarantee


def with_replays(
    goals: Sequence[GoalSuggestions], rules: RuleSet, facts: Mapping[str, Any], traced: TracedMail
) -> list[GoalSuggestions]:
    """Suggestions, each with what it would have changed for the copies of a trace. Of those that cost no mail
    anything, what would have changed fewer copies comes first.

    :param rules: the present rules.
    :param facts: in the form of the option ``facts``.
    """
    known = facts_of(facts)
    others = [RuleSet(suggestion.rules, known.dialect) for one in goals for suggestion in one.suggestions]
    changes = iter(alternatives(rules, others, known, traced.trace, traced.since))
    return [
        replace(
            one,
            suggestions=tuple(
                sorted(
                    [
                        replace(suggestion, replay=TraceEffect(traced.window, len(traced.trace), next(changes)))
                        for suggestion in one.suggestions
                    ],
                    key=_cost_in_copies,
                )
            ),
        )
        for one in goals
    ]


def _cost_in_copies(suggestion: Suggestion) -> tuple[bool, int, bool, int]:
    """What a suggestion leaves open or costs, and how many copies of a trace it would have changed."""
    copies = suggestion.replay.changes.values() if suggestion.replay else ()
    return (
        suggestion.is_refuted,
        len(suggestion.losses),
        suggestion.until is not None,
        sum(count.certain + count.possible for count in copies),
    )
