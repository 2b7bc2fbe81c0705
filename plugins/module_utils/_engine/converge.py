# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: read, plan, apply, verify. The one way in which anything is ever written. Private to the collection.

A planner is a pure function from an organization to a :class:`Plan`. Writing is running the plan's steps; having written is
the planner finding nothing left to do in what was freshly read. So what verifies a change is what computed it, and a write
whose answer was lost needs no rule of its own: the organization is read and planned again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.context import ModuleContext
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Impact, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AlreadyExistsError,
    ExchangeError,
    NotSentError,
    OutcomeUnknownError,
    ThrottledError,
    UnreachableError,
    VerificationError,
    defect,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization, read, reads_of
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import GRANTED_BY

Planner = Callable[[Organization], Plan]

#: Seconds between two reads while a change is not seen yet.
VERIFY_INTERVAL = 2.0

#: Seconds after which a task that still waits says so, and says so again.
PROGRESS_INTERVAL = 15.0

#: What says of a write that it did not happen. After any other error the organization is read before anything is said.
_NOT_CARRIED_OUT = (NotSentError, UnreachableError, ThrottledError, AlreadyExistsError)

#: Seconds for which a write whose answer was lost may stay unseen before it is taken for not done. Others that are waited for have ``verify_timeout``.
LOST_TIMEOUT = 15

#: How much oftener than twice a step one task reads anew on its way, because an answer was lost or others depend on a step.
MAX_EXTRA_READS = 3


@dataclass
class _Wait:
    """Waits until Exchange shows what was written.

    :param timeout: seconds, after which it is over.
    """

    task: ModuleContext
    timeout: float

    def __post_init__(self) -> None:
        self.began = self.said = time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.began + self.timeout

    def pause(self, steps: Iterable[Step]) -> None:
        """Sleeps before the next read.

        :param steps: what is not seen yet.
        """
        now = time.monotonic()
        if now - self.said >= PROGRESS_INTERVAL:
            self.said = now
            labels = dict.fromkeys(_label(change) for step in steps for change in step.changes)
            missing = ", ".join(labels) or "the change"
            self.task.say(f"Exchange does not show {missing} on every server yet: waited {now - self.began:.0f} of {self.timeout} s.")
        time.sleep(min(VERIFY_INTERVAL, self.timeout))


@dataclass
class Progress:
    """What has been written so far. An error that ends a task carries it into the result."""

    applied: list[Step] = field(default_factory=list)
    pending: list[Step] = field(default_factory=list)
    unknown: list[Step] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """The part of a failed task's result that says what was done and what was not."""
        return {
            "changed": bool(self.applied),
            "changes": _listed(change for step in self.applied for change in step.changes),
            "commands": [str(step.call) for step in self.applied],
            "not_applied": [str(step.call) for step in self.pending],
            "outcome_unknown": [str(step.call) for step in self.unknown],
        }


def converge(task: ModuleContext, subsets: Iterable[str] | Mapping[str, Call], planner: Planner) -> dict[str, Any]:
    """Brings the organization to where ``planner`` finds nothing to do, or in check mode says what that would take.

    :param subsets: what the planner needs; see :func:`reads_of`.
    :returns: ``changed``, ``before``, ``after``, ``changes`` and ``commands``.
    :raises ExchangeError: with ``progress`` saying what had been written before.
    """
    reads = reads_of(subsets)
    organization = read(task.session, reads)
    plan = planner(organization)
    if plan.steps and organization.reused:
        organization = read(task.session, reads, fresh=True)
        plan = planner(organization)
    task.warnings += plan.warnings
    task.places |= plan.places
    if task.check_mode or not plan.steps:
        return _result(plan.before, plan.after, plan.steps)
    progress = Progress(pending=plan.steps)
    try:
        _apply(task, reads, planner, plan, progress)
        after = _verify(task, reads, planner, plan, progress.applied, organization)
    except Exception as error:
        failure = error if isinstance(error, ExchangeError) else defect(error)
        failure.progress = progress.result()
        raise failure from None
    return _result(plan.before, after, progress.applied)


