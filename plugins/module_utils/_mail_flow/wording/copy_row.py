# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a copy, as a row of results."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import questions
from ..model.outcomes import Fate, ProtectionKind, Tls
from ..simulator.copy_result import CopyResult
from .reasons import OpenReason, worded
from .row import ResultRow, Row, as_list, one_of, row_by, row_of, rows_of


@dataclass(frozen=True, kw_only=True)
class TransitRow(ResultRow):
    """How a copy leaves. Texts are empty where they do not apply or are not known.

    :param tls: ``None`` for a copy that stays.
    :param validation: what its forced TLS checks.
    :param ends_at: the smart hosts at which what Exchange knows ends.
    :param unknown: why something is not known.
    :param on_premises: of a copy that stays, the connectors that may hand it to the organization's own servers.
    """

    tls: Tls | None = field(default=None, metadata=one_of(Tls))
    validation: str = ""
    connector: str = ""
    ends_at: str = ""
    unknown: tuple[OpenReason, ...] = field(default=(), metadata=rows_of(OpenReason))
    on_premises: str = ""

    @property
    def is_forced(self) -> bool:
        """Whether it leaves by TLS or not at all."""
        return self.tls is Tls.FORCED


def _copy_row(row: Row) -> CopyRow:
    return CopyRow.from_row(row)


@dataclass(frozen=True, kw_only=True)
class CopyRow(ResultRow):
    """What becomes of a recipient's copy, in words. See :class:`CopyResult` for the fields.

    :param rules: the rules that match, each with ``name`` and ``matched``.
    :param opens: how the recipient opens it, each with ``way`` and ``reason``.
    """

    fate: Fate = field(metadata=one_of(Fate))
    protection: str = ""
    protected_by: tuple[str, ...] = field(default=(), metadata=as_list())
    protected_by_dlp: tuple[str, ...] = field(default=(), metadata=as_list())
    label: str = ""
    protected_on_arrival: bool | None = None
    rules: tuple[Row, ...] = field(default=(), metadata=as_list(always=True))
    transit: TransitRow | None = field(default=None, metadata=row_of(TransitRow))
    branding: str = ""
    opens: tuple[Row, ...] = field(default=(), metadata=as_list())
    assumes: tuple[str, ...] = field(default=(), metadata=as_list())
    unknown: tuple[OpenReason, ...] = field(default=(), metadata=rows_of(OpenReason))
    after_approval: CopyRow | None = field(default=None, metadata=row_by(_copy_row))
    after_release: CopyRow | None = field(default=None, metadata=row_by(_copy_row))

    @property
    def is_delivered(self) -> bool:
        """Whether it is delivered for certain, without an approval or a release."""
        return self.fate is Fate.DELIVERED

    @property
    def is_in_clear(self) -> bool:
        """Whether it is delivered without protection for certain."""
        return self.is_delivered and self.protection == ProtectionKind.NONE

    @property
    def is_forced(self) -> bool:
        """Whether it leaves only by forced TLS, now or once it is let through."""
        every = (self, self.after_approval, self.after_release)
        return any(copy is not None and copy.transit is not None and copy.transit.is_forced for copy in every)

    @property
    def protecting_label(self) -> str:
        """The label that protects it; empty if none does, or that is not known."""
        return self.label if questions.LABEL_IN_TRANSPORT in self.assumes else ""


def copy_row(result: CopyResult) -> CopyRow:
    """A result in words."""
    return CopyRow.from_row(worded(result.as_row()))
