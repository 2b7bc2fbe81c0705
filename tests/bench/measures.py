# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured. Each measure gives rows; a ratio always compares things that ran in turn in the same run."""

from __future__ import annotations

import json
import os
import random
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.m365.message_encryption.plugins.module_utils._resources.rules.reordering import moves

from tests.emulator.tapped import TappedProgram
from tests.integration.playbook import ROOT
from tests.unit.report import samples
from tests.unit.report.rendering import render_html

from .stage import Cost, Stage
from .wires import few_processes, wires

Row = dict[str, Any]

#: What the baseline reads, which a script has to read, too.
READS: list[tuple[str, dict[str, Any]]] = [
    ("Get-OrganizationConfig", {}),
    ("Get-OMEConfiguration", {}),
    ("Get-IRMConfiguration", {}),
    ("Get-ActiveSyncOrganizationSettings", {}),
    ("Get-TransportRule", {"ResultSize": "Unlimited"}),
    ("Get-RMSTemplate", {"ResultSize": "Unlimited"}),
    ("Get-OwaMailboxPolicy", {}),
    ("Get-MobileDeviceMailboxPolicy", {}),
]

#: Ten tasks of an ordinary playbook, and the cmdlets that a script runs for the same: read, and nothing to write.
TASKS: list[tuple[str, dict[str, Any], str]] = [
    ("ome_configuration", {"otp_enabled": True}, "Get-OMEConfiguration"),
    ("ome_configuration", {"portal_text": ""}, "Get-OMEConfiguration"),
    ("ome_configuration", {"social_id_sign_in": True}, "Get-OMEConfiguration"),
    ("irm_configuration", {"internal_licensing_enabled": True}, "Get-IRMConfiguration"),
    ("irm_configuration", {"transport_decryption_setting": "Optional"}, "Get-IRMConfiguration"),
    ("irm_configuration", {"decrypt_attachment_for_encrypt_only": False}, "Get-IRMConfiguration"),
    ("irm_configuration", {"search_enabled": True}, "Get-IRMConfiguration"),
    ("activesync_org_settings", {"default_access_level": "Allow"}, "Get-ActiveSyncOrganizationSettings"),
    (
        "activesync_org_settings",
        {"allow_rms_support_for_unenlightened_apps": False},
        "Get-ActiveSyncOrganizationSettings",
    ),
    ("ome_transport_rule", {"name": "None", "state": "absent"}, "Get-TransportRule"),
]

#: Five tasks that each change a setting.
FIVE: dict[str, dict[str, Any]] = {
    "ome_configuration": {"social_id_sign_in": False},
    "irm_configuration": {"decrypt_attachment_for_encrypt_only": True},
    "activesync_org_settings": {"allow_rms_support_for_unenlightened_apps": True},
    "owa_mailbox_policy": {"identity": "OwaMailboxPolicy-Default", "irm_enabled": False},
    "ome_transport_rule": {
        "name": "Encrypt",
        "conditions": {"from_scope": "InOrganization", "subject_contains_words": ["secret"]},
        "actions": {"apply_rights_protection_template": "Encrypt"},
    },
}

_RECOMMENDED = [
    "-e",
    '{"hardened_baseline_accept": ["EAS-1", "IRM-4", "IRM-5", "POL-1", "POL-2"], "hardened_baseline_encrypt_outgoing": {"template": "Encrypt"}}',
]


