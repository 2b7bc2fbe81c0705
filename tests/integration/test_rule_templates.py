# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for common cases, which the role's page and ansible-doc show, in an organization."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.emulator.organization import default_state

from .playbook import ROOT
from .role import play, report
from .tenant import Tenant

NAME = "contoso.onmicrosoft.com"
PEOPLE = default_state(NAME) | {
    "recipients": [
        {"name": "Alex", "alias": "alexw", "address": f"alexw@{NAME}"},
        {"name": "Megan", "alias": "megan", "address": f"megan@{NAME}"},
        {"name": "Leavers", "alias": "leavers", "address": f"leavers@{NAME}", "members": [f"alexw@{NAME}"]},
    ]
}


@pytest.mark.organizations(PEOPLE)
def test_the_rules_for_common_cases_are_shown_applied_and_keep_what_they_promise(tenant: Tenant) -> None:
    joined: dict[str, list[Any]] = {}
    for path in sorted(ROOT.glob("scripts/rule_templates/*.yml")):
        for name, rows in yaml.safe_load(path.read_text(encoding="utf-8")).items():
            joined.setdefault(name.removeprefix("hardened_baseline_"), []).extend(rows)
    names = [rule["name"] for rule in joined["encryption_rules"]]
    shown = tenant.controller.command("ansible-doc", "-t", "role", "m365.message_encryption.hardened_baseline").stdout
    assert [name for name in names if f"- name: {name}\n" not in shown] == []

    play(tenant.controller, "baseline", **joined)
    assert [rule["Name"] for rule in tenant.state()["transport_rules"]] == names
    play(tenant.controller, "audit", fail_on_drift=True, **joined)
    (organization,) = report(tenant.controller)["organizations"]
    (mail,) = [control for control in organization["controls"] if control["id"] == "MFR-2"]
    assert (mail["status"], len(organization["mail"]["guarantees"])) == ("met", len(joined["guarantees"]))
