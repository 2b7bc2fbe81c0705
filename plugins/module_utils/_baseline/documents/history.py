# SPDX-License-Identifier: GPL-3.0-or-later
"""How long findings have been open, only from the reports of earlier runs.

A run sees what is open at one moment. What happened between two runs is unknown, so every start and every end lies
*between* two moments: the last run without the finding, and the first run with it. A run that could not read an
organization or did not check a control provides no information about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..._engine.context import ModuleContext
from ..._mail_flow.model.encrypters import ENCRYPTERS
from ..._resources.rules.organization_rules import RULE
from .history_rows import (
    OPEN,
    EndRow,
    EpisodeRow,
    FindingRow,
    History,
    MomentRow,
    OrganizationRow,
    RuleReportRow,
    RunsRow,
)
from .report import now
from .run_findings import FindingKey, ReportedRule, RunFindings, SeenFinding
from .status import ControlStatus

#: Status of a control without open findings to how the last findings ended.
_ENDS = {
    ControlStatus.MET: "fixed",
    ControlStatus.NOT_MET: "fixed",
    ControlStatus.ACCEPTED: "accepted",
    ControlStatus.NOT_APPLICABLE: "not applicable",
    ControlStatus.UNMANAGED: "unmanaged",
}


@dataclass(frozen=True)
class Moment:
    """When something began or ended.

    :param after: the time of the last run before it; empty if there was none.
    :param by: the time of the first run that saw it. Both are in UTC, in the form of reports.
    :param run: the folder of that first run.
    """

    after: str
    by: str
    run: str

    def __str__(self) -> str:
        return (
            f"between {shown(self.after)} and {shown(self.by)}"
            if self.after
            else f"{shown(self.by)} or earlier (first check)"
        )

    def as_row(self) -> MomentRow:
        """The moment in the document."""
        return MomentRow(after=self.after, by=self.by, run=self.run, text=str(self))


@dataclass
class Episode:
    """A finding from its start to its end. While it is open, ``end`` is ``None`` and ``how`` is empty."""

    since: Moment
    seen: SeenFinding
    last_seen: str
    end: Moment | None = None
    how: str = ""
    modified_by: str = ""

    @property
    def ended(self) -> EndRow | None:
        """How it ended, in the document."""
        if self.end is None:
            return None
        return EndRow(after=self.end.after, by=self.end.by, run=self.end.run, text=str(self.end), how=self.how)

    def as_row(self) -> EpisodeRow:
        """The episode in the document."""
        return EpisodeRow(
            since=self.since.as_row(), last_seen=self.last_seen, ended=self.ended, modified_by=self.modified_by
        )


@dataclass
class OrganizationHistory:
    """What all runs saw of one organization.

    :param missed: the number of runs that could not read it.
    :param reported: what Exchange reported of rules in which run.
    """

    tenant_id: str = ""
    names: list[str] = field(default_factory=list)
    display_name: str = ""
    hosts: list[str] = field(default_factory=list)
    runs: int = 0
    missed: int = 0
    first_seen: str = ""
    last_seen: str = ""
    findings: dict[FindingKey, list[Episode]] = field(default_factory=dict)
    reported: list[tuple[RunFindings, ReportedRule]] = field(default_factory=list)
    _judged_at: dict[str, str] = field(default_factory=dict)
    _fixed: dict[FindingKey, SeenFinding] = field(default_factory=dict)

    def add_run(self, run: RunFindings) -> None:
        """Adds what a run saw. Call it in the order of the runs."""
        if run.name and run.name.lower() not in (name.lower() for name in self.names[-1:]):
            self.names.append(run.name)
        self.display_name = run.display_name or self.display_name
        self.tenant_id = run.tenant_id or self.tenant_id
        if run.host not in self.hosts:
            self.hosts.append(run.host)
        self.reported += [(run, report) for report in run.reported]
        if run.undone:
            self._reopen(run)
            return
        if not run.judged:
            self.missed += 1
            return
        self.runs += 1
        self.first_seen = self.first_seen or run.at
        self.last_seen = run.at
        for control, status in run.judged.items():
            self._end(run, control, status)
        for key, seen in run.open.items():
            self._see(run, key, seen)
        self._judged_at.update(dict.fromkeys(run.judged, run.at))
        self._fixed.update(run.stored)

    def _reopen(self, run: RunFindings) -> None:
        """Opens the findings whose values a run has set back."""
        known = {**self._fixed, **{key: episodes[-1].seen for key, episodes in self.findings.items()}}
        for key, seen in known.items():
            if any(reverted.is_of(key, seen) for reverted in run.undone):
                self._see(run, key, seen)

    def _end(self, run: RunFindings, control: str, status: ControlStatus) -> None:
        for key, episodes in self.findings.items():
            episode = episodes[-1]
            if key.control == control and key not in run.open and episode.end is None:
                episode.end = Moment(episode.last_seen, run.at, run.run)
                episode.how = f"fixed by the run {run.run}" if key in run.stored else _ENDS[status]

    def _see(self, run: RunFindings, key: FindingKey, seen: SeenFinding) -> None:
        episodes = self.findings.setdefault(key, [])
        if episodes and episodes[-1].end is None:
            episodes[-1].seen, episodes[-1].last_seen = seen, run.at
            return
        episodes.append(
            Episode(
                Moment(self._judged_at.get(key.control, ""), run.at, run.run),
                seen,
                run.at,
                modified_by=seen.modified_by,
            )
        )

    @property
    def _who(self) -> dict[str, str]:
        """What identifies it in the rows of the document."""
        name = self.names[-1] if self.names else ""
        return {"tenant_id": self.tenant_id, "name": name, "display_name": self.display_name}

    def as_row(self) -> OrganizationRow:
        """The organization in the document."""
        return OrganizationRow(
            **self._who,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            earlier_names=tuple(self.names[:-1]),
            hosts=tuple(self.hosts),
            runs=self.runs,
            runs_missed=self.missed,
        )

    def evidence_rows(self) -> Iterable[RuleReportRow]:
        """What Exchange reported of its rules, and what was computed, oldest first."""
        for run, report in self.reported:
            rule = report.rule
            yield RuleReportRow(
                **self._who,
                host=self.hosts[-1],
                at=run.at,
                run=run.run,
                window=report.window,
                rule=rule.name,
                guid=rule.guid,
                mode=rule.mode,
                reported=rule.reported,
                predicted=rule.predicted,
                comparable=rule.comparable,
                contradictions=rule.contradictions,
            )

    def finding_rows(self) -> Iterable[FindingRow]:
        """Its findings."""
        for key, episodes in self.findings.items():
            last = episodes[-1]
            yield FindingRow(
                **self._who,
                host=self.hosts[-1],
                control=key.control,
                title=last.seen.title,
                resource=key.resource,
                identity=last.seen.identity,
                guid=key.object if key.resource == RULE and key.object != last.seen.identity else "",
                option=key.option,
                text=last.seen.text,
                found=last.seen.found,
                wanted=last.seen.wanted,
                state=last.how if last.end else OPEN,
                openings=len(episodes),
                flapping=len(episodes) > 1,
                since=last.since.as_row(),
                last_seen=last.last_seen,
                ended=last.ended,
                modified_by=last.modified_by,
                earlier=tuple(episode.as_row() for episode in episodes[:-1]),
            )


def shown(time: str) -> str:
    """A report's time for people: ``2026-11-25 03:00 UTC``."""
    return f"{time[:10]} {time[11:16]} UTC"


