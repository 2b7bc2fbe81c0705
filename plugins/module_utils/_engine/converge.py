# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: read, plan, apply, verify. Everything that the collection writes goes through it. Private to the collection.

A planner is a pure function from an organization to a :class:`Plan`. To write is to run the plan's steps. A write is complete
when the planner finds nothing left to do in a fresh read. The code that verifies a change is therefore the code that computed it,
and a write whose response was lost needs no special rule: the organization is read and planned again.
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
    OptionError,
    OutcomeUnknownError,
    ThrottledError,
    UnreachableError,
    VerificationError,
    defect,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization, read, reads_of
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.permissions import GRANTED_BY

Planner = Callable[[Organization], Plan]

#: Seconds between two reads while a change is not visible yet.
VERIFY_INTERVAL = 2.0

#: Seconds between progress messages of a task that waits.
PROGRESS_INTERVAL = 15.0

#: Errors that prove that a write did not happen. After any other error, the organization is read before the task reports anything.
_NOT_CARRIED_OUT = (OptionError, NotSentError, UnreachableError, ThrottledError, AlreadyExistsError)

#: Seconds after which a write whose response was lost counts as not done if it is still not visible. Other waits use ``verify_timeout``.
LOST_TIMEOUT = 15

#: The number of extra reads, beyond two for each step, that a task may need because a response was lost or a later step depends on an earlier one.
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
            labels = dict.fromkeys(_label(change) for step in steps for change in step.changes)
            missing = ", ".join(labels) or "the change"
            self.task.say(f"Exchange does not show {missing} on every server yet. Waited {now - self.began:.0f} of {self.timeout} s.")
        time.sleep(min(VERIFY_INTERVAL, self.timeout))


@dataclass
class Progress:
    """What the task has written so far. An error that ends the task carries it into the result."""

    applied: list[Step] = field(default_factory=list)
    pending: list[Step] = field(default_factory=list)
    unknown: list[Step] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """The part of a failed task's result that lists what was applied and what was not."""
        return {
            "changed": bool(self.applied),
            "changes": _listed(change for step in self.applied for change in step.changes),
            "commands": [str(step.call) for step in self.applied],
            "not_applied": [str(step.call) for step in self.pending],
            "outcome_unknown": [str(step.call) for step in self.unknown],
        }


def converge(task: ModuleContext, subsets: Iterable[str] | Mapping[str, Call], planner: Planner, *, fresh: bool = False) -> dict[str, Any]:
    """Brings the organization to a state in which ``planner`` finds nothing to do. In check mode, reports what that would take.

    :param subsets: what the planner needs. See :func:`reads_of`.
    :param fresh: whether the planner may see only what is read now. Otherwise it may first see what the run read some seconds ago, and a
        difference in that is confirmed by a fresh read before anything is written.
    :returns: ``changed``, ``before``, ``after``, ``changes`` and ``commands``.
    :raises ExchangeError: its ``progress`` tells what was written before.
    """
    reads = reads_of(subsets)
    organization = read(task.session, reads, fresh=fresh)
    plan = planner(organization)
    if plan.steps and organization.reused and not task.check_mode:
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
        # If an earlier try lost its response and this one finds nothing to change, the earlier one made the change.
        tried = [left for left in progress.unknown if left.call == step.call]
        progress.unknown = [left for left in progress.unknown if left.call != step.call]
        if unknown:
            progress.unknown.append(step)
            if not step.is_visible:
                raise result.error or OutcomeUnknownError("The response to this write was lost.")
        elif tried or not any(map(_changed_nothing, result.warnings)):
            progress.applied.append(step)
        if unknown or step.needs_replanning(progress.pending):
            rereads += 1
            if rereads > limit:
                raise result.error or VerificationError(
                    "The organization changes as fast as this task writes to it.", remedy="Another administrator is changing it. Run the task again later."
                )
            progress.pending = _replan(task, reads, planner, [*progress.applied, step], _command_timeout(task, unknown))
            seen = not _is_undone(step, progress.pending)
            if unknown and seen:
                progress.unknown.remove(step)
                progress.applied.append(step)
            elif not unknown and not seen:
                if len(progress.pending) > 1:
                    raise _not_stored([step], step.changes, ever_seen=False, timeout=_command_timeout(task, unknown))
                # No later step depends on it, so verification may wait longer for it.
                progress.pending = []


