# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's own module ExchangeOnlineManagement, where somebody has it, in front of the emulator's REST fronts.

The module knows Exchange and the compliance endpoint by their names only. So a client gives it a proxy, and the proxy
brings every connection to a front that has the names in its certificate. The module itself is never a part of this
repository.
"""

from __future__ import annotations

from pathlib import Path

from .emulator import COMPLIANCE_NAMES, Emulator
from .engine import Engine
from .tunnel import Tunnel
from .web import Answer, Front, Request

SERVICE = "outlook.office365.com"
#: The front of the compliance endpoint, and below it its places.
COMPLIANCE_FRONT = "ps.compliance.protection.outlook.com"
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
        self._front = Front(self._handle, tls=emulator.tls_settings(names=[SERVICE, *COMPLIANCE_NAMES]))
        #: The hosts that it has asked for are in ``tunnel.asked``.
        self.tunnel = Tunnel(self._port_of)
        modules = directory / "modules"
        for name, version in _REQUIRED.items():
            path = modules / name / f"{name}.psd1"
            path.parent.mkdir(parents=True)
            path.write_text(f"@{{ ModuleVersion = '{version}'; GUID = '{_guid(name)}' }}\n", encoding="utf-8")
        (modules / "ExchangeOnlineManagement").symlink_to(folder.resolve())
        #: The program for ``ansible_exchange_powershell_path``, and the address for ``ansible_exchange_proxy``.
        self.program = emulator.own_processes.program(directory / "pwsh", engine, self._front.url, modules=modules)
        self.proxy = self.tunnel.url

    def _port_of(self, host: str) -> int:
        is_known = host == SERVICE or f".{host}".endswith(f".{COMPLIANCE_FRONT}")
        return self._front.port if is_known else 0

    def _handle(self, request: Request) -> Answer:
        self.requests.append(request)
        is_exchange = (request.headers.get("Host") or "").partition(":")[0] == SERVICE
        api = self._emulator.admin_api if is_exchange else self._emulator.compliance
        return api.handle(request) or Answer(404)

    def close(self) -> None:
        self.tunnel.close()
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
