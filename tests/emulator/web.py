# SPDX-License-Identifier: GPL-3.0-or-later
"""A small threaded HTTP/1.1 server: requests come as values, answers go as values, and an answer may be cut short."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import ssl
import threading
import time
import traceback
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message


@dataclass(frozen=True)
class Request:
    """One HTTP request. ``certificate`` is the peer's, in DER, when it showed one."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes
    certificate: bytes | None = None


@dataclass
class Answer:
    """One HTTP answer.

    :param fraction: how much of the body is sent before the connection is closed; 1 sends all and keeps the connection.
    :param delay: seconds to wait before sending.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    fraction: float = 1.0
    delay: float = 0.0


class Lost(Exception):
    """The connection is closed without an answer."""


Handle = Callable[[Request], Answer]


class Front(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A listening port on loopback.

    :param handle: gives the answer to a request; runs in the connection's thread.
    :param tls: the server's TLS settings; may be replaced while running, for connections to come. None serves plain
        HTTP.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, handle: Handle, *, tls: ssl.SSLContext | None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.handle = handle
        self.tls = tls
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def finish_request(self, request: object, client_address: object) -> None:
        # The handshake belongs into the connection's thread: a silent client must not block the others.
        assert isinstance(request, socket.socket)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request.settimeout(300)
        connection = self.tls.wrap_socket(request, server_side=True) if self.tls else request
        connection.settimeout(600)
        with self._lock:
            self._connections.add(connection)
        try:
            super().finish_request(connection, client_address)
        finally:
            with self._lock:
                self._connections.discard(connection)
            with contextlib.suppress(OSError):
                connection.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or does not trust us, is no event here."""

    def drop_connections(self) -> None:
        """Closes every open connection."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self.drop_connections()
        self._thread.join(5)


class _Connection(http.server.BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"
    # One write for head and body: two would wait for each other's acknowledgement.
    wbufsize = -1

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        address = urllib.parse.urlsplit(self.path)
        certificate = (
            self.connection.getpeercert(binary_form=True) if isinstance(self.connection, ssl.SSLSocket) else None
        )
        query = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
        request = Request(self.command, urllib.parse.unquote(address.path), query, self.headers, body, certificate)
        try:
            answer = self.server.handle(request)
        except Lost:
            self.close_connection = True
            return
        except Exception:
            # A mistake of ours must not look like a fault that was asked for.
            traceback.print_exc()
            answer = Answer(
                500, b"The emulator has failed; its standard error says why.", {"Content-Type": "text/plain"}
            )
        time.sleep(answer.delay)
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: int(len(answer.body) * answer.fraction)])
        self.wfile.flush()
        if answer.fraction < 1:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def version_string(self) -> str:
        return "Microsoft-HTTPAPI/2.0"

    def log_message(self, format: str, *args: object) -> None:
        """Requests are recorded in the ledger, not on standard error."""
