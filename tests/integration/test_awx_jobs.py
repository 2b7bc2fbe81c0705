# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX jobs against the emulator: check, approval, apply, audit and rollback, each in a directory that is thrown away."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.emulator import Emulator

from .awx import Done, Job, sliced
from .tenant import WIRES

CERTIFICATE = "Exchange Online application (certificate)"
SECRET = "Exchange Online application (client secret)"
HOST = "Exchange management host (PSRP)"
GIT = "Message encryption artifacts (git)"
CHECK, APPLY, AUDIT, ROLL_BACK = (f"Message encryption - {name}" for name in ("check", "apply", "audit", "roll back"))
TWO = pytest.mark.organizations("contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com")
VOLATILE = {"WhenChanged", "WhenCreated"}

# What the inventory says in other tests and a credential says in AWX.
FROM_CREDENTIALS = {
    "ansible_exchange_client_id",
    "ansible_exchange_certificate_path",
    "ansible_exchange_certificate_thumbprint",
    "ansible_user",
    "ansible_password",
}


def certificate(organization: Mapping[str, Any]) -> dict[str, str]:
    return {"client_id": organization["client_id"], "certificate": Path(organization["certificate_path"]).read_text(encoding="utf-8")}


def encrypted_certificate(organization: Mapping[str, Any]) -> dict[str, str]:
    """The same with a password on the private key."""
    done = subprocess.run(
        ["openssl", "pkcs12", "-in", organization["certificate_pfx_path"], "-passin", "stdin", "-passout", "pass:Op3n-sesame!"],
        input=organization["certificate_password"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {"client_id": organization["client_id"], "certificate": done.stdout, "certificate_password": "Op3n-sesame!"}


def client_secret(organization: Mapping[str, Any]) -> dict[str, str]:
    return {"client_id": organization["client_id"], "client_secret": organization["client_secret"]}


def management_host(organization: Mapping[str, Any]) -> dict[str, str]:
    return {
        "username": organization["psrp_user"],
        "password": organization["psrp_password"],
        "client_id": organization["client_id"],
        "certificate_thumbprint": organization["certificate_thumbprint"],
    }


def lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: lasting(item) for key, item in value.items() if key not in VOLATILE}
    return [lasting(item) for item in value] if isinstance(value, list) else value


class Awx:
    """Jobs on the emulated organizations, which share a git repository and nothing else."""

    def __init__(self, directory: Path, emulator: Emulator) -> None:
        self.directory = directory
        self.emulator = emulator
        self.described = emulator.describe()
        self.repository = directory / "artifacts.git"
        (directory / "home").mkdir()
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.repository)], check=True)
        self._number = 40
        # One application for all organizations, as one credential has it.
        application = emulator.applications[self.described["organizations"][0]["name"]]
        application.tenants |= {organization.tenant_id for organization in emulator.organizations.values()}

    def inventory(self, wire: str = "rest") -> dict[str, Any]:
        hosts = {
            organization["name"].partition(".")[0]: {
                name: value for name, value in WIRES[wire](self.described, organization).items() if name not in FROM_CREDENTIALS
            }
            for organization in self.described["organizations"]
        }
        return {"exchange_organizations": {"hosts": hosts, "vars": {"ansible_connection": "m365.message_encryption.exchange"}}}

    def job(self, template: str, kind: str = CERTIFICATE, *, inventory: Mapping[str, Any] | None = None, tags: str = "", **variables: Any) -> Job:
        make = {CERTIFICATE: certificate, SECRET: client_secret, HOST: management_host}[kind]
        self._number += 1
        return Job(
            directory=self.directory / f"job-{self._number}",
            home=self.directory / "home",
            inventory=inventory or self.inventory("psrp" if kind == HOST else "rest"),
            credentials=[(kind, make(self.described["organizations"][0])), (GIT, {"url": str(self.repository), "username": "ansible", "token": "git-T0ken"})],
            template=template,
            variables=variables,
            tags=tags,
            number=self._number,
        )

    def run(self, template: str, kind: str = CERTIFICATE, **variables: Any) -> Done:
        """Run a job, see that it gave nothing away, and throw its directory away."""
        job = self.job(template, kind, **variables)
        done = job.run()
        self.assert_discreet(done)
        done.artifacts.rename(self.directory / f"kept-{job.number}")
        shutil.rmtree(job.directory)
        return done

    def assert_discreet(self, done: Done) -> None:
        """No secret of any organization is in what AWX keeps of the job."""
        recorded = done.recorded()
        assert '"event"' in recorded
        for organization in self.described["organizations"]:
            key = Path(organization["certificate_path"]).read_text(encoding="utf-8").splitlines()[1]
            for secret in (organization["client_secret"], organization["psrp_password"], organization["certificate_password"], key, "git-T0ken"):
                assert secret not in recorded

    def state(self) -> dict[str, Any]:
        return {name: lasting(organization.dump()) for name, organization in self.emulator.organizations.items()}

    def kept(self, path: str = "") -> list[str]:
        done = subprocess.run(["git", "ls-tree", "-r", "--name-only", "main"], cwd=self.repository, capture_output=True, text=True, check=True)
        return [name for name in done.stdout.splitlines() if path in name]

    def plans(self) -> list[str]:
        """The organizations whose plans are kept."""
        return sorted(name.rsplit("/", 2)[1] for name in self.kept("/plan.json"))

    def newest(self, path: str) -> Any:
        """A JSON file of the newest run."""
        return json.loads(self.read(f"runs/{self.read('latest').strip()}/{path}"))[0]

    def read(self, path: str) -> str:
        return subprocess.run(["git", "show", f"main:{path}"], cwd=self.repository, capture_output=True, text=True, check=True).stdout


