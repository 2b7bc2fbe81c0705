# SPDX-License-Identifier: GPL-3.0-or-later
"""What Test-IRMConfiguration says, as it was seen: a pass and a failure from consoles, which break long lines."""

from __future__ import annotations

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ProtocolError
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.irm_test import Check, parse

PASS = """\
Results : Acquiring RMS Templates ...
              - PASS: RMS Templates acquired.  Templates available: Confidential \\ All Employees, Highly
          Confidential  - All Employees, Confidential - All Employees, Highly Confidential \\ All Employees,
          Encrypt, Do Not Forward.
          Verifying encryption ...
              - PASS: Encryption verified successfully.
          Verifying decryption for recipient: MeganB@contoso.com ...
              - PASS: Decryption verified successfully.
          Verifying IRM is enabled ...
              - PASS: IRM verified successfully.

          OVERALL RESULT: PASS
"""

FAIL = """\
Results : Acquiring RMS Templates ...
              - PASS: RMS Templates acquired.  Templates available: Highly Confidential \\ All Employees, Highly Confidential, \
Confidential \\ All Employees, Confidential - Finance, Highly Confidential - Project - Falcon, Encrypt, Do Not
          Forward.
          Verifying encryption ...
              - FAIL: Failed to verify encryption.
          ----------------------------------------
          Microsoft.Exchange.Data.RightsManagement.RmException: Failed to get publishing license. FailureCode:UnknownFailure. Recoverable:False. \
---> Microsoft.Exchange.Data.RightsManagement.RmException: Failed to fetch the adhoc
          license handle. FailureCode:UnknownFailure. Recoverable:False.
"""


def test_a_pass() -> None:
    results = parse(PASS)
    assert results.passed
    assert [(step.name, step.passed) for step in results.steps] == [
        ("Acquiring RMS Templates", True),
        ("Verifying encryption", True),
        ("Verifying decryption for recipient: MeganB@contoso.com", True),
        ("Verifying IRM is enabled", True),
    ]
    assert results.steps[1].detail == "Encryption verified successfully."
    assert results.templates == [
        "Confidential \\ All Employees",
        "Highly Confidential  - All Employees",
        "Confidential - All Employees",
        "Highly Confidential \\ All Employees",
        "Encrypt",
        "Do Not Forward",
    ]


def test_a_failure() -> None:
    results = parse(FAIL)
    assert not results.passed
    assert [(step.name, step.passed) for step in results.steps] == [
        ("Acquiring RMS Templates", True),
        ("Verifying encryption", False),
    ]
    assert results.templates[-2:] == ["Encrypt", "Do Not Forward"]
    (failed,) = results.failures
    assert failed.detail.startswith(
        "Failed to verify encryption. Microsoft.Exchange.Data.RightsManagement.RmException: Failed to get publishing license."
    )
    assert failed.detail.endswith("the adhoc license handle. FailureCode:UnknownFailure. Recoverable:False.")


def test_one_line_a_step_as_it_is_on_the_wire() -> None:
    results = parse(
        "Verifying encryption ...\r\n    - PASS: Encryption verified successfully.\r\n\r\nOVERALL RESULT: PASS"
    )
    assert (results.passed, results.steps, results.templates) == (
        True,
        [Check("Verifying encryption", True, "Encryption verified successfully.")],
        [],
    )


def test_an_overall_failure_without_a_failed_step_is_a_failure() -> None:
    assert not parse(
        "Verifying encryption ...\n - PASS: Encryption verified successfully.\nOVERALL RESULT: FAIL"
    ).passed


def test_a_failed_step_beside_an_overall_pass_is_a_failure() -> None:
    assert not parse("Verifying encryption ...\n - FAIL: Failed.\nOVERALL RESULT: PASS").passed


@pytest.mark.parametrize(
    "text",
    ["", "Vérification du chiffrement ...", "Verifying encryption ...\n    - PASS: Encryption verified successfully."],
)
def test_what_says_neither_is_no_pass(text: str) -> None:
    with pytest.raises(ProtocolError, match="cannot interpret"):
        parse(text)
