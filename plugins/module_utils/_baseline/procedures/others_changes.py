# SPDX-License-Identifier: GPL-3.0-or-later
"""What others changed since a run, and a rollback of it would undo, too."""

from __future__ import annotations

from ..._engine.plan import Change, Plan
from ..._exchange.organization import Organization
from ..._exchange.text import value_text
from ..._mail_flow.experiment.temporary_rules import temporary_rules_of
from ..._resources.rules.organization_rules import RULE
from ..controls.findings import Finding
from ..documents.change import DOES
from .recorded_changes import RecordedChanges, templates_in_use
from .restored_state import RestoredState


def findings_of_others(state: RestoredState, organization: Organization, plan: Plan) -> list[Finding]:
    """The findings about changes by others that a rollback would undo.

    :param state: what it restores.
    :param plan: its plan.
    """
    findings = [
        _finding(f"{template} is named by the rule {rule!r}, which stays.", "removes it")
        for template, rule in templates_in_use(organization, plan)
    ]
    if state.whole:
        return findings
    run = state.run
    findings += [_finding(*_undoing(change)) for change in _changes_of_others(run, organization, plan)]
    if any(change.option == "priority" for change in plan.changes) and run.reordered(organization):
        moved = "rules that the run did not move are in a different order: somebody moved them since then."
        findings.append(_finding(moved, "restores the order"))
    return findings


def _finding(text: str, forced: str) -> Finding:
    """A finding.

    :param forced: what the rollback does if it is forced.
    """
    return Finding("rollback", text, f"hardened_baseline_rollback_force: true, which {forced}, too")


def _changes_of_others(run: RecordedChanges, organization: Organization, plan: Plan) -> list[Change]:
    """The changes of a plan that are not about what the run changed. An object that is created or removed is one change."""
    changes = [
        change
        for change in plan.changes
        if not run.ours(organization, change) and not _is_of_experiment(organization, change)
    ]
    whole = {(change.resource, change.identity) for change in changes if change.option == "state"}
    return [change for change in changes if change.option == "state" or (change.resource, change.identity) not in whole]


def _is_of_experiment(organization: Organization, change: Change) -> bool:
    """Whether a change removes a temporary rule of an experiment."""
    return change.resource == RULE and any(rule.name == change.identity for rule in temporary_rules_of(organization))


def _undoing(change: Change) -> tuple[str, str]:
    """The sentence about a change that would undo someone else's change, and what the rollback does if it is forced."""
    if change.option != "state":
        text = f"{change.option} of {change.subject} is {value_text(change.before)}, which is not what the run left: somebody changed it since then."
        return text, "sets it back"
    return (
        f"{change.identity} is not as the run left it: somebody changed or renamed it since then.",
        f"{DOES.word_for(change)} it",
    )
