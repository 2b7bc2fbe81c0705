# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets as requests to the admin API: InvokeCommand, ``$batch``, further pages, and the list of granted cmdlets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import ProtocolError
from . import rest_answers as answers
from .admin_api import MODULE_VERSION, PAGE, AdminApi
from .answers import incomplete, is_of_a_part
from .authentication import claims_of
from .call_requests import CallRequests, RequestIds
from .encode import json_parameter
from .http_line import JSON
from .retry import Executed, FailedError, Failure, Outcome

_PAGES = 1000
#: What a batch prefers: all of its parts, whatever becomes of one.
_GO_ON = "odata.continue-on-error"
#: The cmdlet that lists the granted cmdlets, which the service has as a resource of its own.
LISTING = "get-command"


class CmdletRequests(CallRequests):
    """The requests to the admin API of one organization."""

    def __init__(self, api: AdminApi, ids: RequestIds) -> None:
        super().__init__(ids)
        self._api = api
        self._line = api.line
        self._takes_batches = True

    def _outcomes(self, calls: Sequence[Call]) -> list[Outcome]:
        if len(calls) > 1 and self._takes_batches:
            return self._batch(calls)
        return super()._outcomes(calls)

    def _single(self, call: Call) -> Outcome:
        if call.cmdlet.lower() == LISTING:
            return self._granted(call)
        url = f"{self._api.address('beta')}/InvokeCommand"
        return self._pages(call, self._invoked(call, "POST", url))

    def _invoked(self, call: Call, method: str, url: str) -> Outcome | answers.Page:
        """What one request answers to a cmdlet; one with ``GET`` does not name the cmdlet in a body."""
        body = _body(call)
        answer = self._line.send(method, url, (lambda token: body) if method == "POST" else None, self._headers(call))
        return answers.outcome(call, *answer)

    def _batch(self, calls: Sequence[Call], *, renewed: bool = False) -> list[Outcome]:
        """Calls in one request. The parts count as unordered, and each stands alone."""
        address = self._api.address("beta")
        used = ""

        def body(token: str) -> Any:
            nonlocal used
            used = token
            return {
                "requests": [
                    self._part(str(index), f"{address}/InvokeCommand", call, token) for index, call in enumerate(calls)
                ]
            }

        # Microsoft's module sends the headers of the last part.
        status, headers, content = self._line.send(
            "POST", f"{address}/$batch", body, {**self._headers(calls[-1]), "Prefer": _GO_ON}
        )
        if 400 <= status < 500 and status not in (401, 408, 429):
            self._takes_batches = False
            # It is not certain that a service that refuses the whole has run none of its parts.
            return [self._alone(call) if call.is_read else _refused_batch(status) for call in calls]
        if status != 200:
            return [_whole(answers.outcome(call, status, headers, content)) for call in calls]
        parts = _parts(content, len(calls))
        outcomes = [self._part_outcome(call, part) for call, part in zip(calls, parts, strict=True)]
        refused = [index for index, part in enumerate(parts) if part.get("status") == 401]
        if refused and not renewed and self._line.credential.renewable:
            again = self._with_another_token([calls[index] for index in refused], used, parts[refused[0]])
            for index, outcome in zip(refused, again, strict=True):
                outcomes[index] = outcome
        return outcomes

    def _with_another_token(self, calls: Sequence[Call], token: str, part: Mapping[str, Any]) -> list[Outcome]:
        """The outcomes of calls of a batch whose token was refused. What fails here says nothing of the other calls of
        their batch, so it is never raised.

        :param token: the refused one.
        :param part: the answer that refused it.
        """
        try:
            self._line.token(token, _challenge(part))
            return self._batch(calls, renewed=True) if len(calls) > 1 else [self._alone(calls[0])]
        except FailedError as failed:
            return [failed.failure for _call in calls]

    def _part(self, name: str, url: str, call: Call, token: str) -> dict[str, Any]:
        headers = {
            **self._headers(call),
            "Prefer": f"{PAGE};{_GO_ON}",
            "Authorization": f"Bearer {token}",
            "Content-Type": JSON,
        }
        return {"id": name, "method": "POST", "url": url, "headers": headers, "body": _body(call)}

    def _part_outcome(self, call: Call, part: Mapping[str, Any]) -> Outcome:
        status = part.get("status")
        if not isinstance(status, int) or isinstance(status, bool):
            return answers.garbled("the response to a batch does not answer this call exactly once")
        try:
            return self._pages(
                call, answers.outcome(call, status, answers.Headers(part.get("headers")), part.get("body"))
            )
        except FailedError as failed:
            return failed.failure

    def _pages(self, call: Call, first: Outcome | answers.Page) -> Outcome:
        """The result of a call whose answer may come in several pages. A page that is missing is an error, never the
        end. Only a read has further pages: the request for one carries the call again.
        """
        if not isinstance(first, answers.Page):
            return first
        result = first.result
        page = first
        seen = set[str]()
        while page.next_link and call.is_read:
            link = self._line.service.link(page.next_link)
            if not link or link in seen or len(seen) >= _PAGES:
                return incomplete(call, "the URL of its next part cannot be followed")
            seen.add(link)
            # A warning on a page that others follow is not about the whole list.
            result.warnings = [text for text in result.warnings if not is_of_a_part(text)]
            following = self._next(call, link)
            if not isinstance(following, answers.Page):
                return _without_the_rest(call, following)
            page = following
            result.objects += page.result.objects
            result.warnings += page.result.warnings
        return result

    def _next(self, call: Call, link: str) -> Outcome | answers.Page:
        """A further page. It is unknown which method the service expects: most clients in production use POST, some use
        GET.
        """
        posted = self._invoked(call, "POST", link)
        if isinstance(posted, answers.Page) or (isinstance(posted, Failure) and posted.retryable):
            return posted
        got = self._invoked(call, "GET", link)
        return got if isinstance(got, answers.Page) or (isinstance(got, Failure) and got.retryable) else posted

    def _granted(self, call: Call) -> Outcome:
        """Which cmdlets the service offers to us: what Get-Command returns over PSRP."""
        url = f"{self._api.address('v1.0')}/EXOModuleFile?Version={MODULE_VERSION}"
        headers = {
            **self._api.headers(),
            **self.ids.header(call),
            "CommandName": "*",
            "SkipLoadingFormatData": "true",
        }
        page = answers.outcome(call, *self._line.send("GET", url, None, headers))
        if not isinstance(page, answers.Page):
            return page
        names = _exported_cmdlets(page)
        if names is None:
            return answers.garbled("the list of granted cmdlets is missing in the service's answer")
        wanted = call.parameters.get("Name")
        if isinstance(wanted, Sequence) and not isinstance(wanted, str):
            asked = {str(name).lower() for name in wanted}
            names = [name for name in names if name.lower() in asked]
        return Result(objects=[{"Name": name} for name in names])

    def _headers(self, call: Call) -> dict[str, str]:
        return {**self._api.headers(), "X-CmdletName": call.cmdlet, **self.ids.header(call)}


