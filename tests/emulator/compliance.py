# SPDX-License-Identifier: GPL-3.0-or-later
"""The compliance endpoint over REST: a front that tells by a redirect where an organization is, and that place.

Sources: the programs ScubaGear (EXOModuleFile) and CIPP (EXOBanner), which ask the front without following redirects,
take the first label of the Location, and send all calls there.
"""

from __future__ import annotations

import re

from .authority import COMPLIANCE
from .faults import strike
from .organization import Organization
from .rest import AdminApi
from .web import Answer, Request

_BANNER = re.compile(r"/adminapi/beta/([^/]+)/EXOBanner\('AutogenSession'\)", re.IGNORECASE)
#: The host that a redirect names is reached from the service's own network only.
_NAMED = "https://{place}.admin.{domain}:446/adminapi/beta/{tenant}/"


class ComplianceApi(AdminApi):
    """Answers the requests of REST clients.

    :param redirects_to: the Location of redirects, instead of the organization's own place.
    """

    wire = "compliance"
    is_compliance = True

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.redirects_to = ""
        #: The hosts that were asked, with the token that each was shown.
        self.shown: list[tuple[str, str]] = []

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None when the path is none of the endpoint's."""
        host = (request.headers.get("Host") or "").partition(":")[0].lower()
        self.shown.append((host, request.headers.get("Authorization") or ""))
        banner = _BANNER.fullmatch(request.path)
        if banner is not None:
            self._count()
            fault = self.service.faults.transport(self.wire, "banner", organization=self._named(banner[1]))
            return strike(self._unauthorized_from_now_on(fault), lambda: self._place(host, banner[1], request))
        match = re.match(r"/adminapi/[^/]+/([^/]+)/", request.path, re.IGNORECASE)
        organization = self.service.find(match[1]) if match else None
        if match and organization and host in COMPLIANCE and organization.state["compliance_place"]:
            # The front runs no cmdlets of an organization that is elsewhere.
            return self._place(host, match[1], request)
        return super().handle(request)

    def _named(self, tenant: str) -> str:
        found = self.service.find(tenant)
        return found.name if found else tenant

    def _place(self, host: str, tenant: str, request: Request) -> Answer:
        return self._authorized(f"place of {host}", tenant, request)

    def _serve(self, step: str, organization: Organization, request: Request, tenant: str) -> Answer:
        if not step.startswith("place of "):
            return super()._serve(step, organization, request, tenant)
        host, place = step.removeprefix("place of "), organization.state["compliance_place"]
        if self.redirects_to or (host in COMPLIANCE and place):
            domain = host.removeprefix("ps.compliance.")
            named = _NAMED.format(place=place, domain=domain, tenant=tenant)
            return Answer(302, b"", {"Location": self.redirects_to or named})
        return Answer(200, b'{"value": []}', {"Content-Type": "application/json"})

    def _count(self) -> None:
        self.service.ledger.count("compliance")

    def _check(self, authorization: str, tenant: str) -> Organization:
        return self.authority.check(authorization, tenant, compliance=True)
