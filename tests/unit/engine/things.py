# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine is given in tests: things with a value each, and a planner that wants other values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Phase, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.remaining_work import Planner
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization

from tests.unit.fake_session import FakeSession

ALWAYS = frozenset(Phase)
READS = {"Thing": Call("Get-Thing")}


def wants(
    *,
    replans: frozenset[Phase] = frozenset(),
    phases: Mapping[str, Phase] | None = None,
    nouns: Mapping[str, str] | None = None,
    is_visible: bool = True,
    **values: str,
) -> Planner:
    """A planner that wants the things named by the keys to have these values.

    :param replans: the phases that depend on each of its steps.
    :param phases: those of the things whose steps are not settings.
    :param nouns: what the cmdlets call those that are no things. Each noun is a subset of its own.
    """
    nouns = nouns or {}

    def planner(organization: Organization) -> Plan:
        stored = {row["Identity"]: row["Value"] for noun in organization.subsets for row in organization.objects(noun)}
        steps = [
            Step(
                Call(f"Set-{nouns.get(name, 'Thing')}", {"Identity": name, "Value": value}),
                (Change("thing", name, "value", stored[name], value),),
                (phases or {}).get(name, Phase.SETTINGS),
                replans,
                is_visible=is_visible,
            )
            for name, value in values.items()
            if stored[name] != value
        ]
        return Plan(before=stored, after={**stored, **values}, steps=sorted(steps, key=lambda step: step.phase))

    return planner


def things(noun: str = "Thing", **values: str) -> dict[str, list[dict[str, Any]]]:
    return {noun: [{"Identity": name, "Value": value} for name, value in values.items()]}


class Alternating(FakeSession):
    """Replicas answer in turn, and some are behind.

    :param shows: whether each read after the first write shows it.
    """

    shows: Sequence[bool] = ()

    def _look(self, calls: Sequence[Call], *, fresh: bool) -> list[Result]:
        shown, self.shows = (self.shows[0], self.shows[1:]) if self.writes and self.shows else (True, self.shows)
        self._behind = 0 if shown else 1
        return super()._look(calls, fresh=fresh)
