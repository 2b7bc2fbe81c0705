# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest edits of rules after which a refuted guarantee holds, or a failed expectation is met.

``suggestions(...)`` is the entry point. Candidates come from a message that is treated wrongly (``candidates``). Each
goes through the simulator first, with every counterexample that was found so far, and is then proved; what refutes it
is one counterexample more, from which the next edits come.
"""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._exchange.errors import OptionError
from ..analyses.aspects import GAINS, LOSSES, DifferenceKind
from ..analyses.causes import unlike
from ..analyses.difference import Difference, difference
from ..analyses.finding import MailFinding, MayChange, MayChangeUnusual, section_of
from ..analyses.judgment import Counterexample, GuaranteeVerdict, Judgment
from ..analyses.regression import later_instants
from ..analyses.standings import SCOPES, Copy
from ..analyses.verifier import TriedRules, claims_of, prove
from ..budget import BudgetError, bounded, spend, uncollected
from ..input.guarantee_options import ALL_COPIES, Guarantee
from ..input.messages import Broken, Case, broken
from ..input.parsing import facts_of
from ..model.facts import Facts
from ..model.wishes import WISHES
from ..rules.rule_set import RuleSet
from ..sat.circuit import emptied
from ..simulator.results import Simulator
from ..simulator.simulation import Passage
from ..symbolic.witness_replay import is_about, surely_breaks
from ..trace.reading import Window
from ..trace.replay import CopyCount, alternatives
from ..trace.rows import Trace
from .advice import Advice, beyond_rules, if_kept, leaving_out, of_idle_dlp_rule
from .aims import (
    ACTION,
    ADD,
    CONDITION,
    LAST_RESORT,
    MOVE,
    NEW_RULE,
    Aim,
    EditedRules,
    FailingCopy,
    Rule,
    RuleEdit,
    aim_of_expectation,
    aim_of_guarantee,
    is_meant,
    is_wanted,
    keeps_back,
    name_of,
    rebuilds,
    unplaced,
    withholds,
)
from .candidate_edits import candidates
from .connector_edits import ConnectorEdit, connector_edits
from .nearest import copy_of
from .unwanted_changes import unwanted_changes, wider_than

#: The steps for all suggestions about an organization, and for those of one goal: so they do not depend on what else is
#: asked, up to twelve goals.
STEPS, STEPS_OF_GOAL = 60_000_000, 5_000_000

#: At most so many suggestions of a goal are returned, and so many are compared for that if none is as good as any that may
#: follow; so many first steps where nothing puts all of it right.
MOST, _COMPARED, _FIRST_STEPS = 5, 8, 2

#: Other suggestions than the best one are found while all that is found for a goal took fewer steps than this.
_CHEAP = 200_000

#: At most so many pairs of edits are tried for a goal, and so many edits of which no proof says whether they do.
_PAIRS, _UNDECIDED = 40, 3

#: At most so many rules keep mail from delivery that a guarantee is advised to leave out.
_MOST_LEFT_OUT = 8

#: The kinds of causes that are a rule which keeps mail from delivery.
_KEPT_FROM_DELIVERY = ("rejects", "deletes", "quarantines", "redirects", "holds")

#: What a guarantee claims to what it may claim instead where some mail is not to be delivered.
_IF_DELIVERED = {"encrypted": "not_in_clear"}

#: The share of what is left of a goal's budget for the search for the next draft; the rest is for what it changes.
_SEARCHING = 0.6

#: The cost, in steps, of reading a rule.
_STEPS_OF_RULE = 20


@dataclass(frozen=True)
class SearchEffort:
    """What was tried for a goal.

    :param edits: how many single edits, and :param:`pairs` how many pairs.
    :param undecided: for how many of these that the simulator let pass neither a proof nor a counterexample was found.
    :param complete: whether nothing was left to try; otherwise the budget was spent, or enough was found.
    """

    edits: int = 0
    pairs: int = 0
    undecided: int = 0
    complete: bool = True


@dataclass(frozen=True)
class TraceEffect:
    """What the edits would have changed for the copies of a trace.

    :param copies: how many there are.
    :param changes: kind of difference to copies.
    """

    window: Window | None
    copies: int
    changes: Mapping[DifferenceKind, CopyCount]


@dataclass(frozen=True)
class Suggestion:
    """Edits after which a goal is met, and everything that held before still holds.

    :param rules: all rules, first to last.
    :param difference: what they change in mail, and :param:`unwanted_changes` what of that goes beyond what was asked
        for.
    :param until: the day on which a copy that shows the question is treated wrongly again, because a rule begins or
        ends then; ``None`` if there is none.
    :param left_open: of edits after which the guarantee is kept for the message that refuted it, and not, or perhaps
        not, for all mail: the verdict then; ``None`` if the goal is met.
    :param connector: the edit of an outbound connector that it is instead; ``None`` for edits of rules.
    :param replay: what they would have changed for the copies of a trace; ``None`` where there is none.
    :param puts_right: messages that break the guarantee and keep it after the edits: what shows the question first, and
        of each further edit one that needs it.
    """

    edits: tuple[RuleEdit, ...]
    rules: tuple[Rule, ...]
    difference: Difference
    unwanted_changes: tuple[MailFinding, ...]
    until: datetime.date | None = None
    left_open: Judgment | None = None
    connector: ConnectorEdit | None = None
    puts_right: tuple[Counterexample, ...] = ()
    replay: TraceEffect | None = None

    @property
    def losses(self) -> tuple[MailFinding, ...]:
        """The mail that is worse off, although nobody asked for that."""
        return tuple(finding for finding in self.unwanted_changes if finding.kind in LOSSES)

    @property
    def changes(self) -> list[MailFinding]:
        """What changes, the class of mail that is the widest by its conditions first: what somebody who agrees to the
        edits has to know. What is certain goes before what is only possible.
        """
        widest_first = sorted(self.difference.findings, key=_conditions, reverse=True)
        return sorted(widest_first, key=lambda finding: isinstance(finding, MayChange))


@dataclass(frozen=True)
class OpposedGuarantee:
    """A guarantee that is not refuted, and that no rules can keep together with a goal.

    :param guarantee: its name.
    :param holds: whether it is proved; otherwise it is unknown.
    :param shown: a message that arrives in clear and that both are about: one wants it protected if it is delivered, the
        other one delivered without protection by rules.
    :param unless: the exceptions of the goal, in the form of a rule's, with which it leaves out the mail of the other
        one; empty if one condition does not say that mail.
    """

    guarantee: str
    holds: bool
    shown: Counterexample
    unless: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GoalSuggestions:
    """What is suggested for a goal.

    :param name: the name of the guarantee or of the message.
    :param suggestions: those that change the least mail beside what was asked for first; none if no one or two edits
        were found.
    :param forbidding: guarantees that hold and that edits would break which put the message right, those that forbid most
        first; empty if there are suggestions that put all right.
    :param advice: what helps more than an edit of rules does; ``None`` if that is not known.
    :param contradiction: why no edit can help; ``None`` if that is not known.
    """

    name: str
    suggestions: tuple[Suggestion, ...]
    tried: SearchEffort
    forbidding: tuple[str, ...] = ()
    advice: Advice | None = None
    contradiction: OpposedGuarantee | None = None


def suggestions(
    rules: RuleSet,
    facts: Mapping[str, Any],
    judged: Sequence[Judgment],
    cases: Sequence[Case],
    now: datetime.datetime,
    steps: int = STEPS,
) -> list[GoalSuggestions]:
    """What is suggested for each refuted guarantee, and for each message with an expectation that is not met.

    :param facts: in the form of the option ``facts``.
    :param judged: all guarantees, as the verifier judges them.
    :param cases: all messages, with their expectations.
    :param now: when the mail passes the rules.
    :param steps: the budget for all together.
    """
    repair = _Repair(rules, facts, judged, cases, now)
    goals, suggested = list(repair.goals()), []
    with bounded(steps, share=1), uncollected():
        for place, goal in enumerate(goals):
            # The models of a goal are no garbage of the next.
            with bounded(STEPS_OF_GOAL, share=1 / (len(goals) - place)), emptied():
                suggested.append(repair.repair(goal))
    return suggested


@dataclass(frozen=True)
class _Goal:
    """A guarantee that is to hold, or a message whose expectations are to be met.

    :param wrong: a copy that shows that it is not so.
    """

    wrong: FailingCopy
    guarantee: Guarantee | None = None
    case: Case | None = None


@dataclass(frozen=True)
class _BrokenGuarantee:
    """A counterexample that was found on the way.

    :param wrong: the copy that breaks :param:`guarantee`.
    """

    guarantee: Guarantee
    counterexample: Counterexample
    wrong: FailingCopy


@dataclass(frozen=True)
class _FirstStep:
    """An edit that puts the first copy right, and not all mail, or not surely.

    :param refuted: whether other mail breaks the guarantee then; of all others that is open.
    :param tried: the guarantees under these rules, where some of them were judged.
    """

    draft: EditedRules
    refuted: bool
    tried: TriedRules | None = None


@dataclass
class _GoalSearch:
    """What is found out about a goal beside its suggestions.

    :param forbidding: guarantee that held to how many edits break it that put the first copy right.
    :param unlike: edits that make other rules as much as that are not worth a try any more, see :func:`rebuilds`.
    """

    count: Counter[str] = field(default_factory=Counter)
    first_steps: list[_FirstStep] = field(default_factory=list)
    forbidding: Counter[str] = field(default_factory=Counter)
    complete: bool = False
    unlike: int = LAST_RESORT + 1

    def note_first_step(self, step: _FirstStep) -> None:
        """Notes edits that one message led to as a first step. Pairs have two."""
        if not self.count["pairs"]:
            self.first_steps.append(step)
            self.stop_before(LAST_RESORT)

    def stop_before(self, rebuilt: int) -> None:
        """Edits that make other rules as much as that are not tried any more."""
        self.unlike = min(self.unlike, rebuilt)


class _OpenError(Exception):
    """It is unknown whether rules meet a goal."""


@dataclass
class _Repair:
    rules: RuleSet
    given: Mapping[str, Any]
    judged: Sequence[Judgment]
    cases: Sequence[Case]
    now: datetime.datetime

    def __post_init__(self) -> None:
        self.facts: Facts = facts_of(self.given)
        self.rules = RuleSet.read(self.rules, self.facts.dialect)
        self.present = EditedRules(tuple(map(unplaced, self.rules.given)))
        self._known = RuleSet(self.present.rules, self.rules.dialect)
        #: The expectations that are not met at present, by message.
        self.missed = {case.message.name: self._missed(self.rules, case) for case in self.cases if case.expect}
        self._shown_at_first = [
            self._broken(judgment.guarantee, judgment.counterexample)
            for judgment in self.judged
            if judgment.counterexample
        ]
        #: The counterexamples that are known: of all goals, and those that the search for one found.
        self.shown = list(self._shown_at_first)

    def goals(self) -> Iterator[_Goal]:
        """What is to be repaired."""
        yield from (_Goal(refuted.wrong, guarantee=refuted.guarantee) for refuted in self._shown_at_first)
        for case in self.cases:
            if self.missed.get(case.message.name):
                yield _Goal(self._missing(case, self.missed[case.message.name]), case=case)

    def repair(self, goal: _Goal) -> GoalSuggestions:
        """The suggestions for a goal. What the search for one finds is forgotten for the next: the suggestions do not
        depend on what else is asked.
        """
        self.shown = list(self._shown_at_first)
        known = self._without_search(goal)
        if known is not None:
            return known
        search = _GoalSearch()
        found = self._suggestions_by_search(goal, search)
        suggested = self._sorted(goal, found)
        if suggested and not goal.wrong.aim.asks_delivery:
            closed = [suggestion for suggestion in suggested if not _delivers_kept_back_mail(suggestion)]
            others = suggested if goal.wrong.aim.wants_protection else []
            suggested = closed or list(self._of_passing_mail(goal).suggestions) or others
        contradiction = None if suggested else self._contradiction(goal)  # Of what the search found, too.
        is_signed = bool(suggested) and self._needs_no_advice(goal, suggested[0])
        advice = None if is_signed else self._advice(goal)
        suggested = [] if advice else suggested
        if not (suggested or advice or contradiction):
            suggested = self._sorted(goal, self._first_steps(goal, search))
        suggested = [*self._of_connectors(goal), *suggested][:MOST]
        forbidding = () if found else tuple(name for name, _count in search.forbidding.most_common())
        return GoalSuggestions(
            goal.wrong.aim.name,
            tuple(suggested),
            SearchEffort(**search.count, complete=search.complete),
            forbidding,
            advice,
            contradiction,
        )

    @staticmethod
    def _needs_no_advice(goal: _Goal, first: Suggestion) -> bool:
        """Whether a suggestion goes before advice. For a guarantee of delivery, none does by which mail goes past the rules or
        loses by it: a rule that keeps mail back may be meant to.
        """
        aim = goal.wrong.aim
        if goal.guarantee is None or not aim.asks_delivery:
            return True
        return not first.losses and rebuilds(first.edits, first.rules, aim) < NEW_RULE

    def _without_search(self, goal: _Goal) -> GoalSuggestions | None:
        """The suggestions where no search is needed: for a goal that no rules can meet together with another guarantee, for mail
        on which no edit of rules helps, and for mail that rules keep back.
        """
        contradiction = self._contradiction(goal)
        if contradiction is not None:
            advice = self._advice(goal)
            return GoalSuggestions(goal.wrong.aim.name, (), SearchEffort(), advice=advice, contradiction=contradiction)
        judged = self._judgment(goal)
        beyond = judged and beyond_rules(judged, goal.wrong.copy, self.rules, self.facts, self.given, self.now)
        if beyond:
            return GoalSuggestions(goal.wrong.aim.name, (), SearchEffort(), advice=beyond)
        if not self._is_kept_back(goal):
            return None
        advice = self._advice(goal)
        if advice:
            return GoalSuggestions(goal.wrong.aim.name, (), SearchEffort(), advice=advice)
        passing = self._of_passing_mail(goal)
        return passing if passing.suggestions or passing.contradiction else None

    def _suggestions_by_search(self, goal: _Goal, search: _GoalSearch) -> list[Suggestion]:
        """What the search finds, each with what it changes. Once nothing that may follow goes before what was found, others
        are found only if they cost little.
        """
        found, drafts = list[Suggestion](), self._search(goal, search)
        try:
            with bounded(share=1) as meter:
                granted = meter.left
                while len(found) < _COMPARED:
                    with bounded(share=_SEARCHING):
                        draft = next(drafts, None)
                    if draft is None:
                        search.complete = search.count["pairs"] < _PAIRS and search.count["undecided"] < _UNDECIDED
                        break
                    found.append(self._suggestion(goal, draft))
                    cheap = granted - meter.left < _CHEAP
                    if not cheap and _puts_right_what_is_there(found[-1], goal.wrong.aim, self.rules):
                        is_meant_for_it = _are_meant(found[-1], goal.wrong.aim, self.rules)
                        if is_meant_for_it and not _surely_unwanted(found[-1]):
                            break
                        search.stop_before(NEW_RULE)
        except BudgetError:
            pass  # What was found until then counts.
        return found

    def _contradiction(self, goal: _Goal) -> OpposedGuarantee | None:
        """A guarantee that is not refuted and that no rules can keep together with a goal for one of the messages that are
        known: it arrives in clear, one of both wants it protected if it is delivered, and the other one wants it
        delivered and not protected by rules. Those that hold come first.
        """
        wish = goal.guarantee
        if wish is None or _others_may_protect(self.facts):
            return None
        kept = [judgment for judgment in self.judged if judgment.verdict is not GuaranteeVerdict.REFUTED]
        kept.sort(key=lambda judgment: judgment.verdict is not GuaranteeVerdict.PROVED)
        opposed = [judgment for judgment in kept if _opposed(judgment.guarantee, wish)]
        others = [judgment.guarantee for judgment in opposed]
        if not others:
            return None
        claims = claims_of([wish.selection, *(other.selection for other in others)], self.rules.dialect)
        for known in self.shown:
            if not any(known.guarantee is guarantee for guarantee in (wish, *others)):
                continue
            copy = known.wrong.copy
            if not copy.message.arrives_in_clear:
                continue
            of_goal, *of_others = (
                is_about(claims, rule, copy.message, copy.facts, copy.recipient) is True for rule in claims.rules
            )
            other = next(itertools.compress(opposed, of_others), None)
            if of_goal and other is not None:
                holds = other.verdict is GuaranteeVerdict.PROVED
                unless = leaving_out(wish, other.guarantee.when) or {}
                return OpposedGuarantee(other.guarantee.name, holds, known.counterexample, unless)
        return None

    def _advice(self, goal: _Goal) -> Advice | None:
        """What helps where no edit puts all mail right."""
        judged = self._judgment(goal)
        if judged is None or judged.counterexample is None:
            return None
        cause = judged.counterexample.cause
        if cause is not None and cause.kind == "unauthenticated":
            return Advice("sign_in", str(judged.counterexample.message["from"]))
        idle = of_idle_dlp_rule(judged, self.rules, self.given, self.now)
        if idle:
            return idle
        outcome = judged.counterexample.outcome
        guarantee = judged.guarantee
        try:
            if not outcome.is_delivered:
                then = _IF_DELIVERED.get(guarantee.then)
                if not then:
                    return self._unless(judged)
                narrower = replace(guarantee, then=then)
                return if_kept(Advice("then", then), narrower, self.rules, self.facts, self.now)
            if outcome.on_arrival and guarantee.template:
                advice = Advice("template", guarantee.template)
                return if_kept(advice, replace(guarantee, template=""), self.rules, self.facts, self.now)
        except BudgetError:
            pass  # That it helps is not known.
        return None

    def _unless(self, judged: Judgment) -> Advice | None:
        """Advice that a guarantee leaves out the mail of the rules that keep it from delivery, one after the other, if
        no mail surely breaks it then, or only mail that is kept from delivery in another way, and all was to be delivered.

        :raises BudgetError: that takes too long.
        """
        guarantee, names = judged.guarantee, list[str]()
        while judged.counterexample is not None and len(names) < _MOST_LEFT_OUT:
            cause = judged.counterexample.cause
            if cause is None or cause.kind not in _KEPT_FROM_DELIVERY or cause.rule in names:
                break
            rule = next(rule for rule in self.rules.rules if rule.name == cause.rule)
            conditions = section_of(rule.criteria.conditions)
            unless = leaving_out(guarantee, conditions)
            if unless is None:
                is_of_rule = all(guarantee.when.get(option) == value for option, value in conditions.items())
                return Advice("opposed_rule", rules=(cause.rule,)) if is_of_rule and not names else None
            names.append(cause.rule)
            guarantee = replace(guarantee, unless=unless)
            (judged,) = prove(self.rules, self.facts, [guarantee], self.now)
        remaining = judged.counterexample
        if not names or (remaining and (remaining.outcome.is_delivered or guarantee.then != "delivered")):
            return None
        left_open = None if judged.verdict is GuaranteeVerdict.PROVED else judged
        return Advice("unless", unless=guarantee.unless, rules=tuple(names), left_open=left_open)

    def _judgment(self, goal: _Goal) -> Judgment | None:
        """The verdict on the guarantee of a goal; ``None`` of a message."""
        return next((judgment for judgment in self.judged if judgment.guarantee is goal.guarantee), None)

    def _is_kept_back(self, goal: _Goal) -> bool:
        """Whether a goal that does not ask for it is shown by a message that a rule keeps from delivery."""
        judged = self._judgment(goal)
        cause = judged.counterexample.cause if judged and judged.counterexample else None
        return cause is not None and cause.kind in _KEPT_FROM_DELIVERY and not goal.wrong.aim.asks_delivery

    def _of_passing_mail(self, goal: _Goal) -> GoalSuggestions:
        """First steps for the mail of a guarantee that no rule keeps back: such a rule stays as it is. None where another
        guarantee contradicts it for such mail.
        """
        nothing = GoalSuggestions(goal.wrong.aim.name, (), SearchEffort())
        judged = self._judgment(goal)
        guarantee = self._without_kept_back_mail(judged.guarantee) if judged else None
        if judged is None or guarantee is None or guarantee == judged.guarantee:
            return nothing
        try:
            (narrower,) = prove(self.rules, self.facts, [guarantee], self.now)
            if narrower.counterexample is None:
                return nothing
            repair = replace(self, judged=[narrower if other is judged else other for other in self.judged])
            (narrower_goal,) = (found for found in repair.goals() if found.guarantee is narrower.guarantee)
            found = repair.repair(narrower_goal)
            if found.contradiction:
                return replace(nothing, contradiction=found.contradiction)
            steps = [
                replace(suggestion, left_open=self._left_open_by(suggestion, judged.guarantee))
                for suggestion in found.suggestions[:_FIRST_STEPS]
                if suggestion.connector is None and not _delivers_kept_back_mail(suggestion)
            ]
            return replace(nothing, suggestions=tuple(steps))
        except (OptionError, BudgetError):
            return nothing  # Rules keep all of its mail back, or that takes too long.

    def _without_kept_back_mail(self, guarantee: Guarantee) -> Guarantee:
        """A guarantee that leaves out the mail of each rule that keeps mail back, if one condition says that mail."""
        for rule in self.rules.rules:
            unless = leaving_out(guarantee, section_of(rule.criteria.conditions)) if keeps_back(rule) else None
            if unless is not None:
                guarantee = replace(guarantee, unless=unless)
        return guarantee

    def _left_open_by(self, suggestion: Suggestion, guarantee: Guarantee) -> Judgment | None:
        """The verdict on a guarantee under the rules of a suggestion; ``None`` if it is kept.

        :raises BudgetError: that takes too long.
        """
        (judged,) = prove(RuleSet(suggestion.rules, self.rules.dialect), self.facts, [guarantee], self.now)
        return None if judged.verdict is GuaranteeVerdict.PROVED else judged

    def _suggestion(self, goal: _Goal, draft: EditedRules, left_open: Judgment | None = None) -> Suggestion:
        """The edits of a draft with what they change in mail.

        :raises BudgetError: it is not known for how long it helps, or what it changes.
        """
        aim, dialect = goal.wrong.aim, self.rules.dialect
        until = self._until(draft, goal)
        changes = difference(self.rules, RuleSet(draft.rules, dialect), self.facts, self.now)
        others = unwanted_changes(
            changes,
            [goal.guarantee.selection if goal.guarantee else {"conditions": aim.about}, *self._meant(draft, aim)],
            self._takes(draft, aim),
            self.facts,
            dialect,
            self.now,
            copies=goal.guarantee is not None and goal.guarantee.copies == ALL_COPIES,
        )
        return Suggestion(
            draft.edits, draft.rules, changes, others, until, left_open, puts_right=self._put_right(draft, goal)
        )

    def _takes(self, draft: EditedRules, aim: Aim) -> DifferenceKind | None:
        """The kind of loss that edits are for: a rule that is meant to keep the wanted mail back does so."""
        edited = {edit.rule for edit in draft.edits}
        rules = [
            (rule, given) for rule, given in zip(self.rules.rules, self.rules.given, strict=True) if rule.name in edited
        ]
        if len(rules) == len(edited) and all(withholds(rule, given, aim) for rule, given in rules):
            return DifferenceKind.DELIVERY_LOST
        return aim.takes

    def _sorted(self, goal: _Goal, suggested: Sequence[Suggestion]) -> list[Suggestion]:
        """Suggestions, those first that change the least."""
        changes = [_surely_unwanted(suggestion) for suggestion in suggested]
        wider = wider_than(changes, self.facts, self.rules.dialect, self.now)
        sizes = [
            _size(suggestion, goal.wrong.aim, number, self.rules)
            for suggestion, number in zip(suggested, wider, strict=True)
        ]
        return [suggested[place] for place in sorted(range(len(suggested)), key=lambda place: sizes[place])]

    def _meant(self, draft: EditedRules, aim: Aim) -> Iterator[Rule]:
        """The mail of the present conditions of the edited rules that are meant for what an aim is about, as their
        conditions then say. A rule that gets another action was not meant for that.
        """
        edited = {edit.rule for edit in draft.edits} - {edit.rule for edit in draft.edits if edit.kind == ACTION}
        meant = {name_of(rule) for rule in draft.rules if name_of(rule) in edited and is_wanted(rule, aim)}
        for rule in self.present.rules:
            if name_of(rule) in meant:
                yield {"conditions": rule.get("conditions") or {}}

    def _first_steps(self, goal: _Goal, search: _GoalSearch) -> list[Suggestion]:
        """Edits after which the message that refuted a guarantee keeps it, each with what stays open. Those after which
        other mail surely breaks it only where there are no others.
        """
        steps = list[Suggestion]()
        try:
            for draft, left_open in self._leaving_something_open(goal, search):
                refuted = left_open.verdict is GuaranteeVerdict.REFUTED
                if refuted and any(not _is_refuted(step) for step in steps):
                    break
                step = self._suggestion(goal, draft, left_open)
                if not goal.wrong.aim.asks_delivery and _delivers_kept_back_mail(step):
                    continue
                steps.append(step)
                puts_right = _puts_right_what_is_there(step, goal.wrong.aim, self.rules)
                if len(steps) == _FIRST_STEPS or (puts_right and not _surely_unwanted(step)):
                    break
        except BudgetError:
            pass  # What was found until then counts.
        return steps

    def _leaving_something_open(self, goal: _Goal, search: _GoalSearch) -> Iterator[tuple[EditedRules, Judgment]]:
        """The drafts that put the message right and leave something open, each with the verdict on the guarantee then:
        first those after which no other mail surely breaks it.

        :raises BudgetError: that takes too long.
        """
        guarantee = goal.guarantee
        if guarantee is None:
            return
        kinds, repairs = list[str](), list[tuple[str, str, str, str]]()
        others = [other for other in self._to_keep(goal) if other is not guarantee]
        for step in sorted(search.first_steps, key=lambda step: (step.refuted, _adds_last(step.draft))):
            first, kind = step.draft.edits[0], step.draft.edits[-1].kind
            repair = (first.kind, first.rule, first.option, "" if first.kind == MOVE else repr(first.after))
            if (kind == ADD and ADD in kinds) or repair in repairs:
                continue  # It is the same rule at another place.
            try:
                tried = step.tried or self._under(step.draft, goal)
                left_open = tried.judgment(guarantee)
                if left_open.verdict is GuaranteeVerdict.PROVED:
                    continue
                keeps_others = self._refuting(tried, others) is None
            except _OpenError:
                return
            if keeps_others and self._acts(step.draft, tried):
                kinds.append(kind)
                repairs.append(repair)
                yield step.draft, left_open

    def _of_connectors(self, goal: _Goal) -> Iterator[Suggestion]:
        """The edit of a connector that closes the hole through which a copy leaves."""
        judged = self._judgment(goal)
        hole = judged.counterexample.hole if judged and judged.counterexample else None
        if judged is None or hole is None:
            return
        for edit, facts in connector_edits(hole, judged.guarantee.tls_validation, self.given):
            kept_guarantees = self._to_keep(goal)
            others = [guarantee for guarantee in kept_guarantees if guarantee is not goal.guarantee]
            try:
                tried = TriedRules(self.rules, facts_of(facts), kept_guarantees, self.now)
                then = tried.judgment(judged.guarantee)
                broken = self._refuting(tried, others)
            except (_OpenError, BudgetError):
                return
            same = then.counterexample is not None and then.counterexample.hole == hole
            if broken is None and not same:
                left_open = None if then.verdict is GuaranteeVerdict.PROVED else then
                shown = judged.counterexample
                put_right = () if shown is None else (shown,)
                yield Suggestion((), self.present.rules, Difference(), (), None, left_open, edit, put_right)

    def _search(self, goal: _Goal, search: _GoalSearch) -> Iterator[EditedRules]:
        """The drafts that do, with one edit; with two where no single edit does."""
        begun: list[tuple[EditedRules, FailingCopy]] = []
        done = added = alone = False
        moved_as_well = list[RuleEdit]()
        for draft in candidates(self.present, self._known, goal.wrong):
            last = draft.edits[-1]
            if (added and last.kind == ADD) or (len(draft.edits) > 1 and (alone or draft.edits[0] in moved_as_well)):
                continue  # It is the same rule at another place, or one edit does.
            if rebuilds(draft.edits, draft.rules, goal.wrong.aim) >= search.unlike:
                break  # And so do all after it.
            search.count["edits"] += 1
            wrong = self._checked(draft, goal, search)
            if isinstance(wrong, FailingCopy):
                begun.append((draft, wrong))
            elif wrong:
                done, added = True, added or last.kind == ADD
                search.stop_before(LAST_RESORT)
                if len(draft.edits) == 1:
                    alone = True
                else:
                    moved_as_well.append(draft.edits[0])
                yield draft
        if not done:
            yield from self._search_pairs(goal, search, begun)

    def _search_pairs(
        self, goal: _Goal, search: _GoalSearch, begun: Sequence[tuple[EditedRules, FailingCopy]]
    ) -> Iterator[EditedRules]:
        """The drafts with two edits that do.

        :param begun: drafts that do not, each with a copy that does not come out right.
        """
        seen: set[frozenset[str]] = set()
        # What puts the first copy right is nearer.
        singles = [step for step in begun if len(step[0].edits) == 1]
        for draft, wrong in sorted(singles, key=lambda step: step[1] is goal.wrong):
            for further in candidates(draft, self._read(draft), wrong):
                key = frozenset(map(repr, further.edits))
                if key in seen or len(key) != 2:
                    continue
                if search.count["pairs"] == _PAIRS:
                    return
                if rebuilds(further.edits[-1:], further.rules, wrong.aim) == LAST_RESORT:
                    break  # And so do all after it.
                seen.add(key)
                search.count["pairs"] += 1
                if self._checked(further, goal, search) is True:
                    yield further

    def _checked(self, draft: EditedRules, goal: _Goal, search: _GoalSearch) -> FailingCopy | bool:
        """A copy that does not come out right with a draft; true if all do, false if that is unknown, or the draft only
        hides the question.
        """
        rules = self._read(draft)
        wrong = self._simulated(rules, goal)
        if wrong is not None:
            self._note(draft, wrong, goal, search)
            return wrong
        if search.count["undecided"] == _UNDECIDED:
            return False  # What kept the others from a proof most likely keeps this one, too.
        tried = None
        try:
            tried = self._under(draft, goal)
            wrong = self._refuting(tried, self._to_keep(goal))
        except (_OpenError, BudgetError):
            search.count["undecided"] += 1
            search.note_first_step(_FirstStep(draft, False, tried))
            return False
        if wrong is None:
            return self._acts(draft, tried)
        self._note(draft, wrong, goal, search, tried)
        return wrong

    def _note(
        self,
        draft: EditedRules,
        wrong: FailingCopy,
        goal: _Goal,
        search: _GoalSearch,
        tried: TriedRules | None = None,
    ) -> None:
        """Notes what a draft does where it puts the first copy right: it is a first step, or another guarantee forbids
        it.
        """
        if wrong is goal.wrong:
            return
        if wrong.aim.name == goal.wrong.aim.name:
            search.note_first_step(_FirstStep(draft, True, tried))
        elif any(judgment.guarantee.name == wrong.aim.name for judgment in self.judged):
            search.forbidding[wrong.aim.name] += 1

    def _read(self, draft: EditedRules) -> RuleSet:
        spend(_STEPS_OF_RULE * len(draft.rules))
        return RuleSet(draft.rules, self.rules.dialect, self._known)

    def _to_keep(self, goal: _Goal) -> list[Guarantee]:
        """The guarantees that must not be refuted: the goal first, those that held, and those of which it was unknown."""
        wanted = [] if goal.guarantee is None else [goal.guarantee]
        kept_guarantees = [
            judgment.guarantee for judgment in self.judged if judgment.verdict is not GuaranteeVerdict.REFUTED
        ]
        return [*wanted, *(other for other in kept_guarantees if other is not goal.guarantee)]

    def _simulated(self, rules: RuleSet, goal: _Goal) -> FailingCopy | None:
        """A known message that is treated wrongly: the goal's own first."""
        kept_guarantees = self._to_keep(goal)
        for refuted in sorted(self.shown, key=lambda refuted: refuted.guarantee is not goal.guarantee):
            if any(refuted.guarantee is guarantee for guarantee in kept_guarantees) and self._breaks(rules, refuted):
                return refuted.wrong
        first = [goal.case] if goal.case else []
        for case in (*first, *(case for case in self.cases if case.expect and case is not goal.case)):
            allowed = () if case is goal.case else self.missed[case.message.name]
            missed = [
                expectation
                for expectation in self._missed(rules, case)
                if not any(_covers(known, expectation) for known in allowed)
            ]
            if missed:
                is_first = case is goal.case and missed[0].recipient == goal.wrong.copy.recipient
                return goal.wrong if is_first else self._missing(case, missed)
        return None

    def _under(self, draft: EditedRules, goal: _Goal) -> TriedRules:
        """The guarantees that must not be refuted, under the rules of a draft.

        :raises BudgetError: the rules are too much.
        """
        return TriedRules(RuleSet(draft.rules, self.rules.dialect), self.facts, self._to_keep(goal), self.now)

    def _refuting(self, tried: TriedRules, guarantees: Sequence[Guarantee]) -> FailingCopy | None:
        """A message that refutes one of some guarantees: the goal, or one that held, or of which that was unknown.

        :raises _OpenError: it is unknown whether there is one.
        """
        for guarantee in self._to_judge(tried, guarantees):
            counterexample = self._refutation(tried, guarantee)
            if counterexample:
                shown = self._broken(guarantee, counterexample)
                self.shown.append(shown)
                return shown.wrong
        return None

    def _to_judge(self, tried: TriedRules, guarantees: Sequence[Guarantee]) -> Iterator[Guarantee]:
        """Those of some guarantees that are to be judged one by one: the goal, those that held and that neither one question
        about all of them nor one of its own proves, and those of which that was unknown.
        """
        asked = [judged for judged in self.judged if any(judged.guarantee is guarantee for guarantee in guarantees)]
        refuted, proved, unknown = (
            [judged for judged in asked if judged.verdict is verdict]
            for verdict in (GuaranteeVerdict.REFUTED, GuaranteeVerdict.PROVED, GuaranteeVerdict.UNKNOWN)
        )
        yield from (judged.guarantee for judged in refuted)
        if proved and not tried.keep(proved):
            yield from (judged.guarantee for judged in proved if not tried.keep([judged]))
        yield from (judged.guarantee for judged in unknown)

    def _refutation(self, tried: TriedRules, guarantee: Guarantee) -> Counterexample | None:
        was = next(judgment.verdict for judgment in self.judged if judgment.guarantee is guarantee)
        if was is GuaranteeVerdict.UNKNOWN:  # It need not be proved.
            return tried.refutation(guarantee)
        judgment = tried.judgment(guarantee)
        if judgment.verdict is GuaranteeVerdict.UNKNOWN:
            raise _OpenError
        return judgment.counterexample

    def _acts(self, draft: EditedRules, tried: TriedRules) -> bool:
        """Whether every edited rule that is not disabled can still act. One that cannot has an exception for
        everything, or a condition that leaves no mail.
        """
        names = {edit.rule for edit in draft.edits}
        edited = [rule for rule in tried.rules.rules if rule.name in names and not rule.idle]
        return all(tried.can_act(rule) for rule in edited)

    def _breaks(self, rules: RuleSet, shown: _BrokenGuarantee, date: datetime.datetime | None = None) -> bool:
        copy, guarantee = shown.wrong.copy, shown.guarantee
        copy = replace(copy, message=replace(copy.message, date=date)) if date else copy
        course = copy.course(Passage(rules, copy.message, copy.facts))
        return surely_breaks(course, guarantee, copy.message, copy.facts)

    def _until(self, draft: EditedRules, goal: _Goal) -> datetime.date | None:
        """The first day on which a rule begins or ends and a known copy of the goal is treated wrongly again."""
        rules = RuleSet(draft.rules, self.rules.dialect)
        shown = [refuted for refuted in self.shown if refuted.guarantee is goal.guarantee]
        for instant in later_instants([rules], self.now, None):
            if any(self._breaks(rules, refuted, instant) for refuted in shown) or (
                goal.case and self._misses(rules, goal, instant)
            ):
                return instant.date()
        return None

    def _misses(self, rules: RuleSet, goal: _Goal, instant: datetime.datetime) -> bool:
        """Whether the message of a goal without a date of its own is treated wrongly at an instant."""
        case = goal.case
        if case is None or case.message.date != self.now:
            return False
        return bool(self._missed(rules, replace(case, message=replace(case.message, date=instant))))

    def _missed(self, rules: RuleSet, case: Case) -> list[Broken]:
        return broken(case.expect, Simulator(rules, self.facts).run(case.message)["recipients"])

    def _missing(self, case: Case, missed: Sequence[Broken]) -> FailingCopy:
        """The first recipient's copy of which something else is expected."""
        of_first = [expectation for expectation in missed if expectation.recipient == missed[0].recipient]
        return FailingCopy(
            Copy(case.message, self.facts, missed[0].recipient), aim_of_expectation(case.message, self.facts, of_first)
        )

    def _broken(self, guarantee: Guarantee, counterexample: Counterexample) -> _BrokenGuarantee:
        copy = copy_of(counterexample, self.facts, self.now)
        wrong = FailingCopy(copy, aim_of_guarantee(guarantee, self.rules, self.facts, copy.recipient))
        return _BrokenGuarantee(guarantee, counterexample, wrong)

    def _put_right(self, draft: EditedRules, goal: _Goal) -> tuple[Counterexample, ...]:
        """Messages that break the guarantee of a goal at present: the one that shows it, and for each edit of several one
        that it puts right.
        """
        shown = [known for known in self.shown if known.guarantee is goal.guarantee]
        if len(draft.edits) < 2:
            return tuple(known.counterexample for known in shown[:1])
        put_right = list[Counterexample]()
        after: EditedRules = draft
        while after.before is not None:
            before = after.before
            for each in shown:
                if self._breaks(self._read(before), each) and not self._breaks(self._read(after), each):
                    put_right.insert(0, each.counterexample)
                    break
            after = before
        return tuple(put_right)