def _without_the_rest(call: Call, failed: Outcome) -> Outcome:
    """What becomes of a call of whose answer a page failed."""
    if isinstance(failed, Failure) and failed.retryable:
        return failed
    why = f"the service does not return the rest ({failed.error.message.rstrip('.')})" if failed.error else ""
    return incomplete(call, why)


def _whole(refusal: Outcome | answers.Page) -> Outcome:
    """What the refusal of a whole batch means for one of its calls."""
    return answers.garbled("the response to a batch is invalid") if isinstance(refusal, answers.Page) else refusal


def _refused_batch(status: int) -> Failure:
    """What the refusal of a whole batch means for a write in it."""
    return Failure(ProtocolError(f"the service refuses a batch (HTTP {status})."), Executed.UNKNOWN)


def _parts(content: bytes, number: int) -> list[Mapping[str, Any]]:
    """The response to each call of a batch, in the order of the calls; empty for one that is not there, or there more
    than once.
    """
    document = answers.parse(content)
    responses = document.get("responses") if isinstance(document, dict) else None
    if not isinstance(responses, list):
        raise FailedError(answers.garbled("the response to a batch contains no responses"))
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    for response in responses:
        if isinstance(response, dict):
            by_id.setdefault(str(response.get("id")), []).append(response)
    found = [by_id.get(str(index), []) for index in range(number)]
    return [answers_of_call[0] if len(answers_of_call) == 1 else {} for answers_of_call in found]


def _challenge(part: Mapping[str, Any]) -> str | None:
    return claims_of(answers.Headers(part.get("headers")).get("WWW-Authenticate", ""))


def _exported_cmdlets(page: answers.Page) -> list[str] | None:
    """The names in a list of granted cmdlets; ``None`` if the answer has no such list."""
    lists = [row.get("exportedCmdlets") for row in page.result.objects]
    if not any(isinstance(names, (str, list)) for names in lists):
        return None
    names: list[Any] = []
    for exported in lists:
        if isinstance(exported, str):
            names += exported.split(",")
        elif isinstance(exported, list):
            names += exported
    return [name.strip() for name in names if isinstance(name, str) and name.strip()]


def _body(call: Call) -> dict[str, Any]:
    parameters = {name: json_parameter(value) for name, value in call.parameters.items()}
    return {"CmdletInput": {"CmdletName": call.cmdlet, "Parameters": parameters}}
