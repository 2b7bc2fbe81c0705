# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks to a snapshot.

The scope ``changed`` restores what the run's plan names, and no more; ``full`` restores the whole state. Either way the
snapshot becomes a state, and the planner of states does the rest.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._engine.plan import Change, Plan, PlanWarning, warning
from ..._exchange.organization import COMPLIANCE_FACTS, Organization
from ..._exchange.text import value_text
from ..._mail_flow.experiment.temporary_rules import temporary_rules_of
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._resources.ome_configuration import OME_CONFIGURATION, find
from ..._resources.organization_state import declare_state, plan_state, refuse_other_organization, validated
from ..._resources.registry import RESOURCES
from ..._resources.resource import Planning
from ..._resources.rules.planner import plan_rules
from ..._resources.rules.rule_index import RuleBook
from ..._resources.rules.stored import RULE
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding
from ..controls.foreign import needs_a_look
from ..controls.mail import effect_with_guarantees
from ..documents.applied import Applied
from ..documents.change import DOES, WOULD, PlannedChange, undone
from ..documents.report import SnapshotReference
from ..documents.snapshot import SnapshotDocument
from .created_configurations import CreatedConfigurations
from .later_snapshots import LaterSnapshot, refused_by
from .procedure import ROLLBACK, Draft, NothingToDo, Procedure, Restored, Run
from .recorded_changes import RecordedChanges, templates_in_use, unknown_since
from .refusals import confirmation_findings, organization_refusals
from .restored_rules import RestoredRules
from .unrestorable import IMPOSSIBLE, UNCLEAR, expired, may_be_the_same, not_rebuildable, not_shown_before, parts_not_in


