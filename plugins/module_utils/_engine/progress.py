# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task has written so far. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Step


@dataclass
class Progress:
    """What the task has written so far. An error that ends the task carries it into the result."""

    applied: list[Step] = field(default_factory=list)
    pending: list[Step] = field(default_factory=list)
    unknown: list[Step] = field(default_factory=list)

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
        """Whether the response to an earlier try of a step was lost."""
        return any(other.call == step.call for other in self.unknown)

    def found(self, step: Step) -> None:
        """Records that a step whose response was lost is stored."""
        self._forget(step)
        self.applied.append(step)

    def _forget(self, step: Step) -> bool:
        """Removes earlier tries of a step whose responses were lost. Returns whether there were any."""
        others = [other for other in self.unknown if other.call != step.call]
        found = len(others) < len(self.unknown)
        self.unknown = others
        return found

    def result(self) -> dict[str, Any]:
        """The part of a failed task's result that lists what was applied and what was not."""
        return {
            "changed": bool(self.applied),
            "changes": listed(change for step in self.applied for change in step.changes),
            "commands": [str(step.call) for step in self.applied],
            "not_applied": [str(step.call) for step in self.pending],
            "outcome_unknown": [str(step.call) for step in self.unknown],
        }


def listed(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Changes as a module returns them."""
    return [{**asdict(change), "impact": change.impact.value} for change in changes]
