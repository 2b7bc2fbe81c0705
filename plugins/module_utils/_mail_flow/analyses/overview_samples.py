# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages of an overview, and what the simulator says of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..._resources.compliance.dlp_fields import SENSITIVE
from ..conditions.senders import hop_in_no_range
from ..input.parsing import message_of
from ..model.addresses import domain, with_parents
from ..model.domains import INSIDE
from ..model.facts import Facts
from ..model.message import Message
from ..model.routing import connectors_for
from ..rules.dlp_rules import DlpRule
from ..rules.rule_set import RuleSet
from ..simulator.copy_result import CopyResult
from ..simulator.results import result
from ..simulator.state import Course
from ..symbolic.message_search import CandidateMessage
from ..symbolic.witness_replay import course_of, courses_of, surely
from .besides_dlp import without_dlp_rules
from .overview_kinds import EVERYBODY_ELSE, PROTECTED, KindOfMail

#: The maximum number of messages of a kind that are tried at other destinations before a new one is searched for.
_MOST_REMEMBERED = 6


@dataclass(frozen=True)
class SampleMessage:
    """A message and what happens to it.

    :param options: the message in the form of the option ``messages``.
    :param known: the facts of the organization with those that the message needs in addition; :param:`alone`: these without
        undecided DLP rules.
    :param keeps: whether the recipient's copy surely is protected; ``None`` if that is open.
    :param facts: the facts that the message needs in addition, in the form of the option ``facts``.
    """

    options: Mapping[str, Any]
    recipient: str
    message: Message
    rules: RuleSet
    course: Course | None
    keeps: bool | None
    known: Facts
    alone: Facts
    facts: Mapping[str, Any]

    @cached_property
    def outcome(self) -> CopyResult | None:
        """The result if no undecided DLP rule acts; ``None`` if the recipient gets nothing."""
        return result(self.course, self.rules, self.message, self.alone) if self.course else None

    def _outcome_of(self, message: Message) -> CopyResult | None:
        """The result of the same recipient's copy of a message."""
        if self.course is None or (message is self.message and self.known is self.alone):
            return self.outcome
        course = course_of(self.rules, message, self.known, self.course.recipient.address)
        return result(course, self.rules, message, self.known) if course else None

    @property
    def acting(self) -> set[str]:
        """The names of the rules that surely act on the message."""
        return set(self.outcome.surely_matching) if self.outcome else set()

    @property
    def shown(self) -> dict[str, Any]:
        """The message as a witness."""
        outcome = self._outcome_of(self.message)
        options = self.options
        if SENSITIVE in options and self._outcome_of(replace(self.message, sensitive_information=None)) == outcome:
            options = {key: value for key, value in options.items() if key != SENSITIVE}
        witness = {
            "message": {"name": "overview", **options},
            "recipient": self.recipient,
            "outcome": outcome.as_row() if outcome else {},
        }
        return {**witness, "facts": self.facts} if self.facts else witness


