# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to do of a plan, by what reads show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .._exchange.errors import ExchangeError
from .._exchange.organization import Organization
from .first_plan import FirstPlan
from .plan import Plan, Step
from .round_trips import RoundTrips

Planner = Callable[[Organization], Plan]


@dataclass(frozen=True)
class VerificationRead:
    """The organization as it was read back after writes.

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


class RemainingWork:
    """What is left to do of a plan. That may be more than the first plan had: others may have changed something since.

    :param planner: plans what is left to do in an organization.
    :param plan: the first plan.
    :param round_trips: reads the organization.
    """

    def __init__(self, planner: Planner, plan: Plan, round_trips: RoundTrips) -> None:
        self.first_plan = FirstPlan(plan)
        #: What travelled with the last steps that were sent. It counts only where it shows them: it may be older than
        #: they are.
        self.travelled_reads: list[Organization] = []
        self._planner = planner
        self._round_trips = round_trips
        #: The calls whose result no read shows, without those that succeeded. A plan never ceases to contain them.
        self._unseen = [step.call for step in plan.steps if not step.is_visible]

    def accept(self, step: Step) -> None:
        """Notes that Exchange answered a step as done."""
        self._unseen = [call for call in self._unseen if call != step.call]

    def plan(self, organization: Organization) -> Plan:
        """The plan for what is left to do. What no read shows is sent once, and is as it was sent."""
        plan = self._planner(organization)
        steps = [step for step in plan.steps if step.is_visible or step.call in self._unseen]
        sent = {change.option: change.after for step in plan.steps if step not in steps for change in step.changes}
        return replace(plan, before=plan.before | sent, steps=list(map(self.first_plan.named, steps)))

    def _plan_by_travelled(self, organization: Organization) -> Plan | None:
        """The plan for something that travelled with steps; ``None`` if it is no basis for one."""
        try:
            return self.plan(organization)
        except ExchangeError:
            return None

    def plan_by_read(self) -> Plan:
        """The plan for what is left to do by a read of its own."""
        return self.plan(self._round_trips.read())

    def plans_by_travelled(self) -> list[Plan]:
        """The plans for what travelled with the last steps, which is used up."""
        reads, self.travelled_reads = self.travelled_reads, []
        return [plan for plan in map(self._plan_by_travelled, reads) if plan is not None]

    def next_read(self, travelled: list[Organization]) -> VerificationRead:
        """The organization as it is read back next.

        :param travelled: what was read with the last steps and was not used yet; the first of it is used up.
        """
        if travelled:
            organization = travelled.pop(0)
            return VerificationRead(organization, self._plan_by_travelled(organization), is_fresh=False)
        organization = self._round_trips.read()
        return VerificationRead(organization, self.plan(organization), is_fresh=True)
