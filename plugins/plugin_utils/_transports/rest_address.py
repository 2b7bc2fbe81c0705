# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Exchange Online's admin API is, and which addresses that it names are its own."""

from __future__ import annotations

import re
import urllib.parse

from ...module_utils._exchange.errors import ProtocolError
from .retry import Executed, FailedError, Failure

EARLIER_PORT = 446  # which the service names in redirects, and which only its own network reaches

#: What may be the name of a host: nothing that ends a host for one reader of addresses and is a part of it for another.
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class ServiceAddress:
    """The service's address. The credential is sent nowhere but to its host, or to one below it.

    :param base: its URL, as of the last redirect.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self._host = urllib.parse.urlsplit(base).hostname or ""

    def link(self, link: str) -> str:
        """The address of a further page; empty if it is not the service's."""
        target = _joined(self.base, link)
        return target if target and self._ours(target) else ""

    def redirect(self, url: str, location: str) -> str:
        """The address to use instead, if it is still the service's: the credential is sent nowhere else."""
        target = _joined(url, location)
        if not location or not self._ours(target):
            error = ProtocolError(
                f"the service at {self._host} redirects to {_host(target) or 'nowhere'}. The redirect is not followed.",
                remedy="Check ansible_exchange_api_url.",
            )
            raise FailedError(Failure(error, Executed.UNKNOWN, retryable=False))
        parts = urllib.parse.urlsplit(target)
        port = urllib.parse.urlsplit(self.base).port if parts.port == EARLIER_PORT else parts.port
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        parts = parts._replace(netloc=f"{host}:{port}" if port else host)
        self.base = f"{parts.scheme}://{parts.netloc}"
        return parts.geturl()

    def _ours(self, url: str) -> bool:
        """Whether an address that the service named is on its own host or below it, over the same scheme and at the
        same port.
        """
        try:
            target, base = urllib.parse.urlsplit(url), urllib.parse.urlsplit(self.base)
            ports = [part.port or 443 for part in (target, base)]
        except ValueError:
            return False
        host = target.hostname or ""
        if "@" in target.netloc or (host != self._host and not HOST.fullmatch(host)):
            return False
        same_port = ports[0] == ports[1] or ports[0] == EARLIER_PORT
        return target.scheme == base.scheme and same_port and (host == self._host or host.endswith("." + self._host))


def _joined(base: str, link: str) -> str:
    """The address of a link; empty if it is not valid."""
    try:
        return urllib.parse.urljoin(base, link)
    except ValueError:
        return ""


def _host(url: str) -> str:
    try:
        return urllib.parse.urlsplit(url).hostname or ""
    except ValueError:
        return ""
