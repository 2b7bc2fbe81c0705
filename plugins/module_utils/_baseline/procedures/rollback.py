# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollbacks to a snapshot.

The scope ``changed`` restores what the run's plan names, and no more; ``full`` restores the whole state. Either way the
snapshot becomes a state, and the planner of states does the rest.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..._engine.plan import Plan, PlanWarning, warning
from ..._exchange.organization import Organization
from ..._exchange.text import value_text
from ..._mail_flow.input.guarantee_options import Guarantee
from ..._resources.ome_configuration import OME_CONFIGURATION
from ..._resources.organization_state import plan_state, refuse_other_organization
from ..._resources.resource import Planning
from ..._resources.rules.planner import plan_rules
from ..._resources.rules.rule_index import RuleBook
from ..controls.effect_on_mail import EffectOnMail
from ..controls.mail import effect_with_guarantees
from ..documents.applied import Applied
from ..documents.change import DOES, WOULD, PlannedChange, undone
from ..documents.report import SnapshotReference
from ..documents.snapshot import SnapshotDocument
from .later_snapshots import LaterSnapshot, refused_by
from .others_changes import findings_of_others
from .procedure import ROLLBACK, Draft, NothingToDo, Procedure, Restored, Run
from .recorded_changes import unknown_since
from .refusals import confirmation_findings, organization_refusals
from .restored_state import RestoredState
from .unrestorable import IMPOSSIBLE, UNCLEAR, not_restorable


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
        whole = scope == "full" or not snapshot.plan
        self.state = RestoredState.of_snapshot(
            snapshot,
            applied.applied_changes(snapshot.changes) if applied else snapshot.changes,
            [change for later in later_snapshots for change in later.changes],
            whole=whole,
            force=force,
        )
        self.subsets = self.state.subsets
        self._remove_templates = remove_templates
        self._guarantees = guarantees
        self._interrupted = applied is None and snapshot.plan is not None
        self._reference = SnapshotReference(
            path, snapshot.created_at, snapshot.run, "full" if whole else scope, snapshot.digest
        )
        #: The later snapshots that have not been rolled back.
        self._later_snapshots = [later for later in later_snapshots if not later.rolled_back]
        # The whole state undoes the runs since, too. Otherwise, the next rollback would bring back what they changed.
        self._undone_too = [later.reference for later in self._later_snapshots] if whole else []

    @property
    def restored(self) -> Restored:
        return Restored(self._reference, self._undone_too, self.remaining_differences)

    def draft(self, organization: Organization, run: Run) -> Draft:
        plan = self.plan(organization, check_mode=True)
        findings = [] if self.state.whole else refused_by(self._later_snapshots, self.state.recorded_changes)
        if not self.state.force:
            findings += findings_of_others(self.state, organization, plan)
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
        begun = copy.copy(self)
        begun.state = self.state.begun(organization)
        return begun

    def of_changes(self, changes: Iterable[PlannedChange]) -> Rollback:
        """The rollback of a run that changed no more than this."""
        narrowed = copy.copy(self)
        narrowed.state = self.state.of_changes(changes)
        return narrowed

    def notice(self, changes: Sequence[PlannedChange], mail: EffectOnMail, *, check_mode: bool) -> str:
        sentences = [f"Goes back to {self._reference}."]
        if not changes:
            sentences.append("There is nothing left to restore.")
        elif check_mode:
            sentences.append(f"It would {undone(changes, WOULD)}.")
        else:
            sentences.append(f"It {undone(changes, DOES)}.")
        if self._undone_too:
            names = ", ".join(snapshot.name for snapshot in self._undone_too)
            sentences.append(f"Snapshots that were taken since count as rolled back, too: {names}.")
        if self._interrupted and not self.state.whole:
            sentences.append("What that run stored is not recorded, so all that it planned counts as changed by it.")
        staying = [repr(row.name) for row in mail.foreign if row.needs_a_look]
        if staying:
            sentences.append(f"Rules that are not ours decide about mail, and stay: {', '.join(staying)}.")
        return " ".join(sentences)

    def plan(self, organization: Organization, *, check_mode: bool = False) -> Plan:
        state = self.state
        # Another organization is refused.
        refuse_other_organization(
            organization,
            {"organization": state.snapshot.organization},
            remedy="Set hardened_baseline_rollback_snapshot to a snapshot of this organization.",
        )
        parts = state.parts_without_rules(organization)
        plans = {"state": plan_state(organization, parts, Planning(restoring=True, check_mode=check_mode))}
        if self._remove_templates and state.created_configurations:
            plans["templates"] = state.created_configurations.removal(organization)
        rules = state.rules
        if rules:
            # A template that this very plan brings back may be named by a rule that it rebuilds.
            created = list(state.parts.get(OME_CONFIGURATION.subset, {}))
            book = RuleBook(organization, restoring=True, check_mode=check_mode, created=created)
            plans["rules"] = plan_rules(book, rules.declared(organization), ordered=state.whole or state.run.moved())
            plans["switches"] = rules.switches(organization, check_mode)
        plan = Plan.join(plans)
        plan.warnings += [
            *not_restorable(state, organization),
            *unknown_since(organization, plan),
            *self._staying(organization, plan),
        ]
        return plan

    def _staying(self, organization: Organization, plan: Plan) -> Iterator[PlanWarning]:
        """The warnings about what a plan leaves there: rules, OME configurations, and later snapshots."""
        rules, configurations = self.state.rules, self.state.created_configurations
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
        if self.state.whole or not self.state.recorded_changes:
            return
        holding = [later.name for later in self._later_snapshots if later.document and later.document.plan is None]
        if holding:
            text = (
                f"{', '.join(holding)}, taken later, contains what this rollback takes away: the next rollback would bring it back. "
                "To roll back to another one, set hardened_baseline_rollback_snapshot."
            )
            yield warning("later_snapshots_stay", text, snapshots=holding)

    def mail(self, organization: Organization, plan: Plan) -> EffectOnMail:
        rules = self.state.rules
        foreign = rules.foreign(organization, plan) if rules else []
        effect = effect_with_guarantees(organization, plan, self._guarantees)
        return replace(effect, foreign=tuple(foreign))

    def remaining_differences(self, organization: Organization) -> list[str]:
        """The differences between an organization and the snapshot, as sentences."""
        plan = self.plan(organization, check_mode=True)
        differences = [
            f"{change.option} of {change.subject} is {value_text(change.before)}." for change in plan.changes
        ]
        rules = self.state.rules
        if rules:
            strangers = rules.strangers(organization)
            differences += [f"{name!r} exists, which others created since then." for name in strangers]
            differences += rules.unread(organization)
        return [*differences, *self._matters_left(organization, plan)]

    def _matters_left(self, organization: Organization, plan: Plan) -> list[str]:
        """The warnings of a plan for which a snapshot does not count as rolled back."""
        unclear = (UNCLEAR,) if self.state.force else (UNCLEAR, *IMPOSSIBLE)
        # A part that the session has never seen will not appear.
        unseen = [part for part in self.state.snapshot.unavailable if not organization.available(part)]
        return [
            plan_warning.text
            for plan_warning in plan.warnings
            if plan_warning.kind in unclear and plan_warning.values.get("part") not in unseen
        ]


class NothingToRollBack(NothingToDo):
    """A rollback when every snapshot has already been rolled back."""

    kind = ROLLBACK

    def notice(self, changes: Sequence[PlannedChange], mail: EffectOnMail, *, check_mode: bool) -> str:
        return "Every snapshot of this organization has been rolled back, so there is nothing to restore."
