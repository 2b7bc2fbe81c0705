# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends messages: one a second, each at most once.

A message whose sending has no clear answer is perhaps sent. It is never sent again; the trace says what became of it. After one
that was refused, no other is sent.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..._exchange.cmdlet import GRAPH_SEND, Call, Session
from ..._exchange.errors import ExchangeError, OutcomeUnknownError
from .letters import TestLetter
from .observing import is_by_rule
from .record import PERHAPS, REFUSED, SENDING, SENT, ExperimentRecord, RecordFile

#: Seconds between two messages.
APART = 1.0


class Post(Protocol):
    """A way of sending messages."""

    def send(self, letter: TestLetter) -> None:
        """Hands a message over. A return means that it was accepted.

        :raises OutcomeUnknownError: perhaps it was.
        :raises ExchangeError: it was not.
        """


@dataclass
class GraphPost:
    """Microsoft Graph, which sends from the mailbox of the sender.

    :param session: a session with it.
    """

    session: Session

    def send(self, letter: TestLetter) -> None:
        """Hands a message over."""
        (result,) = self.session.invoke([Call(GRAPH_SEND, {"Mailbox": letter.sender, "Message": letter.mime})])
        result.unwrap()


@dataclass
class LetterSender:
    """Sends the messages of a record.

    :param say: called with the progress, which names nobody.
    """

    post: Post
    file: RecordFile
    say: Callable[[str], None]
    sleep: Callable[[float], None]
    clock: Callable[[], datetime.datetime]

    def send_all(self, letters: Sequence[TestLetter], record: ExperimentRecord, first: int = 0) -> None:
        """Sends each letter once.

        :param first: the place in ``record.messages`` from which on these letters are, in their order.
        """
        for place, letter in enumerate(letters, first):
            if place:
                self.sleep(APART)
            record.change(place, state=SENDING, sent_at=self.clock().isoformat())
            self.file.write(record.document())
            state, reason = self._sent(letter)
            record.change(place, state=state, reason=reason, bounced=state == REFUSED and is_by_rule(reason))
            self.file.write(record.document())
            if state == REFUSED and not record.messages[place].bounced:
                return
            self.say(_progress(record, place))

    def _sent(self, letter: TestLetter) -> tuple[str, str]:
        try:
            self.post.send(letter)
        except OutcomeUnknownError as error:
            return PERHAPS, error.reason
        except ExchangeError as error:
            return REFUSED, str(error)
        return SENT, ""


def _progress(record: ExperimentRecord, place: int) -> str:
    """How many messages were sent, after the one at a place."""
    if record.messages[place].is_probe:
        return f"sent message {len(record.probes_out)} that shows whether the temporary rules act"
    several = "" if len(record.asked_for) == 1 else "s"
    return f"sent {len(record.asked_for_out)} of {len(record.asked_for)} message{several}"
