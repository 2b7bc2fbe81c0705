# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run: what its tasks returned, as one document."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from ..._exchange.document import VERSION
from ..._exchange.errors import ExchangeError, OptionError, UnreachableError
from ..controls.acceptance import AcceptedFinding
from ..controls.effect_on_mail import EffectOnMail
from ..controls.findings import Finding
from .change import PlannedChange
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
#: What is written unless somebody wishes otherwise. Later rings, merges of slices and the history read the JSON, so it is written in any case.
DEFAULT_FORMATS = ("html", "json")

#: Why an organization has no report, in general and if its turn comes later.
UNKNOWN = "Its state is unknown: it has not run, or its own report could not be written."
WAITING = "Not run yet: it is in a later ring."

#: Statuses that the failure of a task replaces.
_UNSETTLED = (OrganizationStatus.NOT_ASSESSABLE, OrganizationStatus.MET, OrganizationStatus.DRIFT)

Part = TypeVar("Part")


@dataclass(frozen=True)
class ControlReport:
    """A control, and its status in an organization.

    :param selected: whether the tags of the run select it.
    :param wanted: the settings that it wants; ``None`` if it wants none, or they could not be planned.
    :param found: those settings as they are.
    :param exception: the accepted exception, expired or not.
    """

    id: str
    title: str
    selected: bool
    status: ControlStatus
    wanted: Any
    found: Any
    reason: str
    risk: str
    notice: str
    provenance: str
    source: str
    exception: AcceptedFinding | None
    findings: tuple[str, ...] = ()

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> ControlReport:
        """From the written form. Raises ValueError if it is none."""
        exception = None if row.get("exception") is None else _parsed(AcceptedFinding, row["exception"])
        return _parsed(
            cls,
            {
                **row,
                "status": ControlStatus(str(row.get("status"))),
                "exception": exception,
                "findings": tuple(row.get("findings", ())),
            },
        )

    def as_dict(self) -> dict[str, Any]:
        """The written form."""
        return {
            **_shallow(self),
            "status": str(self.status),
            "exception": self.exception and self.exception.as_dict(),
            "findings": list(self.findings),
        }


@dataclass(frozen=True)
class ConnectionSummary:
    """How the organization was reached."""

    transport: str | None
    endpoint: str | None
    authentication: str | None
    client_id: str | None


@dataclass(frozen=True)
class Digests:
    """The digests of the plan, of the snapshot, and of the state that was read; empty if there is none."""

    plan: str = ""
    snapshot: str = ""
    state: str = ""


@dataclass(frozen=True)
class SnapshotReference:
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


