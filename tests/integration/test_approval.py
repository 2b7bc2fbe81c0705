# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that requires an approval gets one, whatever is said on its command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .playbook import Run
from .tenant import Tenant

NAME = "hardened_baseline_require_approval"
INCLUDED = {"name": "m365.message_encryption.hardened_baseline", "rolespec_validate": False}
ROLE = {"name": "Baseline", "ansible.builtin.include_role": INCLUDED}


def run(tenant: Tenant, *arguments: str, **variables: Any) -> Run:
    """The role in a play that requires an approval."""
    return tenant.controller.tasks([ROLE], *arguments, hosts=tenant.host, play={"vars": {NAME: True, **variables}})


# tests/unit/baseline/test_approved.py has every value; these are the ways in which Ansible takes one.
@pytest.mark.parametrize(
    "arguments",
    [
        ["-e", json.dumps({NAME: None})],
        ["-e", f"{NAME}={{{{ false }}}}"],
        ["-e", f"{NAME}=true", "-e", f"{NAME}=no", "-e", "hardened_baseline_approved_plan=sha256:0000"],
        ["--check", "-e", f"{NAME}=false"],
        *(
            pytest.param(["-e", value], marks=pytest.mark.matrix)
            for value in (f"{NAME}=false", f"{NAME}=", json.dumps({NAME: False}))
        ),
    ],
)
def test_it_is_not_switched_off_on_the_command_line(tenant: Tenant, arguments: list[str]) -> None:
    before = tenant.state()
    refused = run(tenant, *arguments)
    assert refused.rc == 2
    assert f"{NAME} is" in refused.output
    assert "as an extra variable" in refused.output
    assert tenant.state() == before
    assert tenant.applied == []


def test_a_file_of_extra_variables_does_not_switch_it_off(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "launch.yml").write_text(f"!unsafe '{NAME}': !unsafe 'false'\n", encoding="utf-8")
    refused = run(tenant, "-e", f"@{tmp_path}/launch.yml")
    assert refused.rc == 2
    assert "as an extra variable" in refused.output
    assert tenant.applied == []


def test_without_a_plan_nothing_is_written(tenant: Tenant) -> None:
    for arguments in ([], ["-e", "hardened_baseline_approved_plan=", "-e", f"{NAME}=true"]):
        refused = run(tenant, *arguments)
        assert refused.rc == 2
        assert f"{NAME} is true, but no plan was approved" in refused.output
    assert tenant.applied == []


def test_what_was_approved_runs_once(tenant: Tenant) -> None:
    # A check needs no approval, and makes what is approved.
    check = run(tenant, "--check", "-e", f"{NAME}=true")
    assert check.rc == 0, check.output
    (path,) = tenant.controller.home.glob(f"message_encryption/runs/*/{tenant.host}/plan.json")
    plan, _mark = json.loads(path.read_text(encoding="utf-8"))
    before = tenant.state()
    done = run(tenant, hardened_baseline_approved_plan=plan["digest"])
    assert done.rc == 0, done.output
    assert tenant.state() != before
    rollback = {**ROLE, "ansible.builtin.include_role": {**INCLUDED, "tasks_from": "rollback"}}
    accepted = json.dumps({"hardened_baseline_accept": ["encryption_off"]})
    back = tenant.controller.tasks([rollback], "-e", accepted, hosts=tenant.host)
    assert back.rc == 0, back.output
    writes = len(tenant.applied)
    refused = run(tenant, hardened_baseline_approved_plan=plan["digest"])
    assert refused.rc == 2
    assert f"{plan['digest']} was approved for one run" in refused.output
    assert len(tenant.applied) == writes
    again = run(
        tenant, hardened_baseline_approved_plan=plan["digest"], hardened_baseline_approval_valid_until="2999-01-31"
    )
    assert again.rc == 0, again.output
    assert len(tenant.applied) > writes


def test_an_inventory_may_say_it_and_a_playbook_may_say_otherwise(tenant: Tenant) -> None:
    """It is about launch variables: who writes the playbook decides."""
    allowed = run(tenant, **{NAME: False})
    assert allowed.rc == 0, allowed.output
