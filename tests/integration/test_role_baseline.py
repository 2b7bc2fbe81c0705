# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks by their names, from the installed artifact: check, apply, again, audit, rollback."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.tapped import TappedProgram

from .playbook import Controller, Run
from .role import PREFIX, ROLE, artifacts, included, newest, play, report, statuses
from .tenant import MADE_ANEW, Tenant, lasting

#: The tasks of a run that has nothing to write, in their order. Two are of each organization: its plan, and its
#: writing.
CONVERGED = ["Plan and preflight", "Apply the plan", "Report on the run"]


def round_trips(tenant: Tenant) -> int:
    """The round trips since this was asked the last time, with those of the session's end, which the playbook does not
    wait for.
    """
    deadline = time.monotonic() + 120
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
    # The diff says whose it is.
    assert f"--- before: {tenant.host}" in check.stdout
    assert last_lines(check)[0].startswith(f"{tenant.host}: would change: ")
    assert "IRM-3 encrypt_button false -> true" in last_lines(check)[0]
    assert last_lines(check)[-1].startswith("1 organization: 1 would change. Report: ")
    path = newest(tenant.controller) / tenant.host / "plan.json"
    planned = path.read_text()
    plan, _mark = json.loads(planned)
    assert plan["digest"] == check[ROLE + "Plan and preflight"]["digest"]

    play(tenant.controller, "baseline", approved_plan=plan["digest"], change_reference="CHG 7")
    state = tenant.state()
    assert state["ome_configurations"][0]["SocialIdSignIn"] is False
    assert state["irm_configuration"]["AzureRMSLicensingEnabled"] is True
    found = report(tenant.controller, tenant.host)
    assert (found["kind"], found["change_reference"], found["organizations"][0]["status"]) == (
        "apply",
        "CHG 7",
        "changed",
    )
    assert {change["state"] for change in found["organizations"][0]["changes"]} == {"stored"}

    # Where the session itself connects to Exchange, opening and ending that counts, too. In a process of its own the
    # module makes one for each cmdlet.
    reads = {"rest": 1, "psrp": 3, "engine": 3, "endpoint": 1, "powershell": 12}[wire]
    round_trips(tenant)
    again = play(tenant.controller, "baseline")
    assert again.changed == []
    assert round_trips(tenant) == reads
    assert re.fullmatch(rf"{tenant.host}: as wanted \(\d+ of 19 controls looked at\)", last_lines(again)[0])
    assert path.read_text() == planned
    # Each task costs a fork for each organization.
    assert [result.task.removeprefix(ROLE) for result in again] == CONVERGED
    # What AWX hands over to later jobs is as large for a thousand organizations as for one.
    stats = again[ROLE + "Report on the run"]["ansible_stats"]["data"]["hardened_baseline"]
    assert set(stats) == {"attention", "counts", "digest", "report", "run"}
    assert (stats["counts"], stats["attention"]) == ({"met": 1}, [])
    assert statuses(tenant.controller) == {tenant.host: "met"}

    audit = play(tenant.controller, "audit", fail_on_drift=True)
    assert audit.changed == []
    # For what the organization does today it reads more, which over rest is one request more, beside the first, and for
    # the module one for each of eight cmdlets. A shell's second session, for the compliance endpoint, is refused once.
    assert round_trips(tenant) == reads + {"rest": 1, "psrp": 1, "engine": 1, "endpoint": 0, "powershell": 9}[wire]

    # A rollback does not need what only an apply needs.
    play(tenant.controller, "rollback", accept=["encryption_off"], approved_plan="plans/{{ change_number }}.json")
    assert lasting(tenant.state()) == first
    assert play(tenant.controller, "rollback", accept=["encryption_off"]).changed == []


