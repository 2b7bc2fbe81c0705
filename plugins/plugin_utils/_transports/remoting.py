# SPDX-License-Identifier: GPL-3.0-or-later
"""The common part of the transports over PowerShell remoting: a pool that is opened when a try needs it, and pipelines.

Each session has one object, used under the session's lock, and makes one try at a time. A
pool in doubt is closed.

``pipelines`` runs the calls of a try, ``module_connection`` connects Microsoft's module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    TokenRefusedError,
    UnreachableError,
)
from . import pypsrp as _pypsrp
from . import service_errors
from .module_answers import is_refused_token
from .module_connection import ConnectRemedies, ModuleConnection
from .module_service import EXCHANGE, connect_parameters, service_of
from .pipelines import Pipelines
from .remote_failures import RemoteFailures
from .retry import Executed, FailedError, Failure, Outcome
from .token_renewal import TokenRenewal

#: The maximum time for each step of closing a session, in seconds.
CLOSE_TIMEOUT = 3


class RemotingTransport(ABC):
    """One organization over PowerShell remoting.

    :param identity: a connection identity.
    :param failures: what exceptions of a pool mean.
    :param renewal: whether a refused token is worth another session.
    """

    name = ""
    may_repeat = True
    warnings: Sequence[str] = ()
    #: What to do where the module does not connect.
    _remedies: ConnectRemedies

    def __init__(self, identity: Mapping[str, Any], failures: RemoteFailures, renewal: TokenRenewal) -> None:
        self._identity = identity
        self._failures = failures
        self._renewal = renewal
        self._service = service_of(identity)
        self._command_timeout = float(identity["command_timeout"])
        self._pool: _pypsrp.Pool | None = None
        self._is_running = False
        self._pipelines = Pipelines()
        self._may_reconnect = True
        #: What Get-ConnectionInformation said of the session when it was opened, or that the module there has no such
        #: cmdlet: asked again, it would be a request of its own.
        self._connection: Result | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the next try opens a shell, which may be on another host."""
        return self._pool is None

    def turn(self, wanted: Callable[[], bool], log: Callable[[str], None]) -> AbstractContextManager[None]:
        """Does not wait."""
        return nullcontext()

    @abstractmethod
    def _new_pool(self) -> _pypsrp.Pool:
        """A pool that is not yet open."""

    @abstractmethod
    def _prepare(self, pool: _pypsrp.Pool) -> None:
        """Runs what an open pool needs before the first call.

        :raises FailedError: it failed.
        """

    @property
    @abstractmethod
    def _connects(self) -> bool:
        """Whether a session connects with Microsoft's module."""

    def attempt(self, calls: Sequence[Call]) -> list[Outcome]:
        """One try of the calls, as the statements of one pipeline."""
        own = (
            [index for index, call in enumerate(calls) if call.cmdlet.lower() == "get-connectioninformation"]
            if self._connects
            else []
        )
        others = [index for index in range(len(calls)) if index not in own] or own[:1]
        outcomes = dict(zip(others, self._judged([calls[index] for index in others]), strict=True))
        for index in own:
            if index not in outcomes:
                outcomes[index] = self._about_connection(calls[index], outcomes[others[0]])
        return [outcomes[index] for index in range(len(calls))]

    def _about_connection(self, call: Call, outcome_of_pipeline: Outcome) -> Outcome:
        """What Get-ConnectionInformation says of the session.

        :param outcome_of_pipeline: the outcome of a call in the same try.
        """
        if self._connection is not None:
            return replace(self._connection, objects=list(self._connection.objects))
        return outcome_of_pipeline if isinstance(outcome_of_pipeline, Failure) else self._judged([call])[0]

    def _judged(self, calls: Sequence[Call]) -> list[Outcome]:
        """One try. After a refused token, the next try opens another session."""
        outcomes = self._attempt(calls)
        if any(map(is_refused_token, outcomes)):
            self.close()
            return self._renewal.refused(outcomes)
        self._renewal.accepted(outcomes)
        for index, call in enumerate(calls):
            if call.cmdlet.lower() == "get-omeconfiguration" and _is_opaque(outcomes[index]):
                outcomes[index] = self._read_anew(call, outcomes[index])
        return outcomes

    def _read_anew(self, call: Call, opaque: Outcome) -> Outcome:
        """Reads again from a new connection: after a session has read the IRM configuration, this cmdlet may keep
        failing in it.
        """
        if not self._connects or not self._may_reconnect:
            return opaque
        self.close()
        again = self._attempt([call])[0]
        self._may_reconnect = isinstance(again, Result) and again.error is None
        return again if isinstance(again, Result) else opaque

    def _attempt(self, calls: Sequence[Call]) -> list[Outcome]:
        try:
            pool = self._open()
        except FailedError as unopened:
            return [unopened.failure for _call in calls]
        outcomes: dict[int, Outcome] = {}
        self._is_running = True
        try:
            for place, outcome in self._pipelines.outcomes(pool, calls, self._command_timeout):
                outcomes[place] = outcome
        except Exception as error:  # pypsrp raises many types of exceptions
            failure = self._failures.failure(error)
            self._give_up()
            outcomes.update((place, failure) for place in range(len(calls)) if place not in outcomes)
        finally:
            self._is_running = False
        return [outcomes[index] for index in range(len(calls))]

    def close(self) -> None:
        """Disconnects, and removes the shell from the host. Takes at most seconds; raises nothing."""
        pool, self._pool, self._connection = self._pool, None, None
        if pool is None:
            return
        try:
            # A runspace with a running call accepts no other command; removing its shell ends both.
            if self._connects and not self._is_running:
                pool.run([Call("Disconnect-ExchangeOnline", {"Confirm": False})], timeout=CLOSE_TIMEOUT)
        except Exception:  # noqa: S110 (the other side ends it by itself, later)
            pass
        finally:
            pool.close(CLOSE_TIMEOUT)

    def _open(self) -> _pypsrp.Pool:
        """The pool, opened and connected to its service.

        :raises FailedError: it could not be opened; nothing was executed.
        """
        if self._pool is not None:
            return self._pool
        pool = None
        try:
            pool = self._opened()
            self._prepare(pool)
        except Exception as error:  # pypsrp raises many types of exceptions
            if pool is not None:
                pool.close(CLOSE_TIMEOUT)
            failure = error.failure if isinstance(error, FailedError) else self._failures.failure(error)
            failed = failure.error
            if not isinstance(failed, UnreachableError):
                failed = UnreachableError(
                    f"no session could be opened at {self._failures.where}: {failed.message}",
                    remedy=failed.remedy,
                    error_id=failed.error_id,
                )
            raise FailedError(Failure(failed, Executed.NO, failure.retryable)) from None
        self._pool = pool
        return pool

    def _opened(self) -> _pypsrp.Pool:
        """A new, open pool."""
        pool = self._new_pool()
        try:
            pool.open(self._command_timeout)
        except BaseException:
            pool.close(CLOSE_TIMEOUT)
            raise
        return pool

    def _connect(
        self, pool: _pypsrp.Pool, credential: Mapping[str, Any], secret: Mapping[str, str] | None = None
    ) -> None:
        """Connects Microsoft's module, once for each session.

        :param credential: the parameters that choose the credential.
        :param secret: parameters that travel as SecureString.
        :raises FailedError: it failed.
        """
        module = ModuleConnection(
            self._service,
            connect_parameters(self._identity),
            self._failures.where,
            self._remedies,
            self._command_timeout,
        )
        try:
            self._connection = module.connect(pool, credential, secret, late=self._failures.names.late)
        except FailedError as failed:
            if self._service is not EXCHANGE and isinstance(failed.failure.error, TokenRefusedError):
                # The compliance endpoint refuses whoever has no role that it knows, with any token.
                self._renewal.give_up()
            raise

    def _give_up(self) -> None:
        """Closes a pool in doubt. Its shell may still run a statement, so nothing more is sent to it."""
        pool, self._pool, self._connection = self._pool, None, None
        if pool is not None:
            pool.close(CLOSE_TIMEOUT)


def _is_opaque(outcome: Outcome) -> bool:
    return service_errors.is_opaque(outcome.error)
