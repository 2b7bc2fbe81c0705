# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``rest``: Exchange Online's admin API, InvokeCommand and ``$batch``.

Microsoft does not document this interface for others; what is known of it is in
docs/docsite/rst/fidelity.rst, "The wires". One object a session, used under the session's lock; it makes one try at a
time and never repeats a call by itself, unless the service said that it did not take it (a refused token, a redirect, a
batch).

``cmdlet_requests`` makes requests of calls, ``admin_api`` has their addresses and headers, ``http_line`` sends them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ...module_utils._exchange.cmdlet import Call, Result
from .admin_api import AdminApi
from .call_requests import CallRequests, RequestIds
from .cmdlet_requests import LISTING, CmdletRequests
from .http_line import HttpLine
from .network_failures import Names
from .rest_address import ServiceAddress
from .retry import Outcome
from .with_credential import WithCredential

#: Requests of one $batch; what the service's own module uses.
_BATCH = 10
#: Batches of one try that are under way at once.
_SIDE_BY_SIDE = 4
#: Seconds after which an unused connection is not trusted with a request any more: a write on a connection that the
#: other side has just closed would have an unknown outcome.
_IDLE = 30
_NAMES = Names(
    "ansible_exchange_ca_cert",
    "ansible_exchange_api_url",
    "ansible_exchange_proxy",
    "ansible_exchange_command_timeout may be too short.",
)

#: The cmdlet about the connection, which is Microsoft's module's own: the service has none.
_CONNECTION = "get-connectioninformation"


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
        self._line = HttpLine(
            self._service(identity["rest"]["api_url"]),
            self._credential,
            self._http,
            self._limits,
            (identity["connect_timeout"], identity["command_timeout"]),
            self.names,
        )
        self._ids = RequestIds()
        self._requests = self._call_requests(identity["organization"])
        self._used = time.monotonic()

    def _service(self, base: str) -> ServiceAddress:
        """The service's address."""
        return ServiceAddress(base)

    def _call_requests(self, organization: str) -> CallRequests:
        """What makes requests of calls."""
        return CmdletRequests(AdminApi(self._line, organization), self._ids)

    @property
    def endpoint(self) -> str:
        """Where the session is, for people."""
        return self._line.service.base

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
        self._ids.begin(calls)
        if time.monotonic() - self._used > _IDLE:
            self._http.close()
        outcomes: dict[int, Outcome] = {}
        with self._limits.call(self._line.timeout[1]):
            together = [[calls[index] for index in group] for group in groups]
            side_by_side = len(groups) > 1 and all(call.is_read for call in calls)
            for group, group_outcomes in zip(groups, self._run(together, side_by_side), strict=True):
                outcomes.update(zip(group, group_outcomes, strict=True))
        for index, call in enumerate(calls):
            if call.cmdlet.lower() == _CONNECTION:
                # The cmdlet is the module's own, which reads it in its token, too.
                outcomes[index] = Result(objects=[{"State": "Connected", "TenantID": self._credential.tenant_id}])
        self._used = time.monotonic()
        return [outcomes[index] for index in range(len(calls))]

    def _run(self, groups: Sequence[Sequence[Call]], side_by_side: bool) -> list[list[Outcome]]:
        """The outcomes of groups of calls, each of which is one request."""
        if not side_by_side:
            return list(map(self._requests.outcomes, groups))
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            return list(pool.map(self._requests.outcomes, groups))

    def close(self) -> None:
        """Closes the connections. The service keeps no session."""
        self._http.close()


def _groups_by_request(calls: Sequence[Call]) -> list[list[int]]:
    """The places of the calls that share a request, for each request."""
    listings = [[index] for index, call in enumerate(calls) if call.cmdlet.lower() == LISTING]
    others = [index for index, call in enumerate(calls) if call.cmdlet.lower() not in (LISTING, _CONNECTION)]
    return [*listings, *(others[start : start + _BATCH] for start in range(0, len(others), _BATCH))]
