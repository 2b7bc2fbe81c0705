# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Purview's compliance endpoint over the interface that Exchange Online's admin API has, too.

A first request to its front tells by a redirect where the organization is: the first label of that host, before the
front's own name, is the place that all calls go to. Microsoft does not document this for others. Source: the programs
ScubaGear and CIPP.
"""

from __future__ import annotations

import re
import threading
import urllib.parse

from ...module_utils._exchange.cmdlet import COMPLIANCE_CMDLETS, Call, Result
from ...module_utils._exchange.errors import PermissionDeniedError, ProtocolError
from . import rest_answers as answers
from .admin_api import MODULE_VERSION, SYSTEM_MAILBOX, AdminApi
from .authentication import is_tenant_id
from .call_requests import CallRequests
from .cmdlet_requests import CmdletRequests
from .http_line import REDIRECTS, HttpLine
from .network_failures import Names
from .rest import RestTransport
from .rest_address import EARLIER_PORT, HOST, ServiceAddress
from .retry import Executed, FailedError, Failure, Outcome

#: What the front's name begins with, before the domain that all of its places are in.
_FRONT = "ps.compliance."
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: The front's answers after which it is the organization's own place: it says so, or has no such resource.
_STAY = (200, 204, 404)
_ANY = Call(COMPLIANCE_CMDLETS[0])
_NAMES = Names(
    "ansible_exchange_ca_cert",
    "ansible_exchange_compliance_url",
    "ansible_exchange_proxy",
    "ansible_exchange_command_timeout may be too short.",
)


class ComplianceAddress(ServiceAddress):
    """The front's address, and later that of a place behind it. The token is sent to no other host than the front and
    those directly below it, whatever a redirect names.
    """

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self._front = urllib.parse.urlsplit(base)
        host = self._front.hostname or ""
        self._domain = host.removeprefix(_FRONT)

    def redirect(self, url: str, location: str) -> str:
        """The address at the place that a redirect names.

        :raises FailedError: the redirect names a host outside of the service's domain.
        """
        label = self._label(location)
        if not label:
            error = ProtocolError(
                f"the compliance endpoint at {self._front.hostname} redirects to a host that is not its own. The redirect is not followed.",
                remedy="Check ansible_exchange_compliance_url.",
            )
            raise FailedError(Failure(error, Executed.UNKNOWN, retryable=False))
        place = self._front.netloc if label == "ps" else f"{label}.{self._front.netloc}"
        self.base = f"{self._front.scheme}://{place}{self._front.path}"
        self._host = urllib.parse.urlsplit(self.base).hostname or ""
        return urllib.parse.urlsplit(url)._replace(netloc=place).geturl()

    def link(self, link: str) -> str:
        """The address of a further page, at the place that answers, whichever of the service's names the link has; empty
        if it is not the service's.
        """
        if not self._label(link):
            return ""
        place = urllib.parse.urlsplit(self.base)
        return urllib.parse.urlsplit(link)._replace(scheme=place.scheme, netloc=place.netloc).geturl()

    def _label(self, location: str) -> str:
        """The place that a redirect names; empty if it is not in the service's domain."""
        try:
            target = urllib.parse.urlsplit(location)
            port = target.port
        except ValueError:
            return ""
        if not target.netloc and location.startswith("/"):
            return "ps" if self._host == self._front.hostname else self._host.partition(".")[0]
        host = target.hostname or ""
        if "@" in target.netloc or target.scheme != self._front.scheme:
            return ""
        if port not in (None, 443, EARLIER_PORT, self._front.port):
            return ""
        if host == self._front.hostname:
            return "ps"
        if not HOST.fullmatch(host):
            return ""
        label, _dot, rest = host.partition(".")
        inside = rest == self._domain or rest.endswith(f".{self._domain}")
        return label if inside and _LABEL.fullmatch(label) else ""


class ComplianceApi(AdminApi):
    """The interface of the compliance endpoint, at the place of one organization.

    :param organization: its domain or tenant ID, from the inventory.
    """

    def __init__(self, line: HttpLine, organization: str) -> None:
        super().__init__(line, organization)
        self._place_lock = threading.Lock()
        self._has_place = False

    def address(self, version: str) -> str:
        """The address below which a version of the interface is.

        :raises FailedError: the front refuses, fails, or names a host that is not its own.
        """
        self._find_place()
        return super().address(version)

    def _find_place(self) -> None:
        """Asks the front, once, where the organization is."""
        with self._place_lock:
            if self._has_place:
                return
            url = f"{super().address('beta')}/EXOBanner('AutogenSession')?Version={MODULE_VERSION}"
            status, headers, content = self.line.send("GET", url, None, self.headers(), follow=False)
            if status in REDIRECTS:
                self.line.service.redirect(url, headers.get("Location", ""))
            elif status not in _STAY:
                raise FailedError(_failure(answers.outcome(_ANY, status, headers, content)))
            self._has_place = True

    def _anchor_mailbox(self) -> str:
        if self.line.credential.user or is_tenant_id(self._organization):
            return super()._anchor_mailbox()
        return f"UPN:{SYSTEM_MAILBOX}@{self._organization}"


class ComplianceTransport(RestTransport):
    """The compliance endpoint of one organization. It answers :data:`COMPLIANCE_CMDLETS`.

    :param identity: a connection identity from ``of_compliance``.
    """

    name = "compliance"
    names = _NAMES

    def _service(self, base: str) -> ServiceAddress:
        return ComplianceAddress(base)

    def _call_requests(self, organization: str) -> CallRequests:
        return CmdletRequests(ComplianceApi(self._line, organization), self._ids)


def _failure(outcome: Outcome | answers.Page) -> Failure:
    """What the front's answer means for the calls, if it is no redirect."""
    if isinstance(outcome, Failure):
        return outcome
    error = outcome.error if isinstance(outcome, Result) else None
    if isinstance(error, PermissionDeniedError):
        # No cmdlet was asked for yet.
        refused = PermissionDeniedError("the compliance endpoint does not accept the caller.", error_id=error.error_id)
        return Failure(refused, Executed.NO, retryable=False)
    unclear = ProtocolError("the compliance endpoint does not say where the organization is.")
    return Failure(error or unclear, Executed.NO, retryable=False)
