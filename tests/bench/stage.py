# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage of every benchmark: an emulator in a process of its own, an inventory, and programs whose cost is taken."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.playbook import BIN, COLLECTIONS, ROOT
from tests.integration.tenant import CONNECTION, WIRES

_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """What a program cost.

    :param wall: seconds from start to end.
    :param cpu: seconds of processor time, of the program, its children and the session broker that it started.
    :param memory: the largest sum of resident memory of all of them, in MiB.
    :param broker: the broker's largest resident memory, in MiB; 0 where there was none.
    :param sockets: the largest number of the broker's open sockets.
    :param output: what it printed.
    """

    wall: float
    cpu: float
    memory: float
    broker: float
    sockets: int
    output: str = field(repr=False, default="")


class Stage:
    """An emulator with organizations, and the playbooks and scripts that run against it.

    :param organizations: how many.
    :param latency: milliseconds that each round trip with cmdlets takes.
    :param engine: whether the emulator has the real PowerShell that is on PATH.
    """

    def __init__(
        self,
        organizations: int = 1,
        latency: float = 0.0,
        faults: Sequence[Mapping[str, Any]] = (),
        *,
        engine: bool = False,
    ) -> None:
        self.names = [f"contoso{number}.onmicrosoft.com" for number in range(organizations)]
        self.directory = Path(tempfile.mkdtemp(prefix="bench"))
        arguments = [
            sys.executable,
            "-m",
            "tests.emulator",
            "--directory",
            str(self.directory),
            "--latency-ms",
            str(latency),
            "--parent",
            str(os.getpid()),
        ]
        for name in self.names:
            arguments += ["--organization", name]
        arguments += ["--engine"] if engine else []
        if faults:
            (self.directory / "faults.json").write_text(json.dumps(list(faults)))
            arguments += ["--faults", str(self.directory / "faults.json")]
        self._emulator = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for line in self._emulator.stdout or ():
            if line.strip() == "ready":
                break
        else:
            raise RuntimeError("the emulator did not start")
        self.described = json.loads((self.directory / "emulator.json").read_text())
        self._tls = ssl.create_default_context(cafile=self.described["ca_cert"])

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._emulator.terminate()
        self._emulator.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """What programs see: an empty home, and nothing of the machine's settings."""
        home = self.directory / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
        }

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the emulator's control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 (https, on loopback)
            f"{self.described['control_url']}/{path}",
            data=data,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, context=self._tls) as answer:  # noqa: S310 (https, on loopback)
            return json.load(answer)

    def settled_counters(self) -> dict[str, int]:
        """The emulator's counters so far, once the last run's session has ended: playbooks do not wait for that."""
        deadline = time.monotonic() + 30
        while (
            self.control("GET", "sessions")["shells"] or self.control("GET", "processes")["living"]
        ) and time.monotonic() < deadline:
            time.sleep(0.05)
        counters: dict[str, int] = self.control("GET", "round_trips")["counters"]
        return counters

    def fresh(self, state: Mapping[str, Any] | None = None) -> None:
        """Every organization as it was on the first day."""
        for name in self.names:
            self.control("PUT", f"state?organization={name}", {"advanced_message_encryption": True, **(state or {})})

    def variables(self, transport: str, number: int = 0) -> dict[str, Any]:
        """The connection variables of one organization."""
        return {
            "ansible_connection": CONNECTION,
            **WIRES[transport](self.described, self.described["organizations"][number]),
        }

    def playbook(
        self,
        play: Sequence[Mapping[str, Any]] | str,
        *,
        transport: str = "rest",
        forks: int = 5,
        arguments: Sequence[str] = (),
    ) -> Cost:
        """Runs a playbook over all organizations. A text is the name of a playbook of the collection."""
        hosts = {f"org{number}": self.variables(transport, number) for number in range(len(self.names))}
        inventory = self.directory / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"exchange_organizations": {"hosts": hosts}}))
        name = play if isinstance(play, str) else str(self.directory / "play.yml")
        if not isinstance(play, str):
            Path(name).write_text(yaml.safe_dump(list(play), sort_keys=False))
        command = [str(BIN / "ansible-playbook"), "-i", str(inventory), "--forks", str(forks), *arguments, name]
        return self.run(command)

    def run(self, command: Sequence[str]) -> Cost:
        """Runs a program and takes its cost."""
        with (self.directory / "output").open("w+") as output:
            begin = time.monotonic()
            process = subprocess.Popen(
                command, cwd=self.directory, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
            with _sampled(process.pid) as samples:
                _pid, status, usage = os.wait4(process.pid, 0)
                wall = time.monotonic() - begin
            output.seek(0)
            text = output.read()
        if os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError(f"{' '.join(command)}\n{text[-4000:]}")
        cpu = usage.ru_utime + usage.ru_stime + samples.broker_cpu
        return Cost(wall, cpu, samples.memory, samples.broker, samples.sockets, text)


@dataclass
class _Samples:
    memory: float = 0.0
    broker: float = 0.0
    broker_cpu: float = 0.0
    sockets: int = 0


@contextlib.contextmanager
def _sampled(pid: int) -> Iterator[_Samples]:
    """Looks at a process, its descendants and its broker until the block ends."""
    samples = _Samples()
    over = threading.Event()

    def look() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            with contextlib.suppress(OSError, ValueError, IndexError):
                _look(pid, samples)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _look(pid: int, samples: _Samples) -> None:
    parents: dict[int, int] = {}
    brokers: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        # The broker is nobody's child; the playbook's process id is among its arguments.
        if b"_broker.server import main" in command and str(pid).encode() in command.split(b"\0"):
            brokers.append(int(entry.name))
    family = {pid}
    while True:
        grown = family | {child for child, parent in parents.items() if parent in family}
        if grown == family:
            break
        family = grown
    samples.memory = max(samples.memory, sum(_resident(member) for member in (*family, *brokers)))
    for broker in brokers:
        samples.broker = max(samples.broker, _resident(broker))
        fields = Path(f"/proc/{broker}/stat").read_text().rpartition(")")[2].split()
        samples.broker_cpu = max(samples.broker_cpu, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        sockets = [link for link in Path(f"/proc/{broker}/fd").iterdir() if os.readlink(link).startswith("socket:")]
        samples.sockets = max(samples.sockets, len(sockets))


def _resident(pid: int) -> float:
    """Resident memory in MiB that a process does not share with others (forks share most of theirs)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
