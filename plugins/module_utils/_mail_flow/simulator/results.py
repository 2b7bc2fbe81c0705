# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages and rules in, results out, as the module has them: the one entrance to the folder.

Pure: the same rules, facts, messages and dates give the same result.

A value is given if all worlds agree on it. Worlds against a guess do not count; if they differ, the answer relies on
the guess and says so. How a recipient opens a protected message depends on the OME configuration that it shows, on the
recipient and on the clouds of both sides. Conditional Access is not read: ways that it can close say so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.names import same_name
from ..._resources.ome_configuration import DEFAULT_OME_CONFIGURATION
from ..budget import STEPS_OF_MESSAGE, BudgetError, bounded
from ..model import questions
from ..model.addresses import domain
from ..model.carried_labels import label_name
from ..model.clouds import CHINA, US_GOVERNMENT, cloud_of
from ..model.facts import Facts, recipient_outside
from ..model.kleene import Reason, rows_of
from ..model.message import Message, Recipient
from ..rules.rule_set import RuleSet
from .protection import Verdict, Way, transit, verdict, ways_of
from .simulation import Passage
from .state import NOBODY, Course, World

#: Protections that are partly unknown.
OPEN = ("unknown", "protected_option_unknown")

_TOO_MANY = Reason(questions.A_FACT, "too_many_questions")
_TWICE = Reason(questions.ADDED_RECIPIENTS, "several_ways")

#: The result of a copy that would take too many steps.
_TOO_MUCH: dict[str, Any] = {"fate": "unknown", "protection": "unknown", "rules": []}
_WHY = Reason("budget", "message_too_complex")


class Simulator:
    """The mail flow of an organization.

    :param rules: its rules, as the modules describe them, or a compiled rule set.
    """

    def __init__(self, rules: Iterable[Mapping[str, Any]] | RuleSet, facts: Facts) -> None:
        self.rules = RuleSet.read(rules, facts.dialect)
        self.facts = facts

    def courses(self, message: Message) -> list[Course]:
        """What happens to each copy, including everything that is open."""
        return Passage(self.rules, message, self.facts).courses()

    def run(self, message: Message) -> dict[str, Any]:
        """``name`` of the message and ``recipients``: address to result, with the keys of the module's result. What
        exceeds the step budget is unknown.
        """
        try:
            with bounded(STEPS_OF_MESSAGE):
                found = {
                    course.recipient.label: result(course, self.rules, message, self.facts)
                    for course in self.courses(message)
                }
        except BudgetError:
            found = {
                person.label: {**_TOO_MUCH, "unknown": rows_of([_WHY])} for person in self.facts.recipients(message)
            }
        return {
            "name": message.name,
            "recipients": {label: described for label, described in found.items() if described is not None},
        }


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a world at one stage: before an approval, after the first one, and so on."""

    world: World
    fate: str
    verdict: Verdict
    matched: tuple[int, ...]
    perhaps: frozenset[int]
    ways: tuple[Way, ...]

    @property
    def shown(self) -> tuple[object, ...]:
        """The part of it that a result shows."""
        found = self.verdict
        return (
            *(self.fate, found.protection, found.by, found.on_arrival, found.branding, found.delivered, self.matched),
            *(found.by_dlp, found.by_label),
        )


def result(course: Course, rules: RuleSet, message: Message, facts: Facts) -> dict[str, Any] | None:
    """A recipient's result; ``None`` for somebody who gets nothing because no rule adds them in the end."""
    likely = [world for world in course.worlds if not world.against_a_guess]
    if all(world.fate == NOBODY for world in likely):
        return None
    return _Stage(course, rules, message, facts, course.worlds).described()


def matches(course: Course, rules: RuleSet, message: Message, facts: Facts) -> dict[int, Match]:
    """The places of the rules that match, as :func:`result` has them: before an approval, and after each."""
    stage: _Stage | None = _Stage(course, rules, message, facts, course.worlds)
    found: dict[int, Match] = {}
    while stage:
        likely = [end for end in map(stage.end, stage.worlds) if not end.world.against_a_guess]
        found.update(
            {place: Match(sure, stage.reasons(likely, doubtful=True)) for place, sure in stage.matches(likely).items()}
        )
        stage = next(iter(stage.later(stage.fate(likely)).values()), None)
    return found


@dataclass(frozen=True, slots=True)
class Match:
    """That a rule matches.

    :param sure: whether that is certain; otherwise it may match, and :param:`reasons` say why that is open.
    """

    sure: bool
    reasons: Sequence[Reason]

    @property
    def shown(self) -> bool | str:
        """As results have it."""
        return True if self.sure else "unknown"


