# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a replay: what rules would have done to the copies of a trace, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ..analyses.aspects import DifferenceKind
from ..model.outcomes import Fate
from ..model.reason_kinds import UntracedKind
from ..trace.replay import COVERAGE, NOT_BY_RULES, NOT_DELIVERED, PROTECTED
from ..trace.truth_sets import UNTRACED_KINDS
from .encrypters import OtherEncryptionRow, other_encryption_row_of
from .row import ComputedRow, ResultRow, Row, as_list, codec, one_of, one_of_texts, row_by, row_of, rows_of


@dataclass(frozen=True, kw_only=True)
class TimeRow(ResultRow):
    """From when until when, as ISO 8601 texts in UTC, which are empty where that is not known."""

    begin: str = field(default="", metadata=codec(key="from"))
    until: str = ""

    @property
    def days(self) -> str:
        """Its first and its last day: ``2026-11-18 to 2026-11-25``."""
        return f"{self.begin[:10]} to {self.until[:10]}"


@dataclass(frozen=True, kw_only=True)
class WindowRow(TimeRow):
    """The time of the mail of a trace.

    :param complete: whether the trace has all mail of this time; otherwise :param:`reason` says why it does not.
    """

    complete: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class PremiseRow(ResultRow):
    """What counts take as given.

    :param id: the number of an open question, or another name.
    :param text: it as sentences; empty where the number says it.
    :param copies: how many copies rest on it; ``None`` where all may, and for the number of a question: its likely answer is taken for
        conditions, and other conditions may decide the copies.
    """

    id: str
    text: str = ""
    copies: int | None = None


@dataclass(frozen=True, kw_only=True)
class PlainCountRow(ResultRow):
    """How many of the copies that are possibly changed certainly are if they are plain, and how many may be even so."""

    certain: int
    possible: int


@dataclass(frozen=True, kw_only=True)
class ChangedTotalRow(ResultRow):
    """How many copies are treated differently in any way, each once: surely, and perhaps.

    :param plain: what is known of the possible ones if they are plain; ``None`` if all are certain.
    """

    certain: int
    possible: int
    plain: PlainCountRow | None = field(default=None, metadata=row_of(PlainCountRow))


@dataclass(frozen=True, kw_only=True)
class CountsRow(ResultRow):
    """How much was read.

    :param perhaps_twice: the most copies that may be counted twice.
    :param left_out: the reasons why copies are left out, to how many.
    :param changed: how many copies are treated differently; ``None`` if nothing was compared.
    """

    copies: int
    messages: int
    recipients: int
    perhaps_twice: int = 0
    left_out: Mapping[str, int] = field(metadata=codec(dict, dict))
    changed: ChangedTotalRow | None = field(default=None, metadata=row_of(ChangedTotalRow))


@dataclass(frozen=True, kw_only=True)
class OutcomeRow(ComputedRow):
    """Copies to which the same happens.

    :param protection: as a recipient's result has it; empty where nothing is delivered.
    :param protected_by: the rules that protect them, and :param:`protected_by_dlp` the DLP rules.
    :param examples: some of them.
    """

    fate: Fate = field(metadata=one_of(Fate))
    protection: str = ""
    protected_by: tuple[str, ...] = field(default=(), metadata=as_list())
    protected_by_dlp: tuple[str, ...] = field(default=(), metadata=as_list())
    copies: int
    examples: tuple[Row, ...] = field(default=(), metadata=as_list())

    @property
    def coverage(self) -> str:
        """How they count, one of :data:`COVERAGE`. DLP rules are no rules here."""
        if self.fate is not Fate.DELIVERED:
            return NOT_DELIVERED
        return PROTECTED if self.protected_by else NOT_BY_RULES

    @property
    def is_protected_by_dlp_alone(self) -> bool:
        """Whether they are delivered, and DLP rules protect them, but no mail flow rule does."""
        return self.fate is Fate.DELIVERED and bool(self.protected_by_dlp) and not self.protected_by


@dataclass(frozen=True, kw_only=True)
class PlainRow(OutcomeRow):
    """Undecided copies to which the same happens if they are plain.

    :param rules: the rules that would have to find something in their content for anything else.
    :param because: why they are undecided.
    """

    rules: tuple[str, ...] = field(metadata=as_list())
    because: tuple[UntracedKind, ...] = field(metadata=as_list())


@dataclass(frozen=True, kw_only=True)
class UndecidedRow(ResultRow):
    """Copies of which it is open for one reason what happens to them.

    :param id: the number of the open question; empty if there is none.
    :param rules: those that may apply.
    :param settled_by: how to find out.
    :param examples: some of them.
    """

    reason: UntracedKind = field(metadata=one_of_texts(UNTRACED_KINDS))
    id: str = ""
    rules: tuple[str, ...] = field(metadata=as_list())
    copies: int
    settled_by: str
    examples: tuple[Row, ...] = field(default=(), metadata=as_list())


@dataclass(frozen=True, kw_only=True)
class _CoverageRow(ResultRow):
    """Copies by what happens to them."""

    protected: int
    not_by_rules: int
    undecided: int
    not_delivered: int

    @property
    def by_coverage(self) -> dict[str, int]:
        """How copies count, in the order of :data:`COVERAGE`, to copies."""
        return {how: getattr(self, how) for how in COVERAGE}


