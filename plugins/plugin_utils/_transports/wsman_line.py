# SPDX-License-Identifier: GPL-3.0-or-later
"""A pool's line to a host: WSMan over HTTP, as pypsrp speaks it.

Uses private parts of pypsrp 0.9: the class ``_TransportHTTP`` behind ``WSMan.transport``
with its ``_build_session``, because it follows redirects with the credential, and does not repeat a Receive whose
connection was lost. The test ``test_pypsrp.py`` fails if they change.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from .libraries import requests, urllib3
from .limits import CutError, Limits
from .pypsrp import refuse_document_type

try:
    from pypsrp.powershell import RunspacePool
    from pypsrp.wsman import WSMan
except ImportError:  # the session broker says so before any of it is used
    pass

_DONE = b"/shell/CommandState/Done"
_ACTION = re.compile(rb"<(?:\w+:)?Action[^>]*>[^<]*/(\w+)</")
#: The requests that may be sent again unchanged: the server answers a repeated MessageID with its previous answer.
_REPEATABLE = (b"Receive", b"Signal", b"Delete")


class WsmanLine:
    """One line; see ``pypsrp.Line``.

    :param psrp: the part ``psrp`` of a connection identity.
    :param tries: the total number of tries for a request that may be repeated.
    """

    def __init__(self, psrp: Mapping[str, Any], tries: int) -> None:
        self.limits = Limits()
        self.operation_timeout = int(psrp["operation_timeout"])
        settings = {
            name: value for name, value in psrp.items() if name not in ("configuration_name", "connect", "origins")
        }
        self.connection = WSMan(**{**settings, "reconnection_backoff": float(settings["reconnection_backoff"])})
        self.resent = self.done = False
        self._tries = tries
        transport = self.connection.transport
        plain_session = transport._build_session
        self._plain_send = transport.send
        transport._build_session = lambda: self.limits.guard(_repeating_no_request(plain_session()), redirects=False)
        transport.send = self._send

    def attach(self, pool: RunspacePool) -> None:
        """Does nothing: pypsrp's pool uses this connection by itself."""

    def hurry(self, seconds: float) -> None:
        """Limits all waits of the connection from now on."""
        self.connection.transport.connection_timeout = self.connection.transport.read_timeout = seconds

    def close(self) -> None:
        """Closes the connections."""
        self.connection.transport.close()

    def _send(self, message: bytes, **kwargs: Any) -> bytes:
        """Sends a message. If the connection is lost, sends it again if that is allowed."""
        transport = self.connection.transport
        action = _ACTION.search(message[:8192])
        repeatable = action is not None and action[1] in _REPEATABLE
        for number in range(1, self._tries + 1):
            self.resent, self.done = number > 1, False
            try:
                answer: bytes = self._plain_send(message, **{**kwargs, "retries_on_read_timeout": 0})
                refuse_document_type(answer)
                if transport.wrap_required:  # encrypted content can be counted only after decryption
                    self.limits.spend(values=answer.count(b"<"))
                self.done = _DONE in answer
                return answer
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
                urllib3.exceptions.HTTPError,
                CutError,
            ):
                if not repeatable or number == self._tries or self.limits.late:
                    raise
                if transport.wrap_required:
                    transport.encryption = None  # it belonged to the connection that was lost
                time.sleep(min(0.1 * 2**number, 5.0))
        raise AssertionError("not reached")


def _repeating_no_request(session: requests.Session) -> requests.Session:
    """A session that connects again as often as its options say, and never sends a request again by itself: urllib3
    counts a connection that is lost behind a proxy, whose request may have been carried out, as neither a failure to
    connect nor one to read.
    """
    for adapter in session.adapters.values():
        if isinstance(adapter, requests.adapters.HTTPAdapter):
            adapter.max_retries = adapter.max_retries.new(other=0)
    return session
