# SPDX-License-Identifier: GPL-3.0-or-later
"""The common part of the transports that fetch their tokens on the controller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

from ...module_utils._exchange.errors import AuthenticationError
from . import sign_in
from .authentication import AuthorityFailedError, Credential, http_session
from .limits import CutError, Limits, TooLargeError, TooSlowError
from .retry import FailedError

Given = TypeVar("Given")


class WithCredential:
    """A transport with a credential of its own.

    :param identity: the connection identity of a transport whose tokens come from msal or from the inventory.
    """

    def __init__(self, identity: Mapping[str, Any]) -> None:
        self._limits = Limits()
        self._http = self._limits.guard(http_session(identity["rest"]))
        self._credential = Credential(identity, self._http, self._limits)

    @property
    def secrets(self) -> Sequence[str]:
        """The fetched tokens, which no text may contain."""
        return self._credential.fetched

    @property
    def user(self) -> str:
        """The person who signed in; empty if nobody did."""
        return self._credential.user

    def sign_in(self, tell: Callable[[str], None], wanted: Callable[[], bool]) -> None:
        """Asks a person to sign in; see :meth:`Credential.sign_in`. The limits of calls do not apply, because a person
        may take minutes.

        :raises ExchangeError: nobody signed in, or the authority refused or failed.
        """
        try:
            from_authority(
                self._credential,
                partial(self._credential.sign_in, tell, wanted),
                self._limits.call(2 * sign_in.LONGEST),
            )
        except FailedError as failed:
            raise failed.failure.error from None


def from_authority(credential: Credential, ask: Callable[[], Given], limit: AbstractContextManager[None]) -> Given:
    """What the authority gives.

    :param limit: how long it may take.
    :raises FailedError: it refused or failed. The call that needed it was not sent.
    """
    try:
        with limit:
            return ask()
    # The exceptions of requests are OSErrors.
    except (AuthenticationError, AuthorityFailedError, TooSlowError, TooLargeError, CutError, OSError) as error:
        raise FailedError(credential.failure(error)) from error
