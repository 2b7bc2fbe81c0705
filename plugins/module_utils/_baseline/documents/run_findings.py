# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run saw of an organization, as its report tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._mail_flow.wording.evidence_row import EvidenceResultRow, EvidenceRow, RuleEvidenceRow
from ..._mail_flow.wording.replay_row import WindowRow
from ..._resources.rules.organization_rules import RULE
from ..controls.mail_control import MAIL_CONTROL
from .change import PlannedChange, same
from .report import ControlReport, OrganizationReport, RunReport
from .status import ChangeState, ControlStatus, OrganizationStatus

#: The kinds of reports with the status of controls.
KINDS = ("audit", "check", "apply")
#: The kinds of reports of runs that can set back what another run has fixed.
_UNDOING = ("rollback", "disable")


@dataclass(frozen=True)
class FindingKey:
    """Identifies a finding, independent of current names.

    :param object: the GUID of a rule, or the name of another object; empty if an organization has only one.
    :param option: empty if the control as a whole is not met.
    """

    control: str
    resource: str = ""
    object: str = ""
    option: str = ""


@dataclass(frozen=True)
class SeenFinding:
    """A finding in one run.

    :param found: the value; ``None`` if there is none.
    :param modified_by: who last changed the rule, according to Exchange; empty if unknown.
    """

    title: str
    identity: str
    text: str
    found: Any = None
    wanted: Any = None
    modified_by: str = ""


@dataclass(frozen=True)
class RevertedValue:
    """A value that a run without controls, such as a rollback, has set.

    :param objects: what a finding may call the object: its name and, of a rule, its GUID.
    """

    control: str
    resource: str
    objects: frozenset[str]
    option: str
    value: Any

    def is_of(self, key: FindingKey, seen: SeenFinding) -> bool:
        """Whether it is the value that was a finding."""
        identified = (key.control, key.resource, key.option) == (
            self.control,
            self.resource,
            self.option,
        ) and key.object in self.objects
        return identified and same(self.resource, self.option, seen.found, self.value)


@dataclass(frozen=True)
class ReportedRule:
    """What Exchange reported of a rule, and what was computed, for mail of a time."""

    window: WindowRow
    rule: RuleEvidenceRow


@dataclass(frozen=True)
class RunFindings:
    """What one run saw of one organization.

    :param judged: the status of each control that the run could assess.
    :param stored: the findings that the run itself fixed, as it had found them.
    :param undone: what a run that judges no controls has set.
    :param reported: what Exchange reported of rules, and what was computed.
    :param unseen: what may encrypt mail, or take its protection away, and the run neither read nor was told.
    """

    at: str
    run: str
    host: str
    name: str
    display_name: str
    tenant_id: str
    judged: Mapping[str, ControlStatus]
    open: Mapping[FindingKey, SeenFinding]
    stored: Mapping[FindingKey, SeenFinding] = field(default_factory=dict)
    undone: Sequence[RevertedValue] = ()
    reported: Sequence[ReportedRule] = ()
    unseen: Sequence[str] = ()


def run_findings_of(run: RunReport) -> list[RunFindings]:
    """What the run of a report saw; empty if reports of its kind have no controls."""
    if run.kind in _UNDOING:
        runs = (_undoing(run.generated_at, run.run, report) for report in run.organizations)
        return [findings for findings in runs if findings.undone]
    if run.kind not in KINDS:
        return []
    return [_findings_of_report(run.kind, run.generated_at, run.run, report) for report in run.organizations]


def _undoing(at: str, run: str, report: OrganizationReport) -> RunFindings:
    """What a run without controls has set. What it stored is known even if it failed later."""
    guids = {rule.name: rule.guid for rule in report.rules}
    undone = tuple(
        RevertedValue(
            change.control,
            change.resource,
            frozenset((change.identity, guids.get(change.identity, change.identity))),
            change.option,
            change.after,
        )
        for change in _without_duplicates(report.changes)
        if change.state is ChangeState.STORED
    )
    return RunFindings(
        at, run, report.host, report.name, report.display_name, report.tenant_id or "", {}, {}, undone=undone
    )


def _findings_of_report(kind: str, at: str, run: str, report: OrganizationReport) -> RunFindings:
    # The report of a run that failed partway shows neither the state before nor the state after.
    controls = () if report.status == OrganizationStatus.FAILED else report.controls
    judged = _judged(kind, controls, report.changes)
    changes = _Changes(report)
    open_findings: dict[FindingKey, SeenFinding] = {}
    for control in controls:
        if judged.get(control.id) is ControlStatus.NOT_MET:
            open_findings |= changes.remaining_of(control) or {
                FindingKey(control.id): SeenFinding(control.title, "", " ".join(control.findings) or "It is not met.")
            }
    names = (report.host, report.name, report.display_name, report.tenant_id or "")
    reported = _reported(report.mail.evidence)
    unseen = report.mail.unseen or ()
    return RunFindings(
        at, run, *names, judged, open_findings, changes.stored_by_run(), reported=reported, unseen=unseen
    )


def _judged(kind: str, controls: Sequence[ControlReport], changes: Sequence[PlannedChange]) -> dict[str, ControlStatus]:
    """The status of each control that a run has judged, by its id. What is only foreseen of mail is not judged yet."""
    foreseen = kind != "audit" and any(change.state is ChangeState.PLANNED for change in changes)
    return {
        control.id: control.status
        for control in controls
        if control.selected
        and control.status is not ControlStatus.NOT_ASSESSABLE
        and not (foreseen and control.id == MAIL_CONTROL)
    }


class _Changes:
    """The changes of a report as findings."""

    def __init__(self, report: OrganizationReport) -> None:
        self._changes = _without_duplicates(report.changes)
        self._rules = {rule.name: rule for rule in report.rules}
        controls = () if report.status == OrganizationStatus.FAILED else report.controls
        self._titles = {control.id: control.title for control in controls}

    def stored_by_run(self) -> dict[FindingKey, SeenFinding]:
        """The findings about what the run has stored."""
        return dict(self._finding(change) for change in self._changes if change.state is ChangeState.STORED)

    def remaining_of(self, control: ControlReport) -> dict[FindingKey, SeenFinding]:
        """The findings of a control about what the run has not stored."""
        mine = [change for change in self._changes if change.control == control.id]
        return dict(self._finding(change) for change in mine if change.state is not ChangeState.STORED)

    def _finding(self, change: PlannedChange) -> tuple[FindingKey, SeenFinding]:
        rule = self._rules.get(change.identity) if change.resource == RULE else None
        identified = rule.guid if rule and rule.guid else change.identity
        key = FindingKey(change.control, change.resource, identified, change.option)
        finding = SeenFinding(
            self._titles.get(change.control, ""),
            change.identity,
            f"{change.option} of {change.identity or change.resource}",
            change.before,
            change.after,
            rule.last_modified_by if rule else "",
        )
        return key, finding


def _reported(evidence: EvidenceResultRow | None) -> list[ReportedRule]:
    """What Exchange reported of rules in a run."""
    if not isinstance(evidence, EvidenceRow):
        return []
    return [ReportedRule(evidence.window, rule) for rule in evidence.rules]


def _without_duplicates(changes: Sequence[PlannedChange]) -> list[PlannedChange]:
    """The changes. For an object that is missing or must be removed, only the change of its state."""
    whole = {change.managed_object for change in changes if change.option == "state"}
    return [change for change in changes if change.option == "state" or change.managed_object not in whole]
