# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: read, plan, apply, verify. Everything that the collection writes goes through it.

A planner is a pure function from an organization to a :class:`Plan`. To write is to run the plan's steps. A write is
complete when the planner finds nothing left to do in a fresh read. The code that verifies a change is therefore the
code that computed it, and a write whose response was lost needs no special rule: the organization is read and planned
again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._exchange.cmdlet import Call, Result
from .._exchange.errors import ExchangeError, VerificationError, defect
from .._exchange.organization import Organization, read, reads_of
from .._exchange.permissions import not_granted
from .context import ModuleContext
from .first_plan import repeats
from .plan import Change, Plan, Step, first_trip
from .progress import Progress, changed_by_others, listed, not_stored
from .remaining_work import Planner, RemainingWork
from .round_trips import RoundTrips, is_about_itself
from .unclear_outcomes import Failed, UnclearOutcomes, is_answered
from .waiting import UNCLEAR_TIMEOUT, Wait

#: The number of extra reads, beyond two for each step, that a task may need because a response was lost or a later step
#: depends on an earlier one.
MAX_EXTRA_READS = 3


@dataclass(frozen=True)
class Converged:
    """What a task did; in check mode, what it would do.

    :param before: the managed options before; :param:`after`, as they are since.
    :param steps: what was written.
    :param organization: the organization as it was last read, if that was after the last write; otherwise ``None``.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    steps: Sequence[Step]
    organization: Organization | None

    @property
    def changes(self) -> list[Change]:
        """What was changed, by option."""
        return [change for step in self.steps for change in step.changes]

    def as_row(self) -> dict[str, Any]:
        """The result of the task: ``changed``, ``before``, ``after``, ``changes`` and ``commands``."""
        return {
            "changed": bool(self.steps),
            "before": self.before,
            "after": self.after,
            "changes": listed(self.changes),
            "commands": [str(step.call) for step in self.steps],
        }


def converge(
    task: ModuleContext,
    subsets: Iterable[str] | Mapping[str, Call],
    planner: Planner,
    *,
    cloud_only: Sequence[str] = (),
    fresh: bool = False,
) -> dict[str, Any]:
    """The result of :func:`converge_organization`."""
    return converge_organization(task, subsets, planner, cloud_only=cloud_only, fresh=fresh).as_row()


def converge_organization(
    task: ModuleContext,
    subsets: Iterable[str] | Mapping[str, Call],
    planner: Planner,
    *,
    cloud_only: Sequence[str] = (),
    fresh: bool,
) -> Converged:
    """Brings the organization to a state in which ``planner`` finds nothing to do. In check mode, reports what that
    would take.

    :param subsets: what the planner needs. See :func:`reads_of`.
    :param cloud_only: the options of the task that Exchange on-premises does not have.
    :param fresh: whether the planner may see only what is read now. Otherwise it may first see what the run read some seconds ago, and a
        difference in that is confirmed by a fresh read before anything is written.
    :raises ExchangeError: its ``result`` tells what was written before.
    """
    reads = reads_of(subsets)
    organization = read(task.session, reads, fresh=fresh)
    # The read has opened the session: to ask first would cost a round trip of its own.
    task.refuse_on_premises(cloud_only)
    plan = planner(organization)
    if plan.steps and organization.reused and not task.check_mode:
        organization = read(task.session, reads, fresh=True)
        plan = planner(organization)
    task.warnings += map(str, plan.warnings)
    task.places |= plan.places
    if task.check_mode:
        lacking = not_granted(organization, (step.call.cmdlet for step in plan.steps))
        task.warnings += [f"Without check mode, this task would fail: {text}" for text in lacking]
    if task.check_mode or not plan.steps:
        return Converged(plan.before, plan.after, plan.steps, organization)
    work = _PlanRun(task, RoundTrips(task.session, reads, organization), planner, plan)
    try:
        work.apply()
        after, shown = work.verify()
    except Exception as error:
        failure = error if isinstance(error, ExchangeError) else defect(error)
        failure.result = work.progress.result()
        raise failure from None
    return Converged(plan.before, after, work.progress.applied, shown)


class _PlanRun:
    """Runs a plan, one round trip after the other.

    :param round_trips: sends steps and reads; it has what was read before anything is written.
    :param plan: the plan for that.
    """

    def __init__(self, task: ModuleContext, round_trips: RoundTrips, planner: Planner, plan: Plan) -> None:
        self.progress = Progress(pending=plan.steps)
        self._task = task
        self._round_trips = round_trips
        self._plan = plan
        self._remaining = RemainingWork(planner, plan, round_trips)
        #: The steps that Exchange answered as done.
        self._accepted: list[Step] = []
        self._before = round_trips.organization
        self._timeout: int = task.params["verify_timeout"]
        #: How long to read for a write that later steps depend on, or whose outcome its answer did not tell.
        self._seconds = self._timeout or UNCLEAR_TIMEOUT
        self._outcomes = UnclearOutcomes(task, self._remaining, self.progress, self._seconds)

    def apply(self) -> None:
        """Runs the plan."""
        limit = 2 * len(self._plan.steps) + MAX_EXTRA_READS
        rereads = 0
        while self.progress.pending:
            reason = self._trip()
            rereads += reason is not None
            if reason is not None and rereads > limit:
                raise reason

    def _trip(self) -> ExchangeError | None:
        """Sends the steps that may share the next round trip, and finds out about each that was not a clear success.

        :returns: the error to raise if the plan had to be made again too often; ``None`` if it did not have to.
        """
        group, later = first_trip(self.progress.pending)
        depends = any(step.needs_replanning(later) for step in group)
        answers = self._send(group, last=not later, depends=depends)
        refused, unclear = self._sort(answers)
        self.progress.pending = [*(step for step, _error in refused), *later]
        unknown, again = self._outcomes.find_out(unclear) if unclear else ([], [])
        if errors := [*(error for _step, error in refused), *unknown]:
            raise errors[0]
        # While outcomes were found out about, others may have changed something that later steps would undo.
        if not (again or depends or (unclear and later)):
            return None
        return self._plan_again(again)

    def _send(self, group: Sequence[Step], *, last: bool, depends: bool) -> list[tuple[Step, Result]]:
        """Sends steps in one round trip, with the reads that are of use behind them.

        :param last: whether no step is left behind them: then these reads may spare the verification its reads.
        :param depends: whether later steps depend on them.
        """
        shared = int(depends and all(map(is_about_itself, group)))
        results, self._remaining.travelled_reads = self._round_trips.send(
            group, read_backs=2 if self._timeout and last else shared
        )
        return list(zip(group, results, strict=True))

    def _sort(self, answers: Iterable[tuple[Step, Result]]) -> tuple[list[Failed], list[Failed]]:
        """Notes what succeeded and what was lost.

        :returns: the steps that were refused, so that nothing of them is stored, and those whose outcome is unclear.
        """
        refused: list[Failed] = []
        unclear: list[Failed] = []
        for step, result in answers:
            self._task.warnings += [f"{step.call.cmdlet}: {warning}" for warning in result.warnings]
            if result.error is None:
                self._accept(step, result)
                continue
            if is_answered(result.error):
                result.error.remedy = f"{result.error.remedy} {step.remedy}".strip()
            if result.error.refuses and not self.progress.is_lost(step):
                refused.append((step, result.error))
                continue
            self.progress.lose(step)
            unclear.append((step, result.error))
        return refused, unclear

    def _accept(self, step: Step, result: Result) -> None:
        """Notes that Exchange answered a step as done."""
        # Of a write that was sent more than once, the first may have made the change.
        changed_nothing = result.sent_once and any(map(_changed_nothing, result.warnings))
        self.progress.succeed(step, changed_nothing=changed_nothing)
        self._accepted.append(step)
        self._remaining.accept(step)

    def _plan_again(self, again: Sequence[Failed]) -> ExchangeError:
        """Makes the plan again, with the steps that are sent a second time.

        :returns: the error to raise if that was too often.
        """
        self._outcomes.send_again(step for step, _error in again)
        self._replan([step for step, _error in again])
        if again:
            return again[0][1]
        return VerificationError(
            "The organization changes as fast as this task writes to it.",
            remedy="Another administrator is changing it. Run the task again later.",
        )

    def _replan(self, lost: Sequence[Step]) -> None:
        """Makes the plan again after steps that succeeded, and before steps that are sent again.

        Nothing is sent that the first plan does not have. Nor is a step that succeeded repeated: verification may wait
        longer for it.

        :param lost: steps whose answer was lost, and that no read shows.
        """
        made = [*self.progress.applied, *self._accepted]
        steps = self._settle(made)
        again = [step for step in steps if repeats(step, made)]
        new = [step for step in steps if step not in again]
        if foreign := self._remaining.first_plan.changes_beyond(new):
            raise changed_by_others(foreign)
        self.progress.pending = steps
        others = [step for step in new if step not in lost]
        if others and any(step.needs_replanning(others) for step in again):
            changes = [change for step in again for change in step.changes]
            self.progress.unseen = changes
            raise not_stored(made, changes, timeout=self._seconds)
        self.progress.pending = new

    def _settle(self, made: Sequence[Step]) -> list[Step]:
        """Reads until all that was done is visible and nothing else is left to do than was planned, or time is over.
        Returns what is left to do then.
        """
        wait = Wait(self._task, self._seconds)
        travelled = list(self._remaining.travelled_reads)
        while True:
            read_back = self._remaining.next_read(travelled)
            if read_back.plan is None:
                continue
            steps = read_back.plan.steps
            unexpected = [
                step for step in steps if repeats(step, made) or self._remaining.first_plan.changes_beyond([step])
            ]
            if not unexpected or (wait.over and read_back.is_fresh):
                return steps
            if read_back.is_fresh:
                wait.pause(unexpected)

    def verify(self) -> tuple[dict[str, Any], Organization | None]:
        """Reads until two reads in a row show the plan as done, because replicas answer in turn and may be stale.

        :returns: the managed options and the organization as the service finally shows them.
        """
        if not self._timeout:
            return self._plan.after, None
        wait = Wait(self._task, self._timeout)
        travelled = list(self._remaining.travelled_reads)
        shown: list[bool] = []
        while True:
            read_back = self._remaining.next_read(travelled)
            shown.append(read_back.shows_all)
            if read_back.plan is None:
                continue
            if shown[-2:] == [True, True]:
                self._task.warnings += self._done_by_others(read_back.organization)
                return read_back.plan.before, read_back.organization
            if read_back.shows_all or not read_back.is_fresh:
                continue
            if wait.over:
                self._task.warnings += self._done_by_others(read_back.organization)
                raise self._unverified(read_back.plan, ever_seen=any(shown))
            wait.pause(read_back.plan.steps)

    def _unverified(self, plan: Plan, *, ever_seen: bool) -> VerificationError:
        """The error if reads do not show the plan as done.

        :param plan: what the last of them leaves to do.
        """
        foreign = self._remaining.first_plan.changes_beyond(plan.steps)
        if foreign and not any(repeats(step, self.progress.applied) for step in plan.steps):
            return changed_by_others(foreign)
        self.progress.unseen = [] if ever_seen else list(plan.changes)
        return not_stored(self.progress.applied, plan.changes, ever_seen=ever_seen, timeout=self._timeout)

    def _done_by_others(self, after: Organization) -> list[str]:
        """What others changed during the task, in sentences."""
        return (
            self._plan.concurrent_changes(self._before, after, self.progress.applied)
            if self._plan.concurrent_changes
            else []
        )


#: Matches the whole sentence, because a name in another warning may contain any part of it.
_NO_CHANGE = re.compile(
    r"(?:WARNING: )?The command completed successfully but no settings of .* have been modified\.?", re.DOTALL
)


def _changed_nothing(warning: str) -> bool:
    """Whether Exchange reports that a write changed nothing, which means that the earlier read was stale. Only English
    is recognized.
    """
    return bool(_NO_CHANGE.fullmatch(warning.strip()))
