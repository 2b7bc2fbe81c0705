# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits that may put a copy right, from what happens to it: the rules that act, that stop, and that nearly match.

Nothing is invented: conditions and exceptions take values of the guarantee and of other rules, of which the copy's
message has one.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from ..._resources.rules.action_effects import Does
from ..actions.actions import set_actions
from ..analyses.causes import unlike
from ..analyses.standings import SCOPES, FailedCondition, Standing, standings
from ..conditions.meant_values import as_meant
from ..conditions.predicate import Predicate, Reach
from ..conditions.predicates import PREDICATES
from ..model.message_recipients import recipients_of
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .aims import (
    ACTION,
    ADD,
    CONDITION,
    EXCEPTION,
    MOST_RULES,
    NEW_RULE,
    STOP,
    EditedRules,
    FailingCopy,
    fits,
    is_meant,
    is_wanted,
    lets_through,
    rebuilds,
    shares_values,
    unwritten,
    withholds,
)

#: So many rules that nearly act are tried, the nearest first, and so many conditions as exceptions of a rule.
_NEAREST, _EXCEPTIONS = 12, 12

#: What keeps a rule from acting and one edit more would settle is at most this.
_FARTHEST = 2

#: The action that encrypts.
_TEMPLATE = "apply_rights_protection_template"

#: What rules do after which somebody gets a copy whom the sender did not name.
_COPYING = (Does.ADD, Does.REDIRECT)

#: What rules do after which a copy may go on without the rules behind them, or another copy has not met them.
_BREAKING = (Does.QUARANTINE, Does.MODERATE, *_COPYING)

#: The action that adds a disclaimer, and the option that says what becomes of mail into which it does not fit.
_DISCLAIMER, _FALLBACK = "apply_html_disclaimer_text", "apply_html_disclaimer_fallback_action"

#: The kinds of edits by which a rule may get larger.
_GROWING = (ADD, ACTION, CONDITION, EXCEPTION)

#: The options of a rule that change what its conditions look at.
_SETTINGS = ("sender_address_location", "recipient_address_type", "use_legacy_regex")

#: A condition on patterns of an address to the one on its domain.
_NAMING = {
    "from_address_matches_patterns": "sender_domain_is",
    "recipient_address_matches_patterns": "recipient_domain_is",
}

#: A pattern that all addresses at one domain match.
_ADDRESSES_AT = re.compile(r"(?:\^?\.[*+])?@(?P<domain>(?:[\w-]+\\\.)+[\w-]+)\$")

#: Some conditions in the form of a rule's section.
Section = Mapping[str, Any]


def candidates(
    draft: EditedRules, rules: RuleSet, wrong: FailingCopy, apart: Collection[str] = ()
) -> Iterator[EditedRules]:
    """The list of rules with one edit more, each once, the most likely first. A rule that the modules cannot write is
    not edited, and none gets larger than Exchange stores it.

    :param rules: those of the draft.
    :param apart: the names of rules that none of the mail meets which the aim is about: no rule has to go before them.
    :raises BudgetError: the message and the rules are too complex together.
    """
    seen: set[tuple[object, ...]] = set()
    own, fixed = {id(rule): place for place, rule in enumerate(draft.rules)}, set(unwritten(draft.rules))
    for edited in _CandidateEdits(draft, rules, wrong, apart).least_intrusive_first():
        edits, new = edited.edits[len(draft.edits) :], [rule for rule in edited.rules if id(rule) not in own]
        if any(edit.rule in fixed or lets_through(edit, edited.rules, wrong.aim) for edit in edits):
            continue
        if any(edit.kind in _GROWING for edit in edits) and not all(map(fits, new)):
            continue
        key = tuple(
            own[id(rule)] if id(rule) in own else json.dumps(rule, sort_keys=True, default=str) for rule in edited.rules
        )
        if key not in seen:
            seen.add(key)
            yield edited


