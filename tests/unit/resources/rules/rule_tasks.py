# SPDX-License-Identifier: GPL-3.0-or-later
"""One mail flow rule as a task has it, for the tests of what a task does."""

from __future__ import annotations

from typing import Any

from ansible_collections.m365.message_encryption.plugins.modules import ome_transport_rule

from tests.unit.emulated_session import EmulatedSession

INSIDE = {"from_scope": "InOrganization"}
ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
NAME = "Encrypt outgoing mail"


def ensure(session: EmulatedSession, *, name: str = NAME, **options: Any) -> dict[str, Any]:
    """Checks, runs and runs again: the check foretells the run, and the second run changes nothing."""
    before = session.organization.dump()
    foretold = session.run(ome_transport_rule, check_mode=True, name=name, **options)
    assert session.organization.dump() == before
    done = session.run(ome_transport_rule, name=name, **options)
    assert {**foretold, "after": done["after"]} == done
    warnings = session.warnings
    again = session.run(ome_transport_rule, name=name, **options)
    assert (again["changed"], again["changes"], again["before"]) == (False, [], done["after"])
    session.warnings = warnings
    return done


def stored(session: EmulatedSession, name: str = NAME) -> dict[str, Any]:
    (rule,) = [rule for rule in session.organization.state["transport_rules"] if rule["Name"] == name]
    return dict(rule)


def order(session: EmulatedSession) -> list[str]:
    return [rule["Name"] for rule in session.organization.state["transport_rules"]]


def impacts(result: dict[str, Any]) -> dict[str, str]:
    return {change["option"]: change["impact"] for change in result["changes"]}
