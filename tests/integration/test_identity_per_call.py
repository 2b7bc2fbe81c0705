# SPDX-License-Identifier: GPL-3.0-or-later
"""Each call reaches the organization that its own options name: in loops, with delegate_to, run_once, task vars and
included tasks.

Core keeps one connection object for all items of a loop and sets its options anew for each of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from .tenant import Tenant, inventory

NAMES = [f"tenant{number}" for number in range(1, 5)]

pytestmark = pytest.mark.organizations(*(f"{name}.onmicrosoft.com" for name in NAMES))

WRITE: dict[str, Any] = {
    "m365.message_encryption.ome_configuration": {"portal_text": "{{ item }}{{ way | default('') }}"}
}
ASK: dict[str, Any] = {"m365.message_encryption.exchange_connection_info": {}}


def _connection_variables(tenant: Tenant, transport: str) -> dict[str, str]:
    """Variables of a task that lead it to the organization of the host that the loop names."""
    (group,) = inventory(tenant.emulator, transport).values()
    names = {name for variables in group["hosts"].values() for name in variables}
    return {name: f"{{{{ hostvars[item].{name} }}}}" for name in sorted(names)}


def _include(home: Path, name: str, tasks: list[dict[str, Any]]) -> str:
    (home / name).write_text(yaml.safe_dump(tasks, sort_keys=False), encoding="utf-8")
    return name


def _delegated(tenant: Tenant, transport: str) -> list[dict[str, Any]]:
    way = {"delegate_to": "{{ item }}", "loop": NAMES, "run_once": True}
    return [{"name": "write", **WRITE, **way}, {"name": "ask", **ASK, **way}]


def _task_variables(tenant: Tenant, transport: str) -> list[dict[str, Any]]:
    way = {"vars": _connection_variables(tenant, transport), "loop": NAMES, "run_once": True}
    return [{"name": "write", **WRITE, **way}, {"name": "ask", **ASK, **way}]


def _included(tenant: Tenant, transport: str) -> list[dict[str, Any]]:
    file = _include(tenant.controller.home, "included.yml", [{"name": "write", **WRITE}, {"name": "ask", **ASK}])
    return [
        {
            "ansible.builtin.include_tasks": file,
            "vars": _connection_variables(tenant, transport),
            "loop": NAMES,
            "run_once": True,
        }
    ]


def _included_and_delegated(tenant: Tenant, transport: str) -> list[dict[str, Any]]:
    file = _include(tenant.controller.home, "delegated.yml", [{"name": "write", **WRITE}, {"name": "ask", **ASK}])
    include = {"file": file, "apply": {"delegate_to": "{{ item }}"}}
    return [{"ansible.builtin.include_tasks": include, "loop": NAMES, "run_once": True}]


def _loops_in_included(tenant: Tenant, transport: str) -> list[dict[str, Any]]:
    file = _include(tenant.controller.home, "loops.yml", _delegated(tenant, transport))
    return [{"ansible.builtin.include_tasks": file, "run_once": True}]


WAYS = [_delegated, _task_variables, _included, _included_and_delegated, _loops_in_included]


def test_each_item_reaches_its_own_organization(tenant: Tenant, transport: str) -> None:
    names = {way.__name__.strip("_"): way for way in WAYS}
    plays = [
        {
            "name": name,
            "hosts": tenant.host,
            "gather_facts": False,
            "vars": {"way": name},
            "tasks": way(tenant, transport),
        }
        for name, way in names.items()
    ]
    run = tenant.controller.plays(plays)
    assert run.rc == 0, run.output
    wrote = [(call.organization, call.parameters["PortalText"]) for call in tenant.emulator.calls if call.applied]
    assert wrote == [(f"{name}.onmicrosoft.com", f"{name}{way}") for way in names for name in NAMES]
    for way in names:
        asked = run.of(way).all("ask")
        results = [result for task in asked for result in task.result.get("results", [task.result])]
        assert [result["organization"]["name"] for result in results] == [f"{name}.onmicrosoft.com" for name in NAMES]
        assert all(result["msg"].startswith(result["organization"]["name"]) for result in results)
        # Each item says its organization's own application, or user, and not the first item's.
        said = {result["connection"]["user"] or result["connection"]["client_id"] for result in results}
        assert len(said) == len(NAMES)


@pytest.mark.wires("rest", "psrp")
def test_an_item_that_has_no_identity_does_not_take_that_of_the_item_before(tenant: Tenant, transport: str) -> None:
    """The second item names no organization at all: it fails, and nothing of it is written anywhere."""
    tenant.controller.inventory.write_text(
        yaml.safe_dump(
            {
                "exchange_organizations": {
                    "hosts": {
                        name: variables if name != NAMES[1] else {**variables, "ansible_exchange_organization": ""}
                        for name, variables in inventory(tenant.emulator, transport)["exchange_organizations"][
                            "hosts"
                        ].items()
                    }
                }
            }
        ),
        encoding="utf-8",
    )
    ways = {"delegated": _delegated, "task_variables": _task_variables}
    run = tenant.controller.plays(
        [
            {
                "name": name,
                "hosts": tenant.host,
                "gather_facts": False,
                "vars": {"way": name},
                "tasks": [{**way(tenant, transport)[0], "ignore_errors": True}],
            }
            for name, way in ways.items()
        ]
    )
    for name in ways:
        results = run.of(name)["write"]["results"]
        # Newer cores leave out of an item whether it failed.
        assert ["error" in result for result in results] == [each == NAMES[1] for each in NAMES]
        assert "ansible_exchange_organization is not set" in results[1]["msg"]
        written = [
            call.organization
            for call in tenant.emulator.calls
            if call.applied and call.parameters["PortalText"].endswith(name)
        ]
        assert written == [f"{each}.onmicrosoft.com" for each in NAMES if each != NAMES[1]]


@pytest.mark.wires("rest", "psrp", "powershell")
def test_another_address_in_a_variable_of_the_task_is_another_session(tenant: Tenant, transport: str) -> None:
    """Only the port, or the address, differs: nothing of the session before is used."""
    address = {"rest": "ansible_exchange_api_url", "powershell": "ansible_exchange_authority_url"}.get(transport)
    dead = {address: "https://127.0.0.1:{{ item }}"} if address else {"ansible_port": "{{ item }}"}
    (group,) = inventory(tenant.emulator, transport).values()
    variables = group["hosts"][tenant.host]
    port = int(variables[address].rpartition(":")[2]) if address else variables["ansible_port"]
    task = {"name": "write", **WRITE, "vars": {**dead, "ansible_exchange_retries": 1}, "loop": [port, 9]}
    run = tenant.controller.tasks([task], hosts=tenant.host)
    first, second = run["write"]["results"]
    assert first["changed"]
    assert second.get("unreachable") or second.get("failed")
    assert tenant.state()["ome_configurations"][0]["PortalText"] == str(port)


def test_a_delegated_export_lies_under_the_name_of_the_organization_that_it_is_of(
    tenant: Tenant, transport: str
) -> None:
    export = {
        "name": "export",
        "m365.message_encryption.message_encryption_export": {},
        "delegate_to": "{{ item }}",
        "loop": NAMES[:3],
    }
    run = tenant.controller.tasks([export], hosts=tenant.host)
    assert run.rc == 0, run.output
    for name in NAMES[:3]:
        text = (tenant.controller.home / "message_encryption" / name / "export.yml").read_text(encoding="utf-8")
        assert f'name: !unsafe "{name}.onmicrosoft.com"' in text