def breaks_the_way(rule: FlowRule) -> bool:
    """Whether the rules behind a rule may not see mail, or not all of its copies, or not what it says."""
    return _wraps(rule) or rule.enforces(Does.STOP, *_BREAKING)


def _wraps(rule: FlowRule) -> bool:
    """Whether a rule may wrap a disclaimer around a message, of which rules behind it then see little."""
    options = rule.actions.options
    return rule.is_on_and_enforced and bool(options.get(_DISCLAIMER)) and options.get(_FALLBACK) in (None, "", "Wrap")


def for_the_original(rules: RuleSet, wrong: FailingCopy) -> set[str]:
    """The rules that help and would act, if they were reached, on the copy of somebody to whom a message is addressed of which a
    rule makes the one that does not come out right. None of a copy that no rule makes.

    :raises BudgetError: the message and the rules are too complex together.
    """
    copy = wrong.copy
    if not copy.is_made_by_rules:
        return set()
    addressed = [replace(copy, recipient=person.address) for person in recipients_of(copy.facts, copy.message)]
    helping = {rule.name for rule in rules.rules if wrong.aim.is_helped_by(rule) and not rule.dlp}
    every = [standings(rules, each, lambda rule: rule.name in helping) for each in addressed]
    return {
        standing.rule.name
        for standing in itertools.chain.from_iterable(every)
        if standing.rule.name in helping and standing.distance == (not standing.reached)
    }


