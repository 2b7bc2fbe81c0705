# SPDX-License-Identifier: GPL-3.0-or-later
"""The message trace of Microsoft Graph, page by page.

Source: Microsoft's page "List messageTraces" (v1.0).
"""

from __future__ import annotations

import datetime
import urllib.parse
from collections.abc import Mapping
from typing import Any, NoReturn

from ...module_utils._exchange.cmdlet import GRAPH_TRACE, Call, Result
from ...module_utils._exchange.errors import PermissionDeniedError, ProtocolError, ThrottledError
from . import rest_answers as answers
from . import service_errors
from .network_failures import Names
from .rest import RestTransport
from .rest_address import ServiceAddress
from .retry import Executed, FailedError, Failure, Outcome

_PATH = "/v1.0/admin/exchange/tracing/messageTraces"
_REMEDY = (
    "Grant the application ExchangeMessageTrace.Read.All with admin consent. The organization also needs the service principal of the application "
    "8bd644d1-64a1-4d4b-ae52-2e0cbf64e373, and Graph refuses for hours after it was made."
)
#: The most characters of a refusal that a message quotes.
_QUOTED = 300


class _GraphAddress(ServiceAddress):
    """Graph's address. The token goes to Graph alone: no redirect is followed, and no page elsewhere."""

    def link(self, link: str) -> str:
        """The address of a further page.

        :raises FailedError: it is not Graph's.
        """
        if not link.startswith(f"{self.base}/"):
            self._refuse("names a next page that is not its own")
        return link

    def redirect(self, url: str, location: str) -> NoReturn:
        """Refuses it."""
        self._refuse("redirects")

    def _refuse(self, why: str) -> NoReturn:
        error = ProtocolError(
            f"Microsoft Graph at {self._host} {why}. The token is not sent there.",
            remedy="Check ansible_exchange_graph_url.",
        )
        raise FailedError(Failure(error, Executed.UNKNOWN, retryable=False))


class GraphTransport(RestTransport):
    """The message trace of one organization. It answers one call, :data:`GRAPH_TRACE`.

    :param identity: a connection identity from ``of_graph``.
    """

    name = "graph"
    names = Names(
        "ansible_exchange_ca_cert",
        "ansible_exchange_graph_url",
        "ansible_exchange_proxy",
        "ansible_exchange_command_timeout may be too short.",
    )

    def __init__(self, identity: Mapping[str, Any]) -> None:
        super().__init__(identity)
        self._service = _GraphAddress(self._service.base)
        self._takes_batches = False

    def _single(self, call: Call) -> Outcome:
        """A page: ``rows``, and ``next``, the address of the next one or empty."""
        if call.cmdlet != GRAPH_TRACE:
            return Result(error=service_errors.not_granted(call.cmdlet))
        status, headers, content = self._send(
            "GET", self._address_of(call), None, {"client-request-id": self._request_id(call)}
        )
        if status in (401, 403):
            told = service_errors.of_body(answers.parse(content)) or ("", "", "")
            why = " ".join(told[2].split())[:_QUOTED].rstrip(".")
            text = f"Microsoft Graph does not let the application read the message trace (HTTP {status}{': ' + why if why else ''})."
            return Result(error=PermissionDeniedError(text, remedy=_REMEDY, error_id=told[0]))
        if status == 429:
            # Whoever reads the trace waits, and says so.
            asked = headers.get("retry-after", "")
            return Result(
                error=ThrottledError(
                    f"Microsoft Graph throttles this application{f', for {asked} seconds' if asked.isdecimal() else ''}."
                )
            )
        page = answers.outcome(call, status, headers, content)
        if not isinstance(page, answers.Page):
            return page
        return Result(objects=[{"rows": page.result.objects, "next": page.next_link}])

    def _address_of(self, call: Call) -> str:
        asked = call.parameters
        if "Next" not in asked:
            start, end = (_text(asked[name]) for name in ("StartDate", "EndDate"))
            options = {
                "$filter": f"receivedDateTime ge {start} and receivedDateTime le {end}",
                "$top": asked["ResultSize"],
            }
            query = urllib.parse.urlencode(options, safe="$:", quote_via=urllib.parse.quote)
            return f"{self._service.base}{_PATH}?{query}"
        return self._service.link(str(asked["Next"]))

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "Prefer": "include-unknown-enum-members"}


def _text(value: Any) -> str:
    return (
        value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime.datetime)
        else str(value)
    )
