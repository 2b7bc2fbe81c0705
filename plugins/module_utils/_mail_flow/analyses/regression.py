# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for mail for which changed rules newly break a guarantee, although they broke it for other mail before."""

from __future__ import annotations

import datetime
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..actions.protect import option_name
from ..budget import BudgetError, bounded
from ..conditions.keys import Key
from ..formula import FALSE, Literal, high, low
from ..input.guarantee_options import Guarantee
from ..input.parsing import facts_of
from ..model.addresses import is_name
from ..model.connectors import IN_TRANSIT
from ..model.facts import Facts
from ..model.message import Message
from ..rules.rule_dates import is_later
from ..rules.rule_set import RuleSet
from ..simulator.copy_result import CopyResult
from ..simulator.disclosures import Disclosure, disclosures
from ..simulator.results import result
from ..simulator.state import Course
from ..symbolic.copy_properties import breaks
from ..symbolic.counted_copies import CountedCopies
from ..symbolic.encoding import Model
from ..symbolic.message_search import CandidateMessage
from ..symbolic.witness_replay import counted, course_of, courses_of, disclosure_sort, surely_breaks, surely_keeps
from .guarantee_replay import brought_people
from .judgment import Breach, Counterexample, counterexample_of_disclosure, without_noise
from .verifier import claims_of

#: The maximum number of models, each more exact than the one before.
_ROUNDS = 4

#: The maximum number of dates of rules that are looked at.
MOST_DATES = 4

#: The time after which a date is in effect.
_EFFECT_DELAY = datetime.timedelta(minutes=1)

#: How far a date without a time zone may be off.
_ANY_ZONE = datetime.timedelta(days=1)


def worsened(
    before: Iterable[Mapping[str, Any]],
    after: Iterable[Mapping[str, Any]],
    facts: Mapping[str, Any],
    guarantee: Guarantee,
    now: datetime.datetime,
    irm_before: Mapping[str, Any] | None = None,
) -> Counterexample | None:
    """A message with a copy that surely breaks the guarantee after the change, and surely did not before; ``None`` if none is
    found. Copies that rules make, and what they show others, count as for the guarantee itself. If that is so only once a rule
    begins or ends, the message has a ``date``. The search ends at :func:`skipped_dates`.

    :param irm_before: the IRM configuration before, if it differs.
    """
    known = facts_of(facts)
    sides = RuleSet(after, known.dialect), RuleSet(before, known.dialect)
    irm = known.encryption.irm_configuration
    settings = [irm, irm if irm_before is None else irm_before]
    if counterexample := _worsened_at(sides, known, guarantee, now, settings):
        return counterexample
    for instant in later_instants(sides, now):
        if counterexample := _worsened_at(sides, known, guarantee, instant, settings):
            return replace(counterexample, message={**counterexample.message, "date": instant.isoformat()})
    return None


def later_instants(
    sides: Iterable[RuleSet], now: datetime.datetime, most: int | None = MOST_DATES
) -> list[datetime.datetime]:
    """For some dates on which rules begin or end later, an instant after each: first the dates that only one side has, each group
    in the order of time.

    :param most: how many; ``None`` for all that can be read.
    """
    return list(_instants_of_dates(sides, now)[0])[:most]


def skipped_dates(sides: Iterable[RuleSet], now: datetime.datetime) -> list[str]:
    """The later dates on which rules begin or end and after which :func:`worsened` does not search, because they are too many or
    cannot be read.
    """
    instants, unreadable = _instants_of_dates(sides, now)
    return [*list(instants.values())[MOST_DATES:], *unreadable]


def _instants_of_dates(
    sides: Iterable[RuleSet], now: datetime.datetime
) -> tuple[dict[datetime.datetime, str], list[str]]:
    """The instants of :func:`later_instants`, each with its date, and the dates that cannot be read."""
    dates = [
        {date for rule in side.rules if not rule.idle for date in (rule.dates.begins, rule.dates.ends)}
        for side in sides
    ]
    times = Counter[datetime.datetime]()
    texts: dict[datetime.datetime, str] = {}
    unreadable: set[str] = set()
    for text in (text for side in dates for text in side if is_later(text, now)):
        try:
            date = datetime.datetime.fromisoformat(text)
        except ValueError:
            unreadable.add(text)
            continue
        instant = (date if date.tzinfo else date.replace(tzinfo=datetime.UTC) + _ANY_ZONE) + _EFFECT_DELAY
        times[instant] += 1
        texts[instant] = min(text, texts.get(instant, text))
    return {date: texts[date] for date in sorted(times, key=lambda date: (times[date], date))}, sorted(unreadable)


