# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy that clients reach Microsoft's hosts through: it connects each name to a port of the emulator's, so that real
names, certificates and redirects can be tried on loopback.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable


class Tunnel(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Answers CONNECT.

    :param port_of: the port for a host; 0 where the host cannot be reached.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, port_of: Callable[[str], int]) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.port_of = port_of
        #: The hosts and ports that were asked for.
        self.asked: list[tuple[str, int]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Passage(socketserver.StreamRequestHandler):
    server: Tunnel

    def handle(self) -> None:
        host, _colon, port = self.rfile.readline().decode("ascii", "replace").split(" ")[1].rpartition(":")
        while self.rfile.readline().strip():
            pass
        self.server.asked.append((host, int(port)))
        target = int(port) if host == "127.0.0.1" else self.server.port_of(host)
        if not target:
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", target)) as other:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pass, args=(other, self.connection), daemon=True)
            back.start()
            _pass(self.connection, other)
            back.join(5)


def _pass(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            target.sendall(content)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
