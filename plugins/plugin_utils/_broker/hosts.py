# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts: those of Microsoft's clouds, and what a text names."""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """The hosts of one Microsoft cloud.

    :param api: the Exchange API, which with ``/.default`` is also the token's scope.
    :param authority: the authority that issues tokens.
    :param graph: Microsoft Graph; empty where it is not known.
    :param traces: whether Graph has the message trace there.
    :param compliance: the front of Microsoft Purview's compliance endpoint, with ``/.default`` also the scope of its
        tokens; empty where it is not known.
    :param compliance_shell: what Connect-IPPSSession of Microsoft's module connects to; empty where it is its default.
    """

    api: str
    authority: str
    graph: str = ""
    traces: bool = False
    compliance: str = ""
    compliance_shell: str = ""

    @property
    def scope(self) -> str:
        """The scope of a token request."""
        return f"{self.api}/.default"


#: Source: the admin API's documented hosts for each cloud; for China, what Microsoft's own module uses. Graph: Microsoft's page of
#: its national deployments, and the clouds that its page of "List messageTraces" names. Compliance: what ScubaGear and
#: CIPP use; no source shows one for China. Connect-IPPSSession: Microsoft's page of it.
CLOUDS = {
    "O365Default": Cloud(
        "https://outlook.office365.com",
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
        traces=True,
        compliance="https://ps.compliance.protection.outlook.com",
    ),
    "O365USGovGCCHigh": Cloud(
        "https://outlook.office365.us",
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
        compliance="https://ps.compliance.protection.office365.us",
        compliance_shell="https://ps.compliance.protection.office365.us/powershell-liveid/",
    ),
    "O365USGovDoD": Cloud(
        "https://outlook-dod.office365.us",
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
        compliance="https://ps.compliance.protection.office365.us",
        compliance_shell="https://l5.ps.compliance.protection.office365.us/powershell-liveid/",
    ),
    "O365China": Cloud(
        "https://partner.outlook.cn",
        "https://login.chinacloudapi.cn",
        compliance_shell="https://ps.compliance.protection.partner.outlook.cn/powershell-liveid",
    ),
}


def parts_of_proxy(text: str) -> urllib.parse.SplitResult | None:
    """The parts of a proxy's address, which may omit the scheme."""
    return parts_of_url(text if "://" in text else f"http://{text}")


def parts_of_url(text: str) -> urllib.parse.SplitResult | None:
    """The parts of a URL; ``None`` if no request can be sent to it."""
    try:
        url = urllib.parse.urlsplit(text)
        return url if url.port != 0 and url.hostname and is_host(url.hostname) else None
    except ValueError:
        return None


def is_initial_domain(text: str) -> bool:
    """Whether a text is the initial domain of an organization in one of Microsoft's clouds."""
    return bool(re.fullmatch(r"[a-z0-9-]+\.(onmicrosoft\.(com|us)|partner\.onmschina\.cn)", text, re.IGNORECASE))


def is_host(text: str) -> bool:
    """Whether a text is the name or the IP address of a host."""
    try:
        ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        try:
            return bool(re.fullmatch(r"[\w.-]+", text)) and bool(text.encode("idna"))
        except UnicodeError:
            return False
    return True


def loopback(host: str) -> bool:
    """Whether a host is this machine by its literal name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