@dataclass(frozen=True, slots=True)
class _Stage:
    course: Course
    rules: RuleSet
    message: Message
    facts: Facts
    worlds: Sequence[World]
    number: int = 0

    def described(self) -> dict[str, Any]:
        """The keys of a result, in order. Keys that do not apply are absent."""
        ends = [self.end(world) for world in self.worlds]
        likely = [end for end in ends if not end.world.against_a_guess]
        fate = self.fate(likely)
        found: dict[str, Any] = {"fate": fate, **self._protection(likely, fate)}
        names = [
            {"name": self.rules.rules[place].name, "matched": Match(sure, ()).shown}
            for place, sure in self.matches(likely).items()
        ]
        found["rules"] = names
        doubtful = (
            fate == "unknown" or found.get("protection") in OPEN or any(rule["matched"] == "unknown" for rule in names)
        )
        brands = {end.verdict.branding for end in likely}
        if fate == "delivered":
            on_the_way = transit([end.world for end in likely], self.facts, self.course.recipient.address)
            found.update({"transit": on_the_way} if on_the_way else {})
            if brands != {""} and len(brands) == 1:
                found["branding"] = next(iter(brands))
            arrival = self.message.protection
            own = not found.get("protected_on_arrival") or (arrival is not None and arrival.owner == "own")
            ways = opens(found["protection"], found.get("branding", ""), self.course.recipient, self.facts, own=own)
            found.update({"opens": ways} if ways else {})
        assumed = self._assumed(ends, likely)
        found.update({"assumes": assumed} if assumed else {})
        reasons = self.reasons(likely, doubtful or len(brands) > 1)
        found.update({"unknown": rows_of(reasons)} if reasons else {})
        return {**found, **{key: stage.described() for key, stage in self.later(fate).items()}}

    def end(self, world: World) -> _End:
        """The end of a world at this stage."""
        fate = "delivered" if world.fate == "released" else world.fate
        if world.held > self.number:
            fate = "moderated"
        found = verdict(world, self.message, self.facts)
        if fate == "delivered" and found.ended:
            fate, found = found.ended, Verdict("")
        elif fate == "delivered" and not found.delivered:
            fate = "unknown"
        elif fate != "delivered":
            found = Verdict("unknown", reasons=world.surprises) if world.surprises else Verdict("")
            fate = "unknown" if world.surprises else fate
        here = tuple(place for held, place in world.matched if held == self.number)
        perhaps = frozenset(place for held, place in world.perhaps if held == self.number)
        ways = (
            ways_of(world, self.facts, self.course.recipient.address)
            if fate == "delivered" and (world.routes or world.requires_tls)
            else ()
        )
        return _End(world, fate, found, here, perhaps, tuple(ways))

    def fate(self, likely: Sequence[_End]) -> str:
        """What happens to the copy."""
        fates = {end.fate for end in likely}
        return "unknown" if len(fates) > 1 or self.course.too_many else next(iter(fates))

    def _protection(self, likely: Sequence[_End], fate: str) -> dict[str, Any]:
        if fate not in ("delivered", "unknown"):
            return {}
        found = {(end.verdict.protection, end.verdict.by, end.verdict.on_arrival) for end in likely}
        protections = {protection for protection, _by, _arrival in found}
        kept = {arrival for _protection, _by, arrival in found}
        protection = next(iter(protections)) if len(protections) == 1 and fate == "delivered" else "unknown"
        if len(protections) > 1 and fate == "delivered" and not protections & {"none", "unknown", "smime", ""}:
            protection = "protected_option_unknown"
        described: dict[str, Any] = {"protection": protection}
        by = {rules for _protection, rules, _arrival in found}
        if protection not in ("unknown", "none") and len(by) == 1 and by != {()}:
            described["protected_by"] = list(next(iter(by)))
        by_dlp = {end.verdict.by_dlp for end in likely}
        if protection not in ("unknown", "none") and len(by_dlp) == 1 and by_dlp != {()}:
            described["protected_by_dlp"] = list(next(iter(by_dlp)))
        label = label_name(self.message, self.facts)
        described.update({"label": label} if label else {})
        if len(kept) == 1 and None not in kept:
            described["protected_on_arrival"] = next(iter(kept))
        return described

    def matches(self, likely: Sequence[_End]) -> dict[int, bool]:
        """The places of the rules that match here, first to last, and whether that is certain. It is not if some ways
        were not followed.
        """
        every = {place for end in likely for place in (*end.matched, *end.perhaps)}
        sure = (
            frozenset()
            if self.course.too_many
            else frozenset(likely[0].matched).intersection(*(end.matched for end in likely))
        )
        return {place: place in sure for place in sorted(every)}

    def _assumed(self, ends: Sequence[_End], likely: Sequence[_End]) -> list[str]:
        """The guesses on which the answer depends."""
        shown = {(end.shown, end.ways) for end in likely}
        assumed = {number for end in likely for number in (*end.world.rests_on, *end.verdict.assumes)}
        against = sorted(
            (end for end in ends if (end.shown, end.ways) not in shown), key=lambda end: len(end.world.contradictions)
        )
        taken: list[frozenset[object]] = []
        for end in against:
            questions = frozenset(question.key for question, _answer in end.world.contradictions)
            if not any(known < questions for known in taken):
                taken.append(questions)
                assumed |= end.world.against_a_guess
        return sorted(assumed)

    def reasons(self, likely: Sequence[_End], doubtful: bool) -> list[Reason]:
        """Why a part of it is unknown."""
        reasons = {reason for end in likely for reason in end.verdict.reasons}
        if len({end.shown for end in likely}) > 1 or doubtful:
            reasons |= {
                reason
                for end in likely
                for question, _answer in end.world.answers
                if question.guess is None
                for reason in question.reasons
            }
        if doubtful and (not reasons or any(end.perhaps for end in likely)):
            reasons |= {reason for end in likely for reason in end.world.asides}
        if self.course.too_many:
            reasons.add(_TOO_MANY)
        if doubtful and self.course.twice:
            reasons.add(_TWICE)
        return sorted(reasons)

    def later(self, fate: str) -> dict[str, _Stage]:
        """The result after approval or release."""
        if fate == "moderated":
            return {"after_approval": replace(self, number=self.number + 1)}
        if fate == "quarantined":
            return {
                "after_release": replace(
                    self, worlds=[world.but(fate="released", matched=(), perhaps=frozenset()) for world in self.worlds]
                )
            }
        return {}