@dataclass(frozen=True)
class OrganizationReport:
    """What a run found and did in one organization.

    :param connection: ``None`` if nothing was read.
    :param observed: settings that are reported and never changed: ``title``, ``value``, ``reason``.
    :param overview: what the organization does today; ``None`` if nobody asked.
    :param mail: what the plan does to mail, as ``baseline_plan`` returns it.
    :param findings: what was refused.
    :param accepted: the accepted words, with ``reason``, ``owner``, ``until`` and whether this run ``needed`` them.
    :param snapshot: the snapshot that a rollback goes back to.
    :param snapshot_file: the snapshot that this run took.
    :param ring: the ring in which the run wrote to it, or the inventory's ``exchange_ring``; empty if there are no
        rings.
    :param profile: the profile of the baseline; empty for other procedures.
    :param rules: the rules that changes are about, as they are: ``name``, ``guid`` and, where Exchange says it,
        ``last_modified_by``.
    :param waits: whether its ring had not begun when the report was written.
    :param message: why the run failed.
    """

    name: str = ""
    display_name: str = ""
    tenant_id: str | None = ""
    connection: ConnectionSummary | None = None
    controls: tuple[ControlReport, ...] = ()
    observed: tuple[Mapping[str, Any], ...] = ()
    overview: OrganizationOverview | None = None
    changes: tuple[PlannedChange, ...] = ()
    mail: EffectOnMail = field(default_factory=EffectOnMail)
    findings: tuple[Finding, ...] = ()
    accepted: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    snapshot: SnapshotReference | None = None
    snapshot_file: str = ""
    digests: Digests = Digests()
    applied: int = 0
    not_applied: int = 0
    host: str = ""
    status: OrganizationStatus = OrganizationStatus.NOT_ASSESSABLE
    rules: tuple[Mapping[str, Any], ...] = ()
    ring: str = ""
    profile: str = ""
    waits: bool = False
    message: str = UNKNOWN

    @classmethod
    def read(cls, document: Any) -> OrganizationReport:
        """From the written form. Raises ValueError if it is none."""
        if not isinstance(document, Mapping):
            raise ValueError("it is not the report of an organization")
        try:
            parts = {
                "connection": _parsed(ConnectionSummary, document["connection"]) if document["connection"] else None,
                "controls": tuple(map(ControlReport.read, document["controls"])),
                "observed": tuple(document["observed"]),
                "overview": OrganizationOverview.from_row(document["overview"]) if document.get("overview") else None,
                "changes": tuple(map(PlannedChange.read, document["changes"])),
                "findings": tuple(_parsed(Finding, row) for row in document["findings"]),
                "accepted": tuple(document["accepted"]),
                "warnings": tuple(document["warnings"]),
                "rules": tuple(document.get("rules", ())),
                "snapshot": _parsed(SnapshotReference, document["snapshot"]) if document["snapshot"] else None,
                "mail": EffectOnMail.read(document.get("mail") or {}),
                "digests": _parsed(Digests, document["digests"]),
                "status": OrganizationStatus(document["status"]),
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("it is not the report of an organization") from error
        texts = [document.get(name, "") for name in ("name", "display_name", "host")] + [
            document.get("tenant_id") or ""
        ]
        rows = [*document["observed"], *document["accepted"], *document.get("rules", ())]
        texts += [rule.get("name") for rule in document.get("rules", ()) if isinstance(rule, Mapping)]
        if not all(isinstance(text, str) for text in texts) or not all(isinstance(row, Mapping) for row in rows):
            raise ValueError("it is not the report of an organization")
        return _parsed(cls, {**document, **parts})

    def as_dict(self) -> dict[str, Any]:
        """The written form."""
        return {
            **_shallow(self),
            "connection": asdict(self.connection) if self.connection else {},
            "controls": [control.as_dict() for control in self.controls],
            "observed": list(self.observed),
            "changes": [change.as_dict() for change in self.changes],
            "overview": self.overview.as_row() if self.overview else {},
            "mail": self.mail.as_dict(),
            "findings": [finding.as_dict() for finding in self.findings],
            "accepted": list(self.accepted),
            "warnings": list(self.warnings),
            "rules": list(self.rules),
            "snapshot": asdict(self.snapshot) if self.snapshot else None,
            "digests": asdict(self.digests),
            "status": str(self.status),
        }

    @property
    def unassessed(self) -> str:
        """Why wanted controls are not assessable, and which; empty if all are. What is excepted may be unknown."""
        reasons: dict[str, list[str]] = {}
        for control in self.controls:
            excepted = control.exception is not None and not control.exception.expired
            if control.status is ControlStatus.NOT_ASSESSABLE and not excepted:
                reasons.setdefault(" ".join(control.findings) or str(control.status), []).append(control.id)
        return " ".join(f"{', '.join(ids)}: {why}" for why, ids in reasons.items())

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


@dataclass(frozen=True)
class RunReport:
    """The report of a run over some organizations.

    :param run: the name of the run's folder.
    :param command: the command that applies the plan of a check; empty if nothing is to be applied.
    :param approvable: whether its plans can be approved.
    :param generated_at: the time in UTC, as ISO 8601 has it.
    :param kind: ``check``, ``apply``, or the procedure.
    :param awx: what AWX says of the job; ``None`` elsewhere.
    """

    run: str
    command: str
    approvable: bool
    kind: str
    ansible_version: str
    change_reference: Any
    approver: Any
    approval_valid_until: Any
    awx: Mapping[str, Any] | None
    organizations: tuple[OrganizationReport, ...]
    generated_at: str
    collection_version: str = VERSION

    def as_dict(self) -> dict[str, Any]:
        """The written form."""
        return {
            "format": FORMAT,
            "run": self.run,
            "command": self.command,
            "approvable": self.approvable,
            "generated_at": self.generated_at,
            "kind": self.kind,
            "collection_version": self.collection_version,
            "ansible_version": self.ansible_version,
            "change_reference": self.change_reference,
            "approver": self.approver,
            "approval_valid_until": self.approval_valid_until,
            "awx": None if self.awx is None else dict(self.awx),
            "organizations": [organization.as_dict() for organization in self.organizations],
        }

    @property
    def counts(self) -> dict[str, int]:
        """How many organizations have which status."""
        return dict(sorted(Counter(str(organization.status) for organization in self.organizations).items()))


def now() -> str:
    """The time in UTC, as reports have it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def organizations_of(document: Mapping[str, Any], where: str) -> list[OrganizationReport]:
    """The organizations of a written report. Raises OptionError if it cannot be read.

    :param where: the folder that it comes from.
    """
    try:
        return [OrganizationReport.read(row) for row in document["organizations"]]
    except (KeyError, TypeError, ValueError) as error:
        raise OptionError(
            f"hardened_baseline_artifacts_dir: {where} contains a report that this version of the collection cannot read.",
            remedy="Remove it, or use the version of the collection that wrote it.",
        ) from error


def organization_report(
    host: str, procedure: str, noted: OrganizationReport | None, results: Sequence[Mapping[str, Any]]
) -> OrganizationReport:
    """What a run found and did in one organization.

    :param noted: what the tasks that planned and applied stored for the report; ``None`` if they stored nothing.
    :param results: what those tasks returned, in order; those that did not run left out.
    """
    report = replace(noted or OrganizationReport(), host=host)
    if report.status is OrganizationStatus.FAILED:
        return report  # Who stores a failure stores why, and what was rolled back since.
    for result in results:
        if result.get("failed"):
            status = _status_of_failure(procedure, result) if report.status in _UNSETTLED else report.status
            report = replace(report, message=str(result.get("msg") or "It failed."), status=status)
    return report


def _status_of_failure(procedure: str, result: Mapping[str, Any]) -> OrganizationStatus:
    error = ExchangeError.classes.get((result.get("error") or {}).get("class", ""), ExchangeError)
    if issubclass(error, UnreachableError) or procedure == "audit":
        return OrganizationStatus.NOT_ASSESSABLE
    return OrganizationStatus.REFUSED if issubclass(error, OptionError) else OrganizationStatus.FAILED


def _parsed(kind: type[Part], row: Any) -> Part:
    """A part of a report from its keys. Raises ValueError if keys are missing or unknown."""
    try:
        return kind(**row)
    except TypeError as error:
        raise ValueError(f"a report has a {kind.__name__} that is not one") from error


def _shallow(part: Any) -> dict[str, Any]:
    return {item.name: getattr(part, item.name) for item in fields(part)}
