# SPDX-License-Identifier: GPL-3.0-or-later
"""Emulated organizations beside the controller that manages them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import endpoint
from tests.emulator.emulator import Emulator
from tests.emulator.ledger import Entry

from .playbook import Controller, Run

CONNECTION = "m365.message_encryption.exchange"
#: When something was changed: nobody puts it back.
TIMES = frozenset({"WhenChanged", "WhenCreated", "message_trace_queries", "message_trace_detail_queries"})
#: What mail that is sent leaves in an organization.
SENT_MAIL = frozenset({"message_trace", "message_trace_details", "rule_report", "mailboxes", "left", "mail_sent_at"})
#: What an object that is made again has anew, too.
MADE_ANEW = TIMES | {"Guid", "ImmutableId"}


def _rest(described: Mapping[str, Any], organization: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ansible_exchange_transport": "rest",
        "ansible_exchange_api_url": described["api_url"],
        "ansible_exchange_authority_url": described["authority_url"],
        "ansible_exchange_compliance_url": described["compliance_url"],
        "ansible_exchange_graph_url": described["authority_url"],
        "ansible_exchange_ca_cert": described["ca_cert"],
        "ansible_exchange_organization": organization["name"],
        "ansible_exchange_client_id": organization["client_id"],
        "ansible_exchange_certificate_path": organization["certificate_path"],
    }


def _psrp(described: Mapping[str, Any], organization: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ansible_exchange_transport": "psrp",
        "ansible_host": described["psrp"]["host"],
        "ansible_port": described["psrp"]["port"],
        "ansible_user": organization["psrp_user"],
        "ansible_password": organization["psrp_password"],
        "ansible_psrp_auth": "basic",
        "ansible_psrp_ca_cert": described["ca_cert"],
        "ansible_exchange_organization": organization["name"],
        "ansible_exchange_client_id": organization["client_id"],
        "ansible_exchange_certificate_thumbprint": organization["certificate_thumbprint"],
    }


def _engine(described: Mapping[str, Any], organization: Mapping[str, Any]) -> dict[str, Any]:
    return _psrp(described, organization) | {"ansible_psrp_configuration_name": "PowerShell.7"}


def _powershell(described: Mapping[str, Any], organization: Mapping[str, Any]) -> dict[str, Any]:
    reached = {
        name: value for name, value in _rest(described, organization).items() if name != "ansible_exchange_api_url"
    }
    return reached | {
        "ansible_exchange_transport": "powershell",
        "ansible_exchange_powershell_path": described["powershell_path"],
    }


def _endpoint(described: Mapping[str, Any], organization: Mapping[str, Any]) -> dict[str, Any]:
    credential = ("ansible_exchange_client_id", "ansible_exchange_certificate_thumbprint")
    reached = {name: value for name, value in _psrp(described, organization).items() if name not in credential}
    return reached | {
        "ansible_exchange_psrp_connect": "none",
        "ansible_psrp_configuration_name": "MessageEncryption.Baseline",
    }


def _constrained(described: Mapping[str, Any], organization: Mapping[str, Any]) -> dict[str, Any]:
    reached = _endpoint(described, organization)
    return reached | {"ansible_psrp_configuration_name": "MessageEncryption"}


#: A wire: what the inventory says of an organization that is reached over it. ``constrained`` is an endpoint that is
#: connected already, ``engine`` is a management host with a real PowerShell, ``endpoint`` the constrained endpoint that
#: the collection brings, there; it belongs to the emulator's first organization. ``powershell`` is a real PowerShell
#: that the session broker starts.
WIRES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]] = {
    "rest": _rest,
    "psrp": _psrp,
    "constrained": _constrained,
    "engine": _engine,
    "endpoint": _endpoint,
    "powershell": _powershell,
}


def lasting(state: Any, volatile: AbstractSet[str] = TIMES) -> Any:
    """What an organization stores, without the properties that are ``volatile``."""
    if isinstance(state, dict):
        return {key: lasting(value, volatile) for key, value in state.items() if key not in volatile}
    return [lasting(value, volatile) for value in state] if isinstance(state, list) else state


def inventory(emulator: Emulator, wire: str) -> dict[str, Any]:
    """The group ``exchange_organizations``: a host for each organization, named by the first label of its domain."""
    described = emulator.describe()
    hosts = {
        organization["name"].partition(".")[0]: {
            "ansible_connection": CONNECTION,
            **WIRES[wire](described, organization),
        }
        for organization in described["organizations"]
    }
    return {"exchange_organizations": {"hosts": hosts}}


#: The plays of :meth:`Tenant.converge`.
PLAYS = ("check", "run", "run again")


@dataclass(frozen=True)
class Convergence:
    """The plays of :meth:`Tenant.converge`, and the organization before and after them."""

    check: Run
    run: Run
    again: Run
    before: dict[str, Any]
    after: dict[str, Any]


class Tenant:
    """One emulated organization and a controller that has it in its inventory."""

    def __init__(self, emulator: Emulator, controller: Controller, organization: str) -> None:
        self.emulator = emulator
        self.controller = controller
        self.organization = organization
        self.host = organization.partition(".")[0]

    def state(self) -> dict[str, Any]:
        """What the organization stores, read past the collection and both wires."""
        return self.emulator.organizations[self.organization].dump()

    def edit(self, cmdlet: str, **parameters: Any) -> None:
        """Somebody else changes the organization."""
        self.emulator.service.edit(self.emulator.organizations[self.organization], cmdlet, parameters)

    @property
    def applied(self) -> list[Entry]:
        """The calls that changed the organization, of all runs so far."""
        return [call for call in self.emulator.calls if call.organization == self.organization and call.applied]

    def run(self, *tasks: Mapping[str, Any], arguments: Sequence[str] = (), **environment: str) -> Run:
        """Run tasks on this organization. A task without a name is named by its module's short name."""
        return self.controller.tasks(list(map(_named, tasks)), *arguments, hosts=self.host, **environment)

    def unsaid(self, *cases: tuple[Mapping[str, Any], str]) -> list[tuple[str, str]]:
        """Runs a task of each case. Gives what each says, and why it should have failed, of those that do not say it."""
        run = self.run(
            *({"name": str(number), "ignore_errors": True, **task} for number, (task, _why) in enumerate(cases))
        )
        assert {task.outcome for task in run} == {"failed"}, run.output
        return [
            (task.result["msg"], why)
            for task, (_task, why) in zip(run, cases, strict=True)
            if why not in task.result["msg"]
        ]

    def watched(self, plays: Sequence[Mapping[str, Any]], *arguments: str) -> tuple[Run, list[dict[str, Any]]]:
        """Runs plays. Gives what the organization stored before each of them, and in the end, read past the collection."""
        states = self.controller.home / "states.jsonl"
        states.unlink(missing_ok=True)
        described = self.emulator.describe()
        done = self.controller.plays(
            plays,
            *arguments,
            ANSIBLE_CALLBACKS_ENABLED="task_results,organization_states",
            STATES=str(states),
            STATES_URL=f"{described['control_url']}/state?organization={self.organization}",
            STATES_CA=described["ca_cert"],
        )
        lines = states.read_text(encoding="utf-8").splitlines()
        return done, [json.loads(line) for line in (*lines, json.dumps(self.state()))]

    def converge(self, *tasks: Mapping[str, Any], predicts: bool = True) -> Convergence:
        """Check, run, and run again: three plays of one playbook, with a look past the collection before, between and
        after them.

        Asserts that every play succeeds, that checking changes nothing and foretells what running does, and that
        running again changes nothing. Whether the change is the right one is the caller's to assert.

        :param predicts: false where a task's change depends on what an earlier one would have changed.
        """
        named = list(map(_named, tasks))
        plays = [
            {"name": name, "hosts": self.host, "gather_facts": False, "check_mode": name == "check", "tasks": named}
            for name in PLAYS
        ]
        done, states = self.watched(plays, "--diff")
        assert done.rc == 0, done.output
        before, checked, changed, after = states
        check, run, again = map(done.of, PLAYS)
        assert checked == before, "check mode changed the organization"
        assert again.changed == [], f"not idempotent:\n{again.output}"
        assert after == changed, "a run without a change changed the organization"
        if predicts:
            assert [_foretold(task.result) for task in check] == [_foretold(task.result) for task in run]
        return Convergence(check, run, again, before, after)


def _named(task: Mapping[str, Any]) -> Mapping[str, Any]:
    return task if "name" in task else {"name": next(iter(task)).rpartition(".")[2], **task}


def _foretold(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: result.get(key) for key in ("changed", "before", "after", "changes", "commands", "diff")}


def tenant(home: Path, emulator: Emulator, wire: str, organization: str | None = None) -> Tenant:
    """The first organization of an emulator, or the one that is named."""
    if wire == "endpoint":
        endpoint.install(emulator, "Baseline")
    return Tenant(
        emulator, Controller(home, inventory(emulator, wire)), organization or next(iter(emulator.organizations))
    )
