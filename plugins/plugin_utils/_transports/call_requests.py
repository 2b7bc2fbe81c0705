# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that answer the calls of a session over HTTP."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence

from ...module_utils._exchange.cmdlet import Call
from .retry import FailedError, Outcome, unforeseen


class RequestIds:
    """The IDs under which the service finds calls in its logs. As with Microsoft's module, a call keeps its ID however
    often it is sent.
    """

    def __init__(self) -> None:
        #: By the identity of the call, which lasts as long as the call is held.
        self._ids: dict[int, tuple[Call, str]] = {}

    def begin(self, calls: Sequence[Call]) -> None:
        """Gives the calls of a try their IDs. Another try brings the same calls; others are forgotten."""
        self._ids = {id(call): self._ids.get(id(call), (call, str(uuid.uuid4()))) for call in calls}

    def header(self, call: Call) -> dict[str, str]:
        """The header with the ID of a call of this try."""
        return {"client-request-id": self._ids[id(call)][1]}


class CallRequests(ABC):
    """Sends calls as requests.

    :param ids: those of the calls of this try.
    """

    def __init__(self, ids: RequestIds) -> None:
        self.ids = ids

    def outcomes(self, calls: Sequence[Call]) -> list[Outcome]:
        """The outcomes of calls that may share a request. Raises nothing."""
        try:
            return self._outcomes(calls)
        except FailedError as failed:
            return [failed.failure for _call in calls]
        except Exception as error:  # what an answer holds may be anything, and the request was perhaps carried out
            return [unforeseen(error) for _call in calls]

    def _outcomes(self, calls: Sequence[Call]) -> list[Outcome]:
        """The outcomes of calls; by default, each has a request of its own."""
        return [self._alone(call) for call in calls]

    def _alone(self, call: Call) -> Outcome:
        try:
            return self._single(call)
        except FailedError as failed:
            return failed.failure

    @abstractmethod
    def _single(self, call: Call) -> Outcome:
        """The outcome of a call in a request of its own.

        :raises FailedError: it has no answer.
        """
