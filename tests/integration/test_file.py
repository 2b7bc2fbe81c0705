# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans without a tenant: what was captured is what check mode sees, and nothing is written."""

from __future__ import annotations

import functools
import json
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.engine import Engine
from tests.emulator.organization import default_state
from tests.unit.transports.sealing import sealed

from .playbook import Controller, Run
from .tenant import CONNECTION, Tenant, tenant

NAME = "contoso.onmicrosoft.com"
ROLE = "m365.message_encryption.hardened_baseline : "
PLAN = ROLE + "Plan and preflight"
LICENSED = default_state(NAME) | {"advanced_message_encryption": True}
VARIABLES: dict[str, Any] = {
    "hardened_baseline_profile": "restrictive",
    "hardened_baseline_accept": ["IRM-4", "IRM-5", "EAS-1", "POL-1", "POL-2"],
    "hardened_baseline_encrypt_outgoing": {"template": "Encrypt"},
    "hardened_baseline_guarantees": [
        {
            "name": "Partners",
            "when": {"from_scope": "InOrganization", "recipient_domain_is": ["fabrikam.com"]},
            "then": "encrypted",
        }
    ],
}
TASKS: list[dict[str, Any]] = [
    {"message_encryption_info": {}},
    {"ome_configuration": {"social_id_sign_in": False, "portal_text": "Ours"}},
    {"ome_configuration": {"identity": "One week", "external_mail_expiry_in_days": 7}},
    {"irm_configuration": {"simplified_client_access_enabled": True}},
    {"activesync_org_settings": {"default_access_level": "Quarantine"}},
    {"owa_mailbox_policy": {"identity": "*", "irm_enabled": False}},
    {"mobile_device_mailbox_policy": {"identity": "Default", "irm_enabled": False}},
    {"ome_transport_rule": {"name": "New", "actions": {"apply_rights_protection_customization_template": "One week"}}},
    {"ome_transport_rules": {"rules": [{"name": "Old", "enabled": False}]}},
    {"ome_transport_rule_order": {"rules": ["Other", "Old"]}},
    {"ome_transport_rule": {"name": "x", "actions": {"apply_rights_protection_template": "No such template"}}},
    {
        "message_encryption_state": {
            "irm_configuration": {"internal_licensing_enabled": False},
            "transport_rules": [],
            "unmanaged": "remove",
        }
    },
    {
        "mail_flow_test": {
            "messages": [{"name": "Offer", "from": f"alexw@{NAME}", "to": ["ann@fabrikam.com"], "authenticated": True}]
        }
    },
]


def capture(tenant: Tenant) -> Path:
    """The capture that the playbook for snapshots keeps."""
    done = tenant.controller.playbook("m365.message_encryption.snapshot")
    assert done.rc == 0, done.output
    return kept(tenant)


def kept(tenant: Tenant) -> Path:
    (path,) = (tenant.controller.home / "message_encryption/organizations" / tenant.host / "snapshots").glob(
        "capture-*.json"
    )
    return path


def over(path: Path, **variables: Any) -> dict[str, Any]:
    """The variables of a host that is a capture."""
    return {
        "ansible_connection": CONNECTION,
        "ansible_exchange_transport": "file",
        "ansible_exchange_organization": NAME,
        "ansible_exchange_capture_path": str(path),
        **variables,
    }


def elsewhere(home: Path, path: Path) -> Controller:
    """A controller that has a capture, and neither a network nor a credential."""
    home.mkdir()
    return Controller(home, {"exchange_organizations": {"hosts": {"contoso": over(path)}}})


def baseline(controller: Controller, *arguments: str, playbook: str = "baseline", **variables: Any) -> Run:
    return controller.playbook(
        f"m365.message_encryption.{playbook}", *arguments, "-e", json.dumps({**VARIABLES, **variables})
    )


