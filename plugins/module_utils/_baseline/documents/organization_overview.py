# SPDX-License-Identifier: GPL-3.0-or-later
"""What an organization does today, as a report has it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..._mail_flow.wording.overview import CellRow
from ..._mail_flow.wording.policy import PolicyRow
from ..._mail_flow.wording.row import ResultRow, as_list, rows_of


@dataclass(frozen=True)
class AssessedRow(ResultRow):
    """The result of a test of Microsoft's Zero Trust Assessment, beside our control.

    :param test: its number.
    :param verdict: ``passes``, maybe with by what, ``fails`` or ``cannot be told``.
    :param status: of the control, in words; empty if it is not in the report.
    """

    test: str
    title: str
    verdict: str
    control: str
    status: str


@dataclass(frozen=True)
class OrganizationOverview(ResultRow):
    """What an organization does today.

    :param encrypts: what encrypts mail, and :param:`idle`: what would and does not act.
    :param holes: the mail that nothing encrypts.
    :param locked_out: the people who cannot read encrypted mail.
    :param policy: what the rules do.
    :param reach: which mail to people outside is protected.
    :param unseen: what may encrypt mail, or take its protection away, and was neither read nor told.
    :param not_read: why what else encrypts mail was not read, as sentences.
    :param untested: the controls that would have tested whether encryption works.
    """

    encrypts: tuple[str, ...] = field(default=(), metadata=as_list(always=True))
    idle: tuple[str, ...] = field(default=(), metadata=as_list(always=True))
    holes: tuple[str, ...] = field(default=(), metadata=as_list(always=True))
    locked_out: tuple[str, ...] = field(default=(), metadata=as_list(always=True))
    policy: tuple[PolicyRow, ...] = field(default=(), metadata=rows_of(PolicyRow, always=True))
    reach: tuple[CellRow, ...] = field(default=(), metadata=rows_of(CellRow, always=True))
    assessed: tuple[AssessedRow, ...] = field(default=(), metadata=rows_of(AssessedRow, always=True))
    unseen: tuple[str, ...] = field(default=(), metadata=as_list(always=True))
    not_read: tuple[str, ...] = field(default=(), metadata=as_list(always=True))
    untested: tuple[str, ...] = field(default=(), metadata=as_list())
