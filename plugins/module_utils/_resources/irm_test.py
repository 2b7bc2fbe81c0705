# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs Test-IRMConfiguration and parses its output, which is one text for people.

A step is a line that ends in ``...``; its outcome is a line with ``- PASS:`` or ``- FAIL:``. A text from a console may
have wrapped lines, so a line without a recognized beginning continues the previous one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._exchange.cmdlet import Call, Session
from .._exchange.errors import OptionError, ProtocolError
from .._exchange.kinds import is_address
from .._exchange.organization import SUBSETS, Organization, read
from .irm_configuration import IRM_CONFIGURATION
from .rights_management import OTHER_SERVICE, RMS_TEMPLATES, obstacle_of

_OUTCOME = re.compile(r"- (PASS|FAIL):\s*(.*)")
_OVERALL = re.compile(r"OVERALL RESULT:\s*(PASS|FAIL)")
_TEMPLATES = re.compile(r"Templates available:\s*(.*?)\.?$")
_RULE = re.compile(r"-{3,}")


#: How Exchange says that it got no templates.
_NO_TEMPLATES = "Failed to acquire RMS templates"

_WAIT = (
    "A change takes minutes to hours to become effective. If the test still fails then, look at what Exchange says of the step, "
    "and compare licensing_location with LicensingIntranetDistributionPointUrl of Get-AipServiceConfiguration."
)


@dataclass
class Check:
    """One step of the test.

    :param name: what the step verifies, such as ``Verifying encryption``.
    :param passed: whether it passed.
    :param detail: Exchange's text about it, including the exception's text of a failure.
    """

    name: str
    passed: bool = False
    detail: str = ""


@dataclass
class IrmResults:
    """The result of the whole test.

    :param passed: whether Exchange reports an overall pass.
    :param templates: the names of the RMS templates that Exchange found.
    """

    passed: bool = False
    steps: list[Check] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[Check]:
        """The steps that failed."""
        return [step for step in self.steps if not step.passed]


@dataclass(frozen=True)
class Diagnosis:
    """Why a test failed, and what to do.

    :param cause: a clause.
    :param cure: sentences.
    """

    cause: str
    cure: str


@dataclass(frozen=True)
class IrmTest:
    """A test that ran.

    :param text: the unparsed output of Exchange.
    :param diagnosis: ``None`` if it passed, or if nothing was read to find out.
    """

    sender: str
    results: IrmResults
    text: str
    diagnosis: Diagnosis | None = None

    @property
    def message(self) -> str:
        """The outcome as sentences."""
        summary = _summary(self.sender, self.results)
        return f"{summary} Cause: {self.diagnosis.cause}. {self.diagnosis.cure}" if self.diagnosis else summary

    def as_row(self) -> dict[str, Any]:
        """The result of the module ``irm_test``."""
        return {
            "changed": False,
            "msg": self.message,
            "passed": self.results.passed,
            "steps": [asdict(step) for step in self.results.steps],
            "templates": self.results.templates,
            "results": self.text,
            **(asdict(self.diagnosis) if self.diagnosis else {}),
        }


def parse(text: str) -> IrmResults:
    """Parses the output of a test.

    :param text: the property ``Results``.
    :raises ProtocolError: the text reports neither a pass nor a failure. This never counts as a pass.
    """
    results = IrmResults()
    overall = ""
    name = ""
    for line in (line.strip() for line in text.removeprefix("Results :").splitlines()):
        outcome = _OUTCOME.fullmatch(line)
        verdict = _OVERALL.search(line)
        if verdict:
            overall = verdict[1]
        elif outcome:
            results.steps.append(Check(name, outcome[1] == "PASS", outcome[2]))
        elif line.endswith(" ..."):
            name = line.removesuffix("...").strip()
        elif line and not _RULE.fullmatch(line) and results.steps:
            step = results.steps[-1]
            step.detail = f"{step.detail} {line}".strip()
    if not overall and not results.failures:
        raise ProtocolError(
            f"The collection cannot interpret the test's output: {text!r}", cmdlet="Test-IRMConfiguration"
        )
    results.passed = overall == "PASS" and not results.failures
    for match in filter(None, (_TEMPLATES.search(step.detail) for step in results.steps)):
        # Exchange separates the names with commas, so a name that contains a comma is split here.
        results.templates += [template.strip() for template in match[1].split(", ") if template.strip()]
    return results


def run_irm_test(session: Session, sender: str, recipients: Sequence[str]) -> IrmTest:
    """Runs the test once.

    :raises ExchangeError: the test could not run, or its output cannot be interpreted.
    """
    _check_addresses(sender, recipients)
    tested = read(
        session, {"test": Call("Test-IRMConfiguration", {"Sender": sender, "Recipient": list(recipients)})}, fresh=True
    )
    text = str(tested.only("test").get("Results") or "")
    return IrmTest(sender, parse(text), text)


def diagnosed(session: Session, test: IrmTest) -> IrmTest:
    """The test, with a diagnosis from what is read now if it failed."""
    if test.results.passed:
        return test
    organization = read(session, [IRM_CONFIGURATION.subset, RMS_TEMPLATES], fresh=True)
    return replace(test, diagnosis=_diagnosis(organization, test.results))


def _diagnosis(organization: Organization, results: IrmResults) -> Diagnosis:
    obstacle = obstacle_of(organization)
    if obstacle:
        return Diagnosis(obstacle.cause, obstacle.cure)
    failed = [subset for subset in organization.subsets if organization.error(subset) is not None]
    if failed:
        cmdlets = " and ".join(SUBSETS[subset].cmdlet for subset in failed)
        return Diagnosis(
            f"not known, because {cmdlets} could not be read",
            f"Grant the session {cmdlets}, or look at what they show.",
        )
    if any(_NO_TEMPLATES in step.detail for step in results.failures):
        return Diagnosis(
            "the licensing settings are on, but Exchange gets no templates from the service", OTHER_SERVICE
        )
    listed = len(organization.objects(RMS_TEMPLATES))
    cause = f"the settings do not show it: licensing is on, and Exchange lists {listed} RMS {'template' if listed == 1 else 'templates'}"
    return Diagnosis(cause, _WAIT)


def _check_addresses(sender: str, recipients: Sequence[str]) -> None:
    """Refuses anything that is not an address, by name, before anything is sent."""
    wrong = [f"sender is {sender!r}"] if not is_address(sender) else []
    wrong += [f"recipients has {recipient!r}" for recipient in recipients if not is_address(recipient)]
    if wrong:
        raise OptionError(
            f"{'; '.join(wrong)}: Test-IRMConfiguration takes SMTP addresses only.",
            remedy="Give the user's address, such as alexw@contoso.com.",
        )
    if not recipients:
        raise OptionError(
            "recipients is empty: without one Exchange cannot test.", remedy="The sender's own address will do."
        )


def _summary(sender: str, results: IrmResults) -> str:
    if results.passed:
        return f"Rights management works for {sender}: {len(results.steps)} steps passed, {len(results.templates)} templates are available."
    failures = "; ".join(f"{step.name}: {step.detail}" for step in results.failures)
    return f"Rights management does not work for {sender}. {failures or 'Exchange calls the test a failure and names no step.'}"
