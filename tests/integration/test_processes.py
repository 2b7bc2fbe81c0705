# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are killed at the worst moment: nothing hangs, nothing stays behind, and the next run knows where it
stands.
"""

from __future__ import annotations

import os
import pathlib
import re
import signal
import threading
import time

import pytest
import yaml

from tests.integration.processes import PATIENCE, brokers, processes, shells, started, wait_for, workers

from .tenant import Tenant, inventory

IRM = "m365.message_encryption.irm_configuration"
INFO = "m365.message_encryption.message_encryption_info"
WRITE = {"name": "write", IRM: {"search_enabled": False}}
#: Opens the sessions of all hosts, so that what follows is under way over all wires at the same time.
OPEN = {"name": "open", INFO: {"gather": ["irm_configuration"]}}


def slow_write(tenant: Tenant, seconds: float) -> None:
    """The next write to each organization is carried out at once, and answered late."""
    tenant.emulator.faults.set(
        [
            {"kind": "slow", "seconds": seconds, "cmdlet": "Set-*", "step": step, "organization": organization}
            for step in ("invoke", "batch", "receive")
            for organization in tenant.emulator.organizations
        ]
    )


def written(tenant: Tenant) -> bool:
    """Whether every organization has been written to, and none twice."""
    applied = [call.organization for call in tenant.emulator.calls if call.applied]
    assert len(applied) == len(set(applied))
    return set(applied) == set(tenant.emulator.organizations)


def is_clean(tenant: Tenant) -> bool:
    """Nothing runs any more, and the service holds no session."""
    alive = [*processes(tenant.controller.home), *tenant.emulator.own_processes.living]
    return not alive and tenant.emulator.sessions == {"shells": 0, "exchange_sessions": 0}


def converges(tenant: Tenant) -> None:
    """The next run reads first, finds the write done, and does it no second time."""
    tenant.emulator.faults.clear()
    run = tenant.run(WRITE)
    assert run.rc == 0, run.output
    assert run.changed == []
    assert written(tenant)


@pytest.mark.usefixtures("executed")
def test_a_run_leaves_nothing_behind(wires: Tenant) -> None:
    assert wires.run(WRITE).rc == 0
    wait_for(lambda: is_clean(wires))


def test_the_playbook_is_killed_in_mid_write(wires: Tenant) -> None:
    ends_in_mid_write(wires, signal.SIGKILL)


def test_the_playbook_is_terminated_in_mid_write(tenant: Tenant) -> None:
    ends_in_mid_write(tenant, signal.SIGTERM)


def ends_in_mid_write(tenant: Tenant, number: signal.Signals) -> None:
    slow_write(tenant, 20)
    with started(tenant, OPEN, WRITE) as run:
        wait_for(lambda: written(tenant))
        os.kill(run.pid, number)
        run.wait(PATIENCE)
        wait_for(lambda: is_clean(tenant))
    # Not even ansible-core's own directory of the run, which it could not remove any more.
    assert not [
        path
        for pattern in ("exchange.*", "message_encryption-*", "ansible-local-*")
        for path in tenant.controller.home.rglob(pattern)
    ]
    converges(tenant)


def test_ctrl_c_in_mid_write(wires: Tenant) -> None:
    slow_write(wires, 20)
    with started(wires, OPEN, WRITE) as run:
        wait_for(lambda: written(wires))
        os.killpg(run.pid, signal.SIGINT)
        output, _unused = run.communicate(timeout=PATIENCE)
        assert run.returncode != 0
        assert "Traceback" not in output
        wait_for(lambda: is_clean(wires))
    converges(wires)


def test_a_tasks_timeout_in_mid_write(wires: Tenant) -> None:
    """The alarm by which ansible-core ends a task comes while the write is under way."""
    slow_write(wires, 20)
    with started(
        wires, OPEN, {**WRITE, "timeout": 600, "ignore_errors": True}, {"name": "again", IRM: {"search_enabled": False}}
    ) as run:
        wait_for(lambda: written(wires))
        found = workers(wires.controller.inventory)
        assert len(found) == len(wires.emulator.organizations)
        for worker in found:
            os.kill(worker, signal.SIGALRM)
        output, _unused = run.communicate(timeout=2 * PATIENCE)
        assert run.returncode == 0, output
    assert output.count("Timed out after 600 second(s).") >= len(found)
    assert len(re.findall("ok=3 +changed=0 .* ignored=1", output)) == len(found), output
    assert written(wires)
    wait_for(lambda: is_clean(wires))


def test_the_broker_is_killed_in_mid_write(wires: Tenant) -> None:
    slow_write(wires, 20)
    with started(wires, OPEN, WRITE) as run:
        wait_for(lambda: written(wires))
        (broker,) = brokers(wires.controller.home)
        os.kill(broker, signal.SIGKILL)
        output, _unused = run.communicate(timeout=2 * PATIENCE)
        assert run.returncode == 0, output
        assert output.count(" changed=1 ") == len(wires.emulator.organizations)
        wait_for(lambda: not processes(wires.controller.home) and not wires.emulator.own_processes.living)
    converges(wires)


# The broker has the session, whatever the wire, and goes on with the call.
def test_a_worker_is_killed_in_mid_write(tenant: Tenant) -> None:
    slow_write(tenant, 3)
    with started(tenant, WRITE) as run:
        wait_for(lambda: written(tenant))
        (worker,) = workers(tenant.controller.inventory)
        os.kill(worker, signal.SIGKILL)
        run.communicate(timeout=2 * PATIENCE)
        assert run.returncode != 0
        wait_for(lambda: is_clean(tenant))
    converges(tenant)


def sessions(tenant: Tenant, number: int, *wires: str) -> None:
    """Hosts that are reached over these wires. A host's own command timeout makes its connection one of its own."""
    hosts = {
        f"{wire}{place}": {**variables, "ansible_exchange_command_timeout": 100 + place}
        for wire in wires
        for variables in inventory(tenant.emulator, wire)["exchange_organizations"]["hosts"].values()
        for place in range(number // len(wires))
    }
    tenant.controller.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")


@pytest.mark.usefixtures("executed")
def test_fifty_forks_share_one_broker(tenant: Tenant) -> None:
    sessions(tenant, 50, "rest", "psrp")
    run = tenant.controller.tasks([OPEN], hosts="all", ANSIBLE_FORKS="50")
    assert run.rc == 0, run.output
    assert [task.outcome for task in run.all(OPEN["name"])] == ["ok"] * 50
    wait_for(lambda: is_clean(tenant))


@pytest.mark.possible_wires("powershell")
@pytest.mark.wires("powershell")
def test_many_organizations_never_have_more_than_four_processes(tenant: Tenant) -> None:
    sessions(tenant, 6, "powershell")
    seen: set[int] = set()
    most = 0
    with started(tenant, OPEN, hosts="all", ANSIBLE_FORKS="6") as run:

        def count() -> None:
            nonlocal most
            while run.poll() is None:
                found = shells(tenant.controller.home)
                seen.update(found)
                most = max(most, len(found))
                time.sleep(0.1)

        counting = threading.Thread(target=count)
        counting.start()
        output, _unused = run.communicate(timeout=600)
        counting.join()
    assert run.returncode == 0, output
    assert len(seen) >= 6
    assert output.count("failed=0") == 6
    assert most == 4
    assert "waits for one of 4 PowerShell processes (ansible_exchange_powershell_processes)" in output
    wait_for(lambda: is_clean(tenant))


@pytest.mark.possible_wires("powershell")
@pytest.mark.wires("powershell")
def test_powershell_is_killed_in_mid_call(tenant: Tenant) -> None:
    """A read is repeated in a new process; a write is read back, and nothing is written twice."""
    cmdlets = ["Get-IRMConfiguration", "Set-IRMConfiguration"]
    tenant.emulator.faults.set(
        [
            {"kind": "slow", "wire": "powershell", "step": "invoke", "cmdlet": cmdlet, "seconds": 20}
            for cmdlet in cmdlets
        ]
    )
    killed: list[int] = []
    with started(tenant, WRITE) as run:
        for cmdlet in cmdlets:
            wait_for(lambda: any(call.cmdlet == cmdlet for call in tenant.emulator.calls), 2 * PATIENCE)  # noqa: B023
            killed += shells(tenant.controller.home)
            os.kill(killed[-1], signal.SIGKILL)
        output, _unused = run.communicate(timeout=2 * PATIENCE)
        assert run.returncode == 0, output
    assert len(killed) == len(set(killed)) == 2
    assert written(tenant)
    wait_for(lambda: is_clean(tenant))
    assert not list(tenant.controller.home.rglob("exchange.pwsh-*"))


def test_a_broker_that_cannot_start_says_why(tenant: Tenant) -> None:
    """Python runs this file before any program, so it ends brokers alone."""
    folder = tenant.controller.home / "site"
    folder.mkdir()
    broken = [
        "import os, sys",
        "if '_broker.server import main' in ' '.join(sys.orig_argv):",
        "    os.write(2, b'OSError: out of luck\\n')",
        "    os._exit(1)",
    ]
    (folder / "sitecustomize.py").write_text("\n".join(broken), encoding="utf-8")
    run = tenant.run(WRITE, PYTHONPATH=str(folder))
    assert run.task("write").outcome == "unreachable"
    assert "the session broker ended twice (OSError: out of luck)." in run["write"]["msg"]
    assert tenant.emulator.calls == []


@pytest.mark.usefixtures("executed")
def test_a_long_temporary_path(tenant: Tenant) -> None:
    long = tenant.controller.home / ("x" * 120) / ("y" * 100)
    long.mkdir(parents=True)
    assert tenant.run(WRITE, ANSIBLE_LOCAL_TEMP=str(long)).rc == 0
    wait_for(lambda: is_clean(tenant))


#: What can happen to the run's own directory, one after the other. One that cannot be made at all is ansible-core's to
#: report, before any plugin runs.
RUINS = {
    **({"chmod 500 $each": "Permission denied"} if os.getuid() else {}),
    "rm -rf $each; touch $each": "Not a directory",
    "rm -rf $each": "No such file or directory",
}


def test_a_temporary_directory_that_cannot_be_used_is_named(tenant: Tenant) -> None:
    folder = tenant.controller.home / "tmp"
    run = tenant.run(
        *(
            task
            for ruin, why in RUINS.items()
            for task in (
                {
                    "name": "spoil",
                    "ansible.builtin.debug": {"msg": "{{ lookup('ansible.builtin.pipe', command) }}"},
                    "vars": {"command": f"cd {folder}; for each in *; do {ruin}; done"},
                },
                {**WRITE, "name": why, "ignore_unreachable": True},
            )
        ),
        ANSIBLE_LOCAL_TEMP=str(folder),
    )
    for why in RUINS.values():
        assert run.task(why).outcome == "unreachable", run.output
        assert re.search(f"the session broker cannot be started in {folder}/[^/]+: {why}\\.", run[why]["msg"])
        assert "ANSIBLE_LOCAL_TEMP" in run[why]["msg"]
    assert tenant.emulator.calls == []


def test_a_home_that_cannot_be_written_is_no_hindrance(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    folders = {"ANSIBLE_HOME": str(tmp_path / "ansible"), "ANSIBLE_LOCAL_TEMP": str(tmp_path / "tmp")}
    assert tenant.run(WRITE, HOME="/proc/nowhere", **folders).rc == 0
    assert len(tenant.applied) == 1


@pytest.mark.usefixtures("executed")
def test_two_playbooks_of_one_user_at_once(tenant: Tenant) -> None:
    """Each has its own broker; the end of one ends no session of the other."""
    slow_write(tenant, 3)
    with started(tenant, WRITE, OPEN) as run:
        wait_for(lambda: written(tenant))
        other = tenant.run(OPEN)
        assert other.rc == 0, other.output
        output, _unused = run.communicate(timeout=2 * PATIENCE)
        assert run.returncode == 0, output
    wait_for(lambda: is_clean(tenant))
