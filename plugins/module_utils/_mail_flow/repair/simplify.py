# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer rules that do the same: rules that can go, and rules that can be one.

``simplify(rules, facts, now)`` is the entry point. What looks as if it could go or be merged is done at once; the
difference in mail names the edits that it blames, they are taken back, and so on until no mail is treated differently.
That last answer is the proof. The difference does not compare everything that rules do, so a rule with an effect that
it does not compare stays, unless it never acts. Each difference is asked twice: of the facts as they are, and with who is
in the organization and its groups left open, because that changes from day to day.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..analyses.coverage import adds_up
from ..analyses.difference import Difference, difference
from ..analyses.lint import WholeMailLint
from ..analyses.rule_conflicts import ConflictSearch
from ..budget import STEPS, BudgetError, bounded
from ..input.parsing import facts_of
from ..rules.flow_rule import FlowRule
from ..rules.rule_dates import is_later
from ..rules.rule_set import RuleSet
from ..sat.batch import Batch
from ..simulator.assumptions import NONE_FAILS, Premise
from ..symbolic.encoding import Model
from ..symbolic.message_search import CONFLICTS
from .aims import as_options, unwritten
from .merging import MergedRules, RuleMerging, is_writable, without
from .order import RuleOrder

#: The steps for all comparisons together.
_STEPS = 4 * STEPS

#: The maximum number of comparisons.
_MOST = 16

#: The facts about people, which change from day to day: who is there, and what is said of them.
_PEOPLE, _OF_PEOPLE = ("mailboxes", "mail_users", "contacts"), ("groups", "managers", "attributes")


@dataclass(frozen=True)
class RemovedRule:
    """A rule that can go.

    :param why: ``disabled``; ``never_acts``; or ``covered``: other rules do the same to all of its mail.
    :param by: the rules that cover it, or that keep all mail from it.
    """

    place: int
    rule: str
    why: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeptRule:
    """A rule that looks as if it could go, and stays.

    :param why: ``unread``: not all of it is known; ``mode``: it is only tried; ``effects``: what it does is not compared; ``templates``: it meets rules that
        protect mail in another way; ``freed``: without it, a rule may mark or log mail; ``silent``: it is logged, and one that covers it is not;
        ``inspection``: Exchange may fail on it; ``later``: it begins later; ``difference``: mail is, or may be, treated
        differently without it; ``people``: it may be once other people are in the organization or its groups.
    :param about: the actions, the mode, the date, or the kinds of difference.
    """

    rule: str
    why: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Simplified:
    """Fewer rules that do the same.

    :param rules: all of them, as the option ``rules`` takes them, and those that go as absent; empty if nothing is
        proposed.
    :param before: how many there were.
    :param unwritten: the rules that this collection cannot write. They are not in the list, and stay where they are.
    :param premises: what the proof rests on: nothing, unless rules look into content.
    :param comparisons: how many sets of edits were compared.
    :param why_not: why nothing is proposed: ``nothing`` looks as if it could go, ``difference``, ``budget``, or
        ``contradicted`` (a test message contradicts what is computed).
    """

    rules: tuple[Mapping[str, Any], ...] = ()
    removed: tuple[RemovedRule, ...] = ()
    merged: tuple[MergedRules, ...] = ()
    kept: tuple[KeptRule, ...] = ()
    before: int = 0
    unwritten: tuple[str, ...] = ()
    premises: tuple[Premise, ...] = ()
    comparisons: int = 0
    why_not: str = ""


_Edit: TypeAlias = "RemovedRule | MergedRules"


def simplify(
    rules: Iterable[Mapping[str, Any]] | RuleSet,
    facts: Mapping[str, Any],
    now: datetime.datetime | None = None,
    budget: int = CONFLICTS,
) -> Simplified:
    """Fewer rules that do provably the same, to all mail and whatever is unknown. Rules stay away, and an observed answer
    grows old: none counts.

    :param rules: as a rule set takes them.
    :param facts: in the form of the option ``facts``.
    :param budget: the maximum number of conflicts for the search; each comparison has its own.
    """
    rule_set = RuleSet.read(rules, facts_of(facts).dialect)
    if facts.get("contradicted"):
        return Simplified(before=len(rule_set.rules), why_not="contradicted")
    simplifier = _Simplifier(rule_set, without(facts, "observed"), now or datetime.datetime.now(datetime.UTC))
    try:
        with bounded(_STEPS):
            return simplifier.simplified(budget)
    except BudgetError:
        return Simplified(before=len(rule_set.rules), why_not="budget")


