# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: read, plan, apply, verify. Everything that the collection writes goes through it.

A planner is a pure function from an organization to a :class:`Plan`. To write is to run the plan's steps. A write is
complete when the planner finds nothing left to do in a fresh read. The code that verifies a change is therefore the
code that computed it, and a write whose response was lost needs no special rule: the organization is read and planned
again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from .._exchange.cmdlet import Call, Result
from .._exchange.errors import (
    ExchangeError,
    OutcomeUnknownError,
    VerificationError,
    defect,
)
from .._exchange.organization import Organization, read, reads_of
from .._exchange.permissions import not_granted
from .context import COMMON_ARGUMENT_SPEC, ModuleContext
from .first_plan import FirstPlan, repeats
from .plan import Change, Plan, Step, first_trip
from .progress import Progress, changed_by_others, label, listed, not_stored
from .read_cache import ReadCache, is_about_itself

Planner = Callable[[Organization], Plan]
#: What a change is about.
Key = tuple[str, str, str]

#: Seconds between two reads while a change is not visible yet.
VERIFY_INTERVAL = 2.0

#: Seconds between progress messages of a task that waits.
PROGRESS_INTERVAL = 15.0

#: Seconds for which the organization is read after a write that neither succeeded nor was refused clearly, where
#: ``verify_timeout`` leaves out the verification of what succeeded.
UNCLEAR_TIMEOUT: int = COMMON_ARGUMENT_SPEC["verify_timeout"]["default"]

#: The number of extra reads, beyond two for each step, that a task may need because a response was lost or a later step
#: depends on an earlier one.
MAX_EXTRA_READS = 3


@dataclass
class _Wait:
    """Waits until Exchange shows what was written.

    :param timeout: seconds.
    """

    task: ModuleContext
    timeout: float

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.last_message = self.began

    @property
    def over(self) -> bool:
        """Whether the timeout has expired."""
        return time.monotonic() >= self.began + self.timeout

    def pause(self, steps: Iterable[Step]) -> None:
        """Sleeps before the next read.

        :param steps: the steps that are not visible yet.
        """
        now = time.monotonic()
        if now - self.last_message >= PROGRESS_INTERVAL:
            self.last_message = now
            missing = ", ".join(dict.fromkeys(label(change) for step in steps for change in step.changes))
            self.task.say(
                f"Exchange does not show {missing} on every server yet. Waited {now - self.began:.0f} of {self.timeout} s."
            )
        time.sleep(min(VERIFY_INTERVAL, self.timeout))


@dataclass(frozen=True)
class Converged:
    """What a task did.

    :param result: ``changed``, ``before``, ``after``, ``changes`` and ``commands``.
    :param organization: the organization as it was last read, if that was after the last write; otherwise ``None``.
    """

    result: dict[str, Any]
    organization: Organization | None


def converge(
    task: ModuleContext,
    subsets: Iterable[str] | Mapping[str, Call],
    planner: Planner,
    *,
    cloud_only: Sequence[str] = (),
    fresh: bool = False,
) -> dict[str, Any]:
    """The result of :func:`converge_organization`."""
    return converge_organization(task, subsets, planner, cloud_only=cloud_only, fresh=fresh).result


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
    :raises ExchangeError: its ``progress`` tells what was written before.
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
        return Converged(_result(plan.before, plan.after, plan.steps), organization)
    work = _Work(task, ReadCache(task.session, reads, organization), planner, plan)
    try:
        work.apply()
        after, shown = work.verify()
    except Exception as error:
        failure = error if isinstance(error, ExchangeError) else defect(error)
        failure.progress = work.progress.result()
        raise failure from None
    return Converged(_result(plan.before, after, work.progress.applied), shown)


@dataclass(frozen=True)
class _ReadBack:
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


@dataclass(frozen=True)
class _Look:
    """A look at the organization after writes.

    :param plan: what is left to do by it; ``None`` if it is no basis for a plan.
    :param is_fresh: whether it was read for itself; otherwise it travelled with steps, and may be older than they are.
    """

    organization: Organization
    plan: Plan | None
    is_fresh: bool

    @property
    def shows_all(self) -> bool:
        """Whether nothing is left to do by it."""
        return self.plan is not None and not self.plan.steps


#: A step that was not a clear success, and the error.
_Failed = tuple[Step, ExchangeError]


