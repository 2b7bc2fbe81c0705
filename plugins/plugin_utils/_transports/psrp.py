# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``psrp``: PowerShell remoting with pypsrp, to a management host or to an endpoint that has the cmdlets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._exchange.errors import AuthenticationError, ProtocolError, ServiceError, UnreachableError
from . import pypsrp as _pypsrp
from .limits import RedirectedError
from .module_connection import ConnectRemedies
from .network_failures import Names
from .remote_failures import RemoteFailures
from .remoting import RemotingTransport
from .retry import Executed, Failure
from .token_renewal import TokenRenewal
from .wsman_line import WsmanLine

try:
    from pypsrp.exceptions import AuthenticationError as Refused
    from pypsrp.exceptions import WinRMTransportError, WSManFaultError
except ImportError:  # the session broker says so before any of it is used
    pass

_SHELL_GONE = 2150858843
_ACCESS_DENIED = 5
_CONFIGURATION = "Check ansible_psrp_configuration_name and the rights of the user."


_NAMES = Names(
    "ansible_psrp_ca_cert", "ansible_host", "ansible_psrp_proxy", "ansible_psrp_read_timeout may be too short."
)


class WsmanFailures(RemoteFailures):
    """The failures on the way to a host, and of the host.

    :param psrp: the part ``psrp`` of a connection identity.
    """

    def __init__(self, psrp: Mapping[str, Any]) -> None:
        origin = psrp["origins"]["server"]
        where = f"{psrp['server']}:{psrp['port']}" + (f" (from {origin})" if origin else "")
        super().__init__(where, _NAMES)
        self._psrp = psrp

    def meaning(self, error: Exception) -> Failure:
        """What an exception means, independent of the pipeline's progress."""
        if isinstance(error, Refused):
            return Failure(self._refused(), Executed.NO, retryable=False)
        if isinstance(error, _pypsrp.BrokenError):
            text = " ".join(str(error).split()) or "no reason given"
            return Failure(
                ServiceError(f"the host reports: {text}", remedy=_CONFIGURATION), Executed.UNKNOWN, retryable=False
            )
        if isinstance(error, RedirectedError):
            text = f"{self.where} redirects to {error}. The redirect is not followed, so that the credential is sent to no other host."
            return Failure(
                ProtocolError(text, remedy="Check ansible_host, ansible_port and ansible_psrp_path."),
                Executed.UNKNOWN,
                retryable=False,
            )
        if isinstance(error, WSManFaultError):
            reason = " ".join(str(error.reason or error.provider_fault or f"fault {error.code}").split())
            if error.code == _SHELL_GONE:
                return Failure(ServiceError("the remote session ended."), Executed.NO)
            if error.code == _ACCESS_DENIED:
                return Failure(self._refused(), Executed.NO, retryable=False)
            return Failure(
                ServiceError(f"{self.where} answered: {reason}", remedy=_CONFIGURATION, error_id=str(error.code)),
                Executed.UNKNOWN,
            )
        if isinstance(error, WinRMTransportError):
            text = f"{self.where} answered HTTP {error.code}."
            executed = Executed.NO if error.code == 429 else Executed.UNKNOWN
            retryable = error.code in (408, 425, 429) or error.code >= 500
            return Failure(
                ServiceError(text, remedy="Check ansible_psrp_path and ansible_psrp_port."), executed, retryable
            )
        from_spnego = type(error).__module__.startswith("spnego")
        if isinstance(error, ImportError) or (from_spnego and "not installed" in str(error)):
            missing = UnreachableError(
                f"ansible_psrp_auth: {self._psrp['auth']} requires a Python library that is not installed.",
                remedy="Install pypsrp with the extra of that name.",
            )
            return Failure(missing, Executed.NO, retryable=False)
        if from_spnego:
            # It may also be the answer to a command that cannot be decrypted.
            return Failure(self._refused(), Executed.UNKNOWN, retryable=False)
        return super().meaning(error)

    def _refused(self) -> AuthenticationError:
        psrp = self._psrp
        origins = self._psrp["origins"]
        who = f"the user {psrp['username']} (from {origins['username']})" if psrp["username"] else "the caller"
        places = [place for place in (origins["username"], origins["password"], "ansible_psrp_auth") if place]
        return AuthenticationError(
            f"{self.where} refuses {who} with {psrp['auth']} authentication.",
            remedy=f"Check {', '.join(places)}. Variables for other hosts may apply here, too, and ansible_psrp_user overrides ansible_user.",
        )


class PsrpTransport(RemotingTransport):
    """One organization over PowerShell remoting to a host.

    :param identity: a connection identity for ``psrp``.
    """

    name = "psrp"
    _remedies = ConnectRemedies(
        Names(
            "the trusted certificate authorities of the management host",
            "its DNS",
            "the proxy of the management host",
            "",
        ),
        no_module="Install the module ExchangeOnlineManagement there, or set ansible_exchange_psrp_connect: none if the session already has the cmdlets.",
        no_access="Check ansible_exchange_organization, ansible_exchange_client_id and the certificate on the management host.",
    )

    def __init__(self, identity: Mapping[str, Any]) -> None:
        renewal = TokenRenewal(renewable=identity["credential"]["kind"] != "access_token")
        super().__init__(identity, WsmanFailures(identity["psrp"]), renewal)
        self._psrp: Mapping[str, Any] = identity["psrp"]

    @property
    def endpoint(self) -> str:
        """Where the session is, for people."""
        psrp = self._psrp
        return f"{'https' if psrp['ssl'] else 'http'}://{psrp['server']}:{psrp['port']}/{psrp['path']} ({psrp['configuration_name']})"

    @property
    def secrets(self) -> Sequence[str]:
        """Nothing is fetched: the host has the credential, or the identity."""
        return ()

    @property
    def user(self) -> str:
        """The user of the host; empty with Kerberos, whose ticket names the user."""
        return str(self._psrp["username"] or "")

    @property
    def _connects(self) -> bool:
        return bool(self._psrp["connect"] == "exchange_online")

    def _new_pool(self) -> _pypsrp.Pool:
        return _pypsrp.Pool(WsmanLine(self._psrp, self._identity["retries"]), self._psrp["configuration_name"])

    def _prepare(self, pool: _pypsrp.Pool) -> None:
        if not self._connects:
            return
        credential = self._identity["credential"]
        parameters: dict[str, Any] = {}
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
        secret = (
            {"CertificatePassword": credential["certificate_password"]} if "certificate_password" in credential else {}
        )
        self._connect(pool, parameters, secret)
