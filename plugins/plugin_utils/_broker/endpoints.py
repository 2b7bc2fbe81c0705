# SPDX-License-Identifier: GPL-3.0-or-later
"""The two endpoints of an organization: Exchange's, and Microsoft Purview's compliance endpoint for DLP policies and
labels.

A call knows where it belongs, and the code above the seam knows nothing of sessions. The second session is opened when
a call needs it, of the same organization and credential, over the same wire, and its calls run beside those of the
first: no task waits longer than for the slower of the two. What it brings counts only if it is in the very organization
that the first one is in. If it cannot be opened, its calls have the error, and the others their results; the run does
not try again.
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
    TokenRefusedError,
    UnreachableError,
    WrongOrganizationError,
)
from ...module_utils._exchange.names import same_name
from ...module_utils._exchange.permissions import COMPLIANCE_REMEDY
from ...module_utils._exchange.tenant import CONNECTION_INFORMATION, OrganizationIdentity, compliance_tenant
from . import identity as _identity
from .request import Request
from .session import OrganizationSession

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
    compliance_places = [index for index, call in enumerate(request.calls) if call.is_compliance]
    if not compliance_places or session.identity["transport"] == "file":
        return session.invoke(request)
    if _identity.has_compliance(session.identity):
        return _of_one_session(session, request, compliance_places)
    others = [index for index in range(len(request.calls)) if index not in compliance_places]
    compliance_request = replace(request, calls=[request.calls[index] for index in compliance_places])
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_brought, session.identity, find, compliance_request)
        own = replace(request, calls=[request.calls[index] for index in others])
        results = dict(zip(others, session.invoke(own), strict=True)) if others else {}
        organization = session.verified(request) if session.identity["verify_organization"] else None
        compliance_results, tenant = asked.result()
    _refuse_another(organization, tenant, compliance_results)
    results.update(zip(compliance_places, compliance_results, strict=True))
    return [results[index] for index in range(len(request.calls))]


def _of_one_session(session: OrganizationSession, request: Request, compliance_places: Sequence[int]) -> list[Result]:
    """What a session brings that is connected to both endpoints: somebody else has connected it, perhaps to two
    organizations.

    :param compliance_places: the places of the calls of the compliance endpoint.
    """
    *results, connection = session.invoke(replace(request, calls=[*request.calls, CONNECTION_INFORMATION]))
    organization = session.verified(request) if session.identity["verify_organization"] else None
    compliance_results = [results[index] for index in compliance_places]
    for index in compliance_places:
        _name_remedy(request.calls[index], results[index])
    _refuse_another(organization, compliance_tenant(connection.objects), compliance_results)
    return results


def _brought(identity: Mapping[str, Any], find: Find, request: Request) -> tuple[list[Result], str]:
    """What the second session brings, and its tenant ID; empty if it shows none."""
    try:
        *results, connection = _asked(find(_identity.of_compliance(identity)), request)
    except TokenRefusedError as refused:
        # Without a role that the endpoint knows, Microsoft's module does not even connect.
        return [Result(error=_not_granted(PermissionDeniedError(refused.message), call)) for call in request.calls], ""
    except ExchangeError as error:
        if identity["compliance"]["asked"] and isinstance(error, UnreachableError):
            raise
        return [Result(error=_of_a_call(error, call)) for call in request.calls], ""
    for call, result in zip(request.calls, results, strict=True):
        if isinstance(result.error, UnreachableError):
            result.error = _of_a_call(result.error, call)
        _name_remedy(call, result)
    return results, compliance_tenant(connection.objects)


def _asked(session: OrganizationSession, request: Request) -> list[Result]:
    """What the second session brings, and then what it shows about its connection.

    :raises UnreachableError: it could not be opened, now or earlier in this run: behind a firewall each task would wait
        for all tries again.
    """
    if session.given_up is not None:
        raise session.given_up
    try:
        results = session.invoke(replace(request, calls=[*request.calls, CONNECTION_INFORMATION]))
        lost = [result.error for result in results[:-1] if isinstance(result.error, UnreachableError)]
        if len(lost) == len(request.calls):
            raise lost[0]
    except UnreachableError as error:
        session.given_up = error
        raise
    return results


def _name_remedy(call: Call, result: Result) -> None:
    """Names the cmdlet that the compliance endpoint refused, and what grants it."""
    if isinstance(result.error, PermissionDeniedError):
        result.error = _not_granted(result.error, call)


def _not_granted(refused: PermissionDeniedError, call: Call) -> ExchangeError:
    """The error of one call: a session's refusal is an error of all of its calls."""
    return ExchangeError.from_wire({**refused.to_wire(), "cmdlet": call.cmdlet, "remedy": COMPLIANCE_REMEDY})


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


def _refuse_another(organization: OrganizationIdentity | None, tenant_id: str, results: Sequence[Result]) -> None:
    """Refuses what the compliance endpoint brought of another organization.

    :param organization: the one that Exchange's session is in; ``None`` if it is not known, or not to be verified.
    :raises WrongOrganizationError: it is in another one.
    """
    if organization is not None and (another := _why_another(organization, tenant_id, results)):
        raise WrongOrganizationError(f"{another}.", remedy="Nothing that the compliance endpoint returned is used.")


def _why_another(organization: OrganizationIdentity, tenant_id: str, results: Sequence[Result]) -> str:
    """Why the second session is in another organization than the first; empty if it is not."""
    name, own = organization.name, organization.tenant_id
    if own and tenant_id:
        return (
            ""
            if same_name(own, tenant_id)
            else f"the session is in the organization {name} ({own}), but the compliance endpoint answers for the tenant {tenant_id}"
        )
    for result in results:
        for row in result.objects:
            hosted = _HOSTED.search(str(row.get("OrganizationId") or row.get("OrganizationalUnitRoot") or ""))
            if hosted and not same_name(hosted[1], name):
                return f"the session is in the organization {name}, but the compliance endpoint answers for {hosted[1]}"
    return ""
