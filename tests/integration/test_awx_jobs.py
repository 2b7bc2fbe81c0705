# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX jobs against the emulator: check, approval, apply, audit and rollback, each in a directory that is thrown
away."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from tests.emulator.emulator import Emulator
from tests.emulator.message_trace import row

from .awx_emulated import APPLY, AUDIT, CERTIFICATE, CHECK, HOST, PREVIEW, ROLL_BACK, SECRET, Awx, encrypted_certificate

TWO = pytest.mark.organizations("contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com")


@pytest.fixture(name="awx")
def awx_fixture(tmp_path: Path, emulator: Emulator) -> Awx:
    return Awx(tmp_path, emulator)


# test_awx_workflows.py has it in a workflow.
@pytest.mark.matrix
@TWO
@pytest.mark.parametrize("kind", [CERTIFICATE, SECRET])
def test_a_change_from_its_check_to_its_rollback(awx: Awx, kind: str) -> None:
    for organization in awx.emulator.organizations.values():
        organization.patch({"irm_configuration": {"AzureRMSLicensingEnabled": True}})
    first = awx.state()
    check = awx.run(CHECK, kind)
    assert (check.rc, check.status) == (0, "successful"), check.stdout
    assert awx.state() == first
    assert awx.plans() == ["contoso", "fabrikam"]
    assert len(check.stats["message_encryption_git_commit"]) == 40

    # What a later job of the workflow gets: what the earlier ones left, and what was answered.
    apply = awx.run(
        APPLY, kind, **check.stats, hardened_baseline_change_reference="CHG-4711", hardened_baseline_approver="J. Doe"
    )
    assert apply.rc == 0, apply.stdout
    changed = awx.state()
    assert changed != first
    assert {
        configuration["SocialIdSignIn"] for state in changed.values() for configuration in state["ome_configurations"]
    } == {False}
    assert len(awx.kept("/snapshot-")) >= 2
    assert set(apply.stats) == {"message_encryption_git_commit", "hardened_baseline", "message_encryption_launch"}
    assert set(apply.stats["hardened_baseline"]) == {"attention", "counts", "digest", "report", "run"}

    off = {"hardened_baseline_accept": ["encryption_off"]}
    preview = awx.run(PREVIEW, kind, exchange_organizations="contoso", **off)
    assert preview.rc == 0, preview.stdout
    assert awx.state() == changed
    back = awx.run(ROLL_BACK, kind, exchange_organizations="contoso", **off)
    assert back.rc == 0, back.stdout
    now = awx.state()
    assert now["contoso.onmicrosoft.com"] == first["contoso.onmicrosoft.com"]
    assert now["fabrikam.onmicrosoft.com"] == changed["fabrikam.onmicrosoft.com"]


def test_a_check_of_one_control_over_a_management_host_keeps_its_plan(awx: Awx) -> None:
    check = awx.run(
        CHECK, HOST, tags="IRM-5", hardened_baseline_pdf_encryption=True, hardened_baseline_accept=["IRM-5"]
    )
    assert check.rc == 0, check.stdout
    assert awx.plans() == ["contoso"]
    assert {change["option"] for change in awx.newest("contoso/plan.json")["changes"]} == {"enable_pdf_encryption"}
    assert {call.wire for call in awx.emulator.calls} == {"psrp"}


# test_awx_workflows.py has one of which both are refused.
@pytest.mark.matrix
@TWO
def test_a_check_of_which_one_is_refused_keeps_both_plans_and_reports(awx: Awx) -> None:
    refused = {"contoso"}
    inventory = awx.inventory()
    for host in refused:
        inventory["exchange_organizations"]["hosts"][host]["hardened_baseline_one_time_passcode"] = False
    before = awx.state()
    check = awx.run(CHECK, SECRET, inventory=inventory)
    assert awx.emulator.round_trips > 0
    assert (check.rc, check.status) == (2, "failed"), check.stdout
    assert awx.state() == before
    assert awx.plans() == ["contoso", "fabrikam"]
    report = awx.newest("report.json")
    assert {
        organization["host"] for organization in report["organizations"] if organization["status"] == "refused"
    } == refused
    assert [awx.newest(f"{host}/report.json")["run"] for host in ("contoso", "fabrikam")] == [report["run"]] * 2
    assert len(check.stats["message_encryption_git_commit"]) == 40


