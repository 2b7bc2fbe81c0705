# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange's test of rights management, run when a baseline is planned or applied."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..._exchange.errors import ExchangeError, NotCapturedError
from ..._resources.irm_test import diagnosed, run_irm_test
from ..documents.report import ControlReport, OrganizationReport
from ..documents.status import ControlStatus, OrganizationStatus
from .baseline_context import BaselineContext

#: The control that the test decides.
CONTROL = "VRF-1"

#: Seconds between two tries.
INTERVAL = 15.0

#: What to do beside the cure.
_REMEDY = (
    "Where only time is missing, because changes take minutes to hours to become effective, run the playbook again, "
    "or raise hardened_baseline_test_timeout."
)

#: Status of an organization to its status if the test fails.
_AFTER_A_FAILURE = {
    OrganizationStatus.MET: OrganizationStatus.DRIFT,
    OrganizationStatus.CHANGED: OrganizationStatus.FAILED,
}


def run_functional_test(
    task: BaselineContext, variables: Mapping[str, Any], report: OrganizationReport, *, timeout: float
) -> tuple[OrganizationReport, ExchangeError | None]:
    """Runs the test if the report's control waits for it.

    :param variables: the role's variables without their prefix.
    :param report: the report of the organization.
    :param timeout: seconds for which a failed test is repeated, because changes take time to become effective.
    :returns: the report with the outcome, and the failure of the organization if the test could not run or did not pass
        after a change.
    """
    sender = variables.get("test_sender")
    if not sender or not any(map(_waits, report.controls)):
        return report, None
    failure = None
    try:
        outcome = _test_until(task, sender, variables.get("test_recipients") or [sender], timeout)
    except NotCapturedError as error:
        untested = (replace(row, findings=(str(error),)) if _waits(row) else row for row in report.controls)
        return replace(report, controls=tuple(untested)), None
    except ExchangeError as error:
        failure = error
        outcome = {"msg": str(error)}
    report = replace(report, controls=tuple(_tested(row, outcome) if _waits(row) else row for row in report.controls))
    control = next(row for row in report.controls if row.id == CONTROL)
    if control.status in (ControlStatus.MET, ControlStatus.ACCEPTED):
        return report, None
    report = replace(
        report, status=_AFTER_A_FAILURE.get(report.status, report.status), message=report.message or outcome["msg"]
    )
    if failure is None and report.status is OrganizationStatus.FAILED:
        failure = ExchangeError(
            f"Everything is stored, but the test of rights management fails: {outcome['msg']}",
            remedy=_REMEDY,
        )
    return report, failure


def _waits(control: ControlReport) -> bool:
    """Whether a control waits for the test."""
    return control.id == CONTROL and control.status is ControlStatus.NOT_ASSESSABLE


def with_untested(report: OrganizationReport) -> OrganizationReport:
    """The report, of which every part that says how mail is protected says that the test did not run, if it did not."""
    if any(row.id == CONTROL and row.found is not None for row in report.controls):
        return report
    mail, overview = report.mail, report.overview
    if mail.unseen is not None:
        mail = replace(mail, untested=(CONTROL,))
    if overview is not None:
        overview = replace(overview, untested=(CONTROL,))
    return replace(report, mail=mail, overview=overview)


def _test_until(task: BaselineContext, sender: str, recipients: list[str], timeout: float) -> dict[str, Any]:
    end = time.monotonic() + timeout
    while True:
        outcome = run_irm_test(task.session, sender, recipients)
        seconds_left = end - time.monotonic()
        if outcome["passed"] or seconds_left <= 0:
            return diagnosed(task.session, outcome)
        task.say(f"The test of rights management does not pass yet. Trying again for {seconds_left:.0f} s.")
        time.sleep(min(INTERVAL, seconds_left))


def _tested(control: ControlReport, outcome: Mapping[str, Any]) -> ControlReport:
    passed = outcome.get("passed")
    if passed is None:
        return replace(control, status=ControlStatus.NOT_ASSESSABLE, findings=(outcome["msg"],))
    failures = tuple(f"{step['name']}: {step['detail']}" for step in outcome["steps"] if not step["passed"])
    if not passed:
        failures = (*failures, f"Cause: {outcome['cause']}. {outcome['cure']}")
    return replace(
        control,
        status=_status(control, passed=bool(passed)),
        wanted="PASS",
        found="PASS" if passed else "FAIL",
        findings=failures,
    )


def _status(control: ControlReport, *, passed: bool) -> ControlStatus:
    if passed:
        return ControlStatus.MET
    accepted = control.exception is not None and not control.exception.expired
    return ControlStatus.ACCEPTED if accepted else ControlStatus.NOT_MET