@dataclass(frozen=True)
class Spread:
    """Several measurements of the same."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({min(self.values):.2f} to {max(self.values):.2f})"


def in_turn(repeats: int, **contenders: Callable[[], float]) -> dict[str, Spread]:
    """Measures the contenders in turn, so that whatever else the machine does meets all of them."""
    values: dict[str, list[float]] = {name: [] for name in contenders}
    for _repeat in range(repeats):
        for name, contender in contenders.items():
            values[name].append(contender())
    return {name: Spread(numbers) for name, numbers in values.items()}


def per_task(repeats: int) -> Iterator[Row]:
    """One unchanged task of ours beside ``debug`` and ``ping``, as an item of a loop and as a task of its own."""
    contenders = {
        "ours": {"m365.message_encryption.irm_configuration": {"search_enabled": True}},
        "debug": {"ansible.builtin.debug": {"msg": "x"}},
        "ping": {"ansible.builtin.ping": {}, "delegate_to": "localhost"},
    }
    for transport in ("rest", "psrp"):
        with Stage() as stage:

            def run(name: str, stage: Stage = stage, transport: str = transport) -> float:
                counts = {"ours": 60, "debug": 60, "ping": 12}
                tasks = [{**contenders[name], "name": str(number)} for number in range(counts[name])]
                one = [{"hosts": "exchange_organizations", "gather_facts": False, "tasks": tasks[:1]}]
                many = [{"hosts": "exchange_organizations", "gather_facts": False, "tasks": tasks}]
                return (
                    1000
                    * (stage.playbook(many, transport=transport).wall - stage.playbook(one, transport=transport).wall)
                    / (counts[name] - 1)
                )

            took = in_turn(repeats, **{name: (lambda name=name: run(name)) for name in contenders})
        yield {
            "transport": transport,
            **{f"{name}, ms": str(spread) for name, spread in took.items()},
            "ours / debug": f"{took['ours'].median / took['debug'].median:.2f}",
            "ping / ours": f"{took['ping'].median / took['ours'].median:.1f}",
        }


def baseline(repeats: int) -> Iterator[Row]:
    """The baseline, less Ansible's own start, beside a script with one session that runs the same cmdlets one after the
    other, and beside a playbook of as many ``debug`` tasks: that is the least that so many tasks cost.
    """
    for transport in ("rest", "psrp"):
        for latency in (0, 50, 150, 500):
            with Stage(latency=latency) as stage:
                yield from _baseline(stage, transport, latency, repeats if latency < 500 else 1)


def _baseline(stage: Stage, transport: str, latency: int, repeats: int) -> Iterator[Row]:
    stage.fresh()
    stage.playbook("m365.message_encryption.baseline", transport=transport, arguments=_RECOMMENDED)
    applied = stage.control("GET", "calls")
    writes = [(call["cmdlet"], call["parameters"]) for call in applied if call["applied"]]
    jobs = {
        "converged": (lambda: None, "m365.message_encryption.baseline", READS),
        "audit": (lambda: None, "m365.message_encryption.audit", READS),
        "first apply": (stage.fresh, "m365.message_encryption.baseline", [*READS, *writes]),
    }
    costs: dict[str, Cost] = {}
    for name, (prepare, playbook, _cmdlets) in jobs.items():

        def ours(prepare: Callable[[], None] = prepare, playbook: str = playbook, name: str = name) -> float:
            prepare()
            costs[name] = stage.playbook(playbook, transport=transport, arguments=_RECOMMENDED)
            return costs[name].wall

        def script(prepare: Callable[[], None] = prepare, name: str = name) -> float:
            prepare()
            return _script(stage, transport, jobs[name][2])

        def floor(name: str = name) -> float:
            tasks = [
                {"name": str(number), "ansible.builtin.debug": {"msg": "x"}}
                for number in range(_tasks(costs[name].output))
            ]
            return stage.playbook(
                [{"hosts": "exchange_organizations", "gather_facts": False, "tasks": tasks}], transport=transport
            ).wall

        took = in_turn(repeats, ours=ours, script=script, floor=floor, start=lambda: _start(stage))
        stage.fresh()
        stage.playbook("m365.message_encryption.baseline", transport=transport, arguments=_RECOMMENDED)
        ours_less_start, floor_less_start = (took[name].median - took["start"].median for name in ("ours", "floor"))
        yield {
            "job": name,
            "transport": transport,
            "latency, ms": latency,
            "playbook, s": str(took["ours"]),
            "less Ansible's start, s": f"{ours_less_start:.2f}",
            "script, s": str(took["script"]),
            "ratio": f"{ours_less_start / took['script'].median:.2f}",
            "tasks": _tasks(costs[name].output),
            "as many debug tasks, s": f"{floor_less_start:.2f}",
        }


def session_per_task(repeats: int) -> Iterator[Row]:
    """Ten converged tasks for eight organizations beside the usual practice, a script with its own session for each: 3
    s to connect (PSRP), 150 ms a cmdlet.
    """
    slow_connect = [
        {"cmdlet": "Connect-ExchangeOnline", "step": "command", "kind": "slow", "seconds": 3, "times": None}
    ]
    tasks = [
        {"name": f"{number}", f"m365.message_encryption.{module}": options}
        for number, (module, options, _cmdlet) in enumerate(TASKS)
    ]
    play = [{"hosts": "exchange_organizations", "gather_facts": False, "tasks": tasks}]
    for transport, faults in (("rest", []), ("psrp", slow_connect)):
        for count in (1, 8):
            with Stage(count, latency=150, faults=faults) as stage:

                def ours(stage: Stage = stage, transport: str = transport) -> float:
                    return stage.playbook(play, transport=transport, forks=8).wall

                def usual(stage: Stage = stage, transport: str = transport) -> float:
                    return stage.playbook(_usual(stage, transport), transport=transport, forks=8).wall

                took = in_turn(repeats, ours=ours, usual=usual)
            yield {
                "transport": transport,
                "organizations": count,
                "one playbook, s": str(took["ours"]),
                "a session for each task, s": str(took["usual"]),
                "times faster": f"{took['usual'].median / took['ours'].median:.1f}",
            }


def organizations(repeats: int) -> Iterator[Row]:
    """An audit of many organizations in one run, beside a task of core's own that waits in each fork for a second."""
    waits = [{"name": "Wait", "ansible.builtin.debug": {"msg": "{{ lookup('ansible.builtin.pipe', 'sleep 1') }}"}}]
    for forks, count in ((3, 1), (3, 10), (3, 100), (10, 1), (10, 10), (10, 100), (10, 500), (10, 1000)):
        with Stage(count, latency=150) as stage:
            stage.fresh()
            stage.playbook(
                "m365.message_encryption.baseline",
                forks=forks,
                arguments=[*_RECOMMENDED, "-e", '{"hardened_baseline_rings": ["100%"]}'],
            )
            cost: Cost = stage.playbook("m365.message_encryption.audit", forks=forks, arguments=_RECOMMENDED)
            core = stage.playbook(
                [{"hosts": "exchange_organizations", "gather_facts": False, "tasks": waits}], forks=forks
            )
        yield {
            "forks": forks,
            "organizations": count,
            "wall, s": f"{cost.wall:.1f}",
            "CPU an organization, s": f"{cost.cpu / count:.2f}",
            "memory of all processes, MiB": f"{cost.memory:.0f}",
            "core's own task, MiB": f"{core.memory:.0f}",
            "beyond core's, MiB": f"{cost.memory - core.memory:.0f}",
            "of which the broker, MiB": f"{cost.broker:.0f}",
            "broker's sockets": cost.sockets,
        }