def _apply(task: ModuleContext, reads: Mapping[str, Call], planner: Planner, plan: Plan, progress: Progress) -> None:
    """Runs the plan."""
    rereads = 0
    limit = 2 * len(plan.steps) + MAX_EXTRA_READS
    while progress.pending:
        step, *later = progress.pending
        result = task.session.invoke([step.call])[0]
        task.warnings += [f"{step.call.cmdlet}: {warning}" for warning in result.warnings]
        unknown = isinstance(result.error, OutcomeUnknownError)
        if result.error is not None and not unknown:
            result.error.remedy = f"{result.error.remedy} {step.remedy}".strip()
            if isinstance(result.error, _NOT_CARRIED_OUT):
                raise result.error
            rereads += 1
            _read_back(task, reads, planner, progress, result.error)
            if rereads > limit:
                raise result.error
            continue
        progress.pending = later
        # Where an earlier try lost its answer and this one found nothing to change, the earlier one has made the change.
        tried = [left for left in progress.unknown if left.call == step.call]
        progress.unknown = [left for left in progress.unknown if left.call != step.call]
        if unknown:
            progress.unknown.append(step)
            if not step.is_visible:
                raise result.error or OutcomeUnknownError("the answer to this write was lost.")
        elif tried or not any(map(_changed_nothing, result.warnings)):
            progress.applied.append(step)
        if unknown or step.needs_replanning(progress.pending):
            rereads += 1
            if rereads > limit:
                raise result.error or VerificationError(
                    "The organization changes as fast as it is written to.", remedy="Somebody else is at work on it: run the task again later."
                )
            progress.pending = _replan(task, reads, planner, [*progress.applied, step], _command_timeout(task, unknown))
            seen = not _is_undone(step, progress.pending)
            if unknown and seen:
                progress.unknown.remove(step)
                progress.applied.append(step)
            elif not unknown and not seen:
                if len(progress.pending) > 1:
                    raise _not_stored([step], step.changes, ever_seen=False, timeout=_command_timeout(task, unknown))
                # Nothing depends on it any more, so that verifying may wait for it longer.
                progress.pending = []


def _read_back(task: ModuleContext, reads: Mapping[str, Call], planner: Planner, progress: Progress, error: ExchangeError) -> None:
    """What the first pending step left behind although Exchange answered with an error: it may store, wholly or in part, and still do so.

    Returns where all of the step is seen, which then counts as applied.

    :raises ExchangeError: the error itself where nothing of the step is seen, twice in a row since replicas answer in turn.
    :raises OutcomeUnknownError: a part of it is seen, or it cannot be read.
    """
    step, *later = progress.pending
    reason, left, missing = "reading does not show what it changes", list[Step](), set(map(_key, step.changes))
    if step.is_visible:
        try:
            for _time in range(2):
                left = planner(read(task.session, reads, fresh=True)).steps
                missing &= {_key(change) for other in left for change in other.changes}
            reason = ""
        except Exception as failure:
            reason = f"reading failed: {(failure if isinstance(failure, ExchangeError) else defect(failure)).message.rstrip('.')}"
    seen = [change for change in step.changes if _key(change) not in missing]
    if not reason and not seen:
        raise error
    if not reason and not missing:
        task.warnings.append(f"{step.call.cmdlet}: Exchange answered with an error, and shows the change nevertheless: {error.message}")
        progress.applied.append(step)
        progress.pending = left
        return
    progress.pending = later
    progress.unknown.append(step)
    found = f"whether the change is stored is not known, because {reason}" if reason else f"a part of the change is stored: {', '.join(map(_label, seen))}"
    raise OutcomeUnknownError(
        f"{error.message.rstrip('.')}, and {found}.",
        remedy=f"{error.remedy} The next run reads first and then does what is left.".strip(),
        cmdlet=error.cmdlet,
        error_id=error.error_id,
    ) from None


def _key(change: Change) -> tuple[str, str, str]:
    """Which setting of which object a change is about."""
    return change.resource, change.identity, change.option


def _is_undone(step: Step, left: Iterable[Step]) -> bool:
    """Whether nothing of what a step changes is seen: all of it is still planned, and from the same to the same.

    Where the same option is to become something else by now, somebody else has written in between.
    """
    # The impact may be another one by now: switching a rule off takes nothing away any more once it does not encrypt.
    planned = [replace(change, impact=Impact.NONE) for other in left for change in other.changes]
    return all(replace(change, impact=Impact.NONE) in planned for change in step.changes)


#: The whole sentence: a name in another warning may hold any part of it.
_NO_CHANGE = re.compile(r"(?:WARNING: )?The command completed successfully but no settings of .* have been modified\.?", re.DOTALL)


def _changed_nothing(warning: str) -> bool:
    """Whether Exchange says that a write found everything as it was to be: what was read before it was behind. Other languages are not understood."""
    return bool(_NO_CHANGE.fullmatch(warning.strip()))


