# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine is given in tests: things with a value each, and a planner that wants other values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.converge import Planner
from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Phase, Plan, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization

ALWAYS = frozenset(Phase)
READS = {"things": Call("Get-Thing")}


def wants(*, replans: bool = False, phases: Mapping[str, Phase] | None = None, **values: str) -> Planner:
    """A planner that wants the things named by the keys to have these values.

    :param phases: those of the things whose steps are not settings.
    """

    def planner(organization: Organization) -> Plan:
        stored = {row["Identity"]: row["Value"] for row in organization.objects("things")}
        steps = [
            Step(
                Call("Set-Thing", {"Identity": name, "Value": value}),
                (Change("thing", name, "value", stored[name], value),),
                (phases or {}).get(name, Phase.SETTINGS),
                ALWAYS if replans else frozenset(),
            )
            for name, value in values.items()
            if stored[name] != value
        ]
        return Plan(before=stored, after={**stored, **values}, steps=sorted(steps, key=lambda step: step.phase))

    return planner


def things(**values: str) -> dict[str, list[dict[str, Any]]]:
    return {"Thing": [{"Identity": name, "Value": value} for name, value in values.items()]}
