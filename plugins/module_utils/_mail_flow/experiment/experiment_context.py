# SPDX-License-Identifier: GPL-3.0-or-later
"""What an experiment needs of its caller beside what other tasks about mail need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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


@dataclass
class ExperimentContext(MailFlowContext):
    """A task that sends mail.

    :param record_file: the file of a path that a user gave.
    :param mail_server: the server that the options of the task name.
    :param sleep: waits for seconds.
    """

    record_file: Callable[[str], RecordFile] = _no_file
    mail_server: Callable[[Mapping[str, Any]], MailServer] = _no_server
    sleep: Callable[[float], None] = lambda seconds: None


@dataclass
class SmtpPost:
    """A server of the user as one who takes messages."""

    server: MailServer

    def send(self, letter: TestLetter) -> None:
        """Hands a message over."""
        self.server.send(letter.sender, letter.recipients, letter.mime)
