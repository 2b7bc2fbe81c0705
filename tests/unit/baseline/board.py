# SPDX-License-Identifier: GPL-3.0-or-later
"""An organization with a group, the board, and a rule for mail of its members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result

from tests.unit.emulated_session import EmulatedSession

from .conftest import Role

DOMAIN = "contoso.onmicrosoft.com"
BOARD, ANN, BOB = (f"{name}@{DOMAIN}" for name in ("board", "ann", "bob"))
RULE = {
    "name": "Board",
    "conditions": {"from_scope": "InOrganization", "sent_to_scope": "NotInOrganization", "from_member_of": [BOARD]},
    "actions": {"apply_rights_protection_template": "Encrypt"},
}


def people(*board: str) -> list[dict[str, Any]]:
    rows = [
        {"name": address.partition("@")[0], "alias": address.partition("@")[0], "address": address}
        for address in (BOARD, ANN, BOB)
    ]
    return [{**rows[0], "members": list(board)}, *rows[1:]]


class Counting(EmulatedSession):
    """An organization that counts how often it was asked for members of groups."""

    asked = 0

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        self.asked += sum(call.cmdlet == "Get-DistributionGroupMember" for call in calls)
        return super().invoke(calls, fresh=fresh)


def role_with(*board: str, **state: Any) -> Role:
    role = Role(Counting({"recipients": people(*board), **state}, "rest"))
    role.session.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    return role
