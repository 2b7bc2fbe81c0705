# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until every copy of the sent messages has an end that Exchange shows, and puts that beside what was computed.

The trace shows a row after minutes, and its details later. A row that is there once stays, however often it is read.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..evidence.reports import RuleReport
from ..input.observations import Observation
from ..model.addresses import is_address
from ..trace.rows import Row
from .comparing import NOT_COMPARABLE, Agreement, agreement_of
from .observing import Observer, Sighting, sighting_of, with_copies, with_report
from .record import ExperimentRecord, RecordedMail
from .settling import OpenCopy, fits, open_copy_of, settled

#: Seconds between the first two looks, by how much the time grows, and the longest one.
_FIRST, _GROWS, _LONGEST = 2.0, 1.5, 30.0


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
class Watch:
    """Looks for the copies of the messages of a record.

    :param report: what Exchange reports of rules, if that was read.
    """

    observer: Observer
    record: ExperimentRecord
    say: Callable[[str], None]
    sleep: Callable[[float], None]
    clock: Callable[[], datetime.datetime]
    report: RuleReport | None = None
    _rows: dict[tuple[str, str], dict[str, Row]] = field(default_factory=dict)
    _events: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def wait(self, minutes: int) -> list[ObservedMail]:
        """What was seen after so many minutes at most.

        :raises ExchangeError: the trace cannot be read.
        """
        end = self.clock() + datetime.timedelta(minutes=minutes)
        pause, said = _FIRST, ""
        while True:
            self._look()
            open_ = self._open()
            left = (end - self.clock()).total_seconds()
            if not open_ or left <= 0:
                break
            progress = (
                f"waiting for {open_} of {self._expected()} copies, at most {max(1, round(left / 60))} more minutes"
            )
            if progress != said:
                self.say(progress)
            said = progress
            self.sleep(min(pause, left))
            pause = min(pause * _GROWS, _LONGEST)
        return [self._seen(recorded) for recorded in self.record.messages]

    def _look(self) -> None:
        """Reads the rows, and the details of those that have an end."""
        out = self.record.out
        if not out:
            return
        for found in self.observer.rows([each.mark for each in out], self.record.began, self.clock()):
            copies = self._rows.setdefault((found.mark, found.row.recipient), {})
            copies[found.row.message] = found.row
        for rows in self._rows.values():
            for row in rows.values():
                if sighting_of([row], None, {}).is_final and not self._events.get((row.message, row.recipient)):
                    self._events[row.message, row.recipient] = self.observer.details(row)

    def _expected(self) -> int:
        return sum(len(each.recipients) for each in self.record.out)

    def _open(self) -> int:
        """How many copies have no end, or no details, that was seen."""
        sightings = [self._sighting(each, address) for each in self.record.out for address in each.recipients]
        return sum(not seen.is_final or "partial" in seen.remarks for seen in sightings)

    def _sighting(self, recorded: RecordedMail, address: str) -> Sighting:
        rows = list(self._rows.get((recorded.mark, address), {}).values())
        events = [event for row in rows for event in self._events.get((row.message, row.recipient), ())]
        return sighting_of(rows, events, self.record.rules)

    def _seen(self, recorded: RecordedMail) -> ObservedMail:
        """A message with its copies: those that were computed, and all that were seen."""
        if recorded not in self.record.out and not recorded.bounced:
            return ObservedMail(recorded, ())
        predicted = {address.lower(): result for address, result in recorded.predicted.items() if is_address(address)}
        found = {address for mark, address in self._rows if mark == recorded.mark}
        addresses = dict.fromkeys((*recorded.recipients, *predicted, *sorted(found)))
        return ObservedMail(
            recorded, tuple(self._copy(recorded, address, predicted.get(address, {})) for address in addresses)
        )

    def _id_of(self, row: Row, recorded: RecordedMail) -> str:
        """A message's ID as it is written: Exchange may have given it one of its own, which only the details have in full."""
        told = (str(event.get("MessageId") or "") for event in self._events.get((row.message, row.recipient), ()))
        written = (recorded.message_id, *told)
        return next((each for each in written if each.lower().strip("<>") == row.message_id), "")

    def _copy(self, recorded: RecordedMail, address: str, predicted: Mapping[str, Any]) -> SeenCopy:
        seen = Sighting("rejected", evidence=("bounce",)) if recorded.bounced else self._sighting(recorded, address)
        rows = list(self._rows.get((recorded.mark, address), {}).values())
        if rows:
            last = max(rows, key=lambda row: row.received)
            if self.report is not None:
                seen = with_report(seen, last, self.report, self.record.rules)
            if address != recorded.sender:  # whose mailbox has the message as it was sent, too
                seen = with_copies(seen, self.observer.copies(last, self._id_of(last, recorded)))
        silent, known = self.record.silent, list(self.record.rules)
        agreement = agreement_of(predicted, seen, silent, known, self.record.unlogged)
        ways = recorded.open.get(address)
        if ways is None:
            return SeenCopy(address, predicted, seen, agreement)
        copy = open_copy_of(ways)
        if agreement.agrees is False and fits(copy, seen, silent, known):
            agreement = Agreement(NOT_COMPARABLE)  # only a likely answer was wrong
        answers = settled(copy, seen, silent, known)
        return SeenCopy(address, predicted, seen, agreement, tuple(self._observations(recorded, copy, seen, answers)))

    def _observations(
        self, recorded: RecordedMail, copy: OpenCopy, seen: Sighting, answers: Mapping[str, bool]
    ) -> Iterator[Observation]:
        for number, answer in sorted(answers.items()):
            yield Observation(
                id=number,
                answer=answer,
                seen=(recorded.sent_at or self.record.began.isoformat())[:10],
                experiment=f"{recorded.name} ({recorded.mark})",
                evidence=seen.evidence,
                rules=copy.rules,
                digest=copy.digest,
            )
