# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX does with the objects of extensions/awx, as far as it can be done without AWX: one job. awx_workflows.py has
what is around it.

Credentials are injected by AWX's rules (its user guide, "Custom Credential Types", and how its releases behave):
templates are rendered in Jinja's immutable sandbox, a field that was not filled in is undefined (a default only fills
in the form), each file is written with mode 0660 below ``env`` of the job's directory and named ``tower.filename``,
extra variables go into a file that ``-e @`` names. Jobs are run by ansible-runner, with which AWX runs them: here, as a
library whose ansible-playbook starts warm, or as its programs, that send the job to another machine.

What else is said of AWX here names the file and the function of its source, at 24.6.1, that do it. No line of it is
AWX's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ansible_runner.runner
import jinja2
import jinja2.sandbox
import yaml
from ansible_runner import Runner, RunnerConfig

from . import warm_start
from .playbook import BIN, COLLECTIONS

COLLECTION = COLLECTIONS / "ansible_collections/m365/message_encryption"
AWX = COLLECTION / "extensions/awx"

#: Variables that AWX refuses in a credential, beside all that begin with ``ANSIBLE_``.
FORBIDDEN_ENVIRONMENT = frozenset(
    [
        "VIRTUAL_ENV",
        "PATH",
        "PYTHONPATH",
        "JOB_ID",
        "INVENTORY_ID",
        "INVENTORY_SOURCE_ID",
        "INVENTORY_UPDATE_ID",
        "AD_HOC_COMMAND_ID",
        "REST_API_URL",
        "REST_API_TOKEN",
        "MAX_EVENT_RES",
        "CALLBACK_QUEUE",
        "CALLBACK_CONNECTION",
        "CACHE",
        "JOB_CALLBACK_DEBUG",
        "INVENTORY_HOSTVARS",
        "AWX_HOST",
        "PROJECT_REVISION",
    ]
)


class _Loader(yaml.CSafeLoader):
    """YAML with Ansible's ``!unsafe``."""


_Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(file: Path) -> Any:
    """What a YAML file of extensions/awx holds."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 (a SafeLoader)


def configuration() -> dict[str, list[dict[str, Any]]]:
    """The objects, by the variables that the roles of infra.aap_configuration take."""
    files = [load(AWX / f"configuration/{name}.yml") for name in ("credential_types", "credentials", "objects")]
    return {variable: items for file in files for variable, items in file.items() if variable.startswith("controller_")}


def named(objects: Iterable[Mapping[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [dict(item) for item in objects if item["name"] == name]
    return found


def files_of(injectors: Mapping[str, Any], path: Any) -> SimpleNamespace:
    """The namespace ``tower`` with a path for each file, from ``path(label)``: one alone, or one of several by its
    label.
    """
    tower = SimpleNamespace()
    for label in injectors.get("file", {}):
        _unused, dot, name = label.partition(".")
        if not dot:
            tower.filename = path(label)
        else:
            if not hasattr(tower, "filename"):
                tower.filename = SimpleNamespace()
            setattr(tower.filename, name, path(label))
    return tower


def inject(kind: Mapping[str, Any], inputs: Mapping[str, Any], directory: Path) -> tuple[dict[str, str], list[str]]:
    """The environment and the arguments of ansible-playbook that a credential gives a job.

    :param kind: the credential type.
    :param inputs: what was filled in.
    :param directory: the job's private data directory.
    """
    fields = kind["inputs"]["fields"]
    assert set(inputs) <= {entry["id"] for entry in fields}
    missing = [name for name in kind["inputs"]["required"] if not inputs.get(name)]
    assert not missing, f"AWX refuses the credential without {missing}"
    namespace: dict[str, Any] = {name: value for name, value in inputs.items() if value != ""}
    sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment()

    def write(content: str, mode: int) -> str:
        handle, path = tempfile.mkstemp(dir=directory / "env")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    injectors = kind["injectors"]
    namespace["tower"] = files_of(
        injectors, lambda label: write(sandbox.from_string(injectors["file"][label]).render(**namespace), 0o660)
    )
    environment = {
        name: sandbox.from_string(template).render(**namespace) for name, template in injectors.get("env", {}).items()
    }
    variables = {
        name: sandbox.from_string(template).render(**namespace)
        for name, template in injectors.get("extra_vars", {}).items()
    }
    return environment, ["-e", f"@{write(yaml.safe_dump(variables), 0o440)}"] if variables else []


REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Inventory:
    """What AWX's database has of an inventory.

    :param hosts: each host's variables.
    :param groups: each group's ``hosts``, ``children`` and ``vars``.
    """

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Inventory:
        """From the form of a YAML inventory, one level deep."""
        inventory = cls()
        for group, content in document.items():
            inventory.groups[group] = {"hosts": list(content["hosts"]), "vars": dict(content.get("vars") or {})}
            for host, variables in content["hosts"].items():
                inventory.hosts.setdefault(host, {}).update(variables or {})
        return inventory

    def slice_hosts(self, number: int, count: int) -> list[str]:
        """A slice has every ``count``-th host by name, beginning with its number.

        Source: awx/main/models/inventory.py, Inventory.get_sliced_hosts, and Inventory.get_script_data for the order.
        """
        return sorted(self.hosts)[number - 1 :: count] if count > 1 and number > 0 else sorted(self.hosts)

    def script(self, number: int = 0, count: int = 1) -> dict[str, Any]:
        """A job's inventory is a program that prints the hosts of the slice, and all groups, with those of their hosts
        that are in it.

        Source: awx/main/models/inventory.py, Inventory.get_script_data, and awx/main/tasks/jobs.py,
        BaseTask.write_inventory_file.
        """
        names = self.slice_hosts(number, count)
        groups = {}
        for name, group in self.groups.items():
            content = {
                "hosts": [host for host in group.get("hosts", ()) if host in names],
                "children": group.get("children"),
                "vars": group.get("vars"),
            }
            groups[name] = {key: value for key, value in content.items() if value}
        grouped = {host for group in self.groups.values() for host in group.get("hosts", ())}
        towers = {
            host: {
                f"remote_{name}_{key}": value
                for name in ("host", "tower")
                for key, value in (("enabled", "true"), ("id", 1))
            }
            for host in names
        }
        return {
            "all": {"hosts": [host for host in names if host not in grouped], "children": [*groups]},
            "_meta": {"hostvars": {host: {**self.hosts[host], **towers[host]} for host in names}},
            **{name: group for name, group in groups.items() if group},
        }


class _UnsafeDumper(yaml.SafeDumper):
    """YAML whose every text, the names included, is Ansible's ``!unsafe``."""

    def represent_data(self, data: Any) -> yaml.Node:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def variables_file(variables: Mapping[str, Any], of_template: Mapping[str, Any]) -> str:
    """A job's extra variables are a file in which all but what the job template says itself is ``!unsafe``, names
    included.

    Source: awx/main/tasks/jobs.py, RunJob.build_extra_vars_file, and awx/main/utils/safe_yaml.py, safe_dump.
    """
    safe = {name for name, value in variables.items() if name in of_template and of_template[name] == value}
    return "".join(
        yaml.dump({name: value}, Dumper=yaml.SafeDumper if name in safe else _UnsafeDumper)
        for name, value in variables.items()
    )