class Rollback(Procedure):
    """The rollback to a snapshot.

    :param snapshot: its snapshot. If no run wrote after it, the whole state is restored.
    :param scope: ``changed`` or ``full``.
    :param remove_templates: whether OME configurations that did not exist then are removed.
    :param force: whether rules that others made since are removed, too, where the scope is ``full``.
    :param path: the snapshot's file.
    :param applied: what its run stored; ``None`` if that is not recorded, because the run was interrupted.
    :param later_snapshots: the snapshots after it, oldest first: what their runs made is not of others.
    :param guarantees: those about mail, whose verdicts the plan shows.
    """

    kind = ROLLBACK

    def __init__(
        self,
        snapshot: SnapshotDocument,
        *,
        applied: Applied | None = None,
        scope: str = "changed",
        remove_templates: bool = False,
        force: bool = False,
        later_snapshots: Sequence[LaterSnapshot] = (),
        path: str = "",
        guarantees: Sequence[Guarantee] = (),
    ) -> None:
        self.snapshot = snapshot
        self.scope = scope if snapshot.plan else "full"
        self.remove_templates = remove_templates
        self.force = force
        self.later_snapshots = later_snapshots
        self._guarantees = guarantees
        self._changed_later = [change for snapshot in later_snapshots for change in snapshot.changes]
        self.parts = declare_state(
            validated(
                {
                    part: value
                    for part, value in snapshot.state.items()
                    if not part.startswith("transport_rules_") and part not in COMPLIANCE_FACTS
                }
            )
        )
        self._interrupted = applied is None and snapshot.plan is not None
        #: What the run changed, or may have changed.
        self.recorded_changes: Sequence[PlannedChange] = (
            applied.applied_changes(snapshot.changes) if applied else snapshot.changes
        )
        rules = [*snapshot.state.get("transport_rules", ()), *snapshot.state.get("transport_rules_unsupported", ())]
        self._names = {rule["guid"]: rule["name"] for rule in rules}
        lacking = snapshot.unavailable if self.scope == "full" else ()
        read = ["organization", "rms_templates", "ome_configurations", "transport_rules", *self.parts, *lacking]
        #: The names that the run gave to the rules that it created, by GUID, as the rollback found them when it began.
        self._found_first: Mapping[str, str] = {}
        self._reference = SnapshotReference(path, snapshot.created_at, snapshot.run, self.scope, snapshot.digest)
        # The whole state undoes the runs since, too. Otherwise, the next rollback would bring back what they changed.
        self._undone_too = [later.reference for later in self._left_later()] if self.scope == "full" else []
        self.subsets = list(
            dict.fromkeys(part for part in read if part in ("organization", "rms_templates", *self.parts, *lacking))
        )

    @property
    def restored(self) -> Restored:
        return Restored(self._reference, self._undone_too, self.remaining_differences)

    @property
    def _run(self) -> RecordedChanges:
        return RecordedChanges(self.recorded_changes, self.snapshot.order, self._names, self._found_first)

    @property
    def _rules(self) -> RestoredRules | None:
        """The rules; ``None`` if the snapshot does not have them."""
        if "transport_rules" not in self.parts:
            return None
        held = self.parts["transport_rules"]
        return RestoredRules(
            self.snapshot, held, self._run, self._changed_later, whole=self.scope == "full", force=self.force
        )

    @property
    def _configurations(self) -> CreatedConfigurations | None:
        """The OME configurations that exist since then; ``None`` if the snapshot does not have any."""
        if OME_CONFIGURATION.subset not in self.parts:
            return None
        whole = self.scope == "full"
        changes = [*self.recorded_changes, *(self._changed_later if whole else [])]
        return CreatedConfigurations(self.parts[OME_CONFIGURATION.subset], changes, whole=whole)

    def draft(self, organization: Organization, run: Run) -> Draft:
        plan = self.plan(organization, check_mode=True)
        refusals = refused_by(self._left_later(), self.recorded_changes) if self.scope == "changed" else []
        findings = [*refusals, *([] if self.force else self.drift(organization, plan))]
        unconfirmed = confirmation_findings(run.variables, run.hosts)
        if run.check_mode:
            plan.warnings += [
                warning("not_confirmed", f"The real run needs {finding.allow}", needs=finding.allow)
                for finding in unconfirmed
            ]
        else:
            findings += unconfirmed
        return Draft(plan, [*findings, *organization_refusals(organization, plan, run.expected_organization)])

    def begun(self, organization: Organization) -> Rollback:
        """This rollback, with the created rules as found now: once one is removed, no similar rule is mistaken for it."""
        begun = copy.copy(self)
        begun._found_first = self._run.created_now(organization)
        return begun

    def notice(self, changes: Sequence[PlannedChange], mail: EffectOnMail, *, check_mode: bool) -> str:
        does = (
            f"It {f'would {undone(changes, WOULD)}' if check_mode else undone(changes, DOES)}."
            if changes
            else "There is nothing left to restore."
        )
        text = (
            f" Snapshots that were taken since count as rolled back, too: {', '.join(snapshot.name for snapshot in self._undone_too)}."
            if self._undone_too
            else ""
        )
        staying = [row["name"] for row in mail.foreign if needs_a_look(row)]
        stay = (
            f" Rules that are not ours decide about mail, and stay: {', '.join(map(repr, staying))}." if staying else ""
        )
        unsure = (
            " What that run stored is not recorded, so all that it planned counts as changed by it."
            if self._interrupted and self.scope == "changed"
            else ""
        )
        return f"Goes back to {self._reference}. {does}{text}{unsure}{stay}"

    def _left_later(self) -> list[LaterSnapshot]:
        """The later snapshots that have not been rolled back."""
        return [snapshot for snapshot in self.later_snapshots if not snapshot.rolled_back]

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        # Another organization is refused.
        refuse_other_organization(
            organization,
            {"organization": self.snapshot.organization},
            remedy="Set hardened_baseline_rollback_snapshot to a snapshot of this organization.",
        )
        parts = dict(self.parts) if self.scope == "full" else self._changed(organization)
        parts.pop("transport_rules", None)
        rules, configurations = self._rules, self._configurations
        plans = {"state": plan_state(organization, parts, Planning(restoring=True, check_mode=check_mode))}
        if self.remove_templates and configurations:
            plans["templates"] = configurations.removal(organization)
        if rules:
            # A template that this very plan brings back may be named by a rule that it rebuilds.
            created = list(self.parts.get(OME_CONFIGURATION.subset, {}))
            book = RuleBook(organization, restoring=True, check_mode=check_mode, created=created)
            plans["rules"] = plan_rules(
                book, rules.declared(organization), ordered=self.scope == "full" or self._run.moved()
            )
            plans["switches"] = rules.switches(organization, check_mode)
        plan = Plan.join(plans)
        plan.warnings += [
            *self._not_restorable(organization),
            *unknown_since(organization, plan),
            *self._stays(organization, plan, rules, configurations),
        ]
        return plan

    def _stays(
        self,
        organization: Organization,
        plan: Plan,
        rules: RestoredRules | None,
        configurations: CreatedConfigurations | None,
    ) -> Iterator[PlanWarning]:
        """The warnings about what a plan leaves there: rules, OME configurations, and later snapshots."""
        strangers = rules.strangers(organization) if rules else []
        if strangers:
            text = f"Rules that others created since then stay: {', '.join(map(repr, strangers))}. hardened_baseline_rollback_force: true would remove them."
            yield warning("rules_stay", text, rules=strangers)
        staying = configurations.staying(organization, plan) if configurations else []
        if staying:
            text = (
                f"OME configurations that exist since then stay: {', '.join(map(repr, staying))}. "
                "hardened_baseline_remove_created_templates: true removes those that a run created."
            )
            yield warning("configurations_stay", text, configurations=staying)
        holding = [
            snapshot.name for snapshot in self._left_later() if snapshot.document and snapshot.document.plan is None
        ]
        if holding and self.scope == "changed" and self.recorded_changes:
            text = (
                f"{', '.join(holding)}, taken later, contains what this rollback takes away: the next rollback would bring it back. "
                "To roll back to another one, set hardened_baseline_rollback_snapshot."
            )
            yield warning("later_snapshots_stay", text, snapshots=holding)

    def mail(self, organization: Organization, plan: Plan) -> EffectOnMail:
        rules = self._rules
        foreign = rules.foreign(organization, plan) if rules else []
        effect = effect_with_guarantees(organization, plan, self._guarantees)
        return replace(effect, foreign=tuple(foreign))

    def remaining_differences(self, organization: Organization) -> list[str]:
        """The differences between an organization and the snapshot, as sentences."""
        plan = self.plan(organization, check_mode=True)
        differing = [f"{change.option} of {change.subject} is {value_text(change.before)}." for change in plan.changes]
        rules = self._rules
        strangers = rules.strangers(organization) if rules else []
        unread = rules.unread(organization) if rules else []
        unclear = (UNCLEAR,) if self.force else (UNCLEAR, *IMPOSSIBLE)
        # What the session has never seen, nobody can wait for.
        unseen = [part for part in self.snapshot.unavailable if not organization.available(part)]
        texts = [
            plan_warning.text
            for plan_warning in plan.warnings
            if plan_warning.kind in unclear and plan_warning.values.get("part") not in unseen
        ]
        created = [f"{name!r} exists, which others created since then." for name in strangers]
        return [*differing, *created, *unread, *texts]

    def drift(self, organization: Organization, plan: Plan) -> list[Finding]:
        """The findings about changes by others that the rollback would undo, too."""
        templates = [
            (f"{template} is named by the rule {rule!r}, which stays.", "removes it")
            for template, rule in templates_in_use(organization, plan)
        ]
        return [
            Finding("rollback", text, f"hardened_baseline_rollback_force: true, which {forced}, too")
            for text, forced in [*templates, *([] if self.scope == "full" else self._theirs(organization, plan))]
        ]

    def _theirs(self, organization: Organization, plan: Plan) -> list[tuple[str, str]]:
        """The sentences about changes by others, each with what the rollback does if it is forced."""
        theirs = [
            change
            for change in plan.changes
            if not self._run.ours(organization, change) and not _is_of_experiment(organization, change)
        ]
        # A created or removed object is one item.
        whole = {(change.resource, change.identity) for change in theirs if change.option == "state"}
        others_changes = [
            _not_ours(change)
            for change in theirs
            if change.option == "state" or (change.resource, change.identity) not in whole
        ]
        if any(change.option == "priority" for change in plan.changes) and self._run.reordered(organization):
            others_changes.append(
                (
                    "rules that the run did not move are in a different order: somebody moved them since then.",
                    "restores the order",
                )
            )
        return others_changes

    def _changed(self, organization: Organization) -> dict[str, Any]:
        """The parts of the snapshot's state that the run changed, without rules. An OME configuration that is gone comes
        back whole.
        """
        parts = {}
        for resource in RESOURCES:
            if resource.name == RULE or resource.subset not in self.parts:
                continue
            changes = [
                (change.identity, change.option) for change in self.recorded_changes if change.resource == resource.name
            ]
            whole = self.parts[resource.subset]
            narrowed = resource.narrowed(whole, changes)
            if resource.name == OME_CONFIGURATION.name:
                existing = organization.objects(resource.subset)
                narrowed |= {name: whole[name] for name in narrowed if find(existing, name) is None}
            parts.update({resource.subset: narrowed} if narrowed else {})
        return parts

    def _not_restorable(self, organization: Organization) -> list[PlanWarning]:
        """What cannot be restored."""
        parts = [
            *(parts_not_in(self.snapshot) if self.scope == "full" else []),
            *not_shown_before(self.recorded_changes),
        ]
        rules = self._rules
        if rules is None or organization.error("transport_rules") is not None:
            return parts
        created = rules.run.created_now(organization).values()
        unclear = may_be_the_same(rules.run, self._found_first.values(), created, rules.since(organization))
        gone = expired(rules.expired(organization))
        return [*parts, *not_rebuildable(self.snapshot, organization), *gone, *unclear]


class NothingToRollBack(NothingToDo):
    """A rollback when every snapshot has already been rolled back."""

    kind = ROLLBACK

    def notice(self, changes: Sequence[PlannedChange], mail: EffectOnMail, *, check_mode: bool) -> str:
        return "Every snapshot of this organization has been rolled back, so there is nothing to restore."


def _is_of_experiment(organization: Organization, change: Change) -> bool:
    """Whether a change removes a temporary rule of an experiment."""
    return change.resource == RULE and any(rule.name == change.identity for rule in temporary_rules_of(organization))


def _not_ours(change: Change) -> tuple[str, str]:
    """The sentence about a change that would undo someone else's change, and what the rollback does if it is forced."""
    if change.option != "state":
        text = f"{change.option} of {change.subject} is {value_text(change.before)}, which is not what the run left: somebody changed it since then."
        return text, "sets it back"
    return (
        f"{change.identity} is not as the run left it: somebody changed or renamed it since then.",
        f"{DOES.word_for(change)} it",
    )
