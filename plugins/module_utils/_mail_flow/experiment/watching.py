# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until every copy of the sent messages has an end that Exchange shows, and puts that beside what was computed.

The trace shows a row after minutes, and its details later, one after the other. A row that is there once stays, however often it
is read.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..evidence.reports import DETAIL, RuleReport
from ..input.observations import Observation
from ..model.addresses import is_address
from ..trace.rows import Row
from .bounces import Bounce
from .comparing import NOT_COMPARABLE, Agreement, agreement_of
from .observing import Observer, Sighting, is_failure, is_final, sighting_of, with_bounce, with_copies, with_report
from .record import ExperimentRecord, RecordedMail
from .settling import OpenCopy, fits, open_copy_of, settled_answers

#: Seconds between the first two looks, by how much the time grows, and the longest one.
_FIRST, _GROWS, _LONGEST = 2.0, 1.5, 30.0

#: How many looks in a row show the same details until these are taken for whole, and until a rule that they do not name is missed.
_LOOKS, _MOST_LOOKS = 2, 4


@dataclass(frozen=True)
class SeenCopy:
    """A copy of a message: what was computed, what was seen, and how the two compare.

    :param settled: the open questions that it answers.
    """

    address: str
    predicted: Mapping[str, Any]
    seen: Sighting
    agreement: Agreement
    settled: tuple[Observation, ...] = ()


@dataclass(frozen=True)
class ObservedMail:
    """A message of an experiment, with its copies."""

    recorded: RecordedMail
    copies: tuple[SeenCopy, ...]


