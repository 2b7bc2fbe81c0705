# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a guarantee, as data that ``wording.guarantees`` turns into rows and sentences: the message that
refutes it, without what does not matter, the rule that decides it, and the hole through which a copy leaves without the
TLS that is required.

A key that a message does not have is unknown. So a message that breaks a guarantee without a key breaks it whatever its value
is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from ..._exchange.errors import OptionError
from ..input.guarantee_options import Guarantee
from ..input.parsing import message_of
from ..model.addresses import domain, is_name, with_parents
from ..model.connectors import IN_TRANSIT, Connector, at_least
from ..model.facts import Facts
from ..model.kleene import Reason
from ..model.message import Message
from ..model.wishes import WISHES
from ..rules.flow_rule import FlowRule
from ..rules.rule_actions import RuleActions
from ..rules.rule_set import RuleSet
from ..simulator.assumptions import Premise
from ..simulator.copy_result import CopyResult
from ..simulator.disclosures import Disclosure
from ..simulator.protection import ways_of
from ..simulator.results import result
from ..simulator.state import Course, World
from ..symbolic.message_search import CandidateMessage
from ..symbolic.string_constraints import JOINT
from ..symbolic.witness_replay import (
    counted,
    course_of,
    disclosure_counts,
    surely,
    surely_breaks,
    surely_discloses,
    surely_keeps,
)
from .breach_cause import BreachCause
from .causes import cause_of
from .dlp_causes import cause_by_encrypters, cause_by_removal, idle_rules
from .standings import Copy


@dataclass(frozen=True)
class Hole:
    """A hole in the protection on the way.

    :param domain: the recipient's domain.
    :param kind: ``opportunistic`` (a connector does not force TLS), ``weak`` (TLS checks less than is wanted), ``domain_only``
        and ``subdomains_only`` (a connector covers a parent alone, or the subdomains alone), ``disabled``, ``not_routed`` (no
        rule routes mail to the connector), or ``uncovered``.
    :param connector: the connector that it is about; empty if there is none.
    :param covers: the domain that it names.
    :param validation: what TLS checks.
    """

    domain: str
    kind: str
    connector: str = ""
    covers: str = ""
    validation: str = ""

    def as_row(self) -> dict[str, Any]:
        """The hole as a row of results, without what does not apply."""
        return {key: value for key, value in asdict(self).items() if value}


def hole_of(world: World, facts: Facts, address: str, least: str, for_others: Collection[str]) -> Hole:
    """The hole through which a person's copy leaves. If several connectors take mail from rules alone, none is named: it is not
    known which of them is meant for the mail.

    :param least: the least validation of TLS that is wanted.
    :param for_others: the connectors to which rules route other mail.
    """
    name = domain(address)
    way = next(way for way in ways_of(world, facts, address) if way.protects(least) is not True)
    if way.connector:
        kind = "weak" if way.validation else "opportunistic"
        return Hole(name, kind, way.connector, validation=way.validation)
    every = facts.connectors.outbound or ()
    near = [
        hole for connector in every if at_least(connector.validation, least) for hole in _near_misses(connector, name)
    ]
    routed = [hole for hole in near if hole.kind == "not_routed"]
    if len(routed) > 1 or any(hole.connector in for_others for hole in routed):
        near = [hole for hole in near if hole not in routed]
    without = Hole(name, "weak" if way.validation else "uncovered", validation=way.validation)
    return min(near, key=lambda hole: _HOLES_BY_RANK.index(hole.kind), default=without)


#: The kinds of holes by connectors that nearly take mail, the one to name first.
_HOLES_BY_RANK = ("disabled", "domain_only", "subdomains_only", "not_routed")


