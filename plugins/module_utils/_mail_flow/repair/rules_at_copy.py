# SPDX-License-Identifier: GPL-3.0-or-later
"""How rules stand to a copy that does not come out right: which help, which act, and which are in its way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cached_property

from ..._resources.rules.action_effects import Does
from ..actions.actions import set_actions
from ..actions.brought_people import brought_by
from ..analyses.aspects import DifferenceKind
from ..analyses.meant_rules import unlike
from ..analyses.standings import SCOPES, Standing, standings
from ..conditions.predicate import Atom
from ..input.guarantee_options import ALL_COPIES, RECIPIENTS_ONLY
from ..model.inside import leaves
from ..model.message_recipients import recipients_of
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .aims import Aim, EditedRules, FailingCopy, is_meant, keeps_back, withholds
from .unwanted_changes import are_disjoint

#: So many rules that nearly act are tried, the nearest first.
_NEAREST = 12

#: What keeps a rule from acting and one edit more would settle is at most this.
_FARTHEST = 2

#: What rules do after which somebody gets a copy whom the sender did not name.
COPYING = (Does.ADD, Does.REDIRECT)

#: What rules do after which a copy may go on without the rules behind them, or another copy has not met them.
_BREAKING = (Does.QUARANTINE, Does.MODERATE, *COPYING)

#: The actions that say how mail is protected, and which branding it shows.
_PROTECTING_OPTIONS = ("apply_rights_protection_template", "apply_rights_protection_customization_template")

#: The action that adds a disclaimer, and the option that says what becomes of mail into which it does not fit.
_DISCLAIMER, _FALLBACK = "apply_html_disclaimer_text", "apply_html_disclaimer_fallback_action"


#: The options by which a rule recognizes mail that comes back from a connector.
_OF_RETURNED_MAIL = frozenset(("header_contains_message_header", "header_matches_message_header", "sender_ip_ranges"))


def routes_to_connector(rule: FlowRule) -> bool:
    """Whether a rule routes mail to a connector, from which it may come back and meet all rules again."""
    return "route_message_outbound_connector" in rule.actions.options


def is_of_returned_mail(atom: Atom) -> bool:
    """Whether a condition may be for mail that comes back from a connector: on a header, or the address that sends it."""
    return not _OF_RETURNED_MAIL.isdisjoint(atom.predicate.options)


def stops_returned_mail(rule: FlowRule) -> bool:
    """Whether a rule only stops mail that may come back from a connector."""
    telling = [atom for atom in rule.criteria.conditions if not set(SCOPES) & set(atom.predicate.options)]
    return bool(telling) and all(map(is_of_returned_mail, telling)) and rule.enforces(Does.STOP)


def breaks_the_way(rule: FlowRule) -> bool:
    """Whether the rules behind a rule may not see mail, or not all of its copies, or not what it says."""
    return _wraps(rule) or rule.enforces(Does.STOP, *_BREAKING)


def spoils(rule: FlowRule, aim: Aim) -> bool:
    """Whether a rule encrypts mail that an aim wants without encryption by rules."""
    is_unwanted = aim.takes is DifferenceKind.PROTECTION_LOST and Does.STOP in aim.helps
    return is_unwanted and not rule.dlp and rule.enforces(Does.ENCRYPT)


def opposes(rule: FlowRule, aim: Aim) -> bool:
    """Whether a rule does what an aim does not want of its mail: it encrypts it, or keeps it back."""
    return spoils(rule, aim) or (aim.asks_delivery and keeps_back(rule))


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
    every = [standings(rules, original, lambda rule: rule.name in helping) for original in addressed]
    return {
        standing.rule.name
        for standing in itertools.chain.from_iterable(every)
        if standing.rule.name in helping and standing.distance == (not standing.reached)
    }


def _is_near(standing: Standing) -> bool:
    """Whether a rule does not act, and one edit or two would settle that."""
    return 0 < standing.distance <= _FARTHEST


class RulesAtCopy:
    """How the rules of a draft stand to a copy that does not come out right: which of them help, act, nearly act, stop and are in
    the way, and before which places one may have to go.

    :param rules: those of the draft.
    :param disjoint: the names of rules that none of the mail meets which the aim is about: no rule has to go before them.
    :raises BudgetError: the message and the rules are too complex together.
    """

    def __init__(self, draft: EditedRules, rules: RuleSet, wrong: FailingCopy, disjoint: Collection[str]) -> None:
        self.draft = draft
        self.rules = rules
        self.wrong = wrong
        self.aim = wrong.aim
        self._disjoint = disjoint
        self.every = standings(rules, wrong.copy)
        self.helping = [
            standing for standing in self.every if self.aim.is_helped_by(standing.rule) and not standing.rule.dlp
        ]
        #: The rules that protect or brand mail by options, as the aim asks or otherwise.
        self.protecting = [standing for standing in self.every if self._has_options(standing.rule)]
        #: The rules that help and nearly act: those first that are meant for the mail, then the nearest.
        self.near = self._nearest()
        #: Rules that keep back for good what they are meant for, which also keeps the aim.
        self.withholding = [standing for standing in self.every if self._withholds(standing)]
        self.acting = [standing for standing in self.every if standing.acts and standing.rule.actions.enforced]
        self.stop = next((standing for standing in reversed(self.acting) if standing.rule.actions.is_final), None)
        #: The rules that keep mail of the aim back which it wants delivered, or encrypt what it does not want encrypted, or may.
        self.opposed = [
            standing
            for standing in itertools.takewhile(lambda standing: not self._stops_all(standing.rule), self.every)
            if opposes(standing.rule, self.aim) and not standing.rule.dlp and standing.rule.name not in disjoint
        ]
        #: The rules in the way of the mail of the aim, after which it may still break it.
        self._in_the_way = [
            rule
            for rule in rules.rules
            if breaks_the_way(rule) and rule.name not in disjoint and not self._protects(rule)
        ]

    @cached_property
    def early_places(self) -> tuple[int, ...]:
        """The places before which a rule may have to go, the last one first: the first rule that stops, that hides what mail
        says, and after which mail may go on without the rules behind it, and all rules. But for the first that stops, none is
        behind a rule whose copies count. For mail that no rule is to encrypt, only the first one that does is in the way.
        """
        if self.place_of_first_to_spoil < len(self.rules.rules):
            return (self.place_of_first_to_spoil,)
        first_stop, first_to_copy = self.place_of_first(Does.STOP), self.place_of_first(*COPYING)
        early = {first_stop, first_to_copy, self.last_place_to_see_content, self.place_of_first(*_BREAKING), 0}
        last = min(first_stop, self._place_where(self._makes_copies_that_count))
        places = {to for to in early if to <= last}
        if first_stop < len(self.rules.rules):
            places.add(first_stop)
        return tuple(sorted(places, reverse=True))

    def meets_no_mail(self, place: int) -> bool:
        """Whether no mail can meet the conditions and exceptions of a rule together, whatever becomes of it before."""
        copy = self.wrong.copy
        rule, date = self.draft.rules[place], copy.message.date
        return date is not None and are_disjoint({}, [rule], copy.facts, self.rules.dialect, date, in_clear=False)[0]

    def _makes_copies_that_count(self, rule: FlowRule) -> bool:
        """Whether a rule sends copies to people for whom mail must be right, too."""
        if self.aim.copies == RECIPIENTS_ONLY or not rule.enforces(*COPYING):
            return False
        facts = self.wrong.copy.facts
        people = (person for _option, person, _senders in brought_by(rule, facts))
        return self.aim.copies == ALL_COPIES or any(leaves(facts, person) is not False for person in people)

    @cached_property
    def place_of_first_to_spoil(self) -> int:
        """The place of the first rule that spoils mail of the aim; the number of rules if there is none."""
        spoiling = (
            rule.place for rule in self.rules.rules if spoils(rule, self.aim) and rule.name not in self._disjoint
        )
        return next(spoiling, len(self.rules.rules))

    @cached_property
    def last_place_to_see_content(self) -> int:
        """The last place before which a rule may go that looks at what mail says: no rule hides that from it."""
        return self._place_where(_wraps)

    def _nearest(self) -> list[Standing]:
        """The rules that help and that one edit or two would let act: those first that are meant for the mail, then the nearest."""
        near = sorted(filter(_is_near, self.helping), key=lambda standing: unlike(standing.rule, self.aim.about))
        return sorted(near, key=lambda standing: (not self._is_meant(standing), standing.distance))[:_NEAREST]

    def _is_meant(self, standing: Standing) -> bool:
        """Whether a rule is meant for mail that the aim is about."""
        return is_meant(self.draft.rules[standing.rule.place], self.aim)

    def _stops_all(self, rule: FlowRule) -> bool:
        """Whether a rule keeps all mail of the aim from later rules."""
        given = self.draft.rules[rule.place]
        conditions = given.get("conditions") or {}
        is_for_all = all(self.aim.about.get(option) == value for option, value in conditions.items())
        return rule.enforces(Does.STOP) and is_for_all and not given.get("exceptions")

    def _has_options(self, rule: FlowRule) -> bool:
        """Whether a rule has an option that says how it protects or brands mail."""
        actions = set_actions(self.draft.rules[rule.place].get("actions") or {})
        return not rule.dlp and any(option in actions for option in _PROTECTING_OPTIONS)

    def _withholds(self, standing: Standing) -> bool:
        """Whether a rule nearly acts, and is meant to keep back for good the mail that the aim is about."""
        rule = standing.rule
        return _is_near(standing) and not rule.dlp and withholds(rule, self.draft.rules[rule.place], self.aim)

    def _protects(self, rule: FlowRule) -> bool:
        """Whether a rule does for all mail that it acts on what a rule would do that is added to protect it."""
        if not (self.aim.is_helped_by_encryption and self.aim.remedy and self.aim.is_helped_by(rule)):
            return False
        return set(self.aim.remedy["actions"]) <= set(set_actions(self.draft.rules[rule.place].get("actions") or {}))

    def place_of_first(self, *effects: Does) -> int:
        """The place of the first rule in the way that has one of some effects; the number of rules if there is none."""
        return self._place_where(lambda rule: rule.enforces(*effects))

    def _place_where(self, is_so: Callable[[FlowRule], bool]) -> int:
        """The place of the first rule in the way of which something is so; the number of rules if there is none."""
        return next((rule.place for rule in self._in_the_way if is_so(rule)), len(self.rules.rules))
