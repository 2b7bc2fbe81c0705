# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook as a user would, from the installed artifact, and reads what every task returned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from tests import printed

from . import warm_start

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = Path(os.environ.get("ANSIBLE_COLLECTIONS_PATH", ROOT / "build/collections"))
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class TaskResult:
    """What one task returned for one host. ``outcome``: ok, failed, skipped or unreachable."""

    task: str
    action: str
    host: str
    outcome: str
    result: dict[str, Any]
    play: str = ""

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed", False))


@dataclass(frozen=True)
class Run:
    """A finished run. ``run["name of a task"]`` is that task's result, which must have run for one host only."""

    rc: int
    stdout: str
    stderr: str
    tasks: list[TaskResult] = field(default_factory=list)

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def of(self, play: str) -> Run:
        """The part of one play, with the output of all."""
        return replace(self, tasks=[result for result in self.tasks if result.play == play])

    def all(self, task: str) -> list[TaskResult]:
        return [result for result in self.tasks if result.task == task]

    def task(self, name: str, host: str | None = None) -> TaskResult:
        (found,) = [result for result in self.all(name) if host in (None, result.host)]
        return found

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.task(name).result

    def __iter__(self) -> Iterator[TaskResult]:
        return iter(self.tasks)

    @property
    def changed(self) -> list[str]:
        """The names of the tasks that changed something."""
        return [result.task for result in self.tasks if result.changed]


class Controller:
    """A controller with an empty home and nothing but what the tests give it.

    :param home: an empty directory.
    :param inventory: hosts and groups in the form of a YAML inventory.
    """

    #: Whether its programs start as forks (see :mod:`warm_start`). Not where a test looks at their processes.
    warm = True

    def __init__(self, home: Path, inventory: Mapping[str, Any]) -> None:
        self.home = home
        self.inventory = home / "inventory.yml"
        self.inventory.write_text(yaml.safe_dump(inventory), encoding="utf-8")
        self.environment: dict[str, str] = {
            "PATH": os.pathsep.join([str(BIN), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(home),
            **warm_start.INTERPRETER,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/integration/plugins/callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_results",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        }
        self._runs = 0

    def command(self, *arguments: str, timeout: float = 600, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of ansible's commands in the home and wait for it."""
        program = BIN / arguments[0]
        environment = self.environment | environment
        if self.warm and program.name.startswith("ansible") and warm_start.serves(environment):
            return warm_start.run([str(program), *arguments[1:]], cwd=self.home, env=environment, timeout=timeout)
        return subprocess.run(
            arguments,
            cwd=self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def playbook(self, playbook: str, *arguments: str, timeout: float = 600, **environment: str) -> Run:
        """Run a playbook by its path or FQCN. No run may show a traceback."""
        self._runs += 1
        results = self.home / f"results-{self._runs}.jsonl"
        done = self.command(
            "ansible-playbook",
            "-i",
            str(self.inventory),
            playbook,
            *arguments,
            timeout=timeout,
            TASK_RESULTS=str(results),
            **environment,
        )
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
        run = Run(done.returncode, done.stdout, done.stderr, [TaskResult(**json.loads(line)) for line in lines])
        assert "Traceback (most recent call last)" not in run.output, run.output
        for task in run:
            printed.check(
                command for result in [task.result, *task.result.get("results", ())] for command in _commands(result)
            )
        return run

    def tasks(
        self,
        tasks: Sequence[Mapping[str, Any]],
        *arguments: str,
        hosts: str = "all",
        play: Mapping[str, Any] | None = None,
        **environment: str,
    ) -> Run:
        """Run tasks as one play, without facts unless ``play`` says otherwise."""
        return self.plays(
            [{"hosts": hosts, "gather_facts": False, **(play or {}), "tasks": list(tasks)}], *arguments, **environment
        )

    def plays(self, plays: Sequence[Mapping[str, Any]], *arguments: str, **environment: str) -> Run:
        """Run plays, one after the other, as one playbook."""
        file = self.home / f"playbook-{self._runs + 1}.yml"
        file.write_text(yaml.safe_dump(list(plays), sort_keys=False), encoding="utf-8")
        return self.playbook(str(file), *arguments, **environment)


def _commands(result: Any) -> list[str]:
    """The commands that a module prints; a task of another collection may call anything so."""
    found = result.get("commands") if isinstance(result, dict) else None
    return found if isinstance(found, list) else []
