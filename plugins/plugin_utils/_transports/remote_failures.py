# SPDX-License-Identifier: GPL-3.0-or-later
"""What exceptions of a pool mean for the calls that were under way in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...module_utils._exchange.errors import ProtocolError, ServiceError
from .libraries import requests, urllib3
from .limits import CutError, TooLargeError, TooSlowError
from .network_failures import Names, network_failure
from .retry import Executed, Failure


@dataclass
class RemoteFailures:
    """The failures of a transport over PowerShell remoting.

    :param where: the other side, for people.
    :param names: what to check on the way to the shell.
    """

    where: str
    names: Names

    def failure(self, error: Exception) -> Failure:
        """What an exception means for the calls. After a pipeline has begun, it is unknown whether it was executed."""
        meaning = self.meaning(error)
        return replace(meaning, executed=Executed.UNKNOWN) if getattr(error, "running", False) else meaning

    def meaning(self, error: Exception) -> Failure:
        """What an exception means, independent of the pipeline's progress."""
        if isinstance(error, (TooLargeError, CutError)):
            return network_failure(error, self.where, self.names)
        if isinstance(error, TooSlowError):
            return Failure(
                ServiceError(
                    "the cmdlet did not end in time.", remedy="ansible_exchange_command_timeout may be too short."
                ),
                Executed.UNKNOWN,
                False,
            )
        if isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError, OSError)):
            return network_failure(error, self.where, self.names)
        return Failure(
            ProtocolError(f"{self.where} sent a response that cannot be interpreted ({type(error).__name__})."),
            Executed.UNKNOWN,
        )
