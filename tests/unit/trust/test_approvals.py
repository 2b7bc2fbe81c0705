# SPDX-License-Identifier: GPL-3.0-or-later
"""A small part of the approvals, used and used again while others change rules, that ``make soak`` tries."""

from __future__ import annotations

from unittest import mock

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.documents import approval as _approval
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.run import apply as _apply

from tests.rounds import seeds
from tests.soak import approvals
from tests.soak.sequences import several


@pytest.mark.parametrize("seed", seeds(6))
def test_approvals_that_are_used_again_while_others_change_rules(seed: int) -> None:
    approvals.examine(seed)


# Each begins with a seed by which the law once was seen broken, and looks on where that is no longer so.


def test_the_law_sees_an_approval_that_is_used_twice() -> None:
    with mock.patch.object(_approval, "used", return_value=[]), mock.patch.object(_apply, "used", return_value=[]):
        _steps, problem = several(approvals.examine, 10, 40)
    assert "an approval was used twice" in problem


def test_the_law_sees_a_use_that_is_not_compared() -> None:
    with mock.patch.object(_approval, "moved", return_value=[]):
        _steps, problem = several(approvals.examine, 3, 40)
    assert "mail leaves in clear, which nobody approved" in problem


def test_the_law_sees_a_write_after_somebody_elses_change() -> None:
    with (
        mock.patch.object(_apply, "moved_mail", return_value=[]),
        mock.patch.object(_apply, "unplanned", return_value=[]),
    ):
        _steps, problem = several(approvals.examine, 3, 200)
    assert "mail leaves in clear, which nobody approved" in problem
