# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects for AWX are what its modules take, name only what there is, and the credential types are what AWX
accepts.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.m365.message_encryption.plugins.module_utils._baseline.controls.findings import WORDS

from .awx import (
    AWX,
    COLLECTION,
    FORBIDDEN_ENVIRONMENT,
    VARIABLE_NAME,
    configuration,
    files_of,
    load,
    named,
    undefined_in,
)
from .awx_notifications import (
    APPROVAL,
    WorkflowsStop,
    approval_context,
    context_of,
    receivers,
    render,
    render_of_approval,
)
from .playbook import Controller

MODULES = json.loads((Path(__file__).parent / "data/awx_modules.json").read_text(encoding="utf-8"))["modules"]
# The variable of infra.aap_configuration, and the module of awx.awx that makes one of its objects.
MODULE = {
    "controller_credential_types": "credential_type",
    "controller_organizations": "organization",
    "controller_teams": "team",
    "controller_credentials": "credential",
    "controller_execution_environments": "execution_environment",
    "controller_notifications": "notification_template",
    "controller_projects": "project",
    "controller_inventories": "inventory",
    "controller_inventory_sources": "inventory_source",
    "controller_templates": "job_template",
    "controller_workflows": "workflow_job_template",
    "controller_schedules": "schedule",
    "controller_roles": "role",
}
TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "dict": dict,
    "list": list,
    "float": (int, float),
}
OBJECTS = [
    pytest.param(variable, item, id=f"{MODULE.get(variable)}-{item.get('name', number)}")
    for variable, items in configuration().items()
    for number, item in enumerate(items)
]
TEMPLATES = [pytest.param(item, id=item["name"]) for item in configuration()["controller_templates"]]
WORKFLOWS = [pytest.param(item, id=item["name"]) for item in configuration()["controller_workflows"]]
CREDENTIAL_TYPES = [pytest.param(item, id=item["name"]) for item in configuration()["controller_credential_types"]]


def mismatches(options: dict[str, Any], given: dict[str, Any], where: str) -> list[str]:
    """Where an object is not what the module's documentation says."""
    wrong = [
        f"{where}: {name} is required"
        for name, option in options.items()
        if option.get("required") and name not in given
    ]
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
    # What is written with Jinja is of another type here.
    given = {name: value for name, value in item.items() if not str(value).startswith("{{")}
    assert mismatches(MODULES[MODULE[variable]], given, str(item.get("name"))) == []


@pytest.mark.parametrize(("variable", "item"), OBJECTS)
def test_the_playbook_passes_on_all_of_it(variable: str, item: dict[str, Any]) -> None:
    (play,) = load(AWX / "configure.yml")
    tasks = [
        task[f"awx.awx.{MODULE[variable]}"]
        for task in play["tasks"]
        if task["loop"].strip("{} ").partition(" ")[0] == variable
    ]
    passed = {name: value for task in tasks for name, value in task.items()}
    assert set(item) <= set(passed)
    assert all(f"item.{name}" in passed[name] for name in item)


def test_the_playbook_begins_without_a_warning(tmp_path: Path) -> None:
    """As its first comment calls it: with an inventory, and files of variables in which no key is there twice."""
    (play,) = load(AWX / "configure.yml")
    assert "ansible-playbook -i localhost, configure.yml" in (AWX / "configure.yml").read_text(encoding="utf-8")
    controller = Controller(tmp_path, {"all": {"hosts": {"localhost": {"ansible_connection": "local"}}}})
    run = controller.tasks([{"ansible.builtin.include_vars": str(AWX / file)} for file in play["vars_files"]])
    assert run.rc == 0, run.output
    assert "WARNING" not in run.output


