# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken for granted of a wire, one by one. Only reads are sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.cmdlet_requests import (
    CmdletRequests,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.rest import RestTransport

from .session import LiveSession

#: Question, what is taken for granted, and the answer.
Row = tuple[str, str, str]


def assumptions(session: LiveSession) -> list[Row]:
    """Every assumption of the session's wire."""
    line = session.line
    asked = _rest(line) if isinstance(line, RestTransport) else _psrp(session)
    rows = []
    for question, (assumed, ask) in asked.items():
        try:
            answer = ask()
        except Exception as failure:
            answer = f"it ended: {failure}"
        rows.append((question, assumed, answer))
    return rows


_Asked = dict[str, tuple[str, Callable[[], str]]]


def _rest(line: RestTransport) -> _Asked:
    requests = line._requests
    assert isinstance(requests, CmdletRequests)
    api = requests._api
    address = f"{line.endpoint}/adminapi/beta/{api._organization}"

    def post(what: str, body: Any, *left_out: str, **headers: str) -> tuple[int, Mapping[str, str], Any]:
        kept = {name: value for name, value in api.headers().items() if name not in left_out}
        status, answer_headers, content = api.line.send(
            "POST", f"{address}/{what}", lambda token: body, {**kept, **headers}
        )
        try:
            return status, answer_headers, json.loads(content)
        except (TypeError, ValueError):
            return status, answer_headers, content

    def call(cmdlet: str, **parameters: Any) -> dict[str, Any]:
        return {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}

    def part(number: int, headers: Mapping[str, str]) -> dict[str, Any]:
        return {
            "id": str(number),
            "method": "POST",
            "url": f"{address}/InvokeCommand",
            "headers": headers,
            "body": call("Get-OrganizationConfig"),
        }

    def batch(count: int, *, authorized: bool) -> str:
        def body(token: str) -> Any:
            headers = {"Authorization": f"Bearer {token}"} if authorized else {}
            return {"requests": [part(number, headers) for number in range(count)]}

        status, _headers, content = api.line.send("POST", f"{address}/$batch", body, api.headers())
        try:
            responses = json.loads(content)["responses"]
        except (TypeError, ValueError, KeyError):
            return f"{status}, no responses"
        statuses = sorted({response.get("status") for response in responses})
        order = [response.get("id") for response in responses]
        return f"{status}, parts {statuses}, {'in order' if order == sorted(order, key=int) else 'in another order'}"

    def case() -> str:
        answers = [
            post("InvokeCommand", call(cmdlet, **{name: "Unlimited"}))[0]
            for cmdlet, name in (("get-transportrule", "ResultSize"), ("Get-TransportRule", "resultsize"))
        ]
        return f"cmdlet in lower case {answers[0]}, parameter in lower case {answers[1]}"

    def pages() -> str:
        status, _headers, answer = post("InvokeCommand", call("Get-RMSTemplate"), Prefer="odata.maxpagesize=1")
        link = answer.get("@odata.nextLink") if isinstance(answer, dict) else None
        if not link:
            return f"{status}, no further page"
        bodies = {"POST": lambda token: call("Get-RMSTemplate"), "GET": None}
        statuses = {method: api.line.send(method, link, body, api.headers())[0] for method, body in bodies.items()}
        return f"first page {status}, then {statuses}"

    def unknown(body: Any) -> str:
        status, headers, answer = post("InvokeCommand", body)
        kind = (
            "JSON"
            if isinstance(answer, dict)
            else "NUL bytes"
            if isinstance(answer, bytes) and set(answer) <= {0}
            else "text"
        )
        return f"{status}, {kind}, x-ExceptionType {headers.get('x-ExceptionType') or 'missing'}"

    def bare(*left_out: str) -> str:
        return str(post("InvokeCommand", call("Get-OrganizationConfig"), *left_out)[0])

    return {
        "Does a batch take ten parts, each with its authorization?": (
            "200, parts [200]",
            lambda: batch(10, authorized=True),
        ),
        "Does a batch take twenty parts?": (
            "not asked for by the collection, which sends ten",
            lambda: batch(20, authorized=True),
        ),
        "Does a part of a batch inherit the outer authorization?": (
            "no matter: each part has its own",
            lambda: batch(2, authorized=False),
        ),
        "Do names match in any case?": ("no matter: names are sent as the module spells them", case),
        "How is a further page had?": ("POST, then GET", pages),
        "What is said to a cmdlet that does not exist?": (
            "403 with NUL bytes",
            lambda: unknown(call("Get-NoSuchThing")),
        ),
        "What is said to a parameter that does not exist?": (
            "400, JSON",
            lambda: unknown(call("Get-OrganizationConfig", NoSuchParameter=1)),
        ),
        "Is X-AnchorMailbox needed?": ("it is sent", lambda: bare("X-AnchorMailbox")),
        "Is X-ClientApplication needed?": (
            "it is sent, and says the collection's name",
            lambda: bare("X-ClientApplication"),
        ),
    }


def _psrp(session: LiveSession) -> _Asked:
    def told(cmdlet: str, *names: str) -> str:
        result = session.ask(cmdlet)
        if result.error:
            return f"{type(result.error).__name__}: {result.error.message}"
        shown = [{name: type(item.get(name)).__name__ for name in names} for item in result.objects]
        return f"{len(result.objects)} objects: {shown}"

    def versions() -> str:
        result = session.ask(
            "Get-Command", Name=["Get-ConnectionInformation", "Get-OMEConfiguration", "Get-NoSuchThing"]
        )
        return (
            f"{type(result.error).__name__}"
            if result.error
            else ", ".join(sorted(str(item.get("Name")) for item in result.objects))
        )

    return {
        "Which tenant does the session show?": (
            "TenantID of Get-ConnectionInformation",
            lambda: told("Get-ConnectionInformation", "TenantID", "Organization", "State"),
        ),
        "Does Get-Command tell what the session has?": ("the cmdlets that are there, and no others", versions),
        "Can OME configurations be read after IRM's?": (
            "yes, or after one new connection",
            lambda: told("Get-IRMConfiguration", "Identity") + "; " + told("Get-OMEConfiguration", "Identity"),
        ),
    }
