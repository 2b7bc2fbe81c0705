# SPDX-License-Identifier: GPL-3.0-or-later
"""What else encrypts mail and is not as the newest snapshot has it: DLP policies, labels and their policies. It is shown,
and nothing here puts it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._exchange.errors import ExchangeError
from ..._exchange.organization import COMPLIANCE_SUBSETS, Organization
from ..documents.artifacts import Artifacts
from ..documents.snapshot import information_of, read_snapshot


def changed_elsewhere(artifacts: Artifacts, organization: Organization) -> list[str]:
    """A sentence about all that was added, removed or changed since the newest snapshot; none if nothing was, or if one
    of the two does not show it.
    """
    try:
        link = artifacts.snapshots.chain().last()
        snapshot = read_snapshot(artifacts.load(link.path), link.path) if link else None
    except ExchangeError:
        return []  # A snapshot that cannot be read is reported where it is needed.
    if snapshot is None:
        return []
    before, now = snapshot.information, information_of(organization)
    changes = [
        text
        for part, subset in COMPLIANCE_SUBSETS.items()
        if part in now and part in before
        for text in _changes(subset.one, before[part], now[part])
    ]
    if not changes:
        return []
    since = f"Since the snapshot of {snapshot.created_at}, others have changed DLP policies or labels"
    return [f"{since}: {'; '.join(changes)}. A rollback does not put it back."]


def _changes(name: str, before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    old, new = (
        {
            str(row.get("guid") or row["name"]): {key: value for key, value in row.items() if key != "priority"}
            for row in rows
        }
        for rows in (before, now)
    )
    for key, row in new.items():
        if key not in old:
            yield f"{name} {row['name']!r} is new"
        elif old[key] != row:
            keys = sorted(part for part in {*old[key], *row} if old[key].get(part) != row.get(part))
            yield f"{name} {row['name']!r} has another {', '.join(keys)}"
    yield from (f"{name} {row['name']!r} is gone" for key, row in old.items() if key not in new)
