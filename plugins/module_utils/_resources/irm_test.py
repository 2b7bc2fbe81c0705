# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what Test-IRMConfiguration says, which is one text for people. Private to the collection.

A step is a line that ends in ``...``; its outcome is a line with ``- PASS:`` or ``- FAIL:``. A text that was taken from a
console has its long lines broken, so a line that begins nothing goes on with what was before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ProtocolError

_OUTCOME = re.compile(r"- (PASS|FAIL):\s*(.*)")
_OVERALL = re.compile(r"OVERALL RESULT:\s*(PASS|FAIL)")
_TEMPLATES = re.compile(r"Templates available:\s*(.*?)\.?$")
_RULE = re.compile(r"-{3,}")


@dataclass
class Step:
    """One thing that was tried.

    :param name: what was tried, such as ``Verifying encryption``.
    :param passed: whether it worked.
    :param detail: what Exchange says of it; of a failure with the exception's text.
    """

    name: str
    passed: bool = False
    detail: str = ""


@dataclass
class IrmResults:
    """The whole test.

    :param passed: whether Exchange calls it a pass as a whole.
    :param templates: the names of the rights management templates that were found.
    """

    passed: bool = False
    steps: list[Step] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[Step]:
        """The steps that failed."""
        return [step for step in self.steps if not step.passed]


def parse(text: str) -> IrmResults:
    """The outcome of a test.

    :param text: the property ``Results``.
    :raises ProtocolError: the text says neither that the test passed nor that it failed. That is never taken for a pass.
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
            results.steps.append(Step(name, outcome[1] == "PASS", outcome[2]))
        elif line.endswith(" ..."):
            name = line.removesuffix("...").strip()
        elif line and not _RULE.fullmatch(line) and results.steps:
            step = results.steps[-1]
            step.detail = f"{step.detail} {line}".strip()
    if not overall and not results.failures:
        raise ProtocolError(f"The test's outcome cannot be understood: {text!r}", cmdlet="Test-IRMConfiguration")
    results.passed = overall == "PASS" and not results.failures
    for found in filter(None, (_TEMPLATES.search(step.detail) for step in results.steps)):
        # Exchange separates the names by commas, so a name that has one comes apart here.
        results.templates += [template.strip() for template in found[1].split(", ") if template.strip()]
    return results
