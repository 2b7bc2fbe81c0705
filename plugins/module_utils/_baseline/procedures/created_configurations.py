# SPDX-License-Identifier: GPL-3.0-or-later
"""The OME configurations that exist since a snapshot, and what a rollback makes of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..._engine.plan import Plan
from ..._exchange.names import name_key
from ..._exchange.organization import Organization
from ..._resources.ome_configuration import OME_CONFIGURATION, is_default, plan_configuration
from ..._resources.table import name_of
from ..documents.change import PlannedChange


@dataclass(frozen=True)
class CreatedConfigurations:
    """The OME configurations that a snapshot does not have.

    :param held: the names of those that it has.
    :param changes: what runs changed that the rollback takes back.
    :param whole: whether the whole state is restored.
    """

    held: Collection[str]
    changes: Sequence[PlannedChange]
    whole: bool

    def removal(self, organization: Organization) -> Plan:
        """The removal of the OME configurations that the run created, and that did not exist before it. Those of later
        runs are among them if the whole state is restored.
        """
        existing = organization.objects(OME_CONFIGURATION.subset)
        created = {
            name_key(change.identity)
            for change in self.changes
            if change.resource == OME_CONFIGURATION.name and change.option == "state"
        }
        return Plan.join(
            {
                name: plan_configuration(name, "absent", {}, existing)
                for name in self._since(organization)
                if name_key(name) in created
            }
        )

    def staying(self, organization: Organization, plan: Plan) -> list[str]:
        """The OME configurations that exist since, and that stay. They are only looked for if the whole state is
        restored.
        """
        if not self.whole:
            return []
        removed = {
            name_key(change.identity)
            for change in plan.changes
            if change.resource == OME_CONFIGURATION.name and change.after == "absent"
        }
        return [name for name in self._since(organization) if name_key(name) not in removed]

    def _since(self, organization: Organization) -> list[str]:
        """The OME configurations that did not exist before the run."""
        then = {name_key(name) for name in self.held}
        names = map(name_of, organization.objects(OME_CONFIGURATION.subset))
        return [name for name in names if name_key(name) not in then and not is_default(name)]