def opens(
    protection: str, branding: str, recipient: Recipient, facts: Facts, *, own: bool = True
) -> list[dict[str, Any]]:
    """The ways, most likely first: ``way`` and ``reason``. Empty if nothing is protected.

    :param own: whether the organization's own keys protect it.
    """
    if protection == "none":
        return []
    if protection in ("unknown", "protected_option_unknown"):
        return [_way("unknown", "opening_protection")]
    if protection == "smime":
        return [_way("unknown", "opening_smime")]
    if not own:
        return [_way("unknown", "opening_keys")]
    outside = recipient_outside(facts, recipient.address)
    if not isinstance(outside, bool):
        outside = outside.likely if outside.likely is not None else outside
    if not isinstance(outside, bool):
        return [_way("unknown", "opening_recipient")]
    if not outside:
        return _inside(facts)
    if protection.startswith("template:"):
        return [_way("unknown", "opening_template", protection.removeprefix("template:"))]
    return _outside(branding, recipient, facts)


def _way(way: str, kind: str, *values: Any) -> dict[str, Any]:
    return {"way": way, "reason": Reason("", kind, values)}


def _inside(facts: Facts) -> list[dict[str, Any]]:
    """People inside open it in Outlook, and in the browser unless their mailbox policy prevents it."""
    ways = [_way("inline", "opening_inside")]
    off = sorted(
        str(policy.get("identity")) for policy in facts.owa_mailbox_policies or () if policy.get("irm_enabled") is False
    )
    if off:
        ways.append(_way("unknown", "opening_policies", tuple(off)))
    return ways


def _outside(branding: str, recipient: Recipient, facts: Facts) -> list[dict[str, Any]]:
    """People outside open it in Outlook, unless a branding leads them to the portal, or there."""
    portal = _in_portal(branding or DEFAULT_OME_CONFIGURATION, facts)
    if branding:
        return portal
    ours = cloud_of(each.name for each in facts.accepted_domains or ())
    theirs = cloud_of([domain(recipient.address)])
    if not theirs or theirs == ours or not ours:
        outlook = _way("inline", "opening_outlook")
        # Most organizations are in the worldwide cloud.
        return [*portal, outlook] if ours == US_GOVERNMENT and not theirs else [outlook, *portal]
    return [*portal, _way("unknown", "opening_china" if CHINA in (ours, theirs) else "opening_government")]


def _in_portal(name: str, facts: Facts) -> list[dict[str, Any]]:
    if facts.ome_configurations is None:
        return [_way("unknown", "opening_configurations")]
    shown = next((each for each in facts.ome_configurations if same_name(str(each.get("identity", "")), name)), None)
    return [_way("unknown", "opening_no_configuration", name)] if shown is None else _portal(name, shown)


def _portal(name: str, shown: Mapping[str, Any]) -> list[dict[str, Any]]:
    ways = [_way("portal_work_account", "opening_portal")]
    if shown.get("social_id_sign_in"):
        ways.append(_way("portal_social", "opening_social", name))
    if shown.get("otp_enabled"):
        ways.append(_way("portal_passcode", "opening_passcode", name))
    if shown.get("otp_enabled") is False and shown.get("social_id_sign_in") is False:
        ways.append(_way("locked_out", "opening_locked", name))
    if shown.get("otp_enabled") is None or shown.get("social_id_sign_in") is None:
        ways.append(_way("unknown", "opening_sign_in", name))
    return ways