def _near_misses(connector: Connector, name: str) -> Iterator[Hole]:
    """The holes of a connector that validates enough, if it nearly takes mail to a domain."""
    if connector.of_rules:
        yield Hole(name, "not_routed", connector.name)
    elif connector.covers(name):
        yield Hole(name, "disabled", connector.name)
    elif connector.enabled:
        parents = with_parents(name)[1:]
        yield from (
            Hole(name, "domain_only", connector.name, pattern) for pattern in connector.domains if pattern in parents
        )
        yield from (
            Hole(name, "subdomains_only", connector.name, name)
            for pattern in connector.domains
            if pattern == f"*.{name}"
        )


class GuaranteeVerdict(StrEnum):
    """What is known about a guarantee, the best first. Results have the texts."""

    PROVED = "proved"
    UNKNOWN = "unknown"
    REFUTED = "refuted"


@dataclass(frozen=True)
class Counterexample:
    """A message that certainly breaks a guarantee.

    :param message: as the option ``messages`` has it, so that it replays.
    :param recipient: the recipient whose copy breaks it; :param:`outcome`: the result of that copy.
    :param decided_by: the last rule without which the guarantee would be kept, if there is one.
    :param facts: the facts that it assumes beyond the known ones.
    :param hole: the hole through which it leaves, for a guarantee about mail on its way.
    :param expiry: after how many days its branding lets it expire, 0 for never, for a guarantee about mail that has to expire.
    :param shown_to: the person to whom a rule shows the copy in clear, if that breaks it; empty if the copy itself does.
    :param cause: why the copy breaks it, where that is known of a rule.
    :param unbranded: whether it is protected and certainly shows no branding, for a guarantee about the portal.
    :param supposed_groups: the groups of which nobody knows the members, and that decide whether it breaks it. The facts say who
        has to be in them.
    """

    message: Mapping[str, Any]
    recipient: str
    outcome: CopyResult
    decided_by: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    hole: Hole | None = None
    expiry: int | None = None
    unbranded: bool = False
    shown_to: str = ""
    cause: BreachCause | None = None
    supposed_groups: tuple[str, ...] = ()

    @property
    def meant(self) -> str:
        """The rule that is meant to keep the guarantee, and does not; empty if none is known."""
        if self.cause is None or self.cause.kind == "sends_copy":
            return ""
        return self.cause.other if self.cause.kind == "stops" else self.cause.rule


@dataclass(frozen=True)
class Judgment:
    """The verdict on a guarantee.

    :param claim: the mail that it is about, as a rule; ``None`` where even that is too complex.
    :param premises: what a proof assumes; :param:`assumed`: the number and kind of those about mail and the organization.
    :param counterexample: what refutes it.
    :param unknown: why it is neither proved nor refuted.
    :param unseen: what may encrypt mail, or take its protection away, and is not among the facts.
    :param may_break: usual mail that may break an unknown guarantee, if a message was found. With rules under which it still
        may, the guarantee is not proved.
    """

    guarantee: Guarantee
    claim: FlowRule | None = None
    verdict: GuaranteeVerdict = GuaranteeVerdict.UNKNOWN
    premises: tuple[Premise, ...] = ()
    assumed: frozenset[tuple[str, str]] = frozenset()
    counterexample: Counterexample | None = None
    unknown: tuple[Reason, ...] = ()
    unseen: tuple[str, ...] = ()
    may_break: CandidateMessage | None = field(default=None, repr=False, compare=False)

    @property
    def unless_proved(self) -> Judgment | None:
        """The judgment itself, if the guarantee is not proved; otherwise ``None``."""
        return None if self.verdict is GuaranteeVerdict.PROVED else self


#: The keys that every message keeps: its sender and its recipients.
_KEPT_KEYS = ("name", "from", "authenticated", "to")


@dataclass(frozen=True)
class Breach:
    """A guarantee that is broken.

    :param rules: the rules under which it is broken.
    :param claim: the mail that it is about, one of :param:`claims`.
    """

    guarantee: Guarantee
    rules: RuleSet
    claims: RuleSet
    claim: FlowRule