def processor_time(repeats: int) -> Iterator[Row]:
    """The processor time of an organization, beside ``debug`` in the same run: 100 of them, ten forks, all processes,
    less a playbook that does nothing.
    """
    count, forks = 100, 10
    play = {"hosts": "exchange_organizations", "gather_facts": False}
    jobs: dict[str, Sequence[Mapping[str, Any]] | str] = {
        "nothing": [{**play, "tasks": [{"ansible.builtin.meta": "noop"}]}],
        "debug": [{**play, "tasks": [{"name": "x", "ansible.builtin.debug": {"msg": "x"}}]}],
        "module": [
            {**play, "tasks": [{"name": "x", "m365.message_encryption.irm_configuration": {"search_enabled": True}}]}
        ],
        "audit": "m365.message_encryption.audit",
        "converged": "m365.message_encryption.baseline",
    }
    ring = ["-e", '{"hardened_baseline_rings": ["100%"]}']
    with Stage(count) as stage:
        stage.fresh()
        stage.playbook("m365.message_encryption.baseline", forks=forks, arguments=[*_RECOMMENDED, *ring])

        def run(name: str) -> float:
            return stage.playbook(jobs[name], forks=forks, arguments=[*_RECOMMENDED, *ring]).cpu

        took = in_turn(repeats, **{name: (lambda name=name: run(name)) for name in jobs})
    nothing = took.pop("nothing")
    each = {
        name: Spread([1000 * (value - nothing.median) / count for value in spread.values])
        for name, spread in took.items()
    }
    for name, spread in each.items():
        yield {
            "job": name,
            "CPU an organization, ms": str(spread),
            "debug tasks": f"{spread.median / each['debug'].median:.2f}",
        }


