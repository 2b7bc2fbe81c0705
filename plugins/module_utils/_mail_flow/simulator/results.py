# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages and rules in, results out, as the module has them: the one entrance to the folder.

Pure: the same rules, facts, messages and dates give the same result.

A value is given if all worlds agree on it. Worlds against a guess do not count; if they differ, the answer relies on
the guess and says so. How a recipient opens a protected message depends on the OME configuration that it shows, on the
recipient and on the clouds of both sides. Conditional Access is not read: ways that it can close say so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.names import same_name
from ..._resources.ome_configuration import DEFAULT_OME_CONFIGURATION, needs_work_account
from ..budget import STEPS_OF_MESSAGE, BudgetError, bounded
from ..model import questions
from ..model.addresses import domain
from ..model.carried_labels import label_name
from ..model.clouds import CHINA, US_GOVERNMENT, cloud_of
from ..model.facts import Facts
from ..model.inside import recipient_outside
from ..model.kleene import Reason
from ..model.message import Message, Recipient
from ..model.message_recipients import recipients_of
from ..model.outcomes import OPEN_PROTECTIONS, TEMPLATE, Fate, OpeningWay, ProtectionKind
from ..model.reason_kinds import ReasonKind
from ..rules.rule_set import RuleSet
from .copy_result import CopyResult, MessageResult, Opening, RuleMatch
from .protection import CopyProtection, Way, protection_of, transit, ways_of
from .simulation import Passage
from .state import Course, World

_TOO_MANY = Reason(questions.A_FACT, "too_many_questions")
_TWICE = Reason(questions.ADDED_RECIPIENTS, "several_ways")

#: Why nothing is known of a copy that would take too many steps.
_TOO_COMPLEX = Reason("budget", "message_too_complex")

#: The protections that are no rights management, or may be none.
_NOT_BY_RIGHTS = frozenset((ProtectionKind.NONE, ProtectionKind.UNKNOWN, ProtectionKind.SMIME, ""))


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
        """The result of a message as results of modules have it, with reasons that are not yet sentences."""
        return self.results(message).as_row()

    def results(self, message: Message) -> MessageResult:
        """The result of each recipient who gets a copy. What exceeds the step budget is unknown."""
        try:
            with bounded(STEPS_OF_MESSAGE):
                courses = self.courses(message)
                results = {
                    course.recipient.label: result(course, self.rules, message, self.facts) for course in courses
                }
        except BudgetError:
            nothing = CopyResult(Fate.UNKNOWN, ProtectionKind.UNKNOWN, unknown=(_TOO_COMPLEX,))
            results = {person.label: nothing for person in recipients_of(self.facts, message)}
        return MessageResult(message.name, {label: copy for label, copy in results.items() if copy is not None})


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a world at one stage: before an approval, after the first one, and so on."""

    world: World
    fate: Fate
    protection: CopyProtection
    matched: tuple[int, ...]
    perhaps: frozenset[int]
    ways: tuple[Way, ...]

    @property
    def shown(self) -> tuple[object, ...]:
        """The part of it that a result shows."""
        protection = self.protection
        return (
            self.fate,
            protection.kind,
            protection.by,
            protection.on_arrival,
            protection.brandings,
            protection.delivered,
            self.matched,
            protection.by_dlp,
            protection.by_label,
        )


def result(course: Course, rules: RuleSet, message: Message, facts: Facts) -> CopyResult | None:
    """A recipient's result; ``None`` for somebody who gets nothing because no rule adds them in the end."""
    likely = [world for world in course.worlds if not world.against_a_guess]
    if all(world.fate == Fate.NOBODY for world in likely):
        return None
    return _Stage(course, rules, message, facts, course.worlds).result()