def counterexample_of(
    breach: Breach, candidate: CandidateMessage, course: Course, outcome: CopyResult
) -> Counterexample:
    """The counterexample that a message is.

    :param course: the course of the copy that breaks it.
    """
    address = course.recipient.address
    facts = candidate.facts[0]

    def still_breaks(message: Message, facts: Facts = facts) -> bool:
        """Whether a message breaks it whatever is unknown about it, with the same outcome."""
        course = course_of(breach.rules, message, facts, address)
        if course is None:
            return False
        counts, wanted = counted(breach.claims, breach.claim, breach.guarantee, message, facts, course)
        if counts is not True or not surely_breaks(course, wanted, message, facts):
            return False
        return same_outcome(result(course, breach.rules, message, facts), outcome)

    def keeps(rules: RuleSet, message: Message) -> bool:
        """Whether the copy keeps it under other rules."""
        without_rule = course_of(rules, message, facts, address)
        if without_rule is None:  # The rule makes the copy.
            return course.by is not None
        counts, wanted = counted(breach.claims, breach.claim, breach.guarantee, message, facts, without_rule)
        return counts is False or surely_keeps(without_rule, wanted, message, facts)

    def keeps_with(other: Facts) -> bool | None:
        """Whether the copy keeps it if other facts are true; ``None`` if that is open. If the message does not say what DLP finds
        in it, DLP finds nothing.
        """
        plain = replace(message, sensitive_information=message.sensitive_information or False)
        course = course_of(breach.rules, plain, other, address)
        if course is None:
            return None
        counts, wanted = counted(breach.claims, breach.claim, breach.guarantee, plain, other, course)
        return True if counts is False else surely(course, wanted, plain, other)

    options = without_noise(candidate, address, still_breaks)
    message = dated(options, candidate)
    shown = course_of(breach.rules, message, facts, address) or course
    final_outcome = result(shown, breach.rules, message, facts) or outcome
    decided = next(
        (name for name in final_outcome.surely_matching[::-1] if keeps(_with_idle_rule(breach.rules, name), message)),
        "",
    )
    return Counterexample(
        {"name": breach.guarantee.name, **options},
        course.recipient.label if is_name(address) else address,
        final_outcome,
        (decided,) if decided else (),
        candidate.written.facts,
        cause=_cause(breach, shown, Copy(message, facts, address), decided, keeps_with),
        supposed_groups=_supposed_groups(candidate, lambda other: still_breaks(message, other)),
    )


def _supposed_groups(candidate: CandidateMessage, breaks: Callable[[Facts], bool]) -> tuple[str, ...]:
    """The groups without whose supposed members it is open whether a message breaks a guarantee.

    :param breaks: whether it surely does if facts are true.
    """
    facts = candidate.facts[0]
    members = facts.groups.members or {}

    def without(group: str) -> Facts:
        """The facts without the members of a group."""
        others = {name: listed for name, listed in members.items() if name != group}
        return replace(facts, groups=replace(facts.groups, members=others))

    return tuple(group for group in candidate.written.supposed_groups if not breaks(without(group)))


def _cause(
    breach: Breach, shown: Course, copy: Copy, decided_by: str, keeps_with: Callable[[Facts], bool | None]
) -> BreachCause | None:
    """Why a copy breaks a guarantee; ``None`` if nothing can be said of a rule.

    :param decided_by: the rule without which it would keep it; empty if there is none.
    :param keeps_with: whether the copy keeps it if other facts are true; ``None`` if that is open.
    """
    wish = WISHES[breach.guarantee.then]
    copied_by = shown.by.rule if shown.by else ""
    is_for_dlp = not decided_by and breach.guarantee.then != IN_TRANSIT
    by_dlp = cause_by_encrypters(shown, copy.message, copy.facts, wish)
    by_dlp = by_dlp or (cause_by_removal(shown, wish) if is_for_dlp else None)
    if by_dlp:
        return by_dlp
    idle = idle_rules(copy.facts, keeps_with, breach.guarantee.when)
    # Each is a simulation: none is tried where the cause is another one anyway.
    tried = list(idle) if is_for_dlp else []
    surely = [each for each in tried if each.surely]
    meant = next((each.cause for each in surely if each.is_meant), None)
    by_rule = meant or cause_of(breach.rules, copy, breach.guarantee, decided_by, copied_by)
    return (
        by_rule or next((each.cause for each in (*surely, *tried)), None) or next((each.cause for each in idle), None)
    )