def _worsened_at(
    sides: tuple[RuleSet, RuleSet],
    facts: Facts,
    guarantee: Guarantee,
    now: datetime.datetime,
    settings: Sequence[Mapping[str, Any] | None],
) -> Counterexample | None:
    """A message that breaks a guarantee after a change and kept it before, at an instant; ``None`` if none is found.

    :param sides: the rules after, and before.
    """
    claims = claims_of([guarantee.selection], sides[0].dialect)
    options = [option_name(guarantee.template)] if guarantee.template else []
    transit = guarantee.then == IN_TRANSIT
    try:
        with bounded():
            model = Model(list(sides), claims, facts, now, options, settings=settings, transit=transit)
            return _worsened_in_models(model, claims, guarantee)
    except BudgetError:
        return None


def _worsened_in_models(model: Model, claims: RuleSet, guarantee: Guarantee) -> Counterexample | None:
    """A message that breaks a guarantee after a change and kept it before, found in a model or in more exact ones; ``None`` if
    none is found.

    :raises BudgetError: a question took too many conflicts.
    """
    for _round in range(_ROUNDS):
        counterexample, to_refine = _worsened_in_model(model, claims, guarantee)
        if counterexample or not to_refine:
            return counterexample
        model = model.refined(to_refine)
    return None


def _worsened_in_model(model: Model, claims: RuleSet, guarantee: Guarantee) -> tuple[Counterexample | None, list[Key]]:
    """A message that breaks the guarantee after and kept it before, and the atoms to model more exactly if none is found."""
    side = model.open
    after, before = (CountedCopies(model, side, guarantee, claims.rules[0], rules=place) for place in range(2))
    newly_broken = list(_newly_broken(after, before))
    usual = [assumption.literal for assumption in model.mail.assumptions.for_claims]
    to_refine: list[Key] = []
    # Usual mail comes first, as it says most. Unusual mail counts, too.
    for assumed, written, breach in itertools.product((usual, []), model.mail.addressing.ways_to_write, newly_broken):
        possible, candidate = model.messages.find([*breach, *assumed, *written], side)
        if candidate and (counterexample := _replayed_breach(model, guarantee, candidate)):
            return counterexample, []
        to_refine = to_refine or (model.atoms_to_refine(side) if possible else [])
    for disclosure, breach in _newly_disclosed(after, before):
        for assumed in (usual, []):
            possible, candidate = model.messages.find([*breach, *assumed], side)
            if candidate and (counterexample := _replayed_disclosure(model, guarantee, candidate, disclosure)):
                return counterexample, []
            to_refine = to_refine or (model.atoms_to_refine(side) if possible else [])
    return None, to_refine


def _newly_broken(after: CountedCopies, before: CountedCopies) -> Iterator[list[Literal]]:
    """For each copy, literals that are true together if it certainly breaks the guarantee after, and the copy of the
    same person did not before.
    """
    earlier = [(copy.person, before.broken(copy, breaks)) for copy in before.every]
    for copy in after.every:
        counts, broken = after.broken(copy, breaks)
        was = [
            high(counted_before) & high(broken_before)
            for person, (counted_before, broken_before) in earlier
            if person is copy.person
        ]
        if low(counts) != FALSE and low(broken) != FALSE:
            yield [low(counts), low(broken), *(~literal for literal in was)]


