# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``psrp``: PowerShell remoting with pypsrp, to a management host or to an endpoint that has the cmdlets.

Private to the collection. One object a session, used under the session's lock; it makes one try at a time. The pool is
opened when a try needs it, and given up after anything that leaves it in doubt.

Several reads travel as the statements of one pipeline. What they return comes in one stream, so between two of them a
marker is asked for: ``Get-Command -Name Get-Command``, which every session has. A statement whose turn did not come,
because an earlier one ended the pipeline, is run again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS, Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AuthenticationError,
    CmdletNotAvailableError,
    ExchangeError,
    InvalidValueError,
    ProtocolError,
    ServiceError,
    ThrottledError,
    UnreachableError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml, refusals
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import pypsrp as _pypsrp
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.libraries import requests, urllib3
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.network_failures import Names, lost
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure, Outcome

try:
    from pypsrp.exceptions import AuthenticationError as Refused
    from pypsrp.exceptions import WinRMTransportError, WSManFaultError
except ImportError:  # the session broker says so before any of it is used
    pass

_MARKER = Call("Get-Command", {"Name": "Get-Command"})
_NAMES = Names("ansible_psrp_ca_cert", "ansible_host", "ansible_psrp_proxy", "Perhaps ansible_psrp_read_timeout is short.")
_SHELL_GONE = 2150858843
_ACCESS_DENIED = 5
#: Seconds that each step of the farewell may take.
_CLOSE_TIMEOUT = 3


