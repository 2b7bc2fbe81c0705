# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's own module ExchangeOnlineManagement, where somebody has it, in front of the emulator's REST front.

The module knows the service by its name only. So a client gives it a proxy, and the proxy brings every connection to a
front that has the name in its certificate. The module itself is never a part of this repository.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from pathlib import Path

from .emulator import Emulator
from .engine import Engine
from .web import Answer, Front, Request

SERVICE = "outlook.office365.com"
#: What its manifest requires, and a PowerShell without its bundled modules does not have.
_REQUIRED = {"PackageManagement": "1.4.8.1", "PowerShellGet": "2.2.5"}


class MicrosoftsModule:
    """Runs from construction (or ``with``) until :meth:`close`.

    :param folder: the module's folder, with its manifest.
    :param directory: an empty directory for what it needs.
    """

    def __init__(self, emulator: Emulator, engine: Engine, folder: Path, directory: Path) -> None:
        #: The requests that the module has made.
        self.requests: list[Request] = []
        self._emulator = emulator
        self._front = Front(self._handle, tls=emulator.tls_settings(names=[SERVICE]))
        self._proxy = _Proxy(self._front.port)
        modules = directory / "modules"
        for name, version in _REQUIRED.items():
            path = modules / name / f"{name}.psd1"
            path.parent.mkdir(parents=True)
            path.write_text(f"@{{ ModuleVersion = '{version}'; GUID = '{_guid(name)}' }}\n", encoding="utf-8")
        (modules / "ExchangeOnlineManagement").symlink_to(folder.resolve())
        #: The program for ``ansible_exchange_powershell_path``, and the address for ``ansible_exchange_proxy``.
        self.program = emulator.own_processes.program(directory / "pwsh", engine, self._front.url, modules=modules)
        self.proxy = f"http://127.0.0.1:{self._proxy.server_address[1]}"

    def _handle(self, request: Request) -> Answer:
        self.requests.append(request)
        return self._emulator.admin_api.handle(request) or Answer(404)

    def close(self) -> None:
        self._proxy.close()
        self._front.close()

    def __enter__(self) -> MicrosoftsModule:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()


def _guid(name: str) -> str:
    return {
        "PackageManagement": "4ae9fd46-338a-459c-8186-07f910774cb8",
        "PowerShellGet": "1d73a601-4a6c-43c5-ba3f-619b18bbb404",
    }[name]


class _Proxy(socketserver.ThreadingTCPServer):
    """A proxy that connects whoever asks for the service to a port of this machine, and reaches no other machine.

    :param port: of the front that stands for the service.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.port = port
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no event here."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5)


class _Tunnel(socketserver.StreamRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        method, target, _version = self.rfile.readline().decode("latin-1").split()
        while self.rfile.readline().strip():
            pass
        host, _colon, port = target.rpartition(":")
        if method != "CONNECT" or host not in (SERVICE, "127.0.0.1"):
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.port if host == SERVICE else int(port))) as service:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pipe, args=(service, self.connection), daemon=True)
            back.start()
            _pipe(self.connection, service)
            back.join(5)


def _pipe(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
