# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's report as test results."""

from __future__ import annotations

from xml.etree import ElementTree

from ...module_utils._baseline.documents.report import ControlReport, OrganizationReport, RunReport
from ...module_utils._baseline.documents.status import ControlStatus, OrganizationStatus
from .differences import differing
from .labels import KINDS, ORGANIZATION, as_text, visible, word_for
from .mail_section import unseen_of


def _case(suite: ElementTree.Element, name: str, outcome: str = "", text: str = "") -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=suite.attrib["name"], name=visible(name), time="0")
    if outcome:
        ElementTree.SubElement(case, outcome, message=visible(text.partition("\n")[0])).text = visible(text)


#: What a control's status is as a test's outcome; a control that is met passes.
OUTCOME: dict[str, str] = {
    ControlStatus.NOT_MET: "failure",
    ControlStatus.NOT_ASSESSABLE: "error",
    ControlStatus.ACCEPTED: "skipped",
    ControlStatus.NOT_APPLICABLE: "skipped",
    ControlStatus.UNMANAGED: "skipped",
}


#: What an organization's status is as a test's outcome.
_OUTCOME_OF_ORGANIZATION: dict[str, str] = {
    OrganizationStatus.REFUSED: "failure",
    OrganizationStatus.FAILED: "error",
    OrganizationStatus.NOT_ASSESSABLE: "error",
}


def _suite(suites: ElementTree.Element, organization: OrganizationReport, generated_at: str) -> None:
    suite = ElementTree.SubElement(suites, "testsuite", name=visible(organization.shown_name), time="0")
    suite.set("hostname", visible(organization.host))
    if generated_at:
        suite.set("timestamp", visible(generated_at))
    if unseen := unseen_of(organization):
        properties = ElementTree.SubElement(suite, "properties")
        ElementTree.SubElement(properties, "property", name="unseen", value=" ".join(unseen))
    status = organization.status
    outcome = "skipped" if organization.waits else _OUTCOME_OF_ORGANIZATION.get(status, "")
    _case(suite, "organization", outcome, f"{word_for(ORGANIZATION, status).text}: {organization.message}")
    for finding in organization.findings:
        text = f"{finding.text}\nallowed by: {finding.allow or 'nothing'}"
        _case(suite, f"finding {finding.id}", "failure", text)
    for control in organization.controls:
        _case(suite, f"{control.id} {control.title}", OUTCOME.get(control.status, ""), _control_text(control))
    _sum(suite, suite)


def _control_text(control: ControlReport) -> str:
    """The status of a control, why it is accepted, and where it is not met, what was found."""
    status, exception = control.status, control.exception
    text = f"{status}: {exception.reason}" if exception else str(status)
    if status not in (ControlStatus.NOT_MET, ControlStatus.NOT_ASSESSABLE):
        return text
    lines = list(control.findings)
    for path, actual, wanted in differing(control.wanted, control.found):
        lines.append(f"{path}{': ' if path else ''}found {as_text(actual)}, wanted {as_text(wanted)}")
    return "\n".join([text, *lines])


def _sum(element: ElementTree.Element, within: ElementTree.Element) -> None:
    for attribute, tag in {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}.items():
        element.set(attribute, str(sum(1 for _unused in within.iter(tag))))


def render_junit(report: RunReport) -> str:
    """The report as JUnit XML: a suite an organization, a case a control. Not met and refused fail, what could not be
    read is an error.
    """
    name = f"Message Encryption: {KINDS.get(report.kind, '')}"
    suites = ElementTree.Element("testsuites", name=name, time="0")
    for organization in report.organizations:
        _suite(suites, organization, report.generated_at)
    _sum(suites, suites)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"
