# SPDX-License-Identifier: GPL-3.0-or-later
"""The line to a service over HTTP: requests with a token, one at a time or several side by side."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ...module_utils._exchange.errors import ProtocolError
from .authentication import Credential, claims_of
from .libraries import requests, urllib3
from .limits import CutError, Limits, TooLargeError, TooSlowError
from .network_failures import Names, network_failure
from .rest_address import ServiceAddress
from .retry import Executed, FailedError, Failure
from .with_credential import Given, from_authority

_REDIRECTS = 3
#: The statuses of a redirect.
REDIRECTS = (301, 302, 303, 307, 308)
#: Seconds that the authority may take to give a token.
_READ_TIMEOUT = 60
JSON = "application/json; charset=utf-8"

#: An HTTP answer: its status, its headers and its body.
Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class HttpLine:
    """Requests to one service.

    :param service: its address, as of the last redirect.
    :param http: keeps to the limits.
    :param timeout: seconds until a request is connected, and until it is answered.
    :param names: what to check when nothing comes from the service.
    """

    service: ServiceAddress
    credential: Credential
    http: requests.Session
    limits: Limits
    timeout: tuple[float, float]
    names: Names
    _token_lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def send(
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
        :param headers: all but that with the token.
        :param follow: whether a redirect is followed; otherwise it is the answer.
        :raises FailedError: there is no answer.
        """
        token = self.token()
        renewed = False
        for _turn in range(_REDIRECTS + 2):
            content = None if body is None else body(token)
            status, answer_headers, answer = self._request(
                method, url, content, {**headers, "Authorization": f"Bearer {token}"}
            )
            if status == 401 and not renewed and self.credential.renewable:
                renewed = True
                token = self.token(token, claims_of(answer_headers.get("WWW-Authenticate", "")))
            elif follow and status in REDIRECTS:
                url = self.service.redirect(url, answer_headers.get("Location", ""))
            else:
                return status, answer_headers, answer
        raise FailedError(Failure(ProtocolError("the service redirects in a loop."), Executed.UNKNOWN, retryable=False))

    def token(self, refused: str = "", claims: str | None = None) -> str:
        """A token other than ``refused``, which another request may have renewed in the meantime.

        :raises FailedError: the authority gives none.
        """
        with self._token_lock:
            token: str = self._authority(self.credential.token)
            if token == refused:
                self._authority(partial(self.credential.renew, claims))
                token = self._authority(self.credential.token)
            return token

    def _authority(self, ask: Callable[[], Given]) -> Given:
        return from_authority(self.credential, ask, self.limits.within(_READ_TIMEOUT))

    def _request(self, method: str, url: str, body: Any, headers: Mapping[str, str]) -> Answer:
        try:
            is_json = body is not None and not isinstance(body, bytes)
            data = json.dumps(body, separators=(",", ":")).encode("ascii") if is_json else body
            kind = {"Content-Type": JSON} if is_json else {}
            response = self.http.request(
                method, url, data=data, headers={**headers, **kind}, timeout=self.timeout, allow_redirects=False
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
            failure = network_failure(error, self.service.base, self.names, late=self.limits.late)
            raise FailedError(failure) from None
