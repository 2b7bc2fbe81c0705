# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The constrained endpoint of ``extensions/endpoint``, installed on the real PowerShell of an emulator."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from tests.emulator import Emulator

FILES = Path(__file__).parents[1] / "extensions/endpoint"
#: Where Register-MessageEncryptionEndpoint.ps1 puts the files on Windows.
DIRECTORY = r"C:\ProgramData\MessageEncryption"


def install(emulator: Emulator, variant: str, organization: str | None = None) -> str:
    """Does what the registration does on Windows, and gives the configuration's name.

    :param variant: ``Audit`` or ``Baseline``.
    :param organization: the one that the endpoint connects to; the first unless given.
    """
    name = f"MessageEncryption.{variant}"
    directory = emulator.directory / "endpoint" / name
    directory.mkdir(parents=True)
    application = emulator.applications[organization or next(iter(emulator.organizations))]
    start = directory / f"Start-{variant}.ps1"
    start.write_bytes((FILES / start.name).read_bytes())
    settings = {
        "Organization": organization or next(iter(emulator.organizations)),
        "AppId": application.client_id,
        "CertificateThumbprint": application.thumbprint,
        "CertificateStore": "CurrentUser",
    }
    write_settings(directory, settings)
    given = (FILES / f"{name}.pssc").read_text(encoding="utf-8")
    configuration = directory / f"{name}.pssc"
    # What only WinRM's endpoints know is left out.
    kept = [line for line in given.splitlines(keepends=True) if not line.strip().startswith(("ExecutionPolicy", "RunAsVirtualAccount"))]
    configuration.write_text("".join(kept).replace(rf"{DIRECTORY}\{name}\{start.name}", str(start)), encoding="utf-8")
    # Where .NET keeps the user's certificates on Linux.
    store = emulator.directory / ".dotnet/corefx/cryptography/x509stores/my"
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    pfx = store / f"{application.thumbprint}.pfx"
    pfx.touch(mode=0o600)
    pfx.write_bytes(pkcs12.serialize_key_and_certificates(None, application.key, application.certificate, None, NoEncryption()))
    emulator.register(name, configuration)
    return name


def write_settings(directory: Path, settings: dict[str, str]) -> None:
    """The file that tells the start-up script what to connect to."""
    lines = [f"    {key} = '{value}'" for key, value in settings.items()]
    (directory / "settings.psd1").write_text("\n".join(["@{", *lines, "}", ""]), encoding="utf-8")