def _command_timeout(task: ModuleContext, unknown: bool) -> int:
    """Seconds for which a write that others depend on, or whose answer was lost, may stay unseen."""
    timeout: int = task.params.get("verify_timeout", 0) or LOST_TIMEOUT
    return min(timeout, LOST_TIMEOUT) if unknown else timeout


def _replan(task: ModuleContext, reads: Mapping[str, Call], planner: Planner, done: Sequence[Step], timeout: float) -> list[Step]:
    """What is left to do, from fresh reads. Steps that are not seen done yet are given time: a read that is behind must not have them sent again."""
    wait = _Wait(task, timeout)
    while True:
        left = planner(read(task.session, reads, fresh=True)).steps
        undone = [step for step in done if _is_undone(step, left)]
        if wait.over or not undone:
            return left
        wait.pause(undone)


def _verify(task: ModuleContext, reads: Mapping[str, Call], planner: Planner, plan: Plan, applied: list[Step], before: Organization) -> dict[str, Any]:
    """Reads until the plan is seen done twice in a row, since replicas answer in turn and may be behind.

    :param before: what the plan was made from.
    :returns: the managed options as the service shows them in the end.
    """
    timeout = task.params.get("verify_timeout", 0)
    if not timeout:
        return plan.after
    wait = _Wait(task, timeout)
    in_a_row = 0
    ever_seen = False
    while True:
        organization = read(task.session, reads, fresh=True)
        left = planner(organization)
        in_a_row = 0 if left.steps else in_a_row + 1
        ever_seen = ever_seen or not left.steps
        if in_a_row == 2:
            task.warnings += _done_by_others(plan, before, organization, applied)
            return left.before
        if in_a_row == 0:
            if wait.over:
                task.warnings += _done_by_others(plan, before, organization, applied)
                raise _not_stored(applied, left.changes, ever_seen=ever_seen, timeout=timeout)
            wait.pause(left.steps)


def _done_by_others(plan: Plan, before: Organization, after: Organization, applied: Sequence[Step]) -> list[str]:
    return plan.concurrent_changes(before, after, applied) if plan.concurrent_changes else []


def _not_stored(applied: Iterable[Step], missing: Iterable[Change], *, ever_seen: bool, timeout: int) -> VerificationError:
    """The error for changes that reading does not show: stored somewhere, ignored for certain, or one of both."""
    missing = list(missing)
    if ever_seen:
        return VerificationError(
            f"{', '.join(dict.fromkeys(map(_label, missing)))} is stored, but not on every server yet: "
            f"reads gave the old and the new value in turn for {timeout} seconds.",
            remedy="Run the task again later, or raise verify_timeout.",
        )
    shown = "; ".join(f"{_label(change)} is {change.before!r}, not {change.after!r}" for change in missing)
    labels = set(map(_label, missing))
    steps = [step for step in applied if labels & set(map(_label, step.changes))]
    found = {_label(change): change.before for step in steps for change in step.changes}
    if any(_label(change) in found and change.before != found[_label(change)] for change in missing):
        return VerificationError(
            f"Exchange stores another value than the one that was sent: {shown}.",
            remedy="Give it as Exchange shows it (a recipient by its primary SMTP address), unless somebody else has changed it meanwhile.",
        )
    grants = list(dict.fromkeys(GRANTED_BY[step.call.cmdlet] for step in steps if step.call.cmdlet in GRANTED_BY))
    license = f"{' and '.join(grants) or 'a role'} may not be enough for it, or a license such as Advanced Message Encryption is missing"
    stored = [label for step in steps for label in map(_label, step.changes) if label not in labels]
    if stored:
        return VerificationError(
            f"Exchange accepted the change and ignores a part of it: {shown}, while {', '.join(stored)} of the same call is stored.",
            remedy=f"Probably {license}.",
        )
    return VerificationError(
        f"Exchange accepted the change and does not show it after {timeout} seconds: {shown}.",
        remedy=f"Either it is ignored ({license}), or Exchange keeps another form of the value than the one given: give it as Exchange shows it. "
        "Raise verify_timeout if the organization is slow.",
    )


def _label(change: Change) -> str:
    return f"{change.option} of {change.identity!r}" if change.identity else change.option


def _result(before: dict[str, Any], after: dict[str, Any], steps: list[Step]) -> dict[str, Any]:
    return {
        "changed": bool(steps),
        "before": before,
        "after": after,
        "changes": _listed(change for step in steps for change in step.changes),
        "commands": [str(step.call) for step in steps],
    }


def _listed(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [{**asdict(change), "impact": change.impact.value} for change in changes]