def _newly_disclosed(after: CountedCopies, before: CountedCopies) -> Iterator[tuple[Disclosure, list[Literal]]]:
    """For each rule that certainly shows somebody mail that the guarantee is about, literals that are true together if
    it does so after, and no rule did before.
    """
    facts = after.model.facts
    shown_after, shown_before = (
        list(disclosures(after.model.rule_sets[side.rules].rules, facts)) for side in (after, before)
    )
    for disclosure in shown_after:
        seen = low(after.breaking_disclosure(disclosure))
        was = [
            high(before.breaking_disclosure(other))
            for other in shown_before
            if other.person.address == disclosure.person.address
        ]
        if seen != FALSE:
            yield disclosure, [seen, *(~literal for literal in was)]


def _replayed_disclosure(
    model: Model, guarantee: Guarantee, candidate: CandidateMessage, disclosure: Disclosure
) -> Counterexample | None:
    """The counterexample that a message is in the simulator, because a rule newly shows it to somebody; ``None`` if it is none."""
    after, before = model.rule_sets[:2]
    rule = model.claims.rules[0]
    address = disclosure.person.address
    facts = candidate.facts[1]
    shown = {
        (disclosure_sort(earlier), earlier.rule.name)
        for earlier in disclosures(before.rules, facts)
        if earlier.person.address == address
    }

    def may_have_seen(message: Message) -> bool:
        """Whether the person may have been shown the message before, or a copy of theirs may have broken the guarantee."""
        worlds = [world for course in courses_of(before, message, facts) for world in course.worlds]
        if any(world.asked or world.surprises for world in worlds):
            return True
        if any((how, name) in shown for world in worlds for how, name, _text in world.notified):
            return True
        own = course_of(before, message, facts, address)
        if own is None:
            return False
        counts, keeps = counted(model.claims, rule, guarantee, message, facts, own)
        return counts is not False and not surely_keeps(own, keeps, message, facts)

    breach = Breach(guarantee, after, model.claims, rule)
    courses = courses_of(after, candidate.message, candidate.facts[0])
    every = (counterexample_of_disclosure(breach, candidate, course, disclosure, may_have_seen) for course in courses)
    return next((counterexample for counterexample in every if counterexample), None)


def _replayed_breach(model: Model, guarantee: Guarantee, candidate: CandidateMessage) -> Counterexample | None:
    """The counterexample that a message is in the simulator, because a copy newly breaks the guarantee; ``None`` if it is none."""
    after = model.rule_sets[0]
    written = candidate.written
    rule = model.claims.rules[0]
    sides = list(zip(model.rule_sets, candidate.facts, strict=True))
    brought = brought_people(after, candidate.facts[0])

    def surely(wanted: Callable[..., bool], course: Course, message: Message, facts: Facts) -> bool | None:
        """Whether a copy surely breaks, or surely keeps, what it has to keep; ``None`` if it does not count."""
        counts, keeps = counted(model.claims, rule, guarantee, message, facts, course)
        if counts is False:
            return None
        return counts is True and wanted(course, keeps, message, facts)

    def outcome(message: Message, address: str) -> CopyResult | None:
        """The result of a copy after, if it surely breaks the guarantee and surely did not before, when it may not have been made;
        otherwise ``None``.
        """
        course, earlier = (course_of(rules, message, facts, address) for rules, facts in sides)
        if course is None or surely(surely_breaks, course, message, candidate.facts[0]) is not True:
            return None
        if earlier is None and course.by is None:
            return None
        if earlier is not None and surely(surely_keeps, earlier, message, candidate.facts[1]) is False:
            return None
        return result(course, after, message, candidate.facts[0])

    people = [course.recipient for course in courses_of(after, candidate.message, candidate.facts[0])]
    people.sort(key=lambda person: person.address != written.recipient)
    for person in people:
        breach = None
        if person.address == written.recipient or person.address in brought:
            breach = outcome(candidate.message, person.address)
        if breach is None:
            continue
        shows = partial(_has_outcome, outcome, person.address, breach)
        message = without_noise(candidate, person.address, shows)
        recipient = person.label if is_name(person.address) else person.address
        return Counterexample({"name": guarantee.name, **message}, recipient, breach, facts=written.facts)
    return None


def _has_outcome(
    outcome: Callable[[Message, str], CopyResult | None],
    address: str,
    expected: CopyResult,
    message: Message,
) -> bool:
    """Whether a copy of a message has an expected outcome."""
    return outcome(message, address) == expected
