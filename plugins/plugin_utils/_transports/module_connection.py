# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection of Microsoft's module from a shell to its service, and why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    AuthenticationError,
    CmdletNotAvailableError,
    ExchangeError,
    ServiceError,
    ThrottledError,
    UnreachableError,
)
from ...module_utils._exchange.tenant import CONNECTION_INFORMATION
from .limits import TooSlowError
from .module_answers import error_of_record, not_connected
from .module_service import EXCHANGE, ModuleService
from .network_failures import Names
from .psrp_answers import PipelineAnswer, answers_of, outcome, statements
from .pypsrp import Pool
from .records import RemoteError
from .retry import Executed, FailedError, Failure

#: The remedy for a module that connects to Exchange alone.
_NO_COMPLIANCE = "Update the module ExchangeOnlineManagement there, use ansible_exchange_transport rest, or tell DLP policies and labels as facts."


@dataclass(frozen=True)
class ConnectRemedies:
    """What to do where the module does not connect.

    :param onward: what to check on the way from the shell to the service.
    :param no_module: for a missing Connect-ExchangeOnline.
    :param no_access: for a caller who is refused.
    """

    onward: Names
    no_module: str
    no_access: str


@dataclass(frozen=True)
class ModuleConnection:
    """The module in a shell, and the service that it is to connect to.

    :param parameters: those of the cmdlet that connects, without the credential's.
    :param where: the shell, for people.
    :param timeout: seconds.
    """

    service: ModuleService
    parameters: Mapping[str, Any]
    where: str
    remedies: ConnectRemedies
    timeout: float

    def connect(
        self, pool: Pool, credential: Mapping[str, Any], secret: Mapping[str, str] | None, *, late: str
    ) -> Result | None:
        """Connects the session of a pool.

        :param credential: the parameters that choose the credential.
        :param secret: parameters that travel as SecureString.
        :param late: the remedy if it takes too long.
        :returns: what Get-ConnectionInformation says of the connection, or that the module has no such cmdlet; ``None`` if asking again may bring
            something else.
        :raises FailedError: it failed.
        """
        # A script's exit or break can end the cmdlet without an error, so check whether there is a connection.
        calls = [Call(self.service.connect, {**self.parameters, **credential}), CONNECTION_INFORMATION]
        try:
            run = pool.run(statements(calls), timeout=self.timeout, secret=secret)
        except TooSlowError:
            slow = UnreachableError(f"{self.service.connect} at {self.where} did not end in time.", remedy=late)
            raise FailedError(Failure(slow, Executed.NO, retryable=False)) from None
        answers, _withheld = answers_of(run, calls)
        told_of = answers[1] if len(answers) == len(calls) and answers[1].ended and not answers[1].errors else None
        if answers[0].ended and not answers[0].errors and (told_of is None or any(map(_is_connected, told_of.objects))):
            return _known(calls[1], answers[1]) if len(answers) == len(calls) else None
        failed, retryable = self._not_connected(answers[0])
        raise FailedError(Failure(failed, Executed.NO, retryable))

    def _not_connected(self, answer: PipelineAnswer) -> tuple[UnreachableError, bool]:
        """Why the session is not connected, and whether to retry."""
        if not answer.errors:
            return UnreachableError(
                f"{self.service.connect} at {self.where} ended prematurely.", remedy="Run it there manually."
            ), True
        record = answer.errors[0]
        if reason := not_connected(record, self.service, self.remedies.onward, self.remedies.no_access):
            return reason
        error = error_of_record(record, Call(self.service.connect))
        return self._refused_connection(record, error), isinstance(error, (ServiceError, ThrottledError))

    def _refused_connection(self, record: RemoteError, error: ExchangeError) -> UnreachableError:
        if "CouldNotAutoloadMatchingModule" in record.error_id:
            return UnreachableError(
                f"the module of {self.service.connect} is installed at {self.where} but cannot be loaded: {error.message}",
                remedy="Check the versions of PowerShell and ExchangeOnlineManagement there.",
            )
        if "NamedParameterNotFound" in record.error_id:
            return UnreachableError(
                f"{self.service.connect} at {self.where} does not accept a required parameter: {error.message}",
                remedy="Update the module ExchangeOnlineManagement there.",
            )
        if isinstance(error, CmdletNotAvailableError):
            remedy = self.remedies.no_module if self.service is EXCHANGE else _NO_COMPLIANCE
            return UnreachableError(f"{self.where} has no {self.service.connect}.", remedy=remedy)
        return AuthenticationError(
            f"{self.service.connect} failed: {error.message}", remedy=self.remedies.no_access, error_id=error.error_id
        )


def _is_connected(connection: Any) -> bool:
    """Whether an object of Get-ConnectionInformation shows a connection that works."""
    return isinstance(connection, dict) and connection.get("State") != "Broken"


def _known(call: Call, answer: PipelineAnswer) -> Result | None:
    """What a cmdlet answered, or that there is no such cmdlet; ``None`` where another try may answer something else."""
    result = outcome(call, answer) if answer.ended else None
    if not isinstance(result, Result) or not isinstance(result.error, CmdletNotAvailableError | None):
        return None
    return result
