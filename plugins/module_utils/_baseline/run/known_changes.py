# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What snapshots tell of the time before: rules that stood before others and are gone, of which Exchange shows nothing.
Private to the collection.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.trial import is_trial
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.artifacts import Artifacts
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents.snapshot import (
    SnapshotDocument,
    read_snapshot,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.organization import Organization
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import RULE, Change
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.stored import rules_of


def known_changes(
    artifacts: Artifacts, organization: Organization, begin: datetime.datetime, now: datetime.datetime
) -> list[Change]:
    """For each rule, the rules that stood before it in a snapshot since ``begin``, or in the last one before that, and
    no longer do, because they were removed or moved. A trial among them does not matter: it did nothing.

    :raises OptionError: a snapshot cannot be read.
    """
    order = [rule.guid for rule in rules_of(organization)]
    found, until = [], now
    for snapshot in _newest_first(artifacts):
        rules = {
            rule["guid"]: rule
            for part in ("transport_rules", "transport_rules_unsupported")
            for rule in snapshot.state.get(part, ())
        }
        mattered = [guid for guid in snapshot.order if guid in rules and not _was_trial(rules[guid])]
        for place, guid in enumerate(order):
            before = mattered[: mattered.index(guid)] if guid in mattered else []
            found += [
                Change(RULE, str(rules[each]["name"]), until, guid.lower())
                for each in before
                if each not in order[:place]
            ]
        until = datetime.datetime.fromisoformat(snapshot.created_at)
        if until <= begin:
            break
    return found


def _newest_first(artifacts: Artifacts) -> Iterator[SnapshotDocument]:
    chain = artifacts.snapshots.chain()
    by_id, link = {each.id: each for each in chain.links}, chain.last()
    while link:
        yield read_snapshot(artifacts.load(link.path), link.path)
        link = by_id.get(link.previous)


def _was_trial(rule: dict[str, Any]) -> bool:
    return is_trial(str(rule.get("comments") or ""), rule.get("mode"))
