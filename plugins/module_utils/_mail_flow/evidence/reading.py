# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what Exchange reports of a traced window, and compares it. Private to the collection.

Module and role call :func:`read_evidence`. :func:`window_of` names the window, and ``trace.reading.TraceReader`` reads
its trace.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Session
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    PermissionDeniedError,
    ThrottledError,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.changes import Change
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.comparison import (
    REPORTED_AFTER,
    Evidence,
    compare,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.evidence.reports import (
    APART,
    OLDEST,
    EncryptionReport,
    ReportReader,
    RuleReport,
    Traced,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.facts import Facts
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.model.rules import RuleSet
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.reading import Window
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.trace.rows import Trace


@dataclass(frozen=True)
class Compared:
    """What was read and what it shows.

    :param evidence: the comparison, in the trace's window as far as the report reaches back (:param:`window`).
    :param traced: the sample of copies in detail.
    :param unavailable: ``rule_report``, ``encryption_report`` or ``sample`` to the reason why it could not be read.
    """

    evidence: Evidence
    window: Window
    report: RuleReport
    encryption: EncryptionReport
    traced: Sequence[Traced] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict)


def window_of(
    days: int, now: datetime.datetime, until: datetime.datetime | None = None
) -> tuple[datetime.datetime, datetime.datetime]:
    """The beginning and the end of a window: so many days, by default until the reports are complete (24 hours ago)."""
    end = until or (now - REPORTED_AFTER).replace(microsecond=0)
    return max(end - datetime.timedelta(days=days), _earliest(now)), end


def read_evidence(
    session: Session,
    trace: Trace,
    window: Window,
    rules: RuleSet,
    facts: Facts,
    changes: Sequence[Change],
    now: datetime.datetime,
    *,
    names: Iterable[str] | None = None,
    examples: int = 0,
    sample: int = 0,
    say: Callable[[str], None] = lambda text: None,
) -> Compared:
    """Reads the reports of the trace's window and compares them with what the rules do to its copies.

    :param rules: all rules of the organization as they are now, and :param:`facts` about it.
    :param changes: of ``changes.changes_of``, and whatever else is known to have changed, such as by snapshots.
    :param names: the rules to look at; by default those that protect or are in a test mode.
    :param examples: how many copies a contradiction names.
    :param sample: how many copies to look at in detail, up to 100.
    :raises ExchangeError: a report could not be read for another reason than that it is not granted.
    """
    # The report does not reach back as far as the trace.
    window = replace(window, begin=min(max(window.begin, _earliest(now)), window.until))
    reader = ReportReader(session, say)
    report, encryption = (
        reader.rule_report(window.begin, window.until, now),
        reader.encryption_report(window.begin, window.until),
    )
    evidence = compare(trace, window, rules, facts, report, changes, now, names=names, examples=examples, sample=sample)
    refused = {"rule_report": report.refused, "encryption_report": encryption.refused}
    traced: Sequence[Traced] = ()
    try:
        traced = list(ReportReader(session, say).details(evidence.sample).values())
    except (PermissionDeniedError, ThrottledError) as error:
        refused["sample"] = str(error)
    return Compared(evidence, window, report, encryption, traced, {name: why for name, why in refused.items() if why})


def _earliest(now: datetime.datetime) -> datetime.datetime:
    """The earliest time of a window of which the report is complete."""
    return now - datetime.timedelta(days=OLDEST) + APART
