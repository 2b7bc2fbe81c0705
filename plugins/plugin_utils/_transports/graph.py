# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph: the message trace, page by page, and what is done in mailboxes.

Sources: Microsoft's pages "List messageTraces", "user: sendMail", "List messages" and "Get MIME content of a message"
(v1.0).
"""

from __future__ import annotations

import base64
import datetime
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from ...module_utils._exchange.cmdlet import (
    GRAPH_ABOUT,
    GRAPH_FIND,
    GRAPH_MIME,
    GRAPH_SEND,
    GRAPH_TRACE,
    Call,
    Result,
)
from ...module_utils._exchange.errors import (
    InvalidValueError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    ThrottledError,
)
from . import rest_answers as answers
from . import service_errors
from .call_requests import CallRequests, RequestIds
from .http_line import HttpLine
from .network_failures import Names
from .rest import RestTransport
from .rest_address import ServiceAddress
from .retry import Executed, FailedError, Failure, Outcome

_PATH = "/v1.0/admin/exchange/tracing/messageTraces"
_REMEDY = (
    "Grant the application ExchangeMessageTrace.Read.All with admin consent. The organization also needs the service principal of the application "
    "8bd644d1-64a1-4d4b-ae52-2e0cbf64e373, and Graph refuses for hours after it was made."
)
_MAIL_REMEDY = (
    "Grant the application Mail.Send (and Mail.Read to look at copies) for this mailbox alone, with a management scope in Exchange. "
    "Such a change acts after up to two hours."
)
_MAILBOXES = "/v1.0/users"
#: The most messages with one ID in a mailbox, and about one message.
_MOST_COPIES, _MOST_ABOUT = 5, 20
_HEADERS = {"Accept": "application/json", "Prefer": "include-unknown-enum-members"}
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


class GraphRequests(CallRequests):
    """The requests to Microsoft Graph of one organization."""

    def __init__(self, line: HttpLine, ids: RequestIds) -> None:
        super().__init__(ids)
        self._line = line

    def _single(self, call: Call) -> Outcome:
        answering: dict[str, Callable[[Call], Outcome]] = {
            GRAPH_TRACE: self._trace,
            GRAPH_SEND: self._send_mail,
            GRAPH_FIND: self._find,
            GRAPH_ABOUT: self._messages_about,
            GRAPH_MIME: self._mime,
        }
        if call.cmdlet not in answering:
            return Result(error=service_errors.not_granted(call.cmdlet))
        return answering[call.cmdlet](call)

    def _send_mail(self, call: Call) -> Outcome:
        """A message from a mailbox. HTTP 202 alone says that it was accepted."""
        message = call.parameters["Message"]
        content = base64.b64encode(message) if isinstance(message, bytes) else b""
        status, headers, answer = self._line.send(
            "POST",
            f"{self._mailbox(call)}/sendMail",
            lambda token: content,
            {**self._headers(call), "Content-Type": "text/plain"},
        )
        if status == 202:
            return Result()
        return self._refused(call, status, headers, answer)

    def _find(self, call: Call) -> Outcome:
        """The messages with an ID, each with its ``id``."""
        wanted = _quoted(call.parameters["MessageId"])
        return self._messages(call, f"internetMessageId eq {wanted}", _MOST_COPIES)

    def _messages_about(self, call: Call) -> Outcome:
        """The messages that came since an instant and have a text in their subjects, each with its ``id``."""
        since = _text(call.parameters["Since"])
        text = _quoted(call.parameters["Subject"])
        return self._messages(call, f"receivedDateTime ge {since} and contains(subject,{text})", _MOST_ABOUT)

    def _messages(self, call: Call, condition: str, most: int) -> Outcome:
        """The messages of a mailbox that meet a condition, each with its ``id``."""
        options = {"$filter": condition, "$select": "id", "$top": most}
        query = urllib.parse.urlencode(options, safe="$", quote_via=urllib.parse.quote)
        status, headers, answer = self._line.send(
            "GET", f"{self._mailbox(call)}/messages?{query}", None, self._headers(call)
        )
        if status in (401, 403, 404):
            return self._refused(call, status, headers, answer)
        page = answers.outcome(call, status, headers, answer)
        return page.result if isinstance(page, answers.Page) else page

    def _mime(self, call: Call) -> Outcome:
        """A message as MIME."""
        name = urllib.parse.quote(str(call.parameters["Id"]), safe="")
        status, headers, answer = self._line.send(
            "GET", f"{self._mailbox(call)}/messages/{name}/$value", None, {**self._headers(call), "Accept": "*/*"}
        )
        if status == 200:
            return Result(objects=[{"mime": base64.b64encode(answer).decode("ascii")}])
        return self._refused(call, status, headers, answer)

    def _mailbox(self, call: Call) -> str:
        return f"{self._line.service.base}{_MAILBOXES}/{urllib.parse.quote(str(call.parameters['Mailbox']), safe='@')}"

    def _refused(self, call: Call, status: int, headers: Mapping[str, str], answer: bytes) -> Outcome:
        """What an answer about a mailbox means that is not the one that was wished for."""
        if 200 <= status < 300:
            text = f"Microsoft Graph answered with HTTP {status}, which does not say that it has accepted the message."
            return Failure(ProtocolError(text), Executed.UNKNOWN, retryable=False)
        why = _why(answer)
        if status in (401, 403):
            text = f"Microsoft Graph does not let the application use this mailbox (HTTP {status}{why})."
            return Result(error=PermissionDeniedError(text, remedy=_MAIL_REMEDY))
        if status == 404:
            return Result(error=NotFoundError(f"Microsoft Graph does not find the mailbox or message (HTTP 404{why})."))
        if status in (400, 413, 422):
            return Result(error=InvalidValueError(f"Microsoft Graph refuses the request (HTTP {status}{why})."))
        outcome = answers.outcome(call, status, headers, answer)
        return outcome.result if isinstance(outcome, answers.Page) else outcome

    def _trace(self, call: Call) -> Outcome:
        """A page: ``rows``, and ``next``, the address of the next one or empty."""
        status, headers, content = self._line.send("GET", self._address_of(call), None, self._headers(call))
        if status in (401, 403):
            text = (
                f"Microsoft Graph does not let the application read the message trace (HTTP {status}{_why(content)})."
            )
            return Result(error=PermissionDeniedError(text, remedy=_REMEDY, error_id=_error_parts(content)[0]))
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
            return f"{self._line.service.base}{_PATH}?{query}"
        return self._line.service.link(str(asked["Next"]))

    def _headers(self, call: Call) -> dict[str, str]:
        return {**_HEADERS, **self.ids.header(call)}


class GraphTransport(RestTransport):
    """The message trace and the mailboxes of one organization. It answers Graph's calls alone.

    :param identity: a connection identity from ``of_graph``.
    """

    name = "graph"
    names = Names(
        "ansible_exchange_ca_cert",
        "ansible_exchange_graph_url",
        "ansible_exchange_proxy",
        "ansible_exchange_command_timeout may be too short.",
    )

    def _service(self, base: str) -> ServiceAddress:
        return _GraphAddress(base)

    def _call_requests(self, organization: str) -> CallRequests:
        return GraphRequests(self._line, self._ids)


def _quoted(value: Any) -> str:
    """A text in a filter."""
    return "'" + str(value).replace("'", "''") + "'"


def _text(value: Any) -> str:
    return (
        value.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, datetime.datetime)
        else str(value)
    )


def _error_parts(answer: bytes) -> tuple[str, str, str]:
    """What an error's body says: its code, its type and its text; empty where it does not."""
    return service_errors.of_body(answers.parse(answer)) or ("", "", "")


def _why(answer: bytes) -> str:
    """The text of a refusal, to be put behind its number."""
    why = " ".join(_error_parts(answer)[2].split())[:_QUOTED].rstrip(".")
    return f": {why}" if why else ""
