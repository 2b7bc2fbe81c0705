# SPDX-License-Identifier: GPL-3.0-or-later
"""The tries of a session's calls, over a transport that may replace a lost connection by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import NotSentError, TokenRefusedError, UnreachableError
from ...module_utils._exchange.tenant import CONNECTION_INFORMATION, ORGANIZATION_CONFIG
from .._transports.answers import judged
from .._transports.retry import Executed, Failure, Outcome, Policy
from .known_organization import KnownOrganization
from .request import Request
from .transport import Transport


@dataclass(frozen=True)
class Tries:
    """Runs calls over a transport, as often as the identity allows.

    :param identity: the connection identity.
    :param organization: what is known of the session's organization.
    :param is_open: whether the session was opened before these calls.
    """

    transport: Transport
    identity: Mapping[str, Any]
    organization: KnownOrganization
    is_open: bool

    def run(self, request: Request, calls: Sequence[Call]) -> list[Result]:
        """Runs the calls. A call that identifies the organization also gets what only the session knows about it."""
        about = [index for index, call in enumerate(calls) if call.cmdlet == ORGANIZATION_CONFIG.cmdlet]
        asked = [*calls, CONNECTION_INFORMATION] if about and self.organization.lacks_facts else list(calls)
        results = self._run_with_retries(request, asked)
        if len(asked) > len(calls):
            self.organization.learn(results.pop())
        for index in about:
            self.organization.complete(results[index])
        return results

    def _run_with_retries(self, request: Request, calls: Sequence[Call]) -> list[Result]:
        policy = Policy(tries=self.identity["retries"], seconds=self.identity["command_timeout"])
        results = policy.run(calls, lambda asked: self._attempt(request, asked), request.log, request.wanted)
        if self.is_open:
            for result in results:
                if isinstance(result.error, UnreachableError):
                    result.error = _failed_call(result.error)
        return results

    def _attempt(self, request: Request, calls: Sequence[Call]) -> list[Outcome]:
        """One try. If a lost connection is replaced, the new one must be in the same organization; otherwise nothing is sent
        over it.
        """
        transport = self.transport
        with transport.turn(request.wanted, request.log):
            if self.is_open and self.identity["verify_organization"] and transport.is_closed:
                refused = self._reconnected()
                if refused is not None:
                    return [refused for _call in calls]
            outcomes = zip(calls, transport.attempt(calls), strict=True)
            return [self._named(judged(call, outcome)) for call, outcome in outcomes]

    def _reconnected(self) -> Failure | None:
        """Why a new connection may not be used; ``None`` if it may."""
        asked = [ORGANIZATION_CONFIG, CONNECTION_INFORMATION]
        attempted = zip(asked, self.transport.attempt(asked), strict=True)
        who, connection = (judged(call, outcome) for call, outcome in attempted)
        if isinstance(who, Failure):
            return replace(who, executed=Executed.NO)
        if isinstance(connection, Failure):
            return replace(connection, executed=Executed.NO)
        try:
            self.organization.verify_same(who, connection)
        except UnreachableError as error:
            self.transport.close()
            return Failure(error, Executed.NO, retryable=False)
        return None

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


def _failed_call(error: UnreachableError) -> NotSentError:
    """The error of a call whose session was open before: the call fails, and not the host."""
    return NotSentError(
        f"the session was lost: {error.message}",
        remedy=error.remedy,
        cmdlet=error.cmdlet,
        error_id=error.error_id,
    )
