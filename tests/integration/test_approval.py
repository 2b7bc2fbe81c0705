# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that requires an approval gets one, whatever is said on its command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .playbook import Run
from .tenant import Tenant, lasting

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
        ["--check", "-e", f"{NAME}={{{{ false }}}}"],
        ["-e", f"{NAME}=true", "-e", "@launch.yml", "-e", "hardened_baseline_approved_plan=sha256:0000"],
        *(
            pytest.param(["-e", value], marks=pytest.mark.matrix)
            for value in (f"{NAME}=false", f"{NAME}=", f"{NAME}={{{{ false }}}}", json.dumps({NAME: False}))
        ),
    ],
)
def test_it_is_not_switched_off_on_the_command_line(tenant: Tenant, arguments: list[str]) -> None:
    launch = f"!unsafe '{NAME}': !unsafe 'false'\n"
    (tenant.controller.home / "launch.yml").write_text(launch, encoding="utf-8")
    before = tenant.state()
    refused = run(tenant, *arguments)
    assert refused.rc == 2
    assert f"{NAME} is" in refused.output
    assert "as an extra variable" in refused.output
    assert tenant.state() == before
    assert tenant.applied == []


def test_without_a_plan_nothing_is_written(tenant: Tenant) -> None:
    refused = run(tenant, "-e", "hardened_baseline_approved_plan=", "-e", f"{NAME}=true")
    assert refused.rc == 2
    assert f"{NAME} is true, but no plan was approved" in refused.output
    assert tenant.applied == []


def test_what_was_approved_runs_once(tenant: Tenant) -> None:
    def play(name: str, *tasks: Any, **variables: Any) -> dict[str, Any]:
        settings = {"vars": {NAME: True, **variables}, "check_mode": name == "check"}
        return {"name": name, "hosts": tenant.host, "gather_facts": False, **settings, "tasks": [*tasks] or [ROLE]}

    keep = {"name": "keep", "ansible.builtin.set_fact": {"digest": "{{ __hardened_baseline_plan.digest }}"}}
    rollback = {**ROLE, "ansible.builtin.include_role": {**INCLUDED, "tasks_from": "rollback"}}
    attempt = {"block": [ROLE], "rescue": [{"ansible.builtin.meta": "noop"}]}
    approved = {"hardened_baseline_approved_plan": "{{ digest }}"}
    done, states = tenant.watched(
        [
            # A check needs no approval, and makes what is approved.
            play("check", ROLE, keep),
            play("apply", **approved),
            play("roll back", rollback, hardened_baseline_accept=["encryption_off"]),
            play("once more", attempt, **approved),
            play("until then", hardened_baseline_approval_valid_until="2999-01-31", **approved),
        ],
        "-e",
        f"{NAME}=true",
    )
    assert done.rc == 0, done.output
    first, checked, applied, back, refused, again = states
    assert checked == first
    assert lasting(applied) != lasting(first)
    assert lasting(back) == lasting(first)
    (why,) = (task.result["msg"] for task in done.of("once more") if task.outcome == "failed")
    assert f"{done['keep']['ansible_facts']['digest']} was approved for one run" in why
    assert refused == back
    assert lasting(again) == lasting(applied)


def test_an_inventory_may_say_it_and_a_playbook_may_say_otherwise(tenant: Tenant) -> None:
    """It is about launch variables: who writes the playbook decides."""
    allowed = run(tenant, **{NAME: False})
    assert allowed.rc == 0, allowed.output


def test_what_was_not_approved_is_not_written_whatever_others_do_meanwhile(tenant: Tenant) -> None:
    rules = [
        {
            "name": name,
            "conditions": {"from_scope": "InOrganization", "subject_contains_words": [name]},
            "actions": {"apply_rights_protection_template": "Encrypt"},
        }
        for name in "abc"
    ]
    wishes = {"hardened_baseline_verify_timeout": 2, "hardened_baseline_accept": ["encryption_off"]}
    digest = {"hardened_baseline_approved_plan": "{{ digest }}"}
    keep = {"name": "keep", "ansible.builtin.set_fact": {"digest": "{{ __hardened_baseline_plan.digest }}"}}

    def play(order: list[Any], *tasks: Any, **variables: Any) -> dict[str, Any]:
        given = {**wishes, "hardened_baseline_encryption_rules": order, **variables}
        shared = {"hosts": tenant.host, "gather_facts": False, "check_mode": bool(tasks)}
        return {"name": "Baseline", **shared, "vars": given, "tasks": [ROLE, *tasks]}

    first, _states = tenant.watched([play(rules)])
    assert first.rc == 0, first.output
    written = len(tenant.applied)
    edit = {"cmdlet": "Remove-TransportRule", "parameters": {"Identity": "a"}}
    tenant.emulator.faults.set([{"kind": "portal_edit", "cmdlet": "Set-TransportRule", "edit": edit, "after": True}])
    done, _states = tenant.watched([play(rules[::-1], keep), play(rules[::-1], **{NAME: True}, **digest)])
    tenant.emulator.faults.set([])
    assert done.rc == 2
    assert (
        "Somebody else changed something while this task wrote: state of 'a' is 'absent', not 'present'" in done.output
    )
    assert {entry.cmdlet for entry in tenant.applied[written:]} == {"Set-TransportRule"}
    assert sorted(rule["Name"] for rule in tenant.state()["transport_rules"]) == ["b", "c"]
