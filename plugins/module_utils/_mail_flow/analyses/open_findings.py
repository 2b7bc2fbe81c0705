# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings about mail that may be treated differently, about side effects of rules (whom they tell or ask, what they tell
people, and how mail leaves), and about what is not compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._resources.rules.action_effects import Does
from ..actions.brought_people import THE_MANAGER
from ..actions.copy_state import MOST_APPROVALS
from ..actions.edit import may_insert
from ..conditions.predicate import Atom
from ..conditions.seen_message import SeenMessage
from ..formula import FALSE, Literal, Value, high, low
from ..model import questions
from ..model.inside import recipient_outside
from ..model.kleene import Reason
from ..model.message import Message
from ..model.outcomes import Fate
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from ..sat.batch import Batch
from ..simulator.assumptions import (
    AFTER_REJECTION,
    BUDGET,
    FAILING,
    LATER,
    MANY_APPROVALS,
    NOT_FOLLOWED,
    NOT_FOUND,
    unusual,
)
from ..simulator.results import result
from ..simulator.state import Course
from ..symbolic.compile_rules import RuleChain, RuleStep
from ..symbolic.encoding import Model
from ..symbolic.message_search import CandidateMessage
from ..symbolic.witness_replay import course_of, reasons_of
from .aspects import Aspect, DifferenceKind
from .difference_kinds import MailClass, witness_of
from .difference_queries import DifferenceQueries, DifferenceSearch
from .finding import (
    OF_COPIES,
    STATED_TEXTS,
    Cause,
    CutShort,
    LaterRule,
    MayBecome,
    MayChangeLater,
    MayChangeUnusual,
    MayFail,
    MayHaveSideEffects,
    MayReach,
    MayWait,
    SideEffect,
    SideEffectsChanged,
    section_of,
)
from .rule_changes import NOTHING, DateChange, Edit, Separation, edits_of, separation_of, unedited


@dataclass(frozen=True)
class _Versions:
    """The versions of an edited rule whose mail may be treated differently.

    :param acted: whether the rule acted before, and acts now.
    :param separation: what distinguishes the mail of one version from that of the other.
    """

    rules: tuple[FlowRule, ...]
    acted: tuple[bool, bool]
    separation: Separation = NOTHING


