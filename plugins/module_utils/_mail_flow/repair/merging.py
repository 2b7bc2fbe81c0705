# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that differ in the values of one condition, and can be one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._resources.rules.action_effects import Does
from ..actions.actions import BY_OPTION
from ..analyses.coverage import adds_up
from ..rules.flow_rule import FlowRule
from ..rules.rule_set import RuleSet
from .aims import fits, unwritten
from .order import RuleOrder, depends_on_sender

#: The characters of a rule's comments.
_COMMENTS = 1_024

#: What a rule may have of its own if it is merged.
_OWN = ("name", "guid", "priority", "comments")


@dataclass(frozen=True)
class MergedRules:
    """Rules that can be one, under the name and at the place of the first.

    :param option: the condition in which they differ: the one rule has the values of all of them.
    """

    places: tuple[int, ...]
    rules: tuple[str, ...]
    option: str


class RuleMerging:
    """The rules of a set that can be one: which groups of them differ in one condition alone, and the one rule for each."""

    def __init__(self, rules: RuleSet) -> None:
        self._rules = rules

    def groups(self, order: RuleOrder, gone: Collection[int]) -> Iterator[MergedRules]:
        """Rules that differ in the values of one condition, the largest groups first. Each rule is in one of them, and
        can move to the place of its first.
        """
        groups = self._merge_groups(gone)
        several = [places for places in groups.values() if len(places) > 1]
        order.find_barriers(several, gone)
        taken = order.clashing({place for places in several for place in places})
        for (option, _key), places in sorted(groups.items(), key=lambda group: (-len(group[1]), group[1], group[0][0])):
            free = [place for place in places if place not in taken]
            for run in self._runs(free, option, order):
                if len(run) > 1:
                    taken.update(run)
                    yield self._merge(tuple(run), option)

    def _merge_groups(self, gone: Collection[int]) -> dict[tuple[str, str], list[int]]:
        """The places of rules that differ in one condition alone, by its option and all the rest."""
        groups: dict[tuple[str, str], list[int]] = {}
        for rule in self._rules.rules:
            given_rule = self._rules.descriptions[rule.place]
            if rule.place in gone or not self._may_merge(rule, given_rule):
                continue
            for option, values in (given_rule.get("conditions") or {}).items():
                if isinstance(values, (list, tuple)):
                    groups.setdefault((option, _rest(given_rule, option)), []).append(rule.place)
        return groups

    def _may_merge(self, rule: FlowRule, given_rule: Mapping[str, Any]) -> bool:
        """Whether a rule may be merged with another one, as far as it alone says."""
        return rule.is_on_and_enforced and _acts_once(rule, self._rules.rules) and is_writable(rule, given_rule)

    def _runs(self, places: Iterable[int], option: str, order: RuleOrder) -> list[list[int]]:
        """The rules of a group in runs that may be one rule."""
        runs: list[list[int]] = []
        for place in places:
            fitting = (run for run in runs if order.may_join(place, run) and self._fits([*run, place], option))
            run = next(fitting, None)
            if run is None:
                runs.append([place])
            else:
                run.append(place)
        return runs

    def _merge(self, places: tuple[int, ...], option: str) -> MergedRules:
        """Rules as one."""
        return MergedRules(places, tuple(self._rules.rules[place].name for place in places), option)

    def _fits(self, places: Sequence[int], option: str) -> bool:
        """Whether Exchange stores the one rule."""
        one = self.merged_rule(places, option)
        return fits(one) and len(one.get("comments") or "") <= _COMMENTS

    def merged_rule(self, places: Sequence[int], option: str) -> dict[str, Any]:
        """The rule that stands for several, with the comments of all."""
        first, *_others = every = [self._rules.descriptions[place] for place in places]
        values = dict.fromkeys(value for rule in every for value in rule["conditions"][option])
        comments = "; ".join(dict.fromkeys(str(rule["comments"]) for rule in every if rule.get("comments")))
        comment = {"comments": comments} if comments else {}
        return {**first, **comment, "conditions": {**first["conditions"], option: list(values)}}

    def halves(self, edit: MergedRules) -> list[MergedRules]:
        """The first and the second half of merged rules, without one that is a single rule."""
        half = (len(edit.places) + 1) // 2
        return [self._merge(part, edit.option) for part in (edit.places[:half], edit.places[half:]) if len(part) > 1]


def is_writable(rule: FlowRule, given_rule: Mapping[str, Any]) -> bool:
    """Whether all of a rule is known, and a module can write it."""
    return not (unwritten([given_rule]) or rule.dlp or rule.unread or rule.criteria.doubts or rule.actions.surprises)


def _acts_once(rule: FlowRule, rules: Sequence[FlowRule]) -> bool:
    """Whether nothing adds up that a rule does, or only changes of messages, of which another rule of the kind makes
    none if it is for other senders.
    """
    added = {BY_OPTION[option].does for option in adds_up(rule)}
    return not added or (added == {Does.CHANGE} and depends_on_sender(rule, rules))


def _rest(given_rule: Mapping[str, Any], option: str) -> str:
    """All of a rule but the values of one condition, and what is its own."""
    conditions = without(given_rule["conditions"], option)
    whole = {**without(given_rule, *_OWN), "conditions": conditions}
    return json.dumps(
        {key: value for key, value in whole.items() if value not in (None, "", [], {})}, sort_keys=True, default=str
    )


def without(given_rule: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A mapping without some keys."""
    return {key: value for key, value in given_rule.items() if key not in keys}
