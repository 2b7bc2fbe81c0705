# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook history: from the folders of runs, without the organization."""

from __future__ import annotations

import datetime
import html
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.message_trace import row
from tests.emulator.organization import default_state
from tests.emulator.rule_reports import hits, settled

from .playbook import Controller, Run
from .tenant import CONNECTION, Tenant

PREFIX = "m365.message_encryption."


def play(controller: Controller, playbook: str, *arguments: str, rc: int = 0) -> Run:
    run = controller.playbook(PREFIX + playbook, *arguments)
    assert run.rc == rc, run.output
    return run


def histories(controller: Controller, directory: Path, times: int = 1) -> list[dict[str, Any]]:
    run = controller.plays(
        [{"import_playbook": PREFIX + "history"}] * times,
        "-e",
        json.dumps({"hardened_baseline_artifacts_dir": str(directory)}),
    )
    assert run.rc == 0, run.output
    documents = []
    for written, shown in zip(run.all("Write the history"), run.all("Show the location of the history"), strict=True):
        path = Path(written.result["history"])
        assert written.result["msg"] in shown.result["msg"]
        page = path.read_text(encoding="utf-8")
        assert "<script" not in page
        document: dict[str, Any] = json.loads((path.parent / "history.json").read_text(encoding="ascii"))[0]
        documents.append({**document, "page": page})
    assert path.parent.name == (directory / "latest-history").read_text(encoding="ascii").strip()
    assert len(documents) == times
    return documents


def test_since_when_by_whom_and_what_came_back(tmp_path: Path, tenant: Tenant) -> None:
    controller = tenant.controller
    both = controller.plays([{"import_playbook": PREFIX + name} for name in ("audit", "baseline")])
    assert both.rc == 0, both.output
    tenant.edit("Set-OMEConfiguration", Identity="OME Configuration", SocialIdSignIn=True)
    play(controller, "audit")
    latest = (controller.home / "message_encryption/latest").read_text(encoding="ascii")
    calls = len(tenant.emulator.calls)
    # Somebody else's controller, who has renamed the host and reaches no organization.
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = Controller(
        other, {"exchange_organizations": {"hosts": {"renamed": {"ansible_connection": CONNECTION}}}}
    )
    found, after = histories(elsewhere, controller.home / "message_encryption", times=2)
    assert len(tenant.emulator.calls) == calls
    assert (controller.home / "message_encryption/latest").read_text(encoding="ascii") == latest
    rows = {(row["control"], row["option"]): row for row in found["findings"]}
    social = rows["OME-1", "social_id_sign_in"]
    assert (social["state"], social["flapping"], social["openings"]) == ("open", True, 2)
    assert re.fullmatch(r"between \d{4}-\d\d-\d\d \d\d:\d\d UTC and .* UTC", social["since"]["text"])
    assert rows["IRM-1", "azure_rms_licensing_enabled"]["state"].startswith("fixed by the run ")
    for text in ("Flapping: open 2 times", html.escape(social["title"]), "1 finding open"):
        assert text in found["page"]
    # A history is no run: the next one has the same runs.
    assert after["runs"] == found["runs"]


NOW = datetime.datetime.now(datetime.UTC)
MAIL = [
    row(number, NOW - datetime.timedelta(hours=30), "alexw@contoso.onmicrosoft.com", f"p{number}@fabrikam.com")
    for number in range(4)
]
RULES = [
    {
        "Name": "Partners",
        "FromScope": "InOrganization",
        "RecipientDomainIs": ["fabrikam.com"],
        "ApplyRightsProtectionTemplate": "Encrypt",
    }
]
REPORTING = settled(
    default_state("contoso.onmicrosoft.com")
    | {"message_trace": MAIL, "transport_rules": RULES, "rule_report": hits(MAIL[:3], "Partners")}
)


@pytest.mark.organizations(REPORTING)
def test_what_exchange_contradicts_is_known_until_it_agrees(tenant: Tenant) -> None:
    controller = tenant.controller
    asked = ("--tags", "VRF-2", "-e", "hardened_baseline_evidence_days=7", "-e", "hardened_baseline_fail_on_drift=true")
    contradicted = play(controller, "audit", *asked, rc=2)
    assert "1 rule compared, of which 'Partners' is contradicted." in contradicted.stdout
    assert "@fabrikam.com" not in contradicted.output
    memory = controller.home / "message_encryption/organizations" / tenant.host / "contradictions.json"
    assert stat.S_IMODE(memory.stat().st_mode) == 0o600
    (kept, _mark) = json.loads(memory.read_text())
    assert [each["name"] for each in kept["rules"]] == ["Partners"]

    tenant.emulator.organizations[tenant.organization].patch({"rule_report": hits(MAIL, "Partners")})
    assert "1 rule compared, none contradicted." in play(controller, "audit", *asked).stdout
    assert json.loads(memory.read_text())[0]["rules"] == []
    (found,) = histories(controller, controller.home / "message_encryption")
    assert [
        (each["predicted"]["certain"], each["reported"], len(each["contradictions"])) for each in found["evidence"]
    ] == [(4, 3, 1), (4, 4, 0)]
    assert "What Exchange reported, newest first" in found["page"]


def test_folders_that_are_none_are_refused_by_name(tmp_path: Path) -> None:
    controller = Controller(
        tmp_path, {"exchange_organizations": {"hosts": {"contoso": {"ansible_connection": CONNECTION}}}}
    )
    (tmp_path / "empty/runs/20261125T030000Z-notes").mkdir(parents=True)
    cases = [(name, "", "directory: {} holds no runs") for name in ("empty", "nowhere")]
    cases += [("half", "[{", "is not JSON, or is truncated")]
    cases += [("other", '[{"kind": "audit"}, "not variables"]', "is not the report of a run")]
    for name, content, _said in cases[2:]:
        (tmp_path / name / "runs/20261125T030000Z-audit-1a").mkdir(parents=True)
        (tmp_path / name / "runs/20261125T030000Z-audit-1a/report.json").write_text(content, encoding="ascii")
    run = controller.tasks(
        [
            {
                "name": name,
                "m365.message_encryption.baseline_history": {"directory": str(tmp_path / name)},
                "ignore_errors": True,
            }
            for name, _content, _said in cases
        ]
    )
    for name, content, said in cases:
        assert said.format(tmp_path / name) in run[name]["msg"]
        assert not content or f"{tmp_path / name}/runs/20261125T030000Z-audit-1a/report.json" in run[name]["msg"]