@pytest.mark.wires("rest", "psrp", "powershell")
@pytest.mark.endpoint
def test_a_first_apply_with_a_new_rule_is_five_round_trips(tenant: Tenant, wire: str, tmp_path: Path) -> None:
    """Two reads for the plan, one before the first write, the settings, and the rule with all that verifies them.

    Over rest, the first read and the one before the first write are two requests side by side. Opening and ending a
    session that connects are two more, and where a process of its own loads the module first, three. The compliance
    endpoint is not granted: a shell's second session is refused, once.
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
    assert trips == {"rest": 5 + 2, "psrp": 5 + 3, "engine": 5 + 3, "endpoint": 5, "powershell": 5 + 5}[wire]


def test_old_runs_go_where_only_some_are_to_be_kept(tenant: Tenant) -> None:
    plays = [
        {
            "ansible.builtin.import_playbook": PREFIX + "baseline",
            "vars": {
                "hardened_baseline_encrypt_outgoing": {"exceptions": {"subject_contains_words": [word]}},
                "hardened_baseline_accept": ["weakened_mail"],
            },
        }
        for word in "abc"
    ]
    run = tenant.controller.plays(plays, "-e", '{"hardened_baseline_keep_runs": 2}')
    assert run.rc == 0, run.output
    assert len(list((artifacts(tenant.controller) / "runs").iterdir())) == 2
    assert len(list(artifacts(tenant.controller).rglob("snapshot-*.json"))) == 2
    play(tenant.controller, "rollback", accept=["encryption_off"])
    (rule,) = tenant.state()["transport_rules"]
    assert rule["ExceptIfSubjectContainsWords"] == ["b"]


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
    tenant.emulator.organizations[tenant.organization].patch(
        {"ignored_parameters": ["Set-OMEConfiguration -SocialIdSignIn"]}
    )
    run = tenant.controller.tasks(
        [{"name": "try", "block": [included()], "rescue": [included("audit", "look")]}],
        "-e",
        "hardened_baseline_verify_timeout=2",
    )
    assert run.rc == 0, run.output
    found = report(tenant.controller, tenant.host)
    assert (found["kind"], found["organizations"][0]["status"], found["organizations"][0]["message"]) == (
        "audit",
        "drift",
        "",
    )


def test_drift_fails_an_audit_that_is_told_so(tenant: Tenant) -> None:
    before = tenant.state()
    run = play(tenant.controller, "audit", "--diff", rc=2, fail_on_drift=True)
    assert "does not meet the baseline" in run.output
    # The difference is shown for people, and not once more in the result of the task that fails.
    assert "-    social_id_sign_in: true" in run.stdout
    assert not {"changes", "mail", "diff"} & set(run[ROLE + "Plan and preflight"])
    assert tenant.state() == before
    assert statuses(tenant.controller) == {tenant.host: "drift"}


def last_lines(run: Run) -> list[str]:
    """What a run says at its end."""
    lines: list[str] = run[ROLE + "Report on the run"]["lines"]
    return lines


def assert_whole_and_private(controller: Controller, host: str) -> None:
    """What all runs have left, and every form of the report of the newest apply."""
    # What the tasks of a run keep for each other went with it.
    assert not [path for path in artifacts(controller).rglob("*") if path.name.startswith(".")]
    assert all(
        stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
        for path in artifacts(controller).rglob("*")
    )
    run = newest(controller, "baseline")
    for folder in (run, run / host):
        sums = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
        for digest, name in sums:
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        assert (
            {"report.html", "report.json", "report.jsonl", "report.csv", "junit.xml"}
            <= {name for _digest, name in sums}
            <= set(os.listdir(folder))
        )
    # Every form says which run it is of.
    assert report(controller, procedure="baseline")["run"] == run.name
    rows = csv.DictReader((run / "report.csv").read_text(encoding="utf-8-sig").splitlines())
    assert {row["run"] for row in rows} == {run.name}
    lines = [json.loads(line) for line in (run / "report.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {isinstance(line, list) and line[0]["run"] for line in lines} == {run.name}


def test_what_each_procedure_says_and_keeps(tenant: Tenant) -> None:
    """On the terminal, and as artifacts that no later run writes over. The whole job has a check, and a run again."""
    host = tenant.host
    wishes = {"encrypt_outgoing": True, "reports": ["html", "csv", "jsonl", "junit"]}
    kept: dict[Path, bytes] = {}

    def run(procedure: str, *arguments: str, **variables: Any) -> Run:
        done = play(tenant.controller, procedure, *arguments, **variables)
        assert {path: path.read_bytes() for path in kept} == kept
        files = [path for path in artifacts(tenant.controller).rglob("*") if path.is_file()]
        kept.update({path: path.read_bytes() for path in files if not path.name.startswith("latest")})
        return done

    audit = run("audit", "--diff", **wishes)
    assert f"--- {host}: current" in audit.stdout
    assert "-    social_id_sign_in: true" in audit.stdout
    assert last_lines(audit)[0].startswith(f"{host}: drift: ")
    assert last_lines(audit)[1].startswith(
        "  MFR-2 not met: 'No outgoing mail leaves unprotected by rules' is not guaranteed: mail from "
    )
    assert "  Encrypts: no mail flow rule" in last_lines(audit)
    assert "1 organization: 1 drifted." in last_lines(audit)[-1]
    assert audit.changed == []

    apply = run("baseline", **wishes)
    (link,) = (artifacts(tenant.controller) / "organizations" / host / "snapshots").glob("snapshot-*.json")
    assert last_lines(apply)[0].startswith(f"{host}: ")
    assert "IRM-3 encrypt_button false -> true" in last_lines(apply)[0]
    assert "MFR-1 'Encrypt all outgoing mail' created" in last_lines(apply)[0]
    assert re.search(rf"; snapshot {re.escape(str(link))} \(\d+ of 19 controls looked at\)$", last_lines(apply)[0])
    assert "1 organization: 1 changed." in last_lines(apply)[-1]

    taken = run("snapshot")
    assert last_lines(taken)[0].startswith(f"{host}: snapshot /")
    back = run("rollback", rollback_snapshot=link.name, accept=["encryption_off"])
    assert f"[{host}] Goes back to {link.name} of " in back.stdout
    snapshot, _mark = json.loads(link.read_text())
    assert f"taken by the run {snapshot['run']}" in back.stdout

    assert report(tenant.controller, procedure="baseline")["kind"] == "apply"
    assert report(tenant.controller, procedure="audit")["kind"] == "audit"
    assert report(tenant.controller)["kind"] == "rollback"
    assert len(list((artifacts(tenant.controller) / "runs").iterdir())) == 4
    assert_whole_and_private(tenant.controller, host)
    for folder in (newest(tenant.controller, "audit"), newest(tenant.controller, "audit") / host):
        assert {"report.csv", "report.jsonl", "junit.xml"} < set(os.listdir(folder))
    folder = newest(tenant.controller, "rollback")
    assert set(os.listdir(folder)) == {host, "report.html", "report.json", "SHA256SUMS"}


def test_tags_are_controls(tenant: Tenant) -> None:
    before = lasting(tenant.state())
    # test_role_files.py sees that every playbook refuses them.
    run = play(tenant.controller, "audit", "--tags", "OME1,quick", "--skip-tags", "slow", rc=2)
    assert "The tag 'OME1' is not a control. Did you mean OME-1?" in run.output
    assert all(f"The tag '{tag}' is not a control." in run.output for tag in ("quick", "slow"))
    assert "takes an organization as a whole" in play(tenant.controller, "rollback", "--tags", "OME-1", rc=2).output
    # In a play of one's own other tags mean something.
    own = tenant.controller.tasks([{**included("audit"), "tags": ["always"]}], "--tags", "OME1,quick")
    assert (own.rc, "'OME1'" in own.output, "'quick'" in own.output) == (2, True, False), own.output
    assert lasting(tenant.state()) == before
    play(tenant.controller, "baseline", "--tags", "irm-1,irm-3,always", "--skip-tags", "IRM-3")
    assert [call.cmdlet for call in tenant.applied] == ["Set-IRMConfiguration"]
    assert tenant.state()["irm_configuration"]["SimplifiedClientAccessEnabled"] is False
    assert tenant.state()["irm_configuration"]["AzureRMSLicensingEnabled"] is True


def test_a_refusal_is_one_list_and_a_report(tenant: Tenant) -> None:
    before = tenant.state()
    run = play(tenant.controller, "baseline", rc=2, one_time_passcode=False, pdf_encryption=True)
    for line in ("hardened_baseline_accept: [work_accounts_only]", "hardened_baseline_accept: [IRM-5]"):
        assert line in run.output
    assert tenant.state() == before
    assert statuses(tenant.controller) == {tenant.host: "refused"}


def test_the_test_of_rights_management_is_a_control(tenant: Tenant) -> None:
    """Where it passes: test_the_example_of_the_role_does_what_its_page_says."""
    tenant.emulator.organizations[tenant.organization].patch({"irm_test_failure": "encryption"})
    wishes = {"test_sender": f"AlexW@{tenant.organization}", "test_timeout": 0}
    run = play(tenant.controller, "baseline", rc=2, **wishes)
    assert "Everything is stored, but the test of rights management fails" in run.output
    assert run[ROLE + "Apply the plan"]["changed"]
    assert statuses(tenant.controller) == {tenant.host: "failed"}
    # Nothing is written now, so that it is drift. A check says so without failing, and an audit that is told to fails.
    play(tenant.controller, "baseline", **wishes)
    assert statuses(tenant.controller) == {tenant.host: "drift"}
    play(tenant.controller, "audit", rc=2, fail_on_drift=True, **wishes)
    controls = report(tenant.controller)["organizations"][0]["controls"]
    assert [control["status"] for control in controls if control["id"] == "VRF-1"] == ["not met"]


def test_switching_off_and_back(tenant: Tenant) -> None:
    tenant.edit("Set-IRMConfiguration", AzureRMSLicensingEnabled=True)
    tenant.edit("New-TransportRule", Name="Theirs", FromScope="InOrganization", ApplyRightsProtectionTemplate="Encrypt")
    before = lasting(tenant.state(), MADE_ANEW)
    play(tenant.controller, "disable_message_encryption", rc=2)
    assert lasting(tenant.state(), MADE_ANEW) == before
    play(
        tenant.controller,
        "disable_message_encryption",
        confirm_disable=tenant.organization,
        settle_minutes=0,
        accept=["encryption_off"],
    )
    assert tenant.state()["transport_rules"] == []
    assert tenant.state()["irm_configuration"]["AzureRMSLicensingEnabled"] is False
    play(tenant.controller, "rollback", accept=["encryption_off"])
    assert lasting(tenant.state(), MADE_ANEW) == before


def test_an_inventory_without_organizations_fails(tmp_path: Path) -> None:
    """test_role_files.py sees that every playbook looks for them first."""
    controller = Controller(tmp_path, {"all": {"hosts": {"here": {"ansible_connection": "local"}}}})
    assert "matches exchange_organizations" in play(controller, "baseline", rc=2).output


def test_wrong_variables_are_named(tenant: Tenant) -> None:
    run = play(tenant.controller, "baseline", rc=2, nonsense="nonsense", profile="nonsense")
    assert "hardened_baseline_nonsense" in run.output
    assert "hardened_baseline_profile" in run.output
    assert tenant.emulator.round_trips == 0