def _others_may_protect(facts: Facts) -> bool:
    """Whether DLP policies or labels that are known may protect what rules leave in clear."""
    encrypters = facts.encrypters
    by_dlp = encrypters.dlp_policies.encrypters if encrypters.dlp_policies else ()
    return bool(encrypters.auto_label_policies) or any(each.changes_mail for each in by_dlp)


def _opposed(one: Guarantee, other: Guarantee) -> bool:
    """Whether of two guarantees one wants mail protected if it is delivered, and the other one delivered and unencrypted."""
    wishes = [WISHES[guarantee.then] for guarantee in (one, other)]
    return any(wish.wants_no_rule_to_protect for wish in wishes) and any(
        wish.protects_what_is_delivered for wish in wishes
    )


def _adds_last(draft: EditedRules) -> bool:
    """Whether an edit adds a rule after all others, which is behind all that stop."""
    return draft.edits[-1].kind == ADD and draft.edits[-1].after == len(draft.rules) - 1


def _covers(known: Broken, other: Broken) -> bool:
    """Whether an expectation that was not met includes another. Who gets nothing meets none."""
    return known.recipient == other.recipient and known.path in ((), other.path)


def _size(suggestion: Suggestion, aim: Aim, wider: int, present: RuleSet) -> tuple[Any, ...]:
    """What a suggestion changes, to be sorted by: whether mail still breaks the guarantee; the classes that lose by it;
    whether all that it changes is known; whether it helps for a time only; whether it is a last resort; whether it does
    something else than put right rules that are there; whether the rules are meant for other mail; the classes that may
    change; how many suggestions change less mail
    beside; how wide the classes are that it changes beside; how much it makes other rules, and how far these are from what
    it is about; the edits; and of all it changes, the classes without a gain, and how wide all are.

    :param wider: how many others change beside only a part of the mail that it changes beside.
    :param present: the rules before the edits.
    """
    every = suggestion.difference.findings
    unusual = [finding for finding in suggestion.unwanted_changes if isinstance(finding, MayChangeUnusual)]
    unknown = sum(isinstance(finding, MayChange) for finding in suggestion.unwanted_changes) - len(unusual)
    unknown += suggestion.difference.more
    others = _surely_unwanted(suggestion)
    return (
        *_drawbacks(suggestion, aim, present),
        not _are_meant(suggestion, aim, present),
        unknown,
        wider,
        sorted(map(_conditions, others), reverse=True),
        rebuilds(suggestion.edits, suggestion.rules, aim),
        _distance(suggestion, aim, present),
        sorted(map(_values, others), reverse=True),
        len(suggestion.edits),
        len(unusual),
        sum(finding.kind not in GAINS for finding in every),
        sorted(((_conditions(finding), _values(finding)) for finding in every), reverse=True),
    )


