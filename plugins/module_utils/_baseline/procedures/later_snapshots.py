# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots that were taken after the one that a rollback restores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..controls.findings import Finding
from ..documents.applied import Applied
from ..documents.change import PlannedChange
from ..documents.report import SnapshotReference
from ..documents.snapshot import SnapshotDocument


@dataclass(frozen=True)
class LaterSnapshot:
    """A snapshot that was taken after the one to restore.

    :param path: its file.
    :param rolled_back: whether it has been rolled back.
    :param document: ``None`` if it cannot be read.
    :param applied: what its run stored; ``None`` if that is not recorded.
    """

    path: str
    rolled_back: bool
    document: SnapshotDocument | None = None
    applied: Applied | None = None

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.rpartition("/")[2]

    @property
    def changes(self) -> Sequence[PlannedChange]:
        """What its run changed. If it cannot be read, that counts as made by others."""
        planned = self.document.changes if self.document else ()
        return self.applied.applied_changes(planned) if self.applied else planned

    @property
    def reference(self) -> SnapshotReference:
        """How a report names it."""
        document = self.document
        return SnapshotReference(
            self.path,
            document.created_at if document else "",
            document.run if document else "",
            "full",
            document.digest if document else "",
        )


def refused_by(later_snapshots: Sequence[LaterSnapshot], recorded: Sequence[PlannedChange]) -> list[Finding]:
    """The findings about later snapshots whose rollback would bring back what the rollback of a run takes away.

    :param recorded: the run's changes.
    """
    whole = "hardened_baseline_rollback_scope: full, which restores everything that the snapshot contains"
    findings = []
    for snapshot in later_snapshots if recorded else ():
        text = f"{snapshot.name} was taken later and cannot be read, so it is unknown whether its run changed the same."
        if snapshot.document:
            shared = _both_touched(recorded, snapshot.changes)
            text = f"{snapshot.name} was taken later, and its run changed the same: {', '.join(shared)}. Roll it back first."
            if not shared:
                continue
        findings.append(Finding("rollback", text, whole))
    return findings


def _both_touched(changes: Sequence[PlannedChange], others: Sequence[PlannedChange]) -> list[str]:
    """What two runs have both changed, for people: settings, sections of rules, whole objects, and the order of rules."""
    mine, theirs = _touched(changes), _touched(others)
    whole = {item[:2] for item in mine | theirs if item[2] == "state"}
    whole &= {item[:2] for item in mine} & {item[:2] for item in theirs}
    shared = {(*item, "state") for item in whole} | {item for item in mine & theirs if item[:2] not in whole}
    return [
        option if not identity and option == "priority" else f"{option} of {identity or resource}"
        for resource, identity, option in sorted(shared)
    ]


def _touched(changes: Sequence[PlannedChange]) -> set[tuple[str, str, str]]:
    """What changes are about, as far as a rollback restores it as one."""
    return {
        (change.resource, "", "priority")
        if change.option == "priority"
        else (change.resource, change.identity, change.option.partition(".")[0])
        for change in changes
    }
