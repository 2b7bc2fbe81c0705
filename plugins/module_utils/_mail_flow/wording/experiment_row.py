# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of an experiment: what was seen of the messages that were sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from .row import ResultRow, Row, WholeRow, as_list, codec, row_of, rows_of


@dataclass(frozen=True)
class BounceRow(WholeRow):
    """What a non-delivery report says.

    :param status: the enhanced status code.
    """

    status: str
    text: str


@dataclass(frozen=True, kw_only=True)
class SightingRow(ResultRow):
    """What was seen of a copy. See :class:`Sighting` for the fields."""

    fate: str
    rules: tuple[str, ...] | None = field(default=None, metadata=as_list())
    protection: str
    evidence: tuple[str, ...] = field(metadata=as_list())
    remarks: tuple[str, ...] = field(metadata=as_list())
    internal: bool | None = None
    bounce: BounceRow | None = field(default=None, metadata=row_of(BounceRow))
    tls: str = ""
    connector: str = ""


@dataclass(frozen=True)
class ContradictingPartRow(WholeRow):
    """A part of a copy that was not seen as it was computed.

    :param part: ``fate``, ``rules``, ``protection`` or ``copy``.
    """

    part: str
    predicted: Any
    observed: Any


@dataclass(frozen=True, kw_only=True)
class SeenCopyRow(ResultRow):
    """A copy of a message that was sent.

    :param predicted: what was computed, as a recipient's result has it; empty if nothing was.
    :param agrees: whether it was seen as computed: true, false, or ``not_comparable``.
    """

    predicted: Row
    observed: SightingRow = field(metadata=row_of(SightingRow))
    agrees: bool | str
    contradictions: tuple[ContradictingPartRow, ...] = field(default=(), metadata=rows_of(ContradictingPartRow))


def _copies(rows: Mapping[str, Row]) -> dict[str, SeenCopyRow]:
    return {address: SeenCopyRow.from_row(row) for address, row in rows.items()}


def _rows_of_copies(copies: Mapping[str, SeenCopyRow]) -> dict[str, dict[str, Any]]:
    return {address: copy.as_row() for address, copy in copies.items()}


@dataclass(frozen=True, kw_only=True)
class SeenMessageRow(ResultRow):
    """A message that was to be sent.

    :param state: what became of it.
    :param reason: why it was not sent; empty if it was.
    :param sent_at: an ISO 8601 text; empty if it was not sent.
    :param recipients: address to copy.
    :param shows: what it was sent for.
    """

    name: str
    message_id: str = ""
    state: str
    reason: str = ""
    sent_at: str = ""
    recipients: Mapping[str, SeenCopyRow] = field(metadata=codec(_copies, _rows_of_copies))
    shows: tuple[str, ...] = field(default=(), metadata=as_list())


@dataclass(frozen=True)
class NotShownRow(WholeRow):
    """What no copy shows.

    :param sent: whether a message was sent for it.
    """

    goal: str
    sent: bool


@dataclass(frozen=True)
class SeenExperiment:
    """What was seen of an experiment that was not only planned.

    :param sent: how many messages were sent.
    """

    messages: tuple[SeenMessageRow, ...]
    not_shown: tuple[NotShownRow, ...]
    sent: int

    @classmethod
    def of_result(cls, result: Row) -> Self:
        """What the result of ``mail_flow_experiment`` says of it. Raises ValueError if it does not."""
        try:
            return cls(
                tuple(map(SeenMessageRow.from_row, result["experiments"])),
                tuple(map(NotShownRow.from_row, result["not_shown"])),
                int(result["sent"]),
            )
        except KeyError as error:
            raise ValueError(f"{error} is missing") from error

    @property
    def copies(self) -> Iterator[tuple[SeenMessageRow, str, SeenCopyRow]]:
        """The copies of all messages, each with its message and its recipient."""
        for message in self.messages:
            for address, copy in message.recipients.items():
                yield message, address, copy
