# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator: organizations, their application registrations, and the listening ports in front of them."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import Encoding

from .authority import COMPLIANCE, Application, Authority, register
from .compliance import ComplianceApi
from .console import HOST, Console
from .control import Control
from .engine import Engine, EngineShell
from .faults import Fault, Faults
from .graph import Graph
from .ledger import Entry
from .module_service import ModuleService
from .organization import Organization
from .own_processes import OwnProcesses
from .post_office.smtp import SmtpFront
from .psrp import PsrpFront
from .rest import AdminApi
from .service import Service
from .shell import Shell
from .web import Answer, Front, Request

_ADDRESSES = ("127.0.0.1", "localhost")
COMPLIANCE_NAMES = (*_ADDRESSES, *(name for front in COMPLIANCE for name in (front, f"*.{front}")))


class Emulator:
    """Runs from construction (or ``with``) until :meth:`close`.

    :param organizations: names, states (see ``organization.default_state``) or Organization objects.
    :param directory: where the CA, the credentials and ``emulator.json`` are written; a temporary one when left out.
    :param port: of the REST front; 0 takes a free one.
    :param latency: seconds that each round trip with cmdlets takes.
    :param faults: the first schedule; see ``faults.Fault``.
    :param engine: a real PowerShell, which then serves the configuration ``PowerShell.7`` and those that
        :meth:`register` names.
    """

    def __init__(
        self,
        organizations: Iterable[str | Mapping[str, Any] | Organization] = ("contoso.onmicrosoft.com",),
        *,
        directory: Path | str | None = None,
        port: int = 0,
        latency: float = 0.0,
        faults: Iterable[Fault | Mapping[str, Any]] = (),
        engine: Engine | None = None,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="exchange-emulator-") if directory is None else None
        self.directory = Path(directory or self._temporary.name)  # type: ignore[union-attr]
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.service = Service(map(_organization, organizations))
        self.service.faults.set(faults)
        self.service.ledger.latency = latency
        self.applications: dict[str, Application] = {
            name: register(organization) for name, organization in self.organizations.items()
        }
        self.authority = Authority(self.service, self.applications.values())
        self.admin_api = AdminApi(self.service, self.authority)
        self.graph = Graph(self.service, self.authority)
        self.compliance = ComplianceApi(self.service, self.authority)
        self.latency = latency
        self.control = Control(self)
        self._authority_of_certificates = trustme.CA()
        self.ca_cert = self.directory / "ca.pem"
        self._authority_of_certificates.cert_pem.write_to_path(str(self.ca_cert))
        self.front = Front(self._handle, tls=self.tls_settings(), port=port)
        self.authority.url = self.admin_api.url = self.graph.url = self.front.url
        # One port for the front and every place behind it: the name in a request tells which.
        self.compliance_front = Front(self._handle_compliance, tls=self.tls_settings(names=COMPLIANCE_NAMES))
        self.compliance.url = self.compliance_front.url
        self._passwords = {name: secrets.token_urlsafe(18) for name in self.organizations}
        self.psrp = self._psrp_front()
        self.psrp_front = Front(self.psrp.handle, tls=self._psrp_tls_settings())
        self.psrp_plain_front = Front(self.psrp.handle, tls=None)
        account = {"user": "prober@outside.invalid", "password": secrets.token_urlsafe(18)}
        self.smtp_front = SmtpFront(self.service, self.front.tls, implicit=False, **account)
        self.smtp_tls_front = SmtpFront(self.service, self.front.tls, implicit=True, **account)
        self._engine = engine
        self.module_front: Front | None = None
        self.own_processes = OwnProcesses(self._own_console, self.service.faults, self.service.ledger)
        if engine is not None:
            self.module_front = Front(ModuleService(self._console_of, self.own_processes).handle, tls=None)
            self.own_processes.program(self.program, engine, self.module_front.url)
            self.register("PowerShell.7")
        self._write_credentials()

    # What tests look at

    @property
    def url(self) -> str:
        """Of the admin API and of the authority."""
        return self.front.url

    @property
    def organizations(self) -> dict[str, Organization]:
        return self.service.organizations

    @property
    def calls(self) -> list[Entry]:
        return self.service.ledger.calls

    @property
    def round_trips(self) -> int:
        return self.service.ledger.round_trips

    @property
    def faults(self) -> Faults:
        """The schedule in force: ``.set([...])``, ``.clear()``, ``.struck``."""
        return self.service.faults

    @property
    def sessions(self) -> dict[str, int]:
        """Shells that are open now, and sessions that Connect-ExchangeOnline opened and nobody has ended."""
        return self.psrp.sessions

    def register(self, name: str, configuration: Path | None = None) -> None:
        """A session configuration of the real PowerShell, as Register-PSSessionConfiguration makes one.

        :param name: what clients name it by.
        :param configuration: its file (``.pssc``); none makes sessions without constraints.
        """
        engine, front = self._engine, self.module_front
        assert engine is not None, "an emulator without a PowerShell has its own configurations only"
        assert front is not None

        def shell(shell_id: str, organization: Organization) -> Shell:
            console = self._console(HOST, organization)
            return EngineShell(
                shell_id, console, self.service.ledger, engine, self.directory, configuration, front.url, self.psrp.kill
            )

        self.psrp.endpoints[name.lower()] = shell

    @property
    def program(self) -> Path:
        """The PowerShell for clients that start their own, where there is an engine."""
        return self.directory / "pwsh"

    def drop_connections(self) -> None:
        """Closes every open connection, in mid-answer if need be."""
        for front in (self.front, self.psrp_front, self.psrp_plain_front):
            front.drop_connections()

    def change_certificate(self, *, trusted: bool = True) -> None:
        """New server certificates on every TLS port; an untrusted one comes from an authority that nobody knows."""
        ca = None if trusted else trustme.CA()
        self.front.tls = self.tls_settings(ca=ca)
        self.psrp_front.tls = self._psrp_tls_settings(ca=ca)
        self.smtp_front.tls = self.smtp_tls_front.tls = self.tls_settings(ca=ca)
        self.drop_connections()

    def reset(self) -> None:
        """Forgets calls, counters, faults and their effects. Organizations stay as they are."""
        self.service.ledger.reset()
        self.service.faults.clear()
        self.service.forget_lags()
        self.authority.forgive()

    def token(self, organization: str | None = None) -> str:
        """An access token for an organization (the first one when left out), as somebody else would have fetched it."""
        found = self.organizations[organization] if organization else next(iter(self.organizations.values()))
        return self.authority.issue(self.applications[found.name], found)

    def describe(self) -> dict[str, Any]:
        """What ``emulator.json`` holds."""
        return {
            "pid": os.getpid(),
            "api_url": self.url,
            "authority_url": self.url,
            "compliance_url": self.compliance_front.url,
            "control_url": f"{self.url}/emulator",
            "ca_cert": str(self.ca_cert),
            "powershell_path": str(self.program),
            "psrp": {"host": "127.0.0.1", "port": self.psrp_front.port, "http_port": self.psrp_plain_front.port},
            "smtp": {
                "host": "127.0.0.1",
                "port": self.smtp_front.port,
                "tls_port": self.smtp_tls_front.port,
                "user": self.smtp_front.user,
                "password": self.smtp_front.password,
            },
            "organizations": [
                {
                    "name": name,
                    "tenant_id": organization.tenant_id,
                    "client_id": self.applications[name].client_id,
                    "client_secret": self.applications[name].client_secret,
                    "certificate_path": str(self._path(name, "pem")),
                    "certificate_pfx_path": str(self._path(name, "pfx")),
                    "certificate_password": self.applications[name].certificate_password,
                    "certificate_thumbprint": self.applications[name].thumbprint,
                    "federated_token_file": str(self._path(name, "jwt")),
                    "psrp_user": _user(name),
                    "psrp_password": self._passwords[name],
                }
                for name, organization in self.organizations.items()
            ],
        }

    # The service

    def _handle(self, request: Request) -> Answer:
        answer = self.control.handle(request) or self.authority.handle(request) or self.graph.handle(request)
        if answer is None:
            answer = self.admin_api.handle(request)
            if answer is not None:
                answer.delay += self.latency
        return answer or Answer(404, b"")

    def _handle_compliance(self, request: Request) -> Answer:
        answer = self.compliance.handle(request)
        if answer is not None:
            answer.delay += self.latency
        return answer or Answer(404, b"")

    def tls_settings(self, *, ca: trustme.CA | None = None, names: Iterable[str] = _ADDRESSES) -> ssl.SSLContext:
        """The TLS settings of a front; with another ``ca``, those of a server that the clients do not trust."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (ca or self._authority_of_certificates).issue_cert(*names).configure_cert(context)
        return context

    def _psrp_front(self) -> PsrpFront:
        accounts = {
            _user(name): (self._passwords[name], organization) for name, organization in self.organizations.items()
        }
        certificates = {
            self.applications[name].certificate.public_bytes(Encoding.DER): organization
            for name, organization in self.organizations.items()
        }
        front = PsrpFront(self.service, accounts, certificates, self._console)
        front.latency = self.latency
        return front

    def _console(self, configuration: str, organization: Organization, *, wire: str = "psrp") -> Console:
        files = {str(self._path(name, "pfx")): application.client_id for name, application in self.applications.items()}
        return Console(self.service, self.applications, files, configuration, organization, self.authority, wire)

    def _own_console(self) -> Console:
        return self._console(HOST, next(iter(self.organizations.values())), wire="powershell")

    def _console_of(self, shell_id: str) -> Console | None:
        shell = self.psrp.shell(shell_id)
        return shell.console if shell is not None else self.own_processes.console(shell_id)

    def _psrp_tls_settings(self, *, ca: trustme.CA | None = None) -> ssl.SSLContext:
        context = self.tls_settings(ca=ca)
        context.verify_mode = ssl.CERT_OPTIONAL
        for application in self.applications.values():
            context.load_verify_locations(cadata=application.certificate.public_bytes(Encoding.PEM).decode())
        return context

    def _path(self, name: str, suffix: str) -> Path:
        return self.directory / f"{name}.{suffix}"

    def _write_credentials(self) -> None:
        for name, application in self.applications.items():
            contents = {"pem": application.pem, "pfx": application.pfx, "jwt": application.federated_token().encode()}
            for suffix, content in contents.items():
                _write_private(self._path(name, suffix), content)
        _write_private(self.directory / "emulator.json", json.dumps(self.describe(), indent=2).encode() + b"\n")

    def close(self) -> None:
        self.psrp.kill_shells()
        self.own_processes.kill()
        for front in (
            self.front,
            self.psrp_front,
            self.psrp_plain_front,
            self.smtp_front,
            self.smtp_tls_front,
            self.compliance_front,
            *((self.module_front,) if self.module_front else ()),
        ):
            front.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _organization(given: str | Mapping[str, Any] | Organization) -> Organization:
    if isinstance(given, Organization):
        return given
    return Organization({"name": given} if isinstance(given, str) else given)


def _user(name: str) -> str:
    return f"svc-ansible@{name}"


def _write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, so that who waits for the file never reads half of it."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(content)
    draft.chmod(0o600)
    draft.replace(path)