def test_whatever_is_named_is_there() -> None:
    objects = configuration()
    names = {variable: {item.get("name") for item in items} for variable, items in objects.items()}
    # AWX has these from the start: awx/main/management/commands/create_preload_data.py, and the managed credential
    # types.
    names["controller_credentials"] |= {"Ansible Galaxy"}
    names["controller_credential_types"] |= {"Source Control", "Container Registry"}
    refers = {
        "organization": "controller_organizations",
        "lookup_organization": "controller_organizations",
        "project": "controller_projects",
        "source_project": "controller_projects",
        "inventory": "controller_inventories",
        "execution_environment": "controller_execution_environments",
        "default_environment": "controller_execution_environments",
        "credential": "controller_credentials",
        "credentials": "controller_credentials",
        "galaxy_credentials": "controller_credentials",
        "credential_type": "controller_credential_types",
        "teams": "controller_teams",
        "job_templates": "controller_templates",
        "workflows": "controller_workflows",
        "notification_templates_success": "controller_notifications",
        "notification_templates_error": "controller_notifications",
        "notification_templates_approvals": "controller_notifications",
    }
    for items in objects.values():
        for item in items:
            for key, variable in refers.items():
                wanted = item.get(key, [])
                assert set(wanted if isinstance(wanted, list) else [wanted]) <= names[variable], (
                    f"{item.get('name')}: {key}"
                )
    for node in (node for workflow in objects["controller_workflows"] for node in workflow["workflow_nodes"]):
        what = node["unified_job_template"]
        assert what["type"] == "workflow_approval" or what["name"] in names["controller_templates"]


