# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``rest``: Exchange Online's admin API, InvokeCommand and ``$batch``.

Microsoft does not document this interface for others; what is known of it is in
docs/docsite/rst/fidelity.rst, "The wires". One object a session, used under the session's lock; it makes one try at a
time and never repeats a call by itself, unless the service said that it did not take it (a refused token, a redirect, a
batch).
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import ProtocolError
from . import rest_answers as answers
from .answers import incomplete, is_of_a_part
from .authentication import claims_of, is_tenant_id
from .encode import json_parameter
from .libraries import requests, urllib3
from .limits import CutError, TooLargeError, TooSlowError
from .network_failures import Names, lost
from .rest_address import ServiceAddress
from .retry import Executed, FailedError, Failure, Outcome, unforeseen
from .with_credential import Given, WithCredential

#: Requests of one $batch; what the service's own module uses.
_BATCH = 10
#: Batches of one try that are under way at once.
_SIDE_BY_SIDE = 4
_PAGES = 1000
_REDIRECTS = 3
#: The statuses of a redirect.
REDIRECTS = (301, 302, 303, 307, 308)
#: Seconds that the authority may take to give a token.
_READ_TIMEOUT = 60
#: Seconds after which an unused connection is not trusted with a request any more: a write on a connection that the
#: other side has just closed would have an unknown outcome.
_IDLE = 30
_NAMES = Names(
    "ansible_exchange_ca_cert",
    "ansible_exchange_api_url",
    "ansible_exchange_proxy",
    "ansible_exchange_command_timeout may be too short.",
)
SYSTEM_MAILBOX = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
#: The version of Microsoft's module whose interface is used.
MODULE_VERSION = "3.9.2"
_JSON = "application/json; charset=utf-8"
#: What a request prefers: pages of so many objects, and of a batch all parts, whatever becomes of one.
_PAGE, _GO_ON = "odata.maxpagesize=1000", "odata.continue-on-error"

#: Cmdlets that are none of the service: which cmdlets it grants, which has a request of its own, and the connection,
#: which has none.
_LISTING, _CONNECTION = "get-command", "get-connectioninformation"

Answer = tuple[int, Mapping[str, str], bytes]


