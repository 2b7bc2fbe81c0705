# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules that differ between two rule sets, where a message meets them, and what distinguishes the mail of the two versions of
a rule."""

from __future__ import annotations

import bisect
import datetime
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..._exchange.names import name_key
from ..._resources.rules.action_effects import Does
from ..actions.actions import BY_OPTION
from ..conditions.keys import HEADER
from ..conditions.predicate import Atom
from ..rules.flow_rule import FlowRule
from ..rules.rule_dates import is_later
from ..rules.rule_set import RuleSet
from ..symbolic.compile_rules import may_affect_copies
from .aspects import Aspect


@dataclass(frozen=True)
class Edit:
    """A rule that is different or at a different place in the second rule set, or exists in only one of them.

    :param how: ``new``, ``removed``, ``changed`` or ``moved``.
    :param before: the rule in the first set; :param:`after`: in the second.
    :param place: where mail first meets it, as a place in the second set; between two places for a rule that is not
        there.
    :param in_place: whether it is in both sets, and in the same order with the other rules that are.
    """

    how: str
    before: FlowRule | None
    after: FlowRule | None
    place: float
    in_place: bool = False

    def does_the_same(self, aspect: Aspect | None = None) -> bool:
        """Whether both versions do the same, as far as that decides about an aspect of mail, so that they differ only in the mail
        on which they act.
        """
        return self.in_place and self.has_the_same_effects(aspect)

    def has_the_same_effects(self, aspect: Aspect | None = None) -> bool:
        """Whether both versions do the same, as far as that decides about an aspect of mail, wherever they are."""
        if self.before is None or self.after is None:
            return False
        return _effects(self.before, aspect) == _effects(self.after, aspect)

    @property
    def could_act(self) -> tuple[bool, bool]:
        """Whether the rule could act before, and can act now. A disabled one cannot."""
        before, after = (rule is not None and not rule.idle for rule in (self.before, self.after))
        return before, after

    @property
    def rule(self) -> FlowRule:
        """The rule as it is now, or as it was."""
        rule = self.after or self.before
        if rule is None:
            raise ValueError("An edit without a rule.")
        return rule

    @property
    def looks_for(self) -> tuple[Atom, ...]:
        """The conditions that find mail which the edit may treat differently: those of the rule, and exceptions that
        only one of its versions has.
        """
        versions = [rule for rule in (self.before, self.after) if rule is not None]
        exceptions = [{(atom.predicate, atom.values): atom for atom in rule.criteria.exceptions} for rule in versions]
        one_sided = [
            atom
            for atoms, other in zip(exceptions, exceptions[::-1], strict=True)
            for key, atom in atoms.items()
            if key not in other
        ]
        return (*(atom for rule in versions for atom in rule.criteria.conditions), *one_sided)

    @property
    def unsure(self) -> bool:
        """Whether it is open that the rule does anything: one in a test mode may stop the processing (U08)."""
        return not self.splits and not any(
            rule is not None and rule.is_on_and_enforced for rule in (self.before, self.after)
        )

    @property
    def splits(self) -> bool:
        """Whether the rule is, or was, for some of a copy's recipients."""
        return any(rule is not None and rule.criteria.splits for rule in (self.before, self.after))


@dataclass(frozen=True)
class DateChange:
    """What a date of a rule changes later.

    :param how: ``new``; ``gone``; ``other``, if the rule itself is edited; or ``meets``, if other rules or settings are.
    :param verb: ``begins`` or ``ends``.
    :param date: the date as the rule has it.
    """

    how: str
    verb: str
    date: str


def edits_of(before: RuleSet, after: RuleSet, *, every: bool = False) -> list[Edit]:
    """The edits that can show on a copy, in the order in which mail meets them: a removed rule is met where it was.

    :param every: whether to include the edits that cannot.
    """
    pairs, kept_places = _aligned(before, after)

    def new_place(old_place: int) -> float:
        """The place in the second set for a rule at a place in the first one: before the next rule that kept its order."""
        return min((place - 0.5 for place in kept_places if pairs[place] > old_place), default=len(after.rules))

    edits: list[Edit] = []
    for place, rule in enumerate(after.rules):
        if place not in pairs:
            edits.append(Edit("new", None, rule, place))
            continue
        earlier = before.rules[pairs[place]]
        first = place if place in kept_places else min(place, new_place(pairs[place]))
        if content_of(earlier) != content_of(rule):
            edits.append(Edit("changed", earlier, rule, first, place in kept_places))
        elif place not in kept_places:
            edits.append(Edit("moved", earlier, rule, first))
    taken = set(pairs.values())
    edits += [
        Edit("removed", rule, None, new_place(place)) for place, rule in enumerate(before.rules) if place not in taken
    ]
    watched = before.watches_copies or after.watches_copies
    seen = [
        edit
        for edit in edits
        if every or any(rule is not None and may_affect_copies(rule, watched) for rule in (edit.before, edit.after))
    ]
    return sorted(seen, key=lambda edit: edit.place)


