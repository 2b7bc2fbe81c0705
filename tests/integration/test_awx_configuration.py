# Copyright: (c) 2026, the m365.message_encryption contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects for AWX are what its modules take, name only what there is, and the credential types are what AWX accepts."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from .awx import AWX, COLLECTION, FORBIDDEN_ENVIRONMENT, VARIABLE_NAME, configuration, files_of, load, named, undefined_in
from .playbook import COLLECTIONS, Controller

MODULES = json.loads((Path(__file__).parent / "data/awx_modules.json").read_text(encoding="utf-8"))["modules"]
# The variable of infra.aap_configuration, and the module of awx.awx that makes one of its objects.
MODULE = {
    "controller_credential_types": "credential_type",
    "controller_organizations": "organization",
    "controller_execution_environments": "execution_environment",
    "controller_notifications": "notification_template",
    "controller_projects": "project",
    "controller_inventories": "inventory",
    "controller_inventory_sources": "inventory_source",
    "controller_templates": "job_template",
    "controller_workflows": "workflow_job_template",
    "controller_schedules": "schedule",
}
TYPES: dict[str, type | tuple[type, ...]] = {"str": str, "int": int, "bool": bool, "dict": dict, "list": list, "float": (int, float)}
OBJECTS = [pytest.param(variable, item, id=f"{MODULE.get(variable)}-{item['name']}") for variable, items in configuration().items() for item in items]
CREDENTIAL_TYPES = [pytest.param(item, id=item["name"]) for item in configuration()["controller_credential_types"]]


def mismatches(options: dict[str, Any], given: dict[str, Any], where: str) -> list[str]:
    """Where an object is not what the module's documentation says."""
    wrong = [f"{where}: {name} is required" for name, option in options.items() if option.get("required") and name not in given]
    for name, value in given.items():
        option = options.get(name)
        if option is None:
            wrong.append(f"{where}: there is no option {name}")
        elif not isinstance(value, TYPES[option["type"]]) or (option["type"] == "int" and isinstance(value, bool)):
            wrong.append(f"{where}: {name} is no {option['type']}")
        elif option.get("choices") and value not in option["choices"]:
            wrong.append(f"{where}: {name} is none of {option['choices']}")
        elif "options" in option:
            for item in value if isinstance(value, list) else [value]:
                wrong += mismatches(option["options"], item, f"{where}.{name}")
    return wrong


@pytest.mark.parametrize(("variable", "item"), OBJECTS)
def test_an_object_is_what_its_module_takes(variable: str, item: dict[str, Any]) -> None:
    assert mismatches(MODULES[MODULE[variable]], item, item["name"]) == []


@pytest.mark.parametrize(("variable", "item"), OBJECTS)
def test_the_playbook_passes_on_all_of_it(variable: str, item: dict[str, Any]) -> None:
    (play,) = load(AWX / "configure.yml")
    (task,) = [task for task in play["tasks"] if task.get("loop", "").strip("{} ") == variable]
    assert set(item) <= set(task[f"awx.awx.{MODULE[variable]}"])


def test_whatever_is_named_is_there() -> None:
    objects = configuration()
    names = {variable: {item["name"] for item in items} for variable, items in objects.items()}
    # Made by hand, because they hold secrets; configure.yml says so.
    credentials = {"Exchange application", "Message encryption artifacts"}
    refers = {
        "organization": "controller_organizations",
        "project": "controller_projects",
        "source_project": "controller_projects",
        "inventory": "controller_inventories",
        "execution_environment": "controller_execution_environments",
        "default_environment": "controller_execution_environments",
        "unified_job_template": "controller_templates",
        "input_inventories": "controller_inventories",
        "notification_templates_success": "controller_notifications",
        "notification_templates_error": "controller_notifications",
        "notification_templates_approvals": "controller_notifications",
    }
    for items in objects.values():
        for item in items:
            for key, variable in refers.items():
                wanted = item.get(key, [])
                assert set(wanted if isinstance(wanted, list) else [wanted]) <= names[variable], f"{item['name']}: {key}"
            assert set(item.get("credentials", [])) <= credentials
    text = (AWX / "configure.yml").read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in credentials)


