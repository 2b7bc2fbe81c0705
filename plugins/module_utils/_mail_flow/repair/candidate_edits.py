# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits that may put a copy right, from what happens to it: the rules that act, that stop, and that nearly match."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence

from ..._resources.rules.action_effects import Does
from ..actions.actions import set_actions
from ..actions.tell import WHOLE
from ..analyses.standings import SCOPES, FailedCondition, Standing
from ..conditions.predicate import Atom, Predicate, Reach
from ..conditions.predicates import BY_OPTION
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .aims import (
    ACTION,
    ADD,
    CONDITION,
    EXCEPTION,
    MOST_RULES,
    MOVE,
    NEW_RULE,
    REPORTED,
    STOP,
    Aim,
    EditedRules,
    FailingCopy,
    Rule,
    RuleEdit,
    covers,
    fits,
    is_for_it_alone,
    is_meant,
    is_wanted,
    lets_through,
    mends,
    rebuilds,
    remedy_for,
    says_whose,
    unwritten,
)
from .condition_values import ConditionValues, Section, listed, without
from .rules_at_copy import (
    COPYING,
    RulesAtCopy,
    for_the_original,
    is_of_returned_mail,
    routes_to_connector,
    stops_returned_mail,
)

#: The action that encrypts.
_TEMPLATE = "apply_rights_protection_template"

_INSIDE, _OUTSIDE = "InOrganization", "NotInOrganization"

#: Who is inside to who is not, and the other way round.
_OTHER_SIDE = {_INSIDE: _OUTSIDE, _OUTSIDE: _INSIDE}

#: At most so many rules exempt mail at once.
_MOST_OPPOSED = 2

#: The kinds of edits by which a rule may get larger.
_GROWING = (ADD, ACTION, CONDITION, EXCEPTION)


def candidates(
    draft: EditedRules, rules: RuleSet, wrong: FailingCopy, disjoint: Collection[str] = ()
) -> Iterator[EditedRules]:
    """The list of rules with one edit more, each once, the most likely first. A rule that the modules cannot write is
    not edited, and none gets larger than Exchange stores it.

    :param rules: those of the draft.
    :param disjoint: the names of rules that none of the mail meets which the aim is about: no rule has to go before them.
    :raises BudgetError: the message and the rules are too complex together.
    """
    seen: set[tuple[object, ...]] = set()
    own, fixed = {id(rule): place for place, rule in enumerate(draft.rules)}, set(unwritten(draft.rules))
    for edited in _least_intrusive_first(RulesAtCopy(draft, rules, wrong, disjoint)):
        edits, new = edited.edits[len(draft.edits) :], [rule for rule in edited.rules if id(rule) not in own]
        if any(edit.rule in fixed or lets_through(edit, edited.rules, wrong.aim) for edit in edits):
            continue
        if any(_may_loop(edit, rules) for edit in edits):
            continue
        if any(edit.kind in _GROWING for edit in edits) and not all(map(fits, new)):
            continue
        key = tuple(
            own[id(rule)] if id(rule) in own else json.dumps(rule, sort_keys=True, default=str) for rule in edited.rules
        )
        if key not in seen:
            seen.add(key)
            yield edited


def _least_intrusive_first(at: RulesAtCopy) -> list[EditedRules]:
    """The edits, those first that rebuild no rule for what it is not about."""
    begun = len(at.draft.edits)
    return sorted(_every_edit(at), key=lambda draft: rebuilds(draft.edits[begun:], draft.rules, at.aim))


def _every_edit(at: RulesAtCopy) -> Iterator[EditedRules]:
    """The edits: a rule no longer shows the mail to somebody, one that helps acts or goes before others, one that does not help
    acts no longer, or there is one more.
    """
    values = ConditionValues(at.draft, at.rules.dialect, at.aim, at.wrong.copy.facts, [*at.near, *at.every])
    yield from _not_shown(at)
    yield from _EditsToAct(at, values).edits()
    yield from _Moves(at).edits()
    yield from _EditsNotToAct(at, values).edits()
    yield from _new_rule(at)


def _not_shown(at: RulesAtCopy) -> Iterator[EditedRules]:
    """The incident reports of the rule that shows the copy to somebody no longer have the original mail in them."""
    section, _dot, option = REPORTED.partition(".")
    for standing in at.every:
        reported = listed((at.draft.rules[standing.rule.place].get(section) or {}).get(option)) or []
        less = [part for part in reported if str(part).lower() != WHOLE]
        if standing.rule.name == at.wrong.shown_by and reported and less != reported:
            yield at.draft.with_section(standing.rule.place, ACTION, section, {option: less or None})