def unedited(before: RuleSet, after: RuleSet) -> list[tuple[FlowRule, FlowRule]]:
    """The rules that are the same in both sets and kept their order, as they are in each."""
    pairs, kept_places = _aligned(before, after)
    both = [(before.rules[pairs[place]], after.rules[place]) for place in sorted(kept_places)]
    return [(one, other) for one, other in both if content_of(one) == content_of(other)]


def with_other_error_action(before: RuleSet, after: RuleSet) -> list[FlowRule]:
    """The rules whose ``rule_error_action`` changes, as they are now, if they look into content: that is where Exchange
    is known to fail on a rule (U12).
    """
    pairs, _kept = _aligned(before, after)
    both = [(before.rules[pairs[place]], rule) for place, rule in enumerate(after.rules) if place in pairs]
    return [
        rule
        for earlier, rule in both
        if earlier.defers != rule.defers
        and rule.criteria.content
        and (not rule.idle if rule.defers else may_affect_copies(rule, watched=False))
    ]


def with_later_dates(
    before: RuleSet, after: RuleSet, now: datetime.datetime, *, settings: bool = False
) -> list[tuple[FlowRule, list[DateChange]]]:
    """The rules whose dates change what happens to mail later, as they are now, or were, each with these changes: new and removed
    dates, and those of edited rules and of rules that meet edited ones.

    :param now: the date after which dates count.
    :param settings: whether settings differ, too.
    """
    pairs, kept_places = _aligned(before, after)
    taken = set(pairs.values())
    removed = [rule for place, rule in enumerate(before.rules) if place not in taken]
    earlier_rules = {place: before.rules[old_place] for place, old_place in pairs.items()}
    edited = _edited_places(after, earlier_rules, kept_places)
    watched = before.watches_copies or after.watches_copies
    versions: list[tuple[FlowRule, FlowRule | None]] = [(rule, None) for rule in removed]
    versions += [(after.rules[place], earlier_rules.get(place)) for place in edited]
    # What no mail shows today, no mail shows later.
    number_of_edits = settings + sum(_may_show_one(both, watched) for both in versions)
    several = number_of_edits > 1
    dated = [(rule, _dates_of_removed(rule, now, several=several)) for rule in removed]
    for place, rule in enumerate(after.rules):
        earlier = earlier_rules.get(place)
        if earlier is not None and rule.idle:
            dated.append((earlier, _dates_of_removed(earlier, now, several=several)))
            continue
        date_changes = _new_dates(earlier, rule, now)
        if not date_changes and earlier is not None and number_of_edits:
            date_changes = _dates_beside_edits(rule, now, is_edited=place in edited, several=several)
        dated.append((rule, date_changes))
    return [(rule, date_changes) for rule, date_changes in dated if date_changes and may_affect_copies(rule, watched)]


def _edited_places(after: RuleSet, earlier_rules: Mapping[int, FlowRule], kept_places: Collection[int]) -> list[int]:
    """The places of rules that are new, moved or changed.

    :param earlier_rules: what rules were before, by their place now; :param:`kept_places`: the places of those that kept their
        order.
    """
    return [
        place
        for place, rule in enumerate(after.rules)
        if place not in kept_places or content_of(earlier_rules[place]) != content_of(rule)
    ]


def _may_show(rule: FlowRule, watched: bool) -> bool:
    """Whether a copy, or a report of one, can show that a rule acts.

    :param watched: whether a condition depends on who shares a copy.
    """
    acts = rule.actions.enforced or Does.REPORT in rule.actions.sorts
    return may_affect_copies(rule, watched) or (acts and not rule.idle)


def _may_show_one(versions: Iterable[FlowRule | None], watched: bool) -> bool:
    """Whether a copy, or a report of one, can show that one of the versions of a rule acts."""
    return any(_may_show(rule, watched) for rule in versions if rule is not None)


