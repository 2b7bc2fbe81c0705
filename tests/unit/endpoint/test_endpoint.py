# SPDX-License-Identifier: GPL-3.0-or-later
"""The constrained endpoint: its files follow from the tables, and nobody can do more through it than they say."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import CMDLETS, Call
from pypsrp.exceptions import WinRMError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from scripts import generate_endpoint
from tests import endpoint
from tests.emulator import Emulator
from tests.emulator.engine import MODULES, QUICK, Engine
from tests.emulator.module_script import manifest
from tests.emulator.schema import cmdlets

NAME = "contoso.onmicrosoft.com"


@pytest.mark.parametrize("path", list(generate_endpoint.files()), ids=lambda path: path.name)
def test_the_files_are_what_the_tables_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate_endpoint.files()[path], "run: make endpoint"


def test_the_audit_variant_has_what_reads_and_the_baseline_variant_all() -> None:
    audit, baseline = map(generate_endpoint.allowed, generate_endpoint.VARIANTS)
    assert list(audit) == sorted(name for name in CMDLETS if Call(name).is_read)
    assert list(baseline) == sorted(CMDLETS)


@pytest.mark.parametrize("variant", generate_endpoint.VARIANTS)
def test_the_configuration_makes_nothing_visible_but_get_command(variant: str) -> None:
    """A session of PowerShell 7 hides Import-Module even where its configuration shows it, so no session tells."""
    text = generate_endpoint.session_configuration(variant)
    settings = dict(re.findall(r"^ {4}(\w+) += (.+)$", text, re.MULTILINE))
    told = {name: settings.pop(name) for name in ("SchemaVersion", "GUID", "Author", "Description", "ScriptsToProcess")}
    assert f"Start-{variant}.ps1" in told["ScriptsToProcess"]
    assert settings == {
        "SessionType": "'RestrictedRemoteServer'",
        "LanguageMode": "'NoLanguage'",
        "ExecutionPolicy": "'RemoteSigned'",
        "RunAsVirtualAccount": "$true",
        "VisibleCmdlets": "'Get-Command'",
    }


def test_the_lists_name_parameters_that_the_module_has() -> None:
    common = {"Confirm"}
    for cmdlet, parameters in generate_endpoint.allowed("Baseline").items():
        # Of what the manifest does not hold, the emulator knows what the documentation says.
        known = {
            name.lower()
            for name in (
                manifest()[cmdlet]["parameters"] if cmdlet in manifest() else cmdlets()[cmdlet.lower()].parameters
            )
        }
        assert {name for name in parameters if name.lower() not in known} <= common, cmdlet


@pytest.fixture(scope="module")
def emulator(engine: Engine | None) -> Iterator[Emulator]:
    with Emulator([{"name": NAME, "advanced_message_encryption": True}], engine=engine) as running:
        if engine is not None:
            endpoint.install(running, "Audit")
            endpoint.install(running, "Baseline")
        yield running


@dataclass(frozen=True)
class Run:
    """Runs commands and scripts in a session."""

    pool: RunspacePool

    def __call__(self, command: str, **parameters: Any) -> PowerShell:
        return self._end(PowerShell(self.pool).add_cmdlet(command).add_parameters(parameters))

    def script(self, text: str) -> PowerShell:
        return self._end(PowerShell(self.pool).add_script(text))

    def _end(self, shell: PowerShell) -> PowerShell:
        shell.invoke()
        shell.close()
        return shell


@contextmanager
def opened(emulator: Emulator, name: str) -> Iterator[Run]:
    (organization,) = emulator.describe()["organizations"]
    account = {"username": organization["psrp_user"], "password": organization["psrp_password"]}
    line = WSMan(
        "127.0.0.1",
        port=emulator.psrp_plain_front.port,
        ssl=False,
        auth="basic",
        encryption="never",
        no_proxy=True,
        **account,
    )
    with line, RunspacePool(line, configuration_name=name) as pool:
        yield Run(pool)


@pytest.fixture(scope="module", params=generate_endpoint.VARIANTS)
def session(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[tuple[str, Run]]:
    """A session of each variant, for all tests of this file."""
    with opened(emulator, f"MessageEncryption.{request.param}") as run:
        yield request.param, run


def refusal(shell: PowerShell) -> str:
    assert shell.output == []
    return str(shell.streams.error[0].fq_error)


@pytest.mark.engine
def test_it_shows_its_list_and_what_every_constrained_session_has(session: tuple[str, Run]) -> None:
    variant, run = session
    own = {
        "Clear-Host",
        "Exit-PSSession",
        "Get-Command",
        "Get-FormatData",
        "Get-Help",
        "Measure-Object",
        "Out-Default",
        "Select-Object",
    }
    own |= {"cls", "exsn", "gcm", "measure", "select"}
    shown = {item.adapted_properties["Name"] for item in run("Get-Command", CommandType="All").output}
    assert shown == {*generate_endpoint.allowed(variant), *own, "Get-ConnectionInformation"}


@pytest.mark.engine
def test_what_reads_reads(session: tuple[str, Run]) -> None:
    _variant, run = session
    assert run("Get-IRMConfiguration").output[0].extended_properties["TransportDecryptionSetting"] == "Optional"
    assert run("Get-ConnectionInformation").output[0].extended_properties["Organization"] == NAME


@pytest.mark.engine
def test_a_cmdlet_that_is_withheld_is_not_there_by_any_name(session: tuple[str, Run]) -> None:
    variant, run = session
    module = run("Get-ConnectionInformation").output[0].extended_properties["ModuleName"]
    withheld = {
        "Connect-ExchangeOnline": "ExchangeOnlineManagement",
        "Disconnect-ExchangeOnline": "ExchangeOnlineManagement",
        "Get-CASMailbox": module,
        "Invoke-Expression": "Microsoft.PowerShell.Utility",
        "Get-Variable": "Microsoft.PowerShell.Utility",
        "New-Item": "Microsoft.PowerShell.Management",
        "Import-Module": "Microsoft.PowerShell.Core",
    }
    withheld |= {} if variant == "Baseline" else {"Set-IRMConfiguration": module, "Remove-TransportRule": module}
    for name, owner in withheld.items():
        for called in (name, f"{owner}\\{name}"):
            assert refusal(run(called)) == "CommandNotFoundException", called


@pytest.mark.engine
def test_a_parameter_that_is_withheld_is_refused_by_name(session: tuple[str, Run]) -> None:
    _variant, run = session
    module = run("Get-ConnectionInformation").output[0].extended_properties["ModuleName"]
    shell = run("Get-TransportRule", Filter="x")
    assert refusal(shell) == "NamedParameterNotFound,Get-TransportRule"
    assert "'Filter'" in str(shell.streams.error[0])
    # Exchange's own function has every parameter, and would be reached by its full name if it were visible.
    assert refusal(run(f"{module}\\Get-TransportRule", Filter="x")) == "CommandNotFoundException"


@pytest.mark.engine
def test_there_is_no_language(session: tuple[str, Run]) -> None:
    _variant, run = session
    assert refusal(run.script("1")) == "ScriptsNotAllowed"


@pytest.mark.engine
def test_an_error_does_not_end_the_statements_after_it(session: tuple[str, Run], emulator: Emulator) -> None:
    _variant, run = session
    shell = run("Get-OMEMessageStatus", MessageId="<nobody@contoso.com>")
    assert not shell.had_errors
    assert shell.streams.error[0].fq_error.endswith(",Write-ErrorMessage")


@pytest.mark.engine
@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (None, "settings.psd1"),
        (
            {"Organization": NAME, "AppId": "x", "CertificateThumbprint": "00" * 20, "CertificateStore": "CurrentUser"},
            "The certificate 0000.* is not in the store",
        ),
        ({"AppId": "00000000-0000-0000-0000-000000000000"}, "AADSTS700016"),
    ],
    ids=["no settings", "no certificate", "another application"],
)
def test_a_start_up_script_that_fails_opens_nothing_and_says_why(
    engine: Engine | None, settings: dict[str, str] | None, text: str
) -> None:
    with Emulator([NAME], engine=engine) as emulator:
        name = endpoint.install(emulator, "Audit")
        directory = emulator.directory / "endpoint" / name
        if settings is None:
            (directory / "settings.psd1").unlink()
        else:
            endpoint.write_settings(directory, endpoint.settings(emulator, NAME) | settings)
        with pytest.raises(WinRMError, match=f"(?s)startup script threw an error.*{text}"), opened(emulator, name):
            pass


STUBS = """
function Get-Module { [pscustomobject]@{ Version = [version]'3.9.2' } }
function Test-PSSessionConfigurationFile { param($Path) $null -ne (Import-PowerShellDataFile -LiteralPath $Path).SessionType }
function Get-PSSessionConfiguration { param($Name, $ErrorAction) }
function Register-PSSessionConfiguration { param($Name, $Path, $SecurityDescriptorSddl, [switch] $Force) "$Name|$Path|$SecurityDescriptorSddl" }
"""


@pytest.mark.engine
def test_the_registration_installs_what_works(engine: Engine | None, tmp_path: Path) -> None:
    """With what only Windows has replaced: the list of modules and WinRM's configurations."""
    assert engine is not None
    with Emulator([NAME], engine=engine) as emulator:
        # For the certificate store.
        endpoint.install(emulator, "Audit")
        wanted = endpoint.settings(emulator, NAME)
        arguments = f"-Variant Audit -Organization {NAME} -AppId {wanted['AppId']} -CertificateThumbprint {wanted['CertificateThumbprint'].lower()}"
        script = f"{STUBS}\n& '{endpoint.FILES}/Register-MessageEncryptionEndpoint.ps1' {arguments} -Group S-1-5-21-1 -Name Own"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "ProgramData": str(tmp_path),
            "PSModulePath": str(MODULES),
            **QUICK,
        }
        done = subprocess.run(
            [str(engine.path), "-NoLogo", "-NoProfile", "-Command", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.stderr == ""
        name, path, descriptor = done.stdout.strip().split("|")
        assert (name, Path(path)) == ("Own", tmp_path / "MessageEncryption/Own/Own.pssc")
        assert "(A;;GA;;;S-1-5-21-1)" in descriptor
        directory = Path(path).parent
        told = (directory / "settings.psd1").read_text(encoding="ascii")
        (directory / "settings.psd1").write_text(told.replace("'LocalMachine'", "'CurrentUser'"), encoding="ascii")
        endpoint.leave_out_what_only_winrm_knows(Path(path))
        emulator.register(name, Path(path))
        with opened(emulator, name) as run:
            assert run("Get-IRMConfiguration").output
            assert refusal(run("Set-IRMConfiguration")) == "CommandNotFoundException"


#: What the registration is given, and for each parameter what it cannot write.
GIVEN = {
    "Variant": "Audit",
    "Organization": NAME,
    "AppId": "0b6f2f34-2f2c-4a2a-8d0d-3f1d3c5a7e11",
    "CertificateThumbprint": "0" * 40,
    "Group": "S-1-5-21-1",
}
WRONG = {"Variant": "Everything", "Organization": "a'; Remove-Item x; '", "AppId": "app", "CertificateThumbprint": "00"}


@pytest.mark.engine
def test_the_registration_refuses_what_it_cannot_write(engine: Engine | None, tmp_path: Path) -> None:
    assert engine is not None
    script, tries = endpoint.FILES / "Register-MessageEncryptionEndpoint.ps1", []
    for changed in WRONG:
        given = " ".join(
            f"-{name} '{value.replace(chr(39), chr(39) * 2)}'"
            for name, value in {**GIVEN, changed: WRONG[changed]}.items()
        )
        tries.append(f"try {{ & '{script}' {given}; 'done' }} catch {{ $_.Exception.Message -replace '\\s+', ' ' }}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ProgramData": str(tmp_path / "data"), **QUICK}
    command = [str(engine.path), "-NoLogo", "-NoProfile", "-Command", "\n".join(tries)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    said = done.stdout.splitlines()
    assert [text for text, name in zip(said, WRONG, strict=True) if f"'{name}'" not in text] == []
    assert not (tmp_path / "data").exists()
