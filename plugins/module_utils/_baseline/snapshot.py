# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot: an organization's state before a run's first write, and what the run was going to do. Private to the collection."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.plan import VERSION, digest_of
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.procedure import Procedure, Takes
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import CmdletNotAvailableError, OptionError
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.stored import rules_of
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.state import PARTS, describe

FORMAT = 1

_KEYS = {"format", "kind", "id", "previous", "run", "created_at", "collection_version"}
_KEYS |= {"organization", "state", "order", "unavailable", "plan", "approved_plan", "digest"}


class Snapshot(Procedure):
    """Takes a snapshot, and writes nothing to the organization."""

    kind = "snapshot"
    takes_snapshot = Takes.ALWAYS


def take(organization: Organization, plan: Mapping[str, Any] | None, *, previous: str = "", run: str = "", approved_plan: str = "") -> dict[str, Any]:
    """The snapshot of what was read. Only a part whose cmdlet the session does not have is left out; any other failed read is raised.

    :param plan: the plan document of the run that is about to write; ``None`` for a snapshot on its own.
    :param previous: the ``id`` of the snapshot before it; empty for the first.
    :param run: the name of the folder of the run that takes it.
    :param approved_plan: the digest of the approved plan that the run applies; empty where none was asked for.
    """
    described = describe(organization, ["organization"]) if organization.available("organization") else {"organization": {}}
    state: dict[str, Any] = {}
    unavailable: dict[str, str] = {}
    for part in PARTS:
        error = organization.error(part)
        if isinstance(error, CmdletNotAvailableError):
            unavailable[part] = str(error)
        else:
            state.update(describe(organization, [part]))
    document = {
        "format": FORMAT,
        "kind": "snapshot",
        "id": secrets.token_hex(6),
        "previous": previous,
        "run": run,
        "created_at": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "collection_version": VERSION,
        "organization": described["organization"],
        "state": state,
        # Of all rules, also of those that a state cannot hold.
        "order": [rule.guid for rule in rules_of(organization)] if organization.available("transport_rules") else [],
        "unavailable": unavailable,
        "plan": plan,
        "approved_plan": approved_plan,
    }
    return {**document, "digest": snapshot_digest(document)}


def snapshot_digest(document: Mapping[str, Any]) -> str:
    """The digest of everything that a snapshot says."""
    return digest_of({key: value for key, value in document.items() if key != "digest"})


def check_snapshot(document: Any, where: str) -> Mapping[str, Any]:
    """Refuses by name what is no snapshot, is of a newer format, or was changed after it was written."""
    if not isinstance(document, Mapping) or document.get("kind") != "snapshot":
        raise OptionError(f"hardened_baseline_rollback_snapshot: {where} is no snapshot of this collection.")
    format_ = document.get("format")
    if not isinstance(format_, int) or isinstance(format_, bool) or not 0 < format_ <= FORMAT:
        raise OptionError(
            f"hardened_baseline_rollback_snapshot: {where} has format {document.get('format')!r}, and this version of the collection knows up to {FORMAT}.",
            remedy="Use the version of the collection that wrote it, or a newer one.",
        )
    if set(document) != _KEYS or snapshot_digest(document) != document["digest"]:
        raise OptionError(f"hardened_baseline_rollback_snapshot: {where} does not match its own digest: it was changed after it was written, or is cut off.")
    return document