@pytest.fixture(name="captures", scope="module")
def captures_fixture(tmp_path_factory: pytest.TempPathFactory, engine: Engine | None) -> Callable[[str], Path]:
    """The capture of an organization, which is taken once over each wire."""

    @functools.cache
    def taken(wire: str) -> Path:
        home = tmp_path_factory.mktemp(wire)
        with Emulator([LICENSED], directory=home / "emulator", engine=engine) as emulator:
            return capture(tenant(home, emulator, wire))

    return taken


@pytest.fixture(name="captured")
def captured_fixture(captures: Callable[[str], Path], wire: str) -> Path:
    return captures(wire)


def before_playbook(name: str, *tasks: Mapping[str, Any], **play: Any) -> list[dict[str, Any]]:
    """Plays: these tasks, and a playbook of the collection."""
    return [
        {"name": "tasks", "hosts": "exchange_organizations", "gather_facts": False, "tasks": list(tasks), **play},
        {"import_playbook": f"m365.message_encryption.{name}"},
    ]


def busy(tenant: Tenant) -> None:
    """An organization with rules and a policy of its own."""
    tenant.edit(
        "New-TransportRule", Name="Old", SentToScope="NotInOrganization", ApplyRightsProtectionTemplate="Encrypt"
    )
    tenant.edit("New-TransportRule", Name="Other", SubjectContainsWords=["x"], PrependSubject="[x] ")


@pytest.mark.endpoint
@pytest.mark.organizations(LICENSED)
def test_a_pull_request_has_the_plan_of_the_organization(tmp_path: Path, tenant: Tenant) -> None:
    busy(tenant)
    tasks = [
        {
            "name": str(number),
            "ignore_errors": True,
            **{f"m365.message_encryption.{module}": options for module, options in task.items()},
        }
        for number, task in enumerate(TASKS)
    ]
    there = tenant.controller.plays(before_playbook("snapshot", *tasks, check_mode=True), "--diff")
    path = kept(tenant)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    planned = baseline(tenant.controller, "--check", "--diff")
    assert planned.rc == 0, planned.output
    calls = len(tenant.emulator.calls)
    controller = elsewhere(tmp_path / "ci", path)
    variables = {**VARIABLES, "hardened_baseline_test_sender": f"alexw@{NAME}"}
    here = controller.plays(
        before_playbook("baseline", *tasks, check_mode=True), "--check", "--diff", "-e", json.dumps(variables)
    )
    assert here.rc == 0, here.output
    assert len(tenant.emulator.calls) == calls
    # Every module foretells over a capture what it foretells over the wire.
    assert [list(TASKS[int(task.task)]) for task in there.of("tasks") if task.outcome != "ok"] == [
        ["ome_transport_rule"]
    ], there.output
    for mine, theirs in zip(here.of("tasks"), there.of("tasks"), strict=True):
        assert (mine.outcome, mine.result) == (theirs.outcome, theirs.result), TASKS[int(mine.task)]
    for key in ("digest", "changes", "mail", "diff", "organization", "pending"):
        assert here[PLAN][key] == planned[PLAN][key], key
    assert [row["verdict"] for row in here[PLAN]["mail"]["guarantees"]].count("proved") >= 1
    assert here[PLAN]["mail"]["difference"]
    assert (controller.home / "message_encryption/organizations/contoso/snapshots").exists() is False
    (file,) = controller.home.glob("message_encryption/runs/*/contoso/report.json")
    (report,) = json.loads(file.read_text())[0]["organizations"]
    assert report["connection"] == {
        "transport": "file",
        "endpoint": str(path),
        "authentication": "none",
        "client_id": None,
    }
    (tested,) = [control for control in report["controls"] if control["id"] == "VRF-1"]
    assert tested["status"] == "not assessable"
    assert "does not contain this read" in tested["findings"][0]
    # What was planned without a tenant is approved there, and applied over the wire as long as nothing has moved.
    applied = baseline(tenant.controller, hardened_baseline_approved_plan=here[PLAN]["digest"])
    assert applied.rc == 0, applied.output
    assert baseline(tenant.controller, "--check").changed == []