def matches(course: Course, rules: RuleSet, message: Message, facts: Facts) -> dict[int, Match]:
    """The places of the rules that match, as :func:`result` has them: before an approval, and after each."""
    stage: _Stage | None = _Stage(course, rules, message, facts, course.worlds)
    by_place: dict[int, Match] = {}
    while stage:
        likely = [end for end in map(stage.end, stage.worlds) if not end.world.against_a_guess]
        by_place.update(
            {place: Match(sure, stage.reasons(likely, doubtful=True)) for place, sure in stage.matches(likely).items()}
        )
        stage = next(iter(stage.later_stages(stage.fate(likely)).values()), None)
    return by_place


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matches, or may.

    :param sure: whether that is certain; otherwise it may match, and :param:`reasons` say why that is open.
    """

    sure: bool
    reasons: Sequence[Reason]


@dataclass(frozen=True, slots=True)
class _Stage:
    course: Course
    rules: RuleSet
    message: Message
    facts: Facts
    worlds: Sequence[World]
    number: int = 0

    def result(self) -> CopyResult:
        """The result at this stage, with those of later ones."""
        ends = [self.end(world) for world in self.worlds]
        likely = [end for end in ends if not end.world.against_a_guess]
        fate = self.fate(likely)
        rules = tuple(RuleMatch(self.rules.rules[place].name, sure) for place, sure in self.matches(likely).items())
        copy = CopyResult(fate, rules=rules, assumes=tuple(self._assumed(ends, likely)))
        copy = self._with_protection(copy, likely)
        brandings = {end.protection.branding for end in likely}
        if fate == Fate.DELIVERED:
            copy = self._with_delivery(copy, likely)
        is_open = fate == Fate.UNKNOWN or copy.protection in OPEN_PROTECTIONS
        doubtful = is_open or not all(rule.sure for rule in rules)
        reasons = self.reasons(likely, doubtful or len(brandings) > 1)
        later = {key: stage.result() for key, stage in self.later_stages(fate).items()}
        return replace(
            copy,
            unknown=tuple(reasons),
            after_approval=later.get("after_approval"),
            after_release=later.get("after_release"),
        )

    def _with_delivery(self, copy: CopyResult, likely: Sequence[_End]) -> CopyResult:
        """With what is known of a delivered copy: how it leaves, what it shows, and how the recipient opens it."""
        brandings = self._brandings(likely)
        arrival = self.message.protection
        own = not copy.on_arrival or (arrival is not None and arrival.owner == "own")
        ways = [opens(copy.protection, name, self.course.recipient, self.facts, own=own) for name in brandings]
        return replace(
            copy,
            transit=transit([end.world for end in likely], self.facts, self.course.recipient.address),
            branding=brandings[0] if len(brandings) == 1 else "",
            opens=tuple(_ways_in_common(ways)),
        )

    def _brandings(self, likely: Sequence[_End]) -> list[str]:
        """The OME configurations of which the copy shows one; an empty name for none."""
        names = {name for end in likely for name in end.protection.brandings}
        if not all(end.protection.brandings for end in likely):
            every = (
                str(configuration.get("identity", ""))
                for configuration in self.facts.encryption.ome_configurations or ()
            )
            names |= {"", DEFAULT_OME_CONFIGURATION, *every}
        return sorted(names)

    def end(self, world: World) -> _End:
        """The end of a world at this stage."""
        fate: Fate = Fate.DELIVERED if world.fate == Fate.RELEASED else world.fate
        if world.held > self.number:
            fate = Fate.MODERATED
        protection = protection_of(world, self.message, self.facts)
        if fate == Fate.DELIVERED and protection.ended:
            fate = protection.ended
            protection = CopyProtection("")
        elif fate == Fate.DELIVERED and not protection.delivered:
            fate = Fate.UNKNOWN
        elif fate != Fate.DELIVERED and world.surprises:
            fate = Fate.UNKNOWN
            protection = CopyProtection(ProtectionKind.UNKNOWN, reasons=world.surprises)
        elif fate != Fate.DELIVERED:
            protection = CopyProtection("")
        here = tuple(place for held, place in world.matched if held == self.number)
        perhaps = frozenset(place for held, place in world.perhaps if held == self.number)
        ways = (
            ways_of(world, self.facts, self.course.recipient.address)
            if fate == Fate.DELIVERED and (world.routes or world.requires_tls)
            else ()
        )
        return _End(world, fate, protection, here, perhaps, tuple(ways))

    def fate(self, likely: Sequence[_End]) -> Fate:
        """What happens to the copy."""
        fates = {end.fate for end in likely}
        return Fate.UNKNOWN if len(fates) > 1 or self.course.too_many else next(iter(fates))

    def _with_protection(self, copy: CopyResult, likely: Sequence[_End]) -> CopyResult:
        """With what is known of the protection of a copy that is or may be delivered."""
        if copy.fate not in (Fate.DELIVERED, Fate.UNKNOWN):
            return copy
        delivered = copy.fate == Fate.DELIVERED
        protections = {end.protection.kind for end in likely}
        kept = {end.protection.on_arrival for end in likely}
        protection: str = ProtectionKind.UNKNOWN
        if delivered and len(protections) == 1:
            protection = next(iter(protections))
        elif delivered and not protections & _NOT_BY_RIGHTS:
            protection = ProtectionKind.OPTION_UNKNOWN
        protects = protection not in (ProtectionKind.UNKNOWN, ProtectionKind.NONE)
        by = {end.protection.by for end in likely}
        by_dlp = {end.protection.by_dlp for end in likely}
        answers: dict[str, Collection[object]] = {
            "protected_by": by,
            "protected_by_dlp": by_dlp,
            "protected_on_arrival": kept,
            "branding": self._brandings(likely),
        }
        return replace(
            copy,
            protection=protection,
            protected_by=_common(by) if protects else (),
            protected_by_dlp=_common(by_dlp) if protects else (),
            differing=frozenset(
                key
                for key, possible in answers.items()
                if len(possible) > 1 or (protection == ProtectionKind.UNKNOWN and any(possible))
            ),
            label=label_name(self.message, self.facts),
            on_arrival=next(iter(kept)) if len(kept) == 1 else None,
        )

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
        assumed = {number for end in likely for number in (*end.world.rests_on, *end.protection.assumes)}
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
        reasons = {reason for end in likely for reason in end.protection.reasons}
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

    def later_stages(self, fate: Fate) -> dict[str, _Stage]:
        """The result after approval or release."""
        if fate == Fate.MODERATED:
            return {"after_approval": replace(self, number=self.number + 1)}
        if fate == Fate.QUARANTINED:
            return {
                "after_release": replace(
                    self,
                    worlds=[
                        world.with_changes(fate=Fate.RELEASED, matched=(), perhaps=frozenset()) for world in self.worlds
                    ],
                )
            }
        return {}


def _common(names: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """The names that all worlds have in common; empty if they differ."""
    return next(iter(names)) if len(names) == 1 else ()


#: Reasons that are about OME configurations, whose names are the value.
_OF_CONFIGURATIONS = frozenset(
    ("opening_social", "opening_passcode", "opening_locked", "opening_sign_in", "opening_no_configuration")
)


def _of_several(openings: Sequence[Opening]) -> Opening:
    """One way to open copies with several brandings, whose reason names all OME configurations that have it."""
    reason = openings[0].reason
    if reason.kind not in _OF_CONFIGURATIONS or any(opening.reason.kind != reason.kind for opening in openings):
        return openings[0]
    names = dict.fromkeys(name for opening in openings for name in opening.reason.values[0])
    return replace(openings[0], reason=replace(reason, values=(tuple(names),)))


def _ways_in_common(ways: Sequence[Sequence[Opening]]) -> list[Opening]:
    """The ways to open a copy that it has with each branding that it may show; where there are others, that they depend
    on it.

    :param ways: with each branding.
    """
    common = frozenset(opening.way for opening in ways[0]).intersection(
        *({opening.way for opening in of_one} for of_one in ways)
    )
    alike = {way: [opening for of_one in ways for opening in of_one if opening.way is way] for way in common}
    shared = [_of_several(alike[opening.way]) for opening in ways[0] if opening.way in common]
    if all(len(of_one) == len(shared) for of_one in ways):
        return shared
    return [*shared, _way(OpeningWay.UNKNOWN, "opening_branding")]


def opens(protection: str, branding: str, recipient: Recipient, facts: Facts, *, own: bool = True) -> list[Opening]:
    """The ways to open a copy, most likely first. Empty if nothing is protected.

    :param own: whether the organization's own keys protect it.
    """
    if protection == ProtectionKind.NONE:
        return []
    if protection in OPEN_PROTECTIONS:
        return [_way(OpeningWay.UNKNOWN, "opening_protection")]
    if protection == ProtectionKind.SMIME:
        return [_way(OpeningWay.UNKNOWN, "opening_smime")]
    if not own:
        return [_way(OpeningWay.UNKNOWN, "opening_keys")]
    outside = recipient_outside(facts, recipient.address)
    if not isinstance(outside, bool):
        outside = outside.likely if outside.likely is not None else outside
    if not isinstance(outside, bool):
        return [_way(OpeningWay.UNKNOWN, "opening_recipient")]
    if not outside:
        return _inside(facts)
    if protection.startswith(TEMPLATE):
        return [_way(OpeningWay.UNKNOWN, "opening_template", protection.removeprefix(TEMPLATE))]
    return _outside(branding, recipient, facts)


def _way(way: OpeningWay, kind: ReasonKind, *values: Any) -> Opening:
    return Opening(way, Reason("", kind, values))


def _inside(facts: Facts) -> list[Opening]:
    """People inside open it in Outlook, and in the browser unless their mailbox policy prevents it."""
    ways = [_way(OpeningWay.INLINE, "opening_inside")]
    off = sorted(
        str(policy.get("identity"))
        for policy in facts.encryption.owa_mailbox_policies or ()
        if policy.get("irm_enabled") is False
    )
    if off:
        ways.append(_way(OpeningWay.UNKNOWN, "opening_policies", tuple(off)))
    return ways


def _outside(branding: str, recipient: Recipient, facts: Facts) -> list[Opening]:
    """People outside open it in Outlook, unless a branding leads them to the portal, or there."""
    portal = _in_portal(branding or DEFAULT_OME_CONFIGURATION, facts)
    if branding:
        return portal
    ours = cloud_of(accepted.name for accepted in facts.domains.accepted or ())
    theirs = cloud_of([domain(recipient.address)])
    if not theirs or theirs == ours or not ours:
        outlook = _way(OpeningWay.INLINE, "opening_outlook")
        # Most organizations are in the worldwide cloud.
        return [*portal, outlook] if ours == US_GOVERNMENT and not theirs else [outlook, *portal]
    return [*portal, _way(OpeningWay.UNKNOWN, "opening_china" if CHINA in (ours, theirs) else "opening_government")]


def _in_portal(name: str, facts: Facts) -> list[Opening]:
    if facts.encryption.ome_configurations is None:
        return [_way(OpeningWay.UNKNOWN, "opening_configurations")]
    shown = next(
        (stored for stored in facts.encryption.ome_configurations if same_name(str(stored.get("identity", "")), name)),
        None,
    )
    return [_way(OpeningWay.UNKNOWN, "opening_no_configuration", (name,))] if shown is None else _portal(name, shown)


def _portal(name: str, shown: Mapping[str, Any]) -> list[Opening]:
    ways = [_way(OpeningWay.PORTAL_WORK_ACCOUNT, "opening_portal")]
    if shown.get("social_id_sign_in"):
        ways.append(_way(OpeningWay.PORTAL_SOCIAL, "opening_social", (name,)))
    if shown.get("otp_enabled"):
        ways.append(_way(OpeningWay.PORTAL_PASSCODE, "opening_passcode", (name,)))
    if needs_work_account(shown):
        ways.append(_way(OpeningWay.LOCKED_OUT, "opening_locked", (name,)))
    if shown.get("otp_enabled") is None or shown.get("social_id_sign_in") is None:
        ways.append(_way(OpeningWay.UNKNOWN, "opening_sign_in", (name,)))
    return ways
