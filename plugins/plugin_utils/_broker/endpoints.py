# SPDX-License-Identifier: GPL-3.0-or-later
"""The two endpoints of an organization: Exchange's, and Microsoft Purview's compliance endpoint for DLP policies and
labels.

A call knows where it belongs, and the code above the seam knows nothing of sessions. The second session is opened when
a call needs it, of the same organization and credential, and its calls run beside those of the first: no task waits
longer than for the slower of the two. What it brings counts only if it is in the very organization that the first one
is in. If it cannot be opened, its calls have the error, and the others their results; the run does not try again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from ...module_utils._exchange.errors import (
    ExchangeError,
    NotSentError,
    OptionError,
    PermissionDeniedError,
    UnreachableError,
    WrongOrganizationError,
)
from ...module_utils._exchange.names import same_name
from ...module_utils._exchange.permissions import COMPLIANCE_REMEDY
from ...module_utils._exchange.tenant import compliance_tenant
from . import identity as _identity
from .session import OrganizationSession, Request

_CONNECTION = Call("Get-ConnectionInformation")
#: Where an object of the compliance endpoint names its organization. Source: the policies of a test organization that
#: ScubaGear publishes.
_HOSTED = re.compile(r"Microsoft Exchange Hosted Organizations/([^/\s]+)")

Find = Callable[[Mapping[str, Any]], OrganizationSession]


def invoke(session: OrganizationSession, find: Find, request: Request) -> list[Result]:
    """Runs calls of both endpoints. See :meth:`OrganizationSession.invoke`.

    :param session: that with Exchange.
    :param find: the session of an identity.
    :raises UnreachableError: the session with Exchange cannot be opened, or one of the two is in another organization.
    """
    apart = [index for index, call in enumerate(request.calls) if call.is_compliance]
    if not apart or _identity.has_compliance(session.identity):
        return session.invoke(request)
    others = [index for index in range(len(request.calls)) if index not in apart]
    beside = replace(request, calls=[request.calls[index] for index in apart])
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_brought, session.identity, find, beside)
        own = replace(request, calls=[request.calls[index] for index in others])
        results = dict(zip(others, session.invoke(own), strict=True)) if others else {}
        organization = session.verified(request) if session.identity["verify_organization"] else None
        found, told = asked.result()
    if organization is not None and (another := _why_another(organization, told, found)):
        raise WrongOrganizationError(f"{another}.", remedy="Nothing that the compliance endpoint returned is used.")
    results.update(zip(apart, found, strict=True))
    return [results[index] for index in range(len(request.calls))]


def _brought(identity: Mapping[str, Any], find: Find, request: Request) -> tuple[list[Result], str]:
    """What the second session brings, and its tenant ID; empty if it shows none."""
    try:
        session = find(_identity.of_compliance(identity))
        if session.given_up is not None:
            raise session.given_up
        *results, told = session.invoke(replace(request, calls=[*request.calls, _CONNECTION]))
        lost = [result.error for result in results if isinstance(result.error, UnreachableError)]
        if len(lost) == len(results):
            # Behind a firewall each task would wait for all tries again.
            session.given_up = lost[0]
            raise lost[0]
    except ExchangeError as error:
        if identity["compliance"]["asked"] and isinstance(error, UnreachableError):
            raise
        return [Result(error=_of_a_call(error, call)) for call in request.calls], ""
    for call, result in zip(request.calls, results, strict=True):
        if isinstance(result.error, UnreachableError):
            result.error = _of_a_call(result.error, call)
        elif isinstance(result.error, PermissionDeniedError):
            result.error.remedy = COMPLIANCE_REMEDY
    return results, compliance_tenant(told.objects)


def _of_a_call(error: ExchangeError, call: Call) -> ExchangeError:
    """Why a call did not run. The host is reached all the same."""
    # What an option rules out was not asked.
    tried = "" if isinstance(error, OptionError) else "no answer from the compliance endpoint: "
    return NotSentError(
        f"{tried}{error.message}",
        remedy=error.remedy,
        cmdlet=call.cmdlet,
        error_id=error.error_id,
    )


def _why_another(organization: Mapping[str, Any], tenant_id: str, results: Sequence[Result]) -> str:
    """Why the second session is in another organization than the first; empty if it is not."""
    name, own = str(organization["name"]), str(organization["tenant_id"])
    if own and tenant_id:
        return (
            ""
            if same_name(own, tenant_id)
            else f"the session is in the organization {name} ({own}), but the compliance endpoint answers for the tenant {tenant_id}"
        )
    for result in results:
        for found in result.objects:
            hosted = _HOSTED.search(str(found.get("OrganizationId") or found.get("OrganizationalUnitRoot") or ""))
            if hosted and not same_name(hosted[1], name):
                return f"the session is in the organization {name}, but the compliance endpoint answers for {hosted[1]}"
    return ""