def _drawbacks(suggestion: Suggestion, aim: Aim, present: RuleSet) -> tuple[bool | int, ...]:
    """The first of what suggestions are sorted by, see :func:`_size`: what one would not sign it for."""
    rebuilt = rebuilds(suggestion.edits, suggestion.rules, aim)
    others = _surely_unwanted(suggestion)
    return (
        _is_refuted(suggestion),
        len(suggestion.losses),
        not suggestion.difference.complete,  # So more mail may lose by it.
        suggestion.until is not None,
        rebuilt == LAST_RESORT,
        rebuilt >= NEW_RULE or (bool(others) and not _are_meant(suggestion, aim, present)),
    )


def _puts_right_what_is_there(suggestion: Suggestion, aim: Aim, present: RuleSet) -> bool:
    """Whether a suggestion has no drawback, so that none with a new rule goes before it; and if it changes no other mail
    for certain, none that makes other rules more.
    """
    return not any(_drawbacks(suggestion, aim, present))


def _is_refuted(suggestion: Suggestion) -> bool:
    """Whether mail surely breaks the guarantee also after the edits."""
    return suggestion.left_open is not None and suggestion.left_open.verdict is GuaranteeVerdict.REFUTED


def _surely_unwanted(suggestion: Suggestion) -> list[MailFinding]:
    """What certainly changes beside what a suggestion is for."""
    return [finding for finding in suggestion.unwanted_changes if not isinstance(finding, MayChange)]


