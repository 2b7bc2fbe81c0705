# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph: its message trace, and what the post office has of it. Source: Microsoft's page "List messageTraces" (v1.0). It does not say in which order
rows come: here in none.

Its quota is the cmdlet's, as Microsoft's page of getDetailsByRecipient has it; it is counted apart, since nobody says
whether the two share one.
"""

from __future__ import annotations

import contextlib
import random
import re
import urllib.parse
from dataclasses import replace
from typing import Any

from .authority import Authority, NotEntitled, Unauthorized
from .faults import strike
from .message_trace import is_seen, seconds_to_wait
from .organization import Organization
from .people import json_answer
from .post_office.graph_mail import GraphMail
from .service import Service
from .web import Answer, Request

PATH = "/v1.0/admin/exchange/tracing/messageTraces"
#: The one filter that has to be there.
_FILTER = re.compile(r"receivedDateTime ge (\S+) and receivedDateTime le (\S+)")
_NAMES = {
    "id": "MessageTraceId",
    "messageId": "MessageId",
    "receivedDateTime": "Received",
    "senderAddress": "SenderAddress",
    "recipientAddress": "RecipientAddress",
    "subject": "Subject",
    "size": "Size",
    "fromIP": "FromIP",
    "toIP": "ToIP",
}


class Graph:
    """Answers requests for the trace, and hands on those for mail.

    :param elsewhere: what next links begin with instead of the front's own address.
    """

    def __init__(self, service: Service, authority: Authority) -> None:
        self.service = service
        self.authority = authority
        self.url = ""
        self.elsewhere = ""
        #: The paths and queries of requests.
        self.asked: list[dict[str, str]] = []
        self._queries: list[float] = []
        self._mail = GraphMail(service, authority)

    def handle(self, request: Request) -> Answer | None:
        """The answer, or None when the path is not Graph's."""
        if request.path != PATH:
            return self._mail.handle(request)
        fault = self.service.faults.transport("rest", "graph", organization=self._asking(request))
        return strike(fault, lambda: self._authorized(request))

    def _asking(self, request: Request) -> str:
        """Whose trace is asked for; empty where the token is not for that."""
        with contextlib.suppress(Unauthorized, NotEntitled):
            return self.authority.check_graph(request.headers.get("Authorization", "")).name
        return ""

    def _authorized(self, request: Request) -> Answer:
        try:
            organization = self.authority.check_graph(request.headers.get("Authorization", ""))
        except Unauthorized as refusal:
            return json_answer(401, {"error": {"code": "Unauthorized", "message": str(refusal)}})
        except NotEntitled:
            return json_answer(403, {"error": {"code": "Forbidden", "message": "The application lacks the permission"}})
        self.asked.append(dict(request.query))
        if wait := seconds_to_wait(self._queries, organization.state["message_trace_quota"]):
            refused = json_answer(429, {"error": {"code": "TooManyRequests", "message": "Too many requests"}})
            return replace(refused, headers={**refused.headers, "Retry-After": str(wait)})
        return self._page(organization, request)

    def _page(self, organization: Organization, request: Request) -> Answer:
        span, size = _FILTER.fullmatch(request.query.get("$filter", "")), int(request.query.get("$top", "1000"))
        if span is None or not 1 <= size <= 5000:
            return json_answer(
                400,
                {
                    "error": {
                        "code": "BadRequest",
                        "message": "A range of receivedDateTime is needed, and a $top from 1 to 5000",
                    }
                },
            )
        found = [
            each
            for each in organization.state["message_trace"]
            if span[1][:19] <= each["Received"][:19] <= span[2][:19] and is_seen(each)
        ]
        random.Random(0).shuffle(found)
        start = int(request.query.get("$skiptoken", "0"))
        body: dict[str, Any] = {
            "@odata.context": f"{self.url}/v1.0/$metadata",
            "value": list(map(_row, found[start : start + size])),
        }
        if start + size < len(found):
            query = urllib.parse.urlencode({**request.query, "$skiptoken": str(start + size)})
            body["@odata.nextLink"] = f"{self.elsewhere or self.url}{PATH}?{query}"
        return json_answer(200, body)


def _row(each: dict[str, Any]) -> dict[str, Any]:
    status = str(each["Status"])
    return {**{name: each[ours] for name, ours in _NAMES.items()}, "status": status[:1].lower() + status[1:]}