class SampleMessages:
    """Messages to destinations in the simulator: plain ones, and those that a search found and that may show other destinations,
    too.

    :param domains: the destinations that are domains.
    :param now: when the messages pass the rules.
    :param undecided: the DLP rules of which it is open on which mail they act.
    :param looks_for_sensitive: whether a DLP rule looks into messages.
    """

    def __init__(
        self,
        rules: RuleSet,
        facts: Facts,
        domains: Sequence[str],
        now: datetime.datetime,
        undecided: Sequence[DlpRule],
        *,
        looks_for_sensitive: bool,
    ) -> None:
        self._rules = rules
        self._facts = facts
        self._domains = domains
        self._now = now
        self._undecided = undecided
        #: The keys of a plain message that DLP rules look for in it, and its last hop, if rules look at that.
        self._content: dict[str, Any] = {SENSITIVE: False} if looks_for_sensitive else {}
        ranges = [value for atom in rules.atoms if atom.predicate.sort == "range" for value in atom.values]
        if ranges and (hop := hop_in_no_range(ranges)):
            self._content["sender_ip"] = hop
        inside = [accepted.name for accepted in facts.domains.accepted or () if accepted.type in INSIDE]
        self._sender = f"sender@{inside[0] if inside else 'contoso.example'}"
        #: By kind, the messages that a search found, the last one first: what shows one destination may show others.
        self._remembered: dict[str, list[SampleMessage]] = {}

    def plain_message(self, name: str, kind: KindOfMail) -> SampleMessage:
        """A plain message of a kind to a destination."""
        recipient = f"recipient@{self._domain(name)}"
        options = {"from": self._sender, "authenticated": True, "to": [recipient], **kind.options, **self._content}
        return self._sample(options, recipient, self._facts, {})

    def _domain(self, name: str) -> str:
        """A domain at a destination."""
        return self._unnamed_domain if name == EVERYBODY_ELSE else name

    @cached_property
    def _unnamed_domain(self) -> str:
        """A domain that neither rules nor the organization name."""
        names = {*self._domains, *(accepted.name for accepted in self._facts.domains.accepted or ())}
        return next(name for number in range(len(names) + 1) if (name := f"else{number or ''}.example") not in names)

    def like_others(self, name: str, kind: KindOfMail, *, keeps: bool) -> SampleMessage | None:
        """A message whose copy surely is protected, or surely is not, made from a plain one or from those of other destinations;
        ``None`` if none of them is like that.
        """
        there = self._domain(name)
        below = f"mail.{self._domain(name)}"
        if (
            connectors_for(self._facts, below) != connectors_for(self._facts, there)
            and (sample := self.plain_message(below, kind)).keeps is keeps
        ):
            return sample
        recipient = f"recipient@{there}"
        every = self._remembered.setdefault(kind.name, [])
        for place, known in enumerate(every):
            sample = self._sample({**known.options, "to": [recipient]}, recipient, known.known, known.facts)
            if sample.keeps is keeps:
                every.insert(0, every.pop(place))  # It is likely to show the next one, too.
                return sample
        return None

    def _is_at(self, name: str, address: str) -> bool:
        """Whether an address is at a destination."""
        parents = with_parents(domain(address))
        return name in parents if name in self._domains else not set(parents) & set(self._domains)

    def _sample(
        self, options: Mapping[str, Any], recipient: str, facts: Facts, more: Mapping[str, Any]
    ) -> SampleMessage:
        """A message with the copy of a recipient."""
        (sample,) = self._samples(options, [recipient], facts, more)
        return sample

    def _samples(
        self, options: Mapping[str, Any], people: Sequence[str], facts: Facts, more: Mapping[str, Any]
    ) -> list[SampleMessage]:
        """A message with the copy of each of these people who gets one; without a copy if none does.

        :param more: the facts that the message needs in addition.
        """
        message = message_of({**options, "date": self._now}, "", "overview")
        alone = without_dlp_rules(facts, self._undecided)
        courses = {course.recipient.address: course for course in courses_of(self._rules, message, alone)}
        return [
            SampleMessage(
                options,
                person,
                message,
                self._rules,
                course,
                surely(course, PROTECTED, message, alone),
                facts,
                alone,
                more,
            )
            for person in [person for person in people if person in courses] or people[:1]
            for course in [courses.get(person)]
        ]

    def of_candidate(
        self,
        name: str,
        kind: KindOfMail,
        candidate: CandidateMessage,
        brought: Iterable[str],
        *,
        keeps: bool | None = None,
    ) -> SampleMessage:
        """A message that a search found, with the copy of somebody at a destination, if possible one that is protected as wanted. It
        is remembered for other destinations if it is addressed to that person alone.

        :param brought: the people to whom rules send mail.
        """
        written = candidate.written
        people = dict.fromkeys((written.recipient, *brought))
        there = [person for person in people if self._is_at(name, person)] or [written.recipient]
        every = self._samples(written.message, there, candidate.facts[0], written.facts)
        sample = next((one for one in every if one.keeps is keeps), every[0])
        if written.message.get("to") == [sample.recipient] and not {"cc", "bcc"} & set(written.message):
            self._remembered[kind.name] = [sample, *self._remembered.get(kind.name, ())][:_MOST_REMEMBERED]
        return sample
