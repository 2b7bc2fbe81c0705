# SPDX-License-Identifier: GPL-3.0-or-later
"""One organization's session: opens it when first needed, verifies it, and reads and writes through it.

Runs in the broker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    AuthenticationError,
    CmdletNotAvailableError,
    ExchangeError,
    NotCapturedError,
    NotSentError,
    OptionError,
    PermissionDeniedError,
    ProtocolError,
    ServiceError,
    ThrottledError,
    TokenRefusedError,
    UnreachableError,
    WrongOrganizationError,
)
from ...module_utils._exchange.tenant import SESSION, describe_organization, session_facts, why_another, why_not_from
from .._transports.answers import judged
from .._transports.retry import Executed, Failure, Outcome, Policy
from .identity import SIGN_INS, variable
from .redaction import secrets_of
from .reuse import AHEAD, KeptReads, Writes

_WHO = Call("Get-OrganizationConfig")
#: Tells whether the session is in the cloud, and in which tenant. Over ``rest``, the transport answers this itself.
_CONNECTION = Call("Get-ConnectionInformation")
#: Errors that, as a session's very first answer, mean that there is no session.
_NOT_OPENED = (UnreachableError, NotSentError, ThrottledError, ServiceError, ProtocolError)


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


@dataclass
class Request:
    """A worker's request to a session.

    :param reuse: seconds for which an earlier read of this run may be reused.
    :param wanted: whether the worker still waits.
    :param log: receives lines for ``-vvv``.
    :param tell: shows text to the person who runs the playbook, at once.
    :param warn: receives lines that people should read.
    """

    calls: Sequence[Call]
    fresh: bool = False
    reuse: float = 0.0
    wanted: Callable[[], bool] = lambda: True
    log: Callable[[str], None] = lambda line: None
    tell: Callable[[str], None] = lambda text: None
    warn: Callable[[str], None] = lambda line: None


@dataclass
class OrganizationSession:
    """The session of one organization. Its calls run one after the other.

    :param identity: the connection identity from ``_identity.build``.
    :param open_transport: creates the transport for an identity.
    :param writes: those of all sessions of the run.
    """

    identity: Mapping[str, Any]
    open_transport: Callable[[Mapping[str, Any]], Transport]
    clock: Callable[[], float] = time.monotonic
    writes: Writes | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _transport: Transport | None = None
    _organization: dict[str, Any] | None = None
    _facts: dict[str, Any] | None = None
    _opened: bool = False
    _connect_seconds: float = 0.0
    _fetched: list[str] = field(default_factory=list)
    #: Why nothing more is asked in this run, although another session of the organization goes on.
    given_up: UnreachableError | None = None

    def __post_init__(self) -> None:
        self._writes = self.writes or Writes(self.clock)
        self._kept_reads = KeptReads(self._writes, self.clock)
        #: Whether this session has brought along what later tasks may need.
        self._is_ahead = False

    def invoke(self, request: Request) -> list[Result]:
        """Runs the calls. Those that share a round trip may run in any order, so writes among them must not depend on
        each other.

        :raises UnreachableError: a session cannot be opened, or it is in another organization. Nothing was written.
        """
        writes = [call for call in request.calls if not call.is_read]
        if writes and (refusal := read_only(self.identity, writes[0].cmdlet)):
            return [Result(error=refusal) for _call in request.calls]
        with self._lock:
            if not request.wanted():
                return [
                    Result(error=NotSentError("nobody waits for this call anymore.", cmdlet=call.cmdlet))
                    for call in request.calls
                ]
            if writes:
                return self._write(request, writes)
            return self._read(request)

    @property
    def secrets(self) -> list[str]:
        """Values that must not appear in any text: the secrets of the identity, and those that the transport fetched."""
        return [*secrets_of(self.identity), *self._fetched, *(self._transport.secrets if self._transport else ())]

    def describe(self, request: Request) -> dict[str, Any]:
        """The identity and place of the session, as ``Connection.describe`` returns it. Costs a round trip only if the
        session has not returned it yet.

        :raises UnreachableError: a session cannot be opened.
        """
        with self._lock:
            if not self._opened:
                self._open(request, [])
            if self._organization is None:
                (who,) = self._run(request, [_WHO])
                if who.error is None:
                    self._organization = _described(who)
            transport = self._transport_in_use()
            credential = self.identity["credential"]
            return {
                "transport": transport.name,
                "endpoint": transport.endpoint,
                "environment": self.identity["environment"],
                "credential": credential["kind"],
                "client_id": credential["client_id"] or None,
                "read_only": credential["kind"] in SIGN_INS or transport.name == "file",
                "user": transport.user or None,
                "organization": self._organization,
                "on_premises": None if self._organization is None else self._organization["on_premises"],
                "connect_seconds": round(self._connect_seconds, 3),
                "warnings": list(transport.warnings),
            }

    def verified(self, request: Request) -> dict[str, Any] | None:
        """The organization, as ``describe_organization`` gives it, after the session was opened and verified, if it was
        not yet; ``None`` if it is not granted.

        :raises UnreachableError: a session cannot be opened, or it is in another organization.
        """
        self.describe(request)
        return self._organization

    def close(self, timeout: float = -1) -> None:
        """Ends the session.

        :param timeout: seconds to wait for a running call before the session is closed anyway; negative: no limit.
        """
        held = self._lock.acquire(timeout=timeout)
        try:
            self._drop()
        finally:
            if held:
                self._lock.release()

    def _drop(self) -> None:
        transport, self._transport = self._transport, None
        self._fetched = (
            list(transport.secrets) if transport else []
        )  # an error that ended the session may still contain them
        self._opened = False
        self._organization = None
        self._facts = None
        self._kept_reads.clear()
        self._is_ahead = False
        if transport is not None:
            transport.close()

    def _transport_in_use(self) -> Transport:
        if self._transport is None:
            self._transport = self.open_transport(self.identity)
        return self._transport

    def _run(self, request: Request, calls: Sequence[Call]) -> list[Result]:
        """Runs the calls. A call that identifies the organization also gets what only the session knows about it."""
        about = [index for index, call in enumerate(calls) if call.cmdlet == _WHO.cmdlet]
        asked = [*calls, _CONNECTION] if about and self._facts is None else list(calls)
        results = self._run_with_retries(request, asked)
        if len(asked) > len(calls):
            connection = results.pop()
            # An endpoint without this cmdlet does not use the Exchange Online module. Other failures prove nothing.
            if connection.error is None or isinstance(connection.error, CmdletNotAvailableError):
                self._facts = session_facts(connection.objects)
        for index in about:
            if self._facts is not None:
                results[index].objects = [{SESSION: self._facts, **row} for row in results[index].objects]
        return results

    def _run_with_retries(self, request: Request, calls: Sequence[Call]) -> list[Result]:
        transport = self._transport_in_use()
        policy = Policy(tries=self.identity["retries"], seconds=self.identity["command_timeout"])
        results = policy.run(calls, lambda asked: self._attempt(transport, request, asked), request.log, request.wanted)
        if self._opened:
            for result in results:
                if isinstance(result.error, UnreachableError):
                    # The session was open, so this is a failure of the call, not of the host.
                    error = result.error
                    result.error = NotSentError(
                        f"the session was lost: {error.message}",
                        remedy=error.remedy,
                        cmdlet=error.cmdlet,
                        error_id=error.error_id,
                    )
        return results

    def _attempt(self, transport: Transport, request: Request, calls: Sequence[Call]) -> list[Outcome]:
        """One try. If a lost connection is replaced, the new one must be in the same organization; otherwise nothing is sent
        over it.
        """
        with transport.turn(request.wanted, request.log):
            if self._opened and self.identity["verify_organization"] and transport.is_closed:
                elsewhere = self._elsewhere(transport)
                if elsewhere is not None:
                    return [elsewhere for _call in calls]
            outcomes = zip(calls, transport.attempt(calls), strict=True)
            return [self._named(judged(call, outcome)) for call, outcome in outcomes]

    def _named(self, outcome: Outcome) -> Outcome:
        """An outcome in which a refused token that the inventory supplies, and that nobody can renew, is called that."""
        refused = outcome.error
        if not isinstance(outcome, Failure) or not isinstance(refused, TokenRefusedError):
            return outcome
        if self.identity["credential"]["kind"] != "access_token":
            return outcome
        ended = TokenRefusedError(
            f"the token in ansible_exchange_access_token has expired or is not valid. {refused.message}",
            remedy=f"Supply a new token. {refused.remedy}".rstrip(),
            error_id=refused.error_id,
        )
        return replace(outcome, error=ended)

    def _elsewhere(self, transport: Transport) -> Failure | None:
        """The reason not to use a new connection; ``None`` if it may be used."""
        asked = [_WHO, _CONNECTION]
        who, connection = (judged(call, outcome) for call, outcome in zip(asked, transport.attempt(asked), strict=True))
        if isinstance(who, Failure):
            return replace(who, executed=Executed.NO)
        if isinstance(connection, Failure):
            return replace(connection, executed=Executed.NO)
        before = self._organization
        try:
            self._verify(
                replace(who, objects=[{SESSION: session_facts(connection.objects), **row} for row in who.objects])
            )
            if before and self._organization and (another := why_not_from(self._organization, before)):
                raise WrongOrganizationError(f"{another}.", remedy="Nothing was sent to it.")
        except UnreachableError as error:
            self._organization = before
            transport.close()
            return Failure(error, Executed.NO, retryable=False)
        return None

    @property
    def _name(self) -> str:
        """The organization's name; empty if it is not known."""
        return str(self._organization["name"]) if self._organization else ""

    def _write(self, request: Request, writes: Sequence[Call]) -> list[Result]:
        """Writes, and reads that travel with them. Such a read may have run before the writes, so nothing of it is
        kept.
        """
        if not self._opened and self.identity["verify_organization"]:
            self._open(request, [])
        with self._writes.write(self._name, writes):
            results = self._run(request, request.calls) if self._opened else self._open(request, request.calls)
        # An Exchange server's own session has no Get-ConnectionInformation.
        repeats = self._transport_in_use().may_repeat and (self._facts is None or self._facts["cloud"])
        for call, result in zip(request.calls, results, strict=True):
            result.sent_once = call.is_read or not repeats
        return results

    def _read(self, request: Request) -> list[Result]:
        calls = request.calls
        known = {index: self._find(request, call) for index, call in enumerate(calls)}
        missing = [index for index, result in known.items() if result is None]
        if missing:
            known.update(zip(missing, self._bring(request, [calls[index] for index in missing]), strict=True))
        return [result for result in known.values() if result is not None]

    def _find(self, request: Request, call: Call) -> Result | None:
        return None if request.fresh or request.reuse <= 0 else self._kept_reads.find(call, self._name, request.reuse)

    def _bring(self, request: Request, calls: Sequence[Call]) -> list[Result]:
        """Reads. The first reusable read also reads what later tasks may need, in the same round trip."""
        ahead = []
        if request.reuse > 0 and not request.fresh and not self._is_ahead and all(call in AHEAD for call in calls):
            ahead = [call for call in AHEAD if call not in calls]
            self._is_ahead = True
        began = self.clock()
        asked = [*calls, *ahead]
        results = self._run(request, asked) if self._opened else self._open(request, asked)
        if ahead and any(isinstance(result.error, _NOT_OPENED) for result in results[: len(calls)]):
            # The additional reads must not make the task fail.
            request.log("the read with additional calls failed; reading only the requested ones")
            began, asked = self.clock(), list(calls)
            results = self._run(request, asked)
        # Do not keep reads for a worker that has gone.
        if request.reuse > 0 and request.wanted():
            for call, result in zip(asked, results, strict=True):
                self._kept_reads.keep(call, result, began)
        return results[: len(calls)]

    def _open(self, request: Request, calls: Sequence[Call]) -> list[Result]:
        """The first round trip: the calls, and the read that identifies the organization."""
        verify = self.identity["verify_organization"]
        self._sign_in(request)
        began = self.clock()
        asked = [_WHO, *calls] if verify else list(calls) or [_WHO]
        try:
            results = self._run(request, asked)
            if verify:
                self._verify(results[0])
            elif all(isinstance(result.error, _NOT_OPENED) for result in results):
                raise _unreachable(results[0].error)
        except BaseException:
            self._drop()
            raise
        self._opened = True
        self._connect_seconds = self.clock() - began
        transport = self._transport_in_use()
        for warning in transport.warnings:
            request.warn(warning)
        request.log(f"session opened over {transport.name} in {self._connect_seconds:.2f} s")
        if not verify and not calls:
            self._organization = _described(results[0]) if results[0].error is None else None
        return results[1:] if verify else results

    def _sign_in(self, request: Request) -> None:
        """Asks a person to sign in, if the credential requires it.

        :raises UnreachableError: nobody signed in, or the authority refused or failed.
        """
        if self.identity["credential"]["kind"] not in SIGN_INS:
            return
        transport = self._transport_in_use()
        try:
            if isinstance(transport, SignsIn):
                transport.sign_in(request.tell, request.wanted)
        except ExchangeError as error:
            self._drop()
            raise _unreachable(error) from None

    def _verify(self, who: Result) -> None:
        """Refuses a session in another organization than the inventory names.

        :raises UnreachableError: it is in another organization, or cannot be verified.
        """
        if isinstance(who.error, NotCapturedError):
            raise UnreachableError(
                f"the organization cannot be verified: {who.error.message}",
                remedy="Take a new capture.",
                cmdlet=_WHO.cmdlet,
            )
        if isinstance(who.error, PermissionDeniedError):
            raise AuthenticationError(
                "Get-OrganizationConfig is not granted to the caller, so the organization cannot be verified.",
                remedy="Assign an Exchange role to the application or user (View-Only Configuration at least), "
                "or set ansible_exchange_verify_organization: false if the endpoint withholds it intentionally.",
                cmdlet=_WHO.cmdlet,
                error_id=who.error.error_id,
            )
        if who.error is not None:
            raise _unreachable(who.error)
        organization = _described(who)
        if organization is None:
            raise UnreachableError(
                "Get-OrganizationConfig returned no organization, so the organization cannot be verified.",
                cmdlet=_WHO.cmdlet,
            )
        another = why_another(organization, self.identity["organization"])
        if another:
            raise WrongOrganizationError(
                f"{another}.",
                remedy="Nothing was written. Set ansible_exchange_organization to the organization's initial domain.",
            )
        self._organization = organization


