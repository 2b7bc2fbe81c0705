# SPDX-License-Identifier: GPL-3.0-or-later
"""What writes stored whose answers do not tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from .._exchange.cmdlet import Call
from .._exchange.errors import ExchangeError, OutcomeUnknownError, defect
from .context import ModuleContext
from .plan import Change, Plan, Step
from .progress import Progress, label
from .remaining_work import RemainingWork
from .waiting import Wait

#: What a change is about.
Key = tuple[str, str, str]

#: A step that was not a clear success, and the error.
Failed = tuple[Step, ExchangeError]


@dataclass(frozen=True)
class ReadBack:
    """What reads show of steps whose outcome the answers did not tell.

    :param missing: the changes that one of the last two reads does not show.
    :param never_shown: those that nothing has shown since the steps were sent.
    :param failure: why a read failed; empty if none did.
    """

    missing: AbstractSet[Key] = frozenset()
    never_shown: AbstractSet[Key] = frozenset()
    failure: str = ""

    def shows(self, step: Step) -> bool:
        """Whether all of a step is stored."""
        return not self.failure and self.missing.isdisjoint(change.key for change in step.changes)

    def shown_changes(self, step: Step) -> list[Change]:
        """The changes of a step that some read has shown."""
        return [] if self.failure else [change for change in step.changes if change.key not in self.never_shown]


class UnclearOutcomes:
    """Reads what steps stored whose answers do not tell. Each may have stored all, some or none of its changes.

    :param remaining: what is left to do by a read.
    :param progress: notes the steps that turn out to be stored.
    :param seconds: how long to read.
    """

    def __init__(self, task: ModuleContext, remaining: RemainingWork, progress: Progress, seconds: int) -> None:
        self._task = task
        self._remaining = remaining
        self._progress = progress
        self._seconds = seconds
        #: The calls that were sent a second time.
        self._sent_again: list[Call] = []

    def send_again(self, steps: Iterable[Step]) -> None:
        """Notes steps that are sent a second time: there is no third."""
        self._sent_again += [step.call for step in steps]

    def find_out(self, unclear: Sequence[Failed]) -> tuple[list[ExchangeError], list[Failed]]:
        """Finds out what steps stored whose answers do not tell: each may have stored all, some or none of it.

        Those that are visible as a whole count as applied.

        :returns: the errors of those of which it is unknown, and the steps that may be sent again: nothing was answered, and no read shows them.
        """
        visible = [step for step, _error in unclear if step.is_visible]
        read_back = self._read_back(visible) if visible else ReadBack()
        unknown: list[ExchangeError] = []
        again: list[Failed] = []
        for step, error in unclear:
            answered = is_answered(error)
            if not step.is_visible:
                hidden = "it is unknown whether the change is stored, because Exchange does not show the properties that it changes"
                unknown.append(_unknown(error, hidden))
            elif read_back.shows(step):
                self._progress.record_stored(step)
                if answered:
                    self._task.warnings.append(
                        f"{step.call.cmdlet}: Exchange returned an error but shows the change: {_reason(error)}"
                    )
            elif answered or read_back.failure or read_back.shown_changes(step) or step.call in self._sent_again:
                unknown.append(_unknown(error, self._why_unknown(step, read_back)))
            else:
                again.append((step, error))
        return unknown, again

    def _why_unknown(self, step: Step, read_back: ReadBack) -> str:
        """What reads say of a step that they do not show as a whole, as the end of a sentence."""
        if read_back.failure:
            return f"it is unknown whether the change is stored, because the read failed: {read_back.failure}"
        shown = read_back.shown_changes(step)
        if not shown:
            return f"read back for {self._seconds} second{'' if self._seconds == 1 else 's'}: not stored"
        if len(shown) == len(step.changes):
            return "the change was stored, and not every read shows it"
        return f"a part of the change is stored: {', '.join(map(label, shown))}"

    def _read_back(self, steps: Sequence[Step]) -> ReadBack:
        """What reads show of these steps, or why a read failed."""
        try:
            return self._read_until_shown(steps)
        except Exception as failure:
            error = failure if isinstance(failure, ExchangeError) else defect(failure)
            return ReadBack(failure=error.message.rstrip("."))

    def _read_until_shown(self, steps: Sequence[Step]) -> ReadBack:
        """Reads until two reads in a row show all of these steps, because replicas answer in turn, or time is over."""
        wait = Wait(self._task, self._seconds)
        keys = frozenset(change.key for step in steps for change in step.changes)
        never_shown = self._open_in_all_reads(keys)
        missing_before: AbstractSet[Key] | None = None
        while True:
            missing = keys & _open_changes(self._remaining.plan_by_read())
            never_shown &= missing
            read_back = ReadBack(missing | (missing_before or frozenset()), never_shown)
            if missing_before is not None and (wait.over or not read_back.missing):
                return read_back
            if missing:
                wait.pause(step for step in steps if not read_back.shows(step))
            missing_before = missing

    def _open_in_all_reads(self, keys: frozenset[Key]) -> frozenset[Key]:
        """The changes that nothing shows which travelled with the last steps.

        That may have been read before the steps. What it does show was stored, whoever removed it since. Verification
        reads for itself, so it is used up.
        """
        return keys.intersection(*map(_open_changes, self._remaining.plans_by_travelled()))


def is_answered(error: ExchangeError) -> bool:
    """Whether a write was answered with an error, so that sending it again would only bring another one."""
    return not (isinstance(error, OutcomeUnknownError) and error.again)


def _reason(error: ExchangeError) -> str:
    """What was answered to a write, or how its answer was lost."""
    return error.reason if isinstance(error, OutcomeUnknownError) else error.message


def _unknown(error: ExchangeError, knowledge: str) -> OutcomeUnknownError:
    """The error for a step of which the answer does not tell whether it is stored, and the reads do not show that it
    is.

    :param knowledge: what the reads say, as the end of a sentence.
    """
    later = "The next run reads the organization first and applies what is missing."
    return OutcomeUnknownError(
        f"{_reason(error).rstrip('.')}; {knowledge}.",
        remedy=error.remedy if later in error.remedy else f"{error.remedy} {later}".lstrip(),
        cmdlet=error.cmdlet,
        error_id=error.error_id,
        again=False,
    )


def _open_changes(plan: Plan) -> set[Key]:
    """The changes that a plan still has to make."""
    return {change.key for change in plan.changes}