def _dates_beside_edits(rule: FlowRule, now: datetime.datetime, *, is_edited: bool, several: bool) -> list[DateChange]:
    """The unchanged later dates of a rule that matter because rules or settings are edited. A rule that is in effect today is
    compared as it acts today: its end matters only if something else is edited, too.

    :param is_edited: whether the rule is edited itself.
    :param several: whether there are several edits.
    """
    how = "other" if is_edited else "meets"
    dates = [("begins", rule.dates.begins)]
    if several or not is_edited:
        dates.append(("ends", rule.dates.ends))
    return [DateChange(how, verb, date) for verb, date in dates if is_later(date, now)]


def _new_dates(before: FlowRule | None, after: FlowRule, now: datetime.datetime) -> list[DateChange]:
    """The later dates of a rule that are new or removed.

    :param before: the rule before; ``None`` if there was none.
    """
    dates = [
        ("begins", before.dates.begins if before else "", after.dates.begins),
        ("ends", before.dates.ends if before else "", after.dates.ends),
    ]
    return [
        DateChange("new", verb, date) if date else DateChange("gone", verb, was)
        for verb, was, date in dates
        if was != date and (is_later(was, now) or is_later(date, now))
    ]


def _dates_of_removed(rule: FlowRule, now: datetime.datetime, *, several: bool) -> list[DateChange]:
    """The later dates of a rule that is removed or disabled. Its beginning matters; its end only if there are several edits: a
    rule that is in effect today is compared as it acts today.
    """
    dates = [("begins", rule.dates.begins), *([("ends", rule.dates.ends)] if several else [])]
    return [DateChange("gone", verb, date) for verb, date in dates if is_later(date, now)]


def _aligned(before: RuleSet, after: RuleSet) -> tuple[dict[int, int], set[int]]:
    """Place in the second set to place in the first one, of rules that are in both; and the places in the second set of
    those that kept their order.
    """
    pairs = _pairs(_keys_of(before), _keys_of(after))
    return pairs, _longest_run_in_order([(old_place, place) for place, old_place in sorted(pairs.items())])


def _keys_of(rules: RuleSet) -> list[tuple[Hashable, Hashable]]:
    """The keys of each rule by its GUID and by its name, with a number if several have the same; ``None`` for no key."""
    times: dict[Hashable, int] = {}
    named: list[tuple[Hashable, Hashable]] = []
    for rule in rules.rules:
        keys: list[Hashable] = []
        for key in (("guid", rule.guid), ("name", name_key(rule.name))):
            times[key] = times.get(key, 0) + 1
            keys.append((*key, times[key]) if key[1] else None)
        named.append((keys[0], keys[1]))
    return named


def _pairs(old: Sequence[tuple[Hashable, Hashable]], new: Sequence[tuple[Hashable, Hashable]]) -> dict[int, int]:
    """Place in the second set to place in the first one, of rules with the same GUID, or else the same name."""
    pairs: dict[int, int] = {}
    for which in (0, 1):
        known = {
            keys[which]: place
            for place, keys in enumerate(old)
            if keys[which] is not None and place not in pairs.values()
        }
        for place, keys in enumerate(new):
            if place not in pairs and keys[which] in known:
                pairs[place] = known[keys[which]]
    return pairs


def _longest_run_in_order(pairs: Sequence[tuple[int, int]]) -> set[int]:
    """The places in the second set of the longest run of rules that kept their order."""
    tails: list[int] = []
    ends: list[int] = []
    before: dict[int, int] = {}
    for index, (old_place, _place) in enumerate(pairs):
        at = bisect.bisect_left(tails, old_place)
        tails[at : at + 1] = [old_place]
        ends[at : at + 1] = [index]
        before[index] = ends[at - 1] if at else -1
    kept_places = set()
    index = ends[-1] if ends else -1
    while index >= 0:
        kept_places.add(pairs[index][1])
        index = before[index]
    return kept_places


def content_of(rule: FlowRule) -> tuple[object, ...]:
    """A key of everything that determines how a rule acts."""
    doubts = tuple(reason.id for reason in rule.criteria.doubts)
    return (
        *_effects_as_written(rule),
        bool(rule.idle),
        rule.dates.begins,
        rule.dates.ends,
        *rule.criteria.as_texts,
        doubts,
        rule.unread,
    )


#: Aspect of mail to the sorts of actions that do not matter to it. Who is told, and who approves, matters to none.
_IRRELEVANT_ACTIONS: dict[Aspect | None, frozenset[Does]] = {
    None: frozenset((Does.REPORT, Does.ROUTE)),
    Aspect.PROTECTION: frozenset((Does.REPORT, Does.ROUTE, Does.BRAND, Does.MODERATE)),
    Aspect.BRANDING: frozenset((Does.REPORT, Does.ROUTE, Does.MODERATE)),
    Aspect.DELIVERY: frozenset((Does.REPORT, Does.ROUTE, Does.BRAND)),
    Aspect.TRANSIT: frozenset((Does.REPORT, Does.BRAND, Does.MODERATE)),
}