def three_hundred_rules(repeats: int) -> Iterator[Row]:
    """An organization with as many rules as it can have: one task that checks all of them, beside the one read."""
    rules = [
        {
            "name": f"Rule {number}",
            "conditions": {"from_scope": "InOrganization", "subject_contains_words": [f"word{number}"]},
            "actions": {"set_scl": 5},
        }
        for number in range(300)
    ]
    for transport in ("rest", "psrp"):
        with Stage() as stage:
            for rule in rules:
                parameters = {
                    "Name": rule["name"],
                    "FromScope": "InOrganization",
                    "SubjectContainsWords": rule["conditions"]["subject_contains_words"],
                    "SetSCL": 5,
                }
                stage.control("POST", "cmdlet", {"cmdlet": "New-TransportRule", "parameters": parameters})

            def run(task: Mapping[str, Any], stage: Stage = stage, transport: str = transport) -> float:
                play = [{"hosts": "exchange_organizations", "gather_facts": False, "tasks": [{"name": "x", **task}]}]
                return stage.playbook(play, transport=transport).wall

            start = Spread([_start(stage) for _repeat in range(repeats)])
            took = in_turn(
                repeats,
                check=lambda run=run: run({"m365.message_encryption.ome_transport_rules": {"rules": rules}}),
                read=lambda run=run: run(
                    {"m365.message_encryption.message_encryption_info": {"gather": ["transport_rules"]}}
                ),
            )
        yield {
            "transport": transport,
            "check of 300 rules, s": f"{took['check'].median - start.median:.2f}",
            "one read of 300 rules, s": f"{took['read'].median - start.median:.2f}",
            "ratio": f"{(took['check'].median - start.median) / (took['read'].median - start.median):.2f}",
        }


def round_trips(repeats: int) -> Iterator[Row]:
    """What the role's playbooks and a play of single tasks cost: tasks that Ansible ran or skipped, requests, and round
    trips.

    Requests that are under way side by side are one round trip. Over PSRP opening and ending the session are two. Over
    ``powershell``, the requests are the module's own, one for each cmdlet, and its round trips are the pipelines that
    the process is given, of which loading the module, opening and ending the session are three.
    """
    single = [
        {
            "hosts": "exchange_organizations",
            "gather_facts": False,
            "tasks": [{"name": module, f"m365.message_encryption.{module}": FIVE[module]} for module in FIVE],
        }
    ]
    jobs = (
        ("first apply", "m365.message_encryption.baseline", ()),
        ("converged", "m365.message_encryption.baseline", ()),
        ("audit", "m365.message_encryption.audit", ()),
        ("rollback", "m365.message_encryption.rollback", ("-e", "hardened_baseline_accept=encryption_off")),
        ("five tasks, check", single, ("--check",)),
        ("five tasks, apply", single, ()),
    )
    # What is counted must not depend on how fast the machine is.
    reuse = ("-e", "ansible_exchange_read_reuse=600")
    for transport in ("rest", "psrp", "powershell"):
        with Stage(latency=500, engine=transport == "powershell") as stage:
            tapped = (
                TappedProgram(stage.described["powershell_path"], stage.directory)
                if transport == "powershell"
                else None
            )
            program = ("-e", f"ansible_exchange_powershell_path={tapped.path}") if tapped else ()
            for name, play, arguments in jobs:
                before, heard = stage.settled_counters(), tapped.pipelines if tapped else 0
                cost = stage.playbook(
                    play, transport=transport, arguments=[*_RECOMMENDED, *reuse, *program, *arguments]
                )
                after, trips = stage.settled_counters(), (tapped.pipelines if tapped else 0) - heard
                counts = {
                    what: after.get(what, 0) - before.get(what, 0)
                    for what in ("rest", "rest_beside", "psrp", "powershell")
                }
                requests = counts["rest"] + counts["psrp"] + counts["powershell"]
                yield {
                    "job": name,
                    "transport": transport,
                    "tasks": _tasks(cost.output),
                    "requests": requests,
                    "round trips": trips if tapped else requests - counts["rest_beside"],
                }