def template_variables(template: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a job: the template's, over them the defaults of its survey where they are valid answers, over
    them what was given.

    Source: awx/main/models/mixins.py, SurveyJobTemplateMixin._update_unified_job_kwargs.
    """
    questions = template.get("survey_spec", {}).get("spec", []) if template.get("survey_enabled") else []
    defaults = {
        question["variable"]: question["default"]
        for question in questions
        if not survey_errors(question, {question["variable"]: question["default"]})
    }
    return {**template.get("extra_vars", {}), **defaults, **given}


def survey_errors(question: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """What AWX has against an answer to a question of the kinds that are used here.

    Source: awx/main/models/mixins.py, SurveyJobTemplateMixin._survey_element_validation.
    """
    name = question["variable"]
    if name not in given:
        return [f"{name} is missing"] if question["required"] else []
    answer = given[name]
    if question["type"] == "multiplechoice":
        return [] if answer in question["choices"] else [f"{name} is none of {question['choices']}"]
    if question["type"] == "multiselect":
        return (
            []
            if isinstance(answer, list) and set(answer) <= set(question["choices"])
            else [f"{name} is no list of {question['choices']}"]
        )
    if not isinstance(answer, str):
        return [f"{name} is no text"]
    return [] if question["min"] <= len(answer) <= question["max"] else [f"{name} is too short or too long"]


@dataclass(frozen=True)
class Done:
    """A finished job.

    :param artifacts: the directory with what ansible-runner recorded.
    """

    rc: int
    status: str
    stdout: str
    artifacts: Path
    events: list[dict[str, Any]]

    @property
    def stats(self) -> dict[str, Any]:
        """What set_stats left, which AWX hands over to the following jobs of a workflow."""
        (final,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(final.get("artifact_data", {}))

    def results(self, action: str) -> list[dict[str, Any]]:
        """The results of a module, as AWX gets them."""
        return [
            event["event_data"]["res"]
            for event in self.events
            if event["event_data"].get("resolved_action") == action and "res" in event["event_data"]
        ]

    def recorded(self) -> str:
        """Everything that AWX keeps of the job. ``command`` is ansible-runner's own record of the environment: AWX
        hides secrets by name there.
        """
        return "\n".join(
            file.read_text(encoding="utf-8")
            for file in sorted(self.artifacts.rglob("*"))
            if file.is_file() and file.name != "command"
        )


@dataclass
class Job:
    """One job: a directory of its own, thrown away afterwards, with a copy of the project.

    :param directory: where the job's private data directory is made.
    :param home: an empty home.
    :param inventory: what AWX's inventory holds.
    :param credentials: each credential's type and its inputs.
    :param template: the job template's name.
    :param job_type: ``run`` or ``check``; that of the template where it is empty.
    :param variables: what a survey, a prompt or an earlier job of the workflow gave; who may give what is not decided
        here.
    :param slice_: number and count of the slice.
    :param workflow_job: number of the workflow job that has it, and 0 where none has.
    :param workflow: name of that workflow job. Of slices, it is the job template's: awx/main/models/jobs.py,
        JobTemplate.create_unified_job.
    """

    directory: Path
    home: Path
    inventory: Inventory
    credentials: Sequence[tuple[str, Mapping[str, Any]]]
    template: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    project: Path = AWX / "project"
    tags: str = ""
    number: int = 1
    slice_: tuple[int, int] = (0, 1)
    workflow_job: int = 0
    workflow: str = "Message encryption - change"
    playbook: str = ""
    job_type: str = ""

    def prepare(self) -> None:
        objects = configuration()
        template = named(objects["controller_templates"], self.template)
        self.playbook = self.playbook or template["playbook"]
        for name in ("env", "inventory"):
            (self.directory / name).mkdir(parents=True)
        shutil.copytree(self.project, self.directory / "project")
        script = self.directory / "inventory/hosts"
        script.write_text(
            f"#!/usr/bin/env python3\nprint({json.dumps(self.inventory.script(*self.slice_))!r})\n", encoding="utf-8"
        )
        script.chmod(0o700)
        environment: dict[str, str] = {}
        arguments = ["--check"] if (self.job_type or template["job_type"]) == "check" else []
        arguments += ["-u", "root"]
        arguments += ["--diff"] if template.get("diff_mode") else []
        arguments += [f"--forks={template['forks']}"] if template.get("forks") else []
        arguments += ["-t", self.tags] if self.tags else []
        for kind, inputs in self.credentials:
            given, more = inject(named(objects["controller_credential_types"], kind), inputs, self.directory)
            environment |= given
            arguments += more
        environment |= {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_FORCE_COLOR": "false",
            # Fewer programs for each of git's tasks. test_awx_git.py runs them without.
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "AWX_HOST": "https://awx.example.com",
            "INVENTORY_ID": "2",
            "JOB_ID": str(self.number),
            "MAX_EVENT_RES": "700000",
            "PROJECT_REVISION": REVISION,
        }
        (self.directory / "env/envvars").write_text(json.dumps(environment), encoding="utf-8")
        (self.directory / "env/cmdline").write_text(" ".join(arguments), encoding="utf-8")
        variables = {**template_variables(template, self.variables), **self._awx_variables()}
        (self.directory / "env/extravars").write_text(
            variables_file(variables, template.get("extra_vars", {})), encoding="utf-8"
        )

    def run(self) -> Done:
        """Run the job here. Its ansible-playbook gets nothing of the tests' own environment, and no terminal."""
        self.prepare()
        config = RunnerConfig(str(self.directory), playbook=self.playbook, ident="job", quiet=True)
        config.prepare()
        asked = json.loads((self.directory / "env/envvars").read_text(encoding="utf-8"))
        given = {name: each for name, each in config.env.items() if name in asked or os.environ.get(name) != each}
        config.env = self._environment() | given
        config.runner_mode = "subprocess"
        Runner(config).run()
        return self._done(self.directory / "artifacts/job")

    def run_elsewhere(self) -> Done:
        """Send the job to another machine and bring back what it did: ansible-runner's transmit, worker and process.

        The other machine has the same path for the job, as the containers have in which AWX runs jobs, and nothing in
        it.
        """
        self.prepare()
        sent = self._runner("transmit", str(self.directory), "-p", self.playbook, "-i", "job")
        assert sent.returncode == 0, sent.stderr
        here = self.directory.with_name(f"{self.directory.name}-here")
        self.directory.rename(here)
        worked = self._runner("worker", "--private-data-dir", str(self.directory), given=sent.stdout)
        shutil.rmtree(self.directory, ignore_errors=True)
        self._runner("process", str(here), "-i", "job", given=worked.stdout)
        return self._done(here / "artifacts/job")

    def _awx_variables(self) -> dict[str, Any]:
        """What AWX tells each job of itself, under both names; of slices it tells nothing.

        Source: awx/main/models/unified_jobs.py, UnifiedJob.awx_meta_vars, and awx/main/models/jobs.py,
        Job.awx_meta_vars.
        """
        said = {
            "job_id": self.number,
            "job_launch_type": "workflow" if self.workflow_job else "manual",
            "job_template_id": 7,
            "job_template_name": self.template,
            "project_revision": REVISION,
            "project_scm_branch": "main",
            "inventory_id": 2,
            "inventory_name": "Exchange organizations",
            "user_id": 1,
            "user_name": "mail-admin",
            "user_email": "mail-admin@example.com",
        }
        if self.workflow_job:
            said |= {
                "workflow_job_id": self.workflow_job,
                "workflow_job_name": self.workflow,
                "workflow_job_launch_type": "manual",
            }
        return {f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in said.items()}

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(BIN), "/usr/local/bin", "/usr/bin", "/bin"])
        return {"PATH": path, "HOME": str(self.home), **warm_start.INTERPRETER}

    def _runner(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [str(BIN / "ansible-runner"), *arguments],
            cwd=self.home,
            env=self._environment(),
            input=given,
            capture_output=True,
            timeout=600,
            check=False,
        )

    def _done(self, artifacts: Path) -> Done:
        assert (artifacts / "status").exists(), self.directory
        stdout = (artifacts / "stdout").read_text(encoding="utf-8")
        assert "Traceback (most recent call last)" not in stdout, stdout
        events = [
            {"event_data": {}, **json.loads(file.read_text(encoding="utf-8"))}
            for file in (artifacts / "job_events").glob("*.json")
        ]
        return Done(
            int((artifacts / "rc").read_text(encoding="utf-8")),
            (artifacts / "status").read_text(encoding="utf-8"),
            stdout,
            artifacts,
            sorted(events, key=lambda event: int(event["counter"])),
        )


def _warm(
    command: Sequence[str], *, cwd: str, env: Mapping[str, str], **_pipes: Any
) -> subprocess.CompletedProcess[str]:
    """What ansible-runner calls instead of ``subprocess.run``. In a terminal, both streams are one."""
    assert warm_start.serves(env), env
    done = warm_start.run([str(BIN / command[0]), *command[1:]], cwd=Path(cwd), env=env, timeout=600)
    done.stdout, done.stderr = done.stdout + done.stderr, ""
    done.check_returncode()
    return done


ansible_runner.runner.run_subprocess = _warm


def undefined_in(template: str, namespace: Mapping[str, Any]) -> str:
    """What AWX would object to when a credential type with this template is saved; empty where it accepts it."""
    try:
        jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined).from_string(template).render(
            namespace
        )
    except jinja2.TemplateError as error:
        return str(error)
    return ""


VARIABLE_NAME = re.compile(r"^[a-zA-Z_]+[a-zA-Z0-9_]*$")
