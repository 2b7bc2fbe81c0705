# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot counts as rolled back only after two reads in a row show it: a single read may be behind, or empty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result

from tests.unit.emulated_session import EmulatedSession

from .conftest import Role

OUTGOING = {"encrypt_outgoing": {"template": "Encrypt"}}


class EmptySession(EmulatedSession):
    """An organization that shows no rule in some of the reads that ask for rules, counted from now on."""

    empty: Sequence[int] = ()

    def invoke(self, calls: Sequence[Call], *, fresh: bool = False) -> list[Result]:
        results = super().invoke(calls, fresh=fresh)
        for number, call in enumerate(calls):
            if call.cmdlet == "Get-TransportRule":
                if 0 in self.empty:
                    results[number] = Result([])
                self.empty = [left - 1 for left in self.empty]
        return results


def role_with(tmp_path: Path, **state: object) -> tuple[Role, EmptySession]:
    session = EmptySession({"advanced_message_encryption": True, **state})
    return Role(session, str(tmp_path)), session


def names(role: Role) -> list[str]:
    return [rule["Name"] for rule in role.session.organization.dump()["transport_rules"]]


def test_one_empty_read_does_not_hide_what_is_to_be_taken_back(tmp_path: Path) -> None:
    role, session = role_with(tmp_path, irm_configuration={"AzureRMSLicensingEnabled": True})
    role.run()
    role.run(**OUTGOING)
    session.empty = [0]
    role.run("rollback")
    assert names(role) == []
    assert [link.rolled_back for link in role.artifacts.snapshots.chain().links].count(True) == 1


@pytest.mark.parametrize("empty", [[0, 1], [0, 2], [0, 1, 2]])
def test_empty_reads_do_not_count_as_rolled_back(tmp_path: Path, empty: list[int]) -> None:
    """The snapshot contains a rule, or the run made one: no read without rules is proof of either."""
    role, session = role_with(tmp_path, transport_rules=[{"Name": "theirs", "PrependSubject": "x"}])
    role.run()
    role.run(**OUTGOING)
    session.empty = empty
    role.run("rollback")
    marked = [link.rolled_back for link in role.artifacts.snapshots.chain().links].count(True)
    assert marked == ("Encrypt all outgoing mail" not in names(role))
    if not marked:
        assert role.report["status"] != "met"
        assert any("does not count as rolled back" in warning for warning in role.report["warnings"])
    session.empty = ()
    role.run("rollback")
    assert names(role) == ["theirs"]


def test_a_rule_that_others_have_removed_keeps_the_run_from_counting(tmp_path: Path) -> None:
    role, session = role_with(tmp_path, transport_rules=[{"Name": "theirs", "PrependSubject": "x"}])
    role.run()
    path = role.run(**OUTGOING)["snapshot"]
    session.edit("Remove-TransportRule", Identity="theirs")
    role.run("rollback")
    assert names(role) == []
    assert "No rule was read, although the snapshot contains 1." in " ".join(role.report["warnings"])
    assert not role.artifacts.snapshots.rolled_back(path)
    role.run("rollback", rollback_force=True)
    assert role.artifacts.snapshots.rolled_back(path)
