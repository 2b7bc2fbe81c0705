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

from .._exchange.cmdlet import Call
from .._exchange.errors import (
    AlreadyExistsError,
    ExchangeError,
    NotSentError,
    OptionError,
    OutcomeUnknownError,
    ThrottledError,
    UnreachableError,
    VerificationError,
    defect,
)
from .._exchange.organization import Organization, read, reads_of
from .._exchange.permissions import not_granted
from .context import ModuleContext
from .first_plan import FirstPlan, repeats
from .plan import Change, Impact, Plan, Step, first_trip
from .progress import Progress, changed_by_others, label, listed, not_stored
from .read_cache import ReadCache, is_about_itself

Planner = Callable[[Organization], Plan]

#: Seconds between two reads while a change is not visible yet.
VERIFY_INTERVAL = 2.0

#: Seconds between progress messages of a task that waits.
PROGRESS_INTERVAL = 15.0

#: Errors that prove that a write did not happen, unless they are uncertain. After any other error, the organization is
#: read before the task reports anything.
_NOT_CARRIED_OUT = (OptionError, NotSentError, UnreachableError, ThrottledError, AlreadyExistsError)

#: Seconds after which a write whose response was lost counts as not done if it is still not visible. Other waits use
#: ``verify_timeout``.
LOST_TIMEOUT = 15

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
        self.began = self.said = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the timeout has expired."""
        return time.monotonic() >= self.began + self.timeout

    def pause(self, steps: Iterable[Step]) -> None:
        """Sleeps before the next read.

        :param steps: the steps that are not visible yet.
        """
        now = time.monotonic()
        if now - self.said >= PROGRESS_INTERVAL:
            self.said = now
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
class _Found:
    """What two reads in a row found after something went wrong.

    :param missing: the changes that neither shows.
    :param never: those of them that nothing has shown since the steps were sent.
    :param failure: why a read failed; empty if none did.
    """

    missing: AbstractSet[tuple[str, str, str]] = frozenset()
    never: AbstractSet[tuple[str, str, str]] = frozenset()
    failure: str = ""

    def shows(self, step: Step) -> bool:
        """Whether all of a step is stored."""
        return not self.failure and self.missing.isdisjoint(change.key for change in step.changes)


class _Work:
    """Runs a plan, one round trip after the other.

    :param read_cache: what was read before anything is written.
    :param plan: the plan for that.
    """

    def __init__(self, task: ModuleContext, read_cache: ReadCache, planner: Planner, plan: Plan) -> None:
        self.progress = Progress(pending=plan.steps)
        self._task = task
        self._read_cache = read_cache
        self._desired = planner
        self._plan = plan
        self._first = FirstPlan(plan)
        #: The steps that Exchange answered as done.
        self._accepted: list[Step] = []
        #: The calls whose result no read shows, without those that succeeded. A plan never ceases to contain them.
        self._unseen = [step.call for step in plan.steps if not step.is_visible]
        self._before = read_cache.organization
        self._timeout: int = task.params["verify_timeout"]
        #: What travelled with the last steps that were sent. It counts only where it shows them: it may be older than
        #: they are.
        self._looks: list[Organization]

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
        progress = self.progress
        group, later = first_trip(progress.pending)
        depends = any(step.needs_replanning(later) for step in group)
        results, self._looks = self._read_cache.send(
            group, looks=2 if self._timeout and not later else int(depends and all(map(is_about_itself, group)))
        )
        refused: list[tuple[Step, ExchangeError]] = []
        lost: list[tuple[Step, ExchangeError]] = []
        for step, result in zip(group, results, strict=True):
            self._task.warnings += [f"{step.call.cmdlet}: {warning}" for warning in result.warnings]
            if isinstance(result.error, OutcomeUnknownError):
                progress.lose(step)
                lost.append((step, result.error))
            elif result.error is not None:
                result.error.remedy = f"{result.error.remedy} {step.remedy}".strip()
                # What exists already may have been created by an earlier try whose response was lost.
                result.error.uncertain |= isinstance(result.error, AlreadyExistsError) and progress.is_lost(step)
                refused.append((step, result.error))
            else:
                progress.succeed(step, changed_nothing=any(map(_changed_nothing, result.warnings)))
                self._accepted.append(step)
                self._unseen = [call for call in self._unseen if call != step.call]
        progress.pending = [*(step for step, _error in refused), *later]
        waiting = [step for step, _error in lost if step.is_visible]
        invisible = [error for step, error in lost if not step.is_visible]
        if refused or invisible:
            self._read_back(refused, waiting)
        if invisible:
            raise invisible[0]
        if not (refused or lost or depends):
            return None
        self._replan([step for step in waiting if step in progress.unknown])
        return next((error for _step, error in (*lost, *refused)), None) or VerificationError(
            "The organization changes as fast as this task writes to it.",
            remedy="Another administrator is changing it. Run the task again later.",
        )

    def _replan(self, lost: Sequence[Step]) -> None:
        """Makes the plan again after steps that succeeded, and steps whose response was lost.

        Nothing is sent that the first plan does not have. Nor is a step that succeeded repeated: verification may wait
        longer for it.
        """
        made = [*self.progress.applied, *self._accepted]
        left = self._settle(made, lost)
        again = [step for step in left if repeats(step, made)]
        new = [step for step in left if step not in again]
        if foreign := self._first.beyond(new):
            raise changed_by_others(foreign)
        self.progress.pending = left
        others = [step for step in new if step not in lost]
        if others and any(step.needs_replanning(others) for step in again):
            changes = [change for step in again for change in step.changes]
            raise not_stored(made, changes, timeout=_command_timeout(self._task, bool(lost)))
        self.progress.pending = new

    def _settle(self, made: Sequence[Step], lost: Sequence[Step]) -> list[Step]:
        """Reads until all that was done is visible and nothing else is left to do than was planned, or time is over.
        Returns what is left to do then.

        A step whose response was lost counts as stored only if two reads in a row show it: one read may bring less than
        there is.
        """
        wait = _Wait(self._task, _command_timeout(self._task, bool(lost)))
        needed = 2 if lost else 1
        looks, in_a_row = list(self._looks), 0
        while True:
            travelled = bool(looks)
            plan = self._planned(looks.pop(0)) if travelled else self._planner(self._read_cache.look())
            steps = plan.steps if plan else []
            undone = [step for step in lost if plan is None or _is_undone(step, steps)]
            unexpected = [step for step in steps if repeats(step, made) or self._first.beyond([step])]
            in_a_row = 0 if undone or unexpected or plan is None else in_a_row + 1
            if plan is not None and (in_a_row == needed or (wait.over and not travelled)):
                break
            if in_a_row == 0 and not travelled:
                wait.pause([*undone, *unexpected])
        for step in lost:
            if step not in undone:
                self.progress.found(step)
        # Verification reads for itself if an answer was lost.
        self._looks = [] if lost else self._looks
        return plan.steps

    def _planner(self, organization: Organization) -> Plan:
        """The plan for what is left to do. What no read shows is sent once, and is as it was sent."""
        plan = self._desired(organization)
        left = [step for step in plan.steps if step.is_visible or step.call in self._unseen]
        sent = {change.option: change.after for step in plan.steps if step not in left for change in step.changes}
        return replace(plan, before=plan.before | sent, steps=list(map(self._first.named, left)))

    def _planned(self, look: Organization) -> Plan | None:
        """The plan for something that travelled with steps; ``None`` if it is no basis for one."""
        try:
            return self._planner(look)
        except ExchangeError:
            return None

    def _read_back(self, refused: Sequence[tuple[Step, ExchangeError]], lost: Sequence[Step]) -> None:
        """Finds out what steps stored although Exchange returned an error: each may have stored all, some or none of
        it.

        Returns if all of them are visible as a whole. They then count as applied, as do steps of the same round trip
        whose response was lost.

        :raises ExchangeError: the error of the first of which two reads in a row show nothing. One is not enough:
            replicas answer in turn.
        :raises OutcomeUnknownError: a part of a step is visible, or the read failed.
        """
        doubtful = [step for step, error in refused if error.uncertain or not isinstance(error, _NOT_CARRIED_OUT)]
        uncertain = [step for step, error in refused if error.uncertain and step.is_visible]
        found = self._read_until_shown(uncertain) if any(step.is_visible for step in (*doubtful, *lost)) else _Found()
        for step in lost:
            if found.shows(step):
                self.progress.found(step)
        errors: list[ExchangeError] = []
        for step, error in refused:
            reason = found.failure if step.is_visible else "Exchange does not show the properties that it changes"
            seen = [change for change in step.changes if change.key not in found.never]
            if error.uncertain and not (reason or seen):
                reason = "Exchange does not show it"
            if step not in doubtful or not (reason or seen):
                errors.append(error)
                continue
            self.progress.pending.remove(step)
            if not reason and found.shows(step):
                self._task.warnings.append(
                    f"{step.call.cmdlet}: Exchange returned an error but shows the change: {error.message}"
                )
                self.progress.found(step)
                continue
            self.progress.lose(step)
            errors.append(_unknown(error, step, seen, reason))
        if errors:
            raise errors[0] from None

    def _read_until_shown(self, uncertain: Sequence[Step]) -> _Found:
        """Reads after something went wrong, until something of each of these steps is visible or time is over."""
        wait = _Wait(self._task, _command_timeout(self._task, True))
        while True:
            found = self._read_twice()
            hidden = [step for step in uncertain if found.never >= {change.key for change in step.changes}]
            if not hidden or found.failure or wait.over:
                return found
            wait.pause(hidden)

    def _read_twice(self) -> _Found:
        """Reads after something went wrong."""
        try:
            plans = [self._planner(self._read_cache.look()) for _time in range(2)]
        except Exception as failure:
            error = failure if isinstance(failure, ExchangeError) else defect(failure)
            return _Found(failure=f"the read failed: {error.message.rstrip('.')}")
        # What travelled with the steps may have been read before them. What it does show was stored, whoever removed it
        # since.
        travelled = [plan for plan in map(self._planned, self._looks) if plan is not None]
        missing = _left(plans[0]) & _left(plans[1])
        return _Found(missing, missing.intersection(*map(_left, travelled)))

    def verify(self) -> tuple[dict[str, Any], Organization | None]:
        """Reads until two reads in a row show the plan as done, because replicas answer in turn and may be stale.

        :returns: the managed options and the organization as the service finally shows them.
        """
        if not self._timeout:
            return self._plan.after, None
        wait = _Wait(self._task, self._timeout)
        looks = list(self._looks)
        shown: list[bool] = []
        while True:
            travelled = bool(looks)
            organization = looks.pop(0) if looks else self._read_cache.look()
            left = self._planned(organization) if travelled else self._planner(organization)
            shown.append(left is not None and not left.steps)
            if left is not None and shown[-2:] == [True, True]:
                self._task.warnings += self._done_by_others(organization)
                return left.before, organization
            if left is not None and left.steps and not travelled:
                if wait.over:
                    self._task.warnings += self._done_by_others(organization)
                    raise self._unverified(left, ever_seen=any(shown))
                wait.pause(left.steps)

    def _unverified(self, left: Plan, *, ever_seen: bool) -> VerificationError:
        """The error if reads do not show the plan as done.

        :param left: what the last of them leaves to do.
        """
        foreign = self._first.beyond(left.steps)
        if foreign and not any(repeats(step, self.progress.applied) for step in left.steps):
            return changed_by_others(foreign)
        return not_stored(self.progress.applied, left.changes, ever_seen=ever_seen, timeout=self._timeout)

    def _done_by_others(self, after: Organization) -> list[str]:
        """What others changed during the task, in sentences."""
        return (
            self._plan.concurrent_changes(self._before, after, self.progress.applied)
            if self._plan.concurrent_changes
            else []
        )


def _unknown(error: ExchangeError, step: Step, seen: Sequence[Change], reason: str) -> OutcomeUnknownError:
    """The error for a step that Exchange refused and that is stored in part, or was stored for a while, or of which it
    is not known whether it is stored.

    :param seen: its changes that a read has shown.
    :param reason: why it is not known; empty if it is.
    """
    found = f"a part of the change is stored: {', '.join(map(label, seen))}"
    if reason:
        found = f"it is unknown whether the change is stored, because {reason}"
    elif len(seen) == len(step.changes):
        found = "the change was stored, and is no longer visible"
    return OutcomeUnknownError(
        f"{error.message.rstrip('.')}; {found}.",
        remedy=f"{error.remedy} The next run reads the organization first and applies what is missing.".lstrip(),
        cmdlet=error.cmdlet,
        error_id=error.error_id,
    )


def _left(plan: Plan) -> set[tuple[str, str, str]]:
    """The changes that a plan still has to make."""
    return {change.key for change in plan.changes}


def _is_undone(step: Step, left: Iterable[Step]) -> bool:
    """Whether no part of a step is visible: all of its changes are still planned, from and to the same values.

    If an option is now planned from or to another value, somebody else has written in between.
    """
    # The impact may have changed: disabling a rule takes nothing away once the rule does not encrypt.
    planned = [replace(change, impact=Impact.NONE) for other in left for change in other.changes]
    return all(replace(change, impact=Impact.NONE) in planned for change in step.changes)


#: Matches the whole sentence, because a name in another warning may contain any part of it.
_NO_CHANGE = re.compile(
    r"(?:WARNING: )?The command completed successfully but no settings of .* have been modified\.?", re.DOTALL
)


def _changed_nothing(warning: str) -> bool:
    """Whether Exchange reports that a write changed nothing, which means that the earlier read was stale. Only English
    is recognized.
    """
    return bool(_NO_CHANGE.fullmatch(warning.strip()))


def _command_timeout(task: ModuleContext, unknown: bool) -> int:
    """Seconds to wait for a write that later steps depend on, or whose response was lost."""
    timeout: int = task.params["verify_timeout"] or LOST_TIMEOUT
    return min(timeout, LOST_TIMEOUT) if unknown else timeout


def _result(before: dict[str, Any], after: dict[str, Any], steps: list[Step]) -> dict[str, Any]:
    return {
        "changed": bool(steps),
        "before": before,
        "after": after,
        "changes": listed(change for step in steps for change in step.changes),
        "commands": [str(step.call) for step in steps],
    }
