# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run: what its tasks returned, as one document."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from ..._exchange.document import VERSION
from ..._exchange.errors import OptionError
from ..._mail_flow.wording.row import Row, WholeRow, as_list, codec, one_of, row_of, row_or, rows_of, text
from ..controls.acceptance import AcceptedFinding, AcceptedWord
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding
from .change import PlannedChange, TouchedRule
from .organization_overview import OrganizationOverview
from .status import ChangeState, ControlStatus, OrganizationStatus

FORMAT = 1

#: The formats of a report, and the files of each.
FILES = {
    "html": ("report.html", "fleet.html"),
    "json": ("report.json",),
    "jsonl": ("report.jsonl",),
    "csv": ("report.csv",),
    "junit": ("junit.xml",),
}
#: What is written by default. Later rings, merges of slices and the history read the JSON, so it is always written.
DEFAULT_FORMATS = ("html", "json")

#: Why an organization has no report, in general and if its turn comes later.
UNKNOWN = "Its state is unknown: it has not run, or its own report could not be written."
WAITING = "Not run yet: it is in a later ring."


@dataclass(frozen=True)
class ControlReport(WholeRow):
    """A control, and its status in an organization.

    :param selected: whether the tags of the run select it.
    :param wanted: the settings that it wants; ``None`` if it wants none, or they could not be planned.
    :param found: those settings as they are.
    :param exception: the accepted exception, expired or not.
    """

    id: str
    title: str
    selected: bool
    status: ControlStatus = field(metadata=one_of(ControlStatus))
    wanted: Any
    found: Any
    reason: str
    risk: str
    notice: str
    provenance: str
    source: str
    exception: AcceptedFinding | None = field(metadata=row_or(AcceptedFinding, None))
    findings: tuple[str, ...] = field(default=(), metadata=as_list())


@dataclass(frozen=True)
class ObservedSetting(WholeRow):
    """A setting that is reported and never changed.

    :param reason: why it is not managed.
    """

    title: str
    value: Any
    reason: str


@dataclass(frozen=True)
class ConnectionSummary(WholeRow):
    """How the organization was reached."""

    transport: str | None
    endpoint: str | None
    authentication: str | None
    client_id: str | None


@dataclass(frozen=True)
class Digests(WholeRow):
    """The digests of the plan, of the snapshot, and of the state that was read; empty if there is none."""

    plan: str = ""
    snapshot: str = ""
    state: str = ""


@dataclass(frozen=True)
class SnapshotReference(WholeRow):
    """Which snapshot a rollback goes back to.

    :param path: its file.
    :param created_at: when it was taken.
    :param run: the folder of the run that took it.
    :param scope: ``changed`` (what that run changed) or ``full`` (the whole state).
    :param digest: the snapshot's own.
    """

    path: str
    created_at: str
    run: str
    scope: str
    digest: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.rpartition("/")[2]

    def __str__(self) -> str:
        what = "the whole state" if self.scope == "full" else "what that run changed"
        return f"{self.name} of {self.created_at}, taken by the run {self.run}, and puts back {what}"


def _tenant_id(value: Any) -> str | None:
    if not isinstance(value, str | None):
        raise TypeError(f"{value!r} is no tenant ID")
    return value