@pytest.fixture(name="awx")
def awx_fixture(tmp_path: Path, emulator: Emulator) -> Awx:
    return Awx(tmp_path, emulator)


@TWO
@pytest.mark.parametrize("kind", [CERTIFICATE, SECRET])
def test_a_change_from_its_check_to_its_rollback(awx: Awx, kind: str) -> None:
    first = awx.state()
    check = awx.run(CHECK, kind)
    assert (check.rc, check.status) == (0, "successful"), check.stdout
    assert awx.state() == first
    assert awx.plans() == ["contoso", "fabrikam"]
    assert len(check.stats["message_encryption_git_commit"]) == 40

    # What a later job of the workflow gets: what the earlier ones left, and what was answered.
    apply = awx.run(APPLY, kind, **check.stats, hardened_baseline_change_reference="CHG-4711", hardened_baseline_approver="J. Doe")
    assert apply.rc == 0, apply.stdout
    changed = awx.state()
    assert changed != first
    assert all(not configuration["SocialIdSignIn"] for state in changed.values() for configuration in state["ome_configurations"])
    assert len(awx.kept("/snapshot-")) >= 2
    assert set(apply.stats) == {"message_encryption_git_commit", "hardened_baseline"}
    assert set(apply.stats["hardened_baseline"]) == {"counts", "digest", "report"}

    audit = awx.run(AUDIT, kind)
    assert audit.rc == 0, audit.stdout

    back = awx.run(ROLL_BACK, kind, exchange_organizations="contoso")
    assert back.rc == 0, back.stdout
    now = awx.state()
    assert now["contoso.onmicrosoft.com"] == first["contoso.onmicrosoft.com"]
    assert now["fabrikam.onmicrosoft.com"] == changed["fabrikam.onmicrosoft.com"]


def test_over_a_management_host(awx: Awx) -> None:
    first = awx.state()
    assert awx.run(CHECK, HOST).rc == 0
    apply = awx.run(APPLY, HOST)
    assert apply.rc == 0, apply.stdout
    assert awx.state() != first
    assert {call.wire for call in awx.emulator.calls} == {"psrp"}


def test_a_certificate_whose_key_has_a_password(awx: Awx) -> None:
    job = awx.job(AUDIT)
    job.credentials = [(CERTIFICATE, encrypted_certificate(awx.described["organizations"][0])), *job.credentials[1:]]
    done = job.run()
    awx.assert_discreet(done)
    assert "Op3n-sesame!" not in done.recorded()
    assert awx.emulator.round_trips > 0
    assert done.results("m365.message_encryption.baseline_plan")[0]["digest"].startswith("sha256:")


