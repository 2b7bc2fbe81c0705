# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task is going to do: changes that people read, and the cmdlet calls that make them. Private to the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization


class Phase(IntEnum):
    """The order of work: what protects comes before what it protects, and what is taken away goes last."""

    SETTINGS = 0
    CONFIGURATIONS = 1
    POLICIES = 2
    RULES = 3
    RULE_ORDER = 4
    RULE_STATE = 5
    RULE_REMOVAL = 6
    CONFIGURATION_REMOVAL = 7
    LICENSING_REMOVAL = 8


class Impact(StrEnum):
    """What a change does to people beyond being a change, the worst first."""

    IN_CLEAR = "may leave in clear"
    REJECTS = "rejects"
    ALL_OUTGOING = "affects all outgoing mail"
    DELETES = "deletes"
    TAKES_AWAY = "takes away"
    WIDENS = "widens"
    SOME_MAIL = "affects some mail"
    NONE = ""


@dataclass(frozen=True)
class Change:
    """One difference.

    :param resource: the module that manages it, such as ``irm_configuration``.
    :param identity: the object's name; empty where there is only one.
    :param option: the option's name, with its section where it has one (``conditions.from_scope``), or ``state``.
    :param before: the canonical value now; ``None`` for "not set".
    :param after: the canonical value then.
    :param impact: what it does to people beyond being a change.
    """

    resource: str
    identity: str
    option: str
    before: Any
    after: Any
    impact: Impact = Impact.NONE


@dataclass(frozen=True)
class Step:
    """One cmdlet call, with the changes that it makes.

    :param phase: where in the order of work it stands.
    :param replans: the phases whose steps depend on what the service makes of this one: before them the organization is read and planned anew.
    :param remedy: what to do where the service refuses the call, as a sentence.
    :param is_visible: whether reading shows what the call made.
    """

    call: Call
    changes: tuple[Change, ...]
    phase: Phase
    replans: frozenset[Phase] = frozenset()
    remedy: str = ""
    is_visible: bool = True

    def needs_replanning(self, later: Iterable[Step]) -> bool:
        """Whether the plan has to be made anew after this step.

        :param later: the steps that are left. A step that depends on its own outcome is looked at even where none is.
        """
        return not self.replans.isdisjoint({self.phase, *(step.phase for step in later)})


#: Finds what others did between two reads, given what this task wrote in between, as sentences.
ConcurrentChanges = Callable[[Organization, Organization, Sequence[Step]], list[str]]


@dataclass
class Plan:
    """Everything that a task found out and is going to do.

    :param before: the managed options as they are, canonical.
    :param after: the managed options as they will be.
    :param steps: what to run, in order.
    :param warnings: what the reader should know.
    :param places: where new objects land that have an order: name to words.
    :param concurrent_changes: finds what others did meanwhile to what the plan is about.
    """

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    concurrent_changes: ConcurrentChanges | None = None
    places: dict[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> list[Change]:
        """The changes of all steps."""
        return [change for step in self.steps for change in step.changes]

    @staticmethod
    def join(plans: Mapping[str, Plan]) -> Plan:
        """One plan of several, each under its own key in ``before`` and ``after``; the steps in the order of work."""
        whole = Plan()
        for key, plan in plans.items():
            whole.before[key] = plan.before
            whole.after[key] = plan.after
            whole.steps += plan.steps
            whole.warnings += [warning for warning in plan.warnings if warning not in whole.warnings]
            whole.concurrent_changes = whole.concurrent_changes or plan.concurrent_changes
            whole.places |= plan.places
        whole.steps.sort(key=lambda step: step.phase)
        return whole