@dataclass(frozen=True)
class OrganizationReport(WholeRow):
    """What a run found and did in one organization.

    :param connection: ``None`` if nothing was read.
    :param overview: what the organization does today; ``None`` if the run does not say it.
    :param mail: what the plan does to mail, as ``baseline_plan`` returns it.
    :param findings: what was refused.
    :param snapshot: the snapshot that a rollback goes back to.
    :param snapshot_file: the snapshot that this run took.
    :param ring: the ring in which the run wrote to it, or the inventory's ``exchange_ring``; empty if there are no
        rings.
    :param profile: the profile of the baseline; empty for other procedures.
    :param rules: the rules that changes are about.
    :param waits: whether its ring had not begun when the report was written.
    :param message: why the run failed.
    """

    name: str = field(default="", metadata=text())
    display_name: str = field(default="", metadata=text())
    tenant_id: str | None = field(default="", metadata=codec(_tenant_id))
    connection: ConnectionSummary | None = field(default=None, metadata=row_or(ConnectionSummary, {}))
    controls: tuple[ControlReport, ...] = field(default=(), metadata=rows_of(ControlReport))
    observed: tuple[ObservedSetting, ...] = field(default=(), metadata=rows_of(ObservedSetting))
    overview: OrganizationOverview | None = field(default=None, metadata=row_or(OrganizationOverview, {}))
    changes: tuple[PlannedChange, ...] = field(default=(), metadata=rows_of(PlannedChange))
    mail: EffectOnMail = field(default=EffectOnMail(), metadata=row_of(EffectOnMail))
    findings: tuple[Finding, ...] = field(default=(), metadata=rows_of(Finding))
    accepted: tuple[AcceptedWord, ...] = field(default=(), metadata=rows_of(AcceptedWord))
    warnings: tuple[str, ...] = field(default=(), metadata=as_list())
    snapshot: SnapshotReference | None = field(default=None, metadata=row_or(SnapshotReference, None))
    snapshot_file: str = ""
    digests: Digests = field(default=Digests(), metadata=row_of(Digests))
    applied: int = 0
    not_applied: int = 0
    host: str = field(default="", metadata=text())
    status: OrganizationStatus = field(default=OrganizationStatus.NOT_ASSESSABLE, metadata=one_of(OrganizationStatus))
    rules: tuple[TouchedRule, ...] = field(default=(), metadata=rows_of(TouchedRule))
    ring: str = ""
    profile: str = ""
    waits: bool = False
    message: str = UNKNOWN

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """The report of a row that has what every version has written. Raises ValueError if it is none."""
        report = super().from_row(row)
        if lacking := [name for name in _OF_EVERY_VERSION if name not in row]:
            raise ValueError(f"{cls.__name__} lacks {', '.join(lacking)}")
        return report

    @property
    def shown_name(self) -> str:
        """The name that people know it by."""
        return self.display_name or self.name or self.host

    @property
    def unassessed(self) -> str:
        """Why wanted controls are not assessable, and which; empty if all are. What is excepted may be unknown."""
        reasons: dict[str, list[str]] = {}
        for control in self.controls:
            excepted = control.exception is not None and not control.exception.expired
            if control.status is ControlStatus.NOT_ASSESSABLE and not excepted:
                reasons.setdefault(" ".join(control.findings) or str(control.status), []).append(control.id)
        return " ".join(f"{', '.join(ids)}: {why}" for why, ids in reasons.items())

    def with_control(self, control: ControlReport) -> OrganizationReport:
        """The report with another row for a control that it has."""
        return replace(self, controls=tuple(control if row.id == control.id else row for row in self.controls))

    def with_unassessed(self) -> OrganizationReport:
        """The report in which nothing is met while wanted controls are not assessable."""
        if self.status is not OrganizationStatus.MET or not self.unassessed:
            return self
        return replace(self, status=OrganizationStatus.NOT_ASSESSABLE, message=self.unassessed)

    def with_outcome(
        self, status: OrganizationStatus, changes: Sequence[PlannedChange], warnings: Sequence[str]
    ) -> OrganizationReport:
        """The report with the outcome of the changes."""
        applied, unknown = (
            sum(change.state is state for change in changes) for state in (ChangeState.STORED, ChangeState.UNKNOWN)
        )
        not_applied = len(changes) - applied - unknown
        outcome = replace(self, status=status, changes=tuple(changes), applied=applied, not_applied=not_applied)
        return outcome.with_warnings(warnings)

    def with_warnings(self, warnings: Sequence[str]) -> OrganizationReport:
        """The report with more warnings."""
        return replace(self, warnings=tuple(dict.fromkeys([*self.warnings, *warnings])))


#: The keys that the reports of all versions have.
_OF_EVERY_VERSION = (
    *("connection", "controls", "observed", "changes", "findings", "accepted", "warnings", "snapshot"),
    *("digests", "status"),
)


def _format(value: Any) -> int:
    if value != FORMAT:
        raise ValueError(f"format {value!r}")
    return FORMAT


@dataclass(frozen=True, kw_only=True)
class RunReport(WholeRow):
    """The report of a run over some organizations.

    :param run: the name of the run's folder.
    :param command: the command that applies the plan of a check; empty if nothing is to be applied.
    :param approvable: whether its plans can be approved.
    :param generated_at: the time in UTC, as ISO 8601 has it.
    :param kind: ``check``, ``apply``, or the procedure.
    :param awx: what AWX says of the job; ``None`` elsewhere.
    """

    format: int = field(default=FORMAT, metadata=codec(_format))
    run: str = field(metadata=text())
    command: str = ""
    approvable: bool = False
    generated_at: str = field(metadata=text())
    kind: str = field(metadata=text())
    collection_version: str = VERSION
    ansible_version: str = ""
    change_reference: Any = ""
    approver: Any = ""
    approval_valid_until: Any = ""
    awx: Mapping[str, Any] | None = None
    organizations: tuple[OrganizationReport, ...] = field(metadata=rows_of(OrganizationReport))

    @property
    def counts(self) -> dict[str, int]:
        """How many organizations have which status."""
        return dict(sorted(Counter(str(organization.status) for organization in self.organizations).items()))


def now() -> str:
    """The time in UTC, as reports have it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def run_report_of(document: Mapping[str, Any], where: str) -> RunReport:
    """The report of a run. Raises OptionError if it cannot be read.

    :param where: its file.
    """
    try:
        return RunReport.from_row(document)
    except ValueError as error:
        raise OptionError(
            f"hardened_baseline_artifacts_dir: {where} contains a report that this version of the collection cannot read.",
            remedy="Remove it, or use the version of the collection that wrote it.",
        ) from error
