# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session knows of the transport below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from ...module_utils._exchange.cmdlet import Call
from .._transports.retry import Outcome


class Transport(Protocol):
    """A connection to one organization. It opens itself when a try needs it."""

    @property
    def name(self) -> str:
        """The transport, as ``exchange_transport`` names it."""

    @property
    def endpoint(self) -> str:
        """The place of the session, for people."""

    def attempt(self, calls: Sequence[Call]) -> Sequence[Outcome]:
        """One try of the calls, in as few round trips as possible. Returns one outcome for each call, and never repeats
        a write that may have run.
        """

    def turn(self, wanted: Callable[[], bool], log: Callable[[str], None]) -> AbstractContextManager[None]:
        """Wraps each try. If the number of sessions is limited, it waits for a free one; this time does not count for
        the call.

        :param wanted: whether the worker still waits.
        :param log: receives a line if it has to wait.
        """

    @property
    def is_closed(self) -> bool:
        """Whether the next try opens a session on the other side, which may be in another organization."""

    @property
    def may_repeat(self) -> bool:
        """Whether Microsoft's module may be beneath, which repeats calls by itself."""

    @property
    def secrets(self) -> Sequence[str]:
        """The secrets that the transport has fetched."""

    @property
    def user(self) -> str:
        """The person, or the user of the host, with whose rights it works; empty if it works with those of an
        application.
        """

    @property
    def warnings(self) -> Sequence[str]:
        """What people should know about the session."""

    def close(self) -> None:
        """Ends the session on the other side, too, if there is one. May take seconds; raises nothing."""


@runtime_checkable
class SignsIn(Protocol):
    """A transport that supports sign-in by a person."""

    def sign_in(self, tell: Callable[[str], None], wanted: Callable[[], bool]) -> None:
        """Asks a person to sign in. Called before the first try, only for the credentials of ``SIGN_INS``; may take
        minutes.

        :param tell: shows text to the person at once.
        :param wanted: whether the worker still waits.
        :raises ExchangeError: nobody signed in, or the authority refused or failed.
        """
