# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether other rules break a guarantee for mail for which it held, where it is broken for other mail already."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..budget import BudgetError, bounded
from ..input.guarantee_options import Guarantee
from ..input.parsing import facts_of
from ..model.actions import option_name
from ..model.connectors import IN_TRANSIT
from ..model.message import Message
from ..model.rules import RuleSet, is_later
from ..simulator.results import result
from ..symbolic.atoms import Key
from ..symbolic.compile_text_edits import SeenMessage
from ..symbolic.copy_properties import breaks
from ..symbolic.encoding import Model, Replayed
from ..symbolic.logic import high, low
from ..symbolic.witness_replay import course_of, is_about, surely_breaks, surely_keeps
from .judgment import Counterexample, without_noise
from .verifier import claims_of

_ROUNDS = 4

#: So many dates of rules are looked at.
MOST_DATES = 4

#: So long behind a date it is in effect; a date without a time zone may be off by that.
_BEHIND, _ANY_ZONE = datetime.timedelta(minutes=1), datetime.timedelta(days=1)


def worsened(
    before: Iterable[Mapping[str, Any]],
    after: Iterable[Mapping[str, Any]],
    facts: Mapping[str, Any],
    guarantee: Guarantee,
    now: datetime.datetime,
    irm_before: Mapping[str, Any] | None = None,
) -> Counterexample | None:
    """A message that surely breaks the guarantee after, and surely did not before; ``None`` if none is found. If that
    is so only once a rule begins or ends, the message has a ``date``. Behind :func:`skipped_dates`, nobody looks.

    :param irm_before: the IRM configuration before, where it is another one.
    """
    dialect = facts_of(facts).dialect
    sides = RuleSet(after, dialect), RuleSet(before, dialect)
    settings = [facts.get("irm_configuration"), facts.get("irm_configuration") if irm_before is None else irm_before]
    if found := _worsened(sides, facts, guarantee, now, settings):
        return found
    for later in later_instants(sides, now):
        if found := _worsened(sides, facts, guarantee, later, settings):
            return replace(found, message={**found.message, "date": later.isoformat()})
    return None


def later_instants(
    sides: Iterable[RuleSet], now: datetime.datetime, most: int | None = MOST_DATES
) -> list[datetime.datetime]:
    """For some dates on which rules begin or end again, an instant behind each: first those that only one side has, and
    of these the first ones first.

    :param most: how many; ``None`` for all that can be read.
    """
    return list(_later(sides, now)[0])[:most]


def skipped_dates(sides: Iterable[RuleSet], now: datetime.datetime) -> list[str]:
    """The dates on which rules begin or end again, and behind which :func:`worsened` does not look: there are too many,
    or they cannot be read.
    """
    instants, unreadable = _later(sides, now)
    return [*list(instants.values())[MOST_DATES:], *unreadable]


def _later(sides: Iterable[RuleSet], now: datetime.datetime) -> tuple[dict[datetime.datetime, str], list[str]]:
    """The instants of :func:`later_instants`, each with its date, and the dates that cannot be read."""
    dates = [{date for rule in side.rules if not rule.idle for date in (rule.begins, rule.ends)} for side in sides]
    times = Counter[datetime.datetime]()
    texts: dict[datetime.datetime, str] = {}
    unreadable: set[str] = set()
    for text in (text for side in dates for text in side if is_later(text, now)):
        try:
            date = datetime.datetime.fromisoformat(text)
        except ValueError:  # Nobody knows when it is.
            unreadable.add(text)
            continue
        instant = (date if date.tzinfo else date.replace(tzinfo=datetime.UTC) + _ANY_ZONE) + _BEHIND
        times[instant] += 1
        texts[instant] = min(text, texts.get(instant, text))
    return {date: texts[date] for date in sorted(times, key=lambda date: (times[date], date))}, sorted(unreadable)


def _worsened(
    sides: tuple[RuleSet, RuleSet],
    facts: Mapping[str, Any],
    guarantee: Guarantee,
    now: datetime.datetime,
    settings: Sequence[Mapping[str, Any] | None],
) -> Counterexample | None:
    """The same at an instant.

    :param sides: the rules after, and before.
    """
    claims = claims_of([guarantee.selection], sides[0].dialect)
    try:
        with bounded():
            options, transit = (
                [option_name(guarantee.template)] if guarantee.template else [],
                guarantee.then == IN_TRANSIT,
            )
            model = Model(
                list(sides),
                claims,
                facts,
                now,
                options,
                settings=settings,
                transit=transit,
            )
            for _round in range(_ROUNDS):
                side = model.open
                about = side.conditions.matches(claims.rules[0], ("claim", 0), SeenMessage(), model.mail.recipient)
                then, first = (breaks(outcome, guarantee) for outcome in side.outcomes)
                wanted, usual = [low(about), low(then), high(first) ^ 1], [each.literal for each in model.mail.assumed]
                more: list[Key] = []
                # Usual mail first, which says the most; mail that is not usual counts as well.
                for assumed, written in itertools.product((usual, []), model.mail.ways_to_write):
                    possible, candidate = model.find([*wanted, *assumed, *written], side)
                    if candidate and (found := _replayed(model, guarantee, candidate)):
                        return found
                    more = more or (model.to_refine(side) if possible else [])
                if not more:
                    return None
                model = model.refined(more)
    except BudgetError:
        pass
    return None


def _replayed(model: Model, guarantee: Guarantee, candidate: Replayed) -> Counterexample | None:
    letter = candidate.letter

    def outcome(message: Message) -> dict[str, Any] | None:
        """What becomes of a message after, provided that it surely breaks the guarantee then, and surely did not
        before.
        """
        if is_about(model.claims, model.claims.rules[0], message, candidate.facts[0], letter.recipient) is not True:
            return None
        sides = list(zip(model.rule_sets, candidate.facts, strict=True))
        courses = [course_of(rules, message, facts, letter.recipient) for rules, facts in sides]
        outcomes = [
            result(course, rules, message, facts)
            for course, (rules, facts) in zip(courses, sides, strict=True)
            if course
        ]
        wanted = zip((surely_breaks, surely_keeps), courses, candidate.facts, strict=True)
        surely_worse = all(surely(course, guarantee, message, facts) for surely, course, facts in wanted)
        return outcomes[0] if surely_worse and None not in outcomes else None

    found = outcome(candidate.message)
    if found is None:
        return None
    message = without_noise(candidate, letter.recipient, lambda other: outcome(other) == found)
    return Counterexample({"name": guarantee.name, **message}, letter.recipient, found, facts=letter.facts)
