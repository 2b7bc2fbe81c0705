# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange's test of rights management, run when a baseline is planned or applied."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..._exchange.errors import ExchangeError, NotCapturedError
from ..._resources.irm_test import IrmTest, diagnosed, run_irm_test
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
    waiting = next((control for control in report.controls if _waits(control)), None)
    if not sender or waiting is None:
        return report, None
    failure = None
    try:
        test = _test_until(task, sender, variables.get("test_recipients") or [sender], timeout)
        message = test.message
        control = _tested(waiting, test)
    except NotCapturedError as error:
        return report.with_control(replace(waiting, findings=(str(error),))), None
    except ExchangeError as error:
        failure = error
        message = str(error)
        control = replace(waiting, findings=(message,))
    report = report.with_control(control)
    if control.status in (ControlStatus.MET, ControlStatus.ACCEPTED):
        return report, None
    report = replace(
        report, status=_AFTER_A_FAILURE.get(report.status, report.status), message=report.message or message
    )
    if failure is None and report.status is OrganizationStatus.FAILED:
        failure = ExchangeError(
            f"Everything is stored, but the test of rights management fails: {message}",
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


def _test_until(task: BaselineContext, sender: str, recipients: list[str], timeout: float) -> IrmTest:
    """The test, repeated until it passes or the time in seconds is over."""
    end = time.monotonic() + timeout
    while True:
        test = run_irm_test(task.session, sender, recipients)
        seconds_left = end - time.monotonic()
        if test.results.passed or seconds_left <= 0:
            return diagnosed(task.session, test)
        task.say(f"The test of rights management does not pass yet. Trying again for {seconds_left:.0f} s.")
        time.sleep(min(INTERVAL, seconds_left))


def _tested(control: ControlReport, test: IrmTest) -> ControlReport:
    """The control as the test shows it."""
    passed = test.results.passed
    failures = tuple(f"{step.name}: {step.detail}" for step in test.results.failures)
    if test.diagnosis:
        failures = (*failures, f"Cause: {test.diagnosis.cause}. {test.diagnosis.cure}")
    return replace(
        control,
        status=_status(control, passed=passed),
        wanted="PASS",
        found="PASS" if passed else "FAIL",
        findings=failures,
    )


def _status(control: ControlReport, *, passed: bool) -> ControlStatus:
    if passed:
        return ControlStatus.MET
    accepted = control.exception is not None and not control.exception.expired
    return ControlStatus.ACCEPTED if accepted else ControlStatus.NOT_MET
