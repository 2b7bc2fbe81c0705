# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of what Exchange counts as encrypted the rules explain.

Exchange counts messages that a policy encrypted, and messages that people did. Which policies count is not documented:
rules surely, DLP and labels perhaps. So a policy other than the rules encrypted at least what is counted beyond all
messages that the rules may have encrypted. The report has whole days, and comes hours late.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ..._exchange.cmdlet import Session
from ..._exchange.errors import ExchangeError
from .reports import EncryptionReport, ReportReader


@dataclass(frozen=True)
class Explained:
    """How many messages were looked at, and how many of them the rules encrypt.

    :param certain: those of which they certainly encrypt a copy, and :param:`possible` these and those of which they
        may.
    """

    messages: int = 0
    certain: int = 0
    possible: int = 0


@dataclass(frozen=True)
class Measured:
    """What Exchange counts as encrypted in a window, beside what rules explain.

    :param days: the length of the window.
    :param policy: messages that a policy encrypted, and :param:`manual` those that people did.
    """

    days: int
    policy: int
    manual: int
    explained: Explained

    @property
    def by_another_policy(self) -> int:
        """The fewest messages that a policy encrypted and no rule did."""
        return max(0, self.policy - self.explained.possible)

    @property
    def otherwise(self) -> int:
        """The fewest messages that something besides the rules encrypted."""
        return self.by_another_policy + self.manual


def measured(
    report: EncryptionReport, begin: datetime.datetime, until: datetime.datetime, explained: Explained
) -> Measured:
    """The counts of a report that could be read.

    :param begin: when the window begins, and :param:`until` when it ends.
    """
    days = max(1, round((until - begin) / datetime.timedelta(days=1)))
    policy, manual = (sum(getattr(day, name) for day in report.days) for name in ("policy", "manual"))
    return Measured(days, policy, manual, explained)


def read_encryption(session: Session, begin: datetime.datetime, until: datetime.datetime) -> EncryptionReport:
    """The encryption report of a window. Whatever keeps it from being read is a part of it."""
    try:
        return ReportReader(session, lambda text: None).encryption_report(begin, until)
    except ExchangeError as error:
        return EncryptionReport(refused=str(error))
