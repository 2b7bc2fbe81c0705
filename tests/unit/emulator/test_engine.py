# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and unpacking a PowerShell, and the shells that it serves."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from scripts import unpack_powershell
from tests.emulator import Emulator
from tests.emulator.engine import Engine, EngineError, find_engine

NAME = "contoso.onmicrosoft.com"


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_without_a_powershell_there_is_none(tmp_path: Path) -> None:
    assert find_engine({"PATH": str(tmp_path)}) is None


def test_the_one_that_is_named_comes_before_the_one_on_path(tmp_path: Path) -> None:
    program(tmp_path / "pwsh", "echo PowerShell 7.4.1")
    other = program(tmp_path / "other", "echo PowerShell 7.6.0-preview.2")
    assert find_engine({"PATH": str(tmp_path)}) == Engine(tmp_path / "pwsh", "7.4.1")
    assert find_engine({"PATH": str(tmp_path), "PWSH": str(other)}) == Engine(other, "7.6.0-preview.2")


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (None, r"pwsh \(from PWSH\) cannot be run: .*No such file"),
        ("echo PowerShell 7.2.9", r"is PowerShell 7\.2\.9, and the tests need 7\.4 or newer"),
        ("echo bash 5; exit 3", r"is not PowerShell: asked for its version, it ends with 3 and says 'bash 5'"),
    ],
    ids=["missing", "too old", "another program"],
)
def test_one_that_cannot_be_used_is_named(tmp_path: Path, text: str | None, refusal: str) -> None:
    path = tmp_path / "pwsh"
    if text is not None:
        program(path, text)
    with pytest.raises(EngineError, match=refusal):
        find_engine({"PWSH": str(path)})


def archive(path: Path, *, broken: bool = False) -> str:
    """An archive like PowerShell's; its digest."""
    with tarfile.open(path, "w:xz") as tar:
        entry = tarfile.TarInfo("powershell/pwsh")
        entry.mode, entry.size = 0o755, 300_000
        tar.addfile(entry, io.BytesIO(os.urandom(300_000)))
    if broken:
        path.write_bytes(path.read_bytes()[:100_000])
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    digest = archive(tmp_path / "a.tar.xz")
    target = tmp_path / "powershell"
    assert "a.tar.xz" in unpack_powershell.unpack(tmp_path / "a.tar.xz", target, digest)
    assert os.access(target / "pwsh", os.X_OK)
    before = (target / "pwsh").stat().st_ino
    assert unpack_powershell.unpack(tmp_path / "a.tar.xz", target, digest) == ""
    assert (target / "pwsh").stat().st_ino == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.xz", "powershell"]


def test_archives_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    target = tmp_path / "powershell"
    with pytest.raises(ValueError, match=r"PWSH_ARCHIVE: .*none\.tar\.xz cannot be read: No such file"):
        unpack_powershell.unpack(tmp_path / "none.tar.xz", target)
    digest = archive(tmp_path / "a.tar.xz")
    with pytest.raises(
        ValueError, match=f"PWSH_ARCHIVE: .* has the SHA-256 {digest}, and powershell-.* has {unpack_powershell.DIGEST}"
    ):
        unpack_powershell.unpack(tmp_path / "a.tar.xz", target)
    digest = archive(tmp_path / "b.tar.xz", broken=True)
    with pytest.raises(ValueError, match=r"PWSH_ARCHIVE: .*b\.tar\.xz cannot be unpacked into"):
        unpack_powershell.unpack(tmp_path / "b.tar.xz", target, digest)
    assert not target.exists()


@pytest.fixture
def emulator(engine: Engine | None) -> Iterator[Emulator]:
    with Emulator([NAME], engine=engine) as running:
        yield running


@contextmanager
def line(emulator: Emulator) -> Iterator[WSMan]:
    (organization,) = emulator.describe()["organizations"]
    with WSMan(
        "127.0.0.1",
        port=emulator.psrp_plain_front.port,
        ssl=False,
        auth="basic",
        encryption="never",
        username=organization["psrp_user"],
        password=organization["psrp_password"],
        no_proxy=True,
    ) as connection:
        yield connection


def run(pool: RunspacePool, script: str, **parameters: Any) -> PowerShell:
    shell = PowerShell(pool)
    shell.add_script(script).add_parameters(parameters)
    shell.invoke()
    shell.close()
    return shell


@pytest.mark.engine
def test_a_shell_is_a_process_that_ends_with_it(emulator: Emulator) -> None:
    with line(emulator) as connection:
        with RunspacePool(connection, configuration_name="PowerShell.7") as pool:
            (pid,) = run(pool, "$PID").output
            assert emulator.sessions == {"shells": 1, "exchange_sessions": 0}
            assert Path(f"/proc/{pid}").exists()
        assert emulator.sessions["shells"] == 0
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.engine
def test_nothing_of_the_callers_environment_reaches_it(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_SECRET", "planted")
    with line(emulator) as connection, RunspacePool(connection, configuration_name="PowerShell.7") as pool:
        names = run(pool, "(Get-ChildItem env:).Name").output
    assert "PSModulePath" in names
    assert "PLANTED_SECRET" not in names


@pytest.mark.engine
def test_fragments_of_any_size_go_both_ways(emulator: Emulator) -> None:
    text = "x\u00e4\U0001f600" * 50_000  # more than an envelope takes, and ten times a fragment
    with line(emulator) as connection, RunspacePool(connection, configuration_name="PowerShell.7") as pool:
        for _unused in range(2):
            assert run(pool, "param($Text) $Text", Text=text).output == [text]


@pytest.mark.engine
def test_a_pipeline_can_be_stopped(emulator: Emulator) -> None:
    with line(emulator) as connection, RunspacePool(connection, configuration_name="PowerShell.7") as pool:
        shell = PowerShell(pool)
        shell.add_script("'runs'; Start-Sleep -Seconds 600")
        started = time.monotonic()
        shell.begin_invoke()
        # PowerShell's own server ends where a signal overtakes the pipeline that it is for: stop one that runs.
        while not shell.output:
            shell.poll_invoke()
        shell.stop()
        assert time.monotonic() - started < 300
        assert run(pool, "1").output == [1]


@pytest.mark.engine
def test_a_process_that_dies_is_a_shell_that_is_gone(emulator: Emulator) -> None:
    with line(emulator) as connection:
        pool = RunspacePool(connection, configuration_name="PowerShell.7")
        pool.open()
        with pytest.raises(WSManFaultError) as caught:
            run(pool, "[System.Environment]::FailFast('died')")
        assert caught.value.code == 2150858843
        assert emulator.sessions["shells"] == 0
