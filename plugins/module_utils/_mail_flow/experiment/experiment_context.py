# SPDX-License-Identifier: GPL-3.0-or-later
"""What an experiment needs of its caller beside what other tasks about mail need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from ..._exchange.errors import OptionError
from ..input.rule_sources import MailFlowContext
from .letters import TestLetter
from .record import RecordFile


class MailServer(Protocol):
    """A server that takes mail."""

    def send(self, sender: str, recipients: Sequence[str], mime: bytes) -> None:
        """Hands over a message.

        :raises OutcomeUnknownError: it was perhaps accepted.
        :raises ExchangeError: it was not.
        """


def _no_file(path: str) -> RecordFile:
    raise OptionError(f"The file {path} cannot be kept here.")


def _no_server(options: Mapping[str, Any]) -> MailServer:
    raise OptionError("Mail cannot be sent here.")


@dataclass(frozen=True)
class AbandonedRecord:
    """The record of a run that died.

    :param document: what it holds.
    :param forget: called once what it left behind is removed.
    :param path: its file.
    """

    document: Mapping[str, Any]
    forget: Callable[[], None]
    path: str = ""


@dataclass
class ExperimentContext(MailFlowContext):
    """A task that sends mail.

    :param record_file: the file of a path that a user gave.
    :param mail_server: the server that the options of the task name.
    :param sleep: waits for seconds.
    :param hold: holds a record while its run goes on, so that others see that it does. Gives whether it is held by nobody else.
    :param abandoned: the records beside a record whose runs held them and died.
    :param until_cleaned_up: while it lasts, a signal to end raises ``SystemExit`` once, and no other one interrupts.
    """

    record_file: Callable[[str], RecordFile] = _no_file
    mail_server: Callable[[Mapping[str, Any]], MailServer] = _no_server
    sleep: Callable[[float], None] = lambda seconds: None
    hold: Callable[[str], AbstractContextManager[bool]] = lambda path: nullcontext(True)
    abandoned: Callable[[str], Iterable[AbandonedRecord]] = lambda path: ()
    until_cleaned_up: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass
class SmtpPost:
    """A server of the user as one who takes messages."""

    server: MailServer

    def send(self, letter: TestLetter) -> None:
        """Hands a message over."""
        self.server.send(letter.sender, letter.recipients, letter.mime)
