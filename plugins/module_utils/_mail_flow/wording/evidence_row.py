# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of evidence: what Exchange reports of rules, beside what was computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..evidence.reports import Encrypted
from ..evidence.tally import KINDS
from .encrypters import MeasuredRow, OtherEncryptionRow, other_encryption_row_of
from .replay_row import NoResultRow, PremiseRow, ReplayResultRow, ReplayRow, TimeRow, WindowRow
from .row import ResultRow, Row, as_list, codec, one_of_texts, row_by, row_of, rows_of


@dataclass(frozen=True, kw_only=True)
class ContradictingCopiesRow(ResultRow):
    """Copies of which the computation and the report say opposite things.

    :param kind: what they say.
    :param ids: the numbers of the questions whose likely answers the computation rests on.
    :param examples: some of them.
    """

    kind: str = field(metadata=one_of_texts(KINDS))
    copies: int
    ids: tuple[str, ...] = field(metadata=as_list())
    examples: tuple[Row, ...] = field(default=(), metadata=as_list())


@dataclass(frozen=True, kw_only=True)
class PredictedRow(ResultRow):
    """On how many copies a rule certainly acts, as computed, and on how many more it may."""

    certain: int
    possible: int


@dataclass(frozen=True, kw_only=True)
class RuleEvidenceRow(ResultRow):
    """What Exchange reports of a rule, and what was computed, in copies of the trace.

    :param reported: copies on which Exchange reports that it acted; ``None`` if the report could not be read.
    :param comparable: whether both can be compared; otherwise :param:`reason` says why they cannot, and :param:`why` in a
        word.
    :param compared: copies that could contradict; ``None`` if it cannot be compared, as what follows.
    :param settled: of the possible copies, those on which it acted, and those on which it did not.
    :param left_out: reported copies that are not computed.
    :param untraced: reported copies that the trace does not have.
    :param late: certain copies that are newer than everything that is reported.
    :param text: all this as sentences.
    :param policy: its DLP policy; empty of a mail flow rule.
    """

    name: str
    guid: str
    mode: str
    reported: int | None = None
    predicted: PredictedRow = field(metadata=row_of(PredictedRow))
    comparable: bool
    reason: str = ""
    why: str = ""
    compared: int | None = None
    settled: Row | None = None
    left_out: int = 0
    untraced: int = 0
    late: int = 0
    contradictions: tuple[ContradictingCopiesRow, ...] = field(metadata=rows_of(ContradictingCopiesRow))
    text: str
    policy: str = ""

    @property
    def may_act(self) -> bool:
        """Whether it acts on mail of the window, or may, as computed or as reported."""
        return bool(self.predicted.certain or self.predicted.possible or self.reported)


@dataclass(frozen=True, kw_only=True)
class TrialEvidenceRow(RuleEvidenceRow):
    """What Exchange reports of a rule on trial beside what was computed, with the window."""

    window: WindowRow = field(metadata=row_of(WindowRow))


@dataclass(frozen=True, kw_only=True)
class DlpEvidenceRow(ResultRow):
    """What Exchange reports of DLP rules.

    :param strangers: the names of reported rules that there are no longer.
    """

    window: TimeRow = field(metadata=row_of(TimeRow))
    rules: tuple[RuleEvidenceRow, ...] = field(metadata=rows_of(RuleEvidenceRow))
    strangers: tuple[str, ...] = field(metadata=as_list())


@dataclass(frozen=True, kw_only=True)
class DetailRow(ResultRow):
    """Copies whose trace shows the same in detail.

    :param rules: the rules that it names, in order.
    :param tls: the version of TLS, and :param:`connector`: the connector; empty if it shows none.
    """

    rules: tuple[str, ...] = field(metadata=as_list())
    tls: str = ""
    connector: str = ""
    copies: int


def _days(rows: Sequence[Row]) -> tuple[Encrypted, ...]:
    return tuple(Encrypted(**row) for row in rows)


def _written_days(days: Sequence[Encrypted]) -> list[dict[str, Any]]:
    return [dict(vars(day)) for day in days]


@dataclass(frozen=True, kw_only=True)
class EvidenceRow(ResultRow):
    """What Exchange reports, beside what was computed.

    :param copies: how many were computed.
    :param strangers: the names of reported rules that there are no longer.
    :param dlp: the same of DLP rules; ``None`` if there are none.
    :param encryption: what was encrypted by day; ``None`` if that could not be read.
    :param encrypted_otherwise: how much something besides the rules encrypts.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    :param sample: the copies that were looked at in detail, the most first.
    :param assumes: what the comparison takes as given.
    :param raw: columns of reports that are not documented.
    :param unavailable: facts that could not be read, each with the reason; ``None`` where that is said elsewhere.
    """

    window: WindowRow = field(metadata=row_of(WindowRow))
    copies: int
    rules: tuple[RuleEvidenceRow, ...] = field(metadata=rows_of(RuleEvidenceRow))
    strangers: tuple[str, ...] = field(metadata=as_list())
    dlp: DlpEvidenceRow | None = field(default=None, metadata=row_of(DlpEvidenceRow))
    encryption: tuple[Encrypted, ...] | None = field(default=None, metadata=codec(_days, _written_days))
    encrypted_otherwise: OtherEncryptionRow = field(metadata=row_by(other_encryption_row_of))
    unseen: tuple[str, ...] = field(metadata=as_list())
    sample: tuple[DetailRow, ...] = field(metadata=rows_of(DetailRow))
    assumes: tuple[PremiseRow, ...] = field(metadata=rows_of(PremiseRow))
    raw: tuple[Row, ...] = field(default=(), metadata=as_list())
    unavailable: Mapping[str, str] | None = None

    @property
    def every_rule(self) -> tuple[RuleEvidenceRow, ...]:
        """Its mail flow rules and its DLP rules."""
        return (*self.rules, *(self.dlp.rules if self.dlp else ()))


#: What Exchange reports, or why that is not known.
EvidenceResultRow: TypeAlias = EvidenceRow | NoResultRow


def evidence_result_row_of(row: Row) -> EvidenceResultRow:
    """What a document has of evidence.

    :raises KeyError, TypeError, ValueError: it is none.
    """
    return NoResultRow.from_row(row) if "remark" in row else EvidenceRow.from_row(row)


@dataclass(frozen=True, kw_only=True)
class KeptContradictionRow(TimeRow):
    """What Exchange has contradicted of a rule in a window, as later runs know it.

    :param run: the run that found it.
    """

    guid: str
    name: str
    contradictions: tuple[ContradictingCopiesRow, ...] = field(metadata=rows_of(ContradictingCopiesRow))
    run: str


def measured_encryption(evidence: EvidenceResultRow | None, replay: ReplayResultRow | None) -> MeasuredRow | None:
    """How much something besides the rules encrypts, by the first of these that says it; ``None`` if neither does."""
    parts = (part for part in (evidence, replay) if isinstance(part, EvidenceRow | ReplayRow))
    first = next((part.encrypted_otherwise for part in parts if part.encrypted_otherwise), None)
    return first if isinstance(first, MeasuredRow) else None