def read_only(identity: Mapping[str, Any], cmdlet: str) -> ExchangeError | None:
    """Why a write over this connection is refused; ``None`` if it is not."""
    if identity["transport"] == "file":
        return OptionError(
            f"ansible_exchange_transport is file, and the capture {identity['file']['path']} is read-only, so this write was not sent.",
            remedy="Run with --check, or use another transport.",
            cmdlet=cmdlet,
        )
    kind = identity["credential"]["kind"]
    if kind not in SIGN_INS:
        return None
    return PermissionDeniedError(
        f"{variable(f'exchange_{kind}')} is for reading only, so this write was not sent.",
        remedy="To change something, register an application and set ansible_exchange_certificate_path.",
        cmdlet=cmdlet,
    )


def _described(who: Result) -> dict[str, Any] | None:
    """The identity of the organization; None if the answer names none."""
    organization = describe_organization(who.objects[0]) if who.objects else None
    return organization if organization and organization["name"] else None


def _unreachable(error: ExchangeError | None) -> UnreachableError:
    if isinstance(error, UnreachableError):
        return error
    if error is None:
        return UnreachableError("no session could be opened.")
    remedy = "" if isinstance(error, CmdletNotAvailableError) else error.remedy
    kind = AuthenticationError if isinstance(error, PermissionDeniedError) else UnreachableError
    return kind(
        f"no session could be opened: {error.message}", remedy=remedy, cmdlet=error.cmdlet, error_id=error.error_id
    )
