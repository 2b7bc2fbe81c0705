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
    chosen = organization or next(iter(emulator.organizations))
    application = emulator.applications[chosen]
    start = directory / f"Start-{variant}.ps1"
    start.write_bytes((FILES / start.name).read_bytes())
    write_settings(directory, settings(emulator, chosen))
    given = (FILES / f"{name}.pssc").read_text(encoding="utf-8")
    configuration = directory / f"{name}.pssc"
    configuration.write_text(given.replace(rf"{DIRECTORY}\{name}\{start.name}", str(start)), encoding="utf-8")
    leave_out_what_only_winrm_knows(configuration)
    # Where .NET keeps the user's certificates on Linux.
    store = emulator.directory / ".dotnet/corefx/cryptography/x509stores/my"
    store.mkdir(mode=0o700, parents=True, exist_ok=True)
    pfx = store / f"{application.thumbprint}.pfx"
    pfx.touch(mode=0o600)
    pfx.write_bytes(
        pkcs12.serialize_key_and_certificates(None, application.key, application.certificate, None, NoEncryption())
    )
    emulator.register(name, configuration)
    return name


def settings(emulator: Emulator, organization: str) -> dict[str, str]:
    """What the start-up script connects to."""
    application = emulator.applications[organization]
    return {
        "Organization": organization,
        "AppId": application.client_id,
        "CertificateThumbprint": application.thumbprint,
        "CertificateStore": "CurrentUser",
    }


def write_settings(directory: Path, values: dict[str, str]) -> None:
    """The file that tells the start-up script what to connect to."""
    lines = [f"    {key} = '{value}'" for key, value in values.items()]
    (directory / "settings.psd1").write_text("\n".join(["@{", *lines, "}", ""]), encoding="utf-8")


def leave_out_what_only_winrm_knows(configuration: Path) -> None:
    """PowerShell over standard streams refuses the options that belong to WinRM's endpoints."""
    lines = configuration.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    configuration.write_text(
        "".join(line for line in lines if not line.strip().startswith(("ExecutionPolicy", "RunAsVirtualAccount"))),
        encoding="utf-8",
    )
