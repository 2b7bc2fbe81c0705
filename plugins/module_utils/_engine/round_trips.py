# SPDX-License-Identifier: GPL-3.0-or-later
"""The round trips of a task that writes: its steps, and the reads that show what they made of the organization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._exchange.cmdlet import Call, Result, Session
from .._exchange.invalidation import may_change, noun, touched
from .._exchange.organization import Organization, read
from .plan import Step


class RoundTrips:
    """Sends steps, and reads again what they may have changed.

    :param reads: what the task needs.
    :param organization: the result of these reads: first before anything was written, then with what was read since.
    """

    def __init__(self, session: Session, reads: Mapping[str, Call], organization: Organization) -> None:
        self.organization = organization
        self._session = session
        self._reads = reads
        self._touched: set[str] = set()

    def send(self, steps: Sequence[Step], read_backs: int) -> tuple[list[Result], list[Organization]]:
        """Sends steps that may share a round trip.

        :param read_backs: how many times what they may change is read in the same round trip.
        :returns: the result of each step, and what these reads show. A read may have been made before the steps ran.
        """
        writes = [step.call for step in steps]
        self._touched |= {name for name, call in self._reads.items() for write in writes if may_change(write, call)}
        reads = self._stale()
        results = self._session.invoke(
            [*writes, *(call for _read_back in range(read_backs) for call in reads.values())], fresh=True
        )
        size = len(reads)
        brought = results[len(writes) :]
        seen = [self._with(reads, brought[start : start + size]) for start in range(0, len(brought), size)]
        return results[: len(writes)], seen

    def read(self) -> Organization:
        """The organization, with what the writes may have changed as it is now."""
        self.organization = self.organization.with_more(read(self._session, self._stale(), fresh=True))
        return self.organization

    def _stale(self) -> Mapping[str, Call]:
        return {name: call for name, call in self._reads.items() if name in self._touched} or self._reads

    def _with(self, reads: Mapping[str, Call], results: Sequence[Result]) -> Organization:
        return self.organization.with_more(Organization(reads, dict(zip(reads, results, strict=True))))


def is_about_itself(step: Step) -> bool:
    """Whether a read of what the step is about shows all that it may change."""
    return touched(step.call) == {noun(step.call)}