class _Simplifier:
    """The edits of rules that look as if they change nothing, and the proof that they do not."""

    def __init__(self, rules: RuleSet, facts: Mapping[str, Any], now: datetime.datetime) -> None:
        self._rules = rules
        self._facts = facts
        self._now = now
        self._merging = RuleMerging(rules)
        self._staying: dict[int, KeptRule] = {}
        #: The place of each covered rule, to that of the last rule that covers it.
        self._covered: dict[int, int] = {}
        self._comparisons = 0
        self._open = _opened(facts, *_PEOPLE, *_OF_PEOPLE)

    def simplified(self, budget: int) -> Simplified:
        """The result.

        :raises BudgetError: the search takes too many steps.
        """
        if not self._rules.rules:
            return Simplified(why_not="nothing")
        model = self._model(_opened(self._facts, *_OF_PEOPLE))
        order, candidates = RuleOrder(model.free.chains[0], Batch(model.circuit, budget)), list(self._removable(budget))
        for place in sorted(
            order.clashing([candidate.place for candidate in candidates if candidate.why == "covered"])
        ):
            self._keep(self._rules.rules[place], "templates")
        for place in sorted(order.freed(self._covered)):
            self._keep(self._rules.rules[place], "freed")
        removed = [candidate for candidate in candidates if self._may_go(candidate)]
        merged = list(self._merging.groups(order, {other.place for other in removed}))
        edits, why_not = self._proved([*removed, *merged]), "difference" if removed or merged else "nothing"
        staying, before = tuple(self._staying[place] for place in sorted(self._staying)), len(self._rules.rules)
        if not edits:
            return Simplified(kept=staying, before=before, comparisons=min(self._comparisons, _MOST), why_not=why_not)
        return Simplified(
            (*as_options(self._after(edits), self._rules.descriptions), *self._absent(edits)),
            tuple(one for one in edits if isinstance(one, RemovedRule)),
            tuple(one for one in edits if isinstance(one, MergedRules)),
            staying,
            before,
            tuple(unwritten(self._after(edits))),
            tuple(self._premises(model)),
            min(self._comparisons, _MOST),
        )

    def _premises(self, model: Model) -> Iterator[Premise]:
        """What the proof rests on."""
        if any(rule.criteria.content and not rule.idle for rule in self._rules.rules):
            yield NONE_FAILS
        yield from (
            Premise(assumption.id, assumption.kind)
            for assumption in model.mail.assumptions
            if assumption.literal == model.mail.subject.one_line
        )

    # What may go

    def _model(self, facts: Mapping[str, Any]) -> Model:
        return Model([self._rules], RuleSet([]), facts, self._now)

    def _removable(self, budget: int) -> Iterator[RemovedRule]:
        """The rules that seem to do nothing of their own, first to last."""
        removable, covered = self._idle(self._open, budget)
        for rule, others in covered:
            self._covered[rule.place] = max(other.place for other in others)
            self._check_cover(rule, others)
        if self._open != self._facts:
            now, _covered = self._idle(self._facts, budget)
            for place in now.keys() - removable.keys():
                self._keep(self._rules.rules[place], "people")
        removable |= {
            rule.place: RemovedRule(rule.place, rule.name, "disabled") for rule in self._rules.rules if rule.idle
        }
        yield from (removable[place] for place in sorted(removable))

    def _idle(
        self, facts: Mapping[str, Any], budget: int
    ) -> tuple[dict[int, RemovedRule], Sequence[tuple[FlowRule, tuple[FlowRule, ...]]]]:
        """The rules that never act, and those that others cover, by their places; and the latter with the others."""
        model = self._model(facts)
        deciding = WholeMailLint(model, ConflictSearch(model, self._rules, budget).usual(model.free), budget, self._now)
        never_acting = [finding.rules[1:] for finding in deciding.findings() if finding.kind == "never_acts"]
        idle = {
            place: RemovedRule(place, self._name(place), "never_acts", by)
            for place, by in zip(sorted(deciding.dead), never_acting, strict=True)
        }
        covered = deciding.covered()
        for rule, others in covered:
            idle[rule.place] = RemovedRule(rule.place, rule.name, "covered", tuple(other.name for other in others))
        return idle, covered

    def _check_cover(self, rule: FlowRule, others: Sequence[FlowRule]) -> None:
        """Keeps a rule whose effects add up, or that Exchange may fail on otherwise than on those that cover it (U12)."""
        inspects = _inspects(rule)
        if adds_up(rule):
            self._keep(rule, "effects", adds_up(rule))
        elif not _is_silent(rule) and any(map(_is_silent, others)):
            self._keep(rule, "silent")
        elif any(
            not _inspects(other) <= inspects
            or (rule.defers and inspects and not (other.defers and _inspects(other) == inspects))
            for other in others
        ):
            self._keep(rule, "inspection")

    def _may_go(self, removed: RemovedRule) -> bool:
        """Whether nothing keeps a rule from going, as far as it alone says."""
        rule = self._rules.rules[removed.place]
        if not is_writable(rule, self._rules.descriptions[rule.place]):
            self._keep(rule, "unread")
        elif removed.why != "disabled" and not rule.actions.enforced:
            self._keep(rule, "mode", (rule.actions.mode,))
        elif removed.why != "disabled" and is_later(rule.dates.begins, self._now):
            self._keep(rule, "later", (rule.dates.begins,))
        elif removed.why == "never_acts" and self._may_fail(rule, removed.by):
            self._keep(rule, "inspection")
        return rule.place not in self._staying

    def _may_fail(self, rule: FlowRule, by: Collection[str]) -> bool:
        """Whether it may matter that Exchange fails on a rule that never acts, or on one of those that keep all mail
        from it.
        """
        before = [other for other in self._rules.rules[: rule.place] if other.name in by]
        return bool(rule.criteria.content and rule.defers) or any(
            not (other.defers or _inspects(other) <= _inspects(rule)) for other in before
        )

    def _keep(self, rule: FlowRule, why: str, about: tuple[str, ...] = ()) -> None:
        self._staying.setdefault(rule.place, KeptRule(rule.name, why, about))

    # The proof

    def _proved(self, edits: Sequence[_Edit]) -> list[_Edit]:
        """The edits after which no mail is treated differently. A rule whose removal is blamed stays, and of a merge
        that is blamed the halves are tried.
        """
        remaining, blamed = list(edits), list[_Edit]()
        while remaining and (changes := self._compared(remaining)) is not None and not _is_empty(changes):
            guilty = _guilty(remaining, changes)
            for edit in guilty:
                self._blame(edit, changes)
            merges = [edit for edit in guilty if isinstance(edit, MergedRules)]
            blamed += guilty if merges else ()  # What covered a rule may have been in a merge.
            remaining = [edit for edit in remaining if edit not in guilty]
            remaining += [half for merge in merges for half in self._merging.halves(merge)]
        if self._comparisons > _MOST:
            return []
        again = [removed for removed in blamed if isinstance(removed, RemovedRule)]
        if again and (changes := self._compared([*remaining, *again])) is not None and _is_empty(changes):
            remaining += again
            for edit in again:
                self._staying.pop(edit.place, None)
        return sorted(remaining, key=_places)

    def _blame(self, edit: _Edit, changes: Difference) -> None:
        """Notes why a rule that looked as if it could go stays."""
        if isinstance(edit, RemovedRule):
            kinds = dict.fromkeys(finding.kind for finding in changes.findings if edit.rule in finding.rules)
            self._keep(self._rules.rules[edit.place], "difference", tuple(kinds))

    def _compared(self, edits: Iterable[_Edit]) -> Difference | None:
        """The difference that edits make, if there is none as it is, with people left open; ``None`` once there were
        too many comparisons.
        """
        self._comparisons += 1
        if self._comparisons > _MOST:
            return None
        after = RuleSet(self._after(edits), self._rules.dialect)
        changes = difference(self._rules, after, self._facts, self._now)
        if not _is_empty(changes) or self._open == self._facts:
            return changes
        return difference(self._rules, after, self._open, self._now)

    def _after(self, edits: Iterable[_Edit]) -> list[Mapping[str, Any]]:
        """The rules once the edits are done, first to last."""
        remaining: dict[int, Mapping[str, Any]] = dict(
            enumerate(without(given_rule, "priority") for given_rule in self._rules.descriptions)
        )
        for edit in edits:
            if isinstance(edit, MergedRules):
                remaining[edit.places[0]] = without(self._merging.merged_rule(edit.places, edit.option), "priority")
            for place in _gone(edit):
                del remaining[place]
        return [remaining[place] for place in sorted(remaining)]

    # The list to paste

    def _absent(self, edits: Iterable[_Edit]) -> Iterator[dict[str, Any]]:
        for place in sorted(place for edit in edits for place in _gone(edit)):
            rule = self._rules.rules[place]
            yield {"name": rule.name, **({"guid": rule.guid} if rule.guid else {}), "state": "absent"}

    def _name(self, place: int) -> str:
        return self._rules.rules[place].name