def rule_moves(repeats: int) -> Iterator[Row]:
    """The moves that bring 300 rules from a random order into another one, beside the fewest that can be: all but the
    longest run that is in order already.
    """
    rules = [f"rule {number}" for number in range(300)]
    chance = random.Random(300)
    for position, count in (("relative", 300), ("relative", 50), ("first", 50), ("last", 50)):
        made: list[int] = []
        fewest: list[int] = []
        for _sample in range(20):
            order, named = chance.sample(rules, 300), chance.sample(rules, count)
            rest = [rule for rule in order if rule not in named]
            target = {"relative": named, "first": [*named, *rest], "last": [*rest, *named]}[position]
            made.append(len(moves(order, named, position)))
            fewest.append(len(target) - _longest_run([target.index(rule) for rule in order if rule in set(target)]))
        yield {"rules named": count, "position": position, "moves": str(Spread(made)), "fewest": str(Spread(fewest))}


def mail_flow(repeats: int) -> Iterator[Row]:
    """Messages of two hundred words through rules with some seven predicates each, results included, in one process
    without Ansible.
    """
    for rules, messages in ((100, 1000), (300, 500), (300, 1000), (300, 2000), (600, 1000)):
        runs = [_simulated(rules, messages) for _repeat in range(repeats)]
        yield {
            "rules": rules,
            "predicates": runs[0]["predicates"],
            "messages": messages,
            "copies": runs[0]["copies"],
            "CPU, s": str(Spread([run["seconds"] for run in runs])),
            "memory, MiB": f"{max(run['memory'] for run in runs):.0f}",
        }


def mail_proof(repeats: int) -> Iterator[Row]:
    """Guarantees, differences, lint and fewer rules over all mail, in one process without Ansible. The last rows are
    sets made to be hard.
    """
    tasks = [
        (task, rules)
        for rules in (300, 100, 600, 1000)
        for task in ("guarantees", "one_edit", "thirty_edits", "any_recipient", "lint")
    ]
    tasks += [("overview", 300), ("suggest", 300), ("simplify", 120), ("lived_in", 120)]
    tasks += [("page", 40), ("audit", 40), ("suggest_bank", 40), ("suggest_hospital", 21), ("suggest_small", 12)]
    tasks += [(task, 200) for task in ("dlp_none", "dlp_encrypts", "dlp_decrypts", "dlp_sensitive")]
    for task, rules in [*tasks, ("disjoint", 300), ("headers", 61), ("no_stop", 300), ("pigeons", 297)]:
        runs = [_measured("tests.bench.mail_proof", task, str(rules)) for _repeat in range(repeats)]
        beside = ("task", "rules", "predicates", "seconds", "MiB")
        yield {
            "task": task,
            "rules": runs[0]["rules"],
            "predicates": runs[0]["predicates"],
            "CPU, s": str(Spread([run["seconds"] for run in runs])),
            "memory, MiB": f"{max(run['MiB'] for run in runs):.0f}",
            "found": ", ".join(f"{name} {value}" for name, value in runs[0].items() if name not in beside),
        }


