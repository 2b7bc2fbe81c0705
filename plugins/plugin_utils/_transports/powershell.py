# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``powershell``: Microsoft's module in a PowerShell process beside ansible-playbook.

Each session has one process. The module connects once, with a token from msal that it cannot
renew, so a session ends with its token. Sources: the module's documentation of Connect-ExchangeOnline;
docs/docsite/rst/fidelity.rst, "The wires".
"""

from __future__ import annotations

import contextlib
import os
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...module_utils._exchange.cmdlet import Call
from ...module_utils._exchange.errors import NotSentError, ServiceError, TokenRefusedError, UnreachableError
from . import pypsrp as _pypsrp
from .admin_api import MODULE_VERSION
from .limits import TooSlowError
from .module_connection import ConnectRemedies
from .module_service import EXCHANGE
from .network_failures import Names
from .packet_stream import ProcessGoneError
from .process_line import ProcessLine
from .process_pool_limit import NobodyWaitsError
from .processes import Processes, StartError
from .psrp_answers import answers_of, statements
from .records import RemoteError
from .remote_failures import RemoteFailures
from .remoting import RemotingTransport
from .retry import Executed, FailedError, Failure
from .token_renewal import TokenRenewal
from .with_credential import WithCredential, from_authority

MODULE = "ExchangeOnlineManagement"
#: Version of the module to the oldest PowerShell that it supports. Source: the module's release notes.
OLDEST = {(3, 10): (7, 6), (0,): (7, 4)}
#: Seconds for the question whether a refused caller was redirected.
_PROBE_TIMEOUT = 10
_INSTALL = f"pwsh -Command Install-PSResource {MODULE} -TrustRepository"


_NAMES = Names(
    "ansible_exchange_ca_cert",
    "ansible_exchange_authority_url",
    "ansible_exchange_proxy",
    "ansible_exchange_command_timeout may be too short.",
)


class ProcessFailures(RemoteFailures):
    """The failures of a PowerShell process.

    :param program: the path of PowerShell.
    """

    def __init__(self, program: str) -> None:
        super().__init__(f"PowerShell ({program})", _NAMES)
        self._program = program
        #: Whether the process is being started, so that it has run nothing.
        self.is_opening = False

    def meaning(self, error: Exception) -> Failure:
        """What an exception means, independent of the pipeline's progress."""
        if isinstance(error, StartError):
            missing = UnreachableError(
                f"PowerShell cannot be started where ansible-playbook runs: {error}.",
                remedy="Install PowerShell 7.4 or newer, or set ansible_exchange_powershell_path to its path.",
            )
            return Failure(missing, Executed.NO, retryable=False)
        if isinstance(error, ProcessGoneError):
            if self.is_opening:
                remedy = f"Run {self._program} -NoProfile there manually. It needs 414 MB of memory and the libraries in its installation guide."
                return Failure(
                    UnreachableError(f"{self.where} did not start: {error}", remedy=remedy),
                    Executed.NO,
                    retryable=False,
                )
            lost_it = ServiceError(
                f"{self.where} was lost: {error}", remedy="If it happens again, check the memory limits."
            )
            return Failure(lost_it, Executed.UNKNOWN if error.sent else Executed.NO)
        if isinstance(error, TooSlowError) and self.is_opening:
            slow = UnreachableError(f"{self.where} did not start in time.", remedy=self.names.late)
            return Failure(slow, Executed.NO, retryable=False)
        return super().meaning(error)