class OpenFindings:
    """The findings about what may be different."""

    def __init__(self, search: DifferenceSearch) -> None:
        self._search = search
        self.model = search.model

    def unknown(self, classes: Iterable[MailClass]) -> list[MayBecome]:
        """One finding for each cause and person, with the possible differences."""
        by_cause: dict[tuple[int, str], list[MailClass]] = {}
        for mail_class in classes:
            by_cause.setdefault((mail_class.cause, mail_class.person), []).append(mail_class)
        return [self._unknown(cause, person, group) for (cause, person), group in sorted(by_cause.items())]

    def _unknown(self, cause: int, person: str, group: Sequence[MailClass]) -> MayBecome:
        """The finding about the classes of a cause and a person."""
        edit = edit_at(self._search.edits, cause)
        # A message without anything unknown is not a witness, nor is one on which the edited rule never acts.
        witnesses = [
            mail_class
            for mail_class in group
            if mail_class.witness is not None and mail_class.reasons and (edit is None or any(mail_class.acted))
        ]
        shown = witnesses[0] if witnesses else None
        about = self._version_that_acts(edit, group) or self._either_version(edit, shown)
        kinds = {mail_class.kind for mail_class in group} if edit else set()
        reasons = tuple(dict.fromkeys(reason for mail_class in group for reason in mail_class.reasons))
        return MayBecome(
            about=about.rules,
            why=about.separation,
            rules=rules_of(self.model, self._search.edits, edit),
            person=person,
            witness=shown.witness if shown else None,
            unknown=reasons or (NOT_FOUND,),
            becomes=kinds.pop() if len(kinds) == 1 else DifferenceKind.UNKNOWN,
            cause=Cause(edit, about.acted, settings=self.model.settings_that_differ),
        )

    def _either_version(self, edit: Edit | None, shown: MailClass | None) -> _Versions:
        """The versions of an edited rule whose mail may be treated differently; only the new one if both have the same
        conditions.

        :param shown: a class with a witness.
        """
        if edit is None:
            return _Versions((), shown.acted if shown else (False, False))
        rules = [
            unchanged(self.model, rule) for rule in (edit.before, edit.after) if rule is not None and not rule.idle
        ]
        if len(rules) > 1 and section_of(rules[0].criteria.conditions) == section_of(rules[1].criteria.conditions):
            rules = rules[1:]
        if len(rules) > 1:  # The mail of either version may be treated differently.
            return _Versions(tuple(rules), (True, True))
        exists = (edit.before is not None, edit.after is not None)
        return _Versions(tuple(rules), shown.acted if shown else exists)

    def _version_that_acts(self, edit: Edit | None, group: Sequence[MailClass]) -> _Versions | None:
        """The version of an edited rule that alone acts on all mail of some classes, and what distinguishes its mail; ``None`` if
        there is no such version.
        """
        nows = {mail_class.part.now for mail_class in group}
        if edit is None or edit.before is None or edit.after is None or len(nows) > 1 or nows == {None}:
            return None
        if not all(edit.alike(mail_class.kind.aspect) for mail_class in group):
            return None
        now = nows == {True}
        acting, other = (edit.after, edit.before) if now else (edit.before, edit.after)
        separation = separation_of(acting, other)
        recipient = self.model.mail.recipient
        if not separation:
            return None
        differs = ~self.model.free.conditions.may_meet_or_fail(separation.met, separation.unmet, recipient)
        for mail_class in group:
            remaining = self._search.remaining
            of_class = self._search.about_copies(mail_class.person).of_class(
                mail_class.kind, mail_class.cause, mail_class.part
            )
            if remaining <= 0 or self.model.circuit.solve([*of_class, differs], remaining) is not False:
                return None
        rule = unchanged(self.model, acting)
        if separation.is_one:
            rule = rule.with_criteria((*rule.criteria.conditions, *separation.met))
            separation = NOTHING
        return _Versions((rule,), (not now, now), telling_separation(self.model, rule, separation, self._search.solve))

    def on_error(self, rule: FlowRule) -> MayFail:
        """The finding about a rule whose ``rule_error_action`` changed."""
        return MayFail(about=(unchanged(self.model, rule),), rules=(rule.name,), unknown=(FAILING,), defers=rule.defers)

    def on_dates(self, rule: FlowRule, dates: Sequence[DateChange]) -> MayChangeLater:
        """The finding about a rule whose dates change what it does later.

        :param dates: their new effects.
        """
        return MayChangeLater(
            about=(unchanged(self.model, rule),), rules=(rule.name,), unknown=(LATER,), dates=tuple(dates)
        )

    def unusual(self, causes: Sequence[int]) -> MayChangeUnusual:
        """The finding about unusual mail that rules distinguish from usual mail, and whose outcome is unknown.

        :param causes: the places of the edits that may change the outcome.
        """
        ids = sorted(
            {
                assumption.id
                for assumption in self.model.mail.assumptions
                if assumption.seen and assumption.id not in self._search.about
            }
        )
        edits = [edit for cause in causes if (edit := edit_at(self._search.edits, cause)) is not None]
        return MayChangeUnusual(rules=names_of(edits), unknown=tuple(map(unusual, ids)))

    def held_longer(self) -> MayWait:
        """The finding about mail that waits for more approvals than the model counts."""
        return MayWait(rules=names_of(self._search.edits), unknown=(MANY_APPROVALS,))

    def sent_on(self, cause: int, brings: Sequence[FlowRule], people: Sequence[str]) -> MayReach:
        """The finding about an edited rule that adds people who cannot be followed, or redirects mail to them.

        :param brings: its versions that do. If their mail differs, the finding is about all mail.
        """
        edit = self._search.edits[cause]
        versions = [unchanged(self.model, rule) for rule in brings]
        alike = all(
            section_of(rule.criteria.conditions) == section_of(versions[0].criteria.conditions) for rule in versions
        )
        return MayReach(
            about=tuple(versions[:1]) if alike else (),
            rules=rules_of(self.model, self._search.edits, edit),
            unknown=(NOT_FOLLOWED,),
            people=tuple(people),
            versions=(len(brings) > 1 or brings[0] is not edit.after, len(brings) > 1 or brings[0] is edit.after),
            cause=Cause(edit, (edit.before is not None, edit.after is not None)),
        )


def edit_at(edits: Sequence[Edit], cause: int) -> Edit | None:
    """The edit behind a cause; ``None`` for the cause that no edited rule acts differently."""
    return edits[cause] if cause < len(edits) else None


