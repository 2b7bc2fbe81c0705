# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task will do: changes for people to read, and the cmdlet calls that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from .._exchange.cmdlet import Call
from .._exchange.invalidation import noun
from .._exchange.organization import Organization


class Phase(IntEnum):
    """The order of work: protection comes before what it protects, and removals come last."""

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
    """How a change affects people, worst first."""

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

    :param resource: the module that manages the object, such as ``irm_configuration``.
    :param identity: the object's name; empty if there is only one.
    :param option: the option's name, with its section if it has one (``conditions.from_scope``), or ``state``.
    :param before: the current canonical value; ``None`` for "not set".
    :param after: the new canonical value.
    :param impact: how the change affects people.
    """

    resource: str
    identity: str
    option: str
    before: Any
    after: Any
    impact: Impact = Impact.NONE

    @property
    def key(self) -> tuple[str, str, str]:
        """The resource, the object and the option that it changes."""
        return self.resource, self.identity, self.option

    @property
    def subject(self) -> str:
        """The name of the object, or of the resource if an organization has only one."""
        return self.identity or self.resource


@dataclass(frozen=True)
class Step:
    """One cmdlet call and the changes that it makes.

    :param phase: its place in the order of work.
    :param replans: the phases whose steps depend on the outcome of this one. Before them, the organization is read and
        planned again.
    :param remedy: what to do if the service refuses the call, as a sentence.
    :param is_visible: whether a read shows the result of the call.
    """

    call: Call
    changes: tuple[Change, ...]
    phase: Phase
    replans: frozenset[Phase] = frozenset()
    remedy: str = ""
    is_visible: bool = True

    @property
    def target(self) -> tuple[str, Any]:
        """What the call is about: the noun, and the object if it names one."""
        return noun(self.call), self.call.parameters.get("Identity")

    def needs_replanning(self, later: Iterable[Step]) -> bool:
        """Whether the plan must be made again after this step.

        :param later: the remaining steps. A step that depends on its own outcome is checked even if none remain.
        """
        return not self.replans.isdisjoint({self.phase, *(step.phase for step in later)})


#: Phases whose steps do not wait for each other. Rules are not among them: each depends on its place among the others,
#: and on the OME configuration that it names, and must not be there if what comes before it has failed.
_TOGETHER = (
    frozenset({Phase.SETTINGS, Phase.CONFIGURATIONS, Phase.POLICIES}),
    frozenset({Phase.CONFIGURATION_REMOVAL}),
)


def first_trip(steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """Cuts a list of steps into those, from the first, that may share a round trip in any order, and the others."""
    phases_of_trip = next((phases for phases in _TOGETHER if steps[0].phase in phases), frozenset())
    group = [steps[0]]
    for step in steps[1:]:
        if step.phase not in phases_of_trip or any(
            step.target == other.target or step.phase in other.replans for other in group
        ):
            break
        group.append(step)
    return group, list(steps[len(group) :])


@dataclass(frozen=True)
class PlanWarning:
    """What the reader of a plan should know. Warnings of one kind with the same values are the same: approvals do not
    depend on their sentences.

    :param kind: what it warns of, in a word.
    :param text: the sentence.
    :param values: what the sentence names, in JSON's types.
    """

    kind: str
    text: str = field(compare=False)
    values: Mapping[str, Any] = field(hash=False)

    @classmethod
    def read(cls, row: Any) -> PlanWarning:
        """A warning from its written form. Raises ValueError if it is none."""
        if not isinstance(row, Mapping) or {key: type(value) for key, value in row.items()} != {
            "kind": str,
            "text": str,
            "values": dict,
        }:
            raise ValueError("it is not a warning")
        return cls(**row)

    def as_dict(self) -> dict[str, Any]:
        """The warning in its written form."""
        return {"kind": self.kind, "text": self.text, "values": dict(self.values)}

    def __str__(self) -> str:
        return self.text


def warning(kind: str, text: str, /, **values: Any) -> PlanWarning:
    """A warning of a kind, with its sentence and what that names."""
    return PlanWarning(kind, text, values)


#: Finds what others changed between two reads, given what this task wrote in between. Returns sentences.
ConcurrentChanges = Callable[[Organization, Organization, Sequence[Step]], list[str]]


@dataclass
class Plan:
    """What a task found and what it will do.

    :param before: the current managed options, canonical.
    :param after: the managed options after the plan, canonical.
    :param steps: the steps to run, in order.
    :param warnings: what the reader should know.
    :param places: for new objects that have an order, name to a description of the position.
    :param concurrent_changes: finds what others changed during the task in the scope of the plan.
    """

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    warnings: list[PlanWarning] = field(default_factory=list)
    concurrent_changes: ConcurrentChanges | None = None
    places: dict[str, str] = field(default_factory=dict)

    @property
    def changes(self) -> list[Change]:
        """The changes of all steps."""
        return [change for step in self.steps for change in step.changes]

    @staticmethod
    def join(plans: Mapping[str, Plan]) -> Plan:
        """Joins several plans into one, each under its own key in ``before`` and ``after``. The steps are in the order
        of work.
        """
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
