# SPDX-License-Identifier: GPL-3.0-or-later
"""When rules and what decides about them changed, as far as Exchange and the snapshots tell.

Exchange dates what exists. Snapshots also tell of rules that stood before others and are gone.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from ..._exchange.organization import Organization
from ..._mail_flow.evidence.changes import RULE, LatestChange, changes_of
from ..._resources.rules.organization_rules import rules_of
from ..controls.trial import is_trial
from ..documents.artifacts import Artifacts
from ..documents.snapshot import SnapshotDocument, read_snapshot


def known_changes(
    artifacts: Artifacts, organization: Organization, begin: datetime.datetime, now: datetime.datetime
) -> list[LatestChange]:
    """The latest changes of the rules of an organization, of what stood before each since ``begin``, and of facts.

    :raises OptionError: a snapshot cannot be read.
    """
    return [*changes_of(organization), *_removed_before(artifacts, organization, begin, now)]


def _removed_before(
    artifacts: Artifacts, organization: Organization, begin: datetime.datetime, now: datetime.datetime
) -> list[LatestChange]:
    """For each rule, the rules that stood before it in a snapshot since ``begin``, or in the last one before that, and
    no longer do, because they were removed or moved. A trial among them does not matter: it did nothing.
    """
    order = [rule.guid for rule in rules_of(organization)]
    changes = []
    until = now
    for snapshot in _newest_first(artifacts):
        rules = {rule.guid: rule for rule in snapshot.rules}
        mattered = [
            guid for guid in snapshot.order if guid in rules and not is_trial(rules[guid].comments, rules[guid].mode)
        ]
        for place, guid in enumerate(order):
            before = mattered[: mattered.index(guid)] if guid in mattered else []
            changes += [
                LatestChange(RULE, rules[rule].name, until, guid.lower())
                for rule in before
                if rule not in order[:place]
            ]
        until = datetime.datetime.fromisoformat(snapshot.created_at)
        if until <= begin:
            break
    return changes


def _newest_first(artifacts: Artifacts) -> Iterator[SnapshotDocument]:
    chain = artifacts.snapshots.chain()
    by_id = {other.id: other for other in chain.links}
    link = chain.last()
    while link:
        yield read_snapshot(artifacts.load(link.path), link.path)
        link = by_id.get(link.previous)
