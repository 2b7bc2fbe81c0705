# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of AWX around its jobs: who may launch what, with which variables, what is updated first, slices, and what a
workflow hands on.

Each sentence about AWX names the file and the function of its source, at 24.6.1, that do it. No line of it is AWX's.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from . import warm_start
from .awx import AWX, Done, Inventory, Job, configuration, named, survey_errors, template_variables
from .awx_emulated import Awx
from .awx_notifications import Message, context_of, messages_of
from .playbook import BIN, COLLECTIONS

#: Whoever has Execute on the organization, and admins.
ADMIN = "admin"


class Refused(Exception):
    """What AWX answers instead of launching."""


@dataclass(frozen=True)
class Ended:
    """A job, or all slices of one, or an approval.

    :param artifacts: what later jobs get of it.
    :param done: the jobs that ansible-runner has run.
    """

    status: str
    artifacts: Mapping[str, Any] = field(default_factory=dict)
    done: Sequence[Done] = ()

    @property
    def stdout(self) -> str:
        return "".join(done.stdout for done in self.done)


#: Decides about an approval. Gets what earlier jobs of the workflow have handed over.
Decide = Callable[[Mapping[str, Any]], bool]


class Model:
    """AWX with the objects of extensions/awx and one project.

    :param awx: the emulated organizations.
    :ivar sent: what was mailed.
    :ivar workflow_job: number of the newest workflow job.
    :ivar workflow_status: and how it ended.
    :ivar launched_by: who launches; nobody where a schedule does.
    """

    def __init__(self, awx: Awx) -> None:
        self.awx = awx
        self.objects = configuration()
        self.sent: list[Message] = []
        self.workflow_job = 0
        self.workflow_status = ""
        self.launched_by = "mail-admin"
        self._workflow = "Message encryption - change"
        self.inventories = {item["name"]: Inventory() for item in self.objects["controller_inventories"]}
        self._imports: dict[tuple[tuple[Path, bytes], ...], Inventory] = {}
        self.project = awx.directory / "project"
        shutil.copytree(AWX / "project", self.project)
        self.wishes = self.project / "inventory/group_vars/exchange_organizations.yml"
        self.write_organizations(awx.inventory())

    def write_organizations(self, inventory: Mapping[str, Any]) -> None:
        """Somebody commits other organizations to the project."""
        (self.project / "inventory/organizations.yml").write_text(yaml.safe_dump(dict(inventory)), encoding="utf-8")

    def write_wishes(self, **wishes: Any) -> None:
        """Somebody commits other wishes to the project."""
        self.wishes.write_text(yaml.safe_dump(wishes), encoding="utf-8")

    def slice(self, name: str, count: int) -> None:
        """Somebody gives a job template slices."""
        (template,) = [item for item in self.objects["controller_templates"] if item["name"] == name]
        template["job_slice_count"] = count

    # Launching

    def launch(self, name: str, team: str = ADMIN, *, workflow_job: int = 0, ends_last: int = 0, **given: Any) -> Ended:
        """Launches a job template.

        Who has no Execute on it may not. Variables that neither the template's survey nor ``ask_variables_on_launch``
        asks for are left out, and so are a job type, a limit, tags, an inventory, a branch and credentials that it does
        not ask for: AWX lists them as ignored. A survey's answer that is wrong is refused.

        Source: awx/main/access.py, JobTemplateAccess.can_start; awx/main/models/jobs.py,
        JobTemplate._accept_or_ignore_job_kwargs; awx/api/serializers.py, JobLaunchSerializer.validate.
        """
        template = named(self.objects["controller_templates"], name)
        self._see_role("execute", "job_templates", name, team)
        return self._run(template, accepted(template, given), workflow_job, ends_last)

    def run(self, name: str, variables: Mapping[str, Any], workflow_job: int) -> Ended:
        """Runs a job of a workflow job with variables that no launch would let through, as far as AWX is concerned."""
        return self._run(named(self.objects["controller_templates"], name), variables, workflow_job, 0)

    def launch_workflow(
        self,
        name: str,
        team: str = ADMIN,
        *,
        decide: Decide = lambda handed: True,
        before: Mapping[str, Callable[[], None]] | None = None,
        ends_last: Mapping[str, int] | None = None,
        **given: Any,
    ) -> dict[str, Ended]:
        """Launches a workflow. Gives its nodes that were run, by their identifiers.

        Who has Execute on the workflow may launch it; on its nodes' templates nobody needs it. Variables that it does
        not ask for are refused, where the launch of a job template leaves them out. A node is run when its parents have
        ended and one of them leads to it: by ``always``, or by ``success`` or ``failure`` as it ended. The nodes' jobs
        run one after the other here, as this workflow has them.

        Source: awx/main/access.py, WorkflowJobTemplateAccess.can_start; awx/main/models/workflow.py,
        WorkflowJobTemplate._accept_or_ignore_job_kwargs; awx/main/scheduler/task_manager.py,
        WorkflowManager.spawn_workflow_graph_jobs, which asks nobody's role; awx/main/scheduler/dag_workflow.py,
        WorkflowDAG.bfs_nodes_to_run.

        :param before: what happens just before a node's job is made.
        :param ends_last: which slice of a node's job ends last, where not the last one.
        """
        workflow = named(self.objects["controller_workflows"], name)
        self._see_role("execute", "workflows", name, team)
        taken = accepted(workflow, given)
        if not set(given) <= set(taken):
            raise Refused(f"{sorted(set(given) - set(taken))} are not allowed on launch")
        variables = template_variables(workflow, taken)
        self.workflow_job = number = self.awx.number()
        self._workflow = name
        nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
        ended: dict[str, Ended] = {}
        ancestors: dict[str, dict[str, Any]] = {}
        waiting = [name for name in nodes if not parents_of(nodes, name)]
        while waiting:
            node = waiting.pop(0)
            (before or {}).get(node, lambda: None)()
            ancestors[node] = handed_over(parents_of(nodes, node), ancestors, ended)
            what = nodes[node]["unified_job_template"]
            if what["type"] == "workflow_approval":
                ended[node] = Ended("successful" if decide(ancestors[node]) else "failed")
            else:
                template = named(self.objects["controller_templates"], what["name"])
                # The template is not asked whether it takes them.
                ended[node] = self._run(
                    template, {**ancestors[node], **variables}, number, (ends_last or {}).get(node, 0)
                )
            way = "success_nodes" if ended[node].status == "successful" else "failure_nodes"
            related = nodes[node].get("related", {})
            waiting += [child["identifier"] for child in [*related.get(way, ()), *related.get("always_nodes", ())]]
        self.workflow_status = (
            "failed"
            if any(node.status == "failed" and ends_there(nodes[name]) for name, node in ended.items())
            else "successful"
        )
        self._notify(context_of("workflow_job", name, self.workflow_status, launched_by=self.launched_by))
        return ended

    def bulk_launch(self, team: str, *names: str, **given: Any) -> list[Any]:
        """Launches templates and workflows through /api/v2/bulk/job_launch/. Gives what ``launch`` and
        ``launch_workflow`` give.

        Who has Execute on each of them may, as a member of any organization. A job gets all variables, whatever its
        template asks for. A workflow gets those that it would get from a launch.

        Source: awx/api/serializers.py, BulkJobLaunchSerializer; awx/main/models/workflow.py,
        WorkflowJobNode.get_job_kwargs.
        """
        workflows = {item["name"] for item in self.objects["controller_workflows"]}
        templates = {item["name"] for item in self.objects["controller_templates"]}
        for name in names:
            kinds = [kind for kind, known in (("workflows", workflows), ("job_templates", templates)) if name in known]
            if not any(self.may(team, "execute", kind, name) for kind in kinds):
                raise Refused(f"{team} has no execute on {name}")
        ended: list[Any] = []
        for name in names:
            if self.may(team, "execute", "workflows", name) and name in workflows:
                ended.append(
                    self.launch_workflow(
                        name, team, **accepted(named(self.objects["controller_workflows"], name), given)
                    )
                )
            else:
                ended.append(self._run(named(self.objects["controller_templates"], name), given, self.awx.number(), 0))
        return ended

    def _notify(self, context: Mapping[str, Any]) -> None:
        self.sent += messages_of(
            self.objects, "success" if context["job"]["status"] == "successful" else "error", context
        )

    def may(self, team: str, role: str, kind: str, name: str) -> bool:
        """Whether a team has a role on a job template (``job_templates``) or a workflow (``workflows``)."""
        granted = (
            item for item in self.objects["controller_roles"] if item["role"] == role and name in item.get(kind, ())
        )
        return team == ADMIN or any(team in item["teams"] for item in granted)

    def _see_role(self, role: str, kind: str, name: str, team: str) -> None:
        if not self.may(team, role, kind, name):
            raise Refused(f"{team} has no {role} on {name}")

    def decides(self, team: str, workflow: str) -> Decide:
        """Somebody of a team approves. Who has the role ``approval`` on the workflow may.

        Source: awx/main/access.py, WorkflowApprovalAccess.can_approve_or_deny.
        """

        def decide(_handed: Mapping[str, Any]) -> bool:
            self._see_role("approval", "workflows", workflow, team)
            return True

        return decide

    # A job

    def _run(
        self, template: Mapping[str, Any], variables: Mapping[str, Any], workflow_job: int, ends_last: int
    ) -> Ended:
        """Runs a job, or its slices: no more than the inventory has hosts when the job is made, which is before its
        sources are updated.

        The slices have a workflow job of their own, and that is the one they are told of. What they leave is laid one
        over the other in the order in which they end, those that failed included.

        Source: awx/main/models/jobs.py, JobTemplate.get_effective_slice_ct and JobTemplate.create_unified_job;
        awx/main/models/workflow.py, WorkflowJobNode.get_job_kwargs and WorkflowJob.get_effective_artifacts.
        """
        count = min(template.get("job_slice_count", 1), len(self.inventories[template["inventory"]].hosts))
        if count < 2:
            return self._run_job(template, variables, workflow_job, (0, 1))
        container = self.awx.number()
        with ThreadPoolExecutor(2) as pool:
            slices = list(
                pool.map(
                    lambda number: self._run_job(template, variables, container, (number, count)), range(1, count + 1)
                )
            )
        order = [
            *(number for number in range(count) if number != ends_last - 1),
            *([ends_last - 1] if ends_last else []),
        ]
        artifacts = {name: value for number in order for name, value in slices[number].artifacts.items()}
        failed = any(ended.status != "successful" for ended in slices)
        return Ended("failed" if failed else "successful", artifacts, [done for ended in slices for done in ended.done])

    def _run_job(
        self, template: Mapping[str, Any], variables: Mapping[str, Any], workflow_job: int, slice_: tuple[int, int]
    ) -> Ended:
        """Runs one job, after the project and the sources of its inventory that are updated on launch.

        Only sources of the job's own inventory are looked at: those of the input inventories of a constructed one are
        not. What a job leaves is the last ``set_stats`` of its statistics, whatever its status.

        Source: awx/main/scheduler/task_manager.py, DependencyManager.cache_projects_and_sources and gen_dep_for_job;
        awx/main/tasks/callback.py, RunnerCallback.event_handler.
        """
        self._update(template["inventory"])
        number = self.awx.number()
        job = Job(
            directory=self.awx.directory / f"job-{number}",
            home=self.awx.directory / "home",
            inventory=self.inventories[template["inventory"]],
            credentials=self.awx.credentials(template["name"]),
            template=template["name"],
            job_type=template["job_type"],
            variables=variables,
            project=self.project,
            number=number,
            slice_=slice_,
            workflow_job=workflow_job,
            workflow=self._workflow if slice_[1] == 1 else template["name"],
        )
        done = self.awx.run_job(job)
        self._notify(context_of("job", template["name"], done.status, done.stats, launched_by=self.launched_by))
        return Ended(done.status, done.stats, [done])

    def update_inventory(self) -> None:
        """Somebody updates the sources of all inventories. Before that, a job has no hosts to slice."""
        for inventory in self.inventories:
            self._update(inventory)

    def _update(self, inventory: str) -> None:
        for source in self.objects["controller_inventory_sources"]:
            if source["inventory"] == inventory and source.get("update_on_launch"):
                # The same files give the same hosts, and ansible-inventory takes a second.
                files = tuple((path, path.read_bytes()) for path in sorted(self.project.rglob("*")) if path.is_file())
                if files not in self._imports:
                    self._imports[files] = self._imported(source)
                self.inventories[inventory] = self._imports[files]

    def _imported(self, source: Mapping[str, Any]) -> Inventory:
        """What ansible-inventory lists of a source of the project, with variables where they were said; what was there
        before is overwritten.

        Source: awx/main/tasks/jobs.py, RunInventoryUpdate.build_args and build_env.
        """
        path = self.project / source["source_path"]
        output = self.awx.directory / "listed.json"
        arguments = [str(BIN / "ansible-inventory"), "--list", "--export", "-i", str(path), "--output", str(output)]
        arguments += ["--playbook-dir", str(path if path.is_dir() else path.parent)]
        environment = {
            "PATH": os.pathsep.join([str(BIN), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.awx.directory / "home"),
            **warm_start.INTERPRETER,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_INVENTORY_EXPORT": "True",
        }
        warm_start.run(arguments, cwd=self.project, env=environment, timeout=600).check_returncode()
        listed = json.loads(output.read_text(encoding="utf-8"))
        groups = {name: group for name, group in listed.items() if name not in ("_meta", "all")}
        names = {host for group in groups.values() for host in group.get("hosts", ())}
        return Inventory({host: dict(listed["_meta"]["hostvars"].get(host, {})) for host in sorted(names)}, groups)


def accepted(template: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that a launch takes: the answers to the survey, and others only where the template asks for
    variables.

    Source: awx/main/models/mixins.py, SurveyJobTemplateMixin._accept_or_ignore_variables; a launch of a workflow makes
    an error of the others.
    """
    questions = template.get("survey_spec", {}).get("spec", []) if template.get("survey_enabled") else []
    # A question that has a default is answered by it in the form.
    answers = {question["variable"]: question["default"] for question in questions if question["default"] != ""} | dict(
        given
    )
    errors = [error for question in questions for error in survey_errors(question, answers)]
    if errors:
        raise Refused(", ".join(errors))
    asked = {question["variable"] for question in questions}
    return {name: value for name, value in answers.items() if name in asked or template.get("ask_variables_on_launch")}


def ends_there(node: Mapping[str, Any]) -> bool:
    """Whether a workflow fails if this node does: nothing follows a failure. Source:
    awx/main/scheduler/dag_workflow.py, WorkflowDAG.has_workflow_failed.
    """
    related = node.get("related", {})
    return not related.get("failure_nodes") and not related.get("always_nodes")


def parents_of(nodes: Mapping[str, Mapping[str, Any]], name: str) -> list[str]:
    """The nodes that lead to a node, in the order in which they were made."""
    return [
        parent
        for parent, node in nodes.items()
        if any(child["identifier"] == name for edges in node.get("related", {}).values() for child in edges)
    ]


def handed_over(
    parents: Sequence[str], ancestors: Mapping[str, Mapping[str, Any]], ended: Mapping[str, Ended]
) -> dict[str, Any]:
    """What a node's job gets of earlier ones: what its parents got, and over it what they left. The workflow's own
    variables beat it.

    Source: awx/main/models/workflow.py, WorkflowJobNode.get_job_kwargs.
    """
    found: dict[str, Any] = {}
    for parent in parents:
        found |= ancestors[parent]
        found |= ended[parent].artifacts
    return found
