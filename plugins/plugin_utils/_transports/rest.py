# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``rest``: Exchange Online's admin API, InvokeCommand and ``$batch``.

Private to the collection. Microsoft does not document this interface for others; what is known of it is in the
reference on the wires. One object a session, used under the session's lock; it makes one try at a time and never
repeats a call by itself, save where the service said that it did not take it (a refused token, a redirect).
"""

from __future__ import annotations

import datetime
import email.utils
import json
import re
import time
import urllib.parse
import uuid
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call, Result
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.errors import (
    AuthenticationError,
    ExchangeError,
    PermissionDeniedError,
    ProtocolError,
    ServiceError,
    ThrottledError,
)
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import decode, refusals
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.authentication import AuthorityFailedError, Credential, claims_of
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.encode import json_parameter
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.libraries import requests, urllib3
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.network_failures import Names, lost
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import Executed, Failure, Outcome

#: Requests of one $batch; what the service's own module uses.
_BATCH = 10
#: Bytes of one answer, unpacked.
_LARGEST_ANSWER = 256 * 1024 * 1024
_PAGES = 1000
_REDIRECTS = 3
#: Seconds after which an unused connection is not trusted with a request any more: a write on a connection that the
#: other side has just closed would have an unknown outcome.
_IDLE = 30
_NAMES = Names("ansible_exchange_ca_cert", "ansible_exchange_api_url", "ansible_exchange_proxy", "Perhaps ansible_exchange_command_timeout is short.")
_SYSTEM_MAILBOX = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
_MODULE_VERSION = "3.9.2"  # the interface that EXOModuleFile is asked for


class _Failed(Exception):
    """A request that brought no answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(str(failure.error))
        self.failure = failure


