# SPDX-License-Identifier: GPL-3.0-or-later
"""What Exchange says when it refuses, turned into the collection's errors. All wires use this one table.

Texts may be localized, so the .NET exception type decides where there is one. Sources of
texts and types: answers of real organizations in tests/data/captures/rest and in public reports, such as
Microsoft365DSC's issues 3552 and 4401.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ...module_utils._exchange.errors import (
    AlreadyExistsError,
    CmdletNotAvailableError,
    ExchangeError,
    InvalidValueError,
    NotFoundError,
    PermissionDeniedError,
    ServiceError,
    ThrottledError,
)


@dataclass(frozen=True)
class _Refusal:
    """A kind of refusal: recognized by the end of the exception's type (an empty tuple matches none), by PowerShell's
    own error id, or by its text.

    PowerShell wraps the exception of a pipeline's first statement, so that only the id tells its kind in every
    language.
    """

    error: type[ExchangeError]
    types: tuple[str, ...]
    text: str
    remedy: str
    ids: tuple[str, ...] = ()

    def matches(self, exception_type: str, text: str, error_id: str) -> bool:
        by_text = bool(self.text and re.search(self.text, text, re.IGNORECASE))
        return exception_type.endswith(self.types) or error_id.partition(",")[0] in self.ids or by_text


_FEWER = "Use fewer forks, or run the task again later."
_GRANT = "Check the Exchange role of the application or user, and the organization's license: one of them must grant this cmdlet."

#: What Exchange's own module says where the service's answer could not be read.
_OPAQUE = "server side error has occurred because of which the operation could not be completed"

_REFUSALS = (
    _Refusal(
        ThrottledError,
        ("OverBudgetException", "ResourceUnhealthyException"),
        "maximum number of concurrent requests",
        _FEWER,
    ),
    _Refusal(
        ServiceError,
        (
            "DCOverloadedException",
            "SuitabilityDirectoryException",
            "ServerInMMException",
            "ADServerSettingsChangedException",
            "StorageTransientException",
        ),
        "cannot currently process your request",
        "Exchange reports this as temporary: run the task again later.",
    ),
    _Refusal(NotFoundError, ("ManagementObjectNotFoundException",), "couldn't be found on|couldn't find object", ""),
    _Refusal(AlreadyExistsError, ("AlreadyExistsException",), r"\balready exists\b", ""),
    _Refusal(
        CmdletNotAvailableError,
        (),
        "",
        "The host has the module but cannot load it: check the versions of PowerShell and of the module there.",
        ("CouldNotAutoloadMatchingModule",),
    ),
    _Refusal(
        CmdletNotAvailableError,
        ("CommandNotFoundException",),
        r"is not recognized as (the |a )?name of a cmdlet",
        _GRANT,
        ("CommandNotFoundException",),
    ),
    _Refusal(
        CmdletNotAvailableError,
        (),
        r"parameter cannot be found that matches|Invalid cmdlet parameters specified",
        "This organization's Exchange does not have the parameter, or does not grant it: omit the option, or check the role, license and endpoint.",
        ("NamedParameterNotFound",),
    ),
    _Refusal(
        CmdletNotAvailableError,
        (),
        "cmdlet you attempted to run is currently unavailable|because it is no longer in use|Cmdlet type is not supported",
        "The service withdrew this cmdlet, or currently blocks it.",
    ),
    _Refusal(
        PermissionDeniedError,
        ("UnauthorizedAccessException",),
        r"out of the current user's (read|write) scope|within your current write scopes",
        "The scope of the caller's Exchange role does not include this object.",
    ),
    _Refusal(PermissionDeniedError, ("InvalidOperationInDehydratedContextException",), "", ""),
    _Refusal(
        ServiceError,
        (),
        _OPAQUE,
        "Microsoft's module reports this without a reason: Exchange failed, a gateway's page took the place of its response, the connection was lost, or the "
        "cmdlet is not granted. Run the task again. If it happens again, check proxies. " + _GRANT,
    ),
    _Refusal(
        ExchangeError,
        ("HostException",),
        "prompts the user failed|host program or the command type does not support user interaction",
        "Exchange prompted for a confirmation, which is not possible here.",
        ("HostException",),
    ),
    _Refusal(
        InvalidValueError,
        (
            "ParameterTransformationException",
            "ParameterBindingArgumentTransformationException",
            "ParameterBindingValidationException",
            "ParameterBindingException",
            "AmbiguousParameterSetException",
            "DataValidationException",
            "PropertyValidationException",
            "LocalizedException",
            "ArgumentException",
            "ArgumentOutOfRangeException",
            "InvalidPriorityException",
            "FormatException",
        ),
        "Cannot process argument transformation|missing mandatory parameters|Cannot validate argument|Cannot bind parameter|priority is invalid",
        "",
        (
            "ParameterArgumentTransformationError",
            "ParameterArgumentValidationError",
            "MissingMandatoryParameter",
            "CannotConvertArgumentNoMessage",
        ),
    ),
)


def classify(text: str, *, exception_type: str = "", error_id: str = "", cmdlet: str = "") -> ExchangeError:
    """The error for what a cmdlet said.

    :param text: the message as Exchange wrote it.
    :param exception_type: the .NET exception type, full or short; empty where it is unknown.
    :param error_id: Exchange's own identifier; empty where it is unknown.
    """
    text = " ".join(text.replace("\0", " ").split()) or "Exchange refused this without a reason."
    kind: type[ExchangeError] = ExchangeError
    remedy = ""
    for refusal in _REFUSALS:
        if refusal.matches(exception_type, text, error_id):
            kind, remedy = refusal.error, refusal.remedy
            break
    return kind(text, remedy=remedy, cmdlet=cmdlet, error_id=exception_type or error_id)


def is_opaque(error: ExchangeError | None) -> bool:
    """Whether an error is the module's sentence for a failure of the service that it could not read."""
    return error is not None and _OPAQUE in error.message