def names_of(edits: Iterable[Edit]) -> tuple[str, ...]:
    """The names of edited rules."""
    return tuple(dict.fromkeys(edit.rule.name for edit in edits))


def rules_of(model: Model, edits: Sequence[Edit], edit: Edit | None) -> tuple[str, ...]:
    """The names of the edited rules that cause a class. If no edited rule acts differently, these are all that change who shares
    a copy; if settings differ, all edited rules.
    """
    return names_of([edit] if edit else [other for other in edits if model.settings_that_differ or other.splits])


def changing_rules(chain: RuleChain, atom: Atom, step: RuleStep) -> Iterator[str]:
    """The names of the rules before a step that change the result of a condition."""
    return (earlier.rule.name for earlier in changing_steps(chain, atom, step))


def changing_steps(chain: RuleChain, atom: Atom, step: RuleStep) -> Iterator[RuleStep]:
    """The steps before one that change the result of a condition."""
    before = [earlier for earlier in chain.steps if earlier.rule.place <= step.rule.place]
    truths = [
        chain.conditions.truth(atom, earlier.seen.but(splits=step.seen.splits, added=step.seen.added), chain.person)
        for earlier in before
    ]
    for place, earlier in enumerate(before[:-1]):
        if truths[place] != truths[place + 1]:
            yield earlier


def unchanged(model: Model, rule: FlowRule) -> FlowRule:
    """A rule with only the conditions whose result no earlier rule changes."""
    steps = [(chain, step) for chain in model.free.chains if (step := chain.step(rule)) is not None]
    for chain, step in steps:
        arrived = SeenMessage(splits=step.seen.splits, added=step.seen.added)
        seen = (
            [chain.conditions.truth(atom, message, chain.person) for atom in rule.criteria.conditions]
            for message in (arrived, step.seen)
        )
        return rule.with_criteria(
            atom for atom, one, other in zip(rule.criteria.conditions, *seen, strict=True) if one == other
        )
    return rule


def telling_separation(
    model: Model, rule: FlowRule, why: Separation, solve: Callable[[Sequence[Literal]], bool | None]
) -> Separation:
    """A separation, if it says more than the conditions of the rule: mail to one domain is never mail to another one. Otherwise
    :data:`NOTHING`.

    :param solve: whether a message can satisfy literals; ``None`` if the budget ends first.
    """
    if why.met or len(why.unmet) != 1:
        return why
    conditions, recipient = model.free.conditions, model.mail.recipient
    literals = [
        high(conditions.truth(atom, SeenMessage(), recipient)) for atom in (*rule.criteria.conditions, *why.unmet)
    ]
    return NOTHING if solve(literals) is False else why


#: The finding about a search that used up its budget.
CUT_SHORT = CutShort(unknown=(BUDGET,))