class PowershellTransport(WithCredential, RemotingTransport):
    """One organization in a PowerShell process.

    :param identity: a connection identity for ``powershell``.
    :param processes: the processes of this run.
    """

    name = "powershell"
    _remedies = ConnectRemedies(
        Names("ansible_exchange_ca_cert", "ansible_exchange_environment", "ansible_exchange_proxy", ""),
        no_module=f"Install it: {_INSTALL}",
        no_access="Check ansible_exchange_organization, ansible_exchange_client_id, and the Exchange role of the application.",
    )
    _connects = True

    def __init__(self, identity: Mapping[str, Any], processes: Processes) -> None:
        WithCredential.__init__(self, identity)
        self._program: str = identity["powershell"]["path"]
        self._process_failures = ProcessFailures(self._program)
        renewal = TokenRenewal(identity["credential"]["kind"] != "access_token", self._credential.forget)
        RemotingTransport.__init__(self, identity, self._process_failures, renewal)
        self._processes = processes
        self._most: int = identity["powershell"]["processes"]
        #: Set if the system has no ICU library, which PowerShell can run without.
        self._is_invariant = False

    @property
    def endpoint(self) -> str:
        """The place of the session, for people."""
        return f"{MODULE} in {self._program}"

    @property
    def is_closed(self) -> bool:
        """Whether the next try starts a process, because there is none or its token is about to expire."""
        return self._pool is None or self._credential.ends_soon

    @property
    def has_process(self) -> bool:
        """Whether it has a process now."""
        return self._pool is not None

    @contextlib.contextmanager
    def turn(self, wanted: Callable[[], bool], log: Callable[[str], None]) -> Iterator[None]:
        """Waits for a free place for a process. The time limit of a call starts after that."""
        try:
            with self._processes.places.turn(self, self._most, wanted, log):
                yield
        except NobodyWaitsError:
            raise NotSentError("nobody waits for this call anymore.") from None

    def close(self) -> None:
        """Disconnects, and ends the process. Takes at most seconds; raises nothing."""
        super().close()
        self._processes.places.owner_ended(self)

    def _open(self) -> _pypsrp.Pool:
        if self._pool is not None and self._credential.ends_soon:
            super().close()
        return super()._open()

    def _new_pool(self) -> _pypsrp.Pool:
        from_authority(self._credential, self._credential.token, self._limits.call(self._command_timeout))
        child = self._processes.start(self._program, self._environment())
        return _pypsrp.Pool(ProcessLine(child, self._limits))

    def _opened(self) -> _pypsrp.Pool:
        self._process_failures.is_opening = True
        try:
            return super()._opened()
        except ProcessGoneError as gone:
            if "ICU" not in str(gone) or self._is_invariant:
                raise
            self._is_invariant = True
            return super()._opened()

    def _environment(self) -> dict[str, str]:
        """The module's environment variables. They contain no secrets: a proxy with a password was refused earlier."""
        rest = self._identity["rest"]
        environment = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"} if self._is_invariant else {}
        if rest["proxy"]:
            environment |= dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), rest["proxy"])
        if rest["ca_cert"]:
            environment["SSL_CERT_DIR" if os.path.isdir(rest["ca_cert"]) else "SSL_CERT_FILE"] = rest["ca_cert"]
        return environment

    def _prepare(self, pool: _pypsrp.Pool) -> None:
        self._process_failures.is_opening = False
        self._import(pool)
        # A person's token requires the person's name. Source: the documentation of Connect-ExchangeOnline.
        person = {"UserPrincipalName": self.user} if self.user else {}
        try:
            self._connect(pool, {"AccessToken": self._credential.token(), **person})
        except FailedError as failed:
            # To the compliance endpoint's places the module follows by itself. Of Exchange, .NET sends no Authorization to
            # another host, and the module says only that it is refused.
            is_refused = self._service is EXCHANGE and isinstance(failed.failure.error, TokenRefusedError)
            place = self._redirected_to() if is_refused else ""
            if not place:
                raise
            raise _unopened(
                f"Connect-ExchangeOnline failed: Exchange redirects Microsoft's module to {place}, where the module sends no token.",
                "Set ansible_exchange_transport: rest.",
            ) from None

    def _redirected_to(self) -> str:
        """The host that Exchange redirects to who asks for the module's cmdlets; empty if it redirects nobody, or does
        not answer.
        """
        url = f"{self._identity['rest']['api_url']}/adminapi/v1.0/{self._identity['organization']}/EXOModuleFile?Version={MODULE_VERSION}"
        headers = {"Authorization": f"Bearer {self._credential.token()}", "CommandName": "Get-OrganizationConfig"}
        try:
            with self._limits.call(_PROBE_TIMEOUT):
                response = self._http.get(url, headers=headers, timeout=_PROBE_TIMEOUT, allow_redirects=False)
                location = str(response.headers.get("Location") or "") if response.is_redirect else ""
                return urllib.parse.urlsplit(location).hostname or ""
        except Exception:  # the refusal itself is reported
            return ""

    def _import(self, pool: _pypsrp.Pool) -> None:
        """Loads the module.

        :raises FailedError: it is missing, cannot be loaded, or requires a newer PowerShell.
        """
        calls = [
            Call("Get-Variable", {"Name": "PSVersionTable", "ValueOnly": True}),
            Call("Import-Module", {"Name": MODULE, "PassThru": True}),
        ]
        answers, _withheld = answers_of(pool.run(statements(calls), timeout=self._command_timeout), calls)
        powershell = _text(answers[0].objects, "PSVersion")
        if len(answers) < len(calls) or not answers[1].ended:
            raise _unopened(
                f"Import-Module {MODULE} in {self._failures.where} ended prematurely.", "Run it there manually."
            )
        errors = answers[1].errors
        module = _text(answers[1].objects, "Version")
        if module and (least := _least(module)) > _numbers(powershell):
            wanted = ".".join(map(str, least))
            raise _unopened(
                f"{self._failures.where} has version {powershell}, but {MODULE} {module} requires {wanted} or newer.",
                f"Install PowerShell {wanted}, or set ansible_exchange_powershell_path to the path of a newer one.",
            )
        if errors:
            raise _unopened(*self._not_imported(errors[0], powershell))

    def _not_imported(self, record: RemoteError, powershell: str) -> tuple[str, str]:
        if record.error_id.startswith("Modules_ModuleNotFound"):
            return (
                f"{self._failures.where} does not have the module {MODULE}.",
                f"Install it where ansible-playbook runs: {_INSTALL}",
            )
        if record.reason == "MissingMemberException":
            required = re.search(r"'([\w.-]+)'", record.message)
            install = (
                f"Install it: pwsh -Command Install-PSResource {required[1]} -TrustRepository"
                if required
                else "Install what it requires."
            )
            return (
                f"the module {MODULE} in {self._failures.where} requires a module that is missing: {record.message}",
                install,
            )
        if record.error_id.startswith("Modules_InsufficientPowerShellVersion"):
            return (
                f"{self._failures.where} has version {powershell}, which is too old for its module {MODULE}: {record.message}",
                "Install a newer PowerShell.",
            )
        return (
            f"the module {MODULE} cannot be loaded in {self._failures.where} {powershell}: {record.message}",
            f"The module requires PowerShell 7.4, and from version 3.10 on PowerShell 7.6. To update the module: {_INSTALL} -Reinstall",
        )


def _unopened(message: str, remedy: str) -> FailedError:
    return FailedError(Failure(UnreachableError(message, remedy=remedy), Executed.NO, retryable=False))


def _text(objects: Sequence[Any], name: str) -> str:
    """A property of the first object as text; empty if there is none."""
    return str(objects[0].get(name) or "") if objects and isinstance(objects[0], dict) else ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _least(module: str) -> tuple[int, int]:
    """The oldest PowerShell that supports a version of the module."""
    return next(powershell for version, powershell in OLDEST.items() if _numbers(module) >= version)
