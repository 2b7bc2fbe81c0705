# SPDX-License-Identifier: GPL-3.0-or-later
"""A change under AWX, from an empty repository on: what is applied is exactly what was approved, whatever happens in
between, and jobs with slices are as one.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.emulator.emulator import Emulator

from .awx import Job
from .awx_emulated import APPLY, AUDIT, CHANGE, CHECK, EVERY_NIGHT, NOT_APPROVED, PLANS, PREVIEW, REPORT, ROLL_BACK, Awx
from .awx_workflows import Ended, Model, Refused

TWO = pytest.mark.organizations("contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com")
THREE = pytest.mark.organizations("contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com", "tailspin.onmicrosoft.com")
TEAM = "Message encryption team"
OPERATORS, APPROVERS, ON_CALL = "Messaging operators", "Messaging approvers", "Messaging on call"

#: What somebody who launches a job may try.
HOSTILE = {
    "hardened_baseline_approved_plan": "",
    "hardened_baseline_require_approval": False,
    "hardened_baseline_artifacts_durable": True,
    "hardened_baseline_one_time_passcode": False,
    "message_encryption_git_commit": "f" * 40,
    "message_encryption_git_url": "--upload-pack=touch reached",
    "message_encryption_git_branch": "--upload-pack=touch reached",
    "hardened_baseline": {"run": "20261125T031655Z-baseline-workflow1_x"},
    "awx_workflow_job_id": 1,
}


#: Encryption was off in these organizations, and is again after a rollback.
OFF = {"hardened_baseline_accept": ["encryption_off"]}


@pytest.fixture(name="awx")
def awx_fixture(tmp_path: Path, emulator: Emulator) -> Awx:
    return Awx(tmp_path, emulator)


@pytest.fixture(name="model")
def model_fixture(awx: Awx) -> Model:
    return Model(awx)


def report(awx: Awx, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(awx.read(f"runs/{run}/report.json"))[0]
    return found


@pytest.mark.long
@TWO
def test_a_change_from_an_empty_repository(awx: Awx, model: Model) -> None:
    first = awx.state()
    model.slice(CHECK, 2)
    # Before that, a job has no hosts to slice.
    model.update_inventory()
    with pytest.raises(Refused):
        model.launch_workflow(CHANGE, APPROVERS)
    approved: dict[str, Any] = {}

    def decide(handed: Mapping[str, Any]) -> bool:
        # What the approver sees: nothing is written yet, and the commit has the plans and their report.
        assert awx.state() == first
        approved.update(handed)
        return model.decides(APPROVERS, CHANGE)(handed)

    def meddle() -> None:
        model.slice(CHECK, 1)
        number, wishes = model.workflow_job, model.wishes.read_bytes()
        plan_something_else(awx, model)
        changed = model.run(APPLY, approved, number)
        assert (changed.status, "the variables of IRM-5 have changed" in changed.stdout) == ("failed", True), (
            changed.stdout
        )
        model.wishes.write_bytes(wishes)
        try_to_apply(awx, model, approved, number)
        assert awx.state() == first

    with pytest.raises(Refused):
        model.launch_workflow(CHANGE, OPERATORS, **HOSTILE)
    # The first slice has pushed first, and AWX counts it as the last one: what it hands over lacks what the others have
    # kept.
    ended = model.launch_workflow(
        CHANGE,
        OPERATORS,
        decide=decide,
        before={"apply": meddle},
        ends_last={"check": 1},
        hardened_baseline_change_reference="CHG-4711",
    )
    statuses = {name: node.status for name, node in ended.items()}
    # Drift fails the audit, and is what there is to change.
    expected = {
        "audit": "failed",
        "check": "successful",
        "plans": "successful",
        "approval": "successful",
        "apply": "successful",
    }
    assert statuses == expected, "".join(node.stdout for node in ended.values())
    changed = awx.state()
    assert {
        configuration["SocialIdSignIn"] for state in changed.values() for configuration in state["ome_configurations"]
    } == {False}
    # What was not approved is not done.
    pdf = [
        [state["irm_configuration"]["EnablePdfEncryption"] for state in states.values()] for states in (first, changed)
    ]
    assert pdf[0] == pdf[1]
    assert len(awx.kept("/snapshot-")) >= 2
    artifacts = ended["apply"].artifacts
    assert (set(artifacts), len(artifacts["message_encryption_git_commit"])) == (
        {"message_encryption_git_commit", "hardened_baseline", "message_encryption_launch"},
        40,
    )
    assert set(artifacts["hardened_baseline"]) == {"attention", "counts", "digest", "report", "run"}
    assert artifacts["message_encryption_launch"] == {
        "organizations": "exchange_organizations",
        "change": "CHG-4711",
    }
    see_merged(awx, ended["plans"], approved)

    # Now there is nothing to approve; where the audit cannot tell, the workflow ends after the plans.
    plans = model.run(PLANS, model.launch(CHECK, workflow_job=9).artifacts, 9)
    assert (plans.status, "There is nothing to approve" in plans.stdout) == ("failed", True), plans.stdout
    roll_back_one(awx, model, first)

    # Its plan fits once more, but was approved for one run.
    with pytest.raises(Refused):
        model.launch(APPLY, OPERATORS)
    before = awx.state()
    again = awx.run_job(dataclasses.replace(awx.job(APPLY), variables=approved))
    assert again.rc == 2
    assert "was approved for one run" in again.stdout
    assert awx.state() == before
    audit_slices(awx, model)


def see_merged(awx: Awx, plans: Ended, approved: Mapping[str, Any]) -> None:
    """The plans of both slices are one run, which is the one that is approved."""
    merged = approved["hardened_baseline"]["run"]
    assert approved["message_encryption_git_commit"] in plans.stdout
    assert f":runs/{merged}/report.html" in plans.stdout
    assert [organization["host"] for organization in report(awx, merged)["organizations"]] == ["contoso", "fabrikam"]
    assert report(awx, merged)["change_reference"] == "CHG-4711"
    assert report(awx, merged)["kind"] == "check"
    # Each slice has its own folder, with its own organization.
    slices = {host: report(awx, f"{merged}/{host}")["run"] for host in ("contoso", "fabrikam")}
    assert len({*slices.values()}) == 2
    for host, run in slices.items():
        assert [organization["host"] for organization in report(awx, run)["organizations"]] == [host]


def plan_something_else(awx: Awx, model: Model) -> None:
    """The wishes are others, so are the newest plans, and those that were approved are forged where they lie."""
    model.write_wishes(hardened_baseline_pdf_encryption=True, hardened_baseline_accept=["IRM-5"])
    check = model.run(CHECK, {"exchange_organizations": "contoso"}, awx.number())
    assert check.status == "successful", check.stdout
    clone = awx.directory / "clone"
    awx.git("clone", "--quiet", str(awx.repository), str(clone), cwd=awx.directory)
    newest = (clone / "organizations/contoso/latest-plan").read_text(encoding="utf-8").strip()
    forged = (clone / f"runs/{newest}/contoso/plan.json").read_bytes()
    for plan in clone.glob("runs/*/contoso/plan.json"):
        plan.write_bytes(forged)
    awx.git("commit", "--quiet", "--all", "--message", "forged", cwd=clone)
    awx.git("push", "--quiet", "origin", "HEAD", cwd=clone)


def try_to_apply(awx: Awx, model: Model, approved: Mapping[str, Any], number: int) -> None:
    """What launch variables would do if AWX let them through: it does not, and this is the second line. And a snapshot
    that cannot be kept.
    """
    # test_awx_git.py sees what fetch_approved_git.yml refuses, such as no plan at all, test_approval.py that no extra
    # variable switches the approval off, and test_refusals.py that a job of AWX publishes.
    refused = model.run(APPLY, {**approved, "hardened_baseline_approved_plan": ""}, number)
    said = "this job applies only the plans approved in its workflow"
    assert (refused.status, said in " ".join(refused.stdout.split())) == ("failed", True), refused.stdout
    hook = awx.repository / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho no more >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    full = model.run(APPLY, approved, number)
    assert (full.status, "no more" in full.stdout) == ("failed", True), full.stdout
    hook.unlink()


def roll_back_one(awx: Awx, model: Model, first: Mapping[str, Any]) -> None:
    """By the few who may."""
    changed = awx.state()
    ((back,),) = (
        ended.values()
        for ended in model.bulk_launch(ON_CALL, ROLL_BACK, exchange_organizations="contoso", **OFF, **HOSTILE)
    )
    assert back.status == "successful", back.stdout
    now = awx.state()
    assert now["contoso.onmicrosoft.com"] == first["contoso.onmicrosoft.com"]
    assert now["fabrikam.onmicrosoft.com"] == changed["fabrikam.onmicrosoft.com"]


def audit_slices(awx: Awx, model: Model) -> None:
    """Each slice has one organization: the first drifts, the second is as wanted."""
    model.slice(AUDIT, 2)
    night = model.launch_workflow(EVERY_NIGHT, OPERATORS, ends_last={"audit": 1})
    assert len(night["audit"].done) == 2
    assert (night["audit"].status, night["report"].status) == ("failed", "failed")
    assert [done.rc for done in night["audit"].done] == [2, 0]
    assert awx.kept("/contoso/report.json")
    assert awx.kept("/report.html")
    assert "Needs attention: contoso (drift)." in night["report"].stdout
    merged = report(awx, night["report"].artifacts["hardened_baseline"]["run"])
    assert (merged["kind"], len(merged["organizations"])) == ("audit", 2)

    # A slice has none of the ring's organizations. Where none has any, the job after them says so.
    ring = model.launch_workflow(CHANGE, OPERATORS, ends_last={"audit": 1}, exchange_organizations="fabrikam")
    assert {name: node.status for name, node in ring.items()} == {"audit": "successful", "report": "successful"}, ring[
        "audit"
    ].stdout
    assert model.workflow_status == "successful"
    none = model.run(REPORT, {"exchange_organizations": "ring_pliot"}, model.workflow_job)
    assert none.status == "failed"
    assert "No host matches ring_pliot" in " ".join(none.stdout.split())


@pytest.mark.matrix
@THREE
def test_an_organization_that_came_after_the_approval_is_left_alone(awx: Awx, model: Model) -> None:
    """One more in the project, whose plan somebody has made since, and pushed. test_awx_git.py sees that
    fetch_approved_git.yml says it of any commit.
    """
    two = awx.inventory()
    del two["exchange_organizations"]["hosts"]["tailspin"]
    model.write_organizations(two)
    before = awx.state()

    def another_organization() -> None:
        model.write_organizations(awx.inventory())
        assert (
            model.launch_workflow(CHANGE, OPERATORS, decide=lambda handed: False, exchange_organizations="tailspin")[
                "plans"
            ].status
            == "successful"
        )

    ended = model.launch_workflow(CHANGE, OPERATORS, before={"apply": another_organization})
    assert (ended["approval"].status, ended["apply"].status) == ("successful", "failed")
    assert "No plan was approved of tailspin, so nothing was written to any organization" in ended["apply"].stdout
    assert awx.state() == before


def test_a_change_that_is_denied_ends_there_and_says_so_once(
    awx: Awx, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its jobs do what they do above, and leave what they leave there; the one that says so runs."""
    left = {
        "hardened_baseline": {
            "run": "20261125T031655Z-baseline-workflow7_x",
            "counts": {"drift": 2},
            "attention": ["contoso: would change: IRM-1 azure_rms_licensing false -> true"],
        },
        "message_encryption_git_commit": "f" * 40,
        "message_encryption_launch": {"organizations": "ring_pilot", "change": "CHG-4711"},
    }
    run_job = awx.run_job

    def ended(job: Job) -> Any:
        if job.template == NOT_APPROVED:
            return run_job(job)
        return SimpleNamespace(status="failed" if job.template == AUDIT else "successful", stats=left, stdout="")

    monkeypatch.setattr(awx, "run_job", ended)
    denied = model.launch_workflow(CHANGE, OPERATORS, decide=lambda handed: False)
    assert {name: node.status for name, node in denied.items()} == {
        "audit": "failed",
        "check": "successful",
        "plans": "successful",
        "approval": "failed",
        "not_approved": "failed",
    }
    assert model.workflow_status == "failed"
    assert [(message.template, message.sender) for message in model.sent] == [
        ("Message encryption approvers", PLANS),
        (TEAM, NOT_APPROVED),
    ]
    asked, said = (message.body.splitlines() for message in model.sent)
    launch = ["Change: CHG-4711", "Launched by: mail-admin", "Asked for: ring_pilot"]
    assert (asked[:3], said[:3]) == (launch, launch)
    assert "The plans were denied, or nobody approved them in time. Nothing was written to any organization." in said
    for body in (asked, said):
        assert "contoso: would change: IRM-1 azure_rms_licensing false -> true" in body
        assert (
            f"To show it: git show {'f' * 40}:runs/20261125T031655Z-baseline-workflow7_x/report.html > report.html"
            in body
        )


