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
from .besides_dlp import left_alone
from .overview_kinds import EVERYBODY_ELSE, PROTECTED, KindOfMail

#: So many messages of a kind are tried at other destinations before a new one is searched for.
_REMEMBERED = 6


@dataclass(frozen=True)
class SampleMessage:
    """A message and what happens to it.

    :param options: as the option ``messages`` has it.
    :param known: what is known of the organization with the :param:`facts` that the message needs beside, and
        :param:`alone` the same as mail meets it on which no DLP rule acts of which that is open.
    :param keeps: whether the recipient's copy surely is protected; ``None`` if that is open.
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
        """Its result if no DLP rule acts of which that is open; ``None`` if the recipient gets nothing."""
        return result(self.course, self.rules, self.message, self.alone) if self.course else None

    def _outcome_of(self, message: Message) -> CopyResult | None:
        """The result of the same recipient's copy of a message."""
        if self.course is None or (message is self.message and self.known is self.alone):
            return self.outcome
        course = course_of(self.rules, message, self.known, self.course.recipient.address)
        return result(course, self.rules, message, self.known) if course else None

    @property
    def acting(self) -> set[str]:
        """The rules that surely act on it."""
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
    """Messages to destinations taken through the simulator: plain ones, and those that a search found, which may show other
    destinations as well.

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
        #: What a plain message has where a DLP rule looks into it, or a rule at the address that it came from last.
        self._content: dict[str, Any] = {SENSITIVE: False} if looks_for_sensitive else {}
        ranges = [value for atom in rules.atoms if atom.predicate.sort == "range" for value in atom.values]
        if ranges and (hop := hop_in_no_range(ranges)):
            self._content["sender_ip"] = hop
        inside = [accepted.name for accepted in facts.domains.accepted or () if accepted.type in INSIDE]
        self._sender = f"sender@{inside[0] if inside else 'contoso.example'}"
        #: By kind the messages that were found so far, the last one first: what one destination shows, another may show
        #: as well.
        self._known: dict[str, list[SampleMessage]] = {}

    def plain_message(self, name: str, kind: KindOfMail) -> SampleMessage:
        """A plain message of a kind to a destination."""
        recipient = f"recipient@{self._domain(name)}"
        options = {"from": self._sender, "authenticated": True, "to": [recipient], **kind.options, **self._content}
        return self._seen(options, recipient, self._facts, {})

    def _domain(self, name: str) -> str:
        return self._elsewhere if name == EVERYBODY_ELSE else name

    @cached_property
    def _elsewhere(self) -> str:
        """A domain that nobody names."""
        names = {*self._domains, *(accepted.name for accepted in self._facts.domains.accepted or ())}
        return next(name for number in range(len(names) + 1) if (name := f"else{number or ''}.example") not in names)

    def like_others(self, name: str, kind: KindOfMail, *, keeps: bool) -> SampleMessage | None:
        """A message that surely is on a side, like a plain one or those of other destinations."""
        there = self._domain(name)
        below = f"mail.{self._domain(name)}"
        if (
            connectors_for(self._facts, below) != connectors_for(self._facts, there)
            and (sample := self.plain_message(below, kind)).keeps is keeps
        ):
            return sample
        recipient = f"recipient@{there}"
        every = self._known.setdefault(kind.name, [])
        for place, known in enumerate(every):
            sample = self._seen({**known.options, "to": [recipient]}, recipient, known.known, known.facts)
            if sample.keeps is keeps:
                every.insert(0, every.pop(place))  # It is likely to show the next one, too.
                return sample
        return None

    def _is_at(self, name: str, address: str) -> bool:
        parents = with_parents(domain(address))
        return name in parents if name in self._domains else not set(parents) & set(self._domains)

    def _seen(self, options: Mapping[str, Any], recipient: str, facts: Facts, more: Mapping[str, Any]) -> SampleMessage:
        (sample,) = self._copies_seen(options, [recipient], facts, more)
        return sample

    def _copies_seen(
        self, options: Mapping[str, Any], people: Sequence[str], facts: Facts, more: Mapping[str, Any]
    ) -> list[SampleMessage]:
        """A message with the copy of each of these people who gets one; without a copy if none does."""
        message = message_of({**options, "date": self._now}, "", "overview")
        alone = left_alone(facts, self._undecided)
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
        """A message that a search found, with the copy of somebody at a destination, if possible one that surely is protected, or
        surely is not. It is remembered for other destinations if it is addressed to that person alone.

        :param brought: the people to whom rules send mail.
        """
        letter = candidate.letter
        people = dict.fromkeys((letter.recipient, *brought))
        there = [person for person in people if self._is_at(name, person)] or [letter.recipient]
        every = self._copies_seen(letter.message, there, candidate.facts[0], letter.facts)
        sample = next((one for one in every if one.keeps is keeps), every[0])
        if letter.message.get("to") == [sample.recipient] and not {"cc", "bcc"} & set(letter.message):
            self._known[kind.name] = [sample, *self._known.get(kind.name, ())][:_REMEMBERED]
        return sample
