# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks by their names, from the installed artifact: check, apply, again, audit, rollback."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import re
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.emulator.emulator import Emulator
from tests.tapped import TappedProgram

from .playbook import Controller, Run
from .tenant import Tenant, inventory

PREFIX = "m365.message_encryption."
ROLE = "m365.message_encryption.hardened_baseline : "
VOLATILE = {"WhenChanged", "WhenCreated", "Guid"}
THREE = ("a.onmicrosoft.com", "b.onmicrosoft.com", "c.onmicrosoft.com")


def lasting(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: lasting(value) for key, value in state.items() if key not in VOLATILE}
    return [lasting(value) for value in state] if isinstance(state, list) else state


def play(controller: Controller, playbook: str, *arguments: str, rc: int = 0, **variables: Any) -> Run:
    extra = ["-e", json.dumps({f"hardened_baseline_{name}": value for name, value in variables.items()})] if variables else []
    run = controller.playbook(PREFIX + playbook, *arguments, *extra)
    assert run.rc == rc, run.output
    return run


def artifacts(controller: Controller) -> Path:
    return controller.home / "message_encryption"


def newest(controller: Controller, procedure: str = "") -> Path:
    """The folder of the newest run, of a procedure where one is named."""
    name = (artifacts(controller) / f"latest{'-' if procedure else ''}{procedure}").read_text(encoding="ascii").strip()
    return artifacts(controller) / "runs" / name


def report(controller: Controller, host: str = "", procedure: str = "") -> dict[str, Any]:
    document: dict[str, Any]
    document, _mark = json.loads((newest(controller, procedure) / host / "report.json").read_text())
    return document


def statuses(controller: Controller) -> dict[str, str]:
    return {organization["host"]: organization["status"] for organization in report(controller)["organizations"]}


#: The tasks of a run that has nothing to write, in their order. Three are of each organization: its plan, its writing and its ring.
CONVERGED = [
    "Find the organizations",
    "Plan and preflight",
    "Publish the snapshots",
    "Apply the plan",
    "Judge the ring",
    "Report on the run",
    "Show the location of the report",
    "Publish the report",
]


def round_trips(tenant: Tenant) -> int:
    """The round trips since this was asked the last time, with those of the session's end, which the playbook does not wait for."""
    deadline = time.monotonic() + 30
    while (tenant.emulator.sessions["shells"] or tenant.emulator.own_processes.living) and time.monotonic() < deadline:
        time.sleep(0.05)
    count = tenant.emulator.round_trips
    tenant.emulator.service.ledger.reset()
    return count


@pytest.mark.endpoint
def test_the_whole_job(tenant: Tenant, wire: str) -> None:
    first = lasting(tenant.state())
    check = play(tenant.controller, "baseline", "--check", "--diff")
    assert lasting(tenant.state()) == first
    assert "-    social_id_sign_in: true" in check.stdout
    plan, _mark = json.loads((newest(tenant.controller) / tenant.host / "plan.json").read_text())
    assert plan["digest"] == check[ROLE + "Plan and preflight"]["digest"]

    play(tenant.controller, "baseline", approved_plan=plan["digest"], change_reference="CHG 7")
    state = tenant.state()
    assert state["ome_configurations"][0]["SocialIdSignIn"] is False
    assert state["irm_configuration"]["AzureRMSLicensingEnabled"] is True
    found = report(tenant.controller, tenant.host)
    assert (found["kind"], found["change_reference"], found["organizations"][0]["status"]) == ("apply", "CHG 7", "changed")
    assert {change["state"] for change in found["organizations"][0]["changes"]} == {"stored"}

    # Where the session itself connects to Exchange, opening and ending that counts, too. In a process of its own the module makes one for each cmdlet.
    reads = {"rest": 1, "psrp": 3, "engine": 3, "endpoint": 1, "powershell": 12}[wire]
    round_trips(tenant)
    again = play(tenant.controller, "baseline")
    assert again.changed == []
    assert round_trips(tenant) == reads
    # Each task costs a fork for each organization.
    assert [result.task.removeprefix(ROLE) for result in again] == CONVERGED
    # What AWX hands over to later jobs is as large for a thousand organizations as for one.
    stats = again[ROLE + "Report on the run"]["ansible_stats"]["data"]["hardened_baseline"]
    assert set(stats) == {"counts", "digest", "report", "run"}
    assert stats["counts"] == {"met": 1}
    assert statuses(tenant.controller) == {tenant.host: "met"}

    audit = play(tenant.controller, "audit", fail_on_drift=True)
    assert audit.changed == []
    # For what the organization does today it reads more, which over rest is one request more, beside the first, and for the module one for each cmdlet.
    assert round_trips(tenant) == reads + {"rest": 1, "powershell": 3}.get(wire, 0)

    play(tenant.controller, "rollback")
    assert lasting(tenant.state()) == first
    assert play(tenant.controller, "rollback").changed == []


