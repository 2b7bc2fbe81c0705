# SPDX-License-Identifier: GPL-3.0-or-later
"""A process has a directory in the run's own, and leaves none behind, however it ends. The process is a shell."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.processes import (
    DIRECTORY,
    Processes,
    StartError,
)


@pytest.fixture(name="program")
def program_fixture(tmp_path: Path) -> str:
    path = tmp_path / "program"
    path.write_text("#!/bin/sh\nexec sleep 600\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def test_a_process_that_is_killed_leaves_no_directory(run: Path, program: str) -> None:
    processes = Processes(str(run))
    children = [processes.start(program, {}) for _unused in range(2)]
    assert [path.name.startswith(DIRECTORY) for path in run.iterdir()] == [True, True]
    killed, other = children
    killed.process.kill()
    killed.bury()
    assert list(run.iterdir()) == [Path(other.directory)]
    processes.end()
    assert list(run.iterdir()) == []
    assert other.process.returncode is not None


def test_a_process_that_does_not_start_leaves_no_directory(run: Path, program: str) -> None:
    def refuse(_start: object) -> NoReturn:
        assert list(run.iterdir())
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with pytest.raises(StartError, match="Resource temporarily unavailable"):
        Processes(str(run), refuse).start(program, {})
    assert list(run.iterdir()) == []
