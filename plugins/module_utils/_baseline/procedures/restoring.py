# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots on the controller: which one a rollback restores, and when one counts as rolled back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._exchange.cmdlet import Session
from ..._exchange.errors import ExchangeError, OptionError
from ..._exchange.organization import Organization, read
from ..._mail_flow.input.guarantee_options import Guarantee
from ..documents.applied import Applied, Key
from ..documents.artifacts import Artifacts
from ..documents.snapshot import SnapshotDocument, read_snapshot
from ..documents.snapshot_chain import SnapshotChain
from .later_snapshots import LaterSnapshot
from .procedure import Procedure
from .rollback import Rollback


def rollback_of(
    artifacts: Artifacts,
    path: str,
    variables: Mapping[str, Any],
    *,
    scope: str = "",
    guarantees: Sequence[Guarantee] = (),
) -> Rollback:
    """The rollback to the snapshot in a file, which is checked first.

    :param scope: by default, the one that the variables name.
    :param guarantees: those about mail, whose verdicts its plan shows.
    """
    snapshot = read_snapshot(artifacts.load(path), path)
    return Rollback(
        snapshot,
        applied=_applied(artifacts, path, snapshot),
        scope=scope or variables["rollback_scope"],
        remove_templates=bool(variables.get("remove_created_templates")),
        force=bool(variables.get("rollback_force")),
        later_snapshots=_taken_since(artifacts, snapshot.id),
        path=path,
        guarantees=guarantees,
    )


def _taken_since(artifacts: Artifacts, id_: str) -> list[LaterSnapshot]:
    """The snapshots that were taken after one, oldest first."""
    snapshots = []
    for link in artifacts.snapshots.chain().after(id_):
        snapshot = LaterSnapshot(link.path, link.rolled_back)
        with contextlib.suppress(OptionError):
            document = read_snapshot(artifacts.load(link.path), link.path)
            snapshot = replace(snapshot, document=document, applied=_applied(artifacts, link.path, document))
        snapshots.append(snapshot)
    return snapshots


def _applied(artifacts: Artifacts, path: str, snapshot: SnapshotDocument) -> Applied | None:
    """What the run of a snapshot stored; ``None`` if it did not come to record that.

    :raises OptionError: the record cannot be read, or is of another snapshot.
    """
    document = artifacts.snapshots.applied(path)
    if document is None:
        return None
    applied = Applied.read(document, f"beside {path}")
    if applied.digest != snapshot.digest:
        raise OptionError(f"What is recorded beside {path} about its run is of another snapshot.")
    return applied


def record_applied(
    artifacts: Artifacts, path: str, digest: str, stored: Iterable[Key], unknown: Iterable[Key]
) -> list[str]:
    """Records beside a run's snapshot what the run stored, and what it may have stored.

    :returns: warnings, if that is not possible. A rollback then takes back all that was planned.
    """
    try:
        artifacts.snapshots.keep_applied(path, Applied(digest, frozenset(stored), frozenset(unknown)).as_dict())
    except OptionError as error:
        return [f"What this run stored cannot be recorded, so a rollback would take back all that it planned: {error}"]
    return []


def choose_snapshot(artifacts: Artifacts, variables: Mapping[str, Any]) -> str:
    """The path of the snapshot to restore; empty if all snapshots have been rolled back."""
    chain = artifacts.snapshots.chain()
    if variables.get("rollback_snapshot"):
        return _named(chain, str(variables["rollback_snapshot"]))
    if not chain.links:
        raise OptionError(
            f"There is no snapshot of this organization below {variables['artifacts_dir']}.",
            remedy="A run that has nothing to change takes no snapshot. If snapshots are elsewhere, set hardened_baseline_artifacts_dir.",
        )
    newest = chain.newest()
    if newest is None:
        return ""
    snapshot = read_snapshot(artifacts.load(newest.path), newest.path)
    if (snapshot.id, snapshot.previous) != (newest.id, newest.previous):
        raise OptionError(
            f"{newest.path} contains the snapshot {snapshot.id}, which does not match its name: the file was renamed.",
            remedy="Restore its name.",
        )
    return newest.path


def _named(chain: SnapshotChain, name: str) -> str:
    """The path of the snapshot of this name, or of a path that ends with it. What is none is not looked for, let alone
    opened: an answer to a survey reads no file.
    """
    paths = [link.path for link in chain.links if f"/{link.path}".endswith(f"/{name.removeprefix('./')}")]
    if name and paths:
        return paths[0]
    newest = f" The newest is {chain.links[-1].path.rpartition('/')[2]}." if chain.links else ""
    raise OptionError(
        f"hardened_baseline_rollback_snapshot: {name!r} is not a snapshot of this organization.{newest}",
        remedy="Name the file of one of its snapshots, or leave the variable out.",
    )


def count_as_rolled_back(
    artifacts: Artifacts, procedure: Procedure, session: Session, shown: Organization | None = None
) -> list[str]:
    """Marks the snapshots that a procedure restores as rolled back, provided that two fresh reads in a row show its state:
    a replica that is behind may still show what was there before the run.

    :param shown: the organization as the first of them shows it. By default, it is read here.
    :returns: warnings, if it does not count as rolled back.
    """
    restored = procedure.restored
    if restored is None:
        return []
    try:
        organizations = (
            shown or read(session, procedure.subsets, fresh=True),
            read(session, procedure.subsets, fresh=True),
        )
        differences = next(filter(None, map(restored.differences, organizations)), [])
    except ExchangeError as error:
        differences = [str(error)]
    if differences:
        return [f"{restored.snapshot.name} does not count as rolled back: {' '.join(differences)}"]
    try:
        for snapshot in (restored.snapshot, *restored.undone_too):
            artifacts.snapshots.mark_rolled_back(snapshot.path, snapshot.digest)
    except OptionError as error:
        return [f"The organization matches {restored.snapshot.name}, but this cannot be recorded: {error}"]
    return []
