# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that every task which may write ends with."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._action.base import summary


def change(option: str, identity: str = "", resource: str = "ome_configuration") -> dict[str, Any]:
    return {"resource": resource, "identity": identity, "option": option, "before": 1, "after": 2, "impact": ""}


@pytest.mark.parametrize(
    ("changes", "check_mode", "text"),
    [
        ([], True, "No change."),
        ([], False, "No change."),
        ([change("otp_enabled", "OME Configuration")], False, "Changed 1 setting: otp_enabled."),
        ([change("a", "One"), change("b", "One")], True, "Would change 2 settings: a, b."),
        (
            [change("a", "One"), change("a", "Two"), change("c", resource="irm_configuration")],
            False,
            "Changed 3 settings: a of One, a of Two, c.",
        ),
        ([change(f"o{number}") for number in range(8)], False, "Changed 8 settings: o0, o1, o2, o3, o4 and 3 more."),
    ],
)
def test_a_summary(changes: list[dict[str, Any]], check_mode: bool, text: str) -> None:
    assert summary(changes, check_mode=check_mode) == text