@pytest.mark.endpoint
def test_a_first_apply_with_a_new_rule_is_five_round_trips(tenant: Tenant, wire: str, tmp_path: Path) -> None:
    """Two reads for the plan, one before the first write, the settings, and the rule with all that verifies them.

    Over rest, the first read is two requests side by side. Opening and ending a session that connects are two more, and where
    a process of its own loads the module first, three.
    """
    round_trips(tenant)
    options, tapped = ["-e", "ansible_exchange_read_reuse=120"], None
    if wire == "powershell":
        tapped = TappedProgram(tenant.emulator.describe()["powershell_path"], tmp_path)
        options += ["-e", f"ansible_exchange_powershell_path={tapped.path}"]
    play(tenant.controller, "baseline", *options, encrypt_outgoing=True)
    applied = [entry.cmdlet for entry in tenant.emulator.calls if entry.applied]
    assert sorted(applied[:2]) == ["Set-IRMConfiguration", "Set-OMEConfiguration"]
    assert applied[2:] == ["New-TransportRule"]
    counted = round_trips(tenant)
    trips = tapped.pipelines if tapped else counted
    assert trips == {"rest": 5 + 1, "psrp": 5 + 2, "engine": 5 + 2, "endpoint": 5, "powershell": 5 + 3}[wire]


