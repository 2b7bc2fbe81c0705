# SPDX-License-Identifier: GPL-3.0-or-later
"""One try of calls over REST, and answers that a script gives byte by byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.rest import RestTransport

from tests.unit.connections import Script, identity

READ, WRITE = Call("Get-TransportRule"), Call("Set-OMEConfiguration", {"Identity": "x"})
GZIP = {"Content-Encoding": "gzip"}
Make = Callable[..., Script]


def attempt(server: Script, *calls: Call, **values: Any) -> list[Any]:
    wire = RestTransport(identity(exchange_api_url=server.url, **values))
    try:
        return wire.attempt(calls)
    finally:
        wire.close()


def raw(content: bytes) -> Callable[[Any], None]:
    """Bytes as they are, and the connection closed after them."""

    def step(handler: Any) -> None:
        handler.wfile.write(content)
        handler.close_connection = True

    return step


def chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