class _Work:
    """Runs a plan, one round trip after the other.

    :param read_cache: what was read before anything is written.
    :param plan: the plan for that.
    """

    def __init__(self, task: ModuleContext, read_cache: ReadCache, planner: Planner, plan: Plan) -> None:
        self.progress = Progress(pending=plan.steps)
        self._task = task
        self._read_cache = read_cache
        self._planner = planner
        self._plan = plan
        self._first_plan = FirstPlan(plan)
        #: The steps that Exchange answered as done.
        self._accepted: list[Step] = []
        #: The calls whose result no read shows, without those that succeeded. A plan never ceases to contain them.
        self._unseen = [step.call for step in plan.steps if not step.is_visible]
        self._before = read_cache.organization
        self._timeout: int = task.params["verify_timeout"]
        #: The calls that were sent a second time.
        self._sent_again: list[Call] = []
        #: What travelled with the last steps that were sent. It counts only where it shows them: it may be older than
        #: they are.
        self._travelled_looks: list[Organization]

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
        unknown, again = self._find_out(unclear) if unclear else ([], [])
        if errors := [*(error for _step, error in refused), *unknown]:
            raise errors[0]
        # While outcomes were found out about, others may have changed something that later steps would undo.
        if not (again or depends or (unclear and later)):
            return None
        return self._plan_again(again)

    def _send(self, group: Sequence[Step], *, last: bool, depends: bool) -> list[tuple[Step, Result]]:
        """Sends steps in one round trip, with the looks that are of use behind them.

        :param last: whether no step is left behind them: then the looks may spare the verification its reads.
        :param depends: whether later steps depend on them.
        """
        shared = int(depends and all(map(is_about_itself, group)))
        results, self._travelled_looks = self._read_cache.send(group, looks=2 if self._timeout and last else shared)
        return list(zip(group, results, strict=True))

    def _sort(self, answers: Iterable[tuple[Step, Result]]) -> tuple[list[_Failed], list[_Failed]]:
        """Notes what succeeded and what was lost.

        :returns: the steps that were refused, so that nothing of them is stored, and those whose outcome is unclear.
        """
        refused: list[_Failed] = []
        unclear: list[_Failed] = []
        for step, result in answers:
            self._task.warnings += [f"{step.call.cmdlet}: {warning}" for warning in result.warnings]
            if result.error is None:
                self._accept(step, result)
                continue
            if _is_answered(result.error):
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
        self._unseen = [call for call in self._unseen if call != step.call]

    def _plan_again(self, again: Sequence[_Failed]) -> ExchangeError:
        """Makes the plan again, with the steps that are sent a second time.

        :returns: the error to raise if that was too often.
        """
        self._sent_again += [step.call for step, _error in again]
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
        if foreign := self._first_plan.changes_beyond(new):
            raise changed_by_others(foreign)
        self.progress.pending = steps
        others = [step for step in new if step not in lost]
        if others and any(step.needs_replanning(others) for step in again):
            changes = [change for step in again for change in step.changes]
            raise not_stored(made, changes, timeout=self._seconds)
        self.progress.pending = new

    def _settle(self, made: Sequence[Step]) -> list[Step]:
        """Reads until all that was done is visible and nothing else is left to do than was planned, or time is over.
        Returns what is left to do then.
        """
        wait = _Wait(self._task, self._seconds)
        travelled = list(self._travelled_looks)
        while True:
            look = self._look(travelled)
            if look.plan is None:
                continue
            steps = look.plan.steps
            unexpected = [step for step in steps if repeats(step, made) or self._first_plan.changes_beyond([step])]
            if not unexpected or (wait.over and look.is_fresh):
                return steps
            if look.is_fresh:
                wait.pause(unexpected)

    def _look(self, travelled: list[Organization]) -> _Look:
        """The next look at the organization.

        :param travelled: the looks that travelled with the last steps and were not used yet; the first of them is used up.
        """
        if travelled:
            organization = travelled.pop(0)
            return _Look(organization, self._remaining_plan_of_look(organization), is_fresh=False)
        organization = self._read_cache.look()
        return _Look(organization, self._remaining_plan(organization), is_fresh=True)

    @property
    def _seconds(self) -> int:
        """How long to read for a write that later steps depend on, or whose outcome its answer did not tell."""
        return self._timeout or UNCLEAR_TIMEOUT

    def _remaining_plan(self, organization: Organization) -> Plan:
        """The plan for what is left to do. What no read shows is sent once, and is as it was sent."""
        plan = self._planner(organization)
        steps = [step for step in plan.steps if step.is_visible or step.call in self._unseen]
        sent = {change.option: change.after for step in plan.steps if step not in steps for change in step.changes}
        return replace(plan, before=plan.before | sent, steps=list(map(self._first_plan.named, steps)))

    def _remaining_plan_of_look(self, look: Organization) -> Plan | None:
        """The plan for something that travelled with steps; ``None`` if it is no basis for one."""
        try:
            return self._remaining_plan(look)
        except ExchangeError:
            return None

    def _find_out(self, unclear: Sequence[_Failed]) -> tuple[list[ExchangeError], list[_Failed]]:
        """Finds out what steps stored whose answers do not tell: each may have stored all, some or none of it.

        Those that are visible as a whole count as applied.

        :returns: the errors of those of which it is unknown, and the steps that may be sent again: nothing was answered, and no read shows them.
        """
        visible = [step for step, _error in unclear if step.is_visible]
        read_back = self._read_back(visible) if visible else _ReadBack()
        unknown: list[ExchangeError] = []
        again: list[_Failed] = []
        for step, error in unclear:
            answered = _is_answered(error)
            if not step.is_visible:
                hidden = "it is unknown whether the change is stored, because Exchange does not show the properties that it changes"
                unknown.append(_unknown(error, hidden))
            elif read_back.shows(step):
                self.progress.record_stored(step)
                if answered:
                    self._task.warnings.append(
                        f"{step.call.cmdlet}: Exchange returned an error but shows the change: {_reason(error)}"
                    )
            elif answered or read_back.failure or read_back.shown_changes(step) or step.call in self._sent_again:
                unknown.append(_unknown(error, self._why_unknown(step, read_back)))
            else:
                again.append((step, error))
        return unknown, again

    def _why_unknown(self, step: Step, read_back: _ReadBack) -> str:
        """What reads say of a step that they do not show as a whole, as the end of a sentence."""
        if read_back.failure:
            return f"it is unknown whether the change is stored, because the read failed: {read_back.failure}"
        shown = read_back.shown_changes(step)
        if not shown:
            return f"read back for {self._seconds} second{'' if self._seconds == 1 else 's'}: not stored"
        if len(shown) == len(step.changes):
            return "the change was stored, and not every read shows it"
        return f"a part of the change is stored: {', '.join(map(label, shown))}"

    def _read_back(self, steps: Sequence[Step]) -> _ReadBack:
        """What reads show of these steps, or why a read failed."""
        try:
            return self._read_until_shown(steps)
        except Exception as failure:
            error = failure if isinstance(failure, ExchangeError) else defect(failure)
            return _ReadBack(failure=error.message.rstrip("."))

    def _read_until_shown(self, steps: Sequence[Step]) -> _ReadBack:
        """Reads until two reads in a row show all of these steps, because replicas answer in turn, or time is over."""
        wait = _Wait(self._task, self._seconds)
        keys = frozenset(change.key for step in steps for change in step.changes)
        never_shown = self._open_in_all_looks(keys)
        missing_before: AbstractSet[Key] | None = None
        while True:
            missing = keys & _open_changes(self._remaining_plan(self._read_cache.look()))
            never_shown &= missing
            read_back = _ReadBack(missing | (missing_before or frozenset()), never_shown)
            if missing_before is not None and (wait.over or not read_back.missing):
                return read_back
            if missing:
                wait.pause(step for step in steps if not read_back.shows(step))
            missing_before = missing

    def _open_in_all_looks(self, keys: frozenset[Key]) -> frozenset[Key]:
        """The changes that nothing shows which travelled with the last steps.

        That may have been read before the steps. What it does show was stored, whoever removed it since. Verification
        reads for itself, so it is used up.
        """
        looks, self._travelled_looks = self._travelled_looks, []
        plans = [plan for plan in map(self._remaining_plan_of_look, looks) if plan is not None]
        return keys.intersection(*map(_open_changes, plans))

    def verify(self) -> tuple[dict[str, Any], Organization | None]:
        """Reads until two reads in a row show the plan as done, because replicas answer in turn and may be stale.

        :returns: the managed options and the organization as the service finally shows them.
        """
        if not self._timeout:
            return self._plan.after, None
        wait = _Wait(self._task, self._timeout)
        travelled = list(self._travelled_looks)
        shown: list[bool] = []
        while True:
            look = self._look(travelled)
            shown.append(look.shows_all)
            if look.plan is None:
                continue
            if shown[-2:] == [True, True]:
                self._task.warnings += self._done_by_others(look.organization)
                return look.plan.before, look.organization
            if look.shows_all or not look.is_fresh:
                continue
            if wait.over:
                self._task.warnings += self._done_by_others(look.organization)
                raise self._unverified(look.plan, ever_seen=any(shown))
            wait.pause(look.plan.steps)

    def _unverified(self, plan: Plan, *, ever_seen: bool) -> VerificationError:
        """The error if reads do not show the plan as done.

        :param plan: what the last of them leaves to do.
        """
        foreign = self._first_plan.changes_beyond(plan.steps)
        if foreign and not any(repeats(step, self.progress.applied) for step in plan.steps):
            return changed_by_others(foreign)
        return not_stored(self.progress.applied, plan.changes, ever_seen=ever_seen, timeout=self._timeout)

    def _done_by_others(self, after: Organization) -> list[str]:
        """What others changed during the task, in sentences."""
        return (
            self._plan.concurrent_changes(self._before, after, self.progress.applied)
            if self._plan.concurrent_changes
            else []
        )


def _is_answered(error: ExchangeError) -> bool:
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


#: Matches the whole sentence, because a name in another warning may contain any part of it.
_NO_CHANGE = re.compile(
    r"(?:WARNING: )?The command completed successfully but no settings of .* have been modified\.?", re.DOTALL
)


def _changed_nothing(warning: str) -> bool:
    """Whether Exchange reports that a write changed nothing, which means that the earlier read was stale. Only English
    is recognized.
    """
    return bool(_NO_CHANGE.fullmatch(warning.strip()))


def _result(before: dict[str, Any], after: dict[str, Any], steps: list[Step]) -> dict[str, Any]:
    return {
        "changed": bool(steps),
        "before": before,
        "after": after,
        "changes": listed(change for step in steps for change in step.changes),
        "commands": [str(step.call) for step in steps],
    }