#: Options that only report.
_REPORT_OPTIONS = frozenset(("set_audit_severity", "incident_report_content"))


def _effects(rule: FlowRule, aspect: Aspect | None) -> tuple[object, ...]:
    """A key of what a rule does when it acts, as far as it matters to an aspect of mail; without an aspect, that includes whether
    it splits copies.
    """
    mode, splits, _declared, unread = _effects_as_written(rule)
    decides = {
        option: value
        for option, value in rule.actions.declared.items()
        if BY_OPTION[option].does not in _IRRELEVANT_ACTIONS[aspect] and option not in _REPORT_OPTIONS
    }
    actions = [
        (option, None if BY_OPTION[option].does is Does.MODERATE else repr(value))
        for option, value in sorted(decides.items())
    ]
    # Exchange ignores some actions of a rule that asks for an approval.
    return (
        mode,
        splits and not aspect,
        tuple(actions),
        unread,
        rule.actions.by_manager,
        tuple(rule.actions.left_undone),
    )


def _effects_as_written(rule: FlowRule) -> tuple[object, ...]:
    """The mode of a rule, whether it splits copies, its actions as declared, and its actions that could not be read."""
    unread = tuple(option for option in rule.unread if option[0] == "actions")
    return (rule.actions.mode, rule.criteria.splits, repr(sorted(rule.actions.declared.items())), unread)


@dataclass(frozen=True)
class Separation:
    """Why a version of a rule does not act on mail on which the other version acts: one of these reasons. Empty if nothing is
    known to distinguish their mail.

    :param met: its exceptions that the other version does not have, each with the values that those of the other lack.
    :param unmet: its conditions that the other version does not have.
    """

    met: tuple[Atom, ...] = ()
    unmet: tuple[Atom, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.met or self.unmet)

    @property
    def is_one(self) -> bool:
        """Whether the only reason is one exception."""
        return len(self.met) == 1 and not self.unmet

    @property
    def is_several(self) -> bool:
        """Whether there are several reasons."""
        return len(self.met) + len(self.unmet) > 1


#: No known reason.
NOTHING = Separation()


def separation_of(acting: FlowRule, other: FlowRule) -> Separation:
    """Why a version of a rule does not act on mail on which another one acts; empty unless they differ in conditions and
    exceptions alone.

    :param other: the version that does not act.
    """
    settings = {atom.settings for rule in (acting, other) for atom in rule.criteria.atoms}
    if _activation(acting) != _activation(other) or len(settings) > 1:
        return NOTHING
    met = [without_values_of(atom, acting.criteria.exceptions) for atom in other.criteria.exceptions]
    unmet = [
        atom for atom in other.criteria.conditions if not any(_implies(own, atom) for own in acting.criteria.conditions)
    ]
    return Separation(tuple(atom for atom in met if atom is not None), tuple(unmet))


def _activation(rule: FlowRule) -> tuple[object, ...]:
    """A key of what decides whether a rule acts, apart from its conditions and exceptions."""
    return (bool(rule.idle), rule.actions.mode, rule.dates.begins, rule.dates.ends, rule.criteria.doubts)


def without_values_of(atom: Atom, known: Iterable[Atom]) -> Atom | None:
    """A condition with only the values that no known condition with the same option has; ``None`` if none remains."""
    remaining = atom
    for other in known:
        if _implies(remaining, other):
            return None
        if _are_lists(remaining, other):
            remaining = replace(
                remaining, values=tuple(value for value in remaining.values if value not in other.values)
            )
    return remaining


def _implies(one: Atom, other: Atom) -> bool:
    """Whether all mail that meets one condition meets another one, as far as their lists of values say it."""
    if one.predicate is not other.predicate:
        return False
    return one.values == other.values or (_are_lists(one, other) and set(one.values) <= set(other.values))


def _are_lists(one: Atom, other: Atom) -> bool:
    """Whether two conditions with the same option have lists of values of which one suffices."""
    return one.predicate is other.predicate and is_list(one)


def is_list(atom: Atom) -> bool:
    """Whether a condition has a list of values of which one suffices."""
    return atom.predicate.slots not in ((), (HEADER,))
