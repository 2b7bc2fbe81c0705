# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of the history, as ``history.json`` has it and its page shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..._exchange.document import VERSION
from ..._mail_flow.wording.evidence_row import ContradictingCopiesRow, PredictedRow
from ..._mail_flow.wording.replay_row import WindowRow
from ..._mail_flow.wording.row import ResultRow, as_list, codec, row_of, rows_of

FORMAT = 1
#: The state of a finding that has not ended.
OPEN = "open"


@dataclass(frozen=True, kw_only=True)
class MomentRow(ResultRow):
    """When something began or ended.

    :param after: the time of the last run before it; empty if there was none.
    :param by: the time of the first run that saw it.
    :param run: the folder of that first run.
    :param text: this as words.
    """

    after: str = ""
    by: str
    run: str
    text: str


@dataclass(frozen=True, kw_only=True)
class EndRow(MomentRow):
    """When and how a finding ended."""

    how: str


@dataclass(frozen=True, kw_only=True)
class EpisodeRow(ResultRow):
    """A finding from its start to its end.

    :param modified_by: who last changed the rule when it began; empty if unknown.
    """

    since: MomentRow = field(metadata=row_of(MomentRow))
    last_seen: str
    ended: EndRow | None = field(default=None, metadata=row_of(EndRow))
    modified_by: str = ""


@dataclass(frozen=True, kw_only=True)
class RowOfOrganization(ResultRow):
    """What is about one organization."""

    tenant_id: str = ""
    name: str = ""
    display_name: str = ""
    host: str

    @property
    def shown_name(self) -> str:
        """The name that people know the organization by."""
        return self.display_name or self.name or self.host


@dataclass(frozen=True, kw_only=True)
class FindingRow(RowOfOrganization):
    """A finding of an organization, with its last episode.

    :param guid: of a rule, where it is known.
    :param found: the value; ``None`` if there is none.
    :param state: ``open``, or how it ended.
    :param openings: how often it began.
    :param earlier: the episodes before the last one.
    """

    control: str
    title: str
    resource: str
    identity: str
    guid: str = ""
    option: str
    text: str
    found: Any = None
    wanted: Any = None
    state: str
    openings: int
    flapping: bool
    since: MomentRow = field(metadata=row_of(MomentRow))
    last_seen: str
    ended: EndRow | None = field(default=None, metadata=row_of(EndRow))
    modified_by: str = ""
    earlier: tuple[EpisodeRow, ...] = field(metadata=rows_of(EpisodeRow))


@dataclass(frozen=True, kw_only=True)
class OrganizationRow(ResultRow):
    """An organization that runs saw.

    :param first_seen: the time of the first run that could read it, and :param:`last_seen` of the last one; empty if none
        could.
    :param runs_missed: the number of runs that could not read it.
    """

    tenant_id: str = ""
    name: str = ""
    display_name: str = ""
    first_seen: str = ""
    last_seen: str = ""
    earlier_names: tuple[str, ...] = field(metadata=as_list())
    hosts: tuple[str, ...] = field(metadata=as_list())
    runs: int
    runs_missed: int

    @property
    def shown_name(self) -> str:
        """The name that people know it by."""
        return self.display_name or self.name or self.hosts[-1]


@dataclass(frozen=True, kw_only=True)
class RuleReportRow(RowOfOrganization):
    """What Exchange reported of a rule in a run, and what was computed; see :class:`RuleEvidenceRow`."""

    at: str
    run: str
    window: WindowRow = field(metadata=row_of(WindowRow))
    rule: str
    guid: str
    mode: str
    reported: int | None = None
    predicted: PredictedRow = field(metadata=row_of(PredictedRow))
    comparable: bool
    contradictions: tuple[ContradictingCopiesRow, ...] = field(metadata=rows_of(ContradictingCopiesRow))


@dataclass(frozen=True, kw_only=True)
class RunsRow(ResultRow):
    """The runs of the history.

    :param count: all of them, and :param:`with_controls` those that judged controls.
    :param first: the time of the first of these, and :param:`last` of the last one; empty if there are none.
    """

    count: int
    with_controls: int
    first: str = ""
    last: str = ""


@dataclass(frozen=True, kw_only=True)
class History(ResultRow):
    """The document.

    :param findings: the open ones first, the oldest first.
    :param evidence: what Exchange reported of rules, the oldest first of each organization.
    :param unseen: what may encrypt mail, or take its protection away, and a run neither read nor was told.
    """

    format: int = field(default=FORMAT, metadata=codec(always=True))
    kind: str = field(default="history", metadata=codec(always=True))
    generated_at: str
    collection_version: str = field(default=VERSION, metadata=codec(always=True))
    runs: RunsRow = field(metadata=row_of(RunsRow))
    organizations: tuple[OrganizationRow, ...] = field(metadata=rows_of(OrganizationRow))
    findings: tuple[FindingRow, ...] = field(metadata=rows_of(FindingRow))
    evidence: tuple[RuleReportRow, ...] = field(metadata=rows_of(RuleReportRow))
    unseen: tuple[str, ...] = field(metadata=as_list())