@pytest.mark.parametrize("template", [pytest.param(item, id=item["name"]) for item in configuration()["controller_templates"]])
def test_a_job_template_runs_a_playbook_of_the_project_with_variables_that_the_role_knows(template: dict[str, Any]) -> None:
    assert (AWX / "project" / template["playbook"]).is_file()
    specs = yaml.safe_load((COLLECTION / "roles/hardened_baseline/meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    options = {"exchange_organizations"}.union(*(spec["options"] for spec in specs.values()))
    survey = template.get("survey_spec", {}).get("spec", [])
    assert set(template.get("extra_vars", {})) | {question["variable"] for question in survey} <= options
    for question in survey:
        assert question["type"] in ("text", "multiplechoice")
        if question["type"] == "multiplechoice":
            assert question["default"] in question["choices"]


def test_the_workflow_applies_only_after_a_person_has_approved() -> None:
    (workflow,) = configuration()["controller_workflows"]
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    followers = {name: {edge["identifier"]: kind for kind, edges in node.get("related", {}).items() for edge in edges} for name, node in nodes.items()}
    assert followers == {"audit": {"check": "always_nodes"}, "check": {"approval": "success_nodes"}, "approval": {"apply": "success_nodes"}, "apply": {}}
    assert nodes["approval"]["unified_job_template"]["type"] == "workflow_approval"
    templates = configuration()["controller_templates"]
    assert named(templates, nodes["check"]["unified_job_template"]["name"])["job_type"] == "check"
    apply = named(templates, nodes["apply"]["unified_job_template"]["name"])
    assert apply["job_type"] == "run"
    assert apply["extra_vars"]["hardened_baseline_approved_plan"] == "plan.json"
    # A node gets the workflow's answers and the commit that the check hands over only where its template asks for variables.
    assert all(named(templates, nodes[name]["unified_job_template"]["name"])["ask_variables_on_launch"] for name in ("audit", "check", "apply"))


def test_drift_fails_the_job_that_the_schedule_starts_and_a_failure_notifies() -> None:
    objects = configuration()
    (schedule,) = objects["controller_schedules"]
    template = named(objects["controller_templates"], schedule["unified_job_template"])
    assert template["extra_vars"]["hardened_baseline_fail_on_drift"] is True
    assert template["notification_templates_error"]
    assert schedule["rrule"].startswith("DTSTART;TZID=")
    assert " RRULE:FREQ=DAILY;INTERVAL=1" in schedule["rrule"]


@pytest.mark.parametrize("kind", CREDENTIAL_TYPES)
def test_awx_accepts_the_credential_type(kind: dict[str, Any]) -> None:
    fields = kind["inputs"]["fields"]
    ids = [entry["id"] for entry in fields]
    assert len(set(ids)) == len(ids)
    assert "tower" not in ids
    assert set(kind["inputs"]) == {"fields", "required"}
    assert set(kind["inputs"]["required"]) <= set(ids)
    for entry in fields:
        assert VARIABLE_NAME.match(entry["id"])
        assert set(entry) <= {"id", "type", "label", "help_text", "secret", "multiline", "default", "choices", "format", "ask_at_runtime"}
    injectors = kind["injectors"]
    assert set(injectors) <= {"file", "env", "extra_vars"}
    for name in injectors.get("env", {}):
        assert VARIABLE_NAME.match(name)
        assert not name.startswith("ANSIBLE_")
        assert name not in FORBIDDEN_ENVIRONMENT
    for name in injectors.get("extra_vars", {}):
        assert VARIABLE_NAME.match(name)
    assert "template" not in injectors.get("file", {}) or len(injectors["file"]) == 1
    namespace = {**dict.fromkeys(ids, "EXAMPLE"), "tower": files_of(injectors, lambda label: "EXAMPLE_FILENAME")}
    for injector in injectors.values():
        for name, template in injector.items():
            assert template.isascii()
            assert undefined_in(template, namespace) == "", name


@pytest.mark.parametrize("kind", CREDENTIAL_TYPES)
def test_every_field_is_injected_and_every_variable_is_one_that_is_read(kind: dict[str, Any]) -> None:
    templates = [template for injector in kind["injectors"].values() for template in injector.values()]
    for entry in kind["inputs"]["fields"]:
        namespace: dict[str, Any] = {other["id"]: "EXAMPLE" for other in kind["inputs"]["fields"] if other is not entry}
        namespace["tower"] = SimpleNamespace(filename="EXAMPLE_FILENAME")
        assert any(undefined_in(template, namespace) for template in templates), f"{entry['id']} goes nowhere"
    plugin = (COLLECTION / "plugins/connection/exchange.py").read_text(encoding="utf-8")
    for name in kind["injectors"].get("env", {}):
        if name.startswith("EXCHANGE_"):
            assert f"- name: {name}\n" in plugin
    for name in kind["injectors"].get("extra_vars", {}):
        if name.startswith("ansible_"):
            assert f"- name: {name}\n" in plugin


def test_the_check_of_templates_finds_what_awx_refuses() -> None:
    assert undefined_in("{{ passwort }}", {"password": "EXAMPLE"})
    assert undefined_in("{{ tower.filename }}", {"tower": SimpleNamespace()})


def test_the_constructed_inventory_makes_groups_of_the_rings(tmp_path: Path) -> None:
    source = named(configuration()["controller_inventory_sources"], "Auto-created source for: Exchange organizations by ring")
    (tmp_path / "constructed.yml").write_text(yaml.safe_dump(source["source_vars"]), encoding="utf-8")
    controller = Controller(tmp_path, {})
    organizations = AWX / "project/inventory/organizations.yml"
    done = controller.command(
        "ansible-inventory", "-i", str(organizations), "-i", str(tmp_path / "constructed.yml"), "--list", ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS)
    )
    assert done.returncode == 0, done.stderr
    groups = json.loads(done.stdout)
    assert (groups["ring_pilot"]["hosts"], groups["ring_broad"]["hosts"]) == (["contoso"], ["fabrikam"])
    assert groups["exchange_organizations"]["hosts"] == ["contoso", "fabrikam"]
    contoso = groups["_meta"]["hostvars"]["contoso"]
    assert contoso["ansible_connection"] == "m365.message_encryption.exchange"
    # AWX imports what is beside the inventory; what is beside a playbook would not reach a play that the collection brings.
    assert contoso["hardened_baseline_profile"] == "recommended"