class PsrpTransport:
    """One organization over PowerShell remoting.

    :param identity: a connection identity for ``psrp``.
    """

    name = "psrp"

    def __init__(self, identity: Mapping[str, Any]) -> None:
        self._identity = identity
        self._psrp: Mapping[str, Any] = identity["psrp"]
        self._command_timeout = float(identity["command_timeout"])
        self._pool: _pypsrp.Pool | None = None
        self._busy = False

    @property
    def endpoint(self) -> str:
        """Where the session is, for people."""
        psrp = self._psrp
        return f"{'https' if psrp['ssl'] else 'http'}://{psrp['server']}:{psrp['port']}/{psrp['path']} ({psrp['configuration_name']})"

    def attempt(self, calls: Sequence[Call]) -> list[Outcome]:
        """One try of the calls: several reads, or one write."""
        try:
            pool = self._open()
        except _Unopened as unopened:
            return [unopened.failure for _call in calls]
        outcomes: list[Outcome] = []
        self._busy = True
        try:
            while len(outcomes) < len(calls):
                # Each pipeline answers for one call at least, so this ends.
                outcomes += self._pipeline(pool, calls[len(outcomes) :])
        except Exception as error:  # pypsrp raises whatever its own parts raise
            failure = self._failure(error)
            self._give_up()
            outcomes += [failure] * (len(calls) - len(outcomes))
        finally:
            self._busy = False
        return outcomes

    def close(self) -> None:
        """Disconnects, and removes the shell from the host. Raises nothing, takes seconds at most."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            # The runspace of a call that still runs takes no other command; removing its shell ends both.
            if self._psrp["connect"] == "exchange_online" and not self._busy:
                pool.run([Call("Disconnect-ExchangeOnline", {"Confirm": False})], timeout=_CLOSE_TIMEOUT)
        except Exception:  # noqa: S110 (the other side ends it by itself, later)
            pass
        finally:
            pool.close(_CLOSE_TIMEOUT)

    def _open(self) -> _pypsrp.Pool:
        """The pool, opened and connected to Exchange.

        :raises _Unopened: it could not be; nothing was carried out.
        """
        if self._pool is not None:
            return self._pool
        pool = None
        try:
            pool = _pypsrp.Pool(self._psrp, tries=self._identity["retries"])
            pool.open()
            if self._psrp["connect"] == "exchange_online":
                self._connect(pool)
        except Exception as error:  # pypsrp raises whatever its own parts raise
            if pool is not None:
                pool.close(_CLOSE_TIMEOUT)
            failure = error.failure if isinstance(error, _Unopened) else self._failure(error)
            failed = failure.error
            if not isinstance(failed, UnreachableError):
                failed = UnreachableError(f"no session could be opened at {self._where()}: {failed.message}", remedy=failed.remedy, error_id=failed.error_id)
            raise _Unopened(Failure(failed, Executed.NO, failure.retryable)) from None
        self._pool = pool
        return pool

    def _connect(self, pool: _pypsrp.Pool) -> None:
        """Connect-ExchangeOnline, once a session.

        :raises _Unopened: it failed.
        """
        credential = self._identity["credential"]
        parameters: dict[str, Any] = {
            "Organization": self._identity["organization"],
            "CommandName": list(CMDLETS),
            "ShowBanner": False,
            "SkipLoadingFormatData": True,
        }
        if self._identity["environment"] != "O365Default":
            parameters["ExchangeEnvironmentName"] = self._identity["environment"]
        kind = credential["kind"]
        if kind == "managed_identity":
            parameters["ManagedIdentity"] = True
            if credential["client_id"]:
                parameters["ManagedIdentityAccountId"] = credential["client_id"]
        elif kind == "access_token":
            parameters["AccessToken"] = credential["access_token"]
        else:
            name = "CertificateThumbprint" if kind == "certificate_thumbprint" else "CertificateFilePath"
            parameters |= {"AppId": credential["client_id"], name: credential[kind]}
        secret = {"CertificatePassword": credential["certificate_password"]} if "certificate_password" in credential else {}
        run = pool.run([Call("Connect-ExchangeOnline", parameters)], timeout=self._command_timeout, secret=secret)
        if not run.errors:
            return
        error = _told(run.errors[0][1], Call("Connect-ExchangeOnline"))
        if isinstance(error, CmdletNotAvailableError) and not error.message.startswith("A parameter"):
            failed = UnreachableError(
                f"{self._where()} has no Connect-ExchangeOnline.",
                remedy="Install the module ExchangeOnlineManagement there, or set ansible_exchange_psrp_connect: none where the session has the cmdlets.",
            )
        else:
            failed = AuthenticationError(
                f"Connect-ExchangeOnline failed: {error.message}",
                remedy="Check ansible_exchange_organization, ansible_exchange_client_id and the certificate, which are those of the management host.",
                error_id=error.error_id,
            )
        raise _Unopened(Failure(failed, Executed.NO, retryable=isinstance(error, (ServiceError, ThrottledError))))

    def _pipeline(self, pool: _pypsrp.Pool, calls: Sequence[Call]) -> list[Outcome]:
        """Runs calls as the statements of one pipeline; the outcomes of those whose turn came."""
        statements: list[Call] = []
        for call in calls:
            statements += [_MARKER, call] if statements else [call]
        try:
            run = pool.run(statements, timeout=self._command_timeout)
        except clixml.ValueTooLargeError as error:
            return [Result(error=InvalidValueError(f"{error}.", cmdlet=calls[0].cmdlet))]
        answers: list[_Answer] = [_Answer()]
        for kind, item in run.events:
            if kind == "output" and isinstance(item, dict) and _is_marker(item) and len(answers) < len(calls):
                answers.append(_Answer())
            elif kind == "output":
                answers[-1].objects.append(item)
            elif kind == "warning":
                answers[-1].warnings.append(item)
            elif item.activity != _MARKER.cmdlet or calls[len(answers) - 1].cmdlet.lower() == _MARKER.cmdlet.lower():
                answers[-1].errors.append(item)
        if not run.failed and len(answers) < len(calls):
            # It ended well, and yet without all markers: this endpoint doesn't have them, and only a pipeline of one call can be understood.
            return self._pipeline(pool, calls[:1])
        if run.failed and not answers[-1].errors and len(calls) > 1:
            return self._pipeline(pool, calls[:1])
        return [self._outcome(call, answer, run.failed and answer is answers[-1]) for call, answer in zip(calls, answers, strict=False)]

    def _outcome(self, call: Call, answer: _Answer, failed: bool) -> Outcome:
        errors = answer.errors
        if call.cmdlet.lower() == "get-command":
            # It reports each name that the session does not have.
            errors = [error for error in errors if "CommandNotFound" not in error.error_id + error.exception_type]
            answer.objects = [{"Name": item.get("Name")} if isinstance(item, dict) else item for item in answer.objects]
        if errors:
            error = _told(errors[0], call)
            if isinstance(error, ThrottledError):
                return Failure(error, Executed.NO)
            if isinstance(error, ServiceError):
                return Failure(error, Executed.UNKNOWN)
            return Result(error=error, warnings=answer.warnings)
        garbled = next((item for item in answer.objects if not isinstance(item, dict)), None)
        if garbled is not None:
            return Failure(ProtocolError(f"an object came that cannot be read: {garbled}."), Executed.UNKNOWN)
        if failed and not answer.errors:
            return Failure(ProtocolError("the pipeline failed and did not say why."), Executed.UNKNOWN)
        return Result(objects=answer.objects, warnings=answer.warnings)

    def _give_up(self) -> None:
        """Leaves a pool that is in doubt. Its shell may still run a statement, so nothing more is sent into it."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close(_CLOSE_TIMEOUT)

    def _failure(self, error: Exception) -> Failure:
        """What an exception means for the calls. Once a pipeline has begun, nothing tells that it was not carried out."""
        failure = self._meaning(error)
        return replace(failure, executed=Executed.UNKNOWN) if getattr(error, "running", False) else failure

    def _meaning(self, error: Exception) -> Failure:
        if isinstance(error, Refused):
            return Failure(self._refused(), Executed.NO, retryable=False)
        if isinstance(error, _pypsrp.TooSlowError):
            return Failure(ServiceError("the cmdlet did not end in time.", remedy="Perhaps ansible_exchange_command_timeout is short."), Executed.UNKNOWN)
        if isinstance(error, WSManFaultError):
            reason = " ".join(str(error.reason or error.provider_fault or f"fault {error.code}").split())
            if error.code == _SHELL_GONE:
                return Failure(ServiceError("the remote session has ended."), Executed.NO)
            if error.code == _ACCESS_DENIED:
                return Failure(self._refused(), Executed.NO, retryable=False)
            remedy = "Check ansible_psrp_configuration_name and the rights of the user."
            return Failure(ServiceError(f"{self._where()} answered: {reason}", remedy=remedy, error_id=str(error.code)), Executed.UNKNOWN)
        if isinstance(error, WinRMTransportError):
            text = f"{self._where()} answered HTTP {error.code}."
            executed = Executed.NO if error.code == 429 else Executed.UNKNOWN
            retryable = error.code in (408, 425, 429) or error.code >= 500
            return Failure(ServiceError(text, remedy="Check ansible_psrp_path and ansible_psrp_port."), executed, retryable)
        if isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError, OSError)):
            return lost(error, self._where(), _NAMES)
        if isinstance(error, ImportError) or "not installed" in str(error):
            missing = UnreachableError(
                f"ansible_psrp_auth: {self._psrp['auth']} needs a Python library that is not installed.", remedy="Install pypsrp with its extra of that name."
            )
            return Failure(missing, Executed.NO, retryable=False)
        if type(error).__module__.startswith("spnego"):
            return Failure(self._refused(), Executed.NO, retryable=False)
        return Failure(ProtocolError(f"{self._where()} sent what cannot be understood ({type(error).__name__})."), Executed.UNKNOWN)

    def _refused(self) -> AuthenticationError:
        psrp, origins = self._psrp, self._psrp["origins"]
        who = f"the user {psrp['username']} (from {origins['username']})" if psrp["username"] else "the caller"
        places = [place for place in (origins["username"], origins["password"], "ansible_psrp_auth") if place]
        return AuthenticationError(
            f"{self._where()} refuses {who} with {psrp['auth']} authentication.",
            remedy=f"Check {', '.join(places)}; a variable that is meant for other hosts may apply here too, and ansible_psrp_user beats ansible_user.",
        )

    def _where(self) -> str:
        origin = self._psrp["origins"]["server"]
        return f"{self._psrp['server']}:{self._psrp['port']}" + (f" (from {origin})" if origin else "")


class _Unopened(Exception):
    """There is no session."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


class _Answer:
    """What came between two markers."""

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self.warnings: list[str] = []
        self.errors: list[_pypsrp.RemoteError] = []


def _is_marker(item: Mapping[str, Any]) -> bool:
    return item.get("Name") == _MARKER.cmdlet and "CommandType" in item


def _told(error: _pypsrp.RemoteError, call: Call) -> ExchangeError:
    """The error of an error record. The module on a management host puts the service's own id and type into the text."""
    error_id, exception_type, text = refusals.parts(error.message)
    if not exception_type:
        match = re.search(r"FailureCategory=[A-Za-z]+-(\w+)", error.error_id)
        exception_type = match[1] if match and error.exception_type in ("", "System.Exception") else error.exception_type
    return refusals.classify(text, exception_type=exception_type, error_id=error_id or error.error_id, cmdlet=call.cmdlet)
