# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport ``powershell`` with a real PowerShell: how a process is started, what it says when it cannot, and how
it ends.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange import errors
from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import powershell as _powershell
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports import remoting as _remoting
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.powershell import PowershellTransport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.processes import Processes
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.retry import (
    Executed,
    FailedError,
    Failure,
)

from tests.emulator import Emulator
from tests.emulator.engine import MODULES, Engine
from tests.unit.connections import ORGANIZATION, identity

from .wires import values

pytestmark = pytest.mark.engine

READ, WRITE = Call("Get-IRMConfiguration"), Call("Set-IRMConfiguration", {"SearchEnabled": False})
_PATIENCE = 120

Open = Callable[..., PowershellTransport]


@pytest.fixture(name="directory")
def directory_fixture(tmp_path: Path) -> Path:
    """The run's own directory. PowerShell makes sockets below TMPDIR, and a long path is no hindrance."""
    path = tmp_path / ("long" * 40)
    path.mkdir()
    return path


@pytest.fixture(name="wire")
def wire_fixture(emulator: Emulator, directory: Path) -> Iterator[Open]:
    """Makes transports."""
    emulator.reset()
    opened: list[PowershellTransport] = []
    processes = Processes(str(directory))

    def make(**more: Any) -> PowershellTransport:
        opened.append(PowershellTransport(identity(**values(emulator, "powershell", **more)), processes))
        return opened[-1]

    yield make
    for each in opened:
        each.close()
    processes.end()


@pytest.fixture(name="program")
def program_fixture(emulator: Emulator, engine: Engine | None, tmp_path: Path) -> Callable[..., str]:
    """Writes a program that runs some shell before it becomes PowerShell."""
    assert engine is not None
    assert emulator.module_front is not None
    url = emulator.module_front.url
    return lambda before="", **how: str(
        emulator.own_processes.program(tmp_path / "pwsh", engine, url, before=before, **how)
    )


def refusal(transport: PowershellTransport) -> errors.ExchangeError:
    (outcome,) = transport.attempt([WRITE])
    assert isinstance(outcome, Failure)
    assert outcome.executed is Executed.NO
    assert isinstance(outcome.error, errors.UnreachableError)
    return outcome.error


def pid_of(transport: PowershellTransport) -> int:
    return transport._pool._line._packets._child.process.pid  # type: ignore[union-attr,attr-defined,no-any-return]