def test_a_check_replays_mail_and_its_events_have_counts_alone(awx: Awx) -> None:
    received = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=6)
    rows = [
        row(number, received, "alexw@contoso.onmicrosoft.com", f"p{number}@fabrikam.com", Subject="SUBJECT")
        for number in range(30)
    ]
    licensed = {"AzureRMSLicensingEnabled": True, "InternalLicensingEnabled": True}
    awx.emulator.organizations["contoso.onmicrosoft.com"].patch({"message_trace": rows, "irm_configuration": licensed})
    check = awx.run(
        CHECK,
        SECRET,
        tags="MFR-1",
        hardened_baseline_replay_days=2,
        hardened_baseline_encrypt_outgoing={"template": "Encrypt"},
    )
    assert check.rc == 0, check.stdout
    assert "30 copies are now encrypted: 'Encrypt all outgoing mail'." in check.stdout
    assert check.results("m365.message_encryption.baseline_plan")[0]["mail"]["replay"]["counts"]["copies"] == 30
    (change,) = awx.newest("contoso/plan.json")["mail"]["replay"]["difference"]
    assert change["domains"] == [{"name": "fabrikam.com", "certain": 30, "possible": 0}]
    for people in ("fabrikam.com", "SUBJECT"):
        assert people not in json.dumps(check.events)


@TWO
def test_on_another_machine_with_a_certificate_whose_key_has_a_password(awx: Awx) -> None:
    job = awx.job(CHECK)
    job.credentials = [(CERTIFICATE, encrypted_certificate(awx.described["organizations"][0])), *job.credentials[1:]]
    done = job.run_elsewhere()
    assert (done.rc, done.status) == (0, "successful"), done.stdout
    awx.assert_discreet(done)
    assert "Op3n-sesame!" not in done.recorded()
    assert not job.directory.exists()
    assert awx.emulator.round_trips > 0
    assert awx.plans() == ["contoso", "fabrikam"]
    assert {event["event_data"].get("host") for event in done.events} >= {"contoso", "fabrikam"}


@pytest.mark.parametrize("broken", ["certificate", "snapshots"])
def test_no_message_and_no_report_names_a_file_of_the_job(awx: Awx, broken: str) -> None:
    """Its folder is gone after it: ``/runner``, as the job's container has it."""
    if broken == "certificate":
        job = awx.job(AUDIT)
        job.credentials = [(CERTIFICATE, {"client_id": "x", "certificate": "none"}), *job.credentials[1:]]
    else:
        assert awx.run(CHECK).rc == 0
        clone = awx.directory / "clone"
        awx.git("clone", "--quiet", str(awx.repository), str(clone), cwd=awx.directory)
        name = "snapshot-20261125T030000Z-9f2c01d4e5a6.json"
        (clone / "organizations/contoso/snapshots").mkdir(parents=True)
        (clone / f"organizations/contoso/snapshots/{name}").write_text("none", encoding="utf-8")
        awx.git("add", "--all", cwd=clone)
        awx.git("commit", "--quiet", "--message", "broken", cwd=clone)
        awx.git("push", "--quiet", "origin", "HEAD", cwd=clone)
        job = awx.job(PREVIEW, exchange_organizations="contoso")
    folder = str(job.directory)
    done = awx.run_job(job)
    assert done.rc == 2, done.stdout
    # Ansible itself names the file of a task.
    said = [line for line in done.stdout.splitlines() if not line.startswith(("Origin: ", "included: "))]
    assert ("certificate file env/" if broken == "certificate" else "organizations/contoso/snapshots/") in done.stdout
    assert [line for line in said if folder in line] == []
    assert folder not in json.dumps(done.stats)
    assert [path for path in awx.kept("report.") if folder in awx.read(path)] == []