def _read_back(task: ModuleContext, reads: Mapping[str, Call], planner: Planner, progress: Progress, error: ExchangeError) -> None:
    """Finds out what the first pending step stored although Exchange returned an error: it may have stored all, some or none of it.

    Returns if the whole step is visible. The step then counts as applied.

    :raises ExchangeError: the original error, if two reads in a row show nothing of the step. One is not enough: replicas answer in turn.
    :raises OutcomeUnknownError: a part of the step is visible, or the read failed.
    """
    step, *later = progress.pending
    reason, left, missing = "Exchange does not show the properties that it changes", list[Step](), set(map(_key, step.changes))
    if step.is_visible:
        try:
            for _time in range(2):
                left = planner(read(task.session, reads, fresh=True)).steps
                missing &= {_key(change) for other in left for change in other.changes}
            reason = ""
        except Exception as failure:
            reason = f"the read failed: {(failure if isinstance(failure, ExchangeError) else defect(failure)).message.rstrip('.')}"
    seen = [change for change in step.changes if _key(change) not in missing]
    if not reason and not seen:
        raise error
    if not reason and not missing:
        task.warnings.append(f"{step.call.cmdlet}: Exchange returned an error but shows the change: {error.message}")
        progress.applied.append(step)
        progress.pending = left
        return
    progress.pending = later
    progress.unknown.append(step)
    found = f"it is unknown whether the change is stored, because {reason}" if reason else f"a part of the change is stored: {', '.join(map(_label, seen))}"
    raise OutcomeUnknownError(
        f"{error.message.rstrip('.')}; {found}.",
        remedy=f"{error.remedy} The next run reads the organization first and applies what is missing.".strip(),
        cmdlet=error.cmdlet,
        error_id=error.error_id,
    ) from None


def _key(change: Change) -> tuple[str, str, str]:
    """Identifies the setting and object of a change."""
    return change.resource, change.identity, change.option


def _is_undone(step: Step, left: Iterable[Step]) -> bool:
    """Whether no part of a step is visible: all of its changes are still planned, from and to the same values.

    If an option is now planned from or to another value, somebody else has written in between.
    """
    # The impact may have changed: disabling a rule takes nothing away once the rule does not encrypt.
    planned = [replace(change, impact=Impact.NONE) for other in left for change in other.changes]
    return all(replace(change, impact=Impact.NONE) in planned for change in step.changes)


#: Matches the whole sentence, because a name in another warning may contain any part of it.
_NO_CHANGE = re.compile(r"(?:WARNING: )?The command completed successfully but no settings of .* have been modified\.?", re.DOTALL)


def _changed_nothing(warning: str) -> bool:
    """Whether Exchange reports that a write changed nothing, which means that the earlier read was stale. Only English is recognized."""
    return bool(_NO_CHANGE.fullmatch(warning.strip()))


def _command_timeout(task: ModuleContext, unknown: bool) -> int:
    """Seconds to wait for a write that later steps depend on, or whose response was lost."""
    timeout: int = task.params.get("verify_timeout", 0) or LOST_TIMEOUT
    return min(timeout, LOST_TIMEOUT) if unknown else timeout


def _replan(task: ModuleContext, reads: Mapping[str, Call], planner: Planner, done: Sequence[Step], timeout: float) -> list[Step]:
    """The remaining steps, from fresh reads. Steps that are not visible yet get time, so that a stale read does not cause them to be sent again."""
    wait = _Wait(task, timeout)
    while True:
        left = planner(read(task.session, reads, fresh=True)).steps
        undone = [step for step in done if _is_undone(step, left)]
        if wait.over or not undone:
            return left
        wait.pause(undone)


def _verify(task: ModuleContext, reads: Mapping[str, Call], planner: Planner, plan: Plan, applied: list[Step], before: Organization) -> dict[str, Any]:
    """Reads until two reads in a row show the plan as done, because replicas answer in turn and may be stale.

    :param before: the organization that the plan was made from.
    :returns: the managed options as the service finally shows them.
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
    """The error for changes that no read shows: stored on some servers, certainly ignored, or possibly either."""
    missing = list(missing)
    if ever_seen:
        return VerificationError(
            f"{', '.join(dict.fromkeys(map(_label, missing)))} is stored, but not on every server yet: "
            f"reads returned the old and the new value in turn for {timeout} seconds.",
            remedy="Run the task again later, or raise verify_timeout.",
        )
    shown = "; ".join(f"{_label(change)} is {change.before!r}, not {change.after!r}" for change in missing)
    labels = set(map(_label, missing))
    steps = [step for step in applied if labels & set(map(_label, step.changes))]
    found = {_label(change): change.before for step in steps for change in step.changes}
    if any(_label(change) in found and change.before != found[_label(change)] for change in missing):
        return VerificationError(
            f"Exchange stores a different value from the one that was sent: {shown}.",
            remedy="Unless another administrator changed it, write the value as Exchange shows it (a recipient by its primary SMTP address).",
        )
    grants = list(dict.fromkeys(GRANTED_BY[step.call.cmdlet] for step in steps if step.call.cmdlet in GRANTED_BY))
    license = f"{' and '.join(grants) or 'a role'} may not be sufficient, or a license such as Advanced Message Encryption may be missing"
    stored = [label for step in steps for label in map(_label, step.changes) if label not in labels]
    if stored:
        return VerificationError(
            f"Exchange accepted the change but ignored a part of it: {shown}. {', '.join(stored)} of the same call is stored.",
            remedy=f"Probable cause: {license}.",
        )
    return VerificationError(
        f"Exchange accepted the change but does not show it after {timeout} seconds: {shown}.",
        remedy=f"Exchange may ignore the change ({license}), or store the value in another form: then write it as Exchange shows it. "
        "If the organization is slow, raise verify_timeout.",
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
