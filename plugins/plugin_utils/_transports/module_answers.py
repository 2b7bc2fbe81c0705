# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error record means where Microsoft's module ExchangeOnlineManagement reports it.
Pure.

The module repeats a call by itself, also a write: up to six times after 401, 429, 503, 504 and some exceptions of the
service. So what it reports last may be the answer to a repetition: after a write that was carried out behind a 504,
``New-`` is told that the object exists, and ``Remove-`` that it does not. An Exchange server's own session repeats
nothing. Source: docs/docsite/rst/fidelity.rst, "The wires".
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    AlreadyExistsError,
    AuthenticationError,
    ExchangeError,
    NotFoundError,
    ServiceError,
    ThrottledError,
    TokenRefusedError,
    UnreachableError,
)
from . import service_errors
from .network_failures import Names
from .records import RemoteError
from .retry import Executed, Failure, Outcome

#: What the module fails to call in PowerShell 7 when a request is answered with 401. The engine's sentence around it
#: may be localized.
_CRASH = "GetResponseHeader"
#: The exceptions that say nothing about the service's own.
_ANY_EXCEPTION = ("", "System.Exception")
#: Verb of a cmdlet to the refusal that its own earlier try can bring about.
_OWN_TRIES: dict[str, type[ExchangeError]] = {"new": AlreadyExistsError, "remove": NotFoundError}
_REPEATS = "Microsoft's module repeats writes by itself, so an earlier try may have been carried out"


def told(error: RemoteError, call: Call) -> ExchangeError:
    """The error of an error record.

    The module puts the service's own id and type into the text, or the whole body of an answer, and the type also into
    the record's reason.
    """
    document = _json(error.message)
    body = service_errors.of_body(document)
    if body is not None:
        # It passes on a body as it is only where it has given up after 429.
        return service_errors.throttled(body[2], cmdlet=call.cmdlet)
    error_id, exception_type, text = service_errors.parts(error.message)
    if not exception_type:
        category = re.search(r"FailureCategory=[A-Za-z]+-(\w+)", error.error_id)
        reason = category[1] if category else error.reason
        exception_type = (
            reason
            if reason not in ("", "Exception") and error.exception_type in _ANY_EXCEPTION
            else error.exception_type
        )
    return service_errors.classify(
        text, exception_type=exception_type, error_id=error_id or error.error_id, cmdlet=call.cmdlet
    )


def outcome_of(error: RemoteError, call: Call, warnings: Sequence[str]) -> Outcome:
    """What the first error record of a call means for it."""
    if _CRASH in error.message:
        return Failure(_refused_token(), Executed.NO)
    if error.exception_type == "System.ArgumentException" and (
        "ConvertFromJson" in error.error_id or "JSON" in error.message
    ):
        text = "a response did not come from Exchange, but from a gateway before it, and Microsoft's module could not read it."
        return Failure(
            ServiceError(text, remedy="If it happens again, check proxies.", error_id=error.error_id), Executed.UNKNOWN
        )
    found = told(error, call)
    repeated = not call.is_read and _is_of_module(error)
    if isinstance(found, (ServiceError, ThrottledError)):
        refused = isinstance(found, ThrottledError) and not repeated
        return Failure(_of_a_repetition(found) if repeated else found, Executed.NO if refused else Executed.UNKNOWN)
    own = _OWN_TRIES.get(call.cmdlet.partition("-")[0].lower())
    if repeated and (service_errors.is_opaque(found) or (own is not None and isinstance(found, own))):
        _of_a_repetition(found).uncertain = True
    return Result(error=found, warnings=list(warnings))


def is_refused_token(outcome: Outcome) -> bool:
    """Whether Exchange did not accept the session's token, so that the call was not carried out."""
    return isinstance(outcome, Failure) and isinstance(outcome.error, TokenRefusedError)


def _is_of_module(error: RemoteError) -> bool:
    """Whether the module reports an error, and not an Exchange server in its own session, or PowerShell itself."""
    return "Write-ErrorMessage" in error.error_id or (
        error.exception_type in _ANY_EXCEPTION and "FailureCategory=" not in error.error_id
    )


def _of_a_repetition(error: ExchangeError) -> ExchangeError:
    error.message = f"{error.message.rstrip('.')}. {_REPEATS}."
    return error


def _refused_token() -> TokenRefusedError:
    return TokenRefusedError(
        "Exchange does not accept the session's token (401), which Microsoft's module cannot report on PowerShell 7.",
        remedy="Grant the application the permission Exchange.ManageAsApp with admin consent, and a role. If they are granted, install another version "
        "of ExchangeOnlineManagement: 3.10.0 is reported to fail like this with every token, 3.9.2 is not.",
    )


def _json(text: str) -> object:
    try:
        return json.loads(text) if text.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None


@dataclass(frozen=True)
class _ConnectFailure:
    """Why Connect-ExchangeOnline fails: recognized by the type of the exception, and its text.

    :param passes: whether another try may end better.
    """

    types: tuple[str, ...]
    text: str
    error: type[UnreachableError]
    message: str
    remedy: str
    passes: bool


#: The most telling first. Source: the module, run.
_CAUSES = (
    _ConnectFailure(
        ("HttpRequestException", "AuthenticationException"),
        "SSL|TLS|certificate",
        UnreachableError,
        "the TLS certificate of Exchange is not trusted: {text}",
        "Check {trust}.",
        False,
    ),
    _ConnectFailure(
        ("HttpRequestException",),
        "proxy",
        UnreachableError,
        "the proxy did not connect to Exchange: {text}",
        "Check {proxy}.",
        True,
    ),
    _ConnectFailure(
        ("HttpRequestException", "SocketException", "TaskCanceledException", "TimeoutException"),
        "",
        UnreachableError,
        "Exchange cannot be reached: {text}",
        "Check the network, the firewall and {proxy}.",
        True,
    ),
    _ConnectFailure(
        ("UnauthorizedAccessException",),
        "",
        TokenRefusedError,
        "Exchange does not accept the caller: {text}",
        "",
        False,
    ),
    _ConnectFailure(
        ("JsonReaderException",),
        "",
        UnreachableError,
        "a response did not come from Exchange, but from a gateway before it: {text}",
        "Check {proxy}. If there is none, try again later.",
        True,
    ),
    _ConnectFailure(
        (),
        "Module could not be correctly formed",
        UnreachableError,
        "Exchange returned no usable list of cmdlets: {text}",
        "Try again later. If it happens again, check the role of the application.",
        True,
    ),
    _ConnectFailure(
        ("System.SystemException",),
        "",
        UnreachableError,
        "Exchange is busy, or failed: {text}",
        "Use fewer forks, or try again later.",
        True,
    ),
)


def not_connected(error: RemoteError, names: Names, no_access: str) -> tuple[UnreachableError, bool] | None:
    """Why Connect-ExchangeOnline failed, and whether another try may end better; None if its exception does not tell.

    :param names: what to check on the way from the module to Exchange.
    :param no_access: what to do if the caller is refused.
    """
    text = " ".join(error.message.split())
    for cause in _CAUSES:
        if (not cause.types or error.exception_type.endswith(cause.types)) and re.search(
            cause.text, text, re.IGNORECASE
        ):
            refused = issubclass(cause.error, AuthenticationError)
            remedy = no_access if refused else cause.remedy.format(**vars(names))
            message = cause.message.format(text=text.rstrip(".") + ".")
            return cause.error(
                f"Connect-ExchangeOnline failed: {message}", remedy=remedy, error_id=error.exception_type
            ), cause.passes
    return None
