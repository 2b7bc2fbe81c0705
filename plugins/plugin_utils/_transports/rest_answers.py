# SPDX-License-Identifier: GPL-3.0-or-later
"""What an HTTP answer of the admin API means for the call that it answers. Pure."""

from __future__ import annotations

import datetime
import email.utils
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    ExchangeError,
    PermissionDeniedError,
    ProtocolError,
    ServiceError,
    ThrottledError,
    TokenRefusedError,
)
from . import decode, service_errors
from .limits import bounded
from .retry import Executed, Failure, Outcome

#: Statuses that pass, whatever their body says. Source: docs/docsite/rst/fidelity.rst, "The wires".
_PASSING = (408, 429, 502, 503, 504)


@dataclass
class Page:
    """A call's objects, and the address of the next ones.

    :param next_link: the address of the next page; empty where this is the last one.
    """

    result: Result
    next_link: str


class Headers(dict[str, str]):
    """Headers of a batch's part; HTTP does not mind their case."""

    def __init__(self, headers: Any) -> None:
        super().__init__(
            {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}
        )

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def outcome(call: Call, status: int, headers: Mapping[str, str], content: Any) -> Outcome | Page:
    """What one HTTP answer means for its call.

    :param content: the body: bytes, or JSON that a batch has already unpacked.
    """
    try:
        document = parse(content) if isinstance(content, (bytes, str)) else content
        return (
            _page(call, status, document) if 200 <= status < 300 else _refusal(call, status, headers, content, document)
        )
    except RecursionError:
        return garbled("the response is nested too deeply")


def _page(call: Call, status: int, document: Any) -> Outcome | Page:
    """An answer is 200 with a JSON object whose ``value`` is a list of objects. Anything else says nothing, least of
    all that nothing is there.
    """
    if status != 200 or not isinstance(document, dict):
        return garbled(f"the response (HTTP {status}) is not a valid response to a cmdlet")
    if errors := document.get("@adminapi.errors"):
        first = errors[0] if isinstance(errors, list) else errors
        parts = service_errors.parts(first if isinstance(first, str) else json.dumps(first))
        return _unclear(call, _refused(call, parts, None))
    values, warnings, link = document.get("value"), document.get("@adminapi.warnings"), document.get("@odata.nextLink")
    if not isinstance(values, list):
        return garbled("the response contains no list of objects")
    objects = [decode.json_object(item) if isinstance(item, dict) else {"value": item} for item in values]
    texts = bounded([str(item) for item in warnings]) if isinstance(warnings, list) else []
    return Page(Result(objects=objects, warnings=texts), link if isinstance(link, str) else "")


def _text(content: Any) -> str:
    """A body as text; empty if it is neither bytes nor text."""
    if isinstance(content, bytes):
        return content.decode("utf-8", "replace")
    return content if isinstance(content, str) else ""


def _says_nothing(content: Any) -> bool:
    """Whether there is nothing to read in a body: bytes, or what a batch has unpacked."""
    return not (_text(content).strip("\0 \t\r\n") if isinstance(content, (bytes, str)) else content)


def _refusal(call: Call, status: int, headers: Mapping[str, str], content: Any, document: Any) -> Outcome:
    after = retry_after(headers)
    exception_type = str(headers.get("x-ExceptionType") or "")
    parts = service_errors.of_body(document)
    if parts is not None:
        # The header tells the exception where the text does not.
        parts = (parts[0], parts[1] or exception_type, parts[2])
    text = _text(content)
    if status == 429 or "maximum number of concurrent requests" in text:
        return Failure(service_errors.throttled(), Executed.NO, retry_after=after)
    if status in _PASSING:
        return Failure(_failed(status, parts, exception_type), Executed.UNKNOWN, retry_after=after)
    if status == 401:
        return Failure(
            TokenRefusedError(
                "Exchange does not accept the token (401).",
                remedy="Grant the application the permission Exchange.ManageAsApp with admin consent, and a role. Check ansible_exchange_organization.",
                error_id=exception_type,
            ),
            Executed.NO,
            retryable=False,
        )
    if parts is not None:
        refused = _refused(call, parts, after)
        if status == 403 and isinstance(refused, Result) and refused.error.__class__ is ExchangeError:
            refused.error = PermissionDeniedError(
                refused.error.message, cmdlet=call.cmdlet, error_id=refused.error.error_id
            )
        return refused if status < 500 else _unclear(call, refused)
    if status == 403 and _says_nothing(content):
        return Result(error=service_errors.not_granted(call.cmdlet))
    if status >= 500:
        return Failure(_failed(status, None, exception_type), Executed.UNKNOWN, retry_after=after)
    error = ProtocolError(
        f"the service returned HTTP {status} with a response that is not from Exchange.",
        remedy="Check ansible_exchange_api_url and any proxies.",
    )
    return Failure(error, Executed.UNKNOWN, retryable=False)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a Retry-After header asks to wait, as a number or a date. None if it contains neither."""
    text = str(headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return min(max((moment - datetime.datetime.now(datetime.UTC)).total_seconds(), 0.0), _LONGEST)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


#: Seconds; whoever asks to wait longer asks not to come back.
_LONGEST = float(10**9)


def parse(content: bytes | str) -> Any:
    """The JSON document, or None if it is not one."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def garbled(text: str) -> Failure:
    """An answer that is none."""
    return Failure(ProtocolError(f"{text}."), Executed.UNKNOWN)


def _unclear(call: Call, refused: Outcome) -> Outcome:
    """What an error means that does not say that the call was refused: the cmdlet ran, or the service failed in it."""
    if call.is_read:
        return refused
    if isinstance(refused, Failure):
        return replace(refused, executed=Executed.UNKNOWN)
    return refused if refused.error is None else Failure(refused.error, Executed.UNKNOWN, retryable=False)


def _failed(status: int, parts: tuple[str, str, str] | None, exception_type: str) -> ServiceError:
    reason = " ".join((parts[2] if parts else "").replace("\0", " ").split())
    return ServiceError(
        f"the service failed (HTTP {status}{': ' + reason if reason else ''}).",
        error_id=exception_type or (parts[1] or parts[0] if parts else ""),
    )


def _refused(call: Call, parts: tuple[str, str, str], after: float | None) -> Outcome:
    error_id, exception_type, text = parts
    error = service_errors.classify(text, exception_type=exception_type, error_id=error_id, cmdlet=call.cmdlet)
    if isinstance(error, ThrottledError):
        return Failure(error, Executed.NO, retry_after=after)
    if isinstance(error, ServiceError):
        return Failure(error, Executed.UNKNOWN, retry_after=after)
    return Result(error=error)
