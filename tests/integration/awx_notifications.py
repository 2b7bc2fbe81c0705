# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX mails, to whom, and what becomes of a message that it cannot render.

Each sentence about AWX names the file and the function of its source, at 24.6.1, that do it. No line of it is AWX's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import jinja2.sandbox

from .awx import named

#: What a message may name of every kind of job. Source: awx/main/models/notifications.py,
#: JobNotificationMixin.JOB_FIELDS_ALLOWED_LIST.
_OF_ALL = {
    "id": 7,
    "type": "",
    "url": "/api/v2/",
    "name": "",
    "description": "",
    "launch_type": "manual",
    "status": "",
    "failed": True,
    "elapsed": 1.5,
}
_OF_ALL |= {
    "created": "2026-11-25T03:16:55Z",
    "modified": "2026-11-25T03:16:55Z",
    "started": None,
    "finished": None,
    "job_explanation": "",
}
_OF_ALL |= {"execution_node": "", "controller_node": "", "host_status_counts": None}
#: What only some kinds have: awx/api/serializers.py, JobSerializer, WorkflowJobSerializer, ProjectUpdateSerializer and
#: InventoryUpdateSerializer.
_OF_KIND: dict[str, dict[str, Any]] = {
    "job": {
        "job_type": "run",
        "playbook": "",
        "forks": 0,
        "limit": "",
        "scm_branch": "",
        "scm_revision": "",
        "diff_mode": False,
        "job_slice_number": 0,
    }
    | {"job_slice_count": 1, "artifacts": {}},
    "workflow_job": {"limit": None, "scm_branch": None, "allow_simultaneous": True},
    "project_update": {"job_type": "check", "scm_branch": "main", "scm_revision": "", "timeout": 600},
    "inventory_update": {"scm_branch": "", "timeout": 600},
}
_FRIENDLY = {
    "job": "Job",
    "workflow_job": "Workflow Job",
    "project_update": "Project Update",
    "inventory_update": "Inventory Update",
}
#: The messages of an approval: awx/main/models/workflow.py, WorkflowApproval.send_approval_notification.
APPROVAL = ("running", "approved", "denied", "timed_out")


class WorkflowsStop(Exception):
    """What the workflow manager ends with, on every pass from then on, so that no workflow goes on."""


@dataclass(frozen=True)
class Message:
    """A mail.

    :param template: the notification's name.
    """

    template: str
    sender: str
    subject: str
    body: str


def context_of(
    kind: str,
    name: str,
    status: str,
    artifacts: Mapping[str, Any] | None = None,
    explanation: str = "",
    launched_by: str = "mail-admin",
) -> dict[str, Any]:
    """What a message is rendered with: of the job only what its kind has. Only a job has artifacts.

    A workflow's jobs are created by whoever launched it, and those of a schedule by nobody: awx/main/models/workflow.py,
    WorkflowJobNode.get_job_kwargs.

    Source: awx/main/models/notifications.py, JobNotificationMixin.context, and awx/api/serializers.py,
    UnifiedJobSerializer.to_representation.
    """
    job = {**_OF_ALL, **_OF_KIND[kind], "type": kind, "name": name, "status": status, "job_explanation": explanation}
    job["summary_fields"] = {"created_by": {"username": launched_by}} if launched_by else {}
    if kind == "job":
        job["artifacts"] = dict(artifacts or {})
    return {
        "job": job,
        "job_friendly_name": _FRIENDLY[kind],
        "url": "https://awx.example.com/#/jobs/7",
        "job_metadata": "{}",
    }


def approval_context(status: str) -> dict[str, Any]:
    """What a message of an approval is rendered with. There is no job.

    Source: awx/main/models/workflow.py, WorkflowApproval.context.
    """
    return {
        "approval_status": status,
        "approval_node_name": "Approve the plans",
        "workflow_url": "https://awx.example.com/#/jobs/workflow/7",
        "job_metadata": "{}",
    }


def render(text: str, context: Mapping[str, Any]) -> str:
    """The text of a job's message. Where Jinja has an error, the handler of AWX has one, too, which nothing catches.

    Source: awx/main/models/notifications.py, JobNotificationMixin.build_notification_message, which looks for
    ``replace`` in a list; awx/main/scheduler/task_manager.py, WorkflowManager.spawn_workflow_graph_jobs, in which it
    ends the pass.
    """
    try:
        return (
            jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.ChainableUndefined)
            .from_string(text)
            .render(**context)
        )
    except Exception as error:
        raise WorkflowsStop(str(error)) from error


def render_of_approval(text: str, context: Mapping[str, Any]) -> str:
    """The text of an approval's message; empty where Jinja has an error. Source: awx/main/models/workflow.py,
    build_approval_notification_message.
    """
    try:
        return jinja2.sandbox.ImmutableSandboxedEnvironment().from_string(text).render(**context)
    except (jinja2.TemplateSyntaxError, jinja2.UndefinedError, jinja2.sandbox.SecurityError):
        return ""


def receivers(objects: Mapping[str, Sequence[Mapping[str, Any]]], kind: str, name: str, event: str) -> list[str]:
    """The notifications that are sent. A job has those of its template and those of its project, each slice its own,
    and a slices' workflow job none.

    Source: awx/main/models/jobs.py, JobTemplate.notification_templates; awx/main/models/workflow.py,
    WorkflowJobTemplate.notification_templates and WorkflowJob.get_notification_templates; awx/main/models/projects.py,
    Project.notification_templates.

    :param event: ``started``, ``success``, ``error`` or ``approvals``.
    """
    variable = {
        "job": "controller_templates",
        "workflow_job": "controller_workflows",
        "project_update": "controller_projects",
    }[kind]
    item = named(objects[variable], name)
    senders = [item] + ([named(objects["controller_projects"], item["project"])] if kind == "job" else [])
    return sorted({template for sender in senders for template in sender.get(f"notification_templates_{event}", ())})


def messages_of(
    objects: Mapping[str, Sequence[Mapping[str, Any]]], event: str, context: Mapping[str, Any]
) -> list[Message]:
    """What AWX mails of a job that has ended. Where the notification has no text, AWX has one."""
    job = context["job"]
    found = []
    for name in receivers(objects, job["type"], job["name"], event):
        texts = named(objects["controller_notifications"], name).get("messages", {}).get(event, {})
        subject, body = (render(texts.get(part, "AWX's own"), context) for part in ("message", "body"))
        found.append(Message(name, job["name"], subject, body))
    return found