class RestTransport:
    """One organization over the admin API.

    :param identity: a connection identity for ``rest``.
    """

    name = "rest"

    def __init__(self, identity: Mapping[str, Any]) -> None:
        rest = identity["rest"]
        self._organization: str = identity["organization"]
        self._timeout = (identity["connect_timeout"], identity["command_timeout"])
        self._base: str = rest["api_url"]
        self._host = urllib.parse.urlsplit(self._base).hostname or ""
        self._connection_id = str(uuid.uuid4())
        self._http = _session(rest)
        self._credential = Credential(identity, self._http)
        self._used = time.monotonic()

    @property
    def endpoint(self) -> str:
        """Where the session is, for people."""
        return self._base

    def attempt(self, calls: Sequence[Call]) -> list[Outcome]:
        """One try of the calls: several reads, or one write."""
        outcomes: dict[int, Outcome] = {}
        rest: list[int] = []
        for index, call in enumerate(calls):
            if call.cmdlet.lower() == "get-command":
                outcomes[index] = self._guarded([call], lambda call=call: [self._granted(call)])[0]
            else:
                rest.append(index)
        for start in range(0, len(rest), _BATCH):
            part = rest[start : start + _BATCH]
            these = [calls[index] for index in part]
            brought = self._guarded(these, lambda these=these: self._batch(these) if len(these) > 1 else [self._single(these[0])])
            outcomes.update(zip(part, brought, strict=True))
        return [outcomes[index] for index in range(len(calls))]

    def close(self) -> None:
        """Closes the connections. The service keeps no session."""
        self._http.close()

    def _guarded(self, calls: Sequence[Call], step: Any) -> list[Outcome]:
        try:
            return list(step())
        except _Failed as failed:
            return [failed.failure for _call in calls]

    def _single(self, call: Call) -> Outcome:
        url = f"{self._base}/adminapi/beta/{self._organization}/InvokeCommand"
        body = _body(call)
        status, headers, content = self._send("POST", url, body, {"X-CmdletName": call.cmdlet})
        return self._pages(call, body, outcome(call, status, headers, content))

    def _batch(self, calls: Sequence[Call]) -> list[Outcome]:
        address = f"{self._base}/adminapi/beta/{self._organization}"
        requests_ = [
            {
                "id": str(index),
                "method": "POST",
                "url": f"{address}/InvokeCommand",
                "headers": {**self._headers(), "Content-Type": "application/json; charset=utf-8", "X-CmdletName": call.cmdlet},
                "body": _body(call),
            }
            for index, call in enumerate(calls)
        ]
        prefer = {"Prefer": "odata.maxpagesize=1000;odata.continue-on-error"}
        status, headers, content = self._send("POST", f"{address}/$batch", {"requests": requests_}, prefer)
        if status != 200:
            return [_whole(outcome(call, status, headers, content)) for call in calls]
        document = _json(content)
        responses = document.get("responses") if isinstance(document, dict) else None
        if not isinstance(responses, list):
            raise _Failed(_garbled("the answer to a batch holds no responses"))
        by_id = {str(response.get("id")): response for response in responses if isinstance(response, dict)}
        outcomes: list[Outcome] = []
        for index, call in enumerate(calls):
            response = by_id.get(str(index))
            if response is None or not isinstance(response.get("status"), int):
                outcomes.append(_garbled("the answer to a batch leaves this call out"))
                continue
            inner = response.get("headers")
            part = outcome(call, response["status"], _Headers(inner if isinstance(inner, dict) else {}), response.get("body"))
            try:
                outcomes.append(self._pages(call, _body(call), part))
            except _Failed as failed:
                outcomes.append(failed.failure)
        return outcomes

    def _pages(self, call: Call, body: Mapping[str, Any], first: Outcome | _Page) -> Outcome:
        """The result of a call whose answer may come in several pages. A page that is missing is an error, never the end."""
        if not isinstance(first, _Page):
            return first
        result, page, seen = first.result, first, set[str]()
        while page.next_link:
            link = urllib.parse.urljoin(self._base, page.next_link)
            if link in seen or len(seen) >= _PAGES or not self._ours(link):
                return Result(error=ProtocolError("the list has a next page at an address that cannot be followed.", cmdlet=call.cmdlet))
            seen.add(link)
            following = outcome(call, *self._send("POST", link, body, {"X-CmdletName": call.cmdlet}))
            if not isinstance(following, _Page):
                return following
            page = following
            result.objects += page.result.objects
            result.warnings += page.result.warnings
        return result

    def _granted(self, call: Call) -> Outcome:
        """Which cmdlets the service offers to us: what Get-Command tells over the other wire."""
        url = f"{self._base}/adminapi/v1.0/{self._organization}/EXOModuleFile?Version={_MODULE_VERSION}"
        status, headers, content = self._send("GET", url, None, {"CommandName": "*"})
        page = outcome(call, status, headers, content)
        if not isinstance(page, _Page):
            return page
        lists = [item.get("exportedCmdlets") for item in page.result.objects]
        if not any(isinstance(names, (str, list)) for names in lists):
            return _garbled("the list of granted cmdlets is missing in the service's answer")
        names: list[str] = []
        for item in lists:
            names += item.split(",") if isinstance(item, str) else item or []
        names = [name.strip() for name in names if isinstance(name, str) and name.strip()]
        wanted = call.parameters.get("Name")
        if isinstance(wanted, Sequence) and not isinstance(wanted, str):
            asked = {str(name).lower() for name in wanted}
            names = [name for name in names if name.lower() in asked]
        return Result(objects=[{"Name": name} for name in names])

    def _headers(self) -> dict[str, str]:
        anchor = "APP" if re.fullmatch(r"[0-9a-fA-F-]{36}", self._organization) else "UPN"
        return {
            "Accept": "application/json",
            "Accept-Language": "en-US",
            "X-ResponseFormat": "json",
            "X-ClientApplication": "m365.message_encryption",
            "X-AnchorMailbox": f"{anchor}:{_SYSTEM_MAILBOX}@{self._organization}",
            "Prefer": "odata.maxpagesize=1000",
            "WarningAction": "Continue",
            "connection-id": self._connection_id,
            "client-request-id": str(uuid.uuid4()),
        }

    def _send(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        """One request and its whole answer. A refused token is renewed once, a redirect within the service followed."""
        renewed = False
        for _turn in range(_REDIRECTS + 2):
            token = self._authority(self._credential.token)
            status, answer_headers, content = self._request(method, url, body, {**self._headers(), **headers, "Authorization": f"Bearer {token}"})
            if status == 401 and not renewed and self._credential.renewable:
                renewed = True
                self._authority(partial(self._credential.renew, claims_of(answer_headers.get("WWW-Authenticate", ""))))
            elif status in (301, 302, 303, 307, 308):
                url = self._redirected(url, answer_headers.get("Location", ""))
            else:
                return status, answer_headers, content
        raise _Failed(Failure(ProtocolError("the service redirects in a circle."), Executed.NO, retryable=False))

    def _authority(self, ask: Callable[[], Any]) -> Any:
        """What the authority gives. Whatever goes wrong there, the call itself was not sent."""
        try:
            return ask()
        except AuthenticationError as error:
            failure = Failure(error, Executed.NO, retryable=False)
        except AuthorityFailedError as error:
            failure = Failure(ServiceError(f"{self._credential.authority} {error}.", remedy=self._credential.names.late), Executed.NO)
        except OSError as error:  # which those of requests are
            failure = replace(lost(error, self._credential.authority, self._credential.names), executed=Executed.NO)
        raise _Failed(failure)

    def _request(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        now = time.monotonic()
        if now - self._used > _IDLE:
            self._http.close()
        try:
            data = None if body is None else json.dumps(body, separators=(",", ":")).encode("utf-8", "surrogatepass")
            kind = {"Content-Type": "application/json; charset=utf-8"} if data is not None else {}
            response = self._http.request(method, url, data=data, headers={**headers, **kind}, timeout=self._timeout, allow_redirects=False, stream=True)
            content = _read(response)
            return response.status_code, response.headers, content
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _Failed(lost(error, self._base, _NAMES)) from None
        finally:
            self._used = time.monotonic()

    def _redirected(self, url: str, location: str) -> str:
        """The address to use instead, if it is still the service's: the credential is sent nowhere else."""
        target = urllib.parse.urljoin(url, location)
        if not location or not self._ours(target):
            host = urllib.parse.urlsplit(target).hostname or "nowhere"
            error = ProtocolError(f"the service at {self._host} redirects to {host}, which is not followed.", remedy="Check ansible_exchange_api_url.")
            raise _Failed(Failure(error, Executed.NO, retryable=False))
        parts = urllib.parse.urlsplit(target)
        self._base = f"{parts.scheme}://{parts.netloc}"
        return target

    def _ours(self, url: str) -> bool:
        """Whether an address that the service named is on its own host or below it, over the same scheme."""
        target, base = urllib.parse.urlsplit(url), urllib.parse.urlsplit(self._base)
        host = target.hostname or ""
        same_port = target.port == base.port or (target.port or 443) == (base.port or 443)
        return target.scheme == base.scheme and same_port and (host == self._host or host.endswith("." + self._host))


class _Page:
    """A call's objects, and where there are more of them."""

    def __init__(self, result: Result, next_link: str) -> None:
        self.result = result
        self.next_link = next_link


def _whole(refusal: Outcome | _Page) -> Outcome:
    """What the refusal of a whole batch means for one of its calls."""
    return _garbled("the answer to a batch is not one") if isinstance(refusal, _Page) else refusal


class _Headers(dict[str, str]):
    """Headers of a batch's part; HTTP does not mind their case."""

    def __init__(self, headers: Mapping[Any, Any]) -> None:
        super().__init__({str(name).lower(): str(value) for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def outcome(call: Call, status: int, headers: Mapping[str, str], content: Any) -> Outcome | _Page:
    """What one HTTP answer means for its call.

    :param content: the body: bytes, or JSON that a batch has already unpacked.
    """
    document = _json(content) if isinstance(content, (bytes, str)) else content
    after = retry_after(headers)
    if 200 <= status < 300:
        if document is None and content in (b"", "", None):
            return _Page(Result(), "")
        if not isinstance(document, dict) or not isinstance(document.get("value", []), list):
            return _garbled("the answer is not what the service answers to a cmdlet")
        errors = document.get("@adminapi.errors")
        if errors:
            first = errors[0] if isinstance(errors, list) else errors
            return _refused(call, refusals.parts(first if isinstance(first, str) else json.dumps(first)), None)
        warnings = document.get("@adminapi.warnings")
        objects = [decode.json_object(item) if isinstance(item, dict) else {"value": item} for item in document.get("value", [])]
        texts = [str(item) for item in warnings] if isinstance(warnings, list) else []
        link = document.get("@odata.nextLink")
        return _Page(Result(objects=objects, warnings=texts), link if isinstance(link, str) else "")
    if status == 429:
        return Failure(_throttled(), Executed.NO, retry_after=after)
    if status == 401:
        return Failure(
            AuthenticationError(
                "Exchange does not accept the token (401).",
                remedy="Give the application the permission Exchange.ManageAsApp with admin consent and an Exchange role; check ansible_exchange_organization.",
                error_id=headers.get("x-ExceptionType", ""),
            ),
            Executed.NO,
            retryable=False,
        )
    told = _told(document)
    if told is not None:
        refused = _refused(call, told, after)
        if status == 403 and isinstance(refused, Result) and refused.error.__class__ is ExchangeError:
            refused.error = PermissionDeniedError(refused.error.message, cmdlet=call.cmdlet, error_id=refused.error.error_id)
        return refused
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content if isinstance(content, str) else ""
    if "maximum number of concurrent requests" in text:
        return Failure(_throttled(), Executed.NO, retry_after=after)
    if status == 403:
        return Result(error=refusals.not_granted(call.cmdlet))
    if status >= 500 or status == 408:
        return Failure(ServiceError(f"the service failed (HTTP {status}).", error_id=headers.get("x-ExceptionType", "")), Executed.UNKNOWN, retry_after=after)
    return Result(
        error=ProtocolError(
            f"the service answered HTTP {status} with something that is no answer of Exchange.",
            remedy="Check ansible_exchange_api_url and proxies.",
            cmdlet=call.cmdlet,
        )
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks to wait; it may be a number or a date."""
    text = (headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max((moment - datetime.datetime.now(datetime.UTC)).total_seconds(), 0.0)


def _refused(call: Call, told: tuple[str, str, str], after: float | None) -> Outcome:
    error_id, exception_type, text = told
    error = refusals.classify(text, exception_type=exception_type, error_id=error_id, cmdlet=call.cmdlet)
    if isinstance(error, ThrottledError):
        return Failure(error, Executed.NO, retry_after=after)
    if isinstance(error, ServiceError):
        return Failure(error, Executed.UNKNOWN, retry_after=after)
    return Result(error=error)


def _told(document: Any) -> tuple[str, str, str] | None:
    """Error id, exception type and text of an error body, whichever of its shapes it has; None for anything else.

    The order is that of the reference on Exchange's errors: details, then the internal exception, then the message.
    """
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        message = detail.get("message") if isinstance(detail, dict) else None
        if isinstance(message, str) and message.strip("| \0"):
            return refusals.parts(message)
    inner = error.get("innererror")
    if isinstance(inner, dict):
        internal = next((value for key, value in inner.items() if key.lower() == "internalexception" and isinstance(value, dict)), None)
        for source in (internal, inner):
            message = source.get("message") if source else None
            if source and isinstance(message, str) and message and not message.startswith("Exception of type '"):
                return "", str(source.get("type") or ""), message
    return str(error.get("code") or ""), "", str(error.get("message") or "")


def _body(call: Call) -> dict[str, Any]:
    parameters = {name: json_parameter(value) for name, value in call.parameters.items()}
    return {"CmdletInput": {"CmdletName": call.cmdlet, "Parameters": parameters}}


def _json(content: bytes | str) -> Any:
    """The JSON document, or None where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _throttled() -> ExchangeError:
    return ThrottledError("Exchange asks to slow down.", remedy="Run with fewer forks, or later.")


def _garbled(text: str) -> Failure:
    return Failure(ProtocolError(f"{text}."), Executed.UNKNOWN)


def _session(rest: Mapping[str, Any]) -> requests.Session:
    http = requests.Session()
    if not rest["validate_certs"]:
        http.verify = False
        http.trust_env = False
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    elif rest["ca_cert"]:
        http.verify = rest["ca_cert"]
        # REQUESTS_CA_BUNDLE would beat the file that the inventory names.
        http.trust_env = False
    if rest["proxy"]:
        http.proxies = {"https": rest["proxy"], "http": rest["proxy"]}
        http.trust_env = False
    elif not http.trust_env:
        http.proxies = dict(requests.utils.get_environ_proxies(rest["api_url"]))
    http.headers["User-Agent"] = "m365.message_encryption"
    http.headers["Accept-Encoding"] = "gzip"
    return http


def _read(response: requests.Response) -> bytes:
    """The whole body, unpacked and bounded.

    Exchange declares a run of NUL bytes as gzip where a cmdlet is not granted: what does not unpack is taken as it is.
    """
    raw = response.raw.read(_LARGEST_ANSWER + 1, decode_content=False)
    if len(raw) > _LARGEST_ANSWER:
        response.close()
        raise _Failed(Failure(ProtocolError(f"the answer is larger than {_LARGEST_ANSWER} bytes."), Executed.UNKNOWN, retryable=False))
    response.raw.release_conn()
    if response.headers.get("Content-Encoding", "").lower() in ("gzip", "x-gzip"):
        try:
            unpacker = zlib.decompressobj(wbits=31)
            content = unpacker.decompress(raw, _LARGEST_ANSWER)
        except zlib.error:
            return bytes(raw)
        if unpacker.unconsumed_tail:
            raise _Failed(Failure(ProtocolError(f"the answer is larger than {_LARGEST_ANSWER} bytes."), Executed.UNKNOWN, retryable=False))
        return content
    return bytes(raw)
