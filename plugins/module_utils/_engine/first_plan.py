# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task may write: what its first plan contains, once.

A plan that is made after a write also has what others changed since. To take that back was never planned, shown or
approved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .._exchange.document import normal
from .plan import Change, Phase, Plan, Step


class FirstPlan:
    """The plan that a task began with, for comparison with later ones."""

    def __init__(self, plan: Plan) -> None:
        #: The names that the objects had then: the task itself may rename a rule.
        self._names = {
            step.target: change.identity for step in plan.steps if step.target[1] is not None for change in step.changes
        }
        #: The values that the plan starts from, or leads through.
        self._values: dict[tuple[str, str, str], list[Any]] = {}
        for change in plan.changes:
            self._values.setdefault(change.key, []).extend(map(normal, (change.before, change.after)))

    def named(self, step: Step) -> Step:
        """A later plan's step, with the object named as in the first plan."""
        name = self._names.get(step.target)
        return (
            step
            if name is None
            else replace(step, changes=tuple(replace(change, identity=name) for change in step.changes))
        )

    def changes_beyond(self, steps: Iterable[Step]) -> list[Change]:
        """The changes of a later plan that the first plan does not have: of something else, or from another value."""
        return [change for step in steps for change in step.changes if not self._has(step, change)]

    def _has(self, step: Step, change: Change) -> bool:
        values = self._values.get(change.key, ())
        return bool(values) and (_is_move(step) or normal(change.before) in values)


def repeats(step: Step, made: Iterable[Step]) -> bool:
    """Whether a later plan's step makes a change again that one of these steps has made. Somebody undid it, Exchange
    ignored it, or a read is behind: in no case is it made twice. A move to another place is another change.
    """
    done = [change for made_step in made for change in made_step.changes]
    return any(
        change.key == other.key
        and normal(change.after) == normal(other.after)
        and (not _is_move(step) or change.before == other.before)
        for change in step.changes
        for other in done
    )


def _is_move(step: Step) -> bool:
    """Whether it moves a rule. The numbers of places are relative: each rule that comes or goes changes them."""
    return step.phase is Phase.RULE_ORDER
