# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks of the role returned, as far as a report says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..._exchange.errors import ExchangeError, OptionError, UnreachableError
from .report import OrganizationReport
from .status import OrganizationStatus

#: Statuses that the failure of a task replaces.
_UNSETTLED = (OrganizationStatus.NOT_ASSESSABLE, OrganizationStatus.MET, OrganizationStatus.DRIFT)


@dataclass(frozen=True)
class TaskResult:
    """What a task of the role returned.

    :param failed: whether it failed, and :param:`unreachable`: whether it could not connect.
    :param skipped: whether it did not run.
    :param changed: whether it wrote something.
    :param writes: whether later tasks write, as the task that plans says.
    :param message: why it failed; empty if it does not say so.
    :param error: the class of the error that it failed with.
    :param unkept_report: the report that could not be stored; ``None`` if it was.
    """

    failed: bool = False
    unreachable: bool = False
    skipped: bool = False
    changed: bool = False
    writes: bool = False
    message: str = ""
    error: type[ExchangeError] = ExchangeError
    unkept_report: OrganizationReport | None = None

    @classmethod
    def of_result(cls, result: Mapping[str, Any]) -> TaskResult:
        """From the result that Ansible has registered."""
        flags = {name: bool(result.get(name)) for name in ("failed", "unreachable", "skipped", "changed", "writes")}
        error = ExchangeError.classes.get((result.get("error") or {}).get("class", ""), ExchangeError)
        unkept = result.get("unkept_report")
        return cls(
            **flags,
            message=str(result.get("msg") or ""),
            error=error,
            unkept_report=OrganizationReport.from_row(unkept) if unkept else None,
        )

    @property
    def is_failure(self) -> bool:
        """Whether it is the result of a task that failed, or could not connect."""
        return self.failed or self.unreachable


def organization_report(
    host: str, procedure: str, noted: OrganizationReport | None, results: Sequence[TaskResult]
) -> OrganizationReport:
    """What a run found and did in one organization.

    :param noted: what the tasks that planned and applied stored for the report; ``None`` if they stored nothing.
    :param results: what those tasks returned, in order; those that did not run left out.
    """
    report = replace(noted or OrganizationReport(), host=host)
    if report.status is OrganizationStatus.FAILED:
        return report  # Who stores a failure stores why, and what was rolled back since.
    for result in results:
        if result.failed:
            status = _status_of_failure(procedure, result.error) if report.status in _UNSETTLED else report.status
            report = replace(report, message=result.message or "It failed.", status=status)
    return report


def _status_of_failure(procedure: str, error: type[ExchangeError]) -> OrganizationStatus:
    if issubclass(error, UnreachableError) or procedure == "audit":
        return OrganizationStatus.NOT_ASSESSABLE
    return OrganizationStatus.REFUSED if issubclass(error, OptionError) else OrganizationStatus.FAILED
