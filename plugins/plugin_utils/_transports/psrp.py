# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``psrp``: PowerShell remoting with pypsrp, to a management host or to an endpoint that has the cmdlets.

Private to the collection. One object a session, used under the session's lock; it makes one try at a time. The pool is
opened when a try needs it, and given up after anything that leaves it in doubt.

How the answers of several reads are told apart stands in ``psrp_answers``. A statement whose turn did not come, because an earlier
one ended the pipeline, is run again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS, Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AuthenticationError,
    CmdletNotAvailableError,
    InvalidValueError,
    ProtocolError,
    ServiceError,
    ThrottledError,
    UnreachableError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import clixml, refusals
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import pypsrp as _pypsrp
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.libraries import requests, urllib3
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.limits import CutError, RedirectedError, TooLargeError, TooSlowError
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.network_failures import Names, lost
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.psrp_answers import Answer, answers_of, outcome, statements, told
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure, Outcome

try:
    from pypsrp.exceptions import AuthenticationError as Refused
    from pypsrp.exceptions import WinRMTransportError, WSManFaultError
except ImportError:  # the session broker says so before any of it is used
    pass

_NAMES = Names("ansible_psrp_ca_cert", "ansible_host", "ansible_psrp_proxy", "ansible_psrp_read_timeout may be too short.")
_SHELL_GONE = 2150858843
_ACCESS_DENIED = 5
_CONFIGURATION = "Check ansible_psrp_configuration_name and the rights of the user."
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
        self._has_markers = True
        self._may_reconnect = True

    @property
    def endpoint(self) -> str:
        """Where the session is, for people."""
        psrp = self._psrp
        return f"{'https' if psrp['ssl'] else 'http'}://{psrp['server']}:{psrp['port']}/{psrp['path']} ({psrp['configuration_name']})"

    @property
    def is_closed(self) -> bool:
        """Whether the next try opens a shell, which may be another host's."""
        return self._pool is None

    @property
    def secrets(self) -> Sequence[str]:
        """Nothing is fetched: the host has the credential, or the identity."""
        return ()

    def attempt(self, calls: Sequence[Call]) -> list[Outcome]:
        """One try of the calls: several reads, or one write."""
        outcomes = self._attempt(calls)
        for index, call in enumerate(calls):
            if call.cmdlet.lower() == "get-omeconfiguration" and _is_opaque(outcomes[index]):
                outcomes[index] = self._read_anew(call, outcomes[index])
        return outcomes

    def _read_anew(self, call: Call, opaque: Outcome) -> Outcome:
        """A second look from a new connection: in a session that has read the IRM configuration, the module may fail at this cmdlet for good."""
        if self._psrp["connect"] != "exchange_online" or not self._may_reconnect:
            return opaque
        self.close()
        again = self._attempt([call])[0]
        self._may_reconnect = isinstance(again, Result) and again.error is None
        return again if isinstance(again, Result) else opaque

    def _attempt(self, calls: Sequence[Call]) -> list[Outcome]:
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
            pool.open(self._command_timeout)
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
        # A script in the way (exit, break) ends Connect-ExchangeOnline without an error, so the module is asked whether there is a connection.
        calls = [Call("Connect-ExchangeOnline", parameters), Call("Get-ConnectionInformation")]
        answers, _withheld = answers_of(pool.run(statements(calls), timeout=self._command_timeout, secret=secret), calls)
        connected = len(answers) < len(calls) or bool(answers[1].objects or answers[1].errors or not answers[1].ended)
        if answers[0].ended and not answers[0].errors and connected:
            return
        failed, retryable = self._not_connected(answers[0])
        raise _Unopened(Failure(failed, Executed.NO, retryable))

    def _not_connected(self, answer: Answer) -> tuple[UnreachableError, bool]:
        """Why Connect-ExchangeOnline did not connect, and whether another try may."""
        if not answer.errors:
            return UnreachableError(f"Connect-ExchangeOnline at {self._where()} ended prematurely.", remedy="Run it there manually."), True
        record = answer.errors[0]
        error = told(record, Call("Connect-ExchangeOnline"))
        if "CouldNotAutoloadMatchingModule" in record.error_id:
            failed = UnreachableError(
                f"the module of Connect-ExchangeOnline is installed at {self._where()} but cannot be loaded: {error.message}",
                remedy="Check the versions of PowerShell and ExchangeOnlineManagement there.",
            )
        elif "NamedParameterNotFound" in record.error_id:
            failed = UnreachableError(
                f"Connect-ExchangeOnline at {self._where()} does not accept a required parameter: {error.message}",
                remedy="Update the module ExchangeOnlineManagement there.",
            )
        elif isinstance(error, CmdletNotAvailableError):
            failed = UnreachableError(
                f"{self._where()} has no Connect-ExchangeOnline.",
                remedy="Install the module ExchangeOnlineManagement there, or set ansible_exchange_psrp_connect: none if the session already has the cmdlets.",
            )
        else:
            failed = AuthenticationError(
                f"Connect-ExchangeOnline failed: {error.message}",
                remedy="Check ansible_exchange_organization, ansible_exchange_client_id and the certificate on the management host.",
                error_id=error.error_id,
            )
        return failed, isinstance(error, (ServiceError, ThrottledError))

    def _pipeline(self, pool: _pypsrp.Pool, calls: Sequence[Call]) -> list[Outcome]:
        """Runs calls as the statements of one pipeline; the outcomes of those whose turn came, and of the first in any case."""
        if not self._has_markers:
            calls = calls[:1]
        try:
            run = pool.run(statements(calls), timeout=self._command_timeout)
        except clixml.ValueTooLargeError as error:
            return [Result(error=InvalidValueError(f"{error}.", cmdlet=calls[0].cmdlet))]
        answers, withheld = answers_of(run, calls)
        self._has_markers = self._has_markers and not withheld
        known = [answer for answer in answers if answer.ended] or answers[:1]
        return [outcome(call, answer) for call, answer in zip(calls, known, strict=False)]

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
        if isinstance(error, _pypsrp.BrokenError):
            text = " ".join(str(error).split()) or "no reason given"
            return Failure(ServiceError(f"the host reports: {text}", remedy=_CONFIGURATION), Executed.UNKNOWN, retryable=False)
        if isinstance(error, RedirectedError):
            text = f"{self._where()} redirects to {error}. The redirect is not followed, so that the credential is sent to no other host."
            return Failure(ProtocolError(text, remedy="Check ansible_host, ansible_port and ansible_psrp_path."), Executed.UNKNOWN, retryable=False)
        if isinstance(error, (TooLargeError, CutError)):
            return lost(error, self._where(), _NAMES)
        if isinstance(error, TooSlowError):
            return Failure(
                ServiceError("the cmdlet did not end in time.", remedy="ansible_exchange_command_timeout may be too short."), Executed.UNKNOWN, False
            )
        if isinstance(error, WSManFaultError):
            reason = " ".join(str(error.reason or error.provider_fault or f"fault {error.code}").split())
            if error.code == _SHELL_GONE:
                return Failure(ServiceError("the remote session ended."), Executed.NO)
            if error.code == _ACCESS_DENIED:
                return Failure(self._refused(), Executed.NO, retryable=False)
            return Failure(ServiceError(f"{self._where()} answered: {reason}", remedy=_CONFIGURATION, error_id=str(error.code)), Executed.UNKNOWN)
        if isinstance(error, WinRMTransportError):
            text = f"{self._where()} answered HTTP {error.code}."
            executed = Executed.NO if error.code == 429 else Executed.UNKNOWN
            retryable = error.code in (408, 425, 429) or error.code >= 500
            return Failure(ServiceError(text, remedy="Check ansible_psrp_path and ansible_psrp_port."), executed, retryable)
        if isinstance(error, (requests.RequestException, urllib3.exceptions.HTTPError, OSError)):
            return lost(error, self._where(), _NAMES)
        if isinstance(error, ImportError) or "not installed" in str(error):
            missing = UnreachableError(
                f"ansible_psrp_auth: {self._psrp['auth']} requires a Python library that is not installed.",
                remedy="Install pypsrp with the extra of that name.",
            )
            return Failure(missing, Executed.NO, retryable=False)
        if type(error).__module__.startswith("spnego"):
            return Failure(self._refused(), Executed.NO, retryable=False)
        return Failure(ProtocolError(f"{self._where()} sent a response that cannot be interpreted ({type(error).__name__})."), Executed.UNKNOWN)

    def _refused(self) -> AuthenticationError:
        psrp, origins = self._psrp, self._psrp["origins"]
        who = f"the user {psrp['username']} (from {origins['username']})" if psrp["username"] else "the caller"
        places = [place for place in (origins["username"], origins["password"], "ansible_psrp_auth") if place]
        return AuthenticationError(
            f"{self._where()} refuses {who} with {psrp['auth']} authentication.",
            remedy=f"Check {', '.join(places)}. Variables for other hosts may apply here, too, and ansible_psrp_user overrides ansible_user.",
        )

    def _where(self) -> str:
        origin = self._psrp["origins"]["server"]
        return f"{self._psrp['server']}:{self._psrp['port']}" + (f" (from {origin})" if origin else "")


def _is_opaque(outcome: Outcome) -> bool:
    return isinstance(outcome, Result) and refusals.is_opaque(outcome.error)


class _Unopened(Exception):
    """There is no session."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure
