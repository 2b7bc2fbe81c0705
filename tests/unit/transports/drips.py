# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that never end: a server that sends a byte now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def drip(head: bytes, piece: bytes) -> Callable[[Any], None]:
    """A byte now and then, for ever: each arrives in time, and the answer never."""

    def step(handler: Any) -> None:
        handler.close_connection = True
        try:
            handler.wfile.write(head)
            for _number in range(3000):
                handler.wfile.write(piece)
                time.sleep(0.1)
        except OSError:
            pass

    return step


#: Seconds in which a call of one second ends, on a slow machine as well. The drips take longer.
PATIENCE = 60

DRIPS = {
    "head": drip(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "continue": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
    "body to the end": drip(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "chunk": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", b" "),
}