def same_outcome(one: CopyResult | None, other: CopyResult) -> bool:
    """Whether a copy comes out as another does, by no other rules and on no other guesses; fewer may do. Other rules that make no
    difference may have matched, or it may be unknown whether they did.
    """
    if one is None or _what_is_seen(one) != _what_is_seen(other):
        return False
    protecting = {*other.protected_by, *other.protected_by_dlp}
    by_others = {*one.protected_by, *one.protected_by_dlp} - protecting and "protected_by" not in other.differing
    return not by_others and {*one.assumes} <= {*other.assumes}


def _what_is_seen(outcome: CopyResult) -> CopyResult:
    """What people see of a copy at the end of the rules."""
    return replace(
        outcome,
        protected_by=(),
        protected_by_dlp=(),
        rules=(),
        opens=(),
        assumes=(),
        unknown=(),
        differing=outcome.differing - {"protected_by", "protected_by_dlp"},
        after_approval=None,
        after_release=None,
    )


def counterexample_of_disclosure(
    breach: Breach,
    candidate: CandidateMessage,
    course: Course,
    disclosure: Disclosure,
    spares: Callable[[Message], bool] = lambda message: False,
) -> Counterexample | None:
    """The counterexample of a message that a rule shows somebody in clear; ``None`` if that is not certain.

    :param course: the course of the copy that the rule shows.
    :param spares: whether a message does not count as a counterexample.
    """
    address = course.recipient.address
    facts = candidate.facts[0]
    guarantee = breach.guarantee

    def outcome(message: Message, copy_: Course | None, facts: Facts = facts) -> CopyResult | None:
        """The result of a copy that the rule certainly shows; ``None`` for another."""
        if copy_ is None or not surely_discloses(breach.rules, copy_, disclosure, guarantee, message, facts):
            return None
        if spares(message):
            return None
        counts = disclosure_counts(breach.claims, breach.claim, guarantee, message, facts, copy_, disclosure)
        return result(copy_, breach.rules, message, facts) if counts is True else None

    shown_outcome = outcome(candidate.message, course)
    if shown_outcome is None:
        return None

    def still_shows(message: Message, facts: Facts = facts) -> bool:
        """Whether the rule certainly shows the copy of a message, with the same outcome."""
        return same_outcome(outcome(message, course_of(breach.rules, message, facts, address), facts), shown_outcome)

    options = without_noise(candidate, address, still_shows)
    message = dated(options, candidate)
    return Counterexample(
        {"name": guarantee.name, **options},
        course.recipient.label if is_name(address) else address,
        shown_outcome,
        (disclosure.rule.name,),
        candidate.written.facts,
        shown_to=disclosure.person.label,
        supposed_groups=_supposed_groups(candidate, lambda other: still_shows(message, other)),
    )


def without_noise(candidate: CandidateMessage, recipient: str, shows: Callable[[Message], bool]) -> dict[str, Any]:
    """The message of a candidate as :func:`simplest` leaves it; unchanged if it does not show the same by its options alone.

    :param recipient: the address of the recipient whose copy it is about.
    :param shows: whether a message shows the same, whatever is unknown about it.
    """

    def still_shows(options: Mapping[str, Any]) -> bool:
        try:
            return shows(dated(options, candidate))
        except OptionError:
            return False  # A message needs a recipient.

    options = dict(candidate.written.message)
    return simplest(options, recipient, still_shows) if still_shows(options) else options