@TWO
def test_a_change_that_matches_nothing_fails_in_its_audit_and_says_so_once(awx: Awx, model: Model) -> None:
    """And so does one of which a part is misspelled, which would leave an organization out, or in."""
    for wrong, part in (("ring_pliot", "ring_pliot"), ("exchange_organizations:!fabrikm", "fabrikm")):
        model.sent.clear()
        ended = model.launch_workflow(CHANGE, OPERATORS, exchange_organizations=wrong)
        assert {name: node.status for name, node in ended.items()} == {
            "audit": "failed",
            "check": "failed",
            "plans": "failed",
        }
        assert f"No host matches {part} in the inventory" in " ".join(ended["audit"].stdout.split())
        ((template, body),) = [(message.template, message.body) for message in model.sent]
        assert template == TEAM
        assert body.startswith(f"Launched by: mail-admin\nAsked for: {wrong}\n")
        assert f"No host matches {part} in the inventory." in body
        assert "left no report" not in body
    assert awx.emulator.round_trips == 0
    assert not awx.has_kept()


@TWO
def test_a_rollback_demands_its_organizations_and_a_snapshot_by_its_name(awx: Awx, model: Model) -> None:
    """A bulk launch may leave out the answers that a survey requires."""
    for given in ({}, {"exchange_organizations": ""}):
        refused = model.run(ROLL_BACK, given, 0)
        assert (refused.status, "No organization was named, so nothing was done." in refused.stdout) == ("failed", True)
    assert awx.emulator.round_trips == 0
    assert not awx.has_kept()
    # What is no snapshot of the organization is not opened, wherever it lies.
    secret = awx.directory / "secret.json"
    secret.write_text("not to be read", encoding="utf-8")
    wrong = model.run(
        ROLL_BACK,
        {"exchange_organizations": "contoso", "hardened_baseline_rollback_snapshot": str(secret)},
        0,
    )
    assert wrong.status == "failed"
    assert "is not a snapshot of this organization" in " ".join(wrong.stdout.split())
    assert "not to be read" not in wrong.stdout