class UncomparedMail:
    """Finds mail that is not compared in full.

    :param findings: makes the findings.
    :param solve: whether literals can be true together. It raises :class:`BudgetError` if that takes too many conflicts.
    """

    def __init__(
        self,
        model: Model,
        questions: DifferenceQueries,
        edits: Sequence[Edit],
        findings: OpenFindings,
        solve: Callable[[Sequence[Literal]], bool],
    ) -> None:
        self.model = model
        self.questions = questions
        self.edits = edits
        self._open_findings = findings
        self._solve = solve

    def sent_on(self) -> Iterator[MayReach]:
        """A finding for each edited rule whose mail may reach people who cannot be followed, and for each other such rule that
        acts differently because of an edit, or on other recipients. What happens to the copies of these people is not compared.

        :raises BudgetError: a question took too many conflicts.
        """
        for cause, edit in enumerate(self.edits):
            people, brings = self._unfollowed_by(edit)
            if people:
                yield self._open_findings.sent_on(cause, brings, sorted(people))
        causes = self.questions.free().causes[Aspect.DELIVERY]
        for alike in unedited(*self.model.rule_sets):
            unfollowed = self.model.free.chains[0].copies.unfollowed.get(alike[0].place)
            if not unfollowed:
                continue
            differs = self._acts_differently(alike)
            causing = (cause for cause in range(len(self.edits)) if self._solve([differs, causes[cause]]))
            yield from (self._open_findings.sent_on(cause, alike, sorted(unfollowed)) for cause in causing)

    def _unfollowed_by(self, edit: Edit) -> tuple[set[str], list[FlowRule]]:
        """The people who cannot be followed and to whom a version of an edited rule may send mail, and these versions.

        :raises BudgetError: a question took too many conflicts.
        """
        people: set[str] = set()
        brings: list[FlowRule] = []
        for rule, chain in zip((edit.before, edit.after), self.model.free.chains, strict=True):
            unfollowed = chain.copies.unfollowed.get(rule.place, ()) if rule is not None else ()
            if rule is not None and unfollowed and self._solve([high(chain.acts(rule))]):
                people.update(unfollowed)
                brings.append(rule)
        return people, brings

    def _acts_differently(self, alike: tuple[FlowRule, FlowRule]) -> Literal:
        """The literal that is true if a rule that is not edited acts in one of the rule sets alone, or on a copy that others left
        before: it adds nobody to their copies.

        :param alike: the rule in each set.
        """
        circuit = self.model.circuit
        old, new = (high(chain.acts(rule)) for chain, rule in zip(self.model.free.chains, alike, strict=True))
        leaving = zip(self.edits, self.questions.leaves_one_set(self.model.free), strict=True)
        leaves = circuit.disjunction(high(value) for edit, value in leaving if edit.place < alike[1].place)
        return ~circuit.equal(old, new) | (old & leaves)

    def held_longer(self) -> Iterator[MayWait]:
        """The finding that an edit may change for how many approvals mail waits, if these may be more than the model counts.

        :raises BudgetError: a question took too many conflicts.
        """
        circuit = self.model.circuit
        outcomes = self.model.free.outcomes
        causes = self.questions.free().causes[Aspect.DELIVERY]
        longest = [
            high(outcome.fate.approvals[-1]) for outcome in outcomes if len(outcome.fate.approvals) == MOST_APPROVALS
        ]
        if longest and self._solve([circuit.disjunction(longest), circuit.disjunction(causes)]):
            yield self._open_findings.held_longer()


def rejects_misfits(rule: FlowRule) -> bool:
    """Whether a rule rejects mail into which its disclaimer does not fit."""
    fallback = rule.actions.options.get("apply_html_disclaimer_fallback_action")
    return "apply_html_disclaimer_text" in rule.actions.options and str(fallback) == "Reject"


#: Action that ends the way of mail to how a rule ends it.
_ENDS = {
    Does.REJECT: "rejects",
    Does.DELETE: "deletes",
    Does.QUARANTINE: "quarantines",
    Does.REDIRECT: "redirects",
}


def how_it_ends(rule: FlowRule) -> str:
    """How a rule ends the way of mail; empty if it does not."""
    for does, how in _ENDS.items():
        if rule.actions.does(does):
            return how
    if rule.actions.redirects_to_manager:
        return "redirects"
    return "rejects" if rejects_misfits(rule) else ""


def ends_all_its_mail(rule: FlowRule) -> bool:
    """Whether a rule ends the way of all mail on which it acts, and not only of some, as :func:`how_it_ends` says."""
    return any(map(rule.actions.does, _ENDS))


def ended_by(rule: FlowRule, chain: RuleChain) -> Value:
    """The value that is true if a rule ends the way of a copy, as :func:`how_it_ends` says: one that acts does not if its
    disclaimer fits, or if the sender has no manager. For a rule that ends the way of no mail, whether it acts.
    """
    acts = chain.acts(rule)
    step = chain.step(rule)
    if step is None or ends_all_its_mail(rule):
        return acts
    if rule.actions.redirects_to_manager:
        return acts & chain.mail.sender.managed
    return acts & ~may_insert(chain.mail, step.seen) if rejects_misfits(rule) else acts


def effects_of(rule: FlowRule) -> set[SideEffect]:
    """The side effects of a rule."""
    if rule.idle:
        return set()
    effects = _reports_of(rule)
    if rule.actions.enforced:
        effects |= _texts_of(rule) | _spam_of(rule) | _approvals_of(rule) | _routing_of(rule)
    return effects


