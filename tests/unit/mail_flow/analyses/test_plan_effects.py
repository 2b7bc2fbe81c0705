# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the steps of a plan leave rules: as the emulated organization has them after the same calls."""

from __future__ import annotations

import itertools

from ansible_collections.m365.message_encryption.plugins.module_utils._engine.plan import Change, Step
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._mail_flow.analyses.plan_effects import (
    rules_after,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.organization_rules import RULE

from tests.unit.emulated_session import EmulatedSession

NAMES = "abcd"


def left(call: Call, option: str, after: object) -> tuple[list[str], list[str]]:
    """The rules after a call, first to last: as it is said of a plan, and as they are in the organization."""
    session = EmulatedSession({"transport_rules": [{"Name": name, "PrependSubject": "x"} for name in NAMES]})
    rules = [{"name": name, "guid": name, "priority": place} for place, name in enumerate(NAMES)]
    said = rules_after(rules, [Step(call, (Change(RULE, "", option, None, after),), 0)])
    session.edit(call.cmdlet, **call.parameters)
    return [rule["name"] for rule in said], [rule["Name"] for rule in session.organization.state["transport_rules"]]


def test_rules_are_where_the_organization_has_them() -> None:
    moves = [
        (Call("Set-TransportRule", {"Identity": name, "Priority": place}), "priority", place)
        for name, place in itertools.product(NAMES, range(len(NAMES)))
    ]
    new = [
        (Call("New-TransportRule", {"Name": "new", "PrependSubject": "x", **where}), "state", "present")
        for where in ({}, *({"Priority": place} for place in range(len(NAMES) + 1)))
    ]
    gone = [(Call("Remove-TransportRule", {"Identity": name}), "state", "absent") for name in NAMES]
    results = [(str(call), *left(call, option, after)) for call, option, after in (*moves, *new, *gone)]
    assert [(call, said, found) for call, said, found in results if said != found] == []