@pytest.mark.parametrize("template", [*TEMPLATES, *WORKFLOWS])
def test_a_template_sets_only_variables_that_the_role_knows(template: dict[str, Any]) -> None:
    specs = yaml.safe_load(
        (COLLECTION / "roles/hardened_baseline/meta/argument_specs.yml").read_text(encoding="utf-8")
    )["argument_specs"]
    options = {"exchange_organizations"}.union(*(spec["options"] for spec in specs.values()))
    survey = template.get("survey_spec", {}).get("spec", [])
    assert set(template.get("extra_vars", {})) | {question["variable"] for question in survey} <= options
    for question in survey:
        assert question["type"] in ("text", "multiplechoice", "multiselect")
        if question["type"] == "multiplechoice":
            assert question["default"] in question["choices"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_job_template_runs_a_playbook_of_the_project(template: dict[str, Any]) -> None:
    assert (AWX / "project" / template["playbook"]).is_file()


def edges(workflow: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What follows each node, and when."""
    return {
        node["identifier"]: {
            edge["identifier"]: kind for kind, following in node.get("related", {}).items() for edge in following
        }
        for node in workflow["workflow_nodes"]
    }


def test_the_workflow_applies_only_after_a_person_has_approved() -> None:
    objects = configuration()
    change = named(objects["controller_workflows"], "Message encryption - change")
    assert edges(change) == {
        "audit": {"check": "failure_nodes", "report": "success_nodes"},
        "report": {},
        "check": {"plans": "always_nodes"},
        "plans": {"approval": "success_nodes"},
        "approval": {"apply": "success_nodes", "not_approved": "failure_nodes"},
        "not_approved": {},
        "apply": {},
    }
    nodes = {node["identifier"]: node["unified_job_template"] for node in change["workflow_nodes"]}
    assert nodes["approval"]["type"] == "workflow_approval"
    assert nodes["plans"]["name"] in nodes["approval"]["description"]
    assert named(objects["controller_templates"], nodes["check"]["name"])["job_type"] == "check"
    apply = named(objects["controller_templates"], nodes["apply"]["name"])
    assert (apply["job_type"], apply["job_slice_count"], apply["allow_simultaneous"]) == ("run", 1, False)
    # A change that waits, for a day at most, keeps no other waiting (awx/main/scheduler/dependency_graph.py,
    # DependencyGraph.workflow_job_blocked_by); applies go one after the other (DependencyGraph.job_blocked_by).
    assert change["allow_simultaneous"] is True
    assert 0 < nodes["approval"]["timeout"] <= 86400
    assert "apply" not in str(
        [
            workflow
            for workflow in objects["controller_workflows"]
            if workflow is not change and workflow["name"] != change["name"]
        ]
    )


@pytest.mark.parametrize("template", [*TEMPLATES, *WORKFLOWS])
def test_a_launch_sets_nothing_but_the_answers_to_a_survey(template: dict[str, Any]) -> None:
    module = MODULES["workflow_job_template" if "workflow_nodes" in template else "job_template"]
    asked = {name for name in module if name.startswith("ask_") and template[name]}
    assert asked == set()
    answers = {question["variable"] for question in template.get("survey_spec", {}).get("spec", [])}
    assert not answers & {
        "hardened_baseline_approved_plan",
        "hardened_baseline_require_approval",
        "message_encryption_git_commit",
    }


def test_a_rollback_is_a_workflow_of_one_job_and_so_is_its_preview() -> None:
    workflows = configuration()["controller_workflows"]
    for name, job_type in (("roll back", "run"), ("preview a rollback", "check")):
        (node,) = named(workflows, f"Message encryption - {name}")["workflow_nodes"]
        assert node["unified_job_template"]["name"] == f"Message encryption - {name}"
        assert "job_type" not in node
        template = named(configuration()["controller_templates"], node["unified_job_template"]["name"])
        assert (template["playbook"], template["job_type"]) == ("rollback.yml", job_type)


def test_a_rollback_can_be_given_every_word_that_its_refusal_prints() -> None:
    spec = named(configuration()["controller_workflows"], "Message encryption - roll back")["survey_spec"]["spec"]
    (question,) = [question for question in spec if question["variable"] == "hardened_baseline_accept"]
    assert set(question["choices"]) == set(WORDS)
    assert (question["type"], question["required"], question["default"]) == ("multiselect", False, "")


def test_nobody_is_given_more_than_the_work_needs() -> None:
    objects = configuration()
    assert all(project["allow_override"] is False for project in objects["controller_projects"])
    granted = [
        (role["role"], team, name)
        for role in objects["controller_roles"]
        for team in role["teams"]
        for name in [*role.get("job_templates", ()), *role.get("workflows", ())]
    ]
    change = "Message encryption - change"
    # Execute on the organization would be Execute on each of its templates, and Execute on a template sets any variable
    # through a bulk launch.
    assert not any("organizations" in role or role["role"] == "admin" for role in objects["controller_roles"])
    assert {role["role"] for role in objects["controller_roles"] if "job_templates" in role} == {"read"}
    assert {team for role, team, name in granted if (role, name) == ("execute", change)} == {"Messaging operators"}
    assert {team for role, team, name in granted if (role, name) == ("approval", change)} == {"Messaging approvers"}
    # Who approves can see the plans.
    for name in ("Message encryption - check", "Message encryption - plans"):
        assert ("read", "Messaging approvers", name) in granted
    # What only reads has an application that only reads, and what asks no organization has none.
    credentials = {
        template["name"].rpartition(" - ")[2]: template["credentials"] for template in objects["controller_templates"]
    }
    assert "Exchange application (read only)" in credentials["audit"]
    assert all("Exchange application" not in credentials[name] for name in ("audit", "plans", "report"))


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_inventory_of_a_job_is_imported_when_it_is_launched(template: dict[str, Any]) -> None:
    """AWX updates the sources of the job's own inventory, and not of the inputs of a constructed one.

    Source: awx/main/scheduler/task_manager.py, DependencyManager.cache_projects_and_sources and gen_dep_for_job.
    """
    objects = configuration()
    assert "kind" not in named(objects["controller_inventories"], template["inventory"])
    (source,) = [item for item in objects["controller_inventory_sources"] if item["inventory"] == template["inventory"]]
    assert source["update_on_launch"] is True
    assert (AWX / "project" / source["source_path"]).is_dir()
    assert template["timeout"] > 0


ATTENTION = [
    "contoso: drift: IRM-1 azure_rms_licensing is false, not true",
    "  MFR-2 not met: 'Bank' is refuted.",
]
REPORTED = {
    "hardened_baseline": {
        "run": "20261125T031655Z-baseline-workflow7_x",
        "counts": {"met": 3, "drift": 1},
        "attention": ATTENTION,
    },
    "message_encryption_git_commit": "f" * 40,
    "message_encryption_launch": {"organizations": "ring_pilot", "change": "CHG-4711"},
}
#: What a job may leave: nothing, what the role leaves, and what somebody else's ``set_stats`` may.
ARTIFACTS: list[dict[str, Any]] = [
    {},
    REPORTED,
    {"hardened_baseline": None},
    {"hardened_baseline": "x"},
    {"hardened_baseline": {"counts": "x", "run": None, "attention": 7}, "message_encryption_launch": "x"},
    {"message_encryption_launch": {"change": None}, "message_encryption_reason": None},
]


@pytest.mark.parametrize("name", [item["name"] for item in configuration()["controller_notifications"]])
def test_awx_accepts_the_messages(name: str) -> None:
    """AWX renders them with a job that has no artifacts, and anything undefined is an error; a subject is one line.

    Source: awx/api/serializers.py, NotificationTemplateSerializer.validate_messages; awx/main/models/notifications.py,
    JobNotificationMixin.context_stub.
    """
    for messages in named(configuration()["controller_notifications"], name)["messages"].values():
        assert set(messages) == {"message", "body"}
        assert "\n" not in messages["message"]
        for artifacts in ARTIFACTS:
            assert not any(
                undefined_in(text, context_of("job", "a job", "failed", artifacts)) for text in messages.values()
            )


@pytest.mark.parametrize("name", [item["name"] for item in configuration()["controller_notifications"]])
def test_a_message_is_rendered_for_whatever_sends_it(name: str) -> None:
    """Whoever is given the notification later, AWX's workflows go on."""
    for messages in named(configuration()["controller_notifications"], name)["messages"].values():
        for kind in ("job", "workflow_job", "project_update", "inventory_update"):
            for artifacts in ARTIFACTS if kind == "job" else [{}]:
                texts = [
                    render(text, context_of(kind, "its name", "failed", artifacts, "Its reason."))
                    for text in messages.values()
                ]
                assert all(text.strip() for text in texts)
                assert not any(
                    "None" in text or "unknown" in text or "{" in text for text in texts if artifacts in ({}, REPORTED)
                ), texts
        for status in APPROVAL:
            assert [render_of_approval(text, approval_context(status)) for text in messages.values()]


def test_a_message_says_what_is_known_of_its_sender() -> None:
    body = named(configuration()["controller_notifications"], "Message encryption team")["messages"]["error"]["body"]
    job = render(body, context_of("job", "apply", "failed", REPORTED))
    assert job.splitlines()[:10] == [
        "Change: CHG-4711",
        "Launched by: mail-admin",
        "Asked for: ring_pilot",
        "",
        "contoso: drift: IRM-1 azure_rms_licensing is false, not true",
        "  MFR-2 not met: 'Bank' is refuted.",
        "Organizations: 1 drift, 3 met",
        "Report: runs/20261125T031655Z-baseline-workflow7_x/report.html in the repository",
        f"To show it: git show {'f' * 40}:runs/20261125T031655Z-baseline-workflow7_x/report.html > report.html",
        "",
    ]
    nightly = render(body, context_of("job", "report", "failed", {"hardened_baseline": {}}, launched_by=""))
    assert ("Launched by" in nightly, "Change" in nightly, "left no report" in nightly) == (False, False, True)
    refused = {"message_encryption_reason": "No host matches x.", "message_encryption_launch": {"organizations": "x"}}
    assert "Asked for: x\n\nNo host matches x.\n" in render(body, context_of("job", "plans", "failed", refused))
    workflow = render(body, context_of("workflow_job", "change", "failed", explanation="No error handling paths found"))
    assert "A job of the workflow failed. The workflow shows which." in workflow
    assert "No error handling paths found" in workflow
    assert "The project could not be updated" in render(body, context_of("project_update", "project", "failed"))
    assert "left no report" in render(body, context_of("job", "apply", "failed"))


def test_whatever_ends_a_workflow_in_a_failure_is_told_once() -> None:
    """Each job that can end one notifies, and neither the workflow nor an approval does so again."""
    objects = configuration()
    for workflow in objects["controller_workflows"]:
        assert not any(workflow.get(f"notification_templates_{event}") for event in ("error", "success", "approvals"))
        for node in workflow["workflow_nodes"]:
            kinds = node.get("related", {})
            goes_on = bool(kinds.get("failure_nodes") or kinds.get("always_nodes"))
            if node["unified_job_template"]["type"] == "workflow_approval":
                assert goes_on
                continue
            template = named(objects["controller_templates"], node["unified_job_template"]["name"])
            assert len(template["notification_templates_error"]) == (0 if goes_on else 1), template["name"]


def test_the_model_of_awx_stops_at_a_message_that_awx_cannot_render() -> None:
    for text in (
        "{{ job.artifacts.get('hardened_baseline') }}",
        "{{ job.artifacts.x.y() }}",
        "{{ 'x' | dictsort }}",
        "{{ job",
    ):
        with pytest.raises(WorkflowsStop):
            render(text, context_of("workflow_job", "change", "failed"))


def test_a_job_inherits_no_notification_of_its_project() -> None:
    objects = configuration()
    for template in objects["controller_templates"]:
        for event in ("success", "error"):
            assert receivers(objects, "job", template["name"], event) == template.get(
                f"notification_templates_{event}", []
            )


def test_drift_fails_the_job_that_the_schedule_starts_and_a_failure_notifies() -> None:
    objects = configuration()
    how_often = {"audit": "DAILY", "audit with evidence": "WEEKLY"}
    for schedule, (name, often) in zip(objects["controller_schedules"], how_often.items(), strict=True):
        workflow = named(objects["controller_workflows"], schedule["unified_job_template"])
        # One report of all slices, whatever became of the audit; it tells of drift once.
        assert edges(workflow) == {"audit": {"report": "always_nodes"}, "report": {}}
        jobs = [node["unified_job_template"]["name"] for node in workflow["workflow_nodes"]]
        audit, report = (named(objects["controller_templates"], job) for job in jobs)
        assert jobs == [f"Message encryption - {name}", "Message encryption - report"]
        assert all(template["extra_vars"]["hardened_baseline_fail_on_drift"] is True for template in (audit, report))
        assert bool(audit["extra_vars"].get("hardened_baseline_evidence_days")) is (name == "audit with evidence")
        assert (audit["notification_templates_error"], workflow["notification_templates_error"]) == ([], [])
        assert report["notification_templates_error"]
        assert schedule["rrule"].startswith("DTSTART;TZID=")
        assert f" RRULE:FREQ={often};INTERVAL=1" in schedule["rrule"]


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
        assert set(entry) <= {
            "id",
            "type",
            "label",
            "help_text",
            "secret",
            "multiline",
            "default",
            "choices",
            "format",
            "ask_at_runtime",
        }
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
    experiment = (COLLECTION / "playbooks/experiment.yml").read_text(encoding="utf-8")
    for name in kind["injectors"].get("extra_vars", {}):
        assert f"- name: {name}\n" in plugin or f"({name} |" in experiment
    fetch = (COLLECTION / "roles/hardened_baseline/tasks/fetch_git.yml").read_text(encoding="utf-8")
    for name in kind["injectors"].get("env", {}):
        if name in ("MESSAGE_ENCRYPTION_GIT_URL", "MESSAGE_ENCRYPTION_GIT_BRANCH"):
            assert f"'{name}'" in fetch


def test_the_check_of_templates_finds_what_awx_refuses() -> None:
    assert undefined_in("{{ passwort }}", {"password": "EXAMPLE"})
    assert undefined_in("{{ tower.filename }}", {"tower": SimpleNamespace()})


def test_the_project_brings_groups_of_the_rings(tmp_path: Path) -> None:
    source = named(configuration()["controller_inventory_sources"], "Project")
    controller = Controller(tmp_path, {})
    inventory = AWX / "project" / source["source_path"]
    done = controller.command(
        "ansible-inventory",
        "--list",
        "--export",
        "-i",
        str(inventory),
        "--playbook-dir",
        str(inventory),
        **source["source_vars"],
    )
    assert done.returncode == 0, done.stderr
    groups = json.loads(done.stdout)
    assert (groups["ring_pilot"]["hosts"], groups["ring_broad"]["hosts"]) == (["contoso"], ["fabrikam"])
    assert groups["exchange_organizations"]["hosts"] == ["contoso", "fabrikam"]
    assert groups["exchange_organizations"]["vars"]["ansible_connection"] == "m365.message_encryption.exchange"
    # AWX imports what is beside the inventory; what is beside a playbook would not reach a play that the collection
    # brings.
    assert groups["exchange_organizations"]["vars"]["hardened_baseline_profile"] == "recommended"