def _reports_of(rule: FlowRule) -> set[SideEffect]:
    """The people whom a rule tells about its mail, also in a test mode that does so, and what it tells them."""
    effects: set[SideEffect] = set()
    reporting = {
        row.option
        for row in rule.actions.rows
        if row.does is Does.REPORT and (rule.actions.enforced or rule.actions.mode in row.in_audit)
    }
    if "generate_incident_report" in reporting:
        content = rule.actions.options.get("incident_report_content") or ()
        words = {str(part).casefold() for part in ([content] if isinstance(content, str) else content)}
        sort = "original" if "attachoriginalmail" in words else "report"
        effects.add(SideEffect(sort, str(rule.actions.options["generate_incident_report"])))
    if "generate_notification" in reporting:
        effects.add(SideEffect("notification"))
        effects.add(SideEffect("notification_text", str(rule.actions.options["generate_notification"])))
    return effects


def _approvals_of(rule: FlowRule) -> set[SideEffect]:
    """The people whom a rule asks for an approval."""
    moderation = rule.actions.does(Does.MODERATE)
    effects = {SideEffect("approval", str(person)) for person in moderation.get("moderate_message_by_user") or ()}
    if moderation.get("moderate_message_by_manager"):
        effects.add(SideEffect("approval", THE_MANAGER))
    return effects


def _routing_of(rule: FlowRule) -> set[SideEffect]:
    """How a rule changes the way on which its mail leaves."""
    effects: set[SideEffect] = set()
    connector = str(rule.actions.options.get("route_message_outbound_connector") or "")
    if connector:
        effects.add(SideEffect("connector", connector))
    if rule.actions.options.get("route_message_outbound_require_tls"):
        effects.add(SideEffect("tls"))
    if rule.actions.options.get("remove_rms_attachment_encryption"):
        effects.add(SideEffect("attachments"))
    return effects


#: The spam confidence level from which Exchange takes a message for spam. Source: Microsoft's page of New-TransportRule.
_LEAST_SPAM_LEVEL = 5


def _spam_of(rule: FlowRule) -> set[SideEffect]:
    """What a rule tells the spam filter."""
    level = rule.actions.options.get("set_scl")
    if level is None:
        return set()
    return {SideEffect("spam" if int(level) >= _LEAST_SPAM_LEVEL else "no_spam", str(level))}


#: The actions that say what a sender is told of a rejection, and what a disclaimer says and where.
_REJECTIONS = ("reject_message_reason_text", "reject_message_enhanced_status_code")
_DISCLAIMERS = (
    "apply_html_disclaimer_text",
    "apply_html_disclaimer_location",
    "apply_html_disclaimer_fallback_action",
)


def _texts_of(rule: FlowRule) -> set[SideEffect]:
    """The texts of a rejection and of a disclaimer."""
    return {
        SideEffect(sort, "; ".join(str(rule.actions.options.get(option, "")) for option in options))
        for sort, options in (("rejection_text", _REJECTIONS), ("disclaimer_text", _DISCLAIMERS))
        if any(rule.actions.options.get(option) for option in options)
    }


def side_effects_differ(before: RuleSet, after: RuleSet) -> bool:
    """Whether an edit may change side effects of rules."""
    edits = edits_of(before, after, every=True)
    return any(rule is not None and effects_of(rule) for edit in edits for rule in (edit.before, edit.after))


#: The sorts of side effects that rejected mail may have, too (U10).
TOLD_AFTER_REJECTION = frozenset(("report", "original", "notification", "notification_text"))


#: Rule set, place of a rule in it, and its side effect.
_Effecting = tuple[int, int, SideEffect]


