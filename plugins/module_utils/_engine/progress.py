# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task has written so far, and the error for changes that no read shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from .._exchange.errors import VerificationError
from .._exchange.permissions import GRANTED_BY
from .plan import Change, Step


@dataclass
class Progress:
    """What the task has written so far. An error that ends the task carries it into the result.

    :param applied: the steps that Exchange accepted, or that reads showed.
    :param unknown: the steps of which neither the answer nor a read told what became of them.
    :param unseen: the changes of steps that Exchange accepted and that no read shows.
    """

    applied: list[Step] = field(default_factory=list)
    pending: list[Step] = field(default_factory=list)
    unknown: list[Step] = field(default_factory=list)
    unseen: list[Change] = field(default_factory=list)

    def succeed(self, step: Step, *, changed_nothing: bool) -> None:
        """Records a success. One that changed nothing counts if an earlier try lost its response: that one made the
        change.
        """
        tried = self._forget(step)
        if tried or not changed_nothing:
            self.applied.append(step)

    def lose(self, step: Step) -> None:
        """Records that the response to a step was lost."""
        self._forget(step)
        self.unknown.append(step)

    def is_lost(self, step: Step) -> bool:
        """Whether it is unknown of an earlier step whether it made one of the changes of this one."""
        keys = {change.key for change in step.changes}
        return any(change.key in keys for other in self.unknown for change in other.changes)

    def record_stored(self, step: Step) -> None:
        """Records that a step whose response was lost is stored."""
        self._forget(step)
        self.applied.append(step)

    def _forget(self, step: Step) -> bool:
        """Removes earlier tries of a step whose responses were lost. Returns whether there were any."""
        others = [other for other in self.unknown if other.call != step.call]
        was_unknown = len(others) < len(self.unknown)
        self.unknown = others
        return was_unknown

    def result(self) -> dict[str, Any]:
        """The part of a failed task's result that lists what was applied and what was not. What no read shows may be stored."""
        unseen = {change.key for change in self.unseen}
        changes = [change for step in self.applied for change in step.changes]
        doubtful = [step for step in self.applied if any(change.key in unseen for change in step.changes)]
        return {
            "changed": bool(self.applied),
            "changes": listed(change for change in changes if change.key not in unseen),
            "commands": [str(step.call) for step in self.applied],
            "not_applied": [str(step.call) for step in self.pending],
            "outcome_unknown": [str(step.call) for step in (*self.unknown, *doubtful)],
        }


def listed(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as a module returns them."""
    return [{**asdict(change), "impact": change.impact.value} for change in changes]


def not_stored(
    applied: Iterable[Step], missing: Iterable[Change], *, timeout: int, ever_seen: bool = False
) -> VerificationError:
    """The error for changes that no read shows: stored on some servers, certainly ignored, or possibly either."""
    missing = list(missing)
    if ever_seen:
        return VerificationError(
            f"{_are(dict.fromkeys(map(label, missing)))} stored, but not on every server yet: "
            f"reads returned the old and the new value in turn for {timeout} seconds.",
            remedy="Run the task again later, or raise verify_timeout.",
        )
    shown = "; ".join(f"{label(change)} is {change.before!r}, not {change.after!r}" for change in missing)
    labels = set(map(label, missing))
    steps = [step for step in applied if labels & set(map(label, step.changes))]
    values_before = {label(change): change.before for step in steps for change in step.changes}
    if any(label(change) in values_before and change.before != values_before[label(change)] for change in missing):
        return VerificationError(
            f"Exchange stores a different value from the one that was sent: {shown}.",
            remedy="Unless another administrator changed it, write the value as Exchange shows it (a recipient by its primary SMTP address).",
        )
    grants = list(dict.fromkeys(GRANTED_BY[step.call.cmdlet] for step in steps if step.call.cmdlet in GRANTED_BY))
    license = f"{' and '.join(grants) or 'a role'} may not be sufficient, or a license such as Advanced Message Encryption may be missing"
    stored = [name for step in steps for name in map(label, step.changes) if name not in labels]
    if stored:
        return VerificationError(
            f"Exchange accepted the change but ignored a part of it: {shown}. {_are(stored, ' of the same call')} stored.",
            remedy=f"Probable cause: {license}.",
        )
    return VerificationError(
        f"Exchange accepted the change but does not show it after {timeout} seconds: {shown}.",
        remedy=f"Exchange may ignore the change ({license}), or store the value in another form: then write it as Exchange shows it. "
        "If the organization is slow, raise verify_timeout.",
    )


def changed_by_others(changes: Iterable[Change]) -> VerificationError:
    """The error for changes that are needed only because somebody else wrote during the task. An object that is created
    or removed is one change.
    """
    changes = list(changes)
    whole = {(change.resource, change.identity) for change in changes if change.option == "state"}
    shown = "; ".join(
        f"{label(change)} is {change.before!r}, not {change.after!r}"
        for change in changes
        if change.option == "state" or (change.resource, change.identity) not in whole
    )
    return VerificationError(
        f"Somebody else changed something while this task wrote: {shown}. "
        "That was not in the plan, so it stays, and nothing more was written.",
        remedy="Run it again: its plan then shows what is left to do.",
    )


def _are(names: Iterable[str], what: str = "") -> str:
    """The names as the beginning of a sentence, with the verb."""
    names = list(names)
    return f"{', '.join(names)}{what} {'is' if len(names) == 1 else 'are'}"


def label(change: Change) -> str:
    """The change for people: its option, and the object if it has a name."""
    return f"{change.option} of {change.identity!r}" if change.identity else change.option