def test_artifacts_are_whole_and_private(tenant: Tenant) -> None:
    play(tenant.controller, "baseline")
    assert all(stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600) for path in artifacts(tenant.controller).rglob("*"))
    run = newest(tenant.controller)
    for folder in (run, run / tenant.host):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for line in (folder / "SHA256SUMS").read_text().splitlines():
            digest, name = line.split("  ")
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert {"report.html", "report.json", "report.jsonl", "report.csv", "junit.xml"} <= set(os.listdir(folder))
    # Every form says which run it is of.
    assert report(tenant.controller)["run"] == run.name
    assert all(row["run"] == run.name for row in csv.DictReader((run / "report.csv").read_text(encoding="utf-8-sig").splitlines()))
    lines = [json.loads(line) for line in (run / "report.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(isinstance(line, list) and line[0]["run"] == run.name for line in lines)


def test_no_run_writes_over_another(tenant: Tenant) -> None:
    kept: dict[Path, bytes] = {}
    for procedure, arguments in (("baseline", ["--check"]), ("baseline", []), ("audit", []), ("snapshot", []), ("rollback", [])):
        play(tenant.controller, procedure, *arguments)
        assert {path: path.read_bytes() for path in kept} == kept
        evidence = [path for path in artifacts(tenant.controller).rglob("*") if path.is_file() and not path.name.startswith("latest")]
        kept = {path: path.read_bytes() for path in evidence}
    assert report(tenant.controller, procedure="baseline")["kind"] == "apply"
    assert report(tenant.controller, procedure="audit")["kind"] == "audit"
    assert report(tenant.controller)["kind"] == "rollback"
    assert len(list((artifacts(tenant.controller) / "runs").iterdir())) == 5
    # What the tasks of a run keep for each other went with it.
    assert not [path for path in artifacts(tenant.controller).rglob("*") if path.name.startswith(".")]


def test_old_runs_go_where_only_some_are_to_be_kept(tenant: Tenant) -> None:
    for words in (["a"], ["b"], ["c"]):
        play(tenant.controller, "baseline", keep_runs=2, encrypt_outgoing={"exceptions": {"subject_contains_words": words}})
    assert len(list((artifacts(tenant.controller) / "runs").iterdir())) == 2
    assert len(list(artifacts(tenant.controller).rglob("snapshot-*.json"))) == 2
    play(tenant.controller, "rollback")
    (rule,) = tenant.state()["transport_rules"]
    assert rule["ExceptIfSubjectContainsWords"] == ["b"]


def included(entry: str = "main", name: str = "role") -> dict[str, Any]:
    return {"name": name, "ansible.builtin.include_role": {"name": "m365.message_encryption.hardened_baseline", "tasks_from": entry}}


def test_check_mode_of_a_play_is_check_mode(tenant: Tenant) -> None:
    first = lasting(tenant.state())
    run = tenant.controller.tasks([included()], play={"check_mode": True})
    assert run.rc == 0, run.output
    assert lasting(tenant.state()) == first
    found = report(tenant.controller, tenant.host)
    assert (found["kind"], found["organizations"][0]["status"]) == ("check", "drift")
    assert {change["state"] for change in found["organizations"][0]["changes"]} == {"planned"}
    assert not list(artifacts(tenant.controller).rglob("snapshot-*"))


def test_what_failed_before_is_no_failure_of_what_comes_after(tenant: Tenant) -> None:
    """A play that audits where the baseline has failed."""
    tenant.emulator.organizations[tenant.organization].patch({"ignored_parameters": ["Set-OMEConfiguration -SocialIdSignIn"]})
    run = tenant.controller.tasks([{"name": "try", "block": [included()], "rescue": [included("audit", "look")]}], "-e", "hardened_baseline_verify_timeout=2")
    assert run.rc == 0, run.output
    found = report(tenant.controller, tenant.host)
    assert (found["kind"], found["organizations"][0]["status"], found["organizations"][0]["message"]) == ("audit", "drift", "")


def test_a_rollback_does_not_need_what_only_an_apply_needs(tenant: Tenant) -> None:
    first = lasting(tenant.state())
    play(tenant.controller, "baseline")
    play(tenant.controller, "rollback", approved_plan="plans/{{ change_number }}.json")
    assert lasting(tenant.state()) == first


def test_drift_fails_an_audit_that_is_told_so(tenant: Tenant) -> None:
    play(tenant.controller, "audit")
    before = tenant.state()
    run = play(tenant.controller, "audit", rc=2, fail_on_drift=True)
    assert "does not meet the baseline" in run.output
    assert tenant.state() == before
    assert statuses(tenant.controller) == {tenant.host: "drift"}


def last_lines(run: Run) -> list[str]:
    """What a run says at its end."""
    lines: list[str] = run[ROLE + "Show the location of the report"]["msg"]
    return lines


def test_the_terminal_says_what_happened(tenant: Tenant) -> None:
    host, wishes = tenant.host, {"encrypt_outgoing": True}
    check = play(tenant.controller, "baseline", "--check", "--diff", **wishes)
    # The diff says whose it is.
    assert f"--- before: {host}" in check.stdout
    assert last_lines(check)[0].startswith(f"{host}: would change: ")
    assert "IRM-3 encrypt_button false -> true" in last_lines(check)[0]
    assert "MFR-1 'Encrypt all outgoing mail' created" in last_lines(check)[0]
    assert last_lines(check)[1].startswith("1 organization: 1 would change. Report: ")

    audit = play(tenant.controller, "audit", "--diff", **wishes)
    assert f"--- {host}: current" in audit.stdout
    assert "-    social_id_sign_in: true" in audit.stdout
    assert last_lines(audit)[0].startswith(f"{host}: drift: ")
    assert last_lines(audit)[1] == "  Encrypts: no mail flow rule"
    assert "1 organization: 1 drifted." in last_lines(audit)[-1]
    assert audit.changed == []

    apply = play(tenant.controller, "baseline", **wishes)
    (link,) = (artifacts(tenant.controller) / "organizations" / host / "snapshots").glob("snapshot-*.json")
    assert last_lines(apply)[0].startswith(f"{host}: ")
    assert "IRM-3 encrypt_button false -> true" in last_lines(apply)[0]
    assert re.search(rf"; snapshot {re.escape(str(link))} \(\d+ of 17 controls looked at\)$", last_lines(apply)[0])
    assert "1 organization: 1 changed." in last_lines(apply)[1]

    again = play(tenant.controller, "baseline", **wishes)
    assert re.fullmatch(rf"{host}: as wanted \(\d+ of 17 controls looked at\)", last_lines(again)[0])

    taken = play(tenant.controller, "snapshot")
    assert last_lines(taken)[0].startswith(f"{host}: snapshot /")
    back = play(tenant.controller, "rollback", rollback_snapshot=link.name)
    assert f"[{host}] Goes back to {link.name} of " in back.stdout
    snapshot, _mark = json.loads(link.read_text())
    assert f"taken by the run {snapshot['run']}" in back.stdout


def test_a_misspelt_tag_is_refused(tenant: Tenant) -> None:
    for option in ("--tags", "--skip-tags"):
        run = play(tenant.controller, "baseline", option, "OME1", rc=2)
        assert "The tag 'OME1' is not a control. Did you mean OME-1?" in run.output
        assert "The tag 'quick' is not a control." in play(tenant.controller, "audit", option, "quick", rc=2).output
    assert "takes an organization as a whole" in play(tenant.controller, "rollback", "--tags", "OME-1", rc=2).output
    assert [call.cmdlet for call in tenant.emulator.calls if call.applied] == []
    play(tenant.controller, "baseline", "--tags", "ome-1,always")
    assert [call.cmdlet for call in tenant.emulator.calls if call.applied] == ["Set-OMEConfiguration"]
    # In a play of one's own other tags mean something.
    own = tenant.controller.tasks([{**included("audit"), "tags": ["always"]}], "--tags", "quick")
    assert own.rc == 0, own.output
    assert tenant.controller.tasks([{**included("audit"), "tags": ["always"]}], "--tags", "OME1").rc == 2


def test_a_refusal_is_one_list_and_a_report(tenant: Tenant) -> None:
    before = tenant.state()
    run = play(tenant.controller, "baseline", rc=2, one_time_passcode=False, pdf_encryption=True)
    for line in ("hardened_baseline_accept: [work_accounts_only]", "hardened_baseline_accept: [IRM-5]"):
        assert line in run.output
    assert tenant.state() == before
    assert statuses(tenant.controller) == {tenant.host: "refused"}


def test_tags_are_controls(tenant: Tenant) -> None:
    play(tenant.controller, "baseline", "--tags", "OME-1")
    assert [call.cmdlet for call in tenant.emulator.calls if call.applied] == ["Set-OMEConfiguration"]
    play(tenant.controller, "baseline", "--skip-tags", "IRM-3")
    assert tenant.state()["irm_configuration"]["SimplifiedClientAccessEnabled"] is False
    assert tenant.state()["irm_configuration"]["AzureRMSLicensingEnabled"] is True


def test_the_test_of_rights_management_is_a_control(tenant: Tenant) -> None:
    play(tenant.controller, "baseline", test_sender=f"AlexW@{tenant.organization}")
    (vrf,) = [control for control in report(tenant.controller)["organizations"][0]["controls"] if control["id"] == "VRF-1"]
    assert vrf["status"] == "met"
    tenant.emulator.organizations[tenant.organization].patch({"irm_test_failure": "encryption"})
    play(tenant.controller, "audit", rc=2, test_sender=f"AlexW@{tenant.organization}", fail_on_drift=True)
    (vrf,) = [control for control in report(tenant.controller)["organizations"][0]["controls"] if control["id"] == "VRF-1"]
    assert vrf["status"] == "not met"


def test_a_change_after_which_the_test_does_not_pass_is_a_failure(tenant: Tenant) -> None:
    tenant.emulator.organizations[tenant.organization].patch({"irm_test_failure": "encryption"})
    run = play(tenant.controller, "baseline", rc=2, test_sender=f"AlexW@{tenant.organization}", test_timeout=0)
    assert "Everything is stored, but the test of rights management does not pass" in run.output
    assert run[ROLE + "Apply the plan"]["changed"]
    assert statuses(tenant.controller) == {tenant.host: "failed"}
    # Nothing is written now, so that it is drift, and a check says so without failing.
    play(tenant.controller, "baseline", test_sender=f"AlexW@{tenant.organization}", test_timeout=0)
    assert statuses(tenant.controller) == {tenant.host: "drift"}


def test_switching_off_and_back(tenant: Tenant) -> None:
    play(tenant.controller, "baseline", encrypt_outgoing={"template": "Encrypt"})
    before = lasting(tenant.state())
    play(tenant.controller, "disable_message_encryption", rc=2)
    assert lasting(tenant.state()) == before
    play(tenant.controller, "disable_message_encryption", confirm_disable=tenant.organization, settle_minutes=0)
    assert tenant.state()["transport_rules"] == []
    assert tenant.state()["irm_configuration"]["AzureRMSLicensingEnabled"] is False
    play(tenant.controller, "rollback")
    assert lasting(tenant.state()) == before


def test_an_inventory_without_organizations_fails(tmp_path: Path) -> None:
    controller = Controller(tmp_path, {"all": {"hosts": {"here": {"ansible_connection": "local"}}}})
    for playbook in ("baseline", "audit", "snapshot", "rollback", "disable_message_encryption"):
        assert "matches exchange_organizations" in play(controller, playbook, rc=2).output


@pytest.mark.parametrize("variable", ["hardened_baseline_nonsense", "hardened_baseline_profile"])
def test_a_wrong_variable_is_named(tenant: Tenant, variable: str) -> None:
    run = play(tenant.controller, "baseline", rc=2, **{variable.removeprefix("hardened_baseline_"): "nonsense"})
    assert variable in run.output
    assert tenant.emulator.round_trips == 0


def _workers(inventory_file: str) -> list[int]:
    """The workers of the playbook with this inventory: its children, which have its command line."""
    commands, parents = {}, {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            commands[int(process.name)] = inventory_file.encode() in (process / "cmdline").read_bytes().split(b"\0")
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    return [pid for pid, ours in commands.items() if ours and commands.get(parents[pid])]


@pytest.mark.organizations(*THREE)
class TestSeveral:
    """Several organizations, over REST."""

    @pytest.fixture(name="controller")
    def controller_fixture(self, tmp_path: Path, emulator: Emulator) -> Controller:
        home = tmp_path / "several"
        home.mkdir()
        return Controller(home, inventory(emulator, "rest"))

    def test_a_broken_one_stops_no_audit(self, controller: Controller, emulator: Emulator) -> None:
        emulator.applications["b.onmicrosoft.com"].app_role = False
        play(controller, "audit", rc=2)
        assert statuses(controller) == {"a": "drift", "b": "not assessable", "c": "drift"}

    def test_a_wrong_secret_for_all_still_leaves_a_report(self, controller: Controller, emulator: Emulator) -> None:
        for application in emulator.applications.values():
            application.app_role = False
        play(controller, "audit", rc=2)
        assert statuses(controller) == dict.fromkeys("abc", "not assessable")
        assert (newest(controller) / "report.html").exists()

    def test_the_first_that_fails_stops_the_next_ring(self, controller: Controller, emulator: Emulator) -> None:
        emulator.organizations["b.onmicrosoft.com"].patch({"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}})
        play(controller, "baseline", rc=2, rings=[1, 1, "100%"])
        assert statuses(controller) == {"a": "changed", "b": "refused", "c": "not assessable"}
        assert {call.organization for call in emulator.calls} == {"a.onmicrosoft.com", "b.onmicrosoft.com"}

    @pytest.mark.parametrize("wrong", ["test", "message", "refused", "unreachable"])
    def test_a_ring_that_failed_goes_back_as_a_whole(self, controller: Controller, emulator: Emulator, wrong: str) -> None:
        """Rings of two and one: the second organization fails, each time in another way."""
        b = emulator.organizations["b.onmicrosoft.com"]
        before = {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()}
        wishes: dict[str, Any] = {"encrypt_outgoing": True, "rings": [2, "100%"], "ring_rollback": True}
        if wrong == "test":
            b.patch({"irm_test_failure": "encryption"})
            wishes |= {"test_sender": "{{ 'alexw@b.onmicrosoft.com' if inventory_hostname == 'b' else '' }}", "test_timeout": 0}
        elif wrong == "message":
            there = "{{ 'template:Nothing' if inventory_hostname == 'b' else 'encrypt' }}"
            message = {
                "name": "Outside",
                "from": "x@{{ inventory_hostname }}.onmicrosoft.com",
                "authenticated": True,
                "to": ["y@example.org"],
                "expect": {"y@example.org": {"protection": there}},
            }
            wishes["messages"] = [message]
        elif wrong == "refused":
            b.patch({"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}})
        else:
            emulator.applications["b.onmicrosoft.com"].app_role = False
        expected = {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()}
        run = play(controller, "baseline", rc=2, **wishes)
        assert {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()} == expected, run.output
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert "an organization of the same ring failed: b" in found["a"]["message"]
        assert (found["c"]["status"], found["c"]["applied"]) == ("refused", 0)
        assert "an earlier ring failed: b" in found["c"]["message"]
        assert {call.organization for call in emulator.calls} <= {"a.onmicrosoft.com", "b.onmicrosoft.com"}
        assert before["c.onmicrosoft.com"] == expected["c.onmicrosoft.com"]
        # Nothing is left to roll back.
        play(controller, "rollback", "--limit", "a")
        assert lasting(emulator.organizations["a.onmicrosoft.com"].dump()) == expected["a.onmicrosoft.com"]

    @pytest.mark.parametrize("forks", ["1", "5"])
    def test_the_first_of_a_ring_fails_before_the_others_plan(self, controller: Controller, emulator: Emulator, forks: str) -> None:
        """With one fork, core has taken it out of the ring by then."""
        emulator.organizations["a.onmicrosoft.com"].patch({"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}})
        before = {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()}
        play(controller, "baseline", "--forks", forks, rc=2, encrypt_outgoing=True, rings=[2, "100%"], ring_rollback=True)
        assert {name: lasting(organization.dump()) for name, organization in emulator.organizations.items()} == before
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert [found[host]["status"] for host in "abc"] == ["refused", "failed", "refused"]
        assert "an organization of the same ring failed: a" in found["b"]["message"]
        assert {call.organization for call in emulator.calls} == {"a.onmicrosoft.com", "b.onmicrosoft.com"}

    def test_a_task_that_is_cut_off_while_it_writes(self, controller: Controller, emulator: Emulator) -> None:
        """Core makes a failure of it, of which the collection's own code hears nothing."""
        emulator.faults.set([{"kind": "slow", "seconds": 30, "cmdlet": "Set-*", "organization": "b.onmicrosoft.com"}])
        before = lasting(emulator.organizations["a.onmicrosoft.com"].dump())
        role = {**included(), "ansible.builtin.include_role": {"name": "m365.message_encryption.hardened_baseline", "apply": {"timeout": 8}}}
        run = controller.tasks([role], "-e", "hardened_baseline_ring_rollback=true")
        assert run.rc == 2, run.output
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert [found[host]["status"] for host in "abc"] == ["failed"] * 3
        assert "What it wrote may be incomplete, and it was not rolled back. The snapshot is" in found["b"]["message"]
        assert "an organization of the same ring failed: b" in found["a"]["message"]
        assert lasting(emulator.organizations["a.onmicrosoft.com"].dump()) == before
        emulator.faults.set([])
        play(controller, "audit", "--limit", "b")
        (again,) = report(controller)["organizations"]
        assert again["warnings"][0].startswith(f"The run {newest(controller, 'baseline').name} was cut off while it wrote to b.")

    def test_a_worker_that_is_killed_while_it_writes(self, controller: Controller, emulator: Emulator) -> None:
        """Core ends the playbook, so the next run says it."""
        emulator.faults.set([{"kind": "slow", "seconds": 30, "cmdlet": "Set-*", "organization": "a.onmicrosoft.com"}])
        with ThreadPoolExecutor() as pool:
            done = pool.submit(controller.playbook, PREFIX + "baseline", "-e", '{"hardened_baseline_rings": [1, "100%"]}')
            until = time.monotonic() + 60
            while not emulator.faults.struck and time.monotonic() < until:
                time.sleep(0.05)
            for worker in _workers(str(controller.inventory)):
                os.kill(worker, signal.SIGKILL)
            run = done.result()
        assert run.rc not in (0, 2), run.output
        assert "A worker was found in a dead state" in run.output
        assert {call.organization for call in emulator.calls} == {"a.onmicrosoft.com"}
        emulator.faults.set([])
        play(controller, "audit")
        warnings = {organization["host"]: organization["warnings"] for organization in report(controller)["organizations"]}
        assert "was cut off while it wrote to a. What it wrote may be incomplete, and it was not rolled back." in warnings["a"][0]
        assert (warnings["b"], warnings["c"]) == ([], [])

    def test_a_ring_is_published_once_before_its_first_write_and_once_at_its_end(self, controller: Controller, emulator: Emulator, tmp_path: Path) -> None:
        log = tmp_path / "log"
        publisher = tmp_path / "publish.yml"
        count = f"ls {artifacts(controller)}/organizations/*/snapshots | grep -c ^snapshot >> {log} || true"
        task = {"ansible.builtin.shell": count, "delegate_to": "localhost", "vars": {"ansible_connection": "local"}}
        publisher.write_text(yaml.safe_dump([{"name": "Count the snapshots", **task}]))
        play(controller, "baseline", rings=[1, "100%"], artifacts_publish=str(publisher))
        # Both rings: with all snapshots of the ring and none of the next one.
        assert log.read_text().split() == ["1", "1", "3", "3"]
        play(controller, "baseline", rings=[1, "100%"], artifacts_publish=str(publisher))
        assert log.read_text().split() == ["1", "1", "3", "3", "3", "3"]
        play(controller, "audit", artifacts_publish=str(publisher))
        assert log.read_text().split() == ["1", "1", "3", "3", "3", "3", "3"]

    def test_a_push_that_fails_leaves_a_report_of_the_run(self, controller: Controller, emulator: Emulator) -> None:
        """The role's own task file, in a directory that is no repository."""
        run = play(controller, "baseline", rc=2, rings=["100%"], artifacts_publish="publish_git.yml")
        assert "not a git repository" in run.output
        assert [call.cmdlet for call in emulator.calls if call.applied] == []
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert [found[host]["applied"] for host in "abc"] == [0, 0, 0]
        assert {organization["status"] for organization in found.values()} <= {"failed", "refused"}

    @pytest.mark.parametrize("publisher", [[{"name": "Fail", "ansible.builtin.fail": {"msg": "The store is full."}}], None])
    def test_without_a_publication_no_organization_of_the_ring_is_written_to(
        self, controller: Controller, emulator: Emulator, tmp_path: Path, publisher: list[Any] | None
    ) -> None:
        file = tmp_path / "publish.yml"
        if publisher:
            file.write_text(yaml.safe_dump(publisher))
        run = play(controller, "baseline", rc=2, rings=["100%"], artifacts_publish=str(file))
        assert "The store is full." in run.output if publisher else str(file) in run.output
        assert [call.cmdlet for call in emulator.calls if call.applied] == []
        if publisher is None:  # It is refused with the plan.
            assert {path.parent.name for path in artifacts(controller).glob("runs/*/*/report.json")} == set("abc")
            return
        found = {organization["host"]: organization for organization in report(controller)["organizations"]}
        assert [(found[host]["status"], found[host]["applied"]) for host in "abc"] == [("failed", 0), ("refused", 0), ("refused", 0)]
        assert found["a"]["message"] == "Nothing was written, because the run ended after the plan."
        assert all("The snapshots of the ring were not published, so nothing was written." in found[host]["message"] for host in "bc")
        assert {path.parent.name for path in artifacts(controller).glob("runs/*/*/report.json")} == set("abc")

    def test_no_screen_shows_a_task_that_is_skipped(self, controller: Controller) -> None:
        for playbook, arguments in (("audit", []), ("baseline", ["--check"]), ("baseline", []), ("baseline", []), ("rollback", ["--check"]), ("rollback", [])):
            run = play(controller, playbook, *arguments, confirm_rollback=["a", "b", "c"])
            assert [result for result in run if result.outcome == "skipped"] == []
            assert "skipping" not in run.stdout

    def test_a_check_takes_all_at_once(self, controller: Controller, emulator: Emulator) -> None:
        emulator.organizations["a.onmicrosoft.com"].patch({"irm_configuration": {"LicensingLocation": ["https://rms.contoso.com/_wmcs/licensing"]}})
        play(controller, "baseline", "--check", rc=2)
        assert statuses(controller) == {"a": "refused", "b": "drift", "c": "drift"}
