# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback to an older snapshot, and the snapshots that were taken after it: no rollback ever goes forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Role
from .refusing import refused

ENCRYPT = {"apply_rights_protection_template": "Encrypt"}
STATE = {
    "advanced_message_encryption": True,
    "irm_configuration": {"AzureRMSLicensingEnabled": True, "SimplifiedClientAccessEnabled": True},
    "ome_configurations": [{"Identity": "OME Configuration", "SocialIdSignIn": False}],
    "transport_rules": [
        {
            "Name": "r",
            "SubjectContainsWords": ["s"],
            "FromScope": "InOrganization",
            "ApplyRightsProtectionTemplate": "Encrypt",
            "Comments": "orig",
        }
    ],
}


@pytest.fixture(name="role")
def role_fixture(tmp_path: Path) -> Role:
    return Role(STATE, str(tmp_path))


def rule(comments: str, **options: Any) -> dict[str, Any]:
    conditions = {"from_scope": "InOrganization", "subject_contains_words": ["s"]}
    return {"name": "r", "comments": comments, "conditions": conditions, "actions": ENCRYPT, **options}


def changed(role: Role, *rules: dict[str, Any]) -> str:
    """A run that writes. Returns its snapshot."""
    return str(role.run(encryption_rules=list(rules), accept=["broken_guarantee", "weakened_mail"])["snapshot"])


def marks(role: Role) -> list[bool]:
    return [link.rolled_back for link in role.artifacts.snapshots.chain().links]


def test_the_whole_state_counts_the_runs_since_as_rolled_back_too(role: Role) -> None:
    """What the later run had enabled is not disabled again by the rollback after it."""
    first = changed(role, rule("orig", enabled=False))
    second = changed(role, rule("orig"))
    state = role.state()
    said: list[str] = []
    role.say = said.append
    assert not role.run("rollback", rollback_snapshot=first, rollback_scope="full")["pending"]
    assert f"Snapshots that were taken since count as rolled back, too: {Path(second).name}." in said[0]
    assert marks(role) == [True, True]
    assert not role.run("rollback")["pending"]
    assert role.state() == state


def test_a_rule_that_a_run_made_and_a_later_one_removed_does_not_come_back(role: Role) -> None:
    new = {"name": "new", "conditions": {"from_scope": "InOrganization"}, "actions": {"prepend_subject": "x"}}
    first = changed(role, rule("orig"), new)
    changed(role, rule("orig"), {"name": "new", "state": "absent"})
    role.run("rollback", rollback_snapshot=first, rollback_scope="full")
    assert not role.run("rollback")["pending"]
    assert [each["Name"] for each in role.session.organization.dump()["transport_rules"]] == ["r"]


def test_the_whole_state_takes_away_every_rule_that_later_runs_made(role: Role) -> None:
    before = role.state()
    first = changed(role, rule("one"))
    new = {"name": "new", "conditions": {"from_scope": "InOrganization"}, "actions": {"prepend_subject": "x"}}
    changed(role, rule("one"), new)
    role.run("rollback", rollback_snapshot=first, rollback_scope="full")
    assert role.state() == before
    assert marks(role) == [True, True]


@pytest.mark.parametrize("forced", [False, True])
def test_what_a_later_run_has_changed_too_is_rolled_back_first(role: Role, forced: bool) -> None:
    before = role.state()
    first = changed(role, rule("one"))
    second = changed(role, rule("orig"))
    text = refused(role, "rollback", rollback_snapshot=first, rollback_force=forced)
    assert (
        f"{Path(second).name} was taken later, and its run changed the same: comments of r. Roll it back first." in text
    )
    assert "hardened_baseline_rollback_scope: full" in text
    role.run("rollback")
    role.run("rollback")
    assert role.state() == before
    assert marks(role) == [True, True]


def test_a_rule_that_a_later_run_has_changed_is_not_removed_under_it(role: Role) -> None:
    new = {"name": "new", "conditions": {"from_scope": "InOrganization"}, "actions": ENCRYPT}
    first = changed(role, rule("orig"), new)
    changed(role, rule("orig"), new | {"exceptions": {"subject_contains_words": ["x"]}})
    assert "its run changed the same: state of new." in refused(role, "rollback", rollback_snapshot=first)


def test_a_later_snapshot_that_cannot_be_read_is_no_reason_to_go_on(role: Role) -> None:
    first = changed(role, rule("one"))
    Path(changed(role, rule("orig"))).write_text("{")
    assert "cannot be read, so it is unknown whether its run changed the same" in refused(
        role, "rollback", rollback_snapshot=first
    )


def test_later_runs_that_changed_something_else_stay(role: Role) -> None:
    first = changed(role, rule("one"))
    changed(role, rule("one", rule_error_action="Defer"))
    role.run("rollback", rollback_snapshot=first)
    (found,) = role.session.organization.dump()["transport_rules"]
    assert (found["Comments"], found["RuleErrorAction"]) == ("orig", "Defer")
    assert marks(role).count(True) == 1


def test_a_later_snapshot_of_its_own_is_named(role: Role) -> None:
    first = changed(role, rule("one"))
    own = Path(role.plan("snapshot")["snapshot"]).name
    role.run("rollback", rollback_snapshot=first)
    assert any(
        warning.startswith(f"{own}, taken later, contains what this rollback takes away")
        for warning in role.report["warnings"]
    )