def test_nothing_is_written_over_a_capture(tmp_path: Path, captured: Path) -> None:
    controller = elsewhere(tmp_path / "ci", captured)
    write = {
        "name": "write",
        "m365.message_encryption.irm_configuration": {"simplified_client_access_enabled": True},
        "ignore_errors": True,
    }
    run = controller.plays(before_playbook("audit", write), "-e", json.dumps(VARIABLES))
    assert run.rc == 0, run.output
    assert run[PLAN]["pending"] is True
    assert run.task("write").outcome == "failed"
    assert "Set-IRMConfiguration: ansible_exchange_transport is file" in run["write"]["msg"]
    assert (run["write"]["changed"], run["write"]["commands"], run["write"]["outcome_unknown"]) == (False, [], [])
    assert len(run["write"]["not_applied"]) == 1
    for playbook in ("baseline", "snapshot"):
        run = baseline(controller, playbook=playbook)
        assert run.rc == 2, run.output
        assert "- session: ansible_exchange_transport is file, and a capture can only be read" in run[PLAN]["msg"]
    assert list(controller.home.glob("message_encryption/organizations/*/snapshots")) == []


def test_what_the_capture_lacks_is_not_assessable(tmp_path: Path, captured: Path) -> None:
    lacking = {"Get-OwaMailboxPolicy", "Get-OMEConfiguration", "Get-AcceptedDomain"}
    document = json.loads(captured.read_text())[0]
    reads = [read for read in document["reads"] if read["cmdlet"] not in lacking]
    poor = tmp_path / "poor.json"
    poor.write_text(json.dumps([sealed({**document, "reads": reads}), "not variables"]))
    info = {"name": "all", "m365.message_encryption.message_encryption_info": {}}
    run = elsewhere(tmp_path / "ci", poor).plays(before_playbook("audit", info), "-e", json.dumps(VARIABLES))
    assert run.rc == 0, run.output
    (file,) = (tmp_path / "ci").glob("message_encryption/runs/*/contoso/report.json")
    (report,) = json.loads(file.read_text())[0]["organizations"]
    statuses = {control["id"]: control["status"] for control in report["controls"]}
    assert {statuses[id_] for id_ in ("OME-1", "OME-2", "OME-4", "POL-1", "MFR-1")} == {"not assessable"}
    assert statuses["IRM-1"] == "not met"
    assert set(run["all"]["unavailable"]) == {"owa_mailbox_policies", "ome_configurations", "accepted_domains"}
    assert "does not contain this read, so its result is unknown" in run["all"]["unavailable"]["ome_configurations"]


def test_a_capture_of_another_organization_an_old_or_a_changed_one_is_refused_by_name(
    tmp_path: Path, captured: Path
) -> None:
    document = json.loads(captured.read_text())[0]
    old = tmp_path / "old.json"
    old.write_text(json.dumps([sealed({**document, "captured_at": "2026-01-01T00:00:00Z"}), "not variables"]))
    changed = tmp_path / "changed.json"
    changed.write_text(captured.read_text().replace("contoso", "fabrikam"))
    wrong: dict[str, tuple[Path, dict[str, Any], str]] = {
        "another": (
            captured,
            {"ansible_exchange_organization": "fabrikam.onmicrosoft.com"},
            f"the session is in the organization {NAME}",
        ),
        "changed": (changed, {}, "does not match its own digest"),
        "old": (old, {"ansible_exchange_capture_max_age": 7}, "the maximum is 7"),
        "missing": (tmp_path / "nowhere.json", {}, "nowhere.json cannot be read"),
    }
    hosts = {host: over(file, **variables) for host, (file, variables, _said) in wrong.items()}
    hosts["warned"] = over(old)
    run = baseline(Controller(tmp_path, {"exchange_organizations": {"hosts": hosts}}), "--check")
    for host, (_file, _variables, said) in wrong.items():
        assert run.task(PLAN, host).outcome == "failed", run.output
        assert said in run.task(PLAN, host).result["msg"]
    assert run.task(PLAN, "warned").outcome == "ok", run.output
    assert f"The capture {old} of {NAME} is" in run.stderr.replace("\n", " ")