class RestTransport(WithCredential):
    """One organization over the admin API.

    :param identity: a connection identity for ``rest``.
    """

    name = "rest"
    may_repeat = False
    #: What to check when nothing comes from the service.
    names = _NAMES
    warnings: Sequence[str] = ()

    def __init__(self, identity: Mapping[str, Any]) -> None:
        super().__init__(identity)
        self._organization: str = identity["organization"]
        self._timeout = (identity["connect_timeout"], identity["command_timeout"])
        self._service = ServiceAddress(identity["rest"]["api_url"])
        self._connection_id = str(uuid.uuid4())
        #: The calls of the last try by their identity, which lasts as long as they are held, and the ID under which the
        #: service finds each in its logs.
        self._request_ids: dict[int, tuple[Call, str]] = {}
        self._token_lock = threading.Lock()
        self._takes_batches = True
        self._used = time.monotonic()

    @property
    def endpoint(self) -> str:
        """Where the session is, for people."""
        return self._service.base

    def turn(self, wanted: Callable[[], bool], log: Callable[[str], None]) -> AbstractContextManager[None]:
        """Nothing to wait for."""
        return nullcontext()

    @property
    def is_closed(self) -> bool:
        """Never: the service keeps no session, and each address names the organization."""
        return False

    def attempt(self, calls: Sequence[Call]) -> list[Outcome]:
        """One try of the calls. Requests that only read are under way side by side; with a write among them, they
        follow each other in the calls' order.
        """
        groups = _groups_by_request(calls)
        # Another try brings the same calls. As with Microsoft's module, a call keeps its ID however often it is sent.
        self._request_ids = {id(call): self._request_ids.get(id(call), (call, str(uuid.uuid4()))) for call in calls}
        if time.monotonic() - self._used > _IDLE:
            self._http.close()
        outcomes: dict[int, Outcome] = {}
        with self._limits.call(self._timeout[1]):
            side_by_side = len(groups) > 1 and all(call.is_read for call in calls)
            for group, group_outcomes in zip(groups, self._run(calls, groups, side_by_side), strict=True):
                outcomes.update(zip(group, group_outcomes, strict=True))
        for index, call in enumerate(calls):
            if call.cmdlet.lower() == _CONNECTION:
                # The cmdlet is the module's own, which reads it in its token, too.
                outcomes[index] = Result(objects=[{"State": "Connected", "TenantID": self._credential.tenant_id}])
        self._used = time.monotonic()
        return [outcomes[index] for index in range(len(calls))]

    def _run(self, calls: Sequence[Call], groups: Sequence[Sequence[int]], side_by_side: bool) -> list[list[Outcome]]:
        """The outcomes of groups of calls, each of which is one request.

        :param groups: the places of the calls.
        """
        run_group = partial(self._group, calls)
        if not side_by_side:
            return list(map(run_group, groups))
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            return list(pool.map(run_group, groups))

    def close(self) -> None:
        """Closes the connections. The service keeps no session."""
        self._http.close()

    def _group(self, calls: Sequence[Call], indexes: Sequence[int]) -> list[Outcome]:
        """The outcomes of calls that share a request. Raises nothing."""
        these = [calls[index] for index in indexes]
        try:
            if these[0].cmdlet.lower() == _LISTING:
                return [self._granted(these[0])]
            if len(these) > 1 and self._takes_batches:
                return self._batch(these)
            return [self._alone(call) for call in these]
        except FailedError as failed:
            return [failed.failure for _call in these]
        except Exception as error:  # what an answer holds may be anything, and the request was perhaps carried out
            return [unforeseen(error) for _call in these]

    def _alone(self, call: Call) -> Outcome:
        try:
            return self._single(call)
        except FailedError as failed:
            return failed.failure

    def _single(self, call: Call) -> Outcome:
        url = f"{self._address('beta')}/InvokeCommand"
        body = _body(call)
        answer = self._send("POST", url, lambda token: body, self._named(call))
        return self._pages(call, answers.outcome(call, *answer))

    def _batch(self, calls: Sequence[Call], *, renewed: bool = False) -> list[Outcome]:
        """Calls in one request. The parts count as unordered, and each stands alone."""
        address = self._address("beta")
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
        status, headers, content = self._send(
            "POST", f"{address}/$batch", body, {**self._named(calls[-1]), "Prefer": _GO_ON}
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
        if refused and not renewed and self._credential.renewable:
            self._token(used, _challenge(parts[refused[0]]))
            again = self._batch_again([calls[index] for index in refused])
            for index, outcome in zip(refused, again, strict=True):
                outcomes[index] = outcome
        return outcomes

    def _batch_again(self, calls: Sequence[Call]) -> list[Outcome]:
        """Calls that were refused for their token, with a new one."""
        return self._batch(calls, renewed=True) if len(calls) > 1 else [self._alone(calls[0])]

    def _part(self, name: str, url: str, call: Call, token: str) -> dict[str, Any]:
        prefer = {"Prefer": f"{_PAGE};{_GO_ON}"}
        headers = {
            **self._headers(),
            **self._named(call),
            **prefer,
            "Authorization": f"Bearer {token}",
            "Content-Type": _JSON,
        }
        return {"id": name, "method": "POST", "url": url, "headers": headers, "body": _body(call)}

    def _part_outcome(self, call: Call, part: Mapping[str, Any]) -> Outcome:
        status = part.get("status")
        if not isinstance(status, int) or isinstance(status, bool):
            return answers.garbled("the response to a batch does not include this call")
        try:
            return self._pages(
                call, answers.outcome(call, status, answers.Headers(part.get("headers")), part.get("body"))
            )
        except FailedError as failed:
            return failed.failure

    def _pages(self, call: Call, first: Outcome | answers.Page) -> Outcome:
        """The result of a call whose answer may come in several pages. A page that is missing is an error, never the
        end.
        """
        if not isinstance(first, answers.Page):
            return first
        result, page, seen = first.result, first, set[str]()
        while page.next_link:
            link = self._service.link(page.next_link)
            if not link or link in seen or len(seen) >= _PAGES:
                return incomplete(call, "the URL of its next part cannot be followed")
            seen.add(link)
            # A warning on a page that others follow is not about the whole list.
            result.warnings = [text for text in result.warnings if not is_of_a_part(text)]
            following = self._next(call, link)
            if not isinstance(following, answers.Page):
                if isinstance(following, Failure) and following.retryable:
                    return following
                return incomplete(
                    call,
                    f"the service does not return the rest ({following.error.message.rstrip('.')})"
                    if following.error
                    else "",
                )
            page = following
            result.objects += page.result.objects
            result.warnings += page.result.warnings
        return result

    def _next(self, call: Call, link: str) -> Outcome | answers.Page:
        """A further page. It is unknown which method the service expects: most clients in production use POST, some use
        GET.
        """
        body = _body(call)
        named = self._named(call)
        posted = answers.outcome(call, *self._send("POST", link, lambda token: body, named))
        if isinstance(posted, answers.Page) or (isinstance(posted, Failure) and posted.retryable):
            return posted
        got = answers.outcome(call, *self._send("GET", link, None, named))
        return got if isinstance(got, answers.Page) or (isinstance(got, Failure) and got.retryable) else posted

    def _granted(self, call: Call) -> Outcome:
        """Which cmdlets the service offers to us: what Get-Command returns over PSRP."""
        url = f"{self._address('v1.0')}/EXOModuleFile?Version={MODULE_VERSION}"
        headers = {"client-request-id": self._request_id(call)}
        page = answers.outcome(
            call, *self._send("GET", url, None, {**headers, "CommandName": "*", "SkipLoadingFormatData": "true"})
        )
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

    @property
    def _tenant(self) -> str:
        """The organization in addresses: its tenant id, once a token shows it. With a domain, the service may refuse
        further pages.
        """
        return self._credential.organization_id or self._organization

    def _address(self, version: str) -> str:
        self._token()  # which shows the tenant id
        return f"{self._service.base}/adminapi/{version}/{self._tenant}"

    def _named(self, call: Call) -> dict[str, str]:
        """The headers that tell a call from others."""
        return {"X-CmdletName": call.cmdlet, "client-request-id": self._request_id(call)}

    def _request_id(self, call: Call) -> str:
        return self._request_ids[id(call)][1]

    def _headers(self) -> dict[str, str]:
        user, tenant = self.user, self._tenant
        anchor = "APP" if is_tenant_id(tenant) else "UPN"
        return {
            "Accept": "application/json",
            "Accept-Charset": "UTF-8",
            "Accept-Language": "en-US",
            "X-ResponseFormat": "json",
            "X-SerializationLevel": "Partial",
            "X-ClientApplication": "m365.message_encryption",
            "X-ClientModuleVersion": MODULE_VERSION,
            "X-AnchorMailbox": f"UPN:{user}" if user else f"{anchor}:{SYSTEM_MAILBOX}@{tenant}",
            "Prefer": _PAGE,
            "WarningAction": "Continue",
            "connection-id": self._connection_id,
        }

    def _send(
        self,
        method: str,
        url: str,
        body: Callable[[str], Any] | None,
        headers: Mapping[str, str],
        *,
        follow: bool = True,
    ) -> Answer:
        """One request and its complete answer. Renews a refused token once, and follows a redirect within the service.

        :param body: makes the body for a token.
        :param follow: whether a redirect is followed; otherwise it is the answer.
        """
        token = self._token()
        renewed = False
        for _turn in range(_REDIRECTS + 2):
            content = None if body is None else body(token)
            status, answer_headers, answer = self._request(
                method, url, content, {**self._headers(), **headers, "Authorization": f"Bearer {token}"}
            )
            if status == 401 and not renewed and self._credential.renewable:
                renewed = True
                token = self._token(token, claims_of(answer_headers.get("WWW-Authenticate", "")))
            elif follow and status in REDIRECTS:
                url = self._service.redirect(url, answer_headers.get("Location", ""))
            else:
                return status, answer_headers, answer
        raise FailedError(Failure(ProtocolError("the service redirects in a loop."), Executed.UNKNOWN, retryable=False))

    def _token(self, refused: str = "", claims: str | None = None) -> str:
        """A token other than ``refused``, which another call may have renewed in the meantime."""
        with self._token_lock:
            token: str = self._authority(self._credential.token)
            if token == refused:
                self._authority(partial(self._credential.renew, claims))
                token = self._authority(self._credential.token)
            return token

    def _authority(self, ask: Callable[[], Given]) -> Given:
        return self._from_authority(ask, self._limits.within(_READ_TIMEOUT))

    def _request(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
        try:
            is_json = body is not None and not isinstance(body, bytes)
            data = json.dumps(body, separators=(",", ":")).encode("ascii") if is_json else body
            kind = {"Content-Type": _JSON} if is_json else {}
            response = self._http.request(
                method, url, data=data, headers={**headers, **kind}, timeout=self._timeout, allow_redirects=False
            )
            return response.status_code, response.headers, response.content
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            TooSlowError,
            TooLargeError,
            CutError,
            OSError,
        ) as error:
            failure = lost(error, self._service.base, self.names, late=self._limits.late)
            raise FailedError(failure) from None


def _whole(refusal: Outcome | answers.Page) -> Outcome:
    """What the refusal of a whole batch means for one of its calls."""
    return answers.garbled("the response to a batch is invalid") if isinstance(refusal, answers.Page) else refusal


def _refused_batch(status: int) -> Failure:
    """What the refusal of a whole batch means for a write in it."""
    return Failure(ProtocolError(f"the service refuses a batch (HTTP {status})."), Executed.UNKNOWN)


def _parts(content: bytes, number: int) -> list[Mapping[str, Any]]:
    """The response to each call of a batch, in the order of the calls; empty for one that is not there."""
    document = answers.parse(content)
    responses = document.get("responses") if isinstance(document, dict) else None
    if not isinstance(responses, list):
        raise FailedError(answers.garbled("the response to a batch contains no responses"))
    by_id = {str(response.get("id")): response for response in responses if isinstance(response, dict)}
    return [by_id.get(str(index), {}) for index in range(number)]


def _challenge(part: Mapping[str, Any]) -> str | None:
    return claims_of(answers.Headers(part.get("headers")).get("WWW-Authenticate", ""))


def _groups_by_request(calls: Sequence[Call]) -> list[list[int]]:
    """The places of the calls that share a request, for each request."""
    listings = [[index] for index, call in enumerate(calls) if call.cmdlet.lower() == _LISTING]
    others = [index for index, call in enumerate(calls) if call.cmdlet.lower() not in (_LISTING, _CONNECTION)]
    return [*listings, *(others[start : start + _BATCH] for start in range(0, len(others), _BATCH))]


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
