# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a controller, and runs that can be killed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import yaml

from .tenant import Tenant

#: Seconds after which nothing of a run may be left.
PATIENCE = 300


def processes(home: pathlib.Path, besides: AbstractSet[str] = frozenset()) -> dict[int, str]:
    """The processes of a controller with this home, and their command lines.

    :param besides: names of what is in ``/proc`` and belongs to others.
    """
    found, variable = {}, f"HOME={home}".encode()
    for name in filter(str.isdigit, {*os.listdir("/proc")} - besides):
        with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb", buffering=0) as environment:
            if variable in environment.read().split(b"\0"):
                found[int(name)] = pathlib.Path(f"/proc/{name}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def brokers(home: pathlib.Path) -> list[int]:
    return [pid for pid, command in processes(home).items() if "_broker.server import main" in command]


def parent(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come in time"
        # A look at all processes is not for nothing.
        time.sleep(0.1)


@contextlib.contextmanager
def started(
    tenant: Tenant, *tasks: dict[str, Any], hosts: str = "", **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A playbook that runs in a process group of its own, as it has one in a terminal."""
    controller = tenant.controller
    file = controller.home / "started.yml"
    file.write_text(
        yaml.safe_dump([{"hosts": hosts or tenant.host, "gather_facts": False, "tasks": list(tasks)}], sort_keys=False),
        encoding="utf-8",
    )
    run = subprocess.Popen(
        ["ansible-playbook", "-i", str(controller.inventory), str(file), "-vvv"],
        cwd=controller.home,
        env={**controller.environment, "TASK_RESULTS": str(controller.home / "started.jsonl"), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield run
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def workers(inventory: pathlib.Path) -> list[int]:
    """The workers of the playbook with this inventory: its children, which have its command line."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(inventory).encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                parents[int(entry.name)] = parent(int(entry.name))
    return [pid for pid, above in parents.items() if above in parents]


def shells(home: pathlib.Path, besides: AbstractSet[str] = frozenset()) -> list[int]:
    """The PowerShell processes of a controller with this home, which live at the same moment."""
    entries = [pathlib.Path("/proc") / name for name in {*os.listdir("/proc")} - besides if name.isdigit()]
    found = [entry for entry in entries if _is_shell(entry, home)]
    # One may have ended before another one began that was found after it.
    return [int(entry.name) for entry in found if _is_shell(entry, home)]


def _is_shell(entry: pathlib.Path, home: pathlib.Path) -> bool:
    with contextlib.suppress(OSError):
        # What a process runs for a moment is in its group.
        mine = f"TMPDIR={home}/".encode() in (entry / "environ").read_bytes()
        return mine and os.getpgid(int(entry.name)) == int(entry.name)
    return False