class _CandidateEdits:
    def __init__(self, draft: EditedRules, rules: RuleSet, wrong: FailingCopy, apart: Collection[str]) -> None:
        self._draft, self._rules, self._wrong, self._aim = draft, rules, wrong, wrong.aim
        self._every = standings(rules, wrong.copy)
        self._helping = [
            standing for standing in self._every if self._aim.is_helped_by(standing.rule) and not standing.rule.dlp
        ]
        near = [standing for standing in self._helping if 0 < standing.distance <= _FARTHEST]
        self._near = sorted(near, key=lambda standing: (standing.distance, *unlike(standing.rule, self._aim.about)))[
            :_NEAREST
        ]
        #: Rules that keep back for good what they are meant for, which also keeps the aim.
        self._withholding = [
            standing
            for standing in self._every
            if 0 < standing.distance <= _FARTHEST
            and not standing.rule.dlp
            and withholds(standing.rule, self._draft.rules[standing.rule.place], self._aim)
        ]
        self._acting = [standing for standing in self._every if standing.acts and standing.rule.actions.enforced]
        self._stop = next((standing for standing in reversed(self._acting) if standing.rule.actions.is_final), None)
        #: The rules in the way of the mail of the aim, after which it may still break it.
        self._in_the_way = [
            rule for rule in rules.rules if breaks_the_way(rule) and rule.name not in apart and not self._protects(rule)
        ]
        #: The places before which a rule may have to go, the last one first: the first rule that stops, that hides what
        #: mail says, and after which mail may go on without the rules behind it, and all rules.
        breaks = (self._place_where(_wraps), self._place_of_first(*_COPYING), self._place_of_first(*_BREAKING))
        first_stop = self._place_of_first(Does.STOP)
        places = {first_stop, *breaks, 0}
        self._early_places = tuple(sorted((to for to in places if to <= first_stop), reverse=True))

    def _protects(self, rule: FlowRule) -> bool:
        """Whether a rule does for all mail that it acts on what a rule would do that is added to protect it."""
        if not (self._aim.is_helped_by_encryption and self._aim.remedy and self._aim.is_helped_by(rule)):
            return False
        return set(self._aim.remedy["actions"]) <= set(set_actions(self._draft.rules[rule.place].get("actions") or {}))

    def _place_of_first(self, *effects: Does) -> int:
        """The place of the first rule in the way that has one of some effects; the number of rules if there is none."""
        return self._place_where(lambda rule: rule.enforces(*effects))

    def _place_where(self, is_so: Callable[[FlowRule], bool]) -> int:
        """The place of the first rule in the way of which something is so; the number of rules if there is none."""
        return next((rule.place for rule in self._in_the_way if is_so(rule)), len(self._rules.rules))

    def least_intrusive_first(self) -> Iterator[EditedRules]:
        """The edits, those first that rebuild no rule for what it is not about."""
        begun = len(self._draft.edits)
        return iter(sorted(self._every_edit(), key=lambda draft: rebuilds(draft.edits[begun:], draft.rules, self._aim)))

    def _every_edit(self) -> Iterator[EditedRules]:
        for standing in self._near:
            yield from self._to_act(standing)
        for standing in self._withholding:
            yield from self._to_withhold(standing)
        for standing in self._helping:
            yield from self._moved_as_well(standing, list(self._to_encrypt(standing)))
        yield from self._move_before()
        yield from self._move_before_hiding()
        yield from self._move_before_copying()
        for standing in reversed(self._acting):
            yield from self._not_to_act(standing)
        yield from self._new_rule()

    def _to_act(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that helps acts: enabled, reached, without what keeps it from matching."""
        place = standing.rule.place
        repairs = list(self._started(standing))
        for failed in standing.failed:
            if failed.section == "exceptions":
                repairs += self._narrow_exception(standing, failed)
            else:
                repairs += self._widen_condition(standing, failed)
        yield from self._moved_as_well(standing, repairs)
        if not (standing.reached or standing.failed) and self._stop is not None and self._stop.rule.place < place:
            places = dict.fromkeys((self._stop.rule.place, *self._early_places))
            yield from (self._draft.moved(place, to) for to in places if to < place)
            yield self._draft.moved(self._stop.rule.place, place)

    def _to_withhold(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule keeps back what it is meant to: enabled, reached, without an exception that only somebody else meets who gets
        the message, too, or that all of its mail meets. What another exception says is let through on purpose.
        """
        place = standing.rule.place
        conditions = self._draft.rules[place].get("conditions") or {}
        repairs = list(self._started(standing))
        for failed in standing.failed:
            if failed.section != "exceptions":
                continue
            options = self._options_of(standing, "exceptions", failed.atom.predicate)
            if failed.atom.reach is Reach.COPY or options.items() <= conditions.items():
                repairs.append(self._draft.with_section(place, EXCEPTION, "exceptions", dict.fromkeys(options)))
        yield from self._moved_as_well(standing, repairs)
        if not (standing.reached or standing.failed):
            yield from (self._draft.moved(place, to) for to in self._early_places if to < place)

    def _started(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that is off is on: enabled, enforced, or without the date on which it ended or will begin."""
        place, rule = standing.rule.place, standing.rule
        if rule.idle:
            yield self._draft.set(place, "enabled", False, True)
        if not rule.actions.enforced:
            yield self._draft.set(place, "mode", rule.actions.mode, "Enforce")
        if standing.in_window:
            return
        ended = bool(rule.dates.ends) and rule.dates.borders(self._wrong.copy.message.date)[-1] is False
        option, date = ("expiry_date", rule.dates.ends) if ended else ("activation_date", rule.dates.begins)
        yield self._draft.set(place, option, date, "")

    def _to_encrypt(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that only brands the wanted mail encrypts it, too."""
        place, rule = standing.rule.place, standing.rule
        actions = self._aim.remedy["actions"] if self._aim.remedy else {}
        template = actions.get(_TEMPLATE)
        only_brands = rule.actions.does(Does.BRAND) and not rule.actions.does(Does.ENCRYPT)
        if template and only_brands and is_wanted(self._draft.rules[place], self._aim):
            yield self._draft.with_section(place, ACTION, "actions", {_TEMPLATE: template})

    def _moved_as_well(self, standing: Standing, repairs: Sequence[EditedRules]) -> Iterator[EditedRules]:
        """Repairs of a rule, and each of them with the rule before the first one that stops, or before all, if it is then
        about the wanted mail and much the same rule: that is better than one more rule that does the same.
        """
        yield from repairs
        place = standing.rule.place
        meant = [
            edited
            for edited in repairs
            if (is_wanted(edited.rules[place], self._aim) or is_meant(edited.rules[place], self._aim))
            and rebuilds(edited.edits[-1:], edited.rules, self._aim) < NEW_RULE
        ]
        places = [to for to in self._early_places if to < place]
        yield from (edited.moved(place, to) for edited in meant for to in places)

    def _move_before(self) -> Iterator[EditedRules]:
        """A rule that helps acts already, and goes before the first one that acts and does not help."""
        first = next(
            (standing.rule.place for standing in self._acting if not self._aim.is_helped_by(standing.rule)),
            len(self._every),
        )
        for standing in self._helping:
            if not standing.distance and standing.rule.place > first:
                yield self._draft.moved(standing.rule.place, first)

    def _move_before_hiding(self) -> Iterator[EditedRules]:
        """A rule that would match the message as its sender wrote it goes before the first rule that stops, hides what it says, or
        breaks its way.
        """
        for standing in self._helping:
            place, as_sent = standing.rule.place, self._every[0].rule_view
            is_hidden = bool(standing.failed) and all(
                failed.section == "conditions" and failed.atom.evaluate(as_sent) is True for failed in standing.failed
            )
            if is_hidden:
                yield from (self._draft.moved(place, to) for to in self._early_places if to < place)

    def _move_before_copying(self) -> Iterator[EditedRules]:
        """A rule that is meant for the mail goes before the one that copies or redirects it to somebody, or before all that do
        so: what these people get is then protected, too.
        """
        if not self._wrong.copy.is_made_by_rules:
            return
        copying = [standing.rule.place for standing in self._acting if any(map(standing.rule.actions.does, _COPYING))]
        places = dict.fromkeys((*copying[:1], self._place_of_first(*_COPYING)))
        for_it = for_the_original(self._rules, self._wrong)
        for standing in self._helping:
            place = standing.rule.place
            if standing.rule.name in for_it or is_meant(self._draft.rules[place], self._aim):
                yield from (self._draft.moved(place, to) for to in places if to < place)

    def _narrow_exception(self, standing: Standing, failed: FailedCondition) -> Iterator[EditedRules]:
        """An exception no longer applies: without the values that are met, or at all."""
        place, options = standing.rule.place, self._options_of(standing, "exceptions", failed.atom.predicate)
        for less in _without(options, self._met(standing, options)):
            yield self._draft.with_section(place, EXCEPTION, "exceptions", less)
        yield self._draft.with_section(place, EXCEPTION, "exceptions", dict.fromkeys(options))
        every = self._draft.rules[place].get("exceptions") or {}
        if len(every) > len(options) and is_meant(self._draft.rules[place], self._aim):
            yield self._draft.with_section(place, EXCEPTION, "exceptions", dict.fromkeys(every))

    def _widen_condition(self, standing: Standing, failed: FailedCondition) -> Iterator[EditedRules]:
        """A condition is met: with the scope of the guarantee, with values of the guarantee or of other rules, if it has
        one in common with the guarantee, or without it, if others are left. Values that no mail meets go.
        """
        place, predicate = standing.rule.place, failed.atom.predicate
        options = self._options_of(standing, "conditions", predicate)
        scopes = {
            option: self._aim.about[option] for option in options if option in SCOPES and option in self._aim.about
        }
        if scopes and scopes != options:
            yield self._draft.with_section(place, CONDITION, "conditions", scopes)
        for other in (*self._wider_lists(standing, options), *self._as_wanted(standing, options)):
            yield self._draft.with_section(place, CONDITION, "conditions", other)
        # A sender of the organization who did not sign in is not put right by a rule for everybody outside, too.
        unauthenticated = "from_scope" in options and self._wrong.copy.message.authenticated is False
        if len(standing.rule.criteria.conditions) > 1 and not unauthenticated:
            yield self._draft.with_section(place, CONDITION, "conditions", dict.fromkeys(options))

    def _wider_lists(self, standing: Standing, options: Section) -> Iterator[Section]:
        """A condition's one list of values with those of the guarantee or of another rule that the message meets, if it has
        one in common with the guarantee.
        """
        if len(options) != 1:
            return
        ((option, given),) = options.items()
        if _listed(given) is None or not shares_values(option, given, self._aim.about):
            return
        put_right = [as_meant(option, value) for value in given]
        values = list(dict.fromkeys(value for value in put_right if value is not None))
        if values != given and self._met(standing, {option: values}):
            yield {option: values}
        sections = (self._aim.about, *(rule.get("conditions") or {} for rule in self._draft.rules))
        for more in dict.fromkeys(tuple(_listed(section[option]) or ()) for section in sections if option in section):
            if self._met(standing, {option: more}):
                yield {option: [*values, *(single for single in more if single not in values)]}

    def _as_wanted(self, standing: Standing, options: Section) -> Iterator[Section]:
        """A condition that looks for the values of the guarantee in another place looks where the guarantee does, and one that
        says its domains by a pattern names them: their subdomains are then meant, too.
        """
        if len(options) != 1:
            return
        ((option, given),) = options.items()
        naming = _NAMING.get(option, "")
        domains = [_domain_of(pattern) for pattern in _listed(given) or ()] if naming in self._aim.about else []
        if domains and set(_texts(domains)) <= set(_texts(self._aim.about[naming])):
            yield {option: None, naming: domains}
        for wanted, values in self._aim.about.items():
            same = _listed(given) and _listed(values) and set(_texts(given)) <= set(_texts(values))
            if same and wanted != option and self._is_met(standing, {wanted: given}):
                yield {option: None, wanted: given}

    def _not_to_act(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that acts does so no longer: a condition has fewer values, or an exception applies; or it does not
        stop, or is disabled.
        """
        place, helps = standing.rule.place, self._aim.is_helped_by(standing.rule)
        for atom in standing.rule.criteria.conditions if not helps else ():
            options = self._options_of(standing, "conditions", atom.predicate)
            for less in _without(options, self._met(standing, options)):
                yield self._draft.with_section(place, CONDITION, "conditions", less)
        for section, predicate in self._at_hand(standing) if not helps else ():
            yield from self._add_exception(standing, section, predicate)
        actions = set_actions(self._draft.rules[place].get("actions") or {})
        if actions.pop("stop_rule_processing", None) and actions:
            yield self._draft.with_section(place, STOP, "actions", {"stop_rule_processing": None})
        if not helps:
            yield self._draft.set(place, "enabled", True, False)

    def _add_exception(self, standing: Standing, options: Section, predicate: Predicate) -> Iterator[EditedRules]:
        """A rule has one exception more, or one with more values."""
        place = standing.rule.place
        own = self._options_of(standing, "exceptions", predicate)
        if not own:
            yield self._draft.with_section(place, EXCEPTION, "exceptions", options)
        elif len(options) == 1 and own.keys() == options.keys():
            ((option, values),) = own.items()
            more = _listed(options[option])
            if isinstance(values, list) and more is not None:
                yield self._draft.with_section(
                    place,
                    EXCEPTION,
                    "exceptions",
                    {option: [*values, *(single for single in more if single not in values)]},
                )

    def _at_hand(self, standing: Standing) -> list[tuple[Section, Predicate]]:
        """Conditions of the guarantee and of other rules, first of those that help, that the message meets and that the
        rule does not have itself.
        """
        own = self._draft.rules[standing.rule.place].get("conditions") or {}
        at_hand: dict[str, tuple[Section, Predicate]] = {}
        seen: set[str] = set()
        # A list of values names less mail than a scope.
        about = sorted(
            _parts(self._aim.about), key=lambda part: all(_listed(value) is None for value in part[0].values())
        )
        for options, predicate in (*about, *self._met_elsewhere):
            key = json.dumps(options, sort_keys=True, default=str)
            if key in seen or all(own.get(option) == value for option, value in options.items()):
                continue
            seen.add(key)
            if self._is_met(standing, options):
                at_hand[key] = (options, predicate)
            if len(at_hand) == _EXCEPTIONS:
                break
        return list(at_hand.values())

    @cached_property
    def _met_elsewhere(self) -> list[tuple[Section, Predicate]]:
        """The conditions of rules that the message meets, or may meet."""
        met: list[tuple[Section, Predicate]] = []
        for standing in (*self._near, *self._every):
            failed = {failure.atom for failure in standing.failed}
            atoms = [atom for atom in standing.rule.criteria.conditions if atom not in failed]
            met += [(self._options_of(standing, "conditions", atom.predicate), atom.predicate) for atom in atoms]
        return met

    def _new_rule(self) -> Iterator[EditedRules]:
        """One rule more: after all, before the one that stops, before all that stop, or before all."""
        remedy = self._aim.remedy
        full = len(self._draft.rules) >= MOST_RULES
        if full or remedy is None or any(edit.kind == "add" for edit in self._draft.edits):
            return
        names = {str(rule.get("name")).casefold() for rule in self._draft.rules}
        (name, *_more) = (
            new_name
            for number in range(1, len(names) + 2)
            if (new_name := _numbered(remedy["name"], number)).casefold() not in names
        )
        places = [len(self._draft.rules), *([] if self._stop is None else [self._stop.rule.place]), *self._early_places]
        for place in dict.fromkeys(places):
            yield self._draft.added({**remedy, "name": name}, place)

    def _options_of(self, standing: Standing, section: str, predicate: Predicate) -> dict[str, Any]:
        """The options of a condition, as the rule's section has them."""
        own = self._draft.rules[standing.rule.place].get(section) or {}
        return {option: own[option] for option in predicate.options if option in own}

    def _met(self, standing: Standing, options: Section) -> list[Any]:
        """The values of a list that the message has; none of another condition."""
        if len(options) != 1:
            return []
        ((option, values),) = options.items()
        return [single for single in _listed(values) or () if self._is_met(standing, {option: [single]})]

    def _is_met(self, standing: Standing, options: Section) -> bool:
        """Whether the copy would certainly meet this as a condition of the rule."""
        rule = self._draft.rules[standing.rule.place]
        settings = {option: rule[option] for option in _SETTINGS if option in rule}
        (claim,) = RuleSet([{**settings, "conditions": options}], self._rules.dialect).rules
        return bool(claim.criteria.conditions) and all(
            atom.evaluate(standing.rule_view) is True for atom in claim.criteria.conditions
        )


def _listed(values: Any) -> list[Any] | None:
    """The values of a list; ``None`` of another value."""
    return list(values) if isinstance(values, (list, tuple)) else None


def _domain_of(pattern: Any) -> str:
    """The domain whose addresses are all that a pattern matches, without those of its subdomains; empty if there is none."""
    found = _ADDRESSES_AT.fullmatch(str(pattern))
    return found["domain"].replace("\\.", ".") if found else ""


def _texts(values: Sequence[Any]) -> list[str]:
    return [str(value).casefold() for value in values]


def _without(options: Section, met: Sequence[Any]) -> Iterator[Section]:
    """A list without the values that are met, if others are left."""
    for option, values in options.items():
        remaining = [single for single in _listed(values) or () if single not in met]
        if met and remaining:
            yield {option: remaining}


def _parts(section: Section) -> Iterator[tuple[Section, Predicate]]:
    """Each condition of a section, with all of its options."""
    for predicate in PREDICATES:
        options = {
            option: section[option] for option in predicate.options if section.get(option) not in (None, "", [], False)
        }
        if options:
            yield options, predicate


def _numbered(name: str, number: int) -> str:
    """The name of a rule, with a number if it is not the first."""
    suffix = f" ({number})" if number > 1 else ""
    return f"{name[: 64 - len(suffix)]}{suffix}"
