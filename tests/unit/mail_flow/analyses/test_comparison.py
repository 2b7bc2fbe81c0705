# SPDX-License-Identifier: GPL-3.0-or-later
"""How two results of one message differ: certainly, perhaps, or not at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.mail_flow.answers import differences
from tests.unit.mail_flow.copy_results import message_result

Values = dict[str, Any]


def delivered(protection: str, branding: str = "", transit: Values | None = None) -> Values:
    return {
        "fate": "delivered",
        "protection": protection,
        **({"branding": branding} if branding else {}),
        **({"transit": transit} if transit else {}),
    }


REJECTED, UNKNOWN = {"fate": "rejected"}, {"fate": "unknown", "protection": "unknown"}
OFFERED, FORCED = {"tls": "opportunistic"}, {"tls": "forced", "validation": "certificate"}


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (delivered("encrypt"), delivered("Encrypt"), ""),
        (delivered("encrypt"), delivered("none"), "protection_lost"),
        (delivered("none"), delivered("protected_option_unknown"), "protection_gained"),
        (delivered("encrypt"), delivered("do_not_forward"), "protection_changed"),
        (delivered("encrypt"), delivered("protected_option_unknown"), "unknown"),
        (delivered("none"), delivered("unknown"), "unknown"),
        (delivered("unknown"), delivered("unknown"), ""),
        (delivered("encrypt", "Week"), delivered("encrypt", "week"), ""),
        (delivered("encrypt", "Week"), delivered("encrypt"), "branding_changed"),
        (delivered("none"), REJECTED, "delivery_lost"),
        (None, delivered("none"), "delivery_gained"),
        (REJECTED, {"fate": "deleted"}, "fate_changed"),
        (REJECTED, UNKNOWN, "unknown"),
        (delivered("none", transit=FORCED), delivered("none", transit=OFFERED), "transit_lost"),
        (
            delivered("none", transit=FORCED),
            delivered("none", transit={**FORCED, "validation": "domain"}),
            "transit_gained",
        ),
        (delivered("none", transit=FORCED), delivered("none", transit={"tls": "unknown"}), "unknown"),
    ],
)
def test_a_copy_is_treated_differently(before: Values | None, after: Values | None, kind: str) -> None:
    results = [
        [message_result({"name": "M", "recipients": {"ann@fabrikam.com": each} if each else {}})]
        for each in (before, after)
    ]
    assert [each["kind"] for each in differences(*results)] == ([kind] if kind else [])
