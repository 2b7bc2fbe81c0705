# SPDX-License-Identifier: GPL-3.0-or-later
"""The wires beside each other, and what it costs that PowerShell processes are few. With a real PowerShell only."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible_collections.m365.message_encryption.plugins.module_utils._exchange.cmdlet import Call
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.request import Request
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.server import open_transport
from ansible_collections.m365.message_encryption.plugins.plugin_utils._broker.session import OrganizationSession
from ansible_collections.m365.message_encryption.plugins.plugin_utils._transports.remoting import RemotingTransport

from tests.unit.connections import identity
from tests.unit.transports.wires import values

from .stage import Stage

Row = dict[str, Any]

#: What a module that changes nothing asks.
_CALL = Call("Get-IRMConfiguration")
_CALLS = 100
_TASK = {"m365.message_encryption.irm_configuration": {"search_enabled": True}}
_TASKS = 40


def wires(repeats: int) -> Iterator[Row]:
    """A session without Ansible: its first call, which connects and sees which organization it is in, and those after
    it; and a task of a playbook.

    ``engine`` is ``psrp`` to a real PowerShell.
    """
    with Stage(engine=True) as stage:
        names = ("rest", "psrp", "engine", "powershell")
        for name in names:
            _session(stage, name)  # imports, and the system's cache of files
        took: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
        for _repeat in range(repeats):
            for name in names:
                took[name].append((*_session(stage, name), _task(stage, name)))
    median = {name: [statistics.median(each[index] for each in took[name]) for index in range(4)] for name in names}
    for name in names:
        first, connect, call, task = median[name]
        yield {
            "wire": name,
            "first call, s": f"{first:.2f}",
            "of which Connect-ExchangeOnline, s": f"{connect:.2f}",
            "beside it, s": f"{first - connect:.2f}",
            "a further call, ms": f"{1000 * call:.1f}",
            "an unchanged task, ms": f"{1000 * task:.1f}",
            "times rest": f"{task / median['rest'][3]:.2f}",
        }


def _session(stage: Stage, wire: str) -> tuple[float, float, float]:
    """Seconds of the first call, of Connect-ExchangeOnline in it, and of each further call."""
    name = "host" if wire == "psrp" else wire
    variables = values(SimpleNamespace(describe=lambda: stage.described), name, exchange_organization=stage.names[0])  # type: ignore[arg-type]
    session = OrganizationSession(identity(**{"exchange_organization": stage.names[0], **variables}), open_transport)
    connecting: list[float] = []
    plain = RemotingTransport._connect

    def connect(*arguments: Any, **named: Any) -> None:
        began = time.monotonic()
        plain(*arguments, **named)
        connecting.append(time.monotonic() - began)

    with mock.patch.object(RemotingTransport, "_connect", connect), contextlib.closing(session):
        began = time.monotonic()
        _ask(session)
        first = time.monotonic() - began
        began = time.monotonic()
        for _unused in range(_CALLS):
            _ask(session)
        return first, sum(connecting), (time.monotonic() - began) / _CALLS


def _task(stage: Stage, wire: str) -> float:
    """Seconds of one more task of a playbook, which reads and has nothing to change."""
    tasks = [{"name": str(number), **_TASK} for number in range(_TASKS)]
    play = {"hosts": "exchange_organizations", "gather_facts": False}
    one, many = (stage.playbook([{**play, "tasks": some}], transport=wire).wall for some in (tasks[:1], tasks))
    return (many - one) / (_TASKS - 1)


def _ask(session: OrganizationSession) -> None:
    (result,) = session.invoke(Request([_CALL]))
    result.unwrap()


def few_processes(repeats: int) -> Iterator[Row]:
    """Three tasks for each of 20 organizations: how often the module connects, and what that costs. Ansible's strategy
    decides it.
    """
    tasks = [{"name": str(number), **_TASK} for number in range(3)]
    for strategy, forks, most in (("host_pinned", 4, 4), ("linear", 4, 4), ("linear", 10, 4), ("linear", 10, 20)):
        with Stage(20, engine=True) as stage:
            play = [
                {
                    "hosts": "exchange_organizations",
                    "gather_facts": False,
                    "strategy": f"ansible.builtin.{strategy}",
                    "tasks": tasks,
                }
            ]
            before = _connections(stage)
            cost = stage.playbook(
                play,
                transport="powershell",
                forks=forks,
                arguments=["-e", f"ansible_exchange_powershell_processes={most}"],
            )
            yield {
                "strategy": strategy,
                "forks": forks,
                "processes": most,
                "connections": _connections(stage) - before,
                "wall, s": f"{cost.wall:.1f}",
                "memory of all processes, MiB": f"{cost.memory:.0f}",
            }


def _connections(stage: Stage) -> int:
    return int(stage.control("GET", "round_trips")["counters"].get("exchange_sessions_opened", 0))