@dataclass(frozen=True, kw_only=True)
class DayRow(_CoverageRow):
    """The copies of a day, an ISO 8601 date."""

    date: str


@dataclass(frozen=True, kw_only=True)
class DomainRow(_CoverageRow):
    """The copies to the people of a domain."""

    name: str


@dataclass(frozen=True, kw_only=True)
class ChangedCopiesRow(ResultRow):
    """Copies that are treated differently in one way.

    :param certain: how many surely, and :param:`possible`: how many more perhaps.
    """

    kind: DifferenceKind = field(metadata=one_of(DifferenceKind))
    certain: int
    possible: int


@dataclass(frozen=True, kw_only=True)
class ChangedDomainRow(ResultRow):
    """The copies among them to the people of a domain."""

    name: str
    certain: int
    possible: int

    @property
    def copies(self) -> int:
        """How many there may be."""
        return self.certain + self.possible


@dataclass(frozen=True, kw_only=True)
class ReplayDifferenceRow(ComputedRow, ChangedCopiesRow):
    """Copies that are treated differently in one way, with whose they are.

    :param because: why the possible ones are no more than that; ``None`` if all are certain.
    :param plain: what is known of the possible ones if they are plain; ``None`` if all are certain.
    :param senders: how many senders they have.
    :param domains: the recipients' domains with the most of them; :param:`more_domains`: how many are not named.
    :param rules: the rules that make the difference.
    :param examples: some of them.
    """

    because: tuple[UntracedKind, ...] | None = field(default=None, metadata=as_list())
    plain: PlainCountRow | None = field(default=None, metadata=row_of(PlainCountRow))
    senders: int
    domains: tuple[ChangedDomainRow, ...] = field(metadata=rows_of(ChangedDomainRow))
    more_domains: int
    rules: tuple[str, ...] = field(metadata=as_list())
    examples: tuple[Row, ...] = field(default=(), metadata=as_list())

    @property
    def is_of_unplain_copies(self) -> bool:
        """Whether no plain copy changes so."""
        return not self.certain and self.plain == PlainCountRow(certain=0, possible=0)


@dataclass(frozen=True, kw_only=True)
class GuaranteeCountRow(ComputedRow):
    """How many copies keep a guarantee, how many break it, and of how many that is open.

    :param examples: some copies that break it.
    """

    name: str
    kept: int
    broken: int
    undecided: int
    examples: tuple[Row, ...] = field(default=(), metadata=as_list())


@dataclass(frozen=True, kw_only=True)
class TrialReplayRow(ResultRow):
    """How much mail would be treated differently if a rule on trial were enforced."""

    window: WindowRow = field(metadata=row_of(WindowRow))
    counts: CountsRow = field(metadata=row_of(CountsRow))
    difference: tuple[ReplayDifferenceRow, ...] = field(metadata=rows_of(ReplayDifferenceRow))


@dataclass(frozen=True, kw_only=True)
class ReplayRow(ResultRow):
    """A replay.

    :param outcome: what certainly happens to copies, the largest number first, and :param:`undecided`: the other copies.
    :param plain: what happens to undecided copies if they are plain.
    :param domains: those of recipients, with the most copies first.
    :param assumes: what the numbers take as given.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    :param proposed: whether the rules are not those of the organization, but would be.
    :param encrypted_otherwise: how much something besides the rules encrypts; ``None`` if nobody asked.
    :param difference: what a change changes, most important first; ``None`` if nothing was compared.
    :param guarantees: how guarantees fare; ``None`` if there are none.
    """

    window: WindowRow = field(metadata=row_of(WindowRow))
    counts: CountsRow = field(metadata=row_of(CountsRow))
    outcome: tuple[OutcomeRow, ...] = field(metadata=rows_of(OutcomeRow))
    undecided: tuple[UndecidedRow, ...] = field(metadata=rows_of(UndecidedRow))
    plain: tuple[PlainRow, ...] = field(metadata=rows_of(PlainRow))
    days: tuple[DayRow, ...] = field(metadata=rows_of(DayRow))
    domains: tuple[DomainRow, ...] = field(metadata=rows_of(DomainRow))
    assumes: tuple[PremiseRow, ...] = field(metadata=rows_of(PremiseRow))
    unseen: tuple[str, ...] = field(metadata=as_list())
    proposed: bool = False
    encrypted_otherwise: OtherEncryptionRow | None = field(default=None, metadata=row_by(other_encryption_row_of))
    difference: tuple[ReplayDifferenceRow, ...] | None = field(default=None, metadata=rows_of(ReplayDifferenceRow))
    guarantees: tuple[GuaranteeCountRow, ...] | None = field(default=None, metadata=rows_of(GuaranteeCountRow))


@dataclass(frozen=True, kw_only=True)
class NoResultRow(ResultRow):
    """Why there is no replay, or no evidence."""

    remark: str


#: A replay, or why there is none.
ReplayResultRow: TypeAlias = ReplayRow | NoResultRow


def replay_result_row_of(row: Row) -> ReplayResultRow:
    """What a document has of a replay.

    :raises KeyError, TypeError, ValueError: it is none.
    """
    return NoResultRow.from_row(row) if "remark" in row else ReplayRow.from_row(row)