@TWO
def test_a_preview_of_a_rollback_is_told_to_who_is_on_call_and_its_report_is_there(awx: Awx, model: Model) -> None:
    changed = model.launch_workflow(CHANGE, OPERATORS, exchange_organizations="contoso")
    assert changed["apply"].status == "successful", changed["apply"].stdout
    before = awx.state()
    model.sent.clear()
    (preview,) = model.launch_workflow(PREVIEW, ON_CALL, exchange_organizations="contoso", **OFF).values()
    assert preview.status == "successful", preview.stdout
    assert awx.state() == before
    ((template, body),) = [(message.template, message.body) for message in model.sent]
    assert template == "Message encryption on call"
    run = preview.artifacts["hardened_baseline"]["run"]
    assert f"Report: runs/{run}/report.html" in body
    assert f"Report: runs/{run}/report.html" in preview.stdout
    assert awx.read(f"runs/{run}/report.html").startswith("<!DOCTYPE html>")
    assert report(awx, run)["kind"] == "rollback"
    # It names no file of the job, whose directory is gone.
    assert str(awx.directory) not in preview.stdout


@TWO
def test_of_two_changes_that_are_approved_at_once_the_second_is_refused(awx: Awx, model: Model) -> None:
    """Both are of one organization, planned from one state, and approved before either is applied."""
    first = {"hardened_baseline_social_id_sign_in": False}
    second = {
        "hardened_baseline_social_id_sign_in": True,
        "hardened_baseline_pdf_encryption": True,
        "hardened_baseline_accept": ["IRM-5"],
    }
    done: list[dict[str, Any]] = []

    def apply_the_first() -> None:
        """It waits for its apply, too, which AWX begins first."""
        model.write_wishes(**first)
        ended = model.launch_workflow(CHANGE, OPERATORS, exchange_organizations="contoso")
        assert ended["apply"].status == "successful", ended["apply"].stdout
        done.append(awx.state())

    def and_then_ask_for_the_second() -> None:
        apply_the_first()
        model.write_wishes(**second)

    before = awx.state()
    # Whatever the project says by then: what the first one wanted, or again what was approved.
    for meanwhile, why in (
        (and_then_ask_for_the_second, "would go from false to true, which is not in the approved plan"),
        (apply_the_first, "have changed"),
    ):
        for name, organization in awx.emulator.organizations.items():
            organization.patch({key: before[name][key] for key in ("irm_configuration", "ome_configurations")})
        model.write_wishes(**second)
        ended = model.launch_workflow(CHANGE, OPERATORS, before={"apply": meanwhile}, exchange_organizations="contoso")
        assert (ended["approval"].status, ended["apply"].status) == ("successful", "failed"), ended["apply"].stdout
        assert why in ended["apply"].stdout, ended["apply"].stdout
        assert awx.state() == done[-1]