def mail_replay(repeats: int) -> Iterator[Row]:
    """Copies of a message trace through rules before and after a change, in one process without Ansible. Memory is that
    of the process with the trace.
    """
    for copies in (10_000, 100_000, 1_000_000):
        runs = [
            _measured("tests.bench.mail_replay", "300", str(copies))
            for _repeat in range(repeats if copies < 1_000_000 else 1)
        ]
        yield {
            "rules": 300,
            "copies": copies,
            "messages": runs[0]["messages"],
            "CPU, s": str(Spread([run["seconds"] for run in runs])),
            "memory, MiB": f"{max(run['memory'] for run in runs):.0f}",
            "decided": runs[0]["decided"],
        }


def _simulated(rules: int, messages: int) -> dict[str, Any]:
    return _measured("tests.bench.mail_flow", str(rules), str(messages))


def _measured(module: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _longest_run(numbers: Sequence[int]) -> int:
    """The length of the longest increasing subsequence, by the definition: for each number the longest one that ends
    with it.
    """
    best: list[int] = []
    for index, number in enumerate(numbers):
        best.append(1 + max((best[earlier] for earlier in range(index) if numbers[earlier] < number), default=0))
    return max(best, default=0)


def report_size(repeats: int) -> Iterator[Row]:
    """The size of the run's page."""
    for count in (1, 10, 100, 1000):
        yield {
            "organizations": count,
            "report.html, KiB": f"{len(render_html(samples.many(count)).encode()) / 1024:.0f}",
        }


def _tasks(output: str) -> int:
    """The number of tasks that a playbook ran."""
    return len(re.findall(r"^TASK \[", output, re.MULTILINE))


def _start(stage: Stage) -> float:
    """Ansible's own start: a playbook that does nothing."""
    return stage.playbook(
        [{"hosts": "exchange_organizations", "gather_facts": False, "tasks": [{"ansible.builtin.meta": "noop"}]}]
    ).wall


def _usual(stage: Stage, transport: str) -> list[dict[str, Any]]:
    """The same ten tasks as playbooks have them today: each starts a script on the controller, which connects."""
    for number in range(len(stage.names)):
        for cmdlet in {cmdlet for _module, _options, cmdlet in TASKS}:
            _job(stage, transport, [(cmdlet, {})], stage.directory / f"org{number}-{cmdlet}.json", number)
    script = [sys.executable, "-m", "tests.bench.scripts", transport]
    tasks = [
        {
            "name": cmdlet,
            "ansible.builtin.command": {
                "argv": [*script, f"{stage.directory}/{{{{ inventory_hostname }}}}-{cmdlet}.json"],
                "chdir": str(ROOT),
            },
        }
        for _module, _options, cmdlet in TASKS
    ]
    return [
        {
            "hosts": "exchange_organizations",
            "gather_facts": False,
            "vars": {"ansible_connection": "local"},
            "tasks": tasks,
        }
    ]


def _job(stage: Stage, transport: str, cmdlets: Sequence[Any], path: Path, number: int = 0) -> Path:
    described = stage.described["organizations"][number]
    variables = {
        **stage.variables(transport, number),
        "ansible_exchange_certificate_thumbprint": described["certificate_thumbprint"],
    }
    path.write_text(json.dumps({"variables": variables, "cmdlets": list(cmdlets)}))
    return path


def _script(stage: Stage, transport: str, cmdlets: Sequence[Any]) -> float:
    """Runs cmdlets over one session of the first organization. Gives the seconds that it took."""
    job = _job(stage, transport, cmdlets, stage.directory / "job.json")
    return stage.run([sys.executable, "-m", "tests.bench.scripts", transport, str(job)]).wall


MEASURES: dict[str, Callable[[int], Iterator[Row]]] = {
    "per_task": per_task,
    "baseline": baseline,
    "session_per_task": session_per_task,
    "organizations": organizations,
    "processor_time": processor_time,
    "three_hundred_rules": three_hundred_rules,
    "round_trips": round_trips,
    "rule_moves": rule_moves,
    "report_size": report_size,
    "wires": wires,
    "few_processes": few_processes,
    "mail_flow": mail_flow,
    "mail_proof": mail_proof,
    "mail_replay": mail_replay,
}
