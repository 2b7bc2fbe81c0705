# SPDX-License-Identifier: GPL-3.0-or-later
"""The rings that a playbook is given: Ansible itself takes one of 0 for all organizations."""

from __future__ import annotations

import yaml

from .playbook import ROOT
from .tenant import Tenant


def test_rings_that_are_none_are_refused_before_anything_is_read(tenant: Tenant) -> None:
    refused = tenant.controller.playbook("m365.message_encryption.baseline", "-e", '{"hardened_baseline_rings": [0]}')
    assert refused.rc == 2
    assert "hardened_baseline_rings must be a list of numbers from 1 and percentages from 1%" in refused.output
    assert tenant.emulator.round_trips == 0


def test_what_rings_may_be(tenant: Tenant) -> None:
    """What the playbook asks of them, for many values in one run."""
    (see,) = yaml.safe_load((ROOT / "playbooks/see_organizations.yml").read_text(encoding="utf-8"))
    fine = {name: see["vars"][name] for name in ("rings", "rings_are_fine")}
    values = [[1], [1, "10%", "100%"], [0, "100%"], [-1], [], ["x"], "all", [1.5]]
    tasks = [
        {
            "name": repr(value),
            "ansible.builtin.debug": {"msg": "{{ rings_are_fine }}"},
            "vars": {**fine, "hardened_baseline_rings": value},
        }
        for value in values
    ]
    run = tenant.controller.tasks(tasks)
    assert [result.task for result in run if result.result["msg"]] == ["[1]", "[1, '10%', '100%']"]