@pytest.mark.parametrize("team", [OPERATORS, APPROVERS, ON_CALL])
def test_a_bulk_launch_reaches_no_job_template(model: Model, team: str) -> None:
    """It would pass on all variables, and so run programs with the credentials of the job."""
    for template in model.objects["controller_templates"]:
        with pytest.raises(Refused):
            model.bulk_launch(team, template["name"], **HOSTILE)


@TWO
def test_who_is_refused_is_not_approved(awx: Awx, model: Model) -> None:
    """All are: plans and reports are kept, and the workflow ends after them, as in test_localhost_is_no_organization."""
    inventory = awx.inventory()
    for variables in inventory["exchange_organizations"]["hosts"].values():
        variables["hardened_baseline_one_time_passcode"] = False
    model.write_organizations(inventory)
    before = awx.state()
    check = model.launch(CHECK, workflow_job=7)
    assert awx.emulator.round_trips > 0
    assert ([done.rc for done in check.done], check.status) == ([2], "failed"), check.stdout
    assert awx.state() == before
    assert awx.plans() == ["contoso", "fabrikam"]
    found = awx.newest("report.json")
    assert {organization["status"] for organization in found["organizations"]} == {"refused"}
    assert [awx.newest(f"{host}/report.json")["run"] for host in ("contoso", "fabrikam")] == [found["run"]] * 2
    assert len(check.artifacts["message_encryption_git_commit"]) == 40
    plans = model.run(PLANS, check.artifacts, 7)
    assert plans.status == "failed"
    assert "Needs attention: contoso (refused), fabrikam (refused)." in plans.stdout


def test_localhost_is_no_organization(awx: Awx, model: Model) -> None:
    """Ansible adds it to every inventory."""
    ended = model.launch_workflow(CHANGE, OPERATORS, exchange_organizations="localhost")
    assert {name: node.status for name, node in ended.items()} == {
        "audit": "failed",
        "check": "failed",
        "plans": "failed",
    }
    assert all("No host matches localhost in the inventory" in " ".join(node.stdout.split()) for node in ended.values())
    assert not awx.has_kept()
