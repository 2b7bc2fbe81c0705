# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of an organization's snapshots, with a capture beside each."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...module_utils._baseline.documents.snapshot_chain import Link, SnapshotChain, TakenApproval
from ...module_utils._exchange.errors import OptionError
from .files import write_json
from .folders import Folders

_MARK = ".rolled-back.json"
_SNAPSHOT = re.compile(
    r"snapshot-(?P<stamp>\d{8}T\d{6}Z)-(?P<id>[0-9a-f]+)(?:-after-(?P<previous>[0-9a-f]+))?(?:-approved-(?P<approved>[0-9a-f]+))?\.json"
)


class SnapshotFiles:
    """The snapshots of one organization."""

    def __init__(self, at: Folders) -> None:
        self._at = at

    def chain(self) -> SnapshotChain:
        """The organization's snapshots. Reads only the names of files."""
        names = {path.name for path in self._at.snapshots.glob("snapshot-*.json")}
        snapshots = ((name, match) for name in names if (match := _SNAPSHOT.fullmatch(name)))
        return SnapshotChain(
            Link(
                str(self._at.snapshots / name),
                match["id"],
                match["previous"] or "",
                _mark(Path(name)).name in names,
                match["approved"] or "",
            )
            for name, match in snapshots
        )

    def store(self, document: Mapping[str, Any], capture: Mapping[str, Any]) -> str:
        """Writes a snapshot under a name that contains its place in the chain, and the capture beside it. Returns the
        snapshot's path.
        """
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        after = f"-after-{document['previous']}" if document["previous"] else ""
        digest = str(document.get("approved_plan") or "").removeprefix("sha256:")[:16]
        approved = f"-approved-{digest}" if re.fullmatch("[0-9a-f]+", digest) else ""
        path = self._at.snapshots / f"snapshot-{stamp}-{document['id']}{after}{approved}.json"
        if approved:
            taken = TakenApproval(document["approved_plan"], document["approved_run"], document["run"], self._at.host)
            write_json(self._at.all_approvals / f"{digest}-{document['id']}.json", asdict(taken))
        # A snapshot in the chain has its capture, whatever happens between the two.
        write_json(_capture(path), capture)
        return write_json(path, document)

    def rolled_back(self, path: str) -> bool:
        """Whether a snapshot has been rolled back."""
        return os.path.exists(_mark(self._at.resolve(path)))

    def mark_rolled_back(self, path: str, digest: str) -> None:
        """Records that a snapshot has been rolled back."""
        when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        write_json(_mark(self._at.resolve(path)), {"digest": digest, "rolled_back_at": when, "run": self._at.run})

    def keep_applied(self, path: str, document: Mapping[str, Any] | None) -> None:
        """Stores beside a snapshot what its run stored; ``None`` removes that. Raises OptionError if it cannot."""
        file = _applied(self._at.resolve(path))
        if document is not None:
            write_json(file, document)
            return
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise OptionError(f"The file {file} cannot be removed: {error.strerror}.") from error

    def applied(self, path: str) -> Any:
        """What the run of a snapshot stored; ``None`` if that is not recorded. Raises OptionError if it cannot be
        read.
        """
        try:
            return self._at.read(_applied(self._at.resolve(path)))
        except OptionError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise

    def taken_approvals(self, digest: str) -> list[TakenApproval]:
        """The approvals that runs took whose snapshots retention has removed since, and those of a digest that runs
        took under other inventory names. Raises OptionError if one cannot be read.
        """
        own = self._at.used_approvals.glob("*.json")
        every = self._at.all_approvals.glob(f"{digest.removeprefix('sha256:')[:16]}-*.json")
        try:
            gone = [TakenApproval(**self._at.read(file), host="") for file in sorted(own)]
            taken = [TakenApproval(**self._at.read(file)) for file in sorted(every)]
        except TypeError as error:
            raise OptionError(
                f"A file in {self._at.used_approvals} or {self._at.all_approvals} is not a record of a used approval."
            ) from error
        return [*gone, *(approval for approval in taken if approval.host != self._at.host)]

    def cut(self, keep: int) -> None:
        """Removes snapshots at the old end of the chain, beyond the newest ``keep``.

        A snapshot of a kept run stays unless it was rolled back. All snapshots after one that stays are kept, too.
        """
        chain = self.chain()
        old = chain.old_end()[: max(0, len(chain.links) - keep)]
        runs = set(self._at.runs()) - self._at.old_runs(keep) if old else set()
        for link in old:
            if not link.rolled_back and self._run_of(link) in runs:
                return
            if link.approved and not self._keep_approval(link):
                return
            Path(link.path).unlink(missing_ok=True)
            for path_of in (_mark, _capture, _applied):
                path_of(Path(link.path)).unlink(missing_ok=True)

    def _keep_approval(self, link: Link) -> bool:
        """Records that an approval was taken, before its snapshot is removed. Returns False if the snapshot cannot be
        read.
        """
        try:
            snapshot = self._at.read(Path(link.path))
            taken = {
                "digest": snapshot["approved_plan"],
                "planned_by": snapshot["approved_run"],
                "run": snapshot["run"],
            }
            write_json(self._at.used_approvals / f"{link.id}.json", taken)
        except (OptionError, KeyError, TypeError):
            return False
        return True

    def _run_of(self, link: Link) -> str:
        try:
            return str(self._at.read(Path(link.path))["run"])
        except (OptionError, KeyError, TypeError):
            return ""


def _mark(snapshot: Path) -> Path:
    return snapshot.with_name(snapshot.name.removesuffix(".json") + _MARK)


def _applied(snapshot: Path) -> Path:
    """The record of what the run of a snapshot stored: ``applied-<time>-<id>....json``."""
    return snapshot.with_name(f"applied-{snapshot.name.removeprefix('snapshot-')}")


def _capture(snapshot: Path) -> Path:
    """The capture of what was read for a snapshot: ``capture-<time>-<id>.json``."""
    return snapshot.with_name(_SNAPSHOT.sub(r"capture-\g<stamp>-\g<id>.json", snapshot.name))
