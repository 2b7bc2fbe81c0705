# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's jobs on emulated organizations, which share a git repository and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.emulator.emulator import Emulator

from .awx import Done, Inventory, Job, configuration, named
from .tenant import WIRES, lasting

CERTIFICATE = "Exchange Online application (certificate)"
SECRET = "Exchange Online application (client secret)"
HOST = "Exchange management host (PSRP)"
GIT = "Message encryption artifacts (git)"
CHECK, PLANS, APPLY, AUDIT, REPORT, ROLL_BACK, PREVIEW, NOT_APPROVED = (
    f"Message encryption - {name}"
    for name in ("check", "plans", "apply", "audit", "report", "roll back", "preview a rollback", "not approved")
)
CHANGE, EVERY_NIGHT = (f"Message encryption - {name}" for name in ("change", "every night"))
#: Where the artifacts are. Git of these tests takes a folder for it.
REPOSITORY = "https://git.example.com/mail/message-encryption.git"

# What the inventory says in other tests and a credential says in AWX.
FROM_CREDENTIALS = {
    "ansible_exchange_client_id",
    "ansible_exchange_certificate_path",
    "ansible_exchange_certificate_thumbprint",
    "ansible_user",
    "ansible_password",
}


def certificate(organization: Mapping[str, Any]) -> dict[str, str]:
    return {
        "client_id": organization["client_id"],
        "certificate": Path(organization["certificate_path"]).read_text(encoding="utf-8"),
    }


def encrypted_certificate(organization: Mapping[str, Any]) -> dict[str, str]:
    """The same with a password on the private key."""
    done = subprocess.run(
        [
            "openssl",
            "pkcs12",
            "-in",
            organization["certificate_pfx_path"],
            "-passin",
            "stdin",
            "-passout",
            "pass:Op3n-sesame!",
        ],
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


class Awx:
    """Jobs on the emulated organizations, which share a git repository and nothing else."""

    def __init__(self, directory: Path, emulator: Emulator) -> None:
        self.directory = directory
        self.emulator = emulator
        self.described = emulator.describe()
        self.repository = directory / "artifacts.git"
        (directory / "home").mkdir()
        (directory / "home/.gitconfig").write_text(
            f'[url "{self.repository}"]\n\tinsteadOf = {REPOSITORY}\n', encoding="utf-8"
        )
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.repository)], check=True)
        self._number = 40
        # One application for all organizations, as one credential has it.
        application = emulator.applications[self.described["organizations"][0]["name"]]
        application.tenants |= {organization.tenant_id for organization in emulator.organizations.values()}

    def inventory(self, wire: str = "rest") -> dict[str, Any]:
        hosts = {
            organization["name"].partition(".")[0]: {
                name: value
                for name, value in WIRES[wire](self.described, organization).items()
                if name not in FROM_CREDENTIALS
            }
            for organization in self.described["organizations"]
        }
        return {
            "exchange_organizations": {
                "hosts": hosts,
                "vars": {"ansible_connection": "m365.message_encryption.exchange"},
            }
        }

    def credentials(self, template: str, kind: str = CERTIFICATE) -> list[tuple[str, Mapping[str, Any]]]:
        """The credentials of a job template, those for Exchange of this type."""
        make = {CERTIFICATE: certificate, SECRET: client_secret, HOST: management_host}[kind]
        exchange = (kind, make(self.described["organizations"][0]))
        git = (GIT, {"url": REPOSITORY, "username": "ansible", "token": "git-T0ken"})
        return [
            git if name == "Message encryption artifacts" else exchange
            for name in named(configuration()["controller_templates"], template)["credentials"]
        ]

    def job(
        self,
        template: str,
        kind: str = CERTIFICATE,
        *,
        inventory: Mapping[str, Any] | None = None,
        tags: str = "",
        **variables: Any,
    ) -> Job:
        number = self.number()
        return Job(
            directory=self.directory / f"job-{number}",
            home=self.directory / "home",
            inventory=Inventory.of(inventory or self.inventory("psrp" if kind == HOST else "rest")),
            credentials=self.credentials(template, kind),
            template=template,
            variables=variables,
            tags=tags,
            number=number,
        )

    def number(self) -> int:
        """The number of the next job."""
        self._number += 1
        return self._number

    def run(self, template: str, kind: str = CERTIFICATE, job_type: str = "", **variables: Any) -> Done:
        """Run a job, see that it gave nothing away, and throw its directory away."""
        return self.run_job(replace(self.job(template, kind, **variables), job_type=job_type))

    def run_job(self, job: Job) -> Done:
        """The same for a job that is made already."""
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
            for secret in (
                organization["client_secret"],
                organization["psrp_password"],
                organization["certificate_password"],
                key,
                "git-T0ken",
            ):
                assert secret not in recorded

    def state(self) -> dict[str, Any]:
        return {name: lasting(organization.dump()) for name, organization in self.emulator.organizations.items()}

    def kept(self, path: str = "") -> list[str]:
        done = subprocess.run(
            ["git", "ls-tree", "-r", "--name-only", "main"],
            cwd=self.repository,
            capture_output=True,
            text=True,
            check=True,
        )
        return [name for name in done.stdout.splitlines() if path in name]

    def has_kept(self) -> bool:
        """Whether the repository has a commit."""
        return (
            subprocess.run(
                ["git", "rev-parse", "--verify", "--quiet", "main"],
                cwd=self.repository,
                capture_output=True,
                check=False,
            ).returncode
            == 0
        )

    def plans(self) -> list[str]:
        """The organizations whose plans are kept."""
        return sorted({name.rsplit("/", 2)[1] for name in self.kept("/plan.json")})

    def newest(self, path: str) -> Any:
        """A JSON file of the newest run."""
        return json.loads(self.read(f"runs/{self.read('latest').strip()}/{path}"))[0]

    def git(self, *arguments: str, cwd: Path) -> None:
        """What somebody does who may push."""
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com", "-c", "commit.gpgSign=false"]
        subprocess.run(["git", *who, *arguments], cwd=cwd, capture_output=True, check=True)

    def read(self, path: str) -> str:
        return subprocess.run(
            ["git", "show", f"main:{path}"], cwd=self.repository, capture_output=True, text=True, check=True
        ).stdout
