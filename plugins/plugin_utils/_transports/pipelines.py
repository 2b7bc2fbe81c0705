# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls as the statements of pipelines.

``psrp_answers`` separates the answers of several calls. If an earlier statement ends the pipeline, the reads among the
remaining statements run again; whether the writes among them have run is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import InvalidValueError, ProtocolError
from . import clixml
from .module_answers import is_refused_token
from .psrp_answers import answers_of, outcome, statements
from .pypsrp import Pool
from .retry import Executed, Failure, Outcome


class Pipelines:
    """Runs calls in the pools of one session."""

    def __init__(self) -> None:
        #: Whether the other side shows where the answers of a statement end. Otherwise, each call has a pipeline of its own.
        self._has_markers = True

    def outcomes(self, pool: Pool, calls: Sequence[Call], timeout: float) -> Iterator[tuple[int, Outcome]]:
        """The place of each call and its outcome, as soon as its pipeline has ended.

        :param timeout: the seconds of a pipeline.
        :raises Exception: any that pypsrp raises; then there are no further outcomes.
        """
        waiting = list(range(len(calls)))
        while waiting:
            # Each pipeline answers at least one call, so this loop ends.
            sent, answers = self._pipeline(pool, [calls[place] for place in waiting], timeout)
            known = dict(zip(waiting, answers, strict=False))
            # An engine may run statements without showing what they bring.
            unseen = [place for place in waiting[len(answers) : sent] if not calls[place].is_read]
            known.update((place, _unanswered(calls[place])) for place in unseen)
            waiting = [place for place in waiting if place not in known]
            if refused := next(filter(is_refused_token, answers), None):
                # It would be refused for all others, too, so they are not sent.
                known.update((place, _unsent(refused)) for place in waiting)
                waiting = []
            yield from known.items()

    def _pipeline(self, pool: Pool, calls: Sequence[Call], timeout: float) -> tuple[int, list[Outcome]]:
        """Runs calls as the statements of one pipeline.

        :returns: the number of calls that were sent, from the first; and the outcomes of those whose end was seen, and
            always that of the first.
        """
        if not self._has_markers:
            calls = calls[:1]
        try:
            run = pool.run(statements(calls), timeout=timeout)
        except clixml.ValueTooLargeError as error:
            if len(calls) > 1:
                # Nothing was sent. Alone, it shows whose value it is.
                return self._pipeline(pool, calls[:1], timeout)
            return 1, [Result(error=InvalidValueError(f"{error}.", cmdlet=calls[0].cmdlet))]
        answers, withheld = answers_of(run, calls)
        self._has_markers = self._has_markers and not withheld
        known = [answer for answer in answers if answer.ended] or answers[:1]
        return len(calls), [outcome(call, answer) for call, answer in zip(calls, known, strict=False)]


def _unanswered(call: Call) -> Failure:
    """The outcome of a write whose end a pipeline did not show."""
    return Failure(
        ProtocolError("the remote pipeline ended before this cmdlet finished.", cmdlet=call.cmdlet), Executed.UNKNOWN
    )


def _unsent(refused: Outcome) -> Outcome:
    """The outcome of a call that is not sent because the token was refused."""
    return replace(refused, executed=Executed.NO) if isinstance(refused, Failure) else refused
