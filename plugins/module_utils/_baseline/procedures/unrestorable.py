# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback cannot restore, as warnings of its plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..._engine.plan import PlanWarning, warning
from ..._exchange.names import name_key
from ..._exchange.organization import Organization
from ..._resources.rules.organization_rules import RULE, rules_of
from ..._resources.rules.rule import DeclaredRule, Rule, encrypts
from ..documents.change import PlannedChange
from ..documents.snapshot import SnapshotDocument
from ..documents.status import RollbackClass
from .recorded_changes import RecordedChanges
from .restored_state import RestoredState

#: What no further rollback can restore, either.
IMPOSSIBLE = ("rule_not_recreated", "rule_expired", "policy_gone", "part_not_in_snapshot", "setting_not_restored")
#: What keeps a snapshot from counting as rolled back even if the rollback is forced.
UNCLEAR = "may_be_the_same"


def not_restorable(state: RestoredState, organization: Organization) -> list[PlanWarning]:
    """What of a state cannot be restored in an organization."""
    warnings = parts_not_in(state.snapshot) if state.whole else []
    warnings += not_shown_before(state.recorded_changes)
    rules = state.rules
    if rules is None or organization.error("transport_rules") is not None:
        return warnings
    run = state.run
    created = run.created_now(organization).values()
    return [
        *warnings,
        *not_rebuildable(state.snapshot, organization),
        *expired(rules.expired(organization)),
        *may_be_the_same(run, state.created_first.values(), created, rules.since(organization)),
    ]


def parts_not_in(snapshot: SnapshotDocument) -> list[PlanWarning]:
    """The parts that the snapshot does not contain."""
    return [
        warning(
            "part_not_in_snapshot",
            f"The snapshot does not contain {part}, because the session did not have the cmdlet, so a rollback does not restore it.",
            part=part,
        )
        for part in snapshot.unavailable
    ]


def not_rebuildable(snapshot: SnapshotDocument, organization: Organization) -> list[PlanWarning]:
    """The rules that are gone and that nothing can recreate."""
    names = {name_key(rule.name) for rule in rules_of(organization)}
    return [
        warning(
            "rule_not_recreated",
            f"The rule {rule.name!r} cannot be recreated: {rule.reason}.",
            rule=rule.name,
        )
        for rule in snapshot.not_rebuildable
        if name_key(rule.name) not in names
    ]


def expired(rules: Iterable[DeclaredRule]) -> list[PlanWarning]:
    """The rules that are gone and that Exchange does not accept anymore, because their time is over."""
    return [
        warning(
            "rule_expired",
            f"The rule {rule.name!r} is not recreated, because it expired on {rule.settings['expiry_date']}.",
            rule=rule.name,
            expiry_date=rule.settings["expiry_date"],
        )
        for rule in rules
    ]


def not_shown_before(recorded: Iterable[PlannedChange]) -> list[PlanWarning]:
    """The settings that a run changed and whose value before Exchange did not show."""
    return [
        warning(
            "setting_not_restored",
            f"{change.option} of {change.subject} is not restored: Exchange did not show its value before the run.",
            option=change.option,
            changed=change.subject,
        )
        for change in recorded
        if change.resource != RULE and change.option != "state" and change.rollback is RollbackClass.NOT_POSSIBLE
    ]


def may_be_the_same(
    run: RecordedChanges, created_first: Iterable[str], now: Iterable[str], since: Sequence[Rule]
) -> list[PlanWarning]:
    """The rules that the run created and that are not found, where others that appeared since may be the same.

    :param created_first: the created rules that the rollback found when it began, and :param:`now` those that it finds
        now, by the names that the run gave them.
    :param since: the rules that the snapshot does not know.
    """
    missing = sorted(set(run.created().values()) - set(now) - set(created_first))
    new = [
        rule.name for rule in since if encrypts(rule.sections) or any(run.as_created(rule, name) for name in missing)
    ]
    if not missing or not new:
        return []
    text = (
        f"{', '.join(map(repr, missing))}, which the run was to create, does not exist, "
        f"and {', '.join(map(repr, new))} has appeared since and may be the same object: if somebody renamed it or changed it, remove it manually."
    )
    return [warning("may_be_the_same", text, missing=missing, new=new)]
