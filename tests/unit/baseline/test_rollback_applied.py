# SPDX-License-Identifier: GPL-3.0-or-later
"""A rollback takes back what the run stored, and not what it only planned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.document import (
    document_of,
    document_text,
)
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import ExchangeError, OptionError

from .conftest import FailingSession, Role

AME = {"advanced_message_encryption": True}
BOTH = {"transport_rules": [{"Name": name, "PrependSubject": "x"} for name in "ab"]}
EDITS = {"prepend_subject": "x"}


def encrypting(*names: str) -> dict[str, Any]:
    rules = [
        {
            "name": name,
            "conditions": {"from_scope": "InOrganization", "subject_contains_words": [name]},
            "actions": {"apply_rights_protection_template": "Encrypt"},
        }
        for name in names
    ]
    return {"encryption_rules": rules}


def commented(*names: str) -> dict[str, Any]:
    rules = [{"name": name, "comments": "ours", "actions": EDITS} for name in names]
    return {"encryption_rules": rules, "accept": ["any_sender", "unconditional_rule"]}


def refusing_second(tmp_path: Path, state: dict[str, Any], fault: str = "refused") -> tuple[Role, FailingSession]:
    """An organization in which the settings are as wanted, and whose second write from now on fails."""
    session = FailingSession({**AME, **state}, -1)
    role = Role(session, str(tmp_path))
    role.run()
    session.fails, session.fault = len(session.writes) + 1, fault
    return role, session


def rules(role: Role) -> list[tuple[str, str | None]]:
    return [(rule["Name"], rule.get("Comments")) for rule in role.session.organization.dump()["transport_rules"]]


def record(role: Role) -> Path:
    (link,) = [link for link in role.artifacts.snapshots.chain().links if not link.rolled_back and link.previous]
    path = Path(link.path)
    return path.with_name(f"applied-{path.name.removeprefix('snapshot-')}")


def test_a_change_that_was_refused_and_that_somebody_made_by_hand_stays(tmp_path: Path) -> None:
    role, session = refusing_second(tmp_path, BOTH)
    with pytest.raises(ExchangeError, match="The service refused this"):
        role.run(**commented("a", "b"))
    session.edit("Set-TransportRule", Identity="b", Comments="ours")
    role.run("rollback")
    assert rules(role) == [("a", None), ("b", "ours")]


def test_a_rule_whose_creation_was_refused_and_that_somebody_made_stays(tmp_path: Path) -> None:
    role, session = refusing_second(tmp_path, {})
    with pytest.raises(ExchangeError, match="The service refused this"):
        role.run(**encrypting("a", "b"))
    (left,) = {"a", "b"} - {name for name, _comments in rules(role)}
    session.edit(
        "New-TransportRule",
        Name=left,
        FromScope="InOrganization",
        SubjectContainsWords=[left],
        ApplyRightsProtectionTemplate="Encrypt",
    )
    role.run("rollback")
    assert [name for name, _comments in rules(role)] == [left]


def test_what_somebody_made_between_plan_and_run_stays(tmp_path: Path) -> None:
    """A second host of the inventory can be the same organization, too."""
    role = Role(AME, str(tmp_path))
    role.run()
    planned = role.plan(**encrypting("new"))
    role.session.edit(
        "New-TransportRule",
        Name="new",
        FromScope="InOrganization",
        SubjectContainsWords=["new"],
        ApplyRightsProtectionTemplate="Encrypt",
    )
    assert not role.apply_planned(planned, **encrypting("new"))["changed"]
    # It wrote nothing, so a rollback goes back to before the run that did.
    marks = {bool(link.previous): link.rolled_back for link in role.artifacts.snapshots.chain().links}
    assert marks == {False: False, True: True}
    role.run("rollback")
    assert [name for name, _comments in rules(role)] == ["new"]


@pytest.mark.parametrize("fault", ["line lost, done", "line lost, not done"])
def test_what_may_be_stored_is_taken_back(tmp_path: Path, fault: str) -> None:
    role, session = refusing_second(tmp_path, BOTH, fault)
    before = role.state()
    session.fails -= 1
    with pytest.raises(ExchangeError):
        role.run(**commented("a", "b"))
    assert document_of(record(role).read_bytes())["unknown"] == [
        {"resource": "ome_transport_rule", "identity": "a", "option": "comments"}
    ]
    role.run("rollback")
    assert role.state() == before


def test_after_a_run_that_was_killed_all_that_it_planned_is_taken_back(tmp_path: Path) -> None:
    role = Role({**AME, **BOTH}, str(tmp_path))
    role.run()
    before = role.state()
    written: list[Call] = []

    def kill(call: Call) -> None:
        written.append(call)
        if len(written) == 2:
            raise SystemExit

    role.session.before_write = kill
    with pytest.raises(SystemExit):
        role.run(**commented("a", "b"))
    role.session.before_write = lambda call: None
    assert not record(role).exists()
    said: list[str] = []
    role.say = said.append
    role.run("rollback")
    assert "What that run stored is not recorded, so all that it planned counts as changed by it." in said[0]
    assert role.state() == before


def test_what_a_later_run_did_not_store_is_not_of_it(tmp_path: Path) -> None:
    role, session = refusing_second(tmp_path, BOTH)
    session.fails = len(session.writes) + 2
    first = role.run(**commented("b"))["snapshot"]
    with pytest.raises(ExchangeError, match="The service refused this"):
        role.run(
            encryption_rules=[
                {"name": "a", "comments": "ours", "actions": EDITS},
                {"name": "b", "comments": "theirs", "actions": EDITS},
            ],
            accept=["any_sender", "unconditional_rule"],
        )
    role.run("rollback", rollback_snapshot=first)
    assert rules(role) == [("a", "ours"), ("b", None)]


@pytest.mark.parametrize(("part", "value"), [("stored", [{"resource": "x"}]), ("stored", 1), ("digest", "sha256:0")])
def test_a_record_that_cannot_be_trusted_is_refused(tmp_path: Path, part: str, value: Any) -> None:
    role = Role({**AME, **BOTH}, str(tmp_path))
    role.run()
    role.run(**commented("a"))
    path = record(role)
    path.write_text(document_text({**document_of(path.read_bytes()), part: value}))
    with pytest.raises(OptionError, match=r"does not say what its run stored|is of another snapshot"):
        role.run("rollback")


def test_a_record_goes_with_its_snapshot(tmp_path: Path) -> None:
    role = Role({**AME, **BOTH}, str(tmp_path))
    role.run()
    role.run(**commented("a"))
    folder = record(role).parent
    role.run("rollback")
    role.run("rollback")
    role.artifacts.snapshots.cut(1)
    assert len(list(folder.glob("applied-*.json"))) == len(role.artifacts.snapshots.chain().links) == 1