class _EditsToAct:
    """The edits by which a rule that helps acts, and if need be goes before others, too."""

    def __init__(self, at: RulesAtCopy, values: ConditionValues) -> None:
        self._at = at
        self._aim = at.aim
        self._values = values

    def edits(self) -> Iterator[EditedRules]:
        """The edits, the nearest rules first."""
        for standing in self._at.near:
            yield from self._to_act(standing)
        for standing in self._at.withholding:
            yield from self._to_withhold(standing)
        for standing in self._at.protecting:
            yield from self._moved_as_well(standing, list(self._protecting_as_asked(standing)))
        for standing in self._at.helping:
            yield from self._moved_as_well(standing, list(self._without_decryption(standing)))

    def _to_act(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that helps acts: enabled, reached, without what keeps it from matching."""
        place = standing.rule.place
        repairs = list(self._started(standing))
        for failed in standing.failed:
            if failed.section == "exceptions":
                repairs += self._narrow_exception(standing, failed)
            else:
                repairs += self._widen_condition(standing, failed)
        repairs += self._turned_scopes(standing)
        yield from self._moved_as_well(standing, repairs)
        if not (standing.reached or standing.failed) and self._at.stop is not None and self._at.stop.rule.place < place:
            places = dict.fromkeys((self._at.stop.rule.place, *self._at.early_places))
            yield from (self._at.draft.moved(place, to) for to in places if to < place)
            yield self._at.draft.moved(self._at.stop.rule.place, place)
            yield from _moved_for_all(self._at, place, [to for to in places if to < place])

    def _turned_scopes(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule whose scopes are both wrong has those of the guarantee."""
        failed = [
            option
            for failure in standing.failed
            if failure.section == "conditions"
            for option in failure.atom.predicate.options
            if option in SCOPES and option in self._aim.about
        ]
        if len(failed) > 1:
            scopes = {option: self._aim.about[option] for option in failed}
            yield self._at.draft.with_section(standing.rule.place, CONDITION, "conditions", scopes)

    def _to_withhold(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule keeps back what it is meant to: enabled, reached, with what the guarantee says of its mail, without an exception
        that only somebody else meets who gets the message, too, or that all of its mail meets. What another exception says is
        let through on purpose: where no rule that is there does, it is no longer.
        """
        place = standing.rule.place
        conditions = self._at.draft.rules[place].get("conditions") or {}
        repairs = list(self._started(standing))
        for failed in standing.failed:
            if failed.section == "conditions":
                repairs += self._as_guaranteed(standing, failed)
                repairs += self._without_scope(standing, failed)
                continue
            options = self._values.options_of(standing, "exceptions", failed.atom.predicate)
            if failed.atom.reach is Reach.COPY or options.items() <= conditions.items():
                repairs.append(self._at.draft.with_section(place, EXCEPTION, "exceptions", dict.fromkeys(options)))
            else:
                yield from (edited.insisting() for edited in self._narrow_exception(standing, failed))
        yield from self._moved_as_well(standing, repairs)
        if not (standing.reached or standing.failed):
            yield from (self._at.draft.moved(place, to) for to in self._at.early_places if to < place)

    def _without_scope(self, standing: Standing, failed: FailedCondition) -> Iterator[EditedRules]:
        """A rule no longer says who is inside or outside: it keeps back what it did, and more."""
        options = self._values.options_of(standing, "conditions", failed.atom.predicate)
        if options and set(options) <= set(SCOPES) and len(standing.rule.criteria.conditions) > 1:
            yield self._at.draft.with_section(standing.rule.place, CONDITION, "conditions", dict.fromkeys(options))

    def _started(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that is off is on: enabled, enforced, or without the date on which it ended or will begin. One that does the
        same for the same mail as a rule that is on stays off: that rule has taken its place.
        """
        place, rule = standing.rule.place, standing.rule
        if any(other.in_window and _replaces(other.rule, rule) for other in self._at.every):
            return
        if rule.idle:
            yield self._at.draft.set(place, "enabled", False, True)
        if not rule.actions.enforced:
            yield self._at.draft.set(place, "mode", rule.actions.mode, "Enforce")
        if standing.in_window:
            return
        ended = bool(rule.dates.ends) and rule.dates.borders(self._at.wrong.copy.message.date)[-1] is False
        option, date = ("expiry_date", rule.dates.ends) if ended else ("activation_date", rule.dates.begins)
        yield self._at.draft.set(place, option, date, "")

    def _protecting_as_asked(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that protects or brands the wanted mail otherwise than the aim asks does so as it asks: it encrypts what it only
        brands, has another template in place of one that is not asked for, and shows the branding.
        """
        place, rule = standing.rule.place, self._at.draft.rules[standing.rule.place]
        asked = self._aim.remedy["actions"] if self._aim.remedy else {}
        if _TEMPLATE not in asked or not is_wanted(rule, self._aim):
            return
        actions = set_actions(rule.get("actions") or {})
        keeps_template = _TEMPLATE in actions and self._aim.is_helped_by(standing.rule)
        others = {
            option: value
            for option, value in asked.items()
            if actions.get(option) != value and not (option == _TEMPLATE and keeps_template)
        }
        if others:
            yield self._at.draft.with_section(place, ACTION, "actions", others)

    def _without_decryption(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that encrypts the mail and decrypts it, too, only encrypts it."""
        decrypting = standing.rule.actions.does(Does.DECRYPT) if self._aim.is_helped_by_encryption else {}
        if decrypting and standing.rule.actions.does(Does.ENCRYPT):
            yield self._at.draft.with_section(standing.rule.place, ACTION, "actions", dict.fromkeys(decrypting))

    def _moved_as_well(self, standing: Standing, repairs: Sequence[EditedRules]) -> Iterator[EditedRules]:
        """Repairs of a rule, and each of them with the rule before the first one that stops, or before all, if it is then
        about the wanted mail and much the same rule: that is better than one more rule that does the same.
        """
        yield from repairs
        place = standing.rule.place
        meant = [
            edited
            for edited in repairs
            if self._is_for_it(edited.rules[place], edited.edits[-1])
            and rebuilds(edited.edits[-1:], edited.rules, self._aim) < NEW_RULE
        ]
        places = [to for to in self._at.early_places if to < place]
        yield from (edited.moved(place, to) for edited in meant for to in places)

    def _is_for_it(self, rule: Rule, edit: RuleEdit) -> bool:
        """Whether a rule is for the wanted mail after an edit; one that exempts less, or is mended, may also be for more mail."""
        is_as_before = edit.kind == EXCEPTION or mends(edit, self._aim, self._at.wrong.copy.facts)
        return (is_as_before and covers(rule, self._aim)) or is_wanted(rule, self._aim) or is_meant(rule, self._aim)

    def _narrow_exception(self, standing: Standing, failed: FailedCondition) -> Iterator[EditedRules]:
        """An exception no longer applies: without the values that are met, or at all. One that may end a loop stays."""
        if _may_end_loop(standing.rule, failed.atom):
            return
        place, options = standing.rule.place, self._values.options_of(standing, "exceptions", failed.atom.predicate)
        for less in without(options, self._values.met(standing, options)):
            yield self._at.draft.with_section(place, EXCEPTION, "exceptions", less)
        yield self._at.draft.with_section(place, EXCEPTION, "exceptions", dict.fromkeys(options))
        every = self._at.draft.rules[place].get("exceptions") or {}
        ends_loop = any(_may_end_loop(standing.rule, atom) for atom in standing.rule.criteria.exceptions)
        if len(every) > len(options) and not ends_loop and is_meant(self._at.draft.rules[place], self._aim):
            yield self._at.draft.with_section(place, EXCEPTION, "exceptions", dict.fromkeys(every))

    def _widen_condition(self, standing: Standing, failed: FailedCondition) -> Iterator[EditedRules]:
        """A condition is met: with the scope of the guarantee, with values of the guarantee or of other rules, if it has
        one in common with the guarantee, or without it, if others are left. Values that no mail meets go.
        """
        place = standing.rule.place
        yield from self._as_guaranteed(standing, failed)
        options = self._values.options_of(standing, "conditions", failed.atom.predicate)
        # A sender of the organization who did not sign in is not put right by a rule for everybody outside, too.
        unauthenticated = "from_scope" in options and self._at.wrong.copy.message.authenticated is False
        if len(standing.rule.criteria.conditions) > 1 and not unauthenticated:
            revives = self._revives(place, options)
            yield self._at.draft.with_section(place, CONDITION, "conditions", dict.fromkeys(options), revives=revives)

    def _as_guaranteed(self, standing: Standing, failed: FailedCondition) -> Iterator[EditedRules]:
        """A condition is met with the scope of the guarantee, or with values of the guarantee or of other rules."""
        place = standing.rule.place
        options = self._values.options_of(standing, "conditions", failed.atom.predicate)
        scopes = {
            option: self._aim.about[option] for option in options if option in SCOPES and option in self._aim.about
        }
        if scopes and scopes != options:
            yield self._at.draft.with_section(place, CONDITION, "conditions", scopes)
        for other in (*self._values.wider_lists(standing, options), *self._values.as_wanted(standing, options)):
            yield self._at.draft.with_section(place, CONDITION, "conditions", other)

    def _revives(self, place: int, options: Collection[str]) -> bool:
        """Whether a rule is for the wanted mail alone without conditions that say whose its mail is, and no mail can meet it
        with them.
        """
        conditions = self._at.draft.rules[place].get("conditions") or {}
        others = {option: value for option, value in conditions.items() if option not in options}
        return (
            any(map(says_whose, options))
            and is_for_it_alone({"conditions": others}, self._aim)
            and self._at.meets_no_mail(place)
        )


def _replaces(rule: FlowRule, other: FlowRule) -> bool:
    """Whether a rule that is on has the conditions and the actions of another one that is not."""
    if rule is other or not rule.is_on_and_enforced or other.is_on_and_enforced:
        return False
    return rule.criteria.conditions == other.criteria.conditions and rule.actions.options == other.actions.options


def _may_end_loop(rule: FlowRule, exception: Atom) -> bool:
    """Whether an exception may be for mail that comes back from the connector to which the rule routes it."""
    return routes_to_connector(rule) and is_of_returned_mail(exception)


def _may_loop(edit: RuleEdit, rules: RuleSet) -> bool:
    """Whether an edit moves a rule that routes mail to a connector before one that stops what comes back from there.

    :param rules: those before it.
    """
    if edit.kind != MOVE or edit.before < edit.after or not routes_to_connector(rules.rules[edit.before]):
        return False
    return any(map(stops_returned_mail, rules.rules[edit.after : edit.before]))


def _moved_for_all(at: RulesAtCopy, place: int, places: Sequence[int]) -> Iterator[EditedRules]:
    """A rule that is meant for the wanted mail at other places, without the exceptions that the guarantee does not have."""
    given, rule = at.draft.rules[place], at.rules.rules[place]
    left_out = at.aim.remedy["exceptions"] if at.aim.remedy else {}
    exceptions = [option for option, value in (given.get("exceptions") or {}).items() if left_out.get(option) != value]
    ends_loop = any(_may_end_loop(rule, atom) for atom in rule.criteria.exceptions)
    if exceptions and is_meant(given, at.aim) and not ends_loop:
        less = at.draft.with_section(place, EXCEPTION, "exceptions", dict.fromkeys(exceptions))
        yield from (less.moved(place, to) for to in places)


class _Moves:
    """The edits by which a rule that helps only goes before others."""

    def __init__(self, at: RulesAtCopy) -> None:
        self._at = at
        self._aim = at.aim

    def edits(self) -> Iterator[EditedRules]:
        """The edits, the nearest moves first."""
        yield from self._move_before_spoiling()
        yield from self._move_before()
        yield from self._move_before_hiding()
        yield from self._move_before_copying()

    def _move_before_spoiling(self) -> Iterator[EditedRules]:
        """A rule that keeps the mail from encryption, and is meant for it, goes before the first rule that encrypts some of it."""
        first = self._at.place_of_first_to_spoil
        for standing in self._at.helping:
            place = standing.rule.place
            if place > first and not standing.failed and is_meant(self._at.draft.rules[place], self._aim):
                yield self._at.draft.moved(place, first)

    def _move_before(self) -> Iterator[EditedRules]:
        """A rule that helps acts already, and goes before the first one that acts and does not help."""
        first = next(
            (standing.rule.place for standing in self._at.acting if not self._aim.is_helped_by(standing.rule)),
            len(self._at.every),
        )
        for standing in self._at.helping:
            if not standing.distance and standing.rule.place > first:
                yield self._at.draft.moved(standing.rule.place, first)

    def _move_before_hiding(self) -> Iterator[EditedRules]:
        """A rule that would match the message as its sender wrote it goes before the first rule that stops, hides what it says, or
        breaks its way; one that is meant for the mail also without the exceptions that the guarantee does not have.
        """
        for standing in self._at.helping:
            place, as_sent = standing.rule.place, self._at.every[0].rule_view
            is_hidden = bool(standing.failed) and all(
                failed.section == "conditions" and failed.atom.evaluate(as_sent) is True for failed in standing.failed
            )
            if not is_hidden:
                continue
            places = [to for to in self._at.early_places if to < place]
            yield from (self._at.draft.moved(place, to) for to in places)
            yield from _moved_for_all(self._at, place, places)

    def _move_before_copying(self) -> Iterator[EditedRules]:
        """A rule that is meant for the mail goes before the one that copies or redirects it to somebody, or before all that do
        so: what these people get is then protected, too.
        """
        if not self._at.wrong.copy.is_made_by_rules:
            return
        copying = [standing.rule.place for standing in self._at.acting if any(map(standing.rule.actions.does, COPYING))]
        places = dict.fromkeys((*copying[:1], self._at.place_of_first(*COPYING)))
        for_it = for_the_original(self._at.rules, self._at.wrong)
        for standing in self._at.helping:
            place = standing.rule.place
            if standing.rule.name in for_it or is_meant(self._at.draft.rules[place], self._aim):
                yield from (self._at.draft.moved(place, to) for to in places if to < place)


class _EditsNotToAct:
    """The edits by which a rule that acts does so no longer, or does not stop."""

    def __init__(self, at: RulesAtCopy, values: ConditionValues) -> None:
        self._at = at
        self._aim = at.aim
        self._values = values

    def edits(self) -> Iterator[EditedRules]:
        """The edits, the last rule that acts first."""
        for standing in reversed(self._at.acting):
            yield from self._not_to_act(standing)
        yield from self._none_is_opposed()

    def _not_to_act(self, standing: Standing) -> Iterator[EditedRules]:
        """A rule that acts does so no longer: a condition has fewer values, or an exception applies; or it does not
        stop, or is disabled.
        """
        place, helps = standing.rule.place, self._aim.is_helped_by(standing.rule)
        for atom in standing.rule.criteria.conditions if not helps else ():
            options = self._values.options_of(standing, "conditions", atom.predicate)
            for less in without(options, self._values.met(standing, options)):
                yield self._at.draft.with_section(place, CONDITION, "conditions", less)
        yield from self._exempting(self._at.draft, standing) if not helps else ()
        actions = set_actions(self._at.draft.rules[place].get("actions") or {})
        if actions.pop("stop_rule_processing", None) and actions:
            yield self._at.draft.with_section(place, STOP, "actions", {"stop_rule_processing": None})
        if not helps:
            yield self._at.draft.set(place, "enabled", True, False)

    def _none_is_opposed(self) -> Iterator[EditedRules]:
        """All rules that keep mail of the aim back, or encrypt it, exempt it at once, if the aim does not want that, they are a
        few, and one exception says its mail.
        """
        opposed = self._at.opposed if len(set(self._aim.about) - set(SCOPES)) < 2 else []
        draft = self._at.draft
        for standing in opposed:
            exempting = [each for each in self._exempting(draft, standing) if _is_of_aim(each.edits[-1], self._aim)]
            if not exempting or not 1 < len(opposed) <= _MOST_OPPOSED:
                return
            # Another scope of the sender leaves a rule none of whose mail names somebody inside as its sender.
            draft = min(exempting, key=lambda each: each.edits[-1].option.endswith("from_scope"))
        if opposed:
            yield draft

    def _exempting(self, draft: EditedRules, standing: Standing) -> Iterator[EditedRules]:
        """A rule of a draft is no longer for the mail: it says on which side people are, or has an exception."""
        for section, predicate in self._values.at_hand(standing):
            if set(section) <= set(SCOPES):
                yield from self._limit_scope(draft, standing, section)
            else:
                yield from self._add_exception(draft, standing, section, predicate)

    def _limit_scope(self, draft: EditedRules, standing: Standing, options: Section) -> Iterator[EditedRules]:
        """A rule that does not say who is inside or outside is for the other side than the aim: where the aim says more of its
        mail, only a rule that is meant for that. None is only for mail from outside that leaves again.
        """
        place = standing.rule.place
        rule = draft.rules[place]
        is_about_more = not set(self._aim.about) <= set(SCOPES)
        if is_about_more and not is_meant(rule, self._aim):
            return
        for option, side in options.items():
            if side not in _OTHER_SIDE or option in (rule.get("conditions") or {}):
                continue
            others = {**self._aim.about, option: _OTHER_SIDE[side]}
            if others.get("from_scope") != _OUTSIDE or others.get("sent_to_scope") == _INSIDE:
                yield draft.with_section(place, CONDITION, "conditions", {option: _OTHER_SIDE[side]})

    def _add_exception(
        self, draft: EditedRules, standing: Standing, options: Section, predicate: Predicate
    ) -> Iterator[EditedRules]:
        """A rule of a draft has one exception more, or one with more values."""
        place = standing.rule.place
        own = self._values.options_of(standing, "exceptions", predicate)
        if not own:
            yield draft.with_section(place, EXCEPTION, "exceptions", options)
        elif len(options) == 1 and own.keys() == options.keys():
            ((option, values),) = own.items()
            more = listed(options[option])
            if isinstance(values, list) and more is not None:
                yield draft.with_section(
                    place,
                    EXCEPTION,
                    "exceptions",
                    {option: [*values, *(single for single in more if single not in values)]},
                )


def _is_of_aim(edit: RuleEdit, aim: Aim) -> bool:
    """Whether an edit is of a condition or exception by which an aim selects its mail."""
    return edit.option.rpartition(".")[2] in aim.about


def _new_rule(at: RulesAtCopy) -> Iterator[EditedRules]:
    """One rule more: after all, or where it sees what it looks at; before the one that stops, before all that stop, or before
    all.
    """
    remedy = at.aim.remedy
    full = len(at.draft.rules) >= MOST_RULES
    if full or remedy is None or any(edit.kind == ADD for edit in at.draft.edits):
        return
    added = with_new_name(remedy, at.draft.rules)
    last_place = at.last_place_to_see_content if _looks_at_content(remedy) else len(at.draft.rules)
    last_place = min(last_place, at.place_of_first_to_spoil)
    places = [last_place, *([] if at.stop is None else [at.stop.rule.place]), *at.early_places]
    for place in dict.fromkeys(places):
        yield at.draft.added(added, place)
    yield from _new_rule_for_the_original(at)


def _new_rule_for_the_original(at: RulesAtCopy) -> Iterator[EditedRules]:
    """One rule more for the mail of which a rule makes the copy, before that rule, if that is all that is wrong: one for mail to
    the copy's own recipient does not see mail to others.
    """
    if at.draft.edits or not (at.aim.remedy and at.wrong.copy.is_made_by_rules):
        return
    of_mail = {option: value for option, value in at.aim.about.items() if not BY_OPTION[option].of_recipient}
    for standing in at.acting:
        given = at.draft.rules[standing.rule.place]
        conditions = given.get("conditions") or {}
        is_clear = all(of_mail.get(option, value) == value for option, value in conditions.items())
        if any(map(standing.rule.actions.does, COPYING)) and is_clear:
            remedy = remedy_for(at.aim, {**of_mail, **conditions}, given.get("exceptions") or {})
            yield at.draft.added(with_new_name(remedy, at.draft.rules), standing.rule.place)


def with_new_name(rule: Rule, rules: Sequence[Rule]) -> Rule:
    """A rule with a name that none of some rules has."""
    names = {str(other.get("name")).casefold() for other in rules}
    numbered = (_numbered(rule["name"], number) for number in range(1, len(names) + 2))
    return {**rule, "name": next(name for name in numbered if name.casefold() not in names)}


def _looks_at_content(rule: Rule) -> bool:
    """Whether a rule looks at what a disclaimer that is wrapped around mail hides, or may."""
    options = [*(rule.get("conditions") or {}), *(rule.get("exceptions") or {})]
    return any(BY_OPTION[option].is_hidden_by_wrapper for option in options)


def _numbered(name: str, number: int) -> str:
    """The name of a rule, with a number if it is not the first."""
    suffix = f" ({number})" if number > 1 else ""
    return f"{name[: 64 - len(suffix)]}{suffix}"
