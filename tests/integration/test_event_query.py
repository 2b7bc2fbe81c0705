# SPDX-License-Identifier: GPL-3.0-or-later
"""Indirect node counting finds one node for each organization, in what AWX really gets from a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jq
import pytest
import yaml

from tests.emulator.emulator import Emulator

from .awx import AWX, COLLECTION, Inventory, Job
from .tenant import inventory

QUERIES: dict[str, dict[str, str]] = yaml.safe_load(
    (COLLECTION / "extensions/audit/event_query.yml").read_text(encoding="utf-8")
)
ACTIONS = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]["exchange"]
PLAYBOOK = [
    {
        "name": "Every module that says who the organization is",
        "hosts": "exchange_organizations",
        "gather_facts": False,
        "tasks": [
            {"name": "connection", "m365.message_encryption.exchange_connection_info": {}},
            {"name": "info", "m365.message_encryption.message_encryption_info": {}},
            {
                "name": "info without it",
                "m365.message_encryption.message_encryption_info": {"gather": ["irm_configuration"]},
            },
            {
                "name": "baseline",
                "ansible.builtin.include_role": {
                    "name": "m365.message_encryption.hardened_baseline",
                    "tasks_from": "audit",
                },
            },
            {
                "name": "no organization in it",
                "m365.message_encryption.irm_configuration": {"simplified_client_access_enabled": True},
            },
        ],
    }
]


def counted(events: Iterable[dict[str, Any]]) -> dict[tuple[tuple[str, Any], ...], dict[str, Any]]:
    """The nodes that the controller would count: one for each set of canonical facts, as ``host_indirect`` of AWX does
    it.
    """
    nodes: dict[tuple[tuple[str, Any], ...], dict[str, Any]] = {}
    for event in events:
        data = event["event_data"]
        query = QUERIES.get(data.get("resolved_action", ""))
        if query is None or "res" not in data:
            continue
        for found in jq.compile(query["query"]).input_value(data["res"]).all():
            assert set(found) == {"name", "canonical_facts", "facts"}
            assert found["canonical_facts"]
            node = nodes.setdefault(tuple(sorted(found["canonical_facts"].items())), {**found, "actions": set()})
            node["actions"].add(data["resolved_action"])
    return nodes


@pytest.mark.organizations("contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com")
def test_one_node_an_organization(emulator: Emulator, tmp_path: Any) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "home").mkdir()
    (project / "site.yml").write_text(yaml.safe_dump(PLAYBOOK, sort_keys=False), encoding="utf-8")
    job = Job(
        tmp_path / "job",
        tmp_path / "home",
        Inventory.of(inventory(emulator, "rest")),
        [],
        "Message encryption - audit",
        project=project,
        playbook="site.yml",
    )
    job.variables = {"hardened_baseline_artifacts_publish": "", "hardened_baseline_fail_on_drift": False}
    done = job.run()
    assert done.rc == 0, done.stdout
    nodes = counted(done.events)
    assert {node["name"]: facts for facts, node in nodes.items()} == {
        name: (("tenant_id", organization.tenant_id),) for name, organization in emulator.organizations.items()
    }
    for node in nodes.values():
        assert node["actions"] == set(QUERIES)
        assert node["facts"] == {
            "infra_type": "PublicCloud",
            "infra_bucket": "Messaging",
            "device_type": "Exchange organization",
        }


@pytest.mark.parametrize("action", QUERIES)
def test_on_premises_the_guid_counts_and_what_says_nothing_is_no_node(action: str) -> None:
    query = jq.compile(QUERIES[action]["query"])
    organization = {
        "name": "Contoso",
        "guid": "0b6f2f34-2f2c-4a2a-8d0d-3f1d3c5a7e11",
        "tenant_id": "",
        "on_premises": True,
    }
    (node,) = query.input_value({"organization": organization}).all()
    assert node["canonical_facts"] == {"guid": organization["guid"]}
    assert node["facts"]["infra_type"] == "PrivateCloud"
    for nothing in (
        {},
        {"organization": None},
        {"organization": {}},
        {"organization": {"name": "", "tenant_id": "", "guid": ""}},
        {"msg": "failed"},
    ):
        assert query.input_value(nothing).all() == []


def test_every_query_is_of_a_module_that_there_is() -> None:
    assert set(QUERIES) <= {f"m365.message_encryption.{name}" for name in ACTIONS}
    assert (AWX.parent / "audit/event_query.yml").is_file()


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_module_that_returns_the_organization_is_counted(name: str) -> None:
    text = (COLLECTION / f"plugins/modules/{name}.py").read_text(encoding="utf-8")
    returned = yaml.safe_load(text.partition('RETURN = r"""')[2].partition('"""')[0]) or {}
    assert ("organization" in returned) == (f"m365.message_encryption.{name}" in QUERIES)