def _are_meant(suggestion: Suggestion, aim: Aim, present: RuleSet) -> bool:
    """Whether all rules that are edited are meant for what an aim is about, before or with another condition, and do what it
    wants. One that is added is not there yet.
    """
    edited = {edit.rule for edit in suggestion.edits}
    if any(edit.kind == ADD for edit in suggestion.edits):
        return False
    changed = {edit.rule for edit in suggestion.edits if edit.kind == CONDITION and edit.after is not None}
    after = {name_of(rule): rule for rule in suggestion.rules if name_of(rule) in changed}
    return all(
        aim.is_helped_by(rule) and (is_meant(given, aim) or (rule.name in after and is_meant(after[rule.name], aim)))
        for rule, given in zip(present.rules, present.given, strict=True)
        if rule.name in edited
    )


def _delivers_kept_back_mail(suggestion: Suggestion) -> bool:
    """Whether mail is surely delivered that a rule kept back. Copies that a rule adds are no such mail."""
    return any(
        finding.kind is DifferenceKind.DELIVERY_GAINED and not finding.person and not isinstance(finding, MayChange)
        for finding in suggestion.difference.findings
    )


def _distance(suggestion: Suggestion, aim: Aim, present: RuleSet) -> tuple[int, int]:
    """How far the rules that are edited are from what an aim is about, see :func:`unlike`."""
    names = {edit.rule for edit in suggestion.edits}
    return max((unlike(rule, aim.about) for rule in present.rules if rule.name in names), default=(0, 0))