def dated(options: Mapping[str, Any], candidate: CandidateMessage) -> Message:
    """A message from the form of the option ``messages``, with the date of a candidate."""
    return replace(message_of(options, "", "message"), date=candidate.message.date)


def simplest(message: Mapping[str, Any], recipient: str, shows: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    """A message without what it can do without: keys, people, attachments, headers, parts of texts, and keys of attachments. A
    file in an attachment becomes the attachment itself, if it can.

    :param message: in the form of the option ``messages``.
    :param recipient: the address of the recipient whose copy it is about.
    :param shows: whether a message shows the same.
    """
    simplified = _with_fewer_keys(dict(message), shows)
    simplified = _with_fewer_elements(simplified, recipient, shows)
    simplified = _with_fewer_headers(simplified, shows)
    simplified = _with_shorter_texts(simplified, shows)
    simplified = _with_unpacked_attachments(simplified, shows)
    return _with_less_of_attachments(simplified, shows)


#: A message in the form of the option ``messages``.
_Options = dict[str, Any]

#: Whether such a message shows what it should.
_Shows = Callable[[Mapping[str, Any]], bool]


def _with_fewer_keys(message: _Options, shows: _Shows) -> _Options:
    for key in [key for key in message if key not in _KEPT_KEYS]:
        without = {name: value for name, value in message.items() if name != key}
        if shows(without):
            message = without
    return message


def _with_fewer_elements(message: _Options, recipient: str, shows: _Shows) -> _Options:
    for key in [key for key, value in message.items() if isinstance(value, list)]:
        for element in list(message[key]):
            remaining = [other for other in message[key] if other != element]
            if not remaining or str(element).casefold() == recipient.casefold():
                continue
            if shows({**message, key: remaining}):
                message = {**message, key: remaining}
    return message


def _with_fewer_headers(message: _Options, shows: _Shows) -> _Options:
    for name in list(message.get("headers", ())):
        headers = {other: text for other, text in message["headers"].items() if other != name}
        if headers and shows({**message, "headers": headers}):
            message = {**message, "headers": headers}
    return message


def _with_shorter_texts(message: _Options, shows: _Shows) -> _Options:
    for key in [key for key in ("subject", "body") if key in message]:
        parts = str(message[key]).split(JOINT)
        for place in reversed(range(len(parts))):
            fewer = [*parts[:place], *parts[place + 1 :]]
            if fewer and shows({**message, key: JOINT.join(fewer)}):
                parts = fewer
        message = {**message, key: JOINT.join(parts)}
    return message


def _with_unpacked_attachments(message: _Options, shows: _Shows) -> _Options:
    for place, element in enumerate(message.get("attachments", ())):
        for inner in element.get("nested") or ():
            itself = {**element, "name": f"{element['name']}.{inner.rpartition('.')[2]}", "nested": []}
            unpacked = _with_attachment(message, place, itself)
            if shows(unpacked):
                message = unpacked
    return message


def _with_less_of_attachments(message: _Options, shows: _Shows) -> _Options:
    for place, element in enumerate(message.get("attachments", ())):
        for key in [key for key in element if key != "name"]:
            less = {name: value for name, value in message["attachments"][place].items() if name != key}
            shortened = _with_attachment(message, place, less)
            if shows(shortened):
                message = shortened
    return message


def _with_attachment(message: _Options, place: int, attachment: Mapping[str, Any]) -> _Options:
    """A message with another attachment at a place."""
    attachments = message["attachments"]
    return {**message, "attachments": [*attachments[:place], attachment, *attachments[place + 1 :]]}


def _with_idle_rule(rules: RuleSet, name: str) -> RuleSet:
    """Rules with one of them doing nothing."""
    return rules.with_rules(
        replace(rule, actions=RuleActions({}, {}, rule.actions.mode)) if rule.name == name else rule
        for rule in rules.rules
    )