def not_granted(cmdlet: str) -> ExchangeError:
    """The error for a cmdlet that the session does not have, if the service returns nothing readable."""
    return CmdletNotAvailableError(
        "Exchange does not offer this cmdlet to the caller.", remedy=_GRANT, cmdlet=cmdlet, error_id="Forbidden"
    )


def throttled(text: str = "", *, cmdlet: str = "") -> ExchangeError:
    """The error for a caller that Exchange makes wait.

    :param text: what it said; empty if it said nothing.
    """
    said = " ".join(text.replace("\0", " ").split()).rstrip(".")
    return ThrottledError(f"Exchange throttles this caller{f': {said}' if said else ''}.", remedy=_FEWER, cmdlet=cmdlet)


def of_body(document: Any) -> tuple[str, str, str] | None:
    """Error id, exception type and text of an error body, whichever of its shapes it has; None for anything else.

    The order: details, then the internal exception, then the message. Source: docs/docsite/rst/fidelity.rst, "The
    wires".
    """
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    message = (str(error.get("code") or ""), "", str(error.get("message") or ""))
    return _of_details(error.get("details")) or _of_inner_error(error.get("innererror")) or message


def _of_details(details: Any) -> tuple[str, str, str] | None:
    """The first detail with a text."""
    for detail in details if isinstance(details, list) else []:
        message = detail.get("message") if isinstance(detail, dict) else None
        if isinstance(message, str) and message.strip("| \0"):
            return parts(message)
    return None


def _of_inner_error(inner: Any) -> tuple[str, str, str] | None:
    """The internal exception, or the inner error itself, whichever has a text first."""
    if not isinstance(inner, dict):
        return None
    exceptions = [value for key, value in inner.items() if key.lower() == "internalexception"]
    internal = [value for value in exceptions if isinstance(value, dict)][:1]
    for source in (*internal, inner):
        message = source.get("message")
        if isinstance(message, str) and message and not message.startswith("Exception of type '"):
            return "", str(source.get("type") or ""), message
    return None


def parts(message: str) -> tuple[str, str, str]:
    """Error id, exception type and text of ``ErrorId|ExceptionType|text``, or a JSON object with Message and TypeName,
    or plain text.
    """
    if message.lstrip().startswith("{"):
        try:
            data = json.loads(message)
        except ValueError:
            data = None
        if isinstance(data, dict):
            lower = {str(key).lower(): value for key, value in data.items()}
            text = str(lower.get("message") or "")
            kind = str(lower.get("typename") or lower.get("type") or "")
            error_id, exception_type, text = parts(text) if not text.lstrip().startswith("{") else ("", "", text)
            return error_id, exception_type or kind, text
    pieces = message.split("|", 2)
    if len(pieces) == 3 and " " not in pieces[0].strip() and " " not in pieces[1].strip():
        return pieces[0].strip(), pieces[1].strip(), pieces[2].strip()
    return "", "", message
