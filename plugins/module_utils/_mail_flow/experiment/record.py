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
from .settling import open_copy_of

#: What became of sending a message: not tried, being sent, accepted, perhaps accepted, or certainly not. One that is being sent when
#: a run dies is perhaps sent.
PLANNED, SENDING, SENT, PERHAPS, REFUSED = "planned", "sending", "sent", "perhaps_sent", "refused"
_STATES = (PLANNED, SENDING, SENT, PERHAPS, REFUSED)

#: The question of the messages that show when temporary rules act. Nobody asked for them, so they are counted apart.
PROBE = "ready"

#: The format of a record.
FORMAT = 1

_KIND = "experiment"

#: The keys of a goal.
_GOAL = {"kind", "name", "rule", "by"}


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
        """The document that the file holds.

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
    :param goals: what it shows, each with the keys of a ``Demonstration``.
    :param open: address to the ways in which a copy can pass the rules, as ``settling`` writes it.
    :param question: the number of the question that it belongs to, and :param:`message`, which of its messages it is; empty for all others.
    :param sent_on: to whom people's mailboxes may send it on. What the trace shows of them is not computed.
    """

    name: str
    mark: str
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    predicted: Mapping[str, Any]
    shows: tuple[str, ...] = ()
    goals: tuple[Mapping[str, str], ...] = ()
    state: str = PLANNED
    reason: str = ""
    sent_at: str = ""
    bounced: bool = False
    open: Mapping[str, Any] = field(default_factory=dict)
    question: str = ""
    message: str = ""
    sent_on: tuple[str, ...] = ()

    @property
    def is_probe(self) -> bool:
        """Whether it only shows when temporary rules act."""
        return self.question == PROBE

    @property
    def is_out(self) -> bool:
        """Whether it was sent, or perhaps."""
        return self.state in (SENDING, SENT, PERHAPS)


@dataclass
class ExperimentRecord:
    """The messages of an experiment, and what is known of sending them.

    :param organization: whose it is.
    :param rules: name to GUID of its rules then, and :param:`digests` name to what each was told.
    :param silent: the names of rules of which Exchange need not log that they acted.
    :param unlogged: the names of those of them that can act.
    :param unread: what else acts on mail and was not read, as people call it.
    :param people: role to address, of those who take part in messages about questions.
    :param temporary: the temporary rules that the run makes, in the form of the modules: those that may be there.
    :param before: the organization's rules before, as ``message_encryption_state`` takes them; empty if the run makes none.
    """

    organization: str
    token: str
    by: str
    began: datetime.datetime
    messages: list[RecordedMail]
    rules: Mapping[str, str] = field(default_factory=dict)
    silent: Sequence[str] = ()
    unlogged: Sequence[str] = ()
    unread: Sequence[str] = ()
    people: Mapping[str, str] = field(default_factory=dict)
    temporary: Sequence[Mapping[str, Any]] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)

    def day_of(self, mail: RecordedMail) -> str:
        """The day on which a message was sent, as an ISO 8601 date."""
        return (mail.sent_at or self.began.isoformat())[:10]

    def change(self, place: int, **changes: Any) -> None:
        """Notes something of a message."""
        self.messages[place] = replace(self.messages[place], **changes)

    @property
    def out(self) -> list[RecordedMail]:
        """The messages that were sent, or perhaps."""
        return [message for message in self.messages if message.is_out]

    @property
    def asked_for(self) -> list[RecordedMail]:
        """The messages that somebody asked for: all but those that only show when temporary rules act."""
        return [message for message in self.messages if not message.is_probe]

    @property
    def asked_for_out(self) -> list[RecordedMail]:
        """Those of them that were sent, or perhaps."""
        return [message for message in self.asked_for if message.is_out]

    @property
    def probes_out(self) -> list[RecordedMail]:
        """The messages that were sent, or perhaps, to see when temporary rules act."""
        return [message for message in self.out if message.is_probe]

    def document(self) -> dict[str, Any]:
        """The record as JSON."""
        return {
            "kind": _KIND,
            "format": FORMAT,
            "organization": self.organization,
            "token": self.token,
            "by": self.by,
            "began": self.began.isoformat(),
            "rules": dict(self.rules),
            "digests": dict(self.digests),
            "silent": list(self.silent),
            "unlogged": list(self.unlogged),
            "unread": list(self.unread),
            "people": dict(self.people),
            "temporary": [dict(message) for message in self.temporary],
            "before": dict(self.before),
            "messages": [asdict(message) for message in self.messages],
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
        messages = [_mail_of_row(entry, str(document["token"])) for entry in document["messages"]]
        return ExperimentRecord(
            organization=str(document["organization"]),
            token=str(document["token"]),
            by=str(document["by"]),
            began=_instant(document["began"]),
            messages=messages,
            rules=dict(document["rules"]),
            digests=_texts(document["digests"]),
            silent=list(document["silent"]),
            unlogged=list(document["unlogged"]),
            unread=list(document["unread"]),
            people={str(role): str(address) for role, address in document["people"].items()},
            temporary=[dict(entry) for entry in document["temporary"]],
            before=dict(document["before"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OptionError(f"{where} is not a complete record of an experiment ({type(error).__name__}).") from error


def _texts(document: Any) -> dict[str, str]:
    """Names to texts.

    :raises ValueError: it is something else.
    """
    if not all(isinstance(text, str) for pair in document.items() for text in pair):
        raise ValueError("a text")
    return dict(document)


def _mail_of_row(row: Mapping[str, Any], token: str) -> RecordedMail:
    """A message from a record.

    :raises ValueError: it is none of a run with this token.
    """
    lists = ("recipients", "shows", "goals", "sent_on")
    mail = RecordedMail(**{**row, **{key: tuple(row.get(key, ())) for key in lists}})
    texts = (mail.name, mail.mark, mail.message_id, mail.sender, mail.state, mail.reason, mail.sent_at)
    of_question = (mail.question, mail.message)
    people = (*mail.recipients, *mail.sent_on)
    if not all(isinstance(value, str) for value in (*texts, *of_question, *people, *mail.shows)):
        raise ValueError("a text")
    if isinstance(row["recipients"], str) or not token or not mail.mark.startswith(f"{token}-"):
        raise ValueError(mail.mark)
    if mail.state not in _STATES or not isinstance(mail.bounced, bool):
        raise ValueError(mail.state)
    if mail.sent_at:
        _instant(mail.sent_at)
    for goal in mail.goals:
        if set(goal) != _GOAL or not all(isinstance(text, str) for text in goal.values()):
            raise ValueError("a goal")
    for result in mail.predicted.values():
        _check_result(result)
    for ways in mail.open.values():
        for value in open_copy_of(ways).alternatives:
            _check_result(value.result)
    return mail


def _check_result(result: Mapping[str, Any]) -> None:
    """Requires the rules of a recipient's result to be what is compared.

    :raises ValueError: they are not.
    """
    for rule in result.get("rules", ()):
        if not isinstance(rule["name"], str) or "matched" not in rule:
            raise ValueError("rules")


def _instant(text: str) -> datetime.datetime:
    """A time with its zone.

    :raises ValueError: it has none.
    """
    instant = datetime.datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant
