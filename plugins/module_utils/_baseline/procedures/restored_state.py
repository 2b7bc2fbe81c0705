# SPDX-License-Identifier: GPL-3.0-or-later
"""The state that a rollback restores: the whole one of a snapshot, or what the snapshot's run changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._exchange.organization import Organization
from ..._resources.ome_configuration import OME_CONFIGURATION, find
from ..._resources.organization_state import declare_state, validated
from ..._resources.registry import RESOURCES
from ..._resources.rules.organization_rules import RULE
from ..documents.change import PlannedChange
from ..documents.snapshot import SnapshotDocument
from .created_configurations import CreatedConfigurations
from .recorded_changes import RecordedChanges
from .restored_rules import RestoredRules

#: The part of a state that has the rules.
_RULES = "transport_rules"


@dataclass(frozen=True)
class RestoredState:
    """The state that a rollback restores.

    :param parts: the declared state of the snapshot, part by part; see ``Resource``.
    :param recorded_changes: what the snapshot's run changed, or may have changed.
    :param changed_later: what later runs changed.
    :param whole: whether the whole state is restored, not only what the run changed.
    :param force: whether rules that others made since are removed, too, where the whole state is restored.
    :param created_first: the names that the run gave to the rules that it created, by GUID, as the rollback found them when it
        began.
    """

    snapshot: SnapshotDocument
    parts: Mapping[str, Any]
    recorded_changes: Sequence[PlannedChange]
    changed_later: Sequence[PlannedChange]
    whole: bool
    force: bool
    created_first: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_snapshot(
        cls,
        snapshot: SnapshotDocument,
        recorded_changes: Sequence[PlannedChange],
        changed_later: Sequence[PlannedChange],
        *,
        whole: bool,
        force: bool,
    ) -> RestoredState:
        """The state of a snapshot. Raises OptionError if a part of it is not valid."""
        parts = declare_state(validated(snapshot.declarable))
        return cls(snapshot, parts, recorded_changes, changed_later, whole, force)

    @property
    def subsets(self) -> list[str]:
        """What has to be read to restore it."""
        lacking = self.snapshot.unavailable if self.whole else ()
        return list(dict.fromkeys(("organization", "rms_templates", *self.parts, *lacking)))

    @property
    def run(self) -> RecordedChanges:
        """What the snapshot's run changed."""
        names = {rule.guid: rule.name for rule in self.snapshot.rules}
        return RecordedChanges(self.recorded_changes, self.snapshot.order, names, self.created_first)

    @property
    def rules(self) -> RestoredRules | None:
        """The rules; ``None`` if the snapshot does not have them."""
        if _RULES not in self.parts:
            return None
        return RestoredRules(
            self.snapshot, self.parts[_RULES], self.run, self.changed_later, whole=self.whole, force=self.force
        )

    @property
    def created_configurations(self) -> CreatedConfigurations | None:
        """The OME configurations that exist since then; ``None`` if the snapshot does not have any."""
        if OME_CONFIGURATION.subset not in self.parts:
            return None
        changes = [*self.recorded_changes, *(self.changed_later if self.whole else [])]
        return CreatedConfigurations(self.parts[OME_CONFIGURATION.subset], changes, whole=self.whole)

    def begun(self, organization: Organization) -> RestoredState:
        """This state with the created rules as an organization has them: once one is removed, no similar rule is mistaken
        for it.
        """
        return replace(self, created_first=self.run.created_now(organization))

    def of_changes(self, changes: Iterable[PlannedChange]) -> RestoredState:
        """The state of a run that changed no more than this."""
        return replace(self, recorded_changes=list(changes))

    def parts_without_rules(self, organization: Organization) -> dict[str, Any]:
        """The parts to restore, but for the rules. An OME configuration that the run changed and that is gone comes back
        whole.
        """
        if self.whole:
            return {part: value for part, value in self.parts.items() if part != _RULES}
        parts = {}
        for resource in RESOURCES:
            if resource.name == RULE or resource.subset not in self.parts:
                continue
            changed = [
                (change.identity, change.option) for change in self.recorded_changes if change.resource == resource.name
            ]
            held = self.parts[resource.subset]
            narrowed = resource.narrowed(held, changed)
            if resource.name == OME_CONFIGURATION.name:
                existing = organization.objects(resource.subset)
                narrowed |= {name: held[name] for name in narrowed if find(existing, name) is None}
            if narrowed:
                parts[resource.subset] = narrowed
        return parts