def _conditions(finding: MailFinding) -> tuple[int, int, int]:
    """How wide a class of mail is by its conditions: those on more than who is inside or outside count first, then all,
    then what it excludes.
    """
    telling = [option for option in finding.when if option not in SCOPES]
    return -len(telling), -len(finding.when), -len(finding.unless)


def _values(finding: MailFinding) -> int:
    """How wide a class of mail is by the number of its conditions' values."""
    conditions = [*finding.when.values(), *finding.unless.values()]
    return sum(len(values) if isinstance(values, list) else 1 for values in conditions)


def with_replays(
    goals: Sequence[GoalSuggestions], rules: RuleSet, facts: Mapping[str, Any], trace: Trace, window: Window | None
) -> list[GoalSuggestions]:
    """The same suggestions, each with what it would have changed for the copies of a trace. Of those that cost no mail
    anything, what would have changed fewer copies comes first.

    :param rules: the present rules.
    :param facts: in the form of the option ``facts``.
    """
    known = facts_of(facts)
    others = [RuleSet(suggestion.rules, known.dialect) for one in goals for suggestion in one.suggestions]
    changes = iter(alternatives(rules, others, known, trace))
    return [
        replace(
            one,
            suggestions=tuple(
                sorted(
                    [
                        replace(suggestion, replay=TraceEffect(window, len(trace), next(changes)))
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
        _is_refuted(suggestion),
        len(suggestion.losses),
        suggestion.until is not None,
        sum(count.certain + count.possible for count in copies),
    )