class SideEffects:
    """Finds the mail on which rules newly have side effects, or no longer have them.

    :param budget: the maximum number of conflicts of the solver, including those before.
    """

    def __init__(self, model: Model, budget: int) -> None:
        self.model = model
        self._budget = budget
        self._edits = edits_of(*model.rule_sets, every=True)
        self._places = {id(rule): both[1].place for both in unedited(*model.rule_sets) for rule in both}

    def findings(self) -> Iterator[SideEffectsChanged]:
        """A finding for each rule, direction and certainty: the side effects that mail newly has, or no longer has, by that rule."""
        doing = [[(rule, effects_of(rule)) for rule in rules.rules] for rules in self.model.rule_sets]
        circuit = self.model.circuit
        only, possible, sure = self._changed(doing)
        sides = [(which, rule, effects) for which in (1, 0) for rule, effects in doing[which]]
        for which, rule, effects in sides:
            possible_effects = [effect for effect in sorted(effects) if (which, rule.place, effect) in possible]
            for perhaps in (False, True):
                some = [effect for effect in possible_effects if ((which, rule.place, effect) in sure) is not perhaps]
                if some:
                    shown = circuit.disjunction(circuit.conjunction(only[which, effect]) for effect in some)
                    literals = [self._acts(rule, which), shown]
                    yield self._finding(rule, some, now=bool(which), literals=literals, perhaps=perhaps)

    def _changed(
        self, doing: Sequence[Sequence[tuple[FlowRule, Collection[SideEffect]]]]
    ) -> tuple[dict[tuple[int, SideEffect], tuple[Literal, ...]], set[_Effecting], set[_Effecting]]:
        """By rule set and side effect, the literals that are true together if mail has the effect in that set alone; the effects of
        rules that are possible there; and those that are certain.

        :param doing: by rule set, each rule with its side effects.
        """
        every = sorted({effect for side in doing for _rule, effects in side for effect in effects})
        ways = [{effect: [rule for rule, effects in side if effect in effects] for effect in every} for side in doing]
        has_by_any = [
            {effect: self._has_by_any(effect, which, rules) for effect, rules in rules_by_effect.items()}
            for which, rules_by_effect in enumerate(ways)
        ]
        only = {
            (which, effect): (
                ~has_by_any[not which][effect],
                *self._is_on_its_way(effect, which),
                *self._waits(effect, not which),
                *self._in_other_words(effect, which, has_by_any[0]),
            )
            for which in (1, 0)
            for effect in every
        }
        asked = Batch(self.model.circuit, self._budget)
        changed = asked.possible([(key, (has_by_any[key[0]][key[1]], *literals)) for key, literals in only.items()])
        possible = asked.possible(
            [
                ((which, rule.place, effect), (self._has(effect, rule, which), *only[which, effect]))
                for which, effect in only
                if (which, effect) in changed
                for rule in ways[which][effect]
            ]
        )
        in_doubt = self._in_doubt_after_rejection(doing, ways)
        doubtful = [
            ((which, rule.place, effect), (self._acts(rule, which), *continues, *only[which, effect]))
            for which, rule, effect, continues in in_doubt
            if (which, rule.place, effect) in possible
        ]
        known = asked.possible(doubtful)
        return only, possible, possible - {key for key, _literals in doubtful} | known

    def _in_doubt_after_rejection(
        self,
        doing: Sequence[Sequence[tuple[FlowRule, Collection[SideEffect]]]],
        ways: Sequence[Mapping[SideEffect, Sequence[FlowRule]]],
    ) -> Iterator[tuple[int, FlowRule, SideEffect, list[Literal]]]:
        """The side effects of rules that depend on whether rules go on after a rejection: the rule set, the rule, the
        effect, and literals that are true together if they go on.
        """
        continues = {
            effect: self._continues_after_rejection(effect, [side[effect] for side in ways]) for effect in ways[0]
        }
        for which in (1, 0):
            for rule, effects in doing[which]:
                yield from ((which, rule, effect, continues[effect]) for effect in effects if continues[effect])

    def _acts(self, rule: FlowRule, which: int) -> Literal:
        """The literal that is true if a rule of a set acts on a copy."""
        return high(self.model.free.chains[which].acts(rule))

    def _has_by_any(self, effect: SideEffect, which: int, rules: Iterable[FlowRule]) -> Literal:
        """The literal that is true if mail has a side effect by one of some rules of a set."""
        return self.model.circuit.disjunction(self._has(effect, rule, which) for rule in rules)

    def _has(self, effect: SideEffect, rule: FlowRule, which: int) -> Literal:
        """The literal that is true if mail has a side effect by a rule of a set; after a rejection, that is open."""
        chain = self.model.free.chains[which]
        return high(chain.notifies(rule) if effect.sort in TOLD_AFTER_REJECTION else chain.acts(rule))

    def _is_on_its_way(self, effect: SideEffect, which: int) -> list[Literal]:
        """Literals that are true together if a copy may be neither rejected nor deleted in a rule set. Empty for an effect that
        does not depend on that.
        """
        if effect.sort not in OF_COPIES:
            return []
        fates = self.model.free.outcomes[which].state.fates
        return [~low(fates[fate]) for fate in (Fate.DELETED, Fate.REJECTED) if fate in fates]

    def _continues_after_rejection(self, effect: SideEffect, ways: Sequence[Sequence[FlowRule]]) -> list[Literal]:
        """Literals that are true together if rules go on after a rejection. Empty if that does not decide whether mail has a side
        effect.

        :param ways: the rules with this side effect, by rule set.
        """
        decides = any(
            self._has(effect, rule, which) != high(chain.acts(rule))
            for which, chain in enumerate(self.model.free.chains)
            for rule in ways[which]
        )
        return [high(self.model.free.logic.unknown(questions.AFTER_REJECTION))] if decides else []

    def _in_other_words(self, effect: SideEffect, which: int, before: Mapping[SideEffect, Literal]) -> list[Literal]:
        """Literals that are true together if mail brought another text before. An effect that is a text is told only then, and only
        for the second rule set. Empty for other effects.

        :param before: by effect, the literal that is true if mail had it before.
        """
        if effect.sort not in STATED_TEXTS:
            return []
        others = (has for other, has in before.items() if other.sort == effect.sort and other != effect)
        return [self.model.circuit.disjunction(others) if which else FALSE]

    def _waits(self, effect: SideEffect, which: bool) -> list[Literal]:
        """Literals that are true together if mail waits for an approval in a rule set. That somebody inside is asked is told only
        then: otherwise the finding about delivery says it. Empty for other effects.
        """
        if effect.sort != "approval" or recipient_outside(self.model.facts, effect.name) is not False:
            return []
        held = self.model.free.chains[which].state.held
        return [high(held[0]) if held else FALSE]

    def _finding(
        self, rule: FlowRule, effects: Sequence[SideEffect], *, now: bool, literals: Sequence[Literal], perhaps: bool
    ) -> SideEffectsChanged:
        """The finding about side effects of a rule.

        :param now: whether mail newly has them.
        :param literals: literals that are true together of the mail.
        :param perhaps: whether that depends on whether rules go on after a rejection.
        """
        own_edits = [edit for edit in self._edits if rule is edit.before or rule is edit.after]
        edits = own_edits or [edit for edit in self._edits if edit.place < self._places[id(rule)]]
        later_rule = None if own_edits else LaterRule(rule.name, acts=now, stays=True)
        about, why = self._mail(rule, edits[0] if len(edits) == 1 else None, literals)
        witness, reasons = self._witness(effects, literals, now=now)
        if perhaps:
            reasons = (AFTER_REJECTION,)
        common: dict[str, Any] = {
            "rules": names_of(edits),
            "witness": witness,
            "effects": tuple(effects),
            "now": now,
            "later": later_rule,
            "cause": Cause(edits[0], _acting(edits[0], now=now or not own_edits), later_rule, perhaps=bool(reasons))
            if len(edits) == 1
            else None,
        }
        if reasons:
            return MayHaveSideEffects(about=about[-1:], **common, unknown=reasons)
        return SideEffectsChanged(about=about, why=why, **common)

    def _mail(
        self, rule: FlowRule, edit: Edit | None, literals: Sequence[Literal]
    ) -> tuple[tuple[FlowRule, ...], Separation]:
        """The rules whose conditions all mail meets on which a side effect of a rule changes, the rule itself last, and what
        distinguishes the mail of the version of the edited rule that acts on it.

        :param edit: the edit that makes the difference; ``None`` if several may.
        :param literals: literals that are true together of the mail.
        """
        own = unchanged(self.model, rule)
        if edit is None:
            return (own,), NOTHING
        version = self._version_that_acts(edit, rule, literals)
        if version is None:
            return (own,), NOTHING
        acting = unchanged(self.model, version)
        why = NOTHING
        other = edit.before if version is edit.after else edit.after
        if other is not None:
            why = separation_of(version, other)
        conditions, recipient = self.model.free.conditions, self.model.mail.recipient
        if not (why and self._is_sure(literals, conditions.may_meet_or_fail(why.met, why.unmet, recipient))):
            why = NOTHING
        if why.is_one:
            acting = acting.with_criteria((*acting.criteria.conditions, *why.met))
            why = NOTHING
        why = telling_separation(self.model, acting, why, self._solve)
        return ((acting,) if version is rule else (acting, own)), why

    def _version_that_acts(self, edit: Edit, rule: FlowRule, literals: Sequence[Literal]) -> FlowRule | None:
        """The version of an edited rule that acts on all mail of which literals are true; ``None`` if neither does."""
        for which, version in ((1, edit.after), (0, edit.before)):
            if version is None or version.idle:
                continue
            if version is rule or self._is_sure(literals, self._acts(version, which)):
                return version
        return None

    def _is_sure(self, literals: Sequence[Literal], claim: Literal) -> bool:
        """Whether a claim is certainly true of all mail of which literals are; false if the budget ends first."""
        return self._solve([*literals, ~claim]) is False

    def _solve(self, literals: Sequence[Literal]) -> bool | None:
        """Whether a message can satisfy literals; ``None`` if the budget ends first."""
        remaining = self._budget - self.model.circuit.solver.conflicts
        return self.model.circuit.solve(literals, remaining) if remaining > 0 else None

    def _witness(
        self, effects: Sequence[SideEffect], literals: Sequence[Literal], *, now: bool
    ) -> tuple[Mapping[str, Any] | None, tuple[Reason, ...]]:
        """A message that surely has one of some side effects in one rule set alone, a usual one if possible; or ``None``, and what
        is open of the messages that may.
        """
        usual = [assumption.literal for assumption in self.model.mail.assumptions]
        reasons: list[Reason] = []
        for mail in (usual, []):
            remaining = self._budget - self.model.circuit.solver.conflicts
            if remaining <= 0:
                break
            candidates = self.model.messages.candidates(literals, mail, self.model.free, remaining)
            for candidate in itertools.islice(candidates, _CANDIDATES):
                if candidate is None:
                    continue
                sides = _SideEffectReplay(self.model, candidate, effects, now=now)
                witness = sides.witness()
                if witness is not None:
                    return witness, ()
                reasons += sides.reasons
        return None, tuple(dict.fromkeys(reasons)) or (NOT_FOUND,)