def test_a_session_leaves_nothing_behind_and_no_secret_is_in_an_argument_or_a_variable(
    wire: Open, emulator: Emulator, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXCHANGE_CLIENT_SECRET", "planted-secret")
    monkeypatch.setattr(_remoting, "CLOSE_TIMEOUT", _PATIENCE)
    transport = wire()
    (read,) = transport.attempt([READ])
    assert read.error is None
    assert read.objects[0]["SearchEnabled"] is True
    pid = pid_of(transport)
    assert os.getpgid(pid) == pid, "it does not lead a process group of its own"
    # The authorities of the inventory are trusted, by the requests of a module, too.
    pool = transport._pool
    assert pool is not None
    run = pool.run(
        [Call("Invoke-WebRequest", {"Uri": f"{emulator.url}/emulator/health", "SkipHttpErrorCheck": True})],
        timeout=_PATIENCE,
    )
    assert [kind for kind, _item in run.events] == ["output"], run.events
    assert [path.name[:14] for path in directory.iterdir()] == ["exchange.pwsh-"]
    (token,) = transport.secrets
    for name in ("cmdline", "environ"):
        seen = Path(f"/proc/{pid}/{name}").read_bytes()
        assert token.encode() not in seen
        assert b"planted-secret" not in seen
        assert values_of_secrets(transport) not in seen
    own = Path(f"/proc/{pid}/cwd").resolve()
    assert not [path for path in own.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    transport.close()
    assert list(directory.iterdir()) == []
    assert not Path(f"/proc/{pid}").exists()
    counters = emulator.service.ledger.counters
    assert counters["exchange_sessions_opened"] == counters["exchange_sessions_closed"] == 1


def values_of_secrets(transport: PowershellTransport) -> bytes:
    return str(transport._identity["credential"]["client_secret"]).encode()


# What it says when it cannot


def test_there_is_none(wire: Open, tmp_path: Path) -> None:
    error = refusal(wire(exchange_powershell_path=str(tmp_path / "nothing")))
    assert "does not exist" in str(error)
    assert "Install PowerShell 7.4 or newer" in error.remedy
    assert "ansible_exchange_powershell_path" in error.remedy
    error = refusal(wire(exchange_powershell_path="no-such-powershell"))
    assert "no-such-powershell is not on PATH" in str(error)


def test_it_is_no_program(wire: Open, tmp_path: Path, directory: Path) -> None:
    path = tmp_path / "garbage"
    path.write_bytes(b"\x7fELF-not")
    path.chmod(0o700)
    error = refusal(wire(exchange_powershell_path=str(path)))
    assert "did not start" in str(error)
    assert "Exec format error" in str(error)
    assert list(directory.iterdir()) == []


def changed_module(tmp_path: Path, old: str, new: str) -> Path:
    """The stand-in with another manifest or script."""
    modules = tmp_path / "modules"
    shutil.copytree(MODULES, modules)
    for path in (modules / "ExchangeOnlineManagement").iterdir():
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return modules


#: What the stand-in is changed into: a text of it, another one, and what is said of the module and as its remedy.
_REQUIRES = "    CmdletsToExport   = @()"
CHANGED = [
    (
        "PowerShellVersion = '7.4'",
        "PowerShellVersion = '98.1'",
        ["has version {version}, which is too old for its module", "98.1"],
        "Install a newer",
    ),
    (
        _REQUIRES,
        f"{_REQUIRES}\n    RequiredModules   = @('PackageManagment')",
        ["requires a module that is missing"],
        "Install it: pwsh -Command Install-PSResource PackageManagment -TrustRepository",
    ),
    (
        "Set-StrictMode -Version 3.0",
        "Set-StrictMode -Version 3.0\nthrow 'a DLL is missing'",
        ["cannot be loaded", " {version}: ", "a DLL is missing"],
        "-Reinstall",
    ),
    (
        "3.9.2",
        "3.10.0",
        ["has version {version}, but ExchangeOnlineManagement 3.10.0 requires 97.1 or newer"],
        "Install PowerShell 97.1",
    ),
]


def test_a_module_that_cannot_be_used_says_why(
    wire: Open, program: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    """One process is shown none, and each of them in turn."""
    assert (_powershell._least("3.9.2"), _powershell._least("3.10.0")) == ((7, 4), (7, 6))
    oldest = {version: (97 + number, 1) for number, version in enumerate(_powershell.OLDEST)}
    monkeypatch.setattr(_powershell, "OLDEST", oldest)
    transport = wire(exchange_powershell_path=program(modules=tmp_path / "empty"))
    pool = transport._opened()
    try:
        with pytest.raises(FailedError) as caught:
            transport._import(pool)
        missing = caught.value.failure
        assert (missing.executed, missing.retryable) == (Executed.NO, False)
        assert "does not have the module ExchangeOnlineManagement" in str(missing.error)
        install = "pwsh -Command Install-PSResource ExchangeOnlineManagement -TrustRepository"
        assert install in missing.error.remedy
        for number, (old, new, said, remedy) in enumerate(CHANGED):
            modules = changed_module(tmp_path / str(number), old, new)
            pool.run([Call("Set-Item", {"Path": "env:PSModulePath", "Value": str(modules)})], timeout=_PATIENCE)
            with pytest.raises(FailedError) as caught:
                transport._import(pool)
            failure = caught.value.failure
            assert isinstance(failure.error, errors.UnreachableError)
            assert (failure.executed, failure.retryable) == (Executed.NO, False), old
            text = str(failure.error)
            assert [part for part in said if part.format(version=engine.version) not in text] == [], (old, text)
            assert remedy in failure.error.remedy
    finally:
        pool.close(_PATIENCE)


def test_its_module_does_not_know_access_tokens(wire: Open, program: Callable[..., str], tmp_path: Path) -> None:
    modules = changed_module(tmp_path, "        [string] $AccessToken,\n", "")
    error = refusal(wire(exchange_powershell_path=program(modules=modules)))
    assert "AccessToken" in str(error)
    assert "Update the module ExchangeOnlineManagement" in error.remedy


def test_it_ends_at_once(wire: Open, program: Callable[..., str], directory: Path) -> None:
    error = refusal(wire(exchange_powershell_path=program("echo something is missing >&2; exit 7")))
    assert "ended with exit code 7. something is missing" in str(error)
    error = refusal(wire(exchange_powershell_path=program("kill -9 $$")))
    assert "ended by signal 9" in str(error)
    assert list(directory.iterdir()) == []


def test_it_has_no_memory(wire: Open, program: Callable[..., str]) -> None:
    error = refusal(wire(exchange_powershell_path=program("export DOTNET_GCHeapHardLimit=100000")))
    assert "GC heap initialization failed" in str(error)
    assert "414 MB of memory" in error.remedy


def test_it_does_without_icu(wire: Open, program: Callable[..., str]) -> None:
    """A system without the library makes PowerShell end at its first look for it, unless it is told to do without."""
    missing = "export DOTNET_SYSTEM_GLOBALIZATION_APPLOCALICU=9.9 DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=${DOTNET_SYSTEM_GLOBALIZATION_INVARIANT:-0}"
    transport = wire(exchange_powershell_path=program(missing))
    (read,) = transport.attempt([READ])
    assert read.error is None
    assert transport._is_invariant


def test_it_is_silent(wire: Open, program: Callable[..., str]) -> None:
    error = refusal(wire(exchange_powershell_path=program("exec sleep 100"), exchange_command_timeout=2))
    assert "did not start in time" in str(error)
    assert "ansible_exchange_command_timeout" in error.remedy


def test_what_the_module_prints_is_no_matter(wire: Open, program: Callable[..., str], tmp_path: Path) -> None:
    """By itself, which PowerShell drops; and by a program that it runs, with and without an end of line, and on the
    error stream.
    """
    shell = "[System.Diagnostics.Process]::Start('/bin/sh', [string[]]@('-c', 'echo \"<no packet>\"; printf \"half a line \"; echo trouble >&2')).WaitForExit()"
    prints = f"[Console]::WriteLine('<nothing>'); {shell}"
    modules = changed_module(
        tmp_path, "return Send-Request -Path 'invoke'", f"{prints}\n    return Send-Request -Path 'invoke'"
    )
    transport = wire(exchange_powershell_path=program(modules=modules))
    for _unused in range(3):
        outcomes = transport.attempt([READ, READ])
        assert [outcome.error for outcome in outcomes] == [None, None]
    assert "trouble" in transport._pool._line.printed  # type: ignore[union-attr,attr-defined]
    os.kill(pid_of(transport), signal.SIGKILL)
    (lost,) = transport.attempt([WRITE])
    assert isinstance(lost, Failure)
    assert lost.executed is Executed.NO
    assert "was lost: it ended by signal 9" in str(lost.error)
    assert "half a line" in str(lost.error)


def test_what_is_printed_is_bounded(wire: Open, program: Callable[..., str]) -> None:
    error = refusal(
        wire(exchange_powershell_path=program("head -c 9000000 /dev/zero | tr '\\\\0' x; echo; seq 200000; exit 3"))
    )
    assert "exit code 3" in str(error)
    assert len(str(error)) < 3000


# Connect-ExchangeOnline


def test_the_application_is_refused(wire: Open, emulator: Emulator) -> None:
    application = emulator.applications[ORGANIZATION]
    application.directory_role = False
    try:
        error = refusal(wire())
    finally:
        application.directory_role = True
    assert (
        "Connect-ExchangeOnline failed: Exchange does not accept the caller: The role assigned to application"
        in str(error)
    )
    assert "Exchange role" in error.remedy


def test_a_module_that_is_redirected_is_told_from_a_refused_caller(wire: Open, emulator: Emulator) -> None:
    """It follows the redirect without its token, and says only that it is refused."""
    transport = wire()
    transport._identity["rest"]["api_url"] = emulator.url  # type: ignore[index]
    redirect = {
        "kind": "redirect",
        "wire": "rest",
        "step": "exomodulefile",
        "location": "https://nam.outlook.office365.com/adminapi",
    }
    emulator.faults.set([{"kind": "401", "wire": "powershell", "step": "connect", "times": None}, redirect])
    error = refusal(transport)
    assert "redirects Microsoft's module to nam.outlook.office365.com, where the module sends no token" in str(error)
    assert error.remedy == "Set ansible_exchange_transport: rest."
    # Where nothing redirects, it is a refused caller.
    assert transport._redirected_to() == ""


def test_a_token_that_is_refused_is_fetched_anew(wire: Open, emulator: Emulator) -> None:
    transport = wire()
    transport._credential.token()
    emulator.authority.refuse_all("expired")
    error = refusal(transport)
    assert "UnAuthorized" in str(error)
    (read,) = transport.attempt([READ])
    assert read.error is None


def test_a_person_signs_in(emulator: Emulator, directory: Path) -> None:
    """The module is told whose token it gets, and the run can only read."""
    emulator.reset()
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        for flow in emulator.authority.people.flows.values():
            if flow.user_code in text:
                emulator.authority.people.settle(flow.user_code, "approved")

    credential = {"exchange_client_id": None, "exchange_client_secret": None, "exchange_device_code": True}
    processes = Processes(str(directory))
    session = OrganizationSession(
        identity(**values(emulator, "powershell", **credential)), functools.partial(open_transport, processes=processes)
    )
    try:
        session.invoke(Request([READ], tell=tell))[0].unwrap()
        assert session.describe(Request([])).user
        with pytest.raises(errors.PermissionDeniedError, match="this write was not sent"):
            session.invoke(Request([WRITE], tell=tell))[0].unwrap()
    finally:
        session.close()
    assert told[0].startswith(f"Sign in to {ORGANIZATION}")
    assert not [entry for entry in emulator.calls if entry.applied]


def test_the_connection_is_slow(wire: Open, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator.faults.set([{"kind": "slow", "wire": "powershell", "step": "connect", "seconds": 60}])
    transport = wire()
    connect = transport._connect

    def impatient(*arguments: Any) -> None:
        transport._command_timeout = 1.0
        connect(*arguments)

    monkeypatch.setattr(transport, "_connect", impatient)
    error = refusal(transport)
    assert "Connect-ExchangeOnline at PowerShell" in str(error)
    assert "did not end in time" in str(error)
    assert "ansible_exchange_command_timeout" in error.remedy


def test_the_connection_is_silent(wire: Open, program: Callable[..., str], tmp_path: Path) -> None:
    modules = changed_module(tmp_path, "    $answer = Receive-Module $Service $Parameters\n", "    return\n")
    error = refusal(wire(exchange_powershell_path=program(modules=modules)))
    assert "ended prematurely" in str(error)


@pytest.mark.parametrize("kind", [pytest.param("lost_before", marks=pytest.mark.matrix), "lost_after"])
def test_it_dies_while_it_connects(wire: Open, emulator: Emulator, kind: str) -> None:
    emulator.faults.set([{"kind": kind, "wire": "powershell", "step": "connect"}])
    (outcome,) = wire().attempt([WRITE])
    assert isinstance(outcome, Failure)
    assert (outcome.executed, outcome.retryable) == (Executed.NO, True)
    assert "ended by signal 9" in str(outcome.error)


def test_the_environment_is_handed_on(
    wire: Open, emulator: Emulator, program: Callable[..., str], tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    proxy = "http://proxy.example.com:3128"
    more = {
        "exchange_environment": "O365USGovDoD",
        "exchange_proxy": proxy,
        "exchange_powershell_path": program(f"env > {seen}; exit 7"),
    }
    transport = wire(
        **more, exchange_access_token=emulator.token(), exchange_client_id=None, exchange_client_secret=None
    )
    refusal(transport)
    lines = seen.read_text(encoding="utf-8").splitlines()
    assert {
        f"https_proxy={proxy}",
        f"HTTPS_PROXY={proxy}",
        f"SSL_CERT_FILE={emulator.ca_cert}",
        "LC_ALL=C.UTF-8",
    } <= set(lines)


def test_modules_that_the_user_has_installed_are_found_and_what_a_profile_prints_is_no_matter(
    wire: Open,
    emulator: Emulator,
    engine: Engine,
    program: Callable[..., str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HOME is another one in the process."""
    home = tmp_path / "home of the user"
    shutil.copytree(MODULES, home / ".local/share/powershell/Modules")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("PSModulePath", raising=False)
    prints = "echo Welcome to this machine!; printf 'no end of line'; echo and here >&2"
    transport = wire(exchange_powershell_path=program(prints, modules=tmp_path / "empty"))
    (read,) = transport.attempt([READ])
    assert read.error is None
    said = transport._pool._line.printed  # type: ignore[union-attr,attr-defined]
    assert all(text in said for text in ("Welcome to this machine!", "no end of line", "and here"))


# Its end


def test_a_cmdlet_that_takes_too_long_is_stopped(wire: Open, emulator: Emulator) -> None:
    transport = wire()
    transport.attempt([READ])
    pid = pid_of(transport)
    transport._command_timeout = 4.0  # the cmdlet has begun by then
    emulator.faults.set([{"kind": "slow", "wire": "powershell", "step": "invoke", "seconds": 60}])
    (outcome,) = transport.attempt([WRITE])
    assert isinstance(outcome, Failure)
    assert (outcome.executed, outcome.retryable) == (Executed.UNKNOWN, False)
    assert "did not end in time" in str(outcome.error)
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_does_not_stop_is_ended(wire: Open, directory: Path) -> None:
    transport = wire()
    transport.attempt([READ])
    pid = pid_of(transport)
    transport._command_timeout = 1.0
    os.kill(pid, signal.SIGSTOP)
    (outcome,) = transport.attempt([WRITE])
    assert isinstance(outcome, Failure)
    assert outcome.executed is Executed.UNKNOWN
    assert not Path(f"/proc/{pid}").exists()
    assert list(directory.iterdir()) == []


def test_it_dies_in_mid_call(wire: Open, emulator: Emulator, directory: Path) -> None:
    transport = wire()
    for kind, call, applied in (("lost_before", READ, 0), ("lost_before", WRITE, 0), ("lost_after", WRITE, 1)):
        emulator.service.edit(emulator.organizations[ORGANIZATION], "Set-IRMConfiguration", {"SearchEnabled": True})
        emulator.service.ledger.reset()
        emulator.faults.set([{"kind": kind, "wire": "powershell", "step": "invoke", "cmdlet": call.cmdlet}])
        # It starts another one after the first.
        (outcome,) = transport.attempt([call])
        assert isinstance(outcome, Failure), (kind, call)
        assert (outcome.executed, outcome.retryable) == (Executed.UNKNOWN, True)
        assert "ended by signal 9" in str(outcome.error)
        assert transport.is_closed
        assert not transport.has_process
        assert list(directory.iterdir()) == []
        assert len([entry for entry in emulator.calls if entry.applied]) == applied, (kind, call)


def test_a_session_whose_token_is_about_to_end_is_replaced(wire: Open, emulator: Emulator) -> None:
    transport = wire()
    transport.attempt([READ])
    first, token = pid_of(transport), transport.secrets[-1]
    assert not transport.is_closed
    transport._credential._ends = time.monotonic() + 100
    assert transport.is_closed, "the organization must be verified again"
    (read,) = transport.attempt([READ])
    assert read.error is None
    assert pid_of(transport) != first
    assert transport.secrets[-1] != token
    assert not transport.is_closed
    assert not Path(f"/proc/{first}").exists()


def test_no_more_processes_than_places(emulator: Emulator, directory: Path) -> None:
    """The integration tests count those of fifty organizations."""
    emulator.reset()
    processes = Processes(str(directory))
    most = 0
    program = values(emulator, "powershell")
    transports = [
        PowershellTransport(identity(**program, exchange_powershell_processes=1), processes) for _number in range(2)
    ]
    failed: list[Any] = []

    def work(transport: PowershellTransport) -> None:
        with transport.turn(lambda: True, lambda line: None):
            outcome = transport.attempt([READ])[0]
        failed.extend([outcome] if isinstance(outcome, Failure) or outcome.error else [])

    threads = [threading.Thread(target=work, args=[transport]) for transport in transports]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        most = max(most, len(list(directory.iterdir())))
        time.sleep(0.02)
    for transport in transports:
        transport.close()
    assert failed == []
    assert most == 1
    assert list(directory.iterdir()) == []
