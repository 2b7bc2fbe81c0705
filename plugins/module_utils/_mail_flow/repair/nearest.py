# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rule came nearest to encrypting a copy that is in clear, and what kept it from acting."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ..._resources.rules.action_effects import Does
from ..analyses.dlp_causes import removing_rule
from ..analyses.judgment import Counterexample
from ..analyses.miswritten import misses_as_written
from ..analyses.standings import Copy, Standing, standings
from ..budget import STEPS_OF_MESSAGE, BudgetError, bounded
from ..input.parsing import message_of, with_facts
from ..model.facts import Facts
from ..rules.rule_set import RuleSet
from ..simulator.copy_result import CopyResult
from ..simulator.rule_trace import Saw, result_values
from ..simulator.simulation import Passage

#: What a caller calls a copy.
_Name = TypeVar("_Name")


@dataclass(frozen=True)
class NearestRule:
    """The encrypting rule that came nearest to acting on a copy in clear, and the first thing that kept it from that;
    of mail from outside, which rules do not encrypt, one that acts on it, and its action (such as
    ``actions.apply_rights_protection_template``); or the rule that decrypted what arrived protected, and its action
    (``actions.remove_ome_v2``), or the DLP rule that leaves no such copy protected (``actions.remove_rms_template``).

    :param rule: empty for mail from outside on which no rule acts that encrypts.
    :param option: ``enabled``, ``mode`` or a date; ``priority`` of a rule that the copy did not reach; a condition or exception such as
        ``conditions.sent_to``; or ``from`` for mail from outside on which no rule acts that encrypts.
    :param value: the option's value.
    :param looked_at: what the condition looked at; of a rule that was not reached, the name of the rule that stopped
        before, empty if only a later rule makes the copy; of mail from outside, its sender.
    :param others: how many other things kept it from acting.
    """

    rule: str
    option: str
    value: Any
    looked_at: Saw | str = ""
    others: int = 0


def in_clear(
    rules: RuleSet, copies: Iterable[tuple[_Name, CopyResult, Copy, str]]
) -> Iterator[tuple[_Name, NearestRule]]:
    """The copies that are delivered in clear, each with what kept it so; none for which another rule is known to be meant.

    :param copies: what the caller calls each copy, its result, the copy, and the rule that is known to be meant for it;
        empty if none is.
    """
    for name, result, copy, meant in copies:
        nearest_rule = nearest(rules, copy, meant) if result.is_in_clear else None
        if nearest_rule and (not meant or nearest_rule.rule in ("", meant)):
            yield name, nearest_rule


def nearest(rules: RuleSet, copy: Copy, meant: str = "") -> NearestRule | None:
    """What kept a copy in clear; ``None`` if no rule encrypts or decrypts it, or what did is not known.

    :param meant: the rule that is known to be meant for it; empty if none is.
    """
    try:
        with bounded(STEPS_OF_MESSAGE):
            every = standings(rules, copy)
            course = copy.course(Passage(rules, copy.message, copy.facts))
    except BudgetError:
        return None
    removing = removing_rule(course) if course else ""
    if removing:
        return NearestRule(removing, "actions.remove_rms_template", value=True)
    decrypting = _decrypting(every, copy)
    if decrypting is not None:
        return decrypting
    encrypting = sorted(
        (standing for standing in every if standing.rule.actions.does(Does.ENCRYPT) and not standing.rule.dlp),
        key=lambda standing: (
            standing.rule.name != meant,
            not (standing.is_about_it or standing.misses_by_scope or misses_as_written(standing, copy)),
            standing.distance,
            not standing.could_act,
            len(standing.failed),
        ),
    )
    if encrypting and copy.is_from_outside:
        return _from_outside(encrypting, copy)
    first = next((standing for standing in encrypting if standing.distance), None)
    if first is None:
        return None
    stops = [
        standing.rule.name
        for standing in every
        if standing.acts and standing.rule.actions.is_final and standing.rule.place < first.rule.place
    ]
    return _why(first, stops[-1] if stops else "")


def _decrypting(every: Iterable[Standing], copy: Copy) -> NearestRule | None:
    """The first rule that takes the protection away with which a copy arrives."""
    arrival = copy.message.protection
    if arrival is None or not arrival.by_rights:
        return None
    acting = [standing.rule for standing in every if standing.acts and standing.rule.actions.enforced]
    for rule in acting:
        for option in rule.actions.does(Does.DECRYPT):
            return NearestRule(rule.name, f"actions.{option}", value=True)
    return None


def _from_outside(encrypting: Iterable[Standing], copy: Copy) -> NearestRule:
    """The first rule that acts on mail from outside all the same; without a name if none does."""
    rule = next((standing.rule for standing in encrypting if standing.acts), None)
    if rule is None:
        return NearestRule("", "from", copy.message.sender)
    ((option, value), *_others) = rule.actions.does(Does.ENCRYPT).items()
    return NearestRule(rule.name, f"actions.{option}", value, copy.message.sender)


def _why(standing: Standing, stop: str) -> NearestRule:
    rule, others = standing.rule, standing.distance - 1
    if standing.failed:
        failed = standing.failed[0]
        option = f"{failed.section}.{failed.atom.predicate.options[0]}"
        return NearestRule(
            rule.name, option, result_values(failed.atom.values), Saw(failed.atom, standing.rule_view), others
        )
    if rule.idle:
        return NearestRule(rule.name, "enabled", False, others=others)
    if not rule.actions.enforced:
        return NearestRule(rule.name, "mode", rule.actions.mode, others=others)
    if not standing.in_window:
        dates = [
            option_and_date
            for option_and_date in (("activation_date", rule.dates.begins), ("expiry_date", rule.dates.ends))
            if option_and_date[1]
        ]
        borders = zip(dates, rule.dates.borders(standing.rule_view.message.date), strict=True)
        option, value = next(date for date, border in borders if border is False)
        return NearestRule(
            rule.name,
            option,
            value,
            standing.rule_view.message.date.isoformat() if standing.rule_view.message.date else "",
            others,
        )
    return NearestRule(rule.name, "priority", rule.place, stop, others)


def copy_of(counterexample: Counterexample, known: Facts, now: datetime.datetime) -> Copy:
    """The copy that a counterexample is about."""
    message = message_of(
        {key: value for key, value in counterexample.message.items() if key != "name"},
        "",
        str(counterexample.message["name"]),
    )
    return Copy(
        replace(message, date=message.date or now), with_facts(known, counterexample.facts), counterexample.recipient
    )