def _guilty(edits: Sequence[_Edit], changes: Difference) -> Sequence[_Edit]:
    """The edits of rules that a difference names; the second half of all if it names none."""
    names = {name for finding in changes.findings for name in finding.rules}
    return [edit for edit in edits if names.intersection(_edited(edit))] or edits[len(edits) // 2 :]


def _is_silent(rule: FlowRule) -> bool:
    """Whether Exchange logs nothing of a rule."""
    return str(rule.actions.options.get("set_audit_severity") or "").casefold() == "donotaudit"


def _inspects(rule: FlowRule) -> frozenset[tuple[str, ...]]:
    """What of a message Exchange has to inspect for a rule."""
    return frozenset(atom.predicate.options for atom in rule.criteria.atoms if atom.predicate.content)


def _opened(facts: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Facts without those about people. Who gets mail to a group is then unknown."""
    groups = [*(facts.get("unread_groups") or ()), *(facts.get("groups") or ())]
    return {**without(facts, *keys), **({"unread_groups": groups} if groups else {})}


def _is_empty(changes: Difference) -> bool:
    return changes.complete and not changes.findings and not changes.more


def _places(edit: _Edit) -> tuple[int, ...]:
    """The places of the rules that an edit is about."""
    return edit.places if isinstance(edit, MergedRules) else (edit.place,)


def _gone(edit: _Edit) -> tuple[int, ...]:
    """The places of the rules that go."""
    return _places(edit)[isinstance(edit, MergedRules) :]


def _edited(edit: _Edit) -> tuple[str, ...]:
    """The names of the rules that an edit is about."""
    return edit.rules if isinstance(edit, MergedRules) else (edit.rule,)
