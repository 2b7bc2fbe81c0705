# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error record means where Microsoft's module ExchangeOnlineManagement reports it.
Pure.

The module repeats a call by itself, also a write: up to six times after 401, 429, 503, 504 and some exceptions of the
service. What it reports is the answer to the last of these tries, and nothing tells how many there were. So no error of
the module says of a write that it was not carried out: an earlier try may have been, behind an answer that got lost.
Only what PowerShell refuses before it runs the cmdlet's function was certainly not sent. An Exchange server's own
session repeats nothing. Source: docs/docsite/rst/fidelity.rst, "The wires".
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    AuthenticationError,
    ExchangeError,
    ServiceError,
    ThrottledError,
    TokenRefusedError,
    UnreachableError,
)
from . import service_errors
from .module_service import ModuleService
from .network_failures import Names
from .records import RemoteError
from .retry import Executed, Failure, Outcome

#: What the module fails to call in PowerShell 7 when a request is answered with 401. The engine's sentence around it
#: may be localized.
_CRASH = "GetResponseHeader"
#: The exceptions that say nothing about the service's own.
_ANY_EXCEPTION = ("", "System.Exception")
#: How PowerShell refuses a command before it runs it: there is none of that name, or its parameters cannot be bound.
_NOT_FOUND = "CommandNotFoundException"
_NOT_LOADED = "CouldNotAutoloadMatchingModule"
_NOT_BOUND = (
    "NamedParameterNotFound",
    "PositionalParameterNotFound",
    "ParameterArgumentTransformationError",
    "ParameterArgumentValidationError",
    "ParameterArgumentValidationErrorNullNotAllowed",
    "ParameterArgumentValidationErrorEmptyStringNotAllowed",
    "CannotConvertArgumentNoMessage",
    "MissingMandatoryParameter",
    "MissingArgument",
    "AmbiguousParameterSet",
)
_REPEATS = "Microsoft's module repeats calls by itself, so an earlier try of this write may have been carried out"


def error_of_record(error: RemoteError, call: Call) -> ExchangeError:
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
        return _by_module(call, Failure(_refused_token(), Executed.NO))
    if error.exception_type == "System.ArgumentException" and (
        "ConvertFromJson" in error.error_id or "JSON" in error.message
    ):
        text = "Microsoft's module received no response of Exchange that it can read: a page of a gateway came in its place, or the connection was lost."
        unread = ServiceError(
            text, remedy="If it happens again, check proxies and the network.", error_id=error.error_id
        )
        return _by_module(call, Failure(unread, Executed.UNKNOWN))
    meaning = error_of_record(error, call)
    if _is_first_answer(error, call):
        if isinstance(meaning, ThrottledError):
            return Failure(meaning, Executed.NO)
        return (
            Failure(meaning, Executed.UNKNOWN)
            if isinstance(meaning, ServiceError)
            else Result(error=meaning, warnings=list(warnings))
        )
    if isinstance(meaning, (ServiceError, ThrottledError)):
        # What the module has repeated already is not repeated once more.
        lost = call.is_read and service_errors.is_opaque(meaning)
        return _by_module(call, Failure(meaning, Executed.UNKNOWN, retryable=lost))
    if call.is_read:
        return Result(error=meaning, warnings=list(warnings))
    return _by_module(call, Failure(meaning, Executed.UNKNOWN, retryable=False))


def _by_module(call: Call, failure: Failure) -> Failure:
    """What a failure that the module reports means for a call: a write may have been carried out by an earlier try."""
    if call.is_read:
        return failure
    failure.error.message = f"{failure.error.message.rstrip('.')}. {_REPEATS}."
    return replace(failure, executed=Executed.UNKNOWN)


def is_refused_token(outcome: Outcome) -> bool:
    """Whether Exchange did not accept the session's token."""
    return isinstance(outcome, Failure) and isinstance(outcome.error, TokenRefusedError)


def _is_first_answer(error: RemoteError, call: Call) -> bool:
    """Whether an error is certainly the answer to the only sending of a call: an Exchange server reports it in its own
    session, or PowerShell, which then has not run the module's function for the cmdlet.
    """
    if "FailureCategory=" in error.error_id:
        return True
    kind, _comma, reporter = error.error_id.partition(",")
    cmdlet = call.cmdlet.lower()
    if kind == _NOT_FOUND:
        return error.target.lower() == cmdlet
    return kind == _NOT_LOADED or (kind in _NOT_BOUND and cmdlet in (reporter.lower(), error.activity.lower()))


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
    """Why the module does not connect: recognized by the type of the exception, and its text.

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
        "the TLS certificate of {service} is not trusted: {text}",
        "Check {trust}.",
        False,
    ),
    _ConnectFailure(
        ("HttpRequestException",),
        "proxy",
        UnreachableError,
        "the proxy did not connect to {service}: {text}",
        "Check {proxy}.",
        True,
    ),
    _ConnectFailure(
        ("HttpRequestException", "SocketException", "TaskCanceledException", "TimeoutException"),
        "",
        UnreachableError,
        "{service} cannot be reached: {text}",
        "Check the network, the firewall and {proxy}.",
        True,
    ),
    _ConnectFailure(
        ("UnauthorizedAccessException",),
        "",
        TokenRefusedError,
        "{service} does not accept the caller: {text}",
        "",
        False,
    ),
    _ConnectFailure(
        ("JsonReaderException",),
        "",
        UnreachableError,
        "a response did not come from {service}, but from a gateway before it: {text}",
        "Check {proxy}. If there is none, try again later.",
        True,
    ),
    _ConnectFailure(
        (),
        "Module could not be correctly formed",
        UnreachableError,
        "{service} returned no usable list of cmdlets: {text}",
        "Try again later. If it happens again, check the role of the application.",
        True,
    ),
    _ConnectFailure(
        ("System.SystemException",),
        "",
        UnreachableError,
        "{service} is busy, or failed: {text}",
        "Use fewer forks, or try again later.",
        True,
    ),
)


def not_connected(
    error: RemoteError, service: ModuleService, names: Names, no_access: str
) -> tuple[UnreachableError, bool] | None:
    """Why the module did not connect, and whether another try may end better; None if its exception does not tell.

    :param names: what to check on the way from the module to the service.
    :param no_access: what to do if the caller is refused.
    """
    text = " ".join(error.message.split())
    for cause in _CAUSES:
        if (not cause.types or error.exception_type.endswith(cause.types)) and re.search(
            cause.text, text, re.IGNORECASE
        ):
            refused = issubclass(cause.error, AuthenticationError)
            remedy = no_access if refused else cause.remedy.format(**vars(names))
            message = cause.message.format(service=service.name, text=text.rstrip(".") + ".")
            return cause.error(
                f"{service.connect} failed: {message}", remedy=remedy, error_id=error.exception_type
            ), cause.passes
    return None