#: The maximum number of messages that are tried to show that a side effect changes.
_CANDIDATES = 4


@dataclass(frozen=True)
class _SideEffectReplay:
    """A candidate for a message that has one of some side effects in one rule set alone, in the simulator.

    :param now: whether that is the second rule set.
    """

    model: Model
    candidate: CandidateMessage
    effects: Sequence[SideEffect]
    now: bool

    def witness(self) -> dict[str, Any] | None:
        """The candidate as a witness, without what it can do without; ``None`` if it does not show that."""
        shown = self.results(self.candidate.message)
        if shown is None:
            return None
        return witness_of(self.candidate, shows=lambda message: self.results(message) == shown)

    def results(self, message: Message) -> tuple[Any, Any] | None:
        """What becomes of a message in both rule sets; ``None`` if it does not surely have a side effect in one alone."""
        courses = [self._course(which, message) for which in (0, 1)]
        one, other = courses[self.now], courses[not self.now]
        if one is None or other is None:
            return None
        if not any(
            self._has(effect, self.now, one) is True and self._has(effect, not self.now, other) is False
            for effect in self.effects
        ):
            return None
        before, after = (
            result(course, self.model.rule_sets[which], message, self.candidate.facts[which])
            for which, course in enumerate(courses)
            if course is not None
        )
        return before, after

    @property
    def reasons(self) -> Iterator[Reason]:
        """What is open of the candidate."""
        for which in (0, 1):
            course = self._course(which, self.candidate.message)
            yield from reasons_of(course, self.candidate.message, self.candidate.facts[which])

    def _course(self, which: int, message: Message) -> Course | None:
        """What happens to the recipient's copy of a message in a rule set."""
        rules, facts = self.model.rule_sets[which], self.candidate.facts[which]
        return course_of(rules, message, facts, self.candidate.letter.recipient)

    def _has(self, effect: SideEffect, which: int, course: Course) -> bool | None:
        """Whether a copy has a side effect in a rule set; ``None`` if that is open."""
        places = {rule.place for rule in self.model.rule_sets[which].rules if effect in effects_of(rule)}
        matched = [any(place in places for _held, place in world.matched) for world in course.worlds]
        if all(matched):
            return True
        perhaps = any(place in places for world in course.worlds for _held, place in world.perhaps)
        return None if perhaps or any(matched) else False


def _acting(edit: Edit, *, now: bool) -> tuple[bool, bool]:
    """Whether the rule of an edit acted before, and acts now, as far as its versions say.

    :param now: whether it acts now, if they say nothing.
    """
    was, acts = edit.could_act
    if was and acts:
        return True, True
    return (not now, now) if was == acts else (was, acts)
