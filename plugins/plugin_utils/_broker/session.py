# SPDX-License-Identifier: GPL-3.0-or-later
"""One organization's session: opens it when first needed, verifies it, and reads and writes through it.

Runs in the broker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    ExchangeError,
    NotSentError,
    OptionError,
    PermissionDeniedError,
    ProtocolError,
    ServiceError,
    ThrottledError,
    UnreachableError,
)
from ...module_utils._exchange.tenant import ORGANIZATION_CONFIG, OrganizationIdentity, SessionDescription
from .identity import SIGN_INS, variable
from .known_organization import KnownOrganization, unreachable
from .redaction import secrets_of
from .request import Request
from .reuse import KeptReads, Writes
from .transport import SignsIn, Transport
from .tries import Tries

#: Errors that, as a session's very first answer, mean that there is no session.
_NOT_OPENED = (UnreachableError, NotSentError, ThrottledError, ServiceError, ProtocolError)


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
    _opened: bool = False
    _connect_seconds: float = 0.0
    _fetched: list[str] = field(default_factory=list)
    #: Why nothing more is asked in this run, although another session of the organization goes on.
    given_up: UnreachableError | None = None

    def __post_init__(self) -> None:
        self._writes = self.writes or Writes(self.clock)
        self._kept_reads = KeptReads(self._writes, self.clock)
        self._organization = KnownOrganization(self.identity["organization"])

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

    def describe(self, request: Request) -> SessionDescription:
        """The description of the session. It costs a round trip only if the organization has not been identified yet.

        :raises UnreachableError: a session cannot be opened.
        """
        with self._lock:
            if not self._opened:
                self._open(request, [])
            if self._organization.identity is None:
                (who,) = self._run(request, [ORGANIZATION_CONFIG])
                self._organization.take(who)
            transport = self._transport_in_use()
            credential = self.identity["credential"]
            return SessionDescription(
                transport=transport.name,
                endpoint=transport.endpoint,
                environment=self.identity["environment"],
                credential=credential["kind"],
                client_id=credential["client_id"] or None,
                read_only=credential["kind"] in SIGN_INS or transport.name == "file",
                user=transport.user or None,
                organization=self._organization.identity,
                connect_seconds=round(self._connect_seconds, 3),
                warnings=list(transport.warnings),
            )

    def verified(self, request: Request) -> OrganizationIdentity | None:
        """The organization, after the session was opened and verified, if it was not yet; ``None`` if it is not granted.

        :raises UnreachableError: a session cannot be opened, or it is in another organization.
        """
        self.describe(request)
        return self._organization.identity

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
        self._organization.forget()
        self._kept_reads.clear()
        if transport is not None:
            transport.close()

    def _transport_in_use(self) -> Transport:
        if self._transport is None:
            self._transport = self.open_transport(self.identity)
        return self._transport

    def _run(self, request: Request, calls: Sequence[Call]) -> list[Result]:
        return Tries(self._transport_in_use(), self.identity, self._organization, self._opened).run(request, calls)

    def _write(self, request: Request, writes: Sequence[Call]) -> list[Result]:
        """Writes, and reads that travel with them. Such a read may have run before the writes, so nothing of it is
        kept.
        """
        if not self._opened and self.identity["verify_organization"]:
            self._open(request, [])
        with self._writes.write(self._organization.name, writes):
            results = self._run(request, request.calls) if self._opened else self._open(request, request.calls)
        # An Exchange server's own session has no Get-ConnectionInformation.
        repeats = self._transport_in_use().may_repeat and self._organization.may_be_in_the_cloud
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
        if not request.may_reuse:
            return None
        return self._kept_reads.find(call, self._organization.name, request.reuse)

    def _bring(self, request: Request, calls: Sequence[Call]) -> list[Result]:
        """Reads. The first reusable read also reads what later tasks may need, in the same round trip."""
        ahead = self._kept_reads.read_ahead(calls) if request.may_reuse else []
        began = self.clock()
        asked = [*calls, *ahead]
        results = self._run(request, asked) if self._opened else self._open(request, asked)
        if ahead and any(isinstance(result.error, _NOT_OPENED) for result in results[: len(calls)]):
            # The additional reads must not make the task fail.
            request.log("the read with additional calls failed; reading only the requested ones")
            began = self.clock()
            asked = list(calls)
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
        asked = [ORGANIZATION_CONFIG, *calls] if verify else list(calls) or [ORGANIZATION_CONFIG]
        try:
            results = self._run(request, asked)
            if verify:
                self._organization.verify(results[0])
            elif all(isinstance(result.error, _NOT_OPENED) for result in results):
                raise unreachable(results[0].error)
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
            self._organization.take(results[0])
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
            raise unreachable(error) from None


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