@dataclass
class TrackedCopy:
    """What Exchange has shown so far of a message for one recipient.

    :param rows: its rows by the ID that the trace gives a message. Several mean that the message was taken several times.
    :param events: the details of the newest row, and :param:`looks`, the number of looks in a row that showed these.
    :param contents: the delivered messages; ``None`` if the mailbox is not looked into.
    :param bounces: what non-delivery reports say, those of other recipients included; ``None`` if the sender's mailbox is not looked into.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    equal_looks: int = 0
    contents: list[bytes] | None = None
    bounces: list[Bounce] | None = None

    @property
    def newest(self) -> Row | None:
        """The row that counts."""
        return max(self.rows.values(), key=lambda row: row.received, default=None)

    def show_details(self, events: list[dict[str, Any]]) -> None:
        """Notes the details that a look showed."""
        self.equal_looks = self.equal_looks + 1 if events == self.events else 1
        self.events = events

    def sighting(self, names: Mapping[str, str]) -> Sighting:
        """What rows and details show."""
        return sighting_of(self.newest, self.events, names, is_single=len(self.rows) == 1)

    def bounce(self, address: str) -> Bounce | None:
        """What a non-delivery report says of the copy."""
        return next((bounce for bounce in self.bounces or () if bounce.recipient == address), None)

    def message_ids(self, sent_with: str) -> set[str]:
        """The IDs of the message, in lower case and in angle brackets."""
        shown = (str(event.get("MessageId") or "") for event in self.events)
        newest = self.newest
        known = (sent_with, *shown, *([newest.message_id] if newest else ()))
        return {f"<{text.strip().strip('<>').lower()}>" for text in known if text.strip()}

    def message_id(self, sent_with: str) -> str:
        """The message's ID as it is written; empty if nobody knows. Exchange may have given it one of its own, which only the details
        have in full.
        """
        newest = self.newest
        shown = (str(event.get("MessageId") or "") for event in self.events)
        known = newest.message_id if newest else ""
        return next((text for text in (sent_with, *shown) if text.lower().strip("<>") == known), "")


@dataclass
class CopyTracker:
    """Looks for the copies of the messages of a record.

    :param report: what Exchange reports of rules, if that was read.
    """

    observer: Observer
    record: ExperimentRecord
    say: Callable[[str], None]
    sleep: Callable[[float], None]
    clock: Callable[[], datetime.datetime]
    report: RuleReport | None = None
    _tracked: dict[tuple[str, str], TrackedCopy] = field(default_factory=dict)

    def wait(self, minutes: int) -> list[ObservedMail]:
        """What was seen after so many minutes at most.

        :raises ExchangeError: the trace cannot be read.
        """
        end = self.clock() + datetime.timedelta(minutes=minutes)
        pause, said = _FIRST, ""
        while True:
            self._look()
            observed = [self._observed(recorded) for recorded in self.record.messages]
            open_ = self._open(observed)
            seconds = (end - self.clock()).total_seconds()
            if not open_ or seconds <= 0:
                return observed
            minutes_left = max(1, round(seconds / 60))
            progress = f"waiting for {open_} of {self._expected()} copies, {minutes_left} min at most"
            if progress != said:
                self.say(progress)
            said = progress
            self.sleep(min(pause, seconds))
            pause = min(pause * _GROWS, _LONGEST)

    def _look(self) -> None:
        """Reads the rows, the details of those that have an end, and the delivered messages."""
        out = {recorded.mark: recorded for recorded in self.record.out}
        if not out:
            return
        for marked in self.observer.rows(list(out), self.record.began, self.clock()):
            tracked = self._tracked.setdefault((marked.mark, marked.row.recipient), TrackedCopy())
            tracked.rows[marked.row.message] = marked.row
        for (mark, address), tracked in self._tracked.items():
            self._look_at(tracked, out[mark], address)

    def _look_at(self, tracked: TrackedCopy, recorded: RecordedMail, address: str) -> None:
        """Reads the details and the delivered messages of a copy."""
        newest = tracked.newest
        if newest is None:
            return
        if is_final(newest) and not (tracked.events and tracked.equal_looks >= _MOST_LOOKS):
            tracked.show_details(self.observer.details(newest))
        # The mailbox of the sender has the message as it was sent, too.
        if address != recorded.sender and not tracked.contents:
            tracked.contents = self.observer.copies(newest, tracked.message_id(recorded.message_id))
        if is_failure(newest) and tracked.bounce(address) is None:
            ids = tracked.message_ids(recorded.message_id)
            tracked.bounces = self.observer.bounces(recorded.sender, recorded.mark, self.record.began, ids)

    def _expected(self) -> int:
        return sum(len(recorded.recipients) for recorded in self.record.out)

    def _open(self, observed: Sequence[ObservedMail]) -> int:
        """How many copies of those to whom messages were sent another look may show more of."""
        copies = [
            (mail.recorded, copy)
            for mail in observed
            if mail.recorded in self.record.out
            for copy in mail.copies
            if copy.address in mail.recorded.recipients
        ]
        return sum(self._is_open(recorded, copy) for recorded, copy in copies)

    def _is_open(self, recorded: RecordedMail, copy: SeenCopy) -> bool:
        """Whether another look may show more of a copy: an end, details, which come one after the other, or a delivered message."""
        tracked = self._tracked.get((recorded.mark, copy.address))
        if tracked is None or not copy.seen.is_final:
            return True
        if copy.seen.fate == "delivered" and tracked.contents == []:
            return True
        if tracked.bounces is not None and copy.seen.bounce is None:
            return tracked.equal_looks < _MOST_LOOKS
        if "partial" in copy.seen.remarks:
            return DETAIL not in self.observer.unavailable
        misses_a_rule = any(part == "rules" for part, _computed, _shown in copy.agreement.parts)
        return tracked.equal_looks < (_MOST_LOOKS if misses_a_rule else _LOOKS)

    def _observed(self, recorded: RecordedMail) -> ObservedMail:
        """A message with its copies: those that were computed, and all that were seen."""
        if recorded not in self.record.out and not recorded.bounced:
            return ObservedMail(recorded, ())
        predicted = {address.lower(): result for address, result in recorded.predicted.items() if is_address(address)}
        addresses_seen = {address for mark, address in self._tracked if mark == recorded.mark}
        addresses = dict.fromkeys((*recorded.recipients, *predicted, *sorted(addresses_seen)))
        return ObservedMail(
            recorded, tuple(self._compared(recorded, address, predicted.get(address, {})) for address in addresses)
        )

    def _sighting(self, recorded: RecordedMail, address: str) -> Sighting:
        """What was seen of a copy so far."""
        if recorded.bounced:
            return Sighting("rejected", evidence=("bounce",))
        tracked = self._tracked.get((recorded.mark, address), TrackedCopy())
        seen, newest = tracked.sighting(self.record.rules), tracked.newest
        if newest is not None and self.report is not None:
            seen = with_report(seen, newest, self.report, self.record.rules)
        return with_bounce(with_copies(seen, tracked.contents or ()), tracked.bounce(address))

    def _compared(self, recorded: RecordedMail, address: str, predicted: Mapping[str, Any]) -> SeenCopy:
        """A copy as it was seen so far, beside what was computed."""
        seen = self._sighting(recorded, address)
        silent, known = self.record.silent, list(self.record.rules)
        agreement = agreement_of(predicted, seen, silent, known, self.record.unlogged)
        if not predicted and address in recorded.sent_on:
            agreement = Agreement(NOT_COMPARABLE)  # somebody's mailbox sent it on
        ways = recorded.open.get(address)
        if ways is None:
            return SeenCopy(address, predicted, seen, agreement)
        copy = open_copy_of(ways)
        if agreement.agrees is False and fits(copy, seen, silent, known):
            agreement = Agreement(NOT_COMPARABLE)  # only a likely answer was wrong
        answers = settled_answers(copy, seen, silent, known)
        return SeenCopy(address, predicted, seen, agreement, tuple(self._observations(recorded, copy, seen, answers)))

    def _observations(
        self, recorded: RecordedMail, copy: OpenCopy, seen: Sighting, answers: Mapping[str, bool]
    ) -> Iterator[Observation]:
        for number, answer in sorted(answers.items()):
            yield Observation(
                id=number,
                answer=answer,
                seen=self.record.day_of(recorded),
                experiment=f"{recorded.name} ({recorded.mark})",
                evidence=seen.evidence,
                rules=copy.rules,
                digest=copy.digest,
            )
