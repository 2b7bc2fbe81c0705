# SPDX-License-Identifier: GPL-3.0-or-later
"""A first look: no inventory, no application, a person with a browser."""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.captured import captured_state
from tests.emulator.emulator import Emulator

from .guides import README, commands
from .playbook import Controller, Run

#: What the README tells to type first, without its ``ansible-playbook``, playbook and organization.
(README_LINE,) = (shlex.split(line) for line in commands(README) if "ansible_exchange_device_code" in line)
LOOK = README_LINE[4:]
INVITED = re.compile(r"Enter ([A-Z]{9})  within")


class Person:
    """Enters each code that a running playbook shows. It must be shown while the playbook runs, or the playbook never
    ends.
    """

    def __init__(self, emulator: Emulator, outcome: str = "approved") -> None:
        self.emulator, self.outcome = emulator, outcome
        self.seen: list[str] = []
        #: How many codes waited for somebody when each was shown.
        self.waiting: list[int] = []

    def look(self, controller: Controller, playbook: str, hosts: str, *arguments: str) -> Run:
        """Run a playbook, and read its terminal meanwhile."""
        command = ["ansible-playbook", "-i", hosts, playbook, *LOOK, *self._places(), *arguments]
        with subprocess.Popen(
            command,
            cwd=controller.home,
            env=controller.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            stderr: list[str] = []
            reader = threading.Thread(target=self._read, args=(process.stderr, stderr), daemon=True)
            reader.start()
            assert process.stdout is not None
            stdout = process.stdout.read()
            reader.join(120)
            run = Run(process.wait(120), stdout, "".join(stderr))
        assert "Traceback (most recent call last)" not in run.output, run.output
        return run

    def _read(self, pipe: Any, lines: list[str]) -> None:
        for line in pipe:
            lines.append(line)
            if found := INVITED.search(line):
                people = self.emulator.authority.people
                self.seen.append(found[1])
                self.waiting.append(sum(flow.outcome == "pending" for flow in list(people.flows.values())))
                people.settle(found[1], self.outcome)

    def _places(self) -> list[str]:
        described = self.emulator.describe()
        names = ("api_url", "authority_url", "ca_cert")
        return [part for name in names for part in ("-e", f"ansible_exchange_{name}={described[name]}")]


@pytest.fixture(scope="module")
def lived_in() -> Any:
    states = [captured_state(), {"name": "fabrikam.onmicrosoft.com"}, {"name": "adatum.onmicrosoft.com"}]
    with Emulator(states) as emulator:
        yield emulator


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path, {})


def test_the_audit_needs_no_inventory_and_no_application(lived_in: Emulator, controller: Controller) -> None:
    name = next(iter(lived_in.organizations))
    assert README_LINE[:4] == ["ansible-playbook", "m365.message_encryption.audit", "-i", f"{name},"]
    person = Person(lived_in)
    run = person.look(controller, "m365.message_encryption.audit", f"{name},")
    assert run.rc == 0, run.output
    assert "[WARNING]" not in run.stderr.replace("Failed to load callback plugin", "").split("\n", 1)[1]
    assert "Does not act: the rule 'encrypt' with 'Encrypt' is disabled" in run.stdout
    assert "35024  Azure Rights Management is on   fails   IRM-1 not met" in run.stdout
    assert len(person.seen) == 1
    assert f"Sign in to {name}. This run can only read." in run.stderr
    assert person.seen[0] not in run.stdout
    assert not any(call.applied for call in lived_in.calls)
    for file in controller.home.rglob("*"):
        if file.is_file():
            text = file.read_bytes()
            assert person.seen[0].encode() not in text, file
            assert b"eyJ" not in text, file


def test_several_organizations_ask_one_after_the_other(lived_in: Emulator, controller: Controller) -> None:
    names = list(lived_in.organizations)
    person = Person(lived_in)
    run = person.look(controller, "m365.message_encryption.audit", f"{','.join(names)}", "--forks", "5")
    assert run.rc == 0, run.output
    assert person.waiting == [1] * len(names)
    # Each line comes from a worker of its own, so that the next organization's may overtake that of the last one's end.
    for told in (r"Sign in to (\S+)\. This", r"^(\S+): signed in"):
        assert sorted(re.findall(told, run.stderr, re.MULTILINE)) == sorted(names)


def test_the_baseline_is_refused_before_anything_is_written(lived_in: Emulator, controller: Controller) -> None:
    name = next(iter(lived_in.organizations))
    run = Person(lived_in).look(controller, "m365.message_encryption.baseline", f"{name},")
    assert run.rc != 0
    assert (
        "session: it was opened by a person who signed in (ansible_exchange_device_code or ansible_exchange_interactive)"
        in run.output
    )
    assert not any(call.applied for call in lived_in.calls)
    assert Person(lived_in).look(controller, "m365.message_encryption.baseline", f"{name},", "--check").rc == 0


def test_conditional_access_is_named_with_the_way_out(lived_in: Emulator, controller: Controller) -> None:
    name = next(iter(lived_in.organizations))
    run = Person(lived_in, "blocked").look(controller, "m365.message_encryption.audit", f"{name},")
    assert run.rc != 0
    assert f"{name}: not assessable: the authority issued no token" in run.output
    assert "AADSTS53003" in run.output
    assert "ansible_exchange_interactive: true" in run.output


def test_a_delegated_task_reaches_the_organization_that_it_is_delegated_to(
    lived_in: Emulator, controller: Controller
) -> None:
    names = list(lived_in.organizations)
    play = controller.home / "play.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        f"    - m365.message_encryption.exchange_connection_info:\n      delegate_to: {names[1]}\n      register: found\n"
        "    - ansible.builtin.debug:\n        msg: It is {{ found.organization.name }}.\n",
        encoding="utf-8",
    )
    inventory = controller.home / "hosts"
    inventory.write_text("\n".join(names) + "\n", encoding="utf-8")
    run = Person(lived_in).look(controller, str(play), str(inventory), "--limit", names[0])
    assert run.rc == 0, run.output
    assert f"It is {names[1]}." in run.stdout
