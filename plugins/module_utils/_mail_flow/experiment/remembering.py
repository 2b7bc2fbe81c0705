# SPDX-License-Identifier: GPL-3.0-or-later
"""What an experiment adds to the observations of an organization, and what it ends: an answer to an open question stays, and a
contradiction until the same copy agrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..._exchange.document import digest_of
from ..input.observations import Observation, Observed, ObservedContradiction
from .record import ExperimentRecord, RecordedMail
from .watching import ObservedMail, SeenCopy


def remembered(
    known: Sequence[Observed],
    messages: Sequence[ObservedMail],
    settled: Sequence[Observation],
    record: ExperimentRecord,
) -> list[Observed]:
    """The observations after an experiment.

    :param known: those before it.
    :param settled: the answers to open questions that it gave.
    """
    new = list(_contradictions(messages, record))
    days = {contradiction.copy: contradiction.seen for contradiction in new}
    agreeing = _agreeing_parts(messages, record)
    kept: list[Observed] = []
    for observed in known:
        if isinstance(observed, Observation):
            kept.append(observed)
            continue
        # A record may be read again after later messages: what is older ends nothing.
        day, parts = agreeing.get(observed.copy, ("", frozenset()))
        is_ended = day >= observed.seen and set(observed.parts) <= parts
        if not is_ended and days.get(observed.copy, "") < observed.seen:
            kept.append(observed)
    return list(dict.fromkeys([*kept, *settled, *new]))


def _contradictions(messages: Iterable[ObservedMail], record: ExperimentRecord) -> Iterator[ObservedContradiction]:
    """The copies that contradict what was computed."""
    for message in messages:
        for copy in message.copies:
            if copy.agreement.agrees is False:
                yield ObservedContradiction(
                    copy=_digest_of(message.recorded, copy),
                    parts=tuple(part for part, _computed, _shown in copy.agreement.parts),
                    seen=record.day_of(message.recorded),
                    experiment=f"{message.recorded.name} ({message.recorded.mark})",
                    rules=tuple((name, record.digests[name]) for name in _acting(copy) if name in record.digests),
                )


def _agreeing_parts(
    messages: Iterable[ObservedMail], record: ExperimentRecord
) -> dict[str, tuple[str, frozenset[str]]]:
    """The copies that agree with what was computed, each with its day and the parts that do."""
    return {
        _digest_of(message.recorded, copy): (record.day_of(message.recorded), frozenset(copy.agreement.agreeing))
        for message in messages
        for copy in message.copies
        if copy.agreement.agrees is True
    }


def _acting(copy: SeenCopy) -> list[str]:
    """The names of the rules that act on a copy, as computed or as seen."""
    computed = [str(rule["name"]) for rule in copy.predicted.get("rules", ()) if rule["matched"] is True]
    return list(dict.fromkeys([*computed, *(copy.seen.rules or ())]))


def _digest_of(recorded: RecordedMail, copy: SeenCopy) -> str:
    """What tells a copy from all others, whenever it is sent."""
    return digest_of([recorded.name, copy.address])