def history_of(run_findings: Sequence[RunFindings]) -> list[OrganizationHistory]:
    """The organizations that runs saw. A renamed organization or host stays the same if a run saw the tenant id."""
    ordered = sorted(run_findings, key=lambda run: (run.at, run.run))
    same = _Same(ordered)
    histories: dict[str, OrganizationHistory] = {}
    for group in _of_one_run(ordered, same):
        histories.setdefault(same.key(group), OrganizationHistory()).add_run(group)
    return list(histories.values())


class _Same:
    """Decides which findings belong to the same organization."""

    def __init__(self, run_findings: Sequence[RunFindings]) -> None:
        self._tenants = _unique(
            (run.name.lower(), run.tenant_id.lower()) for run in run_findings if run.name and run.tenant_id
        )
        self._hosts = _unique((run.host, self._known(run)) for run in run_findings if self._known(run))

    def _known(self, run: RunFindings) -> str:
        """The organization's tenant id, or else its initial domain; empty if the run read neither."""
        return run.tenant_id.lower() or self._tenants.get(run.name.lower(), run.name.lower())

    def key(self, run: RunFindings) -> str:
        """A key that is equal for all findings of an organization. A run that read nothing has only the host, whose
        name may be the organization's.
        """
        return (
            self._known(run) or self._hosts.get(run.host) or self._tenants.get(run.host.lower()) or f"host {run.host}"
        )


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """First part of the pairs to its second part, without those that have several."""
    values_of: dict[str, set[str]] = {}
    for name, value in pairs:
        values_of.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in values_of.items() if len(values) == 1}


def _of_one_run(run_findings: Sequence[RunFindings], same: _Same) -> list[RunFindings]:
    """The findings of each run, with those of several hosts of the same organization merged: a finding of one host is
    open.
    """
    whole: dict[tuple[str, str, str], RunFindings] = {}
    for run in run_findings:
        key = (run.at, run.run, same.key(run))
        other = whole.get(key)
        if other is not None:
            judged = {
                **other.judged,
                **{
                    id_: status
                    for id_, status in run.judged.items()
                    if other.judged.get(id_) is not ControlStatus.NOT_MET
                },
            }
            run = RunFindings(
                *(run.at, run.run, run.host, run.name, run.display_name, run.tenant_id, judged),
                {**other.open, **run.open},
                {**other.stored, **run.stored},
                (*other.undone, *run.undone),
                (*other.reported, *run.reported),
                (*other.unseen, *run.unseen),
            )
        whole[key] = run
    return list(whole.values())


def history_document(run_findings: Sequence[RunFindings], runs: int) -> History:
    """The history: open findings first, oldest first.

    :param runs: the number of runs, including those without controls.
    """
    organizations = history_of(run_findings)
    rows = [row for organization in organizations for row in organization.finding_rows()]
    rows.sort(key=lambda row: (row.state != OPEN, row.since.by, row.name, row.control, row.identity, row.option))
    times = sorted({run.at for run in run_findings})
    unseen = {encrypter for run in run_findings for encrypter in run.unseen}
    return History(
        generated_at=now(),
        runs=RunsRow(
            count=runs,
            with_controls=len({run.run for run in run_findings if not run.undone}),
            first=times[0] if times else "",
            last=times[-1] if times else "",
        ),
        organizations=tuple(organization.as_row() for organization in organizations),
        findings=tuple(rows),
        evidence=tuple(row for organization in organizations for row in organization.evidence_rows()),
        unseen=tuple(encrypter for encrypter in ENCRYPTERS if encrypter in unseen),
    )


@dataclass
class HistoryContext(ModuleContext):
    """A task that reads the folders of runs.

    :param runs: yields what each run in a directory saw, oldest folder first.
    :param store: writes the history to a new run folder. Returns the paths.
    """

    runs: Callable[[str], Iterator[list[RunFindings]]] = field(kw_only=True)
    store: Callable[[str, History], dict[str, str]] = field(kw_only=True)