def test_drift_fails_the_audit_and_its_report_is_kept(awx: Awx) -> None:
    audit = awx.run(AUDIT)
    assert (audit.rc, audit.status) == (2, "failed")
    assert awx.kept("/contoso/report.json")
    assert awx.kept("/report.html")


@TWO
@pytest.mark.parametrize("refused", [{"contoso", "fabrikam"}, {"contoso"}])
def test_a_check_that_is_refused_keeps_its_plans_and_its_report(awx: Awx, refused: set[str]) -> None:
    inventory = awx.inventory()
    for host in refused:
        inventory["exchange_organizations"]["hosts"][host]["hardened_baseline_one_time_passcode"] = False
    before = awx.state()
    check = awx.run(CHECK, inventory=inventory)
    assert (check.rc, check.status) == (2, "failed"), check.stdout
    assert awx.state() == before
    assert awx.plans() == ["contoso", "fabrikam"]
    report = awx.newest("report.json")
    assert {organization["host"] for organization in report["organizations"] if organization["status"] == "refused"} == refused
    assert [awx.newest(f"{host}/report.json")["run"] for host in ("contoso", "fabrikam")] == [report["run"]] * 2
    assert len(check.stats["message_encryption_git_commit"]) == 40


def test_a_check_of_one_control_keeps_its_plan(awx: Awx) -> None:
    check = awx.run(CHECK, tags="IRM-5", hardened_baseline_pdf_encryption=True, hardened_baseline_accept=["IRM-5"])
    assert check.rc == 0, check.stdout
    assert {change["option"] for change in awx.newest("contoso/plan.json")["changes"]} == {"enable_pdf_encryption"}


def test_what_was_not_approved_is_refused(awx: Awx) -> None:
    check = awx.run(CHECK)
    before = awx.state()
    apply = awx.run(APPLY, **check.stats, hardened_baseline_one_time_passcode=False, hardened_baseline_accept=["work_accounts_only"])
    assert apply.rc == 2
    assert awx.state() == before
    assert "approved_plan" in apply.stdout


def test_nothing_is_written_when_the_snapshot_cannot_be_kept(awx: Awx) -> None:
    check = awx.run(CHECK)
    before = awx.state()
    hook = awx.repository / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    apply = awx.run(APPLY, **check.stats)
    assert apply.rc == 2
    assert awx.state() == before


def test_nothing_is_written_where_nothing_keeps_the_snapshot(awx: Awx) -> None:
    check = awx.run(CHECK)
    before = awx.state()
    apply = awx.run(APPLY, **check.stats, hardened_baseline_artifacts_publish="")
    assert apply.rc == 2
    assert awx.state() == before
    assert "hardened_baseline_artifacts_publish" in apply.stdout


@TWO
def test_on_another_machine(awx: Awx) -> None:
    job = awx.job(CHECK)
    done = job.run_elsewhere()
    assert (done.rc, done.status) == (0, "successful"), done.stdout
    awx.assert_discreet(done)
    assert not job.directory.exists()
    assert awx.plans() == ["contoso", "fabrikam"]
    assert {event["event_data"].get("host") for event in done.events} >= {"contoso", "fabrikam"}


@pytest.mark.organizations("contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com", "tailspin.onmicrosoft.com")
def test_slices_take_each_organization_once(awx: Awx) -> None:
    seen: list[str] = []
    for number in (1, 2):
        done = awx.run(CHECK, inventory=sliced(awx.inventory(), number, 2), awx_job_slice_number=number, awx_job_slice_count=2)
        assert done.rc == 0, done.stdout
        (final,) = [event["event_data"] for event in done.events if event["event"] == "playbook_on_stats"]
        seen += sorted(final["ok"])
    assert sorted(host for host in seen if host != "localhost") == ["contoso", "fabrikam", "tailspin"]
    # The plans of all slices are kept side by side.
    assert awx.plans() == ["contoso", "fabrikam", "tailspin"]
