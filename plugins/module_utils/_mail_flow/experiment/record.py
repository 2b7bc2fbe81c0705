# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an experiment: what was to be sent, what was sent, and what was computed of it then.

It is written before each message, so a run that dies leaves a record that says what was perhaps sent; nothing of that is
ever sent again.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from ..._exchange.errors import OptionError

#: What became of sending a message: not tried, being sent, accepted, perhaps accepted, or certainly not. One that is being sent when
#: a run dies is perhaps sent.
PLANNED, SENDING, SENT, PERHAPS, REFUSED = "planned", "sending", "sent", "perhaps_sent", "refused"

#: The format of a record.
FORMAT = 1

_KIND = "experiment"


class RecordFile(Protocol):
    """Where a record is kept, readable by its owner alone."""

    def exists(self) -> bool:
        """Whether it is there."""

    def create(self, document: Mapping[str, Any]) -> None:
        """Makes it.

        :raises OptionError: it exists, or cannot be written.
        """

    def write(self, document: Mapping[str, Any]) -> None:
        """Replaces it, completely or not at all.

        :raises OptionError: it cannot be written.
        """

    def read(self) -> Mapping[str, Any]:
        """What it holds.

        :raises OptionError: it cannot be read.
        """


@dataclass(frozen=True)
class RecordedMail:
    """A message of an experiment.

    :param state: one of the words above.
    :param predicted: address to what was computed, as results have it.
    :param reason: why it was refused, or is perhaps sent.
    :param sent_at: when that was tried, ISO 8601; empty if it was not.
    :param bounced: whether a server refused it for a rule.
    :param open: address to the ways in which a copy can pass the rules, as ``settling`` writes it.
    """

    name: str
    mark: str
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    predicted: Mapping[str, Any]
    shows: tuple[str, ...] = ()
    state: str = PLANNED
    reason: str = ""
    sent_at: str = ""
    bounced: bool = False
    open: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class ExperimentRecord:
    """The messages of an experiment, and what is known of sending them.

    :param organization: whose it is.
    :param rules: name to GUID of its rules then.
    :param silent: the names of rules of which Exchange need not log that they acted.
    """

    organization: str
    token: str
    by: str
    began: datetime.datetime
    messages: list[RecordedMail]
    rules: Mapping[str, str] = field(default_factory=dict)
    silent: Sequence[str] = ()

    def change(self, place: int, **changes: Any) -> None:
        """Notes something of a message."""
        self.messages[place] = replace(self.messages[place], **changes)

    @property
    def out(self) -> list[RecordedMail]:
        """The messages that were sent, or perhaps."""
        return [each for each in self.messages if each.state in (SENDING, SENT, PERHAPS)]

    def document(self) -> dict[str, Any]:
        """It as JSON."""
        return {
            "kind": _KIND,
            "format": FORMAT,
            "organization": self.organization,
            "token": self.token,
            "by": self.by,
            "began": self.began.isoformat(),
            "rules": dict(self.rules),
            "silent": list(self.silent),
            "messages": [asdict(each) for each in self.messages],
        }


def record_of(document: Mapping[str, Any], where: str) -> ExperimentRecord:
    """The record in a document.

    :param where: the option or file, for an error.
    :raises OptionError: it is none.
    """
    if document.get("kind") != _KIND:
        raise OptionError(f"{where} is not the record of an experiment.", remedy="Name the record of an earlier run.")
    if document.get("format") != FORMAT:
        raise OptionError(f"{where} has the format {document.get('format')!r}, which is not known here.")
    try:
        messages = [
            RecordedMail(**{**each, "recipients": tuple(each["recipients"]), "shows": tuple(each["shows"])})
            for each in document["messages"]
        ]
        return ExperimentRecord(
            organization=str(document["organization"]),
            token=str(document["token"]),
            by=str(document["by"]),
            began=datetime.datetime.fromisoformat(document["began"]),
            messages=messages,
            rules=dict(document["rules"]),
            silent=list(document["silent"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OptionError(f"{where} is not a whole record of an experiment ({type(error).__name__}).") from error
